//! What the checks and the usual numbers do to the lists: doors of Overview, the order, rows that are flagged without a value.

use super::*;
use onse::{domain::flags::Check as PropertyCheck, tui::model::Door};

/// The plan with checks of properties, named by their place in [`PROPERTIES`].
fn checked(checks: &[(usize, Severity)]) -> Plan {
    let mut plan = plan();
    plan.head.checks = vec![PropertyCheck::of_run("R3", Severity::Review, "quarter 2026Q2 ended 4 days ago")];
    let of = |(at, severity): &(usize, Severity)| {
        PropertyCheck::of_property("C1", *severity, PROPERTIES[*at], format!("{} is odd", PROPERTIES[*at]))
    };
    plan.head.checks.extend(checks.iter().map(of));
    plan
}

#[test]
fn every_stop_and_the_first_reviews_are_doors_to_their_property() {
    use Severity::{Info, Review as Look, Stop};
    let checks =
        [(2, Look), (0, Info), (1, Look), (3, Stop), (1, Stop), (1, Look), (2, Look), (2, Look), (3, Look), (3, Look)];
    let mut desk = Desk::with(checked(&checks), Screen::Overview);
    let doors = |desk: &Desk| -> Vec<usize> {
        let check = |door: &Door| if let Door::Check(at) = door { Some(*at) } else { None };
        desk.review().doors.all.iter().filter_map(check).collect()
    };
    // One behind the check of the run: the STOP of property 1 and 3, then the REVIEW by property.
    assert_eq!(doors(&desk), [5, 4, 3], "a low window");
    desk.tell(Msg::Resize(120, 40));
    assert_eq!(doors(&desk), [5, 4, 3, 6, 1, 7, 8, 9], "six REVIEW at most");
    desk.keys("g").keys(&"j".repeat(2));
    desk.tell(Msg::Resize(80, 24));
    assert_eq!(desk.review().doors.current(), Some(Door::Check(4)), "the cursor stays on its door");
    let first = desk.review().doors.all.iter().position(|door| *door == Door::Check(4)).unwrap();
    desk.keys("g").keys(&"j".repeat(first)).keys("<enter>");
    assert_eq!((desk.model.screen, desk.review().property), (Screen::Properties, 3));
}

#[test]
fn the_cursor_stays_in_sight_under_the_checks_of_another_property() {
    let names: Vec<String> = (0..100).map(|i| format!("Facility {i:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut plan = plan_of(&names, |_| {});
    let said = "sum now 12,345, 1.4x after 8,800 in the mean of the 4 quarters before (1,003 facilities)";
    plan.head.checks = vec![PropertyCheck::of_property("C1", Severity::Review, PROPERTIES[1], said); 3];
    let mut desk = Desk::with(plan, Screen::Properties);
    let before = desk.model.layout().list_rows();
    desk.keys("l10jh10jl");
    assert_eq!(desk.review().property, 1);
    let rows = desk.model.layout().list_rows();
    assert_eq!(rows + 2, before);
    for _ in 0..3 {
        let column = &desk.review().column;
        assert!(column.at >= column.top && column.at < column.top + desk.model.layout().list_rows(), "{column:?}");
        desk.keys("Ghl");
    }
}

#[test]
fn the_order_stands_still_until_the_list_is_opened_again() {
    let odd = [Cell { facility: 1, property: 0 }, Cell { facility: 3, property: 1 }];
    let plan = || {
        plan_of(&FACILITIES, |draft| {
            for cell in draft.plan().cells().collect::<Vec<_>>() {
                draft.set_usual(cell, Some("10"));
            }
            for (cell, new) in odd.into_iter().zip(["200", "900"]) {
                draft.set(cell, Some("10"), Some(new), State::Reported);
                draft.flag(cell, Flag::new("T2", Severity::Review, "far"));
            }
        })
    };
    let mut desk = Desk::with(plan(), Screen::Facilities);
    assert_eq!(desk.review().list.all, [3, 1, 2, 0], "by weight, then by name");
    desk.keys("l]a");
    assert_eq!(desk.approved(), [(3, 1)]);
    assert_eq!(desk.review().list.all, [3, 1, 2, 0], "a decision moves no row");
    desk.keys("13");
    assert_eq!(desk.review().list.all, [1, 3, 2, 0], "what is decided comes behind what is left");
}

#[test]
fn a_flag_without_a_value_has_its_row_and_cannot_be_decided() {
    let missing = Cell { facility: 3, property: 3 };
    let plan = plan_of(&FACILITIES, |draft| {
        draft.set(missing, Some("28"), None, State::NotReported);
        draft.set(Cell { facility: 3, property: 2 }, Some("28"), None, State::NotReported);
        let said = "not reported; 4 of the last 4 quarters were, usually 118";
        draft.flag(missing, Flag::new("T5", Severity::Review, said));
    });
    let mut desk = Desk::with(plan, Screen::Facilities);
    desk.keys("/luvuzi<enter>");
    let rows = |desk: &Desk| desk.review().cells.all.iter().map(|cell| cell.property).collect::<Vec<_>>();
    assert_eq!(rows(&desk), [0, 1, 3], "what is not reported and not flagged has none");
    assert_eq!(desk.review().hidden.unchanged, 1);
    desk.keys("lGa");
    assert_eq!(desk.approved(), []);
    desk.keys("<esc>/luvuzi is:left<enter>");
    assert_eq!(rows(&desk), [0, 1], "words about cells ask for changes");
}
