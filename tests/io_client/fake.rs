//! A transport that plays a script and keeps what was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use onse::io::{
    http::{Client, Limits, Secret, Side, SignIn, Wait},
    transport::{Answer, Body, Broken, Later, Transport},
};
use url::Url;

/// The secret of every client here. It must turn up nowhere but in the header.
pub(crate) const MARK: &str = "s3cr3t-M4RK";

/// One scripted event.
pub(crate) enum Play {
    /// Status, headers, and the body in pieces.
    Answer(u16, Vec<(&'static str, String)>, Vec<Result<Bytes, Broken>>),
    Fail(Broken),
}

impl Play {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::Answer(status, vec![("content-type", "application/json".into())], vec![Ok(body.to_owned().into())])
    }

    pub(crate) fn ok(body: &str) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn html(status: u16) -> Self {
        let page = "<!DOCTYPE html><html><title>Log in</title></html>";
        Self::Answer(status, vec![("content-type", "text/html; charset=utf-8".into())], vec![Ok(page.into())])
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer(_, headers, _) = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }

    /// Status 200 and JSON whose connection breaks after `part`.
    pub(crate) fn cut(part: &str) -> Self {
        let pieces = vec![Ok(part.to_owned().into()), Err(Broken::NoAnswer("reset".into()))];
        Self::Answer(200, vec![("content-type", "application/json".into())], pieces)
    }
}

struct Pieces(VecDeque<Result<Bytes, Broken>>);

impl Body for Pieces {
    fn chunk(&mut self) -> Later<'_, Result<Option<Bytes>, Broken>> {
        let next = self.0.pop_front().transpose();
        Box::pin(async move { next })
    }
}

/// What was asked and waited for.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) requests: Mutex<Vec<http::Request<Bytes>>>,
    pub(crate) slept: Mutex<Vec<Duration>>,
    pub(crate) waits: Mutex<Vec<Wait>>,
}

impl Seen {
    pub(crate) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }

    pub(crate) fn uris(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|r| r.uri().to_string()).collect()
    }

    pub(crate) fn header(&self, request: usize, name: &str) -> Option<String> {
        let requests = self.requests.lock().unwrap();
        requests.get(request)?.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    pub(crate) fn body(&self, request: usize) -> String {
        String::from_utf8(self.requests.lock().unwrap()[request].body().to_vec()).unwrap()
    }
}

struct Fake {
    script: Mutex<VecDeque<Play>>,
    seen: Arc<Seen>,
}

impl Transport for Fake {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        self.seen.requests.lock().unwrap().push(request);
        let play = self.script.lock().unwrap().pop_front();
        Box::pin(async move {
            match play {
                None => Err(Broken::NotSent("the script has ended".into())),
                Some(Play::Fail(broken)) => Err(broken),
                Some(Play::Answer(status, headers, pieces)) => {
                    let mut answer = Answer::new(Box::new(Pieces(pieces.into())));
                    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
                    for (name, value) in headers {
                        answer
                            .headers_mut()
                            .insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
                    }
                    Ok(answer)
                }
            }
        })
    }
}

/// A client of `side` that plays `script`, with sleeps that only count.
pub(crate) fn client(side: Side, script: Vec<Play>) -> (Client, Arc<Seen>) {
    let sign_in = match side {
        Side::Dhis2 => SignIn::Basic { user: "admin".into(), password: Secret::new(MARK) },
        Side::CommCare => SignIn::ApiKey { user: "me@example.org".into(), key: Secret::new(MARK) },
    };
    with(side, sign_in, Limits::default(), script)
}

/// As [`client`], with everything chosen.
pub(crate) fn with(side: Side, sign_in: SignIn, limits: Limits, script: Vec<Play>) -> (Client, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let fake = Arc::new(Fake { script: Mutex::new(script.into()), seen: seen.clone() });
    let base = match side {
        Side::Dhis2 => "https://dhis2.example/dhis/api/",
        Side::CommCare => "https://hq.example/",
    };
    let (slept, waits) = (seen.clone(), seen.clone());
    let client = Client::new(fake, side, &Url::parse(base).unwrap(), sign_in, 7)
        .unwrap()
        .limited(limits)
        .sleeping(Arc::new(move |pause| {
            slept.slept.lock().unwrap().push(pause);
            Box::pin(async {})
        }))
        .reporting(Arc::new(move |wait| waits.waits.lock().unwrap().push(wait.clone())));
    (client, seen)
}
