//! What stands in the cells: quotes, spaces, ids, names, formulas, and rows that do not go together (fault matrix rows M08 to M16
//! and M22).

use onse::domain::mapping::{Mapping, Problem};

use crate::{HEAD, lines, said, usable, with};

const LOOKS: &str = "A DHIS2 id is a letter followed by ten letters or digits, such as asCqjKclllu.";
const ALIKE: &str = "Tab 5, or `onse data-sets`, looks for data elements of the same name.";

#[test]
fn m08_quotes_of_csv_are_read_and_curly_ones_left_out_with_a_note() {
    let mapping = with("\"beds\",\"asCqjKclllu\",q1Es3k3sZem,\"Beds, \"\"all\"\" of\nthem\"\n");
    assert_eq!(said(&mapping), Vec::<String>::new());
    assert_eq!(mapping.rows[0].name, "Beds, \"all\" of\nthem");
    let mapping = with(
        "a,“asCqjKclllu”,q1Es3k3sZem,A\n\
                        b,M2Pkr4zxryN,q1Es3k3sZem,“B”\n\
                        ‘c’,P0YGSCM0OKb,\"\"\"q1Es3k3sZem\"\"\",C\n\
                        d,« dmyxAlzfCiK »,'q1Es3k3sZem,D\n",
    );
    assert_eq!(usable(&mapping), ["a", "b", "c", "d"]);
    let ids: Vec<&str> = mapping.rows.iter().map(|row| row.data_element.as_str()).collect();
    assert_eq!(ids, ["asCqjKclllu", "M2Pkr4zxryN", "P0YGSCM0OKb", "dmyxAlzfCiK"]);
    assert!(mapping.rows.iter().all(|row| row.data_set == "q1Es3k3sZem"));
    assert_eq!(mapping.rows[1].name, "“B”");
    assert_eq!(
        said(&mapping),
        ["line 2: Quotes are left out of properties and ids, on lines 2, 4 and 5. Nothing needs to be done."]
    );
    assert!(!mapping.problems[0].blocks);
}

#[test]
fn m08_curly_quotes_do_not_hold_a_text_together() {
    let mapping = with("beds,asCqjKclllu,q1Es3k3sZem,“Beds, all”\nb,M2Pkr4zxryN,q1Es3k3sZem,Beds, all\n");
    assert_eq!(
        said(&mapping),
        [
            "line 2 \" all”\": The row has 5 values, the header 4 columns. Curly quotes do not hold a text with a comma together: \
             CSV needs straight ones (\").",
            "line 3 \" all\": The row has 5 values, the header 4 columns. Put quotes around a text that contains a comma.",
        ]
    );
    assert_eq!(usable(&mapping), Vec::<&str>::new());
    let tabs = Mapping::read(format!("{HEAD}b,M2Pkr4zxryN,q1Es3k3sZem,Beds, all\n").replace(',', ";").as_bytes());
    assert!(said(&tabs)[0].ends_with("Put quotes around a text that contains a semicolon."), "{:?}", said(&tabs));
}

#[test]
fn m09_what_cannot_be_seen_is_left_out_and_told_once() {
    let mapping = with(
        "a,\u{200b}asCqjKclllu\u{a0},q1Es3k3sZem,  A\u{a0}a \n\
                        b,M2Pkr\u{ad}4zxryN,q1Es3\u{a0}k3sZem,B\n\
                        \u{202a}c\u{202c},\u{feff}P0YGSCM0OKb,q1E\u{200d}s3k3sZem\t,C\n\
                        d,dmyxAlzfCiK,q1Es3k3sZem, D\n",
    );
    assert_eq!(usable(&mapping), ["a", "b", "c", "d"]);
    let ids: Vec<&str> = mapping.rows.iter().map(|row| row.data_element.as_str()).collect();
    assert_eq!(ids, ["asCqjKclllu", "M2Pkr4zxryN", "P0YGSCM0OKb", "dmyxAlzfCiK"]);
    assert!(mapping.rows.iter().all(|row| row.data_set == "q1Es3k3sZem"));
    assert_eq!(mapping.rows[0].name, "A\u{a0}a");
    let what = "Spaces and characters that cannot be seen are left out of properties and ids, on lines 2, 3 and 4. Nothing needs \
                to be done.";
    assert_eq!(said(&mapping), [format!("line 2: {what}")]);
    assert!(!mapping.problems[0].blocks);
    // An ordinary space inside an id, and any space inside a name, is a mistake that only a person can mend.
    let inside = with("beds all,asCqj Kcllu,q1Es3k3sZem,A\nbeds\u{a0}all,asCqjKclllu,q1Es3k3sZem,A\n");
    assert_eq!((inside.rows[0].property.as_str(), inside.rows[0].data_element.as_str()), ("beds all", "asCqj Kcllu"));
    assert_eq!(inside.rows[1].property, "beds\u{a0}all");
    assert_eq!(usable(&inside), Vec::<&str>::new());
}

