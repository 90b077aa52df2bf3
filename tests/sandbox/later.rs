//! Reports and places around the numbers: months, deleted rows, changes since a time, registrations, assignment, closing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use onse::{
    domain::mapping::Mapping,
    sandbox::{
        FISCAL_ELEMENT, FISCAL_SET, HOSTILE_ELEMENT, LOST_ELEMENT, MONTHLY_LAST, MONTHLY_SET, MONTHLY_SUM, Oddity,
        Planted,
    },
};
use serde_json::{Value, json};

use crate::{
    country::sets,
    rig::{QUARTER, Rig},
};

const COC: &str = "HllvX50cXC0";
const BEDS: &str = "asCqjKclllu";

async fn rows(rig: &Rig, query: &str) -> Vec<Value> {
    let body = rig.dhis2(&format!("dataValueSets?{query}")).await.json();
    body["dataValues"].as_array().unwrap().clone()
}

/// The data element and the data set of a planted oddity.
fn report(planted: &Planted) -> (String, String, String) {
    let rows = Mapping::built_in().rows;
    let row = rows.into_iter().find(|row| Some(&row.property) == planted.property.as_ref()).unwrap();
    (planted.external_id.clone().unwrap(), row.data_set, row.data_element)
}

async fn registration(rig: &Rig, unit: &str, set: &str) -> Value {
    let ask = format!("completeDataSetRegistrations?dataSet={set}&period={QUARTER}&orgUnit={unit}");
    rig.dhis2(&ask).await.json()["completeDataSetRegistrations"][0].clone()
}

#[tokio::test]
async fn a_monthly_set_holds_months_and_never_a_quarter() {
    let rig = Rig::new(200, 1);
    let fields = "periodType,timelyDays,dataSetElements[dataElement[id,aggregationType]]";
    let set = rig.dhis2(&format!("dataSets/{MONTHLY_SET}?fields={fields}")).await.json();
    assert_eq!((&set["periodType"], &set["timelyDays"]), (&json!("Monthly"), &json!(15.0)));
    let elements = set["dataSetElements"].as_array().unwrap().iter().map(|it| it["dataElement"].to_string());
    let elements: BTreeSet<String> = elements.collect();
    for (id, way) in [(MONTHLY_SUM, "SUM"), (MONTHLY_LAST, "LAST")] {
        assert!(elements.contains(&json!({ "id": id, "aggregationType": way }).to_string()), "{elements:?}");
    }
    let root = rig.everywhere().await;
    assert!(rows(&rig, &format!("dataSet={MONTHLY_SET}&period={QUARTER}&{root}")).await.is_empty());
    let months = format!("dataSet={MONTHLY_SET}&period=202604&period=202605&period=202606&{root}");
    let mut by_unit: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows(&rig, &months).await.iter().filter(|row| row["dataElement"] == MONTHLY_LAST) {
        by_unit.entry(row["orgUnit"].to_string()).or_default().insert(row["period"].to_string());
    }
    let with = |count: usize| by_unit.values().filter(|months| months.len() == count).count();
    assert!(with(3) > 140 && with(2) > 5, "{} whole quarters, {} with a month missing", with(3), with(2));
    let range = format!("dataSet={MONTHLY_SET}&startDate=2026-04-01&endDate=2026-06-30&{root}");
    assert_eq!(rows(&rig, &range).await.len(), rows(&rig, &months).await.len());
    let done = format!("completeDataSetRegistrations?dataSet={MONTHLY_SET}&period=202604&period=202605&{root}");
    let done = rig.dhis2(&done).await.json();
    let done = done["completeDataSetRegistrations"].as_array().unwrap();
    assert!(done.iter().any(|it| it["period"] == "202604") && done.iter().any(|it| it["period"] == "202605"));
    assert!(done.iter().all(|it| it["date"].as_str().unwrap() >= "2026-05-03"));
    let fiscal =
        rig.dhis2(&format!("dataElements/{FISCAL_ELEMENT}?fields=dataSetElements[dataSet[id,periodType]]")).await;
    let set = &fiscal.json()["dataSetElements"][0]["dataSet"];
    assert_eq!(*set, json!({ "id": FISCAL_SET, "periodType": "QuarterlyNov" }));
    let lost = rig.dhis2(&format!("dataElements/{LOST_ELEMENT}?fields=dataSetElements")).await.json();
    assert_eq!(lost["dataSetElements"], json!([]));
}

