//! A review as JSON and as text. Pure: a plan and what became of it in, bytes out; reads no file and asks nobody.
//! The JSON is a contract with scripts: fields are added, never renamed or removed, within one `schema`.

mod csv;
mod shapes;
mod xlsx;

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

pub use self::shapes::Counts;
use self::shapes::{
    JsonCase, JsonCell, JsonCheck, JsonFacility, JsonForm, JsonHeld, JsonPart, JsonPast, JsonReview, JsonSkipped,
    JsonSubmission, SubmissionCounts,
};
use super::{forms::fates, report::Sending};
use crate::{
    domain::{
        flags::told,
        history::{Past, Series, Sheet},
        ledger::{Ledger, Tally, Verdict},
        outcome::Outcome,
        plan::{Cell, Kind, Plan, State},
        text::{inert, width},
        total::Part,
        value::grouped,
    },
    io::store::Form,
};

/// Version of the JSON.
const SCHEMA: u32 = 1;

/// Widest column of facility names in the table.
const LONGEST_NAME: usize = 32;

/// What is printed: a review and which of its cells.
pub struct View<'a> {
    /// Id of the review file, which a spreadsheet made of it carries; empty where it has none.
    pub review: &'a str,
    /// Old and new values.
    pub plan: &'a Plan,
    /// The verdicts.
    pub ledger: &'a Ledger,
    /// Every form so far.
    pub forms: &'a [Form],
    /// The rows behind the cells, by facility and data set.
    pub parts: &'a BTreeMap<(u32, String), Vec<Part>>,
    /// The quarters before, by facility and data set; a cell without any was not asked for them.
    pub history: &'a BTreeMap<(u32, String), Sheet>,
    /// The cells to print, in cell order. Counts are of the whole review whatever these are.
    pub cells: &'a [Cell],
}

impl View<'_> {
    /// Writes the one JSON object, without a line end.
    pub fn json(&self, to: &mut dyn Write) -> io::Result<()> {
        let fates = fates(self.forms);
        let head = &self.plan.head;
        let cell = |cell: &Cell| self.cell(*cell, fates.get(cell).copied());
        let facilities = self.cells.chunk_by(|a, b| a.facility == b.facility).map(|cells| {
            let facility = self.plan.facility(cells[0].facility);
            JsonFacility {
                case_id: &facility.case_id,
                case_name: &facility.name,
                external_id: &facility.external_id,
                cells: cells.iter().map(cell).collect(),
            }
        });
        let skipped = self.plan.skipped().iter().map(|case| JsonSkipped {
            case_id: &case.case_id,
            case_name: &case.case_name,
            reason: &case.reason,
        });
        let document = JsonReview {
            schema: SCHEMA,
            period: head.quarter.to_string(),
            project: &head.project,
            label: &head.label,
            dhis2: &head.dhis2,
            commcare: &head.commcare,
            case_type: &head.case_type,
            mapping: &head.mapping,
            mapping_rows: head.mapping_rows,
            properties: self.plan.properties().len(),
            mapping_problems: &head.mapping_problems,
            notes: &head.notes,
            scope: &head.scope,
            read_at: &head.read_at,
            incomplete: self.plan.incomplete(),
            undo: head.undo.as_ref(),
            counts: counts(self.plan, self.ledger),
            checks: checks(self.plan, self.ledger).collect(),
            facilities: facilities.collect(),
            skipped: skipped.collect(),
        };
        write(&document, to)
    }

    fn cell(&self, cell: Cell, fate: Option<Outcome>) -> JsonCell<'_> {
        let property = self.plan.property(cell.property);
        let rows = self.parts.get(&(cell.facility, property.data_set.clone())).map_or(&[][..], Vec::as_slice);
        let parts = rows.iter().filter(|part| part.data_element == property.data_element);
        JsonCell {
            property: &property.name,
            data_element: &property.data_element,
            data_set: &property.data_set,
            old: self.plan.old(cell),
            new: proposed(self.plan, self.ledger, cell),
            state: self.plan.state(cell).name(),
            period: self.plan.quarter(cell).to_string(),
            verdict: self.ledger.verdict(self.plan, cell).map(Verdict::name),
            reason: self.ledger.reason(cell),
            note: self.ledger.note(cell),
            outcome: fate.map(outcome_name),
            flags: self.plan.flags(cell),
            history: self.past(cell).map(|past| past.iter().map(JsonPast::of).collect()),
            parts: parts.map(|part| self.part(part)).collect(),
        }
    }

    /// The quarters before that were asked for, newest first.
    fn past(&self, cell: Cell) -> Option<Vec<Past>> {
        let property = self.plan.property(cell.property);
        let sheet = self.history.get(&(cell.facility, property.data_set.clone()))?;
        let past: Vec<Past> = sheet.of_element(&property.data_element).map(|fact| fact.past()).collect();
        (!past.is_empty()).then_some(past)
    }

    fn part<'a>(&'a self, part: &'a Part) -> JsonPart<'a> {
        JsonPart {
            category_option_combo: &part.category_option_combo,
            name: self.plan.option_name(&part.category_option_combo),
            attribute_option_combo: &part.attribute_option_combo,
            attribute_name: self.plan.option_name(&part.attribute_option_combo),
            value: part.value.as_deref(),
            comment: part.comment.as_deref(),
            follow_up: part.follow_up,
        }
    }

    /// Writes the cells as a table of text: one line each under a heading, with the quarters before under it where `history` holds
    /// them. Nothing is cut; a facility with a name longer than the column pushes its own line.
    pub fn table(&self, to: &mut dyn Write) -> io::Result<()> {
        let fates = fates(self.forms);
        let heading = ["facility", "property", "old", "new", "verdict", "flags", "outcome"].map(str::to_owned);
        let rows = self.cells.iter().map(|cell| self.row(*cell, fates.get(cell).copied()));
        let rows: Vec<[String; 7]> = std::iter::once(heading).chain(rows).collect();
        let widest = |column: usize| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..7).map(widest).collect();
        widths[0] = widths[0].min(LONGEST_NAME);
        let past = self.cells.iter().map(|cell| {
            let series = Series::before(self.plan.head.quarter, &self.past(*cell)?);
            Some(told(self.plan, *cell, &series))
        });
        for (row, told) in rows.iter().zip(std::iter::once(None).chain(past)) {
            let mut line = String::new();
            for (column, text) in row.iter().enumerate() {
                let gap = " ".repeat(widths[column].saturating_sub(width(text)));
                // Numbers stand on their last digit.
                let (before, after) = if matches!(column, 2 | 3) { (gap.as_str(), "") } else { ("", gap.as_str()) };
                line.extend([before, text.as_str(), after, "  "]);
            }
            writeln!(to, "{}", line.trim_end())?;
            if let Some(told) = told {
                writeln!(to, "    {}", told.join("    "))?;
            }
        }
        Ok(())
    }

    fn row(&self, cell: Cell, fate: Option<Outcome>) -> [String; 7] {
        let plan = self.plan;
        let state = plan.state(cell);
        let new = match (proposed(plan, self.ledger, cell), state) {
            (Some(new), _) => plan.dated(cell, new),
            (None, State::NonNumeric) => format!("\"{}\"", plan.held(cell).unwrap_or_default()),
            (None, _) => state.words().to_owned(),
        };
        let verdict = match self.ledger.verdict(plan, cell) {
            Some(verdict) => verdict.name(),
            None if plan.kind(cell) == Kind::Change || plan.may_be_zero(cell) => "undecided",
            None => "-",
        };
        let flags: Vec<String> =
            plan.flags(cell).iter().map(|flag| format!("{} {}", flag.severity.word(), flag.id)).collect();
        let old = plan.old(cell).map_or_else(|| "-".to_owned(), grouped);
        let property = &plan.property(cell.property).name;
        let words = [
            plan.facility(cell.facility).name.as_str(),
            property,
            &old,
            &new,
            verdict,
            &flags.join(", "),
            fate.map_or("", Outcome::words),
        ];
        words.map(|word| inert(word).into_owned())
    }
}

