//! What is listed: the filter applied, the properties of a facility, the column of a property. A view: no decision is
//! touched here.

use super::{Focus, Level, Model, Over, Screen, say, submit};
use crate::{
    domain::{
        flags::{Check, Severity},
        plan::{Cell, Kind, Plan, State},
        query::Filter,
        text,
    },
    tui::{
        hit,
        layout::{Layout, Shape, TALL},
        model::{Door, Hidden, Multiples, Names, Review},
        table::Grid,
    },
};

/// Applies the filter as it stands, so that lists settle. The cursor stays on its facility.
pub(super) fn settle(model: &mut Model) {
    let screen = model.screen;
    let column = model.layout_of(Screen::Properties).list_rows();
    let facilities = model.layout_of(Screen::Facilities);
    let Some(review) = &mut model.review else { return };
    // It was of rows that may stand elsewhere now.
    review.range = None;
    let found = review.filter.find(&review.plan, &review.ledger, review.unchanged, &mut review.shown);
    review.shown_changes = found.changes;
    let rows = review.sort.facilities(&review.plan, &review.ledger, &found, &review.shown);
    review.list.replace(rows, facilities.list_rows());
    fill_cells(review, facilities.cell_rows());
    // From Facilities the way to a column goes through its tab, which settles again.
    if screen != Screen::Facilities {
        fill_column(review, column);
    }
}

/// Applies these words, which are known to be a filter; others change nothing. Words about a state, a flag or a note ask for
/// cells without a change too, so these are shown as long as such words stand.
pub(super) fn apply(model: &mut Model, words: &str) {
    let Ok(filter) = Filter::parse(words) else { return };
    if let Some(review) = &mut model.review {
        review.unchanged = filter.names_unchanged() || review.with_unchanged;
        review.filter = filter;
    }
    settle(model);
}

/// Shows or hides what is unchanged.
pub(super) fn toggle_unchanged(model: &mut Model) {
    let Some(review) = &mut model.review else { return };
    review.unchanged = !review.unchanged;
    review.with_unchanged = review.unchanged;
    let text = if review.unchanged { "unchanged ones are shown" } else { "unchanged ones are hidden" };
    settle(model);
    say(model, Level::Ok, text);
}

/// Whether a cell is a row, as the filter stood when it was last applied. A flagged cell without a value is one unless some cells
/// are asked for.
pub(super) fn is_row(review: &Review, cell: Cell) -> bool {
    let missing = || review.plan.kind(cell) == Kind::Without && review.plan.severity(cell).is_some();
    review.is_shown(cell)
        || (review.unchanged && review.filter.unchanged(&review.plan, &review.ledger, cell))
        || (!review.filter.names_cells() && missing())
}

/// Lists the properties of the facility under the cursor. The cursor stays on its property; on another facility it is put
/// on the first undecided one.
pub(super) fn fill_cells(review: &mut Review, height: usize) {
    let before = review.cells.current();
    let facility = review.list.current();
    let rows: Vec<Cell> =
        facility.into_iter().flat_map(|f| review.plan.row(f)).filter(|cell| is_row(review, *cell)).collect();
    let mut hidden = Hidden::default();
    for cell in facility.into_iter().flat_map(|f| review.plan.row(f)).filter(|cell| !is_row(review, *cell)) {
        if review.plan.kind(cell) == Kind::Change {
            hidden.changes += 1;
        } else {
            hidden.unchanged += 1;
            let state = review.plan.state(cell);
            if let Some(at) = State::ALL.iter().position(|s| *s == state).filter(|_| !state.proposes()) {
                hidden.without[at] += 1;
            }
        }
    }
    review.hidden = hidden;
    let at = match before {
        Some(cell) if Some(cell.facility) == facility => rows.iter().position(|row| *row >= cell),
        _ => rows.iter().position(|cell| is_left(review, *cell, false)),
    };
    review.cells.all = rows;
    review.cells.go(at.unwrap_or(0), height);
}

/// Lists the facilities of the current property.
fn fill_column(review: &mut Review, height: usize) {
    let (plan, ledger, order) = (&review.plan, &review.ledger, (review.property, review.sort));
    let rows = review.filter.column(plan, ledger, order, &review.shown, review.unchanged);
    review.column_widths = super::read::widths(&review.plan, rows.iter().copied());
    review.column.replace(rows, height);
}

