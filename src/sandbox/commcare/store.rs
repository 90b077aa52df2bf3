//! What HQ keeps: cases in the database and in the search index, forms, and the history cases are rebuilt from
//! (commcare.md sections 5 and 6).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::{
    apply::{apply, refusal},
    form::{Block, Form},
    limits::Limits,
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

/// All of it.
pub(crate) struct Store {
    seed: u64,
    initial: Cases,
    database: Cases,
    index: Cases,
    order: BTreeSet<(Timestamp, Arc<str>)>,
    newest: Timestamp,
    holding: bool,
    waiting: BTreeSet<Arc<str>>,
    forms: Vec<ReceivedForm>,
    by_id: BTreeMap<String, usize>,
    step_of_form: BTreeMap<usize, usize>,
    steps: Vec<Step>,
    ids_made: usize,
    permissions: (bool, bool),
    /// What the account may not see or not now.
    pub(crate) limits: Limits,
}

impl Store {
    /// A store with these cases and no forms.
    pub(crate) fn new(seed: u64, cases: &[CaseState]) -> Self {
        let initial: Cases = cases.iter().map(|case| (Arc::clone(&case.case_id), Arc::new(case.clone()))).collect();
        let order: BTreeSet<(Timestamp, Arc<str>)> =
            cases.iter().map(|case| (case.indexed_on, Arc::clone(&case.case_id))).collect();
        Self {
            seed,
            database: initial.clone(),
            index: initial.clone(),
            initial,
            newest: order.last().map_or(Timestamp::UNIX_EPOCH, |(time, _)| *time),
            order,
            holding: false,
            waiting: BTreeSet::new(),
            forms: Vec::new(),
            by_id: BTreeMap::new(),
            step_of_form: BTreeMap::new(),
            steps: Vec::new(),
            ids_made: 0,
            permissions: (true, true),
            limits: Limits::default(),
        }
    }

    /// The case in the database.
    pub(crate) fn case(&self, case_id: &str) -> Option<&Arc<CaseState>> {
        self.database.get(case_id)
    }

