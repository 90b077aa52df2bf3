//! The real loop with a screen and keys of a test: what is drawn when, what is saved before it is shown, leaving, suspending.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's answer")]

mod mapping;
mod rest;
#[path = "../support/mod.rs"]
mod support;

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use crossterm::event::{Event, KeyEvent, KeyModifiers};
use futures_util::Stream;
use onse::{
    domain::{
        finer::{Choice, Way},
        ledger::{Ledger, Verdict},
        mapping::Mapping,
        plan::Plan,
    },
    io::store::Store,
    job::{fetch::Ask, session::Session},
    tui::{
        Input, Parts, Perform, Replies, Seat,
        explorer::Looked,
        keymap::Press,
        model::{Look, Model, Run, Stage},
        msg::{Cmd, Msg, Now, Opened, Signal},
        perform::Performer,
        run,
    },
};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Position, style::Style};

thread_local! {
    /// What each frame of this test showed.
    static FRAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Draws one line: tab, row, what is shown of the submission, whether something is being saved, status.
fn draw(model: &Model, buf: &mut Buffer) -> Option<Position> {
    let review = model.review.as_ref();
    let stage = match &model.submit.stage {
        Stage::Ready(check) => format!("ready {}", check.changes),
        Stage::Ended(sending) => format!("ended {} of {}", sending.applied, sending.changes),
        Stage::Sending(_) => "sending".to_owned(),
        _ => String::new(),
    };
    let line = format!(
        "{:?} row {} left {} [{stage}] {}saving {}: {}",
        model.screen,
        review.map_or(0, |r| r.list.at),
        review.map_or(0, |r| r.ledger.all().left()),
        if model.explorer.looked == Looked::Ready { "looked up " } else { "" },
        review.is_some_and(onse::tui::model::Review::is_saving),
        model.status().map_or("", |line| &line.text)
    );
    buf.set_string(0, 0, &line, Style::default());
    FRAMES.with_borrow_mut(|frames| frames.push(line));
    None
}

fn frames() -> Vec<String> {
    FRAMES.with_borrow(Clone::clone)
}

/// Waits until a frame shows this; says what was last on screen where none does.
async fn shows(text: &str) {
    until(|| frames().last().is_some_and(|frame| frame.contains(text)), text).await;
}

async fn until(mut is: impl FnMut() -> bool, what: &str) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited for {what}; last on screen: {:?}", frames().last());
        tokio::task::yield_now().await;
    }
}

/// Lets everything that can go on go on.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Keys on their way, and whom to wake. As the real stream of keys does, it keeps the first waker until there is a key.
#[derive(Default)]
struct Queue {
    keys: VecDeque<Input>,
    waker: Option<Waker>,
    closed: bool,
    /// How many listen.
    listeners: usize,
}

type Shared = Arc<Mutex<Queue>>;

struct Listener(Shared);

