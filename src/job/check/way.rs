//! The way to a server: encrypted or not, whose word is taken for the certificate, and through which proxy (fault matrix rows N05
//! and N22). Nothing is asked here; whether the way leads there shows in the line of the address.

use std::{ffi::OsString, path::Path};

use bytes::Bytes;
use url::{Host, Url};

use super::Line;
use crate::io::{
    http::{Failure, Side, Why},
    transport::{Broken, SharedTransport},
};

/// What came of a first knock at an address, without a word of who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Knock {
    /// Something answers.
    Answers,
    /// It answers with a certificate of an authority that nobody here knows (fault matrix row N05).
    Stranger(Line),
    /// Nothing answers.
    Silent(Line),
}

/// Asks for the address itself, once and without signing in. What the answer says is not looked at.
pub async fn knock(side: Side, url: &Url, way: &SharedTransport) -> Knock {
    let what = match side {
        Side::Dhis2 => "DHIS2 way",
        Side::CommCare => "HQ way",
    };
    let Ok(request) = http::Request::get(url.as_str()).body(Bytes::new()) else {
        return Knock::Silent(Line::wrong(
            what,
            "This address cannot be asked for.",
            "Write it as a browser shows it.",
        ));
    };
    let (why, unknown) = match way.send(request).await {
        Ok(_) => return Knock::Answers,
        Err(Broken::NotSent(why)) => {
            // As the TLS library calls it, with and without a space.
            let unknown = why.to_ascii_lowercase().replace(' ', "").contains("unknownissuer");
            (Why::Unreachable { why }, unknown)
        }
        Err(Broken::NoAnswer(why)) => (Why::NoAnswer { why }, false),
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    let line =
        Line::failed(what, &Failure { side, host, asked: "the address".to_owned(), tries: 1, why: Box::new(why) });
    if unknown { Knock::Stranger(line) } else { Knock::Silent(line) }
}

/// The line of a server at this address, with the environment of this process.
pub fn line(what: &'static str, url: &Url, ca_file: Option<&Path>, env: impl Fn(&str) -> Option<OsString>) -> Line {
    let through = proxy(url, env);
    let encrypted = url.scheme() == "https";
    let trusted = match ca_file {
        Some(file) if encrypted => {
            format!("https, with the certificate authorities of this system and those of {}", file.display())
        }
        _ if encrypted => "https, with the certificate authorities of this system".to_owned(),
        _ if is_loopback(url) => "http, on this machine".to_owned(),
        _ => "http, so the secret and all that is read and sent can be read on the way".to_owned(),
    };
    let sentence = format!("{trusted}; {through}.");
    if encrypted || is_loopback(url) {
        return Line::ok(what, sentence);
    }
    Line::look(what, sentence, "Use https:// where the server has it, and take allow_http out of the profile.")
}

/// Whether the server is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Through which proxy, without its user and password. The rules are those of the HTTP library: capitals before small letters, and
/// none at all in a CGI program, where the variable may be a header of a request.
fn proxy(url: &Url, env: impl Fn(&str) -> Option<OsString>) -> String {
    let first = |names: [&'static str; 2]| {
        let set = names.into_iter().find_map(|name| Some((name, env(name)?)));
        set.map(|(name, value)| (name, value.to_string_lossy().into_owned()))
    };
    let set = |names| first(names).filter(|(_, value)| !value.trim().is_empty());
    if is_loopback(url) || env("REQUEST_METHOD").is_some() {
        return "without a proxy".to_owned();
    }
    let own = if url.scheme() == "https" { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let Some((name, value)) = set(own).or_else(|| set(["ALL_PROXY", "all_proxy"])) else {
        return if cfg!(any(windows, target_os = "macos")) {
            "through the proxy of the system settings, if there is one".to_owned()
        } else {
            "without a proxy".to_owned()
        };
    };
    let no = set(["NO_PROXY", "no_proxy"]);
    if let Some((no, _)) = no.filter(|(_, list)| leaves_out(list, url)) {
        return format!("without a proxy, by {no}");
    }
    // What is before the host may be a password.
    let host = value.rsplit('@').next().unwrap_or_default();
    let host = host.split_once("://").map_or(host, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
    format!("through the proxy {host} ({name})")
}

/// Whether a list of hosts that need no proxy has this one: by name, by a name it lies below, by address, or by a network.
fn leaves_out(list: &str, url: &Url) -> bool {
    let entries = || list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    match url.host() {
        _ if entries().any(|entry| entry == "*") => true,
        Some(Host::Domain(name)) => entries().any(|entry| {
            let entry = entry.trim_start_matches('.').to_ascii_lowercase();
            name == entry || name.strip_suffix(entry.as_str()).is_some_and(|rest| rest.ends_with('.'))
        }),
        Some(Host::Ipv4(ip)) => entries().any(|entry| network(entry, ip.to_bits().into(), 32)),
        Some(Host::Ipv6(ip)) => entries().any(|entry| network(entry, ip.to_bits(), 128)),
        None => false,
    }
}

/// Whether an address of `width` bits is this one, or of this network.
fn network(entry: &str, ip: u128, width: u32) -> bool {
    let (address, size) = entry.split_once('/').unwrap_or((entry, ""));
    let bits = match address.parse() {
        Ok(std::net::IpAddr::V4(ip)) if width == 32 => u128::from(ip.to_bits()),
        Ok(std::net::IpAddr::V6(ip)) if width == 128 => ip.to_bits(),
        _ => return false,
    };
    let Ok(size) = (if size.is_empty() { Ok(width) } else { size.parse::<u32>() }) else { return false };
    let Some(rest) = width.checked_sub(size) else { return false };
    (bits ^ ip).checked_shr(rest).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::check::Level;

    fn told(url: &str, ca_file: Option<&str>, set: &[(&str, &str)]) -> (Level, String) {
        let env = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        let line = line("DHIS2 way", &Url::parse(url).unwrap(), ca_file.map(Path::new), env);
        (line.level, line.sentence)
    }

    #[test]
    fn the_proxy_is_named_without_its_credentials() {
        for (url, set, through) in [
            ("https://d.example.org", &[][..], "without a proxy"),
            (
                "https://d.example.org",
                &[("HTTPS_PROXY", "http://me:pa@ss@p.org:3128/x")],
                "through the proxy p.org:3128 (HTTPS_PROXY)",
            ),
            ("https://d.example.org", &[("https_proxy", "p.org:3128")], "through the proxy p.org:3128 (https_proxy)"),
            ("https://d.example.org", &[("HTTP_PROXY", "http://p.org")], "without a proxy"),
            ("http://d.example.org", &[("http_proxy", "http://p.org")], "through the proxy p.org (http_proxy)"),
            (
                "https://d.example.org",
                &[("ALL_PROXY", "socks5://u:w@p.org:1080")],
                "through the proxy p.org:1080 (ALL_PROXY)",
            ),
            ("https://d.example.org", &[("HTTPS_PROXY", "")], "without a proxy"),
            (
                "https://d.example.org",
                &[("HTTPS_PROXY", "p.org"), ("NO_PROXY", "a, .example.org")],
                "without a proxy, by NO_PROXY",
            ),
            (
                "https://d.example.org",
                &[("HTTPS_PROXY", "p.org"), ("no_proxy", "ample.org")],
                "through the proxy p.org (HTTPS_PROXY)",
            ),
            (
                "https://10.1.2.3",
                &[("HTTPS_PROXY", "p.org"), ("NO_PROXY", "10.1.0.0/16")],
                "without a proxy, by NO_PROXY",
            ),
            (
                "https://10.1.2.3",
                &[("HTTPS_PROXY", "p.org"), ("NO_PROXY", "10.1.2.4,10.2.0.0/16,::/0,x/8,10.0.0.0/40")],
                "through the proxy p.org (HTTPS_PROXY)",
            ),
            (
                "https://[fd00::1]",
                &[("HTTPS_PROXY", "p.org"), ("NO_PROXY", "fd00::/8")],
                "without a proxy, by NO_PROXY",
            ),
            ("http://127.0.0.1:8080", &[("HTTP_PROXY", "p.org")], "without a proxy"),
            ("https://d.example.org", &[("HTTPS_PROXY", "p.org"), ("REQUEST_METHOD", "GET")], "without a proxy"),
        ] {
            if cfg!(any(windows, target_os = "macos")) && through == "without a proxy" {
                continue;
            }
            let (_, said) = told(url, None, set);
            assert!(said.ends_with(&format!("; {through}.")), "{url} {set:?}: {said}");
            assert!(!said.contains("me:") && !said.contains("u:w") && !said.contains("pa@"), "{said}");
        }
    }

    #[test]
    fn what_is_not_encrypted_is_worth_a_look_unless_it_stays_here() {
        assert_eq!(told("https://d.example.org", None, &[]).0, Level::Ok);
        assert!(told("https://d.example.org", Some("/etc/own.pem"), &[]).1.contains("and those of /etc/own.pem"));
        assert_eq!(told("http://[::1]:80", None, &[]).0, Level::Ok);
        assert_eq!(told("http://d.example.org", None, &[]).0, Level::Look);
    }
}
