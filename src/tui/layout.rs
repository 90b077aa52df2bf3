//! How the terminal is divided at each size, decided here for drawing and for scrolling alike (review-ux.md, Screens).
//! Nothing is drawn here.

use ratatui::layout::Rect;

use super::screen::{Focus, Screen};

/// Fewest columns and lines in which anything but the way out is shown.
pub const SMALLEST: (u16, u16) = (60, 16);

/// From this many lines on there is room for all that is said of properties as a whole.
pub const TALL: u16 = 30;

/// From this many lines on the detail of Properties keeps [`MULTIPLES`] lines for how the property stands to the usual; in lower
/// windows that is told where lines are free.
pub const ROOMY: u16 = 36;

/// Lines that takes, with the free one above.
pub const MULTIPLES: u16 = 3;

/// How many panes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing fits; only the size needed is shown.
    TooSmall,
    /// List above, properties below, detail in two lines.
    Stacked,
    /// List beside properties, detail under the properties.
    Two,
    /// List, properties, detail.
    Three,
}

/// Columns of the widest old value, new value and change of a plan, thousands separated. Texts that are not numbers do
/// not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Widths {
    /// Old values.
    pub old: u16,
    /// New values.
    pub new: u16,
    /// Differences with their sign.
    pub change: u16,
}

/// Where everything stands. Rectangles that a shape does not have are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How many panes.
    pub shape: Shape,
    /// Tabs and, from 60 x 16 on, the heading under them. Without the rule.
    pub header: Rect,
    /// Between the two rules.
    pub body: Rect,
    /// The status line; empty where it joins the footer.
    pub status: Rect,
    /// The last line.
    pub footer: Rect,
    /// Facilities: the list with its headings. Properties: the column with its headings.
    pub list: Rect,
    /// Facilities: the properties with their headings.
    pub cells: Rect,
    /// What is behind the cell under the cursor.
    pub detail: Rect,
    /// Lines of headings in `list`.
    pub list_head: u16,
    /// Lines of headings in `cells`.
    pub cells_head: u16,
}

impl Layout {
    /// The layout of a screen at this size (columns, lines).
    pub fn of(screen: Screen, (width, height): (u16, u16)) -> Self {
        let shape = match width {
            _ if width < SMALLEST.0 || height < SMALLEST.1 => Shape::TooSmall,
            0..80 => Shape::Stacked,
            80..180 => Shape::Two,
            _ => Shape::Three,
        };
        let mut layout = Self::frame(shape, width, height);
        match (screen, shape) {
            (_, Shape::TooSmall) | (Screen::Overview | Screen::Submit, _) => {}
            (Screen::DataSets, Shape::Three) => layout.mapped_beside(),
            (Screen::DataSets, _) => layout.mapped(),
            (Screen::Properties, _) => layout.column(height),
            (Screen::Facilities, Shape::Stacked) => layout.stack(),
            (Screen::Facilities, _) => layout.beside(height),
        }
        layout
    }

    /// Header, body, status, footer. One rule under the header and one above the status.
    fn frame(shape: Shape, width: u16, height: u16) -> Self {
        let line = |y, height| Rect { x: 0, y, width, height };
        let none = Rect::default();
        let mut layout = Self {
            shape,
            header: none,
            body: line(0, height),
            status: none,
            footer: none,
            list: none,
            cells: none,
            detail: none,
            list_head: 0,
            cells_head: 0,
        };
        if shape == Shape::TooSmall {
            return layout;
        }
        let head = if shape == Shape::Stacked { 1 } else { 2 };
        let status = u16::from(height >= 18);
        layout.header = line(0, head);
        layout.body = line(head + 1, height - head - 3 - status);
        layout.status = line(height - 1 - status, status);
        layout.footer = line(height - 1, 1);
        layout
    }

    /// Properties: one list, detail under it. Stacked, one more line for the counts of the property.
    fn column(&mut self, height: u16) {
        let detail = if height < 24 { 2 } else { (self.body.height / 3).clamp(5, 14) };
        self.list_head = if self.shape == Shape::Stacked { 2 } else { 1 };
        self.list = Rect { height: self.body.height - detail, ..self.body };
        self.detail = Rect { y: self.list.bottom(), height: detail, ..self.body };
    }

