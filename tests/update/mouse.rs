//! The mouse: the wheel scrolls what is under it, a click puts the cursor or does what the key under it does; it never decides.

use onse::{
    domain::{
        ledger::Verdict,
        plan::{Cell, Draft},
    },
    job::report::{FormLine, Phase, Sending},
    tui::{
        hit::{self, Pane, Target},
        keymap::{self, Action as A},
        layout::Shape,
        model::{Over, Rows},
        msg::{Cmd, Mouse, Msg},
        screen::{Focus, Screen, draw},
    },
};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{Desk, cells, datasets::looked, plan_of};

/// Sizes with every shape, with and without a line for the status.
const SIZES: [(u16, u16); 6] = [(60, 17), (60, 20), (80, 24), (100, 30), (120, 40), (200, 60)];

fn frame(desk: &Desk) -> Vec<Vec<String>> {
    let (width, height) = desk.model.size;
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    draw(&desk.model, &mut buf);
    (0..height).map(|y| (0..width).map(|x| buf[(x, y)].symbol().to_owned()).collect()).collect()
}

/// Where a text stands in a line: its first column.
fn column(desk: &Desk, line: u16, text: &str) -> Option<u16> {
    let cells = &frame(desk)[usize::from(line)];
    (0..cells.len()).find(|from| cells[*from..].concat().starts_with(text)).map(|at| u16::try_from(at).unwrap())
}

/// The first line that begins with this text from some column on.
#[track_caller]
fn place(desk: &Desk, text: &str) -> (u16, u16) {
    let lines = 0..desk.model.size.1;
    let found = lines.into_iter().find_map(|line| column(desk, line, text).map(|at| (at, line)));
    found.unwrap_or_else(|| panic!("no {text} on screen"))
}

fn click(desk: &mut Desk, (column, line): (u16, u16)) {
    desk.tell(Msg::Mouse(Mouse::Click(column, line)));
}

fn turn(desk: &mut Desk, (column, line): (u16, u16), rows: i8) {
    desk.tell(Msg::Mouse(Mouse::Wheel(column, line, rows)));
}

