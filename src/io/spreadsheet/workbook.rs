//! The rows of an `.xlsx` workbook.

use std::io::Cursor;

use anyhow::{Result, anyhow};
use calamine::{DataRef, ExcelDateTime, Reader as _, Xlsx};

use super::{Found, SHEET, zip};
use crate::domain::text::inert;

/// The most columns of a worksheet; what stands further right was not written by a spreadsheet program.
const MOST_COLUMNS: usize = 16_384;
/// The day after the last one of a spreadsheet's calendar, 9999-12-31.
const LAST_DAY: f64 = 2_958_466.0;

type Book = Xlsx<Cursor<Vec<u8>>>;

/// The rows of the sheet [`SHEET`], or of the first one that has our headings.
pub(super) fn rows(bytes: &[u8]) -> Result<Vec<super::Returned>> {
    let plain = zip::unpacked(bytes).map_err(|why| anyhow!(": {why}"))?;
    let mut book = Book::new(Cursor::new(plain)).map_err(|error| damaged(&error))?;
    let names = book.sheet_names();
    let ours = |name: &&String| name.eq_ignore_ascii_case(SHEET);
    let order = names.iter().filter(ours).chain(names.iter().filter(|name| !ours(name)));
    let mut first = None;
    for name in order {
        match sheet(&mut book, name) {
            Ok(rows) => return Ok(rows),
            // A sheet that has our headings and cannot be read is never passed over for another one.
            Err(Stop::Within(error)) => return Err(error),
            Err(Stop::Header(error)) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| anyhow!(": the workbook has no sheet")))
}

/// Where reading a sheet ended.
enum Stop {
    /// Before it had our headings: it may be another sheet.
    Header(anyhow::Error),
    /// Among its rows.
    Within(anyhow::Error),
}

fn sheet(book: &mut Book, name: &str) -> Result<Vec<super::Returned>, Stop> {
    let place = format!(", sheet {}", inert(name));
    let at = |found: &Found, error: anyhow::Error| {
        let error = anyhow!("{place}{error:#}");
        if found.places.is_some() { Stop::Within(error) } else { Stop::Header(error) }
    };
    let mut found = Found::default();
    let mut cells = match book.worksheet_cells_reader(name) {
        Ok(cells) => cells,
        Err(error) => return Err(at(&found, damaged(&error))),
    };
    // The row that is being read, from 0.
    let mut row: (u32, Vec<String>) = (0, Vec::new());
    loop {
        let cell = match cells.next_cell() {
            Ok(Some(cell)) => cell,
            Ok(None) => break,
            Err(error) => {
                // The row before it is told to be whole only by the next cell, and may be that of our headings.
                let _ = end(&mut found, row.0, row.1);
                return Err(at(&found, damaged(&error)));
            }
        };
        let ((number, column), text) = (cell.get_position(), text(cell.get_value()));
        if number != row.0 {
            let (number, values) = std::mem::replace(&mut row, (number, Vec::new()));
            end(&mut found, number, values).map_err(|error| at(&found, error))?;
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if !text.is_empty() && column < MOST_COLUMNS {
            if row.1.len() <= column {
                row.1.resize(column + 1, String::new());
            }
            row.1[column] = text;
        }
    }
    end(&mut found, row.0, row.1).map_err(|error| at(&found, error))?;
    match found.places {
        Some(_) => Ok(found.rows),
        None => Err(Stop::Header(anyhow!("{place}: it is empty"))),
    }
}

/// A row is read whole.
fn end(found: &mut Found, row: u32, values: Vec<String>) -> Result<()> {
    if values.iter().all(|value| value.trim().is_empty()) {
        return Ok(());
    }
    found.row(u64::from(row) + 1, values)
}

/// What stands in a cell, as text: a number without an exponent, a date as a date.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(is) => if *is { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(at) => date(at),
        DataRef::Error(error) => error.to_string(),
    }
}

fn date(at: &ExcelDateTime) -> String {
    let days = at.as_f64();
    if !at.is_datetime() || !(0.0..LAST_DAY).contains(&days) {
        return days.to_string();
    }
    let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if days.fract() == 0.0 { date } else { format!("{date} {hour:02}:{minute:02}:{second:02}") }
}

fn damaged(error: &dyn std::error::Error) -> anyhow::Error {
    let said = inert(&error.to_string()).into_owned();
    anyhow!(": the workbook is damaged ({said}). Open it in the spreadsheet program and save it as .xlsx again")
}
