//! HQ: the older list and the older single case.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use onse::sandbox::{CASE_TYPE, PROJECT};
use serde_json::{Value, json};

use crate::rig::{Got, Rig, api_key, block, form};

async fn older(rig: &Rig, rest: &str) -> Got {
    rig.get(&format!("/a/{PROJECT}/api/v0.5/case/{rest}"), &api_key()).await
}

fn ids(page: &Value) -> Vec<String> {
    page["objects"].as_array().unwrap().iter().map(|case| case["case_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_by_offset_give_every_case_once() {
    let rig = Rig::new(100, 1);
    for limit in [7_usize, 50, 100, 101] {
        let (mut seen, mut rest) = (Vec::new(), format!("?type={CASE_TYPE}&limit={limit}"));
        loop {
            let page = older(&rig, &rest).await.json();
            let meta = &page["meta"];
            assert_eq!(meta["offset"], seen.len());
            assert_eq!((&meta["limit"], &meta["total_count"]), (&json!(limit), &json!(100)), "the total, not the rest");
            let before = seen.len().checked_sub(limit);
            let previous = before.map(|before| format!("?type={CASE_TYPE}&limit={limit}&offset={before}"));
            assert_eq!(meta["previous"].as_str(), previous.as_deref());
            seen.extend(ids(&page));
            let Some(next) = meta["next"].as_str() else { break };
            assert_eq!(next, format!("?type={CASE_TYPE}&limit={limit}&offset={}", seen.len()));
            next.clone_into(&mut rest);
        }
        assert_eq!(seen.len(), 100, "limit {limit}");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), rig.sandbox.case_ids().into_iter().collect());
    }
}

#[tokio::test]
async fn a_changed_case_moves_to_the_end_and_another_slips_by() {
    let rig = Rig::new(30, 1);
    let first = older(&rig, &format!("?type={CASE_TYPE}&limit=10&order_by=indexed_on")).await.json();
    let whole = ids(&older(&rig, &format!("?type={CASE_TYPE}&limit=0&order_by=indexed_on")).await.json());
    let changed = ids(&first)[4].clone();
    assert!(rig.sandbox.set_property(&changed, "dhis_cbdas", "77"));
    let second = older(&rig, first["meta"]["next"].as_str().unwrap()).await.json();
    let third = older(&rig, second["meta"]["next"].as_str().unwrap()).await.json();
    assert_eq!(ids(&second)[0], whole[11], "the one at 10 is at 9 now");
    assert_eq!(ids(&third).last(), Some(&changed));
    assert!(third["meta"]["next"].is_null());
}

/// As clients page that avoid deep offsets: by the time of the last one, which comes again.
#[tokio::test]
async fn pages_by_time_give_every_case() {
    let rig = Rig::new(100, 1);
    let (mut seen, mut since, mut pages) = (BTreeSet::new(), String::new(), 0);
    loop {
        let page = older(&rig, &format!("?type={CASE_TYPE}&limit=10&order_by=indexed_on{since}")).await.json();
        seen.extend(ids(&page));
        pages += 1;
        if page["meta"]["next"].is_null() || pages > 50 {
            break;
        }
        let last = page["objects"].as_array().unwrap().last().unwrap()["indexed_on"].as_str().unwrap().to_owned();
        since = format!("&indexed_on_start={}", last.trim_end_matches('Z'));
    }
    assert_eq!(seen.len(), 100, "{pages} pages");
    let last = older(&rig, "?limit=1&order_by=-indexed_on").await.json()["objects"][0].clone();
    let end = last["indexed_on"].as_str().unwrap();
    let count = async |rest: String| older(&rig, &rest).await.json()["meta"]["total_count"].as_u64().unwrap();
    let (all, until) = (count(String::new()).await, count(format!("?indexed_on_end={end}")).await);
    assert!(until == all && count(format!("?indexed_on_start={end}")).await >= 1, "both ends count");
}

