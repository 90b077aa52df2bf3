//! What a spreadsheet makes of an id or a name that it takes for something else: a date, a number, an error, a formula (fault
//! matrix rows M11 and M22). Nothing is worked out and nothing is turned back: what stood there is lost.

use super::is_uid;

/// What stands in the place of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Such as `2-Mar`, `01/03/2026` or `12:30:00`.
    Date,
    /// Such as `1.23E+45`.
    Exponent,
    /// Such as `42` or `-1,234.5`.
    Number,
    /// Such as `#NAME?`.
    Error,
    /// `########`.
    Narrow,
    /// `TRUE` or `FALSE`.
    Truth,
    /// Such as `=B2`, with the id where it only wraps one: `="asCqjKclllu"`.
    Formula(Option<String>),
}

impl Habit {
    /// What a value looks like; `None` where it is nothing a spreadsheet makes.
    pub(super) fn of(value: &str) -> Option<Self> {
        let value = value.trim();
        let unsigned = value.strip_prefix(['+', '-']).unwrap_or(value);
        let numeric = |text: &str| match text.split_once(['e', 'E']) {
            Some((number, power)) if is_number(number) && is_power(power) => Some(Self::Exponent),
            _ => is_number(text).then_some(Self::Number),
        };
        let is_long = value.len() > LONGEST;
        if let Some(numeric) = Some(unsigned).filter(|_| !is_long).and_then(numeric) {
            return Some(numeric);
        }
        if let Some(formula) = value.strip_prefix(['=', '+', '-', '@']) {
            let inner = formula.trim().trim_matches('"');
            return Some(Self::Formula(is_uid(inner).then(|| inner.to_owned())));
        }
        if is_long {
            return None;
        }
        if value.len() > 1 && value.chars().all(|c| c == '#') {
            return Some(Self::Narrow);
        }
        if is_error(value) {
            return Some(Self::Error);
        }
        if TRUTH.iter().any(|word| value.eq_ignore_ascii_case(word)) {
            return Some(Self::Truth);
        }
        is_date(value).then_some(Self::Date)
    }

    /// What it is, as the second half of "This is no id: ".
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Date => "a spreadsheet made a date or time of what stood here",
            Self::Exponent => "a spreadsheet made a number of what stood here and shortened it",
            Self::Number => {
                "it is a number, and a spreadsheet drops zeros at the front of numbers and rounds long ones"
            }
            Self::Error => "it is the error of a spreadsheet formula",
            Self::Narrow => "the column was too narrow when the spreadsheet saved it",
            Self::Truth => "a spreadsheet made TRUE or FALSE of what stood here",
            Self::Formula(_) => "it is a formula, which is read as text and never worked out",
        }
    }

    /// What to do, for a cell that is to hold `what`, such as "the id".
    pub(super) fn remedy(&self, what: &str) -> String {
        match self {
            Self::Formula(Some(id)) => format!("Put {what} itself there, without = and quotes: {id}."),
            Self::Formula(None) => format!("Format the column as Text, then put {what} itself there."),
            Self::Narrow => format!("Make the column wider, format it as Text, then paste {what} again."),
            _ => format!("Format the column as Text, then paste {what} again."),
        }
    }
}

/// Bytes beyond which a value is nothing a spreadsheet made, and is not taken apart.
const LONGEST: usize = 64;

/// As English, French and Portuguese spreadsheets write them.
const TRUTH: [&str; 6] = ["true", "false", "vrai", "faux", "verdadeiro", "falso"];

/// Months in English, French and Portuguese; a cell may hold a short form.
const MONTHS: [&str; 36] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
    "janeiro",
    "fevereiro",
    "março",
    "abril",
    "maio",
    "junho",
    "julho",
    "agosto",
    "setembro",
    "outubro",
    "novembro",
    "dezembro",
];

/// `#NAME?`, `#REF!`, `#N/A`, in whatever language, and `Err:508` of `LibreOffice`.
fn is_error(value: &str) -> bool {
    let excel = value.strip_prefix('#').is_some_and(|rest| rest.ends_with(['!', '?']) || rest.ends_with("/A"));
    let libre =
        value.strip_prefix("Err:").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    excel || libre
}

