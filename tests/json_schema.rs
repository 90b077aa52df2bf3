//! `docs/json/onse.schema.json` says what the program prints: documents of real runs against the sandbox fit it, and nothing is
//! described that none of them has.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};

use onse::{
    io::store::Store,
    job::session::{Opened, Session},
    sandbox::Receiving,
};
use serde_json::{Value, json};

#[path = "cli/rig.rs"]
#[expect(dead_code, reason = "not all of it is needed here")]
mod rig;

use rig::{Home, Servers, cells, hosted, ready, stops};

const SCHEMA: &str = include_str!("../docs/json/onse.schema.json");

/// Documents with the name of their definition.
type Documents = Vec<(&'static str, Value)>;

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// Every definition by name.
fn definitions(schema: &Value) -> BTreeMap<&str, &Value> {
    schema["$defs"].as_object().unwrap().iter().map(|(name, one)| (name.as_str(), one)).collect()
}

/// Definitions and properties that a value has, and has something in.
fn occurring(schema: &Value, name: &str, value: &Value, seen: &mut BTreeSet<(String, String)>) {
    let definition = &schema["$defs"][name];
    for (key, about) in definition["properties"].as_object().unwrap() {
        if let Some(value) = value.get(key).filter(|value| !value.is_null()) {
            seen.insert((name.to_owned(), key.clone()));
            below(schema, about, value, seen);
        }
    }
}

fn below(schema: &Value, about: &Value, value: &Value, seen: &mut BTreeSet<(String, String)>) {
    if let Some(to) = about["$ref"].as_str() {
        occurring(schema, to.rsplit('/').next().unwrap(), value, seen);
    }
    for one in about["anyOf"].as_array().into_iter().flatten() {
        below(schema, one, value, seen);
    }
    for item in value.as_array().into_iter().flatten() {
        below(schema, &about["items"], item, seen);
    }
}

/// A quarter from reading to undoing, with someone else changing cases meanwhile.
fn quarter() -> Documents {
    let hosted = hosted("notify = [\"true\"]");
    let (home, sandbox) = (&hosted.home, &hosted.sandbox);
    let planned = home.run(&["plan", "--period", "2026Q2", "-o", "q.review", "--json"]).ok(3).json();
    let mut all = vec![("import", imported(home)), ("review", planned)];
    let run = |args: &[&str], code| home.run(args).ok(code).json();
    all.push(("status", run(&["status", "q.review", "--json"], 3)));
    home.run(&["decide", "q.review", "--where", "", "--approve"]).ok(0);
    // One STOP with its reason, and a decision that is taken back.
    let (id, cell) = cells(&all[1].1).into_iter().find(|(_, cell)| stops(cell) && !cell["new"].is_null()).unwrap();
    let named = format!("{id} prop:{}", cell["property"].as_str().unwrap());
    home.run(&["decide", "q.review", "--where", &named, "--approve", "--reason", "seen the register"]).ok(0);
    home.run(&["decide", "q.review", "--where", "is:review", "--reject"]).ok(0);
    take_back(home);
    all.push(("dry_run", run(&["submit", "q.review", "--dry-run", "forms", "--json"], 0)));

    let review = run(&["show", "q.review", "--json"], 0);
    let mine: Vec<(String, Value)> =
        cells(&review).into_iter().filter(|(_, cell)| cell["verdict"] == "approve").collect();
    let text = |cell: &Value, key: &str| cell[key].as_str().unwrap().to_owned();
    let (moved, cell) = mine.iter().find(|(_, cell)| !cell["old"].is_null()).unwrap();
    assert!(sandbox.set_property(moved, &text(cell, "property"), "4711"));
    let (set, cell) = mine.iter().find(|(id, _)| id != moved).unwrap();
    assert!(sandbox.set_property(set, &text(cell, "property"), &text(cell, "new")));
    let count = run(&["status", "q.review", "--json"], 3)["to_send"].to_string();
    sandbox.set_receiver(Receiving::Ignoring);
    all.push(("submission", run(&["submit", "q.review", "--write", &count, "--json"], 1)));
    sandbox.set_receiver(Receiving::Open);
    let count = run(&["status", "q.review", "--json"], 3)["to_send"].to_string();
    all.push(("submission", run(&["submit", "q.review", "--write", &count, "--json"], 0)));
    all.push(("submission", run(&["verify", "q.review", "--json"], 0)));
    all.push(("review", run(&["show", "q.review", "--json"], 0)));
    all.push(("trail", run(&["show", "q.review", "--trail", "--json"], 0)));
    fs::copy(home.path("q.review"), home.path("damaged.review")).unwrap();
    let damaged = rusqlite::Connection::open(home.path("damaged.review")).unwrap();
    damaged.execute("UPDATE trail SET who = 'another' WHERE seq = 2", []).unwrap();
    drop(damaged);
    all.push(("trail", run(&["show", "damaged.review", "--trail", "--json"], 1)));

    let (id, cell) = mine.last().unwrap();
    assert!(sandbox.set_property(id, &text(cell, "property"), "777"));
    all.push(("undo", run(&["undo", "q.review", "-o", "u.review", "--json"], 3)));
    all.push(("review", run(&["show", "u.review", "--json"], 0)));
    all.push(("status", run(&["status", "u.review", "--json"], 3)));
    home.run(&["undo", "gone.review", "-o", "v.review"]).ok(1);
    let folder = home.path("data/reviews/onse-demo");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(home.path("q.review"), folder.join("q.review")).unwrap();
    fs::copy(home.path("u.review"), folder.join("u.review")).unwrap();
    fs::write(folder.join("text.review"), "not a review").unwrap();
    all.push(("history", run(&["history", "--json"], 0)));
    let kept = home.files().into_iter().filter(|(path, _)| path.starts_with(home.path("data/runs")));
    let json = kept.filter(|(path, _)| path.extension().is_some_and(|ending| ending == "json"));
    all.extend(json.map(|(_, bytes)| ("run", serde_json::from_slice(&bytes).unwrap())));
    all
}

/// Two verdicts from a spreadsheet, one of which is no word for any.
fn imported(home: &Home) -> Value {
    home.run(&["export", "q.review", "--to", "a.csv"]).ok(0);
    let text = fs::read(home.path("a.csv")).unwrap();
    let mut table = csv::Reader::from_reader(&text[..]);
    let headings = table.headers().unwrap().clone();
    let verdict = headings.iter().position(|heading| heading == "verdict").unwrap();
    let mut out = csv::Writer::from_path(home.path("a.csv")).unwrap();
    out.write_record(&headings).unwrap();
    for (row, word) in table.records().zip(["reject", "perhaps"].into_iter().map(Some).chain(std::iter::repeat(None))) {
        let mut row: Vec<String> = row.unwrap().iter().map(str::to_owned).collect();
        row[verdict] = word.map_or(row[verdict].clone(), str::to_owned);
        out.write_record(&row).unwrap();
    }
    out.flush().unwrap();
    home.run(&["import", "q.review", "a.csv", "--json"]).ok(5).json()
}

/// Takes the last decision back, as u does on screen, and notes something.
fn take_back(home: &Home) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&home.path("q.review")).unwrap();
        let clock = Arc::new(jiff::Timestamp::now);
        let session = Session::new(store, None, clock, Arc::new(|_| Box::pin(std::future::ready(()))), "tester");
        let Opened { plan, mut ledger, .. } = session.open().await.unwrap();
        let entry = ledger.undo(&plan, &session.stamp()).unwrap();
        session.record(entry, &plan).await.unwrap();
        let first = plan.cells().next();
        let entry = ledger.put_note(&plan, first, "asked the ward", "one cell", &session.stamp()).unwrap();
        session.record(entry, &plan).await.unwrap();
        session.close();
    });
}

