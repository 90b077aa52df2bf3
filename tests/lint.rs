//! What the server says against rows of a mapping, rule by rule, and what a reading keeps of it.

mod support;

use onse::{
    domain::mapping::{Mapping, Problem},
    io::dhis2::{AttributeCombo, Attributes, CategoryCombo, DataElement, DataSet, DataSetRef},
    job::{columns::Known, fetch::Ask, lint::lint},
    sandbox,
};
use support::{ORIGIN, ask, connect, read, session};

const BEDS: &str = "asCqjKclllu";
const HMIS: &str = "q1Es3k3sZem";

fn mapping(rows: &str) -> Mapping {
    Mapping::read(format!("case_property,data_element_id,data_set_id,dhis2_name\n{rows}").as_bytes())
}

/// One row of beds.
fn one() -> Mapping {
    mapping(&format!("beds,{BEDS},{HMIS},Bed Capacity\n"))
}

fn place(id: &str, name: &str) -> DataSetRef {
    DataSetRef { id: id.to_owned(), name: name.to_owned(), ..DataSetRef::default() }
}

fn beds() -> DataElement {
    DataElement {
        id: BEDS.to_owned(),
        name: "Bed Capacity".to_owned(),
        value_type: Some("INTEGER".to_owned()),
        aggregation_type: Some("SUM".to_owned()),
        domain_type: Some("AGGREGATE".to_owned()),
        category_combo: Some(combo(1)),
        data_sets: vec![place(HMIS, "HMIS-15")],
        ..DataElement::default()
    }
}

fn hmis() -> DataSet {
    DataSet {
        id: HMIS.to_owned(),
        name: "HMIS-15".to_owned(),
        period_type: Some("Quarterly".to_owned()),
        elements: vec![BEDS.to_owned()],
        ..DataSet::default()
    }
}

fn combo(parts: usize) -> CategoryCombo {
    let options = Some((0..parts).map(|part| format!("option{part}")).collect());
    CategoryCombo { name: "Sex".to_owned(), options, ..CategoryCombo::default() }
}

fn of(mapping: &Mapping, elements: &[DataElement], sets: &[DataSet]) -> Vec<Problem> {
    lint(mapping, Known { elements: Some(elements), sets: Some(sets) })
}

/// The only thing said of the row, whether it blocks, and its column.
#[track_caller]
fn says(element: DataElement, set: DataSet, parts: &[&str], column: &str, blocks: bool) {
    let found = of(&one(), &[element], &[set]);
    let [problem] = found.as_slice() else { panic_with(&found) };
    assert_eq!((problem.line, problem.column, problem.blocks), (2, Some(column), blocks), "{problem}");
    for part in parts {
        assert!(problem.what.contains(part), "{part}: {problem}");
    }
}

#[expect(clippy::panic, reason = "the test's answer")]
#[track_caller]
fn panic_with(found: &[Problem]) -> ! {
    panic!("{found:#?}")
}

fn element(change: impl FnOnce(&mut DataElement)) -> DataElement {
    let mut element = beds();
    change(&mut element);
    element
}

fn set(change: impl FnOnce(&mut DataSet)) -> DataSet {
    let mut set = hmis();
    change(&mut set);
    set
}

#[test]
fn a_row_the_server_bears_out_has_nothing_said_of_it() {
    assert_eq!(of(&one(), &[beds()], &[hmis()]), []);
    for known in [
        Known::default(),
        Known { elements: Some(&[beds()]), sets: None },
        Known { elements: None, sets: Some(&[hmis()]) },
    ] {
        assert_eq!(lint(&one(), known), [], "what is not told is not held against a row");
    }
    // Spaces and letter case of a name are nothing.
    let spaced = mapping(&format!("beds,{BEDS},{HMIS},  BED  capacity \n"));
    assert!(of(&spaced, &[beds()], &[hmis()]).iter().all(|one| one.column != Some("dhis2_name")));
}

