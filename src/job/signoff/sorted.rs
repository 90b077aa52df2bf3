//! Every cell that was decided or sent, in the one list that is true of it. A cell counts once: by the last form it is in, unless a
//! person decided on it since.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Report,
    course::{Course, Given},
    held::Kept,
    section::{count, number},
};
use crate::{
    domain::{
        ledger::Verdict,
        outcome::Outcome,
        plan::{Cell, Plan, State},
        value::same,
    },
    io::store::{Form, FormCell},
};

/// A cell in a form.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) form: &'a Form,
    pub(super) of: &'a FormCell,
    /// The approval it was sent on; `None` where the file does not hold it.
    pub(super) given: Option<Given<'a>>,
}

/// The cells of a review by what became of them.
#[derive(Default)]
pub(super) struct Sorted<'a> {
    /// Read back, equal, and no newer reading found anything else there.
    pub(super) applied: Vec<Sent<'a>>,
    /// Read back, equal, and a newer reading found another value.
    pub(super) changed: Vec<Sent<'a>>,
    pub(super) accepted: Vec<Sent<'a>>,
    pub(super) unknown: Vec<Sent<'a>>,
    pub(super) refused: Vec<Sent<'a>>,
    /// Approved and in no form, or approved again after it.
    pub(super) waiting: Vec<Cell>,
    /// Held back, and the approval stands.
    pub(super) held_approved: Vec<Kept<'a>>,
    /// Approved, and the case held the value already.
    pub(super) already: Vec<Cell>,
    /// Held back, and the approval was taken away.
    pub(super) held: Vec<Kept<'a>>,
    pub(super) rejected: Vec<Cell>,
    /// Read `(0?)` and keep what they had.
    pub(super) kept: Vec<Cell>,
    /// Applied by a form that is not the last word on the cell.
    pub(super) earlier: Vec<Sent<'a>>,
    /// Who decided what, and when.
    pub(super) course: Course<'a>,
    forms: usize,
}

impl<'a> Sorted<'a> {
    /// Sorts the cells of a review.
    pub(super) fn of(report: &Report<'a>) -> Self {
        let (plan, ledger) = (report.plan, report.ledger);
        let mut course = Course::of(report);
        let mut held = std::mem::take(&mut course.held);
        let elsewhere: BTreeSet<Cell> = report.elsewhere.iter().copied().collect();
        let is_set = |cell: Cell| elsewhere.contains(&cell) && !ledger.was_reset(cell);
        held.retain(|cell, _| !is_set(*cell));
        let mut sorted = Self { course, forms: report.forms.len(), ..Self::default() };
        let mut last: BTreeMap<Cell, Sent<'a>> = BTreeMap::new();
        for form in report.forms {
            for of in &form.cells {
                let given = sorted.course.sent(form, of.cell());
                let before = last.insert(of.cell(), Sent { form, of, given });
                sorted.earlier.extend(before.filter(Sent::is_applied));
            }
        }
        for cell in plan.cells() {
            let sent = last.get(&cell).copied();
            if let Some(sent) = sent.filter(|sent| !sent.outcome().settled()) {
                if sent.outcome() == Outcome::Accepted { &mut sorted.accepted } else { &mut sorted.unknown }.push(sent);
                continue;
            }
            let newer = held.contains_key(&cell) || sorted.course.decided_since(cell) || is_set(cell);
            if let Some(sent) = sent.filter(|_| !newer || ledger.is_sent(cell) && !is_set(cell)) {
                sorted.settled(plan, sent);
            } else {
                sorted.earlier.extend(sent.filter(Sent::is_applied));
                let verdict = ledger.verdict(plan, cell);
                sorted.unsent(report, cell, verdict, held.remove(&cell), elsewhere.contains(&cell));
            }
        }
        // What is left of it is in a form without an answer.
        sorted.course.held = held;
        sorted
    }

    /// A cell whose last form is settled and the last word on it.
    fn settled(&mut self, plan: &Plan, sent: Sent<'a>) {
        let list = match sent.is_applied() {
            true if sent.is_changed(plan) => &mut self.changed,
            true => &mut self.applied,
            false => &mut self.refused,
        };
        list.push(sent);
    }

    /// A cell on which no form is the last word.
    fn unsent(
        &mut self,
        report: &Report<'a>,
        cell: Cell,
        verdict: Option<Verdict>,
        held: Option<Kept<'a>>,
        elsewhere: bool,
    ) {
        match (verdict, held) {
            (Some(verdict), Some(kept)) if verdict.writes() => self.held_approved.push(kept),
            (_, Some(kept)) => self.held.push(kept),
            (Some(verdict), None) if verdict.writes() => {
                let stands = elsewhere && !report.ledger.was_reset(cell);
                if stands { &mut self.already } else { &mut self.waiting }.push(cell);
            }
            (Some(_), None) if report.plan.may_be_zero(cell) => self.kept.push(cell),
            (Some(_), None) => self.rejected.push(cell),
            // A newer reading finds the approved value there, so that it asks for no decision any more.
            (None, None) if elsewhere => {
                let spent = self.course.spent(cell);
                if spent.is_some_and(|spent| same(spent.new, report.plan.old(cell))) {
                    self.already.push(cell);
                }
            }
            (None, None) => {}
        }
    }

