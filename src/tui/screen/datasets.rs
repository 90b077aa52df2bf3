//! Data sets: the rows of the mapping, what DHIS2 holds that could stand in the row under the cursor, and why. It shows facts; what
//! stands in a row is chosen by a person and written by a key of its own.

use ratatui::layout::{Position, Rect};

use super::{Focus, facilities::rows_of};
use crate::{
    domain::{
        explored::{Candidate, Entry, Need},
        mapping::Row,
        text::{fit_middle, inert, width},
    },
    tui::{
        explorer::Explorer,
        hit::{Pane, Target},
        keymap::Action,
        layout::{Layout, Shape},
        model::{Model, Rows},
        parts::{Canvas, Pen, Piece, count, piece, plural},
        theme::Role,
    },
};

mod candidates;
mod detail;
mod list;

/// Draws the body.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    list::draw(model, layout, canvas);
    match layout.shape {
        Shape::Three => {
            canvas.bar(layout.cells.x.saturating_sub(1), layout.body);
            canvas.bar(layout.detail.x.saturating_sub(1), layout.body);
        }
        Shape::Stacked => canvas.rule(layout.cells.y),
        _ => {}
    }
    candidates::draw(model, layout, canvas);
    detail::draw(model, layout, canvas);
}

/// Which row of which list is at this place of the body.
pub(in crate::tui) fn row_at(model: &Model, layout: &Layout, at: Position) -> Option<Target> {
    let explorer = &model.explorer;
    let (pane, area, rows, all) = if layout.list.contains(at) {
        let area = rows_of(layout.list, layout.list_head);
        (Pane::Of(Focus::List), area, &explorer.rows, explorer.total())
    } else if layout.cells.contains(at) {
        let area = rows_of(layout.cells, layout.cells_head);
        (Pane::Of(Focus::Cells), area, &explorer.candidates, explorer.shown().len())
    } else {
        return None;
    };
    let row = first(rows, all, area) + usize::from(at.y.saturating_sub(area.y));
    // Before anything was found there is no row to put the cursor on.
    let all = if explorer.explored.is_some() { all } else { 0 };
    Some(if area.contains(at) && row < all { Target::Row(pane, row) } else { Target::Pane(pane) })
}

/// The first row seen in this area. The cursor is always inside, whatever the size of the window was when it was put there.
fn first(rows: &Rows<usize>, all: usize, area: Rect) -> usize {
    let height = usize::from(area.height).max(1);
    let at = rows.at.min(all.saturating_sub(1));
    rows.top.clamp((at + 1).saturating_sub(height), at).min(all.saturating_sub(height))
}

impl Explorer {
    /// How many rows are listed.
    fn total(&self) -> usize {
        match (&self.explored, &self.mapped) {
            (Some(_), _) => self.rows.all.len(),
            (None, mapped) => mapped.as_ref().map_or(0, |mapped| mapped.mapping.rows.len()),
        }
    }

    /// A row of the list, by its number there, with what was found for it; while nothing was found, as the file has it.
    fn listed(&self, number: usize) -> Option<(&Row, Option<&Entry>)> {
        match &self.explored {
            Some(explored) => explored.rows.get(*self.rows.all.get(number)?).map(|entry| (&entry.row, Some(entry))),
            None => self.mapped.as_ref()?.mapping.rows.get(number).map(|row| (row, None)),
        }
    }

    /// The rows of the mapping, in the order of the file.
    fn file_rows(&self) -> impl Iterator<Item = &Row> + Clone {
        let explored = self.explored.iter().flat_map(|explored| explored.rows.iter().map(|entry| &entry.row));
        let mapped = self.mapped.iter().filter(|_| self.explored.is_none());
        explored.chain(mapped.flat_map(|mapped| mapped.mapping.rows.iter()))
    }

    /// How many rows have a choice that is not written.
    fn changed(&self) -> usize {
        let newest = |at: usize, line: u64| self.chosen[at + 1..].iter().all(|later| later.line != line);
        self.chosen.iter().enumerate().filter(|(at, choice)| newest(*at, choice.line)).count()
    }

