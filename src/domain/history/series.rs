//! The totals of a cell over the quarters before the plan's, and what a person is told of them. Says nothing about how odd the
//! new number is.

use super::{Past, total};
use crate::domain::{
    quarter::Quarter,
    value::{Number, grouped},
};

/// Quarters looked back at: two of each season (data-quality-flags.md section 3.2).
pub const QUARTERS: usize = 8;

/// Quarters from a plan's to the same one a year ago.
const YEAR: usize = 4;

/// What stands where nothing, or no number, was reported.
const GAP: &str = "-";

/// The totals of the [`QUARTERS`] quarters before one, newest first. A quarter counts as reported where it has rows and all of
/// them are numbers (data-quality-flags.md, "Words used here").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    totals: Vec<Option<Number>>,
    /// Whether a quarter holds something that is not a number.
    texts: bool,
}

impl Series {
    /// The series before `quarter`. Quarters further back, and `quarter` itself, are passed over; the order of `past` and of the
    /// rows in it never matters.
    pub fn before(quarter: Quarter, past: &[Past]) -> Self {
        Self::of(quarter, |wanted| {
            past.iter().filter(move |past| past.quarter == wanted).flat_map(|past| &past.parts).map(|part| &*part.value)
        })
    }

    /// The series before `quarter`, of the values that `values` tells for each of the quarters.
    pub fn of<'a, I: Iterator<Item = &'a str> + Clone>(quarter: Quarter, values: impl Fn(Quarter) -> I) -> Self {
        let (mut at, mut texts) = (quarter, false);
        let total = |_| {
            at = at.before();
            let values = values(at);
            let total = total(values.clone());
            texts |= total.is_none() && values.count() > 0;
            total
        };
        let totals = (0..QUARTERS).map(total).collect();
        Self { totals, texts }
    }

    /// The totals of the last `n` quarters, newest first; `None` where nothing, or no number, was reported.
    pub fn totals(&self, n: usize) -> &[Option<Number>] {
        &self.totals[..n.min(QUARTERS)]
    }

    /// The last `n` quarters in words, newest first: `121 115 - 108`.
    pub fn last(&self, n: usize) -> String {
        self.totals(n).iter().map(|total| shown(total.as_ref())).collect::<Vec<_>>().join(" ")
    }

    /// The same quarter of the year before; `None` where nothing, or no number, was reported.
    pub fn year_ago(&self) -> Option<&Number> {
        self.totals.get(YEAR - 1)?.as_ref()
    }

    /// The median of the reported totals, exactly; of an even count the mean of the middle two. `None` where none was reported.
    pub fn usual(&self) -> Option<Number> {
        let mut reported: Vec<&Number> = self.totals.iter().flatten().collect();
        reported.sort();
        let upper = *reported.get(reported.len() / 2)?;
        if reported.len() % 2 == 1 {
            return Some(upper.clone());
        }
        let mut sum = (*reported.get(reported.len() / 2 - 1)?).clone();
        sum += upper.clone();
        Some(sum.half())
    }

    /// How many of the quarters were reported.
    pub fn reported_count(&self) -> usize {
        self.totals.iter().flatten().count()
    }

    /// What a person is told: `last 4: 121 115 119 108`, `a year ago 124`, `usual 118`; one sentence where there is nothing to tell.
    pub fn phrases(&self) -> Vec<String> {
        match self.usual() {
            Some(usual) => vec![
                format!("last 4: {}", self.last(4)),
                format!("a year ago {}", shown(self.year_ago())),
                format!("usual {}", shown(Some(&usual))),
            ],
            None if self.texts => vec!["no number in earlier quarters".to_owned()],
            None => vec!["no earlier quarters".to_owned()],
        }
    }
}

