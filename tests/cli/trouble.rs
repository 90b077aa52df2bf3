//! Servers that refuse, lie or fall silent, and a person who interrupts: the exit code, the sentence, and what is left.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::Stdio,
};

use serde_json::Value;

use crate::{
    between::{Between, Mode},
    rig::{Home, Ran, Running, Servers, ready},
};

const MARK: &str = "marked-secret-7f3a";

/// A home whose settings lead to the sandbox through a server that goes wrong.
pub(crate) fn through(mode: Mode) -> (Home, Servers, Between) {
    let home = Home::new();
    let servers = Servers::start(&home, &[]);
    let between = Between::start(&servers.text("commcare_url"), mode);
    let config = servers.config().replace(&servers.text("commcare_url"), &between.origin());
    let secrets = servers.secrets();
    (home.settings(&config, Some(&secrets)), servers, between)
}

/// A review with one property approved, and how many changes that is.
pub(crate) fn approved(home: &Home) -> String {
    home.run(&["plan", "-o", "q.review"]).ok(3);
    home.run(&["decide", "q.review", "--where", "prop:dhis_village_clinics", "--approve"]).ok(0);
    home.run(&["show", "q.review", "--json"]).ok(0).json()["counts"]["approved"].to_string()
}

fn forms(ran: &Ran) -> Vec<Value> {
    ran.json()["forms"].as_array().unwrap().clone()
}

#[test]
fn a_wrong_secret_is_exit_1_and_never_shown() {
    for (variable, sentence) in [("ONSE_COMMCARE_API_KEY", "CommCare HQ"), ("ONSE_DHIS2_PASSWORD", "DHIS2")] {
        let (home, _servers) = ready();
        let home = home.with(variable, MARK);
        let ran = home.run(&["plan", "-o", "q.review", "--log-level", "trace"]);
        ran.refused(1, &[sentence, "401", "where each secret is from", "Nothing was changed", variable]);
        assert!(!ran.err.contains(MARK) && home.reviews().is_empty(), "{ran:?}");
        let log = fs::read_to_string(home.path("data/logs/onse.log")).unwrap();
        assert!(log.contains("401") && !log.contains(MARK), "{log}");
        let found = home.files().into_iter().find(|(_, bytes)| String::from_utf8_lossy(bytes).contains(MARK));
        assert!(found.is_none(), "{found:?}");
    }
}

#[test]
fn a_working_secret_is_in_no_file_and_no_output() {
    let (home, servers) = ready();
    let count = approved(&home);
    let ran = home.run(&["submit", "q.review", "--write", &count, "--log-level", "trace"]).ok(0);
    for secret in ["dhis2_password", "commcare_api_key"] {
        let secret = servers.text(secret);
        assert!(!ran.out.contains(&secret) && !ran.err.contains(&secret));
        for (path, bytes) in home.files() {
            let kept = bytes.windows(secret.len()).any(|piece| piece == secret.as_bytes());
            assert_eq!(kept, path.ends_with("secrets.toml"), "{}", path.display());
        }
    }
}

#[test]
fn a_wrong_project_is_named() {
    let (home, servers) = ready();
    let config = servers.config().replace("onse-demo", "not-ours");
    fs::write(home.path("config.toml"), config).unwrap();
    home.run(&["plan", "-o", "q.review"]).refused(1, &["CommCare HQ", "not-ours", "Nothing was changed"]);
    assert!(home.reviews().is_empty());
}

