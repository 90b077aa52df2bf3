//! The quarter's job in lines: plan, show, decide, submit, and what each step leaves.

use std::fs;

use serde_json::Value;

use crate::rig::{Servers, cells, ready, stops};

#[test]
fn plan_decide_submit_and_show_says_applied() {
    let (home, _servers) = ready();
    let planned = home.run(&["plan", "-o", "q.review"]).ok(3);
    assert!(planned.out.starts_with("file     q.review\n"), "{planned:?}");
    assert!(planned.out.contains("mapping  built-in (21 rows, "), "{planned:?}");
    assert!(planned.err.contains("nothing was sent; next: onse review q.review"), "{planned:?}");
    assert_eq!(home.reviews().len(), 1);

    let before = home.run(&["show", "q.review", "--json"]).ok(0).json();
    let stop = cells(&before).iter().filter(|(_, cell)| stops(cell)).count();
    let changes = before["counts"]["changes"].as_u64().unwrap();
    assert!(stop > 0 && before["counts"]["undecided"] == changes, "{}", before["counts"]);

    let bulk = home.run(&["decide", "q.review", "--where", "", "--approve"]).ok(0);
    assert!(bulk.out.contains(&format!("left: {stop} STOP")) && bulk.out.contains(" REVIEW, which are"), "{bulk:?}");
    home.run(&["decide", "q.review", "--where", "is:review", "--approve"]).ok(0);
    let approved = changes - u64::try_from(stop).unwrap();
    let (id, cell) = cells(&before).into_iter().find(|(_, cell)| stops(cell)).unwrap();
    let one = format!("{id} prop:{}", cell["property"].as_str().unwrap());
    let decide = |more: &[&str]| home.run(&[&["decide", "q.review", "--where", &one, "--approve"], more].concat());
    decide(&[]).refused(6, &["STOP", "--reason"]);
    // Found by other words, as by chance, it is not named and not taken.
    let by_chance = ["decide", "q.review", "--where", &format!("{id} is:stop"), "--approve", "--reason", "seen it"];
    home.run(&by_chance).refused(6, &["STOP", &format!("{id} prop:")]);
    decide(&["--reason", "ok"]).refused(6, &["STOP", "--reason"]);
    decide(&["--reason", "seen the register"]).ok(0);
    assert!(decide(&["--reason", "seen the register"]).ok(0).err.contains("already approved"));

    let number = (approved + 1).to_string();
    home.run(&["submit", "q.review", "--write", &approved.to_string()]).refused(2, &["does not match", &number]);
    let sent = home.run(&["submit", "q.review", "--write", &number, "--json"]).ok(0).json();
    assert_eq!((&sent["counts"]["applied"], &sent["counts"]["held"]), (&Value::from(approved + 1), &Value::from(0)));
    let forms = sent["forms"].as_array().unwrap();
    assert_eq!(forms.len(), 1);
    assert!(forms[0]["outcome"] == "APPLIED" && forms[0]["form_id"].as_str().unwrap().len() == 32, "{forms:?}");

    let after = home.run(&["show", "q.review", "--json"]).ok(0).json();
    let (_, settled) = cells(&after).into_iter().find(|(c, v)| *c == id && v["property"] == cell["property"]).unwrap();
    assert_eq!((&settled["outcome"], &settled["reason"]), (&"APPLIED".into(), &"seen the register".into()));
    let table = home.run(&["show", "q.review", "--facility", &id]).ok(0).out;
    assert!(table.lines().any(|line| line.ends_with("APPLIED")), "{table}");
    let is_check = |line: &str| ["STOP ", "REVIEW ", "INFO "].iter().any(|word| line.starts_with(word));
    let rows = table.lines().filter(|line| line.contains("dhis_") && !is_check(line)).count();
    assert_eq!(rows, 21, "every property of one facility: {table}");
    for same in ["0", number.as_str()] {
        let again = home.run(&["submit", "q.review", "--write", same]).ok(0);
        assert!(again.err.contains("nothing to send"), "the same command does no harm: {again:?}");
    }
    home.run(&["decide", "q.review", "--where", "prop:vilage", "--reject"])
        .refused(2, &["vilage", "Nothing was decided"]);
    home.run(&["decide", "q.review", "--where", &one, "--reject"]).refused(1, &["sent already"]);
}

