//! `0` and `O`: zeros that DHIS2 may not have stored, one at a time or for a whole property or facility, never with other
//! bulk decisions.

use super::*;
use onse::tui::{
    keymap::{Action, footer, why_not},
    model::{Ask, Zeros},
};

/// Beds read `(0?)` everywhere: Kasenga and Tsanga hold another number, Bwanje holds 0 already, Luvuzi has a STOP on it.
fn zeros(screen: Screen) -> Desk {
    let plan = plan_of(&FACILITIES, |draft| {
        for (facility, old) in [(0, "61"), (1, "7"), (2, "0.0"), (3, "44")] {
            draft.set(Cell { facility, property: 3 }, Some(old), None, State::ZeroNotStored);
        }
        draft.flag(Cell { facility: 3, property: 3 }, Flag::new("S34", Severity::Stop, "the case is closed"));
    });
    Desk::with(plan, screen)
}

fn asked(desk: &Desk) -> Zeros {
    match &desk.model.ask {
        Some(Ask::Zeros(zeros)) => zeros.clone(),
        other => panic!("no question but {other:?}; {}", desk.status()),
    }
}

/// The beds of a facility, with the keys acting on cells.
fn at_beds(name: &str) -> Desk {
    let mut desk = zeros(Screen::Facilities);
    desk.keys(&format!("/{name} state:zero_not_stored<enter>l"));
    assert!(desk.facility().starts_with(name));
    desk
}

fn shown(desk: &Desk) -> String {
    footer(&desk.model, 80).iter().map(|hint| format!("{} {}", hint.keys, hint.label)).collect::<Vec<_>>().join("  ")
}

#[test]
fn one_cell_takes_a_zero_or_keeps_its_value() {
    let mut desk = at_beds("Kasenga");
    assert!(shown(&desk).starts_with("0 write 0  r reject"), "{}", shown(&desk));
    desk.keys("a");
    assert!(desk.status().contains("0 writes 0, r keeps"), "{}", desk.status());
    assert_eq!(desk.entries(), []);
    desk.keys("0");
    assert_eq!(desk.decided(Verdict::Zero), [(0, 3)]);
    assert_eq!(desk.status(), "approved 0 for beds of Kasenga HC; left: 3 no flag; no (0?) left");
    desk.keys("u");
    assert_eq!(desk.decided(Verdict::Zero), []);
    desk.keys("r");
    assert_eq!((desk.decided(Verdict::Reject), desk.review().ledger.all().kept), (vec![(0, 3)], 1));
    desk.keys("c");
    assert_eq!((desk.decided(Verdict::Reject), desk.entries().len()), (vec![], 4));
}

#[test]
fn elsewhere_the_key_says_why_it_does_nothing() {
    let mut desk = zeros(Screen::Facilities);
    for (keys, why) in [
        ("0", "O asks for all of the facility"),
        ("l0", "anc1_visits: DHIS2 holds a number; 0 is for cells that read (0?)"),
    ] {
        desk.keys(keys);
        assert!(desk.status().contains(why), "{}", desk.status());
    }
    let mut desk = at_beds("Bwanje");
    desk.keys("0");
    assert!(desk.status().contains("beds: the case holds 0 already"), "{}", desk.status());
    desk.keys("O");
    assert!(desk.status().contains("no cell here reads (0?)"), "{}", desk.status());
    assert_eq!(desk.entries(), []);
    assert!(why_not(&desk.model, Action::Zero).is_some() && !shown(&desk).contains("write 0"), "{}", shown(&desk));
}

#[test]
fn a_zero_with_a_stop_asks_for_the_reason() {
    let mut desk = at_beds("Luvuzi");
    desk.keys("0");
    assert!(matches!(&desk.model.ask, Some(Ask::Reason { .. })), "{}", desk.status());
    desk.keys("closed for good<enter>");
    assert_eq!(desk.decided(Verdict::Zero), [(3, 3)]);
}

#[test]
fn bulk_decisions_leave_them_alone() {
    for keys in ["A", "R"] {
        let mut desk = zeros(Screen::Facilities);
        desk.keys(keys).keys("y");
        assert_eq!(desk.review().ledger.all().decided(), 12, "{keys}");
        assert_eq!(desk.review().ledger.all().maybe_left(), 3, "{keys}");
    }
    let mut desk = zeros(Screen::Facilities);
    desk.keys("/state:zero_not_stored<enter>A");
    assert!(desk.model.ask.is_none(), "no change is shown");
    desk.keys("lhr");
    assert_eq!(desk.entries(), [], "the facility's changes are not shown, its (0?) are none");
}

