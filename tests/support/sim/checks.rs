//! The promises P1 to P5 of fault matrix section 1, held against the books and against what HQ really keeps.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use onse::{
    domain::{outcome::Outcome, plan::Plan},
    io::store::{Form, FormCell, Loaded},
    sandbox::Fate,
};

use super::{
    books::{Books, Spot, alike},
    truth::Truth,
    world::{STAMP, World},
    xml,
};

/// What can be wrong, each a check of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// P1: a form sets something that was not approved when it was frozen.
    Unapproved,
    /// P1: a form does something else than set properties of cases in the plan.
    ElseDone,
    /// P2: other bytes under one id, or an edit of a form.
    Rebuilt,
    /// P2: one approval took effect by two forms.
    Twice,
    /// P2: a file was opened for writing while it was held.
    TwoWriters,
    /// P3: called APPLIED, and another value was read, or none.
    NeverSeen,
    /// P3: called APPLIED, and never in the database.
    NeverThere,
    /// P3: called NOT APPLIED, and it took effect.
    TookEffect,
    /// P3: what was told is not what the file says.
    Told,
    /// P4: a decision or a form is gone, or is another.
    Lost,
    /// P4: the file does not open.
    Shut,
    /// P4: bytes left that are not in the file.
    NotFrozen,
    /// P5: a number, or a 0, that DHIS2 does not hold.
    Invented,
    /// A form stays UNKNOWN although nothing is in the way.
    Open,
    /// A form stays ACCEPTED although everything it set can be seen or was written over.
    Accepted,
    /// It does not end.
    Endless,
    /// It panics.
    Panic,
}

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wrong {
    pub(crate) rule: Rule,
    pub(crate) what: String,
}

impl Wrong {
    pub(crate) fn new(rule: Rule, facility: &str, spot: &Spot, what: impl fmt::Display) -> Self {
        Self { rule, what: format!("{} of {facility} (case {}) {what}", spot.1, spot.0) }
    }

    pub(crate) fn of(rule: Rule, what: impl Into<String>) -> Self {
        Self { rule, what: what.into() }
    }
}

fn spot(plan: &Plan, cell: &FormCell) -> Spot {
    (plan.facility(cell.facility).case_id.clone(), plan.property(cell.property).name.clone())
}

/// Bytes of forms by their number.
pub(crate) type AllBytes = BTreeMap<u32, Vec<u8>>;

/// Everything that can be held to the file at any time.
pub(crate) fn file(world: &World, loaded: &Loaded, bytes: &AllBytes) -> Vec<Wrong> {
    let mut books = world.books();
    let mut wrong = kept(&mut books, loaded, bytes);
    let effects = Effects::of(world);
    wrong.extend(left(world, &books, loaded, bytes, &effects));
    wrong.extend(outcomes(world, &books, loaded, &effects));
    wrong
}

/// What forms did to cases, by form id, case and property; how many times, and the last value.
struct Effects(BTreeMap<(String, Spot), (usize, String)>);

impl Effects {
    fn of(world: &World) -> Self {
        let mut all = BTreeMap::new();
        for effect in world.sandbox.effects() {
            let Some(form) = effect.form else { continue };
            let (times, value): &mut (usize, String) =
                all.entry((form, (effect.case_id, effect.property))).or_default();
            *times += 1;
            *value = effect.value;
        }
        Self(all)
    }

    fn has(&self, form: &str, spot: &Spot) -> bool {
        self.0.contains_key(&(form.to_owned(), spot.clone()))
    }
}

/// P4: whatever was acknowledged is in the file as it was.
fn kept(books: &mut Books, loaded: &Loaded, bytes: &AllBytes) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let entries: BTreeMap<u64, _> = loaded.entries.iter().map(|entry| (entry.seq, entry)).collect();
    for entry in &books.acknowledged {
        if entries.get(&entry.seq) != Some(&entry) {
            wrong.push(Wrong::of(Rule::Lost, format!("decision {} is not in the file as it was made", entry.seq)));
        }
    }
    if loaded.forms.len() < books.frozen.len() {
        let (frozen, there) = (books.frozen.len(), loaded.forms.len());
        wrong.push(Wrong::of(Rule::Lost, format!("{frozen} forms were frozen, {there} are in the file")));
    }
    let of = |form: &Form| (form.number, (form.form_id.clone(), bytes.get(&form.number).cloned().unwrap_or_default()));
    let now: BTreeMap<u32, (String, Vec<u8>)> = loaded.forms.iter().map(of).collect();
    for (number, known) in &books.known {
        if now.get(number) != Some(known) {
            wrong.push(Wrong::of(Rule::Lost, format!("form {number} is not in the file as it was")));
        }
    }
    books.known = now;
    wrong
}

