//! Texts in a spreadsheet that are never taken for a formula (fault matrix row M23), and the same texts when they come back. One rule
//! for `.csv` and `.xlsx`, so that a text stays harmless when a person saves the one as the other.

use std::borrow::Cow;

use crate::domain::{text::inert, value::Number};

/// What makes a formula of the text behind it, in one program or another; the wide forms do where letters are wide. Tab, carriage
/// return and NUL never get this far: they stand as `<9>`, `<D>` and `<0>`.
const FIRST: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
/// How [`inert`] writes what would be left out before a formula.
const WRITTEN: [&str; 3] = ["<9>", "<D>", "<0>"];

/// What stands between the parts that are looked at one by one: a program whose separator it is makes a cell of each.
const SEPARATOR: char = ';';

/// A text as it is written: what could act on a terminal is shown as in [`inert`], and each part of it that a spreadsheet would take
/// for a formula gets an apostrophe before it. A plain number that is the whole text gets none.
pub fn quoted(text: &str) -> Cow<'_, str> {
    let shown = inert(text);
    let alone = !shown.contains(SEPARATOR);
    if !shown.split(SEPARATOR).any(|part| acts(part, alone)) {
        return shown;
    }
    let parts = shown.split(SEPARATOR);
    let parts = parts.map(|part| if acts(part, alone) { format!("'{part}") } else { part.to_owned() });
    Cow::Owned(parts.collect::<Vec<_>>().join(";"))
}

/// A text as it was before [`quoted`], but for what could act on a terminal, which stays shown. A text without its apostrophe, as some
/// programs save it, is itself.
pub fn bare(text: &str) -> Cow<'_, str> {
    let alone = !text.contains(SEPARATOR);
    let plain = |part: &str| part.strip_prefix('\'').is_some_and(|rest| acts(rest, alone));
    if !text.split(SEPARATOR).any(plain) {
        return Cow::Borrowed(text);
    }
    let parts = text.split(SEPARATOR).map(|part| if plain(part) { &part[1..] } else { part });
    Cow::Owned(parts.collect::<Vec<_>>().join(";"))
}

/// Whether a spreadsheet may take a text for a formula. Apostrophes and spaces before it make no difference, so that one apostrophe
/// more is always told from those that were there; nor do quotation marks, which are gone where a `.csv` is read with another
/// separator. A number is none where it stands `alone`: behind a separator it may run on into the next column.
fn acts(part: &str, alone: bool) -> bool {
    let text = part.trim_start_matches(|c: char| ['\'', '"'].contains(&c) || c.is_whitespace());
    let number = alone && Number::parse(part.trim_start_matches(|c: char| c == '\'' || c.is_whitespace())).is_some();
    (text.starts_with(FIRST) && !number) || WRITTEN.iter().any(|sign| text.starts_with(sign))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn m23_what_a_spreadsheet_would_take_for_a_formula_gets_an_apostrophe() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'<9>=1"),
            ("\rx", "'<D>x"),
            ("\0x", "'<0>x"),
            (" =1", "' =1"),
            ("\u{a0}=1", "'\u{a0}=1"),
            ("＝1+1", "'＝1+1"),
            ("－x", "'－x"),
            ("-", "'-"),
            ("--", "'--"),
            ("a;=1+1", "a;'=1+1"),
            ("'=1", "''=1"),
            ("\"=1+1", "'\"=1+1"),
            ("a;\"=1+1;b", "a;'\"=1+1;b"),
            ("a; \"\"@x", "a;' \"\"@x"),
            ("a;-4", "a;'-4"),
            ("\"-4", "'\"-4"),
        ] {
            assert_eq!((quoted(text).as_ref(), bare(written)), (written, inert(text)), "{text:?}");
        }
    }

    #[test]
    fn m23_plain_numbers_and_harmless_texts_stay_as_they_are() {
        for text in [
            "-4",
            "+3",
            "-1.50",
            "1E3",
            " -4",
            "0012",
            "",
            "Matope HC",
            "O'Neill",
            "'-4",
            "' -4",
            "'tis",
            "a=b",
            "<1B>",
            "1;2",
            "a \"=b\"",
        ] {
            assert_eq!((quoted(text).as_ref(), bare(text).as_ref()), (text, text), "{text:?}");
        }
    }

    /// The fields of a record as a program reads them whose separator is this.
    fn read_with(record: &[u8], delimiter: u8) -> Vec<String> {
        let mut builder = csv::ReaderBuilder::new();
        let mut reader = builder.has_headers(false).flexible(true).delimiter(delimiter).from_reader(record);
        reader.records().flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    proptest! {
        #[test]
        fn m23_every_text_comes_back(
            text in "['=+@;\", \t\r\0<9>D0-]{0,12}|.{0,20}", next in "['=+@;\", 0-]{0,6}",
        ) {
            let written = quoted(&text);
            prop_assert_eq!(bare(&written), inert(&text));
            let mut record = csv::Writer::from_writer(Vec::new());
            record.write_record(["x", &written, &quoted(&next), "y"]).unwrap();
            let record = record.into_inner().unwrap();
            let fields = read_with(&record, b',');
            prop_assert_eq!(bare(&fields[1]), inert(&text));
            for field in [fields, read_with(&record, b';')].concat() {
                let starts = field.trim_start().starts_with(FIRST);
                prop_assert!(!starts || Number::parse(&field).is_some(), "{:?}", field);
                prop_assert!(!field.starts_with(['\t', '\r', '\0']));
            }
        }
    }
}
