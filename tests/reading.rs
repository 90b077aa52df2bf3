//! Reading both sides against the sandbox in process, and what it makes of a side that answers badly.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::Engine as _;
use bytes::Bytes;
use onse::{
    domain::{
        flags::Severity,
        mapping::Mapping,
        plan::{Cell, Kind, State},
    },
    io::transport::{Answer, Body, Broken, Later, SharedTransport, Transport, Whole},
    job::fetch::NotFound,
    sandbox::{self, Oddity, Options, Sandbox},
};
use serde_json::{Value, json};
use support::{ORIGIN, ask, connect, read, sandbox, session};

/// What befalls one request.
enum Fault {
    /// Nothing.
    Pass,
    /// The answer is changed on its way.
    Bend(fn(&mut Value)),
}

/// The sandbox behind a bad line: what befalls a request is decided by its path and query.
struct Faulty<F> {
    inner: SharedTransport,
    fault: F,
}

fn faulty(sandbox: &Sandbox, fault: impl Fn(&str) -> Fault + Send + Sync + 'static) -> SharedTransport {
    Arc::new(Faulty { inner: sandbox.transport(ORIGIN), fault })
}

fn answer(status: u16, kind: &str, text: String) -> Answer {
    let body: Box<dyn Body> = Box::new(Whole::new(text));
    http::Response::builder().status(status).header("content-type", kind).body(body).unwrap()
}

async fn json_of(answer: Answer) -> Value {
    let (mut body, mut bytes) = (answer.into_body(), Vec::new());
    while let Some(chunk) = body.chunk().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).unwrap()
}

impl<F: Fn(&str) -> Fault + Send + Sync> Transport for Faulty<F> {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        Box::pin(async move {
            match (self.fault)(request.uri().path_and_query().unwrap().as_str()) {
                Fault::Pass => self.inner.send(request).await,
                Fault::Bend(bend) => {
                    let mut value = json_of(self.inner.send(request).await?).await;
                    bend(&mut value);
                    Ok(answer(200, "application/json", value.to_string()))
                }
            }
        })
    }
}

fn asked(sandbox: &Sandbox, path: &str) -> usize {
    sandbox.requests().iter().filter(|request| request.path.contains(path)).count()
}

#[tokio::test]
async fn the_whole_country_is_read_in_a_handful_of_requests() {
    let sandbox = sandbox(1_106);
    let folder = tempfile::tempdir().unwrap();
    let opened = read(&session(folder.path(), connect(sandbox.transport(ORIGIN))), &ask(&[])).await.unwrap();
    let plan = &opened.plan;
    assert!(plan.facilities().len() > 1_000 && plan.properties().len() == 21, "{}", plan.facilities().len());
    assert!(asked(&sandbox, "dataValueSets") <= 5, "{}", asked(&sandbox, "dataValueSets"));
    assert!(sandbox.requests().len() <= 20, "{}", sandbox.requests().len());
    assert!(!plan.incomplete());
    let count = |kind| plan.cells().filter(|cell| plan.kind(*cell) == kind).count();
    let cells = plan.facilities().len() * 21;
    assert!(count(Kind::Change) > cells / 10 && count(Kind::Same) > cells / 10, "{} of {cells}", count(Kind::Change));
    let skipped = sandbox.planted().iter().filter(|planted| planted.what == Oddity::NoExternalId).count();
    assert_eq!(plan.skipped().len(), skipped);
}

/// What DHIS2 holds for one facility, asked for in the plainest way: one request for each data set, every row of the data
/// element and quarter added by hand, in thousandths. `None` where a row is no number; empty where there is no row.
struct ByHand {
    transport: SharedTransport,
    mapping: Mapping,
}

