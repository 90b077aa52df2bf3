//! `onse check`: what works and what does not, one line for each, with what to do. It writes nothing but the log.

use std::{
    collections::BTreeSet,
    io::{IsTerminal as _, Write as _},
    path::Path,
    sync::Arc,
};

use anyhow::{Error, Result};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    args,
    exit::{Exit, refused},
    here::{Here, Ready, ask_commcare, ask_dhis2, blocking, env, wire},
    out::{Out, count, say},
    signals,
};
use crate::{
    domain::{
        mapping::{Problem, Row},
        text::{inert, width},
    },
    io::{
        config::{self, CommCareSecret, Dhis2Secret, Place, Profile, SettingsError, UsedMapping, find_secrets},
        http::{OnWait, Wait},
        keyring::{Entry, SERVICE, Unusable},
        transport::SharedTransport,
    },
    job::check::{Cause, Check, Level, Line, capital, way},
    tui::parts::wrap,
};

const SETTINGS: &str = "settings";
const SECRETS: &str = "secrets";
pub(super) const MAPPING: &str = "mapping";

/// Most lines for what is wrong with rows of the mapping.
const MOST: usize = 20;

/// Columns before a sentence: the level, what it is about, and the gaps.
const MARGIN: usize = 4 + 2 + 14 + 2;

pub(super) async fn check(here: &Here, args: &args::Check, out: &mut Out) -> Result<Exit> {
    let mut lines = Vec::new();
    let ready = settings(here, &mut lines);
    let (mapped, mapping) = mapping(here, ready.as_ref());
    let rows: Vec<&Row> = mapping.iter().flat_map(|used| used.mapping.usable()).collect();
    if let Some(ready) = &ready {
        here.log()?;
        let keys = secrets(here, ready, &mut lines).await?;
        lines.extend(in_repository(&ready.places.secrets));
        lines.extend(ways(&ready.profile));
        let asked = servers(here, &ready.profile, &keys, &rows, &mut lines).await?;
        lines.extend(asked.into_iter().map(|line| keys.sourced(line)));
    }
    lines.extend(mapped);
    tell(&lines, args.json, out)?;
    Ok(exit(&lines))
}

/// Settings and mapping before the servers: no server can be right for wrong ones.
fn exit(lines: &[Line]) -> Exit {
    let has = |cause| lines.iter().any(|line| line.level == Level::Stop(cause));
    match (has(Cause::Settings), has(Cause::Server)) {
        (true, _) => Exit::Usage,
        (false, true) => Exit::Failed,
        (false, false) => Exit::Done,
    }
}

/// The profile in use, and the lines of the settings.
fn settings(here: &Here, lines: &mut Vec<Line>) -> Option<Ready> {
    let ready = match unset(here) {
        Ok(Some(unset)) => {
            lines.push(unset);
            return None;
        }
        Ok(None) => here.ready(None),
        Err(error) => Err(error),
    };
    let ready = ready.map_err(|error| lines.extend(told(SETTINGS, &error))).ok()?;
    let profile = &ready.profile;
    let label = if profile.label.is_empty() { String::new() } else { format!(" ({})", profile.label) };
    lines.push(Line::ok(SETTINGS, format!("Profile {}{label} of {}.", profile.name, ready.settings.file.display())));
    Some(ready)
}

/// The line where there are no settings at all, or no profile in them.
fn unset(here: &Here) -> Result<Option<Line>> {
    Ok(here.lacks()?.map(|lacks| {
        Line::wrong(
            SETTINGS,
            format!("There are none yet: {lacks}."),
            "onse init asks for what it needs, checks it and writes it. To look around first: onse demo",
        )
    }))
}

/// A line for each thing that is wrong.
pub(super) fn told(what: &'static str, error: &Error) -> Vec<Line> {
    let Some(error) = error.downcast_ref::<SettingsError>() else {
        return vec![Line::wrong(what, format!("{error:#}"), "")];
    };
    let each = error.wrong.iter().map(|wrong| {
        let one = SettingsError { file: error.file.clone(), wrong: vec![wrong.clone()] };
        Line::wrong(what, one.to_string(), "")
    });
    each.collect()
}

/// The mapping, and its lines.
fn mapping(here: &Here, ready: Option<&Ready>) -> (Vec<Line>, Option<UsedMapping>) {
    let profile = ready.map(|ready| &ready.profile);
    if profile.is_none() && here.global.mapping.is_none() {
        let sentence = "Which mapping is used is not known without the settings.";
        return (vec![Line::look(MAPPING, sentence, "")], None);
    }
    let used = match here.mapping_file(profile) {
        Ok(used) => used,
        Err(error) => return (told(MAPPING, &error), None),
    };
    (mapped(ready, &used), Some(used))
}

