//! The guides against the program: what `docs/settings.md` shows can be read, and nothing that can be set is missing there.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use onse::io::config::{flags, keys, load};
use serde_json::Value;

const SETTINGS: &str = include_str!("../docs/settings.md");

/// The blocks of a kind, in order.
fn blocks<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    let open = format!("```{kind}\n");
    text.split(open.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_settings_of_the_guide_are_settings() {
    let settings = load(Path::new("config.toml"), blocks(SETTINGS, "toml")[0]).unwrap();
    assert_eq!(settings.profile(None).unwrap().name, "onse-iss");
    flags(&settings).unwrap();
    let (named, wrong) = keys(&settings);
    assert_eq!((named.len(), wrong.len()), (1, 0));
}

#[test]
fn every_setting_is_in_the_guide() {
    let servers = "[profiles.a.dhis2]\nurl = \"https://a\"\n[profiles.a.commcare]\nurl = \"https://a\"\nproject = \"p\"\nusername = \"u\"\n";
    let places = [
        format!("{servers}[[zzzz]]\n"),
        servers.replace("[profiles.a.dhis2]", "[profiles.a]\nzzzz = 1\n[profiles.a.dhis2]"),
        servers.replace("[profiles.a.dhis2]", "[profiles.a.dhis2]\nzzzz = 1"),
        format!("{servers}zzzz = 1\n"),
    ];
    let mut known = 0;
    for text in places {
        let told = load(Path::new("config.toml"), &text).unwrap_err().to_string();
        let names = told.split("Known: ").nth(1).unwrap_or_else(|| panic!("{told}"));
        for name in names.lines().next().unwrap().trim_end_matches('.').split(", ") {
            known += 1;
            assert!(SETTINGS.contains(&format!("`{name}`")), "{name} is missing in docs/settings.md");
        }
    }
    assert!(known > 20, "{known}");
}

const SCHEMA: &str = include_str!("../docs/json/onse.schema.json");
const REFERENCE: &str = "docs/json.md";
const HEAD: &str = "# JSON

Every document that a command prints with `--json`, and the summary of a run. Results go to standard output, messages to standard error; the
exit code says how it ended. [json/onse.schema.json](json/onse.schema.json) says the same as a JSON Schema (draft 2020-12, one `$defs` entry for
each document), and real output of every command is held to it.

- Values are strings as DHIS2 and CommCare store them: `\"28\"`, `\"27.2\"`. What is absent is `null`.
- Within one `schema` number fields are added, never renamed or removed. Pass over fields you do not know.
- Names and sentences come from servers. They are as stored; escape them before you show them.

Made from the schema; a test compares it. `ONSE_UPDATE=1 cargo test --test guides` writes it anew.
";

/// A type as a reader wants it: `text or null`, `list of [cell](#cell)`, the words that may stand there.
fn kind(field: &Value) -> String {
    let named = |place: &Value| place.as_str().and_then(|place| place.rsplit('/').next()).map(str::to_owned);
    if let Some(name) = named(&field["$ref"]) {
        return format!("[{name}](#{name})");
    }
    if let Some(only) = field.get("const") {
        return format!("`{only}`");
    }
    if let Some(these) = field["enum"].as_array() {
        return these.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(these) = field["anyOf"].as_array().or(field["oneOf"].as_array()) {
        return these.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let word = |name: &str| match name {
        "string" => "text".to_owned(),
        "array" => format!("list of {}", kind(&field["items"])),
        "integer" | "number" => "number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        other => other.to_owned(),
    };
    match &field["type"] {
        Value::String(name) => word(name),
        Value::Array(these) => these.iter().filter_map(Value::as_str).map(word).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}

/// The names that a part of the schema refers to.
fn names(part: &Value, found: &mut BTreeSet<String>) {
    match part {
        Value::Object(fields) => {
            let place = fields.get("$ref").and_then(Value::as_str).and_then(|place| place.rsplit('/').next());
            found.extend(place.map(str::to_owned));
            fields.values().for_each(|part| names(part, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| names(part, found)),
        _ => {}
    }
}

fn section(name: &str, part: &Value) -> String {
    let text = |value: &Value| value["description"].as_str().unwrap_or_default().replace('|', "\\|");
    let mut lines = format!("\n### {name}\n\n{}\n\n| field | is | meaning |\n|---|---|---|\n", text(part));
    let needed: BTreeSet<&str> = part["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields: BTreeMap<&String, &Value> = part["properties"].as_object().into_iter().flatten().collect();
    for (field, about) in fields {
        let seldom = if needed.contains(field.as_str()) { "" } else { "; not always there" };
        let row = format!("| `{field}` | {}{seldom} | {} |\n", kind(about), text(about));
        lines.push_str(&row);
    }
    lines
}

#[test]
fn the_json_reference_is_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let parts: BTreeMap<&String, &Value> = schema["$defs"].as_object().unwrap().iter().collect();
    let mut inner = BTreeSet::new();
    for part in parts.values() {
        names(part, &mut inner);
    }
    let all = |inside: bool| {
        let these = parts.iter().filter(|(name, _)| inner.contains(**name) == inside);
        these.map(|(name, part)| section(name, part)).collect::<String>()
    };
    let made = format!("{HEAD}\n## Documents\n{}\n## What they are made of\n{}", all(false), all(true));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(REFERENCE);
    if std::env::var_os("ONSE_UPDATE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == made, "{REFERENCE} is old");
}
