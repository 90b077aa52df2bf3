//! Verdicts and the log they come from: decide, undo, redo, counts. One entry per action of the person, whatever its size.
//! Writing the log to disk is not here (see `io::store`); replaying it gives the same verdicts.

mod replay;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    flags::Severity,
    plan::{Cell, Kind, Plan, index},
};

/// Fewest characters of a reason for a STOP (data-quality-flags.md section 5, point 7).
pub const SHORTEST_REASON: usize = 3;

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Will be written.
    Approve,
    /// The case keeps its old value.
    Reject,
}

impl Verdict {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// What a person does to cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// Approve the change.
    Approve,
    /// Keep the old value.
    Reject,
    /// Back to undecided.
    Clear,
}

impl Act {
    /// The verdict a cell has afterwards.
    pub fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Approve => Some(Verdict::Approve),
            Self::Reject => Some(Verdict::Reject),
            Self::Clear => None,
        }
    }

    /// What was done, for the status line.
    pub fn past(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Reject => "rejected",
            Self::Clear => "cleared",
        }
    }
}

/// One row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// 1 for the first, then one more each. Order is by this, never by time (fault matrix row F19).
    pub seq: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub who: String,
    /// What.
    pub step: Step,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A decision on cells.
    Decide {
        /// What was done.
        act: Act,
        /// To which cells, in cell order.
        cells: Vec<Cell>,
        /// Why, where a reason was given.
        reason: Option<String>,
        /// What it was done to, in words: `4 in Kasenga HC`.
        label: String,
    },
    /// Takes back the entry with this number.
    Undo(u64),
    /// Does the entry with this number again.
    Redo(u64),
}

/// Who decides, and when: given in, since this module asks nobody.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// RFC 3339.
    pub at: String,
    /// Name of the person.
    pub who: String,
}

/// Counts of changes. What is left is undecided; `stop` and `review` count among what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Changes in all.
    pub changes: u32,
    /// Approved.
    pub approved: u32,
    /// Rejected.
    pub rejected: u32,
    /// Undecided with a STOP.
    pub stop: u32,
    /// Undecided with a REVIEW and no STOP.
    pub review: u32,
}

impl Tally {
    /// Undecided.
    pub fn left(&self) -> u32 {
        self.changes - self.approved - self.rejected
    }

    /// Undecided and without a flag.
    pub fn plain(&self) -> u32 {
        self.left() - self.stop - self.review
    }

    /// Decided.
    pub fn decided(&self) -> u32 {
        self.approved + self.rejected
    }

    fn count(&mut self, severity: Option<Severity>, verdict: Option<Verdict>, step: fn(&mut u32)) {
        match (verdict, severity) {
            (Some(Verdict::Approve), _) => step(&mut self.approved),
            (Some(Verdict::Reject), _) => step(&mut self.rejected),
            (None, Some(Severity::Stop)) => step(&mut self.stop),
            (None, Some(Severity::Review)) => step(&mut self.review),
            (None, _) => {}
        }
    }
}

/// Undecided changes sorted by what they may take: bulk takes `plain`, a second question `review`, `stop` go one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undecided {
    /// Without a flag.
    pub plain: Vec<Cell>,
    /// With a REVIEW.
    pub review: Vec<Cell>,
    /// With a STOP.
    pub stop: Vec<Cell>,
}

/// A decision that can be taken back: its cells with the verdict each had before.
#[derive(Clone, Debug)]
struct Done {
    seq: u64,
    act: Act,
    cells: Vec<(Cell, Option<Verdict>)>,
    /// Reasons the cells had before.
    reasons: Vec<(Cell, String)>,
    reason: Option<String>,
    label: String,
}

/// What the newest entry did, for taking it back where it could not be written.
#[derive(Clone, Debug)]
enum Newest {
    /// Decided, and so ended what could be done again, which is kept here.
    Decided(Vec<Done>),
    Undone,
    Redone,
}

