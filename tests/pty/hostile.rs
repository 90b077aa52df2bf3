//! Names that carry control sequences never reach the terminal as such (fault matrix row V10).

use crate::{
    review::{demo_at, leave, narrowed},
    tty::Home,
};

#[test]
fn a_hostile_name_is_text_and_nothing_else() {
    let home = Home::new();
    let mut tty = demo_at(&home, (200, 60));
    tty.type_keys("3");
    tty.wait_for("[3 Facilities]");
    tty.type_keys("t");
    // As planted: a colour, the bell, an override of the direction.
    let screen = narrowed(&mut tty, "[31m");
    assert!(screen.contains("<1B>[31m"), "{screen}");
    tty.type_keys("l");
    // Bell and override stand in the detail, where there is room for the whole name.
    tty.wait_for("<7> <202E>CH<1");
    tty.type_keys("a");
    tty.wait_for(" approved ");
    tty.type_keys("h\r2");
    tty.wait_for("[2 Properties]");
    tty.type_keys("L");
    tty.wait_for("esc close");
    tty.type_keys("\u{1b}");
    tty.wait_without("esc close");
    tty.type_keys("4");
    tty.wait_for("Type the number of changes to go ahead");
    let bytes = tty.bytes();
    leave(tty);
    for (name, raw) in [("colour", &b"\x1b[31m"[..]), ("bell", b"\x07"), ("override", "\u{202e}".as_bytes())] {
        assert!(!bytes.windows(raw.len()).any(|window| window == raw), "the {name} of the name came through");
    }
}
