//! From the tables of `config.toml` to settings, each value checked where it stands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::ValueDeserializer;
use url::{Host, Url};

use super::table::{Reading, Section, Text, parse};
use super::{CommCare, Dhis2, LookSettings, Override, Profile, Settings, SettingsError, Theme, unknown};
use crate::domain::caseblock::FORM_XMLNS;
use crate::domain::mapping::property_fault;

const CASE_TYPE: &str = "facility_supervision";
const CHUNK_SIZE: u32 = 1000;
const STALE_AFTER_DAYS: u32 = 14;

const FILE_KEYS: [&str; 7] = ["default_profile", "theme", "ascii", "mouse", "profiles", "keys", "flags"];
const THEMES: [(&str, Theme); 3] = [("default", Theme::Default), ("contrast", Theme::Contrast), ("mono", Theme::Mono)];
const PROFILE_KEYS: [&str; 11] = [
    "mapping",
    "case_type",
    "label",
    "chunk_size",
    "form_xmlns",
    "stamp_property",
    "submit_user_id",
    "stale_after_days",
    "notify",
    "dhis2",
    "commcare",
];
const DHIS2_KEYS: [&str; 5] = ["url", "api_root", "username", "allow_http", "ca_file"];
const COMMCARE_KEYS: [&str; 5] = ["url", "project", "username", "allow_http", "ca_file"];

pub(super) fn settings(file: &Path, text: &str) -> Result<Settings, SettingsError> {
    let table = parse(file, text)?;
    let top = Section { title: String::new(), line: 1, table: &table };
    let mut reading = Reading::new(text);
    reading.only(&top, &FILE_KEYS);
    let folder = file.parent().unwrap_or(Path::new(""));
    let sections = reading.table(&top, "profiles").map(|all| reading.tables(&all)).unwrap_or_default();
    let names: Vec<&str> = sections.iter().map(|(name, _)| name.as_str()).collect();
    let default_profile = reading.text(&top, "default_profile");
    if let Some(default) = &default_profile
        && !names.contains(&default.text.as_str())
    {
        reading.refuse(default.line, unknown("profile", &default.text, names.iter().copied()));
    }
    let mut profiles = BTreeMap::new();
    for (name, section) in &sections {
        if let Some(profile) = profile(&mut reading, name, section, folder) {
            profiles.insert(name.clone(), profile);
        }
    }
    let settings = Settings {
        file: file.to_owned(),
        default_profile: default_profile.map(|name| name.text),
        profiles,
        look: look(&mut reading, &top),
        keys: overrides(&mut reading, &top, "keys"),
        flags: overrides(&mut reading, &top, "flags"),
    };
    reading.done(file, Some(settings))
}

/// How the review is shown.
fn look<'t>(reading: &mut Reading<'t>, top: &Section<'t>) -> LookSettings {
    let usual = LookSettings::default();
    let mut flag = |key| if top.table.contains_key(key) { reading.flag(top, key) } else { None };
    let (ascii, mouse) = (flag("ascii"), flag("mouse"));
    let mut theme = usual.theme;
    if let Some(named) = reading.text(top, "theme") {
        match THEMES.iter().find(|(name, _)| *name == named.text) {
            Some((_, found)) => theme = *found,
            None => reading.refuse(named.line, unknown("theme", &named.text, THEMES.iter().map(|(name, _)| *name))),
        }
    }
    LookSettings { theme, ascii, mouse: mouse.unwrap_or(usual.mouse) }
}

