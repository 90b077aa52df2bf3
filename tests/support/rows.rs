//! Whether a table at the head of a test file, `//! | row | file::test |`, names tests that exist, for every row of the fault matrix
//! that is to be held.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's answer")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every source file at or below a path.
pub(crate) fn sources(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let below = fs::read_dir(path).unwrap().flat_map(|entry| sources(&entry.unwrap().path()));
    below.filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect()
}

/// Whether a text has a test of this name that is not ignored.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_it = |line: &str| line.split("fn ").nth(1).is_some_and(|rest| rest.starts_with(&format!("{name}(")));
    lines.iter().position(|line| is_it(line)).is_some_and(|at| {
        let before: Vec<&&str> =
            lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//")).collect();
        before.iter().any(|line| **line == "#[test]" || line.starts_with("#[tokio::test"))
            && !before.iter().any(|line| line.starts_with("#[ignore"))
    })
}

/// Holds that each line of the table names a test that exists, and that each of the rows has a line.
pub(crate) fn held(source: &str, rows: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lines = source.lines().filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix(" |")?.split_once(" | "));
    let held: Vec<(&str, &str)> = lines.filter(|(_, test)| test.contains("::")).collect();
    for (row, test) in &held {
        let (file, name) = test.split_once("::").unwrap();
        let found = sources(&root.join(file)).iter().any(|path| has_test(&fs::read_to_string(path).unwrap(), name));
        assert!(found, "row {row}: there is no test {name} in {file}");
    }
    let missing: Vec<&&str> = rows.iter().filter(|row| !held.iter().any(|(held, _)| held == *row)).collect();
    assert!(missing.is_empty(), "no test holds {missing:?}");
}

#[test]
fn only_what_runs_is_a_test() {
    let text = "#[test]\n/// Why.\nfn a() {}\nfn b() {}\n#[test]\n#[ignore = \"why\"]\nfn c() {}";
    assert!(has_test(text, "a") && !has_test(text, "b") && !has_test(text, "c") && !has_test(text, "d"));
}