/// Opens the column of a property where it was left.
pub(super) fn show_property(review: &mut Review, property: u16, height: usize) {
    if property == review.property {
        return;
    }
    if let Some(cell) = review.column.current() {
        review.left_at.insert(review.property, cell.facility);
    }
    review.property = property;
    review.column.at = 0;
    fill_column(review, height);
    if let Some(facility) = review.left_at.get(&property) {
        review.column.find(Cell { facility: *facility, property }, height);
    }
}

/// Puts the cursors of Facilities on a cell, if it is listed.
pub(super) fn show_cell(review: &mut Review, cell: Cell, layout: &Layout) -> bool {
    if !review.list.find(cell.facility, layout.list_rows()) {
        return false;
    }
    fill_cells(review, layout.cell_rows());
    review.cells.find(cell, layout.cell_rows())
}

/// States without a number that a person has to look at, or to choose for.
pub(super) const EYES: [State; 5] =
    [State::ZeroNotStored, State::NonNumeric, State::NoAccess, State::FetchFailed, State::Conflict];

/// Puts the cursors on a cell, where the lists of the screen show it.
pub(super) fn go_to(model: &mut Model, cell: Cell) {
    let layout = model.layout();
    let screen = model.screen;
    let Some(review) = &mut model.review else { return };
    match screen {
        Screen::Properties if cell.property == review.property => _ = review.column.find(cell, layout.list_rows()),
        Screen::Facilities => _ = show_cell(review, cell, &layout),
        _ => {}
    }
}

/// Lists what Overview opens: what was not matched, what is left, and the properties, those with most left first.
pub(super) fn fill_doors(model: &mut Model) {
    let Some(review) = &mut model.review else { return };
    let mut properties: Vec<u16> = (0..review.plan.width()).collect();
    properties.sort_by_key(|property| {
        let tally = review.ledger.property(*property);
        (std::cmp::Reverse((tally.stop, tally.review, tally.left(), tally.changes)), *property)
    });
    let head = &review.plan.head;
    let unmatched = !review.plan.skipped().is_empty() || !head.without_case.is_empty();
    let mut doors: Vec<Door> = unmatched.then_some(Door::NotMatched).into_iter().collect();
    doors.extend((0..head.finer.len()).map(Door::Finer));
    doors.extend(review.reset_left().next().map(|_| Door::Reset));
    doors.extend([Door::Stop, Door::Review, Door::Plain]);
    let states = State::ALL.into_iter().zip(review.counts.states);
    doors.extend(
        states.filter(|(state, count)| EYES.contains(state) && *count > 0).map(|(state, _)| Door::State(state)),
    );
    doors.extend(properties.into_iter().map(Door::Property));
    let doors = with_checks(review, doors, model.size.1);
    review.doors.replace(doors, usize::MAX);
}

/// The doors with those of the mapping's problems and of the checks of properties before what is left, as many as a window of this
/// height has room for.
fn with_checks(review: &Review, mut doors: Vec<Door>, height: u16) -> Vec<Door> {
    doors.retain(|door| !matches!(door, Door::Check(_) | Door::Mapping(_)));
    let at = doors.iter().position(|door| *door == Door::Stop).unwrap_or(doors.len());
    let most = if height < TALL { MOST_PROBLEMS.1 } else { MOST_PROBLEMS.0 };
    let problems = (0..review.plan.head.mapping_problems.len().min(most)).map(Door::Mapping);
    doors.splice(at..at, problems.chain(checks(review, height).into_iter().map(Door::Check)));
    doors
}

/// Most problems of the mapping that are a line of Overview each; in a low window fewer.
const MOST_PROBLEMS: (usize, usize) = (8, 3);

/// Most REVIEW checks of properties that are a line of Overview each; in a low window most of all.
const MOST_CHECKS: (usize, usize) = (6, 3);

