//! Reading both sides against the sandbox in process, and what it makes of a side that answers badly.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use onse::{
    domain::flags::Severity,
    job::fetch::NotFound,
    sandbox::{Oddity, Sandbox},
};
use support::{ORIGIN, ask, connect, read, sandbox, session};

/// Open cases whose organisation unit another open case has too.
fn twins(sandbox: &Sandbox) -> Vec<String> {
    let shared = sandbox.planted().iter().filter(|planted| planted.what == Oddity::SharedExternalId);
    shared.filter_map(|planted| planted.case_id.clone()).filter(|id| !sandbox.case(id).unwrap().closed).collect()
}

#[tokio::test]
async fn a_shared_organisation_unit_stops_a_facility_that_is_read_alone() {
    let sandbox = sandbox(1_106);
    let twins = twins(&sandbox);
    assert!(twins.len() > 1, "{twins:?}");
    let mut stops = 0;
    for case_id in &twins {
        let folder = tempfile::tempdir().unwrap();
        let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
        let opened = read(&session, &ask(&[case_id])).await.unwrap();
        assert_eq!(opened.plan.facilities().len(), 1);
        let left = opened.ledger.undecided(&opened.plan, opened.plan.cells());
        assert!(left.plain.is_empty(), "{case_id} can be approved in bulk");
        let flagged = |cell| opened.plan.flags(cell).iter().any(|flag| flag.id == "S33");
        stops += opened.plan.cells().filter(|cell| opened.plan.severity(*cell) == Some(Severity::Stop)).count();
        assert!(opened.plan.all_flags().all(|(cell, _)| flagged(cell)));
    }
    assert!(stops > 0);
}

#[tokio::test]
async fn a_name_of_several_cases_is_asked_back() {
    let sandbox = sandbox(40);
    let ids: Vec<String> = sandbox.case_ids().into_iter().take(2).collect();
    for id in &ids {
        assert!(sandbox.set_property(id, "case_name", "Twice Named"));
    }
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let error = read(&session, &ask(&["twice named"])).await.unwrap_err();
    assert!(error.is::<NotFound>() && ids.iter().all(|id| error.to_string().contains(id)), "{error}");
}