#[test]
fn nothing_left_to_approve_is_exit_0() {
    let (home, _servers) = ready();
    home.run(&["plan", "-o", "all.review"]).ok(3);
    home.run(&["decide", "all.review", "--where", "", "--approve"]).ok(0);
    home.run(&["decide", "all.review", "--where", "is:review", "--approve"]).ok(0);
    let plan = home.run(&["show", "all.review", "--json"]).ok(0).json();
    home.run(&["submit", "all.review", "--write", &plan["counts"]["approved"].to_string()]).ok(0);
    let calm =
        plan["facilities"].as_array().unwrap().iter().find(|f| !f["cells"].as_array().unwrap().iter().any(stops));
    let calm = calm.unwrap()["case_id"].as_str().unwrap();
    let again = home.run(&["plan", "-o", "one.review", "--facility", calm, "--json"]).ok(0).json();
    assert_eq!((&again["counts"]["facilities"], &again["counts"]["changes"]), (&1.into(), &0.into()));
    home.run(&["submit", "one.review", "--write", "0"]).ok(0);
    let none = home.run(&["decide", "one.review", "--where", "", "--approve"]).ok(0);
    assert!(none.err.contains("nothing to do"), "{none:?}");
}

#[test]
fn the_json_of_plan_is_the_contract() {
    let (home, servers) = ready();
    let plan = home.run(&["plan", "--json", "--period", "Q2 2026"]).ok(3).json();
    assert_eq!(plan["schema"], 1);
    assert_eq!(plan["period"], "2026Q2");
    assert_eq!(plan["project"], servers.said["project"]);
    assert_eq!(plan["dhis2"], format!("{}/api/", servers.text("dhis2_url")));
    assert_eq!((&plan["mapping_rows"], &plan["incomplete"]), (&21.into(), &false.into()));
    let count = |key: &str| plan["counts"][key].as_u64().unwrap();
    assert_eq!(count("cells"), count("changes") + count("same") + count("without_value"));
    assert_eq!(count("cells"), count("facilities") * 21);
    assert_eq!(plan["facilities"].as_array().unwrap().len() as u64, count("facilities"));
    for (_, cell) in cells(&plan) {
        for key in ["property", "data_element", "data_set", "state", "period"] {
            assert!(cell[key].is_string(), "{key} in {cell}");
        }
        for key in ["old", "new", "verdict"] {
            assert!(cell[key].is_string() || cell[key].is_null(), "{key} in {cell}");
        }
        assert_eq!(cell["new"].is_string(), ["REPORTED", "REPORTED_ZERO"].contains(&cell["state"].as_str().unwrap()));
        let sum = cell["parts"].as_array().unwrap();
        assert!(sum.iter().all(|part| part["category_option_combo"].is_string() && part["name"].is_string()), "{cell}");
        assert!(cell["new"].is_null() || !sum.is_empty(), "a number comes from somewhere: {cell}");
    }
    assert!(plan["skipped"].as_array().unwrap().iter().any(|case| case["reason"] == "no external id"));
    // The default place, below the data folder and the project.
    let file = home.reviews().pop().unwrap();
    for folder in ["data", "data/logs", "data/reviews", "data/reviews/onse-demo"] {
        assert_eq!(home.mode_of(folder), 0o700, "{folder}");
    }
    assert_eq!(home.mode_of("data/logs/onse.log"), 0o600);
    assert!(file.starts_with(home.path("data/reviews/onse-demo")), "{}", file.display());
    assert!(file.file_name().unwrap().to_str().unwrap().starts_with("2026Q2-"), "{}", file.display());
}

