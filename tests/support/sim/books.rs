//! What really happened, whoever says what: forms that left and arrived, what the database of HQ held and when, what was approved
//! and when. The order of things is by tick, a number that grows with every entry.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use onse::{
    domain::{
        ledger::{Entry, Step},
        mapping::Mapping,
        plan::{Cell, Plan},
    },
    sandbox::Sandbox,
};

use super::truth::Truth;

/// A case and a property.
pub(crate) type Spot = (String, String);

/// What a person approved for a case and a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Approval {
    /// What the case held, as shown.
    pub(crate) old: Option<String>,
    /// What is written.
    pub(crate) new: String,
    /// The decision it was approved in.
    pub(crate) decision: u64,
}

/// What a decision did: the verdicts its cells had before and have after.
struct Done {
    seq: u64,
    cells: Vec<(Spot, Option<Approval>, Option<Approval>)>,
}

pub(crate) struct Books {
    tick: u64,
    properties: Vec<String>,
    /// Cases there were at the start.
    pub(crate) cases: BTreeSet<String>,
    /// Cases HQ trips over.
    pub(crate) bad: BTreeSet<String>,
    /// The organisation unit of each case at the start.
    pub(crate) units: BTreeMap<String, String>,
    /// When each form of the file was committed, in the order of the file.
    pub(crate) frozen: Vec<u64>,
    /// Forms whose bytes left this machine, each time.
    pub(crate) left: Vec<(u64, String, Bytes)>,
    /// What the database held of each case and property, from when on.
    held: BTreeMap<Spot, Vec<(u64, Option<String>)>>,
    /// What is approved, from when on.
    approved: BTreeMap<Spot, Vec<(u64, Option<Approval>)>>,
    done: Vec<Done>,
    undone: Vec<Done>,
    /// Decisions the file acknowledged.
    pub(crate) acknowledged: Vec<Entry>,
    /// Verdicts that were taken from spreadsheets.
    pub(crate) returned: usize,
    /// Forms that were seen in the file: number, id, bytes.
    pub(crate) known: BTreeMap<u32, (String, Vec<u8>)>,
    /// What DHIS2 holds; `None` once it changed.
    pub(crate) truth: Option<Arc<Truth>>,
    /// Category option combos of data elements.
    pub(crate) combos: BTreeMap<String, Vec<String>>,
}

impl Books {
    pub(crate) fn new(sandbox: &Sandbox, mapping: &Mapping) -> Self {
        let mut books = Self {
            tick: 0,
            properties: mapping.properties().into_iter().map(str::to_owned).collect(),
            cases: sandbox.case_ids().into_iter().collect(),
            bad: BTreeSet::new(),
            units: BTreeMap::new(),
            frozen: Vec::new(),
            left: Vec::new(),
            held: BTreeMap::new(),
            approved: BTreeMap::new(),
            done: Vec::new(),
            undone: Vec::new(),
            acknowledged: Vec::new(),
            returned: 0,
            known: BTreeMap::new(),
            truth: None,
            combos: BTreeMap::new(),
        };
        for case_id in &books.cases {
            let unit = sandbox.case(case_id).and_then(|case| case.external_id).filter(|unit| unit.len() == 11);
            books.units.extend(unit.map(|unit| (case_id.clone(), unit)));
        }
        books.look(sandbox);
        books
    }

