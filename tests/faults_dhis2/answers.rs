//! Answers of other shapes: empty, reordered, foreign, twice, from another server.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use onse::{
    domain::{
        flags::Severity,
        plan::{Cell, Plan, State},
    },
    sandbox::Version,
};
use serde_json::{Value, json};

use crate::{
    naive::Cells,
    rig::{Act, Rig},
    support::ask,
};

fn values(path: &str) -> bool {
    path.contains("/dataValueSets?")
}

fn rows(answer: &mut Value) -> &mut Vec<Value> {
    answer["dataValues"].as_array_mut().unwrap()
}

/// What is left of the truth where no row came: complete reports are blank or `(0?)`, the others not reported.
async fn without_rows(rig: &Rig) -> Cells {
    let mapping = ask(&[]).mapping;
    let mut cells = rig.truth().await;
    let mut done = BTreeMap::new();
    for ((case, property), cell) in &mut cells {
        let row = mapping.usable().find(|row| row.property == *property).unwrap();
        let unit = rig.sandbox.case(case).unwrap().external_id.unwrap();
        let form = (unit, row.data_set.clone());
        if !done.contains_key(&form) {
            let complete = rig.complete(&form.0, &form.1).await;
            done.insert(form.clone(), complete);
        }
        let (drops_zero, assigned) = rig.facts(&row.data_element, &row.data_set, &form.0).await;
        let state = match (assigned, done[&form]) {
            (false, _) => State::NotAssigned,
            (true, true) if drops_zero => State::ZeroNotStored,
            (true, true) => State::BlankInReport,
            (true, false) => State::NotReported,
        };
        *cell = (state, None, None);
    }
    cells
}

#[tokio::test]
async fn d12_no_values_in_any_spelling_are_absences_and_never_0() {
    let spellings: [fn(&mut Value); 5] = [
        |answer| *answer = json!({}),
        |answer| *answer = json!({"dataValues": []}),
        |answer| *answer = json!({"dataValues": null}),
        |answer| *answer = json!({"period": "2026Q2"}),
        |answer| *answer = json!({"dataSet": "q1Es3k3sZem", "completeDate": null, "period": "2026Q2", "orgUnit": "x", "dataValues": []}),
    ];
    let rig = Rig::new(40);
    let wanted = without_rows(&rig).await;
    let states: BTreeSet<State> = wanted.values().map(|cell| cell.0).collect();
    assert!(states.is_superset(&[State::ZeroNotStored, State::BlankInReport, State::NotReported].into()), "{states:?}");
    for spelling in spellings {
        let got = rig.bent(move |path| if values(path) { Act::bend(spelling) } else { Act::Pass }).await;
        got.says(&wanted);
        assert!(got.cells().values().all(|cell| cell.1.is_none()), "no number out of nothing");
        assert!(!got.plan().incomplete());
    }
}

#[tokio::test]
async fn d12_an_error_in_place_of_values_is_not_taken_for_nothing_stored() {
    for said in [json!({"status": "ERROR", "message": "Out of memory"}), json!({"error": "no upstream"})] {
        let rig = Rig::new(40);
        let text = said.to_string();
        let got = rig.bent(
            move |path| {
                if values(path) { Act::Say(200, "application/json", text.clone()) } else { Act::Pass }
            },
        );
        assert!(got.await.failure().contains("no data values but says"));
    }
}

#[tokio::test]
async fn d13_null_unknown_and_reordered_members_change_nothing() {
    let rig = Rig::new(40);
    let truth = rig.truth().await;
    let bends: [fn(&mut Value); 3] = [
        |answer| {
            for row in rows(answer) {
                row["comment"] = Value::Null;
                row["ofAnotherVersion"] = json!({"deep": [1, {"dataValues": []}], "value": "99999"});
                row["followup"] = json!("false");
            }
            answer["ofAnotherVersion"] = json!([{"value": "99999"}]);
            answer["completeDate"] = Value::Null;
        },
        // Members are written in the order of their names here, so the rows come in another order than DHIS2 writes them.
        |answer| rows(answer).reverse(),
        |answer| rows(answer).iter_mut().for_each(|row| row["storedBy"] = Value::Null),
    ];
    for bend in bends {
        rig.bent(move |path| if values(path) { Act::bend(bend) } else { Act::Pass }).await.says(&truth);
    }
}

