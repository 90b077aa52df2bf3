//! Which screen is shown and what on it has the keys. Both are state, never a trace of what was drawn.

mod changes;
mod checks;
mod datasets;
mod detail;
mod draw;
mod facilities;
mod help;
mod log;
mod months;
mod overview;
mod picks;
mod properties;
mod reading;
mod sending;
mod small;
mod submit;
mod whole;
mod wide;
mod word_diff;

pub(in crate::tui) use changes::head as changes_head;
pub(in crate::tui) use datasets::row_at as datasets_row;
pub use draw::draw;
pub(in crate::tui) use draw::{can_undo, newest};
pub(in crate::tui) use facilities::rows_of;
pub(in crate::tui) use help::row_at as help_row;
pub(in crate::tui) use log::clock;
pub(in crate::tui) use overview::row_at as overview_row;
pub(in crate::tui) use sending::{forms_height, row_at as sending_row};
use serde::{Deserialize, Serialize};
pub(in crate::tui) use whole::height as checks_height;

/// A tab, in the order of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Screen {
    /// The run: progress of reading, then counts.
    #[default]
    Overview,
    /// One property across all facilities.
    Properties,
    /// Facilities, flagged ones first, each with its properties.
    Facilities,
    /// Checks, the typed count, progress, result.
    Submit,
    /// The rows of the mapping with their data sets.
    DataSets,
}

impl Screen {
    /// Every tab, in order.
    pub const ALL: [Self; 5] = [Self::Overview, Self::Properties, Self::Facilities, Self::Submit, Self::DataSets];

    /// Its name in the tab line.
    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Properties => "Properties",
            Self::Facilities => "Facilities",
            Self::Submit => "Submit",
            Self::DataSets => "Data sets",
        }
    }

    /// The digit that opens it.
    pub fn digit(self) -> char {
        match self {
            Self::Overview => '1',
            Self::Properties => '2',
            Self::Facilities => '3',
            Self::Submit => '4',
            Self::DataSets => '5',
        }
    }
}

/// Which pane of Facilities has the keys. The other screens have one pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Focus {
    /// The facilities: a key acts on the whole facility.
    #[default]
    List,
    /// The properties of one facility: a key acts on one cell.
    Cells,
}