#[test]
fn m10_a_wrong_id_is_told_with_its_place_and_its_wrong_letter() {
    let mapping = with(
        "a,asCqjKcllu,q1Es3k3sZem,A\n\
                        b,asCqjKclllu,1Es3k3sZemq,B\n\
                        c,,q1Es3k3sZem,C\n\
                        d,asCqj-KclllZZ,q1Es3k3sZem,D\n\
                        e,аsCqjKclllu,q1Es3k3sZem,E\n\
                        f,asC qjKclll,q1Es3k3sZem,F\n\
                        g,a.b.c.d.e.f,q1Es3k3sZem,G\n\
                        h,M2Pkr4zxryN,q1Es3k3sZem,H\n",
    );
    assert_eq!(usable(&mapping), ["h"]);
    let element = |line: u64, value: &str, why: &str| {
        format!("line {line}, data_element_id \"{value}\": This is no id: {why}. {LOOKS} {ALIKE}")
    };
    let sets = "Tab 5, or `onse data-sets`, lists the data sets of the data element.";
    assert_eq!(
        said(&mapping),
        [
            element(2, "asCqjKcllu", "it has 10 characters, 1 too few"),
            format!(
                "line 3, data_set_id \"1Es3k3sZemq\": This is no id: character 1 is a digit, not a letter. {LOOKS} {sets}"
            ),
            format!("line 4, data_element_id: There is no id. {LOOKS} {ALIKE}"),
            element(
                5,
                "asCqj-KclllZZ",
                "it has 13 characters, 2 too many, and character 6, \"-\", is neither a letter nor a digit"
            ),
            element(6, "аsCqjKclllu", "character 1, \"а\" (U+0430), is none of a to z, though it may look like one"),
            element(7, "asC qjKclll", "character 4 is a space"),
            element(8, "a.b.c.d.e.f", "several of its characters are neither letters a to z nor digits"),
        ]
    );
    assert!(mapping.problems.iter().all(|problem| problem.blocks));
}

#[test]
fn m11_what_a_spreadsheet_made_of_an_id_is_named() {
    let again = "Format the column as Text, then paste the id again.";
    for (values, reason, remedy) in [
        (
            &["2-Mar", "Mar-21", "01/03/2026", "2026-03-01", "2026-03-01 00:00:00"][..],
            "a spreadsheet made a date or time of what stood here",
            again,
        ),
        (&["1.23E+45", "\"1,23E+10\""], "a spreadsheet made a number of what stood here and shortened it", again),
        (&["12", "4210000000"], "it is a number, and a spreadsheet drops zeros", again),
        (&["#NAME?", "#REF!", "#N/A"], "it is the error of a spreadsheet formula", again),
        (
            &["########"],
            "the column was too narrow",
            "Make the column wider, format it as Text, then paste the id again.",
        ),
        (&["TRUE", "false"], "a spreadsheet made TRUE or FALSE of what stood here", again),
    ] {
        for value in values {
            let mapping = with(&format!("a,{value},{value},A\n"));
            assert_eq!(usable(&mapping), Vec::<&str>::new(), "{value}");
            for (problem, column) in mapping.problems.iter().zip(["data_element_id", "data_set_id"]) {
                assert_eq!((problem.column, problem.value.as_str()), (Some(column), value.trim_matches('"')));
                assert!(problem.what.starts_with(&format!("This is no id: {reason}")), "{problem}");
                assert!(problem.what.contains(&format!("{remedy} {LOOKS}")), "{problem}");
            }
            assert_eq!(mapping.problems.len(), 2);
        }
    }
    let name = with("2-Mar,asCqjKclllu,q1Es3k3sZem,A\n");
    assert!(said(&name)[0].ends_with("then paste the name of the property again."), "{:?}", said(&name));
    let head = format!("{},kind,relation\n", HEAD.trim());
    let rule = Mapping::read(format!("{head}a,asCqjKclllu,q1Es3k3sZem,A,,#NAME?\n").as_bytes());
    assert!(said(&rule)[0].contains("A spreadsheet took it for a formula"), "{:?}", said(&rule));
    assert_eq!(usable(&rule), ["a"]);
}