impl ByHand {
    async fn rows(&self, unit: &str, data_set: &str) -> Vec<Value> {
        let address = format!("{ORIGIN}/dhis2/api/dataValueSets?dataSet={data_set}&period=2026Q2&orgUnit={unit}");
        let sign_in = format!("{}:{}", sandbox::DHIS2_USER, sandbox::DHIS2_PASSWORD);
        let sign_in = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(sign_in));
        let request = http::Request::get(address).header("authorization", sign_in).body(Bytes::new()).unwrap();
        let answer = json_of(self.transport.send(request).await.unwrap()).await;
        let rows = answer["dataValues"].as_array().cloned().unwrap_or_default();
        let of = |row: &Value, field: &str| row.get(field).unwrap_or(&answer[field]).clone();
        rows.into_iter().filter(|row| of(row, "period") == "2026Q2" && of(row, "orgUnit") == unit).collect()
    }

    /// Sum, or no number, of each property that has a row.
    async fn sums(&self, unit: &str) -> BTreeMap<String, Option<i64>> {
        let mut rows: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        let mut sums = BTreeMap::new();
        for wanted in self.mapping.usable() {
            if !rows.contains_key(wanted.data_set.as_str()) {
                rows.insert(&wanted.data_set, self.rows(unit, &wanted.data_set).await);
            }
            let found = rows[wanted.data_set.as_str()].iter().filter(|row| row["dataElement"] == wanted.data_element);
            let values: Vec<Option<i64>> = found.map(|row| thousandths(row["value"].as_str().unwrap())).collect();
            if !values.is_empty() {
                sums.insert(wanted.property.clone(), values.into_iter().sum());
            }
        }
        sums
    }
}

fn thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction:0<3}");
    if fraction.len() > 3 { None } else { digits.parse().ok() }
}

#[tokio::test]
async fn every_total_is_the_sum_of_what_dhis2_holds_for_that_facility_element_and_quarter() {
    for seed in [3, 17, 2_026] {
        let options = Options { facilities: 60, seed, ..Options::new((2026, 2)) };
        let sandbox = Sandbox::new(&options, Arc::new(support::clock));
        let folder = tempfile::tempdir().unwrap();
        let plan = read(&session(folder.path(), connect(sandbox.transport(ORIGIN))), &ask(&[])).await.unwrap().plan;
        let by_hand = ByHand { transport: sandbox.transport(ORIGIN), mapping: Mapping::built_in() };
        let (mut sums, mut others) = (0, 0);
        for facility in 0..plan.height().min(40) {
            let unit = sandbox.case(&plan.facility(facility).case_id).unwrap().external_id.unwrap();
            let expected = by_hand.sums(&unit).await;
            for cell in plan.row(facility) {
                let found = plan.new_value(cell).map(|text| thousandths(text).unwrap());
                let wanted = expected.get(&plan.property(cell.property).name);
                assert_eq!(found, wanted.copied().flatten(), "seed {seed}, unit {unit}, {cell:?}");
                assert_eq!(plan.state(cell) == State::NonNumeric, wanted == Some(&None), "seed {seed}, {cell:?}");
                if found.is_some() { sums += 1 } else { others += 1 }
            }
        }
        assert!(sums > 300 && others > 0, "seed {seed}: {sums} and {others}");
    }
}

#[tokio::test]
async fn what_reviewers_meet_is_seen() {
    let sandbox = sandbox(1_106);
    let folder = tempfile::tempdir().unwrap();
    let opened = read(&session(folder.path(), connect(sandbox.transport(ORIGIN))), &ask(&[])).await.unwrap();
    let plan = &opened.plan;
    let mut met = BTreeSet::new();
    for planted in sandbox.planted() {
        let Some(case_id) = &planted.case_id else { continue };
        let Some(at) = plan.facilities().iter().position(|f| f.case_id == *case_id) else { continue };
        let facility = u32::try_from(at).unwrap();
        let cell =
            planted.property.as_deref().map(|name| Cell { facility, property: plan.find_property(name).unwrap() });
        let flagged = |id: &str| plan.row(facility).any(|cell| plan.flags(cell).iter().any(|flag| flag.id == id));
        let seen = match planted.what {
            Oddity::TextInNumber => {
                plan.state(cell.unwrap()) == State::NonNumeric && plan.held(cell.unwrap()).is_some()
            }
            Oddity::Negative => flagged("S09"),
            Oddity::Fraction => flagged("S10"),
            Oddity::FollowUp => flagged("S11") || plan.kind(cell.unwrap()) != Kind::Change,
            Oddity::SharedExternalId => flagged("S33") || plan.facility(facility).closed,
            Oddity::Closed => flagged("S34") || plan.row(facility).all(|cell| plan.kind(cell) != Kind::Change),
            _ => continue,
        };
        assert!(seen, "{planted:?}");
        met.insert(format!("{:?}", planted.what));
    }
    assert_eq!(met.len(), 6, "{met:?}");
}

