//! Stored values as they are kept: ids and texts once, a row as a few numbers. A quarter of a country with eight before it has
//! close to a million rows.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use foldhash::fast::RandomState;

/// One stored value: a part of a facility's total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataValue<'a> {
    /// Id of the data element.
    pub data_element: &'a str,
    /// ISO period, such as `2026Q2`.
    pub period: &'a str,
    /// Id of the organisation unit.
    pub org_unit: &'a str,
    /// Id of the category option combo.
    pub category_option_combo: &'a str,
    /// Id of the attribute option combo.
    pub attribute_option_combo: &'a str,
    /// The text as stored; `None` for a row without one, which only carries a comment. Never taken for 0.
    pub value: Option<&'a str>,
    /// What the data clerk wrote beside it.
    pub comment: Option<&'a str>,
    /// Who stored it.
    pub stored_by: Option<&'a str>,
    /// When it was last changed, as DHIS2 wrote it.
    pub last_updated: Option<&'a str>,
    /// Marked in DHIS2 for checking.
    pub follow_up: bool,
    /// Deleted in DHIS2; not to be summed (fault matrix row D18).
    pub deleted: bool,
}

/// A facility's report: organisation unit, period, data set (an index into the data sets of [`Elements`]).
pub type Report<'a> = (&'a str, &'a str, u16);

/// Which data elements are wanted row by row, and on which data sets each one stands. Rows of others are passed over; that some
/// came is kept by data set, to tell a blank in a report from no report.
#[derive(Clone, Debug, Default)]
pub struct Elements {
    every: bool,
    uses: HashMap<String, Use, RandomState>,
}

#[derive(Clone, Debug, Default)]
struct Use {
    rows: bool,
    sets: Vec<u16>,
}

impl Elements {
    /// Wants every row, whatever its data element.
    pub fn every() -> Self {
        Self { every: true, uses: HashMap::default() }
    }

    /// Wants the rows of a data element.
    pub fn want(&mut self, data_element: &str) {
        self.uses.entry(data_element.to_owned()).or_default().rows = true;
    }

    /// Says that a data element stands on a data set.
    pub fn stands_on(&mut self, data_element: &str, data_set: u16) {
        let sets = &mut self.uses.entry(data_element.to_owned()).or_default().sets;
        if !sets.contains(&data_set) {
            sets.push(data_set);
        }
    }

    fn of(&self, data_element: &str) -> (bool, &[u16]) {
        self.uses.get(data_element).map_or((self.every, &[]), |found| (self.every || found.rows, &found.sets))
    }
}

/// A place in [`Texts`].
type Id = u32;
/// No text.
const NONE: Id = Id::MAX;

/// Distinct texts.
#[derive(Clone, Debug, Default)]
struct Texts {
    all: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, Id, RandomState>,
}

impl Texts {
    fn id(&mut self, text: &str) -> Id {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        // A body is capped far below as many texts as there are numbers.
        let id = Id::try_from(self.all.len()).unwrap_or(NONE);
        let text: Arc<str> = text.into();
        self.all.push(Arc::clone(&text));
        self.ids.insert(text, id);
        id
    }

    /// The same, for a text that is often the one before it.
    fn near(&mut self, text: Option<&str>, last: &mut Id) -> Id {
        let Some(text) = text else { return NONE };
        if self.get(*last) != Some(text) {
            *last = self.id(text);
        }
        *last
    }

    fn get(&self, id: Id) -> Option<&str> {
        self.all.get(usize::try_from(id).ok()?).map(AsRef::as_ref)
    }
}

/// The columns of a row that hold text.
const COLUMNS: usize = 9;

/// Bytes of a row that is kept.
const ROW: usize = COLUMNS * 4 + 1;

/// The texts of one row, in the order of the fields of [`DataValue`].
#[derive(Clone, Copy, Debug)]
struct Row {
    texts: [Id; COLUMNS],
    follow_up: bool,
    deleted: bool,
}

/// Where period, organisation unit and attribute option combo stand in a row: what all rows of an answer may share.
const SHARED: [usize; 3] = [1, 2, 4];

