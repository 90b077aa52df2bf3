//! HQ: what keeps a signed-in account from the cases.

use std::{collections::BTreeSet, time::Duration};

use http::StatusCode;
use onse::sandbox::{CASE_TYPE, PROJECT};

use crate::rig::{ORIGIN, Rig, api_key, block, form};

#[tokio::test]
async fn an_allowance_that_is_used_up_holds_the_case_apis_and_not_the_receiver() {
    let rig = Rig::new(10, 1);
    rig.sandbox.set_allowance(Some(2), Duration::from_millis(4500));
    let id = rig.sandbox.case_ids().remove(0);
    assert_eq!(rig.hq("?limit=1").await.status, StatusCode::OK);
    assert_eq!(rig.get(&format!("/a/{PROJECT}/api/v0.5/case/"), &api_key()).await.status, StatusCode::OK);
    let held = rig.hq("?limit=1").await;
    assert_eq!((held.status, held.body.len()), (StatusCode::TOO_MANY_REQUESTS, 0));
    assert_eq!(held.header("retry-after"), "4.5", "seconds may be fractional");
    assert_eq!(rig.submit(form("f1", &block(&id, "<p>1</p>"))).await.status, StatusCode::CREATED);
    // Each look at the clock is a second later.
    let (mut refused, mut waits) = (0, Vec::new());
    while let held = rig.get(&format!("/a/{PROJECT}/api/case/v1/{id}/"), &api_key()).await
        && held.status == StatusCode::TOO_MANY_REQUESTS
    {
        waits.push(held.header("retry-after").parse::<f64>().unwrap());
        refused += 1;
    }
    assert!((1..=4).contains(&refused) && waits.is_sorted_by(|a, b| a > b), "{waits:?}");
    rig.sandbox.set_allowance(None, Duration::ZERO);
    for _ in 0..5 {
        assert_eq!(rig.hq("?limit=1").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_account_of_some_locations_is_shown_fewer_cases_without_a_word() {
    let rig = Rig::new(40, 1);
    let list = format!("?case_type={CASE_TYPE}&limit=100");
    let all = rig.hq(&list).await.json()["cases"].as_array().unwrap().clone();
    let district = all.iter().find_map(|case| case["indices"]["parent"]["case_id"].as_str()).unwrap();
    let of_district = |case: &&serde_json::Value| case["indices"]["parent"]["case_id"] == district;
    let (inside, outside) = (
        all.iter().filter(of_district).map(|case| case["case_id"].as_str().unwrap()).collect::<BTreeSet<_>>(),
        all.iter().find(|case| !of_district(case) && case["external_id"].is_string()).unwrap(),
    );
    rig.sandbox.restrict_to(Some(&[district]));
    let few = rig.hq(&list).await;
    let shown = few.json();
    let ids: BTreeSet<_> = shown["cases"].as_array().unwrap().iter().map(|c| c["case_id"].as_str().unwrap()).collect();
    assert_eq!((few.status, ids, &shown["matching_records"]), (StatusCode::OK, inside.clone(), &inside.len().into()));
    let (id, unit) = (outside["case_id"].as_str().unwrap(), outside["external_id"].as_str().unwrap());
    for closed in [format!("{id}/"), format!("{id},{id}/")] {
        assert_eq!(rig.hq(&closed).await.status, StatusCode::FORBIDDEN, "{closed}");
    }
    let by_unit = rig.hq(&format!("ext/{unit}/")).await.status;
    assert!([StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST].contains(&by_unit), "{by_unit}");
    let bulk = http::Request::post(format!("{ORIGIN}/a/{PROJECT}/api/case/v2/bulk-fetch/"))
        .header("authorization", api_key())
        .body("{\"case_ids\":[]}".into())
        .unwrap();
    assert_eq!(rig.send(bulk).await.unwrap().status, StatusCode::FORBIDDEN);
    assert_eq!(rig.get(&format!("/a/{PROJECT}/api/v0.5/case/"), &api_key()).await.status, StatusCode::FORBIDDEN);
    rig.sandbox.restrict_to(Some(&[unit]));
    assert_eq!(rig.hq(&list).await.json()["cases"][0]["external_id"], unit);
    rig.sandbox.restrict_to(None);
    assert_eq!(rig.hq(&list).await.json()["matching_records"], 40);
}

#[tokio::test]
async fn case_api_v2_can_be_away() {
    let rig = Rig::new(5, 1);
    rig.sandbox.set_case_v2(false);
    for path in ["?limit=1", "x/", "x,y/", "ext/x/", "bulk-fetch/"] {
        let away = rig.hq(path).await;
        assert_eq!(away.status, StatusCode::NOT_FOUND, "{path}");
        assert!(away.header("content-type").starts_with("text/html"));
    }
    let older = rig.get(&format!("/a/{PROJECT}/api/v0.5/case/?type={CASE_TYPE}"), &api_key()).await;
    assert_eq!(older.json()["meta"]["total_count"], 5);
    rig.sandbox.set_case_v2(true);
    assert_eq!(rig.hq("?limit=1").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_older_api_says_no_without_a_page() {
    let rig = Rig::new(5, 1);
    let older = format!("/a/{PROJECT}/api/v0.5/case/");
    assert_eq!(rig.get(&older, "").await.status, StatusCode::UNAUTHORIZED);
    rig.sandbox.set_permissions(true, false);
    let refused = rig.get(&older, &api_key()).await;
    assert_eq!((refused.status, refused.body.len()), (StatusCode::FORBIDDEN, 0));
}
