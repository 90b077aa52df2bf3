//! One question about many organisation units in as few requests as it takes, and what is left when a request fails: a unit that
//! spoils every request costs itself, a data set that may not be read its column. What the answers mean is `assemble`.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::Future,
    pin::Pin,
    sync::Arc,
};

use tokio::task::JoinSet;

use super::assemble::Unread;
use crate::{
    domain::plan::State,
    io::{
        dhis2::{Denied, Dhis2, batches, denied},
        http::{Failure, TOGETHER, Why},
    },
};

/// Failed requests one after the other, with no answer between, after which it is asked whether the server answers at all.
const PATIENCE: usize = 12;

/// An answer on its way.
type Later<A> = Pin<Box<dyn Future<Output = Result<A, Failure>> + Send>>;

/// A question: organisation units and data sets to an answer.
pub(super) type Question<A> = Arc<dyn Fn(Arc<[String]>, Arc<[String]>) -> Later<A> + Send + Sync>;

/// Takes in an answer with its organisation units and data sets.
pub(super) type Answered<'a, A> = dyn FnMut(&[String], &[String], A) + Send + 'a;

/// Something that happened to a request, for progress.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// It is sent.
    Asked,
    /// It was answered with so many rows.
    Answered(usize),
    /// It failed.
    Unanswered,
    /// So many reports (organisation units times data sets) need no more asking.
    Settled(usize),
}

/// What is asked, of whom.
pub(super) struct Gather<'a, A> {
    /// The server.
    pub(super) dhis2: &'a Dhis2,
    /// Organisation units, each at most once.
    pub(super) units: &'a [String],
    /// Data sets.
    pub(super) sets: &'a [String],
    /// One data set a request, so that rows are told apart by what was asked: where the server does not say what stands on which
    /// data set.
    pub(super) apart: bool,
    /// How many organisation units the answers may name one after the other before the question is given up.
    pub(super) refusals: usize,
    /// The question.
    pub(super) ask: Question<A>,
    /// How many rows an answer has.
    pub(super) rows: fn(&A) -> usize,
    /// Bytes of its request line before any unit.
    pub(super) fixed: &'a (dyn Fn(&[String]) -> usize + Sync),
}

/// What was not answered.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// What could not be read.
    pub(super) unread: Unread,
    /// What to say of it, one sentence each.
    pub(super) notes: Vec<String>,
}

/// The units and data sets of one request.
#[derive(Clone, Debug)]
struct Run {
    units: Vec<String>,
    /// The only data set; `None` for all.
    set: Option<String>,
}

impl<A: Send + 'static> Gather<'_, A> {
    /// Asks. `answered` is given every answer with its units and data sets, `tell` is told of every step. Fails when the sign-in is
    /// refused, and when not one request was answered.
    pub(super) async fn run(
        self,
        answered: &mut Answered<'_, A>,
        tell: &(dyn Fn(Step) + Sync),
    ) -> Result<Gaps, Failure> {
        let sets: Vec<Option<String>> =
            if self.apart { self.sets.iter().cloned().map(Some).collect() } else { vec![None] };
        let queue = sets.into_iter().map(|set| Run { units: self.units.to_vec(), set }).collect();
        let mut work = Work {
            gather: &self,
            queue,
            sets: self.sets.to_vec(),
            probed: false,
            answered: false,
            failed: 0,
            refused: 0,
            unread: Unread::default(),
            why: [None, None, None],
            tell,
        };
        let mut asked = JoinSet::new();
        loop {
            while asked.len() < TOGETHER
                && let Some((run, sets)) = work.next()
            {
                tell(Step::Asked);
                let ask = Arc::clone(&self.ask);
                asked.spawn(async move {
                    let answer = ask(run.units.as_slice().into(), sets.as_slice().into()).await;
                    (run, sets, answer)
                });
            }
            match asked.join_next().await {
                None => return work.end(),
                // It can only have been stopped with everything else.
                Some(Err(_)) => {}
                Some(Ok((run, sets, Ok(answer)))) => {
                    tell(Step::Answered((self.rows)(&answer)));
                    work.done(run.units.len() * sets.len());
                    answered(&run.units, &sets, answer);
                }
                Some(Ok((run, sets, Err(failure)))) => {
                    tell(Step::Unanswered);
                    work.failed(run, &sets, failure).await?;
                }
            }
        }
    }
}

