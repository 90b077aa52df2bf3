//! What a person at the command line is told when a submission goes wrong: rows of the fault matrix that speak of exit codes and
//! text. What becomes of the cases is in `faults_submit`.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use onse::sandbox::Receiving;
use serde_json::Value;

use crate::{
    between::{ELSEWHERE, Mode},
    rig::{Home, Ran, Running, cells, hosted, ready},
    trouble::{approved, interrupted_twice, through},
};

/// Reads 2026Q2 and approves what has no flag; how many changes that is.
fn chosen(home: &Home) -> String {
    home.run(&["plan", "--period", "2026Q2", "-o", "q.review"]).ok(3);
    home.run(&["decide", "q.review", "--where", "", "--approve"]).ok(0);
    home.run(&["show", "q.review", "--json"]).ok(0).json()["counts"]["approved"].to_string()
}

fn outcomes(ran: &Ran) -> Vec<Value> {
    ran.json()["forms"].as_array().unwrap().iter().map(|form| form["outcome"].clone()).collect()
}

#[test]
fn n07_being_sent_elsewhere_is_exit_1_with_both_origins() {
    let (home, _servers, between) = through(Mode::Pass);
    let count = approved(&home);
    between.set(Mode::Away);
    for args in [&["plan", "-o", "other.review"][..], &["submit", "q.review", "--write", &count]] {
        let ran = home.run(args).ok(1);
        assert!(
            ran.err.contains(ELSEWHERE) && ran.err.contains(between.origin().trim_start_matches("http://")),
            "{ran:?}"
        );
    }
    between.set(Mode::Pass);
    home.run(&["submit", "q.review", "--write", &count]).ok(0);
}

#[test]
fn n21_what_is_applied_unknown_and_pending_is_printed_with_exit_4_and_the_same_command_goes_on() {
    let (home, _servers, between) = through(Mode::Pass);
    let config = fs::read_to_string(home.path("config.toml")).unwrap();
    fs::write(home.path("config.toml"), config.replace("label =", "chunk_size = 5\nlabel =")).unwrap();
    let count = chosen(&home);
    between.set(Mode::LoseLaterForms);
    let lost = interrupted_twice(&home, &between, &count).ok(4);
    let now = outcomes(&lost);
    assert!(now.len() > 2 && now[..2] == ["APPLIED", "UNKNOWN"], "{now:?}");
    assert!(now[2..].iter().all(Value::is_null), "{now:?}");
    let counts = &lost.json()["counts"];
    assert!(counts["applied"].as_u64().unwrap() >= 5 && counts["unknown"].as_u64().unwrap() >= 5, "{counts}");
    assert!(lost.err.contains("onse submit q.review --write N"), "{lost:?}");
    between.set(Mode::Pass);
    let again = home.run(&["submit", "q.review", "--write", &count, "--json"]).ok(0);
    assert!(outcomes(&again).iter().all(|outcome| outcome == "APPLIED"), "{again:?}");
    assert_eq!(again.json()["forms"][1]["form_id"], lost.json()["forms"][1]["form_id"]);
}

