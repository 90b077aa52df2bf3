use std::{collections::VecDeque, ffi::OsString, fs, sync::Arc};

use super::*;
use crate::{
    cli::init::writing::tests::{Ring, asker, places, private, read},
    io::config::{Places, load},
};

const CONFIG: &str = "# ours\n[profiles.main.dhis2]\nurl = 'https://d.example.org'\nusername = 'i'\n[profiles.main.commcare]\n\
                      url = 'https://h.example.org'\nproject = 'p'\nusername = 'u'";

/// Answers in their order, secrets that the servers refuse, and all that was said.
#[derive(Default)]
struct Script {
    answers: VecDeque<String>,
    refused: Vec<String>,
    tried: Vec<String>,
    said: String,
}

impl Script {
    fn of(answers: &[&str]) -> Self {
        Self { answers: answers.iter().map(|text| (*text).to_owned()).collect(), ..Self::default() }
    }
}

impl Hands for Script {
    async fn ask(&mut self, question: Question) -> Result<String> {
        assert_eq!(question.shown, !question.text.starts_with("New "), "{question:?}");
        self.say(&question.text);
        self.answers.pop_front().ok_or_else(|| anyhow::anyhow!("stopped at: {}", question.text))
    }

    async fn check(&mut self, dhis2: Option<Dhis2Secret>, commcare: Option<CommCareSecret>) -> Result<bool> {
        let secret = match (dhis2, commcare) {
            (Some(Dhis2Secret::Password(secret) | Dhis2Secret::Token(secret)), None)
            | (None, Some(CommCareSecret::ApiKey(secret) | CommCareSecret::Password(secret))) => secret,
            both => panic!("{both:?}"),
        };
        self.tried.push(secret.expose().to_owned());
        Ok(self.refused.iter().any(|refused| refused == secret.expose()))
    }

    fn say(&mut self, text: &str) {
        self.said.push_str(text);
        self.said.push('\n');
    }
}

struct Given {
    places: Places,
    ring: Arc<Ring>,
    env: Vec<(&'static str, &'static str)>,
    _home: tempfile::TempDir,
}

impl Given {
    fn new(secrets: Option<&str>, ring: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let places = places(home.path(), "config.toml");
        fs::write(&places.config, CONFIG).unwrap();
        if let Some(text) = secrets {
            private(&places.secrets, text);
        }
        let held: Ring = Ring::default();
        for (entry, secret) in ring {
            held.0.lock().unwrap().insert((*entry).to_owned(), (*secret).to_owned());
        }
        Self { places, ring: Arc::new(held), env: Vec::new(), _home: home }
    }

    async fn run(&self, script: &mut Script, keyring: &Asker) -> Result<Vec<String>> {
        let config = fs::read_to_string(&self.places.config).unwrap();
        let settings = load(&self.places.config, &config).unwrap();
        let (files, profile) = (read(&self.places), settings.profile(None).unwrap());
        let env = |name: &str| self.env.iter().find(|one| one.0 == name).map(|one| OsString::from(one.1));
        let keeping = Cell::new(false);
        let done = Renewal::new(&files, &settings, profile, keyring, env).await?.run(script, &keeping).await;
        assert!(!keeping.get());
        assert_eq!(fs::read_to_string(&self.places.config).unwrap(), config, "the settings stay byte for byte");
        if let Ok(done) = &done {
            for secret in script.tried.iter().filter(|secret| !secret.is_empty()) {
                assert!(
                    !script.said.contains(secret.as_str()) && !done.concat().contains(secret.as_str()),
                    "{}",
                    script.said
                );
            }
        }
        done
    }

    async fn with_ring(&self, script: &mut Script) -> Result<Vec<String>> {
        self.run(script, &asker(&self.ring)).await
    }

    fn secrets(&self) -> String {
        fs::read_to_string(&self.places.secrets).unwrap_or_default()
    }

    fn held(&self, entry: &str) -> Option<String> {
        self.ring.0.lock().unwrap().get(entry).cloned()
    }
}

