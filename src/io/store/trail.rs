//! The trail: every write that matters, in order, each entry in the transaction of what it tells of and each with a mark over
//! itself and the mark before it. So a row that was changed, lost or put in afterwards is noticed. It finds damage and edits by
//! hand; who can write the whole file anew can write its trail anew too. Whether the rest of the file is what the trail says is
//! looked at in `sound`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use ring::digest;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, types::ValueRef};
use serde::{Deserialize, Serialize};

/// What version 4 added. `detail` is a JSON object. `mark` is the SHA-256, as hexadecimal digits, of the mark before (empty for
/// the first) and then seq, at, who, what, form, decision and detail: each as its text and the byte FF, or the byte FE where it is
/// NULL. Neither byte stands in UTF-8, so no two entries give the same bytes.
pub(super) const TABLE: &str = "
CREATE TABLE trail(seq INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, form INTEGER,
    decision INTEGER, detail TEXT NOT NULL, mark TEXT NOT NULL) STRICT;
";

/// The version with that table.
pub(super) const SINCE: i32 = 4;

/// Who stands beside what no person did.
pub(super) const NOBODY: &str = "onse";

/// One entry of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// 1 for the first, then one more each. Order is by this, never by time (fault matrix row F19).
    pub seq: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Who; "onse" where no person did it.
    pub who: String,
    /// `begun`, `read`, `decision`, `form`, `answer`, `seen` or `held`.
    pub what: String,
    /// Number of the form it tells of; 0 for cells that held their value already.
    pub form: Option<u32>,
    /// Number of the decision it tells of.
    pub decision: Option<u64>,
    /// The rest, a JSON object.
    pub detail: String,
}

/// The whole trail as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// Every entry that can be read, in order.
    pub entries: Vec<Noted>,
    /// The first thing in the file that does not fit, as a sentence without its end; `None` where all does.
    pub damage: Option<String>,
}

impl Trail {
    /// The mark of the last entry, worked out anew: it stands for all of them, in this order. Empty where there is none.
    pub fn mark(&self) -> String {
        self.entries.iter().fold(String::new(), |before, noted| noted.mark(&before))
    }
}

/// What an entry tells of.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// The file was made, or brought here from an earlier version.
    Begun,
    /// A reading was saved.
    Read,
    /// An entry of the decision log.
    Decision(u64),
    /// A form was frozen.
    Form(u32),
    /// What is known from sending a form.
    Answer(u32),
    /// What was read back of a form.
    Seen(u32),
    /// Approved cells that were not sent.
    Held,
}

