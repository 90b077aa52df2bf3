//! How many facilities reported in each of some data sets: rows are counted as they come and not kept.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::scope::Units;
use crate::{
    domain::{quarter::Quarter, text::inert},
    io::{
        dhis2::{Dhis2, Elements, Values, Wanted},
        http::{Failure, Why},
    },
    job::gather::{Gaps, Gather, Step, listed},
};

/// Most data sets of one request: more would leave no room for units in its line.
const TOGETHER: usize = 50;

/// How many units may be refused by name before it is given up to ask which reports are complete.
const REFUSALS: usize = 20;

/// What is missing where it is not known which reports are complete.
const WITHOUT: &str = "a report that is complete and empty is not counted";

/// A data set whose reports are counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    /// Id.
    pub(super) id: String,
    /// It is filled in month by month; else a quarter at a time.
    pub(super) monthly: bool,
    /// Its data elements.
    pub(super) members: Vec<String>,
}

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

/// Who reported: by data set, the places of units.
struct Seen<'a> {
    sets: &'a [Counted],
    quarter: String,
    months: [String; 3],
    units: HashMap<&'a str, usize>,
    by_set: Vec<BTreeSet<usize>>,
}

impl Seen<'_> {
    /// A facility sent something of a data set in a period. Of a monthly data set any month of the quarter will do.
    fn mark(&mut self, unit: &str, period: &str, at: usize) {
        let fits = match self.sets.get(at) {
            Some(set) if set.monthly => self.months.iter().any(|month| month == period),
            Some(_) => period == self.quarter,
            None => false,
        };
        if let (true, Some(unit), Some(seen)) = (fits, self.units.get(unit), self.by_set.get_mut(at)) {
            seen.insert(*unit);
        }
    }

    fn place(&self, set: &str) -> Option<usize> {
        self.sets.iter().position(|one| one.id == set)
    }
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
        for part in sets.chunks(TOGETHER) {
            let places = self.units.readable.iter().enumerate().map(|(at, unit)| (unit.as_str(), at));
            let mut seen = Seen {
                sets: part,
                quarter: self.quarter.to_string(),
                months: self.quarter.months(),
                units: places.collect(),
                by_set: vec![BTreeSet::new(); part.len()],
            };
            let unknown = self.values(part, &mut seen, &mut counts.notes, &steps).await?;
            let rest: Vec<String> = part.iter().map(|set| set.id.clone()).filter(|id| !unknown.contains(id)).collect();
            self.completed(&rest, &mut seen, &mut counts.notes).await?;
            for (set, units) in part.iter().zip(seen.by_set).filter(|(set, _)| !unknown.contains(&set.id)) {
                counts.reported.insert(set.id.clone(), units.len());
            }
        }
        counts.notes.dedup();
        Ok(counts)
    }

    /// The periods these data sets are stored under.
    fn periods(&self, sets: &[Counted]) -> Vec<String> {
        let quarter = sets.iter().any(|set| !set.monthly).then(|| self.quarter.to_string());
        let months = self.quarter.months().into_iter().filter(|_| sets.iter().any(|set| set.monthly));
        quarter.into_iter().chain(months).collect()
    }

    /// What stands on these data sets: of their rows only that there are any is kept.
    fn elements(&self, part: &[Counted]) -> Elements {
        let mut elements = if self.apart { Elements::every() } else { Elements::default() };
        for (set, at) in part.iter().zip(0..) {
            set.members.iter().for_each(|element| elements.stands_on(element, at));
        }
        elements
    }

    /// Looks at the values stored; gives the data sets that could not be read.
    async fn values(
        &self,
        part: &[Counted],
        seen: &mut Seen<'_>,
        notes: &mut Vec<String>,
        steps: &(dyn Fn(Step) + Sync),
    ) -> Result<BTreeSet<String>, Failure> {
        let ids: Vec<String> = part.iter().map(|set| set.id.clone()).collect();
        let all: BTreeSet<String> = ids.iter().cloned().collect();
        if self.units.readable.is_empty() {
            return Ok(BTreeSet::new());
        }
        let (periods, elements) = (self.periods(part), Arc::new(self.elements(part)));
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
            let alone = sets.first().filter(|_| apart).and_then(|set| seen.place(set));
            if let Some(at) = alone {
                for row in values.rows().filter(|row| row.value.is_some() && !row.deleted) {
                    seen.mark(row.org_unit, row.period, at);
                }
            } else {
                for (unit, period, set) in values.reports() {
                    seen.mark(unit, period, usize::from(set));
                }
            }
        };
        match gather.run(&mut answered, steps).await {
            Ok(gaps) => {
                notes.extend(gaps.notes.iter().map(|note| inert(note).into_owned()));
                Ok(gaps.unread.sets)
            }
            Err(failure) if matches!(*failure.why, Why::SignIn { .. }) => Err(failure),
            Err(failure) => {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                notes.push(format!("Who reported in {} is not known. {failure}", listed(&ids)));
                Ok(all)
            }
        }
    }

    /// A report without a value that somebody called complete was sent too.
    async fn completed(&self, ids: &[String], seen: &mut Seen<'_>, notes: &mut Vec<String>) -> Result<(), Failure> {
        let units = &self.units.completable;
        if units.is_empty() || ids.is_empty() {
            return Ok(());
        }
        let periods = self.periods(seen.sets);
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
                if let Some(at) = seen.place(&one.data_set) {
                    seen.mark(&one.org_unit, &one.period, at);
                }
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
