//! One writer per review file. The hold is an operating system lock on a small file beside it, so it ends with the process
//! that has it, however that ends; the file's text says who that is.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// How often the lock file may be taken away by its last holder while this process takes it.
const TRIES: usize = 20;

/// The hold of this process on a review file; given back on drop.
#[derive(Debug)]
pub struct Holder {
    file: Option<File>,
    path: PathBuf,
}

impl Holder {
    /// Takes hold of the review file at `path`, by whatever name it is called. Fails naming the process that has it: its host,
    /// its number and since when (fault matrix row K18).
    pub fn take(path: &Path) -> Result<Self> {
        let mut beside = real(path)?.into_os_string();
        beside.push("-lock");
        let beside = PathBuf::from(beside);
        for _ in 0..TRIES {
            let mut file = lock(path, &beside)?;
            // The holder before may have taken the name away between opening and locking; then this lock keeps nobody out.
            if leads_to(&beside, &file) {
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "{}", me())?;
                return Ok(Self { file: Some(file), path: beside });
            }
        }
        bail!("{} comes and goes; another onse opens and closes this review. Try again", beside.display());
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The name goes first, while the lock still keeps others from making it theirs: whoever opened it before finds that
        // it leads nowhere and begins again.
        let _ = std::fs::remove_file(&self.path);
        self.file = None;
    }
}

/// The one path of a file that is there, or of one about to be made in a folder that is there.
fn real(path: &Path) -> Result<PathBuf> {
    let no_way = || format!("cannot find the folder of {}", path.display());
    if path.exists() {
        return path.canonicalize().with_context(no_way);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
    Ok(folder.canonicalize().with_context(no_way)?.join(name))
}

/// The lock file, locked.
fn lock(path: &Path, beside: &Path) -> Result<File> {
    let mut file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(beside).with_context(|| {
            format!(
                "cannot make {}; the folder must be writable, or copy the review into one that is",
                beside.display()
            )
        })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let mut who = String::new();
            let _ = file.read_to_string(&mut who);
            // Some systems let nobody read what is locked.
            let who = if who.is_empty() { "it does not say which".to_owned() } else { who.escape_debug().to_string() };
            bail!("the review is open in another onse ({who}); close that one first: {}", path.display())
        }
        Err(TryLockError::Error(error)) => Err(unlockable(beside, error)),
    }
}

/// A disk without locks, as a network share may be: the review is not opened for writing, since two might write it (fault matrix
/// row F03).
fn unlockable(beside: &Path, error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!(
        "cannot lock {}; a review is not opened for writing without a lock, and some network shares have none. Copy the review into \
         a folder on a disk of this machine",
        beside.display()
    ))
}

/// Whether the path still leads to this very file.
#[cfg(unix)]
fn leads_to(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(there), Ok(here)) = (std::fs::metadata(path), file.metadata()) else { return false };
    (there.dev(), there.ino()) == (here.dev(), here.ino())
}

/// Elsewhere an open file keeps its name.
#[cfg(not(unix))]
fn leads_to(path: &Path, _: &File) -> bool {
    path.exists()
}

/// Host, process and time, as another process is told.
fn me() -> String {
    let host = std::env::var("HOSTNAME").or_else(|_| std::fs::read_to_string("/etc/hostname")).unwrap_or_default();
    let host = match host.trim() {
        "" => "this machine",
        name => name,
    };
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    format!("{host}, process {}, since {now}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f03_a_disk_without_locks_is_explained_with_another_folder() {
        let said = format!("{:#}", unlockable(Path::new("q.review-lock"), std::io::ErrorKind::Unsupported.into()));
        for part in
            ["cannot lock q.review-lock", "not opened for writing without a lock", "network shares", "unsupported"]
        {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(said.contains("Copy the review into a folder on a disk of this machine"), "{said}");
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_whose_name_was_taken_away_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (review, beside) = (folder.path().join("q.review"), folder.path().join("q.review-lock"));
        let first = lock(&review, &beside).unwrap();
        assert!(leads_to(&beside, &first));
        std::fs::remove_file(&beside).unwrap();
        assert!(!leads_to(&beside, &first), "gone");
        let second = lock(&review, &beside).unwrap();
        assert!(leads_to(&beside, &second) && !leads_to(&beside, &first), "another file of that name");
    }

    /// Many threads take and give back one hold; never do two have it.
    #[test]
    fn never_do_two_hold_one_review() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("q.review");
        let (holding, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        let Ok(hold) = Holder::take(&path) else { continue };
                        assert_eq!(holding.fetch_add(1, Ordering::SeqCst), 0, "two hold it");
                        std::thread::yield_now();
                        holding.fetch_sub(1, Ordering::SeqCst);
                        taken.fetch_add(1, Ordering::SeqCst);
                        drop(hold);
                    }
                });
            }
        });
        assert!(taken.load(Ordering::SeqCst) > 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no lock file is left");
    }
}
