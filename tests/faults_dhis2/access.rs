//! What the account may not read, and what DHIS2 does not know.

use std::collections::BTreeSet;

use onse::{
    domain::plan::State,
    io::http::{Secret, SignIn},
    sandbox::{self, Gateway, Options, Version},
};

use crate::{
    naive::{Cells, Knows, Naive},
    rig::{Act, Got, Rig, Who},
    support::ask,
};

#[tokio::test]
async fn d01_a_wrong_password_is_tried_exactly_once_and_leaves_nothing() {
    for version in Version::ALL {
        let mut rig = Rig::of(version, 40);
        let password = Secret::new("nearly-right");
        rig.who.sign_in = SignIn::Basic { user: sandbox::DHIS2_USER.to_owned(), password };
        let got = rig.read(&ask(&[])).await;
        let told = got.failure();
        assert!(told.contains("401") && told.contains("DHIS2") && !told.contains("nearly-right"), "{told}");
        assert_eq!(got.asked.len(), 1, "{version}: {:?}", got.asked);
        assert!(rig.time.slept().is_empty());
    }
}

#[tokio::test]
async fn d01_a_sign_in_that_stops_working_ends_the_reading_without_another_try() {
    let rig = Rig::new(400);
    let got = rig.bent(|path| if path.contains("/dataValueSets") { Act::page(401) } else { Act::Pass }).await;
    assert!(got.failure().contains("401"));
    // Those that were under way at once, and nothing after them.
    assert!(got.values().len() <= 4, "{:?}", got.values().len());
    let rig = Rig::new(40);
    let got = rig.bent(|path| if path.contains("/completeData") { Act::page(401) } else { Act::Pass }).await;
    assert!(got.failure().contains("401"), "what can be done without is no way round a sign-in");
    assert_eq!(got.asked.iter().filter(|asked| asked.status == 401).count(), 1);
}

/// The columns of a data set are without access, the others as they are.
fn without_set(mut truth: Cells, set: &str) -> Cells {
    let mapping = ask(&[]).mapping;
    let of: BTreeSet<&str> =
        mapping.usable().filter(|row| row.data_set == set).map(|row| row.property.as_str()).collect();
    assert!(!of.is_empty());
    for ((_, property), cell) in &mut truth {
        if of.contains(property.as_str()) {
            *cell = (State::NoAccess, None, None);
        }
    }
    truth
}

#[tokio::test]
async fn d02_a_data_set_that_may_not_be_read_costs_only_its_columns() {
    let set = sandbox::DHIS2_HIDDEN_SET;
    let rig = Rig::new(100);
    let wanted = without_set(rig.truth().await, set);
    let read = "User is not allowed to read data for data set";
    let faults: [fn(&str) -> Act; 4] = [
        |read| Act::refusal(409, Some("E2010"), &format!("{read}: `{}`", sandbox::DHIS2_HIDDEN_SET)),
        |read| Act::refusal(409, None, &format!("{read}: {}", sandbox::DHIS2_HIDDEN_SET)),
        |read| Act::refusal(409, Some("E2010"), read),
        |_| Act::page(403),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let asked_for = format!("dataSet={set}");
        let refuses = move |path: &str| path.contains("/dataValueSets") && path.contains(&asked_for);
        let got = rig.bent(move |path| if refuses(path) { fault(read) } else { Act::Pass }).await;
        got.says(&wanted);
        assert!(!got.plan().incomplete(), "fault {number}");
        assert!(got.note("data sets this account may not read").contains(set), "fault {number}");
        // The batches again without it; where it is not named, first one small question for each data set.
        let most = 4 + if number < 2 { 0 } else { 8 };
        assert!(got.values().len() <= most, "fault {number}: {} requests", got.values().len());
    }
}

/// Several batches are under way when the first refusal comes: the others are refused for the same, though some are of one unit.
#[tokio::test]
async fn d02_a_refusal_that_names_nothing_never_falls_on_the_units_of_another_batch() {
    let set = sandbox::DHIS2_HIDDEN_SET;
    let rig = Rig::new(40);
    let wanted = without_set(rig.truth().await, set);
    let units = rig.read(&ask(&[])).await.values()[0].units();
    for size in [units - 1, 3, 1] {
        let mut rig = Rig::new(40);
        rig.in_batches_of(size, &ask(&[])).await;
        let asked_for = format!("dataSet={set}");
        let refuses = move |path: &str| path.contains("/dataValueSets") && path.contains(&asked_for);
        let got = rig.bent(move |path| if refuses(path) { Act::page(403) } else { Act::Pass }).await;
        got.says(&wanted);
        let batches = units.div_ceil(size);
        assert!(got.values().len() <= batches + 12, "{size}: {} requests", got.values().len());
    }
}

