//! The earlier quarters of a whole reading: what is known of each organisation unit, data element and quarter, what has still
//! to be asked for, and what the answers to that make of it. Asks nobody itself.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;

use super::{Change, FactsOf, Past, PastRow, QUARTERS, Reuse, Series, Sheet, Stored, merge, reuse, since};
use crate::domain::quarter::Quarter;

/// What has to be asked of DHIS2, for organisation units that need the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Organisation unit ids, sorted.
    pub units: Vec<String>,
    /// Quarters to be read whole, newest first: of one data element at least, nothing that can be used is known.
    pub read: Vec<Quarter>,
    /// Quarters of which what changed is enough, newest first, asked for with `lastUpdated` and with deleted rows.
    pub changed: Vec<Quarter>,
    /// From when on to ask what changed; a time where `changed` names quarters.
    pub since: Option<Timestamp>,
}

/// What is known of the organisation units, data elements and quarters that were asked for.
#[derive(Clone, Debug)]
pub struct Cached {
    /// Sorted.
    elements: BTreeSet<String>,
    /// Newest first.
    quarters: BTreeSet<Reverse<Quarter>>,
    units: BTreeMap<String, Unit>,
}

#[derive(Clone, Debug, Default)]
struct Unit {
    sheet: Sheet,
    /// Whether it is not what it was made with.
    news: bool,
}

impl Cached {
    /// What is known where `sheet` tells what is known of an organisation unit.
    pub fn new(
        units: &[String],
        elements: &[String],
        quarters: &[Quarter],
        mut sheet: impl FnMut(&str) -> Option<Sheet>,
    ) -> Self {
        let unit = |id: &String| (id.clone(), Unit { sheet: sheet(id).unwrap_or_default(), news: false });
        Self {
            elements: elements.iter().cloned().collect(),
            quarters: quarters.iter().copied().map(Reverse).collect(),
            units: units.iter().map(unit).collect(),
        }
    }

    /// What is known without an earlier run: nothing.
    pub fn unknown(units: &[String], elements: &[String], quarters: &[Quarter]) -> Self {
        Self::new(units, elements, quarters, |_| None)
    }

    /// What has to be asked for at `now` so that all is known; empty where all is. Sorted by quarters, then units.
    pub fn needs(&self, now: Timestamp) -> Vec<Need> {
        let mut groups: BTreeMap<[Vec<Reverse<Quarter>>; 2], Need> = BTreeMap::new();
        for (id, unit) in &self.units {
            let (mut read, mut changed, mut oldest) = (Vec::new(), Vec::new(), None);
            for (quarter, (usable, at)) in self.standing(&unit.sheet, now) {
                if usable < self.elements.len() {
                    read.push(quarter);
                } else if at.is_some() {
                    changed.push(quarter);
                    oldest = oldest.into_iter().chain(at).min();
                }
            }
            if read.is_empty() && changed.is_empty() {
                continue;
            }
            let plain = |quarters: &[Reverse<Quarter>]| quarters.iter().map(|quarter| quarter.0).collect();
            let none = Need { units: Vec::new(), read: plain(&read), changed: plain(&changed), since: None };
            let need = groups.entry([read, changed]).or_insert(none);
            need.units.push(id.clone());
            need.since = need.since.into_iter().chain(oldest.map(since)).min();
        }
        groups.into_values().collect()
    }

    /// For each quarter asked for: how many data elements can be used, and when the oldest of those was read of which it must be
    /// asked what changed.
    fn standing(&self, sheet: &Sheet, now: Timestamp) -> BTreeMap<Reverse<Quarter>, (usize, Option<Timestamp>)> {
        let mut standing: BTreeMap<_, _> = self.quarters.iter().map(|quarter| (*quarter, (0, None))).collect();
        // Entries of one data element stand together.
        let (mut element, mut asked) = (None, false);
        for fact in sheet.iter() {
            if element != Some(fact.element) {
                (element, asked) = (Some(fact.element), self.elements.contains(fact.element));
            }
            if !asked {
                continue;
            }
            let Some((usable, oldest)) = standing.get_mut(&Reverse(fact.quarter)) else { continue };
            match reuse(fact.read_at, now) {
                Reuse::No => continue,
                Reuse::AsItStands => {}
                Reuse::AskWhatChanged => *oldest = (*oldest).into_iter().chain([fact.read_at]).min(),
            }
            *usable += 1;
        }
        standing
    }

