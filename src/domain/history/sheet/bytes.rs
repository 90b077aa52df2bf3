//! A sheet as bytes, for a file that may be thrown away at any time: numbers of seven bits a byte, all texts together at the
//! front. Whatever does not read back to the last byte is no sheet.

use super::{Entry, Sheet};
use crate::domain::{
    plan::{index, ordinal},
    quarter::Quarter,
};

/// First byte. Another one is another form of these bytes, which this version cannot read.
const FORM: u8 = 1;

impl Sheet {
    /// The sheet as bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.text.len() + self.rows.len() + self.entries.len() * 9 + 16);
        out.push(FORM);
        number(&mut out, ordinal(self.text.len()));
        out.extend_from_slice(self.text.as_bytes());
        number(&mut out, ordinal(self.ids.len()));
        for (from, to) in &self.ids {
            number(&mut out, to - from);
        }
        number(&mut out, ordinal(self.entries.len()));
        for entry in &self.entries {
            number(&mut out, entry.element);
            number(&mut out, quarter_number(entry.quarter));
            number(&mut out, entry.read_at);
            number(&mut out, entry.count);
        }
        out.extend_from_slice(&self.rows);
        out
    }

    /// The sheet these bytes are of; `None` where they are damaged or of another form.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (form, rest) = bytes.split_first()?;
        if *form != FORM {
            return None;
        }
        let mut from = Reader(rest);
        let mut sheet = Self { text: from.text()?, ..Self::default() };
        let mut end = 0;
        let ids = from.count()?;
        sheet.ids.reserve_exact(index(ids));
        for _ in 0..ids {
            sheet.ids.push(next(&sheet.text, &mut end, from.number()?)?);
        }
        let entries = from.count()?;
        sheet.entries.reserve_exact(index(entries));
        for _ in 0..entries {
            let (element, quarter) = (from.id(ids)?, from.quarter()?);
            let (read_at, count) = (from.number()?, from.number()?);
            sheet.entries.push(Entry { element, quarter, read_at, count, rows: 0, text: 0 });
        }
        sheet.rows = from.0.to_vec();
        for entry in &mut sheet.entries {
            (entry.rows, entry.text) = (ordinal(sheet.rows.len() - from.0.len()), end);
            for _ in 0..entry.count {
                let (category, attribute, size) = from.row()?;
                next(&sheet.text, &mut end, size).filter(|_| category < ids && attribute < ids)?;
            }
        }
        (from.0.is_empty() && index(end) == sheet.text.len() && sheet.in_order()).then_some(sheet)
    }

    /// Whether every data element and quarter stands once and in its place, which is what finding one goes by.
    fn in_order(&self) -> bool {
        self.entries.windows(2).all(|two| match two {
            [a, b] if a.element == b.element => a.quarter > b.quarter,
            [a, b] => self.id(a.element) < self.id(b.element),
            _ => true,
        })
    }
}

/// The next `size` bytes of the text, where they are whole characters.
fn next(text: &str, end: &mut u32, size: u32) -> Option<(u32, u32)> {
    let from = *end;
    let to = from.checked_add(size)?;
    *end = to;
    text.is_char_boundary(index(to)).then_some((from, to))
}

fn quarter_number(quarter: Quarter) -> u32 {
    u32::from(quarter.year().unsigned_abs()) * 4 + u32::from(quarter.number()) - 1
}

