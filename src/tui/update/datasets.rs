//! Data sets: looking things up, choosing, and going through the rows. Nothing is chosen by itself, not even a single candidate, and
//! no answer moves what is under the cursor. Writing the mapping file is `write`.

use std::sync::Arc;

use tui_input::Input;

use super::{Action, Ask, Cmd, Focus, Level, Model, Screen, decide::plural, motion, say};
use crate::{
    domain::{
        explored::{Candidate, Explored, Found, HeldAt, Need},
        mapping::{Choice, Row},
        query::{Called, pick},
        text::inert,
    },
    job::datasets::{Looking, Place},
    tui::{
        explorer::{Explorer, Looked, Mapped},
        model::{Rows, Wanted},
        msg::Job,
    },
};

mod write;

pub(super) use write::{sure, written};

/// A key of this screen alone.
pub(super) fn act(model: &mut Model, action: Action) {
    match action {
        Action::Take => choose(model),
        Action::Values => prompt(model, Wanted::Facility),
        Action::Search => prompt(model, Wanted::Search),
        _ => write::ask(model),
    }
}

/// Opens Data sets with the cursor on the row that starts on this line of the mapping the review was read with.
pub(super) fn show_line(model: &mut Model, line: u64, out: &mut Vec<Cmd>) {
    motion::tab(model, Screen::DataSets, out);
    model.focus = Focus::List;
    model.explorer.go_to = Some(line);
    arrive(model);
}

/// Asks what is to be known once the screen is shown: what DHIS2 holds for the rows, and what the facility looked at holds of the
/// candidates shown.
pub(super) fn want(model: &mut Model, out: &mut Vec<Cmd>) {
    if model.screen != Screen::DataSets || model.leaving {
        return;
    }
    if model.explorer.looked == Looked::Idle {
        explore(model, out);
    }
    want_values(&mut model.explorer, out);
}

/// Asks what DHIS2 holds for the rows. A review that puts old values back asks DHIS2 nothing.
fn explore(model: &mut Model, out: &mut Vec<Cmd>) {
    let explorer = &mut model.explorer;
    explorer.job += 1;
    if model.review.as_ref().is_some_and(|review| review.plan.head.undo.is_some()) {
        let why = "this review puts values back that stood there before; the mapping takes no part in it";
        explorer.looked = Looked::Failed(why.to_owned());
        return;
    }
    explorer.looked = Looked::Asking(Looking::default());
    out.push(Cmd::Explore(explorer.job));
}

/// A review was read or opened. After another reading the file is looked at again; what was written before it is in the review now.
pub(super) fn reviewed(explorer: &mut Explorer, again: bool) {
    if !std::mem::take(&mut explorer.late) {
        explorer.written = None;
    }
    if again && !matches!(explorer.looked, Looked::Asking(_)) {
        explorer.looked = Looked::Idle;
    }
}

/// The mapping was read. Choices stand where their rows are what they were.
pub(super) fn mapped(model: &mut Model, job: Job, result: Result<Mapped, String>) {
    if job != model.explorer.job {
        return;
    }
    let mapped = match result {
        Ok(mapped) => mapped,
        Err(why) => return failed(model, why),
    };
    let explorer = &mut model.explorer;
    let mut lost = 0;
    if let Some(before) = &explorer.mapped {
        let stands = |choice: &Choice| {
            before.mapping.row(choice.line).map(ids) == mapped.mapping.row(choice.line).map(ids)
                && mapped.mapping.changed(&choice.changes()).is_ok()
        };
        let all = explorer.to_write().len();
        explorer.chosen.retain(stands);
        explorer.undone.retain(stands);
        lost = all - explorer.to_write().len();
    }
    explorer.mapped = Some(mapped);
    if lost > 0 {
        let lost = plural(lost, "choice");
        say(model, Level::Look, format!("{lost} dropped: the rows in the mapping file are others now"));
    }
}

/// What a row is: only while this is the same it is the row it was, whatever line it stands on.
fn ids(row: &Row) -> [&str; 3] {
    [&row.property, &row.data_element, &row.data_set]
}

