//! From one reading to the next: which decisions stand, and which are reset because what they were made on moved
//! (review-ux.md rule 5). A reset is written into the log as an entry of its own, so that no later reading and no undo brings
//! back what it took away, even where a value moves there and back.

use std::collections::BTreeMap;

use super::{Done, Entry, Ledger, Stamp, Step, Verdict, is_reason};
use crate::domain::{
    flags::Severity,
    plan::{Cell, Kind, Plan},
};

/// A cell whose decisions are forgotten, with what they were made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// Which cell.
    pub cell: Cell,
    /// What stood; `None` where a decision was only there to be done again or taken back to.
    pub said: Option<Verdict>,
    /// The old value then.
    pub old: Option<String>,
    /// The value that would have been written then; see [`Plan::offer`].
    pub new: Option<String>,
}

impl Ledger {
    /// The entry that forgets what was decided on values that `now`, the next reading in the same places, does not hold any
    /// more; `None` where nothing moved. Among what is forgotten is an approval of what has become a STOP, unless it was given
    /// alone and with a reason.
    pub fn reset(&self, before: &Plan, now: &Plan, stamp: &Stamp) -> Option<Entry> {
        let mut moved = BTreeMap::new();
        for done in self.done.iter().chain(&self.undone) {
            for (cell, _) in &done.cells {
                if !stands(before, now, done, *cell) {
                    let text = |value: Option<&str>| value.map(str::to_owned);
                    let (old, new) = (text(before.old(*cell)), text(before.offer(*cell)));
                    moved.insert(*cell, Reset { cell: *cell, said: self.verdict(before, *cell), old, new });
                }
            }
        }
        let step = Step::Reset(moved.into_values().collect());
        let entry = Entry { seq: self.last + 1, at: stamp.at.clone(), who: stamp.who.clone(), step };
        (!matches!(&entry.step, Step::Reset(cells) if cells.is_empty())).then_some(entry)
    }
}

/// Whether a decision on this cell is still one a person could have made, on the same two values.
fn stands(before: &Plan, now: &Plan, done: &Done, cell: Cell) -> bool {
    let asks = |plan: &Plan| (plan.kind(cell) == Kind::Change, plan.may_be_zero(cell));
    let same = (before.old(cell), before.offer(cell), asks(before)) == (now.old(cell), now.offer(cell), asks(now));
    let stop = done.act.writes() && now.severity(cell) == Some(Severity::Stop);
    same && (!stop || (done.alone && is_reason(done.reason.as_deref())))
}
