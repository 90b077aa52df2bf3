//! Properties of reading: a table reads the same however it is written, and nothing that can stand in a file stops the reader.

use encoding_rs::WINDOWS_1252;
use onse::domain::mapping::{Mapping, Row, is_uid};
use proptest::prelude::*;

use crate::with;

/// How a file writes its letters.
#[derive(Clone, Copy, Debug)]
enum Letters {
    Utf8,
    Marked,
    Low,
    High,
    Windows,
}

/// How a file is written.
#[derive(Clone, Debug)]
struct Dialect {
    letters: Letters,
    separator: char,
    /// Whether a first line names the separator.
    named: bool,
    end: &'static str,
    /// Whether every value is quoted, or only one that has to be.
    quoted: bool,
    /// Whether the last line has an end.
    ended: bool,
}

const PLAIN: Dialect =
    Dialect { letters: Letters::Utf8, separator: ',', named: false, end: "\n", quoted: false, ended: true };

impl Dialect {
    fn written(&self, rows: &[Vec<String>]) -> Vec<u8> {
        let head = ["case_property", "note", "data_element_id", "data_set_id", "dhis2_name", "kind", "relation"];
        let mut lines: Vec<String> = Vec::new();
        lines.extend(self.named.then(|| format!("sep={}", self.separator)));
        lines.push(self.line(&head.map(str::to_owned)));
        lines.extend(rows.iter().map(|row| self.line(row)));
        let text = lines.join(self.end) + if self.ended { self.end } else { "" };
        let units = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(unit).collect()
        };
        match self.letters {
            Letters::Utf8 => text.into_bytes(),
            Letters::Marked => format!("\u{feff}{text}").into_bytes(),
            Letters::Low => units(u16::to_le_bytes),
            Letters::High => units(u16::to_be_bytes),
            Letters::Windows => WINDOWS_1252.encode(&text).0.into_owned(),
        }
    }

    fn line(&self, values: &[String]) -> String {
        let written = |value: &String| {
            let needs = self.quoted || value.contains(['"', '\r', '\n', self.separator]);
            if needs { format!("\"{}\"", value.replace('"', "\"\"")) } else { value.clone() }
        };
        values.iter().map(written).collect::<Vec<_>>().join(&self.separator.to_string())
    }
}

fn letters() -> impl Strategy<Value = Letters> {
    proptest::sample::select(vec![Letters::Utf8, Letters::Marked, Letters::Low, Letters::High, Letters::Windows])
}

fn dialect() -> impl Strategy<Value = Dialect> {
    let separator = proptest::sample::select(vec![',', ';', '\t', '|']);
    let end = proptest::sample::select(vec!["\n", "\r\n", "\r"]);
    (letters(), separator, any::<bool>(), end, any::<bool>(), any::<bool>()).prop_map(
        |(letters, separator, named, end, quoted, ended)| Dialect { letters, separator, named, end, quoted, ended },
    )
}

/// Rows of seven values, right ones and odd ones, with everything a dialect has to quote.
fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    let odd = "[a-z,;\t|\"\n éü診’\u{a0}\u{200b}=#]{0,12}";
    let id = prop_oneof![4 => "[a-zA-Z][a-zA-Z0-9]{10}", 1 => odd, 1 => Just(String::new())];
    let name = prop_oneof![4 => "[a-z]{1,8}", 1 => odd];
    let row = (name, odd, id.clone(), id, odd, prop_oneof![Just(""), Just("flow"), Just("levl")], "(<= [a-z]{1,3})?");
    let row = row.prop_map(|(a, b, c, d, e, f, g)| vec![a, b, c, d, e, f.to_owned(), g]);
    proptest::collection::vec(row, 0..8)
}

/// The rows, and what is wrong with them, as of a file whose header is its first line.
fn read(bytes: &[u8], shift: u64) -> (Vec<Row>, Vec<String>) {
    let mapping = Mapping::read(bytes);
    let up = |line: u64| line.saturating_sub(shift).max(1);
    let rows = mapping.rows.iter().map(|row| Row { line: up(row.line), ..row.clone() }).collect();
    // Lines stand in sentences too, and how a comma is called.
    let told = mapping.problems.iter().filter(|problem| problem.column.is_some());
    let told =
        told.map(|problem| format!("{} {:?} {} {}", up(problem.line), problem.column, problem.value, problem.blocks));
    (rows, told.collect())
}

proptest! {
    #[test]
    fn a_table_reads_the_same_in_every_dialect(rows in table(), dialect in dialect()) {
        let mut rows = rows;
        if matches!(dialect.letters, Letters::Windows) {
            rows.iter_mut().flatten().for_each(|value| value.retain(|c| c.is_ascii() || matches!(c, 'é' | 'ü')));
        }
        let shift = u64::from(dialect.named);
        prop_assert_eq!(read(&dialect.written(&rows), shift), read(&PLAIN.written(&rows), 0));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        mark in proptest::sample::select(vec![&b""[..], b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF", b"sep=;\n"]),
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let mapping = Mapping::read(&[mark, &bytes[..]].concat());
        prop_assert!(mapping.usable().all(|row| is_uid(&row.data_element) && is_uid(&row.data_set)));
    }

    #[test]
    fn a_damaged_file_is_read_without_a_panic(
        rows in table(),
        dialect in dialect(),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut bytes = dialect.written(&rows);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let whole = Mapping::read(&bytes);
        let part = Mapping::read(&bytes[..cut.index(bytes.len())]);
        for mapping in [whole, part] {
            prop_assert!(mapping.usable().all(|row| is_uid(&row.data_element) && is_uid(&row.data_set)));
            let inert = |text: &String| !text.contains(|c: char| c.is_control());
            prop_assert!(mapping.problems.iter().map(ToString::to_string).all(|text| inert(&text)));
            prop_assert!(mapping.rows.is_sorted_by(|a, b| a.line < b.line));
            prop_assert!(mapping.rows.iter().all(|row| mapping.row(row.line) == Some(row)));
        }
    }

    #[test]
    fn any_rows_are_read_without_a_panic(rows in "([a-z_]{0,4},[a-zA-Z0-9]{10,12},[a-zA-Z0-9]{0,12},[\",\r\n a-z]{0,8}\r?\n?){0,8}") {
        let mapping = with(&rows);
        let mut names: Vec<&str> = mapping.usable().map(|row| row.property.as_str()).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        prop_assert_eq!(names.len(), all);
    }
}