/// Every verdict, and the way back.
#[derive(Clone, Debug)]
pub struct Ledger {
    verdicts: Vec<Option<Verdict>>,
    all: Tally,
    facilities: Vec<Tally>,
    properties: Vec<Tally>,
    reasons: BTreeMap<Cell, String>,
    sent: BTreeSet<Cell>,
    done: Vec<Done>,
    undone: Vec<Done>,
    last: u64,
    newest: Option<Newest>,
}

impl Ledger {
    /// A ledger in which every change is undecided.
    pub fn new(plan: &Plan) -> Self {
        let mut ledger = Self {
            verdicts: vec![None; plan.facilities().len() * plan.properties().len()],
            all: Tally::default(),
            facilities: vec![Tally::default(); plan.facilities().len()],
            properties: vec![Tally::default(); plan.properties().len()],
            reasons: BTreeMap::new(),
            sent: BTreeSet::new(),
            done: Vec::new(),
            undone: Vec::new(),
            last: 0,
            newest: None,
        };
        for cell in plan.cells().filter(|cell| plan.kind(*cell) == Kind::Change) {
            let severity = plan.severity(cell);
            for tally in ledger.tallies(cell) {
                tally.changes += 1;
                tally.count(severity, None, |n| *n += 1);
            }
        }
        ledger
    }

    /// Decides. Cells that need no decision, or have this verdict already, are left out; the error says why nothing is left.
    ///
    /// A STOP is approved alone and with a reason, whoever asks (review-ux.md rule 3).
    pub fn decide(
        &mut self,
        plan: &Plan,
        act: Act,
        cells: impl IntoIterator<Item = Cell>,
        reason: Option<&str>,
        label: &str,
        stamp: &Stamp,
    ) -> Result<Entry, String> {
        let mut cells: Vec<Cell> = cells.into_iter().filter(|cell| plan.kind(*cell) == Kind::Change).collect();
        if cells.is_empty() {
            return Err("nothing to decide here".to_owned());
        }
        if cells.iter().any(|cell| self.sent.contains(cell)) {
            return Err("already sent; what was sent cannot be decided again".to_owned());
        }
        cells.retain(|cell| self.verdict(plan, *cell) != act.verdict());
        if cells.is_empty() {
            return Err(if act == Act::Clear {
                "already undecided".to_owned()
            } else {
                format!("already {}", act.past())
            });
        }
        cells.sort_unstable();
        cells.dedup();
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        stop_alone(plan, act, &cells, reason)?;
        self.last += 1;
        let done = self.done(plan, self.last, act, &cells, reason, label);
        self.apply(plan, &done);
        self.newest = Some(Newest::Decided(std::mem::take(&mut self.undone)));
        self.done.push(done);
        let step = Step::Decide { act, cells, reason: reason.map(str::to_owned), label: label.to_owned() };
        Ok(self.entry(step, stamp))
    }

    /// Takes back the last decision, whole. The error says why it cannot.
    pub fn undo(&mut self, plan: &Plan, stamp: &Stamp) -> Result<Entry, String> {
        let done = self.done.last().ok_or("nothing to undo")?;
        if self.holds_sent(done) {
            return Err("the last decision was already sent; undo it in CommCare by archiving the form".to_owned());
        }
        let done = self.done.pop().ok_or("nothing to undo")?;
        self.take_back(plan, &done);
        let step = Step::Undo(done.seq);
        self.undone.push(done);
        self.newest = Some(Newest::Undone);
        self.last += 1;
        Ok(self.entry(step, stamp))
    }

    /// Does the last decision taken back again. The error says why it cannot.
    pub fn redo(&mut self, plan: &Plan, stamp: &Stamp) -> Result<Entry, String> {
        let done = self.undone.last().ok_or("nothing to redo")?;
        if self.holds_sent(done) {
            return Err("part of it was sent since; what was sent cannot be decided again".to_owned());
        }
        let done = self.undone.pop().ok_or("nothing to redo")?;
        self.apply(plan, &done);
        let step = Step::Redo(done.seq);
        self.done.push(done);
        self.newest = Some(Newest::Redone);
        self.last += 1;
        Ok(self.entry(step, stamp))
    }

