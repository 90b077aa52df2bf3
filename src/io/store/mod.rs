//! The review file: one SQLite file that holds everything a review needs and nothing secret.
//!
//! The writing connection lives on a thread of its own; callers send it work and wait for the acknowledgement. What is
//! acknowledged is synced. What is behind a cell is read by a second connection on a second thread, which never waits for the
//! first. This module knows rows, not rules: what a decision means is `domain::ledger`.

mod copies;
mod forms;
mod glance;
mod history;
mod lock;
mod log;
mod matrix;
mod schema;
mod sound;
mod trail;

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

use self::schema::{check, fold, ours, prepare, reading, upgrade, version};
use super::transport::Later;
use crate::domain::{
    flags::Flag,
    ledger::{Entry, Stamp},
    plan::{Cell, Plan},
    total::Part,
};

pub use forms::{Form, FormCell, HeldCell, Seen};
pub use glance::Glance;
pub use history::FacilityHistory;
pub use lock::Holder;
pub use matrix::FacilityParts;
pub use trail::{Noted, Trail};

/// Longest wait, on closing, for another process that reads the file.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// What to do with a file whose plan cannot be trusted.
const NEXT: &str = "nothing was changed. A new review is begun with onse review --new";

/// What to do with a file whose decisions, forms or trail cannot be trusted (fault matrix row F16).
const COMPARE: &str = "nothing was changed. onse verify FILE compares what was sent with the cases; a new review is begun with onse \
                       review --new";

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
    /// When and by whom a form was last made, sent or read back; `None` where there is no form. Of forms from before files had a
    /// trail it is not known by whom: then it is when the newest was made, and "onse".
    pub submitted: Option<Stamp>,
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
        let prepared = || {
            // There is nothing to lose yet; a journal beside the file would need 8 bytes more of its name than the log does.
            connection.pragma_update(None, "journal_mode", "memory")?;
            prepare(&connection)?;
            upgrade(&connection)
        };
        prepared().with_context(|| format!("cannot write {}", path.display()))?;
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

    /// Plan, settings and forms of a file whose decisions or trail cannot be trusted, for comparing what was sent with the cases
    /// (fault matrix row F16): every form is UNKNOWN, and nothing of it was seen. For reading only; takes no hold of the file.
    /// Fails where the plan or the cells of a form cannot be read either.
    pub fn unchecked(path: &Path) -> Result<(Plan, Used, Vec<Form>)> {
        let mut connection = ours(path)?;
        let mut read = || {
            let snapshot = connection.transaction()?;
            let (plan, used) = matrix::load(&snapshot)?;
            let forms = forms::unchecked(&snapshot, &plan)?;
            Ok::<_, anyhow::Error>((plan, used, forms))
        };
        read().with_context(|| format!("cannot read {}", path.display()))
    }

    /// Everything that was noted in the trail, also where it is damaged, and where that is; for reading only, takes no hold of the
    /// file. More is looked at than on opening: the bytes of every form too. A file of an earlier version has no trail.
    pub fn read_only_trail(path: &Path) -> Result<Trail> {
        sound::trail(&mut ours(path)?).with_context(|| format!("cannot read {}", path.display()))
    }

    /// All parts of a generation, for reading only; takes no hold of the file.
    pub fn read_only_parts(path: &Path, generation: u32) -> Result<BTreeMap<(u32, String), Vec<Part>>> {
        let connection = reading(path)?;
        matrix::all_parts(&connection, generation).with_context(|| format!("cannot read {}", path.display()))
    }

    /// The flags of every reading before a generation, for reading only; takes no hold of the file. What it says rests on nothing that is
    /// decided by: it is what was known when something was sent.
    pub fn read_only_flags(path: &Path, before: u32) -> Result<BTreeMap<(u32, Cell), Vec<Flag>>> {
        let connection = reading(path)?;
        matrix::earlier_flags(&connection, before).with_context(|| format!("cannot read {}", path.display()))
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

    /// Lets the file have no more than this many pages, or as many as it has: a full disk for tests and simulations.
    pub async fn limit_pages(&self, pages: u32) -> Result<()> {
        let set = move |connection: &mut Connection| {
            Ok(connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
        };
        self.send(&self.work, "limit the pages", set).await
    }

    /// How many pages the file has.
    pub async fn pages(&self) -> Result<u32> {
        let count =
            |connection: &mut Connection| Ok(connection.pragma_query_value(None, "page_count", |row| row.get(0))?);
        self.send(&self.work, "count the pages", count).await
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

/// Everything at one instant, whatever another process writes meanwhile.
fn load(connection: &mut Connection) -> Result<Loaded> {
    let snapshot = connection.transaction()?;
    let (plan, used) = matrix::load(&snapshot)?;
    let entries = log::load(&snapshot, &plan)?;
    let forms = forms::load(&snapshot)?;
    let elsewhere = forms::elsewhere(&snapshot)?;
    let place =
        snapshot.query_row("SELECT value FROM meta WHERE key = 'place'", params![], |row| row.get(0)).optional()?;
    let submitted = sound::check(&snapshot)?.or_else(|| forms.last().map(forms::made));
    Ok(Loaded { plan, used, entries, forms, elsewhere, place, submitted })
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
