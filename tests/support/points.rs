//! The points of a run, named and counted: every call of the review file before and after it, every request before it is sent, once
//! the server acted, and within its answer. One of them can be where the process is killed, or where the call fails.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use anyhow::bail;
use bytes::Bytes;
use onse::io::{
    store::{Gate, Moment},
    transport::{Answer, Body, Broken, Later, SharedTransport, Transport},
};
use tokio_util::sync::CancellationToken;

/// One point: what was going on, and the how manieth time, 0 the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) what: String,
    pub(crate) nth: usize,
}

impl Point {
    /// Whether it lies in the sending of a form.
    pub(crate) fn is_form(&self) -> bool {
        self.what.contains(RECEIVER)
    }

    /// Whether a request stands before its sending here.
    pub(crate) fn is_unsent(&self) -> bool {
        self.what.ends_with(UNSENT)
    }

    /// Whether it is of the review file, not of a request.
    pub(crate) fn is_file(&self) -> bool {
        self.what.starts_with("file: ")
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} #{}", self.what, self.nth)
    }
}

/// Where forms go.
const RECEIVER: &str = "/receiver/";
/// How the point before a request ends.
const UNSENT: &str = ", before it is sent";

/// What befalls the run at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The process is killed.
    Kill,
    /// The call fails. A request that stands before its sending did not leave this machine.
    Fail,
    /// The connection ends before anything arrives, which nobody here can know.
    Lost,
}

/// The points of one run.
#[derive(Default)]
pub(crate) struct Points {
    target: Option<(Point, How)>,
    passed: Mutex<Vec<Point>>,
    reached: AtomicBool,
    killed: CancellationToken,
}

impl Points {
    /// A run that nothing befalls.
    pub(crate) fn undisturbed() -> Arc<Self> {
        Arc::default()
    }

    /// A run that this befalls at this point.
    pub(crate) fn at(point: &Point, how: How) -> Arc<Self> {
        Arc::new(Self { target: Some((point.clone(), how)), ..Self::default() })
    }

    /// The points so far, in order.
    pub(crate) fn passed(&self) -> Vec<Point> {
        self.passed.lock().unwrap().clone()
    }

    /// Whether the run came to its point.
    pub(crate) fn reached(&self) -> bool {
        self.reached.load(Ordering::SeqCst)
    }

    /// Ends when the run was killed.
    pub(crate) async fn killed(&self) {
        self.killed.cancelled().await;
    }

    /// Notes a point and says what befalls it; a kill never returns.
    async fn pass(&self, what: String) -> Option<How> {
        let how = {
            let mut passed = self.passed.lock().unwrap();
            let nth = passed.iter().filter(|point| point.what == what).count();
            passed.push(Point { what, nth });
            self.target.as_ref().filter(|(target, _)| passed.last() == Some(target)).map(|(_, how)| *how)
        }?;
        self.reached.store(true, Ordering::SeqCst);
        if how == How::Kill {
            self.killed.cancel();
            std::future::pending::<()>().await;
        }
        Some(how)
    }

    /// For [`onse::io::store::Store::gated`].
    pub(crate) fn gate(self: &Arc<Self>) -> Gate {
        let points = Arc::clone(self);
        Arc::new(move |what, moment| {
            let points = Arc::clone(&points);
            let when = if moment == Moment::Before { "before" } else { "after" };
            Box::pin(async move {
                match points.pass(format!("file: {what}, {when}")).await {
                    None => Ok(()),
                    Some(_) => bail!("no space left on device"),
                }
            })
        })
    }

    /// The same transport, whose requests pass points.
    pub(crate) fn around(self: &Arc<Self>, inner: SharedTransport) -> SharedTransport {
        Arc::new(Line { inner, points: Arc::clone(self) })
    }
}

fn reset() -> Broken {
    Broken::NoAnswer("connection reset by peer".to_owned())
}

struct Line {
    inner: SharedTransport,
    points: Arc<Points>,
}

impl Transport for Line {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        let name = format!("{} {}", request.method(), request.uri().path());
        Box::pin(async move {
            match self.points.pass(format!("{name}{UNSENT}")).await {
                None | Some(How::Kill) => {}
                Some(How::Fail) => return Err(Broken::NotSent("connection refused".to_owned())),
                Some(How::Lost) => return Err(reset()),
            }
            let answer = self.inner.send(request).await?;
            if self.points.pass(format!("{name}, before the head of its answer")).await.is_some() {
                return Err(reset());
            }
            let points = Arc::clone(&self.points);
            let body = |inner| Box::new(Halves { inner, rest: None, name, points }) as Box<dyn Body>;
            Ok(answer.map(body))
        })
    }
}

/// A body in two halves, however it arrives, so that every run has the same points.
struct Halves {
    inner: Box<dyn Body>,
    rest: Option<Bytes>,
    name: String,
    points: Arc<Points>,
}

impl Halves {
    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        let Some(mut rest) = self.rest.take() else {
            if self.points.pass(format!("{}, before its body", self.name)).await.is_some() {
                return Err(reset());
            }
            let mut whole = Vec::new();
            while let Some(piece) = self.inner.chunk().await? {
                whole.extend_from_slice(&piece);
            }
            let mut whole = Bytes::from(whole);
            let first = whole.split_to(whole.len() / 2);
            self.rest = Some(whole);
            return Ok(Some(first));
        };
        if rest.is_empty() {
            self.rest = Some(rest);
            return Ok(None);
        }
        if self.points.pass(format!("{}, within its body", self.name)).await.is_some() {
            return Err(reset());
        }
        self.rest = Some(rest.split_off(rest.len()));
        Ok(Some(rest))
    }
}

impl Body for Halves {
    fn chunk(&mut self) -> Later<'_, Result<Option<Bytes>, Broken>> {
        Box::pin(self.next())
    }
}
