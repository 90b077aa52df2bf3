use super::*;
use crate::domain::{
    flags::{Check, Flag},
    ledger::Stamp,
    plan::{Facility, State, sample},
    returned::mark_of,
};

mod reasons;

const REVIEW: &str = "0f";

fn stamp() -> Stamp {
    Stamp { at: "2026-07-05T09:00:00Z".to_owned(), who: "Grace".to_owned() }
}

fn cell(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

/// 4 facilities by 3 properties: (0,0) and (1,0) are STOPs, (2,0) reads `(0?)`, (3,0) is a REVIEW; `dhis_p1` has an open STOP; the
/// last column holds decimals, and in (3,2) nothing differs. `more` moves values.
fn plan(more: &[(u32, u16, &str, &str)]) -> Plan {
    let mut plan = sample(4, 3, |draft| {
        for facility in 0..3 {
            draft.set(cell(facility, 2), Some("1.50"), Some("2.50"), State::Reported);
        }
        draft.set(cell(3, 2), Some("5"), Some("5.0"), State::Reported);
        draft.set(cell(2, 0), Some("61"), None, State::ZeroNotStored);
        draft.flag(cell(0, 0), Flag::new("S09", Severity::Stop, "-4"));
        draft.flag(cell(1, 0), Flag::new("S09", Severity::Stop, "-9"));
        draft.flag(cell(3, 0), Flag::new("T1", Severity::Review, "11x"));
        for (facility, property, old, new) in more {
            draft.set(cell(*facility, *property), Some(old), Some(new), State::Reported);
        }
    });
    plan.head.checks.push(Check::of_property("C5", Severity::Stop, "dhis_p1", "4.1x"));
    plan
}

/// All cells as they are exported, from row 2 on.
fn exported(plan: &Plan, ledger: &Ledger, review: &str) -> Vec<Returned> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let row = |(at, cell): (usize, Cell)| Returned {
        row: u64::try_from(at).unwrap() + 2,
        case_id: plan.facility(cell.facility).case_id.clone(),
        facility: Some(plan.facility(cell.facility).name.clone()),
        property: plan.property(cell.property).name.clone(),
        mark: mark_of(plan, ledger, review, cell),
        old: text(plan.old(cell)),
        new: text(plan.new_value(cell)),
        verdict: ledger.verdict(plan, cell).map_or("undecided", Verdict::name).to_owned(),
        reason: text(ledger.reason(cell)),
    };
    plan.cells().enumerate().map(row).collect()
}

/// An export with these verdicts and reasons written into it.
fn filled(plan: &Plan, ledger: &Ledger, said: &[(u32, u16, &str, &str)]) -> Vec<Returned> {
    let mut rows = exported(plan, ledger, REVIEW);
    for (facility, property, verdict, reason) in said {
        let row = &mut rows[plan.at(cell(*facility, *property))];
        (row.verdict, row.reason) = ((*verdict).to_owned(), (*reason).to_owned());
    }
    rows
}

fn judged(plan: &Plan, ledger: &Ledger, rows: &[Returned]) -> Judged {
    judge(plan, ledger, REVIEW, rows).unwrap()
}

/// The one refusal of a plan nobody decided on, when this is written into its export.
fn refusal(said: (u32, u16, &str, &str)) -> Refused {
    let plan = plan(&[]);
    let ledger = Ledger::new(&plan);
    let mut judged = judged(&plan, &ledger, &filled(&plan, &ledger, &[said]));
    assert_eq!((judged.rows.len(), judged.refused.len()), (0, 1), "{said:?} {judged:?}");
    judged.refused.remove(0)
}

#[test]
fn what_was_written_is_taken_and_nothing_else_is_touched() {
    let plan = plan(&[]);
    let ledger = Ledger::new(&plan);
    assert_eq!(
        judged(&plan, &ledger, &exported(&plan, &ledger, REVIEW)),
        Judged { unchanged: 12, ..Judged::default() }
    );
    let said = [
        (0, 0, " Approve ", "negative by correction"),
        (0, 1, "approve", "as the form was new"),
        (0, 2, "APPROVED", ""),
        (1, 2, "reject", "twice in the register"),
        (2, 0, "zero", ""),
        (2, 2, "", ""),
        (3, 0, "approve", ""),
        (3, 1, "undecided", "asked the district"),
    ];
    let judged = judged(&plan, &ledger, &filled(&plan, &ledger, &said));
    let own = |text: &str| Some(text.to_owned());
    let row = |facility, property, act, reason| Row { cell: cell(facility, property), act, reason };
    assert_eq!(
        judged.rows,
        [
            row(0, 0, Act::Approve, own("negative by correction")),
            row(0, 1, Act::Approve, own("as the form was new")),
            row(0, 2, Act::Approve, None),
            row(1, 2, Act::Reject, own("twice in the register")),
            row(2, 0, Act::Zero, None),
            row(3, 0, Act::Approve, None),
        ]
    );
    assert_eq!((judged.refused, judged.unchanged, judged.unsaid), (vec![], 6, 1));
    let mut ledger = ledger;
    ledger.import(&plan, judged.rows, "", &stamp()).unwrap();
    assert_eq!((ledger.all().approved, ledger.all().zeros, ledger.all().rejected), (4, 1, 1));
}

