//! One facility: its rows, and what they make of its cells.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use super::{
    assemble::{Completed, Unread},
    columns::{Column, data_sets},
};
use crate::{
    domain::{
        finer::{Way, made},
        flags::Report,
        history::{Cached, Element, Known},
        plan::{Cell, Draft, Facility, Head, State},
        quarter::Quarter,
        total::{About, Part, Total},
    },
    io::{
        commcare::CaseRecord,
        dhis2::DataValue,
        store::{FacilityHistory, FacilityParts},
    },
};

/// The rows of one organisation unit.
#[derive(Debug, Default)]
pub(super) struct UnitRows {
    /// Rows of the quarter that are not deleted; sorted, those of a data element together.
    parts: Vec<Part>,
    /// Data elements that had a row which was deleted, and whether it was one of a finer period.
    deleted: BTreeSet<(String, bool)>,
    /// Data sets of which some value is there.
    pub(super) reports: BTreeSet<u16>,
    /// The same in a month of the quarter.
    pub(super) months: BTreeSet<u16>,
    /// Where data sets were asked for one by one: those whose answer had a data element. The first one's rows are kept.
    answers: BTreeMap<String, Vec<String>>,
}

impl UnitRows {
    /// Whether rows of this data element, asked for by this data set, are to be kept.
    fn is_first(&mut self, element: &str, set: Option<&str>) -> bool {
        let Some(set) = set else { return true };
        let answers = self.answers.entry(element.to_owned()).or_default();
        if !answers.iter().any(|known| known == set) {
            answers.push(set.to_owned());
        }
        answers.first().is_some_and(|first| first == set)
    }

    /// Takes in a row of the quarter, or of a finer period inside it.
    pub(super) fn add(&mut self, period: Option<&str>, row: &DataValue<'_>, set: Option<&str>) {
        if !self.is_first(row.data_element, set) {
            return;
        }
        if row.deleted {
            self.deleted.insert((row.data_element.to_owned(), period.is_some()));
            return;
        }
        let text = |text: Option<&str>| text.map(str::to_owned);
        self.parts.push(Part {
            data_element: row.data_element.to_owned(),
            category_option_combo: row.category_option_combo.to_owned(),
            attribute_option_combo: row.attribute_option_combo.to_owned(),
            value: text(row.value),
            comment: text(row.comment),
            stored_by: text(row.stored_by),
            last_updated: text(row.last_updated),
            follow_up: row.follow_up,
            period: text(period),
        });
    }

    /// Puts rows in an order that does not depend on the server.
    pub(super) fn sort(&mut self) {
        self.parts.sort_by(|a, b| key(a).cmp(&key(b)));
    }

    /// The rows of one data element.
    pub(super) fn of_element(&self, element: &str) -> &[Part] {
        let from = self.parts.partition_point(|part| part.data_element.as_str() < element);
        let to = self.parts.partition_point(|part| part.data_element.as_str() <= element);
        &self.parts[from..to]
    }

    /// The rows of each of these columns.
    pub(super) fn of_columns(&self, columns: &[Column]) -> Vec<&[Part]> {
        let rows = |Column { property, .. }: &Column| {
            let belong = self.belong(&property.data_element, &property.data_set);
            if belong { self.of_element(&property.data_element) } else { &[] }
        };
        columns.iter().map(rows).collect()
    }

    /// Whether rows of a data element belong to a column of this data set.
    fn belong(&self, element: &str, set: &str) -> bool {
        self.answers.get(element).is_none_or(|sets| sets.iter().any(|known| known == set))
    }
}

/// The order of parts: by data element first, so that those of one stand together.
fn key(part: &Part) -> [Option<&str>; 6] {
    let Part { data_element, period, category_option_combo, attribute_option_combo, value, last_updated, .. } = part;
    let [period, value, last_updated] = [period, value, last_updated].map(Option::as_deref);
    // The last two tell rows apart of which there should be one.
    [Some(data_element), period, Some(category_option_combo), Some(attribute_option_combo), value, last_updated]
}

/// One facility with what was read of it.
pub(super) struct Sheet<'a> {
    pub(super) at: u32,
    pub(super) case: &'a CaseRecord,
    pub(super) facility: &'a Facility,
    /// The day its organisation unit was closed, where that was before the quarter.
    pub(super) closed: Option<String>,
    /// Names of the other open cases of its organisation unit.
    pub(super) twins: Vec<&'a str>,
    pub(super) rows: &'a UnitRows,
    /// By column its rows, those of the quarter itself first, then month by month.
    pub(super) parts: Vec<&'a [Part]>,
    pub(super) unread: &'a Unread,
    pub(super) completed: &'a Completed,
    /// Organisation units of each data set whose assignment is known.
    pub(super) assigned: &'a HashMap<&'a str, HashSet<&'a str>>,
    /// Earlier quarters, where they were asked for.
    pub(super) earlier: Option<&'a Cached>,
    /// The same of this facility.
    pub(super) known: Option<Known<'a>>,
}

