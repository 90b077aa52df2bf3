//! What every run leaves below `runs`, and the program that is told of it (`notify`).

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use serde_json::{Value, json};

use crate::rig::{Home, Servers, ready};

/// Settings and servers, with a program that writes its environment and its standard input beside the settings.
fn told(script: &str) -> (Home, Servers) {
    let (home, servers) = ready();
    let config = fs::read_to_string(home.path("config.toml")).unwrap();
    let notify = format!("notify = [\"sh\", \"-c\", {}, \"sh\", \"an argument; $HOME\"]\n", json!(script));
    let (before, after) = config.split_once("\n[profiles.").unwrap();
    let (name, rest) = after.split_once('\n').unwrap();
    fs::write(home.path("config.toml"), format!("{before}\n[profiles.{name}\n{notify}{rest}")).unwrap();
    (home, servers)
}

/// The summaries that are kept, in the order of the runs: command and document.
fn runs(home: &Home) -> Vec<(PathBuf, Value)> {
    let files = home.files().into_iter().filter(|(path, _)| path.starts_with(home.path("data/runs")));
    let json = files.filter(|(path, _)| path.extension().is_some_and(|ending| ending == "json"));
    json.map(|(path, bytes)| (path, serde_json::from_slice(&bytes).unwrap())).collect()
}

const DUMP: &str = "cat > told.txt; env > env.txt; printf '%s' \"$1\" > arg.txt; echo heard";

