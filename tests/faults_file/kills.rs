//! Rows K: a process that ends at a point, and the same command again.

use std::{fs, process::Stdio, sync::Arc};

use onse::{
    domain::{
        ledger::{Act, Verdict},
        outcome::Outcome,
    },
    io::store::{Moment, Store},
    job::undo::undone,
    sandbox::{self, Fate},
};

use crate::{
    between::{Between, Mode},
    cli::{Home, Running, Servers, cells, ready},
    rig::{Approved, Bent, FORMS, Point, Properties, cut, cuts, everything, image, key, log_of, review},
    support::{approve, ask, clock, connect, on, read, submit},
};

/// The call that freezes a form.
const FREEZE: &str = "keep the form";
const ANSWER: &str = "keep the answer";
const SEEN: &str = "keep what was read back";

#[tokio::test]
async fn k02_a_plan_that_was_being_written_is_whole_or_the_old_one_stands() {
    let rig = Approved::new().await;
    let (cell, before) = (rig.cells[0], Store::read_only(&rig.path()).unwrap());
    rig.somebody_writes(cell, "987654321");
    let session = rig.open();
    assert!(!log_of(rig.folder.path()).exists() || fs::metadata(log_of(rig.folder.path())).unwrap().len() == 0);
    let after = read(&session, &ask(&[])).await.unwrap();
    let left = image(rig.folder.path());
    session.close();
    assert_eq!((before.plan.head.generation, after.plan.head.generation), (1, 2));
    let (mut old, mut new) = (0, 0);
    let all = cuts(left.path());
    // A plan has many frames: some of them, and all that are near the end.
    let near = all.len() - 6;
    for (_, bytes) in all.iter().enumerate().filter(|(at, _)| at % 10 == 0 || *at >= near) {
        let folder = cut(left.path(), *bytes);
        let store = Store::open(&review(folder.path())).unwrap();
        let found = store.load().await.unwrap();
        let (plan, whole) = (found.plan, found.entries.len());
        store.close();
        if plan.head.generation == 1 {
            old += 1;
            assert_eq!((plan.old(cell), whole), (before.plan.old(cell), before.entries.len()), "{bytes}");
        } else {
            new += 1;
            assert_eq!((plan.old(cell), plan.head.clone()), (Some("987654321"), after.plan.head.clone()), "{bytes}");
            assert!(plan.cells().all(|cell| plan.held(cell) == after.plan.held(cell)), "{bytes}");
        }
    }
    assert!(old > 3 && new > 0, "{old} {new}");
}

#[tokio::test]
async fn k03_a_decision_that_was_being_written_is_there_or_not_and_all_before_it_are() {
    let rig = Approved::new().await;
    let cell = rig.cells[1];
    let session = rig.open();
    let opened = session.open().await.unwrap();
    let mut ledger = opened.ledger;
    let entry = ledger.decide(&rig.plan, Act::Reject, [cell], None, "one", &session.stamp()).unwrap();
    session.record(entry, &rig.plan).await.unwrap();
    let left = image(rig.folder.path());
    session.close();
    let (mut without, mut with) = (0, 0);
    for bytes in cuts(left.path()) {
        let folder = cut(left.path(), bytes);
        let session = on(Store::open(&review(folder.path())).unwrap(), connect(rig.line()));
        let found = session.open().await.unwrap().ledger;
        session.close();
        assert!(rig.cells[2..].iter().all(|cell| found.verdict(&rig.plan, *cell) == Some(Verdict::Approve)));
        match found.verdict(&rig.plan, cell) {
            Some(Verdict::Approve) => without += 1,
            Some(Verdict::Reject) => with += 1,
            other => panic!("{bytes}: {other:?}"),
        }
    }
    assert!(without > 1 && with > 0, "{without} {with}");
}

#[tokio::test]
async fn k04_confirmed_and_nothing_frozen_begins_anew_with_its_checks() {
    let rig = Approved::new().await.killed(Point::Store(FREEZE, Moment::Before, 0)).await;
    assert!(rig.sandbox.forms().is_empty() && rig.forms().is_empty(), "nothing left");
    let moved = rig.cells[0];
    rig.somebody_writes(moved, "987654321");
    let session = rig.open();
    let sent = submit(&session).await.unwrap();
    session.close();
    assert_eq!((sent.applied, sent.held.len(), sent.held[0].cell), (rig.cells.len() - 1, 1, moved));
    assert_eq!(everything(&rig.sandbox)[&key(&rig.plan, moved)], "987654321");
    rig.took_effect_once();
}

