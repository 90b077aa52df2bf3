//! Both sources to a plan: the case list, then a handful of DHIS2 requests for all facilities at once.
//! What an answer means is `assemble`.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::{Arc, OnceLock},
};

use anyhow::{Result, bail};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    ask::chosen,
    assemble::{Answers, Assembled, Completed, Standards, assemble, closed_before, shared, unfit},
    columns::{Column, elements, fitting},
    earlier::{self, Search},
    gather::{Step, listed},
    lint,
    report::{Bar, Reading},
    server::{Server, named},
    session::{Clock, Opened, Session, Sources, opened},
    values::{Found, Values, out_of_reach},
};
pub use super::{
    ask::{Ask, NotFound, Rules},
    reach::{Finer, Reach},
};
use crate::{
    domain::{
        flags::{Earlier, too_many},
        head::WITHOUT_CASE,
        history::QUARTERS,
        mapping::Row,
        plan::Head,
        quarter::Quarter,
        text::inert,
    },
    io::{
        commcare::{CaseRecord, Listing},
        dhis2::{Named, OrgUnit, URL_LIMIT},
        http::Failure,
        known::{Account, Known, Partial, Run},
    },
};

/// What is to be said where the server has no list of organisation units.
const UNITS: &str =
    "DHIS2, or a gateway before it, does not tell of organisation units: one it does not know reads as not reported";

/// What becomes of a reading that is stopped.
const STOPPED: &str =
    "reading was stopped; nothing was written; what came is kept, and the same command goes on from there within a day";
/// The same where nothing is known between runs.
const DROPPED: &str = "reading was stopped; nothing was written; the same command begins anew";

/// How many organisation units without a case are asked for by name.
const NAMED: usize = 500;

impl Session {
    /// Reads both sides into the review file, whole or not at all, and opens it. Asks for exactly what is asked.
    pub(super) async fn read_as(
        &self,
        ask: &Ask,
        progress: watch::Sender<Reading>,
        stop: CancellationToken,
    ) -> Result<Opened> {
        let (waits, clock) = (progress.clone(), Arc::clone(&self.clock));
        let mut sources =
            self.sources(Arc::new(move |wait| waits.send_modify(|reading| reading.waits(wait, clock()))))?;
        if let Some(known) = self.known()
            && let Some(longest) = known.longest(sources.dhis2.base().as_str(), (self.clock)()).await
        {
            sources.dhis2 = sources.dhis2.limited(longest);
        }
        // A reading again is to be of now.
        let resume = self.store.is_blank().await?;
        let reader = Reader {
            sources,
            ask,
            own: self.path(),
            clock: &self.clock,
            known: self.known(),
            progress,
            resume,
            key: OnceLock::new(),
        };
        let Assembled { plan, parts, history } = tokio::select! {
            biased;
            () = stop.cancelled() => bail!("{}", if reader.key.get().is_some() { STOPPED } else { DROPPED }),
            read = Box::pin(reader.read()) => read?,
        };
        // Counted as the comparison counts them: a unit once, and none that only an earlier reading of this review had.
        let units: BTreeSet<String> = plan.facilities().iter().map(|one| one.external_id.clone()).collect();
        let opened = if resume {
            self.store.save_plan(Arc::new(plan), ask.used.clone(), parts, history).await?;
            opened(self.store.load().await?)?
        } else {
            self.next_generation(&plan, parts, history).await?
        };
        reader.keep(units.len()).await;
        Ok(opened)
    }
}

struct Reader<'a> {
    sources: Sources,
    ask: &'a Ask,
    /// The review file it is read into.
    own: &'a Path,
    clock: &'a Clock,
    known: Option<&'a Known>,
    progress: watch::Sender<Reading>,
    /// Whether what a reading that was stopped had brought may be used.
    resume: bool,
    /// Under which name what comes is kept; empty where nothing is.
    key: OnceLock<String>,
}

