//! Notes: a sentence on a cell, which says why it is decided as it is or why it waits (review-ux.md, Marks). A note changes no
//! verdict and no count. It is one entry of the log like a decision and taken back like one. It is about the cell, so it stays when
//! a newer reading has other values, and on what was sent too.

use super::{Act, Cell, Done, Entry, LONGEST_NOTE, Ledger, Plan, Stamp, Step, What};

impl Ledger {
    /// Puts a note on these cells, in place of those they had; a text of spaces takes the notes away. Cells with nothing to decide
    /// take none, but lose the one they have from an earlier reading. The error says why nothing is done: the text is longer than
    /// [`LONGEST_NOTE`] characters, or it changes nothing.
    pub fn put_note(
        &mut self,
        plan: &Plan,
        cells: impl IntoIterator<Item = Cell>,
        text: &str,
        label: &str,
        stamp: &Stamp,
    ) -> Result<Entry, String> {
        let text = text.trim();
        let long = text.chars().count();
        if long > LONGEST_NOTE {
            return Err(format!("a note has at most {LONGEST_NOTE} characters, this one has {long}"));
        }
        let takes = |cell: &Cell| {
            if text.is_empty() { self.notes.contains_key(cell) } else { Act::Reject.fits(plan, *cell) }
        };
        let mut cells: Vec<Cell> = cells.into_iter().filter(takes).collect();
        if cells.is_empty() {
            let why = if text.is_empty() {
                "there is no note here"
            } else {
                "a note is on a change or on a cell that reads (0?)"
            };
            return Err(why.to_owned());
        }
        cells.retain(|cell| self.note(*cell).unwrap_or_default() != text);
        if cells.is_empty() {
            return Err("the note says that already".to_owned());
        }
        cells.sort_unstable();
        cells.dedup();
        let done = self.noted(self.last + 1, &cells, text, label);
        self.does(plan, done);
        let step = Step::Note { cells, text: text.to_owned(), label: label.to_owned() };
        Ok(self.entry(step, stamp))
    }

    /// The note on a cell.
    pub fn note(&self, cell: Cell) -> Option<&str> {
        self.notes.get(&cell).map(String::as_str)
    }

    /// Every cell with a note, in cell order, with the note.
    pub fn notes(&self) -> impl Iterator<Item = (Cell, &str)> {
        self.notes.iter().map(|(cell, text)| (*cell, text.as_str()))
    }

    pub(super) fn noted(&self, seq: u64, cells: &[Cell], text: &str, label: &str) -> Done {
        let before = cells.iter().filter_map(|cell| Some((*cell, self.notes.get(cell)?.clone()))).collect();
        let what = What::Noted { cells: cells.to_vec(), text: text.to_owned(), before };
        Done { seq, what, label: label.to_owned() }
    }

    pub(super) fn put_notes(&mut self, cells: &[Cell], text: &str) {
        if text.is_empty() {
            for cell in cells {
                self.notes.remove(cell);
            }
        } else {
            self.notes.extend(cells.iter().map(|cell| (*cell, text.to_owned())));
        }
    }
}

/// What was done with such a note, for the status line.
pub(super) fn past(text: &str) -> &'static str {
    if text.is_empty() { "took the note from" } else { "noted" }
}

/// Whether a person could have left this note. What the plan says of its cells is not asked: that may be another reading.
pub(super) fn could_be(plan: &Plan, cells: &[Cell], text: &str) -> Result<(), String> {
    if cells.is_empty() {
        return Err("is a note on nothing".to_owned());
    }
    if let Some([cell, _]) = cells.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(format!("names cells twice or out of order after {}", plan.title(*cell)));
    }
    if text.trim() != text || text.chars().count() > LONGEST_NOTE {
        return Err("is a note that could not be written".to_owned());
    }
    Ok(())
}
