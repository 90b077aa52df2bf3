//! A submission that is killed, or in which a call fails, at every point there is (fault matrix rows K04 to K13, K15, K17, F01 and
//! F02): it is gone on with until it is done, and then every promise is looked at.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test binary; a failure here is the test's answer")]
#![expect(clippy::print_stdout, reason = "the figures of a sweep are told, and before a failure where it was")]

mod failures;
#[path = "../support/faults.rs"]
#[expect(dead_code, reason = "only its clients are used here")]
mod faults;
mod in_process;
#[path = "../support/points.rs"]
mod points;
mod real;
#[path = "../support/mod.rs"]
mod support;
mod world;
