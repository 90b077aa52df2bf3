//! A second reading in one review file, and zeros that DHIS2 may not have stored, as whole jobs against the sandbox.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use std::{path::Path, sync::Arc};

use onse::{
    domain::{
        finer::Choice,
        flags::{Flag, Severity},
        ledger::{Act, Ledger, Verdict},
        outcome::Outcome,
        plan::{Cell, Draft, Kind, Plan, State},
        quarter::Quarter,
        total::Part,
    },
    io::store::{FacilityParts, Store},
    job::{
        export::View,
        session::{Opened, Session},
    },
    sandbox::Sandbox,
};
use support::{ORIGIN, approve, ask, connect, read, sandbox, session, submit, used};

/// The plan again, read a day later, with changes.
fn later(plan: &Plan, change: impl FnOnce(&mut Draft)) -> Plan {
    let mut head = plan.head.clone();
    "2026-07-06T09:41:00Z".clone_into(&mut head.read_at);
    let mut draft = Plan::draft(head, plan.facilities().to_vec(), plan.properties().to_vec());
    for cell in plan.cells() {
        draft.set(cell, plan.old(cell), plan.held(cell), plan.state(cell));
        for flag in plan.flags(cell) {
            draft.flag(cell, flag.clone());
        }
    }
    change(&mut draft);
    draft.finish()
}

/// What a cell holds and asks for.
fn set(draft: &mut Draft, cell: Cell, held: Option<&str>, state: State) {
    let old = draft.plan().old(cell).map(str::to_owned);
    draft.set(cell, old.as_deref(), held, state);
}

/// A review of a sandbox of which `count` changes without a flag are approved.
async fn approved(sandbox: &Sandbox, folder: &Path, count: usize) -> (Session, Opened, Vec<Cell>) {
    let session = session(folder, connect(sandbox.transport(ORIGIN)));
    let mut opened = read(&session, &ask(&[])).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let free = opened.ledger.undecided(&plan, plan.cells()).plain;
    let cells: Vec<Cell> = free.into_iter().step_by(3).take(count).collect();
    assert_eq!(cells.len(), count);
    approve(&session, &plan, &mut opened.ledger, cells.clone()).await;
    (session, opened, cells)
}

fn verdicts(opened: &Opened) -> Vec<(Cell, Verdict)> {
    let (plan, ledger) = (&opened.plan, &opened.ledger);
    plan.cells().filter_map(|cell| Some((cell, ledger.verdict(plan, cell)?))).collect()
}

/// The value a case of the sandbox has now.
fn now(sandbox: &Sandbox, plan: &Plan, cell: Cell) -> Option<String> {
    let case = sandbox.case(&plan.facility(cell.facility).case_id).unwrap();
    case.properties.get(plan.property(cell.property).name.as_str()).cloned()
}

/// A review with five cells that read `(0?)`, whose cases hold another number than 0.
async fn with_zeros(sandbox: &Sandbox, folder: &Path) -> (Session, Opened, Vec<Cell>) {
    let session = session(folder, connect(sandbox.transport(ORIGIN)));
    let opened = read(&session, &ask(&[])).await.unwrap();
    let plan = &opened.plan;
    let zeros = opened.ledger.undecided_zeros(plan, plan.cells()).plain.into_iter();
    let zeros: Vec<Cell> = zeros.filter(|cell| plan.old(*cell).is_some_and(|old| !old.is_empty())).take(5).collect();
    assert_eq!(zeros.len(), 5, "the sandbox has such cells");
    (session, opened, zeros)
}