#[test]
fn a_server_that_is_down_is_told_from_one_that_answers_with_a_page() {
    let (home, _servers, between) = through(Mode::Html);
    home.run(&["plan"]).refused(1, &["no JSON object but text/html", "an HTML page", "Nothing was changed"]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = fs::read_to_string(home.path("config.toml")).unwrap();
    fs::write(home.path("config.toml"), config.replace(&between.origin(), &format!("http://{closed}"))).unwrap();
    home.run(&["plan"]).refused(1, &["no connection", "3 tries", "Nothing was changed"]);
    assert!(home.reviews().is_empty());
}

#[test]
fn a_server_that_is_down_keeps_the_decisions() {
    let (home, servers) = ready();
    let count = approved(&home);
    drop(servers);
    let review = fs::read(home.path("q.review")).unwrap();
    let ran = home.run(&["submit", "q.review", "--write", &count]).ok(1);
    assert!(ran.err.contains("no connection") && ran.err.contains("nothing was sent"), "{ran:?}");
    assert_eq!(home.run(&["show", "q.review", "--json"]).json()["counts"]["approved"].to_string(), count);
    assert_eq!(fs::read(home.path("q.review")).unwrap().len(), review.len());
}

#[test]
fn a_refused_form_is_exit_1_and_can_be_sent_anew() {
    let (home, _servers, between) = through(Mode::RefuseForms);
    let count = approved(&home);
    let ran = home.run(&["submit", "q.review", "--write", &count, "--json"]).ok(1);
    let refused = forms(&ran);
    assert!(refused.len() == 1 && refused[0]["outcome"] == "NOT_APPLIED", "{refused:?}");
    assert!(ran.err.contains("no case was changed"), "{ran:?}");
    assert!(ran.err.contains("403") && ran.err.contains("onse show q.review"), "{ran:?}");
    between.set(Mode::Pass);
    let again = forms(&home.run(&["submit", "q.review", "--write", &count, "--json"]).ok(0));
    assert_eq!(again.iter().map(|form| &form["outcome"]).collect::<Vec<_>>(), ["NOT_APPLIED", "APPLIED"]);
    assert_ne!(again[0]["form_id"], again[1]["form_id"]);
}

/// Starts a submission whose form gets no answer, and interrupts it twice.
pub(crate) fn interrupted_twice(home: &Home, between: &Between, count: &str) -> Ran {
    let args = ["submit", "q.review", "--write", count, "--json"];
    let mut child = Running(home.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut err = BufReader::new(child.0.stderr.take().unwrap());
    between.unanswered();
    child.interrupt();
    let mut said = String::new();
    // What goes where was said before.
    while !said.contains("\nstopping after the form under way") {
        assert!(err.read_line(&mut said).unwrap() > 0, "{said}");
    }
    child.interrupt();
    err.read_to_string(&mut said).unwrap();
    let mut out = String::new();
    child.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    Ran { code: child.0.wait().unwrap().code().unwrap(), out, err: said }
}

#[test]
fn a_form_that_was_lost_is_unknown_and_goes_again_with_the_same_bytes() {
    let (home, _servers, between) = through(Mode::LoseForms);
    let count = approved(&home);
    let lost = interrupted_twice(&home, &between, &count).ok(4);
    let lost = forms(&lost);
    assert_eq!((lost.len(), &lost[0]["outcome"]), (1, &"UNKNOWN".into()));
    between.set(Mode::Pass);
    home.run(&["submit", "q.review", "--write", "99"]).refused(2, &["an earlier run left 1 form", "--write 0"]);
    // The same command goes on.
    let again = forms(&home.run(&["submit", "q.review", "--write", &count, "--json"]).ok(0));
    assert_eq!((again.len(), &again[0]["outcome"]), (1, &"APPLIED".into()));
    assert_eq!(again[0]["form_id"], lost[0]["form_id"], "the same form, not a new one");
}

#[test]
fn a_form_whose_answer_was_lost_is_read_back() {
    let (home, _servers, between) = through(Mode::LoseAnswers);
    let count = approved(&home);
    let ran = interrupted_twice(&home, &between, &count).ok(0);
    assert_eq!(forms(&ran)[0]["outcome"], "APPLIED");
}

#[test]
fn an_interrupted_reading_is_exit_130_and_leaves_no_review() {
    let (home, _servers, between) = through(Mode::Silent);
    let mut child = Running(
        home.command(&["plan", "-o", "q.review"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(),
    );
    between.unanswered();
    child.interrupt();
    let (mut out, mut err) = (String::new(), String::new());
    child.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.0.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.0.wait().unwrap().code(), out.as_str()), (Some(130), ""), "{err}");
    // Nothing had come that could be kept; tests/resume.rs has a reading that had.
    assert!(err.contains("nothing was written; the same command begins anew"), "{err}");
    assert!(home.reviews().is_empty());
}

#[test]
fn one_process_writes_at_a_time() {
    let (home, _servers, between) = through(Mode::LoseForms);
    let count = approved(&home);
    let child = Running(
        home.command(&["submit", "q.review", "--write", &count])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    between.unanswered();
    let process = format!("process {}", child.0.id());
    home.run(&["decide", "q.review", "--where", "", "--clear"]).refused(1, &["is open in another onse", &process]);
    home.run(&["show", "q.review"]).ok(0);
}
