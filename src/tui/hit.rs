//! What stands where on the screen: tabs, the corner, keys, rows. Computed from the model and the layout, for drawing and for
//! the mouse alike, and never a trace of what was drawn. What a click does is in `update`.

use std::borrow::Cow;

use ratatui::layout::{Position, Rect};

use super::{
    keymap::{self, Action, Hint},
    layout::{Layout, Shape},
    model::{Changes, Model, Over, Stage},
    parts::columns,
    screen::{self, Focus, Screen},
    theme::Role,
};
use crate::domain::text::width;

/// A list that has a cursor or a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// A pane of Facilities, or of Data sets.
    Of(Focus),
    /// The column of Properties.
    Column,
    /// The lines of Overview that open something.
    Doors,
    /// The help, or another list over the screen.
    Over,
    /// Whatever else the screen lists.
    Screen,
}

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A key, by what it does.
    Key(Action),
    /// A row of a list, by its number from 0.
    Row(Pane, usize),
    /// A list, beside its rows.
    Pane(Pane),
}

/// A tab in the first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// Its first column.
    pub x: u16,
    /// As it is written, `[1 Overview]` or `2 Properties`.
    pub text: String,
    /// Which it is.
    pub screen: Screen,
}

/// The tabs as they stand in the first line. Where panes are stacked only the open one is there.
pub fn tabs(model: &Model, layout: &Layout) -> Vec<Tab> {
    let mut x = layout.header.x + 1;
    let mut tabs = Vec::new();
    for screen in Screen::ALL {
        let name = format!("{} {}", screen.digit(), screen.title());
        let open = screen == model.screen;
        if open || layout.shape != Shape::Stacked {
            let text = if open { format!("[{name}]") } else { name };
            let next = x.saturating_add(columns(width(&text))).saturating_add(2);
            tabs.push(Tab { x, text, screen });
            x = next;
        }
    }
    tabs
}

/// The pieces at the right end of the first line: that an error was not looked at, and the help or what closes it.
pub fn corner(model: &Model) -> [(Cow<'_, str>, Role); 3] {
    let close = if model.over.is_some() { " close" } else { " help" };
    let key = match &model.over {
        None => model.keys.key(Action::Help),
        Some(Over::Help { .. }) => model.keys.closes_help(),
        Some(_) => "esc",
    };
    let unread = if model.unread { format!("{} !  ", model.keys.key(Action::Log)) } else { String::new() };
    [(unread.into(), Role::Stop), (key.into(), Role::Key), (close.into(), Role::Text)]
}

/// A key of the footer and its first column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Its first column.
    pub x: u16,
    /// The key and what it does.
    pub hint: Hint<'a>,
}

impl Key<'_> {
    /// Columns of the key, the gap and what it does.
    fn wide(&self) -> u16 {
        columns(width(self.hint.keys) + 1 + width(self.hint.label))
    }
}

/// The keys as they stand in the last line, after the status where that has no line of its own.
pub fn keys<'m>(model: &'m Model, layout: &Layout) -> Vec<Key<'m>> {
    let line = layout.footer;
    let mut x = line.x + 1;
    if let Some((text, _)) = lead(model, layout) {
        x += columns(width(&text)) + if text.is_empty() { 0 } else { 2 };
    }
    let room = line.right().saturating_sub(x).saturating_add(1);
    let mut keys = Vec::new();
    for hint in keymap::footer(model, room) {
        let key = Key { x, hint };
        x = x.saturating_add(key.wide()).saturating_add(2);
        keys.push(key);
    }
    keys
}

/// The status before the keys, where it has no line of its own.
pub(super) fn lead<'m>(model: &'m Model, layout: &Layout) -> Option<(Cow<'m, str>, Role)> {
    if layout.status.height > 0 {
        return None;
    }
    let (text, role) = screen::newest(model);
    let half = usize::from(layout.footer.width / 2).saturating_sub(3);
    Some((Cow::Owned(super::parts::keep_end(&text, half).into_owned()), role))
}

/// What is at this column and line; nothing while a question or a prompt has all keys, and in a window that is too small.
pub fn at(model: &Model, column: u16, line: u16) -> Option<Target> {
    let layout = model.layout();
    if layout.shape == Shape::TooSmall || model.ask.is_some() {
        return None;
    }
    let at = Position::new(column, line);
    if line == layout.header.y {
        return first_line(model, &layout, column).map(Target::Key);
    }
    if layout.footer.contains(at) {
        let key = keys(model, &layout).into_iter().find(|key| (key.x..key.x + key.wide()).contains(&column));
        return key.map(|key| Target::Key(key.hint.action));
    }
    if layout.status.contains(at) {
        return undo(model, &layout, column).map(Target::Key);
    }
    layout.body.contains(at).then(|| body(model, &layout, at)).flatten()
}

