//! From the rows of one data element, facility and quarter to the number proposed. Says nothing about how odd it looks.

use serde::{Deserialize, Serialize};

use super::{plan::State, value::Number};

/// Value types that hold no number (dhis2.md section 5). A type that is not known here is judged by its rows.
const NOT_NUMBERS: [&str; 21] = [
    "AGE",
    "BOOLEAN",
    "COORDINATE",
    "DATE",
    "DATETIME",
    "EMAIL",
    "FILE_RESOURCE",
    "GEOJSON",
    "IMAGE",
    "LETTER",
    "LONG_TEXT",
    "MULTI_TEXT",
    "ORGANISATION_UNIT",
    "PHONE_NUMBER",
    "REFERENCE",
    "TEXT",
    "TIME",
    "TRACKER_ASSOCIATE",
    "TRUE_ONLY",
    "URL",
    "USERNAME",
];

/// Whether a value type holds numbers; one that is not known here may (dhis2.md section 5).
pub fn is_number(value_type: &str) -> bool {
    !NOT_NUMBERS.contains(&value_type)
}

/// One row of a data element: a slice by category option combo and attribute option combo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Data element id.
    pub data_element: String,
    /// Category option combo id.
    pub category_option_combo: String,
    /// Attribute option combo id.
    pub attribute_option_combo: String,
    /// The stored text; `None` for a row that holds only a comment.
    pub value: Option<String>,
    /// What the clerk wrote beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Who entered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_by: Option<String>,
    /// When it was last changed, as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<String>,
    /// Marked for follow-up in DHIS2.
    #[serde(default)]
    pub follow_up: bool,
    /// ISO period, where it is a finer one inside the plan's quarter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
}

/// What is known of a cell beside its rows. `None` is not known, which never makes a zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About<'a> {
    /// Value type of the data element; empty where it is not known.
    pub value_type: &'a str,
    /// How DHIS2 adds the data element up; empty where it is not known.
    pub aggregation_type: &'a str,
    /// Whether DHIS2 keeps a 0 of it.
    pub zero_is_significant: Option<bool>,
    /// Whether the data set is assigned to the organisation unit.
    pub assigned: Option<bool>,
    /// Whether the report is registered complete.
    pub complete: Option<bool>,
    /// Whether the report has a value of any data element.
    pub siblings: bool,
    /// Whether there was a row that was deleted.
    pub deleted: bool,
}

impl About<'_> {
    /// Why there is no number, in the order of data-quality-flags.md section 1.
    fn absence(&self) -> State {
        let is_average = matches!(self.aggregation_type, "AVERAGE" | "AVERAGE_SUM_ORG_UNIT");
        let drops_zero = self.zero_is_significant == Some(false) && !self.aggregation_type.is_empty() && !is_average;
        let is_complete = self.complete == Some(true);
        if self.assigned == Some(false) {
            State::NotAssigned
        } else if is_complete && drops_zero {
            State::ZeroNotStored
        } else if self.deleted {
            State::Deleted
        } else if self.siblings || is_complete {
            State::BlankInReport
        } else {
            State::NotReported
        }
    }
}

/// What the rows add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Total {
    /// No row holds a value.
    Nothing,
    /// The exact sum of all rows.
    Sum(Number),
    /// At least one row is not a number, or the data element does not hold numbers; this is the first such text.
    Text(String),
}

