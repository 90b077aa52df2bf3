//! STOPs of whole properties: the reason that settles them, and what is said where one is in the way of a bulk approval
//! (review-ux.md rule 3, data-quality-flags.md section 5 point 6).

use std::collections::BTreeSet;

use tui_input::Input;

use super::{Ask, Cmd, Level, Model, decide, say, stamp};
use crate::{
    domain::{
        flags::Check,
        ledger::{SHORTEST_REASON, is_reason},
        plan::Cell,
        text,
    },
    tui::model::Review,
};

/// How many properties a sentence names.
const NAMED: usize = 2;
/// Columns a name has at least, however narrow the window.
const SHORTEST_NAME: usize = 12;
/// Columns of the status line that are no text.
const MARGINS: usize = 2;
/// The same where the next key stands beside it.
const BESIDE: usize = 12;

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

/// Settles with the reason that was typed.
pub(super) fn answer(model: &mut Model, property: u16, reason: &str, out: &mut Vec<Cmd>) {
    let (stamp, columns) = (stamp(model), usize::from(model.size.0));
    let Some(review) = &mut model.review else { return };
    let open: Vec<&str> = review.ledger.open_stops(&review.plan, property).map(|check| check.id.as_str()).collect();
    let open = format!("settled {} of", open.join(", "));
    match review.ledger.settle(&review.plan, property, reason, &stamp) {
        Ok(entry) => {
            review.last_reason = Some(reason.trim().to_owned());
            let next = "; A approves what has no flag";
            let name = short(review, property, columns.saturating_sub(open.len() + next.len() + BESIDE));
            say(model, Level::Ok, format!("{open} {name}{next}"));
            decide::record(model, entry, out);
        }
        Err(why) => say(model, Level::Look, why),
    }
}

/// Whether this is too short to be a reason; that is said.
pub(super) fn is_short(model: &mut Model, reason: &str) -> bool {
    let short = !is_reason(Some(reason));
    if short {
        say(model, Level::Look, format!("a reason of at least {SHORTEST_REASON} characters, or esc"));
    }
    short
}

/// `beds: open STOP C5; A on tab 2 settles it` and then `rest`, of the properties of these cells. Names are as short as the
/// window asks for, so that what to do is not cut off.
pub(super) fn open(review: &Review, columns: u16, cells: &[Cell], rest: &str) -> String {
    let properties: BTreeSet<u16> = cells.iter().map(|cell| cell.property).collect();
    let found: Vec<(u16, &str)> = properties
        .into_iter()
        .filter_map(|property| Some((property, review.ledger.blocks(&review.plan, property)?.id.as_str())))
        .collect();
    let room = |text: &str| usize::from(columns).saturating_sub(text.len() + MARGINS);
    if let [(property, id)] = found[..] {
        let text = format!(": open STOP {id}; A on tab 2 settles it{rest}");
        return short(review, property, room(&text)) + &text;
    }
    let text = format!(": open STOP; A on tab 2 settles each{rest}");
    let each = (room(&text) / NAMED).saturating_sub(" (C5), ".len());
    let name = |(property, id): &(u16, &str)| format!("{} ({id})", short(review, *property, each));
    let mut names: Vec<String> = found.iter().take(NAMED).map(name).collect();
    if found.len() > NAMED {
        names.push(format!("{} more", decide::number(found.len() - NAMED)));
    }
    names.join(", ") + &text
}

/// A property's name in about these columns, and still told from the others.
fn short(review: &Review, property: u16, columns: usize) -> String {
    let names: Vec<&str> = review.names.full.iter().map(String::as_str).collect();
    let mut names = text::shorten(&names, columns.max(SHORTEST_NAME));
    names.swap_remove(usize::from(property))
}

/// What a decision on a facility leaves because of them: `2 of properties with an open STOP stay`; empty for none.
pub(super) fn stay(cells: usize) -> String {
    match cells {
        0 => String::new(),
        1 => "1 of a property with an open STOP stays".to_owned(),
        n => format!("{} of properties with an open STOP stay", decide::number(n)),
    }
}
