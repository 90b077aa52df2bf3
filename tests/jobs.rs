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
    domain::{
        ledger::{Act, Verdict},
        outcome::Outcome,
        plan::{Cell, Plan},
    },
    io::{
        store::Store,
        transport::{Answer, Broken, Later, SharedTransport, Transport},
    },
    job::{
        forms::form_count,
        report::{Level, Phase, Sending},
        session::Session,
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
    let (session, plan, cells) = approved(&sandbox, folder.path(), sandbox.transport(ORIGIN)).await;
    let (moved, already) = (cells[3], cells[9]);
    let change = |cell: Cell, value: &str| {
        sandbox.set_property(&plan.facility(cell.facility).case_id, &plan.property(cell.property).name, value)
    };
    assert!(change(moved, "987654321") && change(already, plan.new_value(already).unwrap()));
    let check = session.check(&plan, &session.open().await.unwrap().ledger).await.unwrap();
    assert_eq!((check.changes, check.held.len()), (cells.len() - 2, 1));
    assert!(check.held[0].cell == moved && check.held[0].why.contains("987654321"), "{:?}", check.held);
    assert!(check.lines.iter().any(|(_, line)| line.contains("1 cells hold the new value already")), "{check:?}");
    assert!(sandbox.forms().is_empty(), "a check sends nothing");
    let sent = submit(&session).await.unwrap();
    assert_eq!((sent.applied, sent.held.len(), sent.elsewhere.len()), (cells.len() - 2, 1, 1));
    let again = session.open().await.unwrap();
    let left: Vec<Cell> = again.ledger.to_send(&plan).collect();
    assert!(left.is_empty(), "what was set elsewhere is settled, and what moved is not approved any more");
    assert!(again.ledger.verdict(&plan, moved).is_none() && again.ledger.held(&plan, moved));
    assert!(again.reset.iter().any(|reset| reset.cell == moved && reset.said == Some(Verdict::Approve)));
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
    let (session, ..) = approved(&sandbox, folder.path(), lossy).await;
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
        // The database is asked about a few cases; what the index alone could show is open.
        assert_eq!((sent.phase, sent.applied + sent.unknown), (Phase::Ended, sent.changes));
        assert!(sent.unknown > 0);
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
    let (session, ..) = approved(&sandbox, folder.path(), sandbox.transport(ORIGIN)).await;
    sandbox.hold_index(true);
    let sent = submit(&session).await.unwrap();
    assert!(sent.applied + sent.accepted == sent.changes && sent.accepted > 0);
    sandbox.hold_index(false);
    let sent = submit(&session).await.unwrap();
    assert!(sent.all_applied(), "{sent:?}");
    assert_eq!(sandbox.forms().len(), 1, "settled by reading back, not by sending again");
}

#[tokio::test]
async fn a_review_that_is_too_old_is_settled_and_not_sent() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let ways = || connect(sandbox.transport(ORIGIN));
    let young = session(folder.path(), ways());
    let mut opened = read(&young, &ask(&[])).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells = opened.ledger.undecided(&plan, plan.cells()).plain;
    approve(&young, &plan, &mut opened.ledger, cells).await;
    let stops = |lines: &[(Level, String)]| lines.iter().filter(|(level, _)| *level == Level::Stop).count();
    assert_eq!(stops(&young.check(&plan, &opened.ledger).await.unwrap().lines), 0);
    young.close();
    let later = || support::clock() + std::time::Duration::from_hours(20 * 24);
    let sleep = Arc::new(|_| -> Later<'static, ()> { Box::pin(std::future::ready(())) });
    let store = Store::open(young.path()).unwrap();
    let old = Session::new(store, Some(ways()), Arc::new(later), sleep, "Grace").stale_after(14);
    let check = old.check(&plan, &opened.ledger).await.unwrap();
    assert!(stops(&check.lines) == 1 && check.lines.iter().any(|(_, text)| text.starts_with("read 20 days ago")));
    let refused = submit(&old).await.unwrap_err().to_string();
    assert!(refused.contains("onse review --new"), "{refused}");
    let (progress, steering) = (tokio::sync::watch::channel(Sending::default()).0, support::steering());
    let nothing = old.settle(sandbox::COMMCARE_USER, progress, steering).await.unwrap_err().to_string();
    assert!(nothing.contains("nothing to send"), "{nothing}");
    assert!(sandbox.forms().is_empty());
    let store = old.stale_after(20);
    submit(&store).await.unwrap();
    assert_eq!(sandbox.forms().len(), 1);
}

