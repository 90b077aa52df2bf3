//! What is read back, however the file was saved.

use encoding_rs::WINDOWS_1252;
use onse::domain::returned::{Returned, mark_of};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use super::{
    desk::{Desk, REVIEW, at, back},
    zips::{self, with},
};

/// What must come back of the whole review, whatever it was saved as.
pub(crate) fn expected(desk: &Desk) -> Vec<Returned> {
    let words = ["approve", "undecided", "undecided", "", "reject", "undecided", "undecided", "approve"];
    let after = ["undecided", "", "undecided", "undecided", "", "undecided", "", ""];
    let verdicts = words.into_iter().chain(after);
    desk.cells()
        .into_iter()
        .zip(verdicts)
        .zip(2..)
        .map(|((cell, verdict), row)| {
            let plan = &desk.plan;
            let (case_id, property) =
                (plan.facility(cell.facility).case_id.clone(), plan.property(cell.property).name.clone());
            let shown = |value: Option<&str>| onse::domain::text::inert(value.unwrap_or("")).into_owned();
            Returned {
                row,
                mark: mark_of(plan, &desk.ledger, REVIEW, cell),
                case_id,
                facility: Some(shown(Some(&plan.facility(cell.facility).name))),
                property,
                old: shown(plan.old(cell)),
                new: shown(plan.new_value(cell)),
                verdict: verdict.to_owned(),
                reason: desk.ledger.reason(cell).unwrap_or("").to_owned(),
            }
        })
        .collect()
}

#[test]
fn both_kinds_come_back_as_they_went() {
    let desk = Desk::new();
    let expected = expected(&desk);
    assert_eq!(expected[7].reason, "-4 asked Dr Phiri");
    assert_eq!(expected[11].old, "'-A1");
    assert_eq!(back(&desk.xlsx()).unwrap(), expected);
    assert_eq!(back(&desk.csv()).unwrap(), expected);
    assert_eq!(desk.ledger.reason(at(1, 0)), Some("wrong ward"));
}

#[test]
fn a_csv_is_read_in_every_way_a_spreadsheet_saves_it() {
    let desk = Desk::new();
    let expected = expected(&desk);
    let text = String::from_utf8(desk.csv()).unwrap().trim_start_matches('\u{feff}').to_owned();
    let rows: Vec<Vec<String>> = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes())
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let joined = |separator: u8, end: &str| {
        let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        String::from_utf8(writer.into_inner().unwrap()).unwrap().replace('\n', end)
    };
    let wide = |text: &str| [vec![0xFF, 0xFE], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    let ways: Vec<(&str, Vec<u8>)> = vec![
        ("without a mark", text.clone().into_bytes()),
        ("semicolons", joined(b';', "\r\n").into_bytes()),
        ("tabs, UTF-16", wide(&joined(b'\t', "\r\n"))),
        ("Windows-1252", WINDOWS_1252.encode(&joined(b';', "\r\n")).0.into_owned()),
        ("old line ends", joined(b',', "\r").into_bytes()),
    ];
    for (way, bytes) in ways {
        let mut got = back(&bytes).unwrap();
        // The one letter in these columns that is not ASCII.
        if way == "Windows-1252" {
            assert_eq!(got[10].old, "@x<1F>é");
        }
        assert_eq!(got.len(), 16, "{way}");
        assert_eq!(std::mem::take(&mut got), expected, "{way}");
    }
    let named = format!("sep=;\r\n{}", joined(b';', "\r\n"));
    let rows: Vec<u64> = back(named.as_bytes()).unwrap().iter().map(|row| row.row).collect();
    assert_eq!(rows[..2], [3, 4], "rows as a person sees them");
}

#[test]
fn headings_are_found_wherever_they_moved_and_other_columns_are_left_alone() {
    let text = "\u{feff}\n\n Reason ,Verdict,mine,NEW,old,MARK,Property,case-id\n\
        ok,approve,x,2,1,abc,dhis_beds,c1\n,,,,,,,\n\nwhy,reject,,,,,dhis_beds,c2,beyond\n,,only mine,,,,,\n";
    let got = back(text.as_bytes()).unwrap();
    let row = |row, texts: [&str; 7]| {
        let [case_id, property, mark, old, new, verdict, reason] = texts.map(str::to_owned);
        Returned { row, case_id, facility: None, property, mark, old, new, verdict, reason }
    };
    assert_eq!(
        got,
        [
            row(4, ["c1", "dhis_beds", "abc", "1", "2", "approve", "ok"]),
            row(7, ["c2", "dhis_beds", "", "", "", "reject", "why"]),
        ]
    );
}

