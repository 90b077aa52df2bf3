//! What the person at the keyboard waits for: a review of 100,000 facilities and 21 properties opened in a real terminal, keys typed
//! and the screen read; the first frame of the demo; what idling costs. Run with `cargo bench --bench typing`; Linux only, since it
//! reads what the system says of the program.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench; a failure here is its answer")]

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use onse::{
    domain::{
        flags::{Flag, Severity},
        plan::{Cell, Facility, Head, Plan, Property, State},
        quarter::Quarter,
    },
    io::store::{Store, Used},
};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Facilities of the large review.
const FACILITIES: u32 = 100_000;
/// Properties, as the real mapping has.
const WIDTH: u16 = 21;
/// Keys typed of each kind.
const KEYS: usize = 200;
/// Longest wait for anything.
const LIMIT: Duration = Duration::from_mins(1);
/// A frame is whole when nothing came for this long after its last byte; far longer than the pause between two parts of one.
const QUIET: Duration = Duration::from_millis(15);

/// Two thirds of the cells change, one in fifty of those asks for a look.
fn plan(facilities: u32) -> Plan {
    let facility = |n: u32| Facility {
        case_id: format!("{n:032x}"),
        name: format!("{} {n} Health Centre", ["Kasenga", "Chitowe", "Zukula", "Matope"][n as usize % 4]),
        external_id: format!("u{n:010}"),
        ..Facility::default()
    };
    let property = |n: u16| Property {
        name: format!("dhis_health_facility_indicator_of_some_length_{n}"),
        data_element: format!("e{n:010}"),
        data_set: "d0000000001".to_owned(),
        line: u64::from(n) + 2,
        ..Property::default()
    };
    let head = Head::of(Quarter::parse("2026Q2").unwrap());
    let head =
        Head { project: "onse-large".to_owned(), generation: 1, read_at: "2026-07-05T09:41:00Z".to_owned(), ..head };
    let mut draft = Plan::draft(head, (0..facilities).map(facility).collect(), (0..WIDTH).map(property).collect());
    for facility in 0..facilities {
        for property in 0..WIDTH {
            let cell = Cell { facility, property };
            let mixed = u64::from(facility).wrapping_mul(2_654_435_761).wrapping_add(u64::from(property) * 40_503) >> 7;
            let (old, new) = (mixed % 4_000, if mixed % 3 == 0 { mixed % 4_000 } else { mixed % 5_000 + 1 });
            draft.set(cell, Some(&old.to_string()), Some(&new.to_string()), State::Reported);
            if mixed % 50 == 1 && old != new {
                let severity = if mixed % 500 == 1 { Severity::Stop } else { Severity::Review };
                draft.flag(cell, Flag::new("T1", severity, format!("{new} is 11x the usual {old}")));
            }
        }
    }
    draft.finish()
}

fn used() -> Used {
    Used {
        profile: "demo".to_owned(),
        chunk_size: 1000,
        form_xmlns: "http://commcarehq.org/dhis2-import".to_owned(),
        stamp_property: None,
        submit_user_id: String::new(),
    }
}

/// A program in a terminal, and when what it wrote came.
struct Seat {
    keys: Box<dyn Write + Send>,
    came: mpsc::Receiver<(Instant, Vec<u8>)>,
    child: Box<dyn Child + Send + Sync>,
    /// Held until the end: closing it would hang up.
    _master: Box<dyn MasterPty + Send>,
}

impl Seat {
    fn new(home: &Path, args: &[&str], (cols, rows): (u16, u16)) -> Self {
        let ends = native_pty_system().openpty(PtySize { rows, cols, ..PtySize::default() }).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_onse"));
        command.args(args);
        command.env_clear();
        let home = home.display().to_string();
        for (name, value) in [("HOME", home.as_str()), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("TZ", "UTC")] {
            command.env(name, value);
        }
        command.env("TMPDIR", &home);
        command.cwd(&home);
        let child = ends.slave.spawn_command(command).unwrap();
        drop(ends.slave);
        let mut from = ends.master.try_clone_reader().unwrap();
        let (send, came) = mpsc::channel();
        thread::spawn(move || {
            let mut block = vec![0; 65_536];
            while let Ok(read @ 1..) = from.read(&mut block) {
                if send.send((Instant::now(), block[..read].to_vec())).is_err() {
                    return;
                }
            }
        });
        let keys = ends.master.take_writer().unwrap();
        Self { keys, came, child, _master: ends.master }
    }

    /// Waits until this text was written, and for the end of its frame; when the text came.
    fn until(&mut self, text: &str) -> Instant {
        let mut seen = Vec::new();
        loop {
            let (at, bytes) = self.came.recv_timeout(LIMIT).unwrap();
            seen.extend_from_slice(&bytes);
            if String::from_utf8_lossy(&seen).contains(text) {
                self.settle();
                return at;
            }
        }
    }

