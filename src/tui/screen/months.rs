//! The rows behind a value in words; and a value that is made of months: what it says of itself in the detail, and which of its rows
//! count (data-quality-flags.md section 2.1).

use std::collections::BTreeSet;

use crate::{
    domain::{
        finer::{MONTHS, Way},
        plan::{Cell, Plan},
        text::inert,
        value::{Number, grouped},
    },
    job::report::PartLine,
    tui::parts::cut,
};

/// How a value was made of months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    /// `sum of 3 months`
    pub(super) words: String,
    way: Way,
    /// The last month with a value.
    last: String,
}

impl Made {
    /// How the value of this cell was made, of these rows; `None` where it was not made of months or none of them has a value.
    pub(super) fn of(plan: &Plan, cell: Cell, parts: &[PartLine]) -> Option<Self> {
        let property = plan.property(cell.property);
        let chosen = plan.head.choices.get(&property.data_set)?;
        let way = plan.head.unfit(&property.data_set)?.way(&property.data_element, chosen)?;
        let with = parts.iter().filter(|part| part.value.as_deref().is_some_and(|value| !value.is_empty()));
        let months: BTreeSet<&str> = with.filter_map(|part| part.period.as_deref()).collect();
        let last = (*months.last()?).to_owned();
        let of = if months.len() < MONTHS {
            format!("{} of {MONTHS} months", months.len())
        } else {
            format!("{MONTHS} months")
        };
        let words = match way {
            Way::Sum => format!("sum of {of}"),
            Way::Average => format!("average of {of}"),
            Way::Last if months.len() < MONTHS => format!("last of {of}: {last}"),
            Way::Last => format!("last month, {last}"),
        };
        Some(Self { words, way, last })
    }

    /// Whether a row is a part of the value, so that its share of it says something.
    pub(super) fn is_part(&self, part: &PartLine) -> bool {
        match self.way {
            Way::Sum => true,
            Way::Last => part.period.as_deref() == Some(self.last.as_str()),
            Way::Average => false,
        }
    }
}

/// Name of a category option, after its month where it has one, with its attribute option where that is not the default one.
pub(super) fn part_name(part: &PartLine) -> String {
    let month = part.period.as_deref().map(|month| format!("{} ", inert(month))).unwrap_or_default();
    match &part.attribute {
        Some(attribute) => format!("{month}{} / {}", inert(&part.name), inert(attribute)),
        None if is_month(part) => month.trim_end().to_owned(),
        None => format!("{month}{}", inert(&part.name)),
    }
}

/// Whether a row is all there is of its month.
pub(super) fn is_month(part: &PartLine) -> bool {
    part.period.is_some() && part.attribute.is_none() && part.name == "default"
}

/// The stored value, grouped where it is a number, in quotes where it is not.
pub(super) fn part_value(part: &PartLine) -> String {
    match part.value.as_deref() {
        None => "-".to_owned(),
        Some(value) if Number::parse(value).is_some() => grouped(value.trim()),
        Some(value) => format!("\"{}\"", cut(&inert(value), 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        finer::{Choice, Unfit},
        plan::{Property, sample},
    };

    fn plan(aggregation: &str) -> Plan {
        let property = Property { data_element: "e".to_owned(), data_set: "s".to_owned(), ..Property::default() };
        let first = sample(1, 1, |_| {});
        let mut head = first.head.clone();
        head.finer = vec![Unfit::of(("s", ""), "Monthly", &[("e", aggregation)], [true; MONTHS])];
        head.choices.insert("s".to_owned(), Choice::Ways([Way::Sum, Way::Last, Way::Average].into()));
        Plan::draft(head, first.facilities().to_vec(), vec![property]).finish()
    }

    fn parts(values: [&str; 3]) -> Vec<PartLine> {
        let part = |(month, value): (&str, &str)| PartLine {
            period: Some(month.to_owned()),
            value: Some(value.to_owned()),
            ..PartLine::default()
        };
        ["202604", "202605", "202606"].into_iter().zip(values).map(part).collect()
    }

    #[test]
    fn a_value_of_months_says_how_many_and_which_count() {
        let cell = Cell { facility: 0, property: 0 };
        for (aggregation, values, words, counted) in [
            ("SUM", ["1", "2", "3"], Some("sum of 3 months"), [true; 3]),
            ("SUM", ["1", "", "3"], Some("sum of 2 of 3 months"), [true; 3]),
            ("LAST", ["1", "2", "3"], Some("last month, 202606"), [false, false, true]),
            ("LAST", ["1", "2", ""], Some("last of 2 of 3 months: 202605"), [false, true, false]),
            ("AVERAGE", ["1", "2", "3"], Some("average of 3 months"), [false; 3]),
            ("SUM", ["", "", ""], None, [false; 3]),
            ("MAX", ["1", "2", "3"], None, [false; 3]),
        ] {
            let parts = parts(values);
            let made = Made::of(&plan(aggregation), cell, &parts);
            assert_eq!(made.as_ref().map(|made| made.words.as_str()), words, "{aggregation} {values:?}");
            let is = [0, 1, 2].map(|at| made.as_ref().is_some_and(|made| made.is_part(&parts[at])));
            assert_eq!(is, counted, "{aggregation} {values:?}");
        }
        let mut open = plan("SUM");
        open.head.choices.clear();
        assert_eq!(Made::of(&open, cell, &parts(["1", "2", "3"])), None);
    }
}