#[tokio::test]
async fn one_facility_asks_for_one_facility() {
    let sandbox = sandbox(200);
    let folder = tempfile::tempdir().unwrap();
    let name = {
        let all = tempfile::tempdir().unwrap();
        let opened = read(&session(all.path(), connect(sandbox.transport(ORIGIN))), &ask(&[])).await.unwrap();
        opened.plan.facility(7).name.clone()
    };
    let before = sandbox.requests().len();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let opened = read(&session, &ask(&[&name.to_uppercase()])).await.unwrap();
    assert_eq!(opened.plan.facilities().len(), 1);
    assert_eq!(opened.plan.facility(0).name, name);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for request in &sandbox.requests()[before..] {
        *counts.entry(request.path.clone()).or_default() += 1;
        if request.path.contains("dataValueSets") {
            assert_eq!(request.query.matches("orgUnit=").count(), 1, "{}", request.query);
        }
    }
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

#[tokio::test]
async fn words_that_fit_no_facility_or_many_are_told() {
    let sandbox = sandbox(40);
    for (words, expected) in [("zaria", "no facility"), ("HC", "name one")] {
        let folder = tempfile::tempdir().unwrap();
        let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
        let error = read(&session, &ask(&[words])).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Open cases whose organisation unit another open case has too.
fn twins(sandbox: &Sandbox) -> Vec<String> {
    let shared = sandbox.planted().iter().filter(|planted| planted.what == Oddity::SharedExternalId);
    shared.filter_map(|planted| planted.case_id.clone()).filter(|id| !sandbox.case(id).unwrap().closed).collect()
}

#[tokio::test]
async fn a_shared_organisation_unit_stops_a_facility_that_is_read_alone() {
    let sandbox = sandbox(1_106);
    let twins = twins(&sandbox);
    assert!(twins.len() > 1, "{twins:?}");
    let mut stops = 0;
    for case_id in &twins {
        let folder = tempfile::tempdir().unwrap();
        let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
        let opened = read(&session, &ask(&[case_id])).await.unwrap();
        assert_eq!(opened.plan.facilities().len(), 1);
        let left = opened.ledger.undecided(&opened.plan, opened.plan.cells());
        assert!(left.plain.is_empty(), "{case_id} can be approved in bulk");
        let flagged = |cell| opened.plan.flags(cell).iter().any(|flag| flag.id == "S33");
        stops += opened.plan.cells().filter(|cell| opened.plan.severity(*cell) == Some(Severity::Stop)).count();
        assert!(opened.plan.all_flags().all(|(cell, _)| flagged(cell)));
    }
    assert!(stops > 0);
}

#[tokio::test]
async fn a_name_of_several_cases_is_asked_back() {
    let sandbox = sandbox(40);
    let ids: Vec<String> = sandbox.case_ids().into_iter().take(2).collect();
    for id in &ids {
        assert!(sandbox.set_property(id, "case_name", "Twice Named"));
    }
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let error = read(&session, &ask(&["twice named"])).await.unwrap_err();
    assert!(error.is::<NotFound>() && ids.iter().all(|id| error.to_string().contains(id)), "{error}");
}

#[tokio::test]
async fn a_short_case_list_is_asked_for_again_and_then_never_called_whole() {
    let lose_one = |answer: &mut Value| {
        answer["cases"].as_array_mut().unwrap().remove(7);
    };
    for (short, incomplete) in [(1, false), (2, true)] {
        let sandbox = sandbox(40);
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let transport = faulty(&sandbox, move |path| {
            let list = path.contains("/api/case/v2/");
            if list && counted.fetch_add(1, Ordering::SeqCst) < short { Fault::Bend(lose_one) } else { Fault::Pass }
        });
        let folder = tempfile::tempdir().unwrap();
        let session = session(folder.path(), connect(transport));
        let plan = read(&session, &ask(&[])).await.unwrap().plan;
        assert_eq!(asked.load(Ordering::SeqCst), 2, "once more, and not for ever");
        assert_eq!(plan.facilities().len() + plan.skipped().len(), if incomplete { 39 } else { 40 });
        assert_eq!(plan.incomplete(), incomplete);
        assert_eq!(plan.head.incomplete.as_ref().is_some_and(|why| why.contains("40 cases and listed 39")), incomplete);
        let again = session.open().await.unwrap().plan;
        assert_eq!(again.incomplete(), incomplete, "the file keeps it");
    }
}

/// Changes a field of every data element of an answer.
fn each_element(answer: &mut Value, field: &str, value: &Value) {
    for element in answer["dataElements"].as_array_mut().unwrap() {
        element[field] = value.clone();
    }
}

#[tokio::test]
async fn what_dhis2_says_of_a_data_element_decides_what_its_digits_are() {
    let sandbox = sandbox(40);
    let read_with = async |bend: fn(&mut Value)| {
        let transport =
            faulty(&sandbox, move |path| if path.contains("/dataElements") { Fault::Bend(bend) } else { Fault::Pass });
        let folder = tempfile::tempdir().unwrap();
        read(&session(folder.path(), connect(transport)), &ask(&[])).await.unwrap().plan
    };
    let text = read_with(|answer| each_element(answer, "valueType", &json!("PHONE_NUMBER"))).await;
    assert!(text.cells().all(|cell| text.kind(cell) == Kind::Without));
    assert!(text.cells().all(|cell| text.state(cell) == State::NonNumeric), "with a row or without");
    let held = text.cells().filter(|cell| text.held(*cell).is_some()).count();
    assert!(held > 100, "{held}");
    let share = read_with(|answer| each_element(answer, "valueType", &json!("PERCENTAGE"))).await;
    let maximum = read_with(|answer| each_element(answer, "aggregationType", &json!("MAX"))).await;
    let apart = read_with(|answer| each_element(answer, "categoryCombo", &json!({"skipTotal": true}))).await;
    for plan in [share, maximum, apart] {
        let flagged = plan.all_flags().filter(|(_, flags)| flags.iter().any(|flag| flag.id == "A01")).count();
        assert!(flagged > 20, "{flagged}");
    }
}

#[tokio::test]
async fn a_data_set_that_does_not_tell_its_period_type_is_read_with_a_note() {
    let sandbox = sandbox(40);
    let transport = faulty(&sandbox, |path| {
        let untold: fn(&mut Value) = |answer| {
            for set in answer["dataSets"].as_array_mut().unwrap() {
                set.as_object_mut().unwrap().remove("periodType");
            }
        };
        let untold_either: fn(&mut Value) = |answer| each_element(answer, "dataSetElements", &json!([]));
        match path {
            path if path.contains("/dataSets") => Fault::Bend(untold),
            path if path.contains("/dataElements") => Fault::Bend(untold_either),
            _ => Fault::Pass,
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let plan = read(&session(folder.path(), connect(transport)), &ask(&[])).await.unwrap().plan;
    assert!(plan.cells().all(|cell| plan.state(cell) != State::WrongPeriodType));
    assert!(plan.cells().any(|cell| plan.kind(cell) == Kind::Change));
    assert!(plan.head.notes.iter().any(|note| note.contains("period type of data set")), "{:?}", plan.head.notes);
}