/// What to do about a request that failed.
#[derive(Debug, PartialEq, Eq)]
enum Remedy {
    /// Nothing is read with these credentials, and every further try brings the account nearer to being locked.
    End,
    /// Nothing is stored: DHIS2 knows none of the units.
    Nothing,
    /// Go on without these data sets.
    WithoutSets(BTreeSet<String>),
    /// Ask data set by data set which it is.
    Probe,
    /// Ask again without these units.
    WithoutUnits(BTreeSet<String>),
    /// The address is too long.
    Shorten,
    /// Ask for half of the units at a time; a single one is given this state.
    Halve(State),
    /// Smaller requests would fail the same way.
    Leave,
}

/// Fault matrix rows D01 to D03, D06, D08 and D09.
fn remedy(failure: &Failure, units: &[String], sets: &[String], probed: bool) -> Remedy {
    let ours = |named: Vec<String>, asked: &[String]| -> BTreeSet<String> {
        named.into_iter().filter(|id| asked.contains(id)).collect()
    };
    let unnamed = if probed || sets.len() < 2 { Remedy::Halve(State::NoAccess) } else { Remedy::Probe };
    match (denied(failure), &*failure.why) {
        (Some(Denied::DataSets(named)), _) => match ours(named, sets) {
            named if named.is_empty() => unnamed,
            named => Remedy::WithoutSets(named),
        },
        (Some(Denied::OrgUnits(named)), _) => match ours(named, units) {
            named if named.is_empty() => Remedy::Halve(State::NoAccess),
            named => Remedy::WithoutUnits(named),
        },
        (Some(Denied::Unknown), _) => Remedy::Nothing,
        (None, Why::SignIn { .. }) => Remedy::End,
        (None, Why::Forbidden { .. }) => unnamed,
        (None, Why::TooLong { .. }) => Remedy::Shorten,
        (
            None,
            Why::Server { .. } | Why::NoAnswer { .. } | Why::Garbled { .. } | Why::Shape { .. } | Why::TooLarge { .. },
        ) => Remedy::Halve(State::FetchFailed),
        _ => Remedy::Leave,
    }
}

/// How far the reading is.
struct Work<'a, A> {
    gather: &'a Gather<'a, A>,
    queue: VecDeque<Run>,
    /// Data sets still asked for.
    sets: Vec<String>,
    /// Whether the data sets were asked for one by one.
    probed: bool,
    answered: bool,
    /// Failed requests since the last answer.
    failed: usize,
    /// Units refused by name so far.
    refused: usize,
    unread: Unread,
    /// The first failure behind each kind of gap: data sets, units not allowed, units not read.
    why: [Option<Failure>; 3],
    tell: &'a (dyn Fn(Step) + Sync),
}

