//! The submit screen: checks, the typed count, sending, the result. Only here a command to send is made, and only after the
//! number of changes was typed (review-ux.md rule 1).

use std::cmp::Reverse;

use super::{Action, Cmd, Level, Model, Press, Screen, decide::plural, leave, lists, motion, say};
use crate::{
    domain::{plan::Cell, value::grouped},
    job::report::{Check, Phase, Sending},
    tui::{
        listed::lines,
        model::{BIGGEST, Review, Stage},
        msg::Job,
        screen::forms_height,
    },
};

/// Most digits of the count.
const LONGEST_COUNT: usize = 9;

/// The tab was opened: the checks are made again, unless forms are being sent or the result is shown.
pub(super) fn enter(model: &mut Model, out: &mut Vec<Cmd>) {
    if !matches!(model.submit.stage, Stage::Sending(_) | Stage::Ended(_) | Stage::Checking) {
        check(model, out);
    }
}

fn check(model: &mut Model, out: &mut Vec<Cmd>) {
    let submit = &mut model.submit;
    submit.job += 1;
    submit.stage = Stage::Checking;
    submit.typed.clear();
    (submit.at, submit.top) = (0, 0);
    out.push(Cmd::Check(submit.job));
}

/// The checks ended.
pub(super) fn checked(model: &mut Model, job: Job, result: Result<Box<Check>, String>) {
    if job != model.submit.job || model.submit.stage != Stage::Checking {
        return;
    }
    match result {
        Ok(check) => {
            model.submit.biggest = model.review.as_ref().map(biggest).unwrap_or_default();
            model.submit.stage = Stage::Ready(*check);
        }
        Err(why) => {
            say(model, Level::Stop, format!("the checks could not be made: {why}"));
            model.submit.stage = Stage::Failed(why);
        }
    }
}

/// The approved changes to look at again: STOP, REVIEW, then the largest change against what the case holds.
fn biggest(review: &Review) -> Vec<Cell> {
    let plan = &review.plan;
    let mut cells: Vec<Cell> = review.ledger.to_send(plan).collect();
    let size = |cell: &Cell| plan.relative_change(*cell);
    cells.sort_by(|a, b| {
        (Reverse(plan.severity(*a)).cmp(&Reverse(plan.severity(*b)))).then(size(b).total_cmp(&size(a))).then(a.cmp(b))
    });
    cells.truncate(BIGGEST);
    cells
}

/// A digit of the count.
pub(super) fn digit(model: &mut Model, press: Press) {
    let typed = &mut model.submit.typed;
    if let Some(digit) = press.typed().filter(|_| typed.len() < LONGEST_COUNT) {
        typed.push(digit);
    }
}

/// The other keys of the screen.
pub(super) fn act(model: &mut Model, action: Action, out: &mut Vec<Cmd>) {
    match action {
        Action::Erase => {
            model.submit.typed.pop();
        }
        Action::WriteForms => {
            say(model, Level::Ok, "writing the forms to a folder; nothing is sent");
            out.push(Cmd::WriteForms);
        }
        // After the end enter opens what the cursor is on; the first line makes the checks again.
        Action::Check if lists::line(model) => {}
        Action::Check => check(model, out),
        Action::Settle => {
            begin(model, 0, out);
            say(model, Level::Ok, "settling forms made before; no new form is made");
        }
        Action::Pause => {
            model.submit.paused = !model.submit.paused;
            let paused = model.submit.paused;
            out.push(Cmd::Pause(paused));
            let waits = format!("paused after the form under way; {} goes on", model.keys.key(Action::Pause));
            say(model, Level::Ok, if paused { waits } else { "going on".to_owned() });
        }
        Action::StopAfterForm => stop(model, out),
        _ => send(model, out),
    }
}

