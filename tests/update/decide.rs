//! One cell, one facility, undo and redo.

use super::*;
use onse::{
    domain::ledger::{Act, Step},
    tui::model::Ask,
};

#[test]
fn a_key_decides_one_cell_and_goes_to_the_next_undecided() {
    let mut desk = cells();
    assert_eq!(desk.model.cell(), Some(Cell { facility: 0, property: 0 }));
    desk.keys("a");
    assert_eq!(desk.approved(), [(0, 0)]);
    assert_eq!(desk.model.cell(), Some(STOP));
    assert_eq!(desk.status(), "approved anc1_visits of Kasenga HC; left: 1 REVIEW, 1 STOP");
    desk.keys("r");
    assert_eq!(desk.decided(Verdict::Reject), [(0, 1)]);
    assert_eq!(desk.model.cell(), Some(REVIEW));
    let [first, second] = &desk.entries()[..] else { panic!("two entries") };
    assert_eq!((first.seq, first.who.as_str(), first.at.as_str()), (1, "grace", "2026-07-05T11:00:00Z"));
    assert!(matches!(&second.step, Step::Decide { act: Act::Reject, cells, .. } if *cells == [STOP]));
}

#[test]
fn the_next_undecided_may_be_in_the_next_facility() {
    let mut desk = cells();
    desk.keys("rrr");
    assert_eq!((desk.facility(), desk.model.cell()), ("Tsanga HC", Some(Cell { facility: 1, property: 0 })));
}

#[test]
fn clear_and_toggle_leave_the_cursor() {
    let mut desk = cells();
    desk.keys("<space>");
    assert_eq!((desk.approved(), desk.model.cell()), (vec![(0, 0)], Some(Cell { facility: 0, property: 0 })));
    desk.keys("<space>");
    assert_eq!(desk.approved(), []);
    desk.keys("<space>c");
    assert_eq!((desk.approved(), desk.model.cell()), (vec![], Some(Cell { facility: 0, property: 0 })));
    desk.keys("c");
    assert_eq!(desk.status(), "already undecided");
}

#[test]
fn a_stop_asks_for_a_reason_and_takes_none_shorter_than_three() {
    let mut desk = cells();
    desk.keys("ja");
    assert!(matches!(&desk.model.ask, Some(Ask::Reason { cell: STOP, sentence, .. }) if sentence.contains("11x")));
    desk.keys("ok<enter>");
    assert!(desk.model.ask.is_some() && desk.approved().is_empty());
    assert!(desk.status().contains("at least 3 characters"));
    desk.keys("<backspace><backspace>outbreak, confirmed<enter>");
    assert_eq!(desk.approved(), [(0, 1)]);
    assert_eq!(desk.review().ledger.reason(STOP), Some("outbreak, confirmed"));
    assert!(
        matches!(&desk.entries()[0].step, Step::Decide { reason: Some(reason), .. } if reason == "outbreak, confirmed")
    );
    assert_eq!(desk.model.cell(), Some(REVIEW));
}

#[test]
fn esc_leaves_a_stop_undecided_and_letters_in_the_prompt_decide_nothing() {
    let mut desk = cells();
    desk.keys("jaarcAq1<esc>");
    assert!(desk.model.ask.is_none() && desk.entries().is_empty() && !desk.model.leaving);
    assert_eq!(desk.model.screen, Screen::Facilities);
}

#[test]
fn the_last_reason_comes_back_with_up() {
    let mut desk = cells();
    desk.keys("ja<up>");
    assert_eq!(desk.status(), "no reason was given before");
    desk.keys("outbreak<enter>u");
    assert_eq!(desk.approved(), []);
    desk.keys("gja<up><enter>");
    assert_eq!(desk.review().ledger.reason(STOP), Some("outbreak"));
}

#[test]
fn space_on_a_stop_also_needs_the_reason_and_stays() {
    let mut desk = cells();
    desk.keys("j<space>outbreak<enter>");
    assert_eq!((desk.approved(), desk.model.cell()), (vec![(0, 1)], Some(STOP)));
}

#[test]
fn what_needs_no_decision_says_why() {
    let mut desk = cells();
    desk.keys("tGa");
    assert_eq!(desk.status(), "beds: same value; nothing to decide");
    desk.keys("hGl");
    assert_eq!(desk.facility(), "Luvuzi HC");
    desk.keys("Ga");
    assert_eq!(desk.status(), "beds: not reported; nothing to decide");
    assert_eq!(desk.entries(), []);
}

