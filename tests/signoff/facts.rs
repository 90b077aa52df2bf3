//! What the report says: each value stands in the one list that is true of it.

use std::collections::BTreeMap;

use crate::sample::{Sample, at, complete, head, mixed, plan};
use onse::domain::{
    flags::{Check, Severity},
    head::{FormOf, UndoOf},
    ledger::{Act, Stamp},
    outcome::Outcome,
    plan::{Cell, Head, State},
    quarter::Quarter,
};

/// The lines of a section of the Markdown.
fn section<'a>(report: &'a str, title: &str) -> Vec<&'a str> {
    let mut lines = report.lines().skip_while(|line| *line != format!("## {title}"));
    assert!(lines.next().is_some(), "no {title} in {report}");
    lines.take_while(|line| !line.starts_with("## ")).filter(|line| !line.is_empty()).collect()
}

/// Its rows without the heading.
pub(crate) fn rows<'a>(report: &'a str, title: &str) -> Vec<&'a str> {
    section(report, title).into_iter().filter(|line| line.starts_with('|')).skip(2).collect()
}

/// The result and the sentence under it.
pub(crate) fn first(report: &str) -> (String, String) {
    let title = report.lines().find_map(|line| line.strip_prefix("## ")).unwrap().to_owned();
    let first = section(report, &title)[0].to_owned();
    (title, first)
}

#[test]
fn what_is_applied_stands_apart_from_what_is_only_approved() {
    let report = mixed().markdown();
    let applied = rows(&report, "Every applied change, by facility");
    assert_eq!(applied.len(), 4, "{applied:#?}");
    assert!(applied.iter().all(|row| row.contains("Kasenga HC") || row.contains("Nkhula HC")), "{applied:#?}");
    let open = rows(&report, "Approved, and not verified");
    assert_eq!(open.len(), 4, "{open:#?}");
    let words = ["NOT APPLIED; form 4", "UNKNOWN: whether", "ACCEPTED, not read back yet", "| not sent |"];
    for (row, words) in open.iter().zip(words) {
        assert!(row.contains(words), "{words}: {row}");
        assert!(!applied.contains(row), "{row}");
    }
    assert!(open.iter().any(|row| row.contains("the case held 7 when it was read back")), "{open:#?}");
    assert_eq!(rows(&report, "Approved, and there already").len(), 1);
    let held = rows(&report, "Held back");
    assert_eq!(held.len(), 1);
    assert!(held[0].contains("| 1,202 | 44 | 1,203 | the case holds 44 now"), "{held:#?}");
    assert_eq!(rows(&report, "Rejected, by facility").len(), 1);
    assert_eq!(rows(&report, "May be 0, and kept").len(), 1);
}

#[test]
fn the_first_lines_say_how_it_stands() {
    let said = |sample: &Sample| first(&sample.markdown());
    let (title, first) = said(&complete());
    assert_eq!(title, "Complete and verified");
    assert_eq!(first, "CommCare holds all of 3 approved values: after sending, each was read back and compared.");
    let (title, first) = said(&mixed());
    assert_eq!(title, "Not everything is verified");
    assert!(
        first.starts_with(
            "CommCare holds 5 of 9 approved values, read back and compared or there already. 4 are not verified"
        ),
        "{first}"
    );

    let mut sample = Sample::of(plan(&["A"], &["Beds", "Cots"], head(), |draft| {
        draft.set(at(0, 0), Some("1"), Some("2"), State::Reported);
        draft.set(at(0, 1), Some("1"), Some("2"), State::Reported);
    }));
    assert_eq!(said(&sample).0, "Nothing was approved");
    sample.decide("Grace", Act::Approve, &[at(0, 0)], None);
    assert_eq!(
        said(&sample),
        ("Nothing was sent".into(), "Nothing was sent to CommCare: 1 approved value still to be sent.".into())
    );
    sample.form("Grace", Outcome::Accepted, &[(at(0, 0), Some(Outcome::Applied))], None);
    assert_eq!(said(&sample).0, "Verified; something is left open", "one change is not decided");
}