#[test]
fn a_row_that_cannot_be_taken_says_why_and_what_to_do() {
    for (said, words, stop) in [
        ((0, 2, "yes", ""), "\"yes\" is no verdict: write approve, zero, reject or undecided", false),
        ((0, 2, "ok \u{1b}[2J", ""), "\"ok <1B>[2J\" is no verdict", false),
        ((0, 0, "approve", ""), "a STOP (S09: -4) is approved with its own reason of at least 3 characters", true),
        ((0, 0, "approve", " ok "), "a STOP (S09: -4)", true),
        ((0, 1, "approve", ""), "dhis_p1 has an open STOP (C5: 4.1x): approve it with its own reason", true),
        ((0, 1, "approve", ""), "onse decide FILE --where prop:dhis_p1 --settle --reason TEXT", true),
        ((2, 0, "approve", ""), "it reads (0?)", false),
        ((0, 2, "zero", ""), "zero is for what reads (0?)", false),
        ((3, 2, "approve", ""), "nothing to decide", false),
        ((3, 2, "zero", ""), "nothing to decide", false),
    ] {
        let refused = refusal(said);
        assert!(refused.why.contains(words), "{refused:?}");
        assert_eq!(refused.stop, stop, "{refused:?}");
        assert_eq!(refused.facility, Some(format!("Facility {}", said.0)));
        assert_eq!(refused.row, u64::from(said.0) * 3 + u64::from(said.1) + 2);
    }
}

#[test]
fn f13_an_export_of_another_review_is_refused_whole() {
    let plan = plan(&[]);
    let ledger = Ledger::new(&plan);
    let mut rows = exported(&plan, &ledger, "another");
    for row in &mut rows {
        "approve".clone_into(&mut row.verdict);
    }
    let error = judge(&plan, &ledger, REVIEW, &rows).unwrap_err();
    assert!(error.starts_with("it was exported from another review"), "{error}");
    // One row of this review among them, and each is looked at.
    rows[2] = filled(&plan, &ledger, &[(0, 2, "approve", "")]).remove(2);
    let judged = judged(&plan, &ledger, &rows);
    assert_eq!((judged.rows.len(), judged.refused.len()), (1, 11));
    let words = "its mark is not of this value of this review: export again and write the verdict there";
    assert!(judged.refused.iter().all(|refused| refused.why == words));
    assert_eq!(judge(&plan, &ledger, REVIEW, &[]), Ok(Judged::default()), "an empty one asks for nothing");
}

#[test]
fn a_value_that_moved_since_is_refused_and_named() {
    let first = plan(&[]);
    let ledger = Ledger::new(&first);
    let said = [(0, 2, "approve", ""), (1, 2, "approve", ""), (2, 2, "approve", ""), (3, 0, "reject", "")];
    let rows = filled(&first, &ledger, &said);
    let second = plan(&[(0, 2, "1.75", "2.50"), (1, 2, "1.50", "2.60"), (3, 0, "1", "2")]);
    let ledger = Ledger::new(&second);
    let found = judged(&second, &ledger, &rows);
    let why: Vec<&str> = found.refused.iter().map(|refused| refused.why.as_str()).collect();
    assert!(
        why[0].starts_with("old reads \"1.50\" in the spreadsheet, and the case holds \"1.75\" now. It moved"),
        "{why:?}"
    );
    assert!(
        why[1].starts_with("new reads \"2.50\" in the spreadsheet, and DHIS2 holds \"2.60\" now. It moved"),
        "{why:?}"
    );
    assert!(why[2].contains("old reads \"300\"") && why[2].contains("; new reads \"301\""), "{why:?}");
    assert_eq!((why.len(), found.rows.len()), (3, 1));
    // Moved, and a spreadsheet wrote its numbers in its own way: it is still of this review.
    let mut rows = rows;
    rows[2].old = "1,5".to_owned();
    rows.truncate(3);
    let why = &judged(&second, &ledger, &rows).refused[0].why;
    assert!(why.contains("old reads \"1,5\""), "{why}");
}

