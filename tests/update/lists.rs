//! Lists over the screen: what would be written, what became of it, what a reading reset; and what is written to a table.

use super::*;
use onse::{
    domain::outcome::Outcome,
    job::report::{FormLine, Held, Level, Phase, Sending},
    tui::model::{Changes, Listed, Over, Stage},
};

/// A review of which the STOP, a REVIEW and a plain change are approved, at the question of Submit.
fn ready(held: Vec<Held>) -> Desk {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("l");
    for (cell, reason) in [(Cell { facility: 0, property: 0 }, ""), (STOP, "outbreak<enter>"), (REVIEW, "")] {
        while desk.review().cells.current() != Some(cell) {
            desk.keys(if desk.review().cells.current() < Some(cell) { "j" } else { "k" });
        }
        desk.keys("a").keys(reason);
    }
    desk.keys("4");
    let job = desk.model.submit.job;
    let check = Check { changes: 3 - held.len(), facilities: 1, forms: 1, held, ..Check::default() };
    desk.tell(Msg::Checked(job, Ok(Box::new(check))));
    desk
}

fn listed(desk: &Desk) -> &Changes {
    match &desk.model.over {
        Some(Over::Changes(changes)) => changes,
        other => panic!("no list of changes: {other:?}"),
    }
}

fn held(cell: Cell) -> Held {
    Held { cell, now: None, already_set: false, moved: true, why: "the case holds 33 now".to_owned() }
}

#[test]
fn the_full_list_is_what_would_be_written_and_the_digits_stay() {
    let mut desk = ready(vec![held(REVIEW)]);
    desk.keys("2v");
    let list = listed(&desk);
    assert_eq!(list.rows.all, [Cell { facility: 0, property: 0 }, STOP], "what is held is not among them");
    assert_eq!((list.title.as_str(), list.what), ("Would be written: 2 changes in 1 facility", Listed::Now));
    desk.keys("j<esc>");
    assert!(desk.model.over.is_none());
    assert_eq!((desk.model.submit.typed.as_str(), desk.model.screen), ("2", Screen::Submit));
}

#[test]
fn the_flagged_ones_are_listed_those_with_a_stop_first_and_enter_goes_there() {
    let mut desk = ready(Vec::new());
    desk.keys("f");
    let list = listed(&desk);
    assert_eq!(list.rows.all, [STOP, REVIEW]);
    assert_eq!(list.title, "With a flag: 2 of 3 changes, 1 STOP");
    desk.keys("j<enter>");
    assert!(desk.model.over.is_none());
    assert_eq!((desk.model.screen, desk.model.cell()), (Screen::Facilities, Some(REVIEW)));
}

#[test]
fn a_filter_that_hides_the_change_is_cleared() {
    let mut desk = ready(Vec::new());
    desk.keys("3/is:left<enter>4");
    let job = desk.model.submit.job;
    desk.tell(Msg::Checked(job, Ok(Box::new(Check { changes: 3, ..Check::default() }))));
    desk.keys("v<enter>");
    assert_eq!(desk.model.cell(), Some(Cell { facility: 0, property: 0 }));
    assert!(desk.review().filter.is_empty());
}

fn form(number: usize, outcome: Option<Outcome>, cells: &[(Cell, Outcome)]) -> FormLine {
    FormLine {
        number,
        first: "Kasenga HC".to_owned(),
        last: "Luvuzi HC".to_owned(),
        facilities: 2,
        changes: cells.len(),
        form_id: outcome.map(|_| format!("form-id-{number}")),
        outcome,
        answer: (outcome == Some(Outcome::NotApplied)).then(|| "IllegalCaseId\u{1b}[2J".to_owned()),
        replaced: false,
        cells: cells.into(),
    }
}

/// The result of three forms; the first was refused and one of its cells went out again in the second.
fn ended() -> Desk {
    let cell = |property| Cell { facility: 2, property };
    let forms = vec![
        form(1, Some(Outcome::NotApplied), &[(cell(0), Outcome::NotApplied), (cell(1), Outcome::NotApplied)]),
        form(2, Some(Outcome::Applied), &[(cell(1), Outcome::Applied)]),
        form(3, Some(Outcome::Unknown), &[(cell(2), Outcome::Unknown)]),
    ];
    let sending = Sending {
        phase: Phase::Ended,
        changes: 3,
        forms,
        applied: 1,
        not_applied: 1,
        unknown: 1,
        held: vec![held(STOP)],
        ..Sending::default()
    };
    let mut desk = Desk::on(Screen::Overview);
    let review = desk.review();
    let (plan, ledger) = (Arc::clone(&review.plan), review.ledger.clone());
    let opened =
        Opened { plan, ledger, place: None, file: "a.review".to_owned(), sending: Some(sending), reset: Vec::new() };
    desk.model.review = None;
    desk.tell(Msg::Read(Ok(Box::new(opened))));
    assert_eq!(desk.model.screen, Screen::Submit, "what is not settled is shown");
    desk
}