/// Looking up goes on.
pub(super) fn looking(explorer: &mut Explorer, job: Job, looking: Looking) {
    if let (true, Looked::Asking(now)) = (job == explorer.job, &mut explorer.looked) {
        *now = looking;
    }
}

fn failed(model: &mut Model, why: String) {
    say(model, Level::Stop, format!("data sets were not looked up: {why}"));
    model.explorer.looked = Looked::Failed(why);
}

/// What DHIS2 holds came. The cursor stays on its line, and on its candidate where another row does not stand there now. What was
/// searched for is put away: it was found beside what was known before.
pub(super) fn explored(model: &mut Model, job: Job, result: Result<Box<Explored>, String>) {
    if job != model.explorer.job {
        return;
    }
    let told = match result {
        Ok(told) => *told,
        Err(why) => return failed(model, why),
    };
    let heights = heights(model);
    let explorer = &mut model.explorer;
    let row = explorer.entry().map(|entry| entry.row.clone());
    let candidate = explorer.candidate().cloned();
    let mut rows: Vec<usize> = (0..told.rows.len()).collect();
    rows.sort_by_key(|at| told.rows.get(*at).map(|entry| (entry.need(), entry.row.line)));
    explorer.rows.all = rows;
    explorer.explored = Some(told);
    explorer.looked = Looked::Ready;
    explorer.values.1 = None;
    if !row.as_ref().is_some_and(|row| find(explorer, row.line, heights)) {
        explorer.rows.go(explorer.rows.at, heights.0);
    }
    let stays = row.as_ref().map(ids) == explorer.entry().map(|entry| ids(&entry.row));
    turn(explorer);
    // The keys never go to another candidate than the one they were on.
    let same = |one: &Candidate, other: &Candidate| (&one.element, one.set_id()) == (&other.element, other.set_id());
    let candidate = candidate.filter(|_| stays);
    let at = candidate.and_then(|was| explorer.shown().iter().position(|one| same(one, &was)));
    explorer.candidates.go(at.unwrap_or(0), heights.1);
    if at.is_none() {
        model.focus = if model.screen == Screen::DataSets { Focus::List } else { model.focus };
    }
    arrive(model);
}

/// Puts the cursor on the row that was asked for, once it is there.
fn arrive(model: &mut Model) {
    let heights = heights(model);
    let explorer = &mut model.explorer;
    let Some(line) = explorer.go_to.filter(|_| explorer.explored.is_some()) else { return };
    explorer.go_to = None;
    let found = find(explorer, line, heights);
    if found {
        turn(explorer);
    }
    let head = model.review.as_ref().map(|review| review.plan.head.mapping.as_str());
    let is_other = |head: &str| explorer.mapped.as_ref().is_some_and(|mapped| !is_of(head, mapped.mapping.hash()));
    let there = if found { "another row may stand on" } else { "no row starts on" };
    if head.is_some_and(is_other) {
        let read = model.keys.key(Action::Read);
        let text =
            format!("the mapping file changed since the review was read: {there} line {line} now; {read} reads it");
        say(model, Level::Look, text);
    }
}

/// Whether what the head of a review says of its mapping, `map.csv (25 rows, 9f2ab31c77d0e4f5)`, is of the file with this hash.
fn is_of(head: &str, hash: &str) -> bool {
    head.strip_suffix(')').is_some_and(|head| head.ends_with(hash))
}

/// Puts the cursor on the row of a line, if there is one.
fn find(explorer: &mut Explorer, line: u64, heights: Heights) -> bool {
    let Some(told) = &explorer.explored else { return false };
    let is = |at: &usize| told.rows.get(*at).is_some_and(|entry| entry.row.line == line);
    let at = explorer.rows.all.iter().position(is);
    if let Some(at) = at {
        explorer.rows.go(at, heights.0);
    }
    at.is_some()
}

/// Another row is under the cursor: what was searched for beside the one before is put away.
fn turn(explorer: &mut Explorer) {
    (explorer.found, explorer.searching) = (None, None);
    explorer.search += 1;
    explorer.candidates.at = 0;
    fill(explorer);
}

