//! The log of decisions done again from the start. A log that the rules of [`Ledger::decide`] could not have written is
//! refused: it was damaged or edited. Whether its values are those of the plan is looked at where it is read.
//!
//! What was settled of a property is not held to what its checks say now: that may be another reading. It is held to its reason,
//! and a bulk approval to what was settled before it.
//!
//! A decision of an earlier reading is done again on the cells that no later reading reset; the others are as if they had
//! never been in it, so that no undo brings them back. Notes are of no reading: all of them are put again.

use std::collections::{BTreeMap, BTreeSet};

use super::{Act, Done, Entry, How, Ledger, Row, Step, Verdict, import, note, stop_alone};
use crate::domain::{
    flags::Severity,
    plan::{Cell, Plan},
};

/// What later entries say of earlier ones.
struct Resets {
    /// The last entry that reset a cell.
    last: BTreeMap<Cell, u64>,
    /// Decisions of which no cell is left; taking them back or doing them again is nothing.
    empty: BTreeSet<u64>,
}

/// The last entry that reset each cell.
pub fn resets(entries: &[Entry]) -> BTreeMap<Cell, u64> {
    let mut last = BTreeMap::new();
    for entry in entries {
        if let Step::Reset(cells) = &entry.step {
            last.extend(cells.iter().map(|reset| (reset.cell, entry.seq)));
        }
    }
    last
}

/// Who decided each cell last, of the decisions that stand.
pub fn deciders(entries: &[Entry]) -> BTreeMap<Cell, &str> {
    let mut undone = BTreeSet::new();
    for entry in entries {
        match &entry.step {
            Step::Undo(of) => _ = undone.insert(*of),
            Step::Redo(of) => _ = undone.remove(of),
            Step::Decide { .. } | Step::Import { .. } | Step::Settle { .. } | Step::Note { .. } | Step::Reset(_) => {}
        }
    }
    let last = resets(entries);
    let mut who = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !undone.contains(&entry.seq)) {
        let stands = entry.step.decided().filter(|cell| last.get(cell).is_none_or(|reset| *reset < entry.seq));
        who.extend(stands.map(|cell| (cell, entry.who.as_str())));
    }
    who
}

impl Step {
    /// The cells it gives a verdict, in cell order: those of a decision or of an import.
    pub fn decided(&self) -> impl Iterator<Item = Cell> {
        let (cells, rows): (&[Cell], &[Row]) = match self {
            Self::Decide { cells, .. } => (cells, &[]),
            Self::Import { rows, .. } => (&[], rows),
            Self::Undo(_) | Self::Redo(_) | Self::Settle { .. } | Self::Note { .. } | Self::Reset(_) => (&[], &[]),
        };
        cells.iter().copied().chain(rows.iter().map(|row| row.cell))
    }
}

impl Ledger {
    /// The ledger after these entries, which must be the log of this plan in order. The error names the entry that does not fit,
    /// and its cell (fault matrix row F08).
    pub fn replay(plan: &Plan, entries: &[Entry]) -> Result<Self, String> {
        let mut ledger = Self::new(plan);
        let mut resets = Resets { last: resets(entries), empty: BTreeSet::new() };
        for entry in entries {
            ledger.again(plan, entry, &mut resets).map_err(|why| {
                format!("entry {} of the decision log {why}; the log is damaged or was edited", entry.seq)
            })?;
        }
        Ok(ledger)
    }

