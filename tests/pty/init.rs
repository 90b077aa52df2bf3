//! The set-up at a terminal, from an empty home to a green `onse check`; stopping it; and the first screen that leads to it.

use std::{fs, path::PathBuf, process::Stdio};

use crate::{
    stop::slow,
    tty::{Home, Tty, files},
};

/// Waits for a question and answers it. What was on screen before is forgotten.
#[track_caller]
fn answer(tty: &mut Tty, question: &str, text: &str) -> String {
    tty.wait_for(question);
    // The sign stands behind the question once keys are taken.
    let screen = tty.wait_for("\n>");
    tty.forget();
    tty.type_keys(&format!("{text}\r"));
    screen
}

fn config(home: &Home) -> PathBuf {
    home.path("home/.config/onse/config.toml")
}

fn mode(path: &PathBuf) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Answers everything up to the question where secrets are kept; says what stood on screen with that question.
fn to_the_place(tty: &mut Tty, said: &serde_json::Value) -> String {
    let text = |key: &str| said[key].as_str().unwrap().to_owned();
    answer(tty, "Name of the profile", "quarter");
    answer(tty, "A word shown wherever", "TEST");
    // The API itself in place of what a browser shows: the other spelling is found.
    answer(tty, "Address of DHIS2", &format!("{}/api", text("dhis2_url")));
    answer(tty, "DHIS2 user name", &text("dhis2_username"));
    answer(tty, "DHIS2 password of", "wrong");
    let screen = answer(tty, "s another secret", "s");
    assert!(screen.contains("stop  DHIS2 sign-in") && screen.contains("401"), "{screen}");
    answer(tty, "DHIS2 password of", &text("dhis2_password"));
    let screen = answer(tty, "Address of CommCare HQ [https://www.commcarehq.org/]", &text("commcare_url"));
    assert!(screen.contains("ok    DHIS2 sign-in") && screen.contains("ok    DHIS2 units"), "{screen}");
    answer(tty, "Project space", &text("project"));
    answer(tty, "CommCare user", &text("commcare_username"));
    answer(tty, "CommCare API key of", &text("commcare_api_key"));
    answer(tty, "Type of the cases", "");
    let screen = answer(tty, "Mapping of properties", "copy");
    assert!(screen.contains("ok    HQ rights") && screen.contains("ok    HQ cases"), "{screen}");
    let screen = tty.wait_for("Where are the secrets kept?");
    assert!(screen.contains("ok    DHIS2 values") && !screen.contains("HQ rights"), "{screen}");
    screen
}

#[test]
fn x05_from_an_empty_home_to_a_green_check_with_a_file_only_when_it_was_chosen() {
    let home = Home::new();
    let (_servers, said) = slow(&home, "0");
    let mut tty = Tty::onse(&home, &["init"], (160, 100));
    let screen = to_the_place(&mut tty, &said);
    assert!(screen.contains("The keyring cannot be used: there is none"), "{screen}");
    answer(&mut tty, "Where are the secrets kept?", "k");
    let screen = answer(&mut tty, "Where are the secrets kept?", "f");
    assert!(screen.contains("The keyring cannot be used"), "{screen}");
    let screen = tty.wait_for("Write this? y or n [n]");
    for text in ["[profiles.quarter]", "label = \"TEST\"", "dhis2_password = ***", "commcare_api_key = ***"] {
        assert!(screen.contains(text), "\"{text}\" is missing on:\n{screen}");
    }
    let folder = home.path("home/.config/onse");
    assert!(!folder.exists(), "nothing is written before yes");
    answer(&mut tty, "Write this?", "y");
    assert_eq!(tty.exit_code(), 0);
    let screen = tty.contents();
    assert!(screen.contains("Next: onse check, then onse"), "{screen}");
    assert!(screen.contains("secrets.toml, which only you can read"), "{screen}");
    for key in ["dhis2_password", "commcare_api_key"] {
        let secret = said[key].as_str().unwrap().as_bytes();
        assert!(!tty.bytes().windows(secret.len()).any(|window| window == secret), "{key} was shown");
    }
    let written: Vec<String> =
        files(&folder).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(written, ["case_property_map.csv", "config.toml", "secrets.toml"]);
    assert_eq!((mode(&folder), mode(&folder.join("secrets.toml")), mode(&config(&home))), (0o700, 0o600, 0o600));
    let text = fs::read_to_string(config(&home)).unwrap();
    assert!(text.starts_with("default_profile = \"quarter\"\n") && text.contains("/dhis2/api\"\n"), "{text}");
    let check = home.command(&["check"]).stdin(Stdio::null()).output().unwrap();
    let lines = String::from_utf8(check.stdout).unwrap();
    assert!(check.status.success() && !lines.contains("stop  "), "{lines}");
    assert!(lines.contains("secrets.toml"), "{lines}");
}