#[test]
fn the_kind_of_number_is_looked_at() {
    let typed = |value_type: &str| {
        let value_type = value_type.to_owned();
        element(|it| (it.value_type, it.category_combo) = (Some(value_type), Some(combo(2))))
    };
    let column = "data_element_id";
    for value_type in ["TEXT", "DATE", "PHONE_NUMBER", "FILE_RESOURCE"] {
        says(typed(value_type), hmis(), &["keeps no number", value_type, "holds numbers"], column, true);
    }
    for value_type in ["BOOLEAN", "TRUE_ONLY"] {
        says(typed(value_type), hmis(), &["yes or no", value_type, "gets no number"], column, false);
    }
    for value_type in ["PERCENTAGE", "UNIT_INTERVAL"] {
        says(typed(value_type), hmis(), &["a share", "2 category option combos are added"], column, false);
        let single = element(|it| it.value_type = Some(value_type.to_owned()));
        assert_eq!(of(&one(), &[single], &[hmis()]), [], "one part is no sum");
    }
    for value_type in ["INTEGER_ZERO_OR_POSITIVE", "NUMBER", "OF_A_LATER_VERSION"] {
        assert_eq!(of(&one(), &[typed(value_type)], &[hmis()]), []);
    }
    let tracker = element(|it| it.domain_type = Some("TRACKER".to_owned()));
    says(tracker, hmis(), &["TRACKER", "Map an aggregate data element"], column, true);
}

#[test]
fn sums_that_may_mean_nothing_are_told() {
    let column = "data_element_id";
    for unsafe_one in ["AVERAGE", "MIN", "MAX", "STDDEV", "VARIANCE", "COUNT", "NONE", "CUSTOM"] {
        let of_parts = |parts| {
            element(|it| (it.aggregation_type, it.category_combo) = (Some(unsafe_one.into()), Some(combo(parts))))
        };
        says(of_parts(4), hmis(), &[&format!("by {unsafe_one}"), "4 category option combos"], column, false);
        assert_eq!(of(&one(), &[of_parts(1)], &[hmis()]), []);
    }
    for safe in ["SUM", "LAST", "LAST_AVERAGE_ORG_UNIT", "FIRST", "AVERAGE_SUM_ORG_UNIT"] {
        let safe = element(|it| (it.aggregation_type, it.category_combo) = (Some(safe.into()), Some(combo(4))));
        assert_eq!(of(&one(), &[safe], &[hmis()]), []);
    }
    let unsaid = element(|it| (it.aggregation_type, it.category_combo) = (Some("AVERAGE".into()), None));
    assert_eq!(of(&one(), &[unsaid], &[hmis()]), [], "how many parts is not told");
    let skip = |parts| element(|it| it.category_combo = Some(CategoryCombo { skip_total: true, ..combo(parts) }));
    says(skip(2), hmis(), &["categories of Sex", "skipTotal"], column, false);
    assert_eq!(of(&one(), &[skip(1)], &[hmis()]), []);
    // Split on this data set, if not by itself.
    let split = element(|it| {
        it.aggregation_type = Some("MAX".into());
        it.data_sets[0].category_combo = Some(combo(3));
    });
    says(split, hmis(), &["by MAX", "3 category option combos"], column, false);
    let payers = |count| {
        let combos = (0..count).map(|_| AttributeCombo::default()).collect();
        set(|it| it.attributes = Some(Attributes { name: "Funding source".into(), combos }))
    };
    says(beds(), payers(2), &["split by Funding source into 2", "added up"], "data_set_id", false);
    assert_eq!(of(&one(), &[beds()], &[payers(1)]), []);
}

#[test]
fn ids_that_do_not_fit_are_told_with_the_nearest_right_value() {
    let column = "data_set_id";
    let other = set(|it| (it.id, it.name, it.elements) = ("iTo9FkAJTSl".into(), "Environment".into(), Vec::new()));
    let strays = mapping(&format!(
        "beds,{BEDS},iTo9FkAJTSl,\nwait,{BEDS},,\nlost,{BEDS},zzzzzzzzzzz,\ngone,zzzzzzzzzzy,{HMIS},\n"
    ));
    let found = of(&strays, &[beds()], &[hmis(), other]);
    let said: Vec<(u64, &str, bool, &str)> =
        found.iter().map(|one| (one.line, one.column.unwrap(), one.blocks, one.what.as_str())).collect();
    let stands = "stands in q1Es3k3sZem HMIS-15";
    let [outside, waits, lost, gone] = said.as_slice() else { panic_with(&found) };
    assert_eq!((outside.0, outside.1, outside.2), (2, column, true));
    assert!(outside.3.contains("is not in data set iTo9FkAJTSl; it stands in q1Es3k3sZem HMIS-15"), "{outside:?}");
    assert_eq!((waits.0, waits.1, waits.2), (3, column, false));
    assert!(waits.3.contains(stands), "{waits:?}");
    assert_eq!((lost.0, lost.1, lost.2), (4, column, true));
    assert!(lost.3.contains("does not show a data set zzzzzzzzzzz") && lost.3.contains(stands), "{lost:?}");
    assert_eq!((gone.0, gone.1, gone.2), (5, "data_element_id", true));
    assert!(gone.3.contains("does not show a data element zzzzzzzzzzy") && gone.3.contains("tab 5"), "{gone:?}");
    assert!(
        found[3].to_string().starts_with("line 5, data_element_id \"zzzzzzzzzzy\": DHIS2 does not"),
        "{}",
        found[3]
    );
    // In many, or in none.
    let many = element(|it| it.data_sets = (0..7).map(|n| place(&format!("S{n:010}"), "Set")).collect());
    says(many, set(|it| it.elements.clear()), &["S0000000000 Set, ", "S0000000004 Set and 2 more"], column, true);
    let none = element(|it| it.data_sets.clear());
    says(none, set(|it| it.elements.clear()), &["it stands in no data set, so nobody can report on it"], column, true);
}