#[tokio::test]
async fn an_approved_zero_is_written_and_read_back() {
    let sandbox = sandbox(60);
    let folder = tempfile::tempdir().unwrap();
    let (session, mut opened, zeros) = with_zeros(&sandbox, folder.path()).await;
    let plan = Arc::clone(&opened.plan);
    let before: Vec<_> = zeros.iter().map(|cell| now(&sandbox, &plan, *cell)).collect();
    let change = opened.ledger.undecided(&plan, plan.cells()).plain[0];
    approve(&session, &plan, &mut opened.ledger, vec![change]).await;
    for (act, cells) in [(Act::Zero, &zeros[..3]), (Act::Reject, &zeros[3..4])] {
        let cells = cells.iter().copied();
        let entry = opened.ledger.decide(&plan, act, cells, None, "zeros", &session.stamp()).unwrap();
        session.record(entry, &plan).await.unwrap();
    }
    let opened = session.open().await.unwrap();
    let all = opened.ledger.all();
    assert_eq!((all.zeros, all.kept, all.maybe_left(), all.approved), (3, 1, all.maybe - 4, 1));
    assert_eq!(opened.ledger.to_send(&plan).count(), 4);
    let check = session.check(&plan, &opened.ledger).await.unwrap();
    assert_eq!(check.changes, 4);
    assert!(check.lines.iter().any(|(_, line)| line.starts_with("3 write 0 where DHIS2")), "{check:?}");
    let forms = session.forms_now("x").await.unwrap();
    let name = &plan.property(zeros[0].property).name;
    assert!(String::from_utf8(forms.concat()).unwrap().contains(&format!("<{name}>0</{name}>")));
    let sent = submit(&session).await.unwrap();
    assert!(sent.all_applied() && sent.applied == 4, "{sent:?}");
    let held: Vec<_> = zeros.iter().map(|cell| now(&sandbox, &plan, *cell)).collect();
    let zero = Some("0".to_owned());
    let expected = [zero.clone(), zero.clone(), zero, before[3].clone(), before[4].clone()];
    assert_eq!(held, expected, "kept and undecided cells keep their value");
    let again = session.open().await.unwrap();
    assert_eq!((again.ledger.sent(), again.ledger.unsent()), (4, 0));
    assert!(again.forms.iter().flat_map(|form| &form.seen).all(|seen| seen.outcome == Outcome::Applied));
    exported(&again, &zeros);
}

/// What scripts and people read of zeros.
fn exported(opened: &Opened, zeros: &[Cell]) {
    let Opened { plan, ledger, forms, .. } = opened;
    let parts = std::collections::BTreeMap::new();
    let history = std::collections::BTreeMap::new();
    let view = View { review: "", plan, ledger, forms, parts: &parts, history: &history, cells: zeros };
    let (mut json, mut table) = (Vec::new(), Vec::new());
    view.json(&mut json).unwrap();
    view.table(&mut table).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let cells = json["facilities"].as_array().unwrap().iter().flat_map(|one| one["cells"].as_array().unwrap());
    let said: Vec<_> =
        cells.map(|cell| (cell["verdict"].clone(), cell["new"].clone(), cell["state"].clone())).collect();
    let of = |verdict: Option<&str>, new: Option<&str>| (verdict.into(), new.into(), "ZERO_NOT_STORED".into());
    let zero = of(Some("zero"), Some("0"));
    assert_eq!(said, [zero.clone(), zero.clone(), zero, of(Some("reject"), None), of(None, None)]);
    let counts = &json["counts"];
    assert_eq!(
        (&counts["zeros"], &counts["zeros_kept"], &counts["may_be_zero"]),
        (&3.into(), &1.into(), &ledger.all().maybe.into())
    );
    let table = String::from_utf8(table).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[1].ends_with("APPLIED") && lines[1].contains(" zero "), "{table}");
    assert!(lines[5].contains("(0?)") && lines[5].ends_with("undecided"), "{table}");
}

#[tokio::test]
async fn a_zero_whose_case_moved_is_held() {
    let sandbox = sandbox(60);
    let folder = tempfile::tempdir().unwrap();
    let (session, mut opened, zeros) = with_zeros(&sandbox, folder.path()).await;
    let plan = Arc::clone(&opened.plan);
    let cells = zeros.iter().copied();
    let entry = opened.ledger.decide(&plan, Act::Zero, cells, None, "zeros", &session.stamp()).unwrap();
    session.record(entry, &plan).await.unwrap();
    let write = |cell: Cell, value: &str| {
        sandbox.set_property(&plan.facility(cell.facility).case_id, &plan.property(cell.property).name, value)
    };
    assert!(write(zeros[0], "424242") && write(zeros[1], "0"));
    let sent = submit(&session).await.unwrap();
    assert_eq!((sent.applied, sent.held.len(), sent.elsewhere.len()), (3, 1, 1));
    assert_eq!(now(&sandbox, &plan, zeros[0]).as_deref(), Some("424242"));
}

