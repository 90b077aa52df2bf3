//! What is read and what is told beside the rows of the fault matrix: the fingerprint, the optional columns, names and ids.

use onse::domain::flags::{Kind, Relation};
use onse::domain::mapping::{Mapping, is_uid, property_fault};

use crate::{said, usable, with};

#[test]
fn the_built_in_mapping_has_21_usable_rows_and_no_problem() {
    let mapping = Mapping::built_in();
    assert_eq!(said(&mapping), Vec::<String>::new());
    assert_eq!(mapping.usable().count(), 21);
    assert_eq!(mapping.unreadable(), None);
    let malaria = &mapping.rows[2];
    assert_eq!(malaria.line, 4);
    assert_eq!(malaria.property, "dhis_suspected_malaria_cases_under_5yrs");
    assert_eq!((malaria.data_element.as_str(), malaria.data_set.as_str()), ("ttpMSWCCq6s", "uk3Vkwy5cIe"));
    assert_eq!(malaria.name, "HMIS17 Malaria Under 5 years  Admissions");
}

#[test]
fn the_fingerprint_is_that_of_the_bytes() {
    assert_eq!(Mapping::read(b"").hash(), "cbf29ce484222325");
    assert_eq!(Mapping::read(b"a").hash(), "af63dc4c8601ec8c");
    assert_eq!(Mapping::read(b"foobar").hash(), "85944171f73967e8");
}

#[test]
fn a_column_twice_is_refused() {
    let mapping = Mapping::read(b"case_property,data_set_id,data_element_id,data_set_id,dhis2_name\na,b,c,d,e\n");
    assert_eq!(said(&mapping), ["line 1: The column data_set_id stands twice. Rename or remove one of them."]);
    assert_eq!(usable(&mapping), Vec::<&str>::new());
}

#[test]
fn kind_and_relation_may_stand_anywhere_be_empty_or_absent() {
    let text = "relation,case_property,data_element_id,note,data_set_id,dhis2_name,Kind\n\
                ,dhis_started,asCqjKclllu,x,q1Es3k3sZem,A,\n\
                <= started,dhis_cured,M2Pkr4zxryN,x,q1Es3k3sZem,B, Level \n\
                \"= dhis_cured + dhis_dead\",total,P0YGSCM0OKb,x,q1Es3k3sZem,C,cumulative 7\n\
                \u{a0},dhis_dead,dmyxAlzfCiK,x,q1Es3k3sZem,D\n";
    let mapping = Mapping::read(text.as_bytes());
    assert_eq!(said(&mapping), Vec::<String>::new());
    let kinds: Vec<Option<Kind>> = mapping.rows.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [None, Some(Kind::Level), Some(Kind::Cumulative { from: 7 }), None]);
    let relations: Vec<Option<String>> =
        mapping.rows.iter().map(|row| row.relation.as_ref().map(ToString::to_string)).collect();
    let expected = [None, Some("dhis_cured <= dhis_started"), Some("total = dhis_cured + dhis_dead"), None];
    assert_eq!(relations, expected.map(|text| text.map(str::to_owned)));
    let without = with("dhis_started,asCqjKclllu,q1Es3k3sZem,A\n");
    assert_eq!((without.rows[0].kind, &without.rows[0].relation), (None, &None));
}

#[test]
fn a_kind_or_relation_that_cannot_be_read_is_told_and_does_not_block() {
    let text = "case_property,data_element_id,data_set_id,dhis2_name,kind,relation\n\
                dhis_started,asCqjKclllu,q1Es3k3sZem,A,cumulative,\n\
                dhis_cured,M2Pkr4zxryN,q1Es3k3sZem,B,levl,<= startd\n\
                beds,P0YGSCM0OKb,q1Es3k3sZem,C,flow,started\n\
                ,dmyxAlzfCiK,q1Es3k3sZem,D,,<= beds\n";
    let mapping = Mapping::read(text.as_bytes());
    assert_eq!(usable(&mapping), ["dhis_started", "dhis_cured", "beds"]);
    let expected = [
        (
            "line 2, kind \"cumulative\": ",
            "such as cumulative 7. Until then DHIS2's aggregation type decides the kind.",
        ),
        ("line 3, kind \"levl\": ", "Perhaps level is meant"),
        ("line 3, relation \"<= startd\": ", "Perhaps \"started\" is meant. Until then the row has no relation."),
        ("line 4, relation \"started\": ", "no <=, >= or ="),
        ("line 5, case_property: ", "is empty"),
    ];
    let told = said(&mapping);
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (told, (start, part)) in told.iter().zip(expected) {
        assert!(told.starts_with(start) && told.contains(part), "{told}");
    }
    assert!(mapping.rows[..2].iter().all(|row| row.kind.is_none() && row.relation.is_none()));
    assert_eq!(mapping.rows[2].kind, Some(Kind::Flow));
}

