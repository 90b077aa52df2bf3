//! What is told of a run, and to whom.

use super::*;
use crate::{
    domain::{
        ledger::{Act, Ledger, Stamp},
        plan::{Cell, State, sample},
    },
    job::session::Opened,
};

const NEVER: Duration = Duration::from_mins(10);

fn hook<'a>(program: &'a str, args: &'a [String]) -> Hook<'a> {
    Hook { program, args, command: "plan", exit: Exit::Waiting, json: None }
}

fn sh(script: &str) -> [String; 2] {
    ["-c".to_owned(), script.to_owned()]
}

fn path() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| name == "PATH")
}

#[cfg(unix)]
#[test]
fn a_program_that_hangs_is_stopped_and_one_that_reads_nothing_is_no_fault() {
    let hang = sh("exec sleep 600");
    let why = hook("sh", &hang).run("text", &[], path(), Duration::ZERO).unwrap();
    assert_eq!(why, "sh took longer than 0 s and was stopped");
    let deaf = sh("exec true");
    assert_eq!(hook("sh", &deaf).run(&"long\n".repeat(100_000), &[], path(), NEVER), None);
    let fails = sh("exit 7");
    let why = hook("sh", &fails).run("text", &[], path(), NEVER).unwrap();
    assert!(why.starts_with("sh ended with ") && why.contains('7'), "{why}");
    let why = hook("no-such-program-here", &[]).run("text", &[], path(), NEVER).unwrap();
    assert!(why.starts_with("no-such-program-here could not be started: "), "{why}");
}

#[cfg(unix)]
#[test]
fn what_a_program_started_is_stopped_with_it() {
    use std::io::Read as _;

    let (mut said, says) = io::pipe().unwrap();
    let hang = sh("sleep 600 | cat");
    // The limit is there so that the children are as well when it comes; how long they took to start is no matter.
    let why = hook("sh", &hang).run_to(says.into(), "text", &[], path(), Duration::from_secs(1)).unwrap();
    assert!(why.ends_with("was stopped"), "{why}");
    // Comes back only once nobody holds the other end any more.
    assert_eq!(said.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn what_holds_a_secret_is_not_handed_on() {
    let secrets = [Secret::new("marked"), Secret::new("")];
    let kept = |name: &str, value: &str| !secret(OsStr::new(name), OsStr::new(value), &secrets);
    for name in SECRET {
        assert!(!kept(name, "anything"), "{name}");
    }
    assert!(!kept("BACKUP", "user=me key=marked;"));
    for proxy in ["http://me:hidden@proxy:3128", "socks5://a%40b:c@host/", "x=1 https://a:b@c", "me:hidden@proxy:3128"]
    {
        assert!(!kept("HTTPS_PROXY", proxy) && !kept("DATABASE", proxy), "{proxy}");
    }
    for name in ["https_proxy", "All_Proxy"] {
        assert!(!kept(name, "token@proxy:3128") && kept(name, "proxy:3128"), "{name}");
    }
    for (name, value) in [
        ("PATH", "/opt/marked/bin"),
        ("HTTPS_PROXY", "http://proxy:3128"),
        ("URL", "https://host/a:b@c"),
        ("HOME", "/root"),
        ("MAIL_TOKEN", "x"),
        ("MAIL", "ann@example.org"),
        ("REMOTE", "ssh://git@example.org/a:b"),
    ] {
        assert!(kept(name, value), "{name}");
    }
}

#[test]
fn the_newest_are_kept_and_nothing_else_is_touched() {
    let home = tempfile::tempdir().unwrap();
    let name = |n: usize| format!("20261123T0610{n:02}.000Z-plan");
    for n in 0..5 {
        for ending in ["json", "txt"] {
            fs::write(home.path().join(format!("{}.{ending}", name(n))), "").unwrap();
        }
    }
    let mine = ["notes.txt", "2026-plan.json", "20261123T061000.000Z-plan.csv", "zzz-plan.txt"];
    for mine in mine {
        fs::write(home.path().join(mine), "").unwrap();
    }
    prune(home.path(), 2);
    let mut left: Vec<String> = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !mine.contains(&name.as_str()))
        .collect();
    left.sort();
    let expected = [3, 4].map(|n| ["json", "txt"].map(|ending| format!("{}.{ending}", name(n)))).concat();
    assert_eq!(left, expected);
    assert!(mine.iter().all(|mine| home.path().join(mine).exists()));
}

#[test]
fn two_runs_of_one_instant_have_two_files() {
    let home = tempfile::tempdir().unwrap();
    let names: Vec<PathBuf> = (0..2).map(|_| fresh(home.path(), "20261123T061000.000Z-plan").unwrap().0).collect();
    assert!(names[0].ends_with("20261123T061000.000Z-plan.json"));
    assert!(names[1].ends_with("20261123T061000.000Z-plan-2.json"));
    assert!(names.iter().all(|name| stem(name.file_name().unwrap()).is_some()));
}

/// How a review stands in which so many changes wait, and one facility was read or not.
fn standing_of(waiting: u32, read: bool) -> Standing {
    let plan = sample(3, 1, |draft| {
        if !read {
            draft.set(Cell { facility: 2, property: 0 }, Some("1"), None, State::FetchFailed);
        }
    });
    let mut ledger = Ledger::new(&plan);
    let stamp = Stamp { at: String::new(), who: String::new() };
    let decided: Vec<Cell> =
        plan.cells().filter(|cell| Act::Reject.fits(&plan, *cell) && cell.facility >= waiting).collect();
    if !decided.is_empty() {
        ledger.decide(&plan, Act::Reject, decided, None, "", &stamp).unwrap();
    }
    let (forms, elsewhere, reset) = (Vec::new(), Vec::new(), Vec::new());
    let opened = Opened { plan: plan.into(), ledger, place: None, forms, elsewhere, submitted: None, reset };
    let standing = Standing::of(&opened, Path::new("q.review"));
    assert_eq!((standing.counts.undecided, standing.incomplete), (waiting, !read));
    standing
}

#[test]
fn how_a_run_ended_is_told_as_it_was() {
    let (whole, partly) = (standing_of(1, true), standing_of(1, false));
    let decided = standing_of(0, false);
    for (command, exit, review, words) in [
        ("plan", Exit::Waiting, None, "changes wait for approval"),
        ("plan", Exit::Waiting, Some(&whole), "changes wait for approval"),
        ("plan", Exit::Waiting, Some(&partly), "changes wait for approval, and some facilities could not be read"),
        ("plan", Exit::Waiting, Some(&decided), "some facilities could not be read"),
        ("plan", Exit::Failed, Some(&partly), "failed"),
        ("submit", Exit::Done, Some(&decided), "done"),
        ("submit", Exit::Held, Some(&whole), "some approved changes were held; the others, if any, were applied"),
        ("import", Exit::Held, Some(&whole), "some rows were refused; the others were taken"),
        ("import", Exit::Held, None, "some rows were refused; the others were taken"),
        ("import", Exit::Done, Some(&whole), "done"),
        ("import", Exit::Stopped, Some(&whole), "refused by an open STOP"),
    ] {
        assert_eq!(outcome(command, exit, review), words, "{command} {exit:?}");
    }
}