/// What stands before the first entry, which the trail does not cover: the numbers of the last reading, decision and form.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) version: i32,
    /// Version of the file before; absent where it was made.
    pub(super) from: Option<i32>,
    pub(super) readings: u32,
    pub(super) decisions: u64,
    pub(super) forms: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ReadIn {
    pub(super) reading: u32,
    pub(super) fingerprint: String,
    pub(super) facilities: u32,
    pub(super) properties: u16,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Decided {
    pub(super) act: String,
    /// Number of the decision that was undone or redone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) of: Option<u64>,
    /// How many.
    pub(super) cells: usize,
    pub(super) label: String,
    pub(super) reason: Option<String>,
    /// Of its row; see [`decision_mark`].
    pub(super) sha256: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Frozen {
    pub(super) form_id: String,
    pub(super) reading: u32,
    /// How many.
    pub(super) cells: usize,
    pub(super) cases: usize,
    /// How many.
    pub(super) bytes: usize,
    /// Of its bytes.
    pub(super) sha256: String,
    /// Of the JSON of its cells.
    pub(super) cells_sha256: String,
    #[serde(flatten)]
    pub(super) answered: Answered,
}

/// What was known from sending a form then.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) outcome: String,
    pub(super) answer: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SeenOf {
    /// By outcome.
    #[serde(flatten)]
    pub(super) counts: BTreeMap<String, usize>,
    /// Of everything seen of the form so far; see [`seen_mark`].
    pub(super) sha256: String,
}

impl What {
    fn columns(self) -> (&'static str, Option<u32>, Option<u64>) {
        match self {
            Self::Begun => ("begun", None, None),
            Self::Read => ("read", None, None),
            Self::Decision(seq) => ("decision", None, Some(seq)),
            Self::Form(number) => ("form", Some(number), None),
            Self::Answer(number) => ("answer", Some(number), None),
            Self::Seen(number) => ("seen", Some(number), None),
            Self::Held => ("held", None, None),
        }
    }
}

/// Notes in a transaction what else it writes.
pub(super) fn note(
    transaction: &Transaction<'_>,
    what: What,
    at: &str,
    who: &str,
    detail: &impl Serialize,
) -> Result<()> {
    let last = "SELECT seq, mark FROM trail ORDER BY seq DESC LIMIT 1";
    let last = transaction.prepare_cached(last)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (seq, before): (u64, String) = last.unwrap_or_default();
    let (what, form, decision) = what.columns();
    let (at, who, what, detail) = (at.to_owned(), who.to_owned(), what.to_owned(), serde_json::to_string(detail)?);
    let noted = Noted { seq: seq + 1, at, who, what, form, decision, detail };
    let mark = noted.mark(&before);
    let Noted { seq, at, who, what, detail, .. } = &noted;
    transaction
        .prepare_cached("INSERT INTO trail VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![seq, at, who, what, form, decision, detail, mark])?;
    Ok(())
}

/// The first entry, and the id that copies of the file share. Made at the clock of this machine, as the hold is: it is before any
/// review, and nothing rests on it.
pub(super) fn begin(transaction: &Transaction<'_>, from: i32, version: i32) -> Result<()> {
    let id = uuid::Uuid::new_v4().simple().to_string();
    transaction.execute("INSERT INTO meta VALUES('id', ?1)", [id])?;
    let count = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, u64>(0));
    let number = |sql: &str| Ok::<_, anyhow::Error>(u32::try_from(count(sql)?)?);
    let begun = Begun {
        version,
        from: (from > 0).then_some(from),
        readings: number("SELECT coalesce(max(number), 0) FROM generation")?,
        decisions: count("SELECT coalesce(max(seq), 0) FROM decision")?,
        forms: number("SELECT coalesce(max(number), 0) FROM form")?,
    };
    let at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    note(transaction, What::Begun, &at, NOBODY, &begun)
}

impl Noted {
    /// The mark of this entry behind one with the mark `before`; see [`TABLE`].
    fn mark(&self, before: &str) -> String {
        let mut mark = Mark::new();
        mark.text(before);
        mark.text(&self.seq.to_string());
        for text in [&self.at, &self.who, &self.what] {
            mark.text(text);
        }
        for number in [self.form.map(u64::from), self.decision] {
            match number {
                Some(number) => mark.text(&number.to_string()),
                None => mark.absent(),
            }
        }
        mark.text(&self.detail);
        mark.done()
    }
}

/// Gives every entry to `take`, in order, and answers where one does not stand as it was written. What comes after is still read.
pub(super) fn walk(connection: &Connection, mut take: impl FnMut(Noted)) -> Result<Option<String>> {
    let mut select =
        connection.prepare("SELECT seq, at, who, what, form, decision, detail, mark FROM trail ORDER BY seq")?;
    let mut rows = select.query([])?;
    let (mut damage, mut last, mut before) = (None, 0, String::new());
    while let Some(row) = rows.next()? {
        let (seq, mark): (u64, String) = (row.get(0)?, row.get(7)?);
        let unread = || format!("entry {seq} of the trail cannot be read");
        let noted = entry(row, seq).with_context(unread)?;
        let wrong = if seq != last + 1 {
            Some(format!("entry {} of the trail is gone", last + 1))
        } else if noted.mark(&before) != mark {
            Some(format!("entry {seq} of the trail, or its mark, is not what was written behind entry {last}"))
        } else {
            None
        };
        damage = damage.or(wrong);
        (last, before) = (seq, mark);
        take(noted);
    }
    Ok(damage.or_else(|| (last == 0).then(|| "entry 1 of the trail is gone, and all others".to_owned())))
}

fn entry(row: &Row<'_>, seq: u64) -> rusqlite::Result<Noted> {
    Ok(Noted {
        seq,
        at: row.get(1)?,
        who: row.get(2)?,
        what: row.get(3)?,
        form: row.get(4)?,
        decision: row.get(5)?,
        detail: row.get(6)?,
    })
}

/// What was noted when a form was frozen; `None` for one from before the file had a trail.
pub(super) fn frozen(connection: &Connection, number: u32) -> Result<Option<Frozen>> {
    if super::version(connection)? < SINCE {
        return Ok(None);
    }
    let sql = "SELECT detail FROM trail WHERE what = 'form' AND form = ?1 ORDER BY seq DESC LIMIT 1";
    let detail: Option<String> = connection.query_row(sql, [number], |row| row.get(0)).optional()?;
    let damaged = || format!("what the trail says of form {number} is damaged; {}", super::COMPARE);
    detail.map(|detail| serde_json::from_str(&detail)).transpose().with_context(damaged)
}

/// Columns of the decision log that its mark is over.
pub(super) const DECISION: &str = "SELECT seq, at, who, act, of, generation, reason, label, cells FROM decision WHERE seq = ?1 OR ?1 IS NULL ORDER BY seq";

/// The mark of an entry of the decision log: of all its columns.
pub(super) fn decision_mark(connection: &Connection, seq: u64) -> Result<String> {
    Ok(connection.prepare_cached(DECISION)?.query_row([seq], row_mark)?)
}

/// The mark of everything seen of a form so far: facility, property, outcome, value and time of each cell, in their order.
pub(super) fn seen_mark(connection: &Connection, number: u32) -> Result<String> {
    let sql = "SELECT facility, property, outcome, value, at FROM seen WHERE form = ?1 ORDER BY facility, property";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([number])?;
    let mut mark = Mark::new();
    while let Some(row) = rows.next()? {
        mark.row(row)?;
    }
    Ok(mark.done())
}

/// The mark of one row, of all its columns.
pub(super) fn row_mark(row: &Row<'_>) -> rusqlite::Result<String> {
    let mut mark = Mark::new();
    mark.row(row)?;
    Ok(mark.done())
}

/// SHA-256 as hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes))
}

fn hex(digest: digest::Digest) -> String {
    use std::fmt::Write as _;
    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A SHA-256 over texts that cannot run into each other; see [`TABLE`].
struct Mark(digest::Context);

impl Mark {
    fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    fn text(&mut self, text: &str) {
        self.0.update(text.as_bytes());
        self.0.update(&[0xff]);
    }

    fn absent(&mut self) {
        self.0.update(&[0xfe]);
    }

    fn row(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        for column in 0..row.as_ref().column_count() {
            match row.get_ref(column)? {
                ValueRef::Null => self.absent(),
                ValueRef::Integer(number) => self.text(&number.to_string()),
                other => self.text(other.as_str()?),
            }
        }
        Ok(())
    }

    fn done(self) -> String {
        hex(self.0.finish())
    }
}
