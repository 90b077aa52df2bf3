//! The outside world: HTTP, the two servers, the review file, settings. Knows nothing of screens or jobs.

pub mod config;
pub mod transport;
