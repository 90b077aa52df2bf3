//! The review full screen: draws, and turns keys into decisions. It never talks to a server or a file; it asks for that
//! with [`msg::Cmd`], and whoever holds the session does it (see `perform`).

mod asks;
pub mod explorer;
pub mod first;
pub mod hit;
pub mod keymap;
mod keys;
pub mod layout;
mod listed;
pub mod model;
pub mod msg;
pub mod parts;
pub mod perform;
mod reader;
mod rows;
pub mod screen;
pub mod table;
pub mod terminal;
pub mod theme;
pub mod update;

use std::{future::poll_fn, io, task::Poll, time::Duration};

use crossterm::event::{Event, MouseButton, MouseEvent, MouseEventKind};
use futures_util::{Stream, StreamExt};
use ratatui::{Terminal, backend::Backend, buffer::Buffer, layout::Position};
use tokio::sync::mpsc;

use crate::job::report::Level;
use keymap::Press;
use model::Model;
use msg::{Cmd, Mouse, Msg, Now, Signal};

/// Time between two ticks while something runs.
const TICK: Duration = Duration::from_secs(1);
/// How long a frame waits for a decision to be on disk. After that the screen says that it is being saved.
const FRAME: Duration = Duration::from_millis(100);

/// Where answers to commands go.
pub type Replies = mpsc::UnboundedSender<Msg>;

/// Draws a frame; answers where the terminal's cursor belongs, if anywhere.
pub type Draw = fn(&Model, &mut Buffer) -> Option<Position>;

/// What comes from the person's side.
#[derive(Clone, Debug)]
pub enum Input {
    /// A key, the mouse, a paste, another size.
    Event(Event),
    /// A signal.
    Signal(Signal),
    /// The program was stopped from outside and goes on: the terminal has to be taken again.
    Continued,
    /// Nothing more will come: the terminal is gone.
    Lost(String),
}

/// Does what `update` asked for.
pub trait Perform {
    /// Starts it and returns at once; answers go to `reply`.
    fn perform(&mut self, cmd: Cmd, reply: &Replies);

    /// The screen is gone: stops what runs and waits until everything is kept.
    fn finish(&mut self) -> impl Future<Output = ()> + Send;
}

/// The person's side: input, and giving the terminal to the shell for a while. A test has one of its own.
pub trait Seat {
    /// Input as it comes.
    type Input: Stream<Item = Input> + Unpin;

    /// Begins to listen. Dropping it lets go of the keys: a stream that is only not polled may still swallow them.
    fn input(&mut self) -> Self::Input;

    /// Gives the terminal to the shell and returns when it is back.
    fn suspend(&mut self) -> impl Future<Output = io::Result<()>>;

    /// Takes the terminal again after it was taken away from outside.
    fn retake(&mut self) -> io::Result<()>;

    /// Puts a text into the clipboard of the person's terminal. A terminal that does not take it does not say so.
    fn copy(&mut self, text: &str) -> io::Result<()>;
}

/// Rows that one turn of the wheel scrolls.
const TURN: i8 = 3;

/// What of the mouse the application knows: a click with the first button and the wheel. Releases, drags and other buttons
/// are the terminal's business.
fn narrowed(event: MouseEvent) -> Option<Mouse> {
    let (column, line) = (event.column, event.row);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => Some(Mouse::Click(column, line)),
        MouseEventKind::ScrollDown => Some(Mouse::Wheel(column, line, TURN)),
        MouseEventKind::ScrollUp => Some(Mouse::Wheel(column, line, -TURN)),
        _ => None,
    }
}

/// What the loop needs beside the screen.
pub struct Parts<'a, S, P> {
    /// The person's side.
    pub seat: &'a mut S,
    /// Who does the commands.
    pub performer: &'a mut P,
    /// Draws a frame.
    pub draw: Draw,
    /// Asks for the time.
    pub clock: &'a dyn Fn() -> Now,
}

/// Shows the review until the person leaves. `first` is what is asked for at the start, [`Cmd::Open`] or [`Cmd::Read`].
/// Fails where the terminal cannot be drawn on or taken back, as when its window was closed: it is left as on a signal then,
/// and decisions made are kept.
pub async fn run<B, S, P>(
    terminal: &mut Terminal<B>,
    model: &mut Model,
    parts: Parts<'_, S, P>,
    first: Cmd,
) -> anyhow::Result<()>
where
    B: Backend,
    B::Error: std::error::Error + Send + Sync + 'static,
    S: Seat,
    P: Perform,
{
    let (reply, messages) = mpsc::unbounded_channel();
    let mut desk = Desk { terminal, model, parts, reply, messages, changed: true, waited: false, suspending: false };
    let result = desk.go(first).await;
    if let Err(error) = &result {
        tracing::error!("the terminal is gone: {error:#}");
        let _ = desk.take(Msg::Signal(Signal::Terminate));
    }
    desk.parts.performer.finish().await;
    result
}

