//! Writing the mapping file: the old file or the new one, never a part of either, and a copy of the old one beside it (fault matrix
//! rows M17, M18, M19 and K16). What is to be written is `domain::mapping`.
//!
//! All is written to a file of another name in the same folder, `.NAME.onse-STAMP.tmp`, which takes the place of the old one once it
//! is whole and on the disk. A crash leaves such a file behind; nobody reads it, and it may be deleted.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

mod holder;

/// A mapping file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The file.
    pub file: PathBuf,
    /// The copy of what stood in it before; `None` where there was no file.
    pub copy: Option<PathBuf>,
}

/// A mapping file that was not written; it is what it was.
#[derive(Debug)]
pub struct NotSaved {
    /// Why, and what to do, in sentences.
    pub why: String,
    /// Where the new content stands instead; `None` where it could not be kept.
    pub beside: Option<PathBuf>,
}

impl fmt::Display for NotSaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        match &self.beside {
            Some(path) => write!(f, " The new content stands in {}.", path.display()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for NotSaved {}

/// What is about to be done to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Opening the file for writing, without writing to it, and reading it.
    Look,
    /// Something about the new content.
    New(Act),
    /// Something about the copy of the old content.
    Copy(Act),
    /// Having the folder's names on the disk.
    SyncFolder,
    /// Reading the file once more.
    LookAgain,
    /// Something about the new content that is kept beside the file.
    Beside(Act),
}

/// What is about to be done to a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Making it, empty, under a name that nobody reads.
    Make,
    /// Writing the first half of it.
    Write,
    /// Writing the rest of it.
    WriteRest,
    /// Having it on the disk.
    Sync,
    /// Giving it its name.
    Name,
}

/// Asked before every step. An error of it is the error of the step.
pub type Gate<'g> = &'g dyn Fn(Step) -> io::Result<()>;

/// Puts `after` in the place of `before`, which is what was read from the file; `None` where there was no file, which is then made.
/// `stamp` is the time for the names of copies, such as `20260712-0941`.
///
/// Where the path is a link, the file it leads to is replaced. Fails, with the file as it was and the new content kept beside it,
/// where somebody has the file open or changed it since, where it may not be written, and where the disk fails.
pub fn save(path: &Path, before: Option<&[u8]>, after: &[u8], stamp: &str) -> Result<Saved, NotSaved> {
    save_at(path, before, after, stamp, &|_| Ok(()))
}

/// The same as [`save`], stopping where `gate` says so.
pub fn save_at(
    path: &Path,
    before: Option<&[u8]>,
    after: &[u8],
    stamp: &str,
    gate: Gate<'_>,
) -> Result<Saved, NotSaved> {
    let (file, lost) = match real(path) {
        Ok(file) => (file, None),
        Err(error) => (path.to_owned(), Some(Refusal::failed("the link leads nowhere", &error))),
    };
    let mut saving = Saving { path, file, stamp, gate, made: Vec::new() };
    let done = lost.map_or_else(|| saving.replace(before, after), Err);
    match done {
        Ok(copy) => Ok(Saved { file: path.to_owned(), copy }),
        Err(refusal) => {
            saving.clear();
            Err(saving.refused(&refusal, after))
        }
    }
}

/// The file a link leads to; else the path itself.
fn real(path: &Path) -> io::Result<PathBuf> {
    let link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
    if link { path.canonicalize() } else { Ok(path.to_owned()) }
}

/// Why the file was not written, and what to do; whole sentences or the ends of such.
struct Refusal {
    /// What comes after the name of the file.
    why: String,
    /// What to do.
    next: String,
    /// Whether the file that is there now is to be compared with the new content.
    compare: bool,
}

impl Refusal {
    fn new(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { why: why.into(), next: next.into(), compare: false }
    }

    fn failed(what: &str, error: &io::Error) -> Self {
        Self::new(
            format!("was not written: {what}: {error}. What stood there stands there still."),
            format!("Mend that. {AGAIN}"),
        )
    }

    fn meanwhile(what: &str) -> Self {
        let why = format!("{what} since it was read, so it was not written and is as it was left.");
        Self { compare: true, ..Self::new(why, AGAIN) }
    }
}

/// How to go on.
const AGAIN: &str = "Run `onse data-sets` again: it reads the file as it is then.";
/// Most copies of one name and time; more is a sign that something runs wild.
const MOST: usize = 1000;

