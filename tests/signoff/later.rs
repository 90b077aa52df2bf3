//! What the report says after the first word on a value was not the last one: not applied, held, sent again, read again.

use crate::{
    facts::{first, rows},
    sample::{Sample, at, head, plan},
};
use onse::domain::{
    flags::{Flag, Severity},
    ledger::{Act, Row, Stamp},
    outcome::Outcome,
    plan::{Head, Plan, State},
};

pub(crate) const APPLIED: Option<Outcome> = Some(Outcome::Applied);

/// One facility with three changes, in a reading of this number: what the cases hold, and what is offered.
pub(crate) fn reading(generation: u32, cells: [(&str, &str); 3]) -> Plan {
    plan(&["A"], &["Beds", "Cots", "Deaths"], Head { generation, ..head() }, |draft| {
        for (property, (old, new)) in (0..).zip(cells) {
            draft.set(at(0, property), Some(old), Some(new), State::Reported);
        }
        if generation == 1 {
            draft.flag(at(0, 0), Flag::new("T1", Severity::Stop, "11x the usual"));
        }
    })
}

pub(crate) fn sample() -> Sample {
    Sample::of(reading(1, [("1", "2"), ("3", "4"), ("5", "6")]))
}

#[test]
fn what_was_not_applied_stays_until_it_is_decided_on() {
    let mut sample = sample();
    let cell = at(0, 1);
    sample.decide("Grace", Act::Approve, &[cell], None);
    sample.form("Grace", Outcome::Accepted, &[(cell, Some(Outcome::NotApplied))], None);
    assert_eq!(sample.ledger.verdict(&sample.plan, cell), None, "as sending leaves it");
    let report = sample.markdown();
    let (title, said) = first(&report);
    assert_eq!(title, "Not everything is verified");
    assert!(said.ends_with("1 is not verified: 1 sent and not applied."), "{said}");
    assert!(rows(&report, "Approved, and not verified")[0].contains("NOT APPLIED; form 1"), "{report}");
    assert!(rows(&report, "Every decision, in order")[1].contains("not applied when it was read back"), "{report}");
    assert!(rows(&report, "Signatures")[0].contains("Grace"), "{report}");

    sample.decide("Thoko", Act::Reject, &[cell], Some("leave it"));
    let report = sample.markdown();
    assert_eq!(first(&report).0, "No approval stands");
    assert!(!first(&report).1.contains("nothing was sent"), "{report}");
    assert!(rows(&report, "Approved, and not verified").is_empty());
    assert_eq!(rows(&report, "Rejected, by facility").len(), 1);

    sample.decide("Thoko", Act::Approve, &[cell], None);
    let open = sample.markdown();
    let open = rows(&open, "Approved, and not verified");
    assert!(open.len() == 1 && open[0].contains("| not sent |"), "{open:#?}");
}

#[test]
fn what_was_held_is_told_by_what_was_decided_after_it() {
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 1), at(0, 2)], None);
    sample.hold("Grace", at(0, 1), "the case holds 44 now", true);
    sample.hold("Grace", at(0, 2), "DHIS2 gave no answer", false);
    let report = sample.markdown();
    assert!(rows(&report, "Held back")[0].contains("the case holds 44 now"), "{report}");
    let open = rows(&report, "Approved, and not verified");
    assert!(open.len() == 1 && open[0].contains("HELD BACK, the approval stands; DHIS2 gave no answer"), "{open:#?}");
    assert!(!report.contains("or the total moved"), "the cause is the one that was noted");
    assert!(rows(&report, "Every decision, in order")[1].contains("held back when it was to be sent"), "{report}");

    sample.decide("Grace", Act::Reject, &[at(0, 1)], Some("44 is right"));
    sample.form("Grace", Outcome::Accepted, &[(at(0, 2), APPLIED)], None);
    let report = sample.markdown();
    assert!(rows(&report, "Held back").is_empty(), "{report}");
    assert!(rows(&report, "Rejected, by facility")[0].contains("44 is right"), "{report}");
    assert!(first(&report).1.starts_with("CommCare holds all of 1 approved value:"), "{report}");

    sample.decide("Grace", Act::Approve, &[at(0, 1)], None);
    let report = sample.markdown();
    let (title, said) = first(&report);
    assert_eq!(title, "Not everything is verified");
    assert!(said.starts_with("CommCare holds 1 of 2 approved values") && said.ends_with(": 1 not sent."), "{said}");
}

#[test]
fn an_undo_after_it_was_held_is_a_decision_only_on_what_it_takes_back() {
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 1), at(0, 2)], None);
    sample.hold("Grace", at(0, 1), "the case holds 44 now", true);
    sample.hold("Grace", at(0, 2), "DHIS2 gave no answer", false);
    let stamp = Stamp { at: "2026-07-05T12:00:00Z".to_owned(), who: "Grace".to_owned() };
    let undone = sample.ledger.undo(&sample.plan, &stamp).unwrap();
    sample.keep(undone);
    let report = sample.markdown();
    assert_eq!(rows(&report, "Held back").len(), 1, "{report}");
    assert!(rows(&report, "Approved, and not verified").is_empty(), "{report}");
    assert!(first(&report).1.starts_with("No approval stands, and nothing was sent"), "{report}");
}

