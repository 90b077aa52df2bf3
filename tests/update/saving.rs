//! Decisions go to disk before anything else; leaving and coming back.

use super::*;
use onse::{
    domain::query::Sort,
    job::report::{Level, Phase, Sending},
    tui::screen::Focus,
};

#[test]
fn while_one_decision_is_written_no_other_is_made() {
    let mut desk = cells();
    desk.disk = false;
    desk.keys("a");
    assert!(desk.review().is_saving());
    desk.keys("r");
    assert_eq!(desk.status(), "the last decision is still being saved");
    assert_eq!(desk.entries().len(), 1);
    desk.keys("j");
    desk.tell(Msg::Recorded(1, Ok(())));
    desk.keys("r");
    assert_eq!(desk.entries().len(), 2);
}

#[test]
fn a_decision_that_cannot_be_written_is_taken_back_whole() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("a");
    desk.disk = false;
    desk.keys("Ay");
    assert_eq!(desk.approved().len(), 9);
    desk.tell(Msg::Recorded(2, Err("no space left on device".to_owned())));
    assert_eq!(desk.approved(), [(0, 0)]);
    assert!(desk.status().contains("taken back: no space left"), "{}", desk.status());
    assert!(desk.model.unread);
    desk.disk = true;
    desk.keys("u");
    let entries = desk.entries();
    let kept: Vec<Entry> = [&entries[0], &entries[2]].into_iter().cloned().collect();
    let again = Ledger::replay(&desk.review().plan, &kept).unwrap();
    assert_eq!(again.all(), desk.review().ledger.all(), "the log on disk is the state on screen");
}

#[test]
fn an_undo_that_cannot_be_written_is_taken_back() {
    let mut desk = cells();
    desk.keys("a");
    desk.disk = false;
    desk.keys("u");
    desk.tell(Msg::Recorded(2, Err("gone".to_owned())));
    assert_eq!(desk.approved(), [(0, 0)]);
    assert_eq!(desk.review().ledger.last_done().as_deref(), Some("approved anc1_visits of Kasenga HC"));
}

#[test]
fn a_decision_that_cannot_be_written_leaves_what_could_be_done_again() {
    let mut desk = cells();
    desk.keys("au");
    desk.disk = false;
    desk.keys("r");
    desk.tell(Msg::Recorded(3, Err("gone".to_owned())));
    assert_eq!((desk.decided(Verdict::Reject), desk.approved()), (vec![], vec![]));
    desk.disk = true;
    desk.keys("U");
    assert_eq!((desk.approved(), desk.entries().last().unwrap().seq), (vec![(0, 0)], 3));
}

#[test]
fn a_decision_costs_the_same_however_many_were_made() {
    let mut desk = cells();
    // Counts between powers of two, where no list of the history grows; all else is the same at both.
    let mut after = |decisions: usize| {
        while desk.entries().len() < decisions {
            desk.keys("<space>");
        }
        allocation_counter::measure(|| _ = desk.keys("<space>")).bytes_total
    };
    let (few, many) = (after(41), after(399));
    assert!(few > 0 && many <= few + few / 4, "{few} bytes after 41 decisions, {many} after 399");
}

#[test]
fn an_answer_about_another_entry_settles_nothing() {
    let mut desk = cells();
    desk.disk = false;
    desk.keys("a");
    desk.tell(Msg::Recorded(7, Err("other".to_owned())));
    assert!(desk.review().is_saving() && desk.approved() == [(0, 0)]);
}

#[test]
fn the_place_goes_with_the_decision_and_with_leaving() {
    let mut desk = cells();
    desk.keys("a");
    let place = Place {
        screen: Screen::Facilities,
        facility: Some("case-0".to_owned()),
        property: Some("dhis_malaria_pos".to_owned()),
        filter: String::new(),
        focus: Focus::Cells,
        sort: "weight".to_owned(),
        unchanged: false,
    };
    assert_eq!(desk.cmds.iter().filter(|cmd| **cmd == Cmd::SavePlace(place.clone())).count(), 1);
    desk.keys("q");
    assert_eq!(desk.cmds[desk.cmds.len() - 2..], [Cmd::SavePlace(place), Cmd::Quit]);
}

#[test]
fn the_next_start_opens_at_the_same_row() {
    let place = Place {
        screen: Screen::Properties,
        facility: Some("case-1".to_owned()),
        property: Some("dhis_opd_total".to_owned()),
        filter: "is:review".to_owned(),
        focus: Focus::Cells,
        sort: "name".to_owned(),
        unchanged: false,
    };
    let mut desk = Desk::new();
    let plan = plan();
    let ledger = Ledger::new(&plan);
    desk.open(plan, ledger, Some(place.clone()));
    assert_eq!((desk.model.screen, desk.facility()), (Screen::Properties, "Tsanga HC"));
    assert_eq!((desk.review().property, desk.review().column.all.len()), (2, 2));
    assert_eq!(desk.status(), "went on where you left: Properties, Tsanga HC");
    assert_eq!((desk.model.focus, desk.review().sort, desk.review().unchanged), (Focus::Cells, Sort::Name, false));
    desk.keys("q");
    assert!(desk.cmds.contains(&Cmd::SavePlace(place)));
}

