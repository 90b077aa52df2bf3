//! Does what `update` asked for, on a [`Session`]: every [`Cmd`] that takes time becomes a task, and its end a message.
//! Decides nothing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Result, anyhow};
use futures_util::future::{BoxFuture, join_all, ready};
use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinHandle},
};
use tokio_util::sync::CancellationToken;

mod mapping;

pub use mapping::{MappingFile, ReadMapping, WriteMapping};

use super::{
    Perform, Replies,
    msg::{Cmd, Job, Msg, Opened, Place},
};
use crate::{
    domain::{
        ledger::Entry,
        plan::{Cell, Plan},
    },
    job::{
        fetch::Ask,
        generation::Pick,
        report::{Level, Phase, Reading, Sending},
        session::{self, Session},
        submit::Steering,
    },
};

/// Longest wait, on leaving, for a form that was let go of to be recorded as UNKNOWN.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// Writes the forms as they stand now to a folder and answers where that is.
pub type WriteForms = Arc<dyn Fn(Session) -> BoxFuture<'static, Result<String>> + Send + Sync>;

/// Writes these cells of the review to a table beside its file and answers where that is.
pub type WriteTable = Arc<dyn Fn(Session, Vec<Cell>) -> BoxFuture<'static, Result<String>> + Send + Sync>;

/// What goes to the review file, in this order.
enum Write {
    Decision(Box<Entry>, Replies),
    Place(Place, Replies),
}

/// Which reading it is.
enum Turn {
    /// The first of the file.
    First,
    /// The next one, with what the person changed in the choices.
    Again(Option<Pick>),
}

/// How the submission under way is steered.
struct Wheel {
    stop: CancellationToken,
    abandon: CancellationToken,
    pause: watch::Sender<bool>,
}

/// A session with the work under way on it.
pub struct Performer {
    session: Session,
    ask: Option<Arc<Ask>>,
    username: String,
    write_forms: WriteForms,
    write_table: Option<WriteTable>,
    /// What the file held when it was taken hold of; given out once.
    opened: Option<session::Opened>,
    /// The plan of the review, once there is one.
    plan: Arc<Mutex<Option<Arc<Plan>>>>,
    reading: Option<CancellationToken>,
    wheel: Option<Wheel>,
    detail: Option<AbortHandle>,
    /// Data sets.
    looked: mapping::Looked,
    /// Work under way; each ends after it has sent its message.
    tasks: Vec<JoinHandle<()>>,
    /// `None` once the review file takes nothing more.
    file: Option<mpsc::UnboundedSender<Write>>,
    writer: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Performer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Performer").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Performer {
    /// Works on this session. `ask` is what reading means, at first and again, none where nothing can be read; `username` stands in the forms.
    /// Needs a tokio runtime around it.
    pub fn new(session: Session, ask: Option<Ask>, username: String, write_forms: WriteForms) -> Self {
        let plan = Arc::new(Mutex::new(None));
        let (file, queue) = mpsc::unbounded_channel();
        let writer = tokio::spawn(write(session.clone(), Arc::clone(&plan), queue));
        Self {
            session,
            ask: ask.map(Arc::new),
            username,
            write_forms,
            write_table: None,
            opened: None,
            plan,
            reading: None,
            wheel: None,
            detail: None,
            looked: mapping::Looked::default(),
            tasks: Vec::new(),
            file: Some(file),
            writer: Some(writer),
        }
    }

    /// The same, with what the review file holds, where it was read already: it is not read again to be opened.
    #[must_use]
    pub fn with_opened(self, opened: Option<session::Opened>) -> Self {
        Self { opened, ..self }
    }

    /// The same, with tables written by this.
    #[must_use]
    pub fn with_tables(self, write_table: WriteTable) -> Self {
        Self { write_table: Some(write_table), ..self }
    }