    fn again(&mut self, plan: &Plan, entry: &Entry, resets: &mut Resets) -> Result<(), String> {
        if entry.seq <= self.last {
            return Err("is out of order".to_owned());
        }
        match &entry.step {
            Step::Decide { act, cells, reason, label } => {
                exist(plan, cells.iter())?;
                let stands = |cell: &&Cell| resets.last.get(cell).is_none_or(|reset| *reset < entry.seq);
                let left: Vec<Cell> = cells.iter().filter(stands).copied().collect();
                could_be(plan, *act, cells, &left, reason.as_deref())?;
                self.none_in_blocked(plan, *act, cells.len(), &left)
                    .map_err(|why| format!("approves what could not be approved ({why}): {}", plan.titles(&left)))?;
                let how = How::All(*act, reason.clone());
                let done = self.decision(plan, entry.seq, how, &left, label);
                self.decided_again(plan, done, resets);
            }
            Step::Import { rows, label } => {
                exist(plan, rows.iter().map(|row| &row.cell))?;
                let stands = |row: &&Row| resets.last.get(&row.cell).is_none_or(|reset| *reset < entry.seq);
                let left: Vec<&Row> = rows.iter().filter(stands).collect();
                // Reasons that stood elsewhere were looked at when it was taken; on a later reading other ones stand.
                let missing = import::unreasoned(plan, &self.blocked(plan), &left, &[]);
                import::could_be(plan, rows, &left, &missing)?;
                let done = self.imported(plan, entry.seq, &left, label);
                self.decided_again(plan, done, resets);
            }
            Step::Settle { property, statements, reason } => {
                let settled = self.could_settle(plan, *property, statements, reason, entry)?;
                self.undone.clear();
                self.apply(plan, &settled);
                self.done.push(settled);
            }
            Step::Note { cells, text, label } => {
                exist(plan, cells.iter())?;
                note::could_be(plan, cells, text)?;
                self.undone.clear();
                let noted = self.noted(entry.seq, cells, text, label);
                self.apply(plan, &noted);
                self.done.push(noted);
            }
            Step::Undo(of) | Step::Redo(of) if resets.empty.contains(of) => {}
            Step::Undo(of) => {
                let done = self.done.pop().filter(|done| done.seq == *of).ok_or("takes back nothing")?;
                self.take_back(plan, &done);
                self.undone.push(done);
            }
            Step::Redo(of) => {
                let done = self.undone.pop().filter(|done| done.seq == *of).ok_or("repeats nothing")?;
                self.apply(plan, &done);
                self.done.push(done);
            }
            Step::Reset(cells) => {
                exist(plan, cells.iter().map(|reset| &reset.cell))?;
                let approved = cells.iter().filter(|reset| reset.said.is_some_and(Verdict::writes));
                self.held.extend(approved.map(|reset| reset.cell));
            }
        }
        self.last = entry.seq;
        Ok(())
    }

    /// Applies a decision of which some cells may be left, or none.
    fn decided_again(&mut self, plan: &Plan, done: Done, resets: &mut Resets) {
        self.undone.clear();
        if done.cells().is_empty() {
            resets.empty.insert(done.seq);
        } else {
            self.apply(plan, &done);
            self.done.push(done);
        }
    }
}

fn exist<'a>(plan: &Plan, mut cells: impl Iterator<Item = &'a Cell>) -> Result<(), String> {
    if cells.any(|cell| cell.facility >= plan.height() || cell.property >= plan.width()) {
        return Err("names a cell that does not exist".to_owned());
    }
    Ok(())
}

/// Whether a person could have decided this: cells it can be done to, each once and in order, a STOP alone and with a reason.
/// Of cells that were reset later the plan says nothing any more; `left` are the others.
fn could_be(plan: &Plan, act: Act, cells: &[Cell], left: &[Cell], reason: Option<&str>) -> Result<(), String> {
    if let Some(cell) = left.iter().find(|cell| !act.fits(plan, **cell)) {
        return Err(format!("decides on {}, which is no change", plan.title(*cell)));
    }
    if let Some([cell, _]) = cells.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(format!("names cells twice or out of order after {}", plan.title(*cell)));
    }
    let stop = left.iter().any(|cell| plan.severity(*cell) == Some(Severity::Stop));
    if !stop {
        return Ok(());
    }
    stop_alone(plan, act, cells, reason)
        .map_err(|why| format!("approves what could not be approved ({why}): {}", plan.titles(left)))
}
