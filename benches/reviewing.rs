//! What a key of the review costs at 100,000 facilities by 21 properties, from the key to the state that is drawn: filter, sort,
//! find, bulk decisions, undo; and what loading it from its file costs (fault matrix row F20). Run with `cargo bench --bench reviewing`; `-- --some 1106` takes another number of facilities.
//!
//! A quarter of the cells change, one in thirty is flagged, as in the field (data-quality-flags.md section 5). Writing to disk is not
//! in these numbers; `benches/known.rs` and the store have theirs.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench; a failure here is its answer")]

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use onse::{
    domain::{
        flags::{Flag, Severity},
        ledger::Ledger,
        plan::{Cell, Facility, Head, Plan, Property, State},
        quarter::Quarter,
    },
    io::store::{Store, Used},
    job::session::opened,
    tui::{
        keymap::Press,
        model::{Look, Model, Run},
        msg::{Cmd, Msg, Now, Opened},
        update::update,
    },
};

/// Properties, as the real mapping has.
const WIDTH: u16 = 21;
/// What every key is to stay under.
const BAR: Duration = Duration::from_millis(10);
/// What loading is to stay under, in time and in MiB (fault matrix row F20).
const LOADED: Duration = Duration::from_secs(2);
const MOST: u64 = 512;
/// Times each is done.
const TIMES: usize = 15;

