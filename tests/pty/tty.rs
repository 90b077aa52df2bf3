//! A terminal of a given size with a program in it, a home of its own for the program, and waiting for text on screen.

use std::{
    fs,
    io::{Read, Write},
    num::NonZeroU16,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;
use vt100::{MouseProtocolMode, Parser};

pub(crate) const ONSE: &str = env!("CARGO_BIN_EXE_onse");

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(30);

/// A machine with nothing on it: a home, a data folder and a temporary folder, all of them empty.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for name in ["home", "data", "tmp"] {
            fs::create_dir(home.path(name)).unwrap();
        }
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The environment of a program in it. A `kill` must be found, nothing else of this machine is needed.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let home = self.path("home");
        let below = |name: &str| home.join(name).display().to_string();
        [
            ("HOME", below("")),
            ("XDG_CONFIG_HOME", below(".config")),
            ("XDG_DATA_HOME", below(".local/share")),
            ("XDG_STATE_HOME", below(".local/state")),
            ("XDG_CACHE_HOME", below(".cache")),
            ("ONSE_DATA_DIR", self.path("data").display().to_string()),
            ("TMPDIR", self.path("tmp").display().to_string()),
            ("PATH", std::env::var("PATH").unwrap()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "xterm-256color".to_owned()),
            ("USER", "tester".to_owned()),
            // No keyring of this machine: on Linux there is no way to one, elsewhere it is turned off.
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus".to_owned()),
            ("ONSE_KEYRING", if cfg!(target_os = "linux") { "on" } else { "off" }.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// The program without a terminal, as other programs call it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(ONSE);
        command.args(args).env_clear().envs(self.env()).current_dir(self.path("home"));
        command
    }

    /// The review files, wherever they are.
    pub(crate) fn reviews(&self) -> Vec<PathBuf> {
        let is_review = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "review");
        files(self.0.path()).into_iter().filter(is_review).collect()
    }

    /// The only review file there is.
    pub(crate) fn review(&self) -> PathBuf {
        let found = self.reviews();
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap()
    }

    /// A review as JSON.
    pub(crate) fn show(&self, review: &Path) -> serde_json::Value {
        let output = self.command(&["show", review.to_str().unwrap(), "--json"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// What the terminal shows, and everything that was written to it.
struct Glass {
    parser: Parser,
    bytes: Vec<u8>,
    /// Its window is being closed: nothing more is read.
    closing: bool,
    /// Nothing more is read.
    closed: bool,
    /// How the program ended.
    ended: Option<ExitStatus>,
}

impl Glass {
    /// What is on screen, without the blanks at the ends of lines: whether they were drawn is nobody's business.
    fn contents(&self) -> String {
        self.parser.screen().contents().lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    /// Whether no frame is half drawn: a frame ends with the cursor, hidden, or shown and put in its place.
    fn is_whole(&self) -> bool {
        let placed = self.bytes.strip_suffix(b"H").and_then(|bytes| {
            let from = bytes.iter().rposition(|byte| !byte.is_ascii_digit() && *byte != b';')?;
            bytes[..=from].strip_suffix(b"\x1b[")
        });
        let ends = |with: &[u8]| placed.unwrap_or(&self.bytes).ends_with(with);
        !self.parser.screen().alternate_screen() || ends(b"\x1b[?25l") || ends(b"\x1b[?25h")
    }
}

type Shared = Arc<(Mutex<Glass>, Condvar)>;

/// A terminal with a program in it. The program ends with the test.
pub(crate) struct Tty {
    glass: Shared,
    id: String,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    /// The mode of the terminal before the program started.
    mode: String,
}

fn pair((columns, rows): (u16, u16)) -> (NonZeroU16, NonZeroU16) {
    (rows.try_into().unwrap(), columns.try_into().unwrap())
}

fn pixels((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, ..PtySize::default() }
}

fn mode(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

/// A test that failed while it held the lock says so itself.
fn held(glass: &Shared) -> MutexGuard<'_, Glass> {
    glass.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tty {
    /// The program with these arguments in a terminal of this many columns and lines.
    pub(crate) fn onse(home: &Home, args: &[&str], size: (u16, u16)) -> Self {
        Self::run(home, ONSE, args, size)
    }

    /// The program where these variables are set to something else.
    pub(crate) fn onse_with(home: &Home, args: &[&str], size: (u16, u16), env: &[(&str, &str)]) -> Self {
        Self::start(home, ONSE, args, size, env)
    }

    /// Any program.
    pub(crate) fn run(home: &Home, program: &str, args: &[&str], size: (u16, u16)) -> Self {
        Self::start(home, program, args, size, &[])
    }

    fn start(home: &Home, program: &str, args: &[&str], size: (u16, u16), env: &[(&str, &str)]) -> Self {
        let ends = native_pty_system().openpty(pixels(size)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        for (name, value) in home.env() {
            command.env(name, value);
        }
        for (name, value) in env {
            command.env(name, value);
        }
        command.cwd(home.path("home"));
        let mode = mode(&*ends.master);
        let mut child = ends.slave.spawn_command(command).unwrap();
        // The last one to hold this end must be the program, so that its end is the end of what is written.
        drop(ends.slave);
        let (rows, columns) = pair(size);
        let parser = Parser::new(rows, columns, 0);
        let glass = Glass { parser, bytes: Vec::new(), closing: false, closed: false, ended: None };
        let glass = Arc::new((Mutex::new(glass), Condvar::new()));
        let (from, to) = (ends.master.try_clone_reader().unwrap(), Arc::clone(&glass));
        thread::spawn(move || read(from, &to));
        let (id, to) = (child.process_id().unwrap().to_string(), Arc::clone(&glass));
        thread::spawn(move || {
            let ended = child.wait().unwrap();
            held(&to).ended = Some(ended);
            to.1.notify_all();
        });
        let keys = ends.master.take_writer().unwrap();
        Self { glass, id, master: Some(ends.master), keys: Some(keys), mode }
    }

    fn glass(&self) -> MutexGuard<'_, Glass> {
        held(&self.glass)
    }

    /// Waits until something is so; says what was last on screen where it never is.
    #[track_caller]
    fn until(&self, what: &str, is: impl Fn(&Glass) -> bool) -> String {
        let begun = Instant::now();
        let mut glass = self.glass();
        loop {
            let seen = glass.contents();
            if glass.is_whole() && is(&glass) {
                return seen;
            }
            let left = LIMIT.saturating_sub(begun.elapsed());
            assert!(!left.is_zero(), "waited for {what}; last on screen:\n{seen}");
            assert!(!glass.closed, "waited for {what}, but the program ended; last on screen:\n{seen}");
            glass = self.glass.1.wait_timeout(glass, left).unwrap().0;
        }
    }

    /// Waits for text on screen and answers all that is on it.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.until(&format!("\"{text}\""), |glass| glass.contents().contains(text))
    }

    /// Waits for text to be gone from the screen and answers what is on it.
    #[track_caller]
    pub(crate) fn wait_without(&self, text: &str) -> String {
        self.until(&format!("\"{text}\" to go"), |glass| !glass.contents().contains(text))
    }

    /// What is on screen, line by line.
    pub(crate) fn contents(&self) -> String {
        self.glass().contents()
    }

    /// Types. Keys with names are their bytes: `\r` is enter, `\u{3}` is ctrl-c.
    pub(crate) fn type_keys(&mut self, keys: &str) {
        let to = self.keys.as_mut().unwrap();
        to.write_all(keys.as_bytes()).unwrap();
        to.flush().unwrap();
    }

    /// Forgets what is on screen. What is shown afterwards was drawn afterwards.
    pub(crate) fn forget(&self) {
        let glass = &mut *self.glass();
        let (rows, columns) = glass.parser.screen().size();
        let alternate = glass.parser.screen().alternate_screen();
        glass.parser = Parser::new(rows, columns, 0);
        if alternate {
            glass.parser.process(b"\x1b[?1049h");
        }
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, size: (u16, u16)) {
        let (rows, columns) = pair(size);
        // Both under one lock: nothing drawn for the new size meets a glass of the old one.
        let mut glass = self.glass();
        glass.parser.set_size(rows, columns);
        self.master.as_ref().unwrap().resize(pixels(size)).unwrap();
    }

    /// Sends a signal to the program, as `kill -NAME` does.
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.id]).status().unwrap().success());
    }

    /// Closes the terminal, as closing its window does. `key` must make the program draw: that ends the reading, and with
    /// it the last hold on the terminal.
    pub(crate) fn close(&mut self, key: &str) {
        self.glass().closing = true;
        self.type_keys(key);
        self.keys = None;
        self.master = None;
    }

    /// Waits for the end of the program and of what it wrote, and answers its exit code.
    #[track_caller]
    pub(crate) fn exit_code(&mut self) -> u32 {
        let begun = Instant::now();
        let mut glass = self.glass();
        loop {
            if let Some(ended) = glass.ended.as_ref().filter(|_| glass.closed) {
                assert_eq!(ended.signal(), None, "ended by a signal; last on screen:\n{}", glass.contents());
                return ended.exit_code();
            }
            let left = LIMIT.saturating_sub(begun.elapsed());
            assert!(!left.is_zero(), "waited for the end; last on screen:\n{}", glass.contents());
            glass = self.glass.1.wait_timeout(glass, left).unwrap().0;
        }
    }

    /// Everything that was written to the terminal.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.glass().bytes.clone()
    }

    /// Whether the program has the terminal: all of it, or nothing of it. Half of it fails the test.
    #[track_caller]
    pub(crate) fn is_taken(&self) -> bool {
        let raw = mode(&**self.master.as_ref().unwrap()) != self.mode;
        let glass = self.glass();
        let screen = glass.parser.screen();
        let mouse = screen.mouse_protocol_mode() != MouseProtocolMode::None;
        let all = [raw, screen.alternate_screen(), screen.hide_cursor(), screen.bracketed_paste(), mouse];
        let half = all.contains(&true) && all.contains(&false);
        let names = "raw, alternate screen, cursor hidden, bracketed paste, mouse";
        assert!(!half, "({names}) are {all:?}:\n{}", glass.contents());
        raw
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        if self.glass().ended.is_none() {
            let _ = Command::new("kill").args(["-KILL", &self.id]).status();
        }
    }
}

/// Puts what the program writes on the glass until nobody can write any more, or the window is closed.
fn read(mut from: Box<dyn Read + Send>, to: &Shared) {
    let mut block = [0; 4096];
    loop {
        let read = from.read(&mut block).unwrap_or(0);
        let mut glass = held(to);
        glass.closed = read == 0 || glass.closing;
        glass.bytes.extend_from_slice(&block[..read]);
        glass.parser.process(&block[..read]);
        to.1.notify_all();
        if glass.closed {
            return;
        }
    }
}
