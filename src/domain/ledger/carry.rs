//! From one reading to the next: which decisions stand, and which are reset because what they were made on moved
//! (review-ux.md rule 5). A reset is written into the log as an entry of its own, so that no later reading and no undo brings
//! back what it took away, even where a value moves there and back.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, How, Ledger, Row, Stamp, Step, Verdict, What, import, is_reason, resets, settle::Standing};
use crate::domain::{
    flags::Severity,
    plan::{Cell, Kind, Plan},
};

/// A cell whose decisions are forgotten, with what they were made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// Which cell.
    pub cell: Cell,
    /// What stood; `None` where it was undecided and only the way back would have led to a decision.
    pub said: Option<Verdict>,
    /// The old value then.
    pub old: Option<String>,
    /// The value that would have been written then; see [`Plan::offer`].
    pub new: Option<String>,
}

impl Ledger {
    /// The entry that forgets what was decided on values that `now`, the next reading in the same places, does not hold any
    /// more; `None` where nothing moved. `entries` are the log of this ledger, which is on `before`. Among what is forgotten are
    /// the decisions on what has become a STOP, unless it was approved alone and with a reason; and of bulk approvals the cells of
    /// a property that has become one, unless what it says now was settled before. A row of an import is alone, and its reason its own
    /// where no other facility has the same.
    pub fn reset(&self, entries: &[Entry], before: &Plan, now: &Plan, stamp: &Stamp) -> Option<Entry> {
        let last = resets(entries);
        let mut moved = BTreeMap::new();
        let mut standing = Standing::default();
        for entry in entries {
            standing.follow(entry);
            let stands = |cell: &Cell| last.get(cell).is_none_or(|reset| *reset < entry.seq);
            let mut look = |cell: Cell, unfit: bool| {
                if unfit || !is_same(before, now, cell) {
                    moved.entry(cell).or_insert_with(|| self.forgotten(before, cell));
                }
            };
            match &entry.step {
                Step::Decide { act, cells, reason, .. } => {
                    let blocked = if act.writes() && cells.len() > 1 { standing.blocked(now) } else { Vec::new() };
                    let blocked = |cell: &Cell| blocked.get(usize::from(cell.property)).copied().unwrap_or(false);
                    let as_stop = !act.writes() || (cells.len() == 1 && is_reason(reason.as_deref()));
                    for cell in cells.iter().filter(|cell| stands(cell)) {
                        let stop = now.severity(*cell) == Some(Severity::Stop) && !as_stop;
                        look(*cell, stop || blocked(cell));
                    }
                }
                Step::Import { rows, .. } => {
                    let left: Vec<&Row> = rows.iter().filter(|row| stands(&row.cell)).collect();
                    let unfit = import::unreasoned(now, &standing.blocked(now), &left, &[]);
                    for row in left {
                        look(row.cell, unfit.contains_key(&row.cell));
                    }
                }
                Step::Undo(_) | Step::Redo(_) | Step::Settle { .. } | Step::Note { .. } | Step::Reset(_) => {}
            }
        }
        let (at, who) = (stamp.at.clone(), stamp.who.clone());
        let step = Step::Reset(moved.values().cloned().collect());
        (!moved.is_empty()).then(|| Entry { seq: self.last + 1, at, who, step })
    }

