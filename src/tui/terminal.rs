//! The real terminal: taken step by step, given back in reverse on leaving, panic, suspend and signal. Its input and the
//! signals of the operating system as one stream. Nothing is drawn here.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    mem::ManuallyDrop,
    path::PathBuf,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use anyhow::Context;
use crossterm::{
    Command,
    clipboard::CopyToClipboard,
    cursor,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use futures_util::{Stream, StreamExt, stream};
use ratatui::{Terminal, backend::CrosstermBackend};
use tokio::sync::oneshot;

use crate::domain::text::{inert, shell_word};

use super::{
    Input, Parts, Perform, Seat,
    model::Model,
    msg::{Cmd, Now},
    reader, run, screen,
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
    /// Clicks and the wheel come as input. Last, since it is taken only where it is wanted.
    Mouse,
}

const STEPS: [Step; 5] = [Step::Raw, Step::Screen, Step::Cursor, Step::Paste, Step::Mouse];

/// Asks for clicks and the wheel, with places beyond column 223 (modes 1000 and 1006 of xterm), or no longer. Nothing is
/// asked about a mouse that only moves: over a slow line that would be a stream of bytes for nothing.
struct Clicks(bool);

impl Command for Clicks {
    fn write_ansi(&self, f: &mut impl fmt::Write) -> fmt::Result {
        f.write_str(if self.0 { "\x1b[?1000h\x1b[?1006h" } else { "\x1b[?1006l\x1b[?1000l" })
    }

    #[cfg(windows)]
    fn execute_winapi(&self) -> io::Result<()> {
        use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
        if self.0 { EnableMouseCapture.execute_winapi() } else { DisableMouseCapture.execute_winapi() }
    }

    #[cfg(windows)]
    fn is_ansi_code_supported(&self) -> bool {
        false
    }
}

/// How many steps are taken now. Global, since a panic and a guard must not both give the same thing back.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

fn take(step: Step, out: &mut impl Write) -> io::Result<()> {
    match step {
        Step::Raw => enable_raw_mode(),
        Step::Screen => execute!(out, EnterAlternateScreen),
        Step::Cursor => execute!(out, cursor::Hide),
        Step::Paste => execute!(out, EnableBracketedPaste),
        Step::Mouse => execute!(out, Clicks(true)),
    }
}

fn give(step: Step, out: &mut impl Write) -> io::Result<()> {
    match step {
        Step::Raw => disable_raw_mode(),
        Step::Screen => execute!(out, LeaveAlternateScreen),
        Step::Cursor => execute!(out, cursor::Show),
        Step::Paste => execute!(out, DisableBracketedPaste),
        Step::Mouse => execute!(out, Clicks(false)),
    }
}

/// Takes what is not taken yet, the mouse only where it is wanted.
fn take_all(out: &mut impl Write, mouse: bool) -> io::Result<()> {
    let wanted = STEPS.into_iter().filter(|step| mouse || *step != Step::Mouse);
    for (at, step) in wanted.enumerate().skip(TAKEN.load(Ordering::SeqCst)) {
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

/// Whether a terminal of this kind (`TERM`) can be drawn on. One without a name cannot, but on Windows none has one.
pub fn can_draw(term: Option<&str>) -> bool {
    match term {
        None | Some("") => cfg!(windows),
        Some(term) => term != "dumb",
    }
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
            let (file, again) = (review.display(), shell_word(&review.display().to_string()));
            text = format!("{text}your decisions are saved in {file}; onse review {again} goes on from there\n");
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
    /// Says when the reader of the keys begun last is done with them.
    let_go: Option<oneshot::Receiver<()>>,
    /// Whether the mouse is listened to.
    mouse: bool,
}

/// Longest wait for the reader of the keys to be done with them. A terminal that is there takes no time at all.
const LET_GO: Duration = Duration::from_millis(500);

impl Tty {
    /// Takes the terminal, with the mouse where it is wanted. Fails where it is none or refuses; then everything is as it was.
    pub fn take(mouse: bool) -> io::Result<(Self, Terminal<CrosstermBackend<io::Stdout>>)> {
        let tty = Self { let_go: None, mouse };
        take_all(&mut io::stdout(), mouse)?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok((tty, terminal))
    }

    /// Waits until nobody takes the keys any more, so that the shell gets what is typed from now on. The stream of keys must
    /// have been dropped.
    pub(super) async fn let_go(&mut self) {
        if let Some(let_go) = self.let_go.take() {
            let _ = tokio::time::timeout(LET_GO, let_go).await;
        }
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
    let (mut tty, terminal) = Tty::take(model.look.mouse)
        .context("cannot take the terminal; onse plan, show, decide and submit need none")?;
    // Its end would show the cursor, which is the guard's to do, and panic where the window was closed meanwhile.
    let mut terminal = ManuallyDrop::new(terminal);
    let size = terminal.size()?;
    model.size = (size.width, size.height);
    let parts = Parts { seat: &mut tty, performer, draw: screen::draw, clock };
    let left = run(&mut terminal, model, parts, first).await;
    tty.let_go().await;
    left
}

impl Drop for Tty {
    fn drop(&mut self) {
        give_all(&mut io::stdout());
    }
}

impl Seat for Tty {
    type Input = Pin<Box<dyn Stream<Item = Input> + Send>>;

    fn input(&mut self) -> Self::Input {
        let (keys, let_go) = reader::keys();
        self.let_go = Some(let_go);
        // The end of the keys is the end: without them nobody can leave.
        let keys = keys.chain(stream::once(async { Input::Lost("no more input".to_owned()) }));
        stream::select(signals::all(), keys).boxed()
    }

    async fn suspend(&mut self) -> io::Result<()> {
        self.let_go().await;
        give_all(&mut io::stdout());
        let stopped = signals::stop().await;
        take_all(&mut io::stdout(), self.mouse)?;
        stopped
    }

    fn retake(&mut self) -> io::Result<()> {
        give_all(&mut io::stdout());
        take_all(&mut io::stdout(), self.mouse)
    }

    /// By OSC 52, which is the terminal's to take or to ignore and works over ssh. tmux hands it on where `set-clipboard` says so.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
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
        for step in [Step::Screen, Step::Cursor, Step::Paste, Step::Mouse] {
            let (mut on, mut off) = (Vec::new(), Vec::new());
            take(step, &mut on).unwrap();
            give(step, &mut off).unwrap();
            let (on, off) = (String::from_utf8(on).unwrap(), String::from_utf8(off).unwrap());
            let turned = if on.ends_with('h') { on.replace('h', "l") } else { on.replace('l', "h") };
            let parts = |text: &str| text.split('\x1b').map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
            assert_eq!(parts(&turned), parts(&off), "{step:?}");
        }
    }

    #[test]
    fn v04_a_dumb_terminal_cannot_be_drawn_on() {
        if cfg!(not(windows)) {
            assert!(!can_draw(None) && !can_draw(Some("")) && !can_draw(Some("dumb")));
        }
        assert!(
            ["vt100", "xterm", "xterm-256color", "tmux-256color", "linux"].into_iter().all(|term| can_draw(Some(term)))
        );
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