/// One file being written.
struct Saving<'a> {
    /// As it was named.
    path: &'a Path,
    /// Where it is.
    file: PathBuf,
    stamp: &'a str,
    gate: Gate<'a>,
    /// Files made so far that are of no use where this fails.
    made: Vec<PathBuf>,
}

impl Saving<'_> {
    /// Where the copy of the old content is.
    fn replace(&mut self, before: Option<&[u8]>, after: &[u8]) -> Result<Option<PathBuf>, Refusal> {
        let old = self.look(before, Step::Look)?;
        let temp = self.put(after, old.as_ref(), Step::New)?;
        let copy = match before {
            Some(before) => Some(self.copy(before, old.as_ref())?),
            None => None,
        };
        self.sync_folder();
        self.look(before, Step::LookAgain)?;
        let cannot = |error: io::Error| Refusal::failed("it cannot be replaced", &error);
        (self.gate)(Step::New(Act::Name)).map_err(cannot)?;
        if before.is_some() {
            fs::rename(&temp, &self.file).map_err(cannot)?;
        } else {
            name_new(&temp, &self.file).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => Refusal::meanwhile("was made by somebody else"),
                _ => cannot(error),
            })?;
        }
        self.sync_folder();
        Ok(copy)
    }

    /// Whether the file may be written and is still `before`; what the disk says of it.
    fn look(&self, before: Option<&[u8]>, step: Step) -> Result<Option<Metadata>, Refusal> {
        for path in [self.path, &self.file] {
            if let Some(held) = holder::of(path) {
                let next = format!(
                    "Close it there. {AGAIN} Where nobody has it open, a crash left {}; delete that first.",
                    held.lock.display()
                );
                return Err(Refusal::new(format!("is open in {held}, so it was not written and is as it was."), next));
            }
        }
        let Some(before) = before else {
            (self.gate)(step).map_err(|error| Refusal::failed("it cannot be looked for", &error))?;
            return match self.file.symlink_metadata() {
                Ok(_) => Err(Refusal::meanwhile("was made by somebody else")),
                Err(_) => Ok(None),
            };
        };
        let found = (self.gate)(step).and_then(|()| self.file.metadata()).map_err(|error| closed(&error))?;
        if found.permissions().readonly() {
            let next = format!("Take that mark away, or ask who set it. {AGAIN}");
            return Err(Refusal::new("is marked as read-only, so it was not written and is as it was.", next));
        }
        let file = OpenOptions::new().read(true).write(true).open(&self.file).map_err(|error| closed(&error))?;
        let mut now = Vec::with_capacity(before.len() + 1);
        let most = u64::try_from(before.len()).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most).read_to_end(&mut now).map_err(|error| Refusal::failed("it cannot be read", &error))?;
        if now == before { Ok(Some(found)) } else { Err(Refusal::meanwhile("was changed by somebody else")) }
    }

    /// A file of another name with this content, whole and on the disk, which may be read and written by whom the old one may.
    fn put(&mut self, bytes: &[u8], old: Option<&Metadata>, step: fn(Act) -> Step) -> Result<PathBuf, Refusal> {
        let gate = self.gate;
        let made = gate(step(Act::Make)).and_then(|()| {
            let make = |path: &Path| OpenOptions::new().write(true).create_new(true).open(path);
            first_free(|number| self.named(".", &format!(".onse-{}{number}.tmp", self.stamp)), make)
        });
        let (temp, mut file) = made.map_err(|error| {
            let folder = folder(&self.file).display();
            Refusal::failed(&format!("no file can be made in its folder {folder}"), &error)
        })?;
        self.made.push(temp.clone());
        let mut write = || {
            if let Some(old) = old {
                permit(&file, old)?;
            }
            let (start, rest) = bytes.split_at(bytes.len() / 2);
            gate(step(Act::Write))?;
            file.write_all(start)?;
            gate(step(Act::WriteRest))?;
            file.write_all(rest)?;
            gate(step(Act::Sync))?;
            file.sync_all()
        };
        write().map_err(|error| Refusal::failed(&format!("{} cannot be written", temp.display()), &error))?;
        Ok(temp)
    }

    /// The copy of the old content, beside every older one.
    fn copy(&mut self, before: &[u8], old: Option<&Metadata>) -> Result<PathBuf, Refusal> {
        let temp = self.put(before, old, Step::Copy)?;
        let named = (self.gate)(Step::Copy(Act::Name))
            .and_then(|()| first_free(|number| self.beside("before", number), |name| name_new(&temp, name)));
        let (copy, ()) = named.map_err(|error| Refusal::failed("what stands there cannot be copied", &error))?;
        self.made.push(copy.clone());
        Ok(copy)
    }

    /// Keeps the new content under a name of its own.
    fn keep(&mut self, after: &[u8]) -> Result<PathBuf, Refusal> {
        let temp = self.put(after, None, Step::Beside)?;
        let named = (self.gate)(Step::Beside(Act::Name))
            .and_then(|()| first_free(|number| self.beside("suggested", number), |name| name_new(&temp, name)));
        let (kept, ()) = named.map_err(|error| Refusal::failed("it cannot be named", &error))?;
        self.sync_folder();
        Ok(kept)
    }

    fn refused(&mut self, refusal: &Refusal, after: &[u8]) -> NotSaved {
        let Refusal { why, next, compare } = refusal;
        let file = self.path.display();
        if let Ok(kept) = self.keep(after) {
            let compare = if *compare { "Compare the two files. " } else { "" };
            return NotSaved { why: format!("{file} {why} {compare}{next}"), beside: Some(kept) };
        }
        self.clear();
        let lost = "The new content could not be kept beside it either.";
        NotSaved { why: format!("{file} {why} {lost} {next}"), beside: None }
    }

    /// Takes away what was made in vain. What cannot be taken away has a name that says so.
    fn clear(&mut self) {
        for path in self.made.drain(..) {
            let _ = fs::remove_file(path);
        }
    }

    /// The file is whole either way, so a folder that cannot be synced stops nothing.
    fn sync_folder(&self) {
        let _ = (self.gate)(Step::SyncFolder);
        #[cfg(unix)]
        let _ = File::open(folder(&self.file)).and_then(|folder| folder.sync_all());
    }

    /// The path of the file with something before and behind its name.
    fn named(&self, before: &str, behind: &str) -> PathBuf {
        let mut name = OsString::from(before);
        name.push(self.file.file_name().unwrap_or_default());
        name.push(behind);
        self.file.with_file_name(name)
    }

    /// `case_property_map.WHAT-STAMP.csv`.
    fn beside(&self, what: &str, number: &str) -> PathBuf {
        let mut name = self.file.file_stem().unwrap_or_default().to_owned();
        name.push(format!(".{what}-{}{number}", self.stamp));
        if let Some(ending) = self.file.extension() {
            name.push(".");
            name.push(ending);
        }
        self.file.with_file_name(name)
    }
}