#[test]
fn a_dry_run_writes_forms_and_changes_nothing() {
    let (home, servers) = ready();
    home.run(&["plan", "-o", "q.review"]).ok(3);
    let none = home.run(&["submit", "q.review", "--dry-run", "forms"]).ok(0);
    assert!(none.err.contains("nothing was written") && !home.path("forms").exists(), "{none:?}");
    home.run(&["decide", "q.review", "--where", "prop:dhis_village_clinics", "--approve"]).ok(0);
    let review = fs::read(home.path("q.review")).unwrap();
    drop(servers);
    let dry = home.run(&["submit", "q.review", "--dry-run", "forms"]).ok(0);
    assert_eq!(dry.out, "forms/form-001.xml\n");
    assert_eq!((home.mode_of("forms"), home.mode_of("forms/form-001.xml")), (0o700, 0o600));
    let form = fs::read_to_string(home.path("forms/form-001.xml")).unwrap();
    assert!(form.contains("<dhis_village_clinics>") && form.contains("importer@example.org"), "{form}");
    assert_eq!(fs::read(home.path("q.review")).unwrap(), review, "the review is as it was");
    let printed = home.run(&["show", "q.review", "--xml"]).ok(0).out;
    assert_eq!(printed.matches("<case ").count(), form.matches("<case ").count());
    home.run(&["submit", "q.review", "--dry-run", "forms"]).refused(2, &["is not empty"]);
    let json = home.run(&["submit", "q.review", "--dry-run", "more", "--json"]).ok(0).json();
    assert_eq!(json["forms"], serde_json::json!(["more/form-001.xml"]));
}

#[test]
fn the_stamp_is_said_before_it_is_written() {
    let home = crate::rig::Home::new();
    let servers = Servers::start(&home, &[]);
    let stamped = servers.config().replace("label =", "stamp_property = \"dhis2_last_imported\"\nlabel =");
    let home = home.settings(&stamped, Some(&servers.secrets()));
    home.run(&["plan", "-o", "q.review"]).ok(3);
    let said = |args: &[&str]| home.run(&[&["submit", "q.review"], args].concat()).ok(0).err;
    assert!(!said(&["--dry-run", "none"]).contains("dhis2_last_imported"), "no form, no stamp");
    home.run(&["decide", "q.review", "--where", "prop:dhis_village_clinics", "--approve"]).ok(0);
    let count = home.run(&["show", "q.review", "--json"]).json()["counts"]["approved"].to_string();
    for args in [["--dry-run", "forms"], ["--write", &count]] {
        let err = said(&args);
        assert!(err.contains("each case also gets dhis2_last_imported = 20"), "{err}");
    }
    let form = fs::read_to_string(home.path("forms/form-001.xml")).unwrap();
    assert!(form.contains("<dhis2_last_imported>20"), "{form}");
}

#[test]
fn a_password_signs_in_to_commcare_too() {
    let home = crate::rig::Home::new();
    let servers = Servers::start(&home, &[]);
    let dhis2 = servers.secrets().lines().take(2).collect::<Vec<_>>().join("\n");
    let home = home.settings(&servers.config(), Some(&dhis2));
    home.run(&["plan"]).refused(2, &["CommCare API key", "ONSE_COMMCARE_API_KEY"]);
    let home = home.with("ONSE_COMMCARE_PASSWORD", onse::sandbox::COMMCARE_PASSWORD);
    home.run(&["plan", "-o", "q.review"]).ok(3);
    home.run(&["decide", "q.review", "--where", "prop:dhis_village_clinics", "--approve"]).ok(0);
    let count = home.run(&["show", "q.review", "--json"]).json()["counts"]["approved"].to_string();
    home.run(&["submit", "q.review", "--write", &count]).ok(0);
    let home = home.with("ONSE_COMMCARE_PASSWORD", "not-this-one");
    home.run(&["plan"]).refused(1, &["CommCare HQ", "401", "ONSE_COMMCARE_PASSWORD"]);
}