impl Sheet<'_> {
    /// The state of a column's cell whose rows were not to be had.
    fn blocked(&self, column: &Column) -> Option<State> {
        self.unread.state(&self.facility.external_id, &column.property.data_set)
    }

    /// What the rows of a column, which is the `at`th, add up to; of another period type only as it was chosen.
    fn sum<'b>(&'b self, at: u16, column: &Column, head: &Head) -> Summed<'b> {
        let (value_type, rows) = (&column.property.value_type, self.of_column(at));
        if column.quarterly() {
            return Summed::of_period(value_type, rows, None);
        }
        let choice = head.choices.get(&column.property.data_set).filter(|_| column.monthly());
        match choice.and_then(|choice| choice.way(&column.aggregation_type)) {
            Some(way) => Summed::of_months(way, value_type, rows, head.quarter),
            None => Summed { total: None, parts: Cow::Borrowed(&[]), months: None },
        }
    }

    fn of_column(&self, at: u16) -> &[Part] {
        self.parts.get(usize::from(at)).copied().unwrap_or_default()
    }

    /// The rows of a column that count, and how many months have a value where it is made of months.
    pub(super) fn rows_of<'b>(&'b self, at: u16, column: &Column, head: &Head) -> (Cow<'b, [Part]>, Option<usize>) {
        if column.quarterly() {
            return (Cow::Borrowed(of_period(self.of_column(at), None)), None);
        }
        let summed = self.sum(at, column, head);
        (summed.parts, summed.months)
    }

    /// What is known of the quarters before of a column; nothing where they were not asked for, and of months, of which they are not.
    pub(super) fn before(&self, column: &Column) -> Option<Element<'_>> {
        let property = &column.property;
        let ours = column.quarterly() && self.rows.belong(&property.data_element, &property.data_set);
        self.known.filter(|_| ours).map(|known| known.element(&property.data_element))
    }

    /// Whether the data set of a column is not assigned here, as far as that is known.
    pub(super) fn elsewhere(&self, column: &Column) -> bool {
        let units = self.assigned.get(column.property.data_set.as_str());
        units.is_some_and(|units| !units.contains(self.facility.external_id.as_str()))
    }

    /// Whether its report of a quarter is registered complete; of months that is not asked.
    fn complete(&self, column: &Column, quarter: Quarter) -> Option<bool> {
        if !column.quarterly() {
            return None;
        }
        self.completed.of(&self.facility.external_id, &column.property.data_set, &quarter.to_string())
    }

    /// The same, with when it was and when it had to be.
    pub(super) fn report(&self, column: &Column, quarter: Quarter) -> Report<'_> {
        if !column.quarterly() {
            return Report::default();
        }
        let (unit, set) = (&self.facility.external_id, &column.property.data_set);
        Report { timely_days: column.timely_days, ..self.completed.registered(unit, set, &quarter.to_string()) }
    }

    fn about<'a>(&self, column: &'a Column, number: Option<u16>, quarter: Quarter) -> About<'a> {
        let property = &column.property;
        let units = self.assigned.get(property.data_set.as_str());
        About {
            value_type: &property.value_type,
            aggregation_type: &column.aggregation_type,
            zero_is_significant: column.zero_is_significant,
            assigned: units.map(|units| units.contains(self.facility.external_id.as_str())),
            complete: self.complete(column, quarter),
            siblings: number.is_some_and(|number| {
                let reports = if column.monthly() { &self.rows.months } else { &self.rows.reports };
                reports.contains(&number)
            }),
            deleted: self.rows.belong(&property.data_element, &property.data_set)
                && self.rows.deleted.contains(&(property.data_element.clone(), column.monthly())),
        }
    }

    /// The newest number of at most `most` quarters before this one. Never looks beyond a quarter whose report is registered
    /// complete, nor where that is not known (data-quality-flags.md section 1).
    fn older(&self, column: &Column, quarter: Quarter, most: u8) -> Option<(Quarter, String)> {
        let (unit, property) = (&self.facility.external_id, &column.property);
        if most == 0 || !self.rows.belong(&property.data_element, &property.data_set) {
            return None;
        }
        let past = self.earlier?.past(unit, &property.data_element);
        let mut after = quarter;
        for before in quarter.earlier().take(most.into()) {
            if self.complete(column, after) != Some(false) {
                return None;
            }
            // A quarter that is not known may hold a number: nothing is looked for beyond it.
            let found = past.iter().find(|past| past.quarter == before)?;
            if !found.parts.is_empty() {
                return Some((before, found.total()?.to_string()));
            }
            after = before;
        }
        None
    }
}

/// Those of one period, of rows in the order of their periods.
fn of_period<'a>(parts: &'a [Part], period: Option<&str>) -> &'a [Part] {
    let from = parts.partition_point(|part| part.period.as_deref() < period);
    let to = parts.partition_point(|part| part.period.as_deref() <= period);
    parts.get(from..to).unwrap_or_default()
}

/// What the rows of a cell add up to.
pub(super) struct Summed<'a> {
    /// `None` where a quarter cannot hold rows of the data set.
    pub(super) total: Option<Total>,
    /// The rows that count.
    parts: Cow<'a, [Part]>,
    /// How many months have a value, where it is made of months.
    months: Option<usize>,
}

