//! What could stand in the row under the cursor: the data sets of its data element, data elements of a like name, or what a search
//! found.

use ratatui::layout::Rect;

use super::{detail::looking, first, in_candidates, list::wide, rows_of};
use crate::{
    domain::{
        explored::{Candidate, Element, Entry, Explored},
        text::{fit_middle, inert},
    },
    tui::{
        explorer::Explorer,
        layout::{Layout, Shape},
        model::Model,
        parts::{Canvas, Pen, count, wrap},
        table::{cursor, window},
        theme::Role,
    },
};

/// Columns of a mark, a likeness, an id, a period type, of how many reported, and of the stars.
const MARK: usize = 3;
const LIKE: usize = 4;
const ID: usize = 11;
const PERIOD: usize = 11;
const REPORTED: usize = 14;
const STARS: usize = 5;
/// Fewest columns of a name.
const NAME: usize = 14;

/// Where things stand in a row; 0 columns where there is no room.
#[derive(Clone, Copy)]
struct Columns {
    /// Of the data element, where the candidates are of several.
    like: usize,
    element: usize,
    element_id: usize,
    set: usize,
    set_id: usize,
    period: usize,
    reported: usize,
    stars: usize,
}

impl Columns {
    /// The columns of a list of this width, of one data element or of several.
    fn of(width: u16, shape: Shape, several: bool) -> Self {
        let mut columns =
            Self { like: 0, element: 0, element_id: 0, set: 0, set_id: 0, period: 0, reported: 0, stars: 0 };
        let mut room = usize::from(width).saturating_sub(1 + MARK);
        let names = if several { 2 * (NAME + 2) } else { NAME + 6 };
        let mut take = |column: &mut usize, wide: usize| {
            if room >= names + wide + 2 {
                (*column, room) = (wide, room - wide - 2);
            }
        };
        if several {
            take(&mut columns.like, LIKE);
        }
        take(&mut columns.reported, REPORTED);
        take(&mut columns.period, PERIOD);
        take(&mut columns.stars, STARS);
        // With a pane for the detail the ids stand there.
        if shape != Shape::Three {
            take(&mut columns.set_id, ID);
            if several {
                take(&mut columns.element_id, ID);
            }
        }
        if several {
            columns.element = ((room - 4) * 11 / 20).min(50);
            columns.set = (room - 4 - columns.element).min(50);
        } else {
            columns.set = (room - 2).min(44);
        }
        columns
    }
}

/// Draws the list.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let explorer = &model.explorer;
    let (pane, area) = (layout.cells, rows_of(layout.cells, layout.cells_head));
    let headings = usize::from(layout.shape != Shape::Stacked);
    let line = layout.cells_head.saturating_sub(1 + u16::try_from(headings).unwrap_or(0));
    let Some((entry, known)) = explorer.entry().zip(explorer.explored.as_ref()) else {
        let area = Rect { y: pane.y + line, height: pane.height - line, ..pane };
        return tell(model, area, canvas, &looking(model));
    };
    let shown = explorer.shown();
    let last = first(&explorer.candidates, shown.len(), area) + usize::from(area.height);
    let part = (shown.len() > usize::from(area.height)).then(|| {
        let first = last - usize::from(area.height) + 1;
        format!("{} to {} of {}", count(first), count(last.min(shown.len())), count(shown.len()))
    });
    title(&mut canvas.pen(pane, line), explorer, entry, part.as_deref());
    if shown.is_empty() {
        let mut said = looking(model);
        if said.is_empty() {
            said.push((none(explorer, entry).to_owned(), Role::Dim));
        }
        return tell(model, area, canvas, &said);
    }
    let several = shown.iter().any(|candidate| candidate.alike.is_some());
    let grid = Columns::of(pane.width, layout.shape, several);
    if headings > 0 {
        heading(&mut canvas.pen(pane, layout.cells_head - 1), grid);
    }
    let top = first(&explorer.candidates, shown.len(), area);
    let stands = stands(explorer, entry);
    for (line, number) in window(area, top, shown.len()) {
        one(&mut canvas.pen(area, line), grid, &shown[number], known, stands);
        cursor(canvas, area, line, number == explorer.candidates.at, in_candidates(model));
    }
}

/// Which data element and data set stand in the row, or will once what was chosen is written.
fn stands<'a>(explorer: &'a Explorer, entry: &'a Entry) -> (&'a str, &'a str) {
    let row = &entry.row;
    match explorer.choice(row.line) {
        Some(choice) => (choice.data_element.as_deref().unwrap_or(&row.data_element), &choice.data_set),
        None => (&row.data_element, &row.data_set),
    }
}

/// Says something where there is no list.
fn tell(model: &Model, area: Rect, canvas: &mut Canvas<'_>, said: &[(String, Role)]) {
    let room = usize::from(area.width.saturating_sub(2));
    let lines = said.iter().flat_map(|(text, role)| wrap(text, room).into_iter().map(move |line| (line, *role)));
    for (row, (line, role)) in (0..area.height).zip(lines) {
        canvas.pen(area, row).gap(1).put(&line, role);
    }
    super::detail::bar(model, canvas, area, said.len());
}

