//! Writing settings and secrets: something added at the end of a file, or a new one, and every byte that stood there before kept.
//!
//! All is written to a file of another name in the same folder, which is the owner's alone from its first byte and takes the place
//! of the old one once it is whole and on the disk. What is to be written is read as a program would read it before, by whoever
//! asks for it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// A file that was not written; it is what it was.
#[derive(Debug)]
pub struct NotKept {
    /// The file.
    pub file: PathBuf,
    /// Why, as the end of a sentence.
    pub why: String,
}

impl std::fmt::Display for NotKept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} was not written, and is as it was: {}", self.file.display(), self.why)
    }
}

impl std::error::Error for NotKept {}

/// Puts `after` in the place of `before`, which is what was read from the file; `None` where there was no file, which is then made
/// with mode 0600, in a folder that is made with mode 0700 where there is none. A file that was there keeps its mode.
///
/// Where the path is a link, the file it leads to is replaced. Fails, with the file as it was, where it changed meanwhile or the
/// disk refuses.
pub fn keep(path: &Path, before: Option<&[u8]>, after: &[u8]) -> Result<(), NotKept> {
    put(path, before, after).map_err(|error| NotKept { file: path.to_owned(), why: error.to_string() })
}

/// The same for secrets, which are not written where a link leads.
pub fn keep_here(path: &Path, before: Option<&[u8]>, after: &[u8]) -> Result<(), NotKept> {
    no_link(path)?;
    keep(path, before, after)
}

/// Fails where the path is a link: whoever made it would decide where secrets lie (fault matrix row F18).
pub fn no_link(path: &Path) -> Result<(), NotKept> {
    if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
        let why = "it is a link, and secrets are not written through one".to_owned();
        return Err(NotKept { file: path.to_owned(), why });
    }
    Ok(())
}

