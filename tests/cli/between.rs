//! A small server between the program and the sandbox, which goes wrong on order. It is a wire, no rules: one request to a
//! connection.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, mpsc},
    thread,
    time::Duration,
};

/// Longest wait for a request that has to come.
const PATIENCE: Duration = Duration::from_mins(1);

/// What happens to requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything goes through.
    Pass,
    /// Everything is answered with a page.
    Html,
    /// Nothing is answered.
    Silent,
    /// Forms are refused with 403, all else goes through.
    RefuseForms,
    /// Forms are lost and not answered.
    LoseForms,
    /// Forms arrive, and their answer is lost.
    LoseAnswers,
    /// A form waits until the mode is another one, and goes through then.
    HoldForms,
    /// The first form goes through, and from then on CommCare takes no sign-in.
    ChangeKey,
    /// CommCare takes no sign-in but the one given with [`Between::take_instead`].
    Changed,
    /// The first form goes through, those after it are lost and not answered.
    LoseLaterForms,
    /// Everything goes through until a form did; then cases are not shown any more.
    HideCases,
    /// Cases are not shown, all else goes through.
    Hidden,
    /// Cases are refused with words that act on a terminal, all else goes through.
    Hostile,
    /// The key for cases is refused, all else goes through.
    WrongKey,
    /// What is told of data elements by their ids is a page, all else goes through.
    HtmlElements,
    /// Every data element is said to be of single persons, all else goes through.
    Trackers,
    /// DHIS2 says a version of a later time, all else goes through.
    Newer,
    /// Everything is sent on to another server.
    Away,
}

/// Where [`Mode::Away`] leads.
pub(crate) const ELSEWHERE: &str = "http://elsewhere.invalid:8443";

pub(crate) struct Between {
    address: SocketAddr,
    mode: Arc<Now>,
    unanswered: mpsc::Receiver<()>,
}

/// The mode, and word of each change of it.
struct Now {
    mode: Mutex<Mode>,
    changed: Condvar,
    /// The key that CommCare takes now, and the one the sandbox takes.
    key: Mutex<Option<(String, String)>>,
}

impl Between {
    /// A server before `upstream`, an origin such as `http://127.0.0.1:1234`.
    pub(crate) fn start(upstream: &str, mode: Mode) -> Self {
        let upstream: SocketAddr = upstream.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mode = Arc::new(Now { mode: Mutex::new(mode), changed: Condvar::new(), key: Mutex::new(None) });
        let (tell, unanswered) = mpsc::channel();
        let shared = Arc::clone(&mode);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (mode, tell) = (Arc::clone(&shared), tell.clone());
                // A client that leaves in the middle ends its own connection only.
                thread::spawn(move || client.and_then(|client| serve(client, upstream, &mode, &tell)));
            }
        });
        Self { address, mode, unanswered }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.mode.lock().unwrap() = mode;
        self.mode.changed.notify_all();
    }

    /// From now on the key of CommCare is this one, in place of that one.
    pub(crate) fn take_instead(&self, new: &str, old: &str) {
        *self.mode.key.lock().unwrap() = Some((new.to_owned(), old.to_owned()));
    }

    /// How many requests were refused or got no answer.
    pub(crate) fn refused(&self) -> usize {
        self.unanswered.try_iter().count()
    }

    /// Waits until a request is there that gets no answer.
    pub(crate) fn unanswered(&self) {
        self.unanswered.recv_timeout(PATIENCE).unwrap();
    }
}