/// Numbers that look like chance and are the same every time.
fn mixed(cell: Cell) -> u64 {
    let seed = u64::from(cell.facility) * u64::from(WIDTH) + u64::from(cell.property) + 1;
    let one = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (one ^ (one >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 16
}

fn plan(facilities: usize) -> Plan {
    let facility = |n: usize| Facility {
        case_id: format!("{n:032x}"),
        name: format!("{} Health Centre {n}", ["Area", "Kasenga", "Zomba", "Nkhula", "Matope South"][n * 7 % 5]),
        external_id: format!("u{n:010}"),
        ..Facility::default()
    };
    let property = |n: u16| Property {
        name: format!("dhis_health_facility_indicator_of_some_length_{n}"),
        data_element: format!("e{n:010}"),
        ..Property::default()
    };
    let mut draft = Plan::draft(
        Head { project: "onse-demo".to_owned(), ..Head::of(Quarter::parse("2026Q2").unwrap()) },
        (0..facilities).map(facility).collect(),
        (0..WIDTH).map(property).collect(),
    );
    for cell in draft.plan().cells().collect::<Vec<_>>() {
        let number = mixed(cell);
        let old = number % 3_989 + 3;
        let text = old.to_string();
        match number / 4_001 % 100 {
            0..25 => draft.set(cell, Some(&text), Some(&(old + number / 977 % 797 + 1).to_string()), State::Reported),
            25..35 => draft.set(cell, Some(&text), None, State::NotReported),
            _ => draft.set(cell, Some(&text), Some(&text), State::Reported),
        }
        draft.set_usual(cell, Some(&(old + 2).to_string()));
        match number / 400_009 % 1000 {
            0..5 => draft.flag(cell, Flag::new("T1", Severity::Stop, "1,310 is 11x the usual 118 (8 quarters)")),
            5..25 => draft.flag(cell, Flag::new("T2", Severity::Review, "310 is 2.6x the usual 118 (8 quarters)")),
            25..35 => draft.flag(cell, Flag::new("S10", Severity::Review, "36.5 is not a whole number")),
            35..85 => draft.flag(cell, Flag::new("S35", Severity::Info, "no word in common")),
            _ => {}
        }
    }
    draft.finish()
}

/// A screen over a review.
struct Desk {
    model: Model,
    now: Now,
}

impl Desk {
    fn new(facilities: usize) -> Self {
        let plan = plan(facilities);
        let start = Instant::now();
        let ledger = Ledger::new(&plan);
        println!("{:>10.2?}  a ledger is made", start.elapsed());
        let run = Run { project: "onse-demo".to_owned(), who: "grace".to_owned(), ..Run::default() };
        let mut desk = Self { model: Model::new(run, Look::default(), (200, 60)), now: Now::default() };
        let file = "2026Q2.review".to_owned();
        let opened = Opened { plan: Arc::new(plan), ledger, place: None, file, sending: None, reset: Vec::new() };
        let start = Instant::now();
        desk.tell(Msg::Read(Ok(Box::new(opened))));
        println!("{:>10.2?}  the screen opens", start.elapsed());
        desk
    }

    fn tell(&mut self, msg: Msg) {
        for cmd in update(&mut self.model, msg, &self.now) {
            if let Cmd::Record(entry) = cmd {
                update(&mut self.model, Msg::Recorded(entry.seq, Ok(())), &self.now);
            }
        }
    }

    /// Presses keys: `/ z o m b a enter`. The clock goes on in between, so that no two are a count.
    fn keys(&mut self, keys: &str) {
        for key in keys.split(' ').filter(|key| !key.is_empty()) {
            self.now.since += Duration::from_secs(2);
            self.tell(Msg::Key(Press::parse(key).unwrap()));
        }
    }

    fn types(&mut self, words: &str) {
        for c in words.chars() {
            self.keys(if c == ' ' { "space".to_owned() } else { c.to_string() }.as_str());
        }
    }

    fn status(&self) -> String {
        self.model.status().map_or_else(String::new, |line| line.text.clone())
    }

    /// How long the last of these keys takes, the median of some times; `before` and `after` are pressed around them.
    fn time(&mut self, what: &str, before: &str, key: &str, after: &str) {
        let mut took = Vec::new();
        let mut said = String::new();
        for _ in 0..TIMES {
            self.keys(before);
            let start = Instant::now();
            self.keys(key);
            took.push(start.elapsed());
            said = self.status();
            self.keys(after);
        }
        report(what, took, &said);
    }

    fn filter(&mut self, words: &str) {
        let mut took = Vec::new();
        let mut said = String::new();
        for _ in 0..TIMES {
            self.keys("/ ctrl-u");
            self.types(words);
            let start = Instant::now();
            self.keys("enter");
            took.push(start.elapsed());
            said = self.status();
            self.keys("esc");
        }
        report(&format!("filter {words}"), took, &said);
    }
}

fn report(what: &str, mut took: Vec<Duration>, said: &str) {
    took.sort();
    let median = took[took.len() / 2];
    let over = if median > BAR { "OVER" } else { "" };
    println!("{median:>10.2?} {over:4} {what:44} {said}");
}

/// Writes a review and has another process load it, whose memory holds nothing else.
fn loaded(facilities: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2026Q2.review");
    let used = Used {
        profile: "main".to_owned(),
        chunk_size: 1000,
        form_xmlns: String::new(),
        stamp_property: None,
        submit_user_id: String::new(),
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut plan = plan(facilities);
        plan.head.generation = 1;
        let store = Store::create(&path).unwrap();
        store.save_plan(Arc::new(plan), used, Vec::new(), Vec::new()).await.unwrap();
        store.close();
    });
    let load = Command::new(std::env::current_exe().unwrap()).arg("--load").arg(&path).status().unwrap();
    assert!(load.success());
}

/// Loads a review as the screen does before it opens, and says what that took.
fn load(path: &Path) {
    let start = Instant::now();
    let opened = opened(Store::read_only(path).unwrap()).unwrap();
    let took = start.elapsed();
    // The most memory the process ever had, where the system tells it.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    let mebibytes = peak.unwrap_or(0_u64) / 1024;
    let over = if took > LOADED || mebibytes > MOST { "OVER" } else { "" };
    println!("{took:>10.2?} {over:4} {} facilities are loaded, in {mebibytes} MiB", opened.plan.height());
}

fn main() {
    let after = |name: &'static str| std::env::args().skip_while(move |arg| arg != name).nth(1);
    if let Some(file) = after("--load") {
        return load(Path::new(&file));
    }
    let facilities = after("--some").and_then(|number| number.parse().ok()).unwrap_or(100_000);
    loaded(facilities);
    let mut desk = Desk::new(facilities);
    desk.keys("3");
    for words in [
        "zomba",
        "999",
        "is:plain",
        "is:left is:stop",
        "flag:T2",
        "-flag:S35",
        "prop:length_7",
        "state:not_reported",
        "change>50%",
        "change<20% -is:stop",
        "change>=700",
        "usual>1.2",
        "old:12",
        "note:",
    ] {
        desk.filter(words);
    }
    desk.time("filter cleared", "/ z enter", "esc", "");
    for (order, key) in [("weight", "w"), ("flags", "f"), ("change", "c"), ("name", "n"), ("left", "l")] {
        desk.time(&format!("sort by {order}"), "s", key, "");
    }
    desk.time("unchanged ones shown", "", "t", "t");
    desk.time("unchanged ones shown, by name", "s n", "t", "t");
    desk.time("tab 2 opens", "3", "2", "");
    desk.time("next property", "", "l", "");
    desk.time("tab 3 opens", "2", "3", "");
    desk.time("list of words", "", "f", "esc");
    desk.keys("s w");
    desk.time("next left, from the top", "3 g", "n", "");
    desk.time("previous left, round from the top", "3 g", "p", "");
    desk.time("the question of approving all", "", "A", "x");
    desk.time("approve all without a flag", "A", "y", "u");
    desk.time("undo that", "A y", "u", "");
    desk.time("do it again", "A y u", "U", "u");
    desk.time("reject all", "R", "y", "u");
    desk.time("undo that", "R y", "u", "");
    desk.keys("R y");
    desk.time("next left, where nothing is", "g", "n", "");
    desk.time("next left in the cells, where nothing is", "l", "n", "h");
    desk.time("sort by left, all decided", "s", "l", "");
    desk.time("tab 1 opens", "3", "1", "");
}
