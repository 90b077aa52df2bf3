//! What was chosen is written, or is not, and is left; and what a hand on the mouse does.

use super::*;

/// Two rows chosen: lines 3 and 4.
fn chosen() -> Desk {
    let mut desk = looked();
    desk.keys("j<enter><enter>l<enter>");
    assert_eq!(desk.model.explorer.to_write().len(), 2);
    desk
}

#[test]
fn w_shows_each_line_before_and_after_and_only_y_writes_these_bytes() {
    let mut desk = chosen();
    desk.keys("w");
    let Some(Over::Lines { lines, .. }) = &desk.model.over else { panic!("no list") };
    assert_eq!(
        lines[..5],
        [
            "line 3  hiv",
            "  data_set_id  empty -> sHmisaaaaaa",
            "- hiv,eHivaaaaaaa,,HIV tests done",
            "+ hiv,eHivaaaaaaa,sHmisaaaaaa,HIV tests done",
            ""
        ]
    );
    let Some(Ask::Sure { question, .. }) = &desk.model.ask else { panic!("no question") };
    assert_eq!(question, "Write 2 changed rows to case_property_map.csv?");
    assert!(writes(&desk).is_empty());
    desk.keys("j");
    assert!(matches!(&desk.model.over, Some(Over::Lines { top: 1, .. })), "a long list can be looked through");
    for no in ["<enter>", "n", "<esc>", "q", "w", "<space>"] {
        desk.keys(no);
        assert!(desk.model.ask.is_none() && desk.model.over.is_none(), "{no}");
        assert!(desk.status().contains("nothing was written"), "{no}: {}", desk.status());
        desk.keys("w");
    }
    assert!(writes(&desk).is_empty() && !desk.model.leaving);
    desk.keys("y");
    let filled =
        FILE.replace("eHivaaaaaaa,,", "eHivaaaaaaa,sHmisaaaaaa,").replace("eItnaaaaaaa,,", "eItnaaaaaaa,sHmisaaaaaa,");
    assert_eq!(writes(&desk), [filled]);
    assert!(matches!(desk.cmds.iter().find(|cmd| matches!(cmd, Cmd::WriteMapping { .. })),
        Some(Cmd::WriteMapping { before, .. }) if before.bytes() == FILE.as_bytes()));
    desk.keys("wu");
    assert!(desk.status().contains("being written"), "{}", desk.status());
}

#[test]
fn after_writing_the_file_is_looked_at_again_and_the_review_has_it_after_a_reading() {
    let mut desk = chosen();
    desk.keys("wy");
    let (job, before) = (desk.model.explorer.job, explores(&desk));
    desk.tell(Msg::MappingWritten(Ok("written: map.csv; the file before is map.bak".to_owned())));
    assert!(desk.status().contains("map.bak") && desk.status().contains("F reads it"), "{}", desk.status());
    assert_eq!((explores(&desk), desk.model.explorer.job), (before + 1, job + 1));
    assert!(desk.model.explorer.chosen.is_empty() && desk.model.explorer.written.is_some());
    let now = mapped(&writes(&desk)[0]);
    answer(&mut desk, now);
    assert_eq!(lines(&desk), [6, 5, 3, 2, 4]);
    desk.keys("F");
    assert!(desk.cmds.contains(&Cmd::ReadAgain(None)));
    let plan = plan();
    let ledger = Ledger::new(&plan);
    desk.open(plan, ledger, None);
    assert_eq!(desk.model.explorer.written, None);
    assert_eq!(explores(&desk), before + 2, "what was found is asked again too");
}

#[test]
fn what_is_written_while_both_sides_are_read_waits_for_the_next_reading() {
    let mut desk = chosen();
    desk.keys("F");
    desk.keys("wy");
    desk.tell(Msg::MappingWritten(Ok("written: map.csv".to_owned())));
    let again = |desk: &mut Desk| {
        let plan = plan();
        let ledger = Ledger::new(&plan);
        desk.open(plan, ledger, None);
    };
    again(&mut desk);
    assert!(desk.model.explorer.written.is_some(), "that reading began before");
    desk.keys("F");
    again(&mut desk);
    assert_eq!(desk.model.explorer.written, None);
}

