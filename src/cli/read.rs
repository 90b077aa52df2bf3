//! `onse plan`: both sides into a review file without a screen; and what `review` shares with it.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result, bail};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    args, elsewhere,
    exit::{Exit, refused, told, usage},
    here::{Here, create},
    out::{Out, results, say, shell},
    progress, show, signals,
};
use crate::{
    domain::{
        mapping::Mapping,
        plan::{Head, Kind, Plan},
    },
    io::{curl::Sink, store::Store},
    job::{
        connect,
        earlier::{EarlierFrom, Search},
        export,
        fetch::{Ask, Reach},
        report::Reading,
        session::{Opened, Session, opened},
    },
};

pub(super) async fn plan(here: &Here, args: &args::Plan, out: &mut Out) -> Result<Exit> {
    if args.curl && args.json {
        return Err(usage(
            "--curl and --json cannot share standard output; run onse show FILE --json after onse plan --curl -o FILE",
        ));
    }
    let quarter = here.quarter(&args.scope)?;
    let ready = here.ready(None)?;
    let mapping = here.clear_mapping(Some(&ready.profile))?;
    let ask = connect::ask(&ready.profile, mapping, &ready.flags, quarter, args.scope.facilities.clone())?;
    let reach = reach(&args.further, &ask.mapping)?;
    let (guessed, unfinished) = (args.scope.period.is_none(), !here.is_over(quarter));
    let ask = remembering(here, Ask { guessed, unfinished, reach, ..ask }, args.further.previous.clone())?;
    let path = match &args.output {
        Some(path) => path.clone(),
        None => here.reviews(&ask.project)?.join(here.file_name(quarter)),
    };
    if path.exists() {
        bail!("{} exists already; a review file is never overwritten. Name another file with -o", path.display());
    }
    let commands = args.curl.then(Commands::new);
    let connect = here.connect_telling(&ready, commands.as_ref().map(Commands::sink).as_ref()).await?;
    here.log()?;
    here.noted.file(&path);
    let session = here.session(create(&path)?, Some(connect));
    let read = Box::pin(headless(here, &session, &ask, args.curl)).await;
    session.close();
    if read.is_err() {
        discard(&path);
    }
    let Opened { plan, ledger, .. } = read?;
    elsewhere::remember(&here.places()?.data.join("reviews"), &path);
    let report = || -> Result<()> {
        let file = format!("file     {}", path.display());
        let mut lines = std::iter::once(file).chain(export::summary(&plan, &ledger));
        match commands {
            _ if args.json => show::json(&path, out)?,
            // Standard output is a script then.
            Some(commands) => {
                lines.for_each(|line| say(&line));
                commands.end()?;
            }
            None => lines.try_for_each(|line| writeln!(out, "{line}"))?,
        }
        // What to do next stands last, also where both go to one terminal.
        Ok(out.flush()?)
    };
    report().with_context(|| told(Exit::Failed, format!("the plan is in {}; it could not be told", path.display())))?;
    if waits(&plan) {
        let file = shell(&path);
        say(&format!("nothing was sent; next: onse review {file}"));
        return Ok(Exit::Waiting);
    }
    Ok(Exit::Done)
}

/// The requests as curl commands on standard output, one after the other as they are sent.
struct Commands(Arc<Mutex<(Out, io::Result<()>)>>);

impl Commands {
    fn new() -> Self {
        say("the requests are on standard output; secrets stand there as variables, so set ONSE_DHIS2_PASSWORD or \
             ONSE_DHIS2_TOKEN, and ONSE_COMMCARE_API_KEY or ONSE_COMMCARE_PASSWORD, before running them");
        Self(Arc::new(Mutex::new((results(), Ok(())))))
    }

    fn sink(&self) -> Sink {
        let to = Arc::clone(&self.0);
        Arc::new(move |command| {
            let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
            let (out, state) = &mut *to;
            // After one is lost the others are no whole script; reading goes on, and the loss is said at its end.
            if state.is_ok() {
                *state = writeln!(out, "{command}").and_then(|()| out.flush());
            }
        })
    }

    /// Fails where a command could not be written.
    fn end(&self) -> Result<()> {
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut to.1, Ok(())).context("the curl commands could not be written")
    }
}

