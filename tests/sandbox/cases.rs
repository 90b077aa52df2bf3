//! HQ: reading cases, page by page, one by one, and what stands in the way.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, StatusCode};
use onse::sandbox::{CASE_TYPE, COMMCARE_API_KEY, COMMCARE_PASSWORD, COMMCARE_USER, Oddity, PROJECT};
use serde_json::{Value, json};

use crate::rig::{ORIGIN, Rig, api_key, basic, block, form};

fn ids(page: &Value) -> Vec<String> {
    page["cases"].as_array().unwrap().iter().map(|case| case["case_id"].as_str().unwrap().to_owned()).collect()
}

/// What follows the project's Case API in a link.
fn rest_of(link: &str) -> String {
    link.strip_prefix(&format!("{ORIGIN}/a/{PROJECT}/api/case/v2/")).unwrap().to_owned()
}

#[tokio::test]
async fn pages_give_every_case_once_though_many_share_an_instant() {
    let rig = Rig::new(100, 1);
    let whole = ids(&rig.hq(&format!("?case_type={CASE_TYPE}&limit=5000")).await.json());
    for limit in [1, 7, 50, 100, 101] {
        let mut seen = Vec::new();
        let mut pages = 0;
        let mut next = Some(format!("?case_type={CASE_TYPE}&limit={limit}"));
        while let Some(rest) = next {
            let page = rig.hq(&rest).await.json();
            assert_eq!(page["matching_records"], 100 - seen.len(), "the rest, not the total");
            seen.extend(ids(&page));
            next = page["next"].as_str().map(rest_of);
            pages += 1;
        }
        assert_eq!(seen, whole, "limit {limit}");
        assert_eq!(pages, 100_usize.div_ceil(limit));
    }
    assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 100);
}

