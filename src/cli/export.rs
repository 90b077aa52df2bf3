//! `onse export`: a review to a file, its kind by the ending of the name. Never overwrites one, and leaves none behind that is not
//! whole. Reads the review and changes nothing in it.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow};

use super::{
    args,
    exit::{Exit, usage},
    here::Here,
    out::{Out, say},
    show::found,
    viewed::Viewed,
};
use crate::{
    domain::{
        plan::{Cell, Kind},
        text::inert,
    },
    io::store::Store,
    job::{
        session::{Opened, opened},
        signoff::Report,
    },
};

/// Most names that are tried beside the one asked for.
const MOST_NAMES: u32 = 9_999;
/// Most times a review is read for a report while somebody writes to it.
const MOST_READINGS: u32 = 5;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Xlsx,
    Json,
    Html,
    Markdown,
}

impl Format {
    /// By the ending of a name, in capitals or not.
    fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match ending.as_str() {
            "csv" => Self::Csv,
            "xlsx" => Self::Xlsx,
            "json" => Self::Json,
            "html" => Self::Html,
            "md" => Self::Markdown,
            _ => return None,
        })
    }

    /// Whether it is the report, which is of a whole review.
    fn is_report(self) -> bool {
        matches!(self, Self::Html | Self::Markdown)
    }
}

pub(super) fn export(here: &Here, args: &args::Export, out: &mut Out) -> Result<Exit> {
    let to = &args.to;
    let format = Format::of(to).ok_or_else(|| {
        usage(format!(
            "what {} is to hold is told by its ending, and that is none of .csv .xlsx .html .md .json",
            to.display()
        ))
    })?;
    if format.is_report() && (args.filter.is_some() || args.all) {
        return Err(usage(
            "a report is of the whole review: --where and --all go with .csv and .xlsx, --where with .json too",
        ));
    }
    let written = if format.is_report() {
        let file = &args.file;
        let mark = || Ok(Store::read_only_trail(file)?.mark());
        let report = at_rest(mark, || read(here, file), |whole| whole.trail.mark())
            .with_context(|| format!("no report of {} was written", file.display()))?;
        keep(to, &mut |file| report.write(format, file))?
    } else {
        cells(args, format)?
    };
    if let Some(why) = numbered_why(to, &written) {
        say(&why);
    }
    writeln!(out, "{}", inert(&written.display().to_string()))?;
    Ok(Exit::Done)
}

/// What is to be said where the name asked for was taken.
fn numbered_why(to: &Path, written: &Path) -> Option<String> {
    (to != written).then(|| format!("{} exists already, so it is in {}", to.display(), written.display()))
}

/// Writes the cells asked for.
fn cells(args: &args::Export, format: Format) -> Result<PathBuf> {
    let file = &args.file;
    let opened = opened(Store::read_only(file)?)?;
    let Opened { plan, ledger, .. } = &opened;
    let asks = |cell: &Cell| plan.kind(*cell) == Kind::Change || plan.may_be_zero(*cell);
    let cells: Vec<Cell> = match &args.filter {
        Some(filter) => found(filter, plan, ledger, |_| true),
        None if args.all || format == Format::Json => plan.cells().collect(),
        None => plan.cells().filter(asks).collect(),
    };
    let behind = format != Format::Csv;
    let viewed = Viewed::of(file, opened, behind, behind)?;
    let view = viewed.view(&cells);
    keep(&args.to, &mut |to| match format {
        Format::Csv => view.csv(to),
        Format::Xlsx => view.xlsx(to),
        _ => view.json(to).and_then(|()| writeln!(to)),
    })
}

/// All that a report is made of.
struct Whole {
    name: String,
    id: Option<String>,
    opened: Opened,
    entries: Vec<crate::domain::ledger::Entry>,
    trail: crate::io::store::Trail,
    parts: BTreeMap<(u32, String), Vec<crate::domain::total::Part>>,
    history: BTreeMap<(u32, String), crate::domain::history::Sheet>,
    earlier: BTreeMap<(u32, Cell), Vec<crate::domain::flags::Flag>>,
    made_at: String,
}

