//! The review in lines (review-ux.md "Without the full screen"): for screen readers, serial lines, and terminals that cannot be
//! drawn on. Words, not signs: no colour, no cursor addressing, no spinner, one fact per line.
//!
//! [`Review`] is pure: a line in, [`Out`] out, which are lines to print and what is to be done between them. [`run`] does it on a
//! session. The rules are those of the ledger, and so is the log: a review goes on on the screen where it was left here.

mod commands;
mod decide;
mod driver;
mod go;
mod note;
mod review;
mod say;
mod submit;

pub use driver::{Left, Opening, Seat, Signal, run};
pub use review::{Out, Place, Review};

#[cfg(test)]
mod tests;
