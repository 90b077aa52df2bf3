//! The command line from outside: the real program against the sandbox in a process of its own. Exit codes, what goes where,
//! JSON, and what happens when things go wrong.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test binary; a failure here is the test's answer")]

mod between;
mod check;
mod choice;
mod curl;
mod data_sets;
mod describe;
mod export;
mod import;
mod init;
mod notify;
mod path;
mod plain;
mod rig;
mod settle;
mod status;
mod submitting;
mod terminal;
mod trouble;
mod undo;
mod usage;
