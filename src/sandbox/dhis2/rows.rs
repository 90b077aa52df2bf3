//! The body of `dataValueSets`, made piece by piece while it is read (dhis2.md section 1.5).
//!
//! It is what a benchmark reads, so a row costs a few copies: what a column, and what a facility in a period have in
//! common in all their rows is written once beforehand.

use std::{fmt::Write, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::{periods::Period, version::Version};
use crate::sandbox::world::{Changes, Country, Edit, Stored, hundredths};

/// A piece is handed on when it holds at least this many bytes.
const PIECE: usize = 64 * 1024;

/// Everything the body is made from. It holds its own view of the data, so later changes do not show in it.
pub(crate) struct Rows {
    /// The country.
    pub(crate) country: Arc<Country>,
    /// What is changed in it.
    pub(crate) changes: Arc<Changes>,
    /// The release line, which sets the shape.
    pub(crate) version: Version,
    /// Facilities in the order in which they are written; 2.43 has an order of its own.
    pub(crate) facilities: Vec<usize>,
    /// Columns asked for.
    pub(crate) columns: Vec<usize>,
    /// Periods, each with what is stored under it.
    pub(crate) periods: Vec<(Period, Option<Stored>)>,
    /// Members before the rows, without a comma at the end.
    pub(crate) head: String,
    /// Members that stand in the head and therefore not in the rows.
    pub(crate) hoisted: Hoisted,
    /// Only rows changed at or after this instant.
    pub(crate) since: Option<Timestamp>,
    /// Deleted rows too.
    pub(crate) deleted: bool,
    /// Rows that may still be written.
    pub(crate) left: usize,
}

/// Members left out of every row (2.43).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hoisted {
    /// `period`.
    pub(crate) period: bool,
    /// `orgUnit`.
    pub(crate) unit: bool,
    /// `attributeOptionCombo`.
    pub(crate) combo: bool,
}

/// A column, and what stands in its rows on both sides of period and organisation unit.
struct Lane {
    column: usize,
    before: String,
    after: String,
    money: bool,
}

/// Rows of one facility in one period that were made at the same time: those of its report, or one that was added later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Batch {
    created: Timestamp,
    facility: usize,
    /// The column of the one row that was added later.
    added: Option<usize>,
}

/// What all rows of a batch have in common.
struct Frame<'a> {
    batch: Batch,
    when: Option<Stored>,
    /// Members between data element and category option combination.
    middle: String,
    /// What follows the value of a row nobody touched.
    end: String,
    edits: Vec<&'a Edit>,
}

/// What is being written.
struct Writer {
    rows: Rows,
    lanes: Vec<Lane>,
    buffer: String,
    any: bool,
}

impl Rows {
    /// The body in pieces.
    pub(crate) fn pieces(mut self) -> impl Iterator<Item = Bytes> + Send {
        let lanes = self.lanes();
        if self.version.is_rewritten() {
            self.periods.sort_by_key(|(period, _)| (period.start, period.end));
        }
        let mut buffer = String::with_capacity(2 * PIECE);
        let _ = write!(buffer, "{{{}", self.head);
        let mut writer = Writer { rows: self, lanes, buffer, any: false };
        let mut steps = Steps::default();
        let mut done = false;
        std::iter::from_fn(move || {
            while !done && writer.buffer.len() < PIECE {
                if writer.rows.left > 0 && steps.one(&mut writer) {
                    continue;
                }
                writer.close();
                done = true;
            }
            let rest = if done { String::new() } else { String::with_capacity(2 * PIECE) };
            let piece = std::mem::replace(&mut writer.buffer, rest);
            (!piece.is_empty()).then(|| Bytes::from(piece))
        })
    }

    fn lanes(&self) -> Vec<Lane> {
        let model = &self.country.model;
        let mut lanes: Vec<Lane> = self
            .columns
            .iter()
            .map(|&at| {
                let column = model.columns[at];
                let element = &model.elements[column.element];
                let aoc = &model.cocs[column.aoc].uid;
                let aoc =
                    if self.hoisted.combo { String::new() } else { format!(",\"attributeOptionCombo\":\"{aoc}\"") };
                Lane {
                    column: at,
                    before: format!("{{\"dataElement\":\"{}\"", element.uid),
                    after: format!(",\"categoryOptionCombo\":\"{}\"{aoc},\"value\":", model.cocs[column.coc].uid),
                    money: element.profile.is_money(),
                }
            })
            .collect();
        if self.version.is_rewritten() {
            lanes.sort_by(|one, other| one.before.cmp(&other.before));
        }
        lanes
    }
}

