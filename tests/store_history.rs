//! Earlier quarters in the review file, and a review file from before there were any.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

#[expect(dead_code, reason = "only the plan of it is used here, no screen")]
mod common;
mod support;

use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use jiff::Timestamp;
use onse::{
    domain::{
        history::{Cached, Change, Sheet},
        outcome::Outcome,
        plan::Cell,
        quarter::Quarter,
    },
    io::store::{FacilityHistory, Store},
    job::session::{Session, opened},
};

const SET: &str = "q1Es3k3sZem";
const ELEMENT: &str = "de0";
/// The property of `common::property::BEDS`, without its `dhis_`.
const BEDS: &str = "what_is_the_total_number_of_beds_at_the_facility";

fn quarter(text: &str) -> Quarter {
    Quarter::parse(text).unwrap()
}

/// Three quarters of one data element, of which the middle one has no row, and one of another.
fn sheet() -> Sheet {
    let quarters = [quarter("2026Q1"), quarter("2025Q4"), quarter("2025Q3")];
    let of = |element, at, option, value| Change {
        element,
        quarter: quarters[at],
        category_option_combo: option,
        attribute_option_combo: "HllvX50cXC0",
        value: Some(value),
    };
    let rows = [
        of(ELEMENT, 2, "male", "7"),
        of(ELEMENT, 0, "male", "12 (est)\u{1b}"),
        of(ELEMENT, 0, "female", "4"),
        of("e9", 1, "é", "1"),
    ];
    let (unit, elements) = ("u".to_owned(), [ELEMENT.to_owned(), "e9".to_owned()]);
    let mut cached = Cached::unknown(std::slice::from_ref(&unit), &elements, &quarters);
    let at: Timestamp = "2026-07-05T09:41:00Z".parse().unwrap();
    cached.read(&unit, &quarters[..2], &rows[1..], at);
    cached.read(&unit, &quarters[2..], &rows[..1], at);
    cached.sheet(&unit, &BTreeSet::from([ELEMENT, "e9"]))
}

async fn filled(path: &Path, history: Vec<FacilityHistory>) -> Store {
    let store = Store::create(path).unwrap();
    store.save_plan(Arc::new(common::plan(4)), support::used(1000), Vec::new(), history).await.unwrap();
    store
}

fn of_facility(facility: u32) -> FacilityHistory {
    FacilityHistory { facility, data_set: SET.to_owned(), sheet: sheet() }
}

/// What the file tells of a cell: each quarter with its values.
async fn told(store: &Store, generation: u32, facility: u32, set: &str, element: &str) -> Option<Vec<String>> {
    let past = store.history(generation, facility, set.to_owned(), element.to_owned()).await.unwrap()?;
    let line = |past: &onse::domain::history::Past| {
        let values: Vec<&str> = past.parts.iter().map(|part| part.value.as_str()).collect();
        format!("{}: {}", past.quarter, values.join(" + "))
    };
    Some(past.iter().map(line).collect())
}

#[tokio::test]
async fn earlier_quarters_come_back_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    let empty = FacilityHistory { sheet: Sheet::default(), ..of_facility(3) };
    let store = filled(&path, vec![of_facility(2), of_facility(0), empty]).await;
    let expected = ["2026Q1: 4 + 12 (est)\u{1b}", "2025Q4: ", "2025Q3: 7"].map(str::to_owned);
    assert_eq!(told(&store, 1, 2, SET, ELEMENT).await.unwrap(), expected);
    assert_eq!(told(&store, 1, 0, SET, "e9").await.unwrap()[1], "2025Q4: 1");
    let parts = store.history(1, 0, SET.to_owned(), ELEMENT.to_owned()).await.unwrap().unwrap().remove(0).parts;
    let keys: Vec<_> =
        parts.iter().map(|p| (p.category_option_combo.as_str(), p.attribute_option_combo.as_str())).collect();
    assert_eq!(keys, [("female", "HllvX50cXC0"), ("male", "HllvX50cXC0")]);
    // Not asked for is not the same as nothing stored.
    for (generation, facility, set, element) in [
        (1, 1, SET, ELEMENT),
        (1, 0, "another", ELEMENT),
        (1, 0, SET, "another"),
        (2, 0, SET, ELEMENT),
        (1, 3, SET, ELEMENT),
    ] {
        assert_eq!(
            told(&store, generation, facility, set, element).await,
            None,
            "{generation} {facility} {set} {element}"
        );
    }
    store.close();
    let all = Store::read_only_history(&path, 1).unwrap();
    assert_eq!(all.keys().map(|(facility, _)| *facility).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(all[&(2, SET.to_owned())], sheet(), "with the time it was read");
}