#[test]
fn x04_the_program_that_is_told_gets_no_secret() {
    let (home, servers) = told(DUMP);
    let (password, key) = (servers.text("dhis2_password"), servers.text("commcare_api_key"));
    let home = home
        .with("ONSE_DHIS2_PASSWORD", &password)
        .with("ONSE_COMMCARE_API_KEY", &key)
        .with("ONSE_DHIS2_TOKEN", "")
        .with("BACKUP_URL", &format!("x?{key}"))
        .with("SOCKS_PROXY", "http://me:marked-proxy@127.0.0.1:9")
        .with("PATH", "/usr/bin:/bin")
        .with("HARMLESS", "kept");
    let ran = home.run(&["plan", "-o", "q.review"]).ok(3);
    assert!(ran.err.contains("heard") && !ran.out.contains("heard"), "its words are messages: {ran:?}");
    let env = fs::read_to_string(home.path("env.txt")).unwrap();
    for secret in [&password, &key, "marked-proxy", "ONSE_DHIS2", "ONSE_COMMCARE", "SOCKS_PROXY", "BACKUP_URL"] {
        assert!(!env.contains(secret), "{secret}: {env}");
    }
    let env: BTreeMap<&str, &str> = env.lines().filter_map(|line| line.split_once('=')).collect();
    assert_eq!((env["HARMLESS"], env["ONSE_RUN_EXIT"], env["ONSE_RUN_COMMAND"]), ("kept", "3", "plan"));
    let text = fs::read_to_string(home.path("told.txt")).unwrap();
    let document: Value = serde_json::from_slice(&fs::read(env["ONSE_RUN_JSON"]).unwrap()).unwrap();
    let kept = fs::read_to_string(PathBuf::from(env["ONSE_RUN_JSON"]).with_extension("txt")).unwrap();
    assert_eq!(text, kept, "what is told is what is kept");
    for text in [&text, &document.to_string()] {
        for secret in [&password, &key, "marked-proxy"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
    // The argument went as it stands: no shell of ours took it apart.
    assert_eq!(fs::read_to_string(home.path("arg.txt")).unwrap(), "an argument; $HOME");
    assert_eq!(home.mode_of("data/runs"), 0o700);
    for (path, _) in runs(&home) {
        for path in [path.clone(), path.with_extension("txt")] {
            let name = path.strip_prefix(home.path("")).unwrap().display().to_string();
            assert_eq!(home.mode_of(&name), 0o600, "{name}");
        }
    }
}

#[test]
fn x04_a_secret_of_the_settings_or_of_a_variable_is_handed_on_under_no_other_name() {
    let (home, servers) = told(DUMP);
    let (password, key) = (servers.text("dhis2_password"), servers.text("commcare_api_key"));
    let home = home
        .with("BACKUP", &format!("x?{key}"))
        .with("OTHER", &format!("-p{password}"))
        .with("PATH", "/usr/bin:/bin")
        .with("HARMLESS", "kept");
    let told = |home: &Home, args: &[&str], exit: i32| {
        home.run(args).ok(exit);
        let env = fs::read_to_string(home.path("env.txt")).unwrap();
        assert!(env.contains("HARMLESS=kept"), "{env}");
        for secret in [&password, &key, "BACKUP", "OTHER"] {
            assert!(!env.contains(secret), "{secret}: {env}");
        }
    };
    told(&home, &["plan", "-o", "q.review"], 3);
    // In a run that ended before it read them.
    let secrets = home.files().into_iter().find(|(path, _)| path.ends_with("secrets.toml")).unwrap();
    fs::remove_file(secrets.0).unwrap();
    let home = home.with("ONSE_DHIS2_PASSWORD", &password).with("ONSE_COMMCARE_API_KEY", &key);
    told(&home, &["undo", "gone.review", "-o", "v.review"], 1);
}

#[test]
fn the_newest_hundred_are_kept_and_what_cannot_be_kept_is_told_all_the_same() {
    let (home, _servers) = told("cat > told.txt; printf '%s' \"${ONSE_RUN_JSON-none}\" > json.txt");
    let home = home.with("PATH", "/usr/bin:/bin");
    home.run(&["plan", "-o", "q.review"]).ok(3);
    let path = runs(&home)[0].0.clone();
    for n in 0..100 {
        fs::copy(&path, path.with_file_name(format!("20200101T0000{:02}.{n:03}Z-plan.json", n % 60))).unwrap();
    }
    home.run(&["verify", "q.review"]).ok(0);
    let left = runs(&home);
    assert_eq!(left.len(), 100);
    assert_eq!((left[98].1["command"].as_str(), left[99].1["command"].as_str()), (Some("plan"), Some("verify")));
    let folder = path.parent().unwrap();
    fs::remove_dir_all(folder).unwrap();
    fs::write(folder, "a file in the place of the folder").unwrap();
    let ran = home.run(&["verify", "q.review"]).ok(0);
    assert!(ran.err.contains("the summary of this run could not be kept: "), "{ran:?}");
    assert_eq!(fs::read_to_string(home.path("json.txt")).unwrap(), "none");
    assert!(fs::read_to_string(home.path("told.txt")).unwrap().contains("verify"));
}

#[test]
fn a_quarter_is_told_step_by_step() {
    let (home, _servers) = told("cat >> told.txt");
    let home = home.with("PATH", "/usr/bin:/bin");
    home.run(&["plan", "-o", "q.review"]).ok(3);
    home.run(&["export", "q.review", "--to", "v.csv"]).ok(0);
    let table = fs::read_to_string(home.path("v.csv")).unwrap();
    let filled = table.replacen(",undecided,", ",reject,", 1).replacen(",undecided,", ",maybe,", 1);
    fs::write(home.path("v.csv"), filled).unwrap();
    home.run(&["import", "q.review", "v.csv", "--dry-run"]).ok(5);
    home.run(&["import", "q.review", "v.csv"]).ok(5);
    home.run(&["decide", "q.review", "--where", "", "--approve"]).ok(0);
    home.run(&["submit", "q.review", "--dry-run", "forms"]).ok(0);
    let n = home.run(&["status", "q.review", "--json"]).ok(3).json()["to_send"].to_string();
    home.run(&["submit", "q.review", "--write", "1"]).ok(2);
    home.run(&["submit", "q.review", "--write", &n]).ok(0);
    home.run(&["verify", "q.review"]).ok(0);
    home.run(&["undo", "q.review", "-o", "u.review"]).ok(3);
    home.run(&["undo", "gone.review", "-o", "v.review"]).ok(1);
    let runs = runs(&home);
    let told: Vec<(&str, u64)> =
        runs.iter().map(|(_, run)| (run["command"].as_str().unwrap(), run["exit"].as_u64().unwrap())).collect();
    let expected = [("plan", 3), ("import", 5), ("submit", 2), ("submit", 0), ("verify", 0), ("undo", 3), ("undo", 1)];
    assert_eq!(told, expected, "neither a decision nor a dry run");
    let of = |at: usize| &runs[at].1;
    assert_eq!(
        (&of(0)["file"], &of(0)["next"]),
        (&json!(home.path("q.review")), &json!(format!("onse review {}", home.path("q.review").display())))
    );
    assert_eq!(of(1)["outcome"], "some rows were refused; the others were taken");
    assert_eq!(of(1)["review"]["counts"]["rejected"], 1, "it is the one that was taken and not the dry run");
    assert_eq!((&of(3)["review"]["forms"]["APPLIED"], &of(3)["errors"]), (&json!(1), &json!([])));
    assert!(of(2)["errors"][0].as_str().unwrap().contains("does not match"), "{}", of(2));
    assert_eq!((&of(5)["file"], &of(5)["review"]["undo_of"]), (&json!(home.path("u.review")), &json!("q.review")));
    assert!(of(5)["notes"][0].as_str().unwrap().contains("to be put back"), "{}", of(5));
    assert!(of(6)["file"].is_null(), "no file is named that is not there: {}", of(6));
    let gone = of(6)["errors"].to_string();
    assert!(gone.contains("gone.review") && of(6)["review"].is_null() && of(6)["next"] == "onse check", "{}", of(6));
    let text = fs::read_to_string(home.path("told.txt")).unwrap();
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("onse     ")).collect();
    assert_eq!(heads.len(), expected.len(), "{text}");
    assert!(
        heads[0].starts_with("onse     plan 20")
            && heads[0].ends_with(" of onse-demo (SANDBOX): changes wait for approval"),
        "{text}"
    );
    for (path, run) in &runs {
        let lines = fs::read_to_string(path.with_extension("txt")).unwrap().lines().count();
        assert!((6..=30).contains(&lines), "{lines} lines of {run}");
    }
}

#[test]
fn what_fails_is_told_too_and_a_program_that_fails_changes_nothing() {
    let (home, servers) = told("cat > told.txt; exit 9");
    let home = home.with("PATH", "/usr/bin:/bin");
    home.run(&["plan", "-o", "q.review"]).ok(3);
    drop(servers);
    let ran = home.run(&["plan", "-o", "r.review"]).ok(1);
    assert!(ran.err.contains("notify: sh ended with ") && ran.err.contains("stays as it is"), "{ran:?}");
    let text = fs::read_to_string(home.path("told.txt")).unwrap();
    assert!(text.contains("\nexit     1\n") && text.contains("\nerror    ") && text.contains("onse check"), "{text}");
    let log = fs::read_to_string(home.path("data/logs/onse.log")).unwrap();
    assert!(log.contains("notify: sh ended with "), "{log}");
    let config = fs::read_to_string(home.path("config.toml")).unwrap();
    fs::write(home.path("config.toml"), config.replace("\"sh\", \"-c\"", "\"no-such-program\", \"-c\"")).unwrap();
    let ran = home.run(&["plan", "-o", "r.review"]).ok(1);
    let lines = ran.err.lines().filter(|line| line.contains("notify: no-such-program could not be started")).count();
    assert_eq!(lines, 1, "{ran:?}");
    home.run(&["verify", "q.review"]).ok(0);
}

#[test]
fn a_wrong_notify_is_refused_with_its_line() {
    let (home, _servers) = ready();
    let config = fs::read_to_string(home.path("config.toml")).unwrap();
    let (before, after) = config.split_once("\n[profiles.").unwrap();
    let (name, rest) = after.split_once('\n').unwrap();
    let line = config.lines().position(|line| line.starts_with("[profiles.")).unwrap() + 2;
    for wrong in ["\"mail me\"", "[\"mail\", 7]", "[\"\"]", "true"] {
        let config = format!("{before}\n[profiles.{name}\nnotify = {wrong}\n{rest}");
        fs::write(home.path("config.toml"), config).unwrap();
        home.run(&["plan"]).refused(2, &[&format!("config.toml:{line}: "), "notify"]);
    }
    let config = format!("{before}\n[profiles.{name}\nnotify = []\n{rest}");
    fs::write(home.path("config.toml"), config).unwrap();
    home.run(&["plan", "-o", "q.review"]).ok(3);
}

#[test]
fn the_recipe_for_cron_is_true() {
    let (home, servers) = ready();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_onse"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quarter.sh");
    let run = |args: &[&str]| {
        let mut command = Command::new("/bin/sh");
        command.args(["-e", script]).args(args).env_clear().env("PATH", &path).env("HOME", home.path(""));
        command.env("ONSE_CONFIG", home.path("config.toml")).env("ONSE_DATA_DIR", home.path("data"));
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    // What it could not read is refused before anything is read.
    for refused in ["--json", "--curl"] {
        let (code, out, err) = run(&["--period", "2026Q2", refused]);
        assert!(code == 2 && out.is_empty() && err.contains(refused), "{code} {out} {err}");
    }
    assert!(home.reviews().is_empty());
    let (code, out, err) = run(&["--period", "2026Q2"]);
    assert_eq!(code, 3, "{err}");
    assert!(out.contains("state    undecided") && out.contains("next     onse review "), "{out}");
    assert_eq!(home.reviews().len(), 1);
    drop(servers);
    let (code, out, err) = run(&["--period", "2026Q2"]);
    assert!(code == 1 && out.contains("exit 1") && err.contains("onse: "), "{out} {err}");
    assert_eq!(home.reviews().len(), 1);
}