/// The folder of a file.
fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Why a file cannot be opened for writing.
fn closed(error: &io::Error) -> Refusal {
    // ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION: Excel lets nobody else write to what it shows.
    if cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33)) {
        let next = format!("Close it there, such as in Excel. {AGAIN}");
        return Refusal::new("is open in another program, so it was not written and is as it was.", next);
    }
    match error.kind() {
        ErrorKind::NotFound => {
            let next = format!("Put it back, or give the new content its name. {AGAIN}");
            Refusal::new("was moved or deleted since it was read, so it was not written.", next)
        }
        ErrorKind::PermissionDenied => {
            let next = format!("Close it in other programs, or ask for the right to write it. {AGAIN}");
            Refusal::new(format!("may not be written ({error}), so it is as it was."), next)
        }
        _ => Refusal::failed("it cannot be opened", error),
    }
}

/// What `take` makes of the first name that is free.
fn first_free<T>(name: impl Fn(&str) -> PathBuf, take: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    let mut path = name("");
    for number in 2..=MOST {
        match take(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => path = name(&format!("-{number}")),
            taken => return taken.map(|taken| (path, taken)),
        }
    }
    take(&path).map(|taken| (path, taken))
}

/// Gives a file another name, which nothing may have yet.
fn name_new(temp: &Path, name: &Path) -> io::Result<()> {
    match fs::hard_link(temp, name) {
        // A second name that stays is no harm.
        Ok(()) => {
            let _ = fs::remove_file(temp);
            Ok(())
        }
        // Not every file system has links. Between this look and the new name there is a moment, and no better way.
        Err(error) if error.kind() != ErrorKind::AlreadyExists && name.symlink_metadata().is_err() => {
            fs::rename(temp, name)
        }
        Err(error) => Err(error),
    }
}

/// Lets the same people read and write a new file as the old one.
fn permit(file: &File, old: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        // Only some may give files away; where this one may not, the file is theirs from now on, as if they had made it anew.
        let _ = fchown(file, None, Some(old.gid()));
        let _ = fchown(file, Some(old.uid()), None);
    }
    file.set_permissions(old.permissions())
}