impl<'a> Summed<'a> {
    /// The rows of one period among those of a data element, which stand in the order of their periods; `None` is the quarter read.
    pub(super) fn of_period(value_type: &str, rows: &'a [Part], period: Option<&str>) -> Self {
        let parts = of_period(rows, period);
        Self { total: Some(Total::of(value_type, parts)), parts: Cow::Borrowed(parts), months: None }
    }

    /// A quarter made of its months in this way; the rows as for one period.
    pub(super) fn of_months(way: Way, value_type: &str, rows: &'a [Part], quarter: Quarter) -> Self {
        let months = quarter.months().map(|month| of_period(rows, Some(&month)));
        let made = made(way, value_type, months);
        let newest = months.into_iter().rev().find(|rows| rows.iter().any(|part| part.value.is_some()));
        let parts =
            if way == Way::Last { Cow::Borrowed(newest.unwrap_or_default()) } else { Cow::Owned(months.concat()) };
        Self { total: Some(made.total), parts, months: Some(made.reported) }
    }
}

/// Sets every cell: what the case holds, what DHIS2 holds, and which state that is.
pub(super) fn fill(draft: &mut Draft, sheets: &[Sheet<'_>], layout: &Layout<'_>) {
    for sheet in sheets {
        fill_one(draft, sheet, layout);
    }
}

/// Sets the cells of one facility.
fn fill_one(draft: &mut Draft, sheet: &Sheet<'_>, layout: &Layout<'_>) {
    let (quarter, look_back) = (draft.plan().head.quarter, draft.plan().head.look_back);
    for ((property, column), number) in (0_u16..).zip(layout.columns).zip(&layout.numbers) {
        let cell = Cell { facility: sheet.at, property };
        let old = sheet.case.properties.get(&column.property.name).map(String::as_str);
        if let Some(state) = sheet.blocked(column) {
            draft.set(cell, old, None, state);
            continue;
        }
        let summed = sheet.sum(property, column, &draft.plan().head);
        let Some(total) = summed.total else {
            draft.set(cell, old, None, State::WrongPeriodType);
            continue;
        };
        let (mut state, mut held) = total.state(&sheet.about(column, *number, quarter));
        if matches!(state, State::NotReported | State::BlankInReport)
            && summed.months.is_none()
            && let Some((from, total)) = sheet.older(column, quarter, look_back)
        {
            (state, held) = (State::OlderQuarter, Some(total));
            draft.set_quarter(cell, from);
        }
        draft.set(cell, old, held.as_deref(), state);
    }
}

/// The columns, with what is the same of them for every facility.
pub(super) struct Layout<'a> {
    pub(super) columns: &'a [Column],
    /// By column the number of its data set among those of [`crate::io::dhis2::Values::reports`].
    numbers: Vec<Option<u16>>,
    /// The mapped data elements of each data set.
    mapped: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Layout<'a> {
    pub(super) fn of(columns: &'a [Column]) -> Self {
        let sets = data_sets(columns);
        let number = |column: &Column| {
            let at = sets.iter().position(|set| *set == column.property.data_set)?;
            u16::try_from(at).ok()
        };
        let mut mapped: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for Column { property, .. } in columns {
            mapped.entry(&property.data_set).or_default().insert(&property.data_element);
        }
        Self { columns, numbers: columns.iter().map(number).collect(), mapped }
    }
}

/// The rows of mapped data elements, by data set.
pub(super) fn kept(sheet: &Sheet<'_>, layout: &Layout<'_>) -> Vec<FacilityParts> {
    let rows = |set: &str, elements: &BTreeSet<&str>| -> Vec<Part> {
        let ours = elements.iter().filter(|element| sheet.rows.belong(element, set));
        ours.flat_map(|element| sheet.rows.of_element(element)).cloned().collect()
    };
    let all = layout.mapped.iter().map(|(data_set, elements)| (*data_set, rows(data_set, elements)));
    all.filter(|(_, parts)| !parts.is_empty())
        .map(|(data_set, parts)| FacilityParts { facility: sheet.at, data_set: data_set.to_owned(), parts })
        .collect()
}

/// The rows of mapped data elements in earlier quarters, by data set.
pub(super) fn past(sheet: &Sheet<'_>, layout: &Layout<'_>) -> Vec<FacilityHistory> {
    let Some(earlier) = sheet.earlier else { return Vec::new() };
    // Of a data set that was refused nothing was learned.
    let learned = layout.mapped.iter().filter(|(data_set, _)| !sheet.unread.sets.contains(**data_set));
    let ours = learned.map(|(data_set, elements)| {
        let ours = elements.iter().copied().filter(|element| sheet.rows.belong(element, data_set)).collect();
        (*data_set, earlier.sheet(&sheet.facility.external_id, &ours))
    });
    ours.filter(|(_, past)| past.iter().next().is_some())
        .map(|(data_set, past)| FacilityHistory { facility: sheet.at, data_set: data_set.to_owned(), sheet: past })
        .collect()
}