impl Stream for Listener {
    type Item = Input;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Input>> {
        let mut queue = self.0.lock().unwrap();
        match queue.keys.pop_front() {
            Some(key) => Poll::Ready(Some(key)),
            None if queue.closed => Poll::Ready(None),
            None => {
                queue.waker.get_or_insert_with(|| cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.lock().unwrap().listeners -= 1;
    }
}

/// The person's side: keys of a test, and a log of what was asked.
struct Hands {
    queue: Shared,
    log: Arc<Mutex<Vec<&'static str>>>,
}

impl Seat for Hands {
    type Input = Listener;

    fn input(&mut self) -> Listener {
        self.log.lock().unwrap().push("listens");
        self.queue.lock().unwrap().listeners += 1;
        Listener(Arc::clone(&self.queue))
    }

    async fn suspend(&mut self) -> io::Result<()> {
        assert_eq!(self.queue.lock().unwrap().listeners, 0, "the shell gets the terminal when nobody takes its keys");
        self.log.lock().unwrap().push("suspended");
        Ok(())
    }

    fn retake(&mut self) -> io::Result<()> {
        self.log.lock().unwrap().push("taken again");
        Ok(())
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.log.lock().unwrap().push("copied");
        if text.contains("refused") { Err(io::Error::other("no terminal")) } else { Ok(()) }
    }
}

/// Does nothing but keep what was asked and where answers go.
#[derive(Default)]
struct Slow {
    asked: Arc<Mutex<Vec<Cmd>>>,
    reply: Arc<Mutex<Option<Replies>>>,
}

impl Perform for Slow {
    fn perform(&mut self, cmd: Cmd, reply: &Replies) {
        self.asked.lock().unwrap().push(cmd);
        *self.reply.lock().unwrap() = Some(reply.clone());
    }

    async fn finish(&mut self) {
        self.asked.lock().unwrap().push(Cmd::Quit);
    }
}

/// Keys for a loop.
struct Keys(Shared);

impl Keys {
    fn press(&self, keys: &str) {
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let (key, after) = match rest.strip_prefix('<').and_then(|tail| tail.split_once('>')) {
                Some((name, after)) => (name, after),
                None => rest.split_at(first.len_utf8()),
            };
            let press = Press::parse(key).unwrap();
            let modifiers = if press.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            self.send(Input::Event(Event::Key(KeyEvent::new(press.code, modifiers))));
            rest = after;
        }
    }

    fn close(&self) {
        self.0.lock().unwrap().closed = true;
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.0.lock().unwrap().waker.take() {
            waker.wake();
        }
    }

    fn send(&self, input: Input) {
        self.0.lock().unwrap().keys.push_back(input);
        self.wake();
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.close();
    }
}

fn now() -> Now {
    Now { at: "2026-07-05T11:00:00Z".to_owned(), since: Duration::from_secs(1) }
}

/// Runs the loop as a task of its own beside a script, so that only a waker can bring it on. The keys stay until it left.
async fn with<P: Perform + 'static>(
    performer: P,
    first: Cmd,
    script: impl AsyncFnOnce(&Keys),
) -> (Vec<&'static str>, Model) {
    with_look(performer, first, Look::default(), script).await
}

/// The same, drawn and listening in another way.
async fn with_look<P: Perform + 'static>(
    mut performer: P,
    first: Cmd,
    look: Look,
    script: impl AsyncFnOnce(&Keys),
) -> (Vec<&'static str>, Model) {
    FRAMES.with_borrow_mut(Vec::clear);
    let keys = Keys(Shared::default());
    let mut seat = Hands { queue: Arc::clone(&keys.0), log: Arc::default() };
    let running = async move {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let mut model = Model::new(Run::default(), look, (80, 24));
        let parts = Parts { seat: &mut seat, performer: &mut performer, draw, clock: &now };
        run(&mut terminal, &mut model, parts, first).await.unwrap();
        let log = seat.log.lock().unwrap().clone();
        (log, model)
    };
    let tasks = tokio::task::LocalSet::new();
    let running = tasks.spawn_local(running);
    tasks
        .run_until(async {
            until(|| frames().iter().any(|_| true), "a frame").await;
            script(&keys).await;
            until(|| running.is_finished(), "leaving").await;
            running.await.unwrap()
        })
        .await
}

/// A folder with a review of twenty facilities, read from the sandbox.
async fn session(folder: &Path) -> Session {
    let session = support::session(folder, support::connect(support::sandbox(20).transport(support::ORIGIN)));
    support::read(&session, &support::ask(&[])).await.unwrap();
    session
}

fn performer(session: &Session) -> Performer {
    performer_of(session, support::ask(&[]))
}

/// One for which reading means this.
fn performer_of(session: &Session, ask: Ask) -> Performer {
    let forms = |_: Session| -> futures_util::future::BoxFuture<'static, anyhow::Result<String>> {
        Box::pin(async { Ok("forms".to_owned()) })
    };
    Performer::new(session.clone(), Some(ask), onse::sandbox::COMMCARE_USER.to_owned(), Arc::new(forms))
}

/// A plan from the sandbox, for loops whose commands nobody does.
async fn plan() -> (Plan, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    let opened = session.open().await.unwrap();
    session.close();
    let ledger = opened.ledger.clone();
    drop(session);
    (Arc::try_unwrap(opened.plan).unwrap(), ledger)
}

async fn opened() -> Msg {
    let (plan, ledger) = plan().await;
    let file = "2026Q2.review".to_owned();
    Msg::Read(Ok(Box::new(Opened {
        plan: Arc::new(plan),
        ledger,
        place: None,
        file,
        sending: None,
        reset: Vec::new(),
    })))
}

