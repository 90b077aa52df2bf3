//! The review file: one SQLite file that holds everything a review needs and nothing secret.
//!
//! The writing connection lives on a thread of its own; callers send it work and wait for the acknowledgement. What is
//! acknowledged is synced. What is behind a cell is read by a second connection on a second thread, which never waits for the
//! first. This module knows rows, not rules: what a decision means is `domain::ledger`.

mod forms;
mod glance;
mod history;
mod lock;
mod log;
mod matrix;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::transport::Later;
use crate::domain::{
    ledger::Entry,
    plan::{Cell, Plan},
    total::Part,
};

pub use forms::{Form, FormCell, Seen};
pub use glance::Glance;
pub use history::FacilityHistory;
pub use lock::Holder;
pub use matrix::FacilityParts;

/// Marks a file as a review: `onse` in ASCII.
const APPLICATION: i32 = 0x6f6e_7365;
/// Version of the tables. A file with a later one is refused (fault matrix row F10).
const SCHEMA: i32 = 3;

/// Longest wait, on closing, for another process that reads the file.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// What to do with a file whose plan or decisions cannot be trusted.
const NEXT: &str = "nothing was changed. A new review is begun with onse review --new";

/// What each version added; a file is brought from its own version to this one by the steps behind it.
const STEPS: [&str; 3] = [TABLES, history::TABLE, USUAL];

/// Version 3 changed no table: a cell may have a fifth entry, the usual number, which an earlier version would call damaged.
const USUAL: &str = "";

/// The tables of version 1. `cells` holds one JSON array per facility, a `[old, held, state]` for each property, so that plain SQL
/// can read it; a fourth text is the quarter of a number that is an earlier one's.
const TABLES: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE generation(number INTEGER PRIMARY KEY, head TEXT NOT NULL, settings TEXT NOT NULL,
    fingerprint TEXT NOT NULL) STRICT;
CREATE TABLE facility(ordinal INTEGER PRIMARY KEY, case_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    external_id TEXT NOT NULL, closed INTEGER NOT NULL, unit_name TEXT) STRICT;
CREATE TABLE property(ordinal INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data_element TEXT NOT NULL,
    data_set TEXT NOT NULL, title TEXT NOT NULL, line INTEGER NOT NULL, element_name TEXT NOT NULL,
    value_type TEXT NOT NULL, data_set_name TEXT NOT NULL) STRICT;
CREATE TABLE cells(generation INTEGER NOT NULL, facility INTEGER NOT NULL, cells TEXT NOT NULL,
    PRIMARY KEY(generation, facility)) STRICT;
CREATE TABLE flag(generation INTEGER NOT NULL, facility INTEGER NOT NULL, property INTEGER NOT NULL, id TEXT NOT NULL,
    severity TEXT NOT NULL, sentence TEXT NOT NULL) STRICT;
CREATE TABLE parts(generation INTEGER NOT NULL, facility INTEGER NOT NULL, data_set TEXT NOT NULL, rows BLOB NOT NULL,
    PRIMARY KEY(generation, facility, data_set)) STRICT;
CREATE TABLE option_name(id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE skipped(case_id TEXT NOT NULL, case_name TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE TABLE decision(seq INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, act TEXT NOT NULL, of INTEGER,
    generation INTEGER NOT NULL, reason TEXT, label TEXT NOT NULL, cells TEXT NOT NULL) STRICT;
CREATE TABLE form(number INTEGER PRIMARY KEY, form_id TEXT NOT NULL UNIQUE, generation INTEGER NOT NULL,
    frozen_at TEXT NOT NULL, bytes BLOB NOT NULL, cells TEXT NOT NULL, outcome TEXT NOT NULL, answer TEXT) STRICT;
CREATE TABLE seen(form INTEGER NOT NULL, facility INTEGER NOT NULL, property INTEGER NOT NULL, outcome TEXT NOT NULL,
    value TEXT, at TEXT NOT NULL, PRIMARY KEY(form, facility, property)) STRICT;
";

/// The settings a review was made with; kept so that its forms do not change with the settings file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Name of the profile.
    pub profile: String,
    /// Case blocks per form.
    pub chunk_size: usize,
    /// Namespace of the form.
    pub form_xmlns: String,
    /// Property set to the date of submission, where one is.
    pub stamp_property: Option<String>,
    /// `CommCare` user id written into the form; empty for none.
    pub submit_user_id: String,
}

/// Everything a review file holds but the parts, which are read a cell at a time.
#[derive(Debug)]
pub struct Loaded {
    /// The newest generation.
    pub plan: Plan,
    /// Settings it was made with.
    pub used: Used,
    /// The log of decisions, in order.
    pub entries: Vec<Entry>,
    /// Every form, in order.
    pub forms: Vec<Form>,
    /// Cells whose case held the value already when it was to be sent.
    pub elsewhere: Vec<Cell>,
    /// Where the reader was, as the screen wrote it.
    pub place: Option<String>,
}

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// When a [`Gate`] is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Before anything is written or read.
    Before,
    /// After it was written and synced, before the caller is told. Not asked where something is only read.
    After,
}

