//! Why a key of Data sets does nothing now.

use std::ops::ControlFlow;

use super::Action;
use crate::{
    domain::text::inert,
    tui::{
        explorer::Looked,
        model::{Model, Over},
        screen::{Focus, Screen},
    },
};

/// Breaks off with why an action of Data sets cannot be done now, with `None` where it can. Goes on where it is none of these, or the
/// keys are somewhere else.
pub(super) fn why_not(model: &Model, action: Action) -> ControlFlow<Option<String>> {
    if model.screen != Screen::DataSets || matches!(model.over, Some(Over::Changes(_))) {
        return ControlFlow::Continue(());
    }
    let explorer = &model.explorer;
    let why = match action {
        Action::Undo if explorer.chosen.is_empty() => Some("nothing to undo: nothing is chosen here"),
        Action::Redo if explorer.undone.is_empty() => Some("nothing to redo"),
        Action::Undo | Action::Redo => being_written(model),
        Action::Copy if explorer.entry().is_none() => Some("nothing is under the cursor"),
        Action::Open if matches!(explorer.looked, Looked::Failed(_)) => None,
        Action::Open | Action::Into => return ControlFlow::Break(no_candidates(model)),
        Action::NextPane | Action::PreviousPane if model.focus == Focus::List => {
            return ControlFlow::Break(no_candidates(model));
        }
        Action::Take if explorer.candidate().is_none() => Some("nothing to choose from"),
        Action::Take => not_now(model).or_else(|| being_written(model)),
        Action::Values if explorer.entry().is_none() => Some("there are no candidates yet"),
        Action::Search if explorer.entry().is_none() => Some("there is no row to search for yet"),
        Action::WriteMapping => return ControlFlow::Break(cannot_write(model)),
        Action::Copy | Action::NextPane | Action::PreviousPane | Action::Values | Action::Search => None,
        _ => return ControlFlow::Continue(()),
    };
    ControlFlow::Break(why.map(str::to_owned))
}

/// Why there are no candidates to go to.
fn no_candidates(model: &Model) -> Option<String> {
    let explorer = &model.explorer;
    if explorer.entry().is_none() {
        return Some("there is no row yet".to_owned());
    }
    let search = model.keys.key(Action::Search);
    explorer.shown().is_empty().then(|| format!("no candidate was found for this row; {search} searches all data sets"))
}

fn being_written(model: &Model) -> Option<&'static str> {
    model.explorer.writing.then_some("the mapping is being written")
}

/// Why nothing can be chosen or written: what is shown is being asked for again.
fn not_now(model: &Model) -> Option<&'static str> {
    match model.explorer.looked {
        Looked::Ready => None,
        Looked::Failed(_) => Some("what is shown is of before; enter in the rows asks again"),
        Looked::Idle | Looked::Asking(_) => Some("DHIS2 is still being asked; choose when it has answered"),
    }
}

/// Why the mapping cannot be written.
fn cannot_write(model: &Model) -> Option<String> {
    let explorer = &model.explorer;
    let Some(mapped) = &explorer.mapped else { return Some("the mapping was not read yet".to_owned()) };
    if let Some(why) = &mapped.fixed {
        return Some(format!("{} cannot be written: {why}", inert(&mapped.label)));
    }
    if let Some(why) = being_written(model) {
        return Some(why.to_owned());
    }
    if explorer.chosen.is_empty() {
        return Some("nothing is chosen, so there is nothing to write".to_owned());
    }
    let asking = matches!(explorer.looked, Looked::Idle | Looked::Asking(_));
    asking.then(|| "the mapping is being looked up again; write when that ended".to_owned())
}
