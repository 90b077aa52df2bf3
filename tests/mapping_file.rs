//! Writing the mapping file: locked, changed meanwhile, killed and failing at every step (fault matrix rows M17, M18, M19 and K16).
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test binary; a failure here is the test's answer")]

use std::{
    cell::RefCell,
    fs,
    io::{self, BufRead as _, BufReader, ErrorKind, Write as _},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use onse::{
    domain::mapping::Mapping,
    io::mapping::{Act, NotSaved, Saved, Step, save, save_at},
};
use tempfile::TempDir;

const OLD: &[u8] = b"case_property,data_element_id,data_set_id,dhis2_name\r\nbeds,asCqjKclllu,,Beds\r\n";
const NEW: &[u8] = b"case_property,data_element_id,data_set_id,dhis2_name\r\nbeds,asCqjKclllu,q1Es3k3sZem,Beds\r\n";
const THEIRS: &[u8] = b"case_property,data_element_id,data_set_id,dhis2_name\r\nbeds,asCqjKclllu,,Our beds\r\n";
const STAMP: &str = "20260712-0941";
const NAME: &str = "case_property_map.csv";
const COPY: &str = "case_property_map.before-20260712-0941.csv";
const BESIDE: &str = "case_property_map.suggested-20260712-0941.csv";
const TEMP: &str = ".case_property_map.csv.onse-20260712-0941.tmp";

/// A folder with a mapping file.
struct Place {
    folder: TempDir,
}

impl Place {
    fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn new() -> Self {
        let place = Self::empty();
        fs::write(place.at(NAME), OLD).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap_or_else(|error| panic!("{name}: {error}; there are {:?}", self.names()))
    }

    /// The names in it, in order.
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn save(&self) -> Result<Saved, NotSaved> {
        save(&self.at(NAME), Some(OLD), NEW, STAMP)
    }

    /// What a refused write says, after it was seen that the file is `stands`, and that the new content stands beside it and nothing
    /// else came to be.
    fn refused(&self, done: Result<Saved, NotSaved>, stands: &[u8], others: &[&str]) -> String {
        let refused = done.unwrap_err();
        assert_eq!(self.read(NAME), stands);
        assert_eq!(self.read(BESIDE), NEW);
        assert_eq!(refused.beside, Some(self.at(BESIDE)));
        let mut names = [others, &[BESIDE, NAME]].concat();
        names.sort_unstable();
        assert_eq!(self.names(), names);
        let said = refused.to_string();
        let said = said.replace(&format!("{}{}", self.folder.path().display(), std::path::MAIN_SEPARATOR), "");
        assert!(said.starts_with("case_property_map.csv ") && said.contains("`onse data-sets`"), "{said}");
        assert!(said.ends_with(&format!(" The new content stands in {BESIDE}.")), "{said}");
        said
    }
}

/// All steps of a save, in their order.
fn steps(place: &Place, before: Option<&[u8]>) -> Vec<Step> {
    let steps = RefCell::new(Vec::new());
    let gate = |step| {
        steps.borrow_mut().push(step);
        Ok(())
    };
    let _ = save_at(&place.at(NAME), before, NEW, STAMP, &gate);
    steps.into_inner()
}

#[test]
fn the_file_is_replaced_and_its_old_content_stands_beside_it() {
    let place = Place::new();
    let saved = place.save().unwrap();
    assert_eq!(saved, Saved { file: place.at(NAME), copy: Some(place.at(COPY)) });
    assert_eq!((place.read(NAME).as_slice(), place.read(COPY).as_slice()), (NEW, OLD));
    assert_eq!(place.names(), [COPY, NAME]);
}

#[test]
fn no_older_copy_is_ever_overwritten() {
    let place = Place::new();
    fs::write(place.at(COPY), "mine").unwrap();
    fs::create_dir(place.at("case_property_map.before-20260712-0941-2.csv")).unwrap();
    assert_eq!(place.save().unwrap().copy, Some(place.at("case_property_map.before-20260712-0941-3.csv")));
    assert_eq!(place.read(COPY), b"mine");
    let back = save(&place.at(NAME), Some(NEW), OLD, STAMP).unwrap();
    assert_eq!(back.copy, Some(place.at("case_property_map.before-20260712-0941-4.csv")));
    assert_eq!(place.read("case_property_map.before-20260712-0941-3.csv"), OLD);
    assert_eq!(place.read("case_property_map.before-20260712-0941-4.csv"), NEW);
}

#[test]
fn a_file_of_any_name_is_written() {
    let place = Place::empty();
    for (name, copy) in [
        ("map", "map.before-20260712-0941"),
        ("my map.v2.TXT", "my map.v2.before-20260712-0941.TXT"),
        ("santé.csv", "santé.before-20260712-0941.csv"),
        (".map", ".map.before-20260712-0941"),
    ] {
        fs::write(place.at(name), OLD).unwrap();
        assert_eq!(save(&place.at(name), Some(OLD), NEW, STAMP).unwrap().copy, Some(place.at(copy)));
        assert_eq!((place.read(name).as_slice(), place.read(copy).as_slice()), (NEW, OLD));
    }
}

#[test]
fn an_empty_file_and_one_that_grows_are_written() {
    let place = Place::empty();
    fs::write(place.at(NAME), "").unwrap();
    let long = "x".repeat(3_000_000);
    save(&place.at(NAME), Some(b""), long.as_bytes(), STAMP).unwrap();
    assert_eq!(place.read(NAME), long.as_bytes());
    save(&place.at(NAME), Some(long.as_bytes()), b"", STAMP).unwrap();
    assert_eq!(place.read(NAME), b"");
}

#[test]
fn where_there_was_no_file_one_is_made() {
    let place = Place::empty();
    let saved = save(&place.at(NAME), None, NEW, STAMP).unwrap();
    assert_eq!(saved, Saved { file: place.at(NAME), copy: None });
    assert_eq!(place.names(), [NAME]);
    assert_eq!(place.read(NAME), NEW);
}

#[cfg(unix)]
#[test]
fn the_same_people_may_read_and_write_it_as_before() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    for mode in [0o600, 0o640, 0o664, 0o777] {
        let place = Place::new();
        fs::set_permissions(place.at(NAME), fs::Permissions::from_mode(mode)).unwrap();
        let before = fs::metadata(place.at(NAME)).unwrap();
        place.save().unwrap();
        for name in [NAME, COPY] {
            let after = fs::metadata(place.at(name)).unwrap();
            assert_eq!(after.mode() & 0o7777, mode, "{name}");
            assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()), "{name}");
        }
    }
}

