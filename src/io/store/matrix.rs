//! A generation of the plan in the review file, and the parts behind its cells.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    io::{Read, Write},
    sync::Arc,
};

use anyhow::{Context, Result, anyhow, bail};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _, SeqAccess, Visitor},
    ser::SerializeSeq as _,
};

use super::{
    FacilityHistory, NEXT, Store, Used, history, log,
    trail::{self, NOBODY, ReadIn, What},
};
use crate::domain::{
    fingerprint::Fingerprint,
    flags::{Flag, Severity},
    plan::{Cell, Draft, Facility, Head, Plan, Property, Skipped, State},
    quarter::Quarter,
    total::Part,
};

const DAMAGED: &str = "the category options are damaged";

/// The rows of one facility and data set in the quarter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacilityParts {
    /// Facility ordinal.
    pub facility: u32,
    /// Data set id.
    pub data_set: String,
    /// Its rows, in a fixed order.
    pub parts: Vec<Part>,
}

impl Store {
    /// Writes a generation whole or not at all (fault matrix row K02). A later one has every facility and property of the one
    /// before in its place (see `domain::generation`), and what does not stand of the decisions is written down with it.
    /// `history` holds what was asked of earlier quarters; empty where it was not asked for.
    pub async fn save_plan(
        &self,
        plan: Arc<Plan>,
        used: Used,
        parts: Vec<FacilityParts>,
        history: Vec<FacilityHistory>,
    ) -> Result<()> {
        self.call("write the plan", move |connection| {
            let transaction = connection.transaction()?;
            follow(&transaction, &plan)?;
            save(&transaction, &plan, &used)?;
            let generation = plan.head.generation;
            let mut insert = transaction.prepare("INSERT INTO parts VALUES(?1, ?2, ?3, ?4)")?;
            for one in &parts {
                insert.execute(params![generation, one.facility, one.data_set, pack(&one.parts)?])?;
            }
            drop(insert);
            history::save(&transaction, generation, &history)?;
            let detail = ReadIn {
                reading: generation,
                fingerprint: fingerprint(&plan, &used)?.to_string(),
                facilities: plan.height(),
                properties: plan.width(),
            };
            trail::note(&transaction, What::Read, &plan.head.read_at, NOBODY, &detail)?;
            transaction.commit()?;
            Ok(())
        })
        .await
    }

    /// The settings of the newest generation.
    pub async fn used(&self) -> Result<Used> {
        self.ask("read the settings", |connection| {
            let sql = "SELECT settings FROM generation ORDER BY number DESC LIMIT 1";
            let text: String = connection.query_row(sql, [], |row| row.get(0))?;
            serde_json::from_str(&text).context("the settings of the plan are damaged")
        })
        .await
    }

    /// The parts behind a cell; empty where there are none.
    pub async fn parts(&self, generation: u32, facility: u32, data_set: String, element: String) -> Result<Vec<Part>> {
        self.look("read the category options", move |connection| {
            let blob: Option<Vec<u8>> = connection
                .prepare_cached("SELECT rows FROM parts WHERE generation = ?1 AND facility = ?2 AND data_set = ?3")?
                .query_row(params![generation, facility, data_set], |row| row.get(0))
                .optional()?;
            let mut parts: Vec<Part> = blob.map_or_else(|| Ok(Vec::new()), |blob| unpack(&blob, DAMAGED))?;
            parts.retain(|part| part.data_element == element);
            Ok(parts)
        })
        .await
    }

    /// All parts of a generation.
    pub async fn all_parts(&self, generation: u32) -> Result<BTreeMap<(u32, String), Vec<Part>>> {
        self.ask("read the category options", move |connection| all_parts(connection, generation)).await
    }
}

pub(super) fn all_parts(connection: &Connection, generation: u32) -> Result<BTreeMap<(u32, String), Vec<Part>>> {
    let mut select = connection.prepare("SELECT facility, data_set, rows FROM parts WHERE generation = ?1")?;
    let mut rows = select.query([generation])?;
    let mut all = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let blob: Vec<u8> = row.get(2)?;
        all.insert((row.get(0)?, row.get(1)?), unpack(&blob, DAMAGED)?);
    }
    Ok(all)
}

/// Texts shorter than this are kept as they are: squeezing thousands of them costs more time than it saves room.
const SHORT: usize = 1 << 11;

pub(super) fn pack(rows: &impl Serialize) -> Result<Vec<u8>> {
    let text = serde_json::to_vec(rows)?;
    if text.len() < SHORT {
        return Ok(text);
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&text)?;
    Ok(encoder.finish()?)
}

