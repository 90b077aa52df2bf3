//! Files that a real spreadsheet program saved; `tests/data/spreadsheets/README.md` says how they were made.

use std::{collections::BTreeMap, fs, path::Path};

use onse::{
    domain::{
        ledger::{Act, Ledger, Stamp, Verdict},
        returned::{Returned, judge},
        value::same,
    },
    io::spreadsheet::read,
};

use super::{
    back::expected,
    desk::{Desk, REVIEW, at, plan},
};

/// They lie in the folder of the build, for the macro of tests/data/spreadsheets/README.md or a person to fill in anew.
#[test]
fn what_is_to_be_filled_in_comes_back_as_it_went_out() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (name, bytes) in [("review.xlsx", Desk::new().xlsx()), ("review.csv", Desk::new().csv())] {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        assert_eq!(read(&path).unwrap(), expected(&Desk::new()), "{name}");
    }
}

fn saved(name: &str) -> Vec<Returned> {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/spreadsheets").join(name)).unwrap()
}

/// What was exported, with what was filled in: the first three rows.
fn filled() -> Vec<Returned> {
    let mut rows = expected(&Desk::new());
    for (row, verdict, reason) in [(0, "reject", "counted again, é"), (1, "approve", "asked Dr Phiri"), (2, "zero", "")]
    {
        (rows[row].verdict, rows[row].reason) = (verdict.to_owned(), reason.to_owned());
    }
    // They were made when a mark had no letters for the reason, and are still read.
    for row in &mut rows {
        row.mark.truncate(13);
    }
    rows
}

#[test]
fn a_workbook_filled_in_and_saved_by_libreoffice_comes_back_with_the_verdicts() {
    assert_eq!(saved("libreoffice.xlsx"), filled());
}

#[test]
fn a_workbook_saved_as_csv_by_libreoffice_comes_back_too() {
    for name in ["libreoffice-utf8.csv", "libreoffice-windows-1252.csv"] {
        assert_eq!(saved(name), filled(), "{name}");
    }
}

#[test]
fn rows_and_columns_may_be_moved() {
    let by_mark = |rows: Vec<Returned>| -> BTreeMap<String, Returned> {
        rows.into_iter().map(|row| (row.mark.clone(), Returned { row: 0, ..row })).collect()
    };
    let sorted = saved("libreoffice-sorted.xlsx");
    assert_eq!(sorted[0].row, 3, "below a blank row and the headings");
    assert_ne!(
        sorted.iter().map(|row| &row.mark).collect::<Vec<_>>(),
        filled().iter().map(|row| &row.mark).collect::<Vec<_>>()
    );
    assert_eq!(by_mark(sorted), by_mark(filled()));
}

/// A `.csv` holds no types: a program that opens it takes digits for numbers, and rounds what it cannot keep. All else is as it was;
/// what was rounded no longer fits its row, and so is refused when it is brought back.
#[test]
fn a_csv_opened_and_saved_by_libreoffice_keeps_all_but_numbers_it_cannot_hold() {
    for name in ["libreoffice-opened.csv", "libreoffice-opened.xlsx"] {
        let (got, filled) = (saved(name), filled());
        assert_eq!(got.len(), filled.len());
        let mut lost = Vec::new();
        for (got, sent) in got.iter().zip(&filled) {
            let texts =
                |row: &Returned| [&row.case_id, &row.property, &row.mark, &row.verdict, &row.reason].map(String::clone);
            assert_eq!(texts(got), texts(sent), "{name}");
            let number = |text: &String| if text.is_empty() { None } else { Some(text.clone()) };
            for (got, sent) in [(&got.old, &sent.old), (&got.new, &sent.new)] {
                if !same(number(got).as_deref(), number(sent).as_deref()) {
                    lost.push(sent.as_str());
                }
            }
        }
        // The last one reads as 1200 where commas part thousands.
        let known = ["9007199254740993", "123456789012345678", "0.30000000000000004"];
        assert!(lost.iter().all(|sent| known.contains(sent) || *sent == "1,200"), "{name}: {lost:?}");
    }
}

#[test]
fn what_was_filled_in_there_is_decided() {
    let stamp = Stamp { at: "2026-07-07T10:00:00Z".to_owned(), who: "chikondi".to_owned() };
    let names = [
        "libreoffice.xlsx",
        "libreoffice-utf8.csv",
        "libreoffice-windows-1252.csv",
        "libreoffice-sorted.xlsx",
        "libreoffice-opened.csv",
        "libreoffice-opened.xlsx",
    ];
    for name in names {
        // Dr Phiri was asked about a STOP of another facility too.
        let desk = Desk::new();
        let judged = judge(&desk.plan, &desk.ledger, REVIEW, &saved(name)).unwrap();
        assert_eq!((judged.rows.len(), judged.refused.len(), judged.unchanged), (2, 1, 13), "{name} {judged:?}");
        assert!(judged.refused[0].why.starts_with("the same reason stands at 2 facilities"), "{name} {judged:?}");

        let plan = plan();
        let mut ledger = Ledger::new(&plan);
        ledger.decide(&plan, Act::Approve, [at(0, 0)], None, "", &stamp).unwrap();
        let judged = judge(&plan, &ledger, REVIEW, &saved(name)).unwrap();
        assert_eq!((&judged.refused[..], judged.unchanged), (&[][..], 13), "{name}");
        ledger.import(&plan, judged.rows, name, &stamp).unwrap();
        let said = [at(0, 0), at(0, 1), at(0, 2)].map(|cell| (ledger.verdict(&plan, cell), ledger.reason(cell)));
        assert_eq!(
            said,
            [
                (Some(Verdict::Reject), Some("counted again, é")),
                (Some(Verdict::Approve), Some("asked Dr Phiri")),
                (Some(Verdict::Zero), None),
            ],
            "{name}"
        );
        assert_eq!(ledger.all().decided(), 2, "{name}");
    }
}
