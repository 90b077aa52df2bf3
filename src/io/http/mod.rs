//! The one HTTP client both servers are read through: sign-in, limits, retries, and sentences for what went wrong.
//!
//! It talks through a [`Transport`](super::transport::Transport), so the sandbox or a test can stand behind it. It
//! follows no redirect, sends the credentials to the configured origin only, and uses a body only when all of it came.
//! It knows nothing of cases or data values; those are in [`commcare`](super::commcare) and [`dhis2`](super::dhis2).

mod answer;
mod decode;
mod failure;
mod pace;
mod secret;
mod slots;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::de::DeserializeOwned;
use url::Url;

pub(in crate::io) use self::{
    answer::text_of,
    decode::{Bad, Decode, no_object},
    failure::{cut, inert, line},
    pace::retry_after,
};
pub use self::{
    failure::{Cause, Failure, Side, Why, signed_out},
    pace::Limits,
    secret::{Secret, SignIn},
};
pub use super::wire::{Options, real};

use self::{
    answer::Miss,
    decode::Json,
    pace::{Dice, Pace, Retry},
    slots::Slots,
};
use super::transport::{Body, Broken, Later, SharedTransport};

/// Reads of one server at once, until it asks for less.
pub const TOGETHER: usize = 4;

/// Longest body of an error or of a form's answer that is looked at.
const ERROR_BODY: usize = 64 << 10;

/// A pause between two tries, to be shown to the user while it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The server waited for.
    pub side: Side,
    /// What was asked for, in words.
    pub asked: String,
    /// Why.
    pub cause: Cause,
    /// What the other side, or the system, said of it; empty where the cause says all.
    pub detail: String,
    /// How long the pause is.
    pub pause: Duration,
    /// The number of the try that comes after it, from 2.
    pub next_try: u32,
}

/// Sleeps for a while: the clock is given in.
pub type Sleeper = Arc<dyn Fn(Duration) -> Later<'static, ()> + Send + Sync>;

/// Told of every [`Wait`] as it begins.
pub type OnWait = Arc<dyn Fn(&Wait) + Send + Sync>;

/// A client of one server. Cheap to clone; clones share the connection pool and the source of jitter.
#[derive(Clone)]
pub struct Client {
    transport: SharedTransport,
    side: Side,
    base: Url,
    host: String,
    sign_in: Arc<SignIn>,
    authorization: HeaderValue,
    limits: Limits,
    dice: Arc<Dice>,
    slots: Arc<Slots>,
    sleep: Sleeper,
    on_wait: OnWait,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("side", &self.side).field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// The whole answer to something that is sent once: a form.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, at most 64 KiB of it, with our secret struck out should the server have echoed it.
    pub body: Bytes,
}

/// One question: everything that stays the same over its tries.
struct Ask<'a> {
    url: &'a Url,
    asked: &'a str,
    body: Option<Bytes>,
}

impl Client {
    /// A client for everything under `base`. `seed` feeds the jitter of retries.
    ///
    /// Fails when `base` is not a plain http or https address, or when the credentials cannot stand in a header.
    pub fn new(transport: SharedTransport, side: Side, base: &Url, sign_in: SignIn, seed: u64) -> anyhow::Result<Self> {
        ensure!(matches!(base.scheme(), "http" | "https"), "the {side} url must begin with https://");
        ensure!(
            base.username().is_empty() && base.password().is_none(),
            "the {side} url has a user name or password in it; they belong in the profile and the secrets"
        );
        ensure!(base.query().is_none() && base.fragment().is_none(), "the {side} url must end before any ? or #");
        let authorization = sign_in.header().with_context(|| format!("the {side} credentials cannot be used"))?;
        Ok(Self {
            transport,
            side,
            base: base.clone(),
            host: host(base),
            sign_in: Arc::new(sign_in),
            authorization,
            limits: Limits::default(),
            dice: Arc::new(Dice::new(seed)),
            slots: Arc::new(Slots::new(TOGETHER)),
            sleep: Arc::new(|pause| Box::pin(tokio::time::sleep(pause))),
            on_wait: Arc::new(|_| {}),
        })
    }

