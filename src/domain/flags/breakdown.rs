//! Flags that come from how a number is split by category: one that is gone, one that does not belong, and a whole breakdown that
//! was sent before. What the number adds up to is no matter here.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Facts, Flag, Kind, Limit, Row, Severity, real,
    score::median,
    structural::{is_default, sum},
};
use crate::domain::{
    history::{PastRow, QUARTERS},
    quarter::Quarter,
    total::Part,
    value::Number,
};

/// How many of the newest reported quarters tell the usual share of a category.
const SHARES: usize = 4;

/// S13: fewest categories that are not equal by chance.
const S13_CATEGORIES: usize = 2;

/// The rules of this file.
pub(super) const RULES: [super::Rule; 3] = [category_gone, unknown_category, copied];

/// The part of the total that each category option combo usually has: the median over the newest reported quarters of `past`, four
/// at most, which are given newest first. A quarter without a row of it counts as none. A quarter counts as reported where it
/// has rows and all of them are numbers; one that adds up to nothing has no parts.
pub fn usual_shares<'a, Q>(past: impl IntoIterator<Item = Q>) -> BTreeMap<&'a str, f64>
where
    Q: IntoIterator<Item = PastRow<'a>>,
{
    let reported = past.into_iter().filter_map(|rows| numbers(rows));
    medians(&reported.take(SHARES).map(|rows| shares(&counts(&rows))).collect::<Vec<_>>())
}

/// Rows with the nearest binary number of each.
type Numbers<'a> = Vec<(PastRow<'a>, f64)>;

/// A number, or a part of a total, of each category option combo.
type Shares<'a> = BTreeMap<&'a str, f64>;

/// The rows with the nearest binary number of each; `None` where one is not a number, or there is none.
fn numbers<'a>(rows: impl IntoIterator<Item = PastRow<'a>>) -> Option<Numbers<'a>> {
    let rows = rows.into_iter().map(|row| Some((row, Number::parse(row.value)?.approx())));
    rows.collect::<Option<Vec<_>>>().filter(|rows| !rows.is_empty())
}

/// What each category option combo adds up to.
fn counts<'a>(rows: &[(PastRow<'a>, f64)]) -> Shares<'a> {
    let mut counts = Shares::new();
    for (row, number) in rows {
        *counts.entry(row.category_option_combo).or_default() += number;
    }
    counts
}

/// The same as a part of the total.
fn shares<'a>(counts: &Shares<'a>) -> Shares<'a> {
    let total: f64 = counts.values().sum();
    let share = |count: f64| if total > 0.0 { count / total } else { 0.0 };
    counts.iter().map(|(combo, count)| (*combo, share(*count))).collect()
}

fn medians<'a>(quarters: &[Shares<'a>]) -> Shares<'a> {
    let combos = quarters.iter().flat_map(BTreeMap::keys);
    let usual = |combo: &str| {
        let mut held: Vec<f64> = quarters.iter().map(|shares| shares.get(combo).copied().unwrap_or(0.0)).collect();
        median(&mut held).unwrap_or(0.0)
    };
    combos.map(|combo| (*combo, usual(combo))).collect()
}

/// The quarters looked back at, newest first.
fn earlier(quarter: Quarter) -> impl Iterator<Item = Quarter> {
    quarter.earlier().take(QUARTERS)
}

/// S04: a category that usually holds its part has no row now, and there is a number without it. One that is usually a handful may
/// have had nothing this time, and zeros are mostly not stored: it is passed over. So is the number of an earlier quarter, which
/// has no rows in this one.
fn category_gone(facts: &Facts<'_>, rows: &[Row<'_>]) -> Option<Flag> {
    if facts.older.is_some() {
        return None;
    }
    let here = |combo: &str| rows.iter().any(|(part, _)| part.category_option_combo == combo);
    let (of, least) = (facts.limit(Limit::S04Quarters), facts.limit(Limit::S04Reported));
    let mut quarters: Vec<Numbers<'_>> = Vec::new();
    for rows in earlier(facts.quarter).filter_map(|quarter| numbers((facts.past)(quarter))) {
        quarters.push(rows);
        // What had its part in three of four quarters had it in one of the newest two: mostly that ends it here.
        let enough = real(quarters.len()) >= of - least + 1.0;
        if enough && quarters.iter().flatten().all(|(row, _)| here(row.category_option_combo)) {
            return None;
        }
        if real(quarters.len()) >= of {
            break;
        }
    }
    let quarters: Vec<Shares<'_>> = quarters.iter().map(|rows| counts(rows)).collect();
    let parts: Vec<Shares<'_>> = quarters.iter().map(shares).collect();
    let held = |combo: &str| {
        let held = |shares: &&Shares<'_>| shares.get(combo).is_some_and(|share| *share >= facts.limit(Limit::S04Share));
        real(parts.iter().filter(held).count()) >= least
    };
    let usual = medians(&quarters);
    let many = |combo: &str| usual.get(combo).is_some_and(|count| *count >= facts.limit(Limit::S04Least));
    let mut gone: Vec<(&str, f64)> =
        medians(&parts).into_iter().filter(|(combo, _)| !here(combo) && held(combo) && many(combo)).collect();
    if gone.is_empty() || sum(rows).is_zero() {
        return None;
    }
    // Of equal ones the first by id stays first.
    gone.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let (combo, share) = gone.first()?;
    let (name, percent) = ((facts.option_name)(combo), share * 100.0);
    let sentence = format!("no row for \"{name}\" (usually {percent:.0} %){}", more(gone.len()));
    Some(Flag::new("S04", Severity::Review, sentence))
}

