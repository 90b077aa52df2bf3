//! `onse check` from outside: what is said of settings, secrets and mapping, the exit code, and JSON.

use std::{fs, io::Read as _, process::Stdio};

use serde_json::Value;

use crate::{
    between::Mode,
    rig::{Home, Ran, Running, Servers, ready},
    trouble::through,
};

/// The lines of a run without JSON, each by its level and what it is about.
fn heads(ran: &Ran) -> Vec<(String, String)> {
    let lines = ran.out.lines().filter(|line| !line.starts_with(' '));
    lines.map(|line| (line[..4].trim().to_owned(), line[6..20].trim().to_owned())).collect()
}

fn lines(ran: &Ran) -> Vec<Value> {
    let whole = ran.json();
    assert_eq!(whole["schema"], 1);
    whole["lines"].as_array().unwrap().clone()
}

#[track_caller]
fn line(ran: &Ran, what: &str, level: &str) -> String {
    let all = lines(ran);
    let found = all.iter().find(|line| line["what"] == what && line["level"] == level);
    let found = found.unwrap_or_else(|| panic!("no {level} of {what} in {all:#?}"));
    format!("{} {}", found["sentence"].as_str().unwrap(), found["remedy"].as_str().unwrap())
}

#[test]
fn all_in_order_is_exit_0_the_same_in_words_and_in_json_and_leaves_nothing() {
    let (home, servers) = ready();
    let (before, words, json) = (home.files(), home.run(&["check"]).ok(0), home.run(&["check", "--json"]).ok(0));
    assert_eq!((words.err.as_str(), json.err.as_str()), ("", ""));
    let each = lines(&json);
    let heads = heads(&words);
    assert_eq!(heads.len(), each.len());
    for ((level, what), line) in heads.iter().zip(&each) {
        assert_eq!((line["level"].as_str(), line["what"].as_str()), (Some(level.as_str()), Some(what.as_str())));
        for text in ["sentence", "remedy"] {
            assert!(words.out.contains(line[text].as_str().unwrap()), "{line}");
        }
    }
    assert_eq!(heads[0], ("ok".to_owned(), "settings".to_owned()));
    assert_eq!(heads.last().unwrap(), &("ok".to_owned(), "mapping".to_owned()));
    assert!(words.out.contains("Profile sandbox (SANDBOX)") && words.out.contains("built-in: 21 rows, 21 usable"));
    for key in ["dhis2_password", "commcare_api_key"] {
        assert!(!words.out.contains(&servers.text(key)) && !json.out.contains(&servers.text(key)));
    }
    assert!(home.reviews().is_empty());
    let is_log = |path: &std::path::Path| path.starts_with(home.path("data/logs"));
    let after: Vec<_> = home.files().into_iter().filter(|(path, _)| !is_log(path)).collect();
    assert_eq!(before.len(), after.len(), "{after:?}");
}

#[test]
fn where_a_secret_is_from_is_told_and_a_missing_one_costs_its_side_only() {
    let home = Home::new();
    let servers = Servers::start(&home, &[]);
    let home = home.settings(&servers.config(), None);
    let none = home.run(&["check", "--json"]).ok(2);
    let missing: Vec<Value> = lines(&none).into_iter().filter(|line| line["level"] == "stop").collect();
    assert_eq!(missing.len(), 2, "{missing:#?}");
    for (line, variable) in missing.iter().zip(["ONSE_DHIS2_PASSWORD", "ONSE_COMMCARE_API_KEY"]) {
        assert!(line["what"] == "secrets" && line["remedy"].as_str().unwrap().contains(variable), "{line}");
    }
    // Nothing that only a server could have said.
    let local = ["settings", "secrets", "DHIS2 way", "HQ way", "mapping"];
    assert!(lines(&none).iter().all(|line| local.contains(&line["what"].as_str().unwrap())));
    let home = home.with("ONSE_COMMCARE_API_KEY", &servers.text("commcare_api_key"));
    let half = home.run(&["check", "--json"]).ok(2);
    assert!(line(&half, "secrets", "ok").contains("from the environment (ONSE_COMMCARE_API_KEY)"));
    assert!(line(&half, "secrets", "stop").contains("dhis2_password"));
    assert!(line(&half, "HQ sign-in", "ok").contains("importer@example.org"));
    // A file that others can read is refused for who needs it; the other side is asked.
    fs::write(home.path("secrets.toml"), servers.secrets()).unwrap();
    home.mode("secrets.toml", 0o644);
    let open = home.run(&["check", "--json"]).ok(2);
    assert!(line(&open, "secrets", "stop").contains("chmod 600"));
    line(&open, "HQ sign-in", "ok");
    home.mode("secrets.toml", 0o600);
    let whole = home.run(&["check", "--json"]).ok(0);
    assert!(lines(&whole)[1]["sentence"].as_str().unwrap().contains("secrets.toml"));
    let both = home.with("ONSE_DHIS2_PASSWORD", "marked-a").with("ONSE_DHIS2_TOKEN", "marked-b");
    let both = both.run(&["check", "--json"]).ok(2);
    assert!(line(&both, "secrets", "stop").contains("Both ONSE_DHIS2_PASSWORD and ONSE_DHIS2_TOKEN"));
    line(&both, "HQ sign-in", "ok");
    assert!(!both.out.contains("marked") && !both.err.contains("marked"));
}

