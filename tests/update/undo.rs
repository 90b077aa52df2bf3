//! A review that undoes another one: it is not read again, a blank is shown as one, and the question counts the blanks.

use super::*;
use onse::{
    domain::{
        flags::{becomes_blank, not_put_back},
        head::UndoOf,
    },
    tui::{model::Door, screen::draw},
};

/// The plan of an undo: the first cell goes back to a number, the second becomes blank, the third is a conflict.
fn undo() -> Plan {
    let read = plan_of(&FACILITIES, |_| {});
    let mut draft = Plan::draft(head(), read.facilities().to_vec(), read.properties().to_vec());
    for cell in read.cells() {
        draft.set(cell, Some("7"), None, State::NotWritten);
    }
    let cell = |property| Cell { facility: 0, property };
    draft.set(cell(0), Some("31"), Some("28"), State::Restored);
    draft.set(cell(1), Some("46"), Some(""), State::Restored);
    draft.flag(cell(1), becomes_blank(false));
    draft.set(cell(2), Some("777"), None, State::Conflict);
    draft.flag(cell(2), not_put_back("the case holds 777 now, the review wrote 46"));
    let mut plan = draft.finish();
    let text = || "2026-07-05T09:00:00Z".to_owned();
    plan.head.undo = Some(UndoOf { file: "q.review".to_owned(), first: text(), last: text(), forms: Vec::new() });
    plan
}

/// What the screen shows, line by line.
fn shown(desk: &Desk) -> String {
    let area = ratatui::layout::Rect::new(0, 0, desk.model.size.0, desk.model.size.1);
    let mut buffer = ratatui::buffer::Buffer::empty(area);
    draw(&desk.model, &mut buffer);
    let line = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..area.height).map(|y| line(y) + "\n").collect()
}

#[test]
fn it_is_not_read_again() {
    let mut desk = Desk::with(undo(), Screen::Overview);
    desk.keys("F");
    assert_eq!(desk.status(), "not read again: this review puts back what CommCare held; it is not read from DHIS2");
    assert!(!desk.cmds.iter().any(|cmd| matches!(cmd, Cmd::Read | Cmd::ReadAgain(_))), "{:?}", desk.cmds);
}

#[test]
fn a_blank_has_a_word_and_a_conflict_its_reason() {
    let mut desk = Desk::with(undo(), Screen::Facilities);
    desk.keys("lt");
    let row = |desk: &Desk, words: &str| shown(desk).lines().any(|line| line.contains(words));
    assert!(row(&desk, "31 →    28") && row(&desk, "46 → blank"), "{}", shown(&desk));
    assert!(row(&desk, "changed since") && row(&desk, "not written by the re"), "{}", shown(&desk));
    desk.keys("j");
    assert!(shown(&desk).contains("CommCare cannot remove"), "{}", shown(&desk));
    desk.keys("j");
    assert!(shown(&desk).contains("the case holds 777 now"), "{}", shown(&desk));
    desk.keys("1");
    assert!(desk.review().doors.all.contains(&Door::State(State::Conflict)) && row(&desk, "changed since"));
    desk.keys("2");
    assert!(!shown(&desk).is_empty());
}
