//! Copies of a review file beside it, such as a synced cloud folder makes of a conflict (fault matrix row F17). They are looked at
//! and never opened for writing.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{Store, schema::APPLICATION};

/// Most files of a folder that are looked at, those with the likest names first.
const MOST: usize = 300;
/// Where a database file says whose it is (the file format of SQLite, section 1.3).
const APPLICATION_AT: usize = 68;
/// What every database file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

impl Store {
    /// Other files in the folder of this review file that are copies of it, under whatever name: they were made from the same one,
    /// so each may hold decisions and answers that the other does not. None where the file is of a version before there was such
    /// an id, or a copy cannot be read. Fails where the file or its folder cannot be read.
    pub fn copies(path: &Path) -> Result<Vec<PathBuf>> {
        let no_way = || format!("cannot look for copies of {}", path.display());
        let path = path.canonicalize().with_context(no_way)?;
        let Some(id) = id(&path).with_context(no_way)? else { return Ok(Vec::new()) };
        let folder = path.parent().with_context(no_way)?;
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let likeness = |other: &Path| {
            let other = other.file_name().unwrap_or_default().as_encoded_bytes();
            name.iter().zip(other).take_while(|(a, b)| a == b).count()
        };
        let mut others: Vec<PathBuf> =
            std::fs::read_dir(folder).with_context(no_way)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        others.sort_by_cached_key(|other| (Reverse(likeness(other)), other.clone()));
        let others = others.iter().filter_map(|other| other.canonicalize().ok()).filter(|other| *other != path);
        let copies: BTreeSet<PathBuf> = others
            .filter(|other| other.is_file())
            .take(MOST)
            .filter(|other| is_review(other) && self::id(other).ok().flatten().as_deref() == Some(&id))
            .collect();
        Ok(copies.into_iter().collect())
    }

    /// The id that this review file shares with its copies; `None` in a file of a version before there was one. Fails where the file
    /// cannot be read.
    pub fn id(path: &Path) -> Result<Option<String>> {
        id(path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// Whether the file says of itself that it is a review.
fn is_review(path: &Path) -> bool {
    let mut head = [0; APPLICATION_AT + 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && head.starts_with(MAGIC)
        && head.ends_with(&APPLICATION.to_be_bytes())
}

/// The id that a review file shares with its copies. Read as a file that nobody changes, so that no other is made beside it: what
/// is still in the log of one that is open is not seen, and the id is never only there.
fn id(path: &Path) -> Result<Option<String>> {
    // Such a file is opened by an address, which is of a whole path.
    let path = path.canonicalize()?;
    let address = url::Url::from_file_path(&path).map_err(|()| anyhow!("{} is no path", path.display()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(format!("{address}?immutable=1"), flags)?;
    Ok(connection.query_row("SELECT value FROM meta WHERE key = 'id'", [], |row| row.get(0)).optional()?)
}
