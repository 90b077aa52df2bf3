//! The seeded country: places, metadata, nine quarters of reports and the cases as they stand before the review.
//!
//! It is made once and never changed. What tests and clients change lies beside it: edits of data values in
//! [`Edits`], changed cases in the CommCare part.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use self::{draw::mix, model::Model, names::Rank};
use super::{CaseState, Options, Planted};
use crate::domain::mapping::Mapping;

pub(crate) mod cases;
pub(crate) mod draw;
pub(crate) mod kinds;
pub(crate) mod model;
pub(crate) mod names;
mod oddities;
mod places;
mod series;

/// How many quarters of reports there are.
pub(crate) const QUARTERS: usize = 9;
/// The newest quarter, the one DHIS2 just collected.
pub(crate) const NEWEST: usize = QUARTERS - 1;
/// In the table of numbers: no row.
const NONE: i64 = i64::MIN;

/// A calendar quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quarter {
    /// Year.
    pub(crate) year: i16,
    /// 1 to 4.
    pub(crate) number: u8,
}

impl Quarter {
    /// The DHIS2 period id, for example `2026Q2`.
    pub(crate) fn iso(self) -> String {
        format!("{}Q{}", self.year, self.number)
    }

    fn before(self) -> Self {
        if self.number <= 1 {
            Self { year: self.year - 1, number: 4 }
        } else {
            Self { year: self.year, number: self.number - 1 }
        }
    }

    fn after(self) -> Self {
        if self.number >= 4 {
            Self { year: self.year + 1, number: 1 }
        } else {
            Self { year: self.year, number: self.number + 1 }
        }
    }

    /// The first day.
    pub(crate) fn start(self) -> Date {
        let month = i8::try_from(self.number).unwrap_or(1).clamp(1, 4) * 3 - 2;
        Date::new(self.year, month, 1).unwrap_or(Date::ZERO)
    }

    /// The last day.
    pub(crate) fn end(self) -> Date {
        let next = self.after().start();
        next.yesterday().unwrap_or(next)
    }

    /// `days` and `seconds` after the quarter ended.
    pub(crate) fn ended(self, days: i64, seconds: i64) -> Timestamp {
        let midnight = self.after().start().to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
        let start = midnight.unwrap_or(Timestamp::UNIX_EPOCH);
        start.checked_add(jiff::SignedDuration::from_secs(days * 86_400 + seconds)).unwrap_or(start)
    }
}

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

/// A changed or added data value; it goes before the table of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Period id.
    pub(crate) period: String,
    /// Column.
    pub(crate) column: usize,
    /// The value as text; `None` hides the row.
    pub(crate) value: Option<String>,
    /// Comment of the data clerk.
    pub(crate) comment: Option<String>,
    /// Marked for follow-up.
    pub(crate) followup: bool,
    /// When it was changed; `None`: with the report.
    pub(crate) at: Option<Timestamp>,
}

/// Edits by facility.
pub(crate) type Edits = BTreeMap<usize, Vec<Edit>>;

/// Adds an edit, in place of an earlier one of the same row.
pub(crate) fn put(edits: &mut Edits, facility: usize, edit: Edit) {
    let list = edits.entry(facility).or_default();
    list.retain(|old| old.period != edit.period || old.column != edit.column);
    list.push(edit);
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
    /// Data values that are not plain numbers, or carry a comment or a mark.
    pub(crate) edits: Edits,
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
            edits: Edits::new(),
            cases: Vec::new(),
            planted: Vec::new(),
            stopped: BTreeSet::new(),
            numbers: Vec::new(),
            by_uid,
        };
        let mut numbers = Vec::with_capacity(country.width() * country.facilities.len());
        for facility in 0..country.facilities.len() {
            numbers.extend(series::numbers(&country, facility));
        }
        country.numbers = numbers;
        let roles = oddities::plant(&mut country);
        cases::make(&mut country, &roles);
        country
    }

    /// Numbers of one facility in the table.
    fn width(&self) -> usize {
        self.model.columns.len() * QUARTERS
    }

    /// The place of this id.
    pub(crate) fn unit(&self, uid: &str) -> Option<usize> {
        self.by_uid.get(uid).copied()
    }

    /// The place above all facilities; the account sees what lies below it.
    pub(crate) fn root(&self) -> &Unit {
        &self.units[0]
    }

    /// Whether the account may read data of this place (dhis2.md section 1.3, org unit rule).
    pub(crate) fn readable(&self, unit: usize) -> bool {
        self.units[unit].path.starts_with(&self.root().path)
    }

    /// The id of a facility's place.
    pub(crate) fn facility_uid(&self, facility: usize) -> &str {
        &self.units[self.facilities[facility].unit].uid
    }

    /// Whether the facility sent this data set for this quarter. About one in fifty is missing.
    pub(crate) fn reported(&self, facility: usize, set: usize, quarter: usize) -> bool {
        let set_there = self.model.sets.get(set).is_some_and(|set| set.readable && set.period_type == "Quarterly");
        let stopped = quarter == NEWEST && self.stopped.contains(&facility);
        set_there && !stopped && mix(self.seed, [facility, set, quarter]) % 1000 >= 20
    }

    /// Whether a report was marked complete, and on which day after the quarter ended.
    pub(crate) fn completed(&self, facility: usize, set: usize, quarter: usize) -> Option<i64> {
        let luck = mix(self.seed ^ 0x0c0, [facility, set, quarter]);
        let day = i64::try_from(luck % 24).unwrap_or_default() + 3;
        (self.reported(facility, set, quarter) && luck % 100 < 93).then_some(day)
    }

    /// When the reports of a facility for a quarter were typed in.
    pub(crate) fn typed_in(&self, facility: usize, quarter: usize) -> Timestamp {
        let luck = mix(self.seed ^ 0x71ed, [facility, quarter, 0]);
        let part = |divisor: u64, modulus: u64| i64::try_from(luck / divisor % modulus).unwrap_or_default();
        self.quarters[quarter].ended(2 + part(1, 20), 6 * 3600 + part(64, 36_000))
    }

    /// The number in the table; money in hundredths.
    pub(crate) fn number(&self, facility: usize, column: usize, quarter: usize) -> Option<i64> {
        let at = facility * self.width() + column * QUARTERS + quarter;
        self.numbers.get(at).copied().filter(|&number| number != NONE)
    }

    fn set_number(&mut self, facility: usize, column: usize, quarter: usize, number: Option<i64>) {
        let at = facility * self.width() + column * QUARTERS + quarter;
        if let Some(place) = self.numbers.get_mut(at) {
            *place = number.unwrap_or(NONE);
        }
    }

    /// The sum over the parts of an element; `None` without any row.
    pub(crate) fn total(&self, facility: usize, element: usize, quarter: usize) -> Option<i64> {
        let columns = self.model.elements[element].columns.clone();
        columns.filter_map(|column| self.number(facility, column, quarter)).reduce(|sum, part| sum + part)
    }

    /// The text of a number of this column, as DHIS2 would store it.
    pub(crate) fn text(&self, column: usize, number: i64) -> String {
        let element = self.model.columns[column].element;
        if self.model.elements[element].profile.is_money() { hundredths(number) } else { number.to_string() }
    }
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

    #[test]
    fn quarters_know_their_days() {
        let quarter = Quarter { year: 2026, number: 1 };
        assert_eq!(quarter.before().iso(), "2025Q4");
        assert_eq!(quarter.start().to_string(), "2026-01-01");
        assert_eq!(quarter.end().to_string(), "2026-03-31");
        assert_eq!(quarter.before().after(), quarter);
    }
}
