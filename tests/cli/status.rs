//! `onse status`, `onse history` and `onse show --csv`: where a review stands, for a person and for a script.

use std::fs;

use serde_json::{Value, json};

use crate::rig::{Home, Ran, cells, ready};

/// The document of `onse status`, with its exit code.
fn status(home: &Home, file: &str) -> (i32, Value) {
    let ran = home.run(&["status", file, "--json"]);
    (ran.code, ran.json())
}

/// What the screen of it says under a name.
fn said<'a>(ran: &'a Ran, name: &str) -> &'a str {
    let line = ran.out.lines().find(|line| line.starts_with(&format!("{name:<9}")));
    line.unwrap_or_else(|| panic!("no line {name} in {ran:?}"))[9..].trim()
}

#[test]
fn a_review_stands_undecided_approved_partly_and_applied() {
    let (home, _servers) = ready();
    home.run(&["plan", "-o", "my q.review"]).ok(3);
    let before = fs::read(home.path("my q.review")).unwrap();
    let (code, first) = status(&home, "my q.review");
    let shown = home.run(&["show", "my q.review", "--json"]).ok(0).json();
    assert_eq!((code, &first["state"], &first["counts"]), (3, &json!("undecided"), &shown["counts"]));
    assert_eq!((&first["file"], &first["next"]), (&json!("my q.review"), &json!("onse review 'my q.review'")));
    let left = ["stop", "review", "none"].map(|key| first["left"][key].as_u64().unwrap());
    assert_eq!(left.iter().sum::<u64>(), shown["counts"]["undecided"].as_u64().unwrap());
    let open = shown["checks"].as_array().unwrap().iter().filter(|check| check["severity"] != "INFO").count();
    assert_eq!(first["checks"].as_array().unwrap().len(), open);

    let ran = home.run(&["status", "my q.review"]).ok(3);
    assert!(ran.err.is_empty() && ran.out.lines().count() <= 24, "{ran:?}");
    let wide = ran.out.lines().filter(|line| line.chars().count() > 80).count();
    assert_eq!(wide, 0, "{ran:?}");
    assert_eq!(said(&ran, "next"), "onse review 'my q.review'");
    assert_eq!(fs::read(home.path("my q.review")).unwrap(), before, "nothing is changed");

    home.run(&["decide", "my q.review", "--where", "", "--approve"]).ok(0);
    home.run(&["decide", "my q.review", "--where", "is:review", "--approve"]).ok(0);
    let sent = status(&home, "my q.review").1["to_send"].as_u64().unwrap();
    home.run(&["submit", "my q.review", "--write", &sent.to_string()]).ok(0);
    // What has a STOP is still undecided: nothing of it is approved, so nothing is half done.
    let (code, some) = status(&home, "my q.review");
    assert_eq!((code, &some["state"], &some["to_send"]), (3, &json!("undecided"), &json!(0)));
    assert_eq!((&some["forms"]["APPLIED"], &some["changes"]["APPLIED"]), (&json!(1), &json!(sent)));

    home.run(&["decide", "my q.review", "--where", "is:stop", "--reject"]).ok(0);
    let (code, done) = status(&home, "my q.review");
    assert_eq!((code, &done["state"], &done["next"]), (0, &json!("applied"), &Value::Null));
    assert_eq!(said(&home.run(&["status", "my q.review"]).ok(0), "next"), "nothing to do");

    // One of them is approved after all: the case is half of what was approved.
    let one =
        cells(&shown).into_iter().find(|(_, cell)| cell["flags"][0]["severity"] == "STOP" && !cell["new"].is_null());
    let (id, cell) = one.unwrap();
    let named = format!("{id} prop:{}", cell["property"].as_str().unwrap());
    home.run(&["decide", "my q.review", "--where", &named, "--approve", "--reason", "seen the register"]).ok(0);
    let (code, partly) = status(&home, "my q.review");
    assert_eq!((code, &partly["state"]), (4, &json!("partly")));
    assert_eq!(partly["next"], "onse submit 'my q.review' --write 1");
}

#[test]
fn what_is_no_review_has_no_standing() {
    let home = Home::new();
    fs::write(home.path("text.review"), "not a review").unwrap();
    home.run(&["status", "text.review", "--json"]).refused(1, &["text.review is not a review file"]);
    home.run(&["status", "gone.review"]).refused(1, &["gone.review", "No such file"]);
}

