//! Who may read what, and how those are turned away who may not come in.

use http::{Request, StatusCode};
use onse::sandbox::{
    DHIS2_DISTRICT_USER, DHIS2_EXPIRED_TOKEN, DHIS2_HALF_BLIND_USER, DHIS2_HIDDEN_SET, DHIS2_LOCKED_USER,
    DHIS2_PASSWORD, DHIS2_SECOND_FACTOR_TOKEN, DHIS2_SECOND_FACTOR_USER, DHIS2_SHORT_TOKEN, DHIS2_SUPERUSER,
    DHIS2_TOKEN, DHIS2_UNPLACED_SUPERUSER, DHIS2_USER, DHIS2_VIEWER, PARTNER_SET, Version,
};
use serde_json::json;

use crate::{
    country::sets,
    rig::{ORIGIN, QUARTER, Rig, basic},
};

use Version::{V30, V36, V40, V42, V43};

/// Ids of facilities by whether they lie in the district the accounts capture in.
async fn near_and_far(rig: &Rig) -> (Vec<String>, Vec<String>) {
    let me = rig.dhis2_as(DHIS2_DISTRICT_USER, "me?fields=organisationUnits[id]").await.json();
    let district = me["organisationUnits"][0]["id"].as_str().unwrap().to_owned();
    let near = rig.dhis2(&format!("organisationUnits/{district}?fields=children[id]")).await.json();
    let near: Vec<String> =
        near["children"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    let far = rig.units(3).await.into_iter().filter(|id| !near.contains(id)).collect();
    (near, far)
}

/// dhis2.md section 1.3, "org unit rule" and "superuser".
#[tokio::test]
async fn each_account_reads_below_its_own_units() {
    for version in Version::ALL {
        let rig = Rig::of(version);
        let (near, far) = near_and_far(&rig).await;
        let outside = rig.sandbox.unreadable_org_unit().unwrap().to_owned();
        let views = (V36..=V42).contains(&version);
        let newest = version == V43;
        for (user, reads_near, reads_far, reads_outside) in [
            (DHIS2_USER, true, true, false),
            (DHIS2_SUPERUSER, true, true, newest),
            (DHIS2_UNPLACED_SUPERUSER, newest, newest, newest),
            (DHIS2_DISTRICT_USER, true, false, false),
            (DHIS2_VIEWER, true, views, false),
        ] {
            for (unit, allowed) in [(&near[0], reads_near), (&far[0], reads_far), (&outside, reads_outside)] {
                let ask = format!("dataValueSets?{}&period={QUARTER}&orgUnit={unit}", sets());
                let got = rig.dhis2_as(user, &ask).await;
                assert_eq!(got.status == StatusCode::OK, allowed, "{version}: {user} at {unit}: {}", got.text());
                assert!(allowed || got.text().contains(unit.as_str()) && got.text().contains("view org unit"));
                assert!(!allowed || unit == &outside || got.text().len() > 2_000, "{version}: {user}");
                // Registrations are looked for below the units for entering data.
                let done = format!("completeDataSetRegistrations?{}&period={QUARTER}&orgUnit={unit}", sets());
                let entering = match user {
                    DHIS2_USER | DHIS2_SUPERUSER => unit != &outside,
                    DHIS2_UNPLACED_SUPERUSER => false,
                    _ => unit == &near[0],
                };
                assert_eq!(rig.dhis2_as(user, &done).await.status == StatusCode::OK, entering, "{version}: {user}");
            }
        }
    }
}

/// dhis2.md sections 1.3 and 3.2: what `me` says is what holds.
#[tokio::test]
async fn me_tells_the_truth_about_each() {
    let rig = Rig::of(V42);
    let fields = "me?fields=username,authorities,organisationUnits[id,path],dataViewOrganisationUnits[id],dataSets";
    for (user, all, capture, view) in [
        (DHIS2_USER, false, 1, 1),
        (DHIS2_SUPERUSER, true, 1, 0),
        (DHIS2_UNPLACED_SUPERUSER, true, 0, 0),
        (DHIS2_DISTRICT_USER, false, 1, 0),
        (DHIS2_VIEWER, false, 1, 1),
        (DHIS2_HALF_BLIND_USER, false, 1, 1),
    ] {
        let me = rig.dhis2_as(user, fields).await.json();
        assert_eq!(me["username"], user);
        assert_eq!(me["authorities"].as_array().unwrap().contains(&json!("ALL")), all, "{user}");
        assert_eq!(me["organisationUnits"].as_array().unwrap().len(), capture, "{user}");
        assert_eq!(me["dataViewOrganisationUnits"].as_array().unwrap().len(), view, "{user}");
        let sets = me["dataSets"].as_array().unwrap();
        assert_eq!(sets.contains(&json!(DHIS2_HIDDEN_SET)), user != DHIS2_HALF_BLIND_USER);
        assert_eq!(sets.contains(&json!(rig.sandbox.unreadable_data_set().unwrap())), all, "{user}");
    }
}

/// dhis2.md section 1.3, "data set data-read sharing".
#[tokio::test]
async fn a_data_set_may_be_closed_to_one_account_and_open_to_another() {
    for version in Version::ALL {
        let rig = Rig::of(version);
        let unit = rig.units(3).await.remove(0);
        let ask = |set: &str| format!("dataValueSets?dataSet={set}&period={QUARTER}&orgUnit={unit}");
        assert_eq!(rig.dhis2(&ask(DHIS2_HIDDEN_SET)).await.status, StatusCode::OK);
        let denied = rig.dhis2_as(DHIS2_HALF_BLIND_USER, &ask(DHIS2_HIDDEN_SET)).await;
        assert_eq!(denied.status, StatusCode::CONFLICT);
        assert!(denied.text().contains(DHIS2_HIDDEN_SET));
        assert_eq!(rig.dhis2_as(DHIS2_HALF_BLIND_USER, &ask("uk3Vkwy5cIe")).await.status, StatusCode::OK);
        let closed = rig.sandbox.unreadable_data_set().unwrap();
        assert_eq!(rig.dhis2(&ask(closed)).await.status, StatusCode::CONFLICT);
        let root = rig.everywhere().await;
        let open = format!("dataValueSets?dataSet={closed}&period={QUARTER}&{root}");
        assert!(rig.dhis2_as(DHIS2_SUPERUSER, &open).await.json()["dataValues"].as_array().unwrap().len() > 20);
        let shown = rig
            .dhis2_as(DHIS2_HALF_BLIND_USER, &format!("dataSets/{DHIS2_HIDDEN_SET}?fields=access[data[read]]"))
            .await;
        assert_eq!(shown.json(), json!({ "access": { "data": { "read": false } } }));
    }
}

/// dhis2.md section 1.3: rows of a category option the account may not read are left out without a word.
#[tokio::test]
async fn rows_of_a_closed_funding_source_are_left_out_in_silence() {
    for version in Version::ALL {
        let rig = Rig::of(version);
        let fields =
            "categoryCombo[name,isDefault,categoryOptionCombos[id,name,categoryOptions[id,name,access[data[read]]]]]";
        let set = rig.dhis2(&format!("dataSets/{PARTNER_SET}?fields={fields}")).await.json();
        let combos = set["categoryCombo"]["categoryOptionCombos"].as_array().unwrap();
        assert_eq!((&set["categoryCombo"]["isDefault"], combos.len()), (&json!(false), 2));
        let readable = |at: usize| combos[at]["categoryOptions"][0]["access"]["data"]["read"].as_bool().unwrap();
        assert_eq!((readable(0), readable(1)), (true, false));
        let ask = format!("dataValueSets?dataSet={PARTNER_SET}&period={QUARTER}&{}", rig.everywhere().await);
        let count = async |user: &str, combo: &serde_json::Value| {
            let body = rig.dhis2_as(user, &ask).await.json();
            body["dataValues"].as_array().unwrap().iter().filter(|row| row["attributeOptionCombo"] == *combo).count()
        };
        let (ours, closed) = (&combos[0]["id"], &combos[1]["id"]);
        assert!(count(DHIS2_USER, ours).await > 40);
        assert_eq!(count(DHIS2_USER, closed).await, 0);
        assert!(count(DHIS2_SUPERUSER, closed).await > 30);
        let named = format!("{ask}&attributeOptionCombo={}", closed.as_str().unwrap());
        let named = rig.dhis2(&named).await;
        assert_eq!(named.status, StatusCode::CONFLICT);
        assert!(version == V30 || named.json()["errorCode"] == "E2011");
        let one = rig.dhis2(&format!("{ask}&attributeOptionCombo={}", ours.as_str().unwrap())).await.json();
        assert!(one["dataValues"].as_array().unwrap().len() > 40);
    }
}

/// dhis2.md section 6.
#[tokio::test]
async fn some_accounts_never_get_in_by_password() {
    let rig = Rig::of(V42);
    for (user, password, message) in [
        (DHIS2_SECOND_FACTOR_USER, DHIS2_PASSWORD, "Unauthorized"),
        (DHIS2_LOCKED_USER, DHIS2_PASSWORD, "Account locked"),
        (DHIS2_LOCKED_USER, "nearly", "Unauthorized"),
        ("nobody", DHIS2_PASSWORD, "Unauthorized"),
    ] {
        let got = rig.get("/dhis2/api/me", &basic(user, password)).await;
        assert_eq!(
            (got.status, got.json()["message"].as_str().unwrap()),
            (StatusCode::UNAUTHORIZED, message),
            "{user}"
        );
    }
}

/// dhis2.md section 6, "PAT".
#[tokio::test]
async fn tokens_are_read_from_2_37_on() {
    let unknown = "d2pat_SandboxImporter0000000000000002x";
    let unknown = format!("{unknown}{:010}", crc(&unknown[6..]));
    let broken = DHIS2_TOKEN.replace("1x17", "2x17");
    for version in Version::ALL {
        let rig = Rig::of(version);
        let ask = async |header: &str| rig.get("/dhis2/api/me?fields=id,username", header).await;
        if version < Version::V38 {
            for token in [DHIS2_TOKEN, "nonsense"] {
                let got = ask(&format!("ApiToken {token}")).await;
                assert_eq!(got.status, StatusCode::FOUND, "{version}: an unknown scheme is no sign-in");
            }
            continue;
        }
        for scheme in ["ApiToken", "apitoken", "APITOKEN"] {
            let got = ask(&format!("{scheme} {DHIS2_TOKEN}")).await;
            assert_eq!((got.status, &got.json()["username"]), (StatusCode::OK, &json!(DHIS2_USER)), "{version}");
        }
        let short = ask(&format!("ApiToken {DHIS2_SHORT_TOKEN}")).await;
        assert_eq!(short.status, if version >= V42 { StatusCode::OK } else { StatusCode::BAD_REQUEST }, "{version}");
        for (token, status, message) in [
            ("nonsense", 400, "Api token is malformed"),
            ("d2pat_short", 400, "Api token is malformed"),
            (&broken, 400, "Checksum validation failed"),
            (&unknown, 401, "The API token does not exists"),
            (DHIS2_EXPIRED_TOKEN, 401, "Failed to authenticate API token, token has expired."),
            (DHIS2_SECOND_FACTOR_TOKEN, 401, "The API token is disabled, locked or 2FA is enabled."),
        ] {
            let got = ask(&format!("ApiToken {token}")).await;
            assert_eq!((got.status.as_u16(), got.json()["message"].as_str().unwrap()), (status, message), "{version}");
        }
    }
    let rig = Rig::of(V40);
    let script = Request::get(format!("{ORIGIN}/dhis2/api/me")).header("x-requested-with", "XMLHttpRequest");
    assert_eq!(rig.send(script.body(bytes::Bytes::new()).unwrap()).await.unwrap().status, StatusCode::UNAUTHORIZED);
}

fn crc(code: &str) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(code.as_bytes());
    sum.sum()
}
