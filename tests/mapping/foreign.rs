//! Files that are no mapping at all (fault matrix row M21).

use onse::domain::mapping::Mapping;

use crate::HEAD;

/// Which part the one problem of these bytes says.
fn refused(bytes: &[u8], parts: &[&str]) {
    let mapping = Mapping::read(bytes);
    assert_eq!((mapping.problems.len(), mapping.rows.len()), (1, 0), "{parts:?}");
    for part in parts {
        assert!(mapping.problems[0].what.contains(part), "{part}: {}", mapping.problems[0]);
    }
    assert!(mapping.unreadable().is_some(), "{parts:?}");
}

#[test]
fn m21_what_is_no_csv_is_named_with_how_to_save_it() {
    let wide: Vec<u8> = HEAD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let page: Vec<u8> = "\u{feff}<table>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&[u8], &str); 17] = [
        (b"PK\x03\x04\x14\0rest", "spreadsheet (.xlsx, .ods, .numbers) or other zip file"),
        (b"PK\x05\x06", "zip file"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1rest", "old Excel workbook (.xls), or one with a password"),
        (b"%PDF-1.7\n", "PDF document"),
        (b"\x1F\x8B\x08\0", "packed file (gzip)"),
        (b"7z\xBC\xAF\x27\x1C", "packed file (7-Zip)"),
        (b"Rar!\x1A\x07", "packed file (RAR)"),
        (b"{\\rtf1\\ansi", "text document (RTF)"),
        (b"<html><body>Sign in", "web page (HTML)"),
        (b"\xEF\xBB\xBF \r\n<!DOCTYPE html>", "web page (HTML)"),
        (b"<TABLE border=0>", "web page (HTML)"),
        (&page, "web page (HTML)"),
        (b"<?xml version=\"1.0\"?><Workbook>", "an XML file"),
        (&wide, "UTF-16 text without the mark"),
        (b"case_property\0,", "NUL bytes"),
        (b"\xFF\xFEc\0\0\0", "NUL bytes"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", "NUL bytes"),
    ];
    for (bytes, part) in cases {
        refused(
            bytes,
            &[part, "not CSV", "Excel", "LibreOffice", "CSV UTF-8"]
                .map(|part| if part == "not CSV" && bytes == wide { "not read" } else { part }),
        );
    }
}

#[test]
fn a_file_without_rows_says_what_is_absent() {
    for bytes in [b"".to_vec(), b"\n\n,,\n".to_vec(), b"\xEF\xBB\xBF".to_vec(), b"sep=;\n".to_vec()] {
        refused(&bytes, &["The file is empty. Its first line must be case_property,"]);
    }
    refused(HEAD.as_bytes(), &["a header but no rows"]);
    refused(format!("{HEAD},,,\n").as_bytes(), &["a header but no rows"]);
}
