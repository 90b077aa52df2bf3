//! The state of a cell: what kind of number, or absence of a number, stands behind it. Comes before any flag.

use serde::{Deserialize, Serialize};

/// What kind of number, or absence of a number, DHIS2 holds for a cell (data-quality-flags.md section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// At least one row, sum not zero.
    Reported,
    /// Rows exist, sum is zero.
    ReportedZero,
    /// No row although other data elements of the data set have some.
    BlankInReport,
    /// No row of the data set at all.
    NotReported,
    /// A row is not a number.
    NonNumeric,
    /// The data set is not a quarterly one, so a quarter cannot hold rows of it.
    WrongPeriodType,
    /// DHIS2 refused to show it.
    NoAccess,
    /// The request failed after retries.
    FetchFailed,
}

impl State {
    /// The name used in JSON, exports and the review file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reported => "REPORTED",
            Self::ReportedZero => "REPORTED_ZERO",
            Self::BlankInReport => "BLANK_IN_REPORT",
            Self::NotReported => "NOT_REPORTED",
            Self::NonNumeric => "NON_NUMERIC",
            Self::WrongPeriodType => "WRONG_PERIOD_TYPE",
            Self::NoAccess => "NO_ACCESS",
            Self::FetchFailed => "FETCH_FAILED",
        }
    }

    /// The state with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Every state, in the order of the table.
    pub const ALL: [Self; 8] = [
        Self::Reported,
        Self::ReportedZero,
        Self::BlankInReport,
        Self::NotReported,
        Self::NonNumeric,
        Self::WrongPeriodType,
        Self::NoAccess,
        Self::FetchFailed,
    ];

    /// Whether the new value is a number to propose.
    pub fn proposes(self) -> bool {
        matches!(self, Self::Reported | Self::ReportedZero)
    }

    /// The words shown in place of a number; for a text in a number field the text itself is shown.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reported | Self::ReportedZero => "reported",
            Self::BlankInReport => "blank",
            Self::NotReported => "not reported",
            Self::NonNumeric => "not a number",
            Self::WrongPeriodType => "not a quarterly data set",
            Self::NoAccess => "no permission",
            Self::FetchFailed => "could not fetch",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_names_go_both_ways() {
        for state in State::ALL {
            assert_eq!(State::named(state.name()), Some(state));
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.name()));
        }
        assert_eq!(State::named("ZERO"), None);
    }
}
