//! Whole jobs against the sandbox in process: read, decide, submit, read back. What reading alone makes is in `reading`.
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
    domain::{ledger::Act, outcome::Outcome, plan::Cell},
    io::{
        store::Store,
        transport::{Answer, Broken, Later, SharedTransport, Transport},
    },
    job::{
        forms::form_count,
        report::{Phase, Sending},
    },
    sandbox::{self, Sandbox},
};
use support::{ORIGIN, approve, ask, connect, connect_as, on, read, sandbox, session, submit};

/// Every property of every case.
fn everything(sandbox: &Sandbox) -> BTreeMap<(String, String), String> {
    let cases = sandbox.case_ids().into_iter().map(|id| (id.clone(), sandbox.case(&id).unwrap()));
    cases
        .flat_map(|(id, case)| {
            let fields = [("case_name", case.name.clone()), ("external_id", case.external_id.clone())];
            let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value.unwrap_or_default()));
            let properties = case.properties.iter().map(|(name, value)| (name.to_string(), value.clone()));
            fields.chain(properties).map(|(name, value)| ((id.clone(), name), value)).collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test]
async fn only_what_was_approved_is_written_and_all_of_it_is_seen() {
    let sandbox = sandbox(120);
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let mut ask = ask(&[]);
    ask.used.chunk_size = 50;
    let mut opened = read(&session, &ask).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells: Vec<Cell> = opened.ledger.undecided(&plan, plan.cells()).plain.into_iter().step_by(2).collect();
    approve(&session, &plan, &mut opened.ledger, cells.clone()).await;
    let mut expected = everything(&sandbox);
    for cell in &cells {
        let key = (plan.facility(cell.facility).case_id.clone(), plan.property(cell.property).name.clone());
        expected.insert(key, plan.new_value(*cell).unwrap().to_owned());
    }
    let sent = submit(&session).await.unwrap();
    assert!(sent.all_applied(), "{sent:?}");
    assert_eq!((sent.applied, sent.forms.len()), (cells.len(), form_count(&cells, 50)));
    assert!(sent.forms.len() > 1 && sent.forms.iter().all(|form| form.outcome == Some(Outcome::Applied)));
    assert!(everything(&sandbox) == expected, "something else changed");
    let again = session.open().await.unwrap();
    assert_eq!(again.ledger.sent(), cells.len());
    assert_eq!(again.ledger.to_send(&plan).count(), 0);
    let error = submit(&session).await.unwrap_err().to_string();
    assert!(error.contains("nothing to send"), "{error}");
    assert_eq!(sandbox.forms().len(), sent.forms.len());
}

#[tokio::test]
async fn a_case_that_moved_is_held_and_the_rest_goes_on() {
    let sandbox = sandbox(60);
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let mut opened = read(&session, &ask(&[])).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells = opened.ledger.undecided(&plan, plan.cells()).plain;
    approve(&session, &plan, &mut opened.ledger, cells.clone()).await;
    let (moved, already) = (cells[3], cells[9]);
    let change = |cell: Cell, value: &str| {
        sandbox.set_property(&plan.facility(cell.facility).case_id, &plan.property(cell.property).name, value)
    };
    assert!(change(moved, "987654321") && change(already, plan.new_value(already).unwrap()));
    let check = session.check(&plan, &session.open().await.unwrap().ledger).await.unwrap();
    assert_eq!((check.changes, check.held.len()), (cells.len() - 2, 2));
    assert!(check.held.iter().any(|held| held.cell == moved && held.why.contains("987654321") && !held.already_set));
    assert!(check.held.iter().any(|held| held.cell == already && held.already_set));
    assert!(sandbox.forms().is_empty(), "a check sends nothing");
    let sent = submit(&session).await.unwrap();
    assert_eq!((sent.applied, sent.held.len()), (cells.len() - 2, 2));
    let case = sandbox.case(&plan.facility(moved.facility).case_id).unwrap();
    assert_eq!(case.properties[plan.property(moved.property).name.as_str()], "987654321");
}

/// Passes everything on, and loses the answer to the first forms after the server has taken them.
struct Lossy {
    inner: SharedTransport,
    losses: AtomicUsize,
}

impl Transport for Lossy {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        let form = request.uri().path().contains("/receiver/");
        Box::pin(async move {
            let answer = self.inner.send(request).await;
            let lose = |left: usize| left.checked_sub(1);
            if form && self.losses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose).is_ok() {
                return Err(Broken::NoAnswer("the connection was reset".to_owned()));
            }
            answer
        })
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_takes_effect_once() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let lossy = Arc::new(Lossy { inner: sandbox.transport(ORIGIN), losses: AtomicUsize::new(2) });
    let session = session(folder.path(), connect(lossy));
    let mut opened = read(&session, &ask(&[])).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells = opened.ledger.undecided(&plan, plan.cells()).plain;
    approve(&session, &plan, &mut opened.ledger, cells).await;
    let sent = submit(&session).await.unwrap();
    assert!(sent.all_applied(), "{sent:?}");
    let forms = sandbox.forms();
    assert_eq!(forms.len(), 3);
    assert!(forms.iter().all(|form| form.bytes == forms[0].bytes), "the same bytes each time");
    assert_eq!(forms.iter().filter(|form| form.fate == sandbox::Fate::Applied).count(), 1);
}

