//! From the bytes of a mapping file to rows with their lines, and what is wrong with the file as a text.
//!
//! What the values mean is not looked at here.

use super::super::{flags::Relation, value::grouped};
use super::{
    COLUMNS, LIMIT, MOST_ROWS, Problem, RELATION, Row,
    header::{LeftOut, folded, spoilt},
    listed, properties,
    records::{MOST_VALUES, Record, Records},
    text::Text,
};

pub(super) use super::{cell::trimmed, header::Header};

/// A file as read.
#[derive(Default)]
pub(super) struct File {
    /// Its rows, usable or not.
    pub(super) rows: Vec<Row>,
    /// What is wrong with it as a text.
    pub(super) problems: Vec<Problem>,
}

/// Where the rows of a file are.
pub(super) struct Shape {
    /// The text.
    pub(super) text: Text,
    /// What stands between two values.
    pub(super) separator: u8,
    /// Where the header begins, in bytes of the text: behind a first line that only names the separator.
    pub(super) start: usize,
    /// Letters that may have been meant otherwise.
    doubts: Vec<Problem>,
}

impl Shape {
    /// How a mapping is written.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.len() > LIMIT {
            let most = LIMIT / (1024 * 1024);
            return Err(whole(format!("The file is too large: it has more than {most} MiB. Is it a mapping?")));
        }
        Self::with(bytes, &COLUMNS)
    }

    /// How a file is written whose header has these columns.
    pub(super) fn with(bytes: &[u8], columns: &[&str]) -> Result<Self, Problem> {
        let (text, doubts) = Text::of(bytes)?;
        let (separator, start) = named(&text.text).unwrap_or_else(|| (likeliest(&text.text, columns), 0));
        Ok(Self { text, separator, start, doubts })
    }

    /// Its records, the header first, without those that are blank.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        let all = Records::new(&self.text.text, self.separator, self.start);
        all.filter(|record| !record.values().all(|value| trimmed(value).is_empty()))
    }
}

/// The separator that a first line `sep=;` names, as Excel writes and reads it, and where the next line begins.
fn named(text: &str) -> Option<(u8, usize)> {
    let end = text.find(['\r', '\n'])?;
    let line = text.get(..end)?.trim_matches('"');
    let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] = line.as_bytes() else { return None };
    let ends = if text.get(end..)?.starts_with("\r\n") { 2 } else { 1 };
    SEPARATORS.contains(separator).then_some((*separator, end + ends))
}

/// The separator with which the header has most of the columns that are needed; a comma where none has more.
fn likeliest(text: &str, columns: &[&str]) -> u8 {
    let known = |separator: u8| {
        let header = Records::new(text, separator, 0).find(|record| record.values().any(|v| !trimmed(v).is_empty()));
        let names: Vec<String> = header.iter().flat_map(Record::values).map(folded).collect();
        columns.iter().filter(|column| names.iter().any(|name| name == *column)).count()
    };
    let mut best = (0, b',');
    for separator in SEPARATORS {
        let found = known(separator);
        if found > best.0 {
            best = (found, separator);
        }
    }
    best.1
}

/// What may stand between two values (row M02).
const SEPARATORS: [u8; 4] = *b",;\t|";

/// All rows and problems, or the one reason why there are none.
pub(super) fn parse(bytes: &[u8]) -> Result<File, Problem> {
    let shape = Shape::of(bytes)?;
    let mut records = shape.records();
    let Some(first) = records.next() else {
        return Err(whole(format!("The file is empty. Its first line must be {}.", COLUMNS.join(","))));
    };
    in_bounds(&first, 0)?;
    let mut header = Header::find(&first)?;
    let mut file = File { problems: shape.doubts.clone(), rows: Vec::new() };
    file.problems.append(&mut header.notes);
    let (mut relations, mut left_out) = (Vec::new(), Vec::new());
    for record in records {
        in_bounds(&record, file.rows.len())?;
        let (row, out) = header.row(&record);
        let (kind, unclear) = header.kind(&record);
        left_out.push((record.line, out));
        file.problems.extend(swallowed(&record, shape.separator));
        file.problems.extend(header.overlong(&record, shape.separator));
        file.problems.extend(unclear);
        relations.push(header.relation(&record).to_owned());
        file.rows.push(Row { kind, ..row });
    }
    if file.rows.is_empty() {
        return Err(whole("The file has a header but no rows. Add one row for each case property.".to_owned()));
    }
    file.problems.extend(relate(&mut file.rows, &relations));
    file.problems.extend(tidied(&left_out));
    Ok(file)
}