fn put(path: &Path, before: Option<&[u8]>, after: &[u8]) -> io::Result<()> {
    let link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
    let file = if link { path.canonicalize()? } else { path.to_owned() };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if before.is_none() {
        private_folder().recursive(true).create(folder)?;
    }
    same(&file, before)?;
    let temp = temporary(&file)?;
    let made = whole(&temp, before.map(|_| file.as_path()), after).and_then(|()| {
        same(&file, before)?;
        match before {
            Some(_) => fs::rename(&temp, &file),
            // Takes no other file's place, should one have come up just now.
            None => fs::hard_link(&temp, &file).or_else(|error| match error.kind() {
                ErrorKind::AlreadyExists => Err(error),
                // Some disks have no links.
                _ => fs::rename(&temp, &file),
            }),
        }
    });
    if made.is_err() || before.is_none() {
        let _ = fs::remove_file(&temp);
    }
    made?;
    #[cfg(unix)]
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Fails where the file is another than was read.
fn same(file: &Path, before: Option<&[u8]>) -> io::Result<()> {
    let meanwhile = |what: &str| Err(io::Error::other(format!("{what} meanwhile")));
    match (fs::read(file), before) {
        (Ok(now), Some(before)) if now == before => Ok(()),
        (Ok(_), Some(_)) => meanwhile("it was changed by somebody else"),
        (Ok(_), None) => meanwhile("it was made by somebody else"),
        (Err(error), None) if error.kind() == ErrorKind::NotFound => Ok(()),
        (Err(error), _) => Err(error),
    }
}

/// Writes all of a new file and has it on the disk, for the same people as the old one.
fn whole(temp: &Path, old: Option<&Path>, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(temp)?;
    if let Some(old) = old {
        file.set_permissions(fs::metadata(old)?.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// A new empty file beside this one, the owner's alone.
fn temporary(file: &Path) -> io::Result<PathBuf> {
    let name = file.file_name().ok_or_else(|| io::Error::other("this is no name of a file"))?;
    for number in 1..100 {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".onse-{number}.tmp"));
        let path = file.with_file_name(hidden);
        match private_file().open(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many files of earlier tries lie beside it (.onse-*.tmp); delete them"))
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private_folder() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix gives it a mode"))]
    let mut folder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder
}

/// The folder of the repository (git, Mercurial, Subversion) a file lies in or would lie in, where a commit may take it along
/// (fault matrix row X08). Links are followed, since it is the real place that is committed.
pub fn repository(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    let above = folder.ancestors().find(|folder| folder.exists()).filter(|folder| !folder.as_os_str().is_empty());
    let real = above.unwrap_or(Path::new(".")).canonicalize().ok()?;
    let holds = |folder: &&Path| [".git", ".hg", ".svn"].iter().any(|name| folder.join(name).exists());
    real.ancestors().find(holds).map(Path::to_owned)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_file_is_the_owners_alone_and_an_old_one_keeps_its_mode() {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a/b/config.toml");
        keep(&file, None, b"one\n").unwrap();
        assert_eq!([mode(&file), mode(file.parent().unwrap()), mode(&home.path().join("a"))], [0o600, 0o700, 0o700]);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        keep(&file, Some(b"one\n"), b"one\ntwo\n").unwrap();
        assert_eq!((fs::read(&file).unwrap().as_slice(), mode(&file)), (&b"one\ntwo\n"[..], 0o640));
        let link = home.path().join("link.toml");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        keep(&link, Some(b"one\ntwo\n"), b"three\n").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"three\n");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn f18_secrets_stay_out_of_links() {
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("elsewhere"), home.path().join("secrets.toml"));
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(keep_here(&link, None, b"new").unwrap_err().why.contains("is a link") && !file.exists());
        fs::write(&file, "old").unwrap();
        assert!(keep_here(&link, Some(b"old"), b"new").is_err());
        assert!(fs::read(&file).unwrap() == b"old" && link.symlink_metadata().unwrap().is_symlink());
        keep_here(&file, Some(b"old"), b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.toml");
        fs::write(&file, "theirs").unwrap();
        for before in [None, Some(&b"ours"[..])] {
            let error = keep(&file, before, b"new").unwrap_err().to_string();
            assert!(error.contains("config.toml was not written, and is as it was: it was "), "{error}");
        }
        assert_eq!(fs::read(&file).unwrap(), b"theirs");
        fs::remove_file(&file).unwrap();
        assert!(keep(&file, Some(b"ours"), b"new").unwrap_err().why.contains("No such file"));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_an_earlier_try_left_lies_where_it_was_and_is_never_taken_for_the_file() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.toml");
        let left = |number: usize| home.path().join(format!(".config.toml.onse-{number}.tmp"));
        for number in 1..99 {
            fs::write(left(number), "half").unwrap();
        }
        keep(&file, None, b"one").unwrap();
        keep(&file, Some(b"one"), b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert!((1..99).all(|number| fs::read(left(number)).unwrap() == b"half"));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 99, "nothing of this try is left");
        fs::write(left(99), "half").unwrap();
        let error = keep(&file, Some(b"two"), b"three").unwrap_err().to_string();
        assert!(error.contains("is as it was: too many files of earlier tries lie beside it"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), b"two");
    }

    #[test]
    fn x08_a_file_in_a_repository_is_noticed_wherever_in_it() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let file = home.join("work/deep/secrets.toml");
        assert_eq!(repository(&file), None);
        for (folder, kind) in [("work", ".git"), ("hg", ".hg"), ("svn", ".svn")] {
            fs::create_dir_all(home.join(folder).join(kind)).unwrap();
            assert_eq!(repository(&home.join(folder).join("deep/secrets.toml")), Some(home.join(folder)), "{kind}");
        }
        // A work tree elsewhere has a file in the place of the folder.
        fs::create_dir(home.join("tree")).unwrap();
        fs::write(home.join("tree/.git"), "gitdir: elsewhere").unwrap();
        std::os::unix::fs::symlink(home.join("tree"), home.join("link")).unwrap();
        assert_eq!(repository(&home.join("link/secrets.toml")), Some(home.join("tree")));
    }
}
