//! `onse data-sets`: what DHIS2 holds for every row of the mapping, and ids that a person chose put into its file. Nothing is chosen
//! here, and without `--write` nothing is changed.

use std::{io::Write as _, sync::Arc};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    args,
    exit::{Exit, refused, told, usage},
    here::{Here, blocking},
    out::{Out, say},
    progress, signals,
};
use crate::{
    domain::{
        explored::{Candidate, Explored, Found, HeldAt},
        mapping::{Changed, Mapping, Problem},
        quarter::Quarter,
        query::{Called, pick},
        value::grouped,
    },
    io::{
        config::UsedMapping,
        http::{OnWait, Wait, signed_out},
        mapping::Saved,
    },
    job::{
        datasets::{Explorer, Facilities, Looking, Place},
        session::Connect,
    },
};

mod choose;
mod json;
mod table;
mod text;

/// All there is to tell.
struct Report<'a> {
    used: &'a UsedMapping,
    quarter: Quarter,
    seen: Seen,
    /// The lines of the rows something was chosen for.
    chosen: Vec<u64>,
    /// What the choices change; `None` where nothing was chosen.
    changed: Option<Changed>,
    /// The file as written; `None` where it was not.
    saved: Option<Saved>,
}

/// What the servers said.
struct Seen {
    /// Facilities in scope, where that is known.
    facilities: Option<usize>,
    /// Of every row; `None` in a search.
    explored: Option<Explored>,
    /// Of every row as if what was chosen stood there already, without counts; `None` where that changes nothing.
    after: Option<Explored>,
    found: Option<Found>,
    held: Option<HeldAt>,
}

impl Seen {
    /// Things to know about all of it.
    fn notes(&self) -> Vec<&str> {
        let explored = self.explored.iter().flat_map(|explored| &explored.notes);
        let found = self.found.iter().flat_map(|found| &found.notes);
        let held = self.held.iter().flat_map(|held| &held.notes);
        explored.chain(found).chain(held).map(String::as_str).collect()
    }
}

impl Report<'_> {
    /// What is wrong with a row, as it would be with what was chosen.
    fn problems_of(&self, line: u64) -> &[Problem] {
        let of = self.seen.after.as_ref().or(self.seen.explored.as_ref());
        let entry = of.and_then(|explored| explored.rows.iter().find(|entry| entry.row.line == line));
        entry.map_or(&[], |entry| &entry.problems)
    }
}

pub(super) async fn data_sets(here: &Here, args: &args::DataSets, out: &mut Out) -> Result<Exit> {
    let quarter = args.period.unwrap_or_else(|| here.last_quarter());
    let ready = here.ready(None)?;
    let used = here.mapping_file(Some(&ready.profile))?;
    let chosen = choose::rows(&args.choose, &used.mapping)?;
    let connect = here.connect(&ready).await?;
    here.log()?;
    let facilities = Facilities::Cases { case_type: ready.profile.case_type.clone(), wanted: Vec::new() };
    let (mapping, period) = (Arc::new(used.mapping.clone()), quarter);
    let ask = |sources| Explorer { sources, mapping, quarter: period, facilities };
    let seen =
        interruptible(here, &connect, async |sources, tell| look(ask(sources), args, &chosen, tell).await).await?;
    if !here.is_over(quarter) {
        say(&format!("quarter {quarter} is not over: facilities may report yet"));
    }
    let changed = match (&seen.explored, chosen.is_empty()) {
        (Some(explored), false) => Some(choose::changed(&chosen, explored, seen.after.as_ref(), &used.mapping)?),
        _ => None,
    };
    let chosen = chosen.iter().map(choose::Chosen::line).collect();
    let report = Report { used: &used, quarter, seen, chosen, changed, saved: None };
    finish(here, args, report, out)
}

/// Tells it, and writes what was chosen where that was asked for. What changes is told before it is written.
fn finish(here: &Here, args: &args::DataSets, mut report: Report<'_>, out: &mut Out) -> Result<Exit> {
    if !args.json {
        text::write(&report, out)?;
        out.flush()?;
    }
    let mut lost = None;
    let used = report.used;
    if let Some(changed) = report.changed.as_ref().filter(|changed| args.write && !changed.lines.is_empty()) {
        match here.save_mapping(used, &changed.bytes) {
            Ok(saved) => report.saved = Some(saved),
            Err(error) => lost = Some(error),
        }
    }
    let tell = |out: &mut Out| -> Result<()> {
        if args.json {
            json::write(&report, out)?;
        } else if lost.is_none() {
            text::ended(&report, out)?;
        }
        Ok(out.flush()?)
    };
    let stands = match &report.saved {
        Some(saved) => format!("the mapping is written to {}; it could not be told", saved.file.display()),
        None => "the result could not be written; the mapping is what it was".to_owned(),
    };
    tell(out).with_context(|| told(Exit::Failed, stands))?;
    if let Some(error) = lost {
        return Err(told(Exit::Failed, error.to_string()).into());
    }
    // Who chose knows from the code whether that went well; what else is wrong is told, and not its fault.
    let wrong = args.choose.is_empty() && blocking(&used.mapping).next().is_some();
    Ok(if wrong { Exit::Usage } else { Exit::Done })
}