#[tokio::test]
async fn a_plan_and_its_history_are_written_together_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("q.review")).unwrap();
    let twice = vec![of_facility(0), of_facility(0)];
    assert!(store.save_plan(Arc::new(common::plan(4)), support::used(1000), Vec::new(), twice).await.is_err());
    assert!(store.load().await.unwrap_err().to_string().contains("cannot read the review"));
    assert_eq!(told(&store, 1, 0, SET, ELEMENT).await, None);
}

#[tokio::test]
async fn a_damaged_history_is_told_and_harms_no_other_cell() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    filled(&path, vec![of_facility(0), of_facility(1)]).await.close();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("UPDATE history SET rows = x'00' WHERE facility = 0", []).unwrap();
    drop(connection);
    let store = Store::open(&path).unwrap();
    let error = store.history(1, 0, SET.to_owned(), ELEMENT.to_owned()).await.unwrap_err();
    assert!(format!("{error:#}").contains("the earlier quarters are damaged"), "{error:#}");
    assert_eq!(told(&store, 1, 1, SET, ELEMENT).await.unwrap().len(), 3);
    assert!(store.load().await.is_ok());
}

/// A copy of the file that a program wrote when review files had version 1.
fn version_1(folder: &Path) -> PathBuf {
    let packed = include_bytes!("data/reviews/version-1.review.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
    let path = folder.join("old.review");
    fs::write(&path, bytes).unwrap();
    path
}

fn version(path: &Path) -> u32 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// Whether all that stood in the old file is told.
fn is_whole(loaded: onse::io::store::Loaded) {
    assert_eq!((loaded.entries.len(), loaded.forms.len(), loaded.place.as_deref()), (2, 1, Some("{\"screen\":2}")));
    let cell = |facility, property| Cell { facility, property };
    let review = opened(loaded).unwrap();
    assert_eq!((review.plan.height(), review.plan.width()), (3, 2));
    assert_eq!(review.plan.new_value(cell(0, 0)), Some("31"));
    assert_eq!(review.ledger.reason(cell(0, 0)), Some("checked by phone"));
    assert_eq!(review.forms[0].outcome(), Outcome::Frozen);
}

#[tokio::test]
async fn a_file_of_version_1_is_read_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path());
    let before = fs::read(&path).unwrap();
    is_whole(Store::read_only(&path).unwrap());
    assert!(Store::read_only_history(&path, 1).unwrap().is_empty());
    assert!(!Store::read_only_parts(&path, 1).unwrap().is_empty());
    // Where it cannot be written, as while another has it.
    let _holder = onse::io::store::Holder::take(&path).unwrap();
    let store = Store::open_or_read(&path).unwrap();
    assert!(store.only_reads().is_some());
    assert_eq!(told(&store, 1, 0, "ds000000001", "de000000000").await, None);
    assert_eq!(store.parts(1, 0, "ds000000001".to_owned(), "de000000000".to_owned()).await.unwrap().len(), 1);
    store.close();
    assert_eq!((version(&path), fs::read(&path).unwrap() == before), (1, true), "not a byte is changed");
}

#[tokio::test]
async fn a_file_of_version_1_gets_what_is_new_when_it_is_opened_for_writing() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path());
    for _ in 0..2 {
        let store = Store::open(&path).unwrap();
        is_whole(store.load().await.unwrap());
        assert_eq!(told(&store, 1, 0, "ds000000001", "de000000000").await, None);
        assert_eq!(store.parts(1, 0, "ds000000001".to_owned(), "de000000000".to_owned()).await.unwrap().len(), 1);
        store.close();
        assert_eq!(version(&path), 6);
    }
    let tables = |path: &Path| -> Vec<String> {
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut select =
            connection.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").unwrap();
        let all = select.query_map([], |row| row.get(0)).unwrap();
        all.map(Result::unwrap).collect()
    };
    let new = folder.path().join("new.review");
    Store::create(&new).unwrap().close();
    assert_eq!(version(&new), 6);
    assert_eq!(tables(&path), tables(&new), "an old file becomes what a new one is");
}

#[tokio::test]
async fn a_file_without_a_version_or_of_a_later_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path());
    for (number, why) in
        [(0, "is not a review file, or it is damaged"), (-1, "is not a review file"), (7, "made by a newer onse")]
    {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", number).unwrap();
        drop(connection);
        let error = Store::open(&path).unwrap_err().to_string();
        assert!(error.contains(why), "{number}: {error}");
    }
}

