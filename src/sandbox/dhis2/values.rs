//! `dataValueSets` and `completeDataSetRegistrations`: reading the parameters, the rules and the answer's shape.

use std::collections::{BTreeMap, BTreeSet};

use axum::{body::Body, response::Response};
use http::StatusCode;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{periods::is_period, problem, rows::Rows};
use crate::sandbox::{
    Sandbox, answer,
    query::Query,
    world::{Country, model::Place},
};

/// What a request asks for, as far as the ids in it are known; unknown ones are dropped (dhis2.md section 1.3).
struct Selection {
    sets: BTreeSet<usize>,
    elements: BTreeSet<usize>,
    /// Period ids, each with its quarter where there is data.
    periods: BTreeMap<String, Option<usize>>,
    range: bool,
    backwards: bool,
    units: BTreeSet<usize>,
    children: bool,
    limit: Option<i64>,
}

impl Selection {
    fn new(country: &Country, query: &Query) -> Result<Self, Box<Response>> {
        let model = &country.model;
        let places = |name: &str| {
            let places: Vec<Place> = listed(query, name).iter().filter_map(|id| model.place(id)).collect();
            places
        };
        let sets: BTreeSet<usize> = places("dataSet")
            .into_iter()
            .filter_map(|place| if let Place::Set(set) = place { Some(set) } else { None })
            .collect();
        let alone = places("dataElement");
        let alone = alone.into_iter().filter_map(|place| if let Place::Element(it) = place { Some(it) } else { None });
        let elements = sets.iter().flat_map(|&set| model.sets[set].elements.iter().copied()).chain(alone).collect();
        let limit = query.one("limit").map(str::parse).transpose();
        let limit = limit.map_err(|_| problem(StatusCode::BAD_REQUEST, "Value of limit is not a number", None))?;
        let mut selection = Self {
            sets,
            elements,
            periods: BTreeMap::new(),
            range: false,
            backwards: false,
            units: listed(query, "orgUnit").iter().filter_map(|id| country.unit(id)).collect(),
            children: query.one("children") == Some("true"),
            limit,
        };
        selection.read_periods(country, query);
        Ok(selection)
    }

    /// Exact period ids; a range of dates only where there are none.
    fn read_periods(&mut self, country: &Country, query: &Query) {
        let quarter_of = |id: &str| country.quarters.iter().position(|quarter| quarter.iso() == id);
        for id in listed(query, "period").into_iter().filter(|id| is_period(id)) {
            let quarter = quarter_of(&id);
            self.periods.insert(id, quarter);
        }
        let date = |name| query.one(name).and_then(|text| text.parse::<Date>().ok());
        let (Some(start), Some(end)) = (date("startDate"), date("endDate")) else { return };
        if !self.periods.is_empty() {
            return;
        }
        self.range = true;
        self.backwards = start > end;
        let inside = country.quarters.iter().enumerate();
        let inside = inside.filter(|(_, quarter)| quarter.start() >= start && quarter.end() <= end);
        self.periods.extend(inside.map(|(index, quarter)| (quarter.iso(), Some(index))));
    }

    /// The broken rule that is reported: the last one (dhis2.md section 1.3).
    fn broken_rule(&self) -> Option<(&'static str, String)> {
        let text = str::to_owned;
        let rules = [
            (
                self.elements.is_empty() && self.sets.is_empty(),
                "E2001",
                text("At least one data element, data set or data element group must be specified"),
            ),
            (
                self.periods.is_empty() && !self.range,
                "E2002",
                text("At least one period, start/end dates, last updated or last updated duration must be specified"),
            ),
            (self.backwards, "E2004", text("Start date must be before end date")),
            (
                self.units.is_empty(),
                "E2006",
                text("At least one organisation unit or organisation unit group must be specified"),
            ),
            (
                self.children && self.units.is_empty(),
                "E2008",
                text("At least one organisation unit must be specified when children are included"),
            ),
            (
                self.limit.is_some_and(|limit| limit < 0),
                "E2009",
                format!("Limit cannot be less than zero: `{}`", self.limit.unwrap_or_default()),
            ),
        ];
        rules.into_iter().rev().find_map(|(broken, code, message)| broken.then_some((code, message)))
    }

    /// What the account may not read, if anything.
    fn forbidden(&self, country: &Country) -> Option<(&'static str, String)> {
        if let Some(set) = self.sets.iter().map(|&set| &country.model.sets[set]).find(|set| !set.readable) {
            return Some(("E2010", format!("User is not allowed to read data for data set: `{}`", set.uid)));
        }
        let unit = self.units.iter().find(|&&unit| !country.readable(unit))?;
        Some(("E2012", format!("User is not allowed to view org unit: `{}`", country.units[*unit].uid)))
    }

