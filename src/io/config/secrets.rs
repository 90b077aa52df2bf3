//! Secrets: from the environment, else from the keyring, else from `secrets.toml` beside the settings. Asking a person is up to
//! the caller.
//!
//! No message of this module holds a secret or a part of one.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::files::{read_open, why};
use super::table::{Reading, Section, key_text, parse};
use super::{Places, Profile, Settings, SettingsError, wanted};
use crate::domain::nearest::nearest;
use crate::io::http::Secret;
use crate::io::keyring::{Asker, Entry, Unusable};

pub(super) const PASSWORD: &str = "dhis2_password";
pub(super) const TOKEN: &str = "dhis2_token";
pub(super) const API_KEY: &str = "commcare_api_key";
pub(super) const COMMCARE_PASSWORD: &str = "commcare_password";
const KEYS: [&str; 4] = [PASSWORD, TOKEN, API_KEY, COMMCARE_PASSWORD];

/// How the DHIS2 side is signed in to.
#[derive(Clone, Debug)]
pub enum Dhis2Secret {
    /// The password of the profile's user.
    Password(Secret),
    /// A personal access token, which stands for its user.
    Token(Secret),
}

/// How the CommCare side is signed in to, as the profile's user.
#[derive(Clone, Debug)]
pub enum CommCareSecret {
    /// The user's API key.
    ApiKey(Secret),
    /// The user's password, sent as Basic. HQ refuses it where the user has two-factor sign-in.
    Password(Secret),
}

/// All a review needs.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// For DHIS2.
    pub dhis2: Dhis2Secret,
    /// For CommCare.
    pub commcare: CommCareSecret,
}

/// Where a secret came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The environment.
    Environment,
    /// The keyring of the system.
    Keyring,
    /// `secrets.toml`.
    File,
}

/// What was found. A caller may ask a person for the rest and fill it in.
#[derive(Clone, Debug)]
pub struct Found {
    /// For DHIS2.
    pub dhis2: Option<Dhis2Secret>,
    /// For CommCare.
    pub commcare: Option<CommCareSecret>,
    /// Where the secret for DHIS2 came from; none where there is none.
    pub dhis2_from: Option<Place>,
    /// Where the secret for CommCare came from; none where there is none.
    pub commcare_from: Option<Place>,
    /// Why the keyring was of no use, where it was asked.
    pub no_keyring: Option<Unusable>,
    profile: String,
    file: PathBuf,
    has_user: bool,
}

/// What is still missing. Its text names each thing and the two ways to give it; exit code 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Whether the DHIS2 password or token is missing.
    pub dhis2: bool,
    /// Whether the CommCare API key or password is missing.
    pub commcare: bool,
    profile: String,
    file: PathBuf,
    has_user: bool,
    /// Why the keyring was passed over, unless that is how it was wanted.
    no_keyring: Option<Unusable>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, variable, key) = if self.has_user {
            ("DHIS2 password", "ONSE_DHIS2_PASSWORD", PASSWORD)
        } else {
            ("DHIS2 token", "ONSE_DHIS2_TOKEN", TOKEN)
        };
        let both = if self.dhis2 && self.commcare { "\n" } else { "" };
        if self.dhis2 {
            self.one(f, what, variable, key)?;
        }
        write!(f, "{both}")?;
        if self.commcare {
            self.one(f, "CommCare API key", "ONSE_COMMCARE_API_KEY", API_KEY)?;
        }
        if let Some(why) = &self.no_keyring {
            write!(f, " The keyring was passed over: {why}.")?;
        }
        Ok(())
    }
}

impl Missing {
    fn one(&self, f: &mut fmt::Formatter<'_>, what: &str, variable: &str, key: &str) -> fmt::Result {
        write!(
            f,
            "The {what} of profile {} is missing. Set the environment variable {variable}, or write {key} = \"...\" \
             under [{}] in {} (mode 0600).",
            self.profile,
            key_text(&self.profile),
            self.file.display()
        )
    }
}

