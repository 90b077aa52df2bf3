//! The real [`Transport`]: HTTP over TCP and TLS. It sends and receives, and decides nothing.

use std::{error::Error as _, time::Duration};

use anyhow::{Context as _, ensure};
use bytes::Bytes;

use super::transport::{Answer, Body, Broken, Later, SharedTransport, Transport};

/// Slowest upload that is still waited for, in bytes per second (half of fault matrix row N14).
const SLOWEST: u64 = 4 << 10;

/// What can be chosen about connections.
#[derive(Clone, Debug)]
pub struct Options {
    /// PEM of an additional certificate authority.
    pub ca: Option<Vec<u8>>,
    /// Longest time to reach the server: name, TCP and TLS together.
    pub connect: Duration,
    /// Longest silence while an answer is awaited or read. There is no limit on the whole.
    pub idle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { ca: None, connect: Duration::from_secs(10), idle: Duration::from_mins(1) }
    }
}

/// The network. Fails when TLS cannot be set up, with the remedy.
pub fn real(options: &Options) -> anyhow::Result<SharedTransport> {
    // Fails only when another provider was installed before, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let remote = builder(options)?.build().context(
        "TLS could not be set up; install the system's certificates (package ca-certificates) or set `ca_file`",
    )?;
    // A proxy cannot reach this machine's own loopback.
    let local = builder(options)?.no_proxy().build().context("TLS could not be set up")?;
    Ok(std::sync::Arc::new(Wire { remote, local, connect: options.connect, idle: options.idle }))
}

fn builder(options: &Options) -> anyhow::Result<reqwest::ClientBuilder> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(options.connect)
        // A connection left alone for longer is likely dead, after a sleep for one (fault matrix row N20).
        .pool_idle_timeout(Duration::from_secs(20))
        .user_agent(concat!("onse/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = &options.ca {
        let certificates =
            reqwest::Certificate::from_pem_bundle(pem).context("the `ca_file` cannot be read as PEM certificates")?;
        ensure!(!certificates.is_empty(), "the `ca_file` has no PEM certificate in it");
        builder = builder.tls_certs_merge(certificates);
    }
    Ok(builder)
}

struct Wire {
    remote: reqwest::Client,
    local: reqwest::Client,
    connect: Duration,
    idle: Duration,
}

impl Transport for Wire {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        Box::pin(async move {
            let client = if is_loopback(request.uri().host()) { &self.local } else { &self.remote };
            let size = u64::try_from(request.body().len()).unwrap_or(u64::MAX);
            // The library cannot tell sending from waiting, so a large body gets the time its upload may take.
            let patience = self.idle.saturating_add(Duration::from_secs(size / SLOWEST));
            let mut request = reqwest::Request::try_from(request).map_err(|error| Broken::NotSent(sentence(error)))?;
            if size == 0 {
                *request.body_mut() = None;
            }
            let mut response = tokio::time::timeout(patience, client.execute(request))
                .await
                .map_err(|_| Broken::NoAnswer(format!("nothing came for {} s", patience.as_secs())))?
                .map_err(|error| broken(error, self.connect))?;
            let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
            let mut answer = Answer::new(Box::new(Stream { response, idle: self.idle }));
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok(answer)
        })
    }
}

struct Stream {
    response: reqwest::Response,
    idle: Duration,
}

impl Body for Stream {
    fn chunk(&mut self) -> Later<'_, Result<Option<Bytes>, Broken>> {
        Box::pin(async move {
            match tokio::time::timeout(self.idle, self.response.chunk()).await {
                Ok(Ok(chunk)) => Ok(chunk),
                Ok(Err(error)) => Err(Broken::NoAnswer(sentence(error))),
                Err(_) => Err(Broken::NoAnswer(format!("the answer stood still for {} s", self.idle.as_secs()))),
            }
        })
    }
}

/// A failed connection cannot have carried the request; for anything else it may have arrived.
fn broken(error: reqwest::Error, connect: Duration) -> Broken {
    if error.is_connect() && error.is_timeout() {
        // Fault matrix row N03: something on the way drops what is sent to it.
        Broken::NotSent(format!("no connection came about within {} s", connect.as_secs_f64()))
    } else if error.is_connect() || error.is_builder() {
        Broken::NotSent(sentence(error))
    } else {
        Broken::NoAnswer(sentence(error))
    }
}

/// The chain of causes as one sentence, each said once, without the address: it may carry secrets.
fn sentence(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut parts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = cause.source();
    }
    redact(&parts.join(": "))
}

/// Strikes user names, passwords and queries out of addresses inside a text (fault matrix row X02).
fn redact(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split(' ') {
        let Some((scheme, rest)) = word.split_once("://") else {
            words.push(word.to_owned());
            continue;
        };
        let (rest, query) = rest.split_once('?').map_or((rest, ""), |(before, _)| (before, "?***"));
        let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
        let host = host.rsplit_once('@').map_or_else(|| host.to_owned(), |(_, host)| format!("***@{host}"));
        let path = path.map(|path| format!("/{path}")).unwrap_or_default();
        words.push(format!("{scheme}://{host}{path}{query}"));
    }
    words.join(" ")
}

fn is_loopback(host: Option<&str>) -> bool {
    let Some(host) = host else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_secrets() {
        for (text, clean) in [
            ("no proxy at http://me:marked@proxy:3128 today", "no proxy at http://***@proxy:3128 today"),
            ("https://h/a/b?key=marked", "https://h/a/b?***"),
            ("https://a:marked@h?x", "https://***@h?***"),
            ("nothing here", "nothing here"),
        ] {
            assert_eq!(redact(text), clean);
        }
    }

    #[test]
    fn loopback_is_recognised() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(is_loopback(Some(host)), "{host}");
        }
        for host in ["example.org", "127.example.org", "10.0.0.1", "[::2]"] {
            assert!(!is_loopback(Some(host)), "{host}");
        }
    }

    #[test]
    fn a_bad_authority_file_is_an_error() {
        let options = Options { ca: Some(b"not a certificate".to_vec()), ..Options::default() };
        let said = format!("{:#}", real(&options).err().unwrap());
        assert!(said.contains("ca_file"), "{said}");
    }
}
