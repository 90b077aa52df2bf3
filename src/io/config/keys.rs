//! From `[keys]` to names with their keys. Which names and keys there are is not known here: the key table says.

use toml::Value;

use super::{Override, Settings, Wrong};

/// One line of `[keys]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetting {
    /// The name as written.
    pub name: String,
    /// The line it stands on.
    pub line: u64,
    /// The keys as written, each with its line.
    pub keys: Vec<(u64, String)>,
}

/// Reads `[keys]`: what can be read of it, and what is wrong with the rest, each with its line.
pub fn keys(settings: &Settings) -> (Vec<KeySetting>, Vec<Wrong>) {
    let mut wrong = Vec::new();
    let mut found = Vec::new();
    for (name, entry) in &settings.keys {
        match texts(entry) {
            Ok(keys) => found.push(KeySetting { name: name.clone(), line: entry.line, keys }),
            Err((line, found)) => {
                let name = name.escape_debug();
                let what = format!(
                    "[keys] {name} must be a key in quotes, such as \"a\", or a list of them, such as [\"u\", \"backspace\"]; \
                     this is of type {found}."
                );
                wrong.push(Wrong { line: Some(line), what });
            }
        }
    }
    (found, wrong)
}

/// The texts of a value, or the line and the type of what is none.
fn texts(entry: &Override) -> Result<Vec<(u64, String)>, (u64, &'static str)> {
    match &entry.value {
        Value::String(text) => Ok(vec![(entry.line, text.clone())]),
        Value::Array(items) => {
            let text = |(at, item): (usize, &Value)| {
                let line = entry.items.get(at).copied().unwrap_or(entry.line);
                item.as_str().map(|text| (line, text.to_owned())).ok_or((line, item.type_str()))
            };
            items.iter().enumerate().map(text).collect()
        }
        other => Err((entry.line, other.type_str())),
    }
}
