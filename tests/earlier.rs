//! A quarter after a quarter: what the review of the first tells the reading of the second, and a reading again of one review.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use onse::{
    domain::{
        flags::{Accepted, Earlier, Flag, Limit, Limits, Relation, Severity, soften},
        ledger::Act,
        plan::{Cell, Kind, Plan},
        quarter::Quarter,
        value::Number,
    },
    io::store::Store,
    job::{
        earlier::{EarlierFrom, Search, Told},
        fetch::Ask,
        session::{Opened, Session},
        undo::undone,
    },
    sandbox::Sandbox,
};
use support::{ORIGIN, approve, ask, connect, on, read, sandbox, submit};

const REASON: &str = "seen with the district";

fn quarter(text: &str) -> Quarter {
    Quarter::parse(text).unwrap()
}

/// What is to be read of this quarter, with the reviews of this folder.
fn asking(of: &str, folder: &Path) -> Ask {
    let earlier = EarlierFrom { folder: Some(folder.to_owned()), file: None };
    Ask { quarter: quarter(of), earlier, ..ask(&[]) }
}

/// The same, and the one review asked for by name.
fn previous(of: &str, folder: &Path, file: &Path) -> Ask {
    let earlier = EarlierFrom { file: Some(file.to_owned()), ..asking(of, folder).earlier };
    Ask { earlier, ..asking(of, folder) }
}

fn begin(path: &Path, sandbox: &Sandbox) -> Session {
    on(Store::create(path).unwrap(), connect(sandbox.transport(ORIGIN)))
}

fn told(ask: &Ask) -> Told {
    Search::of(ask).read().unwrap()
}

fn ids(plan: &Plan, cell: Cell) -> (&str, &str) {
    (&plan.facility(cell.facility).case_id, &plan.property(cell.property).name)
}

/// A folder with one review of 2026Q1, of which a STOP was approved with a reason and, beside it, a change without a flag; both were
/// sent and read back.
struct Before {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
    file: PathBuf,
    opened: Opened,
    stop: Cell,
    free: Cell,
}

async fn before() -> Before {
    let (sandbox, folder) = (sandbox(30), tempfile::tempdir().unwrap());
    let file = folder.path().join("2026Q1-20260405T090000.000Z.review");
    let session = begin(&file, &sandbox);
    let mut opened = read(&session, &asking("2026Q1", folder.path())).await.unwrap();
    let plan = opened.plan.clone();
    let open = opened.ledger.undecided(&plan, plan.cells());
    let (stop, free) = (open.stop[0], open.plain[0]);
    let decided = opened.ledger.decide(&plan, Act::Approve, [stop], Some(REASON), "one", &session.stamp());
    session.record(decided.unwrap(), &plan).await.unwrap();
    approve(&session, &plan, &mut opened.ledger, vec![free]).await;
    assert!(submit(&session).await.unwrap().all_applied());
    session.close();
    Before { sandbox, folder, file, opened, stop, free }
}

/// The bytes of every file of a folder.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.map(|path| (path.clone(), fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

fn accepted(earlier: &Earlier, before: &Before) -> Option<Accepted> {
    let (case_id, property) = ids(&before.opened.plan, before.stop);
    earlier.accepted(case_id, property).cloned()
}

