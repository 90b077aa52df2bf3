//! Every screen at every size, as text with a second layer that names the look of each cell.
#![expect(clippy::unwrap_used, reason = "a screen that cannot be built is a broken test")]

#[path = "screens/any.rs"]
mod any;
mod common;
#[path = "screens/covers.rs"]
mod covers;
#[path = "screens/datasets.rs"]
mod datasets;
#[path = "screens/history.rs"]
mod history;
#[path = "screens/lists.rs"]
mod lists;
#[path = "screens/panes.rs"]
mod panes;
#[path = "screens/reading.rs"]
mod reading;
#[path = "screens/sending.rs"]
mod sending;
#[path = "../examples/picture/svg.rs"]
mod svg;

use std::{collections::BTreeMap, fmt::Write, sync::Arc, time::Duration};

use any::few;
use common::{model, now, press, run};
use history::judged;
use jiff::{SignedDuration, Timestamp};
use onse::{
    domain::{
        finer::{Choice, Unfit, Way},
        flags::{Check as PropertyCheck, Flag, Kind, Severity, Whole},
        history::{Past, PastPart, Series},
        ledger::{Ledger, Reset, Verdict},
        outcome::Outcome,
        plan::State,
        quarter::Quarter,
        text::width,
    },
    io::http::{Cause, Side, Wait},
    job::report::{Check, Detail, FormLine, Held, History, Level, PartLine, Phase, Reading, Sending},
    tui::{
        model::{Look, Model},
        msg::{Cmd, Msg, Now, Opened},
        screen::draw,
        theme::Choice as Themed,
        update::update,
    },
};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};
use sending::{checked, forms, held, sent};

const PLAIN: Look = Look { ascii: false, theme: Themed::Default, mouse: false };
const MONO: Look = Look { theme: Themed::Mono, ..PLAIN };

/// Draws the model at its size.
fn drawn(model: &Model) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, model.size.0, model.size.1));
    draw(model, &mut buf);
    buf
}

/// The rows as text. A wide character covers two cells and is one in the text.
fn rows(buf: &Buffer) -> Vec<String> {
    let mut rows = Vec::new();
    for y in 0..buf.area.height {
        let (mut row, mut x) = (String::new(), 0);
        while x < buf.area.width {
            let symbol = buf[(x, y)].symbol();
            row.push_str(symbol);
            x += u16::try_from(width(symbol)).unwrap().max(1);
        }
        rows.push(row.trim_end().to_owned());
    }
    rows
}

/// How a cell looks, in words.
fn look(cell: &Cell) -> String {
    let mut words = Vec::new();
    if cell.fg != Color::Reset {
        words.push(format!("{:?}", cell.fg).to_lowercase());
    }
    for (modifier, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
        (Modifier::CROSSED_OUT, "crossed out"),
    ] {
        if cell.modifier.contains(modifier) {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

/// The text, then a letter per cell for its look, then what the letters mean. A letter stands for the same look in every
/// picture: the order is fixed here.
fn picture(model: &Model) -> String {
    const LOOKS: [&str; 20] = [
        "bold",
        "dim",
        "reversed",
        "lightblue bold",
        "lightblue",
        "red bold",
        "magenta bold",
        "lightblue underlined",
        "bold reversed",
        "dim reversed",
        "lightblue bold reversed",
        "lightblue reversed",
        "red bold reversed",
        "magenta bold reversed",
        "lightblue underlined reversed",
        "red crossed out",
        "bold underlined",
        "underlined",
        "crossed out",
        "bold underlined reversed",
    ];
    let buf = drawn(model);
    let mut used = BTreeMap::new();
    let mut out = rows(&buf).join("\n");
    out.push_str("\n\n");
    for y in 0..buf.area.height {
        let letter = |x| {
            let look = look(&buf[(x, y)]);
            if look.is_empty() {
                return ' ';
            }
            let at = LOOKS.iter().position(|l| *l == look);
            assert!(at.is_some(), "no letter for {look}");
            let letter = char::from(b'a' + u8::try_from(at.unwrap()).unwrap());
            used.insert(letter, look);
            letter
        };
        let line: String = (0..buf.area.width).map(letter).collect::<Vec<_>>().into_iter().collect();
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for (letter, look) in used {
        let _ = writeln!(out, "{letter} {look}");
    }
    out
}

/// A picture, named after the screen and its size.
fn shot(name: &str, model: &Model) {
    insta::assert_snapshot!(format!("{name}_{}x{}", model.size.0, model.size.1), picture(model));
}

/// One picture per size.
fn sizes(name: &str, sizes: &[(u16, u16)], build: impl Fn((u16, u16), Look) -> Model) {
    for size in sizes {
        shot(name, &build(*size, PLAIN));
    }
}

/// Every size, and one without colour.
fn every(name: &str, build: impl Fn((u16, u16), Look) -> Model) {
    sizes(name, &ALL, &build);
    let mut model = build((80, 24), MONO);
    model.look = MONO;
    shot(&format!("{name}_mono"), &model);
}

const ALL: [(u16, u16); 5] = [(60, 20), (80, 24), (100, 30), (120, 40), (200, 60)];
const TWO: [(u16, u16); 2] = [(80, 24), (120, 40)];

fn at(size: (u16, u16), look: Look, keys: &str) -> Model {
    let mut model = model(1106, look, size);
    press(&mut model, keys);
    model
}

/// A plan as it is right after reading.
fn opened(plan: onse::domain::plan::Plan, size: (u16, u16), keys: &str) -> Model {
    let ledger = Ledger::new(&plan);
    let opened = Opened {
        plan: Arc::new(plan),
        ledger,
        place: None,
        file: "f.review".to_owned(),
        sending: None,
        reset: Vec::new(),
    };
    let mut model = Model::new(run(), PLAIN, size);
    update(&mut model, Msg::Read(Ok(Box::new(opened))), &now());
    press(&mut model, keys);
    model
}
