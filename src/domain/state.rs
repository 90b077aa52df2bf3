//! The state of a cell: what kind of number, or absence of a number, stands behind it. Comes before any flag.

use serde::{Deserialize, Serialize};

/// What kind of number, or absence of a number, DHIS2 holds for a cell (data-quality-flags.md section 1);
/// in an undo, what the case holds of what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// At least one row, sum not zero.
    Reported,
    /// Rows exist, sum is zero.
    ReportedZero,
    /// Nothing in the quarter; the number is an earlier quarter's, which look-back was asked for.
    OlderQuarter,
    /// No row, the report is complete, and DHIS2 does not keep zeros of this data element: it may be 0.
    ZeroNotStored,
    /// No row although the report came.
    BlankInReport,
    /// No row of the data set at all, and not registered complete.
    NotReported,
    /// The data set is not assigned to the organisation unit.
    NotAssigned,
    /// Only rows that were deleted.
    Deleted,
    /// A row is not a number.
    NonNumeric,
    /// The data set is not a quarterly one, so a quarter cannot hold rows of it.
    WrongPeriodType,
    /// DHIS2 refused to show it.
    NoAccess,
    /// The request failed after retries.
    FetchFailed,
    // Those of an undo speak of the case and not of DHIS2; no rule of the flags document knows them.
    /// The case holds what the review that is undone wrote; the value before it is proposed. Ours.
    Restored,
    /// The case holds something else than the review that is undone wrote, or is another one now. Ours.
    Conflict,
    /// The review that is undone did not write it. Ours.
    NotWritten,
}

impl State {
    /// The name used in JSON, exports and the review file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reported => "REPORTED",
            Self::ReportedZero => "REPORTED_ZERO",
            Self::OlderQuarter => "OLDER_QUARTER",
            Self::ZeroNotStored => "ZERO_NOT_STORED",
            Self::BlankInReport => "BLANK_IN_REPORT",
            Self::NotReported => "NOT_REPORTED",
            Self::NotAssigned => "NOT_ASSIGNED",
            Self::Deleted => "DELETED",
            Self::NonNumeric => "NON_NUMERIC",
            Self::WrongPeriodType => "WRONG_PERIOD_TYPE",
            Self::NoAccess => "NO_ACCESS",
            Self::FetchFailed => "FETCH_FAILED",
            Self::Restored => "RESTORED",
            Self::Conflict => "CONFLICT",
            Self::NotWritten => "NOT_WRITTEN",
        }
    }

    /// The state with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Every state, numbers first, those of an undo last.
    pub const ALL: [Self; 15] = [
        Self::Reported,
        Self::ReportedZero,
        Self::OlderQuarter,
        Self::ZeroNotStored,
        Self::BlankInReport,
        Self::NotReported,
        Self::NotAssigned,
        Self::Deleted,
        Self::NonNumeric,
        Self::WrongPeriodType,
        Self::NoAccess,
        Self::FetchFailed,
        Self::Restored,
        Self::Conflict,
        Self::NotWritten,
    ];

    /// Whether there is a new value to propose: a number, or in an undo the value before.
    pub fn proposes(self) -> bool {
        matches!(self, Self::Reported | Self::ReportedZero | Self::OlderQuarter | Self::Restored)
    }

    /// The words shown in place of a number; for a text in a number field the text itself is shown.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reported | Self::ReportedZero => "reported",
            Self::OlderQuarter => "from an earlier quarter",
            Self::ZeroNotStored => "(0?)",
            Self::BlankInReport => "blank",
            Self::NotReported => "not reported",
            Self::NotAssigned => "not collected here",
            Self::Deleted => "deleted in DHIS2",
            Self::NonNumeric => "not a number",
            Self::WrongPeriodType => "not a quarterly data set",
            Self::NoAccess => "no permission",
            Self::FetchFailed => "could not fetch",
            Self::Restored => "the value before",
            Self::Conflict => "changed since",
            Self::NotWritten => "not written by the review",
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