#[test]
fn a_refused_write_says_why_and_choices_stay() {
    let mut desk = chosen();
    desk.keys("wy");
    desk.tell(Msg::MappingWritten(Err("map.csv changed meanwhile. The new content stands in map.new.".to_owned())));
    assert!(desk.status().contains("map.new") && desk.model.unread, "{}", desk.status());
    assert_eq!((desk.model.explorer.to_write().len(), desk.model.explorer.writing), (2, false));
    assert_eq!(desk.model.explorer.written, None);
}

#[test]
fn w_says_why_it_cannot_write() {
    let why = |desk: &Desk| why_not(&desk.model, Action::WriteMapping).unwrap_or_default();
    let mut desk = Desk::on(Screen::DataSets);
    assert!(why(&desk).contains("not read yet"));
    let fixed = Some("it comes with the program; name a file of your own with --mapping".to_owned());
    answer(&mut desk, Mapped { label: "built-in".to_owned(), fixed, ..mapped(FILE) });
    desk.keys("j<enter><enter>w");
    assert!(desk.status().contains("built-in") && desk.status().contains("--mapping"), "{}", desk.status());
    assert_eq!(desk.model.explorer.chosen.len(), 1, "a dry run is possible all the same");
    let mut desk = looked();
    assert!(why(&desk).contains("nothing is chosen"));
    desk.keys("j<enter><enter>");
    assert_eq!(why(&desk), "");
    desk.model.run.read_only = Some("held by another".to_owned());
    assert_eq!(why(&desk), "held by another");
    desk.keys("wyu");
    assert!(writes(&desk).is_empty() && desk.model.explorer.chosen.is_empty(), "a choice is no decision of the review");
}

#[test]
fn v09_held_keys_never_write_and_never_leave() {
    for key in ["w", "<enter>", "u", "U", "q", "o", "/", "F", "y", "<tab>", "<esc>"] {
        let mut desk = chosen();
        desk.keys(&key.repeat(301));
        assert!(writes(&desk).is_empty() && !desk.model.leaving, "{key}");
        assert!(desk.entries().is_empty(), "{key}");
    }
    let mut desk = chosen();
    desk.keys("w").keys(&"y".repeat(300));
    assert_eq!(writes(&desk).len(), 1, "what was shown, once");
    let mut held = looked();
    held.keys(&"<enter>".repeat(300));
    assert_eq!((held.model.explorer.chosen.len(), line(&held), held.model.focus), (1, 3, Focus::List));
    assert!(held.status().contains("enter has chosen; another key first"), "{}", held.status());
    assert!(writes(&held).is_empty());
    held.keys("j<enter><enter><enter>");
    assert_eq!(held.model.explorer.to_write(), [choice(4, None, HMIS), choice(6, Some("eTbnewaaaaa"), HMIS)]);
}

#[test]
fn a_click_on_a_row_lets_enter_choose_again() {
    let mut desk = looked();
    desk.keys("<enter><enter>");
    let layout = desk.model.layout();
    desk.tell(Msg::Mouse(Mouse::Click(layout.cells.x + 3, layout.cells.y + layout.cells_head + 1)));
    desk.keys("<enter>");
    assert_eq!(desk.model.explorer.to_write().first(), Some(&choice(3, None, MONTHLY)));
}

