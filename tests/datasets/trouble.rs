//! Servers that refuse, keep to themselves or lie.

use std::fmt::Write as _;

use onse::{
    domain::{
        explored::{Element, Need},
        mapping::Mapping,
    },
    sandbox::{self, Gateway, Options, Version},
};

use crate::{
    faults::{Fault, Rule},
    rig::{Rig, counted, entry, explored, mapping},
};

fn json(text: &str) -> Fault {
    Fault::Say(200, vec![("content-type", "application/json".to_owned())], text.to_owned())
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let rig = Rig { password: "wrong", ..Rig::new(20) };
    let (explorer, faulty) = rig.explorer(Mapping::built_in());
    assert!(explored(&explorer).await.unwrap_err().to_string().contains("401"));
    assert_eq!(faulty.asked("/dhis2/"), 1);
    assert!(explorer.search("beds").await.is_err());
    assert_eq!(faulty.asked("/dhis2/"), 2);
}

#[tokio::test]
async fn without_commcare_nothing_is_counted_and_all_else_is_told() {
    let rules = vec![Rule::new(Fault::page(403)).on("/a/")];
    let (explorer, faulty) = Rig { rules, ..Rig::new(20) }.explorer(Mapping::built_in());
    let found = explored(&explorer).await.unwrap();
    assert_eq!((found.facilities, found.rows.len()), (None, 21));
    assert!(found.notes.iter().any(|note| note.contains("facilities are not known")), "{:?}", found.notes);
    for entry in &found.rows {
        let set = entry.candidates[0].set.as_ref().unwrap();
        assert!(set.reported.is_none() && set.assigned.is_none() && !set.name.is_empty());
    }
    assert_eq!(faulty.asked("/dataValueSets") + faulty.asked("/completeDataSetRegistrations"), 0);
    assert!(explorer.places().await.unwrap_err().to_string().contains("facilities are not known"));
}

#[tokio::test]
async fn a_data_set_that_may_not_be_read_is_not_counted_and_spoils_no_other() {
    for version in [Version::V30, Version::V38, Version::V43] {
        let options = Options { version, facilities: 40, ..Options::new((2026, 2)) };
        let rig = Rig { user: sandbox::DHIS2_HALF_BLIND_USER, ..Rig::of(&options) };
        let (explorer, _) = rig.explorer(Mapping::built_in());
        let found = explored(&explorer).await.unwrap();
        let sets = || found.rows.iter().flat_map(|entry| &entry.candidates).filter_map(|one| one.set.as_ref());
        for set in sets().filter(|set| set.is_quarterly()) {
            assert_eq!(set.reported.is_none(), set.id == sandbox::DHIS2_HIDDEN_SET, "{version}: {set:?}");
        }
        let set = sets().find(|set| set.id == "q1Es3k3sZem").unwrap();
        assert_eq!(set.reported, Some(counted(&explorer, &set.id, &["2026Q2"]).await), "{version}");
        let named = |note: &String| note.contains(sandbox::DHIS2_HIDDEN_SET);
        assert!(found.notes.iter().any(named), "{version}: {:?}", found.notes);
    }
}

#[tokio::test]
async fn units_out_of_reach_cost_no_request_and_are_told() {
    let options = Options { facilities: 60, ..Options::new((2026, 2)) };
    let rig = Rig { user: sandbox::DHIS2_DISTRICT_USER, ..Rig::of(&options) };
    let (explorer, faulty) = rig.explorer(Mapping::built_in());
    let found = explored(&explorer).await.unwrap();
    let set = found.rows[0].candidates.iter().find(|one| one.set_id() == "q1Es3k3sZem").unwrap();
    assert_eq!(set.set.as_ref().unwrap().reported, None, "most of the facilities were not read");
    assert!(found.notes.iter().any(|note| note.starts_with("Reports are not counted, since ")), "{:?}", found.notes);
    assert!(found.notes.iter().any(|note| note.contains("outside the reach")), "{:?}", found.notes);
    assert_eq!(faulty.asked("/dataValueSets"), 1);
}

