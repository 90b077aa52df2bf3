//! Reading cases: the older list, `v0.5/case/`, also `case/v1/` (commcare.md section 9).
//!
//! Not answered: `format=xml`, raw searches (`q`, `_search`), and the forms and related cases of a case.

use std::collections::BTreeMap;

use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    dates,
    list::{error, indices, moment},
};
use crate::sandbox::{CaseState, PROJECT, Sandbox, answer, query::Query};

/// The most cases in one answer.
const MOST: usize = 5_000;
/// Members that are dates: what may be a bound and what the list may be ordered by.
const DATES: [&str; 3] = ["indexed_on", "date_modified", "server_date_modified"];

/// What a list request asks for.
struct Wanted<'a> {
    limit: usize,
    offset: usize,
    /// The member ordered by, and whether backwards.
    order: (&'a str, bool),
    equal: Vec<(&'a str, &'a str)>,
    /// Member, whether it is the earliest (else the latest), and the time itself. Both ends count.
    bounds: Vec<(&'a str, bool, Timestamp)>,
}

impl<'a> Wanted<'a> {
    /// Reads the parameters; of a repeated one the last counts. The error is for the answer.
    fn new(query: &'a Query) -> Result<Self, String> {
        let mut wanted =
            Self { limit: 20, offset: 0, order: ("server_date_modified", false), equal: vec![], bounds: vec![] };
        for (name, value) in query.pairs().collect::<BTreeMap<_, _>>() {
            match name {
                "limit" => wanted.limit = number(name, value)?,
                "offset" => wanted.offset = number(name, value)?,
                "order_by" => wanted.order = order(value)?,
                "format" if value == "json" => {}
                "format" | "q" | "_search" => return Err(format!("this server does not answer '{name}={value}'")),
                name if name.ends_with("__full") => {}
                name => match bound(name) {
                    Some((member, earliest)) => {
                        let time = dates::read(value).ok_or("Bad query parameter")?;
                        wanted.bounds.push((member, earliest, time));
                    }
                    None => wanted.equal.push((name, value)),
                },
            }
        }
        if wanted.limit == 0 || wanted.limit > MOST {
            wanted.limit = MOST;
        }
        Ok(wanted)
    }

    fn takes(&self, case: &CaseState) -> bool {
        let within = |(member, earliest, bound): &(&str, bool, Timestamp)| {
            let time = time(case, member);
            if *earliest { time >= *bound } else { time <= *bound }
        };
        self.equal.iter().all(|(name, value)| has(case, name, value)) && self.bounds.iter().all(within)
    }
}

fn number(name: &str, value: &str) -> Result<usize, String> {
    value.parse().map_err(|_| format!("Invalid {name} '{value}'"))
}

fn order(value: &str) -> Result<(&str, bool), String> {
    let member = value.strip_prefix('-').unwrap_or(value);
    if !DATES.contains(&member) {
        return Err(format!("The list cannot be ordered by '{member}'"));
    }
    Ok((member, member.len() < value.len()))
}

/// The member a parameter bounds, and whether from below.
fn bound(name: &str) -> Option<(&str, bool)> {
    let (member, earliest) = match name.strip_suffix("_start") {
        Some(member) => (member, true),
        None => (name.strip_suffix("_end")?, false),
    };
    DATES.contains(&member).then_some((member, earliest))
}

fn time(case: &CaseState, member: &str) -> Timestamp {
    match member {
        "indexed_on" => case.indexed_on,
        "date_modified" => case.last_modified,
        _ => case.server_last_modified,
    }
}

/// Whether a member of the case has this value. The search index has no other members, so nothing matches an unknown one.
fn has(case: &CaseState, name: &str, value: &str) -> bool {
    match name {
        "type" | "case_type" => case.case_type == value,
        "name" | "case_name" => case.name.as_deref().unwrap_or_default() == value,
        "external_id" => case.external_id.as_deref().unwrap_or_default() == value,
        "owner_id" => case.owner_id == value,
        "user_id" => case.modified_by == value,
        "closed" => value == if case.closed { "true" } else { "false" },
        _ => false,
    }
}

/// `GET v0.5/case/`.
pub(crate) fn list(sandbox: &Sandbox, query: &Query) -> Response {
    let wanted = match Wanted::new(query) {
        Ok(wanted) => wanted,
        Err(sentence) => return error(StatusCode::BAD_REQUEST, &sentence),
    };
    let store = sandbox.caught_up();
    let mut matching: Vec<&CaseState> =
        store.index.after(None).map(|case| &**case).filter(|case| wanted.takes(case)).collect();
    let (member, backwards) = wanted.order;
    matching.sort_by_key(|case| (time(case, member), &case.case_id));
    if backwards {
        matching.reverse();
    }
    let total = matching.len();
    let forms = store.forms_by_case();
    let page = matching.into_iter().skip(wanted.offset).take(wanted.limit);
    let objects: Vec<Value> = page.map(|case| shown(case, forms.get(&case.case_id))).collect();
    let (limit, offset) = (wanted.limit, wanted.offset);
    let link = |offset: usize| {
        let mut rest = query.without(&["limit", "offset"]);
        rest.append_pair("limit", &limit.to_string()).append_pair("offset", &offset.to_string());
        format!("?{}", rest.finish())
    };
    let meta = json!({
        "limit": limit,
        "offset": offset,
        "next": offset.checked_add(limit).filter(|next| *next < total).map(link),
        "previous": offset.checked_sub(limit).map(link),
        "total_count": total,
    });
    answer::json(StatusCode::OK, &json!({ "meta": meta, "objects": objects }))
}

/// `GET v0.5/case/{id}/`, from the search index. A case that is not there is a 404 without a word.
pub(crate) fn one(sandbox: &Sandbox, case_id: &str) -> Response {
    let store = sandbox.caught_up();
    match store.index.get(case_id) {
        Some(case) => answer::json(StatusCode::OK, &shown(case, store.forms_by_case().get(&case.case_id))),
        None => answer::silent(StatusCode::NOT_FOUND),
    }
}

/// A case as this API shows it: what is built in stands among the properties.
fn shown(case: &CaseState, forms: Option<&Vec<&str>>) -> Value {
    let mut properties: Map<String, Value> =
        case.properties.iter().map(|(name, value)| (name.to_string(), Value::from(value.as_str()))).collect();
    for (name, value) in [
        ("case_name", json!(case.name)),
        ("case_type", json!(case.case_type)),
        ("external_id", json!(case.external_id)),
        ("owner_id", json!(case.owner_id)),
        ("date_opened", moment(case.date_opened).into()),
    ] {
        properties.insert(name.to_owned(), value);
    }
    json!({
        "id": &*case.case_id,
        "case_id": &*case.case_id,
        "domain": PROJECT,
        "closed": case.closed,
        "closed_by": case.closed.then_some(&case.modified_by),
        "date_closed": case.date_closed.map(moment),
        "date_modified": moment(case.last_modified),
        "indexed_on": moment(case.indexed_on),
        "server_date_modified": moment(case.server_last_modified),
        "server_date_opened": moment(case.date_opened),
        "opened_by": case.owner_id,
        "user_id": case.modified_by,
        "indices": indices(case),
        "xform_ids": forms.cloned().unwrap_or_default(),
        "resource_uri": "",
        "properties": properties,
    })
}
