//! The outside world: HTTP, the two servers, the review file, settings. Knows nothing of screens or jobs.

pub mod commcare;
pub mod config;
pub mod curl;
pub mod dhis2;
pub mod http;
pub mod keyring;
pub mod known;
pub mod mapping;
pub mod spreadsheet;
pub mod store;
pub mod transport;
pub mod wire;
