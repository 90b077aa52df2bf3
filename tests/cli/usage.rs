//! What is refused before anything is asked of a server: settings, secrets, mapping, arguments, and a screen that is none.

use std::{fs, io::Read as _, path::Path, process::Stdio, sync::Arc};

use onse::{
    domain::plan::{Head, Plan},
    io::store::{Loaded, Store},
};

use crate::{
    between::Mode,
    rig::{Home, cells, ready},
    trouble::through,
};

/// Settings whose servers nobody needs to reach.
const CONFIG: &str = "[profiles.p]\nlabel = \"TEST\"\n\n[profiles.p.dhis2]\nurl = \"https://dhis2.invalid\"\nusername = \"u\"\n\n\
[profiles.p.commcare]\nurl = \"https://hq.invalid\"\nproject = \"p\"\nusername = \"me@example.org\"\n";
const SECRETS: &str = "[p]\ndhis2_password = \"marked-password\"\ncommcare_api_key = \"marked-key\"\n";

#[test]
fn without_settings_the_way_in_is_told() {
    let home = Home::new();
    home.run(&[]).refused(2, &["onse demo", "config.toml", "[profiles.main.dhis2]", "ONSE_DHIS2_PASSWORD"]);
    home.run(&["plan"]).refused(2, &["onse demo", "config.toml"]);
    assert!(home.files().is_empty(), "{:?}", home.files());
}

#[test]
fn settings_are_refused_with_file_and_line() {
    let of = |config: &str| Home::new().settings(config, Some(SECRETS));
    of(&CONFIG.replace("label", "lable")).run(&["plan"]).refused(2, &["config.toml:2: ", "label"]);
    of(&CONFIG.replace("project = \"p\"\n", "")).run(&["plan"]).refused(2, &["config.toml:", "project"]);
    of(&CONFIG.replace("https://dhis2", "http://dhis2")).run(&["plan"]).refused(2, &["config.toml:5: ", "allow_http"]);
    of(&format!("{CONFIG}\n[flags]\nT1 = 3\n")).run(&["plan"]).refused(2, &["config.toml:14: ", "no threshold \"T1\""]);
    of(&format!("{CONFIG}\n[flags]\nt1_away = 0\n"))
        .run(&["plan"])
        .refused(2, &["config.toml:14: ", "t1_away", "rule T1", "from 1 to 50"]);
    of(&format!("{CONFIG}\n[flags]\nrelations = [\n\"cbdas <= village_clinic\",\n]\n"))
        .run(&["plan"])
        .refused(2, &["config.toml:15: ", "S20", "Perhaps \"village_clinics\" is meant"]);
    of(&format!("{CONFIG}\n[keys]\nquit = \"q\"\n"))
        .run(&["plan"])
        .refused(2, &["config.toml:14: ", "[keys] There is no action \"quit\""]);
    of(CONFIG).run(&["plan", "--profile", "q"]).refused(2, &["\"q\"", "Known: p"]);
    of(CONFIG).with("ONSE_PROFILE", "q").run(&["plan"]).refused(2, &["\"q\""]);
    of(CONFIG).run(&["plan", "--config", "else.toml"]).refused(2, &["else.toml", "no such file"]);
}

#[test]
fn secrets_that_are_missing_or_open_to_others_are_refused() {
    let home = Home::new().settings(CONFIG, None);
    home.run(&["plan"]).refused(2, &["ONSE_DHIS2_PASSWORD", "ONSE_COMMCARE_API_KEY", "secrets.toml"]);
    let home = Home::new().settings(CONFIG, Some(SECRETS));
    home.mode("secrets.toml", 0o644);
    home.run(&["plan"]).refused(2, &["secrets.toml", "0644", "chmod 600"]);
    assert!(home.reviews().is_empty());
}

#[test]
fn a_secret_as_an_argument_is_refused_unseen() {
    let home = Home::new();
    for args in [["plan", "--password=marked"], ["--token", "marked"], ["plan", "--commcare-api-key=marked"]] {
        let ran = home.run(&args);
        ran.refused(2, &["secret", "process lists", "history", "ONSE_COMMCARE_API_KEY"]);
        assert!(!ran.err.contains("marked"), "{ran:?}");
    }
}