#[tokio::test]
async fn decisions_on_values_that_did_not_move_are_carried_and_the_others_told() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let (session, opened, cells) = approved(&sandbox, folder.path(), 9).await;
    let plan = later(&opened.plan, |draft| {
        set(draft, cells[1], Some("777777"), State::Reported);
        set(draft, cells[2], None, State::NotReported);
        let (old, held) =
            (draft.plan().held(cells[3]).map(str::to_owned), draft.plan().held(cells[3]).map(str::to_owned));
        draft.set(cells[3], old.as_deref(), held.as_deref(), State::Reported);
        draft.flag(cells[4], Flag::new("S34", Severity::Stop, "the case is closed"));
    });
    let next = session.next_generation(&plan, Vec::new(), Vec::new()).await.unwrap();
    assert_eq!((next.plan.head.generation, next.plan.head.read_at.as_str()), (2, "2026-07-06T09:41:00Z"));
    let kept: Vec<_> =
        [cells[0]].into_iter().chain(cells[5..].iter().copied()).map(|c| (c, Verdict::Approve)).collect();
    assert_eq!(verdicts(&next), kept);
    let told: Vec<Cell> = next.reset.iter().map(|one| one.cell).collect();
    assert_eq!(told, cells[1..5]);
    for one in &next.reset {
        let (old, new) = (opened.plan.old(one.cell), opened.plan.offer(one.cell));
        assert_eq!((one.said, one.old.as_deref(), one.new.as_deref()), (Some(Verdict::Approve), old, new));
    }
    // Undo takes back the rest of that decision, and nothing of what was reset.
    let mut ledger = next.ledger.clone();
    session.record(ledger.undo(&next.plan, &session.stamp()).unwrap(), &next.plan).await.unwrap();
    session.record(ledger.redo(&next.plan, &session.stamp()).unwrap(), &next.plan).await.unwrap();
    assert_eq!(verdicts(&session.open().await.unwrap()), kept);
    // What is decided again is not told any more; what was decided before the reading is not to be written any more.
    let entry = ledger.decide(&next.plan, Act::Reject, [cells[1]], None, "one", &session.stamp()).unwrap();
    session.record(entry, &next.plan).await.unwrap();
    let again = session.open().await.unwrap();
    assert_eq!(again.reset.iter().map(|one| one.cell).collect::<Vec<_>>(), cells[2..5]);
    let mut stale = opened.ledger.clone();
    let entry = stale.undo(&opened.plan, &session.stamp()).unwrap();
    let error = format!("{:#}", session.record(entry, &opened.plan).await.unwrap_err());
    assert!(error.contains("read again meanwhile") && error.contains("nothing was decided"), "{error}");
}

#[tokio::test]
async fn what_is_in_a_form_stays_sent() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let (session, _, cells) = approved(&sandbox, folder.path(), 6).await;
    assert!(submit(&session).await.unwrap().all_applied());
    let before = session.open().await.unwrap();
    // CommCare holds what was sent now; DHIS2 has another number for one of them.
    assert!(sandbox.flatten_column(&before.plan.property(cells[2].property).name, "777777"));
    let plan = later(&before.plan, |draft| {
        for (at, cell) in cells.iter().enumerate() {
            let held = draft.plan().held(*cell).map(str::to_owned);
            let new = if at == 2 { Some("777777".to_owned()) } else { held.clone() };
            draft.set(*cell, held.as_deref(), new.as_deref(), State::Reported);
        }
    });
    let next = session.next_generation(&plan, Vec::new(), Vec::new()).await.unwrap();
    assert!(next.reset.is_empty(), "what was carried out is not to be decided again: {:?}", next.reset);
    let sent: Vec<Cell> = cells.iter().copied().filter(|cell| *cell != cells[2]).collect();
    assert_eq!(next.sent(), sent, "a number nobody saw is a new change");
    assert_eq!((next.ledger.to_send(&next.plan).count(), next.ledger.unsent()), (0, 0));
    let mut ledger = next.ledger.clone();
    approve(&session, &next.plan, &mut ledger, vec![cells[2]]).await;
    let sending = submit(&session).await.unwrap();
    assert_eq!((sending.forms.len(), sending.applied), (2, 6), "{sending:?}");
    assert_eq!(now(&sandbox, &next.plan, cells[2]).as_deref(), Some("777777"));
    assert_eq!(session.open().await.unwrap().sent(), cells);
}

