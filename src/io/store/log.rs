//! The log of decisions: one row per action of the person, written and synced before the next frame.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, params};

use super::{NEXT, Store};
use crate::domain::{
    ledger::{Act, Entry, Step},
    plan::{Cell, Plan},
};

/// A decided cell with the two values that were on screen: facility, property, old, new.
type Decided = (u32, u16, Option<String>, Option<String>);

impl Store {
    /// Appends an entry; it is on the disk when this returns.
    pub async fn append(&self, entry: Entry, plan: Arc<Plan>) -> Result<()> {
        self.call("write the decision", move |connection| {
            let generation = plan.head.generation;
            let (act, of, reason, label, cells) = match &entry.step {
                Step::Decide { act, cells, reason, label } => {
                    let cells: Vec<_> =
                        cells.iter().map(|c| (c.facility, c.property, plan.old(*c), plan.new_value(*c))).collect();
                    let act = match act {
                        Act::Approve => "approve",
                        Act::Reject => "reject",
                        Act::Clear => "clear",
                    };
                    (act, None, reason.as_deref(), label.as_str(), serde_json::to_string(&cells)?)
                }
                Step::Undo(of) => ("undo", Some(*of), None, "", "[]".to_owned()),
                Step::Redo(of) => ("redo", Some(*of), None, "", "[]".to_owned()),
            };
            connection
                .prepare_cached("INSERT INTO decision VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
                .execute(params![entry.seq, entry.at, entry.who, act, of, generation, reason, label, cells])?;
            Ok(())
        })
        .await
    }
}

/// The log. A decision is held to the two values it was made on: where the plan says others, all of it is refused, since then
/// no decision can be trusted (fault matrix row F08).
pub(super) fn load(connection: &Connection, plan: &Plan) -> Result<Vec<Entry>> {
    let sql = "SELECT seq, at, who, act, of, reason, label, cells, generation FROM decision ORDER BY seq";
    let mut select = connection.prepare(sql)?;
    let mut rows = select.query([])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let seq: u64 = row.get(0)?;
        let damaged = || format!("entry {seq} of the decision log is damaged or was edited; {NEXT}");
        let generation: u32 = row.get(8)?;
        if generation != plan.head.generation {
            bail!(
                "entry {seq} of the decision log is of reading {generation}, the plan of reading {}: the file is damaged or was \
                 edited; {NEXT}",
                plan.head.generation
            );
        }
        let act: String = row.get(3)?;
        let of = || row.get::<_, u64>(4).with_context(damaged);
        let decide = |act| -> Result<Step> {
            let cells: Vec<Decided> = serde_json::from_str(row.get_ref(7)?.as_str()?).with_context(damaged)?;
            let cells = held(plan, cells).with_context(damaged)?;
            Ok(Step::Decide { act, cells, reason: row.get(5)?, label: row.get(6)? })
        };
        let step = match act.as_str() {
            "approve" => decide(Act::Approve)?,
            "reject" => decide(Act::Reject)?,
            "clear" => decide(Act::Clear)?,
            "undo" => Step::Undo(of()?),
            "redo" => Step::Redo(of()?),
            _ => bail!(damaged()),
        };
        entries.push(Entry { seq, at: row.get(1)?, who: row.get(2)?, step });
    }
    Ok(entries)
}

/// The cells of a decision, if the plan still says of each what was decided on.
fn held(plan: &Plan, decided: Vec<Decided>) -> Result<Vec<Cell>> {
    let (mut cells, mut differ) = (Vec::with_capacity(decided.len()), Vec::new());
    for (facility, property, old, new) in decided {
        let cell = Cell { facility, property };
        if facility >= plan.height() || property >= plan.width() {
            bail!("it names a cell that does not exist");
        }
        if (plan.old(cell), plan.new_value(cell)) != (old.as_deref(), new.as_deref()) {
            differ.push(cell);
        }
        cells.push(cell);
    }
    if !differ.is_empty() {
        bail!("it was made on other values than the plan holds: {}", plan.titles(&differ));
    }
    Ok(cells)
}