    /// Runs a piece of work whose end is a message. A panic in it becomes a message too.
    fn start<F>(
        &mut self,
        reply: &Replies,
        work: impl Future<Output = Msg> + Send + 'static,
        broken: impl FnOnce(String) -> F + Send + 'static,
    ) -> AbortHandle
    where
        F: Future<Output = Msg> + Send,
    {
        let work = tokio::spawn(work);
        let (abort, reply) = (work.abort_handle(), reply.clone());
        self.tasks.retain(|task| !task.is_finished());
        self.tasks.push(tokio::spawn(async move {
            let msg = match work.await {
                Ok(msg) => msg,
                Err(error) if error.is_panic() => broken("a fault in the program; see the log file".to_owned()).await,
                Err(_) => return,
            };
            let _ = reply.send(msg);
        }));
        abort
    }

    fn put(&self, write: Write) {
        if let Some(Err(lost)) = self.file.as_ref().map(|file| file.send(write)) {
            tracing::error!("the review file takes nothing more");
            if let Write::Decision(entry, reply) = lost.0 {
                let _ = reply.send(Msg::Recorded(entry.seq, Err("the review file was closed".to_owned())));
            }
        }
    }

    /// Reads both sides.
    fn read(&mut self, turn: Turn, reply: &Replies) {
        let Some(ask) = self.ask.clone() else {
            let _ =
                reply.send(Msg::Read(Err("this review file is looked at as it is; nothing is read again".to_owned())));
            return;
        };
        let stop = CancellationToken::new();
        self.reading = Some(stop.clone());
        let (session, plan) = (self.session.clone(), Arc::clone(&self.plan));
        let (said, anew) = (reply.clone(), self.asked_anew());
        let work = async move {
            let (progress, shown) = watch::channel(Reading::default());
            let read = async {
                let ask = anew(&ask)?;
                match turn {
                    Turn::Again(pick) => session.read_again(&ask, pick, progress, stop).await,
                    Turn::First => session.read(&ask, progress, stop).await,
                }
            };
            let result = told(read, shown, &said, |reading| Msg::Reading(Box::new(reading))).await;
            read_msg(&session, &plan, result)
        };
        self.start(reply, work, |why| ready(Msg::Read(Err(why))));
    }

    fn open(&mut self, reply: &Replies) {
        let (session, plan) = (self.session.clone(), Arc::clone(&self.plan));
        let opened = self.opened.take();
        let work = async move {
            let result = match opened {
                Some(opened) => Ok(opened),
                None => session.open().await,
            };
            read_msg(&session, &plan, result)
        };
        self.start(reply, work, |why| ready(Msg::Read(Err(why))));
    }

    /// Loads what is behind a cell. Only the newest is wanted.
    fn load_detail(&mut self, cell: Cell, reply: &Replies) {
        if let Some(older) = self.detail.take() {
            older.abort();
        }
        let Some(plan) = current(&self.plan) else { return };
        let session = self.session.clone();
        let work =
            async move { Msg::Detail(session.detail(&plan, cell).await.map_err(|error| (cell, format!("{error:#}")))) };
        self.detail = Some(self.start(reply, work, move |why| ready(Msg::Detail(Err((cell, why))))));
    }

    /// Makes the checks on what the review file holds, which is what would be sent.
    fn check(&mut self, job: Job, reply: &Replies) {
        let session = self.session.clone();
        let work = async move {
            let check = async {
                let opened = session.open().await?;
                session.check(&opened.plan, &opened.ledger).await
            };
            Msg::Checked(job, check.await.map(Box::new).map_err(|error| format!("{error:#}")))
        };
        self.start(reply, work, move |why| ready(Msg::Checked(job, Err(why))));
    }

    fn submit(&mut self, job: Job, count: usize, reply: &Replies) {
        let (pause, paused) = watch::channel(false);
        let steering = Steering { stop: CancellationToken::new(), abandon: CancellationToken::new(), pause: paused };
        self.wheel = Some(Wheel { stop: steering.stop.clone(), abandon: steering.abandon.clone(), pause });
        let (session, username, said) = (self.session.clone(), self.username.clone(), reply.clone());
        let work = async move {
            let (progress, shown) = watch::channel(Sending::default());
            let submit = async {
                match count {
                    0 => session.settle(&username, progress, steering).await,
                    count => session.submit(&username, count, progress, steering).await,
                }
            };
            let result = told(submit, shown, &said, |sending| still(job, sending)).await;
            ended(job, &session, result, &said).await
        };
        // After a panic the review file still knows what left this machine.
        let (left, also) = (self.session.clone(), reply.clone());
        self.start(reply, work, move |why| async move { ended(job, &left, Err(anyhow!("{why}")), &also).await });
    }