#[test]
fn a_form_that_was_accepted_and_not_read_back_is_never_called_applied() {
    let mut sample = Sample::of(plan(&["A"], &["Beds"], head(), |draft| {
        draft.set(at(0, 0), Some("1"), Some("2"), State::Reported);
    }));
    sample.decide("Grace", Act::Approve, &[at(0, 0)], None);
    for sent in [Outcome::Accepted, Outcome::Unknown, Outcome::Frozen, Outcome::NotApplied] {
        sample.forms.clear();
        sample.form("Grace", sent, &[(at(0, 0), None)], None);
        let report = sample.markdown();
        assert!(rows(&report, "Every applied change, by facility").is_empty(), "{sent:?}");
        assert_eq!(rows(&report, "Approved, and not verified").len(), 1, "{sent:?}");
        assert!(report.contains("## Not everything is verified"), "{sent:?}");
    }
}

#[test]
fn what_settled_a_check_and_who_is_told() {
    let report = mixed().markdown();
    let checks = rows(&report, "Checks of the run and of data elements").join("\n");
    assert!(checks.contains("settled by Thoko, 2026-07-05 10:00 UTC; reason: new clinics opened"), "{checks}");
    assert!(checks.contains("| STOP C1 | dhis_p2 | sum is 3x | OPEN: "), "{checks}");
    let stops = rows(&report, "Approved although STOP");
    assert_eq!(stops.len(), 3, "{stops:#?}");
    assert!(
        stops[1].ends_with(
            "| 1,001 | 1,002 | T1: 1,002 is 11x the usual 90 | checked by phone | Thoko; 2026-07-05 10:03 UTC |"
        ),
        "{stops:#?}"
    );
    assert!(stops[0].contains("| C1 of the data element: sum is 3x | register seen | Grace; "), "{stops:#?}");
    let order = |title: &str| report.find(&format!("## {title}")).unwrap();
    assert!(order("Approved although STOP") < order("Signatures"));
    let who = rows(&report, "Who decided");
    assert_eq!(who, ["| Grace | 5 | 7 | 1 | 2 | 0 | 3 |", "| Thoko | 3 | 1 | 0 | 0 | 1 | 1 |"]);
    assert_eq!(rows(&report, "Every decision, in order").len(), 10);
}

#[test]
fn the_mark_of_the_trail_is_of_every_entry() {
    let mut sample = complete();
    let mark = sample.trail.mark();
    assert!(mark.len() == 64 && sample.markdown().contains(&mark) && sample.html().contains(&mark));
    sample.trail.entries[0].who = "Mallory".to_owned();
    assert_ne!(sample.trail.mark(), mark);
}

/// One facility with these values, old and new.
fn one(cells: &[(Option<&str>, Option<&str>, State)]) -> Sample {
    let names = ["Beds", "Cots", "Deaths", "Visits"];
    Sample::of(plan(&["A"], &names[..cells.len()], head(), |draft| {
        for (property, (old, new, state)) in (0..).zip(cells) {
            draft.set(at(0, property), *old, *new, *state);
        }
    }))
}

const CHANGE: (Option<&str>, Option<&str>, State) = (Some("1"), Some("2"), State::Reported);

/// Approves these and has them sent and read back.
fn apply(sample: &mut Sample, cells: &[Cell]) {
    sample.decide("Grace", Act::Approve, cells, None);
    let seen: Vec<_> = cells.iter().map(|cell| (*cell, Some(Outcome::Applied))).collect();
    sample.form("Grace", Outcome::Accepted, &seen, None);
}

/// What it comes to; the page is green only where that is complete.
fn result(sample: &Sample) -> String {
    let html = sample.html();
    let (_, rest) = html.split_once("<section id=\"result\" class=\"").unwrap();
    let (tone, rest) = rest.split_once("\">\n<h2>").unwrap();
    let (title, _) = rest.split_once("</h2>").unwrap();
    assert_eq!(tone == "ok", title.starts_with("Complete"), "{tone} {title}");
    assert_eq!(title, first(&sample.markdown()).0);
    title.to_owned()
}

