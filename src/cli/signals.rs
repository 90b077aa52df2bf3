//! Ctrl-C and its relatives: each one goes a step further (fault matrix rows K20 and K21).

use tokio_util::sync::CancellationToken;

use super::{exit::Exit, out::say};

/// Cancels `steps` one after the other, one for each interrupt, saying the sentence beside it; one more ends the program.
pub(super) fn on_interrupt(steps: Vec<(CancellationToken, &'static str)>) {
    tokio::spawn(async move {
        let Some(mut interrupts) = Signals::listen() else { return };
        for (token, sentence) in steps {
            interrupts.next_is_interrupt().await;
            token.cancel();
            say(sentence);
        }
        interrupts.next_is_interrupt().await;
        say("left at once; what was written to the review file is safe");
        std::process::exit(Exit::Interrupted.code().into());
    });
}

#[cfg(unix)]
pub(super) struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    /// `None` where signals cannot be heard.
    pub(super) fn listen() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let of = |kind| signal(kind).ok();
        Some(Self([of(SignalKind::interrupt())?, of(SignalKind::terminate())?, of(SignalKind::hangup())?]))
    }

    /// Waits for the next; answers whether it was an interrupt and not a signal to end.
    pub(super) async fn next_is_interrupt(&mut self) -> bool {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => true,
            _ = terminate.recv() => false,
            _ = hangup.recv() => false,
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// `None` where signals cannot be heard.
    pub(super) fn listen() -> Option<Self> {
        Some(Self)
    }

    /// Waits for the next, which is an interrupt.
    pub(super) async fn next_is_interrupt(&mut self) -> bool {
        // Where no interrupt can be heard, none comes.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        true
    }
}
