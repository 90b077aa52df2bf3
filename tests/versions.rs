//! The same country read from every release line of DHIS2, at its own address and behind a gateway that shows all, metadata or
//! values only: the same plan for what the account may read.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test binary; a failure here is the test's answer")]

#[path = "support/faults.rs"]
#[expect(dead_code, reason = "nothing goes wrong here")]
mod faults;
#[path = "support/naive.rs"]
mod naive;
#[path = "faults_dhis2/rig.rs"]
#[expect(dead_code, reason = "nothing goes wrong here")]
mod rig;
mod support;

use std::collections::BTreeSet;

use naive::{Cells, Knows, Naive, differ};
use onse::{
    domain::{mapping::Mapping, plan::State},
    job::fetch::{Ask, Reach},
    sandbox::{self, Gateway, Options, Version},
};
use rig::{Act, Got, Rig};
use support::ask;

/// Where DHIS2 is, and what can be known of it there.
const PLACES: [(&str, Option<Gateway>, Knows); 4] = [
    ("its own address", None, Knows::ALL),
    ("a gateway", Some(Gateway::Whole), Knows::ALL),
    ("a gateway of metadata", Some(Gateway::Metadata), Knows { metadata: true, completeness: false }),
    ("a gateway of values", Some(Gateway::Values), Knows { metadata: false, completeness: false }),
];

fn rig(version: Version, gateway: Option<Gateway>) -> Rig {
    let shown = gateway.unwrap_or_default();
    let mut rig = Rig::with(&Options { facilities: 60, seed: 11, version, gateway: shown, ..Options::new((2026, 2)) });
    if gateway.is_some() {
        rig.who = rig.who.behind_the_gateway();
    }
    rig
}

/// The built-in mapping, a monthly data set, and one split by what the account may not read in full.
fn mapping() -> Mapping {
    let file = include_str!("../case_property_map.csv").trim_end();
    let more = format!(
        "{file}\nfever,{},{},\noutreach,{},{},\n",
        sandbox::MONTHLY_SUM,
        sandbox::MONTHLY_SET,
        sandbox::PARTNER_ELEMENT,
        sandbox::PARTNER_SET
    );
    Mapping::read(more.as_bytes())
}

/// Asks with look-back, so that completeness counts twice.
fn wide() -> Ask {
    let reach = Reach { look_back: 2, history: false, ..Reach::default() };
    Ask { mapping: mapping(), reach, ..ask(&[]) }
}

async fn truth(knows: Knows) -> Cells {
    let rig = rig(Version::V40, None);
    let naive = Naive { knows, look_back: 2, ..Naive::new(&rig.sandbox, rig.user) };
    naive.cells(&rig.sandbox, &mapping()).await.0
}

/// Everything a reviewer decides by, cell by cell and facility by facility.
fn shown(got: &Got) -> Vec<String> {
    let plan = got.plan();
    let cell = |cell| {
        let flags: Vec<String> =
            plan.flags(cell).iter().map(|flag| format!("{}: {}", flag.id, flag.sentence)).collect();
        let (old, new) = (plan.old(cell), plan.held(cell));
        format!("{} {old:?} {new:?} {} {flags:?}", plan.title(cell), plan.state(cell).name())
    };
    plan.cells().map(cell).collect()
}

#[tokio::test]
async fn the_same_plan_comes_out_of_every_version_at_every_address() {
    for (place, gateway, knows) in PLACES {
        let truth = truth(knows).await;
        let states: BTreeSet<State> = truth.values().map(|cell| cell.0).collect();
        if knows == Knows::ALL {
            let met =
                [State::OlderQuarter, State::ZeroNotStored, State::NotAssigned, State::Deleted, State::WrongPeriodType];
            assert!(states.is_superset(&met.into()), "{states:?}");
        }
        let mut before: Option<Vec<String>> = None;
        for version in Version::ALL {
            let got = rig(version, gateway).read(&wide()).await;
            if let Some(text) = differ(&got.cells(), &truth) {
                panic!("{version} at {place}: {text}");
            }
            let shown = shown(&got);
            assert!(before.as_ref().is_none_or(|before| *before == shown), "{version} at {place}");
            before = Some(shown);
            assert!(!got.plan().incomplete(), "{version} at {place}");
        }
    }
}

#[tokio::test]
async fn at_an_own_address_it_takes_the_same_few_requests_on_every_version() {
    for version in Version::ALL {
        let got = rig(version, None).read(&wide()).await;
        let count = |word: &str| got.asked.iter().filter(|asked| asked.address.contains(word)).count();
        // Information, account, data elements, data sets, units twice, values, completeness, names of options.
        assert_eq!((got.asked.len(), count("/dataValueSets?"), count("/completeDataSet")), (9, 1, 1), "{version}");
        assert!(got.plan().head.dhis2_version.starts_with(&version.to_string()), "{version}");
    }
}

