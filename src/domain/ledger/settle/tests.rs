use proptest::prelude::*;

use super::*;
use crate::domain::{
    flags::Flag,
    ledger::{How, Tally, Verdict, import},
    plan::{State, sample},
};

fn stamp() -> Stamp {
    Stamp { at: "2026-07-05T09:00:00Z".to_owned(), who: "Grace".to_owned() }
}

fn cell(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

/// 3 facilities by 3 properties; (0,0) is a STOP, (1,0) a REVIEW, (2,0) reads `(0?)`. Each check is the number of its property,
/// its id and what it says.
fn plan(checks: &[(u16, &str, &str)]) -> Plan {
    let mut plan = sample(3, 3, |draft| {
        draft.set(cell(2, 0), Some("61"), None, State::ZeroNotStored);
        draft.flag(cell(0, 0), Flag::new("S09", Severity::Stop, "-4"));
        draft.flag(cell(1, 0), Flag::new("S10", Severity::Review, "12.5"));
    });
    for (property, id, sentence) in checks {
        let severity = if id.starts_with('R') { Severity::Review } else { Severity::Stop };
        plan.head.checks.push(Check::of_property(id, severity, &format!("dhis_p{property}"), *sentence));
    }
    plan
}

fn approve(ledger: &mut Ledger, plan: &Plan, cells: &[Cell]) -> Result<Entry, String> {
    ledger.decide(plan, Act::Approve, cells.iter().copied(), Some("checked"), "some", &stamp())
}

#[test]
fn a_flag_an_open_stop_stands_for_asks_for_a_reason_until_it_is_settled() {
    let mut plan = sample(3, 2, |draft| {
        draft.flag(cell(0, 0), Flag::new("T1", Severity::Info, "10x"));
        draft.flag(cell(1, 0), Flag::new("S35", Severity::Info, "names"));
        draft.flag(cell(0, 1), Flag::new("T1", Severity::Info, "10x; accepted last quarter"));
    });
    plan.head.checks.push(Check::of_property("C4", Severity::Stop, "dhis_p0", "12 of 100"));
    let mut ledger = Ledger::new(&plan);
    let asks = |ledger: &Ledger| plan.cells().filter(|cell| ledger.asks_reason(&plan, *cell)).collect::<Vec<_>>();
    assert_eq!(asks(&ledger), [cell(0, 0)], "that one stands for T1, and for nothing else or elsewhere");
    let say = |ledger: &mut Ledger, act, at, reason| ledger.decide(&plan, act, [at], reason, "", &stamp()).map(drop);
    let why = say(&mut ledger, Act::Approve, cell(0, 0), Some("ok")).unwrap_err();
    assert_eq!(why, "an open STOP of the property asks for a reason of at least 3 characters");
    for at in [cell(1, 0), cell(0, 1)] {
        say(&mut ledger, Act::Approve, at, None).unwrap();
    }
    say(&mut ledger, Act::Approve, cell(0, 0), Some("seen the register")).unwrap();
    say(&mut ledger, Act::Reject, cell(0, 0), None).unwrap();
    ledger.settle(&plan, 0, "new form", &stamp()).unwrap();
    assert_eq!(asks(&ledger), []);
    say(&mut ledger, Act::Approve, cell(0, 0), None).unwrap();
}

#[test]
fn a_property_with_an_open_stop_takes_no_bulk_approval() {
    let plan = plan(&[(0, "R1", "look"), (0, "C5", "4.1x"), (1, "R1", "look")]);
    let mut ledger = Ledger::new(&plan);
    assert_eq!(ledger.blocked(&plan), [true, false, false]);
    let open = ledger.undecided(&plan, plan.cells());
    assert_eq!((open.blocked.as_slice(), open.stop.as_slice()), (&[cell(1, 0)][..], &[cell(0, 0)][..]));
    assert_eq!((open.plain.len(), open.review.len(), open.clone().all().len()), (6, 0, 8), "none is lost");
    assert_eq!(ledger.undecided_zeros(&plan, plan.cells()).blocked, [cell(2, 0)]);
    let why = approve(&mut ledger, &plan, &[cell(1, 0), cell(1, 1)]).unwrap_err();
    assert_eq!(why, "dhis_p0 has an open STOP (C5): until it is settled its values are approved one at a time");
    assert_eq!(ledger.all().decided(), 0);
    approve(&mut ledger, &plan, &[cell(1, 0)]).unwrap();
    approve(&mut ledger, &plan, &[cell(0, 0)]).unwrap();
    ledger.decide(&plan, Act::Zero, [cell(2, 0)], None, "", &stamp()).unwrap();
    approve(&mut ledger, &plan, &[cell(1, 1), cell(1, 2)]).unwrap();
    ledger.decide(&plan, Act::Clear, plan.cells(), None, "", &stamp()).unwrap();
    ledger.decide(&plan, Act::Reject, plan.cells(), None, "", &stamp()).unwrap();
    assert_eq!(ledger.all().rejected, 8, "to keep old values is no approval");
}

#[test]
fn it_is_settled_once_with_a_reason_and_taken_back_like_a_decision() {
    let plan = plan(&[(0, "C5", "4.1x"), (0, "C6", "all equal"), (1, "R1", "look")]);
    let mut ledger = Ledger::new(&plan);
    for reason in ["", " ok ", "é"] {
        assert!(ledger.settle(&plan, 0, reason, &stamp()).unwrap_err().contains("at least 3 characters"));
    }
    assert!(ledger.settle(&plan, 1, "checked", &stamp()).unwrap_err().contains("dhis_p1 has no STOP"));
    let entry = ledger.settle(&plan, 0, " new form ", &stamp()).unwrap();
    let statements = vec!["C5: 4.1x".to_owned(), "C6: all equal".to_owned()];
    assert_eq!(entry.step, Step::Settle { property: 0, statements, reason: "new form".to_owned() });
    assert!(ledger.settle(&plan, 0, "again", &stamp()).unwrap_err().contains("settled already"));
    let check = plan.checks(0).next().unwrap();
    let settled = ledger.settled(0, check).unwrap();
    assert_eq!((settled.reason.as_str(), settled.who.as_str()), ("new form", "Grace"));
    assert_eq!(ledger.last_done().unwrap(), "settled C5, C6 of dhis_p0");
    assert_eq!(ledger.first_cells(), (None, None));
    let bulk = approve(&mut ledger, &plan, &[cell(1, 0), cell(1, 1)]).unwrap();
    let mut log = vec![entry, bulk];
    for _ in 0..2 {
        log.push(ledger.undo(&plan, &stamp()).unwrap());
    }
    assert_eq!(ledger.blocks(&plan, 0), Some(check));
    assert!(approve(&mut ledger, &plan, &[cell(1, 0), cell(1, 1)]).is_err());
    for _ in 0..2 {
        log.push(ledger.redo(&plan, &stamp()).unwrap());
    }
    let again = Ledger::replay(&plan, &log).unwrap();
    assert_eq!((again.blocks(&plan, 0), again.all().approved), (None, 2));
    assert_eq!(again.settled(0, check), ledger.settled(0, check));
}

#[test]
fn what_was_not_written_is_not_settled() {
    let plan = plan(&[(0, "C5", "4.1x")]);
    let mut ledger = Ledger::new(&plan);
    let entry = ledger.settle(&plan, 0, "new form", &stamp()).unwrap();
    assert!(ledger.take_back_last(&plan, entry.seq));
    assert!(ledger.blocks(&plan, 0).is_some() && ledger.last_done().is_none());
    assert_eq!(ledger.settle(&plan, 0, "new form", &stamp()).unwrap(), entry);
}

#[test]
fn what_reads_otherwise_is_open_again_and_what_comes_back_is_not() {
    let (first, second) = (plan(&[(0, "C5", "4.1x")]), plan(&[(0, "C5", "4.2x"), (0, "C6", "all equal")]));
    let mut ledger = Ledger::new(&first);
    let mut log = vec![ledger.settle(&first, 0, "new form", &stamp()).unwrap()];
    ledger = Ledger::replay(&second, &log).unwrap();
    assert_eq!(ledger.open_stops(&second, 0).count(), 2);
    log.push(ledger.settle(&second, 0, "and more", &stamp()).unwrap());
    assert_eq!(ledger.blocks(&second, 0), None);
    let now = plan(&[(0, "C5", "4.1x"), (0, "C6", "all equal")]);
    ledger = Ledger::replay(&now, &log).unwrap();
    let reasons: Vec<_> = now.checks(0).map(|check| ledger.settled(0, check).unwrap().reason.as_str()).collect();
    assert_eq!(reasons, ["new form", "and more"]);
    ledger.undo(&now, &stamp()).unwrap();
    assert_eq!(ledger.blocks(&now, 0).unwrap().id, "C6");
}

#[test]
fn a_bulk_approval_made_before_the_stop_was_known_is_forgotten() {
    let (first, second) = (plan(&[(1, "C6", "all equal")]), plan(&[(0, "C5", "4.1x"), (1, "C6", "all equal")]));
    let mut ledger = Ledger::new(&first);
    let mut log = vec![
        approve(&mut ledger, &first, &[cell(0, 0)]).unwrap(),
        approve(&mut ledger, &first, &[cell(1, 0), cell(1, 2), cell(2, 2)]).unwrap(),
        ledger.settle(&first, 1, "so it is", &stamp()).unwrap(),
        approve(&mut ledger, &first, &[cell(0, 1), cell(1, 1)]).unwrap(),
        ledger.decide(&first, Act::Reject, [cell(0, 2), cell(2, 1)], None, "", &stamp()).unwrap(),
    ];
    let reset = ledger.reset(&log, &first, &second, &stamp()).unwrap();
    let Step::Reset(cells) = &reset.step else { panic!("{reset:?}") };
    assert_eq!(cells.iter().map(|one| one.cell).collect::<Vec<_>>(), [cell(1, 0)], "and nothing else");
    assert!(Ledger::replay(&second, &log).unwrap_err().contains("dhis_p0 has an open STOP"));
    log.push(reset);
    let again = Ledger::replay(&second, &log).unwrap();
    assert_eq!(again.verdict(&second, cell(1, 0)), None);
    assert_eq!(again.all(), Tally { changes: 8, approved: 5, rejected: 2, review: 1, maybe: 1, ..Tally::default() });
    assert_eq!(again.reset(&log, &second, &second, &stamp()), None, "once");
}

#[test]
fn an_approval_under_a_settlement_taken_back_stands_in_no_later_reading() {
    let plan = plan(&[(0, "C5", "4.1x")]);
    let mut ledger = Ledger::new(&plan);
    let mut log = vec![ledger.settle(&plan, 0, "new form", &stamp()).unwrap()];
    log.push(ledger.undo(&plan, &stamp()).unwrap());
    assert_eq!(ledger.reset(&log, &plan, &plan, &stamp()), None);
    log.push(ledger.redo(&plan, &stamp()).unwrap());
    log.push(approve(&mut ledger, &plan, &[cell(1, 0), cell(1, 1)]).unwrap());
    assert_eq!(ledger.reset(&log, &plan, &plan, &stamp()), None, "settled as it reads now");
    let decide = log.remove(3);
    log.push(Entry { seq: 4, at: String::new(), who: String::new(), step: Step::Undo(1) });
    log.push(Entry { seq: 5, ..decide });
    assert!(Ledger::replay(&plan, &log).unwrap_err().contains("entry 5 of the decision log approves"));
}

#[test]
fn a_settlement_no_person_could_have_made_is_refused() {
    let plan = plan(&[(0, "C5", "4.1x")]);
    let entry = |seq, property, statements: &[&str], reason: &str| {
        let (statements, reason) = (statements.iter().map(|text| (*text).to_owned()).collect(), reason.to_owned());
        Entry { seq, at: String::new(), who: String::new(), step: Step::Settle { property, statements, reason } }
    };
    let good = || entry(1, 0, &["C5: 4.1x"], "new form");
    for (log, what) in [
        (vec![entry(1, 9, &["C5: 4.1x"], "new form")], "entry 1 of the decision log names a property"),
        (vec![entry(1, 0, &[], "new form")], "settles nothing of dhis_p0"),
        (vec![entry(1, 0, &["C5: 4.1x"], "ok")], "settles dhis_p0 without a reason"),
        (vec![good(), entry(2, 0, &["C5: 4.1x"], "again")], "entry 2 of the decision log settles nothing"),
        (vec![good(), entry(1, 1, &["C5: 4.1x"], "again")], "out of order"),
    ] {
        let error = Ledger::replay(&plan, &log).unwrap_err();
        assert!(error.contains(what) && error.contains("damaged or was edited"), "{error}");
    }
    assert_eq!(Ledger::replay(&plan, &[good()]).unwrap().blocks(&plan, 0), None);
    let other = [good(), entry(2, 0, &["no id"], "again"), entry(3, 1, &["C5: 4.1x"], "again")];
    let again = Ledger::replay(&plan, &other).unwrap();
    assert_eq!((again.blocks(&plan, 0), again.last_done().unwrap()), (None, "settled C5 of dhis_p1".to_owned()));
}

#[derive(Clone, Debug)]
enum Key {
    Settle(u16, bool),
    Decide(Act, Vec<(u32, u16)>, bool),
    Undo,
    Redo,
}

fn keys() -> impl Strategy<Value = Vec<Key>> {
    let act = prop_oneof![3 => Just(Act::Approve), 1 => Just(Act::Zero), 1 => Just(Act::Reject), 1 => Just(Act::Clear)];
    let decide = (act, prop::collection::vec((0..3_u32, 0..3_u16), 1..4), any::<bool>())
        .prop_map(|(act, cells, reason)| Key::Decide(act, cells, reason));
    let settle = (0..3_u16, prop::bool::weighted(0.8)).prop_map(|(property, reason)| Key::Settle(property, reason));
    prop::collection::vec(prop_oneof![4 => decide, 2 => settle, 2 => Just(Key::Undo), 1 => Just(Key::Redo)], 0..25)
}

/// Checks of a reading: up to three, some of which read as in another reading.
fn checks() -> impl Strategy<Value = Vec<(u16, &'static str, &'static str)>> {
    let one = (0..3_u16, prop_oneof![Just("C5"), Just("C6"), Just("R1")], prop_oneof![Just("4.1x"), Just("4.2x")]);
    prop::collection::vec(one, 0..4)
}

fn press(plan: &Plan, ledger: &mut Ledger, key: &Key) -> Result<Entry, String> {
    match key {
        Key::Settle(property, reason) => {
            ledger.settle(plan, *property, if *reason { "because" } else { "no" }, &stamp())
        }
        Key::Decide(act, cells, reason) => {
            let cells = cells.iter().map(|(f, p)| cell(*f, *p));
            ledger.decide(plan, *act, cells, reason.then_some("because"), "some", &stamp())
        }
        Key::Undo => ledger.undo(plan, &stamp()),
        Key::Redo => ledger.redo(plan, &stamp()),
    }
}

fn verdicts(plan: &Plan, ledger: &Ledger) -> Vec<Option<Verdict>> {
    plan.cells().map(|cell| ledger.verdict(plan, cell)).collect()
}

/// What is settled and decided, the plain way: each state is kept, and undo goes back to the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Moment {
    settled: BTreeSet<u16>,
    said: BTreeMap<Cell, Verdict>,
}

