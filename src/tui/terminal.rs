//! The real terminal: taken step by step, given back in reverse on leaving, panic, suspend and signal. Its input and the
//! signals of the operating system as one stream. Nothing is drawn here.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::Context;
use crossterm::{
    cursor,
    event::{DisableBracketedPaste, EnableBracketedPaste, EventStream},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use futures_util::{Stream, StreamExt, stream};
use ratatui::{Terminal, backend::CrosstermBackend};

use crate::domain::text::inert;

use super::{
    Input, Parts, Perform, Seat,
    model::Model,
    msg::{Cmd, Now},
    run, screen,
};

/// What is taken, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Keys come as they are typed, without echo.
    Raw,
    /// A screen of its own, so that the shell's lines are still there afterwards.
    Screen,
    /// The cursor is hidden.
    Cursor,
    /// A paste comes as one text and not as keys.
    Paste,
}

const STEPS: [Step; 4] = [Step::Raw, Step::Screen, Step::Cursor, Step::Paste];

/// How many steps are taken now. Global, since a panic and a guard must not both give the same thing back.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

fn take(step: Step, out: &mut impl Write) -> io::Result<()> {
    match step {
        Step::Raw => enable_raw_mode(),
        Step::Screen => execute!(out, EnterAlternateScreen),
        Step::Cursor => execute!(out, cursor::Hide),
        Step::Paste => execute!(out, EnableBracketedPaste),
    }
}

fn give(step: Step, out: &mut impl Write) -> io::Result<()> {
    match step {
        Step::Raw => disable_raw_mode(),
        Step::Screen => execute!(out, LeaveAlternateScreen),
        Step::Cursor => execute!(out, cursor::Show),
        Step::Paste => execute!(out, DisableBracketedPaste),
    }
}

/// Takes what is not taken yet.
fn take_all(out: &mut impl Write) -> io::Result<()> {
    for (at, step) in STEPS.into_iter().enumerate().skip(TAKEN.load(Ordering::SeqCst)) {
        // Counted first: a step that failed halfway is given back too, which does no harm.
        TAKEN.store(at + 1, Ordering::SeqCst);
        take(step, out)?;
    }
    Ok(())
}

/// Gives back what is taken, last first. Goes on after a failure, since half a terminal is worse than a lost error.
fn give_all(out: &mut impl Write) {
    for step in STEPS.into_iter().take(TAKEN.swap(0, Ordering::SeqCst)).rev() {
        let _ = give(step, out);
    }
    let _ = out.flush();
}

/// Whether both ends are a terminal, so that the full screen can be shown.
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// What a panic says after the terminal was given back.
#[derive(Clone, Debug, Default)]
pub struct LastWords {
    /// The log file, where there is one.
    pub log: Option<PathBuf>,
    /// The review file, where there is one.
    pub review: Option<PathBuf>,
}

impl LastWords {
    /// The lines for standard error.
    fn say(&self, what: &str) -> String {
        let what: Vec<_> = what.lines().map(inert).collect();
        let mut text = format!("onse stopped because of a fault in the program: {}\n", what.join("\n"));
        if let Some(log) = &self.log {
            text = format!("{text}the log file is {}\n", log.display());
        }
        if let Some(review) = &self.review {
            let file = review.display();
            text = format!("{text}your decisions are saved in {file}; onse review {file} goes on from there\n");
        }
        text
    }
}

/// Makes a panic of this thread give the terminal back first and then say what broke. A panic of another thread only goes to
/// the log: whoever waits for that thread says it on screen.
pub fn on_panic(words: LastWords) {
    let screen = thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        tracing::error!("{}", inert(&info.to_string()));
        if thread::current().id() == screen {
            give_all(&mut io::stdout());
            let _ = io::stderr().write_all(words.say(&info.to_string()).as_bytes());
        }
    }));
}

/// The terminal, taken. Gives it back when dropped.
#[derive(Debug)]
pub struct Tty {
    /// Only [`Tty::take`] makes one.
    _taken: (),
}

impl Tty {
    /// Takes the terminal. Fails where it is none or refuses; then everything is as it was.
    pub fn take() -> io::Result<(Self, Terminal<CrosstermBackend<io::Stdout>>)> {
        let tty = Self { _taken: () };
        take_all(&mut io::stdout())?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok((tty, terminal))
    }
}

/// Shows the review on the terminal until the person leaves; see [`run`]. The terminal is given back however it ends.
pub async fn review<P: Perform>(
    model: &mut Model,
    performer: &mut P,
    clock: &dyn Fn() -> Now,
    words: LastWords,
    first: Cmd,
) -> anyhow::Result<()> {
    on_panic(words);
    let (mut tty, mut terminal) =
        Tty::take().context("cannot take the terminal; onse plan, show, decide and submit need none")?;
    let size = terminal.size()?;
    model.size = (size.width, size.height);
    let parts = Parts { seat: &mut tty, performer, draw: screen::draw, clock };
    run(&mut terminal, model, parts, first).await
}