#[test]
fn a_property_is_asked_with_its_own_count() {
    let mut desk = zeros(Screen::Properties);
    desk.keys("lllO");
    let question = asked(&desk);
    assert_eq!(question.question, "3 cells in beds read (0?): DHIS2 may not have stored a 0.");
    assert_eq!((question.plain.len(), question.all.len(), question.stays.as_str()), (2, 3, "0 leaves: 1 STOP stays."));
    desk.keys("0");
    assert_eq!(desk.decided(Verdict::Zero), [(0, 3), (1, 3)]);
    assert_eq!(desk.status(), "approved 0 for 2 (0?) in beds; 1 (0?) left");
    desk.keys("uOr");
    assert_eq!((desk.decided(Verdict::Zero), desk.decided(Verdict::Reject)), (vec![], vec![(0, 3), (1, 3), (3, 3)]));
    desk.keys("u");
    assert_eq!(desk.review().ledger.all().maybe_left(), 3, "one undo");
}

#[test]
fn a_facility_is_asked_for_its_own() {
    let mut desk = zeros(Screen::Facilities);
    desk.keys("/tsanga<enter>O");
    assert_eq!(asked(&desk).question, "1 cell in Tsanga HC reads (0?): DHIS2 may not have stored a 0.");
    desk.keys("0");
    assert_eq!(desk.decided(Verdict::Zero), [(1, 3)]);
    let mut desk = zeros(Screen::Facilities);
    desk.keys("/luvuzi<enter>O0");
    assert!(desk.status().contains("has a flag") && desk.entries().is_empty(), "{}", desk.status());
}

#[test]
fn no_other_key_answers() {
    for key in ["O", "y", "a", "A", "<enter>", "<esc>", "<space>", "R", "o", "2", "q"] {
        let mut desk = zeros(Screen::Properties);
        desk.keys("lllO").keys(key);
        assert!(desk.model.ask.is_none(), "{key}");
        assert_eq!((desk.entries(), desk.model.screen), (vec![], Screen::Properties), "{key}");
    }
}

#[test]
fn a_nought_in_a_count_is_a_digit() {
    let names: Vec<String> = (0..40).map(|n| format!("Facility {n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let plan = plan_of(&names, |draft| {
        for facility in 0..40 {
            draft.set(Cell { facility, property: 0 }, Some("61"), None, State::ZeroNotStored);
        }
    });
    let mut desk = Desk::with(plan, Screen::Properties);
    desk.keys("/state:zero_not_stored<enter>");
    for (keys, at) in [("10j", 10), ("20j", 30), ("30k", 0)] {
        desk.keys(keys);
        assert_eq!((desk.review().column.at, desk.model.screen), (at, Screen::Properties), "{keys}");
    }
    assert_eq!(desk.entries(), []);
    desk.keys("0");
    assert_eq!((desk.decided(Verdict::Zero), desk.review().column.at), (vec![(0, 0)], 1), "goes on to the next (0?)");
}

#[test]
fn what_was_said_stays_in_sight() {
    let mut desk = at_beds("Kasenga");
    desk.keys("0<esc>/kasenga<enter>");
    let rows: Vec<u16> = desk.review().cells.all.iter().map(|cell| cell.property).collect();
    assert_eq!(rows, [0, 1, 2, 3], "a zero that will be written is a row");
    assert_eq!(desk.review().shown_changes, 3, "and no change");
    desk.keys("<esc>/tsanga<enter>");
    let rows: Vec<u16> = desk.review().cells.all.iter().map(|cell| cell.property).collect();
    assert_eq!(rows, [0, 1, 2], "one that nothing was said of is not");
    desk.keys("<esc>").keys("t2llllll");
    let facilities: Vec<u32> = desk.review().column.all.iter().map(|cell| cell.facility).collect();
    let mut once = facilities.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), facilities.len(), "each once: {facilities:?}");
}

#[test]
fn the_key_that_answered_decides_nothing_more_while_it_is_held() {
    for answer in ["r", "0"] {
        let mut desk = zeros(Screen::Facilities);
        desk.keys("/tsanga<enter>O");
        asked(&desk);
        desk.keys(answer);
        let entries = desk.entries().len();
        assert_eq!(entries, 1, "{answer}");
        desk.keys(&answer.repeat(30));
        assert_eq!(desk.entries().len(), entries, "{answer}");
        assert!(desk.status().contains("has answered"), "{}", desk.status());
        desk.keys("jr");
        assert_eq!(desk.entries().len(), entries + 1, "after another key it decides again");
    }
}
