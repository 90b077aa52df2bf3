//! The trail of a review file: every write that matters is in it, and what is changed, lost or put in by hand is noticed. Beside it
//! what a file does that is damaged, copied or on a full disk.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use onse::{
    domain::{
        ledger::{Act, Entry, Ledger, Stamp},
        outcome::Outcome,
        plan::{Cell, Facility, Head, Plan, Property, State},
        quarter::Quarter,
    },
    io::store::{Form, FormCell, HeldCell, Noted, Seen, Store, Trail},
};
use serde_json::{Value, json};

const BYTES: &[u8] = b"<data>\xff</data>";

fn cell(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

fn plan() -> Plan {
    let quarter = Quarter::parse("2026Q2").unwrap();
    let head = Head { read_at: "2026-07-05T09:41:00Z".to_owned(), generation: 1, ..Head::of(quarter) };
    let facility = |n: u32| Facility {
        case_id: format!("case{n}"),
        name: format!("Zomba {n}"),
        external_id: format!("ou{n}"),
        closed: false,
        unit_name: None,
    };
    let property = |n: u16| Property { name: format!("dhis_p{n}"), line: 7, ..Property::default() };
    let mut draft = Plan::draft(head, (0..2).map(facility).collect(), (0..2).map(property).collect());
    for (facility, property) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        draft.set(cell(facility, property), Some("28"), Some("31"), State::Reported);
    }
    draft.finish()
}

fn stamp(at: &str) -> Stamp {
    Stamp { at: format!("2026-07-05T{at}:00Z"), who: "Grace".to_owned() }
}

fn form(number: u32, sent: Outcome) -> Form {
    Form {
        number,
        form_id: format!("{number:032}"),
        generation: 1,
        frozen_at: "2026-07-05T10:03:00Z".to_owned(),
        size: BYTES.len(),
        cells: [0, 1]
            .map(|property| FormCell {
                facility: 0,
                property,
                old: Some("28".to_owned()),
                new: "31".to_owned(),
                since: None,
            })
            .to_vec(),
        sent,
        answer: None,
        seen: Vec::new(),
    }
}

fn seen(cell: Cell, outcome: Outcome) -> Seen {
    Seen { cell, outcome, value: Some("31".to_owned()) }
}

/// A new review with its plan.
async fn begun(path: &Path) -> (Store, Arc<Plan>) {
    let (store, plan) = (Store::create(path).unwrap(), Arc::new(plan()));
    store.save_plan(Arc::clone(&plan), support::used(1000), Vec::new(), Vec::new()).await.unwrap();
    (store, plan)
}

/// A closed review in which everything happened.
async fn filled(path: &Path) {
    let (store, plan) = begun(path).await;
    let mut ledger = Ledger::new(&plan);
    let all = ledger.undecided(&plan, plan.row(0)).plain;
    for entry in [
        ledger.decide(&plan, Act::Approve, all, Some("by \u{1b}phone"), "2 in Zomba 0", &stamp("10:00")).unwrap(),
        ledger.decide(&plan, Act::Reject, [cell(1, 0)], None, "p0", &stamp("10:01")).unwrap(),
        ledger.undo(&plan, &stamp("10:02")).unwrap(),
    ] {
        store.append(entry, Arc::clone(&plan)).await.unwrap();
    }
    store.freeze(form(1, Outcome::Frozen), BYTES.to_vec(), "Grace".to_owned()).await.unwrap();
    store.keep_sent(1, Outcome::Unknown, Some("no answer".to_owned()), stamp("10:04")).await.unwrap();
    store.keep_sent(1, Outcome::Accepted, None, stamp("10:05")).await.unwrap();
    store.keep_seen(1, vec![seen(cell(0, 1), Outcome::NotApplied)], None, stamp("10:06")).await.unwrap();
    store.keep_seen(1, vec![seen(cell(0, 0), Outcome::Applied)], None, stamp("10:07")).await.unwrap();
    store.keep_seen(0, vec![seen(cell(1, 1), Outcome::Applied)], None, stamp("10:08")).await.unwrap();
    store.keep_seen(0, Vec::new(), None, stamp("10:08")).await.unwrap();
    let held = HeldCell {
        cell: cell(1, 0),
        case_id: "case1".to_owned(),
        property: "dhis_p0".to_owned(),
        base: Some("28".to_owned()),
        now: None,
        new: Some("31".to_owned()),
        why: "the case was emptied".to_owned(),
    };
    store.keep_held(vec![held], None, stamp("10:09")).await.unwrap();
    store.keep_held(Vec::new(), None, stamp("10:09")).await.unwrap();
    store.save_place("{}".to_owned()).await.unwrap();
    store.close();
}

