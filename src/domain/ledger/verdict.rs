//! What can be said of a cell, and the counts of it.

use serde::{Deserialize, Serialize};

use crate::domain::{
    flags::Severity,
    plan::{Cell, Kind, Plan},
};

/// What became of a cell that is to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The proposal will be written.
    Approve,
    /// 0 will be written where DHIS2 may not have stored one.
    Zero,
    /// The case keeps its old value.
    Reject,
}

impl Verdict {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Zero => "zero",
            Self::Reject => "reject",
        }
    }

    /// Whether a value is written because of it.
    pub fn writes(self) -> bool {
        matches!(self, Self::Approve | Self::Zero)
    }
}

/// What a person does to cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// Approve the change.
    Approve,
    /// Approve 0 where DHIS2 may not have stored one.
    Zero,
    /// Keep the old value.
    Reject,
    /// Back to undecided.
    Clear,
}

impl Act {
    /// The word the review file and the questions have for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Zero => "zero",
            Self::Reject => "reject",
            Self::Clear => "clear",
        }
    }

    /// The act with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Approve, Self::Zero, Self::Reject, Self::Clear].into_iter().find(|act| act.name() == name)
    }

    /// The verdict a cell has afterwards.
    pub fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Approve => Some(Verdict::Approve),
            Self::Zero => Some(Verdict::Zero),
            Self::Reject => Some(Verdict::Reject),
            Self::Clear => None,
        }
    }

    /// Whether a value is written because of it.
    pub fn writes(self) -> bool {
        self.verdict().is_some_and(Verdict::writes)
    }

    /// What was done, for the status line.
    pub fn past(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Zero => "approved 0 for",
            Self::Reject => "rejected",
            Self::Clear => "cleared",
        }
    }

    /// Whether it can be done to this cell at all: a change is approved as it is, a cell that reads `(0?)` only as a zero, and
    /// either is rejected or cleared.
    pub fn fits(self, plan: &Plan, cell: Cell) -> bool {
        let change = || plan.kind(cell) == Kind::Change;
        match self {
            Self::Approve => change(),
            Self::Zero => plan.may_be_zero(cell),
            Self::Reject | Self::Clear => change() || plan.may_be_zero(cell),
        }
    }
}

/// Counts of changes, and apart from them of cells that read `(0?)`. What is left is undecided; `stop` and `review` count
/// among the changes left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Changes in all.
    pub changes: u32,
    /// Changes approved.
    pub approved: u32,
    /// Changes rejected.
    pub rejected: u32,
    /// Undecided changes with a STOP.
    pub stop: u32,
    /// Undecided changes with a REVIEW and no STOP.
    pub review: u32,
    /// Cells that read `(0?)` and whose case does not hold 0. They are no changes.
    pub maybe: u32,
    /// Of these, those for which 0 was approved.
    pub zeros: u32,
    /// Of these, those that keep their old value.
    pub kept: u32,
}

impl Tally {
    /// Changes undecided.
    pub fn left(&self) -> u32 {
        self.changes - self.approved - self.rejected
    }

    /// Changes undecided and without a flag.
    pub fn plain(&self) -> u32 {
        self.left() - self.stop - self.review
    }

    /// Changes decided.
    pub fn decided(&self) -> u32 {
        self.approved + self.rejected
    }

    /// Cells that read `(0?)` and for which neither 0 nor the old value was chosen.
    pub fn maybe_left(&self) -> u32 {
        self.maybe - self.zeros - self.kept
    }

    /// Values that are written: approved changes and approved zeros.
    pub fn to_write(&self) -> u32 {
        self.approved + self.zeros
    }

    /// Moves cells between the counts.
    pub(super) fn shift(&mut self, Shift(by): &Shift) {
        let [approved, zeros, rejected, kept, stop, review, _] = *by;
        for (count, by) in [
            (&mut self.approved, approved),
            (&mut self.zeros, zeros),
            (&mut self.rejected, rejected),
            (&mut self.kept, kept),
            (&mut self.stop, stop),
            (&mut self.review, review),
        ] {
            *count = count.wrapping_add_signed(by);
        }
    }
}

/// Which count of a [`Tally`] a cell that is to be decided is in, as its place in a [`Shift`]; the last for none.
#[derive(Clone, Copy)]
pub(super) struct Slot(usize);

impl Slot {
    /// The count a cell is in with this verdict.
    #[inline]
    pub(super) fn of(plan: &Plan, cell: Cell, verdict: Option<Verdict>) -> Self {
        let change = || plan.kind(cell) == Kind::Change;
        Self(match verdict {
            Some(Verdict::Approve) => 0,
            Some(Verdict::Zero) => 1,
            Some(Verdict::Reject) => 2 + usize::from(!change()),
            None => match plan.severity(cell) {
                Some(Severity::Stop) if change() => 4,
                Some(Severity::Review) if change() => 5,
                _ => 6,
            },
        })
    }
}

/// How many cells more or fewer each count of a [`Tally`] has.
#[derive(Clone, Default)]
pub(super) struct Shift([i32; 7]);

impl Shift {
    /// One cell that was in no count.
    pub(super) fn into(to: Slot) -> Self {
        let mut shift = Self::default();
        shift.0[to.0] += 1;
        shift
    }

    /// One cell from one count to the other.
    #[inline]
    pub(super) fn go(&mut self, from: Slot, to: Slot) {
        self.0[from.0] -= 1;
        self.0[to.0] += 1;
    }
}

/// Undecided cells sorted by what they may take: bulk takes `plain`, a second question `review`; `blocked` and `stop` go one by
/// one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undecided {
    /// Without a flag.
    pub plain: Vec<Cell>,
    /// With a REVIEW.
    pub review: Vec<Cell>,
    /// Without a STOP of their own, in a property with an open one.
    pub blocked: Vec<Cell>,
    /// With a STOP.
    pub stop: Vec<Cell>,
}

impl Undecided {
    /// Sorts these cells. `blocked` says of each property whether it has an open STOP.
    pub(super) fn of(plan: &Plan, blocked: &[bool], cells: impl Iterator<Item = Cell>) -> Self {
        let mut found = Self::default();
        for cell in cells {
            match plan.severity(cell) {
                Some(Severity::Stop) => found.stop.push(cell),
                _ if blocked[usize::from(cell.property)] => found.blocked.push(cell),
                Some(Severity::Review) => found.review.push(cell),
                _ => found.plain.push(cell),
            }
        }
        found
    }

    /// All of them, those without a flag first.
    pub fn all(self) -> Vec<Cell> {
        [self.plain, self.review, self.blocked, self.stop].concat()
    }
}