    /// The facilities asked for, in no order a client could rely on.
    fn facilities(&self, country: &Country) -> Vec<usize> {
        let of_unit = |unit: usize| -> Vec<usize> {
            let above = &country.units[unit];
            if !self.children {
                return above.facility.into_iter().collect();
            }
            let below = format!("{}/", above.path);
            let inside = country.units.iter().filter(|it| it.uid == above.uid || it.path.starts_with(&below));
            inside.filter_map(|it| it.facility).collect()
        };
        let found: BTreeSet<usize> = self.units.iter().flat_map(|&unit| of_unit(unit)).collect();
        let mut found: Vec<usize> = found.into_iter().collect();
        found.sort_by_key(|&facility| crate::sandbox::world::draw::mix(country.seed, [facility, 0, 1]));
        found
    }

    /// The members before the rows when one set, period and unit were named (dhis2.md section 1.5).
    fn head(&self, country: &Country) -> String {
        let single = (self.sets.len(), self.periods.len(), self.units.len()) == (1, 1, 1) && !self.range;
        let named = (self.sets.first(), self.periods.first_key_value(), self.units.first());
        let (true, (Some(&set), Some((period, quarter)), Some(&unit))) = (single, named) else {
            return String::new();
        };
        let unit = &country.units[unit];
        let done = unit.facility.zip(*quarter).and_then(|(facility, quarter)| {
            let day = country.completed(facility, set, quarter)?;
            Some(country.quarters[quarter].ended(day, 0).strftime("\"%Y-%m-%dT%H:%M:%S.000+0000\"").to_string())
        });
        format!(
            "\"dataSet\":\"{}\",\"completeDate\":{},\"period\":\"{period}\",\"orgUnit\":\"{}\",",
            country.model.sets[set].uid,
            done.as_deref().unwrap_or("null"),
            unit.uid
        )
    }
}

/// The values of a parameter, which may be given again and again; a single one is split at its commas.
fn listed(query: &Query, name: &str) -> Vec<String> {
    let values: Vec<&str> = query.all(name).collect();
    match values[..] {
        [single] => single.split(',').map(str::to_owned).collect(),
        _ => values.into_iter().map(str::to_owned).collect(),
    }
}

fn conflict((code, message): (&'static str, String)) -> Response {
    problem(StatusCode::CONFLICT, &message, Some(code))
}

/// `GET dataValueSets`.
pub(crate) fn data_value_sets(sandbox: &Sandbox, query: &Query) -> Response {
    let country = sandbox.country();
    let selection = match Selection::new(country, query) {
        Ok(selection) => selection,
        Err(refused) => return *refused,
    };
    if let Some(refused) = selection.broken_rule().or_else(|| selection.forbidden(country)) {
        return conflict(refused);
    }
    let rows = Rows {
        country: country.clone(),
        edits: sandbox.edits(),
        facilities: selection.facilities(country),
        columns: selection.elements.iter().flat_map(|&it| country.model.elements[it].columns.clone()).collect(),
        head: selection.head(country),
        left: selection.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX),
        periods: selection.periods.into_iter().collect(),
    };
    let pieces = futures_util::stream::iter(rows.pieces().map(Ok::<_, std::convert::Infallible>));
    no_store(answer::body(StatusCode::OK, "application/json;charset=UTF-8", Body::from_stream(pieces)))
}

/// `GET completeDataSetRegistrations`; the empty answer has no list (dhis2.md section 3.3).
pub(crate) fn registrations(sandbox: &Sandbox, query: &Query) -> Response {
    let country = sandbox.country();
    let selection = match Selection::new(country, query) {
        Ok(selection) => selection,
        Err(refused) => return *refused,
    };
    if selection.sets.is_empty() {
        return conflict(("E2013", "At least one data set must be specified".to_owned()));
    }
    if let Some(refused) = selection.broken_rule().or_else(|| selection.forbidden(country)) {
        return conflict(refused);
    }
    let mut list = Vec::new();
    for facility in selection.facilities(country) {
        for (period, quarter) in selection.periods.iter().filter_map(|(id, quarter)| Some((id, (*quarter)?))) {
            for &set in &selection.sets {
                let Some(day) = country.completed(facility, set, quarter) else { continue };
                list.push(json!({
                    "period": period,
                    "dataSet": country.model.sets[set].uid,
                    "organisationUnit": country.facility_uid(facility),
                    "attributeOptionCombo": country.model.cocs[0].uid,
                    "date": country.quarters[quarter].ended(day, 0).strftime("%Y-%m-%d").to_string(),
                    "storedBy": super::rows::clerk(country, facility),
                    "completed": true,
                }));
            }
        }
    }
    let body = if list.is_empty() { json!({}) } else { json!({ "completeDataSetRegistrations": Value::from(list) }) };
    no_store(answer::json(StatusCode::OK, &body))
}

fn no_store(response: Response) -> Response {
    answer::with(response, "cache-control", "no-cache, no-store, max-age=0, must-revalidate")
}
