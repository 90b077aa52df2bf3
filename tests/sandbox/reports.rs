//! How reports of the newest quarter are filled in: as usual, oddly, and as a test wants a whole column.

use std::collections::{BTreeMap, BTreeSet};

use onse::{
    domain::mapping::Mapping,
    sandbox::{Oddity, Options, Planted, Version},
};
use serde_json::{Value, json};

use crate::{
    country::sets,
    rig::{QUARTER, Rig},
};

const COC: &str = "HllvX50cXC0";
const BEDS: &str = "dhis_what_is_the_total_number_of_beds_at_the_facility";
const CHILDREN: &str = "dhis_quarterly_estimated_children_under_5_in_area";
const SPENT: &str = "dhis_expenditure_in_quarter";
const CURED: &str = "dhis_prev_new_smear_positive_cases_cured";
/// The last day on which a report of the newest quarter is in time.
const IN_TIME: &str = "2026-07-15";

/// A planted report: its facility, data set and data element.
struct Report {
    unit: String,
    set: String,
    element: String,
}

impl Report {
    fn of(planted: Planted) -> Self {
        let unit = planted.external_id.unwrap();
        let rows = Mapping::built_in().rows;
        let row = rows.into_iter().find(|row| Some(&row.property) == planted.property.as_ref()).unwrap();
        Self { unit, set: row.data_set, element: row.data_element }
    }

    /// The rows of the element in a quarter, by category and attribute option combination.
    async fn rows(&self, rig: &Rig, period: &str) -> BTreeMap<(String, String), Value> {
        let ask = format!("dataValueSets?dataSet={}&period={period}&orgUnit={}", self.set, self.unit);
        let body = rig.dhis2(&ask).await.json();
        let rows = body["dataValues"].as_array().unwrap().iter().filter(|row| row["dataElement"] == *self.element);
        let id = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        rows.map(|row| ((id(row, "categoryOptionCombo"), id(row, "attributeOptionCombo")), row.clone())).collect()
    }

    /// The category option combinations the element is split by.
    async fn own(&self, rig: &Rig) -> BTreeSet<String> {
        let fields = "categoryCombo[id,categoryOptionCombos[id]]";
        let about = rig.dhis2(&format!("dataElements/{}?fields={fields}", self.element)).await.json();
        let cocs = about["categoryCombo"]["categoryOptionCombos"].as_array().unwrap();
        cocs.iter().map(|coc| coc["id"].as_str().unwrap().to_owned()).collect()
    }

    async fn registration(&self, rig: &Rig) -> Value {
        let ask = format!("completeDataSetRegistrations?dataSet={}&period={QUARTER}&orgUnit={}", self.set, self.unit);
        rig.dhis2(&ask).await.json()["completeDataSetRegistrations"][0].clone()
    }
}

fn number(row: &Value) -> i64 {
    row["value"].as_str().unwrap().parse().unwrap()
}

fn of(version: Version) -> Rig {
    Rig::with(&Options { facilities: 300, seed: 3, version, ..Options::new((2026, 2)) })
}

fn planted(rig: &Rig, what: Oddity) -> Vec<Report> {
    let found: Vec<Report> = rig.planted(what).into_iter().map(Report::of).collect();
    assert_eq!(found.len(), 3, "{what:?}");
    found
}

