//! What differs from the tables of the country: odd values planted in it, and what someone changed since.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};

/// A changed or added data value; it goes before the table of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Period id.
    pub(crate) period: String,
    /// Column.
    pub(crate) column: usize,
    /// The value as text; `None`: there is no row.
    pub(crate) value: Option<String>,
    /// Comment of the data clerk.
    pub(crate) comment: Option<String>,
    /// Marked for follow-up.
    pub(crate) followup: bool,
    /// Deleted, but the row is still there for those who ask for deleted ones.
    pub(crate) deleted: bool,
    /// When it was changed; `None`: with the report.
    pub(crate) at: Option<Timestamp>,
}

/// The registration of a report where it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Complete since this day.
    Complete(Date),
    /// Taken away.
    Gone,
}

/// All differences.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    values: BTreeMap<usize, Vec<Edit>>,
    /// By facility and data set, then by period id.
    complete: BTreeMap<(usize, usize), BTreeMap<String, Mark>>,
    /// Facility and data set: the set is not assigned to it.
    unassigned: BTreeSet<(usize, usize)>,
    /// By place: the day it was closed.
    closed: BTreeMap<usize, Date>,
}

impl Changes {
    /// Adds an edit, in place of an earlier one of the same row.
    pub(crate) fn put(&mut self, facility: usize, edit: Edit) {
        let list = self.values.entry(facility).or_default();
        list.retain(|old| old.period != edit.period || old.column != edit.column);
        list.push(edit);
    }

    /// The edits of a facility.
    pub(crate) fn edits(&self, facility: usize) -> &[Edit] {
        self.values.get(&facility).map(Vec::as_slice).unwrap_or_default()
    }

    /// The period ids of all edits.
    pub(crate) fn periods(&self) -> BTreeSet<&str> {
        self.values.values().flatten().map(|edit| edit.period.as_str()).collect()
    }

    /// Marks a report complete on a day, or takes the mark away.
    pub(crate) fn set_complete(&mut self, facility: usize, set: usize, period: &str, day: Option<Date>) {
        self.complete
            .entry((facility, set))
            .or_default()
            .insert(period.to_owned(), day.map_or(Mark::Gone, Mark::Complete));
    }

    /// The mark of a report where it was changed.
    pub(crate) fn complete(&self, facility: usize, set: usize, period: &str) -> Option<Mark> {
        self.complete.get(&(facility, set))?.get(period).copied()
    }

    /// Assigns a data set to a facility, or takes it away.
    pub(crate) fn assign(&mut self, facility: usize, set: usize, assigned: bool) {
        if assigned {
            self.unassigned.remove(&(facility, set));
        } else {
            self.unassigned.insert((facility, set));
        }
    }

    /// Whether a data set is assigned to a facility.
    pub(crate) fn assigned(&self, facility: usize, set: usize) -> bool {
        !self.unassigned.contains(&(facility, set))
    }

    /// Closes a place.
    pub(crate) fn close(&mut self, unit: usize, day: Date) {
        self.closed.insert(unit, day);
    }

    /// The day a place was closed.
    pub(crate) fn closed(&self, unit: usize) -> Option<Date> {
        self.closed.get(&unit).copied()
    }
}
