//! Asking for a secret at the terminal, without showing it. Nothing typed here is kept but in the type that prints `***`.

use std::io::{Write as _, stderr};

use anyhow::{Result, bail};
use crossterm::{
    event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read},
    terminal::{disable_raw_mode, enable_raw_mode},
};

use super::exit::{Exit, refused};
use crate::io::http::Secret;

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
        let _ = disable_raw_mode();
    }
}

/// Asks for a secret. Fails with exit code 130 on ctrl-c, and where nothing was typed.
pub(super) fn secret(what: &str) -> Result<Secret> {
    let mut to = stderr();
    let typed = {
        // Before the question: whoever answers at once must not see the answer.
        let _raw = Raw::take()?;
        let _ = write!(to, "{what} (not shown): ");
        let _ = to.flush();
        typed(|| Ok(read()?))
    };
    let _ = writeln!(to);
    let typed = typed?;
    if typed.is_empty() {
        bail!("nothing was typed; nothing was asked of a server");
    }
    Ok(Secret::new(typed))
}

/// The line typed, up to enter.
fn typed(mut next: impl FnMut() -> Result<Event>) -> Result<String> {
    let mut line = String::new();
    loop {
        let key = match next()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => key,
            Event::Paste(text) => {
                line.push_str(text.trim_end_matches(['\r', '\n']));
                continue;
            }
            _ => continue,
        };
        match key {
            KeyEvent { code: KeyCode::Char('c' | 'd'), modifiers: KeyModifiers::CONTROL, .. }
            | KeyEvent { code: KeyCode::Esc, .. } => {
                return Err(refused(Exit::Interrupted, "stopped; nothing was asked of a server"));
            }
            KeyEvent { code: KeyCode::Char('u'), modifiers: KeyModifiers::CONTROL, .. } => line.clear(),
            KeyEvent { code: KeyCode::Enter, .. } => return Ok(line),
            KeyEvent { code: KeyCode::Backspace, .. } => {
                line.pop();
            }
            KeyEvent { code: KeyCode::Char(c), modifiers, .. } if !modifiers.contains(KeyModifiers::CONTROL) => {
                line.push(c);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[(KeyCode, KeyModifiers)]) -> Result<String> {
        let mut keys = keys.iter().map(|(code, modifiers)| Event::Key(KeyEvent::new(*code, *modifiers)));
        typed(|| keys.next().ok_or_else(|| anyhow::anyhow!("no more keys")))
    }

    #[test]
    fn a_line_is_typed_and_mended() {
        let plain = |c| (KeyCode::Char(c), KeyModifiers::NONE);
        let end = (KeyCode::Enter, KeyModifiers::NONE);
        assert_eq!(
            keys(&[plain('a'), plain('x'), (KeyCode::Backspace, KeyModifiers::NONE), plain('b'), end]).unwrap(),
            "ab"
        );
        let clear = (KeyCode::Char('u'), KeyModifiers::CONTROL);
        assert_eq!(keys(&[plain('a'), clear, (KeyCode::Char('Z'), KeyModifiers::SHIFT), end]).unwrap(), "Z");
        let stopped = keys(&[plain('a'), (KeyCode::Char('c'), KeyModifiers::CONTROL)]).unwrap_err();
        assert_eq!(Exit::of(&stopped), Exit::Interrupted);
    }

    #[test]
    fn a_paste_loses_its_line_end() {
        let mut events = [Event::Paste("key\r\n".into()), Event::Key(KeyCode::Enter.into())].into_iter();
        assert_eq!(typed(|| Ok(events.next().unwrap())).unwrap(), "key");
    }
}
