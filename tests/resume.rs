//! A reading that was stopped goes on from where it was, what earlier runs learned saves asking, and neither ever changes a number.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use onse::{
    domain::plan::{Cell, Plan, State},
    io::{
        known::Known,
        store::Store,
        transport::{Answer, Body, Broken, Later, SharedTransport, Transport, Whole},
    },
    job::{
        fetch::{Ask, Reach},
        report::Reading,
        session::{Opened, Session},
    },
    sandbox::Sandbox,
};
use support::{ORIGIN, ask, connect, on, sandbox};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What befalls a request: its path with its query, to a status and a body, or nothing.
type Rule = dyn Fn(&str) -> Option<(u16, String)> + Send + Sync;

/// The sandbox behind a line that answers some requests itself and remembers all.
struct Line {
    inner: SharedTransport,
    rule: Mutex<Box<Rule>>,
    asked: Mutex<Vec<String>>,
}

impl Line {
    fn new(sandbox: &Sandbox) -> Arc<Self> {
        Arc::new(Self {
            inner: sandbox.transport(ORIGIN),
            rule: Mutex::new(Box::new(|_| None)),
            asked: Mutex::default(),
        })
    }

    fn rule(&self, rule: impl Fn(&str) -> Option<(u16, String)> + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }

    /// The requests for data values since the last look.
    fn values(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.into_iter().filter(|path| path.contains("dataValueSets")).collect()
    }
}

impl Transport for Line {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        let path = request.uri().path_and_query().unwrap().to_string();
        self.asked.lock().unwrap().push(path.clone());
        let said = (self.rule.lock().unwrap())(&path);
        match said {
            None => self.inner.send(request),
            Some((status, text)) => Box::pin(async move {
                let body: Box<dyn Body> = Box::new(Whole::new(text));
                Ok(http::Response::builder()
                    .status(status)
                    .header("content-type", "application/json")
                    .body(body)
                    .unwrap())
            }),
        }
    }
}

fn session(folder: &Path, name: &str, line: &Arc<Line>, known: &Known) -> Session {
    let store = Store::create(&folder.join(name)).unwrap();
    on(store, connect(Arc::clone(line) as SharedTransport)).knowing(known.clone())
}

fn asking(facilities: &[&str], reach: Reach) -> Ask {
    Ask { reach, ..ask(facilities) }
}

async fn read(session: &Session, ask: &Ask) -> anyhow::Result<Opened> {
    session.read(ask, watch::channel(Reading::default()).0, CancellationToken::new()).await
}

/// Old, new and state of every cell by case and property, with flags.
fn picture(plan: &Plan) -> Vec<String> {
    let cell = |cell: Cell| {
        let flags: Vec<&str> = plan.flags(cell).iter().map(|flag| flag.id.as_str()).collect();
        let (facility, property) = (&plan.facility(cell.facility).case_id, &plan.property(cell.property).name);
        format!("{facility} {property} {:?} {:?} {:?} {flags:?}", plan.old(cell), plan.held(cell), plan.state(cell))
    };
    plan.cells().map(cell).collect()
}