#[test]
fn m12_a_property_in_two_rows_blocks_both() {
    let mapping =
        with("beds,asCqjKclllu,q1Es3k3sZem,A\nlatrines,u5erlSYbxTU,iTo9FkAJTSl,B\n beds ,M2Pkr4zxryN,uk3Vkwy5cIe,C\n");
    assert_eq!(usable(&mapping), ["latrines"]);
    let twice: Vec<&Problem> = mapping.problems.iter().filter(|found| found.blocks).collect();
    assert_eq!(twice.iter().map(|found| found.line).collect::<Vec<_>>(), [2, 4]);
    let what = "The property stands on lines 2 and 4, so which one counts is not clear. Keep one of these rows.";
    assert!(twice.iter().all(|found| found.value == "beds" && found.what == what), "{twice:?}");
}

#[test]
fn m13_an_element_in_two_rows_is_allowed_with_a_note() {
    let mapping = with("a,asCqjKclllu,q1Es3k3sZem,A\nb,asCqjKclllu,q1Es3k3sZem,A\n");
    assert_eq!(usable(&mapping), ["a", "b"]);
    assert_eq!(mapping.problems.len(), 2);
    assert!(mapping.problems.iter().all(|found| !found.blocks && found.what.contains("lines 2 and 3")));
    let errors = with("a,#N/A,q1Es3k3sZem,A\nb,#N/A,q1Es3k3sZem,A\n");
    assert!(errors.problems.iter().all(|found| found.what.starts_with("This is no id")), "{:?}", said(&errors));
}

#[test]
fn m14_a_wrong_name_is_told_with_the_nearest_right_one() {
    for (name, meant) in [
        ("dhis beds", "dhis_beds"),
        ("dhis\u{a0}beds / all", "dhis_beds_all"),
        ("_beds", "beds"),
        ("Décès (<5)", "Deces_5"),
        ("dhis:beds", "dhis_beds"),
    ] {
        let mapping = with(&format!("{name},asCqjKclllu,q1Es3k3sZem,A\n"));
        let told = said(&mapping);
        assert_eq!((usable(&mapping), told.len()), (Vec::new(), 1));
        assert!(told[0].starts_with("line 2, case_property \"") && told[0].contains("The name "), "{told:?}");
        assert!(
            told[0].contains(&format!("Perhaps \"{meant}\" is meant. Write the name of the case property")),
            "{told:?}"
        );
    }
    for name in ["9beds", "xml_beds", "床"] {
        let told = said(&with(&format!("{name},asCqjKclllu,q1Es3k3sZem,A\n")));
        assert!(told.len() == 1 && !told[0].contains("Perhaps"), "{told:?}");
    }
    let reserved = with("owner_id,asCqjKclllu,q1Es3k3sZem,A\n");
    assert_eq!(
        said(&reserved),
        [
            "line 2, case_property \"owner_id\": The name is reserved by CommCare for the case itself. Write the name of the case \
          property as it is in CommCare."
        ]
    );
    let case = with("beds,asCqjKclllu,q1Es3k3sZem,A\nx,P0YGSCM0OKb,q1Es3k3sZem,X\nBeds,M2Pkr4zxryN,q1Es3k3sZem,B\n");
    assert_eq!(usable(&case), ["beds", "x", "Beds"]);
    assert_eq!(
        case.problems.iter().map(|problem| (problem.line, problem.blocks)).collect::<Vec<_>>(),
        [(2, false), (4, false)]
    );
    assert!(case.problems[0].what.starts_with("The properties on lines 2 and 4 differ only in"), "{:?}", said(&case));
}

