//! Verdicts and the log they come from: decide, undo, redo, counts. One entry per action of the person, whatever its size.
//! Writing the log to disk is not here (see `io::store`); replaying it gives the same verdicts.

mod apply;
mod carry;
mod import;
mod note;
mod replay;
mod rules;
mod settle;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    flags::Severity,
    plan::{Cell, Kind, Plan, State, index},
};

pub use carry::Reset;
pub use import::{Missing, Row};
pub use replay::{deciders, resets};
pub use rules::is_reason;
use rules::{nothing, stop_alone};
pub use settle::Settled;
pub use verdict::{Act, Tally, Undecided, Verdict};
use verdict::{Shift, Slot};

/// Fewest characters of a reason for a STOP (data-quality-flags.md section 5, point 7).
pub const SHORTEST_REASON: usize = 3;

/// Longest note, in characters.
pub const LONGEST_NOTE: usize = 200;

/// One row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// 1 for the first, then one more each. Order is by this, never by time (fault matrix row F19).
    pub seq: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub who: String,
    /// What.
    pub step: Step,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A decision on cells.
    Decide {
        /// What was done.
        act: Act,
        /// To which cells, in cell order.
        cells: Vec<Cell>,
        /// Why, where a reason was given.
        reason: Option<String>,
        /// What it was done to, in words: `4 in Kasenga HC`.
        label: String,
    },
    /// Verdicts from a spreadsheet, each row with its own reason.
    Import {
        /// In cell order.
        rows: Vec<Row>,
        /// How many from where, in words: `31 verdicts from Q2.xlsx`.
        label: String,
    },
    /// Takes back the entry with this number.
    Undo(u64),
    /// Does the entry with this number again.
    Redo(u64),
    /// Settles every STOP of a property with a reason, so that it takes bulk approvals again.
    Settle {
        /// Which property.
        property: u16,
        /// What its STOPs said then; see [`crate::domain::flags::Check::statement`].
        statements: Vec<String>,
        /// Why it is right all the same.
        reason: String,
    },
    /// A note on cells, in place of those they had. It is about the cell and not about its values: no verdict changes with it, and
    /// a newer reading keeps it.
    Note {
        /// On which cells, in cell order.
        cells: Vec<Cell>,
        /// What it says; empty where the notes were taken away.
        text: String,
        /// What it is on, in words: `malaria_pos of Kasenga HC`.
        label: String,
    },
    /// A newer reading: what was decided on these cells before is forgotten, since their values are others now.
    Reset(Vec<Reset>),
}

/// Who decides, and when: given in, since this module asks nobody.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// RFC 3339.
    pub at: String,
    /// Name of the person.
    pub who: String,
}

/// Something that can be taken back.
#[derive(Clone, Debug)]
struct Done {
    seq: u64,
    what: What,
    /// What it was done to, in words.
    label: String,
}

#[derive(Clone, Debug)]
enum What {
    /// A decision.
    Decided {
        how: How,
        cells: Vec<Cell>,
        /// The verdict each of these cells had before; empty where all were undecided.
        before: Vec<Option<Verdict>>,
        /// Reasons the cells had before.
        reasons: Vec<(Cell, String)>,
    },
    /// The STOPs of a property.
    Settled(Settled),
    /// A note, with those the cells had before.
    Noted { cells: Vec<Cell>, text: String, before: Vec<(Cell, String)> },
}

/// What was said of cells, and why.
#[derive(Clone, Debug)]
enum How {
    /// The same of all.
    All(Act, Option<String>),
    /// Of each its own.
    Each(Vec<(Act, Option<String>)>),
}

impl Done {
    /// The cells of a decision.
    fn cells(&self) -> &[Cell] {
        match &self.what {
            What::Decided { cells, .. } => cells,
            What::Settled(_) | What::Noted { .. } => &[],
        }
    }

    /// The first cell it is about.
    fn first(&self) -> Option<Cell> {
        match &self.what {
            What::Noted { cells, .. } => cells.first().copied(),
            _ => self.cells().first().copied(),
        }
    }

