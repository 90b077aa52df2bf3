//! Asking at the terminal, one line at a time, shown or not. A secret typed here is kept but in the type that prints `***`.

use std::io::{Write as _, stderr};

use anyhow::{Result, bail};
use crossterm::{
    cursor::MoveToColumn,
    event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read},
    queue,
    terminal::{Clear, ClearType, disable_raw_mode, enable_raw_mode, size},
};
use tui_input::{Input, InputRequest};

use super::exit::{Exit, refused};
use crate::{domain::text::inert, io::http::Secret};

/// Raw mode for as long as it lives, so that it is given back however the asking ends.
struct Raw;

impl Raw {
    fn take() -> Result<Self> {
        enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back where the asking is left by a signal.
pub(super) fn give_back() {
    let _ = disable_raw_mode();
}

/// Asks for a secret. Fails with exit code 130 on ctrl-c, and where nothing was typed.
pub(super) fn secret(what: &str) -> Result<Secret> {
    let Some(typed) = asked(&format!("{what} (not shown): "), None, &mut read_event)? else {
        return Err(refused(Exit::Interrupted, "stopped; nothing was asked of a server"));
    };
    if typed.is_empty() {
        bail!("nothing was typed; nothing was asked of a server");
    }
    Ok(Secret::new(typed))
}

/// Asks for a line after a sign of its own. `before` can be fetched with the arrow up, to be mended; `None` shows nothing of what
/// is typed. `None` where the person stopped with ctrl-c or ctrl-d.
pub(super) fn line(before: Option<&str>) -> Result<Option<String>> {
    asked("> ", before, &mut read_event)
}

fn read_event() -> Result<Event> {
    Ok(read()?)
}

fn asked(sign: &str, before: Option<&str>, next: &mut dyn FnMut() -> Result<Event>) -> Result<Option<String>> {
    let typed = {
        // Before the sign: whoever answers at once must not see the answer.
        let _raw = Raw::take()?;
        let shows = before.is_some();
        typed(before.unwrap_or_default(), next, &mut |input| show(sign, input, shows))
    };
    let _ = writeln!(stderr());
    typed
}

/// Draws the line again: of a long one the part around the cursor. Nothing can be done about a terminal that does not take it.
fn show(sign: &str, input: &Input, shows: bool) {
    let mut to = stderr();
    let _ = queue!(to, MoveToColumn(0), Clear(ClearType::UntilNewLine));
    let _ = write!(to, "{sign}");
    if shows {
        let columns = size().map_or(80, |(columns, _)| usize::from(columns));
        let room = columns.saturating_sub(sign.len() + 1).max(1);
        let scroll = input.visual_scroll(room);
        // One column each in almost every name and address; a wide letter only shifts the cursor.
        let part: String = input.value().chars().skip(scroll).take(room).collect();
        let at = sign.len() + input.visual_cursor().saturating_sub(scroll);
        let _ = write!(to, "{}", inert(&part));
        let _ = queue!(to, MoveToColumn(u16::try_from(at).unwrap_or(u16::MAX)));
    }
    let _ = to.flush();
}

/// The line typed, up to enter; `None` where it was stopped.
fn typed(
    before: &str,
    next: &mut dyn FnMut() -> Result<Event>,
    show: &mut dyn FnMut(&Input),
) -> Result<Option<String>> {
    let mut input = Input::default();
    loop {
        show(&input);
        let key = match next()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => key,
            Event::Paste(text) => {
                for c in text.trim_end_matches(['\r', '\n']).chars() {
                    input.handle(InputRequest::InsertChar(c));
                }
                continue;
            }
            _ => continue,
        };
        let request = match key {
            KeyEvent { code: KeyCode::Char('c' | 'd'), modifiers: KeyModifiers::CONTROL, .. } => return Ok(None),
            KeyEvent { code: KeyCode::Enter, .. } => return Ok(Some(input.value().to_owned())),
            KeyEvent { code: KeyCode::Up, .. } => {
                input = Input::new(before.to_owned());
                continue;
            }
            key => request(key),
        };
        if let Some(request) = request {
            input.handle(request);
        }
    }
}

/// The usual keys of a line.
fn request(key: KeyEvent) -> Option<InputRequest> {
    use InputRequest as R;
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('u') if control => R::DeleteLine,
        KeyCode::Char('w') if control => R::DeletePrevWord,
        KeyCode::Char('a') if control => R::GoToStart,
        KeyCode::Char('e') if control => R::GoToEnd,
        KeyCode::Char(c) if !control => R::InsertChar(c),
        KeyCode::Backspace => R::DeletePrevChar,
        KeyCode::Delete => R::DeleteNextChar,
        KeyCode::Left => R::GoToPrevChar,
        KeyCode::Right => R::GoToNextChar,
        KeyCode::Home => R::GoToStart,
        KeyCode::End => R::GoToEnd,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(before: &str, keys: &[(KeyCode, KeyModifiers)]) -> Option<String> {
        let mut keys = keys.iter().map(|(code, modifiers)| Event::Key(KeyEvent::new(*code, *modifiers)));
        typed(before, &mut || keys.next().ok_or_else(|| anyhow::anyhow!("no more keys")), &mut |_| {}).unwrap()
    }

    const END: (KeyCode, KeyModifiers) = (KeyCode::Enter, KeyModifiers::NONE);

    fn plain(code: KeyCode) -> (KeyCode, KeyModifiers) {
        (code, KeyModifiers::NONE)
    }

    fn letter(c: char) -> (KeyCode, KeyModifiers) {
        plain(KeyCode::Char(c))
    }

    fn control(c: char) -> (KeyCode, KeyModifiers) {
        (KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    #[test]
    fn a_line_is_typed_and_mended() {
        assert_eq!(keys("", &[letter('a'), letter('x'), plain(KeyCode::Backspace), letter('b'), END]).unwrap(), "ab");
        let upper = (KeyCode::Char('Z'), KeyModifiers::SHIFT);
        assert_eq!(keys("", &[letter('a'), control('u'), upper, END]).unwrap(), "Z");
        for stop in ['c', 'd'] {
            assert_eq!(keys("", &[letter('a'), control(stop)]), None);
        }
        let home = [letter('b'), plain(KeyCode::Home), letter('a'), plain(KeyCode::End), letter('c'), END];
        assert_eq!(keys("", &home).unwrap(), "abc");
    }

    #[test]
    fn what_stood_there_before_is_fetched_to_be_mended() {
        let up = plain(KeyCode::Up);
        let mend = [letter('x'), up, plain(KeyCode::Left), plain(KeyCode::Backspace), letter('2'), END];
        assert_eq!(keys("p:81/", &mend).unwrap(), "p:82/");
        assert_eq!(keys("p:81/", &[END]).unwrap(), "");
    }

    #[test]
    fn a_paste_loses_its_line_end() {
        let mut events = [Event::Paste("key\r\n".into()), Event::Key(KeyCode::Enter.into())].into_iter();
        assert_eq!(typed("", &mut || Ok(events.next().unwrap()), &mut |_| {}).unwrap().unwrap(), "key");
    }
}