#[derive(Default)]
struct Model {
    now: Moment,
    before: Vec<Moment>,
    after: Vec<Moment>,
}

impl Model {
    /// Whether the key did something.
    fn press(&mut self, plan: &Plan, key: &Key) -> bool {
        let stop = |property: u16| plan.checks(property).any(|check| check.severity == Severity::Stop);
        let mut next = self.now.clone();
        match key {
            Key::Undo => {
                let Some(before) = self.before.pop() else { return false };
                self.after.push(std::mem::replace(&mut self.now, before));
                return true;
            }
            Key::Redo => {
                let Some(after) = self.after.pop() else { return false };
                self.before.push(std::mem::replace(&mut self.now, after));
                return true;
            }
            Key::Settle(property, reason) => {
                if !reason || !stop(*property) || !next.settled.insert(*property) {
                    return false;
                }
            }
            Key::Decide(act, cells, reason) => {
                let cells: BTreeSet<Cell> = cells.iter().map(|(f, p)| cell(*f, *p)).collect();
                let said = |at: &Cell| self.now.said.get(at).copied();
                let cells: Vec<Cell> =
                    cells.into_iter().filter(|at| act.fits(plan, *at) && said(at) != act.verdict()).collect();
                let own = cells.iter().any(|at| plan.severity(*at) == Some(Severity::Stop));
                let column = cells.iter().any(|at| stop(at.property) && !self.now.settled.contains(&at.property));
                let refused = (own && (cells.len() > 1 || !reason)) || (column && cells.len() > 1);
                if cells.is_empty() || (act.writes() && refused) {
                    return false;
                }
                for at in cells {
                    match act.verdict() {
                        Some(verdict) => _ = next.said.insert(at, verdict),
                        None => _ = next.said.remove(&at),
                    }
                }
            }
        }
        self.after.clear();
        self.before.push(std::mem::replace(&mut self.now, next));
        true
    }
}

