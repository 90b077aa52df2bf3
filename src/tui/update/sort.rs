//! By what the lists are sorted. A view: no decision is touched, and the cursor stays on its facility.

use super::{Level, Model, say, view};
use crate::{domain::query::Sort, tui::model::Ask};

/// `s`.
pub(super) fn ask(model: &mut Model) {
    model.ask = Some(Ask::Sort);
}

/// A key of that question. The same order again puts what was decided since in its place.
pub(super) fn by(model: &mut Model, sort: Sort) {
    model.ask = None;
    let Some(review) = &mut model.review else { return };
    review.sort = sort;
    view::settle(model);
    say(model, Level::Ok, format!("sorted by {}", sort.name()));
}
