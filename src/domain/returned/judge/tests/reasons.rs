//! Which reasons are taken, and which are none.

use super::*;

#[test]
fn a_reason_filled_down_is_none() {
    let plan = plan(&[]);
    let ledger = Ledger::new(&plan);
    let said = [
        (0, 0, "approve", "Checked."),
        (1, 0, "approve", "checked"),
        (2, 1, "approve", "recounted"),
        (0, 2, "reject", "checked"),
    ];
    let found = judged(&plan, &ledger, &filled(&plan, &ledger, &said));
    let refused: Vec<_> = found.refused.iter().map(|refused| (refused.row, refused.stop)).collect();
    assert_eq!(refused, [(2, true), (5, true)]);
    assert!(found.refused.iter().all(|refused| refused.why.contains("the same reason stands at 2 facilities")));
    assert_eq!(found.rows.iter().map(|row| row.cell).collect::<Vec<_>>(), [cell(0, 2), cell(2, 1)]);
    let one = [(0, 0, "approve", "checked"), (0, 1, "approve", "checked")];
    assert_eq!(
        judged(&plan, &ledger, &filled(&plan, &ledger, &one)).rows.len(),
        2,
        "within one facility it is one thought"
    );
}

#[test]
fn another_reason_for_the_same_verdict_is_taken() {
    let plan = plan(&[]);
    let mut ledger = Ledger::new(&plan);
    ledger.decide(&plan, Act::Approve, [cell(0, 0)], Some("seen \u{1b} it"), "", &stamp()).unwrap();
    let taken = |reason: &str| judged(&plan, &ledger, &filled(&plan, &ledger, &[(0, 0, "approve", reason)])).rows;
    assert_eq!(taken("seen <1B> it"), [], "as it was exported");
    assert_eq!(taken(""), [], "a reason taken away leaves the one there is");
    let own = Some("recounted".to_owned());
    assert_eq!(taken(" recounted "), [Row { cell: cell(0, 0), act: Act::Approve, reason: own }]);
    let short = judged(&plan, &ledger, &filled(&plan, &ledger, &[(0, 0, "approve", "ok")]));
    assert!(short.rows.is_empty() && short.refused[0].stop);
}

#[test]
fn what_it_was_rejected_for_is_no_reason_to_approve_it() {
    let plan = plan(&[]);
    let mut ledger = Ledger::new(&plan);
    ledger.decide(&plan, Act::Reject, [cell(0, 0), cell(0, 2)], Some("not plausible"), "", &stamp()).unwrap();
    let said = [(0, 0, "approve", "not plausible"), (0, 2, "approve", "not plausible")];
    let found = judged(&plan, &ledger, &filled(&plan, &ledger, &said));
    assert_eq!((found.rows.len(), found.refused.len()), (1, 1));
    assert!(found.refused[0].stop && found.refused[0].why.starts_with("a STOP (S09: -4)"), "{found:?}");
    assert_eq!(found.rows[0].reason.as_deref(), Some("not plausible"), "where none is asked for it is left");
    // Nor where it is the property that has the STOP.
    ledger.decide(&plan, Act::Reject, [cell(0, 1)], Some("not plausible"), "", &stamp()).unwrap();
    let found = judged(&plan, &ledger, &filled(&plan, &ledger, &[(0, 1, "approve", "not plausible")]));
    assert!(found.rows.is_empty() && found.refused[0].stop, "{found:?}");
}

#[test]
fn what_it_was_put_off_for_is_no_reason_to_approve_it_either() {
    let plan = plan(&[]);
    let mut ledger = Ledger::new(&plan);
    let cells = [cell(0, 0), cell(0, 2)];
    ledger.decide(&plan, Act::Reject, cells, Some("not plausible"), "", &stamp()).unwrap();
    // The reviewer takes the verdict back and leaves the reason beside it.
    let said = cells.map(|cell| (cell.facility, cell.property, "undecided", "not plausible"));
    let found = judged(&plan, &ledger, &filled(&plan, &ledger, &said));
    assert_eq!(found.rows, cells.map(|cell| Row { cell, act: Act::Clear, reason: None }));
    let said = cells.map(|cell| Row { cell, act: Act::Clear, reason: Some("not plausible".to_owned()) });
    ledger.import(&plan, said.to_vec(), "", &stamp()).unwrap();
    assert_eq!(cells.map(|cell| ledger.reason(cell)), [None, None]);
    // The next one finds an empty cell for the reason, and picks approve from the list.
    let mut rows = exported(&plan, &ledger, REVIEW);
    assert_eq!(rows[0].reason, "");
    "approve".clone_into(&mut rows[0].verdict);
    let found = judged(&plan, &ledger, &rows);
    assert!(found.rows.is_empty() && found.refused[0].stop, "{found:?}");
    // Nor do words that came along from a sheet of before, whatever reason stands since.
    ledger.decide(&plan, Act::Reject, cells, Some("not plausible"), "", &stamp()).unwrap();
    let mut rows = exported(&plan, &ledger, REVIEW);
    let other = Row { cell: cells[0], act: Act::Reject, reason: Some("below zero".to_owned()) };
    ledger.import(&plan, vec![other], "", &stamp()).unwrap();
    "approve".clone_into(&mut rows[0].verdict);
    let found = judged(&plan, &ledger, &rows);
    assert!(found.rows.is_empty() && found.refused[0].stop, "{found:?}");
}

