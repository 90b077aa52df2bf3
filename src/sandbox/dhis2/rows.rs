//! The body of `dataValueSets`, made piece by piece while it is read.

use std::{fmt::Write, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use crate::sandbox::world::{Country, Edit, Edits};

/// A piece is handed on when it holds at least this many bytes.
const PIECE: usize = 64 * 1024;

/// Everything the body is made from. It holds its own view of the data, so later edits do not show in it.
pub(crate) struct Rows {
    /// The country.
    pub(crate) country: Arc<Country>,
    /// Edited values.
    pub(crate) edits: Arc<Edits>,
    /// Facilities in the order in which they are written.
    pub(crate) facilities: Vec<usize>,
    /// Columns asked for.
    pub(crate) columns: Vec<usize>,
    /// Period ids, each with its quarter where there is data.
    pub(crate) periods: Vec<(String, Option<usize>)>,
    /// Members before the rows, each with its comma.
    pub(crate) head: String,
    /// Rows that may still be written.
    pub(crate) left: usize,
}

/// One row.
struct Row<'a> {
    facility: usize,
    column: usize,
    period: &'a str,
    value: String,
    created: &'a str,
    edit: Option<&'a Edit>,
}

impl Rows {
    /// The body in pieces.
    pub(crate) fn pieces(mut self) -> impl Iterator<Item = Bytes> + Send {
        let mut buffer = format!("{{{}\"dataValues\":[", self.head);
        let mut next = 0;
        let mut first = true;
        let mut done = false;
        std::iter::from_fn(move || {
            while !done && buffer.len() < PIECE {
                if next < self.facilities.len() && self.left > 0 {
                    self.facility(&mut buffer, self.facilities[next], &mut first);
                    next += 1;
                } else {
                    buffer.push_str("]}");
                    done = true;
                }
            }
            let piece = std::mem::take(&mut buffer);
            (!piece.is_empty()).then(|| Bytes::from(piece))
        })
    }

    /// Writes the rows of one facility.
    fn facility(&mut self, buffer: &mut String, facility: usize, first: &mut bool) {
        let (country, edits) = (Arc::clone(&self.country), Arc::clone(&self.edits));
        let edits = edits.get(&facility).map(Vec::as_slice).unwrap_or_default();
        // Rows come in no order; another start for every facility shows it.
        let turn = if self.columns.is_empty() { 0 } else { facility * 7 % self.columns.len() };
        for (period, quarter) in &self.periods {
            let created = quarter.map_or_else(String::new, |quarter| stamp(country.typed_in(facility, quarter)));
            for &column in self.columns[turn..].iter().chain(&self.columns[..turn]) {
                if self.left == 0 {
                    return;
                }
                let edit = edits.iter().find(|edit| edit.column == column && edit.period == *period);
                let value = match edit {
                    Some(edit) => edit.value.clone(),
                    None => quarter
                        .and_then(|quarter| country.number(facility, column, quarter))
                        .map(|number| country.text(column, number)),
                };
                let Some(value) = value else { continue };
                if !std::mem::take(first) {
                    buffer.push(',');
                }
                self.left -= 1;
                write(buffer, &country, &Row { facility, column, period, value, created: &created, edit });
            }
        }
    }
}

/// Writes one row with all its members; 2.42 writes null ones too (dhis2.md section 1.5).
fn write(buffer: &mut String, country: &Country, row: &Row<'_>) {
    let model = &country.model;
    let column = model.columns[row.column];
    let changed = row.edit.and_then(|edit| edit.at).map(stamp);
    let updated = changed.as_deref().unwrap_or(row.created);
    let created = if row.created.is_empty() { updated } else { row.created };
    let comment = row.edit.and_then(|edit| edit.comment.as_deref());
    // Writing to a string cannot fail.
    let _ = write!(
        buffer,
        "{{\"dataElement\":\"{}\",\"period\":\"{}\",\"orgUnit\":\"{}\",\"categoryOptionCombo\":\"{}\",\
         \"attributeOptionCombo\":\"{}\",\"value\":{},\"storedBy\":\"{}\",\"created\":\"{created}\",\
         \"lastUpdated\":\"{updated}\",\"comment\":{},\"followup\":{}}}",
        model.elements[column.element].uid,
        row.period,
        country.facility_uid(row.facility),
        model.cocs[column.coc].uid,
        model.cocs[0].uid,
        Value::from(row.value.as_str()),
        clerk(country, row.facility),
        comment.map_or(Value::Null, Value::from),
        row.edit.is_some_and(|edit| edit.followup),
    );
}

/// Who typed it in.
pub(crate) fn clerk(country: &Country, facility: usize) -> String {
    format!("clerk{:02}", country.facilities[facility].district + 1)
}

fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}
