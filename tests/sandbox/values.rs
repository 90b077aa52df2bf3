//! DHIS2: the answer's shape, its rules and errors, sign-in and metadata.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Request, StatusCode};
use onse::{
    domain::mapping::Mapping,
    sandbox::{DHIS2_USER, Oddity},
};
use serde_json::{Value, json};

use crate::{
    country::sets,
    rig::{ORIGIN, QUARTER, Rig, basic, dhis2_basic},
};

/// Facilities that have nothing odd about them.
async fn plain_units(rig: &Rig) -> Vec<String> {
    let odd: BTreeSet<&str> =
        rig.sandbox.planted().iter().filter_map(|planted| planted.external_id.as_deref()).collect();
    let units = rig.dhis2("organisationUnits?filter=level:eq:3&paging=false&fields=id").await.json();
    let ids = units["organisationUnits"].as_array().unwrap().iter().map(|unit| unit["id"].as_str().unwrap().to_owned());
    ids.filter(|id| !odd.contains(id.as_str())).collect()
}

#[tokio::test]
async fn one_set_period_and_unit_have_a_head_and_several_have_none() {
    let rig = Rig::new(120, 1);
    let units = plain_units(&rig).await;
    let set = "q1Es3k3sZem";
    let mut dates = BTreeSet::new();
    for unit in &units {
        let one = rig.dhis2(&format!("dataValueSets?dataSet={set}&period={QUARTER}&orgUnit={unit}")).await;
        assert_eq!(one.status, StatusCode::OK);
        assert!(one.header("content-type").starts_with("application/json"));
        assert!(one.header("cache-control").contains("no-store"));
        let body = one.json();
        assert_eq!((&body["dataSet"], &body["period"], &body["orgUnit"]), (&json!(set), &json!(QUARTER), &json!(unit)));
        assert!(body.as_object().unwrap().contains_key("completeDate"));
        dates.insert(body["completeDate"].is_null());
    }
    assert_eq!(dates.len(), 2, "some forms are completed, some are not");
    let two = format!("dataValueSets?dataSet={set}&period={QUARTER}&orgUnit={}&orgUnit={}", units[0], units[1]);
    let body = rig.dhis2(&two).await.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["dataValues"]);
    let joined = format!("dataValueSets?dataSet={set}&period={QUARTER}&orgUnit={},{}", units[0], units[1]);
    assert_eq!(rig.dhis2(&joined).await.json(), body);
}

#[tokio::test]
async fn a_row_has_all_its_members_even_when_they_are_null() {
    let rig = Rig::new(40, 1);
    let unit = &plain_units(&rig).await[0];
    let body = rig.dhis2(&format!("dataValueSets.json?{}&period={QUARTER}&orgUnit={unit}", sets())).await;
    let text = body.text();
    let first = &text[text.find("{\"dataElement\"").unwrap()..];
    let mut at = 0;
    for member in [
        "dataElement",
        "period",
        "orgUnit",
        "categoryOptionCombo",
        "attributeOptionCombo",
        "value",
        "storedBy",
        "created",
        "lastUpdated",
        "comment",
        "followup",
    ] {
        let found = first.find(&format!("\"{member}\":")).unwrap();
        assert!(found >= at, "{member} is out of order");
        at = found;
    }
    assert!(first.contains("\"comment\":null,\"followup\":false}"));
    let body = body.json();
    let row = &body["dataValues"][0];
    assert_eq!(row["attributeOptionCombo"], "HllvX50cXC0");
    assert!(row["created"].as_str().unwrap().ends_with("+0000"));
    assert!(row["created"].as_str().unwrap() >= "2026-07-01", "a report is typed in after its quarter");
}

