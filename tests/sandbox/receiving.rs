//! HQ as a receiver that fails, a search index that is late, and the record of what changed cases.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use jiff::Timestamp;
use onse::sandbox::{Effect, Fate, Options, PROJECT, Receiving, Sandbox};

use crate::rig::{Got, ORIGIN, Rig, api_key, block, form};

const NAME: &str = "dhis_cbdas";

fn set(case_id: &str, value: &str) -> String {
    block(case_id, &format!("<{NAME}>{value}</{NAME}>"))
}

fn id_of(got: &Got) -> &str {
    got.header("x-commcarehq-formid")
}

fn message(nature: &str, text: &str) -> String {
    format!(
        "<OpenRosaResponse xmlns=\"http://openrosa.org/http/response\"><message nature=\"{nature}\">{text}</message></OpenRosaResponse>"
    )
}

fn success() -> String {
    message("submit_success", "   \u{221a}   ")
}

fn value(rig: &Rig, case_id: &str) -> Option<String> {
    rig.sandbox.case(case_id).unwrap().properties.get(NAME).cloned()
}

/// Form, property and value of each effect on a case.
fn effects_on(rig: &Rig, case_id: &str) -> Vec<(Option<String>, String, String)> {
    let effects = rig.sandbox.effects().into_iter().filter(|effect| effect.case_id == case_id);
    effects.map(|effect| (effect.form, effect.property, effect.value)).collect()
}

fn effect(form: Option<&str>, property: &str, value: &str) -> (Option<String>, String, String) {
    (form.map(str::to_owned), property.to_owned(), value.to_owned())
}

/// A rig whose clock stands still until it is moved.
struct Still {
    rig: Rig,
    second: Arc<AtomicI64>,
}

impl Still {
    fn new() -> Self {
        let start = "2026-08-03T08:00:00Z".parse::<Timestamp>().unwrap().as_second();
        let second = Arc::new(AtomicI64::new(start));
        let clock = Arc::clone(&second);
        let clock: onse::sandbox::Clock =
            Arc::new(move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap());
        let sandbox = Sandbox::new(&Options { facilities: 10, seed: 1, ..Options::new((2026, 2)) }, clock);
        Self { rig: Rig { transport: sandbox.transport(ORIGIN), sandbox }, second }
    }

    fn pass(&self, seconds: i64) {
        self.second.fetch_add(seconds, Ordering::Relaxed);
    }

    /// What the index shows of the property.
    async fn seen(&self, case_id: &str) -> String {
        self.rig.hq(&format!("{case_id}/")).await.json()["properties"][NAME].as_str().unwrap_or_default().to_owned()
    }

