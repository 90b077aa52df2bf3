//! The file behind what is known: opened when first needed, put aside where it is damaged, given up for this run where it cannot
//! be used otherwise.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, Error, ErrorCode, OpenFlags, TransactionBehavior};

/// Marks a file as ours: `onsk` in ASCII.
const APPLICATION: i32 = 0x6f6e_736b;
/// Version of the tables. A file with a later one is left alone.
const SCHEMA: i32 = 1;
/// Bytes of a page.
const PAGE: u32 = 16_384;
/// Longest wait for another process that has the file.
const PATIENCE: Duration = Duration::from_millis(500);

/// The tables. Times are seconds since 1970.
const TABLES: &str = "
CREATE TABLE server(base TEXT PRIMARY KEY, longest INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE run(number INTEGER PRIMARY KEY, place TEXT NOT NULL, quarter TEXT NOT NULL, at INTEGER NOT NULL,
    facilities INTEGER NOT NULL) STRICT;
CREATE TABLE account(number INTEGER PRIMARY KEY, base TEXT NOT NULL, mark TEXT NOT NULL, UNIQUE(base, mark)) STRICT;
CREATE TABLE history(account INTEGER NOT NULL, unit TEXT NOT NULL, newest INTEGER NOT NULL, mark INTEGER NOT NULL,
    sheet BLOB NOT NULL, PRIMARY KEY(account, unit)) STRICT;
CREATE TABLE partial(number INTEGER PRIMARY KEY, key TEXT NOT NULL, at INTEGER NOT NULL, about TEXT NOT NULL,
    mark INTEGER NOT NULL, rows BLOB NOT NULL) STRICT;
";

/// The one sentence a run says about this file, however much is wrong with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Note(Arc<Mutex<(bool, Option<String>)>>);

impl Note {
    /// Keeps the sentence, where it is the first one.
    pub(super) fn say(&self, sentence: String) {
        let mut note = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !note.0 {
            *note = (true, Some(sentence));
        }
    }

    /// The sentence, where it was not told yet.
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.take()
    }
}

/// Why the file cannot be used.
enum Trouble {
    /// It is not what it should be; another in its place would be.
    Damaged(String),
    /// It may be sound and cannot be used now.
    Refused(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let why = error.to_string();
        match error.sqlite_error_code() {
            // What we ask is right for our own tables, so an error in it, or a value of another kind, is the file's.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown) | None => {
                Self::Damaged(why)
            }
            Some(_) => Self::Refused(why),
        }
    }
}

/// The file, or what stands for it.
pub(super) struct File {
    /// `None` keeps all in memory.
    path: Option<PathBuf>,
    open: Option<Connection>,
    /// Whether it is given up for this run.
    given_up: bool,
    note: Note,
}

impl File {
    pub(super) fn new(path: Option<PathBuf>, note: Note) -> Self {
        Self { path, open: None, given_up: false, note }
    }

    /// Runs `job` on the file. One that is found damaged is put aside and `job` runs again on a new one; `None` where neither can be.
    pub(super) fn run<T>(&mut self, job: impl Fn(&mut Connection) -> rusqlite::Result<T>) -> Option<T> {
        if self.given_up {
            return None;
        }
        let why = match self.attempt(&job) {
            Ok(done) => return Some(done),
            Err(Trouble::Refused(why)) => why,
            Err(Trouble::Damaged(why)) => {
                self.put_aside(&why)?;
                match self.attempt(&job) {
                    Ok(done) => return Some(done),
                    Err(Trouble::Refused(why) | Trouble::Damaged(why)) => why,
                }
            }
        };
        self.give_up(&why);
        None
    }

    fn attempt<T>(&mut self, job: impl Fn(&mut Connection) -> rusqlite::Result<T>) -> Result<T, Trouble> {
        let connection = match self.open.take() {
            Some(connection) => connection,
            None => open(self.path.as_deref())?,
        };
        Ok(job(self.open.insert(connection))?)
    }

    fn give_up(&mut self, why: &str) {
        (self.open, self.given_up) = (None, true);
        self.note.say(format!(
            "nothing of earlier runs is used: {}: {why}. The servers are asked for everything; nothing else changes",
            self.name()
        ));
    }

    /// Gives a damaged file another name, in the place of one damaged before it, with what `SQLite` keeps beside it.
    fn put_aside(&mut self, why: &str) -> Option<()> {
        self.open = None;
        let Some(path) = &self.path else { return Some(()) };
        let aside = beside(path, ".damaged");
        for ending in ["-wal", "-shm"] {
            let moved = fs::rename(beside(path, ending), beside(&aside, ending));
            if moved.is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
                let _ = fs::remove_file(beside(path, ending));
            }
        }
        if let Err(error) = fs::rename(path, &aside) {
            self.give_up(&format!("{why}, and it could not be put aside: {error}"));
            return None;
        }
        self.note.say(format!(
            "nothing of earlier runs is used: {} was damaged ({why}) and is now {}. The servers are asked for everything; \
             nothing else changes",
            path.display(),
            aside.display()
        ));
        Some(())
    }

    fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "memory".to_owned(), |path| path.display().to_string())
    }
}

/// The path with something behind its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Opens the file, and makes it where there is none.
fn open(path: Option<&Path>) -> Result<Connection, Trouble> {
    let mut connection = match path {
        None => Connection::open_in_memory()?,
        Some(path) => {
            make(path).map_err(|error| Trouble::Refused(error.to_string()))?;
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?
        }
    };
    connection.busy_timeout(PATIENCE)?;
    // A sheet has a few thousand bytes; this decides only in a new file.
    connection.pragma_update(None, "page_size", PAGE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A commit that a power cut takes back is asked for again by the next run; the file stays whole.
    connection.pragma_update(None, "synchronous", "normal")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let tables: u32 = transaction.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, SCHEMA) => {}
        (APPLICATION, newer) if newer > SCHEMA => {
            return Err(Trouble::Refused(format!("made by a newer onse (version {newer}, this one reads {SCHEMA})")));
        }
        (0, 0) if tables == 0 => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
        }
        _ => return Err(Trouble::Damaged("it is not a file of what onse knows".to_owned())),
    }
    transaction.commit()?;
    Ok(connection)
}

/// Makes the file, which only its owner may read, with the folders above it.
fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create(true).truncate(false).open(path)?;
    Ok(())
}
