//! What DHIS2 held for one organisation unit in earlier quarters, in little room: every id once, and a row in three bytes and its
//! value. A country of 1,106 facilities, 21 data elements and 8 quarters fits in a few megabytes.
//! It is made whole and then never changed; a change makes another.

mod bytes;

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::Timestamp;

use super::{Past, PastPart, total};
use crate::domain::{
    plan::{index, ordinal},
    quarter::Quarter,
};
use bytes::{Reader, number};

/// A row of an earlier quarter that holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PastRow<'a> {
    /// Category option combo id.
    pub category_option_combo: &'a str,
    /// Attribute option combo id.
    pub attribute_option_combo: &'a str,
    /// The stored text, never empty.
    pub value: &'a str,
}

impl PastRow<'_> {
    /// The row on its own.
    pub fn part(&self) -> PastPart {
        PastPart {
            category_option_combo: self.category_option_combo.to_owned(),
            attribute_option_combo: self.attribute_option_combo.to_owned(),
            value: self.value.to_owned(),
        }
    }
}

/// A row as DHIS2 sends it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// Data element id.
    pub element: &'a str,
    /// Which quarter.
    pub quarter: Quarter,
    /// Category option combo id.
    pub category_option_combo: &'a str,
    /// Attribute option combo id.
    pub attribute_option_combo: &'a str,
    /// The stored text; `None` for a row that is marked deleted or holds only a comment. An empty text counts as none.
    pub value: Option<&'a str>,
}

impl<'a> Change<'a> {
    /// The row, where it holds a value.
    pub(super) fn row(&self) -> Option<PastRow<'a>> {
        let value = self.value.filter(|value| !value.is_empty())?;
        let (category_option_combo, attribute_option_combo) = (self.category_option_combo, self.attribute_option_combo);
        Some(PastRow { category_option_combo, attribute_option_combo, value })
    }
}

/// The rows of a data element and quarter after `changes` to them: a row that changed stands in the place of the one with the same
/// category and attribute option combos, one that is deleted takes it away. Where a row is told both deleted and with a value,
/// the value stands. The order of both never matters. `changes` are of this data element and quarter.
pub fn merge<'a>(rows: impl IntoIterator<Item = PastRow<'a>>, changes: &[Change<'a>]) -> Vec<PastRow<'a>> {
    let key = |row: &PastRow<'a>| (row.category_option_combo, row.attribute_option_combo);
    let moved = |row: &PastRow<'a>| {
        changes.iter().any(|change| (change.category_option_combo, change.attribute_option_combo) == key(row))
    };
    let mut merged: Vec<PastRow<'a>> = rows.into_iter().filter(|row| !moved(row)).collect();
    merged.extend(changes.iter().filter_map(Change::row));
    merged.sort_unstable();
    merged.dedup();
    merged
}

/// What was stored for one data element in one quarter, and when that was read. Without a row, that nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<'a> {
    /// When DHIS2 said so. Kept in whole seconds.
    pub read_at: Timestamp,
    /// Its rows.
    pub rows: Vec<PastRow<'a>>,
}

/// What is known of one organisation unit, by data element and then newest quarter first.
pub type Facts<'a> = BTreeMap<(&'a str, Reverse<Quarter>), Stored<'a>>;

/// One entry of a sheet, borrowed from it.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'a> {
    /// Data element id.
    pub element: &'a str,
    /// Which quarter.
    pub quarter: Quarter,
    /// When DHIS2 said so, in whole seconds.
    pub read_at: Timestamp,
    sheet: &'a Sheet,
    entry: &'a Entry,
}

impl<'a> Fact<'a> {
    /// Its rows, in a fixed order; none where nothing was stored.
    pub fn rows(&self) -> Rows<'a> {
        let rows = self.sheet.rows.get(index(self.entry.rows)..).unwrap_or_default();
        Rows { sheet: self.sheet, left: self.entry.count, from: Reader(rows), text: self.entry.text }
    }

    /// The sum of its rows as the nearest binary number, for statistics; `None` where one of them is not a number, or there is none.
    pub fn number(&self) -> Option<f64> {
        total(self.rows().map(|row| row.value)).map(|total| total.approx())
    }

    /// The quarter on its own.
    pub fn past(&self) -> Past {
        Past { quarter: self.quarter, parts: self.rows().map(|row| row.part()).collect() }
    }
}