#[test]
fn a_mapping_that_cannot_be_used_is_refused() {
    let home = Home::new().settings(CONFIG, Some(SECRETS));
    home.run(&["plan", "--mapping", "none.csv"]).refused(2, &["none.csv", "no such file"]);
    fs::write(home.path("bad.csv"), "one,two\n1,2\n").unwrap();
    home.run(&["plan", "--mapping", "bad.csv"]).refused(2, &["bad.csv:1: "]);
    let empty = "case_property,data_element_id,data_set_id,dhis2_name\ndhis_beds,asCqKjclllu,,Beds\n";
    fs::write(home.path("empty.csv"), empty).unwrap();
    home.run(&["plan", "--mapping", "empty.csv"]).refused(2, &["empty.csv:2: ", "data_set_id", "no usable row"]);
    assert!(home.reviews().is_empty());
}

#[test]
fn a_stamp_that_the_mapping_writes_is_refused() {
    let stamped = CONFIG.replace("label = \"TEST\"", "stamp_property = \"dhis_admissions_in_quarter\"");
    let home = Home::new().settings(&stamped, Some(SECRETS));
    home.run(&["plan"]).refused(2, &["dhis_admissions_in_quarter", "stamp_property of profile p"]);
    fs::write(home.path("case_property_map.csv"), include_str!("../../case_property_map.csv")).unwrap();
    home.run(&["plan"]).refused(2, &["case_property_map.csv:", "dhis_admissions_in_quarter"]);
    let reserved = CONFIG.replace("label = \"TEST\"", "stamp_property = \"owner_id\"");
    Home::new().settings(&reserved, Some(SECRETS)).run(&["plan"]).refused(2, &["config.toml:2: ", "owner_id"]);
    assert!(home.reviews().is_empty());
}

#[test]
fn quarters_are_refused_with_examples() {
    let home = Home::new().settings(CONFIG, Some(SECRETS));
    for period in ["2026Q5", "2026", "next"] {
        home.run(&["plan", "--period", period]).refused(2, &[period, "2026Q2", "Q2 2026"]);
    }
    home.run(&["plan", "--period", "2999Q4"]).refused(2, &["2999Q4", "not over", "--allow-unfinished"]);
}

#[test]
fn wrong_usage_is_exit_2_and_help_is_exit_0() {
    let home = Home::new();
    for args in [&["plan", "--nonsense"][..], &["undo"], &["submit", "f"], &["decide", "f", "--where", "x"], &["show"]]
    {
        let ran = home.run(args);
        assert!(ran.code == 2 && ran.out.is_empty() && ran.err.contains("--help"), "{ran:?}");
    }
    home.run(&["show", "f", "--where", "is:odd"]).refused(2, &["is:left"]);
    let version = home.run(&["--version"]).ok(0);
    assert_eq!(version.out, format!("onse {}\n", env!("ONSE_VERSION")));
    assert!(version.out.starts_with(&format!("onse {} (", env!("CARGO_PKG_VERSION"))), "{version:?}");
    for command in ["", "demo", "review", "plan", "show", "decide", "submit", "check", "sandbox"] {
        let args: Vec<&str> = [command, "--help"].into_iter().filter(|arg| !arg.is_empty()).collect();
        let help = home.run(&args).ok(0);
        assert!(help.err.is_empty() && help.out.contains("--profile") && help.out.contains("Usage:"), "{help:?}");
    }
    assert!(home.files().is_empty());
}

#[test]
fn the_screen_needs_a_terminal() {
    let home = Home::new().settings(CONFIG, Some(SECRETS));
    home.run(&[]).refused(2, &["terminal", "onse plan"]);
    home.run(&["review"]).refused(2, &["terminal", "onse plan"]);
    home.run(&["review", "some.review"]).refused(2, &["terminal", "onse show"]);
    home.run(&["demo"]).refused(2, &["terminal", "onse sandbox"]);
    assert_eq!(home.files().len(), 2, "only the settings: {:?}", home.files());
}

