//! How far a number lies from what its facility usually reports: the robust log score (data-quality-flags.md section 3.2).
//! Only numbers in and out; what is flagged is said in `sizes`.

use super::{Limit, Limits, real};

/// Most quarters of a history that are looked at (data-quality-flags.md, "Words used here").
pub const LONGEST: usize = 12;

/// Makes the median of the absolute deviations a standard deviation where numbers are normal.
const TO_DEVIATION: f64 = 1.4826;

/// What a facility usually reports for a property.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// Reported quarters, at least 1.
    pub n: usize,
    /// Median of the numbers, `m`.
    pub median: f64,
    /// Median of `ln(h + 1)`, `c`.
    pub center: f64,
    /// Spread of this facility alone, `sf`, in units of the natural logarithm.
    pub own: f64,
    /// The largest number.
    pub largest: f64,
}

/// How far a number lies from the usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Counting noise: least spread believed.
    pub floor: f64,
    /// Spread, `s`, of the facility and its column together.
    pub spread: f64,
    /// Spreads away from the usual, `R`.
    pub away: f64,
    /// Ratio to the usual, `q`.
    pub ratio: f64,
}

impl Usual {
    /// Of the numbers really reported in earlier quarters, newest first; only the newest [`LONGEST`] are looked at. `None` where
    /// there are none. A number below zero, which S09 stops, is no count: the score takes it for 0.
    pub fn of(history: &[f64]) -> Option<Self> {
        let mut room = [0.0; LONGEST];
        let n = history.len().min(LONGEST);
        let numbers = &mut room[..n];
        numbers.copy_from_slice(&history[..n]);
        let usual = median(numbers)?;
        let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for number in &mut *numbers {
            *number = logarithm(*number);
        }
        let center = median(numbers)?;
        for number in &mut *numbers {
            *number = (*number - center).abs();
        }
        Some(Self { n, median: usual, center, own: TO_DEVIATION * median(numbers)?, largest })
    }

    /// Its own spread, where its history is long enough to count in the spread of the column.
    pub fn to_pool(&self, limits: &Limits) -> Option<f64> {
        (real(self.n) >= limits.get(Limit::History)).then_some(self.own)
    }

    /// How far `x` lies away, where the spread of the column is `pooled`.
    pub fn score(&self, x: f64, pooled: f64, limits: &Limits) -> Score {
        let (n, prior) = (real(self.n), limits.get(Limit::SpreadPrior));
        let floor = (1.0 / (self.median.max(0.0) + 1.0)).sqrt().max(limits.get(Limit::SpreadFloor));
        let spread = ((n * self.own * self.own + prior * pooled * pooled) / (n + prior)).sqrt().max(floor);
        let difference = logarithm(x) - self.center;
        Score { floor, spread, away: difference.abs() / spread, ratio: difference.exp() }
    }
}

/// The spread of a column: the median of `spreads`, which are those of its facilities with a long enough history
/// ([`Usual::to_pool`]); the default where too few of them tell it.
pub fn pooled(spreads: impl IntoIterator<Item = f64>, limits: &Limits) -> f64 {
    let mut spreads: Vec<f64> = spreads.into_iter().collect();
    let enough = real(spreads.len()) >= limits.get(Limit::SpreadFacilities);
    median(&mut spreads).filter(|_| enough).unwrap_or(limits.get(Limit::SpreadDefault))
}

/// The median; of an even count the mean of the middle two. Changes the order.
pub(super) fn median(numbers: &mut [f64]) -> Option<f64> {
    let middle = numbers.len() / 2;
    if numbers.is_empty() {
        return None;
    }
    let odd = numbers.len() % 2 == 1;
    let (below, upper, _) = numbers.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| !odd).unwrap_or(*upper);
    Some(f64::midpoint(lower, *upper))
}