#[test]
fn after_another_reading_it_still_stands_who_approved_what_was_applied_and_why() {
    let mut sample = sample();
    sample.decide("Thoko", Act::Approve, &[at(0, 0)], Some("checked by phone"));
    let stamp = Stamp { at: "2026-07-05T10:30:00Z".to_owned(), who: "Grace".to_owned() };
    let row = Row { cell: at(0, 1), act: Act::Approve, reason: Some("seen on paper".to_owned()) };
    let imported = sample.ledger.import(&sample.plan, vec![row], "1 verdict from Q2.xlsx", &stamp).unwrap();
    sample.keep(imported);
    sample.form("Grace", Outcome::Accepted, &[(at(0, 0), APPLIED), (at(0, 1), APPLIED)], None);
    let before = sample.markdown();
    sample.read_again(reading(2, [("2", "2"), ("4", "4"), ("5", "6")]));
    assert_eq!(sample.ledger.all().approved, 0, "as another reading leaves it");
    let report = sample.markdown();
    for title in ["Who decided", "Signatures", "Approved although STOP"] {
        assert_eq!(rows(&report, title), rows(&before, title));
    }
    assert_eq!(
        rows(&report, "Who decided"),
        ["| Grace | 1 | 1 | 0 | 0 | 0 | 1 |", "| Thoko | 1 | 1 | 0 | 0 | 0 | 0 |"]
    );
    let stops = rows(&report, "Approved although STOP");
    assert!(stops.len() == 1 && stops[0].contains("T1: 11x the usual | checked by phone | Thoko; "), "{stops:#?}");
    let applied = rows(&report, "Every applied change, by facility");
    assert!(applied[0].contains("STOP T1: 11x the usual; reason: checked by phone; of reading 1"), "{applied:#?}");
    assert!(applied[1].contains("reason: seen on paper"), "{applied:#?}");
    assert!(rows(&report, "Every decision, in order")[2].contains("a newer reading found other values"), "{report}");
}

#[test]
fn a_value_counts_once_by_the_last_form_it_is_in() {
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 1)], None);
    sample.form("Grace", Outcome::Accepted, &[(at(0, 1), APPLIED)], None);
    sample.read_again(reading(2, [("1", "2"), ("4", "9"), ("5", "6")]));
    assert!(first(&sample.markdown()).1.starts_with("CommCare holds all of 1 approved value:"));
    sample.decide("Thoko", Act::Approve, &[at(0, 1)], None);
    let waits = sample.markdown();
    assert!(first(&waits).1.contains("CommCare holds 0 of 1 approved value"), "{waits}");
    assert_eq!(rows(&waits, "Applied before").len(), 1);
    sample.form("Thoko", Outcome::Unknown, &[(at(0, 1), None)], None);
    let report = sample.markdown();
    assert!(rows(&report, "Every applied change, by facility").is_empty(), "{report}");
    assert!(rows(&report, "Approved, and not verified")[0].contains("UNKNOWN"), "{report}");
    assert!(rows(&report, "Applied before")[0].ends_with("| 3 | 4 | form 1 |"), "{report}");
    sample.forms[1].sent = Outcome::Accepted;
    sample.forms[1].see(vec![onse::io::store::Seen { cell: at(0, 1), outcome: Outcome::Applied, value: None }]);
    let report = sample.markdown();
    assert!(first(&report).1.starts_with("CommCare holds all of 1 approved value:"), "{report}");
    assert_eq!(rows(&report, "Who decided")[1], "| Thoko | 1 | 1 | 0 | 0 | 0 | 1 |");
    assert_eq!(rows(&report, "Who decided")[0], "| Grace | 1 | 0 | 0 | 0 | 0 | 1 |");
}

#[test]
fn a_case_that_a_newer_reading_found_otherwise_does_not_hold_what_was_sent() {
    let mut sample = sample();
    sample.decide("Grace", Act::Approve, &[at(0, 1)], None);
    sample.form("Grace", Outcome::Accepted, &[(at(0, 1), APPLIED)], None);
    sample.read_again(reading(2, [("1", "2"), ("44", "4"), ("5", "6")]));
    let report = sample.markdown();
    let (_, said) = first(&report);
    assert!(
        said.starts_with("CommCare holds 0 of 1 approved value") && said.contains("another value in the case"),
        "{said}"
    );
    let open = rows(&report, "Approved, and not verified");
    assert!(open[0].contains("another value since; form 1; ") && open[0].contains("found 44 |"), "{open:#?}");
    assert!(rows(&report, "Every applied change, by facility").is_empty());
}

#[test]
fn what_was_there_already_is_not_told_as_sent() {
    let mut sample = Sample::of(reading(1, [("2", "2"), ("4", "4"), ("5", "6")]));
    sample.decide("Grace", Act::Approve, &[at(0, 2)], None);
    sample.elsewhere = vec![at(0, 2)];
    let said = first(&sample.markdown());
    assert_eq!(said.0, "Complete; nothing had to be sent");
    assert_eq!(said.1, "Nothing had to be sent to CommCare for 1 approved value: the cases held them already.");
    sample.read_again(reading(2, [("2", "2"), ("4", "4"), ("6", "6")]));
    let report = sample.markdown();
    assert_eq!(first(&report), said, "another reading changes nothing of it");
    assert_eq!(rows(&report, "Who decided"), ["| Grace | 1 | 1 | 0 | 0 | 0 | 0 |"]);
}