#[tokio::test]
async fn what_was_accepted_and_written_last_quarter_is_known_this_quarter() {
    let before = before().await;
    let (plan, folder) = (&before.opened.plan, before.folder.path());
    let left = files(folder);
    let Told { earlier, notes } = told(&asking("2026Q2", folder));
    let flags: Vec<&Flag> = plan.flags(before.stop).iter().filter(|flag| flag.severity != Severity::Info).collect();
    let expected = Accepted {
        ids: flags.iter().map(|flag| (flag.id.clone(), flag.severity)).collect(),
        data_element: plan.property(before.stop.property).data_element.clone(),
        value: Number::parse(plan.offer(before.stop).unwrap()).unwrap(),
        who: "Grace".to_owned(),
        reason: REASON.to_owned(),
        quarter: None,
    };
    assert_eq!(accepted(&earlier, &before), Some(expected.clone()));
    let soft = soften(flags[0].clone(), &expected, &expected.value, Limits::default().get(Limit::AcceptedWithin));
    assert_eq!(soft.severity, Severity::Info);
    assert!(soft.sentence.ends_with("; accepted last quarter by Grace: seen with the district"), "{soft:?}");
    for cell in [before.stop, before.free] {
        let (case_id, property) = ids(plan, cell);
        assert_eq!(earlier.written(case_id, property), plan.offer(cell));
    }
    let other = plan.cells().find(|cell| ![before.stop, before.free].contains(cell)).unwrap();
    assert_eq!(earlier.written(ids(plan, other).0, ids(plan, other).1), None);
    let note = "flags accepted in 2026Q1 count here, on 1 cell: 2026Q1-20260405T090000.000Z.review";
    assert_eq!(notes, [note]);
    assert_eq!(files(folder), left, "nothing is changed, and no file is left beside it");
    // A reading says so too.
    let session = begin(&folder.join("2026Q2-20260705T094100.000Z.review"), &before.sandbox);
    let now = read(&session, &asking("2026Q2", folder)).await.unwrap();
    assert!(now.plan.head.notes.iter().any(|said| said == note), "{:?}", now.plan.head.notes);
}

/// The only row of a category behind a cell, where there is no other: what a test changes is the number then.
async fn only_row(session: &Session, plan: &Plan, cell: Cell) -> Option<String> {
    let parts = session.detail(plan, cell).await.unwrap().parts;
    let [one] = parts.as_slice() else { return None };
    let mut names = plan.option_names().iter().filter(|(_, name)| **name == one.name);
    names.next().filter(|_| one.name == "default").map(|(id, _)| id.clone())
}

/// An accepted STOP of a case that has a twin or is closed, which it is next quarter too.
struct Taken {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
    case_id: String,
    property: String,
    /// What was approved and written.
    value: i64,
    row: (String, String, String),
}

async fn taken() -> Taken {
    let (sandbox, folder) = (sandbox(60), tempfile::tempdir().unwrap());
    for case_id in sandbox.case_ids() {
        // Else most cases hold the number already.
        assert!(sandbox.set_property(&case_id, "dhis_households_with_improved_latrines", "1"));
    }
    let session = begin(&folder.path().join("2026Q1-20260405T090000.000Z.review"), &sandbox);
    let mut opened = read(&session, &asking("2026Q1", folder.path())).await.unwrap();
    let plan = opened.plan.clone();
    let property = plan.find_property("dhis_households_with_improved_latrines").unwrap();
    let stops = |cell: &Cell| plan.flags(*cell).iter().any(|flag| flag.id == "S33");
    let cell = plan.column(property).find(stops).unwrap();
    let decided = opened.ledger.decide(&plan, Act::Approve, [cell], Some(REASON), "one", &session.stamp());
    session.record(decided.unwrap(), &plan).await.unwrap();
    assert!(submit(&session).await.unwrap().all_applied());
    let row = only_row(&session, &plan, cell).await.unwrap();
    session.close();
    let (case_id, name) = ids(&plan, cell);
    let (case_id, name, value) = (case_id.to_owned(), name.to_owned(), plan.offer(cell).unwrap().parse().unwrap());
    let row = (plan.facility(cell.facility).external_id.clone(), plan.property(property).data_element.clone(), row);
    Taken { sandbox, folder, case_id, property: name, value, row }
}

impl Taken {
    /// The flags of the cell in 2026Q2 where DHIS2 holds this number.
    async fn next(&self, value: i64) -> Vec<Flag> {
        let (unit, element, option) = &self.row;
        assert!(self.sandbox.set_value(unit, element, option, "2026Q2", Some(&value.to_string())));
        let file = tempfile::tempdir().unwrap();
        let session = begin(&file.path().join("q.review"), &self.sandbox);
        let plan = read(&session, &asking("2026Q2", self.folder.path())).await.unwrap().plan;
        let facility = (0..plan.height()).find(|at| plan.facility(*at).case_id == self.case_id).unwrap();
        let cell = Cell { facility, property: plan.find_property(&self.property).unwrap() };
        assert_eq!((plan.kind(cell), plan.new_value(cell)), (Kind::Change, Some(value.to_string().as_str())));
        plan.flags(cell).to_vec()
    }
}

fn one<'a>(flags: &'a [Flag], id: &str) -> Option<&'a Flag> {
    flags.iter().find(|flag| flag.id == id)
}

