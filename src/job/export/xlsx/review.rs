//! The sheet `Review`: a row for each cell, with a column for its verdict and one for its reason.

use rust_xlsxwriter::{DataValidation, DataValidationErrorStyle, IgnoreError, Worksheet, XlsxError};

use super::look::{Look, Looks, Page};
use crate::{
    domain::{
        history::Series,
        ledger::SHORTEST_REASON,
        outcome::Outcome,
        plan::{Cell, Kind},
        quarter::Quarter,
        total::Part,
        value::{Number, change},
    },
    io::spreadsheet::SHEET,
    job::{export::View, forms::fates},
};

/// Quarters before that are shown.
const QUARTERS: usize = 4;
/// The most ranges that one rule of a worksheet is given for; a spreadsheet program takes 8,192.
const MOST_RANGES: usize = 500;
/// Columns that stay in sight: facility and property.
const FROZEN: u16 = 2;

/// The columns before the quarters, and those after them, with their widths in letters. Those that come back have the headings of the
/// `.csv`.
const FIRST: [(&str, f64); 8] = [
    ("facility", 30.0),
    ("property", 34.0),
    ("period", 9.0),
    ("old", 11.0),
    ("new", 11.0),
    ("change", 11.0),
    ("change %", 10.0),
    ("usual", 10.0),
];
const LAST: [(&str, f64); 15] = [
    ("severity", 11.0),
    ("verdict", 13.0),
    ("reason", 34.0),
    ("told", 60.0),
    ("flags", 18.0),
    ("state", 22.0),
    ("parts", 40.0),
    ("element", 34.0),
    ("data set", 28.0),
    ("note", 30.0),
    ("outcome", 14.0),
    ("case_id", 36.0),
    ("org_unit", 14.0),
    ("mark", 15.0),
    ("closed", 8.0),
];
/// Places in [`LAST`].
const VERDICT: u16 = 1;
const REASON: u16 = 2;
const TOLD: u16 = 3;

/// Rows of a kind, as ranges of the worksheet.
#[derive(Default)]
struct Rows(Vec<(u32, u32)>);

impl Rows {
    fn push(&mut self, row: u32) {
        match self.0.last_mut() {
            Some((_, last)) if *last + 1 == row => *last = row,
            _ => self.0.push((row, row)),
        }
    }

    /// Puts a rule on a column of these rows.
    fn rule(&self, sheet: &mut Worksheet, column: u16, rule: &DataValidation) -> Result<(), XlsxError> {
        for ranges in self.0.chunks(MOST_RANGES) {
            let name = |(first, last): &(u32, u32)| rust_xlsxwriter::utility::cell_range(*first, column, *last, column);
            let all: Vec<String> = ranges.iter().map(name).collect();
            let (first, last) = ranges[0];
            sheet.add_data_validation(first, column, last, column, &rule.clone().set_multi_range(all.join(" ")))?;
        }
        Ok(())
    }
}

