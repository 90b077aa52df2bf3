//! What looks wrong with a number, in one sentence with the numbers compared (data-quality-flags.md).
//! A flag advises; it never changes a value.
//!
//! Rules of a cell are functions of [`Facts`]: those of its rows in `structural`. Those of a property as a whole are in `column` and
//! `fold`, those of the run in `run`. A new rule is one function, one line in the list of its file, and its tests.

mod breakdown;
mod check;
mod column;
mod earlier;
mod facts;
mod fold;
mod kind;
mod known;
mod limits;
mod relation;
mod report;
mod run;
mod score;
mod sizes;
mod structural;
mod told;
mod undone;
mod words;

use serde::{Deserialize, Serialize};

pub use breakdown::usual_shares;
pub use check::{Check, Whole};
pub use column::{Column, Line};
pub use earlier::{Accepted, Earlier, case_moved, case_sentence, soften, source_moved, source_sentence};
pub use facts::{Facts, Report, Row};
pub use fold::{Flags, fold, stands_for};
pub use kind::Kind;
pub use known::{KNOWN, flag_id};
pub use limits::{About, Limit, Limits};
pub use relation::Relation;
pub use report::on_time;
pub use run::{Run, too_many};
pub use score::{LONGEST, Score, Usual, pooled};
pub use sizes::{Size, as_zero, percentile, sizes};
pub use told::told;
pub use undone::{becomes_blank, not_put_back};
pub use words::{multiple, plain};

use words::{count, percent, real};

/// Looks at the facts and at the rows that hold a number.
type Rule = fn(&Facts<'_>, &[Row<'_>]) -> Option<Flag>;

/// Every flag of a cell that proposes a value, but for those that compare its size.
pub fn of_cell(facts: &Facts<'_>) -> Vec<Flag> {
    let rows = facts.rows();
    let lists: [&[Rule]; 4] = [&structural::RULES, &report::RULES, &breakdown::RULES, &earlier::RULES];
    lists.into_iter().flatten().filter_map(|rule| rule(facts, &rows)).collect()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_has_its_word_and_its_sign_in_the_order_of_attention() {
        let all = [Severity::Info, Severity::Review, Severity::Stop];
        assert!(all.is_sorted_by(|a, b| a < b));
        assert_eq!(all.map(|one| (one.word(), one.sign())), [("INFO", ""), ("REVIEW", "!"), ("STOP", "!!")]);
        for one in all {
            assert_eq!(serde_json::to_string(&one).unwrap(), format!("\"{}\"", one.word()));
        }
    }
}
