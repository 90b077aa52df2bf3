//! Reading: progress, the review it opens, and what is behind a cell.

use super::{Action, Cmd, Level, Model, Screen, again, datasets, motion, say, view};
use crate::{
    domain::{
        plan::{Cell, Kind, Plan, ordinal},
        query::{Filter, Sort},
        text::{inert, width},
        value::grouped,
    },
    job::report::{Detail, Reading, Sending},
    tui::{
        layout::Widths,
        model::{Behind, Counts, Hidden, Multiples, Review, Rows, Stage},
        msg::{Opened, Place},
        screen::Focus,
    },
};

/// Starts reading, or stops it. What came is kept for the next one.
pub(super) fn start_or_stop(model: &mut Model, action: Action, out: &mut Vec<Cmd>) {
    if action == Action::StopReading && model.review.is_some() {
        return again::stop(model, out);
    }
    if action == Action::StopReading {
        out.push(Cmd::CancelRead);
        return say(model, Level::Ok, "stopping; what came is kept, and the same command goes on from there");
    }
    if model.review.is_some() {
        return again::begin(model, None, out);
    }
    model.failed = None;
    model.explorer.late = false;
    model.reading = Some(Reading::default());
    out.push(Cmd::Read);
}

/// Reading failed or was stopped.
pub(super) fn failed(model: &mut Model, why: String) {
    if model.is_read_again() {
        return again::failed(model, &why);
    }
    model.reading = None;
    say(model, Level::Stop, &why);
    if model.review.is_none() {
        model.failed = Some(why);
    }
}

/// What is behind a cell came. An answer for another cell than the one asked for last is dropped.
pub(super) fn detail(model: &mut Model, result: Result<Detail, (Cell, String)>) {
    let Some(review) = &mut model.review else { return };
    let cell = match &result {
        Ok(detail) => detail.cell,
        Err((cell, _)) => *cell,
    };
    if review.behind != Behind::Waiting(cell) {
        return;
    }
    review.behind = match result {
        Ok(detail) => Behind::Here(detail),
        Err((cell, why)) => Behind::Failed(cell, why),
    };
}

/// A review was read or opened: shows it where the reviewer was.
pub(super) fn opened(model: &mut Model, opened: Opened) {
    let Opened { plan, ledger, place, file, sending, mut reset } = opened;
    reset.sort_by_key(|reset| reset.cell);
    (model.reading, model.failed) = (None, None);
    model.run.file = file;
    let before = model.review.take();
    let mut review = Review {
        sort: Sort::default(),
        range: None,
        filter: Filter::default(),
        unchanged: false,
        with_unchanged: false,
        shown: Vec::new(),
        shown_changes: 0,
        list: Rows::default(),
        cells: Rows::default(),
        hidden: Hidden::default(),
        property: 0,
        column: Rows::default(),
        left_at: std::collections::BTreeMap::new(),
        doors: Rows::default(),
        behind: Behind::Nothing,
        widths: widths(&plan, plan.cells()),
        column_widths: Widths::default(),
        names: view::names(&plan),
        counts: counts(&plan),
        saving: None,
        last_reason: None,
        reset,
        again: None,
        multiples: Multiples::default(),
        plan,
        ledger,
    };
    let again = before.is_some();
    if let Some(before) = before {
        again::carry(before, &mut review);
    }
    model.review = Some(review);
    datasets::reviewed(&mut model.explorer, again);
    view::fit(model);
    view::settle(model);
    view::fill_doors(model);
    match place {
        _ if again => again::told(model),
        Some(place) => restore(model, &place),
        None => say(model, Level::Ok, "read; nothing has been written"),
    }
    shown_as_sent(model, sending);
    if let Some(why) = model.run.read_only.clone() {
        say(model, Level::Look, why);
    }
}

/// Shows what was sent, on Submit where it is not settled.
fn shown_as_sent(model: &mut Model, sending: Option<Sending>) {
    if let Some(sending) = sending {
        // What is not settled is what the person came back for.
        let open = sending.accepted + sending.unknown;
        if open > 0 {
            motion::show(model, Screen::Submit);
            say(model, Level::Look, format!("{} sent earlier and not settled", super::decide::plural(open, "change")));
        }
        model.submit.stage = Stage::Ended(sending);
    }
}

