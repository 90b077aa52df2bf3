//! `A`, `R`, `C`: everything shown, asked with the count.

use super::*;
use onse::tui::model::{Ask, Bulk};

fn asked(desk: &Desk) -> Bulk {
    match &desk.model.ask {
        Some(Ask::Bulk(bulk)) => bulk.clone(),
        other => panic!("no question but {other:?}; {}", desk.status()),
    }
}

#[test]
fn a_column_is_approved_without_its_flagged_cells() {
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("llA");
    let bulk = asked(&desk);
    assert_eq!(bulk.question, "Approve 2 changes of opd_total without a flag?");
    assert_eq!((bulk.stays.as_str(), bulk.yes.as_str()), ("2 REVIEW stay.", "approve 2"));
    assert_eq!(desk.entries(), []);
    desk.keys("y");
    assert_eq!(desk.approved(), [(2, 2), (3, 2)]);
    assert_eq!(desk.status(), "approved all 2 without a flag in opd_total; left: 2 REVIEW");
    desk.keys("A");
    assert_eq!(asked(&desk).question, "Approve 2 REVIEW of opd_total?");
    desk.keys("y");
    assert_eq!(desk.approved(), [(0, 2), (1, 2), (2, 2), (3, 2)]);
}

#[test]
fn only_y_is_yes() {
    for key in ["A", "<enter>", "<esc>", "n", "<space>", "Y", "a", "q", "2", "<up>", "<f1>"] {
        let mut desk = Desk::on(Screen::Properties);
        desk.keys("A").keys(key);
        assert!(desk.model.ask.is_none(), "{key}");
        assert_eq!((desk.entries(), desk.model.screen), (vec![], Screen::Properties), "{key}");
        assert!(!desk.model.leaving);
    }
}

#[test]
fn all_facilities_at_once_and_one_undo() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("A");
    assert_eq!(asked(&desk).question, "Approve 9 changes in all facilities without a flag?");
    assert_eq!(asked(&desk).stays, "2 REVIEW and 1 STOP stay.");
    desk.keys("y");
    assert_eq!(desk.approved().len(), 9);
    let left = "left in the whole review: 2 REVIEW, 1 STOP";
    assert_eq!(desk.status(), format!("approved all 9 without a flag in all facilities; {left}"));
    desk.keys("u");
    assert_eq!((desk.approved().len(), desk.review().ledger.all().left()), (0, 12));
    assert_eq!(desk.entries().len(), 2);
}

#[test]
fn only_what_the_filter_shows() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("/prop:anc1 -tsanga<enter>A");
    assert_eq!(asked(&desk).question, "Approve 3 changes shown by \"prop:anc1 -tsanga\" without a flag?");
    desk.keys("y");
    assert_eq!(desk.approved(), [(0, 0), (2, 0), (3, 0)]);
}

#[test]
fn what_is_left_is_counted_where_it_was_decided() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("jja");
    assert_eq!(desk.status(), "approved 3 in Bwanje Hill HC; nothing left");
    desk.keys("/luvuzi<enter>Ay");
    let left = "left in the whole review: 3 no flag, 2 REVIEW, 1 STOP";
    assert_eq!(desk.status(), format!("approved all 3 without a flag shown by \"luvuzi\"; {left}"));
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("ja");
    assert_eq!(desk.status(), "approved 2 in Tsanga HC; left: 1 REVIEW");
    desk.keys("kay");
    assert_eq!(desk.status(), "approved 1 REVIEW in Tsanga HC; nothing left");
}

#[test]
fn a_facility_gives_only_what_the_filter_shows() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("/prop:anc1<enter>ggj");
    let name = desk.facility().to_owned();
    desk.keys("a");
    assert_eq!(desk.approved().len(), 1, "{name}");
}

#[test]
fn rejecting_names_the_flagged_ones_among_them() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("R");
    assert_eq!(asked(&desk).question, "Reject 12 changes in all facilities?");
    assert_eq!(asked(&desk).stays, "2 REVIEW, 1 STOP among them.");
    desk.keys("y");
    assert_eq!(desk.decided(Verdict::Reject).len(), 12);
    desk.keys("R");
    assert_eq!(desk.status(), "nothing is left in all facilities");
    desk.keys("C");
    assert_eq!(asked(&desk).question, "Clear 12 decisions in all facilities?");
    desk.keys("y");
    assert_eq!(desk.review().ledger.all().left(), 12);
    desk.keys("C");
    assert_eq!(desk.status(), "nothing is decided in all facilities");
}

#[test]
fn stops_alone_are_never_asked_for_in_bulk() {
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("lAy");
    assert_eq!(desk.approved(), [(1, 1), (2, 1), (3, 1)]);
    desk.keys("A");
    assert!(desk.model.ask.is_none());
    assert_eq!(desk.status(), "1 STOP in malaria_pos: approved one at a time, with a reason");
}

#[test]
fn clearing_leaves_what_was_sent() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("Ay");
    desk.sent(vec![Cell { facility: 0, property: 0 }]);
    desk.keys("C");
    assert_eq!(asked(&desk).yes, "clear 8");
    desk.keys("y");
    assert_eq!(desk.approved(), [(0, 0)]);
}