    /// `approved 4 in Kasenga HC`, `settled C5 of dhis_beds`, `noted malaria_pos of Kasenga HC`.
    fn words(&self) -> String {
        let past = match &self.what {
            What::Decided { how: How::All(act, _), .. } => act.past(),
            What::Decided { how: How::Each(_), .. } => "imported",
            What::Settled(_) => "settled",
            What::Noted { text, .. } => note::past(text),
        };
        format!("{past} {}", self.label)
    }
}

/// What the newest entry did, for taking it back where it could not be written.
#[derive(Clone, Debug)]
enum Newest {
    /// Done, and so ended what could be done again, which is kept here.
    Did(Vec<Done>),
    Undone,
    Redone,
}

/// Every verdict, and the way back.
#[derive(Clone, Debug)]
pub struct Ledger {
    verdicts: Vec<Option<Verdict>>,
    all: Tally,
    facilities: Vec<Tally>,
    properties: Vec<Tally>,
    reasons: BTreeMap<Cell, String>,
    notes: BTreeMap<Cell, String>,
    sent: BTreeSet<Cell>,
    /// How many of those sent are approved: not one that was decided on values of an earlier reading.
    sent_approved: usize,
    /// What is settled of properties, the newest last.
    settled: Vec<Settled>,
    done: Vec<Done>,
    undone: Vec<Done>,
    last: u64,
    newest: Option<Newest>,
    /// Cells whose approval a reset took away.
    held: BTreeSet<Cell>,
    /// Whether the last decision was sent.
    last_sent: bool,
}

impl Ledger {
    /// A ledger in which every change is undecided.
    pub fn new(plan: &Plan) -> Self {
        let mut ledger = Self {
            verdicts: vec![None; plan.facilities().len() * plan.properties().len()],
            all: Tally::default(),
            facilities: vec![Tally::default(); plan.facilities().len()],
            properties: vec![Tally::default(); plan.properties().len()],
            reasons: BTreeMap::new(),
            notes: BTreeMap::new(),
            sent: BTreeSet::new(),
            sent_approved: 0,
            settled: Vec::new(),
            done: Vec::new(),
            undone: Vec::new(),
            last: 0,
            newest: None,
            held: BTreeSet::new(),
            last_sent: false,
        };
        for cell in plan.cells().filter(|cell| Act::Reject.fits(plan, *cell)) {
            let change = plan.kind(cell) == Kind::Change;
            let slot = Slot::of(plan, cell, None);
            let (facility, property) = (index(cell.facility), usize::from(cell.property));
            for tally in [&mut ledger.all, &mut ledger.facilities[facility], &mut ledger.properties[property]] {
                *(if change { &mut tally.changes } else { &mut tally.maybe }) += 1;
                tally.shift(&Shift::into(slot));
            }
        }
        ledger
    }

    /// Decides. Cells that this cannot be done to, or that have this verdict already, are left out; the error says why nothing is
    /// left. A cell that reads `(0?)` is never approved with others: that takes [`Act::Zero`].
    ///
    /// A STOP is approved alone and with a reason, and in a property with an open STOP a value is approved alone, whoever asks
    /// (review-ux.md rule 3).
    pub fn decide(
        &mut self,
        plan: &Plan,
        act: Act,
        cells: impl IntoIterator<Item = Cell>,
        reason: Option<&str>,
        label: &str,
        stamp: &Stamp,
    ) -> Result<Entry, String> {
        let mut cells: Vec<Cell> = cells.into_iter().collect();
        if !cells.iter().any(|cell| act.fits(plan, *cell)) {
            return Err(nothing(plan, act, &cells).to_owned());
        }
        if !self.sent.is_empty() && cells.iter().any(|cell| act.fits(plan, *cell) && self.sent.contains(cell)) {
            return Err("already sent; what was sent cannot be decided again".to_owned());
        }
        cells.retain(|cell| act.fits(plan, *cell) && self.verdict(plan, *cell) != act.verdict());
        if cells.is_empty() {
            return Err(if act == Act::Clear {
                "already undecided".to_owned()
            } else {
                format!("already {}", act.past())
            });
        }
        cells.sort_unstable();
        cells.dedup();
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        stop_alone(plan, act, &cells, reason)?;
        if act.writes() && cells.len() == 1 && !is_reason(reason) && self.asks_reason(plan, cells[0]) {
            return Err(format!(
                "an open STOP of the property asks for a reason of at least {SHORTEST_REASON} characters"
            ));
        }
        self.none_in_blocked(plan, act, cells.len(), &cells)?;
        let how = How::All(act, reason.map(str::to_owned));
        let done = self.decision(plan, self.last + 1, how, &cells, label);
        self.does(plan, done);
        let step = Step::Decide { act, cells, reason: reason.map(str::to_owned), label: label.to_owned() };
        Ok(self.entry(step, stamp))
    }

