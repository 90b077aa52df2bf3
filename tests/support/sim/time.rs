//! A time that moves when something happens and jumps to the end of the shortest sleep when nothing does.

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex},
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use onse::io::store::Store;

use super::world::World;

/// Turns of the runtime in which nothing moves before it is taken that everything waits.
const TURNS: usize = 8;
/// Real time in which nothing happens before a run is given up.
const STUCK: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(crate) struct Time(Arc<Mutex<Going>>);

struct Going {
    now: Timestamp,
    began: Timestamp,
    sleepers: BTreeMap<u64, (Timestamp, Option<Waker>)>,
    next: u64,
    moves: u64,
}

impl Time {
    pub(crate) fn new() -> Self {
        let now = "2026-07-05T09:41:00Z".parse().unwrap();
        Self(Arc::new(Mutex::new(Going { now, began: now, sleepers: BTreeMap::new(), next: 0, moves: 0 })))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    /// Since it began.
    pub(crate) fn passed(&self) -> Duration {
        let going = self.0.lock().unwrap();
        going.now.duration_since(going.began).unsigned_abs()
    }

    /// Something happens, and takes so long.
    pub(crate) fn passes(&self, pause: Duration) {
        let mut going = self.0.lock().unwrap();
        going.now += pause;
        going.moves += 1;
    }

    fn moves(&self) -> u64 {
        self.0.lock().unwrap().moves
    }

    /// Ends once so much time is over.
    pub(crate) async fn sleep(&self, pause: Duration) {
        let sleeper = {
            let mut going = self.0.lock().unwrap();
            going.moves += 1;
            going.next += 1;
            let (id, until) = (going.next, going.now + pause);
            going.sleepers.insert(id, (until, None));
            Sleeper { time: self.clone(), id, until }
        };
        poll_fn(|cx| {
            let mut going = sleeper.time.0.lock().unwrap();
            if going.now >= sleeper.until {
                going.moves += 1;
                return Poll::Ready(());
            }
            going.sleepers.insert(sleeper.id, (sleeper.until, Some(cx.waker().clone())));
            Poll::Pending
        })
        .await;
    }

    /// To the end of the shortest sleep; whether anybody sleeps.
    fn jump(&self) -> bool {
        let mut going = self.0.lock().unwrap();
        let Some(next) = going.sleepers.values().map(|(until, _)| *until).min() else { return false };
        going.now = going.now.max(next);
        going.moves += 1;
        let due = going.sleepers.values_mut().filter(|(until, _)| *until <= next);
        let due: Vec<Waker> = due.filter_map(|(_, waker)| waker.take()).collect();
        drop(going);
        due.into_iter().for_each(Waker::wake);
        true
    }
}

/// One sleep; forgotten when it is given up.
struct Sleeper {
    time: Time,
    id: u64,
    until: Timestamp,
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.time.0.lock().unwrap().sleepers.remove(&self.id);
    }
}

/// Does the work with time going on as it is slept; `None` where the process was killed meanwhile. `store` is the file without its
/// gate: an answer of it means that all that was asked of it before is answered too, so that no jump depends on how fast its thread
/// is. Needs a runtime of one thread.
pub(crate) async fn drive<T>(world: &World, store: &Store, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let (mut turns, mut asked, mut seen) = (0, false, world.time.moves());
    let mut stuck = Instant::now();
    loop {
        let polled = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
        if world.is_killed() {
            return None;
        }
        if let Poll::Ready(done) = polled {
            return Some(done);
        }
        tokio::task::yield_now().await;
        if world.time.moves() != seen {
            (turns, asked, seen, stuck) = (0, false, world.time.moves(), Instant::now());
            continue;
        }
        turns += 1;
        if turns < TURNS {
            continue;
        }
        turns = 0;
        if asked {
            asked = false;
            if !world.goes_on() && !world.time.jump() {
                assert!(stuck.elapsed() < STUCK, "nothing moves any more");
                std::thread::yield_now();
            }
        } else {
            let _ = store.is_blank().await;
            asked = true;
        }
    }
}
