//! Data elements by words, and what a facility holds of them.

use std::sync::Arc;

use onse::{
    domain::explored::Candidate,
    job::datasets::{Facilities, Place},
    sandbox::{self, Options},
};

use crate::{
    faults::{Fault, Rule},
    rig::{Rig, counted, mapping},
};

#[tokio::test]
async fn words_find_data_elements_and_data_sets_with_their_counts() {
    let (explorer, faulty) = Rig::new(40).explorer(mapping(&[("beds", "asCqjKclllu", "q1Es3k3sZem", "")]));
    let found = explorer.search("points sputum").await.unwrap();
    let sets: Vec<&str> = found.candidates.iter().map(Candidate::set_id).collect();
    assert_eq!(sets, [sandbox::SHARED_SET, sandbox::SHARED_MONTHLY_SET]);
    assert_eq!((found.more, found.words.as_str()), (0, "points sputum"), "{found:?}");
    assert!(found.notes.iter().all(|note| note.contains("without the id of an organisation unit")), "{found:?}");
    let best = &found.candidates[0];
    assert!(best.alike.is_some() && best.element == sandbox::SHARED_ELEMENT);
    let reported = best.set.as_ref().unwrap().reported;
    assert_eq!(reported, Some(counted(&explorer, sandbox::SHARED_SET, &["2026Q2"]).await));
    assert!(faulty.asked("domainType%3Aeq%3AAGGREGATE") > 0);

    // By id, whatever its letter case.
    let found = explorer.search(" ASCQJKCLLLU ").await.unwrap();
    assert!(found.candidates.iter().all(|one| one.element == "asCqjKclllu" && one.alike == Some(100)), "{found:?}");
    let own = found.candidates.iter().find(|one| one.set_id() == "q1Es3k3sZem").unwrap();
    assert_eq!(own.set.as_ref().unwrap().rows, 1, "the mapping uses it");

    // By the name of a data set: its data elements.
    let found = explorer.search("EPI quarterly report").await.unwrap();
    assert!(
        found.candidates.iter().any(|one| one.element == sandbox::LIKE_ELEMENT && one.set_id() == sandbox::LIKE_SET)
    );

    // One in no data set is found too.
    let found = explorer.search("household retired").await.unwrap();
    assert!(
        matches!(&*found.candidates, [one] if one.set.is_none() && one.element == sandbox::LOST_ELEMENT),
        "{found:?}"
    );

    for nothing in ["quite another thing", "[]:,", "", "name:eq:x]"] {
        let found = explorer.search(nothing).await.unwrap();
        assert!(found.candidates.is_empty() && found.more == 0, "{nothing}: {found:?}");
    }
}

