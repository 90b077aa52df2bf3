//! What was answered, and the text it becomes in `config.toml` and `secrets.toml`. Nothing is asked or written here.

use std::path::{Path, PathBuf};

use toml::Value;
use url::Url;

use crate::io::{
    config::{CommCareSecret, Dhis2Secret, Profile, SettingsError, key_text, load},
    http::Secret,
};

/// One server.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    pub(super) url: Option<Url>,
    pub(super) allow_http: bool,
    pub(super) ca_file: Option<PathBuf>,
    /// Whether it is kept although nothing answered, so that it is not asked further.
    pub(super) unchecked: bool,
}

/// Which mapping is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Map {
    /// The one of the program, or a `case_property_map.csv` in the current folder.
    #[default]
    BuiltIn,
    /// A file that is there.
    File(PathBuf),
    /// A new file with the built-in one in it.
    Copy(PathBuf),
}

/// Where secrets are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    Keyring,
    File,
    #[default]
    Nowhere,
}

/// Everything that was answered so far.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) dhis2: Server,
    pub(super) api_root: bool,
    pub(super) dhis2_user: Option<String>,
    pub(super) dhis2_secret: Option<Secret>,
    pub(super) hq: Server,
    pub(super) project: String,
    pub(super) hq_user: String,
    pub(super) hq_key: Option<Secret>,
    pub(super) case_type: String,
    pub(super) mapping: Map,
    pub(super) place: Place,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            name: "main".to_owned(),
            label: String::new(),
            dhis2: Server::default(),
            api_root: false,
            dhis2_user: None,
            dhis2_secret: None,
            hq: Server { url: Url::parse("https://www.commcarehq.org").ok(), ..Server::default() },
            project: String::new(),
            hq_user: String::new(),
            hq_key: None,
            case_type: "facility_supervision".to_owned(),
            mapping: Map::default(),
            place: Place::default(),
        }
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl Answers {
    /// The tables of the profile.
    pub(super) fn tables(&self) -> String {
        let mut text = String::new();
        let mut put = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        let name = key_text(&self.name);
        put(format!("[profiles.{name}]"));
        if !self.label.is_empty() {
            put(format!("label = {}", quoted(&self.label)));
        }
        put(format!("case_type = {}", quoted(&self.case_type)));
        if let Map::File(path) | Map::Copy(path) = &self.mapping {
            put(format!("mapping = {}", quoted(&path.display().to_string())));
        }
        put(format!("\n[profiles.{name}.dhis2]"));
        let server = |server: &Server, put: &mut dyn FnMut(String)| {
            put(format!("url = {}", quoted(server.url.as_ref().map_or("", Url::as_str))));
            if server.allow_http {
                put("allow_http = true".to_owned());
            }
            if let Some(path) = &server.ca_file {
                put(format!("ca_file = {}", quoted(&path.display().to_string())));
            }
        };
        server(&self.dhis2, &mut put);
        if self.api_root {
            put("api_root = true".to_owned());
        }
        if let Some(user) = &self.dhis2_user {
            put(format!("username = {}", quoted(user)));
        }
        put(format!("\n[profiles.{name}.commcare]"));
        server(&self.hq, &mut put);
        put(format!("project = {}", quoted(&self.project)));
        put(format!("username = {}", quoted(&self.hq_user)));
        text
    }

    /// The profile, read as every command reads it.
    pub(super) fn profile(&self) -> Result<Profile, SettingsError> {
        load(Path::new("config.toml"), &self.tables())?.profile(Some(&self.name)).cloned()
    }

    /// The same before everything was answered, with made-up answers in place of those that are missing.
    pub(super) fn so_far(&self) -> Result<Profile, SettingsError> {
        self.filled().profile()
    }

    fn filled(&self) -> Self {
        let mut whole = self.clone();
        for server in [&mut whole.dhis2, &mut whole.hq] {
            server.url = server.url.take().or_else(|| Url::parse("https://server.invalid").ok());
        }
        for text in [&mut whole.project, &mut whole.hq_user] {
            if text.is_empty() {
                "x".clone_into(text);
            }
        }
        whole
    }

    /// What is wrong with what was answered so far; what was not asked yet is taken for right.
    pub(super) fn fault(&self) -> Option<String> {
        let mut whole = self.filled();
        // Asked for by itself.
        (whole.dhis2.allow_http, whole.hq.allow_http) = (true, true);
        let error = whole.profile().err()?;
        Some(error.wrong.into_iter().map(|wrong| wrong.what).collect::<Vec<_>>().join(" "))
    }

    /// How DHIS2 is signed in to with what was typed.
    pub(super) fn dhis2_secret(&self) -> Option<Dhis2Secret> {
        let of = if self.dhis2_user.is_some() { Dhis2Secret::Password } else { Dhis2Secret::Token };
        self.dhis2_secret.clone().map(of)
    }

    /// How HQ is signed in to with what was typed.
    pub(super) fn hq_secret(&self) -> Option<CommCareSecret> {
        self.hq_key.clone().map(CommCareSecret::ApiKey)
    }

    /// The table for `secrets.toml`, with the secrets or with `***` in their place; `None` where there are none.
    pub(super) fn secrets(&self, shown: bool) -> Option<String> {
        let key = if self.dhis2_user.is_some() { "dhis2_password" } else { "dhis2_token" };
        let both = [(key, &self.dhis2_secret), ("commcare_api_key", &self.hq_key)];
        let lines: Vec<String> = both
            .into_iter()
            .filter_map(|(key, secret)| Some((key, secret.as_ref()?)))
            .map(|(key, secret)| {
                format!("{key} = {}\n", if shown { quoted(secret.expose()) } else { "***".to_owned() })
            })
            .collect();
        (!lines.is_empty()).then(|| format!("[{}]\n{}", key_text(&self.name), lines.concat()))
    }
}