/// What is said of the mapping, of the settings and of the sandbox.
fn around() -> Documents {
    let (home, servers): (Home, Servers) = ready();
    let built_in = include_str!("../case_property_map.csv");
    let beds = "dhis_what_is_the_total_number_of_beds_at_the_facility";
    let waiting = built_in.lines().find(|line| line.starts_with(beds)).unwrap();
    let wrong = "dhis_fever,MoFeverU5yr,,HMIS15 Fever Cases under 5\n";
    let mapping = built_in.replace(waiting, &waiting.replace("q1Es3k3sZem", "")) + wrong;
    fs::write(home.path("case_property_map.csv"), mapping).unwrap();
    let planned = home.run(&["plan", "--json", "--period", "2026Q2", "-o", "q.review"]).ok(3).json();
    let facility = planned["facilities"][0]["external_id"].as_str().unwrap().to_owned();
    let run = |args: &[&str], code| home.run(&[args, &["--json"]].concat()).ok(code).json();
    let choose = format!("{beds}=q1Es3k3sZem");
    vec![
        ("review", planned),
        ("sandbox", servers.said.clone()),
        ("check_report", run(&["check"], 0)),
        ("data_sets", run(&["data-sets", "--facility", &facility, "--period", "2026Q2"], 0)),
        ("data_sets", run(&["data-sets", "--search", "fever cases"], 0)),
        ("data_sets", run(&["data-sets", "--choose", &choose, "--write"], 0)),
        ("data_sets", {
            let unread = home.path("unread.csv");
            fs::write(&unread, built_in.replacen("q1Es3k3sZem", "no id", 1)).unwrap();
            run(&["data-sets", "--mapping", "unread.csv"], 2)
        }),
    ]
}

