//! `onse decide`: one decision on the changes a filter finds, by the rules of the screen (review-ux.md rule 3).

use std::io::Write as _;

use anyhow::{Context as _, Result, anyhow};

use super::{
    args,
    exit::{Exit, refused, told, usage},
    here::Here,
    out::{Out, count, say, shell},
    settle,
};
use crate::{
    domain::{
        flags::Severity,
        ledger::{Act, Ledger, is_reason},
        nearest::nearest,
        plan::{Cell, Plan},
        query::Filter,
        text::inert,
        value::grouped,
    },
    io::store::Store,
    job::{
        export::decided,
        session::{Opened, Session},
    },
};

pub(super) async fn decide(here: &Here, args: &args::Decide, out: &mut Out) -> Result<Exit> {
    let session = here.session(Store::open(&args.file)?, None);
    let done = on(&session, args, out).await;
    session.close();
    done
}

async fn on(session: &Session, args: &args::Decide, out: &mut Out) -> Result<Exit> {
    let Opened { plan, mut ledger, .. } = session.open().await?;
    if let Some(word) = args.filter.unknown_property(&plan) {
        let close = nearest(word, plan.properties().iter().map(|property| property.name.as_str()));
        let close = close.map(|close| format!(" Perhaps prop:{close} is meant.")).unwrap_or_default();
        return Err(usage(format!(
            "the review has no property with \"{}\" in its name.{close} Nothing was decided",
            inert(word)
        )));
    }
    if args.settle {
        return settle::settle(session, args, &plan, ledger, out).await;
    }
    let act = args.act();
    let Found { cells: found, other } = find(&plan, &ledger, &args.filter, act);
    let asked = Asked {
        act,
        reason: args.reason.as_deref(),
        review: args.filter.names_review(),
        one: args.filter.names_change(),
    };
    let mut chosen = choose(&plan, &ledger, &asked, &found);
    chosen.other = other;
    if !chosen.blocked.is_empty() {
        return Err(settle::refusal(&args.file, &plan, &ledger, act, &chosen.blocked));
    }
    let words =
        if args.filter.is_empty() { "in the whole review".to_owned() } else { format!("where {}", args.filter.text()) };
    if chosen.take.is_empty() {
        return nothing(&plan, act, found.len(), &chosen, &words);
    }
    let taken = number(chosen.take.len());
    let plain = act == Act::Approve && chosen.take.iter().all(|cell| plan.severity(*cell).is_none());
    // The log says what kind of approval it was, since a person looked at none of these one by one.
    let bulk = plain && !(found.len() == 1 && asked.one);
    let label = if bulk { format!("all {taken} without a flag {words}") } else { format!("{taken} {words}") };
    let entry = ledger
        .decide(&plan, act, chosen.take.iter().copied(), args.reason.as_deref(), &label, &session.stamp())
        .map_err(|why| anyhow!("{why}"))?;
    session.record(entry, &plan).await?;
    let mut report = vec![format!("{} {} {words}", act.past(), cells(act, chosen.take.len()))];
    report.extend(chosen.left(&plan, act));
    report.push(decided(&ledger.all(), ledger.sent()));
    writeln!(out, "{}", report.join("\n")).and_then(|()| out.flush()).with_context(|| {
        told(Exit::Failed, format!("the decision is in {}; it could not be told", args.file.display()))
    })?;
    let ready = ledger.to_send(&plan).count();
    if ready > 0 {
        say(&format!("nothing was sent; when all is decided: onse submit {} --write {ready}", shell(&args.file)));
    }
    Ok(Exit::Done)
}

/// The cells the filter finds for an act, and how many it finds of the other kind.
struct Found {
    cells: Vec<Cell>,
    /// Undecided cells that read `(0?)`, where those are left alone; changes, where 0 is asked for.
    other: usize,
}

