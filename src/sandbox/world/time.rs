//! The periods there is data of: nine quarters and their months.

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

/// How many quarters of reports there are.
pub(crate) const QUARTERS: usize = 9;
/// The newest quarter, the one DHIS2 just collected.
pub(crate) const NEWEST: usize = QUARTERS - 1;
/// How many months of reports there are.
pub(crate) const MONTHS: usize = 3 * QUARTERS;

/// A period there is data of, counted from the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stored {
    /// A quarter.
    Quarter(usize),
    /// A month.
    Month(usize),
}

impl Stored {
    /// Every period there is data of.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..QUARTERS).map(Self::Quarter).chain((0..MONTHS).map(Self::Month))
    }

    /// The quarter it is or lies in.
    pub(crate) fn quarter(self) -> usize {
        match self {
            Self::Quarter(quarter) => quarter,
            Self::Month(month) => month / 3,
        }
    }
}

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

    pub(crate) fn before(self) -> Self {
        if self.number <= 1 {
            Self { year: self.year - 1, number: 4 }
        } else {
            Self { year: self.year, number: self.number - 1 }
        }
    }

    /// The first day.
    pub(crate) fn start(self) -> Date {
        let month = i8::try_from(self.number).unwrap_or(1).clamp(1, 4) * 3 - 2;
        Date::new(self.year, month, 1).unwrap_or(Date::ZERO)
    }

    /// The first day of its first (0), second or third month, or of the one after it.
    pub(crate) fn month(self, number: usize) -> Date {
        let start = self.start();
        start.checked_add(i32::try_from(number).unwrap_or_default().months()).unwrap_or(start)
    }

    /// `days` and `seconds` after the quarter ended.
    pub(crate) fn ended(self, days: i64, seconds: i64) -> Timestamp {
        after(self.month(3), days, seconds)
    }
}

/// `days` and `seconds` after the midnight with which `day` begins.
pub(crate) fn after(day: Date, days: i64, seconds: i64) -> Timestamp {
    let midnight = day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    let start = midnight.unwrap_or(Timestamp::UNIX_EPOCH);
    start.checked_add(SignedDuration::from_secs(days * 86_400 + seconds)).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_know_their_days() {
        let quarter = Quarter { year: 2026, number: 1 };
        assert_eq!(quarter.before().iso(), "2025Q4");
        assert_eq!(quarter.start().to_string(), "2026-01-01");
        assert_eq!(quarter.before().month(3), quarter.start());
        assert_eq!(quarter.month(1).to_string(), "2026-02-01");
        assert_eq!(quarter.ended(1, 60).to_string(), "2026-04-02T00:01:00Z");
    }
}
