//! Changing cells of a mapping file's bytes: all other bytes stay, whatever the file is like. It writes no file.

use std::{collections::BTreeMap, fmt, ops::Range};

use super::{
    DATA_SET, ELEMENT, PROPERTY, Problem, Row,
    read::{Header, Shape, trimmed},
    records::Record,
    shown,
};

/// A cell of the file that is to hold something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line its row starts on.
    pub line: u64,
    /// Its column, one of [`COLUMNS`](super::COLUMNS).
    pub column: &'static str,
    /// What it is to hold.
    pub value: String,
}

/// The ids a person chose for a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The line the row starts on.
    pub line: u64,
    /// Another data element; `None` where the row keeps its own.
    pub data_element: Option<String>,
    /// The data set.
    pub data_set: String,
}

impl Choice {
    /// The cells it changes.
    pub fn changes(&self) -> Vec<Change> {
        let element = self.data_element.iter().map(|id| (ELEMENT, id));
        let set = std::iter::once((DATA_SET, &self.data_set));
        element.chain(set).map(|(column, id)| Change { line: self.line, column, value: id.clone() }).collect()
    }
}

/// A row before and after, as the file writes it; several lines where a value runs over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// The line it starts on.
    pub line: u64,
    /// What stands there.
    pub before: String,
    /// What is to stand there.
    pub after: String,
}

/// A file with cells changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The rows that differ, in the order of the file.
    pub lines: Vec<LineChange>,
}

/// Why a cell cannot be changed; nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchangeable {
    /// The line of its row.
    pub line: u64,
    /// One sentence.
    pub what: String,
}

impl fmt::Display for Unchangeable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Unchangeable {}

/// A part of the text, and what stands there instead.
#[derive(Debug)]
struct Edit {
    /// The line of its row.
    line: u64,
    place: Range<usize>,
    new: String,
}

/// What is wanted: the changes by the line of their row and the place of their column.
type Wanted<'c> = BTreeMap<u64, BTreeMap<usize, &'c Change>>;

/// The file with these cells changed. A cell that reads as wanted already is left as it is written; a row that is too short for a
/// column gets the separators that are missing. All changes are made or none.
pub(super) fn change(bytes: &[u8], changes: &[Change]) -> Result<Changed, Unchangeable> {
    let Some(first) = changes.first() else { return Ok(Changed { bytes: bytes.to_vec(), lines: Vec::new() }) };
    let unreadable = |problem: Problem| Unchangeable { line: problem.line, what: problem.what };
    let shape = Shape::of(bytes).map_err(unreadable)?;
    let mut records = shape.records();
    let Some(head) = records.next() else { return Err(no_row(first.line)) };
    let header = Header::find(&head).map_err(unreadable)?;
    let wanted = wanted(&header, changes)?;
    let mut left = wanted.clone();
    let (mut edits, mut lines) = (Vec::new(), Vec::new());
    for record in records {
        let Some(cells) = left.remove(&record.line) else { continue };
        if record.values().skip(head.fields.len()).any(|value| !trimmed(value).is_empty()) {
            return Err(shifted(record.line));
        }
        let found = row_edits(&shape, &header, &record, &cells)?;
        lines.extend(line_change(&shape, &record, &found));
        edits.extend(found);
    }
    if let Some(line) = left.keys().next() {
        return Err(no_row(*line));
    }
    let new = rewritten(bytes, &shape, &edits)?;
    checked(&shape, &header, &new, &wanted)?;
    Ok(Changed { bytes: new, lines })
}

fn no_row(line: u64) -> Unchangeable {
    let what = "No row begins on this line, so nothing was changed. Read the file again.".to_owned();
    Unchangeable { line, what }
}

fn shifted(line: u64) -> Unchangeable {
    let what = "The row has more values than the header has columns, so it is not clear which is which, and nothing was changed. \
                Put quotes around a text that contains the separator.";
    Unchangeable { line, what: what.to_owned() }
}

/// The changes in the order of the file. One cell asked to hold two things is no request at all: neither is taken.
fn wanted<'c>(header: &Header, changes: &'c [Change]) -> Result<Wanted<'c>, Unchangeable> {
    let mut wanted = Wanted::new();
    for change in changes {
        let refused = |what| Err(Unchangeable { line: change.line, what });
        let Some(place) = header.place(change.column) else {
            let column = shown(change.column);
            return refused(format!("There is no column \"{column}\" to write to, so nothing was changed."));
        };
        let before = wanted.entry(change.line).or_default().insert(place, change);
        if let Some(before) = before.filter(|before| before.value != change.value) {
            return refused(format!(
                "{} was to become both \"{}\" and \"{}\", so nothing was changed. Choose one of them.",
                change.column,
                shown(&before.value),
                shown(&change.value)
            ));
        }
    }
    Ok(wanted)
}

