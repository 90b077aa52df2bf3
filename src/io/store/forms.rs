//! Frozen forms: exact bytes and form id before the first byte leaves, the answer after, and what was read back.

use anyhow::{Context, Result, anyhow};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::Store;
use crate::domain::{outcome::Outcome, plan::Cell};

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

/// A form as it stands in the review file. Its bytes are never rebuilt.
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
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// Its cells, in order.
    pub cells: Vec<FormCell>,
    /// What is known from sending it: FROZEN, ACCEPTED, NOT APPLIED or UNKNOWN. Never changed by reading back.
    pub sent: Outcome,
    /// What the server said.
    pub answer: Option<String>,
    /// What was read back and settles its cell; a cell that does not show its new value yet is not among these.
    pub seen: Vec<Seen>,
}

impl Form {
    /// What became of one of its cells: what was read back, else what is known from sending.
    pub fn outcome_of(&self, cell: Cell) -> Outcome {
        self.seen.iter().find(|seen| seen.cell == cell).map_or(self.sent, |seen| seen.outcome)
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
    /// Keeps a form's bytes and id; both are on the disk when this returns (fault matrix section 2).
    pub async fn freeze(&self, form: Form) -> Result<()> {
        self.call("keep the form", move |connection| {
            let cells = serde_json::to_string(&form.cells)?;
            connection.execute(
                "INSERT INTO form VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    form.number,
                    form.form_id,
                    form.generation,
                    form.frozen_at,
                    form.bytes,
                    cells,
                    form.sent.name(),
                    form.answer
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Keeps what is known from sending a form.
    pub async fn keep_sent(&self, number: u32, sent: Outcome, answer: Option<String>) -> Result<()> {
        self.call("keep the answer", move |connection| {
            let changed = connection.execute(
                "UPDATE form SET outcome = ?2, answer = ?3 WHERE number = ?1",
                params![number, sent.name(), answer],
            )?;
            if changed == 1 { Ok(()) } else { Err(anyhow!("form {number} is not in the file")) }
        })
        .await
    }

    /// Keeps what was read back of a form; number 0 stands for cells whose case held the value already, which were never sent.
    pub async fn keep_seen(&self, number: u32, seen: Vec<Seen>, at: String) -> Result<()> {
        self.call("keep what was read back", move |connection| {
            let transaction = connection.transaction()?;
            let mut insert = transaction.prepare("INSERT OR REPLACE INTO seen VALUES(?1, ?2, ?3, ?4, ?5, ?6)")?;
            for one in &seen {
                let (cell, outcome) = (one.cell, one.outcome.name());
                insert.execute(params![number, cell.facility, cell.property, outcome, one.value, at])?;
            }
            drop(insert);
            transaction.commit()?;
            Ok(())
        })
        .await
    }
}

/// Cells whose case held the value already when it was to be sent.
pub(super) fn elsewhere(connection: &Connection) -> Result<Vec<Cell>> {
    let mut select = connection.prepare("SELECT facility, property FROM seen WHERE form = 0 ORDER BY 1, 2")?;
    let cells = select.query_map([], |row| Ok(Cell { facility: row.get(0)?, property: row.get(1)? }))?;
    Ok(cells.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn load(connection: &Connection) -> Result<Vec<Form>> {
    let named = |name: String| Outcome::named(&name).ok_or_else(|| anyhow!("the outcome {name} is not known"));
    let mut select = connection.prepare("SELECT * FROM form ORDER BY number")?;
    let mut seen = connection
        .prepare("SELECT facility, property, outcome, value FROM seen WHERE form = ?1 ORDER BY facility, property")?;
    let mut rows = select.query([])?;
    let mut forms = Vec::new();
    while let Some(row) = rows.next()? {
        let number: u32 = row.get(0)?;
        let damaged = || format!("form {number} is damaged");
        let mut back = Vec::new();
        let mut found = seen.query([number])?;
        while let Some(one) = found.next()? {
            let cell = Cell { facility: one.get(0)?, property: one.get(1)? };
            back.push(Seen { cell, outcome: named(one.get(2)?).with_context(damaged)?, value: one.get(3)? });
        }
        forms.push(Form {
            number,
            form_id: row.get(1)?,
            generation: row.get(2)?,
            frozen_at: row.get(3)?,
            bytes: row.get(4)?,
            cells: serde_json::from_str(row.get_ref(5)?.as_str()?).with_context(damaged)?,
            sent: named(row.get(6)?).with_context(damaged)?,
            answer: row.get(7)?,
            seen: back,
        });
    }
    Ok(forms)
}
