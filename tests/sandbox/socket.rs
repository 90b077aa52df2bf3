//! The same service behind a real listener, read by a client of twenty lines.

use std::time::Duration;

use onse::sandbox::PROJECT;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::rig::{Rig, api_key, dhis2_basic};

/// One request on its own connection; the whole answer as text.
async fn ask(address: std::net::SocketAddr, path: &str, authorization: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn both_servers_answer_on_loopback_until_they_are_stopped() {
    let rig = Rig::new(20, 1);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let server = tokio::spawn(rig.sandbox.clone().listen(listener, Duration::from_millis(1), stop.clone()));

    let info = ask(address, "/dhis2/api/system/info", &dhis2_basic()).await;
    assert!(info.starts_with("HTTP/1.1 200 OK\r\n"), "{info}");
    assert!(info.contains(&format!("\"contextPath\":\"http://{address}/dhis2\"")), "{info}");
    let cases = ask(address, &format!("/a/{PROJECT}/api/case/v2/?limit=3"), &api_key()).await;
    assert!(cases.contains(&format!("\"next\":\"http://{address}/a/{PROJECT}/api/case/v2/?cursor=")), "{cases}");
    let root = rig.dhis2("organisationUnits?filter=level:eq:1&fields=id").await.json();
    let root = root["organisationUnits"][0]["id"].as_str().unwrap();
    let path = format!("/dhis2/api/dataValueSets?dataSet=q1Es3k3sZem&period=2026Q2&children=true&orgUnit={root}");
    let values = ask(address, &path, &dhis2_basic()).await;
    assert!(values.to_lowercase().contains("transfer-encoding: chunked"));
    assert!(values.matches("\"dataElement\"").count() > 100);

    stop.cancel();
    server.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
