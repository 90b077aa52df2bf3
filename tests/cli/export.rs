//! `onse export`: what is written where, by ending; exit codes; that nothing is ever overwritten and nothing half is left.

use std::{fs, path::Path};

use serde_json::Value;

use crate::rig::{Home, Servers, ready};

/// A review with some changes approved and none sent.
fn planned() -> (Home, Servers) {
    let (home, servers) = ready();
    home.run(&["plan", "-o", "q.review"]).ok(3);
    home.run(&["decide", "q.review", "--where", "", "--approve"]).ok(0);
    (home, servers)
}

/// The lines of a csv file below its headings, however many lines a field has.
fn lines(path: &Path) -> usize {
    csv::Reader::from_path(path).unwrap().into_records().map(Result::unwrap).count()
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

#[test]
fn each_ending_is_written_and_the_review_is_as_it_was() {
    let (home, servers) = planned();
    drop(servers);
    let before = fs::read(home.path("q.review")).unwrap();
    let review = home.run(&["show", "q.review", "--json"]).ok(0);
    let counts = review.json()["counts"].clone();
    for name in ["a.csv", "b.XLSX", "c.html", "d.md", "e.json"] {
        let ran = home.run(&["export", "q.review", "--to", name]).ok(0);
        assert_eq!(ran.out, format!("{name}\n"));
        assert_eq!(ran.err, "");
        assert!(fs::metadata(home.path(name)).unwrap().len() > 100, "{name}");
    }
    assert_eq!(fs::read(home.path("q.review")).unwrap(), before);
    assert_eq!(fs::read_to_string(home.path("e.json")).unwrap(), review.out, "the same as onse show --json");
    let asks = number(&counts["changes"]) + number(&counts["may_be_zero"]);
    assert_eq!(lines(&home.path("a.csv")), asks, "changes and cells that read (0?)");
    home.run(&["export", "q.review", "--to", "all.csv", "--all"]).ok(0);
    assert_eq!(lines(&home.path("all.csv")), number(&counts["cells"]));
    home.run(&["export", "q.review", "--to", "some.csv", "--where", "is:approved"]).ok(0);
    assert_eq!(lines(&home.path("some.csv")), number(&counts["approved"]));
    home.run(&["export", "q.review", "--to", "some.json", "--where", "is:approved"]).ok(0);
    let some: Value = serde_json::from_str(&fs::read_to_string(home.path("some.json")).unwrap()).unwrap();
    assert_eq!(crate::rig::cells(&some).len(), number(&counts["approved"]));
    assert!(fs::read(home.path("b.XLSX")).unwrap().starts_with(b"PK"));
    assert!(fs::read_to_string(home.path("c.html")).unwrap().contains("<h2>Nothing was sent</h2>"));
    assert!(fs::read_to_string(home.path("d.md")).unwrap().contains("## Nothing was sent\n"));
}

#[test]
fn f21_a_report_never_takes_the_place_of_another_file() {
    let (home, _servers) = planned();
    fs::write(home.path("report.html"), "mine").unwrap();
    for expected in ["report-2.html", "report-3.html"] {
        let ran = home.run(&["export", "q.review", "--to", "report.html"]).ok(0);
        assert_eq!(ran.out, format!("{expected}\n"));
    }
    assert_eq!(fs::read_to_string(home.path("report.html")).unwrap(), "mine");
    std::os::unix::fs::symlink("nowhere", home.path("link.md")).unwrap();
    let ran = home.run(&["export", "q.review", "--to", "link.md"]).ok(0);
    assert_eq!(ran.out, "link-2.md\n", "a link that leads nowhere is somebody's too");
    let names = fs::read_dir(home.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().contains(".part")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_cannot_be_exported_is_refused_and_leaves_no_file() {
    let (home, _servers) = planned();
    let files = || home.files().into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    let before = files();
    let refused = |args: &[&str], code, texts: &[&str]| {
        home.run(&[&["export", "q.review", "--to"], args].concat()).refused(code, texts);
    };
    for name in ["report.pdf", "report", ".html", "report.html.gz", "folder/"] {
        refused(&[name], 2, &[".csv .xlsx .html .md .json"]);
    }
    for name in ["r.html", "r.md"] {
        refused(&[name, "--all"], 2, &["a report is of the whole review"]);
        refused(&[name, "--where", "is:stop"], 2, &["a report is of the whole review"]);
    }
    refused(&["r.csv", "--where", "is:nonsense"], 2, &["nonsense"]);
    refused(&["r.csv", "--where", "is:stop", "--all"], 2, &["--all"]);
    refused(&["none/r.csv"], 1, &["none is no folder; no file was written"]);
    home.run(&["export", "none.review", "--to", "r.csv"]).refused(1, &["none.review"]);
    home.run(&["export", "q.review"]).refused(2, &["--to"]);
    assert_eq!(files(), before);
    assert!(!home.path("none").exists());
}

#[test]
fn a_full_disk_leaves_nothing() {
    // A limit on the size of files stands for the disk: 64 blocks of 512 bytes.
    let (home, _servers) = planned();
    let onse = home.command(&["export", "q.review", "--to", "full.json"]);
    let mut limited = std::process::Command::new("sh");
    let words = "trap '' XFSZ; ulimit -f 64; exec \"$0\" export q.review --to full.json";
    limited.arg("-c").arg(words).arg(onse.get_program()).current_dir(home.path("."));
    limited.env_clear().envs(onse.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = limited.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write full.json, and nothing of it was left"), "{said}");
    let left: Vec<_> = home.files().into_iter().filter(|(path, _)| path.to_string_lossy().contains("full")).collect();
    assert!(left.is_empty());
}

#[test]
fn the_mode_is_what_the_umask_gives() {
    let (home, _servers) = planned();
    let onse = home.command(&["export", "q.review", "--to", "shared.md"]);
    let mut shared = std::process::Command::new("sh");
    let words = "umask 022; exec \"$0\" export q.review --to shared.md";
    shared.arg("-c").arg(words).arg(onse.get_program()).current_dir(home.path("."));
    shared.env_clear().envs(onse.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert!(shared.output().unwrap().status.success());
    assert_eq!(home.mode_of("shared.md"), 0o644, "a report may be shared");
}

#[test]
fn a_finished_quarter_is_told_as_one() {
    let (home, servers) = planned();
    let approved = home.run(&["show", "q.review", "--json"]).ok(0).json()["counts"]["approved"].to_string();
    let sent = home.run(&["submit", "q.review", "--write", &approved, "--json"]).ok(0).json();
    drop(servers);
    home.run(&["export", "q.review", "--to", "r.md"]).ok(0);
    let report = fs::read_to_string(home.path("r.md")).unwrap();
    for text in [
        format!("CommCare holds all of {approved} approved values: after sending, each was read back and compared."),
        sent["forms"][0]["form_id"].as_str().unwrap().to_owned(),
        "## Verified; something is left open".to_owned(),
        "| tester | ".to_owned(),
    ] {
        assert!(report.contains(&text), "{text}: {report}");
    }
    let trail = home.run(&["show", "q.review", "--trail", "--json"]).ok(0).json();
    let entries = trail["trail"].as_array().unwrap().len();
    assert!(report.contains(&format!("{entries} entries, SHA-256 of the last one ")), "{entries}");
}
