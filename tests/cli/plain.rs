//! The review in lines without a terminal: looking works, deciding is refused with exit code 2 (fault matrix row V03).

use std::{io::Write as _, process::Stdio};

use crate::rig::{Home, Ran};

/// `onse` with these lines on its standard input.
fn piped(home: &Home, args: &[&str], lines: &str) -> Ran {
    let mut command = home.command(args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn is_plain(ran: &Ran) {
    let acts = |c: char| c.is_control() && c != '\n';
    assert!(!ran.out.contains(acts) && !ran.err.contains(acts), "{ran:?}");
    // No LANG: ASCII alone, whatever names hold.
    assert!(ran.out.is_ascii(), "{ran:?}");
}

const DEMO: [&str; 4] = ["demo", "--plain", "--facilities", "20"];

#[test]
fn v03_looking_goes_through_a_pipe() {
    let home = Home::new();
    let ran = piped(&home, &DEMO, "left\nn\nprop 2\np 1\noverview\nf is:stop\n").ok(0);
    is_plain(&ran);
    for part in
        ["facility 1 of ", "> left\n", "property 2 of 21: ", "   data set ", "cells    ", "> f is:stop\nshown: "]
    {
        assert!(ran.out.contains(part), "\"{part}\" is missing in {}", ran.out);
    }
    let file = home.reviews().remove(0).display().to_string();
    let show = || home.run(&["show", &file, "--json"]).ok(0).out;
    let before = show();
    // Looking leaves the place of the person alone, too.
    for _ in 0..2 {
        let ran = piped(&home, &["review", &file, "--offline", "--plain"], "f is:stop\nn\nq\na\n").ok(0);
        let first = ran.out.lines().find(|line| line.starts_with("facility ")).unwrap();
        assert!(first.starts_with("facility 1 of "), "{first}");
        assert!(ran.out.contains("\nfacility 2 of ") && ran.out.ends_with("> q\n"), "nothing after q: {}", ran.out);
        is_plain(&ran);
    }
    assert_eq!(before, show());
}

#[test]
fn the_command_that_opens_the_review_of_a_demo_again_can_be_copied() {
    let home = Home::new();
    let scratch = home.path("to try");
    std::fs::create_dir(&scratch).unwrap();
    let home = home.with("TMPDIR", scratch.to_str().unwrap());
    let ran = piped(&home, &DEMO, "q\n").ok(0);
    let file = home.reviews().remove(0);
    assert!(file.starts_with(&scratch), "{}", file.display());
    assert!(ran.err.contains(&format!("onse review --offline '{}'", file.display())), "{}", ran.err);
}

#[test]
fn v03_deciding_through_a_pipe_is_refused_with_exit_2() {
    let home = Home::new();
    let ran = piped(&home, &DEMO, "a\nA\ny\nr 1\nsubmit\n0\nleft\n").ok(2);
    is_plain(&ran);
    assert!(ran.out.contains("refused, nothing was done: interactive approval is refused"), "{}", ran.out);
    assert!(
        ran.out.contains("onse decide is for scripts") && ran.out.contains("approved 0, rejected 0."),
        "{}",
        ran.out
    );
    let file = home.reviews().remove(0).display().to_string();
    let shown = home.run(&["show", &file, "--json"]).ok(0).json();
    assert_eq!((&shown["counts"]["approved"], &shown["counts"]["rejected"]), (&0.into(), &0.into()));
}

#[test]
fn v03_without_a_terminal_the_way_in_lines_is_named() {
    let home = Home::new();
    home.run(&["demo"]).refused(2, &["the review needs a terminal on both sides; --plain prints it in lines"]);
    home.run(&["review", "no.review"]).refused(2, &["--plain", "onse show FILE, onse decide FILE"]);
}

#[test]
fn k22_a_reader_that_leaves_ends_it_quietly() {
    let home = Home::new();
    let mut command = home.command(&DEMO);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    // It ends although more lines could come.
    let keys = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(keys);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains("panic") && !said.to_lowercase().contains("broken pipe"), "{said}");
}
