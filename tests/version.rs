//! What `onse --version` says of a commit: the build script on repositories made here.

use std::{fs, path::Path, process::Command};

#[path = "../build.rs"]
#[expect(dead_code, clippy::print_stdout, reason = "cargo calls its main function, which speaks on standard output")]
mod build;

/// Runs git; answers whether there is one.
fn git(folder: &Path, args: &[&str]) -> bool {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "t").env(format!("GIT_{who}_EMAIL"), "t@example.org");
        command.env(format!("GIT_{who}_DATE"), "2026-11-23T08:00:00Z");
    }
    let ran = command.output();
    if let Ok(output) = &ran {
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    ran.is_ok()
}

#[test]
fn a_checkout_and_a_worktree_tell_their_commit_and_whether_something_changed() {
    let home = tempfile::tempdir().unwrap();
    let (main, tree) = (home.path().join("main"), home.path().join("tree"));
    fs::create_dir(&main).unwrap();
    fs::write(main.join("Cargo.toml"), "[package]\n").unwrap();
    assert_eq!(build::described(&main), None, "no repository");
    if !git(&main, &["init", "--quiet", "--initial-branch", "main"]) {
        return;
    }
    assert_eq!(build::described(&main), None, "a repository of something else");
    git(&main, &["add", "Cargo.toml"]);
    git(&main, &["commit", "--quiet", "-m", "First"]);
    git(&main, &["worktree", "add", "--quiet", "-b", "other", tree.to_str().unwrap()]);
    for folder in [&main, &tree] {
        let said = build::described(folder).unwrap();
        let (commit, date) = said.split_once(' ').unwrap();
        assert!(commit.len() == 10 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{said}");
        assert_eq!(date, "2026-11-23");
        let watched = build::watched(folder);
        assert!(watched.iter().all(|path| path.exists()) && watched.len() >= 3, "{watched:?}");
        assert!(watched.iter().any(|path| path.ends_with("HEAD")), "{watched:?}");
        let branch = if folder == &main { "refs/heads/main" } else { "refs/heads/other" };
        assert!(watched.iter().any(|path| path.ends_with(branch)), "{watched:?}");
        fs::write(folder.join("Cargo.toml"), "[package]\nname = \"x\"\n").unwrap();
        assert_eq!(build::described(folder).unwrap(), format!("{said}, changed since"));
    }
}

#[test]
fn a_packaged_crate_tells_the_commit_it_was_packed_from() {
    let home = tempfile::tempdir().unwrap();
    let said = |note: &str| {
        fs::write(home.path().join(".cargo_vcs_info.json"), note).unwrap();
        build::described(home.path())
    };
    let sha = "0123456789abcdef0123456789abcdef01234567";
    let note = format!("{{\n  \"git\": {{\n    \"sha1\": \"{sha}\"\n  }},\n  \"path_in_vcs\": \"\"\n}}");
    assert_eq!(said(&note).as_deref(), Some("0123456789"));
    let dirty = format!("{{\"git\":{{\"sha1\":\"{sha}\",\"dirty\":true}},\"path_in_vcs\":\"\"}}");
    assert_eq!(said(&dirty).as_deref(), Some("0123456789, changed since"));
    for nothing in ["", "{}", "{\"git\":{\"sha1\":\"no commit\"}}", "{\"git\":{\"sha1\":\"012\"}}"] {
        assert_eq!(said(nothing), None, "{nothing}");
    }
}
