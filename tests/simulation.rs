//! Simulated runs by seed (fault matrix section 3): a person reads, decides, sends and comes back while everything goes wrong that
//! can, and no promise is broken. `ONSE_SIM_SEEDS` sets how many; `cargo run --release --example simulate` runs any number.

#[path = "support/sim/mod.rs"]
mod sim;

use sim::{Bench, Rule, Variant, many, tell};

/// Seeds of a run at a desk.
const SEEDS: u64 = 1000;

#[test]
fn many_seeds_keep_every_promise() {
    let seeds = std::env::var("ONSE_SIM_SEEDS").ok().map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let found = many(0, seeds, Variant::Whole, 5);
    if let Some(first) = found.wrong.first() {
        let all: Vec<u64> = found.wrong.iter().map(|run| run.seed).collect();
        panic!("broken by seeds {all:?}, of which the first:\n{}", tell(first.seed, Variant::Whole));
    }
    assert!(found.forms as u64 > seeds, "hardly anything was sent: {} forms", found.forms);
    assert!(found.returned as u64 > seeds, "hardly any verdict came back: {}", found.returned);
}

#[test]
fn a_rebuilt_form_is_caught() {
    let found = many(0, 100, Variant::Rebuilt, 1);
    let caught = found.wrong.iter().any(|run| run.wrong.iter().any(|wrong| wrong.rule == Rule::Rebuilt));
    assert!(caught, "100 seeds do not see that bytes are made anew");
}

#[test]
fn a_seed_replays() {
    let bench = Bench::new();
    for seed in [3, 17, 58] {
        let (first, again) = (bench.run(seed, Variant::Whole, true), bench.run(seed, Variant::Whole, true));
        assert_eq!(first, again);
        assert!(first.story.len() > 10, "{:?}", first.story);
    }
}
