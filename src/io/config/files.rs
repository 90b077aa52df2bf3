//! Reading the settings file and the mapping file that are to be used.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Places, Profile, Settings, SettingsError, load};
use crate::domain::mapping::{LIMIT, Mapping};

/// The name under which a mapping in the current folder is found.
const MAPPING_NAME: &str = "case_property_map.csv";

/// The settings, or none when nobody named a file and there is none in the usual place.
pub fn open(places: &Places) -> Result<Option<Settings>, SettingsError> {
    let path = &places.config;
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !places.config_named => return Ok(None),
        Err(error) => {
            let init = if error.kind() == std::io::ErrorKind::NotFound { " onse init writes one." } else { "" };
            return Err(SettingsError::of_file(path, format!("It cannot be read: {}.{init}", why(&error))));
        }
    };
    load(path, &read_open(path, file)?).map(Some)
}

/// A mapping with where it came from.
#[derive(Clone, Debug)]
pub struct UsedMapping {
    /// What to show: the path, or `built-in`.
    pub label: String,
    /// The file; none for the built-in one.
    pub file: Option<PathBuf>,
    /// Its rows and problems. It has rows, though not all need be usable.
    pub mapping: Mapping,
}

impl UsedMapping {
    /// The file it is written to: its own; for the built-in one a new file in `folder`, by the name that is looked for there.
    pub fn target(&self, folder: &Path) -> PathBuf {
        self.file.clone().unwrap_or_else(|| folder.join(MAPPING_NAME))
    }

    /// What stands in the file; `None` for the built-in one.
    pub fn before(&self) -> Option<&[u8]> {
        self.file.as_ref().map(|_| self.mapping.bytes())
    }
}

/// The mapping to use: `flag` (`--mapping`), else the profile's, else `case_property_map.csv` in `folder`, else the
/// built-in one. A file that was named must be there, and any file that is there must read as a mapping.
pub fn mapping(flag: Option<&Path>, profile: Option<&Profile>, folder: &Path) -> Result<UsedMapping, SettingsError> {
    let named = flag.map(Path::to_owned).or_else(|| profile.and_then(|profile| profile.mapping.clone()));
    if let Some(path) = named {
        let said_by = match (flag, profile) {
            (None, Some(profile)) => format!("mapping of profile {}", profile.name),
            _ => "--mapping".to_owned(),
        };
        let refuse = |error| {
            let what = format!("The mapping file cannot be read: {}. It is named by {said_by}.", why(&error));
            SettingsError::of_file(&path, what)
        };
        return File::open(&path).map_err(refuse).and_then(|file| from_file(&path, file));
    }
    let here = folder.join(MAPPING_NAME);
    match File::open(&here) {
        Ok(file) => from_file(&here, file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(UsedMapping { label: "built-in".to_owned(), file: None, mapping: Mapping::built_in() })
        }
        Err(error) => {
            let what = format!("The mapping file cannot be read: {}. Name another with --mapping.", why(&error));
            Err(SettingsError::of_file(&here, what))
        }
    }
}

fn from_file(path: &Path, file: File) -> Result<UsedMapping, SettingsError> {
    let mapping = Mapping::read(&bytes(path, file, LIMIT)?);
    if let Some(problem) = mapping.unreadable() {
        return Err(SettingsError::at(path, Some(problem.line), problem.what.clone()));
    }
    Ok(UsedMapping { label: path.display().to_string(), file: Some(path.to_owned()), mapping })
}

/// The whole text of a settings file.
pub(super) fn read_open(path: &Path, file: File) -> Result<String, SettingsError> {
    const MEBIBYTE: usize = 1024 * 1024;
    let bytes = bytes(path, file, MEBIBYTE)?;
    if bytes.len() > MEBIBYTE {
        return Err(SettingsError::of_file(path, "It is larger than 1 MiB, so it is no settings file."));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').map(|_| 1).sum();
        SettingsError::at(path, Some(line), "The file must be UTF-8, and this line is not. Save it as UTF-8.")
    })
}

/// Everything up to one byte more than `limit`, so that a file that is too large is seen as such and not read whole.
fn bytes(path: &Path, file: File, limit: usize) -> Result<Vec<u8>, SettingsError> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| SettingsError::of_file(path, format!("It cannot be read: {}.", why(&error))))?;
    Ok(bytes)
}

/// The reason of a file error in plain words where it has common ones.
pub(super) fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this account may not read it".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}
