//! Where a review stands: its counts, its forms by outcome, one word for it, and the command that goes on.

use std::path::Path;

use serde::Serialize;

use crate::{
    domain::{flags::Severity, ledger::Tally, outcome::Outcome, text::shell_word},
    job::{
        export::{Counts, counts, outcome_name},
        forms::fates,
        session::Opened,
    },
};

/// Where a review stands, in one word. The first that holds, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A form is not settled: what became of it is not known, or not seen yet.
    Unsettled,
    /// Something is applied, and approved changes are not sent.
    Partly,
    /// Changes wait for a decision.
    Undecided,
    /// All is decided, and approved changes are not sent.
    Approved,
    /// All is decided and sent, but some facilities could not be read.
    Incomplete,
    /// All is decided, and everything approved is applied.
    Applied,
    /// Nothing is left to decide or to send, and no form of it is applied.
    Closed,
}

impl State {
    /// The word, as scripts see it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unsettled => "unsettled",
            Self::Partly => "partly",
            Self::Undecided => "undecided",
            Self::Approved => "approved",
            Self::Incomplete => "incomplete",
            Self::Applied => "applied",
            Self::Closed => "closed",
        }
    }

    /// What it means, in a sentence without its full stop.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unsettled => "a form is not settled",
            Self::Partly => "partly applied: approved changes are not sent",
            Self::Undecided => "changes wait for a decision",
            Self::Approved => "all is decided, and approved changes are not sent",
            Self::Incomplete => "all is decided and sent, but some facilities could not be read",
            Self::Applied => "all is decided, and everything approved is applied",
            Self::Closed => "nothing is left to decide or to send",
        }
    }
}

/// Undecided changes by the worst of their flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// With a STOP.
    pub stop: u32,
    /// With a REVIEW and no STOP.
    pub review: u32,
    /// Without either.
    pub none: u32,
}

/// How many forms, or changes in forms, came to each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct ByOutcome {
    /// The server said yes; not seen yet.
    pub accepted: usize,
    /// Read back, equal.
    pub applied: usize,
    /// Refused, or another value was read back.
    pub not_applied: usize,
    /// No answer that settles it.
    pub unknown: usize,
}

impl ByOutcome {
    /// Counts these.
    pub fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut by = Self::default();
        for outcome in outcomes {
            *match outcome {
                Outcome::Accepted => &mut by.accepted,
                Outcome::Applied => &mut by.applied,
                Outcome::NotApplied => &mut by.not_applied,
                // As scripts see it: a byte may have left.
                Outcome::Frozen | Outcome::Unknown => &mut by.unknown,
            } += 1;
        }
        by
    }

    /// All of them.
    pub fn all(&self) -> usize {
        self.accepted + self.applied + self.not_applied + self.unknown
    }

    /// Each with the name scripts see.
    pub fn named(&self) -> [(&'static str, usize); 4] {
        use Outcome::{Accepted, Applied, NotApplied, Unknown};
        [
            (outcome_name(Applied), self.applied),
            (outcome_name(Accepted), self.accepted),
            (outcome_name(NotApplied), self.not_applied),
            (outcome_name(Unknown), self.unknown),
        ]
    }
}

/// A check of the run or of a property that a person has to look at: not settled, and worse than INFO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenCheck {
    /// Its rule.
    pub id: String,
    /// How bad.
    pub severity: Severity,
    /// The property it is about; `None` for the run.
    pub property: Option<String>,
    /// What it says.
    pub sentence: String,
}

/// Where a review stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The quarter.
    pub period: String,
    /// The project space.
    pub project: String,
    /// The label of the profile; may be empty.
    pub label: String,
    /// Which facilities.
    pub scope: String,
    /// When both sides were read.
    pub read_at: String,
    /// The file that this review undoes; `None` in any other.
    pub undo_of: Option<String>,
    /// Whether some facilities could not be read.
    pub incomplete: bool,
    /// One word for it.
    pub state: State,
    /// Its cells.
    pub counts: Counts,
    /// Undecided changes by flag.
    pub left: Left,
    /// Cells that read `(0?)` and for which nothing was chosen. They wait for nobody.
    pub zeros_left: u32,
    /// Checks that are open, as in the review.
    pub checks: Vec<OpenCheck>,
    /// Approved changes and zeros that are in no form yet.
    pub to_send: usize,
    /// Forms by outcome.
    pub forms: ByOutcome,
    /// Changes in forms, by what became of each last.
    pub changes: ByOutcome,
    /// The command that goes on; `None` where there is nothing to do.
    pub next: Option<String>,
}

