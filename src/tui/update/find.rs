//! Going to what is left: next and previous undecided, flagged or not, in the order of the lists.

use super::{Focus, Level, Model, Screen, say, view};
use crate::{
    domain::{plan::Cell, value::grouped},
    tui::{
        layout::Layout,
        model::{Newest, Review},
    },
};

/// Where to look, seen from the cursor.
#[derive(Clone, Copy)]
struct Way {
    forward: bool,
    flagged: bool,
    /// Whether to go on at the other end.
    round: bool,
}

/// `n`, `p`, `]`, `[`: goes on at the other end when there is no more on this side, and says so.
pub(super) fn next(model: &mut Model, forward: bool, flagged: bool) {
    if go(model, Way { forward, flagged, round: false }) {
        return;
    }
    if go(model, Way { forward, flagged, round: true }) {
        say(model, Level::Ok, if forward { "went on from the top" } else { "went on from the bottom" });
        model.newest = Newest::Passes;
        return;
    }
    let Some(review) = &model.review else { return };
    let left = review.ledger.all();
    let (count, what) =
        if flagged { (left.stop + left.review, "flagged and undecided") } else { (left.left(), "undecided") };
    let text = match count {
        0 => format!("nothing {what} is left in the whole review"),
        n => format!("nothing {what} is shown here; {} in the whole review", grouped(&n.to_string())),
    };
    say(model, Level::Ok, text);
}

/// To the next undecided after a decision; stays where there is none further down.
pub(super) fn advance(model: &mut Model) {
    go(model, Way { forward: true, flagged: false, round: false });
}

fn go(model: &mut Model, way: Way) -> bool {
    let layout = model.layout();
    let (screen, focus) = (model.screen, model.focus);
    let Some(review) = &mut model.review else { return false };
    match (screen, focus) {
        (Screen::Properties, _) => {
            let found = scan(review.column.all.len(), review.column.at, way, |at| {
                view::is_left(review, review.column.all[at], way.flagged)
            });
            found.map(|at| review.column.go(at, layout.list_rows())).is_some()
        }
        (_, Focus::List) => {
            let found = scan(review.list.all.len(), review.list.at, way, |at| {
                let facility = review.list.all[at];
                has_left(review, facility, way.flagged)
                    && shown(review, facility).any(|cell| view::is_left(review, cell, way.flagged))
            });
            if let Some(at) = found {
                review.list.go(at, layout.list_rows());
                view::fill_cells(review, layout.cell_rows());
            }
            found.is_some()
        }
        (_, Focus::Cells) => cell(review, &layout, way),
    }
}

/// The next cell in the facility under the cursor, then in the facilities after it.
fn cell(review: &mut Review, layout: &Layout, way: Way) -> bool {
    let here = Way { round: false, ..way };
    let rows = &review.cells.all;
    if let Some(at) = scan(rows.len(), review.cells.at, here, |at| view::is_left(review, rows[at], way.flagged)) {
        review.cells.go(at, layout.cell_rows());
        return true;
    }
    let wanted = |facility: u32| {
        if !has_left(review, facility, way.flagged) {
            return None;
        }
        let mut cells = shown(review, facility).filter(|cell| view::is_left(review, *cell, way.flagged));
        if way.forward { cells.next() } else { cells.next_back() }
    };
    let Some(at) = scan(review.list.all.len(), review.list.at, way, |at| wanted(review.list.all[at]).is_some()) else {
        return false;
    };
    wanted(review.list.all[at]).is_some_and(|cell| view::show_cell(review, cell, layout))
}

/// Whether anything in a facility is left, listed or not: its counts say so without a look at its cells.
fn has_left(review: &Review, facility: u32, flagged: bool) -> bool {
    let tally = review.ledger.facility(facility);
    // A cell that reads `(0?)` is no change; where those are looked for, its flag is not among the counts.
    let zeros = review.filter.names_zero() && tally.maybe_left() > 0;
    zeros || if flagged { tally.stop + tally.review > 0 } else { tally.left() > 0 }
}

/// The cells of a facility that are listed.
fn shown(review: &Review, facility: u32) -> impl DoubleEndedIterator<Item = Cell> + '_ {
    review.plan.row(facility).filter(|cell| view::is_row(review, *cell))
}

/// The nearest row for which `is` holds, leaving out the one at the cursor unless it is come round to.
fn scan(len: usize, at: usize, way: Way, is: impl Fn(usize) -> bool) -> Option<usize> {
    let (after, before) = ((at + 1).min(len)..len, 0..(at + 1).min(len));
    match (way.forward, way.round) {
        (true, false) => after.into_iter().find(|at| is(*at)),
        (true, true) => before.into_iter().find(|at| is(*at)),
        (false, false) => (0..at.min(len)).rev().find(|at| is(*at)),
        (false, true) => (at.min(len)..len).rev().find(|at| is(*at)),
    }
}
