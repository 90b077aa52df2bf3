//! What is read back and what that settles: rows H05, H20, H21 and H24, and a search index that lags.

use std::time::Duration;

use onse::{
    domain::{ledger::Act, outcome::Outcome, plan::Cell},
    sandbox::Receiving,
};

use crate::{
    rig::{DATABASE, INDEX, Mishap, RECEIVER, World, counts, one_each},
    support::steering,
};

/// Long enough that the database may be asked anew.
const A_MINUTE: Duration = Duration::from_secs(61);

/// How often the database was asked since then.
fn database(world: &World, since: &mut usize) -> usize {
    let all = world.line.asked(DATABASE).len();
    all - std::mem::replace(since, all)
}

#[tokio::test]
async fn h05_where_the_index_never_shows_it_the_database_is_asked_for_ten_cases_a_minute() {
    let world = World::approved(40, 25, 1000).await;
    world.sandbox.hold_index(true);
    let mut asked = 0;
    let sent = world.submit().await;
    assert_eq!((counts(&sent), database(&world, &mut asked)), ([10, 15, 0, 0], 10));
    assert_eq!(world.outcomes().await, [(Outcome::Accepted, 15), (Outcome::Applied, 10)].into());
    assert!(world.time.passed() >= Duration::from_secs(20), "after patience: {:?}", world.time.passed());
    for (applied, accepted, more) in [(20, 5, 10), (25, 0, 5)] {
        world.pass(A_MINUTE).await;
        assert_eq!(counts(&world.verify().await), [applied, accepted, 0, 0]);
        assert_eq!(database(&world, &mut asked), more);
    }
    assert_eq!(world.line.posts().len(), 1, "nothing is sent by verifying");
    world.wrote(&world.cells);
}

#[tokio::test]
async fn h05_once_the_index_shows_it_all_of_it_is_settled_without_the_database() {
    let world = World::approved(40, 25, 1000).await;
    world.sandbox.set_index_lag(Duration::from_mins(10));
    assert_eq!(counts(&world.submit().await), [10, 15, 0, 0]);
    let mut asked = world.line.asked(DATABASE).len();
    world.pass(Duration::from_mins(10)).await;
    let verified = world.verify().await;
    assert_eq!((counts(&verified), verified.note), ([25, 0, 0, 0], None));
    assert_eq!(database(&world, &mut asked), 0);

    // A lag within patience is not worth a question.
    let world = World::approved(40, 25, 1000).await;
    world.sandbox.set_index_lag(Duration::from_secs(12));
    let (sent, told) = world.submit_told(steering()).await;
    assert!(sent.all_applied() && world.line.asked(DATABASE).is_empty());
    assert!(told.iter().any(|(_, told)| counts(told) == [0, 25, 0, 0]), "accepted, not seen, meanwhile");
    assert!(told.iter().all(|(_, told)| told.not_applied + told.unknown <= 25 && told.not_applied == 0));
}

#[tokio::test]
async fn h05_when_the_allowance_runs_out_the_rest_stays_accepted_and_is_never_failed() {
    let world = World::approved(40, 25, 1000).await;
    world.sandbox.hold_index(true);
    // One call for the check, six to look, two for the database.
    world.sandbox.set_allowance(Some(9), Duration::from_mins(30));
    let sent = world.submit().await;
    assert_eq!(counts(&sent), [2, 23, 0, 0], "{sent:?}");
    assert_eq!(world.line.asked(DATABASE).len(), 3, "not asked further after the first no");
    assert!(world.time.passed() < Duration::from_mins(1), "nothing waits for that: {:?}", world.time.passed());
    world.sandbox.set_allowance(None, Duration::ZERO);
    world.sandbox.hold_index(false);
    assert_eq!(counts(&world.verify().await), [25, 0, 0, 0]);
}

