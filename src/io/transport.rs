//! The one seam to the network: a request in, a status with a streaming body out.
//!
//! The real client, the sandbox in process, and fault wrappers in tests all stand behind [`Transport`].
//! It is not a client: no sign-in, no retries, no decoding (see `io::http`).

use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;

/// A boxed future, so that [`Transport`] can be a trait object.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why no whole answer came. What the caller may do differs for each, see `facts` fault matrix, section 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Nothing left this machine: the name, the connection or TLS failed.
    NotSent(String),
    /// The request may have arrived: the connection ended or timed out before the answer was whole.
    NoAnswer(String),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotSent(why) => write!(f, "not sent: {why}"),
            Self::NoAnswer(why) => write!(f, "no answer: {why}"),
        }
    }
}

impl std::error::Error for Broken {}

/// A body that arrives in pieces. Dropping it drops the connection's interest in the rest.
pub trait Body: Send {
    /// The next piece; `None` once the body ended properly.
    fn chunk(&mut self) -> Later<'_, Result<Option<Bytes>, Broken>>;
}

/// A body that is already whole.
#[derive(Debug, Default)]
pub struct Whole(Option<Bytes>);

impl Whole {
    /// A body of exactly these bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(Some(bytes.into()))
    }
}

impl Body for Whole {
    fn chunk(&mut self) -> Later<'_, Result<Option<Bytes>, Broken>> {
        let next = self.0.take();
        Box::pin(async move { Ok(next) })
    }
}

/// An answer: its head, and the body still to be read.
pub type Answer = http::Response<Box<dyn Body>>;

/// Sends one request and returns one answer. Never follows a redirect, never retries, never adds a credential.
pub trait Transport: Send + Sync {
    /// Sends `request`, whose URI is absolute.
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>>;
}

/// The shared form in which clients hold a transport.
pub type SharedTransport = Arc<dyn Transport>;
