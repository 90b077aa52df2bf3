//! The service behind the same seam as the network, without one.

use std::sync::Arc;

use axum::{Router, body::Body as AxumBody};
use bytes::Bytes;
use http_body_util::BodyExt;
use tower_service::Service;

use crate::io::transport::{Answer, Body, Broken, Later, SharedTransport, Transport};

/// The most a piece of a body holds, in bytes.
const PIECE: usize = 64 * 1024;

struct InProcess {
    router: Router,
    origin: String,
}

/// The router as a transport for requests to `origin`.
pub(crate) fn transport(router: Router, origin: &str) -> SharedTransport {
    Arc::new(InProcess { router, origin: origin.trim_end_matches('/').to_owned() })
}

impl Transport for InProcess {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        let mut router = self.router.clone();
        Box::pin(async move {
            let uri = request.uri();
            let scheme = uri.scheme_str().unwrap_or_default();
            let host = uri.authority().map_or("", |authority| authority.as_str());
            if format!("{scheme}://{host}") != self.origin {
                return Err(Broken::NotSent(format!("no server at {scheme}://{host}")));
            }
            let answer = match router.call(request.map(AxumBody::from)).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            };
            Ok(answer.map(|body| Box::new(Pieces { body, rest: Bytes::new() }) as Box<dyn Body>))
        })
    }
}

/// A body handed on in pieces; other tasks get their turn between them.
struct Pieces {
    body: AxumBody,
    rest: Bytes,
}

impl Body for Pieces {
    fn chunk(&mut self) -> Later<'_, Result<Option<Bytes>, Broken>> {
        Box::pin(async move {
            while self.rest.is_empty() {
                tokio::task::yield_now().await;
                match self.body.frame().await {
                    None => return Ok(None),
                    Some(Err(error)) => return Err(Broken::NoAnswer(error.to_string())),
                    Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                }
            }
            tokio::task::yield_now().await;
            let length = self.rest.len().min(PIECE);
            Ok(Some(self.rest.split_to(length)))
        })
    }
}
