//! What HQ, or somebody on the way to it, answers to a form: rows H11 to H19.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use onse::{
    domain::outcome::Outcome,
    job::report::{Pausing, Sending},
    sandbox::{Fate, Receiving},
};

use crate::{
    rig::{AT_ONCE, Mishap, RECEIVER, World, counts, one_each, openrosa, sizes},
    support::steering,
};

/// No bytes were posted twice, so no form that is dead was sent again.
#[track_caller]
fn all_different(posts: &[Bytes]) {
    assert_eq!(posts.iter().collect::<BTreeSet<_>>().len(), posts.len());
}

#[tokio::test]
async fn h11_a_form_that_is_ignored_is_not_applied_and_nothing_follows() {
    let world = World::approved(40, 20, 10).await;
    world.sandbox.set_receiver(Receiving::Ignoring);
    let sent = world.submit().await;
    assert_eq!((counts(&sent), sent.waiting, world.line.posts().len()), ([0, 0, 10, 0], 10, 1));
    let note = sent.note.unwrap();
    assert!(note.contains("accepted the form and ignored it") && note.contains("practice user"), "{note}");
    assert_eq!(world.outcomes().await, [(Outcome::NotApplied, 10)].into());
    assert!(world.sandbox.effects().is_empty() && world.to_send().await == world.cells);
    world.sandbox.set_receiver(Receiving::Open);
    assert_eq!(counts(&world.submit().await), [20, 0, 0, 0]);
    all_different(&world.line.posts());
    world.wrote(&world.cells);
}

#[tokio::test]
async fn h12_a_success_without_its_message_is_settled_by_reading() {
    for body in ["", "created", "<html>Welcome</html>"] {
        let world = World::approved(40, 20, 10).await;
        world
            .line
            .set(move |asked| if asked.has(RECEIVER) { Mishap::Instead(201, body.to_owned()) } else { Mishap::Pass });
        let (sent, told) = world.submit_told(steering()).await;
        assert!(sent.all_applied() && sent.applied == 20, "{sent:?}");
        assert!(
            told.iter().any(|(_, told)| told.forms[0].outcome == Some(Outcome::Unknown)),
            "not taken for a success"
        );
        assert_eq!(world.line.posts().len(), 2);
        world.wrote(&world.cells);
    }
}

#[tokio::test]
async fn h12_where_reading_does_not_show_it_either_it_stays_unknown_until_the_same_bytes_went_again() {
    let world = World::approved(40, 10, 1000).await;
    world.line.set(|asked| {
        if asked.has(RECEIVER) && asked.forms == 1 { Mishap::Say(201, Vec::new(), String::new()) } else { Mishap::Pass }
    });
    let sent = world.submit().await;
    assert_eq!((counts(&sent), world.outcomes().await), ([0, 0, 0, 10], [(Outcome::Unknown, 10)].into()));
    assert!(world.to_send().await.is_empty(), "nothing goes under a new id");
    assert!(world.submit().await.all_applied());
    let posts = world.line.posts();
    assert!(posts.len() == 2 && posts[0] == posts[1]);
    world.wrote(&world.cells);
}

#[tokio::test]
async fn h13_any_other_rejection_stops_with_its_message() {
    let messages = [
        "There was an error processing the form: Invalid XML: mismatched tag",
        "XFormError: no such form",
        "Case update rejected: IllegalCaseId",
    ];
    for message in messages {
        let world = World::approved(40, 20, 10).await;
        world.line.set(move |asked| {
            if asked.has(RECEIVER) {
                Mishap::Say(422, Vec::new(), openrosa("processing_failure", message))
            } else {
                Mishap::Pass
            }
        });
        let sent = world.submit().await;
        assert_eq!((counts(&sent), sent.waiting, sizes(&sent)), ([0, 0, 10, 0], 10, vec![10, 10]), "{message}");
        assert_eq!((sent.forms[0].outcome, sent.forms[1].outcome), (Some(Outcome::NotApplied), None));
        assert_eq!(sent.forms[0].answer.as_deref(), Some(message));
        assert!(sent.note.as_ref().unwrap().contains(message) && sent.rejected.is_empty(), "{sent:?}");
        assert_eq!(world.line.posts().len(), 1, "no half of it, and no other form");
        assert!(world.sandbox.effects().is_empty() && world.to_send().await == world.cells);
        world.line.mend();
        assert_eq!(counts(&world.submit().await), [20, 0, 0, 0]);
        all_different(&world.line.posts());
    }
}