/// The checks of the run and of properties, each with the reason it was settled with.
fn checks<'a>(plan: &'a Plan, ledger: &'a Ledger) -> impl Iterator<Item = JsonCheck<'a>> {
    plan.head.checks.iter().map(|check| {
        let property = check.property.as_deref();
        let ordinal = property.and_then(|name| plan.find_property(name));
        JsonCheck {
            id: &check.id,
            severity: check.severity,
            property,
            sentence: &check.sentence,
            settled: ordinal.and_then(|at| ledger.settled(at, check)).map(|settled| settled.reason.as_str()),
        }
    })
}

/// `STOP C5 dhis_beds: whole column is 4.1x the quarters before   settled: counted in another way`
fn check_line(check: &JsonCheck<'_>) -> String {
    let property = check.property.map(|name| format!(" {name}")).unwrap_or_default();
    let settled = check.settled.map(|reason| format!("   settled: {reason}")).unwrap_or_default();
    format!("{} {}{property}: {}{settled}", check.severity.word(), check.id, check.sentence)
}

/// The value proposed for a cell; the zero that a person chose is one.
fn proposed<'a>(plan: &'a Plan, ledger: &Ledger, cell: Cell) -> Option<&'a str> {
    let zero = ledger.verdict(plan, cell) == Some(Verdict::Zero);
    if zero { plan.offer(cell) } else { plan.new_value(cell) }
}

