//! The parts of a submission that decide nothing by themselves: cells to forms and bytes, cells against the cases as they are,
//! and what an answer means. The order of things is `submit`.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use jiff::Timestamp;

use super::{
    report::{FormLine, Phase, Sending},
    submit::{Counts, cut},
};
use crate::{
    domain::{
        caseblock::{self, Block, Envelope, Unfit},
        ledger::Ledger,
        outcome::Outcome,
        plan::{Cell, Plan},
    },
    io::{
        commcare::Receipt,
        store::{Form, FormCell, Used},
    },
};

/// The forms as they stand now, for a dry run: exact but for form id and times, which are made at sending.
/// Fails naming case and property where a name or value cannot be sent.
pub fn forms_now(plan: &Plan, ledger: &Ledger, used: &Used, username: &str, at: Timestamp) -> Result<Vec<Vec<u8>>> {
    let cells: Vec<Cell> = ledger.to_send(plan).collect();
    cut(&cells, used.chunk_size)
        .iter()
        .map(|chunk| {
            let cells: Vec<FormCell> = chunk.iter().filter_map(|cell| form_cell(plan, *cell)).collect();
            Ok(bytes(plan, &cells, used, username, &fresh_id(), at)?)
        })
        .collect()
}

/// How many forms these cells make.
pub fn form_count(cells: &[Cell], size: usize) -> usize {
    cut(cells, size).len()
}

/// A cell with what it replaces and what it sets; `None` where nothing can be written.
pub(super) fn form_cell(plan: &Plan, cell: Cell) -> Option<FormCell> {
    Some(FormCell {
        facility: cell.facility,
        property: cell.property,
        old: plan.old(cell).map(str::to_owned),
        new: plan.offer(cell)?.to_owned(),
        since: None,
    })
}

/// A random id that no form had before.
pub(super) fn fresh_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The stamp a form made at this time sets on each of its cases: the property and the date, where there is one.
pub fn stamp(used: &Used, at: Timestamp) -> Option<(String, String)> {
    used.stamp_property.as_ref().map(|property| (property.clone(), at.strftime("%Y-%m-%d").to_string()))
}

/// The exact bytes of a form.
pub(super) fn bytes(
    plan: &Plan,
    cells: &[FormCell],
    used: &Used,
    username: &str,
    id: &str,
    at: Timestamp,
) -> Result<Vec<u8>, Unfit> {
    let date = at.strftime("%Y-%m-%d").to_string();
    let stamp = stamp(used, at);
    let envelope = Envelope {
        form_id: id,
        xmlns: &used.form_xmlns,
        device_id: &caseblock::device_id(&plan.head.project, &date),
        username,
        user_id: &used.submit_user_id,
        at: &at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        stamp: stamp.as_ref().map(|(property, date)| (property.as_str(), date.as_str())),
    };
    let blocks: Vec<Block> = caseblock::blocks(cells.iter().map(|cell| {
        let case_id = plan.facility(cell.facility).case_id.clone();
        (case_id, plan.property(cell.property).name.clone(), cell.new.clone())
    }));
    caseblock::form(&envelope, &blocks)
}

/// Facility and property of a cell, for a sentence about it.
pub fn place(plan: &Plan, cell: Cell) -> String {
    format!("{}, {}", plan.facility(cell.facility).name, plan.property(cell.property).name)
}

/// How long the same bytes are sent again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// A few times: something is broken.
    Few,
    /// Until a lock of HQ has run out, 15 minutes (commcare.md section 6).
    Lock,
    /// As long as the server asks for it; a person may leave (fault matrix rows H16, H17).
    Endless,
}

/// What the next step after a receipt is.
#[derive(Debug)]
pub(super) enum Next {
    /// The form is through, or its fate is to be read back.
    GoOn,
    /// The same bytes again, after this pause where the server named one.
    Again(Option<Duration>, String, Patience),
    /// The form is dead and one of its cases is to blame: its cells go out in new, halved forms (row H14).
    Halve(String),
    /// The form is dead since it is too large: its cells go out in smaller ones (row H19).
    Shrink(String),
    /// Nothing more is sent.
    Stop(String),
}

/// What one attempt tells of a form.
#[derive(Debug)]
pub(super) struct Judged {
    /// What is known from sending it now.
    pub(super) sent: Outcome,
    /// What the server said, where it is worth keeping.
    pub(super) answer: Option<String>,
    /// What to do.
    pub(super) next: Next,
    /// Whether a gateway lost patience, so that what comes after goes on in smaller forms (row H19).
    pub(super) slow: bool,
}

