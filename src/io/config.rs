//! Settings: profiles, where files live, secrets, and which mapping is used.
//!
//! Everything is given in: the text of the file, the environment, the folder. A name that is not known, a wrong type or
//! a bad value is refused with its line; nothing falls back to a default in silence. Overrides of keys and of flag
//! thresholds are kept with their lines for those who know the valid names. Nothing is written here.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::domain::nearest::nearest;

mod files;
mod flags;
mod keep;
mod keys;
mod places;
mod profile;
mod renew;
mod secrets;
mod table;

pub use files::{UsedMapping, mapping, open};
pub use flags::{FlagSettings, flags};
pub use keep::{NotKept, keep, keep_here, no_link, repository};
pub use keys::{KeySetting, keys};
pub use places::{Places, wanted};
pub use profile::typed_address;
pub use renew::{SecretKey, renewed, secrets_in, usable};
pub use secrets::{
    CommCareSecret, Dhis2Secret, Found, Missing, Place, Secrets, find_secrets, secrets_fit, secrets_given, secrets_text,
};
pub use table::key_text;

/// Settings or mapping that cannot be used: the class of errors with exit code 2. Nothing was read from a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    /// The file at fault; none when it is a flag or the environment.
    pub file: Option<PathBuf>,
    /// Everything that is wrong with it, in the order of the lines; at least one.
    pub wrong: Vec<Wrong>,
}

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line of the file, from 1; none when it is about the file as a whole.
    pub line: Option<u64>,
    /// What is wrong and what to do. Never holds a secret.
    pub what: String,
}

impl SettingsError {
    fn of_file(file: &Path, what: impl Into<String>) -> Self {
        Self::at(file, None, what)
    }

    fn at(file: &Path, line: Option<u64>, what: impl Into<String>) -> Self {
        let wrong = vec![Wrong { line, what: what.into() }];
        Self { file: Some(file.to_owned()), wrong }
    }

    pub(super) fn general(what: impl Into<String>) -> Self {
        Self { file: None, wrong: vec![Wrong { line: None, what: what.into() }] }
    }
}

impl fmt::Display for SettingsError {
    /// One line for each thing: `file:line: sentence`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, wrong) in self.wrong.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            if let Some(file) = &self.file {
                write!(f, "{}:", file.display())?;
                if let Some(line) = wrong.line {
                    write!(f, "{line}:")?;
                }
                write!(f, " ")?;
            }
            write!(f, "{}", wrong.what)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// What `config.toml` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The file they came from.
    pub file: PathBuf,
    /// The profile that is used when none is asked for; it exists.
    pub default_profile: Option<String>,
    /// The profiles by name.
    pub profiles: BTreeMap<String, Profile>,
    /// How the review is shown.
    pub look: LookSettings,
    /// `[keys]`: overrides of the key table, not yet looked at, see [`keys()`].
    pub keys: BTreeMap<String, Override>,
    /// `[flags]`: overrides of flag thresholds and more relations, not yet looked at, see [`flags()`].
    pub flags: BTreeMap<String, Override>,
}

/// What the settings say of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookSettings {
    /// `theme`: which styles.
    pub theme: Theme,
    /// `ascii`: whether only ASCII is drawn; none leaves it to the locale.
    pub ascii: Option<bool>,
    /// `mouse`: whether clicks and the wheel are taken; yes unless it is turned off.
    pub mouse: bool,
}

impl Default for LookSettings {
    fn default() -> Self {
        Self { theme: Theme::Default, ascii: None, mouse: true }
    }
}

/// The themes that can be chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// A few colours of the terminal.
    #[default]
    Default,
    /// The same, stronger.
    Contrast,
    /// No colour.
    Mono,
}

/// A setting whose name and value are judged elsewhere, by whoever knows the valid ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// The line it stands on, for the message.
    pub line: u64,
    /// The line of each item, where the value is a list.
    pub items: Vec<u64>,
    /// The value as written.
    pub value: toml::Value,
}

/// One pair of servers with all that belongs to a review between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name in the file.
    pub name: String,
    /// The mapping file, absolute or relative to the current folder; none when the profile names none.
    pub mapping: Option<PathBuf>,
    /// The type of the cases that stand for facilities.
    pub case_type: String,
    /// A word shown wherever something can be written, such as `PRODUCTION`; may be empty.
    pub label: String,
    /// Case blocks in one form, 1 to 1000.
    pub chunk_size: usize,
    /// The namespace of the forms that are sent.
    pub form_xmlns: String,
    /// A property set to the date of submission on every submitted case.
    pub stamp_property: Option<String>,
    /// The CommCare user id written into the forms.
    pub submit_user_id: Option<String>,
    /// Days after which a review is read again before it can be submitted.
    pub stale_after_days: u32,
    /// The program that is told of every run, and its arguments; empty for none.
    pub notify: Vec<String>,
    /// Where the totals come from.
    pub dhis2: Dhis2,
    /// Where the cases are.
    pub commcare: CommCare,
}

/// The DHIS2 side of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dhis2 {
    /// The address; carries no credentials, query or fragment.
    pub url: Url,
    /// Whether the address is the API root already, so that no `/api` is put after it.
    pub api_root: bool,
    /// The user a password belongs to; none with a token.
    pub username: Option<String>,
    /// Whether `http://` was allowed for a host other than this machine.
    pub allow_http: bool,
    /// A private certificate authority to trust as well (PEM).
    pub ca_file: Option<PathBuf>,
}

/// The CommCare side of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommCare {
    /// The address; carries no credentials, query or fragment.
    pub url: Url,
    /// The project space.
    pub project: String,
    /// The web user the API key belongs to.
    pub username: String,
    /// Whether `http://` was allowed for a host other than this machine.
    pub allow_http: bool,
    /// A private certificate authority to trust as well (PEM).
    pub ca_file: Option<PathBuf>,
}

/// Reads settings from `text`, the content of the file at `path`. All that is wrong is reported at once.
pub fn load(path: &Path, text: &str) -> Result<Settings, SettingsError> {
    profile::settings(path, text)
}

impl Settings {
    /// The profile `asked` for, else the default one, else the only one.
    pub fn profile(&self, asked: Option<&str>) -> Result<&Profile, SettingsError> {
        let names = || self.profiles.keys().map(String::as_str);
        let refuse = |what| Err(SettingsError::of_file(&self.file, what));
        let listed = names().collect::<Vec<_>>().join(", ");
        let Some(name) = asked.or(self.default_profile.as_deref()) else {
            return match self.profiles.values().collect::<Vec<_>>()[..] {
                [only] => Ok(only),
                [] => refuse(
                    "There is no profile. onse init asks for one and adds it; \"onse sandbox\" prints one to try."
                        .to_owned(),
                ),
                _ => refuse(format!("Which profile? Add --profile NAME or set default_profile. There are: {listed}.")),
            };
        };
        if let Some(profile) = self.profiles.get(name) {
            return Ok(profile);
        }
        refuse(unknown("profile", name, names()))
    }
}

/// The sentence for a name that is not known.
fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let mut what = format!("There is no {kind} \"{}\".", name.escape_debug());
    if let Some(close) = nearest(name, known.clone()) {
        what.push_str(" Perhaps \"");
        what.push_str(close);
        what.push_str("\" is meant.");
    }
    let known = known.collect::<Vec<_>>().join(", ");
    what.push_str(" Known: ");
    what.push_str(if known.is_empty() { "none" } else { &known });
    what.push('.');
    what
}
