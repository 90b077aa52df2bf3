//! Data sets: rows of the mapping, what could stand in them, why; and the problems of the mapping on Overview.

use super::*;
use onse::{
    domain::{
        explored::{Candidate, Element, Entry, Explored, Found, Held, HeldAt, SetFacts},
        mapping::{Choice, DATA_SET, ELEMENT, Mapping, Problem, Row},
    },
    job::datasets::{Looking, Place},
    tui::{
        explorer::{Looked, Mapped},
        hit::{self, Pane, Target},
        model::{Door, Rows},
        msg::Mouse,
        screen::{Focus, Screen},
    },
};

pub(crate) const LINES: [(&str, &str, &str, &str); 8] = [
    ("dhis_hiv_tests_done_in_the_quarter_at_the_facility", "hTs3kP0aQ2w", "", "HIV tests done"),
    ("dhis_itn_given", "bNt5jR8sLq1", "", "Bed nets given out"),
    ("dhis_bcg_doses", "bCg7dW2mXe4", "", "BCG doses given"),
    ("dhis_tb_notified", "tBn4cQ9vKo6", "uk3Vkwy5cIe", "TB cases notified"),
    ("dhis_anc1_visits", "aNc1vS8rTd5", "q3VmNfT1sXa", "ANC first visits"),
    ("dhis_beds", "bEd2sF7kHn3", "q3VmNfT1sXa", "Beds \u{8a3a}\u{7642}\u{6240}"),
    ("dhis_cold_chain", "cOl9dC4nYg8", "q3VmNfT1sXa", "Cold chain \u{1b}[31mworks\u{7}\u{202e}"),
    ("dhis_unknown_element", "xXx1yYy2zZz", "", "Supervision visits held"),
];

fn file() -> Vec<u8> {
    let mut text = "case_property,data_element_id,data_set_id,dhis2_name\n".to_owned();
    for (property, element, set, name) in LINES {
        let _ = writeln!(text, "{property},{element},{set},{name}");
    }
    text.into_bytes()
}

fn set(id: &str, name: &str, period: &str, reported: usize, rows: usize) -> SetFacts {
    SetFacts {
        id: id.to_owned(),
        name: name.to_owned(),
        period_type: Some(period.to_owned()),
        reported: Some(reported),
        assigned: Some(1_080),
        rows,
    }
}

fn candidate(row: &Row, set: Option<SetFacts>) -> Candidate {
    Candidate { element: row.data_element.clone(), element_name: row.name.clone(), alike: None, set }
}

fn like(element: &str, name: &str, alike: u8, set: Option<SetFacts>) -> Candidate {
    Candidate { element: element.to_owned(), element_name: name.to_owned(), alike: Some(alike), set }
}

fn hmis() -> SetFacts {
    set("q3VmNfT1sXa", "HMIS-15", "Quarterly", 1_021, 3)
}

fn problem(row: &Row, column: &'static str, value: &str, what: &str, blocks: bool) -> Problem {
    Problem { line: row.line, column: Some(column), value: value.to_owned(), what: what.to_owned(), blocks }
}

fn three(row: &Row) -> Vec<Candidate> {
    let sets = [
        hmis(),
        set("Lp0yHc8dRbe", "HIV monthly", "Monthly", 1_090, 0),
        set("w7KjUz2eGoi", "HIV quarterly (2019)", "Quarterly", 0, 0),
    ];
    sets.into_iter().map(|set| candidate(row, Some(set))).collect()
}