#[tokio::test]
async fn rows_too_many_can_be_read_as_planted_in_every_version() {
    for version in Version::ALL {
        let rig = of(version);
        for report in planted(&rig, Oddity::TotalAndBreakdown) {
            let (rows, own) = (report.rows(&rig, QUARTER).await, report.own(&rig).await);
            let total = number(&rows[&(COC.to_owned(), COC.to_owned())]);
            let parts: i64 = rows.iter().filter(|((coc, _), _)| own.contains(coc)).map(|(_, row)| number(row)).sum();
            assert!(!own.contains(COC) && rows.len() > 2, "{version} {rows:?}");
            assert_eq!(total, parts, "{version} {rows:?}");
        }
        for report in planted(&rig, Oddity::UnknownCategory) {
            let (rows, own) = (report.rows(&rig, QUARTER).await, report.own(&rig).await);
            let strange: Vec<&str> = rows.keys().map(|(coc, _)| &**coc).filter(|coc| !own.contains(*coc)).collect();
            assert!(strange.len() == 1 && strange[0] != COC && rows.len() > 2, "{version} {rows:?}");
            let about = rig.dhis2(&format!("categoryOptionCombos/{}?fields=categoryCombo[id]", strange[0])).await;
            assert!(about.json()["categoryCombo"]["id"].is_string(), "it is one of another combination");
            assert!(report.rows(&rig, "2026Q1").await.keys().all(|(coc, _)| own.contains(coc)));
        }
        for report in planted(&rig, Oddity::SeveralAttributes) {
            let (rows, own) = (report.rows(&rig, QUARTER).await, report.own(&rig).await);
            let others: Vec<&(String, String)> = rows.keys().filter(|(_, aoc)| aoc != COC).collect();
            assert!(others.len() == 1 && rows.len() > 2 && own.contains(&others[0].0), "{version} {rows:?}");
            let fields = "name,categoryCombo[dataDimensionType]";
            let about = rig.dhis2(&format!("categoryOptionCombos/{}?fields={fields}", others[0].1)).await.json();
            assert_eq!(about, json!({ "name": "Government", "categoryCombo": { "dataDimensionType": "ATTRIBUTE" } }));
        }
    }
}

#[tokio::test]
async fn a_part_that_is_gone_was_there_in_every_quarter_before() {
    let rig = of(Version::V42);
    for report in planted(&rig, Oddity::CategoryGone) {
        let new = report.rows(&rig, QUARTER).await;
        let own = report.own(&rig).await;
        let gone: Vec<&String> =
            own.iter().filter(|coc| !new.contains_key(&((*coc).clone(), COC.to_owned()))).collect();
        assert!(gone.len() == 1 && new.values().map(number).sum::<i64>() > 0, "{new:?}");
        for quarter in ["2026Q1", "2025Q4", "2025Q3", "2025Q2"] {
            let old = report.rows(&rig, quarter).await;
            let total: i64 = old.values().map(number).sum();
            let part = number(&old[&(gone[0].clone(), COC.to_owned())]);
            assert!(total >= 40 && 5 * part >= total, "{quarter}: {part} of {total}");
        }
    }
}

#[tokio::test]
async fn a_copied_report_is_the_one_before_part_by_part() {
    let rig = of(Version::V42);
    for report in planted(&rig, Oddity::Copied) {
        let values = async |period| {
            let rows = report.rows(&rig, period).await;
            rows.into_iter().map(|(combos, row)| (combos, number(&row))).collect::<Vec<_>>()
        };
        let (new, old, older) = (values(QUARTER).await, values("2026Q1").await, values("2025Q4").await);
        assert_eq!(new, old);
        assert!(new.len() > 1 && new.iter().map(|(_, number)| number).sum::<i64>() >= 10, "{new:?}");
        assert_ne!(old, older, "it moves from quarter to quarter elsewhere");
    }
}

#[tokio::test]
async fn registrations_before_an_edit_and_long_after_the_quarter_can_be_read_as_planted() {
    for version in Version::ALL {
        let rig = of(version);
        for report in planted(&rig, Oddity::EditedAfterComplete) {
            let done = report.registration(&rig).await;
            let day = done["date"].as_str().unwrap().to_owned();
            assert_eq!(done["completed"], true, "{version}");
            let rows = report.rows(&rig, QUARTER).await;
            let (after, before): (Vec<&Value>, Vec<&Value>) =
                rows.values().partition(|row| row["lastUpdated"].as_str().unwrap()[..10] > *day);
            assert_eq!(after.len(), 1, "{version} {day}: {rows:?}");
            assert!(after[0]["created"].as_str().unwrap()[..10] < *day, "it was there before");
            assert!(before.iter().all(|row| row["lastUpdated"] == row["created"]));
        }
        for report in planted(&rig, Oddity::CompletedLate) {
            let done = report.registration(&rig).await;
            let day = done["date"].as_str().unwrap();
            assert!(done["completed"] == true && ("2026-08-07"..="2026-08-13").contains(&day), "{version} {done}");
            let rows = report.rows(&rig, QUARTER).await;
            assert!(!rows.is_empty() && rows.values().all(|row| row["lastUpdated"].as_str().unwrap()[..10] < *day));
        }
    }
}

