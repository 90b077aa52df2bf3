//! `onse undo`: a new review that puts back what `CommCare` held before another one, where what that one wrote still stands.
//! Sends nothing, and leaves the other file as it is.

use std::{io::Write as _, path::Path, sync::Arc};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tokio::sync::watch;

use super::{
    args, elsewhere,
    exit::{Exit, told, usage},
    here::{Here, create},
    out::{Out, count, say, shell},
    progress,
    read::discard,
};
use crate::{
    domain::{outcome::Outcome, text::inert, value::grouped},
    io::store::{Loaded, Store},
    job::{
        connect, export,
        forms::place,
        report::Reading,
        session::Connect,
        undo::{Undone, undone},
    },
};

pub(super) async fn undo(here: &Here, args: &args::Undo, out: &mut Out) -> Result<Exit> {
    let loaded = Store::read_only(&args.file)?;
    vacant(args, &loaded)?;
    let ready = here.ready(Some(&loaded.used.profile))?;
    connect::fits(&ready.profile, &loaded.plan.head)?;
    let connect = here.connect(&ready).await?;
    here.log()?;
    let undone = read(here, &connect, loaded, &name(&args.file)).await?;
    let writes = undone.counts.put_back > 0;
    if writes {
        keep(&args.output, &undone).await?;
        elsewhere::remember(&here.places()?.data.join("reviews"), &args.output);
        here.noted.file(&args.output);
    }
    here.noted.say(format!("of {}: {}", args.file.display(), cells(&undone)));
    tell(args, &undone, out).with_context(|| {
        let file = args.output.display();
        let lost = "what is and is not put back could not be told";
        told(Exit::Failed, if writes { format!("the undo is in {file}; {lost}") } else { lost.to_owned() })
    })?;
    for why in &undone.unsettled {
        say(why);
    }
    if writes {
        say(&format!(
            "nothing was sent, {} is as it was; next: onse review {}",
            args.file.display(),
            shell(&args.output)
        ));
        return Ok(Exit::Waiting);
    }
    say(&format!("nothing can be put back, so {} was not made; nothing was changed", args.output.display()));
    Ok(if undone.counts.conflicts > 0 { Exit::Held } else { Exit::Done })
}

/// Reads the cases, telling how far it is and of waits.
async fn read(here: &Here, connect: &Connect, loaded: Loaded, name: &str) -> Result<Undone> {
    let (news, progress) = watch::channel(Reading::default());
    let now = || (here.clock)();
    let (news, clock) = (Arc::new(news), Arc::clone(&here.clock));
    let waits = Arc::clone(&news);
    let sources = connect(Arc::new(move |wait| waits.send_modify(|reading| reading.waits(wait, clock()))));
    let tell = |done, all| news.send_modify(|reading| reading.cases.set(done, Some(all), now()));
    let job = undone(loaded, name, &sources, now(), &tell);
    progress::watched(job, progress, &here.clock, progress::reading, progress::has_bar()).await
}

/// Whether there is something to undo, and a place for the review that does it. Asks no server.
fn vacant(args: &args::Undo, loaded: &Loaded) -> Result<()> {
    let (file, output) = (args.file.display(), args.output.display());
    let whole = |path: &Path| path.canonicalize().ok();
    if whole(&args.file).is_some_and(|one| Some(one) == whole(&args.output)) {
        return Err(usage(format!("{output} is the review that is undone; name another file with -o")));
    }
    if loaded.forms.is_empty() {
        bail!("nothing was sent from {file}, so there is nothing to undo");
    }
    if args.output.symlink_metadata().is_ok() {
        bail!("{output} exists already; a review file is never overwritten. Name another file with -o");
    }
    Ok(())
}

async fn keep(path: &Path, undone: &Undone) -> Result<()> {
    let store = create(path)?;
    let saved = undone.save(&store).await;
    store.close();
    if saved.is_err() {
        discard(path);
    }
    saved
}

/// The name of a file, as a review may carry it: without the folders of this machine.
fn name(path: &Path) -> String {
    inert(&path.file_name().unwrap_or_default().to_string_lossy()).into_owned()
}

fn tell(args: &args::Undo, undone: &Undone, out: &mut Out) -> Result<()> {
    if args.json {
        export::write(&document(args, undone), out)?;
        writeln!(out)?;
    } else {
        lines(args, undone, out)?;
    }
    Ok(out.flush()?)
}

/// How many cells of each kind.
fn cells(undone: &Undone) -> String {
    let counts = undone.counts;
    let n = |count: usize| grouped(&count.to_string());
    format!(
        "to be put back {}, of which become blank {}   as before already {}   conflicts {}",
        n(counts.put_back),
        n(counts.blanks),
        n(counts.as_before),
        n(counts.conflicts)
    )
}

fn lines(args: &args::Undo, undone: &Undone, out: &mut Out) -> Result<()> {
    if undone.counts.put_back > 0 {
        writeln!(out, "file     {}", args.output.display())?;
    }
    writeln!(out, "undo of  {}", args.file.display())?;
    writeln!(out, "cells    {}", cells(undone))?;
    for one in &undone.conflicts {
        writeln!(out, "conflict {}: {}", inert(&place(&undone.plan, one.cell)), inert(&one.why))?;
    }
    for form in undone.forms() {
        writeln!(out, "form {}   {}   {}", form.number, form.outcome.words(), inert(&form.form_id))?;
    }
    let forms = undone.forms().iter().filter(|form| form.acted).count();
    if forms > 0 {
        let forms = count(forms, "form", "forms");
        writeln!(out, "archiving in CommCare reverts what a form changed, too; {forms} took effect or may have")?;
    }
    Ok(())
}

fn document(args: &args::Undo, undone: &Undone) -> serde_json::Value {
    let counts = undone.counts;
    let conflicts = undone.conflicts.iter().map(|one| {
        json!({
            "case_id": undone.plan.facility(one.cell.facility).case_id,
            "case_name": undone.plan.facility(one.cell.facility).name,
            "property": undone.plan.property(one.cell.property).name,
            "ours": one.ours,
            "now": one.now,
            "before": one.before,
            "why": one.why,
        })
    });
    let forms = undone.forms().iter().map(|form| {
        // Frozen and not answered is unknown to scripts: a byte may have left.
        let outcome = if form.outcome == Outcome::Frozen { Outcome::Unknown } else { form.outcome };
        json!({"form_id": form.form_id, "outcome": outcome.name()})
    });
    json!({
        "schema": 1,
        "undo": (counts.put_back > 0).then(|| args.output.display().to_string()),
        "of": args.file.display().to_string(),
        "counts": {
            "put_back": counts.put_back,
            "become_blank": counts.blanks,
            "as_before": counts.as_before,
            "conflicts": counts.conflicts,
        },
        "conflicts": conflicts.collect::<Vec<_>>(),
        "forms": forms.collect::<Vec<_>>(),
    })
}
