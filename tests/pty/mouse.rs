//! Mouse and clipboard in the real terminal.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    review::{demo, leave},
    tty::Home,
};

/// A click with the first button, as a terminal reports it: columns and lines count from 1.
fn click(column: usize, line: usize) -> String {
    format!("\u{1b}[<0;{};{}M\u{1b}[<0;{};{}m", column + 1, line + 1, column + 1, line + 1)
}

/// Where a text stands on a screen, in columns and lines from 0.
fn place(screen: &str, text: &str) -> (usize, usize) {
    let found = screen.lines().enumerate().find_map(|(line, row)| {
        let (before, _) = row.split_once(text)?;
        Some((onse::domain::text::width(before), line))
    });
    assert!(found.is_some(), "no {text} on\n{screen}");
    found.unwrap()
}

#[test]
fn a_click_opens_a_tab_puts_the_cursor_and_decides_nothing() {
    let home = Home::new();
    let mut tty = demo(&home);
    let (column, line) = place(&tty.contents(), "3 Facilities");
    tty.type_keys(&click(column, line));
    let screen = tty.wait_for("[3 Facilities]");
    assert!(screen.contains('▌'), "{screen}");
    tty.type_keys(&click(4, 9));
    tty.wait_for("\n▌");
    let (column, line) = place(&tty.contents(), "a approve");
    tty.type_keys(&click(column, line));
    tty.wait_for("the mouse decides and sends nothing: press a");
    tty.type_keys("\u{1b}[<65;5;10M\u{1b}[<65;5;10M");
    let (column, line) = place(&tty.contents(), "? help");
    tty.type_keys(&click(column, line));
    let screen = tty.wait_for("? close");
    let (column, line) = place(&screen, "? close");
    tty.type_keys(&click(column, line));
    tty.wait_for("? help");
    leave(tty);
    assert_eq!(home.show(&home.review())["counts"]["approved"], 0);
}

#[test]
fn a_row_goes_to_the_clipboard_of_the_terminal() {
    let home = Home::new();
    let mut tty = demo(&home);
    tty.type_keys("3");
    tty.wait_for("[3 Facilities]");
    tty.type_keys("Y");
    tty.wait_for(" copied ");
    let bytes = tty.bytes();
    leave(tty);
    let text = String::from_utf8_lossy(&bytes);
    let sent = text.split("\u{1b}]52;c;").nth(1).unwrap().split(['\u{1b}', '\u{7}']).next().unwrap();
    let copied = String::from_utf8(STANDARD.decode(sent).unwrap()).unwrap();
    assert!(copied.starts_with("facility\torganisation unit\tcase id\tproperty\t"), "{copied}");
    assert!(copied.lines().count() > 20, "{copied}");
}
