//! How long a review of 1,106 facilities by 21 properties takes as a spreadsheet, out and in, and how large it is. Run with
//! `cargo bench --bench exporting`; `-- --some 5000` takes another number of facilities.
//!
//! Every cell is written, not the changes alone; a quarter of them change and one in thirty is flagged, as in the field
//! (data-quality-flags.md section 5).
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench; a failure here is its answer")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use onse::{
    domain::{
        flags::{Flag, Severity},
        history::{Cached, Change, Sheet},
        ledger::Ledger,
        plan::{Cell, Facility, Head, Plan, Property, State},
        quarter::Quarter,
        total::Part,
    },
    io::spreadsheet::read,
    job::export::View,
};

/// Properties, as the real mapping has.
const WIDTH: u16 = 21;
/// What writing a workbook, and reading it, is to stay under.
const BAR: Duration = Duration::from_secs(2);

fn mixed(cell: Cell) -> u64 {
    let seed = u64::from(cell.facility) * u64::from(WIDTH) + u64::from(cell.property) + 1;
    let one = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (one ^ (one >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 16
}

fn plan(facilities: usize) -> Plan {
    let facility = |n: usize| Facility {
        case_id: format!("{n:032x}"),
        name: format!("{} Health Centre {n}", ["Area", "Kasenga", "Zomba", "Nkhula", "Matope South"][n * 7 % 5]),
        external_id: format!("u{n:010}"),
        ..Facility::default()
    };
    let property = |n: u16| Property {
        name: format!("dhis_health_facility_indicator_of_some_length_{n}"),
        data_element: format!("e{n:010}"),
        data_set: format!("s{:010}", n / 7),
        element_name: format!("Indicator of the health facility, number {n}"),
        data_set_name: format!("Facility report {}", n / 7),
        ..Property::default()
    };
    let head = Head { read_at: "2026-07-05T09:00:00Z".to_owned(), ..Head::of(Quarter::parse("2026Q2").unwrap()) };
    let mut draft = Plan::draft(head, (0..facilities).map(facility).collect(), (0..WIDTH).map(property).collect());
    for cell in draft.plan().cells().collect::<Vec<_>>() {
        let number = mixed(cell);
        let old = number % 3_989 + 3;
        let text = old.to_string();
        let new = (old + number / 977 % 797 + 1).to_string();
        match number / 4_001 % 100 {
            0..25 => draft.set(cell, Some(&text), Some(&new), State::Reported),
            25..35 => draft.set(cell, Some(&text), None, State::NotReported),
            _ => draft.set(cell, Some(&text), Some(&text), State::Reported),
        }
        draft.set_usual(cell, Some(&(old + 2).to_string()));
        match number / 400_009 % 1000 {
            0..5 => draft.flag(cell, Flag::new("T1", Severity::Stop, "1,310 is 11x the usual 118 (8 quarters)")),
            5..35 => draft.flag(cell, Flag::new("T2", Severity::Review, "310 is 2.6x the usual 118 (8 quarters)")),
            _ => {}
        }
    }
    draft.name("female".to_owned(), "Female".to_owned());
    draft.name("male".to_owned(), "Male".to_owned());
    draft.finish()
}

type Behind = (BTreeMap<(u32, String), Vec<Part>>, BTreeMap<(u32, String), Sheet>);

/// Two rows behind each cell, and the same in four quarters before.
fn behind(plan: &Plan) -> Behind {
    let quarters: Vec<Quarter> = plan.head.quarter.earlier().take(4).collect();
    let elements: Vec<String> = plan.properties().iter().map(|property| property.data_element.clone()).collect();
    let (mut parts, mut history) = (BTreeMap::<(u32, String), Vec<Part>>::new(), BTreeMap::new());
    for cell in plan.cells() {
        let property = plan.property(cell.property);
        let part = |option: &str| Part {
            data_element: property.data_element.clone(),
            category_option_combo: option.to_owned(),
            value: plan.old(cell).map(str::to_owned),
            ..Part::default()
        };
        parts.entry((cell.facility, property.data_set.clone())).or_default().extend([part("female"), part("male")]);
    }
    let mut cached = Cached::unknown(&["u".to_owned()], &elements, &quarters);
    let rows: Vec<Change<'_>> = elements
        .iter()
        .flat_map(|element| {
            quarters.iter().map(move |quarter| Change {
                element,
                quarter: *quarter,
                category_option_combo: "female",
                attribute_option_combo: "",
                value: Some("118"),
            })
        })
        .collect();
    cached.read("u", &quarters, &rows, jiff::Timestamp::UNIX_EPOCH);
    let all = elements.iter().map(String::as_str).collect();
    for (facility, data_set) in parts.keys() {
        history.insert((*facility, data_set.clone()), cached.sheet("u", &all));
    }
    (parts, history)
}

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = run();
    let took = start.elapsed();
    println!("{took:>10.2?}  {what}{}", if took > BAR { "   OVER THE BAR" } else { "" });
    done
}

fn main() {
    let mut words = std::env::args().skip_while(|word| word != "--some").skip(1);
    let facilities = words.next().map_or(1_106, |count| count.parse().unwrap());
    let plan = plan(facilities);
    let (parts, history) = behind(&plan);
    let ledger = Ledger::new(&plan);
    let cells: Vec<Cell> = plan.cells().collect();
    println!("{facilities} facilities by {WIDTH} properties, {} rows", cells.len());
    let view = View {
        review: "bench",
        plan: &plan,
        ledger: &ledger,
        forms: &[],
        parts: &parts,
        history: &history,
        cells: &cells,
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, write) in [
        ("review.xlsx", (|view, to| view.xlsx(to)) as fn(&View<'_>, &mut Vec<u8>) -> std::io::Result<()>),
        ("review.csv", |view, to| view.csv(to)),
    ] {
        let mut bytes = Vec::new();
        timed(&format!("{name} is made"), || write(&view, &mut bytes)).unwrap();
        println!("{:>10} KiB", bytes.len() / 1024);
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let rows = timed(&format!("{name} is read"), || read(&path)).unwrap();
        assert_eq!(rows.len(), cells.len());
    }
}
