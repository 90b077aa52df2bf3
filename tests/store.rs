//! The review file: what is written comes back, what is damaged is refused, and one process writes at a time.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

use std::{path::Path, sync::Arc};

use onse::{
    domain::{
        flags::{Check, Flag, Severity},
        ledger::{Act, Entry, Ledger, Stamp},
        outcome::Outcome,
        plan::{Cell, Facility, Head, Plan, Property, Skipped, State},
        quarter::Quarter,
        total::Part,
    },
    io::store::{FacilityParts, Form, FormCell, Seen, Store, Used},
};

fn cell(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

fn plan() -> Plan {
    let head = Head {
        quarter: Quarter::parse("2026Q2").unwrap(),
        project: "onse-demo".to_owned(),
        label: "SANDBOX".to_owned(),
        dhis2: "http://127.0.0.1/dhis2/api/".to_owned(),
        commcare: "http://127.0.0.1/".to_owned(),
        mapping: "built-in".to_owned(),
        mapping_rows: 21,
        case_type: "facility_supervision".to_owned(),
        read_at: "2026-07-05T09:41:00Z".to_owned(),
        generation: 1,
        scope: "whole project".to_owned(),
        mapping_problems: vec!["line 8: data set id is empty".to_owned()],
        notes: vec!["a \"note\"".to_owned()],
        ..Head::of(Quarter::parse("2026Q2").unwrap())
    };
    let facility = |n: u32| Facility {
        case_id: format!("case{n}"),
        name: format!("Zomba \u{1b}[31m \"{n}\""),
        external_id: format!("ou{n:09}"),
        closed: n == 2,
        unit_name: (n != 1).then(|| format!("Unit {n}")),
    };
    let property = |n: u16| Property {
        name: format!("dhis_p{n}"),
        data_element: format!("de{n:09}"),
        data_set: "ds000000001".to_owned(),
        line: 7,
        ..Property::default()
    };
    let mut draft = Plan::draft(head, (0..3).map(facility).collect(), (0..2).map(property).collect());
    draft.set(cell(0, 0), Some("28"), Some("31"), State::Reported);
    draft.set(cell(0, 1), None, Some("0"), State::ReportedZero);
    draft.set(cell(1, 0), Some("line\nbreak \\ \"quoted\" \u{7}"), Some("12 (est)\u{1b}"), State::NonNumeric);
    draft.set(cell(1, 1), Some(""), None, State::BlankInReport);
    draft.set(cell(2, 0), Some("5"), Some("5.0"), State::Reported);
    draft.set(cell(2, 1), Some("7"), None, State::FetchFailed);
    draft.flag(cell(0, 0), Flag::new("S09", Severity::Stop, "-4 in \"Male\""));
    draft.flag(cell(0, 0), Flag::new("S11", Severity::Review, "marked"));
    draft.skip(Skipped { case_id: "x".to_owned(), case_name: "Old".to_owned(), reason: "no external id".to_owned() });
    draft.name("coc00000001".to_owned(), "Male".to_owned());
    draft.finish()
}

fn used() -> Used {
    Used {
        profile: "demo".to_owned(),
        chunk_size: 1000,
        form_xmlns: "http://commcarehq.org/dhis2-import".to_owned(),
        stamp_property: Some("dhis2_last_imported".to_owned()),
        submit_user_id: String::new(),
    }
}

fn parts() -> Vec<FacilityParts> {
    let part = |element: &str, value: &str| Part {
        data_element: element.to_owned(),
        category_option_combo: "coc00000001".to_owned(),
        value: Some(value.to_owned()),
        comment: Some("checked \u{1b}".to_owned()),
        follow_up: true,
        ..Part::default()
    };
    let rows = vec![part("de000000000", "31"), part("de000000001", "0")];
    vec![FacilityParts { facility: 0, data_set: "ds000000001".to_owned(), parts: rows }]
}

async fn filled(path: &Path) -> (Store, Arc<Plan>) {
    let store = Store::create(path).unwrap();
    let plan = Arc::new(plan());
    store.save_plan(Arc::clone(&plan), used(), parts(), Vec::new()).await.unwrap();
    (store, plan)
}

fn stamp() -> Stamp {
    Stamp { at: "2026-07-05T10:00:00Z".to_owned(), who: "Grace".to_owned() }
}

#[tokio::test]
async fn a_plan_comes_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let (store, written) = filled(&folder.path().join("a b é.review")).await;
    let loaded = store.load().await.unwrap();
    assert_eq!(loaded.plan.head, written.head);
    assert_eq!(loaded.plan.facilities(), written.facilities());
    assert_eq!(loaded.plan.properties(), written.properties());
    assert_eq!(loaded.plan.skipped(), written.skipped());
    assert_eq!(loaded.plan.option_names(), written.option_names());
    assert_eq!(loaded.used, used());
    for cell in written.cells() {
        assert_eq!(loaded.plan.old(cell), written.old(cell), "{cell:?}");
        assert_eq!(loaded.plan.held(cell), written.held(cell), "{cell:?}");
        assert_eq!(loaded.plan.state(cell), written.state(cell), "{cell:?}");
        assert_eq!(loaded.plan.kind(cell), written.kind(cell), "{cell:?}");
        assert_eq!(loaded.plan.flags(cell), written.flags(cell), "{cell:?}");
    }
    let found = store.parts(1, 0, "ds000000001".to_owned(), "de000000001".to_owned()).await.unwrap();
    assert_eq!(found, parts()[0].parts[1..]);
    assert!(store.parts(1, 1, "ds000000001".to_owned(), "de000000001".to_owned()).await.unwrap().is_empty());
}