#[test]
fn history_lists_what_was_read_here_and_names_what_cannot_be_read() {
    let (home, servers) = ready();
    let none = home.run(&["history"]).ok(0);
    assert!(none.out.starts_with("no review in ") && none.err.is_empty(), "{none:?}");
    home.run(&["plan", "--period", "2026Q2"]).ok(3);
    let folder = home.path("data/reviews/onse-demo");
    let file = home.reviews().pop().unwrap().display().to_string();
    home.run(&["decide", &file, "--where", "", "--approve"]).ok(0);
    let ready = status(&home, &file).1["to_send"].as_u64().unwrap();
    home.run(&["submit", &file, "--write", &ready.to_string()]).ok(0);
    let undo = folder.join("undo.review").display().to_string();
    home.run(&["undo", &file, "-o", &undo]).ok(3);
    fs::write(folder.join("text.review"), "not a review").unwrap();
    fs::create_dir_all(home.path("data/reviews/other")).unwrap();
    fs::write(home.path("data/reviews/other/x\u{1b}[2J.review"), "").unwrap();

    let found = home.run(&["history", "--json"]).ok(0).json();
    let reviews = found["reviews"].as_array().unwrap();
    let files: Vec<&str> = reviews.iter().map(|review| review["file"].as_str().unwrap()).collect();
    assert_eq!(files, [&undo, &file], "the newest first");
    assert_eq!((&reviews[1]["project"], &reviews[1]["period"]), (&servers.said["project"], &json!("2026Q2")));
    assert_eq!((&reviews[1]["submitted"]["who"], &reviews[1]["decided"]["who"]), (&json!("tester"), &json!("tester")));
    assert_eq!((&reviews[0]["decided"], &reviews[0]["submitted"]), (&Value::Null, &Value::Null));
    assert!(reviews[0]["undo_of"].is_string() && reviews[1]["undo_of"].is_null(), "{reviews:?}");
    let unreadable = found["unreadable"].as_array().unwrap();
    assert!(unreadable.len() == 2 && unreadable.iter().all(|one| one["gone"] == json!(false)), "{unreadable:?}");

    let shown = home.run(&["history"]).ok(0).out;
    for line in
        ["2026Q2   onse-demo   undecided   changes ", "   undo of ", "decided ", " by tester", "x<1B>[2J.review"]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    let profile = servers.config().lines().find_map(|line| line.strip_prefix("default_profile = ")).map(str::to_owned);
    let profile = profile.unwrap().trim_matches('"').to_owned();
    let ours = home.run(&["history", "--json", "--profile", &profile]).ok(0).json();
    assert_eq!(ours["reviews"].as_array().unwrap().len(), 2);
    home.run(&["history", "--profile", "none"]).refused(2, &["\"none\""]);
}

#[test]
fn history_lists_a_review_that_was_written_elsewhere_until_it_is_gone() {
    let (home, _servers) = ready();
    let read = home.run(&["plan", "-o", "my own.review", "--period", "2026Q2"]).ok(3);
    assert!(read.err.contains("next: onse review 'my own.review'"), "{read:?}");
    // Its one path, also where the folder of this test is reached by a link.
    let file = fs::canonicalize(home.path("my own.review")).unwrap().display().to_string();
    let found = home.run(&["history", "--json"]).ok(0).json();
    assert_eq!((&found["reviews"][0]["file"], found["unreadable"].as_array().unwrap().len()), (&json!(file), 0));
    // One that failed to be read is none.
    home.run(&["plan", "-o", "no.review", "--facility", "no such place"]);
    let decided = home.run(&["decide", "my own.review", "--where", "", "--approve"]).ok(0);
    let ready = status(&home, &file).1["to_send"].as_u64().unwrap();
    // A command that is named can be copied, whatever the name of the file.
    assert!(decided.err.contains(&format!("onse submit 'my own.review' --write {ready}")), "{decided:?}");
    home.run(&["submit", &file, "--write", &ready.to_string()]).ok(0);
    let undone = home.run(&["undo", &file, "-o", "un do.review"]).ok(3);
    assert!(undone.err.contains("next: onse review 'un do.review'"), "{undone:?}");
    let found = home.run(&["history", "--json"]).ok(0).json();
    assert_eq!(found["reviews"].as_array().unwrap().len(), 2, "{found}");
    #[cfg(unix)]
    {
        // A link to it in the data folder makes no second review of it.
        fs::create_dir_all(home.path("data/reviews/p")).unwrap();
        let link = home.path("data/reviews/p/link.review");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let found = home.run(&["history", "--json"]).ok(0).json();
        assert_eq!(found["reviews"].as_array().unwrap().len(), 2, "{found}");
        fs::remove_file(link).unwrap();
    }
    fs::remove_file(&file).unwrap();
    let gone = home.run(&["history"]).ok(0);
    assert!(
        gone.out.contains("it is gone, or its disk is; onse history --forget-gone drops it")
            && gone.out.contains(&file),
        "{gone:?}"
    );
    let found = home.run(&["history", "--json"]).ok(0).json();
    assert_eq!((&found["unreadable"][0]["file"], &found["unreadable"][0]["gone"]), (&json!(file), &json!(true)));
    let dropped = home.run(&["history", "--forget-gone"]).ok(0);
    assert!(dropped.err.contains("1 file that is gone dropped") && !dropped.out.contains(&file), "{dropped:?}");
    assert!(!home.run(&["history"]).ok(0).out.contains("gone") && home.path("un do.review").exists());
}

#[test]
fn a_table_for_a_spreadsheet_holds_what_was_asked_for() {
    let (home, _servers) = ready();
    home.run(&["plan", "-o", "q.review"]).ok(3);
    let counts = status(&home, "q.review").1["counts"].clone();
    let lines =
        |args: &[&str]| home.run(&[&["show", "q.review", "--csv"], args].concat()).ok(0).out.lines().count() as u64;
    assert_eq!(lines(&[]), counts["changes"].as_u64().unwrap() + 1, "the changes and the headings");
    let stop = lines(&["--where", "is:stop"]) - 1;
    assert!(stop > 0 && stop < counts["changes"].as_u64().unwrap());
    assert_eq!(lines(&["--property", "dhis_cbdas"]), counts["facilities"].as_u64().unwrap() + 1);
    let first = home.run(&["show", "q.review", "--csv"]).ok(0).out;
    assert!(
        first.trim_start_matches('\u{feff}').starts_with("case_id,org_unit,facility,property,period,old,new"),
        "{first}"
    );
    for other in ["--json", "--xml", "--trail"] {
        home.run(&["show", "q.review", "--csv", other]).refused(2, &["--csv", other]);
    }
}