/// A tab or the corner.
fn first_line(model: &Model, layout: &Layout, column: u16) -> Option<Action> {
    let tabs = tabs(model, layout);
    if let Some(tab) = tabs.iter().find(|tab| (tab.x..tab.x + columns(width(&tab.text))).contains(&column)) {
        return Some(Action::Tab(tab.screen));
    }
    let [unread, key, close] = corner(model).map(|(text, _)| columns(width(&text)));
    let end = layout.header.right().saturating_sub(1);
    let help = end.saturating_sub(key + close);
    if (help..end).contains(&column) {
        return Some(if model.over.is_some() { Action::Escape } else { Action::Help });
    }
    let log = help.saturating_sub(unread)..help;
    log.contains(&column).then_some(Action::Log)
}

/// Whether a click on a key does it: only what looks, moves or opens. What decides, sends, steers sending or types is for the
/// keys alone, and so is every action that is not named here (review-ux.md, Mouse).
pub fn is_clickable(action: Action) -> bool {
    use Action as A;
    let moves = matches!(action, A::Down | A::Up | A::HalfDown | A::HalfUp | A::First | A::Last | A::Into | A::Out)
        || matches!(action, A::NextPane | A::PreviousPane | A::NextProperty | A::PreviousProperty)
        || matches!(action, A::Next | A::Previous | A::NextFlag | A::PreviousFlag);
    let opens =
        matches!(action, A::Tab(_) | A::Help | A::Back | A::Escape | A::Log | A::Open | A::ListAll | A::ListFlagged)
            || matches!(action, A::Filter | A::Pick | A::Choose | A::Sort | A::Note | A::Values | A::Search);
    let looks = matches!(action, A::Redraw | A::Unchanged | A::Widen | A::Read | A::StopReading | A::Check)
        || matches!(action, A::Copy | A::CopyAll | A::Export | A::WriteForms);
    moves || opens || looks
}

/// Columns of `u undo` at the end of the status line.
const UNDO: u16 = 6;

/// The key that takes back, at the end of the status line.
fn undo(model: &Model, layout: &Layout, column: u16) -> Option<Action> {
    let end = layout.status.right().saturating_sub(1);
    let there = screen::can_undo(model) && (end.saturating_sub(UNDO)..end).contains(&column);
    there.then_some(Action::Undo)
}

/// Where the rows of what covers the screen stand; all of the body where nothing is above them, or nothing covers it.
pub(super) fn rows_over(model: &Model, layout: &Layout) -> Rect {
    let head = match &model.over {
        Some(Over::Changes(changes)) => screen::changes_head(changes.what, layout.shape),
        _ => 0,
    };
    screen::rows_of(layout.body, head)
}

/// A list of the body, and its row where there is one.
fn body(model: &Model, layout: &Layout, at: Position) -> Option<Target> {
    let row = |pane, area: Rect, top: usize, len: usize| {
        let number = top + usize::from(at.y.saturating_sub(area.y));
        let there = area.contains(at) && number < len;
        Some(if there { Target::Row(pane, number) } else { Target::Pane(pane) })
    };
    match (&model.over, &model.review, model.screen) {
        (Some(Over::Help { .. }), ..) => {
            let found = screen::help_row(model, layout, at.y);
            Some(found.map_or(Target::Pane(Pane::Over), |found| Target::Row(Pane::Over, found)))
        }
        (Some(Over::Picks { rows, .. }), ..) => row(Pane::Over, rows_over(model, layout), rows.top, rows.all.len()),
        (Some(Over::Changes(Changes { rows, .. })), ..) => {
            row(Pane::Over, rows_over(model, layout), rows.top, rows.all.len())
        }
        (Some(_), ..) => Some(Target::Pane(Pane::Over)),
        (None, Some(review), Screen::Facilities) => {
            if layout.list.contains(at) {
                let rows = screen::rows_of(layout.list, layout.list_head);
                row(Pane::Of(Focus::List), rows, review.list.top, review.list.all.len())
            } else if layout.cells.union(layout.detail).contains(at) {
                let rows = screen::rows_of(layout.cells, layout.cells_head);
                row(Pane::Of(Focus::Cells), rows, review.cells.top, review.cells.all.len())
            } else {
                None
            }
        }
        (None, Some(review), Screen::Properties) => {
            let rows = screen::rows_of(layout.list, layout.list_head);
            row(Pane::Column, rows, review.column.top, review.column.all.len())
        }
        (None, Some(review), Screen::Overview) if model.reading.is_none() => {
            let found = screen::overview_row(model, review, layout, at.y);
            Some(found.map_or(Target::Pane(Pane::Doors), |found| Target::Row(Pane::Doors, found)))
        }
        (None, _, Screen::DataSets) => screen::datasets_row(model, layout, at),
        (None, ..) => {
            let found = match (model.screen, &model.submit.stage) {
                (Screen::Submit, Stage::Sending(sent) | Stage::Ended(sent)) => {
                    screen::sending_row(model, sent, layout, at.y)
                }
                _ => None,
            };
            Some(found.map_or(Target::Pane(Pane::Screen), |found| Target::Row(Pane::Screen, found)))
        }
    }
}