/// What is known of one data element, newest quarter first.
#[derive(Clone, Copy, Debug)]
pub struct FactsOf<'a> {
    sheet: &'a Sheet,
    entries: &'a [Entry],
}

impl<'a> FactsOf<'a> {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Fact<'a>> + use<'a> {
        let sheet = self.sheet;
        self.entries.iter().map(move |entry| sheet.of(entry))
    }
}

/// The rows of a [`Fact`], read from its sheet one after the other.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    sheet: &'a Sheet,
    /// How many there still are.
    left: u32,
    from: Reader<'a>,
    /// Where the next value stands in the text.
    text: u32,
}

impl<'a> Iterator for Rows<'a> {
    type Item = PastRow<'a>;

    fn next(&mut self) -> Option<PastRow<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (category, attribute, size) = self.from.row()?;
        let from = self.text;
        self.text = from.checked_add(size)?;
        Some(PastRow {
            category_option_combo: self.sheet.id(category),
            attribute_option_combo: self.sheet.id(attribute),
            value: self.sheet.text.get(index(from)..index(self.text))?,
        })
    }
}

/// What is known of one organisation unit.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// All ids, then all values in the order of the rows.
    text: String,
    /// Where each id stands in the text.
    ids: Vec<(u32, u32)>,
    /// By data element, newest quarter first.
    entries: Vec<Entry>,
    /// The rows as they are kept: two numbers of ids and the bytes of the value.
    rows: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Entry {
    element: u32,
    quarter: Quarter,
    /// Seconds since 1970.
    read_at: u32,
    /// How many rows it has.
    count: u32,
    /// Where the first of them stands.
    rows: u32,
    /// Where the value of the first stands in the text.
    text: u32,
}

impl Sheet {
    /// Packs what is known. Rows are put in order, and one that is there twice is kept once: DHIS2 stores one for each data
    /// element, quarter, category and attribute option combo, and two answers may both hold it.
    pub fn pack(facts: &Facts<'_>) -> Self {
        let mut packer = Packer::default();
        for ((element, Reverse(quarter)), stored) in facts {
            let mut rows = stored.rows.clone();
            rows.sort_unstable();
            rows.dedup();
            let entry = Entry {
                element: packer.id(element),
                quarter: *quarter,
                read_at: seconds(stored.read_at),
                count: ordinal(rows.len()),
                rows: ordinal(packer.rows.len()),
                text: ordinal(packer.values.len()),
            };
            packer.entries.push(entry);
            for row in rows {
                packer.row(row);
            }
        }
        packer.finish()
    }