/// The rows of one answer.
#[derive(Clone, Debug, Default)]
pub struct Values {
    texts: Texts,
    rows: Vec<Row>,
    reports: BTreeSet<(Id, Id, u16)>,
    last: [Id; COLUMNS],
    /// The unit and period of the last row, and the data sets that are known to be reported there.
    near: ((Id, Id), Vec<u16>),
    /// How many rows of other units or periods came and were dropped (fault matrix row D17).
    pub foreign: usize,
}

impl Values {
    /// Rows that are whole by themselves, for tests and benches.
    pub fn of<'a>(rows: impl IntoIterator<Item = DataValue<'a>>, elements: &Elements) -> Self {
        let mut values = Self::default();
        for row in rows {
            values.push(&row, elements);
        }
        values
    }

    /// As bytes, for keeping what was read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let texts: Vec<&str> = self.texts.all.iter().map(AsRef::as_ref).collect();
        // Texts and numbers always have a JSON.
        let head = serde_json::to_vec(&(texts, &self.reports, self.foreign, self.rows.len())).unwrap_or_default();
        let mut bytes = Vec::with_capacity(head.len() + 8 + self.rows.len() * ROW);
        bytes.extend_from_slice(&u64::try_from(head.len()).unwrap_or_default().to_le_bytes());
        bytes.extend_from_slice(&head);
        for row in &self.rows {
            row.texts.iter().for_each(|id| bytes.extend_from_slice(&id.to_le_bytes()));
            bytes.push(u8::from(row.follow_up) | u8::from(row.deleted) << 1);
        }
        bytes
    }

    /// What [`Values::to_bytes`] gave; `None` where it is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (head, rows) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let (texts, reports, foreign, count): (Vec<Box<str>>, _, _, usize) = serde_json::from_slice(head).ok()?;
        let mut values = Self { reports, foreign, ..Self::default() };
        for (at, text) in texts.iter().enumerate() {
            // A text that stands there twice would shift all after it.
            (usize::try_from(values.texts.id(text)).ok()? == at).then_some(())?;
        }
        let known = |id: Id| id == NONE || values.texts.get(id).is_some();
        let (rows, []) = rows.as_chunks::<ROW>() else { return None };
        (rows.len() == count).then_some(())?;
        for row in rows {
            let mut texts = [NONE; COLUMNS];
            let (ids, _) = row.as_chunks::<4>();
            for (id, bytes) in texts.iter_mut().zip(ids) {
                *id = Id::from_le_bytes(*bytes);
                known(*id).then_some(())?;
            }
            let marks = row[ROW - 1];
            values.rows.push(Row { texts, follow_up: marks & 1 != 0, deleted: marks & 2 != 0 });
        }
        let sound = values.reports.iter().all(|(unit, period, _)| known(*unit) && known(*period));
        sound.then_some(values)
    }

    /// The rows, in the server's order, which means nothing.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = DataValue<'_>> {
        self.rows.iter().map(|row| {
            let [element, period, unit, category, attribute, value, comment, stored_by, updated] = row.texts;
            let text = |id| self.texts.get(id);
            let id = |id| self.texts.get(id).unwrap_or_default();
            DataValue {
                data_element: id(element),
                period: id(period),
                org_unit: id(unit),
                category_option_combo: id(category),
                attribute_option_combo: id(attribute),
                value: text(value),
                comment: text(comment),
                stored_by: text(stored_by),
                last_updated: text(updated),
                follow_up: row.follow_up,
                deleted: row.deleted,
            }
        })
    }

    /// Ids of the category and attribute option combos of all rows.
    pub fn options(&self) -> BTreeSet<&str> {
        let ids: BTreeSet<Id> = self.rows.iter().flat_map(|row| [row.texts[3], row.texts[4]]).collect();
        ids.into_iter().filter_map(|id| self.texts.get(id)).collect()
    }

    /// The reports of which at least one value is stored, in a fixed order. Only data sets named in [`Elements`] are known.
    pub fn reports(&self) -> impl Iterator<Item = Report<'_>> {
        self.reports
            .iter()
            .filter_map(|(unit, period, set)| Some((self.texts.get(*unit)?, self.texts.get(*period)?, *set)))
    }

    /// Takes in a row. Empty texts are none: so is a period, unit or attribute option combo that stands above all rows.
    pub(super) fn push(&mut self, row: &DataValue<'_>, elements: &Elements) {
        let (wanted, sets) = elements.of(row.data_element);
        if !wanted && (sets.is_empty() || row.value.is_none() || row.deleted) {
            return;
        }
        let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
        let texts = [
            some(row.data_element),
            some(row.period),
            some(row.org_unit),
            some(row.category_option_combo),
            some(row.attribute_option_combo),
            row.value,
            row.comment,
            row.stored_by,
            row.last_updated,
        ];
        if row.value.is_some() && !row.deleted {
            let period = self.texts.near(texts[1], &mut self.last[1]);
            let unit = self.texts.near(texts[2], &mut self.last[2]);
            if self.near.0 != (unit, period) {
                self.near = ((unit, period), Vec::new());
            }
            for set in sets {
                // Rows of one report mostly stand together.
                if !self.near.1.contains(set) {
                    self.near.1.push(*set);
                    self.reports.insert((unit, period, *set));
                }
            }
        }
        if wanted {
            let mut ids = [NONE; COLUMNS];
            for ((id, text), last) in ids.iter_mut().zip(texts).zip(&mut self.last) {
                *id = self.texts.near(text, last);
            }
            self.rows.push(Row { texts: ids, follow_up: row.follow_up, deleted: row.deleted });
        }
    }

    /// Gives every row what stands above all of them (period, organisation unit, attribute option combo) and drops rows of units and
    /// periods that were not asked for.
    pub(super) fn settle(&mut self, above: [Option<&str>; 3], asked: impl Fn(&str, &str) -> bool) {
        let above = above.map(|text| text.map_or(NONE, |text| self.texts.id(text)));
        let or = |id: Id, above: Id| if id == NONE { above } else { id };
        for row in &mut self.rows {
            for (column, above) in SHARED.into_iter().zip(above) {
                row.texts[column] = or(row.texts[column], above);
            }
        }
        let texts = &self.texts;
        let mut known: HashMap<(Id, Id), bool> = HashMap::new();
        let mut last = ((NONE, NONE), false);
        let mut is_ours = |unit, period| {
            if last.0 != (unit, period) {
                let text = |id| texts.get(id).unwrap_or_default();
                let ours = *known.entry((unit, period)).or_insert_with(|| asked(text(unit), text(period)));
                last = ((unit, period), ours);
            }
            last.1
        };
        let before = self.rows.len();
        self.rows.retain(|row| is_ours(row.texts[2], row.texts[1]));
        self.foreign = before - self.rows.len();
        let reports = std::mem::take(&mut self.reports).into_iter();
        let reports = reports.map(|(unit, period, set)| (or(unit, above[1]), or(period, above[0]), set));
        self.reports = reports.filter(|(unit, period, _)| is_ours(*unit, *period)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_from_bytes_and_damage_is_seen() {
        let row = |data_element, value, deleted: bool| DataValue {
            data_element,
            period: "2026Q2",
            org_unit: "ou",
            category_option_combo: "c",
            attribute_option_combo: "a",
            value,
            comment: Some("\u{1b}é"),
            follow_up: !deleted,
            deleted,
            ..DataValue::default()
        };
        let mut elements = Elements::every();
        elements.stands_on("de", 3);
        let values = Values::of([row("de", Some("7"), false), row("other", None, true)], &elements);
        let bytes = values.to_bytes();
        let back = Values::from_bytes(&bytes).unwrap();
        assert!(back.rows().eq(values.rows()) && back.reports().eq(values.reports()));
        assert_eq!(values.reports().collect::<Vec<_>>(), [("ou", "2026Q2", 3)]);
        for cut in 0..bytes.len() {
            assert!(Values::from_bytes(&bytes[..cut]).is_none(), "{cut}");
        }
        let mut wild = bytes.clone();
        let at = wild.len() - ROW;
        wild[at] = 0xee;
        assert!(Values::from_bytes(&wild).is_none(), "a text that is not there");
        assert_eq!(Values::from_bytes(&Values::default().to_bytes()).unwrap().rows().len(), 0);
    }
}
