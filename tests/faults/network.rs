//! Section N of the fault matrix, as far as reading goes.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use onse::{
    domain::plan::{Cell, Plan, State},
    io::{
        config,
        http::{Cause, Failure, Limits, Why},
    },
    job::{report::Reading, session::Opened},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    faults::{Fault, Faulty, Rule, Time, session},
    support::{ORIGIN, ask, sandbox},
};

const NEVER: Duration = Duration::ZERO;
const VALUES: &str = "/dataValueSets";
const CASES: &str = "/api/case/v2/";
/// Kinds of requests a reading makes.
const KINDS: [&str; 6] = [CASES, "/dataElements", "/dataSets", "/organisationUnits", VALUES, "/categoryOptionCombos"];

/// What came of a reading over a faulty line.
struct Ran {
    read: anyhow::Result<Opened>,
    /// Progress after every change, with the time of the change.
    told: Vec<(Timestamp, Reading)>,
    line: Arc<Faulty>,
    time: Time,
    /// Whether the file holds a review afterwards.
    written: bool,
}

impl Ran {
    fn plan(&self) -> &Plan {
        &self.read.as_ref().unwrap().plan
    }

    fn said(&self) -> String {
        format!("{:#}", self.read.as_ref().unwrap_err())
    }

    fn why(&self) -> &Why {
        &self.read.as_ref().unwrap_err().downcast_ref::<Failure>().unwrap().why
    }
}

async fn run_with(facilities: usize, limits: &Limits, rules: Vec<Rule>) -> Ran {
    let time = Time::new();
    let line = Faulty::around(sandbox(facilities).transport(ORIGIN), &time, rules);
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), line.clone(), &time, limits);
    let (progress, mut news) = watch::channel(Reading::default());
    let (mut told, ask) = (Vec::new(), ask(&[]));
    let read = time
        .drive(async {
            let mut read = std::pin::pin!(session.read(&ask, progress, CancellationToken::new()));
            loop {
                tokio::select! {
                    biased;
                    Ok(()) = news.changed() => told.push((time.now(), news.borrow_and_update().clone())),
                    read = &mut read => return read,
                }
            }
        })
        .await;
    let written = session.open().await.is_ok();
    Ran { read, told, line, time, written }
}

async fn run(facilities: usize, rules: Vec<Rule>) -> Ran {
    Box::pin(run_with(facilities, &Limits::default(), rules)).await
}

async fn run_limited(limits: &Limits, rules: Vec<Rule>) -> Ran {
    Box::pin(run_with(40, limits, rules)).await
}

/// By case id and property: state, new, old.
type Cells = BTreeMap<(String, String), (State, Option<String>, Option<String>)>;

/// What a plan says of every cell, and of what it rests on.
fn cells(plan: &Plan) -> Cells {
    let one = |cell: Cell| {
        let (facility, property) = (plan.facility(cell.facility), plan.property(cell.property));
        let values = (plan.state(cell), plan.held(cell).map(str::to_owned), plan.old(cell).map(str::to_owned));
        ((facility.case_id.clone(), property.name.clone()), values)
    };
    plan.cells().map(one).collect()
}

/// The plan over a good line.
async fn good(facilities: usize) -> Ran {
    let ran = run(facilities, Vec::new()).await;
    assert!(ran.written && !ran.plan().incomplete());
    ran
}

/// Nothing was read, nothing was written, and the sentence has these words.
#[track_caller]
fn failed(ran: &Ran, words: &[&str]) {
    assert!(!ran.written, "something was written");
    for word in words {
        assert!(ran.said().contains(word), "{word} is missing in: {}", ran.said());
    }
}

#[tokio::test]
async fn n01_a_name_that_is_not_found_is_told_with_the_host_and_changes_nothing() {
    for side in ["/dhis2/", CASES] {
        let fault = Fault::NotSent("dns error: failed to lookup address information", NEVER);
        let ran = run(40, vec![Rule::new(fault).on(side)]).await;
        failed(&ran, &["sandbox.invalid", "dns error", "3 tries", "network"]);
        assert!(matches!(ran.why(), Why::Unreachable { .. }));
        assert!(ran.line.asked(side) <= 6, "{} requests", ran.line.asked(side));
    }
}

