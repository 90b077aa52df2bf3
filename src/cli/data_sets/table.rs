//! Plain text in columns: aligned where it fits, broken between the pieces of a row where a terminal is too narrow.

use crate::{domain::text::width, tui::parts::wrap};

/// Columns between two pieces.
const GAP: usize = 2;
/// How much further in the second line of a row begins.
const HANG: usize = 4;

/// The lines of each row, `indent` columns in. `columns` is the width of the terminal; `None` where lines are never broken.
pub(super) fn aligned(rows: &[Vec<String>], indent: usize, columns: Option<usize>) -> Vec<Vec<String>> {
    let across = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|piece| width(piece)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..across).map(widest).collect();
    let whole = indent + widths.iter().filter(|width| **width > 0).map(|width| width + GAP).sum::<usize>();
    if columns.is_some_and(|columns| whole.saturating_sub(GAP) > columns) {
        return rows.iter().map(|row| flowed(row, indent, columns)).collect();
    }
    let line = |row: &Vec<String>| {
        let mut line = " ".repeat(indent);
        for (piece, room) in row.iter().zip(&widths).filter(|(_, room)| **room > 0) {
            line.push_str(piece);
            line.push_str(&" ".repeat(room - width(piece) + GAP));
        }
        vec![line.trim_end().to_owned()]
    };
    rows.iter().map(line).collect()
}

/// Pieces one after the other, broken between them, and within one only where it alone is too long.
fn flowed(pieces: &[String], indent: usize, columns: Option<usize>) -> Vec<String> {
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(indent + HANG).max(20));
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line) + GAP + width(piece) <= room => {
                line.push_str("  ");
                line.push_str(piece);
            }
            _ => lines.extend(wrap(piece, room)),
        }
    }
    let margin = |n: usize| " ".repeat(if n == 0 { indent } else { indent + HANG });
    lines.into_iter().enumerate().map(|(n, line)| margin(n) + &line).collect()
}

/// A sentence behind a head, `indent` columns in; its further lines begin under its first.
pub(super) fn sentence(head: &str, text: &str, indent: usize, columns: Option<usize>) -> Vec<String> {
    let margin = indent + width(head);
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(margin).max(20));
    let lines = wrap(text, room).into_iter().enumerate();
    lines
        .map(
            |(n, line)| if n == 0 { format!("{}{head}{line}", " ".repeat(indent)) } else { " ".repeat(margin) + &line },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|piece| (*piece).to_owned()).collect()).collect()
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_take_no_room() {
        let rows = rows(&[&["a", "", "one"], &["bcd", "", "two", "x"]]);
        assert_eq!(aligned(&rows, 2, None), [["  a    one"], ["  bcd  two  x"]]);
        assert_eq!(aligned(&rows, 2, Some(13)), aligned(&rows, 2, None));
    }

    #[test]
    fn a_narrow_terminal_breaks_between_pieces() {
        let rows = rows(&[&["the first piece", "the second piece", "a third piece that is long"], &["a", "b"]]);
        let lines = aligned(&rows, 1, Some(36));
        assert!(lines.iter().flatten().all(|line| width(line) <= 36), "{lines:#?}");
        assert_eq!(lines[0], [" the first piece", "     the second piece", "     a third piece that is long"]);
        assert_eq!(lines[1], [" a  b"]);
        assert_eq!(
            sentence("no: ", "one two three four five six", 2, Some(27)),
            ["  no: one two three four", "      five six"]
        );
    }
}