/// Goes where the reviewer was; what is gone since is passed over.
fn restore(model: &mut Model, place: &Place) {
    let facilities = model.layout_of(Screen::Facilities);
    let column = model.layout_of(Screen::Properties).list_rows();
    if let Some(review) = &mut model.review {
        review.sort = Sort::named(&place.sort).unwrap_or_default();
        review.with_unchanged = place.unchanged;
    }
    view::apply(model, &place.filter);
    let mut at_cell = false;
    let Some(review) = &mut model.review else { return };
    let property = place.property.as_deref().and_then(|name| review.plan.find_property(name));
    let facility = place.facility.as_deref().and_then(|case| {
        let at = review.plan.facilities().iter().position(|facility| facility.case_id == case)?;
        Some(ordinal(at))
    });
    if let Some(property) = property.filter(|_| place.screen == Screen::Properties) {
        view::show_property(review, property, column);
    }
    if let Some(facility) = facility {
        let cell = Cell { facility, property: property.unwrap_or(review.property) };
        at_cell = view::show_cell(review, cell, &facilities);
        review.column.find(Cell { facility, property: review.property }, column);
    }
    // The checks of Submit ask CommCare; they are made when a person goes there, not by starting the program.
    motion::show(model, Screen::Overview);
    // In the properties only at the very cell: a key that decides there would decide another.
    model.focus = if at_cell { place.focus } else { Focus::List };
    motion::show(model, if place.screen == Screen::Submit { Screen::Overview } else { place.screen });
    let name = facility.and_then(|f| model.review.as_ref().map(|review| review.plan.facility(f).name.clone()));
    let name = name.map(|name| format!(", {name}")).unwrap_or_default();
    say(model, Level::Ok, format!("went on where you left: {}{name}", model.screen.title()));
}

/// Counts that never change, from one pass over the plan.
fn counts(plan: &Plan) -> Counts {
    let mut with_value = vec![0; plan.properties().len()];
    let mut changing = 0;
    for facility in 0..plan.height() {
        let mut changes = false;
        for cell in plan.row(facility) {
            if plan.new_value(cell).is_some() {
                with_value[usize::from(cell.property)] += 1;
            }
            changes |= plan.kind(cell) == Kind::Change;
        }
        changing += usize::from(changes);
    }
    let longest_name = plan.facilities().iter().map(|facility| width(&inert(&facility.name))).max().unwrap_or(0);
    let (states, same, incomplete) = (plan.state_counts(), plan.same_count(), plan.incomplete());
    let usual = plan.cells().any(|cell| plan.usual(cell).is_some());
    Counts { states, same, incomplete, with_value, changing, longest_name, usual }
}

/// The room the numbers of these cells need. A change needs at most the digits of the larger side, its sign and its fraction.
pub(super) fn widths(plan: &Plan, cells: impl Iterator<Item = Cell>) -> Widths {
    let mut widths = Widths::default();
    // By digits after the point, the largest change so far: a smaller one needs no more room.
    let mut largest = [-1.0_f64; 8];
    for cell in cells {
        let dated = if plan.older(cell).is_some() { QUARTER } else { 0 };
        let old = plan.old(cell).map_or(0, |old| room_above(old, widths.old));
        let new = plan.offer(cell).map_or(0, |new| room_above(new, widths.new.saturating_sub(dated)) + dated);
        widths.old = widths.old.max(old);
        widths.new = widths.new.max(new);
        if plan.may_be_zero(cell) {
            // All of the old value goes, which takes its digits and a sign.
            widths.change = widths.change.max(plan.old(cell).map_or(0, room).saturating_add(1));
        }
        if let Some(change) = plan.change(cell) {
            let fraction =
                [plan.old(cell), plan.new_value(cell)].into_iter().flatten().map(fraction).max().unwrap_or(0);
            match largest.get_mut(fraction) {
                Some(largest) if change.abs() <= *largest => continue,
                Some(largest) => *largest = change.abs(),
                None => {}
            }
            let whole = grouped(&format!("{:.0}", change.abs()));
            let change = whole.len() + 1 + fraction;
            widths.change = widths.change.max(u16::try_from(change).unwrap_or(u16::MAX));
        }
    }
    widths
}

/// Columns of ` (2025Q4)` behind a number.
const QUARTER: u16 = 9;

/// The same, where it can be more than this at all; else 0, without a look at each digit.
fn room_above(text: &str, least: u16) -> u16 {
    let most = text.len() + text.len() / 3;
    if most <= usize::from(least) { 0 } else { room(text) }
}

/// Columns of a number with its thousands separated; 0 for a text that is none.
fn room(text: &str) -> u16 {
    let digits = text.trim_start_matches(['-', '+']);
    let whole = digits.split('.').next().unwrap_or(digits).len();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return 0;
    }
    u16::try_from(text.len() + whole.saturating_sub(1) / 3).unwrap_or(u16::MAX)
}

/// Columns of the point and the digits after it.
fn fraction(text: &str) -> usize {
    text.find('.').map_or(0, |at| text.len() - at)
}