#[test]
fn the_wheel_takes_the_keys_out_of_the_candidates_of_the_row_it_leaves() {
    let rows: Vec<String> = (0..200).map(|at| format!("p{at},eElm{at:07},,Thing {at}\n")).collect();
    let mut desk = Desk::on(Screen::DataSets);
    answer(&mut desk, mapped(&format!("case_property,data_element_id,data_set_id,dhis2_name\n{}", rows.concat())));
    desk.keys("<enter>");
    let (layout, before) = (desk.model.layout(), line(&desk));
    desk.tell(Msg::Mouse(Mouse::Wheel(layout.list.x + 3, layout.list.y + layout.list_head + 1, 100)));
    assert_ne!(line(&desk), before);
    assert_eq!(desk.model.focus, Focus::List);
    desk.keys("<enter>");
    assert!(desk.model.explorer.chosen.is_empty(), "enter only opens it");
    assert_eq!(desk.model.focus, Focus::Cells);
}

#[test]
fn a_row_that_cannot_be_written_is_refused_and_keeps_no_other_from_it() {
    let shifted = FILE.replace("Bed nets\n", "Bed nets,more\n");
    let mut desk = Desk::on(Screen::DataSets);
    answer(&mut desk, mapped(&shifted));
    desk.keys("gjj<enter><enter>");
    assert_eq!(line(&desk), 4);
    assert!(desk.status().contains("not chosen, it could not be written: line 4: "), "{}", desk.status());
    assert!(desk.model.explorer.chosen.is_empty());
    desk.keys("hk<enter><enter>wy");
    assert_eq!(writes(&desk), [shifted.replace("eHivaaaaaaa,,", "eHivaaaaaaa,sHmisaaaaaa,")]);
    // Nor where it became one meanwhile.
    let mut desk = chosen();
    desk.model.explorer.looked = Looked::Idle;
    desk.tell(Msg::Tick);
    answer(&mut desk, mapped(&shifted));
    assert_eq!(desk.model.explorer.to_write(), [choice(3, None, HMIS)]);
}

#[test]
fn choices_stand_only_where_their_rows_are_what_they_were() {
    let mut desk = chosen();
    desk.keys("F");
    let plan = plan();
    let ledger = Ledger::new(&plan);
    desk.open(plan, ledger, None);
    // Somebody put a row in front of line 4.
    answer(&mut desk, mapped(&FILE.replace("itn,", "new,eNewaaaaaaa,,New\nitn,")));
    assert_eq!(desk.model.explorer.to_write(), [choice(3, None, HMIS)]);
    assert!(desk.model.log.iter().any(|line| line.text.contains("1 choice dropped")), "{:?}", desk.model.log);
}

#[test]
fn another_row_on_the_line_takes_neither_the_keys_nor_what_was_searched_for() {
    // Of the row above, gone while the file is looked at again.
    let less = FILE.replace("hiv,eHivaaaaaaa,,HIV tests done\n", "");
    let again = |desk: &mut Desk, text: &str| {
        desk.tell(Msg::MappingWritten(Ok("written".to_owned())));
        answer(desk, mapped(text));
    };
    let (mut desk, job) = searched("bcg");
    desk.keys("kk/bcg<enter>");
    desk.tell(Msg::Found(job + 3, Ok(found())));
    assert_eq!((line(&desk), desk.model.explorer.shown().len()), (3, 2));
    desk.keys("<enter>j");
    again(&mut desk, &less);
    assert_eq!(desk.model.explorer.entry().unwrap().row.property, "itn");
    assert_eq!((line(&desk), desk.model.focus, desk.model.explorer.candidates.at), (3, Focus::List, 0));
    assert_eq!((&desk.model.explorer.found, desk.model.explorer.shown().len()), (&None, 1));
    // Its first candidate is not the one the keys were on, though its ids are.
    let mut desk = looked();
    desk.keys("j<enter>");
    again(&mut desk, &FILE.replace("hiv,eHiv", "hiv_new,eHiv"));
    assert_eq!((line(&desk), desk.model.focus), (3, Focus::List));
    desk.keys("<enter>");
    again(&mut desk, &FILE.replace("hiv,eHiv", "hiv_new,eHiv"));
    assert_eq!((line(&desk), desk.model.focus), (3, Focus::Cells), "the same row keeps its candidate");
    // What was asked before comes too late.
    let (mut desk, job) = searched("bcg");
    again(&mut desk, &less);
    desk.tell(Msg::Found(job, Ok(found())));
    assert_eq!(desk.model.explorer.found, None);
    let (mut desk, job) = searched("bcg");
    desk.tell(Msg::Found(job, Ok(found())));
    again(&mut desk, FILE);
    assert_eq!((&desk.model.explorer.found, line(&desk)), (&None, 5), "nor does it stand beside a new answer");
}

