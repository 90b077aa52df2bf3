//! The mapping against what the server says, for 2,000 rows over 40 data sets, half of them with something wrong.
//! Run with `cargo bench --bench lint`.

use std::fmt::Write as _;

use criterion::{Criterion, criterion_group, criterion_main};
use onse::{
    domain::{explored::alike, mapping::Mapping},
    io::dhis2::{CategoryCombo, DataElement, DataSet, DataSetRef},
    job::{columns::Known, lint::lint},
};

const ROWS: usize = 2_000;
const SETS: usize = 40;

fn element(row: usize) -> DataElement {
    let options = Some((0..4).map(|option| format!("C{option:010}")).collect());
    let place =
        |set: usize| DataSetRef { id: format!("S{set:010}"), name: format!("Set {set}"), ..DataSetRef::default() };
    DataElement {
        id: format!("E{row:010}"),
        name: format!("Data element number {} of them", row / 2 * 2),
        value_type: Some("INTEGER".to_owned()),
        aggregation_type: Some(if row.is_multiple_of(4) { "AVERAGE" } else { "SUM" }.to_owned()),
        category_combo: Some(CategoryCombo { options, ..CategoryCombo::default() }),
        data_sets: vec![place(row % SETS), place((row + 1) % SETS)],
        ..DataElement::default()
    }
}

fn set(number: usize) -> DataSet {
    let elements = (0..ROWS).filter(|row| row % SETS == number).map(|row| format!("E{row:010}")).collect();
    DataSet {
        id: format!("S{number:010}"),
        name: format!("Set {number}"),
        period_type: Some("Quarterly".to_owned()),
        elements,
        ..DataSet::default()
    }
}

fn linting(criterion: &mut Criterion) {
    let mut text = "case_property,data_element_id,data_set_id,dhis2_name\n".to_owned();
    for row in 0..ROWS {
        let _ = writeln!(text, "dhis_p{row},E{row:010},S{:010},Data element number {row} of them", row % SETS);
    }
    let mapping = Mapping::read(text.as_bytes());
    let elements: Vec<DataElement> = (0..ROWS).map(element).collect();
    let sets: Vec<DataSet> = (0..SETS).map(set).collect();
    let known = Known { elements: Some(&elements), sets: Some(&sets) };
    assert_eq!(lint(&mapping, known).len(), ROWS / 4 + ROWS / 2);
    criterion.bench_function("lint 2,000 rows", |bench| bench.iter(|| lint(&mapping, known)));
    criterion.bench_function("compare a name with 200", |bench| {
        bench.iter(|| {
            elements.iter().take(200).map(|one| u32::from(alike("Number of data elements", &one.name))).sum::<u32>()
        });
    });
}

criterion_group!(benches, linting);
criterion_main!(benches);
