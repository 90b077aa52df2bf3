//! The mapping file: which case property holds which DHIS2 data element of which data set.
//!
//! It reads the CSV with the line of every row and collects all problems at once, each with its line and a remedy.
//! It never guesses: a row that is not clear is kept, named, and not used. It changes cells of a file's bytes and leaves all others
//! as they are. It opens and writes no file.

use std::{collections::BTreeSet, fmt, sync::Arc};

use super::fingerprint::Fingerprint;
use super::flags::{Kind, Relation};
use super::value::grouped;

mod cell;
mod faults;
mod foreign;
mod habit;
mod header;
mod line;
mod read;
mod records;
pub(crate) mod table;
mod text;
mod write;

pub use write::{Change, Changed, Choice, LineChange, Unchangeable};

/// The mapping that comes with the program: the 21 properties of the ONSE project.
const BUILT_IN: &[u8] = include_bytes!("../../case_property_map.csv");

/// The largest mapping file that is read, in bytes (fault matrix row M20). The real one has about two thousand.
pub const LIMIT: usize = 16 * 1024 * 1024;

/// The most rows that are read, blank ones not counted (fault matrix row M20).
pub const MOST_ROWS: usize = 20_000;

/// The columns a mapping needs, by the names in its first line.
pub const COLUMNS: [&str; 4] = [PROPERTY, ELEMENT, DATA_SET, NAME];
/// Column of the case property.
pub const PROPERTY: &str = "case_property";
/// Column of the data element.
pub const ELEMENT: &str = "data_element_id";
/// Column of the data set.
pub const DATA_SET: &str = "data_set_id";
/// Column of the name DHIS2 gives the data element.
pub const NAME: &str = "dhis2_name";
/// Columns that may be left out.
const KIND: &str = "kind";
const RELATION: &str = "relation";

/// What CommCare HQ reads as something other than a property, or shows under that name (commcare.md sections 2.1, 5.1,
/// 8.2 and 9).
const RESERVED: [&str; 33] = [
    "attachment",
    "case",
    "case_id",
    "case_name",
    "case_type",
    "close",
    "closed",
    "closed_by",
    "create",
    "date_closed",
    "date_modified",
    "date_opened",
    "domain",
    "external_id",
    "hq_user_id",
    "id",
    "index",
    "indexed_on",
    "indices",
    "is_deprecated",
    "last_modified",
    "location_id",
    "name",
    "opened_by",
    "owner_id",
    "properties",
    "server_date_modified",
    "server_date_opened",
    "server_last_modified",
    "type",
    "update",
    "user_id",
    "xform_ids",
];

/// One row of the mapping, as read. Spaces around its values are gone, and from its property and ids quotes around them and
/// characters that nobody sees (fault matrix rows M08 and M09); nothing else is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line of the file the row starts on; the header is line 1.
    pub line: u64,
    /// The case property that is written in CommCare.
    pub property: String,
    /// The id of the DHIS2 data element.
    pub data_element: String,
    /// The id of its data set; empty while it is not known.
    pub data_set: String,
    /// What DHIS2 calls the data element (`dhis2_name`), for people.
    pub name: String,
    /// What kind of number it is, where the optional column `kind` says so; else DHIS2's aggregation type decides.
    pub kind: Option<Kind>,
    /// How it must stand to other properties of the mapping, where the optional column `relation` says so (rule S20).
    pub relation: Option<Relation>,
}

/// Something about the mapping a person should know or mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line of the file; 1 also stands for the file as a whole.
    pub line: u64,
    /// The column, when it is about one.
    pub column: Option<&'static str>,
    /// What stands there, as read; empty when there is nothing to show.
    pub value: String,
    /// A few sentences: what is wrong, and what to do.
    pub what: String,
    /// Whether the row cannot be used because of it; on line 1, whether the file cannot.
    pub blocks: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", {column}")?;
        }
        if !self.value.is_empty() {
            write!(f, " \"{}\"", shown(&self.value))?;
        }
        write!(f, ": {}", self.what)
    }
}

/// A mapping as read, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// All rows in the order of the file, usable or not; none when the file could not be read as a mapping.
    pub rows: Vec<Row>,
    /// What was found, in the order of the lines, and within one in the order of [`COLUMNS`]; what is about a whole line first.
    pub problems: Vec<Problem>,
    hash: String,
    bytes: Arc<[u8]>,
}

impl Mapping {
    /// The mapping that comes with the program.
    pub fn built_in() -> Self {
        Self::read(BUILT_IN)
    }

