//! Requests that are too long, too many, or fail whatever is done.

use std::{collections::BTreeSet, time::Duration};

use onse::{
    domain::{ledger::Act as Verdict, plan::State},
    io::{dhis2::URL_LIMIT, http::Cause, known::Known},
    sandbox::{Gateway, Options, Version},
};

use crate::{
    faults::{Fault, Rule},
    naive::{Knows, Naive},
    rig::{Act, Got, Rig},
    support::ask,
};

/// Where in the order of the requests those with this status stand.
fn places(got: &Got, status: u16) -> Vec<usize> {
    (0..got.asked.len()).filter(|&at| got.asked[at].status == status).collect()
}

#[tokio::test]
async fn d06_a_request_that_is_too_long_is_halved_and_the_limit_kept_for_the_rest_of_the_run() {
    let rig = Rig::new(400);
    let truth = rig.truth().await;
    for (status, most) in [(414, 4_000), (431, 3_000), (400, 2_000)] {
        let got = rig.bent(move |path| if path.len() > most { Act::page(status) } else { Act::Pass }).await;
        got.says(&truth);
        assert!(!got.plan().incomplete());
        let refused = places(&got, status);
        // Once for each halving, by the requests under way then; nothing too long is asked after that.
        assert!((1..=4).contains(&refused.len()), "{status}: {refused:?}");
        assert!(refused.last().unwrap() < &12, "{status}: {refused:?}");
        assert!(got.dhis2.limit() <= most + 100 && got.dhis2.limit() >= 2_000, "{}", got.dhis2.limit());
        assert!(got.asked.iter().skip(12).all(|asked| asked.address.len() <= most));
        assert!(rig.time.slept().is_empty(), "nothing to wait for");
    }
}

/// What a server took is known in the next run, which asks nothing too long (and of another server nothing is known).
#[tokio::test]
async fn d06_the_next_run_begins_with_what_the_server_took() {
    let rig = Rig::new(400);
    let known = Known::in_memory();
    for (run, refused) in [(0, true), (1, false)] {
        let long = |path: &str| if path.len() > 3_000 { Act::page(414) } else { Act::Pass };
        let got = rig.knowing(&known, long).await;
        got.says(&rig.truth().await);
        assert_eq!(!places(&got, 414).is_empty(), refused, "run {run}");
        assert!(got.dhis2.limit() <= 3_100 && got.dhis2.limit() >= 2_000, "{}", got.dhis2.limit());
    }
}

/// Only values are too long: the server before them, metadata, takes everything.
#[tokio::test]
async fn d06_a_limit_learned_by_values_holds_for_the_requests_after_them() {
    let rig = Rig::new(400);
    let truth = rig.truth().await;
    let long = |path: &str| path.contains("/dataValueSets") && path.len() > 3_000;
    let got = rig.bent(move |path| if long(path) { Act::page(414) } else { Act::Pass }).await;
    got.says(&truth);
    let first = places(&got, 414)[0];
    assert!(got.asked[first].address.len() > URL_LIMIT - 200, "it begins with all that fits");
    assert!(places(&got, 414).len() <= 4, "{:?}", places(&got, 414));
    let read: Vec<usize> = got.values().iter().filter(|asked| asked.status == 200).map(|asked| asked.units()).collect();
    assert!(read.iter().all(|units| *units < 100) && read.len() < 12, "{read:?}");
}

/// A request of one unit cannot be shorter: then it is not for the length.
#[tokio::test]
async fn d06_a_unit_that_is_always_refused_as_too_long_costs_only_itself() {
    spoiled(&[(Act::page as Spoil, 414), (Act::page, 400), (Act::page, 431)], 40).await;
}

#[tokio::test]
async fn d07_it_waits_as_long_as_told_and_asks_for_less_at_once() {
    for (status, pauses) in [(429, ["4.5", "120", "0"]), (503, ["7", "0.25", "61"])] {
        let rig = Rig::new(40);
        let told = pauses.map(|pause| Rule::new(Fault::slow_down(status, pause)).on("/dataValueSets").times(0..1));
        let got = rig.faulty(told.into()).await;
        got.says(&rig.truth().await);
        let asked: Vec<Duration> = pauses.iter().map(|text| Duration::from_secs_f64(text.parse().unwrap())).collect();
        assert_eq!(rig.time.slept(), asked, "{status}");
        assert_eq!(rig.time.passed(), asked.iter().sum::<Duration>(), "no other clock moved");
        assert_eq!(got.client.together(), 1, "four at first, one less each time it was told");
        assert_eq!(got.shown.waited.counts, [(Cause::SlowDown(status), 3)].into());
        assert!(!got.plan().incomplete());
    }
}

