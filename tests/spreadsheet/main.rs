//! A review as a spreadsheet, out and in: what is in the file, that nothing in it acts (fault matrix row M23), and that whatever a
//! spreadsheet program saves of it is read as it was, or refused.
#![expect(clippy::unwrap_used, reason = "tests")]

mod back;
mod desk;
mod office;
mod out;
mod random;
mod zips;