/// Lists what could stand in the row under the cursor.
fn fill(explorer: &mut Explorer) {
    let all = explorer.shown().len();
    explorer.candidates =
        Rows { all: (0..all).collect(), at: explorer.candidates.at.min(all.saturating_sub(1)), ..Rows::default() };
}

/// Rows seen at once: of the mapping, and of the candidates.
type Heights = (usize, usize);

fn heights(model: &Model) -> Heights {
    let layout = model.layout_of(Screen::DataSets);
    (layout.list_rows(), layout.cell_rows())
}

/// Scrolls a pane by so many rows; its cursor stays on its row as long as that is seen. Where it does not, the rows have the keys.
pub(super) fn scroll(model: &mut Model, focus: Focus, by: isize) {
    let heights = heights(model);
    let explorer = &mut model.explorer;
    if focus == Focus::Cells {
        return explorer.candidates.scroll(by, heights.1);
    }
    let before = explorer.rows.current();
    explorer.rows.scroll(by, heights.0);
    if explorer.rows.current() != before {
        turn(explorer);
        // The keys were in the candidates of the row before.
        model.focus = Focus::List;
    }
}

/// Moves in a pane: from a place among so many rows to another.
pub(super) fn go(model: &mut Model, focus: Focus, to: impl Fn(usize, usize) -> usize) {
    let heights = heights(model);
    let explorer = &mut model.explorer;
    if focus == Focus::Cells {
        let (at, len) = (explorer.candidates.at, explorer.candidates.all.len());
        return explorer.candidates.go(to(at, len), heights.1);
    }
    let before = explorer.rows.current();
    let (at, len) = (explorer.rows.at, explorer.rows.all.len());
    explorer.rows.go(to(at, len), heights.0);
    if explorer.rows.current() != before {
        turn(explorer);
    }
}

/// Enter in the rows: goes to the candidates; where looking up failed, asks again.
pub(super) fn open(model: &mut Model, out: &mut Vec<Cmd>) {
    if matches!(model.explorer.looked, Looked::Failed(_)) {
        explore(model, out);
    } else if !model.explorer.candidates.all.is_empty() {
        model.focus = Focus::Cells;
    }
}

/// Closes what esc closes here; whether there was anything.
pub(super) fn escape(model: &mut Model) -> bool {
    if model.screen != Screen::DataSets {
        return false;
    }
    if model.explorer.found.is_some() || model.explorer.searching.is_some() {
        turn(&mut model.explorer);
        say(model, Level::Ok, "the row's own candidates are shown");
    } else if model.focus == Focus::List {
        return false;
    }
    model.focus = Focus::List;
    true
}

/// Chooses the candidate under the cursor for its row. Nothing is written.
fn choose(model: &mut Model) {
    let explorer = &mut model.explorer;
    let Some((entry, candidate)) = explorer.entry().zip(explorer.candidate()) else { return };
    let Some(choice) = explorer.choice_of(candidate) else {
        let name = named(&candidate.element_name, &candidate.element);
        let text = format!("{name} stands in no data set, so nothing is reported on it and it cannot be chosen");
        return say(model, Level::Look, text);
    };
    let undo = model.keys.key(Action::Undo);
    if explorer.choice(choice.line) == Some(&choice) {
        let text = format!("it is chosen already; {undo} takes the last choice back");
        return say(model, Level::Look, text);
    }
    if explorer.is_held(candidate) {
        let back = explorer.choice(choice.line).map(|_| format!("; {undo} takes back what was chosen instead"));
        let text = format!("the file holds it already, so nothing was chosen{}", back.unwrap_or_default());
        return say(model, Level::Look, text);
    }
    // One row that cannot be written would keep all the others from it.
    if let Some(Err(why)) = explorer.mapped.as_ref().map(|mapped| mapped.mapping.changed(&choice.changes())) {
        return say(model, Level::Look, format!("not chosen, it could not be written: {why}"));
    }
    let set = candidate.set.as_ref().map(|set| named(&set.name, &set.id)).unwrap_or_default();
    let element =
        choice.data_element.as_ref().map(|id| format!("data element {} of ", named(&candidate.element_name, id)));
    let what = format!("{}{set} for {}", element.unwrap_or_default(), inert(&entry.row.property));
    explorer.chosen.push(choice);
    explorer.undone.clear();
    model.focus = Focus::List;
    next(model);
    let text = format!("chosen: {what}; {}", waits(model));
    say(model, Level::Ok, text);
}

