//! Both sources to a plan: the case list, then a handful of DHIS2 requests for all facilities at once.
//! What an answer means is `assemble`.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Result, bail};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    assemble::{Answers, Column, assemble, columns, shared, unfit},
    report::{Bar, Reading},
    session::{Clock, Opened, Session, Sources, opened},
    values::{Got, values},
};
use crate::{
    domain::{
        mapping::{Mapping, Row},
        plan::{Head, Plan},
        quarter::Quarter,
        query::{Called, pick},
    },
    io::{
        commcare::{CaseRecord, Listing},
        dhis2::{DataSet, DataValue, Named, OrgUnit},
        http::Failure,
        store::{FacilityParts, Used},
    },
};

/// What is to be read.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The quarter.
    pub quarter: Quarter,
    /// `CommCare` project.
    pub project: String,
    /// The profile's label.
    pub label: String,
    /// DHIS2 address, for the head of the plan.
    pub dhis2: String,
    /// `CommCare` address, for the head of the plan.
    pub commcare: String,
    /// Case type.
    pub case_type: String,
    /// The mapping.
    pub mapping: Mapping,
    /// Where the mapping is from.
    pub mapping_label: String,
    /// Names or ids of facilities; empty for all.
    pub facilities: Vec<String>,
    /// Settings kept in the review file.
    pub used: Used,
}

impl Ask {
    /// What is read, in words: it stands in the plan, and two reviews of the same words are of the same facilities.
    pub fn scope(&self) -> String {
        if self.facilities.is_empty() { "whole project".to_owned() } else { self.facilities.join(", ") }
    }
}

/// A facility that was asked for and could not be told: the person's words were wrong, not the servers.
#[derive(Debug)]
pub struct NotFound(pub String);

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotFound {}

impl Session {
    /// Reads both sides into the review file, whole or not at all, and opens it.
    pub async fn read(&self, ask: &Ask, progress: watch::Sender<Reading>, stop: CancellationToken) -> Result<Opened> {
        let waits = progress.clone();
        let sources = self.sources(Arc::new(move |wait| {
            let line = format!("{}: {}; next try in {} s", wait.side, wait.reason, wait.pause.as_secs().max(1));
            waits.send_modify(|reading| reading.waits.push(line));
        }))?;
        let reader = Reader { sources, ask, clock: &self.clock, progress, started: (self.clock)() };
        let (plan, parts) = tokio::select! {
            biased;
            () = stop.cancelled() => bail!("reading was stopped; nothing was written"),
            read = reader.read() => read?,
        };
        self.store.save_plan(Arc::new(plan), ask.used.clone(), parts, Vec::new()).await?;
        opened(self.store.load().await?)
    }
}

struct Reader<'a> {
    sources: Sources,
    ask: &'a Ask,
    clock: &'a Clock,
    progress: watch::Sender<Reading>,
    started: Timestamp,
}

