//! Rows of the fault matrix by name: what becomes of a submission when the line, the form receiver, the cases or reading back go
//! wrong. The sandbox in process with faults around its transport; time moves only while something is waited for.
//!
//! Held elsewhere too, each under its name: N07 and N08 in `io_client` (where a redirect leads), N07, N21, H13, H14, H18, H24, H25,
//! H26, D24, H07 and H09 in `cli` (`submitting`: exit codes and text), D27 in `faults_dhis2` (reading), H27 to H29 in `faults_hq`.
//! Without a name: what moved in DHIS2, cell by cell, in `job::recheck`; each answer of HQ by itself in `io::commcare`.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod again;
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