    /// Takes in the answer to a whole reading of these quarters of a unit, at `at`: of every data element asked for it is known
    /// now what is stored, and that nothing is where there is no row. Rows of other data elements and quarters are passed over.
    /// Only for an answer that came whole.
    pub fn read(&mut self, unit: &str, quarters: &[Quarter], rows: &[Change<'_>], at: Timestamp) {
        let Some(held) = self.units.get_mut(unit) else { return };
        let old = std::mem::take(&mut held.sheet);
        let mut facts = old.facts();
        for quarter in quarters.iter().filter(|quarter| self.quarters.contains(&Reverse(**quarter))) {
            for element in &self.elements {
                facts.insert((element, Reverse(*quarter)), Stored { read_at: at, rows: Vec::new() });
            }
        }
        for row in rows.iter().filter(|row| quarters.contains(&row.quarter)) {
            let Some(stored) = facts.get_mut(&(row.element, Reverse(row.quarter))) else { continue };
            if self.elements.contains(row.element) && self.quarters.contains(&Reverse(row.quarter)) {
                stored.rows.extend(row.row());
            }
        }
        *held = Unit { sheet: Sheet::pack(&facts), news: true };
    }

    /// Takes in the answer to what changed in these quarters of a unit, asked at `at`: see [`merge`]. What could be used stays known
    /// and is of `at` now. A change of what was not known whole is passed over, since it does not tell the rest.
    pub fn changed(&mut self, unit: &str, quarters: &[Quarter], changes: &[Change<'_>], at: Timestamp) {
        let Some(held) = self.units.get_mut(unit) else { return };
        let (elements, asked) = (&self.elements, &self.quarters);
        let ours = |element: &str, quarter: Quarter| {
            elements.contains(element) && quarters.contains(&quarter) && asked.contains(&Reverse(quarter))
        };
        let mut by_fact: BTreeMap<_, Vec<Change<'_>>> = BTreeMap::new();
        for change in changes.iter().filter(|change| ours(change.element, change.quarter)) {
            by_fact.entry((change.element, Reverse(change.quarter))).or_default().push(*change);
        }
        if !by_fact.is_empty() {
            let old = std::mem::take(&mut held.sheet);
            let mut facts = old.facts();
            for (key, changes) in &by_fact {
                if let Some(stored) = facts.get_mut(key) {
                    stored.rows = merge(stored.rows.drain(..), changes);
                }
            }
            held.sheet = Sheet::pack(&facts);
        }
        let usable = |read_at| reuse(read_at, at) != Reuse::No;
        held.sheet.read_again(|element, quarter, read_at| ours(element, quarter) && usable(read_at), at);
        held.news = true;
    }

    /// The quarters asked for of a unit and data element that are known, newest first; one in which nothing was stored has no row.
    pub fn past(&self, unit: &str, element: &str) -> Vec<Past> {
        let Some(held) = self.units.get(unit) else { return Vec::new() };
        let asked = |quarter| self.quarters.contains(&Reverse(quarter));
        held.sheet.of_element(element).filter(|fact| asked(fact.quarter)).map(|fact| fact.past()).collect()
    }

    /// What is known of a unit, for looking at often; `None` where it was not asked for.
    pub fn unit(&self, unit: &str) -> Option<Known<'_>> {
        Some(Known { sheet: &self.units.get(unit)?.sheet, quarters: &self.quarters })
    }

    /// The series of a unit and data element before `quarter`, of the quarters asked for.
    pub fn series(&self, unit: &str, element: &str, quarter: Quarter) -> Series {
        let sheet = self.units.get(unit).map(|held| &held.sheet);
        Series::of(quarter, |wanted| {
            let asked = self.quarters.contains(&Reverse(wanted));
            let fact = sheet.filter(|_| asked).and_then(|sheet| sheet.get(element, wanted));
            fact.into_iter().flat_map(|fact| fact.rows()).map(|row: PastRow<'_>| row.value)
        })
    }

    /// What is known of these data elements of a unit in the quarters asked for, as it is kept in a review file.
    pub fn sheet(&self, unit: &str, elements: &BTreeSet<&str>) -> Sheet {
        let Some(held) = self.units.get(unit) else { return Sheet::default() };
        held.sheet.only(|fact| elements.contains(fact.element) && self.quarters.contains(&Reverse(fact.quarter)))
    }

    /// The units of which something new was taken in, with all that is known of them.
    pub fn news(&self) -> impl Iterator<Item = (&str, &Sheet)> {
        self.units.iter().filter(|(_, unit)| unit.news).map(|(id, unit)| (id.as_str(), &unit.sheet))
    }
}

/// What is known of one organisation unit in the quarters asked for.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    sheet: &'a Sheet,
    quarters: &'a BTreeSet<Reverse<Quarter>>,
}

impl<'a> Known<'a> {
    /// What is known of one of its data elements, which is searched for here.
    pub fn element(&self, element: &str) -> Element<'a> {
        Element { facts: self.sheet.facts_of(element), quarters: self.quarters }
    }
}

