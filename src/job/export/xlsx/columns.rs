//! The sheet `Columns`: a row for each property, where a wrong mapping shows.

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::look::{Look, Looks, Page, lines};
use crate::{
    domain::{
        flags::Severity,
        plan::{Kind, State},
        value::Number,
    },
    job::export::View,
};

/// The columns with their widths in letters.
const HEADINGS: [(&str, f64); 19] = [
    ("property", 38.0),
    ("element", 34.0),
    ("data_element", 15.0),
    ("data set", 28.0),
    ("data_set", 15.0),
    ("changes", 10.0),
    ("approved", 10.0),
    ("rejected", 10.0),
    ("left", 10.0),
    ("STOP", 8.0),
    ("REVIEW", 9.0),
    ("same", 8.0),
    ("(0?)", 8.0),
    ("without a value", 34.0),
    ("old sum", 14.0),
    ("new sum", 14.0),
    ("new / old", 10.0),
    ("open STOP", 11.0),
    ("checks", 80.0),
];

impl View<'_> {
    pub(super) fn columns_sheet(&self, sheet: &mut Worksheet, looks: &Looks) -> Result<(), XlsxError> {
        sheet.set_name("Columns")?;
        let mut page = Page { sheet, looks };
        page.headings(&HEADINGS.map(|(name, width)| (name.to_owned(), width)), |at| matches!(at, 5..=12 | 14..=16))?;
        for (row, property) in (1..).zip(0..self.plan.width()) {
            self.property_row(&mut page, row, property)?;
        }
        let last = u32::from(self.plan.width()).max(1);
        let width = u16::try_from(HEADINGS.len() - 1).unwrap_or(u16::MAX);
        page.sheet.set_freeze_panes(1, 1)?.autofilter(0, 0, last, width)?;
        page.sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
        Ok(())
    }

    fn property_row(&self, page: &mut Page<'_>, row: u32, at: u16) -> Result<(), XlsxError> {
        let (plan, property, tally) = (self.plan, self.plan.property(at), self.ledger.property(at));
        let changes = || plan.column(at).filter(|cell| plan.kind(*cell) == Kind::Change);
        let flagged = |severity| changes().filter(|cell| plan.severity(*cell) == Some(severity)).count();
        let same = plan.column(at).filter(|cell| plan.kind(*cell) == Kind::Same).count();
        let element = if property.element_name.is_empty() { &property.title } else { &property.element_name };
        let texts = [&property.name, element, &property.data_element, &property.data_set_name, &property.data_set];
        for (column, text) in (0..).zip(texts) {
            page.text(row, column, text, Look::Plain)?;
        }
        let counts = [
            tally.changes.to_string(),
            tally.approved.to_string(),
            tally.rejected.to_string(),
            tally.left().to_string(),
            flagged(Severity::Stop).to_string(),
            flagged(Severity::Review).to_string(),
            same.to_string(),
            tally.maybe.to_string(),
        ];
        for (column, count) in (5..).zip(counts) {
            page.value(row, column, &count, Look::Number)?;
        }
        page.text(row, 13, &self.without(at), Look::Wrapped)?;
        let (old, new) = self.sums(at);
        page.value(row, 14, &old.to_string(), Look::Number)?;
        page.value(row, 15, &new.to_string(), Look::Number)?;
        if !old.is_zero() {
            let ratio = format!("{:.2}", new.approx() / old.approx());
            page.number(row, 16, ratio.parse().unwrap_or(f64::MAX), Look::Number)?;
        }
        if self.ledger.blocks(plan, at).is_some() {
            page.text(row, 17, Severity::Stop.word(), Look::Stop)?;
        }
        lines(page, (row, 18), &self.checks_in_words(at), 76)
    }

    /// How many facilities are without a value to write, by why.
    fn without(&self, property: u16) -> String {
        let plan = self.plan;
        let count = |state: &State| plan.column(property).filter(|cell| plan.state(*cell) == *state).count();
        let states = State::ALL.into_iter().filter(|state| !state.proposes());
        let all = states.map(|state| (state, count(&state))).filter(|(_, count)| *count > 0);
        all.map(|(state, count)| format!("{} {count}", state.words())).collect::<Vec<_>>().join("; ")
    }

    /// The sums of the facilities that have a number before and now, so that one is compared with the other.
    fn sums(&self, property: u16) -> (Number, Number) {
        let (mut old, mut new) = (Number::default(), Number::default());
        for cell in self.plan.column(property) {
            let pair = self.plan.old(cell).and_then(Number::parse).zip(self.shown_new(cell).and_then(Number::parse));
            if let Some((before, now)) = pair {
                old += before;
                new += now;
            }
        }
        (old, new)
    }

    fn checks_in_words(&self, property: u16) -> Vec<String> {
        let say = |check| {
            let settled = self.ledger.settled(property, check);
            let settled = settled.map(|one| format!(" Settled by {}: {}", one.who, one.reason)).unwrap_or_default();
            format!("{} {}: {}{settled}", check.severity.word(), check.id, check.sentence)
        };
        self.plan.checks(property).map(say).collect()
    }
}