/// The lines of a mapping that could be read.
pub(super) fn mapped(ready: Option<&Ready>, used: &UsedMapping) -> Vec<Line> {
    let mut lines = vec![file(used)];
    // What stops stands first, so that remarks do not push it out.
    let (stops, remarks): (Vec<&Problem>, Vec<&Problem>) = used.mapping.problems.iter().partition(|one| one.blocks);
    let stops = stops.into_iter().map(|one| Line::wrong(MAPPING, capital(&one.to_string()), ""));
    let all: Vec<Line> =
        stops.chain(remarks.into_iter().map(|one| Line::look(MAPPING, capital(&one.to_string()), ""))).collect();
    let more = all.len().saturating_sub(MOST);
    lines.extend(all.into_iter().take(MOST));
    lines
        .extend((more > 0).then(|| Line::look(MAPPING, format!("And {more} more."), "onse data-sets lists them all.")));
    lines.extend(stamped(ready, used));
    lines
}

/// The line of the mapping as a whole.
fn file(used: &UsedMapping) -> Line {
    let (rows, usable) = (used.mapping.rows.len(), used.mapping.usable().count());
    let about = format!("{}: {}, {usable} usable", used.label, count(rows, "row", "rows"));
    let lines: BTreeSet<u64> = blocking(&used.mapping).map(|problem| problem.line).collect();
    let all = used.mapping.problems.len();
    let told = format!("{about}, {}", count(all, "remark", "remarks"));
    match (usable, lines.len(), all) {
        (0, ..) => Line::wrong(
            MAPPING,
            format!("{about}, so nothing could be read."),
            "Mend the rows below; onse data-sets shows what DHIS2 has for each.",
        ),
        (_, 0, 0) => Line::ok(MAPPING, format!("{about}.")),
        (_, 0, _) => {
            Line::look(MAPPING, format!("{told}."), "See the lines below; onse data-sets finds ids that are missing.")
        }
        (..) => Line::wrong(
            MAPPING,
            format!("{told}; {} be read as meant.", count(lines.len(), "row cannot", "rows cannot")),
            "Mend what the lines below say; onse plan refuses the file until then.",
        ),
    }
}

/// A stamp that is a property of the mapping stops every reading.
fn stamped(ready: Option<&Ready>, used: &UsedMapping) -> Option<Line> {
    let stamp = ready?.profile.stamp_property.as_ref()?;
    let row = used.mapping.rows.iter().find(|row| row.property == *stamp)?;
    let sentence = format!("Line {}: the property {stamp} is also stamp_property of the profile.", row.line);
    Some(Line::wrong(MAPPING, sentence, "Change one of them: the stamp would be written over the number."))
}

/// The secrets of both sides, `None` where there is none.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) dhis2: Option<Dhis2Secret>,
    pub(super) commcare: Option<CommCareSecret>,
    /// Where each of them is changed; none where it was typed just now.
    dhis2_from: Option<String>,
    commcare_from: Option<String>,
}

impl Keys {
    /// These, typed or given just now.
    pub(super) fn new(dhis2: Option<Dhis2Secret>, commcare: Option<CommCareSecret>) -> Self {
        Self { dhis2, commcare, ..Self::default() }
    }

    /// A line of a refused sign-in, with the place of the secret it was tried with: its remedy may name another one.
    fn sourced(&self, line: Line) -> Line {
        let from = if line.what.starts_with("DHIS2 ") { &self.dhis2_from } else { &self.commcare_from };
        match from {
            Some(from) if refused_sign_in(std::slice::from_ref(&line)) => {
                let remedy = format!("{} It was tried with the secret from {from}.", line.remedy);
                Line { remedy: inert(remedy.trim_start()).into_owned(), ..line }
            }
            _ => line,
        }
    }
}

/// Whether a line says that a sign-in was not taken.
pub(super) fn refused_sign_in(lines: &[Line]) -> bool {
    lines.iter().any(|line| line.what.ends_with(" sign-in") && matches!(line.level, Level::Stop(_)))
}

/// A secret and where it is from, or why the keyring was passed over.
type Kept<S> = Result<(S, Option<Place>), Option<Unusable>>;

