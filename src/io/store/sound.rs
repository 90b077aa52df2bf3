//! Whether the file holds what its trail says: nothing is changed, nothing is gone, and nothing was put in beside it. What stood in
//! a file before it had a trail is left out (see [`Begun`]).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, bail};
use rusqlite::Connection;
use serde::de::DeserializeOwned;

use super::{
    COMPARE,
    trail::{
        Answered, Begun, DECISION, Decided, Frozen, Noted, ReadIn, SINCE, SeenOf, Trail, row_mark, seen_mark, sha256,
        walk,
    },
    version,
};
use crate::domain::ledger::Stamp;

/// What the newest entries say, each with the number of its entry.
#[derive(Default)]
struct Said {
    begun: Begun,
    readings: BTreeMap<u32, (u64, String)>,
    decisions: BTreeMap<u64, (u64, String)>,
    forms: BTreeMap<u32, (u64, String, Frozen)>,
    answers: BTreeMap<u32, (u64, Answered)>,
    seen: BTreeMap<u32, (u64, String)>,
    submitted: Option<Stamp>,
}

/// Refuses a file that is not what its trail says, and answers when and by whom a form was last made, sent or read back. The bytes
/// of forms are looked at when they are sent (see [`super::Store::form_bytes`]). A file of an earlier version has no trail.
pub(super) fn check(connection: &Connection) -> Result<Option<Stamp>> {
    if version(connection)? < SINCE {
        return Ok(None);
    }
    let mut said = Ok(Said::default());
    let damage = walk(connection, |noted| take(&mut said, &noted))?;
    let checked = damage.map_or(said, |damage| Err(anyhow!(damage))).and_then(|said| said.hold(connection, false));
    checked.map_err(|why| anyhow!("{why:#}: the file is damaged or was edited; {COMPARE}"))
}

/// The whole trail, and the first thing that does not fit.
pub(super) fn trail(connection: &mut Connection) -> Result<Trail> {
    let snapshot = connection.transaction()?;
    let (mut entries, mut said) = (Vec::new(), Ok(Said::default()));
    if version(&snapshot)? < SINCE {
        return Ok(Trail { entries, damage: None });
    }
    let walked = walk(&snapshot, |noted| {
        take(&mut said, &noted);
        entries.push(noted);
    });
    let damage = match walked {
        Ok(None) => said.and_then(|said| said.hold(&snapshot, true)).err().map(|why| format!("{why:#}")),
        Ok(damage) => damage,
        Err(why) => Some(format!("{why:#}")),
    };
    Ok(Trail { entries, damage })
}

/// Takes an entry in, unless one before could not be.
fn take(said: &mut Result<Said>, noted: &Noted) {
    if let Ok(so_far) = said
        && let Err(why) = so_far.take(noted)
    {
        *said = Err(why);
    }
}

impl Said {
    fn take(&mut self, noted: &Noted) -> Result<()> {
        let seq = noted.seq;
        let form = || noted.form.with_context(|| format!("entry {seq} of the trail names no form"));
        match noted.what.as_str() {
            "begun" if seq == 1 => self.begun = detail(noted)?,
            "read" => {
                let read: ReadIn = detail(noted)?;
                self.readings.insert(read.reading, (seq, read.fingerprint));
            }
            "decision" => {
                let decision = noted.decision.with_context(|| format!("entry {seq} of the trail names no decision"))?;
                self.decisions.insert(decision, (seq, detail::<Decided>(noted)?.sha256));
            }
            "form" => {
                let frozen: Frozen = detail(noted)?;
                self.answers.insert(form()?, (seq, frozen.answered.clone()));
                self.forms.insert(form()?, (seq, noted.at.clone(), frozen));
            }
            "answer" => {
                self.answers.insert(form()?, (seq, detail(noted)?));
            }
            "seen" => {
                self.seen.insert(form()?, (seq, detail::<SeenOf>(noted)?.sha256));
            }
            _ => {}
        }
        if matches!(noted.what.as_str(), "form" | "answer" | "seen") && noted.form != Some(0) {
            self.submitted = Some(Stamp { at: noted.at.clone(), who: noted.who.clone() });
        }
        Ok(())
    }

    /// Holds the file to what was said; with `bytes`, those of the forms too.
    fn hold(self, connection: &Connection, bytes: bool) -> Result<Option<Stamp>> {
        self.hold_readings(connection)?;
        self.hold_decisions(connection)?;
        self.hold_forms(connection, bytes)?;
        self.hold_seen(connection)?;
        Ok(self.submitted)
    }