impl View<'_> {
    pub(super) fn review_sheet(&self, sheet: &mut Worksheet, looks: &Looks) -> Result<(), XlsxError> {
        sheet.set_name(SHEET)?;
        let quarters: Vec<Quarter> = self.plan.head.quarter.earlier().take(QUARTERS).collect();
        let quarters = if self.history.is_empty() { &[][..] } else { &quarters };
        let mut page = Page { sheet, looks };
        let own = |columns: &[(&str, f64)]| columns.iter().map(|(name, width)| ((*name).to_owned(), *width)).collect();
        let mut headings: Vec<(String, f64)> = own(&FIRST);
        headings.extend(quarters.iter().map(|quarter| (quarter.to_string(), 10.0)));
        let after = column(headings.len());
        headings.extend::<Vec<_>>(own(&LAST));
        page.headings(&headings, |at| (3..after).contains(&at))?;
        let fates = fates(self.forms);
        let mut rows = [Rows::default(), Rows::default(), Rows::default()];
        for (row, cell) in (1..).zip(self.cells) {
            let fate = fates.get(cell).copied();
            self.first(&mut page, row, *cell)?;
            if !quarters.is_empty() {
                self.quarters(&mut page, row, *cell)?;
            }
            self.last(&mut page, (row, after), *cell, fate)?;
            if self.takes_entry(*cell) {
                rows[usize::from(self.plan.may_be_zero(*cell))].push(row);
                if self.ledger.asks_own_reason(self.plan, *cell) {
                    rows[2].push(row);
                }
            }
        }
        let last = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        let width = column(headings.len()).saturating_sub(1);
        let sheet = page.sheet;
        let [changes, zeros, stops] = rows;
        changes.rule(sheet, after + VERDICT, &verdicts("approve")?)?;
        zeros.rule(sheet, after + VERDICT, &verdicts("zero")?)?;
        stops.rule(sheet, after + REASON, &why()?)?;
        sheet.set_freeze_panes(1, FROZEN)?.autofilter(0, 0, last.max(1), width)?;
        // Values that would lose a digit as a number are texts on purpose.
        sheet.ignore_error_range(0, 0, last.max(1), width, IgnoreError::NumberStoredAsText)?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
        // On paper what a person decides by; ids are for the program.
        sheet.set_print_area(0, 0, last.max(1), after + TOLD)?;
        Ok(())
    }

    /// Whether a person may write a verdict: there is something to decide, and it was not sent.
    fn takes_entry(&self, cell: Cell) -> bool {
        self.to_decide(cell) && !self.ledger.is_sent(cell)
    }

    /// The columns of [`FIRST`].
    fn first(&self, page: &mut Page<'_>, row: u32, cell: Cell) -> Result<(), XlsxError> {
        let plan = self.plan;
        let (text, number) =
            if self.takes_entry(cell) { (Look::Plain, Look::Number) } else { (Look::Dim, Look::DimNumber) };
        let (old, new) = (plan.old(cell), self.shown_new(cell));
        page.text(row, 0, &plan.facility(cell.facility).name, text)?;
        page.text(row, 1, &plan.property(cell.property).name, text)?;
        page.text(row, 2, &plan.quarter(cell).to_string(), text)?;
        page.value(row, 3, old.unwrap_or(""), number)?;
        page.value(row, 4, new.unwrap_or(""), number)?;
        let by = change(old, new).unwrap_or_default();
        page.value(row, 5, by.replace(',', "").trim_start_matches('+'), number)?;
        let numbers = old.and_then(Number::parse).zip(new.and_then(Number::parse)).filter(|(old, _)| !old.is_zero());
        if let Some((old, new)) = numbers.filter(|_| plan.kind(cell) == Kind::Change) {
            page.number(row, 6, new.minus(&old).approx() / old.approx().abs(), Look::Percent)?;
        }
        page.value(row, 7, plan.usual(cell).unwrap_or(""), number)
    }

    /// The quarters before.
    fn quarters(&self, page: &mut Page<'_>, row: u32, cell: Cell) -> Result<(), XlsxError> {
        let series = Series::before(self.plan.head.quarter, &self.past(cell).unwrap_or_default());
        for (column, total) in (column(FIRST.len())..).zip(series.totals(QUARTERS)) {
            if let Some(total) = total {
                page.value(row, column, &total.to_string(), Look::DimNumber)?;
            }
        }
        Ok(())
    }

    /// The columns of [`LAST`].
    fn last(
        &self,
        page: &mut Page<'_>,
        (row, after): (u32, u16),
        cell: Cell,
        fate: Option<Outcome>,
    ) -> Result<(), XlsxError> {
        let plan = self.plan;
        let (facility, property) = (plan.facility(cell.facility), plan.property(cell.property));
        let flags = plan.flags(cell);
        let (entry, reason) = match (self.takes_entry(cell), self.ledger.asks_own_reason(plan, cell)) {
            (false, _) => (Look::Dim, Look::Dim),
            (true, false) => (Look::Entry, Look::Entry),
            (true, true) => (Look::Entry, Look::Reason),
        };
        let severity = flags.first().map(|flag| flag.severity);
        let ids: Vec<String> = flags.iter().map(|flag| format!("{} {}", flag.severity.word(), flag.id)).collect();
        // Each begins with its rule, so that a sentence that begins with a minus is none for a spreadsheet.
        let told: Vec<String> = flags.iter().map(|flag| format!("{}: {}", flag.id, flag.sentence)).collect();
        let (told, ids, parts, mark) = (told.join("; "), ids.join(", "), self.parts_in_words(cell), self.mark(cell));
        let element = if property.element_name.is_empty() { &property.title } else { &property.element_name };
        let set = if property.data_set_name.is_empty() { &property.data_set } else { &property.data_set_name };
        let texts = [
            (severity.map_or("", |one| one.word()), severity.map_or(Look::Plain, Look::severity)),
            (self.verdict_word(cell), entry),
            (self.ledger.reason(cell).unwrap_or(""), reason),
            (&told, Look::Plain),
            (&ids, Look::Plain),
            (plan.state(cell).words(), Look::Plain),
            (&parts, Look::Plain),
            (element, Look::Plain),
            (set, Look::Plain),
            (self.ledger.note(cell).unwrap_or(""), Look::Plain),
            (fate.map_or("", Outcome::words), Look::Plain),
            (&facility.case_id, Look::Dim),
            (&facility.external_id, Look::Dim),
            (&mark, Look::Dim),
            (if facility.closed { "closed" } else { "" }, Look::Plain),
        ];
        for (column, (text, look)) in (after..).zip(texts) {
            page.text(row, column, text, look)?;
        }
        Ok(())
    }

    /// The rows behind a cell: `Female 17; Male 14`.
    fn parts_in_words(&self, cell: Cell) -> String {
        let property = self.plan.property(cell.property);
        let Some(rows) = self.parts.get(&(cell.facility, property.data_set.clone())) else { return String::new() };
        let named = |id: &str| self.plan.option_name(id).map(str::to_owned);
        let one = |part: &Part| {
            let name = named(&part.category_option_combo).unwrap_or_else(|| part.category_option_combo.clone());
            let apart = named(&part.attribute_option_combo).filter(|name| name != "default");
            let apart = apart.map(|name| format!(", {name}")).unwrap_or_default();
            let period = part.period.as_ref().map(|period| format!(" {period}")).unwrap_or_default();
            let said = part.comment.as_ref().map(|said| format!(" (\"{said}\")")).unwrap_or_default();
            let mark = if part.follow_up { " [follow-up]" } else { "" };
            format!("{name}{apart}{period} {}{said}{mark}", part.value.as_deref().unwrap_or("-"))
        };
        let own = rows.iter().filter(|part| part.data_element == property.data_element);
        own.map(one).collect::<Vec<_>>().join("; ")
    }
}

/// The drop-down of a verdict. What else is typed is refused.
fn verdicts(writes: &str) -> Result<DataValidation, XlsxError> {
    let zero = if writes == "zero" {
        "zero: write 0, which DHIS2 may not have stored. "
    } else {
        "approve: write the new value. "
    };
    DataValidation::new()
        .allow_list_strings(&[writes, "reject", "undecided"])?
        .set_input_title("Verdict")?
        .set_input_message(format!("{zero}reject: the case keeps its old value. undecided: later."))?
        .set_error_title("Not a verdict")?
        .set_error_message(format!("Choose {writes}, reject or undecided."))
        .map(|rule| rule.set_error_style(DataValidationErrorStyle::Stop))
}

/// What stands beside the reason of a STOP and of a value whose property has an open one.
fn why() -> Result<DataValidation, XlsxError> {
    DataValidation::new().allow_any_value().set_input_title("STOP: say why")?.set_input_message(format!(
        "A STOP, or a value of a property with an open STOP, is approved with a reason of its own of at least {SHORTEST_REASON} letters: \
         what was checked, and with whom. Without one the row is refused."
    ))
}

/// A place as a column.
fn column(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}
