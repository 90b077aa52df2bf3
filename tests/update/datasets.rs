//! Data sets: rows and candidates are looked through, chosen, taken back and written, and nothing of that happens by itself.

mod writing;

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
