//! From the answers of both servers, in memory, to a plan: 21 properties, four category options each.
//! Run with `cargo bench --bench planning`.

use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use onse::{
    domain::{
        ledger::{Act, Ledger, Stamp},
        mapping::Mapping,
        plan::{Head, Property},
        quarter::Quarter,
        query::Filter,
    },
    io::{
        commcare::CaseRecord,
        dhis2::{DataValue, Elements, Named, OrgUnit, Values},
        known::Partial,
    },
    job::{
        assemble::{Answers, Completed, Shared, Unread, assemble},
        columns::Column,
    },
};

fn head() -> Head {
    Head {
        quarter: Quarter::last_finished(jiff::civil::date(2026, 7, 5)),
        project: "onse-demo".to_owned(),
        label: String::new(),
        dhis2: String::new(),
        commcare: String::new(),
        mapping: "built-in".to_owned(),
        mapping_rows: 21,
        case_type: "facility_supervision".to_owned(),
        read_at: String::new(),
        generation: 1,
        scope: "whole project".to_owned(),
        mapping_problems: Vec::new(),
        notes: Vec::new(),
        ..Head::of(Quarter::last_finished(jiff::civil::date(2026, 7, 5)))
    }
}

fn unit(n: usize) -> String {
    format!("u{n:010}")
}

fn values(columns: &[Column], options: &[Named], count: usize) -> Values {
    let units: Vec<String> = (0..count).map(unit).collect();
    let numbers: Vec<String> = (0..400).map(|number: usize| number.to_string()).collect();
    let rows = units.iter().enumerate().flat_map(|(n, unit)| {
        let numbers = &numbers;
        columns.iter().flat_map(move |column| {
            options.iter().enumerate().map(move |(at, option)| DataValue {
                data_element: &column.property.data_element,
                period: "2026Q2",
                org_unit: unit,
                category_option_combo: &option.id,
                attribute_option_combo: "HllvX50cXC0",
                value: Some(&numbers[(n * 13 + at) % 400]),
                ..DataValue::default()
            })
        })
    });
    Values::of(rows, &Elements::every())
}

/// Answers for `count` facilities; the same every time.
fn answers(count: usize) -> Answers {
    let mapping = Mapping::built_in();
    let column = |row: &onse::domain::mapping::Row| Column {
        property: Property {
            name: row.property.clone(),
            data_element: row.data_element.clone(),
            data_set: row.data_set.clone(),
            ..Property::default()
        },
        ..Column::default()
    };
    let columns: Vec<Column> = mapping.rows.iter().map(column).collect();
    let case = |n: usize| CaseRecord {
        case_id: format!("{n:032x}"),
        name: format!("Facility {n}"),
        external_id: Some(unit(n)),
        properties: columns.iter().map(|c| (c.property.name.clone(), (n * 7 % 1_000).to_string())).collect(),
        ..CaseRecord::default()
    };
    let named = |n: usize| Named { id: format!("c{n:010}"), name: format!("Option {n}") };
    let options: Vec<Named> = (0..4).map(named).collect();
    let org_unit = |n: usize| OrgUnit {
        id: unit(n),
        name: format!("Unit {n}"),
        path: String::new(),
        opening_date: None,
        closed_date: None,
    };
    Answers {
        head: head(),
        cases: (0..count).map(case).collect(),
        shared: Shared::new(),
        sets: None,
        units: Some((0..count).map(org_unit).collect()),
        values: vec![Arc::new(Partial::of(values(&columns, &options, count)))],
        completed: Completed::default(),
        unread: Unread::default(),
        earlier: None,
        standards: None,
        options,
        columns,
    }
}

fn planning(criterion: &mut Criterion) {
    for count in [1_106, 11_060] {
        let mut group = criterion.benchmark_group(format!("{count} facilities"));
        group.sample_size(10);
        group.bench_function("plan", |bench| {
            bench.iter_batched(|| answers(count), assemble, BatchSize::PerIteration);
        });
        let plan = assemble(answers(count)).plan;
        group.bench_function("ledger", |bench| bench.iter(|| Ledger::new(&plan)));
        let ledger = Ledger::new(&plan);
        group.bench_function("filter", |bench| {
            let filter = Filter::parse("facility prop:beds is:left").unwrap_or_default();
            let mut shown = Vec::new();
            bench.iter(|| filter.find(&plan, &ledger, false, &mut shown).changes);
        });
        group.bench_function("approve all and undo", |bench| {
            let stamp = Stamp { at: String::new(), who: String::new() };
            bench.iter_batched_ref(
                || ledger.clone(),
                |ledger| {
                    let cells = ledger.undecided(&plan, plan.cells()).plain;
                    let decided = ledger.decide(&plan, Act::Approve, cells, None, "all", &stamp);
                    (decided.is_ok(), ledger.undo(&plan, &stamp).is_ok())
                },
                BatchSize::LargeInput,
            );
        });
        group.finish();
    }
}

criterion_group!(benches, planning);
criterion_main!(benches);
