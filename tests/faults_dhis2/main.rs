//! Rows D and Q of the fault matrix by name: what DHIS2 may answer, and what the plan promises then. The sandbox in process with
//! faults around its transport; time moves only while a client sleeps. What is left after the fault is compared cell by cell
//! with a plan worked out the plainest way.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test binary; a failure here is the test's answer")]

mod access;
mod answers;
#[path = "../cli/rig.rs"]
#[expect(dead_code, reason = "more of the program is run elsewhere")]
mod cli;
#[path = "../support/faults.rs"]
#[expect(dead_code, reason = "faults of other rows are tested elsewhere")]
mod faults;
mod line;
#[path = "../support/naive.rs"]
mod naive;
mod names;
mod quarter;
mod rig;
mod rows;
#[path = "../support/mod.rs"]
mod support;
