//! State of the Data sets screen: the rows of the mapping with what DHIS2 holds for them, what was chosen and is not written yet.

use std::sync::Arc;

use super::{msg::Job, rows::Rows, screen::Focus};
use crate::{
    domain::{
        explored::{Candidate, Entry, Explored, Found, HeldAt},
        mapping::{Choice, Mapping},
    },
    job::datasets::{Looking, Place},
};

/// The mapping as it is on disk.
#[derive(Clone, Debug)]
pub struct Mapped {
    /// Where it is from: its path, or `built-in`.
    pub label: String,
    /// Why it cannot be written; `None` where it can.
    pub fixed: Option<String>,
    /// The mapping.
    pub mapping: Arc<Mapping>,
}

/// Where looking things up is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Looked {
    /// Nothing was asked for.
    #[default]
    Idle,
    /// The servers are asked.
    Asking(Looking),
    /// What was found is shown.
    Ready,
    /// It failed, with the reason.
    Failed(String),
}

/// What the values of a facility were asked for: its organisation unit, the line of the row, and what was searched for there.
pub(super) type Of = (String, u64, Option<String>);

/// The Data sets screen.
#[derive(Clone, Debug, Default)]
pub struct Explorer {
    /// Number of the newest job; answers to older ones are dropped.
    pub job: Job,
    /// Where looking things up is. What was found before stays shown while it is asked for again.
    pub looked: Looked,
    /// The mapping; `None` until it was read.
    pub mapped: Option<Mapped>,
    /// What was found; `None` until it was.
    pub explored: Option<Explored>,
    /// Places in [`Explored::rows`], those that need something first.
    pub rows: Rows<usize>,
    /// Places among the candidates of the row under the cursor.
    pub candidates: Rows<usize>,
    /// What was searched for beside a row, by its line.
    pub found: Option<(u64, Found)>,
    /// The words that are searched for now; `None` where nothing is.
    pub searching: Option<String>,
    /// What was chosen, in order; a later one for a row stands in the place of an earlier one.
    pub chosen: Vec<Choice>,
    /// What was taken back, the last one last.
    pub undone: Vec<Choice>,
    /// The facility whose values are shown.
    pub place: Option<Place>,
    /// What it holds; `None` until it came.
    pub held: Option<Result<HeldAt, String>>,
    /// When it was written last (RFC 3339) and is not read into the review yet; `None` where the review has it.
    pub written: Option<String>,
    /// Whether the mapping is being written.
    pub writing: bool,
    /// Whether it was written while both sides were being read, so that this reading does not have it.
    pub(super) late: bool,
    /// The facilities in scope, where they had to be asked for.
    pub(super) places: Option<Arc<[Place]>>,
    /// The words for a facility that wait for those.
    pub(super) awaited: Option<String>,
    /// Number of the newest search.
    pub(super) search: Job,
    /// Number of the newest question for values, and what it was about.
    pub(super) values: (Job, Option<Of>),
    /// The line to put the cursor on once its row is there.
    pub(super) go_to: Option<u64>,
    /// The pane that had the keys on the tab this one was opened from.
    pub(super) left: Focus,
}

impl Explorer {
    /// The row under the cursor.
    pub fn entry(&self) -> Option<&Entry> {
        self.explored.as_ref()?.rows.get(self.rows.current()?)
    }

    /// What could stand in the row under the cursor: what was searched for, else its own candidates.
    pub fn shown(&self) -> &[Candidate] {
        let Some(entry) = self.entry() else { return &[] };
        match &self.found {
            Some((line, found)) if *line == entry.row.line => &found.candidates,
            _ => &entry.candidates,
        }
    }

    /// The candidate under the cursor.
    pub fn candidate(&self) -> Option<&Candidate> {
        self.shown().get(self.candidates.current()?)
    }

    /// What choosing a candidate puts into the row under the cursor; `None` where it stands in no data set. A data element that
    /// stands there already is not put there again.
    pub fn choice_of(&self, candidate: &Candidate) -> Option<Choice> {
        let row = &self.entry()?.row;
        let mut choice = candidate.choice(row.line)?;
        choice.data_element = choice.data_element.filter(|id| *id != row.data_element);
        Some(choice)
    }

    /// Whether a candidate is what was chosen for the row under the cursor.
    pub fn is_chosen(&self, candidate: &Candidate) -> bool {
        self.choice_of(candidate).is_some_and(|choice| self.choice(choice.line) == Some(&choice))
    }

    /// Whether a candidate is what the file holds for the row under the cursor.
    pub fn is_held(&self, candidate: &Candidate) -> bool {
        let set = self.entry().map(|entry| entry.row.data_set.as_str());
        self.choice_of(candidate)
            .is_some_and(|choice| choice.data_element.is_none() && Some(choice.data_set.as_str()) == set)
    }

    /// What was chosen for a row; `None` where nothing was.
    pub fn choice(&self, line: u64) -> Option<&Choice> {
        self.chosen.iter().rev().find(|choice| choice.line == line)
    }

    /// What is to be written: of each row the newest choice, in the order of the lines.
    pub fn to_write(&self) -> Vec<Choice> {
        let mut newest: Vec<Choice> = Vec::new();
        for choice in self.chosen.iter().rev() {
            if newest.iter().all(|one| one.line != choice.line) {
                newest.push(choice.clone());
            }
        }
        newest.sort_by_key(|choice| choice.line);
        newest
    }
}