/// `2 choices are not written, w writes them`.
fn waits(model: &Model) -> String {
    match model.explorer.to_write().len() {
        0 => "nothing is chosen now".to_owned(),
        1 => format!("1 choice is not written, {} writes it", model.keys.key(Action::WriteMapping)),
        all => {
            format!("{} are not written, {} writes them", plural(all, "choice"), model.keys.key(Action::WriteMapping))
        }
    }
}

/// A name, or its id where there is none.
fn named(name: &str, id: &str) -> String {
    inert(if name.is_empty() { id } else { name }).into_owned()
}

/// Puts the cursor on the next row that needs something and has no choice, from the top where there is none further down. It stays
/// where there is none at all.
fn next(model: &mut Model) {
    let explorer = &model.explorer;
    let Some(told) = &explorer.explored else { return };
    let needs = |row: usize| {
        let entry = told.rows.get(row);
        entry.is_some_and(|entry| entry.need() != Need::Nothing && explorer.choice(entry.row.line).is_none())
    };
    let rows = &explorer.rows;
    let order = (rows.at..rows.all.len()).chain(0..rows.at);
    if let Some(at) = order.into_iter().find(|at| rows.all.get(*at).is_some_and(|row| needs(*row))) {
        go(model, Focus::List, |_, _| at);
    }
}

/// `u`, `U`: takes back the last choice, or makes it again. The cursor goes to its row.
pub(super) fn undo(model: &mut Model, action: Action) {
    let heights = heights(model);
    let explorer = &mut model.explorer;
    let (from, to) = match action {
        Action::Undo => (&mut explorer.chosen, &mut explorer.undone),
        _ => (&mut explorer.undone, &mut explorer.chosen),
    };
    let Some(choice) = from.pop() else { return };
    let line = choice.line;
    to.push(choice);
    let before = explorer.rows.current();
    find(explorer, line, heights);
    if explorer.rows.current() != before {
        turn(explorer);
        model.focus = Focus::List;
    }
    let what = if action == Action::Undo { "taken back" } else { "chosen again" };
    let text = format!("{what}: the choice for line {line}; {}", waits(model));
    say(model, Level::Ok, text);
}

/// Asks for words.
fn prompt(model: &mut Model, wanted: Wanted) {
    let question = match wanted {
        Wanted::Search => "Search data elements of all data sets, by words of their names:",
        Wanted::Facility => "Values of the candidates for which facility? By name or id:",
    };
    model.ask = Some(Ask::Words { wanted, question: question.to_owned(), input: Input::default() });
}

/// Enter after these words.
pub(super) fn words(model: &mut Model, wanted: Wanted, words: &str, out: &mut Vec<Cmd>) {
    let words = words.trim();
    match wanted {
        _ if words.is_empty() => say(model, Level::Look, "nothing was typed"),
        Wanted::Search => search(model, words, out),
        Wanted::Facility => facility(model, words, out),
    }
}

fn search(model: &mut Model, words: &str, out: &mut Vec<Cmd>) {
    // What is found comes later and must not come under a key that chooses.
    model.focus = Focus::List;
    let explorer = &mut model.explorer;
    explorer.search += 1;
    explorer.searching = Some(words.to_owned());
    out.push(Cmd::Search { job: explorer.search, words: words.to_owned() });
    say(model, Level::Ok, format!("searching all data sets for \"{words}\""));
}

