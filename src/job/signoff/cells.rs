//! The sections of what was approved or decided against and is not applied. Each list keeps to one outcome: what was read back is never
//! among what was only approved or only sent.

use std::{borrow::Cow, cmp::Reverse, collections::BTreeMap};

use super::{
    Report,
    held::Kept,
    section::{Element, Field, Group, Named, SHORT, Section, Table, columns, count, number, value},
    sorted::{Sent, Sorted},
};
use crate::domain::{
    flags::{Flag, Severity},
    plan::{Cell, Kind, Plan},
    text::inert,
};

/// Most reasons told one by one.
const MOST_REASONS: usize = 12;

impl<'a> Sorted<'a> {
    /// Counts of each data element.
    pub(super) fn by_element(&self, report: &Report<'a>) -> Section<'a> {
        let plan = report.plan;
        let width = plan.properties().len();
        let per = |cells: &mut dyn Iterator<Item = Cell>| {
            let mut counts = vec![0_usize; width];
            cells.for_each(|cell| counts[usize::from(cell.property)] += 1);
            counts
        };
        let cell = |sent: &Sent<'_>| sent.of.cell();
        let applied = per(&mut self.applied.iter().map(cell));
        let open = [&self.accepted, &self.unknown, &self.refused, &self.changed].into_iter().flatten().map(cell);
        let kept = self.held_approved.iter().map(|kept| kept.cell);
        let open = per(&mut open.chain(self.waiting.iter().copied()).chain(kept));
        let rejected = per(&mut self.rejected.iter().chain(&self.kept).copied());
        let held = per(&mut self.held.iter().map(|kept| kept.cell));
        let row = |at: usize| {
            let property = u16::try_from(at).unwrap_or(u16::MAX);
            let tally = report.ledger.property(property);
            let same = plan.column(property).filter(|cell| plan.kind(*cell) == Kind::Same).count();
            let left = usize::try_from(tally.left() + tally.maybe_left()).unwrap_or(usize::MAX);
            let numbers = [applied[at], open[at], held[at], rejected[at], left, same].map(|n| Field::text(number(n)));
            let name = Field::Element(named(plan, property));
            std::iter::once(name).chain(numbers).collect()
        };
        let headings = [
            "Data element",
            "#Applied",
            "#Not verified",
            "#Held",
            "#Rejected or kept",
            "#Not decided",
            "#Already equal",
        ];
        Section {
            id: "elements",
            title: "By data element",
            table: Table::plain(&headings, (0..width).map(row).collect()),
            ..Section::default()
        }
    }

    /// Everything that was approved, or decided against, and is not applied.
    pub(super) fn sections(&self, report: &Report<'a>) -> Vec<Section<'a>> {
        let lead = |empty: bool, words: &str, none: &str| vec![if empty { none } else { words }.to_owned()];
        let open = self.open(report);
        let held = in_groups(report.plan, self.held.iter().map(|kept| kept.row(report)));
        let rejected = in_groups(report.plan, self.rejected.iter().map(|cell| undone(report, *cell)));
        let mut sections = vec![
            Section {
                id: "open",
                title: "Approved, and not verified",
                lead: lead(
                    open.is_empty(),
                    "Whether these values stand in CommCare is not known, or they do not. onse verify settles what was sent.",
                    "There is none.",
                ),
                annex: open.rows() > SHORT,
                table: open,
            },
            Section {
                id: "held",
                title: "Held back",
                annex: self.held.len() > SHORT,
                lead: lead(
                    held.is_empty(),
                    "Approved and not sent, since something stood against it, which is told under Why. The approval was taken back with \
                     it; nothing of it was written.",
                    "There is none.",
                ),
                table: Table {
                    columns: columns(&["Data element", "#Case had", "#Case has now", "#Approved", "Why"]),
                    groups: held,
                },
            },
            self.reasons(report),
            Section {
                id: "rejected",
                title: "Rejected, by facility",
                lead: lead(rejected.is_empty(), "The cases keep what they have.", "There is none."),
                table: Table { columns: columns(&["Data element", "#Kept", "#Rejected", "Why"]), groups: rejected },
                annex: true,
            },
        ];
        sections.extend(self.zeros(report));
        sections
    }

    /// Approved cells whose value is not known to stand in `CommCare`, each with how far it came.
    fn open(&self, report: &Report<'a>) -> Table<'a> {
        let plan = report.plan;
        let waiting = |cell: &Cell| {
            let new = plan.offer(*cell).map_or_else(String::new, |new| plan.dated(*cell, new));
            let old = Field::text(value(plan.old(*cell)));
            (cell.facility, vec![element(report, *cell), old, Field::text(new), Field::text("not sent")])
        };
        let held = |kept: &Kept<'a>| {
            let text = |text: &Option<String>| Field::text(value(text.as_deref()).into_owned());
            let said = vec!["HELD BACK, the approval stands".into(), kept.why.clone().into()];
            let row = [element(report, kept.cell), text(&kept.base), text(&kept.new), Field::Lines(said)];
            (kept.cell.facility, Vec::from(row))
        };
        let rows = (self.refused.iter().map(|one| self.sent(report, one, "NOT APPLIED")))
            .chain(
                self.unknown.iter().map(|one| self.sent(report, one, "UNKNOWN: whether it took effect is not known")),
            )
            .chain(self.accepted.iter().map(|one| self.sent(report, one, "ACCEPTED, not read back yet")))
            .chain(self.changed.iter().map(|one| self.sent(report, one, "READ BACK, and another value since")))
            .chain(self.held_approved.iter().map(held))
            .chain(self.waiting.iter().map(waiting));
        Table {
            columns: columns(&["Data element", "#Before", "#Approved", "How far it came"]),
            groups: in_groups(plan, rows),
        }
    }

    /// A cell of a form, with how far it came.
    fn sent(&self, report: &Report<'a>, sent: &Sent<'a>, words: &'static str) -> (u32, Vec<Field<'a>>) {
        let (cell, plan) = (sent.of.cell(), report.plan);
        let seen = sent.form.seen.iter().find(|seen| seen.cell == cell);
        let read = seen.map(|seen| format!("the case held {} when it was read back", value(seen.value.as_deref())));
        let answer = sent.form.answer.as_deref().filter(|_| read.is_none());
        let mut said = vec![Cow::from(words), format!("form {}", sent.form.number).into()];
        said.extend(read.map(Cow::from));
        said.extend(answer.map(|answer| format!("CommCare said: {answer}").into()));
        if sent.form.generation < plan.head.generation {
            said.push(format!("the newest reading found {}", value(plan.old(cell))).into());
        }
        said.extend(self.course.held.get(&cell).map(|kept| kept.why.clone().into()));
        let (old, new) = (value(sent.of.old.as_deref()), value(Some(&sent.of.new)));
        let row = vec![element(report, cell), Field::text(old), Field::text(new), Field::Lines(said)];
        (sent.of.facility, row)
    }

    /// Why values were rejected, the reason given most often first.
    fn reasons(&self, report: &Report<'a>) -> Section<'a> {
        let mut counts: BTreeMap<&'a str, usize> = BTreeMap::new();
        for cell in self.rejected.iter().chain(&self.kept) {
            *counts.entry(report.ledger.reason(*cell).unwrap_or("no reason given")).or_default() += 1;
        }
        let mut counts: Vec<(&'a str, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(reason, count)| (Reverse(*count), *reason));
        let row = |(reason, count): &(&'a str, usize)| vec![Field::text(*reason), Field::text(number(*count))];
        let mut rows: Vec<Vec<Field<'a>>> = counts.iter().take(MOST_REASONS).map(row).collect();
        let more = counts.get(MOST_REASONS..).unwrap_or_default();
        if !more.is_empty() {
            let values = more.iter().map(|(_, count)| count).sum();
            let other = count(more.len(), "other reason", "other reasons");
            rows.push(vec![Field::text(other), Field::text(number(values))]);
        }
        let lead = if rows.is_empty() {
            "There is none."
        } else {
            "The cases keep what they have. Each value stands in a list below."
        };
        Section {
            id: "reasons",
            title: "Rejected or kept, by reason",
            lead: vec![lead.to_owned()],
            table: Table::plain(&["Reason", "#Values"], rows),
            annex: false,
        }
    }

    /// What may be 0 and keeps its value, and what was in its case already.
    fn zeros(&self, report: &Report<'a>) -> Vec<Section<'a>> {
        let plan = report.plan;
        let row = |cell: &Cell| {
            (cell.facility, vec![element(report, *cell), Field::text(value(plan.old(*cell))), remarks(report, *cell)])
        };
        let mut sections = Vec::new();
        if !self.kept.is_empty() {
            sections.push(Section {
                id: "kept",
                title: "May be 0, and kept",
                lead: vec![
                    "The report is complete and DHIS2 holds no row, so that it may be 0; it was decided that the case keeps what it has."
                        .to_owned(),
                ],
                table: Table {
                    columns: columns(&["Data element", "#Kept", "Why"]),
                    groups: in_groups(plan, self.kept.iter().map(row)),
                },
                annex: true,
            });
        }
        if !self.already.is_empty() {
            let row = |cell: &Cell| {
                let spent =
                    self.course.spent(*cell).and_then(|spent| spent.new).map(|new| value(Some(new)).into_owned());
                let offer = || plan.offer(*cell).map_or_else(String::new, |new| plan.dated(*cell, new));
                let new = Field::text(spent.unwrap_or_else(offer));
                (cell.facility, vec![element(report, *cell), Field::text(value(plan.old(*cell))), new])
            };
            sections.push(Section {
                id: "already",
                title: "Approved, and there already",
                lead: vec![
                    "When these were to be sent the case held the approved value. Nothing was sent for them."
                        .to_owned(),
                ],
                table: Table {
                    columns: columns(&["Data element", "#When it was read", "#Approved"]),
                    groups: in_groups(plan, self.already.iter().map(row)),
                },
                annex: true,
            });
        }
        sections
    }
}

/// A rejected change.
fn undone<'a>(report: &Report<'a>, cell: Cell) -> (u32, Vec<Field<'a>>) {
    let plan = report.plan;
    let new = plan.offer(cell).map_or_else(String::new, |new| plan.dated(cell, new));
    let old = Field::text(value(plan.old(cell)));
    (cell.facility, vec![element(report, cell), old, Field::text(new), remarks(report, cell)])
}

/// What is known of a cell that was decided against: STOP and REVIEW, the reason, the note.
fn remarks<'a>(report: &Report<'a>, cell: Cell) -> Field<'a> {
    let mut said = asks(report.plan.flags(cell));
    said.extend(report.ledger.reason(cell).map(|reason| format!("reason: {reason}").into()));
    said.extend(report.ledger.note(cell).map(|note| format!("note: {note}").into()));
    Field::Lines(said)
}

/// The flags that ask to be looked at, a line each.
pub(super) fn asks<'a>(flags: &[Flag]) -> Vec<Cow<'a, str>> {
    let asks = flags.iter().filter(|flag| flag.severity != Severity::Info);
    asks.map(|flag| format!("{} {}: {}", flag.severity.word(), flag.id, flag.sentence).into()).collect()
}

/// The data element of a cell.
pub(super) fn element<'a>(report: &Report<'a>, cell: Cell) -> Field<'a> {
    Field::Element(Element { property: "", ..named(report.plan, cell.property) })
}

/// A data element by the name DHIS2 has for it, else the mapping, else its property.
pub(super) fn named(plan: &Plan, property: u16) -> Element<'_> {
    let property = plan.property(property);
    let names = [&property.element_name, &property.title, &property.name];
    let name = names.into_iter().find(|name| !name.is_empty()).map_or("", String::as_str);
    Element { name, property: &property.name, parts: Vec::new(), more: 0 }
}

/// Rows by facility, the facilities by name; those of one stay in their order.
pub(super) fn in_groups<'a>(plan: &'a Plan, rows: impl Iterator<Item = (u32, Vec<Field<'a>>)>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<u32, Vec<Vec<Field<'a>>>> = BTreeMap::new();
    for (facility, row) in rows {
        groups.entry(facility).or_default().push(row);
    }
    let mut groups: Vec<(u32, Vec<Vec<Field<'a>>>)> = groups.into_iter().collect();
    groups.sort_by_cached_key(|(at, _)| (inert(&plan.facility(*at).name).to_lowercase(), *at));
    let group = |(at, rows)| {
        let facility = plan.facility(at);
        let named = Named { name: &facility.name, unit: &facility.external_id, case: &facility.case_id };
        Group { facility: Some(named), rows }
    };
    groups.into_iter().map(group).collect()
}
