//! What keeps a signed-in account from cases it asks for: an API allowance that is used up, locations it is limited to,
//! and a server without the newer Case API (commcare.md sections 7 and 8.1). The form receiver is never affected.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use crate::sandbox::{CaseState, Sandbox};

/// All three; nothing is limited at first.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    allowance: Option<Allowance>,
    places: Option<BTreeSet<String>>,
    without_v2: bool,
}

#[derive(Debug)]
struct Allowance {
    calls: usize,
    left: usize,
    wait: Duration,
    closed_until: Option<Timestamp>,
}

impl Limits {
    /// Counts one call of a Case API. The seconds to wait where the allowance is used up.
    pub(crate) fn admit(&mut self, now: impl Fn() -> Timestamp) -> Result<(), f64> {
        let Some(allowance) = &mut self.allowance else { return Ok(()) };
        let now = now();
        if allowance.closed_until.is_some_and(|until| until <= now) {
            (allowance.closed_until, allowance.left) = (None, allowance.calls.max(1));
        }
        if let Some(left) = allowance.left.checked_sub(1) {
            allowance.left = left;
            return Ok(());
        }
        let until = *allowance.closed_until.get_or_insert_with(|| now.checked_add(allowance.wait).unwrap_or(now));
        Err(until.duration_since(now).as_secs_f64())
    }

    /// Whether the account may see the case.
    pub(crate) fn shows(&self, case: &CaseState) -> bool {
        let Some(places) = &self.places else { return true };
        let parent = case.parent.as_ref().map(|parent| &*parent.case_id);
        [Some(&*case.case_id), case.external_id.as_deref(), parent].into_iter().flatten().any(|id| places.contains(id))
    }

    /// Whether the account is limited to some locations.
    pub(crate) fn restricted(&self) -> bool {
        self.places.is_some()
    }

    /// Whether Case API v2 is missing.
    pub(crate) fn without_v2(&self) -> bool {
        self.without_v2
    }
}

/// What tests set.
impl Sandbox {
    /// After so many calls of the Case APIs the next ones are answered 429 with `Retry-After`, until the clock has moved
    /// on by `wait`; then as many are answered again, at least one. `None` lifts the limit.
    pub fn set_allowance(&self, calls: Option<usize>, wait: Duration) {
        let allowance = calls.map(|calls| Allowance { calls, left: calls, wait, closed_until: None });
        self.store().limits.allowance = allowance;
    }

    /// Limits the account to these external ids of facilities and case ids of districts: a list then shows fewer cases,
    /// without a word of it. `None` shows everything again.
    pub fn restrict_to(&self, places: Option<&[&str]>) {
        self.store().limits.places = places.map(|places| places.iter().map(|id| (*id).to_owned()).collect());
    }

    /// Takes Case API v2 away, as on an older server or behind a gateway that does not pass it on, or gives it back.
    pub fn set_case_v2(&self, there: bool) {
        self.store().limits.without_v2 = !there;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allowance_comes_back_when_the_time_is_over() {
        let start: Timestamp = "2026-07-05T09:41:00Z".parse().unwrap();
        let at = |millis: i64| move || start.checked_add(jiff::SignedDuration::from_millis(millis)).unwrap();
        let wait = Duration::from_millis(2500);
        let allowance = Some(Allowance { calls: 2, left: 2, wait, closed_until: None });
        let mut limits = Limits { allowance, ..Limits::default() };
        assert_eq!((limits.admit(at(0)), limits.admit(at(10))), (Ok(()), Ok(())));
        assert_eq!((limits.admit(at(100)), limits.admit(at(1100))), (Err(2.5), Err(1.5)));
        assert_eq!((limits.admit(at(2600)), limits.admit(at(2601))), (Ok(()), Ok(())));
        assert_eq!(limits.admit(at(2602)), Err(2.5));
    }
}
