//! Lines of text and questions: filter, reason, help search, yes or no. A pasted text only ever lands here.

use tui_input::{Input, InputRequest};

use super::{
    Action, Ask, Cmd, Level, Model, Over, Press, act, datasets, decide, input, note, say, settle, submit, view,
};
use crate::{
    domain::{
        ledger::{Act, LONGEST_NOTE},
        query::Filter,
    },
    tui::{
        keymap::{self, Scope, TABLE, scopes},
        model::{Rows, Sure, Wanted},
        parts,
    },
};
use crossterm::event::KeyCode;

/// Longest line of text a prompt takes, in characters.
const LONGEST: usize = LONGEST_NOTE;

/// Opens the filter with the words it has.
pub(super) fn filter(model: &mut Model) {
    let text = model.review.as_ref().map(|review| review.filter.text().to_owned()).unwrap_or_default();
    model.ask = Some(Ask::Filter { input: Input::new(text), wrong: None });
}

/// Opens the help of the screen under it.
pub(super) fn help(model: &mut Model) {
    let rows = Rows { all: keymap::help(model, ""), ..Rows::default() };
    model.over = Some(Over::Help { input: Input::default(), rows });
}

/// A key that is no row of the table: text for the prompt that is open, or nothing.
pub(super) fn typed(model: &mut Model, press: Press) {
    if let Some(request) = request(press).filter(|_| input::is_typing(model)) {
        edit(model, [request]);
    }
}

/// A pasted text. It never runs a key: without a prompt it is dropped, and what would act in a line becomes a space.
pub(super) fn paste(model: &mut Model, text: &str) {
    if !input::is_typing(model) {
        let counted = scopes(model).contains(&Scope::Ready);
        let why = if counted { "the count is typed by hand" } else { "pasted text goes into a prompt" };
        return say(model, Level::Look, format!("{why}; nothing was done with what was pasted"));
    }
    let chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    edit(model, chars.take(LONGEST).map(InputRequest::InsertChar).collect::<Vec<_>>());
}

fn request(press: Press) -> Option<InputRequest> {
    use InputRequest as R;
    Some(match (press.code, press.ctrl || press.alt) {
        (KeyCode::Char('a'), true) | (KeyCode::Home, _) => R::GoToStart,
        (KeyCode::Char('e'), true) | (KeyCode::End, _) => R::GoToEnd,
        (KeyCode::Char('w') | KeyCode::Backspace, true) => R::DeletePrevWord,
        (KeyCode::Char('u'), true) => R::DeleteLine,
        (KeyCode::Char('k'), true) => R::DeleteTillEnd,
        (KeyCode::Left, true) => R::GoToPrevWord,
        (KeyCode::Right, true) => R::GoToNextWord,
        (KeyCode::Left, false) => R::GoToPrevChar,
        (KeyCode::Right, false) => R::GoToNextChar,
        (KeyCode::Backspace, false) => R::DeletePrevChar,
        (KeyCode::Delete, _) => R::DeleteNextChar,
        _ => R::InsertChar(press.typed()?),
    })
}

/// The line that is typed into.
fn line(model: &mut Model) -> Option<&mut Input> {
    match (&mut model.ask, &mut model.over) {
        (
            Some(
                Ask::Reason { input, .. }
                | Ask::Settle { input, .. }
                | Ask::Filter { input, .. }
                | Ask::Note { input, .. }
                | Ask::Words { input, .. },
            ),
            _,
        )
        | (None, Some(Over::Help { input, .. })) => Some(input),
        _ => None,
    }
}

/// Edits the line of the open prompt and does what follows from its text.
fn edit(model: &mut Model, requests: impl IntoIterator<Item = InputRequest>) {
    let Some(line) = line(model) else { return };
    for request in requests {
        if !matches!(request, InputRequest::InsertChar(_)) || line.value().chars().count() < LONGEST {
            line.handle(request);
        }
    }
    let words = line.value().to_owned();
    if let Some(Ask::Filter { wrong, .. }) = &mut model.ask {
        *wrong = Filter::parse(&words).err();
    } else if model.ask.is_none() {
        let found = keymap::help(model, &words);
        if let Some(Over::Help { rows, .. }) = &mut model.over {
            *rows = Rows { all: found, ..Rows::default() };
        }
    }
}

