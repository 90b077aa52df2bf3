//! Every row of a mapping with its evidence.

use onse::{
    domain::{
        explored::{Candidate, Element, Need},
        mapping::Mapping,
    },
    sandbox,
};

use crate::rig::{Rig, counted, entry, explored, mapping};

/// The 21 rows that were found and the four that were not.
fn onse() -> Mapping {
    let four = include_str!("../data/mappings/rows_without_data_set_id.csv");
    let mut text = String::from_utf8(Mapping::built_in().bytes().to_vec()).unwrap();
    four.lines().skip(1).for_each(|line| text.extend([line, "\n"]));
    Mapping::read(text.as_bytes())
}

#[tokio::test]
async fn the_25_rows_of_the_project_from_end_to_end() {
    let rig = Rig::new(60);
    let sandbox = rig.sandbox.clone();
    let (explorer, faulty) = rig.explorer(onse());
    let found = explored(&explorer).await.unwrap();
    // The server, the account, data elements, four names, data sets, units, values, registrations; nothing that changes anything.
    assert_eq!(faulty.asked("/dhis2/"), 11);
    assert!(sandbox.requests().iter().all(|request| request.method == "GET"));
    assert_eq!((found.rows.len(), found.quarter.to_string().as_str()), (25, "2026Q2"));
    let facilities = found.facilities.unwrap();
    assert!((50..=60).contains(&facilities), "{facilities}");
    for entry in found.rows.iter().take(21) {
        assert!(matches!(&entry.element, Element::Shown(name) if *name == entry.row.name), "{entry:?}");
        assert!(matches!(entry.need(), Need::Nothing | Need::Look) && entry.problems.is_empty(), "{entry:?}");
        let own = entry.candidates.iter().find(|one| one.set_id() == entry.row.data_set).unwrap();
        let set = own.set.as_ref().unwrap();
        assert!(own.alike.is_none() && set.is_quarterly() && !set.name.is_empty(), "{set:?}");
        assert!(set.reported.unwrap() <= facilities && set.assigned.unwrap() <= facilities);
        assert_eq!(set.rows, found.rows.iter().filter(|other| other.row.data_set == set.id).count());
    }
    for set in ["q1Es3k3sZem", "VEqRXwmqhM1"] {
        let shown = found.rows.iter().flat_map(|entry| &entry.candidates).find(|one| one.set_id() == set).unwrap();
        assert_eq!(shown.set.as_ref().unwrap().reported, Some(counted(&explorer, set, &["2026Q2"]).await), "{set}");
    }
    // The four, with what is called much like them.
    for (line, expected) in [(23, sandbox::LIKE_ELEMENT), (24, sandbox::SHARED_ELEMENT), (25, sandbox::SHARED_ELEMENT)]
    {
        let entry = &found.rows[line - 2];
        assert_eq!((entry.row.line, &entry.element, entry.need()), (line as u64, &Element::Missing, Need::Element));
        let best = &entry.candidates[0];
        assert_eq!((best.element.as_str(), best.alike.is_some_and(|alike| alike > 60)), (expected, true), "{entry:#?}");
        let choice = best.choice(entry.row.line).unwrap();
        assert_eq!(choice.data_element.as_deref(), Some(expected), "choosing it changes the data element too");
        let texts: Vec<String> = entry.problems.iter().map(ToString::to_string).collect();
        assert!(texts.iter().any(|text| text.contains("The data set is not known yet")), "{texts:?}");
        assert!(texts.iter().any(|text| text.contains("does not show a data element")), "{texts:?}");
    }
    let last = &found.rows[24];
    assert_eq!((last.need(), &last.element), (Need::Element, &Element::Missing));
    assert!(last.candidates.len() <= 10 && last.candidates.iter().all(|one| one.alike.is_some_and(|alike| alike < 80)));
}

#[tokio::test]
async fn d20_all_data_sets_of_a_data_element_are_shown_and_none_is_chosen() {
    let (element, quarterly) = (sandbox::SHARED_ELEMENT, sandbox::SHARED_SET);
    let name = "TB COMM Number of Sputum Collection Points";
    let rows = mapping(&[("one", element, quarterly, name), ("two", element, "", name)]);
    let (explorer, _) = Rig::new(40).explorer(rows);
    let found = explored(&explorer).await.unwrap();
    for (property, need) in [("one", Need::Look), ("two", Need::DataSet)] {
        let entry = entry(&found, property);
        assert_eq!(entry.need(), need);
        let sets: Vec<&str> = entry.candidates.iter().map(Candidate::set_id).collect();
        assert_eq!(sets, [quarterly, sandbox::SHARED_MONTHLY_SET], "the quarterly one first");
        for (candidate, (period_type, periods)) in entry
            .candidates
            .iter()
            .zip([("Quarterly", ["2026Q2"].as_slice()), ("Monthly", ["202604", "202605", "202606"].as_slice())])
        {
            let set = candidate.set.as_ref().unwrap();
            assert_eq!((candidate.alike, set.period_type.as_deref()), (None, Some(period_type)));
            assert!(set.name.starts_with("TB Community"), "{set:?}");
            assert_eq!(set.reported, Some(counted(&explorer, &set.id, periods).await), "{set:?}");
            assert!(candidate.why(&found).contains("facilities reported"), "{}", candidate.why(&found));
        }
    }
    assert_eq!(entry(&found, "two").row.data_set, "", "nothing was chosen");
    let texts: Vec<String> = entry(&found, "two").problems.iter().map(ToString::to_string).collect();
    let both = format!(
        "stands in {} TB Community Monthly Return (monthly), {quarterly} TB Community Quarterly Report (quarterly)",
        sandbox::SHARED_MONTHLY_SET
    );
    assert!(texts.iter().any(|text| text.contains(&both)), "{texts:?}");
}

