//! Killed for good: this test binary starts itself with a review file and the address of a sandbox, and gets SIGKILL where it says
//! that it has come to its point.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    pin::pin,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use onse::{
    io::{
        http::{Limits, Options, Sleeper, real},
        store::Store,
        transport::Later,
    },
    job::session::Session,
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};
use tokio_util::sync::CancellationToken;

use crate::{
    faults::connect,
    points::{How, Point, Points},
    support,
    world::{Prepared, RUNS, Scenario, Way, World, command, folder},
};

/// What the child is told: the review file, where the servers are, and the point it waits at for its end.
const FILE: &str = "ONSE_KILL_FILE";
const ORIGIN: &str = "ONSE_KILL_ORIGIN";
const AT: &str = "ONSE_KILL_AT";

/// What the child tells, each on a line of its own: that it is at its point, and else which points it passed.
const IS_AT: &str = "onse-child at";
const PASSED: &str = "onse-child passed ";

/// The index is behind, and nothing but its bytes tells whether a form took effect.
const SIX: Scenario = Scenario {
    name: "processes",
    facilities: 6,
    chunk: 2,
    lag: Duration::from_secs(6),
    way: Way::NoDatabase,
    tick: Duration::from_secs(1),
    ..Scenario::PLAIN
};

/// A process of its own, which the sweep starts with a file to work on; where nobody did there is nothing to do.
#[tokio::test]
async fn child() {
    let Ok(path) = std::env::var(FILE) else { return };
    let points = std::env::var(AT).map_or_else(|_| Points::undisturbed(), |at| Points::at(&parsed(&at), How::Kill));
    let line = points.around(SIX.to(real(&Options::default()).unwrap()));
    let sleep: Sleeper = Arc::new(|_| -> Later<'static, ()> { Box::pin(std::future::ready(())) });
    let connect = connect(&std::env::var(ORIGIN).unwrap(), line, Arc::clone(&sleep), &Limits::default());
    let store = Store::open(Path::new(&path)).unwrap().gated(points.gate());
    let session = Session::new(store, Some(connect), Arc::new(support::clock), sleep, "Grace");
    let mut run = pin!(async {
        for _ in 0..RUNS {
            if command(&session).await.unwrap().is_none() {
                return;
            }
        }
        panic!("not done after {RUNS} runs");
    });
    tokio::select! {
        biased;
        () = points.killed() => {
            say(IS_AT);
            std::future::pending::<()>().await;
        }
        () = &mut run => {}
    }
    session.close();
    for point in points.passed() {
        say(&format!("{PASSED}{} {}", point.nth, point.what));
    }
}

fn parsed(text: &str) -> Point {
    let (nth, what) = text.split_once(' ').unwrap();
    Point { what: what.to_owned(), nth: nth.parse().unwrap() }
}

/// The harness has begun a line of its own.
fn say(text: &str) {
    let mut out = std::io::stdout();
    write!(out, "\n{text}\n").unwrap();
    out.flush().unwrap();
}

fn start(path: &Path, origin: &str, at: Option<&Point>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "real::child", "--nocapture", "--test-threads=1"]);
    command.env(FILE, path).env(ORIGIN, origin).stdin(Stdio::null()).stdout(Stdio::piped());
    if let Some(at) = at {
        command.env(AT, format!("{} {}", at.nth, at.what));
    }
    command.spawn().unwrap()
}

/// The servers of a world behind an address.
fn serve(world: &World, runtime: &Runtime, stop: &CancellationToken) -> String {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(world.sandbox.clone().listen(listener, Duration::ZERO, stop.clone()));
    origin
}

/// The points of a child that goes on to the end.
fn to_the_end(path: &Path, origin: &str) -> Vec<Point> {
    let output = start(path, origin, None).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.strip_prefix(PASSED)).map(parsed).collect()
}

fn kill(prepared: &Prepared, point: &Point, runtime: &Runtime) {
    println!("killed at {point}");
    let (world, folder, stop) = (World::new(prepared), folder(), CancellationToken::new());
    let _stop = stop.clone().drop_guard();
    let (path, origin) = (prepared.copy(&folder), serve(&world, runtime, &stop));
    let mut child = start(&path, &origin, Some(point));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == IS_AT), "it never came to {point}");
    child.kill().unwrap();
    let ended = child.wait().unwrap();
    #[cfg(unix)]
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9));
    assert!(!ended.success());
    assert!(path.with_file_name("2026Q2.review-lock").exists(), "a dead process holds the review");
    to_the_end(&path, &origin);
    runtime.block_on(world.check(prepared, &path));
}

#[test]
fn a_process_is_killed_at_every_point_of_a_submission() {
    let started = Instant::now();
    let runtime = || Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (prepared, points) = {
        let (runtime, folder, stop) = (runtime(), folder(), CancellationToken::new());
        let prepared = runtime.block_on(Prepared::new(SIX));
        let world = World::new(&prepared);
        let path = prepared.copy(&folder);
        let points = to_the_end(&path, &serve(&world, &runtime, &stop));
        runtime.block_on(world.check(&prepared, &path));
        (prepared, points)
    };
    assert!(points.len() > 60, "{points:?}");
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let runtime = runtime();
                while let Some(point) = points.get(next.fetch_add(1, Ordering::SeqCst)) {
                    kill(&prepared, point, &runtime);
                }
            });
        }
    });
    let time = started.elapsed().as_secs_f64();
    println!("kill sweep {}: {} of {} points by SIGKILL, {time:.1} s", SIX.name, points.len(), points.len());
}
