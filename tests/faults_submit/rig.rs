//! A sandbox whose time is given in, a line to it that goes wrong on order, and a review in which changes are approved.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use onse::{
    domain::{
        ledger::{Act, Entry, Step},
        mapping::Mapping,
        outcome::Outcome,
        plan::{Cell, Plan},
        total::Part,
    },
    io::{
        http::{Limits, Sleeper},
        store::Store,
        transport::{Answer, Body, Broken, Later, SharedTransport, Transport, Whole},
    },
    job::{
        fetch::Ask,
        forms::fates,
        report::Sending,
        session::{Opened, Session},
        submit::Steering,
    },
    sandbox::{self, Options, Sandbox},
};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::{
    faults::{self, Time},
    support::{self, ORIGIN, ask, steering},
};

/// Addresses of the form receiver.
pub(crate) const RECEIVER: &str = "/receiver/";
/// Questions to the database.
pub(crate) const DATABASE: &str = "/case/v2/ext/";
/// Questions to the search index for cases by id.
pub(crate) const INDEX: &str = "/case/v2/bulk-fetch/";
/// Totals of DHIS2.
pub(crate) const VALUES: &str = "/dataValueSets";

pub(crate) const AT_ONCE: Duration = Duration::ZERO;

/// What befalls a request.
pub(crate) enum Mishap {
    /// Nothing.
    Pass,
    /// It arrives, and the answer is lost after this time.
    Lost(Duration),
    /// It does not arrive, and that there is no answer shows after this time.
    Swallowed(Duration),
    /// Nothing of it leaves this machine.
    NotSent,
    /// It arrives, and something else is answered.
    Instead(u16, String),
    /// It does not arrive; somebody on the way answers: status, headers, body.
    Say(u16, Vec<(&'static str, String)>, String),
    /// It arrives twice; the first answer comes back, or the second.
    Twice { first: bool },
    /// The answer has this in place of that.
    Bent(String, String),
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) address: String,
    pub(crate) body: Bytes,
    pub(crate) at: Timestamp,
    /// Forms that were posted so far, this one included.
    pub(crate) forms: usize,
}

impl Asked {
    pub(crate) fn has(&self, word: &str) -> bool {
        self.address.contains(word)
    }
}

type Rule = Box<dyn FnMut(&Asked) -> Mishap + Send>;

/// The way to the sandbox.
pub(crate) struct Line {
    inner: SharedTransport,
    time: Time,
    sleep: Sleeper,
    rule: Mutex<Rule>,
    asked: Mutex<Vec<Asked>>,
}

impl Line {
    /// From now on this is asked what befalls a request. It may do things to the sandbox; no request is under way then.
    pub(crate) fn set(&self, rule: impl FnMut(&Asked) -> Mishap + Send + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }

    pub(crate) fn mend(&self) {
        self.set(|_| Mishap::Pass);
    }

    /// Requests so far whose address holds this, oldest first.
    pub(crate) fn asked(&self, word: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.has(word)).cloned().collect()
    }

    /// The bytes of every form that was posted, in order.
    pub(crate) fn posts(&self) -> Vec<Bytes> {
        self.asked(RECEIVER).into_iter().map(|asked| asked.body).collect()
    }

    async fn befall(&self, mishap: Mishap, request: http::Request<Bytes>) -> Result<Answer, Broken> {
        let reset = || Err(Broken::NoAnswer("connection reset by peer".to_owned()));
        match mishap {
            Mishap::Pass => self.inner.send(request).await,
            Mishap::Lost(after) => {
                let _ = self.inner.send(request).await;
                (self.sleep)(after).await;
                reset()
            }
            Mishap::Swallowed(after) => {
                (self.sleep)(after).await;
                reset()
            }
            Mishap::NotSent => Err(Broken::NotSent("network is unreachable (os error 101)".to_owned())),
            Mishap::Instead(status, text) => {
                let _ = self.inner.send(request).await;
                Ok(answer(status, Vec::new(), text))
            }
            Mishap::Say(status, headers, text) => Ok(answer(status, headers, text)),
            Mishap::Twice { first } => {
                let both = [self.inner.send(request.clone()).await, self.inner.send(request).await];
                both.into_iter().nth(usize::from(!first)).unwrap()
            }
            Mishap::Bent(that, this) => {
                let (head, mut body) = self.inner.send(request).await?.into_parts();
                let mut whole = Vec::new();
                while let Some(piece) = body.chunk().await? {
                    whole.extend_from_slice(&piece);
                }
                let text = String::from_utf8(whole).unwrap().replace(&that, &this);
                Ok(Answer::from_parts(head, Box::new(Whole::new(text))))
            }
        }
    }
}

