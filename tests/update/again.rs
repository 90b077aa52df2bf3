//! Reading again: what stays as it was, what is said of decisions, when it cannot be done, and the choice for data sets that are
//! not quarterly.

use super::*;
use onse::{
    domain::{
        finer::{Choice, Unfit, Way},
        ledger::Reset,
    },
    job::{
        generation::Pick,
        reach::Finer,
        report::{Phase, Reading, Sending},
    },
    tui::{
        model::{Ask, Door, Listed, Over, Stage},
        msg::Signal,
    },
};

/// The plan of the next reading, with changes.
fn next(more: impl FnOnce(&mut Draft)) -> Plan {
    let mut plan = plan_of(&FACILITIES, |draft| {
        let (case_id, case_name) = ("case-9".to_owned(), "Wazi HC".to_owned());
        draft.skip(Skipped { case_id, case_name, reason: "no external id".to_owned() });
        more(draft);
    });
    plan.head.generation = 2;
    plan
}

fn read(desk: &mut Desk, plan: Plan, ledger: Ledger, reset: Vec<Reset>) {
    let opened =
        Opened { plan: Arc::new(plan), ledger, place: None, file: "a.review".to_owned(), sending: None, reset };
    desk.tell(Msg::Read(Ok(Box::new(opened))));
}

fn asked(desk: &Desk) -> Vec<Option<Pick>> {
    let again = |cmd: &Cmd| match cmd {
        Cmd::ReadAgain(pick) => Some(pick.clone()),
        _ => None,
    };
    desk.cmds.iter().filter_map(again).collect()
}

#[test]
fn what_is_on_screen_stays_until_both_sides_are_read_and_comes_back_to_its_row() {
    for screen in [Screen::Overview, Screen::Properties, Screen::Facilities] {
        let mut desk = Desk::on(Screen::Facilities);
        desk.keys("/is:left<enter>j");
        desk.keys(&screen.digit().to_string()).keys("lj");
        let place = |desk: &Desk| {
            let review = desk.review();
            let column = review.column.current();
            (
                desk.model.screen,
                desk.model.focus,
                review.list.current(),
                review.cells.current(),
                review.property,
                column,
            )
        };
        let (before, door) = (place(&desk), desk.review().doors.current());
        desk.keys("F");
        assert_eq!((asked(&desk), desk.model.reading.is_some()), (vec![None], true));
        desk.tell(Msg::Reading(Box::new(Reading { rows: 7, ..Reading::default() })));
        assert_eq!((desk.model.reading.as_ref().unwrap().rows, place(&desk)), (7, before));
        let plan = next(|_| {});
        let ledger = Ledger::new(&plan);
        read(&mut desk, plan, ledger, Vec::new());
        assert_eq!((place(&desk), desk.review().filter.text()), (before, "is:left"), "{screen:?}");
        assert_eq!((desk.review().doors.current(), desk.review().plan.head.generation), (door, 2));
        assert_eq!(desk.status(), "read again: 0 decisions kept, 0 reset");
        // Progress that comes late is of a reading that is over.
        desk.tell(Msg::Reading(Box::default()));
        assert_eq!(desk.model.reading, None);
    }
}

#[test]
fn nothing_is_decided_or_submitted_while_both_sides_are_read_again() {
    let mut desk = cells();
    desk.keys("a");
    desk.cmds.clear();
    desk.keys("F");
    for key in ["a", "r", "c", "0", "A", "u"] {
        desk.keys(key);
        assert!(desk.status().contains("decisions wait"), "{key}: {}", desk.status());
    }
    desk.keys("4");
    assert!(desk.status().contains("being read again") && desk.model.screen == Screen::Facilities, "{}", desk.status());
    desk.keys("F");
    assert!(desk.status().contains("being read already"), "{}", desk.status());
    assert_eq!((desk.entries(), asked(&desk).len(), desk.approved().len()), (vec![], 1, 1));
    // Looking is allowed.
    desk.keys("2l");
    assert_eq!((desk.model.screen, desk.review().property), (Screen::Properties, 1));
}