    /// Reads a form that was made, for the clipboard.
    fn copy_form(&mut self, number: usize, xml: bool, reply: &Replies) {
        let (session, username) = (self.session.clone(), self.username.clone());
        let work = async move {
            let text = if xml { session.form_xml(number).await } else { session.form_curl(number, &username).await };
            let what = if xml { "the XML" } else { "the request as curl, without secrets," };
            let said = format!("{what} of form {number}");
            Msg::Copied(text.map(|text| (text, said)).map_err(|error| format!("{error:#}")))
        };
        self.start(reply, work, |why| ready(Msg::Copied(Err(why))));
    }

    fn write_forms(&mut self, reply: &Replies) {
        let work = (self.write_forms)(self.session.clone());
        let work = async move { Msg::Wrote(work.await.map_err(|error| format!("{error:#}"))) };
        self.start(reply, work, |why| ready(Msg::Wrote(Err(why))));
    }
}

impl Performer {
    fn export(&mut self, cells: Vec<Cell>, reply: &Replies) {
        let Some(write) = &self.write_table else {
            let _ = reply.send(Msg::Note(Level::Look, "no table can be written here".to_owned()));
            return;
        };
        let rows = crate::domain::value::grouped(&cells.len().to_string());
        let rows = format!("{rows} row{}", if cells.len() == 1 { "" } else { "s" });
        let work = write(self.session.clone(), cells);
        let told = |error| Msg::Note(Level::Stop, format!("no table was written: {error}"));
        let work = async move {
            match work.await {
                Ok(place) => Msg::Note(Level::Ok, format!("{rows} written to {place}")),
                Err(error) => told(format!("{error:#}")),
            }
        };
        self.start(reply, work, move |why| ready(told(why)));
    }
}

impl Perform for Performer {
    fn perform(&mut self, cmd: Cmd, reply: &Replies) {
        match cmd {
            Cmd::Open => self.open(reply),
            Cmd::Read => self.read(Turn::First, reply),
            Cmd::ReadAgain(pick) => self.read(Turn::Again(pick), reply),
            Cmd::CancelRead => {
                if let Some(reading) = &self.reading {
                    reading.cancel();
                }
            }
            Cmd::Record(entry) => self.put(Write::Decision(entry, reply.clone())),
            Cmd::SavePlace(place) => self.put(Write::Place(place, reply.clone())),
            Cmd::LoadDetail(cell) => self.load_detail(cell, reply),
            Cmd::Check(job) => self.check(job, reply),
            Cmd::Submit { job, count } => self.submit(job, count, reply),
            Cmd::WriteForms => self.write_forms(reply),
            Cmd::Pause(pause) => {
                if let Some(wheel) = &self.wheel {
                    wheel.pause.send_replace(pause);
                }
            }
            Cmd::StopAfterForm => {
                if let Some(wheel) = &self.wheel {
                    wheel.stop.cancel();
                }
            }
            Cmd::Abandon => {
                if let Some(wheel) = &self.wheel {
                    wheel.stop.cancel();
                    wheel.abandon.cancel();
                }
            }
            // The loop does these itself.
            Cmd::Suspend | Cmd::Redraw | Cmd::Copy(_) | Cmd::Quit => {}
            Cmd::CopyForm { number, xml } => self.copy_form(number, xml, reply),
            Cmd::Export(cells) => self.export(cells, reply),
            Cmd::Explore(job) => self.explore(job, reply),
            Cmd::Search { job, words } => self.search(job, words, reply),
            Cmd::LoadHeld { job, place, candidates } => self.load_held(job, place, candidates, reply),
            Cmd::LoadPlaces(job) => self.load_places(job, reply),
            Cmd::WriteMapping { before, after } => self.write_mapping(before, after, reply),
        }
    }