/// Changes to approve, cells that read `(0?)` for a zero. To keep old values takes the latter only where the filter asks for
/// them by their state, or finds one that it names: a decision on many changes says nothing of them.
fn find(plan: &Plan, ledger: &Ledger, filter: &Filter, act: Act) -> Found {
    let (zeros, changes): (Vec<Cell>, Vec<Cell>) =
        filter.decidable(plan, ledger).partition(|cell| plan.may_be_zero(*cell));
    let named = filter.names_zero() || (filter.names_change() && changes.is_empty() && zeros.len() == 1);
    let said = |cell: &Cell| ledger.verdict(plan, *cell).is_some();
    let open = zeros.iter().filter(|cell| !said(cell)).count();
    match act {
        Act::Zero => Found { other: changes.len(), cells: zeros },
        Act::Clear => Found { cells: changes.into_iter().chain(zeros.into_iter().filter(said)).collect(), other: 0 },
        Act::Reject if named => Found { cells: changes.into_iter().chain(zeros).collect(), other: 0 },
        Act::Approve | Act::Reject => Found { cells: changes, other: open },
    }
}

/// What a person asked for.
struct Asked<'a> {
    act: Act,
    reason: Option<&'a str>,
    /// Whether REVIEW was asked for by name.
    review: bool,
    /// Whether one change was named, by facility and property.
    one: bool,
}

/// The changes found, by what a decision may take.
#[derive(Debug, Default, PartialEq, Eq)]
struct Chosen {
    /// Taken.
    take: Vec<Cell>,
    /// One that was left although nothing else was found: only its name was missing.
    unnamed: Option<Cell>,
    /// Left because of a STOP.
    stop: Vec<Cell>,
    /// Undecided and without a STOP, in a property that takes no bulk approval: with one of these nothing is decided.
    blocked: Vec<Cell>,
    /// Left because of a REVIEW that was not asked for by name.
    review: usize,
    /// Left because they are decided otherwise.
    otherwise: usize,
    /// Left because they stand in a form already.
    sent: usize,
    /// Left because they are so already.
    already: usize,
    /// Left because they are of the other kind; see [`Found`].
    other: usize,
}

/// A bulk decision takes what is undecided and, to approve, what has no flag; REVIEW where the filter asks for it by name.
/// A single change that was named is taken whatever it was, a STOP with its reason. One that a filter found alone by accident
/// is no such thing: nobody looked at it.
fn choose(plan: &Plan, ledger: &Ledger, asked: &Asked<'_>, found: &[Cell]) -> Chosen {
    let mut chosen = Chosen::default();
    let Asked { act, reason, review: names_review, one } = *asked;
    let alone = found.len() == 1 && one;
    let blocked = if act.writes() && !alone { ledger.blocked(plan) } else { Vec::new() };
    let reasoned = is_reason(reason);
    for cell in found {
        let verdict = ledger.verdict(plan, *cell);
        let severity = plan.severity(*cell).filter(|_| act.writes());
        if ledger.is_sent(*cell) {
            chosen.sent += 1;
        } else if verdict == act.verdict() {
            chosen.already += 1;
        } else if verdict.is_some() && act != Act::Clear && !alone {
            chosen.otherwise += 1;
        } else if (severity == Some(Severity::Stop) || (alone && act.writes() && ledger.asks_reason(plan, *cell)))
            && !(alone && reasoned)
        {
            chosen.stop.push(*cell);
        } else if blocked.get(usize::from(cell.property)) == Some(&true) {
            chosen.blocked.push(*cell);
        } else if severity == Some(Severity::Review) && !(alone || names_review) {
            chosen.review += 1;
        } else {
            chosen.take.push(*cell);
        }
    }
    let left = chosen.review + chosen.otherwise + chosen.stop.len() > 0;
    chosen.unnamed = found.first().copied().filter(|_| found.len() == 1 && !one && left);
    chosen
}

