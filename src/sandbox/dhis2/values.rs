//! `GET dataValueSets`: what stands above the rows, and in which order a request is judged (dhis2.md sections 1.3, 1.5).

use std::fmt::Write;

use axum::{body::Body, response::Response};
use http::StatusCode;

use super::{
    View, no_store,
    rows::{Hoisted, Rows},
    selection::Selection,
};
use crate::sandbox::{answer, query::Query};

/// `GET dataValueSets`.
pub(crate) fn data_value_sets(view: &View<'_>, query: &Query) -> Response {
    let selection = match Selection::new(view, query) {
        Ok(selection) => selection,
        Err(refused) => return *refused,
    };
    let units = view.account.data_units(view.version);
    let rule = || selection.broken_rule(view);
    let access = || selection.forbidden(view, units);
    let broken = if view.version.access_first() { access().or_else(rule) } else { rule().or_else(access) };
    if let Some(broken) = broken {
        return broken.answer();
    }
    let (head, hoisted) =
        if view.version.is_rewritten() { hoist(&selection) } else { (head(view, &selection), Hoisted::default()) };
    let rows = Rows {
        country: view.country.clone(),
        changes: view.changes.clone(),
        version: view.version,
        facilities: selection.facilities(view),
        columns: selection.columns(view),
        head,
        hoisted,
        since: selection.since,
        deleted: selection.deleted,
        left: selection.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX),
        periods: selection.periods,
    };
    let pieces = futures_util::stream::iter(rows.pieces().map(Ok::<_, std::convert::Infallible>));
    let body = Body::from_stream(pieces);
    let answer = no_store(answer::body(StatusCode::OK, "application/json;charset=UTF-8", body));
    if !view.version.is_rewritten() {
        return answer;
    }
    let name = query.one("attachment").unwrap_or("dataValues.json");
    let answer = answer::with(answer, "content-disposition", &format!("attachment; filename=\"{name}\""));
    answer::with(answer, "content-transfer-encoding", "binary")
}

/// Up to 2.42: members above the rows when one set, period and unit were named.
fn head(view: &View<'_>, selection: &Selection) -> String {
    let named = (selection.sets.only(), selection.only_period(), selection.units.only());
    let (Some(set), Some((period, when)), Some(unit)) = named else { return String::new() };
    // The day of a registration stands here even when the report was opened again.
    let at = |known: &[usize]| known.first().copied();
    let done = at(&selection.sets.known).zip(at(&selection.units.known)).and_then(|(set, unit)| {
        let default = view.country.model.sets[set].combo == 0;
        let facility = view.country.units[unit].facility.filter(|_| default)?;
        view.registration(facility, set, &period.id, *when).map(|(day, _)| day)
    });
    let done = match done {
        Some(day) => format!("\"completeDate\":\"{day}T00:00:00.000+0000\","),
        None if view.version.writes_nulls() => "\"completeDate\":null,".to_owned(),
        None => String::new(),
    };
    format!("\"dataSet\":\"{set}\",{done}\"period\":\"{}\",\"orgUnit\":\"{unit}\"", period.id)
}

/// From 2.43 on: each member of which exactly one was named, on its own.
fn hoist(selection: &Selection) -> (String, Hoisted) {
    let period = selection.only_period().map(|(period, _)| period.id.as_str());
    let unit = selection.units.only().filter(|_| !selection.children);
    let combo = selection.combos.only();
    let members =
        [("dataSet", selection.sets.only()), ("period", period), ("orgUnit", unit), ("attributeOptionCombo", combo)];
    let mut head = String::new();
    for (name, id) in members.into_iter().filter_map(|(name, id)| Some((name, id?))) {
        let comma = if head.is_empty() { "" } else { "," };
        let _ = write!(head, "{comma}\"{name}\":\"{id}\"");
    }
    (head, Hoisted { period: period.is_some(), unit: unit.is_some(), combo: combo.is_some() })
}
