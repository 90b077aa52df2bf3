//! What is done and taken back, put into verdicts, counts, reasons, notes and what is settled. Whether it may be is not asked here.

use super::{Done, How, Ledger, Shift, Slot, Verdict, What};
use crate::domain::plan::{Cell, Plan, index};

impl Ledger {
    /// Gives cells verdicts. Counts are shifted once for each facility and property and not for each cell: a decision may be on
    /// millions.
    pub(super) fn set(&mut self, plan: &Plan, verdicts: impl Iterator<Item = (Cell, Option<Verdict>)>) {
        let mut properties = vec![Shift::default(); self.properties.len()];
        let (mut facility, mut shift) = (0, Shift::default());
        for (cell, verdict) in verdicts {
            if cell.facility != facility {
                self.shift(facility, &std::mem::take(&mut shift));
                facility = cell.facility;
            }
            let at = plan.at(cell);
            let before = std::mem::replace(&mut self.verdicts[at], verdict);
            let (from, to) = (Slot::of(plan, cell, before), Slot::of(plan, cell, verdict));
            shift.go(from, to);
            properties[usize::from(cell.property)].go(from, to);
        }
        self.shift(facility, &shift);
        for (tally, shift) in self.properties.iter_mut().zip(&properties) {
            tally.shift(shift);
        }
    }

    /// Shifts the counts of a facility and of all.
    fn shift(&mut self, facility: u32, shift: &Shift) {
        if let Some(tally) = self.facilities.get_mut(index(facility)) {
            tally.shift(shift);
            self.all.shift(shift);
        }
    }

    /// Forgets the reasons of cells, where there are any.
    fn no_reasons(&mut self, cells: &[Cell]) {
        if !self.reasons.is_empty() {
            for cell in cells {
                self.reasons.remove(cell);
            }
        }
    }

    pub(super) fn apply(&mut self, plan: &Plan, done: &Done) {
        match &done.what {
            What::Decided { how: How::All(act, reason), cells, .. } => {
                self.set(plan, cells.iter().map(|cell| (*cell, act.verdict())));
                match reason.as_ref().filter(|_| act.verdict().is_some()) {
                    Some(reason) => self.reasons.extend(cells.iter().map(|cell| (*cell, reason.clone()))),
                    None => self.no_reasons(cells),
                }
            }
            What::Decided { how: How::Each(said), cells, .. } => {
                self.set(plan, cells.iter().zip(said).map(|(cell, (act, _))| (*cell, act.verdict())));
                for (cell, (act, reason)) in cells.iter().zip(said) {
                    // What is undecided has no reason that the next one to look at it could take over unread.
                    match reason.as_ref().filter(|_| act.verdict().is_some()) {
                        Some(reason) => _ = self.reasons.insert(*cell, reason.clone()),
                        None => _ = self.reasons.remove(cell),
                    }
                }
            }
            What::Settled(settled) => self.settled.push(settled.clone()),
            What::Noted { cells, text, .. } => self.put_notes(cells, text),
        }
    }

    pub(super) fn take_back(&mut self, plan: &Plan, done: &Done) {
        match &done.what {
            What::Decided { cells, before, reasons, .. } => {
                let before = before.iter().copied().chain(std::iter::repeat(None));
                self.set(plan, cells.iter().copied().zip(before));
                self.no_reasons(cells);
                self.reasons.extend(reasons.iter().cloned());
            }
            // What is taken back is the last that was done, so this is the newest of them.
            What::Settled(_) => _ = self.settled.pop(),
            What::Noted { cells, before, .. } => {
                self.put_notes(cells, "");
                self.notes.extend(before.iter().cloned());
            }
        }
    }
}