#[tokio::test]
async fn decisions_survive_leaving() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    let (store, plan) = filled(&path).await;
    let mut ledger = Ledger::new(&plan);
    let log = [
        ledger.decide(&plan, Act::Approve, [cell(0, 1)], None, "1 in Zomba", &stamp()).unwrap(),
        ledger.decide(&plan, Act::Approve, [cell(0, 0)], Some("checked by phone"), "p0", &stamp()).unwrap(),
        ledger.undo(&plan, &stamp()).unwrap(),
        ledger.redo(&plan, &stamp()).unwrap(),
        ledger.decide(&plan, Act::Reject, [cell(0, 1)], None, "1 in Zomba", &stamp()).unwrap(),
        ledger.decide(&plan, Act::Clear, [cell(0, 1)], None, "1 in Zomba", &stamp()).unwrap(),
    ];
    for entry in &log {
        store.append(entry.clone(), Arc::clone(&plan)).await.unwrap();
    }
    store.save_place("{\"screen\":2}".to_owned()).await.unwrap();
    store.close();
    let loaded = Store::read_only(&path).unwrap();
    assert_eq!(loaded.entries, log);
    assert_eq!(loaded.place.as_deref(), Some("{\"screen\":2}"));
    let again = Ledger::replay(&loaded.plan, &loaded.entries).unwrap();
    assert_eq!(again.all(), ledger.all());
    assert_eq!(again.reason(cell(0, 0)), Some("checked by phone"));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left, ["q.review"], "one file is left");
}

/// A closed review of the plan with a STOP of its second property, settled once.
async fn settled(path: &Path) -> (Plan, Ledger, Vec<Entry>) {
    let mut plan = plan();
    plan.head.checks.push(Check::of_property(
        "C5",
        Severity::Stop,
        "dhis_p1",
        "whole column is 4.1x \"the\" usual \u{1b}",
    ));
    let plan = Arc::new(plan);
    let store = Store::create(path).unwrap();
    store.save_plan(Arc::clone(&plan), used(), parts(), Vec::new()).await.unwrap();
    let mut ledger = Ledger::new(&plan);
    let log = vec![
        ledger.settle(&plan, 1, "counted in another way \u{1b}", &stamp()).unwrap(),
        ledger.decide(&plan, Act::Approve, [cell(0, 1)], None, "1 in Zomba", &stamp()).unwrap(),
        ledger.undo(&plan, &stamp()).unwrap(),
        ledger.undo(&plan, &stamp()).unwrap(),
        ledger.redo(&plan, &stamp()).unwrap(),
    ];
    for entry in &log {
        store.append(entry.clone(), Arc::clone(&plan)).await.unwrap();
    }
    store.close();
    (Arc::into_inner(plan).unwrap(), ledger, log)
}

