//! New secrets in a file of secrets that is there: only the values that change, every other byte kept.

use std::ops::Range;
use std::path::Path;

use toml::Value;

use super::secrets::{API_KEY, COMMCARE_PASSWORD, PASSWORD, TOKEN, in_text, no_user};
use super::table::{key_text, parse};
use super::{CommCareSecret, Dhis2Secret, Profile, Settings, SettingsError};
use crate::io::http::Secret;

/// What a secret is to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKey {
    /// The password of the profile's DHIS2 user.
    Dhis2Password,
    /// A DHIS2 personal access token.
    Dhis2Token,
    /// The `CommCare` user's API key.
    CommCareApiKey,
    /// The `CommCare` user's password.
    CommCarePassword,
}

impl SecretKey {
    /// Its name in a file of secrets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dhis2Password => PASSWORD,
            Self::Dhis2Token => TOKEN,
            Self::CommCareApiKey => API_KEY,
            Self::CommCarePassword => COMMCARE_PASSWORD,
        }
    }

    /// Of a secret for DHIS2.
    pub fn dhis2(secret: &Dhis2Secret) -> Self {
        match secret {
            Dhis2Secret::Password(_) => Self::Dhis2Password,
            Dhis2Secret::Token(_) => Self::Dhis2Token,
        }
    }

    /// Of a secret for `CommCare`.
    pub fn commcare(secret: &CommCareSecret) -> Self {
        match secret {
            CommCareSecret::ApiKey(_) => Self::CommCareApiKey,
            CommCareSecret::Password(_) => Self::CommCarePassword,
        }
    }
}

/// Which secrets of a profile a file of secrets with this text has: for DHIS2, for `CommCare`. Fails as every command would.
pub fn secrets_in(
    path: &Path,
    text: &str,
    settings: &Settings,
    profile: &str,
) -> Result<(Option<SecretKey>, Option<SecretKey>), SettingsError> {
    let (dhis2, commcare) = in_text(path, text, settings, profile)?;
    Ok((dhis2.as_ref().map(SecretKey::dhis2), commcare.as_ref().map(SecretKey::commcare)))
}

/// Fails, in the words of every command, where the secret that is there for DHIS2 is a password and the profile has no user for it.
pub fn usable(key: SecretKey, settings: &Settings, profile: &Profile) -> Result<(), SettingsError> {
    if key == SecretKey::Dhis2Password && profile.dhis2.username.is_none() {
        return Err(no_user(settings, profile));
    }
    Ok(())
}

/// The text of a file of secrets with these secrets of a profile in it, in the place of older ones or beside what its table has.
/// Every other byte stays. Fails, without a secret in its words, where the text would not be read as meant.
pub fn renewed(
    path: &Path,
    text: &str,
    settings: &Settings,
    profile: &str,
    secrets: &[(SecretKey, Secret)],
) -> Result<String, SettingsError> {
    let table = parse(path, text)?;
    let line = |(key, secret): &(SecretKey, Secret)| format!("{} = {}\n", key.name(), quoted(secret));
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    match table.get_key_value(profile) {
        None => {
            let gap = match text {
                "" => "",
                text if text.ends_with('\n') => "\n",
                _ => "\n\n",
            };
            let lines: String = secrets.iter().map(line).collect();
            edits.push((text.len()..text.len(), format!("{gap}[{}]\n{lines}", key_text(profile))));
        }
        Some((name, found)) => {
            let rest = text.get(name.span().end..).unwrap_or_default();
            let under = rest.find('\n').map_or(text.len(), |end| name.span().end + end + 1);
            let gap = if text.get(..under).is_some_and(|above| above.ends_with('\n')) { "" } else { "\n" };
            for one in secrets {
                let held = found.get_ref().as_table().and_then(|table| table.get(one.0.name()));
                edits.push(match held {
                    Some(value) => (value.span(), quoted(&one.1)),
                    None => (under..under, format!("{gap}{}", line(one))),
                });
            }
        }
    }
    // From the end on, so that what stands before keeps its place.
    edits.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
    let mut after = text.to_owned();
    for (at, new) in edits {
        after.replace_range(at, &new);
    }
    let now = in_text(path, &after, settings, profile)?;
    if secrets.iter().all(|(key, secret)| holds(&now, *key, secret)) {
        return Ok(after);
    }
    let by_hand = format!(
        "The secrets of {profile} cannot be put into it as it stands. Write them under [{}] by hand.",
        key_text(profile)
    );
    Err(SettingsError::of_file(path, by_hand))
}

fn quoted(secret: &Secret) -> String {
    Value::from(secret.expose()).to_string()
}

