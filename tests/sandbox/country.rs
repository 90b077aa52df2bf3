//! The seeded country: its counts, that it repeats, and that everything planted can be seen.

use std::collections::BTreeSet;

use onse::{
    domain::mapping::Mapping,
    sandbox::{CASE_TYPE, Oddity},
};
use serde_json::Value;

use crate::rig::{QUARTER, Rig};

#[tokio::test]
async fn the_usual_country_has_its_1106_facilities_in_28_districts() {
    let rig = Rig::new(1_106, 1);
    let units = rig.dhis2("organisationUnits?fields=id,level,path,parent[id],name&paging=false").await.json();
    let units = units["organisationUnits"].as_array().unwrap();
    let of_level = |level: u64| units.iter().filter(|unit| unit["level"] == level).collect::<Vec<_>>();
    assert_eq!(of_level(3).len(), 1_106);
    let root = of_level(1)[0]["id"].as_str().unwrap();
    let districts: BTreeSet<&str> = of_level(2)
        .iter()
        .filter(|unit| unit["parent"]["id"] == root)
        .map(|unit| unit["id"].as_str().unwrap())
        .collect();
    assert_eq!(districts.len(), 28);
    let mut used = BTreeSet::new();
    let mut names = BTreeSet::new();
    for facility in of_level(3) {
        let parent = facility["parent"]["id"].as_str().unwrap();
        let id = facility["id"].as_str().unwrap();
        assert_eq!(facility["path"], format!("/{root}/{parent}/{id}"));
        assert!(id.len() == 11 && id.as_bytes()[0].is_ascii_alphabetic(), "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert!(names.insert(facility["name"].as_str().unwrap()), "a name twice: {}", facility["name"]);
        used.insert(parent);
    }
    assert_eq!(used, districts);

    let cases = rig.hq(&format!("?case_type={CASE_TYPE}&limit=5000")).await.json();
    assert_eq!(cases["matching_records"], 1_106);
    assert_eq!(rig.hq("?limit=5000").await.json()["matching_records"], 1_106 + 28);
}

#[tokio::test]
async fn the_mapping_of_the_program_is_what_the_servers_know() {
    let rig = Rig::new(5, 1);
    let mapping = Mapping::built_in();
    let fields = "id,name,domainType,dataSetElements[dataSet[id,periodType]]";
    let elements = rig.dhis2(&format!("dataElements?fields={fields}&paging=false")).await.json();
    let elements = elements["dataElements"].as_array().unwrap();
    assert!(elements.len() > mapping.rows.len(), "there are elements no mapping names");
    for row in &mapping.rows {
        let element = elements.iter().find(|element| element["id"] == *row.data_element).unwrap();
        assert_eq!(element["name"], *row.name);
        assert_eq!(element["domainType"], "AGGREGATE");
        let sets = element["dataSetElements"].as_array().unwrap();
        let set = sets.iter().find(|set| set["dataSet"]["id"] == *row.data_set).unwrap();
        assert_eq!(set["dataSet"]["periodType"], "Quarterly");
    }
    let combos = rig.dhis2("categoryOptionCombos?fields=name&paging=false").await.json();
    let names: BTreeSet<&str> =
        combos["categoryOptionCombos"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    for name in ["default", "Male", "Female", "Under 5", "5 and over", "Under 5, Female"] {
        assert!(names.contains(name), "{name}");
    }
}

async fn everything(rig: &Rig) -> Vec<Vec<u8>> {
    let sets = sets();
    let root = rig.dhis2("organisationUnits?filter=level:eq:1&paging=false").await;
    let root_id = root.json()["organisationUnits"][0]["id"].as_str().unwrap().to_owned();
    let all = format!("dataValueSets?{sets}&startDate=2000-01-01&endDate=2030-01-01&orgUnit={root_id}&children=true");
    let done = format!("completeDataSetRegistrations?{sets}&period={QUARTER}&orgUnit={root_id}&children=true");
    let mut bodies = vec![rig.dhis2(&all).await.body, rig.dhis2(&done).await.body, root.body];
    bodies.push(rig.hq("?limit=5000").await.body);
    bodies.push(rig.dhis2("dataElements?fields=:all&paging=false").await.body);
    bodies
}

/// Every data set of the mapping as parameters.
pub(crate) fn sets() -> String {
    let rows = Mapping::built_in().rows;
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.data_set.as_str()).collect();
    ids.iter().map(|id| format!("dataSet={id}")).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bodies_and_another_seed_others() {
    let (one, again, other) = (Rig::new(60, 7), Rig::new(60, 7), Rig::new(60, 8));
    let (one, again, other) = (everything(&one).await, everything(&again).await, everything(&other).await);
    assert!(one == again, "the same options, but other bodies");
    for (body, other) in one.iter().zip(&other) {
        assert!(body.len() > 100);
        assert!(body != other, "another seed, but the same body: {}", String::from_utf8_lossy(&body[..100]));
    }
    let unseen = Rig::new(60, 7);
    assert_eq!(unseen.sandbox.planted(), Rig::new(60, 7).sandbox.planted());
}

/// The newest rows of a data element at a facility.
async fn rows(rig: &Rig, external_id: &str, data_element: &str, period: &str) -> Vec<Value> {
    let query = format!("dataValueSets?dataElement={data_element}&period={period}&orgUnit={external_id}");
    rig.dhis2(&query).await.json()["dataValues"].as_array().unwrap().clone()
}

fn element_of(property: &str) -> String {
    Mapping::built_in().rows.into_iter().find(|row| row.property == property).unwrap().data_element
}

fn number(rows: &[Value]) -> f64 {
    rows.iter().map(|row| row["value"].as_str().unwrap().parse::<f64>().unwrap()).sum()
}

#[tokio::test]
async fn slips_and_false_zeros_stand_in_the_newest_quarter_only() {
    let rig = Rig::new(300, 3);
    for (what, holds) in [
        (Oddity::TenTimes, (|new: f64, old: f64| new > 5.0 * old) as fn(f64, f64) -> bool),
        (Oddity::TenthPart, |new, old| new * 5.0 < old),
        (Oddity::FalseZero, |new, old| new == 0.0 && old >= 5.0),
    ] {
        let planted = rig.planted(what);
        assert!(planted.len() >= 3, "{what:?}");
        for planted in planted {
            let element = element_of(&planted.property.unwrap());
            let facility = planted.external_id.unwrap();
            let new = rows(&rig, &facility, &element, QUARTER).await;
            let old = rows(&rig, &facility, &element, "2026Q1").await;
            assert!(!new.is_empty() && !old.is_empty(), "{what:?} at {facility}");
            assert!(holds(number(&new), number(&old)), "{what:?} at {facility}: {new:?} after {old:?}");
        }
    }
}

#[tokio::test]
async fn odd_values_can_be_read_as_planted() {
    let rig = Rig::new(300, 3);
    for (what, shows) in [
        (
            Oddity::TextInNumber,
            (|row: &Value| row["value"].as_str().unwrap().ends_with(" (est)")) as fn(&Value) -> bool,
        ),
        (Oddity::Negative, |row| row["value"].as_str().unwrap().starts_with('-')),
        (Oddity::Fraction, |row| row["value"].as_str().unwrap().ends_with(".5")),
        (Oddity::Comment, |row| row["comment"].as_str().is_some_and(|comment| comment.len() > 10)),
        (Oddity::FollowUp, |row| row["followup"] == true),
    ] {
        let planted = rig.planted(what);
        assert!(!planted.is_empty(), "{what:?}");
        for planted in planted {
            let element = element_of(&planted.property.unwrap());
            let rows = rows(&rig, &planted.external_id.unwrap(), &element, QUARTER).await;
            assert_eq!(rows.iter().filter(|row| shows(row)).count(), 1, "{what:?}: {rows:?}");
        }
    }
    for planted in rig.planted(Oddity::StoppedReporting) {
        let facility = planted.external_id.unwrap();
        let ask = |period| format!("dataValueSets?{}&period={period}&orgUnit={facility}", sets());
        let count = async |period| rig.dhis2(&ask(period)).await.json()["dataValues"].as_array().unwrap().len();
        assert_eq!(count(QUARTER).await, 0);
        assert!(count("2026Q1").await > 10);
    }
}

#[tokio::test]
async fn odd_cases_can_be_read_as_planted() {
    let rig = Rig::new(300, 3);
    let body = rig.hq(&format!("?case_type={CASE_TYPE}&limit=5000")).await.json();
    let cases = body["cases"].as_array().unwrap();
    let with_unit = |id: &str| cases.iter().filter(|case| case["external_id"] == id).collect::<Vec<_>>();
    let with_id = |id: &str| cases.iter().find(|case| case["case_id"] == id).unwrap();

    let shared = rig.planted(Oddity::SharedExternalId);
    assert!(shared.len() >= 2);
    for planted in &shared {
        let both = with_unit(planted.external_id.as_ref().unwrap());
        assert_eq!(both.len(), 2);
        assert!(both.iter().all(|case| case["closed"] == false));
        assert!(both.iter().any(|case| case["case_id"] == **planted.case_id.as_ref().unwrap()));
    }
    for planted in rig.planted(Oddity::Closed) {
        let case = with_id(planted.case_id.as_ref().unwrap());
        assert!(case["closed"] == true && case["date_closed"].is_string());
    }
    let nameless = rig.planted(Oddity::NoExternalId);
    assert!(nameless.len() >= 3);
    let mut spellings = BTreeSet::new();
    for planted in nameless {
        let external_id = &with_id(planted.case_id.as_ref().unwrap())["external_id"];
        assert!(external_id.is_null() || external_id == "");
        spellings.insert(external_id.to_string());
    }
    assert_eq!(spellings.len(), 2, "null and empty both occur");
    let without = rig.planted(Oddity::WithoutCase);
    assert!(!without.is_empty());
    for planted in without {
        let unit = planted.external_id.unwrap();
        assert!(with_unit(&unit).is_empty());
        assert_eq!(rig.dhis2(&format!("organisationUnits/{unit}?fields=level")).await.json()["level"], 3);
    }
    for (what, shows) in [
        (Oddity::AccentedName, (|name: &str| !name.is_ascii()) as fn(&str) -> bool),
        (Oddity::LongName, |name| name.len() > 150 && name.len() < 230),
        (Oddity::HostileName, |name| {
            name.contains("\u{1b}[31m") && name.contains('\u{7}') && name.contains('\u{202e}')
        }),
    ] {
        let planted = rig.planted(what);
        assert!(!planted.is_empty(), "{what:?}");
        for planted in planted {
            let name = with_id(planted.case_id.as_ref().unwrap())["case_name"].as_str().unwrap().to_owned();
            assert!(shows(&name), "{what:?}: {name:?}");
            let unit = rig.dhis2(&format!("organisationUnits/{}", planted.external_id.unwrap())).await.json();
            assert_eq!(unit["name"], name);
        }
    }
    assert_eq!(rig.planted(Oddity::HostileName).len(), 1);
}

#[tokio::test]
async fn a_country_of_five_and_of_none_can_be_asked_too() {
    for facilities in [0, 1, 5, 28, 29] {
        let rig = Rig::new(facilities, 1);
        let units = rig.dhis2("organisationUnits?filter=level:eq:3&paging=false").await.json();
        assert_eq!(units["organisationUnits"].as_array().unwrap().len(), facilities);
        assert_eq!(rig.hq("?case_type=district").await.json()["matching_records"], 28);
        assert!(rig.sandbox.planted().len() <= facilities, "at most half are touched, twins listed twice");
    }
    assert!(!Rig::new(5, 1).sandbox.planted().is_empty());
}

#[tokio::test]
async fn old_values_are_mostly_those_of_the_quarter_before() {
    let rig = Rig::new(200, 1);
    let beds = "dhis_what_is_the_total_number_of_beds_at_the_facility";
    let element = element_of(beds);
    let (mut same, mut other, mut unset, mut blank, mut spelled) = (0, 0, 0, 0, 0);
    for case_id in rig.sandbox.case_ids() {
        let case = rig.sandbox.case(&case_id).unwrap();
        let Some(unit) = case.external_id.filter(|unit| !unit.is_empty()) else { continue };
        let before = rows(&rig, &unit, &element, "2026Q1").await;
        match case.properties.get(beds).map(String::as_str) {
            None => unset += 1,
            Some("") => blank += 1,
            Some(text) if text.ends_with(".0") => spelled += 1,
            Some(text) if number(&before).total_cmp(&text.parse().unwrap()).is_eq() => same += 1,
            Some(_) => other += 1,
        }
    }
    assert!(same > 160, "{same} of 200");
    assert!(unset > 0 && blank > 0 && spelled > 0, "{unset} {blank} {spelled}");
    assert!(other < 10, "{other}");
}

#[tokio::test]
async fn zeros_of_elements_that_do_not_keep_them_are_no_rows() {
    let rig = Rig::new(120, 5);
    let elements = rig.dhis2("dataElements?fields=id,zeroIsSignificant&paging=false").await.json();
    let zero_kept: BTreeSet<String> = elements["dataElements"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|element| element["zeroIsSignificant"] == true)
        .map(|element| element["id"].as_str().unwrap().to_owned())
        .collect();
    let root = rig.dhis2("organisationUnits?filter=level:eq:1").await.json()["organisationUnits"][0]["id"].clone();
    let ask = format!("dataValueSets?{}&period=2026Q1&orgUnit={}&children=true", sets(), root.as_str().unwrap());
    let body = rig.dhis2(&ask).await.json();
    let rows = body["dataValues"].as_array().unwrap();
    let (mut zeros, mut others) = (0, 0);
    for row in rows {
        assert!(row["value"].is_string());
        if row["value"] == "0" {
            zeros += 1;
            assert!(zero_kept.contains(row["dataElement"].as_str().unwrap()), "{row}");
        }
        others += usize::from(!zero_kept.contains(row["dataElement"].as_str().unwrap()));
    }
    assert!(zeros > 50 && others > 500, "{zeros} zeros, {others} rows of the others");
}