impl Reader<'_> {
    async fn read(&self) -> Result<Assembled> {
        self.begin();
        let rows = self.rows()?;
        let names = |step| self.names(step);
        // Rows that wait for a data set are asked about too: what is wrong with them is told.
        let all = lint::rows(&self.ask.mapping);
        let server = Server::ask(&self.sources.dhis2, &all, self.ask.guessed, &names);
        let reviews = earlier::read(Search::of(self.ask).for_file(self.own));
        let (listing, server, reviews) = tokio::try_join!(self.cases(&rows), server, reviews)?;
        let columns = fitting(rows, server.known())?;
        let (mut notes, incomplete) = (server.notes.clone(), short(&listing));
        notes.extend(self.unfinished().into_iter().chain(reviews.notes).chain(untimed(&columns)));
        notes.extend(listing.notes.iter().cloned());
        let index_as_of = listing.newest_indexed_on.clone();
        let shared = shared(&listing.cases);
        let everyone: BTreeSet<String> = listing.cases.iter().filter_map(|case| case.external_id.clone()).collect();
        let cases = chosen(listing.cases, &self.ask.facilities)?;
        let (ids, units) = self.units(&cases).await?;
        // Where nothing is told at all that is said already.
        notes.extend((units.is_none() && server.known().membership()).then(|| UNITS.to_owned()));
        let values = self.asked(&server, &columns);
        if let Some(key) = values.key().filter(|_| self.resume) {
            let _ = self.key.set(key);
        }
        let (mut found, completed) = self.values(&values, &ids, units.as_deref()).await?;
        let earlier = Arc::new(found.earlier);
        values.keep(&earlier, &found.unread).await;
        notes.append(&mut found.notes);
        let last = self.last().await;
        notes.extend(last.and_then(|last| self.compared(ids.len(), last)));
        let without_case = self.without_case(&server, &columns, &everyone).await?;
        notes.extend(unmatched(&without_case));
        let options = self.options(&found.values).await?;
        let head = Head {
            incomplete,
            index_as_of,
            without_case,
            dhis2_version: server.info.version.clone().unwrap_or_default(),
            ..self.head(&server, notes, found.since)
        };
        let earlier = (!values.earlier.is_empty()).then_some(earlier);
        let Found { values, unread, .. } = found;
        let (sets, standards) = (server.sets.clone(), Some(self.standards(reviews.earlier, last)));
        Ok(assemble(Answers {
            head,
            cases,
            shared,
            columns,
            sets,
            units,
            values,
            completed,
            unread,
            options,
            earlier,
            standards,
        }))
    }

    /// What the numbers are held to.
    fn standards(&self, reviews: Earlier, last: Option<Run>) -> Standards {
        let rules = &self.ask.rules;
        let last = last.map(|last| (last.facilities, last.quarter));
        Standards { limits: rules.limits.clone(), relations: rules.relations(&self.ask.mapping), reviews, last }
    }

    /// The rows of the mapping that can be used.
    fn rows(&self) -> Result<Vec<&Row>> {
        let rows: Vec<&Row> = self.ask.mapping.usable().collect();
        if rows.is_empty() {
            bail!("the mapping {} has no usable row; nothing can be read", self.ask.mapping_label);
        }
        Ok(rows)
    }

    /// What is to be said of a quarter that was not over.
    fn unfinished(&self) -> Option<String> {
        let quarter = self.ask.quarter;
        let words = || format!("quarter {quarter} was not over when it was read: its numbers are not complete");
        self.ask.unfinished.then(words)
    }

    /// The earlier quarters that are read, newest first.
    fn earlier(&self) -> Vec<Quarter> {
        let Reach { look_back, history, .. } = self.ask.reach;
        let most = usize::from(look_back).max(if history { QUARTERS } else { 0 });
        self.ask.quarter.earlier().take(most).collect()
    }

    fn begin(&self) {
        let mapping = &self.ask.mapping;
        let usable = mapping.usable().count();
        let line = format!("{}   {} rows, {usable} usable", self.ask.mapping_label, mapping.rows.len());
        let problems = mapping.problems.iter().map(ToString::to_string).collect();
        self.now(|reading, now| {
            (reading.mapping, reading.mapping_problems) = (line, problems);
            reading.cases.set(0, None, now);
            reading.names.set(0, None, now);
        });
    }

    /// Tells of something that happens now.
    fn now(&self, tell: impl FnOnce(&mut Reading, Timestamp)) {
        let now = (self.clock)();
        self.progress.send_modify(|reading| tell(reading, now));
    }

    /// A step of a request for names.
    fn names(&self, step: Step) {
        self.step(step, |reading| &mut reading.names);
        if let Step::Answered(_) = step {
            self.now(|reading, now| reading.names.add(1, now));
        }
    }

    /// A step of any request; what is settled by it moves this bar.
    fn step(&self, step: Step, bar: fn(&mut Reading) -> &mut Bar) {
        self.now(|reading, now| match step {
            Step::Asked => reading.asked(now),
            Step::Answered(rows) => reading.answered(now, rows),
            Step::Unanswered => reading.unanswered(),
            Step::Settled(more) => {
                let bar = bar(reading);
                bar.set(bar.done.saturating_add(more).min(bar.total.unwrap_or(usize::MAX)), bar.total, now);
            }
        });
    }

    /// One request for names.
    async fn named<T>(&self, ask: impl Future<Output = Result<T, Failure>>) -> Result<Option<T>> {
        Ok(named(ask, &|step| self.names(step)).await?)
    }

    /// The whole case list. A short one, from which a case slipped while it was listed, is asked for once more (fault matrix
    /// row H03).
    async fn cases(&self, rows: &[&Row]) -> Result<Listing> {
        let wanted: Vec<String> = rows.iter().map(|row| row.property.clone()).collect();
        let mut listing = self.list(&wanted).await?;
        if !listing.is_whole() {
            let again = self.list(&wanted).await?;
            if again.is_whole() || again.cases.len() >= listing.cases.len() {
                listing = again;
            }
        }
        let cases = listing.cases.len();
        self.now(|reading, now| reading.cases.set(cases, Some(cases), now));
        if listing.cases.is_empty() {
            bail!(
                "project {} has no case of type {}, or the account may not see any; check case_type and project",
                self.ask.project,
                self.ask.case_type
            );
        }
        Ok(listing)
    }

    async fn list(&self, wanted: &[String]) -> Result<Listing, Failure> {
        let mut page = |done, total| {
            self.now(|reading, now| {
                // The next page is asked for at once, if there is one.
                reading.answered(now, done - reading.cases.done.min(done));
                reading.asked(now);
                reading.cases.set(done, Some(total), now);
            });
        };
        self.now(Reading::asked);
        let listing = self.sources.commcare.cases(&self.ask.case_type, wanted, &mut page).await;
        self.now(|reading, _| reading.unanswered());
        listing
    }

    /// The organisation units to ask for, and what DHIS2 says of them; `None` where it has no such list. Those it does not know
    /// are not asked for: it would pass them over without a word, and refuse a request for such units alone.
    async fn units(&self, cases: &[CaseRecord]) -> Result<(Vec<String>, Option<Vec<OrgUnit>>)> {
        let ids: BTreeSet<String> =
            cases.iter().filter(|case| unfit(case).is_none()).filter_map(|case| case.external_id.clone()).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let units = self.named(self.sources.dhis2.org_units(&ids)).await?;
        let ids = units.as_ref().map_or(ids, |units| units.iter().map(|unit| unit.id.clone()).collect());
        Ok((ids, units))
    }

    /// What is asked of DHIS2 for values.
    fn asked<'b>(&'b self, server: &'b Server, columns: &'b [Column]) -> Values<'b> {
        let dhis2 = &self.sources.dhis2;
        let (look_back, name) = (self.ask.reach.look_back, server.me.as_ref().map_or("", |me| me.username.as_str()));
        // Another account may be shown less, and so may the same one when its rights change.
        let whose = if name.is_empty() { String::new() } else { format!("{name} {:?}", server.hidden()) };
        let known = self.known.and_then(|known| Some((known, Account::new(dhis2.base().as_str(), &whose)?)));
        Values {
            dhis2,
            quarter: self.ask.quarter,
            earlier: self.earlier(),
            columns,
            elements: Arc::new(elements(columns, server.sets.as_deref())),
            server,
            known,
            now: &**self.clock,
            look_back,
            resume: self.resume,
        }
    }

    /// Data values, and which reports are complete.
    async fn values(
        &self,
        values: &Values<'_>,
        ids: &[String],
        units: Option<&[OrgUnit]>,
    ) -> Result<(Found, Completed)> {
        let reach = values.server.reach();
        let facts: HashMap<&str, &OrgUnit> = units.into_iter().flatten().map(|unit| (unit.id.as_str(), unit)).collect();
        let within = |may: &dyn Fn(&OrgUnit) -> bool| -> (Vec<String>, Vec<String>) {
            ids.iter().cloned().partition(|id| facts.get(id.as_str()).is_none_or(|unit| may(unit)))
        };
        let (ours, outside) = within(&|unit| reach.values(unit));
        let (completable, _) = within(&|unit| reach.values(unit) && reach.completeness(unit));
        let total = ids.len() * values.width();
        self.now(|reading, now| {
            reading.reports.set(0, Some(total), now);
            reading.history.quarters = u8::try_from(values.earlier.len()).unwrap_or(u8::MAX);
            reading.history.bar.set(0, Some(total), now);
        });
        let tell = |step, past| self.report(step, past);
        tell(Step::Settled(outside.len() * values.width()), true);
        let mut found = values.read(&ours, &tell).await?;
        let completed = values.completed(&completable, self.ask.reach.look_back, &tell).await?;
        self.now(|reading, now| reading.history.bar.set(total, Some(total), now));
        let (unread, note) = out_of_reach(outside);
        found.unread.add(unread);
        found.notes.extend(note);
        found.notes.extend(completed.1);
        let unknown = ours.len() - completable.len();
        if unknown > 0 && ours.len() > unknown {
            let note = format!("which reports are complete is not shown to this account for {unknown} facilities");
            found.notes.push(note);
        }
        Ok((found, completed.0))
    }

    /// A step of a request for values; one without earlier quarters settles reports whose history is known already.
    fn report(&self, step: Step, past: bool) {
        self.step(step, |reading| &mut reading.reports);
        if let Step::Settled(more) = step {
            self.now(|reading, now| {
                let history = &mut reading.history;
                let done = history.bar.done.saturating_add(more).min(history.bar.total.unwrap_or(usize::MAX));
                history.cached += if past { 0 } else { done - history.bar.done };
                history.bar.set(done, history.bar.total, now);
            });
        }
    }

    /// The last run that facilities are counted against (R1 of data-quality-flags.md section 4; fault matrix row H27).
    async fn last(&self) -> Option<Run> {
        // A run of this quarter may have met the same trouble; the quarter before is what counts.
        let runs = self.known?.runs(&self.ask.place()).await;
        runs.iter().find(|run| run.quarter != self.ask.quarter).or(runs.first()).copied()
    }

    /// How many facilities there are against the last run, where they are not as many and R1 does not say so.
    fn compared(&self, now: usize, last: Run) -> Option<String> {
        let (before, quarter, at) = (last.facilities, last.quarter, last.at.strftime("%Y-%m-%d"));
        let said = too_many(now, before, &self.ask.rules.limits) && self.ask.facilities.is_empty();
        (now != before && !said)
            .then(|| format!("facilities in scope: {now}, last time {before} ({quarter}, read {at})"))
    }

    /// Keeps what is for the next run.
    async fn keep(&self, facilities: usize) {
        let Some(known) = self.known else { return };
        let (dhis2, now) = (&self.sources.dhis2, (self.clock)());
        if dhis2.limit() < URL_LIMIT {
            known.keep_longest(dhis2.base().as_str(), dhis2.limit(), now).await;
        }
        if let Some(key) = self.key.get() {
            known.unstage(key, now).await;
        }
        known.keep_run(&self.ask.place(), Run { quarter: self.ask.quarter, at: now, facilities }).await;
    }

    /// Organisation units that report on a mapped data set and have no case (R2 of the flags); none where only some facilities
    /// were asked for.
    async fn without_case(
        &self,
        server: &Server,
        columns: &[Column],
        cases: &BTreeSet<String>,
    ) -> Result<Vec<(String, String)>> {
        if !self.ask.facilities.is_empty() {
            return Ok(Vec::new());
        }
        let mapped: BTreeSet<&str> = columns.iter().map(|column| column.property.data_set.as_str()).collect();
        let sets = server.sets.iter().flatten().filter(|set| mapped.contains(set.id.as_str()));
        let units: BTreeSet<&String> =
            sets.flat_map(|set| set.assigned.iter().flatten()).filter(|unit| !cases.contains(*unit)).collect();
        let units: Vec<String> = units.into_iter().cloned().collect();
        let (named, rest) = units.split_at(units.len().min(NAMED));
        let facts = match named {
            [] => Vec::new(),
            named => self.named(self.sources.dhis2.org_units(named)).await?.unwrap_or_default(),
        };
        let open = facts.into_iter().filter(|unit| closed_before(unit, self.ask.quarter).is_none());
        let mut all: Vec<(String, String)> = open.map(|unit| (unit.id, unit.name)).collect();
        all.extend(rest.iter().map(|id| (id.clone(), String::new())));
        Ok(all)
    }

    /// Names of option combos, which are the last names asked for.
    async fn options(&self, answers: &[Arc<Partial>]) -> Result<Vec<Named>> {
        let ids: BTreeSet<&str> = answers.iter().flat_map(|answer| answer.values.options()).collect();
        let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        let named = match &*ids {
            [] => None,
            ids => self.named(self.sources.dhis2.category_option_combos(ids)).await?,
        };
        self.now(|reading, now| reading.names.set(reading.names.done, Some(reading.names.done), now));
        Ok(named.unwrap_or_default())
    }

    /// `since` is when the oldest answer came, where some are of a reading that was stopped.
    fn head(&self, server: &Server, notes: Vec<String>, since: Option<Timestamp>) -> Head {
        let ask = self.ask;
        let mut problems = [ask.mapping.problems.clone(), lint::lint(&ask.mapping, server.known())].concat();
        problems.sort_by_key(|problem| problem.line);
        Head {
            project: ask.project.clone(),
            label: ask.label.clone(),
            dhis2: ask.dhis2.clone(),
            commcare: ask.commcare.clone(),
            mapping: format!("{} ({} rows, {})", ask.mapping_label, ask.mapping.rows.len(), ask.mapping.hash()),
            mapping_rows: ask.mapping.rows.len(),
            case_type: ask.case_type.clone(),
            read_at: since.unwrap_or_else(|| (self.clock)()).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            scope: ask.scope(),
            mapping_problems: problems.iter().map(ToString::to_string).collect(),
            notes,
            look_back: ask.reach.look_back,
            choices: ask.reach.finer.iter().map(|(set, finer)| (set.clone(), (*finer).into())).collect(),
            facilities: ask.facilities.clone(),
            without_history: !ask.reach.history,
            ..Head::of(ask.quarter)
        }
    }
}

/// What is to be said of organisation units without a case.
fn unmatched(units: &[(String, String)]) -> Option<String> {
    let named: Vec<String> = units.iter().map(|(id, name)| format!("{id} {}", inert(name))).collect();
    let named: Vec<&str> = named.iter().map(|name| name.trim()).collect();
    (!units.is_empty()).then(|| format!("{WITHOUT_CASE}: {} ({})", units.len(), listed(&named)))
}

/// What is to be said of data sets whose period type is not known.
fn untimed(columns: &[Column]) -> Vec<String> {
    let sets: BTreeSet<&str> =
        columns.iter().filter(|c| c.period_type.is_none()).map(|c| c.property.data_set.as_str()).collect();
    let sentence =
        |set| format!("DHIS2 does not say the period type of data set {set}; what it holds for the quarter is taken");
    sets.into_iter().map(sentence).collect()
}

/// What is to be said of a listing that does not have as many cases as were announced.
fn short(listing: &Listing) -> Option<String> {
    let (announced, listed) = (listing.matching, listing.cases.len());
    (!listing.is_whole()).then(|| {
        format!(
            "CommCare announced {announced} cases and listed {listed}, twice; some changed meanwhile, so one may be missing. Read again to be sure"
        )
    })
}
