//! `onse` reads DHIS2 totals and CommCare facility cases, shows old against new, and submits what a person approved.
//!
//! Four layers and two side doors; an arrow means "may use". `tests/layers.rs` holds the rule.
//!
//! ```text
//!         main, cli
//!        /    |     \
//!     tui   plain   sandbox
//!        \    |        |  (the Transport type only)
//!          job -----> io
//!            \        |
//!             \       v
//!              `--> domain
//! ```
//!
//! `domain` is pure: values in, values out. `io` is the outside: HTTP, the review file, settings.
//! `job` joins the two into the work that takes time. `tui` draws and decides; `sandbox` answers as both servers.

pub mod cli;
pub mod domain;
pub mod io;
pub mod job;
pub mod plain;
pub mod sandbox;
pub mod tui;