/// What is read beside the totals of the quarter. A choice for a data set that the mapping does not use, or a second one for
/// the same, is refused: it would be passed over.
pub(super) fn reach(args: &args::Further, mapping: &Mapping) -> Result<Reach> {
    for (at, (set, _)) in args.finer.iter().enumerate() {
        if !mapping.usable().any(|row| row.data_set == *set) {
            return Err(usage(format!("--finer {set}: no usable row of the mapping has this data set")));
        }
        if args.finer.iter().take(at).any(|(earlier, _)| earlier == set) {
            return Err(usage(format!("--finer {set} is given twice; one choice for a data set is needed")));
        }
    }
    Ok(Reach { look_back: args.look_back, history: !args.no_history, finer: args.finer.clone() })
}

/// The same, with the reviews of the project on this machine and the one of `--previous`. One that cannot be used is refused,
/// before anything is asked of a server or written.
pub(super) fn remembering(here: &Here, ask: Ask, previous: Option<PathBuf>) -> Result<Ask> {
    let earlier = EarlierFrom { folder: Some(here.reviews(&ask.project)?), file: previous };
    let ask = Ask { earlier, ..ask };
    Search::of(&ask).check().map_err(|error| usage(format!("--previous: {error:#}")))?;
    Ok(ask)
}

/// Whether a person has to look: changes to decide, or facilities that could not be read.
fn waits(plan: &Plan) -> bool {
    plan.incomplete() || plan.cells().any(|cell| plan.kind(cell) == Kind::Change)
}

/// Reads both sides, telling how far it is; an interrupt stops it, and what came is kept for the next time. With `lines` standard
/// output is written to meanwhile, and a terminal that shows both gets no bar.
async fn headless(here: &Here, session: &Session, ask: &Ask, lines: bool) -> Result<Opened> {
    let (progress, news) = watch::channel(Reading::default());
    let stop = CancellationToken::new();
    signals::on_interrupt(vec![(stop.clone(), "stopping")]);
    let job = session.read(ask, progress, stop.clone());
    let bar = progress::has_bar() && !(lines && io::stdout().is_terminal());
    let read = progress::watched(job, news, &here.clock, progress::reading, bar).await;
    match read {
        Err(error) if stop.is_cancelled() => Err(refused(Exit::Interrupted, format!("{error:#}"))),
        other => other,
    }
}

/// Takes away a review file this run made and read nothing into.
pub(super) fn discard(path: &Path) {
    if let Err(error) = Store::discard_blank(path) {
        say(&format!("{} holds nothing and may be deleted; it could not be here: {error:#}", path.display()));
    }
}

/// The newest unfinished review in `folder` of the same profile, servers, quarter and scope. One that cannot be read is
/// passed over, saying so.
pub(super) fn newest_unfinished(folder: &Path, ask: &Ask) -> Option<PathBuf> {
    let start = format!("{}-", ask.quarter);
    let entries = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let mut files: Vec<PathBuf> = entries
        .filter(|path| name(path).starts_with(&start) && path.extension().is_some_and(|ending| ending == "review"))
        .collect();
    files.sort();
    files.into_iter().rev().find(|path| match unfinished(path, ask) {
        Ok(found) => found,
        Err(error) => {
            say(&format!("passed over: {error:#}"));
            false
        }
    })
}

fn unfinished(path: &Path, ask: &Ask) -> Result<bool> {
    let loaded = Store::read_only(path)?;
    if loaded.used.profile != ask.used.profile || !same_place(&loaded.plan.head, ask) {
        return Ok(false);
    }
    let Opened { plan, ledger, forms, .. } = opened(loaded)?;
    let open = forms.iter().any(crate::io::store::Form::is_open);
    Ok(open || ledger.all().left() > 0 || ledger.to_send(&plan).next().is_some())
}

fn same_place(head: &Head, ask: &Ask) -> bool {
    head.undo.is_none()
        && head.quarter == ask.quarter
        && head.scope == ask.scope()
        && head.project == ask.project
        && head.case_type == ask.case_type
        && head.dhis2 == ask.dhis2
        && head.commcare == ask.commcare
}
