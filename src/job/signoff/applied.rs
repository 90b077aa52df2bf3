//! Every applied change, and what was applied before it.

use std::borrow::Cow;

use super::{
    Detail, Report,
    cells::{asks, element, in_groups, named},
    section::{Element, Field, Section, Table, columns, count, value},
    sorted::{Sent, Sorted},
    trend::Trend,
};
use crate::domain::{
    ledger::Act,
    plan::Cell,
    value::{change, grouped, same},
};

/// Most category option combos told of one value.
const MOST_PARTS: usize = 12;

impl<'a> Sorted<'a> {
    /// Every applied change.
    pub(super) fn applied_section(&self, report: &Report<'a>, detail: Detail) -> Section<'a> {
        let groups = in_groups(report.plan, self.applied.iter().map(|sent| row(report, sent, detail)));
        let lead = if self.applied.is_empty() {
            vec!["There is none.".to_owned()]
        } else {
            let values = count(self.applied.len(), "change", "changes");
            let mut lead = vec![format!(
                "{values} in {}, by name of the facility. Before is what the case held, Now what was written and read back. The \
                 quarters before begin with the oldest; - is one without a number.",
                count(groups.len(), "facility", "facilities")
            )];
            let pictures = if detail == Detail::Least { ", and for pictures" } else { "" };
            lead.extend((detail != Detail::All).then(|| {
                format!("There are too many for category options here{pictures}; onse export FILE --to review.json holds them.")
            }));
            lead
        };
        let headings = ["Data element", "#Before", "#Now", "#Change", "Quarters before", "What was known"];
        Section {
            id: "applied",
            title: "Every applied change, by facility",
            lead,
            table: Table { columns: columns(&headings), groups },
            annex: true,
        }
    }

    /// What an earlier form wrote and is not the last word on its cell; `None` where there is none.
    pub(super) fn earlier_section(&self, report: &Report<'a>) -> Option<Section<'a>> {
        let row = |sent: &Sent<'a>| {
            let (of, form) = (sent.of, format!("form {}", sent.form.number));
            let (old, new) = (value(of.old.as_deref()), value(Some(&of.new)));
            let row = [element(report, of.cell()), Field::text(old), Field::text(new), Field::text(form)];
            (of.facility, Vec::from(row))
        };
        (!self.earlier.is_empty()).then(|| Section {
            id: "earlier",
            title: "Applied before",
            lead: vec![
                "These were written and read back too. The same values were sent, held or decided on again after it, and stand in the \
                 list that is true of them now."
                    .to_owned(),
            ],
            table: Table {
                columns: columns(&["Data element", "#Before", "#Written", "By"]),
                groups: in_groups(report.plan, self.earlier.iter().map(row)),
            },
            annex: true,
        })
    }
}

/// An applied change.
fn row<'a>(report: &Report<'a>, sent: &Sent<'a>, detail: Detail) -> (u32, Vec<Field<'a>>) {
    let (plan, of, cell) = (report.plan, sent.of, sent.of.cell());
    let is_offered = same(plan.offer(cell), Some(&of.new));
    let property = plan.property(cell.property);
    let sheet = report.history.get(&(cell.facility, property.data_set.clone())).filter(|_| detail != Detail::Least);
    let trend = Trend::of(sheet, &property.data_element, plan.head.quarter, &of.new);
    let named = Element { property: "", ..named(plan, cell.property) };
    let name =
        Field::Element(if detail == Detail::All && is_offered { with_parts(report, cell, named) } else { named });
    let new = if is_offered { plan.dated(cell, &of.new) } else { value(Some(&of.new)).into_owned() };
    let step = change(of.old.as_deref(), Some(&of.new)).unwrap_or_default();
    let old = Field::text(value(of.old.as_deref()));
    (of.facility, vec![name, old, Field::text(new), Field::text(step), Field::Trend(trend), known(report, sent)])
}

/// What was known of a cell when it was sent: STOP and REVIEW, the reason, the note.
fn known<'a>(report: &Report<'a>, sent: &Sent<'a>) -> Field<'a> {
    let (cell, generation) = (sent.of.cell(), sent.form.generation);
    let mut said = asks(report.flags(generation, cell));
    if sent.given.is_some_and(|given| given.act == Act::Zero) {
        said.push("0 was approved; DHIS2 holds no row".into());
    }
    said.extend(sent.given.and_then(|given| given.reason).map(|reason| format!("reason: {reason}").into()));
    said.extend(report.ledger.note(cell).map(|note| format!("note: {note}").into()));
    if generation < report.plan.head.generation {
        said.push(format!("of reading {generation}").into());
    }
    Field::Lines(said)
}

/// The same with its category option combos, where there is more than one or the one has a name that says something.
fn with_parts<'a>(report: &Report<'a>, cell: Cell, element: Element<'a>) -> Element<'a> {
    let rows: Vec<_> = parts(report, cell).collect();
    if rows.len() < 2 {
        return element;
    }
    let more = rows.len().saturating_sub(MOST_PARTS);
    Element { parts: rows.into_iter().take(MOST_PARTS).collect(), more, ..element }
}

/// Category option combos of a cell that hold a value, with it.
fn parts<'a>(report: &Report<'a>, cell: Cell) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
    let plan = report.plan;
    let property = plan.property(cell.property);
    let rows = report.parts.get(&(cell.facility, property.data_set.clone())).map_or(&[][..], Vec::as_slice);
    let named = |id: &'a str| plan.option_name(id).filter(|name| !name.is_empty()).unwrap_or(id);
    rows.iter().filter(|part| part.data_element == property.data_element).filter_map(move |part| {
        let attribute = named(&part.attribute_option_combo);
        let beside = [Some(attribute).filter(|name| !name.is_empty() && *name != "default"), part.period.as_deref()];
        let name = named(&part.category_option_combo);
        let beside: Vec<&str> = beside.into_iter().flatten().collect();
        let name = if beside.is_empty() { name.into() } else { format!("{name}, {}", beside.join(", ")).into() };
        Some((name, grouped(part.value.as_deref()?).into()))
    })
}
