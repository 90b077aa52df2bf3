//! What the report says: each value stands in the one list that is true of it.

use crate::sample::{Sample, at, complete, head, mixed, plan};
use onse::domain::{ledger::Act, outcome::Outcome, plan::State};

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
