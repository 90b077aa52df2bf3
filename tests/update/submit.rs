//! The submit screen: checks, the typed count, sending, ending.

use super::*;
use onse::{
    job::report::{FormLine, Level, Phase, Sending},
    tui::{
        model::{Ask, Stage},
        msg::Signal,
    },
};

fn approved() -> Desk {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("Ay");
    desk.cmds.clear();
    desk
}

fn sending() -> Desk {
    let mut desk = approved();
    desk.ready(9);
    desk.keys("9<enter>");
    assert!(desk.sends());
    desk
}

fn ended(applied: usize) -> Msg {
    let sending = Sending { phase: Phase::Ended, changes: 9, applied, unknown: 9 - applied, ..Sending::default() };
    Msg::Sending(2, Box::new(sending))
}

#[test]
fn opening_the_tab_makes_the_checks_and_sends_nothing() {
    let mut desk = approved();
    desk.keys("4");
    assert_eq!(desk.cmds[0], Cmd::Check(1));
    assert_eq!(desk.model.submit.stage, Stage::Checking);
    desk.keys("9<enter>d<enter>");
    assert!(!desk.sends());
}

#[test]
fn only_the_number_of_changes_sends() {
    let mut desk = approved();
    desk.ready(9);
    desk.keys("<enter>");
    assert_eq!(desk.status(), "type the number of changes, 9, then press enter");
    desk.keys("12<enter>");
    assert_eq!(desk.status(), "12 is not the number of changes, 9; nothing was written");
    assert_eq!(desk.model.submit.typed, "");
    desk.keys("yyes y<enter>");
    assert!(!desk.sends());
    desk.keys("8<backspace>9");
    assert_eq!(desk.model.submit.typed, "9");
    assert!(!desk.sends());
    desk.keys("<enter>");
    assert_eq!(desk.cmds.last(), Some(&Cmd::Submit { job: 2, count: 9 }));
    assert!(matches!(&desk.model.submit.stage, Stage::Sending(s) if s.changes == 9));
}

#[test]
fn the_digits_of_tabs_are_digits_of_the_count() {
    let mut desk = approved();
    desk.ready(1234);
    desk.keys("1234");
    assert_eq!((desk.model.screen, desk.model.submit.typed.as_str()), (Screen::Submit, "1234"));
    desk.keys("<esc>");
    assert_eq!((desk.model.screen, desk.model.submit.typed.as_str()), (Screen::Submit, ""));
    desk.keys("<esc>");
    assert_eq!(desk.model.screen, Screen::Facilities);
}

#[test]
fn a_check_that_says_stop_blocks() {
    let mut desk = approved();
    desk.keys("4");
    let lines = vec![(Level::Ok, "cases read".to_owned()), (Level::Stop, "no permission to edit data".to_owned())];
    let check = Check { changes: 9, lines, ..Check::default() };
    desk.tell(Msg::Checked(1, Ok(Box::new(check))));
    desk.keys("9<enter>");
    assert_eq!((desk.sends(), desk.status()), (false, "nothing was written: no permission to edit data"));
}

#[test]
fn nothing_approved_sends_nothing() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.ready(0);
    desk.keys("0<enter>");
    assert!(!desk.sends());
    desk.keys("3");
    assert_eq!(desk.model.screen, Screen::Facilities, "no count is awaited, so digits are tabs");
    desk.ready(0);
    desk.keys("<esc>");
    assert_eq!(desk.model.screen, Screen::Facilities);
}

#[test]
fn esc_takes_back_digits_first_and_then_goes_back() {
    let mut desk = approved();
    desk.ready(9);
    desk.keys("1<esc>");
    assert_eq!((desk.model.screen, desk.model.submit.typed.as_str()), (Screen::Submit, ""));
    desk.keys("<esc>");
    assert_eq!(desk.model.screen, Screen::Facilities);
}

#[test]
fn the_rest_is_offered_where_not_all_that_is_approved_was_sent() {
    let mut desk = sending();
    let first: Vec<Cell> = desk.review().ledger.to_send(&desk.review().plan).take(4).collect();
    desk.sent(first);
    desk.tell(Msg::Sending(2, Box::new(Sending { phase: Phase::Ended, changes: 4, applied: 4, ..Sending::default() })));
    assert_eq!(desk.model.unsent(), 5);
    let first = onse::tui::keymap::footer(&desk.model, 80)[0];
    assert_eq!((first.keys, first.label), ("enter", "submit the rest"));
    desk.cmds.clear();
    desk.keys("<enter>");
    assert_eq!((desk.cmds.as_slice(), desk.sends()), (&[Cmd::Check(3)][..], false));
}

#[test]
fn the_pause_key_says_what_it_does() {
    let mut desk = sending();
    let label = |desk: &Desk| onse::tui::keymap::footer(&desk.model, 80)[0].label;
    assert_eq!(label(&desk), "pause");
    desk.keys("p");
    assert_eq!(label(&desk), "go on");
}

#[test]
fn a_paste_into_the_count_says_so() {
    let mut desk = approved();
    desk.ready(9);
    desk.tell(Msg::Paste("9".to_owned()));
    assert_eq!(desk.status(), "the count is typed by hand; nothing was done with what was pasted");
}

#[test]
fn checks_of_an_older_job_are_dropped() {
    let mut desk = approved();
    desk.ready(9);
    desk.keys("<esc>4");
    desk.tell(Msg::Checked(1, Ok(Box::new(Check { changes: 5, ..Check::default() }))));
    assert_eq!(desk.model.submit.stage, Stage::Checking);
    desk.tell(Msg::Checked(2, Err("no answer".to_owned())));
    assert_eq!(desk.model.submit.stage, Stage::Failed("no answer".to_owned()));
    desk.keys("<enter>");
    assert_eq!(desk.cmds.last(), Some(&Cmd::Check(3)));
}

