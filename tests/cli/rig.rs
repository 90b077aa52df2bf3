//! A home of its own for every test, the program in it, and a sandbox as a child that ends with the test.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use onse::sandbox::{Options, Sandbox};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const ONSE: &str = env!("CARGO_BIN_EXE_onse");

/// A folder with settings and data; nothing outside of it is read or written.
pub(crate) struct Home {
    folder: TempDir,
    env: Vec<(String, String)>,
}

/// How a run ended and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "not one line: {self:?}");
        serde_json::from_str(&self.out).unwrap()
    }

    /// The exit code, and every text in standard error; nothing in standard output.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for text in texts {
            assert!(self.err.contains(text), "\"{text}\" is missing in {self:?}");
        }
        assert_eq!(self.out, "", "{self:?}");
    }

    #[track_caller]
    pub(crate) fn ok(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), env: Vec::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes `config.toml` and, where given, `secrets.toml` of mode 0600, and uses them.
    pub(crate) fn settings(self, config: &str, secrets: Option<&str>) -> Self {
        fs::write(self.path("config.toml"), config).unwrap();
        if let Some(secrets) = secrets {
            fs::write(self.path("secrets.toml"), secrets).unwrap();
            self.mode("secrets.toml", 0o600);
        }
        let config = self.path("config.toml").display().to_string();
        self.with("ONSE_CONFIG", &config)
    }

    pub(crate) fn mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn mode_of(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(ONSE);
        command.args(args).env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HOME", self.folder.path()).env("TMPDIR", self.folder.path()).env("USER", "tester");
        // No keyring of this machine: on Linux there is no way to one, elsewhere it is turned off.
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        if cfg!(not(target_os = "linux")) {
            command.env("ONSE_KEYRING", "off");
        }
        command.env("ONSE_DATA_DIR", self.path("data")).envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Every file below, with its bytes.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push((path.clone(), fs::read(path).unwrap())) }
            }
        }
        found.sort();
        found
    }

    /// The review files below.
    pub(crate) fn reviews(&self) -> Vec<PathBuf> {
        let is_review = |path: &Path| path.extension().is_some_and(|ending| ending == "review");
        self.files().into_iter().map(|(path, _)| path).filter(|path| is_review(path)).collect()
    }
}

/// A child that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    pub(crate) fn interrupt(&self) {
        self.signal("INT");
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

/// Both servers as `onse sandbox` runs them, and what it said of itself.
pub(crate) struct Servers {
    pub(crate) child: Running,
    pub(crate) said: Value,
}

impl Servers {
    pub(crate) fn start(home: &Home, more: &[&str]) -> Self {
        let args = [&["sandbox", "--json", "--port", "0", "--facilities", "40"], more].concat();
        let mut child = Running(home.command(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, said: serde_json::from_str(&line).unwrap() }
    }

    pub(crate) fn text(&self, key: &str) -> String {
        self.said[key].as_str().unwrap().to_owned()
    }

    /// The text of its ready profile.
    pub(crate) fn config(&self) -> String {
        fs::read_to_string(self.text("config")).unwrap()
    }

    pub(crate) fn secrets(&self) -> String {
        fs::read_to_string(Path::new(&self.text("config")).with_file_name("secrets.toml")).unwrap()
    }
}

/// A home with a sandbox and its settings.
pub(crate) fn ready() -> (Home, Servers) {
    let home = Home::new();
    let servers = Servers::start(&home, &[]);
    let (config, secrets) = (servers.config(), servers.secrets());
    (home.settings(&config, Some(&secrets)), servers)
}

/// A sandbox of this process behind a socket, so that a test may tell it how to behave; a home that leads to it.
pub(crate) struct Hosted {
    pub(crate) home: Home,
    pub(crate) sandbox: Sandbox,
    stop: CancellationToken,
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn hosted(more: &str) -> Hosted {
    let (child, home) = (Home::new(), Home::new());
    let servers = Servers::start(&child, &[]);
    let options = Options { facilities: 40, ..Options::new((2026, 2)) };
    let sandbox = Sandbox::new(&options, Arc::new(jiff::Timestamp::now));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (stop, served) = (CancellationToken::new(), sandbox.clone());
    let until = stop.clone();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            served.listen(listener, Duration::ZERO, until).await
        })
    });
    let config = servers
        .config()
        .replace(&servers.text("commcare_url"), &origin)
        .replace("label =", &format!("{more}\nlabel ="));
    let home = home.settings(&config, Some(&servers.secrets()));
    Hosted { home, sandbox, stop }
}

/// Every cell of a review as JSON, with its facility's case id.
pub(crate) fn cells(review: &Value) -> Vec<(String, Value)> {
    let facilities = review["facilities"].as_array().unwrap();
    let of = |facility: &Value| {
        let id = facility["case_id"].as_str().unwrap().to_owned();
        facility["cells"].as_array().unwrap().iter().map(move |cell| (id.clone(), cell.clone())).collect::<Vec<_>>()
    };
    facilities.iter().flat_map(of).collect()
}

/// Whether a cell of the JSON has a STOP.
pub(crate) fn stops(cell: &Value) -> bool {
    cell["flags"].as_array().unwrap().iter().any(|flag| flag["severity"] == "STOP")
}
