//! A key as the application knows it, and how it is written.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::domain::text::{inert, width};

/// A key as the application knows it: shift is folded into letters and signs, releases never get here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// Which key.
    pub code: KeyCode,
    /// Held with control.
    pub ctrl: bool,
    /// Held with alt.
    pub alt: bool,
    /// Held with shift; never set for characters, which say it themselves.
    pub shift: bool,
}

impl Press {
    /// The press a terminal event stands for; `None` for a release and for a modifier by itself. Terminals disagree on
    /// whether shift comes as a modifier, as a capital, or as both.
    pub fn from_event(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release || matches!(event.code, KeyCode::Modifier(_) | KeyCode::Null) {
            return None;
        }
        let has = |modifier| event.modifiers.contains(modifier);
        let (ctrl, alt, shift) = (has(KeyModifiers::CONTROL), has(KeyModifiers::ALT), has(KeyModifiers::SHIFT));
        Some(match event.code {
            KeyCode::Char(c) if ctrl => Self { code: KeyCode::Char(c.to_ascii_lowercase()), ctrl, alt, shift: false },
            KeyCode::Char(c) if shift => {
                Self { code: KeyCode::Char(c.to_uppercase().next().unwrap_or(c)), ctrl, alt, shift: false }
            }
            KeyCode::Char(_) => Self { code: event.code, ctrl, alt, shift: false },
            KeyCode::BackTab => Self { code: KeyCode::Tab, ctrl, alt, shift: true },
            code => Self { code, ctrl, alt, shift },
        })
    }

    /// Reads `a`, `A`, `ctrl-d`, `shift-tab`, `pgdn`, `f1`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut press = Self { code: KeyCode::Null, ctrl: false, alt: false, shift: false };
        let mut rest = text;
        loop {
            let (flag, after) = if let Some(after) = rest.strip_prefix("ctrl-") {
                (&mut press.ctrl, after)
            } else if let Some(after) = rest.strip_prefix("alt-") {
                (&mut press.alt, after)
            } else if let Some(after) = rest.strip_prefix("shift-") {
                (&mut press.shift, after)
            } else {
                break;
            };
            *flag = true;
            rest = after;
        }
        press.code = NAMES.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code).or_else(|| single(rest))?;
        // A terminal says shift by the character itself, and with ctrl there are no capitals.
        let never = match press.code {
            KeyCode::Char(c) => press.shift || (press.ctrl && c.is_uppercase()),
            _ => false,
        };
        (!never).then_some(press)
    }

    /// How it is shown where there is little room: arrows as arrows.
    pub fn sign(self) -> String {
        let text = self.to_string();
        for (name, arrow) in [("up", "↑"), ("down", "↓"), ("left", "←"), ("right", "→")] {
            if let Some(held) = text.strip_suffix(name).filter(|held| held.is_empty() || held.ends_with('-')) {
                return format!("{held}{arrow}");
            }
        }
        text
    }

    /// The key a terminal sends instead of it, since both are the same byte; `None` where it can be told.
    pub(super) fn taken_for(self) -> Option<&'static str> {
        match self.code {
            KeyCode::Char('i') if self.ctrl => Some("tab"),
            KeyCode::Char('m') if self.ctrl => Some("enter"),
            KeyCode::Char('[') if self.ctrl => Some("esc"),
            KeyCode::Char('h') if self.ctrl => Some("backspace"),
            _ => None,
        }
    }

    /// Whether it moves through what is shown, opens or closes it: a key to look around with, whatever is held with it.
    pub fn looks_around(self) -> bool {
        use KeyCode as K;
        matches!(
            self.code,
            K::Enter
                | K::Esc
                | K::Tab
                | K::Char(' ')
                | K::Up
                | K::Down
                | K::Left
                | K::Right
                | K::PageUp
                | K::PageDown
                | K::Home
                | K::End
        )
    }

    /// Whether it types or edits in a line of text.
    pub(super) fn edits(self) -> bool {
        match self.code {
            KeyCode::F(_) | KeyCode::Insert => false,
            KeyCode::Char(c) if self.ctrl || self.alt => matches!(c, 'a' | 'e' | 'w' | 'u' | 'k'),
            _ => true,
        }
    }

    /// The character it types into a prompt; `None` for a command.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

/// Names of keys that are not characters.
const NAMES: [(&str, KeyCode); 27] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("f1", KeyCode::F(1)),
    ("f2", KeyCode::F(2)),
    ("f3", KeyCode::F(3)),
    ("f4", KeyCode::F(4)),
    ("f5", KeyCode::F(5)),
    ("f6", KeyCode::F(6)),
    ("f7", KeyCode::F(7)),
    ("f8", KeyCode::F(8)),
    ("f9", KeyCode::F(9)),
    ("f10", KeyCode::F(10)),
    ("f11", KeyCode::F(11)),
    ("f12", KeyCode::F(12)),
];

/// A key that is one character: one that takes a column of its own and draws nothing else.
fn single(text: &str) -> Option<KeyCode> {
    let mut chars = text.chars();
    let c = chars.next().filter(|c| *c != ' ')?;
    (chars.next().is_none() && width(text) == 1 && inert(text) == text).then_some(KeyCode::Char(c))
}

impl fmt::Display for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, _) => f.write_str("that key"),
        }
    }
}
