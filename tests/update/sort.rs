//! By what the lists are sorted.

use super::*;
use onse::{domain::query::Sort, tui::model::Ask};

/// Names of the facilities of the list.
fn list(desk: &Desk) -> Vec<u32> {
    desk.review().list.all.clone()
}

/// Facilities of the column.
fn column(desk: &Desk) -> Vec<u32> {
    desk.review().column.all.iter().map(|cell| cell.facility).collect()
}

#[test]
fn a_key_of_the_question_sorts_and_the_cursor_stays_on_its_facility() {
    let mut desk = Desk::on(Screen::Facilities);
    assert_eq!(list(&desk), [0, 1, 2, 3]);
    desk.keys("js");
    assert!(matches!(desk.model.ask, Some(Ask::Sort)));
    desk.keys("n");
    assert_eq!((list(&desk), desk.status()), (vec![2, 0, 3, 1], "sorted by name"));
    assert_eq!((desk.facility(), desk.model.ask.is_none()), ("Tsanga HC", true));
    desk.keys("sc");
    assert_eq!((list(&desk), desk.status(), desk.facility()), (vec![0, 1, 2, 3], "sorted by change", "Tsanga HC"));
    desk.keys("sw");
    assert_eq!((list(&desk), desk.status()), (vec![0, 1, 2, 3], "sorted by weight"));
    assert_eq!(desk.entries(), []);
}

#[test]
fn any_other_key_changes_nothing() {
    for key in ["<esc>", "<enter>", "a", "y", "x", "s"] {
        let mut desk = Desk::on(Screen::Facilities);
        desk.keys("sns").keys(key);
        assert_eq!((list(&desk), desk.review().sort), (vec![2, 0, 3, 1], Sort::Name), "{key}");
        assert_eq!((desk.model.ask.is_none(), desk.entries()), (true, vec![]), "{key}");
        assert!(["sorted as before", "sorted by name"].contains(&desk.status()), "{key}: {}", desk.status());
    }
}

#[test]
fn deciding_moves_no_row_until_the_order_is_asked_for_again() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("sl");
    assert_eq!(list(&desk), [0, 1, 2, 3], "three are left of each");
    desk.keys("ggr");
    assert_eq!(list(&desk), [0, 1, 2, 3]);
    desk.keys("gsl");
    assert_eq!((list(&desk), desk.facility()), (vec![1, 2, 3, 0], "Kasenga HC"));
    desk.keys("usf");
    assert_eq!((list(&desk), desk.status()), (vec![0, 1, 2, 3], "sorted by flags"));
}

#[test]
fn properties_follow_the_same_order() {
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("l");
    assert_eq!(column(&desk), [0, 1, 2, 3]);
    desk.keys("jsn");
    assert_eq!((column(&desk), desk.facility()), (vec![2, 0, 3, 1], "Tsanga HC"));
    desk.keys("h");
    assert_eq!(column(&desk), [2, 0, 3, 1], "the next property too");
    desk.keys("sw");
    assert_eq!(column(&desk), [0, 1, 2, 3]);
}

#[test]
fn unchanged_ones_stand_among_the_names() {
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("llltsn");
    assert_eq!(column(&desk), [2, 0, 3, 1]);
}

#[test]
fn reading_again_keeps_the_order() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("sn");
    let plan = plan();
    let ledger = Ledger::new(&plan);
    desk.open(plan, ledger, None);
    assert_eq!((list(&desk), desk.review().sort), (vec![2, 0, 3, 1], Sort::Name));
}