#[tokio::test]
async fn d07_from_then_on_fewer_requests_are_under_way() {
    for (told, most) in [(0, 4), (1, 3), (2, 2), (7, 1)] {
        let mut rig = Rig::new(60);
        rig.in_batches_of(2, &ask(&[])).await;
        let slow = Rule::new(Fault::slow_down(429, "5")).on("/system/info").times(0..told);
        let late = Rule::new(Fault::Late(Duration::from_secs(1))).on("/dataValueSets");
        let (got, at_once) = rig.crowded(vec![slow, late]).await;
        got.says(&rig.truth().await);
        assert_eq!((got.client.together(), at_once), (most, most), "told {told} times");
    }
}

#[tokio::test]
async fn d07_a_server_that_asks_for_less_for_ever_ends_the_reading() {
    let rig = Rig::new(40);
    let got = rig.faulty(vec![Rule::new(Fault::slow_down(503, "600")).on("/dataValueSets")]).await;
    assert!(got.failure().contains("wait 600 s"));
    assert!(rig.time.passed() >= Duration::from_hours(2) && rig.time.slept().len() <= 13, "{:?}", rig.time.passed());
}

/// What comes of a status.
type Spoil = fn(u16) -> Act;

/// One unit for which requests fail in these ways: it is `FETCH_FAILED` and named, and all others are read.
async fn spoiled(faults: &[(Spoil, u16)], most: usize) {
    let rig = Rig::new(90);
    let truth = rig.truth().await;
    for (fault, status) in faults {
        for nth in [0, 60] {
            let bad = rig.unit(nth);
            let (fault, status, word) = (*fault, *status, format!("orgUnit={bad}"));
            let meets = move |path: &str| path.contains("/dataValueSets") && path.contains(&word);
            let got = rig.bent(move |path| if meets(path) { fault(status) } else { Act::Pass }).await;
            let mut wanted = truth.clone();
            rig.blank(&mut wanted, &bad, State::FetchFailed);
            got.says(&wanted);
            assert!(got.plan().incomplete(), "{status}");
            assert!(got.note("organisation units that could not be read").contains(&bad), "{status}");
            assert!(got.values().len() <= most, "{status}: {} requests", got.values().len());
            let opened = got.read.as_ref().unwrap();
            let left = opened.ledger.undecided(&opened.plan, opened.plan.cells());
            let lost = |cell: &onse::domain::plan::Cell| opened.plan.state(*cell) == State::FetchFailed;
            assert!(!left.plain.iter().any(lost), "none is left to approve");
            let act = [Verdict::Approve, Verdict::Zero];
            let fits = |cell| act.iter().any(|act| act.fits(&opened.plan, cell));
            assert!(!opened.plan.cells().filter(lost).any(fits), "it cannot be approved, nor made 0");
        }
    }
}

#[tokio::test]
async fn d08_a_batch_that_fails_every_time_is_bisected_to_the_one_facility() {
    // Seven halvings of one batch: eight requests with the bad unit, each tried twice, and seven without it.
    spoiled(&[(Act::page as Spoil, 500)], 23).await;
}

#[tokio::test]
async fn d09_a_gateway_that_fails_on_a_unit_is_retried_then_bisected_as_in_d08() {
    // Each of the eight is tried five times.
    spoiled(&[(Act::page as Spoil, 502), (Act::page, 504)], 47).await;
}

#[tokio::test]
async fn d08_a_body_that_never_ends_properly_for_one_unit_costs_only_that_unit() {
    let cut = |_| Act::Say(200, "application/json", "{\"dataValues\":[".to_owned());
    spoiled(&[(cut as Spoil, 200)], 47).await;
}

/// Without metadata every data set is asked for by itself, and the bad unit is in all of them.
#[tokio::test]
async fn d08_behind_a_bare_gateway_a_bad_unit_costs_only_itself_too() {
    for (nth, version) in [(0, Version::V36), (1, Version::V42), (30, Version::V43)] {
        let gateway = Gateway::Values;
        let mut rig = Rig::with(&Options { facilities: 40, version, gateway, ..Options::new((2026, 2)) });
        rig.who = rig.who.behind_the_gateway();
        let bad = rig.unit(nth);
        let knows = Knows { metadata: false, completeness: false };
        let mut truth =
            Naive { knows, ..Naive::new(&rig.sandbox, rig.user) }.cells(&rig.sandbox, &ask(&[]).mapping).await.0;
        rig.blank(&mut truth, &bad, State::FetchFailed);
        let word = format!("orgUnit={bad}");
        let got = rig.bent(move |path| if path.contains(&word) { Act::page(500) } else { Act::Pass }).await;
        got.says(&truth);
        assert!(got.note("organisation units that could not be read").contains(&bad));
    }
}

