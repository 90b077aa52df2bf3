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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quarter(number: u8) -> Quarter {
        Quarter::new(2025, number).unwrap()
    }

    fn day(day: u8) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + i64::from(day) * 86_400).unwrap()
    }

    /// A sheet of one row a fact: data element, quarter, day, value; no row where the value is empty.
    fn sheet(facts: &[(&str, u8, u8, &str)]) -> Sheet {
        let row = |value| PastRow { category_option_combo: "c", attribute_option_combo: "a", value };
        let fact = |(element, number, read, value): &(_, u8, u8, _)| {
            let rows = Some(*value).filter(|value: &&str| !value.is_empty()).map(row).into_iter().collect();
            ((*element, Reverse(quarter(*number))), Stored { read_at: day(*read), rows })
        };
        Sheet::pack(&facts.iter().map(fact).collect())
    }

    #[test]
    fn of_two_the_later_reading_counts() {
        let kept = sheet(&[("e1", 1, 1, "old"), ("e1", 2, 9, "late"), ("e2", 1, 1, "alone")]);
        let news = sheet(&[("e1", 1, 5, ""), ("e1", 2, 5, "early"), ("e3", 1, 5, "new")]);
        let both = [("e1", 1, 5, ""), ("e1", 2, 9, "late"), ("e2", 1, 1, "alone"), ("e3", 1, 5, "new")];
        assert_eq!(kept.with(&news), sheet(&both));
        assert_eq!(news.with(&kept), sheet(&both), "whoever comes first");
        assert_eq!(Sheet::default().with(&news), news);
        assert_eq!(news.with(&Sheet::default()), news);
    }

    #[test]
    fn only_what_is_wanted_is_kept() {
        let all = sheet(&[("e1", 1, 1, "1"), ("e1", 2, 9, "2"), ("e2", 1, 1, "3")]);
        assert_eq!(all.only(|fact| fact.element == "e2"), sheet(&[("e2", 1, 1, "3")]));
        assert_eq!(all.only(|fact| fact.read_at > day(5)), sheet(&[("e1", 2, 9, "2")]));
        assert_eq!((all.only(|_| true), all.only(|_| false).is_empty()), (all.clone(), true));
        let past: Vec<u8> = all.of_element("e1").map(|fact| fact.quarter.number()).collect();
        assert_eq!(past, [2, 1], "newest first");
        assert!(all.get("e1", quarter(3)).is_none() && all.get("e", quarter(1)).is_none());
    }

    #[test]
    fn the_number_of_a_quarter_is_its_exact_sum() {
        let number = |values: &[&'static str]| {
            let options = ["c0", "c1", "c2"];
            let row = |(value, option): (&&'static str, &'static str)| PastRow {
                category_option_combo: option,
                attribute_option_combo: "a",
                value,
            };
            let rows = values.iter().zip(options).map(row).collect();
            let sheet = Sheet::pack(&[(("e", Reverse(quarter(1))), Stored { read_at: day(1), rows })].into());
            sheet.get("e", quarter(1)).unwrap().number()
        };
        for (values, expected) in [
            (&["7", "5"][..], Some(12.0)),
            (&["007"], Some(7.0)),
            (&["0.1", "0.2"], Some(0.3)),
            (&["7", "-9"], Some(-2.0)),
            (&["999999999", "999999999", "999999999"], Some(2_999_999_997.0)),
            (&["4294967295", "5"], Some(4_294_967_300.0)),
            (&["3", "12 (est)"], None),
            (&[], None),
        ] {
            assert_eq!(number(values), expected, "{values:?}");
        }
    }

    #[test]
    fn a_row_told_deleted_and_with_a_value_has_the_value() {
        let change = |option: &'static str, value| Change {
            element: "e",
            quarter: quarter(1),
            category_option_combo: option,
            attribute_option_combo: "a",
            value,
        };
        let row = |option, value| PastRow { category_option_combo: option, attribute_option_combo: "a", value };
        let changes = [change("c1", Some("5")), change("c1", None), change("c2", Some("")), change("c3", Some("6"))];
        let rows = [row("c4", "9"), row("c2", "8"), row("c1", "7")];
        assert_eq!(merge(rows, &changes), [row("c1", "5"), row("c3", "6"), row("c4", "9")]);
    }

    proptest! {
        #[test]
        fn merging_is_replacing_by_key(
            rows in proptest::collection::btree_map((0..4_usize, 0..2_usize), "[0-9]{1,2}", 0..8),
            changes in proptest::collection::btree_map((0..4_usize, 0..2_usize), proptest::option::of("[0-9]{1,2}"), 0..8),
            turn in 0..8_usize,
        ) {
            let (options, attributes) = (["c0", "c1", "c2", "c3"], ["a0", "a1"]);
            let row = |((option, attribute), value): (&(usize, usize), _)| PastRow {
                category_option_combo: options[*option],
                attribute_option_combo: attributes[*attribute],
                value,
            };
            let mut expected: BTreeMap<_, Option<&str>> = rows.iter().map(|(key, value)| (key, Some(value.as_str()))).collect();
            expected.extend(changes.iter().map(|(key, value)| (key, value.as_deref())));
            let expected: Vec<_> = expected.into_iter().filter_map(|(key, value)| Some(row((key, value?)))).collect();
            let mut changes: Vec<_> = changes.iter().map(|((option, attribute), value)| Change {
                element: "e",
                quarter: quarter(1),
                category_option_combo: options[*option],
                attribute_option_combo: attributes[*attribute],
                value: value.as_deref(),
            }).collect();
            let middle = turn.min(changes.len());
            changes.rotate_left(middle);
            let mut rows: Vec<_> = rows.iter().map(|(key, value)| row((key, value.as_str()))).collect();
            rows.reverse();
            prop_assert_eq!(merge(rows, &changes), expected);
        }
    }
}
