//! The set-up without a terminal, what a check says of secrets, repositories and the way to the servers, and the keyring's variable.

use std::fs;

use serde_json::Value;

use crate::rig::{Home, Ran, Servers, ready};

fn lines(ran: &Ran) -> Vec<Value> {
    ran.json()["lines"].as_array().unwrap().clone()
}

fn sentences(ran: &Ran, what: &str) -> Vec<String> {
    let lines = lines(ran).into_iter().filter(|line| line["what"] == what);
    lines.map(|line| format!("{} {}", line["level"].as_str().unwrap(), line["sentence"].as_str().unwrap())).collect()
}

#[test]
fn without_a_terminal_it_is_exit_2_and_says_what_to_write() {
    let home = Home::new();
    home.run(&["init"])
        .refused(2, &["at a terminal", "does not exist", "[profiles.main.dhis2]", "ONSE_COMMCARE_API_KEY"]);
    assert!(home.files().is_empty(), "{:?}", home.files());
    let (home, _servers) = ready();
    let before = home.files();
    home.run(&["init"]).refused(2, &["Add a profile to ", "[profiles.main.commcare]", "onse check"]);
    home.run(&["init", "--password", "x"]).refused(2, &["a secret is not taken as an argument"]);
    assert_eq!(home.files(), before);
}

#[test]
fn x08_secrets_inside_a_repository_are_warned_of() {
    let (home, _servers) = ready();
    assert!(!home.run(&["check"]).ok(0).out.contains("repository"));
    fs::create_dir(home.path(".git")).unwrap();
    let ran = home.run(&["check", "--json"]).ok(0);
    let said = sentences(&ran, "secrets");
    let warned = said.iter().find(|said| said.contains("lies inside the repository")).unwrap();
    assert!(warned.starts_with("look ") && warned.contains("secrets.toml"), "{warned}");
    // Without the file there is nothing to be committed.
    fs::remove_file(home.path("secrets.toml")).unwrap();
    assert!(!home.run(&["check"]).ok(2).out.contains("repository"));
}

#[test]
fn x05_no_way_to_a_keyring_is_a_line_of_the_log_and_no_more() {
    let home = Home::new();
    let servers = Servers::start(&home, &[]);
    let home = home.settings(&servers.config(), Some(&servers.secrets()));
    let ran = home.run(&["plan", "-o", "q.review"]).ok(3);
    assert!(!ran.err.contains("keyring"), "{ran:?}");
    let log = fs::read_to_string(home.path("data/logs/onse.log")).unwrap();
    assert_eq!(log.matches("secrets were not looked for in the keyring").count(), 1, "{log}");
    // Where the environment gives both, nobody goes there.
    fs::remove_file(home.path("data/logs/onse.log")).unwrap();
    let home = home
        .with("ONSE_DHIS2_PASSWORD", &servers.text("dhis2_password"))
        .with("ONSE_COMMCARE_API_KEY", &servers.text("commcare_api_key"));
    home.run(&["plan", "-o", "r.review"]).ok(3);
    assert!(!fs::read_to_string(home.path("data/logs/onse.log")).unwrap().contains("keyring"));
}

#[test]
fn the_keyring_is_turned_on_or_off_and_nothing_else() {
    let (home, _servers) = ready();
    let home = home.with("ONSE_KEYRING", "off");
    home.run(&["check"]).ok(0);
    let (home, _servers) = ready();
    home.with("ONSE_KEYRING", "never").run(&["plan"]).refused(2, &["ONSE_KEYRING must be on or off"]);
}

#[test]
fn the_way_to_each_server_is_told() {
    let (home, servers) = ready();
    let ran = home.run(&["check", "--json"]).ok(0);
    assert_eq!(sentences(&ran, "DHIS2 way"), ["ok http, on this machine; without a proxy."]);
    assert_eq!(sentences(&ran, "HQ way"), ["ok http, on this machine; without a proxy."]);
    let config =
        servers.config().replacen("http://", "https://", 1).replacen("username", "ca_file = \"own.pem\"\nusername", 1);
    fs::write(home.path("config.toml"), config).unwrap();
    let ran = home.run(&["check", "--json"]).ok(2);
    let said = sentences(&ran, "DHIS2 way");
    assert!(
        said[0].contains("https, with the certificate authorities of this system and those of ")
            && said[0].contains("own.pem")
    );
}