fn detail(noted: &Noted) -> Value {
    serde_json::from_str(&noted.detail).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap());
    digest.as_ref().iter().flat_map(digits).collect()
}

/// Runs SQL as a person would who edits the file.
fn edit(path: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
}

fn damage(path: &Path) -> Option<String> {
    Store::read_only_trail(path).unwrap().damage
}

#[tokio::test]
async fn every_write_that_matters_is_one_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    filled(&path).await;
    let Trail { entries, damage } = Store::read_only_trail(&path).unwrap();
    assert_eq!(damage, None);
    let lines: Vec<_> = entries.iter().map(|e| (e.what.as_str(), e.form, e.decision, e.who.as_str())).collect();
    let grace = "Grace";
    let expected = [
        ("begun", None, None, "onse"),
        ("read", None, None, "onse"),
        ("decision", None, Some(1), grace),
        ("decision", None, Some(2), grace),
        ("decision", None, Some(3), grace),
        ("form", Some(1), None, grace),
        ("answer", Some(1), None, grace),
        ("answer", Some(1), None, grace),
        ("seen", Some(1), None, grace),
        ("seen", Some(1), None, grace),
        ("seen", Some(0), None, grace),
        ("held", None, None, grace),
    ];
    assert_eq!(lines, expected);
    assert!(entries.iter().map(|entry| entry.seq).eq(1..=12));
    let times: Vec<&str> = entries[1..].iter().map(|entry| &entry.at[11..16]).collect();
    let expected = ["09:41", "10:00", "10:01", "10:02", "10:03", "10:04", "10:05", "10:06", "10:07", "10:08", "10:09"];
    assert_eq!(times, expected);
    let begun = json!({ "version": 6, "from": null, "readings": 0, "decisions": 0, "forms": 0 });
    assert_eq!(detail(&entries[0]), begun);
    assert_eq!((&detail(&entries[1])["facilities"], &detail(&entries[1])["properties"]), (&json!(2), &json!(2)));
    let first = detail(&entries[2]);
    let told = [&first["act"], &first["cells"], &first["label"], &first["reason"]];
    assert_eq!(told, [&json!("approve"), &json!(2), &json!("2 in Zomba 0"), &json!("by \u{1b}phone")]);
    assert_eq!((&detail(&entries[4])["act"], &detail(&entries[4])["of"]), (&json!("undo"), &json!(2)));
    let cells =
        r#"[{"facility":0,"property":0,"old":"28","new":"31"},{"facility":0,"property":1,"old":"28","new":"31"}]"#;
    let frozen = json!({
        "form_id": format!("{:032}", 1), "reading": 1, "cells": 2, "cases": 1, "bytes": 14, "sha256": sha256(BYTES),
        "cells_sha256": sha256(cells.as_bytes()), "outcome": "FROZEN", "answer": null,
    });
    assert_eq!(detail(&entries[5]), frozen);
    assert_eq!(detail(&entries[6]), json!({ "outcome": "UNKNOWN", "answer": "no answer" }));
    assert_eq!(detail(&entries[8])["NOT_APPLIED"], 1);
    let held = json!({ "held": [{ "facility": 1, "property": 0, "case_id": "case1", "property_name": "dhis_p0",
        "base": "28", "now": null, "new": "31", "why": "the case was emptied" }] });
    assert_eq!(detail(&entries[11]), held);
    let submitted = Store::read_only(&path).unwrap().submitted.unwrap();
    assert_eq!((submitted.at.as_str(), submitted.who.as_str()), ("2026-07-05T10:07:00Z", grace), "of a form");
}

