//! The tables of a review file, its versions, and how such a file is told from any other.

use std::path::Path;

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OpenFlags};

use super::{LAST_WAIT, history, trail};

/// Marks a file as a review: `onse` in ASCII.
pub(super) const APPLICATION: i32 = 0x6f6e_7365;
/// Version of the tables. A file with a later one is refused (fault matrix row F10).
const SCHEMA: i32 = 6;

/// What each version added; a file is brought from its own version to this one by the steps behind it.
const STEPS: [&str; 6] = [TABLES, history::TABLE, USUAL, trail::TABLE, NOTE, IMPORT];

/// Version 3 changed no table: a cell may have a fifth entry, the usual number, which an earlier version would call damaged.
const USUAL: &str = "";

/// Version 5 changed no table: an entry of the decision log may be a `note`, its text in the column of reasons (NULL where it takes
/// a note away) and its cells as `[facility, property]`, which an earlier version would call damaged.
const NOTE: &str = "";

/// Version 6 changed no table: an entry of the decision log may be an `import`, its rows as `[facility, property, old, new, act,
/// reason]`, which an earlier version would call damaged.
const IMPORT: &str = "";

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

/// A connection that cannot write.
pub(super) fn reading(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).with_context(|| format!("cannot open {}", path.display()))
}

/// Folds the write-ahead log back, so that the file is whole by itself; then leaves that mode, so that one file is left and
/// reading it makes no other. While another process reads, the second fails soon and the log stays, empty.
pub(super) fn fold(connection: Connection) {
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    let _ = connection.busy_timeout(LAST_WAIT);
    let _ = connection.pragma_update(None, "journal_mode", "delete");
    let _ = connection.close();
}

/// Every commit is on the disk when it returns (fault matrix section 1, P4).
pub(super) fn prepare(connection: &Connection) -> Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    Ok(())
}

/// Makes the tables the file does not have yet, all or none, and begins the trail where there is none. A file of this version stays as it is.
pub(super) fn upgrade(connection: &Connection) -> Result<()> {
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
    // A file that has a trail goes on with it.
    if version < trail::SINCE {
        trail::begin(&transaction, version, SCHEMA)?;
    }
    transaction.commit()?;
    // A copy of this one file, made while it is open, is known by its header and its id.
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    Ok(())
}

/// Version of the tables of an open file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Refuses what is not a review file this version can read, or is damaged, before anything is written.
pub(super) fn check(path: &Path) -> Result<()> {
    let connection = ours(path)?;
    let not_ours = || not_ours(path);
    let sound: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0)).with_context(not_ours)?;
    if sound != "ok" {
        bail!("{}: {sound}", not_ours());
    }
    Ok(())
}

/// A connection that cannot write, to a review file this version can read. Whether the file is sound is not looked at.
pub(super) fn ours(path: &Path) -> Result<Connection> {
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
