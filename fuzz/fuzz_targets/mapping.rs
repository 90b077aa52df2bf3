//! Any bytes as a mapping file: read, changed and read again. Run it with `cargo +nightly fuzz run -s none mapping -- -timeout=5`.
#![no_main]

#[path = "../../tests/support/mapping_check.rs"]
mod mapping_check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mapping_check::check(bytes));