#[tokio::test]
async fn everything_of_a_reading_is_kept_in_its_place() {
    let sandbox = sandbox(20);
    let folder = tempfile::tempdir().unwrap();
    let (session, opened, cells) = approved(&sandbox, folder.path(), 3).await;
    let before = Arc::clone(&opened.plan);
    let older = Quarter::parse("2025Q4").unwrap();
    // The same facilities in another order, as another run may list them.
    let turned: Vec<_> = before.facilities().iter().rev().cloned().collect();
    let mut head = before.head.clone();
    head.choices.insert("ds".to_owned(), Choice::LeaveOut);
    let mut draft = Plan::draft(head, turned, before.properties().to_vec());
    let place = |cell: Cell| Cell { facility: before.height() - 1 - cell.facility, ..cell };
    for cell in before.cells() {
        draft.set(place(cell), before.old(cell), before.held(cell), before.state(cell));
        for flag in before.flags(cell) {
            draft.flag(place(cell), flag.clone());
        }
    }
    let free = before.cells().find(|cell| before.kind(*cell) == Kind::Without).unwrap();
    draft.set(place(free), before.old(free), Some("214"), State::OlderQuarter);
    draft.set_quarter(place(free), older);
    let part = Part { data_element: "de".to_owned(), value: Some("214".to_owned()), ..Part::default() };
    let parts = FacilityParts { facility: place(free).facility, data_set: "ds".to_owned(), parts: vec![part.clone()] };
    let next = session.next_generation(&draft.finish(), vec![parts], Vec::new()).await.unwrap();
    let plan = &next.plan;
    assert_eq!(plan.facilities(), before.facilities());
    assert_eq!((plan.new_value(free), plan.quarter(free), plan.head.choices.len()), (Some("214"), older, 1));
    assert_eq!(verdicts(&next).len(), cells.len());
    session.close();
    let path = folder.path().join("2026Q2.review");
    let parts = Store::read_only_parts(&path, 2).unwrap();
    assert_eq!(parts.into_iter().collect::<Vec<_>>(), [((free.facility, "ds".to_owned()), vec![part])]);
    assert!(!Store::read_only_parts(&path, 1).unwrap().is_empty(), "the reading before is still there");
    // The quarter of a number is part of what was approved.
    let connection = rusqlite::Connection::open(&path).unwrap();
    let sql = "UPDATE cells SET cells = replace(cells, '2025Q4', '2025Q3') WHERE generation = 2 AND facility = ?1";
    assert_eq!(connection.execute(sql, [free.facility]).unwrap(), 1);
    drop(connection);
    assert!(format!("{:#}", Store::read_only(&path).unwrap_err()).contains("changed outside onse"));
}

#[tokio::test]
async fn a_plan_that_does_not_follow_changes_nothing() {
    let sandbox = sandbox(20);
    let folder = tempfile::tempdir().unwrap();
    let (session, opened, _) = approved(&sandbox, folder.path(), 3).await;
    let mut other = later(&opened.plan, |_| {});
    other.head.quarter = Quarter::parse("2026Q1").unwrap();
    let error = session.next_generation(&other, Vec::new(), Vec::new()).await.unwrap_err().to_string();
    assert!(error.contains("2026Q1") && error.contains("2026Q2") && error.contains("nothing was changed"), "{error}");
    let parts = FacilityParts { facility: 999, data_set: "ds".to_owned(), parts: Vec::new() };
    assert!(session.next_generation(&later(&opened.plan, |_| {}), vec![parts], Vec::new()).await.is_err());
    session.close();
    let store = Store::open(&folder.path().join("2026Q2.review")).unwrap();
    let third = Arc::new(later(&opened.plan, |_| {}));
    let error = format!("{:#}", store.save_plan(third, used(1), Vec::new(), Vec::new()).await.unwrap_err());
    assert!(error.contains("reading 1 does not follow reading 1"), "{error}");
    let loaded = store.load().await.unwrap();
    let ledger = Ledger::replay(&loaded.plan, &loaded.entries).unwrap();
    assert_eq!((loaded.plan.head.generation, ledger.all().approved), (1, 3));
}

/// A log of several readings that was changed by hand.
#[tokio::test]
async fn an_edited_log_of_two_readings_is_refused() {
    for (sql, words) in [
        ("DELETE FROM decision WHERE act = 'reset'", "other values"),
        ("UPDATE decision SET generation = 3 WHERE act = 'reset'", "reading 3"),
        ("UPDATE decision SET cells = '[[99999,0,null,null,null]]' WHERE act = 'reset'", "other values"),
        ("UPDATE decision SET cells = '[]' WHERE act = 'reset'", "other values"),
        ("UPDATE decision SET cells = 'x' WHERE act = 'reset'", "damaged"),
    ] {
        let sandbox = sandbox(20);
        let folder = tempfile::tempdir().unwrap();
        let (session, opened, cells) = approved(&sandbox, folder.path(), 3).await;
        let plan = later(&opened.plan, |draft| set(draft, cells[0], Some("777777"), State::Reported));
        assert_eq!(session.next_generation(&plan, Vec::new(), Vec::new()).await.unwrap().reset.len(), 1);
        session.close();
        let path = folder.path().join("2026Q2.review");
        let connection = rusqlite::Connection::open(&path).unwrap();
        assert_eq!(connection.execute(sql, []).unwrap(), 1, "{sql}");
        drop(connection);
        let error = match Store::read_only(&path) {
            Ok(loaded) => Ledger::replay(&loaded.plan, &loaded.entries).err().unwrap_or_default(),
            Err(error) => format!("{error:#}"),
        };
        assert!(error.contains(words) && error.contains("entry "), "{sql}: {error}");
    }
}
