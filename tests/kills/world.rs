//! A review that waits to be submitted, made once; the two servers it is submitted to, made anew each time; and the promises.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use onse::{
    domain::{
        ledger::Entry,
        outcome::Outcome,
        plan::{Cell, Plan},
    },
    io::{
        http::{Limits, Sleeper},
        store::{Form, Store},
        transport::{Answer, Body, Broken, Later, SharedTransport, Transport, Whole},
    },
    job::{
        forms::fates,
        report::Sending,
        session::{Session, opened},
        undo::undone,
    },
    sandbox::{self, Fate, Options, Sandbox},
};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::{
    faults::connect,
    points::{Point, Points},
    support::{self, ORIGIN, approve, ask, read},
};

/// The property each form sets beside the approved ones.
const STAMP: &str = "dhis2_import_date";
/// Runs after which a review must be done.
pub(crate) const RUNS: usize = 8;

/// Values by case and property.
type Values = BTreeMap<(String, String), String>;

/// What lies on the way to the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nothing.
    Open,
    /// A gateway that loses the answer to the first delivery of every form, after HQ acted.
    Gateway,
    /// Nobody may ask the database, so that with an index that is behind only the bytes tell a form that took effect from one that
    /// did not.
    NoDatabase,
}

/// What is submitted, and how the servers are.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) facilities: usize,
    pub(crate) chunk: usize,
    /// HQ rejects one case by itself, so that its form is halved.
    pub(crate) bad: bool,
    /// What lies on the way to the servers.
    pub(crate) way: Way,
    /// How far the search index is behind.
    pub(crate) lag: Duration,
    /// How much later every look at the clock of the servers is.
    pub(crate) tick: Duration,
    /// What is submitted is the undo of another submission.
    pub(crate) undo: bool,
}

impl Scenario {
    /// Three forms of ten facilities.
    pub(crate) const PLAIN: Self = Self {
        name: "plain",
        facilities: 30,
        chunk: 10,
        bad: false,
        way: Way::Open,
        lag: Duration::ZERO,
        tick: Duration::ZERO,
        undo: false,
    };
    /// Three forms of four facilities.
    pub(crate) const SMALL: Self = Self { name: "small", facilities: 14, chunk: 4, ..Self::PLAIN };

    /// The way to the servers. It outlives the runs, as they do.
    pub(crate) fn to(self, inner: SharedTransport) -> SharedTransport {
        Arc::new(Line { inner, way: self.way, delivered: Mutex::default() })
    }
}

/// A folder in memory where there is one: nothing here is about the speed of a disk.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A review file with approvals in it, and what it was made on.
pub(crate) struct Prepared {
    pub(crate) scenario: Scenario,
    folder: TempDir,
    pub(crate) plan: Arc<Plan>,
    pub(crate) cells: Vec<Cell>,
    entries: Vec<Entry>,
    /// Set in HQ before: what the submission that is undone has left.
    before: Values,
}

impl Prepared {
    pub(crate) async fn new(scenario: Scenario) -> Self {
        let first = Self::read(scenario).await;
        if scenario.undo { first.undo().await } else { first }
    }

    async fn read(scenario: Scenario) -> Self {
        let (folder, time) = (folder(), Time::new());
        let sandbox = sandbox(scenario, &time);
        let session = session(Store::create(&file(&folder)).unwrap(), sandbox.transport(ORIGIN), &time);
        let mut ask = ask(&[]);
        ask.used.chunk_size = scenario.chunk;
        ask.used.stamp_property = Some(STAMP.to_owned());
        let opened = read(&session, &ask).await.unwrap();
        Self::approved(scenario, folder, &session, &opened.plan, BTreeMap::new()).await
    }

    /// Approves all that can be in one go.
    async fn approved(
        scenario: Scenario,
        folder: TempDir,
        session: &Session,
        plan: &Arc<Plan>,
        before: Values,
    ) -> Self {
        let mut ledger = session.open().await.unwrap().ledger;
        let cells = ledger.undecided(plan, plan.cells()).plain;
        approve(session, plan, &mut ledger, cells.clone()).await;
        session.close();
        let entries = Store::read_only(&file(&folder)).unwrap().entries;
        let facilities: BTreeSet<u32> = cells.iter().map(|cell| cell.facility).collect();
        assert_eq!(facilities.len().div_ceil(scenario.chunk), 3, "three forms of {} facilities", facilities.len());
        Self { scenario, folder, plan: Arc::clone(plan), cells, entries, before }
    }