impl Drop for Tty {
    fn drop(&mut self) {
        give_all(&mut io::stdout());
    }
}

impl Seat for Tty {
    type Input = Pin<Box<dyn Stream<Item = Input> + Send>>;

    fn input(&mut self) -> Self::Input {
        let events = EventStream::new().map(|event| match event {
            Ok(event) => Input::Event(event),
            Err(error) => Input::Lost(error.to_string()),
        });
        // The end of the keys is the end: without them nobody can leave.
        let events = events.chain(stream::once(async { Input::Lost("no more input".to_owned()) }));
        stream::select(signals::all(), events).boxed()
    }

    async fn suspend(&mut self) -> io::Result<()> {
        give_all(&mut io::stdout());
        let stopped = signals::stop().await;
        take_all(&mut io::stdout())?;
        stopped
    }

    fn retake(&mut self) -> io::Result<()> {
        give_all(&mut io::stdout());
        take_all(&mut io::stdout())
    }
}

/// Signals, where there are any.
#[cfg(unix)]
mod signals {
    use std::{io, process::Stdio, time::Duration};

    use futures_util::{Stream, StreamExt, stream};
    use tokio::signal::unix::{SignalKind, signal};

    use super::Input;
    use crate::tui::msg::Signal;

    /// Number of SIGCONT.
    const CONTINUE: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 18 } else { 19 };
    /// Longest wait for a stop that does not come, as in a terminal without a shell that could bring us back.
    const NO_SHELL: Duration = Duration::from_millis(200);

    /// Every signal that is listened to. One that cannot be had is left out and logged.
    pub(super) fn all() -> impl Stream<Item = Input> + Send {
        let kinds = [
            (SignalKind::interrupt(), Input::Signal(Signal::Interrupt)),
            (SignalKind::terminate(), Input::Signal(Signal::Terminate)),
            (SignalKind::hangup(), Input::Signal(Signal::Terminate)),
            (SignalKind::from_raw(CONTINUE), Input::Continued),
        ];
        stream::select_all(kinds.into_iter().filter_map(|(kind, input)| {
            let listener = match signal(kind) {
                Ok(listener) => listener,
                Err(error) => {
                    tracing::warn!("cannot listen to signal {}: {error}", kind.as_raw_value());
                    return None;
                }
            };
            let heard = move |mut listener: tokio::signal::unix::Signal| {
                let input = input.clone();
                async move { listener.recv().await.map(|()| (input, listener)) }
            };
            Some(stream::unfold(listener, heard).boxed())
        }))
    }

    /// Stops this process as ctrl-z does in other programs, and returns when it goes on.
    ///
    /// Without unsafe code a process cannot signal itself, so `kill` does it, to the whole group as the terminal would: a
    /// program that started this one stops too. SIGTSTP and not SIGSTOP: where no shell could bring the group back, the system
    /// ignores it.
    pub(super) async fn stop() -> io::Result<()> {
        let mut goes_on = signal(SignalKind::from_raw(CONTINUE))?;
        let kill = std::process::Command::new("kill").args(["-TSTP", "0"]).stdin(Stdio::null()).status()?;
        if kill.success() {
            // The stop may come a moment after `kill` returned; going on is what is waited for.
            let _ = tokio::time::timeout(NO_SHELL, goes_on.recv()).await;
        }
        Ok(())
    }
}

/// Systems without Unix signals: ctrl-c comes as a key, and there is no shell to go to.
#[cfg(not(unix))]
mod signals {
    use std::io;

    use futures_util::{Stream, stream};

    use super::Input;

    pub(super) fn all() -> impl Stream<Item = Input> + Send {
        stream::pending()
    }

    pub(super) async fn stop() -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_that_writes_is_undone() {
        for step in [Step::Screen, Step::Cursor, Step::Paste] {
            let (mut on, mut off) = (Vec::new(), Vec::new());
            take(step, &mut on).unwrap();
            give(step, &mut off).unwrap();
            let (on, off) = (String::from_utf8(on).unwrap(), String::from_utf8(off).unwrap());
            let turned = if on.ends_with('h') { on.replace('h', "l") } else { on.replace('l', "h") };
            assert_eq!(turned, off, "{step:?}");
        }
    }

    #[test]
    fn the_last_words_name_the_files() {
        let words = LastWords { log: Some("/l/onse.log".into()), review: Some("/r/2026Q2.review".into()) };
        assert!(!words.say("at x:1\nbad name \u{1b}[31m").contains('\u{1b}'));
        let text = words.say("index out of bounds");
        for part in ["index out of bounds", "/l/onse.log", "your decisions are saved in /r/2026Q2.review"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(LastWords::default().say("x").lines().count(), 1);
    }
}