/// Why nothing is listed.
fn none(explorer: &Explorer, entry: &Entry) -> &'static str {
    if explorer.found.as_ref().is_some_and(|(line, _)| *line == entry.row.line) {
        return "Nothing was found. Fewer words, or a part of a word, find more.";
    }
    match entry.element {
        _ if entry.is_unsought() => "Names like this one were not looked for. A search by its words may find it.",
        Element::Missing => "No data element has a name like this one. A search by other words may find it.",
        Element::Shown(_) => "It stands in no data set, so nobody can report on it. A search finds others.",
        Element::Untold => "DHIS2 does not list its data elements here, so nothing can be looked up.",
    }
}

/// `Data sets that hold  HIV tests done  (hTs3kP0aQ2w)`
fn title(pen: &mut Pen<'_>, explorer: &Explorer, entry: &Entry, part: Option<&str>) {
    let row = &entry.row;
    let kept = part.map_or(1, |part| part.len() + 3);
    let end = pen.at() + crate::tui::parts::columns(pen.room().saturating_sub(kept));
    if let Some(part) = part {
        pen.to(end + 2).put(part, Role::Dim).to(0);
    }
    let room = usize::from(end).saturating_sub(1);
    pen.gap(1);
    if let Some((_, found)) = explorer.found.as_ref().filter(|(line, _)| *line == row.line) {
        let more = match found.more {
            0 => String::new(),
            more => format!("   {} more; more words narrow it", count(more)),
        };
        let words = format!("Found by \"{}\"", inert(&found.words));
        let words = fit_middle(&words, room.saturating_sub(more.len()));
        pen.put(&words, Role::Strong).put(&more, Role::Dim);
        return;
    }
    let (before, name) = match &entry.element {
        Element::Missing => ("Data elements like  ", &row.name),
        Element::Shown(name) if !name.is_empty() => ("Data sets that hold  ", name),
        _ => ("Data sets that hold  ", &row.name),
    };
    let id = if row.data_element.is_empty() { String::new() } else { format!("  ({})", row.data_element) };
    let (name, id) = if name.is_empty() { (&row.data_element, String::new()) } else { (name, id) };
    // What a name ends with may tell two apart; the id is never cut.
    let name = fit_middle(&inert(name), room.saturating_sub(before.len() + wide(&id))).into_owned();
    pen.put(before, Role::Strong).put(&name, Role::Text).put(&id, Role::Dim);
}

fn heading(pen: &mut Pen<'_>, columns: Columns) {
    pen.gap(1).left(MARK, "", Role::Heading);
    if columns.element > 0 {
        left(pen, columns.like, "like");
        left(pen, columns.element, "data element");
        left(pen, columns.element_id, "id");
    }
    left(pen, columns.set, "data set");
    left(pen, columns.set_id, "id");
    left(pen, columns.period, "period");
    if columns.reported > 0 {
        pen.gap(SPACE).right(columns.reported, "reported", Role::Heading);
    }
    left(pen, columns.stars, "match");
}

/// Free columns before each.
const SPACE: u16 = 2;

fn left(pen: &mut Pen<'_>, wide: usize, text: &str) {
    if wide > 0 {
        pen.gap(if pen.at() == 4 { 1 } else { SPACE }).left(wide, text, Role::Heading);
    }
}

/// A candidate. The one that stands in the row, or will, is marked.
fn one(pen: &mut Pen<'_>, columns: Columns, candidate: &Candidate, known: &Explored, stands: (&str, &str)) {
    let is_there = candidate.set.is_some() && stands == (candidate.element.as_str(), candidate.set_id());
    let role = if is_there { Role::Strong } else { Role::Text };
    pen.gap(1).put(if is_there { "(*)" } else { "( )" }, role);
    let name = |pen: &mut Pen<'_>, wide: usize, text: &str, role: Role| {
        if wide > 0 {
            pen.gap(if pen.at() == 4 { 1 } else { SPACE }).name(wide, text, role);
        }
    };
    if columns.like > 0 {
        let alike = candidate.alike.map_or_else(|| "own".to_owned(), |alike| format!("{alike} %"));
        pen.gap(1).right(columns.like, &alike, Role::Text);
    }
    let called = if candidate.element_name.is_empty() { &candidate.element } else { &candidate.element_name };
    name(pen, columns.element, called, role);
    name(pen, columns.element_id, &candidate.element, Role::Dim);
    let Some(set) = &candidate.set else {
        return name(pen, columns.set.max(NAME), "in no data set", Role::Review);
    };
    name(pen, columns.set, if set.name.is_empty() { &set.id } else { &set.name }, role);
    name(pen, columns.set_id, &set.id, Role::Dim);
    let period = set.period_type.as_deref().map_or_else(|| "-".to_owned(), str::to_lowercase);
    name(pen, columns.period, &period, if set.is_quarterly() { Role::Text } else { Role::Review });
    if columns.reported > 0 {
        pen.gap(SPACE).right(columns.reported, &reported(set.reported, known.facilities), Role::Text);
    }
    name(pen, columns.stars, &"*".repeat(candidate.stars(known.facilities)), Role::Text);
}

/// `1,021 of 1,106`; `-` where that was not counted.
pub(super) fn reported(reported: Option<usize>, facilities: Option<usize>) -> String {
    match (reported, facilities) {
        (Some(reported), Some(all)) => format!("{} of {}", count(reported), count(all)),
        (Some(reported), None) => count(reported),
        (None, _) => "-".to_owned(),
    }
}
