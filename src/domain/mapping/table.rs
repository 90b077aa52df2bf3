//! The rows of any table that a spreadsheet saved as text, for readers of other files than the mapping: the same encodings, separators
//! and line ends (fault matrix rows M01 to M04).

pub(crate) use super::header::folded;
use super::read::{Shape, swallowed};

/// The text of a table.
pub(crate) struct Table(Shape);

impl Table {
    /// The table of these bytes, whose header has most of these columns; their names as [`folded`] gives them. The error says what the
    /// file is instead, and what to do.
    pub(crate) fn of(bytes: &[u8], columns: &[&str]) -> Result<Self, String> {
        Shape::with(bytes, columns).map(Self).map_err(|problem| problem.what)
    }

    /// Each row that is not blank, the header first: the line it starts on, and its values. The error is a quote that was left open
    /// and swallows the rows after it, with its line.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Result<(u64, Vec<String>), (u64, String)>> {
        self.0.records().map(|record| match swallowed(&record, self.0.separator) {
            Some(problem) => Err((problem.line, problem.what)),
            None => Ok((record.line, record.fields.into_iter().map(|field| field.value).collect())),
        })
    }
}
