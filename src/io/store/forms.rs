//! Frozen forms: exact bytes and form id before the first byte leaves, the answer after, and what was read back.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result, anyhow, bail};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    COMPARE, NEXT, Store, log,
    trail::{self, Answered, Frozen, SeenOf, What},
};
use crate::domain::{
    ledger::{Entry, Stamp},
    outcome::Outcome,
    plan::{Cell, Plan},
};

/// A cell of a form with the value it replaces and the value it sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormCell {
    /// Facility ordinal.
    pub facility: u32,
    /// Property ordinal.
    pub property: u16,
    /// Value of the case when the form was frozen.
    pub old: Option<String>,
    /// Value the form sets.
    pub new: String,
    /// When `CommCare` had last changed the case, by its own clock, as it was checked for this form. In the first cell of a facility.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl FormCell {
    /// Which cell.
    pub fn cell(&self) -> Cell {
        Cell { facility: self.facility, property: self.property }
    }
}

/// What was read back of a cell, where that settles it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which cell.
    pub cell: Cell,
    /// APPLIED or NOT APPLIED.
    pub outcome: Outcome,
    /// The value read; `None` where it is not set.
    pub value: Option<String>,
}

/// A cell that was approved and not sent, since its case or its total moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCell {
    /// Which cell.
    pub cell: Cell,
    /// Case id of its facility.
    pub case_id: String,
    /// Name of its property.
    pub property: String,
    /// Value of the case in the plan.
    pub base: Option<String>,
    /// Value of the case when it was held.
    pub now: Option<String>,
    /// Value that was approved.
    pub new: Option<String>,
    /// Why it was held, as a sentence.
    pub why: String,
}

/// A form as it stands in the review file. Its bytes are never rebuilt, and read only to be sent: see [`Store::form_bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// 1 for the first form of the file.
    pub number: u32,
    /// Its `instanceID`.
    pub form_id: String,
    /// Generation its cells are from.
    pub generation: u32,
    /// When its bytes were frozen, RFC 3339.
    pub frozen_at: String,
    /// How many bytes it has.
    pub size: usize,
    /// Its cells, in order.
    pub cells: Vec<FormCell>,
    /// What is known from sending it: FROZEN, ACCEPTED, NOT APPLIED or UNKNOWN. Never changed by reading back.
    pub sent: Outcome,
    /// What the server said.
    pub answer: Option<String>,
    /// What was read back and settles its cell; a cell that does not show its new value yet is not among these. In
    /// cell order.
    pub seen: Vec<Seen>,
}

impl Form {
    /// What became of one of its cells: what was read back, else what is known from sending.
    pub fn outcome_of(&self, cell: Cell) -> Outcome {
        let found = self.seen.binary_search_by_key(&cell, |seen| seen.cell);
        found.ok().and_then(|at| self.seen.get(at)).map_or(self.sent, |seen| seen.outcome)
    }

    /// When the case of a facility was last changed before this form, by the clock of `CommCare`; `None` where it did not say.
    pub fn since(&self, facility: u32) -> Option<Timestamp> {
        let first = self.cells.partition_point(|cell| cell.facility < facility);
        self.cells.get(first).filter(|cell| cell.facility == facility)?.since
    }

    /// Takes in what was read back, in place of what was read back of the same cells before.
    pub fn see(&mut self, seen: Vec<Seen>) {
        let all: BTreeMap<Cell, Seen> = self.seen.drain(..).chain(seen).map(|one| (one.cell, one)).collect();
        self.seen.extend(all.into_values());
    }

    /// What became of it as a whole: APPLIED when every cell was seen, open while one is, else NOT APPLIED.
    pub fn outcome(&self) -> Outcome {
        let mut outcomes = self.cells.iter().map(|cell| self.outcome_of(cell.cell()));
        if self.is_open() {
            self.sent
        } else if outcomes.all(|outcome| outcome == Outcome::Applied) {
            Outcome::Applied
        } else {
            Outcome::NotApplied
        }
    }

    /// Whether something of it is not settled yet.
    pub fn is_open(&self) -> bool {
        self.cells.iter().any(|cell| !self.outcome_of(cell.cell()).settled())
    }
}

