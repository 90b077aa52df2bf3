//! New secrets for a profile that is there, because a password or a key was changed at its server. Each is asked for, tried, and put
//! where the profile's secret is kept; the settings are not touched.

use std::cell::Cell;

use anyhow::{Context as _, Error, Result};

use super::{
    answers::Place,
    dialogue::{Question, chosen, typed_secret, words::place_words, yes},
    marked,
    writing::Files,
};
use crate::{
    cli::exit::{Exit, told},
    io::{
        config::{
            CommCareSecret, Dhis2Secret, Profile, SecretKey, Settings, keep_here, key_text, no_link, renewed,
            repository, secrets_given, secrets_in, usable,
        },
        http::{Secret, Side},
        keyring::{Asker, Entry, SERVICE, Unusable},
    },
};

/// What asks the person and the servers.
pub(super) trait Hands {
    /// The answer of the person; what they type is hidden where the question says so. Fails where they stop.
    async fn ask(&mut self, question: Question) -> Result<String>;
    /// Tries the secret that was typed for a side; whether something stops it from being used.
    async fn check(&mut self, dhis2: Option<Dhis2Secret>, commcare: Option<CommCareSecret>) -> Result<bool>;
    fn say(&mut self, text: &str);
}

/// The secret of one side.
struct One {
    side: Side,
    key: SecretKey,
    /// How questions and lines call it.
    what: String,
    /// Whether the environment gives it, before every other place.
    given: bool,
    /// Where it is kept.
    place: Place,
    entry: Entry,
    typed: Option<Secret>,
}

/// Which of the entries the keyring has, and why it was of no use, where it was not.
async fn in_keyring(keyring: &Asker, entries: &[Entry; 2]) -> ([bool; 2], Option<Unusable>) {
    let mut has = [false; 2];
    let held = match keyring.get(entries.to_vec()).await {
        Ok(held) => held,
        Err(why) => return (has, Some(why)),
    };
    let mut no_keyring = None;
    for (has, held) in has.iter_mut().zip(held) {
        match held {
            Ok(secret) => *has = secret.is_some(),
            Err(why) => no_keyring = Some(why),
        }
    }
    (has, no_keyring)
}

/// Which secrets of the profile the file has; the error says why it cannot be used.
fn in_file(
    files: &Files,
    settings: &Settings,
    profile: &Profile,
) -> Result<(Option<SecretKey>, Option<SecretKey>), String> {
    let text = files.secrets.as_ref().map_err(Clone::clone)?.as_deref().unwrap_or_default();
    secrets_in(&files.places.secrets, text, settings, &profile.name).map_err(|error| error.to_string())
}

/// New secrets for this profile.
pub(super) struct Renewal<'a> {
    files: &'a Files,
    settings: &'a Settings,
    profile: &'a Profile,
    keyring: &'a Asker,
    ones: [One; 2],
    /// Why the keyring is of no use.
    no_keyring: Option<Unusable>,
    /// Why nothing can be added to the file of secrets.
    closed: Option<String>,
}

impl<'a> Renewal<'a> {
    /// Looks where the secrets of the profile are. Fails where the file they may be in cannot be used.
    pub(super) async fn new(
        files: &'a Files,
        settings: &'a Settings,
        profile: &'a Profile,
        keyring: &'a Asker,
        env: impl Fn(&str) -> Option<std::ffi::OsString>,
    ) -> Result<Self> {
        let given = secrets_given(env)?;
        let entries = [Entry::dhis2(profile), Entry::commcare(profile)];
        let (rings, no_keyring) = in_keyring(keyring, &entries).await;
        let path = &files.places.secrets;
        let file = match in_file(files, settings, profile) {
            Ok(file) => file,
            // It is not looked into where both are elsewhere, which goes before it.
            Err(_) if (given.0.is_some() || rings[0]) && (given.1.is_some() || rings[1]) => (None, None),
            Err(why) => return Err(told(Exit::Usage, format!("{why} Nothing was changed.")).into()),
        };
        if let Some(key) = file.0.filter(|_| given.0.is_none() && !rings[0]) {
            let why = |error| told(Exit::Usage, format!("{error} Nothing was changed."));
            usable(key, settings, profile).map_err(why)?;
        }
        let closed = files.closed_for(&profile.name);
        let place = |ring, key: Option<SecretKey>| match (ring, key) {
            (true, _) => Place::Keyring,
            (false, Some(_)) => Place::File,
            (false, None) => Place::Nowhere,
        };
        let user = profile.dhis2.username.is_some();
        let usual = if user { SecretKey::Dhis2Password } else { SecretKey::Dhis2Token };
        let key = |ring: bool, key: Option<SecretKey>, usual| if ring { usual } else { key.unwrap_or(usual) };
        let keys = [key(rings[0], file.0, usual), key(rings[1], file.1, SecretKey::CommCareApiKey)];
        let [dhis2, commcare] = entries;
        let one = |side, key, given, place, entry| One {
            side,
            key,
            what: called(key, profile),
            given,
            place,
            entry,
            typed: None,
        };
        let ones = [
            one(Side::Dhis2, keys[0], given.0.is_some(), place(rings[0], file.0), dhis2),
            one(Side::CommCare, keys[1], given.1.is_some(), place(rings[1], file.1), commcare),
        ];
        if ones.iter().any(|one| one.place == Place::File && !one.given) {
            no_link(path).map_err(|error| {
                told(
                    Exit::Usage,
                    format!("{error}. Nothing was changed. Put the file itself in the place of the link first."),
                )
            })?;
        }
        Ok(Self { files, settings, profile, keyring, ones, no_keyring, closed })
    }

