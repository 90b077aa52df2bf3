//! Lists over the screen: the changes that would be written, what became of those that were, what a reading reset; and writing
//! what is shown to a file. Nothing here decides.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Action, Cmd, Focus, Level, Model, Over, Screen,
    decide::{number, plural},
    motion, say, view,
};
use crate::{
    domain::{
        flags::Severity,
        outcome::Outcome,
        plan::{Cell, Kind},
        text::inert,
    },
    job::report::{FormLine, Held, Sending},
    tui::{
        model::{Changes, Fate, Listed, Place, Review, Rows, Stage},
        screen::clock,
    },
};

/// `e`: what is shown, to a table.
pub(super) fn export(model: &mut Model, out: &mut Vec<Cmd>) {
    let Some(review) = &model.review else { return };
    let plan = &review.plan;
    let cells: Vec<Cell> = match model.screen {
        Screen::Facilities => {
            let mut facilities = review.list.all.clone();
            facilities.sort_unstable();
            let cells = facilities.into_iter().flat_map(|facility| plan.row(facility));
            cells.filter(|cell| view::is_row(review, *cell)).collect()
        }
        Screen::Properties => {
            let mut cells = review.column.all.clone();
            cells.sort_unstable();
            cells
        }
        _ => plan.cells().collect(),
    };
    if cells.is_empty() {
        return say(model, Level::Look, "nothing is shown, so no table was written");
    }
    let text = format!("writing {} to a table", plural(cells.len(), "row"));
    say(model, Level::Ok, text);
    out.push(Cmd::Export(cells));
}

/// `v`, `f` on Submit: every change that would be written, or those with a flag.
pub(super) fn open(model: &mut Model, action: Action) {
    let Stage::Ready(check) = &model.submit.stage else { return };
    let Some(review) = &model.review else { return };
    let held = held_cells(&check.held);
    let mut cells: Vec<Cell> = review.ledger.to_send(&review.plan).filter(|cell| !held.contains(cell)).collect();
    let all = cells.len();
    let title = if action == Action::ListFlagged {
        let severity = |cell: &Cell| review.plan.severity(*cell);
        cells.retain(|cell| severity(cell) >= Some(Severity::Review));
        cells.sort_by_key(|cell| (Reverse(severity(cell)), *cell));
        let stops = cells.iter().filter(|cell| severity(cell) == Some(Severity::Stop)).count();
        format!("With a flag: {} of {}, {} STOP", number(cells.len()), plural(all, "change"), number(stops))
    } else {
        let facilities = cells.chunk_by(|a, b| a.facility == b.facility).count();
        let facilities =
            if facilities == 1 { "1 facility".to_owned() } else { format!("{} facilities", number(facilities)) };
        format!("Would be written: {} in {facilities}", plural(all, "change"))
    };
    if cells.is_empty() {
        return say(model, Level::Look, "none of the changes that would be written has a flag");
    }
    show(model, title, cells, Listed::Now);
}

fn held_cells(held: &[Held]) -> BTreeSet<Cell> {
    held.iter().map(|held| held.cell).collect()
}

fn show(model: &mut Model, title: String, all: Vec<Cell>, what: Listed) {
    model.over = Some(Over::Changes(Changes { title, rows: Rows { all, ..Rows::default() }, what }));
}

/// Enter on a change of a list: goes where it stands, without a filter where that hides it.
pub(super) fn enter(model: &mut Model, out: &mut Vec<Cmd>) {
    let Some(Over::Changes(changes)) = &model.over else { return };
    let Some(cell) = changes.rows.current() else { return };
    motion::tab(model, Screen::Facilities, out);
    let layout = model.layout();
    let shown = model.review.as_mut().is_some_and(|review| view::show_cell(review, cell, &layout));
    if !shown {
        if let Some(review) = &mut model.review {
            review.with_unchanged |= review.plan.kind(cell) != Kind::Change;
        }
        view::apply(model, "");
        // The keys never go to another cell than the one that was chosen.
        if !model.review.as_mut().is_some_and(|review| view::show_cell(review, cell, &layout)) {
            model.focus = Focus::List;
            return say(model, Level::Look, "that cell is not listed; the filter was cleared");
        }
        say(model, Level::Ok, "the filter hid it, so it was cleared");
    }
    model.focus = Focus::Cells;
}