    /// Forgets the approval of those of these cells that are approved: what they were approved on is not so any more (fault matrix
    /// section 6), or their approval was spent on a form that HQ took and that did not last. `None` where there is none. They are
    /// undecided then in the plan they were decided on, and no undo brings the approval back; a later reading still knows of it, see
    /// [`Ledger::held`].
    pub fn forget(&mut self, plan: &Plan, cells: impl IntoIterator<Item = Cell>, stamp: &Stamp) -> Option<Entry> {
        let approved: BTreeSet<Cell> =
            cells.into_iter().filter(|cell| self.verdict(plan, *cell).is_some_and(Verdict::writes)).collect();
        if approved.is_empty() {
            return None;
        }
        let resets = approved.iter().map(|cell| self.forgotten(plan, *cell)).collect();
        self.set(plan, approved.iter().map(|cell| (*cell, None)));
        for cell in &approved {
            self.reasons.remove(cell);
            self.sent_approved -= usize::from(self.sent.contains(cell));
        }
        for done in [&mut self.done, &mut self.undone] {
            done.retain_mut(|done| match &mut done.what {
                What::Settled(_) | What::Noted { .. } => true,
                What::Decided { how, cells, before, reasons } => {
                    let mut stays = cells.iter().map(|cell| !approved.contains(cell));
                    before.retain(|_| stays.next().unwrap_or(true));
                    if let How::Each(said) = how {
                        let mut stays = cells.iter().map(|cell| !approved.contains(cell));
                        said.retain(|_| stays.next().unwrap_or(true));
                    }
                    cells.retain(|cell| !approved.contains(cell));
                    reasons.retain(|(cell, _)| !approved.contains(cell));
                    !cells.is_empty()
                }
            });
        }
        self.held.extend(approved);
        self.mark_sent();
        self.newest = None;
        self.last += 1;
        Some(self.entry(Step::Reset(resets), stamp))
    }

    fn forgotten(&self, before: &Plan, cell: Cell) -> Reset {
        let text = |value: Option<&str>| value.map(str::to_owned);
        let (old, new) = (text(before.old(cell)), text(before.offer(cell)));
        Reset { cell, said: self.verdict(before, cell), old, new }
    }
}

