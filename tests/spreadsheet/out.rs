//! What is written.

use std::{
    collections::BTreeMap,
    io::{self, Cursor},
};

use calamine::{Data, Reader as _, Xlsx};
use onse::{
    domain::{
        ledger::Ledger,
        plan::{Cell, Facility, Head, Plan, Property, State},
        quarter::Quarter,
        returned::mark_of,
    },
    job::export::View,
};

use super::desk::{Desk, REVIEW, at};

fn sheet(bytes: &[u8], name: &str) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.to_vec())).unwrap();
    book.worksheet_range(name).unwrap().rows().map(<[Data]>::to_vec).collect()
}

/// The row of a cell, by heading.
fn row(rows: &[Vec<Data>], number: usize) -> BTreeMap<String, Data> {
    rows[0].iter().map(ToString::to_string).zip(rows[number].iter().cloned()).collect()
}

fn text(value: &str) -> Data {
    if value.is_empty() { Data::Empty } else { Data::String(value.to_owned()) }
}

#[test]
fn a_row_tells_all_of_its_cell() {
    let desk = Desk::new();
    let rows = sheet(&desk.xlsx(), "Review");
    assert_eq!(rows.len(), 17, "a heading and a row for each of 4 x 4 cells");
    let first = row(&rows, 1);
    for (heading, value) in [
        ("facility", text("Matope Health Centre")),
        ("property", text("dhis_beds")),
        ("period", text("2026Q2")),
        ("old", Data::Float(28.0)),
        ("new", Data::Float(31.0)),
        ("change", Data::Float(3.0)),
        ("change %", Data::Float(3.0 / 28.0)),
        ("usual", Data::Float(29.0)),
        ("2026Q1", Data::Float(29.0)),
        ("2025Q4", Data::Float(28.5)),
        ("2025Q3", Data::Empty),
        ("2025Q2", Data::Empty),
        ("severity", Data::Empty),
        ("verdict", text("approve")),
        ("reason", Data::Empty),
        ("told", Data::Empty),
        ("flags", Data::Empty),
        ("state", text("reported")),
        ("parts", text("Female 17; Male 14")),
        ("element", text("Number of beds")),
        ("data set", text("Facility status (quarterly)")),
        ("note", Data::Empty),
        ("outcome", Data::Empty),
        ("case_id", text("0000000000000000000000000000ab00")),
        ("org_unit", text("Ou000000000")),
        ("mark", text(&mark_of(&desk.plan, &desk.ledger, REVIEW, at(0, 0)))),
        ("closed", Data::Empty),
    ] {
        assert_eq!(first[heading], value, "{heading}");
    }
    assert_eq!(first.len(), 27, "no other column");
    let stop = row(&rows, 2);
    assert_eq!(
        ["severity", "verdict", "flags", "told"].map(|heading| stop[heading].to_string()),
        ["STOP", "undecided", "STOP T1", "T1: 1,310 is 11x the usual 118 (8 quarters)"]
    );
    let zero = row(&rows, 3);
    assert_eq!(["new", "state", "verdict"].map(|heading| zero[heading].to_string()), ["", "(0?)", "undecided"]);
    let rejected = row(&rows, 5);
    assert_eq!(
        ["severity", "verdict", "reason", "note"].map(|heading| rejected[heading].to_string()),
        ["REVIEW", "reject", "wrong ward", "call again"]
    );
    let (text_in_dhis2, same) = (row(&rows, 10), row(&rows, 13));
    assert_eq!(["new", "state", "verdict"].map(|heading| text_in_dhis2[heading].to_string()), ["", "not a number", ""]);
    assert_eq!(["new", "change", "verdict"].map(|heading| same[heading].to_string()), ["7", "0", ""]);
}

#[test]
fn a_number_is_one_only_where_nothing_of_it_is_lost() {
    let rows = sheet(&Desk::new().xlsx(), "Review");
    let both = |number: usize| ["old", "new"].map(|heading| row(&rows, number)[heading].clone());
    assert_eq!(both(4), [text("12.0"), text("0012")]);
    assert_eq!(both(7), [text("9007199254740993"), text("123456789012345678")]);
    assert_eq!(both(8), [Data::Empty, Data::Float(-4.0)]);
    assert_eq!(both(9), [text("007"), text("0.30000000000000004")]);
    assert_eq!(both(14), [text("1,200"), Data::Float(1200.0)]);
}