    /// The undo of this review, after it was submitted.
    async fn undo(self) -> Self {
        let world = World::new(&self);
        let here = folder();
        world.finish(&self, &self.copy(&here)).await;
        let (new, time) = (folder(), &world.time);
        let session = session(Store::create(&file(&new)).unwrap(), world.server.clone(), time);
        let sources = connect(ORIGIN, world.server.clone(), time.sleeper(), &Limits::default())(Arc::new(|_| {}));
        let loaded = Store::read_only(&file(&here)).unwrap();
        let undone = undone(loaded, "first.review", &sources, time.now(), &|_, _| {}).await.unwrap();
        assert!(undone.counts.put_back == self.cells.len() && undone.counts.blanks > 0, "{:?}", undone.counts);
        session.close();
        let store = Store::open(&file(&new)).unwrap();
        undone.save(&store).await.unwrap();
        let session = self::session(store, world.server.clone(), time);
        let plan = session.open().await.unwrap().plan;
        let left = world.sandbox.effects().into_iter().map(|effect| ((effect.case_id, effect.property), effect.value));
        Self::approved(self.scenario, new, &session, &plan, left.collect()).await
    }

    /// The file as it was made, in another folder.
    pub(crate) fn copy(&self, to: &TempDir) -> PathBuf {
        fs::copy(file(&self.folder), file(to)).unwrap();
        file(to)
    }

    /// The facility that HQ rejects by itself.
    fn bad(&self) -> Option<u32> {
        let middle = self.cells[self.cells.len() / 2].facility;
        self.scenario.bad.then_some(middle)
    }

    /// What takes effect, once each: the approved cells but those of a rejected facility, and the stamps.
    fn effects(&self) -> Values {
        let mut effects = Values::new();
        for cell in self.cells.iter().filter(|cell| Some(cell.facility) != self.bad()) {
            let id = self.plan.facility(cell.facility).case_id.clone();
            let value = self.plan.offer(*cell).unwrap().to_owned();
            effects.insert((id.clone(), self.plan.property(cell.property).name.clone()), value);
            effects.insert((id, STAMP.to_owned()), support::clock().strftime("%Y-%m-%d").to_string());
        }
        effects
    }
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("2026Q2.review")
}

fn sandbox(scenario: Scenario, time: &Time) -> Sandbox {
    let time = time.clone();
    let options = Options { facilities: scenario.facilities, ..Options::new((2026, 2)) };
    Sandbox::new(&options, Arc::new(move || time.pass(scenario.tick)))
}

fn session(store: Store, transport: SharedTransport, time: &Time) -> Session {
    let connect = connect(ORIGIN, transport, time.sleeper(), &Limits::default());
    let clock = time.clone();
    Session::new(store, Some(connect), Arc::new(move || clock.now()), time.sleeper(), "Grace")
}

/// Every property of every case.
fn everything(sandbox: &Sandbox) -> Values {
    let mut values = Values::new();
    for id in sandbox.case_ids() {
        let case = sandbox.case(&id).unwrap();
        let own = case.properties.iter().map(|(name, value)| (name.to_string(), value.clone()));
        let fixed = [
            ("@name", case.name.clone()),
            ("@external_id", case.external_id.clone()),
            ("@type", Some(case.case_type.clone())),
            ("@owner", Some(case.owner_id.clone())),
            ("@closed", Some(case.closed.to_string())),
        ];
        let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), value.unwrap_or_default()));
        values.extend(own.chain(fixed).map(|(name, value)| ((id.clone(), name), value)));
    }
    values
}

/// A time that goes on by what is slept, and at once: nothing here goes on beside anything else.
#[derive(Clone)]
struct Time(Arc<Mutex<Timestamp>>);

impl Time {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(support::clock())))
    }

    fn now(&self) -> Timestamp {
        self.pass(Duration::ZERO)
    }

    fn pass(&self, pause: Duration) -> Timestamp {
        let mut now = self.0.lock().unwrap();
        *now += pause;
        *now
    }

    fn sleeper(&self) -> Sleeper {
        let time = self.clone();
        Arc::new(move |pause| {
            time.pass(pause);
            Box::pin(std::future::ready(()))
        })
    }
}

