//! A frame costs the same for 1,000 and for 100,000 facilities, and for a mapping of 50 rows and of 2,000: what is allocated while
//! drawing is counted and compared.
#![expect(clippy::unwrap_used, reason = "a screen that cannot be built is a broken test")]

mod common;

use allocation_counter::{AllocationInfo, measure};
use onse::{
    domain::{
        explored::{Candidate, Element, Entry, Explored, SetFacts},
        mapping::{Mapping, Row},
        quarter::Quarter,
    },
    tui::{
        explorer::Mapped,
        model::{Look, Model},
        msg::Msg,
        screen::draw,
        update::update,
    },
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

fn entry(row: &Row) -> Entry {
    let set = |at: usize| SetFacts { id: format!("sEt{at:08}"), name: format!("Form {at}"), ..SetFacts::default() };
    let element = row.data_element.clone();
    let candidate =
        |at| Candidate { element: element.clone(), element_name: String::new(), alike: None, set: Some(set(at)) };
    let candidates = (0..3).map(candidate).collect();
    Entry {
        row: row.clone(),
        element: Element::Shown(row.name.clone()),
        candidates,
        looked: true,
        problems: Vec::new(),
    }
}

/// Data sets with a mapping of so many rows looked up.
fn mapped(rows: usize) -> Model {
    let mut model = common::model(30, Look::default(), SIZE);
    common::press(&mut model, "5");
    let head = "case_property,data_element_id,data_set_id,dhis2_name\n".to_owned();
    let row = |at: usize| {
        format!("dhis_things_seen_at_the_facility_{:05},dEl{at:08},,Things seen {:05}\n", 10_000 + at, 10_000 + at)
    };
    let mapping = Mapping::read((0..rows).map(row).fold(head, |text, row| text + &row).as_bytes()).into();
    let mapped = Mapped { label: "map.csv".to_owned(), fixed: None, mapping };
    let explored = Explored {
        quarter: Quarter::parse("2026Q2").unwrap(),
        facilities: Some(30),
        rows: mapped.mapping.rows.iter().map(entry).collect(),
        notes: Vec::new(),
    };
    let job = model.explorer.job;
    update(&mut model, Msg::Mapped(job, Ok(mapped)), &common::now());
    update(&mut model, Msg::Explored(job, Ok(Box::new(explored))), &common::now());
    assert_eq!(model.explorer.rows.all.len(), rows);
    model
}

#[test]
fn a_frame_of_2_000_mapped_rows_costs_no_more_than_one_of_50() {
    let (mut few, mut many) = (mapped(50), mapped(2_000));
    for keys in ["g", "G", "enter", "j"] {
        common::press(&mut few, keys);
        common::press(&mut many, keys);
        let (few, many) = (frame(&few), frame(&many));
        assert!(few.count_total > 100, "{keys}: nothing was drawn");
        assert!(
            many.count_total * 10 <= few.count_total * 11 && many.bytes_total * 10 <= few.bytes_total * 11,
            "{keys}: {few:?} against {many:?}"
        );
    }
}
