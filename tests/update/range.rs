//! `v`: rows decided at once. One entry, one undo; bulk rule 3 of review-ux.md holds; nothing but its own list keeps a range.

use super::{notes::shown, *};
use onse::{
    domain::{flags::Check, ledger::Step},
    tui::model::{Ask, Bulk},
};

fn asked(desk: &Desk) -> Bulk {
    match &desk.model.ask {
        Some(Ask::Bulk(bulk)) => bulk.clone(),
        other => panic!("no question but {other:?}; {}", desk.status()),
    }
}

/// The label of the newest entry.
fn label(desk: &Desk) -> String {
    match desk.entries().pop().unwrap().step {
        Step::Decide { label, .. } | Step::Note { label, .. } => label,
        other => panic!("{other:?}"),
    }
}

#[test]
fn facilities_are_approved_without_what_is_flagged() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("vjja");
    assert_eq!(desk.approved(), [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]);
    assert_eq!(desk.status(), "approved 6 in 3 rows; left: 2 REVIEW, 1 STOP");
    assert_eq!(label(&desk), "6 in 3 facilities, Kasenga HC to Bwanje Hill HC");
    assert_eq!((desk.facility(), desk.review().range), ("Bwanje Hill HC", None), "the cursor stays, the range is gone");
    desk.keys("u");
    assert_eq!((desk.approved().len(), desk.entries().len()), (0, 2));
}

#[test]
fn only_its_own_question_takes_the_review_ones_of_a_range() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("vjagvja");
    assert_eq!(asked(&desk).question, "Approve 2 REVIEW in 2 rows?");
    assert_eq!(asked(&desk).stays, "1 STOP stays.");
    desk.keys("a");
    assert_eq!(
        (desk.status(), desk.review().range),
        ("nothing was decided", Some(0)),
        "the key that asked is no answer"
    );
    desk.keys("ay");
    assert_eq!(desk.status(), "approved 2 in 2 rows; left: 1 STOP");
    assert_eq!(label(&desk), "2 REVIEW in 2 facilities, Kasenga HC to Tsanga HC");
    desk.keys("gva");
    assert_eq!(desk.status(), "1 STOP in 1 row: approved one at a time, with a reason");
    assert!(!desk.approved().contains(&(0, 1)) && desk.model.ask.is_none());
}

#[test]
fn properties_of_a_facility_and_a_column_go_the_same_way() {
    let mut desk = cells();
    desk.keys("v<shift-down><shift-down>a");
    assert_eq!((desk.approved(), desk.status()), (vec![(0, 0)], "approved 1 in 3 rows; left: 1 REVIEW, 1 STOP"));
    assert_eq!(label(&desk), "1 in Kasenga HC, anc1_visits to opd_total");
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("ll<shift-down><shift-down><shift-up>r");
    assert_eq!(desk.decided(Verdict::Reject).len(), 2);
    assert_eq!(label(&desk), "2 of opd_total in 2 facilities, Kasenga HC to Tsanga HC");
    assert_eq!(desk.status(), "rejected 2 in 2 rows; nothing left");
    desk.keys("vkc");
    assert_eq!((desk.decided(Verdict::Reject).len(), desk.status()), (0, "cleared 2 in 2 rows; left: 2 REVIEW"));
}

#[test]
fn space_goes_there_and_back_and_0_says_why_not() {
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("vG<space>");
    assert_eq!(desk.approved().len(), 4);
    desk.keys("vg<space>");
    assert_eq!((desk.approved().len(), desk.status()), (0, "cleared 4 in 4 rows; left: 4 no flag"));
    let mut plan = plan();
    plan = {
        let held = |cell: Cell| plan.held(cell).map(str::to_owned);
        plan_of(&FACILITIES, |draft| {
            let zero = Cell { facility: 0, property: 0 };
            assert!(held(zero).is_some());
            draft.set(zero, Some("61"), None, State::ZeroNotStored);
        })
    };
    let mut desk = Desk::with(plan, Screen::Facilities);
    desk.keys("/state:zero_not_stored<enter>lv0");
    assert_eq!(desk.status(), "0 is for one cell: esc gives up the range; O asks for all (0?) at once");
    assert_eq!((desk.entries(), desk.review().range.is_some()), (vec![], true));
    desk.keys("a");
    assert_eq!(
        (desk.status(), desk.entries()),
        ("nothing is left to approve in 1 row", vec![]),
        "bulk leaves it alone"
    );
}