#[tokio::test]
async fn nothing_stored_is_an_empty_list_and_unknown_ids_are_dropped() {
    let rig = Rig::new(40, 1);
    let unit = &plain_units(&rig).await[0];
    let ask = |rest: &str| format!("dataValueSets?{}&{rest}", sets());
    for period in ["2019Q1", "202604", "2026", "2026W3"] {
        let body = rig.dhis2(&ask(&format!("period={period}&orgUnit={unit}"))).await;
        assert_eq!(body.text(), "{\"dataValues\":[]}", "{period}");
    }
    let alone = rig.dhis2(&format!("dataValueSets?dataSet=q1Es3k3sZem&period=2019Q1&orgUnit={unit}")).await;
    let head =
        format!("{{\"dataSet\":\"q1Es3k3sZem\",\"completeDate\":null,\"period\":\"2019Q1\",\"orgUnit\":\"{unit}\"");
    assert_eq!(alone.text(), format!("{head},\"dataValues\":[]}}"));
    let known = rig.dhis2(&ask(&format!("period={QUARTER}&orgUnit={unit}"))).await.json();
    let more = ask(&format!("dataSet=unknownSet1&period={QUARTER}&period=2026Q9&orgUnit={unit}&orgUnit=unknownUnit"));
    assert_eq!(rig.dhis2(&more).await.json(), known);
    assert!(known["dataValues"].as_array().unwrap().len() > 10);
}