/// The numbers are those that are read with everything known; absences lose their names, and that is said once.
#[tokio::test]
async fn behind_a_bare_gateway_numbers_stay_and_absences_are_not_reported() {
    let plain = Ask { reach: Reach { history: false, ..Reach::default() }, ..ask(&[]) };
    let whole = rig(Version::V42, None).read(&plain).await;
    for version in Version::ALL {
        let got = rig(version, Some(Gateway::Values)).read(&plain).await;
        let (found, wanted) = (got.cells(), whole.cells());
        let mut absences = 0;
        for (key, (state, held, _)) in &found {
            let Some((known, number, _)) = wanted.get(key) else { panic!("{key:?}") };
            assert_eq!(held, number, "{version}: {key:?}");
            if held.is_none() {
                let wanted = if *known == State::Deleted { State::Deleted } else { State::NotReported };
                assert_eq!(*state, wanted, "{version}: {key:?}, {known:?}");
                absences += 1;
            }
        }
        assert!(absences > 100 && found.len() == wanted.len(), "{version}: {absences}");
        let note = got.note("does not tell of");
        assert!(note.contains("data elements, data sets, the account"), "{note}");
        assert_eq!(got.values().len(), 8, "{version}: each data set once");
        assert!(got.note("which reports are complete is not known").contains("404"), "{version}");
    }
}

#[tokio::test]
async fn a_calendar_that_is_not_ours_is_refused_when_guessed_and_read_when_named() {
    for version in Version::ALL {
        let calendar = "ethiopian".to_owned();
        let rig = Rig::with(&Options { facilities: 20, version, calendar, ..Options::new((2026, 2)) });
        let got = rig.read(&Ask { guessed: true, ..ask(&[]) }).await;
        assert!(got.failure().contains("ethiopian"), "{version}");
        let got = rig.read(&Ask { guessed: false, ..ask(&[]) }).await;
        got.says(&rig.truth().await);
        assert!(got.has_note("ethiopian calendar"), "{version}");
    }
}

/// Leaves out the last category option combo of every data element that has several, and of every data set.
fn without_the_last_option(value: &mut serde_json::Value) {
    for element in value["dataElements"].as_array_mut().unwrap() {
        let options = element["categoryCombo"]["categoryOptionCombos"].as_array_mut().unwrap();
        if options.len() > 1 {
            options.pop();
        }
        for place in element["dataSetElements"].as_array_mut().unwrap() {
            place.as_object_mut().unwrap().remove("categoryCombo");
        }
    }
}

#[tokio::test]
async fn every_version_tells_options_and_when_a_report_was_complete() {
    for version in Version::ALL {
        let got = rig(version, None).read(&ask(&[])).await;
        let flags = |got: &Got, id: &str| -> Vec<String> {
            let flags = got.plan().all_flags().flat_map(|(_, flags)| flags);
            flags.filter(|flag| flag.id == id).map(|flag| flag.sentence.clone()).collect()
        };
        assert!(
            flags(&got, "S05").len() <= 3,
            "{version}: every row is of an option that is told, but for those planted"
        );
        let late = flags(&got, "S03");
        let days = |late: &String| late.split(' ').nth(2).unwrap().parse::<u32>().unwrap();
        // Some days after the time allowed, or about 41 where it was planted.
        assert!(late.iter().map(days).all(|days| (16..30).contains(&days) || (38..45).contains(&days)), "{late:?}");
        assert!(!late.is_empty() && !flags(&got, "S02").is_empty(), "{version}");
        let judge = |address: &str| {
            if address.contains("/dataElements?") { Act::bend(without_the_last_option) } else { Act::Pass }
        };
        let bent = rig(version, None).bent(judge).await;
        let odd = flags(&bent, "S05");
        assert!(
            odd.len() > 10 && odd.iter().all(|odd| odd.starts_with("unexpected category \"")),
            "{version}: {odd:?}"
        );
    }
}

#[tokio::test]
async fn behind_a_bare_gateway_nothing_is_said_of_options_and_reports() {
    let got = rig(Version::V42, Some(Gateway::Values)).read(&ask(&[])).await;
    let silent = |id: &str| !["S02", "S03", "S05", "S12"].contains(&id);
    assert!(got.plan().all_flags().flat_map(|(_, flags)| flags).all(|flag| silent(&flag.id)));
}