    /// List above; a rule; the facility's name, its properties, detail in two lines.
    fn stack(&mut self) {
        let list = (self.body.height - 4) / 2;
        self.list = Rect { height: list, ..self.body };
        let y = self.list.bottom() + 1;
        self.cells_head = 1;
        self.cells = Rect { y, height: self.body.bottom() - 2 - y, ..self.body };
        self.detail = Rect { y: self.cells.bottom(), height: 2, ..self.body };
    }

    /// List left; a bar; properties with the detail below or, from 180 columns, beside them behind another bar.
    fn beside(&mut self, height: u16) {
        let width = match self.body.width {
            0..120 => 31,
            120..180 => 40,
            _ => 44,
        };
        self.list = Rect { width, ..self.body };
        self.list_head = if (120..180).contains(&self.body.width) { 3 } else { 2 };
        self.cells_head = self.list_head;
        let right = Rect { x: width + 1, width: self.body.width - width - 1, ..self.body };
        if self.shape == Shape::Three {
            self.cells = Rect { width: right.width - 55, ..right };
            self.detail = Rect { x: self.cells.right() + 1, width: 54, ..self.body };
        } else {
            let detail = if height < 24 { 2 } else { (self.body.height / 3).clamp(5, 14) };
            self.cells = Rect { height: right.height - detail, ..right };
            self.detail = Rect { y: self.cells.bottom(), height: detail, ..right };
        }
    }

    /// Data sets: the rows of the mapping above, what could stand in the row under the cursor below them, why below that. Stacked, a
    /// rule between the two lists; else a free line, if there is one to spare.
    fn mapped(&mut self) {
        let (height, stacked) = (self.body.height, self.shape == Shape::Stacked);
        let detail = if height < 15 { 2 } else { (height * 3 / 10).min(12) };
        // What was found for a row is a handful; the rows are many.
        let cells = ((height - detail) / 2).clamp(4, 14);
        self.list_head = 1;
        self.cells_head = if stacked || height < 15 { 2 } else { 3 };
        self.list = Rect { height: height - detail - cells, ..self.body };
        self.cells = Rect { y: self.list.bottom(), height: cells, ..self.body };
        self.detail = Rect { y: self.cells.bottom(), height: detail, ..self.body };
    }

    /// Data sets in three panes: the rows of the mapping, what could stand in the row under the cursor, why.
    fn mapped_beside(&mut self) {
        let (cells, detail) = ((60 + (self.body.width - 180) * 3 / 5).min(100), 46);
        self.list = Rect { width: self.body.width - cells - detail - 2, ..self.body };
        self.cells = Rect { x: self.list.right() + 1, width: cells, ..self.body };
        self.detail = Rect { x: self.cells.right() + 1, width: detail, ..self.body };
        (self.list_head, self.cells_head) = (2, 2);
    }

    /// Gives the pane that has the keys the room of the others; on Properties the list that of the detail but for its sentence.
    pub fn widen(&mut self, screen: Screen, focus: Focus) {
        let (body, none) = (self.body, Rect::default());
        match (screen, focus, self.shape) {
            (_, _, Shape::TooSmall) | (Screen::Overview | Screen::Submit | Screen::DataSets, ..) => {}
            (Screen::Properties, ..) => {
                self.list = Rect { height: body.height - 2, ..body };
                self.detail = Rect { y: self.list.bottom(), height: 2, ..body };
            }
            (Screen::Facilities, Focus::List, shape) => {
                (self.list, self.cells, self.detail) = (body, none, none);
                self.list_head = u16::from(shape != Shape::Stacked);
            }
            (Screen::Facilities, Focus::Cells, Shape::Three) => {
                self.cells = Rect { width: self.detail.x - 1, ..body };
                self.list = none;
            }
            (Screen::Facilities, Focus::Cells, Shape::Stacked) => {
                self.cells = Rect { height: body.height - self.detail.height, ..body };
                self.list = none;
            }
            (Screen::Facilities, Focus::Cells, Shape::Two) => {
                (self.cells.x, self.cells.width) = (body.x, body.width);
                (self.detail.x, self.detail.width) = (body.x, body.width);
                self.list = none;
            }
        }
    }

