//! The parts of a submission that decide nothing by themselves: cells to forms and bytes, cells against the cases as they are,
//! and what an answer means. The order of things is `submit`.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use jiff::Timestamp;

use super::{
    report::{FormLine, Held, Phase, Sending},
    session::Sources,
};
use crate::{
    domain::{
        caseblock::{self, Block, Envelope},
        ledger::Ledger,
        outcome::Outcome,
        plan::{Cell, Plan},
        value::same,
    },
    io::{
        commcare::{CaseRecord, Found, Receipt},
        store::{Form, FormCell, Seen, Used},
    },
};

/// The forms as they stand now, for a dry run: exact but for form id and times, which are made at sending.
/// Fails naming case and property where a name or value cannot be sent.
pub fn forms_now(plan: &Plan, ledger: &Ledger, used: &Used, username: &str, at: Timestamp) -> Result<Vec<Vec<u8>>> {
    let cells: Vec<Cell> = ledger.to_send(plan).collect();
    chunks(&cells, used.chunk_size)
        .iter()
        .map(|chunk| {
            let cells: Vec<FormCell> = chunk.iter().filter_map(|cell| form_cell(plan, *cell)).collect();
            bytes(plan, &cells, used, username, &fresh_id(), at)
        })
        .collect()
}

/// How many forms these cells make.
pub fn form_count(cells: &[Cell], size: usize) -> usize {
    chunks(cells, size).len()
}

/// Splits cells, which stand facility by facility, into forms of at most `size` facilities.
pub(super) fn chunks(cells: &[Cell], size: usize) -> Vec<Vec<Cell>> {
    let facilities: Vec<&[Cell]> = cells.chunk_by(|a, b| a.facility == b.facility).collect();
    facilities.chunks(size.max(1)).map(<[&[Cell]]>::concat).collect()
}

