//! Every choice of a simulated run, out of one seed.

use std::sync::Mutex;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// One stream of choices.
pub(crate) struct Dice(Mutex<ChaCha8Rng>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))
    }

    /// From 0 up to, not including, `end`; 0 where that is 0.
    pub(crate) fn below(&self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.lock().unwrap().random_range(0..end) }
    }

    /// From `least` up to and including `most`.
    pub(crate) fn between(&self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True so many times in a thousand.
    pub(crate) fn falls(&self, in_a_thousand: usize) -> bool {
        in_a_thousand > 0 && self.below(1000) < in_a_thousand
    }

    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// Some of these, in their order; at least one where there is one.
    pub(crate) fn some<T: Copy>(&self, from: &[T]) -> Vec<T> {
        if from.is_empty() {
            return Vec::new();
        }
        let share = self.between(1, 8);
        let mut chosen: Vec<T> = from.iter().copied().filter(|_| self.below(10) < share).collect();
        if chosen.is_empty() {
            chosen.push(from[self.below(from.len())]);
        }
        chosen
    }
}
