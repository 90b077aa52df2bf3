//! What DHIS2 holds, asked for plainly and without a line between, and a plan held to it (P5).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use onse::{
    domain::plan::{Plan, State},
    sandbox::{DHIS2_PASSWORD, DHIS2_USER},
};
use serde_json::Value;

use super::{
    books::number,
    checks::{Rule, Wrong},
    world::{ORIGIN, World},
};

/// The quarter of every run.
const QUARTER: &str = "2026Q2";

/// Of organisation unit and data element in a data set: the texts of its rows.
type Key = (String, String, String);

#[derive(Debug, Default)]
pub(crate) struct Truth {
    rows: BTreeMap<Key, Vec<String>>,
    complete: BTreeSet<(String, String)>,
    /// Category option combos of data elements, as far as rows name them.
    pub(crate) combos: BTreeMap<String, Vec<String>>,
}

/// The truth as it is now; asked for once until DHIS2 changes.
pub(crate) async fn truth(world: &World) -> Arc<Truth> {
    let known = world.books().truth.clone();
    if let Some(known) = known {
        return known;
    }
    let sets: BTreeSet<&String> = world.mapping.usable().map(|row| &row.data_set).collect();
    let units: BTreeSet<String> = world.books().units.values().cloned().collect();
    let mut truth = Truth::default();
    for set in sets {
        let both: Vec<String> = units.iter().map(|unit| format!("&orgUnit={unit}")).collect();
        // One unit nobody may see refuses all of them.
        if !truth.take(world, set, &both.concat()).await {
            for unit in &units {
                truth.take(world, set, &format!("&orgUnit={unit}")).await;
            }
        }
    }
    let truth = Arc::new(truth);
    let mut books = world.books();
    books.truth = Some(Arc::clone(&truth));
    books.combos.extend(truth.combos.clone());
    drop(books);
    truth
}

impl Truth {
    /// Whether DHIS2 would not give this value for this cell any more.
    pub(crate) fn moved(&self, unit: &str, element: &str, set: &str, value: &str) -> bool {
        let key = (unit.to_owned(), element.to_owned(), set.to_owned());
        let sum: Option<i128> = self.rows.get(&key).and_then(|rows| rows.iter().map(|text| number(text)).sum());
        // Nothing stands for a 0 that was not stored.
        sum.unwrap_or(0) != number(value).unwrap_or(i128::MIN)
    }

    async fn take(&mut self, world: &World, set: &str, units: &str) -> bool {
        let (status, body) = ask(world, &format!("dataValueSets?dataSet={set}&period={QUARTER}{units}")).await;
        if status != 200 {
            return false;
        }
        let of = |row: &Value, name: &str| row.get(name).unwrap_or(&body[name]).as_str().unwrap_or_default().to_owned();
        for row in body["dataValues"].as_array().into_iter().flatten() {
            let (unit, element, combo) = (of(row, "orgUnit"), of(row, "dataElement"), of(row, "categoryOptionCombo"));
            let combos = self.combos.entry(element.clone()).or_default();
            if !combos.contains(&combo) {
                combos.push(combo);
            }
            let value = of(row, "value");
            if row["deleted"] != true && !value.is_empty() {
                self.rows.entry((unit, element, set.to_owned())).or_default().push(value);
            }
        }
        let ask_for = format!("completeDataSetRegistrations?dataSet={set}&period={QUARTER}{units}");
        let (_, body) = ask(world, &ask_for).await;
        for row in body["completeDataSetRegistrations"].as_array().into_iter().flatten() {
            if row["completed"] != false {
                self.complete.insert((row["organisationUnit"].as_str().unwrap_or_default().to_owned(), set.to_owned()));
            }
        }
        true
    }
}

async fn ask(world: &World, rest: &str) -> (u16, Value) {
    let sign_in = STANDARD.encode(format!("{DHIS2_USER}:{DHIS2_PASSWORD}"));
    let request = http::Request::get(format!("{ORIGIN}/dhis2/api/{rest}"));
    let request = request.header("authorization", format!("Basic {sign_in}")).body(Bytes::new()).unwrap();
    let (head, mut body) = world.inner.send(request).await.unwrap().into_parts();
    let mut bytes = Vec::new();
    while let Some(piece) = body.chunk().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    (head.status.as_u16(), serde_json::from_slice(&bytes).unwrap_or_default())
}

/// Whether every number a new plan proposes is the one DHIS2 holds, and every 0 it may not have kept stands in a report that came.
pub(crate) fn hold(plan: &Plan, truth: &Truth) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for cell in plan.cells() {
        let (facility, property) = (plan.facility(cell.facility), plan.property(cell.property));
        let (unit, set) = (facility.external_id.clone(), property.data_set.clone());
        let rows = truth.rows.get(&(unit.clone(), property.data_element.clone(), set.clone()));
        let sum: Option<i128> = rows.and_then(|rows| rows.iter().map(|text| number(text)).sum());
        let bad = match plan.state(cell) {
            State::ZeroNotStored => {
                (rows.is_some() || !truth.complete.contains(&(unit, set))).then(|| "offers 0".to_owned())
            }
            state if state.proposes() => {
                let held = plan.held(cell).unwrap_or_default();
                (sum.is_none() || number(held) != sum).then(|| format!("proposes {held}"))
            }
            _ => plan.new_value(cell).map(|new| format!("proposes {new}")),
        };
        if let Some(what) = bad {
            let spot = (facility.case_id.clone(), property.name.clone());
            wrong.push(Wrong::new(Rule::Invented, &facility.name, &spot, format!("{what}, but DHIS2 holds {rows:?}")));
        }
    }
    wrong
}