#[test]
fn what_is_not_a_review_is_left_alone() {
    let home = Home::new();
    fs::write(home.path("text.review"), "not a review").unwrap();
    for args in [
        &["show", "text.review"][..],
        &["decide", "text.review", "--where", "", "--approve"],
        &["submit", "text.review", "--write", "1"],
    ] {
        home.run(args).refused(1, &["text.review is not a review file"]);
    }
    home.run(&["show", "gone.review"]).refused(1, &["gone.review", "No such file"]);
    assert_eq!(fs::read(home.path("text.review")).unwrap(), b"not a review");
    assert_eq!(home.files().len(), 1, "{:?}", home.files());
}

#[test]
fn an_earlier_review_that_cannot_be_used_is_refused_before_anything_is_read() {
    let home = Home::new().settings(CONFIG, Some(SECRETS));
    fs::write(home.path("text.review"), "not a review").unwrap();
    let none = ["plan", "--previous", "gone.review"];
    home.run(&none).refused(2, &["--previous: ", "gone.review", "Nothing was changed"]);
    home.run(&["plan", "--previous", "text.review"]).refused(2, &["text.review is not a review file"]);
    assert_eq!(home.reviews(), [home.path("text.review")]);
}

#[test]
fn a_review_of_elsewhere_is_not_submitted() {
    let (home, servers) = ready();
    home.run(&["plan", "-o", "q.review"]).ok(3);
    let (this, other) = (["plan", "--previous", "q.review"], servers.config().replace("onse-demo", "other-project"));
    home.run(&this).refused(2, &["q.review is of ", "which is not before ", "the quarter to be read"]);
    fs::write(home.path("other.toml"), other).unwrap();
    home.run(&[&this[..], &["--config", "other.toml"]].concat())
        .refused(2, &["q.review is of project onse-demo, and project other-project is to be read"]);
    home.run(&["decide", "q.review", "--where", "", "--approve"]).ok(0);
    let count = home.run(&["show", "q.review", "--json"]).json()["counts"]["approved"].to_string();
    let other = servers.config().replace("onse-demo", "other-project");
    fs::write(home.path("other.toml"), other).unwrap();
    home.run(&["submit", "q.review", "--write", &count, "--config", "other.toml"])
        .refused(2, &["onse-demo", "other-project", "--profile"]);
    let other = servers.config().replace("127.0.0.1", "localhost");
    fs::write(home.path("other.toml"), other).unwrap();
    home.run(&["submit", "q.review", "--write", &count, "--config", "other.toml"])
        .refused(2, &["127.0.0.1", "localhost"]);
    assert_eq!(home.run(&["show", "q.review", "--json"]).json()["counts"]["sent"], 0);
}

/// The same review, read long ago.
fn aged(from: &Path, to: &Path) {
    let Loaded { plan, used, .. } = Store::read_only(from).unwrap();
    let head = Head { read_at: "2026-01-01T00:00:00Z".to_owned(), ..plan.head.clone() };
    let mut draft = Plan::draft(head, plan.facilities().to_vec(), plan.properties().to_vec());
    for cell in plan.cells() {
        draft.set(cell, plan.old(cell), plan.held(cell), plan.state(cell));
    }
    let store = Store::create(to).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.save_plan(Arc::new(draft.finish()), used, Vec::new(), Vec::new())).unwrap();
    store.close();
}

#[test]
fn a_review_that_is_too_old_is_not_submitted() {
    let (home, _servers) = ready();
    home.run(&["plan", "-o", "young.review"]).ok(3);
    aged(&home.path("young.review"), &home.path("old.review"));
    for (file, exit) in [("old.review", 2), ("young.review", 0)] {
        home.run(&["decide", file, "--where", "prop:dhis_village_clinics", "--approve"]).ok(0);
        let count = home.run(&["show", file, "--json"]).json()["counts"]["approved"].to_string();
        let submit = home.run(&["submit", file, "--write", &count]);
        if exit == 2 {
            submit.refused(2, &["read ", " days ago, and stale_after_days is 14", "onse review --new"]);
            assert_eq!(home.run(&["show", file, "--json"]).json()["counts"]["sent"], 0);
        } else {
            submit.ok(0);
        }
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let (home, _servers) = ready();
    home.run(&["plan", "-o", "q.review"]).ok(3);
    let mut child =
        home.command(&["show", "q.review", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 1];
    let mut pipe = child.stdout.take().unwrap();
    pipe.read_exact(&mut first).unwrap();
    drop(pipe);
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), Vec::new()));
}