/// A review of four facilities; of the beds of the first, it was asked for one quarter before.
async fn beds(path: &Path) -> Store {
    let plan = common::plan(4);
    let property = plan.property(common::property::BEDS);
    let (quarters, elements) = ([quarter("2026Q1")], std::slice::from_ref(&property.data_element));
    let mut cached = Cached::unknown(&["u".to_owned()], elements, &quarters);
    let row = Change {
        element: &property.data_element,
        quarter: quarters[0],
        category_option_combo: "c",
        attribute_option_combo: "a",
        value: Some("28"),
    };
    cached.read("u", &quarters, &[row], Timestamp::UNIX_EPOCH);
    let sheet = cached.sheet("u", &BTreeSet::from([property.data_element.as_str()]));
    filled(path, vec![FacilityHistory { facility: 0, data_set: property.data_set.clone(), sheet }]).await
}

#[tokio::test]
async fn the_detail_of_a_cell_tells_its_series() {
    let folder = tempfile::tempdir().unwrap();
    let store = beds(&folder.path().join("q.review")).await;
    let sleep = Arc::new(|_| -> onse::io::transport::Later<'static, ()> { Box::pin(std::future::ready(())) });
    let session = Session::new(store, None, Arc::new(support::clock), sleep, "Grace");
    let plan = common::plan(4);
    let series = session.detail(&plan, common::cell(0, common::property::BEDS)).await.unwrap().history.unwrap();
    assert_eq!(series.phrases(), ["last 4: 28 - - -", "a year ago -", "usual 28"]);
    let other = session.detail(&plan, common::cell(1, common::property::BEDS)).await.unwrap();
    assert_eq!(other.history, None, "not asked for");
}

/// Standard output of `onse show`, which reads no settings and asks nobody.
fn show(args: &[&str], path: &Path) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_onse")).arg("show").args(args).arg(path).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stdout).unwrap()
}