/// How one run ended.
pub(crate) enum Ended {
    /// It was killed; the review file as that left it lies here, in a folder of its own.
    Killed(TempDir),
    /// By itself. `None`: there was nothing to do.
    Itself(Box<anyhow::Result<Option<Sending>>>),
}

/// The two servers with their time, and what HQ has to hold in the end.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    time: Time,
    server: SharedTransport,
    expected: Values,
}

impl World {
    pub(crate) fn new(prepared: &Prepared) -> Self {
        let time = Time::new();
        let sandbox = sandbox(prepared.scenario, &time);
        for ((case_id, property), value) in &prepared.before {
            assert!(sandbox.set_property(case_id, property, value));
        }
        let mut expected = everything(&sandbox);
        expected.extend(prepared.effects());
        if let Some(bad) = prepared.bad() {
            sandbox.set_bad_case(Some(&prepared.plan.facility(bad).case_id));
        }
        sandbox.set_index_lag(prepared.scenario.lag);
        let server = prepared.scenario.to(sandbox.transport(ORIGIN));
        Self { sandbox, time, server, expected }
    }

    /// One run of the command on this file.
    pub(crate) async fn run(&self, path: &Path, points: &Arc<Points>) -> Ended {
        let store = Store::open(path).unwrap();
        let session = session(store.clone().gated(points.gate()), points.around(Arc::clone(&self.server)), &self.time);
        let ended = {
            let run = std::pin::pin!(command(&session));
            tokio::select! {
                biased;
                () = points.killed() => Ended::Killed(as_left(path)),
                done = run => Ended::Itself(Box::new(done)),
            }
        };
        store.close();
        ended
    }

    /// Runs the command until nothing is left to do.
    pub(crate) async fn finish(&self, prepared: &Prepared, path: &Path) {
        for _ in 0..RUNS {
            let Ended::Itself(done) = self.run(path, &Points::undisturbed()).await else { unreachable!() };
            if done.unwrap().is_none() || is_done(prepared, path) {
                return;
            }
        }
        panic!("not done after {RUNS} runs: {:?}", Store::read_only(path).unwrap().forms);
    }

    /// The points of a run that nothing befalls.
    pub(crate) async fn points(prepared: &Prepared) -> Vec<Point> {
        let (world, folder, points) = (Self::new(prepared), folder(), Points::undisturbed());
        let path = prepared.copy(&folder);
        assert!(matches!(world.run(&path, &points).await, Ended::Itself(done) if matches!(*done, Ok(Some(_)))));
        world.check(prepared, &path).await;
        points.passed()
    }

    /// The promises, of a review as a kill or a failure left it: decisions stand, and what it calls applied HQ holds.
    pub(crate) fn check_left(&self, prepared: &Prepared, path: &Path) {
        let loaded = Store::read_only(path).unwrap();
        assert!(loaded.entries.starts_with(&prepared.entries), "P4: a decision is lost");
        for (cell, _) in fates(&loaded.forms).into_iter().filter(|(_, fate)| *fate == Outcome::Applied) {
            let case = self.sandbox.case(&prepared.plan.facility(cell.facility).case_id).unwrap();
            let holds = case.properties.get(prepared.plan.property(cell.property).name.as_str()).map(String::as_str);
            assert_eq!(holds, prepared.plan.offer(cell), "P3: {}", prepared.plan.title(cell));
        }
    }

    /// The promises, of a review that is done.
    pub(crate) async fn check(&self, prepared: &Prepared, path: &Path) {
        self.check_left(prepared, path);
        let loaded = Store::read_only(path).unwrap();
        assert_eq!(Store::read_only_trail(path).unwrap().damage, None, "P4");
        let fates = fates(&loaded.forms);
        for cell in &prepared.cells {
            let bad = prepared.bad() == Some(cell.facility);
            let expected = if bad { Outcome::NotApplied } else { Outcome::Applied };
            assert_eq!(fates.get(cell), Some(&expected), "P3: {}", prepared.plan.title(*cell));
        }
        assert_eq!(fates.len(), prepared.cells.len(), "P1: a cell in a form that was not approved");
        let (mut frozen, store) = (BTreeMap::new(), Store::open(path).unwrap());
        for form in &loaded.forms {
            frozen.insert(form.form_id.clone(), store.form_bytes(form.number).await.unwrap());
        }
        store.close();
        self.check_hq(&frozen, &prepared.effects());
    }

