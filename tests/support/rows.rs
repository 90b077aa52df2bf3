//! Whether a table at the head of a test file, `//! | row | file::test |`, names tests that exist, for every row of the fault matrix
//! that is to be held.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's answer")]

use std::{
    collections::BTreeSet,
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

/// The names of the tests in a text: functions that an attribute ending in `test]` stands before, with nothing but other
/// attributes and comments between. One that is ignored is none.
pub(crate) fn tests(text: &str) -> BTreeSet<&str> {
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

/// Holds that each line of the table names a test that exists, and that each of the rows has a line.
pub(crate) fn held(source: &str, rows: &[&str]) {
    let held = table(source);
    let missing: Vec<&&str> = rows.iter().filter(|row| !held.contains(**row)).collect();
    assert!(missing.is_empty(), "no test holds {missing:?}");
}

/// The rows of a table, each line of which has to name a test that exists.
pub(crate) fn table(source: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lines = source.lines().filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix(" |")?.split_once(" | "));
    let held: Vec<(&str, &str)> = lines.filter(|(_, test)| test.contains("::")).collect();
    for (row, test) in &held {
        let (file, name) = test.split_once("::").unwrap();
        let found =
            sources(&root.join(file)).iter().any(|path| tests(&fs::read_to_string(path).unwrap()).contains(name));
        assert!(found, "row {row}: there is no test {name} in {file}");
    }
    held.into_iter().map(|(row, _)| row.to_owned()).collect()
}

#[test]
fn only_what_runs_is_a_test() {
    let text = "#[tokio::test]\n/// Why.\nasync fn a() {}\n#[test]\n#[ignore = \"why\"]\nfn b() {}\nfn c() {}\n    #[test]\n    fn d() {}";
    assert_eq!(tests(text), BTreeSet::from(["a", "d"]));
}
