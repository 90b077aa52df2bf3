//! CommCare HQ, as far as reading cases and submitting case blocks needs it (commcare.md sections 4 to 8 and 10).
//!
//! Answered: the form receiver `/receiver/api/`, raw or multipart; the Case API v2 list, single, several, by external
//! id and bulk fetch; the older list and single case; Basic and API keys. Not answered: writing with JSON, the `query`,
//! `fields` and `exclude` parameters, other receiver addresses, attachments, Digest and OAuth sign-in.

use axum::{
    Router,
    extract::{Path, Request, State},
    response::Response,
    routing::any,
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};

use self::receiving::Receiving;
use super::{COMMCARE_API_KEY, COMMCARE_PASSWORD, COMMCARE_USER, PROJECT, Sandbox, answer, query::Query};

mod apply;
mod dates;
pub(crate) mod effects;
mod form;
mod index;
mod limits;
mod list;
mod multipart;
mod receiver;
pub(crate) mod receiving;
pub(crate) mod store;
mod v05;

/// The largest body the front server lets through, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// The routes, all below `/a/{project}`.
pub(crate) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/a/{project}/receiver/api/", any(receive))
        .route("/a/{project}/api/case/v2", any(cases))
        .route("/a/{project}/api/case/v2/", any(cases))
        .route("/a/{project}/api/case/v2/bulk-fetch", any(bulk_fetch))
        .route("/a/{project}/api/case/v2/bulk-fetch/", any(bulk_fetch))
        .route("/a/{project}/api/case/v2/ext/{*external_id}", any(by_external_id))
        .route("/a/{project}/api/case/v2/{ids}", any(by_id))
        .route("/a/{project}/api/case/v2/{ids}/", any(by_id))
        .route("/a/{project}/api/v0.5/case/", any(older_list))
        .route("/a/{project}/api/v0.5/case/{id}/", any(older_one))
        .route("/a/{project}/api/case/v1/", any(older_list))
        .route("/a/{project}/api/case/v1/{id}/", any(older_one))
}

/// Which Case API was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Api {
    V2,
    V05,
}

async fn receive(State(sandbox): State<Sandbox>, Path(project): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(refused) = refused(&sandbox, &project, &parts) {
        return marked(refused);
    }
    if parts.method != Method::POST {
        return marked(answer::empty(StatusCode::METHOD_NOT_ALLOWED));
    }
    let kind = sandbox.store().door.admit();
    let largest = if let Receiving::TooLarge(largest) = kind { largest.min(LARGEST) } else { LARGEST };
    let Ok(bytes) = axum::body::to_bytes(body, largest).await else {
        return answer::html(StatusCode::PAYLOAD_TOO_LARGE, "413 Request Entity Too Large");
    };
    marked(receiver::receive(&sandbox, &parts, bytes, kind))
}

async fn cases(State(sandbox): State<Sandbox>, Path(project): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    read(&sandbox, &project, &parts, Api::V2, || {
        let query = Query::new(parts.uri.query().unwrap_or_default());
        list::list(&sandbox, &query, &answer::origin(&parts))
    })
}

