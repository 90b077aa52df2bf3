//! Zeros that DHIS2 may not have stored: the choice between 0 and the old value for a whole property or facility at once, asked
//! with its own count and never part of another bulk decision.

use super::{
    Action, Ask, Cmd, Level, Model, Screen,
    decide::{self, Decision, number, plural, stays},
    say,
};
use crate::{
    domain::{ledger::Act, plan::Cell},
    tui::model::{Rest, Zeros},
};

/// `O`: asks for all cells that read `(0?)` in the property of Properties, or in the facility under the cursor.
pub(super) fn ask(model: &mut Model) {
    let Some(review) = &model.review else { return };
    let (name, rest) = match (model.screen, review.list.current()) {
        (Screen::Properties, _) => (review.names.full(review.property).to_owned(), Rest::Property(review.property)),
        (_, Some(facility)) => (review.plan.facility(facility).name.clone(), Rest::Facility(facility)),
        _ => return,
    };
    let here = |cell: &Cell| match rest {
        Rest::Property(property) => cell.property == property,
        Rest::Facility(facility) => cell.facility == facility,
        Rest::All | Rest::Range => false,
    };
    let found = review.filter.decidable(&review.plan, &review.ledger).filter(here);
    let open = review.ledger.undecided_zeros(&review.plan, found);
    let (plain, flagged) = (open.plain.clone(), stays(open.review.len(), open.stop.len(), open.blocked.len()));
    let (all, within) = (open.all(), format!("in {name}"));
    if all.is_empty() {
        return say(model, Level::Look, format!("no undecided (0?) {within} is shown"));
    }
    let read = if all.len() == 1 { "reads" } else { "read" };
    let question = format!("{} {within} {read} (0?): DHIS2 may not have stored a 0.", plural(all.len(), "cell"));
    let stays = if flagged.is_empty() || plain.is_empty() { flagged } else { format!("0 leaves: {flagged}") };
    model.ask = Some(Ask::Zeros(Zeros { plain, all, question, stays, within, rest }));
}

/// `0` or `r` to that question.
pub(super) fn answer(model: &mut Model, action: Action, out: &mut Vec<Cmd>) {
    let Some(Ask::Zeros(Zeros { plain, all, within, rest, .. })) = model.ask.take() else { return };
    let (act, cells) = if action == Action::Zeros { (Act::Zero, plain) } else { (Act::Reject, all) };
    if cells.is_empty() {
        return say(
            model,
            Level::Look,
            format!(
                "every (0?) {within} has a flag, or its property an open STOP: 0 for each on its own; nothing was decided"
            ),
        );
    }
    let label = format!("{} (0?) {within}", number(cells.len()));
    decide::decide(model, Decision { act, cells, reason: None, label, advance: false, rest, blocked: 0 }, out);
}