#[tokio::test]
async fn a_flag_accepted_last_quarter_is_information_until_the_number_moves_a_fifth() {
    let taken = taken().await;
    let least = taken.value / 5;
    let (same, near, far) = (
        taken.next(taken.value + 1).await,
        taken.next(taken.value + least).await,
        taken.next(taken.value + least + 1).await,
    );
    let stop = one(&far, "S33").unwrap();
    assert_eq!(stop.severity, Severity::Stop);
    assert!(!stop.sentence.contains("accepted"), "{stop:?}");
    for flags in [same, near] {
        let soft = one(&flags, "S33").unwrap();
        let words = format!("{}; accepted last quarter by Grace: {REASON}", stop.sentence);
        assert_eq!((soft.severity, &soft.sentence), (Severity::Info, &words));
    }
}

#[tokio::test]
async fn a_case_that_was_edited_since_it_was_written_says_what_it_held() {
    let taken = taken().await;
    assert_eq!(one(&taken.next(taken.value + 7).await, "S32"), None);
    assert!(taken.sandbox.set_property(&taken.case_id, &taken.property, "4321"));
    let flags = taken.next(taken.value + 7).await;
    let words = format!("edited in CommCare since our last push: we wrote {}, the case holds 4321", taken.value);
    let said = one(&flags, "S32").unwrap();
    assert_eq!((said.severity, said.sentence.replace(',', "")), (Severity::Review, words.replace(',', "")));
}

