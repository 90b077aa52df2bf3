//! What it takes to read a mapping of 2,000 rows, in each way a spreadsheet writes its letters, and one of 20,000 rows of which each
//! is broken. Run with `cargo bench --bench mapping`.

use criterion::{Criterion, criterion_group, criterion_main};
use onse::domain::mapping::{MOST_ROWS, Mapping};

const HEAD: &str = "case_property,data_element_id,data_set_id,dhis2_name,kind,relation\r\n";

fn text(rows: usize) -> String {
    let row = |n: usize| {
        format!(
            "dhis_beds_{n},e{n:010},s{:010},\"HMIS décès, ward {n}\",flow,<= dhis_beds_{}\r\n",
            n % 40,
            (n + 1) % rows
        )
    };
    HEAD.to_owned() + &(0..rows).map(row).collect::<String>()
}

fn broken(rows: usize) -> String {
    let row = |n: usize| format!("dhis beds,2-Mar,“{n}”,=A{n},levl,< x\r\n");
    HEAD.to_owned() + &(0..rows).map(row).collect::<String>()
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn reading(criterion: &mut Criterion) {
    let text = text(2_000);
    let windows = encoding_rs::WINDOWS_1252.encode(&text).0.into_owned();
    let files = [
        ("UTF-8", text.clone().into_bytes()),
        ("UTF-8 with mark", format!("\u{feff}{text}").into_bytes()),
        ("UTF-16, tabs", utf16(&text.replace(',', "\t"))),
        ("Windows-1252, semicolons", windows.into_iter().map(|byte| if byte == b',' { b';' } else { byte }).collect()),
        ("20,000 broken rows", broken(MOST_ROWS).into_bytes()),
    ];
    for (name, bytes) in &files {
        criterion.bench_function(&format!("read a mapping: {name}"), |bencher| bencher.iter(|| Mapping::read(bytes)));
    }
}

criterion_group!(benches, reading);
criterion_main!(benches);
