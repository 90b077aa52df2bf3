//! Rows F: a disk that is full or closed, and a review file that is moved, cut, edited, copied or called strange names.

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;
use onse::{
    domain::{
        ledger::{Act, Stamp, Verdict},
        outcome::Outcome,
    },
    io::{
        store::{Gate, Loaded, Moment, Store},
        transport::{Answer, Broken, Later, SharedTransport, Transport},
    },
    job::session::Session,
};
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    cli::{Home, Servers, ready},
    kills::one_property,
    rig::{Approved, FORMS, everything, is_form, key},
    support::{ask, clock, connect, on, read, submit},
};

/// What a row of the decision log may hold at most here; more than any page that is free.
const LONG: usize = 60_000;

/// The disk takes no page more, or as many as it likes.
async fn full(store: &Store, is: bool) {
    let pages = if is { 1 } else { u32::MAX - 1 };
    store.limit_pages(pages).await.unwrap();
}

#[tokio::test]
async fn f01_a_full_disk_fails_plan_decision_and_form_before_anything_is_sent() {
    let rig = Approved::new().await;
    let store = Store::open(&rig.path()).unwrap();
    let session = on(store.clone(), connect(rig.line()));
    let before = store.load().await.unwrap();
    full(&store, true).await;
    let is_full = |error: anyhow::Error, what: &str| {
        let error = format!("{error:#}");
        assert!(error.contains("full") && error.contains(what) && error.contains("2026Q2.review"), "{error}");
    };
    is_full(read(&session, &ask(&[])).await.unwrap_err(), "cannot write the plan");
    let mut ledger = session.open().await.unwrap().ledger;
    let cells = rig.cells.iter().copied();
    let entry = ledger.decide(&rig.plan, Act::Reject, cells, Some(&"why ".repeat(LONG / 4)), "all", &session.stamp());
    let entry = entry.unwrap();
    is_full(session.record(entry.clone(), &rig.plan).await.unwrap_err(), "cannot write the decision");
    is_full(submit(&session).await.unwrap_err(), "cannot keep the form");
    assert!(rig.sandbox.forms().is_empty(), "a form left");
    let now = store.load().await.unwrap();
    assert_eq!((now.plan.head.generation, now.entries, now.forms.len()), (1, before.entries, 0));
    full(&store, false).await;
    session.close();
    // The same commands after room was made.
    let session = rig.open();
    assert_eq!(read(&session, &ask(&[])).await.unwrap().plan.head.generation, 2);
    session.close();
    rig.ends_well().await;
}

/// A store whose calls of this name fail before they do anything.
fn failing(store: Store, name: &'static str) -> Store {
    let gate: Gate = Arc::new(move |what, moment| {
        let fails = (what, moment) == (name, Moment::Before);
        Box::pin(async move { if fails { Err(anyhow::anyhow!("database or disk is full")) } else { Ok(()) } })
    });
    store.gated(gate)
}

#[tokio::test]
async fn f02_a_full_disk_after_a_send_stops_with_everything_known_and_the_file_goes_on() {
    for call in ["keep the answer", "keep what was read back"] {
        let rig = Approved::new().await;
        let store = failing(Store::open(&rig.path()).unwrap(), call);
        let session = on(store, connect(rig.line()));
        let told = submit(&session).await.unwrap();
        session.close();
        assert_eq!((told.forms[0].outcome, told.applied), (Some(Outcome::Accepted), 0), "{call}: {told:?}");
        assert_eq!(told.accepted, told.forms[0].changes, "{call}");
        assert!(told.forms[0].form_id.is_some() && told.forms[1..].iter().all(|form| form.form_id.is_none()));
        let note = told.note.unwrap();
        assert!(note.contains("disk is full") && note.contains("make room") && note.contains("submit again"), "{note}");
        assert_eq!(rig.sandbox.forms().len(), 1, "{call}: it went on");
        rig.ends_well().await;
        assert_eq!((rig.sandbox.forms().len(), rig.effective()), (FORMS, FORMS), "{call}");
    }
}

/// The way to a server that takes a form while the disk becomes full.
struct Filling {
    inner: SharedTransport,
    store: Store,
}

impl Transport for Filling {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        Box::pin(async move {
            if is_form(&request) {
                full(&self.store, true).await;
            }
            self.inner.send(request).await
        })
    }
}

