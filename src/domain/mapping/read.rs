//! From the bytes of a mapping file to rows with their lines, and what is wrong with the file as a text.
//!
//! What the values mean is not looked at here.

use super::super::flags::{Kind, Relation};
use super::super::nearest::nearest;
use super::{COLUMNS, KIND, LIMIT, Problem, RELATION, Row, properties, shown};

/// All rows and problems, or the one reason why there are none.
pub(super) fn parse(bytes: &[u8]) -> Result<(Vec<Row>, Vec<Problem>), Problem> {
    let text = text_of(bytes)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut head: Option<Header> = None;
    let (mut rows, mut relations, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    let mut untrimmed = None;
    for record in reader.records() {
        let record = record.map_err(|error| whole(format!("The file cannot be read as CSV: {error}.")))?;
        let line = lines.of(record.position());
        if record.iter().all(|field| trimmed(field).is_empty()) {
            continue;
        }
        let Some(header) = &head else {
            let header = head.insert(Header::find(&record, line)?);
            problems.extend(header.twice.iter().map(|column| Problem {
                line,
                column: Some(column),
                value: String::new(),
                what: format!("The column {column} stands twice, so neither is used. Rename or remove one of them."),
                blocks: false,
            }));
            continue;
        };
        let (kind, unclear) = header.kind(&record, line);
        let row = Row { kind, ..header.row(&record, line) };
        untrimmed = untrimmed.or_else(|| header.has_outer_space(&record).then_some(line));
        problems.extend(swallowed(&record, line));
        problems.extend(header.overlong(&record, line));
        problems.extend(unclear);
        relations.push(optional(&record, header.relation).to_owned());
        rows.push(row);
    }
    if head.is_none() {
        return Err(whole(format!("The file is empty. Its first line must be {}.", COLUMNS.join(","))));
    }
    if rows.is_empty() {
        return Err(whole("The file has a header but no rows. Add one row for each case property.".to_owned()));
    }
    problems.extend(relate(&mut rows, &relations));
    problems.extend(untrimmed.map(|line| Problem {
        line,
        column: None,
        value: String::new(),
        what: "Spaces around values are left out, here and in the rows after it. Nothing needs to be done.".to_owned(),
        blocks: false,
    }));
    Ok((rows, problems))
}

/// The text of the file, or the one thing to say when it is something else (fault matrix rows M04, M20 and M21).
fn text_of(bytes: &[u8]) -> Result<&str, Problem> {
    const HOW: &str = "In Excel choose File, Save As, \"CSV UTF-8 (comma delimited)\".";
    if bytes.len() > LIMIT {
        return Err(whole(format!("The file is too large: {} bytes, at most {LIMIT} are read.", bytes.len())));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(whole(format!("This is an Excel workbook or another zip file, not CSV. {HOW}")));
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(whole(format!("The file is UTF-16 (\"Unicode text\"); UTF-8 is needed. {HOW}")));
    }
    if bytes.contains(&0) {
        return Err(whole(format!("The file holds NUL bytes, so it is not a CSV text file. {HOW}")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        whole(format!("The file is not UTF-8: line {line} has bytes that are none. {HOW}"))
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// A problem of the file as a whole.
fn whole(what: String) -> Problem {
    Problem { line: 1, column: None, value: String::new(), what, blocks: true }
}

/// Turns byte places into line numbers, going forward once.
///
/// The reader's own count is that of the end of the record before, which is wrong after blank lines.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn of(&mut self, place: Option<&csv::Position>) -> u64 {
        let bytes = self.text.as_bytes();
        let mut to = place.and_then(|place| usize::try_from(place.byte()).ok()).unwrap_or(self.at).min(bytes.len());
        while bytes.get(to).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
            to += 1;
        }
        while self.at < to {
            let pair = bytes[self.at] == b'\r' && bytes.get(self.at + 1) == Some(&b'\n');
            if matches!(bytes[self.at], b'\r' | b'\n') {
                self.line += 1;
            }
            self.at += if pair { 2 } else { 1 };
        }
        self.line
    }
}

/// Where the columns stand.
struct Header {
    places: [usize; 4],
    kind: Option<usize>,
    relation: Option<usize>,
    /// Columns that may be left out and stand twice.
    twice: Vec<&'static str>,
    width: usize,
}

impl Header {
    fn find(record: &csv::StringRecord, line: u64) -> Result<Self, Problem> {
        let found: Vec<String> = record.iter().map(|name| trimmed(name).to_lowercase()).collect();
        let problem = |what| Problem { line, column: None, value: String::new(), what, blocks: true };
        let place = |column: &str| {
            let mut at = found.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
            let first = at.next();
            match at.next() {
                None => Ok(first),
                Some(_) => Err(problem(format!("The column {column} stands twice. Rename or remove one of them."))),
            }
        };
        let mut places = [0; 4];
        let mut missing = Vec::new();
        for (needed, column) in places.iter_mut().zip(COLUMNS) {
            match place(column)? {
                Some(at) => *needed = at,
                None => missing.push(column),
            }
        }
        if missing.is_empty() {
            // One that may be left out is left out where it is not clear which is meant.
            let twice = [KIND, RELATION].into_iter().filter(|column| place(column).is_err()).collect();
            let only = |column| place(column).ok().flatten();
            return Ok(Self { places, kind: only(KIND), relation: only(RELATION), twice, width: record.len() });
        }
        Err(problem(missing_columns(&missing, &found)))
    }

    fn field<'r>(&self, record: &'r csv::StringRecord, which: usize) -> &'r str {
        record.get(self.places[which]).unwrap_or_default()
    }

    fn row(&self, record: &csv::StringRecord, line: u64) -> Row {
        let field = |which| trimmed(self.field(record, which)).to_owned();
        Row {
            line,
            property: field(0),
            data_element: field(1),
            data_set: field(2),
            name: field(3),
            kind: None,
            relation: None,
        }
    }

    /// What the row says of its kind. What cannot be read does not block: the number is right whatever its kind.
    fn kind(&self, record: &csv::StringRecord, line: u64) -> (Option<Kind>, Option<Problem>) {
        let text = optional(record, self.kind);
        if text.is_empty() {
            return (None, None);
        }
        let unclear = |what: String| {
            let what = format!("{what} Until then DHIS2's aggregation type decides the kind.");
            Problem { line, column: Some(KIND), value: text.to_owned(), what, blocks: false }
        };
        match Kind::parse(text) {
            Ok(kind) => (Some(kind), None),
            Err(what) => (None, Some(unclear(what))),
        }
    }

    fn has_outer_space(&self, record: &csv::StringRecord) -> bool {
        (0..4).map(|which| self.field(record, which)).any(|field| trimmed(field) != field)
    }

    /// A value beyond the last column: a comma without quotes has moved everything after it, ids included.
    fn overlong(&self, record: &csv::StringRecord, line: u64) -> Option<Problem> {
        let beyond = record.iter().skip(self.width).find(|field| !trimmed(field).is_empty())?;
        Some(Problem {
            line,
            column: None,
            value: beyond.to_owned(),
            what: format!(
                "The row has {} values, the header {} columns. Put quotes around a text that contains a comma.",
                record.len(),
                self.width
            ),
            blocks: true,
        })
    }
}