/// Enter, `y` or `↑` in what is asked.
pub(super) fn answer(model: &mut Model, action: Action, out: &mut Vec<Cmd>) {
    if action == Action::Again {
        return again(model);
    }
    match model.ask.take() {
        Some(Ask::Bulk(bulk)) => decide::bulk(model, bulk, out),
        Some(Ask::Leave) => submit::leave_when_stopped(model, out),
        Some(Ask::Filter { input, wrong: None }) => apply(model, input.value()),
        Some(Ask::Filter { input, wrong: Some(why) }) => {
            model.ask = Some(Ask::Filter { input, wrong: Some(why.clone()) });
            say(model, Level::Look, why);
        }
        Some(Ask::Reason { cell, sentence, input, advance }) => {
            if settle::is_short(model, input.value()) {
                model.ask = Some(Ask::Reason { cell, sentence, input, advance });
                return;
            }
            let Some(review) = &model.review else { return };
            let label = format!("{} of {}", review.names.full(cell.property), review.plan.facility(cell.facility).name);
            let (reason, rest) = (Some(input.value()), decide::around(model, cell));
            let act = if review.plan.may_be_zero(cell) { Act::Zero } else { Act::Approve };
            let decision = decide::Decision { act, cells: vec![cell], reason, label, advance, rest, blocked: 0 };
            decide::decide(model, decision, out);
        }
        Some(Ask::Settle { property, name, statements, input }) => {
            if settle::is_short(model, input.value()) {
                model.ask = Some(Ask::Settle { property, name, statements, input });
            } else {
                settle::answer(model, property, input.value(), out);
            }
        }
        Some(Ask::Words { wanted, input, .. }) => datasets::words(model, wanted, input.value(), out),
        Some(Ask::Sure { sure, .. }) => datasets::sure(model, sure, out),
        Some(Ask::Note { cells, label, input }) => note::answer(model, cells, input.value(), &label, out),
        Some(ask @ (Ask::Zeros(_) | Ask::Finer(_) | Ask::Sort)) => model.ask = Some(ask),
        None => {}
    }
}

/// Any other key than `y`: no.
pub(super) fn no(model: &mut Model) {
    let text = match model.ask {
        Some(Ask::Leave | Ask::Sure { sure: Sure::Leave, .. }) => "stayed",
        Some(Ask::Sure { .. }) => {
            // What would change was shown for this question.
            model.over = None;
            "nothing was written; what is chosen stays chosen"
        }
        Some(Ask::Finer(_)) => "nothing was chosen",
        Some(Ask::Sort) => "sorted as before",
        _ => "nothing was decided",
    };
    model.ask = None;
    say(model, Level::Ok, text);
}

/// The last reason again; in the prompt for a facility, that facility.
fn again(model: &mut Model) {
    let place = model.explorer.place.as_ref().map(|place| place.name.clone());
    let last = model.review.as_ref().and_then(|review| review.last_reason.clone());
    if let Some(Ask::Words { wanted: Wanted::Facility, input, .. }) = &mut model.ask {
        match place {
            Some(name) => *input = Input::new(name),
            None => say(model, Level::Look, "no facility was named before"),
        }
        return;
    }
    match (&mut model.ask, last) {
        (Some(Ask::Reason { input, .. } | Ask::Settle { input, .. }), Some(last)) => *input = Input::new(last),
        (Some(Ask::Reason { .. } | Ask::Settle { .. }), None) => say(model, Level::Look, "no reason was given before"),
        _ => {}
    }
}

/// Applies words to the lists and says what is shown; the counts of the whole review stay what they are.
pub(super) fn apply(model: &mut Model, words: &str) {
    view::apply(model, words);
    let Some(review) = &model.review else { return };
    let text = match (words.trim(), review.list.all.len()) {
        ("", _) => "no filter".to_owned(),
        (words, 0) => format!("nothing is shown by \"{words}\"; esc clears it"),
        (_, rows) => {
            let changes = decide::plural(review.shown_changes, "change");
            let unchanged = if review.filter.names_unchanged() { ", and cells without a change" } else { "" };
            format!("{changes} of {} shown{unchanged}", parts::plural(rows, "facility", "facilities"))
        }
    };
    say(model, Level::Ok, text);
}

/// Closes the help and does what was selected in it.
pub(super) fn run(model: &mut Model, out: &mut Vec<Cmd>) {
    let (selected, searched) = match &model.over {
        Some(Over::Help { rows, input }) => (rows.current(), !input.value().trim().is_empty()),
        _ => (None, false),
    };
    let Some(row) = selected.and_then(|at| TABLE.get(at)) else {
        model.over = None;
        return;
    };
    // Two keys that only look around must not decide: what writes is searched for by name first (review-ux.md rule 1).
    if (row.action.writes() || row.action == Action::Take) && !searched {
        let key = model.keys.key(row.action).to_owned();
        return say(model, Level::Look, format!("type its name first, or close the help and press {key}"));
    }
    model.over = None;
    act(model, row.action, 1, out);
}
