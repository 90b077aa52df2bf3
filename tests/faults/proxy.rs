//! Row N22 with the real program behind a proxy on this machine.

use std::{
    fs,
    io::{Read, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

const DHIS2_PASSWORD: &str = "marked-dhis2";
const API_KEY: &str = "marked-key";
const PROXY_PASSWORD: &str = "marked-proxy";

/// A proxy that answers every connection with `answer` and keeps the heads of the requests.
fn proxy(answer: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    // It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // A program that gives up after the first answer leaves its other connection without a word.
            let asked = head(&mut stream);
            kept.lock().unwrap().extend((!asked.is_empty()).then_some(asked));
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, heard)
}

fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A proxy that opens the way to a server with our certificate, which refuses every sign-in. Heads as the proxy and as the
/// server hear them.
fn way_through() -> (u16, Arc<Mutex<Vec<String>>>) {
    let data = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name);
    let key = PrivateKeyDer::from_pem_file(data("server.key")).unwrap();
    let chain = vec![CertificateDer::from_pem_file(data("good.pem")).unwrap()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, config, kept) = (stream.unwrap(), Arc::clone(&config), Arc::clone(&kept));
            std::thread::spawn(move || {
                kept.lock().unwrap().push(head(&mut stream));
                let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
                let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                kept.lock().unwrap().push(head(&mut stream));
                let _ = stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
            });
        }
    });
    (port, heard)
}

/// `onse plan` with servers at these schemes, behind a proxy that wants a sign-in.
fn plan(scheme: &str, port: u16, folder: &Path) -> Output {
    let ca = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls/ca.pem");
    let allow = if scheme == "http" { "allow_http = true".to_owned() } else { format!("ca_file = '{}'", ca.display()) };
    let settings = format!(
        "[profiles.p.dhis2]\nurl = \"{scheme}://dhis2.test\"\nusername = \"u\"\n{allow}\n\
         [profiles.p.commcare]\nurl = \"{scheme}://hq.test\"\nproject = \"p\"\nusername = \"me@example.org\"\n{allow}\n"
    );
    fs::write(folder.join("config.toml"), settings).unwrap();
    let proxy = format!("http://me:{PROXY_PASSWORD}@127.0.0.1:{port}");
    Command::new(env!("CARGO_BIN_EXE_onse"))
        .args(["plan", "-o", "q.review"])
        .env_clear()
        .envs([("HOME", folder), ("ONSE_DATA_DIR", folder)])
        .env("ONSE_CONFIG", folder.join("config.toml"))
        .envs([("ONSE_DHIS2_PASSWORD", DHIS2_PASSWORD), ("ONSE_COMMCARE_API_KEY", API_KEY)])
        .envs([("HTTPS_PROXY", &proxy), ("HTTP_PROXY", &proxy), ("http_proxy", &proxy), ("https_proxy", &proxy)])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn n22_a_proxy_that_wants_a_sign_in_is_named_and_hears_none_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) = proxy("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    let ran = plan("https", port, folder.path());
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    for part in ["a proxy on the way demands its own sign-in (407)", "HTTPS_PROXY", "Nothing was changed"] {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
    assert!(!said.contains("marked"), "{said}");
    assert!(!folder.path().join("q.review").exists());
    let heard = heard.lock().unwrap();
    assert!(!heard.is_empty() && heard.len() <= 3, "asked once each: {heard:?}");
    for request in heard.iter() {
        let request = request.to_ascii_lowercase();
        assert!(request.starts_with("connect ") && request.contains("proxy-authorization: basic "), "{request}");
        assert!(!request.contains("\r\nauthorization:"), "the sign-in of a server went to the proxy: {request}");
    }
}

#[test]
fn n22_without_tls_the_proxy_is_named_too() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) =
        proxy("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let ran = plan("http", port, folder.path());
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.code() == Some(1) && said.contains("(407)") && said.contains("HTTPS_PROXY"), "{said}");
    assert!(!said.contains("marked") && heard.lock().unwrap().len() <= 3, "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn n22_the_sign_in_of_the_proxy_never_reaches_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) = way_through();
    let ran = plan("https", port, folder.path());
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.code() == Some(1) && said.contains("the sign-in was refused (401)"), "{said}");
    let heard = heard.lock().unwrap();
    let (proxy, server): (Vec<_>, Vec<_>) =
        heard.iter().filter(|head| !head.is_empty()).partition(|head| head.starts_with("CONNECT "));
    assert!(!proxy.is_empty() && !server.is_empty(), "{heard:?}");
    let has = |head: &str, name: &str| head.to_ascii_lowercase().contains(&format!("\r\n{name}: "));
    assert!(proxy.iter().all(|head| has(head, "proxy-authorization") && !has(head, "authorization")), "{proxy:?}");
    assert!(server.iter().all(|head| !has(head, "proxy-authorization") && has(head, "authorization")), "{server:?}");
}
