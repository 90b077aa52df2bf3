//! `onse show`: a review as a table, as JSON, as the forms it would send, or what was noted in it. Reads the file and changes nothing.

use std::{
    collections::BTreeSet,
    io::{IsTerminal as _, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result};

use super::{
    args,
    exit::{Exit, usage},
    here::Here,
    out::{Out, say, shell},
    trail,
    viewed::Viewed,
};
use crate::{
    domain::{
        caseblock::USERNAME,
        ledger::Ledger,
        nearest::nearest,
        plan::{Cell, Facility, Plan, ordinal},
        query::{Called, Filter, pick},
        text::inert,
    },
    io::store::{Loaded, Store},
    job::{
        export::{View, summary},
        forms::forms_now,
        session::{Opened, opened},
    },
};

pub(super) fn show(here: &Here, args: &args::Show, out: &mut Out) -> Result<Exit> {
    if args.xml && std::io::stdout().is_terminal() {
        // The bytes are what CommCare gets, and may hold anything a server sent.
        let file = shell(&args.file);
        return Err(usage(format!(
            "--xml writes the exact bytes of the forms, which a terminal could act on. Send them elsewhere, as in: onse show {file} \
             --xml > forms.xml; or write one file for each: onse submit {file} --dry-run forms"
        )));
    }
    if args.trail {
        return trail::trail(&args.file, args.json, out);
    }
    let loaded = Store::read_only(&args.file)?;
    if args.xml {
        let forms = forms(here, loaded)?;
        for form in &forms {
            out.write_all(form)?;
            writeln!(out)?;
        }
        if forms.is_empty() {
            say("no form: no approved change waits to be sent");
        }
        return Ok(Exit::Done);
    }
    let opened = opened(loaded)?;
    let Opened { plan, ledger, .. } = &opened;
    let narrowed = args.facility.is_some() || args.property.is_some();
    let facility = args.facility.as_deref().map(|words| facility(plan, words)).transpose()?;
    let property = args.property.as_deref().map(|name| property(plan, name)).transpose()?;
    // The table is of the changes, unless one facility or property is asked for whole; JSON is of everything.
    let changes_only = args.filter.is_some() || !(narrowed || args.json);
    let everything = Filter::default();
    let filter = args.filter.as_ref().unwrap_or(&everything);
    let asked = |cell: &Cell| {
        facility.as_ref().is_none_or(|all| all.contains(&cell.facility))
            && property.is_none_or(|one| one == cell.property)
    };
    let cells: Vec<Cell> =
        if changes_only { found(filter, plan, ledger, asked) } else { plan.cells().filter(asked).collect() };
    print(args, opened, &cells, out)?;
    Ok(Exit::Done)
}

/// The cells in the form that was asked for.
fn print(args: &args::Show, opened: Opened, cells: &[Cell], out: &mut Out) -> Result<()> {
    // As text the quarters before are told of what was asked for by name; of all they would hide the changes.
    let history = args.json || args.facility.is_some() || args.property.is_some();
    let viewed = Viewed::of(&args.file, opened, args.json, history)?;
    let view = viewed.view(cells);
    if args.json {
        view.json(out)?;
        return Ok(writeln!(out)?);
    }
    if args.csv {
        return Ok(view.csv_lines(out)?);
    }
    lines(&view, out)
}

/// The changes that a filter finds, of those `asked` for, in cell order. Cells that read `(0?)` are no changes; who asks for them by
/// their state wants to see them.
pub(super) fn found(filter: &Filter, plan: &Plan, ledger: &Ledger, asked: impl Fn(&Cell) -> bool) -> Vec<Cell> {
    let zeros = filter.decidable(plan, ledger).filter(|cell| filter.names_zero() && plan.may_be_zero(*cell));
    let found: BTreeSet<Cell> = filter.changes(plan, ledger).chain(zeros).filter(asked).collect();
    found.into_iter().collect()
}

/// The summary, then the cells.
fn lines(view: &View<'_>, out: &mut Out) -> Result<()> {
    for line in summary(view.plan, view.ledger) {
        writeln!(out, "{line}")?;
    }
    if view.cells.is_empty() {
        writeln!(out, "\nno change to show")?;
        return Ok(());
    }
    writeln!(out)?;
    view.table(out)?;
    Ok(())
}

/// The whole review as JSON.
pub(super) fn json(path: &Path, out: &mut Out) -> Result<()> {
    let viewed = Viewed::of(path, opened(Store::read_only(path)?)?, true, true)?;
    let cells: Vec<Cell> = viewed.opened.plan.cells().collect();
    viewed.view(&cells).json(out)?;
    writeln!(out)?;
    Ok(())
}

/// The facilities these words mean.
fn facility(plan: &Plan, words: &str) -> Result<Vec<u32>> {
    let called = |one| {
        let Facility { case_id, external_id, name, .. }: &Facility = one;
        Called { case_id, external_id, name }
    };
    let called: Vec<Called<'_>> = plan.facilities().iter().map(called).collect();
    Ok(pick(&called, words).map_err(usage)?.into_iter().map(ordinal).collect())
}

fn property(plan: &Plan, name: &str) -> Result<u16> {
    let known = || plan.properties().iter().map(|property| property.name.as_str());
    plan.find_property(name).or_else(|| plan.find_property(&format!("dhis_{name}"))).ok_or_else(|| {
        let close = nearest(name, known());
        let close = close.map(|close| format!(" Perhaps {close} is meant.")).unwrap_or_default();
        usage(format!(
            "the review has no property \"{}\".{close} There are: {}",
            inert(name),
            known().collect::<Vec<_>>().join(", ")
        ))
    })
}

/// The forms as they stand now. The user name in them is the profile's, where there are settings that know it.
pub(super) fn forms(here: &Here, loaded: Loaded) -> Result<Vec<Vec<u8>>> {
    let used = loaded.used.clone();
    let username = if here.has_settings()? {
        here.ready(Some(&used.profile))?.profile.commcare.username
    } else {
        USERNAME.to_owned()
    };
    let Opened { plan, ledger, .. } = opened(loaded)?;
    forms_now(&plan, &ledger, &used, &username, (here.clock)()).context("nothing was written")
}