/// What a row is read as in a column.
fn read_as<'r>(row: &'r Row, column: &str) -> &'r str {
    match column {
        PROPERTY => &row.property,
        ELEMENT => &row.data_element,
        DATA_SET => &row.data_set,
        _ => &row.name,
    }
}

/// What the changes of one row do to the text, in its order; nothing where its cells read so already.
fn row_edits(
    shape: &Shape,
    header: &Header,
    record: &Record,
    cells: &BTreeMap<usize, &Change>,
) -> Result<Vec<Edit>, Unchangeable> {
    let (now, _) = header.row(record);
    let mut edits = Vec::new();
    // What is missing of a short row, written as one piece behind its last value.
    let (mut tail, mut width) = (String::new(), record.fields.len());
    for (&at, Change { column, value, .. }) in cells {
        if read_as(&now, column) == value {
            continue;
        }
        let Some(field) = record.fields.get(at) else {
            tail.extend(std::iter::repeat_n(char::from(shape.separator), at + 1 - width));
            tail.push_str(&written(value, shape.separator, false));
            width = at + 1;
            continue;
        };
        if swallows(&field.value, shape.separator) {
            let what = "The cell holds line breaks and separators, as where a quote was left open, and would be lost, so nothing \
                        was changed. Close or remove the quote.";
            return Err(Unchangeable { line: record.line, what: what.to_owned() });
        }
        let quoted = shape.text.text.get(field.place.clone()).is_some_and(|raw| raw.starts_with('"'));
        let new = written(value, shape.separator, quoted);
        edits.push(Edit { line: record.line, place: field.place.clone(), new });
    }
    if let Some(last) = record.fields.last().filter(|_| !tail.is_empty()) {
        edits.push(Edit { line: record.line, place: last.place.end..last.place.end, new: tail });
    }
    Ok(edits)
}

/// Whether a value may have rows in it, which a new value would take away.
fn swallows(value: &str, separator: u8) -> bool {
    value.split(['\r', '\n']).skip(1).any(|line| line.contains(char::from(separator)))
}

/// A value as CSV.
fn written(value: &str, separator: u8, quoted: bool) -> String {
    if quoted || value.contains(['"', '\r', '\n', char::from(separator)]) {
        return format!("\"{}\"", value.replace('"', "\"\""));
    }
    value.to_owned()
}

/// The record with its edits; `None` without any.
fn line_change(shape: &Shape, record: &Record, edits: &[Edit]) -> Option<LineChange> {
    let (first, last) = (record.fields.first()?, record.fields.last()?);
    let whole = first.place.start..last.place.end;
    (!edits.is_empty()).then(|| {
        let part = |range: Range<usize>| shape.text.text.get(range).unwrap_or_default();
        let mut after = String::new();
        let mut at = whole.start;
        for Edit { place, new, .. } in edits {
            after.push_str(part(at..place.start));
            after.push_str(new);
            at = place.end;
        }
        after.push_str(part(at..whole.end));
        LineChange { line: record.line, before: part(whole).to_owned(), after }
    })
}

/// The bytes with the edits in them, which come in the order of the text.
fn rewritten(bytes: &[u8], shape: &Shape, edits: &[Edit]) -> Result<Vec<u8>, Unchangeable> {
    let text = &shape.text;
    let part = |range: Range<usize>| text.text.get(range).unwrap_or_default();
    let mut new = Vec::with_capacity(bytes.len());
    let (mut at, mut byte, mut kept) = (0, text.start(), 0);
    for edit in edits {
        byte += text.length(part(at..edit.place.start));
        new.extend_from_slice(bytes.get(kept..byte).unwrap_or_default());
        let Some(value) = text.bytes_of(&edit.new) else {
            let what = format!(
                "The file is Windows-1252, which cannot hold \"{}\", so nothing was changed. Save the file as UTF-8 first.",
                shown(&edit.new)
            );
            return Err(Unchangeable { line: edit.line, what });
        };
        new.extend_from_slice(&value);
        byte += text.length(part(edit.place.clone()));
        (at, kept) = (edit.place.end, byte);
    }
    new.extend_from_slice(bytes.get(kept..).unwrap_or_default());
    Ok(new)
}