/// The secrets that are there, with a line for each side.
async fn secrets(here: &Here, ready: &Ready, lines: &mut Vec<Line>) -> Result<Keys> {
    let profile = &ready.profile;
    let keyring = &here.keyring()?;
    // Each side for itself, as if the other one's were there: what is wrong with one hides nothing of the other.
    let beside = async |there: &str, gone: &str| {
        let env = |name: &str| if name == there { Some("-".into()) } else { env(name).filter(|_| name != gone) };
        find_secrets(&ready.places, &ready.settings, profile, env, keyring).await
    };
    let asks = here.asks()?;
    let dhis2 = beside("ONSE_COMMCARE_API_KEY", "ONSE_COMMCARE_PASSWORD").await;
    let commcare = beside("ONSE_DHIS2_TOKEN", "ONSE_DHIS2_PASSWORD").await;
    // One that was silent is not asked twice, so the first reason is the one to tell.
    here.without_keyring([&dhis2, &commcare].into_iter().flatten().find_map(|found| found.no_keyring.as_ref()))?;
    let dhis2 = dhis2.map(|found| found.dhis2.map(|one| (one, found.dhis2_from)).ok_or(found.no_keyring));
    let commcare = commcare.map(|found| found.commcare.map(|one| (one, found.commcare_from)).ok_or(found.no_keyring));
    let (dhis2, dhis2_kind) = if asks { set_aside(dhis2) } else { (dhis2, None) };
    let (commcare, commcare_kind) = if asks { set_aside(commcare) } else { (commcare, None) };
    let wanted = match profile.dhis2.username {
        Some(_) => ("DHIS2 password", "ONSE_DHIS2_PASSWORD", "dhis2_password"),
        None => ("DHIS2 token", "ONSE_DHIS2_TOKEN", "dhis2_token"),
    };
    let name = |secret: &Dhis2Secret| match secret {
        Dhis2Secret::Password(_) => ("DHIS2 password", "ONSE_DHIS2_PASSWORD"),
        Dhis2Secret::Token(_) => ("DHIS2 token", "ONSE_DHIS2_TOKEN"),
    };
    let (dhis2, dhis2_from) =
        one(dhis2, &Entry::dhis2(profile), || ask_dhis2(profile, dhis2_kind.as_ref()), name, wanted, ready, lines)?;
    let wanted = ("CommCare API key", "ONSE_COMMCARE_API_KEY", "commcare_api_key");
    let name = |secret: &CommCareSecret| match secret {
        CommCareSecret::ApiKey(_) => ("CommCare API key", "ONSE_COMMCARE_API_KEY"),
        CommCareSecret::Password(_) => ("CommCare password", "ONSE_COMMCARE_PASSWORD"),
    };
    let (commcare, commcare_from) = one(
        commcare,
        &Entry::commcare(profile),
        || ask_commcare(profile, commcare_kind.as_ref()),
        name,
        wanted,
        ready,
        lines,
    )?;
    Ok(Keys { dhis2, commcare, dhis2_from, commcare_from })
}

/// What is kept as if it were not there, and what it is, since the same kind is asked for.
fn set_aside<S>(found: Result<Kept<S>, SettingsError>) -> (Result<Kept<S>, SettingsError>, Option<S>) {
    (Ok(Err(None)), found.ok().and_then(Result::ok).map(|(secret, _)| secret))
}

/// The secret of one side, asked for where it is missing, and its line: where it is from, never what it is.
fn one<S>(
    found: Result<Kept<S>, SettingsError>,
    entry: &Entry,
    ask: impl FnOnce() -> Result<Option<S>>,
    name: fn(&S) -> (&'static str, &'static str),
    (what, variable, key): (&str, &str, &str),
    ready: &Ready,
    lines: &mut Vec<Line>,
) -> Result<(Option<S>, Option<String>)> {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            // A file that cannot be used is said once, though it is for both.
            let told = told(SECRETS, &error.into());
            let new: Vec<Line> = told.into_iter().filter(|line| !lines.contains(line)).collect();
            lines.extend(new);
            return Ok((None, None));
        }
    };
    let file = ready.places.secrets.display();
    let no_keyring = match found {
        Ok((secret, from)) => {
            let (what, variable) = name(&secret);
            let place = match from {
                Some(Place::Environment) => format!("the environment ({variable})"),
                Some(Place::Keyring) => {
                    format!("the keyring of this system (service {SERVICE}, entry \"{}\")", entry.user())
                }
                _ => file.to_string(),
            };
            lines.push(Line::ok(SECRETS, format!("The {what} is from {place}.")));
            return Ok((Some(secret), Some(place)));
        }
        Err(why) => why.filter(|why| !why.off).map(|why| format!(" The keyring was passed over: {why}.")),
    };
    let typed = ask()?;
    lines.push(match &typed {
        Some(secret) => Line::ok(SECRETS, format!("The {} was typed just now, and is not kept.", name(secret).0)),
        None => Line::wrong(
            SECRETS,
            format!("The {what} is missing, so that server was not asked.{}", no_keyring.unwrap_or_default()),
            format!(
                "Set {variable}, or write {key} = \"...\" under [{}] in {file} (mode 0600).",
                config::key_text(&ready.profile.name)
            ),
        ),
    });
    Ok((typed, None))
}

/// A file of secrets where it may be committed (fault matrix row X08).
pub(super) fn in_repository(secrets: &Path) -> Option<Line> {
    secrets.exists().then(|| config::repository(secrets))?.map(|repository| within(secrets, &repository))
}

