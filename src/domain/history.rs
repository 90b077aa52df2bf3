//! What was reported for a cell in earlier quarters, and what is usual. Never a proposal: a quarter that is not the plan's
//! explains a number, it does not replace one.
//!
//! [`Past`] is one earlier quarter of a cell, [`Series`] what a person is told of them all. [`Sheet`] holds the quarters of one
//! organisation unit in little room, and [`Cached`] those of a whole reading with what has still to be asked for.

mod cached;
mod reuse;
mod series;
mod sheet;

use serde::{Deserialize, Serialize};

use super::{quarter::Quarter, value::Number};

pub use cached::{Cached, Element, Known, Need};
pub use reuse::{FRESH, LONGEST, Reuse, reuse, since};
pub use series::{QUARTERS, Series};
pub use sheet::{Change, Fact, Facts, FactsOf, PastRow, Sheet, Stored, merge};

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
    /// Its rows, borrowed.
    pub fn rows(&self) -> impl Iterator<Item = PastRow<'_>> {
        self.parts.iter().map(|part| PastRow {
            category_option_combo: &part.category_option_combo,
            attribute_option_combo: &part.attribute_option_combo,
            value: &part.value,
        })
    }

    /// The exact sum of its rows; `None` where one of them is not a number, or there is none.
    pub fn total(&self) -> Option<Number> {
        total(self.parts.iter().map(|part| part.value.as_str()))
    }
}

/// The exact sum of these values; `None` where one of them is not a number, or there is none.
fn total<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Number> {
    let mut sum: Option<Number> = None;
    for value in values {
        *sum.get_or_insert_default() += Number::parse(value)?;
    }
    sum
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
