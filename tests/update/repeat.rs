//! V09 of the fault matrix: a key that is held down. It decides a STOP never, asks the same thing again and again at most, and is
//! never the answer to what it asked.

use super::*;
use onse::{
    domain::ledger::Step,
    tui::keymap::{self, Scope},
};

/// How often a held key comes.
const TIMES: usize = 300;

#[test]
fn v09_a_held_key_never_approves_a_stop() {
    for (screen, first) in [
        (Screen::Facilities, ""),
        (Screen::Facilities, "l"),
        (Screen::Facilities, "vG"),
        (Screen::Facilities, "lvG"),
        (Screen::Properties, ""),
        (Screen::Properties, "l"),
        (Screen::Properties, "lvG"),
    ] {
        for key in ["a", "A", "<space>", "0", "O", "m", "v", "u", "U", "y"] {
            let mut desk = Desk::on(screen);
            desk.keys(first).keys(&key.repeat(TIMES));
            let (approved, stop) = (desk.approved(), (STOP.facility, STOP.property));
            assert!(!approved.contains(&stop), "{screen:?} {first} {key}: {approved:?}");
            // What bulk leaves for a question of its own is never among what a held key decided with others.
            for entry in desk.entries() {
                let Step::Decide { cells, .. } = entry.step else { continue };
                let flagged = cells.iter().any(|cell| [REVIEW, REVIEW2].contains(cell));
                assert!(!flagged || cells.len() == 1, "{screen:?} {first} {key}: {cells:?}");
            }
        }
    }
}

#[test]
fn v09_at_a_stop_the_held_key_is_text_until_enter() {
    let mut desk = cells();
    desk.keys(&"a".repeat(TIMES));
    assert_eq!(desk.approved(), [(0, 0)], "what came before it, and then the prompt");
    assert_eq!(desk.entries().len(), 1);
    assert!(matches!(&desk.model.ask, Some(onse::tui::model::Ask::Reason { cell: STOP, .. })));
    desk.keys("<esc>");
    assert_eq!((desk.approved().len(), desk.model.cell()), (1, Some(STOP)));
}

#[test]
fn v09_no_key_that_asks_is_the_key_that_answers_yes() {
    let yes = |scope: Scope| {
        let rows = keymap::TABLE.iter().filter(move |row| row.scope == scope);
        rows.flat_map(|row| row.keys.iter().copied()).collect::<Vec<_>>()
    };
    let asks = ["a", "A", "R", "C", "O", "space", "v"];
    for scope in [Scope::Question, Scope::Choice] {
        assert!(!yes(scope).is_empty());
        assert!(yes(scope).iter().all(|key| !asks.contains(key)), "{scope:?}: {:?}", yes(scope));
    }
}