/// A form that was frozen in the log and never sent: the folder, and the id it had.
async fn frozen() -> (Approved, String) {
    let rig = Approved::new().await.killed(Point::Store(FREEZE, Moment::After, 0)).await;
    let whole = image(rig.folder.path());
    let forms = Store::read_only(&review(whole.path())).unwrap().forms;
    assert_eq!((forms.len(), forms[0].sent, rig.sandbox.forms().len()), (1, Outcome::Frozen, 0));
    (rig, forms[0].form_id.clone())
}

#[tokio::test]
async fn k05_a_form_that_was_being_frozen_is_absent_or_whole() {
    let (rig, id) = frozen().await;
    let (mut absent, mut whole) = (0, 0);
    for bytes in cuts(rig.folder.path()) {
        let folder = cut(rig.folder.path(), bytes);
        let store = Store::open(&review(folder.path())).unwrap();
        let forms = store.load().await.unwrap().forms;
        if let Some(form) = forms.first() {
            whole += 1;
            let text = store.form_bytes(1).await.unwrap();
            assert_eq!((&form.form_id, form.size), (&id, text.len()), "{bytes}");
        } else {
            absent += 1;
        }
        store.close();
    }
    assert!(absent > 3 && whole == 1, "{absent} {whole}");
}

#[tokio::test]
async fn k06_a_form_that_was_not_committed_is_gone_with_its_id_and_another_is_made() {
    let (rig, id) = frozen().await;
    // All but the last byte of what makes it stand.
    let bytes = cuts(rig.folder.path()).into_iter().rev().nth(1).unwrap();
    let rig = Approved { folder: cut(rig.folder.path(), bytes), ..rig };
    assert!(rig.sandbox.forms().is_empty());
    rig.ends_well().await;
    let forms = rig.forms();
    assert!(forms.len() == FORMS && forms.iter().all(|form| form.form_id != id), "an id was used again");
    assert!(rig.sandbox.forms().iter().all(|form| form.id != id));
}

/// The bytes of a form in the file, which nobody holds.
async fn bytes_of(rig: &Approved, number: u32) -> Vec<u8> {
    let store = Store::open(&rig.path()).unwrap();
    let bytes = store.form_bytes(number).await.unwrap();
    store.close();
    bytes
}

/// Killed at this point of the second form, then ended; answers how often its bytes came to the server.
async fn second_form(at: Point, index_stands: bool) -> usize {
    let rig = Approved::new().await;
    rig.sandbox.hold_index(index_stands);
    let rig = rig.killed(at).await;
    let frozen = bytes_of(&rig, 2).await;
    let id = rig.forms()[1].form_id.clone();
    if index_stands {
        // The search index does not show what the server took and the database may not be asked, so that reading back alone
        // does not settle it.
        let no_more = |request: &http::Request<_>| request.uri().path().contains("/ext/").then(|| (429, String::new()));
        let session = rig.over(Arc::new(Bent { inner: rig.line(), rule: Box::new(no_more) }));
        submit(&session).await.unwrap();
        session.close();
        rig.sandbox.hold_index(false);
    }
    if rig.forms().iter().any(onse::io::store::Form::is_open) || rig.forms().len() < FORMS {
        rig.ends_well().await;
    }
    rig.holds_what_was_approved();
    assert_eq!((rig.effective(), rig.forms().len()), (FORMS, FORMS), "{at:?}");
    let of_it: Vec<_> = rig.sandbox.forms().into_iter().filter(|form| form.bytes == frozen).collect();
    assert!(of_it.iter().all(|form| form.id == id || matches!(&form.fate, Fate::Duplicate(of) if *of == id)), "{at:?}");
    of_it.len()
}

#[tokio::test]
async fn k07_frozen_and_not_connected_goes_with_the_same_bytes() {
    assert_eq!(second_form(Point::Store(FREEZE, Moment::After, 1), false).await, 1);
    assert_eq!(second_form(Point::Unsent(1), false).await, 1);
}