#[test]
fn m23_nothing_in_a_workbook_is_a_formula_or_acts() {
    let bytes = Desk::new().xlsx();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.clone())).unwrap();
    assert_eq!(book.sheet_names(), ["Review", "Columns", "Run"]);
    for name in book.sheet_names() {
        assert!(book.worksheet_formula(&name).unwrap().is_empty(), "{name}");
        let texts: Vec<String> = sheet(&bytes, &name)
            .concat()
            .into_iter()
            .filter_map(|cell| if let Data::String(text) = cell { Some(text) } else { None })
            .collect();
        let acts = |text: &&String| text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
        assert_eq!(texts.iter().find(acts), None, "{name}");
        assert!(!texts.concat().contains(|c: char| c.is_control() && c != '\n'), "{name}");
    }
    let rows = sheet(&bytes, "Review");
    let is = |number: usize, heading: &str| row(&rows, number)[heading].to_string();
    assert_eq!((is(9, "facility"), is(6, "old")), ("'=cmd|' /C calc'!A0".to_owned(), "'=1+1".to_owned()));
    assert_eq!(
        (is(13, "facility"), is(8, "reason")),
        ("Zomba <1B>[31mHC;' -5+A1".to_owned(), "'-4 asked Dr Phiri".to_owned())
    );
    assert_eq!((is(11, "old"), is(12, "old")), ("'@x<1F>é".to_owned(), "''-A1".to_owned()));
    assert_eq!(is(8, "told"), "S09: -4 is below zero");
}

