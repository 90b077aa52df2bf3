//! `onse data-sets` from outside: what is listed, what a choice changes and what it refuses, JSON, and the exit codes of a mapping that
//! cannot be read as meant.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{
    between::Mode,
    rig::{Home, Ran, Servers, ready},
    trouble::through,
};

const BUILT_IN: &str = include_str!("../../case_property_map.csv");
const BEDS: &str = "dhis_what_is_the_total_number_of_beds_at_the_facility";
const HMIS: &str = "q1Es3k3sZem";
const MONTHLY_ROW: &str = "dhis_fever,MoFeverU5yr,,HMIS15 Fever Cases under 5\n";

/// The built-in mapping with the data set of the beds left empty.
fn waiting() -> String {
    let line = BUILT_IN.lines().find(|line| line.starts_with(BEDS)).unwrap();
    BUILT_IN.replace(line, &line.replace(HMIS, ""))
}

/// A home with a sandbox and this mapping in its folder.
fn with(mapping: impl AsRef<[u8]>) -> (Home, Servers) {
    let (home, servers) = ready();
    fs::write(home.path("case_property_map.csv"), mapping).unwrap();
    (home, servers)
}

fn mapping(home: &Home) -> Vec<u8> {
    fs::read(home.path("case_property_map.csv")).unwrap()
}

/// Files of the folder itself, without settings and log.
fn here(home: &Home) -> Vec<PathBuf> {
    let folder = home.path("");
    let known = ["config.toml", "secrets.toml"].map(|name| home.path(name));
    let files = home.files().into_iter().map(|(path, _)| path);
    files.filter(|path| path.parent() == folder.parent().map(|_| folder.as_path()) && !known.contains(path)).collect()
}

fn entry<'j>(json: &'j Value, property: &str) -> &'j Value {
    json["entries"].as_array().unwrap().iter().find(|entry| entry["property"] == property).unwrap()
}

fn texts(ran: &Ran, texts: &[&str]) {
    for text in texts {
        assert!(ran.out.contains(text), "\"{text}\" is missing in {}", ran.out);
    }
}

