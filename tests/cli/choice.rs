//! The choice for a monthly data set: on the command line for a new plan, on screen for a review that is there already.

use std::fs;

use onse::sandbox::{MONTHLY_LAST, MONTHLY_SET, MONTHLY_SUM};

use crate::{
    rig::{Home, Servers, ready},
    terminal::Terminal,
};

/// Settings whose mapping is of a monthly data set.
fn monthly() -> (Home, Servers) {
    let (home, servers) = ready();
    let rows = format!("fever,{MONTHLY_SUM},{MONTHLY_SET},\nors,{MONTHLY_LAST},{MONTHLY_SET},\n");
    let text = format!("case_property,data_element_id,data_set_id,dhis2_name\n{rows}");
    fs::write(home.path("monthly.csv"), text).unwrap();
    (home, servers)
}

const MAPPING: [&str; 2] = ["--mapping", "monthly.csv"];

fn plan(home: &Home, file: &str, more: &[&str], code: i32) {
    home.run(&[&["plan", "-o", file, "--no-history"], &MAPPING[..], more].concat()).ok(code);
}

fn values(home: &Home, file: &str) -> (serde_json::Value, usize) {
    let shown = home.run(&["show", file, "--json"]).ok(0).json();
    let cells = crate::rig::cells(&shown);
    (shown["facilities"].clone(), cells.iter().filter(|(_, cell)| !cell["new"].is_null()).count())
}

#[test]
fn the_choice_on_screen_gives_what_the_one_on_the_command_line_gives() {
    let (home, _servers) = monthly();
    plan(&home, "early.review", &["--finer", &format!("{MONTHLY_SET}=sum")], 3);
    plan(&home, "late.review", &[], 0);
    assert_eq!(values(&home, "late.review").1, 0, "nothing is chosen silently");
    let mut terminal = Terminal::start(&home, &[&["review", "late.review"][..], &MAPPING].concat());
    terminal.shows("enter: sum, last or leave out");
    terminal.press("gj\r");
    terminal.shows("quarter made of them? Both sides");
    terminal.press("s");
    terminal.shows("read again: 0 decisions kept, 0 reset");
    terminal.press("q");
    assert_eq!(terminal.end().0, 0);
    let (early, late) = (values(&home, "early.review"), values(&home, "late.review"));
    assert!(early.1 > 20, "{early:?}");
    assert_eq!(early, late);
}

#[test]
fn a_review_without_the_servers_says_that_it_cannot_be_read_again() {
    let (home, _servers) = monthly();
    plan(&home, "late.review", &[], 0);
    let mut terminal = Terminal::start(&home, &["review", "late.review", "--offline"]);
    terminal.shows("enter: sum, last or leave out");
    terminal.press("F");
    terminal.shows("not read again: this review was opened without the servers (--offline)");
    terminal.press("q");
    assert_eq!(terminal.end().0, 0);
}
