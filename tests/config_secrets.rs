//! Secrets: where they are looked for, what is refused, and that none is ever printed (fault matrix sections F and X).
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]
#![cfg(unix)]

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use onse::io::config::{CommCareSecret, Dhis2Secret, Found, Places, Settings, SettingsError, find_secrets, load};
use onse::io::keyring::Asker;

const SETTINGS: &str = r#"
[profiles.malawi.dhis2]
url = "https://dhis2.example.org"
username = "importer"
[profiles.malawi.commcare]
url = "https://www.commcarehq.org"
project = "onse-iss"
username = "me@example.org"
"#;

/// A folder with settings and a file of secrets.
struct Given {
    folder: tempfile::TempDir,
    settings: Settings,
}

impl Given {
    fn new(settings: &str, secrets: Option<&str>, mode: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = load(&folder.path().join("config.toml"), settings).unwrap();
        if let Some(text) = secrets {
            let path = folder.path().join("secrets.toml");
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        Self { folder, settings }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("secrets.toml")
    }

    fn find(&self, env: &[(&str, &str)]) -> Result<Found, SettingsError> {
        let config = self.folder.path().join("config.toml");
        let places = Places::find(Some(&config), |_| Some(OsString::from("/data"))).unwrap();
        let lookup = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        looked(find_secrets(&places, &self.settings, self.settings.profile(None).unwrap(), lookup, &off()))
    }

    fn refused(&self, env: &[(&str, &str)]) -> String {
        let error = self.find(env).unwrap_err();
        assert!(!format!("{error:?}").contains("MARKED"), "{error:?}");
        error.to_string()
    }
}

/// No keyring: it has tests of its own.
fn off() -> Asker {
    Asker::new(None, Arc::new(|_| Box::pin(std::future::pending())))
}

/// Nothing is waited for without one.
fn looked(found: impl Future<Output = Result<Found, SettingsError>>) -> Result<Found, SettingsError> {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(found)
}

fn in_file(secrets: &str) -> Given {
    Given::new(SETTINGS, Some(secrets), 0o600)
}

/// How DHIS2 is signed in to, and the key for CommCare, as they were found.
fn shown(found: Found) -> (String, String) {
    let secrets = found.complete().unwrap();
    let dhis2 = match &secrets.dhis2 {
        Dhis2Secret::Password(secret) => format!("password {}", secret.expose()),
        Dhis2Secret::Token(secret) => format!("token {}", secret.expose()),
    };
    let commcare = match &secrets.commcare {
        CommCareSecret::ApiKey(secret) => secret.expose().to_owned(),
        CommCareSecret::Password(secret) => format!("password {}", secret.expose()),
    };
    (dhis2, commcare)
}

#[test]
fn the_environment_comes_before_the_file_for_each_secret() {
    let given = in_file("[malawi]\ndhis2_password = \"p\"\ncommcare_api_key = \"k\"\n");
    let pair = |dhis2: &str, key: &str| (dhis2.to_owned(), key.to_owned());
    assert_eq!(shown(given.find(&[]).unwrap()), pair("password p", "k"));
    assert_eq!(shown(given.find(&[("ONSE_DHIS2_PASSWORD", "e")]).unwrap()), pair("password e", "k"));
    assert_eq!(shown(given.find(&[("ONSE_DHIS2_TOKEN", "t")]).unwrap()), pair("token t", "k"));
    assert_eq!(shown(given.find(&[("ONSE_COMMCARE_API_KEY", "e")]).unwrap()), pair("password p", "e"));
    assert_eq!(shown(given.find(&[("ONSE_COMMCARE_API_KEY", "")]).unwrap()), pair("password p", "k"));
    assert_eq!(shown(given.find(&[("ONSE_COMMCARE_PASSWORD", "e")]).unwrap()), pair("password p", "password e"));
    let basic = in_file("[malawi]\ndhis2_password = \"p\"\ncommcare_password = \"w\"\n");
    assert_eq!(shown(basic.find(&[]).unwrap()), pair("password p", "password w"));
    assert_eq!(shown(basic.find(&[("ONSE_COMMCARE_API_KEY", "e")]).unwrap()), pair("password p", "e"));
    let token = in_file("[malawi]\ndhis2_token = \"t\"\ncommcare_api_key = \"k\"\n");
    assert_eq!(shown(token.find(&[]).unwrap()), pair("token t", "k"));
}

#[test]
fn a_file_others_can_read_is_refused_with_its_mode_and_the_command() {
    for mode in [0o644, 0o640, 0o604, 0o620, 0o601] {
        let given = Given::new(SETTINGS, Some("[malawi]\ndhis2_password = \"MARKED\"\n"), mode);
        let path = given.file().display().to_string();
        assert_eq!(
            given.refused(&[]),
            format!("{path}: Others can get at it: its mode is {mode:04o}, 0600 is needed. Run: chmod 600 '{path}'")
        );
    }
    for mode in [0o600, 0o400] {
        assert!(Given::new(SETTINGS, Some(""), mode).find(&[]).is_ok());
    }
}

#[test]
fn a_folder_in_place_of_the_file_is_refused() {
    let given = Given::new(SETTINGS, None, 0);
    std::fs::create_dir(given.file()).unwrap();
    assert_eq!(given.refused(&[]), format!("{}: It is not a file.", given.file().display()));
}

#[test]
fn the_file_is_not_touched_when_the_environment_has_everything() {
    let given = Given::new(SETTINGS, Some("not even toml"), 0o644);
    let found = given.find(&[("ONSE_DHIS2_PASSWORD", "p"), ("ONSE_COMMCARE_API_KEY", "k")]).unwrap();
    assert_eq!(shown(found), ("password p".to_owned(), "k".to_owned()));
}

#[test]
fn what_is_missing_is_named_with_both_ways_to_give_it() {
    let given = Given::new(SETTINGS, None, 0);
    let path = given.file().display().to_string();
    let missing = given.find(&[]).unwrap().complete().unwrap_err();
    assert_eq!((missing.dhis2, missing.commcare), (true, true));
    assert_eq!(
        missing.to_string(),
        format!(
            "The DHIS2 password of profile malawi is missing. Set the environment variable ONSE_DHIS2_PASSWORD, or \
             write dhis2_password = \"...\" under [malawi] in {path} (mode 0600).\n\
             The CommCare API key of profile malawi is missing. Set the environment variable ONSE_COMMCARE_API_KEY, \
             or write commcare_api_key = \"...\" under [malawi] in {path} (mode 0600)."
        )
    );
    let one = given.find(&[("ONSE_DHIS2_PASSWORD", "p")]).unwrap().complete().unwrap_err();
    assert!(one.to_string().starts_with("The CommCare API key"), "{one}");
    let no_user = Given::new(&SETTINGS.replace("username = \"importer\"\n", ""), None, 0);
    let token = no_user.find(&[("ONSE_COMMCARE_API_KEY", "k")]).unwrap().complete().unwrap_err();
    assert!(token.to_string().starts_with("The DHIS2 token of profile malawi is missing."), "{token}");
    assert!(token.to_string().contains("ONSE_DHIS2_TOKEN"), "{token}");
}

#[test]
fn a_person_may_be_asked_for_what_is_missing() {
    let mut found = Given::new(SETTINGS, None, 0).find(&[("ONSE_DHIS2_PASSWORD", "p")]).unwrap();
    assert!(found.commcare.is_none());
    found.commcare = Some(CommCareSecret::ApiKey(onse::io::http::Secret::new("typed".to_owned())));
    assert_eq!(shown(found), ("password p".to_owned(), "typed".to_owned()));
}

#[test]
fn a_password_needs_a_user_and_excludes_a_token() {
    let no_user = Given::new(&SETTINGS.replace("username = \"importer\"\n", ""), None, 0);
    let text = no_user.refused(&[("ONSE_DHIS2_PASSWORD", "MARKED")]);
    assert!(
        text.contains("config.toml: There is a DHIS2 password but no user. Add username to [profiles.malawi.dhis2]"),
        "{text}"
    );
    assert!(no_user.find(&[("ONSE_DHIS2_TOKEN", "t")]).is_ok());
    let both = [("ONSE_DHIS2_PASSWORD", "MARKED"), ("ONSE_DHIS2_TOKEN", "MARKED")];
    assert_eq!(no_user.refused(&both), "Both ONSE_DHIS2_PASSWORD and ONSE_DHIS2_TOKEN are set. Remove one of them.");
    let text = in_file("\n[malawi]\ndhis2_password = \"MARKED\"\ndhis2_token = \"MARKED\"\n").refused(&[]);
    assert!(text.contains("secrets.toml:2: Both dhis2_password and dhis2_token are set."), "{text}");
    let text = in_file("[malawi]\ncommcare_password = \"MARKED\"\ncommcare_api_key = \"MARKED\"\n").refused(&[]);
    assert!(text.contains("secrets.toml:1: Both commcare_password and commcare_api_key are set."), "{text}");
}

#[test]
fn mistakes_in_the_file_have_their_line_and_never_the_secret() {
    for (text, said) in [
        ("[malavi]\ncommcare_api_key = \"MARKED\"", ":1: There is no profile \"malavi\". Perhaps \"malawi\" is meant."),
        (
            "[malawi]\ncommcare_apikey = \"MARKED\"",
            ":2: There is no key \"commcare_apikey\". Perhaps commcare_api_key is meant.",
        ),
        (
            "[malawi]\nMARKED = 1",
            ":2: This key is not known. Known: dhis2_password, dhis2_token, commcare_api_key, commcare_password.",
        ),
        ("[MARKED]\n", ":1: This table is named after no profile."),
        ("[malawi]\ncommcare_api_key = MARKED", ":2: This is not valid TOML"),
        ("[malawi]\nMARKED", ":2: This is not valid TOML"),
        ("[malawi]\ncommcare_api_key = \"MARKED", ":2: This is not valid TOML"),
        ("[malawi]\nMARKED = 1\nMARKED = 2", ":3: This is not valid TOML: duplicate key"),
        (
            "[malawi]\ncommcare_api_key = [\"MARKED\"]",
            ":2: commcare_api_key must be text in quotes; this is of type array.",
        ),
        ("[malawi]\ncommcare_api_key = \"\"", ":2: commcare_api_key is empty."),
        ("[malawi]\ncommcare_api_key = \"MARKED\\n\"", ":2: commcare_api_key holds a line end"),
        ("commcare_api_key = \"MARKED\"", ":1: commcare_api_key must be a table"),
    ] {
        let shown = in_file(text).refused(&[]);
        assert!(shown.contains(&format!("secrets.toml{said}")), "{shown}");
        assert!(!shown.contains("MARKED"), "{shown}");
    }
    let env = in_file("").refused(&[("ONSE_COMMCARE_API_KEY", "MARKED\n")]);
    assert_eq!(env, "The environment variable ONSE_COMMCARE_API_KEY holds a line end or another control character.");
}

#[test]
fn what_was_found_does_not_print_its_secrets() {
    let given = in_file("[malawi]\ndhis2_password = \"MARKED\"\ncommcare_api_key = \"MARKED\"\n");
    let found = given.find(&[]).unwrap();
    assert!(format!("{found:?}").contains("***"));
    assert!(!format!("{found:#?}").contains("MARKED"));
    assert!(!format!("{:?}", found.complete().unwrap()).contains("MARKED"));
}

#[test]
fn a_variable_that_is_not_text_is_refused_by_name() {
    use std::os::unix::ffi::OsStringExt;

    let given = Given::new(SETTINGS, None, 0);
    let places = Places::find(Some(Path::new("/a/config.toml")), |_| None::<OsString>).unwrap();
    let profile = given.settings.profile(None).unwrap();
    let lookup = |name: &str| (name == "ONSE_DHIS2_TOKEN").then(|| OsString::from_vec(b"MARKED\xff".to_vec()));
    let error = looked(find_secrets(&places, &given.settings, profile, lookup, &off())).unwrap_err();
    assert_eq!(error.to_string(), "The environment variable ONSE_DHIS2_TOKEN is not valid text.");
}
