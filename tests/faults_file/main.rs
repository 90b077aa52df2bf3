//! Rows K, F and X of the fault matrix by name.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test binary; a failure here is the test's answer")]

#[path = "../cli/between.rs"]
#[expect(dead_code, reason = "more goes wrong elsewhere")]
mod between;
#[path = "../cli/rig.rs"]
#[expect(dead_code, reason = "more of the program is run elsewhere")]
mod cli;
mod kills;
mod rig;
#[path = "../support/mod.rs"]
mod support;
