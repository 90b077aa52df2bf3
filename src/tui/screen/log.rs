//! Lists that cover the screen: the messages the status line has said, and lines such as what was not matched.

use ratatui::layout::Rect;

use super::draw::level_role;
use crate::{
    domain::text::inert,
    tui::{
        model::Line,
        parts::{Canvas, wrap},
        theme::Role,
    },
};

/// Columns of the clock time with its gap.
const TIME: u16 = 10;

/// The messages, newest first, `top` of them skipped.
pub(super) fn messages(log: &[Line], top: usize, area: Rect, canvas: &mut Canvas<'_>) {
    let mut row = 0;
    for line in log.iter().rev().skip(top) {
        if row >= area.height {
            return;
        }
        let room = usize::from(area.width.saturating_sub(TIME + 2));
        canvas.pen(area, row).gap(1).put(clock(&line.at), Role::Dim);
        for text in wrap(&inert(&line.text), room) {
            canvas.pen(area, row).gap(1 + TIME).put(&text, level_role(line.level));
            row += 1;
        }
    }
    if log.is_empty() {
        canvas.pen(area, 0).gap(1).put("no message yet", Role::Dim);
    }
}

/// `11:58:12` of an RFC 3339 time; the whole text where it is not one.
pub(in crate::tui) fn clock(at: &str) -> &str {
    match at.as_bytes().get(10) {
        Some(b'T' | b' ') => at.get(11..19).unwrap_or(at),
        _ => at,
    }
}

/// Plain lines, `top` of them skipped; none is cut.
pub(super) fn lines(lines: &[String], top: usize, area: Rect, canvas: &mut Canvas<'_>) {
    let mut row = 0;
    for line in lines.iter().skip(top) {
        if row >= area.height {
            return;
        }
        for (at, text) in wrap(line, usize::from(area.width.saturating_sub(4))).iter().enumerate() {
            canvas.pen(area, row).gap(if at == 0 { 1 } else { 3 }).put(text, Role::Text);
            row += 1;
        }
        row += u16::from(line.is_empty());
    }
}
