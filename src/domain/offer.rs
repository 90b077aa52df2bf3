//! What can be written for a cell beside a plain proposal: a zero that DHIS2 may not have stored, and the number of an earlier
//! quarter, which is never shown without that quarter.

use super::{
    plan::{Cell, Kind, Plan, State},
    value::{grouped, same},
};

/// A value as it stands in a sentence or a column: an empty one has a word, since it is a value that is written like any other.
pub fn or_blank(value: &str) -> &str {
    if value.is_empty() { "blank" } else { value }
}

impl Plan {
    /// Whether the change makes the property blank. Only an undo proposes that.
    pub fn becomes_blank(&self, cell: Cell) -> bool {
        self.kind(cell) == Kind::Change && self.new_value(cell) == Some("")
    }

    /// Whether the cell reads `(0?)` and asks for a choice: DHIS2 may not have stored a 0, and the case does not hold 0 already
    /// (data-quality-flags.md section 1, `ZERO_NOT_STORED`).
    pub fn may_be_zero(&self, cell: Cell) -> bool {
        self.state(cell) == State::ZeroNotStored && !same(self.old(cell), self.offer(cell))
    }

    /// The earlier quarter a proposed number is of; `None` for one of the quarter read.
    pub fn older(&self, cell: Cell) -> Option<super::quarter::Quarter> {
        (self.state(cell) == State::OlderQuarter).then(|| self.quarter(cell))
    }

    /// A value proposed for this cell as a person reads it: `1,310`, or `214 (2025Q4)` where it is an earlier quarter's.
    pub fn dated(&self, cell: Cell, number: &str) -> String {
        match self.older(cell) {
            Some(quarter) => format!("{} ({quarter})", grouped(number)),
            None => grouped(or_blank(number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{plan::sample, quarter::Quarter};

    #[test]
    fn only_a_case_without_zero_asks_for_one() {
        let cell = |property| Cell { facility: 0, property };
        let plan = sample(1, 6, |draft| {
            for (at, old) in [Some("61"), Some("0"), Some("0.0"), Some(""), None].into_iter().enumerate() {
                draft.set(cell(u16::try_from(at).unwrap()), old, None, State::ZeroNotStored);
            }
        });
        let asks: Vec<bool> = plan.row(0).map(|cell| plan.may_be_zero(cell)).collect();
        assert_eq!(asks, [true, false, false, true, true, false]);
    }

    #[test]
    fn an_earlier_number_is_never_shown_without_its_quarter() {
        let cell = Cell { facility: 0, property: 0 };
        let plan = sample(1, 1, |draft| {
            draft.set(cell, Some("3"), Some("1214"), State::OlderQuarter);
            draft.set_quarter(cell, Quarter::parse("2025Q4").unwrap());
        });
        assert_eq!(plan.dated(cell, "1214"), "1,214 (2025Q4)");
        assert_eq!(sample(1, 1, |_| {}).dated(cell, "1214"), "1,214");
    }
}
