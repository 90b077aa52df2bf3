//! A sandbox, a review of it that is approved in three forms, a process that ends at a point, and what is left of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use onse::{
    domain::plan::{Cell, Plan},
    io::{
        store::{Form, Gate, Moment, Store},
        transport::{Answer, Body, Broken, Later, SharedTransport, Transport, Whole},
    },
    job::{report::Sending, session::Session},
    sandbox::{Fate, Sandbox},
};
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::support::{ORIGIN, approve, ask, connect, on, read, sandbox, session, submit};

/// Forms of the review.
pub(crate) const FORMS: usize = 3;
/// Facilities in a form.
const IN_FORM: usize = 4;
/// Name of the review file.
const NAME: &str = "2026Q2.review";

/// Where a process ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Point {
    /// At a call of the store of this name, 0 the first.
    Store(&'static str, Moment, usize),
    /// With nothing of this form on its way, 0 the first.
    Unsent(usize),
    /// With half of the body of this form on its way.
    Half(usize),
    /// With this form at the server and its answer on the way.
    Unanswered(usize),
}

/// Ends a process: what is asked at the point is never answered, and whoever waits for that is told.
struct Killer {
    at: Point,
    calls: AtomicUsize,
    here: Notify,
}

impl Killer {
    /// Whether this is it, counting one call.
    fn is_now(&self, nth: usize) -> bool {
        self.calls.fetch_add(1, Ordering::SeqCst) == nth
    }

    async fn end(&self) {
        self.here.notify_one();
        std::future::pending::<()>().await;
    }

    fn gate(self: &Arc<Self>) -> Gate {
        let killer = Arc::clone(self);
        Arc::new(move |what, moment| {
            let now = matches!(killer.at, Point::Store(name, then, nth)
                if (name, then) == (what, moment) && killer.is_now(nth));
            let killer = Arc::clone(&killer);
            Box::pin(async move {
                if now {
                    killer.end().await;
                }
                Ok(())
            })
        })
    }
}

/// The way of a process that ends.
struct Mortal {
    inner: SharedTransport,
    killer: Arc<Killer>,
}

impl Transport for Mortal {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        let is_form = request.uri().path().contains("/receiver/");
        Box::pin(async move {
            let nth = match self.killer.at {
                Point::Unsent(nth) | Point::Half(nth) | Point::Unanswered(nth) => Some(nth),
                Point::Store(..) => None,
            };
            if !is_form || !nth.is_some_and(|nth| self.killer.is_now(nth)) {
                return self.inner.send(request).await;
            }
            match self.killer.at {
                Point::Half(_) => {
                    let half = request.map(|body| body.slice(..body.len() / 2));
                    let _ = self.inner.send(half).await;
                }
                Point::Unanswered(_) => drop(self.inner.send(request).await),
                Point::Unsent(_) | Point::Store(..) => {}
            }
            self.killer.end().await;
            Err(Broken::NoAnswer(String::new()))
        })
    }
}

/// What befalls a request: its address and body to a status and a body in place of its answer, or nothing.
type Rule = dyn Fn(&http::Request<Bytes>) -> Option<(u16, String)> + Send + Sync;

/// A way on which some requests are answered by somebody else.
pub(crate) struct Bent {
    pub(crate) inner: SharedTransport,
    pub(crate) rule: Box<Rule>,
}

impl Transport for Bent {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        match (self.rule)(&request) {
            None => self.inner.send(request),
            Some((status, text)) => Box::pin(async move {
                let body: Box<dyn Body> = Box::new(Whole::new(text));
                Ok(http::Response::builder().status(status).body(body).unwrap())
            }),
        }
    }
}

/// Whether a request carries a form.
pub(crate) fn is_form(request: &http::Request<Bytes>) -> bool {
    request.uri().path().contains("/receiver/")
}

/// A review of which three forms of changes are approved and nothing is sent, closed, and its sandbox.
pub(crate) struct Approved {
    pub(crate) sandbox: Sandbox,
    pub(crate) folder: TempDir,
    pub(crate) plan: Arc<Plan>,
    pub(crate) cells: Vec<Cell>,
    /// What the cases have to hold at the end.
    pub(crate) expected: Properties,
    /// How much took effect before there was this review.
    pub(crate) before: usize,
}

pub(crate) type Properties = BTreeMap<(String, String), String>;

/// Every property of every case.
pub(crate) fn everything(sandbox: &Sandbox) -> Properties {
    let cases = sandbox.case_ids().into_iter().map(|id| (id.clone(), sandbox.case(&id).unwrap()));
    let of = |(id, case): (String, onse::sandbox::CaseState)| {
        let pairs = case.properties.iter().map(|(name, value)| ((id.clone(), name.to_string()), value.clone()));
        pairs.collect::<Vec<_>>()
    };
    cases.flat_map(of).collect()
}

impl Approved {
    pub(crate) async fn new() -> Self {
        let sandbox = sandbox(24);
        let folder = tempfile::tempdir().unwrap();
        let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
        let mut ask = ask(&[]);
        ask.used.chunk_size = IN_FORM;
        let mut opened = read(&session, &ask).await.unwrap();
        let plan = Arc::clone(&opened.plan);
        let all = opened.ledger.undecided(&plan, plan.cells()).plain;
        let facilities: Vec<&[Cell]> = all.chunk_by(|a, b| a.facility == b.facility).collect();
        let cells = facilities[..FORMS * IN_FORM].concat();
        approve(&session, &plan, &mut opened.ledger, cells.clone()).await;
        session.close();
        let mut expected = everything(&sandbox);
        expected.extend(cells.iter().map(|cell| (key(&plan, *cell), plan.new_value(*cell).unwrap().to_owned())));
        Self { sandbox, folder, plan, cells, expected, before: 0 }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }

