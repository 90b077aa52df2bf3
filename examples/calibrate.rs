//! How often the rules about sizes speak on made-up quarters, beside what data-quality-flags.md section 3.5 prints: a table for
//! `docs/flags.md`. Takes a few seconds with `cargo run --release --example calibrate`. With `-- golden` it prints the golden
//! vectors of section 3.6 in full precision instead, as they stand in `tests/data/flags/golden.csv`.

#[path = "../tests/support/synthetic.rs"]
mod synthetic;

use std::{
    env,
    io::{self, Write},
};

use onse::domain::flags::{Limits, Usual};
use synthetic::{RULES, Row, flags, table};

/// Facilities drawn for each row: ten times those of the document, so that what differs is mostly its own chance.
const FACILITIES: usize = 30_000;
const SEED: u64 = 20_260_705;
/// The vectors as the document prints them.
const PRINTED: &str = include_str!("../tests/data/flags/printed.csv");

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    if env::args().nth(1).is_some_and(|word| word == "golden") { golden(&mut out) } else { calibration(&mut out) }
}

fn calibration(out: &mut impl Write) -> io::Result<()> {
    let rows = table(SEED, FACILITIES);
    writeln!(
        out,
        "Percent of cells flagged, {FACILITIES} facilities drawn for each row with seed {SEED}; in brackets the"
    )?;
    writeln!(out, "difference from the figures of data-quality-flags.md section 3.5.")?;
    for (title, mistakes) in [("Ordinary numbers (false alarms):", false), ("Mistakes (detections):", true)] {
        writeln!(out, "\n{title}\n\n| Mistake | Quarters | Mean | {} |", RULES.join(" | "))?;
        writeln!(out, "|---|---|---|{}", "---|".repeat(RULES.len()))?;
        for row in rows.iter().filter(|row| row.mistake.is_some() == mistakes) {
            let season = if row.plan.seasonal { ", seasonal" } else { "" };
            let (mistake, quarters, mean) = (row.mistake.unwrap_or("none"), row.plan.quarters, row.plan.mean);
            writeln!(out, "| {mistake} | {quarters} | {mean}{season} | {} |", cells(row).join(" | "))?;
        }
    }
    Ok(())
}

/// `46.9 (-0.4)`; without brackets where the document prints nothing.
fn cells(row: &Row) -> Vec<String> {
    let beside = |(share, printed): (&f64, &Option<f64>)| match printed {
        Some(printed) => format!("{share:.1} ({:+.1})", share - printed + 0.0),
        None => format!("{share:.1}"),
    };
    row.shares.iter().zip(&row.printed).map(beside).collect()
}

fn golden(out: &mut impl Write) -> io::Result<()> {
    let limits = Limits::default();
    writeln!(out, "history,x,sp,c,sf,floor,s,R,q,result")?;
    for line in PRINTED.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let history: Vec<f64> = fields[0].split(' ').filter_map(|number| number.parse().ok()).collect();
        let (Ok(x), Ok(pooled), Some(usual)) = (fields[1].parse(), fields[2].parse(), Usual::of(&history)) else {
            return Err(io::Error::other(format!("printed.csv has a line that cannot be read: {line}")));
        };
        let score = usual.score(x, pooled, &limits);
        let said: Vec<String> = flags(&history, x, pooled, &limits)
            .into_iter()
            .map(|flag| format!("{} {}", flag.severity.word(), flag.id))
            .collect();
        let said = if said.is_empty() { "none".to_owned() } else { said.join(" + ") };
        let numbers =
            [usual.center, usual.own, score.floor, score.spread, score.away, score.ratio].map(|n| n.to_string());
        writeln!(out, "{},{x},{pooled},{},{said}", fields[0], numbers.join(","))?;
    }
    Ok(())
}
