//! When a failed read is tried again, and how long to wait first. Only idempotent reads come here.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, header};
use jiff::fmt::rfc2822;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Limits of one client. The defaults are the program's; tests lower them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest body in bytes, after decompression.
    pub body: usize,
    /// Tries in all when nothing could be sent (fault matrix row N03).
    pub unsent: u32,
    /// Tries in all when the answer broke off, timed out, or a gateway failed (rows N10 to N13, D09).
    pub broken: u32,
    /// Tries in all on 500, which mostly repeats itself: `job` splits a batch of units instead (row D08).
    pub crashed: u32,
    /// How long to go on in all when told to slow down (rows D07, H29).
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: 256 << 20, unsent: 3, broken: 5, crashed: 2, patience: Duration::from_hours(2) }
    }
}

/// What kind of failure an attempt was, for the decision to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// Trying again cannot help or would do harm.
    Never,
    /// Nothing was sent.
    Unsent,
    /// The answer did not come whole, or a gateway failed.
    Broken,
    /// The server itself failed.
    Crashed,
    /// The server asks for less, with the time to wait if it said one.
    Told(Option<Duration>),
}

/// The tries made for one question.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) tries: u32,
    unsent: u32,
    broken: u32,
    crashed: u32,
    told: u32,
    waited: Duration,
}

impl Pace {
    /// Counts a failed try. The wait before the next one; `None` when it is time to give up.
    pub(super) fn next(&mut self, retry: Retry, limits: &Limits, dice: &Dice) -> Option<Duration> {
        self.tries += 1;
        let (count, most) = match retry {
            Retry::Never => return None,
            Retry::Unsent => (&mut self.unsent, limits.unsent),
            Retry::Broken => (&mut self.broken, limits.broken),
            Retry::Crashed => (&mut self.crashed, limits.crashed),
            Retry::Told(wait) => return self.obey(wait, limits, dice),
        };
        *count += 1;
        (*count < most).then(|| dice.spread(doubled(Duration::from_secs(1), *count, Duration::from_secs(30))))
    }

    /// Waits as told; without a time given, from 15 s doubling to 5 min (fault matrix section 2).
    fn obey(&mut self, wait: Option<Duration>, limits: &Limits, dice: &Dice) -> Option<Duration> {
        self.told += 1;
        let wait =
            wait.unwrap_or_else(|| dice.spread(doubled(Duration::from_secs(15), self.told, Duration::from_mins(5))));
        // A server that says 0 for ever must still come to an end.
        self.waited = self.waited.saturating_add(wait.max(Duration::from_secs(1)));
        (self.waited <= limits.patience).then_some(wait)
    }
}

fn doubled(first: Duration, count: u32, most: Duration) -> Duration {
    let factor = 1_u32.checked_shl(count.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(most)
}

/// The seeded source of jitter.
#[derive(Debug)]
pub(super) struct Dice(Mutex<ChaCha8Rng>);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))
    }

    /// Between half of `wait` and all of it, so that many clients do not come back together.
    fn spread(&self, wait: Duration) -> Duration {
        let half = wait / 2;
        let most = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        half + Duration::from_millis(rng.random_range(0..=most))
    }
}

/// `Retry-After` in seconds, possibly fractional (commcare.md section 7), or as a date.
/// A date is measured against the answer's own `Date`, so no clock of ours is needed.
pub(in crate::io) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = rfc2822::parse(text).ok()?;
    let now = rfc2822::parse(headers.get(header::DATE)?.to_str().ok()?.trim()).ok()?;
    Duration::try_from(until.timestamp().duration_since(now.timestamp())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_in_every_spelling() {
        let of = |v| retry_after(&headers(&[("retry-after", v)]));
        assert_eq!(of("7"), Some(Duration::from_secs(7)));
        assert_eq!(of("0.25"), Some(Duration::from_millis(250)));
        for odd in ["-1", "NaN", "inf", "1e300", "soon", "", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(of(odd), None, "{odd}");
        }
        let date = [("date", "Wed, 21 Oct 2015 07:27:30 GMT"), ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")];
        assert_eq!(retry_after(&headers(&date)), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&headers(&[])), None);
    }

    #[test]
    fn waits_double_with_jitter_and_end() {
        let (limits, dice) = (Limits::default(), Dice::new(1));
        let mut pace = Pace::default();
        let waits: Vec<_> = std::iter::from_fn(|| pace.next(Retry::Broken, &limits, &dice)).collect();
        assert_eq!((waits.len(), pace.tries), (4, 5));
        for (wait, full) in waits.iter().zip([1, 2, 4, 8]) {
            let full = Duration::from_secs(full);
            assert!(*wait >= full / 2 && *wait <= full, "{wait:?} of {full:?}");
        }
        assert_eq!(Pace::default().next(Retry::Never, &limits, &dice), None);
    }

    #[test]
    fn each_kind_has_its_own_count() {
        let (limits, dice) = (Limits::default(), Dice::new(1));
        let mut pace = Pace::default();
        for kind in [Retry::Unsent, Retry::Crashed, Retry::Broken, Retry::Unsent] {
            assert!(pace.next(kind, &limits, &dice).is_some(), "{kind:?}");
        }
        assert_eq!(pace.next(Retry::Crashed, &limits, &dice), None);
        assert_eq!(pace.next(Retry::Unsent, &limits, &dice), None);
    }

    #[test]
    fn told_to_wait_means_that_long_until_patience_ends() {
        let (limits, dice) = (Limits { patience: Duration::from_secs(10), ..Limits::default() }, Dice::new(1));
        let mut pace = Pace::default();
        let six = Some(Duration::from_secs(6));
        assert_eq!(pace.next(Retry::Told(six), &limits, &dice), six);
        assert_eq!(pace.next(Retry::Told(six), &limits, &dice), None);
        let mut pace = Pace::default();
        let zero = Retry::Told(Some(Duration::ZERO));
        assert_eq!(std::iter::from_fn(|| pace.next(zero, &limits, &dice)).count(), 10);
        let wait = Pace::default().next(Retry::Told(None), &Limits::default(), &dice).unwrap();
        assert!((Duration::from_millis(7500)..=Duration::from_secs(15)).contains(&wait), "{wait:?}");
    }
}
