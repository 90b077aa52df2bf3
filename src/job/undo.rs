//! A review that undoes another one: what it sent, from its file, against its cases as they are now. Sends nothing and changes
//! nothing in the file that is undone; what is proposed is `domain::undo`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use anyhow::{Result, bail};
use jiff::Timestamp;

use super::{
    now::{Eyes, as_planned, facilities, value_of},
    session::Sources,
};
use crate::{
    domain::{
        outcome::Outcome,
        plan::{Cell, FormOf, Plan, UndoOf},
        undo::{CaseNow, Conflict, Counts, Write, Written, undo, unsettled, written},
        value::same,
    },
    io::{
        commcare::CaseRecord,
        store::{Form, Loaded, Store, Used},
    },
};

/// An undo that is made and not kept yet.
#[derive(Debug)]
pub struct Undone {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Cells that are left as they are.
    pub conflicts: Vec<Conflict>,
    /// How many cells of each kind.
    pub counts: Counts,
    /// The settings of the review that is undone, and of this one.
    pub used: Used,
    /// Forms that are not settled, one sentence each.
    pub unsettled: Vec<String>,
}

impl Undone {
    /// The forms of the review that is undone.
    pub fn forms(&self) -> &[FormOf] {
        self.plan.head.undo.as_ref().map_or(&[], |of| &of.forms)
    }

    /// Keeps the plan as the first reading of a new review file.
    pub async fn save(&self, store: &Store) -> Result<()> {
        store.save_plan(Arc::clone(&self.plan), self.used.clone(), Vec::new(), Vec::new()).await
    }
}

/// Cases read at once; between them it is told how far it is.
const AT_ONCE: usize = 250;

/// Reads the cases of everything `loaded`, a review file of this name, wrote or may have written, and says what can be put back.
/// `tell` hears how many cases were read, of how many. Nothing is written or sent. Fails where nothing was ever sent from it, and
/// where the cases cannot be read.
pub async fn undone(
    loaded: Loaded,
    name: &str,
    sources: &Sources,
    now: Timestamp,
    tell: &(dyn Fn(usize, usize) + Sync),
) -> Result<Undone> {
    let Loaded { plan, used, forms, .. } = loaded;
    let (Some(first), Some(last)) = (forms.first(), forms.last()) else {
        bail!("nothing was sent from {name}, so there is nothing to undo");
    };
    let (first, last) = (first.frozen_at.clone(), last.frozen_at.clone());
    let forms_of = forms.iter().map(form_of).collect();
    let of = UndoOf { file: name.to_owned(), first, last, forms: forms_of };
    let open = of.forms.iter().filter(|form| !form.outcome.settled());
    let unsettled = open.map(|form| unsettled(form.number, form.outcome, name)).collect();
    let written = written(forms.iter().flat_map(writes));
    let cases = cases(sources, &plan, &written, now, tell).await?;
    let read_at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let made = undo(&plan, of, &read_at, &written, &cases);
    Ok(Undone { plan: Arc::new(made.plan), conflicts: made.conflicts, counts: made.counts, used, unsettled })
}

fn form_of(form: &Form) -> FormOf {
    let acted = form.cells.iter().any(|cell| form.outcome_of(cell.cell()) != Outcome::NotApplied);
    FormOf { number: form.number, form_id: form.form_id.clone(), outcome: form.outcome(), acted }
}

fn writes(form: &Form) -> impl Iterator<Item = Write> {
    let at = form.frozen_at.parse().ok();
    form.cells.iter().map(move |cell| Write {
        cell: cell.cell(),
        old: cell.old.clone(),
        new: cell.new.clone(),
        outcome: form.outcome_of(cell.cell()),
        at,
    })
}

/// The cases of what was written as they are now, each with what makes it another one; one that is gone is left out. Where the
/// search index does not show ours the database is asked too: it may only lag.
async fn cases(
    sources: &Sources,
    plan: &Plan,
    written: &BTreeMap<Cell, Written>,
    now: Timestamp,
    tell: &(dyn Fn(usize, usize) + Sync),
) -> Result<BTreeMap<u32, CaseNow>> {
    let allowance = Mutex::default();
    let eyes = Eyes { sources, plan, allowance: &allowance, now, stops: false };
    let strange = |cell: &Cell, one: &Written, case: Option<&CaseRecord>| {
        let holds = case.and_then(|case| value_of(plan, *cell, case));
        !one.ours.iter().any(|ours| same(holds, Some(ours)))
    };
    let doubt = |facility, case: Option<&CaseRecord>| {
        let at = |property| Cell { facility, property };
        written.range(at(0)..=at(u16::MAX)).any(|(cell, one)| strange(cell, one, case))
    };
    let (all, mut found) = (facilities(written.keys().copied()), BTreeMap::new());
    let mut done = 0;
    tell(done, all.len());
    for some in all.chunks(AT_ONCE) {
        found.extend(eyes.cases(some, doubt).await?.found);
        done += some.len();
        tell(done, all.len());
    }
    let now = found.into_iter().map(|(facility, case)| {
        let other = as_planned(plan, Cell { facility, property: 0 }, Some(&case)).err();
        let changed = case.changed();
        (facility, CaseNow { values: case.properties, other, changed })
    });
    Ok(now.collect())
}