/// How far the body is. Up to 2.42 facility by facility, each with its periods and another start in the columns; from 2.43
/// on period by period, rows by the time they were made, then by data element (dhis2.md section 1.5, "order").
#[derive(Default)]
struct Steps {
    next: usize,
    period: usize,
    batches: Vec<Batch>,
}

impl Steps {
    /// Writes the next few rows; false when there are none left.
    fn one(&mut self, writer: &mut Writer) -> bool {
        if writer.rows.version.is_rewritten() { self.in_order(writer) } else { self.in_none(writer) }
    }

    fn in_none(&mut self, writer: &mut Writer) -> bool {
        let (facilities, periods) = (writer.rows.facilities.len(), writer.rows.periods.len());
        if self.next >= facilities * periods {
            return false;
        }
        let facility = writer.rows.facilities[self.next / periods];
        let batch = Batch { created: writer.rows.made(facility, self.next % periods), facility, added: None };
        writer.batches(&[batch], self.next % periods);
        self.next += 1;
        true
    }

    fn in_order(&mut self, writer: &mut Writer) -> bool {
        if self.next >= self.batches.len() {
            if self.period >= writer.rows.periods.len() {
                return false;
            }
            self.batches = writer.rows.all_batches(self.period);
            self.period += 1;
            self.next = 0;
            return true;
        }
        let rest = &self.batches[self.next..];
        let same = rest.iter().take_while(|batch| batch.created == rest[0].created).count();
        writer.batches(&rest[..same], self.period - 1);
        self.next += same;
        true
    }
}

impl Rows {
    /// When the report of a facility was typed in; for a period without reports long ago, and nothing is there then.
    fn made(&self, facility: usize, period: usize) -> Timestamp {
        let (_, when) = &self.periods[period];
        when.map_or(Timestamp::UNIX_EPOCH, |when| self.country.typed_in(facility, when))
    }

    /// All rows of a period by the time they were made.
    fn all_batches(&self, period: usize) -> Vec<Batch> {
        let (id, when) = &self.periods[period];
        let mut batches = Vec::with_capacity(self.facilities.len());
        for &facility in &self.facilities {
            let created = self.made(facility, period);
            batches.push(Batch { created, facility, added: None });
            for edit in self.changes.edits(facility).iter().filter(|edit| edit.period == id.id) {
                if self.is_added(facility, *when, edit) {
                    batches.push(Batch { created: edit.at.unwrap_or(created), facility, added: Some(edit.column) });
                }
            }
        }
        batches.sort_unstable();
        batches
    }

    /// Whether a row is there only by an edit.
    fn is_added(&self, facility: usize, when: Option<Stored>, edit: &Edit) -> bool {
        when.and_then(|when| self.country.number(facility, edit.column, when)).is_none()
    }
}

impl Writer {
    /// Writes the rows of batches that were made at the same time.
    fn batches(&mut self, batches: &[Batch], period: usize) {
        let (country, changes) = (Arc::clone(&self.rows.country), Arc::clone(&self.rows.changes));
        let (id, when) = self.rows.periods[period].clone();
        let frames: Vec<Frame<'_>> = batches
            .iter()
            .map(|&batch| self.rows.frame(&country, changes.edits(batch.facility), batch, &id.id, when))
            .collect();
        let lanes = std::mem::take(&mut self.lanes);
        // Another start for every facility shows that rows come in no order.
        let rewritten = self.rows.version.is_rewritten();
        let turn = match batches {
            [only] if !rewritten && !lanes.is_empty() => only.facility * 7 % lanes.len(),
            _ => 0,
        };
        for lane in lanes[turn..].iter().chain(&lanes[..turn]) {
            for frame in &frames {
                if self.rows.left > 0 && self.row(&country, lane, frame).is_some() {
                    self.rows.left -= 1;
                }
            }
        }
        self.lanes = lanes;
    }