impl Chosen {
    /// What was left, in words.
    fn left(&self, plan: &Plan, act: Act) -> Vec<String> {
        let mut lines = Vec::new();
        let named = |cell: Cell| {
            let (case, property) = (&plan.facility(cell.facility).case_id, &plan.property(cell.property).name);
            format!("--where \"{} prop:{property}\"", inert(case))
        };
        if let Some(first) = self.stop.first() {
            lines.push(format!(
                "left: {} STOP, which are approved one at a time with a reason, each named by facility and property, such as: \
                 {} --{} --reason TEXT",
                number(self.stop.len()),
                named(*first),
                act.name(),
            ));
        }
        if self.review > 0 {
            lines.push(format!(
                "left: {} REVIEW, which are approved by asking for them: is:review",
                number(self.review)
            ));
        }
        if self.otherwise > 0 {
            lines.push(format!(
                "left: {} decided otherwise before; --clear makes them undecided",
                changes(self.otherwise)
            ));
        }
        if let Some(cell) = self.unnamed.filter(|_| self.stop.is_empty()) {
            lines.push(format!("the filter found one change by chance; to decide it alone, name it: {}", named(cell)));
        }
        if self.other > 0 && matches!(act, Act::Approve | Act::Reject) {
            lines.push(format!(
                "left: {} that read (0?): DHIS2 may not have stored a 0. --where \"state:zero_not_stored\" with --zero writes 0, \
                 with --reject keeps the old values",
                count(self.other, "cell", "cells")
            ));
        }
        if self.sent > 0 {
            lines.push(format!("left: {} sent already", changes(self.sent)));
        }
        lines
    }
}

/// Why nothing was taken.
fn nothing(plan: &Plan, act: Act, found: usize, chosen: &Chosen, words: &str) -> Result<Exit> {
    let left = chosen.left(plan, act).join("; ");
    let done = if act == Act::Zero { "decided" } else { act.past() };
    if !chosen.stop.is_empty() {
        return Err(refused(Exit::Stopped, format!("nothing was {done}: {left}")));
    }
    if !left.is_empty() {
        return Err(anyhow!("nothing was {done}: {left}"));
    }
    if act == Act::Zero && found == 0 && chosen.other > 0 {
        return Err(anyhow!("nothing was decided: 0 is for cells that read (0?), and {words} DHIS2 holds a number"));
    }
    match (found, act) {
        (0, Act::Zero) => say(&format!("no cell that reads (0?) {words}; nothing to do")),
        (0, _) => say(&format!("no change {words}; nothing to do")),
        (found, Act::Clear) => say(&format!("{} {words}: already undecided; nothing to do", changes(found))),
        (found, Act::Zero) => say(&format!("{} {words}: 0 is approved already; nothing to do", cells(act, found))),
        (found, _) => say(&format!("{} {words}: already {}; nothing to do", changes(found), act.past())),
    }
    Ok(Exit::Done)
}

fn number(n: usize) -> String {
    grouped(&n.to_string())
}

/// What an act is done to: `31 changes`, `31 cells` that are none.
fn cells(act: Act, n: usize) -> String {
    if act == Act::Zero { count(n, "cell", "cells") } else { changes(n) }
}