#[tokio::test]
async fn at_most_25_are_told_and_the_rest_is_counted() {
    let json = |text: &str| Fault::Say(200, vec![("content-type", "application/json".to_owned())], text.to_owned());
    let members: Vec<String> =
        (0..40).map(|n| format!(r#"{{"dataElement":{{"id":"E{n:010}","name":"Beds {n}"}}}}"#)).collect();
    let set =
        format!(r#"{{"dataSets":[{{"id":"q1Es3k3sZem","name":"Beds","dataSetElements":[{}]}}]}}"#, members.join(","));
    let element = r#"{"pager":{"total":300},"dataElements":[{"id":"asCqjKclllu","name":"Beds","dataSetElements":[]}]}"#;
    let rules = vec![
        Rule::new(json(&set)).on("/dataSets").on("identifiable"),
        Rule::new(json(element)).on("/dataElements").on("identifiable"),
    ];
    let (mut explorer, faulty) = Rig { rules, ..Rig::new(20) }.explorer(mapping(&[("a", "asCqjKclllu", "", "")]));
    let places: Arc<[Place]> = explorer.places().await.unwrap().into();
    explorer.facilities = Facilities::Known(places);
    let listed = faulty.asked("/a/");
    let found = explorer.search("beds").await.unwrap();
    // 25 of the data set and one by its own name, of which 25 are told; 15 more of the data set and 299 more on the server.
    assert_eq!((found.candidates.len(), found.more), (25, 1 + 15 + 299));
    assert_eq!(faulty.asked("/a/"), listed, "known facilities are not listed again");
}

#[tokio::test]
async fn a_facility_is_asked_for_its_quarter_and_its_months() {
    let rig = Rig::of(&Options { facilities: 30, ..Options::new((2026, 2)) });
    let sandbox = rig.sandbox.clone();
    let (explorer, faulty) = rig.explorer(mapping(&[("beds", "asCqjKclllu", "q1Es3k3sZem", "")]));
    let sex = "gKghGP99qDe";
    let combos = explorer.sources.dhis2.data_elements(&[sex.to_owned()]).await.unwrap();
    let options = combos[0].category_combo.clone().unwrap().options.unwrap();
    let places = explorer.places().await.unwrap();
    let place = places[3].clone();
    assert!(places.windows(2).all(|two| two[0].name <= two[1].name));
    for (option, value) in options.iter().zip(["2.5", "0.75"]) {
        assert!(sandbox.set_value(&place.unit, sex, option, "2026Q2", Some(value)));
    }
    let candidate = |element: &str, set: &str| Candidate {
        element: element.to_owned(),
        element_name: String::new(),
        alike: None,
        set: Some(onse::domain::explored::SetFacts { id: set.to_owned(), ..Default::default() }),
    };
    let wanted = [
        candidate(sex, "VEqRXwmqhM1"),
        candidate(sandbox::MONTHLY_SUM, sandbox::MONTHLY_SET),
        candidate(sandbox::LOST_ELEMENT, "q1Es3k3sZem"),
        Candidate { set: None, ..candidate(sandbox::LOST_ELEMENT, "") },
    ];
    let before = faulty.asked("/dhis2/");
    let held = explorer.values(&place, &wanted).await.unwrap();
    assert_eq!((held.facility.as_str(), held.notes.len()), (place.name.as_str(), 0));
    assert_eq!(faulty.asked("/dhis2/") - before, 2);
    let of = |element: &str| -> Vec<(String, String, usize)> {
        let of = held.held.iter().filter(|one| one.element == element);
        of.map(|one| (one.period.clone(), one.total.clone(), one.parts)).collect()
    };
    assert_eq!(of(sex), [("2026Q2".to_owned(), "3.25".to_owned(), 2)]);
    let months = of(sandbox::MONTHLY_SUM);
    assert!(!months.is_empty() && months.iter().all(|(period, ..)| period.starts_with("20260")), "{months:?}");
    assert!(of(sandbox::LOST_ELEMENT).is_empty());

    // Words are words.
    assert!(sandbox.set_value(&place.unit, sex, &options[0], "2026Q2", Some("about 3")));
    let held = explorer.values(&place, &wanted[..1]).await.unwrap();
    assert_eq!(held.held.iter().map(|one| one.total.as_str()).collect::<Vec<_>>(), ["about 3"]);
    assert!(explorer.values(&place, &[]).await.unwrap().held.is_empty());
    // A data set this account may not read: the others are told, and that this is missing.
    let closed = sandbox.unreadable_data_set().unwrap().to_owned();
    let held = explorer.values(&place, &[wanted[0].clone(), candidate("asCqjKclllu", &closed)]).await.unwrap();
    assert_eq!(held.held.len(), 1);
    assert!(held.notes.iter().any(|note| note.contains(&closed)), "{held:?}");
}

#[tokio::test]
async fn a_full_page_without_a_total_and_words_that_are_not_used_are_told() {
    let json = |text: &str| Fault::Say(200, vec![("content-type", "application/json".to_owned())], text.to_owned());
    for (many, pager, told) in [(100, "", true), (99, "", false), (100, r#""pager":{"total":100},"#, false)] {
        let one = |n: usize| format!(r#"{{"id":"E{n:010}","name":"Beds {n}","dataSetElements":[]}}"#);
        let elements: Vec<String> = (0..many).map(one).collect();
        let answer = format!(r#"{{{pager}"dataElements":[{}]}}"#, elements.join(","));
        let rules = vec![Rule::new(json(&answer)).on("/dataElements").on("identifiable")];
        let (explorer, _) = Rig { rules, ..Rig::new(10) }.explorer(mapping(&[]));
        let found = explorer.search("beds").await.unwrap();
        assert_eq!(found.notes.iter().any(|note| note.contains("perhaps there are more")), told, "{many}: {found:?}");
        assert!(!found.notes.iter().any(|note| note.contains("first 8 words")), "{found:?}");
    }
    let found = Rig::new(10).explorer(mapping(&[])).0.search("a b c d e f g h i j").await.unwrap();
    assert!(found.notes.iter().any(|note| note.contains("first 8 words were looked for, and not: i j.")), "{found:?}");
}

#[tokio::test]
async fn values_are_read_in_parts_that_fit_and_what_fails_is_a_note() {
    let bed = "asCqjKclllu";
    let candidate = |set: String| Candidate {
        element: bed.to_owned(),
        element_name: String::new(),
        alike: None,
        set: Some(onse::domain::explored::SetFacts { id: set, ..Default::default() }),
    };
    let many: Vec<Candidate> = (0..900).map(|n| candidate(format!("S{n:010}"))).collect();
    let row = |unit: &str| {
        format!(
            r#"{{"dataValues":[{{"dataElement":"{bed}","period":"2026Q2","orgUnit":"{unit}","value":"7","categoryOptionCombo":"x","attributeOptionCombo":"y"}}]}}"#
        )
    };
    let json = |text: &str| Fault::Say(200, vec![("content-type", "application/json".to_owned())], text.to_owned());
    let place = Place { unit: "UnitNumber1".to_owned(), name: "Kasenga HC".to_owned() };
    let untyped =
        Rule::new(json(&format!(r#"{{"dataElements":[{{"id":"{bed}","name":"Beds"}}]}}"#))).on("/dataElements");
    let rules = vec![Rule::new(json(&row(&place.unit))).on("/dataValueSets"), untyped];
    let (explorer, faulty) = Rig { rules, ..Rig::new(10) }.explorer(mapping(&[]));
    let held = explorer.values(&place, &many).await.unwrap();
    assert!(faulty.asked("/dataValueSets") > 1, "{}", faulty.asked("/dataValueSets"));
    assert_eq!(held.held.iter().map(|one| (one.total.as_str(), one.parts)).collect::<Vec<_>>(), [("7", 1)]);
    assert!(
        held.notes.iter().any(|note| note.starts_with("The value type is not told") && note.contains(bed)),
        "{held:?}"
    );

    let rules = vec![Rule::new(Fault::page(500)).on("/dataValueSets")];
    let (explorer, _) = Rig { rules, ..Rig::new(10) }.explorer(mapping(&[]));
    let held = explorer.values(&place, &many[..1]).await.unwrap();
    assert!(held.held.is_empty() && held.notes.iter().any(|note| note.contains("is not known")), "{held:?}");
    let refused = Rig { password: "wrong", ..Rig::new(10) }.explorer(mapping(&[])).0;
    assert!(refused.values(&place, &many[..1]).await.is_err());
}
