//! Moving: rows, counts, panes, tabs, what is left, windows.

use super::*;
use onse::tui::model::Door;

fn many(n: usize) -> Desk {
    let names: Vec<String> = (0..n).map(|i| format!("Facility {i:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Desk::with(plan_of(&names, |_| {}), Screen::Facilities)
}

fn at(desk: &Desk) -> (usize, usize) {
    (desk.review().list.at, desk.review().list.top)
}

#[test]
fn rows_move_and_the_window_follows() {
    let mut desk = many(100);
    let height = desk.model.layout().list_rows();
    assert_eq!(height, 16);
    desk.keys("jjk");
    assert_eq!(at(&desk), (1, 0));
    desk.keys("G");
    assert_eq!(at(&desk), (99, 84));
    desk.keys("j<ctrl-u>");
    assert_eq!(at(&desk), (91, 84));
    desk.keys("<pgup><pgup>");
    assert_eq!(at(&desk), (75, 75));
    desk.keys("<home>k");
    assert_eq!(at(&desk), (0, 0));
    desk.keys("<ctrl-d><pgdn><end>g<down><up>");
    assert_eq!(at(&desk), (0, 0));
}

#[test]
fn a_count_multiplies_a_motion() {
    let mut desk = many(100);
    desk.keys("7j");
    assert_eq!(at(&desk).0, 7);
    desk.keys("60j9k");
    assert_eq!(at(&desk).0, 58);
    desk.keys("9g");
    assert_eq!(at(&desk).0, 0);
    desk.keys("6aj");
    assert_eq!(at(&desk).0, 2, "a count does not outlive another key; a goes on by one");
    desk.keys("999999999999999j");
    assert_eq!(at(&desk).0, 99);
}

#[test]
fn a_count_may_begin_with_the_digit_of_a_tab() {
    let mut desk = many(100);
    desk.keys("12j");
    assert_eq!((desk.model.screen, at(&desk).0), (Screen::Facilities, 12));
    desk.now.since += Duration::from_secs(9);
    desk.keys("15j");
    assert_eq!((desk.model.screen, at(&desk).0), (Screen::Facilities, 27));
    desk.now.since += Duration::from_secs(9);
    desk.keys("20k");
    assert_eq!((desk.model.screen, at(&desk).0), (Screen::Facilities, 7));
    desk.slowly("12j");
    assert_eq!((desk.model.screen, at(&desk).0), (Screen::Properties, 7), "slow digits are tabs");
    desk.slowly("3j");
    assert_eq!((desk.model.screen, at(&desk).0), (Screen::Facilities, 8));
    desk.now.since += Duration::from_secs(9);
    desk.keys("3j2j");
    assert_eq!((desk.model.screen, at(&desk).0), (Screen::Properties, 9), "one digit is a tab however fast");
}

#[test]
fn a_count_moves_no_row_and_closes_no_list() {
    let mut desk = many(100);
    desk.keys("/is:left<enter>jja");
    let rows = desk.review().list.all.clone();
    desk.now.since += Duration::from_secs(9);
    desk.keys("12j");
    assert_eq!(desk.review().list.all, rows, "the facility that was decided stays until the filter is applied again");
    desk.now.since += Duration::from_secs(9);
    desk.keys("f");
    let open = |desk: &Desk| matches!(&desk.model.over, Some(onse::tui::model::Over::Picks { .. }));
    assert!(open(&desk));
    desk.keys("12j");
    assert!(open(&desk) && desk.model.screen == Screen::Facilities);
}

#[test]
fn arrows_and_tab_change_the_pane() {
    let mut desk = Desk::on(Screen::Facilities);
    for (key, focus) in [
        ("<right>", Focus::Cells),
        ("<left>", Focus::List),
        ("l", Focus::Cells),
        ("h", Focus::List),
        ("<tab>", Focus::Cells),
        ("<shift-tab>", Focus::List),
        ("<enter>", Focus::Cells),
    ] {
        desk.keys(key);
        assert_eq!(desk.model.focus, focus, "{key}");
    }
    assert_eq!(desk.entries(), []);
}

#[test]
fn enter_goes_to_the_same_cell_on_the_other_screen_and_back() {
    let mut desk = cells();
    desk.keys("jj<enter>");
    assert_eq!((desk.model.screen, desk.model.cell()), (Screen::Properties, Some(REVIEW)));
    desk.keys("j<enter>");
    assert_eq!((desk.model.screen, desk.model.cell()), (Screen::Facilities, Some(REVIEW2)));
}

#[test]
fn properties_turn_and_open_where_they_were_left() {
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("hjj");
    let facility = desk.facility().to_owned();
    desk.keys("l");
    assert_eq!((desk.review().property, desk.review().column.at), (1, 0));
    desk.keys("h");
    assert_eq!((desk.review().property, desk.facility()), (0, facility.as_str()));
    desk.keys("llllll");
    assert_eq!(desk.review().property, 3);
}

#[test]
fn next_left_goes_across_facilities_and_round() {
    let mut desk = cells();
    desk.keys("nnn");
    assert_eq!((desk.facility(), desk.model.cell()), ("Tsanga HC", Some(Cell { facility: 1, property: 0 })));
    desk.keys("p");
    assert_eq!(desk.model.cell(), Some(REVIEW));
    desk.keys("ggnp");
    desk.keys("hGlGn");
    assert_eq!((desk.model.cell(), desk.status()), (Some(Cell { facility: 0, property: 0 }), "went on from the top"));
    desk.keys("p");
    assert_eq!((desk.facility(), desk.status()), ("Luvuzi HC", "went on from the bottom"));
}

#[test]
fn next_flag_finds_flagged_and_undecided_only() {
    let mut desk = cells();
    desk.keys("]");
    assert_eq!(desk.model.cell(), Some(STOP));
    desk.keys("]");
    assert_eq!(desk.model.cell(), Some(REVIEW));
    desk.keys("]");
    assert_eq!(desk.model.cell(), Some(REVIEW2));
    desk.keys("r[");
    assert_eq!(desk.model.cell(), Some(REVIEW));
    desk.keys("r[r]");
    assert_eq!(desk.status(), "nothing flagged and undecided is left in the whole review");
}

#[test]
fn what_the_filter_hides_is_told_from_what_is_done() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("/luvuzi<enter>r");
    desk.keys("n");
    assert_eq!(desk.status(), "nothing undecided is shown here; 9 in the whole review");
}

#[test]
fn overview_is_put_in_order_again_by_what_is_taken_back_there() {
    let mut desk = Desk::on(Screen::Facilities);
    let before = desk.review().doors.all.clone();
    desk.keys("r1G");
    let after = desk.review().doors.all.clone();
    assert_ne!(after, before, "a decision moves its property");
    let chosen = desk.review().doors.current();
    for (key, doors) in [("u", &before), ("U", &after), ("u", &before)] {
        desk.keys(key);
        assert_eq!((&desk.review().doors.all, desk.review().doors.current()), (doors, chosen), "{key}");
    }
    // What could not be saved is as it was before.
    desk.disk = false;
    desk.keys("U");
    desk.disk = true;
    assert_eq!(desk.review().doors.all, after);
    let seq = desk.entries().last().unwrap().seq;
    desk.tell(Msg::Recorded(seq, Err("disk full".to_owned())));
    assert_eq!((&desk.review().doors.all, desk.review().doors.current()), (&before, chosen), "{}", desk.status());
}

#[test]
fn overview_opens_what_is_selected() {
    let mut desk = Desk::on(Screen::Overview);
    let doors = &desk.review().doors.all;
    assert_eq!(doors[..4], [Door::NotMatched, Door::Stop, Door::Review, Door::Plain]);
    assert_eq!(doors[4..], [1, 2, 0, 3].map(Door::Property), "by weight");
    desk.keys("<enter>");
    assert!(
        matches!(&desk.model.over, Some(onse::tui::model::Over::Lines { lines, .. }) if lines[0].contains("external id") && lines[2] == "Wazi HC: no external id  case case-9")
    );
    desk.keys("<esc>j<enter>");
    assert_eq!((desk.model.screen, desk.review().filter.text()), (Screen::Facilities, "is:left is:stop"));
    assert_eq!(desk.review().list.all, [0]);
    desk.keys("1jjjj<enter>");
    assert_eq!(desk.model.screen, Screen::Properties);
}

#[test]
fn a_smaller_window_keeps_the_cursor_in_sight() {
    let mut desk = many(100);
    desk.keys("50j");
    for size in [(80, 24), (60, 16), (200, 60), (20, 5), (0, 0), (80, 24)] {
        desk.tell(Msg::Resize(size.0, size.1));
        let (at, top) = at(&desk);
        let rows = desk.model.layout_of(Screen::Facilities).list_rows();
        // Where no row is shown, none moves: what comes after is where it was.
        assert!(at == 50 && (rows == 0 || (top..top + rows).contains(&at)), "{size:?}: {at} from {top}");
    }
}

#[test]
fn a_window_too_small_only_lets_one_leave() {
    let mut desk = cells();
    desk.tell(Msg::Resize(59, 24));
    desk.keys("arA/?4");
    assert_eq!((desk.entries(), desk.model.screen), (vec![], Screen::Facilities));
    assert!(desk.model.ask.is_none() && desk.model.over.is_none());
    desk.keys("q");
    assert!(desk.model.leaving);
}

#[test]
fn the_detail_is_asked_for_once_and_late_answers_are_dropped() {
    let mut desk = cells();
    desk.keys("jj");
    let loads: Vec<&Cmd> = desk.cmds.iter().filter(|cmd| matches!(cmd, Cmd::LoadDetail(_))).collect();
    assert_eq!(loads, [&Cmd::LoadDetail(STOP), &Cmd::LoadDetail(REVIEW)]);
    desk.tell(Msg::Detail(Ok(detail(STOP))));
    assert_eq!(desk.review().behind, onse::tui::model::Behind::Waiting(REVIEW));
    desk.tell(Msg::Detail(Ok(detail(REVIEW))));
    assert_eq!(desk.review().behind, onse::tui::model::Behind::Here(detail(REVIEW)));
    desk.cmds.clear();
    desk.tell(Msg::Tick);
    assert_eq!(desk.cmds, []);
}

#[test]
fn why_a_key_did_nothing_goes_with_the_next_thing_done() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("u");
    assert_eq!(desk.status(), "nothing to undo");
    desk.keys("j");
    assert_eq!(desk.status(), "");
    desk.keys("u2");
    assert_eq!((desk.status(), desk.model.screen), ("", Screen::Properties), "nor does it go along to another tab");
    assert!(desk.model.log.iter().filter(|line| line.text == "nothing to undo").count() == 2, "the log keeps it");
    desk.keys("3gp");
    assert_eq!(desk.status(), "went on from the bottom");
    desk.keys("p");
    assert_eq!(desk.status(), "");
    desk.keys("a");
    assert!(desk.status().starts_with("approved"));
    desk.keys("j");
    assert!(desk.status().starts_with("approved"), "what was done stays said");
}

