//! Lists over the screen: words for the filter, changes.

use ratatui::layout::Rect;

use crate::{
    domain::text::width,
    tui::{
        model::{Changes, Model, Pick, Rows},
        parts::{Canvas, count, words},
        table::{cursor, window},
        theme::Role,
    },
};

/// Draws the words: whether they stand in the filter, how many cells of the whole review they are about, what they mean.
pub(super) fn draw(picks: &[Pick], rows: &Rows<usize>, body: Rect, canvas: &mut Canvas<'_>) {
    let widest = picks.iter().map(|pick| width(&pick.word)).max().unwrap_or(0);
    let most = picks.iter().map(|pick| width(&count(pick.count))).max().unwrap_or(0);
    for (row, at) in window(body, rows.top, rows.all.len()) {
        let Some(pick) = rows.all.get(at).and_then(|at| picks.get(*at)) else { continue };
        let (mark, role) = if pick.on { ("[✓]", Role::Strong) } else { ("[ ]", Role::Text) };
        let mut pen = canvas.pen(body, row);
        pen.gap(1).put(mark, role).gap(1).left(widest, &pick.word, role).gap(2);
        pen.right(most, &count(pick.count), role).gap(1).left(
            5,
            if pick.count == 1 { "cell" } else { "cells" },
            Role::Dim,
        );
        let room = usize::from(body.width).saturating_sub(widest + most + 16);
        pen.gap(2).put(&words(&pick.meaning, room), if pick.on { Role::Text } else { Role::Dim });
        cursor(canvas, body, row, at == rows.at, true);
    }
}

/// Draws the changes.
pub(super) fn changes(model: &Model, changes: &Changes, body: Rect, canvas: &mut Canvas<'_>) {
    super::changes::draw(model, changes, body, canvas);
}