/// Digits, with points, commas and spaces between them.
fn is_number(text: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    text.starts_with(|c| digit(c) || matches!(c, '.' | ','))
        && text.ends_with(digit)
        && text
            .split(['.', ',', ' ', '\u{a0}', '\u{202f}'])
            .filter(|part| !part.is_empty())
            .all(|part| part.chars().all(digit))
        && text.matches(['.', ',']).count() <= text.matches(digit).count()
        && !is_numeric_date(text)
}

/// `01.03.2026`: points between a day, a month and a year are no number.
fn is_numeric_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    matches!(parts[..], [day, month, year] if day.len() < 3 && month.len() < 3 && matches!(year.len(), 2 | 4))
}

/// What stands behind the E of `1.23E+45`.
fn is_power(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// A day, a month as number or word, a year, two of them, a time behind them, or a time alone.
fn is_date(value: &str) -> bool {
    let (day, time) = match value.split_once([' ', 'T']).filter(|(_, rest)| rest.contains(':')) {
        Some((day, time)) => (day, Some(time)),
        None if value.contains(':') => return is_time(value),
        None => (value, None),
    };
    let parts: Vec<&str> = day.split(['-', '/', '.', ' ', ',']).filter(|part| !part.is_empty()).collect();
    let numbers = parts.iter().filter(|part| part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit())).count();
    let months = parts.iter().filter(|part| is_month(part)).count();
    let all = numbers + months == parts.len();
    let shape = matches!((numbers, months), (3, 0) | (1 | 2, 1)) || (numbers == 2 && day.contains(['/', '-']));
    all && shape && time.is_none_or(is_time)
}

fn is_month(word: &str) -> bool {
    let word = word.to_lowercase();
    word.chars().count() >= 3 && MONTHS.iter().any(|month| month.starts_with(&word))
}

fn is_time(text: &str) -> bool {
    let text = text.trim_end_matches(['A', 'P', 'M', 'a', 'p', 'm', 'Z', ' ']);
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.contains(':')
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_makes_is_known() {
        let cases: [(&[&str], Option<Habit>); 8] = [
            (
                &[
                    "2-Mar",
                    "Mar-21",
                    "01/03/2026",
                    "2026-03-01",
                    "2026-03-01 00:00:00",
                    "2026-03-01T00:00:00Z",
                    "1.3.2026",
                    "2 March 2026",
                    "March 2, 2026",
                    "03/2026",
                    "12:30:00",
                    "3/1/26 1:30 PM",
                    "2-mars",
                    "2-févr.",
                    "02-dez-26",
                ],
                Some(Habit::Date),
            ),
            (&["1.23E+45", "1,23E+10", "5E-3", "12e8", "-1.5E+07"], Some(Habit::Exponent)),
            (&["42", "0.5", "1,234.5", "1 234", "-7", "+12", "20260301", "12345678901"], Some(Habit::Number)),
            (&["#NAME?", "#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NOM?", "Err:508"], Some(Habit::Error)),
            (&["##", "########"], Some(Habit::Narrow)),
            (&["TRUE", "false", "Vrai", "FALSO"], Some(Habit::Truth)),
            (&["=B2", "=VLOOKUP(A2,ids!A:B,2,0)", "+B2", "-B2", "@SUM(A1)", "="], Some(Habit::Formula(None))),
            (
                &[
                    "",
                    "asCqjKclllu",
                    "asCqjKcllu",
                    "beds",
                    "mar",
                    "E+5",
                    "2-maroon",
                    "a-b-c",
                    "#",
                    "Err:",
                    ":",
                    "1:x",
                    "é",
                    "1/2/3/4",
                ],
                None,
            ),
        ];
        for (values, habit) in cases {
            for value in values {
                assert_eq!(Habit::of(value), habit, "{value:?}");
            }
        }
        assert_eq!(Habit::of("=\"asCqjKclllu\""), Some(Habit::Formula(Some("asCqjKclllu".to_owned()))));
    }
}