fn answer(status: u16, headers: Vec<(&'static str, String)>, text: String) -> Answer {
    let body: Box<dyn Body> = Box::new(Whole::new(text));
    let answer = http::Response::builder().status(status);
    headers.into_iter().fold(answer, |answer, (name, value)| answer.header(name, value)).body(body).unwrap()
}

/// As HQ's form receiver words things.
pub(crate) fn openrosa(nature: &str, message: &str) -> String {
    format!(
        "<OpenRosaResponse xmlns=\"http://openrosa.org/http/response\"><message nature=\"{nature}\">{message}</message></OpenRosaResponse>"
    )
}

impl Transport for Line {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        Box::pin(async move {
            let address = request.uri().path_and_query().unwrap().as_str().to_owned();
            let form = usize::from(address.contains(RECEIVER));
            let forms = self.asked(RECEIVER).len() + form;
            let (method, at) = (request.method().to_string(), self.time.now());
            let asked = Asked { method, address, body: request.body().clone(), at, forms };
            self.asked.lock().unwrap().push(asked.clone());
            let mishap = (self.rule.lock().unwrap())(&asked);
            self.befall(mishap, request).await
        })
    }
}

/// A review on a sandbox.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) time: Time,
    pub(crate) line: Arc<Line>,
    pub(crate) session: Session,
    pub(crate) plan: Arc<Plan>,
    /// What is approved.
    pub(crate) cells: Vec<Cell>,
    pub(crate) ask: Ask,
    _folder: TempDir,
}

/// One cell of each of the first facilities that have one.
pub(crate) fn one_each(cells: &[Cell], count: usize) -> Vec<Cell> {
    let each: Vec<Cell> = cells.chunk_by(|a, b| a.facility == b.facility).map(|row| row[0]).take(count).collect();
    assert_eq!(each.len(), count, "the sandbox has no {count} facilities with a change");
    each
}

/// The properties of one data set: reading them takes a fraction of the time.
fn mapping() -> Mapping {
    let all = include_str!("../../case_property_map.csv").lines().enumerate();
    let rows: Vec<&str> =
        all.filter(|(at, row)| *at == 0 || row.contains(",q1Es3k3sZem,")).map(|(_, row)| row).collect();
    let mapping = Mapping::read(rows.join("\n").as_bytes());
    assert!(mapping.problems.is_empty() && mapping.rows.len() > 4, "{:?}", mapping.problems);
    mapping
}

impl World {
    /// A review of so many facilities in which nothing is decided, in forms of at most `chunk` facilities.
    pub(crate) async fn read(facilities: usize, chunk: usize) -> Self {
        let time = Time::new();
        let clock = time.clone();
        let sandbox = Sandbox::new(&Options { facilities, ..Options::new((2026, 2)) }, Arc::new(move || clock.now()));
        let line = Arc::new(Line {
            inner: sandbox.transport(ORIGIN),
            time: time.clone(),
            sleep: time.sleeper(),
            rule: Mutex::new(Box::new(|_| Mishap::Pass)),
            asked: Mutex::default(),
        });
        let folder = tempfile::tempdir().unwrap();
        let session = faults::session(folder.path(), line.clone(), &time, &Limits::default());
        let mut ask = ask(&[]);
        ask.used.chunk_size = chunk;
        ask.mapping = mapping();
        let plan = time.drive(Box::pin(support::read(&session, &ask))).await.unwrap().plan;
        Self { sandbox, time, line, session, plan, cells: Vec::new(), ask, _folder: folder }
    }

    /// The same with one change in each of so many facilities approved.
    pub(crate) async fn approved(facilities: usize, count: usize, chunk: usize) -> Self {
        let mut world = Self::read(facilities, chunk).await;
        let cells = one_each(&world.plain().await, count);
        world.approve(cells).await;
        world
    }

    /// The undecided changes that no flag but a light one is on.
    pub(crate) async fn plain(&self) -> Vec<Cell> {
        self.opened().await.ledger.undecided(&self.plan, self.plan.cells()).plain
    }

    pub(crate) async fn approve(&mut self, cells: Vec<Cell>) {
        self.decide(Act::Approve, cells.clone()).await;
        self.cells.extend(cells);
        self.cells.sort_unstable();
    }

    pub(crate) async fn decide(&self, act: Act, cells: Vec<Cell>) {
        let mut ledger = self.opened().await.ledger;
        let reason = Some("seen the register");
        let entry = ledger.decide(&self.plan, act, cells, reason, "some", &self.session.stamp()).unwrap();
        self.session.record(entry, &self.plan).await.unwrap();
    }

    pub(crate) async fn opened(&self) -> Opened {
        self.session.open().await.unwrap()
    }

    /// The next reading.
    pub(crate) async fn read_again(&mut self) -> Opened {
        let (progress, stop) = (watch::channel(onse::job::report::Reading::default()).0, steering().stop);
        let opened = self.time.drive(Box::pin(self.session.read_again(&self.ask, None, progress, stop))).await.unwrap();
        self.plan = Arc::clone(&opened.plan);
        opened
    }

    pub(crate) async fn submit(&self) -> Sending {
        self.submit_told(steering()).await.0
    }

    /// With what was told after every change, and when.
    pub(crate) async fn submit_told(&self, steering: Steering) -> (Sending, Vec<(Timestamp, Sending)>) {
        self.submit_watched(steering, |_| {}).await
    }