pub(super) fn unpack<T: DeserializeOwned>(blob: &[u8], damaged: &'static str) -> Result<T> {
    // A squeezed text begins with another byte than any JSON.
    if matches!(blob.first(), Some(b'[' | b'{')) {
        return serde_json::from_slice(blob).context(damaged);
    }
    let mut text = Vec::new();
    ZlibDecoder::new(blob).read_to_end(&mut text).context(damaged)?;
    serde_json::from_slice(&text).context(damaged)
}

/// Refuses a plan that does not follow the newest one of the file, and writes down which decisions it resets.
fn follow(transaction: &Transaction<'_>, plan: &Plan) -> Result<()> {
    let newest: Option<u32> = transaction.query_row("SELECT max(number) FROM generation", [], |row| row.get(0))?;
    let generation = plan.head.generation;
    if newest.is_some_and(|newest| generation != newest + 1) {
        bail!("reading {generation} does not follow reading {}; nothing was changed", newest.unwrap_or(0));
    }
    if newest.is_none() {
        return Ok(());
    }
    let (before, _) = load(transaction)?;
    let cases = |plan: &Plan| plan.facilities().iter().map(|f| f.case_id.clone()).collect::<Vec<_>>();
    let names = |plan: &Plan| plan.properties().iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    if !cases(plan).starts_with(&cases(&before)) || !names(plan).starts_with(&names(&before)) {
        bail!("the new reading does not keep the facilities and properties in their places; nothing was changed");
    }
    log::reset(transaction, &before, plan)
}

fn save(transaction: &Transaction<'_>, plan: &Plan, used: &Used) -> Result<()> {
    let generation = plan.head.generation;
    transaction.execute(
        "INSERT INTO generation VALUES(?1, ?2, ?3, ?4)",
        params![
            generation,
            serde_json::to_string(&plan.head)?,
            serde_json::to_string(used)?,
            fingerprint(plan, used)?.to_string()
        ],
    )?;
    // What is known of a facility or a property is that of the newest reading; its place is that of the first.
    let mut insert = transaction.prepare(
        "INSERT INTO facility VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(ordinal) DO UPDATE SET name = excluded.name,
         external_id = excluded.external_id, closed = excluded.closed, unit_name = excluded.unit_name",
    )?;
    for (at, f) in plan.facilities().iter().enumerate() {
        insert.execute(params![at, f.case_id, f.name, f.external_id, f.closed, f.unit_name])?;
    }
    let mut insert = transaction.prepare(
        "INSERT INTO property VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(ordinal) DO UPDATE SET
         data_element = excluded.data_element, data_set = excluded.data_set, title = excluded.title, line = excluded.line,
         element_name = excluded.element_name, value_type = excluded.value_type, data_set_name = excluded.data_set_name",
    )?;
    for (at, p) in plan.properties().iter().enumerate() {
        insert.execute(params![
            at,
            p.name,
            p.data_element,
            p.data_set,
            p.title,
            p.line,
            p.element_name,
            p.value_type,
            p.data_set_name
        ])?;
    }
    let mut insert = transaction.prepare("INSERT INTO cells VALUES(?1, ?2, ?3)")?;
    for facility in 0..plan.height() {
        let cells: Vec<_> = plan.row(facility).map(|cell| Stored::of(plan, cell)).collect();
        insert.execute(params![generation, facility, serde_json::to_string(&cells)?])?;
    }
    let mut insert = transaction.prepare("INSERT INTO flag VALUES(?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (cell, flags) in plan.all_flags() {
        for flag in flags {
            let severity = flag.severity.word();
            insert.execute(params![generation, cell.facility, cell.property, flag.id, severity, flag.sentence])?;
        }
    }
    let mut insert = transaction.prepare("INSERT OR REPLACE INTO option_name VALUES(?1, ?2)")?;
    for (id, name) in plan.option_names() {
        insert.execute(params![id, name])?;
    }
    transaction.execute("DELETE FROM skipped", [])?;
    let mut insert = transaction.prepare("INSERT INTO skipped VALUES(?1, ?2, ?3)")?;
    for skipped in plan.skipped() {
        insert.execute(params![skipped.case_id, skipped.case_name, skipped.reason])?;
    }
    Ok(())
}

