//! The rules of review-ux.md that hold for every key, one test each.

use super::*;
use onse::{
    domain::ledger::Step,
    tui::{
        keymap::{self, TABLE},
        layout::Shape,
    },
};

#[test]
fn rule_1_no_key_for_looking_around_decides_or_sends() {
    for screen in Screen::ALL {
        for keys in [
            "<enter>",
            "<esc>",
            "jkGg<ctrl-d><ctrl-u>",
            "hl<tab><shift-tab>",
            "np][",
            "t/x<enter>",
            "?<esc>L<esc>",
            "1234",
        ] {
            let mut desk = Desk::on(screen);
            desk.ready(0);
            desk.keys(&screen.digit().to_string()).keys(keys);
            assert_eq!((desk.entries(), desk.sends()), (vec![], false), "{screen:?} {keys}");
        }
    }
}

#[test]
fn rule_2_one_key_undoes_a_decision_of_any_size_in_any_screen() {
    for keys in ["a", "r", "Ay", "Ry", "lja reason<enter>", "2Ay"] {
        let mut desk = Desk::on(Screen::Facilities);
        let before = desk.review().ledger.all();
        desk.keys(keys);
        assert_ne!(before, desk.review().ledger.all(), "{keys}");
        desk.keys("u");
        assert_eq!(before, desk.review().ledger.all(), "{keys}");
    }
}

#[test]
fn rule_2_undo_works_on_overview_and_says_what_it_undid() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("1u");
    assert_eq!(desk.status(), "nothing to undo");
    let before = desk.review().ledger.all();
    desk.keys("3Ay1");
    let decided = desk.review().ledger.all();
    assert_ne!(before, decided);
    desk.keys("u");
    assert!(desk.status().starts_with("undone: approved "), "{}", desk.status());
    assert_eq!(before, desk.review().ledger.all());
    assert!(matches!(desk.entries()[1].step, Step::Undo(1)));
    desk.keys("U");
    assert!(desk.status().starts_with("done again: approved "), "{}", desk.status());
    assert_eq!(decided, desk.review().ledger.all());
}

#[test]
fn rule_2_undo_works_across_restarts() {
    let mut first = Desk::on(Screen::Facilities);
    first.keys("Ay");
    let plan = plan();
    let ledger = Ledger::replay(&plan, &first.entries()).unwrap();
    let mut second = Desk::new();
    second.open(plan, ledger, None);
    second.keys("3u");
    assert_eq!(second.approved(), []);
    assert!(matches!(second.entries()[0].step, Step::Undo(1)));
}

#[test]
fn rule_3_no_bulk_key_ever_approves_a_stop() {
    for screen in [Screen::Properties, Screen::Facilities] {
        for keys in ["AyAyAy", "ayayayay", "<space>y<space>y", "lAyAylAyAylAyAy"] {
            let mut desk = Desk::on(screen);
            desk.keys(keys);
            desk.keys("<esc>");
            assert!(!desk.approved().contains(&(0, 1)), "{screen:?} {keys}");
            for entry in desk.entries() {
                if let Step::Decide { cells, .. } = entry.step {
                    let flagged = cells.iter().filter(|c| **c == REVIEW || **c == REVIEW2).count();
                    assert!(flagged == 0 || flagged == cells.len(), "REVIEW go by a question of their own");
                }
            }
        }
    }
}

#[test]
fn rule_4_every_decision_is_a_record_at_once() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.disk = false;
    desk.keys("a");
    let record = desk.cmds.iter().position(|cmd| matches!(cmd, Cmd::Record(_)));
    assert_eq!(record, Some(0), "before anything else that follows from it");
    assert!(desk.review().is_saving());
}

#[test]
fn rule_6_a_filter_changes_no_decision_and_no_total() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("ggjja");
    let before = desk.review().ledger.all();
    desk.keys("/is:left tsanga<enter>");
    assert_eq!((desk.review().shown_changes, before), (3, desk.review().ledger.all()));
    desk.keys("<esc>");
    assert_eq!((desk.review().shown_changes, before), (12, desk.review().ledger.all()));
}