#[tokio::test]
async fn k08_half_of_a_body_changes_nothing_and_the_same_bytes_go() {
    assert_eq!(second_form(Point::Half(1), false).await, 1);
}

#[tokio::test]
async fn k09_a_body_without_an_answer_takes_effect_once() {
    assert_eq!(second_form(Point::Unanswered(1), false).await, 1, "its cases show it, so it does not go again");
    assert_eq!(second_form(Point::Unanswered(1), true).await, 2, "recognised as the same");
}

#[tokio::test]
async fn k10_an_answer_that_was_not_written_down_takes_effect_once() {
    let at = Point::Store(ANSWER, Moment::Before, 1);
    assert_eq!(second_form(at, false).await, 1);
    assert_eq!(second_form(at, true).await, 2, "recognised as the same");
}

#[tokio::test]
async fn k11_an_answer_that_was_written_down_is_read_back_only() {
    for at in [Point::Store(ANSWER, Moment::After, FORMS - 1), Point::Store(SEEN, Moment::Before, FORMS - 1)] {
        let rig = Approved::new().await.killed(at).await;
        let before = (rig.sandbox.forms().len(), rig.forms());
        assert_eq!((before.0, before.1[FORMS - 1].sent), (FORMS, Outcome::Accepted), "{at:?}");
        assert_eq!(before.1[FORMS - 1].outcome(), Outcome::Accepted, "{at:?}: not called applied before it was seen");
        rig.ends_well().await;
        assert_eq!(rig.sandbox.forms().len(), FORMS, "{at:?}: nothing was sent");
    }
}

#[tokio::test]
async fn k12_between_forms_the_rest_is_checked_again_and_what_moved_is_held() {
    for at in [Point::Store(SEEN, Moment::After, 0), Point::Store(FREEZE, Moment::Before, 1)] {
        let rig = Approved::new().await.killed(at).await;
        assert_eq!((rig.sandbox.forms().len(), rig.forms().len()), (1, 1), "{at:?}");
        let moved = *rig.cells.last().unwrap();
        rig.somebody_writes(moved, "987654321");
        let session = rig.open();
        let sent = submit(&session).await.unwrap();
        session.close();
        assert_eq!((sent.held.len(), sent.held[0].cell), (1, moved), "{at:?}");
        assert!(sent.held[0].why.contains("987654321"), "{:?}", sent.held);
        assert_eq!((sent.applied, rig.effective()), (rig.cells.len() - 1, FORMS), "{at:?}");
        assert_eq!(everything(&rig.sandbox)[&key(&rig.plan, moved)], "987654321");
        rig.took_effect_once();
    }
}

#[tokio::test]
async fn k13_the_result_is_told_again_from_the_file() {
    let rig = Approved::new().await.killed(Point::Store(SEEN, Moment::After, FORMS - 1)).await;
    let session = rig.open();
    let told = session.open().await.unwrap().standing().unwrap();
    assert_eq!((told.applied, told.unknown, told.not_applied), (rig.cells.len(), 0, 0));
    let refused = submit(&session).await.unwrap_err().to_string();
    session.close();
    assert!(refused.contains("nothing to send") && refused.contains("by Grace"), "{refused}");
    rig.holds_what_was_approved();
    // The command tells it from the same file, without network or settings.
    let home = Home::new();
    fs::copy(rig.path(), home.path("q.review")).unwrap();
    let all = cells(&home.run(&["show", "q.review", "--json"]).ok(0).json());
    let applied = all.iter().filter(|(_, cell)| cell["outcome"] == "APPLIED").count();
    assert_eq!(applied, rig.cells.len());
    // And the report.
    home.run(&["export", "q.review", "--to", "r.md"]).ok(0);
    let report = fs::read_to_string(home.path("r.md")).unwrap();
    assert!(report.contains(&format!("| {} | applied and read back |", rig.cells.len())), "{report}");
    assert!(rig.forms().iter().all(|form| report.contains(&form.form_id)), "{report}");
}

