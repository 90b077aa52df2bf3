//! Each call that can fail fails once, one by one: nothing panics, what is told is true, and going on ends as if nothing had been
//! (fault matrix rows F01, F02, N07 and N17).

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use onse::{domain::outcome::Outcome, job::report::Sending};

use crate::{
    points::{How, Point, Points},
    world::{Ended, Prepared, Scenario, Way, World, folder, sample},
};

/// Lets every so many of the calls fail, each in every way it can.
async fn sweep(scenario: Scenario, step: usize) {
    let started = Instant::now();
    let prepared = Prepared::new(scenario).await;
    let points = World::points(&prepared).await;
    let ways = |point: Point| {
        let lost = point.is_unsent().then(|| (point.clone(), How::Lost));
        [(point, How::Fail)].into_iter().chain(lost)
    };
    let calls: Vec<(Point, How)> = points.into_iter().flat_map(ways).collect();
    let sample = sample(&calls, step, |(point, _)| point);
    for (point, how) in &sample {
        fail(&prepared, point, *how).await;
    }
    let (name, swept, all, time) = (scenario.name, sample.len(), calls.len(), started.elapsed().as_secs_f64());
    println!("single-failure sweep {name}: {swept} of {all} failures, {time:.1} s");
}

async fn fail(prepared: &Prepared, point: &Point, how: How) {
    let (world, folder, points) = (World::new(prepared), folder(), Points::at(point, how));
    println!("{how:?} at {point}");
    let path = prepared.copy(&folder);
    let Ended::Itself(ended) = world.run(&path, &points).await else { panic!("killed") };
    assert!(points.reached());
    let passed = points.passed();
    let at = passed.iter().position(|one| one == point).unwrap();
    let left = passed[..at].iter().any(|one| one.is_form() && one.is_unsent());
    match *ended {
        Ok(Some(sending)) if point.is_file() => {
            assert!(left, "F01: {sending:?}");
            assert!(sending.note.as_ref().is_some_and(|note| note.contains("no space left")), "F02: {sending:?}");
            check_told(prepared, &world, &sending);
        }
        // One failure of the line is gone over.
        Ok(Some(sending)) => {
            assert!(sending.note.is_none(), "{sending:?}");
            check_told(prepared, &world, &sending);
        }
        Ok(None) => panic!("there was something to send"),
        Err(error) => {
            assert!(point.is_file() && !left, "F02: {error:#}");
            assert!(format!("{error:#}").contains("no space left"), "{error:#}");
            assert!(world.sandbox.forms().is_empty(), "F01");
        }
    }
    world.check_left(prepared, &path);
    world.finish(prepared, &path).await;
    world.check(prepared, &path).await;
}

/// What a run tells of its forms is what HQ knows of them: every answer came, though not all could be written down.
fn check_told(prepared: &Prepared, world: &World, sending: &Sending) {
    let effects = world.sandbox.effects();
    let acted: BTreeSet<&str> = effects.iter().filter_map(|effect| effect.form.as_deref()).collect();
    assert!(!acted.is_empty());
    let told = sending.forms.iter().filter_map(|form| Some((form.form_id.as_deref()?, form.outcome)));
    let told: Vec<_> = told.collect();
    for (id, outcome) in &told {
        let yes = matches!(outcome, Some(Outcome::Accepted | Outcome::Applied));
        assert_eq!(yes, acted.contains(id), "F02, P3: {sending:?}");
    }
    assert!(acted.iter().all(|id| told.iter().any(|(told, _)| told == id)), "F02: {sending:?}");
    let counted = [sending.applied, sending.accepted, sending.not_applied, sending.unknown, sending.waiting];
    assert_eq!(counted.iter().sum::<usize>(), sending.changes, "{sending:?}");
    assert_eq!(sending.changes, prepared.cells.len(), "{sending:?}");
}

#[tokio::test]
async fn every_call_of_a_submission_fails_once() {
    sweep(Scenario { name: "plain", ..Scenario::SMALL }, 1).await;
}

#[tokio::test]
async fn calls_fail_once_while_a_bad_case_halves_its_form() {
    sweep(Scenario { name: "a bad case", bad: true, ..Scenario::SMALL }, 3).await;
}

#[tokio::test]
async fn calls_fail_once_while_nothing_tells_whether_a_form_took_effect() {
    let lag = Duration::from_secs(12);
    sweep(Scenario { name: "index behind, database closed", lag, way: Way::NoDatabase, ..Scenario::SMALL }, 3).await;
}
