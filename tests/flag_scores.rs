//! The rules about sizes against what was computed elsewhere: the golden vectors of data-quality-flags.md section 3.6, a second
//! computation of the score, and the budgets and the table of section 3.5 on made-up quarters.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

#[path = "support/synthetic.rs"]
mod synthetic;

use onse::domain::{
    flags::{Flag, Kind, Limits, Score, Severity, Size, Usual, percentile, sizes},
    quarter::Quarter,
    state::State,
};
use proptest::prelude::*;
use synthetic::{Draw, MISTAKES, Plan, flags, found, percent, spread, table, z};

const PRINTED: &str = include_str!("data/flags/printed.csv");
const GOLDEN: &str = include_str!("data/flags/golden.csv");
const INDEPENDENT: &str = include_str!("data/flags/independent.csv");

/// One line of the files of vectors: what goes in, and all that should come out as text.
struct Vector<'a> {
    history: Vec<f64>,
    x: f64,
    pooled: f64,
    expected: Vec<&'a str>,
}

fn vectors(text: &str) -> impl Iterator<Item = Vector<'_>> {
    text.lines().skip(1).map(|line| {
        let mut fields = line.split(',');
        let mut next = || fields.next().unwrap();
        let history = next().split(' ').map(|number| number.parse().unwrap()).collect();
        let (x, pooled) = (next().parse().unwrap(), next().parse().unwrap());
        Vector { history, x, pooled, expected: fields.collect() }
    })
}

impl Vector<'_> {
    fn score(&self) -> (Usual, Score) {
        let usual = Usual::of(&self.history).unwrap();
        (usual, usual.score(self.x, self.pooled, &Limits::default()))
    }

    fn result(&self) -> String {
        let flags = flags(&self.history, self.x, self.pooled, &Limits::default());
        let said: Vec<String> = flags.iter().map(|flag| format!("{} {}", flag.severity.word(), flag.id)).collect();
        if said.is_empty() { "none".to_owned() } else { said.join(" + ") }
    }
}

#[test]
fn golden_vectors_to_the_digits_printed() {
    let mut seen = 0;
    for vector in vectors(PRINTED) {
        let (usual, score) = vector.score();
        let four = [usual.center, usual.own, score.floor, score.spread].map(|number| format!("{number:.4}"));
        let three = [score.away, score.ratio].map(|number| format!("{number:.3}"));
        let found: Vec<String> = four.into_iter().chain(three).chain([vector.result()]).collect();
        assert_eq!(found, vector.expected, "{:?} after {:?}", vector.x, vector.history);
        seen += 1;
    }
    assert_eq!(seen, 16, "the seventeenth has no history");
}

#[test]
fn the_seventeenth_golden_vector_has_no_history() {
    let mut column: Vec<f64> = (0..200).map(|_| 3.0).collect();
    let limits = Limits::default();
    assert_eq!(Usual::of(&[]), None);
    let said = |top: Option<f64>| -> Vec<Flag> {
        let size = Size {
            value: 10.0,
            held: "10",
            state: State::Reported,
            kind: Kind::Flow,
            quarter: Quarter::new(2026, 2).unwrap(),
            recent: &[],
            usual: None,
            pooled: 0.25,
            top,
            asked: true,
            limits: &limits,
        };
        sizes(&size).collect()
    };
    column[0] = 10.0;
    let told = said(percentile(&mut column, 99.0));
    assert_eq!(told.iter().map(|flag| flag.id.as_str()).collect::<Vec<_>>(), ["S15"]);
    column[..9].fill(10.0);
    assert_eq!(said(percentile(&mut column, 99.0)), [], "not in the top 1 %");
}

#[test]
fn golden_vectors_in_full_precision() {
    let mut printed = vectors(PRINTED);
    for vector in vectors(GOLDEN) {
        let same = printed.next().unwrap();
        assert_eq!((&same.history, same.x, same.pooled), (&vector.history, vector.x, vector.pooled));
        let (usual, score) = vector.score();
        let found = [usual.center, usual.own, score.floor, score.spread, score.away, score.ratio];
        for (found, expected) in found.iter().zip(&vector.expected) {
            let expected: f64 = expected.parse().unwrap();
            assert!((found - expected).abs() <= 1e-9, "{found} is not {expected}, of {:?}", vector.history);
        }
        assert_eq!(vector.result(), vector.expected[6]);
    }
    assert!(printed.next().is_none(), "golden.csv is old; run cargo run --example calibrate -- golden");
}