#[test]
fn a_value_that_was_changed_in_the_spreadsheet_is_never_written() {
    let plan = plan(&[]);
    let ledger = Ledger::new(&plan);
    let with = |old: &str, new: &str| {
        let mut rows = filled(&plan, &ledger, &[(0, 2, "approve", "")]);
        (rows[2].old, rows[2].new) = (old.to_owned(), new.to_owned());
        judged(&plan, &ledger, &rows)
    };
    for (old, new) in [("1.5", "2.5"), ("1,5", "2,50"), ("'1.50", " 2.50 "), ("1.50", "'2.5"), ("1.50", "25E-1")] {
        assert_eq!((with(old, new).rows.len(), with(old, new).refused), (1, vec![]), "{old} {new}");
    }
    for (old, new, words) in [
        (
            "1.50",
            "250",
            "new reads \"250\" in the spreadsheet, and DHIS2 holds \"2.50\" now. onse writes only what DHIS2 holds",
        ),
        ("15", "2.50", "old reads \"15\" in the spreadsheet, and the case holds \"1.50\" now"),
        ("1.50", "", "new reads nothing"),
        ("1.50", "2,500.0", "new reads"),
    ] {
        let refused = with(old, new).refused;
        assert!(refused.len() == 1 && refused[0].why.contains(words), "{refused:?}");
    }
    let zero = |new: &str| {
        let mut rows = filled(&plan, &ledger, &[(2, 0, "zero", "")]);
        rows[6].new = new.to_owned();
        judged(&plan, &ledger, &rows).rows.len()
    };
    assert_eq!(["", "0", "(0?)", "7"].map(zero), [1, 1, 1, 0]);
}

#[test]
fn what_nobody_touched_is_not_decided_again() {
    let plan = plan(&[]);
    let mut ledger = Ledger::new(&plan);
    let approved = [cell(0, 2), cell(1, 2)];
    ledger.decide(&plan, Act::Approve, approved, Some("seen"), "", &stamp()).unwrap();
    let rows = exported(&plan, &ledger, REVIEW);
    ledger.undo(&plan, &stamp()).unwrap();
    ledger.decide(&plan, Act::Reject, [cell(0, 2)], None, "", &stamp()).unwrap();
    ledger.decide(&plan, Act::Approve, [cell(3, 0)], None, "", &stamp()).unwrap();
    assert_eq!(judged(&plan, &ledger, &rows), Judged { unchanged: 12, ..Judged::default() });
    // What was decided on both sides, and not alike, is a person's to settle.
    let mut rows = rows;
    "undecided".clone_into(&mut rows[2].verdict);
    "reject".clone_into(&mut rows[9].verdict);
    let why: Vec<String> = judged(&plan, &ledger, &rows).refused.into_iter().map(|refused| refused.why).collect();
    assert_eq!(why.len(), 2);
    assert!(why[0].starts_with("it was approved when it was exported and is rejected now"), "{why:?}");
    assert!(why[1].starts_with("it was undecided when it was exported and is approved now"), "{why:?}");
    // Alike is nothing to do. A mark without the verdict is of what stands.
    "approve".clone_into(&mut rows[9].verdict);
    "reject".clone_into(&mut rows[2].verdict);
    assert_eq!(judged(&plan, &ledger, &rows).unchanged, 12);
    rows[5].mark.truncate(LETTERS);
    assert_eq!(
        judged(&plan, &ledger, &rows).rows,
        [Row { cell: cell(1, 2), act: Act::Approve, reason: Some("seen".to_owned()) }]
    );
}

#[test]
fn what_was_sent_stays() {
    let plan = plan(&[]);
    let mut ledger = Ledger::new(&plan);
    ledger.decide(&plan, Act::Approve, [cell(0, 2)], None, "", &stamp()).unwrap();
    ledger.set_sent([cell(0, 2)]);
    let found = |verdict| judged(&plan, &ledger, &filled(&plan, &ledger, &[(0, 2, verdict, "")]));
    assert_eq!(found("approve").unchanged, 12);
    assert!(found("reject").refused[0].why.starts_with("it was sent already"));
}

