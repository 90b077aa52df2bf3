//! Made-up quarters on which the rules about sizes are calibrated, and the table that says how they do
//! (data-quality-flags.md section 3.5). A facility has a spread of its own; each quarter's rate is gamma-distributed around the
//! mean with that spread, and the number is a Poisson count around the rate. With seasons, a facility's quarters begin at any
//! of the four. All of it follows from a seed.
#![allow(
    clippy::allow_attributes,
    dead_code,
    reason = "the test and the example each use their own part of this module"
)]

use std::f64::consts::TAU;

use jiff::civil::date;
use onse::domain::{
    flags::{Flag, Kind, Limits, Size, Usual, pooled, sizes},
    quarter::Quarter,
    state::State,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Median of the facilities' coefficient of variation, and the spread of its logarithm.
const VARIATION: (f64, f64) = (0.22, 0.5);
/// How far the seasons swing.
const SWING: f64 = 0.3;

/// What the quarters of a row have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Quarters of history.
    pub(crate) quarters: usize,
    /// Mean count of a quarter.
    pub(crate) mean: f64,
    /// Whether the mean follows the seasons.
    pub(crate) seasonal: bool,
}

/// A facility: its history, newest first, and the number to look at.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) history: Vec<f64>,
    pub(crate) x: f64,
}

/// Numbers of one stream of a seed.
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut source = ChaCha8Rng::seed_from_u64(seed);
        source.set_stream(stream);
        Self(source)
    }

    fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// The standard normal distribution (Box and Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }

    /// The gamma distribution of this shape, at least 1, and scale 1 (Marsaglia and Tsang 2000).
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = self.normal();
            let v = (1.0 + c * normal).powi(3);
            if v > 0.0 && (1.0 - self.unit()).ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// A Poisson count. Exact below 40; from there on the rounded normal, whose difference is far below the spread of a facility.
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        if mean >= 40.0 {
            return self.normal().mul_add(mean.sqrt(), mean).round().max(0.0);
        }
        let limit = (-mean).exp();
        let (mut count, mut product) = (0.0, self.unit());
        while product > limit {
            count += 1.0;
            product *= self.unit();
        }
        count
    }

    fn series(&mut self, plan: Plan) -> Series {
        let variation = (VARIATION.0 * (VARIATION.1 * self.normal()).exp()).clamp(0.05, 0.8);
        let shape = variation.powi(-2);
        let first: u32 = self.0.random_range(0..4);
        let mut season =
            (first..).map(|i| if plan.seasonal { 1.0 + SWING * (TAU * f64::from(i % 4) / 4.0).sin() } else { 1.0 });
        let mut number = || {
            let rate = plan.mean * season.next().unwrap_or(1.0) * self.gamma(shape) / shape;
            self.poisson(rate)
        };
        let mut history: Vec<f64> = (0..plan.quarters).map(|_| number()).collect();
        history.reverse();
        Series { history, x: number() }
    }

    /// So many facilities of a column.
    pub(crate) fn column(&mut self, plan: Plan, facilities: usize) -> Vec<Series> {
        (0..facilities).map(|_| self.series(plan)).collect()
    }
}

/// The spread of a column (data-quality-flags.md section 3.2).
pub(crate) fn spread(column: &[Series], limits: &Limits) -> f64 {
    pooled(column.iter().filter_map(|series| Usual::of(&series.history)?.to_pool(limits)), limits)
}

/// What the program says of `x` after `history`.
pub(crate) fn flags(history: &[f64], x: f64, pooled: f64, limits: &Limits) -> Vec<Flag> {
    let recent: Vec<Option<f64>> = history.iter().copied().map(Some).collect();
    let (usual, held) = (Usual::of(history), x.to_string());
    let size = Size {
        value: x,
        held: &held,
        state: if x == 0.0 { State::ReportedZero } else { State::Reported },
        kind: Kind::Flow,
        quarter: Quarter::of(date(2026, 5, 1)),
        recent: &recent,
        usual: usual.as_ref(),
        pooled,
        top: None,
        asked: true,
        limits,
    };
    sizes(&size).collect()
}

/// The share of a column, in percent, that shows one of `ids` once every number went through `mistake`.
pub(crate) fn found(column: &[Series], mistake: fn(f64) -> f64, ids: &[&str]) -> f64 {
    let limits = Limits::default();
    let spread = spread(column, &limits);
    percent(column, |series| {
        let flags = flags(&series.history, mistake(series.x), spread, &limits);
        flags.iter().any(|flag| ids.contains(&flag.id.as_str()))
    })
}

/// The share of `column`, in percent, of which `is` is true.
pub(crate) fn percent(column: &[Series], is: impl Fn(&Series) -> bool) -> f64 {
    100.0 * real(column.iter().filter(|series| is(series)).count()) / real(column.len())
}

fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A mistake's name, and what it makes of a number.
type Mistake = (&'static str, fn(f64) -> f64);

/// The mistakes of section 3.5. A part of a count is cut to a whole number.
pub(crate) const MISTAKES: [Mistake; 6] = [
    ("extra digit (x10)", |x| 10.0 * x),
    ("lost digit (/10)", |x| (x / 10.0).floor()),
    ("false zero", |_| 0.0),
    ("1 of 3 months", |x| (x / 3.0).floor()),
    ("counted twice", |x| 2.0 * x),
    ("2 of 3 months", |x| (2.0 * x / 3.0).floor()),
];

/// The columns of the table.
pub(crate) const RULES: [&str; 5] = ["z>=3 incl.", "modified z>=3.5 incl.", "+-33 % of last 4", "T2 or T1", "T1"];

/// One row: what it is about, what was flagged in percent by each of [`RULES`], and what section 3.5 prints.
pub(crate) struct Row {
    pub(crate) mistake: Option<&'static str>,
    pub(crate) plan: Plan,
    pub(crate) shares: [f64; 5],
    pub(crate) printed: [Option<f64>; 5],
}

/// Quarters, mean, seasonal, and what section 3.5 prints of ordinary numbers.
const ORDINARY: [(usize, f64, bool, [f64; 5]); 9] = [
    (4, 10.0, false, [0.0, 4.0, 49.9, 2.8, 0.5]),
    (4, 100.0, false, [0.0, 6.1, 24.9, 3.0, 0.6]),
    (4, 1000.0, false, [0.0, 6.0, 22.1, 2.8, 0.5]),
    (8, 3.0, false, [0.0, 0.7, 68.9, 0.3, 0.0]),
    (8, 10.0, false, [0.0, 2.3, 46.4, 1.5, 0.1]),
    (8, 100.0, false, [0.0, 2.4, 23.4, 1.2, 0.1]),
    (8, 100.0, true, [0.0, 2.5, 35.8, 1.4, 0.1]),
    (8, 1000.0, false, [0.0, 2.7, 21.9, 1.6, 0.2]),
    (12, 100.0, false, [0.1, 1.6, 25.0, 0.9, 0.1]),
];

/// What section 3.5 prints of each mistake at the means 10, 100 and 1000: z, modified z, T2 or T1, T1.
const MISTAKEN: [[[f64; 4]; 3]; 6] = [
    [[0.0, 97.0, 93.0, 59.0], [0.0, 99.0, 98.0, 88.0], [0.0, 99.0, 98.0, 91.0]],
    [[0.0, 16.0, 90.0, 42.0], [0.0, 48.0, 98.0, 88.0], [0.0, 57.0, 98.0, 90.0]],
    [[0.0, 17.0, 97.0, 69.0], [0.0, 58.0, 100.0, 99.0], [0.0, 64.0, 100.0, 100.0]],
    [[0.0, 8.0, 31.0, 2.0], [0.0, 32.0, 79.0, 28.0], [0.0, 38.0, 80.0, 31.0]],
    [[0.0, 31.0, 8.0, 0.0], [0.0, 55.0, 35.0, 2.0], [0.0, 62.0, 37.0, 2.0]],
    [[0.0, 3.0, 6.0, 0.0], [0.0, 8.0, 9.0, 1.0], [0.0, 11.0, 8.0, 1.0]],
];

/// The table of section 3.5, with `facilities` drawn for each row.
pub(crate) fn table(seed: u64, facilities: usize) -> Vec<Row> {
    let mut streams = 0..;
    let mut column = |plan| Draw::new(seed, streams.next().unwrap_or(0)).column(plan, facilities);
    let mut rows = Vec::new();
    for (quarters, mean, seasonal, printed) in ORDINARY {
        let plan = Plan { quarters, mean, seasonal };
        rows.push(Row { mistake: None, plan, shares: shares(&column(plan), |x| x), printed: printed.map(Some) });
    }
    let plans = [10.0, 100.0, 1000.0].map(|mean| Plan { quarters: 8, mean, seasonal: false });
    let columns = plans.map(column);
    for ((name, mistake), printed) in MISTAKES.into_iter().zip(MISTAKEN) {
        for ((plan, column), [z, modified, unusual, extreme]) in plans.into_iter().zip(&columns).zip(printed) {
            let printed = [Some(z), Some(modified), None, Some(unusual), Some(extreme)];
            rows.push(Row { mistake: Some(name), plan, shares: shares(column, mistake), printed });
        }
    }
    rows
}

/// What each of [`RULES`] flags of a column once every number went through `mistake`.
fn shares(column: &[Series], mistake: fn(f64) -> f64) -> [f64; 5] {
    let limits = Limits::default();
    let spread = spread(column, &limits);
    let mut flagged = [0_u32; 5];
    for series in column {
        let (history, x) = (series.history.as_slice(), mistake(series.x));
        let said = flags(history, x, spread, &limits);
        let says = |rule: &str| said.iter().any(|flag| flag.id == rule);
        let rules = [
            z(history, x) >= 3.0,
            modified_z(history, x) >= 3.5,
            off_by_a_third(history, x),
            says("T1") || says("T2"),
            says("T1"),
        ];
        for (count, flagged) in flagged.iter_mut().zip(rules) {
            *count += u32::from(flagged);
        }
    }
    flagged.map(|count| 100.0 * f64::from(count) / real(column.len()))
}

fn with(history: &[f64], x: f64) -> Vec<f64> {
    history.iter().copied().chain([x]).collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / real(numbers.len())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let half = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[half] } else { f64::midpoint(numbers[half - 1], numbers[half]) }
}

/// Standard deviations from the mean, `x` itself included in both; 0 where nothing varies.
pub(crate) fn z(history: &[f64], x: f64) -> f64 {
    let all = with(history, x);
    let center = mean(&all);
    let deviation = mean(&all.iter().map(|number| (number - center).powi(2)).collect::<Vec<_>>()).sqrt();
    if deviation == 0.0 { 0.0 } else { (x - center).abs() / deviation }
}

/// The modified score of Iglewicz and Hoaglin, `x` itself included; 0 where the median deviation is 0, as DHIS2 has it.
fn modified_z(history: &[f64], x: f64) -> f64 {
    let all = with(history, x);
    let center = median(all.clone());
    let deviation = median(all.iter().map(|number| (number - center).abs()).collect());
    if deviation == 0.0 { 0.0 } else { 0.6745 * (x - center).abs() / deviation }
}

/// More than 33 % away from the mean of the last four quarters.
fn off_by_a_third(history: &[f64], x: f64) -> bool {
    let last = mean(&history[..4]);
    (x - last).abs() > 0.33 * last
}
