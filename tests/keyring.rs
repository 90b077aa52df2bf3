//! The keyring in the order of secrets, with one that answers, one that is missing or locked, and one that never answers. Rows
//! X05 and X06 of the fault matrix. The keyring of this machine is never asked.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use onse::io::{
    config::{CommCareSecret, Dhis2Secret, Found, Place, Places, Settings, SettingsError, find_secrets, load},
    http::Secret,
    keyring::{Asker, Entry, Keyring, LIMIT, Unusable, wanted},
};
use tempfile::TempDir;

const PASSWORD: &str = "malawi dhis2_password importer@https://dhis2.example.org";
const API_KEY: &str = "malawi commcare_api_key me@example.org@https://www.commcarehq.org";

/// Entries in memory, and what was asked of it.
#[derive(Default)]
struct Fake {
    held: Mutex<BTreeMap<String, String>>,
    asked: Mutex<Vec<String>>,
    /// Why it cannot be used.
    broken: Option<&'static str>,
    /// An entry that cannot be kept.
    full: Option<&'static str>,
    /// An entry that cannot be read.
    odd: Option<&'static str>,
    /// Whether nothing can be deleted.
    stuck: bool,
}

impl Fake {
    fn with(held: &[(&str, &str)]) -> Arc<Self> {
        let held = held.iter().map(|(user, secret)| ((*user).to_owned(), (*secret).to_owned())).collect();
        Arc::new(Self { held: Mutex::new(held), ..Self::default() })
    }

    fn may(&self, entry: &Entry) -> Result<(), Unusable> {
        self.asked.lock().unwrap().push(entry.user().to_owned());
        self.broken.map_or(Ok(()), |why| Err(Unusable::new(why)))
    }

    fn held(&self) -> BTreeMap<String, String> {
        self.held.lock().unwrap().clone()
    }
}

impl Keyring for Fake {
    fn get(&self, entry: &Entry) -> Result<Option<Secret>, Unusable> {
        self.may(entry)?;
        if self.odd == Some(entry.user()) {
            return Err(Unusable::new("what it holds cannot be read"));
        }
        Ok(self.held.lock().unwrap().get(entry.user()).map(Secret::new))
    }

    fn set(&self, entry: &Entry, secret: &Secret) -> Result<(), Unusable> {
        self.may(entry)?;
        if self.full == Some(entry.user()) {
            return Err(Unusable::new("it is full"));
        }
        self.held.lock().unwrap().insert(entry.user().to_owned(), secret.expose().to_owned());
        Ok(())
    }

    fn delete(&self, entry: &Entry) -> Result<(), Unusable> {
        if self.stuck {
            return Err(Unusable::new("it is stuck"));
        }
        self.held.lock().unwrap().remove(entry.user());
        Ok(())
    }
}

/// One that asks on a screen that nobody sees: it comes back only once the test is over.
struct Silent {
    until: Mutex<mpsc::Receiver<()>>,
    asked: Mutex<usize>,
}

impl Keyring for Silent {
    fn get(&self, _entry: &Entry) -> Result<Option<Secret>, Unusable> {
        *self.asked.lock().unwrap() += 1;
        let _ = self.until.lock().unwrap().recv();
        Ok(Some(Secret::new("too late")))
    }

    fn set(&self, entry: &Entry, _secret: &Secret) -> Result<(), Unusable> {
        self.get(entry).map(drop)
    }

    fn delete(&self, _entry: &Entry) -> Result<(), Unusable> {
        Ok(())
    }
}

/// A folder with settings and, where given, a file of secrets.
struct Rig {
    folder: TempDir,
    settings: Settings,
}

impl Rig {
    fn new(secrets: Option<&str>) -> Self {
        Self::of("https://dhis2.example.org/service/dhis2core/api/v0/", "username = \"importer\"\n", secrets)
    }

    fn of(url: &str, user: &str, secrets: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[profiles.malawi.dhis2]\nurl = \"{url}\"\napi_root = true\n{user}[profiles.malawi.commcare]\n\
             url = \"https://www.commcarehq.org\"\nproject = \"onse-iss\"\nusername = \"me@example.org\"\n"
        );
        if let Some(text) = secrets {
            let path = folder.path().join("secrets.toml");
            fs::write(&path, text).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        let settings = load(&folder.path().join("config.toml"), &text).unwrap();
        Self { folder, settings }
    }

