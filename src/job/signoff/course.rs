//! What happened to each cell in order: what was decided, held and put into a form, as the trail tells it. A verdict that was spent
//! or reset is gone from the ledger; who gave it, and why, still stands here.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Report,
    held::{Kept, kept},
};
use crate::{
    domain::{
        ledger::{Act, Entry, Step, Verdict},
        plan::Cell,
    },
    io::store::{Form, Noted},
};

/// A decision on one cell.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    seq: u64,
    pub(super) act: Act,
    pub(super) who: &'a str,
    pub(super) at: &'a str,
    pub(super) reason: Option<&'a str>,
}

/// An approval that a reset took away, and the value it was of.
pub(super) struct Spent<'a> {
    pub(super) given: Given<'a>,
    pub(super) new: Option<&'a str>,
}

/// What stands behind each cell.
#[derive(Default)]
pub(super) struct Course<'a> {
    /// Decisions that no later entry reset, oldest first; those taken back are among them.
    decided: BTreeMap<Cell, Vec<Given<'a>>>,
    undone: BTreeSet<u64>,
    /// What a form was made on, by its number and cell.
    sent: BTreeMap<(u32, Cell), Given<'a>>,
    /// Decided after the newest form it is in.
    since: BTreeSet<Cell>,
    /// Held, and neither decided nor sent since.
    pub(super) held: BTreeMap<Cell, Kept<'a>>,
    /// Approvals that a reset took away from what was not decided since.
    spent: BTreeMap<Cell, Spent<'a>>,
}

enum Event<'a> {
    Decided(&'a Entry),
    Made(&'a Form),
    Held(&'a Noted),
}

impl<'a> Course<'a> {
    /// Follows a review from its start.
    pub(super) fn of(report: &Report<'a>) -> Self {
        let entries: BTreeMap<u64, &'a Entry> = report.entries.iter().map(|entry| (entry.seq, entry)).collect();
        let mut course = Self::default();
        for event in events(report, &entries) {
            match event {
                Event::Decided(entry) => course.decide(entry, &entries),
                Event::Made(form) => {
                    for cell in form.cells.iter().map(crate::io::store::FormCell::cell) {
                        course.since.remove(&cell);
                        course.held.remove(&cell);
                        if let Some(given) = course.given(cell).filter(|given| given.act.writes()) {
                            course.sent.insert((form.number, cell), given);
                        }
                    }
                }
                Event::Held(noted) => {
                    let known = |one: &Kept<'_>| {
                        one.cell.facility < report.plan.height() && one.cell.property < report.plan.width()
                    };
                    course.held.extend(kept(noted).into_iter().filter(known).map(|one| (one.cell, one)));
                }
            }
        }
        course
    }

    fn decide(&mut self, entry: &'a Entry, entries: &BTreeMap<u64, &'a Entry>) {
        let given = |act, reason: &'a Option<String>| Given {
            seq: entry.seq,
            act,
            who: &entry.who,
            at: &entry.at,
            reason: reason.as_deref(),
        };
        match &entry.step {
            Step::Decide { act, cells, reason, .. } => {
                for cell in cells {
                    self.say(*cell, given(*act, reason));
                }
            }
            Step::Import { rows, .. } => {
                for row in rows {
                    self.say(row.cell, given(row.act, &row.reason));
                }
            }
            Step::Undo(of) | Step::Redo(of) => {
                if matches!(entry.step, Step::Undo(_)) {
                    self.undone.insert(*of);
                } else {
                    self.undone.remove(of);
                }
                for cell in entries.get(of).into_iter().flat_map(|of| of.step.decided()) {
                    // Of what was reset since nothing comes back.
                    if self.decided.get(&cell).is_some_and(|all| all.iter().any(|given| given.seq == *of)) {
                        self.touch(cell);
                    }
                }
            }
            Step::Reset(resets) => {
                for reset in resets {
                    let given = self.given(reset.cell);
                    self.decided.remove(&reset.cell);
                    if let Some(given) = given.filter(|_| reset.said.is_some_and(Verdict::writes)) {
                        self.spent.insert(reset.cell, Spent { given, new: reset.new.as_deref() });
                    }
                }
            }
            Step::Settle { .. } | Step::Note { .. } => {}
        }
    }

    fn say(&mut self, cell: Cell, given: Given<'a>) {
        self.decided.entry(cell).or_default().push(given);
        self.touch(cell);
    }

    fn touch(&mut self, cell: Cell) {
        self.since.insert(cell);
        self.held.remove(&cell);
        self.spent.remove(&cell);
    }

    /// The decision that stands on a cell.
    pub(super) fn given(&self, cell: Cell) -> Option<Given<'a>> {
        let all = self.decided.get(&cell)?;
        all.iter().rfind(|given| !self.undone.contains(&given.seq)).copied()
    }

    /// The approval that a cell of a form was sent on.
    pub(super) fn sent(&self, form: &Form, cell: Cell) -> Option<Given<'a>> {
        self.sent.get(&(form.number, cell)).copied()
    }

    /// Whether a person decided on a cell after the newest form it is in.
    pub(super) fn decided_since(&self, cell: Cell) -> bool {
        self.since.contains(&cell)
    }

    /// An approval of a cell that a reset took away, where it was not decided on since.
    pub(super) fn spent(&self, cell: Cell) -> Option<&Spent<'a>> {
        self.spent.get(&cell)
    }

    /// Whether an approval of anything was taken away.
    pub(super) fn lost_any(&self) -> bool {
        !self.spent.is_empty()
    }
}

/// Everything in order. What is from before the file had a trail comes first, decisions and forms by their times.
fn events<'a>(report: &Report<'a>, entries: &BTreeMap<u64, &'a Entry>) -> Vec<Event<'a>> {
    let trail = &report.trail.entries;
    let decisions: BTreeSet<u64> = trail.iter().filter_map(|noted| noted.decision).collect();
    let forms: BTreeMap<u32, &'a Form> = report.forms.iter().map(|form| (form.number, form)).collect();
    let made = |noted: &Noted| noted.form.filter(|_| noted.what == "form");
    let noted: BTreeSet<u32> = trail.iter().filter_map(made).collect();
    let mut older = report.forms.iter().filter(|form| !noted.contains(&form.number)).peekable();
    let mut events = Vec::new();
    for entry in report.entries.iter().filter(|entry| !decisions.contains(&entry.seq)) {
        while let Some(form) = older.next_if(|form| form.frozen_at < entry.at) {
            events.push(Event::Made(form));
        }
        events.push(Event::Decided(entry));
    }
    events.extend(older.map(Event::Made));
    for noted in trail {
        match noted.what.as_str() {
            "held" => events.push(Event::Held(noted)),
            "form" => events.extend(made(noted).and_then(|number| forms.get(&number)).map(|form| Event::Made(form))),
            _ => {
                let entry = noted.decision.and_then(|seq| entries.get(&seq));
                events.extend(entry.map(|entry| Event::Decided(entry)));
            }
        }
    }
    events
}
