//! Who decided what: counts of each person, the decisions in order, and notes.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Report,
    cells::{element, in_groups},
    facts::paragraphs,
    section::{Field, Section, Table, columns, count, number, when},
    sorted::Sorted,
};
use crate::{
    domain::{
        ledger::{Act, Entry, Step, Verdict, deciders as standing},
        plan::Cell,
    },
    io::store::Noted,
};

/// What a person did.
#[derive(Default)]
struct Person {
    decisions: usize,
    /// What stands of it: approved, approved as 0, rejected.
    approved: usize,
    zeros: usize,
    rejected: usize,
    settled: usize,
    forms: usize,
}

/// Everyone who decided, in the order of their names.
fn people<'a>(report: &Report<'a>, sorted: &Sorted<'a>) -> BTreeMap<&'a str, Person> {
    let mut people: BTreeMap<&'a str, Person> = BTreeMap::new();
    for entry in report.entries.iter().filter(|entry| !matches!(entry.step, Step::Reset(_))) {
        let person = people.entry(entry.who.as_str()).or_default();
        person.decisions += 1;
        person.settled += usize::from(matches!(entry.step, Step::Settle { .. }));
    }
    // What was sent was approved then, whatever the ledger says of it after another reading.
    let mut counted: BTreeSet<Cell> = BTreeSet::new();
    for sent in sorted.last_words() {
        if let Some(given) = sent.given {
            people.entry(given.who).or_default().count(given.act.verdict());
            counted.insert(sent.of.cell());
        }
    }
    for cell in &sorted.already {
        if let Some(given) = sorted.approval(*cell) {
            people.entry(given.who).or_default().count(given.act.verdict());
            counted.insert(*cell);
        }
    }
    for (cell, who) in standing(report.entries).into_iter().filter(|(cell, _)| !counted.contains(cell)) {
        people.entry(who).or_default().count(report.ledger.verdict(report.plan, cell));
    }
    for noted in report.trail.entries.iter().filter(|noted| noted.what == "form") {
        people.entry(noted.who.as_str()).or_default().forms += 1;
    }
    people
}

impl Person {
    fn count(&mut self, verdict: Option<Verdict>) {
        match verdict {
            Some(Verdict::Approve) => self.approved += 1,
            Some(Verdict::Zero) => self.zeros += 1,
            Some(Verdict::Reject) => self.rejected += 1,
            None => {}
        }
    }
}

/// The names of those of whom a decision stands.
pub(super) fn deciders<'a>(report: &Report<'a>, sorted: &Sorted<'a>) -> Vec<&'a str> {
    let stands = |person: &Person| person.approved + person.zeros + person.rejected > 0;
    people(report, sorted).into_iter().filter(|(_, person)| stands(person)).map(|(who, _)| who).collect()
}

/// The counts of each person.
pub(super) fn section<'a>(report: &Report<'a>, sorted: &Sorted<'a>) -> Section<'a> {
    let row = |(who, person): (&'a str, Person)| {
        let Person { decisions, approved, zeros, rejected, settled, forms } = person;
        let numbers = [decisions, approved, zeros, rejected, settled, forms].map(|n| Field::text(number(n)));
        std::iter::once(Field::text(who)).chain(numbers).collect()
    };
    let rows: Vec<Vec<Field<'a>>> = people(report, sorted).into_iter().map(row).collect();
    let lead = if rows.is_empty() {
        "Nobody decided anything."
    } else {
        "Each value counts for the person who decided it last. The decisions in order stand at the end of this report."
    };
    let headings =
        ["Who", "#Entries", "#Approved", "#Approved 0", "#Rejected or kept", "#Checks settled", "#Forms sent"];
    Section {
        id: "who",
        title: "Who decided",
        lead: paragraphs([lead]),
        table: Table::plain(&headings, rows),
        annex: false,
    }
}