/// What is found for each of the rows.
fn entry(row: Row) -> Entry {
    let mut entry = Entry {
        element: Element::Shown(row.name.clone()),
        candidates: vec![candidate(&row, Some(hmis()))],
        looked: true,
        problems: Vec::new(),
        row,
    };
    let row = &entry.row;
    let waits = "The data set is not known yet, so the row waits. Tab 5 looks it up.";
    if row.data_set.is_empty() {
        entry.problems.push(problem(row, DATA_SET, "", waits, false));
    }
    match row.line {
        2 => entry.candidates = three(row),
        4 => entry.candidates = vec![candidate(row, None)],
        5 => {
            let what = "The data set does not hold the data element. HMIS-15 (q3VmNfT1sXa) does; choose it here, or ask who keeps DHIS2.";
            entry.problems.push(problem(row, DATA_SET, "uk3Vkwy5cIe", what, true));
            let what = "It adds up over 3 attribute options, so a person may be counted twice. Look at a value before you use it.";
            entry.problems.push(problem(row, ELEMENT, "tBn4cQ9vKo6", what, false));
        }
        6 => entry.candidates.push(candidate(row, Some(set("Lp0yHc8dRbe", "ANC monthly", "Monthly", 12, 0)))),
        8 => {
            let hostile = SetFacts { name: "Store\u{1b}[2J \u{202e}room".to_owned(), ..hmis() };
            entry.candidates = vec![candidate(row, Some(hostile))];
        }
        9 => {
            entry.element = Element::Missing;
            let what =
                "DHIS2 shows no data element with this id. Supervision visits (sUp5vIs1tHd) has the likest name.";
            entry.problems.push(problem(row, ELEMENT, "xXx1yYy2zZz", what, true));
            entry.candidates = vec![
                like("sUp5vIs1tHd", "Supervision visits", 86, Some(hmis())),
                like(
                    "sUp5vIs1tHd",
                    "Supervision visits",
                    86,
                    Some(set("Lp0yHc8dRbe", "DHO monthly", "Monthly", 31, 0)),
                ),
                like("sUp8dOn2eQx", "Supervision visits planned for the year by the district", 74, None),
            ];
        }
        _ => {}
    }
    entry
}

fn mapped() -> Mapped {
    Mapped {
        label: "/home/musa/ONSE project/import/case_property_map.csv".to_owned(),
        fixed: None,
        mapping: Arc::new(Mapping::read(&file())),
    }
}

fn explored(mapping: &Mapping) -> Explored {
    Explored {
        quarter: Quarter::parse("2026Q2").unwrap(),
        facilities: Some(1_106),
        rows: mapping.rows.iter().cloned().map(entry).collect(),
        notes: Vec::new(),
    }
}

/// The screen once the mapping was read, before DHIS2 answered.
fn read(size: (u16, u16)) -> Model {
    let mut model = few("5");
    update(&mut model, Msg::Resize(size.0, size.1), &now());
    let job = model.explorer.job;
    update(&mut model, Msg::Mapped(job, Ok(mapped())), &now());
    model
}

/// The screen with everything looked up, the cursor on the row of this line.
pub(crate) fn looked(size: (u16, u16), line: u64) -> Model {
    let mut model = read(size);
    let (job, mapping) = (model.explorer.job, Arc::clone(&model.explorer.mapped.as_ref().unwrap().mapping));
    update(&mut model, Msg::Explored(job, Ok(Box::new(explored(&mapping)))), &now());
    press(&mut model, "g");
    for _ in 0..LINES.len() {
        if model.explorer.entry().unwrap().row.line != line {
            press(&mut model, "j");
        }
    }
    assert_eq!(model.explorer.entry().unwrap().row.line, line);
    model
}

fn choice(line: u64, element: Option<&str>, set: &str) -> Choice {
    Choice { line, data_element: element.map(str::to_owned), data_set: set.to_owned() }
}

#[test]
fn rows_and_what_could_stand_in_them() {
    every("mapped", |size, _| looked(size, 2));
    every("mapped_candidates", |size, _| {
        let mut model = looked(size, 2);
        model.focus = Focus::Cells;
        model.explorer.candidates.at = 1;
        model
    });
    every("mapped_like", |size, _| looked(size, 9));
    sizes("mapped_problems", &ALL, |size, _| looked(size, 5));
    sizes("mapped_none", &TWO, |size, _| looked(size, 4));
    sizes("mapped_several", &TWO, |size, _| looked(size, 6));
    every("mapped_hostile", |size, _| looked(size, 8));
    sizes("mapped_ascii", &[(80, 24)], |size, _| {
        let mut model = looked(size, 6);
        model.look.ascii = true;
        model
    });
}