#[test]
fn a_wrong_secret_is_exit_1_and_never_shown() {
    let (home, _servers) = ready();
    let home = home.with("ONSE_DHIS2_PASSWORD", "marked-secret");
    let ran = home.run(&["check", "--json", "--log-level", "trace"]).ok(1);
    assert!(line(&ran, "DHIS2 sign-in", "stop").contains("401"));
    line(&ran, "HQ cases", "ok");
    let log = fs::read_to_string(home.path("data/logs/onse.log")).unwrap();
    assert!(![&ran.out, &ran.err, &log].iter().any(|text| text.contains("marked-secret")));
}

#[test]
fn a_wrong_spelling_is_exit_2_with_what_to_set_and_then_it_works() {
    let (home, servers) = ready();
    for (wrong, set, right) in [
        ("/dhis2\"\napi_root = true", "Set api_root = false", "/dhis2\"\napi_root = false"),
        ("/service/dhis2core/api/v0/\"", "Set api_root = true", "/service/dhis2core/api/v0/\"\napi_root = true"),
    ] {
        let config = |end: &str| servers.config().replacen("/dhis2\"", end, 1);
        fs::write(home.path("config.toml"), config(wrong)).unwrap();
        let ran = home.run(&["check", "--json"]).ok(2);
        assert!(line(&ran, "DHIS2 address", "stop").contains(set), "{ran:?}");
        line(&ran, "DHIS2 values", "ok");
        fs::write(home.path("config.toml"), config(right)).unwrap();
        home.run(&["check"]).ok(0);
    }
}

#[test]
fn settings_that_are_not_there_or_wrong_are_lines_too() {
    let home = Home::new();
    let ran = home.run(&["check", "--json"]).ok(2);
    assert!(line(&ran, "settings", "stop").contains("does not exist"));
    line(&ran, "mapping", "look");
    // A file that somebody named, and one without a profile.
    let ran = home.run(&["check", "--config", "else.toml", "--json"]).ok(2);
    assert!(line(&ran, "settings", "stop").contains("else.toml does not exist") && ran.out.contains("onse init"));
    home.run(&["plan", "--config", "else.toml"]).refused(2, &["no such file", "onse init"]);
    fs::write(home.path("empty.toml"), "# nothing yet\n").unwrap();
    let ran = home.run(&["check", "--config", "empty.toml", "--json"]).ok(2);
    assert!(line(&ran, "settings", "stop").contains("empty.toml has no profile") && ran.out.contains("onse init"));
    home.run(&["plan", "--config", "empty.toml"]).refused(2, &["There is no profile", "onse init"]);
    let (home, servers) = ready();
    fs::write(home.path("config.toml"), servers.config().replace("label", "lable").replace("project ", "projekt "))
        .unwrap();
    let ran = home.run(&["check", "--json"]).ok(2);
    let stops: Vec<Value> = lines(&ran).into_iter().filter(|line| line["level"] == "stop").collect();
    assert!(stops.len() >= 2 && stops[0]["sentence"].as_str().unwrap().contains("config.toml:5: "), "{stops:#?}");
    fs::write(home.path("config.toml"), servers.config()).unwrap();
    let ran = home.run(&["check", "--profile", "q", "--json"]).ok(2);
    assert!(line(&ran, "settings", "stop").contains("\"q\""));
    let certificate = servers.config().replacen("username", "ca_file = \"none.pem\"\nusername", 1);
    fs::write(home.path("config.toml"), certificate).unwrap();
    let ran = home.run(&["check", "--json"]).ok(2);
    assert!(line(&ran, "settings", "stop").contains("none.pem"));
    line(&ran, "HQ sign-in", "ok");
}