/// What is said of all but the first.
fn more(count: usize) -> String {
    if count < 2 { String::new() } else { format!(" and {} more", count - 1) }
}

/// S05: a row of a category option combo that the data element does not have, neither by itself nor on its data set: the combo was
/// changed, and old and new rows may both be there. The one with the largest number is named. A total beside its breakdown is S06.
fn unknown_category(facts: &Facts<'_>, rows: &[Row<'_>]) -> Option<Flag> {
    let options = facts.options?;
    let mut odd: BTreeMap<&str, Number> = BTreeMap::new();
    let is_total = |part: &Part| is_default(facts, part) && rows.iter().any(|(other, _)| !is_default(facts, other));
    let unexpected = |part: &Part| !options.contains(&part.category_option_combo) && !is_total(part);
    for (part, number) in rows.iter().filter(|(part, _)| unexpected(part)) {
        *odd.entry(&part.category_option_combo).or_default() += number.clone();
    }
    // Of equal ones the first by id.
    let (combo, number) = odd.iter().rev().max_by(|(_, a), (_, b)| a.cmp(b))?;
    let name = (facts.option_name)(combo);
    let sentence = format!("unexpected category \"{name}\" with {number}{}", more(odd.len()));
    Some(Flag::new("S05", Severity::Review, sentence))
}

