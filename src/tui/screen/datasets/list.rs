//! The rows of the mapping, those that need something first: the property, its data element, and what stands in the row or could.

use std::collections::BTreeSet;

use super::{first, in_candidates, rows_of};
use crate::{
    domain::{
        explored::{Candidate, Element, Entry, Need},
        mapping::{Choice, DATA_SET, Problem, Row},
        text::{fit_middle, inert, shorten, start_of, width},
    },
    tui::{
        explorer::{Explorer, Looked},
        layout::{Layout, Shape},
        model::Model,
        parts::{Canvas, Pen, count, piece, plural},
        table::{cursor, window},
        theme::Role,
    },
};

/// Columns of the sign of a problem, with the gaps beside it.
const SIGN: usize = 4;
/// Fewest columns of what stands in a row: `not found: 2 of a like name`.
const SAID: usize = 27;

/// Where things stand in a row.
#[derive(Clone, Copy)]
struct Columns {
    line: usize,
    property: usize,
    /// 0 where there is no room for it.
    element: usize,
    said: usize,
}

impl Columns {
    /// The columns of a list of this width whose last row starts on this line of the file.
    fn of(area: u16, shape: Shape, last: u64) -> Self {
        let line = last.to_string().len().max(4);
        let room = usize::from(area).saturating_sub(1 + line + SIGN);
        if shape == Shape::Stacked {
            let property = room.saturating_sub(SAID + 2);
            return Self { line, property, element: 0, said: SAID };
        }
        // The bar between panes stands apart from what is cut before it.
        let room = room - usize::from(shape == Shape::Three);
        let said = (room * 2 / 5).clamp(SAID, 60);
        let names = room.saturating_sub(said + 4);
        let property = (names / 2).min(60);
        Self { line, property, element: (names - property).min(60), said }
    }
}

/// Draws the list.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let explorer = &model.explorer;
    let area = rows_of(layout.list, layout.list_head);
    let (total, height) = (explorer.total(), usize::from(area.height));
    let top = first(&explorer.rows, total, area);
    let last = explorer.file_rows().last().map_or(0, |row| row.line);
    let columns = Columns::of(layout.list.width, layout.shape, last);
    let seen = (top + 1, (top + height).min(total), total);
    heading(&mut canvas.pen(layout.list, layout.list_head.saturating_sub(1)), columns, explorer, seen);
    if total == 0 {
        canvas.pen(area, 0).gap(1).put(none(explorer), Role::Dim);
    }
    let start = start_of(explorer.file_rows().map(|row| row.property.as_str())).len();
    let rows: Vec<_> = (top..total.min(top + height)).filter_map(|number| explorer.listed(number)).collect();
    let full: Vec<_> = rows.iter().map(|(row, _)| inert(row.property.get(start..).unwrap_or(&row.property))).collect();
    let full: Vec<&str> = full.iter().map(AsRef::as_ref).collect();
    let names = shorten(&full, columns.property);
    for ((line, number), ((row, entry), name)) in window(area, top, total).zip(rows.iter().zip(&names)) {
        one(&mut canvas.pen(area, line), columns, explorer, (row, *entry), name);
        cursor(canvas, area, line, explorer.explored.is_some() && number == explorer.rows.at, !in_candidates(model));
    }
}

/// Why no row is listed.
fn none(explorer: &Explorer) -> &'static str {
    match (&explorer.mapped, &explorer.looked) {
        (Some(_), _) => "the mapping has no row that can be read",
        (None, Looked::Asking(_)) => "the mapping is being read",
        (None, _) => "the mapping was not read",
    }
}

fn heading(pen: &mut Pen<'_>, columns: Columns, explorer: &Explorer, (first, last, all): (usize, usize, usize)) {
    let start = start_of(explorer.file_rows().map(|row| row.property.as_str()));
    let property = if start.is_empty() { "property".to_owned() } else { format!("{start}…") };
    pen.gap(1).right(columns.line, "line", Role::Heading).gap(4).left(columns.property, &property, Role::Heading);
    if columns.element > 0 {
        pen.gap(2).left(columns.element, "data element", Role::Heading);
    }
    pen.gap(2).put("data set id", Role::Heading);
    if last < all || first > 1 {
        let part = format!("{} to {} of {}", count(first), count(last), count(all));
        // Where that has no room, which of them the cursor is on.
        let at = format!("{} of {}", count(explorer.rows.at + 1), count(all));
        let said = if part.len() + 2 > pen.room() { at } else { part };
        pen.close(&[piece(said, Role::Dim)]);
    }
}