    /// The case ids in the order of the index, the last so many.
    async fn last(&self, count: usize) -> Vec<String> {
        let list = self.rig.hq("?limit=5000").await.json();
        let ids: Vec<String> =
            list["cases"].as_array().unwrap().iter().map(|case| case["case_id"].as_str().unwrap().to_owned()).collect();
        ids[ids.len() - count..].to_vec()
    }
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_stores_nothing_and_the_same_bytes_are_new_afterwards() {
    let rig = Rig::new(10, 1);
    let id = rig.sandbox.case_ids().remove(0);
    let before = rig.sandbox.case(&id);
    let bytes = form("f1", &set(&id, "11"));
    let blocked = message("submit_error", "Submissions to this project are blocked");
    let ignored = message("submit_success", "\u{221a} (this submission was ignored)");
    for (kind, status, content_type, text) in [
        (Receiving::Locked, 423, "text/plain", "XFormLockError: f1"),
        (Receiving::SlowDown, 429, "text/html; charset=utf-8", ""),
        (Receiving::Migrating, 503, "text/plain", "Service Temporarily Unavailable"),
        (Receiving::Blocked, 509, "text/html; charset=utf-8", &blocked),
        (Receiving::Ignoring, 201, "text/html; charset=utf-8", &ignored),
    ] {
        rig.sandbox.set_receiver(kind);
        for _ in 0..2 {
            let got = rig.submit(bytes.clone()).await;
            assert_eq!((got.status.as_u16(), got.text()), (status, text), "{kind:?}");
            assert_eq!((got.header("content-type"), id_of(&got)), (content_type, ""), "{kind:?}");
            assert_eq!(got.header("retry-after"), "", "{kind:?}");
            assert_eq!(got.header("http_x_openrosa_version"), "1.0", "{kind:?}");
        }
    }
    rig.sandbox.set_receiver(Receiving::TooLarge(bytes.len() - 1));
    let large = rig.submit(bytes.clone()).await;
    assert_eq!((large.status, id_of(&large)), (StatusCode::PAYLOAD_TOO_LARGE, ""));
    assert!(rig.sandbox.forms().is_empty() && rig.sandbox.effects().is_empty());
    assert_eq!(rig.sandbox.case(&id), before);
    rig.sandbox.set_receiver(Receiving::TooLarge(bytes.len()));
    assert_eq!(id_of(&rig.submit(bytes).await), "f1", "exactly as much is let through, and is the first acceptance");
    assert_eq!(value(&rig, &id).as_deref(), Some("11"));
}

#[tokio::test]
async fn a_body_without_limit_is_no_matter_of_the_form_file_limit() {
    let rig = Rig::new(5, 1);
    let id = rig.sandbox.case_ids().remove(0);
    let long = form("f1", &set(&id, "1")).replace("</system>", &format!("{}</system>", " ".repeat(11 * 1024 * 1024)));
    assert_eq!(rig.submit(long).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_failing_receiver_opens_after_so_many_signed_in_submissions() {
    let rig = Rig::new(5, 1);
    let id = rig.sandbox.case_ids().remove(0);
    let bytes = form("f1", &set(&id, "1"));
    rig.sandbox.set_receiver_for(Receiving::Locked, 2);
    assert_eq!(rig.get(&format!("/a/{PROJECT}/receiver/api/"), "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(rig.get(&format!("/a/{PROJECT}/receiver/api/"), &api_key()).await.status.as_u16(), 405);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(rig.submit(bytes.clone()).await.status.as_u16());
    }
    assert_eq!(statuses, [423, 423, 201, 201]);
    rig.sandbox.set_receiver_for(Receiving::SlowDown, 0);
    assert_eq!(rig.submit(bytes.clone()).await.status, StatusCode::CREATED);
    rig.sandbox.set_receiver_for(Receiving::SlowDown, 1);
    rig.sandbox.set_receiver(Receiving::Migrating);
    for _ in 0..3 {
        assert_eq!(rig.submit(bytes.clone()).await.status.as_u16(), 503, "the newest order holds alone");
    }
}

#[tokio::test]
async fn a_step_that_fails_after_the_save_leaves_the_cases_saved() {
    let rig = Rig::new(10, 1);
    let id = rig.sandbox.case_ids().remove(0);
    rig.sandbox.set_receiver(Receiving::SavedWithError);
    let bytes = form("f1", &set(&id, "11"));
    let got = rig.submit(bytes.clone()).await;
    let text = message("post_processing_failure", "Error performing post save operations");
    assert_eq!((got.status, got.text(), id_of(&got)), (StatusCode::UNPROCESSABLE_ENTITY, text.as_str(), "f1"));
    assert_eq!(value(&rig, &id).as_deref(), Some("11"));
    let again = rig.submit(bytes).await;
    assert_eq!((again.status, again.text()), (StatusCode::CREATED, success().as_str()), "a duplicate saves nothing");
    let old = rig.submit_with(form("f2", &set(&id, "12")), &[]).await;
    assert_eq!((old.status, old.text()), (StatusCode::CREATED, success().as_str()), "old clients are not told");
    let bad = rig.submit(form("f3", &set("", "1"))).await;
    assert!(bad.text().contains("IllegalCaseId"), "what is not saved has no step after: {}", bad.text());
    let fates: Vec<Fate> = rig.sandbox.forms().into_iter().map(|form| form.fate).take(3).collect();
    assert_eq!(fates, [Fate::Applied, Fate::Duplicate("f1".to_owned()), Fate::Applied]);
}

#[tokio::test]
async fn a_crash_leaves_an_error_form_that_the_same_bytes_process_again() {
    let rig = Rig::new(10, 1);
    let id = rig.sandbox.case_ids().remove(0);
    let before = rig.sandbox.case(&id);
    let bytes = form("f1", &set(&id, "11"));
    rig.sandbox.set_receiver_for(Receiving::Crashing, 2);
    for _ in 0..2 {
        let got = rig.submit(bytes.clone()).await;
        assert_eq!((got.status, id_of(&got)), (StatusCode::INTERNAL_SERVER_ERROR, ""));
        assert!(got.header("content-type").starts_with("text/html") && got.text().contains("<h1>"));
        assert_eq!(rig.sandbox.case(&id), before);
        let forms = rig.sandbox.forms();
        assert!(matches!(&forms[..], [form] if form.id == "f1" && matches!(form.fate, Fate::Failed(_))));
    }
    assert!(rig.sandbox.effects().is_empty());
    let got = rig.submit(bytes.clone()).await;
    assert_eq!((got.status, got.text()), (StatusCode::CREATED, success().as_str()));
    assert_ne!(id_of(&got), "f1", "answered as a duplicate");
    assert_eq!(value(&rig, &id).as_deref(), Some("11"));
    let forms = rig.sandbox.forms();
    assert_eq!((&forms[0].fate, &forms[1].fate), (&Fate::Applied, &Fate::Duplicate("f1".to_owned())));
    assert_eq!(forms[1].xmlns, forms[0].xmlns);
    rig.sandbox.set_receiver(Receiving::Crashing);
    assert_eq!(rig.submit(bytes).await.status, StatusCode::CREATED, "a duplicate is not processed");
    assert_eq!(effects_on(&rig, &id), [effect(Some("f1"), NAME, "11")]);
}

#[tokio::test]
async fn h20_the_first_blocks_by_case_id_get_in_and_the_answer_says_nothing() {
    let rig = Rig::new(10, 1);
    let ids = rig.sandbox.case_ids();
    let before: Vec<Option<String>> = ids.iter().map(|id| value(&rig, id)).collect();
    rig.sandbox.set_receiver_for(Receiving::Partly(2), 1);
    let blocks: String = [3, 0, 2, 1].map(|at: usize| set(&ids[at], "9999")).concat();
    let bytes = form("f1", &blocks);
    let got = rig.submit(bytes.clone()).await;
    assert_eq!((got.status, got.text(), id_of(&got)), (StatusCode::CREATED, success().as_str(), "f1"));
    let now: Vec<Option<String>> = ids.iter().map(|id| value(&rig, id)).collect();
    assert_eq!(now[..2], [Some("9999".to_owned()), Some("9999".to_owned())]);
    assert_eq!(now[2..], before[2..]);
    let changed: Vec<String> = rig.sandbox.effects().into_iter().map(|effect| effect.case_id).collect();
    assert_eq!(changed, ids[..2]);
    rig.submit(bytes).await;
    assert_eq!(value(&rig, &ids[2]), before[2], "the same bytes are a duplicate and mend nothing");
    rig.sandbox.set_receiver(Receiving::Partly(1));
    let bad = rig.submit(form("f2", &(set(&ids[0], "1") + &set("zz", "1").replace("2026-08-03T", "garbage")))).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "a known error is found before anything is saved");
}

#[tokio::test]
async fn h14_a_bad_case_fails_its_whole_form_until_it_is_good_again() {
    let rig = Rig::new(10, 1);
    let ids = rig.sandbox.case_ids();
    let before = rig.sandbox.case(&ids[0]);
    rig.sandbox.set_bad_cases(&[&ids[1], &ids[2]]);
    let bytes = form("f1", &(set(&ids[0], "7") + &set(&ids[1], "7")));
    for _ in 0..2 {
        let got = rig.submit(bytes.clone()).await;
        let text = message("processing_failure", "IllegalCaseId: Bad case id");
        assert_eq!((got.status, got.text(), id_of(&got)), (StatusCode::UNPROCESSABLE_ENTITY, text.as_str(), "f1"));
    }
    assert_eq!(rig.submit(form("f2", &set(&ids[2], "7"))).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(rig.submit(form("f3", &set(&ids[3], "7"))).await.status, StatusCode::CREATED, "others are fine");
    assert_eq!((rig.sandbox.case(&ids[0]), rig.sandbox.forms().len()), (before, 3));
    rig.sandbox.set_bad_case(Some(&ids[2]));
    let got = rig.submit(bytes).await;
    assert!(got.status == StatusCode::CREATED && id_of(&got) != "f1", "processed again, answered as a duplicate");
    assert_eq!((value(&rig, &ids[0]).as_deref(), value(&rig, &ids[1]).as_deref()), (Some("7"), Some("7")));
    assert_eq!(rig.submit(form("f4", &set(&ids[2], "7"))).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    rig.sandbox.set_bad_case(None);
    assert_eq!(rig.submit(form("f5", &set(&ids[2], "7"))).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn h05_the_index_takes_up_each_change_in_its_own_time() {
    let still = Still::new();
    let rig = &still.rig;
    let ids = rig.sandbox.case_ids();
    rig.sandbox.set_index_lag(Duration::from_mins(1));
    rig.submit(form("f1", &set(&ids[5], "501"))).await;
    still.pass(50);
    assert!(rig.sandbox.set_property(&ids[5], NAME, "502"));
    rig.submit(form("f2", &set(&ids[2], "201"))).await;
    still.pass(9);
    assert!(!["501", "502"].contains(&still.seen(&ids[5]).await.as_str()));
    assert_eq!(value(rig, &ids[5]).as_deref(), Some("502"), "the database is current");
    still.pass(1);
    assert_eq!(still.seen(&ids[5]).await, "501", "the later change is not yet due");
    still.pass(50);
    let older = rig.get(&format!("/a/{PROJECT}/api/v0.5/case/{}/", ids[5]), &api_key()).await.json();
    assert_eq!(older["properties"][NAME], "502", "the older API reads the same index");
    assert_eq!(still.last(2).await, [ids[5].as_str(), ids[2].as_str()], "in the order they were due");
    let shown = rig.hq(&format!("{}/", ids[5])).await.json();
    assert_eq!(shown["indexed_on"], "2026-08-03T08:01:50.000000Z", "however late somebody looks");
}

#[tokio::test]
async fn a_lag_that_ends_ends_for_what_waits_too() {
    let still = Still::new();
    let ids = still.rig.sandbox.case_ids();
    still.rig.sandbox.set_index_lag(Duration::from_hours(1));
    still.rig.submit(form("f1", &set(&ids[0], "8001"))).await;
    assert_ne!(still.seen(&ids[0]).await, "8001");
    still.rig.sandbox.set_index_lag(Duration::ZERO);
    assert_eq!(still.seen(&ids[0]).await, "8001");
    still.rig.submit(form("f2", &set(&ids[0], "8002"))).await;
    assert_eq!(still.seen(&ids[0]).await, "8002");
}

#[tokio::test]
async fn a_held_index_lets_in_nothing_that_is_due_and_then_no_more_than_that() {
    let still = Still::new();
    let ids = still.rig.sandbox.case_ids();
    still.rig.sandbox.set_index_lag(Duration::from_mins(1));
    still.rig.submit(form("f1", &set(&ids[7], "1"))).await;
    still.pass(60);
    still.rig.sandbox.hold_index(true);
    assert_eq!(still.seen(&ids[7]).await, "1", "it was due before the index stopped");
    still.rig.submit(form("f2", &set(&ids[6], "2"))).await;
    still.pass(30);
    still.rig.submit(form("f3", &set(&ids[5], "3"))).await;
    still.pass(40);
    assert_ne!(still.seen(&ids[6]).await, "2");
    still.rig.sandbox.hold_index(false);
    assert_eq!(still.seen(&ids[6]).await, "2");
    assert_ne!(still.seen(&ids[5]).await, "3");
    still.pass(20);
    assert_eq!(still.seen(&ids[5]).await, "3");
    assert_eq!(still.last(3).await, [ids[7].as_str(), ids[6].as_str(), ids[5].as_str()]);
}

#[tokio::test]
async fn the_record_names_form_case_property_and_value_each_time_a_form_is_applied() {
    let rig = Rig::new(10, 1);
    let ids = rig.sandbox.case_ids();
    let first =
        form("f1", &(block(&ids[1], "<b>1</b><a> x </a><date_modified>no</date_modified>") + &set(&ids[0], "2")));
    rig.submit(first.clone()).await;
    rig.submit(first).await;
    rig.submit(form("f1", &set(&ids[0], "3"))).await;
    assert!(rig.sandbox.set_property(&ids[0], NAME, "4"));
    assert!(!rig.sandbox.set_property("nowhere", NAME, "4"));
    let clash = form("f1", &set(&ids[0], "5")).replace("dhis2-import", "other");
    assert_ne!(id_of(&rig.submit(clash).await), "f1");
    rig.submit(form("f9", &block(&ids[0], "<hq_user_id>u</hq_user_id>").replace("</update>", "</update><close/>")))
        .await;
    assert_eq!(effects_on(&rig, &ids[1]), [effect(Some("f1"), "b", "1"), effect(Some("f1"), "a", " x ")]);
    assert_eq!(
        effects_on(&rig, &ids[0]),
        [
            effect(Some("f1"), NAME, "2"),
            effect(Some("f1"), NAME, "3"),
            effect(None, NAME, "4"),
            effect(Some("f1"), NAME, "5"),
            effect(Some("f9"), "hq_user_id", "u"),
            effect(Some("f9"), "external_id", "u"),
            effect(Some("f9"), "@closed", "true"),
        ]
    );
    let effects = rig.sandbox.effects();
    assert_eq!(effects[0].case_id, ids[0], "within a form by case id");
    assert!(effects.is_sorted_by_key(|Effect { at, .. }| *at));
    assert_eq!(effects[0].at, rig.sandbox.forms()[0].received);
}

#[tokio::test]
async fn others_close_and_open_cases_and_a_rebuild_keeps_it() {
    let still = Still::new();
    let rig = &still.rig;
    let ids = rig.sandbox.case_ids();
    let id = ids.iter().find(|id| !rig.sandbox.case(id).unwrap().closed).unwrap();
    rig.submit(form("f1", &set(id, "1"))).await;
    rig.sandbox.set_index_lag(Duration::from_secs(5));
    assert!(rig.sandbox.close_case(id) && !rig.sandbox.close_case("nowhere"));
    let case = rig.sandbox.case(id).unwrap();
    assert!(case.closed && case.date_closed == Some(case.server_last_modified));
    assert_eq!(rig.hq(&format!("{id}/")).await.json()["closed"], false);
    still.pass(5);
    assert_eq!(rig.hq(&format!("{id}/")).await.json()["closed"], true);
    rig.submit(form("f1", &set(id, "2"))).await;
    assert!(rig.sandbox.case(id).unwrap().closed, "closing is part of the history");
    assert!(rig.sandbox.reopen_case(id) && !rig.sandbox.reopen_case("nowhere"));
    let case = rig.sandbox.case(id).unwrap();
    assert_eq!((case.closed, case.date_closed, case.properties[NAME].as_str()), (false, None, "2"));
    let by_others: Vec<_> = effects_on(rig, id).into_iter().filter(|(form, ..)| form.is_none()).collect();
    assert_eq!(by_others, [effect(None, "@closed", "true"), effect(None, "@closed", "false")]);
}

#[tokio::test]
async fn a_deleted_case_is_seen_no_more_and_takes_forms_all_the_same() {
    let still = Still::new();
    let rig = &still.rig;
    let ids = rig.sandbox.case_ids();
    let found = ids.iter().find_map(|id| {
        let unit = rig.sandbox.case(id).unwrap().external_id.filter(|unit| !unit.is_empty())?;
        let alone = |id: &&String| rig.sandbox.case(id).unwrap().external_id.as_ref() == Some(&unit);
        (ids.iter().filter(alone).count() == 1).then(|| (id.clone(), unit))
    });
    let (id, unit) = found.unwrap();
    let of_unit = format!("ext/{unit}/");
    rig.sandbox.set_index_lag(Duration::from_secs(5));
    assert_eq!(rig.hq(&of_unit).await.status, StatusCode::OK);
    assert!(rig.sandbox.delete_case(&id));
    assert_eq!(rig.hq(&of_unit).await.status, StatusCode::NOT_FOUND, "the database at once");
    assert_eq!(rig.hq(&format!("{id}/")).await.status, StatusCode::OK, "the index later");
    still.pass(5);
    let gone = |when: &'static str| {
        let (id, of_unit) = (&id, &of_unit);
        async move {
            assert_eq!(rig.hq(&format!("{id}/")).await.status, StatusCode::NOT_FOUND, "{when}");
            assert_eq!(rig.hq(of_unit).await.status, StatusCode::NOT_FOUND, "{when}");
            assert_eq!(rig.hq("?limit=5000").await.json()["matching_records"], 10 + 28 - 1, "{when}");
            let several = rig.hq(&format!("{id},{id}/")).await.json();
            assert_eq!(several["missing_records"], 2, "{when}");
            let older = rig.get(&format!("/a/{PROJECT}/api/v0.5/case/{id}/"), &api_key()).await;
            assert_eq!(older.status, StatusCode::NOT_FOUND, "{when}");
            assert!(rig.sandbox.case(id).is_none() && !rig.sandbox.case_ids().contains(id), "{when}");
        }
    };
    gone("once deleted").await;
    for value in ["1", "2"] {
        let got = rig.submit(form("f1", &set(&id, value))).await;
        assert_eq!((got.status, id_of(&got)), (StatusCode::CREATED, "f1"));
        still.pass(5);
        gone("after a form, and after an edit of it").await;
    }
    for there in [
        rig.sandbox.delete_case(&id),
        rig.sandbox.close_case(&id),
        rig.sandbox.reopen_case(&id),
        rig.sandbox.set_property(&id, NAME, "3"),
    ] {
        assert!(!there, "nobody else finds it");
    }
    let applied = [effect(None, "@deleted", "true"), effect(Some("f1"), NAME, "1"), effect(Some("f1"), NAME, "2")];
    assert_eq!(effects_on(rig, &id), applied);
}
