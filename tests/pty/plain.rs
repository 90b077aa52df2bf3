//! The review in lines in a terminal that cannot be drawn on (fault matrix rows V13 and K20).

use std::time::Duration;

use crate::{
    stop::telling,
    tty::{Home, ONSE, Tty},
};

/// The demo in lines. The terminal is wide, so that no line is wrapped.
fn demo(home: &Home) -> Tty {
    let script = format!("TERM=dumb exec {ONSE} demo --facilities 60");
    let tty = Tty::run(home, "sh", &["-c", &script], (300, 200));
    tty.wait_for("q leave; ? help\n>");
    tty
}

/// Types a line and waits for a text and the next prompt. What was on screen before is forgotten.
#[track_caller]
fn say(tty: &mut Tty, text: &str, answer: &str) -> String {
    tty.forget();
    tty.type_keys(&format!("{text}\n"));
    tty.wait_for(answer)
}

/// The number of the first row with this text.
fn row(screen: &str, text: &str) -> String {
    let line = screen.lines().find(|line| line.contains(text)).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn v13_the_whole_review_in_lines() {
    let home = Home::new();
    let mut tty = demo(&home);
    assert!(tty.contents().contains("this terminal cannot be drawn on (TERM), so the review goes in lines"));
    say(&mut tty, "f is:plain", "shown: ");
    let screen = say(&mut tty, "a", "approved ");
    let approved = screen.split("approved ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    // A STOP with a reason, and one that is not approved.
    let screen = say(&mut tty, "f is:stop", "STOP: ");
    let stop = row(&screen, "STOP: ");
    say(&mut tty, &format!("a {stop}"), "reason to approve the STOP (empty: no):");
    say(&mut tty, "seen in the register", "approved ");
    say(&mut tty, "n", "facility 2 of ");
    say(&mut tty, "a 1", "(empty: no):");
    say(&mut tty, "", "no; nothing was decided.");
    // Rejected, taken back, rejected again.
    say(&mut tty, "r 1", "rejected ");
    say(&mut tty, "u", "undone: rejected ");
    say(&mut tty, "r 1", "rejected ");
    say(&mut tty, "left", "rejected 1.");
    // Sent by its number only.
    say(&mut tty, "submit", "number of changes (empty: no):");
    say(&mut tty, "y", "y is not the number of changes");
    say(&mut tty, "submit", "number of changes (empty: no):");
    let count = (approved.parse::<usize>().unwrap() + 1).to_string();
    say(&mut tty, &count, "every change was read back with its new value.");
    tty.type_keys("q\n");
    assert_eq!(tty.exit_code(), 0);
    assert!(!tty.bytes().contains(&0x1b), "{}", tty.contents());

    let review = home.show(&home.review());
    let cells: Vec<_> =
        review["facilities"].as_array().unwrap().iter().flat_map(|one| one["cells"].as_array().unwrap()).collect();
    let with = |verdict: &str| cells.iter().filter(|cell| cell["verdict"] == verdict).collect::<Vec<_>>();
    assert_eq!((with("approve").len().to_string(), with("reject").len()), (count, 1));
    assert!(with("approve").iter().all(|cell| cell["outcome"] == "APPLIED"));
    let flagged = with("approve").iter().filter(|cell| cell["flags"].to_string().contains("\"STOP\"")).count();
    assert_eq!(flagged, 1);
}

#[test]
fn v13_ctrl_c_and_the_end_of_input_leave_and_keep_what_was_decided() {
    for (keys, code) in [("\u{3}", 130), ("\u{4}", 0)] {
        let home = Home::new();
        let mut tty = demo(&home);
        say(&mut tty, "f is:plain", "shown: ");
        say(&mut tty, "a", "approved ");
        tty.wait_for("\n>");
        tty.type_keys(keys);
        assert_eq!(tty.exit_code(), code);
        assert!(tty.contents().contains("the review of the demo is in "), "{}", tty.contents());
        assert_ne!(home.show(&home.review())["counts"]["approved"], 0);
    }
}

#[test]
fn k20_ctrl_c_while_sending_goes_a_step_further_each_time() {
    let home = Home::new();
    // A form that is sent gets no answer.
    let (_servers, config, form) = telling(&home);
    let script = format!("TERM=dumb exec {ONSE} review --config '{config}'");
    let mut tty = Tty::run(&home, "sh", &["-c", &script], (300, 200));
    tty.wait_for("q leave; ? help\n>");
    say(&mut tty, "f is:plain", "shown: ");
    say(&mut tty, "a", "approved ");
    let screen = say(&mut tty, "submit", "number of changes (empty: no):");
    let count = screen.split("this will write ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    say(&mut tty, &count, "ctrl-c stops after the form under way.");
    // Before that it stops between forms, and nothing is open.
    form.recv_timeout(Duration::from_mins(1)).unwrap();
    tty.type_keys("\u{3}");
    tty.wait_for("stopping after the form under way; ctrl-c lets go of it (UNKNOWN)");
    tty.type_keys("\u{3}");
    tty.wait_for("letting go of the form under way, it becomes UNKNOWN; ctrl-c leaves");
    // The review goes on, and what is open is in the file.
    say(&mut tty, "left", "rejected 0.");
    tty.type_keys("\u{3}");
    assert_eq!(tty.exit_code(), 4);
    let review = home.show(&home.review());
    let cells = review["facilities"].as_array().unwrap().iter().flat_map(|one| one["cells"].as_array().unwrap());
    let outcomes: Vec<_> = cells.filter(|cell| cell["verdict"] == "approve").map(|cell| &cell["outcome"]).collect();
    assert!(
        outcomes.len().to_string() == count && outcomes.iter().all(|outcome| **outcome == "UNKNOWN"),
        "{outcomes:?}"
    );
}

#[test]
fn a_note_is_in_the_review_file() {
    let home = Home::new();
    let mut tty = demo(&home);
    say(&mut tty, "m 1 the clerk looks it up", "noted ");
    say(&mut tty, "sort name", "sorted by name; g 1 goes to the first.");
    tty.wait_for("note: the clerk looks it up");
    tty.type_keys("q\n");
    assert_eq!(tty.exit_code(), 0);
    let file = home.review().display().to_string();
    let script = format!("TERM=dumb exec {ONSE} review '{file}' --offline");
    let mut tty = Tty::run(&home, "sh", &["-c", &script], (300, 200));
    tty.wait_for("q leave; ? help\n>");
    say(&mut tty, "f note:clerk", "note: the clerk looks it up");
    say(&mut tty, "u", "undone: noted ");
    tty.type_keys("q\n");
    assert_eq!(tty.exit_code(), 0);
}
