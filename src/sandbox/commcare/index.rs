//! The search index: what the case lists read, later than the database (commcare.md section 8.3).
//!
//! A change is taken up as it was when it was made, so that a later one does not show before its own time.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::store::Cases;
use crate::sandbox::{CaseState, Sandbox};

/// The index and what it has yet to take up.
pub(crate) struct Index {
    cases: Cases,
    order: BTreeSet<(Timestamp, Arc<str>)>,
    newest: Timestamp,
    holding: bool,
    lag: Duration,
    /// Oldest first.
    waiting: VecDeque<Change>,
}

/// A change the index has not taken up.
struct Change {
    at: Timestamp,
    case_id: Arc<str>,
    /// The case as it was then; none when it is to go.
    case: Option<Arc<CaseState>>,
}

impl Index {
    /// An index that knows these cases.
    pub(crate) fn new(cases: Cases) -> Self {
        let order: BTreeSet<(Timestamp, Arc<str>)> =
            cases.values().map(|case| (case.indexed_on, Arc::clone(&case.case_id))).collect();
        Self {
            newest: order.last().map_or(Timestamp::UNIX_EPOCH, |(time, _)| *time),
            cases,
            order,
            holding: false,
            lag: Duration::ZERO,
            waiting: VecDeque::new(),
        }
    }

    /// The case as the index knows it.
    pub(crate) fn get(&self, case_id: &str) -> Option<&Arc<CaseState>> {
        self.cases.get(case_id)
    }

    /// The cases after a place in the order, from there on.
    pub(crate) fn after(&self, place: Option<(Timestamp, Arc<str>)>) -> impl Iterator<Item = &Arc<CaseState>> {
        let start = place.map_or(Bound::Unbounded, Bound::Excluded);
        self.order.range((start, Bound::Unbounded)).filter_map(|(_, case_id)| self.cases.get(case_id))
    }

    /// Stops the index, or lets it catch up with what is due.
    pub(crate) fn hold(&mut self, hold: bool, now: Timestamp) {
        if !self.holding {
            self.catch_up(now, Timestamp::MIN);
        }
        self.holding = hold;
        if !hold {
            self.catch_up(now, now);
        }
    }

    /// Sets how much later than a change the index takes it up, those that wait included.
    pub(crate) fn set_lag(&mut self, lag: Duration, now: Timestamp) {
        if !self.holding {
            self.catch_up(now, Timestamp::MIN);
        }
        self.lag = lag;
        if !self.holding {
            self.catch_up(now, now);
        }
    }

    /// A case has changed, or is gone.
    pub(crate) fn note(&mut self, case_id: Arc<str>, case: Option<Arc<CaseState>>, now: Timestamp) {
        if !self.holding && self.lag.is_zero() {
            self.take(case_id, case, now);
            return;
        }
        // Two requests may look at the clock in one order and come in here in the other.
        let at = self.waiting.back().map_or(now, |last| now.max(last.at));
        self.waiting.push_back(Change { at, case_id, case });
    }

    /// Takes up what is due. Looks at the clock only where something waits.
    pub(crate) fn settle(&mut self, now: impl FnOnce() -> Timestamp) {
        if !self.holding && !self.waiting.is_empty() {
            self.catch_up(now(), Timestamp::MIN);
        }
    }

    /// Takes up what is due by `now`, none of it as if before `earliest`.
    fn catch_up(&mut self, now: Timestamp, earliest: Timestamp) {
        let lag = self.lag;
        let due = |change: &Change| change.at.checked_add(lag).unwrap_or(Timestamp::MAX);
        while let Some(first) = self.waiting.pop_front_if(|first| lag.is_zero() || due(first) <= now) {
            let at = due(&first).max(earliest);
            self.take(first.case_id, first.case, at);
        }
    }

    /// Puts the case at the end of the order, or takes it out.
    fn take(&mut self, case_id: Arc<str>, case: Option<Arc<CaseState>>, at: Timestamp) {
        if let Some(old) = self.cases.remove(&case_id) {
            self.order.remove(&(old.indexed_on, Arc::clone(&case_id)));
        }
        let Some(case) = case else { return };
        let after = self.newest.checked_add(SignedDuration::from_micros(1)).unwrap_or(self.newest);
        self.newest = at.max(after);
        let mut case = Arc::unwrap_or_clone(case);
        case.indexed_on = self.newest;
        self.order.insert((case.indexed_on, Arc::clone(&case_id)));
        self.cases.insert(case_id, Arc::new(case));
    }
}

/// What tests set.
impl Sandbox {
    /// While `hold` is true the search index takes up nothing new; `false` lets it catch up with what is due by then
    /// (commcare.md section 8.3).
    pub fn hold_index(&self, hold: bool) {
        let now = self.now();
        self.store().index.hold(hold, now);
    }

    /// The search index takes up a change once the clock is `lag` later than the change, also one that waits already;
    /// zero is at once. The database is current all the same (commcare.md section 8.3).
    pub fn set_index_lag(&self, lag: Duration) {
        let now = self.now();
        self.store().index.set_lag(lag, now);
    }
}