const PASSWORD: &str = "main dhis2_password i@https://d.example.org";
const KEY: &str = "main commcare_api_key u@https://h.example.org";

fn off() -> Asker {
    Asker::new(None, Arc::new(|_| Box::pin(std::future::pending())))
}

#[tokio::test]
async fn each_secret_is_renewed_where_it_is_kept() {
    // The password in the keyring, the key in the file.
    let text = "# mine\n[main]\ncommcare_api_key = 'old key' # 2025\n";
    let given = Given::new(Some(text), &[(PASSWORD, "old word")]);
    let mut script = Script::of(&[" new word ", " new-key ", "y"]);
    let done = given.with_ring(&mut script).await.unwrap();
    assert_eq!(given.held(PASSWORD).unwrap(), " new word ");
    assert_eq!(given.secrets(), "# mine\n[main]\ncommcare_api_key = \"new-key\" # 2025\n");
    assert_eq!((given.held(KEY), script.tried), (None, vec![" new word ".to_owned(), "new-key".to_owned()]));
    assert!(
        done[0].contains("password of i of profile main is in the keyring") && done[1].contains("secrets.toml"),
        "{done:?}"
    );
    assert!(script.said.contains("commcare_api_key = ***") && script.said.contains(PASSWORD), "{}", script.said);

    // Enter leaves one as it is, and no says that nothing changed.
    let mut script = Script::of(&["", "0ther", "n"]);
    assert!(given.with_ring(&mut script).await.unwrap().is_empty());
    assert!(given.secrets().contains("new-key") && script.said.contains("nothing was changed"));
    let mut script = Script::of(&["", ""]);
    assert!(given.with_ring(&mut script).await.unwrap().is_empty());
    assert!(script.said.contains("no secret was given"), "{}", script.said);
}

#[tokio::test]
async fn a_secret_that_its_server_refuses_is_asked_again_or_left() {
    let text = "[main]\ndhis2_token = 't'\ncommcare_password = 'p'\n";
    let given = Given::new(Some(text), &[]);
    let refusing = |answers: &[&str]| Script { refused: vec!["bad".into()], ..Script::of(answers) };
    let mut script = refusing(&["bad", "x", "r", "s", " good ", "bad", "l", "y"]);
    given.with_ring(&mut script).await.unwrap();
    // The ways to sign in stay those of the file.
    assert_eq!(given.secrets(), "[main]\ndhis2_token = \"good\"\ncommcare_password = 'p'\n");
    assert_eq!(script.tried, ["bad", "bad", "good", "bad"]);
    assert!(script.said.contains("One of the letters"), "{}", script.said);
    // Stopped, nothing changes.
    let before = given.secrets();
    given.with_ring(&mut refusing(&["new", "bad"])).await.unwrap_err();
    assert_eq!(given.secrets(), before);
    given.with_ring(&mut refusing(&["", "bad", "k", "y"])).await.unwrap();
    assert!(given.secrets().contains("commcare_password = \"bad\""));
}

#[tokio::test]
async fn what_the_environment_gives_is_said_to_be_changed_there() {
    let mut given = Given::new(None, &[(KEY, "old")]);
    given.env = vec![("ONSE_DHIS2_PASSWORD", "env")];
    let mut script = Script::of(&["new", "y"]);
    assert_eq!(given.with_ring(&mut script).await.unwrap().len(), 1);
    assert!(script.said.contains("The secret for DHIS2 is from the environment"), "{}", script.said);
    assert_eq!(
        (given.held(KEY).as_deref(), given.held(PASSWORD), given.places.secrets.exists()),
        (Some("new"), None, false)
    );
}