#[tokio::test]
async fn what_was_settled_of_a_property_survives_leaving() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    let (plan, ledger, log) = settled(&path).await;
    let loaded = Store::read_only(&path).unwrap();
    assert_eq!(loaded.entries, log);
    let mut again = Ledger::replay(&loaded.plan, &loaded.entries).unwrap();
    let check = plan.checks(1).next().unwrap();
    assert_eq!(again.settled(1, check), ledger.settled(1, check));
    assert_eq!(again.settled(1, check).unwrap().who, "Grace");
    assert_eq!(again.blocks(&loaded.plan, 1), None);
    assert_eq!(again.last_undone().unwrap(), "approved 1 in Zomba");
    again.undo(&loaded.plan, &stamp()).unwrap();
    assert_eq!(again.blocks(&loaded.plan, 1), Some(check), "one key, across restarts");
}

#[tokio::test]
async fn a_settlement_changed_by_hand_is_refused_with_its_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    for (sql, words) in [
        ("UPDATE decision SET cells = 'x' WHERE seq = 1", "damaged"),
        ("UPDATE decision SET cells = '[]' WHERE seq = 1", "damaged"),
        ("UPDATE decision SET cells = '{\"property\":1}' WHERE seq = 1", "damaged"),
        ("UPDATE decision SET cells = '{\"property\":1,\"statements\":[]}' WHERE seq = 1", "other words"),
        ("UPDATE decision SET cells = replace(cells, '}', ',\"more\":1}') WHERE seq = 1", "damaged"),
        ("UPDATE decision SET cells = replace(cells, 'property\":1', 'property\":-1') WHERE seq = 1", "damaged"),
        ("UPDATE decision SET cells = replace(cells, 'property\":1', 'property\":7') WHERE seq = 1", "does not exist"),
        ("UPDATE decision SET cells = replace(cells, 'property\":1', 'property\":0') WHERE seq = 1", "other words"),
        ("UPDATE decision SET cells = replace(cells, '4.1x', '1.0x') WHERE seq = 1", "other words"),
        ("UPDATE decision SET reason = NULL WHERE seq = 1", "damaged"),
        ("UPDATE decision SET reason = ' ok ' WHERE seq = 1", "of the trail"),
        ("UPDATE decision SET act = 'unsettle' WHERE seq = 1", "damaged"),
    ] {
        settled(&path).await;
        let connection = rusqlite::Connection::open(&path).unwrap();
        assert_eq!(connection.execute(sql, []).unwrap(), 1, "{sql}");
        drop(connection);
        let loaded = Store::read_only(&path).map_err(|error| format!("{error:#}"));
        let error = loaded.and_then(|loaded| Ledger::replay(&loaded.plan, &loaded.entries)).unwrap_err();
        assert!(error.contains("entry 1 ") && error.contains(words) && error.contains("edited"), "{sql}: {error}");
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn the_file_is_whole_when_it_is_closed_while_another_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    let (store, plan) = filled(&path).await;
    let reader = rusqlite::Connection::open_with_flags(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let rows = || reader.query_row("SELECT count(*) FROM decision", [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(rows(), 0);
    let entry = Ledger::new(&plan).decide(&plan, Act::Reject, [cell(0, 1)], None, "a", &stamp()).unwrap();
    store.append(entry, plan).await.unwrap();
    store.close();
    assert_eq!(rows(), 1);
    let alone = folder.path().join("mailed.review");
    std::fs::copy(&path, &alone).unwrap();
    assert_eq!(Store::read_only(&alone).unwrap().entries.len(), 1, "nothing is left beside the file");
}

#[tokio::test]
async fn the_same_entry_is_never_written_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (store, plan) = filled(&folder.path().join("q.review")).await;
    let mut ledger = Ledger::new(&plan);
    let entry = ledger.decide(&plan, Act::Reject, [cell(0, 1)], None, "a", &stamp()).unwrap();
    store.append(entry.clone(), Arc::clone(&plan)).await.unwrap();
    assert!(store.append(entry, plan).await.is_err());
    assert_eq!(store.load().await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn forms_keep_their_bytes_and_what_became_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = filled(&folder.path().join("q.review")).await;
    let form = Form {
        number: 1,
        form_id: "0123456789abcdef0123456789abcdef".to_owned(),
        generation: 1,
        frozen_at: "2026-07-05T11:59:03Z".to_owned(),
        size: 5,
        cells: vec![FormCell { facility: 0, property: 1, old: None, new: "0".to_owned(), since: None }],
        sent: Outcome::Frozen,
        answer: None,
        seen: Vec::new(),
    };
    let (bytes, who) = (vec![0, 159, 146, 150, b'<'], || "Grace".to_owned());
    store.freeze(form.clone(), bytes.clone(), who()).await.unwrap();
    let again = store.freeze(Form { number: 2, ..form.clone() }, bytes.clone(), who()).await;
    assert!(again.is_err(), "a form id is used once");
    assert_eq!(store.form_bytes(1).await.unwrap(), bytes);
    assert!(format!("{:#}", store.form_bytes(2).await.unwrap_err()).contains("form 2 is not in the file"));
    assert_eq!(store.load().await.unwrap().forms, std::slice::from_ref(&form));
    store.keep_sent(1, Outcome::Accepted, Some("recognised".to_owned()), stamp()).await.unwrap();
    let seen = Seen { cell: cell(0, 1), outcome: Outcome::Applied, value: Some("0".to_owned()) };
    store.keep_seen(1, vec![seen.clone()], None, stamp()).await.unwrap();
    assert!(store.keep_sent(7, Outcome::Accepted, None, stamp()).await.is_err());
    let kept = store.load().await.unwrap().forms.remove(0);
    assert_eq!(
        (kept.outcome_of(cell(0, 1)), kept.outcome(), kept.is_open()),
        (Outcome::Applied, Outcome::Applied, false)
    );
    let expected = Form { sent: Outcome::Accepted, answer: Some("recognised".to_owned()), seen: vec![seen], ..form };
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn the_second_writer_is_refused_and_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    let (store, _) = filled(&path).await;
    let refused = format!("{:#}", Store::open(&path).unwrap_err());
    let who = format!("process {}, since 20", std::process::id());
    let (before, _) = refused.split_once(&who).unwrap();
    assert!(before.contains(" is open in another onse (") && before.ends_with(", "), "no host: {refused}");
    assert!(Store::read_only(&path).is_ok(), "reading is allowed meanwhile");
    store.close();
}

#[tokio::test]
async fn what_cannot_be_written_is_opened_for_reading_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    let (holder, plan) = filled(&path).await;
    let entry = Ledger::new(&plan).decide(&plan, Act::Reject, [cell(0, 1)], None, "a", &stamp()).unwrap();
    let process = format!("process {}", std::process::id());
    let looks = |why: String| {
        let (path, plan, entry) = (path.clone(), Arc::clone(&plan), entry.clone());
        async move {
            let before = std::fs::read(&path).unwrap();
            let store = Store::open_or_read(&path).unwrap();
            let said = store.only_reads().unwrap().to_owned();
            assert!(said.starts_with("opened for reading only: ") && said.contains(&why), "{said}");
            assert_eq!(store.load().await.unwrap().plan.head, plan.head);
            let found = store.parts(1, 0, "ds000000001".to_owned(), "de000000001".to_owned()).await.unwrap();
            assert_eq!((found.len(), store.used().await.unwrap()), (1, used()));
            for refused in [
                store.append(entry, Arc::clone(&plan)).await,
                store.save_place("{}".to_owned()).await,
                store.keep_sent(1, Outcome::Accepted, None, stamp()).await,
                store.save_plan(plan, used(), Vec::new(), Vec::new()).await,
            ] {
                let refused = format!("{:#}", refused.unwrap_err());
                assert!(refused.contains(&said), "{refused}");
            }
            store.close();
            assert_eq!(std::fs::read(&path).unwrap(), before);
        }
    };
    looks(process).await;
    holder.append(entry.clone(), Arc::clone(&plan)).await.unwrap();
    holder.close();
    // As in a folder that takes no new file.
    std::fs::create_dir(folder.path().join("q.review-lock")).unwrap();
    looks("the folder must be writable".to_owned()).await;
    std::fs::remove_dir(folder.path().join("q.review-lock")).unwrap();
    let store = Store::open_or_read(&path).unwrap();
    assert_eq!((store.only_reads(), store.load().await.unwrap().entries.len()), (None, 1));
    store.save_place("{}".to_owned()).await.unwrap();
    store.close();
    assert!(Store::open_or_read(&folder.path().join("none")).is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn another_name_of_the_file_is_no_way_to_a_second_writer() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("q.review"), folder.path().join("link.review"));
    let (store, _) = filled(&path).await;
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let elsewhere = folder.path().join("folder");
    std::os::unix::fs::symlink(folder.path(), &elsewhere).unwrap();
    for other in [&link, &elsewhere.join("q.review")] {
        let refused = format!("{:#}", Store::open(other).unwrap_err());
        assert!(refused.contains("is open in another onse"), "{refused}");
    }
    store.close();
    let store = Store::open(&link).unwrap();
    assert!(Store::open(&path).is_err());
    store.close();
    std::fs::remove_file(&path).unwrap();
    assert!(format!("{:#}", Store::create(&link).unwrap_err()).contains("never overwritten"), "a link to nothing");
}

#[tokio::test]
async fn what_is_not_a_review_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = format!("{:#}", Store::open(&path).unwrap_err());
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name} was changed");
        error
    };
    assert!(refused("a.csv", b"case_property,data_element_id\n").contains("not a review file"));
    assert!(refused("empty", b"").contains("not a review file"));
    assert!(format!("{:#}", Store::open(&folder.path().join("none")).unwrap_err()).contains("cannot open"));
    assert!(format!("{:#}", Store::open(folder.path()).unwrap_err()).contains("not a file"));
    let path = folder.path().join("q.review");
    let (store, _) = filled(&path).await;
    assert!(format!("{:#}", Store::create(&path).unwrap_err()).contains("never overwritten"));
    store.close();
    let whole = std::fs::read(&path).unwrap();
    let error = refused("cut.review", &whole[..whole.len() / 2]);
    assert!(error.contains("damaged"), "{error}");
}

