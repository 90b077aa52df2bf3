//! The mapping file for a review that is open: read as it is at that moment, and written where a person chose ids on screen.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, anyhow};

use super::here::Here;
use crate::{
    domain::mapping::Mapping,
    io::config::{Profile, UsedMapping},
    job::session::MappingNow,
    tui::{explorer::Mapped, perform::MappingFile},
};

/// Reads the mapping to use.
pub(super) type Read = Arc<dyn Fn() -> Result<UsedMapping> + Send + Sync>;

/// That of a profile, by the rules every command goes by.
pub(super) fn of(here: &Here, profile: &Profile) -> Read {
    let (here, profile) = (here.clone(), profile.clone());
    Arc::new(move || here.mapping_file(Some(&profile)))
}

/// That of the demo: what `--mapping` names, else the built-in one, whatever stands in the current folder.
pub(super) fn of_demo(here: &Here) -> Read {
    let here = here.clone();
    Arc::new(move || match &here.global.mapping {
        Some(_) => here.mapping_file(None),
        None => Ok(UsedMapping { label: "built-in".to_owned(), file: None, mapping: Mapping::built_in() }),
    })
}

/// The same for the check before something is sent.
pub(super) fn now(read: &Read) -> MappingNow {
    let read = Arc::clone(read);
    Arc::new(move || Ok(Arc::new(read()?.mapping)))
}

/// The same for the screen, which writes it too.
pub(super) fn file(here: &Here, read: &Read) -> MappingFile {
    // Where the file is that was read last.
    let last: Arc<Mutex<Option<UsedMapping>>> = Arc::default();
    let (read, here, kept) = (Arc::clone(read), here.clone(), Arc::clone(&last));
    let read = move || {
        let used = read()?;
        let mapped = Mapped {
            label: used.label.clone(),
            fixed: used.file.is_none().then(|| FIXED.to_owned()),
            mapping: Arc::new(used.mapping.clone()),
        };
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(used);
        Ok(mapped)
    };
    let write = move |before: &Mapping, after: &[u8]| {
        let used = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let used = used.filter(|used| used.file.is_some()).ok_or_else(|| anyhow!(FIXED))?;
        let saved = here.save_mapping(&UsedMapping { mapping: before.clone(), ..used }, after)?;
        let copy = saved.copy.map(|copy| format!("; the file before is {}", copy.display())).unwrap_or_default();
        Ok(format!("written: {}{copy}", saved.file.display()))
    };
    MappingFile { read: Arc::new(read), write: Arc::new(write) }
}

/// Why the built-in mapping cannot be written.
const FIXED: &str = "it comes with the program; name a file of your own with --mapping";
