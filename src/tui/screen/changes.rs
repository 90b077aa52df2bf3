//! A list of changes over the screen: those that would be written or were, and the decisions that a reading reset. Only rows on
//! screen are looked at.

use ratatui::layout::Rect;

use super::{facilities, facilities::flag_role};
use crate::{
    domain::{
        flags::Severity,
        ledger::{Reset, Verdict},
        plan::Cell,
        text::{fit_middle, inert, width},
        value::grouped,
    },
    tui::{
        layout::Shape,
        model::{Changes, Listed, Model, Review},
        parts::{Canvas, columns, count, words},
        table::{Grid, Shown, cursor, mark, window},
        theme::Role,
    },
};

/// Lines above the rows of a list of changes. Where panes are stacked its heading stands among them.
pub(in crate::tui) fn head(what: Listed, shape: Shape) -> u16 {
    let heading = u16::from(shape == Shape::Stacked);
    match what {
        Listed::Now => 1 + heading,
        // What became of all decisions, a free line, the headings.
        Listed::Reset => 6 + heading,
    }
}

/// Draws the list.
pub(super) fn draw(model: &Model, changes: &Changes, body: Rect, canvas: &mut Canvas<'_>) {
    let Some(review) = &model.review else { return };
    let shape = model.layout().shape;
    if shape == Shape::Stacked {
        canvas.pen(body, 0).gap(1).put(&changes.title, Role::Strong);
    }
    let head = head(changes.what, shape);
    let rows = Rect { y: body.y + head, height: body.height.saturating_sub(head), ..body };
    match changes.what {
        Listed::Now => now(review, changes, rows, canvas),
        Listed::Reset => {
            let first = u16::from(shape == Shape::Stacked);
            became(review, Rect { y: body.y + first, height: 5, ..body }.intersection(body), canvas);
            reset(review, changes, rows, canvas);
        }
    }
}

/// The row above the rows.
fn above(rows: Rect) -> Rect {
    Rect { y: rows.y.saturating_sub(1), height: 1, ..rows }
}

/// Facility and property in so many columns, two fifths of them for the facility.
fn two_names(review: &Review, cell: Cell, short: &[String], room: usize) -> String {
    let (facility, property) = split(room);
    let name = inert(&review.plan.facility(cell.facility).name);
    let name = fit_middle(&name, facility);
    let of = short.get(usize::from(cell.property)).map_or("", String::as_str);
    let gap = " ".repeat(facility.saturating_sub(width(&name)) + 2);
    format!("{name}{gap}{}", fit_middle(of, property))
}

/// Columns of a facility and of a property, with two between them.
fn split(room: usize) -> (usize, usize) {
    let facility = (room.saturating_sub(2) * 2 / 5).min(40);
    (facility, room.saturating_sub(facility + 2))
}

/// Old, new, change and why it is looked at.
fn now(review: &Review, changes: &Changes, rows: Rect, canvas: &mut Canvas<'_>) {
    let flags: u16 = match rows.width {
        ..80 => 3,
        80..120 => 16,
        _ => 40,
    };
    let room = usize::from(rows.width.saturating_sub(5 + flags));
    let grid = Grid::fit(room, review.widths, 30, 90);
    let short = facilities::short_names(review, split(grid.name).1.max(8));
    let mut pen = canvas.pen(above(rows), 0);
    let (facility, _) = split(grid.name);
    pen.gap(5);
    grid.heading(&mut pen, &format!("{:facility$}  property", "facility"));
    pen.gap(1).put(if flags < 10 { "fl" } else { "flag" }, Role::Heading);
    for (row, at) in window(rows, changes.rows.top, changes.rows.all.len()) {
        let cell = changes.rows.all[at];
        let shown = Shown::of(&review.plan, &review.ledger, cell);
        let (sign, role) = mark(&review.plan, &review.ledger, cell);
        let mut pen = canvas.pen(rows, row);
        pen.gap(1).put(sign, role).gap(1);
        grid.row(&mut pen, &shown, |room| two_names(review, cell, &short, room).into(), Role::Text);
        let flag = review.plan.flags(cell).first().filter(|flag| flag.severity > Severity::Info);
        if let Some(flag) = flag {
            pen.gap(1).left(2, flag.severity.sign(), flag_role(flag.severity)).gap(1);
            let said = review.ledger.reason(cell).map_or_else(|| inert(&flag.sentence), inert);
            let room = pen.room().saturating_sub(1);
            pen.put(&words(&said, room), Role::Text);
        }
        cursor(canvas, rows, row, at == changes.rows.at, true);
    }
}