fn changes(n: usize) -> String {
    count(n, "change", "changes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::{Check, Flag},
        ledger::Stamp,
        plan::{State, sample},
    };

    fn cell(facility: u32, property: u16) -> Cell {
        Cell { facility, property }
    }

    fn plan() -> Plan {
        sample(2, 2, |draft| {
            draft.flag(cell(0, 0), Flag::new("S09", Severity::Stop, "below zero"));
            draft.flag(cell(0, 1), Flag::new("S11", Severity::Review, "marked"));
            draft.flag(cell(1, 0), Flag::new("S09", Severity::Stop, "below zero"));
        })
    }

    fn asked(act: Act, reason: Option<&str>) -> Asked<'_> {
        Asked { act, reason, review: false, one: false }
    }

    fn named(act: Act, reason: Option<&str>) -> Asked<'_> {
        Asked { one: true, ..asked(act, reason) }
    }

    #[test]
    fn bulk_leaves_stops_and_one_stop_needs_a_reason() {
        let plan = plan();
        let ledger = Ledger::new(&plan);
        let all: Vec<Cell> = plan.cells().collect();
        let chosen = choose(&plan, &ledger, &asked(Act::Approve, Some("because")), &all);
        assert_eq!((chosen.take, chosen.review, chosen.stop), (vec![cell(1, 1)], 1, vec![cell(0, 0), cell(1, 0)]));
        let chosen = choose(&plan, &ledger, &Asked { review: true, ..asked(Act::Approve, None) }, &all);
        assert_eq!((chosen.take, chosen.review), (vec![cell(0, 1), cell(1, 1)], 0), "asked for by name");
        assert_eq!(choose(&plan, &ledger, &named(Act::Approve, None), &all[1..2]).take, [cell(0, 1)], "alone");
        for (reason, taken) in [(None, 0), (Some("ok"), 0), (Some(" ok "), 0), (Some("checked"), 1)] {
            let chosen = choose(&plan, &ledger, &named(Act::Approve, reason), &all[..1]);
            assert_eq!(chosen.take.len(), taken, "{reason:?}");
            assert_eq!(chosen.stop.len(), 1 - taken, "{reason:?}");
        }
        assert_eq!(choose(&plan, &ledger, &asked(Act::Reject, None), &all).take.len(), 4);
        let several = choose(&plan, &ledger, &named(Act::Approve, Some("checked")), &all);
        assert_eq!((several.take.len(), several.stop.len()), (1, 2), "a name that fits several is no name");
    }

    #[test]
    fn what_is_in_a_property_with_an_open_stop_is_met_by_bulk_approvals_only() {
        let mut plan = plan();
        plan.head.checks.push(Check::of_property("C5", Severity::Stop, "dhis_p1", "4.1x"));
        let mut ledger = Ledger::new(&plan);
        let all: Vec<Cell> = plan.cells().collect();
        let chosen = choose(&plan, &ledger, &asked(Act::Approve, None), &all);
        assert_eq!((chosen.blocked, chosen.stop), (vec![cell(0, 1), cell(1, 1)], vec![cell(0, 0), cell(1, 0)]));
        let error = settle::refusal("q".as_ref(), &plan, &ledger, Act::Approve, &[cell(0, 1), cell(1, 1)]).to_string();
        assert!(error.starts_with("nothing was approved: dhis_p1 has an open STOP (C5: 4.1x). "), "{error}");
        assert!(error.contains("--where prop:NAME --settle") && error.ends_with(" -prop:dhis_p1"), "{error}");
        let by_chance = choose(&plan, &ledger, &asked(Act::Approve, None), &all[3..]);
        assert_eq!(by_chance.blocked, [cell(1, 1)], "one found by chance was not looked at");
        assert_eq!(choose(&plan, &ledger, &named(Act::Approve, None), &all[3..]).take, [cell(1, 1)]);
        assert_eq!(choose(&plan, &ledger, &asked(Act::Reject, None), &all).take.len(), 4);
        let stamp = Stamp { at: String::new(), who: String::new() };
        ledger.decide(&plan, Act::Reject, [cell(0, 1), cell(1, 1)], None, "", &stamp).unwrap();
        assert_eq!(choose(&plan, &ledger, &asked(Act::Approve, None), &all).blocked, [], "decided otherwise");
        ledger.decide(&plan, Act::Clear, [cell(0, 1), cell(1, 1)], None, "", &stamp).unwrap();
        ledger.settle(&plan, 1, "checked", &stamp).unwrap();
        let chosen = choose(&plan, &ledger, &asked(Act::Approve, None), &all);
        assert_eq!((chosen.take, chosen.review, chosen.blocked), (vec![cell(1, 1)], 1, vec![]));
    }

    #[test]
    fn one_change_found_by_accident_is_not_alone() {
        let plan = plan();
        let mut ledger = Ledger::new(&plan);
        let stamp = Stamp { at: String::new(), who: String::new() };
        ledger.decide(&plan, Act::Reject, [cell(1, 1)], None, "", &stamp).unwrap();
        for one in [cell(0, 0), cell(0, 1), cell(1, 1)] {
            let chosen = choose(&plan, &ledger, &asked(Act::Approve, Some("checked")), &[one]);
            assert_eq!((chosen.take.as_slice(), chosen.unnamed), (&[][..], Some(one)));
            let case = &plan.facility(one.facility).case_id;
            let way = format!("--where \"{case} prop:{}\"", plan.property(one.property).name);
            let left = chosen.left(&plan, Act::Approve).join(" ");
            assert!(left.contains(&way), "{left}");
            assert_eq!(choose(&plan, &ledger, &named(Act::Approve, Some("checked")), &[one]).take, [one]);
        }
    }

    #[test]
    fn bulk_leaves_what_was_decided_and_a_single_change_is_turned() {
        let plan = plan();
        let mut ledger = Ledger::new(&plan);
        let stamp = Stamp { at: String::new(), who: String::new() };
        ledger.decide(&plan, Act::Reject, [cell(1, 1)], None, "", &stamp).unwrap();
        ledger.set_sent([cell(0, 1)]);
        let all: Vec<Cell> = plan.cells().collect();
        let chosen = choose(&plan, &ledger, &asked(Act::Approve, None), &all);
        assert_eq!((chosen.take.len(), chosen.otherwise, chosen.sent, chosen.stop.len()), (0, 1, 1, 2));
        assert_eq!(choose(&plan, &ledger, &named(Act::Approve, None), &[cell(1, 1)]).take, [cell(1, 1)]);
        assert_eq!(choose(&plan, &ledger, &named(Act::Reject, None), &[cell(1, 1)]).already, 1);
        assert_eq!(choose(&plan, &ledger, &asked(Act::Clear, None), &all).take, [cell(1, 1)]);
    }

    #[test]
    fn a_cell_that_may_be_zero_is_taken_by_its_state_or_its_name_only() {
        let plan = sample(2, 2, |draft| {
            draft.set(cell(0, 0), Some("61"), None, State::ZeroNotStored);
            draft.set(cell(0, 1), Some("0"), None, State::ZeroNotStored);
            draft.set(cell(1, 0), Some("7"), None, State::ZeroNotStored);
            draft.flag(cell(1, 0), Flag::new("S34", Severity::Stop, "closed"));
        });
        let mut ledger = Ledger::new(&plan);
        let found = |ledger: &Ledger, words: &str, act| {
            let found = find(&plan, ledger, &Filter::parse(words).unwrap(), act);
            (found.cells.iter().map(|c| (c.facility, c.property)).collect::<Vec<_>>(), found.other)
        };
        assert_eq!(found(&ledger, "", Act::Approve), (vec![(1, 1)], 2));
        assert_eq!(found(&ledger, "", Act::Reject), (vec![(1, 1)], 2));
        assert_eq!(found(&ledger, "", Act::Zero), (vec![(0, 0), (1, 0)], 1));
        assert_eq!(found(&ledger, "state:zero_not_stored", Act::Reject), (vec![(0, 0), (1, 0)], 0));
        assert_eq!(found(&ledger, "case0 prop:p0", Act::Reject), (vec![(0, 0)], 0));
        assert_eq!(found(&ledger, "", Act::Clear), (vec![(1, 1)], 0), "an undecided one is not cleared");
        let stamp = Stamp { at: String::new(), who: String::new() };
        let all = [cell(0, 0), cell(1, 0)];
        let chosen = choose(&plan, &ledger, &asked(Act::Zero, None), &all);
        assert_eq!((chosen.take.as_slice(), chosen.stop.as_slice()), (&all[..1], &all[1..]), "a STOP goes alone");
        ledger.decide(&plan, Act::Zero, chosen.take, None, "", &stamp).unwrap();
        assert_eq!(found(&ledger, "", Act::Clear), (vec![(1, 1), (0, 0)], 0));
        assert_eq!(found(&ledger, "is:approved", Act::Zero), (vec![(0, 0)], 0));
        let left = Chosen { other: 2, ..Chosen::default() }.left(&plan, Act::Approve).join(" ");
        assert!(left.contains("2 cells that read (0?)") && left.contains("--zero"), "{left}");
    }
}