/// The screen of a mapping of many rows, the first of which has many candidates.
pub(crate) fn large(size: (u16, u16), rows: usize, candidates: usize) -> Model {
    let mut model = few("5");
    update(&mut model, Msg::Resize(size.0, size.1), &now());
    let mut text = "case_property,data_element_id,data_set_id,dhis2_name\n".to_owned();
    for row in 0..rows {
        let _ = writeln!(text, "dhis_count_of_things_seen_at_the_facility_{row},dEl{row:08},,Things seen, no. {row}");
    }
    let mapping = Arc::new(Mapping::read(text.replace(", no", " no").as_bytes()));
    let mut explored = explored(&mapping);
    for entry in &mut explored.rows {
        entry.problems.clear();
        (entry.element, entry.candidates) = (Element::Shown(entry.row.name.clone()), Vec::new());
    }
    let many = (0..candidates).map(|at| Some(set(&format!("sEt{at:08}"), &format!("Form {at}"), "Quarterly", at, 0)));
    explored.rows[0].candidates = many.map(|set| candidate(&explored.rows[0].row, set)).collect();
    let job = model.explorer.job;
    let mapped = Mapped { mapping, ..mapped() };
    update(&mut model, Msg::Mapped(job, Ok(mapped)), &now());
    update(&mut model, Msg::Explored(job, Ok(Box::new(explored))), &now());
    model
}

#[test]
fn more_than_there_is_room_for() {
    every("mapped_many", |size, _| {
        let mut model = large(size, 2_000, 40);
        press(&mut model, "enter 2 0 j");
        model
    });
    sizes("mapped_far_down", &TWO, |size, _| {
        let mut model = large(size, 2_000, 0);
        press(&mut model, "G k k k k k k k k k k k k");
        model
    });
}

#[test]
fn a_click_finds_the_row_of_its_pane() {
    for size in ALL {
        let mut model = looked(size, 2);
        let layout = model.layout();
        let at = |model: &Model, pane: Rect, head: u16, row: u16| hit::at(model, pane.x + 2, pane.y + head + row);
        let row = |focus, row| Some(Target::Row(Pane::Of(focus), row));
        assert_eq!(at(&model, layout.list, layout.list_head, 1), row(Focus::List, 1), "{size:?}");
        assert_eq!(at(&model, layout.cells, layout.cells_head, 2), row(Focus::Cells, 2), "{size:?}");
        assert_eq!(at(&model, layout.list, 0, 0), Some(Target::Pane(Pane::Of(Focus::List))), "{size:?}");
        assert_eq!(at(&model, layout.detail, 0, 1), None, "{size:?}");
        let cells = (layout.cells.x + 2, layout.cells.y + layout.cells_head + 2);
        update(&mut model, Msg::Mouse(Mouse::Click(cells.0, cells.1)), &now());
        assert_eq!((model.focus, model.explorer.candidates.at), (Focus::Cells, 2), "{size:?}");
        assert!(model.explorer.chosen.is_empty(), "a click chooses nothing");
        assert!(
            hit::at(&read(size), cells.0, layout.list.y + layout.list_head)
                .is_none_or(|target| !matches!(target, Target::Row(..)))
        );
    }
}

#[test]
fn nothing_on_screen_acts_on_the_terminal() {
    for size in ALL {
        for line in 2..10 {
            let text = rows(&drawn(&looked(size, line))).join("\n");
            assert!(
                !text.chars().any(|c| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c)),
                "{text}"
            );
        }
    }
}

/// A review with problems of its mapping.
fn with_problems(size: (u16, u16), number: usize) -> Model {
    of_mapping(size, number, "9f2ab31c77d0e4f5")
}

/// A review with problems of its mapping, which had this hash.
fn of_mapping(size: (u16, u16), number: usize, hash: &str) -> Model {
    let mut plan = common::plan(30);
    let text = |at: usize| match at {
        0 => {
            "line 1: the file has a column \u{1b}[31mnotes\u{7} that means nothing here. It stays as it is.".to_owned()
        }
        1 => "line 4, data_set_id: The data set is not known yet, so the row waits. Tab 5 looks it up.".to_owned(),
        at => format!(
            "line {}, data_element_id \"x{at}\": This is no id: it has 2 characters. A DHIS2 id is a letter and ten more.",
            at + 3
        ),
    };
    plan.head.mapping_problems = (0..number).map(text).collect();
    plan.head.mapping = format!("case_property_map.csv (25 rows, {hash})");
    opened(plan, size, "1")
}