async fn by_id(
    State(sandbox): State<Sandbox>,
    Path((project, ids)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    read(&sandbox, &project, &parts, Api::V2, || list::by_ids(&sandbox, &ids))
}

async fn by_external_id(
    State(sandbox): State<Sandbox>,
    Path((project, external_id)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    read(&sandbox, &project, &parts, Api::V2, || match external_id.strip_suffix('/') {
        Some(external_id) => list::by_external_id(&sandbox, external_id),
        None => answer::html(StatusCode::NOT_FOUND, "Page not found"),
    })
}

async fn bulk_fetch(State(sandbox): State<Sandbox>, Path(project): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(refused) = refused_api(&sandbox, &project, &parts, Api::V2) {
        return marked(refused);
    }
    if parts.method != Method::POST {
        return marked(list::error(StatusCode::METHOD_NOT_ALLOWED, "Request method not allowed"));
    }
    match axum::body::to_bytes(body, LARGEST).await {
        Ok(bytes) => marked(list::bulk_fetch(&sandbox, &bytes)),
        Err(_) => answer::html(StatusCode::PAYLOAD_TOO_LARGE, "413 Request Entity Too Large"),
    }
}

async fn older_list(State(sandbox): State<Sandbox>, Path(project): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    read(&sandbox, &project, &parts, Api::V05, || {
        v05::list(&sandbox, &Query::new(parts.uri.query().unwrap_or_default()))
    })
}

async fn older_one(
    State(sandbox): State<Sandbox>,
    Path((project, id)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    read(&sandbox, &project, &parts, Api::V05, || v05::one(&sandbox, &id))
}

/// A read: signed in, with both permissions and within the allowance, by GET.
fn read(sandbox: &Sandbox, project: &str, parts: &Parts, api: Api, then: impl FnOnce() -> Response) -> Response {
    marked(match refused_api(sandbox, project, parts, api) {
        Some(refused) => refused,
        None if parts.method == Method::GET => then(),
        None if api == Api::V05 => answer::silent(StatusCode::METHOD_NOT_ALLOWED),
        None => list::error(StatusCode::METHOD_NOT_ALLOWED, "Request method not allowed"),
    })
}

/// Why a call of a Case API is turned away before it is looked at. The older one is closed to an account that is limited
/// to some locations (as bulk fetch is), and says no without a page (commcare.md sections 8.1 and 9).
fn refused_api(sandbox: &Sandbox, project: &str, parts: &Parts, api: Api) -> Option<Response> {
    if api == Api::V2 && sandbox.store().limits.without_v2() {
        return Some(answer::html(StatusCode::NOT_FOUND, "Page not found"));
    }
    if let Some(refused) = refused(sandbox, project, parts) {
        let page = refused.status() == StatusCode::FORBIDDEN && api == Api::V05;
        return Some(if page { answer::silent(StatusCode::FORBIDDEN) } else { refused });
    }
    if api == Api::V05 && sandbox.store().limits.restricted() {
        return Some(list::closed());
    }
    let wait = sandbox.store().limits.admit(|| sandbox.now()).err()?;
    Some(answer::with(answer::silent(StatusCode::TOO_MANY_REQUESTS), "retry-after", &wait.to_string()))
}

/// The header every HQ answer carries (commcare.md section 4.3).
fn marked(mut response: Response) -> Response {
    let name = HeaderName::from_static("http_x_openrosa_version");
    response.headers_mut().insert(name, HeaderValue::from_static("1.0"));
    response
}

/// Why the request is turned away before it is looked at (commcare.md section 4.3, "Auth failures").
fn refused(sandbox: &Sandbox, project: &str, parts: &Parts) -> Option<Response> {
    let Some(header) = parts.headers.get(header::AUTHORIZATION) else {
        let challenge = "Digest realm=\"\", nonce=\"7b1e0f6c2d\", algorithm=\"MD5\", opaque=\"5f0e2b\", qop=\"auth\"";
        return Some(answer::with(answer::silent(StatusCode::UNAUTHORIZED), "www-authenticate", challenge));
    };
    let header = header.to_str().unwrap_or_default();
    let (scheme, payload) = header.split_once(' ').unwrap_or((header, ""));
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => {
            // Basic lower-cases the name, an API key does not (commcare.md section 10).
            let known = answer::basic(payload)
                .is_some_and(|(name, password)| name.to_lowercase() == COMMCARE_USER && password == COMMCARE_PASSWORD);
            if !known {
                let refused = answer::silent(StatusCode::UNAUTHORIZED);
                return Some(answer::with(refused, "www-authenticate", "Basic realm=\"\""));
            }
        }
        "apikey" => match payload.trim().split_once(':') {
            None => {
                let text = "Bad HTTP_AUTHORIZATION header: an API key header needs a user name, a colon and the key";
                return Some(answer::body(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", text));
            }
            Some((name, key)) if name == COMMCARE_USER && key == COMMCARE_API_KEY => {}
            Some(_) => return Some(answer::silent(StatusCode::UNAUTHORIZED)),
        },
        _ => return Some(answer::silent(StatusCode::UNAUTHORIZED)),
    }
    if project != PROJECT {
        return Some(answer::silent(StatusCode::FORBIDDEN));
    }
    let (edit_data, access_api) = sandbox.store().permissions();
    (!edit_data || !access_api).then(|| answer::html(StatusCode::FORBIDDEN, "Permission denied"))
}
