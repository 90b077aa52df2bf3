//! Rows of the fault matrix by name: what becomes of a submission when the line, the form receiver, the cases or reading back go
//! wrong. The sandbox in process with faults around its transport; time moves only while something is waited for.
//!
//! Rows that are held elsewhere too: N07 and N08 at the transport in `io_client`; D27, D24 cell by cell in `job::recheck`; H27, H28
//! and H29 in `faults_hq`; what the commands print and their exit codes in `cli`.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod answers;
mod cases;
#[path = "../support/faults.rs"]
#[expect(dead_code, reason = "faults of other rows are tested elsewhere")]
mod faults;
mod network;
mod readback;
mod rig;
#[path = "../support/mod.rs"]
mod support;