/// Flags of reports must be rare where nobody planted anything.
#[tokio::test]
async fn ordinary_reports_are_mostly_registered_in_time_and_never_edited_afterwards() {
    let rig = of(Version::V42);
    let root = rig.everywhere().await;
    let mapped: BTreeSet<String> = Mapping::built_in().rows.into_iter().map(|row| row.data_set).collect();
    let odd: BTreeSet<String> = rig.sandbox.planted().iter().filter_map(|it| it.external_id.clone()).collect();
    let ask = format!("completeDataSetRegistrations?{}&period={QUARTER}&{root}", sets());
    let done = rig.dhis2(&ask).await.json();
    let (mut reports, mut without, mut late) = (0, 0, 0);
    for set in mapped.iter().filter(|set| !set.is_empty()) {
        let about = rig.dhis2(&format!("dataSets/{set}?fields=timelyDays")).await.json();
        assert_eq!(about["timelyDays"], 15.0);
        let rows = rig.dhis2(&format!("dataValueSets?dataSet={set}&period={QUARTER}&{root}")).await.json();
        let mut last: BTreeMap<&str, &str> = BTreeMap::new();
        for row in rows["dataValues"].as_array().unwrap() {
            let newest = last.entry(row["orgUnit"].as_str().unwrap()).or_default();
            *newest = (*newest).max(&row["lastUpdated"].as_str().unwrap()[..10]);
        }
        for (unit, edited) in last.into_iter().filter(|(unit, _)| !odd.contains(*unit)) {
            reports += 1;
            let all = done["completeDataSetRegistrations"].as_array().unwrap();
            let found = all.iter().find(|it| it["organisationUnit"] == unit && it["dataSet"] == **set);
            let Some(day) = found.map(|it| it["date"].as_str().unwrap()) else {
                without += 1;
                continue;
            };
            assert!(day > edited, "{set} at {unit}: registered {day}, edited {edited}");
            late += u32::from(day > IN_TIME);
        }
    }
    assert!(reports > 1_500, "{reports}");
    assert!((1..=8).contains(&(100 * without / reports)), "{without} of {reports} not registered");
    assert!((1..=9).contains(&(100 * late / reports)), "{late} of {reports} late");
}

#[tokio::test]
async fn a_small_country_has_fewer_of_each() {
    for (facilities, most) in [(0, 0), (5, 0), (28, 1), (60, 1), (300, 3)] {
        let rig = Rig::new(facilities, 1);
        let all = rig.sandbox.planted().iter();
        let new: Vec<&Planted> = all.filter(|planted| planted.what >= Oddity::TotalAndBreakdown).collect();
        let count = |what| new.iter().filter(|planted| planted.what == what).count();
        assert!(new.iter().all(|planted| count(planted.what) <= most), "{facilities}: {new:?}");
        assert!(new.iter().all(|planted| planted.property.is_some() && planted.case_id.is_some()));
        assert_eq!(new.is_empty(), most == 0, "{facilities}");
        let others = rig.sandbox.planted().iter().filter(|other| other.what < Oddity::TotalAndBreakdown);
        let taken: BTreeSet<&Option<String>> = others.map(|other| &other.external_id).collect();
        assert!(new.iter().all(|planted| !taken.contains(&planted.external_id)), "a facility of its own");
    }
}

/// The column of a property: the rows of the newest quarter by facility.
async fn column(rig: &Rig, property: &str) -> BTreeMap<String, Vec<String>> {
    let row = Mapping::built_in().rows.into_iter().find(|row| row.property == property).unwrap();
    let ask = format!("dataValueSets?dataSet={}&period={QUARTER}&{}", row.data_set, rig.everywhere().await);
    let body = rig.dhis2(&ask).await.json();
    let rows = body["dataValues"].as_array().unwrap().iter().filter(|it| it["dataElement"] == *row.data_element);
    let mut column: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let unit = row["orgUnit"].as_str().unwrap().to_owned();
        column.entry(unit).or_default().push(row["value"].as_str().unwrap().to_owned());
    }
    column
}

