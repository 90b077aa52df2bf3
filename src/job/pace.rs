//! How fast something goes, and how long the rest will take. Time is given in; nothing here asks a clock.
//!
//! The rate is that of the last seconds, not since the start. One slow answer among quick ones counts as a little slow, so
//! that the time left does not jump to hours by it; while nothing comes for unusually long there is no rate at all, and that
//! is said instead.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

/// How far back the rate looks.
const WINDOW: Duration = Duration::from_secs(10);
/// Steps it looks at in any case, where they come more seldom.
const STEPS: usize = 8;
/// Steps nearer to each other than this are one: answers to requests made at once come together.
const TOGETHER: Duration = Duration::from_millis(200);
/// A pause longer than this many usual ones counts as that long only.
const UNUSUAL: u32 = 4;
/// While nothing comes, the rate is not doubted before an unusual pause and this time.
const SILENCE: Duration = Duration::from_secs(5);

/// The last steps of something that is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// When, and how much was done by then; oldest first. The first is the beginning, where that is near enough.
    steps: VecDeque<(Timestamp, usize)>,
}

/// Units in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    units: usize,
    millis: u128,
}

impl Rate {
    /// So many units in this time; `None` where that is nothing or too short to tell.
    pub fn of(units: usize, time: Duration) -> Option<Self> {
        (units > 0 && time >= TOGETHER).then_some(Self { units, millis: time.as_millis() })
    }

    /// Units a second, in tenths.
    pub fn tenths(self) -> u128 {
        u128::try_from(self.units).unwrap_or(u128::MAX).saturating_mul(10_000) / self.millis
    }

    /// How long `units` take at this rate, at least a second unless there are none.
    pub fn time_for(self, units: usize) -> Duration {
        if units == 0 {
            return Duration::ZERO;
        }
        let units = u128::try_from(units).unwrap_or(u128::MAX);
        let millis = units.saturating_mul(self.millis) / u128::try_from(self.units).unwrap_or(u128::MAX).max(1);
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)).max(Duration::from_secs(1))
    }
}

/// As a person reads it: `14`, `1.5`, `0.2`.
impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = self.tenths();
        if tenths >= 100 {
            f.write_str(&crate::domain::value::grouped(&(tenths / 10).to_string()))
        } else {
            write!(f, "{}.{}", tenths / 10, tenths % 10)
        }
    }
}

impl Pace {
    /// Notes that `done` were done at this time. The first note is the beginning.
    pub fn step(&mut self, now: Timestamp, done: usize) {
        let begun = self.steps.len() > 1;
        match self.steps.back_mut() {
            // The beginning stays what it is; of the others those that come together are one.
            Some(last) if begun && between(last.0, now) < TOGETHER => last.1 = done,
            _ => self.steps.push_back((now, done)),
        }
        while self.steps.len() > STEPS + 1 && self.steps.get(1).is_some_and(|(at, _)| between(*at, now) > WINDOW) {
            self.steps.pop_front();
        }
    }

    /// How fast it goes; `None` before the first step after the beginning, and while nothing comes for unusually long.
    pub fn rate(&self, now: Timestamp) -> Option<Rate> {
        let (limit, (_, before), (last, done)) = (self.limit()?, self.steps.front()?, self.steps.back()?);
        if between(*last, now) > limit.max(SILENCE) {
            return None;
        }
        Rate::of(done.checked_sub(*before)?, self.pauses().map(|pause| pause.min(limit)).sum())
    }

    /// For how long nothing came; `None` while that is nothing unusual.
    pub fn silent(&self, now: Timestamp) -> Option<Duration> {
        let since = between(self.steps.back()?.0, now);
        (since > self.limit().unwrap_or_default().max(SILENCE)).then_some(since)
    }

    /// Times between the steps.
    fn pauses(&self) -> impl Iterator<Item = Duration> {
        self.steps.iter().zip(self.steps.iter().skip(1)).map(|((from, _), (to, _))| between(*from, *to))
    }

    /// The longest pause that is usual; `None` before there was one.
    fn limit(&self) -> Option<Duration> {
        let mut pauses: Vec<Duration> = self.pauses().collect();
        pauses.sort_unstable();
        let usual = pauses.get(pauses.len().checked_sub(1)? / 2)?;
        Some(usual.saturating_mul(UNUSUAL))
    }
}

