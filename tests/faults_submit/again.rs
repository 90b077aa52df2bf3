//! Bytes that wait, and evidence that is old: what moved meanwhile does not go out, and what an index shows from before is no proof.

use std::{sync::Arc, time::Duration};

use onse::{
    domain::{ledger::Act, outcome::Outcome, plan::Cell},
    io::store::Store,
    job::{report::Sending, undo::undone},
    sandbox::Receiving,
};
use tokio::sync::watch;

use crate::{
    rig::{Mishap, RECEIVER, World, counts},
    support::{approve, connect, on, steering, submit},
};

/// Closed to forms for an hour, in which this happens after the second try.
async fn an_hour(world: &World, meanwhile: impl Fn() + Send + 'static) -> Sending {
    let (sandbox, start) = (world.sandbox.clone(), world.time.now());
    sandbox.set_receiver(Receiving::SlowDown);
    world.line.set(move |asked| {
        if asked.has(RECEIVER) && asked.forms == 2 {
            meanwhile();
        }
        if asked.at.duration_since(start).as_mins() >= 60 {
            sandbox.set_receiver(Receiving::Open);
        }
        Mishap::Pass
    });
    world.submit().await
}

#[tokio::test]
async fn n20_a_case_that_moves_while_a_form_waits_is_not_written_over() {
    let world = World::approved(40, 10, 1000).await;
    let phone = world.edits(world.cells[3], "987654");
    let sent = an_hour(&world, phone).await;
    assert_eq!((counts(&sent), sent.held.len()), ([9, 0, 1, 0], 1), "{sent:?}");
    assert!(sent.held[0].cell == world.cells[3] && sent.held[0].moved);
    assert_eq!(world.now(world.cells[3]).as_deref(), Some("987654"));
    assert_eq!(sent.forms[0].outcome, Some(Outcome::NotApplied), "given up, and never taken");
    assert!(sent.forms[0].answer.as_ref().unwrap().contains("moved meanwhile"));
    let others: Vec<Cell> = world.cells.iter().copied().filter(|cell| *cell != world.cells[3]).collect();
    world.wrote(&others);
}

#[tokio::test]
async fn n20_a_total_that_moves_while_a_form_waits_is_not_written() {
    let world = World::approved(40, 10, 1000).await;
    let clerk = world.edits_total(world.cells[5], 3);
    let sent = an_hour(&world, clerk).await;
    assert_eq!((counts(&sent), sent.held.len()), ([9, 0, 1, 0], 1), "{sent:?}");
    assert!(sent.held[0].cell == world.cells[5] && sent.held[0].why.contains("DHIS2 changed since plan"));
    assert_eq!(world.now(world.cells[5]).as_deref(), world.plan.old(world.cells[5]));
}

#[tokio::test]
async fn a_form_of_an_earlier_run_does_not_go_again_over_a_total_that_moved() {
    let world = World::approved(40, 10, 1000).await;
    world.line.set(|asked| if asked.has(RECEIVER) { Mishap::NotSent } else { Mishap::Pass });
    assert_eq!(counts(&world.submit().await), [0, 0, 0, 10]);
    world.edit_total(world.cells[5], 3);
    world.line.mend();
    let sent = world.submit().await;
    assert_eq!((counts(&sent), sent.held.len()), ([0, 0, 0, 10], 1));
    let note = sent.note.unwrap();
    assert!(note.contains("is not sent again: 1 of its cells moved") && note.contains("onse review --new"), "{note}");
    assert!(world.sandbox.effects().is_empty());
}

#[tokio::test]
async fn one_form_without_an_answer_does_not_keep_the_others_back() {
    let world = World::approved(60, 20, 10).await;
    let first = Arc::new(std::sync::Mutex::new(None));
    let poison = Arc::clone(&first);
    world.line.set(move |asked| {
        let mut poison = poison.lock().unwrap();
        if asked.has(RECEIVER) && poison.get_or_insert_with(|| asked.body.clone()) == &asked.body {
            return Mishap::Say(500, Vec::new(), "oops".to_owned());
        }
        Mishap::Pass
    });
    assert_eq!(counts(&world.submit().await)[3], 10);
    let sent = world.submit().await;
    assert_eq!(counts(&sent), [10, 0, 0, 10], "{sent:?}");
    assert!(sent.note.as_ref().unwrap().contains("Look for its id in CommCare"), "{sent:?}");
}

