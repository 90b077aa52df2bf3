//! What looks wrong with a number, in one sentence with the numbers compared (data-quality-flags.md).
//! A flag advises; it never changes a value. Rules that need no history are in `structural`.

mod kind;
mod limits;
mod score;
mod sizes;
mod structural;

use serde::{Deserialize, Serialize};

pub use kind::Kind;
pub use limits::{About, Limit, Limits};
pub use score::{LONGEST, Score, Usual, pooled};
pub use sizes::{Size, percentile, sizes};
pub use structural::{Facts, months_missing, structural};

/// How much attention a flag asks for. The order is the order of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Shown in the detail only.
    Info,
    /// Looked at; decided by cell, facility or column.
    Review,
    /// Decided one by one, with a reason.
    Stop,
}

impl Severity {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Review => "REVIEW",
            Self::Stop => "STOP",
        }
    }

    /// The sign in a row: `!!`, `!` or nothing.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Info => "",
            Self::Review => "!",
            Self::Stop => "!!",
        }
    }
}

/// One statement about a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// Rule id, e.g. `S09`.
    pub id: String,
    /// How bad.
    pub severity: Severity,
    /// The sentence, with the two numbers it compared.
    pub sentence: String,
}

impl Flag {
    /// A flag of rule `id`.
    pub fn new(id: &str, severity: Severity, sentence: impl Into<String>) -> Self {
        Self { id: id.to_owned(), severity, sentence: sentence.into() }
    }
}
