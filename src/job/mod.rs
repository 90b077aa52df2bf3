//! Work that takes time, as values a screen or a command can show: what is under way, and what came of it.
//! Joins `domain` and `io`; knows nothing of screens.

mod ask;
pub mod assemble;
pub mod check;
pub mod columns;
pub mod connect;
pub mod copy;
pub mod datasets;
pub mod earlier;
pub mod export;
pub mod fetch;
pub mod forms;
mod gather;
pub mod generation;
mod judge;
pub mod lint;
mod now;
pub mod pace;
mod preflight;
pub mod reach;
mod recheck;
pub mod report;
pub mod run;
mod server;
pub mod session;
mod sheet;
pub mod signoff;
pub mod submit;
pub mod undo;
mod values;
pub mod verify;
