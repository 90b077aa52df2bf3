//! The cases as CommCare holds them before the review: mostly what the quarter before gave.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{
    Country, NEWEST,
    draw::{Draw, Stream},
    hundredths,
    names::{self, DISTRICTS},
    oddities::Roles,
};
use crate::sandbox::{CASE_TYPE, CaseState, Oddity, Parent, Planted};

/// Case type of the districts, which are the parents of the facilities.
pub(crate) const DISTRICT_TYPE: &str = "district";

/// Makes the cases of `country` and puts them into the order of the search index.
pub(crate) fn make(country: &mut Country, roles: &Roles) {
    let mut draw = Draw::new(country.seed, Stream::Case(country.facilities.len()));
    let keys: Vec<Option<Arc<str>>> =
        country.model.elements.iter().map(|element| element.property.as_deref().map(Arc::from)).collect();
    let mut cases: Vec<CaseState> = (0..DISTRICTS.len()).map(|index| district(country, &mut draw, index)).collect();
    let mut planted = Vec::new();
    for facility in 0..country.facilities.len() {
        if roles.without_case.contains(&facility) {
            continue;
        }
        let mut case = of_facility(country, facility, &keys, &cases[country.facilities[facility].district]);
        if roles.closed.contains(&facility) {
            case.closed = true;
            case.date_closed = Some(case.last_modified);
        }
        if roles.shared.contains(&facility) {
            let twin = twin(&mut draw, &case);
            planted.push(told(&twin, Oddity::SharedExternalId));
            cases.push(twin);
        }
        cases.push(case);
    }
    for number in 0..roles.anonymous {
        let anonymous = anonymous(country, &mut draw, number, &cases[number % DISTRICTS.len()]);
        planted.push(told(&anonymous, Oddity::NoExternalId));
        cases.push(anonymous);
    }
    draw.shuffle(&mut cases);
    index(country, &mut cases);
    country.cases = cases;
    country.planted.extend(planted);
}

fn told(case: &CaseState, what: Oddity) -> Planted {
    Planted { external_id: case.external_id.clone(), case_id: Some(case.case_id.to_string()), property: None, what }
}

/// Gives every case its place in the index. Three share an instant, so that paging must break ties by id.
fn index(country: &Country, cases: &mut [CaseState]) {
    let start = country.quarters[NEWEST].ended(1, 0);
    for (position, case) in (0_i64..).zip(cases) {
        case.indexed_on = later(start, position / 3);
    }
}

fn later(start: Timestamp, seconds: i64) -> Timestamp {
    start.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(start)
}

fn district(country: &Country, draw: &mut Draw, index: usize) -> CaseState {
    let opened = country.quarters[0].ended(-400, 8 * 3600);
    CaseState {
        case_id: Arc::from(draw.case_id(false)),
        case_type: DISTRICT_TYPE.to_owned(),
        name: Some(DISTRICTS[index].to_owned()),
        external_id: None,
        owner_id: draw.case_id(false),
        closed: false,
        date_opened: opened,
        date_closed: None,
        last_modified: opened,
        server_last_modified: later(opened, 2),
        indexed_on: opened,
        modified_by: String::new(),
        parent: None,
        properties: BTreeMap::new(),
    }
}

fn of_facility(country: &Country, facility: usize, keys: &[Option<Arc<str>>], district: &CaseState) -> CaseState {
    let mut draw = Draw::new(country.seed, Stream::Case(facility));
    let place = &country.facilities[facility];
    let unit = &country.units[place.unit];
    let modified = country.quarters[NEWEST - 1].ended(4, 22 * 3600 + 30 * 60);
    let mut properties = BTreeMap::new();
    for (element, key) in keys.iter().enumerate() {
        if let (Some(key), Some(old)) = (key, old_value(country, &mut draw, facility, element)) {
            properties.insert(Arc::clone(key), old);
        }
    }
    let stamp = modified.strftime("%Y-%m-%d").to_string();
    for (name, value) in [
        ("dhis2_last_imported", stamp.as_str()),
        ("district", DISTRICTS[place.district]),
        ("facility_type", place.rank.suffix()),
        ("supervisor_remarks", ""),
    ] {
        properties.insert(Arc::from(name), value.to_owned());
    }
    CaseState {
        case_id: Arc::clone(&place.case_id),
        case_type: CASE_TYPE.to_owned(),
        name: Some(unit.name.clone()),
        external_id: Some(unit.uid.clone()),
        owner_id: district.owner_id.clone(),
        closed: false,
        date_opened: later(country.quarters[0].ended(-380, 0), draw.between(0, 20_000_000)),
        date_closed: None,
        last_modified: modified,
        server_last_modified: later(modified, 4),
        indexed_on: modified,
        modified_by: "system".to_owned(),
        parent: Some(Parent { case_id: Arc::clone(&district.case_id), case_type: DISTRICT_TYPE.to_owned() }),
        properties,
    }
}

/// What an earlier import left: mostly the total of the quarter before; where DHIS2 had no rows it wrote 0.
fn old_value(country: &Country, draw: &mut Draw, facility: usize, element: usize) -> Option<String> {
    let money = country.model.elements[element].profile.is_money();
    let written = |quarter| match country.total(facility, element, quarter) {
        Some(total) if money => hundredths(total),
        total => total.unwrap_or(0).to_string(),
    };
    match draw.unit() {
        luck if luck < 0.90 => Some(written(NEWEST - 1)),
        luck if luck < 0.93 => Some(String::new()),
        luck if luck < 0.96 => None,
        luck if luck < 0.975 => Some(written(NEWEST - 2)),
        _ => {
            let text = written(NEWEST - 1);
            Some(if text.contains('.') { format!("{text}0") } else { format!("{text}.0") })
        }
    }
}

/// A second open case with the same external id.
fn twin(draw: &mut Draw, case: &CaseState) -> CaseState {
    let mut twin = case.clone();
    twin.case_id = Arc::from(draw.case_id(false));
    twin.name = case.name.as_ref().map(|name| format!("{name} (new)"));
    twin.date_opened = later(case.date_opened, 90 * 86_400);
    twin
}

/// A case without an external id: one with none, the next with an empty one.
fn anonymous(country: &Country, draw: &mut Draw, number: usize, district: &CaseState) -> CaseState {
    let mut case = district.clone();
    let mut taken = std::collections::BTreeSet::new();
    case.case_id = Arc::from(draw.case_id(true));
    CASE_TYPE.clone_into(&mut case.case_type);
    case.name = Some(format!("{} Outreach Post", names::place(draw, &mut taken)));
    case.external_id = (number % 2 == 1).then(String::new);
    case.parent = Some(Parent { case_id: Arc::clone(&district.case_id), case_type: DISTRICT_TYPE.to_owned() });
    case.last_modified = country.quarters[NEWEST - 1].ended(4, 0);
    case.properties = BTreeMap::from([(Arc::from("facility_type"), "Outreach".to_owned())]);
    case
}
