//! A quarter made of its months, for a data set that is reported each month: what may be chosen, why nothing may be, and the number
//! a choice gives (data-quality-flags.md section 2.1). Nothing is chosen here and nothing silently: a person says it for each
//! data set, and what was said stands in the head of the plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use super::{
    quarter::Quarter,
    text::inert,
    total::{Part, Total},
};

/// Months of a quarter.
pub const MONTHS: usize = 3;

/// How the months of a quarter become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Way {
    /// All months added up.
    Sum,
    /// The latest month that has rows.
    Last,
    /// The mean of the months that have rows.
    Average,
}

impl Way {
    /// The only way that is right for a data element with this aggregation type; `None` where none is (data-quality-flags.md
    /// section 2.1, dhis2.md section 5).
    pub fn of(aggregation_type: &str) -> Option<Self> {
        match aggregation_type {
            "SUM" | "COUNT" => Some(Self::Sum),
            last if last.starts_with("LAST") => Some(Self::Last),
            average if average.starts_with("AVERAGE") => Some(Self::Average),
            _ => None,
        }
    }

    /// The words for it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Sum => "sum of the months",
            Self::Last => "last month",
            Self::Average => "average of the months",
        }
    }
}

/// What was chosen for a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Its data elements are made from the months, each in its own way where that is one of these; the others stay without a
    /// value.
    Ways(BTreeSet<Way>),
    /// Nothing is proposed for it.
    LeaveOut,
}

impl Choice {
    /// How a data element with this aggregation type is made under this choice; `None` where it stays without a value.
    pub fn way(&self, aggregation_type: &str) -> Option<Way> {
        match self {
            Self::Ways(_) => Way::of(aggregation_type).filter(|way| self.has(*way)),
            Self::LeaveOut => None,
        }
    }

    /// Whether data elements are made in this way.
    fn has(&self, way: Way) -> bool {
        matches!(self, Self::Ways(ways) if ways.contains(&way))
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ways(ways) => f.write_str(&ways.iter().map(|way| way.words()).collect::<Vec<_>>().join(", ")),
            Self::LeaveOut => f.write_str("leave out"),
        }
    }
}

/// What a person may choose for a data set of this period type whose mapped data elements have these aggregation types: all ways
/// that are right for one of them together, then each alone, then to leave it out.
///
/// The error is the sentence that says why there is nothing to choose.
pub fn choices<'a>(
    data_set: &str,
    period_type: &str,
    aggregation_types: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Choice>, String> {
    if let Some(why) = unfit(period_type) {
        return Err(format!("{} is {}: {why}", inert(data_set), inert(period_type)));
    }
    let types: BTreeSet<&str> = aggregation_types.into_iter().collect();
    let ways: BTreeSet<Way> = types.iter().filter_map(|one| Way::of(one)).collect();
    if ways.is_empty() {
        let types: Vec<_> =
            types.into_iter().map(|one| if one.is_empty() { "not known".into() } else { inert(one) }).collect();
        return Err(format!(
            "{} is Monthly, and its data elements are aggregated by {}: no sum, last month or average of them is right",
            inert(data_set),
            types.join(", ")
        ));
    }
    Ok(offers(ways))
}

/// All these ways together, then each alone, then to leave it out.
fn offers(ways: BTreeSet<Way>) -> Vec<Choice> {
    let mut offered = vec![Choice::Ways(ways.clone())];
    if ways.len() > 1 {
        offered.extend(ways.into_iter().map(|way| Choice::Ways(BTreeSet::from([way]))));
    }
    offered.push(Choice::LeaveOut);
    offered
}

