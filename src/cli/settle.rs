//! `onse decide --settle`, and what a bulk approval is told that meets a property with an open STOP (review-ux.md rule 3).

use std::{collections::BTreeSet, io::Write as _, path::Path};

use anyhow::{Context as _, Result, anyhow};

use super::{
    args,
    exit::{Exit, refused, told, usage},
    out::{Out, shell},
};
use crate::{
    domain::{
        flags::Check,
        ledger::{Act, Ledger, SHORTEST_REASON, is_reason},
        plan::{Cell, Plan},
        text::inert,
    },
    job::session::Session,
};

/// Settles the STOPs of the one property that is meant.
pub(super) async fn settle(
    session: &Session,
    args: &args::Decide,
    plan: &std::sync::Arc<Plan>,
    mut ledger: Ledger,
    out: &mut Out,
) -> Result<Exit> {
    let property = meant(args, plan, &ledger)?;
    let reason = args.reason.as_deref().unwrap_or_default();
    if !is_reason(Some(reason)) {
        let why =
            format!("a STOP of a property is settled with --reason TEXT of at least {SHORTEST_REASON} characters");
        return Err(usage(why));
    }
    let open: Vec<Check> = ledger.open_stops(plan, property).cloned().collect();
    let entry = ledger.settle(plan, property, reason, &session.stamp()).map_err(|why| anyhow!("{why}"))?;
    session.record(entry, plan).await?;
    let name = inert(&plan.property(property).name);
    let mut lines: Vec<String> =
        open.iter().map(|check| format!("settled {} of {name}: {}", check.id, check.sentence)).collect();
    lines.push(format!(
        "its changes without a flag can be approved now: onse decide {} --where \"prop:{name}\" --approve",
        shell(&args.file)
    ));
    let lines: Vec<String> = lines.iter().map(|line| inert(line).into_owned()).collect();
    writeln!(out, "{}", lines.join("\n")).and_then(|()| out.flush()).with_context(|| {
        told(Exit::Failed, format!("the decision is in {}; it could not be told", args.file.display()))
    })?;
    Ok(Exit::Done)
}

/// The property that is meant: the filter names properties and nothing else, and one of them has an open STOP.
fn meant(args: &args::Decide, plan: &Plan, ledger: &Ledger) -> Result<u16> {
    let Some(meant) = args.filter.properties(plan) else {
        return Err(usage(
            "a STOP of a property is settled for all of its facilities: --where prop:NAME and no other word",
        ));
    };
    let called = |properties: &[u16]| {
        let names: Vec<&str> = properties.iter().map(|at| plan.property(*at).name.as_str()).collect();
        inert(&names.join(", ")).into_owned()
    };
    let open: Vec<u16> = meant.iter().copied().filter(|property| ledger.blocks(plan, *property).is_some()).collect();
    match open[..] {
        [property] => Ok(property),
        [] if meant.is_empty() => Err(usage("nothing to settle: the filter leaves no property")),
        [] => Err(usage(format!("nothing to settle: no STOP of the whole property is open in {}", called(&meant)))),
        _ => Err(usage(format!("one property is settled at a time; a STOP is open in {}", called(&open)))),
    }
}

/// The refusal of a bulk approval that meets these cells of properties with an open STOP: which, and both ways out.
pub(super) fn refusal(file: &Path, plan: &Plan, ledger: &Ledger, act: Act, cells: &[Cell]) -> anyhow::Error {
    let properties: BTreeSet<u16> = cells.iter().map(|cell| cell.property).collect();
    let (mut open, mut out) = (Vec::new(), Vec::new());
    for property in properties {
        let name = &plan.property(property).name;
        if let Some(check) = ledger.blocks(plan, property) {
            open.push(format!("{name} has an open STOP ({})", check.statement()));
            out.push(format!("-prop:{name}"));
        }
    }
    let done = if act == Act::Zero { "decided" } else { act.past() };
    let text = format!(
        "nothing was {done}: {}. A property with an open STOP takes no bulk approval. Settle it: onse decide {} --where prop:NAME \
         --settle --reason TEXT; or leave it out of the filter: {}",
        open.join("; "),
        shell(file),
        out.join(" ")
    );
    refused(Exit::Stopped, inert(&text))
}