/// The same of a file that lies in this repository, or will.
pub(super) fn within(secrets: &Path, repository: &Path) -> Line {
    Line::look(
        SECRETS,
        format!("{} lies inside the repository {}.", secrets.display(), repository.display()),
        "Have the repository ignore it before the next commit, or use the keyring; if it was ever committed, change what is in it \
         at the servers.",
    )
}

/// How each server is come by.
pub(super) fn ways(profile: &Profile) -> [Line; 2] {
    let (dhis2, commcare) = (&profile.dhis2, &profile.commcare);
    [
        way::line("DHIS2 way", &dhis2.url, dhis2.ca_file.as_deref(), env),
        way::line("HQ way", &commcare.url, commcare.ca_file.as_deref(), env),
    ]
}

/// Asks both servers, telling of waits. Interrupted it tells nothing.
async fn servers(
    here: &Here,
    profile: &Profile,
    keys: &Keys,
    rows: &[&Row],
    lines: &mut Vec<Line>,
) -> Result<Vec<Line>> {
    let check = asking(here, profile, keys, rows, lines);
    let stop = CancellationToken::new();
    signals::on_interrupt(vec![(stop.clone(), "stopping")]);
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(refused(Exit::Interrupted, "interrupted; nothing was written")),
        lines = check.servers() => Ok(lines),
    }
}

/// What asks both servers, telling of waits; a way there that cannot be made is a line.
pub(super) fn asking<'a>(
    here: &Here,
    profile: &'a Profile,
    keys: &'a Keys,
    rows: &'a [&'a Row],
    lines: &mut Vec<Line>,
) -> Check<'a> {
    let mut way = |ca: Option<&Path>| -> Option<SharedTransport> {
        wire(ca).map_err(|error| lines.push(Line::wrong(SETTINGS, format!("{error:#}."), ""))).ok()
    };
    let dhis2 = keys.dhis2.as_ref().and_then(|secret| Some((secret, way(profile.dhis2.ca_file.as_deref())?)));
    let commcare = keys.commcare.as_ref().and_then(|secret| Some((secret, way(profile.commcare.ca_file.as_deref())?)));
    let on_wait: OnWait = Arc::new(|wait: &Wait| {
        let detail = if wait.detail.is_empty() { String::new() } else { format!(" ({})", wait.detail) };
        let seconds = wait.pause.as_secs_f64().ceil();
        say(&format!("{}: next try in {seconds} s, {}{detail}", wait.side, wait.cause));
    });
    Check {
        profile,
        dhis2,
        commcare,
        rows,
        quarter: here.last_quarter(),
        clock: Arc::clone(&here.clock),
        sleep: Arc::clone(&here.sleep),
        on_wait,
        seed: here.seed(),
    }
}

fn tell(lines: &[Line], as_json: bool, out: &mut Out) -> Result<()> {
    if as_json {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| {
                let Line { level, what, sentence, remedy } = line;
                json!({ "level": level.to_string(), "what": what, "sentence": sentence, "remedy": remedy })
            })
            .collect();
        writeln!(out, "{}", json!({ "schema": 1, "lines": lines }))?;
        return Ok(());
    }
    let columns = columns();
    for line in lines {
        for text in folded(line, columns) {
            writeln!(out, "{text}")?;
        }
    }
    Ok(())
}

/// Columns of the terminal results go to; elsewhere a line is never broken, so that it can be searched for.
pub(super) fn columns() -> Option<usize> {
    let size = std::io::stdout().is_terminal().then(crossterm::terminal::size)?.ok();
    Some(size.map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0).unwrap_or(80))
}

pub(super) fn folded(line: &Line, columns: Option<usize>) -> Vec<String> {
    let head = format!("{:<4}  {}", line.level.to_string(), line.what);
    let head = format!("{head}{}", " ".repeat(MARGIN.saturating_sub(width(&head))));
    let broken = |text: &str, first: &str| -> Vec<String> {
        let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(MARGIN + width(first)).max(20));
        let rest = " ".repeat(width(first));
        let pieces = wrap(text, room).into_iter().enumerate();
        pieces.map(|(n, piece)| format!("{}{piece}", if n == 0 { first } else { &rest })).collect()
    };
    let remedy = if line.remedy.is_empty() { Vec::new() } else { broken(&line.remedy, "-> ") };
    let margin = " ".repeat(MARGIN);
    let mut lines = broken(&line.sentence, "").into_iter().chain(remedy);
    let first = lines.next().unwrap_or_default();
    std::iter::once(format!("{head}{first}")).chain(lines.map(|text| format!("{margin}{text}"))).collect()
}

#[cfg(test)]
mod tests;
