//! STOPs of whole properties (data-quality-flags.md section 4; review-ux.md rule 3). Until each is settled with a reason, its
//! property takes no bulk approval. What is settled is the statement: one that reads otherwise in a later reading is open again,
//! and one that comes back as it was is not asked about twice.

use std::collections::{BTreeMap, BTreeSet};

use super::{Act, Done, Entry, Ledger, SHORTEST_REASON, Stamp, Step, What, is_reason};
use crate::domain::{
    flags::{Check, Flag, Severity, stands_for},
    plan::{Cell, Plan},
};

/// What was settled of a property, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Which property.
    pub property: u16,
    /// What its STOPs said then; see [`Check::statement`].
    pub statements: Vec<String>,
    /// Why it is right all the same.
    pub reason: String,
    /// Who settled it.
    pub who: String,
    /// When, RFC 3339.
    pub at: String,
}

impl Settled {
    fn covers(&self, property: u16, check: &Check) -> bool {
        self.property == property && self.statements.iter().any(|statement| check.states(statement))
    }
}

impl Ledger {
    /// Settles every STOP of a property. The error says why it cannot: there is none, all are settled, or the reason is shorter
    /// than [`SHORTEST_REASON`] characters.
    pub fn settle(&mut self, plan: &Plan, property: u16, reason: &str, stamp: &Stamp) -> Result<Entry, String> {
        let name = &plan.property(property).name;
        let statements: Vec<String> = stops(plan, property).map(Check::statement).collect();
        if statements.is_empty() {
            return Err(format!("{name} has no STOP of its own; nothing to settle"));
        }
        if self.blocks(plan, property).is_none() {
            return Err(format!("the STOP of {name} is settled already"));
        }
        if !is_reason(Some(reason)) {
            return Err(format!(
                "a STOP of a property is settled with a reason of at least {SHORTEST_REASON} characters"
            ));
        }
        let reason = reason.trim().to_owned();
        let step = Step::Settle { property, statements: statements.clone(), reason: reason.clone() };
        let settled = Settled { property, statements, reason, who: stamp.who.clone(), at: stamp.at.clone() };
        self.does(plan, done(plan, self.last + 1, settled));
        Ok(self.entry(step, stamp))
    }

    /// The first STOP of a property that is not settled as it reads now; with one the property takes no bulk approval.
    pub fn blocks<'a>(&self, plan: &'a Plan, property: u16) -> Option<&'a Check> {
        self.open_stops(plan, property).next()
    }

    /// Every STOP of a property that is not settled as it reads now.
    pub fn open_stops<'a>(&self, plan: &'a Plan, property: u16) -> impl Iterator<Item = &'a Check> {
        stops(plan, property).filter(move |check| self.settled(property, check).is_none())
    }

    /// By whom and why a check of a property was settled, the last time where it was more than once; `None` where what it says
    /// now was not.
    pub fn settled(&self, property: u16, check: &Check) -> Option<&Settled> {
        self.settled.iter().rev().find(|settled| settled.covers(property, check))
    }

    /// Of each property whether it takes no bulk approval; worked out once for many cells.
    pub fn blocked(&self, plan: &Plan) -> Vec<bool> {
        (0..plan.width()).map(|property| self.blocks(plan, property).is_some()).collect()
    }

    /// Whether approving a cell asks for a reason: it is a STOP, or it carries a flag for which an open STOP of its property stands.
    pub fn asks_reason(&self, plan: &Plan, cell: Cell) -> bool {
        let folded = |flag: &Flag| {
            flag.severity == Severity::Info
                && self.open_stops(plan, cell.property).any(|check| stands_for(&check.id, &flag.id))
        };
        plan.severity(cell) == Some(Severity::Stop) || plan.flags(cell).iter().any(folded)
    }

    /// A value of a property with an open STOP is approved on its own. `count` cells are decided at once, `cells` are those of
    /// them that are looked at.
    pub(super) fn none_in_blocked(&self, plan: &Plan, act: Act, count: usize, cells: &[Cell]) -> Result<(), String> {
        if !act.writes() || count < 2 {
            return Ok(());
        }
        let blocked = self.blocked(plan);
        let first = cells.iter().find(|cell| blocked[usize::from(cell.property)]);
        let Some((cell, check)) = first.and_then(|cell| Some((cell, self.blocks(plan, cell.property)?))) else {
            return Ok(());
        };
        let name = &plan.property(cell.property).name;
        Err(format!(
            "{name} has an open STOP ({}): until it is settled its values are approved one at a time",
            check.id
        ))
    }

    /// What an entry settled, if a person could have settled it.
    pub(super) fn could_settle(
        &self,
        plan: &Plan,
        property: u16,
        statements: &[String],
        reason: &str,
        entry: &Entry,
    ) -> Result<Done, String> {
        if property >= plan.width() {
            return Err("names a property that does not exist".to_owned());
        }
        let known = |text: &String| {
            self.settled.iter().any(|settled| settled.property == property && settled.statements.contains(text))
        };
        if statements.iter().all(known) {
            return Err(format!("settles nothing of {}", plan.property(property).name));
        }
        if !is_reason(Some(reason)) {
            return Err(format!("settles {} without a reason", plan.property(property).name));
        }
        let (statements, reason) = (statements.to_vec(), reason.to_owned());
        let settled = Settled { property, statements, reason, who: entry.who.clone(), at: entry.at.clone() };
        Ok(done(plan, entry.seq, settled))
    }
}

/// The STOPs of a property, settled or not.
fn stops(plan: &Plan, property: u16) -> impl Iterator<Item = &Check> {
    plan.checks(property).filter(|check| check.severity == Severity::Stop)
}

/// Something settled, called `C4, C5 of dhis_beds`.
fn done(plan: &Plan, seq: u64, settled: Settled) -> Done {
    let id = |text: &'_ String| text.split_once(": ").map_or("STOP", |(id, _)| id).to_owned();
    let ids: Vec<String> = settled.statements.iter().map(id).collect();
    let label = format!("{} of {}", ids.join(", "), plan.property(settled.property).name);
    Done { seq, what: What::Settled(settled), label }
}

/// What stood settled after each entry of a log.
#[derive(Default)]
pub(super) struct Standing<'a> {
    known: BTreeMap<u64, (u16, &'a [String])>,
    now: BTreeSet<u64>,
}

impl<'a> Standing<'a> {
    /// Takes the next entry of the log.
    pub(super) fn follow(&mut self, entry: &'a Entry) {
        match &entry.step {
            Step::Settle { property, statements, .. } => {
                self.known.insert(entry.seq, (*property, statements));
                self.now.insert(entry.seq);
            }
            Step::Undo(of) => _ = self.now.remove(of),
            Step::Redo(of) if self.known.contains_key(of) => _ = self.now.insert(*of),
            Step::Decide { .. } | Step::Import { .. } | Step::Note { .. } | Step::Redo(_) | Step::Reset(_) => {}
        }
    }

    /// Of each property of a plan whether one of its STOPs was not settled.
    pub(super) fn blocked(&self, plan: &Plan) -> Vec<bool> {
        let settled = |property, check: &Check| {
            self.now
                .iter()
                .filter_map(|seq| self.known.get(seq))
                .any(|(of, statements)| *of == property && statements.iter().any(|statement| check.states(statement)))
        };
        (0..plan.width()).map(|at| stops(plan, at).any(|check| !settled(at, check))).collect()
    }
}

#[cfg(test)]
mod tests;
