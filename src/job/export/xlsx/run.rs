//! The sheet `Run`: what the review is of, how far it is, and how the workbook is filled in and brought back.

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::look::{Look, Looks, Page};
use crate::{
    domain::{ledger::SHORTEST_REASON, value::grouped},
    job::export::{View, counts, decided},
};

impl View<'_> {
    pub(super) fn run_sheet(&self, sheet: &mut Worksheet, looks: &Looks) -> Result<(), XlsxError> {
        sheet.set_name("Run")?;
        sheet.set_column_width(0, 22)?.set_column_width(1, 110)?;
        sheet.set_paper_size(9).set_print_fit_to_pages(1, 0);
        let mut page = Page { sheet, looks };
        let head = &self.plan.head;
        page.text(0, 0, &format!("Review of {} for {}", head.quarter, head.project), Look::Title)?;
        let mut row = 2;
        for (name, lines) in [
            ("How to fill it in", fill_in()),
            ("Where it is from", self.from()),
            ("How far it is", self.so_far()),
            ("Checks of the run", self.run_checks()),
            ("What to know", self.to_know()),
            ("Left out", self.left_out()),
        ] {
            if lines.is_empty() {
                continue;
            }
            page.text(row, 0, name, Look::Heading)?;
            for (what, text) in lines {
                row += 1;
                page.text(row, 0, &what, Look::Plain)?;
                page.text(row, 1, &text, Look::Wrapped)?;
                page.height(row, &text, 105)?;
            }
            row += 2;
        }
        Ok(())
    }

    fn from(&self) -> Vec<(String, String)> {
        let head = &self.plan.head;
        let version = if head.dhis2_version.is_empty() { String::new() } else { format!(" ({})", head.dhis2_version) };
        let mut lines = said(&[
            ("label", &head.label),
            ("CommCare", &format!("{} project {}, case type {}", head.commcare, head.project, head.case_type)),
            ("DHIS2", &format!("{}{version}", head.dhis2)),
            ("quarter", &head.quarter.to_string()),
            ("read at", &head.read_at),
            ("search index as of", head.index_as_of.as_deref().unwrap_or("")),
            ("mapping", &format!("{} ({} rows)", head.mapping, head.mapping_rows)),
            ("scope", &head.scope),
            ("review id", self.review),
        ]);
        lines.extend(head.undo.iter().map(|undo| ("undoes".to_owned(), undo.file.clone())));
        lines
    }

    fn so_far(&self) -> Vec<(String, String)> {
        let counts = counts(self.plan, self.ledger);
        let n = |count: usize| grouped(&count.to_string());
        said(&[
            ("facilities", &n(counts.facilities)),
            ("properties", &self.plan.properties().len().to_string()),
            ("cells", &n(counts.cells)),
            ("changes", &n(counts.changes)),
            ("same", &n(counts.same)),
            ("without a value", &n(counts.without_value)),
            ("decisions", &decided(&self.ledger.all(), self.ledger.sent())),
            ("rows of Review", &n(self.cells.len())),
        ])
    }

    fn run_checks(&self) -> Vec<(String, String)> {
        let checks = self.plan.head.checks.iter().filter(|check| check.property.is_none());
        checks.map(|check| (format!("{} {}", check.severity.word(), check.id), check.sentence.clone())).collect()
    }

    fn to_know(&self) -> Vec<(String, String)> {
        let head = &self.plan.head;
        let named = |name: &str, text: &String| (name.to_owned(), text.clone());
        let mut lines: Vec<_> = head.incomplete.iter().map(|why| named("incomplete", why)).collect();
        if self.plan.incomplete() && lines.is_empty() {
            lines.push(("incomplete".to_owned(), "cells that could not be read keep what they have".to_owned()));
        }
        lines.extend(head.mapping_problems.iter().map(|problem| named("mapping", problem)));
        lines.extend(head.notes.iter().map(|note| named("note", note)));
        lines
    }

    fn left_out(&self) -> Vec<(String, String)> {
        let skipped = self.plan.skipped().iter();
        skipped.map(|case| (case.case_id.clone(), format!("{}: {}", case.case_name, case.reason))).collect()
    }
}

fn said(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = lines.iter().filter(|(_, text)| !text.is_empty());
    own.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn fill_in() -> Vec<(String, String)> {
    said(&[
        (
            "verdict",
            "On the sheet Review, in the yellow cells: approve, reject or undecided. Where the state is (0?), zero instead of approve: it writes 0.",
        ),
        (
            "reason",
            &format!(
                "In an orange cell, which a STOP has and each value of a property with an open STOP: it is approved with a reason of its own of at \
                 least {SHORTEST_REASON} letters, what was checked and with whom. The same words at two facilities count for none."
            ),
        ),
        (
            "leave as they are",
            "All other columns. A row in which a value was changed is refused when it comes back, by name; rows and columns may be moved, hidden, sorted and filtered.",
        ),
        (
            "open STOP",
            "On the sheet Columns: until it is settled in onse, the values of its property are approved one at a time, each with a reason.",
        ),
        ("bring it back", "Save as .xlsx, or as .csv the sheet Review, then: onse import REVIEW_FILE THIS_FILE"),
    ])
}
