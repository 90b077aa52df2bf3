//! A drawn window as SVG: the text stays text, so that it can be read, searched and copied in a browser.

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

/// Width of a column in pixels.
const COLUMN: f32 = 8.4;
/// Height of a row in pixels.
const ROW: f32 = 18.0;
/// Free space around the text.
const EDGE: f32 = 12.0;
/// The window and its text.
const PAPER: &str = "#15181e";
const INK: &str = "#d4d8de";

/// What a run of cells shares.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    ink: &'static str,
    paper: Option<&'static str>,
    bold: bool,
    dim: bool,
    line: Option<&'static str>,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let has = |modifier| cell.modifier.contains(modifier);
        let (ink, paper) = (colour(cell.fg), colour(cell.bg));
        let (ink, paper) = if has(Modifier::REVERSED) {
            (paper.unwrap_or(PAPER), Some(ink.unwrap_or(INK)))
        } else {
            (ink.unwrap_or(INK), paper)
        };
        let line = if has(Modifier::UNDERLINED) {
            Some("underline")
        } else {
            has(Modifier::CROSSED_OUT).then_some("line-through")
        };
        // Dim on a light ground would be hard to read, so the reversed row is drawn in full.
        Self { ink, paper, bold: has(Modifier::BOLD), dim: has(Modifier::DIM) && !has(Modifier::REVERSED), line }
    }
}

/// The sixteen colours of a terminal; `None` for its own ink or paper.
fn colour(colour: Color) -> Option<&'static str> {
    Some(match colour {
        Color::Black => "#15181e",
        Color::Red | Color::LightRed => "#f0717a",
        Color::Green | Color::LightGreen => "#86c26e",
        Color::Yellow | Color::LightYellow => "#e8b75a",
        Color::Blue | Color::LightBlue => "#6fa8e8",
        Color::Magenta | Color::LightMagenta => "#c58ad8",
        Color::Cyan | Color::LightCyan => "#5fc0d0",
        Color::Gray | Color::DarkGray => "#8a919d",
        Color::White => "#ffffff",
        _ => return None,
    })
}

/// The window as an SVG document.
pub(crate) fn svg(buf: &Buffer, title: &str) -> String {
    let (width, height) = (pixels(buf.area.width, COLUMN) + 2.0 * EDGE, pixels(buf.area.height, ROW) + 2.0 * EDGE);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.1} {height:.1}\" role=\"img\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{PAPER}\"/>\n\
         <g font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\" \
         xml:space=\"preserve\">\n",
        escaped(title)
    );
    for y in 0..buf.area.height {
        row(&mut out, buf, y);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn pixels(count: u16, each: f32) -> f32 {
    f32::from(count) * each
}

/// One row, in runs of cells that look alike.
fn row(out: &mut String, buf: &Buffer, y: u16) {
    let mut x = 0;
    while x < buf.area.width {
        let look = Look::of(&buf[(x, y)]);
        let start = x;
        let mut text = String::new();
        while x < buf.area.width && Look::of(&buf[(x, y)]) == look {
            let symbol = buf[(x, y)].symbol();
            // A wide character stands for its neighbour too.
            let columns = onse::domain::text::width(symbol).clamp(1, 2);
            text.push_str(symbol);
            x += u16::try_from(columns).unwrap_or(1);
        }
        run(out, (start, x.min(buf.area.width), y), &text, look);
    }
}

fn run(out: &mut String, (start, end, y): (u16, u16, u16), text: &str, look: Look) {
    let (left, top) = (EDGE + pixels(start, COLUMN), EDGE + pixels(y, ROW));
    let wide = pixels(end - start, COLUMN);
    if let Some(paper) = look.paper {
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{ROW}\" fill=\"{paper}\"/>"
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let mut style = String::new();
    if look.bold {
        style.push_str(" font-weight=\"bold\"");
    }
    if look.dim {
        style.push_str(" opacity=\"0.6\"");
    }
    if let Some(line) = look.line {
        let _ = write!(style, " text-decoration=\"{line}\"");
    }
    let base = top + ROW * 0.76;
    let _ = writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{base:.1}\" fill=\"{}\" textLength=\"{wide:.1}\" \
         lengthAdjust=\"spacingAndGlyphs\"{style}>{}</text>",
        look.ink,
        escaped(text)
    );
}

/// Text for XML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Two spaces in a row are one in HTML unless they do not break.
            ' ' => out.push('\u{a0}'),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
