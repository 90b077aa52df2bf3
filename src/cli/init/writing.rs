//! What the set-up writes, and where: settings, a copy of the mapping, secrets. Read before the first question, written after the
//! last one, and checked as every command reads it before anything is.

use std::{
    ffi::OsStr,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::answers::{Answers, Map, Place, added, config};
use crate::{
    cli::{
        check::{self, told},
        exit,
        here::Here,
    },
    domain::mapping::Mapping,
    io::{
        config::{
            self, NotKept, Places, Profile, Settings, UsedMapping, keep, keep_here, load, no_link, secrets_fit,
            secrets_text,
        },
        http::Secret,
        keyring::{Asker, Entry, Unusable},
    },
    job::check::Line,
};

/// The files as they are before.
pub(super) struct Files {
    pub(super) places: Places,
    /// What stands in the settings; none where there are none.
    pub(super) config: Option<String>,
    /// How many profiles there are.
    pub(super) profiles: usize,
    /// The only profile there is, where nothing says which is the usual one.
    only: Option<String>,
    /// The same for the secrets, or why that file cannot be used.
    pub(super) secrets: Result<Option<String>, String>,
    /// Why nothing can be added to the secrets: commands would refuse them then.
    closed: Option<String>,
    /// The settings files beside these that the secrets are for as well.
    others: Vec<(PathBuf, Settings)>,
}

/// What came of writing.
pub(super) enum Kept {
    /// All is written: what and where.
    Done(Vec<String>),
    /// Nothing is, because the keyring did not take the secrets.
    NoKeyring(Unusable),
}

impl Files {
    pub(super) fn read(places: &Places, settings: Option<&Settings>) -> Result<Self> {
        let config = match fs::read_to_string(&places.config) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", places.config.display())),
        };
        let names: Vec<&String> = settings.iter().flat_map(|settings| settings.profiles.keys()).collect();
        let none = settings.is_some_and(|settings| settings.default_profile.is_none());
        let only = match names[..] {
            [only] if none => Some(only.clone()),
            _ => None,
        };
        let secrets = secrets_text(&places.secrets).map_err(|error| error.to_string());
        let closed = closed(places, settings, secrets.as_ref().ok().and_then(Option::as_deref));
        Ok(Self {
            places: places.clone(),
            config,
            profiles: names.len(),
            only,
            secrets,
            closed,
            others: others(places),
        })
    }

    /// The names of the tables of secrets, or why nothing can be added to them.
    pub(super) fn secret_tables(&self) -> Result<Vec<String>, String> {
        let Some(text) = self.secrets.as_ref().map_err(Clone::clone)? else { return Ok(Vec::new()) };
        let file = self.places.secrets.display();
        // The words of the parser would quote the file.
        let table: toml::Table = text.parse().map_err(|_| format!("{file}: This is not valid TOML."))?;
        Ok(table.keys().cloned().collect())
    }

    /// Why no new table is to be added to the file of secrets; none where one may be.
    pub(super) fn closed(&self) -> Option<String> {
        self.unfit().or_else(|| self.refusing(self.others.first(), "of the new name"))
    }

    /// The same for secrets of a profile that is there. A table that is there makes no other settings file refuse it anew.
    pub(super) fn closed_for(&self, profile: &str) -> Option<String> {
        let table = self.secret_tables().is_ok_and(|tables| tables.iter().any(|name| name == profile));
        let without = |other: &&(PathBuf, Settings)| !table && !other.1.profiles.contains_key(profile);
        self.unfit().or_else(|| self.refusing(self.others.iter().find(without), profile))
    }

    /// Why the file itself cannot be used.
    fn unfit(&self) -> Option<String> {
        self.secret_tables().err().or_else(|| self.closed.clone())
    }

    fn refusing(&self, other: Option<&(PathBuf, Settings)>, name: &str) -> Option<String> {
        let (file, secrets) = (other?.0.display(), self.places.secrets.display());
        Some(format!("{secrets} is for {file} as well, which has no profile {name} and would refuse it."))
    }

    /// The settings as they will be. Fails where they would not be read as meant.
    fn settings(&self, answers: &Answers) -> Result<String> {
        let text = config(self.config.as_deref(), self.only.as_deref(), answers);
        let by_hand = || {
            let path = self.places.config.display();
            exit::told(
                exit::Exit::Usage,
                format!(
                    "this cannot be added to {path} as it stands; nothing was written. Add it by hand:\n\n{}",
                    answers.tables()
                ),
            )
        };
        let read = load(&self.places.config, &text).with_context(by_hand)?;
        let meant = answers.profile()?;
        if read.profile(Some(&answers.name)).ok() == Some(&meant) { Ok(text) } else { Err(by_hand().into()) }
    }

    /// What will be written, as text.
    pub(super) fn preview(&self, answers: &Answers) -> Result<String> {
        let whole = self.settings(answers)?;
        let (path, secrets) = (self.places.config.display(), self.places.secrets.display());
        let settings = if self.config.is_some() {
            let first = self.only.as_ref().map(|only| {
                format!(
                    "As its first line, so that {only} stays the usual profile:\n\ndefault_profile = \"{only}\"\n\n"
                )
            });
            let first = first.unwrap_or_default();
            format!("\n{path} stays as it is, and gets more.\n{first}At its end:\n\n{}", answers.tables())
        } else {
            format!("\nThis will be written to {path}:\n\n{whole}")
        };
        let copy = match &answers.mapping {
            Map::Copy(file) => format!("\nTo {}: a copy of the built-in mapping.\n", file.display()),
            _ => String::new(),
        };
        let kept = answers.secrets(false).map(|table| match answers.place {
            Place::File => format!("\nTo {secrets}, which only you can read:\n\n{table}"),
            Place::Keyring => "\nTo the keyring of this system: the secrets you typed.\n".to_owned(),
            Place::Nowhere => "\nThe secrets are kept nowhere.\n".to_owned(),
        });
        Ok(settings + &copy + &kept.unwrap_or_default())
    }

    /// Writes it all: the keyring first, because it is the one that may still say no, and settings before the secrets that belong to
    /// them. What was written before something failed is taken back or said.
    pub(super) async fn keep(&self, answers: &Answers, keyring: &Asker) -> Result<Kept> {
        let (settings, profile) = (self.settings(answers)?, answers.profile()?);
        let entries = entries(answers, &profile);
        let before = match answers.place {
            Place::Keyring => match keyring.set(entries).await {
                Ok(before) => before,
                Err(why) => return Ok(Kept::NoKeyring(why)),
            },
            Place::File | Place::Nowhere => Vec::new(),
        };
        let made = self.files(answers, &settings);
        if let Err(error) = made {
            if before.is_empty() {
                return Err(error);
            }
            return Err(match keyring.restore(before).await {
                Ok(()) => error,
                Err(left) => error.context(exit::told(
                    exit::Exit::Partly,
                    format!("no file was written, but the keyring may hold what was typed: {left}"),
                )),
            });
        }
        made.map(Kept::Done)
    }

    /// What stands in the file of secrets now, and what will. Fails where commands would refuse it.
    fn with_secrets(&self, settings: &str, table: &str) -> Result<(Option<&str>, String)> {
        let Places { config, secrets, .. } = &self.places;
        let before = self.secrets.as_ref().ok().and_then(Option::as_deref);
        let all = added(before, table);
        no_link(secrets).context("nothing was written")?;
        secrets_fit(secrets, &all, &load(config, settings)?).context("nothing was written")?;
        Ok((before, all))
    }

    fn files(&self, answers: &Answers, settings: &str) -> Result<Vec<String>> {
        let mut done = Vec::new();
        let Places { config, secrets, .. } = &self.places;
        let kept = match (answers.secrets(true), answers.place) {
            (Some(table), Place::File) => Some(self.with_secrets(settings, &table)?),
            _ => None,
        };
        if let Map::Copy(file) = &answers.mapping {
            keep(file, None, Mapping::built_in().bytes())?;
            done.push(format!("The mapping is in {}.", file.display()));
        }
        if let Err(error) = keep(config, self.config.as_ref().map(String::as_bytes), settings.as_bytes()) {
            if let Map::Copy(file) = &answers.mapping {
                let _ = fs::remove_file(file);
            }
            return Err(error.into());
        }
        done.push(format!("Profile {} is in {}.", answers.name, config.display()));
        match (kept, answers.place) {
            (Some((before, all)), _) => {
                keep_here(secrets, before.map(str::as_bytes), all.as_bytes()).with_context(|| {
                    let done = done.join(" ");
                    exit::told(exit::Exit::Partly, format!("{done} The secrets were not kept, and are asked for each time"))
                })?;
                done.push(format!("The secrets are in {}, which only you can read.", secrets.display()));
            }
            (None, Place::Keyring) if answers.secrets(false).is_some() => {
                done.push("The secrets are in the keyring of this system, under the service onse.".to_owned());
            }
            _ => done.push(
                "Secrets were not kept: they are asked for each time, or taken from ONSE_DHIS2_PASSWORD or ONSE_DHIS2_TOKEN, and \
                 ONSE_COMMCARE_API_KEY."
                    .to_owned(),
            ),
        }
        Ok(done)
    }
}

