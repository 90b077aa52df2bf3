//! The same DHIS2 behind a gateway, in another calendar, and compressed.

use std::io::Read as _;

use http::{Request, StatusCode};
use onse::sandbox::{DHIS2_TOKEN, GATEWAY, Gateway, Options};

use crate::{
    country::sets,
    rig::{ORIGIN, QUARTER, Rig, dhis2_basic},
};

/// dhis2.md section 7: the layer has no `/api`, and may show little.
#[tokio::test]
async fn the_gateway_lets_through_what_it_was_told_to() {
    for (gateway, metadata, rest) in
        [(Gateway::Whole, true, true), (Gateway::Metadata, true, false), (Gateway::Values, false, false)]
    {
        let rig = Rig::with(&Options { facilities: 20, gateway, ..Options::new((2026, 2)) });
        let unit = rig.units(3).await.remove(0);
        let values = format!("dataValueSets?{}&period={QUARTER}&orgUnit={unit}", sets());
        let done = format!("completeDataSetRegistrations?{}&period={QUARTER}&orgUnit={unit}", sets());
        for (path, there) in [
            (values.as_str(), true),
            ("dataSets?fields=id", metadata),
            ("dataElements/asCqjKclllu", metadata),
            ("me", rest),
            ("system/info", rest),
            (done.as_str(), rest),
            ("nothing", false),
        ] {
            let got = rig.get(&format!("{GATEWAY}{path}"), &dhis2_basic()).await;
            let wanted = if there { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(got.status, wanted, "{gateway:?}: {path}");
            if there && path != "system/info" {
                assert!(got.body == rig.dhis2(path).await.body, "{path}");
            } else if !there {
                assert!(got.text().starts_with("<!DOCTYPE html>"), "{path}");
            }
        }
        let token = rig.get(&format!("{GATEWAY}{values}"), &format!("ApiToken {DHIS2_TOKEN}")).await;
        assert_eq!(token.status, StatusCode::OK);
        assert_eq!(rig.get(&format!("{GATEWAY}{values}"), "").await.status, StatusCode::FOUND);
        let api = rig.get(&format!("{GATEWAY}api/{values}"), &dhis2_basic()).await;
        assert_eq!(api.status, StatusCode::NOT_FOUND, "there is no /api");
    }
}

/// Fault matrix row Q05.
#[tokio::test]
async fn another_calendar_is_told() {
    let calendar = "ethiopian".to_owned();
    let rig = Rig::with(&Options { facilities: 5, calendar, ..Options::new((2026, 2)) });
    assert_eq!(rig.dhis2("system/info").await.json()["calendar"], "ethiopian");
}

/// dhis2.md section 1.6, "gzip".
#[tokio::test]
async fn answers_are_compressed_when_asked_and_switched_on() {
    for gzip in [false, true] {
        let rig = Rig::with(&Options { facilities: 200, gzip, ..Options::new((2026, 2)) });
        let ask = format!("dataValueSets?{}&period={QUARTER}&{}", sets(), rig.everywhere().await);
        let plain = rig.dhis2(&ask).await;
        assert_eq!(plain.header("content-encoding"), "");
        for (takes, small) in [("gzip", gzip), ("deflate, gzip;q=0.8", gzip), ("identity", false)] {
            let request = Request::get(format!("{ORIGIN}/dhis2/api/{ask}"))
                .header("authorization", dhis2_basic())
                .header("accept-encoding", takes);
            let got = rig.send(request.body(bytes::Bytes::new()).unwrap()).await.unwrap();
            assert_eq!(got.header("content-encoding") == "gzip", small, "{takes}");
            let mut read = Vec::new();
            if small {
                assert!(got.body.len() * 8 < plain.body.len());
                flate2::read::GzDecoder::new(&got.body[..]).read_to_end(&mut read).unwrap();
            } else {
                read.clone_from(&got.body);
            }
            assert!(read == plain.body);
        }
    }
}
