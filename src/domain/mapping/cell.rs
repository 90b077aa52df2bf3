//! What spreadsheets, word processors and web pages leave in and around a value, and the value without it (fault matrix rows M08
//! and M09).

/// The value of a property or an id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// What is left of it.
    pub(super) value: String,
    /// Whether spaces or characters that nobody sees were left out.
    pub(super) spaces: bool,
    /// Whether quotes around it were left out.
    pub(super) quotes: bool,
}

impl Cell {
    /// An id. A wide or non-breaking space inside it is left out too: what is left still has to look like an id.
    pub(super) fn id(value: &str) -> Self {
        Self::without(value, |c| is_unseen(c) || (c.is_whitespace() && !c.is_ascii() && !is_line_end(c)))
    }

    /// A property. A space inside it stays, of whatever kind: without it the name would read as another valid one.
    pub(super) fn property(value: &str) -> Self {
        Self::without(value, is_unseen)
    }

    fn without(value: &str, out: impl Fn(char) -> bool) -> Self {
        let outer = trimmed(value);
        // The quotes in ="x" belong to the formula.
        let bare = if outer.starts_with('=') { outer } else { outer.trim_matches(|c| is_quote(c) || is_around(c)) };
        let kept: String = bare.chars().filter(|c| !out(*c)).collect();
        let spaces = outer.len() < value.len() || kept.len() < bare.len();
        Self { spaces, quotes: bare.len() < outer.len(), value: kept }
    }
}

/// Without the spaces spreadsheets and web pages leave around a value, visible or not (fault matrix row M09).
pub(super) fn trimmed(value: &str) -> &str {
    value.trim_matches(is_around)
}

/// Whether a text holds quotes that a word processor or phone puts in the place of straight ones.
pub(super) fn has_curly_quotes(text: &str) -> bool {
    text.contains(|c| is_quote(c) && !c.is_ascii())
}

fn is_around(c: char) -> bool {
    c.is_whitespace() || is_unseen(c)
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Soft hyphens, joiners, direction marks, byte order marks, tags and the like.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn is_quote(c: char) -> bool {
    matches!(c,
        '"' | '\'' | '`' | '\u{b4}' | '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201f}' | '\u{2032}' | '\u{2033}'
        | '\u{2039}' | '\u{203a}' | '\u{300c}'..='\u{300f}' | '\u{ff02}' | '\u{ff07}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(cell: Cell) -> (String, bool, bool) {
        (cell.value, cell.spaces, cell.quotes)
    }

    #[test]
    fn what_is_left_out_is_told_apart() {
        for (written, id) in [
            ("asCqjKclllu", ("asCqjKclllu", false, false)),
            (" asCqjKclllu\u{a0}", ("asCqjKclllu", true, false)),
            ("\u{feff}asCqj\u{ad}Kc\u{200b}lllu", ("asCqjKclllu", true, false)),
            ("asCqj\u{a0}Kclllu", ("asCqjKclllu", true, false)),
            ("“asCqjKclllu”", ("asCqjKclllu", false, true)),
            ("« asCqjKclllu »", ("asCqjKclllu", false, true)),
            (" '‘asCqjKclllu’ ", ("asCqjKclllu", true, true)),
            ("asCqj Kclllu", ("asCqj Kclllu", false, false)),
            ("asCqj\u{2028}Kclllu", ("asCqj\u{2028}Kclllu", false, false)),
            ("=\"asCqjKclllu\"", ("=\"asCqjKclllu\"", false, false)),
            ("“”", ("", false, true)),
        ] {
            let (value, spaces, quotes) = id;
            assert_eq!(told(Cell::id(written)), (value.to_owned(), spaces, quotes), "{written:?}");
        }
        assert_eq!(told(Cell::property("dhis\u{a0}beds")), ("dhis\u{a0}beds".to_owned(), false, false));
        assert_eq!(told(Cell::property("dhis\u{2060}_beds")), ("dhis_beds".to_owned(), true, false));
    }
}