/// Why nothing can be added to the secrets: a link, or one that these settings refuse as it is.
fn closed(places: &Places, settings: Option<&Settings>, secrets: Option<&str>) -> Option<String> {
    if let Err(NotKept { file, why }) = no_link(&places.secrets) {
        return Some(format!("{} cannot be added to: {why}.", file.display()));
    }
    let none = load(&places.config, "").ok();
    let (text, settings) = secrets.zip(settings.or(none.as_ref()))?;
    Some(secrets_fit(&places.secrets, text, settings).err()?.to_string())
}

/// Other settings files with profiles beside these. The secrets are read with each of them, and one that has no profile of the name
/// of a table refuses them all.
fn others(places: &Places) -> Vec<(PathBuf, Settings)> {
    let folder = places.secrets.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let ours = [&places.config, &places.secrets].map(|path| path.file_name().map(OsStr::to_owned));
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| {
        file.extension().is_some_and(|ending| ending == "toml")
            && !ours.contains(&file.file_name().map(OsStr::to_owned))
    });
    files.sort();
    let settings = |file: PathBuf| {
        let settings = load(&file, &fs::read_to_string(&file).ok()?).ok()?;
        (!settings.profiles.is_empty()).then_some((file, settings))
    };
    files.into_iter().filter_map(settings).collect()
}

