//! What other people do meanwhile: in cases, in DHIS2, and the search index on its own.

use std::time::Duration;

use onse::sandbox::Receiving;

use super::world::World;

/// Numbers people type.
const TYPED: [&str; 6] = ["0", "7", "12.0", "350", "12 (est)", ""];

/// Somebody does something.
pub(crate) fn act(world: &World) {
    match world.dice.below(if world.is_reading() { 12 } else { 15 }) {
        0..=3 => change(world),
        4 => moves(world),
        5 => standing(world),
        6..=8 => receiver(world),
        9 | 10 => index(world),
        11 => {
            world.sandbox.hold_index(false);
            world.say(|| "the search index catches up".to_owned());
        }
        _ => data(world),
    }
}

fn case(world: &World) -> Option<String> {
    world.dice.pick(&world.sandbox.case_ids()).cloned()
}

/// A property of a case, also to the very value that is approved, and back to what it was.
fn change(world: &World) {
    let Some(case_id) = case(world) else { return };
    let properties: Vec<&str> = world.mapping.properties().into_iter().collect();
    let property = (*world.dice.pick(&properties).unwrap()).to_owned();
    let spot = (case_id, property);
    let approval = world.books().approved_at(&spot, u64::MAX).cloned();
    let earlier = world.books().held_from(&spot, 0).first().and_then(|(_, value)| value.clone());
    let value = match (world.dice.below(4), approval) {
        (0, Some(approval)) => approval.new,
        (1, Some(approval)) => approval.old.unwrap_or_default(),
        (2, _) => earlier.unwrap_or_default(),
        _ => (*world.dice.pick(&TYPED).unwrap()).to_owned(),
    };
    world.sandbox.set_property(&spot.0, &spot.1, &value);
    world.books().look(&world.sandbox);
    world.say(|| format!("somebody sets {} of case {} to {value:?}", spot.1, spot.0));
}

/// A case becomes another organisation unit's, nobody's, or its own again.
fn moves(world: &World) {
    let units = world.books().units.clone();
    let Some((case_id, own)) = units.iter().nth(world.dice.below(units.len())) else { return };
    let unit = match world.dice.below(4) {
        0 => units.values().nth(world.dice.below(units.len())).unwrap_or(own).clone(),
        1 => format!("Z{}", &own[1..]),
        _ => own.clone(),
    };
    world.sandbox.set_property(case_id, "external_id", &unit);
    world.say(|| format!("case {case_id} becomes that of {unit}"));
}

/// A case is closed, opened again, or deleted.
fn standing(world: &World) {
    let Some(case_id) = case(world) else { return };
    let (sandbox, what) = (&world.sandbox, world.dice.below(5));
    let what = match what {
        0 | 1 => sandbox.close_case(&case_id).then_some("closes"),
        2 | 3 => sandbox.reopen_case(&case_id).then_some("opens"),
        _ => sandbox.delete_case(&case_id).then_some("deletes"),
    };
    world.say(|| format!("somebody {} case {case_id}", what.unwrap_or("misses")));
}

/// HQ itself: how it takes the next forms, which cases it trips over, and what the account may do.
fn receiver(world: &World) {
    let dice = &world.dice;
    let what = match dice.below(10) {
        0 | 1 => {
            let more: Vec<String> = (0..dice.below(3)).filter_map(|_| case(world)).collect();
            // None is mended while a copy of a form may be under way.
            let bad: Vec<String> = {
                let mut books = world.books();
                books.bad.extend(more);
                books.bad.iter().cloned().collect()
            };
            world.sandbox.set_bad_cases(&bad.iter().map(String::as_str).collect::<Vec<_>>());
            format!("trips over cases {bad:?}")
        }
        2 => {
            let may = dice.falls(500);
            world.sandbox.set_permissions(may, true);
            format!("lets the account edit data: {may}")
        }
        _ => {
            let kinds = [
                Receiving::Locked,
                Receiving::SlowDown,
                Receiving::Migrating,
                Receiving::Blocked,
                Receiving::Ignoring,
                Receiving::SavedWithError,
                Receiving::Crashing,
                Receiving::Partly(dice.below(3)),
                Receiving::TooLarge(dice.between(500, 3000)),
            ];
            let (kind, times) = (*dice.pick(&kinds).unwrap(), dice.between(1, 8));
            world.sandbox.set_receiver_for(kind, times);
            format!("takes the next {times} forms so: {kind:?}")
        }
    };
    world.say(|| format!("HQ {what}"));
}

/// Everything is as it should be: the index has caught up, and HQ takes what comes.
pub(crate) fn well(world: &World) {
    let sandbox = &world.sandbox;
    sandbox.set_index_lag(Duration::ZERO);
    sandbox.hold_index(false);
    sandbox.set_receiver(Receiving::Open);
    sandbox.set_bad_cases(&[]);
    sandbox.set_permissions(true, true);
}

/// The search index stands still, or is late.
fn index(world: &World) {
    if world.dice.falls(500) {
        world.sandbox.hold_index(true);
        return world.say(|| "the search index stands still".to_owned());
    }
    let lag = Duration::from_secs(*world.dice.pick(&[0, 5, 60, 3600]).unwrap());
    world.sandbox.set_index_lag(lag);
    world.say(|| format!("the search index is {lag:?} late"));
}

/// A value of DHIS2 changes, goes or is deleted.
fn data(world: &World) {
    let Some(unit) = case(world).and_then(|case| world.sandbox.case(&case)?.external_id) else { return };
    let rows: Vec<_> = world.mapping.usable().collect();
    let element = &world.dice.pick(&rows).unwrap().data_element;
    let combos = world.books().combos.get(element).cloned().unwrap_or_default();
    let Some(combo) = world.dice.pick(&combos) else { return };
    let text = world.dice.below(900).to_string();
    let what = match world.dice.below(6) {
        0 => {
            world.sandbox.delete_value(&unit, element, combo, "2026Q2");
            "is deleted".to_owned()
        }
        1 => {
            world.sandbox.set_value(&unit, element, combo, "2026Q2", None);
            "goes".to_owned()
        }
        _ => {
            world.sandbox.set_value(&unit, element, combo, "2026Q2", Some(&text));
            format!("becomes {text}")
        }
    };
    world.books().truth = None;
    world.say(|| format!("DHIS2: {element} {combo} of {unit} {what}"));
}
