//! The log of decisions: one row per action of the person, written and synced before the next frame.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{
    COMPARE, Store,
    trail::{self, Decided as Noted, NOBODY, What},
};
use crate::domain::{
    flags::{Check, Severity},
    ledger::{Act, Entry, Ledger, Reset, Row as Imported, Stamp, Step, Verdict, resets},
    plan::{Cell, Plan},
};

/// A decided cell with the two values that were on screen: facility, property, old, new.
type Decided = (u32, u16, Option<String>, Option<String>);

/// The act of an entry that took the verdicts of a spreadsheet.
const IMPORT: &str = "import";

/// A row of an import: facility, property, old, new, what was done and why.
type Returned = (u32, u16, Option<String>, Option<String>, Act, Option<String>);

/// A cell that was reset, with what was said on which values: facility, property, old, new, verdict.
type Forgotten = (u32, u16, Option<String>, Option<String>, Option<Verdict>);

/// What was settled of a property; its reason has a column.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settling {
    property: u16,
    statements: Vec<String>,
}

impl Store {
    /// Appends an entry; it is on the disk when this returns. Fails where a later reading is in the file: what was on screen
    /// then is not what would be decided on.
    pub async fn append(&self, entry: Entry, plan: Arc<Plan>) -> Result<()> {
        self.call("write the decision", move |connection| {
            let sql = "SELECT coalesce(max(number), 0) FROM generation";
            let newest: u32 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
            if plan.head.generation != newest {
                bail!("the review was read again meanwhile; nothing was decided. Open it again");
            }
            let transaction = connection.transaction()?;
            insert(&transaction, &entry, &plan)?;
            Ok(transaction.commit()?)
        })
        .await
    }
}

/// Writes an entry, and its note in the trail.
pub(super) fn insert(transaction: &Transaction<'_>, entry: &Entry, plan: &Plan) -> Result<()> {
    let (act, of, reason, label, cells) = match &entry.step {
        Step::Decide { act, cells, reason, label } => {
            let cells: Vec<_> = cells.iter().map(|c| (c.facility, c.property, plan.old(*c), plan.offer(*c))).collect();
            (act.name(), None, reason.as_deref(), label.as_str(), serde_json::to_string(&cells)?)
        }
        Step::Import { rows, label } => {
            let row = |row: &_| {
                let Imported { cell, act, reason } = row;
                let (old, new) = (plan.old(*cell), plan.offer(*cell));
                (cell.facility, cell.property, old, new, *act, reason.clone())
            };
            let rows: Vec<_> = rows.iter().map(row).collect();
            (IMPORT, None, None, label.as_str(), serde_json::to_string(&rows)?)
        }
        Step::Settle { property, statements, reason } => {
            let settling = Settling { property: *property, statements: statements.clone() };
            ("settle", None, Some(reason.as_str()), "", serde_json::to_string(&settling)?)
        }
        Step::Note { cells, text, label } => {
            let cells: Vec<_> = cells.iter().map(|cell| (cell.facility, cell.property)).collect();
            let text = (!text.is_empty()).then_some(text.as_str());
            ("note", None, text, label.as_str(), serde_json::to_string(&cells)?)
        }
        Step::Undo(of) => ("undo", Some(*of), None, "", "[]".to_owned()),
        Step::Redo(of) => ("redo", Some(*of), None, "", "[]".to_owned()),
        Step::Reset(resets) => {
            let cells: Vec<_> =
                resets.iter().map(|r| (r.cell.facility, r.cell.property, &r.old, &r.new, r.said)).collect();
            ("reset", None, None, "", serde_json::to_string(&cells)?)
        }
    };
    transaction.prepare_cached("INSERT INTO decision VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?.execute(params![
        entry.seq,
        entry.at,
        entry.who,
        act,
        of,
        plan.head.generation,
        reason,
        label,
        cells
    ])?;
    let (cells, label) = match &entry.step {
        Step::Decide { cells, label, .. } | Step::Note { cells, label, .. } => (cells.len(), label.as_str()),
        Step::Import { rows, label } => (rows.len(), label.as_str()),
        Step::Settle { property, .. } => (0, plan.property(*property).name.as_str()),
        Step::Reset(resets) => (resets.len(), ""),
        Step::Undo(_) | Step::Redo(_) => (0, ""),
    };
    let (act, label, reason) = (act.to_owned(), label.to_owned(), reason.map(str::to_owned));
    let detail = Noted { act, of, cells, label, reason, sha256: trail::decision_mark(transaction, entry.seq)? };
    trail::note(transaction, What::Decision(entry.seq), &entry.at, &entry.who, &detail)
}

/// Writes down which decisions on the plan before do not stand in `now`, the next generation.
pub(super) fn reset(transaction: &Transaction<'_>, before: &Plan, now: &Plan) -> Result<()> {
    let entries = load(transaction, before)?;
    let ledger = Ledger::replay(before, &entries).map_err(|why| anyhow::anyhow!("{why}; {COMPARE}"))?;
    let stamp = Stamp { at: now.head.read_at.clone(), who: NOBODY.to_owned() };
    ledger.reset(&entries, before, now, &stamp).map_or(Ok(()), |entry| insert(transaction, &entry, now))
}

