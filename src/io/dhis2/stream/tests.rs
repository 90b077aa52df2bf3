use super::*;

fn fed(pieces: &[&[u8]], elements: &Elements) -> Result<Values, Bad> {
    let asked = |unit: &str, period: &str| ["ou1", "ou2"].contains(&unit) && period == "2026Q2";
    let mut decoder = Decoder::new(elements, &asked);
    for piece in pieces {
        decoder.feed(piece)?;
    }
    decoder.end()
}

fn wanted() -> Elements {
    let mut elements = Elements::default();
    elements.want("de");
    elements.stands_on("de", 0);
    elements.stands_on("sibling", 0);
    elements.stands_on("sibling", 1);
    elements
}

fn parsed(json: &str) -> Result<Values, Bad> {
    fed(&[json.as_bytes()], &wanted())
}

fn only(values: &Values) -> DataValue<'_> {
    assert_eq!((values.rows().len(), values.foreign), (1, 0));
    values.rows().next().unwrap()
}

#[test]
fn every_spelling_of_nothing() {
    for json in [
        "{}",
        " { } \n",
        r#"{"dataValues":null}"#,
        r#"{"dataValues":[]}"#,
        r#"{"dataSet":"ds","period":"2026Q2","orgUnit":"ou1"}"#,
        r#"{"dataSet":"ds","completeDate":null,"period":"2026Q2","orgUnit":"ou1","dataValues":[ ]}"#,
    ] {
        let values = parsed(json).unwrap();
        assert_eq!((values.rows().len(), values.reports().count(), values.foreign), (0, 0, 0), "{json}");
    }
}