    /// Does something new, which ends what could be done again.
    fn does(&mut self, plan: &Plan, done: Done) {
        self.last += 1;
        self.apply(plan, &done);
        self.newest = Some(Newest::Did(std::mem::take(&mut self.undone)));
        self.done.push(done);
        // What was sent is not decided again.
        self.last_sent = false;
    }

    /// Takes back the last decision, whole. The error says why it cannot.
    pub fn undo(&mut self, plan: &Plan, stamp: &Stamp) -> Result<Entry, String> {
        let done = self.done.last().ok_or("nothing to undo")?;
        if self.holds_sent(done) {
            return Err("the last decision was already sent; undo it in CommCare by archiving the form".to_owned());
        }
        let done = self.done.pop().ok_or("nothing to undo")?;
        self.take_back(plan, &done);
        let step = Step::Undo(done.seq);
        self.undone.push(done);
        self.newest = Some(Newest::Undone);
        self.last += 1;
        self.mark_sent();
        Ok(self.entry(step, stamp))
    }

    /// Does the last decision taken back again. The error says why it cannot.
    pub fn redo(&mut self, plan: &Plan, stamp: &Stamp) -> Result<Entry, String> {
        let done = self.undone.last().ok_or("nothing to redo")?;
        if self.holds_sent(done) {
            return Err("part of it was sent since; what was sent cannot be decided again".to_owned());
        }
        let done = self.undone.pop().ok_or("nothing to redo")?;
        self.apply(plan, &done);
        let step = Step::Redo(done.seq);
        self.done.push(done);
        self.newest = Some(Newest::Redone);
        self.last += 1;
        self.mark_sent();
        Ok(self.entry(step, stamp))
    }

    /// Makes the newest entry undone as if it had never been, because it could not be written. Whether it did: only the entry
    /// with this number, once, and none of a log that was replayed.
    pub fn take_back_last(&mut self, plan: &Plan, seq: u64) -> bool {
        let Some(newest) = self.newest.take_if(|_| seq == self.last) else { return false };
        let from = if matches!(newest, Newest::Undone) { &mut self.undone } else { &mut self.done };
        let Some(done) = from.pop() else { return false };
        match newest {
            Newest::Did(undone) => {
                self.take_back(plan, &done);
                self.undone = undone;
            }
            Newest::Undone => {
                self.apply(plan, &done);
                self.done.push(done);
            }
            Newest::Redone => {
                self.take_back(plan, &done);
                self.undone.push(done);
            }
        }
        self.last -= 1;
        self.mark_sent();
        true
    }

    /// What the next undo or redo is about, in words: `approved 4 in Kasenga HC`.
    pub fn last_done(&self) -> Option<String> {
        self.done.last().map(Done::words)
    }

    /// What the next redo would do again, in words.
    pub fn last_undone(&self) -> Option<String> {
        self.undone.last().map(Done::words)
    }

    /// Whether the last decision was sent, so that it cannot be undone here.
    pub fn last_is_sent(&self) -> bool {
        self.last_sent
    }

    /// Works that out, which takes a look at each of its cells: a frame asks for it.
    fn mark_sent(&mut self) {
        self.last_sent = self.done.last().is_some_and(|done| self.holds_sent(done));
    }

    /// The first cell of what the next undo takes back, and of what the next redo does again.
    pub fn first_cells(&self) -> (Option<Cell>, Option<Cell>) {
        (self.done.last().and_then(Done::first), self.undone.last().and_then(Done::first))
    }

    /// Approved changes and zeros that were not sent; a refused form's count among them. What was sent stays approved.
    pub fn unsent(&self) -> usize {
        index(self.all.to_write()).saturating_sub(self.sent_approved)
    }

    /// The verdict on a cell.
    pub fn verdict(&self, plan: &Plan, cell: Cell) -> Option<Verdict> {
        self.verdicts[plan.at(cell)]
    }