#[cfg(unix)]
#[test]
fn of_a_link_the_file_it_leads_to_is_replaced() {
    use std::os::unix::fs::symlink;
    let (place, other) = (Place::new(), Place::empty());
    symlink(place.at(NAME), other.at("first")).unwrap();
    symlink("first", other.at("link.csv")).unwrap();
    let saved = save(&other.at("link.csv"), Some(OLD), NEW, STAMP).unwrap();
    let copy = saved.copy.unwrap();
    assert_eq!((saved.file, copy.file_name().unwrap().to_str()), (other.at("link.csv"), Some(COPY)));
    assert_eq!((place.read(NAME).as_slice(), place.read(COPY).as_slice()), (NEW, OLD));
    assert_eq!(
        (other.names(), place.names()),
        (vec!["first".into(), "link.csv".into()], vec![COPY.into(), NAME.into()])
    );
    assert!(other.at("link.csv").symlink_metadata().unwrap().is_symlink());
    // Somebody has the file open by its own name, or by that of the link.
    for lock in [place.at(&format!(".~lock.{NAME}#")), other.at(".~lock.link.csv#")] {
        fs::write(&lock, ",grace,,,;").unwrap();
        let refused = save(&other.at("link.csv"), Some(NEW), OLD, STAMP).unwrap_err();
        assert!(refused.why.contains(" is open in LibreOffice (grace), "), "{}", refused.why);
        assert_eq!(place.read(NAME), NEW);
        fs::remove_file(lock).unwrap();
    }
    symlink(other.at("nowhere"), other.at("lost.csv")).unwrap();
    for before in [Some(OLD), None] {
        let refused = save(&other.at("lost.csv"), before, NEW, STAMP).unwrap_err();
        assert!(refused.why.contains("the link leads nowhere"), "{}", refused.why);
        assert!(!other.at("nowhere").exists());
    }
}