/// A mark of everything a decision rests on: settings, facilities, properties, cells, flags and what was left out. An absent
/// row reads as a cell without a report or without a STOP, so it has to be noticed here (fault matrix rows F07, F08).
fn fingerprint(plan: &Plan, used: &Used) -> Result<Fingerprint> {
    let mut mark = Fingerprint::default().with(&serde_json::to_vec(&(
        &plan.head,
        used,
        plan.facilities(),
        plan.properties(),
        plan.skipped(),
    ))?);
    for cell in plan.cells() {
        for text in [plan.old(cell), plan.held(cell), Some(plan.state(cell).name())] {
            // Neither byte stands in UTF-8, so that no two lists of texts give the same bytes.
            mark = text.map_or(mark, |text| mark.with(text.as_bytes()).with(&[0xfe])).with(&[0xff]);
        }
        if let Some(quarter) = elsewhen(plan, cell) {
            mark = mark.with(quarter.to_string().as_bytes()).with(&[0xfd]);
        }
        if let Some(usual) = plan.usual(cell) {
            mark = mark.with(usual.as_bytes()).with(&[0xfc]);
        }
    }
    for (cell, flags) in plan.all_flags() {
        for flag in flags {
            let place = (cell.facility, cell.property);
            let flag = (&flag.id, flag.severity.word(), &flag.sentence);
            mark = mark.with(&serde_json::to_vec(&(place, flag))?);
        }
    }
    Ok(mark)
}

/// Rows of a query, each through `read`.
fn all<T>(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    Ok(connection.prepare(sql)?.query_map(values, read)?.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn load(connection: &Connection) -> Result<(Plan, Used)> {
    let newest = "SELECT number, head, settings, fingerprint FROM generation ORDER BY number DESC LIMIT 1";
    let text = |row: &Row<'_>, at| row.get::<_, String>(at);
    let (generation, head, used, written) = connection
        .query_row(newest, [], |row| Ok((row.get::<_, u32>(0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?)))
        .optional()?
        .ok_or_else(|| anyhow!("reading was never finished, so the file holds no plan; start a new review"))?;
    let head: Head = serde_json::from_str(&head).context("the head of the plan is damaged")?;
    let used: Used = serde_json::from_str(&used).context("the settings of the plan are damaged")?;
    let facilities = all(connection, "SELECT * FROM facility ORDER BY ordinal", [], |row| {
        Ok(Facility {
            case_id: row.get(1)?,
            name: row.get(2)?,
            external_id: row.get(3)?,
            closed: row.get(4)?,
            unit_name: row.get(5)?,
        })
    })?;
    let properties = all(connection, "SELECT * FROM property ORDER BY ordinal", [], |row| {
        Ok(Property {
            name: row.get(1)?,
            data_element: row.get(2)?,
            data_set: row.get(3)?,
            title: row.get(4)?,
            line: row.get(5)?,
            element_name: row.get(6)?,
            value_type: row.get(7)?,
            data_set_name: row.get(8)?,
        })
    })?;
    let mut draft = Plan::draft(head, facilities, properties);
    cells(connection, generation, &mut draft)?;
    flags(connection, generation, &mut draft)?;
    for (id, name) in all(connection, "SELECT id, name FROM option_name", [], |row| Ok((row.get(0)?, row.get(1)?)))? {
        draft.name(id, name);
    }
    for skipped in all(connection, "SELECT * FROM skipped ORDER BY rowid", [], |row| {
        Ok(Skipped { case_id: row.get(0)?, case_name: row.get(1)?, reason: row.get(2)? })
    })? {
        draft.skip(skipped);
    }
    let plan = draft.finish();
    if plan.head.generation != generation || fingerprint(&plan, &used)?.to_string() != written {
        // What was decided on stands in the log a second time, so it can be named (fault matrix row F08).
        let differs = log::load(connection, &plan).err().map(|why| format!(". Of a decision: {}", why.root_cause()));
        let differs = differs.unwrap_or_default();
        bail!("the plan in the file is not what was read: it is damaged or was changed outside onse{differs}; {NEXT}");
    }
    Ok((plan, used))
}

/// The quarter of a cell's number where it is not the plan's.
fn elsewhen(plan: &Plan, cell: Cell) -> Option<Quarter> {
    Some(plan.quarter(cell)).filter(|quarter| *quarter != plan.head.quarter)
}

/// A text borrowed from the row where it holds no escapes.
#[derive(Serialize, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A cell as the file has it: `[old, held, state]`, behind it the quarter where the number is of another one, and the usual number
/// where there is one.
struct Stored<'a> {
    old: Option<Text<'a>>,
    held: Option<Text<'a>>,
    state: State,
    quarter: Option<Quarter>,
    usual: Option<Text<'a>>,
}

impl<'a> Stored<'a> {
    fn of(plan: &'a Plan, cell: Cell) -> Self {
        let text = |text: Option<&'a str>| text.map(|text| Text(Cow::Borrowed(text)));
        let (old, held) = (text(plan.old(cell)), text(plan.held(cell)));
        Self { old, held, state: plan.state(cell), quarter: elsewhen(plan, cell), usual: text(plan.usual(cell)) }
    }
}

impl Serialize for Stored<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        list.serialize_element(&self.old)?;
        list.serialize_element(&self.held)?;
        list.serialize_element(&self.state)?;
        if self.quarter.is_some() || self.usual.is_some() {
            list.serialize_element(&self.quarter)?;
        }
        if let Some(usual) = &self.usual {
            list.serialize_element(usual)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Stored<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Stored<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a cell: old, held, state, the quarter where it is another one, and the usual number")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Stored<'de>, A::Error> {
                let short = || A::Error::custom("a cell is too short");
                Ok(Stored {
                    old: list.next_element()?.ok_or_else(short)?,
                    held: list.next_element()?.ok_or_else(short)?,
                    state: list.next_element()?.ok_or_else(short)?,
                    quarter: list.next_element()?.flatten(),
                    usual: list.next_element()?.flatten(),
                })
            }
        }
        from.deserialize_seq(List)
    }
}