#[tokio::test]
async fn the_cursor_is_the_query_and_the_place_in_base64() {
    let rig = Rig::new(20, 1);
    let page = rig.hq(&format!("?case_type={CASE_TYPE}&limit=3")).await.json();
    let next = page["next"].as_str().unwrap();
    let (path, query) = next.split_once('?').unwrap();
    assert_eq!(path, format!("{ORIGIN}/a/{PROJECT}/api/case/v2/"));
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert_eq!(pairs.len(), 1);
    assert_eq!(pairs[0].0, "cursor");
    let inside = String::from_utf8(STANDARD.decode(&pairs[0].1).unwrap()).unwrap();
    let inside: Vec<(String, String)> = url::form_urlencoded::parse(inside.as_bytes()).into_owned().collect();
    let last = &page["cases"][2];
    let want = [
        ("case_type", CASE_TYPE),
        ("limit", "3"),
        ("indexed_on.gte", last["indexed_on"].as_str().unwrap()),
        ("last_case_id", last["case_id"].as_str().unwrap()),
    ];
    let inside: Vec<(&str, &str)> = inside.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(inside, want);
    assert_eq!(rig.hq("?cursor=%3F%3F").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_case_changed_while_paging_comes_again_at_the_end() {
    let rig = Rig::new(30, 1);
    let first = rig.hq(&format!("?case_type={CASE_TYPE}&limit=10")).await.json();
    let changed = ids(&first)[4].clone();
    assert!(rig.sandbox.set_property(&changed, "dhis_cbdas", "77"));
    let second = rig.hq(&rest_of(first["next"].as_str().unwrap())).await.json();
    assert_eq!(second["matching_records"], 21);
    let third = rig.hq(&rest_of(second["next"].as_str().unwrap())).await.json();
    let last = third["cases"].as_array().unwrap();
    assert!(third.get("next").is_some(), "one more than three pages hold");
    let fourth = rig.hq(&rest_of(third["next"].as_str().unwrap())).await.json();
    assert_eq!(last.len(), 10);
    assert_eq!(ids(&fourth), [changed]);
    assert_eq!(fourth["cases"][0]["properties"]["dhis_cbdas"], "77");
    assert!(fourth.get("next").is_none());
}

#[tokio::test]
async fn a_case_is_shown_with_all_its_members() {
    let rig = Rig::new(20, 1);
    let closed = rig.planted(Oddity::Closed);
    let page = rig.hq(&format!("?case_type={CASE_TYPE}&closed=false&limit=100")).await.json();
    assert!(ids(&page).iter().all(|id| closed.iter().all(|planted| planted.case_id.as_deref() != Some(id))));
    let case = &page["cases"][0];
    for member in [
        "domain",
        "case_id",
        "case_type",
        "case_name",
        "external_id",
        "owner_id",
        "date_opened",
        "last_modified",
        "server_last_modified",
        "indexed_on",
        "closed",
        "date_closed",
        "is_deprecated",
        "properties",
        "indices",
    ] {
        assert!(case.get(member).is_some(), "{member}");
    }
    assert_eq!(case["domain"], PROJECT);
    let time = case["last_modified"].as_str().unwrap();
    assert!(time.len() == "2026-01-05T22:30:00.123456Z".len() && time.ends_with('Z'), "{time}");
    assert!(case["properties"].as_object().unwrap().values().all(Value::is_string));
    assert_eq!(case["indices"]["parent"]["relationship"], "child");
    let parent = case["indices"]["parent"]["case_id"].as_str().unwrap();
    assert_eq!(rig.hq(&format!("{parent}/")).await.json()["case_type"], "district");
    assert!(case["properties"].get("case_name").is_none() && case["properties"].get("external_id").is_none());
}

#[tokio::test]
async fn parameters_are_checked() {
    let rig = Rig::new(5, 1);
    for (query, sentence) in [
        ("limit=5001", "You cannot request more than 5000 cases per request."),
        ("limit=ten", "'ten' is not a valid value for 'limit'"),
        ("colour=red", "'colour' is not a valid parameter."),
        ("closed=maybe", "'maybe' is not a valid value for 'closed'"),
        ("indexed_on.gte=soon", "Cannot parse datetime 'soon'"),
    ] {
        let got = rig.hq(&format!("?{query}")).await;
        assert_eq!((got.status, got.json()), (StatusCode::BAD_REQUEST, json!({ "error": sentence })), "{query}");
    }
    let all = rig.hq("?limit=5000").await.json();
    let one = &all["cases"][0];
    for name in ["case_name", "owner_id", "external_id"] {
        let value: String = url::form_urlencoded::byte_serialize(one[name].as_str().unwrap_or("").as_bytes()).collect();
        let found = rig.hq(&format!("?{name}={value}&limit=5000")).await.json();
        assert!(ids(&found).contains(&one["case_id"].as_str().unwrap().to_owned()), "{name}");
        assert!(found["matching_records"].as_u64() < all["matching_records"].as_u64(), "{name}");
    }
    let either = rig.hq(&format!("?case_type={CASE_TYPE}&case_type=district")).await.json();
    assert_eq!(either["matching_records"], all["matching_records"]);
    assert_eq!(either["cases"].as_array().unwrap().len(), 20, "the default limit");
}

#[tokio::test]
async fn single_cases_come_by_id_by_external_id_and_in_bulk() {
    let rig = Rig::new(40, 1);
    let all = rig.sandbox.case_ids();
    let normal = all.iter().map(|id| rig.sandbox.case(id).unwrap()).find(|case| {
        let odd = rig.sandbox.planted();
        odd.iter().all(|planted| planted.case_id.as_deref() != Some(&*case.case_id))
    });
    let normal = normal.unwrap();
    let (id, unit) = (normal.case_id.to_string(), normal.external_id.unwrap());
    assert_eq!(rig.hq(&format!("{id}/")).await.json()["external_id"], unit);
    assert_eq!(rig.hq(&id).await.json()["case_id"], id);
    let gone = rig.hq("nowhere/").await;
    assert_eq!((gone.status, gone.json()), (StatusCode::NOT_FOUND, json!({ "error": "Case 'nowhere' not found" })));

    let by_unit = rig.hq(&format!("ext/{unit}/")).await.json();
    assert_eq!(by_unit["case_id"], id);
    assert!(by_unit.get("is_deprecated").is_none(), "the database does not know");
    assert_eq!(rig.hq(&format!("ext/{unit}")).await.status, StatusCode::NOT_FOUND, "the slash is required");
    let shared = rig.planted(Oddity::SharedExternalId).remove(0).external_id.unwrap();
    let both = rig.hq(&format!("ext/{shared}/")).await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST);
    let sentence = format!("Multiple cases found with external_id '{shared}': ");
    assert!(both.json()["error"].as_str().unwrap().starts_with(&sentence));

    let post = |body: &str| {
        let uri = format!("{ORIGIN}/a/{PROJECT}/api/case/v2/bulk-fetch/");
        Request::post(uri).header("authorization", api_key()).body(Bytes::from(body.to_owned())).unwrap()
    };
    let payload = json!({ "case_ids": [all[3], "nowhere", all[1]], "external_ids": [unit, "none"] }).to_string();
    let bulk = rig.send(post(&payload)).await.unwrap().json();
    assert_eq!((&bulk["matching_records"], &bulk["missing_records"]), (&json!(3), &json!(2)));
    assert_eq!(bulk["cases"][0]["case_id"], all[3]);
    assert_eq!(bulk["cases"][1], json!({ "case_id": "nowhere", "error": "not found" }));
    assert_eq!(bulk["cases"][3]["case_id"], id);
    assert_eq!(bulk["cases"][4], json!({ "external_id": "none", "error": "not found" }));
    let bad = rig.send(post("[")).await.unwrap();
    assert_eq!(
        (bad.status, bad.json()["error"].clone()),
        (StatusCode::BAD_REQUEST, json!("Payload must be valid JSON"))
    );
    let many = json!({ "case_ids": vec!["x"; 5_001] }).to_string();
    assert_eq!(rig.send(post(&many)).await.unwrap().status, StatusCode::BAD_REQUEST);
    let two = rig.hq(&format!("{},{}/", all[0], all[2])).await.json();
    assert_eq!(two["matching_records"], 2);
}

#[tokio::test]
async fn sign_in_and_permissions_are_checked_in_order() {
    let rig = Rig::new(5, 1);
    let receiver = format!("/a/{PROJECT}/receiver/api/");
    let list = format!("/a/{PROJECT}/api/case/v2/?limit=1");
    let strange = format!("ApiKey {COMMCARE_USER}:{COMMCARE_API_KEY}x");
    for path in [&receiver, &list] {
        let none = rig.get(path, "").await;
        assert_eq!(none.status, StatusCode::UNAUTHORIZED);
        assert!(none.header("www-authenticate").starts_with("Digest "));
        let wrong = rig.get(path, &basic(COMMCARE_USER, "nearly")).await;
        assert_eq!((wrong.status, wrong.header("www-authenticate")), (StatusCode::UNAUTHORIZED, "Basic realm=\"\""));
        let wrong = rig.get(path, &strange).await;
        assert_eq!((wrong.status, wrong.body.len()), (StatusCode::UNAUTHORIZED, 0));
        let bad = rig.get(path, "ApiKey nocolon").await;
        assert_eq!(bad.status, StatusCode::BAD_REQUEST);
        assert!(bad.text().starts_with("Bad HTTP_AUTHORIZATION header"));
        let other = rig.get(&path.replace(PROJECT, "other"), &api_key()).await;
        assert_eq!((other.status, other.body.len()), (StatusCode::FORBIDDEN, 0));
        assert_eq!(other.header("http_x_openrosa_version"), "1.0");
        for (edit_data, access_api) in [(false, true), (true, false)] {
            rig.sandbox.set_permissions(edit_data, access_api);
            let refused = rig.get(path, &api_key()).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN);
            assert!(refused.header("content-type").starts_with("text/html"));
        }
        rig.sandbox.set_permissions(true, true);
    }
    for good in [
        format!("apikey {COMMCARE_USER}:{COMMCARE_API_KEY}"),
        format!("APIKEY {COMMCARE_USER}:{COMMCARE_API_KEY}"),
        basic(&COMMCARE_USER.to_uppercase(), COMMCARE_PASSWORD),
    ] {
        assert_eq!(rig.get(&list, &good).await.status, StatusCode::OK, "{good}");
        assert_eq!(rig.get(&receiver, &good).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    let upper = format!("ApiKey {}:{COMMCARE_API_KEY}", COMMCARE_USER.to_uppercase());
    assert_eq!(rig.get(&list, &upper).await.status, StatusCode::UNAUTHORIZED, "a key's name keeps its case");
}

#[tokio::test]
async fn the_index_can_lag_behind_the_database() {
    let rig = Rig::new(10, 1);
    let id = rig.sandbox.case_ids().remove(0);
    rig.sandbox.hold_index(true);
    let name = "dhis_cbdas";
    let sent = rig.submit(form("f1", &block(&id, &format!("<{name}>4711</{name}>")))).await;
    assert_eq!(sent.status, StatusCode::CREATED);
    assert_eq!(rig.sandbox.case(&id).unwrap().properties[name], "4711");
    let seen = || async { rig.hq(&format!("{id}/")).await.json()["properties"][name].clone() };
    assert_ne!(seen().await, "4711");
    rig.sandbox.hold_index(false);
    assert_eq!(seen().await, "4711");
    let last = rig.hq("?limit=5000").await.json();
    assert_eq!(ids(&last).last(), Some(&id), "what changed last stands last");
}
