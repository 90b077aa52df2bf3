//! `onse submit`: what is approved goes out and is read back, or is written to a folder to be looked at.

use std::{collections::BTreeSet, io::Write, path::Path};

use anyhow::{Context as _, Result};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    args,
    dry_run::dry_run,
    exit::{Exit, refused, told, usage},
    here::Here,
    out::{Out, count, say, shell},
    progress, signals,
};
use crate::{
    domain::{
        ledger::Ledger,
        outcome::Outcome,
        plan::{Cell, Plan},
        text::inert,
        value::grouped,
    },
    io::store::{Form, Store, Used},
    job::{
        connect, export,
        forms::{place, stamp, standing},
        report::Sending,
        run::held_back,
        session::{Opened, Session},
        submit::Steering,
    },
};

pub(super) async fn submit(here: &Here, args: &args::Submit, out: &mut Out) -> Result<Exit> {
    match (&args.dry_run, args.write) {
        (Some(folder), _) => dry_run(here, args, folder, out),
        (None, Some(count)) => write(here, args, count, out).await,
        (None, None) => Err(usage("either --write N or --dry-run DIR is needed")),
    }
}

async fn write(here: &Here, args: &args::Submit, count: usize, out: &mut Out) -> Result<Exit> {
    // A file that cannot be trusted is refused before it is opened for writing.
    let used = Store::read_only(&args.file)?.used;
    let store = Store::open(&args.file)?;
    let sent = async {
        let opened = here.session(store.clone(), None).open().await?;
        let applied = opened.applied_words(&args.file);
        let Opened { plan, ledger, forms, .. } = opened;
        let ready = ledger.to_send(&plan).count();
        let before = Before::new(&plan, &forms);
        let approved = usize::try_from(ledger.all().to_write())?;
        counted(args, count, (ready, approved), before.open.len())?;
        if ready == 0 && before.open.is_empty() {
            let nothing = "nothing to send: no approved change is left that was not sent already";
            say(&inert(&format!("{nothing}{applied}")));
            return as_it_stands(&plan, &forms, args.json, out);
        }
        let profile = here.ready(Some(&used.profile))?;
        connect::fits(&profile.profile, &plan.head)?;
        let days = profile.profile.stale_after_days;
        if let Some(why) = connect::too_old(&plan.head, (here.clock)(), days).filter(|_| ready > 0) {
            return Err(usage(format!("this review cannot be submitted: {why}")));
        }
        let session = here.session(store.clone(), Some(here.connect(&profile).await?)).stale_after(days);
        let mapping = here.mapping(Some(&profile.profile))?.mapping;
        let waiting: Vec<Cell> = ledger.to_send(&plan).collect();
        if let Some(why) = connect::remapped(&plan, &mapping, &waiting) {
            return Err(usage(format!("this review cannot be submitted: {why}")));
        }
        let session = session.mapped_by(mapping);
        here.log()?;
        if ready > 0 {
            say_where(&plan, &ledger);
            say_stamp(here, &used);
            say_blanks(&plan, &ledger);
        }
        let account = &profile.profile.commcare.username;
        let work = if ready > 0 { Work::Send(account, ready) } else { Work::Settle(account) };
        send(here, &session, work, &before, (&args.file, args.json), out).await
    };
    let sent = sent.await;
    store.close();
    sent
}

/// The number typed must be the number of changes that would go: a person who is wrong about it has not looked. The number of
/// all approved changes is as good, so that the same command goes on after it was broken off.
fn counted(args: &args::Submit, typed: usize, (ready, approved): (usize, usize), open: usize) -> Result<()> {
    if typed == ready || typed == approved {
        return Ok(());
    }
    let settles = match open {
        0 => String::new(),
        n => format!("; an earlier run left {} to be settled first", count(n, "form", "forms")),
    };
    Err(usage(format!(
        "--write {typed} does not match: {} approved changes are not sent yet{settles}. Nothing was sent. Look at them with \
         onse show {} --where is:approved, then: --write {ready}",
        number(ready),
        shell(&args.file)
    )))
}

/// The review before anything is sent: how many forms there were, and which of them were not settled.
pub(super) struct Before<'a> {
    plan: &'a Plan,
    forms: usize,
    pub(super) open: Vec<usize>,
}

impl<'a> Before<'a> {
    pub(super) fn new(plan: &'a Plan, forms: &[Form]) -> Self {
        let open = forms.iter().zip(1..).filter(|(form, _)| form.is_open());
        Self { plan, forms: forms.len(), open: open.map(|(_, number)| number).collect() }
    }

    /// Whether this run is about that form.
    fn concerns(&self, number: usize) -> bool {
        number > self.forms || self.open.contains(&number)
    }