#[tokio::test]
async fn only_the_quarter_before_counts_and_what_was_written_in_any() {
    let before = before().await;
    let (plan, folder) = (&before.opened.plan, before.folder.path());
    let (case_id, property) = ids(plan, before.stop);
    for (of, accepts, wrote) in [("2026Q3", false, true), ("2026Q1", false, true), ("2025Q4", false, false)] {
        let Told { earlier, notes } = told(&asking(of, folder));
        assert_eq!(earlier.accepted(case_id, property).is_some(), accepts, "{of}");
        assert_eq!(earlier.written(case_id, property).is_some(), wrote, "{of}");
        assert_eq!(notes, [""; 0], "{of}");
    }
    for other in [
        Ask { project: "other".to_owned(), ..asking("2026Q2", folder) },
        Ask { case_type: "other".to_owned(), ..asking("2026Q2", folder) },
        ask(&[]),
    ] {
        let Told { earlier, notes } = told(&other);
        assert_eq!((earlier, notes), (Earlier::default(), Vec::new()));
    }
    // A review that is read again knows what was written from it, wherever it is.
    let own = Search::of(&ask(&[])).for_file(&before.file).read().unwrap();
    assert!(own.earlier.written(case_id, property).is_some());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_passed_over_and_named() {
    let before = before().await;
    let folder = before.folder.path();
    let copy = |name: &str| {
        fs::copy(&before.file, folder.join(name)).unwrap();
        rusqlite::Connection::open(folder.join(name)).unwrap()
    };
    fs::write(folder.join("a.review"), "not a review").unwrap();
    copy("b.review").pragma_update(None, "user_version", 99).unwrap();
    copy("c.review").execute("UPDATE cells SET cells = replace(cells, '\"REPORTED\"', '\"DELETED\"')", []).unwrap();
    copy("d.review").execute("UPDATE decision SET cells = 'x'", []).unwrap();
    fs::create_dir(folder.join("e.review")).unwrap();
    Store::create(&folder.join("f.review")).unwrap().close();
    fs::write(folder.join("notes.txt"), "no review at all").unwrap();
    let Told { earlier, notes } = told(&asking("2026Q2", folder));
    assert!(accepted(&earlier, &before).is_some(), "{notes:?}");
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(
        notes[1].starts_with("earlier reviews passed over, so what was accepted or written there does not count: "),
        "{notes:?}"
    );
    for (name, why) in [
        ("a.review", "not a review file"),
        ("b.review", "newer onse"),
        ("c.review", "changed outside onse"),
        ("d.review", "decision log"),
        ("e.review", "is not a file"),
    ] {
        let said = notes[1].split("; ").any(|one| one.contains(name) && one.contains(why));
        assert!(said, "{name}: {notes:?}");
    }
    assert!(!notes[1].contains(&folder.display().to_string()), "{notes:?}");
    assert!(!notes[1].contains("f.review"), "a review nothing was read into: {notes:?}");
}

#[tokio::test]
async fn the_review_asked_for_by_name_counts_alone() {
    let before = before().await;
    let folder = before.folder.path();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("mailed.review");
    fs::copy(&before.file, &file).unwrap();
    let Told { earlier, notes } = told(&previous("2026Q2", folder, &file));
    assert!(accepted(&earlier, &before).is_some());
    assert_eq!(notes, ["flags accepted in 2026Q1 count here, on 1 cell: mailed.review"]);
    let later = told(&previous("2026Q3", folder, &file));
    assert_eq!(accepted(&later.earlier, &before).unwrap().quarter, Some(quarter("2026Q1")));
    let empty = elsewhere.path().join("empty.review");
    let session = begin(&empty, &before.sandbox);
    read(&session, &asking("2026Q1", folder)).await.unwrap();
    session.close();
    let Told { earlier, notes } = told(&previous("2026Q2", folder, &empty));
    assert_eq!((accepted(&earlier, &before), notes), (None, vec!["no flag was accepted in empty.review".to_owned()]));
}

#[tokio::test]
async fn a_review_asked_for_by_name_that_cannot_be_used_is_refused() {
    let before = before().await;
    let (folder, file) = (before.folder.path(), &before.file);
    let why = |ask: Ask| {
        let error = format!("{:#}", Search::of(&ask).check().unwrap_err());
        assert_eq!(format!("{:#}", Search::of(&ask).read().unwrap_err()), error);
        error.replace(&folder.display().to_string(), "")
    };
    let name = "/2026Q1-20260405T090000.000Z.review";
    let other = Ask { project: "other".to_owned(), ..previous("2026Q2", folder, file) };
    let project = onse::sandbox::PROJECT;
    assert_eq!(why(other), format!("{name} is of project {project}, and project other is to be read"));
    let other = Ask { case_type: "clinic".to_owned(), ..previous("2026Q2", folder, file) };
    let case_type = onse::sandbox::CASE_TYPE;
    assert_eq!(why(other), format!("{name} is of case type {case_type}, and case type clinic is to be read"));
    for of in ["2026Q1", "2025Q4"] {
        let expected = format!("{name} is of 2026Q1, which is not before {of}, the quarter to be read");
        assert_eq!(why(previous(of, folder, file)), expected);
    }
    assert!(why(previous("2026Q2", folder, &folder.join("none.review"))).contains("cannot open the review file"));
    assert!(Search::of(&previous("2026Q2", folder, file)).check().is_ok());
}

/// A case and a total that move after they were approved, through the servers.
#[tokio::test]
async fn what_moved_after_it_was_approved_is_a_stop_of_the_next_reading() {
    let (sandbox, folder) = (sandbox(30), tempfile::tempdir().unwrap());
    let session = begin(&folder.path().join("q.review"), &sandbox);
    let asked = asking("2026Q2", folder.path());
    let mut opened = read(&session, &asked).await.unwrap();
    let plan = opened.plan.clone();
    let cells: Vec<Cell> = opened.ledger.undecided(&plan, plan.cells()).plain.into_iter().take(3).collect();
    approve(&session, &plan, &mut opened.ledger, cells[..2].to_vec()).await;
    for cell in [cells[0], cells[2]] {
        assert!(sandbox.set_property(ids(&plan, cell).0, ids(&plan, cell).1, "424242"));
    }
    // What is held when it is to be sent is said in the same words.
    let (was, new) =
        (plan.old(cells[0]).filter(|old| !old.is_empty()).unwrap_or("nothing"), plan.offer(cells[0]).unwrap());
    let words = format!("case changed since plan: {was} -> 424242 -> {new}");
    let check = session.check(&plan, &opened.ledger).await.unwrap();
    assert!(check.lines.iter().any(|(_, line)| line.starts_with("held: ") && line.ends_with(&words)), "{check:?}");
    let again = read(&session, &asked).await.unwrap();
    let stop = Flag::new("S30", Severity::Stop, words);
    assert!(again.plan.flags(cells[0]).contains(&stop), "{:?}", again.plan.flags(cells[0]));
    assert_eq!(again.ledger.verdict(&again.plan, cells[0]), None);
    assert!(again.ledger.verdict(&again.plan, cells[1]).is_some());
    let all: Vec<Cell> =
        again.plan.cells().filter(|cell| again.plan.flags(*cell).iter().any(|f| f.id == "S30")).collect();
    assert_eq!((all, again.plan.kind(cells[2])), (vec![cells[0]], Kind::Change), "nobody had approved the other");
}

#[tokio::test]
async fn a_relation_accepted_last_quarter_is_information_too() {
    let (sandbox, folder) = (sandbox(30), tempfile::tempdir().unwrap());
    let (left, right) = ("dhis_households_with_improved_latrines", "dhis_households_access_to_clean_water");
    for case_id in sandbox.case_ids() {
        assert!(sandbox.set_property(&case_id, left, "1"));
    }
    let asking = |of: &str| {
        let mut ask = asking(of, folder.path());
        ask.rules.more = vec![Relation::parse(&format!("{left} <= {right}")).unwrap()];
        // Many break it; they are not to be said once here.
        ask.rules.limits.set("fold_share", 1.0).unwrap();
        ask
    };
    let session = begin(&folder.path().join("2026Q1-20260405T090000.000Z.review"), &sandbox);
    let mut opened = read(&session, &asking("2026Q1")).await.unwrap();
    let plan = opened.plan.clone();
    let property = plan.find_property(left).unwrap();
    let broken: Vec<Cell> = plan.column(property).filter(|cell| one(plan.flags(*cell), "S20").is_some()).collect();
    let decided = opened.ledger.decide(&plan, Act::Approve, [broken[0]], Some(REASON), "one", &session.stamp());
    session.record(decided.unwrap(), &plan).await.unwrap();
    session.close();
    let session = begin(&folder.path().join("2026Q2-20260705T094100.000Z.review"), &sandbox);
    let next = read(&session, &asking("2026Q2")).await.unwrap().plan;
    let said = |cell: &Cell| {
        one(next.flags(*cell), "S20")
            .map(|flag| (flag.severity, flag.sentence.contains("; accepted last quarter by Grace: ")))
    };
    assert_eq!(said(&broken[0]), Some((Severity::Info, true)));
    let others: Vec<_> =
        next.column(property).filter(|cell| *cell != broken[0]).filter_map(|cell| said(&cell)).collect();
    assert!(!others.is_empty() && others.iter().all(|said| *said == (Severity::Review, false)), "{others:?}");
}

#[tokio::test]
async fn nothing_was_accepted_in_an_undo_and_what_it_wrote_counts() {
    let before = before().await;
    let folder = before.folder.path();
    let sources = connect(before.sandbox.transport(ORIGIN))(std::sync::Arc::new(|_| {}));
    let loaded = Store::read_only(&before.file).unwrap();
    let undone = undone(loaded, "a.review", &sources, support::clock(), &|_, _| {}).await.unwrap();
    let file = folder.join("2026Q1-undo.review");
    let store = Store::create(&file).unwrap();
    undone.save(&store).await.unwrap();
    let session = on(store, connect(before.sandbox.transport(ORIGIN)));
    let opened = session.open().await.unwrap();
    let (plan, mut ledger) = (opened.plan, opened.ledger);
    for cell in plan.cells().filter(|cell| plan.kind(*cell) == Kind::Change) {
        let decided = ledger.decide(&plan, Act::Approve, [cell], Some("put it back"), "one", &session.stamp());
        session.record(decided.unwrap(), &plan).await.unwrap();
    }
    assert_eq!(submit(&session).await.unwrap().applied, 2);
    session.close();
    let Told { earlier, notes } = told(&asking("2026Q2", folder));
    let (case_id, property) = ids(&before.opened.plan, before.stop);
    let old = before.opened.plan.old(before.stop).unwrap_or("");
    assert_eq!(earlier.written(case_id, property), Some(old), "written last, so nobody edited it since");
    assert_eq!(accepted(&earlier, &before).unwrap().reason, REASON, "that of the reading");
    assert!(notes.iter().all(|note| !note.contains("undo")), "{notes:?}");
    let refused = Search::of(&previous("2026Q2", folder, &file)).check().unwrap_err().to_string();
    assert!(refused.contains("undoes a.review; no number was accepted in it"), "{refused}");
}
