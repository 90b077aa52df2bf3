//! How many facilities reported in each of some data sets: rows are counted as they come and not kept.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    credit::{Counted, Credit, shared},
    scope::Units,
};
use crate::{
    domain::{plan::State, quarter::Quarter, text::inert},
    io::{
        dhis2::{Dhis2, Elements, Values, Wanted},
        http::{Failure, Why},
    },
    job::{
        assemble::Unread,
        gather::{Gaps, Gather, Step, listed},
    },
};

/// Most data sets of one request: more would leave no room for units in its line.
const TOGETHER: usize = 50;

/// How many units may be refused by name before it is given up to ask which reports are complete.
const REFUSALS: usize = 20;

/// What is missing where it is not known which reports are complete.
const WITHOUT: &str = "a report that is complete and empty is not counted";

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// By data set; one that could not be counted is not here.
    pub(super) reported: BTreeMap<String, usize>,
    /// What to say of it, one sentence each.
    pub(super) notes: Vec<String>,
}

/// What is asked, of whom.
pub(super) struct Counting<'a> {
    pub(super) dhis2: &'a Dhis2,
    pub(super) quarter: Quarter,
    pub(super) units: &'a Units,
    /// Each data set by itself, and any row of it counts: where the server does not say what stands on it.
    pub(super) apart: bool,
}