/// The marks worked out anew, from nothing but what plain SQL gives.
#[tokio::test]
async fn a_mark_is_over_the_one_before_and_every_field() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    filled(&path).await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    let sql =
        "SELECT cast(seq AS TEXT), at, who, what, cast(form AS TEXT), cast(decision AS TEXT), detail, mark FROM trail
        ORDER BY seq";
    let mut select = connection.prepare(sql).unwrap();
    let mut rows = select.query([]).unwrap();
    let (mut before, mut count) = (String::new(), 0);
    while let Some(row) = rows.next().unwrap() {
        let mut bytes = [before.as_bytes(), &[0xff]].concat();
        for column in 0..7 {
            match row.get::<_, Option<String>>(column).unwrap() {
                Some(text) => bytes.extend([text.as_bytes(), &[0xff]].concat()),
                None => bytes.push(0xfe),
            }
        }
        before = row.get(7).unwrap();
        assert_eq!(before, sha256(&bytes));
        count += 1;
    }
    assert_eq!(count, 12);
}

/// What is changed by hand, the words that name it, and whether opening notices it: the bytes of forms are looked at when sent.
const EDITS: [(&str, &str, bool); 26] = [
    ("UPDATE decision SET reason = 'fine' WHERE seq = 1", "entry 1 of the decision log", true),
    ("UPDATE decision SET at = '2026' WHERE seq = 3", "entry 3 of the decision log", true),
    ("DELETE FROM decision WHERE seq = 3", "entry 3 of the decision log is gone", true),
    (
        "INSERT INTO decision SELECT 4, at, who, 'redo', of, generation, reason, label, cells FROM decision WHERE seq = 3",
        "entry 4 of the decision log is not in the trail",
        true,
    ),
    ("UPDATE form SET outcome = 'APPLIED'", "the answer to form 1", true),
    ("UPDATE form SET answer = 'fine'", "the answer to form 1", true),
    ("UPDATE form SET cells = replace(cells, '28', '29')", "the list of cells of form 1", true),
    ("UPDATE form SET form_id = 'x'", "the id, reading or time of form 1", true),
    ("UPDATE form SET frozen_at = '2026'", "the id, reading or time of form 1", true),
    ("UPDATE form SET number = 2", "form 2 is not in the trail", true),
    ("DELETE FROM form", "form 1 is gone", true),
    ("INSERT INTO form SELECT 2, 'x', 1, frozen_at, bytes, cells, outcome, answer FROM form", "form 2 is not in", true),
    ("UPDATE form SET bytes = x'00'", "the text of form 1", false),
    ("UPDATE seen SET value = '32' WHERE form = 1 AND property = 1", "what was read back of form 1", true),
    ("UPDATE seen SET outcome = 'APPLIED' WHERE form = 1", "what was read back of form 1", true),
    ("UPDATE seen SET value = NULL WHERE form = 0", "what was read back of form 0", true),
    ("DELETE FROM seen WHERE form = 1 AND property = 0", "what was read back of form 1", true),
    ("DELETE FROM seen WHERE form = 0", "what was read back of form 0 is gone", true),
    (
        "INSERT INTO seen SELECT 2, facility, property, outcome, value, at FROM seen WHERE form = 0",
        "form 2 is not in",
        true,
    ),
    ("UPDATE trail SET detail = replace(detail, 'Zomba', 'Zumba') WHERE seq = 3", "entry 3 of the trail", true),
    ("UPDATE trail SET detail = 'x' WHERE seq = 3", "entry 3 of the trail", true),
    ("UPDATE trail SET who = 'Ruth' WHERE seq = 12", "entry 12 of the trail", true),
    ("UPDATE trail SET form = NULL, decision = 1 WHERE seq = 6", "entry 6 of the trail", true),
    ("UPDATE trail SET mark = replace(mark, 'a', 'b') WHERE seq = 5", "entry 5 of the trail", true),
    ("DELETE FROM trail WHERE seq = 7", "entry 7 of the trail is gone", true),
    ("DELETE FROM trail WHERE seq >= 10", "what was read back of form", true),
];

