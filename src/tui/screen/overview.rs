//! Overview of a review: how far it is, what is odd about the run, what is left to decide. Every line under the cursor is
//! a door; the unchanged are counts, never rows.

use jiff::Timestamp;

use super::{checks, facilities::flag_role, whole};
use crate::{
    domain::{
        ledger::Tally,
        plan::State,
        text::{fit_middle, inert, width},
    },
    tui::{
        layout::{Layout, Shape},
        model::{Door, Model, Review},
        parts::{Canvas, Pen, count, count_or_dash, percent, piece, plural, share, words},
        table::Sheet,
        theme::Role,
    },
};

/// Columns of counts on wide windows, and on narrow ones.
const COUNTS: (u16, u16) = (84, 66);

/// The second line: which project, from where, which quarter, when read, which file.
pub(super) fn place(model: &Model, pen: &mut Pen<'_>) {
    let run = &model.run;
    // Whether this is production is the last thing to go: names give way to it, then the quarter.
    let label = if run.label.is_empty() { 0 } else { width(&inert(&run.label)) + 3 };
    let room = pen.room().saturating_sub(label + 1);
    pen.put(&fit_middle(&inert(&run.project), room / 2), Role::Strong);
    let after = width("  <-  ") + width("   quarter ") + width(&run.quarter);
    let room = pen.room().saturating_sub(label + after + 1);
    pen.put("  <-  ", Role::Dim).put(&fit_middle(&inert(&run.dhis2), room), Role::Text);
    if pen.room() >= label + 18 {
        pen.gap(3).put("quarter ", Role::Dim).put(&run.quarter, Role::Text);
    }
    if label > 0 {
        pen.gap(3).put(&run.label, Role::Strong);
    }
    if let Some(review) = model.review.as_ref().filter(|_| pen.room() > 60) {
        pen.gap(3).put(&read_when(&review.plan.head.read_at, &model.now.at), Role::Dim);
    }
    if !run.file.is_empty() {
        let saved = match &model.review {
            Some(review) if review.is_saving() => ", saving",
            Some(_) if pen.room() > 40 => ", saved",
            _ => "",
        };
        let file = inert(&run.file);
        let said = if pen.room() > width(&file) + 8 { "file " } else { "" };
        let room = pen.room().saturating_sub(2 + width(said) + saved.len());
        if room >= 8 {
            pen.close(&[piece(said, Role::Dim), piece(fit_middle(&file, room), Role::Text), piece(saved, Role::Dim)]);
        }
    }
}

/// `read 2 h ago`; the time itself where it cannot be compared.
fn read_when(at: &str, now: &str) -> String {
    format!("read {}", ago(at, now))
}

