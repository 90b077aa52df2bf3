//! Data sets: the rows of the mapping with the data element and the data set each is read from. A list to look at; the mapping
//! file is not touched.

use ratatui::layout::Rect;

use super::{facilities::short_names, reading};
use crate::{
    domain::{
        plan::Property,
        text::{fit_middle, inert},
    },
    tui::{
        layout::Layout,
        model::{Model, Review},
        parts::{Canvas, Pen, count, wrap},
        table::Sheet,
        theme::Role,
    },
};

/// Lines that tell of the row under the cursor, with the free one above.
const DETAIL: u16 = 4;
/// Columns of the line in the mapping, and of a period type.
const LINE: usize = 6;
const PERIOD: usize = 10;

/// Draws the body.
pub(super) fn draw(model: &Model, body: Rect, canvas: &mut Canvas<'_>) {
    let Some(review) = &model.review else { return reading::none(model, body, canvas) };
    let list = above(body);
    sheet(review, list).draw(canvas, list);
    let under = Rect { y: list.bottom() + 1, height: (body.height - list.height).saturating_sub(1), ..body };
    if let Some(property) = review.mapped.current() {
        one(review.plan.property(property), under, canvas);
    }
}

/// The part of the body the rows have: all but the detail, where there is room for that.
fn above(body: Rect) -> Rect {
    let detail = if body.height > 3 * DETAIL { DETAIL } else { 0 };
    Rect { height: body.height - detail, ..body }
}

/// Which row of the mapping stands in this line of the window.
pub(in crate::tui) fn row_at(review: &Review, layout: &Layout, line: u16) -> Option<usize> {
    let area = above(layout.body);
    sheet(review, area).row_at(area, line).filter(|row| *row < review.mapped.all.len())
}

/// Columns of the property, the data element and the data set.
fn columns(width: u16) -> (usize, usize, usize) {
    let room = usize::from(width).saturating_sub(1 + LINE + 4 * 2 + PERIOD);
    let (property, element) = ((room * 2 / 5).min(60), (room * 3 / 10).min(50));
    (property, element, (room - property - element).min(50))
}

/// The body as lines.
fn sheet(review: &Review, area: Rect) -> Sheet<'_> {
    let (plan, mut sheet) = (&review.plan, Sheet::default());
    let head = &plan.head;
    let (wide, element, set) = columns(area.width);
    let (used, all) = (count(plan.width()), count(head.mapping_rows.max(usize::from(plan.width()))));
    sheet.line(move |pen| {
        let untouched = if pen.room() < 78 { "" } else { "   nothing is written here" };
        let said = format!("   {used} of {all} rows used{untouched}");
        let room = pen.room().saturating_sub(said.len() + 1);
        pen.gap(1).put(&fit_middle(&inert(&head.mapping), room), Role::Strong).put(&said, Role::Dim);
    });
    sheet.space();
    sheet.line(move |pen| {
        pen.gap(1).right(LINE, "line", Role::Heading).gap(2).left(wide, "property", Role::Heading).gap(2);
        pen.left(element, "data element", Role::Heading).gap(2).left(set, "data set", Role::Heading).gap(2);
        pen.put("period", Role::Heading);
    });
    let short = short_names(review, wide).into_owned();
    for property in &review.mapped.all {
        let (facts, name) = (plan.property(*property), short.get(usize::from(*property)).cloned().unwrap_or_default());
        sheet.row(review.mapped.current() == Some(*property), move |pen: &mut Pen<'_>| {
            let line = if facts.line == 0 { String::new() } else { count(facts.line) };
            pen.gap(1).right(LINE, &line, Role::Text).gap(2).left(wide, &name, Role::Text).gap(2);
            named(pen, element, (&facts.element_name, &facts.data_element), "no data element id");
            pen.gap(2);
            named(pen, set, (&facts.data_set_name, &facts.data_set), "no data set id");
            pen.gap(2);
            pen.put(&period(review, facts), Role::Text);
        });
    }
    if !head.mapping_problems.is_empty() {
        sheet.heading("Problems of the mapping");
        for line in
            head.mapping_problems.iter().flat_map(|text| wrap(&inert(text), usize::from(area.width.saturating_sub(5))))
        {
            sheet.line(move |pen| _ = pen.gap(3).put(&line, Role::Review));
        }
    }
    let all = review.mapped.all.len();
    sheet.say_below(move |lines| if lines > all { String::new() } else { format!("… {lines} below") });
    sheet
}

/// A name, its id where the server gave none, or the words for neither.
fn named(pen: &mut Pen<'_>, width: usize, (name, id): (&str, &str), none: &str) {
    match (name.is_empty(), id.is_empty()) {
        (_, true) => pen.left(width, none, Role::Review),
        (true, _) => pen.left(width, id, Role::Text),
        _ => pen.name(width, name, Role::Text),
    };
}

/// The period type, as DHIS2 names it where the data set is not quarterly; with what was chosen for it the detail of a cell tells.
fn period(review: &Review, facts: &Property) -> String {
    let head = &review.plan.head;
    match head.finer.iter().find(|unfit| unfit.data_set == facts.data_set) {
        _ if facts.data_set.is_empty() || head.undo.is_some() => String::new(),
        Some(unfit) => inert(&unfit.period_type).to_lowercase(),
        None => "quarterly".to_owned(),
    }
}

/// Names and ids of a row in full.
fn one(facts: &Property, area: Rect, canvas: &mut Canvas<'_>) {
    let both = |name: &str, id: &str, none: &'static str| match (name.is_empty(), id.is_empty()) {
        (_, true) => none.to_owned(),
        (true, _) => inert(id).into_owned(),
        _ => format!("{}  {}", inert(id), inert(name)),
    };
    let lines = [
        ("property", both(&facts.title, &facts.name, "")),
        ("data element", both(&facts.element_name, &facts.data_element, "no data element id")),
        ("data set", both(&facts.data_set_name, &facts.data_set, "no data set id: nothing is read for this row")),
    ];
    for (row, (name, text)) in (0..area.height).zip(lines) {
        canvas.pen(area, row).gap(1).left(14, name, Role::Dim).put(&text, Role::Text);
    }
}