/// P1 and P2 on every byte that left, whether or not it took effect.
fn left(world: &World, books: &Books, loaded: &Loaded, all: &AllBytes, effects: &Effects) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let by_id: BTreeMap<&str, &Form> = loaded.forms.iter().map(|form| (form.form_id.as_str(), form)).collect();
    let (mut seen, mut seen_ids) = (BTreeSet::new(), BTreeSet::new());
    for (_, id, bytes) in &books.left {
        let name = world.story.form(id);
        let Some(form) = by_id.get(id.as_str()) else {
            wrong.push(Wrong::of(Rule::NotFrozen, format!("form {name} left and is not in the file")));
            continue;
        };
        if all.get(&form.number).is_none_or(|frozen| frozen[..] != bytes[..]) {
            wrong.push(Wrong::of(Rule::Rebuilt, format!("form {name} left with other bytes than were frozen")));
        }
        seen_ids.insert(id.clone());
        if seen.insert(bytes.clone()) {
            wrong.extend(approved(world, books, &loaded.plan, &name, bytes, frozen_at(books, form)));
        }
    }
    for form in world.sandbox.forms().iter().filter(|form| form.fate == Fate::Replaced) {
        let what =
            format!("form {} was edited: {}", world.story.form(&form.id), world.story.form(&xml::read(&form.bytes).id));
        wrong.push(Wrong::of(Rule::Rebuilt, what));
    }
    for ((form, spot), (times, value)) in effects.0.iter().filter(|((form, _), _)| seen_ids.contains(form)) {
        let name = world.story.form(form);
        if *times > 1 {
            wrong.push(Wrong::new(Rule::Rebuilt, "it", spot, format!("was set {times} times by form {name}")));
        }
        let frozen = by_id.get(form.as_str()).map_or(0, |form| frozen_at(books, form));
        let stamp = world.stamp && spot.1 == STAMP;
        if !stamp && books.approved_at(spot, frozen).is_none_or(|approval| approval.new != *value) {
            wrong.push(Wrong::new(Rule::Unapproved, "it", spot, format!("became {value:?} by form {name}")));
        }
    }
    wrong.extend(twice(books, loaded, effects));
    wrong
}

/// When a form of the file was committed; 0 where nobody noticed.
fn frozen_at(books: &Books, form: &Form) -> u64 {
    let at = usize::try_from(form.number).unwrap_or_default().wrapping_sub(1);
    books.frozen.get(at).copied().unwrap_or_default()
}

/// P1: a form sets what was approved when it was frozen, the stamp, and nothing else.
fn approved(world: &World, books: &Books, plan: &Plan, name: &str, bytes: &[u8], frozen: u64) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for block in xml::read(bytes).blocks {
        let facility = plan.facilities().iter().find(|facility| facility.case_id == block.case_id);
        let title = facility.map_or("no facility of the plan", |facility| &facility.name);
        if facility.is_none() || !books.cases.contains(&block.case_id) || !block.else_does.is_empty() {
            let what = format!("form {name} does {:?} to case {} ({title})", block.else_does, block.case_id);
            wrong.push(Wrong::of(Rule::ElseDone, what));
        }
        for (property, value) in block.sets {
            if world.stamp && property == STAMP {
                continue;
            }
            let spot = (block.case_id.clone(), property);
            let approval = books.approved_at(&spot, frozen);
            if approval.is_none_or(|approval| approval.new != value) {
                let what = format!("is set to {value:?} by form {name}, but approved was {approval:?}");
                wrong.push(Wrong::new(Rule::Unapproved, title, &spot, what));
            }
        }
    }
    wrong
}

