//! The review files that were written with `-o` outside the data folder, so that `onse history` lists them too: a file in the data
//! folder with a path in a line, each as a JSON text. It only helps to find them, so nothing depends on it, and no run fails for it.

use std::{
    collections::BTreeSet,
    fs::{File, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};

use super::private;
use crate::io::config::keep;

/// The name of the file, beside the folders of projects, of which none has a dot in its name.
const NAME: &str = "elsewhere.list";

/// The name of the empty file that is locked by whoever changes the list, which itself is replaced.
const LOCK: &str = "elsewhere.lock";

/// Times the list is tried to be had, and the pause between two: it is held for milliseconds.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// Most bytes of a list: more is no list that was written here.
const MOST: usize = 8 << 20;

/// Remembers a review file that was written, unless it lies where `onse history` looks anyway. `reviews` is that folder.
pub(super) fn remember(reviews: &Path, file: &Path) {
    if let Err(error) = added(reviews, file) {
        tracing::info!("onse history will not list {}: {error}", file.display());
    }
}

fn added(reviews: &Path, file: &Path) -> io::Result<()> {
    let path = real(file)?;
    let ours = real(reviews).ok();
    let among = ours.is_some() && path.ancestors().nth(2) == ours.as_deref();
    if among && is_review(&path) {
        return Ok(());
    }
    let Some(text) = path.to_str() else { return Err(io::Error::other("its path is no text")) };
    private::folders(reviews)?;
    let _lock = lock(reviews)?;
    let list = reviews.join(NAME);
    let before = content(&list)?;
    if parsed(&before).contains(&path) {
        return Ok(());
    }
    // A line that was cut short is not taken for the start of this one.
    let end = if before.is_empty() || before.ends_with(b"\n") { "" } else { "\n" };
    private::log(&list)?.write_all(format!("{end}{}", line(text)).as_bytes())
}

/// Whether it has the name of a review, which `onse history` looks for in the data folder.
pub(super) fn is_review(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "review")
}

/// The one path of a file, whatever links lead to it. Fails where nothing is there.
pub(super) fn real(file: &Path) -> io::Result<PathBuf> {
    let path = file.canonicalize()?;
    Ok(path.to_str().map(plain).map(PathBuf::from).unwrap_or(path))
}

/// A path of Windows as a person would type it, where it is short enough for one.
fn plain(path: &str) -> &str {
    let typed = path.strip_prefix(r"\\?\").filter(|rest| rest.get(1..3) == Some(r":\") && rest.len() < 250);
    typed.unwrap_or(path)
}

fn line(path: &str) -> String {
    format!("{}\n", serde_json::Value::from(path))
}

/// Holds the list until it is dropped, so that programs at once lose nothing of each other. Fails where another one, stopped in the
/// middle perhaps, does not let go of it.
fn lock(reviews: &Path) -> io::Result<File> {
    let path = reviews.join(LOCK);
    is_plain(&path)?;
    let file = private::log(&path)?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::other(format!("{} is held by another onse", path.display())))
}