#[test]
fn an_error_with_a_successful_status_is_not_nothing() {
    for json in [
        r#"{"status":"ERROR","message":"gateway"}"#,
        r#"{"error":{"code":7}}"#,
        r#"{"httpStatus":"Conflict"}"#,
        r#"{"dataValues":null,"errorCode":"E2012"}"#,
        r#"{"dataValues":{}}"#,
        r#"{"dataValues":"none"}"#,
        r#"{"dataValues":[7]}"#,
    ] {
        assert!(matches!(parsed(json), Err(Bad::Shape(_))), "{json}: {:?}", parsed(json));
    }
    let Err(Bad::Shape(said)) = parsed(r#"{"status":"ERROR","message":"gateway down"}"#) else { panic!() };
    assert!(said.ends_with("gateway down"), "{said}");
}

#[test]
fn damage_is_told_from_another_answer() {
    for damaged in [
        "",
        "  ",
        "{",
        r#"{"dataValues":[{"dataElement":"de""#,
        "{}x",
        "[1,",
        "nul",
        "{,}",
        r#"{"a" 1}"#,
        r#"{"dataValues":[,]}"#,
    ] {
        assert!(matches!(parsed(damaged), Err(Bad::Damaged(_))), "{damaged}: {:?}", parsed(damaged));
    }
    for other in ["[]", "null", "7", "\"text\"", "<html>"] {
        assert_eq!(parsed(other).unwrap_err(), Bad::Other(other.as_bytes().to_vec()));
    }
}

const MIDDLE: &str = r#"{"dataSet":"ds","n":12,"dataValues":[{"dataElement":"de","period":"2026Q2","orgUnit":"ou1","categoryOptionCombo":"c","attributeOptionCombo":"a","value":"1\u00e92","storedBy":null,"created":"x","lastUpdated":"2026-07-03T00:00:00.000+0000","comment":"","followup":true,"new":{"er":[1]}} , {"dataElement":"de","period":"2026Q2","orgUnit":"ou2","categoryOptionCombo":"c","attributeOptionCombo":"a","value":12345678901234567890123}],"last":-1.5}"#;

#[test]
fn rows_of_the_middle_versions_wherever_the_pieces_end() {
    let whole = parsed(MIDDLE).unwrap();
    let rows: Vec<DataValue<'_>> = whole.rows().collect();
    let expected = DataValue {
        data_element: "de",
        period: "2026Q2",
        org_unit: "ou1",
        category_option_combo: "c",
        attribute_option_combo: "a",
        value: Some("1é2"),
        last_updated: Some("2026-07-03T00:00:00.000+0000"),
        follow_up: true,
        ..DataValue::default()
    };
    assert_eq!((rows.len(), rows[0]), (2, expected));
    assert!(rows[1].value.unwrap().starts_with('≈'));
    assert_eq!(whole.reports().collect::<Vec<_>>(), [("ou1", "2026Q2", 0), ("ou2", "2026Q2", 0)]);
    let marked = [b"\xef\xbb\xbf".as_slice(), MIDDLE.as_bytes()].concat();
    for text in [MIDDLE.as_bytes(), &marked] {
        for cut in 0..text.len() {
            let (first, second) = text.split_at(cut);
            let values = fed(&[first, second], &wanted()).unwrap();
            assert!(values.rows().eq(whole.rows()), "cut at {cut}");
            assert!(fed(&[first], &wanted()).is_err(), "half of it, {cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert!(fed(&bytes, &wanted()).unwrap().rows().eq(whole.rows()));
    }
}

#[test]
fn rows_borrow_from_above_whatever_the_order() {
    let values = parsed(
        r#"{"dataValues":[{"dataElement":"de","categoryOptionCombo":"c","value":" 7 ","followUp":"true"},{"dataElement":"sibling","categoryOptionCombo":"c","value":"1"}],"attributeOptionCombo":"a","orgUnit":"ou2","period":"2026Q2","dataSet":"ds"}"#,
    )
    .unwrap();
    let row = only(&values);
    assert_eq!((row.period, row.org_unit, row.attribute_option_combo), ("2026Q2", "ou2", "a"));
    assert_eq!((row.value, row.follow_up), (Some(" 7 "), true));
    assert_eq!(values.reports().collect::<Vec<_>>(), [("ou2", "2026Q2", 0), ("ou2", "2026Q2", 1)]);
    let values = parsed(
        r#"{"orgUnit":"ou2","period":"2025Q1","dataValues":[{"dataElement":"de","period":"2026Q2","orgUnit":"ou1","categoryOptionCombo":"c","attributeOptionCombo":"a"}]}"#,
    )
    .unwrap();
    assert_eq!((only(&values).period, only(&values).org_unit), ("2026Q2", "ou1"));
}

#[test]
fn a_row_that_belongs_nowhere_is_an_error() {
    let full = [
        r#""dataElement":"de""#,
        r#""period":"2026Q2""#,
        r#""orgUnit":"ou1""#,
        r#""categoryOptionCombo":"c""#,
        r#""attributeOptionCombo":"a""#,
    ];
    assert!(parsed(&format!(r#"{{"dataValues":[{{{}}}]}}"#, full.join(","))).is_ok());
    for (place, name) in
        ["dataElement", "period", "orgUnit", "categoryOptionCombo", "attributeOptionCombo"].iter().enumerate()
    {
        let mut some = full.to_vec();
        some.remove(place);
        let rows = format!(r#"{{"dataValues":[{{{}}},{{{}}}]}}"#, full.join(","), some.join(","));
        let Err(Bad::Shape(error)) = parsed(&rows) else { panic!("{rows}") };
        assert!(error.contains(name) && error.contains("row 2"), "{error}");
    }
}

#[test]
fn a_missing_value_is_none_and_keeps_its_comment() {
    for value in [r#""value":"","#, r#""value":null,"#, ""] {
        let values = parsed(&format!(
            r#"{{"dataValues":[{{{value}"dataElement":"de","period":"2026Q2","orgUnit":"ou1","categoryOptionCombo":"c","attributeOptionCombo":"a","comment":"sick leave","deleted":true}}]}}"#
        ))
        .unwrap();
        let row = only(&values);
        assert_eq!((row.value, row.comment, row.deleted), (None, Some("sick leave"), true));
        assert_eq!(values.reports().count(), 0, "a comment and a deleted row are no report");
    }
}

#[test]
fn rows_not_asked_for_are_dropped_and_counted() {
    let row = |period: &str, unit: &str| {
        format!(
            r#"{{"dataElement":"de","period":"{period}","orgUnit":"{unit}","categoryOptionCombo":"c","attributeOptionCombo":"a","value":"1"}}"#
        )
    };
    let rows = [row("2026Q2", "ou1"), row("2026Q1", "ou1"), row("2026Q2", "ou3"), row("202604", "ou2")].join(",");
    let values = parsed(&format!(r#"{{"dataValues":[{rows}]}}"#)).unwrap();
    assert_eq!((values.rows().len(), values.foreign, values.reports().count()), (1, 3, 1));
}
