//! The list of flags, states and marks to show.

use super::*;
use onse::tui::model::{Over, Pick};

/// The words of the open list.
fn picks(desk: &Desk) -> &[Pick] {
    match &desk.model.over {
        Some(Over::Picks { picks, .. }) => picks,
        other => panic!("no list is open: {other:?}"),
    }
}

/// Puts the cursor on a word.
fn to(desk: &mut Desk, word: &str) {
    let at = picks(desk).iter().position(|pick| pick.word == word).unwrap_or_else(|| panic!("no {word}"));
    desk.keys("g").keys(&"j".repeat(at));
}

fn on(desk: &Desk) -> Vec<&str> {
    picks(desk).iter().filter(|pick| pick.on).map(|pick| pick.word.as_str()).collect()
}

#[test]
fn the_list_has_what_occurs_with_counts_of_the_whole_review() {
    let plan = plan_of(&FACILITIES, |draft| {
        draft.flag(STOP, Flag::new("T1", Severity::Stop, "11x"));
        draft.flag(REVIEW, Flag::new("S10", Severity::Review, "36.5"));
        draft.flag(REVIEW, Flag::new("S35", Severity::Info, "names"));
        draft.flag(REVIEW2, Flag::new("S10", Severity::Review, "12.5"));
        draft.set(Cell { facility: 3, property: 3 }, Some("28"), None, State::NotReported);
        draft.set(Cell { facility: 2, property: 3 }, Some("28"), Some("x"), State::NonNumeric);
    });
    let mut desk = Desk::with(plan, Screen::Facilities);
    desk.keys("/tsanga<enter>lr");
    desk.keys("f");
    let listed: Vec<(&str, usize)> = picks(&desk).iter().map(|pick| (pick.word.as_str(), pick.count)).collect();
    let expected = [
        ("is:stop", 1),
        ("is:review", 2),
        ("is:plain", 11),
        ("is:left", 13),
        ("is:approved", 0),
        ("is:rejected", 1),
        ("note:", 0),
        ("flag:T1", 1),
        ("flag:S10", 2),
        ("flag:S35", 1),
        ("state:non_numeric", 1),
    ];
    assert_eq!(listed, expected);
    assert_eq!(desk.status(), "counts are of the whole review; a word narrows what is shown");
    assert!(picks(&desk).iter().all(|pick| !pick.meaning.is_empty() && !pick.on));
}

#[test]
fn enter_and_space_put_a_word_in_and_out_and_the_list_stays_open() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("/HC  -luvuzi<enter>f");
    to(&mut desk, "flag:S10");
    let counts: Vec<usize> = picks(&desk).iter().map(|pick| pick.count).collect();
    desk.keys("<enter>");
    assert_eq!(desk.review().filter.text(), "HC  -luvuzi flag:S10");
    assert_eq!((on(&desk), desk.review().list.all.as_slice()), (vec!["flag:S10"], &[0, 1][..]));
    assert!(desk.status().starts_with("2 changes of 2 facilities shown"), "{}", desk.status());
    to(&mut desk, "is:stop");
    desk.keys("<space>");
    assert_eq!(on(&desk), ["is:stop", "flag:S10"]);
    assert_eq!(desk.status(), "nothing is shown by \"HC  -luvuzi flag:S10 is:stop\"; enter takes the word out again");
    to(&mut desk, "is:review");
    desk.keys("<enter>");
    assert_eq!(
        (on(&desk), desk.review().filter.text()),
        (vec!["is:review", "flag:S10"], "HC  -luvuzi flag:S10 is:review")
    );
    desk.keys("<enter>");
    to(&mut desk, "flag:S10");
    desk.keys("<enter>");
    assert_eq!((on(&desk).len(), desk.review().filter.text()), (0, "HC  -luvuzi"));
    assert_eq!(picks(&desk).iter().map(|pick| pick.count).collect::<Vec<_>>(), counts, "counts stay");
    desk.keys("<esc>");
    assert!(desk.model.over.is_none());
    assert_eq!((desk.review().filter.text(), desk.entries()), ("HC  -luvuzi", vec![]));
}

#[test]
fn a_word_that_was_typed_is_on() {
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("/Flag:s10 is:left<enter>f");
    assert_eq!(on(&desk), ["is:left", "flag:S10"]);
}

#[test]
fn deciding_keys_do_nothing_in_the_list() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("fjjarcA0");
    assert_eq!(desk.entries(), []);
    assert!(matches!(desk.model.over, Some(Over::Picks { .. })) && desk.model.ask.is_none());
}

#[test]
fn the_smallest_window_shows_word_mark_and_count() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.tell(Msg::Resize(60, 16));
    desk.keys("f");
    to(&mut desk, "flag:S10");
    desk.keys("<enter>");
    let mut buf = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 60, 16));
    onse::tui::screen::draw(&desk.model, &mut buf);
    let lines: Vec<String> =
        buf.content.chunks(60).map(|line| line.iter().map(ratatui::buffer::Cell::symbol).collect::<String>()).collect();
    let line = lines.iter().find(|line| line.contains("flag:S10")).unwrap();
    assert!(line.starts_with("▌[✓] flag:S10") && line.contains("2 cells  not a whole number"), "{line:?}");
}