#[test]
fn what_is_no_spreadsheet_of_ours_is_refused_with_the_remedy() {
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "filled.in: it is empty. Nothing was decided"),
        (b"\n\n,,\n".to_vec(), "filled.in: it is empty. Nothing was decided"),
        (
            b"case_id,property,old,new,verdict\n".to_vec(),
            "filled.in, row 1: it needs the headings that onse export wrote, and these are missing: mark, reason. There are: \
             case_id, property, old, new, verdict. Nothing was decided",
        ),
        (
            b"case_id,property,mark,old,new,verdict,reason,Verdict\n".to_vec(),
            "filled.in, row 1: the column verdict stands twice. Remove one of them. Nothing was decided",
        ),
        (
            b"case_id,property,mark,old,new,verdict,reason\nc,p,m,1,2,approve,\"open\nc,p,m,1,2,reject,x\n".to_vec(),
            "filled.in, row 2: A quote is opened here and swallows the rows after it. Close or remove the quote. Nothing was decided",
        ),
        (b"%PDF-1.4".to_vec(), "This is a PDF document, not CSV."),
        (b"\xD0\xCF\x11\xE0old".to_vec(), "an old Excel workbook (.xls), or one with a password"),
        (b"<html>".to_vec(), "a web page (HTML)"),
        (
            b"PK\x03\x04".to_vec(),
            "the workbook is damaged or was cut off. Open it in the spreadsheet program and save it as .xlsx again",
        ),
        (
            zips::zip(&[("mimetype".to_owned(), b"x".to_vec())]),
            "this is an OpenDocument file. Save it as .xlsx or .csv",
        ),
        (zips::zip(&[("a.txt".to_owned(), b"x".to_vec())]), "this is a zip file and no .xlsx workbook"),
        (zips::zip(&[("word/document.xml".to_owned(), b"<a/>".to_vec())]), "this is a zip file and no .xlsx workbook"),
        (zips::zip(&[("xl/workbook.xml".to_owned(), b"<a>".to_vec())]), "the workbook is damaged ("),
        (locked(&Desk::new().xlsx()), "the workbook has a password. Save it without one"),
    ];
    for (bytes, words) in cases {
        let error = back(&bytes).unwrap_err();
        assert!(error.contains(words), "{error}\n{words}");
        assert!(error.starts_with("filled.in") && error.ends_with("Nothing was decided"), "{error}");
    }
    let none = onse::io::spreadsheet::read(std::path::Path::new("not/there.csv")).unwrap_err();
    assert!(format!("{none:#}").starts_with("cannot read not/there.csv. Nothing was decided: "), "{none:#}");
    let folder = tempfile::tempdir().unwrap();
    assert!(onse::io::spreadsheet::read(folder.path()).is_err());
    // One that is too large is never read as far as it fits.
    let large = folder.path().join("large.csv");
    std::fs::write(&large, "case_id,property,mark,old,new,verdict,reason\n").unwrap();
    std::fs::OpenOptions::new().write(true).open(&large).unwrap().set_len(64 * 1024 * 1024 + 1).unwrap();
    let error = format!("{:#}", onse::io::spreadsheet::read(&large).unwrap_err());
    assert!(error.contains("it has more than 64 MiB"), "{error}");
}

/// A workbook whose directory says that its first part is encrypted.
fn locked(book: &[u8]) -> Vec<u8> {
    let mut bytes = book.to_vec();
    let at = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[at + 8] |= 1;
    bytes
}

/// A workbook of another hand.
fn book(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(&mut book);
    book.save_to_buffer().unwrap()
}

const HEADINGS: [&str; 7] = ["case_id", "property", "mark", "old", "new", "verdict", "reason"];

