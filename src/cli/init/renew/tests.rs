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
        let settings = load(&self.places.config, CONFIG).unwrap();
        let (files, profile) = (read(&self.places), settings.profile(Some("main")).unwrap());
        let env = |name: &str| self.env.iter().find(|one| one.0 == name).map(|one| OsString::from(one.1));
        let keeping = Cell::new(false);
        let done = Renewal::new(&files, &settings, profile, keyring, env).await?.run(script, &keeping).await;
        assert!(!keeping.get());
        assert_eq!(fs::read_to_string(&self.places.config).unwrap(), CONFIG, "the settings stay byte for byte");
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
    let given = Given::new(None, &[]);
    given.with_ring(&mut Script::of(&["w0rd", "", "", "y"])).await.unwrap();
    assert_eq!((given.held(PASSWORD).as_deref(), given.secrets().as_str()), (Some("w0rd"), ""));
    let mut script = Script::of(&["", "k3y", "n"]);
    assert!(given.with_ring(&mut script).await.unwrap().is_empty());
    assert!(script.said.contains("nothing was kept"), "{}", script.said);
}

/// Somebody who writes the file of secrets before the last question is answered.
struct Meddling<'a>(Script, &'a Given);
impl Hands for Meddling<'_> {
    async fn ask(&mut self, question: Question) -> Result<String> {
        if question.text.starts_with("Write") {
            fs::write(&self.1.places.secrets, "# theirs\n").unwrap();
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
    // Changed by somebody else while the questions stood.
    let given = Given::new(Some("[main]\ncommcare_api_key = 'k'\n"), &[(PASSWORD, "old")]);
    let settings = load(&given.places.config, CONFIG).unwrap();
    let (files, ring) = (read(&given.places), asker(&given.ring));
    let profile = settings.profile(None).unwrap();
    let renewal = Renewal::new(&files, &settings, profile, &ring, |_| None).await.unwrap();
    let mut hands = Meddling(Script::of(&["new", "new", "y"]), &given);
    let error = renewal.run(&mut hands, &Cell::new(false)).await.unwrap_err();
    assert!(format!("{error:#}").contains("changed by somebody else"), "{error:#}");
    assert_eq!((given.held(PASSWORD).unwrap().as_str(), given.secrets().as_str()), ("old", "# theirs\n"));
}
