//! `onse status`: where a review stands, on one screen, and the command that goes on. Reads the file and changes nothing.

use std::{io::Write as _, path::Path};

use anyhow::Result;
use serde::Serialize;

use super::{args, exit::Exit, here::Here, out::Out};
use crate::{
    domain::{
        text::{fit, inert},
        value::grouped,
    },
    io::store::Store,
    job::{
        export,
        run::{ByOutcome, Standing, State},
        session::opened,
    },
    tui::parts::wrap,
};

/// Columns of the screen it fits.
const COLUMNS: usize = 80;
/// Columns before what a line says.
const MARGIN: usize = 9;
/// Open checks that are named; the rest are counted.
const CHECKS: usize = 5;

/// The document.
#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    file: String,
    #[serde(flatten)]
    standing: &'a Standing,
}

pub(super) fn status(_here: &Here, args: &args::Status, out: &mut Out) -> Result<Exit> {
    let opened = opened(Store::read_only(&args.file)?)?;
    let standing = Standing::of(&opened, &args.file);
    if args.json {
        let file = args.file.display().to_string();
        export::write(&Json { schema: 1, file, standing: &standing }, out)?;
        writeln!(out)?;
    } else {
        for line in lines(&standing, &args.file) {
            writeln!(out, "{}", inert(&line))?;
        }
    }
    Ok(exit(&standing))
}

/// What a state means for scripts. What may be half done stands before what only waits.
pub(super) fn exit(standing: &Standing) -> Exit {
    match standing.state {
        State::Unsettled | State::Partly => Exit::Partly,
        State::Undecided | State::Approved | State::Incomplete => Exit::Waiting,
        State::Applied | State::Closed => Exit::Done,
    }
}

fn lines(standing: &Standing, file: &Path) -> Vec<String> {
    let n = |count: u32| grouped(&count.to_string());
    let Standing { counts, left, .. } = standing;
    let label = if standing.label.is_empty() { String::new() } else { format!("   {}", standing.label) };
    let mut rows = vec![
        ("file", file.display().to_string()),
        ("review", format!("{}   {}{label}   read {}", standing.period, standing.project, standing.read_at)),
        ("scope", fit(&standing.scope, COLUMNS - MARGIN).into_owned()),
        ("state", format!("{}: {}", standing.state.word(), standing.state.words())),
        (
            "changes",
            format!(
                "{}   approved {}   rejected {}   left {}",
                n(counts.changes.try_into().unwrap_or(u32::MAX)),
                n(counts.approved),
                n(counts.rejected),
                n(counts.undecided)
            ),
        ),
        ("left", format!("STOP {}   REVIEW {}   no flag {}", n(left.stop), n(left.review), n(left.none))),
    ];
    if counts.may_be_zero > 0 {
        let (all, zeros, kept) = (n(counts.may_be_zero), n(counts.zeros), n(counts.zeros_kept));
        rows.push(("(0?)", format!("{all}   approved 0 {zeros}   kept {kept}   open {}", n(standing.zeros_left))));
    }
    if let Some(of) = &standing.undo_of {
        rows.insert(1, ("undo of", of.clone()));
    }
    rows.push(("to send", grouped(&standing.to_send.to_string())));
    rows.push(("sent", format!("{}   {}", grouped(&counts.sent.to_string()), by(&standing.changes))));
    rows.push(("forms", format!("{}   {}", grouped(&standing.forms.all().to_string()), by(&standing.forms))));
    if standing.incomplete {
        rows.push(("reading", "incomplete: some facilities could not be read; their cases keep what they have".into()));
    }
    rows.extend(checks(standing));
    rows.push(("next", standing.next.clone().unwrap_or_else(|| "nothing to do".to_owned())));
    rows.into_iter().flat_map(|(name, text)| folded(name, &text)).collect()
}

/// `APPLIED 12   ACCEPTED 0   NOT_APPLIED 0   UNKNOWN 0`
pub(super) fn by(outcomes: &ByOutcome) -> String {
    let named = outcomes.named().map(|(name, count)| format!("{name} {}", grouped(&count.to_string())));
    named.join("   ")
}

/// The open checks, a line each.
fn checks(standing: &Standing) -> Vec<(&'static str, String)> {
    let all = standing.checks.len();
    let mut rows = vec![("checks", format!("{} open", grouped(&all.to_string())))];
    for check in standing.checks.iter().take(CHECKS) {
        let property = check.property.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
        let line = format!("{} {}{property}: {}", check.severity.word(), check.id, check.sentence);
        rows.push(("", fit(&line, COLUMNS - MARGIN).into_owned()));
    }
    if all > CHECKS {
        rows.push(("", format!("and {} more: onse show names them", grouped(&(all - CHECKS).to_string()))));
    }
    rows
}

/// A named line, folded between words where it is longer than the screen. A path and a command stay whole, to be copied.
fn folded(name: &str, text: &str) -> Vec<String> {
    let whole = matches!(name, "file" | "undo of" | "next");
    let parts = if whole { vec![text.to_owned()] } else { wrap(text, COLUMNS - MARGIN) };
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    names.zip(parts).map(|(name, part)| format!("{name:<MARGIN$}{part}")).collect()
}