#[tokio::test]
async fn d14_what_stands_above_the_rows_holds_for_each_of_them_row_first() {
    for version in Version::ALL {
        let rig = Rig::of(version, 40);
        let (case, unit) = rig.open()[4].clone();
        let mut wanted = rig.truth().await;
        wanted.retain(|(id, _), _| *id == case);
        let got = rig.read(&ask(&[&case])).await;
        got.says(&wanted);
        // One unit, one period and each on the envelope; a row that says otherwise is another's.
        let other = rig.unit(9);
        let hoisted = move |answer: &mut Value| {
            for row in rows(answer) {
                let row = row.as_object_mut().unwrap();
                row.remove("period");
                row.remove("orgUnit");
                row.remove("attributeOptionCombo");
            }
            let mut foreign = rows(answer)[0].clone();
            (foreign["orgUnit"], foreign["value"]) = (other.as_str().into(), "77777".into());
            rows(answer).push(foreign);
            answer["period"] = "2026Q2".into();
            answer["orgUnit"] = unit.as_str().into();
            answer["attributeOptionCombo"] = "HllvX50cXC0".into();
        };
        let judge = move |path: &str| if values(path) { Act::bend(hoisted.clone()) } else { Act::Pass };
        let got = rig.through(Vec::new(), judge, &ask(&[&case])).await;
        got.says(&wanted);
        assert!(got.note("not asked for").starts_with("1 row"), "{version}");
    }
}

#[tokio::test]
async fn d14_a_row_of_nothing_and_nobody_fails_the_answer_and_says_so() {
    for member in ["period", "orgUnit", "attributeOptionCombo", "dataElement", "categoryOptionCombo"] {
        let rig = Rig::new(40);
        let bend = move |answer: &mut Value| {
            rows(answer)[7].as_object_mut().unwrap().remove(member);
        };
        let got = rig.bent(move |path| if values(path) { Act::bend(bend) } else { Act::Pass }).await;
        let told = got.failure();
        assert!(told.contains(&format!("has no {member}")) && told.contains("version"), "{told}");
    }
}

#[tokio::test]
async fn d16_a_row_that_comes_twice_is_a_stop_and_not_added_up_in_silence() {
    let rig = Rig::new(40);
    let truth = rig.truth().await;
    let whole = rig.read(&ask(&[])).await;
    let change = |cell: &Cell| {
        let plan = whole.plan();
        plan.state(*cell) == State::Reported
            && plan.severity(*cell).is_none()
            && plan.kind(*cell) == onse::domain::plan::Kind::Change
    };
    let cell = whole.plan().cells().find(change).unwrap();
    let unit = whole.plan().facility(cell.facility).external_id.clone();
    let element = whole.plan().property(cell.property).data_element.clone();
    let twice = move |answer: &mut Value| {
        let again = rows(answer).iter().find(|row| row["orgUnit"] == *unit && row["dataElement"] == *element);
        let again = again.unwrap().clone();
        rows(answer).push(again);
    };
    let got = rig.bent(move |path| if values(path) { Act::bend(twice.clone()) } else { Act::Pass }).await;
    let plan = got.plan();
    let stop = plan.flags(cell).iter().find(|flag| flag.id == "S08").unwrap();
    assert_eq!(stop.severity, Severity::Stop);
    assert!(!got.read.as_ref().unwrap().ledger.undecided(plan, plan.cells()).plain.contains(&cell));
    let (mut found, mut wanted) = (got.cells(), truth);
    let key = (plan.facility(cell.facility).case_id.clone(), plan.property(cell.property).name.clone());
    assert_ne!(found.remove(&key), wanted.remove(&key), "what it adds up to is shown, with the STOP");
    assert!(found == wanted);
}

