//! Cases: pages, repeats, ids, the database route; one form.

use onse::io::{
    commcare::{Api, CommCare, Found, Receipt},
    http::{Side, Why},
    transport::Broken,
};
use serde_json::json;

use crate::fake::{MARK, Play, client};

fn case(id: &str, beds: &str) -> serde_json::Value {
    json!({"case_id": id, "case_type": "facility_supervision", "case_name": id, "external_id": null, "closed": false,
           "indexed_on": "2026-01-05T22:30:09.000001Z", "properties": {"dhis_beds": beds, "other": "x"}})
}

fn page(matching: usize, cases: &[serde_json::Value], next: Option<&str>) -> Play {
    let mut page = json!({"matching_records": matching, "cases": cases});
    if let Some(next) = next {
        page["next"] = next.into();
    }
    Play::ok(&page.to_string())
}

fn wanted() -> Vec<String> {
    vec!["dhis_beds".into()]
}

const LIST: &str = "https://hq.example/a/onse-iss/api/case/v2/";
const OLDER: &str = "https://hq.example/a/onse-iss/api/v0.5/case/";

#[tokio::test]
async fn h02_pages_are_followed_as_given_and_the_later_of_a_repeat_wins() {
    let next = format!("{LIST}?cursor=aW5kZXhlZF9vbi5ndGU9Li4u%3D%3D");
    let script = vec![
        page(3, &[case("c1", "1"), case("c2", "2")], Some(&next)),
        page(2, &[case("c1", "9"), case("c3", "3")], None),
    ];
    let (client, seen) = client(Side::CommCare, script);
    let mut progress = Vec::new();
    let listing = CommCare::new(client, "onse-iss")
        .cases("facility_supervision", &wanted(), &mut |done, total| progress.push((done, total)))
        .await
        .unwrap();
    let ids: Vec<_> = listing.cases.iter().map(|c| (c.case_id.as_str(), c.properties["dhis_beds"].as_str())).collect();
    assert_eq!(ids, [("c1", "9"), ("c2", "2"), ("c3", "3")]);
    assert_eq!((listing.matching, listing.repeats, listing.is_whole()), (3, 1, true));
    assert_eq!(progress, [(2, 3), (3, 3)]);
    assert_eq!(seen.uris(), [format!("{LIST}?case_type=facility_supervision&limit=5000"), next]);
    assert_eq!(seen.header(1, "authorization").unwrap(), format!("ApiKey me@example.org:{MARK}"));
}

#[tokio::test]
async fn h03_fewer_cases_than_announced_are_not_whole() {
    let (client, _) = client(Side::CommCare, vec![page(3, &[case("c1", "1")], None)]);
    let listing = CommCare::new(client, "onse-iss").cases("t", &wanted(), &mut |_, _| {}).await.unwrap();
    assert!(!listing.is_whole());
}

#[tokio::test]
async fn h04_a_next_page_elsewhere_is_refused() {
    for next in
        ["https://evil.example/a/onse-iss/api/case/v2/?cursor=x", "http://hq.example/a/onse-iss/api/case/v2/?cursor=x"]
    {
        let (client, seen) = client(Side::CommCare, vec![page(9, &[case("c1", "1")], Some(next)), page(1, &[], None)]);
        let failure = CommCare::new(client, "onse-iss").cases("t", &wanted(), &mut |_, _| {}).await.unwrap_err();
        assert!(matches!(*failure.why, Why::OtherOrigin { .. }) && seen.count() == 1, "{failure:?}");
    }
}

#[tokio::test]
async fn pages_that_never_end_are_left() {
    let next = format!("{LIST}?cursor=x");
    let round = || page(9, &[case("c1", "1")], Some(&next));
    for script in [vec![round(), round(), round()], vec![page(9, &[], Some(&next)), round()]] {
        let (client, seen) = client(Side::CommCare, script);
        let failure = CommCare::new(client, "onse-iss").cases("t", &wanted(), &mut |_, _| {}).await.unwrap_err();
        assert!(matches!(*failure.why, Why::Shape { .. }) && seen.count() <= 2, "{failure:?}");
    }
}