/// The profile, or none when something in it was refused.
fn profile<'t>(reading: &mut Reading<'t>, name: &str, section: &Section<'t>, folder: &Path) -> Option<Profile> {
    reading.only(section, &PROFILE_KEYS);
    let mapping = file_at(reading, section, "mapping", folder);
    let case_type = or(reading, section, "case_type", CASE_TYPE);
    let label = reading.text(section, "label").map(|label| label.text).unwrap_or_default();
    let chunk_size = reading.number(section, "chunk_size", 1..=CHUNK_SIZE, CHUNK_SIZE);
    let form_xmlns = or(reading, section, "form_xmlns", FORM_XMLNS);
    let stamp_property = stamp(reading, section);
    let submit_user_id = optional(reading, section, "submit_user_id");
    let stale_after_days = reading.number(section, "stale_after_days", 0..=3650, STALE_AFTER_DAYS);
    let notify = notify(reading, section, folder);
    let dhis2 = side(reading, section, "dhis2").and_then(|side| dhis2(reading, &side, folder));
    let commcare = side(reading, section, "commcare").and_then(|side| commcare(reading, &side, folder));
    Some(Profile {
        name: name.to_owned(),
        mapping,
        case_type: case_type?,
        label,
        chunk_size: usize::try_from(chunk_size?).ok()?,
        form_xmlns: form_xmlns?,
        stamp_property,
        submit_user_id,
        stale_after_days: stale_after_days?,
        notify: notify?,
        dhis2: dhis2?,
        commcare: commcare?,
    })
}

/// The table of one server, which must be there.
fn side<'t>(reading: &mut Reading<'t>, section: &Section<'t>, key: &str) -> Option<Section<'t>> {
    if !section.table.contains_key(key) {
        let title = section.title.trim_matches(['[', ']']);
        reading.refuse(section.line, format!("The table [{title}.{key}] is missing."));
    }
    reading.table(section, key)
}

fn dhis2<'t>(reading: &mut Reading<'t>, section: &Section<'t>, folder: &Path) -> Option<Dhis2> {
    reading.only(section, &DHIS2_KEYS);
    let allow_http = reading.flag(section, "allow_http");
    let url = address(reading, section, allow_http == Some(true));
    let api_root = reading.flag(section, "api_root");
    let username = optional(reading, section, "username");
    let ca_file = file_at(reading, section, "ca_file", folder);
    Some(Dhis2 { url: url?, api_root: api_root?, username, allow_http: allow_http?, ca_file })
}

fn commcare<'t>(reading: &mut Reading<'t>, section: &Section<'t>, folder: &Path) -> Option<CommCare> {
    reading.only(section, &COMMCARE_KEYS);
    let allow_http = reading.flag(section, "allow_http");
    let url = address(reading, section, allow_http == Some(true));
    let project = reading.needed(section, "project").and_then(|project| {
        // It becomes a part of the path of every request.
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = project.text.chars().all(fits) && !project.text.starts_with('.');
        if !is_name {
            reading.refuse(
                project.line,
                format!(
                    "project \"{}\" is not the name of a project space. It is the part after /a/ in CommCare's \
                     addresses, such as onse-iss.",
                    project.text.escape_debug()
                ),
            );
        }
        is_name.then_some(project.text)
    });
    let username = reading.needed(section, "username").and_then(|name| plain(reading, "username", name));
    let ca_file = file_at(reading, section, "ca_file", folder);
    Some(CommCare { url: url?, project: project?, username: username?, allow_http: allow_http?, ca_file })
}

/// A text that must not be empty; `default` when the key is not there.
fn or<'t>(reading: &mut Reading<'t>, section: &Section<'t>, key: &str, default: &str) -> Option<String> {
    if !section.table.contains_key(key) {
        return Some(default.to_owned());
    }
    let text = reading.needed(section, key)?;
    plain(reading, key, text)
}

/// A text that may be left out or empty, which both mean none.
fn optional<'t>(reading: &mut Reading<'t>, section: &Section<'t>, key: &str) -> Option<String> {
    let text = reading.text(section, key).filter(|text| !text.text.is_empty())?;
    plain(reading, key, text)
}

/// Refuses what would break a header, an address or a form: spaces around it and control characters, and a colon in a
/// user name, after which a server reads the password.
fn plain(reading: &mut Reading<'_>, key: &str, text: Text) -> Option<String> {
    let fault = if text.text.trim() != text.text {
        "has spaces around it"
    } else if text.text.chars().any(char::is_control) {
        "holds a control character"
    } else if key == "username" && text.text.contains(':') {
        "holds a colon, after which a server reads the password"
    } else {
        return Some(text.text);
    };
    reading.refuse(text.line, format!("{key} {fault}."));
    None
}