    /// Makes the newest entry undone as if it had never been, because it could not be written. Whether it did: only the entry
    /// with this number, once, and none of a log that was replayed.
    pub fn take_back_last(&mut self, plan: &Plan, seq: u64) -> bool {
        let Some(newest) = self.newest.take_if(|_| seq == self.last) else { return false };
        let from = if matches!(newest, Newest::Undone) { &mut self.undone } else { &mut self.done };
        let Some(done) = from.pop() else { return false };
        match newest {
            Newest::Decided(undone) => {
                self.take_back(plan, &done);
                self.undone = undone;
            }
            Newest::Undone => {
                self.apply(plan, &done);
                self.done.push(done);
            }
            Newest::Redone => {
                self.take_back(plan, &done);
                self.undone.push(done);
            }
        }
        self.last -= 1;
        true
    }

    /// What the next undo or redo is about, in words: `approved 4 in Kasenga HC`.
    pub fn last_done(&self) -> Option<String> {
        self.done.last().map(|done| format!("{} {}", done.act.past(), done.label))
    }

    /// What the next redo would do again, in words.
    pub fn last_undone(&self) -> Option<String> {
        self.undone.last().map(|done| format!("{} {}", done.act.past(), done.label))
    }

    /// Whether the last decision was sent, so that it cannot be undone here.
    pub fn last_is_sent(&self) -> bool {
        self.done.last().is_some_and(|done| done.cells.iter().any(|(cell, _)| self.sent.contains(cell)))
    }

    /// The first cell of what the next undo takes back, and of what the next redo does again.
    pub fn first_cells(&self) -> (Option<Cell>, Option<Cell>) {
        let first = |all: &[Done]| Some(all.last()?.cells.first()?.0);
        (first(&self.done), first(&self.undone))
    }

    /// Approved changes that were not sent; a refused form's count among them. What was sent stays approved.
    pub fn unsent(&self) -> usize {
        index(self.all.approved).saturating_sub(self.sent.len())
    }

    /// The verdict on a cell.
    pub fn verdict(&self, plan: &Plan, cell: Cell) -> Option<Verdict> {
        self.verdicts[plan.at(cell)]
    }

    /// The reason a cell was approved or rejected with.
    pub fn reason(&self, cell: Cell) -> Option<&str> {
        self.reasons.get(&cell).map(String::as_str)
    }

    /// Counts of the whole review.
    pub fn all(&self) -> Tally {
        self.all
    }

    /// Counts of a facility.
    pub fn facility(&self, facility: u32) -> Tally {
        self.facilities[index(facility)]
    }

    /// Counts of a property.
    pub fn property(&self, property: u16) -> Tally {
        self.properties[usize::from(property)]
    }

    /// Sets which cells stand as sent, in place of those before: their verdict stands. A cell the server refused is not among
    /// them any more and can be decided again.
    pub fn set_sent(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.sent = cells.into_iter().collect();
    }

    /// Whether the cell was sent.
    pub fn is_sent(&self, cell: Cell) -> bool {
        self.sent.contains(&cell)
    }

    /// Number of cells sent.
    pub fn sent(&self) -> usize {
        self.sent.len()
    }

