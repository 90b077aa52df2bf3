//! Our own two clients read and write the sandbox as they would the real servers.

use std::collections::BTreeSet;

use onse::{
    domain::mapping::Mapping,
    io::{
        commcare::{CommCare, Receipt},
        dhis2::{Dhis2, Wanted, denied},
        http::{Client, Secret, Side, SignIn},
    },
    sandbox::{CASE_TYPE, COMMCARE_API_KEY, COMMCARE_USER, DHIS2_PASSWORD, DHIS2_USER, FOREIGN_CASE, PROJECT},
};

use crate::rig::{ORIGIN, QUARTER, Rig, block, form};

fn dhis2(rig: &Rig) -> Dhis2 {
    let sign_in = SignIn::Basic { user: DHIS2_USER.to_owned(), password: Secret::new(DHIS2_PASSWORD) };
    let base = format!("{ORIGIN}/dhis2/api/").parse().unwrap();
    Dhis2::new(Client::new(rig.transport.clone(), Side::Dhis2, &base, sign_in, 1).unwrap())
}

fn commcare(rig: &Rig) -> CommCare {
    let sign_in = SignIn::ApiKey { user: COMMCARE_USER.to_owned(), key: Secret::new(COMMCARE_API_KEY) };
    let base = format!("{ORIGIN}/").parse().unwrap();
    CommCare::new(Client::new(rig.transport.clone(), Side::CommCare, &base, sign_in, 1).unwrap(), PROJECT)
}

#[tokio::test]
async fn both_sides_are_read_whole() {
    let rig = Rig::new(90, 1);
    let rows = Mapping::built_in().rows;
    let wanted: Vec<String> = rows.iter().map(|row| row.property.clone()).collect();
    let listing = commcare(&rig).cases(CASE_TYPE, &wanted, &mut |_, _| {}).await.unwrap();
    assert!(listing.is_whole());
    assert_eq!(listing.cases.len(), 90);

    let dhis2 = dhis2(&rig);
    assert_eq!(dhis2.system_info().await.unwrap().release(), Some(42));
    let sets: BTreeSet<String> = rows.iter().map(|row| row.data_set.clone()).collect();
    let sets: Vec<String> = sets.into_iter().collect();
    let units: BTreeSet<String> =
        listing.cases.iter().filter_map(|case| case.external_id.clone()).filter(|unit| !unit.is_empty()).collect();
    let units: Vec<String> = units.into_iter().collect();
    let values = dhis2.data_values(&units, &Wanted::all(&sets, &[QUARTER.to_owned()])).await.unwrap();
    assert!(values.rows().len() > 1_500);
    assert_eq!(dhis2.org_units(&units).await.unwrap().len(), units.len());
    assert_eq!(dhis2.data_sets(&sets).await.unwrap().len(), sets.len());

    let outside = rig.sandbox.unreadable_org_unit().unwrap().to_owned();
    let failure = dhis2.data_values(&[units[0].clone(), outside], &Wanted::all(&sets, &[QUARTER.to_owned()])).await;
    assert!(denied(&failure.unwrap_err()).is_some());
}

#[tokio::test]
async fn a_form_is_accepted_refused_and_known_again() {
    let rig = Rig::new(10, 1);
    let commcare = commcare(&rig);
    let id = rig.sandbox.case_ids().remove(0);
    let good = form("f1", &block(&id, "<dhis_cbdas>9</dhis_cbdas>"));
    let first = commcare.submit(good.clone().into(), "f1").await;
    assert_eq!(first, Receipt::Accepted { duplicate: false });
    let again = commcare.submit(good.into(), "f1").await;
    assert_eq!(again, Receipt::Accepted { duplicate: true });
    let bad = form("f2", &block(FOREIGN_CASE, "<a>1</a>"));
    let refused = commcare.submit(bad.into(), "f2").await;
    assert!(format!("{refused:?}").contains("IllegalCaseId: Bad case id"), "{refused:?}");
    assert_eq!(rig.sandbox.case(&id).unwrap().properties["dhis_cbdas"], "9");
}
