//! TLS as the real transport speaks it: which certificates it takes, and what is said of the others. The certificates are in
//! `tests/data/tls`.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use onse::io::http::{Client, Failure, Options, Secret, Side, SignIn, Why, real};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use serde_json::{Value, json};
use url::Url;

use crate::fake::MARK;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}

/// A server with this certificate, which answers `{}` to each of so many connections. Its port, and what it read.
fn server(certificate: &str, connections: usize) -> (u16, JoinHandle<String>) {
    let key = PrivateKeyDer::from_pem_file(data("server.key")).unwrap();
    let chain = vec![CertificateDer::from_pem_file(data(certificate)).unwrap()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = std::thread::spawn(move || {
        let mut heard = String::new();
        for _ in 0..connections {
            let (stream, _) = listener.accept().unwrap();
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let mut hello = [0; 4096];
            // A client that does not trust the certificate ends the connection here.
            let Ok(size) = stream.read(&mut hello) else { continue };
            heard.push_str(std::str::from_utf8(&hello[..size]).unwrap());
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
        }
        heard
    });
    (port, task)
}

/// Asks the server by this name, trusting the authority of the tests where `trusted`.
async fn asked(host: &str, certificate: &str, trusted: bool) -> (Result<Value, Failure>, String) {
    let (port, task) = server(certificate, if trusted && certificate == "good.pem" { 1 } else { 3 });
    let ca = trusted.then(|| std::fs::read(data("ca.pem")).unwrap());
    let transport = real(&Options { ca, ..Options::default() }).unwrap();
    let base = Url::parse(&format!("https://{host}:{port}/api/")).unwrap();
    let client = Client::new(transport, Side::Dhis2, &base, SignIn::Token(Secret::new(MARK)), 0).unwrap();
    let client = client.sleeping(Arc::new(|_| Box::pin(async {})));
    let answer = client.get_json::<Value>(&client.url(&["me"]), "the account").await;
    (answer, task.join().unwrap())
}

/// The certificate is refused: nothing secret went out, and the sentence has these words.
#[track_caller]
fn refused((answer, heard): (Result<Value, Failure>, String), words: &[&str]) {
    let failure = answer.unwrap_err();
    let told = failure.to_string();
    assert!(matches!(*failure.why, Why::Unreachable { .. }), "{failure:?}");
    for word in words {
        assert!(told.contains(word), "{word} is missing in: {told}");
    }
    assert!(!heard.contains(MARK) && !told.to_lowercase().contains("ignore"), "{heard}{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn n04_a_certificate_of_an_unknown_authority_is_refused_with_the_way_to_name_it() {
    refused(asked("127.0.0.1", "good.pem", false).await, &["certificate", "`ca_file`", "127.0.0.1"]);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn n04_the_authority_named_as_ca_file_is_trusted() {
    let (answer, heard) = asked("127.0.0.1", "good.pem", true).await;
    assert_eq!(answer.unwrap(), json!({}));
    assert!(heard.starts_with("GET /api/me HTTP/1.1\r\n") && heard.contains(&format!("ApiToken {MARK}")), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn n04_a_certificate_of_another_host_is_refused_with_the_address_as_the_remedy() {
    refused(asked("127.0.0.1", "other.pem", true).await, &["certificate", "another than the address says", "url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn n04_n23_a_certificate_that_is_over_or_not_yet_valid_points_to_the_clocks() {
    refused(asked("127.0.0.1", "expired.pem", true).await, &["certificate", "expired", "clock"]);
    refused(asked("127.0.0.1", "future.pem", true).await, &["certificate", "clock"]);
}
