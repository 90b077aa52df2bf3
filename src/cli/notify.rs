//! What a run came to, kept as text and JSON below the data folder, and told to the program of the profile (`notify`). It never
//! changes how the run ended: what goes wrong here is one line on standard error and in the log.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command as Program, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::{
    args::{Command, VERSION},
    exit::Exit,
    here::{Here, env},
    out::say,
    private,
};
use crate::{
    domain::text::inert,
    io::{
        config::{CommCareSecret, Dhis2Secret, Profile, Secrets},
        http::Secret,
        store::Store,
    },
    job::{
        run::{HeldBack, Run, Standing},
        session::opened,
    },
};

/// Runs whose summaries are kept; older ones are taken away.
const KEPT: usize = 100;
/// How long the program may take.
const LIMIT: Duration = Duration::from_mins(1);
/// Between two looks at whether it ended.
const LOOK: Duration = Duration::from_millis(20);
/// Variables that hold secrets of ours.
const SECRET: [&str; 4] =
    ["ONSE_DHIS2_PASSWORD", "ONSE_DHIS2_TOKEN", "ONSE_COMMCARE_API_KEY", "ONSE_COMMCARE_PASSWORD"];

/// What a run notes of itself while it goes on. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Noted(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    profile: Option<Profile>,
    /// Whether commands that name no profile mean it.
    usual: bool,
    secrets: Vec<Secret>,
    file: Option<PathBuf>,
    held: Vec<HeldBack>,
    said: Vec<String>,
    submitted: bool,
}

impl Noted {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The profile in use, and whether commands that name none mean it.
    pub(super) fn profile(&self, profile: &Profile, usual: bool) {
        let mut notes = self.notes();
        (notes.profile, notes.usual) = (Some(profile.clone()), usual);
    }

    /// The secrets in use, so that none of them is handed on.
    pub(super) fn secrets(&self, secrets: &Secrets) {
        let (Dhis2Secret::Password(dhis2) | Dhis2Secret::Token(dhis2)) = &secrets.dhis2;
        let (CommCareSecret::ApiKey(commcare) | CommCareSecret::Password(commcare)) = &secrets.commcare;
        self.notes().secrets.extend([dhis2.clone(), commcare.clone()]);
    }

    /// The review file it is about, or leaves.
    pub(super) fn file(&self, file: &Path) {
        self.notes().file = Some(file.to_owned());
    }

    /// Approved cells that were not sent.
    pub(super) fn held(&self, held: Vec<HeldBack>) {
        self.notes().held = held;
    }

    /// A sentence of its own.
    pub(super) fn say(&self, sentence: String) {
        self.notes().said.push(sentence);
    }

    /// On screen something was submitted from this review.
    pub(super) fn submitted(&self, file: &Path) {
        self.file(file);
        self.notes().submitted = true;
    }
}

/// A command whose end is told.
pub(super) struct Told {
    name: &'static str,
    began: Timestamp,
}

impl Told {
    /// The command as typed; `None` where its end is not told: it is only looked at, or nothing is real.
    pub(super) fn of(command: Option<&Command>, here: &Here) -> Option<Self> {
        let (name, file) = match command {
            None | Some(Command::Review(_)) => ("review", None),
            Some(Command::Plan(_)) => ("plan", None),
            Some(Command::Submit(args)) if args.dry_run.is_none() => ("submit", Some(&args.file)),
            Some(Command::Verify(args)) => ("verify", Some(&args.file)),
            Some(Command::Undo(args)) => ("undo", Some(&args.file)),
            Some(Command::Import(args)) if !args.dry_run => ("import", Some(&args.file)),
            _ => return None,
        };
        if let Some(file) = file {
            here.noted.file(file);
        }
        Some(Self { name, began: (here.clock)() })
    }
}

