//! Rows of a list with a cursor and a window. What the rows are, and when they change, is not here.

/// Rows of a list with a cursor and the first row seen. The cursor exists where there is a row.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    /// Every row.
    pub all: Vec<T>,
    /// The row under the cursor.
    pub at: usize,
    /// The first row seen.
    pub top: usize,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { all: Vec::new(), at: 0, top: 0 }
    }
}

impl<T: Copy + PartialEq> Rows<T> {
    /// The row under the cursor.
    pub fn current(&self) -> Option<T> {
        self.all.get(self.at).copied()
    }

    /// The rows seen in a window of this height, with their number.
    pub fn window(&self, height: usize) -> impl Iterator<Item = (usize, T)> + '_ {
        self.all.iter().copied().enumerate().skip(self.top).take(height)
    }

    /// Puts the cursor on a row and keeps it inside a window of this height.
    pub(super) fn go(&mut self, at: usize, height: usize) {
        self.at = at.min(self.all.len().saturating_sub(1));
        let height = height.max(1);
        let last_top = self.all.len().saturating_sub(height);
        self.top = self.top.clamp((self.at + 1).saturating_sub(height), self.at).min(last_top);
    }

    /// Scrolls the window of this height by so many rows, up where they are negative. The cursor stays on its row as long as
    /// that is seen, else on the row at the edge.
    pub(super) fn scroll(&mut self, rows: isize, height: usize) {
        let height = height.max(1);
        self.top = self.top.saturating_add_signed(rows).min(self.all.len().saturating_sub(height));
        let last = (self.top + height - 1).min(self.all.len().saturating_sub(1));
        self.at = self.at.clamp(self.top.min(last), last);
    }

    /// Puts the cursor on this row, if there is one.
    pub(super) fn find(&mut self, row: T, height: usize) -> bool {
        let found = self.all.iter().position(|r| *r == row);
        if let Some(at) = found {
            self.go(at, height);
        }
        found.is_some()
    }

    /// New rows; the cursor stays on its row, or where that is gone on the same line.
    pub(super) fn replace(&mut self, rows: Vec<T>, height: usize) {
        let current = self.current();
        self.all = rows;
        if !current.is_some_and(|row| self.find(row, height)) {
            self.go(self.at, height);
        }
    }
}
