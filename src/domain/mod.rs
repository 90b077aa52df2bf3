//! The pure part: no clock, no environment, no file, no network. Everything here is a function of its arguments.
#![deny(clippy::as_conversions)]

pub mod caseblock;
pub mod mapping;
pub mod nearest;