    fn hold_readings(&self, connection: &Connection) -> Result<()> {
        let mut select = connection.prepare("SELECT number, fingerprint FROM generation ORDER BY number")?;
        let mut rows = select.query([])?;
        let mut there = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let number: u32 = row.get(0)?;
            there.insert(number);
            let what = || format!("reading {number}");
            same(what, self.readings.get(&number), &row.get(1)?, number <= self.begun.readings)?;
        }
        let missing = self.readings.iter().find(|(number, _)| !there.contains(number));
        missing.map_or(Ok(()), |(number, (entry, _))| gone(&format!("reading {number}"), *entry))
    }

    fn hold_decisions(&self, connection: &Connection) -> Result<()> {
        let mut select = connection.prepare(DECISION)?;
        let mut rows = select.query([None::<u64>])?;
        let mut there = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let number: u64 = row.get(0)?;
            there.insert(number);
            let what = || format!("entry {number} of the decision log");
            same(what, self.decisions.get(&number), &row_mark(row)?, number <= self.begun.decisions)?;
        }
        let missing = self.decisions.iter().find(|(number, _)| !there.contains(number));
        missing.map_or(Ok(()), |(number, (entry, _))| gone(&format!("entry {number} of the decision log"), *entry))
    }

    fn hold_forms(&self, connection: &Connection, bytes: bool) -> Result<()> {
        // The bytes of all forms can be hundreds of megabytes; a column that is not asked for is not read.
        let sql = "SELECT number, form_id, generation, frozen_at, cells, outcome, answer, CASE WHEN ?1 THEN bytes END
            FROM form ORDER BY number";
        let mut select = connection.prepare(sql)?;
        let mut rows = select.query([bytes])?;
        let mut there = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let number: u32 = row.get(0)?;
            there.insert(number);
            let before = number <= self.begun.forms;
            if let Some((entry, at, frozen)) = self.forms.get(&number) {
                let whole = (row.get::<_, String>(1)?, row.get::<_, u32>(2)?, row.get::<_, String>(3)?);
                if whole != (frozen.form_id.clone(), frozen.reading, at.clone()) {
                    other(&format!("the id, reading or time of form {number}"), *entry)?;
                }
                if sha256(row.get_ref(4)?.as_str()?.as_bytes()) != frozen.cells_sha256 {
                    other(&format!("the list of cells of form {number}"), *entry)?;
                }
                if bytes && sha256(row.get_ref(7)?.as_blob()?) != frozen.sha256 {
                    other(&format!("the text of form {number}, byte for byte,"), *entry)?;
                }
            } else if !before {
                bail!("form {number} is not in the trail");
            }
            let answered = Answered { outcome: row.get(5)?, answer: row.get(6)? };
            same(|| format!("the answer to form {number}"), self.answers.get(&number), &answered, before)?;
        }
        let missing = self.answers.iter().find(|(number, _)| !there.contains(number));
        missing.map_or(Ok(()), |(number, (entry, _))| gone(&format!("form {number}"), *entry))
    }

    fn hold_seen(&self, connection: &Connection) -> Result<()> {
        let mut select = connection.prepare("SELECT DISTINCT form FROM seen ORDER BY form")?;
        let there: BTreeSet<u32> = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for number in &there {
            let before = self.begun.from.is_some() && *number <= self.begun.forms;
            let what = || format!("what was read back of form {number}");
            same(what, self.seen.get(number), &seen_mark(connection, *number)?, before)?;
        }
        let missing = self.seen.iter().find(|(number, _)| !there.contains(number));
        missing.map_or(Ok(()), |(number, (entry, _))| gone(&format!("what was read back of form {number}"), *entry))
    }
}

/// Refuses what is not as an entry says, and, unless it stood there before the trail, what no entry speaks of.
fn same<T: PartialEq>(what: impl Fn() -> String, said: Option<&(u64, T)>, held: &T, before: bool) -> Result<()> {
    match said {
        Some((_, said)) if said == held => Ok(()),
        Some((entry, _)) => other(&what(), *entry),
        None if before => Ok(()),
        None => bail!("{} is not in the trail", what()),
    }
}

fn other(what: &str, entry: u64) -> Result<()> {
    bail!("{what} is not what entry {entry} of the trail says")
}

fn gone(what: &str, entry: u64) -> Result<()> {
    bail!("{what} is gone, and entry {entry} of the trail says it was there")
}

fn detail<T: DeserializeOwned>(noted: &Noted) -> Result<T> {
    serde_json::from_str(&noted.detail).with_context(|| format!("entry {} of the trail is damaged", noted.seq))
}
