//! A sandbox with a clock of its own, and requests in one line.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use onse::{
    io::transport::{Broken, SharedTransport},
    sandbox::{
        COMMCARE_API_KEY, COMMCARE_USER, DHIS2_PASSWORD, DHIS2_USER, Oddity, Options, PROJECT, Planted, Sandbox,
        Version,
    },
};
use serde_json::Value;

pub(crate) const ORIGIN: &str = "http://sandbox.invalid";
pub(crate) const QUARTER: &str = "2026Q2";

/// A whole answer.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) struct Rig {
    pub(crate) sandbox: Sandbox,
    pub(crate) transport: SharedTransport,
}

/// One second passes whenever the sandbox looks at its clock.
pub(crate) fn clock() -> onse::sandbox::Clock {
    let second = AtomicI64::new("2026-08-03T08:00:00Z".parse::<Timestamp>().unwrap().as_second());
    Arc::new(move || Timestamp::from_second(second.fetch_add(1, Ordering::Relaxed)).unwrap())
}

impl Rig {
    pub(crate) fn new(facilities: usize, seed: u64) -> Self {
        Self::with(&Options { facilities, seed, ..Options::new((2026, 2)) })
    }

    /// DHIS2 of this release line with 60 facilities.
    pub(crate) fn of(version: Version) -> Self {
        Self::with(&Options { facilities: 60, version, ..Options::new((2026, 2)) })
    }

    pub(crate) fn with(options: &Options) -> Self {
        let sandbox = Sandbox::new(options, clock());
        let transport = sandbox.transport(ORIGIN);
        Self { sandbox, transport }
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Got, Broken> {
        let (head, mut body) = self.transport.send(request).await?.into_parts();
        let mut bytes = Vec::new();
        while let Some(piece) = body.chunk().await? {
            assert!(piece.len() <= 64 * 1024);
            bytes.extend_from_slice(&piece);
        }
        Ok(Got { status: head.status, headers: head.headers, body: bytes })
    }

    /// A GET of DHIS2, signed in.
    pub(crate) async fn dhis2(&self, path_and_query: &str) -> Got {
        self.get(&format!("/dhis2/api/{path_and_query}"), &dhis2_basic()).await
    }

    /// A GET of DHIS2 as another account.
    pub(crate) async fn dhis2_as(&self, user: &str, path_and_query: &str) -> Got {
        self.get(&format!("/dhis2/api/{path_and_query}"), &basic(user, DHIS2_PASSWORD)).await
    }

    /// Ids of the organisation units of a level.
    pub(crate) async fn units(&self, level: u8) -> Vec<String> {
        let ask = format!("organisationUnits?filter=level:eq:{level}&fields=id,path&paging=false&order=path");
        let units = self.dhis2(&ask).await.json();
        // The second root and what is below it are nobody's.
        let root = self.sandbox.unreadable_org_unit().unwrap().to_owned();
        let outside = self.dhis2(&format!("organisationUnits/{root}?fields=path")).await.json()["path"].to_string();
        let outside = outside.trim_matches('"').split('/').nth(1).unwrap().to_owned();
        let units = units["organisationUnits"].as_array().unwrap().iter();
        let inside = units.filter(|unit| !unit["path"].as_str().unwrap().contains(&outside));
        inside.map(|unit| unit["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The whole country, as `orgUnit` and `children`.
    pub(crate) async fn everywhere(&self) -> String {
        format!("orgUnit={}&children=true", self.units(1).await[0])
    }

    /// A GET below the project's Case API, signed in.
    pub(crate) async fn hq(&self, rest: &str) -> Got {
        self.get(&format!("/a/{PROJECT}/api/case/v2/{rest}"), &api_key()).await
    }

    pub(crate) async fn get(&self, path_and_query: &str, authorization: &str) -> Got {
        let mut request = Request::get(format!("{ORIGIN}{path_and_query}"));
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        self.send(request.body(Bytes::new()).unwrap()).await.unwrap()
    }

    /// A submission with `X-OpenRosa-Version: 3.0`.
    pub(crate) async fn submit(&self, xml: impl Into<Bytes>) -> Got {
        self.submit_with(xml, &[("x-openrosa-version", "3.0")]).await
    }

    pub(crate) async fn submit_with(&self, body: impl Into<Bytes>, headers: &[(&str, &str)]) -> Got {
        let mut request =
            Request::post(format!("{ORIGIN}/a/{PROJECT}/receiver/api/")).header("authorization", api_key());
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "text/xml");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await.unwrap()
    }

    /// The planted oddities of a kind.
    pub(crate) fn planted(&self, what: Oddity) -> Vec<Planted> {
        self.sandbox.planted().iter().filter(|planted| planted.what == what).cloned().collect()
    }
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

pub(crate) fn dhis2_basic() -> String {
    basic(DHIS2_USER, DHIS2_PASSWORD)
}

pub(crate) fn api_key() -> String {
    format!("ApiKey {COMMCARE_USER}:{COMMCARE_API_KEY}")
}

/// A form in the shape the importer sends, with these blocks.
pub(crate) fn form(id: &str, blocks: &str) -> String {
    format!(
        "<?xml version='1.0' ?>\n<system version=\"1\" uiVersion=\"1\" xmlns=\"http://commcarehq.org/dhis2-import\" \
         xmlns:orx=\"http://openrosa.org/jr/xforms\">\n<orx:meta xmlns:cc=\"http://commcarehq.org/xforms\">\
         <orx:username>system</orx:username><orx:userID></orx:userID><orx:instanceID>{id}</orx:instanceID>\
         <cc:appVersion /></orx:meta>\n{blocks}\n</system>\n"
    )
}

/// A block with one update.
pub(crate) fn block(case_id: &str, update: &str) -> String {
    format!(
        "<case case_id=\"{case_id}\" date_modified=\"2026-08-03T07:59:00.000001Z\" \
         xmlns=\"http://commcarehq.org/case/transaction/v2\"><update>{update}</update></case>"
    )
}
