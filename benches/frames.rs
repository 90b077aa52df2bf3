//! What a frame costs at 200 x 60, for 1,000 and for 100,000 facilities: time and allocations, a screen at a time, drawn as the loop
//! draws it, into the same buffer over and over. Run with `cargo bench --bench frames`.
#![expect(clippy::print_stdout, reason = "a bench; a failure here is its answer")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use allocation_counter::measure;
use onse::tui::{
    model::{Look, Model},
    screen::draw,
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Columns and lines.
const SIZE: (u16, u16) = (200, 60);
/// Frames drawn of each screen.
const FRAMES: u32 = 200;

/// The middle of the times of a frame, and what one allocates.
fn frame(model: &Model) -> (Duration, u64) {
    let mut buf = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
    let mut took: Vec<Duration> = (0..FRAMES)
        .map(|_| {
            buf.reset();
            let begun = Instant::now();
            draw(model, &mut buf);
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    (took[took.len() / 2], measure(|| _ = draw(model, &mut buf)).count_total)
}

fn main() {
    let mut few = common::model(1_000, Look::default(), SIZE);
    let mut many = common::model(100_000, Look::default(), SIZE);
    println!("a frame at {} x {} (bar: 2 ms, and 1.1 times of 1,000 facilities)", SIZE.0, SIZE.1);
    for (name, keys) in [
        ("Overview", "1"),
        ("Properties", "2 G"),
        ("Facilities, list", "3 G"),
        ("Facilities, properties", "l"),
        ("a bulk question", "h g A"),
        ("Submit", "esc 4"),
        ("Help", "3 ?"),
    ] {
        common::press(&mut few, keys);
        common::press(&mut many, keys);
        let ((few, _), (many, allocations)) = (frame(&few), frame(&many));
        println!("  {name:<24} 1,000: {few:>8.1?}   100,000: {many:>8.1?}   {allocations} allocations");
    }
}
