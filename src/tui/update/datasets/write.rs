//! Writing the mapping file: what changes is shown line by line, and only `y` after that writes these very bytes.

use std::{path::Path, sync::Arc};

use super::super::{Ask, Cmd, Level, Model, Over, decide::plural, leave, say};
use crate::{
    domain::{
        mapping::{Change, Choice, ELEMENT, LineChange, Mapping},
        text::{inert, width},
    },
    tui::{explorer::Looked, keymap::Action, model::Sure},
};

/// `w`: shows what would change, and asks.
pub(super) fn ask(model: &mut Model) {
    let Some(mapped) = &model.explorer.mapped else { return };
    let cells: Vec<_> = model.explorer.to_write().iter().flat_map(Choice::changes).collect();
    let changed = match mapped.mapping.changed(&cells) {
        Ok(changed) => changed,
        Err(why) => return say(model, Level::Stop, format!("the mapping was not written: {why}")),
    };
    let name = Path::new(&mapped.label).file_name().map_or(mapped.label.as_str().into(), |name| name.to_string_lossy());
    let (name, label) = (inert(&name).into_owned(), inert(&mapped.label).into_owned());
    if changed.lines.is_empty() {
        return say(model, Level::Look, format!("{name} holds all that is chosen already"));
    }
    let rows = plural(changed.lines.len(), "changed row");
    let room = usize::from(model.size.0).saturating_sub(6);
    let sure = Sure::Write { before: Arc::clone(&mapped.mapping), after: changed.bytes };
    let yes = format!("write {rows}");
    model.over = Some(Over::Lines {
        title: format!("What changes in {label}: {}, and nothing else", plural(changed.lines.len(), "row")),
        lines: changed.lines.iter().flat_map(|change| lines(&mapped.mapping, change, &cells, room)).collect(),
        top: 0,
    });
    model.ask = Some(Ask::Sure { sure, question: format!("Write {rows} to {name}?"), yes });
}

/// A row: the cells that change, then the whole of it as the file writes it, before and after.
fn lines(mapping: &Mapping, change: &LineChange, cells: &[Change], room: usize) -> Vec<String> {
    let row = mapping.row(change.line);
    let property = row.map_or("", |row| row.property.as_str());
    let mut lines = vec![format!("line {}  {}", change.line, inert(property))];
    for cell in cells.iter().filter(|cell| cell.line == change.line) {
        let was = row.map_or("", |row| if cell.column == ELEMENT { &row.data_element } else { &row.data_set });
        if was != cell.value {
            let was = if was.is_empty() { "empty".into() } else { inert(was) };
            lines.push(format!("  {}  {was} -> {}", cell.column, inert(&cell.value)));
        }
    }
    for (sign, text) in [('-', &change.before), ('+', &change.after)] {
        let pieces = text.lines().flat_map(|line| cut(&inert(line), room));
        lines.extend(pieces.enumerate().map(|(at, piece)| format!("{} {piece}", if at == 0 { sign } else { ' ' })));
    }
    lines.push(String::new());
    lines
}

/// A line in pieces of so many columns, letter by letter: what a file holds is shown as it stands, not by its words.
fn cut(line: &str, columns: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in line.chars() {
        if let Some(last) = pieces.last_mut() {
            last.push(c);
            if width(last) <= columns.max(2) {
                continue;
            }
            last.pop();
        }
        pieces.push(c.to_string());
    }
    pieces
}

/// `y` after such a question.
pub(in crate::tui::update) fn sure(model: &mut Model, sure: Sure, out: &mut Vec<Cmd>) {
    match sure {
        Sure::Leave => leave(model, out),
        Sure::Write { before, after } => {
            model.over = None;
            model.explorer.writing = true;
            say(model, Level::Ok, "writing the mapping");
            out.push(Cmd::WriteMapping { before, after });
        }
    }
}

/// It was written, or was not. Written, it is read and looked up again; the review does not have it before it is read again.
pub(in crate::tui::update) fn written(model: &mut Model, result: Result<String, String>) {
    let explorer = &mut model.explorer;
    explorer.writing = false;
    let words = match result {
        Ok(words) => words,
        Err(why) => {
            return say(model, Level::Stop, format!("the mapping was not written, what is chosen stays chosen: {why}"));
        }
    };
    explorer.chosen.clear();
    explorer.undone.clear();
    explorer.written = Some(model.now.at.clone());
    explorer.late = model.reading.is_some();
    explorer.looked = Looked::Idle;
    let text = format!("{words}; {} reads it into the review", model.keys.key(Action::Read));
    say(model, Level::Ok, text);
}