#[tokio::test]
async fn h14_the_bad_facilities_are_found_alone_and_named_and_all_others_are_applied() {
    let mut world = World::read(60, 20).await;
    let plain = world.plain().await;
    // Several changes of a facility stay together.
    let chosen: BTreeSet<u32> = one_each(&plain, 40).iter().map(|cell| cell.facility).collect();
    world.approve(plain.into_iter().filter(|cell| chosen.contains(&cell.facility)).collect()).await;
    let bad: Vec<u32> = [7, 8, 31].into_iter().map(|at| *chosen.iter().nth(at).unwrap()).collect();
    let ids: Vec<&str> = bad.iter().map(|facility| world.plan.facility(*facility).case_id.as_str()).collect();
    world.sandbox.set_bad_cases(&ids);
    let sent = world.submit().await;
    let (theirs, others): (Vec<_>, Vec<_>) = world.cells.iter().partition(|cell| bad.contains(&cell.facility));
    assert_eq!(counts(&sent), [others.len(), 0, theirs.len(), 0]);
    assert_eq!(sent.rejected.iter().map(|(facility, _)| *facility).collect::<Vec<_>>(), bad);
    assert!(sent.rejected.iter().all(|(_, why)| why.contains("IllegalCaseId")), "{:?}", sent.rejected);
    assert!(sent.note.is_none() && sent.waiting == 0 && sent.changes == world.cells.len(), "{sent:?}");
    all_different(&world.line.posts());
    world.wrote(&others);
    assert_eq!(world.to_send().await, theirs, "they may go again, the others not");
    for form in sent.forms.iter().filter(|form| form.outcome == Some(Outcome::NotApplied)) {
        assert!(form.answer.as_ref().unwrap().contains("IllegalCaseId"), "{form:?}");
    }

    // The next run sends them last, each by itself.
    let more: Vec<_> =
        world.plain().await.into_iter().filter(|cell| !chosen.contains(&cell.facility)).take(3).collect();
    world.approve(more.clone()).await;
    let before = world.line.posts().len();
    let again = world.submit().await;
    let new = &again.forms[sent.forms.len()..];
    assert_eq!(new.iter().map(|form| form.outcome).collect::<Vec<_>>(), {
        let dead = Some(Outcome::NotApplied);
        [Some(Outcome::Applied), dead, dead, dead]
    });
    assert!(new[1..].iter().all(|form| form.facilities == 1), "{new:?}");
    assert_eq!(again.rejected.iter().map(|(facility, _)| *facility).collect::<Vec<_>>(), bad);
    assert_eq!(world.line.posts().len() - before, 4);
    world.sandbox.set_bad_cases(&[]);
    assert!(world.submit().await.all_applied());
    all_different(&world.line.posts());
    world.wrote(&world.cells);
}

