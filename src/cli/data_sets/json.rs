//! What was found, as one JSON object. Values are strings as stored, what is absent is null.

use std::{collections::BTreeSet, io::Write as _};

use anyhow::Result;
use serde_json::{Value, json};

use super::{super::out::Out, Report, text};
use crate::domain::{
    explored::{Candidate, Element, Entry, Held, Need},
    mapping::Problem,
};

/// The object, and a line end.
pub(super) fn write(report: &Report<'_>, out: &mut Out) -> Result<()> {
    let (used, seen) = (report.used, &report.seen);
    let mapping = &used.mapping;
    let explored = seen.explored.as_ref();
    let rows: BTreeSet<u64> = mapping.rows.iter().map(|row| row.line).collect();
    let loose = mapping.problems.iter().filter(|problem| !rows.contains(&problem.line));
    let entries = explored.map(|explored| explored.rows.iter().map(|one| entry(one, report)).collect::<Vec<_>>());
    let found = seen.found.as_ref().map(|found| {
        let each = found.candidates.iter().map(|one| {
            let mut told = candidate(one, report);
            told["row"] = json!(text::ready_row(report, one));
            told
        });
        json!({ "words": found.words, "candidates": each.collect::<Vec<_>>(), "more": found.more })
    });
    let changes = report.changed.iter().flat_map(|changed| &changed.lines);
    let changes = changes.map(|one| {
        let problems: Vec<_> = report.problems_of(one.line).iter().map(problem).collect();
        json!({ "line": one.line, "before": one.before, "after": one.after, "problems": problems })
    });
    let path = |path: &std::path::Path| path.display().to_string();
    let whole = json!({
        "schema": 1,
        "mapping": {
            "path": used.file.as_deref().map(path),
            "rows": mapping.rows.len(),
            "usable": mapping.usable().count(),
            "hash": mapping.hash(),
        },
        "quarter": report.quarter.to_string(),
        "facilities": seen.facilities,
        "entries": entries,
        "problems": loose.map(problem).collect::<Vec<_>>(),
        "notes": seen.notes(),
        "found": found,
        "changes": changes.collect::<Vec<_>>(),
        "written": report.saved.as_ref().map(|saved| path(&saved.file)),
        "copy": report.saved.as_ref().and_then(|saved| saved.copy.as_deref()).map(path),
    });
    writeln!(out, "{whole}")?;
    Ok(())
}

fn entry(entry: &Entry, report: &Report<'_>) -> Value {
    let row = &entry.row;
    let need = match entry.need() {
        Need::Element => Some("data_element"),
        Need::DataSet => Some("data_set"),
        Need::OtherDataSet => Some("other_data_set"),
        Need::Look => Some("look"),
        Need::Nothing => None,
    };
    let name = match &entry.element {
        Element::Shown(name) => some(name),
        Element::Missing | Element::Untold => None,
    };
    json!({
        "line": row.line,
        "property": some(&row.property),
        "data_element": some(&row.data_element),
        "data_set": some(&row.data_set),
        "dhis2_name": some(&row.name),
        "data_element_name": name,
        "need": need,
        "looked": entry.looked,
        "candidates": entry.candidates.iter().map(|one| candidate(one, report)).collect::<Vec<_>>(),
        "problems": entry.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn candidate(one: &Candidate, report: &Report<'_>) -> Value {
    let set = one.set.as_ref();
    let held = report.seen.held.as_ref();
    let stored = held.and_then(|held| text::stored(held, one, report.quarter));
    // None came, and not all could be read: that is not the same as none.
    let unread = held.is_some_and(|held| !held.notes.is_empty());
    let stored = stored.filter(|stored| !(stored.is_empty() && unread));
    let value = |value: &Held| json!({ "period": value.period, "total": value.total, "parts": value.parts });
    let values = stored.map(|stored| stored.into_iter().map(value).collect::<Vec<_>>());
    json!({
        "data_element": one.element,
        "data_element_name": some(&one.element_name),
        "alike": one.alike,
        "data_set": set.map(|set| &set.id),
        "data_set_name": set.and_then(|set| some(&set.name)),
        "period_type": set.and_then(|set| set.period_type.as_ref()),
        "reported": set.and_then(|set| set.reported),
        "assigned": set.and_then(|set| set.assigned),
        "rows": set.map(|set| set.rows),
        "facts": one.stars(report.seen.facilities),
        "why": report.seen.explored.as_ref().map(|explored| one.why(explored)),
        "values": values,
    })
}

fn problem(problem: &Problem) -> Value {
    json!({
        "line": problem.line,
        "column": problem.column,
        "value": some(&problem.value),
        "what": problem.what,
        "blocks": problem.blocks,
    })
}