#[tokio::test]
async fn one_that_is_kept_nowhere_gets_a_place() {
    let given = Given::new(None, &[]);
    let mut script = Script::of(&["w0rd", "k3y", "k", "f", "y"]);
    let done = given.run(&mut script, &off()).await.unwrap();
    assert_eq!(given.secrets(), "[main]\ndhis2_password = \"w0rd\"\ncommcare_api_key = \"k3y\"\n");
    assert!(script.said.contains("The keyring cannot be used: it is turned off") && done.len() == 2, "{}", script.said);
    // The next command may not have it turned off.
    assert!(script.said.contains("What it may hold goes before that file"), "{}", script.said);
    let given = Given::new(None, &[]);
    given.with_ring(&mut Script::of(&["w0rd", "", "", "y"])).await.unwrap();
    assert_eq!((given.held(PASSWORD).as_deref(), given.secrets().as_str()), (Some("w0rd"), ""));
    let mut script = Script::of(&["", "k3y", "n"]);
    assert!(given.with_ring(&mut script).await.unwrap().is_empty());
    assert!(script.said.contains("nothing was kept"), "{}", script.said);
}

/// Somebody who does something before the last question is answered.
struct Meddling<'a>(Script, &'a dyn Fn());
impl Hands for Meddling<'_> {
    async fn ask(&mut self, question: Question) -> Result<String> {
        if question.text.starts_with("Write") {
            (self.1)();
        }
        self.0.ask(question).await
    }

    async fn check(&mut self, _: Option<Dhis2Secret>, _: Option<CommCareSecret>) -> Result<bool> {
        Ok(false)
    }

    fn say(&mut self, text: &str) {
        self.0.say(text);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_used_stops_it_and_the_keyring_is_as_it_was() {
    // Broken, and needed.
    let given = Given::new(Some("[main\n"), &[(PASSWORD, "old")]);
    let error = given.with_ring(&mut Script::of(&[])).await.unwrap_err();
    assert!(format!("{error:#}").contains("Nothing was changed") && Exit::of(&error) == Exit::Usage, "{error:#}");
    // Not needed, so not looked at.
    given.ring.0.lock().unwrap().insert(KEY.to_owned(), "old".to_owned());
    given.with_ring(&mut Script::of(&["new", "", "y"])).await.unwrap();
    assert_eq!(given.held(PASSWORD).unwrap(), "new");
    // Nor where the environment has what the keyring has not.
    for ring in [&[(PASSWORD, "old")][..], &[]] {
        let mut given = Given::new(Some("[main\n"), ring);
        given.env = vec![("ONSE_DHIS2_PASSWORD", "env"), ("ONSE_COMMCARE_API_KEY", "env")];
        given.env.drain(..ring.len());
        let mut script = Script::of(&["new", "y"]);
        given.with_ring(&mut script).await.unwrap();
        assert_eq!(given.held(PASSWORD).as_deref(), ring.first().map(|_| "new"), "{}", script.said);
    }
    // Changed by somebody else while the questions stood.
    let given = Given::new(Some("[main]\ncommcare_api_key = 'k'\n"), &[(PASSWORD, "old")]);
    let settings = load(&given.places.config, CONFIG).unwrap();
    let (files, ring) = (read(&given.places), asker(&given.ring));
    let profile = settings.profile(None).unwrap();
    let renewal = Renewal::new(&files, &settings, profile, &ring, |_| None).await.unwrap();
    let theirs = || fs::write(&given.places.secrets, "# theirs\n").unwrap();
    let mut hands = Meddling(Script::of(&["new", "new", "y"]), &theirs);
    let error = renewal.run(&mut hands, &Cell::new(false)).await.unwrap_err();
    assert!(format!("{error:#}").contains("changed by somebody else"), "{error:#}");
    assert_eq!((given.held(PASSWORD).unwrap().as_str(), given.secrets().as_str()), ("old", "# theirs\n"));
}

/// A secret of the file stops it before the first question; one that would be put there is refused when that is chosen, also where
/// the link comes up while the questions stand.
#[cfg(unix)]
#[tokio::test]
async fn f18_new_secrets_are_not_written_through_a_link() {
    let text = "[main]\ncommcare_api_key = 'old'\n";
    let linked = |given: &Given| {
        let elsewhere = given.places.secrets.with_file_name("elsewhere");
        private(&elsewhere, text);
        let _ = fs::remove_file(&given.places.secrets);
        std::os::unix::fs::symlink(&elsewhere, &given.places.secrets).unwrap();
    };
    let given = Given::new(None, &[]);
    linked(&given);
    let error = given.with_ring(&mut Script::of(&[])).await.unwrap_err();
    let said = format!("{error:#}");
    assert!(said.contains("it is a link") && said.contains("Nothing was changed"), "{said}");
    assert_eq!((Exit::of(&error), given.secrets().as_str()), (Exit::Usage, text));
    // The table is there, and what it has is not needed.
    let mut given = Given::new(None, &[]);
    given.env = vec![("ONSE_COMMCARE_API_KEY", "env")];
    linked(&given);
    let mut script = Script::of(&["w0rd", "f", "n"]);
    assert!(given.run(&mut script, &off()).await.unwrap().is_empty());
    assert!(script.said.contains("secrets.toml cannot be added to: it is a link"), "{}", script.said);
    assert_eq!(given.secrets(), text);
    // Made a link at the last moment: the keyring is not asked either.
    let given = Given::new(Some(text), &[(PASSWORD, "old")]);
    let settings = load(&given.places.config, CONFIG).unwrap();
    let (files, ring) = (read(&given.places), asker(&given.ring));
    let renewal = Renewal::new(&files, &settings, settings.profile(None).unwrap(), &ring, |_| None).await.unwrap();
    let link = || linked(&given);
    let mut hands = Meddling(Script::of(&["new", "new", "y"]), &link);
    let error = renewal.run(&mut hands, &Cell::new(false)).await.unwrap_err();
    let said = format!("{error:#}");
    assert!(said.contains("it is a link") && said.starts_with("nothing was changed"), "{said}");
    assert_eq!((given.held(PASSWORD).unwrap().as_str(), given.secrets().as_str()), ("old", text));
}

#[tokio::test]
async fn a_password_without_its_user_is_refused_as_by_every_command() {
    let text = "[main]\ndhis2_password = 'old'\n";
    let given = Given::new(Some(text), &[]);
    fs::write(&given.places.config, CONFIG.replace("username = 'i'\n", "")).unwrap();
    let error = given.with_ring(&mut Script::of(&["new"])).await.unwrap_err();
    let said = format!("{error:#}");
    assert!(said.contains("There is a DHIS2 password but no user") && said.contains("Nothing was changed"), "{said}");
    assert_eq!((Exit::of(&error), given.secrets().as_str()), (Exit::Usage, text));
    // What goes before the file is not stopped by it.
    let mut given = Given { env: vec![("ONSE_DHIS2_TOKEN", "t")], ..given };
    assert!(given.with_ring(&mut Script::of(&[""])).await.unwrap().is_empty());
    given.env.clear();
    let settings = fs::read_to_string(&given.places.config).unwrap();
    let settings = load(&given.places.config, &settings).unwrap();
    let entry = Entry::dhis2(settings.profile(None).unwrap()).user().to_owned();
    given.ring.0.lock().unwrap().insert(entry.clone(), "old".to_owned());
    let mut script = Script::of(&["new", "", "y"]);
    given.with_ring(&mut script).await.unwrap();
    assert!(given.held(&entry).unwrap() == "new" && script.said.contains("access token"), "{}", script.said);
}

#[tokio::test]
async fn a_profile_of_another_kind_of_name_gets_its_secrets() {
    let given = Given::new(None, &[]);
    fs::write(&given.places.config, CONFIG.replace("profiles.main", "profiles.\"my site\"")).unwrap();
    let mut script = Script::of(&["", "k3y", "f", "y"]);
    given.run(&mut script, &off()).await.unwrap();
    assert_eq!(given.secrets(), "[\"my site\"]\ncommcare_api_key = \"k3y\"\n");
    assert!(script.said.contains("[\"my site\"]\ncommcare_api_key = ***"), "{}", script.said);
}
