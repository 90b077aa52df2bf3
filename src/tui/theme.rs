//! What a thing is, to how it looks. Colours are the sixteen of the terminal, so its own theme decides; nothing is said
//! by colour alone. Which theme is used is given in: this module asks neither the environment nor the locale.

use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier, Style},
};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Less important: unchanged cells, units, hints.
    Dim,
    /// Names and headings that lead the eye.
    Strong,
    /// Column headings.
    Heading,
    /// The tab that is open.
    Tab,
    /// Rules and bars between panes.
    Rule,
    /// The cursor sign.
    Cursor,
    /// The row under the cursor of the focused pane.
    Selected,
    /// Approved, applied, passed.
    Approved,
    /// Rejected.
    Rejected,
    /// STOP, refused, failed.
    Stop,
    /// REVIEW, something to look at.
    Review,
    /// The filled part of a bar.
    Bar,
    /// A key in the footer.
    Key,
    /// A question or a prompt.
    Question,
    /// Words that were added.
    Added,
    /// Words that were removed.
    Removed,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 17] = [
        Self::Text,
        Self::Dim,
        Self::Strong,
        Self::Heading,
        Self::Tab,
        Self::Rule,
        Self::Cursor,
        Self::Selected,
        Self::Approved,
        Self::Rejected,
        Self::Stop,
        Self::Review,
        Self::Bar,
        Self::Key,
        Self::Question,
        Self::Added,
        Self::Removed,
    ];

    /// How it looks without colour.
    fn modifier(self) -> Modifier {
        match self {
            Self::Text | Self::Bar => Modifier::empty(),
            Self::Dim | Self::Rejected | Self::Rule | Self::Heading => Modifier::DIM,
            Self::Strong | Self::Tab | Self::Cursor | Self::Approved | Self::Review | Self::Key | Self::Question => {
                Modifier::BOLD
            }
            Self::Stop => Modifier::BOLD.union(Modifier::UNDERLINED),
            Self::Selected => Modifier::REVERSED,
            Self::Added => Modifier::UNDERLINED,
            Self::Removed => Modifier::CROSSED_OUT,
        }
    }

    /// Its colour, which is extra.
    fn colour(self) -> Option<Color> {
        match self {
            Self::Approved | Self::Added => Some(Color::Green),
            Self::Stop | Self::Removed => Some(Color::Red),
            Self::Review => Some(Color::Yellow),
            Self::Tab | Self::Key | Self::Cursor | Self::Bar => Some(Color::Cyan),
            _ => None,
        }
    }
}

/// How roles look, and whether the terminal can show more than ASCII.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    mono: bool,
    ascii: bool,
}

impl Theme {
    /// A theme: `mono` without colours (`NO_COLOR`), `ascii` where the locale is not UTF-8.
    pub fn new(mono: bool, ascii: bool) -> Self {
        Self { mono, ascii }
    }

    /// How this role looks.
    pub fn style(self, role: Role) -> Style {
        let style = Style::new().add_modifier(role.modifier());
        match role.colour() {
            // With colour the underline of a STOP is noise; without it, it tells a STOP from a REVIEW.
            Some(colour) if !self.mono => style.fg(colour).remove_modifier(Modifier::UNDERLINED),
            _ => style,
        }
    }

    /// Turns every sign a terminal without UTF-8 cannot show into one it can. Costs one pass over the window, and none
    /// where it is not needed.
    pub fn finish(self, buf: &mut Buffer) {
        if !self.ascii {
            return;
        }
        for cell in buf.content.iter_mut().filter(|cell| !cell.symbol().is_ascii()) {
            let plain = ascii(cell.symbol());
            cell.set_char(plain);
        }
    }
}

/// The ASCII sign for one of ours; `?` for a letter this terminal does not have.
fn ascii(symbol: &str) -> char {
    match symbol {
        "▌" | "→" | "›" => '>',
        "‹" | "←" => '<',
        "✓" => 'a',
        "✗" => 'r',
        "─" => '-',
        "│" => '|',
        "█" => '#',
        "░" => '.',
        "…" => '~',
        "↑" => '^',
        "↓" => 'v',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    #[test]
    fn mono_has_no_colour_and_still_tells_marks_apart() {
        let mono = Theme::new(true, false);
        for role in Role::ALL {
            let style = mono.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
        assert_ne!(mono.style(Role::Stop), mono.style(Role::Review));
        assert_ne!(mono.style(Role::Approved), mono.style(Role::Rejected));
    }

    #[test]
    fn every_sign_of_ours_has_an_ascii_one() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 20, 1));
        buf.set_string(0, 0, "▌[✓][✗]→‹›─│█░…↑↓←é", Style::new());
        Theme::new(false, true).finish(&mut buf);
        let line: String = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(line.trim_end(), ">[a][r]><>-|#.~^v<?");
    }
}