    pub(crate) fn tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }

    /// A form was committed to the file.
    pub(crate) fn froze(&mut self) {
        let tick = self.tick();
        self.frozen.push(tick);
    }

    /// A form left this machine.
    pub(crate) fn leaves(&mut self, id: &str, bytes: Bytes) {
        let tick = self.tick();
        self.left.push((tick, id.to_owned(), bytes));
    }

    /// Notes what the database holds now, to be called whenever it may have changed.
    pub(crate) fn look(&mut self, sandbox: &Sandbox) {
        let tick = self.tick();
        for case_id in &self.cases {
            let Some(case) = sandbox.case(case_id) else { continue };
            for property in &self.properties {
                let now = case.properties.get(property.as_str());
                let held = self.held.entry((case_id.clone(), property.clone())).or_default();
                if held.last().is_none_or(|(_, last)| last.as_ref() != now) {
                    held.push((tick, now.cloned()));
                }
            }
        }
    }

    /// What the database held of a spot from this moment on, the oldest first.
    pub(crate) fn held_from(&self, spot: &Spot, tick: u64) -> &[(u64, Option<String>)] {
        let held = self.held.get(spot).map_or(&[][..], Vec::as_slice);
        let first = held.partition_point(|(at, _)| *at <= tick).saturating_sub(1);
        &held[first..]
    }

    /// What was approved at this moment.
    pub(crate) fn approved_at(&self, spot: &Spot, tick: u64) -> Option<&Approval> {
        let all = self.approved.get(spot)?;
        all[..all.partition_point(|(at, _)| *at <= tick)].last()?.1.as_ref()
    }

    fn approval(&self, spot: &Spot) -> Option<Approval> {
        self.approved_at(spot, u64::MAX).cloned()
    }

    fn set(&mut self, spot: &Spot, approval: Option<Approval>) {
        let tick = self.tick();
        self.approved.entry(spot.clone()).or_default().push((tick, approval));
    }

    /// A decision that is in the file.
    pub(crate) fn decided(&mut self, plan: &Plan, entry: &Entry) {
        self.acknowledged.push(entry.clone());
        match &entry.step {
            step @ (Step::Decide { .. } | Step::Import { .. }) => {
                let mut done = Done { seq: entry.seq, cells: Vec::new() };
                let said: Vec<_> = match step {
                    Step::Import { rows, .. } => rows.iter().map(|row| (row.cell, row.act)).collect(),
                    Step::Decide { act, cells, .. } => cells.iter().map(|cell| (*cell, *act)).collect(),
                    _ => Vec::new(),
                };
                for (cell, act) in &said {
                    let facility = plan.facility(cell.facility).case_id.clone();
                    let spot = (facility, plan.property(cell.property).name.clone());
                    let new = plan.offer(*cell).filter(|_| act.writes()).map(str::to_owned);
                    let old = plan.old(*cell).map(str::to_owned);
                    let after = new.map(|new| Approval { old, new, decision: entry.seq });
                    done.cells.push((spot.clone(), self.approval(&spot), after.clone()));
                    self.set(&spot, after);
                }
                self.undone.clear();
                self.done.push(done);
            }
            Step::Undo(of) => {
                if let Some(at) = self.done.iter().position(|done| done.seq == *of) {
                    let done = self.done.remove(at);
                    done.cells.iter().for_each(|(spot, before, _)| self.set(spot, before.clone()));
                    self.undone.push(done);
                }
            }
            Step::Redo(of) => {
                if let Some(at) = self.undone.iter().position(|done| done.seq == *of) {
                    let done = self.undone.remove(at);
                    done.cells.iter().for_each(|(spot, _, after)| self.set(spot, after.clone()));
                    self.done.push(done);
                }
            }
            Step::Settle { .. } | Step::Note { .. } => self.undone.clear(),
            Step::Reset(cells) => {
                let of = |cell: Cell| {
                    (plan.facility(cell.facility).case_id.clone(), plan.property(cell.property).name.clone())
                };
                self.forget(&cells.iter().map(|reset| of(reset.cell)).collect());
            }
        }
    }

    /// There is a newer reading: what was approved of values that are others now is approved no more, nor can any undo bring it
    /// back.
    pub(crate) fn read(&mut self, before: &Plan, now: &Plan) {
        let values = |plan: &Plan| -> BTreeMap<Spot, (Option<String>, Option<String>)> {
            let of = |cell: Cell| {
                let spot = (plan.facility(cell.facility).case_id.clone(), plan.property(cell.property).name.clone());
                (spot, (plan.old(cell).map(str::to_owned), plan.offer(cell).map(str::to_owned)))
            };
            plan.cells().map(of).collect()
        };
        let (before, now) = (values(before), values(now));
        let moved = before.iter().filter(|(spot, was)| now.get(*spot) != Some(*was)).map(|(spot, _)| spot.clone());
        self.forget(&moved.collect());
    }

    /// What was approved of these is approved no more, and no way leads back to it.
    fn forget(&mut self, moved: &BTreeSet<Spot>) {
        for spot in moved {
            if self.approval(spot).is_some() {
                self.set(spot, None);
            }
        }
        for done in self.done.iter_mut().chain(&mut self.undone) {
            done.cells.retain(|(spot, ..)| !moved.contains(spot));
        }
    }
}

/// Whether two values are one number, or one text.
pub(crate) fn alike(one: Option<&str>, other: Option<&str>) -> bool {
    let (one, other) = (one.unwrap_or_default().trim(), other.unwrap_or_default().trim());
    one == other || matches!((number(one), number(other)), (Some(one), Some(other)) if one == other)
}

/// A plain decimal number in millionths.
pub(crate) fn number(text: &str) -> Option<i128> {
    let text = text.trim();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || part.len() > 6 || !(whole.to_owned() + part).bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(sign * format!("{whole}{part:0<6}").parse::<i128>().ok()?)
}