/// A home with a sandbox and a review with one property approved, and how many changes that is.
pub(crate) fn one_property(home: &Home) -> String {
    home.run(&["plan", "-o", "q.review"]).ok(3);
    home.run(&["decide", "q.review", "--where", "prop:dhis_village_clinics", "--approve"]).ok(0);
    home.run(&["show", "q.review", "--json"]).ok(0).json()["counts"]["approved"].to_string()
}

/// Linux has a file that is always full.
#[cfg(target_os = "linux")]
#[test]
fn k14_a_result_that_cannot_be_printed_whole_is_exit_4_and_told_again_from_the_file() {
    let (home, _servers) = ready();
    let count = one_property(&home);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let submit = ["submit", "q.review", "--write", &count, "--json"];
    let ended = home.command(&submit).stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(4), "{said}");
    assert!(said.contains("could not be written") && said.contains("onse show q.review"), "{said}");
    let all = cells(&home.run(&["show", "q.review", "--json"]).ok(0).json());
    let applied = all.iter().filter(|(_, cell)| cell["outcome"] == "APPLIED").count();
    assert_eq!(applied.to_string(), count);
    home.run(&submit).ok(0);
}

/// A review that undoes all that was applied, in three forms, approved.
async fn undoing() -> Approved {
    let rig = Approved::new().await;
    let before: Properties = rig.expected.clone();
    rig.ends_well().await;
    let loaded = Store::read_only(&rig.path()).unwrap();
    let sources = connect(rig.line())(Arc::new(|_| {}));
    let undone = undone(loaded, "2026Q2.review", &sources, clock(), &|_, _| {}).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&review(folder.path())).unwrap();
    undone.save(&store).await.unwrap();
    let session = on(store, connect(rig.line()));
    let mut opened = session.open().await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells: Vec<_> = plan.cells().filter(|cell| Act::Approve.fits(&plan, *cell)).collect();
    approve(&session, &plan, &mut opened.ledger, cells.clone()).await;
    session.close();
    let mut expected = before;
    expected.extend(cells.iter().map(|cell| (key(&plan, *cell), plan.offer(*cell).unwrap_or_default().to_owned())));
    let before = rig.sandbox.effects().len();
    Approved { folder, plan, cells, expected, before, ..rig }
}

#[tokio::test]
async fn k15_an_undo_that_is_killed_anywhere_ends_as_it_was_approved() {
    for at in [
        Point::Store(FREEZE, Moment::Before, 0),
        Point::Store(FREEZE, Moment::After, 1),
        Point::Half(1),
        Point::Unanswered(0),
        Point::Store(ANSWER, Moment::Before, 1),
        Point::Store(SEEN, Moment::Before, FORMS - 1),
    ] {
        let rig = undoing().await.killed(at).await;
        rig.ends_well().await;
        assert!(rig.forms().iter().all(|form| form.outcome() == Outcome::Applied), "{at:?}");
    }
    // Within the transaction that stores a form.
    let rig = undoing().await.killed(Point::Store(FREEZE, Moment::After, 0)).await;
    let bytes = cuts(rig.folder.path()).into_iter().rev().nth(1).unwrap();
    let rig = Approved { folder: cut(rig.folder.path(), bytes), ..rig };
    assert!(rig.forms().is_empty());
    rig.ends_well().await;
    // Its result, from the file.
    let session = rig.open();
    assert_eq!(session.open().await.unwrap().standing().unwrap().applied, rig.cells.len());
    session.close();
}

#[tokio::test]
async fn k17_killed_twice_at_one_point_it_still_ends_well() {
    for at in [
        Point::Store(FREEZE, Moment::Before, 0),
        Point::Store(FREEZE, Moment::After, 0),
        Point::Half(0),
        Point::Unanswered(0),
        Point::Store(ANSWER, Moment::Before, 0),
        Point::Store(SEEN, Moment::Before, 0),
    ] {
        let rig = Approved::new().await.killed(at).await.killed(at).await;
        rig.ends_well().await;
    }
    // Before the same bytes reach the server again: the third process is killed as the second was.
    let rig = Approved::new().await.killed(Point::Unsent(0)).await.killed(Point::Unsent(0)).await;
    assert!(rig.sandbox.forms().is_empty() && rig.forms().len() == 1);
    let frozen = bytes_of(&rig, 1).await;
    rig.ends_well().await;
    assert_eq!((rig.sandbox.forms().len(), &rig.sandbox.forms()[0].bytes[..]), (FORMS, &frozen[..]));
}

