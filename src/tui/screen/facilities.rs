//! Facilities: the list by weight, the properties of the one under the cursor, what is behind the cell under the cursor.
//! Only rows on screen are looked at.

use std::{borrow::Cow, ops::Range};

use ratatui::layout::Rect;

use super::{Focus, detail, wide};
use crate::{
    domain::{
        flags::Severity,
        plan::{Cell, State},
        text::{fit, inert, shorten, width},
    },
    tui::{
        layout::{Layout, Shape},
        model::{Hidden, Model, Review, Rows},
        parts::{Canvas, Pen, Piece, count, count_or_dash, percent, piece, plural, share, words},
        table::{Grid, Shown, WIDE_PANE, cursor, lead, mark, summary_mark, window},
        theme::Role,
    },
};

/// Columns of a bar of progress in the second line.
const BAR: usize = 30;

/// Columns of the sign of a flag with the free ones before and behind it.
const SIGN: usize = 5;
/// Fewest and most columns of the notes.
const NOTE: (usize, usize) = (14, 24);

/// The second line: what is shown, of how many, and how far the review is.
pub(super) fn place(review: &Review, pen: &mut Pen<'_>) {
    let shown = count(review.list.all.len());
    let all = count(review.plan.height());
    pen.put("Shown: ", Role::Dim);
    let what = match (review.filter.is_empty(), review.unchanged) {
        (false, _) => review.filter.text(),
        (true, true) => "all",
        (true, false) => "with a change",
    };
    pen.left(21.min(pen.room() / 3), what, Role::Strong);
    let facilities = if review.plan.height() == 1 { "facility" } else { "facilities" };
    pen.put(&format!("{shown} of {all} {facilities}"), Role::Text);
    let tally = review.ledger.all();
    let (done, total) = (number(tally.decided()), number(tally.changes));
    let sort = format!("sort: {}", review.sort.name());
    if pen.room() < 60 {
        pen.close(&[piece(sort, Role::Dim)]);
        return;
    }
    pen.gap(6).put(&sort, Role::Dim);
    let far = format!("decided {}/{}  ", count(done), count(total));
    let share_text = format!("{}%", percent(done, total));
    if pen.room() < 100 {
        pen.close(&[piece(far, Role::Text), piece(share_text, Role::Strong)]);
        return;
    }
    let mut tail = vec![piece(share_text, Role::Strong), piece("   ", Role::Text)];
    tail.extend(super::overview::tally_pieces(tally));
    let wide: usize = tail.iter().map(|(text, _)| width(text)).sum();
    let gap = pen.room().saturating_sub(width(&far) + BAR + 2 + wide + 1);
    pen.gap(crate::tui::parts::columns(gap)).put(&far, Role::Text).bar(BAR, share(done, total));
    pen.close(&tail);
}

fn number(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// Counts beside the tab where there is no second line.
pub(super) fn short_place(review: &Review) -> Vec<Piece<'static>> {
    vec![
        piece(format!("{} of {}", count(review.list.all.len()), count(review.plan.height())), Role::Text),
        piece("   left ", Role::Dim),
        piece(count(review.ledger.all().left()), Role::Strong),
    ]
}

/// Draws the body.
pub(super) fn draw(model: &Model, review: &Review, layout: &Layout, canvas: &mut Canvas<'_>) {
    // A pane that was widened leaves the others none.
    let (listed, alone) = (layout.list.width > 0, layout.cells.width == 0);
    if alone && layout.shape != Shape::Stacked {
        return wide::list(model, review, layout, canvas);
    }
    if listed {
        list(model, review, layout, canvas);
    }
    if alone {
        return;
    }
    if layout.shape == Shape::Stacked && listed {
        canvas.rule(layout.list.bottom());
    } else if listed {
        canvas.bar(layout.list.right(), layout.body);
    }
    if layout.shape == Shape::Three {
        canvas.bar(layout.cells.right(), layout.body);
    }
    let Some(facility) = review.list.current() else { return };
    title(review, facility, layout, canvas);
    let used = cells(model, review, layout, canvas);
    if let Some(cell) = model.detail_cell() {
        detail::draw(model, review, cell, below(layout, used), canvas);
    }
}

/// Where the detail goes: right under the rows that are shown, with a free row between.
fn below(layout: &Layout, used: u16) -> Rect {
    if layout.shape != Shape::Two {
        return layout.detail;
    }
    let top = layout.cells.y + layout.cells_head + used + 1;
    // Where there is room for it, a free row stands above the detail even when every row is used.
    let free = u16::from(layout.body.width >= 120);
    let top = top.min(layout.detail.y + free);
    Rect { y: top, height: layout.detail.bottom().saturating_sub(top), ..layout.detail }
}