    /// Takes what still comes.
    fn settle(&mut self) {
        while self.came.recv_timeout(QUIET).is_ok() {}
    }

    /// Types a key; how long it took until the last byte of its frame was here.
    fn press(&mut self, key: &str) -> Duration {
        let begun = Instant::now();
        self.keys.write_all(key.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        let (mut last, _) = self.came.recv_timeout(LIMIT).unwrap();
        while let Ok((at, _)) = self.came.recv_timeout(QUIET) {
            last = at;
        }
        last.duration_since(begun)
    }

    /// The same for many presses: middle, 95th of 100, worst.
    fn presses(&mut self, keys: &[&str]) -> String {
        let mut took: Vec<Duration> = keys.iter().map(|key| self.press(key)).collect();
        took.sort_unstable();
        let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)];
        format!("p50 {:>7.2?}  p95 {:>7.2?}  worst {:>7.2?}", at(50), at(95), at(100))
    }

    /// A line of what the system says of the program.
    fn told(&self, file: &str, key: &str) -> String {
        let id = self.child.process_id().unwrap();
        let text = fs::read_to_string(format!("/proc/{id}/{file}")).unwrap();
        text.lines().find(|line| line.contains(key)).unwrap_or_default().to_owned()
    }

    /// Processor time used so far, in ticks of 10 ms.
    fn ticks(&self) -> u64 {
        let stat = self.told("stat", ")");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn demo(home: &Path) {
    for size in [(80, 24), (200, 60)] {
        let begun = Instant::now();
        let mut seat = Seat::new(home, &["demo"], size);
        let first = seat.until("onse-demo");
        println!("demo {size:?}: first frame after {:.1?} (bar: 100 ms)", first.duration_since(begun));
    }
}

/// How long one sync of a small file takes here: what a decision costs beside the screen.
fn sync(folder: &Path) -> Duration {
    let mut file = fs::File::create(folder.join("sync")).unwrap();
    let mut took: Vec<Duration> = (0..50)
        .map(|_| {
            file.write_all(&[0; 4096]).unwrap();
            let begun = Instant::now();
            file.sync_data().unwrap();
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[25]
}

fn large(home: &Path) {
    let file = home.join("large.review");
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::create(&file).unwrap();
        store.save_plan(Arc::new(plan(FACILITIES)), used(), Vec::new(), Vec::new()).await.unwrap();
        store.close();
    });
    let size = fs::metadata(&file).unwrap().len() / 1_048_576;
    for _ in 0..2 {
        let begun = Instant::now();
        let loaded = Store::read_only(&file).unwrap();
        println!("  read from the file in {:.2?}: {} cells", begun.elapsed(), loaded.plan.cells().count());
    }
    println!("a review of {FACILITIES} x {WIDTH}: made in {:.1?}, {size} MiB", begun.elapsed());
    let name = file.display().to_string();
    for size in [(80, 24), (200, 60)] {
        let begun = Instant::now();
        let mut seat = Seat::new(home, &["review", &name, "--offline"], size);
        let shown = seat.until("Left to decide");
        println!(
            "\n{size:?}: opened in {:.2?} (bar: 2 s), {}",
            shown.duration_since(begun),
            seat.told("status", "VmHWM")
        );
        seat.press("3");
        println!("  j in the list        {}", seat.presses(&vec!["j"; KEYS]));
        println!("  pgdn in the list     {}", seat.presses(&vec!["\x1b[6~"; KEYS]));
        println!("  n next left          {}", seat.presses(&vec!["n"; KEYS]));
        seat.press("l");
        println!("  j in the properties  {}", seat.presses(&["j", "k"].repeat(KEYS / 2)));
        seat.press("h");
        println!("  space, a decision    {}   one sync here: {:.2?}", seat.presses(&vec![" "; KEYS]), sync(home));
        seat.press("2");
        println!("  j in a column        {}", seat.presses(&vec!["j"; KEYS]));
        println!("  l next property      {}", seat.presses(&["l", "h"].repeat(10)));
        println!("  2 3 tabs             {}", seat.presses(&["3", "2"].repeat(10)));
        let before = seat.ticks();
        thread::sleep(Duration::from_secs(3));
        seat.press("1");
        println!(
            "  idle for 3 s: {} ms of processor time; {}",
            (seat.ticks() - before) * 10,
            seat.told("status", "VmHWM")
        );
    }
}

fn main() {
    let home = tempfile::tempdir().unwrap();
    demo(home.path());
    large(home.path());
}
