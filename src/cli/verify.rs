//! `onse verify`: what was sent against the cases as they are now. Sends nothing. Where the trail of a review is damaged it tells what
//! the cases hold of every form, and leaves the file as it is.

use std::{io::Write as _, sync::Arc};

use anyhow::Result;
use tokio::sync::watch;

use super::{
    args,
    exit::Exit,
    here::Here,
    out::{Out, say, shell},
    progress,
    submit::{Before, Work, as_it_stands, report, send},
};
use crate::{
    domain::value::grouped,
    io::store::Store,
    job::{
        connect, export,
        report::{Phase, Sending},
        session::{Opened, opened},
        verify::as_they_stand,
    },
};

pub(super) async fn verify(here: &Here, args: &args::Verify, out: &mut Out) -> Result<Exit> {
    let Opened { plan, forms, .. } = match Store::read_only(&args.file).and_then(opened) {
        Ok(opened) => opened,
        Err(error) => return damaged(here, args, error, out).await,
    };
    let store = Store::open(&args.file)?;
    let done = async {
        let before = Before::new(&plan, &forms);
        if before.open.is_empty() {
            let sent = if forms.is_empty() { "nothing was sent from it" } else { "every form of it is settled" };
            say(&format!("nothing to verify: {sent}. What became of each: onse show {}", shell(&args.file)));
            return as_it_stands(&plan, &forms, args.json, out);
        }
        let used = store.used().await?;
        let ready = here.ready(Some(&used.profile))?;
        connect::fits(&ready.profile, &plan.head)?;
        let session = here.session(store.clone(), Some(here.connect(&ready).await?));
        here.log()?;
        send(here, &session, Work::Verify, &before, (&args.file, args.json), out).await
    };
    let done = done.await;
    store.close();
    done
}

/// What the cases hold of each form of a file whose trail or decisions cannot be trusted (fault matrix row F16). `why` is what is
/// wrong with it; where not even plan and forms can be read that is the answer.
async fn damaged(here: &Here, args: &args::Verify, why: anyhow::Error, out: &mut Out) -> Result<Exit> {
    let Ok((plan, used, forms)) = Store::unchecked(&args.file) else { return Err(why) };
    if Store::read_only_trail(&args.file)?.damage.is_none() {
        return Err(why);
    }
    say(&format!("{why:#}"));
    let ready = here.ready(Some(&used.profile))?;
    connect::fits(&ready.profile, &plan.head)?;
    let connect = here.connect(&ready).await?;
    here.log()?;
    let (progress, news) = watch::channel(Sending { phase: Phase::ReadingBack, ..Sending::default() });
    let bar = progress::has_bar();
    // A line of its own would stand in the middle of a bar.
    let sources = connect(Arc::new(move |wait| {
        if !bar {
            say(&format!("{}: {}; next try in {} s", wait.side, wait.cause, wait.pause.as_secs()));
        }
    }));
    let job = as_they_stand(&sources, &plan, forms, (here.clock)(), &progress);
    let found = progress::watched(job, news, &here.clock, progress::sending, bar).await?;
    if args.json {
        export::submission(&plan, &found, out)?;
        writeln!(out)?;
    } else {
        report(&plan, &found, out)?;
    }
    out.flush()?;
    say(&format!(
        "{} of {} changes of its forms are in the cases. The file was left as it is and takes no submission any more; what is still \
         to be done goes into a new review: onse review --new",
        grouped(&found.applied.to_string()),
        grouped(&found.changes.to_string())
    ));
    Ok(Exit::Partly)
}
