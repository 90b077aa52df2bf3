//! The loop at rest, the mouse at its door, and the clipboard.

use std::sync::Arc;

use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use onse::{
    domain::plan::Kind,
    tui::{
        Input,
        model::Look,
        msg::{Cmd, Msg},
    },
};

use super::{Slow, frames, opened, performer, session, settle, shows, support, until, with, with_look};

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Input {
    Input::Event(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }))
}

#[tokio::test]
async fn at_rest_nothing_is_drawn_and_no_time_is_asked_for() {
    let slow = Slow::default();
    let (asked, reply) = (Arc::clone(&slow.asked), Arc::clone(&slow.reply));
    let review = opened().await;
    let (_, model) = with(slow, Cmd::Open, async |keys| {
        let reply = reply.lock().unwrap().clone().unwrap();
        // Until it is open there is something to wait for, and a tick is a frame.
        let drawn = frames().len();
        until(|| frames().len() > drawn, "a tick while the file is opened").await;
        reply.send(review).unwrap();
        shows("read; nothing").await;
        for (key, screen) in [("1", "Overview"), ("2", "Properties"), ("3", "Facilities")] {
            keys.press(key);
            shows(screen).await;
            settle().await;
            let (drawn, done) = (frames().len(), asked.lock().unwrap().len());
            settle().await;
            assert_eq!((frames().len(), asked.lock().unwrap().len()), (drawn, done), "{screen}");
        }
        keys.press("q");
    })
    .await;
    // The only thing that wakes the loop by itself.
    assert!(!model.is_working());
}

#[tokio::test]
async fn the_mouse_is_heard_only_where_it_is_wanted_and_only_what_means_something() {
    for wanted in [true, false] {
        let slow = Slow::default();
        let reply = Arc::clone(&slow.reply);
        let review = opened().await;
        let look = Look { mouse: wanted, ..Look::default() };
        with_look(slow, Cmd::Open, look, async |keys| {
            let reply = reply.lock().unwrap().clone().unwrap();
            reply.send(review).unwrap();
            shows("read; nothing").await;
            keys.press("3");
            shows("Facilities row 0").await;
            settle().await;
            let drawn = frames().len();
            for kind in [
                MouseEventKind::Moved,
                MouseEventKind::Up(MouseButton::Left),
                MouseEventKind::Drag(MouseButton::Left),
                MouseEventKind::Down(MouseButton::Right),
                MouseEventKind::ScrollLeft,
            ] {
                keys.send(mouse(kind, 5, 8));
            }
            settle().await;
            assert_eq!(frames().len(), drawn, "nothing of that is ours");
            keys.send(mouse(MouseEventKind::Down(MouseButton::Left), 5, 8));
            settle().await;
            assert_eq!(frames().last().unwrap().contains("row 0 "), !wanted, "{:?}", frames().last());
            let drawn = frames().len();
            for _ in 0..20 {
                keys.send(mouse(MouseEventKind::ScrollDown, 5, 8));
            }
            settle().await;
            assert_eq!(frames().len(), drawn + usize::from(wanted), "queued turns of the wheel are one frame");
            keys.press("q");
        })
        .await;
    }
}

#[tokio::test]
async fn a_text_goes_to_the_terminal_and_a_failure_is_said() {
    let slow = Slow::default();
    let reply = Arc::clone(&slow.reply);
    let review = opened().await;
    let (log, model) = with(slow, Cmd::Open, async |keys| {
        let reply = reply.lock().unwrap().clone().unwrap();
        reply.send(review).unwrap();
        shows("read; nothing").await;
        keys.press("3y");
        shows("copied 1 row (").await;
        reply.send(Msg::Copied(Ok(("refused".to_owned(), "the XML of form 1".to_owned())))).unwrap();
        shows("not copied, the terminal failed: no terminal").await;
        keys.press("q");
    })
    .await;
    assert_eq!(log.iter().filter(|what| **what == "copied").count(), 2);
    assert!(model.leaving);
}

#[tokio::test]
async fn a_form_that_was_sent_is_copied_as_it_was_sent_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    let opened = session.open().await.unwrap();
    let mut ledger = opened.ledger.clone();
    let cell = opened
        .plan
        .cells()
        .find(|cell| opened.plan.kind(*cell) == Kind::Change && opened.plan.severity(*cell).is_none());
    support::approve(&session, &opened.plan, &mut ledger, cell.into_iter().collect()).await;
    support::submit(&session).await.unwrap();
    let xml = session.form_xml(1).await.unwrap();
    assert!(xml.contains("<case ") || xml.contains("<n0:case ") || xml.contains("case_id"), "{xml}");
    let curl = session.form_curl(1, "grace@example.org").await.unwrap();
    for part in [
        "curl ",
        "\"Authorization: ApiKey grace@example.org:$ONSE_COMMCARE_API_KEY\"",
        "-H 'X-Openrosa-Version: 3.0'",
        "-H 'Content-Type: text/xml'",
        "/receiver/api/'",
        "--data-binary",
    ] {
        assert!(curl.contains(part), "{part} is missing in {curl}");
    }
    assert!(!curl.contains(onse::sandbox::COMMCARE_API_KEY), "{curl}");
    assert!(format!("{:#}", session.form_xml(2).await.unwrap_err()).contains("form 2 is not in the file"));
    with(performer(&session), Cmd::Open, async |keys| {
        shows("read; nothing").await;
        keys.press("4Gy");
        shows("copied the request as curl, without secrets, of form 1").await;
        keys.press("Y");
        shows("copied the XML of form 1").await;
        keys.press("q");
    })
    .await;
}