/// What is known of one data element of an organisation unit in the quarters asked for.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    facts: FactsOf<'a>,
    quarters: &'a BTreeSet<Reverse<Quarter>>,
}

impl<'a> Element<'a> {
    /// The rows of a quarter that hold a value; none where the quarter was not asked for or is not known.
    pub fn rows(&self, quarter: Quarter) -> Vec<PastRow<'a>> {
        let fact = self.facts.iter().find(|fact| fact.quarter == quarter);
        let asked = fact.filter(|_| self.quarters.contains(&Reverse(quarter)));
        asked.map(|fact| fact.rows().collect()).unwrap_or_default()
    }

    /// The totals of the [`QUARTERS`] quarters before `quarter`, newest first, as binary numbers for statistics; `None` where nothing,
    /// or no number, was reported, and for a quarter that was not asked for.
    pub fn numbers(&self, quarter: Quarter) -> [Option<f64>; QUARTERS] {
        let mut numbers = [None; QUARTERS];
        for fact in self.facts.iter().filter(|fact| self.quarters.contains(&Reverse(fact.quarter))) {
            let place = fact.quarter.until(quarter).and_then(|back| numbers.get_mut(back.checked_sub(1)?));
            if let Some(place) = place {
                *place = fact.number();
            }
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ELEMENTS: [&str; 3] = ["e1", "e2", "e3"];

    fn quarter(text: &str) -> Quarter {
        Quarter::parse(text).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn row<'a>(element: &'a str, in_quarter: &str, option: &'a str, value: Option<&'a str>) -> Change<'a> {
        let (category_option_combo, attribute_option_combo) = (option, "a");
        Change { element, quarter: quarter(in_quarter), category_option_combo, attribute_option_combo, value }
    }

    fn quarters() -> [Quarter; 2] {
        [quarter("2026Q1"), quarter("2025Q4")]
    }

    /// Two units, two data elements, two quarters; `u1` was read whole at noon on 5 July 2026.
    fn cached() -> Cached {
        let mut cached = Cached::unknown(&owned(&["u2", "u1"]), &owned(&["e1", "e2"]), &quarters());
        let rows = [
            row("e1", "2026Q1", "c1", Some("7")),
            row("e1", "2026Q1", "c2", Some("5")),
            row("e2", "2025Q4", "c1", Some("0")),
            row("e2", "2026Q1", "c1", None),
            row("e2", "2026Q1", "c2", Some("")),
            row("e9", "2026Q1", "c1", Some("99")),
            row("e1", "2024Q1", "c1", Some("99")),
        ];
        cached.read("u1", &quarters(), &rows, at("2026-07-05T12:00:00Z"));
        cached.read("nobody", &quarters(), &rows, at("2026-07-05T12:00:00Z"));
        cached
    }

    fn totals(cached: &Cached, unit: &str, element: &str) -> Vec<String> {
        let past = cached.past(unit, element);
        past.iter().map(|p| format!("{} {:?}", p.quarter, p.total().map(|t| t.to_string()))).collect()
    }

    #[test]
    fn what_was_read_is_known_and_nothing_stored_is_known_too() {
        let cached = cached();
        assert_eq!(totals(&cached, "u1", "e1"), ["2026Q1 Some(\"12\")", "2025Q4 None"]);
        assert_eq!(totals(&cached, "u1", "e2"), ["2026Q1 None", "2025Q4 Some(\"0\")"], "a comment alone is no row");
        let rows = |unit, element, at| -> Vec<&str> {
            let known = cached.unit(unit).map(|unit| unit.element(element).rows(quarter(at)));
            known.into_iter().flatten().map(|row| row.value).collect()
        };
        assert_eq!((rows("u1", "e1", "2026Q1"), rows("u1", "e2", "2025Q4")), (vec!["7", "5"], vec!["0"]));
        for (unit, element, at) in [
            ("u1", "e1", "2025Q4"),
            ("u1", "e1", "2024Q1"),
            ("u1", "e9", "2026Q1"),
            ("u2", "e1", "2026Q1"),
            ("u9", "e1", "2026Q1"),
        ] {
            assert!(rows(unit, element, at).is_empty(), "{unit} {element} {at}");
        }
        assert!(cached.past("u2", "e1").is_empty() && cached.past("u1", "e9").is_empty());
        assert_eq!(cached.series("u1", "e1", quarter("2026Q2")).last(3), "12 - -");
        assert_eq!(cached.series("u1", "e2", quarter("2026Q1")).last(2), "0 -");
        assert_eq!(cached.series("u2", "e2", quarter("2026Q1")).reported_count(), 0);
        assert_eq!(cached.news().map(|(unit, _)| unit).collect::<Vec<_>>(), ["u1"]);
        let only = cached.sheet("u1", &["e2"].into());
        assert_eq!(only.iter().map(|fact| fact.element).collect::<Vec<_>>(), ["e2", "e2"]);
        assert!(cached.sheet("u9", &["e2"].into()).is_empty());
    }

    #[test]
    fn the_same_row_in_two_answers_counts_once() {
        let mut cached = cached();
        let twice = [row("e1", "2026Q1", "c1", Some("7")), row("e1", "2026Q1", "c1", Some("7"))];
        cached.read("u1", &quarters(), &twice, at("2026-07-05T12:00:00Z"));
        assert_eq!(totals(&cached, "u1", "e1")[0], "2026Q1 Some(\"7\")");
    }

    fn need(units: &[&str], read: &[Quarter], changed: &[Quarter], since: Option<&str>) -> Need {
        Need { units: owned(units), read: read.to_vec(), changed: changed.to_vec(), since: since.map(at) }
    }

    #[test]
    fn needs_are_few_and_say_what_is_enough() {
        let (mut cached, all) = (cached(), quarters());
        let all_of = |units: &[&str]| need(units, &all, &[], None);
        assert_eq!(cached.needs(at("2026-07-05T13:00:00Z")), [all_of(&["u2"])]);
        cached.read("u2", &all, &[], at("2026-07-05T13:00:00Z"));
        assert_eq!(cached.needs(at("2026-07-06T11:59:59Z")), []);
        // A day on, u1 may have changed; then both, asked for from the earlier of the two.
        let changed = |units: &[&str]| need(units, &[], &all, Some("2026-07-04T12:00:00Z"));
        assert_eq!(cached.needs(at("2026-07-06T12:00:00Z")), [changed(&["u1"])]);
        assert_eq!(cached.needs(at("2026-07-07T00:00:00Z")), [changed(&["u1", "u2"])]);
        assert_eq!(cached.needs(at("2027-07-05T12:00:00Z")), [all_of(&["u1", "u2"])]);
        assert_eq!(cached.needs(at("2026-07-01T00:00:00Z")), [all_of(&["u1", "u2"])], "a clock that was wrong");
    }

    #[test]
    fn a_quarter_later_only_the_new_quarter_is_read() {
        let before = cached();
        let quarters = [quarter("2026Q2"), quarter("2026Q1"), quarter("2025Q4")];
        let now = at("2026-10-05T00:00:00Z");
        let known = before.news().map(|(_, sheet)| sheet.clone()).next();
        let wider = Cached::new(&owned(&["u1"]), &owned(&["e1", "e2"]), &quarters, |_| known.clone());
        assert_eq!(wider.needs(now), [need(&["u1"], &quarters[..1], &quarters[1..], Some("2026-07-04T12:00:00Z"))]);
        let more = Cached::new(&owned(&["u1"]), &owned(&ELEMENTS), &quarters, |_| known.clone());
        assert_eq!(more.needs(now), [need(&["u1"], &quarters, &[], None)], "a data element that was never read");
        let fewer = Cached::new(&owned(&["u1"]), &owned(&["e2"]), &quarters[1..2], |_| known.clone());
        assert_eq!(fewer.needs(at("2026-07-05T12:00:00Z")), []);
        assert_eq!(totals(&fewer, "u1", "e2"), ["2026Q1 None"]);
        assert!(fewer.past("u1", "e1").len() < 2, "only the quarters asked for");
        assert_eq!(fewer.news().count(), 0);
    }

    #[test]
    fn changes_are_merged_by_their_key() {
        let mut cached = cached();
        let then = at("2026-07-10T12:00:00Z");
        let changes = [
            row("e1", "2026Q1", "c1", Some("70")),
            row("e1", "2026Q1", "c2", None),
            row("e1", "2025Q4", "c3", Some("4")),
            row("e2", "2025Q4", "c1", None),
            row("e3", "2026Q1", "c1", Some("99")),
        ];
        cached.changed("u1", &quarters(), &changes, then);
        cached.changed("u2", &quarters(), &changes, then);
        assert_eq!(totals(&cached, "u1", "e1"), ["2026Q1 Some(\"70\")", "2025Q4 Some(\"4\")"]);
        assert_eq!(totals(&cached, "u1", "e2"), ["2026Q1 None", "2025Q4 None"]);
        assert!(cached.past("u2", "e1").is_empty(), "a change does not tell the rest");
        assert_eq!(cached.needs(at("2026-07-11T00:00:00Z")), [need(&["u2"], &quarters(), &[], None)]);
    }

    #[test]
    fn what_is_too_old_is_not_made_young_by_a_change() {
        let mut cached = cached();
        let then = at("2027-07-05T12:00:00Z");
        cached.changed("u1", &quarters(), &[], then);
        assert_eq!(cached.needs(then)[0].units, ["u1", "u2"]);
        assert_eq!(cached.needs(then)[0].read, quarters());
    }

    /// A row of a server with the day it was last changed; no value where it is deleted.
    type Row = ((usize, u8, u8), (Option<u8>, i64));

    fn rows(rows: &[Row]) -> impl Strategy<Value = Vec<Row>> + use<> {
        let held: BTreeMap<_, _> = rows.iter().copied().collect();
        let change = ((0..3_usize, 0..4_u8, 0..3_u8), proptest::option::of(0..9_u8));
        proptest::collection::vec(change, 0..12).prop_map(move |changes| {
            let mut held = held.clone();
            held.extend(changes.into_iter().map(|(key, value)| (key, (value, 10))));
            held.into_iter().collect()
        })
    }

    proptest! {
        /// Asking what changed comes to the same as reading all again, whatever was changed in between and in whatever order
        /// the rows come.
        #[test]
        fn asking_for_changes_comes_to_the_same_as_reading_again(
            (before, after) in rows(&[]).prop_flat_map(|before| {
                let before: Vec<Row> = before.into_iter().map(|(key, (value, _))| (key, (value, 0))).collect();
                (Just(before.clone()), rows(&before))
            }),
            turn in 0..12_usize,
        ) {
            let all: Vec<Quarter> = (1..=4).map(|number| Quarter::new(2025, number).unwrap()).collect();
            let day = |day: i64| Timestamp::from_second(1_780_000_000 + day * 86_400).unwrap();
            let values: Vec<String> = (0..9).map(|value| value.to_string()).collect();
            let options = ["c0", "c1", "c2"];
            let sent = |rows: &[Row], from: i64| -> Vec<Change<'_>> {
                rows.iter().filter(|(_, (_, day))| *day >= from).map(|((element, quarter, option), (value, _))| Change {
                    element: ELEMENTS[*element],
                    quarter: all[usize::from(*quarter)],
                    category_option_combo: options[usize::from(*option)],
                    attribute_option_combo: "a",
                    value: value.map(|value| values[usize::from(value)].as_str()),
                }).collect()
            };
            let (units, elements) = (owned(&["u"]), owned(&ELEMENTS));
            let mut kept = Cached::unknown(&units, &elements, &all);
            kept.read("u", &all, &sent(&before, 0), day(5));
            let need = kept.needs(day(11)).remove(0);
            prop_assert_eq!((need.read.len(), need.changed.len(), need.since), (0, 4, Some(day(4))));
            let mut changes = sent(&after, 4);
            let middle = turn.min(changes.len());
            changes.rotate_left(middle);
            kept.changed("u", &need.changed, &changes, day(11));
            let mut anew = Cached::unknown(&units, &elements, &all);
            anew.read("u", &all, &sent(&after, 0), day(11));
            prop_assert_eq!(kept.sheet("u", &ELEMENTS.into()), anew.sheet("u", &ELEMENTS.into()));
        }
    }
}