#[test]
fn rule_7_deciding_neither_sorts_nor_drops_a_row() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("/is:left<enter>");
    let rows = desk.review().list.all.clone();
    desk.keys("<space>jr");
    assert_eq!(desk.review().list.all, rows);
    desk.keys("gj");
    assert_eq!(desk.facility(), "Tsanga HC");
    assert_eq!(desk.review().cells.all.len(), 3, "its cells are still listed too");
    desk.keys("jj");
    let facility = desk.facility().to_owned();
    desk.keys("13");
    assert_eq!(desk.review().list.all, [0, 2, 3], "settled on coming back");
    assert_eq!(desk.facility(), facility, "the cursor follows the facility");
}

#[test]
fn rule_7_nothing_but_a_key_moves_the_cursor() {
    let mut desk = cells();
    desk.keys("jj");
    for msg in [
        Msg::Tick,
        Msg::Resumed,
        Msg::Detail(Ok(detail(REVIEW))),
        Msg::Resize(120, 40),
        Msg::Paste("jjj".to_owned()),
        Msg::Recorded(1, Ok(())),
    ] {
        desk.tell(msg);
        assert_eq!((desk.facility(), desk.model.cell()), ("Kasenga HC", Some(REVIEW)));
    }
}

#[test]
fn rule_9_the_footer_names_the_next_key_everywhere() {
    for (width, height) in [(60, 16), (60, 20), (80, 24), (120, 40), (200, 60), (40, 10)] {
        for screen in Screen::ALL {
            for keys in ["", "?", "L", "/", "A"] {
                let mut desk = Desk::on(screen);
                desk.tell(Msg::Resize(width, height));
                desk.keys(keys);
                let hints = keymap::footer(&desk.model, width);
                assert!(!hints.is_empty(), "{screen:?} {keys} {width}x{height}");
                let used: usize = hints.iter().map(|h| h.keys.chars().count() + 1 + h.label.chars().count()).sum();
                assert!(used + 2 * (hints.len() - 1) + 2 <= usize::from(width));
                let small = desk.model.layout().shape == Shape::TooSmall;
                assert!(
                    hints.iter().all(|hint| TABLE.iter().any(|row| row.show == hint.keys))
                        && (!small || hints.len() == 1)
                );
            }
        }
    }
}

#[test]
fn rule_9_the_footers_of_the_pictures() {
    let line = |desk: &Desk, width| {
        let hints: Vec<String> =
            keymap::footer(&desk.model, width).iter().map(|hint| format!("{} {}", hint.keys, hint.label)).collect();
        hints.join("  ")
    };
    assert_eq!(
        line(&Desk::on(Screen::Facilities), 80),
        "a approve facility  r reject  c clear  n next left  A all shown  / filter"
    );
    let mut desk = cells();
    desk.keys("a");
    assert_eq!(line(&desk, 80), "a approve cell  r reject  c clear  n next left  A all shown  u undo  / filter");
    desk.keys("Ryt");
    assert!(!line(&desk, 200).contains("next flag"), "nothing flagged is left");
    assert_eq!(
        line(&Desk::on(Screen::Overview), 80),
        "enter open  2 properties  3 facilities  4 submit  F read again  q leave"
    );
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("Ay");
    desk.ready(9);
    assert_eq!(line(&desk, 80), "enter submit  d write forms to a folder  v full list  esc back  q leave");
}

#[test]
fn what_was_decided_and_what_was_left_is_always_said() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("a");
    assert_eq!(desk.status(), "approved 1 in Kasenga HC; left: 1 REVIEW, 1 STOP");
    desk.keys("r");
    assert_eq!(desk.status(), "rejected 3 in Tsanga HC; nothing left");
}