impl Counting<'_> {
    /// Counts. `tell` is given how much of it is done. Fails where the sign-in is refused; anything else is a note.
    pub(super) async fn count(
        &self,
        sets: &[Counted],
        tell: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Counts, Failure> {
        let mut counts = Counts::default();
        let (done, all) = (AtomicUsize::new(0), sets.len() * self.units.readable.len());
        let steps = |step| {
            if let Step::Settled(more) = step {
                tell((done.fetch_add(more, Ordering::Relaxed) + more).min(all), all);
            }
        };
        tell(0, all);
        let mut credit = Credit::new(sets, &self.units.readable, self.quarter);
        let elements = Arc::new(if self.apart { Elements::every() } else { credit.elements() });
        let mut unread = Vec::new();
        for part in sets.chunks(TOGETHER) {
            let lost = self.values(part, &elements, &mut credit, &mut counts.notes, &steps).await?;
            let rest =
                part.iter().map(|set| &set.id).filter(|id| !lost.sets.contains(*id)).cloned().collect::<Vec<_>>();
            self.completed(part, &rest, &mut credit, &mut counts.notes).await?;
            unread.extend(
                part.iter().map(|set| if rest.contains(&set.id) { Some(missed(&lost, &set.id)) } else { None }),
            );
        }
        credit.settle();
        self.told(&credit, sets, &unread, &mut counts);
        counts.notes.dedup();
        Ok(counts)
    }

    /// The counts that can be told. `unread` is by data set how many units were not read; `None` where the set was not.
    fn told(&self, credit: &Credit<'_>, sets: &[Counted], unread: &[Option<usize>], counts: &mut Counts) {
        let mut silent: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        let (mut partly, mut shared_all, mut empty) = (Vec::new(), Vec::new(), Vec::new());
        for (at, (set, refused)) in sets.iter().zip(unread).enumerate() {
            let (Some(refused), id) = (refused, set.id.as_str()) else { continue };
            let lost = self.units.all - self.units.readable.len() + refused;
            if lost > 0 {
                silent.entry(lost).or_default().push(id);
            }
            if !self.is_enough(lost) {
                continue;
            }
            match credit.of(at) {
                (0, 0) if self.apart => empty.push(id),
                _ if !credit.tells_apart(at, self.units.all) => shared_all.push(id),
                (sure, unsure) => {
                    partly.extend((unsure > 0).then_some(id));
                    counts.reported.insert(set.id.clone(), sure);
                }
            }
        }
        counts.notes.extend(silent.iter().map(|(lost, sets)| self.silence(*lost, sets)));
        counts.notes.extend(shared(&partly, &shared_all));
        if !empty.is_empty() {
            counts.notes.push(format!(
                "No value came of these, and what stands in them is not told, so whether anybody reported is not known: {}.",
                listed(&empty)
            ));
        }
    }

    /// Whether a count says something of all facilities where so many of them could not be read. Facilities that nobody could
    /// read have not reported nothing, so with more than a tenth of them no count is told.
    fn is_enough(&self, lost: usize) -> bool {
        lost < self.units.all && lost * 10 <= self.units.all
    }

    fn silence(&self, lost: usize, sets: &[&str]) -> String {
        let (all, sets) = (self.units.all, listed(sets));
        if self.is_enough(lost) {
            return format!(
                "The reports counted are without {lost} of {all} facilities that could not be read: {sets}."
            );
        }
        format!("Reports are not counted, since {lost} of {all} facilities could not be read: {sets}.")
    }

    /// The periods these data sets are stored under.
    fn periods(&self, sets: &[Counted]) -> Vec<String> {
        let quarter = sets.iter().any(|set| !set.monthly).then(|| self.quarter.to_string());
        let months = self.quarter.months().into_iter().filter(|_| sets.iter().any(|set| set.monthly));
        quarter.into_iter().chain(months).collect()
    }

    /// Looks at the values stored; gives what could not be read.
    async fn values(
        &self,
        part: &[Counted],
        elements: &Arc<Elements>,
        credit: &mut Credit<'_>,
        notes: &mut Vec<String>,
        steps: &(dyn Fn(Step) + Sync),
    ) -> Result<Unread, Failure> {
        let ids: Vec<String> = part.iter().map(|set| set.id.clone()).collect();
        if self.units.readable.is_empty() {
            return Ok(Unread::default());
        }
        let (periods, elements) = (self.periods(part), Arc::clone(elements));
        let wanted = move |sets: &[String]| Wanted {
            data_sets: sets.to_vec(),
            periods: periods.clone(),
            since: None,
            elements: Arc::clone(&elements),
        };
        let (dhis2, asked) = (self.dhis2.clone(), wanted.clone());
        let gather = Gather {
            dhis2: self.dhis2,
            units: &self.units.readable,
            sets: &ids,
            apart: self.apart,
            refusals: usize::MAX,
            ask: Arc::new(move |units, sets| {
                let (dhis2, wanted) = (dhis2.clone(), asked(&sets));
                Box::pin(async move { dhis2.data_values(&units, &wanted).await })
            }),
            rows: |values| values.rows().len(),
            fixed: &|sets| self.dhis2.fixed_len(&wanted(sets)),
        };
        let apart = self.apart;
        let mut answered = |_: &[String], sets: &[String], values: Values| {
            let alone = sets.first().filter(|_| apart).and_then(|set| credit.place(set));
            if let Some(at) = alone {
                for row in values.rows().filter(|row| row.value.is_some() && !row.deleted) {
                    credit.alone(row.org_unit, row.period, row.data_element, at);
                }
            } else {
                values.reports().for_each(|(unit, period, company)| credit.value(unit, period, company));
            }
        };
        match gather.run(&mut answered, steps).await {
            Ok(gaps) => {
                notes.extend(gaps.notes.iter().map(|note| inert(note).into_owned()));
                Ok(gaps.unread)
            }
            Err(failure) if matches!(*failure.why, Why::SignIn { .. }) => Err(failure),
            Err(failure) => {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                notes.push(format!("Who reported in {} is not known. {failure}", listed(&ids)));
                Ok(Unread { sets: ids.into_iter().map(str::to_owned).collect(), ..Unread::default() })
            }
        }
    }

    /// A report without a value that somebody called complete was sent too.
    async fn completed(
        &self,
        part: &[Counted],
        ids: &[String],
        credit: &mut Credit<'_>,
        notes: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let units = &self.units.completable;
        if units.is_empty() || ids.is_empty() {
            return Ok(());
        }
        let periods = self.periods(part);
        let (dhis2, asked) = (self.dhis2.clone(), Arc::new(periods.clone()));
        let gather = Gather {
            dhis2: self.dhis2,
            units,
            sets: ids,
            apart: false,
            refusals: REFUSALS,
            ask: Arc::new(move |units, sets| {
                let (dhis2, periods) = (dhis2.clone(), Arc::clone(&asked));
                Box::pin(async move { dhis2.registrations(&units, &sets, &periods).await })
            }),
            rows: Vec::len,
            fixed: &|sets| self.dhis2.registrations_len(sets, &periods),
        };
        let mut answered = |_: &[String], _: &[String], found: Vec<crate::io::dhis2::Registration>| {
            for one in found {
                credit.complete(&one.org_unit, &one.period, &one.data_set);
            }
        };
        match gather.run(&mut answered, &|_| {}).await {
            Ok(Gaps { unread, .. }) if unread.units.is_empty() && unread.sets.is_empty() => {}
            Ok(Gaps { unread, .. }) => notes.push(format!(
                "Which reports are complete is not known for {} facilities and {} data sets; there {WITHOUT}.",
                unread.units.len(),
                unread.sets.len()
            )),
            Err(failure) if matches!(*failure.why, Why::SignIn { .. }) => return Err(failure),
            Err(failure) => notes.push(format!("Which reports are complete is not known; {WITHOUT}. {failure}")),
        }
        Ok(())
    }
}

/// How many units of a data set were not read.
fn missed(unread: &Unread, set: &str) -> usize {
    let of = |sets: &&BTreeMap<Option<String>, State>| sets.keys().any(|one| one.as_deref().is_none_or(|id| id == set));
    unread.units.values().filter(of).count()
}