/// A home whose settings lead to the sandbox through a server that goes wrong.
pub(crate) fn through(mode: Mode) -> (Home, Servers, Between) {
    let home = Home::new();
    let servers = Servers::start(&home, &[]);
    let between = Between::start(&servers.text("commcare_url"), mode);
    let config = servers.config().replace(&servers.text("commcare_url"), &between.origin());
    let secrets = servers.secrets();
    (home.settings(&config, Some(&secrets)), servers, between)
}

#[test]
fn k18_a_second_process_is_refused_and_the_lock_of_a_dead_one_is_not_in_the_way() {
    let (home, _servers, between) = through(Mode::LoseForms);
    let count = one_property(&home);
    let submit = ["submit", "q.review", "--write", &count, "--json"];
    let mut first = Running(home.command(&submit).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    between.unanswered();
    let process = format!("process {}, since 20", first.0.id());
    let second = home.run(&submit);
    second.refused(1, &["is open in another onse (", &process, "close that one first", "Nothing was changed"]);
    let host = second.err.split("another onse (").nth(1).unwrap().split(", process").next().unwrap();
    assert!(!host.is_empty(), "no host: {second:?}");
    // SIGKILL: nothing is given back by the process itself.
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    assert!(home.path("q.review-lock").exists() && home.path("q.review-wal").exists(), "{:?}", home.reviews());
    between.set(Mode::Pass);
    let sent = home.run(&submit).ok(0).json();
    assert_eq!((sent["counts"]["applied"].to_string(), sent["forms"].as_array().unwrap().len()), (count, 1));
    assert!(!home.path("q.review-lock").exists());
}

#[tokio::test]
async fn k19_an_applied_review_is_not_applied_again() {
    let rig = Approved::new().await;
    rig.ends_well().await;
    let (forms, review) = (rig.sandbox.forms().len(), fs::read(rig.path()).unwrap());
    let session = rig.open();
    let refused = submit(&session).await.unwrap_err().to_string();
    session.close();
    assert!(refused.contains("applied 2026-07-05T09:41:00Z by Grace; its report: onse export "), "{refused}");
    assert_eq!((rig.sandbox.forms().len(), fs::read(rig.path()).unwrap().len()), (forms, review.len()));
    rig.holds_what_was_approved();
}

#[test]
fn k19_the_command_sends_nothing_again_and_says_when_it_was_applied_and_by_whom() {
    let (home, _servers) = ready();
    let count = one_property(&home);
    home.run(&["submit", "q.review", "--write", &count]).ok(0);
    for number in [count.as_str(), "0"] {
        let again = home.run(&["submit", "q.review", "--write", number]).ok(0);
        assert!(again.err.contains("nothing to send") && again.out.is_empty(), "{again:?}");
        assert!(again.err.contains("; applied 20") && again.err.contains(" by tester"), "{again:?}");
        assert!(again.err.contains("; its report: onse export q.review --to report.html"), "{again:?}");
    }
    home.run(&["export", "q.review", "--to", "report.html"]).ok(0);
    assert!(fs::read_to_string(home.path("report.html")).unwrap().contains("Every applied change, by facility"));
}

/// What was refused is not applied, so nobody is told that it was.
#[tokio::test]
async fn k19_a_review_of_which_nothing_took_effect_is_not_called_applied() {
    let rig = Approved::new().await;
    rig.sandbox.set_receiver(sandbox::Receiving::Blocked);
    let session = rig.open();
    assert_eq!(submit(&session).await.unwrap().applied, 0);
    let mut ledger = session.open().await.unwrap().ledger;
    let entry = ledger.decide(&rig.plan, Act::Clear, rig.cells.iter().copied(), None, "all", &session.stamp()).unwrap();
    session.record(entry, &rig.plan).await.unwrap();
    let refused = submit(&session).await.unwrap_err().to_string();
    session.close();
    assert!(refused.contains("nothing to send") && !refused.contains("applied"), "{refused}");
}