/// The running loop.
struct Desk<'a, 'b, B: Backend, S, P> {
    terminal: &'a mut Terminal<B>,
    model: &'a mut Model,
    parts: Parts<'b, S, P>,
    reply: Replies,
    messages: mpsc::UnboundedReceiver<Msg>,
    /// Whether a frame has to be drawn.
    changed: bool,
    /// Whether a frame's time has gone by since a decision was sent to disk.
    waited: bool,
    /// Whether the terminal is to be given to the shell.
    suspending: bool,
}

impl<B, S, P> Desk<'_, '_, B, S, P>
where
    B: Backend,
    B::Error: std::error::Error + Send + Sync + 'static,
    S: Seat,
    P: Perform,
{
    async fn go(&mut self, first: Cmd) -> anyhow::Result<()> {
        self.parts.performer.perform(first, &self.reply);
        let mut input = self.parts.seat.input();
        loop {
            // Everything queued is handled before drawing, so that a key held down never piles up frames.
            while let Ok(msg) = self.messages.try_recv() {
                self.take(msg)?;
            }
            while self.listens() && !self.suspending && !self.model.leaving {
                // Polled as this task: a stream of keys may keep the first waker it is given and never another.
                let Poll::Ready(next) = poll_fn(|cx| Poll::Ready(input.poll_next_unpin(cx))).await else { break };
                self.hear(next)?;
            }
            if self.model.leaving {
                // A last frame for the person who is there; a closed window shows none.
                let _ = self.draw();
                return Ok(());
            }
            if std::mem::take(&mut self.suspending) {
                drop(input);
                self.parts.seat.suspend().await?;
                self.blank()?;
                self.take(Msg::Resumed)?;
                input = self.parts.seat.input();
            }
            if self.listens() {
                self.draw()?;
            }
            tokio::select! {
                biased;
                Some(msg) = self.messages.recv() => self.take(msg)?,
                next = input.next(), if self.listens() => self.hear(next)?,
                () = tokio::time::sleep(FRAME), if !self.listens() => (self.waited, self.changed) = (true, true),
                () = tokio::time::sleep(TICK), if self.model.is_working() => self.take(Msg::Tick)?,
            }
        }
    }

    /// Whether keys are taken and frames drawn. Not while a decision is on its way to the disk: it is saved before it is
    /// shown, and no key is lost by waiting. A disk that does not answer within a frame stops nothing but decisions.
    fn listens(&self) -> bool {
        self.waited || !self.model.review.as_ref().is_some_and(model::Review::is_saving)
    }

    fn hear(&mut self, next: Option<Input>) -> anyhow::Result<()> {
        let msg = match next {
            Some(Input::Event(Event::Key(event))) => Press::from_event(event).map(Msg::Key),
            Some(Input::Event(Event::Paste(text))) => Some(Msg::Paste(text)),
            Some(Input::Event(Event::Resize(width, height))) => {
                // A window that shrank and grew again has lost what stood at its edges, whatever its size is now.
                self.blank()?;
                Some(Msg::Resize(width, height))
            }
            Some(Input::Event(Event::Mouse(event))) if self.model.look.mouse => narrowed(event).map(Msg::Mouse),
            Some(Input::Event(_)) => None,
            Some(Input::Signal(signal)) => Some(Msg::Signal(signal)),
            Some(Input::Continued) => {
                self.parts.seat.retake()?;
                self.blank()?;
                Some(Msg::Resumed)
            }
            Some(Input::Lost(why)) => {
                tracing::error!("the terminal is gone: {why}");
                Some(Msg::Signal(Signal::Terminate))
            }
            None => Some(Msg::Signal(Signal::Terminate)),
        };
        msg.map_or(Ok(()), |msg| self.take(msg))
    }

    fn take(&mut self, msg: Msg) -> anyhow::Result<()> {
        self.changed = true;
        for cmd in update::update(self.model, msg, &(self.parts.clock)()) {
            match cmd {
                Cmd::Suspend => self.suspending = true,
                Cmd::Redraw => self.blank()?,
                // The model says so too; the loop ends once everything queued was handed on.
                Cmd::Quit => {}
                Cmd::Copy(text) => {
                    if let Err(error) = self.parts.seat.copy(&text) {
                        self.take(Msg::Note(Level::Stop, format!("not copied, the terminal failed: {error}")))?;
                    }
                }
                Cmd::Record(_) => {
                    self.waited = false;
                    self.parts.performer.perform(cmd, &self.reply);
                }
                cmd => self.parts.performer.perform(cmd, &self.reply),
            }
        }
        Ok(())
    }

    /// Makes the next frame draw every character. `Terminal::clear` is not used: it asks the terminal for its cursor, and the
    /// answer would come among the keys.
    fn blank(&mut self) -> anyhow::Result<()> {
        let size = self.terminal.size()?;
        Ok(self.terminal.resize((Position::ORIGIN, size).into())?)
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        if !std::mem::take(&mut self.changed) {
            return Ok(());
        }
        let size = self.terminal.size()?;
        if (size.width, size.height) != self.model.size {
            self.take(Msg::Resize(size.width, size.height))?;
            self.changed = false;
        }
        let (draw, model) = (self.parts.draw, &*self.model);
        self.terminal.draw(|frame| {
            if let Some(caret) = draw(model, frame.buffer_mut()) {
                frame.set_cursor_position(caret);
            }
        })?;
        Ok(())
    }
}
