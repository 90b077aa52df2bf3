//! The person: decides by the rules, sends, stops, comes back.

use std::{sync::Arc, time::Duration};

use onse::{
    domain::{
        ledger::{Act, Entry, Ledger},
        plan::{Cell, Kind, Plan},
    },
    io::store::Form,
};

use super::{
    checks::{Rule, Wrong},
    desk::{Desk, Goal},
    others, sheet,
    world::World,
};

/// Rounds in which things go wrong, at most.
const ROUNDS: usize = 12;
/// Times a file is taken up again once nothing goes wrong any more.
const RESUMES: usize = 8;
/// Time in which everything has ended.
const LONGEST: Duration = Duration::from_hours(400);

/// From the first reading to the end.
pub(crate) async fn work(desk: &mut Desk) {
    let world = Arc::clone(&desk.world);
    let rounds = world.dice.between(3, ROUNDS);
    for _ in 0..rounds {
        Box::pin(round(desk, &world)).await;
        if !desk.wrong.is_empty() {
            return;
        }
    }
    Box::pin(finish(desk, &world)).await;
    if world.time.passed() > LONGEST {
        desk.wrong.push(Wrong::of(Rule::Endless, format!("it took {:?}", world.time.passed())));
    }
    desk.end().await;
}

async fn round(desk: &mut Desk, world: &World) {
    world.time.passes(Duration::from_secs(world.dice.between(1, 7200) as u64));
    let Some(_) = &desk.opened else { return Box::pin(desk.read()).await };
    if world.dice.falls(200) {
        sheet::pass(desk, world).await;
    }
    match world.dice.below(20) {
        0..=4 => {
            for _ in 0..world.dice.between(1, 3) {
                decide(desk, world).await;
            }
        }
        5..=13 => send(desk, world).await,
        14..=16 => {
            others::act(world);
            Box::pin(desk.read()).await;
        }
        17 => desk.second(),
        18 => desk.anew().await,
        _ => {
            for _ in 0..world.dice.between(1, 3) {
                others::act(world);
            }
        }
    }
}

/// Whether a form is open or an approved change waits.
fn busy(desk: &Desk) -> bool {
    desk.opened.as_ref().is_some_and(|opened| {
        opened.forms.iter().any(Form::is_open) || opened.ledger.to_send(&opened.plan).next().is_some()
    })
}

/// Sends what is approved, as many as the question before named.
async fn send(desk: &mut Desk, world: &World) {
    if !busy(desk) {
        return decide(desk, world).await;
    }
    let goal = match world.dice.below(9) {
        0 => Some(Goal::Settle),
        1 => Some(Goal::Verify),
        2 => Some(Goal::Send(usize::MAX)),
        3 => desk.opened.as_ref().map(|opened| Goal::Send(opened.ledger.to_send(&opened.plan).count())),
        _ => desk.count().await.map(Goal::Send),
    };
    if let Some(goal) = goal {
        desk.submit(goal).await;
    }
}

async fn decide(desk: &mut Desk, world: &World) {
    let Some(opened) = &desk.opened else { return };
    let (plan, mut ledger) = (Arc::clone(&opened.plan), opened.ledger.clone());
    let said = decision(world, &plan, &mut ledger, desk);
    match said {
        Ok(entry) => {
            world.say(|| format!("decides {}: {:?}", entry.seq, entry.step));
            if let Some(opened) = &mut desk.opened {
                opened.ledger = ledger;
            }
            desk.record(entry).await;
        }
        Err(why) => world.say(|| format!("decides nothing: {why}")),
    }
}

/// One decision by the rules, or why there is none.
fn decision(world: &World, plan: &Plan, ledger: &mut Ledger, desk: &Desk) -> Result<Entry, String> {
    let (dice, stamp) = (&world.dice, desk.stamp());
    let open = ledger.undecided(plan, plan.cells());
    let one = |cells: &[Cell]| dice.pick(cells).copied().into_iter().collect::<Vec<_>>();
    let zeros = ledger.undecided_zeros(plan, plan.cells());
    let reason = Some("asked the clerk");
    let all: Vec<Cell> =
        plan.cells().filter(|cell| plan.kind(*cell) == Kind::Change || plan.may_be_zero(*cell)).collect();
    let mut may: Vec<(Act, Vec<Cell>, Option<&str>)> = vec![
        (Act::Approve, dice.some(&open.plain), None),
        (Act::Approve, one(&open.plain), None),
        (Act::Approve, dice.some(&open.review), None),
        (Act::Approve, one(&open.stop), reason),
        (Act::Approve, one(&open.blocked), reason),
        (Act::Zero, dice.some(&zeros.plain), None),
        (Act::Zero, one(&[zeros.stop, zeros.blocked, zeros.review].concat()), reason),
    ];
    may.retain(|(_, cells, _)| !cells.is_empty());
    match dice.below(12) {
        0 => {
            let open: Vec<u16> = (0..plan.width()).filter(|at| ledger.blocks(plan, *at).is_some()).collect();
            let property = dice.pick(&open).ok_or("no property has a STOP")?;
            ledger.settle(plan, *property, "the form changed", &stamp)
        }
        1 => ledger.decide(plan, Act::Reject, one(&all), None, "one", &stamp),
        2 => ledger.decide(plan, Act::Clear, one(&all), None, "one", &stamp),
        3 => ledger.undo(plan, &stamp),
        4 => ledger.redo(plan, &stamp),
        _ => {
            let (act, cells, reason) = dice.pick(&may).cloned().ok_or("everything is decided")?;
            ledger.decide(plan, act, cells, reason, "some", &stamp)
        }
    }
}

/// Nothing goes wrong any more: everything that is under way ends.
async fn finish(desk: &mut Desk, world: &World) {
    world.calm();
    // What is under way still arrives in the world it was sent into. A form HQ refused for a case, mended before a late copy of it
    // arrives, is worked on again: nobody can be safe from that.
    desk.line.arrive(true).await;
    others::well(world);
    desk.anew().await;
    if desk.opened.is_none() {
        Box::pin(desk.read()).await;
    }
    for _ in 0..RESUMES {
        if !busy(desk) {
            break;
        }
        world.time.passes(Duration::from_mins(10));
        let Some(limit) = desk.count().await else { break };
        desk.submit(Goal::Send(limit)).await;
        if !desk.wrong.is_empty() {
            return;
        }
    }
    if desk.opened.is_none() {
        desk.wrong.push(Wrong::of(Rule::Endless, "a reading without faults does not come to its end"));
    }
}