#[test]
fn m17_a_file_open_in_a_spreadsheet_program_is_left_alone() {
    let place = Place::new();
    let lock = format!(".~lock.{NAME}#");
    fs::write(place.at(&lock), ",grace\u{1b}[2J,laptop,12.07.2026 09:41,file:///home/grace;").unwrap();
    assert_eq!(
        place.refused(place.save(), OLD, &[&lock]),
        format!(
            "{NAME} is open in LibreOffice (grace\\u{{1b}}[2J, laptop, since 12.07.2026 09:41), so it was not written and is as \
             it was. Close it there. Run `onse data-sets` again: it reads the file as it is then. Where nobody has it open, a \
             crash left {lock}; delete that first. The new content stands in {BESIDE}."
        )
    );
    let place = Place::new();
    let lock = format!("~${NAME}");
    fs::write(place.at(&lock), b"\x05Grace").unwrap();
    let said = place.refused(place.save(), OLD, &[&lock]);
    assert!(
        said.starts_with(&format!("{NAME} is open in Excel (Grace), so it was not written and is as it was.")),
        "{said}"
    );
    // It is opened while this one writes.
    let place = Place::new();
    let opens = |step| {
        if step == Step::SyncFolder && !place.at(&lock).exists() {
            fs::write(place.at(&lock), b"\x05Grace")?;
        }
        Ok(())
    };
    let done = save_at(&place.at(NAME), Some(OLD), NEW, STAMP, &opens);
    assert!(place.refused(done, OLD, &[&lock]).contains("open in Excel (Grace)"));
}

#[test]
fn m17_a_file_that_may_not_be_written_is_left_alone() {
    let place = Place::new();
    let mut marked = fs::metadata(place.at(NAME)).unwrap().permissions();
    marked.set_readonly(true);
    fs::set_permissions(place.at(NAME), marked).unwrap();
    let said = place.refused(place.save(), OLD, &[]);
    assert!(said.contains(" is marked as read-only, so it was not written and is as it was. "), "{said}");
    // What a file of somebody else says; this account may be allowed everything.
    for denied in [Step::Look, Step::LookAgain] {
        let place = Place::new();
        let gate = |step| if step == denied { Err(ErrorKind::PermissionDenied.into()) } else { Ok(()) };
        let said = place.refused(save_at(&place.at(NAME), Some(OLD), NEW, STAMP, &gate), OLD, &[]);
        assert!(said.contains(" may not be written (permission denied), so it is as it was. "), "{said}");
    }
}

#[test]
fn m17_a_folder_that_may_not_be_written_is_named() {
    let place = Place::new();
    let gate = |step| match step {
        Step::New(Act::Make) | Step::Beside(Act::Make) => Err(ErrorKind::PermissionDenied.into()),
        _ => Ok(()),
    };
    let refused = save_at(&place.at(NAME), Some(OLD), NEW, STAMP, &gate).unwrap_err();
    assert_eq!((refused.beside, place.names(), place.read(NAME).as_slice()), (None, vec![NAME.to_owned()], OLD));
    let folder = place.folder.path().display();
    let said = format!(
        "was not written: no file can be made in its folder {folder}: permission denied. What stood there stands there still. The \
         new content could not be kept beside it either. Mend that. Run `onse data-sets` again"
    );
    assert!(refused.why.contains(&said), "{}", refused.why);
    // A folder that is not there at all.
    let nowhere = place.at("nowhere").join(NAME);
    let refused = save(&nowhere, None, NEW, STAMP).unwrap_err();
    assert!(refused.beside.is_none() && refused.why.contains("no file can be made in its folder"), "{}", refused.why);
    assert!(!place.at("nowhere").exists());
}

#[test]
fn m18_a_file_changed_meanwhile_is_not_overwritten() {
    let place = Place::new();
    fs::write(place.at(NAME), THEIRS).unwrap();
    assert_eq!(
        place.refused(place.save(), THEIRS, &[]),
        format!(
            "{NAME} was changed by somebody else since it was read, so it was not written and is as it was left. Compare the two \
             files. Run `onse data-sets` again: it reads the file as it is then. The new content stands in {BESIDE}."
        )
    );
    // At the last moment, also where only the end differs, or nothing but more came.
    for theirs in [THEIRS, &OLD[..OLD.len() - 1], &[OLD, b"\n"].concat(), b""] {
        let place = Place::new();
        let gate = |step| if step == Step::LookAgain { fs::write(place.at(NAME), theirs) } else { Ok(()) };
        let said = place.refused(save_at(&place.at(NAME), Some(OLD), NEW, STAMP, &gate), theirs, &[]);
        assert!(said.contains(" was changed by somebody else since it was read"), "{said}");
    }
    // What was kept for somebody is not overwritten either.
    let place = Place::new();
    fs::write(place.at(NAME), THEIRS).unwrap();
    fs::write(place.at(BESIDE), "mine").unwrap();
    let beside = place.save().unwrap_err().beside.unwrap();
    assert_eq!(beside, place.at("case_property_map.suggested-20260712-0941-2.csv"));
    assert_eq!((fs::read(beside).unwrap().as_slice(), place.read(BESIDE).as_slice()), (NEW, &b"mine"[..]));
}