fn stamp<'t>(reading: &mut Reading<'t>, section: &Section<'t>) -> Option<String> {
    let property = reading.text(section, "stamp_property").filter(|property| !property.text.is_empty())?;
    if let Some(fault) = property_fault(&property.text) {
        let name = property.text.escape_debug();
        reading
            .refuse(property.line, format!("stamp_property \"{name}\" cannot be a case property: the name {fault}."));
        return None;
    }
    Some(property.text)
}

/// A path, taken from the folder of the settings when it is relative.
fn file_at<'t>(reading: &mut Reading<'t>, section: &Section<'t>, key: &str, folder: &Path) -> Option<PathBuf> {
    if !section.table.contains_key(key) {
        return None;
    }
    reading.needed(section, key).map(|path| folder.join(path.text))
}

/// The program that is told of every run, with its arguments: each a text of its own, since no shell takes them apart. A program
/// with a folder before its name is taken from the folder of the settings when it is relative; any other is looked for in PATH.
fn notify<'t>(reading: &mut Reading<'t>, section: &Section<'t>, folder: &Path) -> Option<Vec<String>> {
    let texts = reading.texts(section, "notify", "[\"mail\", \"-s\", \"onse\", \"me@example.org\"]")?;
    if let Some(text) = texts.iter().find(|text| text.text.contains('\0')) {
        reading.refuse(text.line, "notify holds a control character.");
        return None;
    }
    if let Some(program) = texts.first().filter(|program| program.text.trim().is_empty()) {
        reading.refuse(program.line, "notify begins with an empty text; the program stands first.");
        return None;
    }
    let mut words: Vec<String> = texts.into_iter().map(|text| text.text).collect();
    if let Some(program) = words.first_mut().filter(|program| Path::new(program).components().count() > 1) {
        *program = folder.join(&*program).to_string_lossy().into_owned();
    }
    Some(words)
}

/// The address of a server. The message never repeats one that may carry a password.
fn address<'t>(reading: &mut Reading<'t>, section: &Section<'t>, allow_http: bool) -> Option<Url> {
    let given = reading.needed(section, "url")?;
    let fault = match Url::parse(given.text.trim()) {
        Err(_) if given.text.contains(['@', '?']) => "url is not a web address.".to_owned(),
        Err(error) => format!("url \"{}\" is not a web address: {error}.", given.text.escape_debug()),
        Ok(url) => match address_fault(&url, allow_http) {
            None => return Some(url),
            Some(fault) => fault.to_owned(),
        },
    };
    reading.refuse(given.line, fault);
    None
}

/// The address of a server as a person types it, with `https://` before it where no scheme is named. Fails with what is wrong, as
/// in the settings; whether `http://` is allowed is not judged.
pub fn typed_address(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    match Url::parse(&whole) {
        Err(_) if text.contains(['@', '?']) => Err("This is not a web address.".to_owned()),
        Err(error) => Err(format!("\"{}\" is not a web address: {error}.", text.escape_debug())),
        Ok(url) => address_fault(&url, true).map_or(Ok(url), |fault| Err(fault.to_owned())),
    }
}

fn address_fault(url: &Url, allow_http: bool) -> Option<&'static str> {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Some("url must start with https://.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some(
            "url carries a user name or a password. Write the name as username, and the password into the \
             environment or secrets.toml.",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some("url must end before any \"?\" or \"#\".");
    }
    if url.scheme() == "http" && !loopback && !allow_http {
        return Some(
            "url starts with http://, so the password would cross the network readable. Use https://, or set \
             allow_http = true beside it if that is meant.",
        );
    }
    None
}

/// The entries of a table whose names are judged elsewhere.
fn overrides<'t>(reading: &mut Reading<'t>, top: &Section<'t>, key: &str) -> BTreeMap<String, Override> {
    let Some(section) = reading.table(top, key) else {
        return BTreeMap::new();
    };
    let mut found = BTreeMap::new();
    for (name, value) in section.table {
        let line = reading.line(name);
        let items = value.get_ref().as_array().into_iter().flat_map(|list| list.iter());
        let items = items.map(|item| reading.line(item)).collect();
        match toml::Value::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(value) => {
                found.insert(name.get_ref().clone().into_owned(), Override { line, items, value });
            }
            Err(error) => reading.refuse(line, format!("{}: {}.", name.get_ref().escape_debug(), error.message())),
        }
    }
    found
}
