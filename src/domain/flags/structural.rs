//! Flags that need no history: what the rows of the cell and the facility say by themselves.

use std::collections::BTreeSet;

use super::{Facts, Flag, Row, Severity};
use crate::domain::{
    history::{QUARTERS, Series},
    total::Part,
    value::Number,
};

/// The rules of this file.
pub(super) const RULES: [super::Rule; 12] = [
    duplicate_external_id,
    closed,
    default_plus_split,
    duplicate_row,
    negative,
    several_attribute_combos,
    fraction,
    follow_up,
    months_missing,
    not_additive,
    older_quarter,
    names_differ,
];

/// S33: two open cases share the organisation unit. A closed twin is no reason to hold (fault matrix row H06).
fn duplicate_external_id(facts: &Facts<'_>, _: &[Row<'_>]) -> Option<Flag> {
    let (first, rest) = facts.twins.split_first()?;
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    let sentence =
        format!("{} shares organisation unit {} with {first}{more}", facts.facility.name, facts.facility.external_id);
    Some(Flag::new("S33", Severity::Stop, sentence))
}

/// S34: the case is closed, or the organisation unit was before the quarter. A case whose organisation unit is not known has no
/// cells at all.
fn closed(facts: &Facts<'_>, _: &[Row<'_>]) -> Option<Flag> {
    let unit = facts.unit_closed.map(|day| format!("organisation unit closed {day}"));
    let sentence = match (facts.facility.closed, unit) {
        (false, unit) => unit?,
        (true, None) => "the case is closed in CommCare".to_owned(),
        (true, Some(unit)) => format!("the case is closed in CommCare, and {unit}"),
    };
    Some(Flag::new("S34", Severity::Stop, sentence))
}

/// A02: the number is an earlier quarter's. It is ours: such a cell is looked at by itself, never taken in bulk unseen
/// (data-quality-flags.md section 1, `OLDER_QUARTER`).
fn older_quarter(facts: &Facts<'_>, _: &[Row<'_>]) -> Option<Flag> {
    let (held, now, from) = (facts.held, facts.quarter, facts.older?);
    Some(Flag::new("A02", Severity::Review, format!("{held} is from {from}; nothing is reported for {now}")))
}

/// S35: the names of case and organisation unit have no word of four letters or more in common.
fn names_differ(facts: &Facts<'_>, _: &[Row<'_>]) -> Option<Flag> {
    let words = |name: &str| -> BTreeSet<String> {
        let words = name.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() >= 4);
        words.map(str::to_lowercase).collect()
    };
    let unit = facts.facility.unit_name.as_deref().filter(|unit| *unit != facts.facility.name)?;
    let (ours, theirs) = (words(&facts.facility.name), words(unit));
    ours.is_disjoint(&theirs).then(|| {
        let sentence = format!("the case is \"{}\", the organisation unit \"{unit}\"", facts.facility.name);
        Flag::new("S35", Severity::Info, sentence)
    })
}

/// What rows add up to.
pub(super) fn sum<'a>(rows: impl IntoIterator<Item = &'a Row<'a>>) -> Number {
    rows.into_iter().fold(Number::default(), |mut sum, (_, number)| {
        sum += number.clone();
        sum
    })
}

/// Whether a row is of no category.
pub(super) fn is_default(facts: &Facts<'_>, part: &Part) -> bool {
    (facts.is_default)(&part.category_option_combo)
}

/// S06: a total and its breakdown are both entered, which counts everything twice. The default combo is known by its name,
/// since old databases give it another id (dhis2.md section 3.5).
fn default_plus_split(facts: &Facts<'_>, rows: &[Row<'_>]) -> Option<Flag> {
    // Nearly every cell ends here.
    let defaults = rows.iter().filter(|(part, _)| is_default(facts, part)).count();
    if defaults == 0 || defaults == rows.len() {
        return None;
    }
    let (total, split): (Vec<&Row<'_>>, Vec<&Row<'_>>) = rows.iter().partition(|(part, _)| is_default(facts, part));
    let sentence = format!("total {} and breakdown {} both entered", sum(total), sum(split));
    Some(Flag::new("S06", Severity::Stop, sentence))
}