    async fn find(&self, env: &[(&str, &str)], keyring: &Asker) -> Result<Found, SettingsError> {
        let config = self.folder.path().join("config.toml");
        let places = Places::find(Some(&config), |_| Some(OsString::from("/data"))).unwrap();
        let lookup = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        find_secrets(&places, &self.settings, self.settings.profile(None).unwrap(), lookup, keyring).await
    }
}

/// Waits as long as it takes.
fn patient(keyring: Arc<dyn Keyring>) -> Asker {
    Asker::new(Some(keyring), Arc::new(|_| Box::pin(std::future::pending())))
}

fn dhis2(found: &Found) -> String {
    match found.dhis2.as_ref().unwrap() {
        Dhis2Secret::Password(secret) => format!("password {}", secret.expose()),
        Dhis2Secret::Token(secret) => format!("token {}", secret.expose()),
    }
}

fn key(found: &Found) -> &str {
    match found.commcare.as_ref().unwrap() {
        CommCareSecret::ApiKey(secret) | CommCareSecret::Password(secret) => secret.expose(),
    }
}

#[tokio::test]
async fn the_keyring_stands_between_the_environment_and_the_file() {
    let rig = Rig::new(Some("[malawi]\ndhis2_password = \"file\"\ncommcare_api_key = \"file\"\n"));
    let full = Fake::with(&[(PASSWORD, "ring"), (API_KEY, "ring")]);
    let found = rig.find(&[], &patient(full.clone())).await.unwrap();
    assert_eq!((dhis2(&found).as_str(), key(&found)), ("password ring", "ring"));
    assert_eq!((found.dhis2_from, found.commcare_from), (Some(Place::Keyring), Some(Place::Keyring)));
    assert_eq!(*full.asked.lock().unwrap(), [PASSWORD, API_KEY]);
    assert!(!format!("{found:?}").contains("ring\""), "{found:?}");

    let half = Fake::with(&[(API_KEY, "ring")]);
    let found = rig.find(&[], &patient(half)).await.unwrap();
    assert_eq!((dhis2(&found).as_str(), key(&found)), ("password file", "ring"));
    assert_eq!((found.dhis2_from, found.commcare_from), (Some(Place::File), Some(Place::Keyring)));

    // What the environment gives is not asked for, and where it gives both nothing is.
    let found = rig.find(&[("ONSE_DHIS2_TOKEN", "env")], &patient(full.clone())).await.unwrap();
    assert_eq!((dhis2(&found).as_str(), key(&found)), ("token env", "ring"));
    assert_eq!(full.asked.lock().unwrap().len(), 3);
    let both = [("ONSE_DHIS2_PASSWORD", "env"), ("ONSE_COMMCARE_PASSWORD", "env")];
    let found = rig.find(&both, &patient(full.clone())).await.unwrap();
    assert_eq!((dhis2(&found).as_str(), key(&found)), ("password env", "env"));
    assert_eq!(found.dhis2_from, Some(Place::Environment));
    assert_eq!(full.asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn what_belongs_to_one_server_never_goes_to_another() {
    let full = Fake::with(&[(PASSWORD, "ring"), ("malawi dhis2_token https://dhis2.example.org", "d2p_ring")]);
    for url in
        ["https://elsewhere.example.org/", "https://dhis2.example.org:8443/", "https://dhis2.example.org.evil.org/"]
    {
        let found = Rig::of(url, "username = \"importer\"\n", None).find(&[], &patient(full.clone())).await.unwrap();
        assert!(found.dhis2.is_none(), "{url}");
    }
    let other = Rig::of("https://dhis2.example.org/", "username = \"another\"\n", None);
    assert!(other.find(&[], &patient(full.clone())).await.unwrap().dhis2.is_none());
    // Without a user it is the token.
    let token = Rig::of("https://dhis2.example.org/", "", None);
    assert_eq!(dhis2(&token.find(&[], &patient(full)).await.unwrap()), "token d2p_ring");
}

#[tokio::test]
async fn x05_a_keyring_that_is_missing_or_locked_is_passed_over() {
    let rig = Rig::new(Some("[malawi]\ncommcare_api_key = \"file\"\n"));
    for why in ["there is none", "it is locked, or may not be used"] {
        let locked = Arc::new(Fake { broken: Some(why), ..Fake::default() });
        let found = rig.find(&[], &patient(locked)).await.unwrap();
        assert_eq!((found.dhis2.is_none(), key(&found)), (true, "file"));
        assert_eq!(found.no_keyring.as_ref().unwrap().to_string(), why);
        assert!(!found.no_keyring.as_ref().unwrap().silent);
        // What is still missing is asked for at the terminal, or named.
        assert!(found.complete().unwrap_err().dhis2);
    }
    let off = Asker::new(None, Arc::new(|_| Box::pin(std::future::pending())));
    let found = rig.find(&[], &off).await.unwrap();
    assert!(found.no_keyring.unwrap().to_string().contains("ONSE_KEYRING=off"));
}

#[tokio::test]
async fn x06_a_keyring_that_never_answers_is_waited_for_once_and_only_so_long() {
    let (over, until) = mpsc::channel::<()>();
    let silent = Arc::new(Silent { until: Mutex::new(until), asked: Mutex::new(0) });
    let waits = Arc::<Mutex<Vec<Duration>>>::default();
    let kept = Arc::clone(&waits);
    // The time is given in: it is over at once.
    let sleep = move |pause| {
        kept.lock().unwrap().push(pause);
        Box::pin(std::future::ready(())) as _
    };
    let asker = Asker::new(Some(silent.clone()), Arc::new(sleep));
    let rig = Rig::new(Some("[malawi]\ncommcare_api_key = \"file\"\n"));
    let found = rig.find(&[], &asker).await.unwrap();
    assert_eq!((found.dhis2.is_none(), key(&found)), (true, "file"));
    let unusable = found.no_keyring.unwrap();
    assert!(unusable.silent && unusable.to_string().contains("within 20 s"), "{unusable}");
    assert_eq!((LIMIT, waits.lock().unwrap().as_slice()), (Duration::from_secs(20), &[LIMIT][..]));
    // Neither waited for nor asked again.
    let again = rig.find(&[], &asker).await.unwrap().no_keyring.unwrap();
    assert!(!again.silent && again.to_string() == "it did not answer before", "{again}");
    assert!(asker.set(vec![(entry(&rig), Secret::new("x"))]).await.is_err());
    assert_eq!(waits.lock().unwrap().len(), 1);
    assert!(*silent.asked.lock().unwrap() <= 1);
    drop(over);
}

fn entry(rig: &Rig) -> Entry {
    Entry::dhis2(rig.settings.profile(None).unwrap())
}

#[tokio::test]
async fn both_secrets_are_kept_or_neither() {
    let rig = Rig::new(None);
    let profile = rig.settings.profile(None).unwrap();
    let both = || vec![(Entry::dhis2(profile), Secret::new("a")), (Entry::commcare(profile), Secret::new("b"))];
    let full = Arc::new(Fake { full: Some(API_KEY), ..Fake::default() });
    assert_eq!(patient(full.clone()).set(both()).await.unwrap_err().to_string(), "it is full");
    assert!(full.held().is_empty());
    let fine = Fake::with(&[]);
    patient(fine.clone()).set(both()).await.unwrap();
    let pair = |user: &str, secret: &str| (user.to_owned(), secret.to_owned());
    assert_eq!(fine.held(), BTreeMap::from([pair(PASSWORD, "a"), pair(API_KEY, "b")]));
    let found = rig.find(&[], &patient(fine.clone())).await.unwrap();
    assert_eq!((dhis2(&found).as_str(), key(&found)), ("password a", "b"));
    // What was there before is handed out, so that it can be put back.
    let newer = || vec![(Entry::dhis2(profile), Secret::new("c"))];
    let before = patient(fine.clone()).set(newer()).await.unwrap();
    assert_eq!(fine.held()[PASSWORD], "c");
    patient(fine.clone()).restore(before).await.unwrap();
    assert_eq!(fine.held(), BTreeMap::from([pair(PASSWORD, "a"), pair(API_KEY, "b")]));
}

#[tokio::test]
async fn what_stood_there_is_put_back_or_it_is_said_that_it_is_not() {
    let rig = Rig::new(None);
    let profile = rig.settings.profile(None).unwrap();
    let both = || vec![(Entry::dhis2(profile), Secret::new("a")), (Entry::commcare(profile), Secret::new("b"))];
    let old = || Mutex::new(BTreeMap::from([(PASSWORD.to_owned(), "old".to_owned())]));
    let full = Arc::new(Fake { full: Some(API_KEY), held: old(), ..Fake::default() });
    assert_eq!(patient(full.clone()).set(both()).await.unwrap_err().to_string(), "it is full");
    assert_eq!(full.held()[PASSWORD], "old");
    let stuck = Arc::new(Fake { full: Some(API_KEY), stuck: true, ..Fake::default() });
    let why = patient(stuck).set(both()).await.unwrap_err().to_string();
    assert!(why.starts_with("it is full, and ") && why.contains(PASSWORD), "{why}");
    // One that cannot be read could not be put back.
    let odd = Arc::new(Fake { odd: Some(API_KEY), held: old(), ..Fake::default() });
    assert!(patient(odd.clone()).set(both()).await.is_err());
    assert_eq!(odd.held()[PASSWORD], "old");
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_hides_no_other() {
    let rig = Rig::new(None);
    let held = Mutex::new(BTreeMap::from([(API_KEY.to_owned(), "ring".to_owned())]));
    let odd = Arc::new(Fake { odd: Some(PASSWORD), held, ..Fake::default() });
    let found = rig.find(&[], &patient(odd)).await.unwrap();
    assert_eq!((found.dhis2.is_none(), key(&found)), (true, "ring"));
    let missing = found.complete().unwrap_err().to_string();
    assert!(missing.ends_with("The keyring was passed over: what it holds cannot be read."), "{missing}");
}

/// One that keeps only once it may, and tells when all is over.
struct Slow {
    fake: Arc<Fake>,
    may: Mutex<mpsc::Receiver<()>>,
    over: mpsc::Sender<()>,
}

impl Keyring for Slow {
    fn get(&self, entry: &Entry) -> Result<Option<Secret>, Unusable> {
        self.fake.get(entry)
    }

    fn set(&self, entry: &Entry, secret: &Secret) -> Result<(), Unusable> {
        let _ = self.may.lock().unwrap().recv();
        self.fake.set(entry, secret)
    }

    fn delete(&self, entry: &Entry) -> Result<(), Unusable> {
        self.fake.delete(entry)?;
        let _ = self.over.send(());
        Ok(())
    }
}

#[tokio::test]
async fn x06_what_is_kept_after_the_limit_is_taken_back() {
    let rig = Rig::new(None);
    let profile = rig.settings.profile(None).unwrap();
    let fake = Fake::with(&[]);
    let (go, may) = mpsc::channel();
    let (over, ended) = mpsc::channel();
    let slow = Arc::new(Slow { fake: Arc::clone(&fake), may: Mutex::new(may), over });
    let asker = Asker::new(Some(slow), Arc::new(|_| Box::pin(std::future::ready(()))));
    let both = vec![(Entry::dhis2(profile), Secret::new("a")), (Entry::commcare(profile), Secret::new("b"))];
    assert!(asker.set(both).await.unwrap_err().silent);
    drop(go);
    // The first entry is taken back; the second may never have been written.
    ended.recv_timeout(Duration::from_mins(1)).unwrap();
    drop(asker);
    while ended.recv_timeout(Duration::from_mins(1)).is_ok() {}
    assert!(fake.held().is_empty(), "{:?}", fake.held());
}

#[tokio::test]
async fn an_entry_that_no_header_can_carry_is_refused_by_its_name_alone() {
    let odd = Fake::with(&[(PASSWORD, "MARKED\n"), (API_KEY, "MARKED")]);
    let error = Rig::new(None).find(&[], &patient(odd)).await.unwrap_err().to_string();
    assert!(error.contains(PASSWORD) && error.contains("line end") && !error.contains("MARKED"), "{error}");
}

#[test]
fn the_variable_is_on_or_off() {
    for (value, on) in [(None, true), (Some(""), true), (Some("on"), true), (Some("off"), false)] {
        assert_eq!(wanted(value).unwrap(), on);
    }
    assert!(wanted(Some("no")).unwrap_err().to_string().contains("on or off"));
}
