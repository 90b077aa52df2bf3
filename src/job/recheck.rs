//! The DHIS2 totals of approved cells read again just before they are sent (data-quality-flags.md section 1, rule S31; fault
//! matrix row D24). Only what moved is named; what becomes of it is decided by who asks.
//!
//! It asks as reading asks and adds up as reading adds up, but only for numbers: not for names, nor which reports are complete.
//! The window between this and the moment the case is written gets narrower by it and never closes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::{Context, Result};

use super::{
    gather::{Gaps, Gather},
    sheet::{Summed, UnitRows},
};
use crate::{
    domain::{
        finer::Way,
        flags::source_sentence,
        plan::{Cell, Plan, State},
        quarter::Quarter,
        text::{fit, inert},
        total::Total,
        value::same,
    },
    io::dhis2::{Denied, Dhis2, Elements, Values, Wanted, denied},
};

/// Columns of a text from DHIS2 within a sentence.
const TEXT: usize = 40;

/// What DHIS2 says of an approved cell now, where that is not what was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It holds something else, or nothing any more.
    Source {
        /// The number it would propose; `None` where that is none: there is no row any more, or one is a text.
        now: Option<String>,
        /// The sentence of S31. Inert.
        why: String,
    },
    /// This cell could not be read again: it is not to be sent, and what was decided says nothing wrong.
    Unread {
        /// Why, one sentence. Inert.
        why: String,
    },
}

/// Reads the totals of these cells again; those that stand are not in the answer. What decides is the total: other slices with the
/// same sum stand, and so does a 0 approved where DHIS2 may not have stored one, while there is no value. A number of an earlier
/// quarter moved too where a quarter after it holds another one now. Whether reports are complete does not matter.
///
/// Fails where DHIS2 could not be read as such: the sign-in was refused, or nothing was answered.
pub(super) async fn moved_totals(dhis2: &Dhis2, plan: &Plan, cells: &[Cell]) -> Result<BTreeMap<Cell, Moved>> {
    let again = Again::of(plan, cells);
    if again.units.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut now = BTreeMap::new();
    match again.read(dhis2, &mut now).await {
        Ok(gaps) => {
            gaps.notes.iter().for_each(|note| tracing::info!(note = %inert(note), "not read again"));
            let cells = again.units.values().flatten();
            Ok(cells.filter_map(|cell| Some((*cell, again.judge(*cell, &gaps, now.get(cell))?))).collect())
        }
        // That is said of every data set asked for, and of nothing else.
        Err(failure) if matches!(denied(&failure), Some(Denied::DataSets(_))) => {
            tracing::info!(%failure, "not read again");
            let unread = |cell: &Cell| (*cell, Moved::Unread { why: again.no_set(*cell) });
            Ok(again.units.values().flatten().map(unread).collect())
        }
        Err(failure) => Err(failure)
            .context("the DHIS2 totals of the approved cells could not be read again, so none of them is sent"),
    }
}

/// What is asked again.
struct Again<'a> {
    plan: &'a Plan,
    /// By organisation unit. Two cases can have the same one.
    units: BTreeMap<&'a str, Vec<Cell>>,
}

/// A total with the quarter it is of.
type Now = (Total, Quarter);

impl<'a> Again<'a> {
    fn of(plan: &'a Plan, cells: &[Cell]) -> Self {
        let mut units: BTreeMap<&str, Vec<Cell>> = BTreeMap::new();
        for cell in cells.iter().copied().collect::<BTreeSet<_>>() {
            units.entry(&plan.facility(cell.facility).external_id).or_default().push(cell);
        }
        Self { plan, units }
    }

    fn cells(&self) -> impl Iterator<Item = Cell> {
        self.units.values().flatten().copied()
    }

    /// Asks, as often as it takes; every answer is added up and dropped.
    async fn read(&self, dhis2: &Dhis2, now: &mut BTreeMap<Cell, Now>) -> Result<Gaps, crate::io::http::Failure> {
        let units: Vec<String> = self.units.keys().map(|unit| (*unit).to_owned()).collect();
        let sets: BTreeSet<&String> = self.cells().map(|cell| &self.plan.property(cell.property).data_set).collect();
        let sets: Vec<String> = sets.into_iter().cloned().collect();
        let wanted = Arc::new(self.wanted());
        let (server, asked) = (dhis2.clone(), Arc::clone(&wanted));
        let gather = Gather {
            dhis2,
            units: &units,
            sets: &sets,
            // A row is the same whichever data set brought it, and the approved number had one.
            apart: false,
            refusals: usize::MAX,
            ask: Arc::new(move |units, sets| {
                let (server, wanted) = (server.clone(), Wanted { data_sets: sets.to_vec(), ..Wanted::clone(&asked) });
                Box::pin(async move { server.data_values(&units, &wanted).await })
            }),
            rows: |values| values.rows().len(),
            fixed: &|sets| dhis2.fixed_len(&Wanted { data_sets: sets.to_vec(), ..Wanted::clone(&wanted) }),
        };
        let mut answered = |units: &[String], _: &[String], values| now.extend(self.totals(units, &values));
        gather.run(&mut answered, &|_| {}).await
    }