impl std::error::Error for Missing {}

impl Found {
    /// The secrets, when nothing is missing.
    pub fn complete(self) -> Result<Secrets, Missing> {
        match (self.dhis2, self.commcare) {
            (Some(dhis2), Some(commcare)) => Ok(Secrets { dhis2, commcare }),
            (dhis2, commcare) => Err(Missing {
                dhis2: dhis2.is_none(),
                commcare: commcare.is_none(),
                profile: self.profile,
                file: self.file,
                has_user: self.has_user,
                no_keyring: self.no_keyring.filter(|why| !why.off),
            }),
        }
    }
}

/// Looks for the secrets of `profile`. What the environment gives is not looked for in the keyring, and what either gives not in
/// the file; a file that others can read is refused (fault matrix row F05). A keyring that cannot be used stops nothing.
pub async fn find_secrets(
    places: &Places,
    settings: &Settings,
    profile: &Profile,
    env: impl Fn(&str) -> Option<OsString>,
    keyring: &Asker,
) -> Result<Found, SettingsError> {
    let mut found = given(places, profile, env)?;
    found.ask(profile, keyring).await?;
    if found.dhis2.is_none() || found.commcare.is_none() {
        let (dhis2, commcare) = in_file(&places.secrets, settings, &profile.name)?;
        found.take(dhis2, commcare, Place::File);
    }
    if matches!(found.dhis2, Some(Dhis2Secret::Password(_))) && profile.dhis2.username.is_none() {
        return Err(no_user(settings, profile));
    }
    Ok(found)
}

/// A DHIS2 password is of no use without its user.
pub(super) fn no_user(settings: &Settings, profile: &Profile) -> SettingsError {
    let what = format!(
        "There is a DHIS2 password but no user. Add username to [profiles.{}.dhis2], or give a token instead.",
        key_text(&profile.name)
    );
    SettingsError::of_file(&settings.file, what)
}