#[tokio::test]
async fn d02_on_every_version_a_data_set_without_data_read_is_named_once_and_left_out() {
    for version in Version::ALL {
        let rig = Rig::of(version, 40).signed_in(sandbox::DHIS2_HALF_BLIND_USER);
        let got = rig.read(&ask(&[])).await;
        got.says(&rig.truth().await);
        let denied = got.cells().into_values().filter(|(state, ..)| *state == State::NoAccess).count();
        assert!(denied >= 40, "{version}: {denied}");
        assert!(got.note("data sets this account may not read").contains(sandbox::DHIS2_HIDDEN_SET));
        assert_eq!(got.values().len(), 2, "{version}: with it, and without it");
        assert!(!got.plan().incomplete());
        // It could do without which reports are complete, but need not.
        assert!(!got.has_note("which reports are complete is not known: "), "{:?}", got.plan().head.notes);
    }
}

#[tokio::test]
async fn d02_d03_an_account_that_may_read_nothing_at_all_gets_no_plan() {
    let rig = Rig::new(400);
    let got = rig.bent(|path| if path.contains("/dataValueSets") { Act::page(403) } else { Act::Pass }).await;
    assert!(got.failure().contains("403"));
    assert!(got.values().len() <= 40, "{} requests", got.values().len());
}

/// Refusals of organisation units.
fn refusals(got: &Got) -> usize {
    got.asked.iter().filter(|asked| asked.status == 409).count()
}

#[tokio::test]
async fn d03_units_outside_the_account_are_left_out_beforehand_on_every_version() {
    for version in Version::ALL {
        for user in [sandbox::DHIS2_DISTRICT_USER, sandbox::DHIS2_VIEWER] {
            let rig = Rig::of(version, 100).signed_in(user);
            let got = rig.read(&ask(&[])).await;
            let truth = rig.truth().await;
            got.says(&truth);
            assert_eq!(refusals(&got), 0, "{version} {user}: {:?}", got.asked);
            assert!(got.asked.len() <= 10, "{version} {user}: {} requests", got.asked.len());
            let denied = truth.values().filter(|(state, ..)| *state == State::NoAccess).count();
            let views = user == sandbox::DHIS2_VIEWER && (Version::V36..=Version::V42).contains(&version);
            assert_eq!(got.has_note("outside the reach of this account"), !views, "{version} {user}");
            assert_eq!(denied > 1_500, !views, "{version} {user}: {denied}");
            assert_eq!(got.has_note("which reports are complete is not shown"), views, "{version} {user}");
            assert!(!got.plan().incomplete());
        }
    }
}

#[tokio::test]
async fn d03_a_superuser_without_units_reads_nothing_up_to_2_42_and_everything_from_2_43_on() {
    for version in Version::ALL {
        let rig = Rig::of(version, 40).signed_in(sandbox::DHIS2_UNPLACED_SUPERUSER);
        let got = rig.read(&ask(&[])).await;
        got.says(&rig.truth().await);
        let denied = got.cells().into_values().all(|(state, ..)| state == State::NoAccess);
        assert_eq!(denied, version < Version::V43, "{version}");
        assert_eq!(got.values().len(), usize::from(!denied), "{version}");
        assert_eq!(got.has_note("outside the reach of this account"), denied);
        assert_eq!(got.has_note("which reports are complete is not known"), !denied, "{:?}", got.plan().head.notes);
    }
}

/// Without `me` nothing is known beforehand, and every version names the units its own way.
#[tokio::test]
async fn d03_units_the_answer_names_are_removed_and_the_rest_is_read() {
    for version in Version::ALL {
        let gateway = Gateway::Metadata;
        let mut rig = Rig::with(&Options { facilities: 60, version, gateway, ..Options::new((2026, 2)) });
        rig.who = rig.who.behind_the_gateway();
        let outside = rig.sandbox.unreadable_org_unit().unwrap().to_owned();
        let case = rig.open()[5].0.clone();
        assert!(rig.sandbox.set_property(&case, "external_id", &outside));
        let knows = Knows { metadata: true, completeness: false };
        let naive = Naive { knows, ..Naive::new(&rig.sandbox, rig.user) };
        let truth = naive.cells(&rig.sandbox, &ask(&[]).mapping).await.0;
        let denied: BTreeSet<_> =
            truth.iter().filter(|(_, cell)| cell.0 == State::NoAccess).map(|(key, _)| &key.0).collect();
        assert_eq!(denied.into_iter().collect::<Vec<_>>(), [&case]);
        let got = rig.read(&ask(&[])).await;
        got.says(&truth);
        assert_eq!((got.values().len(), refusals(&got)), (2, 1), "{version}");
        assert!(got.note("organisation units this account may not read").contains(&outside));
        assert!(!got.plan().incomplete());
    }
}

