//! `onse history`: the reviews below the data folder and those that were written elsewhere, newest first. Reads them and changes none
//! of them; one that cannot be read is named. With `--forget-gone` it first shortens the list of those written elsewhere.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Result;
use serde::Serialize;

use super::{
    args, elsewhere,
    exit::Exit,
    here::Here,
    out::{Out, count, say},
};
use crate::{
    domain::{
        ledger::{Entry, Stamp, Step},
        text::inert,
        value::grouped,
    },
    io::store::{Glance, Loaded, Store},
    job::{
        export,
        run::Standing,
        session::{Opened, opened},
    },
};

/// The document.
#[derive(Serialize)]
struct Json {
    schema: u32,
    folder: String,
    reviews: Vec<Review>,
    unreadable: Vec<Unreadable>,
}

/// One review.
#[derive(Serialize)]
struct Review {
    file: String,
    profile: String,
    #[serde(flatten)]
    standing: Standing,
    /// The last decision; `None` where there is none.
    decided: Option<By>,
    /// When a form was last made, answered or read back.
    submitted: Option<By>,
}

#[derive(Serialize)]
struct By {
    at: String,
    who: String,
}

impl From<Stamp> for By {
    fn from(Stamp { at, who }: Stamp) -> Self {
        Self { at, who }
    }
}

/// A file that is no review that can be read, or one that was written elsewhere and is gone.
#[derive(Serialize)]
struct Unreadable {
    file: String,
    reason: String,
    /// Whether nothing is there any more.
    gone: bool,
}

pub(super) fn history(here: &Here, args: &args::History, out: &mut Out) -> Result<Exit> {
    let folder = here.places()?.data.join("reviews");
    // Without --profile it is of all projects, also where there are no settings.
    let project = match &here.global.profile {
        Some(_) => Some(here.ready(None)?.profile.commcare.project),
        None => None,
    };
    let mut found =
        Json { schema: 1, folder: folder.display().to_string(), reviews: Vec::new(), unreadable: Vec::new() };
    if args.forget_gone {
        let gone = elsewhere::forget(&folder)?;
        say(&format!("{} dropped from the list", count(gone.len(), "file that is gone", "files that are gone")));
    }
    let mut all = files(&folder);
    // Where a link in the data folder leads to one, it is listed once.
    let there: Vec<PathBuf> = all.iter().filter_map(|file| elsewhere::real(file).ok()).collect();
    let (ours, others) = (all.len(), elsewhere::listed(&folder));
    all.extend(others.into_iter().filter(|file| !there.contains(file)));
    for (at, file) in all.into_iter().enumerate() {
        if at >= ours && elsewhere::is_gone(&file) {
            let reason = "it is gone, or its disk is; onse history --forget-gone drops it from the list".to_owned();
            found.unreadable.push(Unreadable { file: file.display().to_string(), reason, gone: true });
            continue;
        }
        match review(&file, project.as_deref()) {
            Ok(Some(review)) => found.reviews.push(review),
            Ok(None) => {}
            Err(error) => {
                let reason = format!("{error:#}");
                found.unreadable.push(Unreadable { file: file.display().to_string(), reason, gone: false });
            }
        }
    }
    found.reviews.sort_by(|a, b| (&b.standing.read_at, &b.file).cmp(&(&a.standing.read_at, &a.file)));
    if args.json {
        export::write(&found, out)?;
        writeln!(out)?;
    } else {
        lines(&found, out)?;
    }
    Ok(Exit::Done)
}

/// The review files below a folder, sorted. What cannot be listed holds none that could be opened.
fn files(folder: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
    };
    let inside = list(folder).into_iter().flat_map(|project| list(&project));
    let mut files: Vec<PathBuf> = inside.filter(|file| elsewhere::is_review(file)).collect();
    files.sort();
    files
}

/// One review; `None` where it is of another project than the one asked for.
fn review(file: &Path, project: Option<&str>) -> Result<Option<Review>> {
    // What it says of itself costs little, and spares reading those that were not asked for.
    let Some(Glance { head, .. }) = Store::glance(file)? else {
        anyhow::bail!("no reading into it was ever finished; it may be deleted")
    };
    if project.is_some_and(|asked| asked != head.project) {
        return Ok(None);
    }
    let loaded: Loaded = Store::read_only(file)?;
    let profile = loaded.used.profile.clone();
    let decided = last_decision(&loaded.entries).map(|entry| By { at: entry.at.clone(), who: entry.who.clone() });
    let opened: Opened = opened(loaded)?;
    let standing = Standing::of(&opened, file);
    let submitted = opened.submitted.map(By::from);
    Ok(Some(Review { file: file.display().to_string(), profile, standing, decided, submitted }))
}

/// The last entry with which a person decided something: a reset is the program's, and a note decides nothing.
fn last_decision(entries: &[Entry]) -> Option<&Entry> {
    entries.iter().rfind(|entry| !matches!(entry.step, Step::Reset(_) | Step::Note { .. }))
}

fn lines(found: &Json, out: &mut Out) -> Result<()> {
    for review in &found.reviews {
        let Review { standing, .. } = review;
        let counts = &standing.counts;
        let n = |count: &dyn ToString| grouped(&count.to_string());
        let undo = standing.undo_of.as_ref().map(|of| format!("   undo of {of}")).unwrap_or_default();
        let incomplete = if standing.incomplete { "   incomplete" } else { "" };
        let line = format!(
            "{}   {}   {}{incomplete}   changes {}   approved {}   rejected {}   left {}   sent {}{undo}",
            standing.period,
            standing.project,
            standing.state.word(),
            n(&counts.changes),
            n(&counts.approved),
            n(&counts.rejected),
            n(&counts.undecided),
            n(&counts.sent),
        );
        writeln!(out, "{}", inert(&line))?;
        let by = |what: &str, by: &Option<By>| {
            by.as_ref().map(|By { at, who }| format!("   {what} {at} by {who}")).unwrap_or_default()
        };
        let (decided, submitted) = (by("decided", &review.decided), by("submitted", &review.submitted));
        writeln!(out, "{}", inert(&format!("         read {}{decided}{submitted}", standing.read_at)))?;
        writeln!(out, "         {}", inert(&review.file))?;
    }
    for one in &found.unreadable {
        writeln!(out, "cannot be read   {}", inert(&one.reason))?;
        writeln!(out, "         {}", inert(&one.file))?;
    }
    if found.reviews.is_empty() && found.unreadable.is_empty() {
        writeln!(out, "no review in {}, and none that was written elsewhere", inert(&found.folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ledger::Act;

    #[test]
    fn the_last_decision_is_a_persons() {
        let entry = |seq, who: &str, step| Entry { seq, at: format!("at {seq}"), who: who.to_owned(), step };
        let label = String::new;
        let decide = Step::Decide { act: Act::Reject, cells: Vec::new(), reason: None, label: label() };
        let note = Step::Note { cells: Vec::new(), text: "ask".to_owned(), label: label() };
        let reset = || Step::Reset(Vec::new());
        let log = [entry(1, "Grace", decide), entry(2, "Thoko", note), entry(3, "onse", reset())];
        assert_eq!(last_decision(&log).map(|entry| entry.who.as_str()), Some("Grace"));
        assert_eq!(last_decision(&[entry(1, "onse", reset())]), None);
    }
}
