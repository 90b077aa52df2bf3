//! Why a key does nothing now, in words for the status line and the help.

use std::ops::ControlFlow;

use super::Action;
use crate::{
    domain::{head::NOT_READ, plan::State},
    job::reach::Finer,
    tui::{
        model::{Ask, Model, Over, Review, Stage},
        screen::{Focus, Screen},
    },
};

mod datasets;

/// Why an action cannot be done now; `None` where it can.
pub fn why_not(model: &Model, action: Action) -> Option<String> {
    use Action::{
        Approve, ApproveAll, By, Check, Choose, Clear, ClearAll, Copy, CopyAll, Export, Filter, KeepOld, ListAll,
        ListFlagged, Log, Make, Next, NextFlag, NextPane, Note, Pause, Pick, Previous, PreviousFlag, PreviousPane,
        Range, RangeDown, RangeUp, Redo, Reject, RejectAll, Send, Settle, Sort, StopAfterForm, Tab, TakeBack, Toggle,
        Unchanged, Undo, Widen, WriteForms, Zero, ZeroAll, Zeros,
    };
    let review = model.review.as_ref();
    if let ControlFlow::Break(why) = at_once(model, action) {
        return why;
    }
    let why = match action {
        Tab(Screen::Submit) | Check | Send | Settle | WriteForms if model.is_read_again() => {
            Some("both sides are being read again; what is submitted is known when that ended")
        }
        Make(finer) => not_offered(model, finer),
        TakeBack if !matches!(&model.ask, Some(Ask::Finer(asked)) if asked.chosen.is_some()) => {
            Some("nothing is chosen for it")
        }
        Tab(Screen::Overview | Screen::DataSets) => None,
        Tab(_) | Filter | Unchanged | Next | Previous | NextFlag | PreviousFlag | Pick | Sort | By(_) | Widen
        | Range | RangeDown | RangeUp | Export
            if review.is_none() =>
        {
            Some("nothing is read yet")
        }
        Approve | Reject | Clear | Toggle | Zero | ZeroAll | Zeros | KeepOld | ApproveAll | RejectAll | ClearAll
        | Undo | Redo => cannot_decide(model),
        Note => cannot_decide(model).or_else(|| under_cursor(model)),
        Range | RangeDown | RangeUp => under_cursor(model),
        Copy | CopyAll => cannot_copy(model),
        Export => nothing_shown(model),
        Choose if matches!(&model.over, Some(Over::Picks { rows, .. }) if rows.current().is_none()) => {
            Some("nothing to choose from")
        }
        ListAll | ListFlagged => cannot_list(model, action),
        NextPane | PreviousPane if !matches!(model.screen, Screen::Facilities | Screen::DataSets) => {
            Some("this screen has one pane")
        }
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
    why.map(str::to_owned).or_else(|| nothing_to(model, action))
}

/// What is known without a look at the review: what may not be written, and the keys of Data sets.
fn at_once(model: &Model, action: Action) -> ControlFlow<Option<String>> {
    let here = datasets::why_not(model, action);
    if let Some(why) = &model.run.read_only
        && action.writes()
        && (here.is_continue() || action == Action::WriteMapping)
    {
        return ControlFlow::Break(Some(why.clone()));
    }
    here?;
    let read = matches!(action, Action::Read | Action::Make(_) | Action::TakeBack);
    match cannot_read(model).filter(|_| read) {
        Some(why) => ControlFlow::Break(Some(why)),
        None => ControlFlow::Continue(()),
    }
}

/// Why there is nothing an action could be done with.
fn nothing_to(model: &Model, action: Action) -> Option<String> {
    use Action::{ListFlagged, Redo, Undo, Zero, ZeroAll};
    let review = model.review.as_ref();
    match action {
        Undo if review.is_some_and(|r| r.ledger.last_done().is_none()) => Some("nothing to undo".to_owned()),
        Undo if review.is_some_and(|r| r.ledger.last_is_sent()) => {
            Some("sent already: onse undo FILE -o FILE2 makes a review that puts the values before back".to_owned())
        }
        Redo if review.is_some_and(|r| r.ledger.last_undone().is_none()) => Some("nothing to redo".to_owned()),
        Zero => review.and_then(|review| no_zero(model, review)),
        ListFlagged if !has_flagged(model) => Some("no change that would be written has a flag".to_owned()),
        ZeroAll if !has_zeros(model) => Some("no cell here reads (0?) and is undecided".to_owned()),
        _ => None,
    }
}

/// Why 0 cannot be written for what the cursor is on.
fn no_zero(model: &Model, review: &Review) -> Option<String> {
    let Some(cell) = model.cell() else {
        let (into, all) = (model.keys.key(Action::Into), model.keys.key(Action::ZeroAll));
        return Some(format!(
            "this is for one cell that reads (0?): {into} goes into the properties; {all} asks for all of the facility"
        ));
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

/// Why nothing can be done with what the cursor is on: nothing is.
fn under_cursor(model: &Model) -> Option<&'static str> {
    let Some(review) = &model.review else { return Some("nothing is read yet") };
    let is_there = match (model.screen, model.focus) {
        (Screen::Facilities, Focus::List) => review.list.current().is_some(),
        _ => model.cell().is_some(),
    };
    (!is_there).then_some("nothing is under the cursor")
}

/// Why nothing can be copied.
fn cannot_copy(model: &Model) -> Option<&'static str> {
    match (&model.over, model.screen) {
        (Some(Over::Changes(changes)), _) => changes.rows.current().is_none().then_some("nothing is under the cursor"),
        (None, Screen::Properties | Screen::Facilities) => under_cursor(model),
        (None, Screen::Submit) => {
            let forms = match &model.submit.stage {
                Stage::Sending(sending) | Stage::Ended(sending) => sending.forms.as_slice(),
                _ => &[],
            };
            forms.is_empty().then_some("there is no form yet")
        }
        _ => Some("nothing here is copied"),
    }
}

/// Why nothing can be exported: no row is shown where rows are reviewed.
fn nothing_shown(model: &Model) -> Option<&'static str> {
    let review = model.review.as_ref()?;
    let is_shown = match model.screen {
        Screen::Properties => !review.column.all.is_empty(),
        Screen::Facilities => !review.list.all.is_empty(),
        _ => true,
    };
    (!is_shown).then_some("nothing is shown; esc clears the filter")
}

