//! Files that are no CSV although their name may say so: what they are, and how to make a CSV of them (fault matrix row M21).

/// What to do about a spreadsheet.
const SAVE: &str = "Open it and save it as CSV: in Excel choose File, Save As, \"CSV UTF-8 (comma delimited)\"; in LibreOffice \
    File, Save As, \"Text CSV\".";

/// How files begin that are no text.
const STARTS: [(&[u8], &str, &str); 9] = [
    (b"PK\x03\x04", ZIP, ""),
    (b"PK\x05\x06", ZIP, ""),
    (b"PK\x07\x08", ZIP, ""),
    (b"\xD0\xCF\x11\xE0", "an old Excel workbook (.xls), or one with a password", ""),
    (b"%PDF", "a PDF document", "The table in it cannot be read: go back to the spreadsheet it was made from. "),
    (b"\x1F\x8B", "a packed file (gzip)", "Unpack it first. "),
    (b"7z\xBC\xAF", "a packed file (7-Zip)", "Unpack it first. "),
    (b"Rar!", "a packed file (RAR)", "Unpack it first. "),
    (b"{\\rtf", "a text document (RTF)", "Copy its table into a spreadsheet. "),
];

const ZIP: &str = "a spreadsheet (.xlsx, .ods, .numbers) or other zip file";

/// How texts begin that are no CSV, in small letters.
const MARKUP: [(&str, &str); 7] = [
    ("<!doctype", PAGE),
    ("<html", PAGE),
    ("<head", PAGE),
    ("<meta", PAGE),
    ("<table", PAGE),
    ("<?xml", "an XML file"),
    ("<workbook", "an XML file"),
];

const PAGE: &str = "a web page (HTML)";

/// Why these bytes are no CSV text, with the remedy.
pub(super) fn binary(bytes: &[u8]) -> Option<String> {
    let (_, what, first) = STARTS.iter().find(|(start, ..)| bytes.starts_with(start))?;
    Some(format!("This is {what}, not CSV. {first}{SAVE}"))
}

/// Why this text is no CSV, with the remedy.
pub(super) fn text(text: &str) -> Option<String> {
    let start: String = text.trim_start().chars().take(16).flat_map(char::to_lowercase).collect();
    if let Some((_, what)) = MARKUP.iter().find(|(markup, _)| start.starts_with(markup)) {
        return Some(format!(
            "This is {what}, not CSV; a spreadsheet saved as one, or the sign-in page of a website that was downloaded in its \
             place. {SAVE}"
        ));
    }
    if !text.contains('\0') {
        return None;
    }
    if is_wide(text) {
        return Some(format!("This is UTF-16 text without the mark that says so, which is not read. {SAVE}"));
    }
    Some(format!("The file holds NUL bytes, so it is no text and not CSV. {SAVE}"))
}

/// Whether every other character of the start is NUL, as where two bytes make a letter.
fn is_wide(text: &str) -> bool {
    let start: Vec<bool> = text.chars().take(32).map(|c| c == '\0').collect();
    start.len() >= 4 && start.windows(2).all(|pair| matches!(pair, [one, next] if one != next))
}