    fn check_hq(&self, frozen: &BTreeMap<String, Vec<u8>>, effects: &Values) {
        let now = everything(&self.sandbox);
        for (key, value) in &now {
            assert_eq!(self.expected.get(key), Some(value), "P1: {key:?}");
        }
        assert_eq!(now.len(), self.expected.len(), "P4: something is gone");
        let mut found: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for effect in self.sandbox.effects().into_iter().filter(|effect| effect.form.is_some()) {
            found.entry((effect.case_id, effect.property)).or_default().push(effect.value);
        }
        let once = effects.iter().map(|(key, value)| (key.clone(), vec![value.clone()])).collect();
        assert!(found == once, "P2: every approved cell takes effect once and nothing else does: {found:?}");
        let mut acted = BTreeSet::new();
        for form in self.sandbox.forms() {
            let id = id_of(&form.bytes);
            assert_eq!(frozen.get(&id).map(Vec::as_slice), Some(&form.bytes[..]), "P2: other bytes than were frozen");
            assert!(form.fate != Fate::Applied || acted.insert(id), "P2: a form took effect twice");
            assert_ne!(form.fate, Fate::Replaced, "P2");
        }
    }
}

/// What an everyday run takes of these: every so many, and all of what is about the sending of a form. With `ONSE_SWEEP=full` all.
pub(crate) fn sample<T>(all: &[T], step: usize, point: impl Fn(&T) -> &Point) -> Vec<&T> {
    let full = std::env::var_os("ONSE_SWEEP").is_some_and(|value| value == "full");
    let taken = |(at, one): &(usize, &T)| full || at % step == 0 || point(one).is_form();
    all.iter().enumerate().filter(taken).map(|(_, one)| one).collect()
}

/// The id a form gives itself.
fn id_of(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    let (_, rest) = text.split_once("instanceID>").unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

/// Whether only cells are left that HQ rejects by themselves.
fn is_done(prepared: &Prepared, path: &Path) -> bool {
    let now = opened(Store::read_only(path).unwrap()).unwrap();
    let rejected = now.ledger.to_send(&now.plan).all(|cell| prepared.bad() == Some(cell.facility));
    rejected && !now.forms.iter().any(Form::is_open)
}

/// What `onse submit --write N` does, with the right N; `None` where it says that there is nothing to send.
pub(crate) async fn command(session: &Session) -> anyhow::Result<Option<Sending>> {
    let opened = session.open().await?;
    let ready = opened.ledger.to_send(&opened.plan).count();
    if ready == 0 && !opened.forms.iter().any(Form::is_open) {
        return Ok(None);
    }
    let progress = watch::channel(Sending::default()).0;
    session.submit(sandbox::COMMCARE_USER, ready, progress, support::steering()).await.map(Some)
}

/// The file and its log as they lie there now, in another folder. That nobody closes them is what a kill is.
fn as_left(path: &Path) -> TempDir {
    let to = folder();
    for end in ["", "-wal"] {
        let name = format!("{}{end}", path.file_name().unwrap().to_str().unwrap());
        let from = path.with_file_name(&name);
        if from.exists() {
            fs::copy(from, to.path().join(name)).unwrap();
        }
    }
    to
}

/// The file in a folder that a kill left.
pub(crate) fn left_in(folder: &TempDir) -> PathBuf {
    file(folder)
}

struct Line {
    inner: SharedTransport,
    way: Way,
    delivered: Mutex<BTreeSet<Bytes>>,
}

impl Transport for Line {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        let path = request.uri().path();
        let closed = self.way == Way::NoDatabase && path.contains("/case/v2/ext/");
        let form = self.way == Way::Gateway && path.contains("/receiver/");
        let slow = form && self.delivered.lock().unwrap().insert(request.body().clone());
        Box::pin(async move {
            if closed {
                return Ok(page(403));
            }
            let answer = self.inner.send(request).await?;
            Ok(if slow { page(504) } else { answer })
        })
    }
}

fn page(status: u16) -> Answer {
    let page: Box<dyn Body> = Box::new(Whole::new("<html></html>"));
    http::Response::builder().status(status).body(page).unwrap()
}
