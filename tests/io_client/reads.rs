//! Reading JSON: what is retried, how often, after which pause, and what is never taken for data.

use std::time::Duration;

use onse::io::{
    http::{Cause, Client, Failure, Limits, Secret, Side, SignIn, Why},
    transport::Broken,
};
use serde_json::{Value, json};
use url::Url;

use crate::fake::{MARK, Play, client, with};

async fn read(client: &Client) -> Result<Value, Failure> {
    client.get_json(&client.url(&["system", "info"]), "the system information").await
}

/// Plays `first`, repeated for ever, and counts the requests.
async fn tries(play: impl Fn() -> Play) -> (Failure, usize) {
    let (client, seen) = client(Side::Dhis2, std::iter::repeat_with(play).take(50).collect());
    let failure = read(&client).await.unwrap_err();
    assert_eq!(usize::try_from(failure.tries).unwrap(), seen.count());
    assert_eq!(seen.slept().len(), seen.count() - 1);
    (failure, seen.count())
}

#[tokio::test]
async fn n01_n02_n03_no_connection_is_tried_three_times() {
    let (failure, count) = tries(|| Play::Fail(Broken::NotSent("connection refused".into()))).await;
    assert_eq!(count, 3);
    let told = failure.to_string();
    for part in ["dhis2.example", "connection refused", "VPN"] {
        assert!(told.contains(part), "{part} is missing in: {told}");
    }
}

