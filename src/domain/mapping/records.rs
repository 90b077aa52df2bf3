//! The records of a CSV text, each value with the place it is written at, so that one can be changed and everything else kept.

use std::ops::Range;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

/// The most values of a record that are told apart: the columns a spreadsheet has. What stands beyond them is kept as one
/// value, the first that is not empty, so that a line of millions of separators takes little memory (fault matrix row M20).
pub(super) const MOST_VALUES: usize = 16_384;

/// One value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    /// What it reads as, without its quotes.
    pub(super) value: String,
    /// Where it is written, in bytes of the text, quotes included.
    pub(super) place: Range<usize>,
}

/// One record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// The line it starts on, 1 for the first.
    pub(super) line: u64,
    /// Its values; at least one.
    pub(super) fields: Vec<Field>,
}

impl Record {
    /// A value; empty where the record is shorter.
    pub(super) fn get(&self, at: usize) -> &str {
        self.fields.get(at).map_or("", |field| field.value.as_str())
    }

    /// Its values.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.value.as_str())
    }
}

/// The records of a text; empty lines are none.
pub(super) struct Records<'a> {
    text: &'a str,
    reader: Reader,
    /// How far the text is read, in bytes.
    at: usize,
    /// Up to where lines are counted, and the line there.
    counted: (usize, u64),
    /// What a value reads as.
    buffer: Vec<u8>,
}

impl<'a> Records<'a> {
    /// Reads `text` from the byte `start` on, which begins a line.
    pub(super) fn new(text: &'a str, separator: u8, start: usize) -> Self {
        let reader = ReaderBuilder::new().delimiter(separator).build();
        Self { text, reader, at: start, counted: (0, 1), buffer: vec![0; 256] }
    }

    /// The next value, and whether it ends its record; `None` at the end.
    fn field(&mut self) -> Option<(Field, bool)> {
        let bytes = self.text.as_bytes();
        let (from, mut written) = (self.at, 0);
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let (result, read, wrote) = self.reader.read_field(rest, &mut self.buffer[written..]);
            (self.at, written) = (self.at + read, written + wrote);
            match result {
                // Without input left it is told of the end.
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull => self.buffer.resize(self.buffer.len() * 2, 0),
                ReadFieldResult::End => return None,
                ReadFieldResult::Field { record_end } => {
                    // The separator or line end is read with it, unless the text ended.
                    let to = if read > 0 { self.at - 1 } else { self.at };
                    let value = String::from_utf8_lossy(&self.buffer[..written]).into_owned();
                    return Some((Field { value, place: from..to.max(from) }, record_end));
                }
            }
        }
    }

    /// The line a byte of the text stands on. Goes forward only.
    fn line(&mut self, to: usize) -> u64 {
        let bytes = self.text.as_bytes();
        let (mut at, mut line) = self.counted;
        while at < to {
            let pair = bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n');
            if matches!(bytes[at], b'\r' | b'\n') {
                line += 1;
            }
            at += if pair { 2 } else { 1 };
        }
        self.counted = (at, line);
        line
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let (mut field, mut last) = self.field()?;
        // Line ends before a record are read with its first value.
        let bytes = self.text.as_bytes();
        while field.place.start < field.place.end && matches!(bytes[field.place.start], b'\r' | b'\n') {
            field.place.start += 1;
        }
        let line = self.line(field.place.start);
        let mut fields = vec![field];
        while !last {
            let Some((next, end)) = self.field() else { break };
            match fields.get_mut(MOST_VALUES) {
                Some(beyond) => {
                    beyond.place.end = next.place.end;
                    if beyond.value.is_empty() {
                        beyond.value = next.value;
                    }
                }
                None => fields.push(next),
            }
            last = end;
        }
        Some(Record { line, fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Vec<(String, String)>)> {
        Records::new(text, b',', 0)
            .map(|record| {
                let field = |field: &Field| (field.value.clone(), text[field.place.clone()].to_owned());
                (record.line, record.fields.iter().map(field).collect())
            })
            .collect()
    }

    fn own(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(value, raw)| ((*value).to_owned(), (*raw).to_owned())).collect()
    }

    #[test]
    fn every_value_is_told_with_its_place() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("a,\"b,\"\"c\"{end}{end}, \"x\"y,{end}last");
            assert_eq!(
                read(&text),
                [
                    (1, own(&[("a", "a"), ("b,\"c", "\"b,\"\"c\"")])),
                    (3, own(&[("", ""), (" \"x\"y", " \"x\"y"), ("", "")])),
                    (4, own(&[("last", "last")])),
                ],
                "{end:?}"
            );
        }
        assert_eq!(read("a,"), [(1, own(&[("a", "a"), ("", "")]))]);
        assert_eq!(read("\"open,\nx"), [(1, own(&[("open,\nx", "\"open,\nx")]))]);
        assert_eq!(read("\"\"\n\"a\"b,c"), [(1, own(&[("", "\"\"")])), (2, own(&[("ab", "\"a\"b"), ("c", "c")]))]);
    }

    proptest::proptest! {
        #[test]
        fn values_are_those_of_the_csv_reader(text in "[ab\",;\r\n \u{e9}]{0,60}") {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let theirs: Vec<Vec<String>> =
                reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
            let ours: Vec<Vec<String>> =
                Records::new(&text, b',', 0).map(|record| record.values().map(str::to_owned).collect()).collect();
            proptest::prop_assert_eq!(ours, theirs);
        }
    }
}