    /// Reads a mapping file as spreadsheets save it: UTF-8, UTF-16 or Windows-1252, with commas, semicolons, tabs or `|`, whatever
    /// ends its lines. The header names the columns in any order and letter case; `kind` and `relation` may be left out. Other
    /// columns are ignored, blank rows skipped. Whatever is wrong is in [`Mapping::problems`].
    pub fn read(bytes: &[u8]) -> Self {
        let read::File { rows, mut problems } = match read::parse(bytes) {
            Ok(file) => file,
            Err(problem) => read::File { rows: Vec::new(), problems: vec![problem] },
        };
        problems.extend(faults::all(&rows));
        problems.sort_by_key(|problem| (problem.line, column_order(problem.column)));
        Self { rows, problems, hash: Fingerprint::default().with(bytes).to_string(), bytes: bytes.into() }
    }

    /// The rows that can be read and written: no blocking problem, and a data set id.
    pub fn usable(&self) -> impl Iterator<Item = &Row> {
        let blocked: BTreeSet<u64> =
            self.problems.iter().filter(|found| found.blocks).map(|found| found.line).collect();
        self.rows.iter().filter(move |row| !blocked.contains(&row.line) && !row.data_set.is_empty())
    }

    /// The names of all properties, of usable rows and others.
    pub fn properties(&self) -> BTreeSet<&str> {
        properties(&self.rows)
    }

    /// The rules of the usable rows, then `more`, each once.
    pub fn relations(&self, more: &[Relation]) -> Vec<Relation> {
        let own = self.usable().filter_map(|row| row.relation.clone());
        Relation::once(own.chain(more.iter().cloned()))
    }

    /// Why there is no mapping at all: the file could not be read as one, or has no rows.
    pub fn unreadable(&self) -> Option<&Problem> {
        self.problems.iter().find(|found| self.rows.is_empty() && found.blocks)
    }

    /// The bytes of the file, as read.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The row that starts on a line of the file.
    pub fn row(&self, line: u64) -> Option<&Row> {
        let at = self.rows.binary_search_by_key(&line, |row| row.line).ok()?;
        self.rows.get(at)
    }

    /// The file with these cells changed and every other byte as it was. Nothing is written anywhere.
    pub fn changed(&self, changes: &[Change]) -> Result<Changed, Unchangeable> {
        write::change(&self.bytes, changes)
    }

    /// A short fingerprint of the file's bytes, 16 hexadecimal digits. It tells two files apart; it is no protection.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// Why `name` cannot be the name of a case property, with the rule it breaks; `None` when it can.
///
/// An element name of ASCII letters, digits, `_`, `-` and `.`. HQ's own tool drops names that start with `_`, its API
/// refuses those that start with `xml`, and the reserved ones would change the case itself (commcare.md sections 2.1,
/// 5.1 and 5.5).
pub fn property_fault(name: &str) -> Option<&'static str> {
    let mut letters = name.chars();
    let Some(first) = letters.next() else {
        return Some("is empty");
    };
    if first == '_' {
        return Some("starts with an underscore; CommCare's own tools drop such a property without a word");
    }
    if !first.is_ascii_alphabetic() {
        return Some("does not start with a letter a to z");
    }
    if letters.any(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))) {
        return Some("has a character other than a to z, 0 to 9, \"_\", \"-\" and \".\"");
    }
    if name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml")) {
        return Some("starts with \"xml\", which CommCare refuses");
    }
    RESERVED.contains(&name).then_some("is reserved by CommCare for the case itself")
}

/// Whether `id` looks like a DHIS2 id: a letter, then ten letters or digits (dhis2.md).
pub fn is_uid(id: &str) -> bool {
    id.len() == 11 && id.starts_with(|c: char| c.is_ascii_alphabetic()) && id.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Columns in the order in which problems of a line are told.
fn column_order(column: Option<&str>) -> Option<usize> {
    column.map(|name| COLUMNS.into_iter().chain([KIND, RELATION]).position(|known| known == name).unwrap_or(usize::MAX))
}

fn properties(rows: &[Row]) -> BTreeSet<&str> {
    rows.iter().map(|row| row.property.as_str()).filter(|name| !name.is_empty()).collect()
}

/// "2 and 5", "2, 5 and 9", "2, 3, 4, 5, 6 and 1,203 more".
fn listed(lines: &[u64]) -> String {
    const MOST: usize = 6;
    let words: Vec<String> = lines.iter().take(MOST).map(u64::to_string).collect();
    match words.split_last() {
        Some((_, first)) if lines.len() > MOST => {
            let more = grouped(&(lines.len() - first.len()).to_string());
            format!("{} and {more} more", first.join(", "))
        }
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// A value as it may stand in a message: at most 60 characters, control characters and direction marks spelled out.
fn shown(value: &str) -> String {
    let mut text: String = value.chars().take(60).flat_map(char::escape_debug).collect();
    if value.chars().nth(60).is_some() {
        text.push('…');
    }
    text
}