    /// Approved cells not sent yet, facility by facility.
    pub fn to_send<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = Cell> + 'a {
        plan.cells().filter(|cell| self.verdict(plan, *cell) == Some(Verdict::Approve) && !self.sent.contains(cell))
    }

    /// The undecided changes among these cells, sorted by what a bulk decision may take.
    pub fn undecided(&self, plan: &Plan, cells: impl IntoIterator<Item = Cell>) -> Undecided {
        let mut found = Undecided::default();
        for cell in cells {
            if plan.kind(cell) == Kind::Change && self.verdict(plan, cell).is_none() {
                match plan.severity(cell) {
                    Some(Severity::Stop) => found.stop.push(cell),
                    Some(Severity::Review) => found.review.push(cell),
                    _ => found.plain.push(cell),
                }
            }
        }
        found
    }

    fn done(&self, plan: &Plan, seq: u64, act: Act, cells: &[Cell], reason: Option<&str>, label: &str) -> Done {
        Done {
            seq,
            act,
            cells: cells.iter().map(|cell| (*cell, self.verdict(plan, *cell))).collect(),
            reasons: cells.iter().filter_map(|cell| Some((*cell, self.reasons.get(cell)?.clone()))).collect(),
            reason: reason.map(str::to_owned),
            label: label.to_owned(),
        }
    }

    fn holds_sent(&self, done: &Done) -> bool {
        done.cells.iter().any(|(cell, _)| self.sent.contains(cell))
    }

    fn entry(&self, step: Step, stamp: &Stamp) -> Entry {
        Entry { seq: self.last, at: stamp.at.clone(), who: stamp.who.clone(), step }
    }

    fn tallies(&mut self, cell: Cell) -> [&mut Tally; 3] {
        [&mut self.all, &mut self.facilities[index(cell.facility)], &mut self.properties[usize::from(cell.property)]]
    }

    fn set(&mut self, plan: &Plan, cell: Cell, verdict: Option<Verdict>) {
        let at = plan.at(cell);
        let before = std::mem::replace(&mut self.verdicts[at], verdict);
        let severity = plan.severity(cell);
        for tally in self.tallies(cell) {
            tally.count(severity, before, |n| *n -= 1);
            tally.count(severity, verdict, |n| *n += 1);
        }
    }

    fn apply(&mut self, plan: &Plan, done: &Done) {
        for (cell, _) in &done.cells {
            self.set(plan, *cell, done.act.verdict());
            match &done.reason {
                Some(reason) => self.reasons.insert(*cell, reason.clone()),
                None => self.reasons.remove(cell),
            };
        }
    }

    fn take_back(&mut self, plan: &Plan, done: &Done) {
        for (cell, before) in &done.cells {
            self.set(plan, *cell, *before);
            self.reasons.remove(cell);
        }
        self.reasons.extend(done.reasons.iter().cloned());
    }
}

