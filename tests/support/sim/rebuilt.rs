//! The mistake the simulation must catch: bytes of a form made anew when it is sent again, with another time in them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use onse::io::transport::{Answer, Broken, Later, SharedTransport, Transport};

use super::xml;

struct Rebuilding {
    line: SharedTransport,
    sent: Mutex<BTreeMap<String, u32>>,
}

pub(crate) fn rebuilding(line: SharedTransport) -> SharedTransport {
    Arc::new(Rebuilding { line, sent: Mutex::default() })
}

impl Transport for Rebuilding {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        if !request.uri().path().contains("/receiver/") {
            return self.line.send(request);
        }
        let again = {
            let mut sent = self.sent.lock().unwrap();
            let times = sent.entry(xml::read(request.body()).id).or_default();
            *times += 1;
            *times - 1
        };
        self.line.send(request.map(|body| if again == 0 { body } else { later(&body, again) }))
    }
}

/// The same form with another year at its beginning.
fn later(bytes: &Bytes, by: u32) -> Bytes {
    let text = String::from_utf8_lossy(bytes);
    let Some(at) = text.find("timeStart>") else { return bytes.clone() };
    let (head, rest) = text.split_at(at + "timeStart>".len());
    Bytes::from(format!("{head}{}{}", 2026 + by, &rest[4..]))
}
