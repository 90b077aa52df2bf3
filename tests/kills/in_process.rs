//! Killed at a point, in process: whatever was under way never goes on, and of the review file is left what lies on the disk.

use std::time::{Duration, Instant};

use crate::{
    points::{How, Point, Points},
    world::{Ended, Prepared, Scenario, Way, World, folder, left_in, sample},
};

/// Kills a run at each of its points, every so many of them, and goes on: once, or after a second kill where the next run comes
/// to the same point.
async fn sweep(scenario: Scenario, step: usize, twice: bool) {
    let started = Instant::now();
    let prepared = Prepared::new(scenario).await;
    let points = World::points(&prepared).await;
    let sample = sample(&points, step, |point| point);
    let mut again = 0;
    for point in &sample {
        again += usize::from(kill(&prepared, point, twice).await);
    }
    let (name, swept, all, time) = (scenario.name, sample.len(), points.len(), started.elapsed().as_secs_f64());
    println!("kill sweep {name}: {swept} of {all} points, {again} of them twice in a row, {time:.1} s");
}

/// Whether there was a second kill.
async fn kill(prepared: &Prepared, point: &Point, twice: bool) -> bool {
    let (world, folder) = (World::new(prepared), folder());
    println!("killed at {point}");
    let killed = world.run(&prepared.copy(&folder), &Points::at(point, How::Kill)).await;
    let Ended::Killed(mut left) = killed else { panic!("never came to {point}") };
    world.check_left(prepared, &left_in(&left));
    let mut again = false;
    if twice {
        let same = Point { nth: 0, ..point.clone() };
        if let Ended::Killed(now) = world.run(&left_in(&left), &Points::at(&same, How::Kill)).await {
            (left, again) = (now, true);
        }
    }
    world.finish(prepared, &left_in(&left)).await;
    world.check(prepared, &left_in(&left)).await;
    again
}

#[tokio::test]
async fn killed_at_every_point_of_a_submission() {
    sweep(Scenario::PLAIN, 1, false).await;
}

#[tokio::test]
async fn killed_twice_in_a_row_at_a_point() {
    sweep(Scenario { name: "twice", ..Scenario::SMALL }, 3, true).await;
}

#[tokio::test]
async fn killed_while_a_bad_case_halves_its_form() {
    sweep(Scenario { name: "a bad case", bad: true, ..Scenario::SMALL }, 3, true).await;
}

#[tokio::test]
async fn killed_while_a_gateway_loses_answers() {
    sweep(Scenario { name: "504 once per form", way: Way::Gateway, ..Scenario::SMALL }, 3, true).await;
}

#[tokio::test]
async fn killed_while_the_search_index_is_behind() {
    sweep(Scenario { name: "index 12 s behind", lag: Duration::from_secs(12), ..Scenario::SMALL }, 3, true).await;
}

#[tokio::test]
async fn killed_while_nothing_tells_whether_a_form_took_effect() {
    let lag = Duration::from_secs(12);
    sweep(Scenario { name: "index behind, database closed", lag, way: Way::NoDatabase, ..Scenario::SMALL }, 3, true)
        .await;
}

/// Fault matrix row K15.
#[tokio::test]
async fn killed_at_a_point_of_an_undo() {
    sweep(Scenario { name: "undo", undo: true, ..Scenario::SMALL }, 3, true).await;
}
