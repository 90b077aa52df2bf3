//! What is known between runs: it comes back, it is of the one it was told to, it is forgotten in time, and whatever is wrong with
//! its file, nothing but the asking again comes of it.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use onse::{
    domain::{
        history::{Cached, Change, Sheet},
        quarter::Quarter,
    },
    io::known::{Account, Known, Place, Run},
};
use rusqlite::Connection;

const SERVER: &str = "https://hmis.example.org/api/";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn quarter(text: &str) -> Quarter {
    Quarter::parse(text).unwrap()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn importer() -> Account {
    Account::new(SERVER, "importer").unwrap()
}

/// Two units, two data elements, two quarters.
struct Asked(Vec<String>, Vec<String>, Vec<Quarter>);

fn asked() -> Asked {
    Asked(owned(&["u1", "u2"]), owned(&["e1", "e2"]), vec![quarter("2026Q1"), quarter("2025Q4")])
}

async fn cached(known: &Known, account: &Account) -> Cached {
    let Asked(units, elements, quarters) = asked();
    known.history(account, &units, &elements, &quarters).await
}

/// Everything read at this time: 12 for `e1` in 2026Q1, and nothing else stored.
fn told(now: Timestamp) -> Arc<Cached> {
    let Asked(units, elements, quarters) = asked();
    let mut cached = Cached::unknown(&units, &elements, &quarters);
    for unit in &units {
        cached.read(unit, &quarters, &[row("12")], now);
    }
    Arc::new(cached)
}

fn row(value: &str) -> Change<'_> {
    Change {
        element: "e1",
        quarter: quarter("2026Q1"),
        category_option_combo: "c1",
        attribute_option_combo: "a1",
        value: Some(value),
    }
}

/// What the series of `e1` reads, where it is known.
fn shown(cached: &Cached, unit: &str) -> Option<String> {
    let known = !cached.past(unit, "e1").is_empty();
    known.then(|| cached.series(unit, "e1", quarter("2026Q2")).last(2))
}

fn place(project: &str) -> Place {
    Place { dhis2: SERVER.to_owned(), project: project.to_owned(), ..Place::default() }
}

fn run(day: u8, facilities: usize) -> Run {
    Run { quarter: quarter("2026Q2"), at: at(&format!("2026-07-{day:02}T08:00:00Z")), facilities }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A file that knows something of everything.
async fn filled(folder: &Path) -> PathBuf {
    let known = Known::in_folder(folder);
    let now = at("2026-07-05T12:00:00Z");
    known.keep_longest(SERVER, 2048, now).await;
    known.keep_run(&place("p"), run(5, 1106)).await;
    known.keep_history(&importer(), told(now), now).await;
    assert_eq!(known.note(), None);
    known.close();
    assert_eq!(files(folder), ["known.sqlite"], "one file is left");
    folder.join("known.sqlite")
}

#[tokio::test]
async fn nothing_is_made_before_something_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let known = Known::in_folder(&folder.path().join("not/there/yet"));
    assert!(files(folder.path()).is_empty());
    assert_eq!(known.longest(SERVER, at("2026-07-05T12:00:00Z")).await, None);
    assert!(known.runs(&place("p")).await.is_empty());
    assert_eq!(cached(&known, &importer()).await.needs(at("2026-07-05T12:00:00Z"))[0].units, ["u1", "u2"]);
    assert_eq!(known.note(), None, "a file that is missing is no trouble");
    known.close();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let below = folder.path().join("not/there/yet");
        assert_eq!((mode(&below), mode(&below.join("known.sqlite"))), (0o700, 0o600));
    }
}

#[tokio::test]
async fn what_was_kept_comes_back_in_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let (known, now) = (Known::in_folder(folder.path()), at("2026-07-06T11:00:00Z"));
    assert_eq!(known.longest(SERVER, now).await, Some(2048));
    assert_eq!(known.runs(&place("p")).await, [run(5, 1106)]);
    let cached = cached(&known, &importer()).await;
    assert_eq!(cached.needs(now), []);
    assert_eq!(shown(&cached, "u2").as_deref(), Some("12 -"));
    assert_eq!(cached.past("u2", "e2").len(), 2, "that nothing is stored is known too");
    assert_eq!(cached.news().count(), 0);
    assert_eq!(known.note(), None);
}