/// `2 h ago`; the time itself where it cannot be compared.
pub(super) fn ago(at: &str, now: &str) -> String {
    let (Ok(then), Ok(now)) = (at.parse::<Timestamp>(), now.parse::<Timestamp>()) else {
        return inert(at).into_owned();
    };
    let minutes = now.as_second().saturating_sub(then.as_second()) / 60;
    match minutes {
        ..1 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..2880 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}

/// Draws the body.
pub(super) fn draw(model: &Model, review: &Review, layout: &Layout, canvas: &mut Canvas<'_>) {
    sheet(model, review, layout).draw(canvas, layout.body);
}

/// Which door stands in this line of the window, as a place among the doors.
pub(in crate::tui) fn row_at(model: &Model, review: &Review, layout: &Layout, line: u16) -> Option<usize> {
    let sheet = sheet(model, review, layout);
    sheet.row_at(layout.body, line).filter(|row| *row < review.doors.all.len())
}

/// The body as lines: one the cursor can stand on for each door, in the order of the doors.
fn sheet<'a>(model: &Model, review: &'a Review, layout: &Layout) -> Sheet<'a> {
    let mut sheet = Sheet::default();
    let wide = layout.body.width >= 120;
    let at = review.doors.current();
    let all = review.ledger.all();
    sheet.line(move |pen| decided(pen, all));
    if review.ledger.sent() > 0 && !model.submit.is_sending() {
        let (sent, unsent) = (review.ledger.sent(), review.ledger.unsent());
        sheet.line(move |pen| {
            pen.gap(1).put("Sent    ", Role::Strong).put(&count(sent), Role::Text);
            if unsent > 0 {
                pen.gap(3).put(&format!("approved, not sent: {}", count(unsent)), Role::Review);
            }
        });
    }
    checks::draw(&mut sheet, model, review, layout.body.width.into());
    sheet.heading("Left to decide");
    let plain = if review.plan.head.without_history {
        "nothing looks odd; earlier quarters were not read"
    } else {
        "new value differs, nothing looks odd"
    };
    let to = if wide { COUNTS.0 } else { COUNTS.1 }.min(layout.body.width.saturating_sub(2));
    for (door, sign, role, name, text, number) in [
        (Door::Stop, "!!", Role::Stop, "STOP", "one by one, with a reason", all.stop),
        (Door::Review, "!", Role::Review, "REVIEW", "by cell, facility or column", all.review),
        (Door::Plain, "", Role::Text, "no flag", plain, all.plain()),
    ] {
        sheet.row(at == Some(door), move |pen| {
            let number = count(number);
            pen.gap(3).left(4, sign, role).left(10, name, role);
            let room = usize::from(to.saturating_sub(pen.at())).saturating_sub(width(&number) + 1);
            pen.put(&words(text, room), Role::Dim);
            right_at(pen, to, &number);
        });
    }
    without(&mut sheet, review, at, to);
    properties(&mut sheet, review, at, layout);
    if model.submit.is_sending() {
        sheet.space();
        sheet.line(|pen| _ = pen.gap(1).put("Forms are being sent; tab 4 shows them.", Role::Review));
    }
    let all = usize::from(review.plan.width());
    sheet.say_below(move |lines| {
        let what = if lines > all { plural(lines, "line", "lines") } else { plural(lines, "property", "properties") };
        format!("… {what} below")
    });
    sheet
}

/// A count that ends at a column of the row.
fn right_at(pen: &mut Pen<'_>, column: u16, text: &str) {
    let width = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let to = column.saturating_sub(width).max(pen.at() + 1);
    pen.to(to).put(text, Role::Text);
}

/// ` Decided 4,120 of 5,912 changes   ████████░░░░  70%   ✓ 3,980   ✗ 140   left 1,792`
fn decided(pen: &mut Pen<'_>, all: Tally) {
    let (done, total) = (all.decided(), all.changes);
    let (done, total) = (usize::try_from(done).unwrap_or(0), usize::try_from(total).unwrap_or(0));
    pen.gap(1).put("Decided ", Role::Strong);
    pen.put(&format!("{} of {}", count(done), plural(total, "change", "changes")), Role::Text).gap(2);
    let parts = tally_pieces(all);
    let wide: usize = parts.iter().map(|(text, _)| width(text)).sum();
    let bar = pen.room().saturating_sub(wide + 10).min(40);
    if bar >= 4 {
        pen.bar(bar, share(done, total)).gap(1);
    }
    pen.right(4, &format!("{}%", percent(done, total)), Role::Text);
    pen.close(&parts);
}

/// `✓ 3,980  ✗ 140  left 1,792`; with approved zeros `✓ 3,980  [0] 12  ✗ 140  left 1,792`
pub(super) fn tally_pieces(tally: Tally) -> Vec<crate::tui::parts::Piece<'static>> {
    let zeros = if tally.zeros > 0 { format!("  [0] {}", count(tally.zeros)) } else { String::new() };
    vec![
        piece("✓ ", Role::Approved),
        piece(count(tally.approved), Role::Text),
        piece(zeros, Role::Approved),
        piece("  ✗ ", Role::Rejected),
        piece(count(tally.rejected), Role::Text),
        piece("  left ", Role::Dim),
        piece(count(tally.left()), Role::Strong),
    ]
}

