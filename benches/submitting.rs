//! Freezing and sending: the bytes of forms, and a whole submission against the sandbox over real sockets, beside the time its answers
//! take alone. Run with `cargo bench --bench submitting`; `-- --full` also makes the forms of 100,000 facilities.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench; a failure here is its answer")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use onse::{
    domain::{
        ledger::{Act, Ledger, Stamp},
        plan::{Cell, Facility, Head, Plan, Property, State},
        quarter::Quarter,
    },
    io::{
        store::{Form, FormCell, Store},
        transport::{Answer, Broken, Later, SharedTransport, Transport},
    },
    job::forms::forms_now,
    sandbox::{Options, Sandbox},
};

/// Properties, as the real mapping has.
const WIDTH: u16 = 21;

/// Every cell an approved change.
fn approved(facilities: usize) -> (Plan, Ledger) {
    let facility = |n: usize| Facility {
        case_id: format!("{n:032x}"),
        name: format!("Facility {n}"),
        external_id: format!("u{n:010}"),
        ..Facility::default()
    };
    let property = |n: u16| Property {
        name: format!("dhis_health_facility_indicator_of_some_length_{n}"),
        data_element: format!("e{n:010}"),
        ..Property::default()
    };
    let head = Head::of(Quarter::parse("2026Q2").unwrap());
    let mut draft = Plan::draft(
        Head { project: "onse-demo".to_owned(), ..head },
        (0..facilities).map(facility).collect(),
        (0..WIDTH).map(property).collect(),
    );
    for cell in draft.plan().cells().collect::<Vec<_>>() {
        let new = (u64::from(cell.facility) * 31 + u64::from(cell.property) * 7 + 1000).to_string();
        draft.set(cell, Some("12"), Some(&new), State::Reported);
    }
    let plan = draft.finish();
    let mut ledger = Ledger::new(&plan);
    let stamp = Stamp { at: String::new(), who: String::new() };
    ledger.decide(&plan, Act::Approve, plan.cells(), None, "all", &stamp).unwrap();
    (plan, ledger)
}

/// The median of some runs.
fn median(times: usize, mut run: impl FnMut()) -> Duration {
    let mut took: Vec<Duration> = (0..times)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    took.sort();
    took[times / 2]
}

fn freeze(facilities: usize, times: usize) {
    let (plan, ledger) = approved(facilities);
    let at: Timestamp = "2026-07-05T09:41:00Z".parse().unwrap();
    let mut bytes = 0;
    let took = median(times, || {
        let forms = forms_now(&plan, &ledger, &support::used(1000), "ops@example.org", at).unwrap();
        bytes = forms.iter().map(Vec::len).sum();
    });
    println!("forms of {facilities} facilities x {WIDTH}: {took:?}, {} MB", bytes >> 20);
}

/// One form of 1,000 facilities into the review file, synced.
async fn keep(times: usize) {
    let (plan, ledger) = approved(1000);
    let at: Timestamp = "2026-07-05T09:41:00Z".parse().unwrap();
    let bytes = forms_now(&plan, &ledger, &support::used(1000), "ops@example.org", at).unwrap().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("q.review")).unwrap();
    let cells: Vec<FormCell> = plan
        .cells()
        .map(|cell: Cell| FormCell {
            facility: cell.facility,
            property: cell.property,
            old: Some("12".to_owned()),
            new: plan.new_value(cell).unwrap().to_owned(),
            since: None,
        })
        .collect();
    store.save_plan(Arc::new(plan), support::used(1000), Vec::new(), Vec::new()).await.unwrap();
    let mut took = Vec::new();
    for number in 1..=times {
        let form = Form {
            number: u32::try_from(number).unwrap(),
            form_id: format!("{number:032x}"),
            generation: 1,
            frozen_at: at.to_string(),
            size: bytes.len(),
            cells: cells.clone(),
            sent: onse::domain::outcome::Outcome::Frozen,
            answer: None,
            seen: Vec::new(),
        };
        let start = Instant::now();
        store.freeze(form, bytes.clone(), "Grace".to_owned()).await.unwrap();
        took.push(start.elapsed());
    }
    took.sort();
    println!("one form of 1,000 facilities into the review file, synced: {:?}", took[times / 2]);
    store.close();
}

/// Waits before every answer, and counts them.
struct Slow {
    inner: SharedTransport,
    latency: Duration,
    asked: AtomicUsize,
}

impl Transport for Slow {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            tokio::time::sleep(self.latency).await;
            self.inner.send(request).await
        })
    }
}

async fn submission(latency: Duration, chunk: usize) {
    let sandbox = Sandbox::new(&Options::new((2026, 2)), Arc::new(support::clock));
    let slow = Arc::new(Slow { inner: sandbox.transport(support::ORIGIN), latency, asked: AtomicUsize::new(0) });
    let folder = tempfile::tempdir().unwrap();
    let session = support::session(folder.path(), support::connect(slow.clone()));
    let mut ask = support::ask(&[]);
    ask.used.chunk_size = chunk;
    let mut opened = support::read(&session, &ask).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells = opened.ledger.undecided(&plan, plan.cells()).plain;
    support::approve(&session, &plan, &mut opened.ledger, cells).await;
    slow.asked.store(0, Ordering::Relaxed);
    let start = Instant::now();
    let sent = support::submit(&session).await.unwrap();
    let took = start.elapsed();
    assert!(sent.all_applied());
    let asked = slow.asked.load(Ordering::Relaxed);
    println!(
        "submission of {} changes in {} forms of {chunk} at {latency:?}: {took:?}; {asked} answers, one after the other {:?}",
        sent.applied,
        sent.forms.len(),
        latency * u32::try_from(asked).unwrap()
    );
    session.close();
}

fn main() {
    freeze(1_106, 15);
    if std::env::args().any(|arg| arg == "--full") {
        freeze(100_000, 3);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        keep(9).await;
        for (latency, chunk) in [(0, 1000), (50, 1000), (50, 100)] {
            submission(Duration::from_millis(latency), chunk).await;
        }
    });
}