/// What was found came; it stands in the place of the row's own candidates.
pub(super) fn found(model: &mut Model, job: Job, result: Result<Found, String>) {
    let explorer = &mut model.explorer;
    if job != explorer.search {
        return;
    }
    explorer.searching = None;
    let found = match result {
        Ok(found) => found,
        Err(why) => return say(model, Level::Stop, format!("not searched: {why}")),
    };
    let (count, words) = (found.candidates.len(), found.words.clone());
    let notes = std::iter::once("").chain(found.notes.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    if count == 0 {
        return say(model, Level::Look, format!("no data element was found for \"{words}\".{notes}"));
    }
    let more =
        if found.more > 0 { format!(" of {}", super::decide::number(count + found.more)) } else { String::new() };
    let Some(line) = explorer.entry().map(|entry| entry.row.line) else { return };
    explorer.found = Some((line, found));
    explorer.candidates.at = 0;
    fill(explorer);
    if model.screen == Screen::DataSets {
        model.focus = Focus::List;
    }
    let found = super::decide::number(count);
    say(model, Level::Ok, format!("{found}{more} found for \"{words}\"; esc: the row's own candidates again.{notes}"));
}

/// Looks for the facility these words mean, among those of the review; without one they are asked for first.
fn facility(model: &mut Model, words: &str, out: &mut Vec<Cmd>) {
    let found = match (&model.review, &model.explorer.places) {
        (Some(review), _) => {
            let facilities = review.plan.facilities();
            let called = facilities.iter().map(|one| Called {
                case_id: &one.case_id,
                external_id: &one.external_id,
                name: &one.name,
            });
            let place = |at: usize| facilities.get(at).map(|one| (one.external_id.clone(), one.name.clone()));
            pick(&called.collect::<Vec<_>>(), words).map(|at| at.first().and_then(|at| place(*at)))
        }
        (None, Some(places)) => {
            let called = places.iter().map(|one| Called { case_id: "", external_id: &one.unit, name: &one.name });
            let place = |at: usize| places.get(at).map(|one| (one.unit.clone(), one.name.clone()));
            pick(&called.collect::<Vec<_>>(), words).map(|at| at.first().and_then(|at| place(*at)))
        }
        (None, None) => {
            model.explorer.awaited = Some(words.to_owned());
            out.push(Cmd::LoadPlaces(model.explorer.job));
            return say(model, Level::Ok, "asking CommCare for its facilities");
        }
    };
    match found {
        Ok(Some((unit, name))) if !unit.is_empty() => {
            say(model, Level::Ok, format!("values for {name}"));
            model.explorer.values.1 = None;
            model.explorer.place = Some(Place { unit, name });
        }
        Ok(_) => say(model, Level::Look, "that facility has no organisation unit, so DHIS2 holds nothing for it"),
        Err(why) => say(model, Level::Look, why),
    }
}

/// The facilities came.
pub(super) fn places(model: &mut Model, job: Job, result: Result<Arc<[Place]>, String>, out: &mut Vec<Cmd>) {
    if job != model.explorer.job {
        return;
    }
    let words = model.explorer.awaited.take();
    match result {
        Ok(places) => {
            model.explorer.places = Some(places);
            if let Some(words) = words {
                facility(model, &words, out);
            }
        }
        Err(why) => say(model, Level::Stop, format!("the facilities are not known: {why}")),
    }
}

/// Asks what the facility looked at holds of the candidates shown, once for each row.
fn want_values(explorer: &mut Explorer, out: &mut Vec<Cmd>) {
    let Some((place, entry)) = explorer.place.clone().zip(explorer.entry()) else { return };
    let words = explorer.found.as_ref().map(|(_, found)| found.words.clone());
    let of = Some((place.unit.clone(), entry.row.line, words));
    if explorer.values.1 == of {
        return;
    }
    let candidates = explorer.shown().to_vec();
    explorer.held = None;
    explorer.values = (explorer.values.0 + 1, of);
    if !candidates.is_empty() {
        out.push(Cmd::LoadHeld { job: explorer.values.0, place, candidates });
    }
}

/// What it holds came; only the newest answer counts.
pub(super) fn held(explorer: &mut Explorer, job: Job, result: Result<HeldAt, String>) {
    if job == explorer.values.0 {
        explorer.held = Some(result);
    }
}