#[test]
fn each_count_after_sending_opens_its_list() {
    let mut desk = ended();
    for (title, cells) in [
        ("applied: 1 change", vec![Cell { facility: 2, property: 1 }]),
        ("not applied: 1 change", vec![Cell { facility: 2, property: 0 }]),
        ("unknown: 1 change", vec![Cell { facility: 2, property: 2 }]),
        ("held: 1 change", vec![STOP]),
    ] {
        desk.keys("j<enter>");
        assert_eq!((listed(&desk).title.as_str(), &listed(&desk).rows.all), (title, &cells));
        desk.keys("<esc>");
    }
    assert_eq!(desk.model.screen, Screen::Submit);
}

#[test]
fn enter_on_a_form_tells_all_that_is_known_of_it() {
    let mut desk = ended();
    desk.keys("Gkk");
    assert_eq!(desk.model.submit.form(0).map(|form| form.number), Some(1));
    desk.keys("<enter>");
    let Some(Over::Lines { title, lines, .. }) = &desk.model.over else { panic!("{:?}", desk.model.over) };
    assert_eq!(title, "Form 1");
    for said in ["form id   form-id-1", "outcome   NOT APPLIED", "CommCare  IllegalCaseId<1B>[2J"] {
        assert!(lines.iter().any(|line| line == said), "{said}: {lines:?}");
    }
    assert!(desk.cmds.iter().all(|cmd| !matches!(cmd, Cmd::Check(_) | Cmd::Submit { .. })));
}

#[test]
fn the_first_line_after_the_end_makes_the_checks_again() {
    let mut desk = ended();
    desk.keys("<enter>");
    assert_eq!(desk.model.submit.stage, Stage::Checking);
}

#[test]
fn the_form_under_the_cursor_stays_in_sight() {
    let mut desk = Desk::on(Screen::Overview);
    let forms: Vec<FormLine> = (1..=40).map(|number| form(number, Some(Outcome::Applied), &[])).collect();
    let sending = Sending { phase: Phase::Ended, changes: 1, unknown: 1, forms, ..Sending::default() };
    let review = desk.review();
    let (plan, ledger) = (Arc::clone(&review.plan), review.ledger.clone());
    let file = "a.review".to_owned();
    let opened = Opened { plan, ledger, place: None, file, sending: Some(sending), reset: Vec::new() };
    desk.model.review = None;
    desk.tell(Msg::Read(Ok(Box::new(opened))));
    for keys in ["G", "kkk", "g", "5j"] {
        desk.keys(keys);
        for size in [(60, 16), (80, 24), (200, 60)] {
            desk.tell(Msg::Resize(size.0, size.1));
            let Some(form) = desk.model.submit.form(0) else { continue };
            let at = form.number - 1;
            assert!(desk.model.submit.top <= at, "{keys} {size:?}");
            assert!(at < desk.model.submit.top + 60, "{keys} {size:?}");
        }
    }
}

#[test]
fn what_is_shown_is_written_to_a_table() {
    let exported = |screen: &str, before: &str| {
        let mut desk = Desk::on(Screen::Facilities);
        desk.keys(before).keys(screen).keys("e");
        let cells = desk.cmds.iter().rev().find_map(|cmd| match cmd {
            Cmd::Export(cells) => Some(cells.clone()),
            _ => None,
        });
        (cells.map(|cells| cells.len()), desk.model.log.last().map(|line| (line.level, line.text.clone())))
    };
    assert_eq!(exported("1", "").0, Some(16), "the whole review");
    assert_eq!(exported("3", "").0, Some(12), "the changes");
    assert_eq!(exported("2", "").0, Some(4), "the column");
    assert_eq!(exported("3", "/is:stop<enter>").0, Some(1));
    let (none, said) = exported("3", "/nowhere<enter>");
    assert_eq!((none, said), (None, Some((Level::Look, "nothing is shown; esc clears the filter".to_owned()))));
}

#[test]
fn enter_in_a_list_never_ends_on_another_cell() {
    let cell = Cell { facility: 1, property: 3 };
    for words in ["flag:T1", "state:reported", "kasenga", "note:"] {
        let plan = plan_of(&FACILITIES, |draft| draft.set(cell, Some("7"), None, State::BlankInReport));
        let mut desk = Desk::with(plan, Screen::Facilities);
        desk.keys("/").tell(Msg::Paste(words.to_owned()));
        desk.keys("<enter>");
        let rows = onse::tui::model::Rows { all: vec![cell], ..Default::default() };
        let changes = Changes { rows, ..Default::default() };
        desk.model.over = Some(Over::Changes(changes));
        desk.keys("<enter>");
        assert_eq!((desk.model.focus, desk.model.cell()), (Focus::Cells, Some(cell)), "{words}: {}", desk.status());
    }
}
