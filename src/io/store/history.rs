//! Earlier quarters behind the cells of a generation: one compressed text for each facility and data set. A file of version 1 has
//! none; opened for writing it gets the table, read only it is read as one that was made without history.

use std::{cmp::Reverse, collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Store, matrix, reading, version};
use crate::domain::{
    history::{Facts, Past, PastRow, Sheet, Stored},
    quarter::Quarter,
};

/// What version 2 added.
pub(super) const TABLE: &str = "
CREATE TABLE history(generation INTEGER NOT NULL, facility INTEGER NOT NULL, data_set TEXT NOT NULL, rows BLOB NOT NULL,
    PRIMARY KEY(generation, facility, data_set)) STRICT;
";

const DAMAGED: &str = "the earlier quarters are damaged";

/// The version with that table.
const SINCE: i32 = 2;

/// What was asked of earlier quarters of one facility and data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacilityHistory {
    /// Facility ordinal.
    pub facility: u32,
    /// Data set id.
    pub data_set: String,
    /// Its data elements and quarters; one in which nothing was stored is in it without a row.
    pub sheet: Sheet,
}

/// A sheet as it is kept: `{"ids": ["…"], "elements": {"…": [["2026Q1", 1783000000, [[0, 1, "12"]]]]}}`. A row names its category
/// and attribute option combo by their place among the ids; the number after the quarter is when DHIS2 said so.
#[derive(Serialize, Deserialize)]
struct Kept<T: Ord> {
    ids: Vec<T>,
    elements: BTreeMap<T, Vec<KeptQuarter<T>>>,
}

type KeptQuarter<T> = (Quarter, i64, Vec<(usize, usize, T)>);

impl Store {
    /// The earlier quarters behind a cell, newest first; one in which nothing was stored has no row. `None` where none was asked
    /// for.
    pub async fn history(
        &self,
        generation: u32,
        facility: u32,
        data_set: String,
        element: String,
    ) -> Result<Option<Vec<Past>>> {
        self.look("read the earlier quarters", move |connection| {
            if version(connection)? < SINCE {
                return Ok(None);
            }
            let blob: Option<Vec<u8>> = connection
                .prepare_cached("SELECT rows FROM history WHERE generation = ?1 AND facility = ?2 AND data_set = ?3")?
                .query_row(params![generation, facility, data_set], |row| row.get(0))
                .optional()?;
            let Some(sheet) = blob.map(|blob| unpack(&blob)).transpose()? else { return Ok(None) };
            let past: Vec<Past> = sheet.of_element(&element).map(|fact| fact.past()).collect();
            Ok((!past.is_empty()).then_some(past))
        })
        .await
    }

    /// All earlier quarters of a generation, by facility and data set, for reading only; takes no hold of the file.
    pub fn read_only_history(path: &Path, generation: u32) -> Result<BTreeMap<(u32, String), Sheet>> {
        all(&reading(path)?, generation).with_context(|| format!("cannot read {}", path.display()))
    }
}

pub(super) fn save(transaction: &Transaction<'_>, generation: u32, history: &[FacilityHistory]) -> Result<()> {
    let mut insert = transaction.prepare("INSERT INTO history VALUES(?1, ?2, ?3, ?4)")?;
    for one in history.iter().filter(|one| !one.sheet.is_empty()) {
        insert.execute(params![generation, one.facility, one.data_set, pack(&one.sheet)?])?;
    }
    Ok(())
}

fn all(connection: &Connection, generation: u32) -> Result<BTreeMap<(u32, String), Sheet>> {
    let mut all = BTreeMap::new();
    if version(connection)? < SINCE {
        return Ok(all);
    }
    let mut select = connection.prepare("SELECT facility, data_set, rows FROM history WHERE generation = ?1")?;
    let mut rows = select.query([generation])?;
    while let Some(row) = rows.next()? {
        all.insert((row.get(0)?, row.get(1)?), unpack(row.get_ref(2)?.as_blob()?)?);
    }
    Ok(all)
}

fn pack(sheet: &Sheet) -> Result<Vec<u8>> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for row in sheet.iter().flat_map(|fact| fact.rows()) {
        places.extend([(row.category_option_combo, 0), (row.attribute_option_combo, 0)]);
    }
    for (place, number) in places.values_mut().zip(0..) {
        *place = number;
    }
    let place = |id: &str| places.get(id).copied().unwrap_or_default();
    let mut elements = BTreeMap::<_, Vec<_>>::new();
    for fact in sheet.iter() {
        let mut rows = Vec::new();
        for row in fact.rows() {
            rows.push((place(row.category_option_combo), place(row.attribute_option_combo), row.value));
        }
        elements.entry(fact.element).or_default().push((fact.quarter, fact.read_at.as_second(), rows));
    }
    matrix::pack(&Kept { ids: places.keys().copied().collect(), elements })
}

fn unpack(blob: &[u8]) -> Result<Sheet> {
    let kept: Kept<String> = matrix::unpack(blob, DAMAGED)?;
    let id = |place: usize| kept.ids.get(place).map(String::as_str).context(DAMAGED);
    let mut facts = Facts::new();
    for (element, quarters) in &kept.elements {
        for (quarter, read_at, kept) in quarters {
            let mut rows = Vec::new();
            for (category, attribute, value) in kept {
                let (category_option_combo, attribute_option_combo) = (id(*category)?, id(*attribute)?);
                rows.push(PastRow { category_option_combo, attribute_option_combo, value });
            }
            let read_at = Timestamp::from_second(*read_at).context(DAMAGED)?;
            facts.insert((element, Reverse(*quarter)), Stored { read_at, rows });
        }
    }
    Ok(Sheet::pack(&facts))
}
