//! `onse init`: asks for addresses and names, checks them, and writes a profile. The questions are in `dialogue`; here they are
//! asked, and what they call for is done.

use std::{
    cell::Cell,
    io::Write as _,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

use anyhow::{Context as _, Result, anyhow};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{
    args, check,
    exit::{Exit, told, usage},
    here::{Here, by_hand, env},
    out::{Out, say, someone_is_there},
    prompt, signals,
};
use crate::{
    domain::{
        mapping::Row,
        text::{inert, shell_word},
    },
    io::{
        config::{self, CommCareSecret, Dhis2Secret, Places, Profile, Settings, repository, secrets_given, wanted},
        http::Side,
        keyring::Asker,
    },
    job::check::{Level, Line, way},
    tui::parts::wrap,
};

mod answers;
mod dialogue;
mod renew;
mod writing;

use self::{
    dialogue::{At, Dialogue, Known, Question, Task},
    renew::{Hands, Renewal},
    writing::{Files, Kept},
};

pub(super) async fn init(here: &Here, _args: &args::Init, out: &mut Out) -> Result<Exit> {
    let places = here.places()?;
    if !someone_is_there() {
        return Err(told(Exit::Usage, by_hand(&places)).into());
    }
    let settings = config::open(&Places { config_named: false, ..places.clone() })?;
    let files = Files::read(&places, settings.as_ref())?;
    let known = known(&places, settings.as_ref(), &files, here.global.mapping.clone())?;
    let name = wanted(here.global.profile.as_deref(), "ONSE_PROFILE", env)?;
    let exported = here.global.profile.is_none();
    let dialogue = Dialogue::new(known, name.as_deref()).map_err(|why| usage(from(why, exported)))?;
    let stop = CancellationToken::new();
    signals::on_interrupt(vec![(stop.clone(), "stopping")]);
    let keeping = Cell::new(false);
    let mut run =
        Run { here, files, settings, dialogue, keyring: here.keyring()?, told: Vec::new(), keeping: &keeping };
    prose(&run.dialogue.greeting(&run.files.places.config, run.files.config.is_some()));
    tokio::select! {
        biased;
        () = stop.cancelled() => {
            prompt::give_back();
            Err(interrupted(keeping.get()))
        }
        ended = run.go(out) => ended,
    }
}

/// What is wrong with a name that was not typed just now.
fn from(why: String, exported: bool) -> String {
    if exported { format!("{why} The name is from the environment variable ONSE_PROFILE.") } else { why }
}

fn stops(line: &Line) -> bool {
    matches!(line.level, Level::Stop(_))
}

/// Of the lines of a check those that no check said before, and whether something stands in the way of the side: that does so
/// whether or not it was said before.
fn judged<'l>(told: &[Line], lines: &'l [Line]) -> (Vec<&'l Line>, bool) {
    (lines.iter().filter(|line| !told.contains(line)).collect(), lines.iter().any(stops))
}

fn stopped() -> anyhow::Error {
    interrupted(false)
}

/// What is said where the set-up was stopped. The keyring is asked before any file is written; what it was asked for it may do all
/// the same.
fn interrupted(keeping: bool) -> anyhow::Error {
    let why = if keeping {
        "stopped while the keyring was asked to keep the secrets; no file was written, but the keyring may hold them, under the \
         service onse"
    } else {
        "stopped; nothing was written"
    };
    told(Exit::Interrupted, why).into()
}

/// Does what may ask the keyring to keep something, with a mark for as long as it does.
async fn marked<T>(keeping: &Cell<bool>, asks: bool, work: impl Future<Output = T>) -> T {
    keeping.set(asks);
    let done = work.await;
    keeping.set(false);
    done
}

/// A command that means this settings file and this profile.
fn meant(command: &str, config: Option<&Path>, profile: Option<&str>) -> String {
    let config =
        config.map(|path| format!(" --config {}", shell_word(&path.display().to_string()))).unwrap_or_default();
    let profile = profile.map(|name| {
        // Behind an equals sign a dash begins no flag.
        let bare = name.trim_start_matches('-');
        let dashes = "-".repeat(name.len() - bare.len());
        let sign = if dashes.is_empty() { ' ' } else { '=' };
        format!(" --profile{sign}{dashes}{}", shell_word(bare))
    });
    format!("{command}{config}{}", profile.unwrap_or_default())
}