/// The checks of properties that are a line of Overview each, as places in the head: every STOP, then the first REVIEW, in the order
/// of the properties; those that were settled last. In a low window only the first of these, so that what is left to decide is
/// still seen.
fn checks(review: &Review, height: u16) -> Vec<usize> {
    let plan = &review.plan;
    let of = |severity: Severity| {
        let check = move |(at, check): (usize, &Check)| {
            let property = plan.find_property(check.property.as_deref()?)?;
            let settled = review.ledger.settled(property, check).is_some();
            (check.severity == severity).then_some((settled, property, at))
        };
        let mut found: Vec<(bool, u16, usize)> = plan.head.checks.iter().enumerate().filter_map(check).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, _, at)| at)
    };
    let (reviews, most) = if height < TALL { (MOST_CHECKS.1, MOST_CHECKS.1) } else { (MOST_CHECKS.0, usize::MAX) };
    of(Severity::Stop).chain(of(Severity::Review).take(reviews)).take(most).collect()
}

/// Keeps the cursor of Properties inside its window, which is lower where more is said of a property as a whole; and counts
/// again what is left of the property, where that changed.
pub(super) fn in_sight(model: &mut Model) {
    if model.wide {
        // Which pane has the room follows the keys.
        fit(model);
    }
    if model.screen == Screen::Submit {
        submit::in_sight(model);
    }
    let rows = model.layout_of(Screen::Properties).list_rows();
    let is_seen = model.screen == Screen::Properties;
    let Some(review) = &mut model.review else { return };
    // A window too small shows no rows, so that it moves none: when it grows again everything is where it was.
    if rows > 0 {
        review.column.go(review.column.at, rows);
    }
    let tally = review.ledger.property(review.property);
    if is_seen && review.counts.usual && !review.multiples.are_of(review.property, tally) {
        review.multiples = Multiples::of(&review.plan, &review.ledger, review.property);
    }
}

/// Keeps cursors inside their windows and names short enough after the size changed.
pub(super) fn fit(model: &mut Model) {
    if model.layout().shape == Shape::TooSmall {
        return;
    }
    let over = usize::from(hit::rows_over(model, &model.layout()).height);
    match &mut model.over {
        Some(Over::Picks { rows, .. }) => rows.go(rows.at, over),
        Some(Over::Changes(changes)) => changes.rows.go(changes.rows.at, over),
        _ => {}
    }
    let column = model.layout_of(Screen::Properties).list_rows();
    let facilities = model.layout_of(Screen::Facilities);
    let height = model.size.1;
    let Some(review) = &mut model.review else { return };
    if !review.doors.all.is_empty() {
        let doors = with_checks(review, review.doors.all.clone(), height);
        review.doors.replace(doors, usize::MAX);
    }
    review.column.go(review.column.at, column);
    review.list.go(review.list.at, facilities.list_rows());
    review.cells.go(review.cells.at, facilities.cell_rows());
    let columns = Grid::properties(facilities.cells.width, review.widths, review.counts.usual).name;
    if review.names.columns != columns && facilities.cells.width > 0 {
        review.names.columns = columns;
        let full: Vec<&str> = review.names.full.iter().map(String::as_str).collect();
        review.names.short = text::shorten(&full, columns);
    }
}

/// Names of the properties, not shortened yet.
pub(super) fn names(plan: &Plan) -> Names {
    let inert: Vec<String> = plan.properties().iter().map(|p| text::inert(&p.name).into_owned()).collect();
    let all: Vec<&str> = inert.iter().map(String::as_str).collect();
    let start = text::common_start(&all).to_owned();
    let full = inert.iter().map(|name| name[start.len()..].to_owned()).collect();
    Names { start, full, ..Names::default() }
}

/// Whether a change is undecided, and flagged where that is asked for. A cell that reads `(0?)` is looked for where the filter
/// asks for those.
pub(super) fn is_left(review: &Review, cell: Cell, flagged: bool) -> bool {
    let zero = review.filter.names_zero() && review.plan.may_be_zero(cell);
    (review.plan.kind(cell) == Kind::Change || zero)
        && review.ledger.verdict(&review.plan, cell).is_none()
        && (!flagged || review.plan.severity(cell) >= Some(Severity::Review))
}

/// What the cursor's pane is, for messages.
pub(super) fn on_facility(model: &Model) -> bool {
    model.screen == Screen::Facilities && model.focus == Focus::List
}

/// Widens the pane that has the keys, or gives the others their room back.
pub(super) fn widen(model: &mut Model) {
    model.wide = !model.wide;
    fit(model);
}
