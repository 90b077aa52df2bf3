//! What the report says where a decision was taken back, came in a sheet, or is from before there was a trail.

use crate::{
    facts::{first, rows},
    later::{APPLIED, reading, sample},
    sample::{Sample, at},
};
use onse::domain::{
    ledger::{Act, Entry, Ledger, Row, Stamp},
    outcome::Outcome,
    plan::{Plan, State},
};

/// Lets somebody do something to the verdicts, and writes it down.
fn turn(sample: &mut Sample, does: impl FnOnce(&mut Ledger, &Plan, &Stamp) -> Entry) {
    let at = format!("2026-07-05T10:{:02}:00Z", sample.entries.len() + 1);
    let stamp = Stamp { at, who: "Thoko".to_owned() };
    let entry = does(&mut sample.ledger, &sample.plan, &stamp);
    sample.keep(entry);
}

fn undo(sample: &mut Sample) {
    turn(sample, |ledger, plan, stamp| ledger.undo(plan, stamp).unwrap());
}

fn redo(sample: &mut Sample) {
    turn(sample, |ledger, plan, stamp| ledger.redo(plan, stamp).unwrap());
}

/// What stands in the one row of what was approved although STOP, from the reason on.
fn stop(sample: &Sample) -> String {
    let report = sample.markdown();
    let stops = rows(&report, "Approved although STOP");
    assert_eq!(stops.len(), 1, "{stops:#?}");
    stops[0].split_once("11x the usual | ").unwrap().1.to_owned()
}

#[test]
fn a_decision_that_was_taken_back_is_nobodys_reason() {
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 0)], Some("checked by phone"));
    sample.decide("Thoko", Act::Reject, &[at(0, 0)], Some("cannot be"));
    undo(&mut sample);
    sample.form("Grace", Outcome::Accepted, &[(at(0, 0), APPLIED)], None);
    assert_eq!(stop(&sample), "checked by phone | Grace; 2026-07-05 10:01 UTC |");
}

#[test]
fn a_decision_that_was_done_again_is_its_own_reason() {
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 0)], Some("checked by phone"));
    undo(&mut sample);
    redo(&mut sample);
    assert_eq!(stop(&sample), "checked by phone | Grace; 2026-07-05 10:01 UTC |");
    sample.form("Thoko", Outcome::Accepted, &[(at(0, 0), APPLIED)], None);
    assert_eq!(stop(&sample), "checked by phone | Grace; 2026-07-05 10:01 UTC |");
    let report = sample.markdown();
    let log = rows(&report, "Every decision, in order");
    assert!(log[1].contains("took back entry 1") && log[2].contains("did entry 1 again"), "{log:#?}");
}

#[test]
fn what_came_in_a_sheet_is_counted_by_what_it_said() {
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 2)], None);
    let row = |property, act, reason: &str| Row { cell: at(0, property), act, reason: Some(reason.to_owned()) };
    let said = vec![
        row(0, Act::Approve, "checked by phone"),
        row(1, Act::Reject, "counted twice"),
        row(2, Act::Reject, "counted twice"),
    ];
    turn(&mut sample, |ledger, plan, stamp| ledger.import(plan, said, "3 verdicts from Q2.xlsx", stamp).unwrap());
    turn(&mut sample, |ledger, plan, stamp| ledger.put_note(plan, [at(0, 1)], "ask", "", stamp).unwrap());
    turn(&mut sample, |ledger, plan, stamp| ledger.put_note(plan, [at(0, 1)], "", "", stamp).unwrap());
    let report = sample.markdown();
    let log = rows(&report, "Every decision, in order");
    assert!(
        log[1].ends_with(
            "| imported 3 verdicts from Q2.xlsx: approved 1 value, rejected 2 values | each row has its own |"
        ),
        "{log:#?}"
    );
    assert!(log[2].ends_with("| noted on 1 value | ask |"), "{log:#?}");
    assert!(log[3].contains("| took the note from 1 value |"), "{log:#?}");
    // Nothing of what Grace decided stands, so that there is nothing for her to sign.
    let names = rows(&report, "Signatures").into_iter().filter(|row| row.contains("Decided by")).collect::<Vec<_>>();
    assert!(names.len() == 1 && names[0].contains("| Thoko |"), "{names:#?}");
    assert_eq!(rows(&report, "Who decided")[0], "| Grace | 1 | 0 | 0 | 0 | 0 | 0 |");
}