fn serve(mut client: TcpStream, upstream: SocketAddr, mode: &Now, tell: &mpsc::Sender<()>) -> std::io::Result<()> {
    let request = whole(&mut client)?;
    let line = request.split(|byte| *byte == b'\n').next().map(String::from_utf8_lossy).unwrap_or_default();
    let is_form = line.contains("/receiver/");
    let is_elements = line.contains("/dataElements");
    let by_id = line.contains("id:in") || line.contains("id%3Ain");
    let now = *mode.mode.lock().unwrap();
    let is_cases = request.windows(10).take(200).any(|word| word == b"/api/case/");
    let answer = |kind: &str, text: &str| {
        format!("HTTP/1.1 {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())
    };
    match now {
        Mode::Html => client.write_all(answer("200 OK\r\nContent-Type: text/html", "<html>Sign in</html>").as_bytes()),
        Mode::RefuseForms if is_form => client.write_all(answer("403 Forbidden", "not here").as_bytes()),
        Mode::LoseForms if is_form => silence(&mut client, tell),
        Mode::LoseAnswers if is_form => {
            forward(&request, upstream)?;
            silence(&mut client, tell)
        }
        Mode::Silent => silence(&mut client, tell),
        Mode::HoldForms if is_form => {
            let _ = tell.send(());
            drop(mode.changed.wait_while(mode.mode.lock().unwrap(), |now| *now == Mode::HoldForms).unwrap());
            client.write_all(&forward(&request, upstream)?)
        }
        Mode::Changed if line.contains(" /a/") => {
            if let Some(request) = as_before(&request, mode.key.lock().unwrap().as_ref()) {
                return client.write_all(&forward(&request, upstream)?);
            }
            let _ = tell.send(());
            client.write_all(answer("401 Unauthorized", "").as_bytes())
        }
        Mode::LoseLaterForms | Mode::HideCases | Mode::ChangeKey if is_form => {
            *mode.mode.lock().unwrap() = match now {
                Mode::HideCases => Mode::Hidden,
                Mode::ChangeKey => Mode::Changed,
                _ => Mode::LoseForms,
            };
            client.write_all(&forward(&request, upstream)?)
        }
        Mode::Hidden if is_cases => {
            let _ = tell.send(());
            client.write_all(answer("403 Forbidden", "not here").as_bytes())
        }
        Mode::Hostile if is_cases => {
            let text = r#"{"error": "\u001b[2Jno \u0007\u202e"}"#;
            client.write_all(answer("403 Forbidden\r\nContent-Type: application/json", text).as_bytes())
        }
        Mode::WrongKey if is_cases => {
            let _ = tell.send(());
            client.write_all(answer("401 Unauthorized", "").as_bytes())
        }
        Mode::HtmlElements if is_elements && by_id => {
            client.write_all(answer("200 OK\r\nContent-Type: text/html", "<html>Sign in</html>").as_bytes())
        }
        Mode::Trackers if is_elements => client.write_all(&bent(&request, upstream, "\"AGGREGATE\"", "\"TRACKER\"  ")?),
        Mode::Newer if line.contains("/system/info") => {
            client.write_all(&bent(&request, upstream, "\"version\":\"2.4", "\"version\":\"2.9")?)
        }
        Mode::Away => client.write_all(answer(&format!("302 Found\r\nLocation: {ELSEWHERE}/cases"), "").as_bytes()),
        _ => client.write_all(&forward(&request, upstream)?),
    }
}

/// A request that is signed with the key of now, signed with the one before; none where it is not.
fn as_before(request: &[u8], key: Option<&(String, String)>) -> Option<Vec<u8>> {
    let (new, old) = key?;
    let head = request.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let (head, body) = (String::from_utf8_lossy(&request[..head]), &request[head..]);
    let signed = format!(":{new}\r\n");
    head.contains(&signed).then(|| [head.replace(&signed, &format!(":{old}\r\n")).as_bytes(), body].concat())
}

/// The answer with one text in place of another of as many bytes.
fn bent(request: &[u8], upstream: SocketAddr, was: &str, is: &str) -> std::io::Result<Vec<u8>> {
    let plain = String::from_utf8_lossy(request).replace("accept-encoding:", "x-none:");
    let told = String::from_utf8_lossy(&forward(plain.as_bytes(), upstream)?).into_owned();
    Ok(told.replace(was, is).into_bytes())
}

/// A request with its body.
fn whole(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let (mut request, mut piece) = (Vec::new(), [0; 8192]);
    loop {
        let read = client.read(&mut piece)?;
        request.extend_from_slice(&piece[..read]);
        if let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if request.len() >= end + 4 + length.unwrap_or(0) {
                return Ok(request);
            }
        }
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn forward(request: &[u8], upstream: SocketAddr) -> std::io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(upstream)?;
    let line = request.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    server.write_all(&[&request[..line], b"Connection: close\r\n", &request[line..]].concat())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Says that a request gets no answer, and holds the connection until the client leaves.
fn silence(client: &mut TcpStream, tell: &mpsc::Sender<()>) -> std::io::Result<()> {
    let _ = tell.send(());
    client.read(&mut [0; 1]).map(|_| ())
}
