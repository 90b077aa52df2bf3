//! Data sets: rows and candidates are looked through, chosen, taken back and written, and nothing of that happens by itself.

use std::sync::Arc;

use onse::{
    domain::{
        explored::{Candidate, Element, Entry, Explored, Found, HeldAt, SetFacts},
        head::UndoOf,
        mapping::{Choice, Mapping},
        quarter::Quarter,
    },
    job::datasets::{Looking, Place as At},
    tui::{
        explorer::{Looked, Mapped},
        keymap::{Action, why_not},
        model::{Ask, Over},
        msg::Mouse,
    },
};

use super::*;

/// Lines 2 to 6: all well, no data set with two candidates, none with one, one in no data set, and another element of a like name.
const FILE: &str = "case_property,data_element_id,data_set_id,dhis2_name\n\
    beds,eBedsaaaaaa,sHmisaaaaaa,Beds\n\
    hiv,eHivaaaaaaa,,HIV tests done\n\
    itn,eItnaaaaaaa,,Bed nets\n\
    bcg,eBcgaaaaaaa,,BCG\n\
    tb,eTbaaaaaaaa,sHmisaaaaaa,TB cases\n";

const HMIS: &str = "sHmisaaaaaa";
const MONTHLY: &str = "sMonthlyaaa";

fn set(id: &str, name: &str) -> SetFacts {
    SetFacts { id: id.to_owned(), name: name.to_owned(), ..SetFacts::default() }
}

fn own(element: &str, name: &str, set: Option<SetFacts>) -> Candidate {
    Candidate { element: element.to_owned(), element_name: name.to_owned(), alike: None, set }
}

fn like(element: &str, name: &str, set: Option<SetFacts>) -> Candidate {
    Candidate { alike: Some(80), ..own(element, name, set) }
}

/// What DHIS2 holds for a mapping like [`FILE`].
fn explored(mapping: &Mapping) -> Explored {
    let hmis = || Some(set(HMIS, "HMIS 15"));
    let entry = |row: &onse::domain::mapping::Row| {
        let (element, name) = (row.data_element.as_str(), row.name.as_str());
        let mut candidates = vec![own(element, name, hmis())];
        match row.property.as_str() {
            "hiv" => candidates.push(own(element, name, Some(set(MONTHLY, "HIV monthly")))),
            "bcg" => candidates = vec![own(element, name, None)],
            "tb" => candidates = vec![like("eTbnewaaaaa", "TB cases new", hmis())],
            _ => {}
        }
        let shown = if row.property == "tb" { Element::Missing } else { Element::Shown(row.name.clone()) };
        Entry { row: row.clone(), element: shown, candidates, looked: true, problems: Vec::new() }
    };
    Explored {
        quarter: Quarter::parse("2026Q2").unwrap(),
        facilities: Some(4),
        rows: mapping.rows.iter().map(entry).collect(),
        notes: Vec::new(),
    }
}

fn mapped(text: &str) -> Mapped {
    Mapped {
        label: "/home/musa/case_property_map.csv".to_owned(),
        fixed: None,
        mapping: Arc::new(Mapping::read(text.as_bytes())),
    }
}

/// The answers to what was asked last, for this file.
fn answer(desk: &mut Desk, mapped: Mapped) {
    let (job, found) = (desk.model.explorer.job, explored(&mapped.mapping));
    desk.tell(Msg::Mapped(job, Ok(mapped)));
    desk.tell(Msg::Explored(job, Ok(Box::new(found))));
}

/// Data sets with everything looked up, in a review.
pub(crate) fn looked() -> Desk {
    let mut desk = Desk::on(Screen::DataSets);
    answer(&mut desk, mapped(FILE));
    desk
}

fn line(desk: &Desk) -> u64 {
    desk.model.explorer.entry().unwrap().row.line
}

/// Lines of the rows, as listed.
fn lines(desk: &Desk) -> Vec<u64> {
    let explorer = &desk.model.explorer;
    let rows = &explorer.explored.as_ref().unwrap().rows;
    explorer.rows.all.iter().map(|at| rows[*at].row.line).collect()
}

