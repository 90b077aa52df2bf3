//! Submit before anything is sent: what would be written, the checks, the count that has to be typed.

use ratatui::layout::{Position, Rect};

use super::{draw::level_role, facilities, sending};
use crate::{
    domain::{plan::Cell, text::inert},
    job::report::{Check, Held, Level},
    tui::{
        layout::Layout,
        model::{Model, Review, Stage},
        parts::{Canvas, Pen, count, piece, plural, wrap},
        table::{Sheet, Shown},
        theme::Role,
    },
};

/// The second line: where to, and as whom.
pub(super) fn place(model: &Model, pen: &mut Pen<'_>) {
    let run = &model.run;
    pen.put("Submit to CommCare", Role::Text).gap(5).put(&run.project, Role::Strong);
    if !run.label.is_empty() {
        pen.gap(2).put(&run.label, Role::Stop);
    }
    if !run.account.is_empty() {
        pen.gap(6).put("as ", Role::Dim).put(&run.account, Role::Text);
    }
}

/// Draws the body; answers where the caret of the count is.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) -> Option<Position> {
    let body = layout.body;
    let mut sheet = Sheet::default();
    match &model.submit.stage {
        Stage::Ready(check) => return ready(model, check, body, canvas),
        Stage::Sending(sent) | Stage::Ended(sent) => {
            sending::draw(model, sent, body, canvas);
            return None;
        }
        Stage::Idle => sheet.line(|pen| _ = pen.gap(1).put("Nothing is being sent.", Role::Text)),
        Stage::Checking => {
            sheet.line(|pen| _ = pen.gap(1).put("Checking: the cases are read again.", Role::Text));
            sheet.line(|pen| _ = pen.gap(1).put("Nothing is written meanwhile.", Role::Dim));
        }
        Stage::Failed(why) => {
            sheet.heading("Stopped");
            for line in why.lines().flat_map(|line| wrap(&inert(line), usize::from(body.width.saturating_sub(2)))) {
                sheet.line(move |pen| _ = pen.gap(1).put(&line, Role::Text));
            }
        }
    }
    sheet.draw(canvas, body);
    None
}

/// The question.
fn ready(model: &Model, check: &Check, body: Rect, canvas: &mut Canvas<'_>) -> Option<Position> {
    let width = usize::from(body.width);
    let mut sheet = Sheet::default();
    will_write(&mut sheet, model, check, width);
    checks(&mut sheet, check, width);
    held(&mut sheet, model, &check.held, width);
    if let Some(review) = model.review.as_ref().filter(|_| check.changes > 0) {
        let room = usize::from(body.height).saturating_sub(sheet.len() + 4);
        biggest(&mut sheet, review, &model.submit.biggest, room, width);
    }
    let last = Rect { y: body.bottom().saturating_sub(1), height: body.height.min(1), ..body };
    sheet.draw(canvas, Rect { height: body.height.saturating_sub(1), ..body });
    if check.changes == 0 {
        canvas.pen(last, 0).gap(1).put("There is no approved change to write.", Role::Strong);
        return None;
    }
    let mut pen = canvas.pen(last, 0);
    pen.gap(1).put("Type the number of changes to go ahead:", Role::Question).put("  [ ", Role::Dim);
    pen.put(&count(&model.submit.typed), Role::Strong);
    let caret = pen.position();
    let to = pen.at() + 8_u16.saturating_sub(u16::try_from(model.submit.typed.len()).unwrap_or(8));
    pen.to(to).put(" ]", Role::Dim);
    caret
}

/// `This will write   3,980 changes   in   1,012 facilities   as   11 forms`
fn will_write<'a>(sheet: &mut Sheet<'a>, model: &'a Model, check: &'a Check, width: usize) {
    let narrow = width < 80;
    let gap = if narrow { " " } else { "   " };
    sheet.line(move |pen| {
        let joint = |word: &str| format!("{gap}{word}{gap}");
        pen.gap(if narrow { 1 } else { 3 });
        pen.put(if narrow { "Will write" } else { "This will write" }, Role::Text).put(gap, Role::Text);
        pen.put(&plural(check.changes, "change", "changes"), Role::Strong).put(&joint("in"), Role::Text);
        pen.put(&plural(check.facilities, "facility", "facilities"), Role::Strong).put(&joint("as"), Role::Text);
        pen.put(&plural(check.forms, "form", "forms"), Role::Strong);
    });
    if let Some((property, date)) = check.stamp.as_ref().filter(|_| check.changes > 0) {
        let text = format!("and sets {} to {date} on each of these cases", inert(property));
        for line in wrap(&text, width.saturating_sub(4)) {
            sheet.line(move |pen| _ = pen.gap(if narrow { 1 } else { 3 }).put(&line, Role::Text));
        }
    }
    sheet.space();
    let Some(review) = &model.review else { return };
    let all = review.ledger.all();
    let left = count(all.left());
    sheet.line(move |pen| {
        let text = format!("{} decided, {} of them rejected", count(all.decided()), count(all.rejected));
        pen.gap(5).put(&text, Role::Text);
    });
    sheet.line(move |pen| {
        let text =
            format!("{left} undecided {} not be written", if left == "1" { "change will" } else { "changes will" });
        pen.gap(5).put(&text, Role::Text);
    });
}

