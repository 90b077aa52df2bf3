//! Every dependency may be shipped with this program: its licence is one of a short list.

use std::process::Command;

/// Licences that ask for no more than their text being kept; MPL-2.0 asks for the source of its own files, which the registry
/// has (`option-ext`, below `directories`).
const ALLOWED: [&str; 11] = [
    "MIT",
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

#[test]
fn every_dependency_may_be_shipped() {
    // Only this machine's platform: the packages of others need not have been fetched.
    let told = Command::new("rustc").arg("-vV").output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let told = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{}", packages.len());
    let odd: Vec<String> = packages
        .iter()
        .filter(|package| !allowed(package["license"].as_str().unwrap_or("")))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(odd.is_empty(), "{}", odd.join("\n"));
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
