//! Overview while both sides are read: how far each is, what is waited for, what is wrong with the mapping.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::{
    domain::text::inert,
    job::report::{Bar, History, Reading, Waiting},
    tui::{
        model::Model,
        parts::{Canvas, Pen, count, percent, plural, share, words, wrap},
        table::Sheet,
        theme::Role,
    },
};

/// Columns of a name and of a bar.
const WIDE: (usize, usize) = (17, 14);
/// The same where panes are stacked.
const NARROW: (usize, usize) = (15, 4);
/// From this width on the rate of every bar is shown.
const RATES: u16 = 100;
/// Problems of the mapping that are listed.
const PROBLEMS: usize = 6;

/// What becomes of a reading that does not end.
const UNFINISHED: &str =
    "Nothing has been written. Esc or ctrl-c stop: what came is kept, and the same command goes on from there.";

/// The same where a review is read again.
const AGAIN: &str = "The review stays as it was read before until both sides are read; decisions wait. Esc or ctrl-c stop; nothing of \
                     it is kept then.";

/// When and in how much room a line is drawn.
#[derive(Clone, Copy)]
struct Here {
    now: Timestamp,
    /// Columns of a name and of a bar.
    columns: (usize, usize),
    rates: bool,
}

/// Draws progress.
pub(super) fn draw(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let Some(reading) = &model.reading else { return };
    let columns = if area.width < 80 { NARROW } else { WIDE };
    let here = Here { now: time(model).unwrap_or_default(), columns, rates: area.width >= RATES };
    let mut sheet = Sheet::default();
    sheet.heading(if model.is_read_again() { "Reading again" } else { "Reading" });
    sheet.line(move |pen| progress(pen, "CommCare cases", reading, &reading.cases, here));
    sheet.line(move |pen| progress(pen, "DHIS2 reports", reading, &reading.reports, here));
    sheet.line(move |pen| history(pen, reading, here));
    sheet.line(move |pen| progress(pen, "Names", reading, &reading.names, here));
    requests(&mut sheet, reading, here.now, area.width.into());
    // Where not all fits, what becomes of a stopped reading stands before what is known of the mapping anyway.
    if columns == NARROW {
        unfinished(model, &mut sheet, area);
    }
    mapping(&mut sheet, reading, area.width.into());
    if columns == WIDE {
        unfinished(model, &mut sheet, area);
    }
    sheet.draw(canvas, area);
}

fn unfinished(model: &Model, sheet: &mut Sheet<'_>, area: Rect) {
    sheet.space();
    let words = if model.is_read_again() { AGAIN } else { UNFINISHED };
    for line in wrap(words, usize::from(area.width.saturating_sub(2))) {
        sheet.line(move |pen| _ = pen.gap(1).put(&line, Role::Text));
    }
}

/// The time of the last message.
pub(super) fn time(model: &Model) -> Option<Timestamp> {
    model.now.at.parse().ok()
}

/// `CommCare cases      1,106 of 1,106  ██████████████  100%  done in 0:06`
fn progress(pen: &mut Pen<'_>, name: &str, reading: &Reading, bar: &Bar, here: Here) {
    let time = going(reading, bar, here);
    filled(pen, name, bar, time.as_deref().unwrap_or_default(), here);
}

/// A bar with these words behind it.
fn filled(pen: &mut Pen<'_>, name: &str, bar: &Bar, words: &str, here: Here) {
    pen.gap(3).left(here.columns.0, name, Role::Text);
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
    pen.bar(here.columns.1, full).gap(1);
    let done = if total == 0 { 100 } else { percent(bar.done, total) };
    pen.right(5, &format!("{done}%"), Role::Text).gap(2).put(words, Role::Dim);
}

/// `0:01 left`, `done in 0:06`, `nothing for 0:45`; nothing before there is a rate.
fn going(reading: &Reading, bar: &Bar, here: Here) -> Option<String> {
    if bar.ended {
        return Some(format!("done in {}", clock(bar.elapsed)));
    }
    if let Some(left) = reading.left(bar, here.now) {
        let rate = bar.pace.rate(here.now).filter(|_| here.rates);
        return Some(
            format!("{} left", clock(left)) + &rate.map(|rate| format!("  {rate} a second")).unwrap_or_default(),
        );
    }
    let silence = clock(bar.pace.silent(here.now)?);
    Some(if here.columns == NARROW { format!("silent {silence}") } else { format!("nothing for {silence}") })
}

