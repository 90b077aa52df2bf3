//! How a file is written: encoding, separators, line ends, header, blank rows (fault matrix rows M01 to M07).

use onse::domain::mapping::Mapping;

use crate::{HEAD, lines, said, usable};

const ROW: &str = "beds,asCqjKclllu,q1Es3k3sZem,Lits occupés\n";

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(unit).collect()
}

#[test]
fn m01_a_byte_order_mark_is_no_part_of_the_header() {
    let mapping = Mapping::read(format!("\u{feff}{HEAD}{ROW}").as_bytes());
    assert_eq!((said(&mapping), lines(&mapping)), (Vec::new(), vec![(2, "beds")]));
}

#[test]
fn m02_the_separator_is_found_in_the_header_or_named_before_it() {
    for separator in [",", ";", "\t", "|"] {
        let text = format!("{HEAD}{ROW}").replace(',', separator);
        let mapping = Mapping::read(text.as_bytes());
        assert_eq!((said(&mapping), lines(&mapping)), (Vec::new(), vec![(2, "beds")]), "{separator:?}");
        for first in ["sep=", "SEP="] {
            let mapping = Mapping::read(format!("{first}{separator}\r\n{text}").as_bytes());
            assert_eq!((said(&mapping), lines(&mapping)), (Vec::new(), vec![(3, "beds")]), "{separator:?}");
        }
    }
    // The header decides, not the separators in names.
    let mapping = Mapping::read(
        b"case_property;data_element_id;data_set_id;dhis2_name\nbeds;asCqjKclllu;q1Es3k3sZem;Beds, all, of, them\n",
    );
    assert_eq!((said(&mapping), mapping.rows[0].name.as_str()), (Vec::new(), "Beds, all, of, them"));
}

#[test]
fn m03_lines_end_in_any_way_and_in_several() {
    let row = ROW.trim();
    for (first, second) in [("\n", "\n"), ("\r\n", "\r\n"), ("\r", "\r"), ("\r\n", "\n"), ("\r", "\r\n"), ("\n", "")] {
        let text = format!("{}{first}{row}{first}{}{second}", HEAD.trim(), row.replace("beds", "beds_used"));
        let mapping = Mapping::read(text.as_bytes());
        assert_eq!(lines(&mapping), [(2, "beds"), (3, "beds_used")], "{first:?} {second:?}");
        assert_eq!(mapping.rows[0].name, "Lits occupés");
    }
}

#[test]
fn m04_utf_16_is_read_and_windows_1252_is_told() {
    let text = format!("{HEAD}{ROW}");
    for bytes in [utf16(&text, u16::to_le_bytes), utf16(&text.replace(',', "\t"), u16::to_be_bytes)] {
        let mapping = Mapping::read(&bytes);
        assert_eq!((said(&mapping), mapping.rows[0].name.as_str()), (Vec::new(), "Lits occupés"));
    }
    let windows: Vec<u8> =
        format!("{HEAD}x,M2Pkr4zxryN,q1Es3k3sZem,X\n{ROW}").chars().map(|c| u8::try_from(c).unwrap()).collect();
    let mapping = Mapping::read(&windows);
    assert_eq!(mapping.rows[1].name, "Lits occupés");
    assert_eq!(usable(&mapping), ["x", "beds"]);
    assert_eq!(
        said(&mapping),
        [
            "line 3 \"occupés\": The file is not UTF-8. It was read as Windows-1252, in which this has the letter \"é\". Open the \
             file in the spreadsheet, look at its letters, and save it as \"CSV UTF-8\"."
        ]
    );
    assert!(!mapping.problems[0].blocks);
}

#[test]
fn m04_letters_in_doubt_are_never_silent() {
    // UTF-8 and Windows-1252 in one file.
    let mixed = [HEAD.as_bytes(), ROW.as_bytes(), b"x,M2Pkr4zxryN,q1Es3k3sZem,d\xE9c\xE8s\n"].concat();
    let mapping = Mapping::read(&mixed);
    assert_eq!(mapping.problems.len(), 1);
    assert_eq!((mapping.problems[0].line, mapping.problems[0].value.as_str()), (3, "décès"));
    assert!(
        mapping.problems[0].what.ends_with("as UTF-8 and now read wrong, on line 2 \"Ã©\" for \"é\"."),
        "{:?}",
        said(&mapping)
    );
    // A byte order mark that says something else.
    let marked = Mapping::read(&[b"\xEF\xBB\xBF".to_vec(), mixed].concat());
    assert_eq!(marked.unreadable().map(|problem| problem.line), Some(3));
    assert!(said(&marked)[0].contains("says it is UTF-8"), "{:?}", said(&marked));
    // UTF-16 with half a letter, and cut off.
    let mut units: Vec<u16> = format!("\u{feff}{HEAD}{ROW}").encode_utf16().collect();
    let at = units.iter().position(|unit| *unit == 0xE9).unwrap();
    units[at] = 0xD83D;
    let mut bytes: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
    bytes.push(0x41);
    let mapping = Mapping::read(&bytes);
    assert_eq!(usable(&mapping), ["beds"]);
    assert_eq!(mapping.rows[0].name, "Lits occup\u{fffd}s");
    let told = said(&mapping);
    assert!(told[0].starts_with("line 2: A letter of the line is damaged"), "{told:?}");
    assert!(told[1].starts_with("line 3: The file ends in the middle of a letter"), "{told:?}");
}