#[tokio::test]
async fn n10_n11_n12_broken_answers_are_tried_five_times_and_never_used() {
    let whole = r#"{"dataValues":[{"value":"1"}]}"#;
    assert_eq!(tries(|| Play::Fail(Broken::NoAnswer("reset".into()))).await.1, 5);
    assert_eq!(tries(|| Play::cut(r#"{"dataValues":["#)).await.1, 5);
    assert_eq!(tries(|| Play::ok(whole.strip_suffix("]}").unwrap())).await.1, 5);
    // A break after the last byte is still a break.
    let (failure, count) = tries(|| Play::cut(whole)).await;
    assert!(count == 5 && matches!(*failure.why, Why::NoAnswer { .. }), "{failure:?}");
}

#[tokio::test]
async fn d09_gateways_five_times_and_d08_a_failing_server_twice() {
    for status in [408, 502, 503, 504] {
        assert_eq!(tries(|| Play::html(status)).await.1, 5, "{status}");
    }
    let (failure, count) =
        tries(|| Play::json(500, r#"{"httpStatus":"Internal Server Error","message":"boom"}"#)).await;
    assert_eq!(count, 2);
    assert!(failure.to_string().contains("boom"), "{failure}");
}

#[tokio::test]
async fn d01_h01_refusals_are_asked_once() {
    for (status, check) in [
        (401, "ONSE_DHIS2_PASSWORD"),
        (403, "read access"),
        (404, "api_root"),
        (405, "405"),
        (407, "HTTPS_PROXY"),
        (409, "409"),
        (414, "how long an address"),
        (431, "how long an address"),
    ] {
        let (failure, count) = tries(|| Play::html(status)).await;
        assert!(count == 1 && failure.to_string().contains(check), "{status}: {failure}");
    }
    let (failure, _) = tries(|| Play::html(400)).await;
    assert_eq!(*failure.why, Why::TooLong { status: 400 });
}

#[tokio::test]
async fn after_a_failure_the_next_whole_answer_counts() {
    let script = vec![
        Play::cut(r#"{"version":"2.4"#),
        Play::Fail(Broken::NotSent("refused".into())),
        Play::html(502),
        Play::ok(r#"{"version":"2.42"}"#),
    ];
    let (client, seen) = client(Side::Dhis2, script);
    assert_eq!(read(&client).await.unwrap(), json!({"version": "2.42"}));
    let waits = seen.waits.lock().unwrap();
    assert_eq!(waits.iter().map(|w| w.next_try).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(waits.iter().all(|w| w.side == Side::Dhis2 && w.asked == "the system information"));
    assert_eq!(waits.iter().map(|w| w.pause).collect::<Vec<_>>(), seen.slept());
    assert_eq!(
        waits.iter().map(|w| w.cause).collect::<Vec<_>>(),
        [Cause::NoAnswer, Cause::NoConnection, Cause::Server(502)]
    );
}

#[tokio::test]
async fn d07_h29_waits_are_as_long_as_told() {
    let script = vec![
        Play::html(429).with("retry-after", "4.5"),
        Play::html(503).with("retry-after", "120"),
        Play::html(429).with("retry-after", "0"),
        Play::ok("{}"),
    ];
    let (client, seen) = client(Side::CommCare, script);
    read(&client).await.unwrap();
    assert_eq!(seen.slept(), [Duration::from_millis(4500), Duration::from_mins(2), Duration::ZERO]);
}

#[tokio::test]
async fn being_told_to_wait_does_not_use_up_the_tries_but_ends() {
    let (failure, count) = tries(|| Play::html(429).with("retry-after", "600")).await;
    assert_eq!(count, 13, "two hours in waits of ten minutes");
    assert!(failure.to_string().contains("wait 600 s"), "{failure}");
    let (failure, count) = tries(|| Play::html(429).with("retry-after", "86400")).await;
    assert!(count == 1 && matches!(*failure.why, Why::SlowDown { status: 429, wait: Some(_) }), "{failure:?}");
}

#[tokio::test]
async fn n07_n09_redirects_and_pages_are_not_followed_and_not_data() {
    let script = vec![Play::html(302).with("location", "/dhis-web-login/"), Play::ok("{}")];
    let (client, seen) = client(Side::Dhis2, script);
    let told = read(&client).await.unwrap_err().to_string();
    assert!(told.contains("not signed in") && seen.count() == 1, "{told}");

    let (failure, _) = tries(|| Play::html(301).with("location", "https://other.example/api/system/info")).await;
    let told = failure.to_string();
    assert!(told.contains("https://other.example/api") && told.contains("dhis2.example"), "{told}");

    let (failure, _) = tries(|| Play::html(200)).await;
    assert!(failure.to_string().contains("no JSON object but text/html"), "{failure}");
    for body in ["[]", "null", "\"x\""] {
        let (failure, _) = tries(|| Play::ok(body)).await;
        assert!(matches!(*failure.why, Why::NotJson { .. }), "{body}: {failure:?}");
    }
}

#[tokio::test]
async fn other_origins_get_nothing_at_all() {
    for other in [
        "https://evil.example/dhis/api/me",
        "http://dhis2.example/dhis/api/me",
        "https://dhis2.example:8443/dhis/api/me",
    ] {
        let (client, seen) = client(Side::Dhis2, vec![Play::ok("{}")]);
        let url = Url::parse(other).unwrap();
        let failure = client.get_json::<Value>(&url, "the account").await.unwrap_err();
        assert!(matches!(*failure.why, Why::OtherOrigin { .. }), "{failure:?}");
        client.post_once(&url, [], "<x/>".into()).await.unwrap_err();
        assert_eq!(seen.count(), 0);
    }
}

#[tokio::test]
async fn n16_a_body_over_the_cap_is_dropped_with_what_was_asked() {
    let limits = Limits { body: 1 << 20, ..Limits::default() };
    let piece = bytes::Bytes::from(vec![b' '; 300 << 10]);
    let endless = || Play::Answer(200, vec![("content-type", "application/json".into())], vec![Ok(piece.clone()); 40]);
    let sign_in = SignIn::Token(Secret::new(MARK));
    let (client, seen) = with(Side::Dhis2, sign_in.clone(), limits.clone(), vec![endless()]);
    let told = read(&client).await.unwrap_err().to_string();
    assert!(told.contains("system information") && told.contains("1 MiB") && seen.count() == 1, "{told}");

    let exact = format!("{{{}}}", " ".repeat((1 << 20) - 2));
    let (client, _) = with(Side::Dhis2, sign_in, limits, vec![Play::ok(&exact)]);
    assert_eq!(read(&client).await.unwrap(), json!({}));
}

#[tokio::test]
async fn a_shape_that_does_not_fit_is_said_once() {
    let (client, seen) = client(Side::Dhis2, vec![Play::ok(r#"{"n":"x"}"#)]);
    let url = client.url(&["n"]);
    let asked = client.get_json::<std::collections::BTreeMap<String, u8>>(&url, "numbers").await;
    let failure = asked.unwrap_err();
    assert!(matches!(*failure.why, Why::Shape { .. }) && seen.count() == 1, "{failure:?}");
}

#[tokio::test]
async fn headers_and_addresses_are_as_the_servers_want_them() {
    let (client, seen) = client(Side::Dhis2, vec![Play::ok("{}")]);
    read(&client).await.unwrap();
    assert_eq!(seen.uris(), ["https://dhis2.example/dhis/api/system/info"]);
    assert_eq!(seen.header(0, "accept").unwrap(), "application/json");
    assert_eq!(seen.header(0, "authorization").unwrap(), "Basic YWRtaW46czNjcjN0LU00Uks=");
    assert_eq!(client.url(&["a b", "ü/..", ""]).as_str(), "https://dhis2.example/dhis/api/a%20b/%C3%BC%2F../");
}