    /// Everything in it, for making another sheet from.
    pub fn facts(&self) -> Facts<'_> {
        self.facts_where(|_| true)
    }

    fn facts_where(&self, keep: impl Fn(&Fact<'_>) -> bool) -> Facts<'_> {
        let mut facts = Facts::new();
        for fact in self.iter().filter(|fact| keep(fact)) {
            let stored = Stored { read_at: fact.read_at, rows: fact.rows().collect() };
            facts.insert((fact.element, Reverse(fact.quarter)), stored);
        }
        facts
    }

    /// Everything in it, by data element and then newest quarter first.
    pub fn iter(&self) -> impl Iterator<Item = Fact<'_>> {
        self.entries.iter().map(|entry| self.of(entry))
    }

    /// What is known of a data element in a quarter; `None` where nothing is known, which is not that nothing was stored.
    pub fn get(&self, element: &str, quarter: Quarter) -> Option<Fact<'_>> {
        self.facts_of(element).iter().find(|fact| fact.quarter == quarter)
    }

    /// What is known of a data element, newest quarter first.
    pub fn of_element<'a>(&'a self, element: &str) -> impl Iterator<Item = Fact<'a>> + use<'a> {
        self.facts_of(element).iter()
    }

    /// The same, for going through more than once.
    pub fn facts_of(&self, element: &str) -> FactsOf<'_> {
        FactsOf { sheet: self, entries: self.entries_of(element) }
    }

    /// Those of one data element stand together: one is searched for by its id, the others are its neighbours of the same number.
    fn entries_of(&self, element: &str) -> &[Entry] {
        let Ok(at) = self.entries.binary_search_by(|entry| self.id(entry.element).cmp(element)) else { return &[] };
        let (before, after) = self.entries.split_at(at);
        let Some(number) = after.first().map(|entry| entry.element) else { return &[] };
        let same = |entry: &&Entry| entry.element == number;
        let (from, to) = (before.iter().rev().take_while(same).count(), after.iter().take_while(same).count());
        self.entries.get(at - from..at + to).unwrap_or_default()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What of it `keep` keeps.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Fact<'_>) -> bool) -> Self {
        if self.iter().all(|fact| keep(&fact)) {
            return self.clone();
        }
        Self::pack(&self.facts_where(keep))
    }

    /// Both together; of what both know, what was read later.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let newer = |fact: &Fact<'_>| {
            other.get(fact.element, fact.quarter).is_some_and(|theirs| theirs.read_at >= fact.read_at)
        };
        if self.iter().all(|fact| newer(&fact)) {
            return other.clone();
        }
        let mut facts = other.facts();
        for (key, mine) in self.facts() {
            match facts.get(&key) {
                Some(theirs) if theirs.read_at >= mine.read_at => {}
                _ => drop(facts.insert(key, mine)),
            }
        }
        Self::pack(&facts)
    }

    /// Those that `of` names by data element, quarter and time are of `at` now.
    pub(super) fn read_again(&mut self, of: impl Fn(&str, Quarter, Timestamp) -> bool, at: Timestamp) {
        let Self { text, ids, entries, .. } = self;
        for entry in entries {
            if of(span(text, ids, entry.element), entry.quarter, time(entry.read_at)) {
                entry.read_at = seconds(at);
            }
        }
    }

    fn of<'a>(&'a self, entry: &'a Entry) -> Fact<'a> {
        Fact {
            element: self.id(entry.element),
            quarter: entry.quarter,
            read_at: time(entry.read_at),
            sheet: self,
            entry,
        }
    }

    fn id(&self, number: u32) -> &str {
        span(&self.text, &self.ids, number)
    }
}

/// The id of this number.
fn span<'a>(text: &'a str, ids: &[(u32, u32)], number: u32) -> &'a str {
    let found = ids.get(index(number)).and_then(|(from, to)| text.get(index(*from)..index(*to)));
    found.unwrap_or_default()
}

impl PartialEq for Sheet {
    fn eq(&self, other: &Self) -> bool {
        self.facts() == other.facts()
    }
}

impl Eq for Sheet {}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second()).unwrap_or(0)
}

fn time(seconds: u32) -> Timestamp {
    Timestamp::from_second(seconds.into()).unwrap_or_default()
}

/// A sheet in the making. Ids are numbered in the order they are met in.
#[derive(Default)]
struct Packer<'a> {
    numbers: BTreeMap<&'a str, u32>,
    ids: Vec<&'a str>,
    entries: Vec<Entry>,
    rows: Vec<u8>,
    values: String,
}

impl<'a> Packer<'a> {
    fn id(&mut self, id: &'a str) -> u32 {
        let Self { numbers, ids, .. } = self;
        *numbers.entry(id).or_insert_with(|| {
            ids.push(id);
            ordinal(ids.len() - 1)
        })
    }

    fn row(&mut self, row: PastRow<'a>) {
        for id in [row.category_option_combo, row.attribute_option_combo] {
            let id = self.id(id);
            number(&mut self.rows, id);
        }
        number(&mut self.rows, ordinal(row.value.len()));
        self.values.push_str(row.value);
    }

    /// Puts the ids before the values.
    fn finish(mut self) -> Sheet {
        let (mut text, mut ids) = (String::new(), Vec::with_capacity(self.ids.len()));
        for id in self.ids {
            let from = ordinal(text.len());
            text.push_str(id);
            ids.push((from, ordinal(text.len())));
        }
        let before = ordinal(text.len());
        text.push_str(&self.values);
        for entry in &mut self.entries {
            entry.text = entry.text.saturating_add(before);
        }
        Sheet { text, ids, entries: self.entries, rows: self.rows }
    }
}

#[cfg(test)]
mod tests;