    /// Whether a form of this run changed a case, or may have. `now` are the forms as the review file has them.
    fn touched(&self, now: &[Form]) -> bool {
        (1..).zip(now).filter(|(number, _)| self.concerns(*number)).any(|(_, form)| form.sent != Outcome::NotApplied)
    }

    /// How the run ended. `touched` says whether a case was changed, or may have been.
    fn verdict(&self, sending: &Sending, touched: bool, interrupted: bool) -> Exit {
        let concerned = || sending.forms.iter().filter(|form| self.concerns(form.number) && !form.replaced);
        if concerned().all(|form| form.outcome == Some(Outcome::Applied)) {
            return if sending.held.is_empty() { Exit::Done } else { Exit::Held };
        }
        let left = concerned().any(|form| form.form_id.is_some());
        match (touched, interrupted && !left) {
            (true, _) => Exit::Partly,
            (_, true) => Exit::Interrupted,
            _ => Exit::Failed,
        }
    }
}

/// What was sent before, for scripts: there is nothing else to do.
pub(super) fn as_it_stands(plan: &Plan, forms: &[Form], json: bool, out: &mut Out) -> Result<Exit> {
    if json {
        export::submission(plan, &standing(plan, forms).unwrap_or_default(), out)?;
        writeln!(out)?;
        out.flush()?;
    }
    Ok(Exit::Done)
}