#[test]
fn m18_a_file_replaced_or_gone_meanwhile_is_told() {
    let place = Place::new();
    let gate = |step| {
        if step == Step::LookAgain {
            fs::write(place.at("theirs"), THEIRS)?;
            fs::rename(place.at("theirs"), place.at(NAME))?;
        }
        Ok(())
    };
    place.refused(save_at(&place.at(NAME), Some(OLD), NEW, STAMP, &gate), THEIRS, &[]);
    for gone in [Step::Look, Step::LookAgain] {
        let place = Place::new();
        let gate = |step| if step == gone { fs::remove_file(place.at(NAME)) } else { Ok(()) };
        let refused = save_at(&place.at(NAME), Some(OLD), NEW, STAMP, &gate).unwrap_err();
        assert!(
            refused.why.contains(" was moved or deleted since it was read, so it was not written. "),
            "{}",
            refused.why
        );
        assert_eq!((place.names(), place.read(BESIDE).as_slice()), (vec![BESIDE.to_owned()], NEW));
    }
}

#[test]
fn m18_a_file_that_came_meanwhile_is_not_overwritten() {
    for came in [Step::Look, Step::LookAgain, Step::New(Act::Name)] {
        let place = Place::empty();
        let gate = |step| if step == came { fs::write(place.at(NAME), THEIRS) } else { Ok(()) };
        let said = place.refused(save_at(&place.at(NAME), None, NEW, STAMP, &gate), THEIRS, &[]);
        assert!(said.contains(" was made by somebody else since it was read"), "{said}");
    }
}

/// The folder after an end at any step: whole contents under every name that is read, and all else recognisable.
fn whole(place: &Place, before: Option<&[u8]>, replaced: bool) {
    for name in place.names() {
        let content = place.read(&name);
        match name.as_str() {
            NAME => assert_eq!(content, if replaced { NEW } else { before.unwrap() }),
            COPY => assert_eq!(Some(content.as_slice()), before),
            BESIDE => assert_eq!(content, NEW),
            other => assert!(other.starts_with(TEMP.trim_end_matches(".tmp")), "{other}"),
        }
    }
    assert_eq!(place.at(NAME).exists(), replaced || before.is_some());
    if replaced && before.is_some() {
        assert_eq!(place.read(COPY), OLD, "no copy of what was replaced");
    }
}

/// Whatever the end left, the next run reads the file and writes it.
fn goes_on(place: &Place, replaced: bool, before: Option<&[u8]>) {
    let now = place.at(NAME).exists().then(|| place.read(NAME));
    if let Some(now) = &now {
        assert_eq!(Mapping::read(now).rows.len(), 1);
    }
    let before = if replaced { Some(NEW) } else { before };
    assert_eq!(now.as_deref(), before);
    save(&place.at(NAME), before, THEIRS, "20260713-1000").unwrap();
    assert_eq!(place.read(NAME), THEIRS);
}

fn start(before: Option<&[u8]>) -> Place {
    if before.is_some() { Place::new() } else { Place::empty() }
}

#[test]
fn m19_an_end_at_any_step_leaves_the_old_file_or_the_new_one_whole() {
    for before in [Some(OLD), None] {
        let steps = steps(&start(before), before);
        assert_eq!(steps.len(), if before.is_some() { 14 } else { 9 }, "{steps:?}");
        let named = steps.iter().position(|step| *step == Step::New(Act::Name)).unwrap();
        for (at, _) in steps.iter().enumerate() {
            let (place, passed) = (start(before), RefCell::new(0));
            let gate = |_| {
                if *passed.borrow() == at {
                    // As when the process ends here: nothing more is done to the disk.
                    resume_unwind(Box::new(()));
                }
                *passed.borrow_mut() += 1;
                Ok(())
            };
            let ended =
                catch_unwind(AssertUnwindSafe(|| save_at(&place.at(NAME), before, NEW, STAMP, &gate).is_ok())).is_err();
            assert!(ended, "{at}");
            whole(&place, before, at > named);
            goes_on(&place, at > named, before);
        }
    }
}

