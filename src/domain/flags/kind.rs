//! What kind of number a property holds, since a flow, a level and a running sum go wrong in different ways
//! (data-quality-flags.md section 3.1). How each kind is judged is not here.

use serde::{Deserialize, Serialize};

use crate::domain::nearest::nearest;

/// What kind of number a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Counted anew in every quarter, such as admissions.
    #[default]
    Flow,
    /// What there is at a moment, such as beds.
    Level,
    /// A sum that runs through a year and begins again, such as budget spent to date.
    Cumulative {
        /// The month its year starts in, 1 to 12.
        from: u8,
    },
}

const MONTHS: [&str; 12] = [
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
];

impl Kind {
    /// The kind of a data element by how DHIS2 adds it up; one that is not known is a flow. A running sum cannot be told from
    /// it (section 3.1).
    pub fn of_aggregation(aggregation_type: &str) -> Self {
        match aggregation_type {
            "AVERAGE" | "AVERAGE_SUM_ORG_UNIT" | "MAX" | "MIN" => Self::Level,
            other if other.starts_with("LAST") || other.starts_with("FIRST") => Self::Level,
            _ => Self::Flow,
        }
    }

    /// Reads what the mapping says: `flow`, `level`, `cumulative 7`, `cumulative from july`, in any letter case.
    /// The error is one or two sentences with the remedy.
    pub fn parse(text: &str) -> Result<Self, String> {
        const KINDS: &str = "Write flow, level, or cumulative with the month its year starts in, such as cumulative 7.";
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["flow"] => Ok(Self::Flow),
            ["level"] => Ok(Self::Level),
            ["cumulative"] => {
                Err("A cumulative number needs a start: say the month its year starts in, such as cumulative 7."
                    .to_owned())
            }
            ["cumulative", month] | ["cumulative", "from", month] => Ok(Self::Cumulative { from: parse_month(month)? }),
            ["flow" | "level", ..] => Err(format!("Nothing may follow the word. {KINDS}")),
            _ => {
                let close = words.first().and_then(|word| nearest(word, ["flow", "level", "cumulative"]));
                let close = close.map(|close| format!(" Perhaps {close} is meant.")).unwrap_or_default();
                Err(format!("This is no kind.{close} {KINDS}"))
            }
        }
    }
}

fn parse_month(word: &str) -> Result<u8, String> {
    const HOW: &str =
        "Write a number from 1 to 12 or the month's English name, such as cumulative 7 or cumulative july.";
    let number = (1..=12).zip(MONTHS).find(|(number, name)| *name == word || word.parse() == Ok(*number));
    number.map(|(number, _)| number).ok_or_else(|| {
        let close = nearest(word, MONTHS).map(|close| format!(" Perhaps {close} is meant.")).unwrap_or_default();
        format!("The month its year starts in cannot be read.{close} {HOW}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_follows_from_how_dhis2_adds_up() {
        for aggregation in ["SUM", "COUNT", "", "NONE", "STDDEV", "last"] {
            assert_eq!(Kind::of_aggregation(aggregation), Kind::Flow, "{aggregation}");
        }
        for aggregation in [
            "LAST",
            "LAST_AVERAGE_ORG_UNIT",
            "LAST_IN_PERIOD",
            "FIRST",
            "FIRST_AVERAGE_ORG_UNIT",
            "AVERAGE",
            "AVERAGE_SUM_ORG_UNIT",
            "MAX",
            "MIN",
        ] {
            assert_eq!(Kind::of_aggregation(aggregation), Kind::Level, "{aggregation}");
        }
    }

    #[test]
    fn the_words_of_the_mapping_are_read() {
        for (text, kind) in [
            ("flow", Kind::Flow),
            (" Level ", Kind::Level),
            ("cumulative 7", Kind::Cumulative { from: 7 }),
            ("cumulative 07", Kind::Cumulative { from: 7 }),
            ("Cumulative  from 12", Kind::Cumulative { from: 12 }),
            ("cumulative JULY", Kind::Cumulative { from: 7 }),
            ("cumulative from january", Kind::Cumulative { from: 1 }),
        ] {
            assert_eq!(Kind::parse(text), Ok(kind), "{text}");
        }
        for (number, name) in (1..=12).zip(MONTHS) {
            let kind = Ok(Kind::Cumulative { from: number });
            assert_eq!(
                (Kind::parse(&format!("cumulative {number}")), Kind::parse(&format!("cumulative {name}"))),
                (kind.clone(), kind)
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_with_a_remedy() {
        for (text, parts) in [
            ("cumulative", ["needs a start", "say the month its year starts in, such as cumulative 7"]),
            ("cumulative from", ["month", "1 to 12"]),
            ("cumulative 0", ["month", "1 to 12"]),
            ("cumulative 13", ["month", "1 to 12"]),
            ("cumulative 7.5", ["month", "1 to 12"]),
            ("cumulative juli", ["Perhaps july is meant", "1 to 12"]),
            ("cumulative 7 8", ["no kind", "cumulative 7"]),
            ("flow 7", ["Nothing may follow", "Write flow, level"]),
            ("levl", ["Perhaps level is meant", "Write flow, level"]),
            ("sum", ["no kind. Write", "Write flow, level"]),
            ("", ["no kind. Write", "Write flow, level"]),
        ] {
            let said = Kind::parse(text).unwrap_err();
            assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
        }
    }
}