#[test]
fn stopping_leaves_the_review_as_it_was() {
    for (screen, key) in [(Screen::Overview, "<esc>"), (Screen::Overview, "<ctrl-c>"), (Screen::Facilities, "<ctrl-c>")]
    {
        let mut desk = Desk::on(screen);
        desk.keys("F");
        desk.cmds.clear();
        desk.keys(key);
        assert_eq!((desk.cmds.first(), desk.model.leaving), (Some(&Cmd::CancelRead), false), "{key}");
        desk.tell(Msg::Read(Err("reading was stopped".to_owned())));
        assert_eq!((desk.review().plan.head.generation, desk.model.reading.is_some()), (1, false));
        assert!(desk.status().contains("as it was read before") && !desk.model.unread, "{}", desk.status());
        desk.cmds.clear();
        desk.keys("F");
        assert_eq!(asked(&desk), [None], "it can be begun again");
    }
    let mut desk = cells();
    desk.keys("F");
    desk.tell(Msg::Signal(Signal::Interrupt));
    assert!(!desk.model.leaving);
    desk.keys("<ctrl-c>");
    assert!(desk.model.leaving && desk.cmds.contains(&Cmd::CancelRead) && desk.model.interrupted);
}

#[test]
fn a_reading_that_fails_leaves_the_review_as_it_was() {
    let mut desk = cells();
    desk.keys("aF");
    desk.tell(Msg::Read(Err("DHIS2 refused the sign-in".to_owned())));
    assert_eq!(desk.status(), "not read again, the review is as it was: DHIS2 refused the sign-in");
    assert!(desk.model.unread && desk.model.failed.is_none());
    desk.keys("r");
    assert_eq!((desk.approved().len(), desk.decided(Verdict::Reject).len()), (1, 1));
}

#[test]
fn it_is_said_why_nothing_can_be_read_again() {
    type Turn = fn(&mut Desk);
    let sent = |accepted| Sending { phase: Phase::Ended, changes: 3, accepted, ..Sending::default() };
    let unsettled: Turn = |desk| desk.model.submit.stage = Stage::Ended(Sending { unknown: 1, ..Sending::default() });
    let cases: [(Turn, &str); 6] = [
        (|desk| desk.model.run.read_only = Some("held by Ruth".to_owned()), "not read again: held by Ruth"),
        (|desk| desk.model.run.not_again = Some("(--offline)".to_owned()), "not read again: (--offline)"),
        (|desk| desk.model.submit.stage = Stage::Sending(Sending::default()), "forms are being sent"),
        (|desk| desk.model.submit.stage = Stage::Checking, "the checks before sending"),
        (unsettled, "not settled: v on tab 4"),
        (
            |desk| {
                desk.disk = false;
                desk.keys("3r1");
            },
            "still being saved",
        ),
    ];
    for (turn, why) in cases {
        let mut desk = Desk::on(Screen::Overview);
        turn(&mut desk);
        desk.keys("F");
        assert!(desk.status().contains(why), "{why}: {}", desk.status());
        assert_eq!(asked(&desk), []);
    }
    let mut desk = Desk::on(Screen::Overview);
    desk.model.submit.stage = Stage::Ended(sent(0));
    desk.keys("F");
    assert_eq!(asked(&desk), [None], "what is settled does not stand in the way");
}

#[test]
fn checks_made_on_the_reading_before_are_void() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("la");
    desk.ready(1);
    desk.keys("13F");
    assert_eq!(desk.model.screen, Screen::Submit, "on Submit the key is none");
    assert_eq!(asked(&desk), []);
    let job = desk.job();
    desk.keys("<esc><esc>3F");
    let plan = next(|_| {});
    let ledger = Ledger::new(&plan);
    read(&mut desk, plan, ledger, Vec::new());
    assert_eq!((&desk.model.submit.stage, desk.model.submit.typed.as_str()), (&Stage::Idle, ""));
    desk.tell(Msg::Checked(job, Ok(Box::new(Check { changes: 1, ..Check::default() }))));
    assert_eq!(desk.model.submit.stage, Stage::Idle, "nor can they come late");
}