/// What goes into the keyring.
fn entries(answers: &Answers, profile: &Profile) -> Vec<(Entry, Secret)> {
    let dhis2 = answers.dhis2_secret.clone().map(|secret| (Entry::dhis2(profile), secret));
    let hq = answers.hq_key.clone().map(|secret| (Entry::commcare(profile), secret));
    dhis2.into_iter().chain(hq).collect()
}

/// The mapping that will be used, and the lines about its file.
pub(super) fn mapping(here: &Here, map: &Map, profile: &Profile) -> (Vec<Line>, Option<UsedMapping>) {
    let used = match map {
        Map::File(path) => config::mapping(Some(path), None, Path::new("")).map_err(anyhow::Error::from),
        Map::BuiltIn => here.mapping_file(Some(profile)),
        Map::Copy(_) => Ok(UsedMapping { label: "built-in".to_owned(), file: None, mapping: Mapping::built_in() }),
    };
    match used {
        Ok(used) => (check::mapped(None, &used), Some(used)),
        Err(error) => (told(check::MAPPING, &error), None),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::io::http::Sleeper;

    /// One entry after the other, by name.
    #[derive(Default)]
    pub(in crate::cli::init) struct Ring(pub(in crate::cli::init) Mutex<std::collections::BTreeMap<String, String>>);

    impl crate::io::keyring::Keyring for Ring {
        fn get(&self, entry: &Entry) -> Result<Option<Secret>, Unusable> {
            Ok(self.0.lock().unwrap().get(entry.user()).map(Secret::new))
        }

        fn set(&self, entry: &Entry, secret: &Secret) -> Result<(), Unusable> {
            self.0.lock().unwrap().insert(entry.user().to_owned(), secret.expose().to_owned());
            Ok(())
        }

        fn delete(&self, entry: &Entry) -> Result<(), Unusable> {
            self.0.lock().unwrap().remove(entry.user());
            Ok(())
        }
    }

    pub(in crate::cli::init) fn asker(ring: &Arc<Ring>) -> Asker {
        let sleep: Sleeper = Arc::new(|_| Box::pin(std::future::pending()));
        Asker::new(Some(Arc::clone(ring) as _), sleep)
    }

    fn answers(name: &str, place: Place) -> Answers {
        let mut answers = Answers { name: name.into(), project: "p".into(), hq_user: "u".into(), ..Answers::default() };
        answers.dhis2.url = "https://h.org/".parse().ok();
        answers.dhis2_secret = Some(Secret::new("typed"));
        answers.place = place;
        answers
    }

    pub(in crate::cli::init) fn places(folder: &Path, name: &str) -> Places {
        Places::find(Some(&folder.join(name)), |_| Some("/data".into())).unwrap()
    }

    pub(in crate::cli::init) fn private(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    pub(in crate::cli::init) fn read(places: &Places) -> Files {
        Files::read(places, config::open(&Places { config_named: false, ..places.clone() }).unwrap().as_ref()).unwrap()
    }

    #[tokio::test]
    async fn a_file_of_secrets_that_commands_would_refuse_is_closed() {
        let home = tempfile::tempdir().unwrap();
        let (own, other) = (places(home.path(), "b.toml"), places(home.path(), "a.toml"));
        assert_eq!(read(&own).closed(), None);
        // Secrets of nobody we know of.
        private(&own.secrets, "[old]\ndhis2_token = \"MARKED\"\n");
        let why = read(&own).closed().unwrap();
        assert!(why.contains("named after no profile") && !why.contains("MARKED"), "{why}");
        // Even where it is chosen all the same, nothing is written.
        let error = read(&own).keep(&answers("new", Place::File), &asker(&Arc::default())).await.err().unwrap();
        assert!(format!("{error:#}").contains("nothing was written") && !own.config.exists(), "{error:#}");
        // Those of the file itself may be added to.
        fs::write(&other.config, answers("old", Place::File).tables()).unwrap();
        assert_eq!(read(&other).closed(), None);
        // No secrets yet, and another file beside it that would refuse what is added.
        fs::remove_file(&own.secrets).unwrap();
        assert!(read(&own).closed().unwrap().contains("a.toml as well, which has no profile of the new name"));
        // Secrets of a profile that both have may be put there, and those of one that has a table already.
        assert_eq!(read(&own).closed_for("old"), None);
        assert!(read(&own).closed_for("mine").unwrap().contains("a.toml as well, which has no profile mine"));
        fs::write(&own.config, answers("mine", Place::File).tables()).unwrap();
        private(&own.secrets, "[mine]\ndhis2_token = 't'\n");
        assert_eq!(read(&own).closed_for("mine"), None);
    }

    /// It is said before anything is chosen, and where it is chosen all the same nothing is written.
    #[cfg(unix)]
    #[tokio::test]
    async fn f18_secrets_are_not_written_through_a_link() {
        let home = tempfile::tempdir().unwrap();
        let (places, elsewhere) = (places(home.path(), "config.toml"), home.path().join("elsewhere"));
        std::os::unix::fs::symlink(&elsewhere, &places.secrets).unwrap();
        for there in [false, true] {
            if there {
                private(&elsewhere, "");
            }
            let files = read(&places);
            let why = files.closed().unwrap();
            assert!(why.contains("secrets.toml cannot be added to: it is a link"), "{why}");
            let error = files.keep(&answers("new", Place::File), &asker(&Arc::default())).await.err().unwrap();
            let said = format!("{error:#}");
            assert!(said.contains("nothing was written") && said.contains("it is a link"), "{said}");
            assert_eq!(fs::read_to_string(&elsewhere).ok(), there.then(String::new));
            assert!(!places.config.exists());
        }
    }

    #[tokio::test]
    async fn what_the_keyring_held_is_put_back_where_no_file_could_be_written() {
        let home = tempfile::tempdir().unwrap();
        let places = places(home.path(), "config.toml");
        let (files, answers) = (read(&places), answers("new", Place::Keyring));
        let ring = Arc::new(Ring::default());
        let entry = Entry::dhis2(&answers.profile().unwrap()).user().to_owned();
        ring.0.lock().unwrap().insert(entry.clone(), "old".into());
        // Somebody else wrote it meanwhile.
        fs::write(&places.config, "").unwrap();
        assert!(files.keep(&answers, &asker(&ring)).await.is_err());
        assert_eq!(ring.0.lock().unwrap()[&entry], "old");
        fs::remove_file(&places.config).unwrap();
        assert!(matches!(files.keep(&answers, &asker(&ring)).await, Ok(Kept::Done(_))));
        assert_eq!(ring.0.lock().unwrap()[&entry], "typed");
    }

    #[tokio::test]
    async fn all_that_was_written_is_said_where_the_secrets_could_not_be() {
        let home = tempfile::tempdir().unwrap();
        let places = places(home.path(), "config.toml");
        let files = read(&places);
        let copy = home.path().join("case_property_map.csv");
        let answers = Answers { mapping: Map::Copy(copy.clone()), ..answers("new", Place::File) };
        private(&places.secrets, "");
        let error = files.keep(&answers, &asker(&Arc::default())).await.err().unwrap();
        assert_eq!(exit::Exit::of(&error), exit::Exit::Partly);
        let said = format!("{error:#}");
        for text in [&copy, &places.config, &places.secrets] {
            assert!(said.contains(&text.display().to_string()), "{said}");
        }
    }
}
