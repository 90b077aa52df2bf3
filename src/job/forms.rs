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
        flags::case_sentence,
        ledger::Ledger,
        outcome::Outcome,
        plan::{Cell, Plan},
        value::same,
    },
    io::{
        commcare::{CaseRecord, Found, Receipt},
        store::{Form, FormCell, Used},
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
        new: plan.offer(cell)?.to_owned(),
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

/// Approved cells against the cases as they are now (fault matrix section 6).
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// As they were: to be sent.
    pub(super) send: Vec<FormCell>,
    /// The case holds the new value already.
    pub(super) elsewhere: Vec<Held>,
    /// Anything else: not sent.
    pub(super) held: Vec<Held>,
}

/// Reads the cases of approved cells and sorts them.
pub(super) async fn three_way(sources: &Sources, plan: &Plan, cells: &[Cell]) -> Result<Sorted> {
    let now = cases_now(sources, plan, cells).await?;
    let mut sorted = Sorted::default();
    for cell in cells {
        let Some(mut ready) = form_cell(plan, *cell) else { continue };
        let keep =
            |now: Option<&str>, already_set, why| Held { cell: *cell, now: now.map(str::to_owned), already_set, why };
        let case = match case_of(plan, *cell, &now) {
            Ok(case) => case,
            Err(why) => {
                sorted.held.push(keep(None, false, why));
                continue;
            }
        };
        let current = value_of(plan, *cell, case);
        if same(current, Some(&ready.new)) {
            sorted.elsewhere.push(keep(current, true, format!("the case holds {} already", ready.new)));
        } else if same(current, plan.old(*cell)) {
            ready.old = current.map(str::to_owned);
            sorted.send.push(ready);
        } else {
            let why = case_sentence(plan.old(*cell), current, Some(&ready.new));
            sorted.held.push(keep(current, false, why));
        }
    }
    Ok(sorted)
}

/// Cells of a form that may have left, against the cases as they are now: those that hold neither the old nor the new value.
/// While there is one the form is not sent again, since its bytes would put a number of ours over somebody's newer one.
pub(super) fn moved(plan: &Plan, cells: &[FormCell], now: &BTreeMap<u32, CaseRecord>) -> Vec<Held> {
    let mut moved = Vec::new();
    for ready in cells {
        let cell = ready.cell();
        let (current, why) = match case_of(plan, cell, now) {
            Ok(case) => {
                let current = value_of(plan, cell, case);
                if same(current, Some(&ready.new)) || same(current, ready.old.as_deref()) {
                    continue;
                }
                let (was, is) = (ready.old.as_deref().unwrap_or("nothing"), current.unwrap_or("nothing"));
                (current, format!("it was to go from {was} to {}, and holds {is} now", ready.new))
            }
            Err(why) => (None, why),
        };
        moved.push(Held { cell, now: current.map(str::to_owned), already_set: false, why });
    }
    moved
}

/// The case of a cell, if it is still the one the plan was made of.
fn case_of<'a>(plan: &Plan, cell: Cell, now: &'a BTreeMap<u32, CaseRecord>) -> Result<&'a CaseRecord, String> {
    let facility = plan.facility(cell.facility);
    let Some(case) = now.get(&cell.facility) else {
        return Err("the case is gone from CommCare; a form would create it anew".to_owned());
    };
    let unit = case.external_id.as_deref().unwrap_or("none");
    if unit != facility.external_id {
        return Err(format!(
            "the case belongs to organisation unit {unit} now, and the value is that of {}",
            facility.external_id
        ));
    }
    if let Some(case_type) = case.case_type.as_deref().filter(|case_type| *case_type != plan.head.case_type) {
        return Err(format!("the case is of type {case_type} now, and was read as {}", plan.head.case_type));
    }
    if case.closed != facility.closed {
        let how = if case.closed { "closed" } else { "opened again" };
        return Err(format!("the case was {how} since the plan was read"));
    }
    Ok(case)
}

/// The value a case holds for a cell; `None` where the property is not set.
pub(super) fn value_of<'a>(plan: &Plan, cell: Cell, case: &'a CaseRecord) -> Option<&'a str> {
    case.properties.get(&plan.property(cell.property).name).map(String::as_str)
}

