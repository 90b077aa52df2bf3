//! What the program knows from earlier runs: how long a request line a server takes, how many facilities there were last time,
//! and what DHIS2 said of earlier quarters. One `SQLite` file in the data folder, on a thread of its own.
//!
//! It only saves asking again. A file that is missing, locked, damaged, of a newer version or in a folder that takes none is never
//! an error of the run: the answer is then that nothing is known, and [`Known::note`] says once why. Nothing here is ever
//! proposed, decided or sent, and no secret and no name of an account is kept.

mod file;
mod history;
mod partial;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use crate::domain::{
    fingerprint::Fingerprint,
    history::{LONGEST, Reuse, reuse},
    quarter::Quarter,
};
use file::{File, Note};
pub use partial::Partial;

/// Runs kept of one place, and of all.
const RUNS: (u32, u32) = (20, 1000);

/// Whose view of which DHIS2: another account may be shown less, so what one was told is never used for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    server: String,
    /// A mark of the name, which itself is not kept.
    mark: String,
}

impl Account {
    /// The account of this name at this address. `None` where the name is not known, as with a token whose owner the server does
    /// not tell: then nothing may be kept, since it could not be told whose it is.
    pub fn new(server: &str, name: &str) -> Option<Self> {
        let name = name.trim();
        let mark = Fingerprint::default().with(server.as_bytes()).with(&[0]).with(name.as_bytes());
        (!name.is_empty()).then(|| Self { server: server.to_owned(), mark: mark.to_string() })
    }
}

/// What runs have in common whose facilities can be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// DHIS2 address.
    pub dhis2: String,
    /// `CommCare` address.
    pub commcare: String,
    /// `CommCare` project.
    pub project: String,
    /// Case type.
    pub case_type: String,
    /// What was asked for, in words: the whole project or the facilities named.
    pub scope: String,
}

impl Place {
    /// As one text that no other place has.
    fn key(&self) -> String {
        let Self { dhis2, commcare, project, case_type, scope } = self;
        serde_json::json!([dhis2, commcare, project, case_type, scope]).to_string()
    }
}

/// How many facilities a run found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The quarter it read.
    pub quarter: Quarter,
    /// When, in whole seconds.
    pub at: Timestamp,
    /// Facilities in scope.
    pub facilities: usize,
}

type Work = Box<dyn FnOnce(&mut File) + Send>;

/// What is known from earlier runs. Cheap to clone. Made without touching a disk: the file is opened, or made, when something is
/// first asked or kept.
#[derive(Clone)]
pub struct Known {
    /// `None` ends the thread.
    work: mpsc::Sender<Option<Work>>,
    note: Note,
    thread: Arc<Mutex<Option<thread::JoinHandle<()>>>>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known")
    }
}

impl Known {
    /// What the file `known.sqlite` in this folder knows.
    pub fn in_folder(folder: &Path) -> Self {
        Self::start(Some(folder.join("known.sqlite")))
    }

    /// Knows nothing at first, and keeps nothing when it is dropped.
    pub fn in_memory() -> Self {
        Self::start(None)
    }

    fn start(path: Option<PathBuf>) -> Self {
        let note = Note::default();
        let (work, queue) = mpsc::channel::<Option<Work>>();
        let mut file = File::new(path, note.clone());
        let thread = thread::Builder::new().name("known".to_owned()).spawn(move || {
            while let Ok(Some(job)) = queue.recv() {
                job(&mut file);
            }
        });
        if let Err(why) = &thread {
            note.say(format!("nothing of earlier runs is used: no thread could be started ({why})"));
        }
        Self { work, note, thread: Arc::new(Mutex::new(thread.ok())) }
    }

    /// Why nothing, or not all, of earlier runs is used; told once. `None` where all is well or it was told already.
    pub fn note(&self) -> Option<String> {
        self.note.take()
    }

    /// Finishes what is under way and closes the file. From then on nothing is known and nothing is kept.
    pub fn close(&self) {
        let _ = self.work.send(None);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// The longest request line in bytes that the DHIS2 at this address took after it refused a longer one (fault matrix row
    /// D06). `None` where it never refused one, or so long ago that it may take longer ones by now.
    pub async fn longest(&self, server: &str, now: Timestamp) -> Option<usize> {
        let server = server.to_owned();
        let found: (usize, i64) = self
            .call(move |connection| {
                let sql = "SELECT longest, at FROM server WHERE base = ?1";
                connection.query_row(sql, [&server], |row| Ok((row.get(0)?, row.get(1)?))).optional()
            })
            .await??;
        let at = Timestamp::from_second(found.1).ok()?;
        (reuse(at, now) != Reuse::No).then_some(found.0)
    }

    /// Remembers the longest request line in bytes that this DHIS2 took.
    pub async fn keep_longest(&self, server: &str, longest: usize, now: Timestamp) {
        let server = server.to_owned();
        self.call(move |connection| {
            let before = now.as_second().saturating_sub(LONGEST.as_secs());
            connection.execute("DELETE FROM server WHERE at < ?1", [before])?;
            let sql = "INSERT OR REPLACE INTO server VALUES(?1, ?2, ?3)";
            connection.execute(sql, params![server, longest, now.as_second()])
        })
        .await;
    }

    /// Earlier runs of this place, the newest first, at most twenty (data-quality-flags.md section 4, R1).
    pub async fn runs(&self, place: &Place) -> Vec<Run> {
        let key = place.key();
        let runs = self.call(move |connection| {
            let sql = "SELECT quarter, at, facilities FROM run WHERE place = ?1 ORDER BY at DESC, number DESC LIMIT ?2";
            let mut select = connection.prepare_cached(sql)?;
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
            select.query_map(params![key, RUNS.0], row)?.collect::<rusqlite::Result<Vec<_>>>()
        });
        let run = |(quarter, at, facilities): (String, i64, usize)| {
            Some(Run { quarter: Quarter::parse(&quarter).ok()?, at: Timestamp::from_second(at).ok()?, facilities })
        };
        runs.await.unwrap_or_default().into_iter().filter_map(run).collect()
    }

    /// Remembers a run of this place.
    pub async fn keep_run(&self, place: &Place, run: Run) {
        let key = place.key();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT INTO run(place, quarter, at, facilities) VALUES(?1, ?2, ?3, ?4)",
                params![key, run.quarter.to_string(), run.at.as_second(), run.facilities],
            )?;
            let newest = "SELECT number FROM run WHERE place = ?1 ORDER BY at DESC, number DESC LIMIT ?2";
            let rest = format!("DELETE FROM run WHERE place = ?1 AND number NOT IN ({newest})");
            transaction.execute(&rest, params![key, RUNS.0])?;
            let newest = "SELECT number FROM run ORDER BY at DESC, number DESC LIMIT ?1";
            transaction.execute(&format!("DELETE FROM run WHERE number NOT IN ({newest})"), [RUNS.1])?;
            transaction.commit()
        })
        .await;
    }

    /// Runs `job` on the file and waits for it; `None` where that cannot be. A job may run twice, the second time on a new file.
    async fn call<T: Send + 'static>(
        &self,
        job: impl Fn(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |file| {
            let _ = reply.send(file.run(&job));
        });
        self.work.send(Some(work)).ok()?;
        answer.await.ok()?
    }
}
