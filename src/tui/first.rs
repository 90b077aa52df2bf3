//! The first screen, where there are no settings yet: the demo, the set-up, or out. It knows three keys and no review; what is
//! chosen is done by whoever shows it.

use std::mem::ManuallyDrop;

use anyhow::Context as _;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::StreamExt as _;
use ratatui::{
    Terminal,
    backend::Backend,
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::{
    Input, Seat,
    model::Look,
    msg::Signal,
    parts::{Canvas, wrap},
    terminal::{LastWords, Tty, on_panic},
    theme::{Role, Theme},
};

/// What a person who has nothing yet can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The review of a made-up country.
    Demo,
    /// Being asked for addresses and names.
    SetUp,
    /// Nothing.
    Quit,
    /// The same, by ctrl-c or a signal.
    Interrupted,
}

/// The choices with their keys, in a word and in a sentence.
const CHOICES: [(char, &str, &str); 3] = [
    ('d', "demo", "Look around first: review a made-up country on this machine, without network or credentials."),
    (
        's',
        "set up",
        "Review your own: answer about a dozen questions. Every answer is checked, and nothing is written before you say so.",
    ),
    ('q', "quit", "Leave. Nothing is written."),
];

/// What this program is.
const WHAT: &str =
    "DHIS2 totals against CommCare facility cases: you see old against new, and only what you approve is sent.";

/// Draws the screen; `lacks` says what is not there: a settings file, or a profile in it.
pub fn draw(buf: &mut Buffer, look: Look, lacks: &str) {
    let theme = Theme::new(look.theme, look.ascii);
    let mut canvas = Canvas::new(buf, theme);
    let area = canvas.buf.area;
    canvas.blank(area);
    let margin = if area.width >= 40 { 2 } else { 0 };
    let body = Rect::new(area.x + margin, area.y, area.width.saturating_sub(2 * margin), area.height);
    let roomy = area.height >= 18 && area.width >= 40;
    let none = format!("There are no settings yet: {lacks}.");
    let mut said = vec![("onse", Role::Strong), (WHAT, Role::Text)];
    if roomy {
        said.extend([("", Role::Text), (&none, Role::Dim), ("", Role::Text)]);
    }
    let mut row = u16::from(roomy);
    for (text, role) in said {
        let lines = wrap(text, usize::from(body.width));
        for line in &lines {
            canvas.pen(body, row).put(line, role);
            row = row.saturating_add(1);
        }
        row = row.saturating_add(u16::from(lines.is_empty()));
    }
    choices(&mut canvas, body, row, roomy);
    theme.finish(buf);
}

/// The keys with what they do; in a low window the words alone.
fn choices(canvas: &mut Canvas<'_>, body: Rect, mut row: u16, roomy: bool) {
    /// Columns before the sentences.
    const AT: u16 = 11;
    for (key, word, sentence) in CHOICES {
        let mut pen = canvas.pen(body, row);
        pen.put(&key.to_string(), Role::Key).gap(2).put(word, Role::Strong);
        if !roomy {
            row += 1;
            continue;
        }
        for text in wrap(sentence, usize::from(body.width.saturating_sub(AT))) {
            canvas.pen(body, row).to(AT).put(&text, Role::Text);
            row += 1;
        }
        row += 1;
    }
}

/// What this input chooses; `None` where it is no choice.
pub fn chosen(input: &Input) -> Option<Choice> {
    let key = match input {
        Input::Event(Event::Key(key)) if key.kind == KeyEventKind::Press => key,
        Input::Signal(Signal::Interrupt | Signal::Terminate) | Input::Lost(_) => return Some(Choice::Interrupted),
        _ => return None,
    };
    match (key.code, key.modifiers) {
        (KeyCode::Char('c' | 'd'), KeyModifiers::CONTROL) => Some(Choice::Interrupted),
        (KeyCode::Esc, _) => Some(Choice::Quit),
        (KeyCode::Char(c), KeyModifiers::NONE | KeyModifiers::SHIFT) => match c.to_ascii_lowercase() {
            'd' => Some(Choice::Demo),
            's' => Some(Choice::SetUp),
            'q' => Some(Choice::Quit),
            _ => None,
        },
        _ => None,
    }
}

/// Shows the screen until something is chosen. Fails where the terminal cannot be drawn on or taken back.
pub async fn choose<B, S>(terminal: &mut Terminal<B>, seat: &mut S, look: Look, lacks: &str) -> anyhow::Result<Choice>
where
    B: Backend,
    B::Error: std::error::Error + Send + Sync + 'static,
    S: Seat,
{
    let mut input = seat.input();
    loop {
        terminal.draw(|frame| draw(frame.buffer_mut(), look, lacks))?;
        let Some(next) = input.next().await else { return Ok(Choice::Interrupted) };
        if let Some(choice) = chosen(&next) {
            return Ok(choice);
        }
        match next {
            Input::Event(Event::Key(KeyEvent {
                code: KeyCode::Char('z'),
                modifiers: KeyModifiers::CONTROL,
                kind: KeyEventKind::Press,
                ..
            })) => {
                drop(input);
                seat.suspend().await?;
                input = seat.input();
                again(terminal)?;
            }
            Input::Continued => {
                seat.retake()?;
                again(terminal)?;
            }
            Input::Event(Event::Resize(..)) => again(terminal)?,
            _ => {}
        }
    }
}

/// Makes the next frame draw every character, without asking the terminal where its cursor is.
fn again<B>(terminal: &mut Terminal<B>) -> anyhow::Result<()>
where
    B: Backend,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let size = terminal.size()?;
    Ok(terminal.resize((Position::ORIGIN, size).into())?)
}

/// The same on the real terminal, which is given back however it ends.
pub async fn ask(look: Look, lacks: &str) -> anyhow::Result<Choice> {
    on_panic(LastWords::default());
    let (mut tty, terminal) =
        Tty::take(false).context("cannot take the terminal; onse init and onse demo --plain need less")?;
    // Its end would show the cursor, which is the guard's to do.
    let mut terminal = ManuallyDrop::new(terminal);
    let chosen = choose(&mut terminal, &mut tty, look, lacks).await;
    tty.let_go().await;
    chosen
}