#[tokio::test]
async fn registrations_name_the_reports_that_were_opened_again() {
    let rig = Rig::new(120, 1);
    let ask =
        format!("completeDataSetRegistrations?{}&period={QUARTER}&period=2026Q1&{}", sets(), rig.everywhere().await);
    let body = rig.dhis2(&ask).await.json();
    let all = body["completeDataSetRegistrations"].as_array().unwrap();
    let open = all.iter().filter(|it| it["completed"] == false).count();
    assert!(all.len() > 1_500 && (10..all.len() / 20).contains(&open), "{open} of {}", all.len());
    let key = |it: &Value| format!("{} {} {}", it["organisationUnit"], it["dataSet"], it["period"]);
    assert_eq!(all.iter().map(key).collect::<BTreeSet<_>>().len(), all.len());
    let few = rig.dhis2(&format!("{ask}&limit=7")).await.json();
    assert_eq!(few["completeDataSetRegistrations"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn deleted_rows_are_there_for_those_who_ask() {
    let rig = Rig::new(300, 3);
    let unit = rig.units(3).await.remove(0);
    let ask = format!("dataSet=uk3Vkwy5cIe&dataElement={BEDS}&period={QUARTER}&orgUnit={unit}");
    rig.sandbox.set_value(&unit, BEDS, COC, QUARTER, Some("31"));
    assert!(rig.sandbox.delete_value(&unit, BEDS, COC, QUARTER));
    assert!(!rig.sandbox.delete_value(&unit, BEDS, COC, "2019Q1"), "there is no such row");
    let of_beds = |rows: Vec<Value>| rows.into_iter().filter(|row| row["dataElement"] == BEDS).collect::<Vec<_>>();
    assert!(of_beds(rows(&rig, &ask).await).is_empty());
    let with = of_beds(rows(&rig, &format!("{ask}&includeDeleted=true")).await);
    assert_eq!((with.len(), &with[0]["value"], &with[0]["deleted"]), (1, &json!("31"), &json!(true)));
    let planted = rig.planted(Oddity::Deleted);
    assert!(planted.len() >= 3);
    for planted in &planted {
        let (unit, set, element) = report(planted);
        let ask = format!("dataSet={set}&period={QUARTER}&orgUnit={unit}");
        assert!(rows(&rig, &ask).await.is_empty(), "{planted:?}");
        let deleted = rows(&rig, &format!("{ask}&includeDeleted=true")).await;
        assert!(!deleted.is_empty(), "{planted:?}");
        assert!(deleted.iter().all(|row| row["deleted"] == true && row["dataElement"] == *element));
        assert!(registration(&rig, &unit, &set).await.is_null());
    }
}

#[tokio::test]
async fn changes_since_a_time_are_the_rows_changed_then_or_later() {
    let rig = Rig::new(60, 1);
    let root = rig.everywhere().await;
    let whole = rows(&rig, &format!("{}&period={QUARTER}&{root}", sets())).await;
    let times: BTreeSet<&str> = whole.iter().map(|row| row["lastUpdated"].as_str().unwrap()).collect();
    let middle = *times.iter().nth(times.len() / 2).unwrap();
    let encoded = middle.replace('+', "%2B");
    let some = rows(&rig, &format!("{}&period={QUARTER}&lastUpdated={encoded}&{root}", sets())).await;
    let wanted = whole.iter().filter(|row| row["lastUpdated"].as_str().unwrap() >= middle).count();
    assert!(some.len() == wanted && wanted > 100 && wanted < whole.len(), "{wanted} of {}", whole.len());
    let day = rows(&rig, &format!("{}&period={QUARTER}&lastUpdated={}&{root}", sets(), &middle[..10])).await;
    assert!(day.len() >= some.len() && day.len() < whole.len());

    let unit = rig.units(3).await.remove(0);
    rig.sandbox.set_value(&unit, BEDS, COC, QUARTER, Some("12"));
    let late = format!("{}&period={QUARTER}&lastUpdated=2026-08-01&{root}", sets());
    let new = rows(&rig, &late).await;
    assert_eq!((new.len(), &new[0]["value"]), (1, &json!("12")));
    rig.sandbox.delete_value(&unit, BEDS, COC, QUARTER);
    assert!(rows(&rig, &late).await.is_empty());
    assert_eq!(rows(&rig, &format!("{late}&includeDeleted=true")).await.len(), 1);
    let bare = rows(&rig, &format!("{}&lastUpdated=2026-08-01&includeDeleted=true&{root}", sets())).await;
    assert_eq!(bare.len(), 1, "a time of change is enough");
    assert_eq!(rows(&rig, &format!("{}&lastUpdatedDuration=1d&includeDeleted=true&{root}", sets())).await.len(), 1);
    let odd = rig.dhis2(&format!("dataValueSets?{}&lastUpdatedDuration=soon&{root}", sets())).await.json();
    assert_eq!(odd["errorCode"], "E2005");
}

#[tokio::test]
async fn what_is_odd_about_reports_can_be_read_as_planted() {
    let rig = Rig::new(300, 3);
    let sibling = |unit: &str, set: &str| format!("dataSet={set}&period={QUARTER}&orgUnit={unit}");
    for planted in rig.planted(Oddity::NotAssigned) {
        let (unit, set, _) = report(&planted);
        let assigned = rig.dhis2(&format!("dataSets/{set}?fields=organisationUnits[id]")).await.json();
        assert!(!assigned["organisationUnits"].as_array().unwrap().contains(&json!({ "id": unit })), "{planted:?}");
        let own = rig.dhis2(&format!("organisationUnits/{unit}?fields=dataSets[id]")).await.json();
        assert!(!own["dataSets"].as_array().unwrap().contains(&json!({ "id": set })));
        assert!(rows(&rig, &sibling(&unit, &set)).await.is_empty());
        assert!(rig.sandbox.set_assigned(&unit, &set, true));
        let assigned = rig.dhis2(&format!("dataSets/{set}?fields=organisationUnits[id]")).await.json();
        assert!(assigned["organisationUnits"].as_array().unwrap().contains(&json!({ "id": unit })));
    }
    for planted in rig.planted(Oddity::ZeroNotStored) {
        let (unit, set, element) = report(&planted);
        let about = rig.dhis2(&format!("dataElements/{element}?fields=zeroIsSignificant,aggregationType")).await.json();
        assert_eq!(about["zeroIsSignificant"], false);
        assert_eq!(registration(&rig, &unit, &set).await["completed"], true, "{planted:?}");
        assert!(rows(&rig, &sibling(&unit, &set)).await.iter().all(|row| row["dataElement"] != *element));
    }
    for planted in rig.planted(Oddity::CompleteEmpty) {
        let (unit, set, _) = report(&planted);
        assert_eq!(registration(&rig, &unit, &set).await["date"], "2026-07-10", "{planted:?}");
        assert!(rows(&rig, &sibling(&unit, &set)).await.is_empty());
        assert!(rig.sandbox.set_complete(&unit, &set, QUARTER, None));
        assert!(registration(&rig, &unit, &set).await.is_null());
    }
    for planted in rig.planted(Oddity::UnitClosed) {
        let unit = planted.external_id.unwrap();
        let about = rig.dhis2(&format!("organisationUnits/{unit}?fields=openingDate,closedDate")).await.json();
        assert_eq!(about["closedDate"], "2026-03-01T00:00:00.000");
        assert!(rows(&rig, &format!("{}&period={QUARTER}&orgUnit={unit}", sets())).await.len() > 10);
    }
    for planted in rig.planted(Oddity::NamesDiffer) {
        let unit = rig.dhis2(&format!("organisationUnits/{}?fields=name", planted.external_id.unwrap())).await.json();
        let case = rig.sandbox.case(&planted.case_id.unwrap()).unwrap().name.unwrap();
        assert_eq!(unit["name"], case.replace(" HC", " Health Centre"));
        assert!(case.ends_with(" HC"));
    }
    for what in
        [Oddity::NotAssigned, Oddity::ZeroNotStored, Oddity::CompleteEmpty, Oddity::UnitClosed, Oddity::NamesDiffer]
    {
        assert!(rig.planted(what).len() >= 3, "{what:?}");
    }
}

#[tokio::test]
async fn someone_else_closes_a_unit_and_completes_a_report() {
    let rig = Rig::new(30, 1);
    let unit = rig.units(3).await.remove(3);
    assert!(rig.sandbox.close_unit(&unit, date(2026, 5, 31)));
    let about = rig.dhis2(&format!("organisationUnits/{unit}?fields=closedDate")).await.json();
    assert_eq!(about["closedDate"], "2026-05-31T00:00:00.000");
    let open = rig.dhis2("organisationUnits?filter=closedDate:null:&paging=false&fields=id").await.json();
    assert!(!open["organisationUnits"].as_array().unwrap().contains(&json!({ "id": unit })));
    assert!(rig.sandbox.set_complete(&unit, MONTHLY_SET, "202606", Some(date(2026, 7, 4))));
    let ask = format!("completeDataSetRegistrations?dataSet={MONTHLY_SET}&period=202606&orgUnit={unit}");
    let done = rig.dhis2(&ask).await.json();
    assert_eq!(done["completeDataSetRegistrations"][0]["date"], "2026-07-04");
    assert_eq!(done["completeDataSetRegistrations"][0]["completed"], true);
    for unknown in ["unknownUnit", &rig.units(1).await[0]] {
        assert!(!rig.sandbox.set_complete(unknown, MONTHLY_SET, "202606", None));
        assert!(!rig.sandbox.set_assigned(unknown, MONTHLY_SET, false));
    }
    assert!(!rig.sandbox.close_unit("unknownUnit", date(2026, 5, 31)));
    assert!(!rig.sandbox.set_assigned(&unit, "unknownSet1", false));
}

/// Fault matrix row D25.
#[tokio::test]
async fn names_of_category_options_may_be_made_to_break_a_screen() {
    let rig = Rig::new(60, 1);
    let fields = "categoryCombo[categoryOptionCombos[id,name,categoryOptions[name]]]";
    let element = rig.dhis2(&format!("dataElements/{HOSTILE_ELEMENT}?fields={fields}")).await.json();
    let combos = element["categoryCombo"]["categoryOptionCombos"].as_array().unwrap();
    let name = |at: usize| combos[at]["name"].as_str().unwrap();
    assert!(name(0).contains('\u{1b}') && name(1).starts_with('\u{202e}') && name(2).len() == 10_000);
    assert_eq!(combos[0]["categoryOptions"][0]["name"], combos[0]["name"]);
    let rows = rows(&rig, &format!("dataElement={HOSTILE_ELEMENT}&period={QUARTER}&{}", rig.everywhere().await)).await;
    let used: BTreeSet<String> = rows.iter().map(|row| row["categoryOptionCombo"].to_string()).collect();
    assert_eq!(used, combos.iter().map(|combo| combo["id"].to_string()).collect());
}