#[tokio::test]
async fn what_is_changed_by_hand_is_noticed_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole) = (folder.path().join("q.review"), folder.path().join("whole"));
    filled(&whole).await;
    for (sql, words, on_opening) in EDITS {
        fs::copy(&whole, &path).unwrap();
        edit(&path, sql);
        let opened = Store::read_only(&path).map_err(|why| format!("{why:#}"));
        if on_opening {
            let why = opened.unwrap_err();
            let next = ["edited; nothing was changed", "onse verify FILE compares what was sent with the cases"];
            assert!(why.contains(words) && next.iter().all(|next| why.contains(next)), "{sql}: {why}");
        } else {
            assert!(opened.is_ok(), "{sql}");
        }
        let Trail { entries, damage } = Store::read_only_trail(&path).unwrap();
        assert!(damage.as_ref().is_some_and(|damage| damage.contains(words)), "{sql}: {damage:?}");
        let left = if sql.starts_with("DELETE FROM trail") { 9..12 } else { 12..13 };
        assert!(left.contains(&entries.len()), "{sql}: all that can be read is told");
    }
    fs::copy(&whole, &path).unwrap();
    edit(&path, "DELETE FROM trail");
    assert!(format!("{:#}", Store::read_only(&path).unwrap_err()).contains("entry 1 of the trail is gone"));
    assert_eq!((damage(&whole), Store::read_only(&whole).unwrap().entries.len()), (None, 3));
}

/// Fault matrix P1: other bytes are never sent.
#[tokio::test]
async fn bytes_that_were_swapped_are_not_given_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    filled(&path).await;
    let store = Store::open(&path).unwrap();
    assert_eq!(store.form_bytes(1).await.unwrap(), BYTES);
    let loaded = store.load().await.unwrap();
    assert_eq!((loaded.forms[0].size, loaded.forms[0].outcome()), (BYTES.len(), Outcome::NotApplied));
    store.close();
    edit(&path, "UPDATE form SET bytes = x'3c646174613e'");
    let store = Store::open(&path).unwrap();
    let why = format!("{:#}", store.form_bytes(1).await.unwrap_err());
    for words in ["the bytes of form 1 are not those that were frozen", "nothing was sent", "onse verify FILE"] {
        assert!(why.contains(words), "{why}");
    }
    assert_eq!(store.load().await.unwrap().forms[0].size, 6);
}

#[tokio::test]
async fn a_write_that_fails_leaves_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    filled(&path).await;
    let store = Store::open(&path).unwrap();
    let twice = Form { form_id: format!("{:032}", 1), ..form(2, Outcome::Frozen) };
    assert!(store.freeze(twice, BYTES.to_vec(), "Grace".to_owned()).await.is_err());
    assert!(store.keep_sent(7, Outcome::Accepted, None, stamp("11:00")).await.is_err());
    let entry = Ledger::new(&plan()).decide(&plan(), Act::Reject, [cell(0, 0)], None, "a", &stamp("11:00")).unwrap();
    assert!(store.append(entry, Arc::new(plan())).await.is_err(), "the first entry again");
    store.close();
    let trail = Store::read_only_trail(&path).unwrap();
    assert_eq!((trail.entries.len(), trail.damage), (12, None));
}

/// Fault matrix row F19.
#[tokio::test]
async fn a_clock_that_goes_backwards_changes_no_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    let (store, plan) = begun(&path).await;
    let mut ledger = Ledger::new(&plan);
    let first = ledger.decide(&plan, Act::Approve, [cell(0, 0)], None, "a", &stamp("23:00")).unwrap();
    let second = ledger.decide(&plan, Act::Reject, [cell(0, 0)], None, "a", &stamp("01:00")).unwrap();
    for entry in [first, second] {
        store.append(entry, Arc::clone(&plan)).await.unwrap();
    }
    store.close();
    let loaded = Store::read_only(&path).unwrap();
    let again = Ledger::replay(&loaded.plan, &loaded.entries).unwrap();
    assert_eq!(again.all(), ledger.all());
    let trail = Store::read_only_trail(&path).unwrap();
    let times: Vec<&str> = trail.entries[2..].iter().map(|entry| &entry.at[11..13]).collect();
    assert_eq!((times, trail.damage), (vec!["23", "01"], None));
}