#[test]
fn rows_that_say_different_things_of_one_value_are_refused() {
    let plan = plan(&[]);
    let ledger = Ledger::new(&plan);
    let two = |verdict: &str, reason: &str| {
        let mut rows = filled(&plan, &ledger, &[(0, 2, "approve", "")]);
        let more = Returned { row: 99, verdict: verdict.to_owned(), reason: reason.to_owned(), ..rows[2].clone() };
        rows.push(more);
        judged(&plan, &ledger, &rows)
    };
    assert_eq!((two("approve", "").rows.len(), two("", "").rows.len()), (1, 1));
    for (verdict, reason, rows) in [("reject", "", 2), ("approve", "seen", 2), ("undecided", "", 1), ("maybe", "", 2)] {
        let found = two(verdict, reason);
        assert_eq!((found.rows.len(), found.refused.len()), (0, rows), "{verdict} {reason}");
        assert!(found.refused[0].why.starts_with("rows 4, 99 are of the same value"), "{found:?}");
    }
}

#[test]
fn a_row_of_nothing_in_the_review_is_refused() {
    let plan = plan(&[]);
    let ledger = Ledger::new(&plan);
    let mut rows = filled(&plan, &ledger, &[(0, 2, "approve", ""), (1, 2, "approve", ""), (2, 2, "approve", "")]);
    rows[2].case_id = "case77".to_owned();
    rows[5].property = "dhis_p9\u{1b}".to_owned();
    rows[8].mark = "äää".to_owned();
    let refused = judged(&plan, &ledger, &rows).refused;
    assert_eq!(refused[0].why, "the review has no facility with the case id \"case77\"");
    assert_eq!(refused[0].facility, None);
    assert_eq!(refused[1].why, "the review has no property \"dhis_p9<1B>\"");
    assert!(refused[2].why.starts_with("its mark is not of this value"), "{refused:?}");
    // Nothing was asked of them.
    for row in &mut rows {
        row.verdict.clear();
    }
    assert_eq!(judged(&plan, &ledger, &rows).refused, []);
}

#[test]
fn a_verdict_that_was_emptied_is_asked_after() {
    let plan = plan(&[]);
    let mut ledger = Ledger::new(&plan);
    ledger.decide(&plan, Act::Approve, [cell(0, 2)], None, "", &stamp()).unwrap();
    ledger.decide(&plan, Act::Reject, [cell(1, 2)], None, "", &stamp()).unwrap();
    ledger.decide(&plan, Act::Approve, [cell(2, 2)], None, "", &stamp()).unwrap();
    ledger.decide(&plan, Act::Zero, [cell(2, 0)], None, "", &stamp()).unwrap();
    let mut rows = exported(&plan, &ledger, REVIEW);
    for row in &mut rows {
        " ".clone_into(&mut row.verdict);
    }
    ledger.set_sent([cell(2, 2)]);
    let found = judged(&plan, &ledger, &rows);
    let why: Vec<&str> = found.refused.iter().map(|refused| refused.why.as_str()).collect();
    assert_eq!(
        why,
        [
            "it was approved and is empty now: write undecided or reject, or approve to leave it as it was",
            "it was rejected and is empty now: write undecided, or reject to leave it as it was",
            "it was approved as zero and is empty now: write undecided or reject, or zero to leave it as it was",
            SENT,
        ]
    );
    assert_eq!((found.rows.len(), found.unchanged), (0, 8));
    // A mark of an older release without a letter for it, and a verdict that was taken back since, ask for nothing.
    rows[2].mark.truncate(LETTERS);
    ledger.decide(&plan, Act::Clear, [cell(1, 2), cell(2, 0)], None, "", &stamp()).unwrap();
    assert_eq!(judged(&plan, &ledger, &rows).refused.len(), 1);
}

#[test]
fn the_name_a_person_knows_a_row_by_is_that_of_its_case() {
    let plan = sample(1, 1, |_| {});
    let named = |name: &str, sheet: Option<&str>| {
        let facility = Facility { name: name.to_owned(), ..plan.facility(0).clone() };
        let mut draft = Plan::draft(plan.head.clone(), vec![facility], plan.properties().to_vec());
        draft.set(cell(0, 0), Some("1"), Some("2"), State::Reported);
        let plan = draft.finish();
        let ledger = Ledger::new(&plan);
        let mut rows = filled(&plan, &ledger, &[(0, 0, "approve", "")]);
        rows[0].facility = sheet.map(str::to_owned);
        let found = judged(&plan, &ledger, &rows);
        assert_eq!(found.rows.len() + found.refused.len(), 1);
        found.refused.first().map(|refused| refused.why.clone())
    };
    for (name, sheet) in [
        ("Area 25", Some("Area 25")),
        ("Area 25 ", Some(" Area 25")),
        ("=cmd", Some("'=cmd")),
        ("\tb\u{1b}", Some("<9>b<1B>")),
        ("1.50", Some("1.5")),
        ("Mŵanza", Some("M?anza")),
        ("Area 25", None),
    ] {
        assert_eq!(named(name, sheet), None, "{name} {sheet:?}");
    }
    for (name, sheet) in [("Area 25", "Area 26"), ("Area 25", ""), ("Area 25", "?rea 25"), ("Mŵanza", "M??nza")] {
        let why = named(name, Some(sheet)).unwrap();
        let words =
            format!("facility reads \"{sheet}\" in the spreadsheet, and its case is of \"{name}\". The columns");
        assert!(why.starts_with(&words), "{why}");
    }
}

