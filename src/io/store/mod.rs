//! The review file: one SQLite file that holds everything a review needs and nothing secret.
//!
//! The writing connection lives on a thread of its own; callers send it work and wait for the acknowledgement. What is
//! acknowledged is synced. This module knows rows, not rules: what a decision means is `domain::ledger`.

mod forms;
mod lock;
mod log;
mod matrix;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use anyhow::{Context, Result, anyhow, bail};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::domain::{
    ledger::Entry,
    plan::{Cell, Plan},
    total::Part,
};

pub use forms::{Form, FormCell, Seen};
pub use lock::Holder;
pub use matrix::FacilityParts;

/// Marks a file as a review: `onse` in ASCII.
const APPLICATION: i32 = 0x6f6e_7365;
/// Version of the tables. A file with a later one is refused (fault matrix row F10).
const SCHEMA: i32 = 1;

/// The tables. `cells` holds one JSON array per facility, a `[old, held, state]` for each property, so that plain SQL can read it.
const TABLES: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE generation(number INTEGER PRIMARY KEY, head TEXT NOT NULL, settings TEXT NOT NULL) STRICT;
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

/// An open review file. Cheap to clone; the file is closed by [`Store::close`], or when the last clone is dropped.
#[derive(Clone)]
pub struct Store {
    /// `None` ends the thread.
    work: mpsc::Sender<Option<Work>>,
    thread: Arc<Mutex<Option<thread::JoinHandle<()>>>>,
    path: PathBuf,
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
        if path.exists() {
            bail!("{} exists already; a review file is never overwritten. Name another file", path.display());
        }
        let holder = Holder::take(path)?;
        let connection = Connection::open(path).with_context(|| format!("cannot make {}", path.display()))?;
        prepare(&connection)?;
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(TABLES).with_context(|| format!("cannot write {}", path.display()))?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.commit().with_context(|| format!("cannot write {}", path.display()))?;
        Self::start(path, connection, holder)
    }

    /// Opens a review file for writing. Fails with the reason where it is missing, not a review, from a newer version, damaged,
    /// or held by another process, whose name is told.
    pub fn open(path: &Path) -> Result<Self> {
        check(path)?;
        let holder = Holder::take(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).with_context(|| format!("cannot open {}", path.display()))?;
        prepare(&connection)?;
        Self::start(path, connection, holder)
    }

    /// Opens a review file for reading only; takes no hold of it.
    pub fn read_only(path: &Path) -> Result<Loaded> {
        check(path)?;
        let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .with_context(|| format!("cannot open {}", path.display()))?;
        load(&mut connection).with_context(|| format!("cannot read {}", path.display()))
    }

    /// All parts of a generation, for reading only; takes no hold of the file.
    pub fn read_only_parts(path: &Path, generation: u32) -> Result<BTreeMap<(u32, String), Vec<Part>>> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .with_context(|| format!("cannot open {}", path.display()))?;
        matrix::all_parts(&connection, generation).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Takes away a review file into which nothing was ever read, and says whether it did. Any other file stays.
    pub fn discard_blank(path: &Path) -> Result<bool> {
        check(path)?;
        let holder = Holder::take(path)?;
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let blank = connection.query_row("SELECT NOT EXISTS(SELECT 1 FROM generation)", [], |row| row.get(0))?;
        drop(connection);
        if blank {
            std::fs::remove_file(path).with_context(|| format!("cannot remove the empty {}", path.display()))?;
        }
        drop(holder);
        Ok(blank)
    }

    fn start(path: &Path, mut connection: Connection, holder: Holder) -> Result<Self> {
        let (work, queue) = mpsc::channel::<Option<Work>>();
        let thread = thread::Builder::new()
            .name("review-file".to_owned())
            .spawn(move || {
                while let Ok(Some(job)) = queue.recv() {
                    job(&mut connection);
                }
                // Folds the write-ahead log back and leaves that mode, so that one file is left and reading it makes no other.
                // A failure leaves a log that SQLite reads next time.
                let _ = connection.pragma_update(None, "journal_mode", "delete");
                let _ = connection.close();
                drop(holder);
            })
            .context("cannot start the thread of the review file")?;
        Ok(Self { work, thread: Arc::new(Mutex::new(Some(thread))), path: path.to_owned() })
    }

    /// Finishes what is under way and closes the file; one file is left. Clones find it closed from then on.
    pub fn close(&self) {
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

    /// Runs `job` on the writing connection and waits for it.
    async fn call<T: Send + 'static>(
        &self,
        what: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let gone = || anyhow!("the review file {} was closed", self.path.display());
        self.work
            .send(Some(Box::new(move |connection| {
                let _ = reply.send(job(connection));
            })))
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?.with_context(|| format!("cannot {what} in {}", self.path.display()))
    }

    /// Reads everything but the parts.
    pub async fn load(&self) -> Result<Loaded> {
        self.call("read the review", load).await
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

/// Every commit is on the disk when it returns (fault matrix section 1, P4).
fn prepare(connection: &Connection) -> Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    Ok(())
}

/// Refuses what is not a review file this version can read, before anything is written.
fn check(path: &Path) -> Result<()> {
    let shown = path.display();
    let meta = std::fs::metadata(path).with_context(|| format!("cannot open the review file {shown}"))?;
    if !meta.is_file() {
        bail!("{shown} is not a file");
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("cannot open {shown}"))?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let not_ours = || format!("{shown} is not a review file, or it is damaged; nothing was changed");
    if number("application_id").with_context(not_ours)? != APPLICATION {
        bail!(not_ours());
    }
    let version = number("user_version")?;
    if version > SCHEMA {
        bail!("{shown} was made by a newer onse (file version {version}, this one reads up to {SCHEMA}); update onse");
    }
    let sound: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0)).with_context(not_ours)?;
    if sound != "ok" {
        bail!("{}: {sound}", not_ours());
    }
    Ok(())
}

fn load(connection: &mut Connection) -> Result<Loaded> {
    let (plan, used) = matrix::load(connection)?;
    let entries = log::load(connection)?;
    let forms = forms::load(connection)?;
    let elsewhere = forms::elsewhere(connection)?;
    let place =
        connection.query_row("SELECT value FROM meta WHERE key = 'place'", params![], |row| row.get(0)).optional()?;
    Ok(Loaded { plan, used, entries, forms, elsewhere, place })
}
