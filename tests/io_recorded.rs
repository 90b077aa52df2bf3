//! The DHIS2 client over bodies that real servers sent; their origin and licence stand in `tests/data/dhis2/README.md`.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{collections::BTreeSet, path::Path, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, header};
use onse::io::{
    dhis2::{Dhis2, Wanted},
    http::{Client, Secret, Side, SignIn},
    transport::{Answer, Broken, Later, Transport, Whole},
};
use serde_json::{Value, json};
use url::Url;

/// Answers everything with one body.
struct Recorded(Bytes);

impl Transport for Recorded {
    fn send(&self, _: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        let mut answer = Answer::new(Box::new(Whole::new(self.0.clone())));
        // As recorded on every version.
        let kind = HeaderValue::from_static("application/json;charset=UTF-8");
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
        Box::pin(async move { Ok(answer) })
    }
}

fn text(name: &str) -> String {
    std::fs::read_to_string(Path::new("tests/data/dhis2").join(name)).unwrap()
}

fn parsed(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

fn answering(body: impl Into<Bytes>) -> Dhis2 {
    let base = Url::parse("https://dhis2.example/api/").unwrap();
    let sign_in = SignIn::Token(Secret::new("t"));
    Dhis2::new(Client::new(Arc::new(Recorded(body.into())), Side::Dhis2, &base, sign_in, 0).unwrap())
}

/// The ids of a recorded list.
fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

fn distinct(rows: &Value, key: &str) -> Vec<String> {
    let all: BTreeSet<&str> = rows.as_array().unwrap().iter().map(|row| row[key].as_str().unwrap()).collect();
    all.into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn system_information_of_every_version() {
    for (file, version, release) in [
        ("system_info_2.27.json", "2.27", 27),
        ("system_info_2.37.7.json", "2.37.7", 37),
        ("system_info_2.38.6.json", "2.38.6", 38),
        ("system_info_2.39.4.1.json", "2.39.4.1", 39),
        ("system_info_2.40.2.2.json", "2.40.2.2", 40),
        ("system_info_2.43-SNAPSHOT.json", "2.43-SNAPSHOT", 43),
    ] {
        let info = answering(text(file)).system_info().await.unwrap();
        assert_eq!((info.version.as_deref(), info.release()), (Some(version), Some(release)), "{file}");
        assert_eq!(info.calendar.as_deref(), Some("iso8601"), "{file}");
        assert!(info.server_date.is_some() && info.context_path.is_some(), "{file}");
    }
}

#[tokio::test]
async fn accounts_of_every_version() {
    for (file, authorities) in [("me_v37.json", 296), ("me_v43.json", 247)] {
        let me = answering(text(file)).me().await.unwrap();
        assert_eq!(me.authorities.len(), authorities, "{file}");
        assert_eq!(me.organisation_units[0].path, "/ImspTQPwCqd", "{file}");
    }
    for file in ["me_v38.json", "me_v39.json", "me_v40.json"] {
        assert_eq!(answering(text(file)).me().await.unwrap().organisation_units[0].id, "ImspTQPwCqd", "{file}");
    }
    let admin = answering(text("me_full_superuser.json")).me().await.unwrap();
    assert_eq!(admin.authorities.len(), 249);
    assert_eq!((admin.username.as_str(), admin.data_view_organisation_units.len()), ("admin", 0));
    let old = answering(text("me_2.27.json")).me().await.unwrap();
    assert_eq!((old.username.as_str(), old.organisation_units[0].id.as_str()), ("demo_parrot_ip", "KKFzPM8LoXs"));
}

#[tokio::test]
async fn pages_of_data_elements() {
    for file in ["dataElements_fields_name_id.json", "dataElements_fields_name_id_aggregationType.json"] {
        let ids = ids(&parsed(file)["dataElements"]);
        let elements = answering(text(file)).data_elements(&ids).await.unwrap();
        assert_eq!(elements.iter().map(|e| &e.id).collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
        assert_eq!(elements[0].name, "Accute Flaccid Paralysis (Deaths < 5 yrs)");
        assert_eq!(elements[0].aggregation_type.as_deref(), file.contains("aggregation").then_some("SUM"));
    }
    // The recorded answer is the first of 21 pages, so an id beyond it must not pass for unknown.
    let beyond = answering(text("dataElements_fields_name_id.json")).data_elements(&["zzzzzzzzzzz".into()]).await;
    assert!(beyond.unwrap_err().to_string().contains("page 1 of 21"));
}

#[tokio::test]
async fn upstream_metadata_of_elements_sets_and_combos() {
    let all = parsed("e2e_aggregate_metadata.json");
    let server = answering(text("e2e_aggregate_metadata.json"));
    let elements = server.data_elements(&ids(&all["dataElements"])).await.unwrap();
    assert_eq!(elements.len(), 75);
    assert_eq!(elements.iter().filter(|e| e.value_type.as_deref() == Some("BOOLEAN")).count(), 9);
    assert_eq!(elements.iter().filter(|e| e.zero_is_significant == Some(false)).count(), 2);
    assert!(elements.iter().all(|e| e.category_combo.is_some() && e.domain_type.as_deref() == Some("AGGREGATE")));

    let sets = server.data_sets(&ids(&all["dataSets"])).await.unwrap();
    let told: Vec<_> =
        sets.iter().map(|s| (s.name.as_str(), s.period_type.as_deref().unwrap(), s.elements.len())).collect();
    assert_eq!(told, [("TA Malaria annual data", "Yearly", 7), ("TA Malaria elimination", "Monthly", 66)]);
    assert!(sets.iter().all(|s| s.timely_days == Some(15.0)));

    let combos = server.category_option_combos(&ids(&all["categoryOptionCombos"])).await.unwrap();
    assert_eq!((combos.len(), combos[1].name.as_str()), (12, "TA 0-4 years, Female"));
}

#[tokio::test]
async fn lists_of_an_old_server() {
    let sets = parsed("dataSets_id_name_formType.json");
    let found = answering(text("dataSets_id_name_formType.json")).data_sets(&ids(&sets["dataSets"])).await.unwrap();
    assert_eq!((found.len(), found[0].name.as_str()), (81, "EA: Expenditures Site Level"));

    let combos = parsed("categoryOptionCombos_with_option_dates.json");
    let named = answering(text("categoryOptionCombos_with_option_dates.json"))
        .category_option_combos(&ids(&combos["categoryOptionCombos"]))
        .await
        .unwrap();
    assert_eq!(named.len(), 442);

    // Recorded as a single object; a list holds the same shape.
    let mut one = parsed("dataSet_cw2T5eAHxzW.json");
    one["id"] = "cw2T5eAHxzW".into();
    let list = json!({ "dataSets": [one] }).to_string();
    let found = answering(list).data_sets(&["cw2T5eAHxzW".into()]).await.unwrap();
    assert_eq!((found[0].elements.len(), found[0].elements[0].as_str()), (291, "OPmsmx2Rvz2"));
}

#[tokio::test]
async fn organisation_units() {
    for (file, count) in
        [("organisationUnits_id_code_name.json", 131), ("organisationUnits_fields_name_id_level.json", 50)]
    {
        let ids = ids(&parsed(file)["organisationUnits"]);
        let units = answering(text(file)).org_units(&ids).await.unwrap();
        assert!(units.len() == count && units.iter().all(|unit| !unit.name.is_empty()), "{file}");
    }
    let server = answering(text("organisationUnits_one_fields_all.json"));
    let one = server.org_units(&["Rp268JB6Ne4".into()]).await.unwrap();
    assert_eq!(one[0].path, "/ImspTQPwCqd/at6UHUQatSo/qtr8GGlm4gg/Rp268JB6Ne4");
    assert_eq!(
        (one[0].opening_date.as_deref(), one[0].closed_date.as_deref()),
        (Some("2010-01-01T00:00:00.000"), None)
    );
}

#[tokio::test]
async fn a_thousand_data_values() {
    let file = "dataValues_1000_quarterly_and_financialOct.json";
    let rows = &parsed(file)["dataValues"];
    let (units, all) = (distinct(rows, "orgUnit"), distinct(rows, "period"));
    assert_eq!((units.len(), all.len()), (124, 10));
    let server = answering(text(file));
    let values = server.data_values(&units, &Wanted::all(&["ds".into()], &all)).await.unwrap();
    assert_eq!((values.rows().len(), values.foreign), (1000, 0));

    let quarter = server.data_values(&units, &Wanted::all(&["ds".into()], &["2016Q3".into()])).await.unwrap();
    assert_eq!((quarter.rows().len(), quarter.foreign), (138, 862));
    let decimal: Vec<_> = quarter.rows().filter(|row| row.data_element == "XL1jnbmgXje").collect();
    assert!(decimal.iter().any(|row| row.value == Some("10.212")), "{decimal:?}");
}

#[tokio::test]
async fn upstream_bulk_values_with_comment_and_follow_up() {
    let rows = &parsed("e2e_dataValues_bulk.json")["dataValues"];
    let server = answering(text("e2e_dataValues_bulk.json"));
    let periods = distinct(rows, "period");
    let values = server.data_values(&["O6uvpzGd5pu".into()], &Wanted::all(&["ds".into()], &periods)).await.unwrap();
    assert_eq!((values.rows().len(), values.foreign), (231, 0));
    let marked: Vec<_> = values.rows().filter(|row| row.follow_up).collect();
    assert_eq!(marked.len(), 1);
    assert_eq!((marked[0].comment, marked[0].value), (Some("Important!"), Some("true")));
}
