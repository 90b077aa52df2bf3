//! The body of `dataValueSets`, taken in row by row, whatever version wrote it (dhis2.md section 1.5). Members may stand in any
//! order; only one row at a time is held as text.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer,
        value::SeqAccessDeserializer,
    },
};
use serde_json::Value;

use super::{
    super::http::{Bad, Decode, no_object, text_of},
    quick,
    rows::{DataValue, Elements, Values},
};

/// Most of a body that is no JSON object which is kept for saying what it is.
const SHOWN: usize = 64 << 10;

/// Text, or another JSON value as text; empty text is none. Borrowed where it can be.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    fn is_true(&self) -> bool {
        self.as_str().is_some_and(quick::is_true)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextVisitor).map(|text| Self(text.filter(|text| !text.is_empty())))
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(if value { "true" } else { "false" })))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(text_of(Value::from(value)).map(Cow::Owned))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(text_of(Value::deserialize(MapAccessDeserializer::new(map))?).map(Cow::Owned))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Ok(text_of(Value::deserialize(SeqAccessDeserializer::new(seq))?).map(Cow::Owned))
    }
}

/// A row as it is sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row<'a> {
    #[serde(borrow, default)]
    data_element: Text<'a>,
    #[serde(borrow, default)]
    period: Text<'a>,
    #[serde(borrow, default)]
    org_unit: Text<'a>,
    #[serde(borrow, default)]
    category_option_combo: Text<'a>,
    #[serde(borrow, default)]
    attribute_option_combo: Text<'a>,
    #[serde(borrow, default)]
    value: Text<'a>,
    #[serde(borrow, default)]
    comment: Text<'a>,
    #[serde(borrow, default)]
    stored_by: Text<'a>,
    #[serde(borrow, default)]
    last_updated: Text<'a>,
    // Documents and code disagree on the spelling.
    #[serde(borrow, default)]
    followup: Text<'a>,
    #[serde(borrow, default, rename = "followUp")]
    follow_up: Text<'a>,
    #[serde(borrow, default)]
    deleted: Text<'a>,
}

impl Row<'_> {
    /// The row as it is kept, with nothing for what it does not hold.
    pub(super) fn value(&self) -> DataValue<'_> {
        DataValue {
            data_element: self.data_element.as_str().unwrap_or_default(),
            period: self.period.as_str().unwrap_or_default(),
            org_unit: self.org_unit.as_str().unwrap_or_default(),
            category_option_combo: self.category_option_combo.as_str().unwrap_or_default(),
            attribute_option_combo: self.attribute_option_combo.as_str().unwrap_or_default(),
            value: self.value.as_str(),
            comment: self.comment.as_str(),
            stored_by: self.stored_by.as_str(),
            last_updated: self.last_updated.as_str(),
            follow_up: self.followup.is_true() || self.follow_up.is_true(),
            deleted: self.deleted.is_true(),
        }
    }
}

/// What may stand before a value, after it, or in place of it.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Before the object.
    Start,
    /// At the first member, or the end.
    First,
    /// At a member.
    Key,
    /// Between name and value.
    Colon(String),
    /// At the value of this member.
    Member(String),
    /// After a member.
    After,
    /// At the first row, or the end of the list.
    FirstRow,
    /// At a row.
    Row,
    /// After a row.
    AfterRow,
    /// After the object.
    End,
    /// In a body that is no object.
    Other,
}

/// What stands above all rows, or in place of them.
#[derive(Debug, Default)]
struct Above {
    period: Option<String>,
    org_unit: Option<String>,
    attribute_option_combo: Option<String>,
    /// The list of rows was there, and was not null.
    rows: bool,
    /// What an error says, should a gateway send one with a successful status.
    said: Option<String>,
}

/// Takes in an answer.
pub(super) struct Decoder<'a> {
    elements: &'a Elements,
    asked: &'a (dyn Fn(&str, &str) -> bool + Sync),
    body: Vec<u8>,
    at: usize,
    place: Place,
    above: Above,
    rows: usize,
    /// The first row without period, organisation unit, attribute option combo.
    lacking: [Option<usize>; 3],
    values: Values,
}