/// The log. A decision is held to the two values it was made on: where the plan says others, all of it is refused, since then
/// no decision can be trusted (fault matrix row F08). What a later reading reset is not held to this plan.
pub(super) fn load(connection: &Connection, plan: &Plan) -> Result<Vec<Entry>> {
    let mut reset = BTreeMap::new();
    let mut select = connection.prepare("SELECT * FROM decision WHERE act = 'reset' ORDER BY seq")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        reset.extend(resets(&[entry(row, plan, &BTreeMap::new())?]));
    }
    let mut select = connection.prepare("SELECT * FROM decision ORDER BY seq")?;
    let mut rows = select.query([])?;
    let (mut entries, mut before) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (seq, generation): (u64, u32) = (row.get(0)?, row.get(5)?);
        if generation < before || generation > plan.head.generation {
            bail!(
                "entry {seq} of the decision log is of reading {generation}, the one before it of reading {before}, the plan of \
                 reading {}: the file is damaged or was edited; {COMPARE}",
                plan.head.generation
            );
        }
        before = generation;
        entries.push(entry(row, plan, &reset)?);
    }
    Ok(entries)
}

/// One row of the log. `reset` are the cells a later entry resets, with its number.
fn entry(row: &Row<'_>, plan: &Plan, reset: &BTreeMap<Cell, u64>) -> Result<Entry> {
    let seq: u64 = row.get(0)?;
    let damaged = || format!("entry {seq} of the decision log is damaged or was edited; {COMPARE}");
    let act: String = row.get(3)?;
    let cells = row.get_ref(8)?.as_str()?;
    let of = || row.get::<_, u64>(4).with_context(damaged);
    let step = match (act.as_str(), Act::named(&act)) {
        (_, Some(act)) => {
            let decided: Vec<Decided> = serde_json::from_str(cells).with_context(damaged)?;
            let stands = |cell| reset.get(&cell).is_none_or(|reset| *reset < seq);
            let cells = held(plan, decided, stands).with_context(damaged)?;
            Step::Decide { act, cells, reason: row.get(6)?, label: row.get(7)? }
        }
        (IMPORT, _) => {
            let rows: Vec<Returned> = serde_json::from_str(cells).with_context(damaged)?;
            let stands = |cell| reset.get(&cell).is_none_or(|reset| *reset < seq);
            let (decided, said): (Vec<Decided>, Vec<_>) = rows
                .into_iter()
                .map(|(facility, property, old, new, act, reason)| ((facility, property, old, new), (act, reason)))
                .unzip();
            let cells = held(plan, decided, stands).with_context(damaged)?;
            let rows = cells.into_iter().zip(said).map(|(cell, (act, reason))| Imported { cell, act, reason });
            Step::Import { rows: rows.collect(), label: row.get(7)? }
        }
        ("settle", _) => {
            let Settling { property, statements } = serde_json::from_str(cells).with_context(damaged)?;
            settles(plan, row.get(5)?, property, &statements).with_context(damaged)?;
            Step::Settle { property, statements, reason: row.get(6).with_context(damaged)? }
        }
        ("note", _) => {
            let cells: Vec<(u32, u16)> = serde_json::from_str(cells).with_context(damaged)?;
            let cells = cells.into_iter().map(|(facility, property)| Cell { facility, property }).collect();
            Step::Note { cells, text: row.get::<_, Option<String>>(6)?.unwrap_or_default(), label: row.get(7)? }
        }
        ("undo", _) => Step::Undo(of()?),
        ("redo", _) => Step::Redo(of()?),
        ("reset", _) => {
            let cells: Vec<Forgotten> = serde_json::from_str(cells).with_context(damaged)?;
            let reset =
                |(facility, property, old, new, said)| Reset { cell: Cell { facility, property }, said, old, new };
            Step::Reset(cells.into_iter().map(reset).collect())
        }
        _ => bail!(damaged()),
    };
    Ok(Entry { seq, at: row.get(1)?, who: row.get(2)?, step })
}

/// Whether this could be settled of a property. What its checks said in an earlier reading is not in the plan any more.
fn settles(plan: &Plan, generation: u32, property: u16, statements: &[String]) -> Result<()> {
    if property >= plan.width() {
        bail!("it names a property that does not exist");
    }
    let stops = plan.checks(property).filter(|check| check.severity == Severity::Stop).map(Check::statement);
    if generation == plan.head.generation && !stops.eq(statements.iter().cloned()) {
        bail!("it settles other words than the plan has of {}", plan.property(property).name);
    }
    Ok(())
}

/// The cells of a decision, if the plan still says of each that stands what was decided on.
fn held(plan: &Plan, decided: Vec<Decided>, stands: impl Fn(Cell) -> bool) -> Result<Vec<Cell>> {
    let (mut cells, mut differ) = (Vec::with_capacity(decided.len()), Vec::new());
    for (facility, property, old, new) in decided {
        let cell = Cell { facility, property };
        if facility >= plan.height() || property >= plan.width() {
            bail!("it names a cell that does not exist");
        }
        if stands(cell) && (plan.old(cell), plan.offer(cell)) != (old.as_deref(), new.as_deref()) {
            differ.push(cell);
        }
        cells.push(cell);
    }
    if !differ.is_empty() {
        bail!("it was made on other values than the plan holds: {}", plan.titles(&differ));
    }
    Ok(cells)
}