#[tokio::test]
async fn n02_a_refused_connection_mentions_vpn_and_proxy() {
    for kind in KINDS {
        let fault = Fault::NotSent("tcp connect error: Connection refused (os error 111)", NEVER);
        let ran = run(40, vec![Rule::new(fault).on(kind)]).await;
        failed(&ran, &["sandbox.invalid", "refused", "VPN and proxy"]);
    }
    let once = Fault::NotSent("tcp connect error: Connection refused (os error 111)", NEVER);
    let ran = run(40, KINDS.map(|kind| Rule::new(once.clone()).on(kind).times(0..2)).into()).await;
    assert_eq!(cells(ran.plan()), cells(good(40).await.plan()), "two tries each, and the third counts");
}

#[tokio::test]
async fn n03_a_silent_connection_is_tried_three_times_and_the_wait_is_shown() {
    let fault = Fault::NotSent("no connection came about within 10 s", Duration::from_secs(10));
    let ran = run(40, vec![Rule::new(fault).on(CASES)]).await;
    failed(&ran, &["within 10 s", "3 tries"]);
    assert_eq!(ran.line.asked(CASES), 3);
    let (passed, slept) = (ran.time.passed(), ran.time.slept());
    assert!(
        slept.len() == 2 && passed == Duration::from_secs(30) + slept.iter().sum::<Duration>(),
        "{passed:?} {slept:?}"
    );
    let (at, reading) = ran.told.iter().find(|(_, reading)| reading.waited.number() > 0).unwrap();
    assert_eq!(reading.waited.words(*at), "1 x no connection; next try in 1 s");
    assert_eq!(reading.waited.next(*at).unwrap().detail, "no connection came about within 10 s");
}

#[tokio::test]
async fn n03_stopping_works_at_once_whatever_is_waited_for() {
    for fault in [Fault::Stall, Fault::NotSent("refused", NEVER), Fault::slow_down(429, "3600")] {
        let time = Time::new();
        let line = Faulty::around(sandbox(40).transport(ORIGIN), &time, vec![Rule::new(fault).on("/dhis2/")]);
        let folder = tempfile::tempdir().unwrap();
        let session = session(folder.path(), line.clone(), &time, &Limits::default());
        let (stop, ask) = (CancellationToken::new(), ask(&[]));
        let read = session.read(&ask, watch::channel(Reading::default()).0, stop.clone());
        let mut read = std::pin::pin!(read);
        // As far as it goes without time; the review file has a thread of its own, which is waited for.
        let mut more = 300;
        while line.asked("/dhis2/") == 0 || more > 0 {
            more -= i32::from(line.asked("/dhis2/") > 0);
            tokio::select! {
                biased;
                _ = &mut read => panic!("it did not wait"),
                () = tokio::task::yield_now() => {}
            }
        }
        stop.cancel();
        let said = format!("{:#}", read.await.unwrap_err());
        assert!(said.contains("was stopped") && said.contains("the same command begins anew"), "{said}");
        assert_eq!(time.passed(), Duration::ZERO);
        assert!(session.open().await.is_err());
    }
}

#[test]
fn n06_an_address_without_tls_is_refused_unless_it_is_this_machine_or_allowed() {
    let settings = |dhis2: &str, commcare: &str| {
        let text = format!(
            "[profiles.p.dhis2]\n{dhis2}\nusername = \"u\"\n[profiles.p.commcare]\n{commcare}\nproject = \"p\"\nusername = \"me\"\n"
        );
        config::load(Path::new("config.toml"), &text).map_err(|error| error.to_string())
    };
    let (plain, safe) = ("url = \"http://dhis2.example.org\"", "url = \"https://hq.example.org\"");
    let refused = settings(plain, safe).unwrap_err();
    assert!(refused.contains("config.toml:2: ") && refused.contains("allow_http"), "{refused}");
    let refused = settings(safe, plain).unwrap_err();
    assert!(refused.contains("config.toml:5: ") && refused.contains("allow_http"), "{refused}");
    settings(&format!("{plain}\nallow_http = true"), safe).unwrap();
    assert!(settings(&format!("{safe}\nallow_http = true"), plain).is_err(), "allowed for its own side only");
    for this in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"] {
        settings(&format!("url = \"{this}\""), safe).unwrap();
    }
}