fn choice(line: u64, element: Option<&str>, set: &str) -> Choice {
    Choice { line, data_element: element.map(str::to_owned), data_set: set.to_owned() }
}

fn writes(desk: &Desk) -> Vec<String> {
    let bytes = desk.cmds.iter().filter_map(|cmd| match cmd {
        Cmd::WriteMapping { after, .. } => Some(String::from_utf8(after.clone()).unwrap()),
        _ => None,
    });
    bytes.collect()
}

fn explores(desk: &Desk) -> usize {
    desk.cmds.iter().filter(|cmd| matches!(cmd, Cmd::Explore(_))).count()
}

#[test]
fn the_tab_asks_once_whether_or_not_there_is_a_review() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("5");
    assert_eq!(desk.cmds.iter().filter(|cmd| matches!(cmd, Cmd::Explore(1))).count(), 1, "{:?}", desk.cmds);
    desk.slowly("3535");
    assert_eq!(explores(&desk), 1);
    let step = Looking { step: "counting reports", done: 3, of: 9 };
    desk.tell(Msg::Looking(1, step));
    assert_eq!(desk.model.explorer.looked, Looked::Asking(step));
    answer(&mut desk, mapped(FILE));
    desk.slowly("15");
    assert_eq!((explores(&desk), &desk.model.explorer.looked), (1, &Looked::Ready));
    let mut unread = Desk::new();
    unread.keys("5");
    assert_eq!((unread.model.screen, explores(&unread)), (Screen::DataSets, 1), "while reading");
    unread.slowly("1");
    unread.tell(Msg::Read(Err("no answer".to_owned())));
    unread.slowly("5");
    answer(&mut unread, mapped(FILE));
    assert_eq!(line(&unread), 6, "also where reading failed");
}

#[test]
fn what_failed_is_said_and_asked_again_by_enter_or_by_coming_back() {
    let mut desk = Desk::on(Screen::DataSets);
    let failed = |desk: &mut Desk| {
        let job = desk.model.explorer.job;
        desk.tell(Msg::Explored(job, Err("opened without the servers (--offline)".to_owned())));
    };
    let before = desk.model.explorer.job;
    failed(&mut desk);
    assert!(desk.status().contains("--offline"), "{}", desk.status());
    assert!(matches!(&desk.model.explorer.looked, Looked::Failed(why) if why.contains("--offline")));
    desk.keys("<enter>");
    assert_eq!((explores(&desk), desk.model.explorer.job), (1, before + 1));
    failed(&mut desk);
    desk.slowly("35");
    assert_eq!((explores(&desk), desk.model.explorer.job), (2, before + 2));
    let job = desk.model.explorer.job;
    desk.tell(Msg::Mapped(job, Err("line 1: no column data_set_id".to_owned())));
    assert!(desk.status().contains("no column"), "{}", desk.status());
    assert!(desk.model.explorer.explored.is_none());
}

#[test]
fn an_undo_review_says_why_nothing_is_asked() {
    let undone =
        UndoOf { file: "2026Q2.review".to_owned(), first: String::new(), last: String::new(), forms: Vec::new() };
    let head = Head { undo: Some(undone), ..head() };
    let facilities = vec![Facility { case_id: "c".to_owned(), name: "K".to_owned(), ..Facility::default() }];
    let properties = vec![Property { name: "beds".to_owned(), ..Property::default() }];
    let desk = Desk::with(Plan::draft(head, facilities, properties).finish(), Screen::DataSets);
    assert_eq!(explores(&desk), 0);
    assert!(matches!(&desk.model.explorer.looked, Looked::Failed(why) if why.contains("puts values back")));
}

#[test]
fn answers_to_older_questions_are_dropped() {
    let mut desk = looked();
    let job = desk.model.explorer.job;
    desk.tell(Msg::Mapped(job - 1, Ok(mapped("case_property\n"))));
    desk.tell(Msg::Explored(job - 1, Err("late".to_owned())));
    desk.tell(Msg::Explored(job + 1, Err("early".to_owned())));
    assert_eq!((lines(&desk).len(), &desk.model.explorer.looked), (5, &Looked::Ready));
}