    /// The cells of forms that are the last word on them.
    pub(super) fn last_words(&self) -> impl Iterator<Item = &Sent<'a>> {
        [&self.applied, &self.changed, &self.accepted, &self.unknown, &self.refused].into_iter().flatten()
    }

    /// The approval of a cell that no form is the last word on.
    pub(super) fn approval(&self, cell: Cell) -> Option<Given<'a>> {
        self.course.given(cell).or_else(|| self.course.spent(cell).map(|spent| spent.given))
    }

    /// How many approved values were not read back, or are not there any more.
    pub(super) fn not_verified(&self) -> usize {
        let sent = self.changed.len() + self.accepted.len() + self.unknown.len() + self.refused.len();
        sent + self.waiting.len() + self.held_approved.len()
    }

    /// How many values were decided against.
    pub(super) fn against(&self) -> usize {
        self.rejected.len() + self.kept.len()
    }

    /// How many values were approved.
    pub(super) fn asked(&self) -> usize {
        self.applied.len() + self.already.len() + self.not_verified()
    }

    /// What it comes to in a few words, and whether nothing is left open. `open` says whether something beside what was approved is.
    pub(super) fn result(&self, open: bool) -> (&'static str, bool) {
        let none_applied = self.applied.is_empty();
        if self.asked() == 0 {
            let ever = self.forms > 0 || !self.held.is_empty() || self.course.lost_any();
            (if ever { "No approval stands" } else { "Nothing was approved" }, false)
        } else if self.forms == 0 && self.not_verified() > 0 {
            ("Nothing was sent", false)
        } else if self.not_verified() > 0 {
            ("Not everything is verified", false)
        } else if open {
            (
                if none_applied {
                    "Nothing to send; something is left open"
                } else {
                    "Verified; something is left open"
                },
                false,
            )
        } else {
            (if none_applied { "Complete; nothing had to be sent" } else { "Complete and verified" }, true)
        }
    }

    /// What became of what was approved, in a sentence.
    pub(super) fn sentence(&self) -> String {
        let (asked, left, there) = (self.asked(), self.not_verified(), self.already.len());
        let values = count(asked, "approved value", "approved values");
        match (self.forms, asked, left) {
            (0, 0, _) if self.held.is_empty() && !self.course.lost_any() => {
                "No value was approved, and nothing was sent to CommCare.".to_owned()
            }
            (0, 0, _) => "No approval stands, and nothing was sent to CommCare.".to_owned(),
            (forms, 0, _) => {
                let forms = count(forms, "form was sent, which stands", "forms were sent, which stand");
                format!("No approval stands: {forms} in Forms sent to CommCare, and nothing of it counts any more.")
            }
            (_, _, 0) if self.applied.is_empty() => {
                format!("Nothing had to be sent to CommCare for {values}: the cases held them already.")
            }
            (_, _, 0) if there == 0 => {
                format!("CommCare holds all of {values}: after sending, each was read back and compared.")
            }
            (_, _, 0) => format!("CommCare holds all of {values}: what was sent was read back and compared."),
            (0, _, left) if there == 0 && self.held_approved.is_empty() => {
                format!(
                    "Nothing was sent to CommCare: {} still to be sent.",
                    count(left, "approved value", "approved values")
                )
            }
            (0, _, _) => format!("Nothing was sent to CommCare for {values}: {}.", self.left()),
            _ => format!(
                "CommCare holds {} of {values}, read back and compared{}. {} not verified: {}.",
                number(asked - left),
                if there == 0 { "" } else { " or there already" },
                if left == 1 { "1 is".to_owned() } else { format!("{} are", number(left)) },
                self.left()
            ),
        }
    }

    /// `1 sent and not applied, 2 not sent`.
    fn left(&self) -> String {
        let each = [
            (self.accepted.len(), "accepted by CommCare and not read back yet"),
            (self.unknown.len(), "sent with an unknown outcome"),
            (self.refused.len(), "sent and not applied"),
            (self.changed.len(), "read back, and another value in the case since"),
            (self.held_approved.len(), "held back with the approval standing"),
            (self.waiting.len(), "not sent"),
        ];
        let each: Vec<String> =
            each.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{} {words}", number(*n))).collect();
        each.join(", ")
    }
}

impl Sent<'_> {
    /// What became of it.
    pub(super) fn outcome(&self) -> Outcome {
        self.form.outcome_of(self.of.cell())
    }

    fn is_applied(&self) -> bool {
        self.outcome() == Outcome::Applied
    }

    /// Whether a newer reading found another value in its case. A case that is not in the newest reading keeps the value it had before.
    fn is_changed(&self, plan: &Plan) -> bool {
        let (cell, old) = (self.of.cell(), plan.old(self.of.cell()));
        let unread = plan.state(cell) == State::NotAssigned && same(old, self.of.old.as_deref());
        self.form.generation < plan.head.generation && !same(old, Some(&self.of.new)) && !unread
    }
}