#[tokio::test]
async fn d21_a_data_element_in_no_data_set_says_so() {
    let (lost, name) = (sandbox::LOST_ELEMENT, "HMIS Household Visits (retired)");
    let rows = [
        ("lost", lost, "", name),
        ("named", lost, "q1Es3k3sZem", name),
        ("fine", "asCqjKclllu", "q1Es3k3sZem", "HMIS Bed Capacity"),
    ];
    let (explorer, _) = Rig::new(20).explorer(mapping(&rows));
    let found = explored(&explorer).await.unwrap();
    for (property, need) in [("lost", Need::DataSet), ("named", Need::OtherDataSet)] {
        let entry = entry(&found, property);
        assert_eq!((entry.need(), entry.candidates.len()), (need, 1), "{property}");
        let candidate = &entry.candidates[0];
        assert!(candidate.set.is_none() && candidate.choice(entry.row.line).is_none());
        assert!(candidate.why(&found).contains("in no data set"));
        assert!(entry.problems.iter().any(|one| one.what.contains("stands in no data set")), "{:?}", entry.problems);
    }
    assert!(entry(&found, "fine").problems.is_empty());
}

#[tokio::test]
async fn d04_a_data_element_that_is_not_shown_blocks_its_row_alone() {
    let rows = [
        ("gone", "zzzzzzzzzzz", "q1Es3k3sZem", "HMIS Bed Capacity"),
        ("odd", "as CqjKclllu", "q1Es3k3sZem", "HMIS bed capacity"),
        ("nameless_bed_capacity", "zzzzzzzzzzy", "", ""),
        ("fine", "asCqjKclllu", "q1Es3k3sZem", "HMIS Bed Capacity"),
    ];
    let mapping = mapping(&rows);
    let (explorer, faulty) = Rig::new(20).explorer(mapping.clone());
    let found = explored(&explorer).await.unwrap();
    for property in ["gone", "odd", "nameless_bed_capacity"] {
        let entry = entry(&found, property);
        assert_eq!((entry.need(), &entry.element), (Need::Element, &Element::Missing), "{property}");
        assert!(entry.problems.iter().any(|one| one.blocks && one.column == Some("data_element_id")), "{property}");
        let best = &entry.candidates[0];
        assert_eq!((best.element.as_str(), best.set_id()), ("asCqjKclllu", "q1Es3k3sZem"), "{property}");
        assert!(best.alike > Some(60), "{property}: {best:?}");
    }
    assert_eq!(entry(&found, "gone").candidates[0].alike, Some(100));
    assert!(entry(&found, "fine").problems.is_empty() && entry(&found, "fine").need() != Need::Element);
    // Three distinct names, one of them but for letter case and of another row.
    assert_eq!(faulty.asked("rootJunction=OR"), 3);
}

/// Fault matrix row M16: the row stays where it is, marked.
#[tokio::test]
async fn m16_a_row_whose_data_element_is_gone_is_kept_and_marked() {
    let rows = mapping(&[
        ("gone", "zzzzzzzzzzz", "q1Es3k3sZem", "No such thing anywhere"),
        ("fine", "asCqjKclllu", "q1Es3k3sZem", ""),
    ]);
    let (explorer, _) = Rig::new(20).explorer(rows.clone());
    let found = explored(&explorer).await.unwrap();
    assert_eq!(found.rows.iter().map(|entry| &entry.row).collect::<Vec<_>>(), rows.rows.iter().collect::<Vec<_>>());
    let gone = entry(&found, "gone");
    assert_eq!(gone.need(), Need::Element);
    assert!(gone.problems[0].to_string().starts_with("line 2, data_element_id \"zzzzzzzzzzz\": DHIS2 does not show"));
    assert_eq!(explorer.mapping.bytes(), rows.bytes());
}

#[tokio::test]
async fn months_of_the_quarter_count_for_a_monthly_data_set_and_no_other_period_type_is_counted() {
    let rows = mapping(&[
        ("fever", sandbox::MONTHLY_SUM, sandbox::MONTHLY_SET, ""),
        ("funds", sandbox::FISCAL_ELEMENT, sandbox::FISCAL_SET, ""),
    ]);
    let (explorer, _) = Rig::new(60).explorer(rows);
    let found = explored(&explorer).await.unwrap();
    let set = |property: &str| entry(&found, property).candidates[0].set.clone().unwrap();
    let months = counted(&explorer, sandbox::MONTHLY_SET, &["202604", "202605", "202606"]).await;
    assert_eq!((set("fever").reported, months > 0), (Some(months), true));
    assert_eq!((set("funds").reported, set("funds").assigned.is_some()), (None, true));
    let said = |property: &str| entry(&found, property).problems.last().unwrap().clone();
    assert!(!said("fever").blocks && said("fever").what.contains("--finer MoHMonthly1=by-type"), "{}", said("fever"));
    assert!(said("funds").blocks && said("funds").what.contains("QuarterlyNov"), "{}", said("funds"));
}
