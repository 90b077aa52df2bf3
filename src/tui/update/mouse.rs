//! The mouse: the wheel scrolls what is under it, a click puts the cursor or does what the key under it does. It never decides
//! a cell, answers a question, sends or types (review-ux.md, Mouse).

use super::{Action, Cmd, Focus, Level, Model, Newest, Over, Screen, act, datasets, keymap, motion, say, view};
use crate::tui::{
    hit::{self, Pane, Target},
    keymap::TABLE,
    msg::Mouse,
};

/// A click or the wheel.
pub(super) fn act_on(model: &mut Model, mouse: Mouse, out: &mut Vec<Cmd>) {
    let (column, line) = match mouse {
        Mouse::Click(column, line) | Mouse::Wheel(column, line, _) => (column, line),
    };
    let Some(target) = hit::at(model, column, line) else { return };
    (model.count_from, model.count) = (None, String::new());
    match (mouse, target) {
        (Mouse::Click(..), Target::Key(action)) => key(model, action, out),
        (Mouse::Click(..), Target::Row(pane, row)) => put(model, pane, row),
        (Mouse::Click(..), Target::Pane(pane)) => give_keys(model, pane),
        (Mouse::Wheel(.., rows), Target::Row(pane, _) | Target::Pane(pane)) => scroll(model, pane, rows),
        (Mouse::Wheel(..), Target::Key(_)) => {}
    }
}

/// Does what a key on screen does, if it only looks, moves or opens.
fn key(model: &mut Model, action: Action, out: &mut Vec<Cmd>) {
    let selected = match &model.over {
        Some(Over::Help { rows, .. }) if action == Action::Run => rows.current().and_then(|at| TABLE.get(at)),
        _ => None,
    };
    if hit::is_clickable(selected.map_or(action, |row| row.action)) {
        return act(model, action, 1, out);
    }
    say(model, Level::Look, format!("the mouse decides and sends nothing: press {}", model.keys.key(action)));
    model.newest = Newest::Passes;
}

/// Gives a pane of Facilities or Data sets the keys; the other lists have them already.
fn give_keys(model: &mut Model, pane: Pane) {
    let Pane::Of(focus) = pane else { return };
    let empty = model.screen == Screen::DataSets && model.explorer.candidates.all.is_empty();
    model.focus = if empty { Focus::List } else { focus };
}

/// Puts the cursor on a row and gives its pane the keys.
fn put(model: &mut Model, pane: Pane, row: usize) {
    give_keys(model, pane);
    let layout = model.layout();
    let body = usize::from(hit::rows_over(model, &layout).height);
    match (pane, &mut model.over) {
        (Pane::Over, Some(Over::Help { rows, .. } | Over::Picks { rows, .. })) => return rows.go(row, body),
        (Pane::Over, Some(Over::Changes(changes))) => return changes.rows.go(row, body),
        _ => {}
    }
    match pane {
        Pane::Of(focus) if model.screen == Screen::DataSets => {
            // Pointing at a row is meant: after it enter is another press.
            model.answered = None;
            return datasets::go(model, focus, |_, _| row);
        }
        Pane::Screen => {
            model.submit.at = row;
            return;
        }
        _ => {}
    }
    let Some(review) = &mut model.review else { return };
    match pane {
        Pane::Of(Focus::List) => {
            let before = review.list.current();
            review.list.go(row, layout.list_rows());
            if review.list.current() != before {
                view::fill_cells(review, layout.cell_rows());
            }
        }
        Pane::Of(Focus::Cells) => review.cells.go(row, layout.cell_rows()),
        Pane::Column => review.column.go(row, layout.list_rows()),
        Pane::Doors => review.doors.go(row, usize::MAX),
        Pane::Over | Pane::Screen => {}
    }
}

/// Scrolls a list. Where its window follows the cursor, the cursor moves.
fn scroll(model: &mut Model, pane: Pane, rows: i8) {
    let layout = model.layout();
    let by = isize::from(rows);
    let body = usize::from(hit::rows_over(model, &layout).height);
    match (pane, &mut model.over) {
        (Pane::Over, Some(Over::Picks { rows, .. })) => return rows.scroll(by, body),
        (Pane::Over, Some(Over::Changes(changes))) => return changes.rows.scroll(by, body),
        _ => {}
    }
    if let (Pane::Of(focus), Screen::DataSets) = (pane, model.screen) {
        return datasets::scroll(model, focus, by);
    }
    let (list, cells) = (layout.list_rows(), layout.cell_rows());
    let still = pane == Pane::Screen && !moves(model);
    match (pane, &mut model.review) {
        (Pane::Of(Focus::List), Some(review)) => {
            let before = review.list.current();
            review.list.scroll(by, list);
            if review.list.current() != before {
                view::fill_cells(review, cells);
            }
        }
        (Pane::Of(Focus::Cells), Some(review)) => review.cells.scroll(by, cells),
        (Pane::Column, Some(review)) => review.column.scroll(by, list),
        _ if still => {}
        _ => {
            let action = if rows < 0 { Action::Up } else { Action::Down };
            motion::go(model, action, rows.unsigned_abs().into());
        }
    }
}

/// Whether the keys of lists move something here.
fn moves(model: &Model) -> bool {
    model.screen == Screen::Submit && keymap::scopes(model).contains(&keymap::Scope::Lists)
}
