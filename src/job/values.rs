//! What is stored for many organisation units: data values of the quarter, those of the quarters before it that are not known from
//! an earlier run, and which reports are complete. What the rows mean is `assemble`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    assemble::{Completed, Unread},
    columns::{Column, data_sets},
    gather::{Gaps, Gather, Step, listed},
    server::Server,
};
use crate::{
    domain::{
        fingerprint::Fingerprint,
        history::{Cached, Change},
        plan::State,
        quarter::Quarter,
    },
    io::{
        dhis2::{Dhis2, Elements, Wanted},
        http::{Failure, Why},
        known::{Account, Known, Partial},
    },
};

/// How many units may be refused by name before it is given up to ask which reports are complete: a number can do without.
const REFUSALS: usize = 20;

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) values: Vec<Arc<Partial>>,
    /// Earlier quarters, of this reading or an earlier run.
    pub(super) earlier: Cached,
    pub(super) unread: Unread,
    /// When the oldest of the answers came, where some are of a reading that was stopped before.
    pub(super) since: Option<Timestamp>,
    /// What to say of it, one sentence each.
    pub(super) notes: Vec<String>,
}

/// Tells of steps: those of reports, and of how many of them earlier quarters were a part.
pub(super) type Tell<'a> = dyn Fn(Step, bool) + Sync + 'a;

/// What is asked.
pub(super) struct Values<'a> {
    pub(super) dhis2: &'a Dhis2,
    pub(super) quarter: Quarter,
    /// The earlier quarters wanted, newest first.
    pub(super) earlier: Vec<Quarter>,
    pub(super) columns: &'a [Column],
    /// Which data elements of them matter.
    pub(super) elements: Arc<Elements>,
    pub(super) server: &'a Server,
    /// What is known between runs, and whose it is; `None` where nothing may be.
    pub(super) known: Option<(&'a Known, Account)>,
    pub(super) now: &'a (dyn Fn() -> Timestamp + Sync),
    /// How many of the earlier quarters a number may be proposed from: they are asked for every time.
    pub(super) look_back: u8,
    /// What a reading that was stopped had brought may be used.
    pub(super) resume: bool,
}

/// What is asked of some units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Errand {
    units: Vec<String>,
    /// The quarter of the plan, with its months.
    target: bool,
    /// Earlier quarters, whole.
    read: Vec<Quarter>,
    /// Earlier quarters of which what changed is enough, since a time.
    changed: Vec<Quarter>,
    since: Option<Timestamp>,
}

