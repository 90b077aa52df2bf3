//! A message in, state and commands out. Nothing else changes state, and nothing here waits, draws or asks for the time.

mod again;
mod copy;
mod datasets;
mod decide;
mod find;
mod input;
mod lists;
mod motion;
mod mouse;
mod note;
mod picks;
mod prompt;
mod range;
mod read;
mod settle;
mod sort;
mod submit;
mod view;
mod zeros;

use super::{
    keymap::{self, Action, Press},
    layout::Shape,
    model::{Ask, Behind, Course, Line, Model, Newest, Over, Sure},
    msg::{Cmd, Msg, Now, Place, Signal},
    screen::{Focus, Screen},
};
use crate::{
    domain::{ledger::Stamp, text::inert},
    job::report::Level,
};

/// Most messages kept in the log.
const LONGEST_LOG: usize = 500;

/// Takes a message. What has to be done because of it comes back in order.
pub fn update(model: &mut Model, msg: Msg, now: &Now) -> Vec<Cmd> {
    model.now = now.clone();
    let mut out = Vec::new();
    let range = range::held(model);
    match msg {
        Msg::Key(press) => input::key(model, press, &mut out),
        Msg::Mouse(mouse) => mouse::act_on(model, mouse, &mut out),
        Msg::Copied(result) => copy::copied(model, result, &mut out),
        Msg::Paste(text) => prompt::paste(model, &text),
        Msg::Resize(width, height) => {
            model.size = (width, height);
            view::fit(model);
        }
        Msg::Tick | Msg::Resumed => {}
        Msg::Reading(reading) => {
            if model.reading.is_some() {
                model.reading = Some(*reading);
            }
        }
        Msg::Read(Ok(opened)) => read::opened(model, *opened),
        Msg::Read(Err(why)) => read::failed(model, why),
        Msg::Recorded(seq, result) => decide::recorded(model, seq, result),
        Msg::Detail(result) => read::detail(model, result),
        Msg::Checked(job, result) => submit::checked(model, job, result),
        Msg::Sending(job, sending) => submit::sending(model, job, *sending, &mut out),
        Msg::Refused(job, why) => submit::refused(model, job, why, &mut out),
        Msg::Ledger(ledger) => {
            if let Some(review) = &mut model.review {
                review.ledger = *ledger;
            }
            view::settle(model);
            view::fill_doors(model);
        }
        Msg::Wrote(Ok(place)) => say(model, Level::Ok, format!("forms written to {place}; nothing was sent")),
        Msg::Wrote(Err(why)) => say(model, Level::Stop, format!("no forms were written: {why}")),
        Msg::Mapped(job, result) => datasets::mapped(model, job, result),
        Msg::Looking(job, looking) => datasets::looking(&mut model.explorer, job, looking),
        Msg::Explored(job, result) => datasets::explored(model, job, result),
        Msg::Found(job, result) => datasets::found(model, job, result),
        Msg::Held(job, result) => datasets::held(&mut model.explorer, job, result),
        Msg::Places(job, result) => datasets::places(model, job, result, &mut out),
        Msg::MappingWritten(result) => datasets::written(model, result),
        Msg::Note(level, text) => say(model, level, text),
        Msg::Signal(Signal::Interrupt) => act(model, Action::Interrupt, 1, &mut out),
        Msg::Signal(Signal::Terminate) => break_off(model, &mut out),
    }
    range::after(model, range, &out);
    view::in_sight(model);
    want_detail(model, &mut out);
    datasets::want(model, &mut out);
    out
}

/// Does an action, or says why it cannot be done now.
fn act(model: &mut Model, action: Action, count: usize, out: &mut Vec<Cmd>) {
    if let Some(why) = keymap::why_not(model, action) {
        say(model, Level::Look, why);
        model.newest = Newest::Passes;
        return;
    }
    let (said, newest) = (model.said, model.newest);
    done(model, action, count, out);
    if model.said == said && newest == Newest::Passes {
        model.newest = Newest::Over;
    } else if model.said != said && model.log.last().is_some_and(|line| line.level == Level::Look) {
        model.newest = Newest::Passes;
    }
}

