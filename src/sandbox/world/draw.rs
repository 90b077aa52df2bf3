//! Seeded draws. Every place and every purpose has a stream of its own, so that adding a facility or an oddity does not
//! change the numbers of the others.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Which stream of the seed a draw belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// Names, ids and sizes of the whole country.
    Country,
    /// Ids of metadata the mapping does not give.
    Metadata,
    /// The numbers of one facility.
    Facility(usize),
    /// The case of one facility.
    Case(usize),
    /// What is planted, and where.
    Oddities,
}

impl Stream {
    fn number(self) -> u64 {
        let part = |index: usize| u64::try_from(index).unwrap_or(u64::MAX >> 8);
        match self {
            Self::Country => 0,
            Self::Metadata => 1,
            Self::Oddities => 2,
            Self::Facility(index) => (1 << 56) | part(index),
            Self::Case(index) => (2 << 56) | part(index),
        }
    }
}

/// A source of numbers.
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// The numbers of one stream of `seed`.
    pub(crate) fn new(seed: u64, stream: Stream) -> Self {
        let mut source = ChaCha8Rng::seed_from_u64(seed);
        source.set_stream(stream.number());
        Self(source)
    }

    /// From 0 up to but not including 1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// From 0 up to but not including `end`; 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.random_range(0..end) }
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high.max(low))
    }

    /// True with probability `share`.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// One of `choices`; the default of the type when there is none.
    pub(crate) fn one_of<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        choices.get(self.below(choices.len())).copied().unwrap_or_default()
    }

    /// The standard normal distribution (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A Poisson count. Exact for small means; from 12 on the rounded normal, which nobody can tell apart in a report.
    pub(crate) fn poisson(&mut self, mean: f64) -> i64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean >= 12.0 {
            return whole(self.normal().mul_add(mean.sqrt(), mean)).max(0);
        }
        let limit = (-mean).exp();
        let (mut count, mut product) = (0, self.unit());
        while product > limit {
            count += 1;
            product *= self.unit();
        }
        count
    }

    /// Puts `items` into a random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// A DHIS2 id: 11 letters and digits, the first one a letter (dhis2.md section 1.3).
    pub(crate) fn uid(&mut self) -> String {
        const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        (0..11).map(|place| char::from(LETTERS[self.below(if place == 0 { 52 } else { 62 })])).collect()
    }

    /// A CommCare id: 32 hexadecimal digits, or the same with four hyphens (commcare.md section 11).
    pub(crate) fn case_id(&mut self, hyphens: bool) -> String {
        let bytes: [u8; 16] = self.0.random();
        let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
        if hyphens { id.to_string() } else { id.simple().to_string() }
    }
}

/// A number that depends on nothing but its arguments: for facts that are not worth storing.
pub(crate) fn mix(seed: u64, parts: [usize; 3]) -> u64 {
    parts.into_iter().fold(seed ^ 0x6f6e_7365, |state, part| {
        let mut z = state.wrapping_add(u64::try_from(part).unwrap_or(0)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// The nearest whole number; what does not fit becomes the nearest end of the range.
#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates, which is what is wanted here")]
pub(crate) fn whole(number: f64) -> i64 {
    number.round() as i64
}

/// A count as a real number; exact up to 2 to the 53rd.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2 to the 53rd")]
pub(crate) fn real(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_repeats_and_differs_from_the_others() {
        let take = |stream| {
            let mut draw = Draw::new(7, stream);
            (0..4).map(|_| draw.between(0, 1_000_000)).collect::<Vec<_>>()
        };
        assert_eq!(take(Stream::Facility(3)), take(Stream::Facility(3)));
        assert_ne!(take(Stream::Facility(3)), take(Stream::Facility(4)));
        assert_ne!(take(Stream::Facility(3)), take(Stream::Case(3)));
    }

    #[test]
    fn poisson_has_its_mean_and_spread_on_both_sides_of_the_switch() {
        for mean in [0.4, 5.0, 40.0] {
            let mut draw = Draw::new(1, Stream::Country);
            let drawn: Vec<f64> = (0..20_000).map(|_| real(draw.poisson(mean))).collect();
            let average = drawn.iter().sum::<f64>() / 20_000.0;
            let variance = drawn.iter().map(|x| (x - average).powi(2)).sum::<f64>() / 20_000.0;
            assert!((average - mean).abs() < 0.05 * mean, "mean {mean}: {average}");
            assert!((variance - mean).abs() < 0.08 * mean, "mean {mean}: variance {variance}");
        }
    }
}