/// What the environment gives.
pub fn secrets_given(
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<(Option<Dhis2Secret>, Option<CommCareSecret>), SettingsError> {
    let variable = |name: &str| -> Result<Option<Secret>, SettingsError> {
        let Some(value) = wanted(None, name, &env)? else {
            return Ok(None);
        };
        match secret_fault(&value) {
            None => Ok(Some(Secret::new(value))),
            Some(fault) => Err(SettingsError::general(format!("The environment variable {name} {fault}."))),
        }
    };
    let given = |name| Ok((name, variable(name)?));
    let dhis2 = dhis2(given("ONSE_DHIS2_PASSWORD")?, given("ONSE_DHIS2_TOKEN")?);
    let commcare = commcare(given("ONSE_COMMCARE_PASSWORD")?, given("ONSE_COMMCARE_API_KEY")?);
    Ok((dhis2.map_err(SettingsError::general)?, commcare.map_err(SettingsError::general)?))
}

/// The same for this profile.
fn given(places: &Places, profile: &Profile, env: impl Fn(&str) -> Option<OsString>) -> Result<Found, SettingsError> {
    let (dhis2, commcare) = secrets_given(env)?;
    let mut found = Found {
        dhis2: None,
        commcare: None,
        dhis2_from: None,
        commcare_from: None,
        no_keyring: None,
        profile: profile.name.clone(),
        file: places.secrets.clone(),
        has_user: profile.dhis2.username.is_some(),
    };
    found.take(dhis2, commcare, Place::Environment);
    Ok(found)
}

impl Found {
    /// Fills in what is not there yet.
    fn take(&mut self, dhis2: Option<Dhis2Secret>, commcare: Option<CommCareSecret>, from: Place) {
        if let (None, Some(secret)) = (&self.dhis2, dhis2) {
            (self.dhis2, self.dhis2_from) = (Some(secret), Some(from));
        }
        if let (None, Some(secret)) = (&self.commcare, commcare) {
            (self.commcare, self.commcare_from) = (Some(secret), Some(from));
        }
    }

    /// Asks the keyring for what is missing, if anything is.
    async fn ask(&mut self, profile: &Profile, keyring: &Asker) -> Result<(), SettingsError> {
        let entries = [
            self.dhis2.is_none().then(|| Entry::dhis2(profile)),
            self.commcare.is_none().then(|| Entry::commcare(profile)),
        ];
        let asked: Vec<Entry> = entries.iter().flatten().cloned().collect();
        if asked.is_empty() {
            return Ok(());
        }
        let held = match keyring.get(asked).await {
            Ok(held) => held,
            Err(unusable) => {
                self.no_keyring = Some(unusable);
                return Ok(());
            }
        };
        let mut held = held.into_iter();
        let no_keyring = &mut self.no_keyring;
        let mut next = |entry: &Option<Entry>| -> Result<Option<Secret>, SettingsError> {
            let Some((entry, held)) = entry.as_ref().and_then(|entry| Some((entry, held.next()?))) else {
                return Ok(None);
            };
            let secret = match held {
                Ok(Some(secret)) => secret,
                Ok(None) => return Ok(None),
                Err(why) => {
                    no_keyring.get_or_insert(why);
                    return Ok(None);
                }
            };
            let fault = if secret.expose().is_empty() { Some("is empty") } else { secret_fault(secret.expose()) };
            match fault {
                None => Ok(Some(secret)),
                Some(fault) => Err(SettingsError::general(format!(
                    "The keyring entry \"{}\" {fault}.",
                    entry.user().escape_debug()
                ))),
            }
        };
        let [dhis2, commcare] = &entries;
        let of = if self.has_user { Dhis2Secret::Password } else { Dhis2Secret::Token };
        let (dhis2, commcare) = (next(dhis2)?.map(of), next(commcare)?.map(CommCareSecret::ApiKey));
        self.take(dhis2, commcare, Place::Keyring);
        Ok(())
    }
}

/// The text of a file of secrets that only its owner can read; `None` where there is none. Fails where others can read it.
pub fn secrets_text(path: &Path) -> Result<Option<String>, SettingsError> {
    let Some(file) = opened(path)? else { return Ok(None) };
    read_open(path, file).map(Some)
}

/// The file, where there is one and it is private.
fn opened(path: &Path) -> Result<Option<File>, SettingsError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let what = format!("It cannot be read: {}. It must be yours and have mode 0600.", why(&error));
            return Err(SettingsError::of_file(path, what));
        }
    };
    private(path, &file)?;
    Ok(Some(file))
}

pub(super) type Pair = (Option<Dhis2Secret>, Option<CommCareSecret>);

fn in_file(path: &Path, settings: &Settings, profile: &str) -> Result<Pair, SettingsError> {
    let Some(file) = opened(path)? else { return Ok((None, None)) };
    in_text(path, &read_open(path, file)?, settings, profile)
}

/// Whether a file of secrets with this text would be taken with these settings. Fails as every command with them would.
pub fn secrets_fit(path: &Path, text: &str, settings: &Settings) -> Result<(), SettingsError> {
    in_text(path, text, settings, "").map(drop)
}

pub(super) fn in_text(path: &Path, text: &str, settings: &Settings, profile: &str) -> Result<Pair, SettingsError> {
    let table = parse(path, text)?;
    let top = Section { title: String::new(), line: 1, table: &table };
    let mut reading = Reading::new(text);
    let mut found = (None, None);
    for (name, section) in reading.tables(&top) {
        let pair = one(&mut reading, &section);
        if name == profile {
            found = pair;
        } else if !settings.profiles.contains_key(&name) {
            let mut what = "This table is named after no profile.".to_owned();
            if let Some(close) = nearest(&name, settings.profiles.keys().map(String::as_str)) {
                what = format!("There is no profile \"{}\". Perhaps \"{close}\" is meant.", name.escape_debug());
            }
            reading.refuse(section.line, what);
        }
    }
    reading.done(path, Some(found))
}

