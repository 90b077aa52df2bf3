//! A second person with a spreadsheet: rows that went out, verdicts written into them, and what comes back, early or late, whole or
//! spoilt.

use std::{collections::BTreeMap, sync::Arc};

use onse::domain::{
    flags::Severity,
    ledger::{Act, Ledger, Row},
    plan::{Cell, Kind, Plan},
    returned::{Returned, judge, mark_of},
};

use super::{
    checks::{Rule, Wrong},
    desk::Desk,
    dice::Dice,
    world::World,
};

/// Id of the review the rows are of.
const REVIEW: &str = "this review";
/// What stands in the new column of a value that DHIS2 may not have stored.
const MAY_BE_ZERO: &str = "(0?)";

/// Writes the rows out, or takes those that are out back with verdicts.
pub(crate) async fn pass(desk: &mut Desk, world: &World) {
    let Some(opened) = &desk.opened else { return };
    let (plan, mut ledger) = (Arc::clone(&opened.plan), opened.ledger.clone());
    let dice = &world.dice;
    let Some(mut rows) = desk.sheet.take() else {
        desk.sheet = Some(written(&plan, &ledger));
        return world.say(|| "writes a spreadsheet".to_owned());
    };
    if dice.falls(300) {
        // It is written out, and an older one comes back after it.
        desk.sheet = Some(written(&plan, &ledger));
    }
    fill(dice, &mut rows);
    spoil(dice, &mut rows);
    let judged = match judge(&plan, &ledger, REVIEW, &rows) {
        Ok(judged) => judged,
        Err(why) => return world.say(|| format!("the spreadsheet is refused: {why}")),
    };
    world.say(|| format!("{} rows come back, {} are refused", judged.rows.len(), judged.refused.len()));
    desk.wrong.extend(held(&plan, &ledger, &rows, &judged.rows));
    if judged.rows.is_empty() {
        return;
    }
    match ledger.import(&plan, judged.rows.clone(), "verdicts", &desk.stamp()) {
        Ok(entry) => {
            world.say(|| format!("decides {} by spreadsheet: {:?}", entry.seq, entry.step));
            world.books().returned += judged.rows.len();
            if let Some(opened) = &mut desk.opened {
                opened.ledger = ledger;
            }
            desk.record(entry).await;
        }
        Err(why) => desk.wrong.push(Wrong::of(Rule::Unapproved, format!("rows that were taken are refused: {why}"))),
    }
}

/// Every value that can be decided, as a spreadsheet shows it.
fn written(plan: &Plan, ledger: &Ledger) -> Vec<Returned> {
    let asks = |cell: &Cell| plan.kind(*cell) == Kind::Change || plan.may_be_zero(*cell);
    let row = |(at, cell): (usize, Cell)| {
        let facility = plan.facility(cell.facility);
        Returned {
            row: at as u64 + 2,
            case_id: facility.case_id.clone(),
            facility: Some(facility.name.clone()),
            property: plan.property(cell.property).name.clone(),
            mark: mark_of(plan, ledger, REVIEW, cell),
            old: plan.old(cell).unwrap_or_default().to_owned(),
            new: shown(plan, cell),
            verdict: ledger.verdict(plan, cell).map_or("", |verdict| verdict.name()).to_owned(),
            reason: ledger.reason(cell).unwrap_or_default().to_owned(),
        }
    };
    plan.cells().filter(asks).enumerate().map(row).collect()
}

fn shown(plan: &Plan, cell: Cell) -> String {
    if plan.may_be_zero(cell) { MAY_BE_ZERO } else { plan.offer(cell).unwrap_or_default() }.to_owned()
}

/// A person writes verdicts, with reasons of their own, one reason for all, or none.
fn fill(dice: &Dice, rows: &mut [Returned]) {
    let (share, reasons) = (dice.between(50, 900), dice.below(3));
    for row in rows.iter_mut().filter(|_| dice.falls(share)) {
        let usual = if row.new == MAY_BE_ZERO { "zero" } else { "approve" };
        let words = [usual, usual, usual, "Approved", "reject", "undecided", "", "yes"];
        words[dice.below(words.len())].clone_into(&mut row.verdict);
        row.reason = match reasons {
            0 => String::new(),
            1 => "asked the clerk".to_owned(),
            _ => format!("{} was asked about {}", row.facility.as_deref().unwrap_or_default(), row.property),
        };
    }
}

/// What happens to rows in a spreadsheet that nobody meant to do.
fn spoil(dice: &Dice, rows: &mut Vec<Returned>) {
    let last = rows.len().saturating_sub(1);
    if !dice.falls(600) || last == 0 {
        return;
    }
    for _ in 0..dice.between(1, 6) {
        let (a, b) = (dice.below(last), dice.below(last));
        let (one, other) = (rows[a].clone(), rows[b].clone());
        match dice.below(9) {
            0 => (rows[a].new, rows[b].new) = (other.new, one.new),
            1 => (rows[a].old, rows[b].old) = (other.old, one.old),
            2 => (rows[a].mark, rows[b].mark) = (other.mark, one.mark),
            3 => (rows[a].case_id, rows[b].case_id) = (other.case_id, one.case_id),
            4 => (rows[a].property, rows[b].property) = (other.property, one.property),
            5 => (rows[a].verdict, rows[b].verdict) = (other.verdict, one.verdict),
            6 => rows[a].new = dice.below(2000).to_string(),
            7 => rows.push(one),
            _ => rows.sort_by(|a, b| a.new.cmp(&b.new)),
        }
    }
}

/// P1: what is taken is what a person wrote beside the very values that will be written over and written, and nothing else; a STOP by
/// words that stand for no other facility.
fn held(plan: &Plan, ledger: &Ledger, rows: &[Returned], taken: &[Row]) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut words: BTreeMap<&str, u32> = BTreeMap::new();
    for Row { cell, act, reason } in taken {
        let (facility, property) = (plan.facility(cell.facility), plan.property(cell.property));
        let spot = (facility.case_id.clone(), property.name.clone());
        let mut fail = |what: &str| wrong.push(Wrong::new(Rule::Unapproved, &facility.name, &spot, what));
        let (old, new) = (plan.old(*cell).unwrap_or_default(), shown(plan, *cell));
        let zero = ["", "0", MAY_BE_ZERO];
        let asked = rows.iter().any(|row| {
            let same_new = row.new == new || (new == MAY_BE_ZERO && zero.contains(&row.new.as_str()));
            row.case_id == spot.0 && row.property == spot.1 && row.old == old && same_new && says(&row.verdict, *act)
        });
        if !asked {
            fail("was taken, and no row with its values says so");
        }
        if ledger.is_sent(*cell) {
            fail("was taken, and it was sent");
        }
        if act.writes() && plan.severity(*cell) == Some(Severity::Stop) {
            match reason.as_deref() {
                Some(reason) if reason.len() > 2 => {
                    if words.insert(reason, cell.facility).is_some_and(|other| other != cell.facility) {
                        fail("is a STOP approved with the words of another facility");
                    }
                }
                _ => fail("is a STOP approved without a reason"),
            }
        }
    }
    wrong
}

fn says(verdict: &str, act: Act) -> bool {
    match act {
        Act::Approve => ["approve", "Approved"].contains(&verdict),
        Act::Zero => verdict == "zero",
        Act::Reject => verdict == "reject",
        Act::Clear => verdict == "undecided",
    }
}
