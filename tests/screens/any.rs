//! Any size and any keys: nothing panics, no cursor leaves its window, no pane draws into another.

use super::*;
use onse::tui::{
    hit::{self, Pane, Target},
    keymap::TABLE,
    layout::Shape,
    model::{Over, Stage},
    screen::{Focus, Screen},
};

/// A review of few facilities, for tests that press many keys.
pub(crate) fn few(keys: &str) -> Model {
    let mut model = model(30, PLAIN, (80, 24));
    press(&mut model, keys);
    model
}

/// A small generator, so that the sizes are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u16) -> u16 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u16::try_from((self.0 >> 33) % u64::from(below)).unwrap()
    }
}

/// What must hold of every frame whatever its size: no control character, and no row wider than the window.
fn sound(buf: &Buffer, what: &str) {
    for (at, cell) in buf.content.iter().enumerate() {
        let symbol = cell.symbol();
        if symbol.len() > 1 || symbol < " " {
            assert!(!symbol.chars().any(char::is_control), "{what}: {symbol:?}");
            let column = at % usize::from(buf.area.width);
            assert!(column + width(symbol) <= usize::from(buf.area.width), "{what}: {symbol:?} in {column}");
        }
    }
}

/// How many sizes and keys are tried on each screen.
fn turns() -> usize {
    std::env::var("ONSE_SCREEN_TURNS").ok().map_or(500, |turns| turns.parse().unwrap())
}

/// The list that has the keys: its row under the cursor, and its rectangle.
fn list(model: &Model) -> Option<(Pane, usize, Rect)> {
    let (layout, review) = (model.layout(), model.review.as_ref()?);
    let body = layout.body;
    let rows = |pane, at: usize, all: usize, area| (all > 0).then_some((pane, at, area));
    match (&model.over, model.screen) {
        (Some(Over::Help { rows: all, .. } | Over::Picks { rows: all, .. }), _) => {
            rows(Pane::Over, all.at, all.all.len(), body)
        }
        (Some(Over::Changes(changes)), _) => rows(Pane::Over, changes.rows.at, changes.rows.all.len(), body),
        (Some(_), _) => None,
        (None, Screen::Facilities) => match model.focus {
            Focus::List => rows(Pane::Of(Focus::List), review.list.at, review.list.all.len(), layout.list),
            Focus::Cells => rows(Pane::Of(Focus::Cells), review.cells.at, review.cells.all.len(), layout.cells),
        },
        (None, Screen::Properties) => rows(Pane::Column, review.column.at, review.column.all.len(), layout.list),
        (None, Screen::Overview) if model.reading.is_some() => None,
        (None, Screen::Overview) => rows(Pane::Doors, review.doors.at, review.doors.all.len(), body),
        (None, Screen::DataSets) => {
            let (explorer, focus) = (&model.explorer, model.focus);
            match focus {
                Focus::List => rows(Pane::Of(focus), explorer.rows.at, explorer.rows.all.len(), layout.list),
                Focus::Cells => {
                    rows(Pane::Of(focus), explorer.candidates.at, explorer.candidates.all.len(), layout.cells)
                }
            }
        }
        (None, Screen::Submit) => match &model.submit.stage {
            Stage::Sending(sent) => rows(Pane::Screen, model.submit.at, sent.forms.len(), body),
            Stage::Ended(_) => rows(Pane::Screen, model.submit.at, 1, body),
            _ => None,
        },
    }
}

/// The row under the cursor of the list that has the keys is on screen, and is what a click there finds. A question may cover it.
fn cursor_is_seen(model: &Model, buf: &Buffer, what: &str) {
    if model.layout().shape == Shape::TooSmall || model.ask.is_some() {
        return;
    }
    let Some((pane, at, area)) = list(model) else { return };
    let line = (area.y..area.bottom()).find(|y| buf[(area.x, *y)].symbol() == "▌");
    let found = line.and_then(|line| hit::at(model, area.x + 1, line));
    let text = || rows(buf).join("\n");
    assert_eq!(found, Some(Target::Row(pane, at)), "{what}: the cursor is in line {line:?}\n{}", text());
}