fn known(places: &Places, settings: Option<&Settings>, files: &Files, mapping: Option<PathBuf>) -> Result<Known> {
    let (dhis2, hq) = secrets_given(env)?;
    let (tables, closed) = (files.secret_tables().unwrap_or_default(), files.closed());
    let profiles: Vec<String> = settings.iter().flat_map(|settings| settings.profiles.keys().cloned()).collect();
    let names = profiles.iter().cloned().chain(tables).collect();
    let folder = std::env::current_dir().context("the current folder is not known")?;
    let beside = std::path::absolute(&places.config)?;
    Ok(Known {
        names,
        profiles,
        dhis2,
        hq,
        closed,
        repository: repository(&places.secrets),
        folder,
        copy: beside.with_file_name("case_property_map.csv"),
        mapping,
    })
}

/// The set-up under way.
struct Run<'a> {
    here: &'a Here,
    files: Files,
    settings: Option<Settings>,
    dialogue: Dialogue,
    keyring: Asker,
    /// What the checks of both sides said, so that the check of the mapping says only what is new.
    told: Vec<Line>,
    /// Whether the keyring is being asked to keep something.
    keeping: &'a Cell<bool>,
}

impl Run<'_> {
    async fn go(&mut self, out: &mut Out) -> Result<Exit> {
        loop {
            match self.dialogue.at {
                At::Written => return Ok(Exit::Done),
                At::Declined => {
                    say("nothing was written");
                    return Ok(Exit::Done);
                }
                At::Renew => return self.renew(out).await,
                At::Do(Task::Keep) => self.keep(out).await?,
                At::Do(task) => self.perform(task).await?,
                At::Ask(part) => {
                    if part == dialogue::Part::Write {
                        self.preview()?;
                    }
                    let Some(question) = self.dialogue.question() else { continue };
                    let Some(typed) = ask(question).await? else { return Err(stopped()) };
                    if let Err(why) = self.dialogue.answer(&typed) {
                        say(&why);
                    }
                }
            }
        }
    }

    /// Says the lines that no check said before; answers whether one of those is that something does not work.
    fn tell(&self, lines: &[Line]) -> bool {
        let columns = check::columns();
        let (new, _) = judged(&self.told, lines);
        for line in &new {
            for text in check::folded(line, columns) {
                say(&text);
            }
        }
        new.into_iter().any(stops)
    }

    /// Forgets what was said of a side, which is asked again.
    fn forget(&mut self, side: Side) {
        let of = match side {
            Side::Dhis2 => "DHIS2 ",
            Side::CommCare => "HQ ",
        };
        self.told.retain(|line| !line.what.starts_with(of));
    }

    async fn perform(&mut self, task: Task) -> Result<()> {
        match task {
            Task::Knock(side) => self.knock(side).await,
            Task::Check(side) => self.check(side).await,
            Task::Mapping => self.mapping().await,
            Task::Keyring => {
                let profile = self.dialogue.answers.profile()?;
                let usable = self.keyring.get(vec![crate::io::keyring::Entry::dhis2(&profile)]).await;
                let usable = usable.and_then(|held| held.into_iter().collect::<Result<Vec<_>, _>>());
                self.dialogue.keyring(usable.as_ref().map(drop));
                Ok(())
            }
            Task::Keep => Ok(()),
        }
    }

    async fn knock(&mut self, side: Side) -> Result<()> {
        let server = match side {
            Side::Dhis2 => &self.dialogue.answers.dhis2,
            Side::CommCare => &self.dialogue.answers.hq,
        };
        let url = server.url.clone().ok_or_else(|| anyhow!("no address was given"))?;
        say(&format!("asking {} …", inert(url.host_str().unwrap_or_default())));
        let knock = match super::here::wire(server.ca_file.as_deref()) {
            Ok(wire) => way::knock(side, &url, &wire).await,
            Err(error) => way::Knock::Stranger(Line::wrong("settings", format!("{error:#}."), "")),
        };
        self.forget(side);
        if let way::Knock::Stranger(line) | way::Knock::Silent(line) = &knock {
            self.tell(std::slice::from_ref(line));
        }
        self.dialogue.knocked(side, &knock);
        Ok(())
    }

    async fn check(&mut self, side: Side) -> Result<()> {
        self.forget(side);
        let profile = self.dialogue.answers.so_far()?;
        let [dhis2_way, hq_way] = check::ways(&profile);
        let (secrets, rows) = ((self.dialogue.dhis2_secret(), self.dialogue.hq_secret()), Vec::new());
        let both = check::Keys::new(secrets.0, secrets.1);
        let mut lines = Vec::new();
        let asked = check::asking(self.here, &profile, &both, &rows, &mut lines);
        let (found, turned) = match side {
            Side::Dhis2 => {
                lines.push(dhis2_way);
                asked.dhis2().await
            }
            Side::CommCare => {
                lines.push(hq_way);
                (asked.hq().await, None)
            }
        };
        if let Some(other) = turned.as_ref().filter(|_| self.dialogue.turns()) {
            say(&format!("nothing at the address as given; {} answers, so that is taken", other.root()));
            self.dialogue.checked(side, false, turned);
            return Ok(());
        }
        lines.extend(found);
        self.tell(&lines);
        let (_, stops) = judged(&self.told, &lines);
        self.dialogue.signed_in(side, !check::refused_sign_in(&lines));
        self.told.extend(lines);
        self.dialogue.checked(side, stops, turned);
        Ok(())
    }

    /// The mapping as a file, and against both servers. Lines that were said before are not said again.
    async fn mapping(&mut self) -> Result<()> {
        let answers = &self.dialogue.answers;
        let profile = answers.profile()?;
        let (mut lines, used) = writing::mapping(self.here, &answers.mapping, &profile);
        let rows: Vec<&Row> = used.iter().flat_map(|used| used.mapping.usable()).collect();
        let keys = check::Keys::new(
            self.dialogue.dhis2_secret().filter(|_| self.dialogue.asks(Side::Dhis2)),
            self.dialogue.hq_secret().filter(|_| self.dialogue.asks(Side::CommCare)),
        );
        if !rows.is_empty() {
            let mut wrong = Vec::new();
            let checked = check::asking(self.here, &profile, &keys, &rows, &mut wrong).servers().await;
            lines.extend(wrong.into_iter().chain(checked));
        }
        // What was kept with a side is no reason to ask for another mapping.
        let stops = self.tell(&lines);
        self.dialogue.mapped(stops);
        Ok(())
    }

    /// Exactly what will be written, with `***` for secrets.
    fn preview(&mut self) -> Result<()> {
        let text = self.files.preview(&self.dialogue.answers)?;
        say(&text);
        if self.dialogue.answers.place == answers::Place::File {
            let line = repository(&self.files.places.secrets).map(|at| check::within(&self.files.places.secrets, &at));
            self.tell(&line.into_iter().collect::<Vec<_>>());
        }
        Ok(())
    }

    async fn keep(&mut self, out: &mut Out) -> Result<()> {
        let asks = self.dialogue.answers.place == answers::Place::Keyring;
        let kept = marked(self.keeping, asks, self.files.keep(&self.dialogue.answers, &self.keyring)).await;
        match kept? {
            Kept::NoKeyring(why) => self.dialogue.keyring(Err(&why)),
            Kept::Done(lines) => {
                for line in lines {
                    writeln!(out, "{}", inert(&line))?;
                }
                writeln!(out, "Next: {}, then {}", self.next("onse check"), self.next("onse"))?;
                self.dialogue.written();
            }
        }
        Ok(())
    }

    /// New secrets for the profile of the name that was given.
    async fn renew(&self, out: &mut Out) -> Result<Exit> {
        let settings = self.settings.as_ref().ok_or_else(|| anyhow!("there are no settings"))?;
        let profile = settings.profile(Some(&self.dialogue.answers.name))?;
        let renewal = Renewal::new(&self.files, settings, profile, &self.keyring, env).await?;
        let done = renewal.run(&mut Trying { here: self.here, profile }, self.keeping).await?;
        for line in &done {
            writeln!(out, "{}", inert(line))?;
        }
        if !done.is_empty() {
            writeln!(out, "Next: {}", self.next("onse check"))?;
        }
        Ok(Exit::Done)
    }

    /// A command that means this profile.
    fn next(&self, command: &str) -> String {
        let profile = (self.files.profiles > 0).then_some(self.dialogue.answers.name.as_str());
        meant(command, self.here.global.config.as_deref(), profile)
    }
}