#[tokio::test]
async fn a_case_has_what_is_built_in_among_its_properties() {
    let rig = Rig::new(20, 1);
    let newer = rig.hq(&format!("?case_type={CASE_TYPE}&limit=100")).await.json();
    let newer: BTreeMap<&str, &Value> =
        newer["cases"].as_array().unwrap().iter().map(|case| (case["case_id"].as_str().unwrap(), case)).collect();
    let list = older(&rig, &format!("?type={CASE_TYPE}&limit=100")).await.json();
    for case in list["objects"].as_array().unwrap() {
        let same = newer[case["id"].as_str().unwrap()];
        for (here, there) in
            [("case_id", "case_id"), ("closed", "closed"), ("date_closed", "date_closed"), ("indexed_on", "indexed_on")]
        {
            assert_eq!(case[here], same[there], "{here}");
        }
        for (here, there) in [("date_modified", "last_modified"), ("server_date_modified", "server_last_modified")] {
            assert_eq!(case[here], same[there], "{here}");
        }
        assert_eq!(case["indices"], same["indices"]);
        let mut properties = case["properties"].as_object().unwrap().clone();
        for name in ["case_name", "case_type", "external_id", "owner_id", "date_opened"] {
            assert_eq!(properties.remove(name).as_ref(), same.get(name), "{name}");
        }
        assert_eq!(Value::Object(properties), same["properties"]);
        for member in ["domain", "closed_by", "opened_by", "user_id", "server_date_opened", "resource_uri"] {
            assert!(case.get(member).is_some(), "{member}");
        }
    }
    let id = rig.sandbox.case_ids().remove(0);
    rig.submit(form("f1", &block(&id, "<dhis_cbdas>4711</dhis_cbdas>"))).await;
    let one = older(&rig, &format!("{id}/")).await.json();
    assert_eq!((&one["properties"]["dhis_cbdas"], &one["xform_ids"]), (&json!("4711"), &json!(["f1"])));
    let same = rig.get(&format!("/a/{PROJECT}/api/case/v1/{id}/"), &api_key()).await.json();
    assert_eq!(same, one, "two addresses of one thing");
    let gone = older(&rig, "nowhere/").await;
    assert_eq!((gone.status, gone.body.len()), (StatusCode::NOT_FOUND, 0));
}

#[tokio::test]
async fn parameters_filter_bound_and_are_refused() {
    let rig = Rig::new(40, 1);
    let count = async |rest: &str| older(&rig, rest).await.json()["meta"]["total_count"].as_u64().unwrap();
    let all = count("").await;
    let (open, closed) = (count("?closed=false").await, count("?closed=true").await);
    assert_eq!((open + closed, closed > 0), (all, true), "without a word both are listed");
    let page = older(&rig, &format!("?type={CASE_TYPE}&limit=0")).await.json();
    let units: Vec<&str> =
        page["objects"].as_array().unwrap().iter().filter_map(|c| c["properties"]["external_id"].as_str()).collect();
    let unit = units.iter().find(|unit| !unit.is_empty()).unwrap();
    let twins = u64::try_from(units.iter().filter(|other| *other == unit).count()).unwrap();
    assert_eq!(count(&format!("?external_id={unit}")).await, twins);
    assert_eq!(count("?type=nothing").await, 0);
    assert_eq!(count("?colour=blue").await, 0, "no member of the index has this value");
    assert_eq!(count("?indexed_on_start=2099-01-01").await, 0);
    assert_eq!(count("?xforms_by_name__full=true").await, all);
    let page = older(&rig, "?limit=6000").await.json();
    assert_eq!(page["meta"]["limit"], 5000, "more is cut, not refused");
    assert_eq!(older(&rig, "").await.json()["meta"]["limit"], 20);
    for bad in [
        "?limit=x",
        "?limit=-1",
        "?offset=-1",
        "?order_by=case_name",
        "?indexed_on_start=soon",
        "?format=xml",
        "?_search={}",
    ] {
        let refused = older(&rig, bad).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}");
        assert!(refused.json()["error"].is_string());
    }
    assert_eq!(older(&rig, "?offset=18446744073709551615").await.json()["objects"], json!([]));
}
