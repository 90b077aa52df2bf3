//! What must hold of any bytes read as a mapping file, and of changes to it. Shared by the tests and the fuzz target.

use onse::domain::{
    fingerprint::Fingerprint,
    mapping::{COLUMNS, Change, Changed, LineChange, Mapping, Problem, Row, is_uid, property_fault},
};

/// What cells are changed to.
const VALUES: [&str; 11] = [
    "q1Es3k3sZem",
    "asCqjKclllu",
    "",
    "x",
    "a;b,c\td|e",
    "say \"x\"",
    "two\nlines",
    "two\r\n\r\nmore;;;\n",
    "sant\u{e9} \u{20ac}",
    "\u{4e2d}\u{1f3e5}",
    "=1+1",
];

/// Reads the bytes, changes some cells and reads the result. Panics where a promise is broken.
pub(crate) fn check(bytes: &[u8]) {
    let mapping = Mapping::read(bytes);
    assert_eq!(mapping.bytes(), bytes);
    usable(&mapping);
    let same = mapping.changed(&[]).expect("no change is no reason to refuse");
    assert_eq!((same.bytes.as_slice(), same.lines.len()), (bytes, 0));
    for round in 0..4 {
        let changes = chosen(&mapping.rows, bytes, round);
        if let Ok(new) = mapping.changed(&changes) {
            reads(&mapping, &new, &changes);
            nothing_else(bytes, &new);
        }
    }
}

/// A row that counts has ids and a name, once; and what is said of the others can be shown.
fn usable(mapping: &Mapping) {
    let mut names: Vec<&str> = mapping.usable().map(|row| row.property.as_str()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "a property counts twice");
    for row in mapping.usable() {
        assert!(is_uid(&row.data_element) && is_uid(&row.data_set), "{row:?}");
        assert_eq!(property_fault(&row.property), None);
    }
    for problem in mapping.problems.iter().map(Problem::to_string) {
        assert!(!problem.contains(|c: char| c.is_control()), "{problem:?}");
    }
}

/// Changes that follow from the bytes.
fn chosen(rows: &[Row], bytes: &[u8], round: u8) -> Vec<Change> {
    let seed = Fingerprint::default().with(bytes).with(&[round]).to_string();
    let mut state = u64::from_str_radix(&seed, 16).expect("a fingerprint is a number");
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % limit
    };
    if rows.is_empty() {
        return vec![Change { line: 2, column: COLUMNS[2], value: VALUES[0].to_owned() }];
    }
    let many = 1 + below(4);
    (0..many)
        .map(|_| {
            let (row, column, value) = (below(rows.len()), COLUMNS[below(4)], VALUES[below(VALUES.len())]);
            // A line that a quote swallows is the line of no row.
            Change { line: rows[row].line + u64::from(below(50) == 0), column, value: value.to_owned() }
        })
        .collect()
}

/// The new file holds the old rows with these cells changed.
fn reads(mapping: &Mapping, new: &Changed, changes: &[Change]) {
    let cells = |row: &Row| [&row.property, &row.data_element, &row.data_set, &row.name].map(Clone::clone);
    let mut wanted: Vec<[String; 4]> = mapping.rows.iter().map(cells).collect();
    for change in changes {
        let row = mapping.rows.iter().position(|row| row.line == change.line).expect("a change of no row is refused");
        let column = COLUMNS.iter().position(|column| *column == change.column).expect("one of them");
        change.value.clone_into(&mut wanted[row][column]);
    }
    let again: Vec<[String; 4]> = Mapping::read(&new.bytes).rows.iter().map(cells).collect();
    assert_eq!(again, wanted);
}

/// The new bytes are the old ones but for the rows that are told.
fn nothing_else(bytes: &[u8], new: &Changed) {
    let told: Option<Vec<(Vec<u8>, Vec<u8>)>> = new
        .lines
        .iter()
        .map(|LineChange { before, after, .. }| Some((encoded(bytes, before)?, encoded(bytes, after)?)))
        .collect();
    // Half a letter of UTF-16 is told as another.
    if let Some(told) = told {
        assert!(only(bytes, &new.bytes, &told), "other bytes changed than those of {:?}", new.lines);
    }
}

/// Whether `new` is `old` with these parts replaced, in this order.
fn only(old: &[u8], new: &[u8], told: &[(Vec<u8>, Vec<u8>)]) -> bool {
    let Some(((before, after), rest)) = told.split_first() else { return old == new };
    let same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    (0..=same).rev().any(|at| {
        let (Some(old), Some(new)) =
            (old[at..].strip_prefix(before.as_slice()), new[at..].strip_prefix(after.as_slice()))
        else {
            return false;
        };
        only(old, new, rest)
    })
}

/// The letters of Windows-1252 that are not those of Latin-1; the five bytes it leaves open read as control characters.
const ODD: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}', '\u{2030}',
    '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}',
    '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}',
    '\u{17e}', '\u{178}',
];

/// A text as the file writes it, found out without the code under test.
fn encoded(file: &[u8], text: &str) -> Option<Vec<u8>> {
    let wide = |unit: fn(u16) -> [u8; 2]| {
        (!text.contains(char::REPLACEMENT_CHARACTER)).then(|| text.encode_utf16().flat_map(unit).collect())
    };
    if file.starts_with(b"\xFF\xFE") {
        return wide(u16::to_le_bytes);
    }
    if file.starts_with(b"\xFE\xFF") {
        return wide(u16::to_be_bytes);
    }
    if std::str::from_utf8(file).is_ok() {
        return Some(text.as_bytes().to_vec());
    }
    let byte = |c: char| match ODD.iter().position(|odd| *odd == c) {
        Some(at) => u8::try_from(0x80 + at).expect("at most 0x9F"),
        None => u8::try_from(u32::from(c)).expect("a letter that Windows-1252 has"),
    };
    Some(text.chars().map(byte).collect())
}
