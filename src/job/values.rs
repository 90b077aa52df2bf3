//! The rows of many organisation units in as few requests as it takes, and what is left when a request fails: a unit that
//! spoils every request costs itself, a data set that may not be read its column. What rows mean is `assemble`.

use std::collections::{BTreeSet, VecDeque};

use futures_util::{StreamExt, stream::FuturesUnordered};

use super::assemble::Unread;
use crate::{
    domain::plan::State,
    io::{
        dhis2::{DataValue, Denied, Dhis2, URL_LIMIT, Values, batches, denied},
        http::{Failure, Why},
    },
};

/// Requests at once.
const TOGETHER: usize = 4;

/// Failed requests one after the other, with no answer between, after which the server is not asked in smaller pieces any
/// more. From the longest batch down to one unit it takes nine.
const PATIENCE: usize = 12;

/// What was read, and what was not.
#[derive(Debug, Default)]
pub(super) struct Got {
    /// Rows of the units, each unit's from one answer.
    pub(super) rows: Vec<DataValue>,
    /// What could not be read.
    pub(super) unread: Unread,
    /// What to say of it, one sentence each.
    pub(super) notes: Vec<String>,
}

/// Something that happened, for progress.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A request is sent.
    Asked,
    /// One was answered with so many rows.
    Answered(usize),
    /// One failed.
    Unanswered,
    /// So many units are read, or given up.
    Settled(usize),
}

/// Reads `sets` of `units` in one period. `tell` is told of every step. Fails when the sign-in is refused,
/// and when not one request was answered.
pub(super) async fn values(
    dhis2: &Dhis2,
    units: &[String],
    sets: &[String],
    period: &str,
    tell: &(dyn Fn(Step) + Sync),
) -> Result<Got, Failure> {
    let period = [period.to_owned()];
    let runs = batches(units, dhis2.fixed_len(sets, &period), URL_LIMIT);
    let mut work = Work {
        dhis2,
        period: &period,
        queue: runs.into_iter().map(<[String]>::to_vec).collect(),
        sets: sets.to_vec(),
        longest: usize::MAX,
        probed: false,
        answered: false,
        failed: 0,
        foreign: 0,
        got: Got::default(),
        why: [None, None, None],
        tell,
    };
    let mut asked = FuturesUnordered::new();
    loop {
        while asked.len() < TOGETHER
            && let Some(run) = work.next()
        {
            let (sets, period) = (work.sets.clone(), &period);
            tell(Step::Asked);
            asked.push(async move {
                let answer = dhis2.data_values(&run, &sets, period).await;
                (run, sets, answer)
            });
        }
        let Some((run, sets, answer)) = asked.next().await else { return work.end() };
        tell(answer.as_ref().map_or(Step::Unanswered, |values| Step::Answered(values.rows.len())));
        match answer {
            Ok(values) => work.answered(run.len(), values),
            Err(failure) => work.failed(run, &sets, failure).await?,
        }
    }
}

/// What to do about a request that failed.
#[derive(Debug, PartialEq, Eq)]
enum Remedy {
    /// Nothing is read with these credentials, and every further try brings the account nearer to being locked.
    End,
    /// Go on without these data sets.
    WithoutSets(BTreeSet<String>),
    /// Ask data set by data set which it is.
    Probe,
    /// Ask again without these units.
    WithoutUnits(Vec<String>),
    /// Ask for half of the units at a time; a single one is given this state.
    Halve(State),
    /// Smaller requests would fail the same way.
    Leave,
}

/// Fault matrix rows D01 to D03, D06, D08 and D09.
fn remedy(failure: &Failure, run: &[String], sets: &[String], probed: bool) -> Remedy {
    let ours = |named: Vec<String>, asked: &[String]| -> BTreeSet<String> {
        named.into_iter().filter(|id| asked.contains(id)).collect()
    };
    let unnamed = if probed { Remedy::Halve(State::NoAccess) } else { Remedy::Probe };
    match (denied(failure), &*failure.why) {
        (Some(Denied::DataSets(named)), _) => match ours(named, sets) {
            named if named.is_empty() => unnamed,
            named => Remedy::WithoutSets(named),
        },
        (Some(Denied::OrgUnits(named)), _) => match ours(named, run) {
            named if named.is_empty() => Remedy::Halve(State::NoAccess),
            named => Remedy::WithoutUnits(named.into_iter().collect()),
        },
        (None, Why::SignIn { .. }) => Remedy::End,
        (None, Why::Forbidden { .. }) => unnamed,
        (
            None,
            Why::Server { .. }
            | Why::TooLong { .. }
            | Why::NoAnswer { .. }
            | Why::Garbled { .. }
            | Why::TooLarge { .. },
        ) => Remedy::Halve(State::FetchFailed),
        _ => Remedy::Leave,
    }
}

/// How far the reading is.
struct Work<'a> {
    dhis2: &'a Dhis2,
    period: &'a [String],
    queue: VecDeque<Vec<String>>,
    /// Data sets still asked for.
    sets: Vec<String>,
    /// Units in the longest request the server takes, as far as is known.
    longest: usize,
    /// Whether the data sets were asked for one by one.
    probed: bool,
    answered: bool,
    /// Failed requests since the last answer.
    failed: usize,
    foreign: usize,
    got: Got,
    /// The first failure behind each kind of gap: data sets, units not allowed, units not read.
    why: [Option<Failure>; 3],
    tell: &'a (dyn Fn(Step) + Sync),
}