#[test]
fn anything_that_is_open_keeps_it_from_being_complete() {
    let mut sample = one(&[CHANGE]);
    assert_eq!(result(&sample), "Nothing was approved");
    sample.decide("Grace", Act::Approve, &[at(0, 0)], None);
    assert_eq!(result(&sample), "Nothing was sent");
    sample.form("Grace", Outcome::Accepted, &[(at(0, 0), None)], None);
    assert_eq!(result(&sample), "Not everything is verified");
    let mut sample = one(&[CHANGE]);
    apply(&mut sample, &[at(0, 0)]);
    assert_eq!(result(&sample), "Complete and verified");
    let open = "Verified; something is left open";
    for (left, words) in [
        (CHANGE, "1 change was not decided (STOP 0, REVIEW 0, without a flag 1): these cases keep what they had."),
        ((Some("5"), None, State::ZeroNotStored), "1 value may be 0 in DHIS2 and was not decided."),
        ((Some("5"), None, State::FetchFailed), "1 value could not be read; see Left out."),
    ] {
        let mut sample = one(&[CHANGE, left]);
        apply(&mut sample, &[at(0, 0)]);
        assert_eq!(result(&sample), open, "{words}");
        let report = sample.markdown();
        assert!(report.contains(words), "{words} {report}");
    }
    let mut sample = one(&[CHANGE, CHANGE]);
    apply(&mut sample, &[at(0, 0)]);
    sample.decide("Grace", Act::Approve, &[at(0, 1)], None);
    sample.hold("Grace", at(0, 1), "the case holds 44 now", true);
    assert_eq!(result(&sample), open);
    assert!(sample.markdown().contains("1 approved value was held back, and the approval was taken back with it"));
    // All of them at once are not taken from each other.
    let mut sample =
        one(&[CHANGE, CHANGE, (Some("5"), None, State::ZeroNotStored), (Some("5"), None, State::FetchFailed)]);
    apply(&mut sample, &[at(0, 0)]);
    assert_eq!(result(&sample), open);
    sample.decide("Grace", Act::Reject, &[at(0, 1), at(0, 2)], None);
    assert_eq!(result(&sample), open, "one was not read");
}

#[test]
fn what_was_there_already_is_told_beside_what_was_sent() {
    let said = |sample: &Sample| (result(sample), first(&sample.markdown()).1);
    let mut sample = one(&[CHANGE, CHANGE]);
    sample.decide("Grace", Act::Approve, &[at(0, 1)], None);
    sample.elsewhere = vec![at(0, 1)];
    let there = "Nothing had to be sent to CommCare for 1 approved value: the cases held them already.";
    assert_eq!(said(&sample), ("Nothing to send; something is left open".into(), there.into()));
    assert!(!sample.markdown().contains("needed no sending"), "it stands in the first sentence");
    apply(&mut sample, &[at(0, 0)]);
    let all = "CommCare holds all of 2 approved values: what was sent was read back and compared.";
    assert_eq!(said(&sample), ("Complete and verified".into(), all.into()));
    assert!(sample.markdown().contains("1 approved value needed no sending"));

    let mut sample = one(&[CHANGE, CHANGE, CHANGE]);
    sample.decide("Grace", Act::Approve, &[at(0, 0), at(0, 1)], None);
    sample.hold("Grace", at(0, 0), "DHIS2 gave no answer", false);
    let held =
        "Nothing was sent to CommCare for 2 approved values: 1 held back with the approval standing, 1 not sent.";
    assert_eq!(said(&sample), ("Nothing was sent".into(), held.into()));
    sample.elsewhere = vec![at(0, 1)];
    let held = "Nothing was sent to CommCare for 2 approved values: 1 held back with the approval standing.";
    assert_eq!(said(&sample), ("Nothing was sent".into(), held.into()));

    let mut sample = one(&[CHANGE]);
    sample.decide("Grace", Act::Approve, &[at(0, 0)], None);
    sample.form("Grace", Outcome::Accepted, &[(at(0, 0), Some(Outcome::NotApplied))], None);
    sample.decide("Grace", Act::Reject, &[at(0, 0)], None);
    let sent = "No approval stands: 1 form was sent, which stands in Forms sent to CommCare, and nothing of it counts any more.";
    assert_eq!(said(&sample), ("No approval stands".into(), sent.into()));
}