#[test]
fn what_is_from_before_there_was_a_trail_stands_in_the_order_of_its_times() {
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 0)], Some("checked by phone"));
    sample.decide("Grace", Act::Approve, &[at(0, 1)], None);
    sample.form("Grace", Outcome::Accepted, &[(at(0, 0), APPLIED), (at(0, 1), Some(Outcome::NotApplied))], None);
    sample.forms[0].frozen_at = "2026-07-05T10:02:30Z".to_owned();
    sample.decide("Thoko", Act::Approve, &[at(0, 1)], None);
    let told = |sample: &Sample| {
        let report = sample.markdown();
        let open: Vec<String> = rows(&report, "Approved, and not verified").into_iter().map(str::to_owned).collect();
        (stop(sample), open)
    };
    let whole = told(&sample);
    assert_eq!(whole.0, "checked by phone | Grace; 2026-07-05 10:01 UTC |");
    assert!(whole.1.len() == 1 && whole.1[0].contains("| not sent |"), "{whole:#?}");
    // The trail began after the form was made, but before it was read back; then there is none at all.
    let began = sample.trail.entries.iter().position(|noted| noted.what == "seen").unwrap();
    sample.trail.entries.drain(..began);
    assert_eq!(told(&sample), whole);
    sample.trail.entries.clear();
    assert_eq!(told(&sample), whole);
    // And of one in which nothing came after the form.
    let mut sample = self::sample();
    sample.decide("Grace", Act::Approve, &[at(0, 0)], Some("checked by phone"));
    sample.form("Grace", Outcome::Accepted, &[(at(0, 0), APPLIED)], None);
    sample.trail.entries.clear();
    assert_eq!(told(&sample), (whole.0, vec![]));
}

#[test]
fn why_something_was_held_is_told_with_the_form_it_was_held_for() {
    let mut sample = sample();
    let open = |sample: &Sample| {
        let report = sample.markdown();
        let open = rows(&report, "Approved, and not verified");
        assert_eq!(open.len(), 1, "{open:#?}");
        open[0].to_owned()
    };
    sample.decide("Grace", Act::Approve, &[at(0, 1)], None);
    sample.hold("Grace", at(0, 1), "DHIS2 gave no answer", false);
    assert!(open(&sample).contains("DHIS2 gave no answer"));
    sample.form("Grace", Outcome::Unknown, &[(at(0, 1), None)], None);
    let sent = open(&sample);
    assert!(sent.contains("UNKNOWN") && !sent.contains("DHIS2 gave no answer"), "{sent}");
    sample.hold("Grace", at(0, 1), "a form of it has no answer yet", false);
    let held = open(&sample);
    assert!(held.contains("UNKNOWN") && held.contains("a form of it has no answer yet"), "{held}");
    // What is noted of a value that the review does not have is told of nowhere.
    let report = sample.markdown();
    for cell in [at(1, 0), at(0, 3), at(9, 9)] {
        let detail =
            format!(r#"{{"held": [{{"facility": {}, "property": {}, "why": "x"}}]}}"#, cell.facility, cell.property);
        sample.note("Grace", "held", None, &detail);
    }
    assert_eq!(rows(&sample.markdown(), "Held back"), rows(&report, "Held back"));
}

#[test]
fn what_a_reading_took_away_is_told_as_lost_only_where_it_was_approved() {
    let said = |act: Option<Act>| {
        let mut sample = sample();
        if let Some(act) = act {
            sample.decide("Grace", act, &[at(0, 1)], Some("seen"));
        }
        sample.read_again(reading(2, [("1", "2"), ("44", "9"), ("5", "6")]));
        let report = sample.markdown();
        let (title, said) = first(&report);
        (title, said, rows(&report, "Who decided").len())
    };
    let (none, sent) = ("No value was approved, and nothing was sent to CommCare.", "nothing was sent to CommCare.");
    assert_eq!(said(None), ("Nothing was approved".into(), none.into(), 0));
    assert_eq!(said(Some(Act::Reject)), ("Nothing was approved".into(), none.into(), 1));
    assert_eq!(said(Some(Act::Approve)), ("No approval stands".into(), format!("No approval stands, and {sent}"), 1));
}

#[test]
fn what_the_case_held_already_counts_only_while_it_holds_what_was_approved() {
    let there = |elsewhere: bool, found: &str| {
        let mut sample = sample();
        sample.decide("Grace", Act::Approve, &[at(0, 1)], None);
        sample.elsewhere = if elsewhere { vec![at(0, 1)] } else { Vec::new() };
        sample.read_again(reading(2, [("1", "2"), (found, found), ("5", "6")]));
        first(&sample.markdown())
    };
    assert_eq!(there(true, "4").0, "Nothing to send; something is left open");
    assert_eq!(there(true, "7").0, "No approval stands", "another value came instead");
    assert_eq!(there(false, "4").0, "No approval stands", "nobody looked when it was to be sent");

    // What was found under an approval that is gone says nothing of the next one.
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 1)], None);
    sample.hold("Grace", at(0, 1), "DHIS2 gave no answer", false);
    sample.elsewhere = vec![at(0, 1)];
    let report = sample.markdown();
    assert_eq!(rows(&report, "Approved, and there already").len(), 1, "it was held before it was found there");
    assert!(rows(&report, "Approved, and not verified").is_empty(), "{report}");
    sample.read_again(reading(2, [("1", "2"), ("9", "10"), ("5", "6")]));
    sample.decide("Thoko", Act::Approve, &[at(0, 1)], None);
    sample.hold("Thoko", at(0, 1), "DHIS2 gave no answer again", false);
    let report = sample.markdown();
    assert!(!report.contains("## Approved, and there already"), "{report}");
    let open = rows(&report, "Approved, and not verified");
    assert!(
        open.len() == 1 && open[0].contains("HELD BACK, the approval stands; DHIS2 gave no answer again"),
        "{open:#?}"
    );
}