#[tokio::test]
async fn f02_a_disk_that_fills_up_behind_a_form_takes_no_page_more() {
    let rig = Approved::new().await;
    let store = Store::open(&rig.path()).unwrap();
    let way = Arc::new(Filling { inner: rig.line(), store: store.clone() });
    let session = on(store, connect(way));
    let told = submit(&session).await.unwrap();
    session.close();
    let took = rig.sandbox.forms().len();
    assert!(took < FORMS, "{took} forms fitted");
    let known = told.forms.iter().filter(|form| matches!(form.outcome, Some(Outcome::Accepted | Outcome::Applied)));
    assert_eq!(known.count(), took, "{told:?}");
    let note = told.note.unwrap();
    assert!(note.contains("full") && note.contains("make room"), "{note}");
    rig.ends_well().await;
    assert_eq!((rig.sandbox.forms().len(), rig.effective()), (FORMS, FORMS));
}

/// Makes the file refuse the outcome of a form as a full disk would, or lets it again.
fn takes_no_outcome(path: &Path, is: bool) {
    let sql = if is {
        "CREATE TRIGGER full BEFORE UPDATE ON form BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    } else {
        "DROP TRIGGER full"
    };
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn f02_the_command_prints_what_is_known_with_exit_4_and_the_same_command_goes_on() {
    let (home, _servers) = ready();
    let count = one_property(&home);
    takes_no_outcome(&home.path("q.review"), true);
    let submit = ["submit", "q.review", "--write", &count, "--json"];
    let ran = home.run(&submit).ok(4);
    let told = ran.json();
    let form = &told["forms"][0];
    assert_eq!((&form["outcome"], told["counts"]["accepted"].to_string()), (&"ACCEPTED".into(), count.clone()));
    assert!(ran.err.contains("disk is full") && ran.err.contains("make room"), "{ran:?}");
    takes_no_outcome(&home.path("q.review"), false);
    let again = home.run(&submit).ok(0).json();
    assert_eq!(again["forms"].as_array().unwrap().len(), 1);
    assert_eq!((&again["forms"][0]["form_id"], &again["forms"][0]["outcome"]), (&form["form_id"], &"APPLIED".into()));
}

#[test]
fn f03_without_a_lock_nothing_is_decided_or_sent_and_another_folder_will_do() {
    let (home, _servers) = ready();
    let count = one_property(&home);
    // As in a folder that takes no new file, for every user.
    fs::create_dir(home.path("q.review-lock")).unwrap();
    let submit = ["submit", "q.review", "--write", &count];
    for args in [&submit[..], &["decide", "q.review", "--where", "", "--clear"]] {
        home.run(args).refused(1, &["q.review-lock", "the folder must be writable", "Nothing was changed"]);
    }
    home.run(&["show", "q.review"]).ok(0);
    let plan = home.run(&["plan", "-o", "config.toml/q.review"]);
    plan.refused(1, &["config.toml", "Nothing was changed"]);
    fs::create_dir(home.path("else")).unwrap();
    fs::copy(home.path("q.review"), home.path("else/q.review")).unwrap();
    home.run(&["submit", "else/q.review", "--write", &count]).ok(0);
}

#[cfg(unix)]
#[test]
fn f04_credentials_that_cannot_be_read_are_named_with_the_mode_they_need() {
    let (home, _servers) = ready();
    let count = one_property(&home);
    // A link that leads to itself can be read by nobody, whoever runs this.
    fs::remove_file(home.path("secrets.toml")).unwrap();
    std::os::unix::fs::symlink(home.path("secrets.toml"), home.path("secrets.toml")).unwrap();
    home.run(&["submit", "q.review", "--write", &count])
        .refused(2, &["secrets.toml: It cannot be read", "have mode 0600", "Nothing was changed"]);
}

#[test]
fn f06_a_review_elsewhere_needs_no_data_folder_and_shows_what_is_set_already() {
    let (home, _servers) = ready();
    let count = one_property(&home);
    assert!(home.path("data").exists());
    fs::remove_dir_all(home.path("data")).unwrap();
    fs::create_dir(home.path("else")).unwrap();
    fs::copy(home.path("q.review"), home.path("else/q.review")).unwrap();
    home.run(&["submit", "q.review", "--write", &count]).ok(0);
    fs::remove_dir_all(home.path("data")).unwrap();
    // The other file knows nothing of that, and the cases do.
    let again = home.run(&["submit", "else/q.review", "--write", &count, "--json"]).ok(0).json();
    assert_eq!((again["counts"]["already_set"].to_string(), again["forms"].as_array().unwrap().len()), (count, 0));
}

#[tokio::test]
async fn f07_a_truncated_file_is_refused_untouched_and_nothing_is_sent() {
    let rig = Approved::new().await;
    let whole = fs::read(rig.path()).unwrap();
    let home = Home::new();
    for part in [1, 2, 3, 5, 9] {
        let cut = &whole[..whole.len() * part / 10];
        fs::write(home.path("q.review"), cut).unwrap();
        for args in [&["submit", "q.review", "--write", "1"][..], &["show", "q.review"]] {
            let ran = home.run(args);
            ran.refused(1, &["q.review", "Nothing was changed"]);
            assert!(["damaged", "not a review"].iter().any(|word| ran.err.contains(word)), "{part}: {ran:?}");
        }
        assert!(fs::read(home.path("q.review")).unwrap() == cut, "{part}: it was changed");
    }
}

#[test]
fn f08_an_edited_plan_is_refused_by_every_command() {
    let (home, servers) = ready();
    let count = one_property(&home);
    let sql = "UPDATE cells SET cells = replace(cells, '[', '[ ') WHERE facility = 1";
    let same = Connection::open(home.path("q.review")).unwrap().execute(sql, []).unwrap();
    assert_eq!(same, 1);
    home.run(&["show", "q.review"]).ok(0);
    let sql = "UPDATE decision SET cells = replace(cells, '\"]', '1\"]') WHERE act = 'approve'";
    assert_eq!(Connection::open(home.path("q.review")).unwrap().execute(sql, []).unwrap(), 1);
    let submit = ["submit", "q.review", "--write", &count];
    for args in [&submit[..], &["show", "q.review"], &["submit", "q.review", "--dry-run", "forms"]] {
        home.run(args).refused(1, &["entry 1 ", "edited", "dhis_village_clinics"]);
    }
    let sql = "UPDATE cells SET cells = replace(cells, '\"REPORTED\"', '\"NOT_REPORTED\"')";
    assert!(Connection::open(home.path("q.review")).unwrap().execute(sql, []).unwrap() > 1);
    for args in [&submit[..], &["show", "q.review"], &["undo", "q.review", "-o", "u.review"]] {
        home.run(args).refused(1, &["changed outside onse", "--new"]);
    }
    assert!(!home.path("forms").exists() && !home.path("u.review").exists());
    drop(servers);
}

/// What was decided on stands in the log as well: where the plan says otherwise now, it is named.
#[tokio::test]
async fn f08_a_changed_value_that_was_decided_on_is_named() {
    let rig = Approved::new().await;
    let (cell, home) = (rig.cells[5], Home::new());
    fs::copy(rig.path(), home.path("q.review")).unwrap();
    let new = rig.plan.offer(cell).unwrap();
    let sql = "UPDATE cells SET cells = replace(cells, ?1, ?2) WHERE facility = ?3";
    let values = (format!("\"{new}\""), format!("\"{new}1\""), cell.facility);
    assert_eq!(Connection::open(home.path("q.review")).unwrap().execute(sql, values).unwrap(), 1);
    let name = &rig.plan.property(cell.property).name;
    home.run(&["submit", "q.review", "--write", "1"])
        .refused(1, &["changed outside onse", "other values", name, "--new"]);
}

#[test]
fn f09_a_review_of_another_case_type_is_refused_with_both() {
    let (home, servers) = ready();
    let count = one_property(&home);
    let other = servers.config().replace("label =", "case_type = \"village\"\nlabel =");
    fs::write(home.path("other.toml"), other).unwrap();
    home.run(&["submit", "q.review", "--write", &count, "--config", "other.toml"])
        .refused(2, &["case type facility_supervision against village", "--profile", "Nothing was changed"]);
}

#[test]
fn f09_a_review_of_another_mapping_is_refused_with_both_ids() {
    let (home, _servers) = ready();
    let count = one_property(&home);
    let own = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/case_property_map.csv")).unwrap();
    let line = own.lines().find(|line| line.contains("dhis_village_clinics")).unwrap();
    let element = line.split(',').map(str::trim).find(|cell| onse::domain::mapping::is_uid(cell)).unwrap();
    fs::write(home.path("other.csv"), own.replace(element, "AbCdEfGhIj1")).unwrap();
    fs::write(home.path("same.csv"), format!("{own}\n")).unwrap();
    let submit = ["submit", "q.review", "--write", &count, "--mapping"];
    home.run(&[&submit[..], &["other.csv"]].concat())
        .refused(2, &["the mapping changed", "dhis_village_clinics", element, "AbCdEfGhIj1", "Nothing was changed"]);
    home.run(&[&submit[..], &["same.csv"]].concat()).ok(0);
}

#[test]
fn f10_a_newer_file_is_refused_by_every_command_and_left_alone() {
    let (home, _servers) = ready();
    let count = one_property(&home);
    let connection = Connection::open(home.path("q.review")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = fs::read(home.path("q.review")).unwrap();
    let submit = ["submit", "q.review", "--write", &count];
    for args in [&submit[..], &["show", "q.review"], &["undo", "q.review", "-o", "u.review"]] {
        home.run(args).refused(1, &["newer onse", "99"]);
    }
    assert!(fs::read(home.path("q.review")).unwrap() == before);
}

#[tokio::test]
async fn f15_only_what_is_approved_goes_and_the_rest_is_told() {
    let rig = Approved::new().await;
    let session = rig.open();
    let mut ledger = session.open().await.unwrap().ledger;
    for (act, cells) in [(Act::Reject, &rig.cells[..3]), (Act::Clear, &rig.cells[3..7])] {
        let entry = ledger.decide(&rig.plan, act, cells.iter().copied(), None, "some", &session.stamp()).unwrap();
        session.record(entry, &rig.plan).await.unwrap();
    }
    let (before, moved) = (everything(&rig.sandbox), rig.cells[8]);
    rig.somebody_writes(moved, "987654321");
    let sent = submit(&session).await.unwrap();
    let opened = session.open().await.unwrap();
    session.close();
    assert_eq!((sent.applied, sent.held.len(), sent.held[0].cell), (rig.cells.len() - 8, 1, moved));
    let after = everything(&rig.sandbox);
    let changed: Vec<_> = after.iter().filter(|(key, value)| before.get(*key) != Some(*value)).collect();
    assert_eq!(changed.len(), sent.applied + 1, "ours, and somebody's");
    assert!(rig.cells[..7].iter().all(|cell| after.get(&key(&rig.plan, *cell)) == before.get(&key(&rig.plan, *cell))));
    assert!(rig.cells[3..7].iter().all(|cell| opened.ledger.verdict(&rig.plan, *cell).is_none()));
    let home = Home::new();
    fs::copy(rig.path(), home.path("q.review")).unwrap();
    let counts = home.run(&["show", "q.review", "--json"]).ok(0).json()["counts"].clone();
    assert_eq!((&counts["rejected"], &counts["sent"]), (&Value::from(3), &Value::from(sent.applied)));
    let count = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(count("undecided") + 3 + count("sent"), count("changes"), "what moved is undecided again: {counts}");
}

#[tokio::test]
async fn f16_a_damaged_journal_is_refused_and_onse_verify_is_offered() {
    let rig = Approved::new().await;
    rig.ends_well().await;
    let whole = fs::read(rig.path()).unwrap();
    let (home, cells) = (Home::new(), rig.cells.len().to_string());
    for (sql, words) in [
        ("UPDATE form SET outcome = 'UNKNOWN' WHERE number = 2", "form 2"),
        ("UPDATE form SET answer = 'fine' WHERE number = 1", "form 1"),
        ("UPDATE form SET cells = replace(cells, '\"new\":\"', '\"new\":\"1') WHERE number = 3", "form 3"),
        ("DELETE FROM form WHERE number = 2", "form 2"),
        ("DELETE FROM seen WHERE form = 2", "form 2"),
        ("UPDATE seen SET outcome = 'NOT_APPLIED' WHERE form = 1", "form 1"),
        ("UPDATE trail SET detail = replace(detail, 'ACCEPTED', 'UNKNOWN') WHERE what = 'answer'", "of the trail"),
        ("DELETE FROM trail WHERE seq = 3", "entry 3 of the trail"),
    ] {
        let path = home.path("q.review");
        fs::write(&path, &whole).unwrap();
        assert!(Connection::open(&path).unwrap().execute(sql, []).unwrap() > 0, "{sql}");
        let damaged = fs::read(&path).unwrap();
        for args in [&["submit", "q.review", "--write", &cells][..], &["show", "q.review"]] {
            home.run(args).refused(1, &[words, "damaged or was edited", "onse verify FILE", "othing was changed"]);
        }
        assert!(fs::read(&path).unwrap() == damaged, "{sql}: it was changed");
    }
}

/// The cases know what became of it: `onse verify` tells it form by form, sends nothing, and leaves the file as it is.
#[test]
fn f16_verify_tells_from_the_cases_what_became_of_each_form() {
    let (home, _servers) = ready();
    let count = one_property(&home);
    let sent = home.run(&["submit", "q.review", "--write", &count, "--json"]).ok(0).json();
    for sql in [
        "UPDATE form SET outcome = 'UNKNOWN' WHERE number = 1",
        "DELETE FROM seen WHERE form = 1",
        "UPDATE seen SET outcome = 'NOT_APPLIED' WHERE form = 1",
        "UPDATE trail SET detail = replace(detail, 'ACCEPTED', 'UNKNOWN') WHERE what = 'answer'",
    ] {
        fs::copy(home.path("q.review"), home.path("d.review")).unwrap();
        assert!(Connection::open(home.path("d.review")).unwrap().execute(sql, []).unwrap() > 0, "{sql}");
        let damaged = fs::read(home.path("d.review")).unwrap();
        home.run(&["submit", "d.review", "--write", &count]).refused(1, &["onse verify FILE"]);
        let ran = home.run(&["verify", "d.review", "--json"]).ok(4);
        let (found, form) = (ran.json(), &sent["forms"][0]);
        assert_eq!(found["forms"].as_array().unwrap().len(), 1, "{sql}: {found}");
        for key in ["form_id", "outcome", "changes"] {
            assert_eq!(found["forms"][0][key], form[key], "{sql}");
        }
        assert_eq!((&found["counts"]["applied"].to_string(), &form["outcome"]), (&count, &"APPLIED".into()), "{sql}");
        assert!(ran.err.contains(&format!("{count} of {count} changes of its forms are in the cases")), "{ran:?}");
        assert!(ran.err.contains("takes no submission any more") && ran.err.contains("onse review --new"), "{ran:?}");
        assert!(fs::read(home.path("d.review")).unwrap() == damaged, "{sql}: it was changed");
    }
}

#[tokio::test]
async fn f17_a_copy_beside_the_file_is_refused_naming_both_until_one_is_left() {
    for name in ["2026Q2 (Ruth's conflicted copy).review", "other.bak", "z"] {
        let rig = Approved::new().await;
        let copy = rig.folder.path().join(name);
        fs::copy(rig.path(), &copy).unwrap();
        let session = rig.open();
        let refused = submit(&session).await.unwrap_err().to_string();
        session.close();
        for part in [name, "2026Q2.review", "is a copy of this review", "Nothing was sent"] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
        assert!(rig.sandbox.forms().is_empty());
        fs::remove_file(copy).unwrap();
        fs::write(rig.folder.path().join("notes.txt"), "no copy").unwrap();
        rig.ends_well().await;
    }
}

#[cfg(unix)]
#[test]
fn f18_links_and_devices_are_no_place_for_a_review_or_for_forms() {
    use std::os::unix::fs::symlink;
    let (home, _servers) = ready();
    let count = one_property(&home);
    let (target, nowhere) = (home.path("precious"), home.path("nowhere"));
    fs::write(&target, "precious").unwrap();
    symlink(&target, home.path("link")).unwrap();
    symlink(&nowhere, home.path("dangling")).unwrap();
    for place in ["link", "dangling", "/dev/null", "/dev/full"] {
        home.run(&["plan", "-o", place]).refused(1, &[place, "exists already", "Nothing was changed"]);
        home.run(&["submit", "q.review", "--dry-run", place]).refused(1, &[place, "othing was "]);
    }
    home.run(&["submit", "q.review", "--write", &count]).ok(0);
    for place in ["link", "dangling", "/dev/null", "/dev/full"] {
        home.run(&["undo", "q.review", "-o", place]).refused(1, &[place, "exists already", "Nothing was changed"]);
    }
    assert_eq!((fs::read(&target).unwrap(), nowhere.exists()), (b"precious".to_vec(), false));
    // A form is written into a file of its own, never through a link that waits there.
    fs::create_dir(home.path("forms")).unwrap();
    symlink(&target, home.path("forms/form-001.xml")).unwrap();
    home.run(&["submit", "q.review", "--dry-run", "forms"]).refused(2, &["is not empty"]);
    assert_eq!(fs::read(&target).unwrap(), b"precious");
}

#[tokio::test]
async fn f19_a_clock_that_jumps_back_changes_no_order() {
    let rig = Approved::new().await;
    let cell = rig.cells[0];
    let store = Store::open(&rig.path()).unwrap();
    let mut ledger = on(store.clone(), connect(rig.line())).open().await.unwrap().ledger;
    for (at, act) in [
        ("2026-07-06T08:00:00Z", Act::Reject),
        ("2026-07-04T08:00:00Z", Act::Approve),
        ("2020-01-01T00:00:00Z", Act::Reject),
    ] {
        let stamp = Stamp { at: at.to_owned(), who: "Ruth".to_owned() };
        let entry = ledger.decide(&rig.plan, act, [cell], None, "one", &stamp).unwrap();
        store.append(entry, Arc::clone(&rig.plan)).await.unwrap();
    }
    store.close();
    let (ticks, sleep) = (
        std::sync::atomic::AtomicI64::new(0),
        Arc::new(|_| -> Later<'static, ()> { Box::pin(std::future::ready(())) }),
    );
    let backwards = move || {
        let hours = ticks.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        clock() - std::time::Duration::from_hours(u64::try_from(hours).unwrap())
    };
    let store = Store::open(&rig.path()).unwrap();
    let session = Session::new(store, Some(connect(rig.line())), Arc::new(backwards), sleep, "Grace");
    let opened = session.open().await.unwrap();
    assert_eq!(opened.ledger.verdict(&rig.plan, cell), Some(Verdict::Reject), "the last one said holds");
    let sent = submit(&session).await.unwrap();
    session.close();
    assert_eq!((sent.applied, sent.forms.len()), (rig.cells.len() - 1, FORMS));
    let Loaded { entries, forms, .. } = Store::read_only(&rig.path()).unwrap();
    assert!(entries.windows(2).all(|two| two[0].seq < two[1].seq));
    assert_eq!(entries.last().map(|entry| entry.at.as_str()), Some("2020-01-01T00:00:00Z"));
    assert!(forms.windows(2).all(|two| two[0].number < two[1].number && two[0].frozen_at > two[1].frozen_at));
    let trail = Store::read_only_trail(&rig.path()).unwrap();
    assert!(trail.damage.is_none() && trail.entries.windows(2).all(|two| two[0].seq + 1 == two[1].seq));
    rig.took_effect_once();
}

#[test]
fn f22_names_with_spaces_accents_and_250_bytes_work() {
    let home = Home::new();
    let servers = Servers::start(&home, &[]);
    let home = home.settings(&servers.config(), Some(&servers.secrets()));
    let long = format!("{}.review", "x".repeat(243));
    assert_eq!(long.len(), 250);
    let names = ["Q2 für Zomba & Ntcheu.review", "a folder of mine/é ñ 中文 'quoted' \"so\" %41?#.review", &long];
    for (number, name) in names.into_iter().enumerate() {
        let path = home.path(name);
        let path = path.to_str().unwrap();
        home.run(&["plan", "-o", path, "--period", "2026Q2"]).ok(3);
        let approved = || home.run(&["show", path, "--json"]).ok(0).json()["counts"]["approved"].to_string();
        let review = home.run(&["show", path, "--json"]).ok(0).json();
        // What one of them sends is set already for the next, so each takes another facility.
        for facility in review["facilities"].as_array().unwrap().iter().skip(number * 8) {
            home.run(&["decide", path, "--where", facility["case_id"].as_str().unwrap(), "--approve"]);
            if approved() != "0" {
                break;
            }
        }
        let count = approved();
        home.run(&["submit", path, "--dry-run", &format!("forms of {number} é")]).ok(0);
        let sent = home.run(&["submit", path, "--write", &count]).ok(0);
        assert!(count != "0" && sent.out.contains(&format!("applied {count}")), "{sent:?}");
        // Of the longest names SQLite may leave its log beside the file, with nothing in it.
        let beside = |left: &Path| left.to_str().unwrap().strip_prefix(path).map(str::to_owned);
        for (end, bytes) in home.files().into_iter().filter_map(|(left, bytes)| Some((beside(&left)?, bytes))) {
            let no_more = name.len() == 250 && (end == "-shm" || (end == "-wal" && bytes.is_empty()));
            assert!(end.is_empty() || no_more, "{path}{end}");
        }
        fs::copy(path, home.path("mailed.review")).unwrap();
        let mailed = home.run(&["show", "mailed.review", "--json"]).ok(0).json();
        assert_eq!(mailed["counts"]["sent"].to_string(), count, "{name}");
    }
}
