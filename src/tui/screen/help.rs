//! The help: what can be done on this screen, from the one key table, searchable from the first letter typed.

use std::borrow::Cow;

use ratatui::layout::{Position, Rect};
use tui_input::Input;

use super::draw::typed;
use crate::{
    domain::text::width,
    tui::{
        keymap::why_not,
        layout::Layout,
        model::{Model, Over, Rows},
        parts::{Canvas, Pen, wrap},
        table::Sheet,
        theme::Role,
    },
};

/// Columns before the label, and before the line of help.
const LABEL: u16 = 16;
/// Columns before the line of help.
const TEXT: u16 = 34;
/// Lines from which on there is room for what marks and signs mean.
const LEGEND: u16 = 16;

/// Draws the rows that match what was typed; answers where the caret is.
pub(super) fn draw(
    model: &Model,
    input: &Input,
    rows: &Rows<usize>,
    layout: &Layout,
    canvas: &mut Canvas<'_>,
) -> Option<Position> {
    let stacked = layout.header.height < 2;
    let body = below(layout);
    let y = if stacked { layout.body.y } else { layout.header.y + 1 };
    let line = Rect { y, height: 1, ..layout.body };
    let mut pen = canvas.pen(line, 0);
    pen.to(if stacked { 1 } else { 28 }).put("type to search, enter runs it:  ", Role::Text).put("[ ", Role::Dim);
    let room = pen.room().saturating_sub(3).min(15);
    let caret = typed(&mut pen, input, room);
    pen.put(" ]", Role::Dim);
    if has_legend(model, body) {
        legend(canvas, body);
    }
    sheet(model, rows, body).draw(canvas, rows_area(model, body));
    caret
}

/// Where the rows and the legend are: the body without the line that is typed into, where that has no other place.
fn below(layout: &Layout) -> Rect {
    let taken = u16::from(layout.header.height < 2);
    Rect { y: layout.body.y + taken, height: layout.body.height.saturating_sub(taken), ..layout.body }
}

fn has_legend(model: &Model, body: Rect) -> bool {
    model.review.is_some() && body.height >= LEGEND
}

/// The part of it the rows have, above the legend where there is one.
fn rows_area(model: &Model, body: Rect) -> Rect {
    let legend = if has_legend(model, body) { legend_lines(body) + 1 } else { 0 };
    Rect { height: body.height.saturating_sub(legend), ..body }
}

/// Which row of the help stands in this line of the window.
pub(in crate::tui) fn row_at(model: &Model, layout: &Layout, line: u16) -> Option<usize> {
    let Some(Over::Help { rows, .. }) = &model.over else { return None };
    let body = below(layout);
    sheet(model, rows, body).row_at(rows_area(model, body), line).filter(|row| *row < rows.all.len())
}

/// The rows, with headings where nothing was typed. One that cannot be done now says why instead of what it does.
fn sheet(model: &Model, rows: &Rows<usize>, body: Rect) -> Sheet<'static> {
    let headings = matches!(&model.over, Some(Over::Help { input, .. }) if input.value().trim().is_empty());
    let mut sheet = Sheet::default();
    let mut group = "";
    let narrow = body.width < 80;
    for (at, place) in rows.all.iter().enumerate() {
        let Some(bound) = model.keys.rows().get(*place) else { continue };
        let row = bound.row;
        if headings && row.group != group {
            group = row.group;
            sheet.heading(group);
        }
        let why = why_not(model, row.action);
        let (key, name) = if why.is_some() { (Role::Dim, Role::Dim) } else { (Role::Key, Role::Text) };
        let what = why.map_or_else(|| Cow::Borrowed(row.help), |why| Cow::Owned(format!("not now: {why}")));
        let mut text = wrap(&what, usize::from(body.width.saturating_sub(TEXT + 1)));
        // A long name has its line alone, so that it never runs into its text.
        let beside = width(row.label) + 2 <= usize::from(TEXT - LABEL) && !text.is_empty();
        let first = if beside { text.remove(0) } else { String::new() };
        let keys = bound.every_key();
        sheet.row(at == rows.at, move |pen| {
            pen.to(3).put(&keys, key);
            pen.to(LABEL.max(pen.at() + 1)).put(row.label, name);
            pen.to(TEXT.max(pen.at())).put(&first, Role::Dim);
        });
        // Where rows are few, only the one under the cursor has room for all its words.
        for more in text.into_iter().filter(|_| !narrow || at == rows.at) {
            sheet.line(move |pen| _ = pen.to(TEXT).put(&more, Role::Dim));
        }
    }
    if rows.all.is_empty() {
        sheet.line(|pen| _ = pen.gap(1).put("nothing here is called that", Role::Text));
    }
    sheet
}

fn legend_lines(body: Rect) -> u16 {
    if body.height >= LEGEND + 6 { 3 } else { 2 }
}

/// What marks and signs mean, in the last lines of the body.
fn legend(canvas: &mut Canvas<'_>, body: Rect) {
    let wide = body.width >= 80;
    let lines = legend_lines(body);
    let mut line = body.height.saturating_sub(lines);
    let mut next = |canvas: &mut Canvas<'_>, draw: &dyn Fn(&mut Pen<'_>)| {
        draw(&mut canvas.pen(body, line));
        line += 1;
    };
    next(canvas, &|pen| {
        pen.gap(1).put("Marks", Role::Strong).gap(3).put("[✓]", Role::Approved).put(" approved  ", Role::Text);
        pen.put("[✗]", Role::Rejected).put(" rejected  ", Role::Text);
        pen.put(if wide { "[ ] undecided  [~] some of each" } else { "[~] some of each" }, Role::Text);
        if body.width >= 100 {
            pen.put("  [s]", Role::Dim).put(" sent: decided for good", Role::Text);
        }
    });
    next(canvas, &|pen| {
        pen.gap(1).put("Flags", Role::Strong).gap(3).put("!!", Role::Stop);
        pen.put(if wide { " STOP: one by one, with a reason     " } else { " STOP: with a reason   " }, Role::Text);
        pen.put("!", Role::Review).put(" REVIEW: look at it", Role::Text);
    });
    if lines > 2 {
        next(canvas, &|pen| {
            pen.gap(1).put("Above", Role::Strong).gap(3).put("!", Role::Stop);
            pen.put(" beside the help: an error was not looked at yet; the messages have it", Role::Text);
        });
    }
}
