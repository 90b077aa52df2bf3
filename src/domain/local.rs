//! Dates and times as a server of DHIS2 writes them: local, with or without a time, with or without the offset of its clock
//! (dhis2.md sections 1.5, 3.3 and 3.5). Not a date of ours, and never what time it is.

use jiff::{
    civil::{Date, DateTime, Time},
    fmt::temporal::Pieces,
    tz::Offset,
};

/// A day, or a time of a day, on the clock of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    at: DateTime,
    offset: Option<Offset>,
}

impl Local {
    /// Reads `2026-01-06`, `2026-01-06T10:15:00.000` and `2026-01-06T10:15:00.000+0000`; `None` for what is none of them. A day alone is
    /// its midnight.
    pub fn parse(text: &str) -> Option<Self> {
        let pieces = Pieces::parse(text.trim()).ok()?;
        let time = pieces.time().unwrap_or(Time::midnight());
        Some(Self { at: pieces.date().to_datetime(time), offset: pieces.to_numeric_offset() })
    }

    /// As it was written.
    pub fn at(self) -> DateTime {
        self.at
    }

    /// The day.
    pub fn date(self) -> Date {
        self.at.date()
    }

    /// Whether nothing but the day can be told from it: DHIS2 writes a day also as its midnight.
    pub fn is_day(self) -> bool {
        self.at.time() == Time::midnight()
    }

    /// What the clock of `other` showed then; as it was written where one of them does not say its offset.
    pub fn on_the_clock_of(self, other: Self) -> DateTime {
        let (Some(mine), Some(theirs)) = (self.offset, other.offset) else { return self.at };
        mine.to_timestamp(self.at).map_or(self.at, |instant| theirs.to_datetime(instant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> Local {
        Local::parse(text).unwrap()
    }

    #[test]
    fn every_form_of_every_version_is_read() {
        for (text, at, is_day) in [
            ("2026-01-06", "2026-01-06T00:00:00", true),
            ("2026-01-06T00:00:00.000", "2026-01-06T00:00:00", true),
            ("2026-01-06T00:00:00.000+0000", "2026-01-06T00:00:00", true),
            ("2026-01-06T10:15:30.250", "2026-01-06T10:15:30.25", false),
            ("2026-01-06T10:15:30.250+0200", "2026-01-06T10:15:30.25", false),
            ("2026-01-06T10:15:30.250+02:00", "2026-01-06T10:15:30.25", false),
            (" 2026-01-06T10:15:00Z ", "2026-01-06T10:15:00", false),
        ] {
            let read = local(text);
            assert_eq!((read.at().to_string().as_str(), read.is_day()), (at, is_day), "{text}");
            assert_eq!(read.date().to_string(), "2026-01-06");
        }
        for text in ["", "soon", "06/01/2026", "2026-02-30", "2026-01-06T25:00", "1767657600000", "T10:15"] {
            assert_eq!(Local::parse(text), None, "{text}");
        }
    }

    #[test]
    fn two_clocks_are_compared_on_one() {
        let shown = |text: &str, on: &str| local(text).on_the_clock_of(local(on)).to_string();
        let noon = "2026-01-06T12:00:00.000+0200";
        assert_eq!(shown("2026-01-06T23:30:00.000+0000", noon), "2026-01-07T01:30:00");
        assert_eq!(shown("2026-01-06T23:30:00.000+0200", noon), "2026-01-06T23:30:00");
        assert_eq!(shown("2026-01-06T23:30:00.000", noon), "2026-01-06T23:30:00", "no offset, taken as local");
        assert_eq!(shown("2026-01-06T23:30:00.000+0000", "2026-01-06"), "2026-01-06T23:30:00");
    }
}
