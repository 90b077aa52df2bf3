//! How HQ takes submissions: as it should, or in one of the ways it fails (commcare.md sections 4.3, 5.3 and 7; fault
//! matrix rows H11, H13 to H20).

use crate::sandbox::Sandbox;

/// What the form receiver does with a submission that is signed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Receiving {
    /// Takes it.
    #[default]
    Open,
    /// Another request holds the lock on the form id: 423, nothing is stored.
    Locked,
    /// Too many submissions: 429, empty, without `Retry-After`; nothing is stored.
    SlowDown,
    /// The project is being moved: 503, nothing is stored.
    Migrating,
    /// The project is blocked by support: 509 with an OpenRosa `submit_error`, nothing is stored.
    Blocked,
    /// As for a practice user: 201 `submit_success` without a form id; nothing is stored.
    Ignoring,
    /// Form and cases are saved, then a step after that fails: 422 `post_processing_failure`, and 201 for a client that
    /// is not of OpenRosa 3.0. A duplicate has no such step.
    SavedWithError,
    /// Processing fails in a way HQ does not expect: 500, and the form is an error form that the same bytes process
    /// again. A duplicate is not processed and so answered as ever.
    Crashing,
    /// Only the first so many blocks, by case id, get into the cases, and the answer is that of success. HQ should never
    /// do this.
    Partly(usize),
    /// 413 for a body of more than so many bytes, as a front server does; nothing is stored.
    TooLarge(usize),
}

/// How submissions are taken, and for how many more.
#[derive(Debug, Default)]
pub(crate) struct Door {
    kind: Receiving,
    left: Option<usize>,
}

impl Door {
    /// How the submission that comes in now is taken.
    pub(crate) fn admit(&mut self) -> Receiving {
        match &mut self.left {
            Some(0) => *self = Self::default(),
            Some(left) => *left -= 1,
            None => {}
        }
        self.kind
    }
}

/// What tests set.
impl Sandbox {
    /// How submissions are taken from now on.
    pub fn set_receiver(&self, kind: Receiving) {
        self.store().door = Door { kind, left: None };
    }

    /// How the next so many submissions are taken; those after them as [`Receiving::Open`]. Each signed-in POST to the
    /// receiver counts.
    pub fn set_receiver_for(&self, kind: Receiving, times: usize) {
        self.store().door = Door { kind, left: Some(times) };
    }

    /// A block for this case makes its whole form fail with a known error, `IllegalCaseId: Bad case id`, which does not
    /// name the case; `None` ends that. A form that failed so is processed when the same bytes come again
    /// (commcare.md sections 5.3 and 6).
    pub fn set_bad_case(&self, case_id: Option<&str>) {
        self.set_bad_cases(case_id.as_slice());
    }

    /// As [`Sandbox::set_bad_case`] for several cases; only those given last are bad.
    pub fn set_bad_cases(&self, case_ids: &[&str]) {
        self.store().bad_cases = case_ids.iter().map(|id| (*id).to_owned()).collect();
    }
}
