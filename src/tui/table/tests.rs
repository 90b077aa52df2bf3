use super::*;
use crate::{domain::plan::sample, tui::theme::Theme};
use proptest::prelude::*;
use ratatui::buffer::Buffer;

fn line(room: u16, shown: &Shown, widest: Widths) -> String {
    let mut buf = Buffer::empty(Rect::new(0, 0, room, 1));
    let area = buf.area;
    let grid = Grid::fit(room.into(), widest, 12, 30);
    let mut canvas = Canvas::new(&mut buf, Theme::default());
    grid.row(
        &mut canvas.pen(area, 0),
        shown,
        |room| cut("total_budget_for_drugs", room).into_owned().into(),
        Role::Text,
    );
    buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
}

fn value(old: &str, new: &str) -> Shown {
    let change = change(Some(old), Some(new)).unwrap_or_default();
    Shown { old: short(old), new: short(new), change, proposes: true, old_is_text: false, multiple: String::new() }
}

#[test]
fn usual_values_stand_in_columns_and_wide_ones_take_room_from_their_name() {
    let widest = value("12345678901234", "98765432109876").widths();
    assert_eq!(line(40, &value("120", "1310"), widest), "total_budget_f…    120 →  1,310   +1,190");
    assert_eq!(line(40, &value("4500000", "5210000.5"), widest), "total_budget_fo… 4,500,000 → 5,210,000.5");
    assert!(line(80, &value("4500000", "5210000.5"), widest).contains("  +710,000.5"));
}

#[test]
fn the_sign_of_a_flag_always_has_its_columns() {
    let widest = value("12345678901234", "98765432109876").widths();
    for widest in [widest, Widths::LEAST] {
        for pane in 48..220_u16 {
            let gap = usize::from(sign_room(pane));
            for usual in [false, true] {
                for (grid, lead) in [
                    (Grid::properties(pane, widest, usual), lead(pane)),
                    (Grid::facilities(pane, widest, 90, usual), 5),
                ] {
                    assert!(usize::from(lead) + grid.total() + gap <= usize::from(pane), "{pane} {grid:?}");
                }
            }
        }
    }
}

#[test]
fn the_multiple_gives_way_before_a_digit() {
    let row = |grid: Grid, shown: &Shown| -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, columns(grid.total()), 1));
        let area = buf.area;
        let mut canvas = Canvas::new(&mut buf, Theme::default());
        grid.row(&mut canvas.pen(area, 0), shown, |room| cut("a_long_name_of_a_property", room), Role::Text);
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    };
    let with = |old: &str, new: &str, times: f64| Shown { multiple: of_usual(times), ..value(old, new) };
    let usual = with("120", "1310", 11.02);
    let grid = Grid::with(true, 54, usual.widths(), 12, 30);
    assert_eq!((grid.of_usual, grid.widths), (11, Grid::fit(54, usual.widths(), 12, 30).widths));
    assert_eq!(row(grid, &usual), "a_long_name_of_a_pro…   120 → 1,310  +1,190        11x");
    // Wide values take the name's room first, then the multiple's, and only then lose their change.
    assert_eq!(row(grid, &with("120000", "1310000", 11.0)), "a_long_nam… 120,000 → 1,310,000  +1,190,000        11x");
    assert_eq!(
        row(grid, &with("12345678", "123456789", 10.0)),
        "a_long_name_of… 12,345,678 → 123,456,789  +111,111,111"
    );
    assert!(row(grid, &with("1", "99999999", 9e7)).ends_with("+99,999,998   >99,999x"));
    let wide = value("12345678901234", "98765432109876").widths();
    assert_eq!(Grid::with(true, 80, wide, 12, 30).of_usual, 0, "a column of the values would be lost");
    assert_eq!(Grid::with(true, 90, wide, 12, 30).of_usual, 11);
    assert_eq!(Grid::with(false, 90, wide, 12, 30).of_usual, 0);
    assert_eq!(Grid::with(true, 45, usual.widths(), 14, 30).of_usual, 0, "a name would be too short");
}

#[test]
fn what_is_not_proposed_reads_as_words() {
    let cell = |property| Cell { facility: 0, property };
    let plan = sample(1, 5, |draft| {
        draft.set(cell(0), Some("28"), None, State::NotReported);
        draft.set(cell(1), None, Some("12 (\u{1b}est)"), State::NonNumeric);
        draft.set(cell(2), Some("5"), Some("5.0"), State::Reported);
        draft.set(cell(3), Some(""), Some("4500000.25"), State::Reported);
    });
    let ledger = Ledger::new(&plan);
    let words = |at| {
        let shown = Shown::of(&plan, &ledger, cell(at));
        (shown.old, shown.new, shown.change)
    };
    let own = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(words(0), own("28", "not reported", ""));
    assert_eq!(words(1), own("-", "\"12 (<1B>est)\"", ""));
    assert_eq!(words(2), own("5", "same 5.0", ""));
    assert_eq!(words(3), own("-", "4,500,000.25", ""));
    assert_eq!(words(4), own("4", "5", "+1"));
}

proptest! {
    #[test]
    fn every_digit_of_a_value_is_there_or_none(old in 0_u64..10_u64.pow(15), new in 0_u64..10_u64.pow(15), room in 36_u16..120) {
        let shown = value(&old.to_string(), &new.to_string());
        let line = line(room, &shown, Widths::LEAST);
        prop_assert!(line.contains(&shown.new), "{line}");
        let digits = |s: &str| s.chars().filter(char::is_ascii_digit).count();
        let all = digits(&shown.new);
        let found = digits(&line);
        let (old, change) = (digits(&shown.old), digits(&shown.change));
        prop_assert!([all, all + old, all + old + change].contains(&found), "{line}");
    }
}
