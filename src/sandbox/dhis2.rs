//! DHIS2 2.30 to 2.43, as far as reading aggregate data needs it (dhis2.md sections 1, 2, 3, 6, 7).
//!
//! Answered: `dataValueSets`, `completeDataSetRegistrations`, `dataElements`, `dataSets`, `categoryOptionCombos`,
//! `categoryCombos`, `organisationUnits` (lists and single objects), `system/info`, `me`, `ping`; Basic sign-in and
//! personal access tokens; the same once more behind a gateway.
//! Not answered: writing, groups, other id schemes, other formats, analytics.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    response::Response,
    routing::any,
};
use http::{Method, StatusCode, request::Parts};
use jiff::{civil::Date, tz::TimeZone};

use self::{account::Account, version::Version};
use super::{
    Clock, GATEWAY, Sandbox, answer,
    query::Query,
    world::{Changes, Country, Mark, Stored},
};

pub(crate) mod account;
mod facts;
mod fields;
mod filter;
mod graph;
mod metadata;
mod periods;
mod registrations;
mod rows;
mod rules;
mod selection;
mod values;
pub(crate) mod version;

/// What a request is answered from.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// The country.
    pub(crate) country: &'a Arc<Country>,
    /// What is changed in it.
    pub(crate) changes: &'a Arc<Changes>,
    /// Who asks.
    pub(crate) account: &'a Account,
    /// The release line.
    pub(crate) version: Version,
    /// Where the client believes it talks to.
    pub(crate) origin: &'a str,
    /// The calendar of `system/info`.
    pub(crate) calendar: &'a str,
    /// The time.
    pub(crate) clock: &'a Clock,
    /// Whether ids are read as before 2.43 in every version, as registrations still do.
    pub(crate) lenient: bool,
}

impl View<'_> {
    /// The registration of a report: the day, and whether it is complete.
    pub(crate) fn registration(
        &self,
        facility: usize,
        set: usize,
        period: &str,
        when: Option<Stored>,
    ) -> Option<(Date, bool)> {
        match self.changes.complete(facility, set, period) {
            Some(Mark::Complete(day)) => return Some((day, true)),
            Some(Mark::Gone) => return None,
            None => {}
        }
        let when = when?;
        let (day, complete) = self.country.registered(facility, set, when)?;
        Some((self.country.ended(when, day, 0).to_zoned(TimeZone::UTC).date(), complete))
    }
}

/// The routes, below `/dhis2` and below the gateway.
pub(crate) fn routes(version: Version) -> Router<Sandbox> {
    let mut routes = Router::new()
        .route("/dhis2", any(to_login))
        .route("/dhis2/", any(to_login))
        .route(version.login(), any(login))
        .route("/dhis2/api/{*path}", any(api))
        .route(&format!("{GATEWAY}{{*path}}"), any(gateway));
    if let Some(bare) = version.login().strip_suffix('/') {
        routes = routes.route(bare, any(login));
    }
    routes
}

async fn to_login(State(sandbox): State<Sandbox>, request: Request) -> Response {
    redirect(&request.into_parts().0, sandbox.options().version)
}

async fn login() -> Response {
    answer::html(StatusCode::OK, "DHIS 2 Login")
}

fn redirect(parts: &Parts, version: Version) -> Response {
    let page = answer::html(StatusCode::FOUND, "Found");
    answer::with(page, "location", &format!("{}{}", answer::origin(parts), version.login()))
}

async fn api(State(sandbox): State<Sandbox>, Path(path): Path<String>, request: Request) -> Response {
    let mut path = segments(&path);
    // A version in the address selects nothing here; one that is not known is a page nobody made.
    let newest = sandbox.options().version.minor();
    if path.len() > 1 && path[0].parse::<u8>().is_ok_and(|version| (28..=newest).contains(&version)) {
        path.remove(0);
    }
    respond(&sandbox, &path, &request.into_parts().0)
}

/// The layer in front, which lets through what it was told to (dhis2.md section 7).
async fn gateway(State(sandbox): State<Sandbox>, Path(path): Path<String>, request: Request) -> Response {
    let path = segments(&path);
    if sandbox.options().gateway.admits(&path) {
        respond(&sandbox, &path, &request.into_parts().0)
    } else {
        answer::html(StatusCode::NOT_FOUND, "404 No such channel")
    }
}

fn segments(path: &str) -> Vec<&str> {
    let mut path: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    if let Some(last) = path.last_mut() {
        *last = last.trim_end_matches(".json");
    }
    path
}

fn respond(sandbox: &Sandbox, path: &[&str], parts: &Parts) -> Response {
    let options = sandbox.options();
    let version = options.version;
    let pong = matches!(path, ["ping"] | ["system", "ping"]);
    // Younger ones answer it to anybody (dhis2.md section 3.1).
    if pong && version >= Version::V38 {
        return answer::body(StatusCode::OK, "text/plain;charset=UTF-8", "pong");
    }
    let account = match account::sign_in(sandbox.accounts(), version, parts) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    if parts.method != Method::GET {
        let message = format!("Request method '{}' is not supported", parts.method);
        return problem(StatusCode::METHOD_NOT_ALLOWED, &message, None);
    }
    let query = Query::new(parts.uri.query().unwrap_or_default());
    let view = View {
        country: sandbox.country(),
        changes: &sandbox.changes(),
        account,
        version,
        origin: &answer::origin(parts),
        calendar: &options.calendar,
        clock: &sandbox.0.clock,
        lenient: false,
    };
    match path {
        _ if pong => answer::body(StatusCode::OK, "text/plain;charset=UTF-8", "pong"),
        ["dataValueSets"] => values::data_value_sets(&view, &query),
        ["completeDataSetRegistrations"] => registrations::registrations(&view, &query),
        ["system", "info"] => facts::system_info(&view),
        ["me"] => facts::me(&view, &query),
        [resource] => metadata::list(&view, resource, &query),
        [resource, id] => metadata::one(&view, resource, id, &query),
        _ => answer::html(StatusCode::NOT_FOUND, "HTTP Status 404 - Not Found"),
    }
}

fn no_store(response: Response) -> Response {
    answer::with(response, "cache-control", "no-cache, no-store, max-age=0, must-revalidate")
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
