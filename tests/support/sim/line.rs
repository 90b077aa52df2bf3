//! The line between the program and both servers, and what befalls a request on it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use onse::io::transport::{Answer, Body, Broken, Later, Transport, Whole};

use super::{others, world::World, xml};

/// What befalls a request.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Nothing leaves this machine.
    NotSent,
    /// The server acts and its answer is lost.
    Lost,
    /// It never arrives, and there is no answer.
    Swallowed,
    /// It arrives when nobody waits for it any more.
    Late,
    /// A proxy delivers it twice and hands on the first answer, or the second.
    Twice(bool),
    /// It takes its time.
    Slow,
    /// A gateway answers with a page, and the server never sees it.
    Page(u16),
    /// The server acts, a gateway answers with a page.
    PageAfter(u16),
    /// The body breaks off, or ends early as if that were all.
    Cut(bool),
    /// A sign-in page with status 200.
    Login,
    /// 201 with nothing in it, and the server never sees it.
    Empty,
}

const OF_READS: [Fault; 16] = [
    Fault::NotSent,
    Fault::Lost,
    Fault::Swallowed,
    Fault::Twice(true),
    Fault::Slow,
    Fault::Page(500),
    Fault::Page(502),
    Fault::Page(503),
    Fault::Page(504),
    Fault::Page(429),
    Fault::Page(413),
    Fault::Page(403),
    Fault::Page(404),
    Fault::Cut(true),
    Fault::Cut(false),
    Fault::Login,
];

const OF_FORMS: [Fault; 27] = [
    Fault::NotSent,
    Fault::NotSent,
    Fault::Lost,
    Fault::Lost,
    Fault::Lost,
    Fault::Swallowed,
    Fault::Swallowed,
    Fault::Late,
    Fault::Late,
    Fault::Twice(true),
    Fault::Twice(false),
    Fault::Slow,
    Fault::Page(500),
    Fault::Page(502),
    Fault::Page(503),
    Fault::Page(504),
    Fault::Page(429),
    Fault::Page(413),
    Fault::Page(403),
    Fault::Page(401),
    Fault::Page(509),
    Fault::PageAfter(502),
    Fault::PageAfter(504),
    Fault::Cut(true),
    Fault::Cut(false),
    Fault::Login,
    Fault::Empty,
];

type Request = http::Request<Bytes>;
type Reply = (http::response::Parts, Bytes);

/// Whether HQ takes nothing of this account (ignored), or of this project (509).
fn is_final(head: &http::response::Parts, body: &Bytes) -> bool {
    head.status.as_u16() == 509 || body.windows(7).any(|word| word == b"ignored")
}

pub(crate) struct Line {
    world: Arc<World>,
    /// Requests still under way after whoever sent them gave up.
    late: Mutex<VecDeque<(Duration, Request)>>,
}

impl Line {
    pub(crate) fn new(world: &Arc<World>) -> Arc<Self> {
        Arc::new(Self { world: Arc::clone(world), late: Mutex::default() })
    }

    /// Requests that were long under way arrive: those whose time has come, or all.
    pub(crate) async fn arrive(&self, all: bool) {
        loop {
            let next = {
                let (mut late, now) = (self.late.lock().unwrap(), self.world.time.passed());
                let due = late.iter().position(|(at, _)| all || *at <= now);
                due.and_then(|at| late.remove(at))
            };
            let Some((_, request)) = next else { return };
            self.world.say(|| "a form that was long under way arrives".to_owned());
            let _ = self.serve(request).await;
        }
    }

    async fn carry(&self, request: Request) -> Result<Answer, Broken> {
        let world = &*self.world;
        world.time.passes(Duration::from_millis(world.dice.between(5, 400) as u64));
        self.arrive(false).await;
        let form = request.uri().path().contains("/receiver/");
        let path = request.uri().path().to_owned();
        if world.dice.falls(world.weather().others) {
            others::act(world);
        }
        world.steer("at a request");
        if world.dice.falls(world.weather().kills) {
            world.kill(&format!("before sending to {path}"));
            return std::future::pending().await;
        }
        let (chance, faults) =
            if form { (world.weather().forms, &OF_FORMS[..]) } else { (world.weather().reads, &OF_READS[..]) };
        let fault = if world.dice.falls(chance) { world.dice.pick(faults).copied() } else { None };
        let id = if form { Some(xml::read(request.body()).id) } else { None };
        if let Some(id) = &id {
            world.say(|| format!("form {} is sent: {}", world.story.form(id), told(fault)));
            if !matches!(fault, Some(Fault::NotSent)) {
                world.books().leaves(id, request.body().clone());
            }
        } else if let Some(fault) = fault {
            world.say(|| format!("{path}: {fault:?}"));
        }
        let answer = self.befall(fault, request).await;
        if world.dice.falls(world.weather().kills) {
            world.kill(&format!("after {path} was answered"));
            return std::future::pending().await;
        }
        answer
    }