/// The value in a column that may be left out.
fn optional(record: &csv::StringRecord, place: Option<usize>) -> &str {
    place.and_then(|at| record.get(at)).map(trimmed).unwrap_or_default()
}

/// Gives every row its relation, for which the names of all rows must be known. What cannot be read does not block: the row
/// is used without it. A row without a property is blocked anyway.
fn relate(rows: &mut [Row], relations: &[String]) -> Vec<Problem> {
    let read: Vec<_> = {
        let known = properties(rows);
        let said = rows.iter().zip(relations).enumerate();
        said.filter(|(_, (row, text))| !row.property.is_empty() && !text.is_empty())
            .map(|(at, (row, text))| (at, Relation::beside(&row.property, text).and_then(|rule| rule.among(&known))))
            .collect()
    };
    let mut problems = Vec::new();
    for (at, relation) in read {
        match relation {
            Ok(relation) => rows[at].relation = Some(relation),
            Err(what) => problems.push(Problem {
                line: rows[at].line,
                column: Some(RELATION),
                value: relations[at].clone(),
                what: format!("{what} Until then the row has no relation."),
                blocks: false,
            }),
        }
    }
    problems
}

fn missing_columns(missing: &[&str], found: &[String]) -> String {
    let mut what = format!("Missing: {}. Found: {}.", missing.join(", "), shown(&found.join(", ")));
    let spare = || found.iter().map(String::as_str).filter(|name| !COLUMNS.contains(name));
    if let [only] = found
        && only.contains([';', '\t'])
    {
        what.push_str(" The columns are separated by something else: save the file with commas.");
    } else {
        for column in missing {
            if let Some(close) = nearest(column, spare()) {
                what.push_str(" Perhaps ");
                what.push_str(&shown(close));
                what.push_str(" should read ");
                what.push_str(column);
                what.push('.');
            }
        }
    }
    what
}

/// A value that runs over several lines of which one looks like a row: a quote was left open, and rows are lost in it.
fn swallowed(record: &csv::StringRecord, line: u64) -> Option<Problem> {
    let row_like = |text: &str| text.split(['\r', '\n']).skip(1).any(|part| part.matches(',').count() >= 3);
    let value = record.iter().find(|field| row_like(field))?;
    Some(Problem {
        line,
        column: None,
        value: value.to_owned(),
        what: "A quote is opened here and swallows the rows after it. Close or remove the quote.".to_owned(),
        blocks: true,
    })
}

/// Without the spaces spreadsheets and web pages leave around a value, visible or not (fault matrix row M09).
fn trimmed(value: &str) -> &str {
    value.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'))
}
