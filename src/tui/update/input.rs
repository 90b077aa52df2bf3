//! From a key to an action: prompts take text, counts collect digits, everything else is a row of the key table.

use std::time::Duration;

use super::{Action, Ask, Cmd, Focus, Level, Model, Over, Press, Screen, act, keymap, prompt, say, submit};
use crate::tui::{keymap::Scope, listed::PutAway};

/// Digits of a count that begin like the key of a tab (`12j`) come in one go, at most this far apart.
const ONE_GO: Duration = Duration::from_millis(400);
/// Most digits of a count.
const LONGEST_COUNT: usize = 6;

/// A key was pressed.
pub(super) fn key(model: &mut Model, press: Press, out: &mut Vec<Cmd>) {
    let scopes = keymap::scopes(model);
    let row = model.keys.find(scopes, press);
    if scopes.contains(&Scope::Lists) && digit(model, press, row.map(|row| row.action)) {
        return;
    }
    // A key held down answers once: what it does elsewhere is not done by the rest of the same press (fault matrix row V09).
    if model.answered == Some(press) {
        return hold(model, press, row.map(|row| row.action));
    }
    let chosen = model.explorer.chosen.len();
    model.answered = row.filter(|row| row.scope == Scope::Choice).map(|_| press);
    let count = take_count(model, row.map(|row| row.action));
    match row {
        Some(row) if row.action == Action::Digit => submit::digit(model, press),
        Some(row) => act(model, row.action, count, out),
        None if matches!(
            model.ask,
            Some(Ask::Bulk(_) | Ask::Zeros(_) | Ask::Finer(_) | Ask::Sort | Ask::Leave | Ask::Sure { .. })
        ) =>
        {
            prompt::no(model);
        }
        None => prompt::typed(model, press),
    }
    // So does one that chose a candidate: on the next row it would open and choose again.
    let chose = row.is_some_and(|row| matches!(row.action, Action::Take | Action::Run));
    if chose && model.explorer.chosen.len() > chosen {
        model.answered = Some(press);
    }
    let tab = row.is_some_and(|row| matches!(row.action, Action::Tab(_)));
    if !tab {
        (model.count_from, model.put_away) = (None, None);
    }
}

/// Says why a key does nothing right after it answered a question or chose a candidate.
fn hold(model: &mut Model, press: Press, action: Option<Action>) {
    if model.screen == Screen::DataSets && action == Some(Action::Open) {
        let (into, down) = (model.keys.key(Action::Into), model.keys.key(Action::Down));
        let text = format!("{press} has chosen; another key first, such as {into} or {down}, then it chooses again");
        return say(model, Level::Look, text);
    }
    say(model, Level::Look, format!("{press} has answered; another key first, then it decides again"));
}

/// Collects a digit of a count; whether it was one.
///
/// The digits of tabs open their tab at once. When another digit and then a motion follow in one go, they were a count:
/// the screen goes back to where the first was pressed. Nothing but the view is touched by that.
fn digit(model: &mut Model, press: Press, action: Option<Action>) -> bool {
    let Some(digit) = press.typed().filter(char::is_ascii_digit) else { return false };
    let going_on = model.count_from.is_some_and(|(.., at)| model.now.since.saturating_sub(at) <= ONE_GO);
    if model.count_from.is_some() && !going_on {
        model.count_from = None;
        model.count.clear();
    }
    if let Some(Action::Tab(_)) = action {
        match &mut model.count_from {
            Some((.., at)) => *at = model.now.since,
            from => {
                if !model.count.is_empty() {
                    push(&mut model.count, digit);
                    return true;
                }
                *from = Some((model.screen, model.focus, model.now.since));
                model.put_away = Some(Box::new(PutAway::of(model)));
            }
        }
        push(&mut model.count, digit);
        return false;
    }
    // 0 begins no count, and in one it is a digit whatever else it does.
    if model.count.is_empty() && (action.is_some() || digit == '0') {
        return false;
    }
    if let Some((screen, focus, _)) = model.count_from.take() {
        go_back(model, screen, focus);
    }
    push(&mut model.count, digit);
    true
}

/// Goes back to where the first digit of a count was pressed: no row has moved there.
fn go_back(model: &mut Model, screen: Screen, focus: Focus) {
    (model.screen, model.focus) = (screen, focus);
    if let Some(put_away) = model.put_away.take() {
        put_away.put_back(model);
    }
}

fn push(count: &mut String, digit: char) {
    if count.len() < LONGEST_COUNT {
        count.push(digit);
    }
}

/// The count typed before this action, 1 where there is none or the action takes none.
fn take_count(model: &mut Model, action: Option<Action>) -> usize {
    if let Some(Action::Tab(_)) = action {
        return 1;
    }
    let typed = std::mem::take(&mut model.count);
    if !matches!(action, Some(Action::Down | Action::Up)) {
        return 1;
    }
    if let Some((screen, focus, at)) = model.count_from.take() {
        if typed.len() < 2 || model.now.since.saturating_sub(at) > ONE_GO {
            return 1;
        }
        go_back(model, screen, focus);
    }
    typed.parse().unwrap_or(1)
}

/// Whether the keys go into a line of text.
pub(super) fn is_typing(model: &Model) -> bool {
    matches!(
        model.ask,
        Some(Ask::Reason { .. } | Ask::Settle { .. } | Ask::Filter { .. } | Ask::Note { .. } | Ask::Words { .. })
    ) || (model.ask.is_none() && matches!(model.over, Some(Over::Help { .. })))
}

/// Whether a screen has rows that are reviewed.
pub(super) fn is_review(screen: Screen) -> bool {
    matches!(screen, Screen::Properties | Screen::Facilities)
}