#[tokio::test]
async fn h05_without_the_newer_api_nothing_is_called_not_applied() {
    let world = World::approved(40, 15, 1000).await;
    world.sandbox.set_case_v2(false);
    world.sandbox.hold_index(true);
    let overwritten = world.cells[3];
    let phone = world.edits(overwritten, "987654");
    world.line.set(move |asked| {
        if asked.forms == 1 && !asked.has(RECEIVER) {
            phone();
        }
        Mishap::Pass
    });
    assert_eq!(counts(&world.submit().await), [0, 15, 0, 0]);
    world.pass(A_MINUTE).await;
    assert_eq!(counts(&world.verify().await), [0, 15, 0, 0]);
    world.line.mend();
    world.sandbox.hold_index(false);
    // The index shows somebody's newer value: that is no proof that ours never was there.
    let verified = world.verify().await;
    assert_eq!(counts(&verified), [14, 1, 0, 0]);
    assert!(world.to_send().await.is_empty());
}

#[tokio::test]
async fn h05_a_value_changed_after_our_form_is_not_called_applied() {
    let world = World::approved(40, 10, 1000).await;
    let phone = world.edits(world.cells[3], "987654");
    world.line.set(move |asked| {
        if asked.forms == 1 && !asked.has(RECEIVER) {
            phone();
        }
        Mishap::Pass
    });
    let sent = world.submit().await;
    assert_eq!(counts(&sent), [9, 0, 1, 0]);
    let form = &world.opened().await.forms[0];
    let seen = form.seen.iter().find(|seen| seen.cell == world.cells[3]).unwrap();
    assert_eq!((seen.outcome, seen.value.as_deref()), (Outcome::NotApplied, Some("987654")));
    // Its approval is spent. Approved anew it is held: the case holds a third value.
    assert_eq!((world.to_send().await, world.resets().len()), (Vec::new(), 1));
    world.line.mend();
    world.decide(Act::Approve, vec![world.cells[3]]).await;
    let again = world.submit().await;
    assert_eq!((again.held.len(), world.line.posts().len()), (1, 1));
    assert_eq!(world.now(world.cells[3]).as_deref(), Some("987654"));
}

#[tokio::test]
async fn h07_a_case_deleted_just_before_the_form_is_not_called_applied() {
    let world = World::approved(40, 10, 1000).await;
    let (sandbox, id) = (world.sandbox.clone(), world.case_id(world.cells[3]));
    world.line.set(move |asked| {
        if asked.has(RECEIVER) {
            assert!(sandbox.delete_case(&id));
        }
        Mishap::Pass
    });
    assert_eq!(counts(&world.submit().await), [9, 0, 1, 0]);
    assert_eq!(world.outcomes().await, [(Outcome::Applied, 9), (Outcome::NotApplied, 1)].into());
    world.decide(Act::Approve, vec![world.cells[3]]).await;
    let held = world.submit().await.held;
    assert!(held.len() == 1 && held[0].why.contains("is gone from CommCare"), "{held:?}");
}

#[tokio::test]
async fn h20_sixty_of_a_hundred_blocks_are_found_and_only_the_others_may_go_again() {
    let world = World::approved(160, 100, 1000).await;
    world.sandbox.set_receiver_for(Receiving::Partly(60), 1);
    let (mut asked, mut verified) = (0, world.submit().await);
    assert_eq!(counts(&verified), [60, 30, 10, 0], "the database is asked for ten a minute");
    for not_applied in [20, 30, 40] {
        world.pass(A_MINUTE).await;
        verified = world.verify().await;
        assert_eq!(counts(&verified), [60, 40 - not_applied, not_applied, 0]);
    }
    assert_eq!((database(&world, &mut asked), world.line.posts().len()), (40, 1), "nothing goes again by itself");
    assert_eq!(verified.forms[0].outcome, Some(Outcome::NotApplied), "not the whole form");
    assert!(world.to_send().await.is_empty(), "what did not last is approved anew before it goes again");
    let opened = world.opened().await;
    let left: Vec<Cell> = world.cells.iter().copied().filter(|cell| opened.ledger.held(&world.plan, *cell)).collect();
    let kept: Vec<Cell> = world.cells.iter().copied().filter(|cell| !left.contains(cell)).collect();
    assert_eq!((left.len(), kept.len()), (40, 60));
    assert!(kept.iter().all(|cell| world.now(*cell).as_deref() == world.plan.offer(*cell)));
    assert!(left.iter().all(|cell| world.now(*cell).as_deref() == world.plan.old(*cell)));
    // A person approves them again and types a new count.
    world.decide(Act::Approve, left).await;
    let sent = world.submit().await;
    assert_eq!((counts(&sent), sent.forms[1].changes), ([100, 0, 0, 0], 40));
    world.wrote(&world.cells);
}

