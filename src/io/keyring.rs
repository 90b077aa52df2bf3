//! The keyring of the system: the Secret Service on Linux, the Keychain on macOS, the Credential Manager on Windows.
//!
//! It is never waited for without end: a keyring may ask on a screen that nobody sees (fault matrix row X06). One that is not
//! there is no error of a lookup, only of keeping something in it; what comes next in the order of secrets is then asked.
//!
//! An entry has the service `onse` and a user such as `onse-iss dhis2_password importer@https://dhis2.example.org`: the profile,
//! the name that `secrets.toml` has for it, and the account at the server it is for. So settings that lead elsewhere, or a second
//! settings file with a profile of the same name, never take along what belongs to another server.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::sync::oneshot;
use url::Url;

use super::{
    config::{Profile, SettingsError},
    http::{Secret, Sleeper},
};

/// The service of all entries.
pub const SERVICE: &str = "onse";

/// Longest wait for the keyring (fault matrix row X06).
pub const LIMIT: Duration = Duration::from_secs(20);

/// The environment variable that turns it off.
pub const VARIABLE: &str = "ONSE_KEYRING";

/// What a secret is kept under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry(String);

impl Entry {
    /// The DHIS2 password of a profile with a user, else its token.
    pub fn dhis2(profile: &Profile) -> Self {
        let url = &profile.dhis2.url;
        match &profile.dhis2.username {
            Some(user) => Self::new(&profile.name, "dhis2_password", &format!("{user}@"), url),
            None => Self::new(&profile.name, "dhis2_token", "", url),
        }
    }

    /// The `CommCare` API key of a profile.
    pub fn commcare(profile: &Profile) -> Self {
        let user = format!("{}@", profile.commcare.username);
        Self::new(&profile.name, "commcare_api_key", &user, &profile.commcare.url)
    }

    fn new(profile: &str, key: &str, account: &str, url: &Url) -> Self {
        Self(format!("{profile} {key} {account}{}", url.origin().ascii_serialization()))
    }

    /// The user of the entry, as keyring programs show it.
    pub fn user(&self) -> &str {
        &self.0
    }
}

/// Why the keyring cannot be used. Its `Display` is the end of a sentence, without a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    why: String,
    /// Whether it was waited for in vain.
    pub silent: bool,
    /// Whether the environment turned it off.
    pub off: bool,
}

impl Unusable {
    /// For this reason.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), silent: false, off: false }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Unusable {}

/// Where entries are kept. Its calls may block for as long as a person does not answer it.
pub trait Keyring: Send + Sync {
    /// The secret of an entry; `None` where there is none.
    fn get(&self, entry: &Entry) -> Result<Option<Secret>, Unusable>;
    /// Keeps a secret, in the place of an older one.
    fn set(&self, entry: &Entry, secret: &Secret) -> Result<(), Unusable>;
    /// Forgets a secret. One that is not there is no error.
    fn delete(&self, entry: &Entry) -> Result<(), Unusable>;
}

/// The one of the system.
pub struct System;

impl System {
    fn of(entry: &Entry) -> Result<keyring::Entry, Unusable> {
        if let Err(error) = keyring::Entry::store_status() {
            return Err(why(error));
        }
        keyring::Entry::new(SERVICE, &entry.0).map_err(|error| why(&error))
    }
}

impl Keyring for System {
    fn get(&self, entry: &Entry) -> Result<Option<Secret>, Unusable> {
        match Self::of(entry)?.get_password() {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(why(&error)),
        }
    }

    fn set(&self, entry: &Entry, secret: &Secret) -> Result<(), Unusable> {
        Self::of(entry)?.set_password(secret.expose()).map_err(|error| why(&error))
    }

    fn delete(&self, entry: &Entry) -> Result<(), Unusable> {
        match Self::of(entry)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(why(&error)),
        }
    }
}

/// The reason in our own words: the library's would quote the bytes of some secrets that it cannot read.
fn why(error: &keyring::Error) -> Unusable {
    use keyring::Error as E;
    Unusable::new(match error {
        E::NoStorageAccess(_) => "it is locked, or may not be used".to_owned(),
        E::PlatformFailure(error) => {
            tracing::debug!("the keyring failed: {error}");
            "there is none, or it does not answer".to_owned()
        }
        E::NoDefaultStore => "there is none".to_owned(),
        E::BadEncoding(_) | E::BadDataFormat(..) | E::BadStoreFormat(_) => "what it holds cannot be read".to_owned(),
        E::TooLong(what, most) => format!("it takes no {what} of more than {most} characters"),
        E::Ambiguous(_) => "it holds more than one entry of the same name".to_owned(),
        _ => "it cannot do this".to_owned(),
    })
}

/// Whether the environment lets the keyring be asked. Fails on a word that is not known: it may have been meant to turn it off.
pub fn wanted(value: Option<&str>) -> Result<bool, SettingsError> {
    match value.map(str::trim) {
        None | Some("" | "on") => Ok(true),
        Some("off") => Ok(false),
        Some(_) => Err(SettingsError::general(format!(
            "The environment variable {VARIABLE} must be on or off; off means that the keyring is never asked."
        ))),
    }
}