#[test]
fn a_place_that_is_gone_breaks_nothing() {
    let gone = |filter: &str| Place {
        screen: Screen::Facilities,
        facility: Some("case-99".to_owned()),
        property: Some("dhis_gone".to_owned()),
        filter: filter.to_owned(),
        focus: Focus::Cells,
        ..Place::default()
    };
    for filter in ["", "is:odd", "nobody"] {
        let mut desk = Desk::new();
        let plan = plan();
        let ledger = Ledger::new(&plan);
        desk.open(plan, ledger, Some(gone(filter)));
        assert_eq!(desk.model.screen, Screen::Facilities);
        desk.keys("jk");
    }
}

#[test]
fn coming_back_to_submit_asks_no_server_by_itself() {
    let mut desk = Desk::new();
    let plan = plan();
    let ledger = Ledger::new(&plan);
    desk.open(plan, ledger, Some(Place { screen: Screen::Submit, ..Place::default() }));
    assert_eq!(desk.model.screen, Screen::Overview);
    assert!(!desk.cmds.iter().any(|cmd| matches!(cmd, Cmd::Check(_))));
}

#[test]
fn a_submission_begun_before_is_shown() {
    let mut desk = Desk::new();
    let plan = plan();
    let ledger = Ledger::new(&plan);
    let sending = Sending { phase: Phase::Ended, changes: 3, applied: 2, unknown: 1, ..Sending::default() };
    let opened = Opened {
        plan: Arc::new(plan),
        ledger,
        place: None,
        file: "a.review".to_owned(),
        sending: Some(sending.clone()),
        reset: Vec::new(),
    };
    desk.tell(Msg::Read(Ok(Box::new(opened))));
    assert_eq!(desk.model.screen, Screen::Submit);
    assert_eq!(desk.model.submit.stage, onse::tui::model::Stage::Ended(sending));
}

#[test]
fn reading_shows_progress_can_be_stopped_and_begun_again() {
    let mut desk = Desk::new();
    assert!(desk.model.is_working());
    desk.keys("a2/u");
    assert_eq!((desk.model.screen, desk.status()), (Screen::Overview, "nothing is read yet"));
    desk.keys("<esc>");
    assert_eq!(desk.cmds, [Cmd::CancelRead]);
    assert_eq!(desk.status(), "stopping; what came is kept, and the same command goes on from there");
    desk.tell(Msg::Read(Err("reading was stopped; nothing was written".to_owned())));
    assert_eq!(desk.model.failed.as_deref(), Some("reading was stopped; nothing was written"));
    desk.keys("<enter>");
    assert_eq!((desk.cmds.last(), desk.model.failed.is_none()), (Some(&Cmd::Read), true));
}

#[test]
fn an_error_is_one_line_kept_in_the_log_and_marked_until_read() {
    let mut desk = cells();
    desk.tell(Msg::Note(Level::Stop, "disk \u{1b}[2J full".to_owned()));
    assert_eq!((desk.status(), desk.model.unread), ("disk <1B>[2J full", true));
    desk.keys("jL");
    assert!(!desk.model.unread);
    desk.keys("<esc>");
    assert!(desk.model.over.is_none());
    for i in 0..2_000 {
        desk.tell(Msg::Note(Level::Ok, format!("{i}")));
    }
    assert_eq!((desk.model.log.len(), desk.status()), (500, "1999"));
}

#[test]
fn a_review_that_another_holds_is_looked_at_only() {
    let why = "opened for reading only: the review is open in another onse (zomba, process 7)";
    let mut desk = Desk::new();
    desk.model.run.read_only = Some(why.to_owned());
    let (plan, mut ledger) = (plan(), Ledger::new(&plan()));
    let stamp = onse::domain::ledger::Stamp { at: String::new(), who: "ruth".to_owned() };
    for cell in [REVIEW, REVIEW2] {
        ledger.decide(&plan, onse::domain::ledger::Act::Approve, [cell], None, "one", &stamp).unwrap();
    }
    ledger.undo(&plan, &stamp).unwrap();
    desk.open(plan, ledger, Some(Place::default()));
    assert_eq!(desk.status(), why);
    let before = desk.review().ledger.all();
    for key in ["a", "r", "c", "<space>", "A", "R", "C", "u", "U"] {
        desk.keys("3");
        desk.tell(Msg::Note(Level::Ok, "looked".to_owned()));
        desk.keys(key);
        assert_eq!((desk.status(), desk.model.ask.is_none()), (why, true), "{key}");
    }
    desk.ready(1);
    desk.keys("1<enter>");
    assert_eq!(desk.status(), why);
    desk.model.submit.stage = onse::tui::model::Stage::Ended(Sending { unknown: 1, ..Sending::default() });
    desk.tell(Msg::Note(Level::Ok, "looked".to_owned()));
    desk.keys("v");
    assert_eq!((desk.status(), desk.review().ledger.all()), (why, before));
    desk.keys("23q");
    assert!(desk.model.leaving && !desk.sends());
    assert!(!desk.cmds.iter().any(|cmd| matches!(cmd, Cmd::Record(_) | Cmd::SavePlace(_))), "{:?}", desk.cmds);
}