/// Judges a receipt (fault matrix section 2). `left` says whether an earlier attempt with these bytes may have arrived: then a
/// refusal of this one tells nothing of that one, and the form stays UNKNOWN. Only the error form of a 422 is decisive, since
/// HQ looks at these very bytes again for it (commcare.md section 6).
pub(super) fn judge(receipt: Receipt, left: bool) -> Judged {
    let said = |sent, answer, next| Judged { sent, answer, next, slow: false };
    // What is open stays open: before the first attempt nothing left, after one that may have it is not known.
    let open = if left { Outcome::Unknown } else { Outcome::Frozen };
    match receipt {
        Receipt::Accepted { duplicate } => {
            said(Outcome::Accepted, duplicate.then(|| "recognised as sent before".to_owned()), Next::GoOn)
        }
        Receipt::SavedWithError { message } => said(Outcome::Accepted, Some(message), Next::GoOn),
        Receipt::Unclear { why } => said(Outcome::Unknown, Some(why), Next::GoOn),
        Receipt::Rejected { message, per_case } => {
            let why = format!("CommCare HQ rejected the form, no case of it changed: {message}");
            said(Outcome::NotApplied, Some(message), if per_case { Next::Halve(why) } else { Next::Stop(why) })
        }
        Receipt::TooLarge if !left => {
            let why = "the form is too large for CommCare HQ or a server on the way; nothing of it changed".to_owned();
            said(Outcome::NotApplied, Some(why.clone()), Next::Shrink(why))
        }
        Receipt::TooLarge => refused("the form is too large for CommCare HQ", None, left),
        Receipt::Ignored => {
            refused("CommCare HQ accepted the form and ignored it; is the account a practice user?", None, left)
        }
        Receipt::Refused { status, message } => {
            refused(&format!("CommCare HQ refused the form ({status}): {message}"), Some(message), left)
        }
        Receipt::Blocked { message } => {
            let why = format!("CommCare HQ blocked the project: {message}. Write to its support");
            refused(&why, Some(message), left)
        }
        Receipt::Locked => {
            let why = "the form or a case is locked".to_owned();
            said(Outcome::Unknown, None, Next::Again(None, why, Patience::Lock))
        }
        Receipt::SlowDown(pause) => {
            said(open, None, Next::Again(pause, "asked to slow down (429)".to_owned(), Patience::Endless))
        }
        Receipt::Unavailable(pause) => {
            let why = "the project is not available now (503)".to_owned();
            said(open, None, Next::Again(pause, why, Patience::Endless))
        }
        Receipt::Unknown { why, gateway } => {
            let next = Next::Again(None, why.clone(), Patience::Few);
            Judged { slow: gateway, ..said(Outcome::Unknown, Some(why), next) }
        }
        Receipt::NotSent { why } => said(open, Some(why.clone()), Next::Again(None, why, Patience::Few)),
    }
}

/// An answer that says no.
fn refused(why: &str, answer: Option<String>, left: bool) -> Judged {
    let answer = Some(answer.unwrap_or_else(|| why.to_owned()));
    let (sent, why) = if left {
        (Outcome::Unknown, format!("{why}. An earlier attempt may have taken effect, so what became of it is UNKNOWN"))
    } else {
        (Outcome::NotApplied, format!("{why}. Nothing of it changed"))
    };
    Judged { sent, answer, next: Next::Stop(why), slow: false }
}

/// What became of every cell that is in a form, by the newest form it is in.
pub fn fates(forms: &[Form]) -> BTreeMap<Cell, Outcome> {
    let mut fates = BTreeMap::new();
    for form in forms {
        fates.extend(form.cells.iter().map(|cell| (cell.cell(), form.outcome_of(cell.cell()))));
    }
    fates
}

/// A form as a line of a submission.
pub(super) fn line_of(plan: &Plan, form: &Form, replaced: bool) -> FormLine {
    let cells: Vec<Cell> = form.cells.iter().map(FormCell::cell).collect();
    FormLine {
        form_id: Some(form.form_id.clone()),
        outcome: Some(form.outcome()),
        answer: form.answer.clone(),
        replaced,
        cells: cells.iter().map(|cell| (*cell, form.outcome_of(*cell))).collect(),
        ..line(plan, usize::try_from(form.number).unwrap_or(usize::MAX), &cells)
    }
}

/// A form that waits, as a line of a submission.
pub(super) fn line(plan: &Plan, number: usize, cells: &[Cell]) -> FormLine {
    let name = |cell: Option<&Cell>| cell.map_or_else(String::new, |c| plan.facility(c.facility).name.clone());
    FormLine {
        number,
        first: name(cells.first()),
        last: name(cells.last()),
        facilities: cells.chunk_by(|a, b| a.facility == b.facility).count(),
        changes: cells.len(),
        form_id: None,
        outcome: None,
        answer: None,
        replaced: false,
        cells: cells.iter().map(|cell| (*cell, Outcome::Frozen)).collect(),
    }
}

/// What was sent so far, as it stands in the review file; `None` where nothing was.
pub fn standing(plan: &Plan, forms: &[Form]) -> Option<Sending> {
    let counts = Counts::new(forms);
    let lines = forms.iter().enumerate().map(|(at, form)| line_of(plan, form, counts.replaced(at)));
    let mut standing = Sending { phase: Phase::Ended, forms: lines.collect(), ..Sending::default() };
    counts.tell(&mut standing);
    (!forms.is_empty()).then_some(standing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_form_is_decisive_once_something_may_have_left() {
        let refused = || Receipt::Refused { status: 403, message: "no".to_owned() };
        let rejected = || Receipt::Rejected { per_case: false, message: "IllegalCaseId".to_owned() };
        let sent = |receipt, left| judge(receipt, left).sent;
        for receipt in
            [refused, || Receipt::Ignored, || Receipt::TooLarge, || Receipt::Blocked { message: String::new() }]
        {
            assert_eq!((sent(receipt(), false), sent(receipt(), true)), (Outcome::NotApplied, Outcome::Unknown));
        }
        assert_eq!((sent(rejected(), false), sent(rejected(), true)), (Outcome::NotApplied, Outcome::NotApplied));
        let slow = || Receipt::SlowDown(None);
        assert_eq!((sent(slow(), false), sent(slow(), true)), (Outcome::Frozen, Outcome::Unknown));
        assert_eq!(sent(Receipt::Locked, false), Outcome::Unknown);
        assert_eq!(sent(Receipt::NotSent { why: String::new() }, false), Outcome::Frozen);
    }
}