#[test]
fn a_facility_gives_its_changes_without_a_flag() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("a");
    assert_eq!(desk.approved(), [(0, 0)]);
    assert_eq!(desk.status(), "approved 1 in Kasenga HC; left: 1 REVIEW, 1 STOP");
    assert_eq!(desk.facility(), "Tsanga HC");
}

#[test]
fn a_facility_with_only_review_left_asks_with_the_count() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("aka");
    let Some(Ask::Bulk(bulk)) = &desk.model.ask else { panic!("asks") };
    assert_eq!((bulk.question.as_str(), bulk.stays.as_str()), ("Approve 1 REVIEW of Kasenga HC?", "1 STOP stays."));
    assert_eq!((bulk.yes.as_str(), &bulk.cells[..]), ("approve 1", &[REVIEW][..]));
    desk.keys("a");
    assert_eq!((desk.approved(), desk.status()), (vec![(0, 0)], "nothing was decided"));
    desk.keys("ay");
    assert_eq!(desk.approved(), [(0, 0), (0, 2)]);
    desk.keys("a");
    assert_eq!(desk.status(), "1 STOP in Kasenga HC: approved one at a time, with a reason");
}

#[test]
fn a_facility_is_rejected_and_cleared_whole() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("r");
    assert_eq!(desk.decided(Verdict::Reject), [(0, 0), (0, 1), (0, 2)]);
    assert_eq!(desk.status(), "rejected 3 in Kasenga HC; nothing left");
    desk.keys("kc");
    assert_eq!(desk.decided(Verdict::Reject), []);
    assert_eq!(desk.status(), "cleared 3 in Kasenga HC; left: 1 no flag, 1 REVIEW, 1 STOP");
    desk.keys("c");
    assert_eq!(desk.status(), "everything shown in Kasenga HC is undecided");
}

#[test]
fn undo_and_redo_say_what_they_did() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("u");
    assert_eq!(desk.status(), "nothing to undo");
    desk.keys("U");
    assert_eq!(desk.status(), "nothing to redo");
    desk.keys("jjau");
    assert_eq!(desk.approved(), []);
    assert_eq!(desk.status(), "undone: approved 3 in Bwanje Hill HC; 12 left in all");
    desk.keys("Z");
    assert_eq!(desk.approved(), [(2, 0), (2, 1), (2, 2)]);
    assert_eq!(desk.status(), "done again: approved 3 in Bwanje Hill HC; 9 left in all");
    desk.keys("z");
    let steps: Vec<Step> = desk.entries().into_iter().map(|entry| entry.step).skip(1).collect();
    assert_eq!(steps, [Step::Undo(1), Step::Redo(1), Step::Undo(1)]);
}

#[test]
fn what_was_sent_cannot_be_decided_again() {
    let mut desk = cells();
    desk.keys("a");
    desk.sent(vec![Cell { facility: 0, property: 0 }]);
    desk.keys("gr");
    assert!(desk.status().contains("already sent"), "{}", desk.status());
    desk.keys("u");
    assert!(desk.status().starts_with("sent already: "), "{}", desk.status());
    let footer = onse::tui::keymap::footer(&desk.model, 200);
    assert!(footer.iter().all(|hint| hint.label != "undo"), "what cannot be done is not offered");
    assert_eq!((desk.approved(), desk.entries().len()), (vec![(0, 0)], 1));
}

#[test]
fn what_the_server_refused_can_be_decided_again() {
    let mut desk = cells();
    desk.keys("aj");
    desk.sent(vec![Cell { facility: 0, property: 0 }]);
    desk.sent(Vec::new());
    assert_eq!((desk.review().ledger.sent(), desk.review().ledger.to_send(&desk.review().plan).count()), (0, 1));
    desk.keys("gr");
    assert_eq!((desk.approved(), desk.decided(Verdict::Reject)), (vec![], vec![(0, 0)]));
}

#[test]
fn a_redo_does_not_change_what_was_sent_since() {
    let mut desk = cells();
    desk.keys("agru");
    desk.sent(vec![Cell { facility: 0, property: 0 }]);
    desk.keys("U");
    assert!(desk.status().contains("was sent"), "{}", desk.status());
    assert_eq!((desk.approved(), desk.entries().len()), (vec![(0, 0)], 3));
}
