//! Reading cases: Case API v2 (commcare.md section 8).

use std::sync::Arc;

use axum::response::Response;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{dates, store::Store};
use crate::sandbox::{CaseState, PROJECT, Sandbox, answer, query::Query};

/// The most cases in one answer.
const MOST: usize = 5_000;
const AFTER: &str = "indexed_on.gte";
const LAST: &str = "last_case_id";
const DATES: [&str; 5] = ["last_modified", "server_last_modified", "date_opened", "date_closed", "indexed_on"];

/// An error in the shape of the Case API.
pub(crate) fn error(status: StatusCode, text: &str) -> Response {
    answer::json(status, &json!({ "error": text }))
}

fn bad(text: &str) -> Response {
    error(StatusCode::BAD_REQUEST, text)
}

/// What a list request asks for.
#[derive(Debug, Default)]
struct Wanted {
    limit: usize,
    /// Field and the values of which one must match.
    equal: Vec<(String, Vec<String>)>,
    /// Date field, comparison and bound.
    bounds: Vec<(String, String, Timestamp)>,
    /// The last row of the page before.
    last: Option<(Timestamp, Arc<str>)>,
}

impl Wanted {
    /// Reads the parameters; the error is the sentence HQ would answer.
    fn new(query: &Query) -> Result<Self, String> {
        let mut wanted = Self { limit: 20, ..Self::default() };
        for (name, value) in query.pairs() {
            match name {
                "limit" => {
                    wanted.limit = value.parse().map_err(|_| format!("'{value}' is not a valid value for 'limit'"))?;
                }
                "case_type" | "external_id" | "owner_id" | "case_name" => wanted.one_of(name, value),
                "closed" if ["true", "false"].contains(&value) => wanted.one_of(name, value),
                "closed" => return Err(format!("'{value}' is not a valid value for 'closed'")),
                "include_deprecated" => {}
                LAST => {
                    let after = query.one(AFTER).and_then(dates::read);
                    wanted.last = after.map(|after| (after, Arc::from(value)));
                }
                name if name.starts_with("properties.") || name.starts_with("indices.") => wanted.one_of(name, value),
                name => wanted.bound(name, value)?,
            }
        }
        if wanted.limit > MOST {
            return Err(format!("You cannot request more than {MOST} cases per request."));
        }
        Ok(wanted)
    }

    fn one_of(&mut self, name: &str, value: &str) {
        match self.equal.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value.to_owned()),
            None => self.equal.push((name.to_owned(), vec![value.to_owned()])),
        }
    }

    fn bound(&mut self, name: &str, value: &str) -> Result<(), String> {
        let known = name
            .rsplit_once('.')
            .filter(|(field, comparison)| DATES.contains(field) && ["gt", "gte", "lt", "lte"].contains(comparison));
        let (field, comparison) = known.ok_or_else(|| format!("'{name}' is not a valid parameter."))?;
        let bound = dates::read(value).ok_or_else(|| format!("Cannot parse datetime '{value}'"))?;
        self.bounds.push((field.to_owned(), comparison.to_owned(), bound));
        Ok(())
    }

    fn takes(&self, case: &CaseState) -> bool {
        self.equal.iter().all(|(name, values)| values.iter().any(|value| has(case, name, value)))
            && self.bounds.iter().all(|(field, comparison, bound)| {
                let time = match field.as_str() {
                    "last_modified" => Some(case.last_modified),
                    "server_last_modified" => Some(case.server_last_modified),
                    "date_opened" => Some(case.date_opened),
                    "date_closed" => case.date_closed,
                    _ => Some(case.indexed_on),
                };
                time.is_some_and(|time| match comparison.as_str() {
                    "gt" => time > *bound,
                    "gte" => time >= *bound,
                    "lt" => time < *bound,
                    _ => time <= *bound,
                })
            })
    }
}

/// Whether a field of the case has this value. Blank and never set are one to a filter.
fn has(case: &CaseState, name: &str, value: &str) -> bool {
    match name {
        "case_type" => case.case_type == value,
        "external_id" => case.external_id.as_deref().unwrap_or_default() == value,
        "owner_id" => case.owner_id == value,
        "case_name" => case.name.as_deref().unwrap_or_default() == value,
        "closed" => case.closed == (value == "true"),
        "indices.parent" => case.parent.as_ref().is_some_and(|parent| &*parent.case_id == value),
        name => name
            .strip_prefix("properties.")
            .is_some_and(|name| case.properties.get(name).map_or("", String::as_str) == value),
    }
}

/// `GET case/v2/`.
pub(crate) fn list(sandbox: &Sandbox, query: &Query, origin: &str) -> Response {
    let query = match query.one("cursor") {
        None => query.clone(),
        Some(cursor) => match STANDARD.decode(cursor).ok().and_then(|text| String::from_utf8(text).ok()) {
            Some(text) => Query::new(&text),
            None => return bad(&format!("'{cursor}' is not a valid value for 'cursor'")),
        },
    };
    let wanted = match Wanted::new(&query) {
        Ok(wanted) => wanted,
        Err(sentence) => return bad(&sentence),
    };
    let store = sandbox.caught_up();
    let mut matching =
        store.index.after(wanted.last.clone()).filter(|case| wanted.takes(case) && store.limits.shows(case));
    let page: Vec<&Arc<CaseState>> = matching.by_ref().take(wanted.limit).collect();
    let rest = matching.count();
    let mut body = Map::new();
    body.insert("matching_records".to_owned(), (page.len() + rest).into());
    body.insert("cases".to_owned(), page.iter().map(|case| shown(case, true)).collect());
    if let Some(last) = page.last().filter(|_| rest > 0) {
        let cursor = query
            .without(&[AFTER, LAST])
            .append_pair(AFTER, &moment(last.indexed_on))
            .append_pair(LAST, &last.case_id)
            .finish();
        let cursor: String = url::form_urlencoded::byte_serialize(STANDARD.encode(cursor).as_bytes()).collect();
        body.insert("next".to_owned(), format!("{origin}/a/{PROJECT}/api/case/v2/?cursor={cursor}").into());
    }
    answer::json(StatusCode::OK, &Value::Object(body))
}

