//! Simulated runs by seed, any number of them: `cargo run --release --example simulate -- --seeds 100000 --from 0`. Each seed is a
//! small world with a review in it in which everything goes wrong that can; the story of the first one that breaks a promise is
//! printed. `--all` goes on and names every such seed in a line; `--seed N` tells the story of one.

#[path = "../tests/support/sim/mod.rs"]
mod sim;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
    time::Instant,
};

use sim::{Variant, many, tell};

/// Seeds between two lines of progress.
const AT_ONCE: u64 = 1000;

fn main() -> io::Result<ExitCode> {
    let words: Vec<String> = env::args().skip(1).collect();
    let number = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1)?.parse::<u64>().ok()
    };
    let mut out = io::stdout().lock();
    if let Some(seed) = number("--seed") {
        writeln!(out, "{}", tell(seed, Variant::Whole))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (from, seeds) = (number("--from").unwrap_or(0), number("--seeds").unwrap_or(AT_ONCE));
    let (began, mut done, mut forms) = (Instant::now(), 0, 0);
    let enough = if words.iter().any(|word| word == "--all") { usize::MAX } else { 5 };
    while done < seeds {
        let part = AT_ONCE.min(seeds - done);
        let found = many(from + done, part, Variant::Whole, enough);
        (done, forms) = (done + part, forms + found.forms);
        if let Some(first) = found.wrong.first() {
            for run in &found.wrong {
                let rules: Vec<String> = run.wrong.iter().map(|wrong| format!("{:?}", wrong.rule)).collect();
                writeln!(out, "seed {} breaks {}: {}", run.seed, rules.join(", "), run.wrong[0].what)?;
            }
            if enough > 5 {
                continue;
            }
            writeln!(out, "{}", tell(first.seed, Variant::Whole))?;
            return Ok(ExitCode::FAILURE);
        }
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let pace = done * 1000 / millis;
        writeln!(out, "{done} seeds, {forms} forms received, {pace} seeds a second")?;
    }
    Ok(ExitCode::SUCCESS)
}