impl<A> Work<'_, A> {
    /// The next request: as many units as its line takes.
    fn next(&mut self) -> Option<(Run, Vec<String>)> {
        loop {
            let mut run = self.queue.pop_front()?;
            let sets = run.set.as_ref().map_or_else(|| self.sets.clone(), |set| vec![set.clone()]);
            if run.units.is_empty() || sets.iter().any(|set| !self.sets.contains(set)) {
                continue;
            }
            let dhis2 = self.gather.dhis2;
            let first =
                batches(&run.units, (self.gather.fixed)(&sets), dhis2.limit()).first().map_or(0, |run| run.len());
            if first < run.units.len() {
                let units = run.units.split_off(first);
                self.queue.push_front(Run { units, set: run.set.clone() });
            }
            return Some((run, sets));
        }
    }

    fn done(&mut self, reports: usize) {
        (self.answered, self.failed) = (true, 0);
        (self.tell)(Step::Settled(reports));
    }

    async fn failed(&mut self, mut run: Run, sets: &[String], failure: Failure) -> Result<(), Failure> {
        let mut remedy = remedy(&failure, &run.units, sets, self.probed);
        // Refused for a data set that meanwhile is not asked for any more: that says nothing of these units.
        let outdated = run.set.is_none() && sets.iter().any(|set| !self.sets.contains(set));
        if outdated && matches!(remedy, Remedy::Probe | Remedy::Halve(State::NoAccess)) {
            self.queue.push_front(run);
            return Ok(());
        }
        self.failed += 1;
        if self.failed >= PATIENCE && remedy != Remedy::End {
            if self.is_alive(sets).await? {
                self.failed = 0;
            } else if !self.answered {
                return Err(failure);
            }
        }
        if remedy == Remedy::Shorten && !self.shorten(&run, sets) {
            remedy = Remedy::Halve(State::FetchFailed);
        }
        match remedy {
            Remedy::End => return Err(failure),
            Remedy::Nothing => self.done(run.units.len() * sets.len()),
            Remedy::Probe => {
                self.probed = true;
                let refused = self.refused(&run, sets).await?;
                self.deny(refused, failure)?;
                self.queue.push_front(run);
            }
            Remedy::WithoutSets(named) => {
                self.deny(named, failure)?;
                self.queue.extend(run.set.is_none().then_some(run));
            }
            Remedy::WithoutUnits(named) => {
                // The server is well and says what it minds.
                self.failed = 0;
                self.refused += named.len();
                if self.refused > self.gather.refusals {
                    return Err(failure);
                }
                run.units.retain(|unit| !named.contains(unit));
                let gone = Run { units: named.into_iter().collect(), set: run.set.clone() };
                self.leave(gone, sets, State::NoAccess, failure);
                self.queue.push_back(run);
            }
            Remedy::Shorten if self.failed < PATIENCE => self.queue.push_front(run),
            Remedy::Halve(_) if run.units.len() > 1 && self.failed < PATIENCE => {
                let units = run.units.split_off(run.units.len().div_ceil(2));
                self.queue.push_front(Run { units, set: run.set.clone() });
                self.queue.push_front(run);
            }
            Remedy::Halve(state) if run.units.len() == 1 => self.leave(run, sets, state, failure),
            Remedy::Halve(_) | Remedy::Shorten | Remedy::Leave => self.leave(run, sets, State::FetchFailed, failure),
        }
        Ok(())
    }

    /// Whether the server answers for any of three single units. Several that spoil their requests, each in every request for one of
    /// many data sets, can look like a server that answers nothing.
    async fn is_alive(&self, sets: &[String]) -> Result<bool, Failure> {
        let units = self.gather.units;
        for unit in [units.first(), units.get(units.len() / 2), units.last()].into_iter().flatten() {
            match (self.gather.ask)([unit.clone()].into(), sets.into()).await {
                Ok(_) => return Ok(true),
                Err(failure) if matches!(*failure.why, Why::SignIn { .. }) => return Err(failure),
                Err(failure) => match denied(&failure) {
                    // It is well and says what it minds.
                    Some(Denied::Unknown) => return Ok(true),
                    Some(Denied::OrgUnits(named) | Denied::DataSets(named)) if !named.is_empty() => return Ok(true),
                    _ => {}
                },
            }
        }
        Ok(false)
    }

    /// Whether the line of this request can be shorter.
    fn shorten(&self, run: &Run, sets: &[String]) -> bool {
        let units: usize = run.units.iter().map(|unit| unit.len() + "&orgUnit=".len()).sum();
        self.gather.dhis2.shorten((self.gather.fixed)(sets) + units)
    }

    /// The data sets that are refused one by one. None when all are: then it is not for the sets.
    async fn refused(&self, run: &Run, sets: &[String]) -> Result<BTreeSet<String>, Failure> {
        let unit = run.units.get(..1).unwrap_or_default();
        let mut refused = BTreeSet::new();
        for set in sets {
            if let Err(failure) = (self.gather.ask)(unit.into(), [set.clone()].into()).await {
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
        let before = self.sets.len();
        self.sets.retain(|set| !named.contains(set));
        // No request that names one of them was ever answered.
        (self.tell)(Step::Settled((before - self.sets.len()) * self.gather.units.len()));
        if self.sets.is_empty() {
            return Err(failure);
        }
        if !named.is_empty() {
            self.unread.sets.extend(named);
            self.why[0].get_or_insert(failure);
        }
        Ok(())
    }

    fn leave(&mut self, run: Run, sets: &[String], state: State, failure: Failure) {
        self.why[if state == State::NoAccess { 1 } else { 2 }].get_or_insert(failure);
        (self.tell)(Step::Settled(run.units.len() * sets.len()));
        for unit in run.units {
            self.unread.units.entry(unit).or_default().insert(run.set.clone(), state);
        }
    }

    fn end(mut self) -> Result<Gaps, Failure> {
        if !self.answered {
            // Units the server refuses by name are an answer of a kind; anything else is none.
            let nothing = self.why[2].take().or_else(|| self.why[1].take_if(|why| denied(why).is_none()));
            if let Some(failure) = nothing {
                return Err(failure);
            }
        }
        let units = |wanted: State| -> Vec<&str> {
            let has = |sets: &BTreeMap<Option<String>, State>| sets.values().any(|state| *state == wanted);
            self.unread.units.iter().filter(|(_, sets)| has(sets)).map(|(unit, _)| unit.as_str()).collect()
        };
        let gaps = [
            ("data sets this account may not read", self.unread.sets.iter().map(String::as_str).collect()),
            ("organisation units this account may not read", units(State::NoAccess)),
            ("organisation units that could not be read", units(State::FetchFailed)),
        ];
        let mut notes = Vec::new();
        for ((what, ids), why) in gaps.into_iter().zip(&self.why) {
            if let Some(why) = why {
                notes.push(format!("{what}: {}. {why}", listed(&ids)));
            }
        }
        Ok(Gaps { unread: self.unread, notes })
    }
}

/// The first few ids, and how many more.
pub(super) fn listed(ids: &[&str]) -> String {
    let more = if ids.len() > 8 { format!(" and {} more", ids.len() - 8) } else { String::new() };
    format!("{}{more}", ids.iter().take(8).copied().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{
        http::{Client, Secret, Side, SignIn},
        transport::{Answer, Broken, Later as Sent, Transport},
    };

    /// Nothing goes over it: the questions answer themselves.
    struct Silent;

    impl Transport for Silent {
        fn send(&self, _: http::Request<bytes::Bytes>) -> Sent<'_, Result<Answer, Broken>> {
            Box::pin(std::future::pending())
        }
    }

    fn server() -> Dhis2 {
        let base = "https://dhis2.invalid/api/".parse().unwrap();
        let sign_in = SignIn::Token(Secret::new("x"));
        Dhis2::new(Client::new(Arc::new(Silent), Side::Dhis2, &base, sign_in, 1).unwrap())
    }

    fn failure(why: Why) -> Failure {
        Failure { side: Side::Dhis2, host: "h".to_owned(), asked: "x".to_owned(), tries: 1, why: Box::new(why) }
    }

    fn id(kind: char, number: usize) -> String {
        format!("{kind}{number:010}")
    }

    /// Asks for each data set by itself; requests with the unit `bad` crash, the data set `denied` is refused by name.
    async fn asked(
        units: usize,
        sets: usize,
        bad: usize,
        denied: usize,
    ) -> (Result<Gaps, Failure>, BTreeSet<(String, String)>) {
        let (server, bad, denied) = (server(), id('U', bad), id('S', denied));
        let ids = |kind, count| (0..count).map(|number| id(kind, number)).collect::<Vec<_>>();
        let (units, sets) = (ids('U', units), ids('S', sets));
        let gather = Gather {
            dhis2: &server,
            units: &units,
            sets: &sets,
            apart: true,
            refusals: usize::MAX,
            ask: Arc::new(move |units, sets| {
                let why = if units.contains(&bad) {
                    Some(Why::Server { status: 500, text: String::new() })
                } else if sets.contains(&denied) {
                    let message = format!("User is not allowed to read data for data set: `{denied}`");
                    Some(Why::Refused { status: 409, code: Some("E2010".to_owned()), message })
                } else {
                    None
                };
                Box::pin(async move { why.map_or(Ok(()), |why| Err(failure(why))) })
            }),
            rows: |()| 0,
            fixed: &|_| 0,
        };
        let mut read = BTreeSet::new();
        let mut answered = |units: &[String], sets: &[String], ()| {
            read.extend(units.iter().flat_map(|unit| sets.iter().map(|set| (unit.clone(), set.clone()))));
        };
        (gather.run(&mut answered, &|_| {}).await, read)
    }

    /// However the failures follow one another, with no answer between: fault matrix rows D02 and D08 at once.
    #[tokio::test]
    async fn one_bad_unit_and_one_denied_data_set_cost_only_themselves() {
        for units in [2, 3, 5, 17] {
            for sets in [2, 3, 4, 8, 13, 21] {
                for (bad, denied) in [(0, 0), (0, sets - 1), (units - 1, 0), (units / 2, sets / 2)] {
                    let what = format!("{units} units, {sets} data sets, {bad} is bad, {denied} denied");
                    let (gaps, read) = asked(units, sets, bad, denied).await;
                    let unread = gaps.unwrap_or_else(|failure| panic!("{what}: {failure}")).unread;
                    let others = |count, but| (0..count).filter(move |number| *number != but);
                    let pairs = others(units, bad).flat_map(|unit| others(sets, denied).map(move |set| (unit, set)));
                    let wanted: BTreeSet<_> = pairs.map(|(unit, set)| (id('U', unit), id('S', set))).collect();
                    assert_eq!(read, wanted, "{what}");
                    assert_eq!(unread.sets, [id('S', denied)].into(), "{what}");
                    let of = |unit, set| unread.state(&id('U', unit), &id('S', set));
                    for set in others(sets, denied) {
                        assert_eq!(of(bad, set), Some(State::FetchFailed), "{what}");
                    }
                    assert_eq!(unread.units.len(), 1, "{what}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_server_that_answers_nothing_is_given_up() {
        // One unit, and it is the bad one: nothing was answered but the refusal of a data set.
        let (gaps, read) = asked(1, 3, 0, 9).await;
        assert!(gaps.is_err() && read.is_empty());
    }
}
