//! Properties: one column across all facilities, where a wrong mapping shows. Only rows on screen are looked at.

use std::borrow::Cow;

use ratatui::layout::Rect;

use super::{
    detail,
    facilities::{flag, in_range, note_sign, ranged, rows_of},
    whole,
};
use crate::{
    domain::text::{fit_middle, inert, width},
    tui::{
        layout::{Layout, MULTIPLES, ROOMY, Shape},
        model::{Model, Multiples, Review, UP_TO},
        parts::{Canvas, Pen, Piece, count, cut, piece, plural, share},
        table::{Grid, Shown, WIDE_PANE, cursor, mark, window},
        theme::Role,
    },
};

/// The second line: which property, and its counts.
pub(super) fn place(review: &Review, pen: &mut Pen<'_>) {
    let tally = review.ledger.property(review.property);
    let counts = counts(review);
    let number = format!("‹ {} of {} ›  ", review.property_number(), review.plan.width());
    pen.put(&number, Role::Dim);
    let changes = plural(usize::try_from(tally.changes).unwrap_or(0), "change", "changes");
    let wide: usize = counts.iter().map(|(text, _)| width(text)).sum();
    let changes = if review.filter.is_empty() { changes } else { shown(review) };
    let room = pen.room().saturating_sub(wide + width(&changes).min(30) + 6);
    let full = review.names.full(review.property);
    let name = super::facilities::short_names(review, room.max(8));
    let short = name.get(usize::from(review.property)).map_or("", String::as_str);
    let name = if width(full) <= room { full } else { short };
    pen.put(name, Role::Strong).gap(3);
    let room = pen.room().saturating_sub(wide + 3);
    pen.put(&cut(&changes, room), Role::Text);
    let sorted = format!("sort: {}", review.sort.name());
    if pen.room() > wide + width(&sorted) + 9 {
        pen.gap(6).put(&sorted, Role::Dim);
    }
    pen.close(&counts);
}

/// That a filter is on, and what it asks for.
fn shown(review: &Review) -> String {
    format!("Shown: {}", inert(review.filter.text()))
}

/// `✓ 402   ✗ 12   left 317   !! 9  ! 61`
fn counts(review: &Review) -> Vec<Piece<'static>> {
    let tally = review.ledger.property(review.property);
    let mut pieces = super::overview::tally_pieces(tally);
    pieces.extend([
        piece("  !! ", Role::Stop),
        piece(count(tally.stop), Role::Text),
        piece("  ! ", Role::Review),
        piece(count(tally.review), Role::Text),
    ]);
    pieces
}

/// Counts beside the tab where there is no second line.
pub(super) fn short_place(review: &Review) -> Vec<Piece<'static>> {
    let left = review.ledger.property(review.property).left();
    vec![
        piece(format!("‹ {} of {} ›", review.property_number(), review.plan.width()), Role::Dim),
        piece("   left ", Role::Dim),
        piece(count(left), Role::Strong),
    ]
}