#[test]
fn rows_that_need_something_come_first_and_the_cursor_stays_on_its_line() {
    let mut desk = looked();
    assert_eq!(lines(&desk), [6, 3, 4, 5, 2], "an element that is not shown, then empty data sets, then the rest");
    desk.keys("jj");
    assert_eq!(line(&desk), 4);
    // With its data set in the file the row needs nothing any more.
    desk.keys("F");
    let again = Arc::new(plan());
    let ledger = Ledger::new(&again);
    desk.open(Arc::try_unwrap(again).unwrap(), ledger, None);
    answer(&mut desk, mapped(&FILE.replace("eItnaaaaaaa,,", "eItnaaaaaaa,sHmisaaaaaa,")));
    assert_eq!((lines(&desk), line(&desk)), (vec![6, 3, 5, 2, 4], 4));
}

#[test]
fn both_panes_are_moved_through_and_enter_in_the_rows_only_opens() {
    let mut desk = looked();
    desk.keys("Ggjjj");
    assert_eq!(line(&desk), 5);
    desk.keys("kk");
    assert_eq!((line(&desk), desk.model.focus), (3, Focus::List));
    for into in ["<enter>", "l", "<right>", "<tab>"] {
        desk.keys(into);
        assert_eq!(desk.model.focus, Focus::Cells, "{into}");
        desk.keys("j");
        assert_eq!(desk.model.explorer.candidate().unwrap().set_id(), MONTHLY);
        for (out, back) in [("h", "l"), ("<left>", "l"), ("<tab>", "<tab>"), ("<esc>", "<enter>")] {
            desk.keys(out);
            assert_eq!(desk.model.focus, Focus::List, "{out}");
            desk.keys(back);
        }
        desk.keys("h");
    }
    assert!(desk.model.explorer.chosen.is_empty(), "none of these chooses");
    desk.keys("j");
    assert_eq!(desk.model.explorer.candidates.at, 0, "another row begins at its first candidate");
    assert!(desk.model.review.is_some() && desk.entries().is_empty());
}

#[test]
fn the_panes_of_facilities_are_as_they_were_afterwards() {
    let mut desk = cells();
    desk.slowly("5");
    assert_eq!(desk.model.focus, Focus::List);
    answer(&mut desk, mapped(FILE));
    desk.keys("l");
    assert_eq!(desk.model.focus, Focus::Cells);
    desk.slowly("453");
    assert_eq!((desk.model.screen, desk.model.focus), (Screen::Facilities, Focus::Cells));
    let place = desk.cmds.iter().rev().find_map(|cmd| match cmd {
        Cmd::SavePlace(place) => Some(place.clone()),
        _ => None,
    });
    assert_eq!(place.unwrap().focus, Focus::Cells);
}

#[test]
fn a_choice_takes_enter_in_the_candidates_and_goes_on_to_the_next_row_that_needs_one() {
    let mut desk = looked();
    desk.keys("j<enter>j<enter>");
    assert_eq!(desk.model.explorer.chosen, [choice(3, None, MONTHLY)]);
    assert_eq!((line(&desk), desk.model.focus), (4, Focus::List));
    assert!(
        desk.status().contains("HIV monthly for hiv") && desk.status().contains("w writes it"),
        "{}",
        desk.status()
    );
    assert!(writes(&desk).is_empty());
    // The one that was chosen is marked, and chosen once.
    desk.keys("k<enter>");
    let explorer = &desk.model.explorer;
    assert_eq!(explorer.shown().iter().map(|one| explorer.is_chosen(one)).collect::<Vec<_>>(), [false, true]);
    desk.keys("j<enter>");
    assert!(desk.status().contains("chosen already"), "{}", desk.status());
    assert_eq!(desk.model.explorer.chosen.len(), 1);
    // Another one for the row takes its place.
    desk.keys("k<enter>");
    assert_eq!(desk.model.explorer.chosen.len(), 2);
    assert_eq!(desk.model.explorer.to_write(), [choice(3, None, HMIS)]);
}

#[test]
fn a_candidate_of_another_element_writes_both_ids() {
    let mut desk = looked();
    desk.keys("<enter><enter>");
    assert_eq!(desk.model.explorer.chosen, [choice(6, Some("eTbnewaaaaa"), HMIS)]);
    assert!(desk.status().contains("data element TB cases new of HMIS 15 for tb"), "{}", desk.status());
}