/// What is shown, without what it holds.
fn kind(model: &Model) -> impl PartialEq + use<> {
    let over = model.over.as_ref().map(std::mem::discriminant);
    (model.screen, over, model.ask.as_ref().map(std::mem::discriminant))
}

/// Presses keys at sizes; where they left the screen, it is opened again after a while.
fn wander(name: &str, seed: u64, open: fn() -> Model) {
    let every: Vec<&str> = TABLE.iter().flat_map(|row| row.keys.iter().copied()).collect();
    let moves = ["j", "k", "pgdn", "pgup", "G", "g", "l", "h", "tab", "down", "up"];
    let mut dice = Dice(seed);
    let mut model = open();
    let (home, mut away) = (kind(&model), 0);
    for turn in 0..turns() {
        if kind(&model) != home {
            away += 1;
        }
        if away > 5 {
            (model, away) = (open(), 0);
        }
        let size = (1 + dice.roll(220), 1 + dice.roll(70));
        update(&mut model, Msg::Resize(size.0, size.1), &now());
        let from: &[&str] = if dice.roll(2) == 0 { &moves } else { &every };
        let key = from[usize::from(dice.roll(u16::try_from(from.len()).unwrap()))];
        press(&mut model, key);
        let what = format!("{name}, turn {turn}, {size:?} after {key}");
        let buf = drawn(&model);
        sound(&buf, &what);
        cursor_is_seen(&model, &buf, &what);
    }
}

#[test]
fn any_size_and_key_of_the_tabs() {
    wander("overview", 1, || few("1"));
    wander("properties", 2, || few("2"));
    wander("checks of properties", 3, || opened(judged(), (80, 24), "2 l l"));
    wander("facilities", 4, || few("3"));
    wander("properties of a facility", 5, || few("3 t l"));
    wander("widened", 6, || few("3 w"));
    wander("data sets", 7, || few("5"));
    wander("rows of the mapping", 8, || datasets::looked((80, 24), 2));
    wander("candidates", 9, || {
        let mut model = datasets::looked((80, 24), 9);
        model.focus = Focus::Cells;
        model
    });
}

#[test]
fn any_size_and_key_of_submit() {
    wander("submit", 11, || checked((80, 24), PLAIN, |check| Check { held: held(), ..check }));
    wander("result", 12, || lists::result((80, 24), PLAIN, "j"));
    wander("sending", 13, || {
        let mut model = checked((80, 24), PLAIN, |check| check);
        press(&mut model, "3 9 8 0 enter");
        let sending = Sending { phase: Phase::Sending, changes: 3980, forms: forms(), ..Sending::default() };
        let job = model.submit.job;
        update(&mut model, Msg::Sending(job, Box::new(sending)), &now());
        assert!(model.submit.is_sending());
        model
    });
}

#[test]
fn any_size_and_key_of_what_covers_them() {
    wander("help", 21, || few("3 ?"));
    wander("log", 22, || few("3 a L"));
    wander("words", 23, || few("3 f"));
    wander("changes", 24, || lists::approved((80, 24), PLAIN, "v"));
    wander("reset", 25, || {
        let mut model = few("1");
        reading::read_again(&mut model, 30);
        press(&mut model, "1 g j enter");
        assert!(matches!(model.over, Some(Over::Changes(_))));
        model
    });
    wander("not matched", 26, || few("1 g enter"));
    wander("form", 27, || lists::result((80, 24), PLAIN, "G enter"));
}

#[test]
fn any_size_and_key_of_questions() {
    wander("bulk", 31, || few("3 A"));
    wander("reason", 32, || few("3 l j j a"));
    wander("filter", 33, || few("3 /"));
    wander("sort", 34, || few("3 s"));
    wander("note", 35, || few("3 l j m"));
    wander("range", 36, || few("3 v j"));
}