/// The decisions that a reading reset and that were not made again, with what else it changed.
pub(super) fn reset(model: &mut Model) {
    let Some(review) = &model.review else { return };
    let cells: Vec<Cell> = review.reset_left().map(|reset| reset.cell).collect();
    let minute = |at: &str| clock(at).get(..5).unwrap_or_default().to_owned();
    let title = match &review.again {
        Some(again) => format!(
            "Read again at {}. The decisions made since {} were carried over.",
            minute(&review.plan.head.read_at),
            minute(&again.before)
        ),
        None => "Decisions that the last reading reset".to_owned(),
    };
    show(model, title, cells, Listed::Reset);
}

/// Enter on a line of Submit: the changes behind a count, what is known of a form. Whether there was such a line.
pub(super) fn line(model: &mut Model) -> bool {
    let (Stage::Sending(sent) | Stage::Ended(sent)) = &model.submit.stage else { return false };
    match model.submit.line(model.unsent()) {
        Some(Place::Count(fate)) => {
            let Some(review) = &model.review else { return false };
            let cells = of(fate, sent, review);
            let title = format!("{}: {}", fate.words(), plural(cells.len(), "change"));
            show(model, title, cells, Listed::Now);
        }
        Some(Place::Form(at)) => {
            let Some(form) = sent.forms.get(at) else { return false };
            let (title, lines) = (format!("Form {}", number(form.number)), form_lines(form, sent));
            model.over = Some(Over::Lines { title, lines, top: 0 });
        }
        Some(Place::Again) | None => return false,
    }
    true
}

/// The changes behind a count, in the order of their cells.
fn of(fate: Fate, sent: &Sending, review: &Review) -> Vec<Cell> {
    let outcomes: &[Outcome] = match fate {
        Fate::Held => return held_cells(&sent.held).into_iter().collect(),
        Fate::Unsent => return review.ledger.to_send(&review.plan).collect(),
        Fate::Applied => &[Outcome::Applied],
        Fate::Accepted => &[Outcome::Accepted],
        Fate::NotApplied => &[Outcome::NotApplied],
        Fate::Unknown => &[Outcome::Unknown, Outcome::Frozen],
    };
    // Each change counts in the newest form it is in.
    let mut newest = BTreeMap::new();
    for form in sent.forms.iter().filter(|form| form.outcome.is_some()) {
        newest.extend(form.cells.iter().copied());
    }
    newest.into_iter().filter(|(_, outcome)| outcomes.contains(outcome)).map(|(cell, _)| cell).collect()
}

/// All that is known of a form.
fn form_lines(form: &FormLine, sent: &Sending) -> Vec<String> {
    let outcome = match form.outcome {
        None => "waiting",
        Some(_) if form.replaced => "all its changes were sent again in later forms",
        Some(outcome) => outcome.words(),
    };
    let id = form.form_id.as_deref().unwrap_or("none yet: its bytes are made when it is sent");
    let facilities = plural(form.facilities, "case");
    let mut lines = vec![
        format!("form id   {}", inert(id)),
        format!("cases     {facilities}, {} to {}", inert(&form.first), inert(&form.last)),
        format!("changes   {}", number(form.changes)),
        format!("outcome   {outcome}"),
    ];
    for (what, name) in [
        (Outcome::Applied, "applied"),
        (Outcome::Accepted, "accepted, not seen"),
        (Outcome::NotApplied, "not applied"),
        (Outcome::Unknown, "unknown"),
    ] {
        let count = form.cells.iter().filter(|(_, outcome)| *outcome == what).count();
        if form.outcome.is_some() && count > 0 && count < form.changes {
            lines.push(format!("          {} {name}", number(count)));
        }
    }
    if let Some(answer) = &form.answer {
        lines.push(format!("CommCare  {}", inert(answer)));
    }
    let held = sent.held.iter().filter(|held| form.cells.iter().any(|(cell, _)| *cell == held.cell));
    lines.extend(held.map(|held| format!("held      {}", inert(&held.why))));
    lines
}
