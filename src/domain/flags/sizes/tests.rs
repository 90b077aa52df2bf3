//! Each rule at, just below and just above what it compares with, and its sentences to the letter.

use super::*;

const STEADY: [f64; 8] = [100.0, 110.0, 95.0, 105.0, 98.0, 102.0, 107.0, 99.0];

/// The facts of a cell, to be changed one at a time.
#[derive(Clone)]
struct Made {
    held: String,
    state: State,
    kind: Kind,
    quarter: &'static str,
    recent: Vec<Option<f64>>,
    usual: Option<Usual>,
    top: Option<f64>,
    asked: bool,
    limits: Limits,
}

/// A flow of 2026Q2 with these quarters before, newest first.
fn flow(held: &str, history: &[f64]) -> Made {
    Made {
        held: held.to_owned(),
        state: if held == "0" { State::ReportedZero } else { State::Reported },
        kind: Kind::Flow,
        quarter: "2026Q2",
        recent: history.iter().copied().map(Some).collect(),
        usual: Usual::of(history),
        top: None,
        asked: true,
        limits: Limits::default(),
    }
}

fn level(held: &str, history: &[f64]) -> Made {
    Made { kind: Kind::Level, ..flow(held, history) }
}

impl Made {
    fn with(mut self, name: &str, value: f64) -> Self {
        self.limits.set(name, value).unwrap();
        self
    }

