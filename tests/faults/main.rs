//! Rows of the fault matrix by name: the whole reading against the sandbox, with faults wrapped around the transport and time
//! given in. What lies below the transport is in `io_client`.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

#[path = "../support/faults.rs"]
mod faults;
mod network;
mod proxy;
#[path = "../support/mod.rs"]
mod support;