#[test]
fn what_is_taken_and_refused_comes_in_order_whatever_the_order_of_the_sheet() {
    let plan = plan(&[]);
    let ledger = Ledger::new(&plan);
    let said =
        [(0, 0, "approve", ""), (0, 2, "yes", ""), (1, 0, "approve", ""), (1, 2, "reject", ""), (2, 2, "approve", "")];
    let mut rows = filled(&plan, &ledger, &said);
    rows.reverse();
    let found = judged(&plan, &ledger, &rows);
    assert_eq!(found.rows.iter().map(|row| row.cell).collect::<Vec<_>>(), [cell(1, 2), cell(2, 2)]);
    assert_eq!(found.refused.iter().map(|refused| refused.row).collect::<Vec<_>>(), [2, 4, 5]);
}

#[test]
fn a_value_that_was_absent_and_moved_since_is_told_from_one_of_another_review() {
    let with = |old: Option<&str>, new: Option<&str>, state| {
        let mut plan = plan(&[]);
        let mut draft = Plan::draft(plan.head.clone(), plan.facilities().to_vec(), plan.properties().to_vec());
        draft.set(cell(0, 2), old, new, state);
        plan = draft.finish();
        plan
    };
    let why = |first: &Plan, second: &Plan, verdict: &str, edited: Option<&str>| {
        let mut rows = filled(first, &Ledger::new(first), &[(0, 2, verdict, "")]);
        if let Some(new) = edited {
            new.clone_into(&mut rows[2].new);
        }
        // Alone, so that a mark that is not known would refuse the whole sheet.
        let found = judge(second, &Ledger::new(second), REVIEW, &rows[2..3]);
        found.map(|found| found.refused[0].why.clone())
    };
    let none = with(None, Some("2"), State::Reported);
    let some = with(Some("1"), Some("2"), State::Reported);
    let moved = why(&none, &some, "approve", None).unwrap();
    assert!(
        moved.starts_with("old reads nothing in the spreadsheet, and the case holds \"1\" now. It moved"),
        "{moved}"
    );
    let moved = why(&some, &none, "approve", None).unwrap();
    assert!(
        moved.starts_with("old reads \"1\" in the spreadsheet, and the case holds no value now. It moved"),
        "{moved}"
    );
    let zero = with(Some("61"), None, State::ZeroNotStored);
    let came = with(Some("61"), Some("70"), State::Reported);
    let moved = why(&zero, &came, "zero", None).unwrap();
    assert!(moved.starts_with("new reads nothing in the spreadsheet, and DHIS2 holds \"70\" now. It moved"), "{moved}");
    // Written over in the spreadsheet, it is no value that this review ever had.
    assert!(why(&zero, &came, "zero", Some("7")).unwrap_err().starts_with("it was exported from another review"));
}

#[test]
fn a_value_is_known_as_it_is_kept_and_as_it_is_shown() {
    for (sheet, value) in [
        ("a\u{1b}b", "a\u{1b}b"),
        ("a<1B>b", "a\u{1b}b"),
        ("a<1B>b", "\ta\u{1b}b"),
        ("<9>a<1B>b", "\ta\u{1b}b"),
        ("a\u{1b}b", "\ta\u{1b}b"),
        ("'<9>5", "\t5"),
    ] {
        assert!(reads(sheet, Some(value)), "{sheet:?} {value:?}");
    }
    for (sheet, value) in [("a<1B>", "a\u{1b}b"), ("<9>a", "a"), ("", "0"), ("0", "")] {
        assert!(!reads(sheet, Some(value)), "{sheet:?} {value:?}");
    }
    assert!(reads(" ", None) && !reads("0", None));
}
