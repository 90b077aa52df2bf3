//! What HQ keeps: cases in the database, forms, and the history cases are rebuilt from
//! (commcare.md sections 5 and 6).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    apply::{apply, refusal},
    effects::Applied,
    form::{Block, Form, Standing},
    index::Index,
    limits::Limits,
    receiving::{Door, Receiving},
};
use crate::sandbox::{CaseState, world::draw::mix};

/// Cases by id.
pub(crate) type Cases = BTreeMap<Arc<str>, Arc<CaseState>>;

/// What became of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its blocks are in the cases.
    Applied,
    /// The same bytes as the form of this id; no case was touched.
    Duplicate(String),
    /// No case was touched; the error as HQ words it.
    Failed(String),
    /// A later form with the same id and other bytes took its place.
    Replaced,
}

/// A form HQ keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedForm {
    /// The id it is stored under, which is not always the one submitted.
    pub id: String,
    /// Namespace of its root.
    pub xmlns: String,
    /// The XML exactly as received.
    pub bytes: Bytes,
    /// When it was received.
    pub received: Timestamp,
    /// What became of it.
    pub fate: Fate,
}

/// What the sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The id of the record made or found.
    pub(crate) id: String,
    /// What happened.
    pub(crate) outcome: Outcome,
}

/// What happened to a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Processed now.
    Accepted,
    /// The same bytes again; the id of the first.
    Duplicate(String),
    /// A known error.
    Failed(String),
    /// An error HQ does not expect: a server error page.
    Unexpected,
}

/// One entry of the history. Cases are the initial ones with these applied in order.
pub(crate) struct Step {
    /// When it was received.
    pub(crate) received: Timestamp,
    /// User id of the form.
    pub(crate) user_id: String,
    /// Its blocks.
    pub(crate) blocks: Vec<Block>,
}

impl Form {
    /// What it does, which it then no longer holds.
    fn take_step(&mut self, received: Timestamp) -> Step {
        Step { received, user_id: std::mem::take(&mut self.user_id), blocks: std::mem::take(&mut self.blocks) }
    }
}

/// All of it.
pub(crate) struct Store {
    seed: u64,
    initial: Cases,
    database: Cases,
    deleted: BTreeSet<Arc<str>>,
    forms: Vec<ReceivedForm>,
    by_id: BTreeMap<String, usize>,
    step_of_form: BTreeMap<usize, usize>,
    steps: Vec<Arc<Step>>,
    applied: Vec<Applied>,
    ids_made: usize,
    permissions: (bool, bool),
    /// What the account may not see or not now.
    pub(crate) limits: Limits,
    /// The search index.
    pub(crate) index: Index,
    /// How submissions are taken.
    pub(crate) door: Door,
    /// Cases no form may name.
    pub(crate) bad_cases: BTreeSet<String>,
}

/// A submission with what is made of it.
struct Incoming {
    bytes: Bytes,
    form: Form,
    /// The form id it came with, or the one made for it.
    id: String,
    fate: Fate,
    outcome: Outcome,
    now: Timestamp,
}

impl Incoming {
    /// The record of it, under this id.
    fn record(&self, id: &str, received: Timestamp) -> ReceivedForm {
        let (bytes, xmlns, fate) = (self.bytes.clone(), self.form.xmlns.clone(), self.fate.clone());
        ReceivedForm { id: id.to_owned(), xmlns, bytes, received, fate }
    }
}

impl Store {
    /// A store with these cases and no forms.
    pub(crate) fn new(seed: u64, cases: &[CaseState]) -> Self {
        let initial: Cases = cases.iter().map(|case| (Arc::clone(&case.case_id), Arc::new(case.clone()))).collect();
        Self {
            seed,
            database: initial.clone(),
            index: Index::new(initial.clone()),
            initial,
            deleted: BTreeSet::new(),
            forms: Vec::new(),
            by_id: BTreeMap::new(),
            step_of_form: BTreeMap::new(),
            steps: Vec::new(),
            applied: Vec::new(),
            ids_made: 0,
            permissions: (true, true),
            limits: Limits::default(),
            door: Door::default(),
            bad_cases: BTreeSet::new(),
        }
    }

