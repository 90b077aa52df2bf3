//! What is known between runs, for a country of 1,106 facilities, 21 data elements and 8 quarters, four rows a quarter.
//! Run with `cargo bench --bench known`.

use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use onse::{
    domain::{
        history::{Cached, Change},
        quarter::Quarter,
    },
    io::known::{Account, Known},
};

/// Rows of a data element and quarter.
const ROWS: usize = 4;

struct Country {
    units: Vec<String>,
    elements: Vec<String>,
    quarters: Vec<Quarter>,
    options: Vec<String>,
    values: Vec<String>,
}

impl Country {
    fn new() -> Self {
        let ids = |letter: char, count: usize| (0..count).map(|n| format!("{letter}{n:010}")).collect();
        let mut quarter = Quarter::of(jiff::civil::date(2026, 5, 1));
        let quarters = std::iter::repeat_with(|| {
            quarter = quarter.before();
            quarter
        });
        Self {
            units: ids('u', 1_106),
            elements: ids('e', 21),
            quarters: quarters.take(8).collect(),
            options: ids('c', ROWS),
            values: (0..1_000).map(|value| value.to_string()).collect(),
        }
    }

    fn rows(&self, unit: usize) -> Vec<Change<'_>> {
        let row = |element: usize, quarter: usize, option: usize| {
            let value = (unit * 7 + element * 31 + quarter * 17 + option * 3) % self.values.len();
            Change {
                element: self.elements[element].as_str(),
                quarter: self.quarters[quarter],
                category_option_combo: &self.options[option],
                attribute_option_combo: "HllvX50cXC0",
                value: Some(self.values[value].as_str()),
            }
        };
        let of = |element: usize| {
            (0..8_usize).flat_map(move |quarter| (0..ROWS).map(move |option| row(element, quarter, option)))
        };
        (0..21).flat_map(of).collect()
    }

    /// Everything read whole at this time.
    fn read(&self, now: Timestamp) -> Cached {
        let mut cached = Cached::unknown(&self.units, &self.elements, &self.quarters);
        for (number, unit) in self.units.iter().enumerate() {
            cached.read(unit, &self.quarters, &self.rows(number), now);
        }
        cached
    }
}

fn known(criterion: &mut Criterion) {
    let (country, now) = (Country::new(), Timestamp::from_second(1_783_000_000).unwrap_or_default());
    let (Some(account), Ok(folder), Ok(runtime)) =
        (Account::new("https://hmis.example.org", "importer"), tempfile::tempdir(), tokio::runtime::Runtime::new())
    else {
        return;
    };
    let open = || Known::in_folder(folder.path());
    let keep = |known: &Known, cached: &Arc<Cached>, now| {
        runtime.block_on(known.keep_history(&account, Arc::clone(cached), now));
    };
    let history =
        |known: &Known| runtime.block_on(known.history(&account, &country.units, &country.elements, &country.quarters));
    let mut group = criterion.benchmark_group("1106 facilities x 21 x 8");
    group.sample_size(10);
    group.bench_function("take in", |bench| bench.iter(|| country.read(now)));
    let cached = Arc::new(country.read(now));
    let empty = || Known::in_folder(&folder.path().join(uuid::Uuid::new_v4().to_string()));
    group.bench_function("save into a new file", |bench| {
        bench.iter_batched(empty, |known| keep(&known, &cached, now), BatchSize::PerIteration);
    });
    keep(&open(), &cached, now);
    let later = now + jiff::SignedDuration::from_hours(1);
    let again = Arc::new(country.read(later));
    group.bench_function("save over what is there", |bench| {
        bench.iter_batched(open, |known| keep(&known, &again, later), BatchSize::PerIteration);
    });
    group.bench_function("load", |bench| bench.iter_batched(open, |known| history(&known), BatchSize::PerIteration));
    let loaded = history(&open());
    assert!(loaded.needs(later).is_empty(), "what was saved is not what is loaded");
    group.bench_function("needs", |bench| bench.iter(|| loaded.needs(later)));
    group.finish();
    let size = std::fs::metadata(folder.path().join("known.sqlite")).map(|file| file.len()).unwrap_or_default();
    assert!(size < 12_000_000, "the file has {size} bytes");
}

criterion_group!(benches, known);
criterion_main!(benches);
