//! What only a terminal sees: the way in without settings, a secret that is asked for, and the review that is gone on with.

use std::{
    io::{Read as _, Write},
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::{
    between::Mode,
    rig::{Home, Servers, cells, ready},
    trouble::{approved, interrupted_twice, through},
};

/// Longest wait for a text.
const PATIENCE: Duration = Duration::from_mins(1);

/// The program in a terminal of 24 lines and 100 columns.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    pieces: mpsc::Receiver<Vec<u8>>,
    shown: String,
    bytes: Vec<u8>,
    _master: Box<dyn MasterPty + Send>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Terminal {
    pub(crate) fn start(home: &Home, args: &[&str]) -> Self {
        let pty = native_pty_system();
        let pair = pty.openpty(PtySize { rows: 24, cols: 100, pixel_width: 0, pixel_height: 0 }).unwrap();
        let like = home.command(args);
        let mut command = CommandBuilder::new(like.get_program());
        command.args(like.get_args());
        command.env_clear();
        command.cwd(like.get_current_dir().unwrap());
        for (name, value) in like.get_envs() {
            command.env(name, value.unwrap());
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (tell, pieces) = mpsc::channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut piece) {
                if tell.send(piece[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child, keys, pieces, shown: String::new(), bytes: Vec::new(), _master: pair.master }
    }

    fn take(&mut self, piece: &[u8]) {
        self.shown.push_str(&String::from_utf8_lossy(piece));
        self.bytes.extend_from_slice(piece);
    }

    /// Waits until this text came, after what was waited for before.
    #[track_caller]
    pub(crate) fn wait(&mut self, text: &str) {
        let begun = Instant::now();
        while !self.shown.contains(text) {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            match self.pieces.recv_timeout(left) {
                Ok(piece) => self.take(&piece),
                Err(why) => panic!("waited for \"{text}\" ({why}); last: {:?}", self.shown),
            }
        }
    }

    /// Waits until this text is on screen.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) {
        let begun = Instant::now();
        loop {
            let mut screen = vt100::Parser::new(24.try_into().unwrap(), 100.try_into().unwrap(), 0);
            screen.process(&self.bytes);
            let contents = screen.screen().contents();
            if contents.contains(text) {
                return;
            }
            match self.pieces.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
                Ok(piece) => self.take(&piece),
                Err(why) => panic!("waited for \"{text}\" ({why}); last on screen:\n{contents}"),
            }
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end: the exit code, and everything that was shown.
    pub(crate) fn end(mut self) -> (u32, String) {
        while let Ok(piece) = self.pieces.recv_timeout(PATIENCE) {
            self.take(&piece);
        }
        (self.child.wait().unwrap().exit_code(), std::mem::take(&mut self.shown))
    }
}

#[test]
fn without_settings_the_way_in_is_shown() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home, &[]);
    terminal.shows("d  demo");
    terminal.shows("s  set up");
    terminal.press("q");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn a_missing_secret_is_asked_for_and_not_shown() {
    let home = Home::new();
    let servers = Servers::start(&home, &[]);
    let config = servers.config();
    let home = home.settings(&config, None);
    let mut terminal = Terminal::start(&home, &["plan", "-o", "q.review"]);
    terminal.wait("DHIS2 password of importer (not shown): ");
    terminal.press(&format!("{}\r", servers.text("dhis2_password")));
    terminal.wait("CommCare API key of importer@example.org (not shown): ");
    terminal.press(&format!("{}\r", servers.text("commcare_api_key")));
    let (code, shown) = terminal.end();
    assert_eq!(code, 3, "{shown}");
    assert!(shown.contains("file     q.review"), "{shown}");
    for secret in ["dhis2_password", "commcare_api_key"] {
        assert!(!shown.contains(&servers.text(secret)), "{shown}");
    }
    let mut terminal = Terminal::start(&home, &["plan", "-o", "r.review"]);
    terminal.wait("(not shown): ");
    terminal.press("half a pass\u{3}");
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");
    assert!(!shown.contains("half a pass") && !home.path("r.review").exists(), "{shown}");
}

#[test]
fn the_newest_unfinished_review_is_gone_on_with() {
    let (home, _servers) = ready();
    let leave = |mut terminal: Terminal, seen: &str| {
        terminal.wait(seen);
        terminal.press("q");
        let (code, shown) = terminal.end();
        assert_eq!(code, 0, "{shown}");
        shown
    };
    // Both sides are read into a new review; leaving says where it is.
    let shown = leave(Terminal::start(&home, &["review"]), "Left to decide");
    assert!(shown.contains("onse review ") && shown.contains("goes on from there"), "{shown}");
    let first = home.reviews();
    assert_eq!(first.len(), 1);
    leave(Terminal::start(&home, &[]), "went on with the unfinished review");
    assert_eq!(home.reviews(), first, "no new one");
    leave(Terminal::start(&home, &["review", "--new"]), "Left to decide");
    assert_eq!(home.reviews().len(), 2);
    // Another scope is another review.
    let facility = home.run(&["show", first[0].to_str().unwrap(), "--json"]).json()["facilities"][3]["case_id"].clone();
    leave(Terminal::start(&home, &["review", "--facility", facility.as_str().unwrap()]), "Left to decide");
    assert_eq!(home.reviews().len(), 3);
    leave(Terminal::start(&home, &["review", "--offline", first[0].to_str().unwrap()]), "Left to decide");
}

#[test]
fn the_second_to_open_a_review_looks_at_it_and_is_told_who_holds_it() {
    let (home, _servers) = ready();
    home.run(&["plan", "-o", "q.review"]).ok(3);
    let open = ["review", "--offline", "q.review"];
    let mut first = Terminal::start(&home, &open);
    first.wait("Left to decide");
    let process = format!("process {}", first.child.process_id().unwrap());
    let mut second = Terminal::start(&home, &open);
    second.wait("opened for reading only: ");
    second.wait(&process);
    second.press("3r");
    second.press("q");
    let (code, shown) = second.end();
    assert_eq!(code, 0, "{shown}");
    first.press("q");
    assert_eq!(first.end().0, 0);
    let review = home.run(&["show", "q.review", "--json"]).json();
    assert!(cells(&review).iter().all(|(_, cell)| cell["verdict"].is_null()), "the second decided");
    let names = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let all: Vec<String> = home.files().iter().map(|(path, _)| names(path)).collect();
    assert_eq!(all.iter().filter(|name| name.starts_with("q.review")).count(), 1, "{all:?}");
    // A folder that takes no file: the lock cannot be made.
    std::fs::create_dir(home.path("q.review-lock")).unwrap();
    let mut third = Terminal::start(&home, &open);
    third.wait("opened for reading only: ");
    third.press("q");
    assert_eq!(third.end().0, 0);
}

#[test]
fn leaving_with_a_form_that_is_not_settled_is_exit_4() {
    let (home, _servers, between) = through(Mode::LoseForms);
    let count = approved(&home);
    interrupted_twice(&home, &between, &count).ok(4);
    for args in [&["review", "--offline", "q.review"][..], &["review", "q.review"]] {
        let mut terminal = Terminal::start(&home, args);
        terminal.wait("UNKNOWN");
        terminal.press("q");
        let (code, shown) = terminal.end();
        assert_eq!(code, 4, "{shown}");
        assert!(shown.contains("1 form is not settled"), "{shown}");
    }
}

/// A key that is changed in the middle stops the submission, which says how to go on; with `--ask` the same command takes the new key
/// and sends the rest, nothing twice. The old one is not tried.
#[test]
fn x09_after_a_key_changed_in_the_middle_the_same_command_asks_for_the_new_one() {
    let (home, servers, between) = through(Mode::Pass);
    let config = std::fs::read_to_string(home.path("config.toml")).unwrap();
    std::fs::write(home.path("config.toml"), config.replace("label =", "chunk_size = 5\nlabel =")).unwrap();
    home.run(&["plan", "--period", "2026Q2", "-o", "q.review"]).ok(3);
    home.run(&["decide", "q.review", "--where", "", "--approve"]).ok(0);
    let count = home.run(&["show", "q.review", "--json"]).ok(0).json()["counts"]["approved"].to_string();
    let (old, new) = (servers.text("commcare_api_key"), "a-key-of-today");
    between.set(Mode::ChangeKey);
    let stopped = home.run(&["submit", "q.review", "--write", &count]).ok(4);
    assert!(stopped.err.contains("401") && stopped.err.contains("started with --ask asks for it"), "{stopped:?}");
    assert!(stopped.err.contains("the command that onse status q.review names goes on"), "{stopped:?}");
    between.take_instead(new, &old);
    for (key, code) in [("a-wrong-key", 4), (new, 0)] {
        let mut terminal = Terminal::start(&home, &["submit", "q.review", "--write", &count, "--ask"]);
        terminal.wait("(not shown): ");
        terminal.press(&format!("{}\r", servers.text("dhis2_password")));
        terminal.wait("CommCare API key of importer@example.org (not shown): ");
        terminal.press(&format!("{key}\r"));
        let (ended, shown) = terminal.end();
        assert_eq!(ended, code, "{shown}");
        assert!(!shown.contains(key), "{shown}");
    }
    let review = home.run(&["show", "q.review", "--json"]).ok(0).json();
    let applied = cells(&review).iter().filter(|(_, cell)| cell["outcome"] == "APPLIED").count();
    assert_eq!(applied.to_string(), count);
    // Nothing of it was kept.
    let again = home.run(&["verify", "q.review"]);
    assert!(
        !home.files().iter().any(|(_, bytes)| bytes.windows(new.len()).any(|part| part == new.as_bytes())),
        "{again:?}"
    );
}

#[test]
fn x09_without_a_terminal_nobody_can_be_asked() {
    let (home, _servers) = ready();
    let refused = home.run(&["check", "--ask"]).ok(2);
    assert!(refused.err.contains("--ask asks for both secrets at the terminal, and there is none"), "{refused:?}");
}

#[test]
fn x09_a_check_says_that_what_was_typed_is_not_kept() {
    let (home, servers) = ready();
    let mut terminal = Terminal::start(&home, &["check", "--ask"]);
    terminal.wait("(not shown): ");
    terminal.press(&format!("{}\r", servers.text("dhis2_password")));
    terminal.wait("CommCare API key of importer@example.org (not shown): ");
    terminal.press(&format!("{}\r", servers.text("commcare_api_key")));
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    for what in ["DHIS2 password", "CommCare API key"] {
        assert!(shown.contains(&format!("The {what} was typed just now, and is not kept.")), "{shown}");
    }
}

#[test]
fn the_bytes_of_forms_are_not_written_to_a_terminal() {
    let (home, _servers) = ready();
    approved(&home);
    let (code, shown) = Terminal::start(&home, &["show", "q.review", "--xml"]).end();
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("--xml > forms.xml") && !shown.contains("<system"), "{shown}");
    assert!(home.run(&["show", "q.review", "--xml"]).ok(0).out.contains("<system"));
}

#[test]
fn the_demo_names_its_folder_on_leaving_and_writes_nowhere_else() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home, &["demo", "--facilities", "40"]);
    terminal.wait("Left to decide");
    terminal.press("q");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    let review = home.reviews().pop().unwrap();
    let folder = review.parent().unwrap();
    assert!(folder.file_name().unwrap().to_str().unwrap().starts_with("onse-demo-"), "{}", review.display());
    assert!(shown.contains(&format!("the review of the demo is in {}", folder.display())), "{shown}");
    for (path, _) in home.files() {
        assert!(path.starts_with(folder), "{}", path.display());
    }
}