/// A session with every unflagged change of a small country approved, through this transport.
async fn approved(
    sandbox: &Sandbox,
    folder: &std::path::Path,
    transport: SharedTransport,
) -> (Session, Arc<Plan>, Vec<Cell>) {
    let session = session(folder, connect(transport));
    let mut opened = read(&session, &ask(&[])).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells = opened.ledger.undecided(&plan, plan.cells()).plain;
    approve(&session, &plan, &mut opened.ledger, cells.clone()).await;
    assert!(sandbox.forms().is_empty() && !cells.is_empty());
    (session, plan, cells)
}

#[tokio::test]
async fn a_refusal_changes_nothing_and_the_cells_can_go_again() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let (session, plan, cells) = approved(&sandbox, folder.path(), sandbox.transport(ORIGIN)).await;
    let before = everything(&sandbox);
    // Reading needs both permissions too, so only the receiver is closed.
    let closed = Answering::new(sandbox.transport(ORIGIN), vec![Reply::Status(403)]);
    session.close();
    let session = on(Store::open(session.path()).unwrap(), connect(Arc::new(closed)));
    let sent = submit(&session).await.unwrap();
    assert_eq!((sent.applied, sent.not_applied, sent.forms.len()), (0, cells.len(), 1));
    let note = sent.note.unwrap();
    assert!(note.contains("403") && note.contains("Nothing of it changed"), "{note}");
    assert!(sandbox.forms().is_empty() && everything(&sandbox) == before);
    assert_eq!(session.open().await.unwrap().ledger.to_send(&plan).count(), cells.len());
    let sent = submit(&session).await.unwrap();
    assert_eq!(sent.applied, cells.len());
    assert_ne!(sent.forms[0].form_id, sent.forms[1].form_id, "a refused form is never sent again");
}

/// What happens to a form.
#[derive(Clone, Copy)]
enum Reply {
    /// The server takes it and the answer is lost.
    Lost,
    /// It never reaches the server and there is no answer.
    Swallowed,
    /// It never reaches the server; somebody on the way answers this.
    Status(u16),
    /// As an error form of HQ.
    Rejected,
}

/// Treats the first forms as told, and passes everything else on.
struct Answering {
    inner: SharedTransport,
    replies: std::sync::Mutex<std::collections::VecDeque<Reply>>,
}

impl Answering {
    fn new(inner: SharedTransport, replies: Vec<Reply>) -> Self {
        Self { inner, replies: std::sync::Mutex::new(replies.into()) }
    }
}

fn answer(status: u16, body: &'static str) -> Answer {
    let body: Box<dyn onse::io::transport::Body> = Box::new(onse::io::transport::Whole::new(body));
    http::Response::builder().status(status).body(body).unwrap()
}

impl Transport for Answering {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        let form = request.uri().path().contains("/receiver/");
        Box::pin(async move {
            let reply = if form { self.replies.lock().unwrap().pop_front() } else { None };
            match reply {
                None => self.inner.send(request).await,
                Some(Reply::Lost) => {
                    let _ = self.inner.send(request).await;
                    Err(Broken::NoAnswer("the connection was reset".to_owned()))
                }
                Some(Reply::Swallowed) => Err(Broken::NoAnswer("the connection was reset".to_owned())),
                Some(Reply::Status(status)) => Ok(answer(status, "go away")),
                Some(Reply::Rejected) => Ok(answer(
                    422,
                    "<OpenRosaResponse xmlns=\"http://openrosa.org/http/response\"><message nature=\"processing_failure\">IllegalCaseId: Bad case id</message></OpenRosaResponse>",
                )),
            }
        })
    }
}