/// The part of a pane below its headings.
pub(in crate::tui) fn rows_of(pane: Rect, head: u16) -> Rect {
    Rect { y: pane.y + head, height: pane.height.saturating_sub(head), ..pane }
}

/// Columns of the three counts of the list, and of the free ones behind them.
fn list_numbers(layout: &Layout) -> (usize, usize, usize) {
    if layout.list.width < 40 { (4, 3, 1) } else { (4, 4, 2) }
}

fn list(model: &Model, review: &Review, layout: &Layout, canvas: &mut Canvas<'_>) {
    let pane = layout.list;
    let stacked = layout.shape == Shape::Stacked;
    let (left, flag, free) = list_numbers(layout);
    let name = usize::from(pane.width).saturating_sub(5 + left + 2 * flag + free);
    if layout.list_head > 0 {
        let mut pen = canvas.pen(pane, layout.list_head - 1);
        pen.gap(5).left(name, "facility", Role::Heading).right(left, "left", Role::Heading);
        pen.right(flag, "!!", Role::Heading).right(flag, "!", Role::Heading);
    }
    let rows = rows_of(pane, layout.list_head);
    if review.list.all.is_empty() {
        let text = if review.filter.is_empty() { "nothing changes" } else { "no facility matches; esc clears" };
        canvas.pen(rows, 0).gap(1).put(text, Role::Dim);
    }
    let range = in_range(model, &review.list, model.focus == Focus::List);
    for (row, at) in window(rows, review.list.top, review.list.all.len()) {
        let facility = review.list.all[at];
        let tally = review.ledger.facility(facility);
        let (sign, role) = summary_mark(tally);
        let mut pen = canvas.pen(rows, row);
        pen.gap(1).put(sign, role).gap(1);
        let plain = if tally.changes == 0 || tally.left() == 0 { Role::Dim } else { Role::Text };
        let (stop, review_left) = (flagged(tally.stop), flagged(tally.review));
        let undecided = if tally.changes == 0 { String::new() } else { count_or_dash(tally.left()) };
        if stacked {
            let name = pen.room().saturating_sub(22);
            pen.name(name, &review.plan.facility(facility).name, plain).right(5, &undecided, plain).gap(2);
            pen.right(6, &signed("!!", &stop), Role::Stop).right(6, &signed("!", &review_left), Role::Review);
        } else {
            pen.name(name.saturating_sub(1), &review.plan.facility(facility).name, plain).gap(1);
            pen.right(left, &undecided, plain).right(flag, &stop, Role::Stop).right(flag, &review_left, Role::Review);
        }
        ranged(canvas, rows, row, range.contains(&at));
        cursor(canvas, rows, row, at == review.list.at, model.focus == Focus::List);
    }
}

/// A count of flags; nothing for none.
fn flagged(number: u32) -> String {
    if number == 0 { String::new() } else { count(number) }
}

/// `!!3`; nothing for none.
fn signed(sign: &str, number: &str) -> String {
    if number.is_empty() { String::new() } else { format!("{sign}{number}") }
}

/// ` Kasenga HC         case 7f3a-c21   3 left of 8`
fn title(review: &Review, facility: u32, layout: &Layout, canvas: &mut Canvas<'_>) {
    let facts = review.plan.facility(facility);
    let tally = review.ledger.facility(facility);
    let mut left = format!("{} left of {}", count(tally.left()), count(tally.changes));
    if layout.cells_head < 2 && more(review, layout) {
        left = format!("{}   {left}", seen(review, layout));
    }
    let wide = layout.cells.width >= WIDE_PANE;
    let mut pen = canvas.pen(layout.cells, 0);
    pen.gap(if wide { 2 } else { 1 });
    let ids = if wide {
        format!("case {}   org unit {}", fit(&facts.case_id, 13), facts.external_id)
    } else {
        format!("case {}", fit(&facts.case_id, 9))
    };
    let closed = if facts.closed { "closed  " } else { "" };
    let need = width(&ids) + width(closed) + width(&left) + width(&facts.name).min(20) + 8;
    let ids = if need > pen.room() { String::new() } else { ids };
    let name = pen.room().saturating_sub(width(closed) + width(&left) + width(&ids) + 6);
    let name = name.min(width(&inert(&facts.name)).max(16));
    pen.name(name, &facts.name, Role::Strong).gap(3).put(&ids, Role::Dim);
    pen.close(&[piece(closed, Role::Stop), piece(left, Role::Text)]);
}

