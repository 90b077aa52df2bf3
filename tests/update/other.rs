//! Help, message log, leaving, suspending, random keys.

use super::*;
use onse::tui::{
    keymap::{Action, TABLE},
    model::Over,
    msg::Signal,
};
use proptest::prelude::*;

fn listed(desk: &Desk) -> Vec<Action> {
    match &desk.model.over {
        Some(Over::Help { rows, .. }) => rows.all.iter().map(|at| TABLE[*at].action).collect(),
        other => panic!("no help but {other:?}"),
    }
}

#[test]
fn help_lists_this_screen_narrows_and_runs() {
    let mut desk = cells();
    desk.keys("a?");
    assert!(listed(&desk).contains(&Action::Approve) && !listed(&desk).contains(&Action::Send));
    desk.keys("UNDO");
    assert_eq!(listed(&desk), [Action::Undo, Action::Redo]);
    desk.keys("<enter>");
    assert!(desk.model.over.is_none());
    assert_eq!(desk.approved(), []);
    assert_eq!(desk.entries().len(), 2);
}

#[test]
fn help_says_why_something_cannot_be_done() {
    let mut desk = cells();
    desk.keys("<f1>redo<enter>");
    assert_eq!(desk.status(), "nothing to redo");
}

#[test]
fn letters_in_the_help_search_and_decide_nothing() {
    let mut desk = cells();
    desk.keys("?arqA4");
    assert_eq!((desk.entries(), desk.model.leaving, desk.model.screen), (vec![], false, Screen::Facilities));
    desk.keys("<enter>");
    assert!(desk.model.over.is_none(), "nothing matches, nothing runs");
    desk.keys("?<esc>");
    assert!(desk.model.over.is_none());
}

#[test]
fn the_selection_in_the_help_moves() {
    let mut desk = cells();
    desk.keys("?<down><down>");
    assert!(matches!(&desk.model.over, Some(Over::Help { rows, .. }) if rows.at == 2));
}

#[test]
fn esc_never_leaves_and_never_decides() {
    for screen in Screen::ALL {
        let mut desk = Desk::on(screen);
        desk.keys("<esc><esc><esc><esc>");
        assert!(!desk.model.leaving && desk.entries().is_empty() && !desk.sends());
    }
}

#[test]
fn leaving_suspending_drawing_again() {
    let mut desk = cells();
    desk.keys("<ctrl-l><ctrl-z>");
    assert_eq!(desk.cmds[0], Cmd::Redraw);
    assert_eq!(desk.cmds.last(), Some(&Cmd::Suspend));
    desk.keys("<ctrl-c>");
    assert_eq!((desk.cmds.last(), desk.model.leaving), (Some(&Cmd::Quit), true));
}

#[test]
fn leaving_by_ctrl_c_or_a_signal_is_an_interruption() {
    let mut desk = cells();
    desk.keys("q");
    assert!(desk.model.leaving && !desk.model.interrupted);
    let mut desk = cells();
    desk.keys("<ctrl-c>");
    assert!(desk.model.leaving && desk.model.interrupted);
    for signal in [Signal::Interrupt, Signal::Terminate] {
        let mut desk = cells();
        desk.tell(Msg::Signal(signal));
        assert!(desk.model.leaving && desk.model.interrupted, "{signal:?}");
    }
}

#[test]
fn leaving_while_reading_keeps_what_came() {
    let mut desk = Desk::new();
    desk.keys("q");
    assert_eq!(desk.cmds, [Cmd::CancelRead, Cmd::Quit]);
}

fn any_key() -> impl Strategy<Value = &'static str> {
    let keys: Vec<&'static str> = TABLE.iter().flat_map(|row| row.keys.iter().copied()).collect();
    prop_oneof![4 => prop::sample::select(keys), 1 => prop::sample::select(vec!["x", "y", "delete", "é", "5", "alt-b"])]
}

proptest! {
    /// Any keys at any size: nothing panics, cursors stay on rows, the log replays to the state on screen, and nothing is
    /// sent but the number that was typed.
    #[test]
    fn any_keys_keep_the_promises(keys in prop::collection::vec(any_key(), 0..120), width in 0_u16..200, height in 0_u16..60) {
        let mut desk = Desk::on(Screen::Facilities);
        desk.tell(Msg::Resize(width, height));
        for key in keys {
            let before = desk.review().ledger.all();
            let (screen, typed) = (desk.model.screen, desk.model.submit.typed.clone());
            desk.cmds.clear();
            desk.tell(Msg::Key(Press::parse(key).unwrap()));
            for cmd in desk.cmds.clone() {
                match cmd {
                    Cmd::Check(job) => {
                        let changes = desk.review().ledger.to_send(&desk.review().plan).count();
                        desk.tell(Msg::Checked(job, Ok(Box::new(Check { changes, ..Check::default() }))));
                    }
                    Cmd::Submit { count, .. } => {
                        prop_assert_eq!(screen, Screen::Submit);
                        prop_assert_eq!(typed.parse::<usize>().ok(), Some(count));
                    }
                    _ => {}
                }
            }
            if desk.entries().is_empty() {
                prop_assert_eq!(before, desk.review().ledger.all(), "{} decided without a record", key);
            }
            let review = desk.review();
            for (at, len) in [
                (review.list.at, review.list.all.len()),
                (review.cells.at, review.cells.all.len()),
                (review.column.at, review.column.all.len()),
            ] {
                prop_assert!(at < len.max(1));
            }
        }
    }

    /// Replaying what was sent to disk gives the counts on screen.
    #[test]
    fn the_log_replays_to_the_screen(keys in prop::collection::vec(prop::sample::select(vec![
        "a", "r", "c", "space", "A", "R", "C", "y", "u", "U", "j", "k", "n", "l", "h", "tab", "2", "3", "t", "enter", "x",
    ]), 0..150)) {
        let mut desk = Desk::on(Screen::Facilities);
        for key in keys {
            desk.tell(Msg::Key(Press::parse(key).unwrap()));
        }
        let again = Ledger::replay(&desk.review().plan, &desk.entries()).unwrap();
        prop_assert_eq!(again.all(), desk.review().ledger.all());
    }
}

#[test]
fn two_keys_that_look_around_never_decide() {
    let mut desk = cells();
    for keys in ["?<enter>", "<esc>?<down><enter>", "<esc>?<down><down><enter>"] {
        desk.keys(keys);
        assert!(desk.entries().is_empty() && desk.model.over.is_some(), "{keys}");
        assert!(desk.status().starts_with("type its name first"), "{}", desk.status());
    }
    desk.keys("<esc>?reject<enter>");
    assert_eq!(desk.entries().len(), 1, "what was searched for by its name is done");
}