#[test]
fn what_was_read_is_told_with_all_that_bears_on_it() {
    let plain = rows(&mixed().markdown(), "What was read").join("\n");
    for words in ["Reading |", "Cases as of", "nothing was reported", "Quarters before", "set otherwise", "Undo of"] {
        assert!(!plain.contains(words), "{words} {plain}");
    }
    let form = FormOf { number: 1, form_id: "f".to_owned(), outcome: Outcome::Applied, acted: true };
    let (file, first, last) = ("Q1.review".to_owned(), "2026-04-01T08:00:00Z".to_owned(), String::new());
    let head = Head {
        generation: 2,
        index_as_of: Some("2026-07-05T09:30:00Z".to_owned()),
        look_back: 1,
        without_history: true,
        limits: BTreeMap::from([("t1".to_owned(), "12".to_owned())]),
        undo: Some(UndoOf { file, first, last, forms: vec![form] }),
        incomplete: Some("the list of cases was cut off".to_owned()),
        mapping_problems: vec!["row 7 names no property".to_owned()],
        checks: vec![
            Check::of_run("R1", Severity::Stop, "half of the cases are missing"),
            Check::of_property("C2", Severity::Review, "dhis_p0", "sum is 2x"),
        ],
        ..head()
    };
    let mut sample = Sample::of(plan(&["A"], &["Beds"], head, |draft| {
        draft.set(at(0, 0), Some("1"), Some("2"), State::Reported);
    }));
    let report = sample.markdown();
    let read = rows(&report, "What was read").join("\n");
    for words in [
        "| Reading | number 2 of this review file |",
        "| Cases as of | 2026-07-05 09:30 UTC |",
        "| Where nothing was reported | a number was looked for in the 1 quarter before |",
        "| Quarters before | were not asked for |",
        "| Thresholds set otherwise | t1 = 12 |",
        "| Undo of | Q1.review: 1 form made from 2026-04-01 08:00 UTC on |",
        "| Came to | 1 value = 1 change + 0 the same + 0 without a value; 1 facility, 1 data element |",
    ] {
        assert!(read.contains(words), "{words} {read}");
    }
    let checks = rows(&report, "Checks of the run and of data elements");
    assert_eq!(
        checks,
        [
            "| STOP R1 | whole run | half of the cases are missing | asks for no decision |",
            "| REVIEW C2 | dhis_p0 | sum is 2x | asks for no decision |",
        ]
    );
    let left = rows(&report, "Left out of the reading, and notes on it");
    assert!(left[0].contains("| not complete | the reading | the list of cases was cut off |"), "{left:#?}");
    assert!(left[1].contains("| mapping |  | row 7 names no property |"), "{left:#?}");
    assert!(report.contains("The reading was not complete: the list of cases was cut off."), "{report}");
    for (title, words) in [
        ("Who decided", "Nobody decided anything."),
        ("Every decision, in order", "There is none."),
        ("Every applied change, by facility", "There is none."),
    ] {
        assert_eq!(section(&report, title), [words]);
    }
    assert!(!report.contains("CommCare was last written to"), "nothing was");
    sample.decide("Grace", Act::Approve, &[at(0, 0)], None);
    let stamp = Stamp { at: "2026-07-05T11:10:00Z".to_owned(), who: "Grace".to_owned() };
    let mut bytes = Vec::new();
    onse::job::signoff::Report { submitted: Some(&stamp), ..sample.report() }.markdown(&mut bytes).unwrap();
    let report = String::from_utf8(bytes).unwrap();
    assert!(report.contains("CommCare was last written to or read back 2026-07-05 11:10 UTC."), "{report}");
}