/// A file with something added at its end; every byte that stood there stays.
pub(super) fn added(before: Option<&str>, text: &str) -> String {
    match before {
        None | Some("") => text.to_owned(),
        Some(before) => {
            let end = if before.ends_with('\n') { "" } else { "\n" };
            format!("{before}{end}\n{text}")
        }
    }
}

/// The settings with the profile in them. Where there was one profile and nothing said which is the usual one, a first line says
/// it, so that commands without `--profile` go on meaning it.
pub(super) fn config(before: Option<&str>, only: Option<&str>, answers: &Answers) -> String {
    let usual = |name: &str| format!("default_profile = {}\n", quoted(name));
    let Some(text) = before else { return added(Some(&usual(&answers.name)), &answers.tables()) };
    let Some(only) = only else { return added(Some(text), &answers.tables()) };
    // A mark of the byte order stays where it must be.
    let (mark, rest) = text.strip_prefix('\u{feff}').map_or(("", text), |rest| ("\u{feff}", rest));
    added(Some(&format!("{mark}{}{rest}", usual(only))), &answers.tables())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Answers {
        let mut answers =
            Answers { name: name.to_owned(), project: "p".into(), hq_user: "u".into(), ..Answers::default() };
        answers.dhis2.url = Url::parse("https://h.org/").ok();
        answers
    }

    #[test]
    fn every_byte_that_stood_there_stays() {
        let answers = of("new");
        assert_eq!(added(Some("a = 1 # b"), "c"), "a = 1 # b\n\nc");
        assert_eq!(added(Some(""), "c"), "c");
        let before = "# mine\r\n[keys]\r\n";
        assert_eq!(config(Some(before), None, &answers), format!("{before}\n{}", answers.tables()));
        let with = config(Some("\u{feff}# mine\n"), Some("old"), &answers);
        assert!(with.starts_with("\u{feff}default_profile = \"old\"\n# mine\n\n[profiles.new]\n"), "{with}");
    }

    #[test]
    fn odd_texts_are_written_so_that_they_read_back() {
        let mut answers = of("p");
        answers.label = "a \"b\" \\ 'c' #".into();
        answers.mapping = Map::File("C:\\maps\\own.csv".into());
        answers.dhis2_secret = Some(Secret::new("q\"\\'\u{e9} #"));
        let profile = answers.profile().unwrap();
        assert_eq!(profile.label, answers.label);
        let table: toml::Table = answers.secrets(true).unwrap().parse().unwrap();
        assert_eq!(table["p"]["dhis2_token"].as_str(), Some("q\"\\'\u{e9} #"));
    }
}