#[test]
fn a_property_with_an_open_stop_takes_no_range() {
    let mut plan = plan();
    plan.head.checks.push(Check::of_property("C5", Severity::Stop, "dhis_anc1_visits", "whole column is 4.1x"));
    let mut desk = Desk::with(plan, Screen::Properties);
    desk.keys("vGa");
    assert!(desk.status().contains("open STOP C5"), "{}", desk.status());
    assert_eq!((desk.entries(), desk.model.ask.is_none()), (vec![], true));
    desk.keys("3gvja");
    assert_eq!(desk.approved(), [(1, 1)]);
    let left = "2 of properties with an open STOP stay; left: 2 no flag, 2 REVIEW, 1 STOP";
    assert_eq!(desk.status(), format!("approved 1 in 2 rows; {left}"));
}

#[test]
fn a_note_goes_on_every_cell_of_a_range_in_one_entry() {
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("vjjmasked the district<enter>");
    assert_eq!(desk.status(), "noted 3 of anc1_visits in 3 facilities, Kasenga HC to Bwanje Hill HC");
    assert_eq!((desk.review().ledger.notes().count(), desk.entries().len(), desk.review().range), (3, 1, None));
    desk.keys("gvjm");
    assert!(matches!(&desk.model.ask, Some(Ask::Note { input, .. }) if input.value() == "asked the district"));
    desk.keys("<esc>vGm");
    assert!(matches!(&desk.model.ask, Some(Ask::Note { .. })));
    desk.keys("<esc>u");
    assert_eq!(desk.review().ledger.notes().count(), 0);
}

#[test]
fn the_innermost_goes_first_with_esc() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("/is:left<enter>vj?<esc>");
    assert_eq!(desk.review().range, Some(0), "the help is over it");
    desk.keys("<esc>");
    assert_eq!((desk.review().range, desk.status()), (None, "no range; nothing was decided"));
    assert!(!desk.review().filter.is_empty());
    desk.keys("<esc>");
    assert!(desk.review().filter.is_empty());
}

#[test]
fn another_list_gives_it_up() {
    for keys in ["v", "<esc>", "2", "1", "4", "5", "<tab>", "l", "/is:stop<enter>", "t", "c", "u", "<enter>"] {
        let mut desk = Desk::on(Screen::Facilities);
        desk.keys("ljklh<space>vj");
        assert!(desk.review().range.is_some());
        desk.slowly("");
        desk.keys(keys);
        desk.now.since += Duration::from_mins(1);
        desk.keys("k");
        assert_eq!(desk.review().range, None, "{keys}");
    }
    // The next undecided may be in the next facility; another property is another column.
    let mut desk = cells();
    desk.keys("vnnn");
    assert_eq!((desk.facility(), desk.review().range), ("Tsanga HC", None));
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("vjl");
    assert_eq!(desk.review().range, None);
    // Moving, looking at the log and resizing keep it; so does a count, whose first digit is a tab's.
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("v").keys("jkG").keys("L<esc>").keys("g");
    desk.tell(Msg::Resize(120, 40));
    assert_eq!(desk.review().range, Some(0));
    desk.keys("12j");
    assert_eq!((desk.review().range, desk.review().column.at, desk.model.screen), (Some(0), 3, Screen::Properties));
    // On the tab its digits opened, keys act on what is there.
    desk.keys("3a");
    assert_eq!(label(&desk), "1 in Kasenga HC");
    assert_eq!(desk.review().range, None);
}

#[test]
fn its_rows_are_marked_without_colour() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("jvj");
    let lines = shown(&mut desk, 80, 24);
    let signs: Vec<&str> = lines.iter().filter(|line| line.contains("[ ]")).filter_map(|line| line.get(..3)).collect();
    assert_eq!(signs[1..3], ["│", "▌"], "{lines:#?}");
    assert!(signs[0].starts_with(' ') && signs[3].starts_with(' '));
}