/// Each signal does what the first ctrl-c does: the form under way gets its answer and is read back, and none goes after it.
#[test]
fn k20_k21_a_signal_lets_the_form_under_way_end_and_sends_no_more() {
    for signal in ["INT", "TERM", "HUP"] {
        let (home, _servers, between) = through(Mode::Pass);
        let config = fs::read_to_string(home.path("config.toml")).unwrap();
        fs::write(home.path("config.toml"), config.replace("label =", "chunk_size = 5\nlabel =")).unwrap();
        let count = chosen(&home);
        between.set(Mode::HoldForms);
        let args = ["submit", "q.review", "--write", &count, "--json"];
        let mut child = Running(home.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        let mut err = BufReader::new(child.0.stderr.take().unwrap());
        between.unanswered();
        child.signal(signal);
        let mut said = String::new();
        for first in ["37 changes in 22 cases go to ", "stopping after the form under way"] {
            let from = said.len();
            err.read_line(&mut said).unwrap();
            assert!(said[from..].starts_with(first), "{signal}: {said}");
        }
        between.set(Mode::Pass);
        err.read_to_string(&mut said).unwrap();
        let mut out = String::new();
        child.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let ran = Ran { code: child.0.wait().unwrap().code().unwrap(), out, err: said }.ok(4);
        let now = outcomes(&ran);
        assert!(now.len() > 1 && now[0] == "APPLIED" && now[1..].iter().all(Value::is_null), "{signal}: {ran:?}");
        let again = home.run(&args).ok(0);
        assert!(outcomes(&again).iter().all(|outcome| outcome == "APPLIED"), "{signal}: {again:?}");
    }
}

#[test]
fn h24_without_hq_to_read_back_it_is_exit_4_and_accepted() {
    let (home, _servers, between) = through(Mode::Pass);
    let count = approved(&home);
    between.set(Mode::HideCases);
    let blind = interrupted_twice(&home, &between, &count).ok(4);
    assert_eq!(outcomes(&blind), ["ACCEPTED"]);
    between.set(Mode::Pass);
    let show = home.run(&["show", "q.review"]).ok(0).out;
    assert!(!show.contains(" APPLIED"), "{show}");
    let later = home.run(&["submit", "q.review", "--write", "0", "--json"]).ok(0);
    assert_eq!(outcomes(&later), ["APPLIED"]);
    assert_eq!(later.json()["forms"][0]["form_id"], blind.json()["forms"][0]["form_id"]);
}

#[test]
fn h14_the_facility_hq_rejects_is_named_with_the_message_and_all_others_are_applied() {
    let hosted = hosted("");
    let count = chosen(&hosted.home);
    let review = hosted.home.run(&["show", "q.review", "--where", "is:approved", "--json"]).json();
    let bad = cells(&review).into_iter().find(|(_, cell)| cell["verdict"] == "approve").unwrap().0;
    let facilities = review["facilities"].as_array().unwrap();
    let name = facilities.iter().find(|one| one["case_id"] == *bad).unwrap()["case_name"].as_str().unwrap();
    let name = onse::domain::text::inert(name).into_owned();
    hosted.sandbox.set_bad_case(Some(&bad));
    let ran = hosted.home.run(&["submit", "q.review", "--write", &count]).ok(4);
    let alone = format!("1 facility, {name} to {name}");
    let lines: Vec<&str> = ran.out.lines().collect();
    let at = lines.iter().position(|line| line.contains("NOT APPLIED") && line.contains(&alone));
    let at = at.unwrap_or_else(|| panic!("{alone} is missing in {}", ran.out));
    assert!(lines[at + 1].contains("answer: IllegalCaseId"), "{}", ran.out);
    let all: usize = count.parse().unwrap();
    let mine = cells(&review).iter().filter(|(id, cell)| *id == bad && cell["verdict"] == "approve").count();
    let counts = format!("applied {}   accepted, not seen 0   not applied {mine}   unknown 0", all - mine);
    assert!(ran.out.contains(&counts), "{}", ran.out);
}

#[test]
fn h13_h18_a_no_is_exit_1_says_that_nothing_changed_and_names_the_next_command() {
    for (kind, words) in [(Receiving::Ignoring, "ignored it"), (Receiving::Blocked, "Write to its support")] {
        let hosted = hosted("");
        let count = chosen(&hosted.home);
        hosted.sandbox.set_receiver(kind);
        let ran = hosted.home.run(&["submit", "q.review", "--write", &count]).ok(1);
        assert!(ran.err.contains(words) && ran.err.contains("so no case was changed"), "{ran:?}");
        assert!(ran.err.contains("onse submit q.review --write N") && ran.out.contains("NOT APPLIED"), "{ran:?}");
        hosted.sandbox.set_receiver(Receiving::Open);
        hosted.home.run(&["submit", "q.review", "--write", &count]).ok(0);
    }
}

#[test]
fn d24_h07_h09_what_is_held_is_exit_5_with_each_facility_and_reason() {
    let hosted = hosted("");
    let count = chosen(&hosted.home);
    let review = hosted.home.run(&["show", "q.review", "--json"]).json();
    let mine: Vec<(String, Value)> =
        cells(&review).into_iter().filter(|(_, cell)| cell["verdict"] == "approve").collect();
    let (moved, property) = (&mine[0].0, mine[0].1["property"].as_str().unwrap());
    let closed = &mine.iter().find(|(id, _)| id != moved).unwrap().0;
    let all = mine.iter().filter(|(id, _)| id == closed).count() + 1;
    assert!(hosted.sandbox.set_property(moved, property, "4711") && hosted.sandbox.close_case(closed));
    let ran = hosted.home.run(&["submit", "q.review", "--write", &count]).ok(5);
    let held: Vec<&str> = ran.out.lines().filter(|line| line.starts_with("held ")).collect();
    assert_eq!(held.len(), all, "{}", ran.out);
    assert!(held.iter().any(|line| line.contains(&format!("{property}: case changed since plan: "))), "{held:?}");
    assert!(held.iter().any(|line| line.contains("the case was closed since the plan was read")), "{held:?}");
    let after = hosted.home.run(&["show", "q.review", "--json"]).json();
    let reset = |(id, cell): &(String, Value)| id == closed || (id == moved && cell["property"] == property);
    for (id, cell) in cells(&after)
        .into_iter()
        .filter(|one| mine.iter().any(|(id, cell)| *id == one.0 && cell["property"] == one.1["property"]))
    {
        assert_eq!(cell["verdict"].is_null(), reset(&(id, cell.clone())), "{cell}");
    }
    assert!(hosted.home.run(&["submit", "q.review", "--write", "0"]).ok(0).err.contains("nothing to send"));
}

#[test]
fn h25_what_is_set_already_is_said_and_not_sent() {
    let hosted = hosted("");
    let count = chosen(&hosted.home);
    let review = hosted.home.run(&["show", "q.review", "--json"]).json();
    for (id, cell) in cells(&review).into_iter().filter(|(_, cell)| cell["verdict"] == "approve") {
        assert!(hosted.sandbox.set_property(&id, cell["property"].as_str().unwrap(), cell["new"].as_str().unwrap()));
    }
    let ran = hosted.home.run(&["submit", "q.review", "--write", &count]).ok(0);
    assert!(ran.out.contains("already set  ") && ran.out.contains(&format!("already set {count}")), "{ran:?}");
    assert!(hosted.sandbox.forms().is_empty());
}

#[test]
fn h26_another_project_or_server_is_refused_with_both_named_and_the_count_is_always_typed() {
    let (home, servers) = ready();
    let count = approved(&home);
    home.run(&["submit", "q.review"]).refused(2, &["required", "--write <N>"]);
    home.run(&["submit", "q.review", "--write", "1"])
        .refused(2, &["--write 1 does not match", &count, "Nothing was sent"]);
    let good = servers.config();
    let mine = servers.text("commcare_url");
    for (from, to) in [("onse-demo", "onse-live"), (mine.as_str(), "https://www.commcarehq.org")] {
        fs::write(home.path("config.toml"), good.replace(from, to)).unwrap();
        home.run(&["submit", "q.review", "--write", &count])
            .refused(2, &["the review was made elsewhere", from, to, "--profile"]);
    }
    fs::write(home.path("config.toml"), &good).unwrap();
    let review = home.run(&["show", "q.review", "--json"]).ok(0).json();
    let approved = cells(&review).into_iter().filter(|(_, cell)| cell["verdict"] == "approve");
    let cases = approved.map(|(id, _)| id).collect::<BTreeSet<_>>().len();
    assert!(cases > 1);
    let ran = home.run(&["submit", "q.review", "--write", &count]).ok(0);
    let place = format!("{count} changes in {cases} cases go to onse-demo at {mine}, SANDBOX");
    assert_eq!(ran.err.lines().next(), Some(place.as_str()), "{ran:?}");
    assert!(!ran.err.contains("tested with"), "{ran:?}");
}

#[test]
fn d26_a_dhis2_that_was_never_tried_is_told_of_once_before_anything_is_sent() {
    let (home, _servers, between) = through(Mode::Newer);
    let count = approved(&home);
    let ran = home.run(&["submit", "q.review", "--write", &count]).ok(0);
    let lines: Vec<&str> = ran.err.lines().collect();
    assert!(lines[0].ends_with(&format!(" go to onse-demo at {}, SANDBOX", between.origin())), "{ran:?}");
    assert!(lines[1].contains("is not one of the versions this program was tested with"), "{ran:?}");
    assert_eq!(ran.err.matches("tested with").count(), 1, "once: {ran:?}");
}
