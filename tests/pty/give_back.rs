//! The terminal is given back: after a fault, and never taken where there is none.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use crate::tty::{Home, ONSE, Tty};

/// An example program, which lies beside the tests.
fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(path.exists(), "`cargo test` builds it; for one test alone: cargo build --example {name}");
    path
}

#[test]
fn a_fault_in_drawing_gives_the_screen_back_first() {
    let home = Home::new();
    let fault = example("fault");
    let files = ["/logs/onse.log", "/reviews/2026Q2.review"];
    let mut tty = Tty::run(&home, fault.to_str().unwrap(), &files, (80, 24));
    tty.wait_for("any key breaks this");
    assert!(tty.is_taken());
    tty.type_keys("x");
    assert_eq!(tty.exit_code(), 101);
    assert!(!tty.is_taken());
    let said = tty.contents();
    for text in [
        "onse stopped because of a fault in the program",
        "the log file is /logs/onse.log",
        "your decisions are saved in /reviews/2026Q2.review; onse review /reviews/2026Q2.review goes on from there",
    ] {
        assert!(said.contains(text), "\"{text}\" is missing in:\n{said}");
    }
    assert!(!said.contains("any key"), "the words are on the screen of the shell:\n{said}");
    let first = said.lines().next().unwrap();
    assert!(first.starts_with("onse stopped"), "nothing else came before: {first}");
}

#[test]
fn without_a_terminal_it_says_what_to_use() {
    let home = Home::new();
    let settings = home.path("config.toml");
    fs::write(
        &settings,
        "default_profile = \"p\"\n[profiles.p.dhis2]\nurl = \"https://dhis2.invalid\"\nusername = \"u\"\n\
         [profiles.p.commcare]\nurl = \"https://hq.invalid\"\nproject = \"p\"\nusername = \"u@example.org\"\n",
    )
    .unwrap();
    let config = settings.to_str().unwrap();
    for (args, instead) in [
        (vec!["demo"], "onse sandbox"),
        (vec!["review", "--config", config], "onse plan -o FILE"),
        (vec!["review", "--config", config, "some.review"], "onse show FILE"),
    ] {
        let output = home.command(&args).stdin(Stdio::null()).output().unwrap();
        refused(output.status.code().unwrap(), &output.stdout, &String::from_utf8(output.stderr).unwrap(), instead);

        // A person at a terminal who sends the output elsewhere is in the same place.
        let script = "\"$0\" \"$@\" >out; echo ended $?";
        let mut tty = Tty::run(&home, "sh", &[&["-c", script, ONSE], &args[..]].concat(), (80, 24));
        assert_eq!(tty.exit_code(), 0);
        assert!(!tty.is_taken());
        let said = String::from_utf8(tty.bytes()).unwrap();
        assert!(said.trim_end().ends_with("ended 2"), "{said}");
        refused(2, &fs::read(home.path("home/out")).unwrap(), &said, instead);
    }
    assert!(home.reviews().is_empty());
}

#[track_caller]
fn refused(code: i32, out: &[u8], said: &str, instead: &str) {
    assert_eq!((code, out), (2, &b""[..]), "{said}");
    assert!(said.contains("needs a terminal") && said.contains(instead), "{said}");
    assert!(said.chars().all(|c| !c.is_control() || c == '\n' || c == '\r'), "{said:?}");
}