/// A review of many facilities.
fn many() -> Desk {
    let names: Vec<String> = (0..90).map(|n| format!("Facility {n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Desk::with(plan_of(&names, |_: &mut Draft| {}), Screen::Facilities)
}

#[test]
fn keys_and_tabs_are_where_they_are_drawn() {
    for size in SIZES {
        for screen in Screen::ALL {
            for keys in ["", "?", "L"] {
                let mut desk = Desk::on(screen);
                desk.tell(Msg::Resize(size.0, size.1));
                desk.keys(keys);
                let (layout, cells) = (desk.model.layout(), frame(&desk));
                let shows = |x: u16, y: u16, text: &str| {
                    let line = cells[usize::from(y)][usize::from(x)..].concat();
                    assert!(line.starts_with(text), "{screen:?} {size:?} after {keys:?}: {text} is not at {x}: {line}");
                };
                for tab in hit::tabs(&desk.model, &layout) {
                    shows(tab.x, 0, &tab.text);
                    let Some(Target::Key(action)) = hit::at(&desk.model, tab.x, 0) else {
                        panic!("no tab at {}", tab.x)
                    };
                    assert_eq!(action, keymap::Action::Tab(tab.screen));
                }
                for key in hit::keys(&desk.model, &layout) {
                    shows(key.x, layout.footer.y, &format!("{} {}", key.hint.keys, key.hint.label));
                    assert_eq!(hit::at(&desk.model, key.x, layout.footer.y), Some(Target::Key(key.hint.action)));
                }
                let corner = if keys.is_empty() { " help" } else { " close" };
                let at = column(&desk, 0, corner).unwrap();
                let Some(Target::Key(action)) = hit::at(&desk.model, at, 0) else { panic!("no {corner}") };
                let wanted = if keys.is_empty() { keymap::Action::Help } else { keymap::Action::Escape };
                assert_eq!(action, wanted);
                assert_eq!(hit::at(&desk.model, at + 7, 0), None);
            }
        }
    }
}

/// Where the cursor of the list that has the keys is drawn.
#[track_caller]
fn cursor(desk: &Desk, pane: Pane) -> (u16, u16) {
    let layout = desk.model.layout();
    let (x, from) = if pane == Pane::Of(Focus::Cells) { (layout.cells.x, layout.cells.y) } else { (0, layout.body.y) };
    let cells = frame(desk);
    let line = (from..layout.body.bottom()).find(|line| cells[usize::from(*line)][usize::from(x)] == "▌");
    (x + 4, line.unwrap_or_else(|| panic!("no cursor at {:?} on {:?}", desk.model.size, desk.model.screen)))
}

#[test]
fn rows_are_where_they_are_drawn() {
    for size in SIZES {
        for (screen, keys, pane) in [
            (Screen::Facilities, "jj", Pane::Of(Focus::List)),
            (Screen::Facilities, "ljj", Pane::Of(Focus::Cells)),
            (Screen::Properties, "jj", Pane::Column),
            (Screen::Overview, "jjj", Pane::Doors),
            (Screen::Facilities, "?<down><down><down>", Pane::Over),
            (Screen::Facilities, "fjj", Pane::Over),
            (Screen::DataSets, "jj", Pane::Of(Focus::List)),
            (Screen::DataSets, "jlj", Pane::Of(Focus::Cells)),
        ] {
            let mut desk = if screen == Screen::DataSets { looked() } else { Desk::on(screen) };
            desk.tell(Msg::Resize(size.0, size.1));
            desk.keys(keys);
            let (review, explorer) = (desk.review(), &desk.model.explorer);
            let at = match (&desk.model.over, pane) {
                (Some(Over::Help { rows, .. } | Over::Picks { rows, .. }), _) => rows.at,
                (_, Pane::Of(Focus::List)) if screen == Screen::DataSets => explorer.rows.at,
                (_, Pane::Of(Focus::Cells)) if screen == Screen::DataSets => explorer.candidates.at,
                (_, Pane::Of(Focus::List)) => review.list.at,
                (_, Pane::Of(Focus::Cells)) => review.cells.at,
                (_, Pane::Column) => review.column.at,
                _ => review.doors.at,
            };
            // The row of the pane that has the keys is where the cursor sign of the frame is.
            let (x, line) = cursor(&desk, pane);
            assert_eq!(hit::at(&desk.model, x, line), Some(Target::Row(pane, at)), "{size:?} {screen:?} {keys}");
        }
    }
}

/// Every change approved, at the question of Submit, with the list of what would be written.
fn listed(size: (u16, u16)) -> Desk {
    let mut desk = many();
    desk.tell(Msg::Resize(size.0, size.1));
    desk.keys("Ay").ready(9);
    desk.keys("v");
    desk
}

fn changes(desk: &Desk) -> &Rows<Cell> {
    let Some(Over::Changes(changes)) = &desk.model.over else { panic!("no list of changes") };
    &changes.rows
}

#[test]
fn rows_of_changes_are_where_they_are_drawn_and_the_wheel_reaches_the_last() {
    for size in SIZES {
        let mut desk = listed(size);
        desk.keys("jj");
        let (x, line) = cursor(&desk, Pane::Over);
        assert_eq!(hit::at(&desk.model, x, line), Some(Target::Row(Pane::Over, 2)), "{size:?}");
        click(&mut desk, (x, line - 1));
        assert_eq!(changes(&desk).at, 1);
        click(&mut desk, (x, line - 3));
        assert_eq!(changes(&desk).at, 1, "the heading is no row");
        let all = changes(&desk).all.len();
        for _ in 0..all {
            turn(&mut desk, (x, line), 3);
        }
        let last = desk.model.layout().body.bottom() - 1;
        assert_eq!(hit::at(&desk.model, x, last), Some(Target::Row(Pane::Over, all - 1)), "{size:?}");
        desk.keys("G");
        assert_eq!(cursor(&desk, Pane::Over), (x, last), "{size:?}");
        desk.tell(Msg::Resize(60, 16));
        assert_eq!(cursor(&desk, Pane::Over).1, desk.model.layout().body.bottom() - 1, "also in a smaller window");
    }
}

#[test]
fn a_click_puts_the_cursor_on_a_form_and_a_count() {
    for size in SIZES {
        let mut desk = many();
        desk.tell(Msg::Resize(size.0, size.1));
        desk.keys("Ay").ready(9);
        desk.keys("9<enter>");
        let form = |number| FormLine {
            number,
            first: format!("F{number}"),
            last: format!("F{number}"),
            facilities: 1,
            changes: 1,
            form_id: None,
            outcome: None,
            answer: None,
            replaced: false,
            cells: [].into(),
        };
        let forms: Vec<FormLine> = (1..80).map(form).collect();
        let ended = Sending { phase: Phase::Ended, changes: 79, applied: 70, unknown: 9, forms, ..Sending::default() };
        desk.tell(Msg::Sending(desk.job(), Box::new(ended)));
        // Before the forms: check again, applied, approved but not sent, unknown.
        for (text, wanted) in [("check again", 0), ("of 79 applied", 1), ("unknown", 3), ("F1", 4), ("F2", 5)] {
            let at = place(&desk, text);
            click(&mut desk, at);
            assert_eq!(desk.model.submit.at, wanted, "{size:?} {text}");
            assert_eq!(cursor(&desk, Pane::Screen).1, at.1, "{size:?} {text}");
        }
        let heading = place(&desk, "outcome");
        click(&mut desk, heading);
        assert_eq!(desk.model.submit.at, 5);
        desk.keys("G");
        let at = cursor(&desk, Pane::Screen);
        assert_eq!(hit::at(&desk.model, at.0, at.1), Some(Target::Row(Pane::Screen, 82)), "{size:?}");
    }
}

#[test]
fn a_click_puts_the_cursor_and_gives_the_pane_the_keys() {
    let mut desk = Desk::on(Screen::Facilities);
    let at = place(&desk, "Luvuzi");
    click(&mut desk, at);
    assert_eq!((desk.facility(), desk.model.focus), ("Luvuzi HC", Focus::List));
    let rows = desk.review().cells.all.clone();
    assert!(rows.iter().all(|cell| cell.facility == 3), "its properties are listed: {rows:?}");
    let layout = desk.model.layout();
    click(&mut desk, (layout.cells.x + 3, layout.cells.y + layout.cells_head + 1));
    assert_eq!((desk.model.focus, desk.review().cells.at), (Focus::Cells, 1));
    click(&mut desk, (layout.list.x + 3, layout.list.y));
    assert_eq!((desk.facility(), desk.model.focus), ("Luvuzi HC", Focus::List), "beside its rows the cursor stays");
    assert!(desk.entries().is_empty());
}

#[test]
fn a_click_on_a_tab_or_a_key_does_that_key() {
    let mut desk = Desk::on(Screen::Facilities);
    for (text, screen) in [("2 Properties", Screen::Properties), ("1 Overview", Screen::Overview)] {
        let at = place(&desk, text);
        click(&mut desk, at);
        assert_eq!(desk.model.screen, screen);
    }
    let door = place(&desk, "STOP ");
    click(&mut desk, door);
    assert_eq!(desk.model.screen, Screen::Overview, "a click puts the cursor, it opens nothing");
    let open = place(&desk, "enter open");
    click(&mut desk, open);
    assert_eq!(desk.model.screen, Screen::Facilities);
    let next = place(&desk, "n next left");
    click(&mut desk, next);
    assert!(desk.model.ask.is_none());
    let help = place(&desk, "? help");
    click(&mut desk, help);
    assert!(matches!(desk.model.over, Some(Over::Help { .. })));
    let row = place(&desk, "reject ");
    click(&mut desk, row);
    let run = place(&desk, "enter run  ");
    click(&mut desk, run);
    assert!(desk.status().contains("press enter"), "{}", desk.status());
    let close = place(&desk, "? close");
    click(&mut desk, close);
    assert!(desk.model.over.is_none() && desk.entries().is_empty());
}

#[test]
fn a_click_never_decides() {
    for screen in [Screen::Facilities, Screen::Properties, Screen::Overview] {
        let mut desk = Desk::on(if screen == Screen::Overview { Screen::Facilities } else { screen });
        desk.tell(Msg::Resize(200, 60));
        // Something to undo and to redo.
        desk.keys("rjru");
        desk.model.screen = screen;
        place(&desk, "u undo");
        desk.cmds.clear();
        let before = desk.decided(Verdict::Reject);
        for y in 0..60 {
            for x in 0..200 {
                click(&mut desk, (x, y));
                assert!(desk.cmds.iter().all(|cmd| !matches!(cmd, Cmd::Record(_) | Cmd::Submit { .. })), "at {x}, {y}");
                (desk.model.screen, desk.model.over, desk.model.ask) = (screen, None, None);
                desk.model.leaving = false;
                desk.cmds.clear();
            }
        }
        assert_eq!(desk.decided(Verdict::Reject), before);
    }
    let mut desk = cells();
    let approve = place(&desk, "a approve");
    click(&mut desk, approve);
    assert_eq!(desk.status(), "the mouse decides and sends nothing: press a");
    for action in [A::Approve, A::Reject, A::Clear, A::Zero, A::Toggle, A::ApproveAll, A::Undo, A::Redo, A::Send] {
        assert!(!hit::is_clickable(action), "{action:?}");
    }
    for action in [A::Settle, A::Pause, A::StopAfterForm, A::Yes, A::Accept, A::Digit, A::Zeros, A::KeepOld, A::Run] {
        assert!(!hit::is_clickable(action), "{action:?}");
    }
}

#[test]
fn a_question_has_only_keys() {
    for keys in ["A", "lja", "/", "s"] {
        let mut desk = Desk::on(Screen::Facilities);
        desk.keys(keys);
        assert!(desk.model.ask.is_some(), "{keys}");
        desk.cmds.clear();
        let (at, focus) = (desk.review().list.at, desk.model.focus);
        for y in 0..24 {
            for x in 0..80 {
                click(&mut desk, (x, y));
                turn(&mut desk, (x, y), 3);
            }
        }
        assert!(desk.model.ask.is_some() && desk.cmds.is_empty(), "{keys}");
        assert_eq!((desk.review().list.at, desk.model.focus), (at, focus));
    }
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut desk = many();
    desk.keys("jjl");
    let layout = desk.model.layout();
    let (left, right) = ((2, layout.list.y + 4), (layout.cells.x + 4, layout.cells.y + 2));
    turn(&mut desk, left, 3);
    let review = desk.review();
    assert_eq!(
        (review.list.top, review.list.at, desk.model.focus),
        (3, 3, Focus::Cells),
        "the keys stay where they are"
    );
    assert_eq!(review.cells.current().unwrap().facility, review.list.current().unwrap());
    turn(&mut desk, left, -3);
    assert_eq!((desk.review().list.top, desk.review().list.at), (0, 3), "the cursor stays on a row that is seen");
    turn(&mut desk, left, -3);
    assert_eq!((desk.review().list.top, desk.review().list.at), (0, 3));
    for _ in 0..100 {
        turn(&mut desk, left, 3);
    }
    let last = 90 - layout.list_rows();
    assert_eq!(desk.review().list.top, last, "the end is the end");
    turn(&mut desk, right, 3);
    assert_eq!(desk.review().list.top, last, "the other pane has its own window");
    desk.keys("2");
    turn(&mut desk, (4, 8), 3);
    assert_eq!(desk.review().column.top, 3);
    desk.keys("1");
    let at = desk.review().doors.at;
    turn(&mut desk, (4, 8), 3);
    assert_eq!(desk.review().doors.at, at + 3, "where the window follows the cursor, the cursor moves");
    desk.keys("?");
    turn(&mut desk, (4, 8), 3);
    let Some(Over::Help { rows, .. }) = &desk.model.over else { panic!("no help") };
    assert_eq!(rows.at, 3);
}

#[test]
fn nothing_is_there_in_a_window_too_small() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.tell(Msg::Resize(40, 10));
    assert_eq!(desk.model.layout().shape, Shape::TooSmall);
    let (at, screen) = (desk.review().list.at, desk.model.screen);
    for (x, y) in (0..10).flat_map(|y| (0..40).map(move |x| (x, y))) {
        click(&mut desk, (x, y));
        turn(&mut desk, (x, y), 3);
    }
    assert_eq!((desk.review().list.at, desk.model.screen), (at, screen));
}
