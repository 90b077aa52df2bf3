//! The report a manager signs: what it says of a review, that hostile text stays text (fault matrix rows V11, V12), and its size.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test binary; a failure here is the test's answer")]

mod facts;
mod golden;
mod hostile;
mod later;
mod sample;
mod size;
mod turns;