/// What is read while nobody writes: its mark is the one that stood before, else it is read again. A report whose lists are older than
/// its mark would be signed for more than it shows.
fn at_rest<T>(
    before: impl Fn() -> Result<String>,
    mut read: impl FnMut() -> Result<T>,
    after: impl Fn(&T) -> String,
) -> Result<T> {
    for _ in 0..MOST_READINGS {
        let mark = before()?;
        let whole = read()?;
        if after(&whole) == mark {
            return Ok(whole);
        }
    }
    Err(anyhow!("somebody writes to the review at this moment; export again once that has ended"))
}

/// The trail is read last.
fn read(here: &Here, file: &Path) -> Result<Whole> {
    let loaded = Store::read_only(file)?;
    let entries = loaded.entries.clone();
    let opened = opened(loaded)?;
    let generation = opened.plan.head.generation;
    Ok(Whole {
        name: file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        id: Store::id(file)?,
        entries,
        parts: Store::read_only_parts(file, generation)?,
        history: Store::read_only_history(file, generation)?,
        earlier: Store::read_only_flags(file, generation)?,
        trail: Store::read_only_trail(file)?,
        made_at: (here.clock)().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        opened,
    })
}

impl Whole {
    fn write(&self, format: Format, to: &mut dyn Write) -> io::Result<()> {
        let Opened { plan, ledger, forms, elsewhere, submitted, .. } = &self.opened;
        let report = Report {
            file: &self.name,
            id: self.id.as_deref(),
            plan,
            ledger,
            forms,
            elsewhere,
            submitted: submitted.as_ref(),
            entries: &self.entries,
            trail: &self.trail,
            parts: &self.parts,
            history: &self.history,
            earlier: &self.earlier,
            made_at: &self.made_at,
            program: concat!("onse ", env!("ONSE_VERSION")),
        };
        if format == Format::Html { report.html(to) } else { report.markdown(to) }
    }
}

/// Writes a file of this name, or of the next one that is free, and answers which. It has its name only once it is whole; where it
/// cannot be written nothing is left.
fn keep(to: &Path, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> Result<PathBuf> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(anyhow!("{} is no folder; no file was written", folder.display()));
    }
    let (part, file) = begun(to).with_context(|| left_nothing(to))?;
    let whole = filled(file, write).and_then(|()| name(&part, to));
    if !matches!(whole, Ok((_, true))) {
        fs::remove_file(&part).with_context(|| format!("{} cannot be taken away again", part.display()))?;
    }
    whole.map(|(path, _)| path).with_context(|| left_nothing(to))
}

fn left_nothing(to: &Path) -> String {
    format!("cannot write {}, and nothing of it was left", to.display())
}

