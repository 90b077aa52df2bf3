//! The help: what can be done on this screen, from the one key table, searchable from the first letter typed.

use ratatui::layout::{Position, Rect};
use tui_input::Input;

use super::draw::typed;
use crate::{
    domain::text::width,
    tui::{
        keymap::TABLE,
        layout::Layout,
        model::{Model, Rows},
        parts::{Canvas, wrap},
        table::Sheet,
        theme::Role,
    },
};

/// Columns before the label, and before the line of help.
const LABEL: u16 = 16;
/// Columns before the line of help.
const TEXT: u16 = 34;

/// Draws the rows that match what was typed; answers where the caret is.
pub(super) fn draw(
    model: &Model,
    input: &Input,
    rows: &Rows<usize>,
    layout: &Layout,
    canvas: &mut Canvas<'_>,
) -> Option<Position> {
    let stacked = layout.header.height < 2;
    let mut body = layout.body;
    let line = if stacked { Rect { height: 1, ..body } } else { Rect { y: layout.header.y + 1, height: 1, ..body } };
    if stacked {
        body = Rect { y: body.y + 1, height: body.height.saturating_sub(1), ..body };
    }
    let mut pen = canvas.pen(line, 0);
    pen.to(if stacked { 1 } else { 28 }).put("type to search, enter runs it:  ", Role::Text).put("[ ", Role::Dim);
    let room = pen.room().saturating_sub(3).min(15);
    let caret = typed(&mut pen, input, room);
    pen.put(" ]", Role::Dim);
    let mut sheet = Sheet::default();
    let mut group = "";
    for (at, place) in rows.all.iter().enumerate() {
        let Some(row) = TABLE.get(*place) else { continue };
        if row.group != group {
            group = row.group;
            sheet.heading(group);
        }
        let mut text = wrap(row.help, usize::from(body.width.saturating_sub(TEXT + 1)));
        // A long name has its line alone, so that it never runs into its text.
        let beside = width(row.label) + 2 <= usize::from(TEXT - LABEL) && !text.is_empty();
        let first = if beside { text.remove(0) } else { String::new() };
        sheet.row(at == rows.at, move |pen| {
            pen.to(3).put(&row.every_key(), Role::Key).to(LABEL).put(row.label, Role::Text);
            pen.to(TEXT.max(pen.at())).put(&first, Role::Dim);
        });
        for more in text {
            sheet.line(move |pen| _ = pen.to(TEXT).put(&more, Role::Dim));
        }
    }
    if rows.all.is_empty() {
        sheet.line(|pen| _ = pen.gap(1).put("nothing here is called that", Role::Text));
    }
    if model.review.is_some() {
        marks(&mut sheet);
    }
    sheet.draw(canvas, body);
    caret
}

/// What marks and signs mean.
fn marks(sheet: &mut Sheet<'_>) {
    sheet.space();
    sheet.line(|pen| {
        pen.gap(1).put("Marks", Role::Strong).gap(3);
        pen.put("[✓]", Role::Approved).put(" approved  ", Role::Text).put("[✗]", Role::Rejected);
        pen.put(" rejected  [ ] undecided", Role::Text);
    });
    sheet.line(|pen| {
        pen.gap(9).put("[~] some of each  ", Role::Text).put("[s]", Role::Dim);
        pen.put(" sent: decided for good", Role::Text);
    });
    sheet.line(|pen| {
        pen.gap(1).put("Flags", Role::Strong).gap(3).put("!!", Role::Stop);
        pen.put(" STOP: one by one, with a reason   ", Role::Text).put("!", Role::Review);
        pen.put(" REVIEW: look at it", Role::Text);
    });
    sheet.line(|pen| {
        pen.gap(1).put("Above", Role::Strong).gap(3).put("L !", Role::Stop);
        pen.put(" an error was not looked at yet: L lists the messages", Role::Text);
    });
}