#[test]
fn what_was_applied_elsewhere_is_already_set() {
    let (home, _servers) = ready();
    for file in ["first.review", "second.review"] {
        home.run(&["plan", "-o", file]).ok(3);
        home.run(&["decide", file, "--where", "prop:dhis_village_clinics", "--approve"]).ok(0);
    }
    let count = home.run(&["show", "first.review", "--json"]).json()["counts"]["approved"].to_string();
    home.run(&["submit", "first.review", "--write", &count]).ok(0);
    let set = home.run(&["submit", "second.review", "--write", &count, "--json"]).ok(0).json();
    assert_eq!((set["counts"]["already_set"].to_string(), &set["counts"]["held"]), (count, &Value::from(0)));
    assert_eq!((&set["forms"], &set["held"]), (&serde_json::json!([]), &serde_json::json!([])));
    let one = &set["already_set"][0];
    assert!(one["already_set"] == true && one["now"] == one["new"] && one["reason"].is_string(), "{one}");
}

#[test]
fn decisions_are_cleared_and_rejected_and_seen() {
    let (home, _servers) = ready();
    home.run(&["plan", "-o", "q.review"]).ok(3);
    let counts = || home.run(&["show", "q.review", "--json"]).ok(0).json()["counts"].clone();
    home.run(&["decide", "q.review", "--where", "prop:dhis_village_clinics", "--reject"]).ok(0);
    let rejected = counts()["rejected"].as_u64().unwrap();
    assert!(rejected > 0);
    let left = home.run(&["decide", "q.review", "--where", "prop:dhis_village_clinics", "--approve"]);
    left.refused(1, &["decided otherwise before", "--clear"]);
    let shown = home.run(&["show", "q.review", "--where", "is:rejected"]).ok(0).out;
    assert_eq!(
        shown.lines().filter(|line| line.contains("  reject ") || line.ends_with("  reject")).count() as u64,
        rejected
    );
    home.run(&["decide", "q.review", "--where", "is:rejected", "--clear"]).ok(0);
    assert_eq!((counts()["rejected"].as_u64(), counts()["approved"].as_u64()), (Some(0), Some(0)));
    home.run(&["show", "q.review", "--property", "dhis_village_clinic"]).refused(2, &["dhis_village_clinics"]);
    home.run(&["show", "q.review", "--facility", "no such place"]).refused(2, &["no such place"]);
}

#[test]
fn one_facility_is_read_alone() {
    let (home, _servers) = ready();
    let all = home.run(&["plan", "--json"]).ok(3).json();
    let facility = &all["facilities"].as_array().unwrap()[5];
    for words in [&facility["case_id"], &facility["external_id"], &facility["case_name"]] {
        let words = words.as_str().unwrap();
        let one = home.run(&["plan", "--json", "--facility", words]).json();
        assert_eq!(one["facilities"][0]["case_id"], facility["case_id"], "{words}");
        assert_eq!(one["scope"], words);
    }
    let reviews = home.reviews().len();
    home.run(&["plan", "--facility", "zzzz"]).refused(2, &["no facility", "zzzz"]);
    assert_eq!(home.reviews().len(), reviews, "a failed reading leaves no file");
}

#[test]
fn the_sandbox_tells_where_it_is_and_leaves_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = crate::rig::Home::new();
    let mut servers = Servers::start(&home, &["--seed", "7", "--latency", "1"]);
    let keys = ["dhis2_url", "dhis2_username", "dhis2_password", "commcare_url", "project", "commcare_username"];
    for key in keys.iter().chain(&["commcare_api_key", "config"]) {
        assert!(servers.said[*key].is_string(), "{key}");
    }
    let config = std::path::PathBuf::from(servers.text("config"));
    let mode = fs::metadata(config.with_file_name("secrets.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    home.run(&["plan", "-o", "q.review", "--config", config.to_str().unwrap()]).ok(3);
    servers.child.interrupt();
    assert_eq!(servers.child.0.wait().unwrap().code(), Some(0));
    assert!(!config.parent().unwrap().exists());
}
