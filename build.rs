//! Tells the program what it was built from, for `onse --version`: the commit and its date, and whether something was changed since.
//! Asks `git`, or the note that a packaged crate carries; without either it is the version alone. No network.
//!
//! Only for a release build: it would make every commit a full rebuild while the program is worked on.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let version = variable("CARGO_PKG_VERSION");
    let built = if variable("PROFILE") == "release" {
        let folder = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
        for path in watched(&folder) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        described(&folder)
    } else {
        Some("debug build".to_owned())
    };
    let built = built.map(|built| format!(" ({built})")).unwrap_or_default();
    println!("cargo::rustc-env=ONSE_VERSION={version}{built}");
}

/// What the sources in this folder are, such as `abc1234567 2026-11-23`; `None` where nobody knows.
pub(crate) fn described(folder: &Path) -> Option<String> {
    let note = folder.join(NOTE);
    if note.exists() {
        return packaged(&fs::read_to_string(note).ok()?);
    }
    // The sources may lie in a repository that is not theirs.
    git(folder, &["ls-files", "--error-unmatch", "Cargo.toml"])?;
    let commit = git(folder, &["log", "-1", "--abbrev=10", "--format=%h %cs"])?;
    let changed = git(folder, &["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit}, changed since") })
}

/// What moves when another commit is built, and the sources, since a change to them is told as well. Only what is there: cargo
/// takes a path that is missing for one that changed.
pub(crate) fn watched(folder: &Path) -> Vec<PathBuf> {
    let branch = git(folder, &["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD", "packed-refs", "logs/HEAD"].into_iter().map(str::to_owned).chain(branch);
    // In a worktree .git is a file, and some of these lie elsewhere: git knows where.
    let moving = names.filter_map(|name| git(folder, &["rev-parse", "--git-path", &name]));
    let sources = ["src", "Cargo.toml", "Cargo.lock", NOTE].into_iter().map(str::to_owned);
    moving.chain(sources).map(|path| folder.join(path)).filter(|path| path.exists()).collect()
}

/// The note of a packaged crate.
const NOTE: &str = ".cargo_vcs_info.json";

/// The commit in such a note.
fn packaged(note: &str) -> Option<String> {
    let (_, rest) = note.split_once("\"sha1\"")?;
    let commit: String = rest.split('"').nth(1)?.chars().take(10).collect();
    if commit.len() != 10 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let dirty =
        rest.split_once("\"dirty\"").is_some_and(|(_, rest)| rest.trim_start_matches([':', ' ']).starts_with("true"));
    Some(if dirty { format!("{commit}, changed since") } else { commit })
}

/// What git says on one or no line; `None` where there is no git, or it says no.
fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // Set by hooks, for another repository.
    command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
    let output = command.arg("-C").arg(folder).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