/// Why what would be written cannot be listed.
fn cannot_list(model: &Model, action: Action) -> Option<&'static str> {
    match &model.submit.stage {
        Stage::Ready(check) if check.changes > 0 || action == Action::ListFlagged => None,
        Stage::Ready(_) => Some("no approved change to write"),
        _ => Some("the checks are not done"),
    }
}

/// Whether a change that would be written has a flag. The largest ones begin with those.
fn has_flagged(model: &Model) -> bool {
    let first = model.submit.biggest.first();
    let flagged = |review: &Review| first.is_some_and(|cell| review.plan.severity(*cell).is_some());
    model.review.as_ref().is_some_and(flagged)
}

/// Whether an undecided cell where the cursor is reads `(0?)`: in the facility, or in Properties in the property.
fn has_zeros(model: &Model) -> bool {
    let Some(review) = &model.review else { return false };
    let tally = match model.screen {
        Screen::Properties => Some(review.ledger.property(review.property)),
        Screen::Facilities => review.list.current().map(|facility| review.ledger.facility(facility)),
        Screen::Overview | Screen::Submit | Screen::DataSets => None,
    };
    tally.is_some_and(|tally| tally.maybe_left() > 0)
}

/// Why no decision can be made at all.
fn cannot_decide(model: &Model) -> Option<&'static str> {
    let Some(review) = &model.review else { return Some("nothing is read yet") };
    if model.is_read_again() {
        Some("both sides are being read again; decisions wait until that ended")
    } else if model.submit.is_sending() {
        Some("a submit is running; decisions wait until it ended")
    } else if review.is_saving() {
        Some("the last decision is still being saved")
    } else {
        None
    }
}

/// Why both sides cannot be read, or read again; `None` where they can.
fn cannot_read(model: &Model) -> Option<String> {
    let Some(review) = &model.review else {
        return model.reading.as_ref().map(|_| "both sides are being read already; esc on tab 1 stops that".to_owned());
    };
    if review.plan.head.undo.is_some() {
        return Some(format!("not read again: {NOT_READ}"));
    }
    if let Some(why) = model.run.read_only.as_ref().or(model.run.not_again.as_ref()) {
        return Some(format!("not read again: {why}"));
    }
    let why = match &model.submit.stage {
        _ if model.is_read_again() => "both sides are being read already; ctrl-c, or esc on tab 1, stops that",
        _ if review.is_saving() => "the last decision is still being saved",
        Stage::Sending(_) => "forms are being sent; read again when that ended",
        Stage::Checking => "the checks before sending are under way; read again when they ended",
        Stage::Ended(sending) if sending.accepted + sending.unknown > 0 => {
            let key = model.keys.key(Action::Settle);
            return Some(format!("what was sent is not settled: {key} on tab 4 settles it, then read again"));
        }
        _ => return None,
    };
    Some(why.to_owned())
}

/// Why a choice cannot be made for the data set that is asked for.
fn not_offered(model: &Model, finer: Finer) -> Option<&'static str> {
    let Some(Ask::Finer(asked)) = &model.ask else { return Some("no data set is asked for") };
    if asked.chosen == Some(finer) {
        return Some("that is chosen already");
    }
    (!asked.offered.contains(&finer)).then_some("that is right for none of its data elements, so it is not offered")
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
