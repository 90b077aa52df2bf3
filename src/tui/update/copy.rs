//! Copying: a row, a facility, a form, as text for the clipboard of the person's terminal. Nothing here decides.

use super::{Action, Cmd, Focus, Level, Model, Over, Screen, decide::plural, say};
use crate::{
    domain::{
        explored::{Element, Entry},
        ledger::Verdict,
        plan::Cell,
        text::inert,
        value::{Number, change, grouped},
    },
    tui::{
        explorer::Explorer,
        model::{Review, Stage},
    },
};

/// Most bytes that are given to a terminal: many take no sequence beyond 100,000, which is 74,994 bytes before they are encoded.
const MOST: usize = 70_000;

/// Headings of the rows.
const HEADINGS: [&str; 12] = [
    "facility",
    "organisation unit",
    "case id",
    "property",
    "old",
    "new",
    "change",
    "state",
    "flags",
    "verdict",
    "reason",
    "quarter",
];

/// `y`, `Y`.
pub(super) fn copy(model: &mut Model, action: Action, out: &mut Vec<Cmd>) {
    if model.over.is_none() && model.screen == Screen::Submit {
        return form(model, action == Action::CopyAll, out);
    }
    if model.screen == Screen::DataSets && !matches!(model.over, Some(Over::Changes(_))) {
        return match mapped(&model.explorer) {
            Some((text, what)) => give(model, text, &what, out),
            None => say(model, Level::Look, "nothing is under the cursor to copy"),
        };
    }
    let Some(review) = &model.review else { return };
    let found = match (&model.over, action) {
        (Some(Over::Changes(changes)), _) => changes.rows.current().map(|cell| row(review, cell)),
        (_, Action::CopyAll) => facility_of(model, review).map(|facility| whole(review, facility)),
        _ => match model.cell() {
            Some(cell) => Some(row(review, cell)),
            None => facility_of(model, review).map(|facility| summary(review, facility)),
        },
    };
    match found {
        Some((text, what)) => give(model, text, &what, out),
        None => say(model, Level::Look, "nothing is under the cursor to copy"),
    }
}

/// A text that had to be fetched is here.
pub(super) fn copied(model: &mut Model, result: Result<(String, String), String>, out: &mut Vec<Cmd>) {
    match result {
        Ok((text, what)) => give(model, text, &what, out),
        Err(why) => say(model, Level::Stop, format!("not copied: {why}")),
    }
}

/// Hands a text to the terminal and says so, unless it is more than terminals take.
fn give(model: &mut Model, text: String, what: &str, out: &mut Vec<Cmd>) {
    if text.len() > MOST {
        let instead = if model.screen == Screen::Submit {
            "d, before sending, writes the forms to a folder"
        } else {
            "e writes a file"
        };
        let size = grouped(&text.len().to_string());
        let text = format!("not copied: {size} bytes are too much for the terminal's clipboard; {instead}");
        return say(model, Level::Look, text);
    }
    out.push(Cmd::Copy(text));
    say(model, Level::Ok, format!("copied {what}"));
}

/// Asks for the form under the cursor, as it was made.
fn form(model: &mut Model, xml: bool, out: &mut Vec<Cmd>) {
    let any = matches!(&model.submit.stage, Stage::Sending(sent) | Stage::Ended(sent) if !sent.forms.is_empty());
    match model.submit.form(model.unsent()) {
        Some(form) if form.form_id.is_some() => out.push(Cmd::CopyForm { number: form.number, xml }),
        Some(form) => {
            let text = format!("form {} is made when it is sent; until then there is nothing to copy", form.number);
            say(model, Level::Look, text);
        }
        None if any => say(model, Level::Look, "the cursor is on no form; down goes to the forms"),
        None => say(model, Level::Look, "no form was sent yet; d writes the forms as they stand to a folder"),
    }
}

