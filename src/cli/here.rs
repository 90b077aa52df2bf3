//! What every command needs from this machine: time, places, settings, secrets and the network, each asked for when needed.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use jiff::{civil::Date, tz::TimeZone};

use super::{
    args::{Global, Scope},
    exit::{Exit, told, usage},
    log,
    notify::Noted,
    out::{count, say, someone_is_there},
    private, prompt,
};
use crate::{
    domain::{
        mapping::{Mapping, Problem},
        quarter::Quarter,
    },
    io::{
        config::{
            self, CommCareSecret, Dhis2Secret, FlagSettings, LookSettings, Places, Profile, Secrets, Settings,
            SettingsError, UsedMapping, Wrong, find_secrets, wanted,
        },
        curl::{Curl, Sink},
        http::{Options, Side, Sleeper, real},
        keyring::{self, Asker, Keyring, System, Unusable},
        known::Known,
        mapping::{NotSaved, Saved, save},
        store::Store,
        transport::SharedTransport,
    },
    job::{
        connect::{Ways, connect},
        session::{Clock, Connect, Session},
    },
    tui::keymap::{Change, Keymap},
};

/// This machine, this person, this moment.
#[derive(Clone)]
pub(super) struct Here {
    pub(super) global: Global,
    pub(super) clock: Clock,
    pub(super) sleep: Sleeper,
    /// The local date when the program started, asked for once (fault matrix row Q01).
    today: Date,
    pub(super) who: String,
    /// What the run notes of itself, to be told when it ended.
    pub(super) noted: Noted,
}

/// A profile with where it came from.
pub(super) struct Ready {
    pub(super) places: Places,
    pub(super) settings: Settings,
    pub(super) profile: Profile,
    /// What the settings say of flags.
    pub(super) flags: FlagSettings,
}

/// How the review is shown and which keys it has, as the settings say.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) look: LookSettings,
    pub(super) keys: Keymap,
}