#[tokio::test]
async fn show_tells_earlier_quarters_of_what_is_asked_for_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    beds(&path).await.close();
    let told = "    last 4: 28 - - -    a year ago -    usual 28";
    let text = show(&["--facility", "Kasenga HC", "--property", BEDS], &path);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[lines.len() - 2].starts_with("Kasenga HC") && *lines.last().unwrap() == told, "{text}");
    assert_eq!(show(&["--property", BEDS], &path).matches(told).count(), 1);
    assert_eq!(show(&["--facility", "Kasenga HC"], &path).matches("last 4").count(), 1);
    assert!(!show(&["--facility", "Chitowe RH"], &path).contains("last 4"), "not asked for, so nothing is said");
    assert!(!show(&[], &path).contains("last 4"));
    let json = show(&["--json"], &path);
    assert_eq!(json.matches(r#""history":[{"period":"2026Q1","value":"28"}]"#).count(), 1);
    assert_eq!(json.matches(r#""history":"#).count(), 4 * 21);
    let old = show(&["--json"], &version_1(folder.path()));
    assert_eq!(old.matches(r#""history":null"#).count(), 6, "{old}");
}

/// Version 5 has the tables of version 4: only notes are new.
#[tokio::test]
async fn a_file_of_version_4_takes_notes_and_goes_on_with_its_trail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    beds(&path).await.close();
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 4).unwrap();
    let before = Store::read_only_trail(&path).unwrap();
    assert_eq!(version(&path), 4, "reading brings it nowhere");
    let store = Store::open(&path).unwrap();
    let plan = Arc::new(store.load().await.unwrap().plan);
    let mut ledger = onse::domain::ledger::Ledger::new(&plan);
    let cell = plan.cells().find(|cell| onse::domain::ledger::Act::Approve.fits(&plan, *cell)).unwrap();
    let stamp = onse::domain::ledger::Stamp { at: "2026-07-05T12:00:00Z".to_owned(), who: "Grace".to_owned() };
    let entries = [
        ledger.put_note(&plan, [cell], " asked the \u{1b}district ", "a cell", &stamp).unwrap(),
        ledger.put_note(&plan, [cell], "", "a cell", &stamp).unwrap(),
        ledger.undo(&plan, &stamp).unwrap(),
    ];
    for entry in &entries {
        store.append(entry.clone(), Arc::clone(&plan)).await.unwrap();
    }
    store.close();
    assert_eq!(version(&path), 6);
    let loaded = Store::read_only(&path).unwrap();
    assert_eq!(loaded.entries, entries);
    let again = opened(loaded).unwrap().ledger;
    assert_eq!(again.note(cell), Some("asked the \u{1b}district"));
    let trail = Store::read_only_trail(&path).unwrap();
    assert_eq!((&trail.entries[..before.entries.len()], trail.damage), (&before.entries[..], None));
    let told = show(&["--trail"], &path);
    let lines: Vec<&str> = told.lines().rev().skip(1).take(3).collect();
    assert!(lines[2].ends_with("decision 1: note 1 cell: a cell; it says: asked the <1B>district"), "{told}");
    assert!(lines[1].ends_with("decision 2: note 1 cell: a cell; taken away"), "{told}");
    assert!(lines[0].ends_with("decision 3: undo decision 2"), "{told}");
    let json = show(&["--json"], &path);
    assert_eq!(json.matches(r#""note":"asked the \u001bdistrict""#).count(), 1, "{json}");
}

/// Version 6 has the tables of version 5: only imports are new.
#[tokio::test]
async fn a_file_of_version_5_takes_imports_and_holds_each_row_to_its_values() {
    use onse::domain::ledger::{Act, Ledger, Row, Stamp};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    beds(&path).await.close();
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 5).unwrap();
    let store = Store::open(&path).unwrap();
    let plan = Arc::new(store.load().await.unwrap().plan);
    let mut ledger = Ledger::new(&plan);
    let stamp = Stamp { at: "2026-07-05T12:00:00Z".to_owned(), who: "Grace".to_owned() };
    let free = ledger.undecided(&plan, plan.cells()).plain;
    let row = |at: usize, act, reason: Option<&str>| Row { cell: free[at], act, reason: reason.map(str::to_owned) };
    let rows =
        vec![row(0, Act::Approve, None), row(1, Act::Reject, Some("twice \u{1b}")), row(2, Act::Approve, Some("seen"))];
    let entries = [
        ledger.import(&plan, rows, "3 verdicts from a.csv", &stamp).unwrap(),
        ledger.undo(&plan, &stamp).unwrap(),
        ledger.redo(&plan, &stamp).unwrap(),
    ];
    for entry in &entries {
        store.append(entry.clone(), Arc::clone(&plan)).await.unwrap();
    }
    store.close();
    assert_eq!(version(&path), 6);
    assert_eq!(Store::read_only(&path).unwrap().entries, entries);
    let again = opened(Store::read_only(&path).unwrap()).unwrap().ledger;
    assert_eq!(
        (again.all(), again.reason(free[1]), again.last_done()),
        (ledger.all(), Some("twice \u{1b}"), ledger.last_done())
    );
    let told = show(&["--trail"], &path);
    let lines: Vec<&str> = told.lines().rev().skip(1).take(3).collect();
    assert!(lines[2].ends_with("Grace  decision 1: import 3 verdicts from a.csv"), "{told}");
    assert!(lines[0].ends_with("decision 3: redo decision 1"), "{told}");

    let whole = fs::read(&path).unwrap();
    for (sql, words) in [
        ("UPDATE decision SET cells = 'x' WHERE seq = 1", "damaged"),
        ("UPDATE decision SET cells = replace(cells, 'approve', 'maybe') WHERE seq = 1", "damaged"),
        ("UPDATE decision SET cells = '[[99999,0,null,null,\"reject\",null]]' WHERE seq = 1", "does not exist"),
        ("UPDATE decision SET cells = '[]' WHERE seq = 1", "of the trail"),
        ("UPDATE decision SET cells = replace(cells, 'reject', 'approve') WHERE seq = 1", "of the trail"),
        ("UPDATE decision SET cells = replace(cells, 'seen', 'sent') WHERE seq = 1", "of the trail"),
        (
            "UPDATE decision SET cells = json_replace(cells, '$[0][3]', '424242') WHERE seq = 1",
            "other values than the plan holds",
        ),
        ("UPDATE decision SET act = 'approve' WHERE seq = 1", "damaged"),
    ] {
        fs::write(&path, &whole).unwrap();
        assert_eq!(rusqlite::Connection::open(&path).unwrap().execute(sql, []).unwrap(), 1, "{sql}");
        let error = Store::read_only(&path).map_err(|error| format!("{error:#}")).map(drop).unwrap_err();
        assert!(error.contains("entry 1 ") && error.contains(words), "{sql}: {error}");
    }
}