#[tokio::test]
async fn fetching_answers_each_id_in_order() {
    let bulk = json!({"matching_records": 1, "missing_records": 1,
        "cases": [{"case_id": "x", "error": "not found"}, case("c1", "5")]});
    let (client, seen) = client(Side::CommCare, vec![Play::html(502), Play::ok(&bulk.to_string())]);
    let ids = ["c1", "x", "c1"].map(str::to_owned);
    let found = CommCare::new(client, "onse-iss").fetch(&ids, "f", &wanted()).await.unwrap();
    let [Found::Case(first), Found::Missing(missing), Found::Case(again)] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((first.case_id.as_str(), missing.as_str(), first), ("c1", "x", again));
    assert_eq!(seen.uris()[1], format!("{LIST}bulk-fetch/"));
    assert_eq!(
        (seen.body(1).as_str(), seen.header(1, "content-type").unwrap().as_str()),
        (r#"{"case_ids":["c1","x"]}"#, "application/json")
    );
}

#[tokio::test]
async fn an_id_that_is_not_answered_is_a_failure() {
    let (client, _) = client(Side::CommCare, vec![Play::ok(r#"{"cases":[]}"#)]);
    let failure = CommCare::new(client, "onse-iss").fetch(&["c1".into()], "f", &[]).await.unwrap_err();
    assert!(failure.to_string().contains("nothing of case c1"), "{failure}");
}

#[tokio::test]
async fn many_ids_go_in_requests_of_five_thousand_and_none_in_no_request() {
    let ids: Vec<String> = (0..5001).map(|n| format!("c{n}")).collect();
    let missing = |ids: &[String]| {
        let cases: Vec<_> = ids.iter().map(|id| json!({"case_id": id, "error": "not found"})).collect();
        Play::ok(&json!({ "cases": cases }).to_string())
    };
    let (client, seen) = client(Side::CommCare, vec![missing(&ids[..5000]), missing(&ids[5000..])]);
    let hq = CommCare::new(client, "onse-iss");
    assert_eq!(hq.fetch(&[], "f", &[]).await.unwrap(), []);
    assert_eq!(seen.count(), 0);
    assert_eq!(hq.fetch(&ids, "f", &[]).await.unwrap().len(), 5001);
    assert_eq!(seen.count(), 2);
}

#[tokio::test]
async fn the_database_route_by_external_id() {
    let script = vec![
        Play::ok(&case("c1", "4").to_string()),
        Play::json(404, r#"{"error":"Case 'x' not found"}"#),
        Play::html(404),
        Play::json(400, r#"{"error":"Multiple cases found with external_id 'x': a, b"}"#),
    ];
    let (client, seen) = client(Side::CommCare, script);
    let hq = CommCare::new(client, "onse-iss");
    assert_eq!(hq.from_database("a/b c", &wanted()).await.unwrap().unwrap().properties["dhis_beds"], "4");
    assert_eq!(hq.from_database("x", &wanted()).await.unwrap(), None);
    let failure = hq.from_database("x", &wanted()).await.unwrap_err();
    assert_eq!(*failure.why, Why::NotFound { message: None }, "a page is no word about the case");
    let failure = hq.from_database("x", &wanted()).await.unwrap_err();
    assert!(failure.to_string().contains("Multiple cases"), "{failure}");
    assert_eq!(seen.uris()[0], format!("{LIST}ext/a%2Fb%20c/"));
    for odd in ["", " ", ".", ".."] {
        hq.from_database(odd, &wanted()).await.unwrap_err();
    }
    assert_eq!(seen.count(), 4, "and the older API, which reads the index, was not asked");
}

#[tokio::test]
async fn h01_401_names_the_key_and_is_asked_once() {
    let (client, seen) = client(Side::CommCare, vec![Play::html(401), Play::ok("{}")]);
    let told = CommCare::new(client, "onse-iss").cases("t", &[], &mut |_, _| {}).await.unwrap_err().to_string();
    assert!(told.contains("ONSE_COMMCARE_API_KEY") && told.contains("hq.example") && seen.count() == 1, "{told}");
}

fn older_case(id: &str, beds: &str) -> serde_json::Value {
    json!({"id": id, "case_id": id, "closed": false, "indexed_on": format!("2026-01-05T22:30:0{beds}Z"),
           "properties": {"case_name": id, "case_type": "f", "external_id": id.to_uppercase(), "dhis_beds": beds}})
}

fn older_page(total: usize, cases: &[serde_json::Value], next: Option<&str>) -> Play {
    let meta = json!({"limit": 5000, "offset": 0, "previous": null, "next": next, "total_count": total});
    Play::ok(&json!({"meta": meta, "objects": cases}).to_string())
}

#[tokio::test]
async fn without_v2_the_older_list_is_read_and_v2_not_asked_again() {
    let first = older_page(3, &[older_case("c1", "1"), older_case("c2", "2")], Some("?type=f&limit=2&offset=2"));
    let second = older_page(3, &[older_case("c3", "3")], None);
    let again = older_page(1, &[older_case("c1", "1")], None);
    let (client, seen) = client(Side::CommCare, vec![Play::html(404), first, second, again]);
    let hq = CommCare::new(client, "onse-iss");
    let mut progress = Vec::new();
    let listing = hq.cases("f", &wanted(), &mut |done, total| progress.push((done, total))).await.unwrap();
    assert_eq!((listing.api, listing.cases.len(), listing.is_whole(), listing.repeats), (Api::V05, 3, true, 0));
    assert_eq!((listing.notes.len(), listing.newest_indexed_on.as_deref()), (1, Some("2026-01-05T22:30:03Z")));
    let case = &listing.cases[0];
    assert_eq!(
        (case.name.as_str(), case.external_id.as_deref(), &*case.properties["dhis_beds"]),
        ("c1", Some("C1"), "1")
    );
    assert_eq!(progress, [(2, 3), (3, 3)]);
    assert_eq!(hq.clone().cases("f", &wanted(), &mut |_, _| {}).await.unwrap().cases.len(), 1);
    let list = format!("{OLDER}?type=f&limit=5000&order_by=indexed_on");
    let newer = format!("{LIST}?case_type=f&limit=5000");
    assert_eq!(seen.uris(), [newer, list.clone(), format!("{OLDER}?type=f&limit=2&offset=2"), list]);
}

#[tokio::test]
async fn h02_h03_of_the_older_list_a_repeat_tells_that_another_slipped_by() {
    let pages = |total_then: usize, more: &[serde_json::Value]| {
        let first = older_page(3, &[older_case("c1", "1"), older_case("c2", "2")], Some("?offset=2"));
        vec![Play::html(404), first, older_page(total_then, more, None)]
    };
    for (script, ids, repeats, whole) in [
        (pages(3, &[older_case("c1", "9")]), vec!["c1", "c2"], 1, false),
        (pages(4, &[older_case("c1", "9"), older_case("c4", "4")]), vec!["c1", "c2", "c4"], 1, false),
        (pages(4, &[older_case("c3", "3"), older_case("c4", "4")]), vec!["c1", "c2", "c3", "c4"], 0, true),
        (pages(2, &[]), vec!["c1", "c2"], 0, false),
    ] {
        let (client, _) = client(Side::CommCare, script);
        let listing = CommCare::new(client, "onse-iss").cases("f", &wanted(), &mut |_, _| {}).await.unwrap();
        let found: Vec<_> = listing.cases.iter().map(|case| case.case_id.as_str()).collect();
        assert_eq!((found, listing.repeats, listing.is_whole()), (ids, repeats, whole));
        assert!(repeats == 0 || listing.cases[0].properties["dhis_beds"] == "9", "the later version wins");
    }
}

#[tokio::test]
async fn h04_a_next_page_elsewhere_is_refused_of_the_older_list_too() {
    for next in ["https://evil.example/a/x/", "//evil.example/?offset=1", "https://hq.example:8443/?offset=1"] {
        let script =
            vec![Play::html(404), older_page(9, &[older_case("c1", "1")], Some(next)), older_page(1, &[], None)];
        let (client, seen) = client(Side::CommCare, script);
        let failure = CommCare::new(client, "onse-iss").cases("f", &wanted(), &mut |_, _| {}).await.unwrap_err();
        assert!(matches!(*failure.why, Why::OtherOrigin { .. }) && seen.count() == 2, "{failure:?}");
        assert!(failure.to_string().contains("Nothing is sent there"), "{failure}");
    }
}

#[tokio::test]
async fn where_neither_list_is_there_the_address_is_wrong() {
    for gone in [|| Play::html(404), || Play::json(404, r#"{"message":"no Route matched"}"#)] {
        let (client, seen) = client(Side::CommCare, vec![gone(), gone(), gone(), gone()]);
        let hq = CommCare::new(client, "onse-iss");
        let failure = hq.cases("f", &[], &mut |_, _| {}).await.unwrap_err();
        assert!(matches!(*failure.why, Why::NotFound { .. }) && seen.count() == 2, "{failure:?}");
        assert!(!failure.to_string().contains("v0.5"), "{failure}");
        hq.fetch(&["c1".into()], "f", &[]).await.unwrap_err();
        assert!(seen.uris()[2].ends_with("/case/v2/bulk-fetch/"), "one miss does not settle it: {:?}", seen.uris());
    }
}

#[tokio::test]
async fn a_later_page_that_is_not_there_is_no_missing_api() {
    let next = format!("{LIST}?cursor=x");
    let script = vec![page(9, &[case("c1", "1")], Some(&next)), Play::html(404), older_page(0, &[], None)];
    let (client, seen) = client(Side::CommCare, script);
    let failure = CommCare::new(client, "onse-iss").cases("f", &[], &mut |_, _| {}).await.unwrap_err();
    assert!(matches!(*failure.why, Why::NotFound { .. }) && seen.count() == 2, "{failure:?}");
}

#[tokio::test]
async fn without_v2_cases_by_id_come_from_the_list_and_the_rest_one_by_one() {
    let script = vec![
        Play::html(404),
        older_page(2, &[older_case("c1", "1"), older_case("c2", "2")], None),
        Play::ok(&older_case("moved", "3").to_string()),
        Play::html(404),
        older_page(0, &[], None),
        Play::ok(&older_case("other", "3").to_string()),
        older_page(0, &[], None),
        Play::html(500),
        Play::html(500),
    ];
    let (client, seen) = client(Side::CommCare, script);
    let hq = CommCare::new(client, "onse-iss");
    let ids = ["c2", "moved", "gone", "c2"].map(str::to_owned);
    let found = hq.fetch(&ids, "f", &wanted()).await.unwrap();
    let [Found::Case(c2), Found::Case(moved), Found::Missing(gone), Found::Case(again)] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((&*c2.case_id, &*moved.properties["dhis_beds"], gone.as_str(), c2), ("c2", "3", "gone", again));
    assert_eq!(seen.count(), 4);
    assert_eq!(seen.uris()[2..], [format!("{OLDER}moved/"), format!("{OLDER}gone/")]);
    let failure = hq.fetch(&["c9".into()], "f", &[]).await.unwrap_err();
    assert!(failure.to_string().contains("case other came"), "{failure}");
    hq.fetch(&["c9".into()], "f", &[]).await.unwrap_err();
    assert_eq!(hq.fetch(&[], "f", &[]).await.unwrap(), []);
    assert_eq!(seen.count(), 9, "for no ids nothing is asked");
}

fn receipt_play(status: u16, id: Option<&str>, nature: &str) -> Play {
    let xml = format!(
        r#"<OpenRosaResponse xmlns="http://openrosa.org/http/response"><message nature="{nature}">   √   </message></OpenRosaResponse>"#
    );
    let play = Play::Answer(status, vec![("content-type", "text/html; charset=utf-8".into())], vec![Ok(xml.into())]);
    match id {
        Some(id) => play.with("x-commcarehq-formid", id),
        None => play,
    }
}

#[tokio::test]
async fn a_form_is_sent_once_with_its_headers_and_exact_bytes() {
    let script = vec![receipt_play(201, Some("f1"), "submit_success"), receipt_play(201, Some("f9"), "submit_success")];
    let (client, seen) = client(Side::CommCare, script);
    let hq = CommCare::new(client, "onse-iss");
    assert_eq!(hq.submit("<system>é</system>".into(), "f1").await, Receipt::Accepted { duplicate: false });
    assert_eq!(hq.submit("<system>é</system>".into(), "f1").await, Receipt::Accepted { duplicate: true });
    assert_eq!(seen.uris()[0], "https://hq.example/a/onse-iss/receiver/api/");
    assert_eq!(seen.body(0), "<system>é</system>");
    for (name, value) in [("x-openrosa-version", "3.0"), ("content-type", "text/xml")] {
        assert_eq!(seen.header(0, name).unwrap(), value);
    }
    assert!(seen.header(0, "authorization").unwrap().starts_with("ApiKey me@example.org:"));
    assert_eq!(seen.requests.lock().unwrap()[0].method(), "POST");
}

#[tokio::test]
async fn n08_n17_a_form_is_never_sent_again_from_here() {
    type Check = fn(&Receipt) -> bool;
    let cut = Play::Answer(201, vec![], vec![Ok("<Open".into()), Err(Broken::NoAnswer("reset".into()))]);
    let late = Play::Answer(413, vec![], vec![Err(Broken::NoAnswer("reset".into()))]);
    let cases: Vec<(Play, Check)> = vec![
        (Play::Fail(Broken::NoAnswer("timeout".into())), |r| matches!(r, Receipt::Unknown { .. })),
        (Play::Fail(Broken::NotSent("dns".into())), |r| matches!(r, Receipt::NotSent { .. })),
        (Play::html(302).with("location", "https://hq.example/login/"), |r| {
            matches!(r, Receipt::Refused { status: 302, .. })
        }),
        (Play::html(503), |r| *r == Receipt::Unavailable(None)),
        (Play::html(429), |r| *r == Receipt::SlowDown(None)),
        (Play::html(502), |r| matches!(r, Receipt::Unknown { .. })),
        (Play::html(200), |r| matches!(r, Receipt::Unclear { .. })),
        (cut, |r| matches!(r, Receipt::Unknown { .. })),
        (late, |r| *r == Receipt::TooLarge),
    ];
    for (play, check) in cases {
        let (client, seen) = client(Side::CommCare, vec![play, receipt_play(201, Some("f1"), "submit_success")]);
        let receipt = CommCare::new(client, "onse-iss").submit("<x/>".into(), "f1").await;
        assert!(check(&receipt) && seen.count() == 1 && seen.slept().is_empty(), "{receipt:?}");
    }
}
