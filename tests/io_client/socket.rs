//! The real transport against a small server on loopback.

use std::{io::Write as _, time::Duration};

use bytes::Bytes;
use onse::io::{
    dhis2::{Dhis2, Wanted},
    http::{Client, Limits, Options, Secret, Side, SignIn, Why, real},
    transport::{Broken, SharedTransport},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use url::Url;

use crate::fake::MARK;

/// Answers each of `answers` to one connection and gives back the requests it read.
async fn server(answers: Vec<Vec<u8>>) -> (Url, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/api/", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|w| w == b"\r\n\r\n") {
                let mut part = [0; 4096];
                let size = stream.read(&mut part).await.unwrap();
                request.extend_from_slice(&part[..size]);
            }
            requests.push(String::from_utf8(request).unwrap());
            stream.write_all(&answer).await.unwrap();
            stream.shutdown().await.unwrap();
        }
        requests
    });
    (url, task)
}

fn wire() -> SharedTransport {
    real(&Options::default()).unwrap()
}

fn get(url: &Url) -> http::Request<Bytes> {
    http::Request::builder().uri(url.as_str()).body(Bytes::new()).unwrap()
}

async fn body(answer: onse::io::transport::Answer) -> Result<Vec<u8>, Broken> {
    let mut body = answer.into_body();
    let mut whole = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

#[tokio::test]
async fn n07_n09_a_redirect_comes_back_as_it_is() {
    let (url, task) =
        server(vec![b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/login\r\nContent-Length: 0\r\n\r\n".to_vec()])
            .await;
    let answer = wire().send(get(&url)).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
        (302, "http://127.0.0.1:1/login")
    );
    let requests = task.await.unwrap();
    let head = requests[0].to_lowercase();
    assert!(head.starts_with("get /api/ http/1.1") && head.contains("user-agent: onse/"), "{head}");
    assert!(!head.contains("authorization") && !head.contains("content-length") && head.contains("gzip"), "{head}");
}

#[tokio::test]
async fn gzip_is_decoded_and_json_read_through_the_client() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(br#"{"version":"2.42"}"#).unwrap();
    let packed = packed.finish().unwrap();
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        packed.len()
    )
    .into_bytes();
    answer.extend_from_slice(&packed);
    let (url, task) = server(vec![answer]).await;
    let sign_in = SignIn::Token(Secret::new(MARK));
    let client = Client::new(wire(), Side::Dhis2, &url, sign_in, 0).unwrap();
    let value: Value = client.get_json(&client.url(&["system", "info"]), "x").await.unwrap();
    assert_eq!(value, json!({"version": "2.42"}));
    let requests = task.await.unwrap();
    assert!(requests[0].contains(&format!("ApiToken {MARK}")), "{}", requests[0]);
}

#[tokio::test]
async fn n02_a_refused_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/?key={MARK}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let Err(Broken::NotSent(why)) = wire().send(get(&url)).await else { panic!("it was sent") };
    assert!(why.to_lowercase().contains("refused") && !why.contains(MARK), "{why}");
}

#[tokio::test]
async fn n10_n11_n12_an_answer_that_ends_early_is_no_answer() {
    let short = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\":".to_vec();
    let unended = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n".to_vec();
    let (url, task) = server(vec![short, unended, b"HTTP/1.1 200 OK\r\nContent-".to_vec()]).await;
    let wire = wire();
    for _ in 0..2 {
        let answer = wire.send(get(&url)).await.unwrap();
        assert!(matches!(body(answer).await, Err(Broken::NoAnswer(_))));
    }
    assert!(matches!(wire.send(get(&url)).await, Err(Broken::NoAnswer(_))));
    task.await.unwrap();
}