#[test]
fn period_types_and_names_are_compared() {
    let timed = |period: &str| set(|it| it.period_type = Some(period.to_owned()));
    let column = "data_set_id";
    says(beds(), timed("Monthly"), &["q1Es3k3sZem HMIS-15 is Monthly", "--finer q1Es3k3sZem=by-type"], column, false);
    for other in ["Yearly", "Weekly", "QuarterlyNov", "\u{1b}[2J"] {
        says(beds(), timed(other), &["q1Es3k3sZem HMIS-15 is ", "quarterly data set"], column, true);
    }
    let unfit = element(|it| it.aggregation_type = Some("MIN".into()));
    says(unfit, timed("Monthly"), &["aggregated by MIN"], column, true);
    let renamed = element(|it| it.name = "Beds, all".into());
    says(renamed, hmis(), &["calls the data element asCqjKclllu \"Beds, all\""], "dhis2_name", false);
    assert_eq!(of(&mapping(&format!("beds,{BEDS},{HMIS},\n")), &[beds()], &[hmis()]), [], "no name is no other name");
}

#[test]
fn hostile_server_text_is_inert_and_short() {
    let hostile = format!("\u{1b}]0;x\u{7}\u{202e}\r\n{}", "x".repeat(10_000));
    for (element, set) in [
        (element(|it| it.name = hostile.clone()), hmis()),
        (element(|it| it.value_type = Some("\u{1b}TEXT".into())), set(|it| it.name = hostile.clone())),
        (element(|it| it.data_sets = vec![place("\u{1b}[2J", &hostile)]), set(|it| it.elements.clear())),
        (beds(), set(|it| (it.period_type, it.name) = (Some("\u{9b}2J".into()), hostile.clone()))),
    ] {
        for problem in of(&one(), &[element], &[set]) {
            let text = problem.to_string();
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text}");
            assert!(text.chars().count() < 1_000, "{}", text.chars().count());
        }
    }
}

#[test]
fn rows_the_file_blocks_are_not_asked_about() {
    let rows = mapping(&format!(
        "beds,nonsense,{HMIS},x\nclose,{BEDS},{HMIS},other\ntwice,{BEDS},{HMIS},\ntwice,{BEDS},{HMIS},\n"
    ));
    assert_eq!(of(&rows, &[beds()], &[hmis()]), []);
}

/// What the file says and what the server says stand in the plan together, each once, in the order of the lines.
#[tokio::test]
async fn a_plan_holds_the_problems_of_the_file_and_of_the_server() {
    let sandbox = support::sandbox(20);
    let rows = mapping(&format!(
        "wait,{},,\nbeds,{BEDS},{HMIS},Other Name\ngone,zzzzzzzzzzz,{HMIS},\nfever,{},{},\n",
        sandbox::SHARED_ELEMENT,
        sandbox::MONTHLY_SUM,
        sandbox::MONTHLY_SET
    ));
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let opened = read(&session, &Ask { mapping: rows, ..ask(&[]) }).await.unwrap();
    let problems = &opened.plan.head.mapping_problems;
    let starts = [
        "line 2, data_set_id: The data set is not known yet",
        "line 2, data_set_id: Data element QtSputumPt1 stands in MoTbCommun1",
        "line 3, dhis2_name \"Other Name\": DHIS2 calls",
        "line 4, data_element_id \"zzzzzzzzzzz\": DHIS2 does not show",
        "line 5, data_set_id \"MoHMonthly1\": Data set MoHMonthly1",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:#?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{start}: {problem}");
    }
    // The built-in mapping is one nothing is said against.
    let folder = tempfile::tempdir().unwrap();
    let session = support::session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let opened = read(&session, &ask(&[])).await.unwrap();
    assert_eq!(opened.plan.head.mapping_problems, Vec::<String>::new());
}