#[test]
fn server_text_is_inert_in_every_output() {
    let (home, _servers) = ready();
    let acts = |text: &str| text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
    let plan = home.run(&["plan", "-o", "q.review", "--json"]).ok(3);
    assert!(plan.out.contains("\\u001b[31m") && plan.out.contains("\\u202e"), "the sandbox has a hostile name");
    for args in [
        &["show", "q.review"][..],
        &["decide", "q.review", "--where", "", "--approve"],
        &["show", "q.review", "--json"],
    ] {
        let ran = home.run(args).ok(0);
        assert!(!acts(&ran.out) && !acts(&ran.err), "{args:?}");
    }
    // What a server says of a refusal goes into the error and the log.
    let (home, _servers, between) = through(Mode::Pass);
    between.set(Mode::Hostile);
    let ran = home.run(&["plan", "-o", "r.review", "--log-level", "trace"]).ok(1);
    assert!(ran.err.contains("\u{241b}[2Jno \u{2407}") && !acts(&ran.out) && !acts(&ran.err), "{ran:?}");
    let log = fs::read_to_string(home.path("data/logs/onse.log")).unwrap();
    assert!(log.contains("[2Jno ") && !acts(&log), "{log:?}");
}

#[test]
fn zeros_are_decided_by_name_counted_and_sent() {
    let (home, _servers) = ready();
    let plan = home.run(&["plan", "-o", "q.review", "--json"]).ok(3).json();
    let maybe = plan["counts"]["may_be_zero"].as_u64().unwrap();
    let unflagged = cells(&plan).into_iter().filter(|(_, cell)| {
        let mut flags = cell["flags"].as_array().unwrap().iter();
        let old = cell["old"].as_str().and_then(|old| old.parse::<f64>().ok());
        cell["state"] == "ZERO_NOT_STORED" && old != Some(0.0) && flags.all(|flag| flag["severity"] == "INFO")
    });
    let all = u64::try_from(unflagged.count()).unwrap();
    assert!(all > 3 && all == maybe, "the sandbox has such cells, none of them to be looked at: {all} of {maybe}");
    let of = ["decide", "q.review", "--where", "state:zero_not_stored is:plain"];
    let decide = |act: &str| home.run(&[&of[..], &[act]].concat());
    decide("--approve").refused(1, &[&format!("{all} cells that read (0?)"), "--zero writes 0"]);
    home.run(&["decide", "q.review", "--where", "-state:zero_not_stored", "--zero"])
        .refused(1, &["0 is for cells that read (0?)"]);
    let ran = decide("--zero").ok(0);
    let said = format!("approved 0 for {all} cells where state:zero_not_stored is:plain");
    assert!(ran.out.starts_with(&said), "{ran:?}");
    let said = format!("(0?) {maybe}: approved 0 {all}, kept 0, open {}", maybe - all);
    assert!(ran.out.contains(&said), "{ran:?}");
    assert!(ran.err.contains(&format!("--write {all}")), "{ran:?}");
    let shown = home.run(&["show", "q.review", "--where", "is:approved"]).ok(0);
    let zeros = shown.out.lines().filter(|line| line.contains("  zero")).count();
    assert_eq!(u64::try_from(zeros).unwrap(), all, "{shown:?}");
    home.run(&["submit", "q.review", "--write", "3"])
        .refused(2, &[&format!("{all} approved changes are not sent yet")]);
    let sent = home.run(&["submit", "q.review", "--write", &all.to_string()]).ok(0);
    assert!(sent.out.contains(&format!("applied {all}")), "{sent:?}");
    let counts = home.run(&["show", "q.review", "--json"]).json()["counts"].clone();
    assert_eq!((&counts["zeros"], &counts["approved"], &counts["sent"]), (&all.into(), &0.into(), &all.into()));
    decide("--reject").refused(1, &["sent already"]);
}
