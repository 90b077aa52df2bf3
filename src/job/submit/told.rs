//! What a submission tells while it runs: form by form, with counts that cost what changed and not what is there.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use super::{
    super::{
        forms::{line, line_of},
        report::{FormLine, Sending},
    },
    Run, cells_of,
};
use crate::{
    domain::{outcome::Outcome, plan::Cell},
    io::{http::OnWait, store::Form},
};

/// What became of cells, each counted in the newest form it is in.
#[derive(Debug, Default)]
pub(in crate::job) struct Counts {
    newest: HashMap<Cell, usize>,
    /// By form: accepted, applied, not applied, and what is open.
    forms: Vec<[usize; 4]>,
}

impl Counts {
    pub(in crate::job) fn new(forms: &[Form]) -> Self {
        let mut counts = Self::default();
        for at in 0..forms.len() {
            counts.add(&forms[..=at]);
        }
        counts
    }

    /// The last of these forms is new. Answers the earlier ones that had cells of it.
    fn add(&mut self, forms: &[Form]) -> BTreeSet<usize> {
        let at = forms.len() - 1;
        let earlier: BTreeSet<usize> =
            cells_of(&forms[at]).into_iter().filter_map(|cell| self.newest.insert(cell, at)).collect();
        self.forms.push([0; 4]);
        for at in earlier.iter().copied().chain([at]) {
            self.count(forms, at);
        }
        earlier
    }

    /// Counts a form again.
    fn count(&mut self, forms: &[Form], at: usize) {
        let mut counts = [0; 4];
        for cell in cells_of(&forms[at]).into_iter().filter(|cell| self.newest.get(cell) == Some(&at)) {
            let slot = match forms[at].outcome_of(cell) {
                Outcome::Accepted => 0,
                Outcome::Applied => 1,
                Outcome::NotApplied => 2,
                Outcome::Frozen | Outcome::Unknown => 3,
            };
            counts[slot] += 1;
        }
        self.forms[at] = counts;
    }

    /// Whether every cell of a form is in a later one.
    pub(in crate::job) fn replaced(&self, at: usize) -> bool {
        self.forms.get(at).is_some_and(|counts| *counts == [0; 4])
    }

    /// Puts the counts into what is told.
    pub(in crate::job) fn tell(&self, sending: &mut Sending) {
        sending.accepted = self.sum(0);
        sending.applied = self.sum(1);
        sending.not_applied = self.sum(2);
        sending.unknown = self.sum(3);
        sending.changes = self.newest.len() + sending.waiting;
    }

    fn sum(&self, slot: usize) -> usize {
        self.forms.iter().map(|counts| counts[slot]).sum()
    }
}

/// The facilities of a form, in order.
pub(super) fn facilities_of(form: &Form) -> impl Iterator<Item = u32> {
    form.cells.chunk_by(|a, b| a.facility == b.facility).filter_map(|cells| Some(cells.first()?.facility))
}

/// Tells of the pauses of the clients.
pub(super) fn waits(state: &Arc<Mutex<Sending>>, progress: &watch::Sender<Sending>) -> OnWait {
    let (state, progress) = (Arc::clone(state), progress.clone());
    Arc::new(move |wait| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.note = Some(format!("{}: {}; next try in {} s", wait.side, wait.cause, wait.pause.as_secs()));
        progress.send_replace(state.clone());
    })
}

impl Run<'_> {
    /// A form is frozen.
    pub(super) fn add(&mut self, form: Form) {
        self.touched.extend(facilities_of(&form));
        self.forms.push(form);
        for earlier in self.counts.add(&self.forms) {
            self.show(earlier);
        }
    }

    /// What is known from sending a form.
    pub(super) fn answered(&mut self, at: usize, sent: Outcome, answer: Option<String>) {
        (self.forms[at].sent, self.forms[at].answer) = (sent, answer);
        self.show(at);
    }

    /// Shows a form as it is now.
    pub(super) fn show(&mut self, at: usize) {
        self.counts.count(&self.forms, at);
        let line = line_of(&self.plan, &self.forms[at], self.counts.replaced(at));
        self.say(|state| state.forms[at] = line);
    }

    /// How many of these cells are in no form yet.
    pub(super) fn new_in(&self, cells: &[Cell]) -> usize {
        cells.iter().filter(|cell| !self.counts.newest.contains_key(cell)).count()
    }

    /// Shows the newest form in the place of the group it was made of, of which so many cells were in no form before.
    pub(super) fn show_newest(&mut self, waited: usize) {
        let at = self.forms.len() - 1;
        let line = line_of(&self.plan, &self.forms[at], false);
        self.say(|state| {
            state.waiting = state.waiting.saturating_sub(waited);
            match state.forms.get_mut(at) {
                Some(place) => *place = line,
                None => state.forms.push(line),
            }
        });
    }

    /// Shows every form, and what waits. For when the forms to be are others than were shown.
    pub(super) fn show_all(&mut self) {
        let made = self.forms.iter().enumerate().map(|(at, form)| line_of(&self.plan, form, self.counts.replaced(at)));
        let number = self.forms.len() + 1;
        let waiting = (number..).zip(self.queue.waiting()).map(|(number, group)| line(&self.plan, number, group));
        let lines: Vec<FormLine> = made.chain(waiting).collect();
        let new = self.queue.waiting().map(|group| self.new_in(group)).sum();
        self.say(|state| (state.forms, state.waiting) = (lines, new));
    }

    /// Names the facility of a form of its own that HQ rejected.
    pub(super) fn name_rejected(&mut self, at: usize, why: &str) {
        let Some(cell) = self.forms[at].cells.first() else { return };
        let rejected = (cell.facility, why.to_owned());
        self.say(|state| state.rejected.push(rejected));
    }

    /// Changes what is shown and counts it.
    pub(super) fn say(&self, change: impl FnOnce(&mut Sending)) -> Sending {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        self.counts.tell(&mut state);
        state.elapsed = (self.session.clock)().duration_since(self.started).unsigned_abs();
        self.progress.send_replace(state.clone());
        state.clone()
    }
}
