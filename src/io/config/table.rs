//! TOML tables with the line of every key and value, and all that is wrong with them collected.

use std::ops::{Range, RangeInclusive};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{SettingsError, Wrong, unknown};

/// A file being read: its text for the line numbers, and what was found to be wrong so far.
pub(super) struct Reading<'t> {
    text: &'t str,
    wrong: Vec<Wrong>,
}

/// One table of the file.
pub(super) struct Section<'t> {
    /// Its name for a message, such as `[profiles.onse-iss]`.
    pub(super) title: String,
    /// The line it starts on.
    pub(super) line: u64,
    pub(super) table: &'t DeTable<'t>,
}

/// A text value with its line.
pub(super) struct Text {
    pub(super) line: u64,
    pub(super) text: String,
}

/// The tables of a file. The message of a syntax error holds nothing of the file's content, which may be secret.
pub(super) fn parse<'t>(file: &Path, text: &'t str) -> Result<DeTable<'t>, SettingsError> {
    DeTable::parse(text).map(Spanned::into_inner).map_err(|error| {
        let line = error.span().map(|span| line_of(text, &span));
        SettingsError::at(file, line, format!("This is not valid TOML: {}.", error.message()))
    })
}

fn line_of(text: &str, span: &Range<usize>) -> u64 {
    let before = text.as_bytes().get(..span.start).unwrap_or_default();
    before.split(|byte| *byte == b'\n').map(|_| 1).sum()
}

impl<'t> Reading<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, wrong: Vec::new() }
    }

    pub(super) fn line<T>(&self, value: &Spanned<T>) -> u64 {
        line_of(self.text, &value.span())
    }

    pub(super) fn refuse(&mut self, line: u64, what: impl Into<String>) {
        self.wrong.push(Wrong { line: Some(line), what: what.into() });
    }

    /// The value, when nothing was wrong.
    pub(super) fn done<T>(mut self, file: &Path, value: Option<T>) -> Result<T, SettingsError> {
        self.wrong.sort_by_key(|wrong| wrong.line);
        match value {
            Some(value) if self.wrong.is_empty() => Ok(value),
            _ => Err(SettingsError { file: Some(file.to_owned()), wrong: self.wrong }),
        }
    }

    /// Refuses every key that is not among `known`.
    pub(super) fn only(&mut self, section: &Section<'_>, known: &[&str]) {
        for key in section.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            let mut what = unknown(&format!("key{} named", section.within()), name, known.iter().copied());
            if is_secret_name(name) {
                what = format!(
                    "The key \"{}\"{} looks like a secret, and secrets do not stand here. Put it into the environment \
                     or into secrets.toml beside this file, and out of this file's history.",
                    name.escape_debug(),
                    section.within()
                );
            }
            self.refuse(self.line(key), what);
        }
    }

    fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let found = value.get_ref().type_str();
        self.refuse(self.line(value), format!("{key} must be {wanted}; this is of type {found}."));
    }

    /// A text, when the key is there.
    pub(super) fn text(&mut self, section: &Section<'t>, key: &str) -> Option<Text> {
        let value = section.table.get(key)?;
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(key, value, "text in quotes");
            return None;
        };
        Some(Text { line: self.line(value), text: text.clone().into_owned() })
    }

    /// A text that must be there and not be empty.
    pub(super) fn needed(&mut self, section: &Section<'t>, key: &str) -> Option<Text> {
        if !section.table.contains_key(key) {
            self.refuse(section.line, format!("{key} is missing{}.", section.within()));
            return None;
        }
        let text = self.text(section, key)?;
        if text.text.trim().is_empty() {
            self.refuse(text.line, format!("{key} is empty."));
            return None;
        }
        Some(text)
    }

    /// A list of texts; empty when the key is not there, none when something of it is wrong. `example` is one that is right.
    pub(super) fn texts(&mut self, section: &Section<'t>, key: &str, example: &str) -> Option<Vec<Text>> {
        let Some(value) = section.table.get(key) else {
            return Some(Vec::new());
        };
        let wanted = format!("a list of texts in quotes, such as {example}");
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong_type(key, value, &wanted);
            return None;
        };
        let mut texts = Vec::new();
        for item in list {
            let DeValue::String(text) = item.get_ref() else {
                self.wrong_type(key, item, &wanted);
                return None;
            };
            texts.push(Text { line: self.line(item), text: text.clone().into_owned() });
        }
        Some(texts)
    }

    /// A whole number within `range`; `default` when the key is not there, none when it is wrong.
    pub(super) fn number(
        &mut self,
        section: &Section<'t>,
        key: &str,
        range: RangeInclusive<u32>,
        default: u32,
    ) -> Option<u32> {
        let Some(value) = section.table.get(key) else {
            return Some(default);
        };
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(key, value, &wanted);
            return None;
        };
        let read = u32::from_str_radix(number.as_str(), number.radix()).ok();
        let fits = read.filter(|number| range.contains(number));
        if fits.is_none() {
            self.refuse(self.line(value), format!("{key} must be {wanted}, not {number}."));
        }
        fits
    }

    /// Yes or no; no when the key is not there, none when it is wrong.
    pub(super) fn flag(&mut self, section: &Section<'t>, key: &str) -> Option<bool> {
        let Some(value) = section.table.get(key) else {
            return Some(false);
        };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        flag
    }

    /// The tables in `section`, each under its key; a value that is no table is refused.
    pub(super) fn tables(&mut self, section: &Section<'t>) -> Vec<(String, Section<'t>)> {
        let keys = section.table.keys();
        let names: Vec<String> = keys.map(|key| key.get_ref().clone().into_owned()).collect();
        let tables = names.into_iter().filter_map(|name| {
            let table = self.table(section, &name)?;
            Some((name, table))
        });
        tables.collect()
    }

    /// The table under `key`, when it is there.
    pub(super) fn table(&mut self, section: &Section<'t>, key: &str) -> Option<Section<'t>> {
        let (name, value) = section.table.get_key_value(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value, "a table");
            return None;
        };
        let path = section.title.trim_matches(['[', ']']);
        let title = if path.is_empty() { format!("[{key}]") } else { format!("[{path}.{key}]") };
        Some(Section { title, line: self.line(name), table })
    }
}

impl Section<'_> {
    fn within(&self) -> String {
        if self.title.is_empty() { String::new() } else { format!(" in {}", self.title) }
    }
}

/// Whether a key is one under which people keep a secret.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "passwd", "token", "secret", "api_key", "apikey", "api-key"].iter().any(|word| name.contains(word))
}

/// A name as a key of TOML: bare where it may be, else in quotes.
pub fn key_text(name: &str) -> String {
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return name.to_owned();
    }
    let one = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    let text: String = name.chars().map(one).collect();
    format!("\"{text}\"")
}
