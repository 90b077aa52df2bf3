//! Faults on order, as a client meets them.

use http::StatusCode;
use onse::{
    io::transport::Broken,
    sandbox::{Faults, Options},
};

use crate::rig::{ORIGIN, Rig, api_key, block, form};

fn rig(faults: &str) -> Rig {
    Rig::with(&Options { facilities: 10, faults: Faults::parse(faults).unwrap(), ..Options::new((2026, 2)) })
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_again_and_only_so_often() {
    let rig = rig("429@dhis2:1-2,503@hq:2");
    for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::TOO_MANY_REQUESTS, StatusCode::OK] {
        let got = rig.dhis2("me").await;
        assert_eq!(got.status, status);
        assert_eq!(got.header("retry-after"), if status == StatusCode::OK { "" } else { "1" });
    }
    let hq = [rig.hq("?limit=1").await.status, rig.hq("?limit=1").await.status];
    assert_eq!(hq, [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE]);
    assert_eq!(rig.sandbox.requests().len(), 5, "those that were turned away are noted too");
}

#[tokio::test]
async fn a_reset_comes_after_the_work_was_done() {
    let rig = rig("reset@forms:1");
    let id = rig.sandbox.case_ids()[0].clone();
    let send = || {
        let form = form("f1", &block(&id, "<dhis_beds>7</dhis_beds>"));
        let request = http::Request::post(format!("{ORIGIN}/a/{}/receiver/api/", onse::sandbox::PROJECT));
        let request = request.header("authorization", api_key()).header("content-type", "text/xml");
        rig.send(request.header("x-openrosa-version", "3.0").body(form.into()).unwrap())
    };
    assert!(matches!(send().await, Err(Broken::NoAnswer(_))));
    assert_eq!(rig.sandbox.case(&id).unwrap().properties["dhis_beds"], "7");
    assert_eq!(send().await.unwrap().status, StatusCode::CREATED, "the same bytes again");
    assert_eq!(rig.sandbox.forms().len(), 2, "one of them a duplicate");
}

#[tokio::test]
async fn an_answer_is_cut_or_another_page() {
    let rig = rig("cut@cases:1,page@system/info");
    let whole = [rig.hq("?limit=3").await, rig.hq("?limit=3").await];
    assert_eq!(whole[0].body, whole[1].body[..whole[1].body.len() / 2]);
    let page = rig.dhis2("system/info").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
}
