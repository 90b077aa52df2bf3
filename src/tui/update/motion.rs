//! Moving: rows, panes, properties, tabs. Nothing here decides.

use super::{
    Action, Cmd, Focus, Model, Over, Screen, again, datasets, decide, input::is_review, lists, prompt, submit, view,
};
use crate::{
    domain::{
        explored::line_of,
        text::{fit_middle, inert},
    },
    tui::{
        explorer::Looked,
        hit,
        listed::lines,
        model::{Door, Rows, Stage},
    },
};

/// Moves in whatever list has the keys. Half a page is half of the rows seen.
pub(super) fn go(model: &mut Model, action: Action, count: usize) {
    let layout = model.layout();
    let body = usize::from(hit::rows_over(model, &layout).height);
    match &mut model.over {
        Some(Over::Help { rows, .. }) => {
            let height = body.max(1);
            return rows.go(target(rows.at, rows.all.len(), height, action, count), height);
        }
        Some(Over::Picks { rows, .. }) => return rows.go(target(rows.at, rows.all.len(), body, action, count), body),
        Some(Over::Changes(changes)) => {
            let rows = &mut changes.rows;
            return rows.go(target(rows.at, rows.all.len(), body, action, count), body);
        }
        Some(Over::Log { top }) => {
            *top = target(*top, model.log.len(), body, action, count);
            return;
        }
        Some(Over::Lines { lines, top, .. }) => {
            *top = target(*top, lines.len(), body, action, count);
            return;
        }
        None => {}
    }
    let (screen, focus) = (model.screen, model.focus);
    if screen == Screen::DataSets {
        let height = if focus == Focus::Cells { layout.cell_rows() } else { layout.list_rows() };
        return datasets::go(model, focus, |at, len| target(at, len, height, action, count));
    }
    if screen == Screen::Submit {
        if let Stage::Sending(sent) | Stage::Ended(sent) = &model.submit.stage {
            model.submit.at = target(model.submit.at, lines(sent, model.unsent()).count(), body, action, count);
        }
        return;
    }
    let Some(review) = &mut model.review else { return };
    let (list, cells) = (layout.list_rows(), layout.cell_rows());
    match (screen, focus) {
        (Screen::Overview | Screen::Submit | Screen::DataSets, _) => {
            let rows = &mut review.doors;
            rows.go(target(rows.at, rows.all.len(), body, action, count), usize::MAX);
        }
        (Screen::Properties, _) => {
            let rows = &mut review.column;
            rows.go(target(rows.at, rows.all.len(), list, action, count), list);
        }
        (Screen::Facilities, Focus::Cells) => {
            let rows = &mut review.cells;
            rows.go(target(rows.at, rows.all.len(), cells, action, count), cells);
        }
        (Screen::Facilities, Focus::List) => {
            let rows = &mut review.list;
            let before = rows.current();
            rows.go(target(rows.at, rows.all.len(), list, action, count), list);
            if rows.current() != before {
                view::fill_cells(review, cells);
            }
        }
    }
}

fn target(at: usize, len: usize, height: usize, action: Action, count: usize) -> usize {
    let last = len.saturating_sub(1);
    let half = (height / 2).max(1);
    match action {
        Action::Down => at.saturating_add(count),
        Action::Up => at.saturating_sub(count),
        Action::HalfDown => at.saturating_add(half),
        Action::HalfUp => at.saturating_sub(half),
        Action::First => 0,
        _ => last,
    }
    .min(last)
}

/// Opens a tab. Its lists settle: the filter is applied again.
pub(super) fn tab(model: &mut Model, screen: Screen, out: &mut Vec<Cmd>) {
    model.over = None;
    if model.screen != Screen::Submit {
        model.came_from = model.screen;
    }
    if model.screen == screen && screen != Screen::Submit {
        return;
    }
    show(model, screen);
    if is_review(screen) {
        view::settle(model);
    }
    match screen {
        Screen::Overview => view::fill_doors(model),
        Screen::Submit => submit::enter(model, out),
        _ => {}
    }
    out.extend(super::place(model).map(Cmd::SavePlace));
}

/// Puts a tab on the screen. Data sets has panes of its own, so that those of Facilities are as they were afterwards. What failed
/// there is asked again.
pub(super) fn show(model: &mut Model, screen: Screen) {
    match (model.screen == Screen::DataSets, screen == Screen::DataSets) {
        (false, true) => {
            model.explorer.left = std::mem::take(&mut model.focus);
            if matches!(model.explorer.looked, Looked::Failed(_)) {
                model.explorer.looked = Looked::Idle;
            }
        }
        (true, false) => model.focus = model.explorer.left,
        _ => {}
    }
    model.screen = screen;
}

/// The other pane of Facilities or Data sets.
pub(super) fn other_pane(model: &mut Model) {
    model.focus = match model.focus {
        Focus::List => Focus::Cells,
        Focus::Cells => Focus::List,
    };
}