    /// The quarter read, those before it down to the oldest a number was approved of, and months where a number is made of them.
    fn wanted(&self) -> Wanted {
        let newest = self.plan.head.quarter;
        let oldest = self.cells().map(|cell| self.plan.quarter(cell)).min().unwrap_or(newest);
        let months = self.cells().any(|cell| self.is_finer(cell));
        let mut elements = Elements::default();
        self.cells().for_each(|cell| elements.want(&self.plan.property(cell.property).data_element));
        Wanted {
            data_sets: Vec::new(),
            periods: back_to(newest, oldest)
                .map(|quarter| quarter.to_string())
                .chain(newest.months().into_iter().filter(|_| months))
                .collect(),
            since: None,
            elements: Arc::new(elements),
        }
    }

    /// Whether the data set of a cell is not quarterly.
    fn is_finer(&self, cell: Cell) -> bool {
        self.plan.head.unfit(&self.plan.property(cell.property).data_set).is_some()
    }

    /// How a cell of such a data set is made of months; `None` where it is not.
    fn way(&self, cell: Cell) -> Option<Way> {
        let (head, property) = (&self.plan.head, self.plan.property(cell.property));
        head.unfit(&property.data_set)?.way(&property.data_element, head.choices.get(&property.data_set)?)
    }

    /// What an answer for these units makes of their cells.
    fn totals(&self, units: &[String], values: &Values) -> Vec<(Cell, Now)> {
        let quarter = self.plan.head.quarter.to_string();
        let mut rows: BTreeMap<&str, UnitRows> = BTreeMap::new();
        for row in values.rows() {
            let period = (row.period != quarter).then_some(row.period);
            rows.entry(row.org_unit).or_default().add(period, &row, None);
        }
        rows.values_mut().for_each(UnitRows::sort);
        let (none, mut totals) = (UnitRows::default(), Vec::new());
        for unit in units {
            let rows = rows.get(unit.as_str()).unwrap_or(&none);
            let cells = self.units.get(unit.as_str()).into_iter().flatten();
            totals.extend(cells.map(|cell| (*cell, self.total(*cell, rows))));
        }
        totals
    }

    /// The total of a cell: of the newest quarter that has one, as far back as what was approved is.
    fn total(&self, cell: Cell, rows: &UnitRows) -> Now {
        let (quarter, property) = (self.plan.head.quarter, self.plan.property(cell.property));
        let (rows, value_type) = (rows.of_element(&property.data_element), &property.value_type);
        if self.is_finer(cell) {
            let made = self.way(cell).and_then(|way| Summed::of_months(way, value_type, rows, quarter).total);
            return (made.unwrap_or(Total::Nothing), quarter);
        }
        for of in back_to(quarter, self.plan.quarter(cell)) {
            let period = (of != quarter).then(|| of.to_string());
            let total = Summed::of_period(value_type, rows, period.as_deref()).total;
            if let Some(total) = total.filter(|total| *total != Total::Nothing) {
                return (total, of);
            }
        }
        (Total::Nothing, quarter)
    }

    /// What is to be said of a cell; `None` where it stands.
    fn judge(&self, cell: Cell, gaps: &Gaps, now: Option<&Now>) -> Option<Moved> {
        let unit = &self.plan.facility(cell.facility).external_id;
        let set = &self.plan.property(cell.property).data_set;
        let unread = |why| Some(Moved::Unread { why });
        match (gaps.unread.state(unit, set), now) {
            (Some(State::NoAccess), _) if gaps.unread.sets.contains(set) => unread(self.no_set(cell)),
            (Some(State::NoAccess), _) => {
                unread(format!("this account may not read organisation unit {} in DHIS2 any more", inert(unit)))
            }
            (Some(_), _) => {
                unread(format!("what DHIS2 holds for organisation unit {} could not be read again", inert(unit)))
            }
            // A request for units of which DHIS2 knows none is refused up to 2.42 (dhis2.md section 1.3).
            (None, None) => unread(format!("DHIS2 does not know organisation unit {} any more", inert(unit))),
            (None, Some(now)) => self.compare(cell, now),
        }
    }

    fn no_set(&self, cell: Cell) -> String {
        let property = self.plan.property(cell.property);
        let called = format!("{} {}", property.data_set, property.data_set_name);
        format!("this account may not read data set {} in DHIS2 any more", inert(called.trim_end()))
    }

    fn compare(&self, cell: Cell, (total, quarter): &Now) -> Option<Moved> {
        let number = match total {
            Total::Sum(sum) => Some(sum.to_string()),
            Total::Nothing | Total::Text(_) => None,
        };
        let stands = match (total, self.plan.state(cell)) {
            (Total::Text(_), _) => false,
            (Total::Nothing, State::ZeroNotStored) => true,
            _ => same(self.plan.offer(cell), number.as_deref()),
        };
        if stands {
            return None;
        }
        // A number of an earlier quarter is never shown without it.
        let dated = |text: String, quarter: &dyn std::fmt::Display| match self.plan.older(cell) {
            Some(_) => format!("{text} ({quarter})"),
            None => text,
        };
        let was = self.plan.new_value(cell).map(|was| dated(inert(was).into_owned(), &self.plan.quarter(cell)));
        let is = match total {
            Total::Text(text) => Some(fit(&inert(text), TEXT).into_owned()),
            Total::Sum(_) | Total::Nothing => number.clone(),
        };
        let is = is.map(|is| dated(is, quarter));
        Some(Moved::Source { now: number, why: source_sentence(was.as_deref(), is.as_deref()) })
    }
}

/// The quarters from `newest` back to `oldest`.
fn back_to(newest: Quarter, oldest: Quarter) -> impl Iterator<Item = Quarter> {
    std::iter::once(newest).chain(newest.earlier().take_while(move |quarter| *quarter >= oldest))
}

#[cfg(test)]
mod tests;