    /// Asks for the secrets, tries and keeps them; what was kept where. Empty where nothing was to be kept, which is said.
    pub(super) async fn run(mut self, hands: &mut impl Hands, keeping: &Cell<bool>) -> Result<Vec<String>> {
        for one in &mut self.ones {
            one.renew(hands).await?;
        }
        if self.ones.iter().all(|one| one.typed.is_none()) {
            hands.say("no secret was given; nothing was changed");
            return Ok(Vec::new());
        }
        self.places(hands).await?;
        if !self.typed().any(|one| one.place != Place::Nowhere) {
            hands.say("nothing was kept, and nothing was changed");
            return Ok(Vec::new());
        }
        hands.say(&self.preview());
        loop {
            let text = "Write this? y or n".to_owned();
            match yes(hands.ask(Question { text, usual: "n".to_owned(), shown: true }).await?.trim()) {
                Ok(true) => break,
                Ok(false) => {
                    hands.say("nothing was changed");
                    return Ok(Vec::new());
                }
                Err(why) => hands.say(&why),
            }
        }
        let asks = self.kept(Place::Keyring).next().is_some();
        marked(keeping, asks, self.keep()).await?;
        Ok(self.typed().map(|one| self.done(one)).collect())
    }

    fn typed(&self) -> impl Iterator<Item = &One> {
        self.ones.iter().filter(|one| one.typed.is_some())
    }

    fn kept(&self, place: Place) -> impl Iterator<Item = (&One, &Secret)> {
        self.ones.iter().filter(move |one| one.place == place).filter_map(|one| Some((one, one.typed.as_ref()?)))
    }

    /// Asks where those go that are kept nowhere yet.
    async fn places(&mut self, hands: &mut impl Hands) -> Result<()> {
        if !self.typed().any(|one| one.place == Place::Nowhere) {
            return Ok(());
        }
        let whats: Vec<&str> = self.kept(Place::Nowhere).map(|(one, _)| one.what.as_str()).collect();
        let asks = format!("Where is the {} kept?", whats.join(" and the "));
        let no_keyring = self.no_keyring.as_ref().map(ToString::to_string);
        let (no_keyring, closed) = (no_keyring.as_deref(), self.closed.as_deref());
        let in_repository = repository(&self.files.places.secrets).is_some();
        let place = loop {
            let (text, usual) = place_words(no_keyring, closed.is_none(), in_repository, &asks);
            let typed = hands.ask(Question { text, usual: usual.clone(), shown: true }).await?;
            let typed = typed.trim();
            match chosen(if typed.is_empty() { &usual } else { typed }, no_keyring, closed) {
                Ok(place) => break place,
                Err(why) => hands.say(&why),
            }
        };
        for one in self.ones.iter_mut().filter(|one| one.typed.is_some() && one.place == Place::Nowhere) {
            one.place = place;
        }
        Ok(())
    }

    /// What will be written, with `***` for secrets.
    fn preview(&self) -> String {
        let mut text = format!("\n{} stays as it is.\n", self.files.places.config.display());
        let lines: Vec<String> = self.kept(Place::File).map(|(one, _)| format!("{} = ***\n", one.key.name())).collect();
        let lines = lines.concat();
        if !lines.is_empty() {
            let file = self.files.places.secrets.display();
            let name = key_text(&self.profile.name);
            text = format!("{text}\nIn {file}, whose other lines stay as they are:\n\n[{name}]\n{lines}");
            // Also where it was turned off, which the next shell may not do.
            if let Some(why) = &self.no_keyring {
                text = format!("{text}\nThe keyring was passed over: {why}. What it may hold goes before that file.\n");
            }
        }
        for (one, _) in self.kept(Place::Keyring) {
            text = format!(
                "{text}\nIn the keyring of this system, service {SERVICE}, entry \"{}\": the {}.\n",
                one.entry.user(),
                one.what
            );
        }
        text
    }

