//! The usual row of data values, read without ceremony: one flat object of plain texts, marks and nulls. Anything unusual, and
//! anything that is not whole, is left to the JSON library, which alone says what is wrong. With quarters before the plan's a
//! country has close to a million rows; most of the time of a reading on our side is spent here.

use memchr::memchr2;

use super::rows::DataValue;

/// Bytes looked through at once.
const CHUNK: usize = 256;

/// As much of `body` as can be read here: text up to the first control character, which no text of JSON may hold. Looked at once
/// for many rows.
pub(super) fn plain(body: &[u8]) -> &str {
    let control = body
        .chunks(CHUNK)
        .position(|chunk| chunk.iter().fold(u8::MAX, |least, byte| least.min(*byte)) < 0x20)
        .map_or(body.len(), |at| {
            let from = at * CHUNK;
            from + body.iter().skip(from).position(|byte| *byte < 0x20).unwrap_or_default()
        });
    let body = body.get(..control).unwrap_or_default();
    let text = std::str::from_utf8(body).or_else(|error| {
        let (valid, _) = body.split_at(error.valid_up_to());
        std::str::from_utf8(valid)
    });
    text.unwrap_or_default()
}

/// The row at the beginning of [`plain`] text and how many bytes it takes; `None` where it is for the library to read.
pub(super) fn row(text: &str) -> Option<(DataValue<'_>, usize)> {
    let mut here = Here { text, at: 0 };
    let (mut row, mut seen) = (DataValue::default(), 0_u16);
    here.space();
    here.take(b'{')?;
    here.space();
    loop {
        let name = here.text()?;
        here.space();
        here.take(b':')?;
        here.space();
        let mark = put(&mut row, name, here.value()?);
        // A name that stands there twice is no usual row.
        if seen & mark != 0 {
            return None;
        }
        seen |= mark;
        here.space();
        match here.next()? {
            b',' => here.space(),
            b'}' => return Some((row, here.at)),
            _ => return None,
        }
    }
}

/// Puts a value in its place and gives the mark of its name; 0 for a name that is not looked at.
fn put<'a>(row: &mut DataValue<'a>, name: &str, value: &'a str) -> u16 {
    let text = Some(value).filter(|value| !value.is_empty());
    match name {
        "dataElement" => {
            row.data_element = value;
            1 << 0
        }
        "period" => {
            row.period = value;
            1 << 1
        }
        "orgUnit" => {
            row.org_unit = value;
            1 << 2
        }
        "categoryOptionCombo" => {
            row.category_option_combo = value;
            1 << 3
        }
        "attributeOptionCombo" => {
            row.attribute_option_combo = value;
            1 << 4
        }
        "value" => {
            row.value = text;
            1 << 5
        }
        "comment" => {
            row.comment = text;
            1 << 6
        }
        "storedBy" => {
            row.stored_by = text;
            1 << 7
        }
        "lastUpdated" => {
            row.last_updated = text;
            1 << 8
        }
        "followup" => {
            row.follow_up |= is_true(value);
            1 << 9
        }
        "followUp" => {
            row.follow_up |= is_true(value);
            1 << 10
        }
        "deleted" => {
            row.deleted = is_true(value);
            1 << 11
        }
        _ => 0,
    }
}

/// Whether a mark is set, in whatever letters.
pub(super) fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

