//! DHIS2 2.42, as far as reading aggregate data needs it (dhis2.md sections 1, 2, 3, 6).
//!
//! Answered: `dataValueSets`, `completeDataSetRegistrations`, `dataElements`, `dataSets`, `categoryOptionCombos`,
//! `categoryCombos`, `organisationUnits` (lists and single objects), `system/info`, `me`, `ping`; Basic sign-in.
//! Not answered: writing, `lastUpdated` selections, other id schemes, personal access tokens, analytics.

use axum::{
    Router,
    extract::{Path, Request, State},
    response::Response,
    routing::any,
};
use http::{Method, StatusCode, header, request::Parts};

use super::{DHIS2_PASSWORD, DHIS2_USER, Sandbox, answer, query::Query};

mod facts;
mod fields;
mod filter;
mod graph;
mod metadata;
mod periods;
mod rows;
mod values;

/// What the server says it is.
const VERSION: &str = "2.42.1";
const LOGIN: &str = "/dhis2/dhis-web-login/";

/// The routes, all below `/dhis2`.
pub(crate) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/dhis2", any(to_login))
        .route("/dhis2/", any(to_login))
        .route("/dhis2/dhis-web-login", any(login))
        .route(LOGIN, any(login))
        .route("/dhis2/api/{*path}", any(api))
}

async fn to_login(request: Request) -> Response {
    redirect(&request.into_parts().0)
}

async fn login() -> Response {
    answer::html(StatusCode::OK, "DHIS 2 Login")
}

fn redirect(parts: &Parts) -> Response {
    let page = answer::html(StatusCode::FOUND, "Found");
    answer::with(page, "location", &format!("{}{LOGIN}", answer::origin(parts)))
}

async fn api(State(sandbox): State<Sandbox>, Path(path): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut path: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    if let Some(last) = path.last_mut() {
        *last = last.trim_end_matches(".json");
    }
    if path.len() > 1 && path[0].parse::<u8>().is_ok_and(|version| (28..=42).contains(&version)) {
        path.remove(0);
    }
    if matches!(path[..], ["ping"] | ["system", "ping"]) {
        return answer::body(StatusCode::OK, "text/plain;charset=UTF-8", "pong");
    }
    if let Some(refused) = signed_out(&parts) {
        return refused;
    }
    if parts.method != Method::GET {
        let message = format!("Request method '{}' is not supported", parts.method);
        return problem(StatusCode::METHOD_NOT_ALLOWED, &message, None);
    }
    let query = Query::new(parts.uri.query().unwrap_or_default());
    let country = sandbox.country();
    let origin = answer::origin(&parts);
    match path[..] {
        ["dataValueSets"] => values::data_value_sets(&sandbox, &query),
        ["completeDataSetRegistrations"] => values::registrations(&sandbox, &query),
        ["system", "info"] => facts::system_info(country, &origin, sandbox.now()),
        ["me"] => facts::me(country, &query),
        [resource] => metadata::list(country, resource, &query, &origin),
        [resource, id] => metadata::one(country, resource, id, &query),
        _ => answer::html(StatusCode::NOT_FOUND, "HTTP Status 404 - Not Found"),
    }
}

/// The answer to a request that is not signed in (dhis2.md section 6).
fn signed_out(parts: &Parts) -> Option<Response> {
    let Some(header) = parts.headers.get(header::AUTHORIZATION) else {
        let script = parts.headers.get("x-requested-with").is_some_and(|value| value == "XMLHttpRequest");
        return Some(if script { unauthorized() } else { redirect(parts) });
    };
    let (scheme, payload) = header.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
    let known = scheme.eq_ignore_ascii_case("basic")
        && answer::basic(payload).is_some_and(|(name, password)| name == DHIS2_USER && password == DHIS2_PASSWORD);
    (!known).then(unauthorized)
}

fn unauthorized() -> Response {
    problem(StatusCode::UNAUTHORIZED, "Unauthorized", None)
}

/// An error in DHIS2's envelope, members in its order (dhis2.md section 1.4).
fn problem(status: StatusCode, message: &str, code: Option<&str>) -> Response {
    let reason = status.canonical_reason().unwrap_or_default();
    let message = serde_json::Value::from(message);
    let code = code.map(|code| format!(",\"errorCode\":\"{code}\"")).unwrap_or_default();
    let number = status.as_u16();
    let body = format!(
        "{{\"httpStatus\":\"{reason}\",\"httpStatusCode\":{number},\"status\":\"ERROR\",\"message\":{message}{code}}}"
    );
    answer::body(status, "application/json", body)
}