#[tokio::test]
async fn a_form_whose_fate_is_unknown_is_settled_by_the_same_bytes_in_a_later_run() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let path = {
        let lossy = Arc::new(Lossy { inner: sandbox.transport(ORIGIN), losses: AtomicUsize::new(usize::MAX) });
        let session = session(folder.path(), connect(lossy));
        sandbox.hold_index(true);
        let mut opened = read(&session, &ask(&[])).await.unwrap();
        let plan = Arc::clone(&opened.plan);
        let cells = opened.ledger.undecided(&plan, plan.cells()).plain;
        approve(&session, &plan, &mut opened.ledger, cells).await;
        let sent = submit(&session).await.unwrap();
        assert_eq!((sent.phase, sent.applied, sent.unknown), (Phase::Ended, 0, sent.changes));
        assert!(sent.note.unwrap().contains("UNKNOWN"));
        session.close();
        session.path().to_owned()
    };
    sandbox.hold_index(false);
    let sessions = on(Store::open(&path).unwrap(), connect(sandbox.transport(ORIGIN)));
    let sent = submit(&sessions).await.unwrap();
    assert!(sent.all_applied(), "{sent:?}");
    let forms = sandbox.forms();
    assert!(forms.iter().all(|form| form.bytes == forms[0].bytes));
    assert_eq!(forms.iter().filter(|form| form.fate == sandbox::Fate::Applied).count(), 1);
}

#[tokio::test]
async fn accepted_but_not_seen_is_not_called_applied() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let mut opened = read(&session, &ask(&[])).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells = opened.ledger.undecided(&plan, plan.cells()).plain;
    approve(&session, &plan, &mut opened.ledger, cells).await;
    sandbox.hold_index(true);
    let sent = submit(&session).await.unwrap();
    assert_eq!((sent.applied, sent.accepted), (0, sent.changes));
    sandbox.hold_index(false);
    let sent = submit(&session).await.unwrap();
    assert!(sent.all_applied(), "{sent:?}");
    assert_eq!(sandbox.forms().len(), 1, "settled by reading back, not by sending again");
}

#[tokio::test]
async fn no_permission_stops_before_anything_changes() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let mut opened = read(&session, &ask(&[])).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells = opened.ledger.undecided(&plan, plan.cells()).plain;
    approve(&session, &plan, &mut opened.ledger, cells).await;
    let before = everything(&sandbox);
    sandbox.set_permissions(false, true);
    let sent = submit(&session).await.unwrap();
    assert_eq!(sent.applied, 0);
    assert!(sent.note.unwrap().contains("403") || !sent.forms.is_empty());
    assert!(everything(&sandbox) == before);
}

#[tokio::test]
async fn a_wrong_key_or_project_ends_reading_with_its_side_named() {
    let sandbox = sandbox(20);
    for (key, project) in [("wrong", sandbox::PROJECT), (sandbox::COMMCARE_API_KEY, "nobody")] {
        let folder = tempfile::tempdir().unwrap();
        let before = sandbox.requests().len();
        let session = session(folder.path(), connect_as(sandbox.transport(ORIGIN), key, project));
        let error = format!("{:#}", read(&session, &ask(&[])).await.unwrap_err());
        assert!(error.contains("CommCare") && !error.contains("wrong\""), "{error}");
        let cases = sandbox.requests()[before..].iter().filter(|r| r.path.contains("/case/")).count();
        assert_eq!(cases, 1, "no second try");
        assert!(session.open().await.unwrap_err().to_string().contains("read the review"));
    }
}

#[tokio::test]
async fn a_rejected_cell_is_never_in_a_form() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let mut opened = read(&session, &ask(&[])).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells = opened.ledger.undecided(&plan, plan.cells()).plain;
    approve(&session, &plan, &mut opened.ledger, cells.clone()).await;
    let entry = opened.ledger.decide(&plan, Act::Reject, [cells[0]], None, "one", &session.stamp()).unwrap();
    session.record(entry, &plan).await.unwrap();
    let sent = submit(&session).await.unwrap();
    assert_eq!(sent.applied, cells.len() - 1);
    let case = sandbox.case(&plan.facility(cells[0].facility).case_id).unwrap();
    let now = case.properties.get(plan.property(cells[0].property).name.as_str()).map(String::as_str);
    assert_eq!(now, plan.old(cells[0]));
}

#[tokio::test]
async fn no_more_is_sent_than_was_confirmed() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let mut opened = read(&session, &ask(&[])).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells = opened.ledger.undecided(&plan, plan.cells()).plain;
    approve(&session, &plan, &mut opened.ledger, cells.clone()).await;
    let before = everything(&sandbox);
    let (progress, _) = tokio::sync::watch::channel(Sending::default());
    let sent = session.submit(sandbox::COMMCARE_USER, cells.len() - 1, progress, support::steering()).await.unwrap();
    assert!(sent.note.unwrap().contains("more would be sent than was confirmed"));
    assert!(sandbox.forms().is_empty() && everything(&sandbox) == before);
}
