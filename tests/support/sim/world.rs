//! Everything that is not the program: both servers, the time, the dice, the weather, and the books of what really happened.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use onse::{
    domain::mapping::Mapping,
    io::transport::SharedTransport,
    job::submit::Steering,
    sandbox::{Options, Sandbox},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{books::Books, dice::Dice, story::Story, time::Time};

/// Where the sandbox answers.
pub(crate) const ORIGIN: &str = "http://sandbox.invalid";
/// The property submitted cases are stamped with, where a world has one.
pub(crate) const STAMP: &str = "dhis2_imported_on";

/// How often what goes wrong, each so many times in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// Of requests that read.
    pub(crate) reads: usize,
    /// Of forms on their way.
    pub(crate) forms: usize,
    /// Of calls of the store.
    pub(crate) store: usize,
    /// Of places where a process can be killed.
    pub(crate) kills: usize,
    /// Of requests before which somebody else does something.
    pub(crate) others: usize,
    /// Of requests at which the person stops, abandons or pauses.
    pub(crate) steers: usize,
}

impl Weather {
    fn drawn(dice: &Dice) -> Self {
        let of = |chances: &[usize]| *dice.pick(chances).unwrap();
        Self {
            reads: of(&[0, 0, 20, 80, 200]),
            forms: of(&[0, 100, 300, 600, 900]),
            store: of(&[0, 0, 10, 40]),
            kills: of(&[0, 0, 10, 30, 60]),
            others: of(&[0, 0, 20, 60, 150]),
            steers: of(&[0, 0, 20, 80]),
        }
    }
}

/// What the person holds while forms are sent.
pub(crate) struct Levers {
    stop: CancellationToken,
    abandon: CancellationToken,
    pause: watch::Sender<bool>,
}

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    /// The sandbox itself, without a line between.
    pub(crate) inner: SharedTransport,
    pub(crate) time: Time,
    pub(crate) dice: Dice,
    pub(crate) story: Story,
    pub(crate) mapping: Mapping,
    pub(crate) chunk_size: usize,
    pub(crate) stamp: bool,
    books: Mutex<Books>,
    weather: Mutex<Weather>,
    levers: Mutex<Option<Levers>>,
    /// While both sides are read nobody changes DHIS2, so that there is one truth to hold the plan to.
    reading: AtomicBool,
    killed: AtomicBool,
    /// Whether a call of the store failed in what is done now: then what is told is more, or less, than the file says.
    failed: AtomicBool,
}

impl World {
    pub(crate) fn new(seed: u64, told: bool) -> Arc<Self> {
        let (dice, time) = (Dice::new(seed), Time::new());
        let clock = time.clone();
        let options = Options { facilities: dice.between(3, 14), seed, ..Options::new((2026, 2)) };
        let sandbox = Sandbox::new(&options, Arc::new(move || clock.now()));
        let mapping = mapping(&dice);
        let (chunk_size, stamp, weather) = (dice.between(1, 6), dice.falls(400), Weather::drawn(&dice));
        let books = Books::new(&sandbox, &mapping);
        let world = Self {
            inner: sandbox.transport(ORIGIN),
            sandbox,
            time,
            dice,
            story: Story::new(told),
            mapping,
            chunk_size,
            stamp,
            books: Mutex::new(books),
            weather: Mutex::new(weather),
            levers: Mutex::default(),
            reading: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        };
        world.say(|| {
            let properties: Vec<String> = world.mapping.properties().into_iter().map(str::to_owned).collect();
            format!(
                "{} facilities, {}, at most {chunk_size} cases a form, stamp {stamp}, {weather:?}",
                options.facilities,
                properties.join(" ")
            )
        });
        Arc::new(world)
    }

    pub(crate) fn say(&self, line: impl FnOnce() -> String) {
        self.story.say(self.time.passed(), line);
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub(crate) fn weather(&self) -> Weather {
        let weather = *self.weather.lock().unwrap();
        if !self.is_reading() {
            return weather;
        }
        // A reading asks for so much that it would hardly ever come to its end.
        let less = |of: usize| of.div_ceil(6);
        let (reads, store, kills) = (less(weather.reads), less(weather.store), less(weather.kills));
        Weather { reads, store, kills, others: less(weather.others), ..weather }
    }

    /// Nothing goes wrong any more.
    pub(crate) fn calm(&self) {
        *self.weather.lock().unwrap() = Weather::default();
        self.say(|| "from here on nothing goes wrong".to_owned());
    }

    /// The process ends here, at this place in words.
    pub(crate) fn kill(&self, place: &str) {
        self.say(|| format!("KILLED {place}"));
        self.killed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Relaxed)
    }

    /// A new process.
    pub(crate) fn start(&self) {
        self.killed.store(false, Ordering::Relaxed);
        *self.levers.lock().unwrap() = None;
    }

    pub(crate) fn set_reading(&self, reading: bool) {
        self.reading.store(reading, Ordering::Relaxed);
    }

    pub(crate) fn is_reading(&self) -> bool {
        self.reading.load(Ordering::Relaxed)
    }

    /// The store fails in what is done now, or what is done now begins.
    pub(crate) fn set_failed(&self, failed: bool) {
        self.failed.store(failed, Ordering::Relaxed);
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// A pause of the program, in which it may be killed and in which the person may end it.
    pub(crate) async fn sleep(&self, pause: Duration) {
        if self.dice.falls(self.weather().kills) {
            self.kill("while it waits");
            return std::future::pending().await;
        }
        self.steer("in a wait");
        self.time.sleep(pause).await;
    }

    /// Levers for a submission.
    pub(crate) fn steering(&self) -> Steering {
        let (pause, paused) = watch::channel(false);
        let levers = Levers { stop: CancellationToken::new(), abandon: CancellationToken::new(), pause };
        let steering = Steering { stop: levers.stop.clone(), abandon: levers.abandon.clone(), pause: paused };
        *self.levers.lock().unwrap() = Some(levers);
        steering
    }

    /// Perhaps the person stops, abandons or pauses now.
    pub(crate) fn steer(&self, place: &str) {
        let levers = self.levers.lock().unwrap();
        let Some(levers) = levers.as_ref() else { return };
        if !self.dice.falls(self.weather().steers) {
            return;
        }
        let what = match self.dice.below(3) {
            0 => {
                levers.stop.cancel();
                "stops"
            }
            1 => {
                levers.stop.cancel();
                levers.abandon.cancel();
                "stops and abandons the form under way"
            }
            _ => {
                levers.pause.send_replace(true);
                "pauses"
            }
        };
        self.say(|| format!("the person {what} {place}"));
    }

    /// Ends a pause, where there is one.
    pub(crate) fn goes_on(&self) -> bool {
        let levers = self.levers.lock().unwrap();
        let Some(levers) = levers.as_ref().filter(|levers| *levers.pause.borrow()) else { return false };
        self.time.passes(Duration::from_secs(30));
        if self.dice.falls(200) {
            levers.stop.cancel();
        }
        levers.pause.send_replace(false);
        self.say(|| "the pause is over".to_owned());
        true
    }
}

/// A few rows of the built-in mapping.
fn mapping(dice: &Dice) -> Mapping {
    let built_in = Mapping::built_in();
    let mut rows: Vec<_> = built_in.usable().collect();
    let mut lines = vec!["case_property,data_element_id,data_set_id,dhis2_name".to_owned()];
    for _ in 0..dice.between(2, 5) {
        let row = rows.remove(dice.below(rows.len()));
        lines.push(format!("{},{},{},", row.property, row.data_element, row.data_set));
    }
    Mapping::read(lines.join("\n").as_bytes())
}