/// The next or previous property. Its column opens where it was left.
pub(super) fn property(model: &mut Model, next: bool) {
    let height = model.layout().list_rows();
    let Some(review) = &mut model.review else { return };
    let width = review.plan.width();
    let other = if next {
        review.property.checked_add(1).filter(|property| *property < width)
    } else {
        review.property.checked_sub(1)
    };
    if let Some(property) = other {
        view::show_property(review, property, height);
    }
}

/// Opens what the cursor is on. Never decides.
pub(super) fn open(model: &mut Model, out: &mut Vec<Cmd>) {
    if matches!(model.over, Some(Over::Changes(_))) {
        return lists::enter(model, out);
    }
    if model.screen == Screen::DataSets {
        return datasets::open(model, out);
    }
    let height = model.layout_of(Screen::Properties).list_rows();
    let facilities = model.layout_of(Screen::Facilities);
    let Some(review) = &mut model.review else { return };
    match (model.screen, model.focus) {
        (Screen::Overview, _) => {
            if let Some(door) = review.doors.current() {
                enter(model, door, out);
            }
        }
        (Screen::Facilities, Focus::List) => model.focus = Focus::Cells,
        (Screen::Facilities, Focus::Cells) => {
            let Some(cell) = review.cells.current() else { return };
            tab(model, Screen::Properties, out);
            let Some(review) = &mut model.review else { return };
            view::show_property(review, cell.property, height);
            review.column.find(cell, height);
        }
        (Screen::Properties, _) => {
            let Some(cell) = review.column.current() else { return };
            tab(model, Screen::Facilities, out);
            let Some(review) = &mut model.review else { return };
            view::show_cell(review, cell, &facilities);
            model.focus = Focus::Cells;
        }
        (Screen::Submit, _) => _ = lists::line(model),
        (Screen::DataSets, _) => {}
    }
}

/// Goes through a line of Overview.
fn enter(model: &mut Model, door: Door, out: &mut Vec<Cmd>) {
    let words = match door {
        Door::Stop => "is:left is:stop".to_owned(),
        Door::Review => "is:left is:review".to_owned(),
        Door::Plain => "is:left is:plain".to_owned(),
        Door::State(state) => format!("state:{}", state.name().to_lowercase()),
        Door::Check(_) | Door::Property(_) => {
            let property = model.review.as_ref().and_then(|review| review.property_of(door));
            tab(model, Screen::Properties, out);
            let height = model.layout().list_rows();
            if let Some((review, property)) = model.review.as_mut().zip(property) {
                view::show_property(review, property, height);
            }
            return;
        }
        Door::NotMatched => return not_matched(model),
        Door::Finer(at) => return again::ask(model, at),
        Door::Reset => return lists::reset(model),
        Door::Mapping(at) => {
            let said = model.review.as_ref().and_then(|review| review.plan.head.mapping_problems.get(at));
            // What is said of the file as a whole stands on its first line too.
            let line = said.and_then(|said| line_of(said)).unwrap_or(1);
            return datasets::show_line(model, line, out);
        }
    };
    tab(model, Screen::Facilities, out);
    model.focus = Focus::List;
    prompt::apply(model, &words);
    let facilities = model.layout();
    if let Some(review) = &mut model.review {
        // A door opens at the first of what it lists, wherever the cursor stood before.
        review.list.go(0, facilities.list_rows());
        review.cells = Rows::default();
        view::fill_cells(review, facilities.cell_rows());
    }
}

/// Lists the cases that take no part, and the organisation units that have none (R2 of data-quality-flags.md section 4).
fn not_matched(model: &mut Model) {
    let Some(review) = &model.review else { return };
    let (skipped, units) = (review.plan.skipped(), &review.plan.head.without_case);
    let mut lines = Vec::new();
    if !skipped.is_empty() {
        let remedy = "Give the case an external id in CommCare, the id of its organisation unit, then read again (F).";
        lines.extend([remedy.to_owned(), String::new()]);
    }
    let cases = skipped.iter().map(|skipped| {
        let (name, reason) = (inert(&skipped.case_name), inert(&skipped.reason));
        format!("{}: {reason}  case {}", fit_middle(&name, 30), inert(&skipped.case_id))
    });
    lines.extend(cases);
    if !units.is_empty() {
        lines.extend((!skipped.is_empty()).then(String::new));
        let count = decide::plural(units.len(), "organisation unit");
        lines.extend([format!("{count} of a mapped data set without a case of this project:"), String::new()]);
        let named = units.iter().map(|(id, name)| format!("{}  {}", inert(id), inert(name)).trim_end().to_owned());
        lines.extend(named);
    }
    model.over = Some(Over::Lines { title: "Not matched".to_owned(), lines, top: 0 });
}