    /// All cases in the database, by id.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &Arc<CaseState>> {
        self.database.values()
    }

    /// The case as the search index knows it.
    pub(crate) fn indexed(&self, case_id: &str) -> Option<&Arc<CaseState>> {
        self.index.get(case_id)
    }

    /// The cases of the search index after a place in its order, from there on.
    pub(crate) fn indexed_after(&self, place: Option<(Timestamp, Arc<str>)>) -> impl Iterator<Item = &Arc<CaseState>> {
        let start = place.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.order.range((start, std::ops::Bound::Unbounded)).filter_map(|(_, case_id)| self.index.get(case_id))
    }

    /// The ids of all cases of a type in the database.
    pub(crate) fn of_type(&self, case_type: &str) -> Vec<String> {
        self.cases().filter(|case| case.case_type == case_type).map(|case| case.case_id.to_string()).collect()
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

    /// Stops the search index, or lets it catch up.
    pub(crate) fn hold_index(&mut self, hold: bool, now: Timestamp) {
        self.holding = hold;
        if !hold {
            let waiting = std::mem::take(&mut self.waiting);
            self.publish(waiting, now);
        }
    }

    /// Someone else changes a case; false when there is none.
    pub(crate) fn set_property(&mut self, case_id: &str, name: &str, value: &str, now: Timestamp) -> bool {
        if !self.database.contains_key(case_id) {
            return false;
        }
        let values = vec![(name.to_owned(), value.to_owned())];
        let block = Block { case_id: case_id.to_owned(), values, ..Block::default() };
        self.take_step(Step { received: now, user_id: String::new(), blocks: vec![block] });
        true
    }

    /// A form has come in. It is applied whole or not at all.
    pub(crate) fn receive(&mut self, bytes: Bytes, form: Form, now: Timestamp) -> Receipt {
        let id = form.instance_id.clone().unwrap_or_else(|| self.make_id());
        let Some(&at) = self.by_id.get(&id) else { return self.first(id, bytes, form, now) };
        let known = &self.forms[at];
        if known.bytes == bytes {
            return match known.fate {
                Fate::Failed(_) => self.again(at, form),
                _ => self.duplicate(id, bytes, form.xmlns, now),
            };
        }
        if known.xmlns == form.xmlns {
            return self.edit(at, bytes, form, now);
        }
        let id = self.make_id();
        self.first(id, bytes, form, now)
    }

    /// A form of a new id.
    fn first(&mut self, id: String, bytes: Bytes, form: Form, now: Timestamp) -> Receipt {
        let (fate, outcome) = verdict(&form);
        let at = self.keep(ReceivedForm { id: id.clone(), xmlns: form.xmlns, bytes, received: now, fate });
        if outcome == Outcome::Accepted {
            self.step_of_form.insert(at, self.steps.len());
            self.take_step(Step { received: now, user_id: form.user_id, blocks: form.blocks });
        }
        Receipt { id, outcome }
    }

    /// The same bytes as a form that is fine: a record under a new id, the cases stay.
    fn duplicate(&mut self, of: String, bytes: Bytes, xmlns: String, now: Timestamp) -> Receipt {
        let id = self.make_id();
        let fate = Fate::Duplicate(of.clone());
        self.keep(ReceivedForm { id: id.clone(), xmlns, bytes, received: now, fate });
        Receipt { id, outcome: Outcome::Duplicate(of) }
    }

    /// The same bytes as a form that failed: HQ tries the first one once more.
    fn again(&mut self, at: usize, form: Form) -> Receipt {
        let (fate, outcome) = verdict(&form);
        let ReceivedForm { id, received, bytes, .. } = self.forms[at].clone();
        self.forms[at].fate = fate;
        if outcome != Outcome::Accepted {
            return Receipt { id, outcome };
        }
        self.step_of_form.insert(at, self.steps.len());
        self.take_step(Step { received, user_id: form.user_id, blocks: form.blocks });
        self.duplicate(id, bytes, form.xmlns, received)
    }

    /// The same id with other bytes: the new version takes the id and the place in the history, and every case either
    /// of them touches is rebuilt.
    fn edit(&mut self, at: usize, bytes: Bytes, form: Form, now: Timestamp) -> Receipt {
        let (fate, outcome) = verdict(&form);
        let id = self.forms[at].id.clone();
        if outcome != Outcome::Accepted {
            let new_id = self.make_id();
            self.keep(ReceivedForm { id: new_id.clone(), xmlns: form.xmlns, bytes, received: now, fate });
            return Receipt { id: new_id, outcome };
        }
        let mut old = self.forms[at].clone();
        old.id = self.make_id();
        old.fate = Fate::Replaced;
        self.keep(old);
        let received = self.forms[at].received;
        self.forms[at] = ReceivedForm { id: id.clone(), xmlns: form.xmlns, bytes, received, fate };
        let new = Step { received, user_id: form.user_id, blocks: form.blocks };
        let mut touched = touched_by(&new);
        if let Some(&step) = self.step_of_form.get(&at) {
            touched.extend(touched_by(&self.steps[step]));
            self.steps[step] = new;
        } else {
            self.step_of_form.insert(at, self.steps.len());
            self.steps.push(new);
        }
        self.rebuild(&touched);
        self.publish(touched, now);
        Receipt { id, outcome: Outcome::Accepted }
    }

    fn keep(&mut self, form: ReceivedForm) -> usize {
        self.by_id.insert(form.id.clone(), self.forms.len());
        self.forms.push(form);
        self.forms.len() - 1
    }

    fn take_step(&mut self, step: Step) {
        apply(&mut self.database, &step, None);
        self.publish(touched_by(&step), step.received);
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

    /// Takes changed cases into the search index, each at the end of its order.
    fn publish(&mut self, cases: BTreeSet<Arc<str>>, now: Timestamp) {
        if self.holding {
            self.waiting.extend(cases);
            return;
        }
        for case_id in cases {
            if let Some(old) = self.index.remove(&case_id) {
                self.order.remove(&(old.indexed_on, Arc::clone(&case_id)));
            }
            let Some(case) = self.database.get(&case_id) else { continue };
            let after = self.newest.checked_add(SignedDuration::from_micros(1)).unwrap_or(self.newest);
            self.newest = now.max(after);
            let mut case = CaseState::clone(case);
            case.indexed_on = self.newest;
            self.order.insert((case.indexed_on, Arc::clone(&case_id)));
            self.index.insert(case_id, Arc::new(case));
        }
    }

    /// An id nobody chose: 32 hexadecimal digits.
    fn make_id(&mut self) -> String {
        self.ids_made += 1;
        let part = |half| mix(self.seed ^ 0x1d, [self.ids_made, half, 0]);
        format!("{:016x}{:016x}", part(1), part(2))
    }
}

fn verdict(form: &Form) -> (Fate, Outcome) {
    if form.stray {
        let error = "a case element outside the case namespace".to_owned();
        return (Fate::Failed(error), Outcome::Unexpected);
    }
    match refusal(&form.blocks) {
        Some(error) => (Fate::Failed(error.clone()), Outcome::Failed(error)),
        None => (Fate::Applied, Outcome::Accepted),
    }
}

fn touched_by(step: &Step) -> BTreeSet<Arc<str>> {
    step.blocks.iter().map(|block| Arc::from(block.case_id.as_str())).collect()
}