#[test]
fn leaving_with_choices_asks_and_ctrl_c_leaves() {
    let mut desk = chosen();
    desk.slowly("3");
    desk.keys("q");
    let Some(Ask::Sure { question, .. }) = &desk.model.ask else { panic!("no question") };
    assert_eq!(question, "2 choices of data sets are not written. Leave?");
    desk.keys("n");
    assert!(!desk.model.leaving && desk.status() == "stayed");
    desk.keys("qy");
    assert!(desk.model.leaving);
    let mut desk = chosen();
    desk.keys("<ctrl-c>");
    assert!(desk.model.leaving);
    let mut desk = looked();
    desk.keys("q");
    assert!(desk.model.leaving, "nothing is chosen");
}

#[test]
fn the_row_is_copied_and_the_help_chooses_nothing_unasked() {
    let mut desk = looked();
    desk.keys("Gy");
    assert!(
        desk.cmds.contains(&Cmd::Copy("2\tbeds\teBedsaaaaaa\tsHmisaaaaaa\tBeds\tHMIS 15".to_owned())),
        "{:?}",
        desk.cmds
    );
    desk.keys("gj<enter>?<enter>");
    assert!(desk.model.explorer.chosen.is_empty() && writes(&desk).is_empty());
}

#[test]
fn the_mouse_puts_the_cursor_and_chooses_nothing() {
    for size in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        let mut desk = looked();
        desk.tell(Msg::Resize(size.0, size.1));
        let layout = desk.model.layout();
        let row = layout.list.y + layout.list_head + 1;
        desk.tell(Msg::Mouse(Mouse::Click(layout.list.x + 3, row)));
        assert_eq!((line(&desk), desk.model.focus), (3, Focus::List), "{size:?}");
        let candidate = layout.cells.y + layout.cells_head + 1;
        for _ in 0..3 {
            desk.tell(Msg::Mouse(Mouse::Click(layout.cells.x + 3, candidate)));
        }
        assert_eq!((desk.model.focus, desk.model.explorer.candidates.at), (Focus::Cells, 1), "{size:?}");
        for x in 0..size.0 {
            let (footer, action) = (layout.footer.y, onse::tui::hit::at(&desk.model, x, layout.footer.y));
            if matches!(action, Some(onse::tui::hit::Target::Key(Action::Take | Action::WriteMapping | Action::Undo))) {
                desk.tell(Msg::Mouse(Mouse::Click(x, footer)));
            }
        }
        assert!(desk.model.explorer.chosen.is_empty(), "{size:?}");
        desk.tell(Msg::Mouse(Mouse::Wheel(layout.list.x + 3, row, 3)));
        let there = if line(&desk) == 3 { Focus::Cells } else { Focus::List };
        assert_eq!(desk.model.focus, there, "the wheel gives no pane the keys while the row stays");
    }
}

#[test]
fn reading_cannot_begin_twice_from_here() {
    let mut desk = Desk::new();
    desk.keys("5F");
    assert!(desk.status().contains("being read already"), "{}", desk.status());
    assert!(!desk.cmds.contains(&Cmd::Read));
    desk.tell(Msg::Read(Err("no answer".to_owned())));
    desk.keys("F");
    assert!(desk.cmds.contains(&Cmd::Read), "where reading failed it goes on from here too");
}