#[tokio::test]
async fn what_one_account_was_told_is_not_used_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    let known = Known::in_folder(folder.path());
    for (server, name) in [(SERVER, "importer2"), ("https://other.example.org/api/", "importer"), (SERVER, "Importer")]
    {
        let other = Account::new(server, name).unwrap();
        assert_eq!(shown(&cached(&known, &other).await, "u1"), None, "{server} {name}");
    }
    assert_eq!(known.longest("https://other.example.org/api/", at("2026-07-05T12:00:00Z")).await, None);
    assert_eq!(Account::new(SERVER, " "), None);
    known.close();
    let bytes = fs::read(path).unwrap();
    assert!(!bytes.windows(8).any(|window| window == b"importer"), "no name is kept");
}

#[tokio::test]
async fn runs_are_of_one_place_and_the_newest_first() {
    let known = Known::in_memory();
    known.keep_run(&place("p"), run(7, 1104)).await;
    known.keep_run(&place("p"), run(5, 1106)).await;
    known.keep_run(&place("q"), run(9, 3)).await;
    let scoped = Place { scope: "Zomba".to_owned(), ..place("p") };
    known.keep_run(&scoped, run(8, 1)).await;
    assert_eq!(known.runs(&place("p")).await, [run(7, 1104), run(5, 1106)]);
    assert_eq!(known.runs(&scoped).await, [run(8, 1)]);
    for facilities in 0..30 {
        known.keep_run(&place("p"), run(20, facilities)).await;
    }
    let kept = known.runs(&place("p")).await;
    assert_eq!((kept.len(), kept[0], kept[19]), (20, run(20, 29), run(20, 10)), "of one second, the later one");
    assert_eq!(known.runs(&place("q")).await, [run(9, 3)]);
    assert_eq!(known.note(), None);
}

#[tokio::test]
async fn a_short_request_line_is_not_kept_for_ever() {
    let (known, then) = (Known::in_memory(), at("2026-01-01T00:00:00Z"));
    known.keep_longest(SERVER, 8192, then).await;
    known.keep_longest(SERVER, 4096, then).await;
    assert_eq!(known.longest(SERVER, at("2026-07-20T00:00:00Z")).await, Some(4096));
    assert_eq!(known.longest(SERVER, at("2026-07-20T00:00:01Z")).await, None);
    assert_eq!(known.longest(SERVER, at("2025-12-31T00:00:00Z")).await, None, "a clock that was wrong");
}

#[tokio::test]
async fn of_two_runs_at_once_the_later_reading_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Known::in_folder(folder.path()), Known::in_folder(folder.path()));
    let Asked(units, elements, quarters) = asked();
    let mut later = cached(&two, &importer()).await;
    later.read("u1", &quarters[..1], &[row("70")], at("2026-07-05T12:00:30Z"));
    two.keep_history(&importer(), Arc::new(later), at("2026-07-05T12:01:00Z")).await;
    one.keep_history(&importer(), told(at("2026-07-05T12:00:00Z")), at("2026-07-05T12:02:00Z")).await;
    for known in [&one, &two] {
        let kept = known.history(&importer(), &units, &elements, &quarters).await;
        assert_eq!((shown(&kept, "u1").unwrap(), shown(&kept, "u2").unwrap()), ("70 -".to_owned(), "12 -".to_owned()));
        assert_eq!(known.note(), None);
    }
}

/// The data elements in the file, with their quarters.
fn held(path: &Path, unit: &str) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let bytes: Result<Vec<u8>, _> =
        connection.query_row("SELECT sheet FROM history WHERE unit = ?1", [unit], |row| row.get(0));
    let sheet = bytes.map_or_else(|_| Sheet::default(), |bytes| Sheet::from_bytes(&bytes).unwrap());
    sheet.iter().map(|fact| format!("{} {}", fact.element, fact.quarter)).collect()
}