    /// The same client with another clock for its pauses.
    #[must_use]
    pub fn sleeping(mut self, sleep: Sleeper) -> Self {
        self.sleep = sleep;
        self
    }

    /// The same client, reporting its pauses.
    #[must_use]
    pub fn reporting(mut self, on_wait: OnWait) -> Self {
        self.on_wait = on_wait;
        self
    }

    /// The same client with other limits.
    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The server this client reads.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Reads of this server at once, now.
    pub fn together(&self) -> usize {
        self.slots.most()
    }

    /// The address everything is joined under.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The address of `segments` under the base, each percent-encoded; an empty last one gives a trailing slash.
    pub fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Reads a JSON object. `asked` says in words what it is, for messages.
    pub async fn get_json<T: DeserializeOwned>(&self, url: &Url, asked: &str) -> Result<T, Failure> {
        self.read(&Ask { url, asked, body: None }, Json::default).await
    }

    /// Reads a body piece by piece through a new `decoder` for every try.
    pub(in crate::io) async fn get_streamed<D: Decode>(
        &self,
        url: &Url,
        asked: &str,
        decoder: impl Fn() -> D,
    ) -> Result<D::Out, Failure> {
        self.read(&Ask { url, asked, body: None }, decoder).await
    }

    /// Reads a JSON object by POST of a JSON body. Only for questions that change nothing: it is retried like a read.
    pub async fn ask_json<T: DeserializeOwned>(&self, url: &Url, body: Bytes, asked: &str) -> Result<T, Failure> {
        self.read(&Ask { url, asked, body: Some(body) }, Json::default).await
    }

    /// Sends `body` once and returns what came back, whatever it is. Never tried again from here.
    pub async fn post_once(
        &self,
        url: &Url,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        body: Bytes,
    ) -> Result<Reply, Broken> {
        if url.origin() != self.base.origin() {
            return Err(Broken::NotSent(format!("{} is not the configured server", place(url))));
        }
        let mut request = self.request(Method::POST, url, body).map_err(Broken::NotSent)?;
        request.headers_mut().extend(headers);
        let (head, mut body) = self.transport.send(request).await?.into_parts();
        tracing::debug!(side = %self.side, path = url.path(), status = head.status.as_u16(), "answer to a form");
        let bytes = match read_some(&mut *body, ERROR_BODY).await {
            // These decide by their body; for every other status the head says enough.
            Err((_, broken)) if matches!(head.status.as_u16(), 200..=299 | 422) => return Err(broken),
            Err((part, _)) | Ok(part) => part,
        };
        let body = self.sign_in.scrub(&String::from_utf8_lossy(&bytes)).into();
        Ok(Reply { status: head.status, headers: head.headers, body })
    }

    /// A failure of this client that is about the content of an answer.
    pub(in crate::io) fn odd(&self, asked: &str, why: impl Into<String>) -> Failure {
        self.failure(asked, 1, Why::Shape { why: self.clean(&why.into()) })
    }

    async fn read<D: Decode>(&self, ask: &Ask<'_>, decoder: impl Fn() -> D) -> Result<D::Out, Failure> {
        if ask.url.origin() != self.base.origin() {
            return Err(self.failure(ask.asked, 0, Why::OtherOrigin { to: place(ask.url) }));
        }
        let mut pace = Pace::default();
        loop {
            let slot = self.slots.take().await;
            let miss = match self.attempt(ask, decoder()).await {
                Ok(value) => return Ok(value),
                Err(miss) => miss,
            };
            // A pause holds nobody up, unless the server asked for one.
            slot.give_back(matches!(miss.retry, Retry::Told(_)));
            let Some(pause) = pace.next(miss.retry, &self.limits, &self.dice) else {
                return Err(self.failure(ask.asked, pace.tries, miss.why));
            };
            self.pause(ask, &miss, pause, pace.tries + 1).await;
        }
    }