#[test]
fn who_signs_is_everyone_of_whom_a_decision_stands() {
    let maybe = (Some("5"), None, State::ZeroNotStored);
    let mut sample = one(&[CHANGE, maybe, maybe]);
    sample.decide("Zero", Act::Zero, &[at(0, 1)], None);
    sample.decide("Kept", Act::Reject, &[at(0, 2)], None);
    sample.decide("Gone", Act::Approve, &[at(0, 0)], None);
    sample.decide("Both", Act::Reject, &[at(0, 0)], None);
    let report = sample.markdown();
    let names: Vec<&str> =
        rows(&report, "Signatures").into_iter().filter_map(|row| row.strip_prefix("| Decided by | ")).collect();
    assert_eq!(names, ["Both |  |  |", "Kept |  |  |", "Zero |  |  |"], "{report}");
}

#[test]
fn the_parts_and_the_quarter_of_a_newer_reading_are_not_those_of_what_was_sent() {
    let reading = |generation, (old, new): (&str, &str), older: bool| {
        plan(&["A"], &["Beds"], Head { generation, ..head() }, |draft| {
            let state = if older { State::OlderQuarter } else { State::Reported };
            draft.set(at(0, 0), Some(old), Some(new), state);
            if older {
                draft.set_quarter(at(0, 0), Quarter::parse("2025Q4").unwrap());
            }
        })
    };
    let mut sample = Sample::of(reading(1, ("1", "2"), false));
    sample.parts(at(0, 0), &[("c1", "1"), ("c2", "1")]);
    apply(&mut sample, &[at(0, 0)]);
    let stamp = Stamp { at: "2026-07-05T10:30:00Z".to_owned(), who: "Thoko".to_owned() };
    let noted = sample.ledger.put_note(&sample.plan, [at(0, 0)], "ask the DHO", "one", &stamp).unwrap();
    sample.keep(noted);
    let row = |sample: &Sample| rows(&sample.markdown(), "Every applied change, by facility")[0].to_owned();
    assert!(row(&sample).contains("Female 1") && row(&sample).contains("note: ask the DHO"), "{}", row(&sample));
    sample.read_again(reading(2, ("2", "9"), true));
    sample.parts.clear();
    sample.parts(at(0, 0), &[("c1", "4"), ("c2", "5")]);
    let row = row(&sample);
    assert!(row.contains("| 1 | 2 | +1 |"), "{row}");
    assert!(!row.contains("Female") && !row.contains("2025Q4"), "{row}");
}

#[test]
fn each_part_of_a_value_is_named_by_what_tells_it_from_the_others() {
    let mut sample = one(&[CHANGE, CHANGE]);
    apply(&mut sample, &[at(0, 0), at(0, 1)]);
    sample.parts(at(0, 0), &[("c1", "4"), ("c2", "5"), ("c3", "6")]);
    let (_, parts) = sample.parts.iter_mut().next().unwrap();
    parts[1].attribute_option_combo = "Partner".to_owned();
    parts[2].period = Some("202605".to_owned());
    // Of another data element of the same data set.
    let other = onse::domain::total::Part { data_element: "Other".to_owned(), ..parts[0].clone() };
    parts.push(other);
    sample.parts(at(0, 1), &[("c1", "2")]);
    let report = sample.markdown();
    let applied = rows(&report, "Every applied change, by facility");
    assert!(applied[0].contains("Female 4; Male, Partner 5; c3, 202605 6"), "{applied:#?}");
    assert_eq!(applied[0].matches("Female").count(), 1, "{applied:#?}");
    assert!(!applied[1].contains("Female"), "one part alone says nothing more: {applied:#?}");
}

#[test]
fn a_data_element_without_a_name_is_told_by_its_property() {
    let mut sample = Sample::of(plan(&["A"], &["", "Cots"], head(), |draft| {
        draft.set(at(0, 0), Some("1"), Some("2"), State::Reported);
        draft.set(at(0, 1), Some("1"), Some("2"), State::Reported);
    }));
    apply(&mut sample, &[at(0, 0), at(0, 1)]);
    let report = sample.markdown();
    let applied = rows(&report, "Every applied change, by facility");
    assert!(applied[0].contains("| dhis_p0 | 1 | 2 |") && applied[1].contains("| Cots | 1 | 2 |"), "{applied:#?}");
}