/// Fault matrix row F17.
#[tokio::test]
async fn copies_beside_a_review_are_found_and_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let path = at("2026Q2 50%é?#.review");
    let (store, _) = begun(&path).await;
    begun(&at("2026Q1.review")).await.0.close();
    fs::write(at("notes.txt"), "x").unwrap();
    fs::write(at("no.review"), b"SQLite format 3\0 and no more").unwrap();
    fs::create_dir(at("folder.review")).unwrap();
    assert_eq!(Store::copies(&path).unwrap(), Vec::<PathBuf>::new());
    // As a cloud folder copies it: the one file, while it is open, whatever its name.
    fs::copy(&path, at("while open")).unwrap();
    store.close();
    fs::copy(&path, at("2026Q2 (conflicted copy).review")).unwrap();
    let names = || {
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (before, bytes) = (names(), fs::read(at("while open")).unwrap());
    let real = |name: &str| folder.path().canonicalize().unwrap().join(name);
    let both = [real("2026Q2 (conflicted copy).review"), real("while open")];
    assert_eq!(Store::copies(&path).unwrap(), both);
    assert_eq!(Store::copies(&both[0]).unwrap(), [real("2026Q2 50%é?#.review"), both[1].clone()]);
    assert_eq!((names(), fs::read(at("while open")).unwrap()), (before, bytes), "nothing is made, nothing is changed");
    assert!(Store::copies(&at("none")).is_err());
    let old = sample(folder.path(), include_bytes!("data/reviews/version-3.review.gz"));
    fs::copy(&old, at("old copy.review")).unwrap();
    assert!(Store::copies(&old).unwrap().is_empty(), "it has no id yet");
}

#[cfg(unix)]
#[tokio::test]
async fn another_name_of_the_same_file_is_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("q.review"), folder.path().join("link.review"));
    begun(&path).await.0.close();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(Store::copies(&path).unwrap().is_empty());
    assert!(Store::copies(&link).unwrap().is_empty());
}

/// Fault matrix row F01.
#[tokio::test]
async fn on_a_full_disk_a_decision_fails_whole_and_all_before_it_stand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    let (store, plan) = begun(&path).await;
    let mut ledger = Ledger::new(&plan);
    let reason = "x".repeat(500);
    let mut decide = |act| ledger.decide(&plan, act, [cell(0, 0)], Some(&reason), "a", &stamp("10:00")).unwrap();
    let log: Vec<Entry> = [Act::Approve, Act::Reject].into_iter().cycle().take(40).map(&mut decide).collect();
    let pages = store.pages().await.unwrap();
    store.limit_pages(pages).await.unwrap();
    let mut written = 0;
    let why = loop {
        match store.append(log[written].clone(), Arc::clone(&plan)).await {
            Ok(()) => written += 1,
            Err(why) => break format!("{why:#}"),
        }
    };
    assert!(why.contains("full") && written > 0, "{written}: {why}");
    assert!(store.freeze(form(1, Outcome::Frozen), vec![0; 9000], "Grace".to_owned()).await.is_err());
    assert_eq!((store.pages().await.unwrap(), store.load().await.unwrap().entries), (pages, log[..written].to_vec()));
    assert_eq!(damage(&path), None);
    store.limit_pages(pages + 100).await.unwrap();
    for entry in &log[written..] {
        store.append(entry.clone(), Arc::clone(&plan)).await.unwrap();
    }
    store.freeze(form(1, Outcome::Frozen), vec![0; 9000], "Grace".to_owned()).await.unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!((loaded.entries, loaded.forms), (log, vec![Form { size: 9000, ..form(1, Outcome::Frozen) }]));
    store.close();
    assert_eq!(damage(&path), None);
}

