//! What was reported for a cell in earlier quarters, and what is usual. Never a proposal: a quarter that is not the plan's
//! explains a number, it does not replace one.

use serde::{Deserialize, Serialize};

use super::{quarter::Quarter, value::Number};

/// How many earlier quarters are read: two of each season.
pub const QUARTERS: usize = 8;

/// One row of an earlier quarter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastPart {
    /// Category option combo id.
    pub category_option_combo: String,
    /// Attribute option combo id.
    pub attribute_option_combo: String,
    /// The stored text.
    pub value: String,
}

/// One earlier quarter of a facility and data element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Which.
    pub quarter: Quarter,
    /// Its rows that hold a value, in a fixed order.
    pub parts: Vec<PastPart>,
}

impl Past {
    /// The exact sum of its rows; `None` where one of them is not a number, or there is none.
    pub fn total(&self) -> Option<Number> {
        let mut sum: Option<Number> = None;
        for part in &self.parts {
            *sum.get_or_insert_default() += Number::parse(&part.value)?;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_with_a_text_in_it_has_no_total() {
        let of = |values: &[&str]| {
            let parts = values.iter().map(|value| PastPart { value: (*value).to_owned(), ..PastPart::default() });
            let past = Past { quarter: Quarter::parse("2026Q1").unwrap(), parts: parts.collect() };
            past.total().map(|total| total.to_string())
        };
        assert_eq!(of(&["3.5", "1E1", "-0"]).as_deref(), Some("13.5"));
        assert_eq!(of(&["3", "12 (est)"]), None);
        assert_eq!(of(&[]), None);
    }
}
