//! The guides against the command line: every command that a block of one shows can be typed.

use std::path::{Path, PathBuf};

use clap::Parser as _;

use super::Line;

/// The guides.
fn guides() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut guides: Vec<PathBuf> = docs
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .chain([root.join("README.md")])
        .collect();
    guides.sort();
    guides
}

/// The lines of blocks for a shell.
fn commands(text: &str) -> Vec<&str> {
    let mut within = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(kind) => within = !within && kind == "sh",
            None if within => found.push(line),
            None => {}
        }
    }
    found
}

/// The words of a command as a shell would take them apart, up to a comment or a redirection.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#' | '>' | '|') if word.is_none() => return words,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[test]
fn every_command_of_the_guides_can_be_typed() {
    let mut tried = 0;
    for guide in guides() {
        let text = std::fs::read_to_string(&guide).unwrap();
        for line in commands(&text) {
            let words = words(line);
            // A line of a crontab has its time before the command.
            let Some(at) = words.iter().position(|word| word == "onse") else { continue };
            tried += 1;
            if let Err(told) = Line::try_parse_from(&words[at..]) {
                assert!(!told.use_stderr(), "{}: {line}\n{told}", guide.display());
            }
        }
    }
    assert!(tried > 40, "{tried}");
}

#[test]
fn words_are_taken_apart_as_a_shell_does() {
    assert_eq!(
        words("onse show q --where 'is:stop -a' \"b c\" ''   # why"),
        ["onse", "show", "q", "--where", "is:stop -a", "b c", ""]
    );
    assert_eq!(words("onse plan --json > out"), ["onse", "plan", "--json"]);
}