#[tokio::test]
async fn what_was_set_already_is_decided_again_when_dhis2_says_otherwise_later() {
    let mut world = World::approved(40, 10, 1000).await;
    let there = world.cells[2];
    world.edit(there, world.plan.offer(there).unwrap());
    let sent = world.submit().await;
    assert_eq!((sent.applied, sent.elsewhere.len()), (9, 1));
    assert!(world.opened().await.ledger.is_sent(there));
    world.edit_total(there, 40);
    let again = world.read_again().await;
    assert!(
        !again.ledger.is_sent(there)
            && again.ledger.verdict(&world.plan, there).is_none()
            && again.ledger.was_reset(there)
    );
    world.decide(Act::Approve, vec![there]).await;
    assert!(world.submit().await.forms.last().unwrap().outcome == Some(Outcome::Applied));
    assert_eq!(world.now(there).as_deref(), world.plan.offer(there));
}

/// The index shows what was there before the review, which is what its undo wants to set.
#[tokio::test]
async fn an_undo_is_not_called_applied_by_an_index_from_before_the_review() {
    let world = World::approved(40, 10, 1000).await;
    world.sandbox.hold_index(true);
    world.submit().await;
    let folder = tempfile::tempdir().unwrap();
    let loaded = Store::read_only(world.session.path()).unwrap();
    let sources = connect(world.sandbox.transport(crate::support::ORIGIN))(Arc::new(|_| {}));
    let undone = undone(loaded, "q.review", &sources, world.time.now(), &|_, _| {}).await.unwrap();
    let store = Store::create(&folder.path().join("undo.review")).unwrap();
    undone.save(&store).await.unwrap();
    // No form arrives, and no answer comes.
    let lost = world.line.clone();
    lost.set(|asked| if asked.has(RECEIVER) { Mishap::NotSent } else { Mishap::Pass });
    let session = on(store, connect(lost));
    let opened = session.open().await.unwrap();
    let (plan, mut ledger) = (opened.plan, opened.ledger);
    let cells: Vec<Cell> = plan.cells().filter(|cell| plan.offer(*cell).is_some()).collect();
    let (flagged, free): (Vec<Cell>, Vec<Cell>) =
        cells.iter().copied().partition(|cell| plan.severity(*cell).is_some());
    for cells in [free, flagged].into_iter().filter(|cells| !cells.is_empty()) {
        approve(&session, &plan, &mut ledger, cells).await;
    }
    let ours: Vec<_> = cells.iter().map(|cell| world_value(&world, &plan, *cell)).collect();
    let sent = world.time.drive(Box::pin(submit(&session))).await.unwrap();
    assert_eq!((sent.applied, sent.elsewhere.len()), (0, 0), "{sent:?}");
    let verified = session.verify(watch::channel(Sending::default()).0, steering()).await;
    assert!(verified.map_or(true, |sent| sent.applied == 0));
    assert_eq!(
        cells.iter().map(|cell| world_value(&world, &plan, *cell)).collect::<Vec<_>>(),
        ours,
        "nothing was undone"
    );
    world.sandbox.hold_index(false);
    world.line.mend();
    world.pass(Duration::from_mins(2)).await;
    let sent = world.time.drive(Box::pin(submit(&session))).await.unwrap();
    assert!(sent.unknown == 0 && sent.applied > 0, "{sent:?}");
    for cell in cells {
        let now = world_value(&world, &plan, cell).unwrap_or_default();
        assert_eq!(now, plan.offer(cell).unwrap(), "put back");
    }
}

fn world_value(world: &World, plan: &onse::domain::plan::Plan, cell: Cell) -> Option<String> {
    let case = world.sandbox.case(&plan.facility(cell.facility).case_id).unwrap();
    case.properties.get(plan.property(cell.property).name.as_str()).cloned()
}