/// Whether the facility has more rows than are seen at once.
fn more(review: &Review, layout: &Layout) -> bool {
    review.cells.all.len() > layout.cell_rows()
}

/// `1-10 of 14`: which rows are seen.
fn seen(review: &Review, layout: &Layout) -> String {
    let all = review.cells.all.len();
    let last = (review.cells.top + layout.cell_rows()).min(all);
    format!("{}-{last} of {all}", review.cells.top + 1)
}

/// The properties of the facility under the cursor; answers how many rows were used.
fn cells(model: &Model, review: &Review, layout: &Layout, canvas: &mut Canvas<'_>) -> u16 {
    let (pane, head) = (layout.cells, layout.cells_head);
    let wide = pane.width >= WIDE_PANE;
    let shown: Vec<(usize, Cell, Shown)> = review
        .cells
        .window(layout.cell_rows())
        .map(|(at, cell)| (at, cell, Shown::of(&review.plan, &review.ledger, cell)))
        .collect();
    let lead = lead(pane.width);
    let grid = Grid::properties(pane.width, review.widths, review.counts.usual);
    let short = short_names(review, grid.name);
    if head > 1 {
        let mut pen = canvas.pen(pane, head - 1);
        pen.gap(lead);
        let mut heading = format!("{}…", review.names.start);
        if more(review, layout) {
            let seen = seen(review, layout);
            heading = if width(&heading) + width(&seen) + 2 > grid.name { seen } else { format!("{heading}  {seen}") };
        }
        grid.heading(&mut pen, &heading);
        pen.gap(if wide { 2 } else { 1 });
        pen.put(if pen.room() < 4 { "fl" } else { "flag" }, Role::Heading);
    }
    let rows = rows_of(pane, head);
    let (rows_but_notes, notes) = note_column(review, layout.shape, rows, usize::from(lead) + grid.total());
    if head > 1 && notes.width > 0 {
        canvas.pen(Rect { y: pane.y + head - 1, height: 1, ..notes }, 0).put("note", Role::Heading);
    }
    let range = in_range(model, &review.cells, model.focus == Focus::Cells);
    let mut used = 0;
    for (row, (at, cell, shown)) in (0..rows.height).zip(&shown) {
        let (sign, role) = mark(&review.plan, &review.ledger, *cell);
        let mut pen = canvas.pen(rows_but_notes, row);
        pen.gap(lead - 4).put(sign, role).put(note_sign(review, *cell), Role::Text);
        let role = if shown.proposes { Role::Text } else { Role::Dim };
        grid.row(&mut pen, shown, |room| name_in(review, *cell, &short, grid.name, room), role);
        flag(&mut pen, review, *cell, wide);
        note(review, *cell, notes, row, canvas);
        ranged(canvas, rows, row, range.contains(at));
        cursor(canvas, rows, row, *at == review.cells.at, model.focus == Focus::Cells);
        used = row + 1;
    }
    if review.cells.all.len() == shown.len() {
        used = hidden(review, rows, used, lead, canvas);
    }
    used
}

/// The rows of a list that are in the range; none where the list has not the keys.
pub(super) fn in_range<T: Copy + PartialEq>(model: &Model, list: &Rows<T>, focused: bool) -> Range<usize> {
    let rows = model.range_rows(list.at, list.all.len()).filter(|_| focused);
    rows.map_or(0..0, |(first, last)| first..last + 1)
}

/// Marks a row that is in the range, by a sign and as the row under the cursor is marked.
pub(super) fn ranged(canvas: &mut Canvas<'_>, area: Rect, row: u16, is: bool) {
    if is {
        canvas.pen(area, row).put("│", Role::Dim);
        canvas.select(area, row);
    }
}

/// The sign behind the mark of a cell with a note.
pub(super) fn note_sign(review: &Review, cell: Cell) -> &'static str {
    if review.ledger.note(cell).is_some() { "*" } else { " " }
}

/// The rows of a pane without and with the column of notes, which stands at their end where there are three panes, some cell has a
/// note, and names, values and signs leave it room; it shares that with the sentences of flags.
fn note_column(review: &Review, shape: Shape, rows: Rect, taken: usize) -> (Rect, Rect) {
    let free = usize::from(rows.width).saturating_sub(taken + SIGN);
    let wanted = shape == Shape::Three && free >= NOTE.0 && review.ledger.notes().next().is_some();
    let width = if wanted { crate::tui::parts::columns((free / 2).clamp(NOTE.0, NOTE.1)) } else { 0 };
    let rest = rows.width - width;
    (Rect { width: rest, ..rows }, Rect { x: rows.x + rest, width, ..rows })
}