#[test]
fn the_largest_changes_come_first() {
    let mut desk = cells();
    desk.keys("a<space>outbreak<enter>jaa");
    desk.ready(4);
    assert_eq!(desk.model.submit.biggest[..2], [STOP, REVIEW]);
}

#[test]
fn forms_go_to_a_folder_instead() {
    let mut desk = approved();
    desk.ready(9);
    desk.keys("d");
    assert_eq!(desk.cmds.last(), Some(&Cmd::WriteForms));
    desk.tell(Msg::Wrote(Ok("/tmp/forms".to_owned())));
    assert_eq!(desk.status(), "forms written to /tmp/forms; nothing was sent");
    desk.tell(Msg::Wrote(Err("no space".to_owned())));
    assert_eq!((desk.status(), desk.sends()), ("no forms were written: no space", false));
}

#[test]
fn pause_and_stop_after_this_form() {
    let mut desk = sending();
    desk.keys("pp");
    assert_eq!(desk.cmds[desk.cmds.len() - 2..], [Cmd::Pause(true), Cmd::Pause(false)]);
    desk.keys("s");
    assert_eq!(desk.cmds.last(), Some(&Cmd::StopAfterForm));
    let before = desk.cmds.len();
    desk.keys("sp");
    assert_eq!(desk.cmds.len(), before);
}

#[test]
fn no_decision_is_made_while_forms_are_sent() {
    let mut desk = sending();
    desk.cmds.clear();
    desk.keys("3aruA");
    assert_eq!((desk.entries(), desk.model.ask.is_none()), (vec![], true));
    assert_eq!(desk.status(), "a submit is running; decisions wait until it ended");
}

#[test]
fn ctrl_c_stops_then_abandons_then_leaves() {
    let mut desk = sending();
    desk.keys("<ctrl-c>");
    assert_eq!((desk.cmds.last(), desk.model.leaving), (Some(&Cmd::StopAfterForm), false));
    desk.tell(Msg::Signal(Signal::Interrupt));
    assert_eq!((desk.cmds.last(), desk.model.leaving), (Some(&Cmd::Abandon), false));
    desk.keys("<ctrl-c>");
    assert_eq!((desk.cmds.last(), desk.model.leaving), (Some(&Cmd::Quit), true));
}

#[test]
fn leaving_while_sending_asks_and_waits_for_the_form() {
    let mut desk = sending();
    desk.keys("q");
    assert!(matches!(desk.model.ask, Some(Ask::Leave)));
    desk.keys("<enter>");
    assert_eq!((desk.model.ask.is_none(), desk.model.leaving, desk.status()), (true, false, "stayed"));
    desk.keys("qy");
    assert_eq!((desk.cmds.last(), desk.model.leaving), (Some(&Cmd::StopAfterForm), false));
    desk.tell(ended(4));
    assert_eq!((desk.cmds.last(), desk.model.leaving), (Some(&Cmd::Quit), true));
}

#[test]
fn the_result_stays_until_another_check_is_asked_for() {
    let mut desk = sending();
    let form = FormLine {
        number: 1,
        first: "Area".to_owned(),
        last: "Bwanje".to_owned(),
        facilities: 2,
        changes: 9,
        form_id: None,
        outcome: None,
        answer: None,
        replaced: false,
        cells: [].into(),
    };
    desk.tell(Msg::Sending(
        2,
        Box::new(Sending { changes: 9, forms: vec![form], phase: Phase::Sending, ..Sending::default() }),
    ));
    desk.tell(Msg::Sending(1, Box::new(Sending { phase: Phase::Ended, ..Sending::default() })));
    assert!(desk.model.submit.is_sending(), "an older job is dropped");
    desk.tell(ended(7));
    assert_eq!(desk.status(), "7 of 9 changes applied; 2 UNKNOWN");
    assert!(desk.model.unread);
    desk.keys("34");
    assert!(matches!(&desk.model.submit.stage, Stage::Ended(s) if s.applied == 7));
    desk.keys("<enter>");
    assert_eq!(desk.cmds.last(), Some(&Cmd::Check(3)));
}

#[test]
fn a_submission_that_is_refused_says_so() {
    let mut desk = sending();
    desk.tell(Msg::Refused(2, "nothing was sent: the count is not 9 any more".to_owned()));
    assert_eq!(desk.status(), "nothing was sent: the count is not 9 any more");
    assert!(matches!(desk.model.submit.stage, Stage::Failed(_)));
}

#[test]
fn a_signal_to_end_leaves_at_once() {
    let mut desk = sending();
    desk.tell(Msg::Signal(Signal::Terminate));
    assert_eq!((desk.cmds.last(), desk.model.leaving), (Some(&Cmd::Quit), true));
}

#[test]
fn what_is_open_is_settled_without_a_new_form() {
    let mut desk = sending();
    let all: Vec<Cell> = desk.review().ledger.to_send(&desk.review().plan).collect();
    desk.sent(all);
    desk.tell(ended(7));
    desk.keys("v");
    assert_eq!(desk.cmds.last(), Some(&Cmd::Submit { job: 3, count: 0 }));
    desk.tell(Msg::Sending(3, Box::new(Sending { phase: Phase::Ended, changes: 9, applied: 9, ..Sending::default() })));
    desk.keys("v");
    assert_eq!(desk.status(), "everything that was sent is settled");
}

#[test]
fn what_is_open_is_not_settled_alone_while_more_is_approved() {
    let mut desk = sending();
    desk.tell(ended(7));
    desk.cmds.clear();
    desk.keys("v");
    assert_eq!((desk.sends(), desk.status().contains("type the count")), (false, true));
}