    pub(crate) fn line(&self) -> SharedTransport {
        self.sandbox.transport(ORIGIN)
    }

    /// The same file in another process.
    pub(crate) fn open(&self) -> Session {
        on(Store::open(&self.path()).unwrap(), connect(self.line()))
    }

    /// The same over this way.
    pub(crate) fn over(&self, way: SharedTransport) -> Session {
        on(Store::open(&self.path()).unwrap(), connect(way))
    }

    /// The forms as they stand in the file, which nobody holds.
    pub(crate) fn forms(&self) -> Vec<Form> {
        Store::read_only(&self.path()).unwrap().forms
    }

    /// Somebody else changes what a cell stands for.
    pub(crate) fn somebody_writes(&self, cell: Cell, value: &str) {
        let (case, property) = key(&self.plan, cell);
        assert!(self.sandbox.set_property(&case, &property, value));
    }

    /// Submits until the process ends at this point, and leaves what a killed process leaves: the file and its log, without what
    /// closing would have done.
    pub(crate) async fn killed(self, at: Point) -> Self {
        let killer = Arc::new(Killer { at, calls: AtomicUsize::new(0), here: Notify::new() });
        let way = Arc::new(Mortal { inner: self.line(), killer: Arc::clone(&killer) });
        let store = Store::open(&self.path()).unwrap();
        let session = on(store.clone().gated(killer.gate()), connect(way));
        tokio::select! {
            biased;
            () = killer.here.notified() => {}
            ended = submit(&session) => panic!("ended before {at:?}: {ended:?}"),
        }
        let left = image(self.folder.path());
        store.close();
        Self { folder: left, ..self }
    }

    /// Submits until nothing is open, and holds the end to the promises: every case holds what was approved and nothing else
    /// changed, each property was set once, and no form took effect twice.
    pub(crate) async fn ends_well(&self) -> Sending {
        let session = self.open();
        let sent = submit(&session).await.unwrap();
        session.close();
        assert!(sent.all_applied(), "{sent:?}");
        self.holds_what_was_approved();
        sent
    }

    pub(crate) fn holds_what_was_approved(&self) {
        assert!(everything(&self.sandbox) == self.expected, "a case holds something else");
        self.took_effect_once();
    }

    /// No form took effect twice, and no cell was written twice.
    pub(crate) fn took_effect_once(&self) {
        let mut set: BTreeMap<(String, String), usize> = BTreeMap::new();
        for effect in self.sandbox.effects().into_iter().skip(self.before).filter(|effect| effect.form.is_some()) {
            *set.entry((effect.case_id, effect.property)).or_default() += 1;
        }
        let twice: Vec<_> = set.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "written twice: {twice:?}");
    }

    /// How many forms changed cases.
    pub(crate) fn effective(&self) -> usize {
        self.sandbox.forms().iter().filter(|form| form.fate == Fate::Applied).count()
    }
}

/// Case and property of a cell.
pub(crate) fn key(plan: &Plan, cell: Cell) -> (String, String) {
    (plan.facility(cell.facility).case_id.clone(), plan.property(cell.property).name.clone())
}

/// The file and its log as they lie there at this moment, in a folder of their own.
pub(crate) fn image(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in [NAME.to_owned(), format!("{NAME}-wal")] {
        if folder.join(&name).exists() {
            fs::copy(folder.join(&name), copy.path().join(&name)).unwrap();
        }
    }
    copy
}

/// The image with its log cut off after so many bytes, as where the machine went down while it was written.
pub(crate) fn cut(folder: &Path, bytes: u64) -> TempDir {
    let copy = image(folder);
    let log = fs::OpenOptions::new().write(true).open(log_of(copy.path())).unwrap();
    log.set_len(bytes).unwrap();
    copy
}

pub(crate) fn log_of(folder: &Path) -> PathBuf {
    folder.join(format!("{NAME}-wal"))
}

/// Lengths at which a log may have been cut: at the beginning, within its head, before, within and behind each of its frames.
pub(crate) fn cuts(folder: &Path) -> Vec<u64> {
    let log = fs::read(log_of(folder)).unwrap();
    // The file format of SQLite, section 4.1: a head of 32 bytes with the page size at 8, frames with a head of 24 bytes.
    let page = u64::from(u32::from_be_bytes(log[8..12].try_into().unwrap()));
    let (frame, len) = (page + 24, log.len() as u64);
    let ends = (0..).map(|n| 32 + n * frame).take_while(|end| *end <= len);
    let near = ends.flat_map(|end| [end.saturating_sub(1), end, end + 24 + page / 2]);
    let mut all: Vec<u64> = [0, 16].into_iter().chain(near).filter(|at| *at <= len).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.last(), Some(&len), "the log ends with a whole frame");
    all
}

/// Where the file is in a folder.
pub(crate) fn review(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// What is written to a log, kept.
#[derive(Clone, Default)]
pub(crate) struct Kept(pub(crate) Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
