//! STOPs of whole properties: the reason that settles them, and what is said where one is in the way of a bulk approval
//! (review-ux.md rule 3, data-quality-flags.md section 5 point 6).

use std::collections::BTreeSet;

use tui_input::Input;

use super::{Ask, Cmd, Level, Model, decide, say, stamp};
use crate::{
    domain::{flags::Check, ledger::SHORTEST_REASON, plan::Cell},
    tui::model::Review,
};

/// How many properties a sentence names.
const NAMED: usize = 2;

/// Asks for the reason that settles the STOPs of the property of Properties, if one is open. Whether it asks.
pub(super) fn ask(model: &mut Model) -> bool {
    let Some(review) = &model.review else { return false };
    let open: Vec<String> = review.ledger.open_stops(&review.plan, review.property).map(Check::statement).collect();
    if open.is_empty() {
        return false;
    }
    let (property, statements) = (review.property, open.join("; "));
    let name = review.plan.property(property).name.clone();
    model.ask = Some(Ask::Settle { property, name, statements, input: Input::default() });
    true
}

/// Settles with the reason that was typed, or asks on where that is too short.
pub(super) fn answer(model: &mut Model, property: u16, reason: &str, out: &mut Vec<Cmd>) {
    let stamp = stamp(model);
    let Some(review) = &mut model.review else { return };
    match review.ledger.settle(&review.plan, property, reason, &stamp) {
        Ok(entry) => {
            review.last_reason = Some(reason.trim().to_owned());
            let done = review.ledger.last_done().unwrap_or_default();
            say(model, Level::Ok, format!("{done}; A approves what has no flag"));
            decide::record(model, entry, out);
        }
        Err(why) => say(model, Level::Look, why),
    }
}

/// Whether this is too short to be a reason; that is said.
pub(super) fn is_short(model: &mut Model, reason: &str) -> bool {
    let short = reason.trim().chars().count() < SHORTEST_REASON;
    if short {
        say(model, Level::Look, format!("a reason of at least {SHORTEST_REASON} characters, or esc"));
    }
    short
}

/// `dhis_beds has an open STOP (C5): A on tab 2 settles it`, of the properties of these cells.
pub(super) fn open(review: &Review, cells: &[Cell]) -> String {
    let properties: BTreeSet<u16> = cells.iter().map(|cell| cell.property).collect();
    let named = |property: &u16| {
        let check = review.ledger.blocks(&review.plan, *property)?;
        Some((review.plan.property(*property).name.as_str(), check.id.as_str()))
    };
    let found: Vec<(&str, &str)> = properties.iter().filter_map(named).collect();
    if let [(name, id)] = found[..] {
        return format!("{name} has an open STOP ({id}): A on tab 2 settles it");
    }
    let mut names: Vec<String> = found.iter().take(NAMED).map(|(name, id)| format!("{name} ({id})")).collect();
    if found.len() > NAMED {
        names.push(format!("{} more", decide::number(found.len() - NAMED)));
    }
    let last = names.pop().unwrap_or_default();
    format!("{} and {last} have an open STOP: A on tab 2 settles each", names.join(", "))
}

/// What a decision on a facility leaves because of them: `2 of properties with an open STOP stay`; empty for none.
pub(super) fn stay(cells: usize) -> String {
    match cells {
        0 => String::new(),
        1 => "1 of a property with an open STOP stays".to_owned(),
        n => format!("{} of properties with an open STOP stay", decide::number(n)),
    }
}