#[tokio::test]
async fn what_nobody_can_use_any_more_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    assert_eq!(held(&path, "u1"), ["e1 2026Q1", "e1 2025Q4", "e2 2026Q1", "e2 2025Q4"]);
    let known = Known::in_folder(folder.path());
    let keep = async |now: Timestamp| {
        // Only `e2` of `u1` is mapped now.
        let quarters = [quarter("2026Q1")];
        let mut cached = known.history(&importer(), &owned(&["u1"]), &owned(&["e2"]), &quarters).await;
        cached.read("u1", &quarters, &[], now);
        known.keep_history(&importer(), Arc::new(cached), now).await;
    };
    keep(at("2026-10-05T00:00:00Z")).await;
    assert_eq!(held(&path, "u1").len(), 4, "a quarter later it is a base for asking what changed");
    keep(at("2027-01-25T00:00:00Z")).await;
    assert_eq!(held(&path, "u1"), ["e2 2026Q1"], "no longer mapped");
    assert_eq!(held(&path, "u2"), [""; 0], "no longer in scope");
    // A clock that was wrong by years must not keep the true ones out.
    keep(at("2036-01-01T00:00:00Z")).await;
    keep(at("2027-01-26T00:00:00Z")).await;
    let now = at("2027-01-26T01:00:00Z");
    let kept = known.history(&importer(), &owned(&["u1"]), &owned(&["e2"]), &[quarter("2026Q1")]).await;
    assert_eq!(kept.needs(now), []);
    assert_eq!(known.note(), None);
}

/// Whether nothing is known at first, all can be kept and told again in the same run, and the trouble was said once.
async fn goes_on_with_a_new_file(folder: &Path, why: &str) {
    let (known, now) = (Known::in_folder(folder), at("2026-07-05T12:00:00Z"));
    assert_eq!(known.longest(SERVER, now).await, None, "{why}");
    assert!(known.runs(&place("p")).await.is_empty());
    assert_eq!(shown(&cached(&known, &importer()).await, "u1"), None);
    known.keep_history(&importer(), told(now), now).await;
    assert_eq!(shown(&cached(&known, &importer()).await, "u1").as_deref(), Some("12 -"));
    let note = known.note().unwrap();
    for part in ["known.sqlite was damaged (", why, "is now ", "known.sqlite.damaged", "nothing else changes"] {
        assert!(note.contains(part), "{part}: {note}");
    }
    assert_eq!(known.note(), None, "said once");
    known.close();
    assert_eq!(files(folder), ["known.sqlite", "known.sqlite.damaged"]);
}

#[tokio::test]
async fn a_damaged_file_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known.sqlite");
    fs::write(&path, "no database, whatever its name says. ".repeat(40)).unwrap();
    let before = fs::read(&path).unwrap();
    goes_on_with_a_new_file(folder.path(), "not a database").await;
    assert_eq!(fs::read(folder.path().join("known.sqlite.damaged")).unwrap(), before);
    // A second time takes the place of the first: the folder does not fill up.
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[200..end].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    goes_on_with_a_new_file(folder.path(), "malformed").await;
    // A file of someone else, and one whose tables are gone.
    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine(a); INSERT INTO mine VALUES(7);").unwrap();
    goes_on_with_a_new_file(folder.path(), "not a file of what onse knows").await;
    let theirs = Connection::open(folder.path().join("known.sqlite.damaged")).unwrap();
    assert_eq!(theirs.query_row("SELECT a FROM mine", [], |row| row.get::<_, u8>(0)).unwrap(), 7, "nothing is lost");
    drop(theirs);
    Connection::open(&path).unwrap().execute_batch("DROP TABLE server;").unwrap();
    goes_on_with_a_new_file(folder.path(), "no such table").await;
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    let before = fs::read(&path).unwrap();
    knows_nothing(folder.path(), "made by a newer onse (version 2, this one reads 1)").await;
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_locked_file_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA locking_mode = exclusive; BEGIN EXCLUSIVE;").unwrap();
    knows_nothing(folder.path(), "locked").await;
    drop(other);
    let known = Known::in_folder(folder.path());
    assert_eq!(shown(&cached(&known, &importer()).await, "u1").as_deref(), Some("12 -"), "the next run uses it");
}