/// Fails what comes after the values, so that the reading ends there.
fn cut(path: &str) -> Option<(u16, String)> {
    path.contains("categoryOptionCombos?").then(|| (401, r#"{"message":"Unauthorized"}"#.to_owned()))
}

#[tokio::test]
async fn what_came_of_a_reading_that_was_cut_short_is_not_asked_for_again_and_changes_no_number() {
    let (sandbox, folder, known) = (sandbox(60), tempfile::tempdir().unwrap(), Known::in_memory());
    let line = Line::new(&sandbox);
    let whole = read(&session(folder.path(), "whole", &line, &Known::in_memory()), &ask(&[])).await.unwrap().plan;
    // Twice, as two terminals would: what came of both is there.
    for name in ["one", "two"] {
        line.rule(cut);
        if name == "two" {
            // The first part of it is not used: another reading of few facilities has another way to the same key.
            let unit = whole.facility(3).external_id.clone();
            read(&session(folder.path(), "few", &line, &known), &ask(&[&unit])).await.unwrap_err();
        }
        read(&session(folder.path(), name, &line, &known), &ask(&[])).await.unwrap_err();
    }
    line.values();
    line.rule(|_| None);
    let on = read(&session(folder.path(), "on", &line, &known), &ask(&[])).await.unwrap().plan;
    assert_eq!(line.values(), Vec::<String>::new(), "all of it had come");
    assert_eq!(picture(&on), picture(&whole));
    assert!(on.head.notes.iter().any(|note| note.contains("by a reading that was stopped")), "{:?}", on.head.notes);
    // It ended, so the next one asks again.
    read(&session(folder.path(), "next", &line, &known), &ask(&[])).await.unwrap();
    assert!(!line.values().is_empty());
}

#[tokio::test]
async fn a_data_set_that_was_refused_is_refused_again_not_missing() {
    let (sandbox, folder, known) = (sandbox(30), tempfile::tempdir().unwrap(), Known::in_memory());
    let line = Line::new(&sandbox);
    let set = ask(&[]).mapping.usable().next().unwrap().data_set.clone();
    let refused = set.clone();
    let refuse = move |path: &str| {
        let message = format!("User is not allowed to read data for data set: `{refused}`");
        let said = format!(r#"{{"httpStatusCode":409,"status":"ERROR","message":"{message}","errorCode":"E2010"}}"#);
        (path.contains("dataValueSets") && path.contains(&refused)).then_some((409, said))
    };
    let also = refuse.clone();
    line.rule(move |path| cut(path).or_else(|| also(path)));
    read(&session(folder.path(), "cut", &line, &known), &asking(&[], Reach::default())).await.unwrap_err();
    line.rule(refuse);
    let plan =
        read(&session(folder.path(), "again", &line, &known), &asking(&[], Reach::default())).await.unwrap().plan;
    for cell in plan.cells().filter(|cell| plan.property(cell.property).data_set == set) {
        assert_eq!(plan.state(cell), State::NoAccess);
    }
    // Nothing was learned of it: once it may be read, its earlier quarters are asked for whole.
    line.values();
    line.rule(|_| None);
    read(&session(folder.path(), "later", &line, &known), &asking(&[], Reach::default())).await.unwrap();
    let asked = line.values();
    assert!(asked.iter().any(|path| path.contains("period=2025Q1") && !path.contains("lastUpdated")), "{asked:?}");
}

#[tokio::test]
async fn a_facility_that_fails_every_time_does_not_fail_the_reading_after_it() {
    let (sandbox, folder, known) = (sandbox(30), tempfile::tempdir().unwrap(), Known::in_memory());
    let line = Line::new(&sandbox);
    let unit = read(&session(folder.path(), "first", &line, &Known::in_memory()), &ask(&[])).await.unwrap().plan;
    let unit = unit.facility(5).external_id.clone();
    let bad = unit.clone();
    line.rule(move |path| (path.contains("dataValueSets") && path.contains(&bad)).then(|| (500, "{}".to_owned())));
    for name in ["second", "third"] {
        let plan =
            read(&session(folder.path(), name, &line, &known), &asking(&[], Reach::default())).await.unwrap().plan;
        for cell in plan.cells() {
            let failed = plan.state(cell) == State::FetchFailed;
            assert_eq!(failed, plan.facility(cell.facility).external_id == unit, "{name}: {}", plan.title(cell));
        }
        assert!(plan.incomplete());
    }
}

#[tokio::test]
async fn known_quarters_are_not_asked_for_again_but_a_number_that_may_be_proposed_is() {
    let (sandbox, folder, known) = (sandbox(30), tempfile::tempdir().unwrap(), Known::in_memory());
    let line = Line::new(&sandbox);
    let first = read(&session(folder.path(), "a", &line, &known), &asking(&[], Reach::default())).await.unwrap().plan;
    assert!(line.values().iter().all(|path| path.contains("period=2024Q2")));
    let again = read(&session(folder.path(), "b", &line, &known), &asking(&[], Reach::default())).await.unwrap().plan;
    assert!(line.values().iter().all(|path| path.contains("period=2026Q2") && !path.contains("period=2026Q1")));
    assert_eq!(picture(&again), picture(&first));
    // Nothing is there for the quarter, its report is open, and the quarter before was corrected an hour ago.
    let property = first.property(0);
    let (set, element) = (property.data_set.clone(), property.data_element.clone());
    let unit = first.facility(7).external_id.clone();
    let combo = "HllvX50cXC0";
    assert!(sandbox.set_value(&unit, &element, combo, "2026Q2", None));
    assert!(sandbox.set_value(&unit, &element, combo, "2026Q1", Some("90")));
    assert!(sandbox.set_complete(&unit, &set, "2026Q2", None));
    let back = Reach { look_back: 1, ..Reach::default() };
    let plan = read(&session(folder.path(), "c", &line, &known), &asking(&[], back)).await.unwrap().plan;
    assert!(line.values().iter().all(|path| path.contains("period=2026Q1") && !path.contains("period=2025Q4")));
    let at = plan.facilities().iter().position(|facility| facility.external_id == unit).unwrap();
    let cell = Cell { facility: u32::try_from(at).unwrap(), property: 0 };
    assert_eq!((plan.state(cell), plan.held(cell)), (State::OlderQuarter, Some("90")));
    assert_eq!(plan.quarter(cell).to_string(), "2026Q1");
}
