//! Reading both sides against the sandbox in process, and what it makes of a side that answers badly.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use onse::{
    domain::{
        flags::Severity,
        plan::{Cell, Kind, Plan, State},
    },
    io::transport::{Answer, Body, Broken, Later, SharedTransport, Transport, Whole},
    job::fetch::NotFound,
    sandbox::{Oddity, Sandbox},
};
use serde_json::{Value, json};
use support::{ORIGIN, ask, connect, read, sandbox, session};

/// What befalls one request.
enum Fault {
    /// Nothing.
    Pass,
    /// Another answer in its place: status, content type, body.
    Say(u16, &'static str, String),
    /// The answer is lost.
    Lose,
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
                Fault::Say(status, kind, text) => Ok(answer(status, kind, text)),
                Fault::Lose => Err(Broken::NoAnswer("the connection was reset".to_owned())),
                Fault::Bend(bend) => {
                    let mut value = json_of(self.inner.send(request).await?).await;
                    bend(&mut value);
                    Ok(answer(200, "application/json", value.to_string()))
                }
            }
        })
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
    let held: Vec<Cell> = text.cells().filter(|cell| text.state(*cell) == State::NonNumeric).collect();
    assert!(held.len() > 100 && held.iter().all(|cell| text.held(*cell).is_some()), "{}", held.len());
    let share = read_with(|answer| each_element(answer, "valueType", &json!("PERCENTAGE"))).await;
    let maximum = read_with(|answer| each_element(answer, "aggregationType", &json!("MAX"))).await;
    let apart = read_with(|answer| each_element(answer, "categoryCombo", &json!({"skipTotal": true}))).await;
    for plan in [share, maximum, apart] {
        let flagged = plan.all_flags().filter(|(_, flags)| flags.iter().any(|flag| flag.id == "A01")).count();
        assert!(flagged > 20, "{flagged}");
    }
}