fn checks<'a>(sheet: &mut Sheet<'a>, check: &'a Check, width: usize) {
    sheet.space();
    sheet.line(move |pen| {
        pen.gap(1).put("Checks", Role::Strong);
        pen.close(&[piece(super::log::clock(&check.at), Role::Dim)]);
    });
    for (level, text) in &check.lines {
        let key = if text.contains("STOP approved") { "; f lists them" } else { "" };
        let said = format!("{}{key}", inert(text));
        for (at, line) in wrap(&said, width.saturating_sub(11)).into_iter().enumerate() {
            sheet.line(move |pen| {
                let word = if at == 0 { level.word() } else { "" };
                let role = if *level == Level::Ok { Role::Approved } else { level_role(*level) };
                pen.gap(3).left(7, word, role).put(&line, Role::Text);
            });
        }
    }
    for line in wrap(NO_LOCK, width.saturating_sub(11)) {
        sheet.line(move |pen| _ = pen.gap(10).put(&line, Role::Dim));
    }
}

/// What no check can give, said where the checks stand.
const NO_LOCK: &str = "a case may still change between this check and its form: CommCare offers no lock";

/// Approved changes that would not be sent, each with its reason.
pub(super) fn held<'a>(sheet: &mut Sheet<'a>, model: &'a Model, held: &'a [Held], width: usize) {
    let Some(review) = model.review.as_ref().filter(|_| !held.is_empty()) else { return };
    sheet.heading(format!("Held back: {}", plural(held.len(), "approved change", "approved changes")));
    for one in held.iter().take(MOST_HELD) {
        let facility = &review.plan.facility(one.cell.facility).name;
        let text = format!("{}, {}: {}", inert(facility), review.names.full(one.cell.property), inert(&one.why));
        for line in wrap(&text, width.saturating_sub(5)) {
            sheet.line(move |pen| _ = pen.gap(3).put(&line, Role::Review));
        }
    }
    if held.len() > MOST_HELD {
        let more = held.len() - MOST_HELD;
        sheet.line(move |pen| _ = pen.gap(3).put(&format!("… {} more", count(more)), Role::Dim));
    }
}

/// Held changes that are named one by one.
const MOST_HELD: usize = 4;

/// The largest changes, as many as there are rows for.
fn biggest<'a>(sheet: &mut Sheet<'a>, review: &'a Review, cells: &'a [Cell], rows: usize, width: usize) {
    if cells.is_empty() || rows == 0 {
        return;
    }
    let each: Vec<(Cell, Shown)> =
        cells.iter().take(rows).map(|cell| (*cell, Shown::of(&review.plan, &review.ledger, *cell))).collect();
    let columns = |of: fn(&Shown) -> &str, least: usize| {
        each.iter().map(|(_, shown)| crate::domain::text::width(of(shown))).max().unwrap_or(0).max(least)
    };
    let (old, new) = (columns(|s| &s.old, 9), columns(|s| &s.new, 9));
    let room = width.saturating_sub(3 + 2 + 1 + old + 2 + new + 6);
    let (facility, property) = ((room * 2 / 5).min(40), (room - room * 2 / 5).min(56));
    sheet.space();
    sheet.line(move |pen| {
        pen.gap(1).left(facility + property + 5, "Biggest changes, against the old value", Role::Strong);
        pen.right(old, "old", Role::Heading).gap(2).right(new, "new", Role::Heading);
    });
    let names = facilities::short_names(review, property.max(8)).into_owned();
    for (cell, shown) in each {
        let name = names.get(usize::from(cell.property)).cloned().unwrap_or_default();
        sheet.line(move |pen| {
            pen.gap(3).name(facility, &review.plan.facility(cell.facility).name, Role::Text).gap(2);
            pen.left(property, &name, Role::Text).gap(1);
            pen.right(old, &shown.old, Role::Text).gap(2).right(new, &shown.new, Role::Text).gap(1);
            facilities::flag(pen, review, cell, false);
        });
    }
}