#[tokio::test]
async fn a_place_that_takes_no_file_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    knows_nothing(&folder.path().join("file"), "file/known.sqlite: ").await;
    fs::create_dir(folder.path().join("known.sqlite")).unwrap();
    knows_nothing(folder.path(), "known.sqlite: ").await;
    assert_eq!(files(folder.path()), ["file", "known.sqlite"]);
}

/// Whether nothing is known or kept in this run, and that is said once.
async fn knows_nothing(folder: &Path, why: &str) {
    let (known, now) = (Known::in_folder(folder), at("2026-07-05T12:00:00Z"));
    known.keep_history(&importer(), told(now), now).await;
    known.keep_run(&place("p"), run(5, 1106)).await;
    known.keep_longest(SERVER, 2048, now).await;
    assert_eq!(known.longest(SERVER, now).await, None);
    assert!(known.runs(&place("p")).await.is_empty());
    assert_eq!(cached(&known, &importer()).await.needs(now)[0].units, ["u1", "u2"]);
    let note = known.note().unwrap();
    assert!(note.starts_with("nothing of earlier runs is used: ") && note.contains(why), "{note}");
    assert!(note.ends_with("The servers are asked for everything; nothing else changes"), "{note}");
    assert_eq!(known.note(), None, "said once");
}

#[tokio::test]
async fn a_sheet_that_was_changed_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    let change =
        "UPDATE history SET sheet = (SELECT CAST(REPLACE(CAST(sheet AS TEXT), '12', '92') AS BLOB)) WHERE unit = 'u1'";
    for change in
        [change, "UPDATE history SET unit = 'u9' WHERE unit = 'u2'; UPDATE history SET unit = 'u2' WHERE unit = 'u1'"]
    {
        Connection::open(&path).unwrap().execute_batch(change).unwrap();
        let (known, now) = (Known::in_folder(folder.path()), at("2026-07-05T12:00:00Z"));
        let cached = cached(&known, &importer()).await;
        assert_eq!(shown(&cached, "u1"), None);
        assert!(known.note().unwrap().contains("damaged and is asked for again"));
        assert_eq!(cached.needs(now)[0].units[0], "u1");
        known.close();
        if change.starts_with("UPDATE history SET sheet") {
            let known = Known::in_folder(folder.path());
            known.keep_history(&importer(), told(now), now).await;
            assert_eq!(
                shown(&self::cached(&known, &importer()).await, "u1").as_deref(),
                Some("12 -"),
                "and kept again"
            );
            known.close();
        }
    }
}

/// Wherever a bit is turned in the file, a unit is told as it was or not at all.
#[tokio::test]
async fn no_turned_bit_makes_another_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    let whole = fs::read(&path).unwrap();
    let mut told_nothing = 0;
    for turn in 0..400 {
        let mut bytes = whole.clone();
        // Spread over the file by a step that shares no factor with its size.
        let byte = turn * 7919 % whole.len();
        bytes[byte] ^= 1 << (turn % 8);
        fs::write(&path, &bytes).unwrap();
        let known = Known::in_folder(folder.path());
        let cached = cached(&known, &importer()).await;
        for unit in ["u1", "u2"] {
            let shown = shown(&cached, unit);
            told_nothing += usize::from(shown.is_none());
            assert!(shown.is_none_or(|shown| shown == "12 -"), "byte {byte}");
        }
        known.close();
        for file in files(folder.path()) {
            fs::remove_file(folder.path().join(file)).unwrap();
        }
    }
    assert!(told_nothing > 0, "some bits matter");
}

#[tokio::test]
async fn after_closing_nothing_is_known() {
    let known = Known::in_memory();
    let now = at("2026-07-05T12:00:00Z");
    known.keep_longest(SERVER, 2048, now).await;
    assert_eq!(known.clone().longest(SERVER, now).await, Some(2048));
    known.close();
    known.close();
    known.keep_longest(SERVER, 4096, now).await;
    assert_eq!((known.longest(SERVER, now).await, known.note()), (None, None));
}