#[tokio::test]
async fn rules_are_broken_with_the_code_of_the_last() {
    let rig = Rig::new(10, 1);
    let unit = &plain_units(&rig).await[0];
    let outside = rig.sandbox.unreadable_org_unit().unwrap();
    let closed = rig.sandbox.unreadable_data_set().unwrap();
    let set = "dataSet=q1Es3k3sZem";
    for (query, code, part) in [
        (String::new(), "E2006", "At least one organisation unit or organisation unit group must be specified"),
        (format!("period={QUARTER}&orgUnit={unit}"), "E2001", "At least one data element, data set"),
        (format!("{set}&orgUnit={unit}"), "E2002", "At least one period, start/end dates"),
        (format!("{set}&period=2026q2&orgUnit={unit}"), "E2002", "At least one period, start/end dates"),
        (format!("{set}&period={QUARTER}&orgUnit=unknownUnit"), "E2006", "At least one organisation unit"),
        (format!("{set}&period={QUARTER}&children=true"), "E2008", "when children are included"),
        (format!("{set}&period={QUARTER}&orgUnit={unit}&limit=-1"), "E2009", "`-1`"),
        (format!("{set}&startDate=2026-07-01&endDate=2026-04-01&orgUnit={unit}"), "E2004", "before end date"),
        (format!("{set}&dataSet={closed}&period={QUARTER}&orgUnit={unit}"), "E2010", &format!("`{closed}`")),
        (format!("{set}&period={QUARTER}&orgUnit={unit}&orgUnit={outside}"), "E2012", &format!("`{outside}`")),
    ] {
        let got = rig.dhis2(&format!("dataValueSets?{query}")).await;
        assert_eq!(got.status, StatusCode::CONFLICT, "{query}");
        assert!(got.text().starts_with("{\"httpStatus\":\"Conflict\",\"httpStatusCode\":409,\"status\":\"ERROR\","));
        assert_eq!(got.json()["errorCode"], code, "{query}");
        assert!(got.json()["message"].as_str().unwrap().contains(part), "{query}: {}", got.text());
    }
    let done = rig.dhis2(&format!("completeDataSetRegistrations?period={QUARTER}&orgUnit={unit}")).await;
    assert_eq!((done.status, done.json()["errorCode"].clone()), (StatusCode::CONFLICT, json!("E2013")));
    let odd = rig.dhis2(&format!("dataValueSets?{set}&period={QUARTER}&orgUnit={unit}&limit=many")).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn children_dates_limit_and_single_elements_select_the_same_rows() {
    let rig = Rig::new(60, 2);
    let districts = rig.dhis2("organisationUnits?filter=level:eq:2&fields=id,children[id]&paging=false").await.json();
    let districts = districts["organisationUnits"].as_array().unwrap();
    let district = districts.iter().max_by_key(|it| it["children"].as_array().unwrap().len()).unwrap();
    let children: Vec<&str> =
        district["children"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert!(children.len() > 1);
    let sorted = |body: Value| {
        let mut rows: Vec<String> = body["dataValues"].as_array().unwrap().iter().map(Value::to_string).collect();
        rows.sort();
        rows
    };
    let each: Vec<String> = children.iter().map(|id| format!("orgUnit={id}")).collect();
    let district = format!("orgUnit={}&children=true", district["id"].as_str().unwrap());
    let ask = |when: &str, units: &str| format!("dataValueSets?{}&{when}&{units}", sets());
    let by_name = sorted(rig.dhis2(&ask("period=2026Q2&period=2026Q1", &each.join("&"))).await.json());
    let by_district = sorted(rig.dhis2(&ask("period=2026Q1&period=2026Q2", &district)).await.json());
    let by_dates = sorted(rig.dhis2(&ask("startDate=2026-01-01&endDate=2026-06-30", &district)).await.json());
    assert!(by_name.len() > 50);
    assert_eq!(by_name, by_district);
    assert_eq!(by_name, by_dates);
    let few = rig.dhis2(&ask("period=2026Q2&limit=7", &district)).await.json();
    assert_eq!(few["dataValues"].as_array().unwrap().len(), 7);

    let row = Mapping::built_in().rows.remove(1);
    let one = format!("dataValueSets?dataElement={}&period=2026Q2&{district}", row.data_element);
    let one = sorted(rig.dhis2(&one).await.json());
    let of_element = format!("\"dataElement\":\"{}\"", row.data_element);
    let of_quarter = by_name.iter().filter(|row| row.contains(&of_element) && row.contains("\"2026Q2\""));
    assert!(one.iter().eq(of_quarter) && !one.is_empty());
}

#[tokio::test]
async fn rows_come_in_no_order_and_each_once() {
    let rig = Rig::new(60, 2);
    let root = rig.dhis2("organisationUnits?filter=level:eq:1").await.json()["organisationUnits"][0]["id"].clone();
    let ask = format!("dataValueSets?{}&period={QUARTER}&orgUnit={}&children=true", sets(), root.as_str().unwrap());
    let body = rig.dhis2(&ask).await.json();
    let key = |row: &Value| {
        let combos = (&row["categoryOptionCombo"], &row["attributeOptionCombo"]);
        format!("{} {} {} {}", row["orgUnit"], row["dataElement"], combos.0, combos.1)
    };
    let keys: Vec<String> = body["dataValues"].as_array().unwrap().iter().map(key).collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    assert!(!keys.is_sorted());
}

#[tokio::test]
async fn sign_in_is_asked_for_as_dhis2_does() {
    let rig = Rig::new(5, 1);
    let none = rig.get("/dhis2/api/me", "").await;
    assert_eq!(none.status, StatusCode::FOUND);
    assert_eq!(none.header("location"), format!("{ORIGIN}/dhis2/dhis-web-login/"));
    let page = rig.get("/dhis2/dhis-web-login/", "").await;
    assert!(page.status == StatusCode::OK && page.header("content-type").starts_with("text/html"));
    let script = Request::get(format!("{ORIGIN}/dhis2/api/me")).header("x-requested-with", "XMLHttpRequest");
    let script = rig.send(script.body(Bytes::new()).unwrap()).await.unwrap();
    let refused =
        "{\"httpStatus\":\"Unauthorized\",\"httpStatusCode\":401,\"status\":\"ERROR\",\"message\":\"Unauthorized\"}";
    assert_eq!((script.status, script.text()), (StatusCode::UNAUTHORIZED, refused));
    for wrong in [basic(DHIS2_USER, "nearly"), basic("", ""), "Basic ???".to_owned(), "Bearer x".to_owned()] {
        let got = rig.get("/dhis2/api/me", &wrong).await;
        assert_eq!((got.status, got.text()), (StatusCode::UNAUTHORIZED, refused), "{wrong}");
    }
    assert_eq!(rig.get("/dhis2/api/system/ping", "").await.text(), "pong");
    let me = rig.dhis2("me?fields=username,organisationUnits[path]").await.json();
    assert_eq!(me["username"], DHIS2_USER);
    assert!(me["organisationUnits"][0]["path"].as_str().unwrap().starts_with('/'));
    assert_eq!(me.as_object().unwrap().len(), 2);
    assert!(rig.dhis2("40/system/info").await.json()["version"].as_str().unwrap().starts_with("2.42"));
}

#[tokio::test]
async fn a_request_line_over_eight_kibibytes_is_turned_away_with_a_page() {
    let rig = Rig::new(5, 1);
    let long = rig.dhis2(&format!("dataValueSets?{}", "orgUnit=abcdefghijk&".repeat(420))).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    assert!(long.text().starts_with("<!DOCTYPE html>"));
    let fits = rig.dhis2(&format!("dataValueSets?{}", "orgUnit=abcdefghijk&".repeat(370))).await;
    assert_eq!(fits.status, StatusCode::CONFLICT);
    assert_eq!(rig.hq(&format!("?{}", "case_type=x&".repeat(800))).await.status, StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn metadata_is_filtered_selected_and_paged() {
    let rig = Rig::new(120, 1);
    let first = rig.dhis2("organisationUnits").await.json();
    assert_eq!(
        (&first["pager"]["page"], &first["pager"]["pageSize"], &first["pager"]["total"]),
        (&json!(1), &json!(50), &json!(151))
    );
    assert_eq!(first["organisationUnits"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["displayName", "id"]);
    let mut seen = BTreeSet::new();
    let mut next = Some("organisationUnits?filter=level:eq:3&fields=id&pageSize=50".to_owned());
    while let Some(path) = next {
        let page = rig.dhis2(&path).await.json();
        let units = page["organisationUnits"].as_array().unwrap();
        assert!(units.iter().all(|unit| seen.insert(unit["id"].as_str().unwrap().to_owned())));
        let link = page["pager"]["nextPage"].as_str().map(str::to_owned);
        next = link.map(|link| link.strip_prefix(&format!("{ORIGIN}/dhis2/api/")).unwrap().to_owned());
    }
    assert_eq!(seen.len(), 120);

    let ids: Vec<&String> = seen.iter().take(3).collect();
    let some = format!("organisationUnits?filter=id%3Ain%3A%5B{},{},{}%5D&paging=false", ids[0], ids[1], ids[2]);
    let some = rig.dhis2(&some).await.json();
    assert_eq!(some["organisationUnits"].as_array().unwrap().len(), 3);
    assert!(some.get("pager").is_none());

    let beds = rig.dhis2("dataElements?filter=identifiable:token:bed&fields=id,name,valueType,categoryCombo[id,name,categoryOptionCombos[name]],dataSetElements[dataSet[name]]").await.json();
    let beds = beds["dataElements"].as_array().unwrap();
    assert_eq!(beds.len(), 1);
    assert_eq!(beds[0]["valueType"], "INTEGER_ZERO_OR_POSITIVE");
    assert_eq!(beds[0]["categoryCombo"]["categoryOptionCombos"], json!([{ "name": "default" }]));
    assert_eq!(beds[0]["dataSetElements"].as_array().unwrap().len(), 2, "it is in two data sets");

    let of_set = "dataElements?filter=dataSetElements.dataSet.id:eq:VEqRXwmqhM1&fields=name&paging=false";
    let of_set = rig.dhis2(of_set).await.json();
    assert!(
        of_set["dataElements"].as_array().unwrap().iter().all(|it| it["name"].as_str().unwrap().starts_with("TBTO"))
    );
    assert_eq!(of_set["dataElements"].as_array().unwrap().len(), 5, "four of the mapping and one beside it");

    let names = async |order| {
        let sets = rig.dhis2(&format!("dataSets?fields=name&paging=false&order=name:{order}")).await.json();
        let names = sets["dataSets"].as_array().unwrap().iter().map(|set| set["name"].to_string());
        names.collect::<Vec<_>>()
    };
    let mut backwards = names("desc").await;
    assert!(!backwards.is_sorted());
    backwards.reverse();
    assert_eq!(names("asc").await, backwards);

    let whole = rig.dhis2("dataElements/asCqjKclllu").await.json();
    assert_eq!(whole["aggregationType"], "AVERAGE_SUM_ORG_UNIT");
    assert_eq!(whole["zeroIsSignificant"], true);
    let gone = rig.dhis2("dataElements/q1Es3k3sZem").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(gone.json()["message"], "DataElement with id q1Es3k3sZem could not be found.");
    assert_eq!(gone.json()["errorCode"], "E1005");
    assert_eq!(rig.dhis2("dataElements?filter=name:almost:x").await.status, StatusCode::BAD_REQUEST);
    let set = rig.dhis2("dataSets/uk3Vkwy5cIe?fields=periodType,organisationUnits").await.json();
    assert_eq!((&set["periodType"], set["organisationUnits"].as_array().unwrap().len()), (&json!("Quarterly"), 120));
}

#[tokio::test]
async fn completed_forms_are_listed_and_none_is_an_empty_object() {
    let rig = Rig::new(60, 1);
    let units = plain_units(&rig).await;
    let mut reported_open = 0;
    for unit in &units {
        let ask = format!("dataSet=q1Es3k3sZem&period={QUARTER}&orgUnit={unit}");
        let done = rig.dhis2(&format!("completeDataSetRegistrations?{ask}")).await;
        let head = rig.dhis2(&format!("dataValueSets?{ask}")).await.json();
        if done.text() == "{}" {
            assert!(head["completeDate"].is_null());
            reported_open += usize::from(!head["dataValues"].as_array().unwrap().is_empty());
            continue;
        }
        let row = &done.json()["completeDataSetRegistrations"][0];
        assert_eq!((&row["organisationUnit"], &row["completed"]), (&json!(unit), &json!(true)));
        assert!(head["completeDate"].as_str().unwrap().starts_with(row["date"].as_str().unwrap()));
    }
    assert!(reported_open > 0, "some report and never complete");
    let gone = rig.planted(Oddity::StoppedReporting).remove(0).external_id.unwrap();
    let none = format!("completeDataSetRegistrations?{}&period={QUARTER}&orgUnit={gone}", sets());
    assert_eq!(rig.dhis2(&none).await.text(), "{}");
}

#[tokio::test]
async fn someone_else_edits_and_a_running_answer_does_not_change() {
    let rig = Rig::new(300, 1);
    let unit = plain_units(&rig).await.remove(0);
    let ask = format!("dataValueSets?dataElement=asCqjKclllu&period={QUARTER}&orgUnit={unit}");
    assert!(rig.sandbox.set_value(&unit, "asCqjKclllu", "HllvX50cXC0", QUARTER, Some("a \"dozen\"")));
    let row = rig.dhis2(&ask).await.json()["dataValues"][0].clone();
    assert_eq!((&row["value"], &row["lastUpdated"]), (&json!("a \"dozen\""), &json!("2026-08-03T08:00:00.000+0000")));
    assert!(rig.sandbox.set_value(&unit, "asCqjKclllu", "HllvX50cXC0", QUARTER, None));
    assert_eq!(rig.dhis2(&ask).await.json()["dataValues"], json!([]));
    assert!(!rig.sandbox.set_value("unknownUnit", "asCqjKclllu", "HllvX50cXC0", QUARTER, Some("1")));
    assert!(rig.sandbox.set_value(&unit, "asCqjKclllu", "HllvX50cXC0", "202606", Some("3")));
    let monthly = rig.dhis2(&format!("dataValueSets?{}&period=202606&orgUnit={unit}", sets())).await.json();
    assert_eq!(monthly["dataValues"][0]["value"], "3");

    // An answer that is being read keeps the state it began with.
    let root = rig.dhis2("organisationUnits?filter=level:eq:1").await.json()["organisationUnits"][0]["id"].clone();
    let all = format!("{ORIGIN}/dhis2/api/dataValueSets?{}&period={QUARTER}&children=true&orgUnit=", sets());
    let request = |uri: &str| Request::get(uri).header("authorization", dhis2_basic()).body(Bytes::new()).unwrap();
    let uri = format!("{all}{}", root.as_str().unwrap());
    let before = rig.send(request(&uri)).await.unwrap().body;
    let mut open = rig.transport.send(request(&uri)).await.unwrap().into_body();
    let mut read = open.chunk().await.unwrap().unwrap().to_vec();
    for unit in plain_units(&rig).await {
        rig.sandbox.set_value(&unit, "asCqjKclllu", "HllvX50cXC0", QUARTER, Some("1"));
    }
    while let Some(piece) = open.chunk().await.unwrap() {
        read.extend_from_slice(&piece);
    }
    assert!(before == read && before.len() > 200_000);
    assert!(rig.send(request(&uri)).await.unwrap().body != before);
}

#[tokio::test]
async fn requests_are_counted_and_another_host_is_not_there() {
    let rig = Rig::new(5, 1);
    rig.dhis2("me?fields=id").await;
    rig.hq("?limit=1").await;
    let seen = rig.sandbox.requests();
    assert_eq!(seen.len(), 2);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path.as_str(), seen[0].query.as_str()),
        ("GET", "/dhis2/api/me", "fields=id")
    );
    let elsewhere = Request::get("http://elsewhere.invalid/dhis2/api/me").body(Bytes::new()).unwrap();
    assert!(rig.send(elsewhere).await.is_err());
    assert_eq!(rig.sandbox.requests().len(), 2);
    assert_eq!(rig.get("/other", "").await.status, StatusCode::NOT_FOUND);
}
