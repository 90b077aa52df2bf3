//! How long a report of a country takes: from a review file that is open to HTML and Markdown. Run with
//! `cargo bench --bench signoff -- --file 2026Q2.review` on a review of 1,106 facilities that was submitted, such as one of
//! `onse sandbox`. The bar is two seconds.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench; a failure here is its answer")]

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use onse::{
    io::store::Store,
    job::{session::opened, signoff::Report},
};

/// What reading and writing together are to stay under.
const BAR: Duration = Duration::from_secs(2);
/// Times each is done.
const TIMES: usize = 9;

fn main() {
    let file = std::env::args().skip_while(|arg| arg != "--file").nth(1).map(PathBuf::from);
    let Some(file) = file else {
        println!("name a review that was submitted: cargo bench --bench signoff -- --file FILE");
        return;
    };
    let start = Instant::now();
    let loaded = Store::read_only(&file).unwrap();
    let entries = loaded.entries.clone();
    let opened = opened(loaded).unwrap();
    let generation = opened.plan.head.generation;
    let parts = Store::read_only_parts(&file, generation).unwrap();
    let history = Store::read_only_history(&file, generation).unwrap();
    let earlier = Store::read_only_flags(&file, generation).unwrap();
    let trail = Store::read_only_trail(&file).unwrap();
    println!("{:>10.2?}  the review is read", start.elapsed());
    let report = Report {
        file: "bench.review",
        id: None,
        plan: &opened.plan,
        ledger: &opened.ledger,
        forms: &opened.forms,
        elsewhere: &opened.elsewhere,
        submitted: opened.submitted.as_ref(),
        entries: &entries,
        trail: &trail,
        parts: &parts,
        history: &history,
        earlier: &earlier,
        made_at: "2026-07-06T08:00:00Z",
        program: "onse",
    };
    time("HTML", |bytes| report.html(bytes).unwrap());
    time("Markdown", |bytes| report.markdown(bytes).unwrap());
}

fn time(what: &str, write: impl Fn(&mut Vec<u8>)) {
    let mut took = Vec::new();
    let mut size = 0;
    for _ in 0..TIMES {
        let mut bytes = Vec::new();
        let start = Instant::now();
        write(&mut bytes);
        took.push(start.elapsed());
        size = bytes.len();
    }
    took.sort();
    let median = took[took.len() / 2];
    let over = if median > BAR { "OVER" } else { "" };
    println!("{median:>10.2?} {over:4} {what}, {size} bytes");
}
