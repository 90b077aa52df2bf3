use proptest::prelude::*;

use super::*;

fn quarter(number: u8) -> Quarter {
    Quarter::new(2025, number).unwrap()
}

fn day(day: u8) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + i64::from(day) * 86_400).unwrap()
}

/// A sheet of one row a fact: data element, quarter, day, value; no row where the value is empty.
fn sheet(facts: &[(&str, u8, u8, &str)]) -> Sheet {
    let row = |value| PastRow { category_option_combo: "c", attribute_option_combo: "a", value };
    let fact = |(element, number, read, value): &(_, u8, u8, _)| {
        let rows = Some(*value).filter(|value: &&str| !value.is_empty()).map(row).into_iter().collect();
        ((*element, Reverse(quarter(*number))), Stored { read_at: day(*read), rows })
    };
    Sheet::pack(&facts.iter().map(fact).collect())
}

#[test]
fn of_two_the_later_reading_counts() {
    let kept = sheet(&[("e1", 1, 1, "old"), ("e1", 2, 9, "late"), ("e2", 1, 1, "alone")]);
    let news = sheet(&[("e1", 1, 5, ""), ("e1", 2, 5, "early"), ("e3", 1, 5, "new")]);
    let both = [("e1", 1, 5, ""), ("e1", 2, 9, "late"), ("e2", 1, 1, "alone"), ("e3", 1, 5, "new")];
    assert_eq!(kept.with(&news), sheet(&both));
    assert_eq!(news.with(&kept), sheet(&both), "whoever comes first");
    assert_eq!(Sheet::default().with(&news), news);
    assert_eq!(news.with(&Sheet::default()), news);
}

#[test]
fn only_what_is_wanted_is_kept() {
    let all = sheet(&[("e1", 1, 1, "1"), ("e1", 2, 9, "2"), ("e2", 1, 1, "3")]);
    assert_eq!(all.only(|fact| fact.element == "e2"), sheet(&[("e2", 1, 1, "3")]));
    assert_eq!(all.only(|fact| fact.read_at > day(5)), sheet(&[("e1", 2, 9, "2")]));
    assert_eq!((all.only(|_| true), all.only(|_| false).is_empty()), (all.clone(), true));
    let past: Vec<u8> = all.of_element("e1").map(|fact| fact.quarter.number()).collect();
    assert_eq!(past, [2, 1], "newest first");
    assert!(all.get("e1", quarter(3)).is_none() && all.get("e", quarter(1)).is_none());
}

#[test]
fn the_number_of_a_quarter_is_its_exact_sum() {
    let number = |values: &[&'static str]| {
        let options = ["c0", "c1", "c2"];
        let row = |(value, option): (&&'static str, &'static str)| PastRow {
            category_option_combo: option,
            attribute_option_combo: "a",
            value,
        };
        let rows = values.iter().zip(options).map(row).collect();
        let sheet = Sheet::pack(&[(("e", Reverse(quarter(1))), Stored { read_at: day(1), rows })].into());
        sheet.get("e", quarter(1)).unwrap().number()
    };
    for (values, expected) in [
        (&["7", "5"][..], Some(12.0)),
        (&["007"], Some(7.0)),
        (&["0.1", "0.2"], Some(0.3)),
        (&["7", "-9"], Some(-2.0)),
        (&["999999999", "999999999", "999999999"], Some(2_999_999_997.0)),
        (&["4294967295", "5"], Some(4_294_967_300.0)),
        (&["3", "12 (est)"], None),
        (&[], None),
    ] {
        assert_eq!(number(values), expected, "{values:?}");
    }
}

#[test]
fn a_row_told_deleted_and_with_a_value_has_the_value() {
    let change = |option: &'static str, value| Change {
        element: "e",
        quarter: quarter(1),
        category_option_combo: option,
        attribute_option_combo: "a",
        value,
    };
    let row = |option, value| PastRow { category_option_combo: option, attribute_option_combo: "a", value };
    let changes = [change("c1", Some("5")), change("c1", None), change("c2", Some("")), change("c3", Some("6"))];
    let rows = [row("c4", "9"), row("c2", "8"), row("c1", "7")];
    assert_eq!(merge(rows, &changes), [row("c1", "5"), row("c3", "6"), row("c4", "9")]);
}

proptest! {
    #[test]
    fn merging_is_replacing_by_key(
        rows in proptest::collection::btree_map((0..4_usize, 0..2_usize), "[0-9]{1,2}", 0..8),
        changes in proptest::collection::btree_map((0..4_usize, 0..2_usize), proptest::option::of("[0-9]{1,2}"), 0..8),
        turn in 0..8_usize,
    ) {
        let (options, attributes) = (["c0", "c1", "c2", "c3"], ["a0", "a1"]);
        let row = |((option, attribute), value): (&(usize, usize), _)| PastRow {
            category_option_combo: options[*option],
            attribute_option_combo: attributes[*attribute],
            value,
        };
        let mut expected: BTreeMap<_, Option<&str>> = rows.iter().map(|(key, value)| (key, Some(value.as_str()))).collect();
        expected.extend(changes.iter().map(|(key, value)| (key, value.as_deref())));
        let expected: Vec<_> = expected.into_iter().filter_map(|(key, value)| Some(row((key, value?)))).collect();
        let mut changes: Vec<_> = changes.iter().map(|((option, attribute), value)| Change {
            element: "e",
            quarter: quarter(1),
            category_option_combo: options[*option],
            attribute_option_combo: attributes[*attribute],
            value: value.as_deref(),
        }).collect();
        let middle = turn.min(changes.len());
        changes.rotate_left(middle);
        let mut rows: Vec<_> = rows.iter().map(|(key, value)| row((key, value.as_str()))).collect();
        rows.reverse();
        prop_assert_eq!(merge(rows, &changes), expected);
    }
}
