//! The list of Facilities where it has the whole width: names and ids in full, more counts, and what looks worst in each. Only
//! rows on screen are looked at.

use ratatui::layout::Rect;

use super::facilities::{flag_role, in_range, ranged, rows_of};
use crate::{
    domain::{
        flags::{Flag, Severity},
        plan::Cell,
        text::inert,
    },
    tui::{
        layout::Layout,
        model::{Model, Review},
        parts::{Canvas, count, count_or_dash, words},
        table::{cursor, summary_mark, window},
        theme::Role,
    },
};

/// From this width on all counts are shown, and from the second one case ids too.
const WIDTHS: (u16, u16) = (100, 160);
/// Columns of the id of an organisation unit and of a case, with the free ones before them.
const IDS: (usize, usize) = (13, 38);
/// Fewest columns in which what looks worst says something, and from which on its property is named too.
const WORST: (usize, usize) = (20, 60);

/// Headings of the counts with their columns.
const COUNTS: [(&str, usize); 6] = [("left", 7), ("changes", 9), ("✓", 7), ("✗", 7), ("!!", 5), ("!", 5)];

/// Where things stand in a row.
struct Columns {
    name: usize,
    case: bool,
    counts: Vec<(&'static str, usize)>,
    /// Columns for what looks worst; 0 for none.
    worst: usize,
}

impl Columns {
    fn of(pane: Rect, longest: usize) -> Self {
        let counts: Vec<_> = COUNTS
            .into_iter()
            .filter(|(heading, _)| pane.width >= WIDTHS.0 || matches!(*heading, "left" | "!!" | "!"))
            .collect();
        let case = pane.width >= WIDTHS.1;
        let ids = IDS.0 + if case { IDS.1 } else { 0 };
        let taken = 5 + ids + counts.iter().map(|(_, columns)| columns).sum::<usize>() + 1;
        let room = usize::from(pane.width).saturating_sub(taken);
        let name = longest.max(8).min(room);
        let rest = (room - name).saturating_sub(2);
        Self { name, case, counts, worst: if rest >= WORST.0 { rest } else { 0 } }
    }
}

/// Draws the list with its headings.
pub(super) fn list(model: &Model, review: &Review, layout: &Layout, canvas: &mut Canvas<'_>) {
    let pane = layout.list;
    let at = Columns::of(pane, review.counts.longest_name);
    let mut pen = canvas.pen(pane, layout.list_head.saturating_sub(1));
    pen.gap(5).left(at.name, "facility", Role::Heading).gap(2).left(IDS.0 - 2, "org unit", Role::Heading);
    if at.case {
        pen.gap(2).left(IDS.1 - 2, "case", Role::Heading);
    }
    for (heading, wide) in &at.counts {
        pen.right(*wide, heading, Role::Heading);
    }
    if at.worst > 0 {
        pen.gap(2).put("looks worst", Role::Heading);
    }
    let rows = rows_of(pane, layout.list_head);
    if review.list.all.is_empty() {
        let text = if review.filter.is_empty() { "nothing changes" } else { "no facility matches; esc clears" };
        canvas.pen(rows, 0).gap(1).put(text, Role::Dim);
    }
    let range = in_range(model, &review.list, model.focus == super::Focus::List);
    for (row, number) in window(rows, review.list.top, review.list.all.len()) {
        line(review, review.list.all[number], &at, canvas, (rows, row));
        ranged(canvas, rows, row, range.contains(&number));
        cursor(canvas, rows, row, number == review.list.at, model.focus == super::Focus::List);
    }
}

fn line(review: &Review, facility: u32, at: &Columns, canvas: &mut Canvas<'_>, (rows, row): (Rect, u16)) {
    let (facts, tally) = (review.plan.facility(facility), review.ledger.facility(facility));
    let (sign, role) = summary_mark(tally);
    let plain = if tally.changes == 0 || tally.left() == 0 { Role::Dim } else { Role::Text };
    let mut pen = canvas.pen(rows, row);
    pen.gap(1).put(sign, role).gap(1).name(at.name, &facts.name, plain);
    pen.gap(2).left(IDS.0 - 2, &facts.external_id, Role::Dim);
    if at.case {
        pen.gap(2).left(IDS.1 - 2, &facts.case_id, Role::Dim);
    }
    for (heading, wide) in &at.counts {
        let flagged = |number: u32| if number == 0 { String::new() } else { count(number) };
        let (text, role) = match *heading {
            "left" if tally.changes == 0 => (String::new(), plain),
            "left" => (count_or_dash(tally.left()), plain),
            "changes" => (flagged(tally.changes), Role::Dim),
            "✓" => (flagged(tally.approved), Role::Approved),
            "✗" => (flagged(tally.rejected), Role::Rejected),
            "!!" => (flagged(tally.stop), Role::Stop),
            _ => (flagged(tally.review), Role::Review),
        };
        pen.right(*wide, &text, role);
    }
    let Some((cell, flag)) = worst(review, facility).filter(|_| at.worst > 0) else { return };
    let sentence = inert(&flag.sentence);
    let said = if at.worst < WORST.1 {
        sentence.into_owned()
    } else {
        format!("{}: {sentence}", review.names.full(cell.property))
    };
    pen.gap(2).left(2, flag.severity.sign(), flag_role(flag.severity)).gap(1);
    pen.put(&words(&said, at.worst.saturating_sub(3)), flag_role(flag.severity));
}

/// The first of the worst flags of what is undecided in a facility.
fn worst(review: &Review, facility: u32) -> Option<(Cell, &Flag)> {
    let left = |cell: &Cell| review.ledger.verdict(&review.plan, *cell).is_none();
    let flags =
        review.plan.row(facility).filter(left).filter_map(|cell| Some((cell, review.plan.flags(cell).first()?)));
    flags
        .filter(|(_, flag)| flag.severity > Severity::Info)
        .min_by_key(|(cell, flag)| (std::cmp::Reverse(flag.severity), *cell))
}