/// A file beside the one that is to be, of a name that nothing has.
fn begun(to: &Path) -> io::Result<(PathBuf, File)> {
    for number in 0..=MOST_NAMES {
        let mut name = OsString::from(".");
        name.push(to.file_name().unwrap_or_default());
        name.push(format!(".{}-{number}.part", std::process::id()));
        let part = to.with_file_name(name);
        match File::create_new(&part) {
            Ok(file) => return Ok((part, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn filled(file: File, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut to = BufWriter::new(file);
    write(&mut to)?;
    to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Gives a whole file the first name that is free (fault matrix row F21), and says which, and whether it lost its own by that.
fn name(part: &Path, to: &Path) -> io::Result<(PathBuf, bool)> {
    for number in 1..=MOST_NAMES {
        let path = numbered(to, number);
        match fs::hard_link(part, &path) {
            Ok(()) => return Ok((path, false)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            // A file system without links: the name is taken first, so that nobody's file is in its place.
            Err(_) => {}
        }
        match File::create_new(&path) {
            Ok(_) => {
                return fs::rename(part, &path).map(|()| (path.clone(), true)).inspect_err(|_| {
                    let _ = fs::remove_file(&path);
                });
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// `report.html`, then `report-2.html` and so on.
fn numbered(to: &Path, number: u32) -> PathBuf {
    if number < 2 {
        return to.to_owned();
    }
    let mut name = to.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}."));
    name.push(to.extension().unwrap_or_default());
    to.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_what_is_written() {
        let of = |name: &str| Format::of(Path::new(name));
        assert_eq!([of("a.csv"), of("a.XLSX")], [Some(Format::Csv), Some(Format::Xlsx)]);
        assert_eq!([of("a.Json"), of("b/a.HTML")], [Some(Format::Json), Some(Format::Html)]);
        assert_eq!(of("q.review.md"), Some(Format::Markdown));
        for name in ["a", "a.htm", "a.html.gz", ".html", "", "a.html/..", "a."] {
            assert_eq!(of(name), None, "{name}");
        }
    }

    #[test]
    fn f21_a_name_that_is_taken_gets_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("my report.v1.html");
        let written = |text: &str| {
            let path = keep(&to, &mut |file| file.write_all(text.as_bytes())).unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
        };
        let named = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let (a, b) = (Path::new("q.xlsx"), Path::new("q-2.xlsx"));
        assert_eq!(numbered_why(a, b).unwrap(), "q.xlsx exists already, so it is in q-2.xlsx");
        assert_eq!(numbered_why(a, a), None);
        assert_eq!(written("a"), named("my report.v1.html", "a"));
        assert_eq!(written("b"), named("my report.v1-2.html", "b"));
        fs::create_dir(folder.path().join("my report.v1-3.html")).unwrap();
        assert_eq!(written("c"), named("my report.v1-4.html", "c"));
        assert_eq!(fs::read_to_string(&to).unwrap(), "a", "the first one is as it was");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "nothing else is left");
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("report.md");
        let full = |file: &mut dyn Write| {
            file.write_all(&vec![b'x'; 100_000])?;
            Err(io::Error::from(ErrorKind::StorageFull))
        };
        let error = format!("{:#}", keep(&to, &mut { full }).unwrap_err());
        assert!(error.contains("report.md") && error.contains("nothing of it was left"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let missing = folder.path().join("none").join("report.md");
        let error = keep(&missing, &mut |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("is no folder; no file was written"), "{error}");
        assert!(!folder.path().join("none").exists());
    }

    /// Whoever kills it while it writes finds nothing under its name, and what is left beside it is in nobody's way.
    #[test]
    fn k14_a_report_has_its_name_only_once_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("report.html");
        let killed = |file: &mut dyn Write| {
            file.write_all(&vec![b'x'; 100_000])?;
            file.flush()?;
            assert!(!to.exists() && fs::read_dir(folder.path()).unwrap().count() == 1, "half of it has its name");
            // As when the process ends here: nothing more is done to the disk.
            std::panic::resume_unwind(Box::new(()))
        };
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| keep(&to, &mut { killed }).is_ok()));
        assert!(ended.is_err() && !to.exists());
        let part = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        assert_eq!(part.extension().and_then(std::ffi::OsStr::to_str), Some("part"));
        let path = keep(&to, &mut |file| file.write_all(b"whole")).unwrap();
        assert_eq!((path.as_path(), fs::read(&to).unwrap().as_slice()), (to.as_path(), &b"whole"[..]));
        assert_eq!(fs::metadata(part).unwrap().len(), 100_000);
    }

    #[test]
    fn a_report_is_of_one_moment() {
        // The review as its writer leaves it: a mark, moved on while it is read as often as given.
        let told = |moves: u32| {
            let (at, left) = (std::cell::Cell::new(0), std::cell::Cell::new(moves));
            let read = || {
                let seen = at.get();
                if left.get() > 0 {
                    left.set(left.get() - 1);
                    at.set(seen + 1);
                }
                Ok((seen, at.get()))
            };
            at_rest(|| Ok(at.get().to_string()), read, |(_, mark)| mark.to_string())
        };
        assert_eq!(told(0).unwrap(), (0, 0));
        assert_eq!(told(2).unwrap(), (2, 2), "its lists are as new as its mark");
        assert_eq!(told(MOST_READINGS - 1).unwrap(), (MOST_READINGS - 1, MOST_READINGS - 1));
        let error = told(MOST_READINGS).unwrap_err().to_string();
        assert!(error.contains("somebody writes") && error.contains("export again"), "{error}");
    }

    #[test]
    fn f21_many_at_once_take_a_name_each() {
        let folder = tempfile::tempdir().unwrap();
        let to = &folder.path().join("r.csv");
        let paths: Vec<PathBuf> = std::thread::scope(|scope| {
            let one = |n: usize| scope.spawn(move || keep(to, &mut |file| write!(file, "{n}")).unwrap());
            let all: Vec<_> = (0..8).map(one).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        for (n, path) in paths.iter().enumerate() {
            assert_eq!(fs::read_to_string(path).unwrap(), n.to_string());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 8);
    }
}