/// P2: no approval takes effect by two forms.
fn twice(books: &Books, loaded: &Loaded, effects: &Effects) -> Vec<Wrong> {
    let (mut wrong, mut first) = (Vec::new(), BTreeMap::new());
    for form in &loaded.forms {
        for cell in &form.cells {
            let spot = spot(&loaded.plan, cell);
            let Some(approval) = books.approved_at(&spot, frozen_at(books, form)) else { continue };
            if !effects.has(&form.form_id, &spot) {
                continue;
            }
            if let Some(first) = first.insert((spot.clone(), approval.decision), form.number) {
                let title = &loaded.plan.facility(cell.facility).name;
                let what = format!("decision {} took effect by forms {first} and {}", approval.decision, form.number);
                wrong.push(Wrong::new(Rule::Twice, title, &spot, what));
            }
        }
    }
    wrong
}

/// P3: what is called APPLIED was there, what is called NOT APPLIED was not, unless somebody wrote over it.
fn outcomes(world: &World, books: &Books, loaded: &Loaded, effects: &Effects) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for form in &loaded.forms {
        for cell in &form.cells {
            let (spot, title) = (spot(&loaded.plan, cell), &loaded.plan.facility(cell.facility).name);
            let held = books.held_from(&spot, frozen_at(books, form));
            let there = held.iter().position(|(_, value)| alike(value.as_deref(), Some(&cell.new)));
            let say =
                |rule, what: &str| Wrong::new(rule, title, &spot, format!("form {}: {what}; {held:?}", form.number));
            match form.outcome_of(cell.cell()) {
                Outcome::Applied if !seen_so(form, cell) => {
                    wrong.push(say(Rule::NeverSeen, &format!("{} is called APPLIED and was not seen", cell.new)));
                }
                Outcome::Applied if there.is_none() => {
                    wrong.push(say(Rule::NeverThere, &format!("{} is called APPLIED and was never there", cell.new)));
                }
                // Of a case that is deleted nobody sees what it holds.
                Outcome::NotApplied if effects.has(&form.form_id, &spot) && world.sandbox.case(&spot.0).is_some() => {
                    let over = there.is_some_and(|at| {
                        held[at..].iter().any(|(_, value)| !alike(value.as_deref(), Some(&cell.new)))
                    });
                    if !over {
                        let what = format!("{} is called NOT APPLIED, took effect and stands", cell.new);
                        wrong.push(say(Rule::TookEffect, &what));
                    }
                }
                _ => {}
            }
        }
    }
    wrong
}

/// Whether the file has it that the value was read back.
fn seen_so(form: &Form, cell: &FormCell) -> bool {
    let seen = form.seen.iter().find(|seen| seen.cell == cell.cell());
    seen.is_some_and(|seen| alike(seen.value.as_deref(), Some(&cell.new)))
}

/// At the end, with nothing in the way any more: what is open has a third value in one of its cases, or DHIS2 another total by now.
pub(crate) fn ended(world: &World, loaded: &Loaded, truth: &Truth) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for form in loaded.forms.iter().filter(|form| form.is_open()) {
        let third = form.cells.iter().any(|cell| {
            let facility = loaded.plan.facility(cell.facility);
            let property = &loaded.plan.property(cell.property).name;
            let Some(case) = world.sandbox.case(&facility.case_id) else { return true };
            let now = case.properties.get(property.as_str()).map(String::as_str);
            let moved = case.external_id.as_deref() != Some(&facility.external_id) || case.closed != facility.closed;
            let set = loaded.plan.property(cell.property);
            let source = truth.moved(&facility.external_id, &set.data_element, &set.data_set, &cell.new);
            let source = source && form.sent != Outcome::Accepted;
            // Of two cases with one organisation unit the database cannot be asked.
            let twin = world.sandbox.case_ids().iter().filter_map(|id| world.sandbox.case(id)).any(|other| {
                *other.case_id != *facility.case_id && other.external_id.as_deref() == Some(&facility.external_id)
            });
            let unsure = twin && form.sent == Outcome::Accepted;
            moved || source || unsure || (!alike(now, Some(&cell.new)) && !alike(now, cell.old.as_deref()))
        });
        if !third {
            let what =
                format!("form {} stays {} although nothing of it moved on either side", form.number, form.sent.name());
            let rule = if form.sent == Outcome::Accepted { Rule::Accepted } else { Rule::Open };
            wrong.push(Wrong::of(rule, what));
        }
    }
    wrong
}