fn cells(connection: &Connection, generation: u32, draft: &mut Draft) -> Result<()> {
    let (height, width) = (draft.plan().height(), draft.plan().width());
    let held: u32 =
        connection.query_row("SELECT count(*) FROM cells WHERE generation = ?1", [generation], |row| row.get(0))?;
    if held != height {
        bail!("the plan has {held} rows for {height} facilities: it is damaged or was changed outside onse; {NEXT}");
    }
    let mut select = connection.prepare("SELECT facility, cells FROM cells WHERE generation = ?1")?;
    let mut rows = select.query([generation])?;
    while let Some(row) = rows.next()? {
        let facility: u32 = row.get(0)?;
        let cells: Vec<Stored<'_>> = serde_json::from_str(row.get_ref(1)?.as_str()?)
            .with_context(|| format!("facility {facility} of the plan is damaged"))?;
        if facility >= height || cells.len() != usize::from(width) {
            bail!("facility {facility} of the plan is damaged");
        }
        for (property, Stored { old, held, state, quarter, usual }) in (0..width).zip(&cells) {
            let cell = Cell { facility, property };
            draft.set(cell, old.as_ref().map(|t| t.0.as_ref()), held.as_ref().map(|t| t.0.as_ref()), *state);
            if let Some(quarter) = quarter {
                draft.set_quarter(cell, *quarter);
            }
            draft.set_usual(cell, usual.as_ref().map(|t| t.0.as_ref()));
        }
    }
    Ok(())
}

fn flags(connection: &Connection, generation: u32, draft: &mut Draft) -> Result<()> {
    let (height, width) = (draft.plan().height(), draft.plan().width());
    let sql =
        "SELECT generation, facility, property, id, severity, sentence FROM flag WHERE generation = ?1 ORDER BY rowid";
    for (_, cell, flag) in flag_rows(connection, sql, generation)? {
        if cell.facility >= height || cell.property >= width {
            bail!("flag {} of the plan is damaged", flag.id);
        }
        draft.flag(cell, flag);
    }
    Ok(())
}

/// The flags of the generations before one, by generation and cell.
pub(super) fn earlier_flags(connection: &Connection, before: u32) -> Result<BTreeMap<(u32, Cell), Vec<Flag>>> {
    let sql =
        "SELECT generation, facility, property, id, severity, sentence FROM flag WHERE generation < ?1 ORDER BY rowid";
    let mut all: BTreeMap<(u32, Cell), Vec<Flag>> = BTreeMap::new();
    for (generation, cell, flag) in flag_rows(connection, sql, before)? {
        all.entry((generation, cell)).or_default().push(flag);
    }
    Ok(all)
}

fn flag_rows(connection: &Connection, sql: &str, generation: u32) -> Result<Vec<(u32, Cell, Flag)>> {
    let rows = all(connection, sql, [generation], |row| {
        let cell = Cell { facility: row.get(1)?, property: row.get(2)? };
        let texts: [String; 3] = [row.get(3)?, row.get(4)?, row.get(5)?];
        Ok((row.get(0)?, cell, texts))
    })?;
    let flag = |(generation, cell, [id, severity, sentence]): (u32, Cell, [String; 3])| {
        let severities = [Severity::Info, Severity::Review, Severity::Stop];
        let severity = severities.into_iter().find(|one| one.word() == severity);
        let severity = severity.ok_or_else(|| anyhow!("flag {id} of the plan is damaged"))?;
        Ok((generation, cell, Flag::new(&id, severity, sentence)))
    };
    rows.into_iter().map(flag).collect()
}