/// S08: the same slice twice. DHIS2's table key forbids it inside one answer (dhis2.md section 1.5).
fn duplicate_row(facts: &Facts<'_>, rows: &[Row<'_>]) -> Option<Flag> {
    let same = |a: &Part, b: &Part| {
        (&a.category_option_combo, &a.attribute_option_combo, &a.period)
            == (&b.category_option_combo, &b.attribute_option_combo, &b.period)
    };
    // A cell has a handful of rows.
    let again = |(at, (part, _)): &(usize, &Row<'_>)| rows.iter().take(*at).any(|(before, _)| same(before, part));
    let (_, (twice, value)) = rows.iter().enumerate().find(again)?;
    let name = (facts.option_name)(&twice.category_option_combo);
    Some(Flag::new("S08", Severity::Stop, format!("row \"{name}\" appears twice, the second time with {value}")))
}

/// S09: a count below zero.
fn negative(facts: &Facts<'_>, rows: &[Row<'_>]) -> Option<Flag> {
    let (part, value) = rows.iter().find(|(_, number)| number.is_negative())?;
    let name = (facts.option_name)(&part.category_option_combo);
    Some(Flag::new("S09", Severity::Stop, format!("{value} in \"{name}\"")))
}

/// S07: more than one attribute option combo is summed.
fn several_attribute_combos(facts: &Facts<'_>, rows: &[Row<'_>]) -> Option<Flag> {
    let (first, rest) = rows.split_first()?;
    if rest.iter().all(|(part, _)| part.attribute_option_combo == first.0.attribute_option_combo) {
        return None;
    }
    let combos: BTreeSet<&str> = rows.iter().map(|(part, _)| part.attribute_option_combo.as_str()).collect();
    let names: Vec<String> = combos.iter().map(|id| (facts.option_name)(id)).collect();
    Some(Flag::new("S07", Severity::Review, format!("sum of {} attribute options: {}", combos.len(), names.join(", "))))
}

/// S10: a fraction in a whole-number data element, or where every earlier quarter is whole.
fn fraction(facts: &Facts<'_>, rows: &[Row<'_>]) -> Option<Flag> {
    let (_, value) = rows.iter().find(|(_, number)| !number.is_whole())?;
    if facts.value_type.starts_with("INTEGER") {
        return Some(Flag::new("S10", Severity::Review, format!("{value} in a whole-number field")));
    }
    let total = sum(rows);
    if total.is_whole() {
        return None;
    }
    let before = Series::of(facts.quarter, |quarter| (facts.past)(quarter).into_iter().map(|row| row.value));
    let mut totals = before.totals(QUARTERS).iter().flatten();
    let whole = before.reported_count() > 0 && totals.all(Number::is_whole);
    whole.then(|| Flag::new("S10", Severity::Review, format!("{total} where every earlier quarter is whole")))
}

/// S01: the quarter was made of finer periods, and not all of them have rows. A quarter none of which has rows has no number to
/// speak of.
fn months_missing(facts: &Facts<'_>, _: &[Row<'_>]) -> Option<Flag> {
    let (reported, of) = facts.months?;
    let sentence = || format!("{reported} of {of} months reported");
    (0 < reported && reported < of).then(|| Flag::new("S01", Severity::Review, sentence()))
}

/// S11: a row carries DHIS2's follow-up mark.
fn follow_up(facts: &Facts<'_>, _: &[Row<'_>]) -> Option<Flag> {
    let part = facts.parts.iter().find(|part| part.follow_up)?;
    let name = (facts.option_name)(&part.category_option_combo);
    Some(Flag::new("S11", Severity::Review, format!("\"{name}\" is marked for follow-up in DHIS2")))
}