    /// Stops what runs, waits until a form that was let go of is recorded, and until everything is in the review file.
    async fn finish(&mut self) {
        self.looked.stop();
        if let Some(reading) = &self.reading {
            reading.cancel();
        }
        if let Some(wheel) = &self.wheel {
            wheel.stop.cancel();
            wheel.abandon.cancel();
        }
        let tasks = std::mem::take(&mut self.tasks);
        if tokio::time::timeout(LAST_WAIT, join_all(tasks)).await.is_err() {
            tracing::error!("left while work was still under way");
        }
        self.file = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.await;
        }
    }
}

fn current(plan: &Mutex<Option<Arc<Plan>>>) -> Option<Arc<Plan>> {
    plan.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Writes to the review file, one after the other.
async fn write(session: Session, plan: Arc<Mutex<Option<Arc<Plan>>>>, mut queue: mpsc::UnboundedReceiver<Write>) {
    while let Some(next) = queue.recv().await {
        match next {
            Write::Decision(entry, reply) => {
                let seq = entry.seq;
                let result = match current(&plan) {
                    Some(plan) => session.record(*entry, &plan).await.map_err(|error| format!("{error:#}")),
                    None => Err("no review is open".to_owned()),
                };
                let _ = reply.send(Msg::Recorded(seq, result));
            }
            Write::Place(place, reply) => {
                let result = match serde_json::to_string(&place) {
                    Ok(text) => session.save_place(text).await,
                    Err(error) => Err(error.into()),
                };
                if let Err(error) = result {
                    let text = format!("the place could not be kept: {error:#}; decisions are not touched by that");
                    let _ = reply.send(Msg::Note(Level::Look, text));
                }
            }
        }
    }
}

/// Waits for a piece of work and passes on its progress, the newest only.
async fn told<T, P: Clone>(
    work: impl Future<Output = T>,
    mut shown: watch::Receiver<P>,
    reply: &Replies,
    msg: impl Fn(P) -> Msg,
) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            result = &mut work => return result,
            Ok(()) = shown.changed() => {
                let now = shown.borrow_and_update().clone();
                let _ = reply.send(msg(now));
            }
        }
    }
}

/// The review that was read or opened, as the screen wants it.
fn read_msg(session: &Session, plan: &Mutex<Option<Arc<Plan>>>, result: Result<session::Opened>) -> Msg {
    let opened = match result {
        Ok(opened) => opened,
        Err(error) => return Msg::Read(Err(format!("{error:#}"))),
    };
    *plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&opened.plan));
    // A place of another version is no reason not to open the review.
    let place = opened.place.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let file = session.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let sending = opened.standing();
    let session::Opened { plan, ledger, reset, .. } = opened;
    Msg::Read(Ok(Box::new(Opened { plan, ledger, place, file, sending, reset })))
}

/// Progress of a submission. That it ended is said by [`ended`], after what was sent is known.
fn still(job: Job, mut sending: Sending) -> Msg {
    if sending.phase == Phase::Ended {
        sending.phase = Phase::ReadingBack;
    }
    Msg::Sending(job, Box::new(sending))
}

/// The end of a submission. What was sent is read from the review file, also after a failure.
async fn ended(job: Job, session: &Session, result: Result<Sending>, reply: &Replies) -> Msg {
    let kept = session.open().await.map(|opened| {
        let standing = opened.standing();
        let _ = reply.send(Msg::Ledger(Box::new(opened.ledger)));
        standing
    });
    let why = match result {
        Ok(sending) => return Msg::Sending(job, Box::new(sending)),
        Err(error) => format!("{error:#}"),
    };
    match kept {
        Ok(None) => Msg::Refused(job, format!("nothing was sent: {why}")),
        Ok(Some(standing)) => Msg::Sending(job, Box::new(Sending { note: Some(why), ..standing })),
        Err(error) => Msg::Refused(job, format!("{why}; the review file could not be read: {error:#}")),
    }
}
