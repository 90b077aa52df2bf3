//! Faults wrapped around a transport by rules, and a time that goes on only when nothing else does.

use std::{
    collections::VecDeque,
    future::poll_fn,
    ops::Range,
    path::Path,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use onse::{
    io::{
        commcare::CommCare,
        dhis2::{Dhis2, root},
        http::{Client, Limits, Secret, Side, SignIn, Sleeper},
        store::Store,
        transport::{Answer, Body, Broken, Later, SharedTransport, Transport, Whole},
    },
    job::session::{Connect, Session, Sources},
    sandbox,
};

use crate::support::{ORIGIN, clock};

/// What befalls a request.
#[derive(Clone)]
pub(crate) enum Fault {
    /// Nothing leaves this machine, found out after this time.
    NotSent(&'static str, Duration),
    /// The connection ends before the head of the answer, after this time.
    Reset(Duration),
    /// It ends within the body, after as many bytes as this makes of their number.
    ResetAfter(fn(usize) -> usize),
    /// The body ends there as if that were all.
    Truncate(fn(usize) -> usize),
    /// No answer, ever.
    Stall,
    /// Another answer in its place: status, headers, body.
    Say(u16, Vec<(&'static str, String)>, String),
    /// A body of spaces without end.
    Endless,
    /// The answer as it is, after this time.
    Late(Duration),
    /// The answer as it is, so many bytes a second.
    Slow(usize),
    /// The answer as it is, with one header more.
    With(&'static str, String),
}

impl Fault {
    /// A page in place of JSON.
    pub(crate) fn page(status: u16) -> Self {
        let page = "<!DOCTYPE html><html><head><title>DHIS2 Login</title></head></html>";
        Self::Say(status, vec![("content-type", "text/html".to_owned())], page.to_owned())
    }

    /// Sent on to another address.
    pub(crate) fn redirect(to: &str) -> Self {
        Self::Say(302, vec![("location", to.to_owned())], String::new())
    }

    /// Told to wait so long.
    pub(crate) fn slow_down(status: u16, after: &str) -> Self {
        Self::Say(status, vec![("retry-after", after.to_owned())], String::new())
    }
}

/// Which requests meet which fault. Without more words: all of them.
pub(crate) struct Rule {
    words: Vec<String>,
    times: Range<usize>,
    met: Mutex<usize>,
    fault: Fault,
}

impl Rule {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { words: Vec::new(), times: 0..usize::MAX, met: Mutex::new(0), fault }
    }

    /// Only those whose path and query hold this.
    pub(crate) fn on(mut self, word: &str) -> Self {
        self.words.push(word.to_owned());
        self
    }

    /// Only these of them, 0 the first.
    pub(crate) fn times(self, times: Range<usize>) -> Self {
        Self { times, ..self }
    }

    fn takes(&self, address: &str) -> bool {
        if !self.words.iter().all(|word| address.contains(word)) {
            return false;
        }
        let mut met = self.met.lock().unwrap();
        *met += 1;
        self.times.contains(&(*met - 1))
    }
}

/// What is known of the requests so far.
#[derive(Default)]
struct Seen {
    addresses: Vec<String>,
    under_way: usize,
    most: usize,
}

/// A transport on which the first rule that takes a request decides what befalls it.
pub(crate) struct Faulty {
    inner: SharedTransport,
    rules: Vec<Rule>,
    time: Time,
    seen: Mutex<Seen>,
}

impl Faulty {
    pub(crate) fn around(inner: SharedTransport, time: &Time, rules: Vec<Rule>) -> Arc<Self> {
        Arc::new(Self { inner, rules, time: time.clone(), seen: Mutex::default() })
    }

    /// Requests so far whose path and query hold this.
    pub(crate) fn asked(&self, word: &str) -> usize {
        self.seen.lock().unwrap().addresses.iter().filter(|address| address.contains(word)).count()
    }

    /// Most requests that waited for the head of their answer at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.seen.lock().unwrap().most
    }

    async fn befall(&self, fault: Option<Fault>, request: http::Request<Bytes>) -> Result<Answer, Broken> {
        let reset = || Broken::NoAnswer("connection reset by peer".to_owned());
        let cut = async |request, at: fn(usize) -> usize, end| {
            let time = self.time.clone();
            let (head, body) = self.inner.send(request).await?.into_parts();
            let whole = whole(body).await?;
            let pieces = [Ok(whole.slice(..at(whole.len()).min(whole.len())))].into_iter().chain(end);
            Ok(Answer::from_parts(head, Box::new(Pieces { left: pieces.collect(), pause: Duration::ZERO, time })))
        };
        match fault {
            None => self.inner.send(request).await,
            Some(Fault::NotSent(why, after)) => {
                self.time.sleep(after).await;
                Err(Broken::NotSent(why.to_owned()))
            }
            Some(Fault::Reset(after)) => {
                self.time.sleep(after).await;
                Err(reset())
            }
            Some(Fault::ResetAfter(at)) => cut(request, at, Some(Err(reset()))).await,
            Some(Fault::Truncate(at)) => cut(request, at, None).await,
            Some(Fault::Stall) => std::future::pending().await,
            Some(Fault::Say(status, headers, text)) => {
                let body: Box<dyn Body> = Box::new(Whole::new(text));
                let answer = http::Response::builder().status(status);
                let answer = headers.into_iter().fold(answer, |answer, (name, value)| answer.header(name, value));
                Ok(answer.body(body).unwrap())
            }
            Some(Fault::Endless) => {
                let body: Box<dyn Body> = Box::new(Endless);
                Ok(http::Response::builder().header("content-type", "application/json").body(body).unwrap())
            }
            Some(Fault::Late(after)) => {
                self.time.sleep(after).await;
                self.inner.send(request).await
            }
            Some(Fault::Slow(bytes)) => {
                let (head, body) = self.inner.send(request).await?.into_parts();
                let whole = whole(body).await?;
                let time = self.time.clone();
                let left = whole.chunks(bytes).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
                Ok(Answer::from_parts(head, Box::new(Pieces { left, pause: Duration::from_secs(1), time })))
            }
            Some(Fault::With(name, value)) => {
                let mut answer = self.inner.send(request).await?;
                answer.headers_mut().insert(name, value.parse().unwrap());
                Ok(answer)
            }
        }
    }
}

async fn whole(mut body: Box<dyn Body>) -> Result<Bytes, Broken> {
    let mut whole = Vec::new();
    while let Some(piece) = body.chunk().await? {
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}

impl Transport for Faulty {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        let address = request.uri().path_and_query().unwrap().as_str().to_owned();
        let fault = self.rules.iter().find(|rule| rule.takes(&address)).map(|rule| rule.fault.clone());
        let mut seen = self.seen.lock().unwrap();
        seen.addresses.push(address);
        seen.under_way += 1;
        seen.most = seen.most.max(seen.under_way);
        Box::pin(async move {
            self.time.moves();
            let answer = self.befall(fault, request).await;
            self.seen.lock().unwrap().under_way -= 1;
            answer
        })
    }
}

struct Pieces {
    left: VecDeque<Result<Bytes, Broken>>,
    pause: Duration,
    time: Time,
}

impl Body for Pieces {
    fn chunk(&mut self) -> Later<'_, Result<Option<Bytes>, Broken>> {
        Box::pin(async move {
            self.time.sleep(self.pause).await;
            self.left.pop_front().transpose()
        })
    }
}

struct Endless;

impl Body for Endless {
    fn chunk(&mut self) -> Later<'_, Result<Option<Bytes>, Broken>> {
        Box::pin(async { Ok(Some(Bytes::from_static(&[b' '; 8 << 10]))) })
    }
}

/// A time that stands still while anything goes on, and jumps to the end of the shortest sleep when nothing does.
#[derive(Clone)]
pub(crate) struct Time(Arc<Mutex<Going>>);

struct Going {
    now: Timestamp,
    sleepers: Vec<(Timestamp, Waker)>,
    slept: Vec<Duration>,
    moves: usize,
}

impl Time {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Going { now: clock(), sleepers: Vec::new(), slept: Vec::new(), moves: 0 })))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    /// Since it began.
    pub(crate) fn passed(&self) -> Duration {
        Duration::try_from(self.now().duration_since(clock())).unwrap()
    }

    /// The pauses of the clients so far.
    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.0.lock().unwrap().slept.clone()
    }

    pub(crate) fn sleeper(&self) -> Sleeper {
        let time = self.clone();
        Arc::new(move |pause| {
            time.0.lock().unwrap().slept.push(pause);
            Box::pin(time.sleep(pause))
        })
    }

    fn sleep(&self, pause: Duration) -> impl Future<Output = ()> + Send + use<> {
        let until = self.now() + pause;
        let time = self.clone();
        poll_fn(move |cx| {
            let mut going = time.0.lock().unwrap();
            if going.now >= until {
                going.moves += 1;
                return Poll::Ready(());
            }
            if !going.sleepers.iter().any(|(at, waker)| *at == until && waker.will_wake(cx.waker())) {
                going.sleepers.push((until, cx.waker().clone()));
            }
            Poll::Pending
        })
    }

    fn moves(&self) {
        self.0.lock().unwrap().moves += 1;
    }

    /// Does the work, with time going on as it is slept. Needs a runtime of one thread.
    pub(crate) async fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.stands() => self.jump(),
            }
        }
    }

    /// Ends when nothing moved for a while.
    async fn stands(&self) {
        loop {
            let before = self.0.lock().unwrap().moves;
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            if self.0.lock().unwrap().moves == before {
                return;
            }
        }
    }

    fn jump(&self) {
        let mut going = self.0.lock().unwrap();
        let Some(next) = going.sleepers.iter().map(|(until, _)| *until).min() else { return };
        going.now = going.now.max(next);
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut going.sleepers).into_iter().partition(|(until, _)| *until <= next);
        going.sleepers = later;
        drop(going);
        for (_, waker) in due {
            waker.wake();
        }
    }
}

