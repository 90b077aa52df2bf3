//! Which texts are period ids, and the days they stand for (dhis2.md section 4).

use jiff::{
    ToSpan as _,
    civil::{Date, Weekday},
};

use super::version::Version;

/// A period that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    /// Its id.
    pub(crate) id: String,
    /// The first day.
    pub(crate) start: Date,
    /// The last day.
    pub(crate) end: Date,
}

/// How a period of a type comes from its year and number.
#[derive(Clone, Copy)]
enum Shape {
    /// So many months each, the first one beginning so many months after January.
    Months(i32, i32),
    /// So many days each, the first one beginning on this day of the week with at least four days in the year.
    Days(i32, Weekday),
}

use Shape::{Days, Months};

/// What stands between year and number, the greatest number (0: there is none), the shape, and the first version that
/// knows it.
const TYPES: [(&str, u32, Shape, Version); 19] = [
    ("NovQ", 4, Months(3, -2), Version::V40),
    ("Q", 4, Months(3, 0), Version::V30),
    ("AprilS", 2, Months(6, 3), Version::V30),
    ("NovS", 2, Months(6, -2), Version::V36),
    ("S", 2, Months(6, 0), Version::V30),
    ("BiW", 26, Days(14, Weekday::Monday), Version::V30),
    ("WedW", 53, Days(7, Weekday::Wednesday), Version::V30),
    ("ThuW", 53, Days(7, Weekday::Thursday), Version::V30),
    ("FriW", 53, Days(7, Weekday::Friday), Version::V43),
    ("SatW", 53, Days(7, Weekday::Saturday), Version::V30),
    ("SunW", 53, Days(7, Weekday::Sunday), Version::V30),
    ("W", 53, Days(7, Weekday::Monday), Version::V30),
    ("Feb", 0, Months(12, 1), Version::V43),
    ("April", 0, Months(12, 3), Version::V30),
    ("July", 0, Months(12, 6), Version::V30),
    ("Aug", 0, Months(12, 7), Version::V43),
    ("Sep", 0, Months(12, 8), Version::V43),
    ("Oct", 0, Months(12, 9), Version::V30),
    ("Nov", 0, Months(12, -2), Version::V36),
];

impl Period {
    /// Reads a period id as this version would. Case counts.
    pub(crate) fn new(id: &str, version: Version) -> Option<Self> {
        let (year, rest) = id.split_at_checked(4)?;
        let first = Date::new(i16::try_from(digits(year)?).ok()?, 1, 1).ok()?;
        let (start, end) = span(first, rest, version)?;
        Some(Self { id: id.to_owned(), start, end })
    }
}

fn span(first: Date, rest: &str, version: Version) -> Option<(Date, Date)> {
    let months = |number: u32, length: i32, offset: i32| {
        let from = i32::try_from(number).ok()? * length + offset;
        let start = first.checked_add(from.months()).ok()?;
        Some((start, start.checked_add(length.months()).ok()?.yesterday().ok()?))
    };
    let number = |text: &str, most: u32| match most {
        0 => text.is_empty().then_some(0),
        most => {
            let plain = digits(text).filter(|number| (1..=most).contains(number))?;
            (!text.starts_with('0')).then(|| plain - 1)
        }
    };
    let mut known = TYPES.iter().filter(|(.., since)| *since <= version);
    let named = known.find_map(|(name, most, shape, _)| Some((number(rest.strip_prefix(name)?, *most)?, *shape)));
    if let Some((number, shape)) = named {
        return match shape {
            Months(length, offset) => months(number, length, offset),
            Days(length, weekday) => {
                let fourth = first.checked_add(3.days()).ok()?;
                let back = fourth.weekday().since(weekday);
                let start = fourth.checked_sub(i32::from(back).days()).ok()?;
                let start = start.checked_add((i32::try_from(number).ok()? * length).days()).ok()?;
                Some((start, start.checked_add((length - 1).days()).ok()?))
            }
        };
    }
    let of_two = |text: &str, most: u32| digits(text).filter(|number| (1..=most).contains(number)).map(|it| it - 1);
    match rest.len() {
        0 => months(0, 12, 0),
        2 => months(of_two(rest, 12)?, 1, 0),
        3 => months(of_two(rest.strip_suffix('B')?, 6)?, 2, 0),
        4 => {
            let (month, day) = rest.split_at_checked(2)?;
            let month = i8::try_from(digits(month)?).ok()?;
            let date = Date::new(first.year(), month, i8::try_from(digits(day)?).ok()?).ok()?;
            Some((date, date))
        }
        _ => None,
    }
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn period_ids_stand_for_their_days() {
        for (id, days) in [
            ("2026", "2026-01-01..2026-12-31"),
            ("202602", "2026-02-01..2026-02-28"),
            ("20240229", "2024-02-29..2024-02-29"),
            ("2026Q4", "2026-10-01..2026-12-31"),
            ("2020NovQ1", "2019-11-01..2020-01-31"),
            ("202606B", "2026-11-01..2026-12-31"),
            ("2020S1", "2020-01-01..2020-06-30"),
            ("2020AprilS2", "2020-10-01..2021-03-31"),
            ("2020NovS1", "2019-11-01..2020-04-30"),
            ("2020W1", "2019-12-30..2020-01-05"),
            ("2020W53", "2020-12-28..2021-01-03"),
            ("2020SunW1", "2019-12-29..2020-01-04"),
            ("2020BiW1", "2019-12-30..2020-01-12"),
            ("2020Oct", "2020-10-01..2021-09-30"),
            ("2020Nov", "2019-11-01..2020-10-31"),
        ] {
            let period = Period::new(id, Version::V42).unwrap();
            assert_eq!(format!("{}..{}", period.start, period.end), days, "{id}");
        }
        for bad in ["", "26Q1", "2026Q5", "2026q1", "2026Q", "2026Q01", "202613", "20260230", "2026é", "LAST_QUARTER"]
        {
            assert_eq!(Period::new(bad, Version::V43), None, "{bad}");
        }
    }

    #[test]
    fn younger_types_are_unknown_to_older_versions() {
        for (id, since) in [("2026NovQ1", Version::V40), ("2026Nov", Version::V36), ("2026Sep", Version::V43)] {
            for version in Version::ALL {
                assert_eq!(Period::new(id, version).is_some(), version >= since, "{id} in {version}");
            }
        }
    }
}