/// `8 quarters before          waiting  for the comparison with the usual`
fn history(pen: &mut Pen<'_>, reading: &Reading, here: Here) {
    let History { quarters, bar, cached } = &reading.history;
    let narrow = here.columns == NARROW;
    if *quarters == 0 {
        let name = if narrow { "Earlier" } else { "Quarters before" };
        pen.gap(3).left(here.columns.0, name, Role::Text).right(16, "not asked", Role::Dim);
        return;
    }
    let words = match (going(reading, bar, here), *cached) {
        (words, 0) => words.unwrap_or_default(),
        (_, cached) if bar.ended && cached >= bar.done => "from cache".to_owned(),
        (words, cached) => words.unwrap_or_default() + &format!("  {} from cache", count(cached)),
    };
    filled(pen, &format!("{quarters} quarters{}", if narrow { "" } else { " before" }), bar, &words, here);
    let hint = "  for the comparison with the usual";
    if bar.total.is_none() && bar.done == 0 && pen.room() >= hint.len() {
        pen.put(hint, Role::Dim);
    }
}

/// `0:06`, `12:30`, `1:02:03`.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// What is waited for, for which server and why, and how many requests are under way.
fn requests(sheet: &mut Sheet<'_>, reading: &Reading, now: Timestamp, width: usize) {
    let (waited, together) = (&reading.waited, reading.together(now));
    if waited.number() > 0 || together.is_some() {
        sheet.space();
    }
    let room = width.saturating_sub(20);
    let mut lines: Vec<_> = wrap(&waited.words(now), room).into_iter().map(|line| (line, Role::Text)).collect();
    if let Some(Waiting { side, detail, .. }) = waited.next(now).filter(|waiting| !waiting.detail.is_empty()) {
        lines.push((words(&inert(&format!("{side}: {detail}")), room).into_owned(), Role::Dim));
    }
    let mut number = Some(count(waited.number()));
    for (line, role) in lines {
        let number = number.take();
        sheet.line(move |pen| {
            if let Some(number) = &number {
                pen.gap(3).left(7, "Waits", Role::Text).right(6, number, Role::Review);
            }
            pen.to(19).put(&line, role);
        });
    }
    if let Some(together) = together {
        sheet.line(move |pen| _ = pen.gap(3).left(12, "Together", Role::Text).put(&together, Role::Text));
    }
}

fn mapping<'a>(sheet: &mut Sheet<'a>, reading: &'a Reading, width: usize) {
    if reading.mapping.is_empty() && reading.mapping_problems.is_empty() {
        return;
    }
    sheet.space();
    let says = |problem: &String| problem.to_lowercase().contains("tab 5");
    let unsaid = !reading.mapping_problems.is_empty() && !reading.mapping_problems.iter().any(says);
    sheet.line(move |pen| {
        pen.gap(1).put("Mapping", Role::Strong).gap(2).put(&reading.mapping, Role::Text);
        let hint = "tab 5 looks them up";
        if unsaid && pen.room() > hint.len() + 3 {
            pen.gap(3).put(hint, Role::Dim);
        }
    });
    for problem in reading.mapping_problems.iter().take(PROBLEMS) {
        for line in wrap(&inert(problem), width.saturating_sub(5)) {
            sheet.line(move |pen| _ = pen.gap(3).put(&line, Role::Review));
        }
    }
    if reading.mapping_problems.len() > PROBLEMS {
        let more = reading.mapping_problems.len() - PROBLEMS;
        sheet.line(move |pen| _ = pen.gap(3).put(&format!("… {} more on tab 5", count(more)), Role::Dim));
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
    let waits = model.reading.as_ref().map_or(0, |reading| reading.waited.number());
    if waits > 0 {
        let waits = plural(waits, "wait", "waits");
        sheet.line(move |pen| _ = pen.gap(1).put(&waits, Role::Dim));
    }
    sheet.line(|pen| _ = pen.gap(1).put("Nothing has been written.", Role::Text));
    sheet.draw(canvas, area);
}
