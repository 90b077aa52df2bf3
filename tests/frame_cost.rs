//! A frame costs the same for 1,000 and for 100,000 facilities: what is allocated while drawing is counted and compared.

mod common;

use allocation_counter::{AllocationInfo, measure};
use onse::tui::{
    model::{Look, Model},
    screen::draw,
};
use ratatui::{buffer::Buffer, layout::Rect};

const SIZE: (u16, u16) = (120, 40);

/// What a second frame of this screen allocates; the first may fill what later ones use.
fn frame(model: &Model) -> AllocationInfo {
    let mut buf = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
    draw(model, &mut buf);
    measure(|| _ = draw(model, &mut buf))
}

#[test]
fn a_frame_of_100_000_facilities_costs_no_more_than_one_of_1_000() {
    let mut few = common::model(1_000, Look::default(), SIZE);
    let mut many = common::model(100_000, Look::default(), SIZE);
    for keys in ["1", "2 G", "3 G", "3 l", "3 h g A", "esc 4", "?", "esc 3 h g w", "l", "w 5"] {
        common::press(&mut few, keys);
        common::press(&mut many, keys);
        let (few, many) = (frame(&few), frame(&many));
        assert!(few.count_total > 0, "{keys}: nothing was drawn");
        assert!(
            many.count_total * 10 <= few.count_total * 11 && many.bytes_total * 10 <= few.bytes_total * 11,
            "{keys}: {few:?} against {many:?}"
        );
        // A loop over facilities would show here even if both sizes had it.
        assert!(many.count_total < 4_000, "{keys}: {many:?}");
    }
}