/// A problem of the file as a whole.
pub(super) fn whole(what: String) -> Problem {
    Problem { line: 1, column: None, value: String::new(), what, blocks: true }
}

/// Whether one more record is still read (row M20).
fn in_bounds(record: &Record, rows: usize) -> Result<(), Problem> {
    let too_large = |what| Problem { line: record.line, column: None, value: String::new(), what, blocks: true };
    let number = |n: usize| grouped(&n.to_string());
    if record.fields.len() > MOST_VALUES {
        let most = number(MOST_VALUES);
        let what =
            format!("The line is too large: it has more than {most} values, and no more are read. Is it a mapping?");
        return Err(too_large(what));
    }
    if rows == MOST_ROWS {
        let most = number(MOST_ROWS);
        let what = format!(
            "The file is too large: it has more than {most} rows that are not blank, and no more are read. Is it a mapping?"
        );
        return Err(too_large(what));
    }
    Ok(())
}

/// What was left out of values, once for the whole file (rows M08 and M09).
fn tidied(left_out: &[(u64, LeftOut)]) -> Vec<Problem> {
    let note = |what: &str, is: fn(&LeftOut) -> bool| {
        let lines: Vec<u64> = left_out.iter().filter(|(_, out)| is(out)).map(|(line, _)| *line).collect();
        let which = if lines.len() == 1 { "line" } else { "lines" };
        lines.first().map(|first| Problem {
            line: *first,
            column: None,
            value: String::new(),
            what: format!(
                "{what} are left out of properties and ids, on {which} {}. Nothing needs to be done.",
                listed(&lines)
            ),
            blocks: false,
        })
    };
    let spaces = note("Spaces and characters that cannot be seen", |out| out.spaces);
    spaces.into_iter().chain(note("Quotes", |out| out.quotes)).collect()
}

/// Gives every row its relation, for which the names of all rows must be known. What cannot be read does not block: the row
/// is used without it. A row without a property is blocked anyway.
fn relate(rows: &mut [Row], relations: &[String]) -> Vec<Problem> {
    let read: Vec<_> = {
        let known = properties(rows);
        let said = rows.iter().zip(relations);
        said.map(|(row, text)| {
            let is_said = !row.property.is_empty() && !text.is_empty();
            is_said.then(|| Relation::beside(&row.property, text).and_then(|rule| rule.among(&known)))
        })
        .collect()
    };
    let mut problems = Vec::new();
    for ((row, text), relation) in rows.iter_mut().zip(relations).zip(read) {
        match relation {
            Some(Ok(relation)) => row.relation = Some(relation),
            Some(Err(what)) => problems.push(Problem {
                line: row.line,
                column: Some(RELATION),
                value: text.clone(),
                what: format!("{what}{} Until then the row has no relation.", spoilt(text)),
                blocks: false,
            }),
            None => {}
        }
    }
    problems
}

/// A value that runs over several lines of which one looks like a row: a quote was left open, and rows are lost in it.
pub(super) fn swallowed(record: &Record, separator: u8) -> Option<Problem> {
    let row_like =
        |text: &str| text.split(['\r', '\n']).skip(1).any(|part| part.matches(char::from(separator)).count() >= 3);
    let value = record.values().find(|field| row_like(field))?;
    Some(Problem {
        line: record.line,
        column: None,
        value: value.to_owned(),
        what: "A quote is opened here and swallows the rows after it. Close or remove the quote.".to_owned(),
        blocks: true,
    })
}