impl Work<'_> {
    fn next(&mut self) -> Option<Vec<String>> {
        let mut run = self.queue.pop_front()?;
        if run.len() > self.longest {
            self.queue.push_front(run.split_off(self.longest));
        }
        Some(run)
    }

    fn answered(&mut self, units: usize, values: Values) {
        (self.answered, self.failed) = (true, 0);
        self.foreign += values.foreign;
        self.got.rows.extend(values.rows);
        (self.tell)(Step::Settled(units));
    }

    async fn failed(&mut self, mut run: Vec<String>, sets: &[String], failure: Failure) -> Result<(), Failure> {
        self.failed += 1;
        if self.failed >= PATIENCE && !self.answered {
            return Err(failure);
        }
        match remedy(&failure, &run, sets, self.probed) {
            Remedy::End => return Err(failure),
            Remedy::Probe => {
                self.probed = true;
                let refused = self.refused(&run, sets).await?;
                self.deny(refused, failure)?;
                self.queue.push_front(run);
            }
            Remedy::WithoutSets(named) => {
                self.deny(named, failure)?;
                self.queue.push_front(run);
            }
            Remedy::WithoutUnits(named) => {
                // The server is well and says what it minds.
                self.failed = 0;
                run.retain(|unit| !named.contains(unit));
                self.leave(named, State::NoAccess, failure);
                self.queue.extend((!run.is_empty()).then_some(run));
            }
            Remedy::Halve(_) if run.len() > 1 && self.failed < PATIENCE => {
                let half = run.split_off(run.len().div_ceil(2));
                if matches!(*failure.why, Why::TooLong { .. }) {
                    self.longest = self.longest.min(run.len());
                }
                self.queue.push_front(half);
                self.queue.push_front(run);
            }
            Remedy::Halve(state) if run.len() == 1 => self.leave(run, state, failure),
            Remedy::Halve(_) | Remedy::Leave => self.leave(run, State::FetchFailed, failure),
        }
        Ok(())
    }

    /// The data sets that are refused one by one. None when all are: then it is not for the sets.
    async fn refused(&self, run: &[String], sets: &[String]) -> Result<BTreeSet<String>, Failure> {
        let unit = run.get(..1).unwrap_or_default();
        let mut refused = BTreeSet::new();
        for set in sets {
            if let Err(failure) = self.dhis2.data_values(unit, std::slice::from_ref(set), self.period).await {
                match (&*failure.why, denied(&failure)) {
                    (Why::SignIn { .. }, _) => return Err(failure),
                    (Why::Forbidden { .. }, _) | (_, Some(Denied::DataSets(_))) => drop(refused.insert(set.clone())),
                    _ => {}
                }
            }
        }
        Ok(if refused.len() < sets.len() { refused } else { BTreeSet::new() })
    }

    /// Goes on without these data sets. Another request may have met the same refusal before.
    fn deny(&mut self, named: BTreeSet<String>, failure: Failure) -> Result<(), Failure> {
        self.sets.retain(|set| !named.contains(set));
        if self.sets.is_empty() {
            return Err(failure);
        }
        if !named.is_empty() {
            self.got.unread.sets.extend(named);
            self.why[0].get_or_insert(failure);
        }
        Ok(())
    }

    fn leave(&mut self, units: Vec<String>, state: State, failure: Failure) {
        self.why[if state == State::NoAccess { 1 } else { 2 }].get_or_insert(failure);
        (self.tell)(Step::Settled(units.len()));
        self.got.unread.units.extend(units.into_iter().map(|unit| (unit, state)));
    }

    fn end(mut self) -> Result<Got, Failure> {
        if !self.answered {
            // Units the server refuses by name are an answer of a kind; anything else is none.
            let nothing = self.why[2].take().or_else(|| self.why[1].take_if(|why| denied(why).is_none()));
            if let Some(failure) = nothing {
                return Err(failure);
            }
        }
        let unread = &self.got.unread;
        let units = |wanted: State| -> Vec<&str> {
            unread.units.iter().filter(|(_, state)| **state == wanted).map(|(unit, _)| unit.as_str()).collect()
        };
        let gaps = [
            ("data sets this account may not read", unread.sets.iter().map(String::as_str).collect()),
            ("organisation units this account may not read", units(State::NoAccess)),
            ("organisation units that could not be read", units(State::FetchFailed)),
        ];
        let mut notes = Vec::new();
        for ((what, ids), why) in gaps.into_iter().zip(&self.why) {
            if let Some(why) = why {
                let more = if ids.len() > 8 { format!(" and {} more", ids.len() - 8) } else { String::new() };
                let first: Vec<&str> = ids.iter().take(8).copied().collect();
                notes.push(format!("{what}: {}{more}. {why}", first.join(", ")));
            }
        }
        if self.foreign > 0 {
            let foreign = self.foreign;
            notes
                .push(format!("{foreign} rows came for units or quarters that were not asked for; they were left out"));
        }
        self.got.notes = notes;
        Ok(self.got)
    }
}
