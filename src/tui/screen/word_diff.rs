//! How a text changed, word by word: kept, `[-removed-]`, `{+added+}`. The brackets say it, colour only helps.

use similar::{ChangeTag, TextDiff};

use crate::{
    domain::text::width,
    tui::{
        parts::{Piece, piece, wrap},
        theme::Role,
    },
};

/// Pieces of a line.
type Line = Vec<Piece<'static>>;

/// The words of two texts: kept, `[-removed-]`, `{+added+}`.
pub(super) fn word_diff(old: &str, new: &str) -> Line {
    let mut line: Line = Vec::new();
    let mut last = None;
    let diff = TextDiff::from_unicode_words(old, new);
    for part in diff.iter_all_changes() {
        if last == Some(part.tag()) {
            if let Some((text, _)) = line.last_mut() {
                text.to_mut().push_str(part.value());
            }
            continue;
        }
        close(&mut line, last);
        last = Some(part.tag());
        line.push(match part.tag() {
            ChangeTag::Equal => piece(part.value().to_owned(), Role::Text),
            ChangeTag::Delete => piece(format!("[-{}", part.value()), Role::Removed),
            ChangeTag::Insert => piece(format!("{{+{}", part.value()), Role::Added),
        });
    }
    close(&mut line, last);
    line
}

/// Ends the last run of words with the bracket that belongs to it.
fn close(line: &mut Line, tag: Option<ChangeTag>) {
    let end = match tag {
        Some(ChangeTag::Delete) => "-]",
        Some(ChangeTag::Insert) => "+}",
        _ => return,
    };
    if let Some((text, _)) = line.last_mut() {
        text.to_mut().push_str(end);
    }
}

/// Pieces broken into lines of at most `room` columns.
pub(super) fn in_lines(pieces: Line, room: usize) -> Vec<Line> {
    let mut lines = vec![Vec::new()];
    let mut used = 0;
    for (text, role) in pieces {
        for word in text.split_inclusive(' ') {
            for text in if used + width(word) > room && width(word) <= room {
                vec![word.to_owned()]
            } else {
                wrap_keep(word, room, used)
            } {
                if used + width(&text) > room && used > 0 {
                    lines.push(Vec::new());
                    used = 0;
                }
                used += width(&text);
                if let Some(line) = lines.last_mut() {
                    line.push(piece(text, role));
                }
            }
        }
    }
    lines
}

/// A word, in pieces of at most `room` columns where it is longer than a line.
fn wrap_keep(word: &str, room: usize, used: usize) -> Vec<String> {
    if used + width(word) <= room { vec![word.to_owned()] } else { wrap(word, room.max(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &[Piece<'_>]) -> String {
        line.iter().map(|(text, _)| text.as_ref()).collect()
    }

    #[test]
    fn words_that_changed_are_marked() {
        assert_eq!(text(&word_diff("Ward Kosofe", "Ward Ikorodu")), "Ward [-Kosofe-]{+Ikorodu+}");
        assert_eq!(text(&word_diff("12 (est)", "12")), "12[- (est)-]");
        assert_eq!(text(&word_diff("", "31")), "{+31+}");
        assert_eq!(text(&word_diff("same", "same")), "same");
    }

    #[test]
    fn long_texts_are_broken_and_whole() {
        let old = "a".repeat(70);
        let lines = in_lines(word_diff(&old, "b c d"), 20);
        assert!(lines.iter().all(|line| width(&text(line)) <= 20));
        let all: String = lines.iter().map(|line| text(line)).collect();
        assert_eq!(all, format!("[-{old}-]{{+b c d+}}"));
    }
}