impl Values<'_> {
    /// Quarterly data sets, and monthly ones for what they hold.
    fn sets(&self) -> Vec<String> {
        let asked: Vec<Column> = self.columns.iter().filter(|c| c.quarterly() || c.monthly()).cloned().collect();
        data_sets(&asked)
    }

    /// How many data sets are asked for.
    pub(super) fn width(&self) -> usize {
        self.sets().len()
    }

    /// Whether each data set is asked for by itself.
    fn apart(&self) -> bool {
        !self.server.known().membership()
    }

    /// The rows of these units. What came of a reading that was stopped is used; what comes is kept until this one ends.
    pub(super) async fn read(&self, units: &[String], tell: &Tell<'_>) -> Result<Found, Failure> {
        let mapped: BTreeSet<String> =
            self.columns.iter().filter(|c| c.quarterly()).map(|c| c.property.data_element.clone()).collect();
        let mapped: Vec<String> = mapped.into_iter().collect();
        let known = self.known.as_ref().filter(|_| !self.apart());
        let mut earlier = match known {
            Some((known, account)) if !self.earlier.is_empty() => {
                known.history(account, units, &mapped, &self.earlier).await
            }
            _ => Cached::unknown(units, &mapped, &self.earlier),
        };
        let mut answers: Vec<Arc<Partial>> = self.staged(units).await;
        let (staged, since) = (answers.len(), answers.iter().filter(|one| one.target).map(|one| one.at).min());
        self.take_in(&mut earlier, &answers, units);
        let (mut unread, mut notes) = (Unread::default(), Vec::new());
        let have: HashSet<&str> =
            answers.iter().filter(|one| one.target).flat_map(|one| one.units.iter().map(String::as_str)).collect();
        let errands = self.errands(units, &have, &earlier);
        tell(Step::Settled(have.len() * self.width()), true);
        if let Some(since) = since {
            let at = since.strftime("%Y-%m-%d %H:%M UTC");
            notes.push(format!("{} facilities were read by a reading that was stopped, at {at} and after", have.len()));
        }
        let mut failed: Option<Failure> = None;
        for errand in errands {
            match self.run(&errand, &mut answers, tell).await {
                Ok(gaps) if errand.target => {
                    notes.extend(gaps.notes);
                    unread.add(gaps.unread);
                }
                // Only the comparison is poorer where an earlier quarter alone could not be read.
                Ok(gaps) if gaps.unread == Unread::default() => {}
                Ok(gaps) => {
                    notes.push(format!("earlier quarters of {} facilities could not be read", gaps.unread.units.len()));
                }
                Err(failure) if matches!(*failure.why, Why::SignIn { .. }) => return Err(failure),
                Err(failure) if errand.target => {
                    let lost: BTreeMap<_, _> = [(None, State::FetchFailed)].into();
                    notes.push(format!("{} facilities could not be read. {failure}", errand.units.len()));
                    unread.units.extend(errand.units.into_iter().map(|unit| (unit, lost.clone())));
                    failed.get_or_insert(failure);
                }
                Err(failure) => notes.push(format!("earlier quarters could not be read. {failure}")),
            }
        }
        // Where nothing at all was answered there is nothing to review.
        if let Some(failure) = failed.filter(|_| !answers.iter().any(|answer| answer.target)) {
            return Err(failure);
        }
        notes.dedup();
        let foreign: usize = answers.iter().map(|answer| answer.values.foreign).sum();
        if foreign > 0 {
            notes.push(format!("{foreign} rows came for units or periods that were not asked for; they were left out"));
        }
        let whole: Vec<String> = units.iter().filter(|unit| !unread.units.contains_key(*unit)).cloned().collect();
        self.take_in(&mut earlier, answers.get(staged..).unwrap_or_default(), &whole);
        Ok(Found { values: answers, earlier, unread, since, notes })
    }

    /// What is to be asked: of units of which all earlier quarters are known only the quarter itself.
    fn errands(&self, units: &[String], have: &HashSet<&str>, earlier: &Cached) -> Vec<Errand> {
        let mut rest: BTreeSet<&str> = units.iter().map(String::as_str).filter(|unit| !have.contains(unit)).collect();
        let mut errands = Vec::new();
        let proposed: Vec<Quarter> = self.earlier.iter().copied().take(self.look_back.into()).collect();
        // What may be proposed is read with the quarter itself, whatever is known of it.
        let with_proposed = |read: &[Quarter]| -> Vec<Quarter> {
            let all: BTreeSet<Quarter> = read.iter().chain(&proposed).copied().collect();
            all.into_iter().rev().collect()
        };
        for need in earlier.needs((self.now)()) {
            let (old, new): (Vec<String>, Vec<String>) =
                need.units.into_iter().partition(|unit| have.contains(unit.as_str()));
            rest.retain(|unit| new.binary_search_by(|new| new.as_str().cmp(unit)).is_err());
            let changed = [old.clone(), new.clone()].concat();
            errands.push(Errand { units: new, target: true, read: with_proposed(&need.read), ..Errand::default() });
            errands.push(Errand { units: old, read: need.read, ..Errand::default() });
            let mut rest = need.changed;
            rest.retain(|quarter| !proposed.contains(quarter));
            errands.push(Errand { units: changed, changed: rest, since: need.since, ..Errand::default() });
        }
        let rest = rest.into_iter().map(str::to_owned).collect();
        errands.push(Errand { units: rest, target: true, read: with_proposed(&[]), ..Errand::default() });
        errands.retain(|one| !one.units.is_empty() && (one.target || !one.read.is_empty() || !one.changed.is_empty()));
        // The many first: what is wrong with a few is told from what is wrong with the server.
        errands.sort_by_key(|one| (!one.target, std::cmp::Reverse(one.units.len())));
        errands
    }

    /// One errand.
    async fn run(&self, errand: &Errand, answers: &mut Vec<Arc<Partial>>, tell: &Tell<'_>) -> Result<Gaps, Failure> {
        let wanted = Arc::new(self.wanted(errand));
        let (dhis2, asked) = (self.dhis2.clone(), Arc::clone(&wanted));
        let (sets, apart) = (self.sets(), self.apart());
        let gather = Gather {
            dhis2: self.dhis2,
            units: &errand.units,
            sets: &sets,
            apart,
            refusals: usize::MAX,
            ask: Arc::new(move |units, sets| {
                let (dhis2, wanted) = (dhis2.clone(), Wanted { data_sets: sets.to_vec(), ..Wanted::clone(&asked) });
                Box::pin(async move { dhis2.data_values(&units, &wanted).await })
            }),
            rows: |values| values.rows().len(),
            fixed: &|sets| self.dhis2.fixed_len(&Wanted { data_sets: sets.to_vec(), ..Wanted::clone(&wanted) }),
        };
        let (key, all) = (self.key(), sets.len());
        let mut answered = |units: &[String], sets: &[String], values| {
            let answer = Arc::new(Partial {
                units: units.to_vec(),
                set: apart.then(|| sets.first().cloned().unwrap_or_default()),
                target: errand.target,
                read: errand.read.clone(),
                changed: errand.changed.clone(),
                at: (self.now)(),
                values,
            });
            // Without a data set that was refused it is no answer to go on from: what is refused has to be asked again.
            let whole = sets.len() == all && self.resume;
            if let (Some((known, _)), Some(key), true) = (&self.known, &key, whole) {
                known.stage(key, Arc::clone(&answer));
            }
            answers.push(answer);
        };
        let past = !errand.read.is_empty() || !errand.changed.is_empty();
        let steps = |step| {
            if errand.target || !matches!(step, Step::Settled(_)) {
                tell(step, past);
            }
        };
        gather.run(&mut answered, &steps).await
    }

    fn wanted(&self, errand: &Errand) -> Wanted {
        let months = self.columns.iter().any(Column::monthly);
        let target = std::iter::once(self.quarter).filter(|_| errand.target).map(|quarter| quarter.to_string());
        let earlier = errand.read.iter().chain(&errand.changed).map(ToString::to_string);
        let months = self.quarter.months().into_iter().filter(|_| errand.target && months);
        Wanted {
            data_sets: Vec::new(),
            periods: target.chain(earlier).chain(months).collect(),
            since: errand.since.map(|since| since.strftime("%Y-%m-%dT%H:%M:%S").to_string()),
            elements: Arc::clone(&self.elements),
        }
    }

    /// What a reading must have in common with one that was stopped for its answers to be those to the same question; `None` where
    /// nothing is kept.
    pub(super) fn key(&self) -> Option<String> {
        let (_, account) = self.known.as_ref()?;
        let mapped: BTreeSet<(&str, &str)> = self
            .columns
            .iter()
            .map(|column| (column.property.data_element.as_str(), column.property.data_set.as_str()))
            .collect();
        let of = format!(
            "{account:?} {} {mapped:?} {:?} {} {}",
            self.quarter,
            self.sets(),
            self.columns.iter().any(Column::monthly),
            self.look_back
        );
        (!self.apart()).then(|| Fingerprint::default().with(of.as_bytes()).to_string())
    }

    /// What came of a reading that was stopped, of these units.
    async fn staged(&self, units: &[String]) -> Vec<Arc<Partial>> {
        let (Some((known, _)), Some(key), true) = (&self.known, self.key(), self.resume) else { return Vec::new() };
        let ours: HashSet<&str> = units.iter().map(String::as_str).collect();
        let mut staged = known.staged(&key, (self.now)()).await;
        // A unit that is no more in reach, or was not asked for this time, would bring rows of its own.
        staged.retain(|answer| answer.units.iter().all(|unit| ours.contains(unit.as_str())));
        // Each unit's rows are from one answer, the newest: two readings may have been stopped.
        let mut covered: HashSet<String> = HashSet::new();
        staged.reverse();
        staged.retain(|answer| {
            let twice = answer.target && answer.units.iter().any(|unit| covered.contains(unit));
            covered.extend(answer.units.iter().filter(|_| answer.target && !twice).cloned());
            !twice
        });
        staged.reverse();
        staged.into_iter().map(Arc::new).collect()
    }

    /// Keeps what was learned of earlier quarters for the next run; not where a data set was refused, of which nothing was learned.
    pub(super) async fn keep(&self, earlier: &Arc<Cached>, unread: &Unread) {
        let Some((known, account)) = &self.known else { return };
        if !self.apart() && !self.earlier.is_empty() && unread.sets.is_empty() {
            known.keep_history(account, Arc::clone(earlier), (self.now)()).await;
        }
    }

    /// Takes answers about earlier quarters of these units in. Where data sets were asked for by themselves a unit is known only with
    /// the answers of all of them.
    fn take_in(&self, earlier: &mut Cached, answers: &[Arc<Partial>], units: &[String]) {
        let apart = self.apart();
        let columns: HashSet<(&str, &str)> =
            self.columns.iter().map(|c| (c.property.data_element.as_str(), c.property.data_set.as_str())).collect();
        let ours: HashSet<&str> = units.iter().map(String::as_str).collect();
        let together: Vec<&[Arc<Partial>]> = if apart { vec![answers] } else { answers.chunks(1).collect() };
        for answers in together {
            let Some(first) = answers.first() else { continue };
            if first.read.is_empty() && first.changed.is_empty() {
                continue;
            }
            let quarters: HashMap<String, Quarter> =
                first.read.iter().chain(&first.changed).map(|quarter| (quarter.to_string(), *quarter)).collect();
            let mut rows: HashMap<&str, Vec<Change<'_>>> = HashMap::new();
            for answer in answers {
                for unit in answer.units.iter().filter(|unit| ours.contains(unit.as_str())) {
                    rows.entry(unit).or_default();
                }
                for row in answer.values.rows() {
                    let (Some(quarter), Some(rows)) = (quarters.get(row.period), rows.get_mut(row.org_unit)) else {
                        continue;
                    };
                    // Asked for by itself, a data set tells only of what is mapped to it.
                    if answer.set.as_deref().is_some_and(|set| !columns.contains(&(row.data_element, set))) {
                        continue;
                    }
                    let change = Change {
                        element: row.data_element,
                        quarter: *quarter,
                        category_option_combo: row.category_option_combo,
                        attribute_option_combo: row.attribute_option_combo,
                        value: row.value.filter(|_| !row.deleted),
                    };
                    // The same row comes with every data set its data element stands on.
                    if !apart || !rows.contains(&change) {
                        rows.push(change);
                    }
                }
            }
            for (unit, rows) in rows {
                if first.changed.is_empty() {
                    earlier.read(unit, &first.read, &rows, first.at);
                } else {
                    earlier.changed(unit, &first.changed, &rows, first.at);
                }
            }
        }
    }

    /// Which reports of these units are complete, of the quarter and of those a number is looked for in. Where that cannot be
    /// known the plan does without, and says so.
    pub(super) async fn completed(
        &self,
        units: &[String],
        back: u8,
        tell: &Tell<'_>,
    ) -> Result<(Completed, Option<String>), Failure> {
        let earlier = self.quarter.earlier().take(back.into());
        let periods: Vec<String> =
            std::iter::once(self.quarter).chain(earlier).map(|quarter| quarter.to_string()).collect();
        let quarterly: Vec<Column> = self.columns.iter().filter(|column| column.quarterly()).cloned().collect();
        let sets = data_sets(&quarterly);
        let mut completed = Completed::default();
        if units.is_empty() || sets.is_empty() {
            return Ok((completed, None));
        }
        let (dhis2, asked) = (self.dhis2.clone(), Arc::new(periods.clone()));
        let gather = Gather {
            dhis2: self.dhis2,
            units,
            sets: &sets,
            apart: false,
            refusals: REFUSALS,
            ask: Arc::new(move |units, sets| {
                let (dhis2, periods) = (dhis2.clone(), Arc::clone(&asked));
                Box::pin(async move { dhis2.registrations(&units, &sets, &periods).await })
            }),
            rows: Vec::len,
            fixed: &|sets| self.dhis2.registrations_len(sets, &periods),
        };
        let mut answered = |units: &[String], _: &[String], found| completed.add(units, found);
        // A registration is no report read: it moves no bar.
        let steps = |step| {
            if !matches!(step, Step::Settled(_)) {
                tell(step, false);
            }
        };
        match gather.run(&mut answered, &steps).await {
            Ok(Gaps { unread, .. }) => {
                let unknown = unread.units.len();
                completed.forget(&unread.sets);
                let note = (unknown > 0 || !unread.sets.is_empty()).then(|| {
                    format!(
                        "which reports are complete is not known for {unknown} facilities and {} data sets",
                        unread.sets.len()
                    )
                });
                Ok((completed, note))
            }
            Err(failure) if matches!(*failure.why, Why::SignIn { .. }) => Err(failure),
            Err(failure) => {
                let note = format!(
                    "which reports are complete is not known: {failure} A blank and a missing report look alike then"
                );
                Ok((Completed::default(), Some(note)))
            }
        }
    }
}

/// Units outside the account's reach, which are not asked for (fault matrix row D03): what is unread of them, and the sentence.
pub(super) fn out_of_reach(units: Vec<String>) -> (Unread, Option<String>) {
    let named: Vec<&str> = units.iter().map(String::as_str).collect();
    let note = (!units.is_empty())
        .then(|| format!("organisation units outside the reach of this account: {} ({})", units.len(), listed(&named)));
    let denied: BTreeMap<_, _> = [(None, State::NoAccess)].into();
    let units = units.into_iter().map(|unit| (unit, denied.clone())).collect();
    (Unread { units, ..Unread::default() }, note)
}
