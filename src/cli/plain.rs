//! Where the commands hand over to the review in lines: when it is chosen, who types, and what its end means.

use std::{
    io::{self, BufRead as _},
    thread,
};

use anyhow::Result;
use tokio::sync::mpsc;

use super::{
    exit::usage,
    here::{Here, Seen},
    out::say,
    screen::{Left, Opening, env, look},
    signals::Signals,
};
use crate::{
    domain::caseblock::USERNAME,
    plain::{self, Seat},
    tui::terminal,
};

/// How the review is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Full screen.
    Screen,
    /// In lines.
    Lines,
}

/// Lines where they are asked for, and where the terminal cannot be drawn on; without a terminal only where they are asked for.
/// Asked before anything is asked of a server.
pub(super) fn way(plain: bool, instead: &str) -> Result<Way> {
    if plain {
        return Ok(Way::Lines);
    }
    if !terminal::is_there() {
        return Err(usage(format!(
            "the review needs a terminal on both sides; --plain prints it in lines to look at, and {instead}"
        )));
    }
    let term = env("TERM");
    let term = term.as_ref().map(|term| term.to_string_lossy());
    if terminal::can_draw(term.as_deref()) {
        return Ok(Way::Screen);
    }
    say("this terminal cannot be drawn on (TERM), so the review goes in lines, as with --plain");
    Ok(Way::Lines)
}

/// Shows the review in lines until the person leaves, or no line comes any more.
pub(super) async fn lines(here: &Here, opening: Opening) -> Result<Left> {
    let Opening { session, ask, opened, run, said, .. } = opening;
    if let Some(said) = said {
        say(&said);
    }
    let person = terminal::is_there();
    let nobody =
        "interactive approval is refused where standard input and output are no terminal; onse decide is for scripts";
    let refuses = run.read_only.or_else(|| (!person).then(|| nobody.to_owned()));
    let username = if run.account.is_empty() { USERNAME.to_owned() } else { run.account };
    // Settings that are wrong stop a review before it is opened; the demo needs none.
    let seen = here.seen().unwrap_or_else(|error| {
        say(&format!("the settings are not used: {error:#}"));
        Seen::default()
    });
    let opening = plain::Opening {
        session,
        ask,
        fresh: opened.is_none(),
        username,
        not_again: run.not_again,
        refuses,
        person,
        ascii: look(seen.look, here.global.color, &env).ascii,
    };
    let (mut out, mut tell) = (io::stdout(), say);
    let seat = Seat { lines: typed(), signals: signals(), out: &mut out, tell: &mut tell };
    let left = Box::pin(plain::run(opening, seat)).await?;
    Ok(match left {
        plain::Left::Done => Left::Done,
        plain::Left::Interrupted => Left::Interrupted,
        plain::Left::CutShort => Left::CutShort,
        plain::Left::Unread => Left::Unread,
        plain::Left::Refused => Left::Refused,
    })
}

/// Lines of standard input, read by a thread of its own: one that waits for a line holds up nobody.
fn typed() -> mpsc::UnboundedReceiver<String> {
    let (to, lines) = mpsc::unbounded_channel();
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut bytes = Vec::new();
        while input.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            bytes.clear();
            if to.send(text).is_err() {
                return;
            }
        }
    });
    lines
}

fn signals() -> mpsc::UnboundedReceiver<plain::Signal> {
    let (to, signals) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let Some(mut heard) = Signals::listen() else { return };
        loop {
            let signal =
                if heard.next_is_interrupt().await { plain::Signal::Interrupt } else { plain::Signal::Terminate };
            if to.send(signal).is_err() {
                return;
            }
        }
    });
    signals
}
