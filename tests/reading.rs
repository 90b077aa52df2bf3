//! Reading both sides against the sandbox in process, and what it makes of a side that answers badly.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use onse::{
    domain::{
        flags::Severity,
        plan::{Cell, Kind, State},
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