/// Cells for which the case keeps what it has.
fn without<'a>(sheet: &mut Sheet<'a>, review: &'a Review, at: Option<Door>, to: u16) {
    sheet.heading("No value to write, the case keeps what it has");
    let same = review.counts.same;
    sheet.line(move |pen| {
        pen.gap(7).put("same value", Role::Dim);
        right_at(pen, to, &count(same));
    });
    for (state, number) in State::ALL.into_iter().zip(review.counts.states) {
        if state.proposes() || number == 0 {
            continue;
        }
        let door = Door::State(state);
        let is_door = review.doors.all.contains(&door);
        let more = if state == State::ZeroNotStored { chosen(review.ledger.all()) } else { String::new() };
        let draw = move |pen: &mut Pen<'_>| {
            pen.gap(7).put(state.words(), if is_door { Role::Text } else { Role::Dim });
            let room = usize::from(to.saturating_sub(pen.at())).saturating_sub(width(&count(number)) + 1);
            pen.put(&words(&more, room), Role::Dim);
            right_at(pen, to, &count(number));
        };
        if is_door {
            sheet.row(at == Some(door), draw);
        } else {
            sheet.line(draw);
        }
    }
}

/// What there is to choose for cells that read `(0?)`, or what was chosen.
fn chosen(all: Tally) -> String {
    match (all.zeros, all.kept) {
        (0, 0) => "  choose 0 or keep, on its own or per property".to_owned(),
        (zeros, kept) => format!("  0 for {}, kept {}, open {}", count(zeros), count(kept), count(all.maybe_left())),
    }
}

/// One line per property, a door to its column.
fn properties<'a>(sheet: &mut Sheet<'a>, review: &'a Review, at: Option<Door>, layout: &Layout) {
    let columns: &[&str] = if layout.shape == Shape::Stacked { &["changes", "left", "!!", "!"] } else { &HEADINGS };
    let (shift, sign) = whole::of_table(review, layout.shape, layout.body.width);
    let least = match layout.body.width {
        ..120 => 6,
        // The column behind takes the room.
        _ if shift > 0 => 7,
        _ => 9,
    };
    let wide = move |heading: &str| (width(heading) + 2).max(least);
    let taken = 4 + shift + sign + columns.iter().map(|h| wide(h)).sum::<usize>();
    let name = usize::from(layout.body.width).saturating_sub(taken).min(60);
    let start = review.names.start.clone();
    sheet.space();
    sheet.line(move |pen| {
        pen.gap(1).left(name + 2, &format!("Property   {start}…"), Role::Strong);
        for heading in columns {
            pen.right(wide(heading), heading, Role::Heading);
        }
        if shift > 0 {
            pen.right(shift, "now against before", Role::Heading);
        }
    });
    let short = super::facilities::short_names(review, name);
    for door in &review.doors.all {
        let Door::Property(property) = *door else { continue };
        let title = short.get(usize::from(property)).cloned().unwrap_or_default();
        sheet.row(at == Some(*door), move |pen| {
            let tally = review.ledger.property(property);
            let with = review.counts.with_value.get(usize::from(property)).copied().unwrap_or(0);
            pen.gap(3).left(name, &title, Role::Text);
            for heading in columns {
                let (text, role) = figure(heading, tally, with);
                pen.right(wide(heading), &text, role);
            }
            if shift > 0 {
                pen.right(shift, &whole::shift(review, property).unwrap_or_default(), Role::Text);
            }
            if let Some(worst) = whole::worst(review, property).filter(|_| sign > 0) {
                pen.gap(1).put(worst.sign(), flag_role(worst));
            }
        });
    }
}

/// Headings of the numbers of a property.
const HEADINGS: [&str; 7] = ["with value", "changes", "✓", "✗", "left", "!!", "!"];

/// The number under a heading.
fn figure(heading: &str, tally: Tally, with: usize) -> (String, Role) {
    match heading {
        "with value" => (count(with), Role::Dim),
        "changes" => (count_or_dash(tally.changes), Role::Text),
        "✓" => (count_or_dash(tally.approved), Role::Approved),
        "✗" => (count_or_dash(tally.rejected), Role::Rejected),
        "left" => (count_or_dash(tally.left()), Role::Strong),
        "!!" => (count_or_dash(tally.stop), Role::Stop),
        _ => (count_or_dash(tally.review), Role::Review),
    }
}
