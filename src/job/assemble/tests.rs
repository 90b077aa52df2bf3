use super::*;
use crate::{
    domain::plan::Cell,
    io::dhis2::{DataValue, Values},
    job::columns::{
        columns,
        tests::{element, known, row, set},
    },
};

fn value<'a>(unit: &'a str, data_element: &'a str, value: Option<&'a str>) -> DataValue<'a> {
    DataValue {
        data_element,
        period: "2026Q2",
        org_unit: unit,
        category_option_combo: "c",
        attribute_option_combo: "a",
        value,
        ..DataValue::default()
    }
}

fn case(case_id: &str, external_id: Option<&str>, beds: &str) -> CaseRecord {
    CaseRecord {
        case_id: case_id.to_owned(),
        name: format!("Case {case_id}"),
        external_id: external_id.map(str::to_owned),
        properties: [("beds".to_owned(), beds.to_owned())].into(),
        ..CaseRecord::default()
    }
}

#[test]
fn a_report_is_done_with_the_newest_of_its_registrations() {
    let of = |dates: &[Option<&str>]| {
        let one = |date: Option<&str>| Registration {
            period: "2026Q2".to_owned(),
            data_set: "s1".to_owned(),
            org_unit: "u1".to_owned(),
            date: date.map(str::to_owned),
            ..Registration::default()
        };
        let mut completed = Completed::default();
        completed.add(&["u1".to_owned(), "u2".to_owned()], dates.iter().copied().map(one).collect());
        completed.forget(&["s3".to_owned()].into());
        completed
    };
    for (dates, newest) in [
        (vec![Some("2026-07-06")], Some("2026-07-06")),
        (vec![Some("2026-07-06"), Some("2026-07-14"), Some("2026-07-08")], Some("2026-07-14")),
        (vec![Some("2026-07-06"), Some("2026-07-06T10:00:00.000"), Some("soon")], Some("2026-07-06T10:00:00.000")),
        (vec![Some("soon"), None, Some("2026-07-06")], Some("2026-07-06")),
        (vec![None, Some("soon")], Some("soon")),
        (vec![None], None),
    ] {
        for dates in [dates.clone(), dates.iter().rev().copied().collect()] {
            let completed = of(&dates);
            let report = completed.registered("u1", "s1", "2026Q2");
            assert_eq!((report.complete, report.date), (Some(true), newest), "{dates:?}");
            assert_eq!(completed.of("u1", "s1", "2026Q2"), Some(true));
        }
    }
    let completed = of(&[Some("2026-07-06")]);
    for (unit, set, period, complete) in [
        ("u1", "s1", "2026Q1", Some(false)),
        ("u1", "s2", "2026Q2", Some(false)),
        ("u2", "s1", "2026Q2", Some(false)),
        ("u9", "s1", "2026Q2", None),
        ("u1", "s3", "2026Q2", None),
    ] {
        let wanted = Report { complete, ..Report::default() };
        assert_eq!(completed.registered(unit, set, period), wanted, "{unit} {set} {period}");
        assert_eq!(completed.of(unit, set, period), complete);
    }
}

fn head() -> Head {
    Head {
        quarter: Quarter::parse("2026Q2").unwrap(),
        project: String::new(),
        label: String::new(),
        dhis2: String::new(),
        commcare: String::new(),
        mapping: String::new(),
        mapping_rows: 3,
        case_type: String::new(),
        read_at: String::new(),
        generation: 1,
        scope: String::new(),
        mapping_problems: Vec::new(),
        notes: Vec::new(),
        ..Head::of(Quarter::parse("2026Q2").unwrap())
    }
}

#[test]
fn absences_have_their_own_names() {
    let names = [("beds", "e1", "s1"), ("visits", "e2", "s1"), ("monthly", "e3", "s3"), ("secret", "e4", "s4")];
    let rows = names.map(|(property, element, set)| row(property, element, set));
    let elements = names.map(|(_, id, set)| element(id, &[set]));
    let quarterly = |id, elements| set(id, elements, "Quarterly");
    let sets = [quarterly("s1", &["e1", "e2"]), set("s3", &["e3"], "Monthly"), quarterly("s4", &["e4"])];
    let (columns, _) = columns(&rows, known(&elements, &sets));
    let units = ["Uaaaaaaaaa1", "Uaaaaaaaaa2", "Uaaaaaaaaa3", "Uaaaaaaaaa4"];
    let mut deleted = value(units[0], "e1", Some("900"));
    deleted.deleted = true;
    let values =
        [value(units[0], "e1", Some("3")), deleted, value(units[1], "e2", None), value(units[0], "e3", Some("7"))];
    let cases = vec![
        case("k4", Some(units[3]), "1"),
        case("k1", Some(units[0]), "28"),
        case("k2", Some(units[1]), "5"),
        case("k3", Some(units[2]), "6"),
        case("k5", None, "1"),
        case("k7", Some("Uaaaaaaaaa7"), "1"),
        case("k6", Some("not an id"), "1"),
    ];
    let denied = [(None, State::NoAccess)].into();
    let unread = Unread { units: [(units[2].to_owned(), denied)].into(), sets: ["s4".to_owned()].into() };
    let wanted = super::super::columns::elements(&columns, Some(&sets));
    let answers = Answers {
        head: head(),
        shared: shared(&cases),
        cases,
        columns,
        sets: Some(sets.to_vec()),
        units: Some(units.map(|id| OrgUnit { id: id.to_owned(), ..OrgUnit::default() }).into()),
        values: vec![Arc::new(Partial::of(Values::of(values, &wanted)))],
        completed: Completed::default(),
        unread,
        earlier: None,
        standards: None,
        options: Vec::new(),
    };
    let Assembled { plan, parts, .. } = assemble(answers);
    let state = |facility, property| plan.state(Cell { facility, property });
    assert_eq!(plan.facilities().iter().map(|f| f.case_id.as_str()).collect::<Vec<_>>(), ["k1", "k2", "k3", "k4"]);
    assert_eq!(plan.new_value(Cell { facility: 0, property: 0 }), Some("3"));
    assert_eq!((state(0, 1), state(0, 2)), (State::BlankInReport, State::WrongPeriodType));
    assert_eq!((state(1, 0), state(1, 1)), (State::NotReported, State::NotReported), "a comment alone is no row");
    assert_eq!((state(2, 0), state(3, 0)), (State::NoAccess, State::NotReported));
    assert_eq!((state(0, 3), state(3, 3)), (State::NoAccess, State::NoAccess), "a column the account may not read");
    let reasons: Vec<&str> = plan.skipped().iter().map(|s| s.reason.as_str()).collect();
    let unknown = "organisation unit Uaaaaaaaaa7 is not known to DHIS2, or not shown to this account (S34)";
    assert_eq!(reasons, ["no external id", "external id \"not an id\" is not an organisation unit id", unknown]);
    assert_eq!(
        parts.iter().map(|p| (p.facility, p.data_set.as_str())).collect::<Vec<_>>(),
        [(0, "s1"), (0, "s3"), (1, "s1")]
    );
}
