//! What holds of every ledger, whatever was decided.

use super::*;
use crate::domain::{
    flags::Flag,
    plan::{State, sample},
};
use proptest::prelude::*;

fn stamp() -> Stamp {
    Stamp { at: "2026-07-05T09:00:00Z".to_owned(), who: "Grace".to_owned() }
}

/// 4 facilities by 3 properties: everything changes but the last column, which is the same, holds 0 where (0?) is read in
/// (2,2), and is to be chosen in (3,2); (0,0) is a STOP, (1,0) a REVIEW.
fn plan() -> Plan {
    sample(4, 3, |draft| {
        for facility in 0..4 {
            draft.set(Cell { facility, property: 2 }, Some("5"), Some("5.0"), State::Reported);
        }
        draft.set(cell(2, 2), Some("0.0"), None, State::ZeroNotStored);
        draft.set(cell(3, 2), Some("61"), None, State::ZeroNotStored);
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
    assert_eq!(ledger.all(), Tally { changes: 8, stop: 1, review: 1, maybe: 1, ..Tally::default() });
    let open = ledger.undecided(&plan, plan.row(0).chain(plan.row(1)));
    assert_eq!((open.plain.len(), open.review.len(), open.stop.len()), (2, 1, 1));
    ledger.decide(&plan, Act::Approve, open.plain, None, "2 in A", &stamp()).unwrap();
    ledger.decide(&plan, Act::Reject, [cell(0, 0)], None, "a", &stamp()).unwrap();
    assert_eq!(ledger.all(), Tally { changes: 8, approved: 2, rejected: 1, review: 1, maybe: 1, ..Tally::default() });
    assert_eq!(ledger.facility(0), Tally { changes: 2, approved: 1, rejected: 1, ..Tally::default() });
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
        ledger.decide(&plan, Act::Approve, [cell(0, 2), cell(1, 2)], None, "a", &stamp()).unwrap_err(),
        "nothing to decide here"
    );
    // Where several stand together the one that could be decided in another way says so.
    for (act, cells, why) in [
        (Act::Approve, [cell(0, 2), cell(3, 2)], "it reads (0?)"),
        (Act::Zero, [cell(0, 2), cell(0, 1)], "DHIS2 holds a number here"),
        (Act::Reject, [cell(0, 2), cell(2, 2)], "the case holds 0 already"),
    ] {
        let error = ledger.decide(&plan, act, cells, None, "a", &stamp()).unwrap_err();
        assert!(error.starts_with(why), "{error}");
    }
    assert_eq!(ledger.decide(&plan, Act::Clear, plan.row(2), None, "a", &stamp()).unwrap_err(), "already undecided");
    assert_eq!(ledger.undo(&plan, &stamp()).unwrap_err(), "nothing to undo");
    assert_eq!(ledger.redo(&plan, &stamp()).unwrap_err(), "nothing to redo");
}

#[test]
fn a_zero_is_chosen_on_its_own_and_counted_apart() {
    let plan = plan();
    let mut ledger = Ledger::new(&plan);
    let maybe = cell(3, 2);
    let approve = ledger.decide(&plan, Act::Approve, [maybe], None, "a", &stamp()).unwrap_err();
    assert!(approve.contains("0 writes 0") && approve.contains("r keeps"), "{approve}");
    ledger.decide(&plan, Act::Approve, plan.row(3), None, "a", &stamp()).unwrap();
    assert_eq!(ledger.verdict(&plan, maybe), None, "bulk leaves it alone");
    for (cells, why) in [(vec![cell(0, 1)], "holds a number"), (vec![cell(2, 2)], "holds 0 already")] {
        let error = ledger.decide(&plan, Act::Zero, cells, None, "a", &stamp()).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    ledger.decide(&plan, Act::Zero, plan.cells(), None, "a", &stamp()).unwrap();
    let counts = |ledger: &Ledger| {
        let all = ledger.all();
        (all.maybe, all.zeros, all.kept, all.maybe_left(), all.approved, all.left(), ledger.unsent())
    };
    assert_eq!((ledger.verdict(&plan, maybe), counts(&ledger)), (Some(Verdict::Zero), (1, 1, 0, 0, 2, 6, 3)));
    assert_eq!(ledger.to_send(&plan).collect::<Vec<_>>(), [cell(3, 0), cell(3, 1), maybe]);
    ledger.decide(&plan, Act::Reject, [maybe], None, "a", &stamp()).unwrap();
    assert_eq!(counts(&ledger), (1, 0, 1, 0, 2, 6, 2));
    ledger.undo(&plan, &stamp()).unwrap();
    assert_eq!(ledger.verdict(&plan, maybe), Some(Verdict::Zero));
    ledger.set_sent([maybe]);
    assert_eq!(counts(&ledger), (1, 1, 0, 0, 2, 6, 2), "what is sent stays approved");
    ledger.set_sent([]);
    ledger.decide(&plan, Act::Clear, [maybe], None, "a", &stamp()).unwrap();
    assert_eq!(counts(&ledger), (1, 0, 0, 1, 2, 6, 2));
}

#[test]
fn a_zero_with_a_stop_takes_a_reason_too() {
    let plan = sample(1, 2, |draft| {
        for property in 0..2 {
            draft.set(cell(0, property), Some("61"), None, State::ZeroNotStored);
        }
        draft.flag(cell(0, 0), Flag::new("S34", Severity::Stop, "the case is closed"));
    });
    let mut ledger = Ledger::new(&plan);
    let open = ledger.undecided_zeros(&plan, plan.cells());
    assert_eq!((open.plain, open.stop), (vec![cell(0, 1)], vec![cell(0, 0)]));
    let mut zero = |cells: &[Cell], reason| {
        ledger.decide(&plan, Act::Zero, cells.iter().copied(), reason, "a", &stamp()).map(|_| ())
    };
    assert!(zero(&[cell(0, 0)], None).unwrap_err().contains("reason"));
    assert!(zero(&[cell(0, 0), cell(0, 1)], Some("checked")).unwrap_err().contains("one at a time"));
    zero(&[cell(0, 0)], Some("checked")).unwrap();
}

#[test]
fn what_was_sent_stands() {
    let plan = plan();
    let mut ledger = Ledger::new(&plan);
    ledger.decide(&plan, Act::Approve, [cell(2, 0)], None, "a", &stamp()).unwrap();
    ledger.set_sent([cell(2, 0)]);
    assert_eq!(ledger.to_send(&plan).count(), 0);
    assert!(ledger.undo(&plan, &stamp()).unwrap_err().contains("already sent"));
    assert!(ledger.decide(&plan, Act::Reject, [cell(2, 0)], None, "a", &stamp()).unwrap_err().contains("already sent"));
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
        (Act::Approve, vec![cell(3, 2)], None, "dhis_p2 of Facility 3"),
        (Act::Zero, vec![cell(2, 2)], None, "dhis_p2 of Facility 2"),
        (Act::Zero, vec![cell(2, 1)], None, "dhis_p1 of Facility 2"),
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
    Import(Vec<Row>),
    Undo,
    Redo,
    Sent(Vec<(u32, u16)>),
}

fn keys() -> impl Strategy<Value = Vec<Key>> {
    let act = prop_oneof![Just(Act::Approve), Just(Act::Zero), Just(Act::Reject), Just(Act::Clear)];
    let decide = (act, prop::collection::vec((0..4_u32, 0..3_u16), 1..8), any::<bool>())
        .prop_map(|(act, cells, reason)| Key::Decide(act, cells, reason));
    let import = import::tests::rows().prop_map(Key::Import);
    prop::collection::vec(prop_oneof![4 => decide, 2 => import, 2 => Just(Key::Undo), 1 => Just(Key::Redo)], 0..40)
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
            Key::Import(rows) => import::tests::import(plan, ledger, rows),
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
        let zeros = plan.cells().filter(|c| ledger.verdict(&plan, *c) == Some(Verdict::Zero)).count();
        prop_assert_eq!(usize::try_from(ledger.all().approved).unwrap(), approved);
        prop_assert_eq!(usize::try_from(ledger.all().zeros).unwrap(), zeros);
        prop_assert_eq!(usize::try_from(ledger.all().to_write()).unwrap(), ledger.to_send(&plan).count());
        let maybe = ledger.undecided_zeros(&plan, plan.cells()).all().len();
        prop_assert_eq!(usize::try_from(ledger.all().maybe_left()).unwrap(), maybe);
        prop_assert_eq!(usize::try_from(ledger.all().plain()).unwrap(), open.plain.len());
        prop_assert_eq!(usize::try_from(ledger.all().stop).unwrap(), open.stop.len());
        let columns: u32 = (0..plan.width()).map(|p| ledger.property(p).left()).sum();
        prop_assert_eq!(columns, ledger.all().left());
    }
}