/// Both clients over `transport`, below this origin.
pub(crate) fn connect(origin: &str, transport: SharedTransport, sleep: Sleeper, limits: &Limits) -> Connect {
    let (origin, limits) = (origin.to_owned(), limits.clone());
    Arc::new(move |on_wait| {
        let client = |side, path: &str, sign_in| {
            let base = format!("{origin}{path}").parse().unwrap();
            let base = if side == Side::Dhis2 { root(&base, false) } else { base };
            let client = Client::new(Arc::clone(&transport), side, &base, sign_in, 1).unwrap();
            client.reporting(Arc::clone(&on_wait)).sleeping(Arc::clone(&sleep)).limited(limits.clone())
        };
        let password = Secret::new(sandbox::DHIS2_PASSWORD);
        let key = Secret::new(sandbox::COMMCARE_API_KEY);
        let dhis2 = SignIn::Basic { user: sandbox::DHIS2_USER.to_owned(), password };
        let commcare = SignIn::ApiKey { user: sandbox::COMMCARE_USER.to_owned(), key };
        Sources {
            dhis2: Dhis2::new(client(Side::Dhis2, "/dhis2/", dhis2)),
            commcare: CommCare::new(client(Side::CommCare, "/", commcare), sandbox::PROJECT.to_owned()),
        }
    })
}

/// A session whose clients go over `transport`, in this time.
pub(crate) fn session(folder: &Path, transport: SharedTransport, time: &Time, limits: &Limits) -> Session {
    let connect = connect(ORIGIN, transport, time.sleeper(), limits);
    let (clock, store) = (time.clone(), Store::create(&folder.join("2026Q2.review")).unwrap());
    Session::new(store, Some(connect), Arc::new(move || clock.now()), time.sleeper(), "Grace")
}