#[tokio::test]
async fn d08_several_bad_units_cost_only_themselves() {
    let rig = Rig::new(200);
    let mut wanted = rig.truth().await;
    let bad: BTreeSet<String> = [0, 1, 2, 50, 99, 170].map(|nth| rig.unit(nth)).into();
    for unit in &bad {
        rig.blank(&mut wanted, unit, State::FetchFailed);
    }
    let words: Vec<String> = bad.iter().map(|unit| format!("orgUnit={unit}")).collect();
    let meets = move |path: &str| path.contains("/dataValueSets") && words.iter().any(|word| path.contains(word));
    let got = rig.bent(move |path| if meets(path) { Act::page(500) } else { Act::Pass }).await;
    got.says(&wanted);
    assert!(got.values().len() <= 2 * 6 * 18, "{} requests", got.values().len());
}

#[tokio::test]
async fn d09_a_gateway_that_fails_now_and_then_is_asked_again_and_nothing_is_missing() {
    for status in [502, 504] {
        let rig = Rig::new(40);
        let now_and_then = Rule::new(Fault::page(status)).on("/dataValueSets").times(0..4);
        let got = rig.faulty(vec![now_and_then, Rule::new(Fault::page(status)).on("/me?").times(0..1)]).await;
        got.says(&rig.truth().await);
        assert!(!got.plan().incomplete() && got.values().len() == 1, "one answer in the end");
        let slept = rig.time.slept();
        assert_eq!(slept.len(), 5);
        let most: Duration = [1, 1, 2, 4, 8].into_iter().map(Duration::from_secs).sum();
        assert!(
            slept.iter().sum::<Duration>() <= most && slept.iter().all(|pause| pause.as_millis() >= 500),
            "{slept:?}"
        );
        assert_eq!(got.shown.waited.counts, [(Cause::Server(status), 5)].into());
    }
}

/// A gateway that gives up on large answers: half the batch goes through.
#[tokio::test]
async fn d09_a_batch_that_takes_too_long_for_the_gateway_is_halved() {
    let rig = Rig::new(200);
    let large = |path: &str| path.contains("/dataValueSets") && path.matches("orgUnit=").count() > 60;
    let got = rig.bent(move |path| if large(path) { Act::page(504) } else { Act::Pass }).await;
    got.says(&rig.truth().await);
    assert!(!got.plan().incomplete());
    // Three requests too large, five tries each, and four small ones.
    assert!(got.values().len() <= 19, "{} requests", got.values().len());
}

#[tokio::test]
async fn d08_d09_a_server_that_answers_no_request_for_values_is_given_up_soon() {
    // Twelve that fail and three under way, then three small ones; each is tried two or five times.
    for (status, most) in [(500, 36), (502, 90)] {
        let rig = Rig::new(400);
        let got =
            rig.bent(move |path| if path.contains("/dataValueSets") { Act::page(status) } else { Act::Pass }).await;
        assert!(got.failure().contains(&format!("({status})")));
        assert!(got.values().len() <= most, "{status}: {} requests", got.values().len());
    }
}

#[tokio::test]
async fn d10_nothing_but_get_is_ever_asked_of_dhis2() {
    let rig = Rig::new(400);
    let got = rig.bent(|path| if path.len() > 4_000 { Act::page(414) } else { Act::Pass }).await;
    assert!(got.read.is_ok() && !got.asked.is_empty());
    assert!(got.asked.iter().all(|asked| asked.method == "GET"), "{:?}", got.asked);
}

#[tokio::test]
async fn d11_an_address_without_api_is_read_when_the_profile_says_so_and_named_when_not() {
    let mut rig = Rig::new(40);
    let truth = rig.truth().await;
    rig.who = rig.who.behind_the_gateway();
    let got = rig.read(&ask(&[])).await;
    got.says(&truth);
    assert!(got.asked.iter().all(|asked| asked.address.starts_with("/service/dhis2core/api/v0/")), "{:?}", got.asked);
    rig.who.api_root = false;
    let got = rig.read(&ask(&[])).await;
    let told = got.failure();
    assert!(told.contains("404") && told.contains("api_root"), "{told}");
}