/// Keeps the summary of a run that ended and tells it on. A review on screen is told where something was submitted; a run whose
/// settings cannot be read is not, since nobody says to whom.
pub(super) fn after(here: &Here, told: &Told, exit: Exit, error: Option<&anyhow::Error>) {
    let (submitted, file) = {
        let notes = here.noted.notes();
        // Whoever reads it is in no folder, or in another one.
        let file = notes.file.as_ref().and_then(|file| std::path::absolute(file).ok());
        (notes.submitted, file.filter(|file| file.exists()))
    };
    if told.name == "review" && !submitted {
        return;
    }
    let (review, profile_of) = file.as_deref().map(standing).unwrap_or_default();
    // Not in one condition: reading the settings notes the profile.
    let known = here.noted.notes().profile.is_some();
    if !known && here.ready(profile_of.as_deref()).is_err() {
        return;
    }
    // A second start does nothing; a command that ended early had none.
    let _ = here.log();
    let notes = here.noted.notes();
    let Some(profile) = &notes.profile else { return };
    let errors: Vec<String> = error.map(|error| error.chain().map(ToString::to_string).collect()).unwrap_or_default();
    let run = Run {
        command: told.name,
        version: VERSION,
        exit: exit.code(),
        outcome: outcome(told.name, exit, review.as_ref()),
        started: told.began,
        ended: (here.clock)(),
        who: &here.who,
        profile: &profile.name,
        usual: notes.usual,
        project: &profile.commcare.project,
        label: &profile.label,
        file: file.as_deref(),
        review: review.as_ref(),
        held: &notes.held,
        notes: &notes.said,
        errors: &errors,
    };
    let text = run.text();
    let kept = here.places().and_then(|places| keep(&places.data.join("runs"), &run, &text));
    if let Err(error) = &kept {
        wrong(&format!("the summary of this run could not be kept: {error:#}"));
    }
    let Some((program, args)) = profile.notify.split_first() else { return };
    let hook = Hook { program, args, command: told.name, exit, json: kept.as_deref().ok() };
    if let Some(why) = hook.run(&text, &notes.secrets, std::env::vars_os(), LIMIT) {
        wrong(&format!("notify: {why}; how the run ended stays as it is"));
    }
}

/// How it ended, in words; of a reading that is not whole, that.
fn outcome(command: &str, exit: Exit, review: Option<&Standing>) -> &'static str {
    if command == "import" && exit == Exit::Held {
        return "some rows were refused; the others were taken";
    }
    match review.filter(|review| exit == Exit::Waiting && review.incomplete) {
        Some(review) if review.counts.undecided == 0 => "some facilities could not be read",
        Some(_) => "changes wait for approval, and some facilities could not be read",
        None => exit.words(),
    }
}

fn wrong(why: &str) {
    tracing::warn!("{}", inert(why));
    say(why);
}

/// How the review in a file stands, and the profile it was made with. Nothing where it cannot be read: then the error says why.
fn standing(file: &Path) -> (Option<Standing>, Option<String>) {
    let Ok(loaded) = Store::read_only(file) else { return (None, None) };
    let profile = loaded.used.profile.clone();
    (opened(loaded).ok().map(|opened| Standing::of(&opened, file)), Some(profile))
}

