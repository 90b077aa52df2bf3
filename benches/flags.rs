//! What judging costs: a plan put together with every flag and check, and without, of the same answers with 8 quarters before.
//! Processor time, since nothing here waits. The country of 100,000 facilities takes `-- --full` and some gigabytes.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "../tests/support/synthetic.rs"]
mod synthetic;

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use onse::{
    domain::{
        flags::{Column as Whole, Flags, Kind, Limit, Limits, Line, Size, Usual, fold, percentile, pooled, sizes},
        history::{Cached, Change},
        mapping::Mapping,
        plan::{Head, Property, State},
        quarter::Quarter,
    },
    io::{
        commcare::CaseRecord,
        dhis2::{DataValue, Elements, Named, OrgUnit, Values},
        known::Partial,
    },
    job::{
        assemble::{Answers, Completed, Shared, Standards, Unread, assemble},
        columns::Column,
    },
};
use synthetic::{Draw, Plan, Series};

const OPTIONS: usize = 4;
const QUARTERS: usize = 8;

fn quarter() -> Quarter {
    Quarter::last_finished(jiff::civil::date(2026, 7, 5))
}

fn unit(n: usize) -> String {
    format!("u{n:010}")
}

fn columns() -> Vec<Column> {
    let column = |row: &onse::domain::mapping::Row| Column {
        property: Property {
            name: row.property.clone(),
            data_element: row.data_element.clone(),
            data_set: row.data_set.clone(),
            value_type: "INTEGER".to_owned(),
            ..Property::default()
        },
        kind: Kind::Flow,
        ..Column::default()
    };
    Mapping::built_in().rows.iter().map(column).collect()
}

/// A number split over `options`, the first taking what does not divide.
fn split(number: f64, options: usize, at: usize) -> String {
    let parts = f64::from(u32::try_from(options).unwrap_or(1));
    let each = (number / parts).floor();
    (if at == 0 { number - each * (parts - 1.0) } else { each }).to_string()
}

/// The numbers of every property: ordinary ones (data-quality-flags.md section 3.5).
fn numbers(columns: usize, facilities: usize) -> Vec<Vec<Series>> {
    (0..columns)
        .map(|at| {
            let stream = u64::try_from(at).unwrap_or(0);
            let mean = [3.0, 10.0, 100.0, 1000.0][at % 4];
            Draw::new(7, stream).column(Plan { quarters: QUARTERS, mean, seasonal: false }, facilities)
        })
        .collect()
}

/// Everything before the quarter and in it, with its numbers in so many category options.
fn history(columns: &[Column], numbers: &[Vec<Series>], facilities: usize, options: &[Named]) -> Cached {
    let units: Vec<String> = (0..facilities).map(unit).collect();
    let elements: Vec<String> = columns.iter().map(|column| column.property.data_element.clone()).collect();
    let quarters: Vec<Quarter> = quarter().earlier().take(QUARTERS).collect();
    let mut cached = Cached::unknown(&units, &elements, &quarters);
    for (n, unit) in units.iter().enumerate() {
        let mut texts = Vec::new();
        for (element, column) in elements.iter().zip(numbers) {
            for (quarter, number) in quarters.iter().zip(&column[n].history) {
                for (at, option) in options.iter().enumerate() {
                    texts.push((element, *quarter, &option.id, split(*number, options.len(), at)));
                }
            }
        }
        let rows: Vec<Change<'_>> = texts
            .iter()
            .map(|(element, quarter, option, text)| Change {
                element,
                quarter: *quarter,
                category_option_combo: option,
                attribute_option_combo: "HllvX50cXC0",
                value: Some(text),
            })
            .collect();
        cached.read(unit, &quarters, &rows, Timestamp::UNIX_EPOCH);
    }
    cached
}

fn values(columns: &[Column], numbers: &[Vec<Series>], facilities: usize, options: &[Named]) -> Values {
    let mut rows = Vec::with_capacity(facilities * columns.len() * options.len());
    for n in 0..facilities {
        for (column, series) in columns.iter().zip(numbers) {
            for (at, option) in options.iter().enumerate() {
                rows.push((unit(n), &column.property.data_element, &option.id, split(series[n].x, options.len(), at)));
            }
        }
    }
    let period = quarter().to_string();
    let row = rows.iter().map(|(unit, element, option, text)| DataValue {
        data_element: element,
        period: &period,
        org_unit: unit,
        category_option_combo: option,
        attribute_option_combo: "HllvX50cXC0",
        value: Some(text),
        ..DataValue::default()
    });
    Values::of(row, &Elements::every())
}

/// What is the same for every run.
struct Country {
    facilities: usize,
    columns: Vec<Column>,
    options: Vec<Named>,
    values: Arc<Partial>,
    earlier: Arc<Cached>,
}

impl Country {
    fn new(facilities: usize, options: usize) -> Self {
        let columns = columns();
        let named = |n: usize| Named { id: format!("c{n:010}"), name: format!("Option {n}") };
        let options: Vec<Named> = (0..options).map(named).collect();
        let numbers = numbers(columns.len(), facilities);
        let values = Arc::new(Partial::of(values(&columns, &numbers, facilities, &options)));
        let earlier = Arc::new(history(&columns, &numbers, facilities, &options));
        Self { facilities, columns, options, values, earlier }
    }

