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
    desk.keys("/flag:T4");
    assert!(matches!(&desk.model.ask, Some(Ask::Filter { wrong: Some(why), .. }) if why.contains("\"flag:\"")));
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
