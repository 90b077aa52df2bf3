//! A review as a workbook for a second pair of eyes: its cells with a column for the verdict, its properties, and what it is. What a
//! person fills in of it comes back through `io::spreadsheet`.
//!
//! Nothing in it computes or runs: no formula, no macro, no link. The same review gives the same bytes. No sheet is protected, since
//! that would stop sorting: a value that is changed in it is found when it comes back, by its mark.

mod columns;
mod look;
mod review;
mod run;

use std::io::{self, Write};

use jiff::Timestamp;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use self::look::Looks;
use super::View;
use crate::domain::value::grouped;

/// Rows of a worksheet below its headings.
const MOST_ROWS: usize = 1_048_575;

impl View<'_> {
    /// Writes the cells as a workbook of three sheets: `Review`, `Columns` and `Run`. Fails where there are more cells than a worksheet
    /// has rows, or where `to` does.
    pub fn xlsx(&self, to: &mut dyn Write) -> io::Result<()> {
        if self.cells.len() > MOST_ROWS {
            let (cells, most) = (grouped(&self.cells.len().to_string()), grouped(&MOST_ROWS.to_string()));
            return Err(io::Error::other(format!(
                "a worksheet holds {most} rows, and these are {cells}; write a .csv, or fewer of them with --where"
            )));
        }
        let bytes = self.workbook().and_then(|mut book| book.save_to_buffer()).map_err(io::Error::other)?;
        to.write_all(&bytes)
    }

    fn workbook(&self) -> Result<Workbook, XlsxError> {
        let mut book = Workbook::new();
        let head = &self.plan.head;
        let facts = DocProperties::new()
            .set_title(format!("Review of {}", head.quarter))
            .set_creation_datetime(&made(&head.read_at)?);
        book.set_properties(&facts);
        let looks = Looks::new();
        self.review_sheet(book.add_worksheet(), &looks)?;
        self.columns_sheet(book.add_worksheet(), &looks)?;
        self.run_sheet(book.add_worksheet(), &looks)?;
        Ok(book)
    }
}

/// The time a workbook says it was made: when the review was read, so that no clock is asked.
fn made(read_at: &str) -> Result<ExcelDateTime, XlsxError> {
    let at = read_at.parse::<Timestamp>().unwrap_or(Timestamp::UNIX_EPOCH);
    ExcelDateTime::from_timestamp(at.as_second())
}