#[test]
fn d21_an_element_in_no_data_set_cannot_be_chosen_and_what_the_file_holds_is_no_choice() {
    let mut desk = looked();
    desk.keys("jjj<enter><enter>");
    assert_eq!(line(&desk), 5);
    assert!(desk.status().contains("stands in no data set"), "{}", desk.status());
    desk.keys("hG<enter><enter>");
    assert_eq!(line(&desk), 2);
    assert!(desk.status().contains("the file holds it already"), "{}", desk.status());
    assert!(desk.model.explorer.chosen.is_empty());
}

#[test]
fn choices_are_taken_back_and_made_again() {
    let mut desk = looked();
    desk.keys("u");
    assert!(desk.status().contains("nothing to undo"), "{}", desk.status());
    desk.keys("j<enter><enter>l<enter>");
    assert_eq!(desk.model.explorer.to_write(), [choice(3, None, HMIS), choice(4, None, HMIS)]);
    desk.keys("gu");
    assert_eq!((desk.model.explorer.to_write(), line(&desk)), (vec![choice(3, None, HMIS)], 4));
    desk.keys("U");
    assert_eq!(desk.model.explorer.to_write().len(), 2);
    desk.keys("uu");
    assert!(desk.model.explorer.chosen.is_empty());
    desk.keys("U");
    assert_eq!(desk.model.explorer.to_write(), [choice(3, None, HMIS)]);
    desk.keys("g<enter><enter>U");
    assert!(desk.status().contains("nothing to redo"), "a new choice ends what was taken back: {}", desk.status());
    assert!(desk.entries().is_empty(), "the review's own undo has nothing to do with it");
}

#[test]
fn nothing_is_chosen_by_an_answer_or_while_one_is_awaited() {
    let mut desk = looked();
    assert!(desk.model.explorer.chosen.is_empty());
    desk.keys("jj<enter>");
    desk.tell(Msg::MappingWritten(Ok("written: a file".to_owned())));
    desk.keys("<enter>");
    assert!(desk.status().contains("still being asked"), "{}", desk.status());
    assert!(desk.model.explorer.chosen.is_empty());
    // What could stand there moved: the keys go back to the rows instead of to another candidate.
    let mapped = mapped(FILE);
    let job = desk.model.explorer.job;
    let mut found = explored(&mapped.mapping);
    found.rows[2].candidates = vec![own("eItnaaaaaaa", "Bed nets", Some(set(MONTHLY, "Another")))];
    desk.tell(Msg::Mapped(job, Ok(mapped)));
    desk.tell(Msg::Explored(job, Ok(Box::new(found))));
    assert_eq!((line(&desk), desk.model.focus), (4, Focus::List));
}

#[test]
fn values_are_asked_for_the_facility_and_again_for_another_row() {
    let mut desk = looked();
    let asked = |desk: &Desk| -> Vec<(u64, String, usize)> {
        let of = |cmd: &Cmd| match cmd {
            Cmd::LoadHeld { job, place, candidates } => Some((*job, place.unit.clone(), candidates.len())),
            _ => None,
        };
        desk.cmds.iter().filter_map(of).collect()
    };
    desk.keys("ohc<enter>");
    assert!(desk.status().contains("Kasenga HC") && asked(&desk).is_empty(), "several: {}", desk.status());
    desk.keys("ozaria<enter>");
    assert!(desk.status().contains("no facility"), "{}", desk.status());
    desk.keys("okasenga<enter>");
    assert_eq!(asked(&desk), [(1, "ou000000000".to_owned(), 1)]);
    desk.keys("j");
    assert_eq!(asked(&desk).last().unwrap(), &(2, "ou000000000".to_owned(), 2));
    let held = HeldAt { facility: "Kasenga HC".to_owned(), ..HeldAt::default() };
    desk.tell(Msg::Held(1, Ok(held.clone())));
    assert_eq!(desk.model.explorer.held, None, "only the newest answer counts");
    desk.tell(Msg::Held(2, Ok(held.clone())));
    assert_eq!(desk.model.explorer.held, Some(Ok(held)));
    desk.keys("l");
    assert_eq!(asked(&desk).len(), 2, "once for a row");
    desk.keys("o<up>");
    assert!(matches!(&desk.model.ask, Some(Ask::Words { input, .. }) if input.value() == "Kasenga HC"));
    desk.keys("<esc>ocase-3<enter>");
    assert_eq!(asked(&desk).last().unwrap().1, "ou000000003", "by id too");
}