#[test]
fn undo_goes_to_what_it_undid() {
    let mut desk = cells();
    desk.keys("a");
    assert_eq!(desk.model.cell(), Some(STOP));
    desk.keys("<tab>G<tab>");
    assert_eq!(desk.facility(), "Luvuzi HC");
    desk.keys("u");
    assert_eq!(desk.model.cell(), Some(Cell { facility: 0, property: 0 }));
    desk.keys("<tab>G<tab>U");
    assert_eq!(desk.model.cell(), Some(Cell { facility: 0, property: 0 }));
    desk.keys("2lG");
    let there = desk.model.cell();
    desk.keys("u");
    assert_eq!(desk.model.cell(), there, "another column is not shown, so the cursor stays");
}

#[test]
fn a_door_opens_at_the_first_of_what_it_lists() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("jl");
    assert_eq!(desk.facility(), "Tsanga HC");
    desk.keys("1jj<enter>");
    assert_eq!((desk.review().filter.text(), desk.facility()), ("is:left is:review", "Kasenga HC"));
    assert_eq!(desk.review().cells.current(), Some(REVIEW));
}

#[test]
fn cells_that_need_eyes_have_a_door() {
    let odd = Cell { facility: 2, property: 3 };
    let plan = plan_of(&FACILITIES, |draft| {
        draft.set(odd, Some("28"), Some("12 (est)"), State::NonNumeric);
        draft.set(Cell { facility: 1, property: 3 }, Some("28"), None, State::NotReported);
    });
    let mut desk = Desk::with(plan, Screen::Overview);
    let at = desk.review().doors.all.iter().position(|door| *door == Door::State(State::NonNumeric)).unwrap();
    assert!(!desk.review().doors.all.contains(&Door::State(State::NotReported)), "only what needs eyes");
    desk.keys(&"j".repeat(at)).keys("<enter>");
    assert_eq!((desk.review().filter.text(), desk.facility()), ("state:non_numeric", "Bwanje Hill HC"));
    assert_eq!((desk.review().list.all.as_slice(), desk.review().cells.all.as_slice()), (&[2][..], &[odd][..]));
    desk.keys("A");
    assert!(desk.model.ask.is_none() && desk.entries().is_empty(), "a bulk decision touches none of them");
    desk.keys("<esc>");
    assert_eq!((desk.review().list.all.len(), desk.review().unchanged), (4, false));
}
