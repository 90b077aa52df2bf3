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

    /// How it looks where it must stand out: nothing is dim, and what leads the eye is reversed or underlined.
    fn strong(self) -> Modifier {
        match self {
            Self::Text | Self::Dim | Self::Rule | Self::Bar | Self::Rejected => Modifier::empty(),
            Self::Heading => Modifier::UNDERLINED,
            Self::Review | Self::Key | Self::Added => Modifier::BOLD.union(Modifier::UNDERLINED),
            Self::Stop | Self::Tab | Self::Question => Modifier::BOLD.union(Modifier::REVERSED),
            Self::Strong | Self::Cursor | Self::Approved => Modifier::BOLD,
            Self::Selected => Modifier::REVERSED,
            Self::Removed => Modifier::CROSSED_OUT,
        }
    }

    /// Its colour, which is extra. Which background the terminal has is not known, so only colours are used that can be
    /// read on black and on white: green, yellow and cyan cannot be read on white, blue not on black. Red, magenta and
    /// bright blue are also told apart by those who do not tell red from green.
    fn colour(self) -> Option<Color> {
        match self {
            Self::Stop | Self::Removed => Some(Color::Red),
            Self::Review => Some(Color::Magenta),
            Self::Approved | Self::Added | Self::Tab | Self::Key | Self::Cursor | Self::Bar => Some(Color::LightBlue),
            _ => None,
        }
    }
}

/// Which styles, as `theme` in the settings names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// A few colours of the terminal.
    #[default]
    Default,
    /// The same, stronger: nothing dim, more reversed.
    Contrast,
    /// No colour (`NO_COLOR`).
    Mono,
}

/// How roles look, and whether the terminal can show more than ASCII.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    choice: Choice,
    ascii: bool,
}

impl Theme {
    /// These styles; `ascii` where the terminal has no signs beyond it.
    pub fn new(choice: Choice, ascii: bool) -> Self {
        Self { choice, ascii }
    }

    /// How this role looks.
    pub fn style(self, role: Role) -> Style {
        let style = match self.choice {
            Choice::Contrast => Style::new().add_modifier(role.strong()),
            // With colour the underline of a STOP is noise; without it, it tells a STOP from a REVIEW.
            Choice::Default if role == Role::Stop => Style::new().add_modifier(Modifier::BOLD),
            Choice::Default | Choice::Mono => Style::new().add_modifier(role.modifier()),
        };
        match role.colour().filter(|_| self.choice != Choice::Mono) {
            Some(colour) => style.fg(colour),
            None => style,
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
    fn mono_has_no_colour_and_every_theme_tells_marks_and_flags_apart() {
        let mono = Theme::new(Choice::Mono, false);
        for role in Role::ALL {
            let style = mono.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
        for choice in [Choice::Default, Choice::Contrast, Choice::Mono] {
            let style = |role| Theme::new(choice, false).style(role).add_modifier;
            assert_ne!(style(Role::Approved), style(Role::Rejected), "{choice:?}");
            assert_ne!(style(Role::Added), style(Role::Removed), "{choice:?}");
            assert_ne!(style(Role::Selected), style(Role::Text), "{choice:?}");
            let theme = Theme::new(choice, false);
            assert_ne!(theme.style(Role::Stop), theme.style(Role::Review), "{choice:?}");
        }
    }

    #[test]
    fn the_contrast_theme_dims_nothing() {
        for role in Role::ALL {
            assert!(!Theme::new(Choice::Contrast, false).style(role).add_modifier.contains(Modifier::DIM), "{role:?}");
        }
    }

    /// Light of a colour as the common terminal of X draws it, by the formula of the accessibility guidelines for the web.
    fn light(colour: Color) -> f64 {
        let (red, green, blue) = match colour {
            Color::Red => (205, 0, 0),
            Color::Green => (0, 205, 0),
            Color::Yellow => (205, 205, 0),
            Color::Blue => (0, 0, 238),
            Color::Magenta => (205, 0, 205),
            Color::Cyan => (0, 205, 205),
            Color::LightBlue => (92, 92, 255),
            other => panic!("how light is {other:?}?"),
        };
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    #[test]
    fn every_colour_can_be_read_on_black_and_on_white() {
        let least = |colour| {
            let light = light(colour) + 0.05;
            (1.05 / light).min(light / 0.05)
        };
        for choice in [Choice::Default, Choice::Contrast] {
            for role in Role::ALL {
                let style = Theme::new(choice, false).style(role);
                assert_eq!(style.bg, None, "the background is the terminal's");
                assert!(style.fg.is_none_or(|colour| least(colour) >= 3.0), "{role:?} {:?}", style.fg);
            }
        }
        for colour in [Color::Green, Color::Yellow, Color::Cyan, Color::Blue] {
            assert!(least(colour) < 3.0, "{colour:?}");
        }
    }

    #[test]
    fn every_sign_of_ours_has_an_ascii_one() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 20, 1));
        buf.set_string(0, 0, "▌[✓][✗]→‹›─│█░…↑↓←é", Style::new());
        Theme::new(Choice::Default, true).finish(&mut buf);
        let line: String = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(line.trim_end(), ">[a][r]><>-|#.~^v<?");
    }
}