/// Nobody has read what these facilities hold: that is no count of 0, and a few of them are told beside the count.
#[tokio::test]
async fn facilities_that_could_not_be_read_are_no_reports_of_0() {
    let refused = |units: &[String]| {
        let text = format!("User is not allowed to view org unit: `{}`", units[0]);
        let body = format!(r#"{{"httpStatus":"Conflict","httpStatusCode":409,"status":"ERROR","message":"{text}"}}"#);
        Fault::Say(409, vec![("content-type", "application/json".to_owned())], body)
    };
    for (lost, kept) in [(0, true), (1, true), (3, false), (20, false)] {
        let rig = Rig::new(20);
        let rows = mapping(&[("beds", "asCqjKclllu", "q1Es3k3sZem", "")]);
        let (explorer, _) = rig.explorer(rows.clone());
        let units: Vec<String> = explorer.places().await.unwrap().into_iter().map(|place| place.unit).collect();
        let lost = lost.min(units.len());
        let rule = |unit: &String| Rule::new(refused(std::slice::from_ref(unit))).on("/dataValueSets").on(unit);
        let rules = units[..lost].iter().map(rule).collect();
        let (explorer, _) = Rig { rules, ..Rig::new(20) }.explorer(rows);
        let found = explored(&explorer).await.unwrap();
        let set = entry(&found, "beds").candidates[0].set.clone().unwrap();
        assert_eq!(set.reported.is_some(), kept, "{lost} of {}: {:?}", units.len(), found.notes);
        let told = format!("{lost} of {} facilities", units.len());
        assert_eq!(found.notes.iter().any(|note| note.contains(&told)), lost > 0, "{lost}: {:?}", found.notes);
    }
}

/// Fault matrix row D20: of two quarterly data sets with one data element, the retired one does not get the reports of the other.
#[tokio::test]
async fn d20_a_retired_data_set_is_not_told_the_reports_of_the_live_one() {
    let (bed, live, retired) = ("asCqjKclllu", "q1Es3k3sZem", "RetiredSet1");
    let places = Rig::new(20).explorer(mapping(&[])).0.places().await.unwrap();
    let ids: Vec<String> = places.iter().map(|place| format!(r#"{{"id":"{}"}}"#, place.unit)).collect();
    let (all, none) = (format!("[{}]", ids.join(",")), "[]".to_owned());
    let shared = "stand in other data sets";
    // By whom each is assigned, a data element of the live one's own, and what is told of the live and of the retired one.
    let unknown = "null".to_owned();
    for (assigned, other, counted, reported, said) in [
        ([&all, &none], "", Some(true), Some(0), false),
        ([&all, &all], "", None, None, true),
        ([&unknown, &unknown], "", None, None, true),
        ([&all, &all], "OwnElement1", Some(false), None, true),
    ] {
        let member = |id: &str| format!(r#"{{"dataElement":{{"id":"{id}"}}}}"#);
        let own = if other.is_empty() { String::new() } else { format!(",{}", member(other)) };
        let set = |id: &str, members: &str, units: &str| {
            format!(
                r#"{{"id":"{id}","name":"{id}","periodType":"Quarterly","dataSetElements":[{members}],"organisationUnits":{units}}}"#
            )
        };
        let sets = [set(live, &format!("{}{own}", member(bed)), assigned[0]), set(retired, &member(bed), assigned[1])];
        let refer = |id: &str| format!(r#"{{"dataSet":{{"id":"{id}","name":"{id}","periodType":"Quarterly"}}}}"#);
        let element = format!(
            r#"{{"dataElements":[{{"id":"{bed}","name":"Beds","valueType":"INTEGER","dataSetElements":[{},{}]}}]}}"#,
            refer(live),
            refer(retired)
        );
        let value = |at: usize, element: &str| {
            let unit = &places[at].unit;
            format!(
                r#"{{"dataElement":"{element}","period":"2026Q2","orgUnit":"{unit}","value":"1","categoryOptionCombo":"x","attributeOptionCombo":"y"}}"#
            )
        };
        let mut values: Vec<String> = (0..10).map(|at| value(at, bed)).collect();
        values.extend((0..9).filter(|_| !other.is_empty()).map(|at| value(at, other)));
        let rules = vec![
            Rule::new(json(&format!(r#"{{"dataSets":[{}]}}"#, sets.join(",")))).on("/dataSets"),
            Rule::new(json(&element)).on("/dataElements"),
            Rule::new(json(&format!(r#"{{"dataValues":[{}]}}"#, values.join(",")))).on("/dataValueSets"),
            Rule::new(json("{}")).on("/completeDataSetRegistrations"),
        ];
        let (explorer, _) = Rig { rules, ..Rig::new(20) }.explorer(mapping(&[("beds", bed, live, "Beds")]));
        let found = explored(&explorer).await.unwrap();
        let of = |id: &str| {
            let beds = entry(&found, "beds");
            beds.candidates.iter().find(|one| one.set_id() == id).unwrap().set.clone().unwrap().reported
        };
        let expected = counted.map(|all| if all { 10 } else { 9 });
        assert_eq!((of(live), of(retired)), (expected, reported), "{assigned:?} {other}: {:?}", found.notes);
        assert_eq!(
            found.notes.iter().any(|note| note.contains(shared) && note.contains(retired)),
            said,
            "{:?}",
            found.notes
        );
    }
}

#[tokio::test]
async fn behind_a_gateway_ids_are_taken_as_they_stand() {
    for gateway in [Gateway::Values, Gateway::Metadata] {
        let options = Options { gateway, facilities: 30, ..Options::new((2026, 2)) };
        let rig = Rig { path: (sandbox::GATEWAY, true), ..Rig::of(&options) };
        let rows = [
            ("beds", "asCqjKclllu", "q1Es3k3sZem", "HMIS Bed Capacity"),
            ("gone", "zzzzzzzzzzz", "q1Es3k3sZem", "Bed Capacity"),
            ("empty", "gKghGP99qDe", "", ""),
            ("odd", "as1", "", "HMIS Bed Capacity"),
        ];
        let (explorer, faulty) = rig.explorer(mapping(&rows));
        let found = explored(&explorer).await.unwrap();
        let told = gateway == Gateway::Metadata;
        let shown = Element::Shown("HMIS Bed Capacity".to_owned());
        assert_eq!(entry(&found, "beds").element, if told { shown } else { Element::Untold });
        assert_eq!(entry(&found, "gone").need(), if told { Need::Element } else { Need::Nothing });
        assert_eq!(entry(&found, "empty").need(), Need::DataSet);
        assert_eq!((entry(&found, "odd").need(), &entry(&found, "odd").element), (Need::Element, &Element::Missing));
        let own = entry(&found, "beds").candidates.iter().find(|one| one.set_id() == "q1Es3k3sZem").unwrap();
        let reported = own.set.as_ref().unwrap().reported.unwrap();
        assert!(reported > 20, "{gateway:?}: {reported}");
        assert_eq!(found.notes.iter().any(|note| note.contains("does not tell of data elements")), !told);
        let searched = explorer.search("beds").await.unwrap();
        assert_eq!(searched.notes.iter().any(|note| note.contains("does not tell of data elements")), !told);
        assert!(told || faulty.asked("rootJunction") == 0 && searched.candidates.is_empty());
    }
}

#[tokio::test]
async fn what_fails_on_the_way_is_a_note() {
    let refusals = [
        (Rule::new(Fault::page(500)).on("/dataValueSets"), "is not known"),
        (Rule::new(Fault::page(500)).on("/completeDataSetRegistrations"), "Which reports are complete is not known"),
        (Rule::new(Fault::page(500)).on("rootJunction"), "were not looked for"),
    ];
    for (rule, said) in refusals {
        let rows = mapping(&[("gone", "zzzzzzzzzzz", "", "Beds"), ("beds", "asCqjKclllu", "q1Es3k3sZem", "")]);
        let (explorer, _) = Rig { rules: vec![rule], ..Rig::new(10) }.explorer(rows);
        let found = explored(&explorer).await.unwrap();
        assert!(found.notes.iter().any(|note| note.contains(said)), "{said}: {:?}", found.notes);
        let set = entry(&found, "beds").candidates.iter().find(|one| one.set_id() == "q1Es3k3sZem").unwrap();
        assert_eq!(set.set.as_ref().unwrap().reported.is_none(), said == "is not known", "{said}");
    }
}

#[tokio::test]
async fn hostile_names_are_inert_in_every_sentence_and_ids_that_are_none_are_passed_over() {
    let name = "\\u001b[2J\\u202eBeds\\r\\n";
    let like = format!(
        r#"{{"pager":{{"page":1,"pageCount":9,"total":9000,"pageSize":200}},"dataElements":[
            {{"id":"x],y","name":"Beds","dataSetElements":[]}},
            {{"id":"HostileElm1","name":"{name}","dataSetElements":[{{"dataSet":{{"id":"..\\/me","name":"x"}}}},{{"dataSet":{{"id":"q1Es3k3sZem","name":"{name}"}}}}]}},
            {{"id":"TrackerElm1","name":"Beds","domainType":"TRACKER","dataSetElements":[]}}]}}"#
    );
    let own = format!(
        r#"{{"dataElements":[{{"id":"asCqjKclllu","name":"{name}","valueType":"{name}","dataSetElements":[{{"dataSet":{{"id":"q1Es3k3sZem","name":"{name}","periodType":"{name}"}}}}]}}]}}"#
    );
    let rules = vec![
        Rule::new(json(&like)).on("rootJunction"),
        Rule::new(json(&own)).on("/dataElements"),
        Rule::new(Fault::page(404)).on("/dataSets"),
    ];
    let rows =
        mapping(&[("gone", "zzzzzzzzzzz", "", "\u{1b}]0;Beds\u{7}"), ("beds", "asCqjKclllu", "q1Es3k3sZem", "Beds")]);
    let (explorer, _) = Rig { rules, ..Rig::new(10) }.explorer(rows);
    let found = explored(&explorer).await.unwrap();
    let acts = |text: &str| text.contains(|c: char| c.is_control() || c == '\u{202e}');
    let gone = entry(&found, "gone");
    assert_eq!(gone.candidates.iter().map(|one| one.element.as_str()).collect::<Vec<_>>(), ["HostileElm1"]);
    assert_eq!(gone.candidates[0].set_id(), "q1Es3k3sZem");
    assert!(found.notes.iter().any(|note| note.contains("Of 9000 data elements")), "{:?}", found.notes);
    let problems = found.rows.iter().flat_map(|entry| &entry.problems).map(ToString::to_string);
    let sentences: Vec<String> = found.notes.iter().cloned().chain(problems).collect();
    assert!(sentences.iter().any(|text| text.contains("<1B>[2J<202E>")), "{sentences:#?}");
    assert!(!sentences.iter().any(|text| acts(text)), "{sentences:#?}");
}

#[tokio::test]
async fn two_thousand_rows_cost_a_few_requests() {
    let mut text = "case_property,data_element_id,data_set_id,dhis2_name\n".to_owned();
    for row in 0..2_000 {
        writeln!(text, "dhis_p{row},E{row:010},S{:010},Thing number {row}", row % 300).unwrap();
    }
    let (explorer, faulty) = Rig::new(20).explorer(Mapping::read(text.as_bytes()));
    let found = explored(&explorer).await.unwrap();
    assert_eq!(found.rows.len(), 2_000);
    assert_eq!((faulty.asked("rootJunction"), faulty.asked("/dataElements") - 40 <= 6), (40, true));
    assert!(faulty.asked("/dhis2/") < 60, "{}", faulty.asked("/dhis2/"));
    assert!(found.notes.iter().any(|note| note.contains("1960 more")), "{:?}", found.notes);
}

/// No candidate because none was looked for is not the same as none.
#[tokio::test]
async fn names_that_were_not_looked_for_are_told_from_those_that_were() {
    for (rules, looked) in [(vec![Rule::new(Fault::page(500)).on("rootJunction")], false), (Vec::new(), true)] {
        let (explorer, _) =
            Rig { rules, ..Rig::new(10) }.explorer(mapping(&[("gone", "zzzzzzzzzzz", "", "Qqqq xxxx")]));
        let found = explored(&explorer).await.unwrap();
        let gone = entry(&found, "gone");
        assert_eq!((gone.looked, gone.is_unsought(), gone.candidates.len()), (looked, !looked, 0));
    }
    let names: Vec<(String, String)> = (0..45).map(|n| (format!("p{n:02}"), format!("Qqqq{n:02}"))).collect();
    let rows: Vec<_> = names.iter().map(|(p, name)| (p.as_str(), "zzzzzzzzzzz", "", name.as_str())).collect();
    let found = explored(&Rig::new(10).explorer(mapping(&rows)).0).await.unwrap();
    assert_eq!(found.rows.iter().filter(|entry| entry.is_unsought()).count(), 5);
}

/// Data elements are told and data sets are not: what stands in them is not known, and that is no count of 0.
#[tokio::test]
async fn without_a_list_of_data_sets_none_is_counted_by_what_is_not_known_of_it() {
    let like = r#"{"dataElements":[{"id":"LikeElemnt1","name":"Beds","dataSetElements":[{"dataSet":{"id":"LikeDataSt1","name":"x","periodType":"Quarterly"}}]}]}"#;
    let rules = vec![Rule::new(json(like)).on("rootJunction"), Rule::new(Fault::page(404)).on("/dataSets")];
    let rows = mapping(&[
        ("gone", "zzzzzzzzzzz", "EmptyDtSet1", "Beds"),
        ("beds", "asCqjKclllu", "q1Es3k3sZem", ""),
        ("wrong", "asCqjKclllu", "EmptyDtSet1", ""),
    ]);
    let (explorer, _) = Rig { rules, ..Rig::new(20) }.explorer(rows);
    let found = explored(&explorer).await.unwrap();
    let reported = |property: &str, set: &str| {
        let of = entry(&found, property).candidates.iter().find(|one| one.set_id() == set);
        of.unwrap().set.as_ref().unwrap().reported
    };
    assert_eq!(reported("gone", "LikeDataSt1"), None, "{:?}", found.notes);
    let expected = counted(&explorer, "q1Es3k3sZem", &["2026Q2"]).await;
    assert_eq!((reported("beds", "q1Es3k3sZem"), expected > 0), (Some(expected), true));
    assert!(found.notes.iter().any(|note| note.contains("LikeDataSt1")), "{:?}", found.notes);
}
