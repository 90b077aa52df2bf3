//! What comes in and what goes out, as values: [`Msg`] into `update`, [`Cmd`] out of it. Nothing here acts.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    explorer::Mapped,
    keymap::Press,
    screen::{Focus, Screen},
};
use crate::{
    domain::{
        explored::{Candidate, Explored, Found, HeldAt},
        ledger::{Entry, Ledger, Reset},
        mapping::Mapping,
        plan::{Cell, Plan},
    },
    job::datasets::{Looking, Place as Facility},
    job::generation::Pick,
    job::report::{Check, Detail, Level, Reading, Sending},
};

/// The time, given in by the loop with every message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Clock time, RFC 3339, for decisions and the message log.
    pub at: String,
    /// Since the program started; never jumps.
    pub since: Duration,
}

/// Number of a job. An answer that carries an older number than the newest job of its kind is dropped.
pub type Job = u64;

/// A review that was read or opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Old and new values.
    pub plan: Arc<Plan>,
    /// Decisions so far.
    pub ledger: Ledger,
    /// Where the reviewer was; `None` in a new review.
    pub place: Option<Place>,
    /// The review file, as shown.
    pub file: String,
    /// A submission that was begun and whose outcome is shown; `None` where nothing was sent.
    pub sending: Option<Sending>,
    /// Decisions that the last reading to reset any took away.
    pub reset: Vec<Reset>,
}

/// Where the reviewer is, kept in the review file so that the next start opens at the same row.
/// By names, not by row numbers: rows move when data are read again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The tab.
    pub screen: Screen,
    /// Case id of the facility under the cursor.
    pub facility: Option<String>,
    /// Name of the property under the cursor.
    pub property: Option<String>,
    /// The filter as typed.
    pub filter: String,
    /// The pane of Facilities that had the keys.
    pub focus: Focus,
    /// By what the lists were sorted, by its name.
    pub sort: String,
    /// Whether unchanged cells were shown.
    pub unchanged: bool,
}

/// A signal of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Sent by `kill -INT`; as ctrl-c.
    Interrupt,
    /// SIGTERM or SIGHUP: leave now.
    Terminate,
}

/// What the mouse did, at a column and a line of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// A click with the first button.
    Click(u16, u16),
    /// The wheel, so many rows down; up where it is negative.
    Wheel(u16, u16, i8),
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Press),
    /// The mouse did something.
    Mouse(Mouse),
    /// Text was pasted. It goes into an open prompt and nowhere else.
    Paste(String),
    /// The terminal has this many columns and lines.
    Resize(u16, u16),
    /// Time went on; comes only while a job runs.
    Tick,
    /// Reading went on.
    Reading(Box<Reading>),
    /// Reading ended.
    Read(Result<Box<Opened>, String>),
    /// The decision with this number is on disk, or is not and why.
    Recorded(u64, Result<(), String>),
    /// What is behind a cell, or why it cannot be had.
    Detail(Result<Detail, (Cell, String)>),
    /// The checks before sending ended.
    Checked(Job, Result<Box<Check>, String>),
    /// A submission went on or ended.
    Sending(Job, Box<Sending>),
    /// A submission could not start; the sentence says what was and was not sent.
    Refused(Job, String),
    /// All decisions as the review file has them after a submission: what was sent stands, and what moved was reset.
    Ledger(Box<Ledger>),
    /// The forms were written to the folder named, or were not and why.
    Wrote(Result<String, String>),
    /// A text for the clipboard, and what is said of it.
    Copied(Result<(String, String), String>),
    /// The mapping as it is on disk, or why it cannot be read.
    Mapped(Job, Result<Mapped, String>),
    /// Looking up the rows of the mapping went on.
    Looking(Job, Looking),
    /// What DHIS2 holds for them, or why that is not known.
    Explored(Job, Result<Box<Explored>, String>),
    /// What was found for words.
    Found(Job, Result<Found, String>),
    /// What a facility holds of the candidates shown.
    Held(Job, Result<HeldAt, String>),
    /// The facilities in scope.
    Places(Job, Result<Arc<[Facility]>, String>),
    /// The mapping was written, with what is said of it; or was not and why.
    MappingWritten(Result<String, String>),
    /// Something to say that belongs to nothing else.
    Note(Level, String),
    /// A signal came.
    Signal(Signal),
    /// The terminal was given away and is back: everything has to be drawn again.
    Resumed,
}

/// What is to be done. The loop does it; `update` only asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cmd {
    /// Open what the review file holds; answered by [`Msg::Read`].
    Open,
    /// Read both sides from the beginning; answered by [`Msg::Read`].
    Read,
    /// Read both sides again into this review, with one choice changed where there is one; answered by [`Msg::Read`].
    ReadAgain(Option<Pick>),
    /// Stop reading; what came is kept.
    CancelRead,
    /// Write a decision to the review file; answered by [`Msg::Recorded`].
    Record(Box<Entry>),
    /// Load what is behind a cell; answered by [`Msg::Detail`].
    LoadDetail(Cell),
    /// Make the checks before sending; answered by [`Msg::Checked`].
    Check(Job),
    /// Send the approved changes, which are this many; answered by [`Msg::Sending`].
    Submit {
        /// Number of the job.
        job: Job,
        /// The count the person typed; 0 where only what was sent before is settled.
        count: usize,
    },
    /// Pause between forms, or go on.
    Pause(bool),
    /// Stop after the form under way.
    StopAfterForm,
    /// Let go of the request under way; its form becomes UNKNOWN.
    Abandon,
    /// Write the forms to a folder; answered by [`Msg::Wrote`].
    WriteForms,
    /// Remember where the reviewer is.
    SavePlace(Place),
    /// Put a text into the clipboard of the person's terminal.
    Copy(String),
    /// Write these cells of the review to a table beside its file; answered by [`Msg::Note`].
    Export(Vec<Cell>),
    /// Copy the form with this number from the review file, as a curl command or its XML; answered by [`Msg::Copied`].
    CopyForm {
        /// Its number.
        number: usize,
        /// Whether its XML is wanted.
        xml: bool,
    },
    /// Read the mapping and ask what DHIS2 holds for its rows; answered by [`Msg::Mapped`], then [`Msg::Explored`].
    Explore(Job),
    /// Search data elements by the words of their names; answered by [`Msg::Found`].
    Search {
        /// Number of the search.
        job: Job,
        /// The words.
        words: String,
    },
    /// Ask what a facility holds of these candidates; answered by [`Msg::Held`].
    LoadHeld {
        /// Number of the question.
        job: Job,
        /// The facility.
        place: Facility,
        /// The candidates.
        candidates: Vec<Candidate>,
    },
    /// Ask for the facilities in scope; answered by [`Msg::Places`].
    LoadPlaces(Job),
    /// Put these bytes in the place of the mapping; answered by [`Msg::MappingWritten`].
    WriteMapping {
        /// The mapping as it was read.
        before: Arc<Mapping>,
        /// The bytes.
        after: Vec<u8>,
    },
    /// Give the terminal to the shell.
    Suspend,
    /// Draw every character again.
    Redraw,
    /// Leave.
    Quit,
}
