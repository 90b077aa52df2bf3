//! From `[flags]` to thresholds and relations. Which properties a relation may name is not known here: the mapping says.

use std::path::PathBuf;

use toml::Value;

use super::{Override, Settings, SettingsError, Wrong};
use crate::domain::{
    flags::{Limits, Relation},
    nearest::nearest,
};

/// The one entry of `[flags]` that is no threshold.
const RELATIONS: &str = "relations";

/// What `[flags]` says.
#[derive(Clone, Debug, Default)]
pub struct FlagSettings {
    /// The settings file.
    pub file: PathBuf,
    /// The thresholds, those that are not named at their defaults.
    pub limits: Limits,
    /// The relations with their lines; whether their names are properties is not looked at.
    pub relations: Vec<(u64, Relation)>,
}

/// Reads `[flags]`. All that is wrong is reported at once, each with its line: a name that is not known, a value that is no
/// number or out of its range, a relation that cannot be read, thresholds that contradict each other.
pub fn flags(settings: &Settings) -> Result<FlagSettings, SettingsError> {
    let mut found = FlagSettings { file: settings.file.clone(), ..FlagSettings::default() };
    let mut wrong = Vec::new();
    for (name, entry) in &settings.flags {
        if name == RELATIONS {
            relations(entry, &mut found.relations, &mut wrong);
        } else if let Err(what) = threshold(name, &entry.value, &mut found.limits) {
            wrong.push(Wrong { line: Some(entry.line), what });
        }
    }
    if wrong.is_empty()
        && let Err(what) = found.limits.check()
    {
        wrong.push(Wrong { line: line_of(settings, &what), what });
    }
    if wrong.is_empty() {
        return Ok(found);
    }
    wrong.sort_by_key(|wrong| wrong.line);
    Err(SettingsError { file: Some(found.file), wrong })
}

/// The last line whose threshold is named in a sentence about several.
fn line_of(settings: &Settings, what: &str) -> Option<u64> {
    settings.flags.iter().filter(|(name, _)| what.contains(name.as_str())).map(|(_, entry)| entry.line).max()
}

fn threshold(name: &str, value: &Value, limits: &mut Limits) -> Result<(), String> {
    let number = match value {
        Value::Float(number) => Some(*number),
        Value::Integer(number) => number.to_string().parse().ok(),
        _ => None,
    };
    match number.filter(|number: &f64| number.is_finite()) {
        Some(number) => limits.set(name, number),
        None => Err(no_number(name, value)),
    }
}

/// What is wrong where there is no number: first of all the name, where no threshold is called so.
fn no_number(name: &str, value: &Value) -> String {
    let of_type = value.type_str();
    if value.is_array() && nearest(name, [RELATIONS]).is_some() {
        return format!("[flags] has no {}. Perhaps {RELATIONS} is meant.", name.escape_debug());
    }
    // Refused for its name or, with the rule and the range, for not being a number.
    match Limits::default().set(name, f64::NAN) {
        Err(what) => format!("{what} This is of type {of_type}."),
        Ok(()) => format!("{} must be a number; this is of type {of_type}.", name.escape_debug()),
    }
}

fn relations(entry: &Override, found: &mut Vec<(u64, Relation)>, wrong: &mut Vec<Wrong>) {
    const HOW: &str = "relations (rule S20) must be a list of texts, such as [\"cured <= started\"]";
    let mut refuse = |line: u64, what: String| wrong.push(Wrong { line: Some(line), what });
    let Value::Array(items) = &entry.value else {
        refuse(entry.line, format!("{HOW}; this is of type {}.", entry.value.type_str()));
        return;
    };
    for (at, item) in items.iter().enumerate() {
        let line = entry.items.get(at).copied().unwrap_or(entry.line);
        match item.as_str().map(Relation::parse) {
            Some(Ok(relation)) => found.push((line, relation)),
            Some(Err(what)) => refuse(line, format!("relations (rule S20): {what}")),
            None => refuse(line, format!("{HOW}; this one is of type {}.", item.type_str())),
        }
    }
}