#[tokio::test]
async fn h21_a_value_that_differs_only_in_its_text_is_equal() {
    let mut world = World::read(40, 1000).await;
    let whole =
        |text: Option<&str>| text.is_some_and(|text| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()));
    let plain: Vec<Cell> = world.plain().await;
    let both = |cell: &Cell| whole(world.plan.old(*cell)) && whole(world.plan.offer(*cell));
    let cells = one_each(&plain.into_iter().filter(both).collect::<Vec<_>>(), 8);
    world.approve(cells.clone()).await;
    // Before: the case says 12.0 where it said 12.
    world.edit(cells[0], &format!("{}.0", world.plan.old(cells[0]).unwrap()));
    world.edit(cells[1], &format!("0{}", world.plan.old(cells[1]).unwrap()));
    // After: HQ shows ours in another spelling.
    let other = [
        world.edits(cells[2], &format!("{}.0", world.plan.offer(cells[2]).unwrap())),
        world.edits(cells[3], &format!("{}.00", world.plan.offer(cells[3]).unwrap())),
    ];
    world.line.set(move |asked| {
        if asked.forms == 1 && asked.has(INDEX) {
            for edit in &other {
                edit();
            }
        }
        Mishap::Pass
    });
    let sent = world.submit().await;
    assert!(sent.all_applied() && sent.held.is_empty() && sent.applied == 8, "{sent:?}");
    assert!(world.line.asked(DATABASE).is_empty(), "nothing to doubt");
    world.wrote(&world.cells);
}

#[tokio::test]
async fn h24_without_hq_to_read_back_it_is_accepted_and_settled_later() {
    for broken in [|| Mishap::NotSent, || Mishap::Say(502, Vec::new(), "<html>".to_owned())] {
        let world = World::approved(40, 20, 10).await;
        world.line.set(move |asked| if asked.forms >= 1 && asked.has("/api/case/") { broken() } else { Mishap::Pass });
        let sent = world.submit().await;
        assert_eq!((counts(&sent), sent.waiting, world.line.posts().len()), ([0, 10, 0, 0], 10, 1));
        assert!(sent.note.as_ref().unwrap().contains("stopped before form 2"), "{sent:?}");
        assert_eq!(world.outcomes().await, [(Outcome::Accepted, 10)].into());
        let verified = world.verify().await;
        assert_eq!(counts(&verified), [0, 10, 0, 0]);
        assert!(verified.note.unwrap().contains("what was accepted is not called applied"));
        world.line.mend();
        assert_eq!(counts(&world.verify().await), [10, 0, 0, 0]);
        assert_eq!(counts(&world.submit().await), [20, 0, 0, 0]);
        world.wrote(&world.cells);
    }
}

#[tokio::test]
async fn what_is_unknown_is_not_settled_by_an_old_value() {
    // The answer is lost, the index stands still, and the database is not to be had: nothing says whether it took effect.
    let world = World::approved(40, 10, 1000).await;
    world.sandbox.hold_index(true);
    world.line.set(|asked| match () {
        () if asked.has(RECEIVER) => Mishap::Lost(Duration::ZERO),
        () if asked.has(DATABASE) => Mishap::NotSent,
        () => Mishap::Pass,
    });
    let sent = world.submit().await;
    assert_eq!(counts(&sent), [0, 0, 0, 10]);
    assert_eq!(counts(&world.verify().await), [0, 0, 0, 10]);
    assert!(world.to_send().await.is_empty(), "no new form for them");
    world.line.mend();
    world.pass(A_MINUTE).await;
    assert_eq!(counts(&world.verify().await), [10, 0, 0, 0], "the database says so");
    world.wrote(&world.cells);
}