#[test]
fn a_profile_is_added_and_every_byte_before_it_stays() {
    let home = Home::new();
    let (_servers, said) = slow(&home, "0");
    let folder = home.path("home/.config/onse");
    fs::create_dir_all(folder.join(".git")).unwrap();
    let old = "# ours\n[profiles.old.dhis2]\nurl = 'https://d.example.org' # theirs\n[profiles.old.commcare]\nurl='https://h.example.org'\nproject='p'\nusername='u'";
    fs::write(config(&home), old).unwrap();
    let taken = home.command(&["check", "--profile", "quarter"]).output().unwrap();
    assert_eq!(taken.status.code(), Some(2));
    // A name that is taken leads to new secrets, or back to the name.
    let mut tty = Tty::onse(&home, &["init", "--profile", "old"], (160, 100));
    answer(&mut tty, "There is a profile old already", "n");
    let screen = to_the_place(&mut tty, &said);
    assert!(screen.contains("inside a repository"), "{screen}");
    answer(&mut tty, "Where are the secrets kept?", "f");
    let screen = tty.wait_for("Write this?");
    assert!(screen.contains("so that old stays the usual profile"), "{screen}");
    assert!(screen.contains("look  secrets") && screen.contains("lies inside the repository"), "{screen}");
    answer(&mut tty, "Write this?", "y");
    assert_eq!(tty.exit_code(), 0);
    let screen = tty.contents();
    assert!(screen.contains("Next: onse check --profile quarter, then onse --profile quarter"), "{screen}");
    let text = fs::read_to_string(config(&home)).unwrap();
    assert!(text.starts_with(&format!("default_profile = \"old\"\n{old}\n\n[profiles.quarter]\n")), "{text}");
    let check = home.command(&["check", "--profile", "quarter"]).stdin(Stdio::null()).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

#[test]
fn a_password_that_was_changed_is_given_anew() {
    let home = Home::new();
    let (_servers, said) = slow(&home, "0");
    let text = |key: &str| said[key].as_str().unwrap().to_owned();
    let settings = format!(
        "# ours\n[profiles.quarter.dhis2]\nurl = '{}'\nusername = '{}'\n[profiles.quarter.commcare]\nurl = '{}'\nproject = '{}'\n\
         username = '{}' # theirs",
        text("dhis2_url"),
        text("dhis2_username"),
        text("commcare_url"),
        text("project"),
        text("commcare_username")
    );
    let secrets = home.path("home/.config/onse/secrets.toml");
    let before =
        format!("[quarter]\ndhis2_password = 'gone' # May\ncommcare_api_key = '{}'\n", text("commcare_api_key"));
    fs::create_dir_all(home.path("home/.config/onse")).unwrap();
    fs::write(config(&home), &settings).unwrap();
    fs::write(&secrets, &before).unwrap();
    fs::set_permissions(&secrets, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();

    let mut tty = Tty::onse(&home, &["init"], (160, 100));
    tty.wait_for("or gives one its secrets anew");
    answer(&mut tty, "Name of the profile", "quarter");
    answer(&mut tty, "There is a profile quarter already", "y");
    answer(&mut tty, "New DHIS2 password of", "wrong");
    let screen = answer(&mut tty, "s another one", "s");
    assert!(screen.contains("stop  DHIS2 sign-in") && screen.contains("401"), "{screen}");
    answer(&mut tty, "New DHIS2 password of", &text("dhis2_password"));
    let screen = answer(&mut tty, "New CommCare API key of", "");
    assert!(screen.contains("ok    DHIS2 sign-in"), "{screen}");
    let screen = answer(&mut tty, "Write this? y or n [n]", "y");
    assert!(screen.contains("dhis2_password = ***") && !screen.contains("commcare_api_key"), "{screen}");
    assert_eq!(tty.exit_code(), 0);
    assert!(tty.contents().contains("Next: onse check --profile quarter"), "{}", tty.contents());
    let secret = text("dhis2_password");
    assert!(!tty.bytes().windows(secret.len()).any(|window| window == secret.as_bytes()), "it was shown");
    assert_eq!(fs::read_to_string(config(&home)).unwrap(), settings);
    assert_eq!(fs::read_to_string(&secrets).unwrap(), before.replace("'gone'", &format!("\"{secret}\"")));
    assert_eq!(mode(&secrets), 0o600);
    let check = home.command(&["check"]).stdin(Stdio::null()).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

#[test]
fn stopped_or_declined_nothing_is_written() {
    let home = Home::new();
    for (keys, at) in [("\u{3}", "Name of the profile"), ("\u{4}", "Name of the profile")] {
        let mut tty = Tty::onse(&home, &["init"], (160, 50));
        tty.wait_for(at);
        tty.wait_for("\n>");
        tty.type_keys(keys);
        assert_eq!(tty.exit_code(), 130);
        assert!(tty.contents().contains("stopped; nothing was written") && !tty.is_taken());
    }
    let mut tty = Tty::onse(&home, &["init"], (160, 50));
    tty.wait_for("\n>");
    tty.signal("TERM");
    assert_eq!(tty.exit_code(), 130);
    assert!(!tty.is_taken());

    // Nothing is asked of servers that do not answer, and a no at the end is no.
    let mut tty = Tty::onse(&home, &["init"], (160, 100));
    answer(&mut tty, "Name of the profile", "");
    answer(&mut tty, "A word shown", "-");
    answer(&mut tty, "Address of DHIS2", "http://127.0.0.1:1");
    let screen = answer(&mut tty, "k keep it anyway", "k");
    assert!(screen.contains("stop  DHIS2 way") && screen.contains("No connection"), "{screen}");
    answer(&mut tty, "DHIS2 user name", "-");
    answer(&mut tty, "DHIS2 personal access token", "");
    answer(&mut tty, "Address of CommCare HQ", "http://127.0.0.1:1");
    answer(&mut tty, "k keep it anyway", "k");
    answer(&mut tty, "Project space", "p");
    answer(&mut tty, "CommCare user", "u");
    answer(&mut tty, "CommCare API key", "");
    answer(&mut tty, "Type of the cases", "");
    answer(&mut tty, "Mapping of properties", "");
    answer(&mut tty, "Write this?", "n");
    assert_eq!(tty.exit_code(), 0);
    assert!(tty.contents().contains("nothing was written"), "{}", tty.contents());
    assert!(!home.path("home/.config").exists());
}

/// No account can make a folder there.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_exit_1_and_leaves_nothing() {
    let home = Home::new();
    let mut tty = Tty::onse(&home, &["init", "--config", "/proc/onse/config.toml"], (160, 100));
    for (question, text) in [
        ("Name of the profile", ""),
        ("A word shown", ""),
        ("Address of DHIS2", "http://127.0.0.1:1"),
        ("k keep it anyway", "k"),
        ("DHIS2 user name", "u"),
        ("DHIS2 password", ""),
        ("Address of CommCare HQ", "http://127.0.0.1:1"),
        ("k keep it anyway", "k"),
        ("Project space", "p"),
        ("CommCare user", "u"),
        ("CommCare API key", ""),
        ("Type of the cases", ""),
        ("Mapping of properties", ""),
        ("Write this?", "y"),
    ] {
        answer(&mut tty, question, text);
    }
    assert_eq!(tty.exit_code(), 1);
    let screen = tty.contents();
    assert!(screen.contains("config.toml was not written") && screen.contains("Nothing was changed."), "{screen}");
}

#[test]
fn the_first_screen_leads_to_the_demo_the_set_up_and_out() {
    let home = Home::new();
    let first = |home: &Home| {
        let tty = Tty::onse(home, &[], (80, 24));
        tty.wait_for("q  quit");
        assert!(tty.contents().contains("There are no settings yet"), "{}", tty.contents());
        tty
    };
    let mut tty = first(&home);
    tty.type_keys("q");
    assert_eq!(tty.exit_code(), 0);
    assert!(!tty.is_taken());
    let mut tty = first(&home);
    tty.resize((60, 20));
    tty.type_keys("\u{3}");
    assert_eq!(tty.exit_code(), 130);
    let mut tty = first(&home);
    tty.type_keys("s");
    tty.wait_for("Name of the profile");
    tty.wait_for("\n>");
    tty.type_keys("\u{3}");
    assert_eq!(tty.exit_code(), 130);
    let mut tty = first(&home);
    tty.type_keys("d");
    tty.wait_for("read; nothing has been written");
    tty.type_keys("q");
    assert_eq!(tty.exit_code(), 0);
    assert!(!home.path("home/.config").exists());
    // Where nothing can be drawn the same is said.
    let mut tty = Tty::onse_with(&home, &[], (80, 40), &[("TERM", "dumb")]);
    tty.wait_for("onse init");
    assert_eq!(tty.exit_code(), 0);
    // Settings without a profile are none.
    fs::create_dir_all(home.path("home/.config/onse")).unwrap();
    fs::write(config(&home), "# nothing yet\n").unwrap();
    let mut tty = first(&home);
    // The path is long, so the sentence may be broken anywhere.
    let words: Vec<String> = tty.contents().split_whitespace().map(str::to_owned).collect();
    assert!(words.join(" ").contains("has no profile."), "{}", tty.contents());
    tty.type_keys("q");
    assert_eq!(tty.exit_code(), 0);
}