    /// The keyring first, because it is the one that may still say no; what it held is put back where the file says no.
    async fn keep(&self) -> Result<()> {
        let path = &self.files.places.secrets;
        let before = self.files.secrets.as_ref().ok().and_then(Option::as_deref);
        let secrets: Vec<(SecretKey, Secret)> =
            self.kept(Place::File).map(|(one, secret)| (one.key, secret.clone())).collect();
        let after = if secrets.is_empty() {
            None
        } else {
            no_link(path).context("nothing was changed")?;
            let before = before.unwrap_or_default();
            let after = renewed(path, before, self.settings, &self.profile.name, &secrets);
            Some(after.context("nothing was changed")?)
        };
        let entries: Vec<(Entry, Secret)> =
            self.kept(Place::Keyring).map(|(one, secret)| (one.entry.clone(), secret.clone())).collect();
        let held = match entries[..] {
            [] => Vec::new(),
            _ => self.keyring.set(entries).await.map_err(|why| {
                told(Exit::Failed, format!("the keyring did not take the new secrets: {why}; no file was changed"))
            })?,
        };
        let Some(after) = after else { return Ok(()) };
        let Err(error) = keep_here(path, before.map(str::as_bytes), after.as_bytes()) else { return Ok(()) };
        let error = Error::from(error);
        if held.is_empty() {
            return Err(error);
        }
        Err(match self.keyring.restore(held).await {
            Ok(()) => error,
            Err(left) => error.context(told(
                Exit::Partly,
                format!("no file was changed, but the keyring may hold what was typed: {left}"),
            )),
        })
    }

    fn done(&self, one: &One) -> String {
        let place = match one.place {
            Place::Keyring => format!("the keyring of this system, under the service {SERVICE}"),
            Place::File => format!("{}, which only you can read", self.files.places.secrets.display()),
            Place::Nowhere => return format!("The {} was not kept.", one.what),
        };
        format!("The {} of profile {} is in {place}.", one.what, self.profile.name)
    }
}

fn called(key: SecretKey, profile: &Profile) -> String {
    let user = &profile.commcare.username;
    match key {
        SecretKey::Dhis2Password => {
            format!("DHIS2 password of {}", profile.dhis2.username.as_deref().unwrap_or_default())
        }
        SecretKey::Dhis2Token => "DHIS2 personal access token".to_owned(),
        SecretKey::CommCareApiKey => format!("CommCare API key of {user}"),
        SecretKey::CommCarePassword => format!("CommCare password of {user}"),
    }
}

impl One {
    /// Asks for it until it works, is kept all the same, or is left as it is.
    async fn renew(&mut self, hands: &mut impl Hands) -> Result<()> {
        if self.given {
            hands.say(&format!(
                "The secret for {} is from the environment, which goes before every other place: change it there. Nothing is kept of it.",
                self.side
            ));
            return Ok(());
        }
        loop {
            let enter = match (&self.typed, self.place) {
                (Some(_), _) => "the one typed before",
                (None, Place::Nowhere) => "none",
                (None, _) => "the one that is kept stays",
            };
            let text = format!("New {} (not shown); enter alone: {enter}", self.what);
            let typed = hands.ask(Question { text, usual: String::new(), shown: false }).await?;
            let spaceless = !matches!(self.key, SecretKey::Dhis2Password | SecretKey::CommCarePassword);
            match typed_secret(&typed, spaceless) {
                Err(why) => {
                    hands.say(&why);
                    continue;
                }
                Ok(None) if self.typed.is_none() => return Ok(()),
                Ok(None) => {}
                Ok(secret) => self.typed = secret,
            }
            if self.tried(hands).await? {
                return Ok(());
            }
        }
    }

    /// Tries it, and asks what to do where it does not work; false for another one.
    async fn tried(&mut self, hands: &mut impl Hands) -> Result<bool> {
        let mut again = true;
        loop {
            if again && !self.check(hands).await? {
                return Ok(true);
            }
            let text = "s another one, r try again, k keep it anyway, l leave what is kept as it is".to_owned();
            let answer = hands.ask(Question { text, usual: String::new(), shown: true }).await?;
            again = false;
            match answer.trim() {
                "s" => return Ok(false),
                "r" => again = true,
                "k" | "keep" => return Ok(true),
                "l" | "leave" => {
                    self.typed = None;
                    return Ok(true);
                }
                _ => hands.say("One of the letters is needed."),
            }
        }
    }

    async fn check(&self, hands: &mut impl Hands) -> Result<bool> {
        let Some(secret) = self.typed.clone() else { return Ok(false) };
        let (dhis2, commcare) = match self.key {
            SecretKey::Dhis2Password => (Some(Dhis2Secret::Password(secret)), None),
            SecretKey::Dhis2Token => (Some(Dhis2Secret::Token(secret)), None),
            SecretKey::CommCareApiKey => (None, Some(CommCareSecret::ApiKey(secret))),
            SecretKey::CommCarePassword => (None, Some(CommCareSecret::Password(secret))),
        };
        hands.check(dhis2, commcare).await
    }
}

#[cfg(test)]
mod tests;
