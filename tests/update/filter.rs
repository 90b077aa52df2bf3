//! The filter and its prompt; paste.

use super::*;
use onse::tui::model::Ask;

#[test]
fn words_narrow_the_list_and_esc_clears_them() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("/luvuzi<enter>");
    assert_eq!((desk.review().list.all.as_slice(), desk.status()), (&[3][..], "3 changes of 1 facility shown"));
    desk.keys("<esc>");
    assert_eq!((desk.review().list.all.len(), desk.status()), (4, "filter cleared"));
    assert_eq!(desk.facility(), "Luvuzi HC");
}

#[test]
fn what_is_not_understood_stays_open_with_its_reason() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("/flg:T4");
    assert!(matches!(&desk.model.ask, Some(Ask::Filter { wrong: Some(why), .. }) if why.contains("\"flg:\"")));
    desk.keys("<enter>");
    assert!(matches!(&desk.model.ask, Some(Ask::Filter { .. })) && desk.status().contains("prop:"));
    desk.keys("<ctrl-u>tsanga<enter>");
    assert_eq!((desk.review().list.all.as_slice(), desk.model.ask.is_none()), (&[1][..], true));
}

#[test]
fn esc_in_the_prompt_keeps_the_filter() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("/tsanga<enter>/x<esc>");
    assert_eq!((desk.review().filter.text(), desk.review().list.all.len()), ("tsanga", 1));
}

#[test]
fn nothing_found_is_said_and_breaks_nothing() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("/zaria<enter>");
    assert_eq!(desk.status(), "nothing is shown by \"zaria\"; esc clears it");
    desk.keys("jkGgarc A]np[<tab>a<enter>j");
    assert_eq!(desk.entries(), []);
    desk.keys("2aAhl<enter>");
    assert_eq!(desk.entries(), []);
    desk.keys("3<esc>");
    assert_eq!(desk.review().list.all.len(), 4);
}

#[test]
fn unchanged_ones_come_and_go() {
    let mut desk = cells();
    assert_eq!((desk.review().cells.all.len(), desk.review().hidden.unchanged), (3, 1));
    desk.keys("t");
    assert_eq!((desk.review().cells.all.len(), desk.review().hidden.unchanged), (4, 0));
    desk.keys("2lll");
    assert_eq!((desk.review().property, desk.review().column.all.len()), (3, 4));
    desk.keys("t");
    assert_eq!(desk.review().column.all.len(), 0);
}

#[test]
fn changes_hidden_by_the_filter_are_counted() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("/is:stop<enter>");
    assert_eq!((desk.review().hidden.changes, desk.review().hidden.unchanged), (2, 1));
}

#[test]
fn pasted_text_goes_into_a_prompt_and_nowhere_else() {
    let mut desk = cells();
    desk.tell(Msg::Paste("aaAyq4\n".to_owned()));
    assert_eq!((desk.entries(), desk.model.screen, desk.model.leaving), (vec![], Screen::Facilities, false));
    assert!(desk.status().contains("pasted"));
    desk.keys("ja");
    desk.tell(Msg::Paste("checked\nby phone\u{1b}[31m".to_owned()));
    assert_eq!(desk.approved(), []);
    desk.keys("<enter>");
    assert_eq!(desk.review().ledger.reason(STOP), Some("checked by phone [31m"));
}

#[test]
fn a_paste_answers_no_question_and_types_no_count() {
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("A");
    desk.tell(Msg::Paste("y".to_owned()));
    assert!(desk.model.ask.is_some() && desk.entries().is_empty());
    desk.keys("ya");
    desk.ready(4);
    desk.tell(Msg::Paste("4".to_owned()));
    desk.keys("<enter>");
    assert!(!desk.sends());
}

#[test]
fn a_prompt_has_an_end() {
    let mut desk = cells();
    desk.keys("ja");
    desk.tell(Msg::Paste("x".repeat(100_000)));
    desk.keys("y<enter>");
    assert_eq!(desk.review().ledger.reason(STOP).unwrap().len(), 200);
}

#[test]
fn words_about_cells_narrow_to_those_cells() {
    let mut desk = Desk::on(Screen::Facilities);
    let found = |desk: &mut Desk, words: &str| {
        desk.keys("/<ctrl-u>");
        desk.tell(Msg::Paste(words.to_owned()));
        desk.keys("<enter>");
        let review = desk.review();
        assert!(desk.model.ask.is_none(), "{words}");
        let shown = review.plan.cells().filter(|cell| review.is_shown(*cell));
        shown.map(|cell| (cell.facility, cell.property)).collect::<Vec<_>>()
    };
    assert_eq!(found(&mut desk, "flag:t1"), [(0, 1)]);
    assert_eq!(found(&mut desk, "flag:S10 -tsanga"), [(0, 2)]);
    assert_eq!(found(&mut desk, "change>50%"), [(0, 1)]);
    assert_eq!(found(&mut desk, "change>=1,190"), [(0, 1)]);
    assert_eq!(found(&mut desk, "change<5% prop:anc1_visits"), [(3, 0)]);
    assert_eq!(found(&mut desk, "old:12 -change>50%"), [(0, 2)]);
    assert_eq!(found(&mut desk, "new:1,310"), [(0, 1)]);
    assert_eq!(found(&mut desk, "usual>3"), []);
}

#[test]
fn a_flag_on_a_cell_without_a_change_is_listed() {
    let plan = plan_of(&FACILITIES, |draft| {
        let cell = Cell { facility: 3, property: 3 };
        draft.set(cell, Some("28"), None, State::NotReported);
        draft.flag(cell, Flag::new("T5", Severity::Review, "reported in 3 of the last 4 quarters"));
    });
    let mut desk = Desk::with(plan, Screen::Facilities);
    desk.keys("/flag:T5<enter>");
    assert_eq!(desk.status(), "0 changes of 1 facility shown, and cells without a change");
    assert_eq!(desk.review().cells.all, [Cell { facility: 3, property: 3 }]);
    desk.keys("/<ctrl-u>-flag:T5<enter>");
    assert_eq!(desk.status(), "15 changes of 4 facilities shown");
}

#[test]
fn a_filter_hides_no_total() {
    let mut desk = Desk::on(Screen::Facilities);
    let before = desk.review().ledger.all();
    desk.keys("/change>50%<enter>");
    assert_eq!((desk.review().shown_changes, desk.review().ledger.all()), (1, before));
    desk.keys("lr");
    assert_eq!(desk.decided(Verdict::Reject), [(0, 1)]);
    desk.keys("n");
    assert_eq!(desk.status(), "nothing undecided is shown here; 11 in the whole review");
    desk.keys("hn");
    assert_eq!(desk.status(), "nothing undecided is shown here; 11 in the whole review");
}

#[test]
fn a_filter_that_asks_for_unchanged_cells_leaves_what_the_person_asked_for() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("t/state:blank_in_report<enter>");
    assert!(desk.review().unchanged);
    desk.keys("<esc>");
    assert!(desk.review().unchanged && desk.review().filter.is_empty());
    desk.keys("t/state:blank_in_report<enter>");
    assert!(desk.review().unchanged);
    desk.keys("<esc>");
    assert!(!desk.review().unchanged);
}
