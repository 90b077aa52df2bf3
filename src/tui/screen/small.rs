//! The window is too small: the size that is needed, and the way out. Decisions are safe meanwhile.

use ratatui::layout::Rect;

use crate::tui::{
    layout::SMALLEST,
    parts::{Canvas, wrap},
    theme::Role,
};

/// Draws the message.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect) {
    let (width, height) = SMALLEST;
    let text = format!(
        "This window is {} x {}. The review needs {width} x {height}. Every decision is saved. q leaves.",
        area.width, area.height
    );
    for (row, line) in (0..area.height).zip(wrap(&text, area.width.into())) {
        canvas.pen(area, row).put(&line, Role::Text);
    }
}