fn form_cell(plan: &Plan, cell: Cell) -> Option<FormCell> {
    Some(FormCell {
        facility: cell.facility,
        property: cell.property,
        old: plan.old(cell).map(str::to_owned),
        new: plan.new_value(cell)?.to_owned(),
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
) -> Result<Vec<u8>> {
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
    Ok(caseblock::form(&envelope, &blocks)?)
}

/// Facility and property of a cell, for a sentence about it.
pub fn place(plan: &Plan, cell: Cell) -> String {
    format!("{}, {}", plan.facility(cell.facility).name, plan.property(cell.property).name)
}

/// Compares approved cells with the cases as they are now (fault matrix section 6).
pub(super) async fn three_way(sources: &Sources, plan: &Plan, cells: &[Cell]) -> Result<(Vec<FormCell>, Vec<Held>)> {
    let now = cases_now(sources, plan, cells).await?;
    let (mut send, mut held) = (Vec::new(), Vec::new());
    for cell in cells {
        let Some(mut ready) = form_cell(plan, *cell) else { continue };
        let facility = plan.facility(cell.facility);
        let keep =
            |now: Option<&str>, already_set, why| Held { cell: *cell, now: now.map(str::to_owned), already_set, why };
        let Some(case) = now.get(&cell.facility) else {
            held.push(keep(None, false, "the case is gone from CommCare; a form would create it anew".to_owned()));
            continue;
        };
        let current = case.properties.get(&plan.property(cell.property).name).map(String::as_str);
        if same(current, Some(&ready.new)) {
            held.push(keep(current, true, format!("the case holds {} already", ready.new)));
        } else if case.closed != facility.closed {
            held.push(keep(current, false, "the case was closed or opened since the plan was read".to_owned()));
        } else if same(current, plan.old(*cell)) {
            ready.old = current.map(str::to_owned);
            send.push(ready);
        } else {
            let (was, is) = (plan.old(*cell).unwrap_or("nothing"), current.unwrap_or("nothing"));
            held.push(keep(current, false, format!("the case held {was} when it was read and holds {is} now")));
        }
    }
    Ok((send, held))
}

/// The cases of these cells as the server has them now, by facility.
pub(super) async fn cases_now(sources: &Sources, plan: &Plan, cells: &[Cell]) -> Result<BTreeMap<u32, CaseRecord>> {
    let mut facilities: Vec<u32> = cells.iter().map(|cell| cell.facility).collect();
    facilities.dedup();
    let ids: Vec<String> = facilities.iter().map(|f| plan.facility(*f).case_id.clone()).collect();
    let wanted: Vec<String> = plan.properties().iter().map(|p| p.name.clone()).collect();
    let found = sources.commcare.fetch(&ids, &wanted).await?;
    let cases = facilities.into_iter().zip(found).filter_map(|(facility, found)| match found {
        Found::Case(case) => Some((facility, case)),
        Found::Missing(_) => None,
    });
    Ok(cases.collect())
}

/// What the next step after a receipt is.
pub(super) enum Next {
    /// The form is through, or its fate is to be read back.
    GoOn,
    /// The same bytes again, after this pause where the server named one.
    Again(Option<Duration>, String),
    /// Nothing more is sent.
    Stop(String),
}

/// Judges a receipt: what becomes of the form, what the server said, and what to do (fault matrix section 2).
pub(super) fn judge(receipt: Receipt) -> (Outcome, Option<String>, Next) {
    let again = |pause, why: &str| Next::Again(pause, why.to_owned());
    match receipt {
        Receipt::Accepted { duplicate } => {
            (Outcome::Accepted, duplicate.then(|| "recognised as sent before".to_owned()), Next::GoOn)
        }
        Receipt::Unclear { why } => (Outcome::Unknown, Some(why), Next::GoOn),
        Receipt::SavedWithError { message } => (Outcome::Accepted, Some(message), Next::GoOn),
        Receipt::Ignored => {
            let why = "CommCare HQ accepted the form and ignored it; is the account a practice user?".to_owned();
            (Outcome::NotApplied, Some(why.clone()), Next::Stop(why))
        }
        Receipt::Rejected { message, .. } => {
            let why = format!("CommCare HQ rejected the form, no case of it changed: {message}");
            (Outcome::NotApplied, Some(message), Next::Stop(why))
        }
        Receipt::Refused { status, message } => {
            let why = format!("CommCare HQ refused the form ({status}), nothing of it changed: {message}");
            (Outcome::NotApplied, Some(message), Next::Stop(why))
        }
        Receipt::TooLarge => {
            let why =
                "the form is too large for CommCare HQ; nothing of it was accepted. Lower chunk_size in the profile";
            (Outcome::NotApplied, Some(why.to_owned()), Next::Stop(why.to_owned()))
        }
        Receipt::Blocked { message } => {
            let why = format!("CommCare HQ blocked the project: {message}. Write to its support");
            (Outcome::NotApplied, Some(message), Next::Stop(why))
        }
        Receipt::Locked => (Outcome::Unknown, None, again(None, "the form or a case is locked")),
        Receipt::SlowDown(pause) => (Outcome::Unknown, None, again(pause, "asked to slow down (429)")),
        Receipt::Unavailable(pause) => (Outcome::Unknown, None, again(pause, "the project is not available now (503)")),
        Receipt::Unknown { why } | Receipt::NotSent { why } => (Outcome::Unknown, Some(why.clone()), again(None, &why)),
    }
}

/// A form is APPLIED when every cell was seen, NOT APPLIED when one is known not to have been; else it stays what it is.
pub(super) fn form_outcome(sent: Outcome, seen: &[Seen]) -> Outcome {
    if seen.iter().all(|cell| cell.outcome == Outcome::Applied) {
        Outcome::Applied
    } else if seen.iter().any(|cell| cell.outcome == Outcome::NotApplied) {
        Outcome::NotApplied
    } else {
        sent
    }
}

/// A form as a line of a submission.
pub(super) fn line_of(plan: &Plan, form: &Form) -> FormLine {
    let cells: Vec<Cell> = form.cells.iter().map(FormCell::cell).collect();
    FormLine {
        form_id: Some(form.form_id.clone()),
        outcome: Some(form.outcome),
        answer: form.answer.clone(),
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
    }
}

/// What was sent so far, as it stands in the review file; `None` where nothing was.
pub fn standing(plan: &Plan, forms: &[Form]) -> Option<Sending> {
    let fates: BTreeMap<Cell, Outcome> = forms
        .iter()
        .flat_map(|form| form.cells.iter().map(|cell| (cell.cell(), form.outcome_of(cell.cell()))))
        .collect();
    let count = |outcome| fates.values().filter(|fate| **fate == outcome).count();
    (!forms.is_empty()).then(|| Sending {
        phase: Phase::Ended,
        changes: fates.len(),
        forms: forms.iter().map(|form| line_of(plan, form)).collect(),
        applied: count(Outcome::Applied),
        accepted: count(Outcome::Accepted),
        not_applied: count(Outcome::NotApplied),
        unknown: count(Outcome::Unknown) + count(Outcome::Frozen),
        ..Sending::default()
    })
}
