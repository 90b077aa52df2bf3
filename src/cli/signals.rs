//! Ctrl-C and its relatives: each one goes a step further (fault matrix rows K20 and K21).

use tokio_util::sync::CancellationToken;

use super::{exit::Exit, out::say};

/// Cancels `steps` one after the other, one for each interrupt, saying the sentence beside it; one more ends the program.
pub(super) fn on_interrupt(steps: Vec<(CancellationToken, &'static str)>) {
    tokio::spawn(async move {
        let Some(mut interrupts) = Interrupts::listen() else { return };
        for (token, sentence) in steps {
            interrupts.next().await;
            token.cancel();
            say(sentence);
        }
        interrupts.next().await;
        say("left at once; what was written to the review file is safe");
        std::process::exit(Exit::Interrupted.code().into());
    });
}

#[cfg(unix)]
struct Interrupts([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Interrupts {
    fn listen() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let of = |kind| signal(kind).ok();
        Some(Self([of(SignalKind::interrupt())?, of(SignalKind::terminate())?, of(SignalKind::hangup())?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    fn listen() -> Option<Self> {
        Some(Self)
    }

    async fn next(&mut self) {
        // Where no interrupt can be heard, none comes.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