#[test]
fn an_optional_column_twice_is_told_and_left_out() {
    for column in ["kind", "relation"] {
        let head = format!("{column},case_property,data_element_id,data_set_id,dhis2_name,{column}\n");
        let mapping = Mapping::read(format!("{head},a,asCqjKclllu,q1Es3k3sZem,A,\n").as_bytes());
        let what = format!("The column {column} stands twice, so neither is used. Rename or remove one of them.");
        assert_eq!(said(&mapping), [format!("line 1, {column}: {what}")]);
        assert_eq!((mapping.usable().count(), mapping.unreadable()), (1, None));
    }
}

#[test]
fn the_relations_of_usable_rows_come_first_and_once() {
    let text = "case_property,data_element_id,data_set_id,dhis2_name,relation\n\
                a,asCqjKclllu,q1Es3k3sZem,A,<= b + c\n\
                b,M2Pkr4zxryN,q1Es3k3sZem,B,<= c\n\
                c,none,q1Es3k3sZem,C,<= b\n";
    let mapping = Mapping::read(text.as_bytes());
    let more = ["a <= c + b", "a >= b"]
        .map(|text| Relation::parse(text).and_then(|rule| rule.among(&mapping.properties())).unwrap());
    let all: Vec<String> = mapping.relations(&more).iter().map(ToString::to_string).collect();
    assert_eq!(all, ["a <= b + c", "b <= c", "a >= b"]);
}

#[test]
fn property_names_follow_the_rules_of_xml_and_of_commcare() {
    for name in ["beds", "Beds", "b", "a.b-c_9", "dhis_what_is_the_total_number_of_beds_at_the_facility", "names"] {
        assert_eq!(property_fault(name), None, "{name}");
    }
    for name in ["", "9beds", "_beds", "-x", ".x", "a b", "a:b", "bédés", "é", "xml", "XmlData", "a/b", "a<b", "a\u{0}"]
    {
        assert!(property_fault(name).is_some(), "{name:?}");
    }
    for name in [
        "case_id",
        "date_modified",
        "create",
        "update",
        "close",
        "index",
        "attachment",
        "case_type",
        "case_name",
        "external_id",
        "owner_id",
        "user_id",
        "date_opened",
        "name",
        "location_id",
        "hq_user_id",
        "type",
        "closed",
        "domain",
    ] {
        assert_eq!(property_fault(name), Some("is reserved by CommCare for the case itself"), "{name}");
    }
    let mapping = with("owner_id,asCqjKclllu,q1Es3k3sZem,A\n");
    assert_eq!(usable(&mapping), Vec::<&str>::new());
    assert_eq!((mapping.problems[0].line, mapping.problems[0].column), (2, Some("case_property")));
}

#[test]
fn ids_are_eleven_ascii_letters_and_digits_with_a_letter_first() {
    assert!(is_uid("asCqjKclllu") && is_uid("a1234567890"));
    for id in ["", "asCqjKclll", "asCqjKcllluu", "1sCqjKclllu", "asCqj-clllu", "asCqjKclllé", "asCqj clllu"] {
        assert!(!is_uid(id), "{id}");
    }
}

#[test]
fn a_comma_without_quotes_blocks_its_row() {
    let mapping = with("a,asCqjKclllu,q1Es3k3sZem,Beds, all\n");
    assert_eq!(usable(&mapping), Vec::<&str>::new());
    assert!(said(&mapping)[0].contains("5 values, the header 4 columns"), "{:?}", said(&mapping));
}

#[test]
fn a_short_row_names_what_is_absent() {
    let mapping = with("a,asCqjKclllu\nb\n");
    assert_eq!(usable(&mapping), Vec::<&str>::new());
    let columns: Vec<_> = mapping.problems.iter().map(|found| (found.line, found.column)).collect();
    assert_eq!(columns, [(2, Some("data_set_id")), (3, Some("data_element_id")), (3, Some("data_set_id"))]);
}

#[test]
fn an_open_quote_that_swallows_rows_is_seen() {
    let open = with("a,asCqjKclllu,q1Es3k3sZem,\"A\nb,M2Pkr4zxryN,q1Es3k3sZem,B\nc,P0YGSCM0OKb,q1Es3k3sZem,C\n");
    assert_eq!(usable(&open), Vec::<&str>::new());
    assert!(said(&open)[0].contains("swallows the rows after it"), "{:?}", said(&open));
    let closed_later =
        with("a,asCqjKclllu,q1Es3k3sZem,\"A\nb,M2Pkr4zxryN,q1Es3k3sZem,B\nc,P0YGSCM0OKb,q1Es3k3sZem,\"C\"\n");
    assert_eq!(usable(&closed_later), Vec::<&str>::new());
}

#[test]
fn a_value_with_escape_sequences_is_inert_and_short_in_a_message() {
    let mapping = with(&format!("a,\u{1b}[2J\u{202e}{},q1Es3k3sZem,A\n", "x".repeat(500)));
    let text = mapping.problems[0].to_string();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    assert!(text.len() < 300, "{text}");
}
