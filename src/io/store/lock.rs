//! One writer per review file. The hold is an operating system lock on a small file beside it, so it ends with the process
//! that has it, however that ends; the file's text says who that is.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// The hold of this process on a review file; given back on drop.
#[derive(Debug)]
pub struct Holder {
    file: Option<File>,
    path: PathBuf,
}

impl Holder {
    /// Takes hold of the review file at `path`. Fails naming the process that has it.
    pub fn take(path: &Path) -> Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push("-lock");
        let beside = PathBuf::from(beside);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&beside)
            .with_context(|| format!("cannot make {}; the folder must be writable", beside.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut who = String::new();
                let _ = file.read_to_string(&mut who);
                bail!("{} is open in another onse ({}); close that one first", path.display(), who.trim());
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| {
                    format!("cannot lock {}; a review is not opened for writing without a lock", beside.display())
                });
            }
        }
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "process {}", std::process::id())?;
        Ok(Self { file: Some(file), path: beside })
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The name goes first, while the lock still keeps others from making it theirs.
        let _ = std::fs::remove_file(&self.path);
        self.file = None;
    }
}
