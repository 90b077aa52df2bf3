//! A property with an open STOP: what settles it, and which bulk decisions it is in the way of.

use super::*;
use onse::{
    domain::{
        flags::Check as ColumnCheck,
        ledger::{Act, Step},
    },
    tui::{
        keymap::footer,
        model::{Ask, Bulk, Zeros},
    },
};

const C5: &str = "whole column is 4.1x the quarters before (964 facilities)";
const OPD: &str = "dhis_opd_total";

/// The plan with these checks of properties: name, id, sentence.
fn with(checks: &[(&str, &str, &str)], screen: Screen) -> Desk {
    Desk::with(checked(plan(), checks), screen)
}

fn checked(mut plan: Plan, checks: &[(&str, &str, &str)]) -> Plan {
    for (property, id, sentence) in checks {
        let severity = if *id == "C1" { Severity::Review } else { Severity::Stop };
        plan.head.checks.push(ColumnCheck::of_property(id, severity, property, *sentence));
    }
    plan
}

/// Outpatients have an open STOP: four changes, two of them with a REVIEW.
fn blocked(screen: Screen) -> Desk {
    with(&[("dhis_anc1_visits", "C1", "1.5x"), (OPD, "C5", C5)], screen)
}

fn bulk(desk: &Desk) -> Bulk {
    match &desk.model.ask {
        Some(Ask::Bulk(bulk)) => bulk.clone(),
        other => panic!("no question but {other:?}; {}", desk.status()),
    }
}

fn shown(desk: &Desk) -> String {
    footer(&desk.model, 120).iter().map(|hint| format!("{} {}", hint.keys, hint.label)).collect::<Vec<_>>().join("  ")
}

#[test]
fn in_its_column_the_bulk_key_asks_for_the_reason() {
    let mut desk = blocked(Screen::Properties);
    assert!(shown(&desk).contains("A all shown"), "a REVIEW of the column is in nobody's way: {}", shown(&desk));
    desk.keys("ll");
    assert!(shown(&desk).contains("A settle STOP"), "{}", shown(&desk));
    desk.keys("A");
    let Some(Ask::Settle { name, statements, .. }) = &desk.model.ask else { panic!("{}", desk.status()) };
    assert_eq!((name.as_str(), statements.as_str()), (OPD, format!("C5: {C5}").as_str()));
    desk.keys("no<enter>");
    assert_eq!(desk.status(), "a reason of at least 3 characters, or esc");
    assert!(matches!(&desk.model.ask, Some(Ask::Settle { input, .. }) if input.value() == "no"), "it asks on");
    desk.keys("w form since April<enter>");
    assert_eq!(desk.status(), "settled C5 of opd_total; A approves what has no flag");
    let [entry] = &desk.entries()[..] else { panic!("one entry") };
    let (statements, reason) = (vec![format!("C5: {C5}")], "now form since April".to_owned());
    assert_eq!(entry.step, Step::Settle { property: 2, statements, reason });
    assert_eq!((entry.who.as_str(), desk.approved()), ("grace", vec![]));
    desk.keys("A");
    assert_eq!(bulk(&desk).question, "Approve 2 changes of opd_total without a flag?");
    assert_eq!(bulk(&desk).stays, "2 REVIEW stay.");
    desk.keys("yAy");
    assert_eq!(desk.approved().len(), 4);
}

#[test]
fn leaving_the_prompt_settles_nothing() {
    let mut desk = blocked(Screen::Properties);
    desk.keys("llAbecause<esc>");
    assert!(desk.model.ask.is_none() && desk.entries().is_empty());
    desk.keys("A<up>");
    assert_eq!(desk.status(), "no reason was given before");
    desk.tell(Msg::Paste("from\na mail".to_owned()));
    desk.keys("<enter>u");
    assert_eq!(desk.status(), "undone: settled C5 of dhis_opd_total; 12 left in all");
    assert_eq!(desk.model.screen, Screen::Properties);
    desk.keys("A<up>");
    assert!(matches!(&desk.model.ask, Some(Ask::Settle { input, .. }) if input.value() == "from a mail"));
    desk.keys("<esc>U");
    assert_eq!(desk.status(), "done again: settled C5 of dhis_opd_total; 12 left in all");
    let steps: Vec<Step> = desk.entries().into_iter().map(|entry| entry.step).skip(1).collect();
    assert_eq!(steps, [Step::Undo(1), Step::Redo(1)]);
    desk.keys("A");
    assert_eq!(bulk(&desk).cells.len(), 2);
}

#[test]
fn every_open_stop_is_read_before_it_is_settled() {
    let mut desk = with(&[(OPD, "C5", C5), (OPD, "C1", "1.5x"), (OPD, "C6", "all equal")], Screen::Properties);
    desk.keys("llA");
    let both = format!("C5: {C5}; C6: all equal");
    assert!(matches!(&desk.model.ask, Some(Ask::Settle { statements, .. }) if *statements == both));
    desk.keys("because<enter>");
    assert_eq!(desk.status(), "settled C5, C6 of opd_total; A approves what has no flag");
}