fn holds((dhis2, commcare): &(Option<Dhis2Secret>, Option<CommCareSecret>), key: SecretKey, secret: &Secret) -> bool {
    let ((SecretKey::Dhis2Password, Some(Dhis2Secret::Password(found)), _)
    | (SecretKey::Dhis2Token, Some(Dhis2Secret::Token(found)), _)
    | (SecretKey::CommCareApiKey, _, Some(CommCareSecret::ApiKey(found)))
    | (SecretKey::CommCarePassword, _, Some(CommCareSecret::Password(found)))) = (key, dhis2, commcare)
    else {
        return false;
    };
    found.expose() == secret.expose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::config::load;

    const NEW: &str = "n\"e\\w' #\u{e9}";

    fn settings() -> Settings {
        let one = |name: &str| {
            format!(
                "[profiles.{name}.dhis2]\nurl = 'https://d.example.org'\nusername = 'i'\n[profiles.{name}.commcare]\n\
                 url = 'https://h.example.org'\nproject = 'p'\nusername = 'u'\n"
            )
        };
        load(Path::new("config.toml"), &format!("{}{}", one("old"), one("main"))).unwrap()
    }

    fn put(text: &str, keys: &[SecretKey]) -> Result<String, SettingsError> {
        let secrets: Vec<_> = keys.iter().map(|key| (*key, Secret::new(NEW))).collect();
        renewed(Path::new("secrets.toml"), text, &settings(), "main", &secrets)
    }

    #[test]
    fn only_the_value_that_changes_is_another() {
        use SecretKey::{CommCareApiKey, CommCarePassword, Dhis2Password};
        let new = quoted(&Secret::new(NEW));
        let text = |password: &str, key: &str| {
            format!(
                "\u{feff}# mine\r\n[main] # here\r\n  dhis2_password={password}   # since May\r\ncommcare_api_key = {key}\r\n\r\n[old]\r\n\
                 dhis2_password = 'x'"
            )
        };
        let before = text("'old \u{e9}'", "\"\"\"k\"\"\"");
        assert_eq!(put(&before, &[Dhis2Password]).unwrap(), text(&new, "\"\"\"k\"\"\""));
        assert_eq!(put(&before, &[CommCareApiKey, Dhis2Password]).unwrap(), text(&new, &new));
        // One that is not there yet goes into the table, which may be the last line, or there is none.
        assert_eq!(put("[main]", &[Dhis2Password]).unwrap(), format!("[main]\ndhis2_password = {new}\n"));
        let table = format!("[main]\ndhis2_password = {new}\n");
        assert_eq!(put("", &[Dhis2Password]).unwrap(), table);
        assert_eq!(put("# a", &[Dhis2Password]).unwrap(), format!("# a\n\n{table}"));
        let beside = put("[main]\ncommcare_api_key = 'k'\n", &[Dhis2Password]).unwrap();
        assert_eq!(beside, format!("[main]\ndhis2_password = {new}\ncommcare_api_key = 'k'\n"));
        // Two ways to sign in at once are refused by whoever reads it, and so is what cannot be read as meant.
        for (text, key) in [
            ("[main]\ncommcare_api_key = 'k'\n", CommCarePassword),
            ("main = { commcare_api_key = 'k' }\n", Dhis2Password),
            ("main.commcare_api_key = 'k'\n", Dhis2Password),
            ("[gone]\n", Dhis2Password),
        ] {
            let error = put(text, &[key]).unwrap_err();
            assert!(!error.to_string().contains("n\"e"), "{text}: {error}");
        }
        // A name that is no bare key.
        let odd = "it's \"my\" site\\\n";
        let quoted_odd = r#""it's \"my\" site\\\u000A""#;
        let odd_settings = format!(
            "[profiles.{quoted_odd}.dhis2]\nurl = 'https://d.org'\nusername = 'i'\n[profiles.{quoted_odd}.commcare]\n\
             url = 'https://h.org'\nproject = 'p'\nusername = 'u'\n"
        );
        let odd_settings = load(Path::new("c"), &odd_settings).unwrap();
        let secrets = [(Dhis2Password, Secret::new(NEW))];
        let named = renewed(Path::new("s"), "", &odd_settings, odd, &secrets).unwrap();
        assert_eq!(named, format!("[{quoted_odd}]\ndhis2_password = {new}\n"));
        // A table in one line has its value replaced like any other.
        let inline = put("main = { commcare_api_key = 'k' }\n", &[CommCareApiKey]).unwrap();
        assert_eq!(inline, format!("main = {{ commcare_api_key = {new} }}\n"));
    }

    #[test]
    fn which_secrets_there_are_is_told_by_their_names() {
        let found = |text: &str| secrets_in(Path::new("s"), text, &settings(), "main").unwrap();
        assert_eq!(found("[old]\ndhis2_token = 'x'\n"), (None, None));
        let both = found("[main]\ndhis2_token = 'x'\ncommcare_password = 'y'\n");
        assert_eq!(both, (Some(SecretKey::Dhis2Token), Some(SecretKey::CommCarePassword)));
    }
}