#[test]
fn without_a_review_the_facilities_are_asked_for_first() {
    let mut desk = Desk::new();
    desk.keys("5");
    answer(&mut desk, mapped(FILE));
    desk.keys("okas<enter>");
    let job = desk.model.explorer.job;
    assert!(desk.cmds.contains(&Cmd::LoadPlaces(job)));
    let place = |unit: &str, name: &str| At { unit: unit.to_owned(), name: name.to_owned() };
    desk.tell(Msg::Places(job, Ok([place("u1", "Kasenga"), place("u2", "Luvuzi")].into())));
    assert_eq!(desk.model.explorer.place, Some(place("u1", "Kasenga")));
    desk.keys("oluv<enter>");
    assert_eq!(desk.cmds.iter().filter(|cmd| matches!(cmd, Cmd::LoadPlaces(_))).count(), 1, "remembered");
    assert_eq!(desk.model.explorer.place, Some(place("u2", "Luvuzi")));
}

/// A search from the row of line 5, with its number.
fn searched(words: &str) -> (Desk, u64) {
    let mut desk = looked();
    desk.keys(&format!("jjj/{words}<enter>"));
    let job = desk.cmds.iter().rev().find_map(|cmd| match cmd {
        Cmd::Search { job, words: asked } if asked == words => Some(*job),
        _ => None,
    });
    (desk, job.unwrap())
}

fn found() -> Found {
    let candidates = vec![
        like("eNewaaaaaaa", "BCG doses", Some(set(HMIS, "HMIS 15"))),
        like("eBcgaaaaaaa", "BCG", Some(set(MONTHLY, "EPI monthly"))),
    ];
    Found { words: "bcg".to_owned(), candidates, ..Found::default() }
}

#[test]
fn what_is_searched_for_takes_the_place_of_the_candidates_until_esc_or_another_row() {
    let (mut desk, job) = searched("bcg");
    desk.tell(Msg::Found(job - 1, Err("older".to_owned())));
    desk.keys("l");
    desk.tell(Msg::Found(job, Ok(found())));
    assert_eq!((desk.model.explorer.shown().len(), desk.model.focus), (2, Focus::List), "not under a key that chooses");
    desk.keys("<esc>");
    assert_eq!(desk.model.explorer.shown().len(), 1);
    let (mut desk, job) = searched("bcg");
    desk.keys("j");
    desk.tell(Msg::Found(job, Ok(found())));
    assert_eq!(desk.model.explorer.found, None, "another row was gone to meanwhile");
    let (mut desk, job) = searched("bcg");
    desk.tell(Msg::Found(job, Ok(found())));
    desk.keys("jk");
    assert_eq!(desk.model.explorer.shown().len(), 1);
}

#[test]
fn what_was_found_is_chosen_with_its_element_where_that_is_another() {
    let (mut desk, job) = searched("bcg");
    desk.tell(Msg::Found(job, Ok(found())));
    desk.keys("<enter><enter>");
    assert_eq!(desk.model.explorer.chosen, [choice(5, Some("eNewaaaaaaa"), HMIS)]);
    let (mut desk, job) = searched("bcg");
    desk.tell(Msg::Found(job, Ok(found())));
    desk.keys("<enter>j<enter>");
    assert_eq!(desk.model.explorer.chosen, [choice(5, None, MONTHLY)], "its own element is not written again");
    let (mut desk, job) = searched("zzz");
    desk.tell(Msg::Found(job, Ok(Found { words: "zzz".to_owned(), ..Found::default() })));
    assert!(desk.status().contains("no data element was found"), "{}", desk.status());
    desk.keys("/<enter>");
    assert!(desk.status().contains("nothing was typed"), "{}", desk.status());
}

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
