//! The review files that were written with `-o` outside the data folder, so that `onse history` lists them too: a file in the data
//! folder with a path in a line, each as a JSON text. It only helps to find them, so nothing depends on it, and no run fails for it.

use std::{
    collections::BTreeSet,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::private;
use crate::io::config::keep;

/// The name of the file, beside the folders of projects.
const NAME: &str = "elsewhere";

/// Remembers a review file that was written, unless it lies where `onse history` looks anyway. `reviews` is that folder.
pub(super) fn remember(reviews: &Path, file: &Path) {
    if let Err(error) = added(reviews, file) {
        tracing::info!("onse history will not list {}: {error}", file.display());
    }
}

fn added(reviews: &Path, file: &Path) -> io::Result<()> {
    let path = std::path::absolute(file)?;
    let above = path.canonicalize()?.ancestors().nth(2).map(Path::to_owned);
    let ours = reviews.canonicalize().ok();
    if (ours.is_some() && above == ours) || listed(reviews).contains(&path) {
        return Ok(());
    }
    let Some(text) = path.to_str() else { return Err(io::Error::other("its path is no text")) };
    private::folders(reviews)?;
    // At the end and in one piece, so that two programs at once lose nothing of each other.
    private::log(&reviews.join(NAME))?.write_all(line(text).as_bytes())
}

fn line(path: &str) -> String {
    format!("{}\n", serde_json::Value::from(path))
}

/// What is remembered, sorted and each once. What cannot be read is passed over.
pub(super) fn listed(reviews: &Path) -> Vec<PathBuf> {
    parsed(&fs::read(reviews.join(NAME)).unwrap_or_default())
}

fn parsed(bytes: &[u8]) -> Vec<PathBuf> {
    let lines = bytes.split(|byte| *byte == b'\n');
    let paths: BTreeSet<PathBuf> = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    paths.into_iter().filter(|path| path.is_absolute()).collect()
}

/// Whether nothing is there any more. What may not be looked at is not gone.
pub(super) fn is_gone(file: &Path) -> bool {
    matches!(file.try_exists(), Ok(false))
}

/// Drops the files that are gone, and says which. Fails, with all of them kept, where the list cannot be written.
pub(super) fn forget(reviews: &Path) -> Result<Vec<PathBuf>> {
    let path = reviews.join(NAME);
    let before = match fs::read(&path) {
        Ok(before) => before,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let (gone, left): (Vec<PathBuf>, Vec<PathBuf>) = parsed(&before).into_iter().partition(|file| is_gone(file));
    if !gone.is_empty() {
        let lines: Vec<String> = left.iter().filter_map(|file| file.to_str()).map(line).collect();
        keep(&path, Some(&before), lines.concat().as_bytes())?;
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_elsewhere_is_remembered_once_and_dropped_only_when_it_is_gone() {
        let home = tempfile::tempdir().unwrap();
        let reviews = home.path().join("data/reviews");
        let files = ["a b\n\u{e9}.review", "b.review", "data/reviews/p/c.review"].map(|name| home.path().join(name));
        fs::create_dir_all(reviews.join("p")).unwrap();
        for file in &files {
            fs::write(file, "").unwrap();
            remember(&reviews, file);
            remember(&reviews, file);
        }
        assert_eq!(listed(&reviews), files[..2], "what lies in the data folder is listed anyway");
        assert_eq!(fs::read_to_string(reviews.join(NAME)).unwrap().lines().count(), 2);
        assert_eq!(forget(&reviews).unwrap(), Vec::<PathBuf>::new());
        fs::remove_file(&files[0]).unwrap();
        assert!(is_gone(&files[0]) && !is_gone(&files[1]));
        assert_eq!(listed(&reviews).len(), 2, "nothing is dropped unasked");
        assert_eq!(forget(&reviews).unwrap(), files[..1]);
        assert_eq!(listed(&reviews), files[1..2]);
        // What is no path is passed over, and so is a file that was never written.
        fs::write(reviews.join(NAME), "{\n\"rel.review\"\n\u{0}\n").unwrap();
        remember(&reviews, &home.path().join("never.review"));
        assert_eq!((listed(&reviews), forget(&reviews).unwrap()), (vec![], vec![]));
    }
}