impl Total {
    /// Adds up every row that holds a value, over all category and attribute option combos (dhis2.md section 0, fact 10).
    /// Digits in a data element of another kind, such as a telephone number, are text (data-quality-flags.md section 1).
    pub fn of<'a>(value_type: &str, parts: impl IntoIterator<Item = &'a Part>) -> Self {
        let text = !is_number(value_type);
        let mut sum: Option<Number> = None;
        for value in parts.into_iter().filter_map(|part| part.value.as_deref()).filter(|v| !v.is_empty()) {
            match Number::parse(value).filter(|_| !text) {
                Some(number) => *sum.get_or_insert_default() += number,
                None => return Self::Text(value.to_owned()),
            }
        }
        sum.map_or(Self::Nothing, Self::Sum)
    }

    /// The state it gives its cell, and the number or text held (data-quality-flags.md section 1).
    pub fn state(&self, about: &About<'_>) -> (State, Option<String>) {
        match self {
            Self::Sum(sum) if sum.is_zero() => (State::ReportedZero, Some(sum.to_string())),
            Self::Sum(sum) => (State::Reported, Some(sum.to_string())),
            Self::Text(text) => (State::NonNumeric, Some(text.clone())),
            Self::Nothing if !is_number(about.value_type) => (State::NonNumeric, None),
            Self::Nothing => (about.absence(), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(values: &[Option<&str>]) -> Vec<Part> {
        values.iter().map(|v| Part { value: v.map(str::to_owned), ..Part::default() }).collect()
    }

    #[test]
    fn all_slices_are_added() {
        let about = About::default();
        let (state, new) =
            Total::of("INTEGER", &parts(&[Some("3.5"), Some("1E1"), Some("-0"), None, Some("")])).state(&about);
        assert_eq!((state, new.as_deref()), (State::Reported, Some("13.5")));
    }

    #[test]
    fn no_value_is_never_zero() {
        let report = About { siblings: true, ..About::default() };
        let of = |values: &[Option<&str>], about: &About<'_>| Total::of("INTEGER", &parts(values)).state(about);
        assert_eq!(of(&[None, Some("")], &About::default()), (State::NotReported, None));
        assert_eq!(of(&[], &report), (State::BlankInReport, None));
        assert_eq!(of(&[Some("0.0")], &About::default()), (State::ReportedZero, Some("0".to_owned())));
    }

    #[test]
    fn absences_have_their_names_in_order() {
        let all = About {
            value_type: "INTEGER",
            aggregation_type: "SUM",
            zero_is_significant: Some(false),
            assigned: Some(false),
            complete: Some(true),
            siblings: true,
            deleted: true,
        };
        let (yes, no) = (Some(true), Some(false));
        for (about, state) in [
            (all, State::NotAssigned),
            (About { assigned: yes, ..all }, State::ZeroNotStored),
            (About { assigned: None, ..all }, State::ZeroNotStored),
            (About { assigned: None, complete: no, ..all }, State::Deleted),
            (About { assigned: None, complete: None, ..all }, State::Deleted),
            (About { assigned: None, zero_is_significant: yes, ..all }, State::Deleted),
            (About { assigned: None, zero_is_significant: None, ..all }, State::Deleted),
            (About { assigned: None, aggregation_type: "AVERAGE_SUM_ORG_UNIT", ..all }, State::Deleted),
            (About { assigned: None, aggregation_type: "AVERAGE", deleted: false, ..all }, State::BlankInReport),
            (About { assigned: None, aggregation_type: "", deleted: false, ..all }, State::BlankInReport),
            (
                About { assigned: None, zero_is_significant: yes, deleted: false, siblings: false, ..all },
                State::BlankInReport,
            ),
            (About { assigned: None, complete: no, deleted: false, ..all }, State::BlankInReport),
            (About { assigned: None, complete: no, deleted: false, siblings: false, ..all }, State::NotReported),
            (About::default(), State::NotReported),
            (About { value_type: "TEXT", ..all }, State::NonNumeric),
        ] {
            assert_eq!(Total::Nothing.state(&about), (state, None), "{about:?}");
            // Rows beat every absence.
            let rows = Total::of("INTEGER", &parts(&[Some("7")]));
            assert_eq!(rows.state(&about), (State::Reported, Some("7".to_owned())));
        }
    }

    #[test]
    fn one_text_blocks_the_cell_and_is_kept() {
        let (state, new) = Total::of("INTEGER", &parts(&[Some("3"), Some("12 (est)")])).state(&About::default());
        assert_eq!((state, new.as_deref()), (State::NonNumeric, Some("12 (est)")));
    }

    #[test]
    fn digits_of_another_kind_are_text() {
        for (value_type, expected) in [
            ("PHONE_NUMBER", (State::NonNumeric, Some("265999"))),
            ("TRUE_ONLY", (State::NonNumeric, Some("265999"))),
            ("NUMBER", (State::Reported, Some("266000"))),
            ("PERCENTAGE", (State::Reported, Some("266000"))),
            ("", (State::Reported, Some("266000"))),
            ("OF_A_LATER_VERSION", (State::Reported, Some("266000"))),
        ] {
            let (state, new) =
                Total::of(value_type, &parts(&[None, Some("265999"), Some("1")])).state(&About::default());
            assert_eq!((state, new.as_deref()), expected, "{value_type}");
        }
    }

    #[test]
    fn no_absence_reads_as_a_number() {
        let words: Vec<&str> = State::ALL.into_iter().filter(|state| !state.proposes()).map(State::words).collect();
        assert_eq!(
            words,
            [
                "(0?)",
                "blank",
                "not reported",
                "not collected here",
                "deleted in DHIS2",
                "not a number",
                "not a quarterly data set",
                "no permission",
                "could not fetch",
                "changed since",
                "not written by the review",
            ]
        );
        let numbers = [State::Reported, State::ReportedZero, State::OlderQuarter].map(State::words);
        assert_eq!(numbers, ["reported", "reported", "from an earlier quarter"]);
        assert_eq!(State::Restored.words(), "the value before");
    }
}
