//! What is said of a property as a whole: its checks, and its sum against the quarters before. On Overview every STOP and the first
//! REVIEW are told, on Properties all there is of one property.

use std::cmp::Reverse;

use crate::{
    domain::{
        flags::{Severity, multiple},
        plan::Head,
        text::inert,
    },
    tui::{
        layout::Shape,
        model::{Door, Review},
        parts::{Canvas, count, piece, plural, words, wrap},
        table::Sheet,
        theme::Role,
    },
};

use super::facilities::{flag_role, short_names};

/// Columns before the name of a property on Overview: those of a sign.
const LEAD: usize = 7;
/// Columns of a sign on Properties, with the free ones around it.
const SIGN: usize = 5;
/// From this height of the window on the sum stands over the list; below it is said where nothing else is.
const TALL: u16 = 30;

/// What Overview says of the properties: a line for each check that is a door, and how many REVIEW more there are.
pub(super) fn overview<'a>(sheet: &mut Sheet<'a>, review: &'a Review, here: Option<Door>, width: usize) {
    let columns = match width {
        ..80 => 16,
        80..120 => 22,
        _ => 34,
    };
    let room = width.saturating_sub(LEAD + columns + 2);
    let head = &review.plan.head;
    let names = short_names(review, columns);
    let mut told = 0;
    for door in &review.doors.all {
        let Door::Check(at) = *door else { continue };
        let Some(check) = head.checks.get(at) else { continue };
        told += usize::from(check.severity == Severity::Review);
        let property = check.property.as_ref().and_then(|name| review.plan.find_property(name));
        let name = property.and_then(|at| names.get(usize::from(at))).cloned().unwrap_or_default();
        let (sign, role) = (check.severity.sign(), flag_role(check.severity));
        let mut said = wrap(&inert(&check.sentence), room).into_iter();
        let first = said.next().unwrap_or_default();
        sheet.row(here == Some(*door), move |pen| {
            pen.gap(3).left(LEAD - 3, sign, role).left(columns + 1, &name, Role::Text).put(&first, Role::Text);
        });
        for text in said {
            let start = crate::tui::parts::columns(LEAD + columns + 1);
            sheet.line(move |pen| _ = pen.to(start).put(&text, Role::Text));
        }
    }
    let all = of_properties(head, Severity::Review).count();
    if all > told {
        let more = format!("… and {} more, by property", count(all - told));
        sheet.line(move |pen| _ = pen.gap(7).put(&more, Role::Dim));
    }
}

/// The checks of properties of one severity, by their place in the head.
fn of_properties(head: &Head, severity: Severity) -> impl Iterator<Item = usize> {
    let wanted = move |(at, check): (usize, &crate::domain::flags::Check)| {
        (check.property.is_some() && check.severity == severity).then_some(at)
    };
    head.checks.iter().enumerate().filter_map(wanted)
}

/// The worst check of a property that has a sign.
pub(super) fn worst(review: &Review, property: u16) -> Option<Severity> {
    review.plan.checks(property).map(|check| check.severity).max().filter(|severity| *severity > Severity::Info)
}

/// `1.1x`: the sum of a property now against the quarters before; `None` where that is not known.
pub(super) fn shift(review: &Review, property: u16) -> Option<String> {
    let shift: f64 = review.plan.whole(property)?.shift.as_deref()?.parse().ok()?;
    Some(multiple(shift))
}

/// `sum now 1.1x the quarters before; 1,098 of 1,106 facilities have a value`; `None` where that was not worked out.
pub(super) fn sum(review: &Review) -> Option<String> {
    let whole = review.plan.whole(review.property)?;
    let of = usize::try_from(whole.of).unwrap_or(usize::MAX);
    let have = if whole.with == 1 { "has" } else { "have" };
    let with = format!("{} of {} {have} a value", count(whole.with), plural(of, "facility", "facilities"));
    Some(match shift(review, review.property) {
        Some(shift) => format!("sum now {shift} the quarters before; {with}"),
        None => with,
    })
}

/// The same where nothing else says it: on Properties in a low window.
pub(super) fn sum_in_status(review: &Review, height: u16) -> Option<String> {
    sum(review).filter(|_| height < TALL)
}

/// Lines over the list of Properties, in a window of this size.
pub(in crate::tui) fn height(review: &Review, size: (u16, u16)) -> u16 {
    u16::try_from(lines(review, size).len()).unwrap_or(0)
}

/// Those lines: the checks, worst first, whole where they have room together, else the beginning of each; then the sum.
fn lines(review: &Review, (width, height): (u16, u16)) -> Vec<(Severity, String)> {
    let most = match height {
        ..24 => 1,
        24..TALL => 2,
        _ => 4,
    };
    let room = usize::from(width).saturating_sub(SIGN + 1);
    let mut checks: Vec<_> = review.plan.checks(review.property).collect();
    checks.sort_by_key(|check| Reverse(check.severity));
    let mut said = Vec::new();
    for check in &checks {
        let mut parts = wrap(&inert(&check.sentence), room).into_iter();
        said.extend(parts.next().map(|first| (check.severity, first)));
        said.extend(parts.map(|part| (Severity::Info, part)));
    }
    if said.len() > most {
        said = checks.iter().take(most).map(|check| (check.severity, inert(&check.sentence).into_owned())).collect();
        let last = said.len();
        for (at, (_, text)) in said.iter_mut().enumerate() {
            let more = checks.len() - last;
            let end = if at + 1 == last && more > 0 { format!("  … {more} more") } else { String::new() };
            let shown = words(text, room.saturating_sub(crate::domain::text::width(&end))).into_owned();
            *text = format!("{shown}{end}");
        }
    }
    if height >= TALL {
        said.extend(sum(review).map(|sum| (Severity::Info, sum)));
    }
    said
}

/// Draws them over the headings of the list, which stand in the last of `head` lines.
pub(super) fn draw(review: &Review, pane: ratatui::layout::Rect, (head, height): (u16, u16), canvas: &mut Canvas<'_>) {
    let lines = lines(review, (pane.width, height));
    let first = head.saturating_sub(1 + u16::try_from(lines.len()).unwrap_or(0));
    for (row, (severity, text)) in (first..head).zip(lines) {
        let sign = piece(format!(" {:<4}", severity.sign()), flag_role(severity));
        canvas.line(pane, row, &[sign, piece(text, Role::Text)]);
    }
}

/// Columns of the sum against the quarters before, under its heading, and of the sign behind it, in the table of Overview: none
/// where no property was looked at as a whole, or only signs where there is no room for more.
pub(super) fn of_table(review: &Review, shape: Shape, width: u16) -> (usize, usize) {
    let head = &review.plan.head;
    let sign = if head.checks.iter().any(|check| check.property.is_some()) { 3 } else { 0 };
    let shift = head.whole.values().any(|whole| whole.shift.is_some()) && width >= 120 && shape != Shape::Stacked;
    (if shift { 20 } else { 0 }, sign)
}