    /// Writes one row, where there is one.
    fn row(&mut self, country: &Country, lane: &Lane, frame: &Frame<'_>) -> Option<()> {
        let edit = frame.edits.iter().find(|edit| edit.column == lane.column).copied();
        let batch = frame.batch;
        let number = frame.when.and_then(|when| country.number(batch.facility, lane.column, when));
        if batch.added.is_some_and(|column| column != lane.column) {
            return None;
        }
        let Some(edit) = edit else {
            let number = number?;
            if self.rows.since.is_some_and(|since| batch.created < since) {
                return None;
            }
            self.begin(lane, frame);
            if lane.money {
                let _ = write!(self.buffer, "\"{}", hundredths(number));
            } else {
                let _ = write!(self.buffer, "\"{number}");
            }
            self.buffer.push_str(&frame.end);
            return Some(());
        };
        let in_its_place = !self.rows.version.is_rewritten() || number.is_some() == batch.added.is_none();
        let value = edit.value.as_deref().filter(|_| in_its_place && (self.rows.deleted || !edit.deleted))?;
        let updated = edit.at.unwrap_or(batch.created);
        if self.rows.since.is_some_and(|since| updated < since) {
            return None;
        }
        let created = if number.is_some() { batch.created } else { updated };
        self.begin(lane, frame);
        let _ = write!(self.buffer, "{}", Value::from(value));
        let tail = Tail { created, updated, comment: edit.comment.as_deref(), followup: edit.followup };
        tail.write(&mut self.buffer, self.rows.version, &clerk(country, batch.facility));
        self.buffer.push_str(if edit.deleted { ",\"deleted\":true}" } else { "}" });
        Some(())
    }

    fn begin(&mut self, lane: &Lane, frame: &Frame<'_>) {
        if self.any {
            self.buffer.push(',');
        } else {
            self.open();
        }
        self.buffer.push_str(&lane.before);
        self.buffer.push_str(&frame.middle);
        self.buffer.push_str(&lane.after);
    }

    fn open(&mut self) {
        self.any = true;
        let comma = if self.rows.head.is_empty() { "" } else { "," };
        let _ = write!(self.buffer, "{comma}\"dataValues\":[");
    }

    /// Ends the body; an old version without rows has no list either.
    fn close(&mut self) {
        if !self.any && !self.rows.version.leaves_out_empty_lists() {
            self.open();
        }
        self.buffer.push_str(if self.any { "]}" } else { "}" });
    }
}

impl Rows {
    fn frame<'a>(
        &self,
        country: &Country,
        edits: &'a [Edit],
        batch: Batch,
        period: &str,
        when: Option<Stored>,
    ) -> Frame<'a> {
        let mut middle = String::with_capacity(48);
        if !self.hoisted.period {
            let _ = write!(middle, ",\"period\":\"{period}\"");
        }
        if !self.hoisted.unit {
            let _ = write!(middle, ",\"orgUnit\":\"{}\"", country.facility_uid(batch.facility));
        }
        let mut end = String::with_capacity(160);
        end.push('"');
        let tail = Tail { created: batch.created, updated: batch.created, comment: None, followup: false };
        tail.write(&mut end, self.version, &clerk(country, batch.facility));
        end.push('}');
        let edits = edits.iter().filter(|edit| edit.period == period).collect();
        Frame { batch, when, middle, end, edits }
    }
}

/// The members after the value.
struct Tail<'a> {
    created: Timestamp,
    updated: Timestamp,
    comment: Option<&'a str>,
    followup: bool,
}

impl Tail<'_> {
    fn write(&self, buffer: &mut String, version: Version, clerk: &str) {
        let _ = write!(buffer, ",\"storedBy\":\"{clerk}\",\"created\":\"");
        stamp(buffer, self.created);
        buffer.push_str("\",\"lastUpdated\":\"");
        stamp(buffer, self.updated);
        buffer.push('"');
        match self.comment {
            Some(comment) => {
                let _ = write!(buffer, ",\"comment\":{}", Value::from(comment));
            }
            None if version.writes_nulls() => buffer.push_str(",\"comment\":null"),
            None => {}
        }
        let _ = write!(buffer, ",\"followup\":{}", self.followup);
    }
}

/// Who typed it in.
pub(crate) fn clerk(country: &Country, facility: usize) -> String {
    format!("clerk{:02}", country.facilities[facility].district + 1)
}

fn stamp(buffer: &mut String, time: Timestamp) {
    let _ = write!(buffer, "{}", time.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000"));
}