#[test]
fn a_reading_without_the_facility_changes_nothing_of_what_was_applied() {
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 1)], None);
    sample.form("Grace", Outcome::Accepted, &[(at(0, 1), APPLIED)], None);
    let again = |state| {
        crate::sample::plan(&["A"], &["Beds", "Cots", "Deaths"], reading(2, [("1", "2"); 3]).head, |draft| {
            draft.set(at(0, 1), Some("3"), None, state);
        })
    };
    sample.read_again(again(State::NotAssigned));
    assert!(first(&sample.markdown()).1.starts_with("CommCare holds all of 1 approved value:"));
    sample.read_again(again(State::NotReported));
    let said = first(&sample.markdown()).1;
    assert!(said.starts_with("CommCare holds 0 of 1 approved value"), "it was read, and the case holds 3: {said}");
}

#[test]
fn a_reset_is_told_with_its_own_cause_even_right_before_a_reading() {
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 1)], None);
    sample.form("Grace", Outcome::Accepted, &[(at(0, 1), Some(Outcome::NotApplied))], None);
    sample.note("onse", "read", None, "{}");
    let report = sample.markdown();
    let log = rows(&report, "Every decision, in order");
    assert!(log[1].contains("sent, and not applied when it was read back"), "{log:#?}");
}

#[test]
fn each_value_of_a_form_is_told_with_what_was_read_of_it_and_the_form_with_how_many() {
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 0)], Some("checked by phone"));
    sample.decide("Grace", Act::Approve, &[at(0, 1), at(0, 2)], None);
    let not = Some(Outcome::NotApplied);
    let seen = [(at(0, 0), APPLIED), (at(0, 1), not), (at(0, 2), not)];
    sample.form("Grace", Outcome::Accepted, &seen, Some("1 form received"));
    sample.forms[0].seen[2].value = Some("8".to_owned());
    let report = sample.markdown();
    let open = rows(&report, "Approved, and not verified");
    assert_eq!(open.len(), 2);
    for (row, held) in open.iter().zip(["7", "8"]) {
        assert!(row.contains(&format!("NOT APPLIED; form 1; the case held {held} when it was read back |")), "{row}");
    }
    let forms = |sample: &Sample| rows(&sample.markdown(), "Forms sent to CommCare").join("\n");
    assert!(forms(&sample).contains("; 1 of 3 read back; CommCare said: 1 form received |"), "{}", forms(&sample));
    assert!(forms(&sample).contains("| 1 | 3 |"), "of one case, three changes: {}", forms(&sample));
    for outcome in [APPLIED, not] {
        let mut sample = self::sample();
        sample.decide("Grace", Act::Approve, &[at(0, 1), at(0, 2)], None);
        sample.form("Grace", Outcome::Accepted, &[(at(0, 1), outcome), (at(0, 2), outcome)], None);
        assert!(!forms(&sample).contains(" of 2 read back"), "all of it or none: {}", forms(&sample));
    }
    assert!(self::sample().markdown().contains("No form was made."));
}

#[test]
fn the_reasons_given_most_stand_first_and_none_is_left_uncounted() {
    let mut sample = Sample::of(crate::sample::plan(&["A"; 60], &["Beds"], crate::sample::head(), |draft| {
        for facility in 0..60 {
            draft.set(at(facility, 0), Some("1"), Some("2"), State::Reported);
        }
    }));
    // The first reason once, and each later one no less often: 1, 2, then 50 of their own.
    sample.decide("Grace", Act::Reject, &[at(0, 0)], Some("zz once"));
    sample.decide("Grace", Act::Reject, &[at(1, 0), at(2, 0)], Some("twice"));
    for facility in 3..53 {
        sample.decide("Grace", Act::Reject, &[at(facility, 0)], Some(&format!("own {facility:02}")));
    }
    let report = sample.markdown();
    let reasons = rows(&report, "Rejected or kept, by reason");
    assert_eq!(reasons[..2], ["| twice | 2 |", "| own 03 | 1 |"]);
    let number = |row: &&str| row.trim_end_matches(" |").rsplit(' ').next().unwrap().parse::<usize>().unwrap();
    assert_eq!(reasons.iter().map(number).sum::<usize>(), 53, "{reasons:#?}");
    assert!(reasons.last().unwrap().contains(" other reasons | "), "{reasons:#?}");
}
