use proptest::prelude::*;

use super::*;
use crate::domain::{
    flags::{Check, Flag},
    plan::{State, sample},
};

fn stamp() -> Stamp {
    Stamp { at: "2026-07-05T09:00:00Z".to_owned(), who: "Grace".to_owned() }
}

fn cell(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

fn row(facility: u32, property: u16, act: Act, reason: &str) -> Row {
    Row { cell: cell(facility, property), act, reason: (!reason.is_empty()).then(|| reason.to_owned()) }
}

/// Rows of any kind on 4 facilities by 3 properties.
pub(in crate::domain::ledger) fn rows() -> impl Strategy<Value = Vec<Row>> {
    let act = prop_oneof![4 => Just(Act::Approve), 1 => Just(Act::Zero), 2 => Just(Act::Reject), 1 => Just(Act::Clear)];
    let reason = prop_oneof![Just(""), Just("ok"), Just("counted twice"), Just("new wing"), Just("seen the register")];
    let row = (0..4_u32, 0..3_u16, act, reason).prop_map(|(f, p, act, reason)| row(f, p, act, reason));
    prop::collection::vec(row, 1..8)
}

/// Imports those of these rows that can be taken.
pub(in crate::domain::ledger) fn import(plan: &Plan, ledger: &mut Ledger, rows: &[Row]) -> Result<Entry, String> {
    let by_cell: BTreeMap<Cell, &Row> = rows.iter().map(|row| (row.cell, row)).collect();
    let fits = |row: &&Row| row.act.fits(plan, row.cell) && !ledger.is_sent(row.cell);
    let mut left: Vec<&Row> = by_cell.into_values().filter(fits).collect();
    left.retain(|row| ledger.is_changed_by(plan, row));
    let missing = ledger.unreasoned(plan, &left);
    left.retain(|row| !missing.contains_key(&row.cell));
    let label = format!("{} verdicts from a.csv", left.len());
    ledger.import(plan, left.into_iter().cloned().collect(), &label, &stamp())
}

/// 3 facilities by 3 properties; (0,0) and (1,0) are STOPs, (2,0) reads `(0?)`; `dhis_p1` has an open STOP.
fn plan() -> Plan {
    let mut plan = sample(3, 3, |draft| {
        draft.set(cell(2, 0), Some("61"), None, State::ZeroNotStored);
        draft.flag(cell(0, 0), Flag::new("S09", Severity::Stop, "-4"));
        draft.flag(cell(1, 0), Flag::new("S09", Severity::Stop, "-9"));
    });
    plan.head.checks.push(Check::of_property("C5", Severity::Stop, "dhis_p1", "4.1x"));
    plan
}

#[test]
fn many_verdicts_are_one_entry_and_one_undo() {
    let plan = plan();
    let mut ledger = Ledger::new(&plan);
    let mut log = vec![ledger.decide(&plan, Act::Reject, [cell(2, 2)], Some("odd"), "one", &stamp()).unwrap()];
    let rows = vec![
        row(2, 2, Act::Clear, ""),
        row(0, 0, Act::Approve, " negative by correction "),
        row(2, 0, Act::Zero, ""),
        row(1, 2, Act::Reject, "twice in the register"),
        row(0, 2, Act::Approve, ""),
    ];
    log.push(ledger.import(&plan, rows, "5 verdicts from a.csv", &stamp()).unwrap());
    let Step::Import { rows, label } = &log[1].step else { panic!("{log:?}") };
    assert_eq!((rows[0].reason.as_deref(), rows.len()), (Some("negative by correction"), 5));
    assert!(rows.is_sorted_by_key(|row| row.cell) && label == "5 verdicts from a.csv");
    let counts = |ledger: &Ledger| (ledger.all().approved, ledger.all().zeros, ledger.all().rejected);
    assert_eq!(counts(&ledger), (2, 1, 1));
    assert_eq!(ledger.verdict(&plan, cell(2, 2)), None);
    let reasons = |ledger: &Ledger| {
        let of = |cell: Cell| ledger.reason(cell).map(str::to_owned);
        [of(cell(0, 0)), of(cell(1, 2)), of(cell(2, 2))]
    };
    let own = |text: &str| Some(text.to_owned());
    assert_eq!(reasons(&ledger), [own("negative by correction"), own("twice in the register"), None]);
    assert_eq!(ledger.last_done().unwrap(), "imported 5 verdicts from a.csv");
    log.push(ledger.undo(&plan, &stamp()).unwrap());
    assert_eq!((counts(&ledger), reasons(&ledger)), ((0, 0, 1), [None, None, own("odd")]));
    log.push(ledger.redo(&plan, &stamp()).unwrap());
    assert_eq!((counts(&ledger), reasons(&ledger)[0].is_some()), ((2, 1, 1), true));
    let again = Ledger::replay(&plan, &log).unwrap();
    assert_eq!((counts(&again), again.last_done()), (counts(&ledger), ledger.last_done()));
    assert_eq!(super::super::deciders(&log).len(), 5, "each counts as decided by a person");
}

#[test]
fn an_approval_that_needs_a_reason_has_one_of_its_own() {
    let plan = plan();
    let blocked = Ledger::new(&plan).blocked(&plan);
    let missing = |rows: &[Row]| unreasoned(&plan, &blocked, &rows.iter().collect::<Vec<_>>(), &[]);
    let approve = |f, p, reason| row(f, p, Act::Approve, reason);
    assert_eq!(
        missing(&[approve(0, 0, "ok"), approve(0, 1, ""), approve(0, 2, "")]),
        [(cell(0, 0), Missing::Stop), (cell(0, 1), Missing::Property)].into()
    );
    assert_eq!(missing(&[row(0, 0, Act::Reject, ""), row(0, 1, Act::Clear, "")]), BTreeMap::new());
    // Filled down: neither case nor signs make it another reason.
    let filled = [approve(0, 0, "Checked."), approve(1, 0, " checked "), approve(2, 1, "CHECKED!")];
    assert_eq!(missing(&filled).into_values().collect::<Vec<_>>(), [Missing::Own(3); 3]);
    assert_eq!(missing(&[approve(0, 0, "checked"), approve(0, 1, "checked")]), BTreeMap::new(), "one facility");
    assert_eq!(missing(&[approve(0, 0, "checked"), approve(1, 0, "recounted")]), BTreeMap::new());
    assert_eq!(
        missing(&[approve(0, 0, "checked"), approve(1, 2, "checked")]),
        BTreeMap::new(),
        "asked for on one only"
    );
    assert_eq!(missing(&[approve(0, 0, "???"), approve(1, 0, "!!!")]), BTreeMap::new());
    for (one, other) in [("checked 1", "checked 2"), ("1st visit", "2 st visit"), ("101", "102")] {
        assert_eq!(missing(&[approve(0, 0, one), approve(1, 0, other)]).len(), 2, "filled down: {one}");
    }
}

#[test]
fn all_rows_are_taken_or_none() {
    let plan = plan();
    let mut ledger = Ledger::new(&plan);
    ledger.decide(&plan, Act::Approve, [cell(0, 2)], Some("seen"), "one", &stamp()).unwrap();
    ledger.decide(&plan, Act::Approve, [cell(2, 2)], None, "one", &stamp()).unwrap();
    ledger.set_sent([cell(2, 2)]);
    let good = row(1, 2, Act::Approve, "");
    for (bad, why) in [
        (row(2, 0, Act::Approve, ""), "dhis_p0 of Facility 2, where it cannot be decided so"),
        (row(1, 2, Act::Zero, ""), "twice or out of order"),
        (row(0, 2, Act::Zero, ""), "cannot be decided so"),
        (row(0, 0, Act::Approve, "no"), "a reason of its own"),
        (row(0, 1, Act::Approve, ""), "a reason of its own"),
        (row(2, 2, Act::Reject, ""), "was sent"),
        (row(0, 2, Act::Approve, ""), "changes nothing on dhis_p2 of Facility 0"),
        (row(0, 2, Act::Approve, " seen "), "changes nothing"),
        (row(1, 1, Act::Clear, "why"), "changes nothing"),
    ] {
        let error = ledger.import(&plan, vec![good.clone(), bad.clone()], "", &stamp()).unwrap_err();
        assert!(error.contains(why), "{bad:?}: {error}");
    }
    assert!(ledger.import(&plan, Vec::new(), "", &stamp()).is_err());
    assert_eq!(ledger.all().approved, 2);
    // Another reason for what is so already is one thing to be taken.
    ledger.import(&plan, vec![row(0, 2, Act::Approve, "recounted")], "", &stamp()).unwrap();
    assert_eq!(ledger.reason(cell(0, 2)), Some("recounted"));
    ledger.undo(&plan, &stamp()).unwrap();
    assert_eq!((ledger.reason(cell(0, 2)), ledger.all().approved), (Some("seen"), 2));
}

#[test]
fn a_log_with_an_import_that_could_not_have_been_is_refused() {
    let plan = plan();
    let replay = |rows: Vec<Row>| {
        let step = Step::Import { rows, label: String::new() };
        Ledger::replay(&plan, &[Entry { seq: 1, at: String::new(), who: String::new(), step }])
    };
    for (rows, why) in [
        (vec![], "imports nothing"),
        (vec![row(9, 0, Act::Reject, "")], "does not exist"),
        (vec![row(0, 2, Act::Reject, ""), row(0, 1, Act::Reject, "")], "out of order"),
        (vec![row(0, 2, Act::Reject, ""), row(0, 2, Act::Approve, "")], "twice"),
        (vec![row(2, 0, Act::Approve, "")], "dhis_p0 of Facility 2"),
        (vec![row(0, 0, Act::Approve, "")], "a reason of its own"),
        (vec![row(0, 1, Act::Approve, "")], "dhis_p1 of Facility 0"),
        (vec![row(0, 0, Act::Approve, "fine so"), row(1, 0, Act::Approve, "Fine, so")], "dhis_p0 of Facility 1"),
    ] {
        let error = replay(rows).unwrap_err();
        assert!(error.contains("entry 1 ") && error.contains(why) && error.contains("edited"), "{error}");
    }
    assert_eq!(replay(vec![row(0, 0, Act::Approve, "fine so")]).unwrap().all().approved, 1);
}

#[test]
fn a_newer_reading_takes_away_what_could_not_be_imported_on_it() {
    let plain = |more: &[Cell], checks: &[u16]| {
        let mut plan = sample(4, 3, |draft| {
            for cell in more {
                draft.flag(*cell, Flag::new("S09", Severity::Stop, "-4"));
            }
        });
        let check = |p: &u16| Check::of_property("C5", Severity::Stop, &format!("dhis_p{p}"), "4.1x");
        plan.head.checks.extend(checks.iter().map(check));
        plan
    };
    let first = plain(&[], &[]);
    let mut ledger = Ledger::new(&first);
    let approve = |f, p, reason| row(f, p, Act::Approve, reason);
    let rows = vec![
        approve(0, 0, ""),
        approve(1, 0, "new wing"),
        approve(2, 0, "counted twice"),
        approve(3, 0, "Counted twice"),
        approve(0, 1, ""),
        approve(1, 1, "seen the register"),
        row(2, 1, Act::Reject, ""),
        approve(0, 2, ""),
    ];
    let log = vec![ledger.import(&first, rows, "", &stamp()).unwrap()];
    let second = plain(&[cell(0, 0), cell(1, 0), cell(2, 0), cell(3, 0)], &[1]);
    let reset = ledger.reset(&log, &first, &second, &stamp()).unwrap();
    let Step::Reset(gone) = &reset.step else { panic!("{reset:?}") };
    let gone: Vec<Cell> = gone.iter().map(|reset| reset.cell).collect();
    assert_eq!(gone, [cell(0, 0), cell(0, 1), cell(2, 0), cell(3, 0)], "without a reason, or with one filled down");
    let log = [log, vec![reset]].concat();
    let mut again = Ledger::replay(&second, &log).unwrap();
    assert_eq!((again.all().approved, again.all().rejected), (3, 1));
    assert_eq!(again.verdict(&second, cell(1, 0)), Some(Verdict::Approve));
    again.undo(&second, &stamp()).unwrap();
    assert_eq!(again.all().decided(), 0);
    assert!(again.redo(&second, &stamp()).is_ok() && again.all().decided() == 4);
}

#[test]
fn what_is_forgotten_of_an_import_leaves_each_other_row_its_own_verdict() {
    let plan = sample(3, 1, |_| {});
    let mut ledger = Ledger::new(&plan);
    let rows = vec![row(0, 0, Act::Approve, "a"), row(1, 0, Act::Reject, "b"), row(2, 0, Act::Approve, "c")];
    let mut log = vec![ledger.import(&plan, rows, "", &stamp()).unwrap()];
    log.extend(ledger.forget(&plan, [cell(0, 0)], &stamp()));
    log.push(ledger.undo(&plan, &stamp()).unwrap());
    log.push(ledger.redo(&plan, &stamp()).unwrap());
    for ledger in [&ledger, &Ledger::replay(&plan, &log).unwrap()] {
        let said: Vec<_> = plan.cells().map(|cell| (ledger.verdict(&plan, cell), ledger.reason(cell))).collect();
        assert_eq!(said, [(None, None), (Some(Verdict::Reject), Some("b")), (Some(Verdict::Approve), Some("c"))]);
    }
}

#[test]
fn a_row_leaves_no_empty_reason_and_what_is_cleared_has_none() {
    let plan = plan();
    let mut ledger = Ledger::new(&plan);
    ledger.decide(&plan, Act::Approve, [cell(0, 2), cell(1, 2)], Some("seen"), "one", &stamp()).unwrap();
    let rows = vec![row(0, 2, Act::Reject, "  "), row(1, 2, Act::Clear, "not plausible")];
    let entry = ledger.import(&plan, rows, "", &stamp()).unwrap();
    let Step::Import { rows, .. } = entry.step else { panic!("{entry:?}") };
    assert_eq!(rows, [row(0, 2, Act::Reject, ""), row(1, 2, Act::Clear, "")], "nor is one written down");
    assert_eq!([ledger.reason(cell(0, 2)), ledger.reason(cell(1, 2))], [None, None]);
    for (row, changed) in [
        (row(0, 2, Act::Reject, " "), false),
        (row(0, 2, Act::Reject, "odd"), true),
        (row(1, 2, Act::Clear, "odd"), false),
        (row(1, 2, Act::Reject, ""), true),
    ] {
        assert_eq!(ledger.is_changed_by(&plan, &row), changed, "{row:?}");
    }
    ledger.import(&plan, vec![row(0, 2, Act::Reject, "odd")], "", &stamp()).unwrap();
    assert!(
        !ledger.is_changed_by(&plan, &row(0, 2, Act::Reject, "")),
        "a row without a reason leaves the one there is"
    );
    assert!(!ledger.is_changed_by(&plan, &row(0, 2, Act::Reject, "  ")));
}

#[test]
fn only_a_reason_that_stands_for_another_stop_is_used_up() {
    let plan = plan();
    let mut ledger = Ledger::new(&plan);
    let missing = |ledger: &Ledger, rows: &[Row]| ledger.unreasoned(&plan, &rows.iter().collect::<Vec<_>>());
    let approve = |f, p, reason| row(f, p, Act::Approve, reason);
    // Words that something was rejected with, or that a value has of which none was asked, are no reason given before.
    ledger.decide(&plan, Act::Reject, [cell(0, 0)], Some("checked"), "one", &stamp()).unwrap();
    ledger.decide(&plan, Act::Approve, [cell(0, 2)], Some("checked"), "one", &stamp()).unwrap();
    assert_eq!(missing(&ledger, &[approve(1, 0, "checked")]), BTreeMap::new());
    // Those of a STOP that was approved are, and those of a value of a property with an open STOP.
    ledger.import(&plan, vec![approve(0, 0, "Checked 2"), approve(0, 1, "seen it")], "", &stamp()).unwrap();
    assert_eq!(missing(&ledger, &[approve(1, 0, "checked")]), [(cell(1, 0), Missing::Own(2))].into());
    assert_eq!(missing(&ledger, &[approve(1, 0, "seen it")]), [(cell(1, 0), Missing::Own(2))].into());
    // Until another takes its place in the same rows.
    let rows = [approve(0, 0, "recounted"), approve(1, 0, "checked")];
    assert_eq!(missing(&ledger, &rows), BTreeMap::new());
    ledger.import(&plan, rows.to_vec(), "", &stamp()).unwrap();
    assert_eq!((ledger.reason(cell(0, 0)), ledger.reason(cell(1, 0))), (Some("recounted"), Some("checked")));
}

#[test]
fn an_own_reason_is_asked_for_where_a_stop_is_open() {
    let plan = plan();
    let mut ledger = Ledger::new(&plan);
    let asked = |ledger: &Ledger| plan.cells().filter(|cell| ledger.asks_own_reason(&plan, *cell)).collect::<Vec<_>>();
    assert_eq!(asked(&ledger), [cell(0, 0), cell(0, 1), cell(1, 0), cell(1, 1), cell(2, 1)]);
    ledger.settle(&plan, 1, "the form was new", &stamp()).unwrap();
    assert_eq!(asked(&ledger), [cell(0, 0), cell(1, 0)]);
}
