//! Notes: a sentence on a decision, or on why there is none yet. A note is on one cell, or on the cells of a range, and goes to disk
//! like a decision.

use tui_input::Input;

use super::{Action, Ask, Cmd, Level, Model, decide, range::Range, say, stamp, view};
use crate::domain::{
    ledger::Act,
    plan::{Cell, Kind},
};

/// `m`: asks for the note, with the one that stands.
pub(super) fn ask(model: &mut Model) {
    let range = Range::of(model);
    let Some(review) = &model.review else { return };
    let (cells, label) = match (range, model.cell()) {
        (Some(range), _) => {
            let fits = |cell: &Cell| takes(model, *cell);
            let cells: Vec<Cell> = range.cells().iter().copied().filter(fits).collect();
            if cells.is_empty() {
                return say(model, Level::Look, format!("nothing to note {}", range.place()));
            }
            let label = range.label(cells.len());
            (cells, label)
        }
        (None, Some(cell)) => {
            let (plan, property) = (&review.plan, review.names.full(cell.property));
            if !takes(model, cell) {
                let state = plan.state(cell);
                let why = if plan.kind(cell) == Kind::Same { "same value" } else { state.words() };
                return say(model, Level::Look, format!("{property}: {why}; a note is on a change or a (0?)"));
            }
            (vec![cell], format!("{property} of {}", plan.facility(cell.facility).name))
        }
        (None, None) if view::on_facility(model) => {
            let text = format!("a note is on one cell: {} goes into the properties", model.keys.key(Action::Into));
            return say(model, Level::Look, text);
        }
        (None, None) => return say(model, Level::Look, "nothing is under the cursor"),
    };
    // The one that all of them have; where they differ nothing is put before the person that some do not say.
    let first = cells.first().and_then(|cell| review.ledger.note(*cell)).unwrap_or_default();
    let all = cells.iter().all(|cell| review.ledger.note(*cell).unwrap_or_default() == first);
    let input = Input::new(if all { first.to_owned() } else { String::new() });
    model.ask = Some(Ask::Note { cells, label, input });
}

/// Whether a note can be put on a cell, or taken from it.
fn takes(model: &Model, cell: Cell) -> bool {
    model
        .review
        .as_ref()
        .is_some_and(|review| Act::Reject.fits(&review.plan, cell) || review.ledger.note(cell).is_some())
}

/// Keeps the note that was typed, or takes it away where nothing was.
pub(super) fn answer(model: &mut Model, cells: Vec<Cell>, text: &str, label: &str, out: &mut Vec<Cmd>) {
    let stamp = stamp(model);
    let Some(review) = &mut model.review else { return };
    match review.ledger.put_note(&review.plan, cells, text, label, &stamp) {
        Ok(entry) => {
            let did = review.ledger.last_done().unwrap_or_default();
            say(model, Level::Ok, did);
            decide::record(model, entry, out);
        }
        Err(why) => say(model, Level::Look, why),
    }
}