/// Aggregation types under which parts are no parts of a whole (dhis2.md section 5).
const NOT_SUMS: [&str; 8] = ["AVERAGE", "COUNT", "CUSTOM", "MAX", "MIN", "NONE", "STDDEV", "VARIANCE"];

/// A01: several rows were added of which DHIS2 itself says that they do not add up (dhis2.md section 5).
fn not_additive(facts: &Facts<'_>, rows: &[Row<'_>]) -> Option<Flag> {
    let adds_up = !matches!(facts.value_type, "PERCENTAGE" | "UNIT_INTERVAL")
        && !NOT_SUMS.contains(&facts.aggregation_type)
        && !facts.skip_total;
    if adds_up || rows.len() < 2 {
        return None;
    }
    // Months are made into a quarter as the data element says: what is added up stands within one.
    let newest = rows.last().map(|(part, _)| &part.period);
    let rows: Vec<Row<'_>> = rows.iter().filter(|(part, _)| Some(&part.period) == newest).cloned().collect();
    let combos: BTreeSet<&str> = rows.iter().map(|(part, _)| part.category_option_combo.as_str()).collect();
    let (options, count, total) = (combos.len(), rows.len(), || sum(&rows));
    let sentence = match facts.value_type {
        "PERCENTAGE" if count > 1 => format!("{} is a sum of {count} percentages", total()),
        "UNIT_INTERVAL" if count > 1 => format!("{} is a sum of {count} shares of 1", total()),
        _ if options > 1 && NOT_SUMS.contains(&facts.aggregation_type) => {
            format!(
                "{} is a sum of {options} category options; DHIS2 aggregates them by {}",
                total(),
                facts.aggregation_type
            )
        }
        _ if options > 1 && facts.skip_total => {
            format!("{} is a sum of {options} category options that DHIS2 says not to total", total())
        }
        _ => return None,
    };
    Some(Flag::new("A01", Severity::Review, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::{facts::nothing, of_cell},
        history::PastRow,
        plan::Facility,
        quarter::Quarter,
    };

    /// Facility, twins, rows, value type, flags expected.
    type Case<'a> = (&'a Facility, &'a [&'a str], Vec<Part>, &'a str, &'a [&'a str]);

    /// Values now, values of the quarters before, newest first, what is said.
    type Fraction<'a> = (&'a [&'a str], &'a [&'a [&'a str]], &'a str);

    fn part(combo: &str, value: &str) -> Part {
        Part {
            category_option_combo: combo.to_owned(),
            attribute_option_combo: "HllvX50cXC0".to_owned(),
            value: Some(value.to_owned()),
            ..Part::default()
        }
    }

    fn flags(facility: &Facility, twins: &[&str], parts: &[Part], value_type: &str) -> Vec<String> {
        let facts = Facts { twins, parts, value_type, aggregation_type: "SUM", ..nothing(facility) };
        sentences(&facts)
    }

    fn sentences(facts: &Facts<'_>) -> Vec<String> {
        of_cell(facts)
            .into_iter()
            .map(|flag| format!("{} {}: {}", flag.severity.word(), flag.id, flag.sentence))
            .collect()
    }

    #[test]
    fn each_rule_fires_on_its_fact_alone() {
        let open = Facility { name: "Kasenga".to_owned(), external_id: "abc".to_owned(), ..Facility::default() };
        let closed = Facility { closed: true, ..open.clone() };
        let mut other = part("f", "1");
        other.attribute_option_combo = "x".to_owned();
        let mut marked = part("m", "1");
        marked.follow_up = true;
        let cases: [Case<'_>; 10] = [
            (&open, &[], vec![part("m", "3"), part("f", "4")], "INTEGER", &[]),
            (
                &open,
                &["Kasenga B"],
                vec![part("m", "3")],
                "",
                &["STOP S33: Kasenga shares organisation unit abc with Kasenga B"],
            ),
            (&closed, &[], vec![part("m", "3")], "", &["STOP S34: the case is closed in CommCare"]),
            (
                &open,
                &[],
                vec![part("d", "7"), part("m", "3"), part("f", "4")],
                "",
                &["STOP S06: total 7 and breakdown 7 both entered"],
            ),
            (
                &open,
                &[],
                vec![part("m", "3"), part("m", "4")],
                "",
                &["STOP S08: row \"name of m\" appears twice, the second time with 4"],
            ),
            (&open, &[], vec![part("m", "-4")], "", &["STOP S09: -4 in \"name of m\""]),
            (
                &open,
                &[],
                vec![part("m", "3"), other],
                "",
                &["REVIEW S07: sum of 2 attribute options: name of HllvX50cXC0, name of x"],
            ),
            (&open, &[], vec![part("m", "12.5")], "INTEGER_POSITIVE", &["REVIEW S10: 12.5 in a whole-number field"]),
            (&open, &[], vec![part("m", "12.5")], "NUMBER", &[]),
            (&open, &[], vec![marked], "", &["REVIEW S11: \"name of m\" is marked for follow-up in DHIS2"]),
        ];
        for (facility, twins, parts, value_type, expected) in cases {
            assert_eq!(flags(facility, twins, &parts, value_type), expected, "{parts:?}");
        }
    }

    #[test]
    fn s10_a_fraction_among_whole_quarters_is_looked_at() {
        let facility = Facility::default();
        let odd = "REVIEW S10: 12.5 where every earlier quarter is whole";
        let row = |value| PastRow { category_option_combo: "m", attribute_option_combo: "a", value };
        // The newest quarters come first; a row of a quarter is a text.
        let cases: [Fraction<'_>; 11] = [
            (&["12.5"], &[&["12"]], odd),
            (&["12.5"], &[&[], &["12"], &["7.5", "0.5"], &["many"], &["0"]], odd),
            (&["12.5"], &[&[], &[], &[], &[], &[], &[], &[], &["12.0"]], odd),
            (&["12.5"], &[&["12"], &["11.5"]], ""),
            (&["12.5"], &[&[], &[], &[], &[], &[], &[], &[], &["11.5"], &["12"]], ""),
            (&["12.5"], &[&["12"], &["7.5", "0.6"]], ""),
            (&["12.5"], &[&["many"]], ""),
            (&["12.5"], &[], ""),
            (&["12"], &[&["12"]], ""),
            (&["12.0"], &[&["12"]], ""),
            (&["6.5", "6.5"], &[&["12"]], ""),
        ];
        for (now, before, expected) in cases {
            let parts: Vec<Part> = now.iter().enumerate().map(|(at, value)| part(&at.to_string(), value)).collect();
            let past = |asked: Quarter| {
                let back = Quarter::parse("2026Q2").unwrap().earlier().position(|quarter| quarter == asked).unwrap();
                before.get(back).into_iter().flat_map(|rows| rows.iter().copied().map(row)).collect()
            };
            for value_type in ["NUMBER", ""] {
                let facts = Facts { parts: &parts, value_type, past: &past, ..nothing(&facility) };
                assert_eq!(sentences(&facts).join("; "), expected, "{now:?} after {before:?}");
            }
            let facts = Facts { parts: &parts, value_type: "INTEGER", past: &past, ..nothing(&facility) };
            assert!(!sentences(&facts).concat().contains("earlier"), "said of its kind already");
        }
    }

    #[test]
    fn parts_that_do_not_add_up_are_looked_at() {
        let (one, two) = (vec![part("m", "60")], vec![part("m", "60"), part("f", "70")]);
        let facility = Facility::default();
        for (value_type, aggregation_type, skip_total, parts, expected) in [
            ("PERCENTAGE", "AVERAGE", false, &two, "REVIEW A01: 130 is a sum of 2 percentages"),
            ("UNIT_INTERVAL", "", false, &two, "REVIEW A01: 130 is a sum of 2 shares of 1"),
            (
                "NUMBER",
                "MAX",
                true,
                &two,
                "REVIEW A01: 130 is a sum of 2 category options; DHIS2 aggregates them by MAX",
            ),
            ("", "SUM", true, &two, "REVIEW A01: 130 is a sum of 2 category options that DHIS2 says not to total"),
            ("PERCENTAGE", "AVERAGE", true, &one, ""),
            ("UNIT_INTERVAL", "", false, &one, ""),
            ("INTEGER", "LAST", false, &two, ""),
            ("INTEGER", "AVERAGE_SUM_ORG_UNIT", false, &two, ""),
            ("", "", false, &two, ""),
        ] {
            let facts = Facts { parts, value_type, aggregation_type, skip_total, ..nothing(&facility) };
            assert_eq!(sentences(&facts).concat(), expected, "{value_type} {aggregation_type}");
        }
    }

    #[test]
    fn what_the_facility_says_by_itself_is_told() {
        let open = Facility { name: "Kasenga".to_owned(), external_id: "abc".to_owned(), ..Facility::default() };
        let closed = Facility { closed: true, ..open.clone() };
        let twins = ["Kasenga B", "Kasenga C", "Kasenga D"];
        assert_eq!(
            sentences(&Facts { twins: &twins, ..nothing(&open) }),
            ["STOP S33: Kasenga shares organisation unit abc with Kasenga B and 2 more"]
        );
        let unit_closed = Some("2025-12-31");
        assert_eq!(
            sentences(&Facts { unit_closed, ..nothing(&open) }),
            ["STOP S34: organisation unit closed 2025-12-31"]
        );
        assert_eq!(
            sentences(&Facts { unit_closed, ..nothing(&closed) }),
            ["STOP S34: the case is closed in CommCare, and organisation unit closed 2025-12-31"]
        );
    }

    #[test]
    fn s35_asks_for_one_word_of_four_letters_in_common() {
        let said = |name: &str, unit: Option<&str>| {
            let facility =
                Facility { name: name.to_owned(), unit_name: unit.map(str::to_owned), ..Facility::default() };
            sentences(&nothing(&facility)).join("; ")
        };
        let differ = |name: &str, unit: &str| {
            assert_eq!(
                said(name, Some(unit)),
                format!("INFO S35: the case is \"{name}\", the organisation unit \"{unit}\"")
            );
        };
        differ("Kasenga RHC", "Mwase RHC");
        differ("Mps RHC", "RHC Mps");
        differ("", "Mwase");
        differ("Kasenga", "Kasengb");
        for (name, unit) in [
            ("Kasenga RHC", Some("Kasenga Rural Health Centre")),
            ("Dowa-2", Some("dowa 3")),
            ("Post Mwase", Some("MWASE")),
            ("RHC 1", Some("RHC 1")),
            ("Kasenga", None),
        ] {
            assert_eq!(said(name, unit), "", "{name} {unit:?}");
        }
    }

    #[test]
    fn s01_and_a02_tell_what_the_number_is_made_of() {
        let facility = Facility::default();
        for (months, expected) in [
            (None, ""),
            (Some((0, 3)), ""),
            (Some((1, 3)), "REVIEW S01: 1 of 3 months reported"),
            (Some((2, 3)), "REVIEW S01: 2 of 3 months reported"),
            (Some((3, 3)), ""),
        ] {
            assert_eq!(sentences(&Facts { months, ..nothing(&facility) }).join("; "), expected, "{months:?}");
        }
        let older = Quarter::parse("2025Q4").ok();
        assert_eq!(
            sentences(&Facts { older, held: "7", ..nothing(&facility) }),
            ["REVIEW A02: 7 is from 2025Q4; nothing is reported for 2026Q2"]
        );
    }
}