pub(super) fn env(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

impl Here {
    pub(super) fn new(global: Global) -> Self {
        let clock: Clock = Arc::new(jiff::Timestamp::now);
        let name = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(env).find(|name| !name.is_empty());
        Self {
            global,
            today: clock().to_zoned(TimeZone::system()).date(),
            clock,
            sleep: Arc::new(|pause| Box::pin(tokio::time::sleep(pause))),
            who: name.map_or_else(|| "unknown".to_owned(), |name| name.to_string_lossy().into_owned()),
            noted: Noted::default(),
        }
    }

    /// The quarter asked for, else the last finished one. One that is not over is refused unless allowed (row Q04).
    pub(super) fn quarter(&self, scope: &Scope) -> Result<Quarter> {
        let quarter = scope.period.unwrap_or_else(|| self.last_quarter());
        if !self.is_over(quarter) {
            if !scope.allow_unfinished {
                return Err(usage(format!(
                    "quarter {quarter} is not over on {}, so its numbers are not complete; the last finished one is {}. \
                     Add --allow-unfinished if that is meant",
                    self.today,
                    self.last_quarter()
                )));
            }
            say(&format!("quarter {quarter} is not over on {}: its numbers are not complete", self.today));
        }
        Ok(quarter)
    }

    /// Whether the quarter was over when the program started.
    pub(super) fn is_over(&self, quarter: Quarter) -> bool {
        quarter.finished_by(self.today)
    }

    pub(super) fn last_quarter(&self) -> Quarter {
        Quarter::last_finished(self.today)
    }

    pub(super) fn places(&self) -> Result<Places> {
        Ok(Places::find(self.global.config.as_deref(), env)?)
    }

    /// The profile asked for; else `prefer` where there is one of that name; else the default one.
    pub(super) fn ready(&self, prefer: Option<&str>) -> Result<Ready> {
        let places = self.places()?;
        let settings =
            config::open(&places)?.ok_or_else(|| told(Exit::Usage, first_steps(&places, &missing(&places))))?;
        seen(&settings)?;
        let flags = config::flags(&settings)?;
        let asked = wanted(self.global.profile.as_deref(), "ONSE_PROFILE", env)?;
        let name = asked.as_deref().or(prefer.filter(|name| settings.profiles.contains_key(*name)));
        let profile = settings.profile(name)?.clone();
        self.noted.profile(&profile, settings.profile(None).is_ok_and(|usual| usual.name == profile.name));
        Ok(Ready { places, settings, profile, flags })
    }

    /// How the review is shown; as the program comes where there are no settings.
    pub(super) fn seen(&self) -> Result<Seen> {
        Ok(config::open(&self.places()?)?.map(|settings| seen(&settings)).transpose()?.unwrap_or_default())
    }

    /// Whether there is a settings file.
    pub(super) fn has_settings(&self) -> Result<bool> {
        Ok(config::open(&self.places()?)?.is_some())
    }

    /// What is missing before anything can be reviewed, without a full stop: the settings file, though somebody may have named it,
    /// or a profile in it.
    pub(super) fn lacks(&self) -> Result<Option<String>> {
        let places = Places { config_named: false, ..self.places()? };
        let lacks = match config::open(&places)?.map(|settings| settings.profiles.len()) {
            None => "does not exist",
            Some(0) => "has no profile",
            Some(_) => return Ok(None),
        };
        Ok(Some(format!("{} {lacks}", places.config.display())))
    }

    /// The mapping as its file is at this moment, whatever is wrong with its rows.
    pub(super) fn mapping_file(&self, profile: Option<&Profile>) -> Result<UsedMapping> {
        let folder = std::env::current_dir().unwrap_or_default();
        Ok(config::mapping(self.global.mapping.as_deref(), profile, &folder)?)
    }

    /// Puts `after` in the place of a mapping as it was read, with a copy of the old file beside it; for the built-in one a new file
    /// in the current folder.
    pub(super) fn save_mapping(&self, used: &UsedMapping, after: &[u8]) -> Result<Saved, NotSaved> {
        // A path without a folder is one in the current folder, and reads better.
        let stamp = (self.clock)().to_zoned(TimeZone::system()).strftime("%Y%m%d-%H%M%S").to_string();
        save(&used.target(Path::new("")), used.before(), after, &stamp)
    }

    /// The mapping to use. One without a usable row is refused: nothing could be read with it.
    pub(super) fn mapping(&self, profile: Option<&Profile>) -> Result<UsedMapping> {
        let used = self.mapping_file(profile)?;
        if used.mapping.usable().next().is_some() {
            return Ok(used);
        }
        Err(unusable(&used, "has no usable row. onse data-sets shows what DHIS2 has for each; rows need this").into())
    }

    /// The same where nobody sees which rows are left out: one with a row that cannot be read as meant is refused with all that is
    /// wrong. A row that waits for its data set is no reason (fault matrix row M15).
    pub(super) fn clear_mapping(&self, profile: Option<&Profile>) -> Result<UsedMapping> {
        let used = self.mapping_file(profile)?;
        let lines: BTreeSet<u64> = blocking(&used.mapping).map(|problem| problem.line).collect();
        if lines.is_empty() {
            return self.mapping(profile);
        }
        let (rows, lines) = (count(lines.len(), "row", "rows"), lines.iter().map(u64::to_string));
        let what = format!(
            "has {rows} that cannot be read as meant (line {}), so nothing was read. Mend the file; onse data-sets shows what DHIS2 \
             has for each row. All that was found",
            lines.collect::<Vec<_>>().join(", ")
        );
        Err(unusable(&used, &what).into())
    }

    /// Both clients over the real network. Asks for a secret that is missing where a person is there to answer.
    pub(super) async fn connect(&self, ready: &Ready) -> Result<Connect> {
        self.connect_telling(ready, None).await
    }

    /// The same, handing every request to `sink` as a curl command where there is one.
    pub(super) async fn connect_telling(&self, ready: &Ready, sink: Option<&Sink>) -> Result<Connect> {
        let profile = &ready.profile;
        let secrets = self.secrets(ready).await?;
        let way = |side, ca_file: &Option<PathBuf>| -> Result<SharedTransport> {
            let wire = wire(ca_file.as_deref())?;
            Ok(match sink {
                Some(sink) => Arc::new(Curl::new(wire, side, ca_file.clone(), Arc::clone(sink))),
                None => wire,
            })
        };
        let ways = Ways {
            dhis2: way(Side::Dhis2, &profile.dhis2.ca_file)?,
            commcare: way(Side::CommCare, &profile.commcare.ca_file)?,
        };
        self.noted.secrets(&secrets);
        self.connected(profile, &secrets, &ways)
    }

    /// Both secrets. A person who is there is asked for those that are missing, and with `--ask` for both (fault matrix row X09).
    async fn secrets(&self, ready: &Ready) -> Result<Secrets> {
        let profile = &ready.profile;
        let asks = self.asks()?;
        let found = find_secrets(&ready.places, &ready.settings, profile, env, &self.keyring()?).await;
        if asks {
            // Of what is kept only the kind counts, so that a token does not go out as a password.
            let kept = found.ok().map(|found| (found.dhis2, found.commcare)).unwrap_or_default();
            let typed = ask_dhis2(profile, kept.0.as_ref())?.zip(ask_commcare(profile, kept.1.as_ref())?);
            let (dhis2, commcare) = typed.ok_or_else(nobody)?;
            return Ok(Secrets { dhis2, commcare });
        }
        let mut found = found?;
        self.without_keyring(found.no_keyring.as_ref())?;
        if found.dhis2.is_none() {
            found.dhis2 = ask_dhis2(profile, None)?;
        }
        if found.commcare.is_none() {
            found.commcare = ask_commcare(profile, None)?;
        }
        Ok(found.complete()?)
    }

    /// Whether `--ask` was given. Fails where nobody is there to be asked.
    pub(super) fn asks(&self) -> Result<bool> {
        if self.global.ask && !someone_is_there() {
            return Err(nobody());
        }
        Ok(self.global.ask)
    }

    /// The keyring, unless the environment turns it off.
    pub(super) fn keyring(&self) -> Result<Asker> {
        let value = env(keyring::VARIABLE).map(|value| value.to_string_lossy().into_owned());
        let on = keyring::wanted(value.as_deref())?;
        Ok(Asker::new(on.then(|| Arc::new(System) as Arc<dyn Keyring>), Arc::clone(&self.sleep)))
    }

    /// A line for the log where the keyring was of no use, and on screen where it was waited for.
    pub(super) fn without_keyring(&self, unusable: Option<&Unusable>) -> Result<()> {
        let Some(unusable) = unusable else { return Ok(()) };
        self.log()?;
        tracing::info!("secrets were not looked for in the keyring: {unusable}");
        if unusable.silent {
            say(&format!("the keyring is left out: {unusable}; {}=off never asks it", keyring::VARIABLE));
        }
        Ok(())
    }

    /// Both clients over these ways.
    pub(super) fn connected(&self, profile: &Profile, secrets: &Secrets, ways: &Ways) -> Result<Connect> {
        connect(profile, secrets, ways, &self.sleep, self.seed())
    }

    /// What feeds the jitter of waits.
    pub(super) fn seed(&self) -> u64 {
        u64::try_from((self.clock)().as_nanosecond().unsigned_abs() & u128::from(u64::MAX)).unwrap_or(0)
    }

    /// A session that knows what earlier runs on this machine came to know.
    pub(super) fn session(&self, store: Store, connect: Option<Connect>) -> Session {
        let session = Session::new(store, connect, Arc::clone(&self.clock), Arc::clone(&self.sleep), &self.who);
        match self.places() {
            Ok(places) => session.knowing(Known::in_folder(&places.data)),
            Err(_) => session,
        }
    }

    /// The folder of the reviews of a project.
    pub(super) fn reviews(&self, project: &str) -> Result<PathBuf> {
        Ok(self.places()?.data.join("reviews").join(project))
    }

    /// The name of a new review file.
    pub(super) fn file_name(&self, quarter: Quarter) -> String {
        format!("{quarter}-{}.review", (self.clock)().strftime("%Y%m%dT%H%M%S%.3fZ"))
    }

    /// Starts the log. A command that can work without one does.
    pub(super) fn log(&self) -> Result<()> {
        if let Err(error) = log::start(&self.places()?.data, self.global.log_level) {
            say(&format!("no log is written: {error:#}"));
        }
        Ok(())
    }

    /// Where the log is.
    pub(super) fn log_file(&self) -> Option<PathBuf> {
        self.places().ok().map(|places| log::file(&places.data))
    }
}

/// The problems of a mapping that keep a row from being used.
pub(super) fn blocking(mapping: &Mapping) -> impl Iterator<Item = &Problem> {
    mapping.problems.iter().filter(|problem| problem.blocks)
}

/// A problem behind words that name its line already.
pub(super) fn unlined(problem: &Problem) -> String {
    let whole = problem.to_string();
    let rest =
        whole.strip_prefix(&format!("line {}", problem.line)).map(|rest| rest.trim_start_matches([',', ':', ' ']));
    rest.unwrap_or(&whole).to_owned()
}

/// A mapping that cannot be used, with everything that was found in it.
fn unusable(used: &UsedMapping, what: &str) -> SettingsError {
    let wrong = used.mapping.problems.iter();
    let wrong = wrong.map(|problem| Wrong { line: Some(problem.line), what: unlined(problem) });
    let first = Wrong { line: None, what: format!("The mapping {} {what}:", used.label) };
    SettingsError { file: used.file.clone(), wrong: std::iter::once(first).chain(wrong).collect() }
}

/// A new review file, in a folder that is the owner's alone where it has to be made.
pub(super) fn create(path: &Path) -> Result<Store> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private::folders(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    Store::create(path)
}

fn nobody() -> anyhow::Error {
    usage("--ask asks for both secrets at the terminal, and there is none")
}

/// Asks for the DHIS2 secret, where a person is there to answer; of the kind of the one that is kept, where there is one.
pub(super) fn ask_dhis2(profile: &Profile, kept: Option<&Dhis2Secret>) -> Result<Option<Dhis2Secret>> {
    let ask = || match (&profile.dhis2.username, kept) {
        (Some(user), None | Some(Dhis2Secret::Password(_))) => {
            Ok(Dhis2Secret::Password(prompt::secret(&format!("DHIS2 password of {user}"))?))
        }
        _ => Ok(Dhis2Secret::Token(prompt::secret("DHIS2 token")?)),
    };
    someone_is_there().then(ask).transpose()
}

/// Asks for the `CommCare` API key, or the password where that is what is kept, where a person is there to answer.
pub(super) fn ask_commcare(profile: &Profile, kept: Option<&CommCareSecret>) -> Result<Option<CommCareSecret>> {
    let user = &profile.commcare.username;
    let ask = || match kept {
        Some(CommCareSecret::Password(_)) => {
            Ok(CommCareSecret::Password(prompt::secret(&format!("CommCare password of {user}"))?))
        }
        _ => Ok(CommCareSecret::ApiKey(prompt::secret(&format!("CommCare API key of {user}"))?)),
    };
    someone_is_there().then(ask).transpose()
}

/// The network, with the certificate authority of the profile where it names one.
pub(super) fn wire(ca_file: Option<&Path>) -> Result<SharedTransport> {
    let Some(path) = ca_file else { return real(&Options::default()) };
    let unusable = |error: anyhow::Error| usage(format!("ca_file {}: {error:#}", path.display()));
    let ca = std::fs::read(path).context("it cannot be read").map_err(unusable)?;
    real(&Options { ca: Some(ca), ..Options::default() }).map_err(unusable)
}

/// What the settings say of the screen. All that is wrong with `[keys]` is said at once, each with its line.
fn seen(settings: &Settings) -> Result<Seen, SettingsError> {
    let (named, mut wrong) = config::keys(settings);
    let changes: Vec<Change> =
        named.into_iter().map(|key| Change { name: key.name, line: key.line, keys: key.keys }).collect();
    let keys = Keymap::changed(&changes).unwrap_or_else(|faults| {
        wrong.extend(faults.into_iter().map(|fault| Wrong { line: Some(fault.line), what: fault.what }));
        Keymap::default()
    });
    if wrong.is_empty() {
        return Ok(Seen { look: settings.look, keys });
    }
    wrong.sort_by_key(|wrong| wrong.line);
    Err(SettingsError { file: Some(settings.file.clone()), wrong })
}

fn missing(places: &Places) -> String {
    format!("{} does not exist", places.config.display())
}

/// What to do on a machine without settings, because of what they lack.
pub(super) fn first_steps(places: &Places, lacks: &str) -> String {
    let config = places.config.display();
    format!(
        "There are no settings yet ({lacks}).\n\
         \n\
         To look around first: onse demo\n\
         It reviews a made-up country on this machine, without network or credentials.\n\
         \n\
         To review your own, be asked for addresses and names: onse init\n\
         Or write {config} with them in it:\n\
         \n\
         \x20   default_profile = \"main\"\n\
         \n\
         {PROFILE}\n\
         \n\
         {KEPT}Then run: onse"
    )
}

/// What to do where nobody is there to be asked.
pub(super) fn by_hand(places: &Places) -> String {
    let config = places.config.display();
    let asks = "onse init asks its questions at a terminal, and standard input or standard error is none.";
    if !places.config.exists() {
        return format!("{asks}\n\n{}", first_steps(places, &missing(places)));
    }
    format!(
        "{asks} Add a profile to {config} by hand, in place of main a name of its own:\n\n{PROFILE}\n\n{KEPT}Then run: onse check"
    )
}

/// A profile as an example.
const PROFILE: &str = "    [profiles.main.dhis2]\n    \
    url      = \"https://dhis2.example.org\"\n    \
    username = \"importer\"\n\
    \n    [profiles.main.commcare]\n    \
    url      = \"https://www.commcarehq.org\"\n    \
    project  = \"my-project\"\n    \
    username = \"me@example.org\"";

/// Where secrets stand.
const KEPT: &str = "The DHIS2 password and the CommCare API key never stand there. They are asked for, or taken from\n\
    ONSE_DHIS2_PASSWORD and ONSE_COMMCARE_API_KEY, from the keyring, or from secrets.toml beside the settings. ";