/// S13, first half: the whole breakdown of a flow is that of the newest reported quarter before. A level mostly stays as it is.
fn copied(facts: &Facts<'_>, rows: &[Row<'_>]) -> Option<Flag> {
    let categories: BTreeSet<&str> = rows.iter().map(|(part, _)| part.category_option_combo.as_str()).collect();
    let least = facts.limit(Limit::S13Least);
    if facts.kind != Kind::Flow
        || facts.older.is_some()
        || categories.len() < S13_CATEGORIES
        || sum(rows).approx() < least
    {
        return None;
    }
    let (quarter, total) = earlier(facts.quarter).zip(facts.recent).find_map(|(at, total)| Some((at, (*total)?)))?;
    // A breakdown cannot be the same where the totals differ.
    if total.total_cmp(&sum(rows).approx()).is_ne() {
        return None;
    }
    let past = numbers((facts.past)(quarter))?;
    let now = rows.iter().map(|(part, number)| (&*part.category_option_combo, &*part.attribute_option_combo, number));
    let (mut now, mut past): (Vec<_>, Vec<PastRow<'_>>) =
        (now.collect(), past.into_iter().map(|(row, _)| row).collect());
    now.sort_unstable();
    past.sort_unstable();
    let equal = |((category, attribute, number), row): (&(&str, &str, &Number), &PastRow<'_>)| {
        (*category, *attribute) == (row.category_option_combo, row.attribute_option_combo)
            && Number::parse(row.value).as_ref() == Some(*number)
    };
    let copied = now.len() == past.len() && now.iter().zip(&past).all(equal);
    copied.then(|| Flag::new("S13", Severity::Review, format!("identical to {quarter}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::{facts::nothing, of_cell},
        plan::Facility,
    };

    /// Category option combo, attribute option combo, value.
    type Slice = (&'static str, &'static str, &'static str);

    /// Rows now, rows of the quarters before, what is said.
    type Case<'a> = (&'a [Slice], &'a [&'a [Slice]], &'a str);

    fn parts(rows: &[Slice]) -> Vec<Part> {
        let part = |&(category, attribute, value): &Slice| Part {
            category_option_combo: category.to_owned(),
            attribute_option_combo: attribute.to_owned(),
            value: Some(value.to_owned()),
            ..Part::default()
        };
        rows.iter().map(part).collect()
    }

    fn row(&(category_option_combo, attribute_option_combo, value): &Slice) -> PastRow<'static> {
        PastRow { category_option_combo, attribute_option_combo, value }
    }

    /// What is said of these rows in 2026Q2 after those of the quarters before, newest first.
    fn said(now: &[Slice], before: &[&[Slice]], options: Option<&BTreeSet<String>>) -> String {
        let (facility, parts) = (Facility::default(), parts(now));
        let past = |asked: Quarter| {
            let back = Quarter::parse("2026Q2").unwrap().earlier().position(|quarter| quarter == asked).unwrap();
            before.get(back).into_iter().flat_map(|rows| rows.iter().map(row)).collect()
        };
        let total = |rows: &&[Slice]| Some(numbers(rows.iter().map(row))?.iter().map(|(_, number)| number).sum());
        let recent: Vec<Option<f64>> = before.iter().take(QUARTERS).map(total).collect();
        let facts = Facts { parts: &parts, past: &past, recent: &recent, options, ..nothing(&facility) };
        let flags = of_cell(&facts).into_iter().filter(|flag| flag.id != "S07");
        flags
            .map(|flag| format!("{} {}: {}", flag.severity.word(), flag.id, flag.sentence))
            .collect::<Vec<_>>()
            .join("; ")
    }

    const BOTH: &[Slice] = &[("f", "a", "38"), ("m", "a", "62")];
    const MEN: &[Slice] = &[("m", "a", "62")];
    const GONE: &str = "REVIEW S04: no row for \"name of f\" (usually 38 %)";

    #[test]
    fn s04_needs_three_of_the_newest_four_reported() {
        const TEXT: &[Slice] = &[("f", "a", "38"), ("m", "a", "many")];
        const NONE: &[Slice] = &[];
        let cases: [(&[&[Slice]], &str); 14] = [
            (&[BOTH, BOTH, BOTH], GONE),
            (&[BOTH, BOTH], ""),
            (&[BOTH, BOTH, BOTH, BOTH], GONE),
            (&[MEN, BOTH, BOTH, BOTH], GONE),
            (&[BOTH, MEN, BOTH, BOTH], GONE),
            (&[BOTH, BOTH, BOTH, MEN, MEN, MEN, MEN, MEN], GONE),
            (&[BOTH, BOTH, MEN, MEN], ""),
            (&[BOTH, BOTH, MEN, MEN, BOTH, BOTH], ""),
            (&[MEN, MEN, BOTH, BOTH, BOTH, BOTH, BOTH], ""),
            (&[NONE, BOTH, NONE, TEXT, BOTH, NONE, NONE, BOTH], GONE),
            (&[NONE, NONE, NONE, NONE, NONE, NONE, BOTH, BOTH, BOTH], ""),
            (&[NONE, NONE, NONE, NONE, NONE, BOTH, BOTH, BOTH], GONE),
            (&[NONE, NONE, NONE, NONE, NONE, NONE, BOTH, BOTH, BOTH, BOTH], ""),
            (&[], ""),
        ];
        for (before, expected) in cases {
            assert_eq!(said(&[("m", "a", "70")], before, None), expected, "{before:?}");
            assert_eq!(said(&[("m", "a", "70"), ("f", "b", "1")], before, None), "", "{before:?}");
        }
        for now in [&[][..], &[("m", "a", "0")], &[("m", "a", "-4"), ("x", "a", "4")]] {
            assert!(!said(now, &[BOTH; 4], None).contains("S04"), "nothing adds up to 0 for want of it: {now:?}");
        }
        let zero = &[("m", "a", "70"), ("f", "a", "0")];
        assert_eq!(said(zero, &[BOTH; 4], None), "", "a 0 is a row");
    }

    #[test]
    fn s04_needs_five_in_a_hundred() {
        let of = |least: &'static str, most: &'static str| -> String {
            let before: [Slice; 3] = [("f", "a", least), ("m", "a", most), ("m", "b", "10")];
            said(&[("m", "a", "70")], &[&before[..]; 3], None)
        };
        assert_eq!(of("5", "85"), "REVIEW S04: no row for \"name of f\" (usually 5 %)");
        assert_eq!(of("4", "86"), "");
        assert_eq!(of("6", "84"), "REVIEW S04: no row for \"name of f\" (usually 6 %)");
        assert_eq!(of("1000", "18990"), "REVIEW S04: no row for \"name of f\" (usually 5 %)");
        assert_eq!(of("999", "18991"), "");
        assert_eq!(of("5", "-15"), "", "parts of nothing");
        assert_eq!(of("5", "-16"), "", "parts of less than nothing");
    }

    #[test]
    fn s04_passes_over_what_is_usually_a_handful() {
        let of = |usual: &'static str| said(MEN, &[&[("f", "a", usual), ("m", "a", "5")][..]; 4], None);
        assert_eq!(of("5"), "REVIEW S04: no row for \"name of f\" (usually 50 %)");
        assert_eq!(of("4.9"), "");
        let two = [&[("f", "a", "4")][..], &[("f", "a", "6")], &[("f", "a", "4")], &[("f", "a", "6")]];
        assert_eq!(said(MEN, &two, None), "REVIEW S04: no row for \"name of f\" (usually 100 %)", "the median");
    }

    #[test]
    fn s04_names_the_largest_and_how_many_more() {
        let before: &[Slice] =
            &[("f", "a", "20"), ("g", "a", "20"), ("h", "a", "30"), ("h", "b", "10"), ("m", "a", "20")];
        let usual = |now: &[Slice]| said(now, &[before; 4], None);
        assert_eq!(usual(&[("m", "a", "1")]), "REVIEW S04: no row for \"name of h\" (usually 40 %) and 2 more");
        assert_eq!(
            usual(&[("m", "a", "1"), ("h", "c", "1")]),
            "REVIEW S04: no row for \"name of f\" (usually 20 %) and 1 more"
        );
        assert_eq!(
            usual(&[("x", "a", "1"), ("h", "a", "1"), ("g", "a", "1")]),
            "REVIEW S04: no row for \"name of f\" (usually 20 %) and 1 more"
        );
        let of = |share: &'static str, rest: &'static str| -> Vec<Slice> { vec![("f", "a", share), ("m", "a", rest)] };
        let quarters = [of("10", "90"), of("40", "60"), of("0", "100"), of("30", "70"), of("99", "1")];
        let quarters: Vec<&[Slice]> = quarters.iter().map(Vec::as_slice).collect();
        assert_eq!(said(MEN, &quarters, None), "REVIEW S04: no row for \"name of f\" (usually 20 %)");
    }

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

    #[test]
    fn s05_names_what_does_not_belong() {
        let options: BTreeSet<String> = ["f".to_owned(), "m".to_owned()].into();
        let cases: [(&[Slice], &str); 6] = [
            (&[("f", "a", "3"), ("m", "a", "4")], ""),
            (&[("x", "a", "12"), ("m", "a", "4")], "REVIEW S05: unexpected category \"name of x\" with 12"),
            (&[("x", "a", "5"), ("x", "b", "7.5")], "REVIEW S05: unexpected category \"name of x\" with 12.5"),
            (&[("x", "a", "5"), ("y", "a", "7")], "REVIEW S05: unexpected category \"name of y\" with 7 and 1 more"),
            (
                &[("x", "a", "7"), ("y", "a", "7"), ("z", "a", "-9")],
                "REVIEW S05: unexpected category \"name of x\" with 7 and 2 more",
            ),
            (&[], ""),
        ];
        for (now, expected) in cases {
            let said_now = said(now, &[], Some(&options));
            assert_eq!(said_now.rsplit("; ").next().unwrap_or_default(), expected, "{now:?}");
            assert!(!said(now, &[], None).contains("S05"), "not known what belongs: {now:?}");
        }
    }

    #[test]
    fn s05_leaves_a_total_beside_its_breakdown_to_s06() {
        let options: BTreeSet<String> = ["f".to_owned(), "m".to_owned()].into();
        let now = |rows: &[Slice]| said(rows, &[], Some(&options));
        let alone = "REVIEW S05: unexpected category \"default\" with 12";
        assert_eq!(now(&[("d", "a", "12")]), alone);
        assert_eq!(now(&[("d", "a", "5"), ("d", "b", "7")]), alone);
        assert_eq!(
            now(&[("d", "a", "12"), ("f", "a", "11")]),
            "STOP S06: total 12 and breakdown 11 both entered",
            "the total is told once"
        );
    }

    #[test]
    fn s13_is_the_whole_breakdown_of_the_newest_reported_quarter() {
        const COPY: &str = "REVIEW S13: identical to 2026Q1";
        let now: &[Slice] = &[("m", "a", "6"), ("f", "a", "4")];
        let cases: [Case<'_>; 16] = [
            (now, &[&[("f", "a", "4"), ("m", "a", "6")]], COPY),
            (now, &[&[("f", "a", "4.0"), ("m", "a", "06")]], COPY),
            (now, &[&[("f", "a", "4"), ("m", "a", "7")]], ""),
            (now, &[&[("f", "a", "6"), ("m", "a", "4")]], ""),
            (now, &[&[("f", "b", "4"), ("m", "a", "6")]], ""),
            (now, &[&[("f", "a", "4"), ("m", "a", "6"), ("x", "a", "0")]], ""),
            (now, &[&[("m", "a", "6")]], ""),
            (now, &[], ""),
            (now, &[&[], now], "REVIEW S13: identical to 2025Q4"),
            (now, &[&[("f", "a", "many"), ("m", "a", "6")], now], "REVIEW S13: identical to 2025Q4"),
            (now, &[&[("f", "a", "5"), ("m", "a", "6")], now], ""),
            (&[("m", "a", "5"), ("f", "a", "4")], &[&[("f", "a", "4"), ("m", "a", "5")]], ""),
            (&[("m", "a", "6"), ("f", "a", "3.99")], &[&[("f", "a", "3.99"), ("m", "a", "6")]], ""),
            (&[("m", "a", "7"), ("f", "a", "4")], &[&[("f", "a", "4"), ("m", "a", "7")]], COPY),
            (&[("m", "a", "50")], &[&[("m", "a", "50")]], ""),
            (&[("m", "a", "50"), ("m", "b", "9")], &[&[("m", "a", "50"), ("m", "b", "9")]], ""),
        ];
        for (now, before, expected) in cases {
            assert_eq!(said(now, before, None), expected, "{now:?} after {before:?}");
        }
        let far = [&[][..], &[], &[], &[], &[], &[], &[], now];
        assert_eq!(said(now, &far, None), "REVIEW S13: identical to 2024Q2");
        let farther = [&[][..], &[], &[], &[], &[], &[], &[], &[], now];
        assert_eq!(said(now, &farther, None), "");
    }

    #[test]
    fn s13_and_s04_are_of_this_quarters_flows() {
        let (facility, parts) = (Facility::default(), parts(BOTH));
        let past = |_: Quarter| BOTH.iter().map(row).collect();
        let facts = Facts { parts: &parts, past: &past, recent: &[Some(100.0); 4], ..nothing(&facility) };
        let ids = |facts: &Facts<'_>| of_cell(facts).into_iter().map(|flag| flag.id).collect::<Vec<_>>().concat();
        assert_eq!(ids(&facts), "S13");
        assert_eq!(ids(&Facts { kind: Kind::Level, ..facts }), "", "a level mostly stays as it is");
        let facts = Facts { parts: &parts[..1], past: &past, recent: &[Some(100.0); 4], ..nothing(&facility) };
        assert_eq!(ids(&facts), "S04");
        let older = Some(facts.quarter.before());
        assert_eq!(ids(&Facts { older, ..facts }), "A02", "an earlier quarter's number says so by itself");
        let facts = Facts { parts: &parts, past: &past, recent: &[Some(100.0); 4], ..nothing(&facility) };
        assert_eq!(ids(&Facts { older, ..facts }), "A02", "which is no copy of itself");
    }

    #[test]
    fn earlier_quarters_are_looked_at_only_where_they_can_tell() {
        let asked = |now: &[Slice]| {
            let (facility, parts, count) = (Facility::default(), parts(now), std::cell::Cell::new(0));
            let past = |_: Quarter| {
                count.set(count.get() + 1);
                BOTH.iter().map(row).collect()
            };
            of_cell(&Facts { parts: &parts, past: &past, recent: &[Some(100.0); 4], ..nothing(&facility) });
            count.get()
        };
        assert_eq!(asked(&[("f", "a", "50"), ("m", "a", "49"), ("x", "a", "1")]), 3, "two for S04 and one for S13");
        assert_eq!(asked(&[("f", "a", "50"), ("m", "a", "49"), ("x", "a", "2")]), 2, "another total is no copy");
        assert_eq!(asked(&[("f", "a", "5"), ("m", "a", "4")]), 2);
        assert_eq!(asked(&[("m", "a", "4")]), 4);
    }
}