#[tokio::test]
async fn a_newer_file_is_refused_with_the_version_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    filled(&path).await.0.close();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = format!("{:#}", Store::open(&path).unwrap_err());
    assert!(error.contains("newer onse") && error.contains("99"), "{error}");
}

#[tokio::test]
async fn a_file_whose_reading_never_finished_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("q.review")).unwrap();
    let error = format!("{:#}", store.load().await.unwrap_err());
    assert!(error.contains("never finished"), "{error}");
}

#[tokio::test]
async fn only_a_file_without_a_plan_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let (blank, full) = (folder.path().join("blank.review"), folder.path().join("full.review"));
    Store::create(&blank).unwrap().close();
    let (store, plan) = filled(&full).await;
    assert!(Store::discard_blank(&full).unwrap_err().to_string().contains("is open in another"));
    store.close();
    assert!(Store::discard_blank(&blank).unwrap() && !blank.exists());
    assert!(!Store::discard_blank(&full).unwrap() && full.exists());
    let parts = Store::read_only_parts(&full, plan.head.generation).unwrap();
    let read: usize = parts.values().map(Vec::len).sum();
    assert_eq!(read, parts_written());
    assert!(Store::read_only_parts(&full, 9).unwrap().is_empty());
}

fn parts_written() -> usize {
    parts().iter().map(|one| one.parts.len()).sum()
}

