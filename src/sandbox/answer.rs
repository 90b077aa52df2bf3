//! Answers both servers give in the same form.

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header, request::Parts};
use serde_json::Value;

/// An answer with a body of this type.
pub(crate) fn body(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// An answer without a body that still names the type of a page, as HQ sends it.
pub(crate) fn silent(status: StatusCode) -> Response {
    body(status, "text/html; charset=utf-8", Body::empty())
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    body(status, "application/json", value.to_string())
}

/// A page, as front servers and login screens send them.
pub(crate) fn html(status: StatusCode, title: &str) -> Response {
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><title>{title}</title></head>\
         <body><h1>{title}</h1></body></html>\n"
    );
    body(status, "text/html; charset=utf-8", page)
}

/// Sets a header; a value that cannot stand in one is left out.
pub(crate) fn with(mut answer: Response, name: &'static str, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(header::HeaderName::from_static(name), value);
    }
    answer
}

/// Where the client believes it talks to, for links in answers.
pub(crate) fn origin(parts: &Parts) -> String {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    format!("{}://{}", parts.uri.scheme_str().unwrap_or("http"), authority.or(host).unwrap_or("localhost"))
}

/// Name and password of a Basic header's payload.
pub(crate) fn basic(payload: &str) -> Option<(String, String)> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = String::from_utf8(STANDARD.decode(payload.trim()).ok()?).ok()?;
    text.split_once(':').map(|(name, password)| (name.to_owned(), password.to_owned()))
}