/// What new secrets are asked for and tried with.
struct Trying<'a> {
    here: &'a Here,
    profile: &'a Profile,
}

impl Hands for Trying<'_> {
    async fn ask(&mut self, question: Question) -> Result<String> {
        ask(question).await?.ok_or_else(stopped)
    }

    async fn check(&mut self, dhis2: Option<Dhis2Secret>, commcare: Option<CommCareSecret>) -> Result<bool> {
        let (keys, rows, mut lines) = (check::Keys::new(dhis2, commcare), Vec::new(), Vec::new());
        let asked = check::asking(self.here, self.profile, &keys, &rows, &mut lines);
        let [dhis2_way, hq_way] = check::ways(self.profile);
        let found = if keys.dhis2.is_some() {
            lines.push(dhis2_way);
            asked.dhis2().await.0
        } else {
            lines.push(hq_way);
            asked.hq().await
        };
        lines.extend(found);
        let columns = check::columns();
        for text in lines.iter().flat_map(|line| check::folded(line, columns)) {
            say(&text);
        }
        Ok(judged(&[], &lines).1)
    }

    fn say(&mut self, text: &str) {
        say(text);
    }
}

/// Says something broken between words: there is no command in it that somebody would copy.
fn prose(text: &str) {
    let room = check::columns().unwrap_or(usize::MAX);
    for line in wrap(text, room) {
        say(&line);
    }
}