#[tokio::test]
async fn a_refusal_after_a_lost_answer_tells_nothing_of_the_form() {
    for refusal in [400, 401, 403, 404, 413, 509] {
        let sandbox = sandbox(20);
        let folder = tempfile::tempdir().unwrap();
        let replies = vec![Reply::Lost, Reply::Status(refusal)];
        let faulty = Arc::new(Answering::new(sandbox.transport(ORIGIN), replies));
        let (session, plan, cells) = approved(&sandbox, folder.path(), faulty).await;
        sandbox.hold_index(true);
        let sent = submit(&session).await.unwrap();
        assert_eq!((sent.unknown + sent.applied, sent.not_applied), (cells.len(), 0), "{refusal}");
        assert!(sent.unknown > 0);
        assert!(sent.note.unwrap().contains("UNKNOWN"));
        assert_eq!(
            session.open().await.unwrap().ledger.to_send(&plan).count(),
            0,
            "{refusal}: nothing goes under a new id"
        );
        let sent = submit(&session).await.unwrap();
        sandbox.hold_index(false);
        assert!(sandbox.forms().iter().all(|form| form.bytes == sandbox.forms()[0].bytes), "{refusal}");
        assert_eq!(sent.applied + sent.accepted, cells.len(), "{refusal}: the same bytes, recognised");
        if sent.accepted > 0 {
            assert!(submit(&session).await.unwrap().all_applied());
        }
    }
}

#[tokio::test]
async fn an_unknown_form_is_not_sent_over_a_newer_value() {
    let sandbox = sandbox(20);
    let folder = tempfile::tempdir().unwrap();
    let faulty = Arc::new(Answering::new(sandbox.transport(ORIGIN), vec![Reply::Swallowed; 6]));
    let (session, plan, cells) = approved(&sandbox, folder.path(), faulty).await;
    assert_eq!(submit(&session).await.unwrap().unknown, cells.len());
    let cell = cells[2];
    let (case_id, name) = (&plan.facility(cell.facility).case_id, &plan.property(cell.property).name);
    assert!(sandbox.set_property(case_id, name, "777777"));
    let sent = submit(&session).await.unwrap();
    assert_eq!((sent.applied, sent.unknown, sent.held.len()), (0, cells.len(), 1));
    assert!(sent.note.unwrap().contains("of its cells moved since it was made"));
    assert!(sandbox.forms().is_empty());
    assert_eq!(sandbox.case(case_id).unwrap().properties[name.as_str()], "777777");
    assert!(sandbox.set_property(case_id, name, plan.old(cell).unwrap_or("")));
    assert!(submit(&session).await.unwrap().all_applied(), "as it was again: the same bytes go");
}

#[tokio::test]
async fn an_unknown_form_that_took_effect_is_settled_by_reading() {
    let sandbox = sandbox(20);
    let folder = tempfile::tempdir().unwrap();
    let replies = [vec![Reply::Lost], vec![Reply::Swallowed; 5]].concat();
    let (session, ..) =
        approved(&sandbox, folder.path(), Arc::new(Answering::new(sandbox.transport(ORIGIN), replies))).await;
    assert!(submit(&session).await.unwrap().all_applied(), "it was seen");
    assert_eq!(sandbox.forms().len(), 1);
}

#[tokio::test]
async fn a_rejection_settles_what_was_unknown() {
    let sandbox = sandbox(20);
    let folder = tempfile::tempdir().unwrap();
    let replies = [vec![Reply::Swallowed; 6], vec![Reply::Rejected]].concat();
    let faulty = Arc::new(Answering::new(sandbox.transport(ORIGIN), replies));
    let (session, plan, cells) = approved(&sandbox, folder.path(), faulty).await;
    assert_eq!(submit(&session).await.unwrap().unknown, cells.len());
    let sent = submit(&session).await.unwrap();
    assert_eq!((sent.not_applied, sent.unknown), (cells.len(), 0));
    assert_eq!(session.open().await.unwrap().ledger.to_send(&plan).count(), cells.len());
}