impl Standing {
    /// How an opened review in this file stands.
    pub fn of(opened: &Opened, file: &Path) -> Self {
        let Opened { plan, ledger, forms, .. } = opened;
        let (head, tally) = (&plan.head, ledger.all());
        let to_send = ledger.to_send(plan).count();
        let forms = ByOutcome::of(forms.iter().map(crate::io::store::Form::outcome));
        let changes = ByOutcome::of(fates(&opened.forms).into_values());
        let open = opened.forms.iter().any(crate::io::store::Form::is_open);
        let state = state(&tally, (open, to_send, changes.applied), plan.incomplete());
        Self {
            period: head.quarter.to_string(),
            project: head.project.clone(),
            label: head.label.clone(),
            scope: head.scope.clone(),
            read_at: head.read_at.clone(),
            undo_of: head.undo.as_ref().map(|of| of.file.clone()),
            incomplete: plan.incomplete(),
            state,
            counts: counts(plan, ledger),
            left: Left { stop: tally.stop, review: tally.review, none: tally.plain() },
            zeros_left: tally.maybe_left(),
            checks: open_checks(opened),
            to_send,
            forms,
            changes,
            next: next(state, file, (to_send, &tally), &forms),
        }
    }
}

fn state(tally: &Tally, (open, to_send, applied): (bool, usize, usize), incomplete: bool) -> State {
    match () {
        () if open => State::Unsettled,
        () if to_send > 0 && applied > 0 => State::Partly,
        () if tally.left() > 0 => State::Undecided,
        () if to_send > 0 => State::Approved,
        () if incomplete => State::Incomplete,
        () if applied > 0 => State::Applied,
        () => State::Closed,
    }
}

fn open_checks(opened: &Opened) -> Vec<OpenCheck> {
    let Opened { plan, ledger, .. } = opened;
    let settled = |check: &crate::domain::flags::Check| {
        let property = check.property.as_deref().and_then(|name| plan.find_property(name));
        property.is_some_and(|at| ledger.settled(at, check).is_some())
    };
    let open = plan.head.checks.iter().filter(|check| check.severity != Severity::Info && !settled(check));
    let of = |check: &crate::domain::flags::Check| OpenCheck {
        id: check.id.clone(),
        severity: check.severity,
        property: check.property.clone(),
        sentence: check.sentence.clone(),
    };
    let mut open: Vec<OpenCheck> = open.map(of).collect();
    // What stops stands first.
    open.sort_by_key(|check| std::cmp::Reverse(check.severity));
    open
}

/// The command that goes on from here.
fn next(state: State, file: &Path, (to_send, tally): (usize, &Tally), forms: &ByOutcome) -> Option<String> {
    let file = shell_word(&file.display().to_string());
    let submit = || {
        // The number of all approved changes is as good, and the only one where each is in a form.
        let n = if to_send > 0 { to_send } else { usize::try_from(tally.to_write()).unwrap_or(usize::MAX) };
        Some(format!("onse submit {file} --write {n}"))
    };
    match state {
        State::Unsettled if forms.unknown == 0 => Some(format!("onse verify {file}")),
        State::Unsettled | State::Partly | State::Approved => submit(),
        State::Undecided | State::Incomplete => Some(format!("onse review {file}")),
        State::Applied | State::Closed => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_half_done_stands_before_what_waits() {
        let tally = |changes, approved| Tally { changes, approved, ..Tally::default() };
        let of = |open, to_send, applied, left: u32, incomplete| {
            state(&tally(5, 5 - left), (open, to_send, applied), incomplete)
        };
        assert_eq!(of(true, 1, 1, 1, true), State::Unsettled);
        assert_eq!(of(false, 1, 1, 1, true), State::Partly);
        assert_eq!(of(false, 0, 1, 1, true), State::Undecided);
        assert_eq!(of(false, 1, 0, 1, true), State::Undecided);
        assert_eq!(of(false, 1, 0, 0, true), State::Approved);
        assert_eq!(of(false, 0, 1, 0, true), State::Incomplete);
        assert_eq!(of(false, 0, 1, 0, false), State::Applied);
        assert_eq!(of(false, 0, 0, 0, false), State::Closed);
    }

    #[test]
    fn the_next_command_is_the_one_that_settles() {
        let tally = Tally { changes: 9, approved: 7, zeros: 1, maybe: 1, ..Tally::default() };
        let said = |state, to_send, forms: ByOutcome| next(state, Path::new("a b.review"), (to_send, &tally), &forms);
        let one = |outcome| ByOutcome::of([outcome]);
        let submit = |n: usize| Some(format!("onse submit 'a b.review' --write {n}"));
        assert_eq!(said(State::Unsettled, 0, one(Outcome::Accepted)).as_deref(), Some("onse verify 'a b.review'"));
        for open in [Outcome::Unknown, Outcome::Frozen] {
            assert_eq!(said(State::Unsettled, 0, one(open)), submit(8), "{open:?}");
        }
        assert_eq!(said(State::Partly, 3, one(Outcome::Applied)), submit(3));
        assert_eq!(said(State::Approved, 1, ByOutcome::default()), submit(1), "not what is in forms with it");
        assert_eq!(said(State::Undecided, 0, ByOutcome::default()).as_deref(), Some("onse review 'a b.review'"));
        assert_eq!(
            (said(State::Applied, 0, one(Outcome::Applied)), said(State::Closed, 0, ByOutcome::default())),
            (None, None)
        );
    }
}