#[tokio::test]
async fn a_unit_dhis2_does_not_know_is_named_and_never_read_as_no_data() {
    let sandbox = sandbox(40);
    let case_id = sandbox.case_ids().into_iter().find(|id| !sandbox.case(id).unwrap().closed).unwrap();
    assert!(sandbox.set_property(&case_id, "external_id", "Zzzzzzzzzz1"));
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let plan = read(&session, &ask(&[])).await.unwrap().plan;
    assert!(plan.facilities().iter().all(|facility| facility.case_id != case_id && facility.unit_name.is_some()));
    let skipped = plan.skipped().iter().find(|skipped| skipped.case_id == case_id).unwrap();
    assert!(skipped.reason.contains("organisation unit Zzzzzzzzzz1 is not known to DHIS2"), "{}", skipped.reason);
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

/// What a plan says of every cell, without its place.
fn cells(plan: &Plan) -> BTreeMap<(String, String), (State, Option<String>)> {
    let key =
        |cell: Cell| (plan.facility(cell.facility).external_id.clone(), plan.property(cell.property).name.clone());
    plan.cells().map(|cell| (key(cell), (plan.state(cell), plan.held(cell).map(str::to_owned)))).collect()
}

/// A plan read over a line on which requests for values meet `fault`, and how many such requests there were.
async fn values_with(
    sandbox: &Sandbox,
    fault: impl Fn(&str) -> Fault + Send + Sync + 'static,
) -> (anyhow::Result<Arc<Plan>>, usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let transport = faulty(sandbox, move |path| {
        if !path.contains("/dataValueSets") {
            return Fault::Pass;
        }
        counted.fetch_add(1, Ordering::SeqCst);
        fault(path)
    });
    let folder = tempfile::tempdir().unwrap();
    let plan = read(&session(folder.path(), connect(transport)), &ask(&[])).await.map(|opened| opened.plan);
    (plan, asked.load(Ordering::SeqCst))
}

fn html(status: u16) -> Fault {
    Fault::Say(status, "text/html", "<html><title>Bad</title></html>".to_owned())
}

fn refusal(status: u16, code: &str, message: &str) -> Fault {
    let text = json!({"httpStatusCode": status, "status": "ERROR", "message": message, "errorCode": code});
    Fault::Say(status, "application/json", text.to_string())
}

#[tokio::test]
async fn a_unit_that_spoils_every_request_costs_only_itself() {
    let sandbox = sandbox(200);
    let whole = values_with(&sandbox, |_| Fault::Pass).await.0.unwrap();
    let bad = whole.facilities().iter().find(|f| !f.closed).unwrap().external_id.clone();
    let fates: [(fn() -> Fault, State); 8] = [
        (|| html(500), State::FetchFailed),
        (|| html(502), State::FetchFailed),
        (|| html(504), State::FetchFailed),
        (|| html(414), State::FetchFailed),
        (|| html(400), State::FetchFailed),
        (|| Fault::Lose, State::FetchFailed),
        (|| Fault::Say(200, "application/json", "{\"dataValues\":[".to_owned()), State::FetchFailed),
        (|| refusal(409, "E2012", "User is not allowed to view org unit"), State::NoAccess),
    ];
    for (number, (fault, state)) in fates.into_iter().enumerate() {
        let spoiled = format!("orgUnit={bad}");
        let (plan, asked) =
            values_with(&sandbox, move |path| if path.contains(&spoiled) { fault() } else { Fault::Pass }).await;
        let plan = plan.unwrap();
        let mut expected = cells(&whole);
        for ((unit, _), cell) in &mut expected {
            if *unit == bad {
                *cell = (state, None);
            }
        }
        assert!(cells(&plan) == expected, "fault {number}");
        assert_eq!(plan.incomplete(), state == State::FetchFailed, "fault {number}");
        assert!(plan.head.notes.iter().any(|note| note.contains(&bad)), "fault {number}: {:?}", plan.head.notes);
        // Eight halvings of two requests, a bad one tried up to five times.
        assert!(asked <= 60, "fault {number}: {asked} requests");
    }
}

#[tokio::test]
async fn a_data_set_that_may_not_be_read_costs_only_its_column() {
    let sandbox = sandbox(1_106);
    let whole = values_with(&sandbox, |_| Fault::Pass).await.0.unwrap();
    let set = whole.property(0).data_set.clone();
    let faults: [fn(&str) -> Fault; 3] = [
        |set| refusal(409, "E2010", &format!("User is not allowed to read data for data set: `{set}`")),
        |_| refusal(409, "E2010", "User is not allowed to read data for data set"),
        |_| html(403),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let (named, asked_set) = (set.clone(), format!("dataSet={set}"));
        let (plan, asked) =
            values_with(&sandbox, move |path| if path.contains(&asked_set) { fault(&named) } else { Fault::Pass })
                .await;
        let plan = plan.unwrap();
        let mut expected = cells(&whole);
        for ((_, property), cell) in &mut expected {
            if whole.property(whole.find_property(property).unwrap()).data_set == set {
                *cell = (State::NoAccess, None);
            }
        }
        assert!(cells(&plan) == expected, "fault {number}");
        assert!(!plan.incomplete());
        assert!(plan.head.notes.iter().any(|note| note.contains(&set)), "fault {number}: {:?}", plan.head.notes);
        assert!(asked <= 40, "fault {number}: {asked} requests");
    }
}

#[tokio::test]
async fn a_server_that_takes_short_requests_only_is_read_whole() {
    let sandbox = sandbox(1_106);
    let whole = values_with(&sandbox, |_| Fault::Pass).await.0.unwrap();
    let (plan, asked) = values_with(&sandbox, |path| if path.len() > 2_000 { html(414) } else { Fault::Pass }).await;
    let plan = plan.unwrap();
    assert!(cells(&plan) == cells(&whole) && !plan.incomplete());
    assert!(asked < 40, "{asked} requests");
}

#[tokio::test]
async fn a_server_that_answers_nothing_is_given_up_soon() {
    let sandbox = sandbox(1_106);
    let (plan, asked) = values_with(&sandbox, |_| html(500)).await;
    assert!(plan.unwrap_err().to_string().contains("(500)"));
    assert!(asked <= 32, "{asked} requests");
    let (plan, asked) = values_with(&sandbox, |_| html(401)).await;
    assert!(plan.unwrap_err().to_string().contains("401"));
    assert!(asked <= 4, "{asked} requests: none after the first refusal, beside those under way");
    let (plan, asked) = values_with(&sandbox, |_| html(403)).await;
    assert!(plan.unwrap_err().to_string().contains("403"));
    assert!(asked <= 60, "{asked} requests");
}