proptest! {
    #[test]
    fn it_does_what_the_plain_model_does_and_so_does_its_log(keys in keys(), checks in checks()) {
        let plan = plan(&checks);
        let (mut ledger, mut model, mut log) = (Ledger::new(&plan), Model::default(), Vec::new());
        for key in &keys {
            let entry = press(&plan, &mut ledger, key);
            prop_assert_eq!(entry.is_ok(), model.press(&plan, key), "{:?} {:?}", key, entry);
            log.extend(entry);
            let stops = |at: u16| plan.checks(at).any(|check| check.severity == Severity::Stop);
            let blocked: Vec<bool> = (0..3).map(|at| stops(at) && !model.now.settled.contains(&at)).collect();
            let said: Vec<_> = plan.cells().map(|at| model.now.said.get(&at).copied()).collect();
            let again = Ledger::replay(&plan, &log).unwrap();
            for ledger in [&ledger, &again] {
                prop_assert_eq!(ledger.blocked(&plan), blocked.clone());
                prop_assert_eq!(verdicts(&plan, ledger), said.clone());
            }
            prop_assert_eq!(&ledger.settled, &again.settled);
            prop_assert_eq!((ledger.last_done(), ledger.last_undone()), (again.last_done(), again.last_undone()));
        }
        while ledger.undo(&plan, &stamp()).is_ok() {}
        prop_assert_eq!((ledger.settled.len(), ledger.all().decided()), (0, 0));
    }

    #[test]
    fn through_all_readings_no_bulk_approval_stands_where_a_stop_was_open(
        readings in prop::collection::vec((checks(), keys(), import::tests::rows()), 1..5),
    ) {
        let (mut log, mut before): (Vec<Entry>, Option<Plan>) = (Vec::new(), None);
        for (checks, keys, mut rows) in readings {
            let now = plan(&checks);
            if let Some(before) = &before {
                let ledger = Ledger::replay(before, &log).unwrap();
                log.extend(ledger.reset(&log, before, &now, &stamp()));
            }
            // Whatever was settled or not, and taken back or not, the log is one a person made.
            let mut ledger = Ledger::replay(&now, &log).unwrap();
            log.extend(keys.iter().filter_map(|key| press(&now, &mut ledger, key).ok()));
            rows.retain(|row| row.cell.facility < now.height());
            log.extend(import::tests::import(&now, &mut ledger, &rows));
            let again = Ledger::replay(&now, &log).unwrap();
            prop_assert_eq!(verdicts(&now, &ledger), verdicts(&now, &again));
            prop_assert_eq!(&ledger.settled, &again.settled);
            for done in &ledger.done {
                let What::Decided { how, cells, .. } = &done.what else { continue };
                let blocked = ledger.blocked(&now);
                let act = match how {
                    How::All(act, _) => act,
                    How::Each(said) => {
                        // Nor does a row of an import without a reason of its own.
                        for (at, (act, reason)) in cells.iter().zip(said) {
                            prop_assert!(!act.writes() || !blocked[usize::from(at.property)] || reason.is_some());
                        }
                        continue;
                    }
                };
                let open = cells.iter().filter(|at| blocked[usize::from(at.property)]);
                let count = log.iter().find(|entry| entry.seq == done.seq).map_or(0, |entry| match &entry.step {
                    Step::Decide { cells, .. } => cells.len(),
                    _ => 0,
                });
                prop_assert!(!act.writes() || count < 2 || open.count() == 0, "{:?}", done);
            }
            before = Some(now);
        }
    }
}