#[tokio::test]
async fn a_decision_is_on_disk_before_it_is_shown() {
    let slow = Slow::default();
    let (asked, reply) = (Arc::clone(&slow.asked), Arc::clone(&slow.reply));
    let review = opened().await;
    with(slow, Cmd::Open, async |keys| {
        let reply = reply.lock().unwrap().clone().unwrap();
        reply.send(review).unwrap();
        shows("read; nothing").await;
        keys.press("3r");
        until(|| asked.lock().unwrap().iter().any(|cmd| matches!(cmd, Cmd::Record(_))), "a record").await;
        settle().await;
        let early: Vec<String> = frames().into_iter().filter(|frame| frame.contains("rejected")).collect();
        assert!(early.iter().all(|frame| frame.contains("saving true")), "{early:?}");
        reply.send(Msg::Recorded(1, Ok(()))).unwrap();
        shows("saving false: rejected").await;
        keys.press("q");
    })
    .await;
    assert_eq!(asked.lock().unwrap().last(), Some(&Cmd::Quit), "what runs is finished before leaving");
}

#[tokio::test]
async fn a_disk_that_does_not_answer_stops_only_decisions() {
    let slow = Slow::default();
    let (asked, reply) = (Arc::clone(&slow.asked), Arc::clone(&slow.reply));
    let review = opened().await;
    let (_, model) = with(slow, Cmd::Open, async |keys| {
        let reply = reply.lock().unwrap().clone().unwrap();
        reply.send(review).unwrap();
        shows("read; nothing").await;
        keys.press("3rr");
        shows("saving true: the last decision is still being saved").await;
        keys.press("<ctrl-c>");
    })
    .await;
    assert!(model.leaving);
    let records = asked.lock().unwrap().iter().filter(|cmd| matches!(cmd, Cmd::Record(_))).count();
    assert_eq!(records, 1);
}

#[tokio::test]
async fn queued_keys_are_one_frame_and_rest_is_no_frame() {
    let slow = Slow::default();
    let reply = Arc::clone(&slow.reply);
    let review = opened().await;
    with(slow, Cmd::Open, async |keys| {
        let reply = reply.lock().unwrap().clone().unwrap();
        reply.send(review).unwrap();
        shows("read; nothing").await;
        keys.press("3");
        shows("Facilities").await;
        let before = frames().len();
        keys.press(&"j".repeat(15));
        shows("row 15").await;
        assert_eq!(frames().len(), before + 1);
        settle().await;
        assert_eq!(frames().len(), before + 1, "nothing changed, nothing is drawn");
        keys.send(Input::Event(Event::FocusGained));
        settle().await;
        assert_eq!(frames().len(), before + 1);
        keys.press("q");
    })
    .await;
}

#[tokio::test]
async fn keys_are_let_go_of_while_the_shell_has_the_terminal() {
    let slow = Slow::default();
    let reply = Arc::clone(&slow.reply);
    let review = opened().await;
    let (log, _) = with(slow, Cmd::Open, async |keys| {
        let reply = reply.lock().unwrap().clone().unwrap();
        reply.send(review).unwrap();
        shows("read; nothing").await;
        keys.press("<ctrl-z>3j");
        shows("Facilities row 1").await;
        keys.send(Input::Continued);
        keys.send(Input::Signal(Signal::Terminate));
    })
    .await;
    assert_eq!(log, ["listens", "suspended", "listens", "taken again"]);
}

#[tokio::test]
async fn the_end_of_the_keys_is_the_end() {
    let slow = Slow::default();
    let (_, model) = with(slow, Cmd::Open, async |keys| {
        keys.send(Input::Lost("closed".to_owned()));
    })
    .await;
    assert!(model.leaving);
    let slow = Slow::default();
    let (_, model) = with(slow, Cmd::Open, async |keys| {
        keys.close();
    })
    .await;
    assert!(model.leaving);
}

#[tokio::test]
async fn a_quarter_is_read_decided_sent_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let transport: onse::io::transport::SharedTransport = support::sandbox(20).transport(support::ORIGIN);
    let session = support::session(folder.path(), support::connect(Arc::clone(&transport)));
    with(performer(&session), Cmd::Read, async |keys| {
        shows("read; nothing has been written").await;
        keys.press("3/is:plain<enter>");
        shows("shown").await;
        keys.press("ja");
        shows("approved").await;
        keys.press("4");
        shows("[ready").await;
        let frame = frames().pop().unwrap();
        let count = frame.split("[ready ").nth(1).unwrap().split(']').next().unwrap().to_owned();
        keys.press(&format!("{count}<enter>"));
        shows(&format!("[ended {count} of {count}]")).await;
        keys.press("3u");
        shows("sent already").await;
        keys.press("jrq");
    })
    .await;
    let opened = session.open().await.unwrap();
    let verdicts =
        |verdict| opened.plan.cells().filter(|c| opened.ledger.verdict(&opened.plan, *c) == Some(verdict)).count();
    assert!(verdicts(Verdict::Approve) > 0 && verdicts(Verdict::Reject) > 0);
    assert_eq!(opened.sent().len(), verdicts(Verdict::Approve));
    session.close();

    let store = Store::open(&folder.path().join("2026Q2.review")).unwrap();
    let session = support::on(store, support::connect(transport));
    with(performer(&session), Cmd::Open, async |keys| {
        shows("Facilities").await;
        let frame = frames().pop().unwrap();
        assert!(frame.contains("went on where you left: Facilities") && frame.contains("[ended"), "{frame}");
        keys.press("q");
    })
    .await;
}