#[test]
fn m05_columns_stand_anywhere_and_are_named_in_many_ways() {
    for head in [
        "Note, DHIS2_Name ,DATA_SET_ID,Case_Property,data_element_id",
        "note,DHIS2 name,Data Set ID,Case Property,Data  Element\u{a0}ID",
        "\u{feff}note,dhis2-name,data-set-id,case-property,data_element-id",
        "note,“dhis2_name”,\u{200b}data_set_id,'case_property',_data_element_id_",
    ] {
        let text = format!("{head}\r\nx,\"Beds, all\",q1Es3k3sZem,beds,asCqjKclllu\r\n");
        let mapping = Mapping::read(text.as_bytes());
        assert_eq!(said(&mapping), Vec::<String>::new(), "{head}");
        let row = &mapping.rows[0];
        assert_eq!((row.line, row.property.as_str(), row.name.as_str()), (2, "beds", "Beds, all"));
        assert_eq!((row.data_element.as_str(), row.data_set.as_str()), ("asCqjKclllu", "q1Es3k3sZem"));
    }
    let text = format!("{},Kinds,relations,remark\na,asCqjKclllu,q1Es3k3sZem,A,flow,<= a,x\n", HEAD.trim());
    let mapping = Mapping::read(text.as_bytes());
    let note = |name: &str, meant: &str| {
        format!("line 1 \"{name}\": A column of this name is not used. If {meant} is meant, rename it to {meant}.")
    };
    assert_eq!(said(&mapping), [note("Kinds", "kind"), note("relations", "relation")]);
    assert_eq!((usable(&mapping), mapping.rows[0].kind, mapping.unreadable()), (vec!["a"], None, None));
}

#[test]
fn m06_a_missing_column_is_named_with_those_found_and_the_nearest() {
    let mapping = Mapping::read(b"case_property,DataElement ID,data_set_id,remark\nbeds,asCqjKclllu,q1Es3k3sZem,x\n");
    assert_eq!(
        said(&mapping),
        ["line 1: Missing: data_element_id, dhis2_name. Found: case_property, DataElement ID, data_set_id, remark. \
          Perhaps DataElement ID should read data_element_id."]
    );
    assert_eq!(mapping.unreadable(), mapping.problems.first());
    assert_eq!(usable(&mapping), Vec::<&str>::new());
    let headless = Mapping::read(b"\nbeds,asCqjKclllu,q1Es3k3sZem,x\n");
    assert!(
        said(&headless)[0].starts_with("line 2: Missing: ")
            && said(&headless)[0].ends_with(
                "The first line that is not blank must be the header, such as \
                 case_property,data_element_id,data_set_id,dhis2_name."
            ),
        "{:?}",
        said(&headless)
    );
    let twice = Mapping::read(b"case_property,data_set_id,data_element_id,Data Set ID,dhis2_name\na,b,c,d,e\n");
    assert_eq!(said(&twice), ["line 1: The column data_set_id stands twice. Rename or remove one of them."]);
    assert_eq!(usable(&twice), Vec::<&str>::new());
}

#[test]
fn m07_blank_rows_are_skipped_and_lines_stay_true() {
    for end in ["\n", "\r\n", "\r"] {
        let text = [
            "",
            "case_property,data_element_id,data_set_id,dhis2_name",
            "",
            "",
            "a,asCqjKclllu,q1Es3k3sZem,\"two",
            "lines\"",
            ",,,",
            " , , ,\u{a0}",
            "\"\",,\"\u{200b}\",,,,,",
            "b,M2Pkr4zxryN,q1Es3k3sZem,B,,",
            "",
            "c,P0YGSCM0OKb,q1Es3k3sZem,C",
        ]
        .join(end);
        let mapping = Mapping::read(text.as_bytes());
        assert_eq!(lines(&mapping), [(5, "a"), (10, "b"), (12, "c")], "{end:?}");
        assert_eq!((usable(&mapping), said(&mapping)), (vec!["a", "b", "c"], Vec::new()));
    }
}