/// How many decisions were kept and reset, and what changed beside them.
fn became(review: &Review, area: Rect, canvas: &mut Canvas<'_>) {
    let all = review.ledger.all();
    let kept = all.decided() + all.zeros + all.kept;
    let mut lines = vec![
        ("kept", count(kept), "decisions whose old and new values did not change"),
        (
            "reset",
            count(review.reset.len()),
            "undecided again: a value moved, or a STOP came; the log keeps what you said",
        ),
    ];
    if let Some(again) = &review.again {
        lines.push(("new", count(again.new), "changes that were not there before"));
        let gone = count(again.gone + again.withdrawn);
        let why = match (again.gone, again.withdrawn) {
            (_, 0) => "CommCare has the new value already",
            (0, _) => "DHIS2 has no value any more",
            _ => "CommCare has the new value already, or DHIS2 has none any more",
        };
        lines.push(("gone", gone, why));
    }
    for (row, (name, number, why)) in (0..area.height).zip(lines) {
        let mut pen = canvas.pen(area, row);
        pen.gap(3).left(7, name, Role::Text).right(8, &number, Role::Strong).gap(3);
        let room = pen.room().saturating_sub(1);
        pen.put(&words(why, room), Role::Dim);
    }
}

/// What a row says of a reset.
struct Told {
    then: String,
    now: String,
    said: &'static str,
}

impl Told {
    fn of(review: &Review, cell: Cell) -> Self {
        let (plan, known) = (&review.plan, review.reset.binary_search_by_key(&cell, |reset| reset.cell));
        let known: Option<&Reset> = known.ok().and_then(|at| review.reset.get(at));
        let was = known.map(|reset| arrow(reset.old.as_deref(), reset.new.as_deref())).unwrap_or_default();
        let said = match known.and_then(|reset| reset.said) {
            Some(Verdict::Approve) => "approved",
            Some(Verdict::Zero) => "0 approved",
            Some(Verdict::Reject) => "rejected",
            None => "undecided",
        };
        let offer = plan.offer(cell);
        let mut now = arrow(plan.old(cell), offer);
        if offer.is_none() {
            now = format!("{}, {}", value(plan.old(cell)), plan.state(cell).words());
        } else if now == was && plan.severity(cell) == Some(Severity::Stop) {
            "STOP now".clone_into(&mut now);
        }
        Self { then: was, now, said }
    }
}

fn value(value: Option<&str>) -> String {
    match value {
        None | Some("") => "-".to_owned(),
        Some(value) => inert(&grouped(value)).into_owned(),
    }
}

fn arrow(old: Option<&str>, new: Option<&str>) -> String {
    format!("{} → {}", value(old), value(new))
}

/// Facility, property, the values then and now, and what was said. What has no room is said where the row leads.
fn reset(review: &Review, changes: &Changes, rows: Rect, canvas: &mut Canvas<'_>) {
    let seen: Vec<(u16, usize, Told)> = window(rows, changes.rows.top, changes.rows.all.len())
        .map(|(row, at)| (row, at, Told::of(review, changes.rows.all[at])))
        .collect();
    let all = usize::from(rows.width);
    // Names keep their least columns; beside them then and now share what is left.
    let (said, least) = (10, if all < 80 { 18 } else { 22 });
    let room = all.saturating_sub(5 + 2 * 2 + said + 2 + least);
    let widest = |of: fn(&Told) -> &str, least: usize| {
        seen.iter().map(|(_, _, told)| width(of(told))).max().unwrap_or(0).max(least)
    };
    let (was, now) = (widest(|told| &told.then, 3), widest(|told| &told.now, 3));
    let now = if was + now <= room { now } else { now.min(room * 3 / 5) };
    let was = was.min(room - now);
    let names = all.saturating_sub(5 + 2 * 2 + said + 2 + was + now).min(100);
    let short = facilities::short_names(review, split(names).1.max(8));
    let mut pen = canvas.pen(above(rows), 0);
    let (facility, _) = split(names);
    pen.gap(5).left(names, &format!("{:facility$}  property", "facility"), Role::Heading).gap(2);
    pen.right(was, "was", Role::Heading).gap(2).right(now, "now", Role::Heading).gap(2).put("you said", Role::Heading);
    for (row, at, told) in seen {
        let cell = changes.rows.all[at];
        let (sign, role) = mark(&review.plan, &review.ledger, cell);
        let mut pen = canvas.pen(rows, row);
        pen.gap(1).put(sign, role).gap(1);
        pen.left(names, &two_names(review, cell, &short, names), Role::Text).gap(2);
        for (text, wide) in [(&told.then, was), (&told.now, now)] {
            let whole = width(text) <= wide;
            pen.right(wide, if whole { text } else { "enter" }, if whole { Role::Text } else { Role::Dim }).gap(2);
        }
        pen.put(told.said, Role::Text);
        cursor(canvas, rows, row, at == changes.rows.at, true);
    }
    if changes.rows.all.is_empty() {
        canvas.pen(rows, 0).gap(columns(3)).put("every one of them was decided again", Role::Dim);
    }
}