/// The review in a few lines: where it is from, its counts, and what a person should know of it.
pub fn summary(plan: &Plan, ledger: &Ledger) -> Vec<String> {
    let head = &plan.head;
    let counts = counts(plan, ledger);
    let label = if head.label.is_empty() { String::new() } else { format!("   {}", head.label) };
    let n = |count: usize| grouped(&count.to_string());
    let tally = ledger.all();
    let mut lines = vec![
        format!("{} <- {}   quarter {}   read {}{label}", head.project, head.dhis2, head.quarter, head.read_at),
        format!("mapping  {}", head.mapping),
        format!("scope    {}", head.scope),
        format!(
            "cells    {} = {} changes + {} same + {} without a value   ({} facilities, {} properties)",
            n(counts.cells),
            n(counts.changes),
            n(counts.same),
            n(counts.without_value),
            n(counts.facilities),
            plan.properties().len()
        ),
        decided(&tally, ledger.sent()),
    ];
    lines.extend(checks(plan, ledger).map(|check| check_line(&check)));
    lines.extend(head.incomplete.iter().map(|why| format!("incomplete: {why}")));
    let unread = plan.cells().filter(|cell| plan.state(*cell) == State::FetchFailed).count();
    if unread > 0 {
        lines.push(format!(
            "incomplete: {} cells could not be read; their cases keep what they have",
            grouped(&unread.to_string())
        ));
    }
    lines.extend(head.mapping_problems.iter().map(|problem| format!("mapping: {problem}")));
    lines.extend(head.notes.iter().map(|note| format!("note: {note}")));
    for skipped in plan.skipped().iter().take(5) {
        lines.push(format!("left out: case {} {}: {}", skipped.case_id, skipped.case_name, skipped.reason));
    }
    if plan.skipped().len() > 5 {
        lines.push(format!("left out: {} more cases; --json lists them", plan.skipped().len() - 5));
    }
    lines.into_iter().map(|line| inert(&line).into_owned()).collect()
}

/// How far the decisions are, in one line. Cells that read `(0?)` are counted apart.
pub fn decided(tally: &Tally, sent: usize) -> String {
    let n = |count: u32| grouped(&count.to_string());
    let zeros = match tally.maybe {
        0 => String::new(),
        all => format!(
            "   (0?) {}: approved 0 {}, kept {}, open {}",
            n(all),
            n(tally.zeros),
            n(tally.kept),
            n(tally.maybe_left())
        ),
    };
    format!(
        "decided  {} of {}   approved {}   rejected {}   sent {}   left {} (STOP {}, REVIEW {}, no flag {}){zeros}",
        n(tally.decided()),
        n(tally.changes),
        n(tally.approved),
        n(tally.rejected),
        grouped(&sent.to_string()),
        n(tally.left()),
        n(tally.stop),
        n(tally.review),
        n(tally.plain())
    )
}

/// The counts of a review.
pub fn counts(plan: &Plan, ledger: &Ledger) -> Counts {
    let tally = ledger.all();
    let cells = plan.facilities().len() * plan.properties().len();
    let same = plan.same_count();
    let changes = usize::try_from(tally.changes).unwrap_or(usize::MAX);
    Counts {
        facilities: plan.facilities().len(),
        cells,
        changes,
        same,
        without_value: cells.saturating_sub(changes + same),
        approved: tally.approved,
        rejected: tally.rejected,
        undecided: tally.left(),
        may_be_zero: tally.maybe,
        zeros: tally.zeros,
        zeros_kept: tally.kept,
        sent: ledger.sent(),
    }
}

/// Writes a submission as one JSON object, without a line end.
pub fn submission(plan: &Plan, sending: &Sending, to: &mut dyn Write) -> io::Result<()> {
    let forms = sending.forms.iter().map(|form| JsonForm {
        number: form.number,
        form_id: form.form_id.as_deref(),
        cases: form.facilities,
        changes: form.changes,
        outcome: form.outcome.map(outcome_name),
        answer: form.answer.as_deref(),
        replaced: form.replaced,
    });
    let document = JsonSubmission {
        schema: SCHEMA,
        period: plan.head.quarter.to_string(),
        project: &plan.head.project,
        forms: forms.collect(),
        held: sending.held.iter().map(|held| JsonHeld::of(plan, held)).collect(),
        already_set: sending.elsewhere.iter().map(|held| JsonHeld::of(plan, held)).collect(),
        rejected: sending.rejected.iter().map(|(at, why)| JsonCase::of(plan, *at, Some(why))).collect(),
        recent: sending.recent.iter().map(|at| JsonCase::of(plan, *at, None)).collect(),
        counts: SubmissionCounts {
            changes: sending.changes,
            applied: sending.applied,
            accepted: sending.accepted,
            not_applied: sending.not_applied,
            unknown: sending.unknown,
            held: sending.held.len(),
            already_set: sending.elsewhere.len(),
        },
        note: sending.note.as_deref(),
    };
    write(&document, to)
}

/// The name scripts see. Frozen and not answered is unknown to them: a byte may have left.
pub(super) fn outcome_name(outcome: Outcome) -> &'static str {
    if outcome == Outcome::Frozen { Outcome::Unknown.name() } else { outcome.name() }
}

/// Writes a document as JSON, with everything a terminal could act on escaped and without a line end.
pub fn write(document: &impl Serialize, to: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(to, Escaping);
    document.serialize(&mut serializer).map_err(io::Error::from)
}

/// Text as stored, with everything a terminal could act on as an escape of JSON (fault matrix row V10).
struct Escaping;

impl serde_json::ser::Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        if inert(fragment) == fragment {
            return to.write_all(fragment.as_bytes());
        }
        for c in fragment.chars() {
            let mut bytes = [0; 4];
            let text = c.encode_utf8(&mut bytes);
            if inert(text) == *text {
                to.write_all(text.as_bytes())?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(to, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