#[tokio::test]
async fn a_review_read_while_another_writes_is_never_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    let (store, plan) = begun(&path).await;
    let mut ledger = Ledger::new(&plan);
    let mut decide = |act| ledger.decide(&plan, act, [cell(0, 0)], None, "a", &stamp("10:00")).unwrap();
    let log: Vec<Entry> = [Act::Approve, Act::Reject].into_iter().cycle().take(200).map(&mut decide).collect();
    let writer = {
        let (store, plan) = (store.clone(), Arc::clone(&plan));
        tokio::spawn(async move {
            for entry in log {
                store.append(entry, Arc::clone(&plan)).await.unwrap();
            }
        })
    };
    while !writer.is_finished() {
        assert_eq!(damage(&path), None);
        Store::read_only(&path).unwrap();
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

/// A copy of a file that an earlier version of the program wrote.
fn sample(folder: &Path, packed: &[u8]) -> PathBuf {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let path = folder.join("old.review");
    fs::write(&path, bytes).unwrap();
    path
}

#[tokio::test]
async fn a_file_from_before_there_was_a_trail_gets_one_when_it_is_opened_for_writing() {
    let packed: [(u32, &[u8]); 2] = [
        (1, include_bytes!("data/reviews/version-1.review.gz")),
        (3, include_bytes!("data/reviews/version-3.review.gz")),
    ];
    for (from, packed) in packed {
        let folder = tempfile::tempdir().unwrap();
        let path = sample(folder.path(), packed);
        let before = fs::read(&path).unwrap();
        let loaded = Store::read_only(&path).unwrap();
        assert_eq!((loaded.entries.len(), loaded.forms.len()), (2, 1));
        let submitted = loaded.submitted.unwrap();
        assert_eq!((submitted.at.as_str(), submitted.who.as_str()), ("2026-07-05T11:59:03Z", "onse"));
        assert_eq!(Store::read_only_trail(&path).unwrap(), Trail { entries: Vec::new(), damage: None });
        assert_eq!(Store::unchecked(&path).unwrap().2[0].sent, Outcome::Unknown);
        assert_eq!(fs::read(&path).unwrap(), before, "reading changes nothing");
        let store = Store::open(&path).unwrap();
        let loaded = store.load().await.unwrap();
        let plan = Arc::new(loaded.plan);
        let mut ledger = Ledger::replay(&plan, &loaded.entries).unwrap();
        assert_eq!(store.form_bytes(1).await.unwrap().len(), loaded.forms[0].size);
        store.append(ledger.undo(&plan, &stamp("12:00")).unwrap(), Arc::clone(&plan)).await.unwrap();
        store.keep_sent(1, Outcome::Accepted, None, stamp("12:01")).await.unwrap();
        let seen = seen(loaded.forms[0].cells[0].cell(), Outcome::Applied);
        store.keep_seen(1, vec![seen], None, stamp("12:02")).await.unwrap();
        store.freeze(form(2, Outcome::Frozen), BYTES.to_vec(), "Grace".to_owned()).await.unwrap();
        store.close();
        let loaded = Store::read_only(&path).unwrap();
        assert_eq!((loaded.entries.len(), loaded.forms[0].outcome()), (3, Outcome::Applied));
        assert_eq!(loaded.submitted.unwrap().at, form(2, Outcome::Frozen).frozen_at, "the newest entry");
        let Trail { entries, damage } = Store::read_only_trail(&path).unwrap();
        assert_eq!((entries.len(), damage), (5, None));
        let begun = json!({ "version": 6, "from": from, "readings": 1, "decisions": 2, "forms": 1 });
        assert_eq!(detail(&entries[0]), begun);
        edit(&path, "UPDATE form SET outcome = 'FROZEN' WHERE number = 1");
        let why = format!("{:#}", Store::read_only(&path).unwrap_err());
        assert!(why.contains("the answer to form 1"), "what came after is held to the trail: {why}");
    }
}

/// Fault matrix row F16.
#[tokio::test]
async fn of_a_damaged_file_what_was_sent_can_still_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole) = (folder.path().join("q.review"), folder.path().join("whole"));
    filled(&whole).await;
    let expected = Form { sent: Outcome::Unknown, ..form(1, Outcome::Frozen) };
    for sql in [
        "UPDATE decision SET cells = 'x'",
        "DELETE FROM decision",
        "UPDATE trail SET detail = 'x' WHERE seq = 3",
        "DELETE FROM trail",
        "UPDATE form SET outcome = 'x', answer = 'y'",
        "UPDATE seen SET outcome = 'x'",
    ] {
        fs::copy(&whole, &path).unwrap();
        edit(&path, sql);
        assert!(Store::read_only(&path).is_err(), "{sql}");
        let (found, used, forms) = Store::unchecked(&path).unwrap();
        assert_eq!((found.head, used, forms), (plan().head, support::used(1000), vec![expected.clone()]), "{sql}");
    }
    for (sql, words) in [
        ("UPDATE form SET cells = 'x'", "form 1 is damaged"),
        ("UPDATE form SET cells = replace(cells, '\"property\":1', '\"property\":9')", "does not exist"),
        ("UPDATE cells SET cells = replace(cells, '31', '32')", "the plan in the file is not what was read"),
    ] {
        fs::copy(&whole, &path).unwrap();
        edit(&path, sql);
        let why = format!("{:#}", Store::unchecked(&path).unwrap_err());
        assert!(why.contains(words), "{sql}: {why}");
    }
}

