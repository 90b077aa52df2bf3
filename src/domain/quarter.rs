//! A calendar quarter: how it is typed, printed and found from a date. Not a DHIS2 period of any other type.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// One calendar quarter, January to March being the first (dhis2.md section 4, `Quarterly`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quarter {
    year: i16,
    number: u8,
}

impl Quarter {
    /// The quarter `number` (1 to 4) of `year`; `None` outside that range or outside the years 1900 to 2999.
    pub fn new(year: i16, number: u8) -> Option<Self> {
        ((1900..3000).contains(&year) && (1..=4).contains(&number)).then_some(Self { year, number })
    }

    /// The quarter a date lies in.
    pub fn of(date: Date) -> Self {
        let month = date.month().unsigned_abs();
        Self { year: date.year(), number: (month - 1) / 3 + 1 }
    }

    /// The quarter before this one.
    #[must_use]
    pub fn before(self) -> Self {
        match self.number {
            1 => Self { year: self.year - 1, number: 4 },
            n => Self { year: self.year, number: n - 1 },
        }
    }

    /// The quarter after this one.
    #[must_use]
    pub fn after(self) -> Self {
        match self.number {
            4 => Self { year: self.year.saturating_add(1), number: 1 },
            n => Self { year: self.year, number: n + 1 },
        }
    }

    /// The quarters before this one, newest first, without end.
    pub fn earlier(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self.before()), |quarter| Some(quarter.before()))
    }

    /// How many quarters it is before `later`; `None` where it is not before or the same.
    pub fn until(self, later: Self) -> Option<usize> {
        let count = |quarter: Self| i32::from(quarter.year) * 4 + i32::from(quarter.number);
        usize::try_from(count(later) - count(self)).ok()
    }

    /// Its first day.
    pub fn first_day(self) -> Date {
        let month = i8::try_from(self.number).unwrap_or(1) * 3 - 2;
        Date::new(self.year, month, 1).unwrap_or(Date::ZERO)
    }

    /// Its three months as DHIS2 writes them: `202604`.
    pub fn months(self) -> [String; 3] {
        [2, 1, 0].map(|back| format!("{:04}{:02}", self.year, self.number * 3 - back))
    }

    /// The last finished quarter on `date`, which is what a review reads unless told otherwise.
    pub fn last_finished(date: Date) -> Self {
        Self::of(date).before()
    }

    /// Whether its last day lies before `date`.
    pub fn finished_by(self, date: Date) -> bool {
        self < Self::of(date)
    }

    /// The year.
    pub fn year(self) -> i16 {
        self.year
    }

    /// 1 to 4.
    pub fn number(self) -> u8 {
        self.number
    }

    /// Reads what a person types: `2026Q2`, `2026q2`, `2026-Q2`, `Q2 2026` (fault matrix row Q03).
    /// The error names the text and shows examples.
    pub fn parse(text: &str) -> Result<Self, String> {
        let squeezed: String =
            text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
        let parts = match squeezed.split_once('Q') {
            Some(("", rest)) if rest.len() == 5 && rest.is_ascii() => Some((&rest[1..], &rest[..1])),
            Some((year, number)) if year.len() == 4 && number.len() == 1 => Some((year, number)),
            _ => None,
        };
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        parts
            .filter(|(year, number)| digits(year) && digits(number))
            .and_then(|(year, number)| Self::new(year.parse().ok()?, number.parse().ok()?))
            .ok_or_else(|| {
                format!("\"{}\" is not a quarter; write 2026Q2, 2026-Q2 or \"Q2 2026\"", super::text::inert(text))
            })
    }
}

impl std::fmt::Display for Quarter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}Q{}", self.year, self.number)
    }
}

impl TryFrom<String> for Quarter {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Quarter> for String {
    fn from(quarter: Quarter) -> Self {
        quarter.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn months_and_first_day() {
        let quarter = Quarter::parse("2026Q4").unwrap();
        assert_eq!(quarter.months(), ["202610", "202611", "202612"]);
        assert_eq!(quarter.first_day(), date(2026, 10, 1));
        let earlier: Vec<String> = quarter.earlier().take(4).map(|q| q.to_string()).collect();
        assert_eq!(earlier, ["2026Q3", "2026Q2", "2026Q1", "2025Q4"]);
    }

    #[test]
    fn spellings_of_row_q03() {
        for text in ["2026Q2", "2026q2", "2026-Q2", "2026-q2", "Q2 2026", "q2 2026", " 2026Q2 ", "Q2-2026", "2026 Q2"] {
            assert_eq!(Quarter::parse(text).unwrap().to_string(), "2026Q2", "{text}");
        }
        for text in [
            "2026Q5",
            "2026Q0",
            "2026",
            "Q2",
            "",
            "202Q62",
            "26Q2",
            "2026Q22",
            "Q22026Q1",
            "２０２６Q2",
            "1026Q2",
            "2026Qé",
        ] {
            let error = Quarter::parse(text).unwrap_err();
            assert!(error.contains("2026Q2"), "{text}: {error}");
        }
    }

    #[test]
    fn last_finished_is_the_one_before_today() {
        let cases = [
            (date(2026, 1, 1), "2025Q4"),
            (date(2026, 3, 31), "2025Q4"),
            (date(2026, 4, 1), "2026Q1"),
            (date(2026, 7, 5), "2026Q2"),
            (date(2026, 12, 31), "2026Q3"),
        ];
        for (today, expected) in cases {
            assert_eq!(Quarter::last_finished(today).to_string(), expected);
        }
    }

    #[test]
    fn finished_only_after_its_last_day() {
        let quarter = Quarter::new(2026, 2).unwrap();
        assert!(!quarter.finished_by(date(2026, 6, 30)));
        assert!(quarter.finished_by(date(2026, 7, 1)));
    }
}