impl<'a> Decoder<'a> {
    /// `asked` says of an organisation unit and a period whether they were asked for.
    pub(super) fn new(elements: &'a Elements, asked: &'a (dyn Fn(&str, &str) -> bool + Sync)) -> Self {
        Self {
            elements,
            asked,
            body: Vec::new(),
            at: 0,
            place: Place::Start,
            above: Above::default(),
            rows: 0,
            lacking: [None; 3],
            values: Values::default(),
        }
    }

    /// The next byte that is no space; `None` where the body goes on.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.body.get(self.at..)?;
        let space = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += space;
        self.body.get(self.at).copied()
    }

    /// The value that stands here; `None` where its end has not come.
    fn value<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Bad> {
        let found = here::<T>(&self.body, self.at)?;
        Ok(found.map(|(value, end)| {
            self.at = end;
            value
        }))
    }

    /// Goes on by one step; false where more of the body is needed.
    fn step(&mut self) -> Result<bool, Bad> {
        if self.place == Place::Row {
            return self.row();
        }
        let Some(byte) = self.peek() else { return Ok(false) };
        let next = match (&self.place, byte) {
            (Place::Start, b'{') => Place::First,
            // A byte order mark may have come in part.
            (Place::Start, 0xef) if b"\xef\xbb\xbf".starts_with(&self.body) && self.body.len() < 3 => return Ok(false),
            (Place::Start, _) => {
                self.place = Place::Other;
                return Ok(false);
            }
            (Place::First | Place::After, b'}') => Place::End,
            (Place::After, b',') => Place::Key,
            (Place::First | Place::Key, b'"') => {
                let Some(name) = self.value()? else { return Ok(false) };
                self.place = Place::Colon(name);
                return Ok(true);
            }
            (Place::Colon(name), b':') => Place::Member(name.clone()),
            (Place::Member(name), _) => {
                let name = name.clone();
                return self.member(&name, byte);
            }
            (Place::FirstRow | Place::AfterRow, b']') => Place::After,
            (Place::FirstRow, _) => {
                self.place = Place::Row;
                return Ok(true);
            }
            (Place::AfterRow, b',') => Place::Row,
            _ => return Err(Bad::Damaged(format!("unexpected byte {:?}", char::from(byte)))),
        };
        self.at += 1;
        self.place = next;
        Ok(true)
    }

    fn member(&mut self, name: &str, byte: u8) -> Result<bool, Bad> {
        match (name, byte) {
            ("dataValues", b'[') => {
                (self.at, self.above.rows, self.place) = (self.at + 1, true, Place::FirstRow);
                return Ok(true);
            }
            ("dataValues", byte) if byte != b'n' => {
                return Err(Bad::Shape("dataValues is no list".to_owned()));
            }
            (
                "period"
                | "orgUnit"
                | "attributeOptionCombo"
                | "message"
                | "error"
                | "errorCode"
                | "httpStatus"
                | "status",
                _,
            ) => {
                let Some(value) = self.value::<Value>()? else { return Ok(false) };
                self.keep(name, text_of(value).filter(|text| !text.is_empty()));
            }
            _ => {
                let Some(IgnoredAny) = self.value()? else { return Ok(false) };
            }
        }
        self.place = Place::After;
        Ok(true)
    }

    fn keep(&mut self, name: &str, text: Option<String>) {
        match name {
            "period" => self.above.period = text,
            "orgUnit" => self.above.org_unit = text,
            "attributeOptionCombo" => self.above.attribute_option_combo = text,
            // The message says most, whatever stands before it.
            "message" => self.above.said = text.or_else(|| self.above.said.take()),
            _ => self.above.said = self.above.said.take().or(text),
        }
    }

    /// Rows as long as they are the usual ones, else one read by the library.
    fn row(&mut self) -> Result<bool, Bad> {
        let body = std::mem::take(&mut self.body);
        let going = self.rows_of(&body);
        self.body = body;
        going
    }

    fn rows_of(&mut self, body: &[u8]) -> Result<bool, Bad> {
        let rest = body.get(self.at..).unwrap_or_default();
        let mut text = quick::plain(rest);
        while let Some((row, length)) = quick::row(text) {
            self.take(&row)?;
            (self.at, self.place) = (self.at + length, Place::AfterRow);
            // Only where another row follows at once is it worth going on here.
            let Some(after) = text.get(length..).and_then(|after| after.strip_prefix(',')) else { return Ok(true) };
            (self.at, self.place, text) = (self.at + 1, Place::Row, after);
        }
        let Some((row, end)) = here::<Row<'_>>(body, self.at)? else { return Ok(false) };
        self.take(&row.value())?;
        (self.at, self.place) = (end, Place::AfterRow);
        Ok(true)
    }

    fn take(&mut self, row: &DataValue<'_>) -> Result<(), Bad> {
        self.rows += 1;
        for (text, name) in [(row.data_element, "dataElement"), (row.category_option_combo, "categoryOptionCombo")] {
            if text.is_empty() {
                return Err(nowhere(self.rows, name));
            }
        }
        let shared = [row.period, row.org_unit, row.attribute_option_combo];
        for (text, first) in shared.into_iter().zip(&mut self.lacking) {
            if text.is_empty() {
                first.get_or_insert(self.rows);
            }
        }
        self.values.push(row, self.elements);
        Ok(())
    }
}

