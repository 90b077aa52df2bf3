//! The quarters before a number: as a small picture, and in words for who does not see it.

use std::fmt::Write as _;

use crate::domain::{
    history::{QUARTERS, Series, Sheet},
    quarter::Quarter,
    value::{Number, grouped},
};

/// Room of a picture, in its own units. Between two quarters there are [`STEP`].
const HEIGHT: f64 = 20.0;
const STEP: u8 = 10;

/// The quarters before a number, oldest first, and the number.
#[derive(Debug, PartialEq)]
pub(super) struct Trend {
    /// `118 115 - 121, usual 118`.
    pub(super) words: String,
    /// Heights of the quarters from the top, oldest first; `None` for a gap. The number that came is the last one.
    pub(super) heights: Vec<Option<f64>>,
    /// Height of what is usual.
    pub(super) usual: f64,
}

impl Trend {
    /// The quarters before `quarter`, and what came; `None` where there are none, or they were not asked for.
    pub(super) fn of(sheet: Option<&Sheet>, element: &str, quarter: Quarter, new: &str) -> Option<Self> {
        let sheet = sheet?;
        let past: Vec<_> = sheet.of_element(element).map(|fact| fact.past()).collect();
        let series = Series::before(quarter, &past);
        let usual = series.usual()?;
        let totals = series.totals(QUARTERS);
        let since = totals.iter().rposition(Option::is_some)?;
        let before: Vec<Option<&Number>> = totals[..=since].iter().rev().map(Option::as_ref).collect();
        let shown = |total: Option<&Number>| total.map_or_else(|| "-".to_owned(), |n| grouped(&n.to_string()));
        let words: Vec<String> = before.iter().map(|total| shown(*total)).collect();
        let mut numbers: Vec<Option<f64>> = before.iter().map(|total| total.map(Number::approx)).collect();
        // Always as many quarters, so that pictures below each other have the same scale of time.
        while numbers.len() < QUARTERS {
            numbers.insert(0, None);
        }
        numbers.push(Number::parse(new).map(|new| new.approx()));
        let known = || numbers.iter().flatten().copied().filter(|number| number.is_finite()).chain([usual.approx()]);
        // From 0 on: what looks like much is much.
        let (low, high) = (known().fold(0.0, f64::min), known().fold(0.0, f64::max));
        let span = if high > low { high - low } else { 1.0 };
        let height = |number: f64| HEIGHT - (number - low) / span * HEIGHT;
        let heights = numbers.iter().map(|number| number.filter(|number| number.is_finite()).map(height)).collect();
        let words = format!("{}; usual {}", words.join(" "), grouped(&usual.to_string()));
        Some(Self { words, heights, usual: height(usual.approx()) })
    }

    /// The line through the quarters before as the data of a path; a gap breaks it, and one quarter alone is a dot.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        let (mut drawing, mut x) = (false, 0_u16);
        let before = self.heights.len().saturating_sub(1);
        for height in &self.heights[..before] {
            if let Some(height) = height {
                // Writing to a text cannot fail.
                let _ = write!(path, "{}{x} {height:.1}", if drawing { 'L' } else { 'M' });
                if !drawing {
                    path.push_str("h0");
                }
            }
            drawing = height.is_some();
            x += u16::from(STEP);
        }
        path
    }

    /// Where the number that came stands: from the left and from the top; `None` where it is none.
    pub(super) fn dot(&self) -> Option<(usize, f64)> {
        let (last, before) = self.heights.split_last()?;
        last.map(|height| (before.len() * usize::from(STEP), height))
    }
}
