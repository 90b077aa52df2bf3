//! Why a key does nothing now, in words for the status line and the help.

use super::Action;
use crate::{
    domain::plan::State,
    tui::{
        model::{Model, Review, Stage},
        screen::Screen,
    },
};

/// Why an action cannot be done now; `None` where it can.
pub fn why_not(model: &Model, action: Action) -> Option<String> {
    use Action::{
        Approve, ApproveAll, Clear, ClearAll, Filter, KeepOld, Log, Next, NextFlag, NextPane, Pause, Previous,
        PreviousFlag, PreviousPane, Redo, Reject, RejectAll, Send, Settle, StopAfterForm, Tab, Toggle, Unchanged, Undo,
        WriteForms, Zero, ZeroAll, Zeros,
    };
    let review = model.review.as_ref();
    if let Some(why) = &model.run.read_only
        && writes(action)
    {
        return Some(why.clone());
    }
    let why = match action {
        Tab(Screen::Overview) => None,
        Tab(_) | Filter | Unchanged | Next | Previous | NextFlag | PreviousFlag if review.is_none() => {
            Some("nothing is read yet")
        }
        Approve | Reject | Clear | Toggle | Zero | ZeroAll | Zeros | KeepOld | ApproveAll | RejectAll | ClearAll
        | Undo | Redo => cannot_decide(model),
        NextPane | PreviousPane if model.screen != Screen::Facilities => Some("this screen has one pane"),
        Send | WriteForms => match &model.submit.stage {
            Stage::Ready(check) if check.changes == 0 => Some("no approved change to write"),
            Stage::Ready(_) => None,
            _ => Some("the checks are not done"),
        },
        Settle => cannot_settle(model),
        StopAfterForm if model.submit.stopping => Some("already stopping after this form"),
        Pause if model.submit.stopping => Some("stopping after this form"),
        Log if model.log.is_empty() => Some("no message yet"),
        _ => None,
    };
    why.map(str::to_owned).or_else(|| match action {
        Undo if review.is_some_and(|r| r.ledger.last_done().is_none()) => Some("nothing to undo".to_owned()),
        Undo if review.is_some_and(|r| r.ledger.last_is_sent()) => {
            Some("sent already: it can be undone only in CommCare, by archiving the form".to_owned())
        }
        Redo if review.is_some_and(|r| r.ledger.last_undone().is_none()) => Some("nothing to redo".to_owned()),
        Zero => review.and_then(|review| no_zero(model, review)),
        ZeroAll if !has_zeros(model) => Some("no cell here reads (0?) and is undecided".to_owned()),
        _ => None,
    })
}

/// Whether an action ends in the review file.
fn writes(action: Action) -> bool {
    use Action::{
        Approve, ApproveAll, Clear, ClearAll, KeepOld, Redo, Reject, RejectAll, Send, Settle, Toggle, Undo, Zero,
        ZeroAll, Zeros,
    };
    matches!(
        action,
        Approve
            | Reject
            | Clear
            | Toggle
            | Zero
            | ZeroAll
            | Zeros
            | KeepOld
            | ApproveAll
            | RejectAll
            | ClearAll
            | Undo
            | Redo
            | Send
            | Settle
    )
}

/// Why 0 cannot be written for what the cursor is on.
fn no_zero(model: &Model, review: &Review) -> Option<String> {
    let Some(cell) = model.cell() else {
        return Some(
            "0 is for one cell that reads (0?): l goes into the properties; O asks for all of the facility".to_owned(),
        );
    };
    let property = review.names.full(cell.property);
    let why = match review.plan.state(cell) {
        _ if review.plan.may_be_zero(cell) => return None,
        State::ZeroNotStored => "the case holds 0 already; nothing to decide".to_owned(),
        state if state.proposes() => "DHIS2 holds a number; 0 is for cells that read (0?)".to_owned(),
        state => format!("{}; 0 is for cells that read (0?)", state.words()),
    };
    Some(format!("{property}: {why}"))
}

/// Whether an undecided cell where the cursor is reads `(0?)`: in the facility, or in Properties in the property.
fn has_zeros(model: &Model) -> bool {
    let Some(review) = &model.review else { return false };
    let tally = match model.screen {
        Screen::Properties => Some(review.ledger.property(review.property)),
        Screen::Facilities => review.list.current().map(|facility| review.ledger.facility(facility)),
        Screen::Overview | Screen::Submit => None,
    };
    tally.is_some_and(|tally| tally.maybe_left() > 0)
}

/// Why no decision can be made at all.
fn cannot_decide(model: &Model) -> Option<&'static str> {
    let Some(review) = &model.review else { return Some("nothing is read yet") };
    if model.submit.is_sending() {
        Some("a submit is running; decisions wait until it ended")
    } else if review.is_saving() {
        Some("the last decision is still being saved")
    } else {
        None
    }
}

/// Why what was sent cannot be settled by itself. A submission settles it first, so approved changes go the way of the count.
fn cannot_settle(model: &Model) -> Option<&'static str> {
    let open = match &model.submit.stage {
        Stage::Ended(sending) => sending.accepted + sending.unknown,
        _ => 0,
    };
    let waiting = model.unsent() > 0;
    match (open, waiting) {
        (0, _) => Some("everything that was sent is settled"),
        (_, true) => Some("more is approved: check again and type the count; what is open is settled first"),
        _ => None,
    }
}
