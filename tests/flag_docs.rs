//! `docs/flags.md` says what the program does: every rule, every threshold with its default and range.

#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::{collections::BTreeSet, fs, path::Path};

use onse::domain::flags::{KNOWN, Limit};

const DOCS: &str = include_str!("../docs/flags.md");

/// Ids in the code that makes flags and checks, tests left out.
fn ids() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain/flags");
    let mut ids = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let code = text.split("#[cfg(test)]").next().unwrap();
        for makes in ["Flag::new(", "Check::of_run(", "Check::of_property(", ".check("] {
            for after in code.split(makes).skip(1) {
                let after = after.trim_start().trim_start_matches('"');
                let id: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
                if id.len() >= 2 && id[1..].bytes().all(|byte| byte.is_ascii_digit()) {
                    ids.insert(id);
                }
            }
        }
    }
    ids
}

#[test]
fn every_rule_has_a_row() {
    let ids = ids();
    assert!(ids.len() > 40, "the code is read as it is written: {ids:?}");
    let told: BTreeSet<String> = DOCS
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"))
        .map(|(id, _)| id.to_owned())
        .filter(|id| ids.contains(id) || (id.len() == 3 && id[1..].bytes().all(|byte| byte.is_ascii_digit())))
        .collect();
    assert_eq!(told, ids);
}

#[test]
fn every_flag_of_a_cell_can_be_asked_for() {
    let cells: BTreeSet<String> = ids().into_iter().filter(|id| !id.starts_with(['C', 'R'])).collect();
    let known: BTreeSet<String> = KNOWN.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(known, cells);
}

#[test]
fn every_threshold_has_a_row() {
    let row = |limit: &Limit| {
        let about = limit.about();
        let range = format!("{} to {}", about.least, about.most);
        format!("| `{}` | {} | {} | {range} | {} |\n", about.name, about.rule, about.default, about.meaning)
    };
    let head = "| setting | rules | default | range | what it is |\n|---|---|---|---|---|\n";
    let table: String = std::iter::once(head.to_owned()).chain(Limit::ALL.iter().map(row)).collect();
    let told = DOCS.split("<!-- limits -->\n").nth(1).unwrap().split("<!-- /limits -->").next().unwrap();
    assert_eq!(told, table, "the table of docs/flags.md is to read:\n{table}");
}