    /// Gives the detail of Properties so many lines of its list.
    pub fn lend(&mut self, lines: u16) {
        let lines = lines.min(self.list.height);
        self.list.height -= lines;
        (self.detail.y, self.detail.height) = (self.detail.y - lines, self.detail.height + lines);
    }

    /// Rows of the list that are seen at once.
    pub fn list_rows(&self) -> usize {
        usize::from(self.list.height.saturating_sub(self.list_head))
    }

    /// Rows of the properties that are seen at once.
    pub fn cell_rows(&self) -> usize {
        usize::from(self.cells.height.saturating_sub(self.cells_head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_inside_at_every_size() {
        for screen in Screen::ALL {
            for (width, height) in (1..220_u16).step_by(3).flat_map(|w| (1..70_u16).map(move |h| (w, h))) {
                let layout = Layout::of(screen, (width, height));
                let all = Rect { x: 0, y: 0, width, height };
                for part in
                    [layout.header, layout.body, layout.status, layout.footer, layout.list, layout.cells, layout.detail]
                {
                    assert_eq!(part.intersection(all), part, "{screen:?} {width}x{height} {part:?}");
                }
                if layout.shape != Shape::TooSmall && screen == Screen::Facilities {
                    assert!(layout.list_rows() >= 3 && layout.cell_rows() >= 3, "{width}x{height} {layout:?}");
                }
                if layout.shape != Shape::TooSmall && screen == Screen::DataSets {
                    let panes = [layout.list, layout.cells, layout.detail];
                    assert!(layout.list_rows() >= 3 && layout.cell_rows() >= 2, "{width}x{height} {layout:?}");
                    assert!(panes.iter().all(|pane| pane.intersection(layout.body) == *pane && pane.height > 1));
                    let apart = |a: usize, b: usize| !panes[a].intersects(panes[b]);
                    assert!(apart(0, 1) && apart(0, 2) && apart(1, 2), "{width}x{height} {layout:?}");
                }
            }
        }
    }

    #[test]
    fn panes_are_inside_and_apart_whichever_is_widened() {
        let sizes = (60..260_u16).step_by(7).flat_map(|width| (16..70_u16).map(move |height| (width, height)));
        for (width, height) in sizes {
            for (screen, focus) in [
                (Screen::Facilities, Focus::List),
                (Screen::Facilities, Focus::Cells),
                (Screen::Properties, Focus::List),
            ] {
                let plain = Layout::of(screen, (width, height));
                let (mut wide, mut lent) = (plain, plain);
                wide.widen(screen, focus);
                if screen == Screen::Properties && height >= ROOMY {
                    lent.lend(MULTIPLES);
                }
                for layout in [plain, wide, lent] {
                    let panes = [layout.header, layout.status, layout.footer, layout.list, layout.cells, layout.detail];
                    for (at, pane) in panes.iter().enumerate() {
                        let area = Rect { x: 0, y: 0, width, height };
                        assert!(pane.is_empty() || pane.intersection(area) == *pane, "{layout:?}");
                        assert!(panes[at + 1..].iter().all(|other| !pane.intersects(*other)), "{layout:?}");
                    }
                }
                let seen = |layout: &Layout| if focus == Focus::Cells { layout.cells } else { layout.list };
                let (before, now) = (seen(&plain), seen(&wide));
                assert!(now.width >= before.width && now.height >= before.height, "{wide:?}");
                // In a low window the detail of Properties has no line to spare.
                assert!(now.area() > before.area() || screen == Screen::Properties && height < 24, "{wide:?}");
            }
        }
    }

    #[test]
    fn sizes_of_the_pictures() {
        let at = |width, height| Layout::of(Screen::Facilities, (width, height));
        assert_eq!((at(80, 24).list.width, at(120, 40).list.width, at(200, 60).list.width), (31, 40, 44));
        assert_eq!((at(80, 24).body.y, at(80, 24).body.height), (3, 18));
        assert_eq!((at(60, 20).body.y, at(60, 20).body.height), (2, 15));
        assert_eq!(at(60, 17).status.height, 0);
        assert_eq!((at(59, 24).shape, at(60, 15).shape), (Shape::TooSmall, Shape::TooSmall));
    }
}