/// Does an action that can be done now.
fn done(model: &mut Model, action: Action, count: usize, out: &mut Vec<Cmd>) {
    use Action as A;
    match action {
        A::Tab(screen) => motion::tab(model, screen, out),
        A::NextPane | A::PreviousPane => motion::other_pane(model),
        A::Down | A::Up | A::HalfDown | A::HalfUp | A::First | A::Last => motion::go(model, action, count),
        A::Into => model.focus = Focus::Cells,
        A::Take | A::Values | A::Search | A::WriteMapping => datasets::act(model, action),
        A::Undo | A::Redo if model.screen == Screen::DataSets => datasets::undo(model, action),
        A::Out => model.focus = Focus::List,
        A::NextProperty => motion::property(model, true),
        A::PreviousProperty => motion::property(model, false),
        A::Open => motion::open(model, out),
        A::Next => find::next(model, true, false),
        A::Previous => find::next(model, false, false),
        A::NextFlag => find::next(model, true, true),
        A::PreviousFlag => find::next(model, false, true),
        A::Approve | A::Zero | A::Reject | A::Clear | A::Toggle => decide::here(model, action, out),
        A::ApproveAll | A::RejectAll | A::ClearAll => decide::ask_all(model, action),
        A::ZeroAll => zeros::ask(model),
        A::Make(finer) => again::answer(model, Some(finer), out),
        A::TakeBack => again::answer(model, None, out),
        A::Zeros | A::KeepOld => zeros::answer(model, action, out),
        A::Undo | A::Redo => decide::undo(model, action, out),
        A::Filter => prompt::filter(model),
        A::Pick => picks::open(model),
        A::Choose => picks::choose(model),
        A::Sort => sort::ask(model),
        A::By(sort) => sort::by(model, sort),
        A::Widen => view::widen(model),
        A::Range | A::RangeDown | A::RangeUp => range::act(model, action),
        A::Note => note::ask(model),
        A::Copy | A::CopyAll => copy::copy(model, action, out),
        A::Export => lists::export(model, out),
        A::ListAll | A::ListFlagged => lists::open(model, action),
        A::Unchanged => view::toggle_unchanged(model),
        A::Read | A::StopReading => read::start_or_stop(model, action, out),
        A::Send | A::Erase | A::WriteForms | A::Check | A::Settle | A::Pause | A::StopAfterForm => {
            submit::act(model, action, out);
        }
        A::Digit => say(model, Level::Look, "type the number of changes"),
        A::Help => prompt::help(model),
        A::Log => {
            model.unread = false;
            model.over = Some(Over::Log { top: 0 });
        }
        A::Escape => escape(model),
        A::Back => back(model, out),
        A::Interrupt => interrupt(model, out),
        A::Suspend => {
            out.extend(place(model).map(Cmd::SavePlace));
            out.push(Cmd::Suspend);
        }
        A::Redraw => out.push(Cmd::Redraw),
        A::Yes | A::Accept | A::Again => prompt::answer(model, action, out),
        A::Run => prompt::run(model, out),
    }
}

/// Closes the innermost thing that is open; with nothing open, clears the filter. Never decides, never leaves.
fn escape(model: &mut Model) {
    let closed = model.ask.take().is_some() || model.over.take().is_some();
    if closed || range::give_up(model) || submit::escape(model) || datasets::escape(model) {
        return;
    }
    let filtered = model.review.as_ref().is_some_and(|review| !review.filter.is_empty());
    if filtered && matches!(model.screen, Screen::Properties | Screen::Facilities) {
        view::apply(model, "");
        say(model, Level::Ok, "filter cleared");
    }
}