#[tokio::test]
async fn h14_a_form_of_an_earlier_run_that_is_rejected_is_dead_too() {
    let world = World::approved(40, 10, 1000).await;
    let bad = world.cells[4];
    world.line.set(|asked| if asked.has(RECEIVER) { Mishap::Swallowed(AT_ONCE) } else { Mishap::Pass });
    assert_eq!(counts(&world.submit().await), [0, 0, 0, 10]);
    let unknown = world.line.posts().len();
    world.line.mend();
    world.sandbox.set_bad_case(Some(&world.case_id(bad)));
    let sent = world.submit().await;
    // Its cells wait for a new count; what came of it is said.
    assert_eq!((counts(&sent), world.line.posts().len()), ([0, 0, 10, 0], unknown + 1));
    assert!(sent.note.unwrap().contains("IllegalCaseId"));
    assert_eq!(world.to_send().await, world.cells);
    let sent = world.submit().await;
    assert_eq!((counts(&sent), sent.rejected.len()), ([9, 0, 1, 0], 1));
    let (dead, later) = (&world.line.posts()[0], &world.line.posts()[unknown + 1..]);
    assert!(!later.contains(dead), "dead bytes are never sent again");
    all_different(later);
}

#[tokio::test]
async fn h15_a_lock_longer_than_15_minutes_is_waited_out_with_the_same_bytes() {
    let world = World::approved(40, 10, 1000).await;
    let (sandbox, start) = (world.sandbox.clone(), world.time.now());
    sandbox.set_receiver(Receiving::Locked);
    world.line.set(move |asked| {
        if asked.at.duration_since(start).as_mins() >= 16 {
            sandbox.set_receiver(Receiving::Open);
        }
        Mishap::Pass
    });
    let (sent, told) = world.submit_told(steering()).await;
    assert!(sent.all_applied() && sent.pause.is_none(), "{sent:?}");
    assert!(told.iter().any(|(_, told)| told.pause.as_ref().is_some_and(|pause| pause.why.contains("locked"))));
    let posts = world.line.posts();
    assert!(posts.len() > 4 && posts.iter().all(|post| *post == posts[0]));
    assert_eq!(world.time.slept()[..6], [15, 30, 60, 120, 240, 300].map(Duration::from_secs));
    world.wrote(&world.cells);
}

#[tokio::test]
async fn h15_a_lock_that_never_ends_leaves_the_form_unknown_and_409_is_treated_alike() {
    for status in [409, 423] {
        let world = World::approved(40, 20, 10).await;
        world.line.set(move |asked| {
            if asked.has(RECEIVER) {
                Mishap::Say(status, Vec::new(), "XFormLockError: x".to_owned())
            } else {
                Mishap::Pass
            }
        });
        let sent = world.submit().await;
        assert_eq!((counts(&sent), sent.waiting), ([0, 0, 0, 10], 10), "{status}");
        assert!(sent.note.unwrap().contains("form 1 is UNKNOWN"));
        assert!(world.time.passed() > Duration::from_mins(15), "{status}: {:?}", world.time.passed());
        world.line.mend();
        assert_eq!(counts(&world.submit().await), [20, 0, 0, 0], "{status}");
        world.wrote(&world.cells);
    }
}

/// The seconds of the pauses between tries.
fn pauses(world: &World) -> Vec<u64> {
    world.time.slept().iter().map(Duration::as_secs).collect()
}

#[tokio::test]
async fn h16_it_waits_as_long_as_it_takes_and_says_until_when() {
    waited_out(Receiving::SlowDown, "asked to slow down (429)").await;
}

#[tokio::test]
async fn h17_a_project_that_is_moved_is_waited_for_as_long_as_it_takes() {
    waited_out(Receiving::Migrating, "(503)").await;
}