/// Draws the body.
pub(super) fn draw(model: &Model, review: &Review, layout: &Layout, canvas: &mut Canvas<'_>) {
    let (pane, head) = (layout.list, layout.list_head);
    let grid = Grid::facilities(pane.width, review.column_widths, review.counts.longest_name, review.counts.usual);
    if layout.shape == Shape::Stacked {
        // No second line here, so the name stands over the column.
        let mut pen = canvas.pen(pane, 0);
        let counts = counts(review);
        let wide: usize = counts.iter().map(|(text, _)| width(text)).sum();
        let room = usize::from(pane.width).saturating_sub(wide + 4);
        let short = super::facilities::short_names(review, room.max(8));
        pen.gap(1).put(short.get(usize::from(review.property)).map_or("", String::as_str), Role::Strong);
        pen.close(&counts);
    }
    whole::draw(review, pane, (head, model.size.1), canvas);
    let mut pen = canvas.pen(pane, head.saturating_sub(1));
    pen.gap(5);
    // Where there is no second line, the heading says that not every facility is here.
    let filtered = layout.shape == Shape::Stacked && !review.filter.is_empty();
    grid.heading(&mut pen, &if filtered { Cow::Owned(shown(review)) } else { Cow::Borrowed("facility") });
    let wide = pane.width >= WIDE_PANE;
    pen.gap(if wide { 2 } else { 1 });
    pen.put(if pen.room() < 4 { "fl" } else { "flag" }, Role::Heading);
    let rows = rows_of(pane, head);
    if review.column.all.is_empty() {
        let text = if review.filter.is_empty() { "nothing changes" } else { "no facility matches; esc clears" };
        canvas.pen(rows, 0).gap(1).put(text, Role::Dim);
    }
    let range = in_range(model, &review.column, true);
    let mut used = 0;
    for (row, at) in window(rows, review.column.top, review.column.all.len()) {
        let cell = review.column.all[at];
        let shown = Shown::of(&review.plan, &review.ledger, cell);
        let (sign, role) = mark(&review.plan, &review.ledger, cell);
        let mut pen = canvas.pen(rows, row);
        pen.gap(1).put(sign, role).put(note_sign(review, cell), Role::Text);
        let role = if shown.proposes { Role::Text } else { Role::Dim };
        let name = inert(&review.plan.facility(cell.facility).name);
        grid.row(&mut pen, &shown, |room| fit_middle(&name, room), role);
        flag(&mut pen, review, cell, wide);
        ranged(canvas, rows, row, range.contains(&at));
        cursor(canvas, rows, row, at == review.column.at, true);
        used = row + 1;
    }
    let Some(cell) = review.column.current() else { return };
    let top = (rows.y + used + 1).min(layout.detail.y + u16::from(layout.body.width >= 120));
    let area = Rect { y: top, height: layout.detail.bottom().saturating_sub(top), ..layout.detail };
    if !review.counts.usual || model.wide {
        detail::draw(model, review, cell, area, canvas);
        return;
    }
    let kept = if model.size.1 >= ROOMY { MULTIPLES } else { 0 };
    let above = Rect { height: area.height.saturating_sub(kept), ..area };
    let used = detail::draw(model, review, cell, above, canvas) + 1;
    let under = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
    multiples(&review.multiples, under, canvas);
}

/// Columns of the bar of a class.
const CLASS: usize = 8;

/// `to 0.5  12 ░░░░   to 2  284 ███░   to 3  12 ░░░░   more  9` under its heading, where there is room for both.
fn multiples(counted: &Multiples, area: Rect, canvas: &mut Canvas<'_>) {
    if area.height < MULTIPLES - 1 {
        return;
    }
    let all = counted.all();
    let heading = format!("new as a multiple of usual, of the {} left:", count(all));
    let indent = if area.width >= 120 { 2 } else { 1 };
    canvas.pen(area, 0).gap(indent).put(&heading, Role::Text);
    let ends = UP_TO.iter().map(|end| format!("to {end}")).chain(["more".to_owned()]);
    let said: Vec<(String, usize)> =
        ends.zip(counted.left).map(|(end, number)| (format!("   {end}  {}", count(number)), number)).collect();
    let without = match counted.without {
        0 => String::new(),
        number => format!("   no usual  {}", count(number)),
    };
    let taken: usize = said.iter().map(|(text, _)| width(text) + 1).sum::<usize>() + width(&without);
    let bar = (usize::from(area.width).saturating_sub(taken + 2) / UP_TO.len()).min(CLASS);
    let mut pen = canvas.pen(area, 1);
    pen.gap(indent - 1);
    for (class, (text, number)) in said.iter().enumerate() {
        pen.put(text, Role::Text);
        if class < UP_TO.len() && bar >= CLASS / 2 {
            pen.gap(1).bar(bar, share(*number, all));
        }
    }
    pen.put(&without, Role::Dim);
}