/// A review of which a later reading reset two decisions.
fn with_reset() -> Desk {
    let mut desk = cells();
    desk.keys("F");
    let old = |text: &str| Some(text.to_owned());
    let plan = next(|draft| {
        draft.set(STOP, Some("120"), Some("1340"), State::Reported);
        draft.set(Cell { facility: 2, property: 0 }, Some("18"), None, State::NotReported);
    });
    let mut ledger = Ledger::new(&plan);
    let stamp = onse::domain::ledger::Stamp { at: String::new(), who: "grace".to_owned() };
    let kept = [Cell { facility: 3, property: 0 }];
    ledger.decide(&plan, onse::domain::ledger::Act::Approve, kept, None, "one", &stamp).unwrap();
    let reset = vec![
        Reset { cell: STOP, said: Some(Verdict::Approve), old: old("120"), new: old("1310") },
        Reset { cell: Cell { facility: 2, property: 0 }, said: Some(Verdict::Reject), old: old("18"), new: old("19") },
    ];
    read(&mut desk, plan, ledger, reset);
    desk
}

#[test]
fn what_was_reset_is_counted_and_listed_with_what_it_was_made_on() {
    let mut desk = with_reset();
    assert_eq!(desk.status(), "read again: 1 decision kept, 2 reset; tab 1 lists them");
    let cells = [STOP, Cell { facility: 2, property: 0 }];
    let listed = |desk: &Desk| match &desk.model.over {
        Some(Over::Changes(changes)) => (changes.what, changes.rows.all.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(listed(&desk), (Listed::Reset, cells.to_vec()), "shown at once");
    desk.keys("<esc>1gj");
    assert_eq!(desk.review().doors.current(), Some(Door::Reset));
    desk.keys("<enter>");
    assert_eq!(listed(&desk), (Listed::Reset, cells.to_vec()));
    let again = desk.review().again.clone().unwrap();
    // The beds, which were the same or not reported, change in this plan.
    assert_eq!((again.new, again.gone, again.withdrawn), (4, 0, 1));
    desk.keys("<enter>");
    assert_eq!((desk.model.screen, desk.model.cell()), (Screen::Facilities, Some(STOP)));
    // What is decided again is not listed any more.
    let mut desk = with_reset();
    desk.keys("2l");
    assert_eq!(desk.review().column.current(), Some(STOP));
    desk.keys("r1");
    assert_eq!(desk.review().reset_left().count(), 1);
}

/// A review with a monthly data set and one of fiscal quarters.
fn monthly(elements: &[(&str, &str)], chosen: Option<Choice>) -> Desk {
    let mut plan = plan_of(&FACILITIES, |_| {});
    let months = [true, true, false];
    plan.head.finer = vec![
        Unfit::of(("s1", "HMIS\u{1b} 15"), "Monthly", elements, months),
        Unfit::of(("s2", "Finance"), "QuarterlyNov", &[("e9", "SUM")], [false; 3]),
    ];
    plan.head.choices.extend(chosen.map(|chosen| ("s1".to_owned(), chosen)));
    let mut desk = Desk::with(plan, Screen::Overview);
    desk.keys("g");
    assert_eq!(desk.review().doors.current(), Some(Door::Finer(0)));
    desk
}

const BOTH: [(&str, &str); 3] = [("e1", "SUM"), ("e2", "LAST"), ("e3", "MAX")];

#[test]
fn a_key_for_each_choice_reads_again_with_it() {
    for (key, finer) in [("s", Finer::Sum), ("l", Finer::Last), ("t", Finer::ByType), ("x", Finer::LeaveOut)] {
        let mut desk = monthly(&BOTH, None);
        desk.keys("<enter>");
        let Some(Ask::Finer(asked_of)) = &desk.model.ask else { panic!("nothing is asked") };
        assert!(asked_of.question.starts_with("HMIS<1B> 15 is Monthly; 202604 and 202605 have data, 202606 has none."));
        assert_eq!(asked_of.offered, [Finer::ByType, Finer::Sum, Finer::Last, Finer::LeaveOut]);
        assert_eq!(asked(&desk), [], "asking reads nothing");
        desk.keys(key);
        assert_eq!(asked(&desk), [Some(Pick { data_set: "s1".to_owned(), finer: Some(finer) })], "{key}");
        assert!(desk.model.ask.is_none() && desk.status().starts_with("chosen for HMIS<1B> 15: "), "{}", desk.status());
    }
}

#[test]
fn any_other_key_chooses_nothing() {
    for key in ["<esc>", "<enter>", "y", "a", "F", "1", "q"] {
        let mut desk = monthly(&BOTH, None);
        desk.keys("<enter>").keys(key);
        assert_eq!((asked(&desk), desk.status(), desk.model.leaving), (vec![], "nothing was chosen", false), "{key}");
        assert!(desk.model.ask.is_none());
    }
    // What is not offered is not taken for another.
    let mut desk = monthly(&BOTH, None);
    desk.keys("<enter>m");
    assert!(desk.status().contains("not offered"), "{}", desk.status());
    desk.keys("c");
    assert_eq!((desk.status(), asked(&desk)), ("nothing is chosen for it", vec![]));
    assert!(desk.model.ask.is_some());
    let mut desk = monthly(&[("e1", "SUM")], None);
    desk.keys("<enter>l");
    assert!(desk.status().contains("not offered"), "{}", desk.status());
    desk.tell(Msg::Paste("s".to_owned()));
    assert_eq!(asked(&desk), [], "what is pasted chooses nothing");
}

#[test]
fn a_choice_can_be_changed_and_taken_back() {
    let sum = || Some(Choice::Ways([Way::Sum].into()));
    let mut desk = monthly(&BOTH, sum());
    desk.keys("<enter>");
    assert!(
        matches!(&desk.model.ask, Some(Ask::Finer(of)) if of.chosen == Some(Finer::Sum) && of.question.contains("Chosen now: sum"))
    );
    desk.keys("s");
    assert_eq!((desk.status(), asked(&desk)), ("that is chosen already", vec![]));
    desk.keys("c");
    assert_eq!(asked(&desk), [Some(Pick { data_set: "s1".to_owned(), finer: None })]);
    let mut desk = monthly(&BOTH, sum());
    desk.keys("<enter>x");
    assert_eq!(asked(&desk), [Some(Pick { data_set: "s1".to_owned(), finer: Some(Finer::LeaveOut) })]);
    // Each by its type is the sum where there is nothing else.
    let every = Some(Choice::from(Finer::ByType));
    let mut desk = monthly(&[("e1", "SUM")], every);
    desk.keys("<enter>");
    assert!(matches!(&desk.model.ask, Some(Ask::Finer(of)) if of.chosen == Some(Finer::Sum)));
}

#[test]
fn where_nothing_can_be_chosen_it_is_said_why() {
    let mut desk = monthly(&BOTH, None);
    desk.keys("j<enter>");
    let Some(Over::Lines { lines, .. }) = &desk.model.over else { panic!("{:?}", desk.model.over) };
    assert!(lines[0].contains("Finance is QuarterlyNov: its quarters begin in November"), "{lines:?}");
    assert_eq!((asked(&desk), desk.model.ask.is_none()), (vec![], true));
    for (turn, why) in [(true, "held by Ruth"), (false, "--offline")] {
        let mut desk = monthly(&BOTH, None);
        let run = &mut desk.model.run;
        if turn {
            run.read_only = Some(why.to_owned());
        } else {
            run.not_again = Some(why.to_owned());
        }
        desk.keys("<enter>");
        assert!(desk.model.ask.is_none() && desk.status().contains(why), "{}", desk.status());
    }
}