/// A row that belongs nowhere: no version leaves that out.
fn nowhere(row: usize, what: &str) -> Bad {
    Bad::Shape(format!(
        "row {row} of the data values has no {what}, and neither has the answer as a whole; no DHIS2 version from 2.30 to 2.43 writes that"
    ))
}

/// The value that begins at `at`, and where it ends; `None` where its end has not come.
fn here<'b, T: Deserialize<'b>>(body: &'b [u8], at: usize) -> Result<Option<(T, usize)>, Bad> {
    let rest = body.get(at..).unwrap_or_default();
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<T>();
    match values.next() {
        None => Ok(None),
        Some(Err(error)) if error.is_eof() || at_the_end(rest, &error) => Ok(None),
        Some(Err(error)) => Err(error.into()),
        Some(Ok(value)) => {
            let end = values.byte_offset();
            // A number that reaches the end of what came may go on.
            let closed = end < rest.len() || rest.trim_ascii_start().first().is_some_and(|b| b"\"{[".contains(b));
            Ok(closed.then_some((value, at + end)))
        }
    }
}

/// Whether a value is wrong only because it breaks off, such as a number after its sign.
fn at_the_end(rest: &[u8], error: &serde_json::Error) -> bool {
    let lines = rest.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    lines.map(<[u8]>::len).sum::<usize>() + error.column() >= rest.len()
}

impl Decode for Decoder<'_> {
    type Out = Values;

    fn feed(&mut self, piece: &[u8]) -> Result<(), Bad> {
        if self.place == Place::Other {
            let room = SHOWN.saturating_sub(self.body.len());
            self.body.extend_from_slice(piece.get(..room).unwrap_or(piece));
            return Ok(());
        }
        self.body.drain(..self.at);
        self.at = 0;
        self.body.extend_from_slice(piece);
        if self.place == Place::Start && self.body.starts_with(b"\xef\xbb\xbf") {
            self.at = 3;
        }
        while self.step()? {}
        Ok(())
    }

    fn end(mut self) -> Result<Values, Bad> {
        match self.place {
            Place::End => {}
            Place::Start | Place::Other => return Err(no_object(self.body)),
            _ => return Err(Bad::Damaged("it breaks off".to_owned())),
        }
        if self.peek().is_some() {
            return Err(Bad::Damaged("something follows its end".to_owned()));
        }
        // Without rows, `{}` and a bare header mean "nothing stored", but an error must not.
        if let (false, Some(said)) = (self.above.rows, &self.above.said) {
            return Err(Bad::Shape(format!("it has no data values but says: {said}")));
        }
        let above = &self.above;
        let shared = [&above.period, &above.org_unit, &above.attribute_option_combo].map(|text| text.as_deref());
        let names = ["period", "orgUnit", "attributeOptionCombo"];
        for ((above, lacking), name) in shared.iter().zip(self.lacking).zip(names) {
            if let (None, Some(row)) = (above, lacking) {
                return Err(nowhere(row, name));
            }
        }
        self.values.settle(shared, self.asked);
        Ok(self.values)
    }
}

#[cfg(test)]
mod tests;
