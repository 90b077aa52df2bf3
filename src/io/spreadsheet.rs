//! Reading a spreadsheet that `onse export` wrote and a person filled in: `.csv` in every encoding and with every separator that
//! spreadsheet programs save, and `.xlsx`. What its rows mean is `domain::returned`.
//!
//! What a file is, its first bytes say and not its name. Columns are found by their headings, wherever they moved. A value is the text
//! that was exported: a number without an exponent, a text without the apostrophe that kept it from being a formula.

mod quote;
mod workbook;
mod zip;

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use anyhow::{Context as _, Result, anyhow, bail};

pub use self::quote::{bare, quoted};
use crate::domain::{
    mapping::table::{Table, folded},
    returned::Returned,
    text::{fit, inert},
    value::grouped,
};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;
/// The most rows that are read, blank ones not counted: what a worksheet holds, and some.
const MOST_ROWS: usize = 1_100_000;
/// The sheet of a workbook that has the rows.
pub const SHEET: &str = "Review";
/// The columns that are read. Others may stand between them.
const COLUMNS: [&str; 7] = ["case_id", "property", "mark", "old", "new", "verdict", "reason"];
/// The column that is read where it is there.
const FACILITY: &str = "facility";
/// Nothing of a file is used where one thing in it cannot be read.
const KEPT: &str = "Nothing was decided";

/// Every row with its text as it stands.
///
/// The error names the file and where it stands the row, and says that nothing was decided.
pub fn read(path: &Path) -> Result<Vec<Returned>> {
    let bytes = bytes(path).with_context(|| format!("cannot read {}. {KEPT}", path.display()))?;
    rows(&bytes).map_err(|why| anyhow!("{}{why:#}. {KEPT}", path.display()))
}

/// The rows of a file's bytes. The error begins with what stands between it and the file's name: `: ` or `, row 7: `.
fn rows(bytes: &[u8]) -> Result<Vec<Returned>> {
    if zip::is_zip(bytes) { workbook::rows(bytes) } else { text_rows(bytes) }
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        bail!("it has more than {} MiB, so it is no spreadsheet that onse export wrote", LARGEST / (1024 * 1024));
    }
    Ok(bytes)
}

fn text_rows(bytes: &[u8]) -> Result<Vec<Returned>> {
    let table = Table::of(bytes, &COLUMNS).map_err(|what| anyhow!(": {}", inert(what.trim_end_matches('.'))))?;
    let mut found = Found::default();
    for record in table.rows() {
        match record {
            Ok((line, values)) => found.row(line, values)?,
            Err((line, what)) => bail!(", row {line}: {}", inert(what.trim_end_matches('.'))),
        }
    }
    found.all()
}

/// What is found of a table while its rows are read: first its header, then what comes back.
#[derive(Default)]
struct Found {
    places: Option<[usize; COLUMNS.len()]>,
    /// Where [`FACILITY`] stands.
    facility: Option<usize>,
    rows: Vec<Returned>,
}

impl Found {
    /// One more row that is not blank.
    fn row(&mut self, row: u64, mut values: Vec<String>) -> Result<()> {
        let Some(places) = self.places else {
            let names: Vec<String> = values.iter().map(|name| folded(name)).collect();
            self.facility = place(row, &names, FACILITY)?;
            self.places = Some(places(row, &values, &names)?);
            return Ok(());
        };
        if self.rows.len() == MOST_ROWS {
            let most = grouped(&MOST_ROWS.to_string());
            bail!(", row {row}: it has more than {most} rows, so it is no spreadsheet that onse export wrote");
        }
        let mut take = |at: usize| {
            let value: String = values.get_mut(at).map(std::mem::take).unwrap_or_default();
            match bare(&value) {
                Cow::Owned(bare) => bare,
                Cow::Borrowed(_) => value,
            }
        };
        let [case_id, property, mark, old, new, verdict, reason] = places.map(&mut take);
        let returned = Returned { row, case_id, facility: None, property, mark, old, new, verdict, reason };
        // A row with notes of its own below the table is none of ours.
        if returned != (Returned { row, ..Returned::default() }) {
            self.rows.push(Returned { facility: self.facility.map(take), ..returned });
        }
        Ok(())
    }

    fn all(self) -> Result<Vec<Returned>> {
        if self.places.is_none() {
            bail!(": it is empty");
        }
        Ok(self.rows)
    }
}

/// Where a column stands, `names` being the headings.
fn place(row: u64, names: &[String], column: &str) -> Result<Option<usize>> {
    let mut at = names.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
    match (at.next(), at.next()) {
        (_, Some(_)) => bail!(", row {row}: the column {column} stands twice. Remove one of them"),
        (at, None) => Ok(at),
    }
}

/// Where the columns that must be there stand.
fn places(row: u64, header: &[String], names: &[String]) -> Result<[usize; COLUMNS.len()]> {
    let mut places = [0; COLUMNS.len()];
    let mut missing = Vec::new();
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        match self::place(row, names, column)? {
            Some(at) => *place = at,
            None => missing.push(column),
        }
    }
    if !missing.is_empty() {
        let there: Vec<&str> = header.iter().map(String::as_str).filter(|name| !name.trim().is_empty()).collect();
        let there = there.join(", ");
        bail!(
            ", row {row}: it needs the headings that onse export wrote, and these are missing: {}. There are: {}",
            missing.join(", "),
            fit(&inert(&there), 200)
        );
    }
    Ok(places)
}