/// `onse show FILE --trail`.
fn show(path: &Path, args: &[&str]) -> (Output, String) {
    let run =
        Command::new(env!("CARGO_BIN_EXE_onse")).arg("show").arg(path).arg("--trail").args(args).output().unwrap();
    let text = String::from_utf8(run.stdout.clone()).unwrap();
    (run, text)
}

#[tokio::test]
async fn show_tells_the_trail_a_line_for_each_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    filled(&path).await;
    let (run, text) = show(&path, &[]);
    assert!(run.status.success() && run.stderr.is_empty(), "{run:?}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("onse  begun: a file of version 6"), "{text}");
    assert!(
        lines[1].starts_with("   2  2026-07-05T09:41:00Z  onse  reading 1: 2 facilities, 2 properties, "),
        "{text}"
    );
    let id = format!("{:032}", 1);
    let expected = [
        "   3  2026-07-05T10:00:00Z  Grace  decision 1: approve 2 cells: 2 in Zomba 0; reason: by <1B>phone",
        "   4  2026-07-05T10:01:00Z  Grace  decision 2: reject 1 cell: p0",
        "   5  2026-07-05T10:02:00Z  Grace  decision 3: undo decision 2",
        &format!("   6  2026-07-05T10:03:00Z  Grace  form 1: frozen, 2 cells of 1 case, 14 bytes, id {id}"),
        "   7  2026-07-05T10:04:00Z  Grace  form 1: UNKNOWN: no answer",
        "   8  2026-07-05T10:05:00Z  Grace  form 1: accepted, not seen",
        "   9  2026-07-05T10:06:00Z  Grace  form 1 read back: 1 NOT APPLIED",
        "  10  2026-07-05T10:07:00Z  Grace  form 1 read back: 1 APPLIED",
        "  11  2026-07-05T10:08:00Z  Grace  already set: 1 APPLIED",
        "  12  2026-07-05T10:09:00Z  Grace  held 1 cell: dhis_p0 of case case1: the case was emptied",
    ];
    assert_eq!(lines[2..lines.len() - 1], expected);
    let mark = Store::read_only_trail(&path).unwrap().mark();
    assert!(mark.len() == 64 && lines.last().unwrap().ends_with(&format!("mark of the last entry: {mark}")), "{text}");
    let (_, text) = show(&path, &["--json"]);
    let all: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&all["schema"], &all["damage"], all["trail"].as_array().unwrap().len()), (&json!(1), &Value::Null, 12));
    let fifth = &all["trail"][4];
    assert_eq!((&fifth["seq"], &fifth["decision"], &fifth["detail"]["of"]), (&json!(5), &json!(3), &json!(2)));
    let (run, _) = show(&path, &["--xml"]);
    assert_eq!(run.status.code(), Some(2), "not both");
}

#[tokio::test]
async fn show_tells_the_trail_of_a_damaged_file_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    filled(&path).await;
    edit(&path, "UPDATE trail SET detail = 'x\u{1b}' WHERE seq = 3");
    let (run, text) = show(&path, &[]);
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(1), "{said}");
    assert_eq!(text.lines().count(), 13, "{text}");
    assert!(text.contains("Grace  decision: x<1B>\n"), "{text}");
    let damage = "entry 3 of the trail, or its mark, is not what was written behind entry 2";
    assert_eq!(text.lines().last(), Some(format!("damaged: {damage}").as_str()));
    assert!(said.contains(damage) && said.contains("onse verify "), "{said}");
    let (run, text) = show(&path, &["--json"]);
    let all: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (run.status.code(), &all["damage"], &all["trail"][2]["detail"]),
        (Some(1), &json!(damage), &json!("x\u{1b}"))
    );
    let (run, text) = show(&sample(folder.path(), include_bytes!("data/reviews/version-3.review.gz")), &[]);
    assert!(run.status.success() && text.starts_with("no trail: "), "{text}");
}