#[test]
fn m23_a_csv_opened_in_excel_has_no_formula_and_its_own_letters() {
    let bytes = Desk::new().csv();
    let plain = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap();
    let mut table = csv::Reader::from_reader(plain);
    let headings: Vec<String> = table.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(headings[14..], ["note", "mark"], "new ones at the end");
    let rows: Vec<Vec<String>> = table.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    assert_eq!(rows.len(), 16);
    for value in rows.concat() {
        let number = value.parse::<f64>().is_ok();
        assert!(number || !value.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']), "{value:?}");
    }
    assert_eq!((rows[7][6].as_str(), rows[7][12].as_str()), ("-4", "'-4 is below zero"), "a plain number stays one");
    assert_eq!(rows[4][2], "Área 25 Clínica");
}

#[test]
fn columns_and_run_say_what_the_review_is() {
    let bytes = Desk::new().xlsx();
    let columns = sheet(&bytes, "Columns");
    let stock = row(&columns, 4);
    for (heading, value) in [
        ("property", "dhis_stock"),
        ("element", "'-Stock-outs"),
        ("data_element", "De000000003"),
        ("changes", "2"),
        ("approved", "1"),
        ("left", "1"),
        ("same", "1"),
        ("STOP", "1"),
        ("REVIEW", "0"),
        ("without a value", "not reported 1"),
        ("open STOP", "STOP"),
        ("checks", "STOP C5: whole column is 4.1x the quarters before"),
    ] {
        assert_eq!(stock[heading].to_string(), value, "{heading}");
    }
    let beds = row(&columns, 1);
    let sums = ["old sum", "new sum", "new / old", "same", "rejected"].map(|heading| beds[heading].to_string());
    assert_eq!(sums, ["54", "51.30000000000000004", "0.95", "1", "1"], "12.0 + 28 + 007 + 7, summed exactly");
    assert_eq!(row(&columns, 3)["(0?)"].to_string(), "1");
    let run: Vec<String> = sheet(&bytes, "Run").iter().map(|row| format!("{} | {}", row[0], row[1])).collect();
    for line in [
        "Review of 2026Q2 for onse-demo | ",
        "label | PRODUCTION",
        "DHIS2 | https://dhis2.example.org",
        "read at | 2026-07-05T09:00:00Z",
        "mapping | case_property_map.csv (4 rows)",
        "review id | 6f1b0c9e",
        "changes | 10",
        "rows of Review | 16",
        "REVIEW R1 | 4 facilities, last time 40",
        "note | '@note of the reading",
        "c9 | '+Old HC: no external id",
    ] {
        assert!(run.iter().any(|told| told == line), "{line}\n{run:#?}");
    }
    let how = run.iter().find(|line| line.starts_with("bring it back")).unwrap();
    assert!(how.contains("onse import REVIEW_FILE THIS_FILE"), "{how}");
}

#[test]
fn the_same_review_gives_the_same_bytes() {
    let (one, other) = (Desk::new().xlsx(), Desk::new().xlsx());
    assert!(one == other, "a workbook made twice is the same");
    let mut archive = Vec::new();
    super::zips::each(&one, |name, part| archive.push((name.to_owned(), part.to_vec())));
    let part = |wanted: &str| {
        let (_, bytes) = archive.iter().find(|(name, _)| name == wanted).unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    };
    let made = part("docProps/core.xml");
    assert!(made.contains("2026-07-05T09:00:00Z") && !made.contains("2026-11"), "{made}");
    let review = part("xl/worksheets/sheet1.xml");
    for piece in [
        // Headings, facility and property stay in sight.
        "<pane xSplit=\"2\" ySplit=\"1\"",
        "<autoFilter ref=\"A1:AA17\"/>",
        // The drop-down stands where there is something to decide and nowhere else.
        "\"approve,reject,undecided\"",
        "\"zero,reject,undecided\"",
        "promptTitle=\"STOP: say why\"",
        "sqref=\"N4\"",
        "sqref=\"N2:N3 N6:N10 N12:N13 N15\"",
        "sqref=\"O3 O9 O13\"",
    ] {
        assert!(review.contains(piece), "{piece}\n{}", &review[review.len() - 3000..]);
    }
    assert!(!review.contains("sheetProtection"));
}

fn one(name: &str, old: &str) -> (Plan, Cell) {
    let facility = Facility { case_id: "c".to_owned(), name: name.to_owned(), ..Facility::default() };
    let property = Property { name: "dhis_x".to_owned(), ..Property::default() };
    let mut draft = Plan::draft(Head::of(Quarter::parse("2026Q2").unwrap()), vec![facility], vec![property]);
    draft.set(at(0, 0), Some(old), Some("1"), State::Reported);
    (draft.finish(), at(0, 0))
}

#[test]
fn a_text_no_cell_can_hold_is_cut_and_said_to_be() {
    let name = "\u{fffe}\u{1}_x0041_<&>é👕".repeat(5_000);
    let (plan, cell) = one(&name, &name);
    let (ledger, parts, history) = (Ledger::new(&plan), BTreeMap::new(), BTreeMap::new());
    let cells = [cell];
    let view =
        View { review: "", plan: &plan, ledger: &ledger, forms: &[], parts: &parts, history: &history, cells: &cells };
    let mut bytes = Vec::new();
    view.xlsx(&mut bytes).unwrap();
    let rows = sheet(&bytes, "Review");
    let facility = row(&rows, 1)["facility"].to_string();
    assert!(facility.starts_with("\u{fffe}<1>_x0041_<&>é👕") && facility.ends_with(" letters]"), "{facility:.80}");
    assert!(facility.encode_utf16().count() <= 32_767);
    let back = super::desk::back(&bytes).unwrap();
    assert!(back[0].old.contains("[cut here"), "it comes back cut, and so fits no review");
}

#[test]
fn what_cannot_be_written_is_an_error() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let desk = Desk::new();
    let cells = desk.cells();
    let kinds =
        desk.view(&cells, |view| [view.xlsx(&mut Full), view.csv(&mut Full)].map(|done| done.unwrap_err().kind()));
    assert_eq!(kinds, [io::ErrorKind::StorageFull; 2]);
    let too_many = vec![at(0, 0); 1_048_576];
    let error = desk.view(&too_many, |view| view.xlsx(&mut Vec::new())).unwrap_err().to_string();
    assert_eq!(
        error,
        "a worksheet holds 1,048,575 rows, and these are 1,048,576; write a .csv, or fewer of them with --where"
    );
    let empty = desk.view(&[], |view| {
        let mut bytes = Vec::new();
        view.xlsx(&mut bytes).unwrap();
        bytes
    });
    assert_eq!(super::desk::back(&empty), Ok(Vec::new()), "a review without a change is a workbook without rows");
}