fn shown(total: Option<&Number>) -> String {
    total.map_or_else(|| GAP.to_owned(), |total| grouped(&total.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::history::PastPart;

    fn quarter(text: &str) -> Quarter {
        Quarter::parse(text).unwrap()
    }

    /// Earlier quarters of 2026Q2 from the newest on, with the values of their rows.
    fn past(rows: &[&[&str]]) -> Vec<Past> {
        let mut at = quarter("2026Q2");
        let part = |value: &&str| PastPart { value: (*value).to_owned(), ..PastPart::default() };
        rows.iter()
            .map(|values| {
                at = at.before();
                Past { quarter: at, parts: values.iter().map(part).collect() }
            })
            .collect()
    }

    fn series(rows: &[&[&str]]) -> Series {
        Series::before(quarter("2026Q2"), &past(rows))
    }

    fn usual(rows: &[&[&str]]) -> Option<String> {
        series(rows).usual().map(|usual| usual.to_string())
    }

    #[test]
    fn it_reads_as_in_the_pictures() {
        let all: [&[&str]; 8] =
            [&["100", "21"], &["115"], &["119"], &["124"], &["108"], &["1E2", "17"], &["118"], &["9"]];
        let series = series(&all);
        assert_eq!(series.phrases(), ["last 4: 121 115 119 124", "a year ago 124", "usual 117.5"]);
        assert_eq!((series.last(8).as_str(), series.reported_count()), ("121 115 119 124 108 117 118 9", 8));
        assert_eq!(series.last(99), series.last(8));
    }

    #[test]
    fn a_quarter_without_a_number_is_a_gap_and_not_a_zero() {
        let series = series(&[&[], &["0"], &["3", "12 (est)"], &["1310.50"]]);
        assert_eq!(series.last(5), "- 0 - 1,310.5 -");
        assert_eq!(series.reported_count(), 2);
        assert_eq!(series.phrases(), ["last 4: - 0 - 1,310.5", "a year ago 1,310.5", "usual 655.25"]);
        assert_eq!(usual(&[&[], &["0"], &["1"], &["7"]]).as_deref(), Some("1"));
        assert_eq!(usual(&[&["0.1"], &["0.2"]]).as_deref(), Some("0.15"), "exactly");
    }

    #[test]
    fn nothing_to_tell_is_said_as_it_is() {
        assert_eq!(series(&[]).phrases(), ["no earlier quarters"]);
        assert_eq!(series(&[&[], &[]]).phrases(), ["no earlier quarters"]);
        assert_eq!(series(&[&["many"], &[]]).phrases(), ["no number in earlier quarters"]);
        assert_eq!(usual(&[&["many"]]), None);
    }

    #[test]
    fn only_the_eight_quarters_before_count() {
        let one: &[&str] = &["1"];
        let mut all = past(&[one; 9]);
        all.push(Past { quarter: quarter("2026Q2"), ..all[0].clone() });
        let series = Series::before(quarter("2026Q2"), &all);
        assert_eq!((series.last(8).as_str(), series.reported_count()), ("1 1 1 1 1 1 1 1", 8));
    }

    proptest! {
        #[test]
        fn the_order_of_rows_never_matters(rows in proptest::collection::vec((0..8_usize, -999..9999_i64), 0..30), turn in 0..30_usize) {
            let target = quarter("2026Q2");
            let at = |back: usize| (0..=back).fold(target, |at, _| at.before());
            let one = |(back, value): &(usize, i64)| {
                let part = PastPart { value: value.to_string(), ..PastPart::default() };
                Past { quarter: at(*back), parts: vec![part] }
            };
            let mut apart: Vec<Past> = rows.iter().map(one).collect();
            let first = Series::before(target, &apart);
            let middle = turn.min(apart.len());
            apart.rotate_left(middle);
            apart.reverse();
            prop_assert_eq!(&Series::before(target, &apart), &first);
            let together: Vec<Past> = (0..8).map(|back| {
                let parts = rows.iter().filter(|row| row.0 == back);
                Past { quarter: at(back), parts: parts.flat_map(|row| one(row).parts).collect() }
            }).collect();
            prop_assert_eq!(&Series::before(target, &together), &first);
        }

        #[test]
        fn usual_lies_in_the_middle(values in proptest::collection::vec(0..9999_i64, 1..=8)) {
            let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
            let rows: Vec<Vec<&str>> = texts.iter().map(|text| vec![text.as_str()]).collect();
            let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
            let usual = Number::parse(&usual(&rows).unwrap()).unwrap().approx();
            let approx: Vec<f64> = texts.iter().map(|text| Number::parse(text).unwrap().approx()).collect();
            prop_assert!(approx.iter().filter(|v| **v < usual).count() <= values.len() / 2);
            prop_assert!(approx.iter().filter(|v| **v > usual).count() <= values.len() / 2);
        }
    }
}
