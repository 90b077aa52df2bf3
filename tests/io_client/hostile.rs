//! Any bytes at all: no panic, no success out of a piece, no control character in a message.

use http::HeaderMap;
use onse::io::{
    commcare::{CommCare, Receipt, receipt},
    dhis2::{Dhis2, Wanted},
    http::{Limits, Secret, Side, SignIn},
};
use proptest::prelude::*;

use crate::fake::{Play, client, with};

const FORM: &str = "0123456789abcdef0123456789abcdef";
const YES: &str = r#"<OpenRosaResponse xmlns="http://openrosa.org/http/response"><message nature="submit_success">   √   </message></OpenRosaResponse>"#;

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-commcarehq-formid", FORM.parse().unwrap());
    headers
}

/// Once, without retries, so that many bodies can be tried.
fn once(body: &str) -> Dhis2 {
    let limits = Limits { broken: 1, ..Limits::default() };
    Dhis2::new(with(Side::Dhis2, SignIn::Token(Secret::new("t")), limits, vec![Play::ok(body)]).0)
}

proptest! {
    #[test]
    fn no_bytes_make_a_receipt_panic_or_unsafe_to_show(status in 100_u16..700, body in any::<Vec<u8>>()) {
        let found = receipt(status, &headers(), &body, FORM);
        let accepted = matches!(found, Receipt::Accepted { .. });
        prop_assert!(!accepted, "{:?} was accepted", body);
    }

    #[test]
    fn messages_in_receipts_have_no_control_characters(status in 200_u16..600, text in "[\\x00-\\x1f\u{7f}-\u{9f}\u{202e}a-z<>&; ]{0,80}") {
        let xml = format!(r#"<OpenRosaResponse><message nature="processing_failure">{text}</message></OpenRosaResponse>"#);
        for body in [text.as_str(), xml.as_str()] {
            let said = match receipt(status, &headers(), body.as_bytes(), FORM) {
                Receipt::Rejected { message, .. } | Receipt::SavedWithError { message } | Receipt::Blocked { message }
                | Receipt::Refused { message, .. } => message,
                Receipt::Unknown { why, .. } | Receipt::Unclear { why } | Receipt::NotSent { why } => why,
                _ => String::new(),
            };
            prop_assert!(!said.chars().any(|c| c.is_control() || c == '\u{202e}'), "{:?}", said);
        }
    }
}

#[test]
fn no_piece_of_a_success_is_a_success() {
    assert_eq!(receipt(201, &headers(), YES.as_bytes(), FORM), Receipt::Accepted { duplicate: false });
    for end in 0..YES.len() {
        let found = receipt(201, &headers(), &YES.as_bytes()[..end], FORM);
        assert!(matches!(found, Receipt::Unclear { .. }), "{end}: {found:?}");
    }
}

#[tokio::test]
async fn no_piece_of_data_values_is_used() {
    let row = r#"{"dataElement":"de","period":"2026Q2","orgUnit":"ou","categoryOptionCombo":"c","attributeOptionCombo":"a","value":"12"}"#;
    let whole = format!(r#"{{"dataValues":[{row},{row}]}}"#);
    let read = async |body: String| {
        once(&body).data_values(&["ou".into()], &Wanted::all(&["ds".into()], &["2026Q2".into()])).await
    };
    assert_eq!(read(whole.clone()).await.unwrap().rows().len(), 2);
    for end in 0..whole.len() {
        assert!(read(whole[..end].to_owned()).await.is_err(), "{end}");
    }
}

/// Jobs run as tasks, so what the clients return must be able to move between threads.
#[tokio::test]
async fn reads_and_sends_can_be_spawned() {
    let (client, _) = client(Side::CommCare, vec![Play::ok(r#"{"matching_records":0,"cases":[]}"#), Play::html(401)]);
    let hq = CommCare::new(client, "onse-iss");
    let listing = tokio::spawn({
        let hq = hq.clone();
        async move { hq.cases("t", &[], &mut |_, _| {}).await }
    });
    assert!(listing.await.unwrap().unwrap().is_whole());
    let sent = tokio::spawn(async move { hq.submit("<x/>".into(), FORM).await });
    assert!(matches!(sent.await.unwrap(), Receipt::Refused { status: 401, .. }));
    let server = once("{}");
    let values = tokio::spawn(async move { server.data_values(&["ou".into()], &Wanted::default()).await });
    assert_eq!(values.await.unwrap().unwrap().foreign, 0);
}
