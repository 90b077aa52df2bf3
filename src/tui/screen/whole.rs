//! What is said of a property as a whole: its checks, and its sum against the quarters before. On Overview the checks that are doors
//! are told, on Properties all there is of one property.

use std::cmp::Reverse;

use crate::{
    domain::{
        flags::{Check, Severity, multiple},
        text::inert,
    },
    tui::{
        layout::{Shape, TALL},
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

/// What Overview says of the properties: a line for each check that is a door, and how many REVIEW more there are.
pub(super) fn overview<'a>(sheet: &mut Sheet<'a>, review: &'a Review, here: Option<Door>, (width, height): (u16, u16)) {
    let width = usize::from(width);
    let columns = match width {
        ..80 => 16,
        80..120 => 22,
        _ => 34,
    };
    let room = width.saturating_sub(LEAD + columns + 2);
    let head = &review.plan.head;
    let names = short_names(review, columns);
    let (mut told, mut stops) = (0, 0);
    for door in &review.doors.all {
        let Door::Check(at) = *door else { continue };
        let Some(check) = head.checks.get(at) else { continue };
        told += 1;
        stops += usize::from(check.severity == Severity::Stop);
        let property = check.property.as_ref().and_then(|name| review.plan.find_property(name));
        let name = property.and_then(|at| names.get(usize::from(at))).cloned().unwrap_or_default();
        let (sign, role, sentence) = read(review, property, check);
        let said = if height < TALL { vec![words(&sentence, room).into_owned()] } else { wrap(&sentence, room) };
        let mut said = said.into_iter();
        let first = said.next().unwrap_or_default();
        sheet.row(here == Some(*door), move |pen| {
            pen.gap(3).left(LEAD - 3, sign, role).left(columns + 1, &name, Role::Text).put(&first, Role::Text);
        });
        for text in said {
            let start = crate::tui::parts::columns(LEAD + columns + 1);
            sheet.line(move |pen| _ = pen.to(start).put(&text, Role::Text));
        }
    }
    let of = |severity: Severity| {
        head.checks.iter().filter(|check| check.property.is_some() && check.severity == severity).count()
    };
    let (all, all_stops) = (of(Severity::Stop) + of(Severity::Review), of(Severity::Stop));
    if all > told {
        let stops = match all_stops - stops {
            0 => String::new(),
            stops => format!(", {} of them STOP", count(stops)),
        };
        let more = format!("… and {} more{stops}, by property", count(all - told));
        sheet.line(move |pen| _ = pen.gap(7).put(&more, Role::Dim));
    }
}

/// Sign and sentence of a check; one that was settled reads so.
fn read(review: &Review, property: Option<u16>, check: &Check) -> (&'static str, Role, String) {
    let sentence = inert(&check.sentence);
    match property.and_then(|property| review.ledger.settled(property, check)) {
        Some(settled) => ("ok", Role::Approved, format!("settled: {}; {sentence}", inert(&settled.reason))),
        None => (check.severity.sign(), flag_role(check.severity), sentence.into_owned()),
    }
}

/// The worst check of a property that has a sign.
pub(super) fn worst(review: &Review, property: u16) -> Option<Severity> {
    let open = |check: &&Check| review.ledger.settled(property, check).is_none();
    let severities = review.plan.checks(property).filter(open).map(|check| check.severity);
    severities.max().filter(|severity| *severity > Severity::Info)
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
    let severity = |check: &Check| match review.ledger.settled(review.property, check) {
        Some(_) => Severity::Info,
        None => check.severity,
    };
    let sentence = |check: &Check| read(review, Some(review.property), check).2;
    let mut checks: Vec<_> = review.plan.checks(review.property).collect();
    checks.sort_by_key(|check| Reverse(severity(check)));
    let mut said = Vec::new();
    for check in &checks {
        let mut parts = wrap(&sentence(check), room).into_iter();
        said.extend(parts.next().map(|first| (severity(check), first)));
        said.extend(parts.map(|part| (Severity::Info, part)));
    }
    if said.len() > most {
        said = checks.iter().take(most).map(|check| (severity(check), sentence(check))).collect();
        let last = said.len();
        for (at, (_, text)) in said.iter_mut().enumerate() {
            let more = checks.len() - last;
            let end = if at + 1 == last && more > 0 { format!("  … {more} more") } else { String::new() };
            let shown = words(text, room.saturating_sub(crate::domain::text::width(&end))).into_owned();
            *text = format!("{shown}{end}");
        }
    }
    if height >= TALL {
        let sum = sum(review).unwrap_or_default();
        said.extend(wrap(&sum, room).into_iter().map(|line| (Severity::Info, line)));
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        domain::{
            flags::{Kind, Whole},
            ledger::Ledger,
            plan::sample,
        },
        tui::{
            model::{Look, Model, Run},
            msg::{Msg, Now, Opened},
            update::update,
        },
    };

    /// A review of one property with these checks.
    fn model(checks: &[(Severity, &str)], shift: Option<&str>) -> Model {
        let mut plan = sample(2, 1, |_| {});
        plan.head.checks =
            checks.iter().map(|(severity, said)| Check::of_property("C1", *severity, "dhis_p0", *said)).collect();
        let shift = shift.map(str::to_owned);
        let whole = Whole { kind: Kind::Flow, spread: String::new(), shift, with: 1, of: 2_002 };
        plan.head.whole.insert("dhis_p0".to_owned(), whole);
        let (ledger, plan) = (Ledger::new(&plan), Arc::new(plan));
        let opened = Opened { plan, ledger, place: None, file: String::new(), sending: None, reset: Vec::new() };
        let mut model = Model::new(Run::default(), Look::default(), (80, 24));
        update(&mut model, Msg::Read(Ok(Box::new(opened))), &Now::default());
        model
    }

    fn said(model: &Model, size: (u16, u16)) -> Vec<String> {
        let lines = lines(model.review.as_ref().unwrap(), size).into_iter();
        lines.map(|(severity, text)| format!("{} {text}", severity.sign()).trim().to_owned()).collect()
    }

    #[test]
    fn the_worst_check_is_whole_where_it_has_room_and_the_others_are_counted() {
        let long = "22 of 28 cells (79 %), such as: 36 is identical to 2026Q2, 2026Q1 and 2025Q4";
        let one = model(&[(Severity::Review, long)], None);
        let two = ["! 22 of 28 cells (79 %), such as: 36 is identical to 2026Q2, 2026Q1 and", "2025Q4"];
        assert_eq!(said(&one, (80, 24)), two);
        let cut = "! 22 of 28 cells (79 %), such as: 36 is identical to 2026Q2, 2026Q1 and …";
        assert_eq!(said(&one, (80, 20)), [cut]);
        let all = [(Severity::Info, "late"), (Severity::Review, long), (Severity::Stop, "flat")];
        let all = model(&all, None);
        let shown = ["!! flat", "! 22 of 28 cells (79 %), such as: 36 is identical to 2026Q2, …  … 1 more"];
        assert_eq!(said(&all, (80, 24)), shown);
        assert_eq!(said(&all, (80, 20)), ["!! flat  … 2 more"]);
        let tall = said(&all, (120, 40));
        assert_eq!(tall, ["!! flat", &format!("! {long}"), "late", "1 of 2,002 facilities has a value"]);
        let none = model(&[], Some("1.0823"));
        assert_eq!(said(&none, (80, 24)), [] as [&str; 0]);
        assert_eq!(said(&none, (80, 30)), ["sum now 1.1x the quarters before; 1 of 2,002 facilities has a value"]);
    }

    #[test]
    fn every_line_fits_and_has_its_row() {
        let all = [(Severity::Review, "sum now 12,345, 1.4x after 8,800 in the mean of the 4 quarters before"); 6];
        let mut model = model(&all, Some("0.5"));
        for size in (60..200).step_by(7).flat_map(|w| [16, 20, 24, 29, 30, 60].map(|h| (w, h))) {
            model.size = size;
            let review = model.review.as_ref().unwrap();
            let lines = lines(review, size);
            let room = usize::from(size.0);
            assert!(lines.iter().all(|(_, text)| crate::domain::text::width(text) + SIGN < room), "{size:?}");
            let layout = model.layout_of(crate::tui::screen::Screen::Properties);
            assert!(layout.list_rows() >= 3, "{size:?}");
            let (before, after) =
                (crate::tui::layout::Layout::of(crate::tui::screen::Screen::Properties, size), layout);
            assert_eq!(usize::from(after.list_head - before.list_head), lines.len());
        }
    }
}