/// A mapped data set that is not quarterly: what the server holds of it, and what may be chosen for it. What was chosen stands
/// beside it in the head of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfit {
    /// Its id.
    pub data_set: String,
    /// What DHIS2 calls it; may be empty.
    pub name: String,
    /// Its period type, as DHIS2 says.
    pub period_type: String,
    /// Which months of the quarter have rows of its mapped data elements, first to last.
    pub months: [bool; MONTHS],
    /// By mapped data element the only way that is right for it; those for which none is are not here.
    pub ways: BTreeMap<String, Way>,
    /// Why nothing can be made of it, one sentence; `None` where something can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Unfit {
    /// A data set with the ids and aggregation types of its mapped data elements; see [`choices`].
    pub fn of(
        (data_set, name): (&str, &str),
        period_type: &str,
        elements: &[(&str, &str)],
        months: [bool; MONTHS],
    ) -> Self {
        let called = format!("data set {data_set} {}", inert(name));
        let why = choices(called.trim_end(), period_type, elements.iter().map(|(_, aggregated)| *aggregated)).err();
        let ways = elements.iter().filter_map(|(id, aggregated)| Some(((*id).to_owned(), Way::of(aggregated)?)));
        let ways = if why.is_none() { ways.collect() } else { BTreeMap::new() };
        let [data_set, name, period_type] = [data_set, name, period_type].map(str::to_owned);
        Self { data_set, name, period_type, months, ways, why }
    }

    /// What a person calls it: its name, else its id.
    pub fn called(&self) -> &str {
        if self.name.is_empty() { &self.data_set } else { &self.name }
    }

    /// What may be chosen for it, see [`choices`]; nothing where nothing can be made of it.
    pub fn offered(&self) -> Vec<Choice> {
        if self.why.is_some() { Vec::new() } else { offers(self.ways.values().copied().collect()) }
    }

    /// How a data element of it is made under this choice; `None` where it stays without a value.
    pub fn way(&self, data_element: &str, chosen: &Choice) -> Option<Way> {
        self.ways.get(data_element).copied().filter(|way| chosen.has(*way))
    }

    /// A choice in words, without the ways that none of its data elements takes.
    pub fn words(&self, chosen: &Choice) -> String {
        let mut used: BTreeSet<Way> = self.ways.values().copied().collect();
        used.retain(|way| chosen.has(*way));
        if used.is_empty() { chosen.to_string() } else { Choice::Ways(used).to_string() }
    }

    /// What the server holds of it and what was chosen or can be, for the notes of a plan.
    pub fn sentence(&self, quarter: Quarter, chosen: Option<&Choice>) -> String {
        if let Some(why) = &self.why {
            return why.clone();
        }
        let has = held(format!("data set {} {}", self.data_set, inert(&self.name)).trim_end(), quarter, self.months);
        if let Some(chosen) = chosen {
            return format!("{has}; chosen: {}", self.words(chosen));
        }
        let offered: Vec<_> = self.offered().iter().map(ToString::to_string).collect();
        format!("{has}; nothing is proposed until one of these is chosen: {}", offered.join("; "))
    }
}

/// Why periods of this type do not make up a quarter; `None` for months (dhis2.md section 4).
fn unfit(period_type: &str) -> Option<&'static str> {
    Some(match period_type {
        "Monthly" => return None,
        "Quarterly" => "its quarters are read as they are",
        "QuarterlyNov" => "its quarters begin in November, so none of them is a quarter of the calendar year",
        "Daily" => "only whole months are put together into a quarter",
        "BiMonthly" => "its second span of two months lies half in one quarter and half in the next",
        "Yearly" | "TwoYearly" => "a number for a whole year says nothing of one quarter of it",
        year if year.starts_with("Financial") => {
            "a number for a whole financial year says nothing of one quarter of it"
        }
        half if half.starts_with("SixMonthly") => "a number for half a year says nothing of one quarter of it",
        week if week.starts_with("Weekly") || week.starts_with("BiWeekly") => {
            "a quarter does not begin and end with a week, so its weeks add up to another span of time"
        }
        _ => "it is not known how its periods lie in a quarter",
    })
}

/// What the server holds, for the question: `HMIS-15 is Monthly; 202604 and 202605 have data, 202606 has none`.
pub fn held(data_set: &str, quarter: Quarter, has_rows: [bool; MONTHS]) -> String {
    let months = quarter.months();
    let named = |wanted: bool| -> Vec<&str> {
        months.iter().zip(has_rows).filter(|(_, has)| *has == wanted).map(|(month, _)| month.as_str()).collect()
    };
    let list = |names: &[&str]| match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    let (with, without) = (named(true), named(false));
    let verb = |count: usize, many: &'static str| if count == 1 { "has" } else { many };
    let said = match (with.len(), without.len()) {
        (0, _) => format!("{} have no data", list(&without)),
        (n, 0) => format!("{} {} data", list(&with), verb(n, "have")),
        (n, m) => format!("{} {} data, {} {} none", list(&with), verb(n, "have"), list(&without), verb(m, "have")),
    };
    format!("{} is Monthly; {said}", inert(data_set))
}

/// A quarter made of its months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// What the months give.
    pub total: Total,
    /// How many of them have a row with a value; S01 says where that is not all.
    pub reported: usize,
}

