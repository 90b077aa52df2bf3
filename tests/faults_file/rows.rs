//! Whether every row of the fault matrix that a submission has to hold is held by a test that exists.

use std::{collections::BTreeSet, fs, path::Path};

/// The rows, as letters with ranges of numbers.
const ROWS: &[(char, &[(u8, u8)])] = &[
    ('n', &[(7, 8), (17, 21)]),
    ('h', &[(5, 5), (7, 26)]),
    ('k', &[(1, 22)]),
    ('f', &[(1, 13), (15, 22)]),
    ('x', &[(1, 9)]),
];

/// Each `.rs` file below, with its text.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The names of the tests in a text: functions that an attribute ending in `test]` stands before, with nothing but other
/// attributes and comments between. One that is ignored is none.
fn tests(text: &str) -> BTreeSet<&str> {
    let (mut found, mut is_test, mut ignored) = (BTreeSet::new(), false, false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
            ignored |= line.starts_with("#[ignore");
        } else if !line.starts_with("//") {
            let name = line.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
            found.extend(name.filter(|_| is_test && !ignored));
            (is_test, ignored) = (false, false);
        }
    }
    found
}

#[test]
fn every_row_is_held_by_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("tests"), &mut files);
    sources(&root.join("src"), &mut files);
    let mut named = BTreeSet::new();
    for (_, text) in &files {
        named.extend(tests(text));
    }
    let mut held: BTreeSet<String> = BTreeSet::new();
    for name in &named {
        // Of `n07_n09_a_redirect`, both.
        let rows = name.split('_').take_while(|word| word.len() == 3 && word[1..].bytes().all(|b| b.is_ascii_digit()));
        held.extend(rows.map(str::to_owned));
    }
    let table = include_str!("main.rs").lines().filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix(" |"));
    for (row, test) in table.filter_map(|line| line.split_once(" | ")).filter(|(_, test)| test.contains("::")) {
        let (file, name) = test.split_once("::").unwrap();
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        assert!(tests(&text).contains(name), "row {row}: there is no test {name} in {file}");
        held.insert(row.to_lowercase());
    }
    let all = ROWS.iter().flat_map(|(letter, ranges)| {
        ranges.iter().flat_map(move |(from, to)| (*from..=*to).map(move |n| format!("{letter}{n:02}")))
    });
    let missing: Vec<String> = all.filter(|row| !held.contains(row)).collect();
    assert!(missing.is_empty(), "no test holds {}", missing.join(", "));
}

#[test]
fn only_what_runs_is_a_test() {
    let text = "#[tokio::test]\n/// Why.\nasync fn a() {}\n#[test]\n#[ignore = \"why\"]\nfn b() {}\nfn c() {}\n    #[test]\n    fn d() {}";
    assert_eq!(tests(text), BTreeSet::from(["a", "d"]));
}
