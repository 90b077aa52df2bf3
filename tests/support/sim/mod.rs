//! A deterministic simulation: DHIS2, CommCare HQ, the line, the clock, the store and the end of a process are decided by one seed,
//! in one process and without sockets. A person reads, decides, sends and comes back until everything is done; then, and on the way,
//! the promises P1 to P5 of fault matrix section 1 are held against what the servers really keep.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's answer")]

mod books;
mod checks;
mod desk;
mod dice;
mod gate;
mod line;
mod operator;
mod others;
mod rebuilt;
mod sheet;
mod story;
mod time;
mod truth;
mod world;
mod xml;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use onse::io::transport::SharedTransport;

pub(crate) use checks::{Rule, Wrong};
use desk::Desk;
use world::World;

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// The program.
    Whole,
    /// The program with the bytes of a form made anew each time it is sent again.
    Rebuilt,
}

/// What became of one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    /// Promises broken; none of those that wait for something.
    pub(crate) wrong: Vec<Wrong>,
    pub(crate) story: Vec<String>,
    /// Forms HQ received, those in its cases, and kills.
    pub(crate) forms: usize,
    /// Verdicts that were taken from spreadsheets.
    pub(crate) returned: usize,
}

/// A thread's own runtime and folder for many runs.
pub(crate) struct Bench {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let memory = PathBuf::from("/dev/shm");
        let folder = tempfile::tempdir_in(&memory).or_else(|_| tempfile::tempdir()).unwrap();
        Self { runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(), folder }
    }

    /// One seed; its story is told where it is asked for.
    pub(crate) fn run(&self, seed: u64, variant: Variant, told: bool) -> Run {
        let world = World::new(seed, told);
        let folder = self.folder.path().join(seed.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        let bend = |line: SharedTransport| -> SharedTransport {
            if variant == Variant::Rebuilt { rebuilt::rebuilding(line) } else { line }
        };
        let worked = catch_unwind(AssertUnwindSafe(|| {
            self.runtime.block_on(async {
                let mut desk = Desk::new(&world, &folder, seed, bend);
                Box::pin(operator::work(&mut desk)).await;
                desk.wrong
            })
        }));
        let mut wrong = worked.unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            vec![Wrong { rule: Rule::Panic, what: words.unwrap_or_default() }]
        });
        let _ = std::fs::remove_dir_all(&folder);
        for one in &mut wrong {
            one.what = world.story.plain(&one.what);
        }
        wrong.sort();
        wrong.dedup();
        let (forms, returned) = (world.sandbox.forms().len(), world.books().returned);
        Run { seed, wrong, story: world.story.lines(), forms, returned }
    }
}

/// What became of many seeds.
#[derive(Debug, Default)]
pub(crate) struct Many {
    /// Runs with something wrong, without their stories, by seed.
    pub(crate) wrong: Vec<Run>,
    pub(crate) forms: usize,
    pub(crate) returned: usize,
}

/// So many seeds from `from` on, on two threads; ends early once `enough` are wrong.
pub(crate) fn many(from: u64, count: u64, variant: Variant, enough: usize) -> Many {
    let (next, found) = (AtomicU64::new(from), Mutex::new(Many::default()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let bench = Bench::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed - from >= count || found.lock().unwrap().wrong.len() >= enough {
                        return;
                    }
                    let run = bench.run(seed, variant, false);
                    let mut found = found.lock().unwrap();
                    found.forms += run.forms;
                    found.returned += run.returned;
                    if !run.wrong.is_empty() {
                        found.wrong.push(run);
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.wrong.sort_by_key(|run| run.seed);
    found
}

/// The story of a seed, and what is wrong with it at the end.
pub(crate) fn tell(seed: u64, variant: Variant) -> String {
    let run = Bench::new().run(seed, variant, true);
    let wrong = run.wrong.iter().map(|wrong| format!("WRONG {:?}: {}", wrong.rule, wrong.what));
    let head = format!("seed {seed}");
    [head].into_iter().chain(run.story.iter().cloned()).chain(wrong).collect::<Vec<_>>().join("\n")
}
