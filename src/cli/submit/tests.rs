use super::*;
use crate::{
    domain::plan::{Cell, sample},
    io::store::FormCell,
    job::report::{FormLine, Held},
};

fn line(number: usize, outcome: Option<Outcome>) -> FormLine {
    FormLine {
        number,
        first: String::new(),
        last: String::new(),
        facilities: 1,
        changes: 1,
        form_id: outcome.map(|_| "id".to_owned()),
        outcome,
        answer: None,
        replaced: false,
        cells: [].into(),
    }
}

#[test]
fn the_exit_code_is_about_this_run() {
    use Outcome::{Accepted, Applied, NotApplied, Unknown};
    let plan = sample(1, 1, |_| {});
    let cell = Cell { facility: 0, property: 0 };
    let held = [Held { cell, now: None, already_set: false, moved: true, why: String::new() }];
    // Forms as they end, how many there were before, which of those were open, held cells, touched, interrupted, exit.
    let check = |outcomes: &[Option<Outcome>], forms, open: &[usize], held: &[Held], touched, stopped, exit: Exit| {
        let lines = (1..).zip(outcomes).map(|(number, outcome)| line(number, *outcome)).collect();
        let elsewhere = vec![Held { cell, now: None, already_set: true, moved: false, why: String::new() }];
        let sending = Sending { forms: lines, held: held.to_vec(), elsewhere, ..Sending::default() };
        let before = Before { plan: &plan, forms, open: open.to_vec() };
        assert_eq!(before.verdict(&sending, touched, stopped), exit, "{outcomes:?} {open:?}");
    };
    check(&[Some(Applied)], 0, &[], &[], true, false, Exit::Done);
    check(&[], 0, &[], &[], false, false, Exit::Done);
    check(&[Some(Applied), Some(Accepted)], 0, &[], &[], true, false, Exit::Partly);
    check(&[Some(Unknown)], 0, &[], &[], true, false, Exit::Partly);
    check(&[Some(NotApplied), None], 0, &[], &[], true, false, Exit::Partly);
    check(&[Some(NotApplied), None], 0, &[], &[], false, false, Exit::Failed);
    check(&[Some(NotApplied), None], 0, &[], &held, false, true, Exit::Failed);
    check(&[Some(Applied)], 0, &[], &held, true, false, Exit::Held);
    check(&[Some(Accepted)], 0, &[], &held, true, false, Exit::Partly);
    check(&[], 0, &[], &held, false, false, Exit::Held);
    check(&[None], 0, &[], &[], false, false, Exit::Failed);
    check(&[None], 0, &[], &[], false, true, Exit::Interrupted);
    check(&[Some(Applied), None], 0, &[], &[], true, true, Exit::Partly);
    // A form that was refused in an earlier run is no matter of this one; one that was open is.
    check(&[Some(NotApplied), Some(Applied)], 1, &[], &[], true, false, Exit::Done);
    check(&[Some(Unknown), None], 1, &[1], &[], true, false, Exit::Partly);
}

#[test]
fn a_refused_form_changed_nothing_and_any_other_may_have() {
    use Outcome::{Accepted, Frozen, NotApplied, Unknown};
    let plan = sample(1, 1, |_| {});
    let form = |sent| Form {
        number: 1,
        form_id: String::new(),
        generation: 1,
        frozen_at: String::new(),
        size: 0,
        cells: vec![FormCell { facility: 0, property: 0, old: Some("1".into()), new: "2".into(), since: None }],
        sent,
        answer: None,
        seen: Vec::new(),
    };
    let before = |forms, open: &[usize]| Before { plan: &plan, forms, open: open.to_vec() };
    for sent in [Accepted, Frozen, Unknown] {
        assert!(before(0, &[]).touched(&[form(sent)]), "{sent:?}");
    }
    assert!(!before(0, &[]).touched(&[form(NotApplied), form(NotApplied)]));
    assert!(!before(1, &[]).touched(&[form(Accepted)]), "an earlier run");
    assert!(before(1, &[1]).touched(&[form(Unknown)]));
}

#[test]
fn what_was_set_already_is_named_up_to_a_bound() {
    let plan = sample(30, 1, |_| {});
    let set = |facility| Held {
        cell: Cell { facility, property: 0 },
        now: None,
        already_set: true,
        moved: false,
        why: String::new(),
    };
    let sending = Sending { elsewhere: (0..23).map(set).collect(), ..Sending::default() };
    let mut out = Vec::new();
    report(&plan, &sending, &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = out.lines().filter(|line| line.starts_with("already set  ")).collect();
    assert_eq!((lines.len(), lines[20]), (21, "already set  and 3 more"), "{out}");
    assert_eq!(lines[0], format!("already set  {}", place(&plan, set(0).cell)));
    assert!(out.trim_end().ends_with("already set 23"), "{out}");
}

/// Fault matrix row H10: the result names the facility somebody worked on within the minute before its form.
#[test]
fn h10_a_facility_somebody_just_worked_on_is_named_in_the_result() {
    let plan = sample(3, 1, |_| {});
    let said = |sending: &Sending| {
        let mut out = Vec::new();
        report(&plan, sending, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let name = inert(&plan.facility(1).name).into_owned();
    let out = said(&Sending { recent: vec![1], ..Sending::default() });
    let line = format!("recent   {name}: somebody changed the case within the minute before its form");
    assert_eq!(out.lines().filter(|said| *said == line).count(), 1, "{out}");
    assert!(!said(&Sending::default()).contains("recent"));
}

/// Fault matrix row N21: what is applied, unknown and pending stands in the result, form by form and as counts.
#[test]
fn n21_what_is_applied_unknown_and_pending_is_printed() {
    let plan = sample(3, 1, |_| {});
    let outcomes = [Some(Outcome::Applied), Some(Outcome::Unknown), None];
    let forms = (1..).zip(outcomes).map(|(number, outcome)| line(number, outcome)).collect();
    let sending = Sending { forms, changes: 3, applied: 1, unknown: 1, waiting: 1, ..Sending::default() };
    let mut out = Vec::new();
    report(&plan, &sending, &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    for (number, words) in [(1, "APPLIED"), (2, "UNKNOWN"), (3, "not sent")] {
        assert!(out.contains(&format!("form {number}   {words}   ")), "{out}");
    }
    assert!(out.contains("changes  3   applied 1   ") && out.contains("   unknown 1   "), "{out}");
}