impl Reader<'_> {
    async fn read(&self) -> Result<(Plan, Vec<FacilityParts>)> {
        self.begin();
        let rows: Vec<&Row> = self.ask.mapping.usable().collect();
        if rows.is_empty() {
            bail!("the mapping {} has no usable row; nothing can be read", self.ask.mapping_label);
        }
        let (listing, (elements, sets)) = tokio::try_join!(self.cases(&rows), self.metadata(&rows))?;
        let (columns, unusable) = columns(rows, &elements, &sets);
        if columns.is_empty() {
            bail!("no row of the mapping fits this DHIS2 server: {}", unusable.first().map_or("", String::as_str));
        }
        let (mut notes, incomplete) = (untimed(&columns), short(&listing));
        let shared = shared(&listing.cases);
        let cases = chosen(listing.cases, &self.ask.facilities)?;
        let unit_ids: BTreeSet<String> =
            cases.iter().filter(|case| unfit(case).is_none()).filter_map(|case| case.external_id.clone()).collect();
        let unit_ids: Vec<String> = unit_ids.into_iter().collect();
        let units = self.units(&unit_ids).await?;
        // A unit that is not known is passed over without a word, and a request for such units alone is refused.
        let unit_ids: Vec<String> = units.iter().map(|unit| unit.id.clone()).collect();
        let Got { rows, unread, notes: gaps } = self.values(&unit_ids, &columns).await?;
        notes.extend(gaps);
        let options = self.options(&rows).await?;
        self.progress.send_modify(|reading| reading.names.ended = true);
        let head = Head { incomplete, ..self.head(&unusable, notes) };
        Ok(assemble(Answers { head, cases, shared, columns, sets, units, values: rows, unread, options }))
    }

    fn begin(&self) {
        let mapping = &self.ask.mapping;
        let usable = mapping.usable().count();
        let line = format!("{}   {} rows, {usable} usable", self.ask.mapping_label, mapping.rows.len());
        let problems = mapping.problems.iter().map(ToString::to_string).collect();
        self.progress.send_modify(|reading| (reading.mapping, reading.mapping_problems) = (line, problems));
    }

    fn elapsed(&self) -> Duration {
        (self.clock)().duration_since(self.started).unsigned_abs()
    }

    /// Changes one bar.
    fn bar(&self, which: fn(&mut Reading) -> &mut Bar, change: impl FnOnce(&mut Bar)) {
        let elapsed = self.elapsed();
        self.progress.send_modify(|reading| {
            let bar = which(reading);
            bar.elapsed = elapsed;
            change(bar);
            bar.ended = bar.total.is_some_and(|total| bar.done >= total);
        });
    }

    /// One request for names.
    async fn named<T>(&self, ask: impl Future<Output = Result<T, Failure>>) -> Result<T> {
        let got = ask.await?;
        self.bar(|reading| &mut reading.names, |bar| bar.done += 1);
        Ok(got)
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
        self.bar(|reading| &mut reading.cases, |bar| (bar.done, bar.total) = (cases, Some(cases)));
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
            self.bar(|reading| &mut reading.cases, |bar| (bar.done, bar.total) = (done, Some(total)));
        };
        self.sources.commcare.cases(&self.ask.case_type, wanted, &mut page).await
    }

    async fn metadata(&self, rows: &[&Row]) -> Result<(Vec<crate::io::dhis2::DataElement>, Vec<DataSet>)> {
        let distinct = |id: fn(&Row) -> &String| -> Vec<String> {
            rows.iter().map(|row| id(row).clone()).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let (elements, sets) = (distinct(|row| &row.data_element), distinct(|row| &row.data_set));
        let dhis2 = &self.sources.dhis2;
        tokio::try_join!(self.named(dhis2.data_elements(&elements)), self.named(dhis2.data_sets(&sets)))
    }

    async fn units(&self, ids: &[String]) -> Result<Vec<OrgUnit>> {
        self.named(self.sources.dhis2.org_units(ids)).await
    }

    async fn options(&self, values: &[DataValue]) -> Result<Vec<Named>> {
        let ids: BTreeSet<&String> = values
            .iter()
            .flat_map(|v| [&v.category_option_combo, &v.attribute_option_combo])
            .filter(|id| !id.is_empty())
            .collect();
        let ids: Vec<String> = ids.into_iter().cloned().collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.named(self.sources.dhis2.category_option_combos(&ids)).await
    }

    /// The rows of all units, and what could not be read.
    async fn values(&self, units: &[String], columns: &[Column]) -> Result<Got> {
        let sets: BTreeSet<String> =
            columns.iter().filter(|c| c.quarterly()).map(|c| c.property.data_set.clone()).collect();
        let sets: Vec<String> = sets.into_iter().collect();
        let total = units.len() * sets.len();
        self.bar(|reading| &mut reading.reports, |bar| bar.total = Some(total));
        if total == 0 {
            return Ok(Got::default());
        }
        let done = |units: usize| self.bar(|reading| &mut reading.reports, |bar| bar.done += units * sets.len());
        Ok(values(&self.sources.dhis2, units, &sets, &self.ask.quarter.to_string(), &done).await?)
    }

    fn head(&self, unusable: &[String], notes: Vec<String>) -> Head {
        let ask = self.ask;
        let problems = ask.mapping.problems.iter().map(ToString::to_string).chain(unusable.iter().cloned());
        Head {
            quarter: ask.quarter,
            project: ask.project.clone(),
            label: ask.label.clone(),
            dhis2: ask.dhis2.clone(),
            commcare: ask.commcare.clone(),
            mapping: format!("{} ({} rows, {})", ask.mapping_label, ask.mapping.rows.len(), ask.mapping.hash()),
            mapping_rows: ask.mapping.rows.len(),
            case_type: ask.case_type.clone(),
            read_at: (self.clock)().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            generation: 1,
            scope: ask.scope(),
            mapping_problems: problems.collect(),
            notes,
            incomplete: None,
        }
    }
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

fn called(case: &CaseRecord) -> Called<'_> {
    let external_id = case.external_id.as_deref().unwrap_or_default();
    Called { case_id: &case.case_id, external_id, name: &case.name }
}

/// The cases of the facilities asked for, see [`pick`].
fn chosen(cases: Vec<CaseRecord>, wanted: &[String]) -> Result<Vec<CaseRecord>, NotFound> {
    if wanted.is_empty() {
        return Ok(cases);
    }
    let called: Vec<Called<'_>> = cases.iter().map(called).collect();
    let mut picked = BTreeSet::new();
    for words in wanted {
        picked.extend(pick(&called, words).map_err(NotFound)?);
    }
    Ok(cases.into_iter().enumerate().filter(|(at, _)| picked.contains(at)).map(|(_, case)| case).collect())
}