/// Closed for an hour: the same bytes go again and again until they are taken, and each pause is told.
async fn waited_out(closed: Receiving, why: &str) {
    let world = World::approved(40, 10, 1000).await;
    let (sandbox, start) = (world.sandbox.clone(), world.time.now());
    sandbox.set_receiver(closed);
    world.line.set(move |asked| {
        if asked.at.duration_since(start).as_mins() >= 60 {
            sandbox.set_receiver(Receiving::Open);
        }
        Mishap::Pass
    });
    let (sent, told) = world.submit_told(steering()).await;
    assert!(sent.all_applied() && sent.pause.is_none() && sent.note.is_none(), "{sent:?}");
    let pauses = pauses(&world);
    assert!(pauses.starts_with(&[15, 30, 60, 120, 240]) && pauses[5..].iter().all(|pause| *pause == 300));
    let said: Vec<&Pausing> = told.iter().filter_map(|(_, told)| told.pause.as_ref()).collect();
    assert!(said.iter().all(|pause| pause.why.contains(why) && pause.why.contains("form 1")), "{said:?}");
    let (at, first) = told.iter().find(|(_, told)| told.pause.is_some()).unwrap();
    let words = first.pause.as_ref().unwrap().words(*at);
    assert!(words.ends_with("the same bytes are sent again in 15 s"), "{words}");
    assert!(said.iter().map(|pause| pause.until).collect::<BTreeSet<_>>().len() >= pauses.len() - 1, "each is told");
    assert!(told.iter().all(|(_, told)| told.unknown + told.applied + told.accepted + told.waiting <= 10));
    let posts = world.line.posts();
    assert!(posts.len() == pauses.len() + 1 && posts.iter().all(|post| *post == posts[0]));
    world.wrote(&world.cells);
}

#[tokio::test]
async fn h16_a_time_that_is_named_is_kept_to() {
    let world = World::approved(40, 10, 1000).await;
    world.line.set(|asked| {
        if asked.has(RECEIVER) && asked.forms <= 2 {
            Mishap::Say(429, vec![("retry-after", "7.25".to_owned())], String::new())
        } else {
            Mishap::Pass
        }
    });
    assert!(world.submit().await.all_applied());
    assert_eq!(world.time.slept()[..2], [Duration::from_millis(7250); 2]);
}

#[tokio::test]
async fn h16_a_wait_can_be_left_and_the_same_call_goes_on() {
    left(Receiving::SlowDown).await;
}

#[tokio::test]
async fn h17_a_wait_for_a_project_that_is_moved_can_be_left_too() {
    left(Receiving::Migrating).await;
}

/// Left in the eighth wait; another run goes on with the same bytes.
async fn left(closed: Receiving) {
    let world = World::approved(40, 20, 10).await;
    world.sandbox.set_receiver(closed);
    let (steering, mut waits) = (steering(), BTreeSet::new());
    let stop = steering.stop.clone();
    let leave = |told: &Sending| {
        waits.extend(told.pause.as_ref().map(|pause| pause.until));
        if waits.len() == 8 {
            stop.cancel();
        }
    };
    let (sent, _) = world.submit_watched(steering, leave).await;
    assert_eq!(world.line.posts().len(), 8, "{closed:?}: left in a wait, not at its end");
    assert_eq!((counts(&sent), sent.waiting, &sent.pause), ([0, 0, 0, 10], 10, &None), "{closed:?}");
    assert_eq!(sent.forms[0].outcome, Some(Outcome::Frozen), "nothing was taken");
    assert!(sent.note.as_ref().unwrap().contains("Submit again"), "{sent:?}");
    assert!(world.sandbox.effects().is_empty());
    world.sandbox.set_receiver(Receiving::Open);
    let sent = world.submit().await;
    assert_eq!((counts(&sent), sent.forms.len()), ([20, 0, 0, 0], 2));
    let posts = world.line.posts();
    assert!(posts[..posts.len() - 1].iter().all(|post| *post == posts[0]), "the same bytes");
    world.wrote(&world.cells);
}

#[tokio::test]
async fn h18_a_blocked_project_stops_at_once() {
    let world = World::approved(40, 20, 10).await;
    world.sandbox.set_receiver(Receiving::Blocked);
    let sent = world.submit().await;
    assert_eq!((counts(&sent), sent.waiting, world.line.posts().len()), ([0, 0, 10, 0], 10, 1));
    let note = sent.note.unwrap();
    assert!(note.contains("blocked the project") && note.contains("support"), "{note}");
    assert_eq!(world.time.passed(), AT_ONCE, "no wait");
    world.sandbox.set_receiver(Receiving::Open);
    assert_eq!(counts(&world.submit().await), [20, 0, 0, 0]);
}