struct Here<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Here<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn space(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// A text without escapes.
    fn text(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let end = self.at + memchr2(b'"', b'\\', self.text.as_bytes().get(self.at..)?)?;
        let text = self.text.get(self.at..end)?;
        self.at = end;
        self.take(b'"')?;
        Some(text)
    }

    /// A text, a mark as its word, or nothing for null.
    fn value(&mut self) -> Option<&'a str> {
        let (word, value) = match self.peek()? {
            b'"' => return self.text(),
            b'n' => ("null", ""),
            b't' => ("true", "true"),
            b'f' => ("false", "false"),
            _ => return None,
        };
        self.text.get(self.at..)?.starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::stream::Row, *};

    /// What the library makes of the beginning of `body`, and where the row ends.
    fn library(body: &[u8], is: impl FnOnce(Option<(DataValue<'_>, usize)>)) {
        let mut rows = serde_json::Deserializer::from_slice(body).into_iter::<Row<'_>>();
        let row = rows.next().and_then(Result::ok);
        is(row.as_ref().map(|row| (row.value(), rows.byte_offset())));
    }

    #[test]
    fn the_rows_of_every_version_are_usual() {
        let old = r#"{"dataElement":"de","period":"2026Q2","orgUnit":"ou","categoryOptionCombo":"c","attributeOptionCombo":"a","value":"7","storedBy":null,"created":"x","lastUpdated":"y","comment":"é","followup":false,"deleted":true},"#;
        let new = r#"{ "dataElement": "de", "value": "7", "created":"x","lastUpdated":"y","followup":true } "#;
        for (text, end) in [(old, old.len() - 1), (new, new.len() - 1)] {
            let found = row(plain(text.as_bytes())).unwrap();
            assert_eq!(found.1, end);
            library(text.as_bytes(), |row| assert_eq!(row, Some(found)));
        }
        let (row, _) = row(old).unwrap();
        assert_eq!((row.comment, row.stored_by, row.follow_up, row.deleted), (Some("é"), None, false, true));
    }

    #[test]
    fn what_is_not_usual_is_left() {
        for body in [
            "",
            "[",
            "{}",
            r#"{"value":7}"#,
            r#"{"value":"7""#,
            r#"{"value":"7"]"#,
            r#"{"value":"\u0037"}"#,
            r#"{"value":"7","value":"8"}"#,
            r#"{"value":null,"value":null}"#,
            r#"{"more":{}}"#,
            r#"{"value":"7",}"#,
            r#"{"value" "7"}"#,
            "{\"value\":\"a\tb\"}",
            r#"{"value":nul}"#,
        ] {
            assert_eq!(row(plain(body.as_bytes())), None, "{body}");
        }
        assert_eq!(plain(b"{\"value\":\"\xff\"}"), "{\"value\":\"");
        assert_eq!(plain("{\"value\":\"é".as_bytes()), "{\"value\":\"é");
        for length in 0..200 {
            let text = "x".repeat(length);
            assert_eq!(
                (plain(text.as_bytes()), plain(format!("{text}\nyyy\n").as_bytes())),
                (text.as_str(), text.as_str())
            );
        }
    }

    proptest! {
        #[test]
        fn it_says_what_the_library_says(
            names in prop::collection::vec(prop::sample::select(vec![
                "dataElement", "period", "orgUnit", "value", "comment", "followup", "followUp", "deleted", "created", "\"", "é",
            ]), 0..6),
            values in prop::collection::vec(prop_oneof![
                any::<String>().prop_map(serde_json::Value::from),
                "[a-z0-9é ]{0,8}".prop_map(serde_json::Value::from),
                any::<bool>().prop_map(serde_json::Value::from),
                Just(serde_json::Value::Null),
                any::<i32>().prop_map(serde_json::Value::from),
            ], 6),
            cut in 0_usize..200,
            bend in prop::option::of((0_usize..200, any::<u8>())),
            spaces in any::<bool>(),
        ) {
            let members: Vec<String> =
                names.iter().zip(&values).map(|(name, value)| format!("{}:{value}", serde_json::Value::from(*name))).collect();
            let mut body = format!("{{{}}}", members.join(if spaces { " , " } else { "," })).into_bytes();
            if let Some((at, byte)) = bend && at < body.len() {
                body[at] = byte;
            }
            body.truncate(body.len().min(cut));
            if let Some(found) = row(plain(&body)) {
                library(&body, |row| assert_eq!(row, Some(found)));
            }
        }
    }
}
