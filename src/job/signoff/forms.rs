//! The forms of a review, and what became of them.

use std::collections::BTreeMap;

use super::{
    Report,
    facts::paragraphs,
    section::{Field, Section, Table, number, when},
};
use crate::{domain::outcome::Outcome, io::store::Form};

/// Every form with its id, times, cases, changes and outcome.
pub(super) fn section<'a>(report: &Report<'a>) -> Section<'a> {
    let noted = |what: &str| -> BTreeMap<u32, (&'a str, &'a str)> {
        let entries = report.trail.entries.iter().filter(|noted| noted.what == what);
        entries.filter_map(|noted| Some((noted.form?, (noted.who.as_str(), noted.at.as_str())))).collect()
    };
    let (made, seen) = (noted("form"), noted("seen"));
    let row = |form: &'a Form| {
        let who = made.get(&form.number).map(|(who, _)| format!("by {who}"));
        let mut times = vec![format!("made {}", when(&form.frozen_at)).into()];
        times.extend(who.map(Into::into));
        times.extend(seen.get(&form.number).map(|(_, at)| format!("read back {}", when(at)).into()));
        let cases = form.cells.chunk_by(|a, b| a.facility == b.facility).count();
        let applied = form.cells.iter().filter(|cell| form.outcome_of(cell.cell()) == Outcome::Applied).count();
        let mut outcome = vec![form.outcome().stands().into()];
        if applied > 0 && applied < form.cells.len() {
            outcome.push(format!("{} of {} read back", number(applied), number(form.cells.len())).into());
        }
        outcome.extend(form.answer.as_deref().map(|answer| format!("CommCare said: {answer}").into()));
        vec![
            Field::text(form.number.to_string()),
            Field::text(form.form_id.as_str()),
            Field::Lines(times),
            Field::text(number(cases)),
            Field::text(number(form.cells.len())),
            Field::Lines(outcome),
        ]
    };
    let rows: Vec<Vec<Field<'a>>> = report.forms.iter().map(row).collect();
    let lead = if rows.is_empty() { "No form was made." } else { "" };
    Section {
        id: "forms",
        title: "Forms sent to CommCare",
        lead: paragraphs([lead]),
        table: Table::plain(&["#Form", "Id", "When", "#Cases", "#Changes", "Outcome"], rows),
        annex: false,
    }
}