/// Asks on a thread of its own, so that a signal is heard meanwhile; `None` where the person stopped.
async fn ask(question: Question) -> Result<Option<String>> {
    let Question { text, usual, shown } = question;
    let usual_shown = if usual.is_empty() { String::new() } else { format!(" [{usual}]") };
    let (tell, told) = oneshot::channel();
    let (go, shown_now) = mpsc::channel::<()>();
    let asked = thread::Builder::new().name("question".to_owned()).spawn(move || {
        // Only once the question stands on screen.
        if shown_now.recv().is_ok() {
            let _ = tell.send(prompt::line(shown.then_some(usual.as_str())));
        }
    });
    asked.context("the question could not be asked")?;
    say("");
    prose(&format!("{text}{usual_shown}"));
    let _ = go.send(());
    told.await.context("the question was not answered")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_the_environment_is_said_to_be_from_there() {
        assert!(from("taken.".to_owned(), true).contains("ONSE_PROFILE"));
        assert_eq!(from("taken.".to_owned(), false), "taken.");
    }

    #[test]
    fn what_does_not_work_stops_a_side_also_where_it_was_said_before() {
        let (ok, look) = (Line::ok("DHIS2 sign-in", "b"), Line::look("DHIS2 version", "b", "c"));
        let (wrong, broken) = (Line::wrong("settings", "b", "c"), Line::broken("DHIS2 units", "b", "c"));
        let harmless = [ok, look];
        assert_eq!(judged(&[], &harmless), (harmless.iter().collect(), false));
        for one in [wrong, broken] {
            let lines = [harmless.as_slice(), std::slice::from_ref(&one)].concat();
            assert_eq!(judged(&[], &lines), (lines.iter().collect(), true));
            assert_eq!(judged(&lines, &lines), (vec![], true), "{one:?}");
            assert_eq!(judged(&harmless, &lines), (vec![&one], true));
        }
    }

    #[tokio::test]
    async fn stopped_while_secrets_are_kept_it_says_that_the_keyring_may_hold_them() {
        let said = |keeping: &Cell<bool>| {
            let error = interrupted(keeping.get());
            assert_eq!(Exit::of(&error).code(), 130);
            format!("{error:#}")
        };
        let keeping = Cell::new(false);
        assert_eq!(said(&keeping), "stopped; nothing was written");
        // Dropped before it ended, as a signal does it.
        for (asks, words) in
            [(true, "the keyring may hold them, under the service onse"), (false, "nothing was written")]
        {
            tokio::select! {
                biased;
                () = marked(&keeping, asks, std::future::pending()) => {}
                () = tokio::task::yield_now() => {}
            }
            let said = said(&keeping);
            assert!(said.contains(words) && said.contains("nothing was written") != asks, "{said}");
        }
        assert_eq!(marked(&keeping, true, async { 1 }).await, 1);
        assert_eq!(said(&keeping), "stopped; nothing was written", "what is written is said by itself");
    }

    #[test]
    fn the_next_command_can_be_copied_as_it_stands() {
        assert_eq!(meant("onse check", None, None), "onse check");
        let path = Path::new("/my files/it's.toml");
        assert_eq!(
            meant("onse check", Some(path), Some("main")),
            r"onse check --config '/my files/it'\''s.toml' --profile main"
        );
        assert_eq!(meant("onse", Some(Path::new("/a/b.toml")), None), "onse --config /a/b.toml");
        assert_eq!(meant("onse", None, Some("my site")), "onse --profile 'my site'");
        assert_eq!(meant("onse", None, Some("--my site")), "onse --profile=--'my site'");
    }
}