    /// The same, and somebody looks at it.
    pub(crate) async fn submit_watched(
        &self,
        steering: Steering,
        mut looks: impl FnMut(&Sending),
    ) -> (Sending, Vec<(Timestamp, Sending)>) {
        let (progress, mut news) = watch::channel(Sending::default());
        let mut told = Vec::new();
        let mut job = Box::pin(self.session.submit(sandbox::COMMCARE_USER, usize::MAX, progress, steering));
        let sent = self.time.drive(async {
            loop {
                tokio::select! {
                    biased;
                    Ok(()) = news.changed() => {
                        told.push((self.time.now(), news.borrow_and_update().clone()));
                        looks(&told[told.len() - 1].1);
                    }
                    sent = &mut job => return sent,
                }
            }
        });
        (sent.await.unwrap(), told)
    }

    pub(crate) async fn verify(&self) -> Sending {
        let progress = watch::channel(Sending::default()).0;
        self.time.drive(Box::pin(self.session.verify(progress, steering()))).await.unwrap()
    }

    /// So much time goes by.
    pub(crate) async fn pass(&self, time: Duration) {
        self.time.drive((self.time.sleeper())(time)).await;
    }

    pub(crate) fn case_id(&self, cell: Cell) -> String {
        self.plan.facility(cell.facility).case_id.clone()
    }

    pub(crate) fn property(&self, cell: Cell) -> &str {
        &self.plan.property(cell.property).name
    }

    /// Someone else changes what the case holds for a cell.
    pub(crate) fn edit(&self, cell: Cell, value: &str) {
        self.edits(cell, value)();
    }

    /// The same, to be done later.
    pub(crate) fn edits(&self, cell: Cell, value: &str) -> impl Fn() + Send + use<> {
        let (sandbox, id, property, value) =
            (self.sandbox.clone(), self.case_id(cell), self.property(cell).to_owned(), value.to_owned());
        move || assert!(sandbox.set_property(&id, &property, &value))
    }

    /// Someone adds to a total in DHIS2, in the first of its rows.
    pub(crate) fn edit_total(&self, cell: Cell, more: i64) {
        self.edits_total(cell, more)();
    }

    /// The same, to be done later.
    pub(crate) fn edits_total(&self, cell: Cell, more: i64) -> impl Fn() + Send + use<> {
        let property = self.plan.property(cell.property);
        let parts = Store::read_only_parts(self.session.path(), self.plan.head.generation).unwrap();
        let parts = &parts[&(cell.facility, property.data_set.clone())];
        let ours = |part: &&Part| part.data_element == property.data_element && part.value.is_some();
        let part = parts.iter().find(ours).unwrap();
        let value = (part.value.as_ref().unwrap().parse::<i64>().unwrap() + more).to_string();
        let (sandbox, unit) = (self.sandbox.clone(), self.plan.facility(cell.facility).external_id.clone());
        let (element, option) = (property.data_element.clone(), part.category_option_combo.clone());
        let quarter = self.plan.head.quarter.to_string();
        move || assert!(sandbox.set_value(&unit, &element, &option, &quarter, Some(&value)))
    }

    /// What the case holds for a cell by the database.
    pub(crate) fn now(&self, cell: Cell) -> Option<String> {
        self.sandbox.case(&self.case_id(cell)).unwrap().properties.get(self.property(cell)).cloned()
    }

    /// What forms changed in the cases by the sandbox's own record: of each cell every value it was given.
    fn written(&self) -> BTreeMap<(String, String), Vec<String>> {
        let mut written: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for effect in self.sandbox.effects().into_iter().filter(|effect| effect.form.is_some()) {
            written.entry((effect.case_id, effect.property)).or_default().push(effect.value);
        }
        written
    }

    /// Forms wrote these cells, each once and with the approved value, and nothing else.
    #[track_caller]
    pub(crate) fn wrote(&self, cells: &[Cell]) {
        let one = |cell: &Cell| {
            let value = self.plan.offer(*cell).unwrap().to_owned();
            ((self.case_id(*cell), self.property(*cell).to_owned()), vec![value])
        };
        assert_eq!(self.written(), cells.iter().map(one).collect());
    }

    /// How many cells of the review have which outcome.
    pub(crate) async fn outcomes(&self) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        for outcome in fates(&self.opened().await.forms).into_values() {
            *counts.entry(outcome).or_default() += 1;
        }
        counts
    }

    /// Approved cells that another run would send.
    pub(crate) async fn to_send(&self) -> Vec<Cell> {
        self.opened().await.ledger.to_send(&self.plan).collect()
    }

    /// Resets in the log of the review.
    pub(crate) fn resets(&self) -> Vec<Cell> {
        let entries = Store::read_only(self.session.path()).unwrap().entries;
        let resets = entries.into_iter().filter_map(|Entry { step, .. }| match step {
            Step::Reset(cells) => Some(cells.into_iter().map(|one| one.cell)),
            _ => None,
        });
        resets.flatten().collect()
    }
}

/// Counts of applied, accepted, not applied and unknown changes.
pub(crate) fn counts(sent: &Sending) -> [usize; 4] {
    [sent.applied, sent.accepted, sent.not_applied, sent.unknown]
}

/// How many facilities each form has.
pub(crate) fn sizes(sent: &Sending) -> Vec<usize> {
    sent.forms.iter().map(|form| form.facilities).collect()
}