    /// What is known of a data set that stands, or could stand, in a row.
    fn candidate_of<'a>(&'a self, entry: &'a Entry, data_set: &str) -> Option<&'a Candidate> {
        let found =
            self.found.iter().filter(|(line, _)| *line == entry.row.line).flat_map(|(_, found)| &found.candidates);
        entry.candidates.iter().chain(found).find(|candidate| candidate.set_id() == data_set)
    }
}

/// Whether the candidates have the keys.
fn in_candidates(model: &Model) -> bool {
    model.focus == Focus::Cells
}

/// The second line: `case_property_map.csv   3 of 25 rows have no data set id     nothing written`.
pub(super) fn place(model: &Model, pen: &mut Pen<'_>) {
    let explorer = &model.explorer;
    let room = pen.room();
    let (said, (end, role)) = (need(explorer), written(model, room));
    let label = explorer.mapped.as_ref().map_or("the mapping", |mapped| mapped.label.as_str());
    let label = inert(label);
    let end_wide = width(&end) + 4;
    // The path gives way first, then the count, which the list shows too.
    let with = room.saturating_sub(end_wide + width(&said) + 3);
    let (said, wide) =
        if with >= SHORTEST_PATH { (said, with) } else { (String::new(), room.saturating_sub(end_wide)) };
    pen.put(&fit_middle(&label, wide), Role::Strong);
    if !said.is_empty() {
        pen.gap(3).put(&said, Role::Text);
    }
    pen.close(&[piece(end, role)]);
}

/// Fewest columns in which a path says anything.
const SHORTEST_PATH: usize = 12;

/// The counts beside the tab where there is no second line.
pub(super) fn short_place(model: &Model) -> Vec<Piece<'static>> {
    let explorer = &model.explorer;
    let (empty, all) = (empty(explorer), explorer.total());
    let mut said = vec![piece(format!("{} of {} without id", count(empty), count(all)), Role::Text)];
    let changed = explorer.changed();
    if changed > 0 {
        said.push(piece(format!("  {} chosen", count(changed)), Role::Strong));
    }
    said
}

/// Rows without a data set id, as the file has them.
fn empty(explorer: &Explorer) -> usize {
    explorer.file_rows().filter(|row| row.data_set.is_empty()).count()
}

/// What the rows need, in one phrase.
fn need(explorer: &Explorer) -> String {
    let all = explorer.file_rows().count();
    let (empty, rows) = (empty(explorer), plural(all, "row", "rows"));
    let wrong = |need: Need| matches!(need, Need::Element | Need::OtherDataSet);
    let wrong =
        explorer.explored.iter().flat_map(|explored| &explored.rows).filter(|entry| wrong(entry.need())).count();
    match (empty, wrong) {
        _ if all == 0 => String::new(),
        (1, _) => format!("1 of {rows} has no data set id"),
        (2.., _) => format!("{} of {rows} have no data set id", count(empty)),
        (0, 1) => format!("1 of {rows} has an id that does not fit"),
        (0, 2..) => format!("{} of {rows} have an id that does not fit", count(wrong)),
        (0, 0) => format!("{rows}, none without a data set id"),
    }
}

/// What is written and what is not.
fn written(model: &Model, room: usize) -> (String, Role) {
    let explorer = &model.explorer;
    if explorer.writing {
        return ("being written".to_owned(), Role::Review);
    }
    match (explorer.changed(), &explorer.written, &explorer.mapped) {
        (0, Some(_), _) => {
            let again = format!("; {} reads both sides again with it", model.keys.key(Action::Read));
            (format!("written{}", if room >= 76 { again } else { String::new() }), Role::Review)
        }
        (0, None, Some(mapped)) if mapped.fixed.is_some() => ("cannot be written".to_owned(), Role::Review),
        (0, None, _) => ("nothing written".to_owned(), Role::Dim),
        (changed, ..) => (format!("{} chosen, not written", count(changed)), Role::Strong),
    }
}
