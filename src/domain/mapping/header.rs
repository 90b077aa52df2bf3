//! The header of a mapping file: which column stands where, however its name is written (fault matrix rows M05 and M06).

use super::super::{flags::Kind, nearest::nearest};
use super::{
    COLUMNS, KIND, Problem, RELATION, Row,
    cell::{Cell, has_curly_quotes, trimmed},
    habit::Habit,
    records::Record,
    shown,
};

/// Bytes beyond which a text is the name of no column, and is not taken apart.
const LONGEST: usize = 1024;

/// Where the columns stand.
pub(super) struct Header {
    places: [usize; 4],
    kind: Option<usize>,
    relation: Option<usize>,
    width: usize,
    /// Columns that are not used although one may think so.
    pub(super) notes: Vec<Problem>,
}

/// What was left out of the values of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Spaces, or characters that nobody sees.
    pub(super) spaces: bool,
    /// Quotes around a value.
    pub(super) quotes: bool,
}

impl Header {
    pub(super) fn find(record: &Record) -> Result<Self, Problem> {
        let line = record.line;
        let found: Vec<String> = record.values().map(folded).collect();
        let problem =
            |column, value: &str, what, blocks| Problem { line, column, value: value.to_owned(), what, blocks };
        let place = |column: &str| {
            let mut at = found.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
            (at.next(), at.next().is_some())
        };
        let mut places = [0; 4];
        let mut missing = Vec::new();
        for (needed, column) in places.iter_mut().zip(COLUMNS) {
            match place(column) {
                (Some(at), false) => *needed = at,
                (None, _) => missing.push(column),
                (Some(_), true) => {
                    let what = format!("The column {column} stands twice. Rename or remove one of them.");
                    return Err(problem(None, "", what, true));
                }
            }
        }
        if !missing.is_empty() {
            return Err(problem(None, "", missing_columns(&missing, record, &found), true));
        }
        // One that may be left out is left out where it is not clear which is meant.
        let mut notes = Vec::new();
        for column in [KIND, RELATION] {
            match place(column) {
                (None, _) => notes.extend(near(column, record, &found).map(|name| {
                    let what =
                        format!("A column of this name is not used. If {column} is meant, rename it to {column}.");
                    problem(None, name, what, false)
                })),
                (Some(_), true) => {
                    let what =
                        format!("The column {column} stands twice, so neither is used. Rename or remove one of them.");
                    notes.push(problem(Some(column), "", what, false));
                }
                (Some(_), false) => {}
            }
        }
        let only = |column| place(column).0.filter(|_| !place(column).1);
        Ok(Self { places, kind: only(KIND), relation: only(RELATION), width: record.fields.len(), notes })
    }

    /// Where a column stands, in the order of [`COLUMNS`].
    pub(super) fn place(&self, column: &str) -> Option<usize> {
        COLUMNS.iter().position(|name| *name == column).and_then(|which| self.places.get(which)).copied()
    }

    /// The row, without kind and relation, and what was left out of it.
    pub(super) fn row(&self, record: &Record) -> (Row, LeftOut) {
        let [property, element, set, name] = self.places.map(|at| record.get(at));
        let (property, element, set) = (Cell::property(property), Cell::id(element), Cell::id(set));
        let cells = [&property, &element, &set];
        let left_out =
            LeftOut { spaces: cells.iter().any(|cell| cell.spaces), quotes: cells.iter().any(|cell| cell.quotes) };
        let row = Row {
            line: record.line,
            property: property.value,
            data_element: element.value,
            data_set: set.value,
            name: trimmed(name).to_owned(),
            kind: None,
            relation: None,
        };
        (row, left_out)
    }

    /// What the row says of its kind. What cannot be read does not block: the number is right whatever its kind.
    pub(super) fn kind(&self, record: &Record) -> (Option<Kind>, Option<Problem>) {
        let text = optional(record, self.kind);
        if text.is_empty() {
            return (None, None);
        }
        let unclear = |what: String| {
            let what = format!("{what}{} Until then DHIS2's aggregation type decides the kind.", spoilt(text));
            Problem { line: record.line, column: Some(KIND), value: text.to_owned(), what, blocks: false }
        };
        match Kind::parse(text) {
            Ok(kind) => (Some(kind), None),
            Err(what) => (None, Some(unclear(what))),
        }
    }

    /// What the row says of its relation.
    pub(super) fn relation<'r>(&self, record: &'r Record) -> &'r str {
        optional(record, self.relation)
    }

    /// A value beyond the last column: a separator without quotes has moved everything after it, ids included.
    pub(super) fn overlong(&self, record: &Record, separator: u8) -> Option<Problem> {
        let beyond = record.values().skip(self.width).find(|field| !trimmed(field).is_empty())?;
        let separator = match separator {
            b';' => "a semicolon",
            b'\t' => "a tab",
            b'|' => "a |",
            _ => "a comma",
        };
        let remedy = if record.values().any(has_curly_quotes) {
            format!("Curly quotes do not hold a text with {separator} together: CSV needs straight ones (\").")
        } else {
            format!("Put quotes around a text that contains {separator}.")
        };
        let (values, width) = (record.fields.len(), self.width);
        Some(Problem {
            line: record.line,
            column: None,
            value: beyond.to_owned(),
            what: format!("The row has {values} values, the header {width} columns. {remedy}"),
            blocks: true,
        })
    }
}

/// A remark on what a spreadsheet left in the place of a rule, which begins with `=` and so looks like a formula to it.
pub(super) fn spoilt(text: &str) -> &'static str {
    match Habit::of(text) {
        Some(Habit::Error) => " A spreadsheet took it for a formula: format the column as Text and write it again.",
        _ => "",
    }
}

/// The name of a column as it is compared: letter case, quotes, and whether spaces, `-` or `_` stand between its words are no
/// matter. Empty where it is none.
pub(crate) fn folded(name: &str) -> String {
    if name.len() > LONGEST {
        return String::new();
    }
    let bare = Cell::property(name).value.to_lowercase();
    bare.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_'))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

/// The value in a column that may be left out.
fn optional(record: &Record, place: Option<usize>) -> &str {
    place.map(|at| record.get(at)).map(trimmed).unwrap_or_default()
}

/// The unused column whose name is nearest to `column`, as it is written.
fn near<'r>(column: &str, record: &'r Record, found: &[String]) -> Option<&'r str> {
    let spare =
        found.iter().map(String::as_str).filter(|name| !COLUMNS.contains(name) && ![KIND, RELATION].contains(name));
    let close = nearest(column, spare)?;
    record.values().zip(found).find(|(_, name)| *name == close).map(|(value, _)| trimmed(value))
}

fn missing_columns(missing: &[&str], record: &Record, found: &[String]) -> String {
    let names: Vec<&str> = record.values().map(trimmed).collect();
    let mut what = vec![format!("Missing: {}. Found: {}.", missing.join(", "), shown(&names.join(", ")))];
    for column in missing {
        let close = near(column, record, found);
        what.extend(close.map(|close| format!("Perhaps {} should read {column}.", shown(close))));
    }
    if missing.len() == COLUMNS.len() {
        what.push(format!("The first line that is not blank must be the header, such as {}.", COLUMNS.join(",")));
    }
    what.join(" ")
}