#[test]
fn a_second_computation_agrees_to_three_decimals() {
    let mut seen = 0;
    for vector in vectors(INDEPENDENT) {
        let (usual, score) = vector.score();
        let found = [usual.center, usual.own, score.spread, score.away, score.ratio];
        assert_eq!(vector.expected.len(), found.len());
        for (found, expected) in found.iter().zip(&vector.expected) {
            let expected: f64 = expected.parse().unwrap();
            assert!(
                (found - expected).abs() < 0.0005,
                "{found} is not {expected}: {} after {:?}",
                vector.x,
                vector.history
            );
        }
        seen += 1;
    }
    assert_eq!(seen, 1_000);
}

#[test]
fn the_draws_have_the_mean_and_the_spread_they_should() {
    let moments = |drawn: Vec<f64>| {
        let count = f64::from(u32::try_from(drawn.len()).unwrap());
        let mean = drawn.iter().sum::<f64>() / count;
        (mean, drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count)
    };
    let near = |a: f64, b: f64| (a - b).abs() < 0.05 * b;
    let mut draw = Draw::new(1, 0);
    for shape in [1.6, 20.0, 400.0] {
        let (mean, variance) = moments((0..20_000).map(|_| draw.gamma(shape)).collect());
        assert!(near(mean, shape) && near(variance, shape), "gamma of {shape}: {mean}, {variance}");
    }
    for rate in [0.4, 39.0, 41.0, 1000.0] {
        let (mean, variance) = moments((0..20_000).map(|_| draw.poisson(rate)).collect());
        assert!(near(mean, rate) && near(variance, rate), "Poisson of {rate}: {mean}, {variance}");
    }
}

/// Facilities drawn for each row of a test.
const FACILITIES: usize = 3_000;

fn ordinary(mean: f64, seasonal: bool) -> Vec<synthetic::Series> {
    let stream = u64::from(seasonal);
    Draw::new(mean.to_bits(), stream).column(Plan { quarters: 8, mean, seasonal }, FACILITIES)
}

#[test]
fn ordinary_numbers_stay_within_the_budgets() {
    let limits = Limits::default();
    for mean in [3.0, 10.0, 30.0, 100.0, 300.0, 1000.0] {
        for seasonal in [false, true] {
            let column = ordinary(mean, seasonal);
            let spread = spread(&column, &limits);
            let share = |severity| {
                percent(&column, |series| {
                    flags(&series.history, series.x, spread, &limits).iter().any(|flag| flag.severity == severity)
                })
            };
            let (stop, review) = (share(Severity::Stop), share(Severity::Review));
            assert!(stop <= 0.5 && review <= 3.0, "mean {mean}, seasonal {seasonal}: {stop} % STOP, {review} % REVIEW");
        }
    }
}

#[test]
fn a_digit_too_many_a_digit_lost_and_a_false_zero_are_found() {
    let digits = ["T1", "T2", "S14"];
    let wanted: [(&str, &[&str], f64, f64); 3] = [
        ("extra digit (x10)", &digits, 97.0, 94.0),
        ("lost digit (/10)", &digits, 97.0, 94.0),
        ("false zero", &["T1", "T2", "T4"], 99.0, 99.0),
    ];
    for mean in [30.0, 100.0, 1000.0] {
        for seasonal in [false, true] {
            let column = ordinary(mean, seasonal);
            for ((name, rules, steady, swinging), (mistake, make)) in wanted.into_iter().zip(MISTAKES) {
                assert_eq!(name, mistake);
                let (least, share) = (if seasonal { swinging } else { steady }, found(&column, make, rules));
                assert!(share >= least, "{name}, mean {mean}, seasonal {seasonal}: {share} %, not {least}");
            }
        }
    }
}

/// Figures of section 3.5 that do not come out within 1.5 points: mistake, quarters, mean, column of the table, and by how much
/// they differ with 30,000 facilities. The document drew 3,000, whose own chance is up to 1.8 points at 95 %, so that a few
/// of a hundred figures must lie outside.
const NOT_REPRODUCED: [(Option<&str>, usize, f64, usize, f64); 2] =
    [(None, 4, 10.0, 2, -2.4), (Some("lost digit (/10)"), 8, 100.0, 1, 2.4)];

