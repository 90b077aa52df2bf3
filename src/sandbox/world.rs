//! The seeded country: places, metadata, nine quarters of reports and the cases as they stand before the review.
//!
//! It is made once and never changed. What tests and clients change lies beside it: data values, registrations and the
//! like in [`Changes`], changed cases in the CommCare part.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

pub(crate) use self::{
    changes::{Changes, Edit, Mark},
    time::{MONTHS, NEWEST, QUARTERS, Quarter, Stored},
};
use self::{draw::mix, model::Model, names::Rank};
use super::{CaseState, Options, Planted};
use crate::domain::mapping::Mapping;

pub(crate) mod cases;
mod changes;
pub(crate) mod draw;
pub(crate) mod kinds;
pub(crate) mod model;
pub(crate) mod names;
mod oddities;
mod places;
mod series;
mod time;

/// In the table of numbers: no row.
const NONE: i64 = i64::MIN;

/// A place in the hierarchy.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    /// Id.
    pub(crate) uid: String,
    /// Name.
    pub(crate) name: String,
    /// Code.
    pub(crate) code: String,
    /// 1 country, 2 district, 3 facility.
    pub(crate) level: usize,
    /// The place it belongs to, an index.
    pub(crate) parent: Option<usize>,
    /// Ids from the root to itself, each after a slash.
    pub(crate) path: String,
    /// Its facility number, for those that report.
    pub(crate) facility: Option<usize>,
}

/// What sets the size and habits of a facility.
#[derive(Clone, Debug)]
pub(crate) struct Facility {
    /// Its place, an index.
    pub(crate) unit: usize,
    /// Its district, an index into [`names::DISTRICTS`].
    pub(crate) district: usize,
    /// Kind.
    pub(crate) rank: Rank,
    /// Size against an average health centre.
    pub(crate) size: f64,
    /// Growth in one quarter, for example 0.03.
    pub(crate) growth: f64,
    /// How strongly it follows the season, 0 to 1.
    pub(crate) wave: f64,
    /// The id of its case.
    pub(crate) case_id: Arc<str>,
}

/// The country as it is on the day after the quarter's reports came in.
pub(crate) struct Country {
    /// The seed it was made from.
    pub(crate) seed: u64,
    /// What the servers call themselves.
    pub(crate) label: String,
    /// The quarters, oldest first.
    pub(crate) quarters: Vec<Quarter>,
    /// Data elements, data sets, category options.
    pub(crate) model: Model,
    /// All places: country, districts, facilities, then a second root the account may not read.
    pub(crate) units: Vec<Unit>,
    /// The facilities.
    pub(crate) facilities: Vec<Facility>,
    /// Data values that are not plain numbers, or carry a comment or a mark; reports and places that are not as usual.
    pub(crate) changes: Changes,
    /// The cases before anything is submitted, in the order the search index knows them.
    pub(crate) cases: Vec<CaseState>,
    /// What is odd, and where.
    pub(crate) planted: Vec<Planted>,
    stopped: BTreeSet<usize>,
    numbers: Vec<i64>,
    by_uid: BTreeMap<String, usize>,
}

impl Country {
    /// Makes the country. The same options give the same country.
    pub(crate) fn new(options: &Options) -> Self {
        let mapping = Mapping::built_in();
        let mut quarters = vec![Quarter { year: options.quarter.0, number: options.quarter.1.clamp(1, 4) }];
        while quarters.len() < QUARTERS {
            quarters.insert(0, quarters[0].before());
        }
        let (units, facilities) = places::places(options.seed, options.facilities);
        let by_uid = units.iter().enumerate().map(|(index, unit)| (unit.uid.clone(), index)).collect();
        let mut country = Self {
            seed: options.seed,
            label: options.label.clone(),
            quarters,
            model: Model::new(options.seed, &mapping),
            units,
            facilities,
            changes: Changes::default(),
            cases: Vec::new(),
            planted: Vec::new(),
            stopped: BTreeSet::new(),
            numbers: Vec::new(),
            by_uid,
        };
        let mut numbers = Vec::with_capacity(country.model.width * country.facilities.len());
        for facility in 0..country.facilities.len() {
            numbers.extend(series::numbers(&country, facility));
        }
        country.numbers = numbers;
        let roles = oddities::plant(&mut country);
        cases::make(&mut country, &roles);
        for (unit, name) in roles.renamed {
            country.units[unit].name = name;
        }
        country
    }

    /// The place of this id.
    pub(crate) fn unit(&self, uid: &str) -> Option<usize> {
        self.by_uid.get(uid).copied()
    }

    /// The id of a facility's place.
    pub(crate) fn facility_uid(&self, facility: usize) -> &str {
        &self.units[self.facilities[facility].unit].uid
    }

    /// What is stored under a period id: a quarter or a month there is data of.
    pub(crate) fn stored(&self, period: &str) -> Option<Stored> {
        Stored::all().find(|&when| self.iso(when) == period)
    }

    /// The period id.
    pub(crate) fn iso(&self, when: Stored) -> String {
        match when {
            Stored::Quarter(quarter) => self.quarters[quarter].iso(),
            Stored::Month(month) => self.quarters[month / 3].month(month % 3).strftime("%Y%m").to_string(),
        }
    }