/// Enter: sends, if the count typed is the number of changes and no check stands against it.
fn send(model: &mut Model, out: &mut Vec<Cmd>) {
    let Stage::Ready(check) = &model.submit.stage else { return };
    let count = check.changes;
    let expected = grouped(&count.to_string());
    let stop = check.lines.iter().find(|(level, _)| *level == Level::Stop).map(|(_, text)| text.clone());
    let typed = std::mem::take(&mut model.submit.typed);
    if let Some(stop) = stop {
        return say(model, Level::Look, format!("nothing was written: {stop}"));
    }
    if typed.is_empty() {
        return say(model, Level::Look, format!("type the number of changes, {expected}, then press enter"));
    }
    if typed.parse() != Ok(count) {
        let typed = grouped(&typed);
        return say(
            model,
            Level::Look,
            format!("{typed} is not the number of changes, {expected}; nothing was written"),
        );
    }
    begin(model, count, out);
    say(model, Level::Ok, format!("submitting {}", plural(count, "change")));
}

/// Begins to send; what was sent before and is open comes first.
fn begin(model: &mut Model, count: usize, out: &mut Vec<Cmd>) {
    let submit = &mut model.submit;
    submit.job += 1;
    (submit.paused, submit.stopping, submit.interrupts) = (false, false, 0);
    (submit.at, submit.top) = (0, 0);
    submit.stage = Stage::Sending(Sending { changes: count, ..Sending::default() });
    out.push(Cmd::Submit { job: submit.job, count });
}

/// Stops after the form under way.
pub(super) fn stop(model: &mut Model, out: &mut Vec<Cmd>) {
    model.submit.stopping = true;
    out.push(Cmd::StopAfterForm);
    say(model, Level::Look, "stopping after the form under way; ctrl-c lets go of it (UNKNOWN)");
}

/// `y` to leaving: stops after the form under way and leaves then.
pub(super) fn leave_when_stopped(model: &mut Model, out: &mut Vec<Cmd>) {
    if !model.submit.is_sending() {
        return leave(model, out);
    }
    model.submit.leave_when_stopped = true;
    stop(model, out);
}

/// A submission went on or ended.
pub(super) fn sending(model: &mut Model, job: Job, sending: Sending, out: &mut Vec<Cmd>) {
    if job != model.submit.job || !model.submit.is_sending() {
        return;
    }
    if sending.phase != Phase::Ended {
        model.submit.stage = Stage::Sending(sending);
        return;
    }
    let number = |n: usize| grouped(&n.to_string());
    let mut text = format!("{} of {} applied", number(sending.applied), plural(sending.changes, "change"));
    for (n, what) in [
        (sending.accepted, "accepted, not seen"),
        (sending.not_applied, "NOT APPLIED"),
        (sending.unknown, "UNKNOWN"),
        (sending.held.len(), "held"),
    ] {
        if n > 0 {
            text = format!("{text}; {} {what}", number(n));
        }
    }
    if let Some(note) = &sending.note {
        text = format!("{text}; {note}");
    }
    let level = if sending.not_applied + sending.unknown > 0 { Level::Stop } else { Level::Ok };
    say(model, level, text);
    model.submit.stage = Stage::Ended(sending);
    (model.submit.at, model.submit.top) = (0, 0);
    if model.submit.leave_when_stopped {
        leave(model, out);
    }
}

/// A submission could not start.
pub(super) fn refused(model: &mut Model, job: Job, why: String, out: &mut Vec<Cmd>) {
    if job != model.submit.job || !model.submit.is_sending() {
        return;
    }
    say(model, Level::Stop, &why);
    model.submit.stage = Stage::Failed(why);
    if model.submit.leave_when_stopped {
        leave(model, out);
    }
}

/// Esc: takes back the digits typed, else goes back to the tab before. Whether there was something to do.
pub(super) fn escape(model: &mut Model) -> bool {
    if model.screen != Screen::Submit || model.submit.is_sending() {
        return false;
    }
    if model.submit.typed.is_empty() {
        motion::show(model, model.came_from);
    } else {
        model.submit.typed.clear();
    }
    true
}

/// Keeps the line under the cursor inside the window of forms.
pub(super) fn in_sight(model: &mut Model) {
    let unsent = model.unsent();
    let (Stage::Sending(sent) | Stage::Ended(sent)) = &model.submit.stage else { return };
    let all = lines(sent, unsent).count();
    let at = model.submit.at.min(all.saturating_sub(1));
    // The last row may say how many more there are.
    let height = forms_height(model, sent).saturating_sub(1).max(1);
    let form = (at + sent.forms.len()).saturating_sub(all);
    model.submit.at = at;
    model.submit.top = model.submit.top.clamp((form + 1).saturating_sub(height), form);
}
