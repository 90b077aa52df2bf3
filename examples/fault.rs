//! A fault while drawing, on purpose: takes the terminal as the review does, draws one frame, waits for a key, then writes
//! beside the buffer. To see, and to test, that the terminal is given back before anything is said:
//! `cargo run --example fault LOG REVIEW`.

use std::{
    env,
    io::{self, Read},
};

use onse::tui::terminal::{LastWords, Tty, on_panic};
use ratatui::{buffer::Cell, style::Style};

fn main() -> io::Result<()> {
    let mut files = env::args_os().skip(1).map(Into::into);
    on_panic(LastWords { log: files.next(), review: files.next() });
    let (_tty, mut terminal) = Tty::take(true)?;
    terminal.draw(|frame| frame.buffer_mut().set_string(0, 0, "any key breaks this", Style::default()))?;
    io::stdin().read_exact(&mut [0])?;
    terminal.draw(|frame| frame.buffer_mut()[(u16::MAX, u16::MAX)] = Cell::EMPTY)?;
    Ok(())
}