/// A row.
fn one(pen: &mut Pen<'_>, columns: Columns, explorer: &Explorer, (row, entry): (&Row, Option<&Entry>), name: &str) {
    let sign = entry.map_or(("", Role::Text), sign);
    pen.gap(1).right(columns.line, &row.line.to_string(), Role::Text).gap(1).left(2, sign.0, sign.1).gap(1);
    pen.left(columns.property, name, Role::Text);
    let choice = explorer.choice(row.line);
    if columns.element > 0 {
        let (text, role) = element(explorer, row, entry, choice);
        pen.gap(2).name(columns.element, text, role);
    }
    let (text, role) = said(explorer, row, entry, choice);
    let room = columns.said.min(pen.gap(2).room());
    pen.put(&fit_middle(&inert(&text), room), role);
}

/// The problems of a row that are not told by its being listed without a data set id.
pub(super) fn told(entry: &Entry) -> impl Iterator<Item = &Problem> {
    let waits = |problem: &Problem| problem.column == Some(DATA_SET) && problem.value.is_empty() && !problem.blocks;
    entry.problems.iter().filter(move |problem| !waits(problem))
}

/// The sign of the worst of its problems.
fn sign(entry: &Entry) -> (&'static str, Role) {
    match told(entry).map(|problem| problem.blocks).max() {
        Some(true) => ("!!", Role::Stop),
        Some(false) => ("!", Role::Review),
        None => ("", Role::Text),
    }
}

/// The name of its data element: of the one chosen, as the server has it, as the file has it, or the id.
fn element<'a>(
    explorer: &'a Explorer,
    row: &'a Row,
    entry: Option<&'a Entry>,
    choice: Option<&'a Choice>,
) -> (&'a str, Role) {
    if let Some((id, entry)) = choice.and_then(|choice| choice.data_element.as_deref()).zip(entry) {
        let found = choice.and_then(|choice| explorer.candidate_of(entry, &choice.data_set));
        let name = found.filter(|found| found.element == id).map_or("", |found| found.element_name.as_str());
        return (if name.is_empty() { id } else { name }, Role::Strong);
    }
    let known =
        entry.and_then(|entry| if let Element::Shown(name) = &entry.element { Some(name.as_str()) } else { None });
    let names = [known.unwrap_or_default(), &row.name, &row.data_element];
    match names.into_iter().find(|name| !name.is_empty()) {
        Some(name) => (name, Role::Text),
        None => ("no data element id", Role::Review),
    }
}

/// What stands in the row, or what could.
fn said(explorer: &Explorer, row: &Row, entry: Option<&Entry>, choice: Option<&Choice>) -> (String, Role) {
    let name = |id: &str| {
        let set = entry.and_then(|entry| explorer.candidate_of(entry, id)).and_then(|one| one.set.as_ref());
        set.map_or_else(|| id.to_owned(), |set| format!("{id}  {}", set.name))
    };
    if let Some(choice) = choice {
        return (format!("(*) {}", name(&choice.data_set)), Role::Approved);
    }
    let Some(entry) = entry else {
        return if row.data_set.is_empty() {
            ("no data set id".to_owned(), Role::Review)
        } else {
            (row.data_set.clone(), Role::Text)
        };
    };
    let held = entry.candidates.iter().filter(|one| one.alike.is_none() && one.set.is_some()).count();
    match entry.need() {
        Need::Element => (like(&entry.candidates), Role::Review),
        Need::DataSet if entry.element == Element::Untold => ("no data set id".to_owned(), Role::Review),
        Need::DataSet if held == 0 => ("none found".to_owned(), Role::Review),
        Need::DataSet => (plural(held, "candidate", "candidates"), Role::Review),
        Need::OtherDataSet => (format!("{} does not fit", row.data_set), Role::Review),
        Need::Look => (format!("{}  in {held} data sets", row.data_set), Role::Text),
        Need::Nothing => (name(&row.data_set), Role::Text),
    }
}

/// `not found: 2 of a like name`
fn like(candidates: &[Candidate]) -> String {
    let like: BTreeSet<&str> = candidates.iter().map(|candidate| candidate.element.as_str()).collect();
    match like.len() {
        0 => "not found".to_owned(),
        like => format!("not found: {} of a like name", count(like)),
    }
}

/// Columns a text takes, made inert.
pub(super) fn wide(text: &str) -> usize {
    width(&inert(text))
}