/// The cases of these cells as the server has them now, by facility.
pub(super) async fn cases_now(sources: &Sources, plan: &Plan, cells: &[Cell]) -> Result<BTreeMap<u32, CaseRecord>> {
    let mut facilities: Vec<u32> = cells.iter().map(|cell| cell.facility).collect();
    facilities.dedup();
    let ids: Vec<String> = facilities.iter().map(|f| plan.facility(*f).case_id.clone()).collect();
    let wanted: Vec<String> = plan.properties().iter().map(|p| p.name.clone()).collect();
    let found = sources.commcare.fetch(&ids, &plan.head.case_type, &wanted).await?;
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

/// What one attempt tells of a form.
pub(super) struct Judged {
    /// What is known from sending it now.
    pub(super) sent: Outcome,
    /// What the server said, where it is worth keeping.
    pub(super) answer: Option<String>,
    /// What to do.
    pub(super) next: Next,
}

/// Judges a receipt (fault matrix section 2). `left` says whether an earlier attempt with these bytes may have arrived: then a
/// refusal of this one tells nothing of that one, and the form stays UNKNOWN. Only the error form of a 422 is decisive, since
/// HQ looks at these very bytes again for it (commcare.md section 6).
pub(super) fn judge(receipt: Receipt, left: bool) -> Judged {
    let again = |sent, answer: Option<String>, pause, why: &str| Judged {
        sent,
        answer,
        next: Next::Again(pause, why.to_owned()),
    };
    let go_on = |sent, answer| Judged { sent, answer, next: Next::GoOn };
    let no = |answer: String, why: String| {
        let (sent, why) = if left {
            (
                Outcome::Unknown,
                format!("{why}. An earlier attempt may have taken effect, so what became of it is UNKNOWN"),
            )
        } else {
            (Outcome::NotApplied, format!("{why}. Nothing of it changed"))
        };
        Judged { sent, answer: Some(answer), next: Next::Stop(why) }
    };
    // What is open stays open: before the first attempt nothing left, after one that may have it is not known.
    let open = if left { Outcome::Unknown } else { Outcome::Frozen };
    match receipt {
        Receipt::Accepted { duplicate } => {
            go_on(Outcome::Accepted, duplicate.then(|| "recognised as sent before".to_owned()))
        }
        Receipt::SavedWithError { message } => go_on(Outcome::Accepted, Some(message)),
        Receipt::Unclear { why } => go_on(Outcome::Unknown, Some(why)),
        Receipt::Rejected { message, .. } => {
            let why = format!("CommCare HQ rejected the form, no case of it changed: {message}");
            Judged { sent: Outcome::NotApplied, answer: Some(message), next: Next::Stop(why) }
        }
        Receipt::Ignored => {
            let why = "CommCare HQ accepted the form and ignored it; is the account a practice user?".to_owned();
            no(why.clone(), why)
        }
        Receipt::Refused { status, message } => {
            no(message.clone(), format!("CommCare HQ refused the form ({status}): {message}"))
        }
        Receipt::TooLarge => {
            let why = "the form is too large for CommCare HQ; lower chunk_size in the profile".to_owned();
            no(why.clone(), why)
        }
        Receipt::Blocked { message } => {
            let why = format!("CommCare HQ blocked the project: {message}. Write to its support");
            no(message, why)
        }
        Receipt::Locked => again(Outcome::Unknown, None, None, "the form or a case is locked"),
        Receipt::SlowDown(pause) => again(open, None, pause, "asked to slow down (429)"),
        Receipt::Unavailable(pause) => again(open, None, pause, "the project is not available now (503)"),
        Receipt::Unknown { why } => again(Outcome::Unknown, Some(why.clone()), None, &why),
        Receipt::NotSent { why } => again(open, Some(why.clone()), None, &why),
    }
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
pub(super) fn line_of(plan: &Plan, form: &Form) -> FormLine {
    let cells: Vec<Cell> = form.cells.iter().map(FormCell::cell).collect();
    FormLine {
        form_id: Some(form.form_id.clone()),
        outcome: Some(form.outcome()),
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
    let fates = fates(forms);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_cell_is_in_exactly_one_form(
            cells in prop::collection::btree_set((0..60_u32, 0..4_u16), 0..120), size in 0_usize..20,
        ) {
            let cells: Vec<Cell> = cells.into_iter().map(|(facility, property)| Cell { facility, property }).collect();
            let chunks = chunks(&cells, size);
            prop_assert_eq!(chunks.concat(), cells);
            for (at, chunk) in chunks.iter().enumerate() {
                let facilities = chunk.chunk_by(|a, b| a.facility == b.facility).count();
                prop_assert!((1..=size.max(1)).contains(&facilities));
                let next = chunks.get(at + 1).and_then(|next| next.first());
                prop_assert!(next.is_none_or(|next| chunk.iter().all(|cell| cell.facility < next.facility)));
            }
        }
    }

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