/// What is done about forms.
pub(super) enum Work<'a> {
    /// At most so many changes are sent as this account.
    Send(&'a str, usize),
    /// What was sent before is settled.
    Settle(&'a str),
    /// It is only read back.
    Verify,
}

pub(super) async fn send(
    here: &Here,
    session: &Session,
    work: Work<'_>,
    before: &Before<'_>,
    (file, json): (&Path, bool),
    out: &mut Out,
) -> Result<Exit> {
    let (progress, news) = watch::channel(Sending::default());
    let (stop, abandon) = (CancellationToken::new(), CancellationToken::new());
    let (_resume, pause) = watch::channel(false);
    signals::on_interrupt(vec![
        (stop.clone(), "stopping after the form under way; again to leave its request, which makes it UNKNOWN"),
        (abandon.clone(), "leaving the request under way; again to leave at once"),
    ]);
    let steering = Steering { stop: stop.clone(), abandon, pause };
    let job = async {
        match work {
            Work::Send(account, limit) => session.submit(account, limit, progress, steering).await,
            Work::Settle(account) => session.settle(account, progress, steering).await,
            Work::Verify => session.verify(progress, steering).await,
        }
    };
    let sending = match progress::watched(job, news, &here.clock, progress::sending, progress::has_bar()).await {
        Ok(sending) => sending,
        Err(error) => {
            let exit = if touched(session, before).await { Exit::Partly } else { Exit::of(&error) };
            return Err(refused(exit, format!("{error:#}. {}", next(file))));
        }
    };
    here.noted.held(held_back(before.plan, &sending));
    let exit = before.verdict(&sending, touched(session, before).await, stop.is_cancelled());
    let reported = if json {
        export::submission(before.plan, &sending, out).and_then(|()| writeln!(out)).map_err(Into::into)
    } else {
        report(before.plan, &sending, out)
    };
    reported.and_then(|()| Ok(out.flush()?)).with_context(|| {
        // Whoever cannot read the result must not take it for done.
        let exit = if matches!(exit, Exit::Done | Exit::Held) { Exit::Partly } else { exit };
        told(exit, format!("the result could not be written. {}", next(file)))
    })?;
    if let Some(note) = &sending.note {
        say(note);
    }
    say_end(exit, before, &sending, file);
    Ok(exit)
}

/// Whether a form of this run changed a case, or may have: the file knows what left. One that cannot be read settles nothing.
async fn touched(session: &Session, before: &Before<'_>) -> bool {
    session.open().await.map_or(true, |now| before.touched(&now.forms))
}

/// Says what goes where, and of a DHIS2 this program was not tested with that it is one (fault matrix rows H26 and D26).
fn say_where(plan: &Plan, ledger: &Ledger) {
    let cells: Vec<Cell> = ledger.to_send(plan).collect();
    let cases: BTreeSet<u32> = cells.iter().map(|cell| cell.facility).collect();
    let (head, changes) = (&plan.head, count(cells.len(), "change", "changes"));
    let label = if head.label.is_empty() { String::new() } else { format!(", {}", head.label) };
    let text = format!(
        "{changes} in {} go to {} at {}{label}",
        count(cases.len(), "case", "cases"),
        head.project,
        head.commcare.trim_end_matches('/')
    );
    say(&text);
    if let Some(why) = connect::untested(head) {
        say(&format!("{why}; look closely at what was approved"));
    }
}

/// Says what the forms set beside the approved changes, before anything is written or sent.
pub(super) fn say_stamp(here: &Here, used: &Used) {
    if let Some((property, date)) = stamp(used, (here.clock)()) {
        say(&format!("each case also gets {property} = {date}, as the profile's stamp_property asks"));
    }
}

/// Says how many of the changes make a property blank, which only those of an undo do.
fn say_blanks(plan: &Plan, ledger: &Ledger) {
    let blanks = ledger.to_send(plan).filter(|cell| plan.becomes_blank(*cell)).count();
    if blanks > 0 {
        say(&format!("{} of the changes make a property blank, as it was before the review", number(blanks)));
    }
}

/// How it ended, in a sentence, and what to do next.
fn say_end(exit: Exit, before: &Before<'_>, sending: &Sending, file: &Path) {
    let shown = shell(file);
    let review = format!("Look at them, decide again and submit: onse review {shown} (F reads both sides again)");
    match exit {
        Exit::Done => {}
        _ if sending.refused => say(&format!(
            "CommCare refused the sign-in and was asked nothing more; what was approved stands. Once the key is right, or with --ask, \
             which asks for it, the command that onse status {shown} names goes on"
        )),
        Exit::Held => say(&format!("what was held was not sent; the rest is applied. {review}")),
        Exit::Failed if sending.forms.iter().any(|form| before.concerns(form.number) && form.form_id.is_some()) => {
            say(&format!("CommCare HQ took no form, so no case was changed. {}", next(file)));
        }
        Exit::Failed | Exit::Interrupted => say(&format!("nothing was sent. {}", next(file))),
        _ if sending.unknown > 0 => say(&format!(
            "{} changes have no answer that settles them. Submit again with the same N: their cases are read first, then the same bytes \
             go, and they take effect once: onse submit {shown} --write N",
            number(sending.unknown)
        )),
        _ if sending.accepted > 0 => say(&format!(
            "{} changes were accepted and are not seen yet; CommCare may take minutes to show them. Then: onse verify {shown}",
            number(sending.accepted)
        )),
        _ if sending.not_applied > 0 => {
            say(&format!(
                "{} changes are not applied; CommCare's words stand above. {review}",
                number(sending.not_applied)
            ));
        }
        _ => say(&format!("not all of it was sent. {}", next(file))),
    }
}

fn next(file: &Path) -> String {
    let file = shell(file);
    format!("What is and is not applied: onse show {file}; going on: onse submit {file} --write N")
}

/// Cells that were set already and are named one by one.
const MOST_SET: usize = 20;

pub(super) fn report(plan: &Plan, sending: &Sending, out: &mut dyn Write) -> Result<()> {
    for form in &sending.forms {
        let outcome = match form.outcome {
            Some(_) if form.replaced => "NOT APPLIED, sent again in later forms",
            outcome => outcome.map_or("not sent", Outcome::words),
        };
        let (first, last) = (inert(&form.first), inert(&form.last));
        let facilities = count(form.facilities, "facility", "facilities");
        let changes = count(form.changes, "change", "changes");
        let id = form.form_id.as_deref().unwrap_or("-");
        writeln!(out, "form {}   {outcome}   {facilities}, {first} to {last}   {changes}   {id}", form.number)?;
        if let Some(answer) = &form.answer {
            writeln!(out, "         answer: {}", inert(answer))?;
        }
    }
    for set in sending.elsewhere.iter().take(MOST_SET) {
        writeln!(out, "already set  {}", inert(&place(plan, set.cell)))?;
    }
    if sending.elsewhere.len() > MOST_SET {
        writeln!(out, "already set  and {} more", number(sending.elsewhere.len() - MOST_SET))?;
    }
    for (facility, why) in &sending.rejected {
        writeln!(out, "rejected {}: {}", inert(&plan.facility(*facility).name), inert(why))?;
    }
    for facility in &sending.recent {
        let name = inert(&plan.facility(*facility).name);
        writeln!(out, "recent   {name}: somebody changed the case within the minute before its form")?;
    }
    for held in &sending.held {
        writeln!(out, "held     {}: {}", inert(&place(plan, held.cell)), inert(&held.why))?;
    }
    writeln!(
        out,
        "changes  {}   applied {}   accepted, not seen {}   not applied {}   unknown {}   held {}   already set {}",
        number(sending.changes),
        number(sending.applied),
        number(sending.accepted),
        number(sending.not_applied),
        number(sending.unknown),
        number(sending.held.len()),
        number(sending.elsewhere.len())
    )?;
    Ok(())
}

pub(super) fn number(n: usize) -> String {
    grouped(&n.to_string())
}

#[cfg(test)]
mod tests;
