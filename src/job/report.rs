//! What a job says while it runs and when it ends. Plain data, made by jobs, shown by `tui`, `plain` and the commands.

use std::time::Duration;

use crate::domain::{history::Series, outcome::Outcome, plan::Cell};

/// One line of progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// Done so far.
    pub done: usize,
    /// Of how many; `None` until known.
    pub total: Option<usize>,
    /// Since it started; stands still once it ended.
    pub elapsed: Duration,
    /// Whether it ended.
    pub ended: bool,
}

/// Reading both sides, as it stands now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// `CommCare` cases, in cases.
    pub cases: Bar,
    /// DHIS2 reports: facilities times data sets.
    pub reports: Bar,
    /// Names of data elements, data sets, organisation units and category options, in requests.
    pub names: Bar,
    /// Waits so far, newest last: which side, why, how long.
    pub waits: Vec<String>,
    /// Problems of the mapping, one sentence each with its line.
    pub mapping_problems: Vec<String>,
    /// Where the mapping is from, and its rows: `built-in   21 rows, 21 usable`.
    pub mapping: String,
}

/// One category option of a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartLine {
    /// Name of the category option combo; its id where the server gave no name.
    pub name: String,
    /// Name of the attribute option combo where it is not the default one.
    pub attribute: Option<String>,
    /// The stored text; `None` for a row that holds only a comment.
    pub value: Option<String>,
    /// What the clerk wrote beside it.
    pub comment: Option<String>,
    /// Marked for follow-up in DHIS2.
    pub follow_up: bool,
    /// Who entered it.
    pub stored_by: Option<String>,
    /// When it was last changed, as sent.
    pub last_updated: Option<String>,
}

/// What is behind a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Which cell; an answer for another cell than the one under the cursor is dropped.
    pub cell: Cell,
    /// Its category options.
    pub parts: Vec<PartLine>,
    /// The quarters before; `None` where they were not asked for.
    pub history: Option<Series>,
}

/// How a line of the checks before sending reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Passes.
    Ok,
    /// Something to look at.
    Look,
    /// Nothing can be sent.
    Stop,
}

impl Level {
    /// The word that carries it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Look => "look",
            Self::Stop => "stop",
        }
    }
}

/// Why an approved cell is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which cell.
    pub cell: Cell,
    /// What the case holds now; `None` where it is not set or the case is gone.
    pub now: Option<String>,
    /// Whether the case holds the new value already.
    pub already_set: bool,
    /// The sentence.
    pub why: String,
}

/// The checks before sending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// When it was made, clock time.
    pub at: String,
    /// Approved changes that would be sent.
    pub changes: usize,
    /// In how many facilities.
    pub facilities: usize,
    /// As how many forms.
    pub forms: usize,
    /// Approved cells that would not be sent.
    pub held: Vec<Held>,
    /// Each check in words.
    pub lines: Vec<(Level, String)>,
    /// The property every submitted case is stamped with and the date it gets, where the review has one.
    pub stamp: Option<(String, String)>,
}

/// One form of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormLine {
    /// 1 for the first.
    pub number: usize,
    /// First facility in it.
    pub first: String,
    /// Last facility in it.
    pub last: String,
    /// Facilities in it.
    pub facilities: usize,
    /// Changes in it.
    pub changes: usize,
    /// Its id, once its bytes are frozen.
    pub form_id: Option<String>,
    /// `None` while it waits.
    pub outcome: Option<Outcome>,
    /// What the server said, where it said anything worth showing.
    pub answer: Option<String>,
}

/// Where a submission is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Cases are read again.
    #[default]
    Checking,
    /// Forms are being sent.
    Sending,
    /// Cases are being read back.
    ReadingBack,
    /// Nothing more is done.
    Ended,
}

/// A submission as it stands now, and at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    /// Where it is.
    pub phase: Phase,
    /// Changes asked for.
    pub changes: usize,
    /// Every form, in the order of sending.
    pub forms: Vec<FormLine>,
    /// Changes by what became of them.
    pub applied: usize,
    /// Accepted, not seen yet.
    pub accepted: usize,
    /// The server said no, or another value was read back.
    pub not_applied: usize,
    /// No answer that settles it.
    pub unknown: usize,
    /// Not sent because of a conflict, with the reason.
    pub held: Vec<Held>,
    /// Cells the case holds already: settled without sending.
    pub elsewhere: Vec<Held>,
    /// What is being waited for, or why it stopped, in a sentence.
    pub note: Option<String>,
    /// Since it started.
    pub elapsed: Duration,
}

impl Sending {
    /// Whether every change asked for was read back with its new value.
    pub fn all_applied(&self) -> bool {
        self.phase == Phase::Ended && self.applied == self.changes
    }
}
