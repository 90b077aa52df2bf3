//! Overview while both sides are read: how far each is, what is waited for, what is wrong with the mapping.

use std::time::Duration;

use ratatui::layout::Rect;

use crate::{
    domain::text::inert,
    job::report::{Bar, Reading},
    tui::{
        model::Model,
        parts::{Canvas, Pen, count, percent, plural, share, wrap},
        table::Sheet,
        theme::Role,
    },
};

/// Columns of a bar of progress.
const BAR: usize = 14;
/// The same where panes are stacked.
const NARROW_BAR: usize = 4;
/// Problems of the mapping that are listed.
const PROBLEMS: usize = 6;

/// What becomes of a reading that does not end: it is whole or it is not there (see `job::fetch`).
const UNFINISHED: &str = "Nothing has been written. Nothing is kept of a reading that was stopped; it begins anew.";

/// Draws progress.
pub(super) fn draw(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let Some(reading) = &model.reading else { return };
    let mut sheet = Sheet::default();
    sheet.heading("Reading");
    for (name, bar) in
        [("CommCare cases", &reading.cases), ("DHIS2 reports", &reading.reports), ("Names", &reading.names)]
    {
        let columns = if area.width < 80 { NARROW_BAR } else { BAR };
        sheet.line(move |pen| progress(pen, name, bar, columns));
    }
    waits(&mut sheet, reading, area.width.into());
    mapping(&mut sheet, reading, area.width.into());
    sheet.space();
    for line in wrap(UNFINISHED, usize::from(area.width.saturating_sub(2))) {
        sheet.line(move |pen| _ = pen.gap(1).put(&line, Role::Text));
    }
    sheet.draw(canvas, area);
}

/// `CommCare cases      1,106 of 1,106  ██████████████  100%  done in 0:06`
fn progress(pen: &mut Pen<'_>, name: &str, bar: &Bar, columns: usize) {
    pen.gap(3).left(15, name, Role::Text);
    let Some(total) = bar.total else {
        let (so_far, role) = match bar.done {
            0 => ("waiting".to_owned(), Role::Dim),
            done => (format!("{} so far", count(done)), Role::Text),
        };
        pen.right(16, &so_far, role);
        return;
    };
    pen.right(16, &format!("{} of {}", count(bar.done), count(total)), Role::Text).gap(2);
    let full = if total == 0 { 1.0 } else { share(bar.done, total) };
    pen.bar(columns, full).gap(1);
    let done = if total == 0 { 100 } else { percent(bar.done, total) };
    pen.right(4, &format!("{done}%"), Role::Text).gap(2);
    let time = if bar.ended {
        Some(format!("done in {}", clock(bar.elapsed)))
    } else {
        left(bar).map(|left| format!("{} left", clock(left)))
    };
    pen.put(&time.unwrap_or_default(), Role::Dim);
}

/// Time left at the rate so far; `None` before anything is done.
pub(super) fn left(bar: &Bar) -> Option<Duration> {
    let (done, total) = (u32::try_from(bar.done).ok()?, u32::try_from(bar.total?).ok()?);
    let each = bar.elapsed.checked_div(done)?;
    each.checked_mul(total.saturating_sub(done))
}

/// `0:06`, `12:30`, `1:02:03`.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn waits<'a>(sheet: &mut Sheet<'a>, reading: &'a Reading, width: usize) {
    let Some(newest) = reading.waits.last() else { return };
    sheet.space();
    let number = count(reading.waits.len());
    let text = inert(newest).into_owned();
    for (at, line) in wrap(&text, width.saturating_sub(20)).into_iter().enumerate() {
        let number = number.clone();
        sheet.line(move |pen| {
            if at == 0 {
                pen.gap(3).left(6, "Waits", Role::Text).right(6, &number, Role::Review);
            }
            pen.to(18).put(&line, Role::Text);
        });
    }
}

fn mapping<'a>(sheet: &mut Sheet<'a>, reading: &'a Reading, width: usize) {
    if reading.mapping.is_empty() && reading.mapping_problems.is_empty() {
        return;
    }
    sheet.space();
    sheet.line(|pen| _ = pen.gap(1).put("Mapping", Role::Strong).gap(2).put(&reading.mapping, Role::Text));
    for problem in reading.mapping_problems.iter().take(PROBLEMS) {
        for line in wrap(&inert(problem), width.saturating_sub(5)) {
            sheet.line(move |pen| _ = pen.gap(3).put(&line, Role::Review));
        }
    }
    if reading.mapping_problems.len() > PROBLEMS {
        let more = reading.mapping_problems.len() - PROBLEMS;
        sheet.line(move |pen| _ = pen.gap(3).put(&format!("… {} more", count(more)), Role::Dim));
    }
}

/// Draws why there is no review.
pub(super) fn none(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let mut sheet = Sheet::default();
    let width = usize::from(area.width.saturating_sub(2));
    if model.reading.is_some() {
        sheet.heading("Both sides are being read; tab 1 shows how far.");
    } else {
        sheet.heading("Nothing to review yet");
        let why = model.failed.as_deref().unwrap_or("Reading has not started.");
        for line in why.lines().flat_map(|line| wrap(&inert(line), width)) {
            sheet.line(move |pen| _ = pen.gap(1).put(&line, Role::Text));
        }
    }
    sheet.space();
    let waits = model.reading.as_ref().map_or(0, |reading| reading.waits.len());
    if waits > 0 {
        let waits = plural(waits, "wait", "waits");
        sheet.line(move |pen| _ = pen.gap(1).put(&waits, Role::Dim));
    }
    sheet.line(|pen| _ = pen.gap(1).put("Nothing has been written.", Role::Text));
    sheet.draw(canvas, area);
}