#[test]
fn what_a_spreadsheet_made_of_a_value_is_read_as_its_text() {
    let bytes = book(|book| {
        let sheet = book.add_worksheet();
        // What reads as blank above the headings is no heading.
        sheet.write_string(1, 2, "  ").unwrap();
        for (column, name) in (0..).zip(HEADINGS) {
            sheet.write_string(2, column, name).unwrap();
        }
        let day = Format::new().set_num_format("yyyy-mm-dd");
        sheet.write_string(4, 0, "c1").unwrap();
        sheet.write_number(4, 3, 1e21).unwrap();
        sheet.write_number(4, 4, 0.1).unwrap();
        sheet.write_boolean(4, 5, true).unwrap();
        sheet.write_boolean(4, 1, false).unwrap();
        sheet.write_datetime_with_format(4, 6, ExcelDateTime::from_ymd(2026, 3, 2).unwrap(), &day).unwrap();
        sheet.write_string(1_048_575, 0, "c2").unwrap();
        sheet.write_number(1_048_575, 3, -4.0).unwrap();
        sheet.write_formula(1_048_575, 4, rust_xlsxwriter::Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
        sheet.write_number_with_format(1_048_575, 6, -7.0, &day).unwrap();
        sheet.write_string(1_048_575, 16_383, "far away").unwrap();
    });
    let got = back(&bytes).unwrap();
    let seen = |at: usize| [&got[at].case_id, &got[at].old, &got[at].new, &got[at].verdict, &got[at].reason];
    assert_eq!(seen(0), ["c1", "1000000000000000000000", "0.1", "TRUE", "2026-03-02"]);
    assert_eq!(got[0].property, "FALSE");
    assert_eq!(seen(1), ["c2", "-4", "#DIV/0!", "", "-7"]);
    assert_eq!((got[0].row, got[1].row, got.len()), (5, 1_048_576, 2));
}

#[test]
fn the_rows_are_on_the_sheet_review_or_on_the_first_with_our_headings() {
    let sheet = |book: &mut Workbook, name: &str, first: &str, case: &str| {
        let sheet = book.add_worksheet().set_name(name).unwrap();
        for (column, heading) in (0..).zip(HEADINGS) {
            sheet.write_string(0, column, if column == 0 { first } else { heading }).unwrap();
        }
        sheet.write_string(1, 0, case).unwrap();
    };
    let first = |bytes: &[u8]| back(bytes).map(|rows| rows[0].case_id.clone());
    let two = book(|book| {
        sheet(book, "Copy", "case_id", "from the copy");
        sheet(book, "REVIEW", "case_id", "from the review");
    });
    assert_eq!(first(&two), Ok("from the review".to_owned()));
    let renamed = book(|book| {
        sheet(book, "Notes", "mine", "no");
        sheet(book, "Mine", "case_id", "from mine");
    });
    assert_eq!(first(&renamed), Ok("from mine".to_owned()));
    // One that has them and breaks off among its rows is never passed over for another.
    let broken = with(&two, "xl/worksheets/sheet2.xml", |part| part.replace("<c r=\"A2\"", "<c r=\"?2\""));
    let error = first(&broken).unwrap_err();
    assert!(error.starts_with("filled.in, sheet REVIEW: the workbook is damaged ("), "{error}");
    let none = book(|book| sheet(book, "Notes", "mine", "no"));
    let error = first(&none).unwrap_err();
    let start =
        "filled.in, sheet Notes, row 1: it needs the headings that onse export wrote, and these are missing: case_id.";
    assert!(error.starts_with(start), "{error}");
}

#[test]
fn m20_a_small_file_that_unpacks_to_much_is_refused() {
    let book = Desk::new().xlsx();
    let bomb = with(&book, "xl/worksheets/sheet1.xml", |part| format!("{part}{}", " ".repeat(300 * 1024 * 1024)));
    assert!(bomb.len() < 4 * 1024 * 1024, "{}", bomb.len());
    let error = back(&bomb).unwrap_err();
    assert!(error.contains("the workbook unpacks to more than 256 MiB"), "{error}");
    let boast = with(&book, "xl/sharedStrings.xml", |part| {
        let (start, rest) = part.split_once("uniqueCount=\"").unwrap();
        format!("{start}uniqueCount=\"99999999999999{rest}")
    });
    assert!(back(&boast).unwrap_err().contains("damaged"));
    let far = with(&book, "xl/worksheets/sheet1.xml", |part| part.replace("<c r=\"A2\"", "<c r=\"ZZZZZZ2\""));
    assert_eq!(back(&far).map(|rows| rows.len()), Ok(16), "no room is made for columns that no spreadsheet has");
    let lost = with(&book, "xl/sharedStrings.xml", |_| "<sst></sst>".to_owned());
    assert!(back(&lost).is_err(), "a text that is not there is no empty one");
}