#[tokio::test]
async fn n09_a_login_page_is_not_signed_in_and_never_no_data() {
    let login = || Fault::redirect("/dhis2/dhis-web-login/");
    for kind in KINDS {
        let ran = run(40, vec![Rule::new(login()).on(kind)]).await;
        failed(&ran, &["not signed in", "/dhis2/dhis-web-login/ (302)", "credentials"]);
        assert_eq!(ran.line.asked("dhis-web-login"), 0, "not followed");
        let ran = run(40, vec![Rule::new(Fault::page(200)).on(kind)]).await;
        failed(&ran, &["no JSON object but text/html", "DHIS2 Login", "sign-in page"]);
        assert!(ran.time.slept().is_empty(), "asked once");
    }
    let whole = good(400).await;
    for fault in [login(), Fault::page(200)] {
        // Signed out between two requests for values.
        let ran = run(400, vec![Rule::new(fault).on(VALUES).times(1..usize::MAX)]).await;
        assert!(ran.plan().incomplete());
        let lost = cells(ran.plan()).into_iter().filter(|(_, (state, ..))| *state == State::FetchFailed).count();
        assert!(lost > 400, "{lost}");
        let all = cells(whole.plan());
        for (cell, found) in cells(ran.plan()) {
            assert!(found.0 == State::FetchFailed || found == all[&cell], "{cell:?}: {found:?}");
        }
    }
}

#[tokio::test]
async fn n10_a_reset_before_the_head_is_tried_five_times_with_jitter() {
    let whole = good(40).await;
    for kind in KINDS {
        let ran = run(40, vec![Rule::new(Fault::Reset(NEVER)).on(kind).times(0..4)]).await;
        assert_eq!(cells(ran.plan()), cells(whole.plan()), "{kind}");
        let slept = ran.time.slept();
        assert_eq!(slept.len(), 4, "{kind}");
        for (pause, full) in slept.iter().zip([1, 2, 4, 8].map(Duration::from_secs)) {
            assert!(*pause >= full / 2 && *pause <= full, "{kind}: {pause:?} of {full:?}");
        }
    }
    for kind in ["/dataElements", CASES] {
        let ran = run(40, vec![Rule::new(Fault::Reset(NEVER)).on(kind)]).await;
        failed(&ran, &["reset by peer", "5 tries"]);
        assert_eq!(ran.line.asked(kind), 5, "{kind}");
    }
}

/// Places in a body of this many bytes.
const CUTS: [fn(usize) -> usize; 6] =
    [|_| 0, |_| 1, |all| 1_000.min(all - 3), |all| all / 2, |all| all - 2, |all| all - 1];

#[tokio::test]
async fn n11_a_reset_within_the_body_leaves_nothing_of_it() {
    let whole = good(12).await;
    for kind in KINDS {
        for (number, at) in CUTS.into_iter().chain([(|all| all) as fn(usize) -> usize]).enumerate() {
            let ran = run(12, vec![Rule::new(Fault::ResetAfter(at)).on(kind).times(0..1)]).await;
            assert_eq!(cells(ran.plan()), cells(whole.plan()), "{kind}, cut {number}");
            assert_eq!(ran.line.asked(kind), whole.line.asked(kind) + 1, "{kind}, cut {number}: asked again");
        }
    }
}

#[tokio::test]
async fn n12_a_body_that_was_closed_early_is_no_answer() {
    let whole = good(12).await;
    for kind in KINDS {
        for (number, at) in CUTS.into_iter().enumerate() {
            let ran = run(12, vec![Rule::new(Fault::Truncate(at)).on(kind).times(0..1)]).await;
            assert_eq!(cells(ran.plan()), cells(whole.plan()), "{kind}, cut {number}");
            assert_eq!(ran.line.asked(kind), whole.line.asked(kind) + 1, "{kind}, cut {number}: asked again");
            assert_eq!(
                ran.told.last().unwrap().1.waited.counts.get(&Cause::BrokenOff),
                Some(&1),
                "{kind}, cut {number}"
            );
        }
    }
}

#[tokio::test]
async fn n13_a_minute_of_silence_is_one_more_try() {
    let whole = good(40).await;
    for kind in KINDS {
        let ran = run(40, vec![Rule::new(Fault::Reset(Duration::from_mins(1))).on(kind).times(0..1)]).await;
        assert_eq!(cells(ran.plan()), cells(whole.plan()), "{kind}");
        let passed = ran.time.passed();
        assert!(passed > Duration::from_mins(1) && passed <= Duration::from_secs(61), "{kind}: {passed:?}");
    }
}