    /// The case in the database, unless it is deleted.
    pub(crate) fn case(&self, case_id: &str) -> Option<&Arc<CaseState>> {
        self.database.get(case_id).filter(|_| !self.deleted.contains(case_id))
    }

    /// All cases in the database that are not deleted, by id.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &Arc<CaseState>> {
        self.database.values().filter(|case| !self.deleted.contains(&case.case_id))
    }

    /// The ids of all cases of a type in the database.
    pub(crate) fn of_type(&self, case_type: &str) -> Vec<String> {
        self.cases().filter(|case| case.case_type == case_type).map(|case| case.case_id.to_string()).collect()
    }

    /// What was applied, oldest first.
    pub(crate) fn applied(&self) -> &[Applied] {
        &self.applied
    }

    /// The forms, oldest first.
    pub(crate) fn forms(&self) -> &[ReceivedForm] {
        &self.forms
    }

    /// The ids of the forms that changed each case, oldest first.
    pub(crate) fn forms_by_case(&self) -> BTreeMap<Arc<str>, Vec<&str>> {
        let mut forms: BTreeMap<Arc<str>, Vec<&str>> = BTreeMap::new();
        for (form, step) in &self.step_of_form {
            for case_id in touched_by(&self.steps[*step]) {
                forms.entry(case_id).or_default().push(&self.forms[*form].id);
            }
        }
        forms
    }

    /// Whether the user has `edit_data`, and whether `access_api`.
    pub(crate) fn permissions(&self) -> (bool, bool) {
        self.permissions
    }

    /// Sets both permissions.
    pub(crate) fn set_permissions(&mut self, edit_data: bool, access_api: bool) {
        self.permissions = (edit_data, access_api);
    }

    /// Someone else changes a case; false when there is none.
    pub(crate) fn set_property(&mut self, case_id: &str, name: &str, value: &str, now: Timestamp) -> bool {
        let values = vec![(name.to_owned(), value.to_owned())];
        self.by_others(Block { case_id: case_id.to_owned(), values, ..Block::default() }, now)
    }

    /// Someone else does this to a case; false when there is none.
    pub(crate) fn by_others(&mut self, block: Block, now: Timestamp) -> bool {
        if self.case(&block.case_id).is_none() {
            return false;
        }
        if block.standing == Standing::Deleted {
            self.deleted.insert(Arc::from(block.case_id.as_str()));
        }
        self.do_step(Step { received: now, user_id: String::new(), blocks: vec![block] }, None, now);
        true
    }

    /// A form has come in. It is applied whole or not at all, unless the receiver is one that does otherwise.
    pub(crate) fn receive(&mut self, bytes: Bytes, mut form: Form, kind: Receiving, now: Timestamp) -> Receipt {
        let (fate, outcome) = self.verdict(&form, kind);
        if let Receiving::Partly(most) = kind {
            form.blocks.sort_by(|a, b| a.case_id.cmp(&b.case_id));
            form.blocks.truncate(most);
        }
        let id = form.instance_id.clone().unwrap_or_else(|| self.make_id());
        let new = Incoming { bytes, form, id, fate, outcome, now };
        let Some(&at) = self.by_id.get(&new.id) else {
            let id = new.id.clone();
            return self.first(id, new);
        };
        let known = &self.forms[at];
        if known.bytes == new.bytes {
            return match known.fate {
                Fate::Failed(_) => self.again(at, new),
                _ => self.duplicate(new),
            };
        }
        if known.xmlns == new.form.xmlns {
            return self.edit(at, new);
        }
        let id = self.make_id();
        self.first(id, new)
    }

    fn verdict(&self, form: &Form, kind: Receiving) -> (Fate, Outcome) {
        let unexpected = |error: &str| (Fate::Failed(error.to_owned()), Outcome::Unexpected);
        if kind == Receiving::Crashing {
            return unexpected("an error HQ does not expect");
        }
        if form.stray {
            return unexpected("a case element outside the case namespace");
        }
        match refusal(&form.blocks, &self.bad_cases) {
            Some(error) => (Fate::Failed(error.clone()), Outcome::Failed(error)),
            None => (Fate::Applied, Outcome::Accepted),
        }
    }

    /// A form that is kept under an id no other has.
    fn first(&mut self, id: String, mut new: Incoming) -> Receipt {
        let at = self.keep(new.record(&id, new.now));
        if new.outcome == Outcome::Accepted {
            self.step_of_form.insert(at, self.steps.len());
            self.do_step(new.form.take_step(new.now), Some(new.id), new.now);
        }
        Receipt { id, outcome: new.outcome }
    }

    /// The same bytes as a form that is fine: a record under a new id, the cases stay.
    fn duplicate(&mut self, new: Incoming) -> Receipt {
        let id = self.make_id();
        let record = ReceivedForm { fate: Fate::Duplicate(new.id.clone()), ..new.record(&id, new.now) };
        self.keep(record);
        Receipt { id, outcome: Outcome::Duplicate(new.id) }
    }

    /// The same bytes as a form that failed: HQ tries the first one once more.
    fn again(&mut self, at: usize, mut new: Incoming) -> Receipt {
        self.forms[at].fate = new.fate.clone();
        if new.outcome != Outcome::Accepted {
            return Receipt { id: new.id, outcome: new.outcome };
        }
        let step = new.form.take_step(self.forms[at].received);
        self.step_of_form.insert(at, self.steps.len());
        self.do_step(step, Some(new.id.clone()), new.now);
        self.duplicate(new)
    }

    /// The same id with other bytes: the new version takes the id and the place in the history, and every case either
    /// of them touches is rebuilt.
    fn edit(&mut self, at: usize, mut new: Incoming) -> Receipt {
        if new.outcome != Outcome::Accepted {
            let id = self.make_id();
            self.keep(new.record(&id, new.now));
            return Receipt { id, outcome: new.outcome };
        }
        let mut old = self.forms[at].clone();
        old.id = self.make_id();
        old.fate = Fate::Replaced;
        let received = old.received;
        self.keep(old);
        self.forms[at] = new.record(&new.id, received);
        let step = Arc::new(new.form.take_step(received));
        let mut touched = touched_by(&step);
        self.applied.push(Applied { at: new.now, form: Some(new.id.clone()), step: Arc::clone(&step) });
        if let Some(&place) = self.step_of_form.get(&at) {
            touched.extend(touched_by(&self.steps[place]));
            self.steps[place] = step;
        } else {
            self.step_of_form.insert(at, self.steps.len());
            self.steps.push(step);
        }
        self.rebuild(&touched);
        self.publish(touched, new.now);
        Receipt { id: new.id, outcome: Outcome::Accepted }
    }

    fn keep(&mut self, form: ReceivedForm) -> usize {
        self.by_id.insert(form.id.clone(), self.forms.len());
        self.forms.push(form);
        self.forms.len() - 1
    }

    fn do_step(&mut self, step: Step, form: Option<String>, now: Timestamp) {
        let step = Arc::new(step);
        apply(&mut self.database, &step, None);
        self.publish(touched_by(&step), now);
        self.applied.push(Applied { at: now, form, step: Arc::clone(&step) });
        self.steps.push(step);
    }

    /// Makes these cases anew from the initial ones and the whole history.
    fn rebuild(&mut self, cases: &BTreeSet<Arc<str>>) {
        for case_id in cases {
            match self.initial.get(case_id) {
                Some(case) => self.database.insert(Arc::clone(case_id), Arc::clone(case)),
                None => self.database.remove(case_id),
            };
        }
        for step in &self.steps {
            apply(&mut self.database, step, Some(cases));
        }
    }

    /// Hands changed cases to the search index.
    fn publish(&mut self, cases: BTreeSet<Arc<str>>, now: Timestamp) {
        for case_id in cases {
            let case = self.case(&case_id).map(Arc::clone);
            self.index.note(case_id, case, now);
        }
    }

    /// An id nobody chose: 32 hexadecimal digits.
    fn make_id(&mut self) -> String {
        self.ids_made += 1;
        let part = |half| mix(self.seed ^ 0x1d, [self.ids_made, half, 0]);
        format!("{:016x}{:016x}", part(1), part(2))
    }
}

fn touched_by(step: &Step) -> BTreeSet<Arc<str>> {
    step.blocks.iter().map(|block| Arc::from(block.case_id.as_str())).collect()
}
