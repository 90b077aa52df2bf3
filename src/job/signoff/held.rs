//! What was approved and held back, as the trail tells it.

use serde_json::Value;

use super::{
    Report,
    cells::element,
    section::{Field, value, when},
};
use crate::{domain::plan::Cell, io::store::Noted};

/// An approved cell that was held back when it was to be sent.
pub(super) struct Kept<'a> {
    pub(super) cell: Cell,
    at: &'a str,
    pub(super) new: Option<String>,
    pub(super) base: Option<String>,
    now: Option<String>,
    pub(super) why: String,
}

impl<'a> Kept<'a> {
    /// It as a row of its facility.
    pub(super) fn row(&self, report: &Report<'a>) -> (u32, Vec<Field<'a>>) {
        let text = |text: &Option<String>| Field::text(value(text.as_deref()).into_owned());
        let row = [element(report, self.cell), text(&self.base), text(&self.now), text(&self.new), self.said()];
        (self.cell.facility, row.into())
    }

    /// Why, and when.
    fn said(&self) -> Field<'a> {
        Field::Lines(vec![self.why.clone().into(), format!("on {}", when(self.at)).into()])
    }
}

/// The cells that an entry of the trail tells of as held; none where it cannot be read.
pub(super) fn kept(noted: &Noted) -> Vec<Kept<'_>> {
    let detail: Value = serde_json::from_str(&noted.detail).unwrap_or_default();
    let all = detail.get("held").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(|held| one(held, &noted.at)).collect()
}

fn one<'a>(held: &Value, at: &'a str) -> Option<Kept<'a>> {
    let ordinal = |key: &str| held.get(key).and_then(Value::as_u64);
    let text = |key: &str| held.get(key).and_then(Value::as_str).map(str::to_owned);
    let facility = u32::try_from(ordinal("facility")?).ok()?;
    let property = u16::try_from(ordinal("property")?).ok()?;
    let cell = Cell { facility, property };
    Some(Kept { cell, at, new: text("new"), base: text("base"), now: text("now"), why: text("why")? })
}
