//! `w`: the pane that has the keys gets the room; again: back.

use super::*;

/// Columns of list, properties and detail.
fn widths(desk: &Desk) -> [u16; 3] {
    let layout = desk.model.layout();
    [layout.list.width, layout.cells.width, layout.detail.width]
}

#[test]
fn the_pane_that_has_the_keys_gets_the_room_and_gives_it_back() {
    let mut desk = Desk::on(Screen::Facilities);
    let plain = widths(&desk);
    assert!(plain.iter().all(|width| *width > 0), "{plain:?}");
    desk.keys("w");
    assert_eq!(widths(&desk), [80, 0, 0]);
    desk.keys("l");
    assert_eq!(widths(&desk), [0, 80, 80], "the room follows the keys");
    desk.keys("h");
    assert_eq!(widths(&desk), [80, 0, 0]);
    desk.keys("w");
    assert_eq!((widths(&desk), desk.model.wide), (plain, false));
}

#[test]
fn where_panes_are_stacked_it_gets_the_lines() {
    let mut desk = Desk::on(Screen::Facilities);
    desk.tell(Msg::Resize(60, 20));
    let rows = |desk: &Desk| (desk.model.layout().list_rows(), desk.model.layout().cell_rows());
    let (list, cells) = rows(&desk);
    desk.keys("w");
    assert!(rows(&desk).0 > list && rows(&desk).1 == 0);
    desk.keys("l");
    assert!(rows(&desk).1 > cells && rows(&desk).0 == 0);
}

#[test]
fn the_cursor_stays_in_sight() {
    let mut desk = Desk::on(Screen::Properties);
    let before = desk.model.layout().list_rows();
    desk.keys("Gw");
    let wide = desk.model.layout().list_rows();
    assert!(wide >= before);
    for size in [(60, 16), (80, 24), (200, 60)] {
        desk.tell(Msg::Resize(size.0, size.1));
        for keys in ["2", "3", "l", "w", "h", "w"] {
            desk.keys(keys);
            let layout = desk.model.layout();
            let review = desk.review();
            let seen = |top: usize, at: usize, height: usize| height == 0 || (top..top + height).contains(&at);
            let (list, cells) = (&review.list, &review.cells);
            match desk.model.screen {
                Screen::Properties => {
                    assert!(seen(review.column.top, review.column.at, layout.list_rows()), "{size:?} {keys}");
                }
                _ => assert!(
                    seen(list.top, list.at, layout.list_rows()) && seen(cells.top, cells.at, layout.cell_rows()),
                    "{size:?} {keys}"
                ),
            }
        }
    }
}
