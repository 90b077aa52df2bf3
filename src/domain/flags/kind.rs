//! What kind of number a property is, which decides what it is compared with (data-quality-flags.md section 3.1).

use serde::{Deserialize, Serialize};

/// Flow, level or cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Events counted in the quarter.
    #[default]
    Flow,
    /// Things that are there.
    Level,
    /// Counted on from the beginning of a year.
    Cumulative {
        /// The month its year begins in, 1 to 12.
        from: u8,
    },
}

impl Kind {
    /// The default for an aggregation type of DHIS2. One that is not known counts as a flow.
    pub fn of_aggregation(aggregation_type: &str) -> Self {
        let level = ["AVERAGE", "AVERAGE_SUM_ORG_UNIT", "MAX", "MIN"].contains(&aggregation_type);
        if level || aggregation_type.starts_with("LAST") || aggregation_type.starts_with("FIRST") {
            Self::Level
        } else {
            Self::Flow
        }
    }
}