#[test]
fn m15_an_empty_data_set_waits() {
    let mapping = with("a,asCqjKclllu,,A\n");
    assert_eq!(usable(&mapping), Vec::<&str>::new());
    assert_eq!(
        said(&mapping),
        [
            "line 2, data_set_id: The data set is not known yet, so the row waits. Tab 5, or `onse data-sets`, lists those it can \
          be; the file stays as it is until you choose."
        ]
    );
    assert!(!mapping.problems[0].blocks);
    assert_eq!(mapping.unreadable(), None);
}

#[test]
fn m16_no_row_is_ever_dropped() {
    let text = format!(
        "{HEAD}a,Zzzzzzzzzz1,q1Es3k3sZem,No longer there\n,,,name only\nx,#REF!\n9,,q1Es3k3sZem,\na,asCqjKclllu,,A,too,many\n"
    );
    let mapping = Mapping::read(text.as_bytes());
    assert_eq!(lines(&mapping), [(2, "a"), (3, ""), (4, "x"), (5, "9"), (6, "a")]);
    assert_eq!(mapping.rows[0].data_element, "Zzzzzzzzzz1");
    assert_eq!(mapping.bytes(), text.as_bytes());
    let told: Vec<(u64, Option<&str>)> =
        mapping.problems.iter().map(|problem| (problem.line, problem.column)).collect();
    let mut sorted = told.clone();
    let order = [None, Some("case_property"), Some("data_element_id"), Some("data_set_id")];
    sorted.sort_by_key(|(line, column)| (*line, order.iter().position(|known| known == column)));
    assert_eq!(told, sorted, "line by line, and the columns as they stand");
    assert!((2..=6).all(|line| told.iter().any(|(told, _)| *told == line)), "{told:?}");
}

#[test]
fn m22_a_formula_is_text() {
    for (value, remedy) in [
        ("=B2", "Format the column as Text, then put the id itself there."),
        ("\"=VLOOKUP(A2,ids!A:B,2,0)\"", "Format the column as Text, then put the id itself there."),
        ("+B2", "Format the column as Text, then put the id itself there."),
        ("-B2", "Format the column as Text, then put the id itself there."),
        ("@B2", "Format the column as Text, then put the id itself there."),
        ("\"=\"\"asCqjKclllu\"\"\"", "Put the id itself there, without = and quotes: asCqjKclllu."),
        ("=\"asCqjKclllu\"", "Put the id itself there, without = and quotes: asCqjKclllu."),
    ] {
        let mapping = with(&format!("a,{value},q1Es3k3sZem,A\n"));
        assert_eq!(usable(&mapping), Vec::<&str>::new(), "{value}");
        assert!(mapping.rows[0].data_element.starts_with(['=', '+', '-', '@']), "kept as it is: {value}");
        let what = format!(
            "This is no id: it is a formula, which is read as text and never worked out. {remedy} {LOOKS} {ALIKE}"
        );
        assert_eq!(mapping.problems[0].what, what);
        assert_eq!(mapping.problems.len(), 1);
    }
    let property = with("=A1,asCqjKclllu,q1Es3k3sZem,A\n");
    assert!(said(&property)[0].contains("it is a formula") && usable(&property).is_empty(), "{:?}", said(&property));
    let name = with("a,asCqjKclllu,q1Es3k3sZem,=1+1\nb,M2Pkr4zxryN,q1Es3k3sZem,- of which new\n");
    assert_eq!((usable(&name), name.rows[0].name.as_str()), (vec!["a", "b"], "=1+1"));
    assert_eq!(name.problems.len(), 1);
    assert!(
        said(&name)[0].starts_with("line 2, dhis2_name \"=1+1\": This begins like a formula."),
        "{:?}",
        said(&name)
    );
}
