//! How far beyond the quarter's own totals a reading looks: earlier quarters, and data sets of another period type.

use crate::domain::finer::{Choice, Way};

/// What is read beside the totals of the quarter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Quarters before, 0 to [`MOST`], of which the newest value is proposed where the quarter has none; 0 for none
    /// (data-quality-flags.md section 1).
    pub look_back: u8,
    /// Whether earlier quarters are read for the comparison.
    pub history: bool,
    /// Data sets that are not quarterly, by id, and what is made of them; each at most once.
    pub finer: Vec<(String, Finer)>,
}

/// Most quarters that are looked back.
pub const MOST: u8 = 8;

impl Default for Reach {
    fn default() -> Self {
        Self { look_back: 0, history: true, finer: Vec::new() }
    }
}

/// How the values of a data set whose periods are shorter than a quarter become one (data-quality-flags.md section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finer {
    /// Added up.
    Sum,
    /// The last period of the quarter.
    Last,
    /// The average of the periods.
    Average,
    /// As the aggregation type of each data element says.
    ByType,
    /// Not read.
    LeaveOut,
}

impl Finer {
    /// Every choice, with the word for it.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("sum", Self::Sum),
        ("last", Self::Last),
        ("average", Self::Average),
        ("by-type", Self::ByType),
        ("leave-out", Self::LeaveOut),
    ];

    /// The choice of this word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, finer)| finer)
    }
}

impl From<&Choice> for Finer {
    fn from(choice: &Choice) -> Self {
        let Choice::Ways(ways) = choice else { return Self::LeaveOut };
        match ways.iter().copied().collect::<Vec<_>>().as_slice() {
            [Way::Sum] => Self::Sum,
            [Way::Last] => Self::Last,
            [Way::Average] => Self::Average,
            _ => Self::ByType,
        }
    }
}

impl From<Finer> for Choice {
    fn from(finer: Finer) -> Self {
        match finer {
            Finer::Sum => Self::Ways([Way::Sum].into()),
            Finer::Last => Self::Ways([Way::Last].into()),
            Finer::Average => Self::Ways([Way::Average].into()),
            Finer::ByType => Self::Ways([Way::Sum, Way::Last, Way::Average].into()),
            Finer::LeaveOut => Self::LeaveOut,
        }
    }
}

impl std::fmt::Display for Finer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = Self::WORDS.iter().find(|(_, finer)| finer == self).map_or("", |(word, _)| word);
        f.write_str(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_of_a_plan_is_asked_for_again_as_it_was() {
        for (word, finer) in Finer::WORDS {
            assert_eq!(Finer::from(&Choice::from(finer)), finer, "{word}");
        }
        assert_eq!(Finer::from(&Choice::Ways([Way::Sum, Way::Last].into())), Finer::ByType);
    }
}
