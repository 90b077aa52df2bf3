//! Notes: kept with `m`, one entry each, taken back like a decision, and in nobody's way.

use super::*;
use onse::{domain::ledger::Step, tui::model::Ask};

/// What the screen shows, line by line, at this size.
pub(crate) fn shown(desk: &mut Desk, width: u16, height: u16) -> Vec<String> {
    desk.tell(Msg::Resize(width, height));
    let area = ratatui::layout::Rect::new(0, 0, width, height);
    let mut buffer = ratatui::buffer::Buffer::empty(area);
    onse::tui::screen::draw(&desk.model, &mut buffer);
    (0..height).map(|y| (0..width).map(|x| buffer[(x, y)].symbol()).collect()).collect()
}

fn asked(desk: &Desk) -> (Vec<Cell>, String, String) {
    match &desk.model.ask {
        Some(Ask::Note { cells, label, input }) => (cells.clone(), label.clone(), input.value().to_owned()),
        other => panic!("no prompt but {other:?}; {}", desk.status()),
    }
}

#[test]
fn a_note_on_an_undecided_cell_is_one_entry_and_decides_nothing() {
    let mut desk = cells();
    let before = desk.review().ledger.all();
    desk.keys("jm");
    assert_eq!(asked(&desk), (vec![STOP], "malaria_pos of Kasenga HC".to_owned(), String::new()));
    desk.keys("asked <space>the district <enter>");
    assert_eq!(desk.status(), "noted malaria_pos of Kasenga HC");
    assert_eq!(desk.review().ledger.note(STOP), Some("asked  the district"));
    let (after, cell) = (desk.review().ledger.all(), desk.model.cell());
    assert_eq!((after, cell), (before, Some(STOP)), "nothing is decided and the cursor stays");
    let [entry] = &desk.entries()[..] else { panic!("one entry") };
    let (text, label) = ("asked  the district".to_owned(), "malaria_pos of Kasenga HC".to_owned());
    assert_eq!(entry.step, Step::Note { cells: vec![STOP], text, label });
}

#[test]
fn the_note_that_stands_is_put_before_the_person_and_an_empty_one_takes_it_away() {
    let mut desk = cells();
    desk.keys("mhold<enter>m");
    assert_eq!(asked(&desk).2, "hold");
    desk.keys("<enter>");
    assert_eq!((desk.status(), desk.entries().len()), ("the note says that already", 1));
    desk.keys("m<ctrl-u><enter>");
    assert_eq!(desk.status(), "took the note from anc1_visits of Kasenga HC");
    assert_eq!(desk.review().ledger.note(Cell { facility: 0, property: 0 }), None);
    desk.keys("m<enter>");
    assert_eq!((desk.status(), desk.entries().len()), ("there is no note here", 2));
    desk.keys("mnot kept<esc>");
    assert_eq!((desk.model.ask.is_none(), desk.entries().len()), (true, 2));
}

#[test]
fn it_is_undone_and_done_again_also_after_a_restart() {
    let mut desk = cells();
    desk.keys("mhold<enter>a");
    desk.keys("uu");
    assert_eq!(desk.status(), "undone: noted anc1_visits of Kasenga HC; 12 left in all");
    assert_eq!(desk.review().ledger.notes().count(), 0);
    let plan = plan();
    let ledger = Ledger::replay(&plan, &desk.entries()).unwrap();
    let mut second = Desk::new();
    second.open(plan, ledger, None);
    second.keys("3U");
    assert_eq!(second.status(), "done again: noted anc1_visits of Kasenga HC; 12 left in all");
    assert_eq!(second.review().ledger.note(Cell { facility: 0, property: 0 }), Some("hold"));
    second.keys("UU");
    assert_eq!((second.approved(), second.entries().len()), (vec![(0, 0)], 2));
    assert_eq!(second.status(), "nothing to redo");
}

#[test]
fn a_note_that_cannot_be_written_was_never_there() {
    let mut desk = cells();
    desk.disk = false;
    desk.keys("mhold<enter>");
    assert!(desk.review().is_saving());
    desk.tell(Msg::Recorded(1, Err("no space left on device".to_owned())));
    assert_eq!(desk.review().ledger.notes().count(), 0);
    assert!(desk.status().contains("taken back: no space left"), "{}", desk.status());
}

#[test]
fn where_no_note_can_be_it_is_said_why() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("m");
    assert_eq!(desk.status(), "a note is on one cell: l goes into the properties");
    let mut desk = cells();
    desk.keys("tGm");
    assert_eq!(desk.status(), "beds: same value; a note is on a change or a (0?)");
    desk.model.run.read_only = Some("Grace has it open".to_owned());
    desk.keys("gm");
    assert_eq!(desk.status(), "Grace has it open");
    desk.model.run.read_only = None;
    desk.disk = false;
    desk.keys("am");
    assert_eq!(desk.status(), "the last decision is still being saved");
    assert!(desk.model.ask.is_none());
}

#[test]
fn it_is_at_most_as_long_as_a_prompt_and_nothing_in_it_acts() {
    let mut desk = cells();
    desk.keys("m");
    desk.tell(Msg::Paste(format!("\u{1b}[31m{}", "x".repeat(10_000))));
    desk.keys("<enter>");
    let note = desk.review().ledger.note(Cell { facility: 0, property: 0 }).unwrap().to_owned();
    assert_eq!((note.chars().count(), note.contains('\u{1b}')), (199, false), "one space in front is taken off");
}

#[test]
fn a_noted_cell_has_a_sign_and_its_note_in_the_detail_and_nothing_moves() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        for screen in [Screen::Facilities, Screen::Properties] {
            let mut desk = Desk::on(screen);
            desk.keys(if screen == Screen::Facilities { "l" } else { "" });
            let before = shown(&mut desk, width, height);
            desk.keys("mwait for the register<enter>");
            let after = shown(&mut desk, width, height);
            let row = |lines: &[String]| {
                lines.iter().find(|line| line.contains("▌[ ]") || line.contains("▌ [ ]")).unwrap().clone()
            };
            let (before, at) = (row(&before), row(&after));
            let place = before.rfind("[ ] ").unwrap() + 3;
            assert_eq!(at.get(place..=place), Some("*"), "{at}");
            let same = |line: &str| line.chars().take(if width < 180 { 400 } else { 110 }).collect::<String>();
            let starred = before.get(..place).unwrap().to_owned() + "*" + before.get(place + 1..).unwrap();
            assert_eq!(same(&starred), same(&at), "{screen:?} {width}");
            assert!(after.iter().any(|line| line.contains("note: wait for the register")), "{after:#?}");
        }
    }
}

#[test]
fn in_three_panes_notes_have_a_column() {
    let mut desk = cells();
    let heading = |lines: &[String]| lines[4].clone();
    assert!(!heading(&shown(&mut desk, 200, 60)).contains("note"), "no note, no column");
    desk.keys("jjmcounted twice in May<enter>k");
    let lines = shown(&mut desk, 200, 60);
    assert!(heading(&lines).contains("  note "), "{}", heading(&lines));
    let at = heading(&lines).find("note").map(|at| heading(&lines)[..at].chars().count()).unwrap();
    let row = lines.iter().find(|line| line.contains("[ ]*")).unwrap();
    let told: String = row.chars().skip(at).take(13).collect();
    assert!(told.starts_with("counted twic") || told.starts_with("counted …"), "{told}");
}
