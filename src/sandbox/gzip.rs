//! Answers compressed on their way, as a proxy in front of a server would do it (dhis2.md section 1.6).

use std::io::Write;

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::Request,
    middleware::Next,
    response::Response,
};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderValue, header};
use http_body_util::BodyExt as _;

/// Answers the request, compressed when the client takes `gzip`.
pub(crate) async fn compress(request: Request, next: Next) -> Response {
    let takes = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let takes =
        takes.is_some_and(|takes| takes.split(',').any(|one| one.split(';').next().unwrap_or(one).trim() == "gzip"));
    let answer = next.run(request).await;
    if !takes || answer.body().is_end_stream() {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from_stream(pieces(body)))
}

/// The body in compressed pieces, each as soon as the one it is made from is there.
fn pieces(body: Body) -> impl futures_util::Stream<Item = Result<Bytes, axum::Error>> {
    let encoder = GzEncoder::new(Vec::new(), Compression::fast());
    futures_util::stream::unfold(Some((body, encoder)), async |state| {
        let (mut body, mut encoder) = state?;
        loop {
            match body.frame().await {
                None => {
                    let rest = encoder.finish().map(Bytes::from).map_err(axum::Error::new);
                    return Some((rest, None));
                }
                Some(Err(error)) => return Some((Err(error), None)),
                Some(Ok(frame)) => {
                    if let Err(error) = encoder.write_all(&frame.into_data().unwrap_or_default()) {
                        return Some((Err(axum::Error::new(error)), None));
                    }
                    let ready = std::mem::take(encoder.get_mut());
                    if !ready.is_empty() {
                        return Some((Ok(Bytes::from(ready)), Some((body, encoder))));
                    }
                }
            }
        }
    })
}