    /// `days` and `seconds` after the period ended.
    pub(crate) fn ended(&self, when: Stored, days: i64, seconds: i64) -> Timestamp {
        match when {
            Stored::Quarter(quarter) => self.quarters[quarter].ended(days, seconds),
            Stored::Month(month) => time::after(self.quarters[month / 3].month(month % 3 + 1), days, seconds),
        }
    }

    /// Whether the facility sent this data set for this period. About one report in fifty is missing, of the monthly
    /// ones one in twenty.
    pub(crate) fn reported(&self, facility: usize, set: usize, when: Stored) -> bool {
        let (salt, at, missing) = match when {
            Stored::Quarter(quarter) => (0, quarter, 20),
            Stored::Month(month) => (0x60d, month, 50),
        };
        let stopped = when.quarter() == NEWEST && self.stopped.contains(&facility);
        let there = self.model.sets.get(set).is_some_and(|set| set.is_stored(when));
        there && !stopped && mix(self.seed ^ salt, [facility, set, at]) % 1000 >= missing
    }

    /// Whether a report was registered: how many days after the period ended, and whether it is complete. Where it is
    /// not, it was opened again (dhis2.md section 3.3). It is registered one to three days after it was typed in.
    pub(crate) fn registered(&self, facility: usize, set: usize, when: Stored) -> Option<(i64, bool)> {
        let (salt, at) = match when {
            Stored::Quarter(quarter) => (0x0c0, quarter),
            Stored::Month(month) => (0x0c1, month),
        };
        let luck = mix(self.seed ^ salt, [facility, set, at]);
        let day = self.typed_day(facility, when) + 1 + i64::try_from(luck / 100 % 3).unwrap_or_default();
        (self.reported(facility, set, when) && luck % 100 < 95).then_some((day, luck % 100 < 93))
    }

    /// When the reports of a facility for a period were typed in.
    pub(crate) fn typed_in(&self, facility: usize, when: Stored) -> Timestamp {
        let second = 6 * 3600 + part(self.typing(facility, when), 64, 36_000);
        self.ended(when, self.typed_day(facility, when), second)
    }

    /// How many days after the period ended its reports were typed in: one facility in twenty is too late for its data
    /// sets.
    fn typed_day(&self, facility: usize, when: Stored) -> i64 {
        let luck = self.typing(facility, when);
        match part(luck, 1, 20) {
            19 => 15 + part(luck, 20, 7),
            early => 2 + early % 10,
        }
    }

    fn typing(&self, facility: usize, when: Stored) -> u64 {
        let (salt, at) = match when {
            Stored::Quarter(quarter) => (0x71ed, quarter),
            Stored::Month(month) => (0x71ee, month),
        };
        mix(self.seed ^ salt, [facility, at, 0])
    }

    /// The number in the table under this period; money in hundredths.
    pub(crate) fn number(&self, facility: usize, column: usize, when: Stored) -> Option<i64> {
        let at = self.place(facility, column, when)?;
        self.numbers.get(at).copied().filter(|&number| number != NONE)
    }

    fn set_number(&mut self, facility: usize, column: usize, when: Stored, number: Option<i64>) {
        let at = self.place(facility, column, when);
        if let Some(place) = at.and_then(|at| self.numbers.get_mut(at)) {
            *place = number.unwrap_or(NONE);
        }
    }

    /// Where a number stands in the table; `None` where the column is not stored under such periods.
    fn place(&self, facility: usize, column: usize, when: Stored) -> Option<usize> {
        let column = self.model.columns[column];
        let at = match when {
            Stored::Quarter(quarter) => (!column.monthly).then_some(quarter),
            Stored::Month(month) => column.monthly.then_some(month),
        };
        Some(facility * self.model.width + column.start? + at?)
    }

    /// The sum over the parts of an element; `None` without any row.
    pub(crate) fn total(&self, facility: usize, element: usize, quarter: usize) -> Option<i64> {
        let columns = self.model.elements[element].columns.clone();
        columns
            .filter_map(|column| self.number(facility, column, Stored::Quarter(quarter)))
            .reduce(|sum, part| sum + part)
    }

    /// The text of a number of this column, as DHIS2 would store it.
    pub(crate) fn text(&self, column: usize, number: i64) -> String {
        let element = self.model.columns[column].element;
        if self.model.elements[element].profile.is_money() { hundredths(number) } else { number.to_string() }
    }
}

/// One of `modulus` numbers from 0 on; other divisors give others of the same luck.
fn part(luck: u64, divisor: u64, modulus: u64) -> i64 {
    i64::try_from(luck / divisor % modulus).unwrap_or_default()
}

/// Hundredths as a decimal number without trailing zeros.
pub(crate) fn hundredths(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let (whole, part) = (number.unsigned_abs() / 100, number.unsigned_abs() % 100);
    match part {
        0 => format!("{sign}{whole}"),
        part if part % 10 == 0 => format!("{sign}{whole}.{}", part / 10),
        part => format!("{sign}{whole}.{part:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundredths_are_written_plainly() {
        for (number, text) in [(0, "0"), (1250, "12.5"), (1205, "12.05"), (-7, "-0.07"), (500, "5"), (99, "0.99")] {
            assert_eq!(hundredths(number), text);
        }
    }
}