/// Properties that no run above has anything in: they are null there, which is checked as well.
const EMPTY: [(&str, &str); 3] = [("check", "settled"), ("detail", "from"), ("told_case", "reason")];

#[test]
fn what_is_printed_is_what_is_described_and_nothing_more_is_described() {
    let schema = schema();
    let definitions = definitions(&schema);
    let validators: BTreeMap<&str, jsonschema::Validator> = definitions
        .keys()
        .map(|name| {
            let of = json!({"$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"]});
            (*name, jsonschema::validator_for(&of).unwrap())
        })
        .collect();
    let mut seen = BTreeSet::new();
    for (name, document) in quarter().into_iter().chain(around()) {
        let wrong: Vec<String> = validators[name]
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()).chars().take(300).collect())
            .collect();
        assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
        occurring(&schema, name, &document, &mut seen);
    }
    let described = definitions.iter().flat_map(|(name, definition)| {
        let keys = definition["properties"].as_object().unwrap().keys();
        keys.map(|key| ((*name).to_owned(), key.clone()))
    });
    let empty: BTreeSet<(String, String)> =
        EMPTY.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect();
    let missing: Vec<_> = described.filter(|one| !seen.contains(one) && !empty.contains(one)).collect();
    assert!(missing.is_empty(), "described, and in no document: {missing:?}");
    assert!(empty.is_disjoint(&seen), "has something in it after all: {:?}", empty.intersection(&seen));
}

#[test]
fn every_field_is_described_and_no_other_is_taken() {
    let schema = schema();
    for (name, definition) in definitions(&schema) {
        assert!(definition["description"].is_string() && definition["additionalProperties"] == false, "{name}");
        for (key, about) in definition["properties"].as_object().unwrap() {
            assert!(about["description"].as_str().is_some_and(|words| words.len() > 1), "{name}.{key}");
        }
    }
    let review = json!({"$ref": "#/$defs/by", "$defs": schema["$defs"]});
    let by = |value: Value| jsonschema::is_valid(&review, &value);
    assert!(by(json!({"at": "2026-11-23T08:00:00Z", "who": "me"})));
    assert!(!by(json!({"at": "2026-11-23T08:00:00Z"})) && !by(json!({"at": "yesterday", "who": "me"})));
    assert!(!by(json!({"at": "2026-11-23T08:00:00Z", "who": "me", "more": 1})));
}