/// Asks the keyring and waits for it only so long. Once it was silent it is not asked again.
#[derive(Clone)]
pub struct Asker {
    /// None where it was turned off.
    keyring: Option<Arc<dyn Keyring>>,
    sleep: Sleeper,
    silent: Arc<AtomicBool>,
}

impl Asker {
    /// Asks this keyring, with this way to wait. `None` for one that is turned off.
    pub fn new(keyring: Option<Arc<dyn Keyring>>, sleep: Sleeper) -> Self {
        Self { keyring, sleep, silent: Arc::default() }
    }

    /// The secrets of these entries, in their order, each for itself: one that cannot be read hides no other. One wait for all of
    /// them. Fails where the keyring as a whole does not answer.
    pub async fn get(&self, entries: Vec<Entry>) -> Result<Vec<Held>, Unusable> {
        self.within(move |keyring, _| Ok(entries.iter().map(|entry| keyring.get(entry)).collect()), |_, _| ()).await
    }

    /// Keeps these secrets; answers what was there before. Where one cannot be kept, or the wait was over, what was there before is
    /// put back.
    pub async fn set(&self, entries: Vec<(Entry, Secret)>) -> Result<Vec<Before>, Unusable> {
        let late = |keyring: &dyn Keyring, kept: Result<Vec<Before>, Unusable>| {
            if let Ok(before) = kept {
                let _ = put_back(keyring, &before);
            }
        };
        self.within(move |keyring, gone| keep(keyring, &entries, gone), late).await
    }

    /// Puts back what was there before [`Asker::set`]. Fails where it may not be.
    pub async fn restore(&self, before: Vec<Before>) -> Result<(), Unusable> {
        self.within(move |keyring, _| put_back(keyring, &before), |_, _| ()).await
    }

    /// Does it on a thread of its own, which is left alone where it does not come back: nothing waits for such a thread at the
    /// end of the program. `work` can ask whether nobody waits any more; what it then answers goes to `late`.
    async fn within<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Keyring, &dyn Fn() -> bool) -> Result<T, Unusable> + Send + 'static,
        late: impl FnOnce(&dyn Keyring, Result<T, Unusable>) + Send + 'static,
    ) -> Result<T, Unusable> {
        let Some(keyring) = self.keyring.clone() else {
            let why = format!("it is turned off ({VARIABLE}=off)");
            return Err(Unusable { why, silent: false, off: true });
        };
        if self.silent.load(Ordering::Relaxed) {
            return Err(Unusable::new("it did not answer before"));
        }
        let (tell, mut told) = oneshot::channel();
        let ask = move || {
            let answer = work(&*keyring, &|| tell.is_closed());
            if let Err(answer) = tell.send(answer) {
                late(&*keyring, answer);
            }
        };
        if let Err(error) = thread::Builder::new().name("keyring".to_owned()).spawn(ask) {
            return Err(Unusable::new(format!("it cannot be asked ({error})")));
        }
        tokio::select! {
            biased;
            // An asking that fell over has dropped its end.
            answer = &mut told => return answer.unwrap_or_else(|_| Err(Unusable::new("it failed"))),
            () = (self.sleep)(LIMIT) => {}
        }
        // From here on the thread cannot hand over its answer; one that it did hand over counts.
        told.close();
        told.try_recv().unwrap_or_else(|_| {
            self.silent.store(true, Ordering::Relaxed);
            let why = format!("it did not answer within {} s", LIMIT.as_secs());
            Err(Unusable { why, silent: true, off: false })
        })
    }
}

/// What was found under an entry, or why it cannot be read.
pub type Held = Result<Option<Secret>, Unusable>;

/// What was under an entry before it was written; `None` where nothing was.
pub type Before = (Entry, Option<Secret>);

/// Keeps all or none. What cannot be read is not written over, since it could not be put back.
fn keep(keyring: &dyn Keyring, entries: &[(Entry, Secret)], gone: &dyn Fn() -> bool) -> Result<Vec<Before>, Unusable> {
    let held = |(entry, _): &(Entry, Secret)| Ok((entry.clone(), keyring.get(entry)?));
    let before: Vec<Before> = entries.iter().map(held).collect::<Result<_, Unusable>>()?;
    for (at, (entry, secret)) in entries.iter().enumerate() {
        let kept = if gone() { Err(Unusable::new("it answered too late")) } else { keyring.set(entry, secret) };
        if let Err(error) = kept {
            // The one that failed as well: a keyring may say no and have written.
            return Err(match put_back(keyring, before.get(..=at).unwrap_or(&before)) {
                Ok(()) => error,
                Err(left) => Unusable { why: format!("{error}, and {left}"), ..error },
            });
        }
    }
    Ok(before)
}

/// Puts back what can be; names the rest.
fn put_back(keyring: &dyn Keyring, before: &[Before]) -> Result<(), Unusable> {
    let back = |(entry, secret): &&Before| match secret {
        Some(secret) => keyring.set(entry, secret).is_err(),
        None => keyring.delete(entry).is_err(),
    };
    let left: Vec<String> = before.iter().filter(back).map(|(entry, _)| format!("\"{}\"", entry.user())).collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(Unusable::new(format!("what it held before could not be put back under {}", left.join(" and "))))
}