#[test]
fn the_mapping_is_told_with_its_lines() {
    let (home, servers) = ready();
    let built_in = include_str!("../../case_property_map.csv");
    let odd = built_in.replacen("yCJBWuhuOLc", "short", 1);
    fs::write(home.path("odd.csv"), &odd).unwrap();
    let at = 1 + odd.lines().position(|line| line.contains("short")).unwrap();
    let ran = home.run(&["check", "--json", "--mapping", "odd.csv"]).ok(2);
    let whole = "odd.csv: 21 rows, 20 usable, 1 remark; 1 row cannot be read as meant.";
    assert!(line(&ran, "mapping", "stop").contains(whole), "{ran:?}");
    let all = lines(&ran);
    let row = all.last().unwrap()["sentence"].as_str().unwrap();
    assert_eq!(all.last().unwrap()["level"], "stop");
    assert!(row.starts_with(&format!("Line {at}, data_element_id \"short\": This is no id")), "{row}");
    assert!(line(&ran, "DHIS2 mapping", "ok").contains("All 20"));
    // A row that waits for its data set is a remark.
    fs::write(home.path("waits.csv"), built_in.replacen("q1Es3k3sZem", "", 1)).unwrap();
    let ran = home.run(&["check", "--json", "--mapping", "waits.csv"]).ok(0);
    assert!(line(&ran, "mapping", "look").contains("waits.csv: 21 rows, 20 usable, 1 remark."));
    assert!(lines(&ran).last().unwrap()["sentence"].as_str().unwrap().starts_with("Line 2, data_set_id: "));
    fs::write(home.path("bad.csv"), "one,two\n1,2\n").unwrap();
    let ran = home.run(&["check", "--json", "--mapping", "bad.csv"]).ok(2);
    assert!(line(&ran, "mapping", "stop").contains("bad.csv:1: "));
    line(&ran, "DHIS2 sign-in", "ok");
    let stamped = servers.config().replacen("label", "stamp_property = \"dhis_admissions_in_quarter\"\nlabel", 1);
    fs::write(home.path("config.toml"), stamped).unwrap();
    let ran = home.run(&["check", "--json"]).ok(2);
    assert!(line(&ran, "mapping", "stop").contains("dhis_admissions_in_quarter is also stamp_property"));
}

#[test]
fn a_server_that_is_down_or_answers_with_a_page_is_exit_1() {
    let (home, servers, _between) = through(Mode::Html);
    let ran = home.run(&["check", "--json"]).ok(1);
    for side in ["DHIS2 address", "HQ address"] {
        assert!(line(&ran, side, "stop").contains("an HTML page"), "{ran:?}");
    }
    drop(servers);
    let (home, servers) = ready();
    drop(servers);
    let ran = home.run(&["check", "--json"]).ok(1);
    for side in ["DHIS2 address", "HQ address"] {
        assert!(line(&ran, side, "stop").contains("No connection"), "{ran:?}");
    }
    assert!(ran.err.contains("DHIS2: next try in") && ran.err.contains("CommCare HQ: next try in"), "{ran:?}");
}

#[test]
fn an_interrupted_check_is_exit_130_and_says_nothing_half() {
    let (home, _servers, between) = through(Mode::Silent);
    let child = home.command(&["check", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut child = Running(child);
    between.unanswered();
    child.interrupt();
    let (mut out, mut err) = (String::new(), String::new());
    child.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.0.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.0.wait().unwrap().code(), out.as_str()), (Some(130), ""), "{err}");
    assert!(err.contains("nothing was written"), "{err}");
}