/// The secrets of one profile. A key that is far from all known ones may be a secret in the wrong place: it is not shown.
fn one<'t>(reading: &mut Reading<'t>, section: &Section<'t>) -> Pair {
    for key in section.table.keys().filter(|key| !KEYS.contains(&key.get_ref().as_ref())) {
        let what = match nearest(key.get_ref(), KEYS) {
            Some(close) => format!("There is no key \"{}\". Perhaps {close} is meant.", key.get_ref().escape_debug()),
            None => format!("This key is not known. Known: {}.", KEYS.join(", ")),
        };
        reading.refuse(reading.line(key), what);
    }
    let mut secret = |key| {
        let text = reading.text(section, key)?;
        let fault = if text.text.is_empty() { Some("is empty") } else { secret_fault(&text.text) };
        match fault {
            None => Some(Secret::new(text.text)),
            Some(fault) => {
                reading.refuse(text.line, format!("{key} {fault}."));
                None
            }
        }
    };
    let mut given = |key| (key, secret(key));
    let dhis2 = dhis2(given(PASSWORD), given(TOKEN));
    let commcare = commcare(given(COMMCARE_PASSWORD), given(API_KEY));
    let dhis2 = dhis2.unwrap_or_else(|what| refused(reading, section, what));
    (dhis2, commcare.unwrap_or_else(|what| refused(reading, section, what)))
}

fn refused<T>(reading: &mut Reading<'_>, section: &Section<'_>, what: String) -> Option<T> {
    reading.refuse(section.line, what);
    None
}

/// A secret with the name it was given under.
type Given = (&'static str, Option<Secret>);

fn dhis2(password: Given, token: Given) -> Result<Option<Dhis2Secret>, String> {
    one_of(password, token, Dhis2Secret::Password, Dhis2Secret::Token)
}

fn commcare(password: Given, api_key: Given) -> Result<Option<CommCareSecret>, String> {
    one_of(password, api_key, CommCareSecret::Password, CommCareSecret::ApiKey)
}

/// One of two, not both: which of them signs in must not be a matter of luck.
fn one_of<T>(a: Given, b: Given, as_a: fn(Secret) -> T, as_b: fn(Secret) -> T) -> Result<Option<T>, String> {
    match (a, b) {
        ((a, Some(_)), (b, Some(_))) => Err(format!("Both {a} and {b} are set. Remove one of them.")),
        ((_, Some(secret)), _) => Ok(Some(as_a(secret))),
        (_, (_, secret)) => Ok(secret.map(as_b)),
    }
}

/// A line end pasted along would break the header it is sent in.
pub(in crate::io) fn secret_fault(text: &str) -> Option<&'static str> {
    text.chars().any(char::is_control).then_some("holds a line end or another control character")
}

/// Refuses a file of secrets that anyone but its owner may touch.
#[cfg(unix)]
fn private(path: &Path, file: &File) -> Result<(), SettingsError> {
    use std::os::unix::fs::PermissionsExt;

    let refuse = |what| Err(SettingsError::of_file(path, what));
    let mode = match file.metadata() {
        Ok(about) if !about.is_file() => return refuse("It is not a file.".to_owned()),
        Ok(about) => about.permissions().mode() & 0o7777,
        Err(error) => return refuse(format!("Its mode cannot be read: {}.", why(&error))),
    };
    if mode & 0o777 == mode & 0o700 {
        return Ok(());
    }
    let quoted = path.display().to_string().replace('\'', r"'\''");
    refuse(format!("Others can get at it: its mode is {mode:04o}, 0600 is needed. Run: chmod 600 '{quoted}'"))
}

/// Elsewhere a file in the own settings folder is the owner's alone.
#[cfg(not(unix))]
fn private(_path: &Path, _file: &File) -> Result<(), SettingsError> {
    Ok(())
}