    fn size<T>(&self, look: impl FnOnce(&Size<'_>) -> T) -> T {
        look(&Size {
            value: self.held.parse().unwrap(),
            held: &self.held,
            state: self.state,
            kind: self.kind,
            quarter: Quarter::parse(self.quarter).unwrap(),
            recent: &self.recent,
            usual: self.usual.as_ref(),
            pooled: 0.2,
            top: self.top,
            asked: self.asked,
            limits: &self.limits,
        })
    }

    fn told(&self) -> Vec<String> {
        self.size(|size| sizes(size).map(|f| format!("{} {}: {}", f.severity.word(), f.id, f.sentence)).collect())
    }

    fn ids(&self) -> String {
        self.size(|size| sizes(size).map(|flag| flag.id).collect::<Vec<_>>().join(" "))
    }

    fn fires(&self, id: &str) -> bool {
        self.ids().split(' ').any(|fired| fired == id)
    }
}

/// Every state but those that propose a number.
fn absences() -> impl Iterator<Item = State> {
    State::ALL.into_iter().filter(|state| !state.proposes())
}

#[test]
fn far_from_the_usual_is_said_with_the_multiple() {
    for (held, expected) in [
        ("103", vec![]),
        ("150", vec![]),
        ("220", vec!["REVIEW T2: 220 is 2.2x the usual 101 (8 quarters)"]),
        (
            "1030",
            vec![
                "STOP T1: 1,030 is 10x the usual 101 (8 quarters)",
                "REVIEW S14: 1,030 is about 10x the usual 101: a digit too many?",
            ],
        ),
        (
            "10",
            vec![
                "STOP T1: 10 is 0.10x the usual 101 (8 quarters)",
                "REVIEW S14: 10 is about a tenth of the usual 101: a digit lost?",
            ],
        ),
        ("0", vec!["STOP T1: 0 is far below the usual 101 (8 quarters)", "STOP T4: 0 where 101 is usual (8 quarters)"]),
        ("30", vec!["STOP T1: 30 is 0.3x the usual 101 (8 quarters)"]),
        ("123456", vec!["STOP T1: 123,456 is 1,222x the usual 101 (8 quarters)"]),
    ] {
        assert_eq!(flow(held, &STEADY).told(), expected, "{held}");
    }
    assert_eq!(flow("403", &[0.0; 4]).told()[0], "STOP T1: 403 where 0 is usual (4 quarters)");
    assert_eq!(flow("402", &[0.0; 4]).told()[0], "REVIEW T2: 402 where 0 is usual (4 quarters)");
}

#[test]
fn t1_and_t2_fire_from_their_limits_on() {
    let made = flow("330", &STEADY);
    let score = made.size(|size| size.usual.unwrap().score(size.value, size.pooled, size.limits));
    assert!(score.away > 6.0 && score.ratio > 3.0);
    assert_eq!(made.ids(), "T1");
    assert_eq!(made.clone().with("t1_away", score.away).ids(), "T1");
    assert_eq!(made.clone().with("t1_away", score.away.next_up()).ids(), "T2");
    assert_eq!(made.clone().with("t1_ratio", score.ratio).ids(), "T1");
    assert_eq!(made.clone().with("t1_ratio", score.ratio.next_up()).ids(), "T2");

    let made = made.with("t1_away", 50.0);
    assert_eq!(made.clone().with("t2_away", score.away).ids(), "T2");
    assert_eq!(made.clone().with("t2_away", score.away.next_up()).ids(), "");
    assert_eq!(made.clone().with("t2_ratio", score.ratio).ids(), "T2");
    assert_eq!(made.clone().with("t2_ratio", score.ratio.next_up()).ids(), "");

    let low = flow("30", &STEADY);
    let ratio = low.size(|size| size.usual.unwrap().score(size.value, size.pooled, size.limits).ratio);
    for (name, at, past) in [("t1_ratio", "T1", "T2"), ("t2_ratio", "T2", "")] {
        let low = if name == "t2_ratio" { low.clone().with("t1_away", 50.0) } else { low.clone() };
        assert_eq!(low.clone().with(name, 0.999_999 / ratio).ids(), at, "{name}");
        assert_eq!(low.with(name, 1.000_001 / ratio).ids(), past, "{name}");
    }
}

#[test]
fn t1_to_t3_need_four_quarters_of_a_flow_with_a_number() {
    assert_eq!(flow("330", &STEADY[..4]).ids(), "T1");
    assert_eq!(flow("330", &STEADY[..3]).ids(), "");
    assert_eq!(flow("12", &[0.0; 4]).ids(), "T3");
    assert_eq!(flow("12", &[0.0; 3]).ids(), "");
    for made in [flow("330", &STEADY), flow("220", &STEADY), flow("12", &[0.0; 8])] {
        assert_eq!(Made { state: State::OlderQuarter, ..made.clone() }.ids(), made.ids());
        for state in absences().filter(|state| *state != State::NotReported) {
            assert_eq!(Made { state, ..made.clone() }.ids(), "", "{state:?}");
        }
        assert!(!Made { kind: Kind::Level, ..made.clone() }.ids().contains('T'));
        assert_eq!(Made { kind: Kind::Cumulative { from: 4 }, ..made.clone() }.ids(), "");
        assert_eq!(Made { usual: None, ..made }.ids(), "");
    }
}

#[test]
fn t3_is_five_and_three_times_the_largest_where_nothing_is_usual() {
    let told = flow("12", &[0.0, 0.0, 3.0, 0.0, 0.0, 1.0, 0.0, 0.0]).told();
    assert_eq!(told, ["REVIEW T3: 12 where 0 is usual, at most 3 in 8 quarters"]);
    let with_three = [0.0, 0.0, 3.0, 0.0, 0.0];
    assert!(flow("9", &with_three).fires("T3") && !flow("8", &with_three).fires("T3"));
    assert!(flow("5", &[0.0; 5]).fires("T3") && !flow("4", &[0.0; 5]).fires("T3"));
    assert!(flow("12", &[0.0, 0.0, 0.0, 1.0, 1.0]).fires("T3"));
    assert!(!flow("12", &[0.0, 0.0, 1.0, 1.0, 1.0]).fires("T3"), "something is usual");
    assert!(!flow("12", &[0.0, 0.0, 1.0, 1.0]).fires("T3"), "half a case is usual");
}

#[test]
fn t4_asks_about_a_zero_and_stops_where_much_is_usual() {
    let zero = |usual: f64| flow("0", &[usual; 3]);
    assert_eq!(zero(5.0).told(), ["REVIEW T4: 0 where 5 is usual (3 quarters)"]);
    assert_eq!(zero(4.99).ids(), "");
    assert_eq!(zero(19.99).told(), ["REVIEW T4: 0 where 19.99 is usual (3 quarters)"]);
    assert_eq!(zero(20.0).told(), ["STOP T4: 0 where 20 is usual (3 quarters)"]);
    assert_eq!(flow("0", &[20.0; 2]).ids(), "");
    assert_eq!(Made { kind: Kind::Level, ..zero(20.0) }.ids(), "L2");
    for state in State::ALL.into_iter().filter(|state| *state != State::ReportedZero) {
        assert!(!Made { state, ..zero(20.0) }.fires("T4"), "{state:?}");
    }
}

#[test]
fn a03_asks_the_same_about_a_zero_that_may_be_missing() {
    let told = |made: Made| {
        let flag = made.size(as_zero);
        flag.map(|flag| format!("{} {}: {}", flag.severity.word(), flag.id, flag.sentence)).unwrap_or_default()
    };
    let zero = |usual: f64| Made { state: State::ZeroNotStored, ..flow("7", &[usual; 3]) };
    assert_eq!(told(zero(5.0)), "REVIEW A03: perhaps 0: 0 where 5 is usual (3 quarters)");
    assert_eq!(told(zero(4.99)), "");
    assert_eq!(told(zero(20.0)), "STOP A03: perhaps 0: 0 where 20 is usual (3 quarters)");
    let far = Made { state: State::ZeroNotStored, ..flow("7", &[15.0; 8]) };
    assert!(told(far).starts_with("STOP A03: perhaps 0: 0 is far below the usual 15"));
    let beds = Made { state: State::ZeroNotStored, ..level("7", &[40.0]) };
    assert_eq!(told(beds), "STOP A03: perhaps 0: 0 after 40 in 2026Q1");
    assert_eq!(zero(20.0).ids(), "", "it is no number by itself");
}

#[test]
fn t5_counts_the_last_four_quarters_of_every_kind() {
    let gone = |recent: &[Option<f64>]| Made {
        state: State::NotReported,
        recent: recent.to_vec(),
        ..flow("0", &[118.0, 117.5, 1_120.126])
    };
    let (yes, no) = (Some(118.0), None);
    let sentence = |n: u8| format!("REVIEW T5: not reported; {n} of the last 4 quarters were, usually 118");
    assert_eq!(gone(&[yes, yes, yes, yes, yes]).told(), [sentence(4)]);
    assert_eq!(gone(&[yes, no, yes, yes]).told(), [sentence(3)]);
    assert_eq!(gone(&[yes, no, no, yes, yes, yes]).ids(), "", "two of the last four");
    assert_eq!(gone(&[yes, yes, yes]).told(), [sentence(3)]);
    for kind in [Kind::Level, Kind::Cumulative { from: 1 }] {
        assert_eq!(Made { kind, ..gone(&[yes, yes, yes, yes]) }.told(), [sentence(4)]);
    }
    for state in State::ALL.into_iter().filter(|state| *state != State::NotReported) {
        assert!(!Made { state, ..gone(&[yes, yes, yes, yes]) }.fires("T5"), "{state:?}");
    }
    let one = gone(&[no, yes]).with("t5_reported", 1.0).with("t5_quarters", 2.0);
    assert_eq!(one.told(), ["REVIEW T5: not reported; 1 of the last 2 quarters was, usually 118"]);
    assert_eq!(Made { usual: None, ..one }.ids(), "");
}

#[test]
fn s13_is_the_same_total_of_at_least_ten_four_times() {
    let same = |held: &str, before: &[f64]| flow(held, before);
    assert_eq!(
        same("1200", &[1200.0, 1200.0, 1200.0, 7.0]).told(),
        ["REVIEW S13: 1,200 is identical to 2026Q1, 2025Q4 and 2025Q3"]
    );
    assert_eq!(same("10", &[10.0; 3]).ids(), "S13");
    assert_eq!(same("9.5", &[9.5; 3]).ids(), "");
    assert_eq!(same("10", &[10.0; 2]).ids(), "");
    assert_eq!(same("120", &[120.0, 120.0, 121.0]).ids(), "");
    assert_eq!(same("120", &[121.0, 120.0, 120.0]).ids(), "");
    let gap = Made { recent: vec![Some(120.0), None, Some(120.0), Some(120.0)], ..same("120", &[120.0; 3]) };
    assert_eq!(gap.ids(), "");
    assert_eq!(level("120", &[120.0; 3]).ids(), "");
    assert_eq!(Made { kind: Kind::Cumulative { from: 1 }, ..same("120", &[120.0; 3]) }.ids(), "");
    for state in absences().filter(|state| *state != State::NotReported) {
        assert_eq!(Made { state, ..same("120", &[120.0; 3]) }.ids(), "", "{state:?}");
    }
}

#[test]
fn s14_is_eight_to_twelve_and_a_half_times_up_or_down() {
    for (held, usual, expected) in [
        ("800", 100.0, true),
        ("799.9", 100.0, false),
        ("1250", 100.0, true),
        ("1250.1", 100.0, false),
        ("12.5", 100.0, true),
        ("12.51", 100.0, false),
        ("8", 100.0, true),
        ("7.99", 100.0, false),
        ("0", 100.0, false),
        ("50", 5.0, true),
        ("49.9", 4.99, false),
    ] {
        assert_eq!(flow(held, &[usual]).fires("S14"), expected, "{held} beside {usual}");
    }
    let of = |kind| Made { kind, ..flow("2000", &[200.0, 210.0, 190.0]) };
    let sentence = "REVIEW S14: 2,000 is about 10x the usual 200: a digit too many?";
    assert_eq!(of(Kind::Flow).told(), [sentence]);
    assert_eq!(of(Kind::Cumulative { from: 4 }).told(), [sentence]);
    assert_eq!(of(Kind::Level).told(), [sentence, "STOP L2: 2,000 after 200 in 2026Q1: 10x"]);
    let fraction = flow("112.25", &[1_127.126, 1_127.126]);
    assert_eq!(fraction.told(), ["REVIEW S14: 112.25 is about a tenth of the usual 1,127.13: a digit lost?"]);
    for state in absences() {
        assert!(!Made { state, ..of(Kind::Flow) }.fires("S14"), "{state:?}");
    }
}

#[test]
fn s15_is_above_the_top_of_the_column_without_history() {
    let first = |held: &str, top: Option<f64>| Made { top, ..flow(held, &[]) };
    assert_eq!(
        first("5210", Some(5209.9)).told(),
        ["REVIEW S15: 5,210 is among the largest 1 % of the column, and nothing was reported before"]
    );
    assert_eq!(
        Made { asked: false, ..first("5210", Some(5000.0)) }.with("s15_percentile", 97.5).told(),
        ["REVIEW S15: 5,210 is among the largest 2.5 % of the column; earlier quarters were not read"]
    );
    assert_eq!(first("5210", Some(5210.0)).ids(), "");
    assert_eq!(first("5210", None).ids(), "");
    for kind in [Kind::Level, Kind::Cumulative { from: 4 }] {
        assert_eq!(Made { kind, ..first("5210", Some(5000.0)) }.ids(), "S15");
    }
    assert_eq!(Made { top: Some(50.0), ..flow("60", &[55.0]) }.ids(), "", "there is a history");
    for state in absences() {
        assert_eq!(Made { state, ..first("5210", Some(5000.0)) }.ids(), "", "{state:?}");
    }
}

#[test]
fn l1_is_more_than_two_and_more_than_a_fifth() {
    assert_eq!(level("31", &[24.0]).told(), ["REVIEW L1: 31 after 24 in 2026Q1"]);
    for (held, last, expected) in [
        ("12", 10.0, ""),
        ("12.5", 10.0, "L1"),
        ("8", 10.0, ""),
        ("7.5", 10.0, "L1"),
        ("120", 100.0, ""),
        ("121", 100.0, "L1"),
        ("80", 100.0, ""),
        ("79", 100.0, "L1"),
        ("100", 100.0, ""),
        ("-79", -100.0, "L1"),
        ("-80", -100.0, ""),
    ] {
        assert_eq!(level(held, &[last]).ids(), expected, "{held} after {last}");
    }
    let gap = Made { recent: vec![None, None, Some(1_240.125)], ..level("2000", &[1_240.125]) };
    assert_eq!(gap.told(), ["REVIEW L1: 2,000 after 1,240.125 in 2025Q3"]);
    assert_eq!(Made { recent: vec![None; 4], ..gap.clone() }.ids(), "");
    assert_eq!(Made { kind: Kind::Flow, ..gap.clone() }.ids(), "");
    for state in absences() {
        assert!(!Made { state, ..gap.clone() }.fires("L1"), "{state:?}");
    }
}

#[test]
fn l2_is_three_times_and_at_least_five() {
    assert_eq!(level("155", &[31.0]).told(), ["STOP L2: 155 after 31 in 2026Q1: 5.0x"]);
    for (held, last, expected) in [
        ("30", 10.0, "STOP L2: 30 after 10 in 2026Q1: 3.0x"),
        ("29.9", 10.0, "REVIEW L1: 29.9 after 10 in 2026Q1"),
        ("10", 30.0, "STOP L2: 10 after 30 in 2026Q1: 0.3x"),
        ("10.1", 30.0, "REVIEW L1: 10.1 after 30 in 2026Q1"),
        ("7", 2.0, "STOP L2: 7 after 2 in 2026Q1: 3.5x"),
        ("6.9", 2.0, "REVIEW L1: 6.9 after 2 in 2026Q1"),
        ("5", 0.0, "STOP L2: 5 after 0 in 2026Q1"),
        ("4", 0.0, "REVIEW L1: 4 after 0 in 2026Q1"),
        ("0", 5.0, "STOP L2: 0 after 5 in 2026Q1"),
    ] {
        assert_eq!(level(held, &[last]).told(), [expected], "{held} after {last}");
    }
    assert!(!flow("155", &[31.0]).fires("L2"));
    for state in absences() {
        assert!(!Made { state, ..level("155", &[31.0]) }.fires("L2"), "{state:?}");
    }
}

#[test]
fn l3_is_a_fall_within_the_year() {
    let spent = |held: &str, from: u8| Made { kind: Kind::Cumulative { from }, ..flow(held, &[55.0]) };
    assert_eq!(spent("40", 1).told(), ["STOP L3: 40 is below 55 in 2026Q1 of the same year"]);
    assert_eq!(spent("54.9", 1).ids(), "L3");
    assert_eq!(spent("55", 1).ids(), "");
    for from in 1..=12 {
        let starts = (4..=6).contains(&from);
        assert_eq!(spent("40", from).ids(), if starts { "" } else { "L3" }, "a year from month {from}");
    }
    let january = |from: u8| Made { quarter: "2026Q1", ..spent("40", from) };
    assert_eq!(january(1).ids(), "");
    assert_eq!(january(4).told(), ["STOP L3: 40 is below 55 in 2025Q4 of the same year"]);
    assert_eq!(Made { recent: vec![None, Some(55.0)], ..spent("40", 1) }.ids(), "");
    assert_eq!(Made { recent: vec![], ..spent("40", 1) }.ids(), "");
    assert_eq!(flow("40", &[55.0]).ids(), "");
    for state in absences() {
        assert_eq!(Made { state, ..spent("40", 1) }.ids(), "", "{state:?}");
    }
}

#[test]
fn multiples_have_no_more_decimals_than_they_need() {
    for (value, usual, expected) in [
        (1030.0, 101.0, Some("10x")),
        (9.95, 1.0, Some("10x")),
        (9.94, 1.0, Some("9.9x")),
        (1.0, 1.0, Some("1.0x")),
        (1.0, 10.0, Some("0.1x")),
        (0.99, 10.0, Some("0.10x")),
        (0.8, 10.0, Some("0.08x")),
        (0.5, 100.0, Some("0.01x")),
        (0.49, 100.0, None),
        (0.0, 5.0, None),
        (5.0, 0.0, None),
        (0.0, 0.0, None),
        (1_234_567.0, 1.0, Some("1,234,567x")),
    ] {
        assert_eq!(times_usual(value, usual).as_deref(), expected, "{value} by {usual}");
    }
}

#[test]
fn a_percentile_lies_on_the_line_between_two_numbers() {
    let of = |numbers: &[f64], percent: f64| percentile(&mut numbers.to_vec(), percent);
    let hundred: Vec<f64> = (0..=100).rev().map(f64::from).collect();
    assert_eq!(of(&hundred, 99.0), Some(99.0));
    assert_eq!(of(&[3.0, 1.0, 2.0], 75.0), Some(2.5));
    assert_eq!(of(&[20.0, 10.0], 25.0), Some(12.5));
    assert_eq!(of(&[20.0, 10.0], 0.0), Some(10.0));
    assert_eq!(of(&[20.0, 10.0, 30.0], 100.0), Some(30.0));
    assert_eq!(of(&[7.0], 99.0), Some(7.0));
    assert_eq!(of(&[], 99.0), None);
}