#[tokio::test]
async fn n13_a_server_that_goes_silent_is_left_after_the_idle_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let wire = real(&Options { idle: Duration::from_millis(50), ..Options::default() }).unwrap();
    assert!(matches!(wire.send(get(&url)).await, Err(Broken::NoAnswer(_))));

    let task = tokio::spawn(async move {
        // The first connection belongs to the request that was given up.
        let (_given_up, _) = listener.accept().await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1").await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    });
    let answer = wire.send(get(&url)).await.unwrap();
    assert!(matches!(body(answer).await, Err(Broken::NoAnswer(_))));
    task.await.unwrap();
}

#[tokio::test]
async fn n01_a_name_that_does_not_exist_is_unreachable_with_the_host_named() {
    let url = Url::parse("https://onse.invalid/").unwrap();
    let client = Client::new(wire(), Side::CommCare, &url, SignIn::Token(Secret::new(MARK)), 0)
        .unwrap()
        .sleeping(std::sync::Arc::new(|_| Box::pin(async {})));
    let failure = client.get_json::<Value>(&client.url(&["x"]), "x").await.unwrap_err();
    assert!(matches!(*failure.why, Why::Unreachable { .. }) && failure.tries == 3, "{failure:?}");
    assert!(failure.to_string().contains("onse.invalid"), "{failure}");
}

#[tokio::test]
async fn n05_something_that_speaks_no_tls_gets_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 4096];
        let size = stream.read(&mut hello).await.unwrap();
        stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: /portal\r\n\r\n").await.unwrap();
        hello[..size].to_vec()
    });
    let mut request = get(&url);
    request.headers_mut().insert("authorization", MARK.parse().unwrap());
    assert!(matches!(wire().send(request).await, Err(Broken::NotSent(_))));
    assert!(!String::from_utf8_lossy(&task.await.unwrap()).contains(MARK));
}

#[tokio::test]
async fn n03_a_connection_that_nobody_answers_is_given_up_in_time_and_was_not_sent() {
    assert_eq!(Options::default().connect, Duration::from_secs(10));
    // A listener whose queue is full lets further connections wait without a word, as a firewall does that drops them.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(50), tokio::net::TcpStream::connect(address)).await
    {
        queue.push(stream.unwrap());
        assert!(queue.len() < 64, "this system queues everything");
    }
    let wire = real(&Options { connect: Duration::from_millis(50), ..Options::default() }).unwrap();
    let url = Url::parse(&format!("http://{address}/?key={MARK}")).unwrap();
    let Err(Broken::NotSent(why)) = wire.send(get(&url)).await else { panic!("it was sent") };
    assert_eq!(why, "no connection came about within 0.05 s");
}

#[tokio::test]
async fn n13_a_byte_now_and_then_is_an_answer_however_long_it_takes() {
    assert_eq!(Options::default().idle, Duration::from_mins(1), "longer than the half minute of row N15");
    let idle = Duration::from_millis(150);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n").await.unwrap();
        for _ in 0..10 {
            tokio::time::sleep(idle / 5).await;
            stream.write_all(b"x").await.unwrap();
        }
    });
    let wire = real(&Options { idle, ..Options::default() }).unwrap();
    let before = std::time::Instant::now();
    assert_eq!(body(wire.send(get(&url)).await.unwrap()).await.unwrap(), b"xxxxxxxxxx");
    assert!(before.elapsed() > idle, "in all it took longer than the longest silence");
    task.await.unwrap();
}

/// Answers with a gzipped body of so many MiB of spaces, for as long as it is read. How many bytes went out.
async fn bomb(mebibytes: usize) -> (Url, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/api/", listener.local_addr().unwrap())).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let piece = vec![b' '; 1 << 20];
    for _ in 0..mebibytes {
        packed.write_all(&piece).unwrap();
    }
    let packed = packed.finish().unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut sent = 0;
        for piece in packed.chunks(4 << 10) {
            if stream.write_all(piece).await.is_err() {
                break;
            }
            sent += piece.len();
        }
        sent
    });
    (url, task)
}

#[tokio::test]
async fn n16_a_gzip_bomb_is_cut_at_the_cap_of_what_it_unpacks_to() {
    let (url, task) = bomb(64).await;
    let sign_in = SignIn::Token(Secret::new(MARK));
    let limits = Limits { body: 1 << 20, ..Limits::default() };
    let client = Client::new(wire(), Side::Dhis2, &url, sign_in, 0).unwrap().limited(limits);
    let dhis2 = Dhis2::new(client);
    let ids = |id: &str| vec![id.to_owned()];
    let failure =
        dhis2.data_values(&ids("ImspTQPwCqd"), &Wanted::all(&ids("BfMAe6Itzgt"), &ids("2026Q2"))).await.unwrap_err();
    assert_eq!((&*failure.why, failure.tries), (&Why::TooLarge { cap: 1 << 20 }, 1));
    let told = failure.to_string();
    assert!(told.contains("data sets BfMAe6Itzgt") && told.contains("1 MiB"), "{told}");
    task.await.unwrap();
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/api/", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
                .await
                .unwrap();
        }
        listener
    });
    let client = Client::new(wire(), Side::Dhis2, &url, SignIn::Token(Secret::new(MARK)), 0).unwrap();
    for _ in 0..3 {
        assert_eq!(client.get_json::<Value>(&client.url(&["me"]), "x").await.unwrap(), json!({}));
    }
    // A second connection would have been waiting here.
    let listener = task.await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(20), listener.accept()).await.is_err());
}
