//! The log of decisions done again from the start. A log that the rules of [`Ledger::decide`] could not have written is
//! refused: it was damaged or edited. Whether its values are those of the plan is looked at where it is read.

use super::{Act, Entry, Ledger, Step, stop_alone};
use crate::domain::plan::{Cell, Kind, Plan};

impl Ledger {
    /// The ledger after these entries, which must be the log of this plan in order. The error names the entry that does not fit,
    /// and its cell (fault matrix row F08).
    pub fn replay(plan: &Plan, entries: &[Entry]) -> Result<Self, String> {
        let mut ledger = Self::new(plan);
        for entry in entries {
            ledger.again(plan, entry).map_err(|why| {
                format!("entry {} of the decision log {why}; the log is damaged or was edited", entry.seq)
            })?;
        }
        Ok(ledger)
    }

    fn again(&mut self, plan: &Plan, entry: &Entry) -> Result<(), String> {
        if entry.seq <= self.last {
            return Err("is out of order".to_owned());
        }
        match &entry.step {
            Step::Decide { act, cells, reason, label } => {
                could_be(plan, *act, cells, reason.as_deref())?;
                self.undone.clear();
                let done = self.done(plan, entry.seq, *act, cells, reason.as_deref(), label);
                self.apply(plan, &done);
                self.done.push(done);
            }
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
        }
        self.last = entry.seq;
        Ok(())
    }
}

/// Whether a person could have decided this: changes only, each once and in order, a STOP alone and with a reason.
fn could_be(plan: &Plan, act: Act, cells: &[Cell], reason: Option<&str>) -> Result<(), String> {
    if cells.iter().any(|cell| cell.facility >= plan.height() || cell.property >= plan.width()) {
        return Err("names a cell that does not exist".to_owned());
    }
    if let Some(cell) = cells.iter().find(|cell| plan.kind(**cell) != Kind::Change) {
        return Err(format!("decides on {}, which is no change", plan.title(*cell)));
    }
    if let Some([cell, _]) = cells.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(format!("names cells twice or out of order after {}", plan.title(*cell)));
    }
    stop_alone(plan, act, cells, reason)
        .map_err(|why| format!("approves what could not be approved ({why}): {}", plan.titles(cells)))
}
