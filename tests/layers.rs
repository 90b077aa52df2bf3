//! The rules of the house, read from the sources: who may use whom, and how long a file and a function may be.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Lines a file may have before it is two rooms.
const LONGEST_FILE: usize = 500;
/// Lines a function may have.
const LONGEST_FUNCTION: usize = 60;

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push((path.to_string_lossy().replace('\\', "/"), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn src() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = sources(&root.join("src"));
    files.into_iter().map(|(path, text)| (path.split_once("/src/").unwrap().1.to_owned(), text)).collect()
}

/// The files whose code the program is made of: a `tests.rs` that the file above it declares for tests only is none of them.
fn shipped() -> Vec<(String, String)> {
    let all = src();
    let for_tests: Vec<String> = all.iter().filter_map(|(path, text)| tests_of(path, text)).collect();
    all.into_iter().filter(|(path, _)| !for_tests.contains(path)).collect()
}

/// The file that holds the tests of this one, if it has a room of its own.
fn tests_of(path: &str, text: &str) -> Option<String> {
    let folder = path.strip_suffix("/mod.rs").or_else(|| path.strip_suffix(".rs"))?;
    text.contains("\n#[cfg(test)]\nmod tests;\n").then(|| format!("{folder}/tests.rs"))
}

/// The code of a file: without its test module, comments and texts, so that a word in a sentence is no use of it.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or(""));
    lines.map(|line| without_texts(line) + "\n").collect()
}

fn without_texts(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// The part of the crate a file belongs to.
fn part(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap()
}

/// Names of our own parts that a file uses. `use crate::{a, b}` counts for both.
fn used_parts(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    c if depth == 0 && (c.is_alphanumeric() || c == '_') => word.push(c),
                    ':' | ',' if depth == 0 && !word.is_empty() => used.push(std::mem::take(&mut word)),
                    _ => {}
                }
                if depth > 0 || c == ':' {
                    word.clear();
                }
            }
        } else {
            used.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    used.retain(|name| ["domain", "io", "job", "tui", "plain", "sandbox", "cli"].contains(&name.as_str()));
    used
}

#[test]
fn each_layer_uses_only_what_lies_below() {
    let may = |part: &str| -> &[&str] {
        match part {
            "domain" => &["domain"],
            "io" => &["io", "domain"],
            "job" => &["job", "io", "domain"],
            "tui" => &["tui", "job", "domain"],
            "plain" => &["plain", "job", "domain"],
            "sandbox" => &["sandbox", "domain", "io"],
            "main" | "lib" | "cli" => &["domain", "io", "job", "tui", "plain", "sandbox", "cli"],
            _ => &[],
        }
    };
    let mut wrong = Vec::new();
    for (path, text) in shipped() {
        for used in used_parts(&code(&text)) {
            if !may(part(&path)).contains(&used.as_str()) {
                wrong.push(format!("{path} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_sandbox_knows_of_io_only_the_transport() {
    for (path, text) in shipped().into_iter().filter(|(path, _)| part(path) == "sandbox") {
        let flat: String = code(&text).split_whitespace().collect();
        for (at, _) in flat.match_indices("io::") {
            let rest = &flat[at + 4..];
            let before = flat[..at].chars().next_back();
            let word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let outside = word || flat[..at].ends_with("std::") || flat[..at].ends_with("tokio::");
            assert!(outside || rest.starts_with("transport"), "{path} uses io::{}", &rest[..rest.len().min(30)]);
        }
    }
}

#[test]
fn outside_crates_stay_where_they_belong() {
    let rules: [(&str, &[&str]); 6] = [
        ("ratatui", &["tui"]),
        ("crossterm", &["tui", "cli"]),
        ("reqwest", &["io"]),
        ("rusqlite", &["io"]),
        ("axum", &["sandbox"]),
        ("clap", &["cli"]),
    ];
    let mut wrong = Vec::new();
    for (path, text) in shipped() {
        let code = code(&text);
        for (name, parts) in rules {
            let used = code.contains(&format!("{name}::")) || code.contains(&format!("use {name}"));
            if used && !parts.contains(&part(&path)) {
                wrong.push(format!("{path} uses {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_domain_asks_nobody() {
    let banned = [
        "tokio::",
        "std::env",
        "std::fs",
        "std::net",
        "std::thread",
        "std::time",
        "File::",
        "SystemTime",
        "Instant",
        "Timestamp::now",
        "Zoned::now",
        "rand::",
        "uuid::",
        "HashMap<",
        "println!",
    ];
    let mut wrong = Vec::new();
    for (path, text) in shipped().into_iter().filter(|(path, _)| part(path) == "domain") {
        let code = code(&text);
        for name in banned.iter().filter(|name| code.contains(**name)) {
            // The plan's store of distinct texts is looked up by text and never walked.
            if !(path == "domain/plan.rs" && *name == "HashMap<") {
                wrong.push(format!("{path} uses {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_short() {
    let long: Vec<String> = src()
        .into_iter()
        .map(|(path, text)| (path, text.split("\n#[cfg(test)]\nmod tests {").next().unwrap().lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{path} has {lines} lines beside its tests; can it be two rooms?"))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// First line, length and head of every function.
fn functions(text: &str) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, usize, &str)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let begins = line.contains("fn ") && !line.trim_start().starts_with("//") && !line.contains(';');
        if open.is_none() && begins {
            open = Some((number, indent, line.trim()));
        }
        let Some((from, depth, head)) = open else { continue };
        if indent == depth && line.ends_with('}') {
            found.push((from + 1, number - from + 1, head.to_owned()));
            open = None;
        }
    }
    found
}

#[test]
fn functions_stay_short() {
    let mut long = Vec::new();
    for (path, text) in src() {
        let over = functions(&text).into_iter().filter(|(_, lines, _)| *lines > LONGEST_FUNCTION);
        long.extend(over.map(|(from, lines, head)| format!("{path}:{from}: {lines} lines: {head}")));
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn the_rule_bites() {
    let text = "use crate::{domain::plan::Plan, io::store::Store};\nfn f() { crate::tui::draw(); }\n";
    assert_eq!(used_parts(&code(text)), ["domain", "io", "tui"]);
    let long = format!("    fn long() {{\n{}    }}\n    fn short() {{}}\n", "        x();\n".repeat(70));
    assert_eq!(functions(&long), [(1, 72, "fn long() {".to_owned()), (73, 1, "fn short() {}".to_owned())]);
    assert_eq!(tests_of("job/plan.rs", "\n#[cfg(test)]\nmod tests;\n").as_deref(), Some("job/plan/tests.rs"));
    assert_eq!(tests_of("job/plan.rs", "\nmod tests;\n"), None);
    assert_eq!(used_parts(&code("// crate::tui\nlet a = \"crate::tui\";")), Vec::<String>::new());
}
