//! The two clients against scripted answers and against a real socket.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod commcare;
mod dhis2;
mod fake;
mod hostile;
mod reads;
mod secrets;
mod socket;
mod tls;
