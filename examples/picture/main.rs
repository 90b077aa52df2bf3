//! Draws the Facilities screen of a sample review and writes it as SVG: `cargo run --example picture > assets/facilities.svg`.

#[path = "../../tests/common/mod.rs"]
mod common;
mod svg;

use std::io::Write;

use onse::tui::{model::Look, screen::draw};
use ratatui::{buffer::Buffer, layout::Rect};

/// Columns and rows of the picture.
const SIZE: (u16, u16) = (120, 40);

fn main() -> std::io::Result<()> {
    let mut model = common::model(1106, Look::default(), SIZE);
    common::press(&mut model, "3 l j j");
    let mut buf = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
    draw(&model, &mut buf);
    std::io::stdout().write_all(svg::svg(&buf, "onse: old values against new, facility by facility").as_bytes())
}
