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
        let text = NOT_NUMBERS.contains(&value_type);
        let mut sum: Option<Number> = None;
        for value in parts.into_iter().filter_map(|part| part.value.as_deref()).filter(|v| !v.is_empty()) {
            match Number::parse(value).filter(|_| !text) {
                Some(number) => *sum.get_or_insert_default() += number,
                None => return Self::Text(value.to_owned()),
            }
        }
        sum.map_or(Self::Nothing, Self::Sum)
    }

    /// The state it gives its cell and the text proposed. `siblings` says whether other data elements of the data set have
    /// rows for this facility and quarter (data-quality-flags.md section 1).
    pub fn state(&self, siblings: bool) -> (State, Option<String>) {
        match self {
            Self::Sum(sum) if sum.is_zero() => (State::ReportedZero, Some(sum.to_string())),
            Self::Sum(sum) => (State::Reported, Some(sum.to_string())),
            Self::Text(text) => (State::NonNumeric, Some(text.clone())),
            Self::Nothing if siblings => (State::BlankInReport, None),
            Self::Nothing => (State::NotReported, None),
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
        let (state, new) =
            Total::of("INTEGER", &parts(&[Some("3.5"), Some("1E1"), Some("-0"), None, Some("")])).state(true);
        assert_eq!((state, new.as_deref()), (State::Reported, Some("13.5")));
    }

    #[test]
    fn no_value_is_never_zero() {
        assert_eq!(Total::of("INTEGER", &parts(&[None, Some("")])).state(false), (State::NotReported, None));
        assert_eq!(Total::of("INTEGER", &[]).state(true), (State::BlankInReport, None));
        assert_eq!(
            Total::of("INTEGER", &parts(&[Some("0.0")])).state(false),
            (State::ReportedZero, Some("0".to_owned()))
        );
    }

    #[test]
    fn one_text_blocks_the_cell_and_is_kept() {
        let (state, new) = Total::of("INTEGER", &parts(&[Some("3"), Some("12 (est)")])).state(false);
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
            let (state, new) = Total::of(value_type, &parts(&[None, Some("265999"), Some("1")])).state(true);
            assert_eq!((state, new.as_deref()), expected, "{value_type}");
        }
        assert_eq!(Total::of("TEXT", &parts(&[None])).state(false), (State::NotReported, None));
    }
}