#[test]
fn a_reason_that_stands_elsewhere_is_none_either() {
    let plan = plan(&[]);
    let mut ledger = Ledger::new(&plan);
    let first = [(0, 0, "approve", "checked 1"), (1, 0, "approve", "checked 2")];
    let found = judged(&plan, &ledger, &filled(&plan, &ledger, &first));
    assert!(found.rows.is_empty() && found.refused.len() == 2, "filled down by a spreadsheet that counts: {found:?}");
    // One at a time, with the same words.
    let one = judged(&plan, &ledger, &filled(&plan, &ledger, &first[..1])).rows;
    ledger.import(&plan, one, "", &stamp()).unwrap();
    let found = judged(&plan, &ledger, &filled(&plan, &ledger, &first));
    assert!(found.rows.is_empty(), "{found:?}");
    assert!(found.refused[0].why.starts_with("the same reason stands at 2 facilities") && found.refused[0].stop);
    let row = |facility| Row { cell: cell(facility, 0), act: Act::Approve, reason: Some("Checked 3".to_owned()) };
    assert!(ledger.clone().import(&plan, vec![row(1)], "", &stamp()).is_err());
    ledger.import(&plan, vec![row(0)], "", &stamp()).unwrap();
}

#[test]
fn an_old_sheet_that_nobody_touched_brings_no_old_reason_back() {
    let plan = plan(&[]);
    let mut ledger = Ledger::new(&plan);
    ledger.decide(&plan, Act::Approve, [cell(0, 2)], Some("seen \u{1b} it"), "", &stamp()).unwrap();
    let mut rows = exported(&plan, &ledger, REVIEW);
    rows[2].reason = "seen <1B> it".to_owned();
    let other = Row { cell: cell(0, 2), act: Act::Approve, reason: Some("recounted".to_owned()) };
    ledger.import(&plan, vec![other], "", &stamp()).unwrap();
    assert_eq!(judged(&plan, &ledger, &rows), Judged { unchanged: 12, ..Judged::default() });
    // Words of its own are taken, and so is what a mark of an older release does not tell from them.
    let taken = |rows: &[Returned]| judged(&plan, &ledger, rows).rows.len();
    rows[2].mark.truncate(LETTERS + 1);
    assert_eq!(taken(&rows), 1);
    rows[2].mark = mark_of(&plan, &ledger, REVIEW, cell(0, 2));
    assert_eq!(taken(&rows), 1);
}

#[test]
fn a_reason_goes_with_the_verdict_it_was_written_for() {
    let plan = plan(&[]);
    let mut ledger = Ledger::new(&plan);
    ledger.decide(&plan, Act::Approve, [cell(0, 2)], Some("seen \u{1b} it"), "", &stamp()).unwrap();
    let taken = |reason: &str| {
        let found = judged(&plan, &ledger, &filled(&plan, &ledger, &[(0, 2, "reject", reason)]));
        assert_eq!((found.rows.len(), found.refused.len()), (1, 0), "{found:?}");
        found.rows[0].reason.clone()
    };
    assert_eq!(taken(""), None, "one that was emptied is not brought back");
    assert_eq!(taken("seen <1B> it").as_deref(), Some("seen \u{1b} it"), "as it is kept, not as it was shown");
    assert_eq!(taken("below zero").as_deref(), Some("below zero"));
    // A mark of an older release does not tell whether the words are those it went out with: those that stand are no others.
    let mut rows = exported(&plan, &ledger, REVIEW);
    rows[2].mark.truncate(LETTERS + 1);
    for words in ["seen \u{1b} it", "seen <1B> it"] {
        words.clone_into(&mut rows[2].reason);
        assert_eq!(judged(&plan, &ledger, &rows), Judged { unchanged: 12, ..Judged::default() });
    }
}

#[test]
fn a_reason_without_a_verdict_is_told_of_only_where_there_is_none() {
    let plan = plan(&[]);
    let mut ledger = Ledger::new(&plan);
    let mut rows = filled(&plan, &ledger, &[(0, 2, "", "asked the district"), (1, 2, "undecided", "asked too")]);
    rows[0].verdict.clear();
    let counts = |ledger: &Ledger| {
        let found = judged(&plan, ledger, &rows);
        (found.rows.len(), found.refused.len(), found.unchanged, found.unsaid)
    };
    assert_eq!(counts(&ledger), (0, 0, 12, 2));
    ledger.decide(&plan, Act::Approve, [cell(0, 2), cell(1, 2)], None, "", &stamp()).unwrap();
    assert_eq!(counts(&ledger), (0, 0, 12, 0), "it was decided on screen since");
}
