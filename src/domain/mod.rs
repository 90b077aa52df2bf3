//! The pure part: no clock, no environment, no file, no network. Everything here is a function of its arguments.
#![deny(clippy::as_conversions)]

pub mod caseblock;
pub mod explored;
pub mod finer;
pub mod fingerprint;
pub mod flags;
pub mod generation;
pub mod head;
pub mod history;
pub mod ledger;
pub mod local;
pub mod mapping;
pub mod nearest;
pub mod offer;
pub mod outcome;
pub mod plan;
pub mod quarter;
pub mod query;
pub mod returned;
pub mod state;
pub mod text;
pub mod total;
pub mod undo;
pub mod value;