#[test]
fn it_is_settled_again_across_a_restart_and_one_that_was_not_saved_is_not() {
    let mut first = blocked(Screen::Properties);
    first.keys("llAbecause<enter>");
    let plan = checked(plan(), &[(OPD, "C5", C5)]);
    let ledger = Ledger::replay(&plan, &first.entries()).unwrap();
    let mut second = Desk::new();
    second.open(plan, ledger, None);
    second.keys("3A");
    assert_eq!(bulk(&second).cells.len(), 9);
    second.keys("<esc>u3A");
    assert!(second.model.ask.is_none() && second.status().contains("open STOP"), "{}", second.status());

    let mut desk = blocked(Screen::Properties);
    desk.disk = false;
    desk.keys("llAbecause<enter>");
    assert!(desk.review().is_saving());
    desk.tell(Msg::Recorded(1, Err("disk full".to_owned())));
    assert!(desk.status().contains("taken back: disk full"), "{}", desk.status());
    assert!(desk.review().ledger.blocks(&desk.review().plan, 2).is_some());
}

#[test]
fn all_facilities_are_refused_as_a_whole_and_told_both_ways_out() {
    let mut desk = blocked(Screen::Facilities);
    desk.keys("A");
    assert!(desk.model.ask.is_none());
    assert_eq!(desk.status(), "opd_total: open STOP C5; A on tab 2 settles it, -prop:NAME leaves it out");
    assert_eq!(desk.entries(), []);
    desk.keys("/-prop:opd_total<enter>A");
    assert_eq!(bulk(&desk).question, "Approve 7 changes shown by \"-prop:opd_total\" without a flag?");
    desk.keys("y");
    assert!(desk.approved().iter().all(|(_, property)| *property != 2));
    // What is decided one by one is in nobody's way any more.
    desk.keys("<esc>/prop:opd<enter>gglaaaa<esc>");
    assert_eq!(desk.approved().len(), 11);
    desk.keys("A");
    assert_eq!(desk.status(), "1 STOP in all facilities: approved one at a time, with a reason");
}

#[test]
fn several_properties_are_named_and_the_others_counted() {
    let anc = ("dhis_anc1_visits", "C6", "all equal");
    let mut desk = with(&[(OPD, "C5", C5), anc], Screen::Facilities);
    desk.keys("A");
    let both = "anc1_visits (C6), opd_total (C5): open STOP; A on tab 2 settles each, ";
    assert_eq!(desk.status(), format!("{both}-prop:NAME leaves it out"));
    let mut desk = with(&[(OPD, "C5", C5), anc, ("dhis_malaria_pos", "C9", "erases 3")], Screen::Facilities);
    desk.keys("A");
    let three = "anc1_visits (C6), malaria_pos (C9), 1 more: open STOP; A on tab 2 settles each, ";
    assert_eq!(desk.status(), format!("{three}-prop:NAME leaves it out"));
}

#[test]
fn only_what_is_shown_and_open_is_in_the_way() {
    let mut desk = blocked(Screen::Facilities);
    desk.keys("/prop:malaria<enter>A");
    assert_eq!(bulk(&desk).cells.len(), 3);
    // Beds hold no change, so their STOP is in no way.
    let mut desk = with(&[("dhis_beds", "C6", "all equal")], Screen::Facilities);
    desk.keys("A");
    assert_eq!(bulk(&desk).cells.len(), 9);
    // A STOP cell of such a property is left as ever.
    let mut desk = with(&[("dhis_malaria_pos", "C4", "12 % flagged")], Screen::Facilities);
    desk.keys("/kasenga prop:malaria<enter>A");
    assert_eq!(desk.status(), "1 STOP shown by \"kasenga prop:malaria\": approved one at a time, with a reason");
}

#[test]
fn a_facility_leaves_those_and_says_so() {
    let mut desk = blocked(Screen::Facilities);
    desk.keys("a");
    assert_eq!(desk.approved(), [(0, 0)]);
    let said = "approved 1 in Kasenga HC; 1 of a property with an open STOP stays; left: 1 REVIEW, 1 STOP";
    assert_eq!(desk.status(), said);
    desk.keys("gga");
    assert!(desk.model.ask.is_none(), "its REVIEW is of that property");
    assert_eq!(desk.status(), "opd_total: open STOP C5; A on tab 2 settles it; 1 and 1 STOP left in Kasenga HC");
    let mut desk = with(&[(OPD, "C5", C5), ("dhis_anc1_visits", "C6", "all equal")], Screen::Facilities);
    desk.keys("jj<space>");
    assert_eq!(desk.approved(), [(2, 1)]);
    assert_eq!(desk.status(), "approved 1 in Bwanje Hill HC; 2 of properties with an open STOP stay; left: 2 no flag");
    desk.keys("<space>");
    assert_eq!((desk.approved(), desk.status()), (vec![], "cleared 1 in Bwanje Hill HC; left: 3 no flag"));
    desk.keys("r");
    assert_eq!(desk.decided(Verdict::Reject).len(), 3, "to keep old values is no approval");
}