#[test]
fn m15_a_row_without_a_data_set_is_listed_first_with_what_could_stand_there() {
    let (home, _servers) = with(waiting());
    let before = here(&home);
    let ran = home.run(&["data-sets"]).ok(0);
    texts(&ran, &["case_property_map.csv: 21 rows, 20 usable, 1 needs an id; ", " facilities in scope"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[2].starts_with("line ") && lines[2].ends_with(BEDS), "{}", ran.out);
    texts(&ran, &["The data set id is empty.", HMIS, "quarterly", " reported", "rows use it", "***", "Why: "]);
    texts(&ran, &["nothing was written", "onse data-sets --choose dhis_what"]);
    // Every other row is there as well, with its data element and its data set.
    for line in BUILT_IN.lines().skip(1) {
        let mut cells = line.split(',');
        let row: Vec<&str> = cells.by_ref().take(2).collect();
        assert!(row.iter().all(|cell| ran.out.contains(cell)), "{line}");
    }
    assert_eq!((mapping(&home), here(&home)), (waiting().into_bytes(), before));
    // The state is normal for a reading too.
    home.run(&["plan", "-o", "q.review"]).ok(3);
}

#[test]
fn a_choice_is_shown_and_changes_nothing_without_write() {
    let (home, _servers) = with(waiting());
    let before = here(&home);
    let choice = format!("{BEDS}={HMIS}");
    let ran = home.run(&["data-sets", "--choose", &choice]).ok(0);
    let line = BUILT_IN.lines().find(|line| line.starts_with(BEDS)).unwrap();
    texts(
        &ran,
        &[&format!("\n- {}\n+ {line}\n", line.replace(HMIS, "")), "nothing was written; add --write to write it"],
    );
    let at = 1 + BUILT_IN.lines().position(|one| one == line).unwrap();
    texts(&ran, &[&format!("case_property_map.csv, line {at}\n")]);
    assert_eq!((mapping(&home), here(&home)), (waiting().into_bytes(), before));
}

#[test]
fn a_choice_that_is_written_changes_its_cell_alone_and_keeps_the_old_file() {
    let (home, _servers) = with(waiting());
    let choice = format!("{BEDS}={HMIS}");
    let ran = home.run(&["data-sets", "--choose", &choice, "--write"]).ok(0);
    texts(&ran, &["\n+ ", "case_property_map.csv; what stood there before is in "]);
    assert_eq!(mapping(&home), BUILT_IN.as_bytes());
    let others: Vec<PathBuf> =
        here(&home).into_iter().filter(|path| !path.ends_with("case_property_map.csv")).collect();
    assert_eq!(others.len(), 1, "{others:?}");
    assert_eq!(fs::read(&others[0]).unwrap(), waiting().into_bytes());
    let again = home.run(&["data-sets", "--choose", &choice, "--write"]).ok(0);
    texts(&again, &["nothing to change"]);
    assert_eq!(here(&home).len(), 2);
}

#[test]
fn json_has_every_field() {
    let (home, _servers) = with(waiting() + MONTHLY_ROW);
    let facility = facility(&home);
    let ran = home.run(&["data-sets", "--json", "--facility", &facility]).ok(0);
    let json = ran.json();
    assert_eq!(json["schema"], 1);
    // Those of the 40 that have an organisation unit.
    let facilities = json["facilities"].as_u64().unwrap();
    assert!((30..=40).contains(&facilities), "{facilities}");
    let file = &json["mapping"];
    assert_eq!((&file["rows"], &file["usable"]), (&22.into(), &20.into()));
    assert!(file["path"].as_str().unwrap().ends_with("case_property_map.csv"));
    assert_eq!(file["hash"].as_str().unwrap().len(), 16);
    assert_eq!(json["quarter"].as_str().unwrap().len(), 6);
    for absent in ["found", "written", "copy"] {
        assert!(json[absent].is_null(), "{absent}");
    }
    assert_eq!((&json["changes"], &json["problems"]), (&Value::Array(Vec::new()), &Value::Array(Vec::new())));
    assert!(json["notes"].is_array());
    assert_eq!(json["entries"].as_array().unwrap().len(), 22);
    let beds = entry(&json, BEDS);
    let at = 1 + BUILT_IN.lines().position(|line| line.starts_with(BEDS)).unwrap();
    assert_eq!((&beds["line"], &beds["need"]), (&at.into(), &"data_set".into()));
    assert_eq!((&beds["data_element"], &beds["data_set"]), (&"asCqjKclllu".into(), &Value::Null));
    assert_eq!((&beds["dhis2_name"], &beds["looked"]), (&"HMIS Bed Capacity".into(), &true.into()));
    assert_eq!(beds["data_element_name"], "HMIS Bed Capacity");
    assert!(beds["problems"].as_array().unwrap().iter().any(|one| {
        one["line"] == at
            && one["column"] == "data_set_id"
            && one["value"].is_null()
            && one["blocks"] == false
            && one["what"].is_string()
    }));
    let held = beds["candidates"].as_array().unwrap().iter().find(|one| one["data_set"] == HMIS).unwrap();
    assert_eq!((&held["data_element"], &held["alike"]), (&"asCqjKclllu".into(), &Value::Null));
    assert_eq!(held["data_element_name"], "HMIS Bed Capacity");
    assert_eq!(held["data_set_name"], "HMIS Quarterly Management Report");
    assert_eq!((&held["period_type"], &held["facts"]), (&"Quarterly".into(), &3.into()));
    let number = |key: &str| held[key].as_u64().unwrap();
    assert!((20..=40).contains(&number("reported")) && number("assigned") >= number("reported") && number("rows") == 6);
    assert!(held["why"].as_str().unwrap().starts_with("Why: "));
    let value = &held["values"][0];
    assert_eq!(value["period"], json["quarter"]);
    assert!(value["total"].is_string() && value["parts"].as_u64().unwrap() > 0, "{value}");
    // What the quarterly data set holds is not told of the yearly one.
    let yearly = beds["candidates"].as_array().unwrap().iter().find(|one| one["period_type"] == "Yearly").unwrap();
    assert!(yearly["values"].is_null(), "{yearly}");
    // A monthly data set holds the months of the quarter.
    let fever = &entry(&json, "dhis_fever")["candidates"][0];
    assert_eq!((&fever["period_type"], &fever["data_set"]), (&"Monthly".into(), &"MoHMonthly1".into()));
    let months = fever["values"].as_array().unwrap();
    assert!(!months.is_empty() && months.iter().all(|one| one["period"].as_str().unwrap().len() == 6), "{months:?}");
    assert_eq!(entry(&json, "dhis_village_clinics")["need"], Value::Null);
}

/// A facility that reported on the beds and the fevers of the quarter.
fn facility(home: &Home) -> String {
    home.run(&["plan", "-o", "f.review"]).ok(3);
    let json = home.run(&["show", "f.review", "--json"]).ok(0).json();
    fs::remove_file(home.path("f.review")).unwrap();
    let facilities = json["facilities"].as_array().unwrap();
    let reported =
        |one: &Value| one["cells"].as_array().unwrap().iter().filter(|cell| cell["state"] == "REPORTED").count();
    let best = facilities.iter().max_by_key(|one| reported(one)).unwrap();
    best["external_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_facility_is_told_what_it_would_get() {
    let (home, _servers) = with(waiting() + MONTHLY_ROW);
    let ran = home.run(&["data-sets", "--facility", &facility(&home)]).ok(0);
    texts(&ran, &[" in HMIS Quarterly Management Report for ", " in HMIS 15 Monthly Health Centre Report for "]);
    texts(&ran, &["not asked for, a yearly data set"]);
    let ran = home.run(&["data-sets", "--facility", "no such place"]);
    ran.refused(2, &["--facility", "no such place", "Nothing was changed"]);
}

#[test]
fn a_search_prints_rows_that_read_back_and_writes_nothing() {
    for file in [
        "case_property,data_element_id,data_set_id,dhis2_name\n",
        "sep=;\r\nnote;dhis2_name;data_set_id;data_element_id;case_property\r\n",
    ] {
        let (home, _servers) = with(format!(
            "{file}{}",
            if file.contains(';') { ";;;asCqjKclllu;dhis_x\r\n" } else { "dhis_x,asCqjKclllu,,\n" }
        ));
        let before = mapping(&home);
        let json = home.run(&["data-sets", "--search", "bed capacity", "--json"]).ok(0).json();
        assert!(json["entries"].is_null());
        assert_eq!(json["found"]["words"], "bed capacity");
        let found = json["found"]["candidates"].as_array().unwrap();
        let beds = found.iter().find(|one| one["data_element"] == "asCqjKclllu" && one["data_set"] == HMIS).unwrap();
        assert!(beds["reported"].as_u64().unwrap() > 0 && beds["data_set_name"].is_string());
        let row = beds["row"].as_str().unwrap();
        let ran = home.run(&["data-sets", "--search", "bed capacity"]).ok(0);
        texts(&ran, &[row, "HMIS Bed Capacity", HMIS, "Nothing was written"]);
        assert_eq!(mapping(&home), before);
        let mut whole = before.clone();
        whole.extend_from_slice(row.as_bytes());
        fs::write(home.path("case_property_map.csv"), whole).unwrap();
        let json = home.run(&["data-sets", "--json"]).json();
        let new = json["entries"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&new["data_element"], &new["data_set"]), (&"asCqjKclllu".into(), &HMIS.into()));
        assert_eq!((&new["dhis2_name"], &json["mapping"]["usable"]), (&"HMIS Bed Capacity".into(), &1.into()));
    }
    let (home, _servers) = ready();
    let json = home.run(&["data-sets", "--search", "zzzzqq", "--json"]).ok(0).json();
    assert_eq!(json["found"]["candidates"], Value::Array(Vec::new()));
}

#[test]
fn m16_a_data_element_that_is_gone_is_chosen_anew_with_its_data_set() {
    let gone = waiting() + "dhis_gone,AbCdEfGhIjK,,HMIS Bed Capacity\n";
    let (home, _servers) = with(&gone);
    let ran = home.run(&["data-sets"]).ok(0);
    texts(&ran, &["dhis_gone", "DHIS2 does not show this data element", "asCqjKclllu"]);
    let json = home.run(&["data-sets", "--json"]).ok(0).json();
    let row = entry(&json, "dhis_gone");
    assert_eq!((&row["need"], &row["data_element"]), (&"data_element".into(), &"AbCdEfGhIjK".into()));
    let alike = row["candidates"].as_array().unwrap().iter().find(|one| one["data_element"] == "asCqjKclllu").unwrap();
    assert!(alike["alike"].as_u64().unwrap() > 50);
    home.run(&["data-sets", "--choose", &format!("dhis_gone={HMIS}")])
        .refused(2, &["AbCdEfGhIjK", "DATA_ELEMENT_ID:DATA_SET_ID", &format!("asCqjKclllu:{HMIS}")]);
    // One of those listed, and one that is not: both are asked about.
    for element in ["asCqjKclllu", "gtLvoz94gur"] {
        let set = if element == "asCqjKclllu" { HMIS } else { "hWDsGIjs16g" };
        fs::write(home.path("case_property_map.csv"), &gone).unwrap();
        home.run(&["data-sets", "--choose", &format!("dhis_gone={element}:rkyO2EAX45C"), "--write"])
            .refused(2, &["does not hold", set]);
        assert_eq!(mapping(&home), gone.as_bytes());
        home.run(&["data-sets", "--choose", &format!("dhis_gone={element}:{set}"), "--write"]).ok(0);
        let after = gone.replace("AbCdEfGhIjK,,", &format!("{element},{set},"));
        assert_eq!(mapping(&home), after.as_bytes());
    }
    home.run(&["data-sets", "--choose", "dhis_village_clinics=ZzZzZzZzZzZ:hWDsGIjs16g"]).refused(2, &["ZzZzZzZzZzZ"]);
    home.run(&["data-sets", "--choose", "dhis_village_clinics=NoSetElemt1:hWDsGIjs16g"])
        .refused(2, &["in no data set"]);
}

#[test]
fn what_does_not_fit_is_refused_with_what_does_and_the_file_stays() {
    let twice = waiting() + "dhis_cbdas,LGaHPDsUydT,wLQlOnKX6yN,x\n";
    let (home, _servers) = with(&twice);
    let beds = |id: &str| format!("{BEDS}={id}");
    for (choices, said) in [
        (
            vec!["dhis_vilage_clinics=hWDsGIjs16g".to_owned()],
            vec!["dhis_vilage_clinics", "Perhaps dhis_village_clinics is meant"],
        ),
        (vec!["zzz=hWDsGIjs16g".to_owned()], vec!["It has: ", "and 9 more"]),
        (vec!["dhis_cbdas=wLQlOnKX6yN".to_owned()], vec!["dhis_cbdas: it stands on lines 19, 23"]),
        (vec![beds("short")], vec!["\"short\" is no id"]),
        (vec![beds("ZzZzZzZzZzZ")], vec!["ZzZzZzZzZzZ", HMIS, "HMIS Quarterly Management Report", "HMIS Bed Capacity"]),
        (vec![beds("hWDsGIjs16g")], vec!["does not hold", HMIS]),
        (vec![beds(HMIS), beds("hWDsGIjs16g")], vec!["two different choices"]),
        (vec![beds("short"), "zzz=hWDsGIjs16g".to_owned()], vec!["\"short\" is no id", "--choose zzz"]),
    ] {
        let mut args = vec!["data-sets", "--write"];
        args.extend(choices.iter().flat_map(|choice| ["--choose", choice]));
        let ran = home.run(&args);
        ran.refused(2, &said);
        assert!(ran.err.contains("Nothing was changed"), "{ran:?}");
        assert_eq!((mapping(&home), here(&home).len()), (twice.clone().into_bytes(), 1));
    }
    home.run(&["data-sets", "--write"]).refused(2, &["--choose"]);
    assert_eq!((mapping(&home), here(&home).len()), (twice.into_bytes(), 1));
}

#[test]
fn rows_that_cannot_be_read_as_meant_are_exit_2_from_plan_check_and_data_sets() {
    let short =
        BUILT_IN.replacen("yCJBWuhuOLc", "short", 1) + "dhis_new,gtLvoz94gur,,x\n9a,gtLvoz94gur,hWDsGIjs16g,x\n";
    let (home, _servers) = with(&short);
    home.run(&["plan", "-o", "q.review"]).refused(
        2,
        &[
            "2 rows that cannot be read as meant (line 3, 24)",
            "case_property_map.csv:3: data_element_id \"short\": This is no id",
            "case_property_map.csv:24: case_property \"9a\"",
            "case_property_map.csv:23: data_set_id",
            "onse data-sets",
            "Nothing was changed",
        ],
    );
    assert!(home.reviews().is_empty());
    let checked = home.run(&["check"]).ok(2);
    texts(
        &checked,
        &["stop  mapping", "23 rows, 20 usable", "2 rows cannot be read as meant", "Line 3, data_element_id \"short\""],
    );
    let listed = home.run(&["data-sets"]).ok(2);
    texts(
        &listed,
        &[
            "stop: data_element_id \"short\": This is no id",
            "stop: case_property \"9a\"",
            "2 rows cannot be read as meant",
            "dhis_cbdas",
        ],
    );
    assert_eq!(home.run(&["data-sets", "--json"]).ok(2).json()["entries"].as_array().unwrap().len(), 23);
    // The choice that mends a row is done, whatever else is wrong.
    home.run(&["data-sets", "--choose", "dhis_new=hWDsGIjs16g", "--write"]).ok(0);
    assert_eq!(mapping(&home), short.replace("gtLvoz94gur,,", "gtLvoz94gur,hWDsGIjs16g,").into_bytes());
    fs::write(home.path("case_property_map.csv"), "one,two\n1,2\n").unwrap();
    home.run(&["data-sets"]).refused(2, &["case_property_map.csv:1: "]);
    let empty = "case_property,data_element_id,data_set_id,dhis2_name\ndhis_new,gtLvoz94gur,,x\n";
    fs::write(home.path("case_property_map.csv"), empty).unwrap();
    home.run(&["plan"]).refused(2, &["has no usable row", "onse data-sets"]);
    home.run(&["data-sets"]).ok(0);
}

#[test]
fn every_problem_of_a_check_is_listed_by_data_sets() {
    let rows: Vec<String> = (0..30).map(|n| format!("dhis_n{n},short{n},{HMIS},x\n")).collect();
    let rows = rows.concat();
    let (home, _servers) = with(waiting() + &rows);
    let checked = home.run(&["check"]).ok(2);
    texts(&checked, &["And 11 more.", "onse data-sets lists them all"]);
    let listed = home.run(&["data-sets"]).ok(2);
    assert_eq!(listed.out.matches("stop: ").count(), 30, "{}", listed.out);
}

#[test]
fn a_file_is_written_as_it_was_in_its_own_dialect() {
    let semicolons = format!("\u{feff}sep=;\r\n{}", waiting().replace(',', ";").replace('\n', "\r\n"));
    let utf16 = |text: &str| -> Vec<u8> {
        [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let tabs = waiting().replace(',', "\t").replace('\n', "\r\n");
    let (home, _servers) = ready();
    let choice = format!("{BEDS}={HMIS}");
    for (name, before, after) in [
        (
            "semi.csv",
            semicolons.clone().into_bytes(),
            semicolons.replace("lllu;;", &format!("lllu;{HMIS};")).into_bytes(),
        ),
        ("wide.csv", utf16(&tabs), utf16(&tabs.replace("lllu\t\t", &format!("lllu\t{HMIS}\t")))),
    ] {
        fs::write(home.path(name), &before).unwrap();
        home.run(&["data-sets", "--mapping", name, "--choose", &choice]).ok(0);
        assert_eq!(fs::read(home.path(name)).unwrap(), before, "{name}");
        home.run(&["data-sets", "--mapping", name, "--choose", &choice, "--write"]).ok(0);
        assert_eq!(fs::read(home.path(name)).unwrap(), after, "{name}");
    }
}

#[test]
fn the_built_in_mapping_is_written_to_a_new_file() {
    let (home, _servers) = ready();
    let json = home.run(&["data-sets", "--json"]).ok(0).json();
    assert!(json["mapping"]["path"].is_null());
    let choice = "dhis_village_clinics=MoFeverU5yr:MoHMonthly1";
    let file = home.path("").canonicalize().unwrap().join("case_property_map.csv").display().to_string();
    let told = [&file, "counts only where it is named", "--mapping", "run in its folder"];
    texts(&home.run(&["data-sets", "--choose", choice]).ok(0), &told);
    assert!(here(&home).is_empty());
    texts(&home.run(&["data-sets", "--choose", choice, "--write"]).ok(0), &told);
    fs::remove_file(&file).unwrap();
    let json = home.run(&["data-sets", "--choose", choice, "--write", "--json"]).ok(0).json();
    assert_eq!((&json["written"], &json["copy"]), (&"case_property_map.csv".into(), &Value::Null));
    let change = &json["changes"][0];
    assert!(change["before"].as_str().unwrap().contains("gtLvoz94gur"), "{change}");
    assert!(change["after"].as_str().unwrap().contains("MoFeverU5yr,MoHMonthly1") && change["line"] == 18, "{change}");
    let after = BUILT_IN.replace("gtLvoz94gur,hWDsGIjs16g", "MoFeverU5yr,MoHMonthly1");
    assert_eq!(mapping(&home), after.as_bytes());
}

#[test]
fn m17_a_file_that_is_open_elsewhere_is_not_written_and_the_new_content_is_kept() {
    let (home, _servers) = with(waiting());
    let lock = home.path(".~lock.case_property_map.csv#");
    fs::write(&lock, ",chisomo,desk,23.11.2026 09:41,file:///home/chisomo/.config/libreoffice/4;").unwrap();
    let choice = format!("{BEDS}={HMIS}");
    let ran = home.run(&["data-sets", "--choose", &choice, "--write"]).ok(1);
    assert!(ran.err.contains("is open in") && ran.err.contains("The new content stands in "), "{ran:?}");
    assert!(!ran.out.contains("wrote") && ran.out.contains("\n+ "), "{ran:?}");
    assert_eq!(mapping(&home), waiting().into_bytes());
    let beside = |path: &PathBuf| *path != lock && !path.ends_with("case_property_map.csv");
    let kept: Vec<PathBuf> = here(&home).into_iter().filter(beside).collect();
    assert_eq!((kept.len(), fs::read(&kept[0]).unwrap()), (1, BUILT_IN.as_bytes().to_vec()), "{kept:?}");
    let json = home.run(&["data-sets", "--choose", &choice, "--write", "--json"]).ok(1).json();
    assert!(json["written"].is_null() && json["changes"].as_array().unwrap().len() == 1, "{json}");
    fs::remove_file(lock).unwrap();
    home.run(&["data-sets", "--choose", &choice, "--write"]).ok(0);
    assert_eq!(mapping(&home), BUILT_IN.as_bytes());
}

#[test]
fn d20_a_data_element_in_several_data_sets_is_shown_with_all_of_them() {
    let (home, _servers) = ready();
    let ran = home.run(&["data-sets"]).ok(0);
    texts(&ran, &["several data sets", "HMIS Annual Infrastructure Census", "yearly", "in the row now"]);
    let beds = entry(&home.run(&["data-sets", "--json"]).ok(0).json(), BEDS).clone();
    assert_eq!((&beds["need"], beds["candidates"].as_array().unwrap().len()), (&"look".into(), 2));
}

#[test]
fn a_refused_key_is_tried_once_and_nobody_is_counted() {
    for args in [&["--search", "bed capacity"][..], &["--choose", "dhis_village_clinics=MoFeverU5yr:MoHMonthly1"], &[]]
    {
        let (home, _servers, between) = through(Mode::WrongKey);
        let ran = home.run(&[&["data-sets"][..], args].concat()).ok(0);
        texts(&ran, &["facilities in scope are not known", "note: The facilities are not known", "401"]);
        assert!(ran.out.contains("reports not counted") && !ran.out.contains(" reported"), "{}", ran.out);
        assert_eq!(between.refused(), 1, "{args:?}");
    }
}

#[test]
fn the_notes_are_told_with_a_choice_as_well() {
    let (home, _servers, _between) = through(Mode::Hidden);
    let ran = home.run(&["data-sets", "--choose", "dhis_village_clinics=MoFeverU5yr:MoHMonthly1"]).ok(0);
    texts(&ran, &["\n+ dhis_village_clinics,MoFeverU5yr,", "note: The facilities are not known"]);
}

#[test]
fn a_row_is_told_as_it_would_be_and_one_of_no_use_is_refused() {
    let (home, _servers) = with(waiting());
    let monthly = "dhis_village_clinics=MoFeverU5yr:MoHMonthly1";
    let ran = home.run(&["data-sets", "--choose", monthly]).ok(0);
    texts(
        &ran,
        &["\nwith that, line 18\n", "look: data_set_id \"MoHMonthly1\"", "--finer", "DHIS2 calls the data element"],
    );
    let json = home.run(&["data-sets", "--choose", monthly, "--json"]).ok(0).json();
    let problems = json["changes"][0]["problems"].as_array().unwrap();
    assert!(problems.iter().any(|one| one["value"] == "MoHMonthly1" && one["blocks"] == false), "{problems:?}");
    let listed = home.run(&["data-sets", "--json"]).ok(0).json();
    let yearly =
        entry(&listed, BEDS)["candidates"].as_array().unwrap().iter().find(|one| one["period_type"] == "Yearly");
    let yearly = format!("{BEDS}={}", yearly.unwrap()["data_set"].as_str().unwrap());
    home.run(&["data-sets", "--choose", &yearly, "--write"]).refused(2, &[BEDS, "Yearly", "Nothing was changed"]);
    assert_eq!((mapping(&home), here(&home).len()), (waiting().into_bytes(), 1));
}

#[test]
fn a_data_element_of_single_persons_is_not_chosen() {
    let (home, _servers, _between) = through(Mode::Trackers);
    fs::write(home.path("case_property_map.csv"), waiting()).unwrap();
    let choice = format!("{BEDS}={HMIS}");
    home.run(&["data-sets", "--choose", &choice, "--write"]).refused(2, &[BEDS, "(TRACKER)", "Nothing was changed"]);
    assert_eq!(mapping(&home), waiting().into_bytes());
}

#[test]
fn the_listing_stands_where_not_all_of_the_facility_can_be_read() {
    let (home, _servers, between) = through(Mode::Pass);
    let facility = facility(&home);
    between.set(Mode::HtmlElements);
    let args = ["data-sets", "--search", "bed capacity", "--facility", &facility];
    let ran = home.run(&args).ok(0);
    let why = "What the data elements are is not known";
    texts(&ran, &["HMIS Bed Capacity", why, "The value type is not told"]);
    let json = home.run(&[&args[..], &["--json"]].concat()).ok(0).json();
    assert!(!json["found"]["candidates"].as_array().unwrap().is_empty() && json.to_string().contains(why), "{json}");
}

#[test]
fn a_name_that_is_none_is_no_part_of_a_command() {
    let head = "case_property,data_element_id,data_set_id,dhis2_name\n";
    let odd = "$(reboot),asCqjKclllu,,Beds\n";
    let (home, _servers) = with(format!("{head}{odd}dhis_x,asCqjKclllu,{HMIS},Beds\n"));
    assert!(!home.run(&["data-sets"]).ok(2).out.contains("--choose"));
    fs::write(home.path("case_property_map.csv"), format!("{head}{odd}dhis_x,asCqjKclllu,,Beds\n")).unwrap();
    let ran = home.run(&["data-sets"]).ok(2);
    assert!(ran.out.contains("--choose dhis_x=DATA_SET_ID") && !ran.out.contains("--choose $"), "{}", ran.out);
}

#[test]
fn a_server_that_is_down_is_exit_1_and_changes_nothing() {
    let (home, servers) = with(waiting());
    drop(servers);
    let ran = home.run(&["data-sets", "--choose", &format!("{BEDS}={HMIS}"), "--write"]);
    ran.refused(1, &["next try in", "Nothing was changed"]);
    assert_eq!(mapping(&home), waiting().into_bytes());
}
