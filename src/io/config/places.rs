//! Where files live, from the flags, the environment and the habits of the platform.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::SettingsError;

/// Where files live. None of them need exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The settings file.
    pub config: PathBuf,
    /// Whether someone named the settings file, so that it is an error when it does not exist.
    pub config_named: bool,
    /// The file of secrets, beside the settings.
    pub secrets: PathBuf,
    /// The folder of review files and logs.
    pub data: PathBuf,
}

impl Places {
    /// `config` is the file given with `--config`; it wins over `ONSE_CONFIG`. `ONSE_DATA_DIR` moves the data.
    /// An empty variable counts as not set.
    pub fn find(config: Option<&Path>, env: impl Fn(&str) -> Option<OsString>) -> Result<Self, SettingsError> {
        Self::beside(ProjectDirs::from("", "", "onse").as_ref(), config, env)
    }

    /// The same, with the folders of the account; none where it has no home.
    fn beside(
        platform: Option<&ProjectDirs>,
        config: Option<&Path>,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        let path = |name| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let named = config.map(Path::to_owned).or_else(|| path("ONSE_CONFIG"));
        let config_named = named.is_some();
        let config = named
            .or_else(|| platform.map(|dirs| dirs.config_dir().join("config.toml")))
            .ok_or_else(|| no_home("settings", "--config or ONSE_CONFIG"))?;
        let data = path("ONSE_DATA_DIR")
            .or_else(|| platform.map(|dirs| dirs.data_dir().to_owned()))
            .ok_or_else(|| no_home("review files", "ONSE_DATA_DIR"))?;
        Ok(Self { secrets: config.with_file_name("secrets.toml"), config, config_named, data })
    }
}

fn no_home(what: &str, with: &str) -> SettingsError {
    SettingsError::general(format!("This account has no home folder to keep {what} in. Name a place with {with}."))
}

/// What was asked for with a flag, else with the environment variable `name`. An empty variable counts as not set.
pub fn wanted(
    flag: Option<&str>,
    name: &str,
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<String>, SettingsError> {
    if let Some(flag) = flag {
        return Ok(Some(flag.to_owned()));
    }
    let Some(value) = env(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let refuse = |_| SettingsError::general(format!("The environment variable {name} is not valid text."));
    value.into_string().map(Some).map_err(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f03_without_a_home_it_is_said_how_another_place_is_named() {
        let none = |_: &str| None;
        let said = Places::beside(None, None, none).unwrap_err().to_string();
        assert!(
            said.contains("no home folder to keep settings in") && said.contains("--config or ONSE_CONFIG"),
            "{said}"
        );
        let named = Some(Path::new("/a/config.toml"));
        let said = Places::beside(None, named, none).unwrap_err().to_string();
        assert!(said.contains("no home folder to keep review files in") && said.contains("ONSE_DATA_DIR"), "{said}");
        let data = |name: &str| (name == "ONSE_DATA_DIR").then(|| "/b".into());
        let places = Places::beside(None, named, data).unwrap();
        assert_eq!((places.secrets, places.data), (PathBuf::from("/a/secrets.toml"), PathBuf::from("/b")));
    }
}