    async fn befall(&self, fault: Option<Fault>, request: Request) -> Result<Answer, Broken> {
        let world = &*self.world;
        let seconds = |most| Duration::from_secs(world.dice.between(1, most) as u64);
        let reset = || Broken::NoAnswer("connection reset by peer".to_owned());
        match fault {
            None => self.serve(request).await.map(|(head, body)| answer(head, body, None)),
            Some(Fault::NotSent) => {
                world.sleep(seconds(10)).await;
                Err(Broken::NotSent("no route to host".to_owned()))
            }
            Some(Fault::Lost) => {
                let _ = self.serve(request).await;
                world.sleep(seconds(60)).await;
                Err(reset())
            }
            Some(Fault::Swallowed) => {
                world.sleep(seconds(60)).await;
                Err(reset())
            }
            Some(Fault::Late) => {
                let due = world.time.passed() + seconds(900);
                self.late.lock().unwrap().push_back((due, request));
                world.sleep(seconds(60)).await;
                Err(reset())
            }
            Some(Fault::Twice(first)) => {
                let one = self.serve(request.clone()).await;
                // What stands against an account or a project stands against the copy that comes a moment later.
                if one.as_ref().is_ok_and(|(head, body)| is_final(head, body)) {
                    return one.map(|(head, body)| answer(head, body, None));
                }
                let two = self.serve(request).await;
                if first { one } else { two }.map(|(head, body)| answer(head, body, None))
            }
            Some(Fault::Slow) => {
                world.sleep(seconds(50)).await;
                self.serve(request).await.map(|(head, body)| answer(head, body, None))
            }
            Some(Fault::Page(status)) => Ok(page(status)),
            Some(Fault::PageAfter(status)) => {
                let _ = self.serve(request).await;
                Ok(page(status))
            }
            Some(Fault::Cut(broken)) => {
                let (head, body) = self.serve(request).await?;
                let end = world.dice.below(body.len());
                Ok(answer(head, body.slice(..end), broken.then(reset)))
            }
            Some(Fault::Login) => Ok(page(200)),
            Some(Fault::Empty) => Ok(http::Response::builder().status(201).body(boxed(Bytes::new(), None)).unwrap()),
        }
    }

    /// The server itself.
    async fn serve(&self, request: Request) -> Result<Reply, Broken> {
        let form = request.uri().path().contains("/receiver/");
        // Also where whoever waits gives up while the answer is on its way.
        let _looks = form.then(|| Looks(&self.world));
        let (head, mut body) = self.world.inner.send(request).await?.into_parts();
        let mut bytes = Vec::new();
        while let Some(piece) = body.chunk().await? {
            bytes.extend_from_slice(&piece);
        }
        if form {
            self.world.say(|| {
                let fate = self.world.sandbox.forms().last().map(|form| format!("{:?}", form.fate));
                format!("HQ answers {}, its newest form is {}", head.status.as_u16(), fate.unwrap_or_default())
            });
        }
        Ok((head, bytes.into()))
    }
}

/// Notes what the database holds, however a request ends.
struct Looks<'a>(&'a World);

impl Drop for Looks<'_> {
    fn drop(&mut self) {
        self.0.books().look(&self.0.sandbox);
    }
}

impl Transport for Line {
    fn send(&self, request: Request) -> Later<'_, Result<Answer, Broken>> {
        Box::pin(self.carry(request))
    }
}

fn told(fault: Option<Fault>) -> String {
    fault.map_or_else(|| "well".to_owned(), |fault| format!("{fault:?}"))
}

fn answer(head: http::response::Parts, body: Bytes, end: Option<Broken>) -> Answer {
    Answer::from_parts(head, boxed(body, end))
}

fn page(status: u16) -> Answer {
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Gateway</body></html>";
    let answer = http::Response::builder().status(status).header("content-type", "text/html");
    answer.body(boxed(Bytes::from_static(page.as_bytes()), None)).unwrap()
}

fn boxed(body: Bytes, end: Option<Broken>) -> Box<dyn Body> {
    match end {
        None => Box::new(Whole::new(body)),
        Some(end) => Box::new(BreaksOff(Some(body), end)),
    }
}

struct BreaksOff(Option<Bytes>, Broken);

impl Body for BreaksOff {
    fn chunk(&mut self) -> Later<'_, Result<Option<Bytes>, Broken>> {
        let next = self.0.take().map_or_else(|| Err(self.1.clone()), |body| Ok(Some(body)));
        Box::pin(async move { next })
    }
}
