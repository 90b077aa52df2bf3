//! Notes: a sentence on rows, which says why they are decided as they are or why they wait. A note decides nothing; it is written
//! and taken back as a decision is.

use super::{
    review::{Out, Review, line},
    say::{number, plural},
};
use crate::domain::{
    ledger::{Act, Stamp},
    plan::Cell,
};

impl Review {
    /// `m`: puts a note on these rows; an empty text takes theirs away.
    pub(super) fn put_note(&mut self, rows: &[(usize, usize)], text: &str, stamp: &Stamp) -> Vec<Out> {
        let named = match self.cells(rows) {
            Ok(cells) => cells,
            Err(why) => return vec![line(why)],
        };
        let text = text.trim();
        // Rows that take none, or have it, are no part of the count that is said.
        let fits = |cell: &Cell| text.is_empty() || Act::Reject.fits(&self.plan, *cell);
        let other = |cell: &Cell| self.ledger.note(*cell).unwrap_or_default() != text;
        let cells: Vec<Cell> = named.iter().copied().filter(|cell| fits(cell) && other(cell)).collect();
        let label = match (cells.as_slice(), self.here()) {
            ([cell], _) => self.called(*cell),
            (cells, Some((within, _))) => format!("{} {within} by number", number(cells.len())),
            (_, None) => return vec![line("no facility is shown.")],
        };
        let as_it_was = match named.len() - cells.len() {
            0 => String::new(),
            n => format!(" {} as before.", plural(n, "row")),
        };
        // Where none is left, the ledger says why of those that were named.
        let cells = if cells.is_empty() { named } else { cells };
        match self.ledger.put_note(&self.plan, cells, text, &label, stamp) {
            Ok(entry) => {
                let did = self.ledger.last_done().unwrap_or_default();
                let said = if text.is_empty() { as_it_was } else { format!("{as_it_was} note: {text}") };
                vec![Out::Record(Box::new(entry)), line(format!("{did}.{said}"))]
            }
            Err(why) => vec![line(format!("{why}. Nothing was noted."))],
        }
    }

    /// What a note says of a cell, behind its row; empty for none.
    pub(super) fn noted(&self, cell: Cell) -> String {
        self.ledger.note(cell).map(|note| format!("  note: {note}")).unwrap_or_default()
    }
}