/// `GET case/v2/{id}` or `{id},{id}`, from the search index.
pub(crate) fn by_ids(sandbox: &Sandbox, ids: &str) -> Response {
    let store = sandbox.caught_up();
    if ids.contains(',') {
        if store.limits.restricted() {
            return closed();
        }
        let ids: Vec<&str> = ids.split(',').filter(|id| !id.is_empty()).collect();
        return several(&store, &ids, &[]);
    }
    match store.index.get(ids) {
        Some(case) if !store.limits.shows(case) => no_access(),
        Some(case) => answer::json(StatusCode::OK, &shown(case, true)),
        None => error(StatusCode::NOT_FOUND, &format!("Case '{ids}' not found")),
    }
}

/// `GET case/v2/ext/{external_id}/`, from the database.
pub(crate) fn by_external_id(sandbox: &Sandbox, external_id: &str) -> Response {
    let store = sandbox.store();
    let found: Vec<&Arc<CaseState>> =
        store.cases().filter(|case| case.external_id.as_deref() == Some(external_id)).collect();
    match found[..] {
        [] => error(StatusCode::NOT_FOUND, &format!("Case '{external_id}' not found")),
        [case] if !store.limits.shows(case) => no_access(),
        [case] => {
            let mut case = CaseState::clone(case);
            case.indexed_on = sandbox.now();
            answer::json(StatusCode::OK, &shown(&case, false))
        }
        _ => {
            let ids: Vec<&str> = found.iter().map(|case| &*case.case_id).collect();
            bad(&format!("Multiple cases found with external_id '{external_id}': {}", ids.join(", ")))
        }
    }
}

/// The answer for a case of a location that is not the account's.
fn no_access() -> Response {
    error(StatusCode::FORBIDDEN, "This account may not read this case")
}

/// The answer of what is closed to an account that is limited to some locations.
pub(crate) fn closed() -> Response {
    answer::html(StatusCode::FORBIDDEN, "Permission denied")
}

/// `POST case/v2/bulk-fetch/`, which is closed to an account that is limited to some locations.
pub(crate) fn bulk_fetch(sandbox: &Sandbox, bytes: &[u8]) -> Response {
    if sandbox.store().limits.restricted() {
        return closed();
    }
    let Ok(payload) = serde_json::from_slice::<Value>(bytes) else { return bad("Payload must be valid JSON") };
    let ids = |name: &str| -> Vec<&str> {
        payload[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let (case_ids, external_ids) = (ids("case_ids"), ids("external_ids"));
    if case_ids.len() + external_ids.len() > MOST {
        return bad(&format!("You cannot request more than {MOST} cases per request."));
    }
    several(&sandbox.caught_up(), &case_ids, &external_ids)
}

/// Cases in the order asked for, with a note in place of each that is missing.
fn several(store: &Store, case_ids: &[&str], external_ids: &[&str]) -> Response {
    let missing = |name: &str, id: &str| json!({ name: id, "error": "not found" });
    let mut found = 0;
    let mut cases = Vec::with_capacity(case_ids.len() + external_ids.len());
    let by_id = case_ids.iter().map(|id| ("case_id", id, store.index.get(id)));
    let by_external = external_ids.iter().map(|id| {
        let case = store.index.after(None).find(|case| case.external_id.as_deref() == Some(id));
        ("external_id", id, case)
    });
    for (name, id, case) in by_id.chain(by_external) {
        found += usize::from(case.is_some());
        cases.push(case.map_or_else(|| missing(name, id), |case| shown(case, true)));
    }
    let body = json!({ "matching_records": found, "missing_records": cases.len() - found, "cases": cases });
    answer::json(StatusCode::OK, &body)
}

/// A case as the API shows it; `is_deprecated` is known to the index only.
fn shown(case: &CaseState, from_index: bool) -> Value {
    let properties: Map<String, Value> =
        case.properties.iter().map(|(name, value)| (name.to_string(), Value::from(value.as_str()))).collect();
    let mut shown = json!({
        "domain": PROJECT,
        "case_id": &*case.case_id,
        "case_type": case.case_type,
        "case_name": case.name,
        "external_id": case.external_id,
        "owner_id": case.owner_id,
        "date_opened": moment(case.date_opened),
        "last_modified": moment(case.last_modified),
        "server_last_modified": moment(case.server_last_modified),
        "indexed_on": moment(case.indexed_on),
        "closed": case.closed,
        "date_closed": case.date_closed.map(moment),
        "properties": properties,
        "indices": indices(case),
    });
    if from_index {
        shown["is_deprecated"] = false.into();
    }
    shown
}

/// The parent of a case, as both Case APIs show it.
pub(crate) fn indices(case: &CaseState) -> Value {
    case.parent.as_ref().map_or_else(
        || json!({}),
        |parent| {
            json!({ "parent": {
                "case_id": &*parent.case_id, "case_type": parent.case_type, "relationship": "child",
            }})
        },
    )
}

/// A time as HQ writes it.
pub(crate) fn moment(time: Timestamp) -> String {
    format!("{time:.6}")
}