/// Writes a number, seven bits a byte, the lowest first.
pub(super) fn number(out: &mut Vec<u8>, mut number: u32) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// What is left to read.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    #[inline]
    fn number(&mut self) -> Option<u32> {
        // Most are small.
        if let [byte @ 0..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Some(u32::from(*byte));
        }
        self.large()
    }

    fn large(&mut self) -> Option<u32> {
        let mut number = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(number).ok();
            }
        }
        None
    }

    /// The numbers of a category and an attribute option combo, and the bytes of a value.
    #[inline]
    pub(super) fn row(&mut self) -> Option<(u32, u32, u32)> {
        Some((self.number()?, self.number()?, self.number()?))
    }

    /// A number of things, each of which takes at least a byte: a false one makes no room for what is not there.
    fn count(&mut self) -> Option<u32> {
        self.number().filter(|count| index(*count) <= self.0.len())
    }

    /// The number of an id.
    fn id(&mut self, ids: u32) -> Option<u32> {
        self.number().filter(|id| *id < ids)
    }

    fn text(&mut self) -> Option<String> {
        let size = index(self.number()?);
        let (text, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    }

    fn quarter(&mut self) -> Option<Quarter> {
        let number = self.number()?;
        Quarter::new(i16::try_from(number / 4).ok()?, u8::try_from(number % 4).ok()? + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::{
        super::{Facts, PastRow, Stored},
        *,
    };

    fn row<'a>(of: &(&'a str, &'a str, &'a str)) -> PastRow<'a> {
        PastRow { category_option_combo: of.0, attribute_option_combo: of.1, value: of.2 }
    }

    fn sheet(elements: &[(&str, i16, u8, i64)], rows: &[(&str, &str, &str)]) -> Sheet {
        let facts: Facts<'_> = elements
            .iter()
            .enumerate()
            .map(|(at, (element, year, number, second))| {
                let read_at = Timestamp::from_second(*second).unwrap();
                let rows = rows.iter().skip(at).step_by(elements.len()).map(row).collect();
                ((*element, Reverse(Quarter::new(*year, *number).unwrap())), Stored { read_at, rows })
            })
            .collect();
        Sheet::pack(&facts)
    }

    #[test]
    fn an_empty_one_comes_back() {
        assert_eq!(Sheet::from_bytes(&Sheet::default().bytes()), Some(Sheet::default()));
        assert_eq!((Sheet::from_bytes(&[]), Sheet::from_bytes(&[2, 0, 0, 0])), (None, None));
    }

    #[test]
    fn bytes_that_were_changed_are_no_sheet_or_another_and_never_a_panic() {
        let sheet =
            sheet(&[("e1", 2026, 1, 9), ("é2", 2025, 4, 300)], &[("c", "a", "12"), ("ç", "a", "1é"), ("d", "a", "7")]);
        let bytes = sheet.bytes();
        for at in 0..bytes.len() {
            assert_eq!(Sheet::from_bytes(&bytes[..at]), None, "cut at {at}");
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                if let Some(other) = Sheet::from_bytes(&damaged) {
                    assert_ne!(other, sheet, "byte {at}, bit {bit} is read by nobody");
                }
            }
        }
        let mut more = bytes.clone();
        more.push(0);
        assert_eq!(Sheet::from_bytes(&more), None);
    }

    #[test]
    fn what_is_out_of_order_is_no_sheet() {
        let mut sheet = sheet(&[("e1", 2026, 1, 9), ("e1", 2025, 4, 9)], &[]);
        assert!(Sheet::from_bytes(&sheet.bytes()).is_some());
        sheet.entries.swap(0, 1);
        assert_eq!(Sheet::from_bytes(&sheet.bytes()), None);
        sheet.entries[1] = sheet.entries[0].clone();
        assert_eq!(Sheet::from_bytes(&sheet.bytes()), None, "twice the same");
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            elements in proptest::collection::vec(("[a-zé]{0,3}", 1900..3000_i16, 1..=4_u8, 0..4_000_000_000_i64), 1..8),
            rows in proptest::collection::vec(("[ab]{0,2}", "[xy]{0,1}", "\\PC{1,5}"), 0..40),
        ) {
            let elements: Vec<_> = elements.iter().map(|(e, y, n, s)| (e.as_str(), *y, *n, *s)).collect();
            let rows: Vec<_> = rows.iter().map(|(c, a, v)| (c.as_str(), a.as_str(), v.as_str())).collect();
            let sheet = sheet(&elements, &rows);
            let back = Sheet::from_bytes(&sheet.bytes()).unwrap();
            prop_assert_eq!(&back, &sheet);
            prop_assert_eq!(back.bytes(), sheet.bytes());
            for fact in sheet.iter() {
                let found = back.get(fact.element, fact.quarter).unwrap();
                prop_assert_eq!((found.read_at, found.past()), (fact.read_at, fact.past()));
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = bytes;
            bytes.insert(0, FORM);
            let _ = Sheet::from_bytes(&bytes);
        }
    }
}