/// A STOP is approved alone and with a reason (review-ux.md rule 3).
fn stop_alone(plan: &Plan, act: Act, cells: &[Cell], reason: Option<&str>) -> Result<(), String> {
    if act != Act::Approve || !cells.iter().any(|cell| plan.severity(*cell) == Some(Severity::Stop)) {
        return Ok(());
    }
    if cells.len() > 1 {
        return Err("a STOP is approved one at a time".to_owned());
    }
    if reason.is_none_or(|reason| reason.trim().chars().count() < SHORTEST_REASON) {
        return Err(format!("a STOP needs a reason of at least {SHORTEST_REASON} characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::Flag,
        plan::{State, sample},
    };
    use proptest::prelude::*;

    fn stamp() -> Stamp {
        Stamp { at: "2026-07-05T09:00:00Z".to_owned(), who: "Grace".to_owned() }
    }

    /// 4 facilities by 3 properties: everything changes but the last column, which is the same; (0,0) is a STOP, (1,0) a REVIEW.
    fn plan() -> Plan {
        sample(4, 3, |draft| {
            for facility in 0..4 {
                draft.set(Cell { facility, property: 2 }, Some("5"), Some("5.0"), State::Reported);
            }
            draft.flag(Cell { facility: 0, property: 0 }, Flag::new("S09", Severity::Stop, "-4 in \"Male\""));
            draft.flag(Cell { facility: 1, property: 0 }, Flag::new("S10", Severity::Review, "12.5"));
        })
    }

    fn cell(facility: u32, property: u16) -> Cell {
        Cell { facility, property }
    }

    #[test]
    fn counts_follow_decisions() {
        let plan = plan();
        let mut ledger = Ledger::new(&plan);
        assert_eq!(ledger.all(), Tally { changes: 8, approved: 0, rejected: 0, stop: 1, review: 1 });
        let open = ledger.undecided(&plan, plan.row(0).chain(plan.row(1)));
        assert_eq!((open.plain.len(), open.review.len(), open.stop.len()), (2, 1, 1));
        ledger.decide(&plan, Act::Approve, open.plain, None, "2 in A", &stamp()).unwrap();
        ledger.decide(&plan, Act::Reject, [cell(0, 0)], None, "a", &stamp()).unwrap();
        assert_eq!(ledger.all(), Tally { changes: 8, approved: 2, rejected: 1, stop: 0, review: 1 });
        assert_eq!(ledger.facility(0), Tally { changes: 2, approved: 1, rejected: 1, stop: 0, review: 0 });
        assert_eq!(ledger.property(0).left(), 3);
        assert_eq!(ledger.to_send(&plan).collect::<Vec<_>>(), [cell(0, 1), cell(1, 1)]);
    }

    #[test]
    fn a_stop_is_approved_alone_and_with_a_reason() {
        let plan = plan();
        let mut ledger = Ledger::new(&plan);
        let stop = cell(0, 0);
        for reason in [None, Some(""), Some("  ok "), Some("é")] {
            assert!(ledger.decide(&plan, Act::Approve, [stop], reason, "a", &stamp()).unwrap_err().contains("reason"));
        }
        let both = ledger.decide(&plan, Act::Approve, [stop, cell(0, 1)], Some("checked"), "a", &stamp());
        assert!(both.unwrap_err().contains("one at a time"));
        assert_eq!(ledger.all().decided(), 0);
        ledger.decide(&plan, Act::Approve, [stop], Some(" checked "), "a", &stamp()).unwrap();
        assert_eq!(ledger.reason(stop), Some("checked"));
        ledger.decide(&plan, Act::Reject, [stop], None, "a", &stamp()).unwrap();
        assert_eq!(ledger.reason(stop), None);
        ledger.undo(&plan, &stamp()).unwrap();
        assert_eq!(ledger.reason(stop), Some("checked"));
        ledger.undo(&plan, &stamp()).unwrap();
        assert_eq!((ledger.reason(stop), ledger.verdict(&plan, stop)), (None, None));
    }

    #[test]
    fn what_needs_no_decision_takes_none() {
        let plan = plan();
        let mut ledger = Ledger::new(&plan);
        assert_eq!(
            ledger.decide(&plan, Act::Approve, plan.column(2), None, "a", &stamp()).unwrap_err(),
            "nothing to decide here"
        );
        assert_eq!(
            ledger.decide(&plan, Act::Clear, plan.row(2), None, "a", &stamp()).unwrap_err(),
            "already undecided"
        );
        assert_eq!(ledger.undo(&plan, &stamp()).unwrap_err(), "nothing to undo");
        assert_eq!(ledger.redo(&plan, &stamp()).unwrap_err(), "nothing to redo");
    }

    #[test]
    fn what_was_sent_stands() {
        let plan = plan();
        let mut ledger = Ledger::new(&plan);
        ledger.decide(&plan, Act::Approve, [cell(2, 0)], None, "a", &stamp()).unwrap();
        ledger.set_sent([cell(2, 0)]);
        assert_eq!(ledger.to_send(&plan).count(), 0);
        assert!(ledger.undo(&plan, &stamp()).unwrap_err().contains("already sent"));
        assert!(
            ledger.decide(&plan, Act::Reject, [cell(2, 0)], None, "a", &stamp()).unwrap_err().contains("already sent")
        );
        assert_eq!(ledger.verdict(&plan, cell(2, 0)), Some(Verdict::Approve));
        ledger.set_sent([]);
        assert!(!ledger.is_sent(cell(2, 0)), "refused by the server: to be decided again");
        assert_eq!(ledger.to_send(&plan).collect::<Vec<_>>(), [cell(2, 0)]);
        ledger.decide(&plan, Act::Reject, [cell(2, 0)], None, "a", &stamp()).unwrap();
    }

    #[test]
    fn what_was_sent_after_an_undo_is_not_done_again() {
        let plan = plan();
        let mut ledger = Ledger::new(&plan);
        for act in [Act::Approve, Act::Reject] {
            ledger.decide(&plan, act, [cell(2, 0)], None, "a", &stamp()).unwrap();
        }
        ledger.undo(&plan, &stamp()).unwrap();
        ledger.set_sent([cell(2, 0)]);
        assert!(ledger.redo(&plan, &stamp()).unwrap_err().contains("was sent"));
        assert_eq!(ledger.verdict(&plan, cell(2, 0)), Some(Verdict::Approve));
        assert!(ledger.last_undone().is_some(), "a refused redo is still there");
    }

    #[test]
    fn a_damaged_log_is_refused_with_its_place() {
        let plan = plan();
        let entry = |seq, step| Entry { seq, at: String::new(), who: String::new(), step };
        let decide = |cells| Step::Decide { act: Act::Reject, cells, reason: None, label: String::new() };
        for (log, place) in [
            (vec![entry(2, decide(vec![cell(0, 1)])), entry(2, Step::Undo(2))], "entry 2"),
            (vec![entry(1, Step::Undo(7))], "entry 1"),
            (vec![entry(1, decide(vec![cell(9, 1)]))], "entry 1"),
            (vec![entry(1, decide(vec![cell(0, 1)])), entry(4, Step::Redo(1))], "entry 4"),
        ] {
            let error = Ledger::replay(&plan, &log).unwrap_err();
            assert!(error.contains(place) && error.contains("damaged"), "{error}");
        }
    }

    #[test]
    fn a_log_that_no_person_could_have_made_is_refused() {
        let plan = plan();
        let stop = cell(0, 0);
        let replay = |act, cells: &[Cell], reason: Option<&str>| {
            let (cells, reason) = (cells.to_vec(), reason.map(str::to_owned));
            let decision = Step::Decide { act, cells, reason, label: String::new() };
            Ledger::replay(&plan, &[Entry { seq: 1, at: String::new(), who: String::new(), step: decision }])
        };
        for (act, cells, reason, what) in [
            (Act::Approve, vec![cell(0, 2)], None, "dhis_p2 of Facility 0"),
            (Act::Reject, vec![cell(0, 1), cell(1, 2)], None, "dhis_p2 of Facility 1"),
            (Act::Reject, vec![cell(0, 1), cell(0, 1)], None, "twice"),
            (Act::Approve, vec![stop], None, "reason"),
            (Act::Approve, vec![stop], Some(" ok "), "reason"),
            (Act::Approve, vec![stop, cell(0, 1)], Some("checked"), "one at a time"),
        ] {
            let error = replay(act, &cells, reason).unwrap_err();
            assert!(error.contains("entry 1 ") && error.contains(what) && error.contains("edited"), "{error}");
        }
        assert_eq!(replay(Act::Approve, &[stop], Some("checked")).unwrap().all().approved, 1);
        assert_eq!(replay(Act::Reject, &[stop, cell(0, 1)], None).unwrap().all().rejected, 2);
    }

    #[derive(Clone, Debug)]
    enum Key {
        Decide(Act, Vec<(u32, u16)>, bool),
        Undo,
        Redo,
        Sent(Vec<(u32, u16)>),
    }

    fn keys() -> impl Strategy<Value = Vec<Key>> {
        let act = prop_oneof![Just(Act::Approve), Just(Act::Reject), Just(Act::Clear)];
        let decide = (act, prop::collection::vec((0..4_u32, 0..3_u16), 1..8), any::<bool>())
            .prop_map(|(act, cells, reason)| Key::Decide(act, cells, reason));
        prop::collection::vec(prop_oneof![4 => decide, 2 => Just(Key::Undo), 1 => Just(Key::Redo)], 0..40)
    }

    fn keys_and_sending() -> impl Strategy<Value = Vec<Key>> {
        let sent = prop::collection::vec((0..4_u32, 0..3_u16), 1..3).prop_map(|cells| vec![Key::Sent(cells)]);
        prop::collection::vec(prop_oneof![4 => keys(), 1 => sent], 0..8).prop_map(|parts| parts.concat())
    }

    fn view(plan: &Plan, ledger: &Ledger) -> impl PartialEq + std::fmt::Debug + use<> {
        (
            ledger.verdicts.clone(),
            ledger.all,
            ledger.facilities.clone(),
            ledger.properties.clone(),
            ledger.reasons.clone(),
            ledger.to_send(plan).collect::<Vec<_>>(),
        )
    }

    fn press(plan: &Plan, ledger: &mut Ledger, keys: &[Key]) -> Vec<Entry> {
        let mut log = Vec::new();
        for key in keys {
            let entry = match key {
                Key::Decide(act, cells, reason) => {
                    let cells = cells.iter().map(|(f, p)| cell(*f, *p));
                    ledger.decide(plan, *act, cells, reason.then_some("because"), "some", &stamp())
                }
                Key::Undo => ledger.undo(plan, &stamp()),
                Key::Redo => ledger.redo(plan, &stamp()),
                Key::Sent(cells) => {
                    ledger.set_sent(cells.iter().map(|(f, p)| cell(*f, *p)));
                    continue;
                }
            };
            log.extend(entry);
        }
        log
    }

    proptest! {
        #[test]
        fn undoing_everything_gives_back_the_start(keys in keys()) {
            let plan = plan();
            let mut ledger = Ledger::new(&plan);
            press(&plan, &mut ledger, &keys);
            while ledger.undo(&plan, &stamp()).is_ok() {}
            prop_assert_eq!(view(&plan, &ledger), view(&plan, &Ledger::new(&plan)));
        }

        #[test]
        fn an_entry_that_was_not_written_never_was(keys in keys()) {
            let plan = plan();
            let mut ledger = Ledger::new(&plan);
            for key in keys {
                let mut before = ledger.clone();
                if press(&plan, &mut ledger, std::slice::from_ref(&key)).is_empty() {
                    continue;
                }
                let written = ledger.clone();
                prop_assert!(!ledger.take_back_last(&plan, ledger.last + 1));
                prop_assert!(ledger.take_back_last(&plan, ledger.last));
                prop_assert_eq!(view(&plan, &ledger), view(&plan, &before));
                prop_assert_eq!((ledger.last, ledger.last_done()), (before.last, before.last_done()));
                prop_assert!(!ledger.take_back_last(&plan, ledger.last), "once");
                // What could be done again before can be again.
                let log = [press(&plan, &mut ledger, &[Key::Redo]), press(&plan, &mut before, &[Key::Redo])];
                prop_assert_eq!(&log[0], &log[1]);
                prop_assert_eq!(view(&plan, &ledger), view(&plan, &before));
                ledger = written;
            }
        }

        #[test]
        fn the_verdict_of_what_was_sent_never_changes(keys in keys_and_sending()) {
            let plan = plan();
            let mut ledger = Ledger::new(&plan);
            for key in keys {
                let before = ledger.clone();
                press(&plan, &mut ledger, &[key]);
                for sent in &before.sent {
                    prop_assert_eq!(ledger.verdict(&plan, *sent), before.verdict(&plan, *sent));
                }
            }
        }

        #[test]
        fn replaying_the_log_gives_the_same_ledger(keys in keys()) {
            let plan = plan();
            let mut ledger = Ledger::new(&plan);
            let log = press(&plan, &mut ledger, &keys);
            let again = Ledger::replay(&plan, &log).unwrap();
            prop_assert_eq!(view(&plan, &ledger), view(&plan, &again));
            prop_assert_eq!(ledger.last_done(), again.last_done());
            prop_assert_eq!(ledger.last_undone(), again.last_undone());
        }

        #[test]
        fn counts_equal_a_recount(keys in keys()) {
            let plan = plan();
            let mut ledger = Ledger::new(&plan);
            press(&plan, &mut ledger, &keys);
            let approved = plan.cells().filter(|c| ledger.verdict(&plan, *c) == Some(Verdict::Approve)).count();
            let open = ledger.undecided(&plan, plan.cells());
            prop_assert_eq!(usize::try_from(ledger.all().approved).unwrap(), approved);
            prop_assert_eq!(usize::try_from(ledger.all().plain()).unwrap(), open.plain.len());
            prop_assert_eq!(usize::try_from(ledger.all().stop).unwrap(), open.stop.len());
            let columns: u32 = (0..plan.width()).map(|p| ledger.property(p).left()).sum();
            prop_assert_eq!(columns, ledger.all().left());
        }
    }
}
