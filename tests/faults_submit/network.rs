//! Section N as far as sending goes.

use std::time::Duration;

use onse::{domain::outcome::Outcome, job::report::Phase, sandbox::Fate};

use crate::rig::{AT_ONCE, INDEX, Mishap, RECEIVER, VALUES, World, counts, sizes};

#[tokio::test]
async fn n07_a_question_that_is_sent_on_elsewhere_ends_it_before_a_form() {
    for (kind, place) in [
        (INDEX, "http://elsewhere.invalid/cases"),
        (INDEX, "http://sandbox.invalid:8443/a"),
        (INDEX, "https://sandbox.invalid/a"),
        (VALUES, "http://elsewhere.invalid/values"),
    ] {
        let world = World::approved(20, 10, 1000).await;
        let before = world.line.asked("").len();
        world.line.set(move |asked| {
            if asked.has(kind) {
                Mishap::Say(302, vec![("location", place.to_owned())], String::new())
            } else {
                Mishap::Pass
            }
        });
        let sent = world.submit().await;
        let note = sent.note.clone().unwrap();
        let origin = place.rsplit_once('/').unwrap().0;
        assert!(note.contains(origin) && note.contains("sandbox.invalid"), "{place}: {note}");
        assert!(note.contains("stopped before form 1"), "{note}");
        assert!(world.line.asked("")[before..].iter().all(|asked| asked.address != "/cases" && asked.address != "/a"));
        assert_eq!((counts(&sent), sent.phase), ([0; 4], Phase::Ended));
        assert!(world.line.posts().is_empty() && world.to_send().await == world.cells);
    }
}

#[tokio::test]
async fn n08_a_form_that_is_sent_on_is_not_applied_and_never_becomes_a_get() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::approved(20, 10, 5).await;
        let before = world.line.asked("").len();
        world.line.set(move |asked| {
            if asked.has(RECEIVER) {
                Mishap::Say(status, vec![("location", "/a/onse-demo/receiver/".to_owned())], String::new())
            } else {
                Mishap::Pass
            }
        });
        let sent = world.submit().await;
        assert_eq!((counts(&sent), sizes(&sent)), ([0, 0, 5, 0], vec![5, 5]), "{status}");
        assert_eq!(sent.forms[1].outcome, None, "{status}: no further form");
        let note = sent.note.unwrap();
        assert!(note.contains(&status.to_string()) && note.contains("Nothing of it changed"), "{note}");
        let asked = world.line.asked(RECEIVER);
        assert!(asked.len() == 1 && asked[0].method == "POST", "{asked:?}");
        assert!(world.line.asked("")[before..].iter().all(|asked| !asked.address.ends_with("/receiver/")));
        world.wrote(&[]);
        world.line.mend();
        assert!(world.to_send().await == world.cells && world.submit().await.applied == 10);
        world.wrote(&world.cells);
    }
}

#[tokio::test]
async fn n17_without_an_answer_in_time_the_same_bytes_go_again_and_are_read_back() {
    for times in [1, 3] {
        let world = World::approved(20, 10, 1000).await;
        world.line.set(move |asked| {
            if asked.has(RECEIVER) && asked.forms <= times {
                Mishap::Lost(Duration::from_mins(5))
            } else {
                Mishap::Pass
            }
        });
        let (sent, told) = world.submit_told(crate::support::steering()).await;
        assert!(sent.all_applied() && sent.applied == 10, "{sent:?}");
        assert!(told.iter().any(|(_, told)| counts(told) == [0, 0, 0, 10]), "UNKNOWN meanwhile");
        assert!(told.iter().all(|(_, told)| told.not_applied == 0));
        let posts = world.line.posts();
        // Before the fourth try a minute has passed, so the cases are looked at, and they settle it.
        assert!(posts.len() == (times + 1).min(3) && posts.iter().all(|post| *post == posts[0]), "{times}");
        world.wrote(&world.cells);
        assert_eq!(world.outcomes().await, [(Outcome::Applied, 10)].into());
    }
}

#[tokio::test]
async fn n17_a_form_that_never_gets_an_answer_is_settled_by_reading() {
    let world = World::approved(20, 10, 5).await;
    world.line.set(|asked| if asked.has(RECEIVER) { Mishap::Lost(AT_ONCE) } else { Mishap::Pass });
    let sent = world.submit().await;
    assert_eq!((counts(&sent), sent.waiting, sizes(&sent)), ([10, 0, 0, 0], 0, vec![5, 5]));
    assert!(sent.all_applied(), "the cases told, when a minute was waited for");
    assert_eq!(world.sandbox.forms().iter().filter(|form| form.fate == Fate::Applied).count(), 2);
    let posts = world.line.posts();
    assert!(posts.len() == 6 && posts[..3].iter().all(|post| *post == posts[0]), "three tries each");
    world.wrote(&world.cells);
}