#[tokio::test]
async fn h19_what_is_too_large_goes_on_in_hundreds_and_in_halves_where_need_be() {
    for (fit, expected) in [(110, vec![230, 100, 100, 30]), (60, vec![230, 100, 50, 50, 50, 50, 30])] {
        let world = World::approved(260, 230, 1000).await;
        let whole = world.session.forms_now("importer@example.org").await.unwrap().remove(0).len();
        world.sandbox.set_receiver(Receiving::TooLarge(whole * fit / 230));
        let sent = world.submit().await;
        assert_eq!((counts(&sent), sizes(&sent)), ([230, 0, 0, 0], expected), "{fit}");
        assert!(sent.note.is_none() && sent.rejected.is_empty(), "{sent:?}");
        assert!(sent.forms[0].answer.as_ref().unwrap().contains("too large"), "{sent:?}");
        all_different(&world.line.posts());
        world.wrote(&world.cells);
    }
}

#[tokio::test]
async fn h19_where_not_even_one_facility_fits_it_stops_and_changes_nothing() {
    let world = World::approved(20, 4, 1000).await;
    world.sandbox.set_receiver(Receiving::TooLarge(10));
    let sent = world.submit().await;
    let note = sent.note.clone().unwrap();
    assert!(sent.applied == 0 && note.contains("not even one facility can be sent"), "{note}");
    assert_eq!(sizes(&sent)[..3], [4, 2, 1]);
    assert!(world.sandbox.effects().is_empty() && world.to_send().await == world.cells);
}

#[tokio::test]
async fn h19_after_a_gateway_lost_patience_that_form_is_settled_first_and_the_rest_goes_in_hundreds() {
    for (status, arrives) in [(502, true), (504, true), (504, false)] {
        let world = World::approved(260, 230, 110).await;
        world.line.set(move |asked| {
            if asked.has(RECEIVER) && asked.forms == 1 {
                let page = "<html>Gateway Timeout</html>".to_owned();
                if arrives { Mishap::Instead(status, page) } else { Mishap::Say(status, Vec::new(), page) }
            } else {
                Mishap::Pass
            }
        });
        let sent = world.submit().await;
        assert_eq!((counts(&sent), sizes(&sent)), ([230, 0, 0, 0], vec![110, 100, 10, 10]), "{status}");
        let posts = world.line.posts();
        assert!(posts.len() == 5 && posts[0] == posts[1], "{status}: the same bytes before anything else");
        all_different(&posts[1..]);
        let applied = world.sandbox.forms().iter().filter(|form| form.fate == Fate::Applied).count();
        assert_eq!(applied, 4, "{status}");
        world.wrote(&world.cells);
    }
}

#[tokio::test]
async fn a_crash_and_a_step_after_saving_that_fails_are_settled() {
    let world = World::approved(40, 20, 10).await;
    world.sandbox.set_receiver_for(Receiving::Crashing, 1);
    let sent = world.submit().await;
    assert!(sent.all_applied() && sent.forms.len() == 2, "{sent:?}");
    let posts = world.line.posts();
    assert!(posts.len() == 3 && posts[0] == posts[1], "500: the same bytes, which HQ looks at again");
    world.wrote(&world.cells);

    let world = World::approved(40, 20, 10).await;
    world.sandbox.set_receiver(Receiving::SavedWithError);
    let (sent, told) = world.submit_told(steering()).await;
    assert!(sent.all_applied() && world.line.posts().len() == 2, "{sent:?}");
    assert!(told.iter().any(|(_, told)| told.forms[0].outcome == Some(Outcome::Accepted)));
    assert!(sent.forms[0].answer.as_ref().unwrap().contains("post save"), "{sent:?}");
    world.wrote(&world.cells);
}
