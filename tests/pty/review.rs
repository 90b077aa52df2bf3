//! A person's work in the real terminal: looking, deciding, sending, coming back.

use std::{fs, path::PathBuf};

use crate::tty::{Home, Tty, files};

/// A review of a small country.
pub(crate) fn demo(home: &Home) -> Tty {
    demo_at(home, (80, 24))
}

/// The same in a terminal of another size.
pub(crate) fn demo_at(home: &Home, size: (u16, u16)) -> Tty {
    let tty = Tty::onse(home, &["demo", "--facilities", "60"], size);
    tty.wait_for("read; nothing has been written");
    tty
}

/// The list of facilities, narrowed by these words.
pub(crate) fn narrowed(tty: &mut Tty, words: &str) -> String {
    tty.type_keys("3");
    tty.wait_for("[3 Facilities]");
    tty.type_keys(&format!("/{words}\r"));
    tty.wait_for(" shown\n")
}

/// Ends the review and checks that the terminal is as it was.
pub(crate) fn leave(mut tty: Tty) -> String {
    tty.type_keys("q");
    assert_eq!(tty.exit_code(), 0);
    assert!(!tty.is_taken());
    // The answer to a question after the cursor would come among the keys.
    assert!(!tty.bytes().windows(4).any(|window| window == b"\x1b[6n"));
    tty.contents()
}

#[test]
fn the_demo_opens_shows_counts_and_writes_only_what_it_names() {
    let home = Home::new();
    let tty = demo(&home);
    let screen = tty.contents();
    for text in ["Decided 0 of ", " in scope", "STOP      one by one, with a reason"] {
        assert!(screen.contains(text), "\"{text}\" is missing on:\n{screen}");
    }
    assert!(tty.is_taken());
    let said = leave(tty);

    let temporary: Vec<PathBuf> = fs::read_dir(home.path("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [folder] = temporary.as_slice() else { panic!("not one folder: {temporary:?}") };
    assert!(said.contains(&format!("is in {}; nothing else was written", folder.display())), "{said}");
    assert_eq!(home.review().parent(), Some(folder.as_path()));
    for name in ["home", "data"] {
        assert_eq!(files(&home.path(name)), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_facility_is_approved_sent_and_read_back() {
    let home = Home::new();
    let mut tty = demo(&home);
    narrowed(&mut tty, "is:plain");
    tty.type_keys("a");
    tty.wait_for(" approved ");
    tty.type_keys("4");
    let screen = tty.wait_for("Type the number of changes to go ahead");
    let count = screen.split("This will write").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    tty.type_keys(&format!("{count}9\r"));
    tty.wait_for("nothing was written");
    tty.type_keys(&format!("{count}\r"));
    let screen = tty.wait_for("Every change was read back with its new value.");
    assert!(screen.contains("APPLIED") && screen.contains(&format!("{count} of {count} applied")), "{screen}");
    leave(tty);

    let review = home.show(&home.review());
    assert_eq!(review["counts"]["approved"].to_string(), count);
    assert_eq!(review["counts"]["sent"].to_string(), count);
    let cells =
        review["facilities"].as_array().unwrap().iter().flat_map(|facility| facility["cells"].as_array().unwrap());
    let approved: Vec<_> = cells.filter(|cell| cell["verdict"] == "approve").collect();
    assert_eq!(approved.len().to_string(), count);
    assert!(approved.iter().all(|cell| cell["outcome"] == "APPLIED"), "{approved:?}");
}

/// The facility under the cursor, and its properties with their marks.
fn place(screen: &str) -> (String, Vec<String>) {
    let halves: Vec<_> = screen.lines().filter_map(|line| line.split_once('│')).collect();
    let facility = halves.iter().find_map(|(list, _)| list.strip_prefix('▌')).unwrap();
    let marks = halves.iter().map(|(_, cells)| cells.trim_start_matches(['▌', ' ']).to_owned());
    let name = facility.trim_start_matches(|c: char| !c.is_alphabetic()).split("  ").next().unwrap();
    (name.to_owned(), marks.filter(|cell| cell.starts_with('[')).collect())
}

#[test]
fn decisions_and_place_survive_leaving_and_undo_goes_on() {
    let home = Home::new();
    let mut tty = demo(&home);
    narrowed(&mut tty, "is:plain");
    tty.type_keys("jjl ");
    tty.wait_for(" approved ");
    tty.type_keys("jr");
    let (facility, marks) = place(&tty.wait_for(" rejected "));
    let marked = |marks: &[String], mark: &str| marks.iter().filter(|cell| cell.starts_with(mark)).count();
    assert_eq!((marked(&marks, "[✓]"), marked(&marks, "[✗]")), (1, 1), "{marks:?}");
    leave(tty);

    let file = home.review().display().to_string();
    let mut tty = Tty::onse(&home, &["review", &file, "--offline"], (80, 24));
    let screen = tty.wait_for("went on where you left: Facilities");
    assert_eq!(place(&screen), (facility.clone(), marks.clone()));
    tty.type_keys("u");
    let screen = tty.wait_for(" undone: ");
    let (still, undone) = place(&screen);
    assert_eq!((still, marked(&undone, "[✓]"), marked(&undone, "[✗]")), (facility, 1, 0), "{screen}");
    tty.type_keys("U");
    let (_, again) = place(&tty.wait_for(" done again: "));
    assert_eq!(again, marks);
    leave(tty);
    assert_eq!(home.show(&home.review())["counts"]["rejected"], 1);
}

#[test]
fn a_window_too_small_says_so_and_harms_nothing() {
    let home = Home::new();
    let mut tty = demo(&home);
    narrowed(&mut tty, "is:plain");
    tty.type_keys("jj ");
    tty.wait_for(" approved ");
    // Nothing may be drawn any more but because of the new size: keys that come together with it can be overlooked.
    let before = place(&tty.wait_without("reading the category options"));
    tty.resize((40, 10));
    let screen = tty.wait_for("This window is 40 x 10.");
    assert!(screen.contains("60 x 16"), "{screen}");
    // What would decide, move, submit or ask does nothing here.
    tty.type_keys("ujr4A?");
    tty.forget();
    tty.type_keys("\u{c}");
    tty.wait_for("This window is 40 x 10.");
    tty.resize((80, 24));
    let screen = tty.wait_for("[3 Facilities]");
    assert_eq!(place(&screen), before, "{screen}");
    tty.resize((40, 10));
    tty.wait_for("This window is 40 x 10.");
    leave(tty);
}