/// Closes what covers the screen, whichever key this is; else leaves. Asks while forms are sent, and where choices are not written.
fn back(model: &mut Model, out: &mut Vec<Cmd>) {
    if model.over.is_some() && model.layout().shape != Shape::TooSmall {
        return escape(model);
    }
    let small = model.layout().shape == Shape::TooSmall;
    let waiting = if model.explorer.writing { 0 } else { model.explorer.to_write().len() };
    match (model.submit.is_sending(), waiting) {
        (false, 0) => leave(model, out),
        (true, _) if small => say(model, Level::Look, "forms are being sent; ctrl-c stops after the form under way"),
        (true, _) => model.ask = Some(Ask::Leave),
        (false, _) if small => say(model, Level::Look, "data sets were chosen and are not written; ctrl-c leaves"),
        (false, waiting) => {
            let are = if waiting == 1 { "is" } else { "are" };
            let question = format!("{} of data sets {are} not written. Leave?", decide::plural(waiting, "choice"));
            model.ask = Some(Ask::Sure { sure: Sure::Leave, question, yes: "leave".to_owned() });
        }
    }
}

fn interrupt(model: &mut Model, out: &mut Vec<Cmd>) {
    if model.submit.is_sending() {
        model.submit.interrupts += 1;
        match model.submit.interrupts {
            1 => return submit::stop(model, out),
            2 => {
                out.push(Cmd::Abandon);
                return say(
                    model,
                    Level::Look,
                    "letting go of the request; its form is UNKNOWN until verified. ctrl-c leaves",
                );
            }
            _ => {}
        }
    }
    if model.is_read_again() && model.course == Course::On {
        return again::stop(model, out);
    }
    break_off(model, out);
}

/// Leaves because of ctrl-c or a signal.
fn break_off(model: &mut Model, out: &mut Vec<Cmd>) {
    model.interrupted = true;
    leave(model, out);
}

fn leave(model: &mut Model, out: &mut Vec<Cmd>) {
    model.leaving = true;
    if model.submit.is_sending() {
        say(model, Level::Look, "leaving; what is under way is written down first");
    }
    if model.reading.is_some() {
        out.push(Cmd::CancelRead);
    }
    out.extend(place(model).map(Cmd::SavePlace));
    out.push(Cmd::Quit);
}

/// A line for the status line and the log.
fn say(model: &mut Model, level: Level, text: impl AsRef<str>) {
    let line = Line { at: model.now.at.clone(), level, text: inert(text.as_ref()).into_owned() };
    model.unread |= level == Level::Stop;
    model.newest = Newest::Stays;
    model.said += 1;
    model.log.push(line);
    if model.log.len() > LONGEST_LOG {
        model.log.remove(0);
    }
}

/// Where the reviewer is; `None` without a review, or where it cannot be kept.
fn place(model: &Model) -> Option<Place> {
    let review = model.review.as_ref().filter(|_| model.run.read_only.is_none())?;
    let (facility, property) = match model.screen {
        Screen::Properties => (review.column.current().map(|cell| cell.facility), Some(review.property)),
        _ => (review.list.current(), review.cells.current().map(|cell| cell.property)),
    };
    Some(Place {
        screen: model.screen,
        facility: facility.map(|facility| review.plan.facility(facility).case_id.clone()),
        property: property.map(|property| review.plan.property(property).name.clone()),
        filter: review.filter.text().to_owned(),
        focus: if model.screen == Screen::DataSets { model.explorer.left } else { model.focus },
        sort: review.sort.name().to_owned(),
        unchanged: review.with_unchanged,
    })
}

fn stamp(model: &Model) -> Stamp {
    Stamp { at: model.now.at.clone(), who: model.run.who.clone() }
}

/// Asks for what is behind the cell under the cursor, once.
fn want_detail(model: &mut Model, out: &mut Vec<Cmd>) {
    let wanted = model.detail_cell();
    let Some(review) = &mut model.review else { return };
    let have = match &review.behind {
        Behind::Nothing => None,
        Behind::Waiting(cell) | Behind::Failed(cell, _) => Some(*cell),
        Behind::Here(detail) => Some(detail.cell),
    };
    if let Some(cell) = wanted.filter(|cell| Some(*cell) != have) {
        review.behind = Behind::Waiting(cell);
        out.push(Cmd::LoadDetail(cell));
    }
}