#[test]
fn m19_a_step_that_fails_leaves_the_old_file_and_nothing_else() {
    for before in [Some(OLD), None] {
        for (at, step) in steps(&start(before), before).into_iter().enumerate() {
            for beside in [true, false] {
                let (place, passed) = (start(before), RefCell::new(0));
                let gate = |now| {
                    let nth = passed.replace_with(|nth| *nth + 1);
                    let full = nth == at || !beside && now == Step::Beside(Act::WriteRest);
                    if full { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
                };
                let done = save_at(&place.at(NAME), before, NEW, STAMP, &gate);
                if step == Step::SyncFolder {
                    assert_eq!(place.read(NAME), NEW, "{step:?}");
                    done.unwrap();
                    continue;
                }
                let refused = done.unwrap_err();
                let mut names = Vec::new();
                names.extend(before.map(|_| NAME));
                names.extend(beside.then_some(BESIDE));
                names.sort_unstable();
                assert_eq!(place.names(), names, "{step:?}");
                assert_eq!(refused.beside, beside.then(|| place.at(BESIDE)), "{step:?}");
                if before.is_some() {
                    assert_eq!(place.read(NAME), OLD, "{step:?}");
                }
                for part in ["no storage space", "was not written", "stands there still", "`onse data-sets`"] {
                    assert!(refused.why.contains(part), "{step:?}: {}", refused.why);
                }
            }
        }
    }
}

#[test]
fn m19_what_a_crash_left_is_in_nobodys_way() {
    let place = Place::new();
    fs::write(place.at(TEMP), "half a li").unwrap();
    place.save().unwrap();
    assert_eq!(place.names(), [TEMP, COPY, NAME]);
    assert_eq!(place.read(TEMP), b"half a li");
    let used = onse::io::config::mapping(None, None, place.folder.path()).unwrap();
    assert_eq!((used.file, used.mapping.bytes()), (Some(place.at(NAME)), NEW));
}

/// What the child is told: the file, what stood in it, and at which step it waits for its end.
const FILE: &str = "ONSE_MAPPING_FILE";
const AT: &str = "ONSE_MAPPING_AT";
/// What the child says there.
const IS_AT: &str = "onse-child at";

/// A process of its own, which a test starts with a file to write; where nobody did there is nothing to do.
#[test]
fn child() {
    let (Ok(path), Ok(at)) = (std::env::var(FILE), std::env::var(AT)) else { return };
    let (path, at, passed) = (PathBuf::from(path), at.parse::<usize>().unwrap(), RefCell::new(0));
    let before = path.exists().then_some(OLD);
    let gate = |_| {
        if passed.replace_with(|nth| *nth + 1) == at {
            let mut out = io::stdout();
            write!(out, "\n{IS_AT}\n").unwrap();
            out.flush().unwrap();
            loop {
                std::thread::park();
            }
        }
        Ok(())
    };
    let _ = save_at(&path, before, NEW, STAMP, &gate);
}

fn killed(path: &Path, at: usize) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]);
    command.env(FILE, path).env(AT, at.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child: Child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == IS_AT), "it never came to step {at}");
    child.kill().unwrap();
    let ended = child.wait().unwrap();
    #[cfg(unix)]
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9));
    assert!(!ended.success());
}

#[test]
fn k16_a_process_killed_at_any_step_leaves_the_old_file_or_the_new_one_and_the_copy() {
    for before in [Some(OLD), None] {
        let steps = steps(&start(before), before);
        let named = steps.iter().position(|step| *step == Step::New(Act::Name)).unwrap();
        for (at, step) in steps.iter().enumerate() {
            println!("killed at {step:?}");
            let place = start(before);
            killed(&place.at(NAME), at);
            whole(&place, before, at > named);
            goes_on(&place, at > named, before);
        }
    }
}

#[test]
fn k16_a_process_killed_while_it_keeps_a_suggestion_leaves_their_file() {
    let place = Place::new();
    fs::write(place.at(NAME), THEIRS).unwrap();
    let steps = steps(&place, Some(OLD));
    assert!(steps.len() == 7 && steps.contains(&Step::Beside(Act::Name)), "{steps:?}");
    for (at, step) in steps.iter().enumerate() {
        println!("killed at {step:?}");
        let place = Place::new();
        fs::write(place.at(NAME), THEIRS).unwrap();
        killed(&place.at(NAME), at);
        whole(&place, Some(THEIRS), false);
        assert_eq!(place.at(BESIDE).exists(), at + 1 == steps.len());
    }
}