#[test]
fn problems_of_the_mapping_are_doors_of_overview() {
    every("overview_mapping", |size, _| {
        let mut model = with_problems(size, 20);
        press(&mut model, "g j j");
        model
    });
    sizes("overview_mapping_none", &TWO, |size, _| with_problems(size, 0));
    for (size, told) in [((60, 20), 3), ((120, 40), 8)] {
        let model = with_problems(size, 20);
        let doors = model.review.as_ref().unwrap().doors.all.clone();
        let mapping: Vec<_> = doors.iter().filter(|door| matches!(door, Door::Mapping(_))).collect();
        assert_eq!(mapping, (0..told).map(Door::Mapping).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        let seen = rows(&drawn(&model)).join("\n");
        assert!(seen.contains(&format!("… {} more on tab 5", 20 - told)), "{seen}");
    }
}

#[test]
fn a_problem_opens_its_row_by_key_and_by_mouse() {
    for (keys, line) in [("g j j enter", 4), ("g j j j enter", 5)] {
        let mut model = with_problems((80, 24), 3);
        press(&mut model, keys);
        assert_eq!(model.screen, Screen::DataSets, "{keys}");
        let job = model.explorer.job;
        let mapped = mapped();
        let explored = explored(&mapped.mapping);
        update(&mut model, Msg::Mapped(job, Ok(mapped)), &now());
        update(&mut model, Msg::Explored(job, Ok(Box::new(explored))), &now());
        assert_eq!(model.explorer.entry().unwrap().row.line, line, "{keys}");
        // The second time everything is there already.
        press(&mut model, "1");
        press(&mut model, keys);
        assert_eq!((model.screen, model.explorer.entry().unwrap().row.line), (Screen::DataSets, line), "{keys}");
    }
    let model = with_problems((80, 24), 3);
    let seen = rows(&drawn(&model));
    let y = seen.iter().position(|row| row.contains("line 4, data_set_id")).unwrap();
    let doors = &model.review.as_ref().unwrap().doors.all;
    let door = doors.iter().position(|door| *door == Door::Mapping(1)).unwrap();
    assert_eq!(hit::at(&model, 10, u16::try_from(y).unwrap()), Some(Target::Row(Pane::Doors, door)));
}

#[test]
fn a_problem_of_another_file_says_so_where_it_is_opened() {
    let now_in_file = mapped();
    let said = |hash: &str, keys: &str| {
        let mut model = of_mapping((80, 24), 30, hash);
        press(&mut model, keys);
        let job = model.explorer.job;
        update(&mut model, Msg::Mapped(job, Ok(mapped())), &now());
        update(&mut model, Msg::Explored(job, Ok(Box::new(explored(&now_in_file.mapping)))), &now());
        model.status().map_or_else(String::new, |line| line.text.clone())
    };
    let other = said("9f2ab31c77d0e4f5", "g j j enter");
    assert!(
        other.contains("changed since the review was read: another row may stand on line 4 now; F reads"),
        "{other}"
    );
    let first = said("9f2ab31c77d0e4f5", "g j enter");
    assert!(first.contains("no row starts on line 1 now"), "{first}");
    assert!(!said(now_in_file.mapping.hash(), "g j j enter").contains("changed since"));
}

#[test]
fn what_was_searched_for() {
    let found = |size| {
        let mut model = looked(size, 4);
        let candidates = vec![
            like("bCg1aaaaaa1", "BCG doses given under 1 year", 91, Some(hmis())),
            like("bCg1aaaaaa2", "BCG doses given at outreach posts of the district health office", 70, None),
            like("bCg1aaaaaa3", "BCG", 44, Some(set("Lp0yHc8dRbe", "EPI monthly", "Monthly", 1_090, 2))),
        ];
        let found = Found { words: "bcg \u{1b}[2Jdoses".to_owned(), candidates, more: 12, notes: Vec::new() };
        model.explorer.found = Some((4, found));
        model.explorer.candidates = Rows { all: vec![0, 1, 2], ..Rows::default() };
        model.focus = Focus::Cells;
        model
    };
    every("mapped_found", |size, _| found(size));
    sizes("mapped_found_none", &[(80, 24)], |size, _| {
        let mut model = found(size);
        model.explorer.found = Some((4, Found { words: "bicycles".to_owned(), ..Found::default() }));
        model.explorer.candidates = Rows::default();
        model
    });
}

fn with_values(size: (u16, u16), at: usize, held: Option<Result<HeldAt, String>>) -> Model {
    let mut model = looked(size, 2);
    model.focus = Focus::Cells;
    model.explorer.candidates.at = at;
    model.explorer.place = Some(Place { unit: "qX9mAbC2dEf".to_owned(), name: "Kasenga HC".to_owned() });
    model.explorer.held = held;
    model
}

fn held_at(held: &[(&str, &str, usize)]) -> HeldAt {
    let held = held.iter().map(|(period, total, parts)| Held {
        element: "hTs3kP0aQ2w".to_owned(),
        period: (*period).to_owned(),
        total: (*total).to_owned(),
        parts: *parts,
    });
    HeldAt { facility: "Kasenga HC".to_owned(), held: held.collect(), notes: Vec::new() }
}

#[test]
fn what_a_facility_would_get() {
    let all = || held_at(&[("2026Q2", "1214", 4), ("202604", "70", 2), ("202606", "seen", 1)]);
    every("mapped_values", |size, _| with_values(size, 0, Some(Ok(all()))));
    sizes("mapped_values_months", &TWO, |size, _| with_values(size, 1, Some(Ok(all()))));
    let said = |held| rows(&drawn(&with_values((80, 24), 0, held))).join("\n");
    assert!(said(Some(Ok(held_at(&[])))).contains("2026Q2 in HMIS-15 for Kasenga HC: nothing stored"));
    assert!(said(None).contains("for Kasenga HC: asking DHIS2"));
    assert!(said(Some(Err("DHIS2 refused (409)".to_owned()))).contains("Kasenga HC: DHIS2 refused (409)"));
    let months = rows(&drawn(&with_values((120, 40), 1, Some(Ok(held_at(&[("2026Q2", "9", 1)])))))).join("\n");
    assert!(months.contains("nothing stored in its three months"), "{months}");
}

#[test]
fn what_a_facility_would_get_is_no_guess() {
    let some =
        |held: &[(&str, &str, usize)]| HeldAt { notes: vec!["HIV was refused (409)".to_owned()], ..held_at(held) };
    let said = |at, held| rows(&drawn(&with_values((120, 40), at, Some(Ok(held))))).join("\n");
    for at in [0, 1] {
        let seen = said(at, some(&[]));
        assert!(seen.contains("Kasenga HC: not read") && seen.contains("HIV was refused (409)"), "{seen}");
        assert!(!seen.contains("nothing stored"), "{seen}");
    }
    let seen = said(1, some(&[("202604", "70", 1)])).replace('\n', " ");
    assert!(seen.contains("202605 not read") && !seen.contains("nothing stored"), "{seen}");
    // What the element holds for the quarter is of another of its data sets.
    for period in ["Yearly", "SixMonthly"] {
        let mut model = with_values((120, 40), 0, Some(Ok(held_at(&[("2026Q2", "1214", 4)]))));
        let row = model.explorer.rows.current().unwrap();
        let entry = &mut model.explorer.explored.as_mut().unwrap().rows[row];
        entry.candidates[0].set.as_mut().unwrap().period_type = Some(period.to_owned());
        let seen = rows(&drawn(&model)).join("\n");
        let asked = format!("not asked for, a {} data set", period.to_lowercase());
        assert!(seen.contains(&asked) && !seen.contains("1,214"), "{seen}");
    }
}

#[test]
fn looking_and_what_keeps_from_it() {
    let before = |size, looked_at| {
        let mut model = read(size);
        model.explorer.looked = looked_at;
        model
    };
    let asking = Looking { step: "counting the reports of 2026Q2", done: 412, of: 1_106 };
    every("mapped_asking", |size, _| before(size, Looked::Asking(asking)));
    let why =
        "DHIS2 refused the sign-in of importer at hmis.example.org (401).\nSet ONSE_DHIS2_PASSWORD and start again.";
    every("mapped_failed", |size, _| before(size, Looked::Failed(why.to_owned())));
    every("mapped_no_servers", |size, _| {
        let why = "there is no password for DHIS2, so only what was read before is shown. Set ONSE_DHIS2_PASSWORD and start again";
        let mut model = before(size, Looked::Failed(why.to_owned()));
        model.explorer.mapped = None;
        model
    });
    sizes("mapped_again", &TWO, |size, _| {
        let mut model = looked(size, 2);
        model.explorer.looked = Looked::Asking(asking);
        model
    });
}

#[test]
fn what_was_chosen_and_written() {
    every("mapped_chosen", |size, _| {
        let mut model = looked(size, 2);
        model.explorer.chosen = vec![
            choice(2, None, "w7KjUz2eGoi"),
            choice(2, None, "q3VmNfT1sXa"),
            choice(9, Some("sUp5vIs1tHd"), "Lp0yHc8dRbe"),
        ];
        model
    });
    sizes("mapped_written", &ALL, |size, _| {
        let mut model = looked(size, 5);
        model.explorer.written = Some("2 rows written to case_property_map.csv".to_owned());
        model
    });
}
