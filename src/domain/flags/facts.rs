//! What a rule may look at. Facts only: nothing here is judged.

use std::collections::BTreeSet;

use super::{Kind, Limit, Limits};
use crate::domain::{
    history::PastRow,
    plan::{Facility, State},
    quarter::Quarter,
    total::Part,
    value::Number,
};

/// What a rule may look at: one cell with what is behind it and beside it.
pub struct Facts<'a> {
    /// The plan's quarter.
    pub quarter: Quarter,
    /// The facility.
    pub facility: &'a Facility,
    /// The day the organisation unit was closed, where that was before the quarter.
    pub unit_closed: Option<&'a str>,
    /// Names of other open cases with the same organisation unit.
    pub twins: &'a [&'a str],
    /// The rows behind the cell.
    pub parts: &'a [Part],
    /// How many months of the quarter have rows, and of how many, where the number is made of months.
    pub months: Option<(usize, usize)>,
    /// Value type of the data element; empty where it is not known.
    pub value_type: &'a str,
    /// How DHIS2 adds the data element up, such as `SUM`; empty where it is not known.
    pub aggregation_type: &'a str,
    /// Whether the category options of the data element are not meant to be added up (`skipTotal`).
    pub skip_total: bool,
    /// The category option combos the data element can have; `None` where the server does not say.
    pub options: Option<&'a BTreeSet<String>>,
    /// The earlier quarter the number is from, where it is.
    pub older: Option<Quarter>,
    /// What stands behind the number.
    pub state: State,
    /// What kind of number the property holds.
    pub kind: Kind,
    /// The thresholds.
    pub limits: &'a Limits,
    /// The number proposed.
    pub held: &'a str,
    /// What the case holds; `None` where the property was never set.
    pub old: Option<&'a str>,
    /// What this program wrote there last time, where it is known.
    pub ours: Option<&'a str>,
    /// The report the number was sent on.
    pub report: Report<'a>,
    /// Rows of the data element in an earlier quarter that hold a value; none where that quarter is not known.
    pub past: &'a dyn Fn(Quarter) -> Vec<PastRow<'a>>,
    /// Totals of the quarters before, newest first; `None` where nothing was reported.
    pub recent: &'a [Option<f64>],
    /// Name of an option combo by its id.
    pub option_name: &'a dyn Fn(&str) -> String,
    /// Whether an option combo is that of no category, by its id.
    pub is_default: &'a dyn Fn(&str) -> bool,
}

/// The report of a facility, data set and quarter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report<'a> {
    /// Whether it is registered complete; `None` where that is not known.
    pub complete: Option<bool>,
    /// When it was registered, as DHIS2 wrote it: a day, or a local date and time.
    pub date: Option<&'a str>,
    /// Days after the end of the quarter by which it is in time; `None` where the server does not say.
    pub timely_days: Option<f64>,
}

/// A row that holds a number, with the number.
pub type Row<'a> = (&'a Part, Number);

impl<'a> Facts<'a> {
    /// A threshold.
    pub fn limit(&self, limit: Limit) -> f64 {
        self.limits.get(limit)
    }

    /// The rows that hold a number: read once, since every rule looks at the same.
    pub fn rows(&self) -> Vec<Row<'a>> {
        self.parts.iter().filter_map(|part| Some((part, Number::parse(part.value.as_deref()?)?))).collect()
    }
}

/// Facts of a cell of this facility about which nothing else is known, for tests of rules.
#[cfg(test)]
pub(super) fn nothing(facility: &Facility) -> Facts<'_> {
    static LIMITS: std::sync::LazyLock<Limits> = std::sync::LazyLock::new(Limits::default);
    Facts {
        kind: Kind::Flow,
        limits: &LIMITS,
        quarter: Quarter::parse("2026Q2").unwrap(),
        facility,
        unit_closed: None,
        twins: &[],
        parts: &[],
        months: None,
        value_type: "",
        aggregation_type: "",
        skip_total: false,
        options: None,
        older: None,
        state: State::Reported,
        held: "",
        old: None,
        ours: None,
        report: Report::default(),
        past: &|_| Vec::new(),
        recent: &[],
        is_default: &|id| id == "d",
        option_name: &|id| if id == "d" { "default".to_owned() } else { format!("name of {id}") },
    }
}