    fn answers(&self, judged: bool) -> Answers {
        let case = |n: usize| CaseRecord {
            case_id: format!("{n:032x}"),
            name: format!("Facility {n}"),
            external_id: Some(unit(n)),
            // Nearly every cell is a change: the most there can be to look at.
            properties: self.columns.iter().map(|c| (c.property.name.clone(), (n * 7 % 1_000).to_string())).collect(),
            ..CaseRecord::default()
        };
        let org_unit = |n: usize| OrgUnit {
            id: unit(n),
            name: format!("Facility {n}"),
            path: String::new(),
            opening_date: None,
            closed_date: None,
        };
        Answers {
            head: Head { read_at: "2026-07-20T09:00:00Z".to_owned(), ..Head::of(quarter()) },
            cases: (0..self.facilities).map(case).collect(),
            shared: Shared::new(),
            sets: None,
            units: Some((0..self.facilities).map(org_unit).collect()),
            values: vec![Arc::clone(&self.values)],
            completed: Completed::default(),
            unread: Unread::default(),
            earlier: Some(Arc::clone(&self.earlier)),
            standards: judged.then(Standards::default),
            options: self.options.clone(),
            columns: self.columns.clone(),
        }
    }

    /// The least of some runs.
    fn least(&self, judged: bool, runs: usize) -> (Duration, usize) {
        let run = || {
            let answers = self.answers(judged);
            let begin = Clock::now();
            let assembled = assemble(answers);
            (begin.passed(), assembled.plan.all_flags().count())
        };
        (0..runs).map(|_| run()).min().unwrap_or_default()
    }
}

/// The two passes over each property alone, of numbers that are at hand: what is usual and the spread of all, then every rule about sizes,
/// the checks of the property and folding.
fn passes(numbers: &[Vec<Series>]) -> (Duration, usize) {
    let (limits, mut said) = (Limits::default(), 0);
    let begin = Clock::now();
    for column in numbers {
        let usual: Vec<Option<Usual>> = column.iter().map(|series| Usual::of(&series.history)).collect();
        let spread = pooled(usual.iter().filter_map(|usual| usual.as_ref()?.to_pool(&limits)), &limits);
        let mut values: Vec<f64> = column.iter().map(|series| series.x).collect();
        let top = percentile(&mut values, limits.get(Limit::S15Percentile));
        let (mut lines, mut flags) = (Vec::with_capacity(column.len()), Flags::new());
        for ((facility, series), usual) in (0_u32..).zip(column).zip(&usual) {
            let mut recent = [None; QUARTERS];
            for (place, number) in recent.iter_mut().zip(&series.history) {
                *place = Some(*number);
            }
            let (value, held) = (series.x, series.x.to_string());
            let state = if value > 0.0 { State::Reported } else { State::ReportedZero };
            let size = Size {
                value,
                held: &held,
                state,
                kind: Kind::Flow,
                quarter: quarter(),
                recent: &recent,
                usual: usual.as_ref(),
                pooled: spread,
                top,
                asked: true,
                limits: &limits,
            };
            flags.extend(sizes(&size).map(|flag| (facility, flag)));
            let ratio = usual.as_ref().map(|usual| usual.score(value, spread, &limits).ratio);
            lines.push(Line { value: Some(value), recent, ratio, ..Line::default() });
        }
        let whole = Whole { name: "dhis_beds", kind: Kind::Flow, lines: &lines, limits: &limits };
        let (with, of) = whole.coverage();
        said += fold("dhis_beds", &mut flags, with, of, &limits).len() + whole.checks().len() + flags.len();
    }
    (begin.passed(), said)
}

/// Processor time of this thread where the system tells it, else time on the wall.
struct Clock(Option<u64>, Instant);

impl Clock {
    fn now() -> Self {
        Self(spent(), Instant::now())
    }

    fn passed(&self) -> Duration {
        match (self.0, spent()) {
            (Some(before), Some(now)) => Duration::from_nanos(now.saturating_sub(before)),
            _ => self.1.elapsed(),
        }
    }
}

fn spent() -> Option<u64> {
    fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

fn report(title: &str, country: &Country, runs: usize) {
    let (with, flagged) = country.least(true, runs);
    let (without, _) = country.least(false, runs);
    println!(
        "{title}: judging {:.0} ms ({:.0} ms with, {:.0} ms without; {flagged} cells flagged)",
        (with.as_secs_f64() - without.as_secs_f64()) * 1e3,
        with.as_secs_f64() * 1e3,
        without.as_secs_f64() * 1e3
    );
}

fn main() {
    for facilities in [1_106, 100_000] {
        let numbers = numbers(columns().len(), facilities);
        let (least, said) = (0..3).map(|_| passes(&numbers)).min().unwrap_or_default();
        println!(
            "{facilities} facilities x 21, the two passes alone: {:.0} ms ({said} said)",
            least.as_secs_f64() * 1e3
        );
    }
    report("1,106 facilities x 21, 8 quarters, 4 options", &Country::new(1_106, OPTIONS), 10);
    report("1,106 facilities x 21, 8 quarters, 1 option", &Country::new(1_106, 1), 10);
    if std::env::args().any(|word| word == "--full") {
        report("100,000 facilities x 21, 8 quarters, 1 option", &Country::new(100_000, 1), 1);
    }
}
