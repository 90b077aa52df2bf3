//! Which screen is shown and what on it has the keys. Both are state, never a trace of what was drawn.

mod checks;
mod detail;
mod draw;
mod facilities;
mod help;
mod log;
mod months;
mod overview;
mod properties;
mod reading;
mod sending;
mod small;
mod submit;
mod whole;
mod word_diff;

pub use draw::draw;
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
}

impl Screen {
    /// Every tab, in order.
    pub const ALL: [Self; 4] = [Self::Overview, Self::Properties, Self::Facilities, Self::Submit];

    /// Its name in the tab line.
    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Properties => "Properties",
            Self::Facilities => "Facilities",
            Self::Submit => "Submit",
        }
    }

    /// The digit that opens it.
    pub fn digit(self) -> char {
        match self {
            Self::Overview => '1',
            Self::Properties => '2',
            Self::Facilities => '3',
            Self::Submit => '4',
        }
    }
}

/// Which pane of Facilities has the keys. The other screens have one pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The facilities: a key acts on the whole facility.
    #[default]
    List,
    /// The properties of one facility: a key acts on one cell.
    Cells,
}
