//! Any text goes out and comes back, and no bytes make the reader fall.

use std::collections::BTreeMap;

use onse::{
    domain::{
        ledger::Ledger,
        plan::{Facility, Head, Plan, Property, State},
        quarter::Quarter,
        text::inert,
    },
    job::export::View,
};
use proptest::prelude::*;

use super::{
    desk::{Desk, at, back},
    zips::with,
};

/// A review of cells that hold these texts, as both kinds of file.
fn files(texts: &[String]) -> [Vec<u8>; 2] {
    let facility = |number: usize| Facility {
        case_id: format!("case {number}"),
        name: texts[number].clone(),
        ..Facility::default()
    };
    let property = Property { name: "dhis_x".to_owned(), title: texts[0].clone(), ..Property::default() };
    let head = Head::of(Quarter::parse("2026Q2").unwrap());
    let mut draft = Plan::draft(head, (0..texts.len()).map(facility).collect(), vec![property]);
    for (number, text) in (0..).zip(texts) {
        draft.set(at(number, 0), Some(text), Some("1"), State::Reported);
    }
    let plan = draft.finish();
    let (ledger, parts, history) = (Ledger::new(&plan), BTreeMap::new(), BTreeMap::new());
    let cells: Vec<_> = plan.cells().collect();
    let view =
        View { review: "r", plan: &plan, ledger: &ledger, forms: &[], parts: &parts, history: &history, cells: &cells };
    let (mut xlsx, mut csv) = (Vec::new(), Vec::new());
    view.xlsx(&mut xlsx).unwrap();
    view.csv(&mut csv).unwrap();
    [xlsx, csv]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-+=@'\" ;,\t\r\n\0é0-9_xA-F<>&]{0,12}",
        "-?[0-9]{1,22}(\\.[0-9]{1,20})?",
        "_x[0-9A-F]{4}_?",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_text_goes_out_and_comes_back(texts in prop::collection::vec(any_text(), 1..12)) {
        for bytes in files(&texts) {
            let got: Vec<String> = back(&bytes).unwrap().into_iter().map(|row| row.old).collect();
            let expected: Vec<String> = texts.iter().map(|text| inert(text).into_owned()).collect();
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_fall(bytes in prop::collection::vec(any::<u8>(), 0..300), zip in any::<bool>()) {
        let bytes = if zip { [b"PK\x03\x04", &bytes[..]].concat() } else { bytes };
        let _ = back(&bytes);
    }

    #[test]
    fn a_damaged_file_is_refused_or_read(
        cut in 0..4_000_usize,
        places in prop::collection::vec((0..20_000_usize, any::<u8>()), 0..4),
        is_book in any::<bool>(),
    ) {
        let desk = Desk::new();
        let mut bytes = if is_book { desk.xlsx() } else { desk.csv() };
        bytes.truncate(bytes.len().saturating_sub(cut));
        let length = bytes.len().max(1);
        for (place, byte) in &places {
            if let Some(at) = bytes.get_mut(place % length) { *at = *byte; }
        }
        if let (Ok(rows), true) = (back(&bytes), is_book) {
            prop_assert_eq!(rows, super::back::expected(&desk), "a workbook is read whole or not at all");
        }
    }

    #[test]
    fn a_workbook_with_broken_xml_is_refused_or_read(
        part in prop::sample::select(vec![
            "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels",
        ]),
        places in prop::collection::vec((any::<prop::sample::Index>(), "[<>/\"= a-z0-9A-Z&;]{0,3}"), 1..6),
    ) {
        let bytes = with(&Desk::new().xlsx(), part, |text| {
            let mut letters: Vec<String> = text.chars().map(String::from).collect();
            for (place, change) in &places {
                let at = place.index(letters.len());
                letters[at].clone_from(change);
            }
            letters.concat()
        });
        let _ = back(&bytes);
    }
}