    async fn pause(&self, ask: &Ask<'_>, miss: &Miss, pause: Duration, next_try: u32) {
        let (cause, detail) = (miss.cause(), self.clean(&miss.detail()));
        let wait = Wait { side: self.side, asked: self.clean(ask.asked), cause, detail, pause, next_try };
        tracing::info!(side = %self.side, %cause, detail = wait.detail, ?pause, next_try, "trying again after a pause");
        (self.on_wait)(&wait);
        (self.sleep)(pause).await;
    }

    async fn attempt<D: Decode>(&self, ask: &Ask<'_>, mut decoder: D) -> Result<D::Out, Miss> {
        let method = if ask.body.is_some() { Method::POST } else { Method::GET };
        let mut request = self
            .request(method, ask.url, ask.body.clone().unwrap_or_default())
            .map_err(|why| Miss { why: Why::Shape { why }, retry: Retry::Never })?;
        if ask.body.is_some() {
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let answer = self.transport.send(request).await.map_err(|broken| self.broken(broken))?;
        let (head, mut body) = answer.into_parts();
        tracing::debug!(side = %self.side, path = ask.url.path(), status = head.status.as_u16(), "answer");
        let clean = |text: &str| self.clean(text);
        let refused = answer::Head { status: head.status, headers: &head.headers, base: &self.base, clean: &clean };
        if !refused.is_json_success() {
            let part = match read_some(&mut *body, ERROR_BODY).await {
                // What is refused, and why, stands in the body alone (fault matrix row N11).
                Err((_, broken)) if matches!(head.status.as_u16(), 400 | 409) => return Err(self.broken(broken)),
                Ok(part) | Err((part, _)) => part,
            };
            return Err(refused.miss(&part));
        }
        let mut size = 0_usize;
        while let Some(piece) = body.chunk().await.map_err(|broken| self.broken(broken))? {
            size = size.saturating_add(piece.len());
            if size > self.limits.body {
                return Err(Miss { why: Why::TooLarge { cap: self.limits.body }, retry: Retry::Never });
            }
            decoder.feed(&piece).map_err(|bad| refused.bad(bad))?;
        }
        decoder.end().map_err(|bad| refused.bad(bad))
    }

    fn broken(&self, broken: Broken) -> Miss {
        match broken {
            // A proxy that refuses to open the way to a TLS server answers the connection, not the request (row N22).
            Broken::NotSent(why) if why.contains("proxy authorization required") => {
                Miss { why: Why::Proxy, retry: Retry::Never }
            }
            Broken::NotSent(why) => Miss { why: Why::Unreachable { why: self.clean(&why) }, retry: Retry::Unsent },
            Broken::NoAnswer(why) => Miss { why: Why::NoAnswer { why: self.clean(&why) }, retry: Retry::Broken },
        }
    }

    fn request(&self, method: Method, url: &Url, body: Bytes) -> Result<http::Request<Bytes>, String> {
        http::Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::ACCEPT, "application/json")
            .body(body)
            .map_err(|why| format!("no request can be made of this address: {why}"))
    }

    fn failure(&self, asked: &str, tries: u32, why: Why) -> Failure {
        Failure { side: self.side, host: self.host.clone(), asked: self.clean(asked), tries, why: Box::new(why) }
    }

    /// Foreign text without our secret and without control characters.
    pub(in crate::io) fn clean(&self, text: &str) -> String {
        inert(&self.sign_in.scrub(text)).into_owned()
    }
}

/// The body up to `most` bytes. On a break, what had come so far and the reason.
async fn read_some(body: &mut dyn Body, most: usize) -> Result<Vec<u8>, (Vec<u8>, Broken)> {
    let mut whole = Vec::new();
    loop {
        match body.chunk().await {
            Ok(Some(chunk)) => {
                let room = most - whole.len();
                whole.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if whole.len() >= most {
                    return Ok(whole);
                }
            }
            Ok(None) => return Ok(whole),
            Err(broken) => return Err((whole, broken)),
        }
    }
}

fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// Origin and path of an address, without anything that may be secret.
fn place(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