/// Asks the servers for everything that is to be told.
async fn look(
    mut asking: Explorer,
    args: &args::DataSets,
    chosen: &[choose::Chosen<'_>],
    tell: &(dyn Fn(Looking) + Sync),
) -> Result<Seen> {
    let (mut facilities, mut place, mut unknown) = (None, None, None);
    if args.facility.is_some() || args.search.is_some() {
        match asking.places().await {
            Ok(places) => {
                facilities = Some(places.len());
                place = args.facility.as_deref().map(|words| one(&places, words)).transpose()?;
                asking.facilities = Facilities::Known(places.into());
            }
            // Without them no report is counted. They are not asked for again: a few wrong sign-ins lock an account (row D01).
            Err(error) if args.facility.is_none() => {
                unknown = Some(error.to_string());
                asking.facilities = Facilities::Known(Arc::new([]));
            }
            Err(error) => return Err(error),
        }
    }
    let mut seen = Seen { facilities, explored: None, after: None, found: None, held: None };
    if let Some(words) = &args.search {
        let found = asking.search(words).await?;
        seen.found = Some(match unknown {
            Some(why) => uncounted(found, why),
            None => found,
        });
    } else {
        let explored = asking.explore(tell).await?;
        let changed = choose::with(chosen, &asking.mapping)?;
        if !changed.lines.is_empty() {
            // Who reported was counted already, and of whom is not asked for again.
            let (mapping, facilities) = (Mapping::read(&changed.bytes), Facilities::Known(Arc::new([])));
            let after = Explorer { mapping: Arc::new(mapping), facilities, ..asking.clone() };
            seen.after = Some(after.explore(tell).await?);
        }
        seen.facilities = explored.facilities;
        seen.explored = Some(explored);
    }
    if let Some(place) = &place {
        let rows = seen.explored.iter().flat_map(|explored| &explored.rows).flat_map(|entry| &entry.candidates);
        let found = seen.found.iter().flat_map(|found| &found.candidates);
        let all: Vec<Candidate> = rows.chain(found).cloned().collect();
        seen.held = Some(match asking.values(place, &all).await {
            Err(error) if signed_out(&error).is_none() => {
                let note = format!("What {} holds is not known. {error:#}", place.name);
                HeldAt { facility: place.name.clone(), notes: vec![note], ..HeldAt::default() }
            }
            held => held?,
        });
    }
    Ok(seen)
}

/// What was found where nobody knows which facilities count: how many of none reported is no fact.
fn uncounted(mut found: Found, why: String) -> Found {
    for facts in found.candidates.iter_mut().filter_map(|one| one.set.as_mut()) {
        (facts.reported, facts.assigned) = (None, None);
    }
    found.notes.insert(0, why);
    found
}

/// The facility that words mean.
fn one(places: &[Place], words: &str) -> Result<Place> {
    let called: Vec<Called<'_>> = places
        .iter()
        .map(|place| Called { case_id: &place.unit, external_id: &place.unit, name: &place.name })
        .collect();
    let found = pick(&called, words).map_err(|why| usage(format!("--facility: {why}")))?;
    // Several cases of one organisation unit get the same values.
    let place = found.first().and_then(|at| places.get(*at)).cloned();
    place.ok_or_else(|| usage(format!("--facility: no facility is called {words}")))
}

/// How far it is, and what it waits for.
#[derive(Clone, Debug, Default)]
struct Step {
    looking: Looking,
    waits: Option<String>,
}

impl Step {
    fn line(&self, _: Timestamp) -> String {
        let number = |n: usize| grouped(&n.to_string());
        let Looking { step, done, of } = self.looking;
        let bar = if of > 0 { format!("  {} of {}", number(done), number(of)) } else { String::new() };
        let waits = self.waits.iter().map(|waits| format!("   {waits}"));
        format!("{}{bar}{}", if step.is_empty() { "asking" } else { step }, waits.collect::<String>())
    }
}

/// Does a job that asks servers, telling how far it is and of waits; an interrupt ends it.
async fn interruptible<R>(
    here: &Here,
    connect: &Connect,
    job: impl AsyncFnOnce(crate::job::session::Sources, &(dyn Fn(Looking) + Sync)) -> Result<R>,
) -> Result<R> {
    let (news, progress) = watch::channel(Step::default());
    let (news, bar) = (Arc::new(news), progress::has_bar());
    let waits = Arc::clone(&news);
    let on_wait: OnWait = Arc::new(move |wait: &Wait| {
        let detail = if wait.detail.is_empty() { String::new() } else { format!(" ({})", wait.detail) };
        let seconds = wait.pause.as_secs_f64().ceil();
        let told = format!("{}: next try in {seconds} s, {}{detail}", wait.side, wait.cause);
        // A line of its own would stand in the middle of a bar.
        if bar { waits.send_modify(|step| step.waits = Some(told)) } else { say(&told) }
    });
    let tell = |looking| news.send_modify(|step| *step = Step { looking, waits: None });
    let stop = CancellationToken::new();
    signals::on_interrupt(vec![(stop.clone(), "stopping")]);
    let sources = connect(on_wait);
    let asked = async {
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(refused(Exit::Interrupted, "interrupted; nothing was written")),
            seen = job(sources, &tell) => seen,
        }
    };
    progress::watched(asked, progress, &here.clock, Step::line, bar).await
}