#[tokio::test]
async fn a_column_can_be_scaled() {
    let rig = Rig::new(120, 1);
    for (property, numerator, denominator) in
        [(CHILDREN, 3_i32, 2_i32), (SPENT, 1, 1_000), (BEDS, 1, 10), (CURED, 1, 4)]
    {
        let old = column(&rig, property).await;
        let others = column(&rig, "dhis_village_clinics").await;
        assert!(rig.sandbox.scale_column(property, numerator.into(), denominator.into()));
        let new = column(&rig, property).await;
        assert_eq!(column(&rig, "dhis_village_clinics").await, others);
        let (mut same, mut whole) = (0, true);
        for (unit, old) in &old {
            let Some(new) = new.get(unit) else { continue };
            if new.len() != old.len() {
                continue;
            }
            for (new, old) in new.iter().zip(old) {
                let (Ok(found), Ok(old)) = (new.parse::<f64>(), old.parse::<f64>()) else {
                    assert_eq!(new, old, "a text stays");
                    continue;
                };
                let wanted = old * f64::from(numerator) / f64::from(denominator);
                let places = if property == SPENT { 0.005 } else { 0.5 };
                assert!((found - wanted).abs() <= places + 1e-9, "{property} {unit}: {found} for {wanted}");
                same += 1;
                whole &= found.fract() == 0.0;
            }
        }
        assert!(same > 50, "{property}: {same}");
        assert_eq!(whole, property != SPENT, "{property}: only money has fractions");
        let rows = |column: &BTreeMap<String, Vec<String>>| column.values().flatten().count();
        assert_eq!(rows(&new) < rows(&old), property == CURED, "{property}: a zero that is not kept is no row");
        assert!(property != CURED || new.values().flatten().all(|value| value != "0"));
    }
    assert!(!rig.sandbox.scale_column("dhis_unknown", 2, 1) && !rig.sandbox.scale_column(BEDS, 2, 0));
}

#[tokio::test]
async fn a_column_can_be_made_flat() {
    for version in [Version::V36, Version::V43] {
        let rig = Rig::with(&Options { facilities: 120, version, ..Options::new((2026, 2)) });
        let doubled = rig.planted(Oddity::TotalAndBreakdown).remove(0).property.unwrap();
        for (property, value) in [(BEDS, "12"), (&doubled, "2500")] {
            assert!(rig.sandbox.flatten_column(property, value));
            let column = column(&rig, property).await;
            assert_eq!(column.len(), 120, "{version}: every facility has it");
            assert!(column.values().all(|rows| *rows == [value]), "{version} {property}");
        }
        assert!(!rig.sandbox.flatten_column("dhis_unknown", "1"));
    }
}

/// dhis2.md section 2: a data set may split an element otherwise than the element's own combination does.
#[tokio::test]
async fn a_data_set_may_override_the_combination_of_an_element() {
    for version in Version::ALL {
        let rig = Rig::of(version);
        let fields =
            "id,categoryCombo[isDefault],dataSetElements[dataSet[id],categoryCombo[id,categoryOptionCombos[id]]]";
        let ask = format!("dataElements?fields={fields}&paging=false&filter=name:eq:HTS%20Clients%20Tested");
        let element = rig.dhis2(&ask).await.json()["dataElements"][0].clone();
        assert_eq!(element["categoryCombo"]["isDefault"], true, "{version}");
        let set = &element["dataSetElements"][0];
        let cocs = set["categoryCombo"]["categoryOptionCombos"].as_array().unwrap();
        let cocs: BTreeSet<&str> = cocs.iter().map(|coc| coc["id"].as_str().unwrap()).collect();
        assert_eq!(cocs.len(), 2);
        let set = set["dataSet"]["id"].as_str().unwrap();
        let rows =
            rig.dhis2(&format!("dataValueSets?dataSet={set}&period={QUARTER}&{}", rig.everywhere().await)).await.json();
        let rows = rows["dataValues"].as_array().unwrap().iter().filter(|row| row["dataElement"] == element["id"]);
        let used: BTreeSet<&str> = rows.map(|row| row["categoryOptionCombo"].as_str().unwrap()).collect();
        assert_eq!(used, cocs, "{version}");
        let plain = rig.dhis2(&format!("dataSets/{set}?fields=dataSetElements")).await.json();
        let members = plain["dataSetElements"].as_array().unwrap();
        let with = members.iter().filter(|it| it["categoryCombo"]["id"].is_string()).count();
        assert!(with == 1 && members.len() > 1, "{version}: left out where it is not set");
    }
}