#[test]
fn a_question_for_review_leaves_them_too() {
    let plan = plan_of(&FACILITIES, |draft| {
        for property in 0..3 {
            draft.flag(Cell { facility: 0, property }, Flag::new("S10", Severity::Review, "12.5"));
        }
    });
    let mut desk = Desk::with(checked(plan, &[(OPD, "C5", C5)]), Screen::Facilities);
    desk.keys("/kasenga<enter>aa");
    let question = bulk(&desk);
    assert_eq!(question.question, "Approve 2 REVIEW of Kasenga HC?");
    assert_eq!(question.stays, "1 of a property with an open STOP stays.");
    desk.keys("y");
    assert_eq!(desk.approved(), [(0, 0), (0, 1), (0, 3)]);
    let said = "approved 2 REVIEW in Kasenga HC; 1 of a property with an open STOP stays; left: 1 REVIEW";
    assert_eq!(desk.status(), said);
}

#[test]
fn one_value_is_decided_as_ever() {
    let mut desk = blocked(Screen::Properties);
    desk.keys("ll");
    let cell = desk.model.cell().unwrap();
    desk.keys("a");
    assert_eq!(desk.approved(), [(cell.facility, cell.property)]);
    let mut desk = with(&[("dhis_malaria_pos", "C4", "12 % flagged")], Screen::Facilities);
    desk.keys("lja");
    assert!(matches!(&desk.model.ask, Some(Ask::Reason { .. })), "a STOP with its reason");
    desk.keys("outbreak<enter>");
    assert_eq!(desk.approved(), [(0, 1)]);
}

#[test]
fn rejecting_and_clearing_take_them_all() {
    let mut desk = blocked(Screen::Facilities);
    desk.keys("R");
    assert_eq!((bulk(&desk).cells.len(), bulk(&desk).stays.as_str()), (12, "2 REVIEW, 1 STOP among them."));
    desk.keys("y");
    assert_eq!(desk.decided(Verdict::Reject).len(), 12);
    desk.keys("Cy");
    assert_eq!(desk.review().ledger.all().left(), 12);
}

#[test]
fn zeros_are_not_written_together_either() {
    let zeros = plan_of(&FACILITIES, |draft| {
        for facility in 0..3 {
            draft.set(Cell { facility, property: 3 }, Some("61"), None, State::ZeroNotStored);
        }
    });
    let mut desk = Desk::with(checked(zeros, &[("dhis_beds", "C5", C5)]), Screen::Properties);
    desk.keys("lllO");
    let Some(Ask::Zeros(Zeros { plain, all, stays, .. })) = &desk.model.ask else { panic!("{}", desk.status()) };
    assert_eq!((plain.len(), all.len()), (0, 3));
    assert_eq!(stays, "3 of properties with an open STOP stay.");
    desk.keys("0");
    assert!(desk.status().contains("or its property an open STOP") && desk.entries().is_empty(), "{}", desk.status());
    desk.keys("Or");
    assert_eq!(desk.decided(Verdict::Reject).len(), 3);
    desk.keys("uAsame form<enter>O0");
    assert_eq!(desk.decided(Verdict::Zero), [(0, 3), (1, 3), (2, 3)]);
}

#[test]
fn the_log_calls_it_what_it_is() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("AyAy");
    let label = |entry: &Entry| match &entry.step {
        Step::Decide { act: Act::Approve, label, cells, .. } => (cells.len(), label.clone()),
        other => panic!("{other:?}"),
    };
    let labels: Vec<_> = desk.entries().iter().map(label).collect();
    let (plain, review) = ("all 9 without a flag in all facilities", "2 REVIEW in all facilities");
    assert_eq!(labels, [(9, plain.to_owned()), (2, review.to_owned())]);
    desk.keys("uu");
    assert_eq!(desk.status(), format!("undone: approved {plain}; 12 left in all"));
}

#[test]
fn no_bulk_key_gets_past_it() {
    for screen in [Screen::Properties, Screen::Facilities] {
        for keys in ["AyAyAy", "<esc>ayayayay", "<space>y<space>y", "lAy<esc>lAy<esc>lAy<esc>lAy<esc>lAy", "O0O0"] {
            let mut desk = blocked(screen);
            desk.keys(keys);
            desk.keys("<esc>");
            for entry in desk.entries() {
                if let Step::Decide { act, cells, .. } = entry.step {
                    let open = act.writes() && cells.len() > 1 && cells.iter().any(|cell| cell.property == 2);
                    assert!(!open, "{screen:?} {keys}: {cells:?}");
                }
            }
        }
    }
}