fn logarithm(number: f64) -> f64 {
    number.max(0.0).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_middle_two() {
        for (numbers, expected) in [
            (vec![], None),
            (vec![7.0], Some(7.0)),
            (vec![9.0, 1.0], Some(5.0)),
            (vec![3.0, 1.0, 2.0], Some(2.0)),
            (vec![10.0, 1.0, 4.0, 2.0], Some(3.0)),
            (vec![5.0, 5.0, 5.0, 1.0, 9.0, 9.0], Some(5.0)),
        ] {
            assert_eq!(median(&mut numbers.clone()), expected, "{numbers:?}");
        }
    }

    #[test]
    fn the_usual_is_made_of_the_newest_twelve() {
        assert_eq!(Usual::of(&[]), None);
        let usual = Usual::of(&[0.0, 3.0, 8.0]).unwrap();
        assert_eq!((usual.n, usual.median, usual.largest), (3, 3.0, 8.0));
        assert!(near(usual.center, 4_f64.ln()) && near(usual.own, 1.4826 * (9_f64 / 4.0).ln()), "{usual:?}");
        let long: Vec<f64> = std::iter::repeat_n(5.0, 12).chain([900.0; 3]).collect();
        let usual = Usual::of(&long).unwrap();
        assert_eq!((usual.n, usual.median, usual.largest), (12, 5.0, 5.0));
        assert_eq!(Usual::of(&long[..12]), Usual::of(&long));
    }

    #[test]
    fn below_zero_counts_as_zero_and_never_breaks_the_score() {
        let usual = Usual::of(&[-4.0, -4.0, -2.0]).unwrap();
        assert_eq!((usual.median, usual.center, usual.own, usual.largest), (-4.0, 0.0, 0.0, -2.0));
        let limits = Limits::default();
        assert_eq!(usual.score(-7.0, 0.25, &limits), usual.score(0.0, 0.25, &limits));
        assert_eq!(usual.score(0.0, 0.25, &limits), Score { floor: 1.0, spread: 1.0, away: 0.0, ratio: 1.0 });
    }

    #[test]
    fn the_spread_weighs_facility_and_column_and_never_falls_below_the_floor() {
        let mut limits = Limits::default();
        let usual = Usual { n: 12, median: 9_999.0, center: 9_f64, own: 0.4, largest: 0.0 };
        let score = usual.score(0.0, 0.8, &limits);
        assert!(
            near(score.floor, 0.1) && near(score.spread, ((12.0 * 0.16 + 4.0 * 0.64) / 16.0_f64).sqrt()),
            "{score:?}"
        );
        assert!(near(score.away, 9.0 / score.spread) && near(score.ratio, (-9_f64).exp()), "{score:?}");
        let small = Usual { median: 3.0, ..usual }.score(0.0, 0.8, &limits);
        assert!(near(small.floor, 0.5) && near(small.spread, score.spread.max(0.5)), "{small:?}");
        limits.set("spread_floor", 0.9).unwrap();
        limits.set("spread_prior", 0.0).unwrap();
        let floored = usual.score(0.0, 0.8, &limits);
        assert!(near(floored.floor, 0.9) && near(floored.spread, 0.9), "{floored:?}");
        limits.set("spread_floor", 0.1).unwrap();
        assert!(near(usual.score(0.0, 0.8, &limits).spread, 0.4), "the column weighs nothing");
    }

    #[test]
    fn a_column_tells_its_spread_from_twenty_facilities_on() {
        let limits = Limits::default();
        assert!(near(pooled(std::iter::repeat_n(0.4, 19), &limits), 0.25));
        assert!(near(pooled(std::iter::repeat_n(0.4, 20), &limits), 0.4));
        assert!(near(pooled((0..21).map(f64::from), &limits), 10.0));
        assert!(near(pooled([], &limits), 0.25));
        let usual = |n: usize| Usual::of(&[1.0, 5.0, 9.0, 30.0, 7.0][..n]).unwrap();
        assert_eq!(usual(3).to_pool(&limits), None);
        assert_eq!(usual(4).to_pool(&limits), Some(usual(4).own));
        assert_eq!(usual(5).to_pool(&limits), Some(usual(5).own));
    }
}