/// Stands before and behind every call of a store, for simulations: what it answers befalls the call, and one that never answers
/// is a process that was killed there. It is given what the call does, in words.
pub type Gate = Arc<dyn Fn(&'static str, Moment) -> Later<'static, Result<()>> + Send + Sync>;

/// An open review file. Cheap to clone; the file is closed by [`Store::close`], or when the last clone is dropped.
#[derive(Clone)]
pub struct Store {
    /// `None` ends the thread.
    work: mpsc::Sender<Option<Work>>,
    /// The same for the connection that reads what is behind a cell; the first thread outlives this one.
    details: mpsc::Sender<Option<Work>>,
    thread: Arc<Mutex<Option<thread::JoinHandle<()>>>>,
    path: PathBuf,
    /// Why nothing can be written; `None` where it can.
    only_reads: Option<Arc<str>>,
    gate: Option<Gate>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.path.display())
    }
}

impl Store {
    /// Makes a new review file. Fails where one is already there: a review is never overwritten.
    pub fn create(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        // Also where it is a link that leads nowhere yet.
        if path.symlink_metadata().is_ok() {
            bail!("{} exists already; a review file is never overwritten. Name another file", path.display());
        }
        let holder = Holder::take(path)?;
        let connection = Connection::open(path).with_context(|| format!("cannot make {}", path.display()))?;
        prepare(&connection)?;
        upgrade(&connection).with_context(|| format!("cannot write {}", path.display()))?;
        Self::start(path, connection, holder)
    }

    /// Opens a review file for writing. Fails with the reason where it is missing, not a review, from a newer version, damaged,
    /// or held by another process, whose name is told.
    pub fn open(path: &Path) -> Result<Self> {
        check(path)?;
        Self::writing(path)
    }

    /// Opens a review file for writing where that can be, else for reading: while another process holds it, or where its folder
    /// takes no file. [`Store::only_reads`] says why; whatever would write fails with that. Fails as [`Store::open`] where the
    /// file cannot be read either.
    pub fn open_or_read(path: &Path) -> Result<Self> {
        check(path)?;
        let why = match Self::writing(path) {
            Ok(store) => return Ok(store),
            Err(why) => format!("opened for reading only: {why:#}"),
        };
        let (details, reading_on) = worker("review-details", reading(path)?, drop)?;
        let (work, thread) = worker("review-file", reading(path)?, move |connection| {
            let _ = reading_on.join();
            drop(connection);
        })?;
        let thread = Arc::new(Mutex::new(Some(thread)));
        Ok(Self { work, details, thread, path: path.to_owned(), only_reads: Some(why.into()), gate: None })
    }

    /// Why nothing can be written; `None` where it can.
    pub fn only_reads(&self) -> Option<&str> {
        self.only_reads.as_deref()
    }

    fn writing(path: &Path) -> Result<Self> {
        let holder = Holder::take(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).with_context(|| format!("cannot open {}", path.display()))?;
        prepare(&connection)?;
        upgrade(&connection).with_context(|| format!("cannot bring {} up to this version of onse", path.display()))?;
        Self::start(path, connection, holder)
    }

    /// Opens a review file for reading only; takes no hold of it.
    pub fn read_only(path: &Path) -> Result<Loaded> {
        check(path)?;
        let mut connection = reading(path)?;
        load(&mut connection).with_context(|| format!("cannot read {}", path.display()))
    }

