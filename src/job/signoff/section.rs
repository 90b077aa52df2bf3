//! What a report is made of, as plain data: sections of sentences and tables. Knows neither HTML nor Markdown, and no review.

use std::borrow::Cow;

use super::trend::Trend;

/// A part of the report.
#[derive(Debug, Default)]
pub(super) struct Section<'a> {
    /// Name other parts refer to it by.
    pub(super) id: &'static str,
    /// Its heading.
    pub(super) title: &'static str,
    /// What is to be known before the table, a paragraph each.
    pub(super) lead: Vec<String>,
    /// Its table; without a row it is left out.
    pub(super) table: Table<'a>,
    /// Whether it stands behind the signatures, for looking things up.
    pub(super) annex: bool,
}

/// A table, its rows in groups.
#[derive(Debug, Default)]
pub(super) struct Table<'a> {
    /// Headings; empty for a list of what is what.
    pub(super) columns: Vec<Column>,
    pub(super) groups: Vec<Group<'a>>,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Whether numbers stand in it.
    pub(super) number: bool,
}

/// Most rows of a table that stands before the signatures.
pub(super) const SHORT: usize = 40;

/// Rows that belong together.
#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    /// The facility they are of; `None` where they are of no single one.
    pub(super) facility: Option<Named<'a>>,
    pub(super) rows: Vec<Vec<Field<'a>>>,
}

/// A facility in a heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    /// DHIS2 organisation unit id.
    pub(super) unit: &'a str,
    /// `CommCare` case id.
    pub(super) case: &'a str,
}

/// One field of a row.
#[derive(Debug)]
pub(super) enum Field<'a> {
    /// Text, a line each.
    Lines(Vec<Cow<'a, str>>),
    /// A data element.
    Element(Element<'a>),
    /// The quarters before, and the number that came.
    Trend(Option<Trend>),
}

/// A data element of a facility.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// What DHIS2 or the mapping calls it.
    pub(super) name: &'a str,
    /// The case property.
    pub(super) property: &'a str,
    /// Category option combos and their values, where there is more than one.
    pub(super) parts: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// How many more there are than `parts` names.
    pub(super) more: usize,
}

impl<'a> Field<'a> {
    /// One line of text.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Lines(vec![text.into()])
    }
}

impl<'a> Table<'a> {
    /// A table without groups. A heading that begins with `#` is one of numbers.
    pub(super) fn plain(headings: &[&'static str], rows: Vec<Vec<Field<'a>>>) -> Self {
        Self { columns: columns(headings), groups: vec![Group { facility: None, rows }] }
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> usize {
        self.groups.iter().map(|group| group.rows.len()).sum()
    }

    /// Whether it has no row.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.iter().all(|group| group.rows.is_empty())
    }
}

/// Columns with these headings; one that begins with `#` is of numbers.
pub(super) fn columns(headings: &[&'static str]) -> Vec<Column> {
    let column = |heading: &&'static str| match heading.strip_prefix('#') {
        Some(name) => Column { name, number: true },
        None => Column { name: heading, number: false },
    };
    headings.iter().map(column).collect()
}

/// `1 change`, `1,204 changes`.
pub(super) fn count(count: usize, one: &str, more: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { more })
}

/// `1,204`.
pub(super) fn number(count: usize) -> String {
    crate::domain::value::grouped(&count.to_string())
}

/// A time as a person reads it: `2026-07-05 09:41 UTC`; as it stands where it is none.
pub(super) fn when(at: &str) -> String {
    match at.parse::<jiff::Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => at.to_owned(),
    }
}

/// A value of a case as a person reads it.
pub(super) fn value(value: Option<&str>) -> Cow<'_, str> {
    match value {
        None => Cow::Borrowed("not set"),
        Some("") => Cow::Borrowed("blank"),
        Some(text) => Cow::Owned(crate::domain::value::grouped(text)),
    }
}