#[tokio::test]
async fn d17_rows_that_were_not_asked_for_are_left_out_and_counted() {
    for version in [Version::V30, Version::V42, Version::V43] {
        let rig = Rig::of(version, 40);
        let (first, second) = (rig.unit(0), rig.sandbox.unreadable_org_unit().unwrap().to_owned());
        let foreign = move |answer: &mut Value| {
            let row = json!({"dataElement": "asCqjKclllu", "period": "2026Q2", "orgUnit": first, "value": "55555",
                "categoryOptionCombo": "HllvX50cXC0", "attributeOptionCombo": "HllvX50cXC0"});
            for (member, id) in
                [("period", "2025Q2"), ("period", "202604"), ("period", "2026"), ("orgUnit", second.as_str())]
            {
                let mut other = row.clone();
                other[member] = id.into();
                rows(answer).push(other);
            }
        };
        let got = rig.bent(move |path| if values(path) { Act::bend(foreign.clone()) } else { Act::Pass }).await;
        got.says(&rig.truth().await);
        assert!(got.note("not asked for").starts_with("4 rows"), "{:?}", got.plan().head.notes);
    }
}

/// The sum of each cell is of one server or of the other, facility by facility.
#[tokio::test]
async fn d27_of_two_servers_that_disagree_each_facility_is_read_from_one() {
    let mut rig = Rig::new(60);
    rig.in_batches_of(7, &ask(&[])).await;
    let truth = rig.truth().await;
    let turn = Arc::new(AtomicUsize::new(0));
    let more = |answer: &mut Value| {
        for row in rows(answer) {
            let text = format!("9{}", row["value"].as_str().unwrap_or_default());
            row["value"] = text.into();
        }
    };
    let judge = move |path: &str| {
        let second = values(path) && turn.fetch_add(1, Ordering::SeqCst) % 2 == 1;
        if second { Act::bend(more) } else { Act::Pass }
    };
    // Some answers break off on the way and come from the other server the next time.
    let cut = crate::faults::Rule::new(crate::faults::Fault::ResetAfter(|length| length - 9));
    let got = rig.through(vec![cut.on("/dataValueSets?").times(2..5)], judge, &ask(&[])).await;
    let (plan, mut servers) = (got.plan(), [0, 0]);
    for facility in 0..plan.height() {
        let of: BTreeSet<bool> = plan.row(facility).filter_map(|cell| from_the_first(plan, cell, &truth)).collect();
        assert!(of.len() <= 1, "{} is of both", plan.facility(facility).name);
        servers[usize::from(of.contains(&true))] += 1;
    }
    assert!(servers.iter().all(|count| *count > 10), "{servers:?}");
}

/// Whether the number of a cell is the true one; `None` where that cannot be told.
fn from_the_first(plan: &Plan, cell: Cell, truth: &Cells) -> Option<bool> {
    let key = (plan.facility(cell.facility).case_id.clone(), plan.property(cell.property).name.clone());
    let held = plan.held(cell).filter(|_| plan.state(cell) == State::Reported)?;
    Some(truth[&key].1.as_deref() == Some(held))
}

impl Rig {
    async fn json(&self, rest: &str) -> Value {
        crate::naive::Naive::new(&self.sandbox, self.user).ask(rest).await.1
    }

    async fn complete(&self, unit: &str, set: &str) -> bool {
        let ask = format!("completeDataSetRegistrations?dataSet={set}&period=2026Q2&orgUnit={unit}");
        let body = self.json(&ask).await;
        let forms = body["completeDataSetRegistrations"].as_array().cloned().unwrap_or_default();
        forms.iter().any(|form| form["completed"] == true)
    }

    /// Whether DHIS2 drops zeros of a data element, and whether the data set is assigned to the unit.
    async fn facts(&self, element: &str, set: &str, unit: &str) -> (bool, bool) {
        let element = self.json(&format!("dataElements/{element}?fields=zeroIsSignificant,aggregationType")).await;
        let set = self.json(&format!("dataSets/{set}?fields=organisationUnits[id]")).await;
        let average = element["aggregationType"].as_str().unwrap().starts_with("AVERAGE");
        let assigned = set["organisationUnits"].as_array().unwrap().iter().any(|it| it["id"] == unit);
        (element["zeroIsSignificant"] == false && !average, assigned)
    }
}
