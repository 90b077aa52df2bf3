//! Names in wide, combining and right-to-left letters: columns stay columns (fault matrix row V06).

use onse::tui::{
    msg::Msg,
    screen::{Screen, draw},
};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{Desk, plan_of};

/// Wide letters, letters of two code points, an override of the direction, letters that join, and one for comparison.
const NAMES: [&str; 5] =
    ["診療所 北 Clinic", "Nkho\u{302}ta\u{301} Ko\u{308}ta", "\u{202e}CH izuzM\u{202c}", "مركز صحي", "Plain HC"];

#[test]
fn v06_columns_align_whatever_names_are_made_of() {
    for size in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::with(plan_of(&NAMES, |_| {}), Screen::Facilities);
        desk.tell(Msg::Resize(size.0, size.1));
        let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
        draw(&desk.model, &mut buf);
        let layout = desk.model.layout();
        let symbol = |x: u16, y: u16| buf[(x, y)].symbol();
        let beside = layout.list.width < layout.body.width;
        for y in layout.body.y..layout.body.bottom() {
            assert!(!beside || symbol(layout.list.right(), y) == "│", "{size:?}: no bar in line {y}");
        }
        // The count of what is left ends in the same column in every row: all of them have four changes.
        let rows = layout.list.y + layout.list_head..layout.list.y + layout.list_head + 5;
        let ends: Vec<Vec<u16>> =
            rows.map(|y| (layout.list.x + 5..layout.list.right()).filter(|x| symbol(*x, y) == "4").collect()).collect();
        assert!(ends.iter().all(|columns| columns.len() == 1 && columns == &ends[0]), "{size:?}: {ends:?}");
        let all: String = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert!(all.contains("診") && all.contains("o\u{302}"), "{size:?}: the letters themselves are shown");
        assert!(!all.contains('\u{202e}') && all.contains("<202E>"), "{size:?}: what turns the direction is shown");
    }
}