/// The beginning of a cell's note in its column.
fn note(review: &Review, cell: Cell, column: Rect, row: u16, canvas: &mut Canvas<'_>) {
    if let Some(note) = review.ledger.note(cell).filter(|_| column.width > 0) {
        let mut pen = canvas.pen(column, row);
        let room = pen.room().saturating_sub(1);
        pen.put(&words(&inert(note), room), Role::Text);
    }
}

/// What stands under the last row: how many cells are not among them, and what shows them.
fn hidden(review: &Review, rows: Rect, used: u16, lead: u16, canvas: &mut Canvas<'_>) -> u16 {
    let changes = match review.hidden.changes {
        0 => None,
        changes => {
            Some(format!("{} not shown  (esc clears the filter)", plural(changes, "more change", "more changes")))
        }
    };
    let room = usize::from(rows.width.saturating_sub(lead));
    let unchanged = (review.hidden.unchanged > 0).then(|| unchanged(&review.hidden, room));
    let mut row = used;
    for text in [changes, unchanged].into_iter().flatten() {
        if row < rows.height {
            canvas.pen(rows, row).gap(lead).put(&text, Role::Dim);
            row += 1;
        }
    }
    row
}

/// `1 not a number, 4 blank, 9 unchanged  (t shows them)`: what needs eyes first, as much as fits before the key.
fn unchanged(hidden: &Hidden, room: usize) -> String {
    let key = "  (t shows them)";
    let without = |state: State| State::ALL.iter().position(|s| *s == state).map_or(0, |at| hidden.without[at]);
    let first = [State::NonNumeric, State::FetchFailed, State::NoAccess];
    let others = State::ALL.into_iter().filter(|state| !first.contains(state));
    let same = hidden.unchanged.saturating_sub(hidden.without.iter().sum());
    let parts: Vec<String> = first
        .into_iter()
        .chain(others)
        .map(|state| (without(state), state.words()))
        .chain([(same, "unchanged")])
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(number)))
        .collect();
    format!("{}{key}", words(&parts.join(", "), room.saturating_sub(width(key))))
}

/// Names of all properties in `columns`; from the model where they were made for that width.
pub(super) fn short_names(review: &Review, columns: usize) -> Cow<'_, [String]> {
    if review.names.columns == columns {
        return Cow::Borrowed(&review.names.short);
    }
    let full: Vec<&str> = review.names.full.iter().map(String::as_str).collect();
    Cow::Owned(shorten(&full, columns))
}

/// The name of a cell's property in `room` columns: as the other rows have it, or shorter beside a wide value.
fn name_in<'n>(review: &'n Review, cell: Cell, short: &'n [String], columns: usize, room: usize) -> Cow<'n, str> {
    let at = usize::from(cell.property);
    let full = review.names.full(cell.property);
    if width(full) <= room {
        Cow::Borrowed(full)
    } else if room >= columns {
        Cow::Borrowed(short.get(at).map_or("", String::as_str))
    } else {
        let full: Vec<&str> = review.names.full.iter().map(String::as_str).collect();
        Cow::Owned(shorten(&full, room).swap_remove(at))
    }
}

/// The sign of the worst flag and, where there is room, the beginning of its sentence.
pub(super) fn flag(pen: &mut Pen<'_>, review: &Review, cell: Cell, wide: bool) {
    let sent = wide && review.ledger.is_sent(cell);
    let Some(flag) = review.plan.flags(cell).first() else {
        if sent && pen.room() >= 6 {
            pen.gap(2).put("sent", Role::Dim);
        }
        return;
    };
    let role = if sent { Role::Dim } else { flag_role(flag.severity) };
    pen.gap(if wide { 2 } else { 1 }).left(2, flag.severity.sign(), role);
    if sent && pen.room() >= 7 {
        pen.gap(1).put("sent", Role::Dim);
    }
    if wide && flag.severity > Severity::Info && pen.room() > 8 {
        let room = pen.room() - 2;
        let said = inert(&flag.sentence);
        pen.gap(1).put(&words(&said, room), role);
    }
}

/// How a severity looks.
pub(super) fn flag_role(severity: Severity) -> Role {
    match severity {
        Severity::Stop => Role::Stop,
        Severity::Review => Role::Review,
        Severity::Info => Role::Dim,
    }
}