#[tokio::test]
async fn a_case_that_became_another_facility_is_held() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let (session, plan, cells) = approved(&sandbox, folder.path(), sandbox.transport(ORIGIN)).await;
    let (unit, kind) = (cells[0].facility, cells[cells.len() - 1].facility);
    assert_ne!(unit, kind);
    assert!(sandbox.set_property(&plan.facility(unit).case_id, "external_id", "Zaaaaaaaaa1"));
    assert!(sandbox.set_property(&plan.facility(kind).case_id, "case_type", "other"));
    let touched = cells.iter().filter(|cell| [unit, kind].contains(&cell.facility)).count();
    let before = everything(&sandbox);
    let sent = submit(&session).await.unwrap();
    assert_eq!((sent.held.len(), sent.applied), (touched, cells.len() - touched));
    assert!(sent.held.iter().any(|held| held.why.contains("Zaaaaaaaaa1")));
    assert!(sent.held.iter().any(|held| held.why.contains("of type other")));
    for ((case_id, name), value) in everything(&sandbox) {
        let ours = [unit, kind].iter().any(|facility| plan.facility(*facility).case_id == case_id);
        assert!(!ours || before[&(case_id, name)] == value);
    }
}

#[tokio::test]
async fn stop_ends_the_waiting_for_another_try() {
    let sandbox = sandbox(20);
    let folder = tempfile::tempdir().unwrap();
    let faulty = Arc::new(Answering::new(sandbox.transport(ORIGIN), vec![Reply::Swallowed; 60]));
    let (session, _, cells) = approved(&sandbox, folder.path(), faulty).await;
    let steering = support::steering();
    let (progress, mut shown) = tokio::sync::watch::channel(Sending::default());
    let stop = steering.stop.clone();
    let (sent, ()) = tokio::join!(session.submit(sandbox::COMMCARE_USER, usize::MAX, progress, steering), async move {
        let unknown = shown.wait_for(|sending| sending.unknown > 0).await;
        assert!(unknown.is_ok());
        stop.cancel();
    });
    let sent = sent.unwrap();
    assert_eq!(sent.unknown, cells.len());
    assert!(sent.note.unwrap().contains("UNKNOWN"));
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
    let (session, plan, cells) = approved(&sandbox, folder.path(), sandbox.transport(ORIGIN)).await;
    let mut ledger = session.open().await.unwrap().ledger;
    let entry = ledger.decide(&plan, Act::Reject, [cells[0]], None, "one", &session.stamp()).unwrap();
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
    let (session, _, cells) = approved(&sandbox, folder.path(), sandbox.transport(ORIGIN)).await;
    let before = everything(&sandbox);
    let (progress, _) = tokio::sync::watch::channel(Sending::default());
    let sent = session.submit(sandbox::COMMCARE_USER, cells.len() - 1, progress, support::steering()).await.unwrap();
    assert!(sent.note.unwrap().contains("more would be sent than was confirmed"));
    assert!(sandbox.forms().is_empty() && everything(&sandbox) == before);
}

#[tokio::test]
async fn a_pause_that_is_over_is_not_said_any_more() {
    let sandbox = sandbox(20);
    let folder = tempfile::tempdir().unwrap();
    let (session, _, cells) = approved(&sandbox, folder.path(), sandbox.transport(ORIGIN)).await;
    let (pause, paused) = tokio::sync::watch::channel(true);
    let steering = onse::job::submit::Steering { pause: paused, ..support::steering() };
    let (progress, mut shown) = tokio::sync::watch::channel(Sending::default());
    let says = |sending: &Sending| sending.note.as_deref() == Some("paused between forms");
    let (sent, ()) = tokio::join!(session.submit(sandbox::COMMCARE_USER, usize::MAX, progress, steering), async move {
        assert!(shown.wait_for(says).await.is_ok());
        pause.send_replace(false);
        while shown.changed().await.is_ok() {
            let now = shown.borrow_and_update();
            assert!(!says(&now) || now.forms.iter().all(|form| form.form_id.is_none()), "{now:?}");
        }
    });
    assert_eq!(sent.unwrap().applied, cells.len());
}