/// Whether a cell asks for the same decision on the same two values.
fn is_same(before: &Plan, now: &Plan, cell: Cell) -> bool {
    let asks = |plan: &Plan| (plan.kind(cell) == Kind::Change, plan.may_be_zero(cell));
    (before.old(cell), before.offer(cell), asks(before)) == (now.old(cell), now.offer(cell), asks(now))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        flags::Flag,
        ledger::Act,
        plan::{State, sample},
    };

    fn stamp() -> Stamp {
        Stamp { at: String::new(), who: String::new() }
    }

    fn cell(facility: u32, property: u16) -> Cell {
        Cell { facility, property }
    }

    /// What became of a cell in a later reading.
    #[derive(Clone, Copy, Debug)]
    enum Change {
        Old,
        New,
        /// `(0?)` became a reported 0, and a number `(0?)`.
        Turned,
        Gone,
        Stop,
    }

    /// 4 facilities by 3 properties; the last column reads `(0?)`.
    fn plan(changes: &[(u32, u16, Change)]) -> Plan {
        sample(4, 3, |draft| {
            for facility in 0..4 {
                draft.set(cell(facility, 2), Some("61"), None, State::ZeroNotStored);
            }
            for (facility, property, change) in changes {
                let at = cell(*facility, *property);
                let plan = draft.plan();
                let own = |text: Option<&str>| text.map(str::to_owned);
                let (old, held, state) = (own(plan.old(at)), own(plan.held(at)), plan.state(at));
                let (old, held, state) = match change {
                    Change::Old => (Some("7".to_owned()), held, state),
                    Change::New => (old, Some("9999".to_owned()), State::Reported),
                    Change::Turned if *property == 2 => (old, Some("0".to_owned()), State::ReportedZero),
                    Change::Turned => (old, None, State::ZeroNotStored),
                    Change::Gone => (old, None, State::NotReported),
                    Change::Stop => (old, held, state),
                };
                draft.set(at, old.as_deref(), held.as_deref(), state);
                if matches!(change, Change::Stop) {
                    draft.flag(at, Flag::new("S34", Severity::Stop, "the case is closed"));
                }
            }
        })
    }

    fn changes() -> impl Strategy<Value = Vec<(u32, u16, Change)>> {
        let kind = prop_oneof![
            Just(Change::Old),
            Just(Change::New),
            Just(Change::Turned),
            Just(Change::Gone),
            Just(Change::Stop)
        ];
        prop::collection::vec((0..4_u32, 0..3_u16, kind), 0..6)
    }

    #[derive(Clone, Debug)]
    enum Key {
        Decide(Act, Vec<(u32, u16)>, bool),
        Import(Vec<Row>),
        Undo,
        Redo,
    }

    fn keys() -> impl Strategy<Value = Vec<Key>> {
        let act = prop_oneof![Just(Act::Approve), Just(Act::Zero), Just(Act::Reject), Just(Act::Clear)];
        let decide = (act, prop::collection::vec((0..4_u32, 0..3_u16), 1..8), any::<bool>())
            .prop_map(|(act, cells, reason)| Key::Decide(act, cells, reason));
        let import = import::tests::rows().prop_map(Key::Import);
        prop::collection::vec(prop_oneof![4 => decide, 2 => import, 2 => Just(Key::Undo), 1 => Just(Key::Redo)], 0..20)
    }

    fn press(plan: &Plan, ledger: &mut Ledger, keys: &[Key], log: &mut Vec<Entry>) {
        for key in keys {
            log.extend(match key {
                Key::Decide(act, cells, reason) => {
                    let cells = cells.iter().map(|(f, p)| cell(*f, *p));
                    ledger.decide(plan, *act, cells, reason.then_some("because"), "some", &stamp())
                }
                Key::Import(rows) => import::tests::import(plan, ledger, rows),
                Key::Undo => ledger.undo(plan, &stamp()),
                Key::Redo => ledger.redo(plan, &stamp()),
            });
        }
    }

    fn verdicts(plan: &Plan, ledger: &Ledger) -> BTreeMap<Cell, Verdict> {
        plan.cells().filter_map(|cell| Some((cell, ledger.verdict(plan, cell)?))).collect()
    }

    /// What a decision rests on.
    fn basis(plan: &Plan, cell: Cell) -> (Option<&str>, Option<&str>, Kind, bool) {
        (plan.old(cell), plan.offer(cell), plan.kind(cell), plan.may_be_zero(cell))
    }

    proptest! {
        #[test]
        fn exactly_the_decisions_on_identical_cells_stand(keys in keys(), changes in changes()) {
            let (first, second) = (plan(&[]), plan(&changes));
            let (mut ledger, mut log) = (Ledger::new(&first), Vec::new());
            press(&first, &mut ledger, &keys, &mut log);
            let reset = ledger.reset(&log, &first, &second, &stamp());
            log.extend(reset.clone());
            let again = Ledger::replay(&second, &log).unwrap();
            let said = verdicts(&first, &ledger);
            let stands = |at: &Cell| basis(&first, *at) == basis(&second, *at);
            let stop = |at: &Cell| second.severity(*at) == Some(Severity::Stop);
            let expected: BTreeMap<Cell, Verdict> = said
                .iter()
                .filter(|(at, _)| stands(at) && !stop(at))
                .map(|(at, verdict)| (*at, *verdict))
                .collect();
            let mut found = verdicts(&second, &again);
            for at in found.keys().copied().filter(stop).collect::<Vec<_>>() {
                // What stands on a STOP could have been said on it.
                prop_assert!(stands(&at) && said.get(&at) == found.get(&at));
                prop_assert!(!found[&at].writes() || again.reason(at).is_some());
                found.remove(&at);
            }
            prop_assert_eq!(&found, &expected);
            // What is forgotten is told, with the values it was said on.
            if let Some(Entry { step: Step::Reset(cells), .. }) = &reset {
                for one in cells {
                    prop_assert_eq!(one.said, said.get(&one.cell).copied());
                    prop_assert_eq!((one.old.as_deref(), one.new.as_deref()), (first.old(one.cell), first.offer(one.cell)));
                }
            }
            let told: BTreeSet<Cell> = match reset {
                Some(Entry { step: Step::Reset(cells), .. }) => cells.into_iter().map(|one| one.cell).collect(),
                _ => BTreeSet::new(),
            };
            prop_assert!(said.keys().all(|at| told.contains(at) != again.verdict(&second, *at).is_some()));
        }

        #[test]
        fn what_is_forgotten_is_as_if_the_log_were_read_again(
            parts in prop::collection::vec((keys(), prop::collection::vec((0..4_u32, 0..3_u16), 0..4)), 1..4),
        ) {
            let plan = plan(&[]);
            let (mut ledger, mut log) = (Ledger::new(&plan), Vec::new());
            for (keys, cells) in parts {
                press(&plan, &mut ledger, &keys, &mut log);
                let before = verdicts(&plan, &ledger);
                let cells: BTreeSet<Cell> = cells.into_iter().map(|(f, p)| cell(f, p)).collect();
                let entry = ledger.forget(&plan, cells.iter().copied(), &stamp());
                let approved = |at: &&Cell| before.get(at).is_some_and(|verdict| verdict.writes());
                prop_assert_eq!(entry.is_some(), cells.iter().any(|at| approved(&at)));
                log.extend(entry);
                let again = Ledger::replay(&plan, &log).unwrap();
                prop_assert_eq!(verdicts(&plan, &ledger), verdicts(&plan, &again));
                prop_assert_eq!((ledger.all(), ledger.last_done(), ledger.last_undone()),
                    (again.all(), again.last_done(), again.last_undone()));
                let held = |ledger: &Ledger| plan.cells().filter(|at| ledger.held(&plan, *at)).collect::<Vec<_>>();
                prop_assert_eq!(held(&ledger), held(&again));
                for at in cells.iter().filter(approved) {
                    prop_assert!(ledger.held(&plan, *at) && ledger.verdict(&plan, *at).is_none());
                }
                let mut taken = ledger.clone();
                while taken.undo(&plan, &stamp()).is_ok() {
                    prop_assert!(cells.iter().filter(approved).all(|at| taken.verdict(&plan, *at).is_none()));
                }
            }
        }

        #[test]
        fn nothing_brings_back_what_a_later_reading_reset(
            parts in prop::collection::vec((keys(), changes()), 1..4), last in keys(),
        ) {
            let (mut before, mut log) = (plan(&[]), Vec::new());
            let mut ledger = Ledger::new(&before);
            for (keys, changes) in parts.into_iter().chain([(last, Vec::new())]) {
                press(&before, &mut ledger, &keys, &mut log);
                // The same ledger comes out of the log, and so do the ways back.
                let again = Ledger::replay(&before, &log).unwrap();
                prop_assert_eq!(verdicts(&before, &ledger), verdicts(&before, &again));
                prop_assert_eq!((ledger.all(), ledger.last_done()), (again.all(), again.last_done()));
                let now = plan(&changes);
                log.extend(ledger.reset(&log, &before, &now, &stamp()));
                ledger = Ledger::replay(&now, &log).unwrap();
                let mut taken = ledger.clone();
                while taken.undo(&now, &stamp()).is_ok() {
                    for (at, verdict) in verdicts(&now, &taken) {
                        prop_assert!(ledger.done.iter().any(|done| done.cells().contains(&at)));
                        prop_assert!(verdict != Verdict::Zero || now.may_be_zero(at));
                        prop_assert!(basis(&before, at) == basis(&now, at), "{at:?} was decided on other values");
                    }
                }
                prop_assert_eq!(verdicts(&now, &taken), BTreeMap::new());
                before = now;
            }
        }
    }

    #[test]
    fn a_value_that_moves_there_and_back_is_decided_again() {
        let (first, second, third) = (plan(&[]), plan(&[(1, 0, Change::New)]), plan(&[]));
        let (mut ledger, mut log) = (Ledger::new(&first), Vec::new());
        press(&first, &mut ledger, &[Key::Decide(Act::Approve, vec![(1, 0), (2, 0)], false)], &mut log);
        log.extend(ledger.reset(&log, &first, &second, &stamp()));
        ledger = Ledger::replay(&second, &log).unwrap();
        log.extend(ledger.reset(&log, &second, &third, &stamp()));
        ledger = Ledger::replay(&third, &log).unwrap();
        assert_eq!(verdicts(&third, &ledger), BTreeMap::from([(cell(2, 0), Verdict::Approve)]));
    }
}