/// A closed review file with two decisions, then changed by hand.
async fn edited(folder: &Path, sql: &str) -> String {
    let path = folder.join("q.review");
    let (store, plan) = filled(&path).await;
    let mut ledger = Ledger::new(&plan);
    for (at, reason) in [(cell(0, 1), None), (cell(0, 0), Some("checked by phone"))] {
        let entry = ledger.decide(&plan, Act::Approve, [at], reason, "some", &stamp()).unwrap();
        store.append(entry, Arc::clone(&plan)).await.unwrap();
    }
    store.close();
    let connection = rusqlite::Connection::open(&path).unwrap();
    assert_eq!(connection.execute(sql, []).unwrap(), 1, "{sql}");
    drop(connection);
    let loaded = Store::read_only(&path).map_err(|error| format!("{error:#}"));
    let error = match loaded.map(|loaded| Ledger::replay(&loaded.plan, &loaded.entries)) {
        Err(error) | Ok(Err(error)) => error,
        Ok(Ok(_)) => String::new(),
    };
    std::fs::remove_file(path).unwrap();
    error
}

#[tokio::test]
async fn a_decision_made_on_other_values_is_refused_with_its_entry_and_cells() {
    let folder = tempfile::tempdir().unwrap();
    for (sql, words) in [
        ("UPDATE decision SET cells = replace(cells, '31', '310') WHERE seq = 2", &["entry 2 ", "dhis_p0 of Zomba"]),
        ("UPDATE decision SET cells = replace(cells, '28', '29') WHERE seq = 2", &["entry 2 ", "other values"]),
        (
            "UPDATE decision SET cells = '[[0,1,null,\"0\"],[0,0,\"28\",\"32\"]]' WHERE seq = 1",
            &["entry 1 ", "dhis_p0 of"],
        ),
        ("UPDATE decision SET cells = '[[7,0,null,\"0\"]]' WHERE seq = 1", &["entry 1 ", "does not exist"]),
        ("UPDATE decision SET cells = '[[2,0,\"5\",\"5.0\"]]' WHERE seq = 1", &["entry 1 ", "what entry 3 of"]),
        ("UPDATE decision SET generation = 2 WHERE seq = 1", &["entry 1 ", "reading 2"]),
        ("UPDATE decision SET reason = NULL WHERE seq = 2", &["entry 2 ", "what entry 4 of the trail says"]),
        ("UPDATE decision SET who = 'Ruth' WHERE seq = 1", &["entry 1 ", "what entry 3 of the trail says"]),
        ("UPDATE decision SET cells = 'x' WHERE seq = 1", &["entry 1 ", "damaged"]),
    ] {
        let error = edited(folder.path(), sql).await;
        assert!(words.iter().all(|word| error.contains(word)) && error.contains("edited"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_plan_changed_by_hand_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for sql in [
        "DELETE FROM flag WHERE severity = 'STOP'",
        "UPDATE flag SET severity = 'INFO' WHERE severity = 'STOP'",
        "UPDATE flag SET property = 1 WHERE severity = 'STOP'",
        "UPDATE flag SET sentence = 'fine' WHERE severity = 'STOP'",
        "DELETE FROM cells WHERE facility = 1",
        "UPDATE cells SET cells = replace(cells, '5.0', '5.1') WHERE facility = 2",
        "UPDATE cells SET cells = replace(cells, 'null', '\"\"') WHERE facility = 1",
        "UPDATE cells SET cells = replace(cells, 'FETCH_FAILED', 'NOT_REPORTED') WHERE facility = 2",
        "UPDATE facility SET case_id = 'other' WHERE ordinal = 0",
        "UPDATE property SET name = 'dhis_other' WHERE ordinal = 0",
        "UPDATE generation SET head = replace(head, '2026Q2', '2026Q1')",
        "UPDATE generation SET settings = replace(settings, 'dhis2_last_imported', 'name')",
        "DELETE FROM skipped",
    ] {
        let error = edited(folder.path(), sql).await;
        assert!(error.contains("changed outside onse") && error.contains("--new"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_second_plan_never_takes_the_place_of_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let (store, written) = filled(&folder.path().join("q.review")).await;
    let turned: Vec<Facility> = written.facilities().iter().rev().cloned().collect();
    let head = Head { generation: 2, ..written.head.clone() };
    let second = Plan::draft(head, turned, written.properties().to_vec()).finish();
    assert!(store.save_plan(Arc::new(second), used(), Vec::new(), Vec::new()).await.is_err());
    let loaded = store.load().await.unwrap();
    assert_eq!((loaded.plan.head.generation, loaded.plan.facilities()), (1, written.facilities()));
}
