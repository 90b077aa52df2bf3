//! Stopped, killed, cut off: by keys, by signals, by closing the window (fault matrix rows K20, K21, V14).

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
};

use crate::{
    review::{demo, leave, narrowed},
    tty::{Home, ONSE, Tty, files},
};

#[test]
fn every_way_to_be_interrupted_gives_the_terminal_back() {
    for way in ["ctrl-c", "INT", "TERM", "HUP"] {
        let home = Home::new();
        let mut tty = demo(&home);
        narrowed(&mut tty, "is:plain");
        tty.type_keys("a");
        tty.wait_for(" approved ");
        assert!(tty.is_taken());
        if way == "ctrl-c" {
            tty.type_keys("\u{3}");
        } else {
            tty.signal(way);
        }
        assert_eq!(tty.exit_code(), 130, "{way}");
        assert!(!tty.is_taken(), "{way}");
        assert!(tty.contents().contains("the review of the demo is in "), "{way}: {}", tty.contents());
        assert_ne!(home.show(&home.review())["counts"]["approved"], 0, "{way}");
    }
}

/// What the log says, where the screen cannot any more.
fn log(home: &Home) -> String {
    let logs = files(&home.path("tmp")).into_iter().filter(|path| path.to_string_lossy().contains("onse.log"));
    logs.map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn a_window_that_is_closed_keeps_decisions() {
    let home = Home::new();
    let mut tty = demo(&home);
    narrowed(&mut tty, "is:plain");
    tty.type_keys("a");
    tty.wait_for(" approved ");
    tty.close("j");
    assert_eq!(tty.exit_code(), 130, "{}", log(&home));
    assert_ne!(home.show(&home.review())["counts"]["approved"], 0);
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_review_back() {
    let home = Home::new();
    let mut tty = Tty::run(&home, "sh", &["-i", "+o", "emacs", "+o", "vi"], (80, 24));
    tty.type_keys(&format!("{ONSE} demo --facilities 60\n"));
    tty.wait_for("read; nothing has been written");
    narrowed(&mut tty, "is:plain");
    for round in 0..2 {
        assert!(tty.is_taken());
        tty.type_keys("\u{1a}");
        tty.wait_for("Stopped");
        assert!(!tty.is_taken());
        tty.type_keys("echo the shell is here $((40 + 2))\n");
        tty.wait_for("the shell is here 42");
        tty.forget();
        tty.type_keys("fg\n");
        let screen = tty.wait_for("[3 Facilities]");
        assert!(screen.contains("is:plain") && screen.contains("a approve"), "everything is drawn again:\n{screen}");
        tty.type_keys("j ");
        tty.wait_for(if round == 0 { " approved " } else { " left" });
    }
    tty.type_keys("q");
    tty.wait_for("the review of the demo is in ");
    assert!(!tty.is_taken());
    tty.type_keys("exit\n");
    assert_eq!(tty.exit_code(), 0);
}

#[test]
fn stopped_and_continued_from_outside_it_draws_everything_again() {
    let home = Home::new();
    let mut tty = demo(&home);
    narrowed(&mut tty, "is:plain");
    let before = tty.wait_without("reading the category options");
    tty.signal("STOP");
    tty.forget();
    tty.signal("CONT");
    assert_eq!(tty.wait_for("a approve"), before);
    assert!(tty.is_taken());
    leave(tty);
}

/// A child that ends with the test.
pub(crate) struct Servers(Child);

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a request begins that sends a form.
const SENDS: &[u8] = b"POST /a/onse-demo/receiver/";

/// Both servers of a small country, each answer after so many milliseconds; and what they say of themselves.
pub(crate) fn slow(home: &Home, latency: &str) -> (Servers, serde_json::Value) {
    let mut command = home.command(&["sandbox", "--json", "--facilities", "12", "--latency", latency]);
    let mut child = Servers(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

/// Both servers, behind a door that lets every request through except those that send a form: they get no answer.
pub(crate) fn servers(home: &Home) -> (Servers, String) {
    let (servers, config, _) = telling(home);
    (servers, config)
}

/// The same, and word of each form that came to the door.
pub(crate) fn telling(home: &Home) -> (Servers, String, mpsc::Receiver<()>) {
    let (tell, came) = mpsc::channel();
    let (child, said) = slow(home, "0");
    let config = Path::new(said["config"].as_str().unwrap());
    let origin = said["commcare_url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = fs::read_to_string(config).unwrap().replace(origin, &door.local_addr().unwrap().to_string());
    fs::write(config, text).unwrap();
    let origin = origin.to_owned();
    thread::spawn(move || {
        for client in door.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(&origin).unwrap());
            let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
            let tell = tell.clone();
            thread::spawn(move || pass(client, server, Some(&tell)));
            thread::spawn(move || pass(back.0, back.1, None));
        }
    });
    (child, config.display().to_string(), came)
}

/// Passes on what comes; of what holds forms back, until one comes.
fn pass(mut from: TcpStream, mut to: TcpStream, holds: Option<&mpsc::Sender<()>>) {
    let mut block = [0; 16_384];
    let mut held = false;
    while let Ok(read @ 1..) = from.read(&mut block) {
        if let Some(tell) = holds.filter(|_| block[..read].starts_with(SENDS)) {
            held = true;
            // Whoever does not listen is told nothing.
            let _ = tell.send(());
        }
        if !held && to.write_all(&block[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// A review with a form under way that gets no answer.
fn sending(home: &Home) -> (Servers, Tty) {
    let (servers, config) = servers(home);
    let mut tty = Tty::onse(home, &["review", "--config", &config], (80, 24));
    tty.wait_for("read; nothing has been written");
    narrowed(&mut tty, "is:plain");
    tty.type_keys("a");
    tty.wait_for(" approved ");
    tty.type_keys("4");
    let screen = tty.wait_for("Type the number of changes to go ahead");
    let count = screen.split("This will write").nth(1).unwrap().split_whitespace().next().unwrap();
    tty.type_keys(&format!("{count}\r"));
    tty.wait_for(" sending ");
    (servers, tty)
}

#[track_caller]
fn left_in_doubt(home: &Home, tty: &mut Tty) {
    assert_eq!(tty.exit_code(), 4);
    assert!(!tty.is_taken());
    let review = home.show(&home.review());
    let cells = review["facilities"].as_array().unwrap().iter().flat_map(|one| one["cells"].as_array().unwrap());
    let (approved, outcomes): (Vec<_>, Vec<_>) =
        cells.filter(|cell| cell["verdict"] == "approve").map(|cell| (cell, &cell["outcome"])).unzip();
    assert!(!approved.is_empty() && outcomes.iter().all(|outcome| **outcome == "UNKNOWN"), "{approved:?}");
    // Whoever is told of runs is told of this one, too.
    let runs = fs::read_dir(home.path("data/runs")).unwrap().map(|entry| entry.unwrap().path());
    let runs: Vec<PathBuf> = runs.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    let run: serde_json::Value = serde_json::from_slice(&fs::read(&runs[0]).unwrap()).unwrap();
    assert_eq!((&run["command"], &run["exit"]), (&"review".into(), &4.into()));
    assert_eq!(run["review"]["forms"]["UNKNOWN"], 1, "{run}");
}

#[test]
fn ctrl_c_while_sending_goes_a_step_further_each_time() {
    let home = Home::new();
    let (_servers, mut tty) = sending(&home);
    tty.type_keys("\u{3}");
    tty.wait_for("stopping after the form under way; ctrl-c lets go of it (UNKNOWN)");
    tty.type_keys("\u{3}");
    tty.wait_for("UNKNOWN means no answer settled it.");
    tty.type_keys("\u{3}");
    left_in_doubt(&home, &mut tty);
}

#[test]
fn a_signal_to_end_while_sending_writes_down_what_is_open() {
    let home = Home::new();
    let (_servers, mut tty) = sending(&home);
    tty.signal("TERM");
    left_in_doubt(&home, &mut tty);
}
