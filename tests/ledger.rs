//! Whatever is decided, noted, settled, taken back and done again: it is what a plain model says, undoing all of it gives back the
//! start, the log gives the same ledger, and every count is the recount. `PROPTEST_CASES` sets how many sequences are tried.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use onse::{
    domain::{
        flags::{Check, Flag, Severity},
        ledger::{Act, Entry, LONGEST_NOTE, Ledger, Stamp, Step, Tally, Verdict},
        plan::{Cell, Draft, Facility, Head, Kind, Plan, Property, State},
        quarter::Quarter,
    },
    io::store::{Store, Used},
};
use proptest::{collection::vec, prelude::*};

const FACILITIES: u32 = 5;
const PROPERTIES: u16 = 4;

fn stamp() -> Stamp {
    Stamp { at: "2026-07-05T09:00:00Z".to_owned(), who: "Grace".to_owned() }
}

fn cell(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

fn draft(facilities: u32, properties: u16) -> Draft {
    let head = Head { generation: 1, ..Head::of(Quarter::parse("2026Q2").unwrap()) };
    let facility = |n: u32| Facility {
        case_id: format!("case{n}"),
        name: format!("Facility {n}"),
        external_id: format!("ou{n:09}"),
        ..Facility::default()
    };
    let property = |n: u16| Property {
        name: format!("dhis_p{n}"),
        data_element: format!("de{n:09}"),
        data_set: "ds000000001".to_owned(),
        ..Property::default()
    };
    let facilities = (0..facilities).map(facility).collect();
    let mut draft = Plan::draft(head, facilities, (0..properties).map(property).collect());
    for cell in draft.plan().cells().collect::<Vec<_>>() {
        draft.set(cell, Some("10"), Some("11"), State::Reported);
    }
    draft
}

/// Changes with and without flags, cells that read `(0?)`, same values and missing ones; the first property has an open STOP.
fn plan() -> Plan {
    let mut draft = draft(FACILITIES, PROPERTIES);
    draft.set(cell(0, 2), Some("61"), None, State::ZeroNotStored);
    draft.set(cell(1, 2), Some("61"), None, State::ZeroNotStored);
    draft.set(cell(2, 2), Some("5"), Some("5.0"), State::Reported);
    draft.set(cell(3, 2), Some("5"), None, State::NotReported);
    draft.flag(cell(0, 1), Flag::new("T1", Severity::Stop, "11x the usual"));
    draft.flag(cell(1, 2), Flag::new("S34", Severity::Stop, "the case is closed"));
    draft.flag(cell(1, 1), Flag::new("S10", Severity::Review, "12.5"));
    draft.flag(cell(1, 3), Flag::new("T3", Severity::Info, "new"));
    let mut plan = draft.finish();
    plan.head.checks.push(Check::of_property("C5", Severity::Stop, "dhis_p0", "whole column is 4.1x"));
    plan
}

#[derive(Clone, Debug)]
enum Key {
    Decide(Act, Vec<Cell>, bool),
    Note(Vec<Cell>, &'static str),
    Settle(u16, bool),
    Undo,
    Redo,
}

fn cells() -> impl Strategy<Value = Vec<Cell>> {
    vec((0..FACILITIES, 0..PROPERTIES).prop_map(|(facility, property)| cell(facility, property)), 1..8)
}

fn keys() -> impl Strategy<Value = Vec<Key>> {
    let act = prop_oneof![3 => Just(Act::Approve), 1 => Just(Act::Zero), 2 => Just(Act::Reject), 1 => Just(Act::Clear)];
    let decide = (act, cells(), any::<bool>()).prop_map(|(act, cells, reason)| Key::Decide(act, cells, reason));
    let text = prop_oneof![Just("hold"), Just("asked the district"), Just(""), Just("  ")];
    let note = (cells(), text).prop_map(|(cells, text)| Key::Note(cells, text));
    let settle = (0..PROPERTIES, any::<bool>()).prop_map(|(property, reason)| Key::Settle(property, reason));
    vec(prop_oneof![4 => decide, 3 => note, 1 => settle, 3 => Just(Key::Undo), 2 => Just(Key::Redo)], 0..40)
}

fn press(plan: &Plan, ledger: &mut Ledger, key: &Key) -> Result<Entry, String> {
    match key {
        Key::Decide(act, cells, reason) => {
            ledger.decide(plan, *act, cells.iter().copied(), reason.then_some("because"), "some", &stamp())
        }
        Key::Note(cells, text) => ledger.put_note(plan, cells.iter().copied(), text, "some", &stamp()),
        Key::Settle(property, reason) => {
            ledger.settle(plan, *property, if *reason { "because" } else { "no" }, &stamp())
        }
        Key::Undo => ledger.undo(plan, &stamp()),
        Key::Redo => ledger.redo(plan, &stamp()),
    }
}

/// All that can be seen of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    said: BTreeMap<Cell, (Option<Verdict>, Option<String>)>,
    notes: BTreeMap<Cell, String>,
    blocked: Vec<bool>,
    counts: Vec<Tally>,
}

fn seen(plan: &Plan, ledger: &Ledger) -> Seen {
    let said = |cell: Cell| (ledger.verdict(plan, cell), ledger.reason(cell).map(str::to_owned));
    let facilities = (0..plan.height()).map(|facility| ledger.facility(facility));
    let properties = (0..plan.width()).map(|property| ledger.property(property));
    let notes: BTreeMap<Cell, String> = ledger.notes().map(|(cell, note)| (cell, note.to_owned())).collect();
    assert!(plan.cells().all(|cell| ledger.note(cell) == notes.get(&cell).map(String::as_str)));
    Seen {
        said: plan.cells().map(|cell| (cell, said(cell))).filter(|(_, said)| *said != (None, None)).collect(),
        notes,
        blocked: ledger.blocked(plan),
        counts: [ledger.all()].into_iter().chain(facilities).chain(properties).collect(),
    }
}

/// The counts of these cells, one after the other.
fn recount(plan: &Plan, ledger: &Ledger, cells: impl Iterator<Item = Cell>) -> Tally {
    let mut tally = Tally::default();
    for cell in cells {
        let verdict = ledger.verdict(plan, cell);
        if plan.kind(cell) == Kind::Change {
            tally.changes += 1;
            match (verdict, plan.severity(cell)) {
                (Some(Verdict::Approve), _) => tally.approved += 1,
                (Some(_), _) => tally.rejected += 1,
                (None, Some(Severity::Stop)) => tally.stop += 1,
                (None, Some(Severity::Review)) => tally.review += 1,
                (None, _) => {}
            }
        } else if plan.may_be_zero(cell) {
            tally.maybe += 1;
            tally.zeros += u32::from(verdict == Some(Verdict::Zero));
            tally.kept += u32::from(verdict == Some(Verdict::Reject));
        }
    }
    tally
}

fn recounted(plan: &Plan, ledger: &Ledger) -> Vec<Tally> {
    let facilities = (0..plan.height()).map(|facility| recount(plan, ledger, plan.row(facility)));
    let properties = (0..plan.width()).map(|property| recount(plan, ledger, plan.column(property)));
    [recount(plan, ledger, plan.cells())].into_iter().chain(facilities).chain(properties).collect()
}

/// What a note does, the plain way; `None` where it changes nothing.
fn noted(plan: &Plan, before: &Seen, cells: &[Cell], text: &str) -> Option<BTreeMap<Cell, String>> {
    let mut notes = before.notes.clone();
    for cell in cells {
        if text.trim().is_empty() {
            notes.remove(cell);
        } else if Act::Reject.fits(plan, *cell) {
            notes.insert(*cell, text.to_owned());
        }
    }
    (notes != before.notes).then_some(notes)
}

proptest! {
    #[test]
    fn it_is_what_was_seen_before_and_what_the_log_says(keys in keys()) {
        let plan = plan();
        let (mut ledger, mut log) = (Ledger::new(&plan), Vec::new());
        // What was seen before each thing that can be taken back, and after each that can be done again.
        let (mut before, mut after): (Vec<Seen>, Vec<Seen>) = (Vec::new(), Vec::new());
        let start = seen(&plan, &ledger);
        for key in &keys {
            let was = seen(&plan, &ledger);
            let entry = press(&plan, &mut ledger, key);
            let now = seen(&plan, &ledger);
            if entry.is_err() {
                prop_assert_eq!(&was, &now, "what is refused does nothing: {:?}", key);
                prop_assert!(!matches!(key, Key::Undo) || before.is_empty());
                prop_assert!(!matches!(key, Key::Redo) || after.is_empty());
            } else {
                match key {
                    Key::Undo => {
                        let expected = before.pop();
                        prop_assert_eq!(Some(&now), expected.as_ref());
                        after.push(was.clone());
                    }
                    Key::Redo => {
                        let expected = after.pop();
                        prop_assert_eq!(Some(&now), expected.as_ref());
                        before.push(was.clone());
                    }
                    _ => {
                        prop_assert!(was != now, "an entry does something: {:?}", key);
                        before.push(was.clone());
                        after.clear();
                    }
                }
            }
            match key {
                Key::Note(cells, text) => {
                    let expected = noted(&plan, &was, cells, text);
                    prop_assert_eq!(entry.is_ok(), expected.is_some());
                    let counted = Seen { notes: expected.unwrap_or_else(|| was.notes.clone()), ..was };
                    prop_assert_eq!(&now, &counted, "and nothing but notes changes");
                }
                Key::Decide(..) | Key::Settle(..) => prop_assert_eq!(&now.notes, &was.notes),
                Key::Undo | Key::Redo => {}
            }
            prop_assert_eq!(&now.counts, &recounted(&plan, &ledger));
            log.extend(entry);
            let again = Ledger::replay(&plan, &log).unwrap();
            prop_assert_eq!(&now, &seen(&plan, &again));
            prop_assert_eq!((ledger.last_done(), ledger.last_undone()), (again.last_done(), again.last_undone()));
            prop_assert_eq!(ledger.first_cells(), again.first_cells());
        }
        let (end, mut steps) = (seen(&plan, &ledger), 0);
        while ledger.undo(&plan, &stamp()).is_ok() {
            steps += 1;
        }
        prop_assert_eq!(&start, &seen(&plan, &ledger), "undoing everything gives back the start");
        for _ in 0..steps {
            ledger.redo(&plan, &stamp()).unwrap();
        }
        prop_assert_eq!(&end, &seen(&plan, &ledger), "and doing it again the end");
    }

    #[test]
    fn a_note_stays_with_its_cell_when_values_move(keys in keys(), moved in cells()) {
        let (first, moved) = (plan(), moved.into_iter().collect::<BTreeSet<_>>());
        let second = {
            let mut draft = draft(FACILITIES, PROPERTIES);
            for cell in &moved {
                draft.set(*cell, Some("7"), None, State::NotReported);
            }
            draft.finish()
        };
        let (mut ledger, mut log) = (Ledger::new(&first), Vec::new());
        for key in &keys {
            log.extend(press(&first, &mut ledger, key));
        }
        let notes = seen(&first, &ledger).notes;
        log.extend(ledger.reset(&log, &first, &second, &stamp()));
        let mut again = Ledger::replay(&second, &log).unwrap();
        prop_assert_eq!(&seen(&second, &again).notes, &notes);
        // Each can be taken away, also where there is nothing to decide any more.
        if !notes.is_empty() {
            again.put_note(&second, notes.keys().copied(), "", "all", &stamp()).unwrap();
        }
        prop_assert_eq!(again.notes().count(), 0);
        // A note among the things before a reset is taken back as it was made.
        while again.undo(&second, &stamp()).is_ok() {}
        prop_assert_eq!(seen(&second, &again).notes, BTreeMap::new());
    }

    #[test]
    fn forgetting_an_approval_keeps_notes_and_the_log_true(keys in keys(), taken in cells(), more in keys()) {
        let plan = plan();
        let (mut ledger, mut log) = (Ledger::new(&plan), Vec::new());
        for key in &keys {
            log.extend(press(&plan, &mut ledger, key));
        }
        let notes = seen(&plan, &ledger).notes;
        log.extend(ledger.forget(&plan, taken, &stamp()));
        prop_assert_eq!(&seen(&plan, &ledger).notes, &notes);
        for key in &more {
            log.extend(press(&plan, &mut ledger, key));
            let again = Ledger::replay(&plan, &log).unwrap();
            prop_assert_eq!(seen(&plan, &ledger), seen(&plan, &again));
        }
    }
}

#[test]
fn a_note_too_long_or_on_nothing_is_refused() {
    let plan = plan();
    let mut ledger = Ledger::new(&plan);
    let long = "é".repeat(LONGEST_NOTE + 1);
    let why = ledger.put_note(&plan, [cell(0, 0)], &long, "a", &stamp()).unwrap_err();
    assert_eq!(why, "a note has at most 200 characters, this one has 201");
    ledger.put_note(&plan, [cell(0, 0)], &long[2..], "a", &stamp()).unwrap();
    let why = ledger.put_note(&plan, [cell(2, 2), cell(3, 2)], "hold", "a", &stamp()).unwrap_err();
    assert_eq!(why, "a note is on a change or on a cell that reads (0?)");
    ledger.put_note(&plan, [cell(0, 2), cell(2, 2)], "hold", "a", &stamp()).unwrap();
    assert_eq!(ledger.notes().map(|(cell, _)| cell).collect::<Vec<_>>(), [cell(0, 0), cell(0, 2)]);
    // It is not in the way of what was sent.
    ledger.set_sent([cell(0, 2)]);
    ledger.undo(&plan, &stamp()).unwrap();
    ledger.put_note(&plan, [cell(0, 2)], "sent in May", "a", &stamp()).unwrap();
}

#[test]
fn a_note_no_person_could_have_left_is_refused() {
    let plan = plan();
    let replay = |cells: &[Cell], text: &str| {
        let step = Step::Note { cells: cells.to_vec(), text: text.to_owned(), label: String::new() };
        Ledger::replay(&plan, &[Entry { seq: 1, at: String::new(), who: String::new(), step }])
    };
    for (cells, text, what) in [
        (vec![], "hold", "is a note on nothing"),
        (vec![cell(0, 9)], "hold", "names a cell that does not exist"),
        (vec![cell(1, 0), cell(0, 0)], "hold", "twice or out of order"),
        (vec![cell(1, 0)], " hold", "is a note that could not be written"),
        (vec![cell(1, 0)], &"x".repeat(201), "is a note that could not be written"),
    ] {
        let why = replay(&cells, text).unwrap_err();
        assert!(why.contains(what) && why.contains("entry 1 ") && why.contains("edited"), "{why}");
    }
    assert_eq!(replay(&[cell(1, 0)], "hold").unwrap().note(cell(1, 0)), Some("hold"));
}

/// What a person does to an open review.
type Press = fn(&Plan, &mut Ledger) -> Entry;

/// Rule 2 of review-ux.md: 20,000 cells are taken back by one key, and done again, each time by a program started anew.
#[tokio::test]
async fn a_decision_of_any_size_is_undone_and_done_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    let used = Used {
        profile: "demo".to_owned(),
        chunk_size: 100,
        form_xmlns: String::new(),
        stamp_property: None,
        submit_user_id: String::new(),
    };
    let store = Store::create(&path).unwrap();
    store.save_plan(Arc::new(draft(1_000, 20).finish()), used, Vec::new(), Vec::new()).await.unwrap();
    store.close();
    let steps: [(Press, u32, usize); 4] = [
        (|plan, ledger| ledger.decide(plan, Act::Approve, plan.cells(), None, "20,000", &stamp()).unwrap(), 20_000, 0),
        (|plan, ledger| ledger.put_note(plan, plan.cells(), "as agreed", "20,000", &stamp()).unwrap(), 20_000, 20_000),
        (|plan, ledger| ledger.undo(plan, &stamp()).unwrap(), 20_000, 0),
        (|plan, ledger| ledger.undo(plan, &stamp()).unwrap(), 0, 0),
    ];
    let again: [(Press, u32, usize); 2] = [
        (|plan, ledger| ledger.redo(plan, &stamp()).unwrap(), 20_000, 0),
        (|plan, ledger| ledger.redo(plan, &stamp()).unwrap(), 20_000, 20_000),
    ];
    for (press, approved, notes) in steps.into_iter().chain(again) {
        let store = Store::open(&path).unwrap();
        let loaded = store.load().await.unwrap();
        let mut ledger = Ledger::replay(&loaded.plan, &loaded.entries).unwrap();
        let entry = press(&loaded.plan, &mut ledger);
        assert_eq!(entry.seq, u64::try_from(loaded.entries.len()).unwrap() + 1, "one row of the log");
        store.append(entry, Arc::new(loaded.plan)).await.unwrap();
        store.close();
        let loaded = Store::read_only(&path).unwrap();
        let ledger = Ledger::replay(&loaded.plan, &loaded.entries).unwrap();
        assert_eq!((ledger.all().approved, ledger.notes().count()), (approved, notes));
    }
}