#[tokio::test]
async fn a_sum_of_months_is_chosen_approved_and_kept_by_reading_again() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = support::sandbox(20);
    let session = support::session(folder.path(), support::connect(sandbox.transport(support::ORIGIN)));
    let set = onse::sandbox::MONTHLY_SET;
    let rows = format!("fever,{},{set},\nors,{},{set},\n", onse::sandbox::MONTHLY_SUM, onse::sandbox::MONTHLY_LAST);
    let text = format!("case_property,data_element_id,data_set_id,dhis2_name\n{rows}");
    let ask = Ask { mapping: Mapping::read(text.as_bytes()), ..support::ask(&[]) };
    let (_, model) = with(performer_of(&session, ask), Cmd::Read, async |keys| {
        shows("read; nothing has been written").await;
        keys.press("gj<enter>s");
        shows("read again: 0 decisions kept, 0 reset").await;
        keys.press("3/prop:fever<space>is:plain<enter>");
        shows("shown").await;
        keys.press("jja");
        shows("approved").await;
        keys.press("F");
        shows("read again: 1 decision kept, 0 reset").await;
        let row = frames().pop().unwrap();
        assert!(row.starts_with("Facilities row "), "the screen stays: {row}");
        // In DHIS2 the number moves: the decision is asked for again.
        let kept = session.open().await.unwrap();
        let cell = kept.plan.cells().find(|cell| kept.ledger.verdict(&kept.plan, *cell).is_some()).unwrap();
        let unit = kept.plan.facility(cell.facility).external_id.clone();
        let (element, default) = (onse::sandbox::MONTHLY_SUM, "HllvX50cXC0");
        assert!(sandbox.set_value(&unit, element, default, "202605", Some("777777")));
        keys.press("F");
        shows("read again: 0 decisions kept, 1 reset").await;
        // The list of what was reset stands over the screen.
        keys.press("qq");
    })
    .await;
    let review = model.review.unwrap();
    let head = &review.plan.head;
    assert_eq!((head.generation, head.choices.get(set)), (4, Some(&Choice::Ways([Way::Sum].into()))));
    let reset: Vec<_> = review.reset_left().collect();
    assert_eq!((reset.len(), reset[0].said), (1, Some(Verdict::Approve)));
    assert!(review.plan.new_value(reset[0].cell).unwrap().parse::<u32>().unwrap() > 777_777, "all months add up");
    assert_eq!(session.open().await.unwrap().plan.head.generation, 4);
}

#[tokio::test]
async fn a_refused_sign_in_is_said_and_can_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let connect = support::connect_as(support::sandbox(5).transport(support::ORIGIN), "wrong", onse::sandbox::PROJECT);
    let session = support::session(folder.path(), connect);
    let (_, model) = with(performer(&session), Cmd::Read, async |keys| {
        until(|| frames().last().is_some_and(|frame| frame.contains("CommCare")), "a refusal").await;
        keys.press("<enter>");
        settle().await;
        keys.press("q");
    })
    .await;
    assert!(model.review.is_none());
    assert!(model.log.iter().filter(|line| line.text.contains("CommCare")).count() >= 1);
}

#[tokio::test]
async fn the_detail_of_the_cell_under_the_cursor_comes() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    let (_, model) = with(performer(&session), Cmd::Open, async |keys| {
        shows("read; nothing").await;
        keys.press("3");
        shows("Facilities").await;
        let before = frames().len();
        until(|| frames().len() > before, "the detail").await;
        keys.press("q");
    })
    .await;
    let review = model.review.unwrap();
    let onse::tui::model::Behind::Here(detail) = review.behind else { panic!("{:?}", review.behind) };
    assert_eq!(Some(detail.cell), review.cells.current());
    assert!(!detail.parts.is_empty());
}
