//! What was approved although a STOP stood against it: each with the STOP, the reason, and who gave it.

use std::borrow::Cow;

use super::{
    Report,
    cells::{element, in_groups},
    course::Given,
    section::{Field, Section, Table, columns, value, when},
    sorted::{Sent, Sorted},
};
use crate::domain::{flags::Severity, plan::Cell};

/// Every approval against a STOP of the value, or against an open one of its data element.
pub(super) fn section<'a>(report: &Report<'a>, sorted: &Sorted<'a>) -> Section<'a> {
    let plan = report.plan;
    let sent = |sent: &Sent<'a>| {
        let of = sent.of;
        row(report, of.cell(), sent.form.generation, (of.old.as_deref(), Some(&of.new)), sent.given)
    };
    let unsent = |cell: &Cell| {
        let values = (plan.old(*cell), plan.offer(*cell));
        row(report, *cell, plan.head.generation, values, sorted.approval(*cell))
    };
    let held = sorted.held_approved.iter().map(|kept| &kept.cell);
    let rows = (sorted.last_words().chain(&sorted.earlier).filter_map(sent))
        .chain(sorted.waiting.iter().chain(&sorted.already).chain(held).filter_map(unsent));
    let groups = in_groups(plan, rows);
    let lead = if groups.is_empty() {
        "There is none."
    } else {
        "Something said that these are very likely wrong, and a person approved them all the same. Whether they were sent and \
         applied stands in the other lists."
    };
    Section {
        id: "stops",
        title: "Approved although STOP",
        lead: vec![lead.to_owned()],
        table: Table { columns: columns(&["Data element", "#Before", "#Approved", "STOP", "Reason", "Who"]), groups },
        annex: false,
    }
}

/// A row of it; `None` where no STOP stands against the value.
fn row<'a>(
    report: &Report<'a>,
    cell: Cell,
    generation: u32,
    (old, new): (Option<&'a str>, Option<&'a str>),
    given: Option<Given<'a>>,
) -> Option<(u32, Vec<Field<'a>>)> {
    let own = report.flags(generation, cell).iter().filter(|flag| flag.severity == Severity::Stop);
    let mut stops: Vec<Cow<'a, str>> = own.map(|flag| format!("{}: {}", flag.id, flag.sentence).into()).collect();
    // What stood against a data element in an earlier reading is not kept with this one.
    if generation == report.plan.head.generation {
        let open = report.ledger.open_stops(report.plan, cell.property);
        stops.extend(open.map(|check| format!("{} of the data element: {}", check.id, check.sentence).into()));
    }
    if stops.is_empty() {
        return None;
    }
    let reason = given.and_then(|given| given.reason).unwrap_or("no reason given");
    let who = given.map_or_else(Vec::new, |given| vec![given.who.into(), when(given.at).into()]);
    let row = vec![
        element(report, cell),
        Field::text(value(old)),
        Field::text(value(new)),
        Field::Lines(stops),
        Field::text(reason),
        Field::Lines(who),
    ];
    Some((cell.facility, row))
}