#[tokio::test]
async fn d03_where_no_unit_is_named_the_batch_is_halved_down_to_it() {
    let rig = Rig::new(200);
    let bad = rig.unit(7);
    let mut wanted = rig.truth().await;
    rig.blank(&mut wanted, &bad, State::NoAccess);
    let spoiled = format!("orgUnit={bad}");
    let refuses = move |path: &str| path.contains("/dataValueSets") && path.contains(&spoiled);
    let told = "User is not allowed to view org unit";
    let got =
        rig.bent(move |path| if refuses(path) { Act::refusal(409, Some("E2012"), told) } else { Act::Pass }).await;
    got.says(&wanted);
    assert!(!got.plan().incomplete());
    assert!(got.note("organisation units this account may not read").contains(&bad));
    // Eight halvings of 200, two requests each, and the first one.
    assert!(got.values().len() <= 17, "{} requests", got.values().len());
}

#[tokio::test]
async fn d05_a_unit_dhis2_does_not_know_is_named_with_s34_and_never_read_as_no_data() {
    for version in Version::ALL {
        let rig = Rig::of(version, 40);
        let case = rig.open()[3].0.clone();
        assert!(rig.sandbox.set_property(&case, "external_id", "Zzzzzzzzzz1"));
        let got = rig.read(&ask(&[])).await;
        got.says(&rig.truth().await);
        let plan = got.plan();
        assert!(plan.facilities().iter().all(|facility| facility.case_id != case && facility.unit_name.is_some()));
        let skipped = plan.skipped().iter().find(|skipped| skipped.case_id == case).unwrap();
        assert!(skipped.reason.contains("Zzzzzzzzzz1") && skipped.reason.contains("S34"), "{}", skipped.reason);
        // It is not asked for: alone it would be refused, in a batch passed over in silence.
        assert!(got.values().iter().all(|asked| !asked.address.contains("Zzzzzzzzzz1")), "{version}");
    }
}

/// E2006: up to 2.42 a request for unknown units alone is refused. Behind a gateway nobody can tell them beforehand.
#[tokio::test]
async fn d05_where_units_cannot_be_looked_up_unknown_ones_alone_are_not_reported() {
    for version in Version::ALL {
        let gateway = Gateway::Values;
        let mut rig = Rig::with(&Options { facilities: 40, version, gateway, ..Options::new((2026, 2)) });
        rig.who = rig.who.behind_the_gateway();
        let case = rig.open()[3].0.clone();
        assert!(rig.sandbox.set_property(&case, "external_id", "Zzzzzzzzzz1"));
        let got = rig.read(&ask(&[&case])).await;
        let refused = got.values().iter().filter(|asked| asked.status == 409).count();
        assert_eq!(refused, if version < Version::V43 { 8 } else { 0 }, "{version}: each data set by itself");
        assert_eq!(got.cells().len(), 21);
        assert!(got.cells().into_values().all(|cell| cell == (State::NotReported, None, None)));
        assert!(!got.plan().incomplete());
    }
}

#[tokio::test]
async fn a_personal_access_token_reads_what_its_owner_may() {
    for version in Version::ALL {
        let truth = Rig::of(version, 40).truth().await;
        for token in [sandbox::DHIS2_TOKEN, sandbox::DHIS2_SHORT_TOKEN] {
            let mut rig = Rig::of(version, 40);
            rig.who.sign_in = SignIn::Token(Secret::new(token));
            let known = if token == sandbox::DHIS2_TOKEN { Version::V38 } else { Version::V42 };
            let got = rig.read(&ask(&[])).await;
            if version >= known {
                got.says(&truth);
                continue;
            }
            let told = got.failure();
            assert!(!told.contains(token) && got.asked.len() == 1, "{version}: {told}");
            assert_eq!(got.asked[0].status, if version < Version::V38 { 302 } else { 400 });
        }
        for token in [sandbox::DHIS2_EXPIRED_TOKEN, sandbox::DHIS2_SECOND_FACTOR_TOKEN] {
            let mut rig = Rig::of(version, 40);
            rig.who.sign_in = SignIn::Token(Secret::new(token));
            let got = rig.read(&ask(&[])).await;
            assert!(!got.failure().contains(token) && got.asked.len() == 1, "{version}: {:?}", got.asked);
        }
    }
    let mut rig = Rig::new(40);
    rig.who = Who::user(sandbox::DHIS2_LOCKED_USER);
    assert!(rig.read(&ask(&[])).await.failure().contains("Account locked"));
}
