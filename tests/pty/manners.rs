//! The manners of a program in a terminal: sizes, colours, locales, pastes, key repeat, readers that stop (fault matrix rows
//! V01 to V09 and K22).

use std::process::Stdio;

use crate::{
    review::{demo, leave, narrowed},
    stop::slow,
    tty::{Home, ONSE, Tty},
};

/// What a size must not change: what is shown beside the status line, whatever it says now.
fn shown(screen: &str) -> Vec<String> {
    let lines: Vec<String> = screen.lines().map(str::to_owned).collect();
    lines[..lines.len() - 2].to_vec()
}

#[test]
fn v01_resized_to_20x5_and_back() {
    let home = Home::new();
    let mut tty = demo(&home);
    narrowed(&mut tty, "is:plain");
    tty.type_keys("jjl");
    // Copying says that everything before it was done.
    tty.type_keys("y");
    tty.wait_for(" copied 1 row (");
    let before = shown(&tty.wait_without("reading the category options"));
    tty.resize((20, 5));
    let small = tty.wait_for("60 x 16");
    assert!(small.lines().count() <= 5, "{small}");
    tty.type_keys("aA0rj");
    tty.resize((1, 1));
    tty.resize((20, 5));
    tty.wait_for("60 x 16");
    tty.resize((80, 24));
    let after = tty.wait_for("[3 Facilities]");
    assert_eq!(shown(&after), before);
    leave(tty);
    let counts = &home.show(&home.review())["counts"];
    assert_eq!((&counts["approved"], &counts["rejected"]), (&0.into(), &0.into()));
}

#[test]
fn v02_resize_storm_while_submitting() {
    let home = Home::new();
    let (_servers, said) = slow(&home, "100");
    let mut tty = Tty::onse(&home, &["review", "--config", said["config"].as_str().unwrap()], (80, 24));
    tty.wait_for("read; nothing has been written");
    narrowed(&mut tty, "is:plain");
    tty.type_keys("A");
    tty.wait_for(" any other key: no");
    tty.type_keys("y");
    tty.wait_for(" approved ");
    tty.type_keys("4");
    let screen = tty.wait_for("Type the number of changes to go ahead");
    let count = screen.split("This will write").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    tty.type_keys(&format!("{count}\r"));
    tty.wait_for(" Submitting to ");
    for n in 0..40_u16 {
        tty.resize((20 + (n * 37) % 160, 5 + (n * 13) % 50));
    }
    tty.resize((80, 24));
    let screen = tty.wait_for("Every change was read back with its new value.");
    assert!(screen.contains(&format!("{count} of {count} applied")), "{screen}");
    assert!(screen.contains("[4 Submit]") && screen.contains("? help"), "everything is drawn again:\n{screen}");
    leave(tty);
    let review = home.show(&home.review());
    let cells = review["facilities"].as_array().unwrap().iter().flat_map(|one| one["cells"].as_array().unwrap());
    let approved: Vec<_> = cells.filter(|cell| cell["verdict"] == "approve").collect();
    assert_eq!(approved.len(), count.replace(',', "").parse::<usize>().unwrap());
    assert!(approved.iter().all(|cell| cell["outcome"] == "APPLIED"), "{approved:?}");
}

/// The numbers of every sequence that sets how text looks.
fn looks(bytes: &[u8]) -> Vec<Vec<u16>> {
    let text = String::from_utf8_lossy(bytes);
    let end = |rest: &str| rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(rest.len());
    let looks = text.split("\u{1b}[").skip(1).filter(|rest| rest[end(rest)..].starts_with('m'));
    looks.map(|rest| rest[..end(rest)].split(';').filter_map(|n| n.parse().ok()).collect()).collect()
}

/// Every tab of the review, the help and a question.
fn tour(tty: &mut Tty) {
    for (key, text) in [("2", "[2 Properties]"), ("3", "[3 Facilities]"), ("?", "? close"), ("\u{1b}", "? help")] {
        tty.type_keys(key);
        tty.wait_for(text);
    }
    tty.type_keys("A");
    tty.wait_for("any other key: no");
    tty.type_keys("\u{1b}");
    tty.wait_without("any other key: no");
    tty.type_keys("4");
    tty.wait_for("There is no approved change to write.");
}

