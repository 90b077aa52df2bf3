//! No secret in any text: errors, debug output, messages while waiting, the log (fault matrix rows X02, X03).

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use onse::io::{
    commcare::CommCare,
    http::{Client, Limits, Secret, Side, SignIn},
    transport::Broken,
};
use tracing_subscriber::fmt::MakeWriter;
use url::Url;

use crate::fake::{MARK, Play, client, with};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Answers of a server that repeats what it was sent, in every place an answer can have text.
fn echoes(secret: &str) -> Vec<Play> {
    let json = format!(r#"{{"message":"you sent {secret}","errorCode":"{secret}"}}"#);
    let mut plays: Vec<Play> = [400, 401, 403, 404, 409, 418, 500].map(|status| Play::json(status, &json)).into();
    plays.push(Play::json(500, &json));
    plays.extend([
        Play::Answer(200, vec![("content-type", secret.into())], vec![Ok(secret.to_owned().into())]),
        Play::Answer(400, vec![("content-type", "text/plain".into())], vec![Ok(secret.to_owned().into())]),
        Play::html(302).with("location", &format!("https://h.example/{secret}?{secret}")),
        Play::ok(&format!(r#"{{"n":"{secret}"}}"#)),
    ]);
    plays.extend((0..5).map(|_| Play::Fail(Broken::NoAnswer(format!("said {secret}")))));
    plays
}

#[tokio::test]
async fn nothing_says_a_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let basic = SignIn::Basic { user: "admin".into(), password: Secret::new(MARK) };
    let encoded = "YWRtaW46czNjcjN0LU00Uks=";
    let mut said: Vec<String> = Vec::new();
    for (sign_in, echo) in [
        (basic.clone(), MARK),
        (basic, encoded),
        (SignIn::ApiKey { user: "me".into(), key: Secret::new(MARK) }, MARK),
        (SignIn::Token(Secret::new(MARK)), MARK),
    ] {
        said.push(format!("{sign_in:?} {sign_in:#?}"));
        let (client, seen) = with(Side::Dhis2, sign_in, Limits::default(), echoes(echo));
        said.push(format!("{client:?} {client:#?}"));
        let url = client.url(&["me"]);
        for _ in 0..12 {
            let failure = client.get_json::<std::collections::BTreeMap<String, u8>>(&url, MARK).await.unwrap_err();
            said.push(format!("{failure} {failure:?}"));
        }
        let waits = seen.waits.lock().unwrap();
        assert!(waits.len() >= 5, "{waits:?}");
        said.push(format!("{waits:?} {:?}", seen.requests.lock().unwrap()));
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("/dhis/api/me"), "the log was not captured: {log}");
    for text in [said.join("\n"), log] {
        assert!(!text.contains(MARK) && !text.contains(encoded), "a secret is in: {text}");
    }
}

#[tokio::test]
async fn no_receipt_says_a_secret() {
    let xml = format!(
        r#"<OpenRosaResponse><message nature="processing_failure">IllegalCaseId: {MARK}</message></OpenRosaResponse>"#
    );
    let plays = vec![
        Play::Answer(422, vec![], vec![Ok(xml.into())]),
        Play::Answer(401, vec![], vec![Ok(MARK.into())]),
        Play::Answer(500, vec![], vec![Ok(MARK.into())]),
        Play::Fail(Broken::NoAnswer(MARK.into())),
        Play::Fail(Broken::NotSent(MARK.into())),
    ];
    let (client, _) = client(Side::CommCare, plays);
    let hq = CommCare::new(client, "onse-iss");
    for _ in 0..5 {
        let receipt = format!("{:?}", hq.submit("<x/>".into(), "f1").await);
        assert!(!receipt.contains(MARK), "{receipt}");
    }
}

#[test]
fn an_address_with_credentials_is_refused_without_saying_them() {
    for url in [
        format!("https://me:{MARK}@dhis2.example/"),
        format!("https://{MARK}@dhis2.example/"),
        format!("https://dhis2.example/?key={MARK}"),
        format!("https://dhis2.example/#{MARK}"),
        "ftp://dhis2.example/".to_owned(),
    ] {
        let transport = onse::io::http::real(&onse::io::http::Options::default()).unwrap();
        let base = Url::parse(&url).unwrap();
        let error = Client::new(transport, Side::Dhis2, &base, SignIn::Token(Secret::new("t")), 0).unwrap_err();
        let told = format!("{error:#}");
        assert!(told.contains("DHIS2 url") && !told.contains(MARK), "{told}");
    }
}