impl Store {
    /// Keeps a form's bytes and id; both are on the disk when this returns (fault matrix section 2). `who` sends it.
    pub async fn freeze(&self, form: Form, bytes: Vec<u8>, who: String) -> Result<()> {
        self.call("keep the form", move |connection| {
            let cells = serde_json::to_string(&form.cells)?;
            let detail = Frozen {
                form_id: form.form_id.clone(),
                reading: form.generation,
                cells: form.cells.len(),
                cases: form.cells.chunk_by(|a, b| a.facility == b.facility).count(),
                bytes: bytes.len(),
                sha256: trail::sha256(&bytes),
                cells_sha256: trail::sha256(cells.as_bytes()),
                answered: Answered { outcome: form.sent.name().to_owned(), answer: form.answer.clone() },
            };
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT INTO form VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    form.number,
                    form.form_id,
                    form.generation,
                    form.frozen_at,
                    bytes,
                    cells,
                    form.sent.name(),
                    form.answer
                ],
            )?;
            trail::note(&transaction, What::Form(form.number), &form.frozen_at, &who, &detail)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// The exact bytes of a form, to be sent. Fails where they are not those that were frozen.
    pub async fn form_bytes(&self, number: u32) -> Result<Vec<u8>> {
        self.ask("read the bytes of a form", move |connection| {
            let snapshot = connection.transaction()?;
            let sql = "SELECT bytes FROM form WHERE number = ?1";
            let bytes: Option<Vec<u8>> = snapshot.query_row(sql, [number], |row| row.get(0)).optional()?;
            let bytes = bytes.with_context(|| format!("form {number} is not in the file"))?;
            match trail::frozen(&snapshot, number)? {
                Some(frozen) if frozen.sha256 != trail::sha256(&bytes) => bail!(
                    "the bytes of form {number} are not those that were frozen: the file is damaged or was edited; nothing was \
                     sent, and {COMPARE}"
                ),
                _ => Ok(bytes),
            }
        })
        .await
    }

    /// Keeps what is known from sending a form. `stamp` is who sent it, and when the answer was there.
    pub async fn keep_sent(&self, number: u32, sent: Outcome, answer: Option<String>, stamp: Stamp) -> Result<()> {
        self.call("keep the answer", move |connection| {
            let detail = Answered { outcome: sent.name().to_owned(), answer };
            let transaction = connection.transaction()?;
            let changed = transaction.execute(
                "UPDATE form SET outcome = ?2, answer = ?3 WHERE number = ?1",
                params![number, detail.outcome, detail.answer],
            )?;
            if changed != 1 {
                bail!("form {number} is not in the file");
            }
            trail::note(&transaction, What::Answer(number), &stamp.at, &stamp.who, &detail)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Keeps what was read back of a form; number 0 stands for cells whose case held the value already, which were never sent.
    /// Where nothing was, nothing is written. `reset` takes back the approval of what did not last, all in one.
    pub async fn keep_seen(
        &self,
        number: u32,
        seen: Vec<Seen>,
        reset: Option<(Entry, Arc<Plan>)>,
        stamp: Stamp,
    ) -> Result<()> {
        self.call("keep what was read back", move |connection| {
            if seen.is_empty() {
                return Ok(());
            }
            let mut counts = BTreeMap::<_, usize>::new();
            let transaction = connection.transaction()?;
            let mut insert = transaction.prepare("INSERT OR REPLACE INTO seen VALUES(?1, ?2, ?3, ?4, ?5, ?6)")?;
            for one in &seen {
                let (cell, outcome) = (one.cell, one.outcome.name());
                *counts.entry(outcome.to_owned()).or_default() += 1;
                insert.execute(params![number, cell.facility, cell.property, outcome, one.value, stamp.at])?;
            }
            drop(insert);
            let detail = SeenOf { counts, sha256: trail::seen_mark(&transaction, number)? };
            trail::note(&transaction, What::Seen(number), &stamp.at, &stamp.who, &detail)?;
            reset.map_or(Ok(()), |(entry, plan)| log::insert(&transaction, &entry, &plan))?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Notes which approved cells were not sent, and why. Where there are none, nothing is written. `reset` takes back the approval of
    /// those that moved, all in one.
    pub async fn keep_held(&self, held: Vec<HeldCell>, reset: Option<(Entry, Arc<Plan>)>, stamp: Stamp) -> Result<()> {
        self.call("note what was held", move |connection| {
            if held.is_empty() {
                return Ok(());
            }
            let line = |one: &HeldCell| {
                json!({
                    "facility": one.cell.facility, "property": one.cell.property, "case_id": one.case_id,
                    "property_name": one.property, "base": one.base, "now": one.now, "new": one.new, "why": one.why,
                })
            };
            let detail = json!({ "held": held.iter().map(line).collect::<Vec<_>>() });
            let transaction = connection.transaction()?;
            trail::note(&transaction, What::Held, &stamp.at, &stamp.who, &detail)?;
            reset.map_or(Ok(()), |(entry, plan)| log::insert(&transaction, &entry, &plan))?;
            Ok(transaction.commit()?)
        })
        .await
    }
}

/// When a form was made, where more is not known of it.
pub(super) fn made(form: &Form) -> Stamp {
    Stamp { at: form.frozen_at.clone(), who: trail::NOBODY.to_owned() }
}

/// Cells whose case held the value already when it was to be sent.
pub(super) fn elsewhere(connection: &Connection) -> Result<Vec<Cell>> {
    let mut select = connection.prepare("SELECT facility, property FROM seen WHERE form = 0 ORDER BY 1, 2")?;
    let cells = select.query_map([], |row| Ok(Cell { facility: row.get(0)?, property: row.get(1)? }))?;
    Ok(cells.collect::<rusqlite::Result<_>>()?)
}

/// All but the bytes, of which only the length is asked.
const COLUMNS: &str =
    "SELECT number, form_id, generation, frozen_at, length(bytes), cells, outcome, answer FROM form ORDER BY number";

pub(super) fn load(connection: &Connection) -> Result<Vec<Form>> {
    let named = |name: String| Outcome::named(&name).ok_or_else(|| anyhow!("the outcome {name} is not known"));
    let mut select = connection.prepare(COLUMNS)?;
    let mut seen = connection
        .prepare("SELECT facility, property, outcome, value FROM seen WHERE form = ?1 ORDER BY facility, property")?;
    let mut rows = select.query([])?;
    let mut forms = Vec::new();
    while let Some(row) = rows.next()? {
        let mut form = form(row)?;
        let damaged = || damaged(form.number);
        let mut back = Vec::new();
        let mut found = seen.query([form.number])?;
        while let Some(one) = found.next()? {
            let cell = Cell { facility: one.get(0)?, property: one.get(1)? };
            back.push(Seen { cell, outcome: named(one.get(2)?).with_context(damaged)?, value: one.get(3)? });
        }
        form.sent = named(row.get(6)?).with_context(damaged)?;
        form.answer = row.get(7)?;
        form.seen = back;
        forms.push(form);
    }
    Ok(forms)
}

/// The forms with nothing taken from what was noted of them.
pub(super) fn unchecked(connection: &Connection, plan: &Plan) -> Result<Vec<Form>> {
    let mut select = connection.prepare(COLUMNS)?;
    let mut rows = select.query([])?;
    let mut forms = Vec::new();
    while let Some(row) = rows.next()? {
        let form = form(row)?;
        if form.cells.iter().any(|cell| cell.facility >= plan.height() || cell.property >= plan.width()) {
            bail!("form {} names a cell that does not exist: the file is damaged or was edited; {NEXT}", form.number);
        }
        forms.push(form);
    }
    Ok(forms)
}

/// One form, as if nothing were known from sending it.
fn form(row: &Row<'_>) -> Result<Form> {
    let number = row.get(0)?;
    Ok(Form {
        number,
        form_id: row.get(1)?,
        generation: row.get(2)?,
        frozen_at: row.get(3)?,
        size: row.get(4)?,
        cells: serde_json::from_str(row.get_ref(5)?.as_str()?).with_context(|| damaged(number))?,
        sent: Outcome::Unknown,
        answer: None,
        seen: Vec::new(),
    })
}

fn damaged(number: u32) -> String {
    format!("form {number} is damaged or was edited; {COMPARE}")
}