/// Facilities or Properties with what one pane shows made longer: the names of all facilities but the first, the values of the
/// first, what is behind the cell under the cursor.
fn longer(size: (u16, u16), keys: &str, what: &str) -> Model {
    let names = |at: usize, facility: &mut onse::domain::plan::Facility| {
        if what == "names" && at > 0 {
            facility.name.push_str(" and the Outreach Post of the North-East \u{8a3a}\u{7642}\u{6240}");
        }
    };
    let values = |draft: &mut onse::domain::plan::Draft| {
        if what == "values" {
            let at = |property| common::cell(0, property);
            draft.set(at(common::property::ADMISSIONS), Some("123456789012"), Some("2204567890123"), State::Reported);
            draft.set(at(10), Some(&"seen in the register, ".repeat(20)), Some("14"), State::Reported);
        }
    };
    let mut model = opened(common::plan_with(30, names, values), size, "");
    common::press_only(&mut model, keys);
    let mut behind = common::behind(model.detail_cell().unwrap());
    if what == "behind" {
        for part in &mut behind.parts {
            part.name.push_str(", of all the wards of the hospital and of what lies around it and beyond it");
            part.comment = Some("as the register of the ward has it ".repeat(9));
        }
    }
    update(&mut model, Msg::Detail(Ok(behind)), &now());
    model
}

#[test]
fn no_pane_draws_into_another() {
    let mut seen = std::collections::BTreeSet::new();
    let mut dice = Dice(3);
    for _ in 0..turns() / 5 {
        let size = (60 + dice.roll(160), 16 + dice.roll(54));
        for keys in ["3", "3 l j j", "3 w", "3 l w", "2 l l", "2 l l w"] {
            let before = longer(size, keys, "");
            let layout = before.layout();
            let facilities = before.screen == Screen::Facilities;
            // The detail has the lines under the last row too.
            let review = before.review.as_ref().unwrap();
            let (pane, head, used) = if facilities {
                (layout.cells, layout.cells_head, review.cells.all.len())
            } else {
                (layout.list, layout.list_head, review.column.all.len())
            };
            let used = (head + u16::try_from(used).unwrap()).min(pane.height);
            let free = Rect { y: pane.y + used, height: pane.height - used, ..pane };
            for (what, panes) in [
                ("names", [layout.list; 2]),
                ("behind", [layout.detail, free]),
                ("values", [layout.cells, layout.detail]),
            ] {
                if what == "values" && !facilities {
                    continue;
                }
                let after = longer(size, keys, what);
                let (before, after) = (drawn(&before), drawn(&after));
                for at in before.area.positions() {
                    if before[at] != after[at] {
                        let inside = panes.iter().any(|pane| pane.contains(at));
                        assert!(inside, "{size:?} {keys}: longer {what} change {at}\n{}", rows(&after).join("\n"));
                        seen.insert((keys, what, format!("{:?}", layout.shape)));
                    }
                }
            }
        }
    }
    for shape in ["Stacked", "Two", "Three"] {
        for (keys, what) in [("3", "names"), ("3", "values"), ("2 l l", "names"), ("2 l l", "behind")] {
            let changed = seen.contains(&(keys, what, shape.to_owned()));
            assert!(changed, "{keys}, {what}: nothing changed where {shape}");
        }
    }
}

#[test]
fn a_window_smaller_than_the_model_thinks_is_drawn_too() {
    let model = at((120, 40), PLAIN, "3 l");
    for (width, height) in [(0, 0), (1, 1), (80, 24), (300, 3)] {
        draw(&model, &mut Buffer::empty(Rect::new(0, 0, width, height)));
    }
}

#[test]
fn a_picture_is_sound_xml_with_the_text_in_it() {
    let model = at((120, 40), PLAIN, "3 l j j");
    let svg = svg::svg(&drawn(&model), "a <title> & more");
    let mut reader = quick_xml::Reader::from_str(&svg);
    let mut text = String::new();
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Text(part) => text.push_str(&part.xml10_content()),
            quick_xml::events::Event::GeneralRef(part) => text.push_str(&part.xml10_content()),
            _ => {}
        }
    }
    assert!(text.contains("Kasenga\u{a0}HC") && text.contains("Facilities"), "{text}");
    assert!(!svg.contains('\u{1b}'));
}
