//! The form receiver: what HQ answers to a submission (commcare.md sections 4.2, 4.3 and 6).

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{StatusCode, header, request::Parts};

use super::{
    form::{Form, Unread},
    multipart::{self, Refused},
    receiving::Receiving,
    store::{Outcome, Receipt},
};
use crate::sandbox::{Sandbox, answer};

/// Takes a submission that is signed in.
pub(crate) fn receive(sandbox: &Sandbox, parts: &Parts, body: Bytes, kind: Receiving) -> Response {
    if let Some(closed) = closed(kind) {
        return closed;
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let bytes = match content_type.and_then(multipart::boundary) {
        Some(boundary) => match multipart::form(&body, &boundary) {
            Ok(bytes) => bytes,
            Err(refused) => return turned_away(refused),
        },
        None if body.is_empty() => return plain(StatusCode::BAD_REQUEST, "Post may not have an empty body\n"),
        None => body,
    };
    let form = match Form::read(&bytes) {
        Ok(form) => form,
        Err(unread) => {
            let why = match unread {
                Unread::Invalid(why) => format!("Invalid XML: {why}"),
                Unread::NoNamespace => "Form is missing a required field: XMLNS".to_owned(),
            };
            let text = format!("There was an error processing the form: {why}");
            return openrosa(StatusCode::UNPROCESSABLE_ENTITY, "processing_failure", &text);
        }
    };
    match kind {
        Receiving::Locked => {
            let text = format!("XFormLockError: {}", form.instance_id.unwrap_or_default());
            return plain(StatusCode::LOCKED, text);
        }
        Receiving::Ignoring => {
            return openrosa(StatusCode::CREATED, "submit_success", "√ (this submission was ignored)");
        }
        _ => {}
    }
    let now = sandbox.now();
    let receipt = sandbox.store().receive(bytes, form, kind, now);
    told(parts, receipt, kind)
}

/// The answer of a receiver that looks at no submission.
fn closed(kind: Receiving) -> Option<Response> {
    match kind {
        Receiving::SlowDown => Some(answer::silent(StatusCode::TOO_MANY_REQUESTS)),
        Receiving::Migrating => Some(plain(StatusCode::SERVICE_UNAVAILABLE, "Service Temporarily Unavailable")),
        Receiving::Blocked => {
            let blocked = StatusCode::from_u16(509).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            Some(openrosa(blocked, "submit_error", "Submissions to this project are blocked"))
        }
        _ => None,
    }
}

/// The answer for a form that was kept.
fn told(parts: &Parts, receipt: Receipt, kind: Receiving) -> Response {
    // Exactly this text; anything else is the old behaviour.
    let version_3 = parts.headers.get("x-openrosa-version").is_some_and(|version| version == "3.0");
    let told = match (receipt.outcome, version_3) {
        (Outcome::Accepted, true) if kind == Receiving::SavedWithError => {
            let text = "Error performing post save operations";
            openrosa(StatusCode::UNPROCESSABLE_ENTITY, "post_processing_failure", text)
        }
        (Outcome::Accepted, _) | (Outcome::Duplicate(_), true) => {
            openrosa(StatusCode::CREATED, "submit_success", "   √   ")
        }
        (Outcome::Duplicate(first), false) => {
            openrosa(StatusCode::CREATED, "submit_error", &format!("Form is a duplicate of another! ({first})"))
        }
        (Outcome::Failed(error), true) => openrosa(StatusCode::UNPROCESSABLE_ENTITY, "processing_failure", &error),
        (Outcome::Failed(error), false) => openrosa(StatusCode::CREATED, "submit_error", &error),
        (Outcome::Unexpected, _) => return answer::html(StatusCode::INTERNAL_SERVER_ERROR, "500 Error"),
    };
    let told = answer::with(told, "x-commcarehq-formid", &receipt.id);
    answer::with(told, "location", &answer::origin(parts))
}

fn turned_away(refused: Refused) -> Response {
    match refused {
        Refused::NoForm => plain(
            StatusCode::BAD_REQUEST,
            "The submission must hold one file part named xml_submission_file that is not empty",
        ),
        Refused::OtherFields => plain(StatusCode::BAD_REQUEST, "Received a submission with POST.keys()"),
        Refused::FileName => {
            let text = "There was an error processing the form: the file name must end in .xml";
            openrosa(StatusCode::UNPROCESSABLE_ENTITY, "processing_failure", text)
        }
        Refused::TooLarge => plain(StatusCode::PAYLOAD_TOO_LARGE, "Form exceeds 10MB size limit\n"),
    }
}

fn plain(status: StatusCode, text: impl Into<Body>) -> Response {
    answer::body(status, "text/plain", text)
}

/// An OpenRosa answer. It is XML, sent as HTML.
fn openrosa(status: StatusCode, nature: &str, text: &str) -> Response {
    let text = quick_xml::escape::partial_escape(text);
    let body = format!(
        "<OpenRosaResponse xmlns=\"http://openrosa.org/http/response\">\
         <message nature=\"{nature}\">{text}</message></OpenRosaResponse>"
    );
    answer::body(status, "text/html; charset=utf-8", body)
}