/// Reads the new bytes as a mapping is read: every value is what it was or what was asked for.
fn checked(before: &Shape, header: &Header, bytes: &[u8], wanted: &Wanted) -> Result<(), Unchangeable> {
    let wrong = |line| Unchangeable {
        line,
        what: "The changed file would not read as meant, so nothing was changed. Mend the row by hand.".to_owned(),
    };
    let first = wanted.keys().next().copied().unwrap_or(1);
    let after = Shape::of(bytes).map_err(|problem| Unchangeable {
        line: first,
        what: format!("With this change the file could not be read any more, so nothing was changed. {}", problem.what),
    })?;
    let (mut old, mut new) = (before.records(), after.records());
    let same = after.separator == before.separator && after.start == before.start;
    if !same || old.next() != new.next() {
        return Err(wrong(first));
    }
    loop {
        let (old, new) = match (old.next(), new.next()) {
            (Some(old), Some(new)) => (old, new),
            (None, None) => return Ok(()),
            (old, _) => return Err(wrong(old.map_or(first, |record| record.line))),
        };
        let (row, _) = header.row(&new);
        let cells = wanted.get(&old.line);
        for at in 0..old.fields.len().max(new.fields.len()) {
            let right = match cells.and_then(|cells| cells.get(&at)) {
                Some(Change { column, value, .. }) => read_as(&row, column) == value,
                None => new.get(at) == old.get(at),
            };
            if !right {
                return Err(wrong(old.line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::NAME;
    use super::*;

    const HEAD: &str = "case_property;data_element_id;data_set_id;dhis2_name";

    fn to(line: u64, column: &'static str, value: &str) -> Change {
        Change { line, column, value: value.into() }
    }

    fn set(line: u64, value: &str) -> Change {
        to(line, DATA_SET, value)
    }

    /// The new text of a UTF-8 file, or why there is none.
    fn after(text: &str, changes: &[Change]) -> Result<String, String> {
        change(text.as_bytes(), changes)
            .map(|changed| String::from_utf8(changed.bytes).unwrap())
            .map_err(|why| why.to_string())
    }

    #[test]
    fn only_the_cell_changes() {
        let text = "sep=;\r\n\"case_property\";note;data_element_id;data_set_id;dhis2_name\r\n\r\nbeds;\"a;b\";asCqjKclllu;;\"Bed\ns\"\r\n;;;;\r\nx;y";
        let change_to = |line, value: &str| change(text.as_bytes(), &[set(line, value)]);
        let changed = change_to(4, "q1Es3k3sZem").unwrap();
        assert_eq!(String::from_utf8(changed.bytes).unwrap(), text.replace("lllu;;", "lllu;q1Es3k3sZem;"));
        assert_eq!(changed.lines[0].before, "beds;\"a;b\";asCqjKclllu;;\"Bed\ns\"");
        assert_eq!(changed.lines[0].after, "beds;\"a;b\";asCqjKclllu;q1Es3k3sZem;\"Bed\ns\"");
        let short = change_to(7, "q1Es3k3sZem").unwrap();
        assert_eq!(String::from_utf8(short.bytes).unwrap(), text.replace("x;y", "x;y;;q1Es3k3sZem"));
        assert_eq!(change_to(5, "q1Es3k3sZem").unwrap_err().line, 5);
        assert_eq!(change_to(4, "").unwrap(), Changed { bytes: text.as_bytes().to_vec(), lines: Vec::new() });
    }

    #[test]
    fn cells_beside_each_other_and_behind_a_short_row_change_together() {
        let text = format!("{HEAD}\na;b;;d\nx\n\"y\";\n");
        let changes = [
            to(2, ELEMENT, "B"),
            set(2, "C"),
            to(3, NAME, "D;D"),
            to(3, ELEMENT, "B"),
            to(4, NAME, "say \"D\""),
            to(4, ELEMENT, "B"),
        ];
        let expected = format!("{HEAD}\na;B;C;d\nx;B;;\"D;D\"\n\"y\";B;;\"say \"\"D\"\"\"\n");
        assert_eq!(after(&text, &changes), Ok(expected));
        let mut turned = changes.to_vec();
        turned.reverse();
        assert_eq!(after(&text, &turned), after(&text, &changes), "their order is no matter");
    }

    #[test]
    fn one_cell_asked_to_hold_two_things_is_refused_and_asked_twice_for_one_is_not() {
        let text = format!("{HEAD}\na;b;;d");
        assert_eq!(after(&text, &[set(2, "C"), set(2, "C")]), Ok(format!("{HEAD}\na;b;C;d")));
        assert_eq!(
            after(&text, &[set(2, "C"), set(2, "E")]),
            Err("line 2: data_set_id was to become both \"C\" and \"E\", so nothing was changed. Choose one of them."
                .into())
        );
        let back = [set(2, "C"), set(2, "")];
        assert!(after(&text, &back).is_err(), "what stands there counts too where it is asked for");
    }

    #[test]
    fn what_has_no_place_is_refused() {
        let text = format!("{HEAD}\n\na;b;;d\n;;;\n");
        for line in [0, 1, 2, 4, 9] {
            let what = "No row begins on this line, so nothing was changed. Read the file again.";
            assert_eq!(after(&text, &[set(3, "C"), set(line, "C")]), Err(format!("line {line}: {what}")));
        }
        let what = "There is no column \"note\" to write to, so nothing was changed.";
        assert_eq!(after(&text, &[to(3, "note", "C")]), Err(format!("line 3: {what}")));
        assert!(after("", &[set(2, "C")]).unwrap_err().contains("line 2: No row"));
        assert!(after("a;b\n1;2", &[set(2, "C")]).unwrap_err().contains("Missing: "));
        assert_eq!(after("a;b\n1;2", &[]), Ok("a;b\n1;2".into()), "nothing asked, nothing looked at");
    }

    #[test]
    fn a_broken_row_is_kept_and_not_written_to() {
        let shifted = format!("{HEAD}\nbeds;Beds; all;asCqjKclllu;\nlatrines;u5erlSYbxTU;;L\n");
        assert_eq!(after(&shifted, &[set(3, "C")]), Ok(shifted.replace("TU;;L", "TU;C;L")));
        let long = shifted.replace("lllu;", "lllu;q1Es3k3sZem");
        assert!(after(&long, &[set(2, "C")]).unwrap_err().contains("more values than the header"));
        let open = format!("{HEAD}\nbeds;\"asCqjKclllu;;B\nlatrines;u5erlSYbxTU;;L\nx;y\";;\n");
        assert!(after(&open, &[to(2, ELEMENT, "C")]).unwrap_err().contains("a quote was left open"));
        assert_eq!(after(&open, &[set(2, "C")]), Ok(open.replace("y\";;", "y\";C;")));
        let never_closed = open.replace("y\";;", "y;;");
        assert!(after(&never_closed, &[set(2, "C")]).unwrap_err().contains("would not read as meant"));
    }

    #[test]
    fn what_would_read_otherwise_is_refused() {
        let text = format!("{HEAD}\na;;;\nb;b;b;b\n");
        for changes in
            [vec![to(2, "case_property", "")], vec![set(3, " C")], vec![set(3, "C\u{a0}")], vec![set(3, "C\0")]]
        {
            let why = after(&text, &changes).unwrap_err();
            assert!(why.starts_with(&format!("line {}: ", changes[0].line)), "{why}");
        }
        let limit = "x".repeat(super::super::LIMIT);
        assert!(after(&text, &[to(3, NAME, &limit)]).unwrap_err().contains("too large"));
    }

    #[test]
    fn letters_are_written_as_the_file_writes_them() {
        let text = format!("{HEAD}\na;b;;Sant\u{e9}");
        let old = encoding_rs::WINDOWS_1252.encode(&text).0.into_owned();
        let new = encoding_rs::WINDOWS_1252.encode(&text.replace(";;", ";\u{f1}\u{20ac};")).0.into_owned();
        assert_eq!(change(&old, &[set(2, "\u{f1}\u{20ac}")]).unwrap().bytes, new);
        let why = change(&old, &[set(2, "\u{4e2d}\u{1b}")]).unwrap_err();
        assert_eq!(why.line, 2);
        assert!(why.what.contains("Windows-1252, which cannot hold \"\u{4e2d}\\u{1b}\""), "{}", why.what);
        // Without its one letter that is not UTF-8 the file reads as UTF-8: here that changes nothing, there it would.
        assert!(change(&old, &[to(2, NAME, "D")]).is_ok());
        let other = [old.as_slice(), b"\nx;\xC3\xA9;;"].concat();
        assert!(change(&other, &[to(2, NAME, "D")]).unwrap_err().what.contains("would not read as meant"));
    }

    #[test]
    fn a_byte_too_many_of_utf_16_stays() {
        let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let file = |text: &str| [&[0xFF, 0xFE], utf16(text).as_slice(), b"!"].concat();
        let text = format!("{HEAD}\r\na;\u{1f3e5};;n\r\nx");
        let new = text.replace(";;", ";C;").replace("\nx", "\nx;;C");
        assert_eq!(change(&file(&text), &[set(2, "C"), set(3, "C")]).unwrap().bytes, file(&new));
        // Half a letter is kept as it is.
        let half = [&[0xFF, 0xFE], utf16(&format!("{HEAD}\na;")).as_slice(), &[0x34, 0xD8], &utf16(";;n")].concat();
        let whole = [&[0xFF, 0xFE], utf16(&format!("{HEAD}\na;")).as_slice(), &[0x34, 0xD8], &utf16(";C;n")].concat();
        assert_eq!(change(&half, &[set(2, "C")]).unwrap().bytes, whole);
    }
}