#[test]
fn the_table_of_the_document_comes_out() {
    const DRAWN: usize = 6_000;
    let mut wrong = Vec::new();
    for row in table(20_260_705, DRAWN) {
        for (column, (share, printed)) in row.shares.iter().zip(row.printed).enumerate() {
            let Some(printed) = printed else { continue };
            let key = (row.mistake, row.plan.quarters, row.plan.mean, column);
            let known = NOT_REPRODUCED.iter().find(|known| (known.0, known.1, known.2, known.3) == key);
            let centre = printed + known.map_or(0.0, |known| known.4);
            // Fewer facilities than the example draws: two standard errors for that.
            let chance = 2.0 * (share * (100.0 - share) / f64::from(u32::try_from(DRAWN).unwrap())).sqrt();
            if (share - centre).abs() > 1.5 + chance {
                let (mistake, plan) = (row.mistake, row.plan);
                wrong.push(format!("{mistake:?} {plan:?} column {column}: {share:.1}, printed {printed}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_plain_score_cannot_reach_three_with_eight_quarters() {
    let history = [100.0, 110.0, 95.0, 105.0, 98.0, 102.0, 107.0, 99.0];
    assert!((2.8..8_f64.sqrt()).contains(&z(&history, 1030.0)), "data-quality-flags.md section 3.4");
}

fn counts(quarters: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    let size = prop_oneof![0_u32..4, 0_u32..40, 0_u32..2_000, 0_u32..1_000_000];
    prop::collection::vec(size.prop_map(f64::from), quarters)
}

fn ids(history: &[f64], x: f64, pooled: f64) -> Vec<String> {
    flags(history, x, pooled, &Limits::default()).into_iter().map(|flag| flag.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_history_never_matters(
        (history, mixed) in counts(1..13).prop_flat_map(|h| (Just(h.clone()), Just(h).prop_shuffle())),
        x in 0_u32..5_000,
        pooled in 0.01..1.0,
    ) {
        let (one, other) = (Usual::of(&history), Usual::of(&mixed));
        prop_assert_eq!(one, other);
        // S13 asks for the last quarters by name, so there the order is the point.
        let but_s13 = |history: &[f64]| ids(history, x.into(), pooled).into_iter().filter(|id| id != "S13").collect::<Vec<_>>();
        prop_assert_eq!(but_s13(&history), but_s13(&mixed));
    }

    #[test]
    fn the_usual_itself_is_never_flagged(history in counts(1..13), pooled in 0.01..1.0) {
        let usual = Usual::of(&history).unwrap();
        let said = ids(&history, usual.median, pooled);
        prop_assert!(said.iter().all(|id| id == "S13"), "{:?}", said);
    }

    #[test]
    fn a_factor_hardly_moves_the_ratio_of_large_numbers(
        history in prop::collection::vec(1_000_u32..100_000, 1..13),
        x in 1_000_u32..100_000,
        factor in 2_u32..50,
    ) {
        let ratio = |factor: u32| {
            let history: Vec<f64> = history.iter().map(|h| f64::from(h * factor)).collect();
            Usual::of(&history).unwrap().score(f64::from(x * factor), 0.25, &Limits::default()).ratio
        };
        prop_assert!((ratio(factor) / ratio(1) - 1.0).abs() < 0.002);
    }

    #[test]
    fn a_short_history_says_no_more_than_it_may(history in counts(1..13), x in 0_u32..100_000, pooled in 0.01..1.0) {
        for n in 0..=history.len() {
            let said = ids(&history[..n], x.into(), pooled);
            let none_of = |rules: &[&str]| said.iter().all(|id| !rules.contains(&id.as_str()));
            prop_assert!(n >= 4 || none_of(&["T1", "T2", "T3"]), "{} quarters: {:?}", n, said);
            prop_assert!(n >= 3 || none_of(&["T4", "S13"]), "{} quarters: {:?}", n, said);
            prop_assert!(n >= 1 || said.is_empty());
            prop_assert!(!(said.contains(&"T1".to_owned()) && said.contains(&"T2".to_owned())));
        }
    }

    #[test]
    fn no_number_breaks_the_score(history in prop::collection::vec(prop::num::f64::ANY, 0..15), x in prop::num::f64::ANY) {
        let said = flags(&history, x, 0.25, &Limits::default());
        prop_assert!(said.iter().all(|flag| !flag.sentence.is_empty()));
    }
}
