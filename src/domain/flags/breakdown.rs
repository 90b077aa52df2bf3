//! How a number is split by category.

use std::collections::BTreeMap;

use crate::domain::{history::PastRow, value::Number};

/// How many of the newest reported quarters are looked at.
const S04_OF: usize = 4;

/// The part of the total that each category option combo usually has: the median over the newest reported quarters of `past`, four
/// at most, which are given newest first. A quarter without a row of it counts as none. A quarter counts as reported where it
/// has rows and all of them are numbers; one that adds up to nothing has no parts.
pub fn usual_shares<'a, Q>(past: impl IntoIterator<Item = Q>) -> BTreeMap<&'a str, f64>
where
    Q: IntoIterator<Item = PastRow<'a>>,
{
    let reported = past.into_iter().filter_map(|rows| numbers(rows));
    medians(&reported.take(S04_OF).map(|rows| shares(&rows)).collect::<Vec<_>>())
}

/// What of a total each category option combo has.
type Shares<'a> = BTreeMap<&'a str, f64>;

/// The rows with the nearest binary number of each; `None` where one is not a number, or there is none.
fn numbers<'a>(rows: impl IntoIterator<Item = PastRow<'a>>) -> Option<Vec<(PastRow<'a>, f64)>> {
    let rows = rows.into_iter().map(|row| Some((row, approx(row.value)?)));
    rows.collect::<Option<Vec<_>>>().filter(|rows| !rows.is_empty())
}

/// A number as near as a binary one comes. Nearly all are a few digits, which are exact, and need no decimal.
fn approx(text: &str) -> Option<f64> {
    let plain = (1..=15).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    if plain {
        return Some(text.bytes().fold(0.0, |number, digit| number * 10.0 + f64::from(digit - b'0')));
    }
    Some(Number::parse(text)?.approx())
}

fn shares<'a>(rows: &[(PastRow<'a>, f64)]) -> Shares<'a> {
    let total: f64 = rows.iter().map(|(_, number)| number).sum();
    let mut shares = Shares::new();
    for (row, number) in rows {
        *shares.entry(row.category_option_combo).or_default() += number;
    }
    for share in shares.values_mut() {
        *share = if total > 0.0 { *share / total } else { 0.0 };
    }
    shares
}

fn medians<'a>(quarters: &[Shares<'a>]) -> Shares<'a> {
    let combos = quarters.iter().flat_map(BTreeMap::keys);
    combos
        .map(|combo| (*combo, median(quarters.iter().map(|shares| shares.get(combo).copied().unwrap_or(0.0)))))
        .collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(0.0);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { at(half) } else { f64::midpoint(at(half.saturating_sub(1)), at(half)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Category option combo, attribute option combo, value.
    type Slice = (&'static str, &'static str, &'static str);

    fn row(&(category_option_combo, attribute_option_combo, value): &Slice) -> PastRow<'static> {
        PastRow { category_option_combo, attribute_option_combo, value }
    }

    const BOTH: &[Slice] = &[("f", "a", "38"), ("m", "a", "62")];
    const MEN: &[Slice] = &[("m", "a", "62")];

    #[test]
    fn usual_shares_are_medians_of_reported_quarters() {
        let of = |quarters: &[&[Slice]]| -> Vec<String> {
            let shares = usual_shares(quarters.iter().map(|rows| rows.iter().map(row)));
            shares.iter().map(|(combo, share)| format!("{combo} {share:.4}")).collect()
        };
        let third: &[Slice] = &[("f", "a", "1"), ("f", "b", "1"), ("m", "a", "4")];
        let text: &[Slice] = &[("f", "a", "many"), ("m", "a", "4")];
        assert_eq!(of(&[BOTH]), ["f 0.3800", "m 0.6200"]);
        assert_eq!(of(&[BOTH, third]), ["f 0.3567", "m 0.6433"]);
        assert_eq!(of(&[BOTH, third, MEN]), ["f 0.3333", "m 0.6667"]);
        assert_eq!(of(&[text, &[], BOTH, third, MEN, MEN, BOTH, BOTH]), ["f 0.1667", "m 0.8333"], "the newest four");
        assert_eq!(of(&[&[("f", "a", "0")]]), ["f 0.0000"]);
        assert_eq!(of(&[&[("f", "a", "1E1"), ("m", "a", " 10 ")]]), ["f 0.5000", "m 0.5000"]);
        assert!(of(&[]).is_empty() && of(&[text]).is_empty() && of(&[&[("f", "a", "")]]).is_empty());
    }
}