/// The facility that the cursor is on or in.
fn facility_of(model: &Model, review: &Review) -> Option<u32> {
    match model.screen {
        Screen::Properties => Some(review.column.current()?.facility),
        Screen::Facilities if model.focus == Focus::Cells => Some(review.cells.current()?.facility),
        Screen::Facilities => review.list.current(),
        _ => None,
    }
}

/// One row, and what is said of it.
fn row(review: &Review, cell: Cell) -> (String, String) {
    let name = &review.plan.facility(cell.facility).name;
    (line(review, cell), format!("1 row ({}, {})", inert(name), review.names.full(cell.property)))
}

/// Every row of a facility under their headings, also those that are not shown.
fn whole(review: &Review, facility: u32) -> (String, String) {
    let rows = review.plan.row(facility).map(|cell| line(review, cell));
    let lines: Vec<String> = std::iter::once(HEADINGS.join("\t")).chain(rows).collect();
    let what = format!("{} of {}", plural(lines.len() - 1, "row"), inert(&review.plan.facility(facility).name));
    (lines.join("\n"), what)
}

/// A facility of the list with its counts, in the order of the list.
fn summary(review: &Review, facility: u32) -> (String, String) {
    let facts = review.plan.facility(facility);
    let tally = review.ledger.facility(facility);
    let counts = [tally.changes, tally.left(), tally.stop, tally.review].map(|count| count.to_string());
    let texts = [&facts.name, &facts.external_id, &facts.case_id].map(|text| field(text));
    let text: Vec<String> = texts.into_iter().chain(counts).collect();
    (text.join("\t"), format!("1 row ({})", inert(&facts.name)))
}

/// The row of the mapping under the cursor, as the file has it, with the names DHIS2 gives its ids.
fn mapped(explorer: &Explorer) -> Option<(String, String)> {
    let Entry { row, element, candidates, .. } = explorer.entry()?;
    let element = match element {
        Element::Shown(name) if !name.is_empty() => name,
        _ => &row.name,
    };
    let set = candidates.iter().filter_map(|one| one.set.as_ref()).find(|set| set.id == row.data_set);
    let set = set.map_or("", |set| set.name.as_str());
    let line = row.line.to_string();
    let texts = [line.as_str(), &row.property, &row.data_element, &row.data_set, element, set].map(field);
    Some((texts.join("\t"), format!("1 row (line {line}, {})", inert(&row.property))))
}

/// A cell as tab-separated text, values as they are stored.
fn line(review: &Review, cell: Cell) -> String {
    let (plan, ledger) = (&review.plan, &review.ledger);
    let facts = plan.facility(cell.facility);
    let verdict = ledger.verdict(plan, cell);
    // The zero that a person chose is what would be written.
    let new = if verdict == Some(Verdict::Zero) { plan.offer(cell) } else { plan.new_value(cell) };
    let change = change(plan.old(cell), new).unwrap_or_default().replace(',', "");
    let flags: Vec<String> =
        plan.flags(cell).iter().map(|flag| format!("{} {}", flag.severity.word(), flag.sentence)).collect();
    let texts = [
        facts.name.as_str(),
        &facts.external_id,
        &facts.case_id,
        &plan.property(cell.property).name,
        plan.old(cell).unwrap_or_default(),
        new.unwrap_or_default(),
        &change,
        plan.state(cell).words(),
        &flags.join("; "),
        verdict.map_or("", Verdict::name),
        ledger.reason(cell).unwrap_or_default(),
        &plan.quarter(cell).to_string(),
    ];
    texts.map(field).join("\t")
}

/// A text that stays one field and does nothing where it is pasted: what acts on a terminal is shown, tabs and line ends among it
/// (fault matrix row V10), and what a spreadsheet would take for a formula is marked as text. A number stays one.
fn field(text: &str) -> String {
    let safe = inert(text);
    if safe.starts_with(['=', '+', '-', '@']) && Number::parse(&safe).is_none() {
        format!("'{safe}")
    } else {
        safe.into_owned()
    }
}