    /// All parts of a generation, for reading only; takes no hold of the file.
    pub fn read_only_parts(path: &Path, generation: u32) -> Result<BTreeMap<(u32, String), Vec<Part>>> {
        let connection = reading(path)?;
        matrix::all_parts(&connection, generation).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Takes away a review file into which nothing was ever read, and says whether it did. Any other file stays.
    pub fn discard_blank(path: &Path) -> Result<bool> {
        check(path)?;
        let holder = Holder::take(path)?;
        let connection = reading(path)?;
        let blank = connection.query_row("SELECT NOT EXISTS(SELECT 1 FROM generation)", [], |row| row.get(0))?;
        drop(connection);
        if blank {
            std::fs::remove_file(path).with_context(|| format!("cannot remove the empty {}", path.display()))?;
        }
        drop(holder);
        Ok(blank)
    }

    fn start(path: &Path, connection: Connection, holder: Holder) -> Result<Self> {
        let reader = reading(path)?;
        let (details, reading) = worker("review-details", reader, drop)?;
        let (work, thread) = worker("review-file", connection, move |connection| {
            let _ = reading.join();
            fold(connection);
            drop(holder);
        })?;
        let thread = Arc::new(Mutex::new(Some(thread)));
        Ok(Self { work, details, thread, path: path.to_owned(), only_reads: None, gate: None })
    }

    /// The same with a gate that every call goes through. Clones made before have none.
    #[must_use]
    pub fn gated(self, gate: Gate) -> Self {
        Self { gate: Some(gate), ..self }
    }

    async fn pass(&self, what: &'static str, moment: Moment) -> Result<()> {
        match &self.gate {
            Some(gate) => gate(what, moment).await.with_context(|| format!("cannot {what} in {}", self.path.display())),
            None => Ok(()),
        }
    }

    /// Finishes what is under way and closes the file; one file is left. Clones find it closed from then on.
    pub fn close(&self) {
        let _ = self.details.send(None);
        let _ = self.work.send(None);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `job`, which may write, on the writing connection and waits for it.
    async fn call<T: Send + 'static>(
        &self,
        what: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if let Some(why) = &self.only_reads {
            bail!("cannot {what}: {why}");
        }
        self.pass(what, Moment::Before).await?;
        let done = self.send(&self.work, what, job).await?;
        self.pass(what, Moment::After).await?;
        Ok(done)
    }

    /// Runs `job`, which only reads, after all that was to be written before it, and waits for it.
    async fn ask<T: Send + 'static>(
        &self,
        what: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.pass(what, Moment::Before).await?;
        self.send(&self.work, what, job).await
    }

    /// Runs `job` on the connection that only reads, whatever the other is busy with, and waits for it.
    async fn look<T: Send + 'static>(
        &self,
        what: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.send(&self.details, what, job).await
    }

    async fn send<T: Send + 'static>(
        &self,
        queue: &mpsc::Sender<Option<Work>>,
        what: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let gone = || anyhow!("the review file {} was closed", self.path.display());
        queue
            .send(Some(Box::new(move |connection| {
                let _ = reply.send(job(connection));
            })))
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?.with_context(|| format!("cannot {what} in {}", self.path.display()))
    }

    /// Reads everything but the parts.
    pub async fn load(&self) -> Result<Loaded> {
        self.ask("read the review", load).await
    }

    /// Whether nothing was ever read into the file.
    pub async fn is_blank(&self) -> Result<bool> {
        self.ask("look into the review", |connection| {
            Ok(connection.query_row("SELECT NOT EXISTS(SELECT 1 FROM generation)", [], |row| row.get(0))?)
        })
        .await
    }

    /// Remembers where the reader was.
    pub async fn save_place(&self, place: String) -> Result<()> {
        self.call("keep the place", move |connection| {
            connection.execute("INSERT OR REPLACE INTO meta VALUES('place', ?1)", [place])?;
            Ok(())
        })
        .await
    }
}

/// A thread that runs work on a connection until it is told to end, then `end`.
fn worker(
    name: &str,
    mut connection: Connection,
    end: impl FnOnce(Connection) + Send + 'static,
) -> Result<(mpsc::Sender<Option<Work>>, thread::JoinHandle<()>)> {
    let (work, queue) = mpsc::channel::<Option<Work>>();
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        while let Ok(Some(job)) = queue.recv() {
            job(&mut connection);
        }
        end(connection);
    });
    Ok((work, thread.context("cannot start a thread for the review file")?))
}

/// A connection that cannot write.
fn reading(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).with_context(|| format!("cannot open {}", path.display()))
}