/// Makes one data element of one facility from the rows of its three months, first to last, by exact decimals. A text in a month
/// that counts makes the whole a text. An average that does not end is rounded to 6 decimals, half to even.
pub fn made(way: Way, value_type: &str, months: [&[Part]; MONTHS]) -> Made {
    let has = |rows: &&[Part]| rows.iter().any(|part| part.value.as_deref().is_some_and(|value| !value.is_empty()));
    let with: Vec<&[Part]> = months.into_iter().filter(has).collect();
    let reported = with.len();
    let total = match way {
        Way::Sum => Total::of(value_type, with.into_iter().flatten()),
        Way::Last => Total::of(value_type, with.last().copied().unwrap_or_default()),
        Way::Average => match Total::of(value_type, with.into_iter().flatten()) {
            Total::Sum(sum) => Total::Sum(sum.mean(reported)),
            other => other,
        },
    };
    Made { total, reported }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_aggregation_type_has_one_way_or_none() {
        for (aggregation_type, way) in [
            ("SUM", Some(Way::Sum)),
            ("COUNT", Some(Way::Sum)),
            ("LAST", Some(Way::Last)),
            ("LAST_AVERAGE_ORG_UNIT", Some(Way::Last)),
            ("LAST_IN_PERIOD_AVERAGE_ORG_UNIT", Some(Way::Last)),
            ("AVERAGE", Some(Way::Average)),
            ("AVERAGE_SUM_ORG_UNIT", Some(Way::Average)),
            ("FIRST", None),
            ("MIN_SUM_ORG_UNIT", None),
            ("MAX", None),
            ("STDDEV", None),
            ("NONE", None),
            ("CUSTOM", None),
            ("DEFAULT", None),
            ("", None),
        ] {
            assert_eq!(Way::of(aggregation_type), way, "{aggregation_type}");
        }
    }

    #[test]
    fn what_is_right_for_no_data_element_is_not_offered() {
        let offered = |types: &[&str]| {
            let found = choices("HMIS-15", "Monthly", types.iter().copied());
            found.map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(offered(&["SUM", "COUNT", "MAX"]).unwrap(), ["sum of the months", "leave out"]);
        assert_eq!(
            offered(&["LAST", "SUM"]).unwrap(),
            ["sum of the months, last month", "sum of the months", "last month", "leave out"]
        );
        let why = offered(&["MAX", ""]).unwrap_err();
        assert!(why.contains("HMIS-15 is Monthly") && why.contains("not known, MAX"), "{why}");
        assert!(offered(&[]).is_err());
        let sum = Choice::Ways(BTreeSet::from([Way::Sum]));
        assert_eq!((sum.way("COUNT"), sum.way("LAST"), sum.way("MAX")), (Some(Way::Sum), None, None));
        assert_eq!(Choice::LeaveOut.way("SUM"), None);
    }

    #[test]
    fn a_data_set_knows_what_may_be_chosen_for_it() {
        let quarter = Quarter::parse("2026Q1").unwrap();
        let elements = [("e1", "SUM"), ("e2", "LAST"), ("e3", "MAX")];
        let set = Unfit::of(("s1", "HMIS\u{1b} 15"), "Monthly", &elements, [true, true, false]);
        assert_eq!(set.offered(), choices("s1", "Monthly", ["SUM", "LAST", "MAX"]).unwrap());
        let all = Choice::Ways([Way::Sum, Way::Last, Way::Average].into());
        let sum = Choice::Ways([Way::Sum].into());
        let ways = |chosen| ["e1", "e2", "e3"].map(|element| set.way(element, chosen));
        assert_eq!(ways(&all), [Some(Way::Sum), Some(Way::Last), None]);
        assert_eq!((ways(&sum), ways(&Choice::LeaveOut)), ([Some(Way::Sum), None, None], [None; 3]));
        assert_eq!(
            (set.words(&all).as_str(), set.words(&sum).as_str()),
            ("sum of the months, last month", "sum of the months")
        );
        assert_eq!(set.words(&Choice::LeaveOut), "leave out");
        let has = "data set s1 HMIS<1B> 15 is Monthly; 202601 and 202602 have data, 202603 has none";
        assert_eq!(set.sentence(quarter, Some(&sum)), format!("{has}; chosen: sum of the months"));
        let open = set.sentence(quarter, None);
        assert!(
            open.starts_with(&format!("{has}; nothing is proposed until")) && open.ends_with("leave out"),
            "{open}"
        );
        let year = Unfit::of(("s2", ""), "Yearly", &elements, [false; 3]);
        assert!(year.offered().is_empty() && year.called() == "s2");
        let why = year.sentence(quarter, Some(&sum));
        assert!(why.starts_with("data set s2 is Yearly: ") && !why.contains("chosen"), "{why}");
        let kept: Unfit = serde_json::from_str(&serde_json::to_string(&set).unwrap()).unwrap();
        assert_eq!(kept, set);
    }

    #[test]
    fn other_periods_say_why_they_make_no_quarter() {
        for (period_type, word) in [
            ("Quarterly", "as they are"),
            ("QuarterlyNov", "November"),
            ("Yearly", "whole year"),
            ("FinancialApril", "financial year"),
            ("FinancialNov", "financial year"),
            ("SixMonthlyApril", "half a year"),
            ("Weekly", "week"),
            ("WeeklyThursday", "week"),
            ("BiWeekly", "week"),
            ("BiMonthly", "two months"),
            ("Daily", "whole months"),
            ("TwoYearly", "whole year"),
            ("Lunar\u{1b}", "not known"),
        ] {
            let why = choices("Budget", period_type, ["SUM"]).unwrap_err();
            assert!(why.starts_with("Budget is ") && why.contains(word), "{why}");
            assert_eq!(inert(&why), why);
        }
    }

    #[test]
    fn months_that_have_data_are_told_from_those_that_have_none() {
        let quarter = |text| Quarter::parse(text).unwrap();
        let said = |has| held("HMIS-15", quarter("2026Q1"), has);
        assert_eq!(said([true; 3]), "HMIS-15 is Monthly; 202601, 202602 and 202603 have data");
        assert_eq!(said([true, true, false]), "HMIS-15 is Monthly; 202601 and 202602 have data, 202603 has none");
        assert_eq!(said([false, true, false]), "HMIS-15 is Monthly; 202602 has data, 202601 and 202603 have none");
        assert_eq!(said([false; 3]), "HMIS-15 is Monthly; 202601, 202602 and 202603 have no data");
    }

    #[test]
    fn months_become_a_quarter_exactly() {
        use Way::{Average, Last, Sum};
        /// The values of a month.
        type Month = &'static [&'static str];
        let of = |way, months: [Month; 3]| {
            let rows = months.map(|values| {
                let part = |value: &&str| Part { value: Some((*value).to_owned()), ..Part::default() };
                values.iter().map(part).collect::<Vec<_>>()
            });
            let made = made(way, "NUMBER", [&rows[0], &rows[1], &rows[2]]);
            let text = match made.total {
                Total::Nothing => "nothing".to_owned(),
                Total::Sum(sum) => sum.to_string(),
                Total::Text(text) => format!("\"{text}\""),
            };
            (text, made.reported)
        };
        let cases: [(Way, [Month; 3], &str, usize); 19] = [
            (Sum, [&["0.1", "2"], &["0.2"], &["1E1"]], "12.3", 3),
            (Sum, [&["5"], &[], &["7"]], "12", 2),
            (Sum, [&[], &[""], &[]], "nothing", 0),
            (Sum, [&["0"], &["0"], &["-0"]], "0", 3),
            (Sum, [&["5"], &["6 (est)"], &["7"]], "\"6 (est)\"", 3),
            (Last, [&["5"], &["6"], &["7", "1"]], "8", 3),
            (Last, [&["5"], &["6"], &[]], "6", 2),
            (Last, [&["5"], &["x"], &["7"]], "7", 3),
            (Last, [&["5"], &["7"], &["x"]], "\"x\"", 3),
            (Last, [&["5"], &["7"], &["0"]], "0", 3),
            (Last, [&[], &[], &[]], "nothing", 0),
            (Average, [&["1"], &["2"], &["3"]], "2", 3),
            (Average, [&["1"], &["1"], &["2"]], "1.333333", 3),
            (Average, [&["2"], &["2"], &["1"]], "1.666667", 3),
            (Average, [&["1"], &[], &["2"]], "1.5", 2),
            (Average, [&["0.12345675"], &[], &[]], "0.12345675", 1),
            (Average, [&["0.0000005"], &["0.0000005"], &["0.0000006"]], "0.000001", 3),
            (Average, [&["-1"], &["-1"], &["0"]], "-0.666667", 3),
            (Average, [&["1"], &["x"], &["2"]], "\"x\"", 3),
        ];
        for (way, months, expected, reported) in cases {
            assert_eq!(of(way, months), (expected.to_owned(), reported), "{way:?} {months:?}");
        }
    }

    #[test]
    fn a_choice_reads_as_it_was_written() {
        for choice in [Choice::Ways(BTreeSet::from([Way::Sum, Way::Last])), Choice::LeaveOut] {
            let text = serde_json::to_string(&choice).unwrap();
            assert_eq!(serde_json::from_str::<Choice>(&text).unwrap(), choice, "{text}");
        }
    }
}