#[tokio::test]
async fn n14_eight_kilobytes_a_second_are_enough_and_the_time_left_is_told() {
    let ran = run(800, vec![Rule::new(Fault::Slow(8 << 10))]).await;
    assert!(ran.time.passed() > Duration::from_mins(1), "{:?}", ran.time.passed());
    assert!(ran.time.slept().is_empty(), "nothing is tried again");
    assert_eq!(cells(ran.plan()), cells(good(800).await.plan()));
    let guesses: Vec<Duration> = ran.told.iter().filter_map(|(at, reading)| reading.reports.left(*at)).collect();
    assert!(!guesses.is_empty());
    // Answers of requests made at once come nearly together, so the first guess is long; it is no other order of time.
    assert!(guesses.iter().all(|guess| *guess <= ran.time.passed() * 2), "{guesses:?} of {:?}", ran.time.passed());
}

#[tokio::test]
async fn n15_half_a_minute_for_every_answer_is_no_storm() {
    let quick = good(1_500).await;
    let late = Duration::from_secs(30);
    let ran = run(1_500, vec![Rule::new(Fault::Late(late))]).await;
    assert_eq!(cells(ran.plan()), cells(quick.plan()));
    let requests = ran.line.asked("");
    assert_eq!(requests, quick.line.asked(""), "as many requests as on a quick line");
    assert!(ran.time.slept().is_empty(), "nothing is tried again");
    assert!(ran.line.most_at_once() <= 4, "{} at once", ran.line.most_at_once());
    let turns = u32::try_from(ran.time.passed().as_secs() / 30).unwrap();
    assert!(
        ran.line.asked(VALUES) > 4 && usize::try_from(turns).unwrap() < requests,
        "{turns} turns, {requests} requests"
    );
    let at_once = ran.told.iter().filter_map(|(at, reading)| reading.together(*at)).max().unwrap();
    assert!(at_once.starts_with("4 requests at once"), "{at_once}");
}

#[tokio::test]
async fn n16_an_answer_without_end_is_left_with_its_data_sets_named() {
    let limits = Limits { body: 1 << 20, ..Limits::default() };
    let whole = good(40).await;
    let unit = whole.plan().facilities().iter().find(|facility| !facility.closed).unwrap().external_id.clone();
    let spoiled = format!("orgUnit={unit}");
    let ran = run_limited(&limits, vec![Rule::new(Fault::Endless).on(VALUES).on(&spoiled)]).await;
    let mut expected = cells(whole.plan());
    for facility in whole.plan().facilities().iter().filter(|facility| facility.external_id == unit) {
        for ((case_id, _), cell) in &mut expected {
            if *case_id == *facility.case_id {
                (cell.0, cell.1) = (State::FetchFailed, None);
            }
        }
    }
    assert_eq!(cells(ran.plan()), expected);
    let note = ran.plan().head.notes.iter().find(|note| note.contains("1 MiB")).unwrap();
    let set = &whole.plan().property(0).data_set;
    assert!(note.contains(&unit) && note.contains(set.as_str()) && ran.plan().incomplete(), "{note}");
    for (kind, words) in [("/dataElements", "data elements"), (CASES, "cases of project")] {
        let ran = run_limited(&limits, vec![Rule::new(Fault::Endless).on(kind)]).await;
        failed(&ran, &[words, "passed the limit of 1 MiB", "--facility"]);
        assert_eq!(ran.line.asked(kind), 1);
    }
}

#[tokio::test]
async fn n23_a_server_whose_clock_is_wrong_changes_neither_quarter_nor_pauses() {
    let whole = good(40).await;
    let dated = |rules: Vec<Rule>| {
        let mut all = rules;
        all.push(Rule::new(Fault::With("date", "Wed, 01 Jan 2020 00:00:00 GMT".to_owned())));
        all
    };
    let headers = vec![
        ("date", "Wed, 01 Jan 2020 00:00:00 GMT".to_owned()),
        ("retry-after", "Wed, 01 Jan 2020 00:00:07 GMT".to_owned()),
    ];
    let ran = run(40, dated(vec![Rule::new(Fault::Say(429, headers, String::new())).on(VALUES).times(0..1)])).await;
    assert_eq!(cells(ran.plan()), cells(whole.plan()));
    assert_eq!((ran.plan().head.quarter, &ran.plan().head.read_at[..4]), (whole.plan().head.quarter, "2026"));
    assert_eq!(ran.time.slept(), [Duration::from_secs(7)], "told by the server's own clock");
}