/// The notes, and the decisions in order.
pub(super) fn annexes<'a>(report: &Report<'a>) -> Vec<Section<'a>> {
    let row = |(cell, note): (Cell, &'a str)| (cell.facility, vec![element(report, cell), Field::text(note)]);
    let groups = in_groups(report.plan, report.ledger.notes().map(row));
    let table = Table { columns: columns(&["Data element", "Note"]), groups };
    let notes = Section { id: "notes", title: "Notes", lead: Vec::new(), table, annex: true };
    [notes, decisions(report)]
        .into_iter()
        .filter(|section| section.id != "notes" || !section.table.is_empty())
        .collect()
}

/// Every entry of the decision log, in order.
fn decisions<'a>(report: &Report<'a>) -> Section<'a> {
    let resets = causes(report);
    let row = |entry: &'a Entry| {
        let (what, reason) = said(report, entry, &resets);
        vec![
            Field::text(entry.seq.to_string()),
            Field::text(when(&entry.at)),
            Field::text(entry.who.as_str()),
            Field::text(what),
            Field::text(reason),
        ]
    };
    Section {
        id: "decisions",
        title: "Every decision, in order",
        lead: paragraphs([if report.entries.is_empty() { "There is none." } else { "" }]),
        table: Table::plain(&["#No", "When", "Who", "What", "Reason"], report.entries.iter().map(row).collect()),
        annex: true,
    }
}

/// Why decisions were reset: by what was noted together with it.
fn causes(report: &Report<'_>) -> BTreeMap<u64, &'static str> {
    let trail = &report.trail.entries;
    let cause = |at: usize| {
        // The program itself resets with a reading, never a person.
        let read = |noted: &Noted| noted.what == "read" && trail.get(at).is_some_and(|reset| reset.who == noted.who);
        if trail.get(at + 1).is_some_and(read) {
            return Some("a newer reading found other values or a STOP");
        }
        match trail.get(at.checked_sub(1)?)?.what.as_str() {
            "seen" => Some("sent, and not applied when it was read back"),
            "held" => Some("held back when it was to be sent"),
            _ => None,
        }
    };
    trail.iter().enumerate().filter_map(|(at, noted)| Some((noted.decision?, cause(at)?))).collect()
}

/// What an entry did, and why.
fn said<'a>(report: &Report<'a>, entry: &'a Entry, resets: &BTreeMap<u64, &'static str>) -> (String, Cow<'a, str>) {
    let of = |cells: &[Cell], label: &str| {
        let values = count(cells.len(), "value", "values");
        if label.is_empty() { values } else { format!("{values}: {label}") }
    };
    match &entry.step {
        Step::Decide { act, cells, reason, label } => {
            (format!("{} {}", act.past(), of(cells, label)), reason.as_deref().unwrap_or("").into())
        }
        Step::Import { rows, label } => {
            let of = |act: Act| rows.iter().filter(|row| row.act == act).count();
            let acts = [Act::Approve, Act::Zero, Act::Reject, Act::Clear].map(|act| (act.past(), of(act)));
            let acts =
                acts.iter().filter(|(_, n)| *n > 0).map(|(past, n)| format!("{past} {}", count(*n, "value", "values")));
            (format!("imported {label}: {}", acts.collect::<Vec<_>>().join(", ")), "each row has its own".into())
        }
        Step::Undo(seq) => (format!("took back entry {seq}"), "".into()),
        Step::Redo(seq) => (format!("did entry {seq} again"), "".into()),
        Step::Settle { property, statements, reason } => {
            let name = report.plan.properties().get(usize::from(*property)).map_or("", |one| one.name.as_str());
            (format!("settled the STOP of {name}: {}", statements.join("; ")), reason.as_str().into())
        }
        Step::Note { cells, text, label } => {
            let past = if text.is_empty() { "took the note from" } else { "noted on" };
            (format!("{past} {}", of(cells, label)), text.as_str().into())
        }
        Step::Reset(cells) => {
            let why = resets.get(&entry.seq).copied().unwrap_or("the values moved");
            (format!("set {} back to undecided", count(cells.len(), "value", "values")), why.into())
        }
    }
}