#[tokio::test]
async fn n18_what_hq_took_before_the_line_broke_takes_effect_once() {
    let world = World::approved(20, 10, 1000).await;
    world.line.set(|asked| if asked.has(RECEIVER) && asked.forms == 1 { Mishap::Lost(AT_ONCE) } else { Mishap::Pass });
    let sent = world.submit().await;
    assert!(sent.all_applied());
    assert_eq!(sent.forms[0].answer.as_deref(), Some("recognised as sent before"));
    let forms = world.sandbox.forms();
    assert_eq!(forms.len(), 2);
    assert!(forms[1].fate == Fate::Duplicate(forms[0].id.clone()) && forms[1].bytes == forms[0].bytes);
    assert_eq!(Some(&forms[0].id), sent.forms[0].form_id.as_ref());
    world.wrote(&world.cells);
}

#[tokio::test]
async fn n19_of_a_form_that_a_proxy_delivers_twice_one_takes_effect() {
    for first in [true, false] {
        let world = World::approved(20, 10, 1000).await;
        world.line.set(move |asked| if asked.has(RECEIVER) { Mishap::Twice { first } } else { Mishap::Pass });
        let sent = world.submit().await;
        assert!(sent.all_applied() && sent.note.is_none(), "{sent:?}");
        assert_eq!(sent.forms[0].answer.is_none(), first, "the second is told as known");
        let fates: Vec<Fate> = world.sandbox.forms().into_iter().map(|form| form.fate).collect();
        assert_eq!(fates, [Fate::Applied, Fate::Duplicate(sent.forms[0].form_id.clone().unwrap())]);
        world.wrote(&world.cells);
    }
}

#[tokio::test]
async fn n20_after_hours_of_sleep_both_sides_are_read_again_before_the_next_form() {
    let world = World::approved(30, 20, 10).await;
    let (by_phone, in_dhis2) = (world.cells[12], world.cells[15]);
    // What others do while the lid is closed.
    let night = {
        let (by_phone, in_dhis2) = (world.edits(by_phone, "987654"), world.edits_total(in_dhis2, 7));
        move || (by_phone(), in_dhis2())
    };
    let mut slept = false;
    world.line.set(move |asked| {
        if asked.forms == 1 && asked.has(VALUES) && !slept {
            slept = true;
            night();
            Mishap::Swallowed(Duration::from_hours(3))
        } else {
            Mishap::Pass
        }
    });
    let sent = world.submit().await;
    let held: Vec<_> = sent.held.iter().map(|held| held.cell).collect();
    assert_eq!((held, counts(&sent)), (vec![by_phone, in_dhis2], [18, 0, 0, 0]));
    assert!(world.time.passed() > Duration::from_hours(3));
    let awake = |asked: &crate::rig::Asked| asked.at.duration_since(crate::support::clock()).as_hours() >= 3;
    let all: Vec<_> = world.line.asked("").into_iter().filter(awake).collect();
    let first = |word: &str| all.iter().position(|asked| asked.has(word)).unwrap();
    assert!(first(VALUES) < first(INDEX) && first(INDEX) < first(RECEIVER), "read again, then sent");
    let expected: Vec<_> = world.cells.iter().copied().filter(|cell| ![by_phone, in_dhis2].contains(cell)).collect();
    world.wrote(&expected);
    assert_eq!(world.now(by_phone).as_deref(), Some("987654"));
}

#[tokio::test]
async fn n21_without_a_network_between_forms_it_stops_and_goes_on_later() {
    let world = World::approved(30, 20, 10).await;
    world.line.set(|asked| if asked.forms >= 1 && asked.has("/dhis2/") { Mishap::NotSent } else { Mishap::Pass });
    let sent = world.submit().await;
    assert_eq!((counts(&sent), sent.waiting, sent.changes), ([10, 0, 0, 0], 10, 20));
    let note = sent.note.clone().unwrap();
    assert!(
        note.contains("stopped before form 2") && note.contains("unreachable") && note.contains("3 tries"),
        "{note}"
    );
    assert_eq!(world.to_send().await, world.cells[10..]);
    assert!(world.resets().is_empty(), "what could not be read again stays approved");
    world.line.mend();
    let sent = world.submit().await;
    assert_eq!((counts(&sent), sent.forms.len(), sent.note), ([20, 0, 0, 0], 2, None));
    world.wrote(&world.cells);
}

#[tokio::test]
async fn n21_a_form_that_could_not_leave_goes_later_with_the_same_bytes() {
    let world = World::approved(60, 30, 10).await;
    world.line.set(|asked| if asked.has(RECEIVER) && asked.forms >= 2 { Mishap::NotSent } else { Mishap::Pass });
    let sent = world.submit().await;
    assert_eq!((counts(&sent), sent.waiting, sizes(&sent)), ([10, 0, 0, 10], 10, vec![10, 10, 10]));
    let outcomes: Vec<_> = sent.forms.iter().map(|form| form.outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::Applied), Some(Outcome::Frozen), None], "applied, not known, pending");
    assert!(sent.note.unwrap().contains("form 2 is made and not taken yet: network is unreachable"));
    assert_eq!(world.line.posts().len(), 1 + 6, "five more tries");
    world.line.mend();
    let sent = world.submit().await;
    assert_eq!((counts(&sent), sent.forms.len()), ([30, 0, 0, 0], 3));
    let posts = world.line.posts();
    assert!(posts[1..8].iter().all(|post| *post == posts[1]), "the same bytes");
    world.wrote(&world.cells);
}