#[test]
fn v04_without_colour_nothing_is_coloured_and_with_colour_the_sixteen_are_enough() {
    for (env, coloured) in [(&[("NO_COLOR", "1")][..], false), (&[("TERM", "xterm-16color")], true)] {
        let home = Home::new();
        let mut tty = Tty::onse_with(&home, &["demo", "--facilities", "60"], (80, 24), env);
        tty.wait_for("read; nothing has been written");
        tour(&mut tty);
        let looks = looks(&tty.bytes());
        leave(tty);
        let colours: Vec<&Vec<u16>> = looks
            .iter()
            .filter(|look| look.iter().any(|n| matches!(n, 30..=38 | 40..=48 | 90..=97 | 100..=107)))
            .collect();
        assert_eq!(!colours.is_empty(), coloured, "{env:?}: {colours:?}");
        // Of the palette only the sixteen that the terminal's own theme decides, and never a background of ours.
        let of_sixteen = |look: &[u16]| match look {
            [38, 5, colour, rest @ ..] => *colour < 16 && rest.iter().all(|n| matches!(n, 39 | 49)),
            look => !look.iter().any(|n| matches!(n, 38 | 48 | 40..=47 | 100..=107)),
        };
        assert!(colours.iter().all(|look| of_sixteen(look)), "{env:?}: {colours:?}");
    }
}

#[test]
fn v05_a_locale_without_utf8_shows_ascii_only() {
    for env in [&[("LANG", "C")][..], &[("LC_ALL", "POSIX"), ("LANG", "de_DE.UTF-8")], &[("LANG", "de_DE.ISO-8859-1")]]
    {
        let home = Home::new();
        let mut tty = Tty::onse_with(&home, &["demo", "--facilities", "60"], (80, 24), env);
        tty.wait_for("read; nothing has been written");
        tour(&mut tty);
        tty.type_keys("3");
        tty.wait_for("[3 Facilities]");
        tty.type_keys("t");
        tty.wait_for("unchanged ones are shown");
        let bytes = tty.bytes();
        leave(tty);
        let strange: Vec<u8> = bytes.into_iter().filter(|byte| *byte > 127).collect();
        assert!(strange.is_empty(), "{env:?}: {strange:?}");
    }
}

fn paste(text: &str) -> String {
    format!("\u{1b}[200~{text}\u{1b}[201~")
}

#[test]
fn v08_ten_thousand_characters_are_pasted() {
    let home = Home::new();
    let mut tty = demo(&home);
    narrowed(&mut tty, "is:plain");
    let text = "aAry0\r".repeat(1_667);
    tty.type_keys(&paste(&text));
    tty.wait_for("nothing was done with what was pasted");
    // Into a prompt it goes as text, up to its length, and still runs no key.
    tty.type_keys("/");
    tty.wait_for("enter filter");
    tty.type_keys(&paste(&text));
    tty.wait_for("aAry0 aAry0   ]");
    tty.type_keys("\u{1b}");
    tty.wait_without("enter filter");
    // On Submit the count is not pasted.
    tty.type_keys("a");
    tty.wait_for(" approved ");
    tty.type_keys("4");
    let screen = tty.wait_for("Type the number of changes to go ahead");
    let count = screen.split("This will write").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    tty.type_keys(&paste(&format!("{count}\r")));
    tty.wait_for("the count is typed by hand; nothing was done with what was pasted");
    leave(tty);
    let counts = &home.show(&home.review())["counts"];
    assert_eq!((counts["approved"].to_string(), &counts["rejected"], &counts["sent"]), (count, &0.into(), &0.into()));
}

#[test]
fn v09_a_held_key_never_takes_a_stop() {
    let home = Home::new();
    let mut tty = demo(&home);
    narrowed(&mut tty, "is:stop");
    tty.type_keys("l");
    // Faster than any keyboard repeats.
    tty.type_keys(&"a".repeat(500));
    tty.wait_for("aaaa  ]");
    tty.type_keys("\u{1b}");
    tty.wait_without("esc no");
    leave(tty);
    let review = home.show(&home.review());
    let cells = review["facilities"].as_array().unwrap().iter().flat_map(|one| one["cells"].as_array().unwrap());
    let stops =
        |cell: &&serde_json::Value| cell["flags"].as_array().unwrap().iter().any(|flag| flag["severity"] == "STOP");
    let stops: Vec<_> = cells.filter(stops).collect();
    assert!(!stops.is_empty() && stops.iter().all(|cell| cell["verdict"].is_null()), "{stops:?}");
}

#[test]
fn k22_a_reader_that_stops_is_no_fault() {
    let home = Home::new();
    leave(demo(&home));
    let file = home.review().display().to_string();
    for args in ["", "--json", "--trail"] {
        // The status of the program, not of head.
        let script = format!("{{ \"$0\" show \"$1\" {args}; echo $? >status; }} | head -c 20 >read");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script, ONSE, &file]).env_clear().envs(home.env()).current_dir(home.path("home"));
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.stderr.is_empty() && output.stdout.is_empty(), "{args}: {output:?}");
        assert_eq!(std::fs::read(home.path("home/read")).unwrap().len(), 20, "{args}");
        let status = std::fs::read_to_string(home.path("home/status")).unwrap();
        assert_eq!(status.trim(), "0", "{args}");
    }
}