    /// The reason a cell was approved or rejected with.
    pub fn reason(&self, cell: Cell) -> Option<&str> {
        self.reasons.get(&cell).map(String::as_str)
    }

    /// Counts of the whole review.
    pub fn all(&self) -> Tally {
        self.all
    }

    /// Counts of a facility.
    pub fn facility(&self, facility: u32) -> Tally {
        self.facilities[index(facility)]
    }

    /// Counts of a property.
    pub fn property(&self, property: u16) -> Tally {
        self.properties[usize::from(property)]
    }

    /// Sets which cells stand as sent, in place of those before: their verdict stands. A cell the server refused is not among
    /// them any more and can be decided again.
    pub fn set_sent(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.sent = cells.into_iter().collect();
        let width = self.properties.len();
        let at = |cell: &Cell| index(cell.facility) * width + usize::from(cell.property);
        let approved = |cell: &&Cell| self.verdicts.get(at(cell)).copied().flatten().is_some_and(Verdict::writes);
        self.sent_approved = self.sent.iter().filter(approved).count();
        self.mark_sent();
    }

    /// Whether the cell was sent.
    pub fn is_sent(&self, cell: Cell) -> bool {
        self.sent.contains(&cell)
    }

    /// Whether a reset took away an approval of this cell and it is undecided since: on values that moved a person once said yes.
    pub fn held(&self, plan: &Plan, cell: Cell) -> bool {
        self.held.contains(&cell) && self.verdict(plan, cell).is_none()
    }

    /// Whether a reset ever took away an approval of this cell: what was found under it says nothing of one that came later.
    pub fn was_reset(&self, cell: Cell) -> bool {
        self.held.contains(&cell)
    }

    /// Number of cells sent.
    pub fn sent(&self) -> usize {
        self.sent.len()
    }

    /// Approved cells not sent yet, zeros among them, facility by facility.
    pub fn to_send<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = Cell> + 'a {
        let writes = |cell: &Cell| self.verdict(plan, *cell).is_some_and(Verdict::writes);
        plan.cells().filter(move |cell| writes(cell) && !self.sent.contains(cell))
    }

    /// The undecided changes among these cells, sorted by what a bulk decision may take. A cell that reads `(0?)` is none.
    pub fn undecided(&self, plan: &Plan, cells: impl IntoIterator<Item = Cell>) -> Undecided {
        Undecided::of(plan, &self.blocked(plan), self.open(plan, cells).filter(|cell| plan.kind(*cell) == Kind::Change))
    }

    /// The undecided cells among these that read `(0?)`, sorted in the same way.
    pub fn undecided_zeros(&self, plan: &Plan, cells: impl IntoIterator<Item = Cell>) -> Undecided {
        Undecided::of(plan, &self.blocked(plan), self.open(plan, cells).filter(|cell| plan.may_be_zero(*cell)))
    }

    fn open<I: IntoIterator<Item = Cell>>(&self, plan: &Plan, cells: I) -> impl Iterator<Item = Cell> {
        cells.into_iter().filter(|cell| self.verdict(plan, *cell).is_none() && !self.sent.contains(cell))
    }

    fn decision(&self, plan: &Plan, seq: u64, how: How, cells: &[Cell], label: &str) -> Done {
        let undecided = cells.iter().all(|cell| self.verdict(plan, *cell).is_none());
        let before = if undecided { Vec::new() } else { cells.iter().map(|cell| self.verdict(plan, *cell)).collect() };
        let had = |cell: &Cell| Some((*cell, self.reasons.get(cell)?.clone()));
        let reasons = if self.reasons.is_empty() { Vec::new() } else { cells.iter().filter_map(had).collect() };
        let what = What::Decided { how, cells: cells.to_vec(), before, reasons };
        Done { seq, what, label: label.to_owned() }
    }

    fn holds_sent(&self, done: &Done) -> bool {
        !self.sent.is_empty() && done.cells().iter().any(|cell| self.sent.contains(cell))
    }

    fn entry(&self, step: Step, stamp: &Stamp) -> Entry {
        Entry { seq: self.last, at: stamp.at.clone(), who: stamp.who.clone(), step }
    }
}

#[cfg(test)]
mod tests;
