//! Every dependency may be shipped with this program: its licence is one of a short list, and `docs/licences.md` names it with the
//! files that hold its text.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

/// Licences that ask for no more than their text being kept; MPL-2.0 asks for the source of its own files, which the registry
/// has (`option-ext`, below `directories`).
const ALLOWED: [&str; 12] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
    "0BSD",
    "MPL-2.0",
];

/// Whether one choice of an SPDX expression is allowed. `AND` binds stronger than `OR`; `/` is an old way to write `OR`.
fn allowed(expression: &str) -> bool {
    let expression = expression.replace(['(', ')'], " ").replace('/', " OR ");
    expression.split(" OR ").any(|choice| choice.split(" AND ").all(|licence| ALLOWED.contains(&licence.trim())))
}

/// What cargo says of all packages of this machine's platform: those of others need not have been fetched.
fn metadata() -> Value {
    let told = Command::new("rustc").arg("-vV").output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let told = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).unwrap()
}

#[test]
fn every_dependency_may_be_shipped() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{}", packages.len());
    let odd: Vec<String> = packages
        .iter()
        .filter(|package| !allowed(package["license"].as_str().unwrap_or("")))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}

/// The ids of the packages that are in the program: those it needs to run, and those these need; not what only builds or tests it.
fn shipped(metadata: &Value) -> BTreeSet<&str> {
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap().iter();
    let nodes: BTreeMap<&str, &Value> = nodes.map(|node| (node["id"].as_str().unwrap(), node)).collect();
    let root = metadata["resolve"]["root"].as_str().unwrap();
    let (mut found, mut next) = (BTreeSet::new(), vec![root]);
    while let Some(id) = next.pop() {
        for dep in nodes[id]["deps"].as_array().unwrap() {
            let id = dep["pkg"].as_str().unwrap();
            if dep["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null()) && found.insert(id) {
                next.push(id);
            }
        }
    }
    found
}

/// The files of a package that hold a licence or a notice.
fn texts(package: &Value) -> Vec<String> {
    let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_text = |name: &String| {
        let name = name.to_ascii_uppercase();
        ["LICEN", "COPY", "NOTICE", "UNLICENSE"].iter().any(|start| name.starts_with(start))
    };
    let mut names: Vec<String> = names.filter(is_text).collect();
    names.sort();
    names
}

const LIST: &str = "docs/licences.md";
const HEAD: &str = "# Licences of what is in the program

`onse` is Apache-2.0 or MIT, at your choice. The crates below are compiled into it. Each keeps its own licence; the last column names the
files of the package, as the registry has it, that hold the text. SQLite, which `libsqlite3-sys` brings along, is in the public domain.

Made from what cargo knows, on Linux; a test compares it. `ONSE_UPDATE=1 cargo test --test licences` writes it anew.

| crate | version | licence | files |
|---|---|---|---|
";

#[test]
fn the_list_names_every_crate_in_the_program() {
    let metadata = metadata();
    let shipped = shipped(&metadata);
    let packages = metadata["packages"].as_array().unwrap().iter();
    let mut rows: Vec<String> = packages
        .filter(|package| shipped.contains(package["id"].as_str().unwrap()))
        .map(|package| {
            let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
            let files = texts(package).join(", ");
            let files =
                if files.is_empty() { "none in the package; the text of the licence named".to_owned() } else { files };
            format!("| {} | {} | {} | {files} |\n", text("name"), text("version"), text("license"))
        })
        .collect();
    rows.sort();
    assert!(rows.len() > 80, "{}", rows.len());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(LIST);
    if std::env::var_os("ONSE_UPDATE").is_some() {
        std::fs::write(&path, format!("{HEAD}{}", rows.concat())).unwrap();
    }
    let list = std::fs::read_to_string(&path).unwrap_or_default();
    // Another platform has a few crates more or less: what it shares with the list must be right.
    let missing: Vec<&String> = rows.iter().filter(|row| !list.contains(row.as_str())).collect();
    if cfg!(target_os = "linux") {
        assert!(missing.is_empty() && list == format!("{HEAD}{}", rows.concat()), "{LIST} is old: {missing:?}");
    }
}

#[test]
fn the_rule_bites() {
    for fine in ["MIT", "MIT OR Apache-2.0", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0", "GPL-3.0 OR MIT"]
    {
        assert!(allowed(fine), "{fine}");
    }
    for odd in ["", "GPL-3.0", "MIT AND GPL-3.0", "AGPL-3.0-only"] {
        assert!(!allowed(odd), "{odd}");
    }
}