/// Whether there is a file of this name. Fails where it is something else: a link would have another file written, and a pipe waits
/// for ever.
fn is_plain(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(found) if found.is_file() => Ok(true),
        Ok(_) => Err(io::Error::other(format!("{} is a link, or no plain file", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The bytes of the list; none where there is no list.
fn content(list: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if is_plain(list)? {
        File::open(list)?.take(MOST as u64 + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() > MOST {
        return Err(io::Error::other(format!("{} is too large for a list of paths", list.display())));
    }
    Ok(bytes)
}

/// What is remembered, sorted and each once. What cannot be read is passed over.
pub(super) fn listed(reviews: &Path) -> Vec<PathBuf> {
    parsed(&content(&reviews.join(NAME)).unwrap_or_default())
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
    let cannot = || format!("cannot change {}, so nothing was dropped", path.display());
    if !is_plain(&path).with_context(cannot)? {
        return Ok(Vec::new());
    }
    let _lock = lock(reviews).with_context(cannot)?;
    let before = content(&path).with_context(cannot)?;
    let (gone, left): (Vec<PathBuf>, Vec<PathBuf>) = parsed(&before).into_iter().partition(|file| is_gone(file));
    if !gone.is_empty() {
        let lines: Vec<String> = left.iter().filter_map(|file| file.to_str()).map(line).collect();
        keep(&path, Some(&before), lines.concat().as_bytes())?;
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_elsewhere_is_remembered_once_and_dropped_only_when_it_is_gone() {
        let (_folder, home, reviews) = home();
        let files = ["a b\n\u{e9}.review", "b.review", "data/reviews/p/c.review"].map(|name| home.join(name));
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
        remember(&reviews, &home.join("never.review"));
        assert_eq!((listed(&reviews), forget(&reviews).unwrap()), (vec![], vec![]));
    }

    #[test]
    fn only_what_is_named_a_review_is_found_in_the_data_folder_anyway() {
        let (_folder, _home, reviews) = home();
        let file = reviews.join("p/q2.onse");
        fs::write(&file, "").unwrap();
        remember(&reviews, &file);
        assert_eq!(listed(&reviews), [file]);
    }

    #[test]
    fn a_file_has_one_path_whichever_way_it_was_named() {
        let (_folder, home, reviews) = home();
        fs::create_dir(home.join("sub")).unwrap();
        fs::write(home.join("x.review"), "").unwrap();
        let mut ways = vec![home.join("x.review"), home.join("sub/../x.review")];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&home, home.join("link")).unwrap();
            ways.push(home.join("link/x.review"));
        }
        for way in ways.iter().rev() {
            remember(&reviews, way);
            assert_eq!(real(way).unwrap(), ways[0]);
        }
        assert_eq!(listed(&reviews), ways[..1]);
        fs::remove_dir(home.join("sub")).unwrap();
        assert!(!is_gone(&listed(&reviews)[0]), "the folder on the way is no part of it");
        for (path, typed) in [(r"\\?\C:\a.review", r"C:\a.review"), (r"\\?\UNC\h\a", r"\\?\UNC\h\a"), ("/a", "/a")] {
            assert_eq!(plain(path), typed);
        }
        let long = format!(r"\\?\C:\{}", "a".repeat(300));
        assert_eq!(plain(&long), long);
    }

    #[test]
    fn a_line_that_was_cut_short_takes_no_other_along() {
        let (_folder, home, reviews) = home();
        fs::write(reviews.join(NAME), "\"/home/gr").unwrap();
        let file = home.join("x.review");
        fs::write(&file, "").unwrap();
        remember(&reviews, &file);
        assert_eq!(listed(&reviews), [file]);
    }

    #[cfg(unix)]
    #[test]
    fn a_list_that_is_a_link_or_no_file_is_neither_read_nor_written() {
        let (_folder, home, reviews) = home();
        let (file, other, list) = (home.join("x.review"), home.join("other"), reviews.join(NAME));
        let text = "\"/gone.review\"\n";
        fs::write(&file, "").unwrap();
        fs::write(&other, text).unwrap();
        for name in [LOCK, NAME] {
            std::os::unix::fs::symlink(&other, reviews.join(name)).unwrap();
            remember(&reviews, &file);
            assert_eq!(listed(&reviews), Vec::<PathBuf>::new());
            assert_eq!(fs::read_to_string(&other).unwrap(), text, "{name}");
            if name == NAME {
                assert!(forget(&reviews).unwrap_err().to_string().contains("nothing was dropped"));
            }
            fs::remove_file(reviews.join(name)).unwrap();
        }
        assert!(std::process::Command::new("mkfifo").arg(&list).status().unwrap().success());
        remember(&reviews, &file);
        assert!(listed(&reviews).is_empty() && forget(&reviews).is_err());
        fs::remove_file(&list).unwrap();
        let sparse = File::create(&list).unwrap();
        sparse.set_len(MOST as u64 + 1).unwrap();
        remember(&reviews, &file);
        assert!(listed(&reviews).is_empty() && forget(&reviews).is_err());
        assert_eq!(sparse.metadata().unwrap().len(), MOST as u64 + 1);
    }

    #[test]
    fn programs_at_once_lose_nothing_of_each_other() {
        let (_folder, home, reviews) = home();
        let file = |name: &str, number: usize| {
            let file = home.join(format!("{name}{number}.review"));
            fs::write(&file, "").unwrap();
            remember(&reviews, &file);
            file
        };
        thread::scope(|scope| {
            scope.spawn(|| (0..200).for_each(|number| _ = file("kept", number)));
            for number in 0..20 {
                let gone = file("gone", number);
                fs::remove_file(&gone).unwrap();
                assert_eq!(forget(&reviews).unwrap(), [gone]);
            }
        });
        assert_eq!(listed(&reviews).len(), 200);
    }

    /// A folder by its one path, and the folder of reviews in it with one of a project.
    fn home() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let home = real(folder.path()).unwrap();
        let reviews = home.join("data/reviews");
        fs::create_dir_all(reviews.join("p")).unwrap();
        (folder, home, reviews)
    }

    #[test]
    fn a_list_that_somebody_holds_is_not_waited_for_without_end() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("q.review");
        fs::write(&file, "").unwrap();
        let reviews = home.path().join("reviews");
        fs::create_dir(&reviews).unwrap();
        let held = lock(&reviews).unwrap();
        assert!(added(&reviews, &file).unwrap_err().to_string().contains("held by another onse"));
        drop(held);
        added(&reviews, &file).unwrap();
        assert_eq!(listed(&reviews).len(), 1);
    }
}