/// Never negative: a clock may be set back.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_780_000_000_000 + millis).unwrap()
    }

    fn paced(steps: &[(i64, usize)]) -> Pace {
        let mut pace = Pace::default();
        for (millis, done) in steps {
            pace.step(at(*millis), *done);
        }
        pace
    }

    #[test]
    fn there_is_no_rate_before_the_first_answer() {
        assert_eq!(paced(&[]).rate(at(5_000)), None);
        assert_eq!(paced(&[(0, 0)]).rate(at(5_000)), None);
        assert_eq!(paced(&[(0, 0), (50, 400)]).rate(at(100)), None, "too short to tell");
        let rate = paced(&[(0, 0), (2_000, 400)]).rate(at(2_000)).unwrap();
        assert_eq!((rate.to_string().as_str(), rate.time_for(600)), ("200", Duration::from_secs(3)));
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut steps: Vec<(i64, usize)> =
            (0..60).map(|second| (second * 1_000, usize::try_from(second).unwrap())).collect();
        steps.extend((1..=20).map(|second| (59_000 + second * 1_000, 59 + 50 * usize::try_from(second).unwrap())));
        let rate = paced(&steps).rate(at(79_000)).unwrap();
        assert_eq!(rate.to_string(), "50");
        assert_eq!(rate.time_for(10), Duration::from_secs(1), "never 0:00 left while something is");
        assert_eq!(rate.time_for(0), Duration::ZERO);
    }

    #[test]
    fn one_slow_answer_does_not_make_hours_wherever_it_comes() {
        for slow in [0, 1, 5, 30] {
            let mut pace = Pace::default();
            let mut now = 0;
            pace.step(at(now), 0);
            for answer in 0..60_usize {
                now += if answer == slow { 60_000 } else { 250 };
                pace.step(at(now), answer + 1);
                if answer < 2 {
                    continue;
                }
                let left = pace.rate(at(now)).unwrap().time_for(8_848 - answer);
                assert!(left < Duration::from_mins(100), "slow {slow}, answer {answer}: {left:?}");
                assert!(answer < slow + 12 || left < Duration::from_mins(75), "slow {slow}, answer {answer}: {left:?}");
            }
        }
    }

    #[test]
    fn a_server_that_became_slow_is_believed_soon() {
        let mut steps: Vec<(i64, usize)> = (0..20).map(|n| (n * 500, usize::try_from(n).unwrap())).collect();
        steps.extend((1..=8).map(|n| (9_500 + n * 20_000, 19 + usize::try_from(n).unwrap())));
        let pace = paced(&steps);
        assert_eq!(pace.rate(at(169_500)).unwrap().time_for(3), Duration::from_mins(1));
    }

    #[test]
    fn silence_is_said_in_place_of_a_rate() {
        let pace = paced(&[(0, 0), (1_000, 10), (2_000, 20)]);
        assert!(pace.rate(at(6_900)).is_some() && pace.silent(at(6_900)).is_none());
        assert_eq!((pace.rate(at(47_000)), pace.silent(at(47_000))), (None, Some(Duration::from_secs(45))));
        assert_eq!(paced(&[(0, 0)]).silent(at(9_000)), Some(Duration::from_secs(9)), "also before the first answer");
        let slow = paced(&[(0, 0), (30_000, 4), (60_000, 8)]);
        assert!(slow.silent(at(110_000)).is_none(), "30 s between answers are usual there");
    }

    #[test]
    fn answers_that_come_together_are_one_step() {
        let mut pace = Pace::default();
        pace.step(at(0), 0);
        for burst in 1..=5 {
            for answer in 0..4_i64 {
                let done = usize::try_from((burst - 1) * 4 + answer + 1).unwrap();
                pace.step(at(burst * 30_000 + answer * 10), done);
            }
        }
        assert_eq!(pace.rate(at(150_040)).unwrap().time_for(4), Duration::from_secs(30));
    }

    proptest! {
        #[test]
        fn no_clock_and_no_count_makes_it_fail_or_grow(
            steps in prop::collection::vec((-100_000_i64..100_000, 0_usize..10_000), 0..400), now in -200_000_i64..200_000,
        ) {
            let pace = paced(&steps);
            if let Some(rate) = pace.rate(at(now)) {
                prop_assert!(rate.time_for(1) >= Duration::from_secs(1));
                let _ = rate.to_string();
            }
            let _ = pace.silent(at(now));
        }

        #[test]
        fn it_keeps_little(pauses in prop::collection::vec(0_i64..50, 0..3_000)) {
            let mut pace = Pace::default();
            let mut now = 0;
            for (done, pause) in pauses.into_iter().enumerate() {
                now += pause;
                pace.step(at(now), done);
            }
            prop_assert!(pace.steps.len() < 70, "{}", pace.steps.len());
        }
    }
}
