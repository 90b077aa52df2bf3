//! `onse plan`: both sides into a review file without a screen; and what `review` shares with it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    args,
    exit::{Exit, refused, told},
    here::{Here, create},
    out::{Out, say},
    progress, show, signals,
};
use crate::{
    domain::plan::{Head, Kind, Plan},
    io::store::Store,
    job::{
        connect, export,
        fetch::Ask,
        report::Reading,
        session::{Opened, Session, opened},
    },
};

pub(super) async fn plan(here: &Here, args: &args::Plan, out: &mut Out) -> Result<Exit> {
    let quarter = here.quarter(&args.scope)?;
    let ready = here.ready(None)?;
    let mapping = here.mapping(Some(&ready.profile))?;
    let ask = connect::ask(&ready.profile, mapping, quarter, args.scope.facilities.clone())?;
    let ask = Ask { guessed: args.scope.period.is_none(), ..ask };
    let path = match &args.output {
        Some(path) => path.clone(),
        None => here.reviews(&ask.project)?.join(here.file_name(quarter)),
    };
    if path.exists() {
        bail!("{} exists already; a review file is never overwritten. Name another file with -o", path.display());
    }
    let connect = here.connect(&ready)?;
    here.log()?;
    let session = here.session(create(&path)?, Some(connect));
    let read = Box::pin(headless(here, &session, &ask)).await;
    session.close();
    if read.is_err() {
        discard(&path);
    }
    let Opened { plan, ledger, .. } = read?;
    let mut report = || -> Result<()> {
        if args.json {
            return show::json(&path, out);
        }
        writeln!(out, "file     {}", path.display())?;
        for line in export::summary(&plan, &ledger) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    };
    report().with_context(|| told(Exit::Failed, format!("the plan is in {}; it could not be told", path.display())))?;
    if waits(&plan) {
        let file = path.display();
        say(&format!("nothing was sent; next: onse review {file}"));
        return Ok(Exit::Waiting);
    }
    Ok(Exit::Done)
}

/// Whether a person has to look: changes to decide, or facilities that could not be read.
fn waits(plan: &Plan) -> bool {
    plan.incomplete() || plan.cells().any(|cell| plan.kind(cell) == Kind::Change)
}

/// Reads both sides, telling how far it is; an interrupt stops it with nothing written.
async fn headless(here: &Here, session: &Session, ask: &Ask) -> Result<Opened> {
    let (progress, news) = watch::channel(Reading::default());
    let stop = CancellationToken::new();
    signals::on_interrupt(vec![(stop.clone(), "stopping")]);
    let job = session.read(ask, progress, stop.clone());
    let read = progress::watched(job, news, &here.clock, progress::reading).await;
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
    head.quarter == ask.quarter
        && head.scope == ask.scope()
        && head.project == ask.project
        && head.case_type == ask.case_type
        && head.dhis2 == ask.dhis2
        && head.commcare == ask.commcare
}