/// Folds the write-ahead log back, so that the file is whole by itself; then leaves that mode, so that one file is left and
/// reading it makes no other. While another process reads, the second fails soon and the log stays, empty.
fn fold(connection: Connection) {
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    let _ = connection.busy_timeout(LAST_WAIT);
    let _ = connection.pragma_update(None, "journal_mode", "delete");
    let _ = connection.close();
}

/// Every commit is on the disk when it returns (fault matrix section 1, P4).
fn prepare(connection: &Connection) -> Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    Ok(())
}

/// Makes the tables the file does not have yet, all or none. A file of this version stays as it is.
fn upgrade(connection: &Connection) -> Result<()> {
    let version = version(connection)?;
    let steps = usize::try_from(version).ok().and_then(|done| STEPS.get(done..)).unwrap_or_default();
    if steps.is_empty() {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    for step in steps {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    Ok(transaction.commit()?)
}

/// Version of the tables of an open file.
fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Refuses what is not a review file this version can read, or is damaged, before anything is written.
fn check(path: &Path) -> Result<()> {
    let connection = ours(path)?;
    let not_ours = || not_ours(path);
    let sound: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0)).with_context(not_ours)?;
    if sound != "ok" {
        bail!("{}: {sound}", not_ours());
    }
    Ok(())
}

/// A connection that cannot write, to a review file this version can read. Whether the file is sound is not looked at.
fn ours(path: &Path) -> Result<Connection> {
    let shown = path.display();
    let meta = std::fs::metadata(path).with_context(|| format!("cannot open the review file {shown}"))?;
    if !meta.is_file() {
        bail!("{shown} is not a file");
    }
    let connection = reading(path)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let not_ours = || not_ours(path);
    if number("application_id").with_context(not_ours)? != APPLICATION {
        bail!(not_ours());
    }
    let version = version(&connection)?;
    if version < 1 {
        bail!(not_ours());
    }
    if version > SCHEMA {
        bail!("{shown} was made by a newer onse (file version {version}, this one reads up to {SCHEMA}); update onse");
    }
    Ok(connection)
}

fn not_ours(path: &Path) -> String {
    format!("{} is not a review file, or it is damaged; nothing was changed", path.display())
}

fn load(connection: &mut Connection) -> Result<Loaded> {
    let (plan, used) = matrix::load(connection)?;
    let entries = log::load(connection, &plan)?;
    let forms = forms::load(connection)?;
    let elsewhere = forms::elsewhere(connection)?;
    let place =
        connection.query_row("SELECT value FROM meta WHERE key = 'place'", params![], |row| row.get(0)).optional()?;
    Ok(Loaded { plan, used, entries, forms, elsewhere, place })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::sample;

    #[tokio::test]
    async fn what_is_behind_a_cell_never_waits_for_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("q.review")).unwrap();
        let used = Used {
            profile: "demo".to_owned(),
            chunk_size: 1,
            form_xmlns: String::new(),
            stamp_property: None,
            submit_user_id: String::new(),
        };
        let part = Part { data_element: "de".to_owned(), value: Some("4".to_owned()), ..Part::default() };
        let parts = FacilityParts { facility: 0, data_set: "ds".to_owned(), parts: vec![part] };
        store.save_plan(Arc::new(sample(1, 1, |_| {})), used, vec![parts], Vec::new()).await.unwrap();
        // The writer is in the middle of something until it is let go.
        let (go, wait) = mpsc::channel::<()>();
        let (begun, is_busy) = oneshot::channel();
        let busy = store.clone();
        let busy = tokio::spawn(async move {
            let job = move |connection: &mut Connection| {
                let transaction = connection.transaction()?;
                transaction.execute("DELETE FROM parts", [])?;
                let _ = begun.send(());
                let _ = wait.recv();
                Ok(())
            };
            busy.call("wait", job).await
        });
        is_busy.await.unwrap();
        let parts = store.parts(1, 0, "ds".to_owned(), "de".to_owned());
        let found = tokio::time::timeout(Duration::from_secs(20), parts).await;
        go.send(()).unwrap();
        assert_eq!(found.unwrap().unwrap().len(), 1);
        busy.await.unwrap().unwrap();
        store.close();
        assert!(store.parts(1, 0, String::new(), String::new()).await.unwrap_err().to_string().contains("was closed"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "one file is left");
    }
}