/// Keeps both forms of a summary, for its owner alone, and the newest of those before; answers where the JSON is.
fn keep(folder: &Path, run: &Run<'_>, text: &str) -> Result<PathBuf> {
    private::folders(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let stem = format!("{}-{}", run.started.strftime("%Y%m%dT%H%M%S%.3fZ"), run.command);
    let (path, mut json) = fresh(folder, &stem)?;
    let mut write = || -> Result<()> {
        run.json(&mut json)?;
        json.write_all(b"\n")?;
        Ok(private::file(&path.with_extension("txt"))?.write_all(text.as_bytes())?)
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    prune(folder, KEPT);
    Ok(path)
}

/// A file that was not there; two runs may begin in the same instant.
fn fresh(folder: &Path, stem: &str) -> Result<(PathBuf, fs::File)> {
    let mut tried = 1;
    loop {
        let more = if tried == 1 { String::new() } else { format!("-{tried}") };
        // The stem has dots of its own.
        let path = folder.join(format!("{stem}{more}.json"));
        match private::file(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tried < KEPT => tried += 1,
            Err(error) => return Err(error).with_context(|| format!("cannot make {}", path.display())),
        }
    }
}

/// Takes away all but the newest so many runs. Only files that are named as ours are; what cannot be taken away stays.
fn prune(folder: &Path, keep: usize) {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut stems: Vec<String> = entries.filter_map(|entry| stem(&entry.ok()?.file_name())).collect();
    stems.sort();
    stems.dedup();
    let old = stems.len().saturating_sub(keep);
    for stem in stems.iter().take(old) {
        for ending in ["json", "txt"] {
            let _ = fs::remove_file(folder.join(format!("{stem}.{ending}")));
        }
    }
}

/// The name of a summary without its ending; `None` for any other file.
fn stem(name: &OsStr) -> Option<String> {
    let name = name.to_str()?;
    let stem = name.strip_suffix(".json").or_else(|| name.strip_suffix(".txt"))?;
    let (stamp, command) = stem.split_once('-')?;
    let digits = stamp.strip_suffix('Z')?.chars().all(|c| c.is_ascii_digit() || matches!(c, 'T' | '.'));
    (digits && stamp.len() > 15 && !command.is_empty()).then(|| stem.to_owned())
}

/// The program of the profile, run once, not through a shell.
struct Hook<'a> {
    program: &'a str,
    args: &'a [String],
    command: &'a str,
    exit: Exit,
    /// The summary as JSON; `None` where it could not be kept.
    json: Option<&'a Path>,
}

impl Hook<'_> {
    /// Hands it the text, and waits until it ends, at most so long. Answers what went wrong.
    fn run(
        &self,
        text: &str,
        secrets: &[Secret],
        around: impl Iterator<Item = (OsString, OsString)>,
        limit: Duration,
    ) -> Option<String> {
        self.run_to(io::stderr().into(), text, secrets, around, limit)
    }

    /// The same with what it says going there: standard output is the run's own result.
    fn run_to(
        &self,
        says: Stdio,
        text: &str,
        secrets: &[Secret],
        around: impl Iterator<Item = (OsString, OsString)>,
        limit: Duration,
    ) -> Option<String> {
        let program = self.program;
        let mut command = Program::new(program);
        command.args(self.args).env_clear().envs(around.filter(|(name, value)| !secret(name, value, secrets)));
        command.env("ONSE_RUN_COMMAND", self.command).env("ONSE_RUN_EXIT", self.exit.code().to_string());
        match self.json {
            Some(json) => command.env("ONSE_RUN_JSON", json),
            None => command.env_remove("ONSE_RUN_JSON"),
        };
        alone(&mut command);
        let child = command.stdin(Stdio::piped()).stdout(says).spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => return Some(format!("{program} could not be started: {error}")),
        };
        if let Some(mut input) = child.stdin.take() {
            let text = text.to_owned();
            // A program that does not read must not hold this up, and one that ends without reading is no fault.
            thread::spawn(move || input.write_all(text.as_bytes()));
        }
        match within(&mut child, limit) {
            Ok(Some(status)) if status.success() => None,
            Ok(Some(status)) => Some(format!("{program} ended with {status}")),
            Ok(None) => Some(format!("{program} took longer than {} s and was stopped", limit.as_secs())),
            Err(error) => Some(format!("{program} could not be waited for: {error}")),
        }
    }
}

/// How a child ended; `None` where it had to be stopped, with all it started.
fn within(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() >= limit {
            stop(child)?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

/// Without unsafe code a group cannot be signalled, so `kill` does it. Before the child is waited for: until then its number is
/// nobody else's.
#[cfg(unix)]
fn stop(child: &mut Child) -> io::Result<()> {
    let group = format!("-{}", child.id());
    let mut kill = Program::new("kill");
    kill.args(["-KILL", "--", &group]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match kill.status() {
        Ok(status) if status.success() => Ok(()),
        _ => child.kill(),
    }
}

#[cfg(not(unix))]
fn stop(child: &mut Child) -> io::Result<()> {
    child.kill()
}

/// A group of its own, so that what the program starts can be stopped with it.
#[cfg(unix)]
fn alone(command: &mut Program) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn alone(_command: &mut Program) {}

/// Whether a variable must not be handed on: it is one of ours, its value holds a secret in use, or an address with a password, as
/// that of a proxy may (fault matrix row X04). PATH stays, or the program would not be found.
fn secret(name: &OsStr, value: &OsStr, secrets: &[Secret]) -> bool {
    if name == "PATH" {
        return false;
    }
    let value = value.to_string_lossy();
    let given = SECRET.iter().filter_map(|name| env(name)).any(|one| holds(&value, &one.to_string_lossy()));
    SECRET.iter().any(|one| name == *one)
        || given
        || secrets.iter().any(|one| holds(&value, one.expose()))
        || has_password(&value)
        || (name.to_string_lossy().to_ascii_lowercase().ends_with("_proxy") && value.contains('@'))
}

fn holds(value: &str, secret: &str) -> bool {
    !secret.is_empty() && value.contains(secret)
}

/// Whether a text has an address with a user and a password in it: `http://user:password@host`, or the same without `http://` at
/// its beginning.
fn has_password(text: &str) -> bool {
    let part = |rest: &str| {
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or(rest);
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    };
    text.split("://").any(part)
}

#[cfg(test)]
mod tests;
