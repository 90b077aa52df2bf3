//! From the head and body of an answer to a value, or to what is wrong with it and whether to ask again.

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{
    decode::Bad,
    failure::{Cause, Why, line},
    pace::{Retry, retry_after},
    place,
};

/// A try that gave nothing, and whether another may.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) why: Why,
    pub(super) retry: Retry,
}

impl Miss {
    /// Why there is a pause before the next try.
    pub(super) fn cause(&self) -> Cause {
        match &self.why {
            Why::SlowDown { status, .. } => Cause::SlowDown(*status),
            Why::Server { status, .. } => Cause::Server(*status),
            Why::Unreachable { .. } => Cause::NoConnection,
            Why::NoAnswer { .. } => Cause::NoAnswer,
            _ => Cause::BrokenOff,
        }
    }

    /// What the other side, or the system, said of it; empty where the cause says all.
    pub(super) fn detail(&self) -> String {
        match &self.why {
            Why::Unreachable { why } | Why::NoAnswer { why } | Why::Garbled { why } => line(why),
            Why::Server { text, .. } => line(text),
            _ => String::new(),
        }
    }
}

/// The head of an answer with what is needed to judge it.
pub(super) struct Head<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) base: &'a Url,
    /// Makes foreign text safe to keep.
    pub(super) clean: &'a (dyn Fn(&str) -> String + Sync),
}

/// The error envelopes of both servers (dhis2.md section 1.4, commcare.md section 8.1).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Envelope {
    message: Option<String>,
    error: Option<String>,
    error_code: Option<String>,
}

impl Head<'_> {
    fn kind(&self) -> &str {
        let text = self.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        text.split(';').next().unwrap_or_default().trim()
    }

    fn is_json(&self) -> bool {
        let kind = self.kind().to_ascii_lowercase();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    }

    pub(super) fn is_json_success(&self) -> bool {
        self.status.is_success() && self.is_json()
    }

    /// Anything but a success with JSON.
    pub(super) fn miss(&self, body: &[u8]) -> Miss {
        let status = self.status.as_u16();
        let miss = |why, retry| Miss { why, retry };
        let envelope = self.envelope(body);
        let text = || envelope.as_ref().map_or_else(|| self.page(body), |(message, _)| message.clone());
        match status {
            200..=299 => miss(self.not_json(body), Retry::Never),
            300..=399 => miss(self.redirect(status), Retry::Never),
            401 => miss(Why::SignIn { text: text() }, Retry::Never),
            403 => miss(Why::Forbidden { text: text() }, Retry::Never),
            404 => miss(Why::NotFound { message: envelope.map(|(message, _)| message) }, Retry::Never),
            407 => miss(Why::Proxy, Retry::Never),
            414 | 431 => miss(Why::TooLong { status }, Retry::Never),
            400 if envelope.is_none() && self.is_page(body) => miss(Why::TooLong { status }, Retry::Never),
            429 => {
                let wait = retry_after(self.headers);
                miss(Why::SlowDown { status, wait }, Retry::Told(wait))
            }
            503 if retry_after(self.headers).is_some() => {
                let wait = retry_after(self.headers);
                miss(Why::SlowDown { status, wait }, Retry::Told(wait))
            }
            408 | 502 | 503 | 504 | 520..=524 => miss(Why::Server { status, text: text() }, Retry::Broken),
            500 => miss(Why::Server { status, text: text() }, Retry::Crashed),
            501..=599 => miss(Why::Server { status, text: text() }, Retry::Never),
            // Cut short on its way, it does not say what is refused (fault matrix row N12).
            400 | 409 if self.is_json() && breaks_off(body) => self.bad(Bad::Damaged("it breaks off".to_owned())),
            _ => {
                let (message, code) = envelope.unwrap_or_else(|| (self.page(body), None));
                miss(Why::Refused { status, code, message }, Retry::Never)
            }
        }
    }

    /// A body that gave nothing. Damage is worth another try, an unknown shape is not (fault matrix rows N11, N12).
    pub(super) fn bad(&self, bad: Bad) -> Miss {
        match bad {
            Bad::Damaged(why) => Miss { why: Why::Garbled { why: (self.clean)(&why) }, retry: Retry::Broken },
            Bad::Shape(why) => Miss { why: Why::Shape { why: (self.clean)(&why) }, retry: Retry::Never },
            Bad::Other(body) => Miss { why: self.not_json(&body), retry: Retry::Never },
        }
    }

    fn not_json(&self, body: &[u8]) -> Why {
        let kind = match self.kind() {
            "" => "no content type".to_owned(),
            kind => (self.clean)(kind),
        };
        Why::NotJson { kind, text: self.page(body) }
    }

    fn redirect(&self, status: u16) -> Why {
        let target = self.headers.get(header::LOCATION).and_then(|v| v.to_str().ok());
        let Some(to) = target.and_then(|text| self.base.join(text).ok()) else {
            return Why::Redirect { status, to: "an unreadable address".into(), login: false };
        };
        // Seen: /dhis-web-commons/security/login.action, /dhis-web-login, /login/ (dhis2.md section 6).
        let login = to.path().to_ascii_lowercase().contains("login");
        Why::Redirect { status, to: (self.clean)(&place(&to)), login }
    }

    /// Message and code of an error envelope.
    fn envelope(&self, body: &[u8]) -> Option<(String, Option<String>)> {
        let envelope: Envelope = serde_json::from_slice(body).ok()?;
        let message = envelope.message.or(envelope.error)?;
        Some(((self.clean)(&message), envelope.error_code.map(|code| (self.clean)(&code))))
    }

    fn is_page(&self, body: &[u8]) -> bool {
        self.kind().eq_ignore_ascii_case("text/html") || body.trim_ascii_start().starts_with(b"<")
    }

    /// The line of a body worth showing: the title of an HTML page, else the first line.
    fn page(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        // HQ marks an empty refusal as a page (commcare.md section 4.3).
        if text.trim().is_empty() {
            return String::new();
        }
        if self.is_page(body) {
            let title = between(&text, "<title>", "</title>").map(|t| line(&(self.clean)(t.trim())));
            return title.map_or_else(|| "an HTML page".to_owned(), |t| format!("an HTML page, \"{t}\""));
        }
        // Cleaned line by line, so that the line breaks are still there to split at.
        line(&text.lines().take(5).map(|l| (self.clean)(l)).collect::<Vec<_>>().join("\n"))
    }
}

/// Whether a body is the beginning of JSON, and no more.
fn breaks_off(body: &[u8]) -> bool {
    let whole = serde_json::from_slice::<serde::de::IgnoredAny>(body);
    !body.is_empty() && whole.is_err_and(|error| error.is_eof())
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    let start = lower.find(open)? + open.len();
    let end = start + lower.get(start..)?.find(close)?;
    text.get(start..end)
}

/// A JSON value as the text a case or a data value holds; `None` for null.
///
/// Both servers send strings. Should something between them send a number, whole numbers of 64 bits and decimals of up
/// to 15 digits keep their value; others have lost digits in parsing and are marked with `≈`, so that no reader can
/// take them for a number.
pub(in crate::io) fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Number(number) => {
            let text = number.to_string();
            let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
            let digits = mantissa.trim_start_matches(['-', '0', '.']).chars().filter(char::is_ascii_digit).count();
            Some(if number.is_f64() && digits > 15 { format!("≈{text}") } else { text })
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::decode::{Decode as _, Json},
        *,
    };

    fn judged(status: u16, kind: &str, extra: &[(&str, &str)], body: &str) -> Miss {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        for (name, value) in extra {
            headers.insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        let base = Url::parse("https://dhis2.example/api/").unwrap();
        let clean = |text: &str| super::super::inert(text).into_owned();
        let head =
            Head { status: StatusCode::from_u16(status).unwrap(), headers: &headers, base: &base, clean: &clean };
        if head.is_json_success() {
            let mut json = Json::<Value>::default();
            json.feed(body.as_bytes()).unwrap();
            head.bad(json.end().unwrap_err())
        } else {
            head.miss(body.as_bytes())
        }
    }

    #[test]
    fn statuses_decide_the_retry() {
        let cases: &[(u16, Retry)] = &[
            (200, Retry::Never),
            (204, Retry::Never),
            (302, Retry::Never),
            (400, Retry::Never),
            (401, Retry::Never),
            (403, Retry::Never),
            (404, Retry::Never),
            (407, Retry::Never),
            (408, Retry::Broken),
            (409, Retry::Never),
            (414, Retry::Never),
            (429, Retry::Told(None)),
            (431, Retry::Never),
            (500, Retry::Crashed),
            (501, Retry::Never),
            (502, Retry::Broken),
            (503, Retry::Broken),
            (504, Retry::Broken),
            (509, Retry::Never),
            (522, Retry::Broken),
        ];
        for (status, retry) in cases {
            assert_eq!(judged(*status, "text/html", &[], "<html>").retry, *retry, "{status}");
        }
        let told = judged(503, "text/html", &[("retry-after", "4.5")], "");
        assert_eq!(told.retry, Retry::Told(Some(std::time::Duration::from_millis(4500))));
    }

    #[test]
    fn envelopes_of_both_servers_are_read() {
        let dhis2 = r#"{"httpStatus":"Conflict","httpStatusCode":409,"status":"ERROR","message":"User is not allowed to view org unit: `A1`","errorCode":"E2012"}"#;
        let Why::Refused { status: 409, code: Some(code), message } = judged(409, "application/json", &[], dhis2).why
        else {
            panic!("not refused")
        };
        assert_eq!((code.as_str(), message.ends_with("`A1`")), ("E2012", true));
        let missing = judged(404, "application/json", &[], r#"{"error":"Case 'x' not found"}"#).why;
        assert_eq!(missing, Why::NotFound { message: Some("Case 'x' not found".into()) });
        assert_eq!(judged(404, "text/html", &[], "<html>").why, Why::NotFound { message: None });
    }

    #[test]
    fn pages_and_redirects_are_never_data() {
        let login = judged(302, "text/html", &[("location", "/dhis-web-login?token=marked")], "").why;
        assert_eq!(
            login,
            Why::Redirect { status: 302, to: "https://dhis2.example/dhis-web-login".into(), login: true }
        );
        let other = judged(301, "text/html", &[("location", "https://evil.example/api/x")], "").why;
        assert_eq!(other, Why::Redirect { status: 301, to: "https://evil.example/api/x".into(), login: false });
        let page = judged(200, "text/html", &[], "<!DOCTYPE html>\n<html><TITLE>Sign in \u{1b}[1m</TITLE>").why;
        assert_eq!(page, Why::NotJson { kind: "text/html".into(), text: "an HTML page, \"Sign in ␛[1m\"".into() });
        assert!(matches!(judged(200, "application/json", &[], "<html>").why, Why::NotJson { .. }));
        assert_eq!(judged(403, "text/html", &[], " ").why, Why::Forbidden { text: String::new() });
        assert_eq!(judged(400, "text/html", &[], "<html>").why, Why::TooLong { status: 400 });
    }

    #[test]
    fn a_refusal_that_breaks_off_is_asked_for_again() {
        for (status, body, broken) in [
            (409, r#"{"status":"ERROR","message":"User is not allo"#, true),
            (400, r#"{"status":"ERR"#, true),
            (409, r#"{"message":"no"}"#, false),
            (409, "no", false),
            (409, "", false),
            (404, "{", false),
            (401, "{", false),
        ] {
            let miss = judged(status, "application/json", &[], body);
            assert_eq!(miss.retry == Retry::Broken, broken, "{status} {body}: {miss:?}");
        }
        assert_eq!(judged(409, "text/html", &[], "{").retry, Retry::Never);
    }

    #[test]
    fn damage_is_retried_and_other_json_is_not() {
        for damaged in ["", "  ", "{", r#"{"a":[{"b":1}"#, r#"{"a":1}x"#, "[1,", "nul", "\u{1f600}"] {
            let miss = judged(200, "application/json;charset=UTF-8", &[], damaged);
            assert!(matches!(miss.why, Why::Garbled { .. }) && miss.retry == Retry::Broken, "{damaged}: {miss:?}");
        }
        for other in ["[]", "null", "7", "\"text\"", " [1] "] {
            let miss = judged(200, "application/json", &[], other);
            assert!(matches!(miss.why, Why::NotJson { .. }) && miss.retry == Retry::Never, "{other}: {miss:?}");
        }
    }

    #[test]
    fn numbers_that_lost_digits_do_not_look_like_numbers() {
        let of = |json: &str| text_of(serde_json::from_str(json).unwrap());
        assert_eq!(of("null"), None);
        for (json, text) in [
            ("\" 7 \"", " 7 "),
            ("12", "12"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("27.2", "27.2"),
            ("true", "true"),
            (r#"{"a":1}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(of(json).as_deref(), Some(text));
        }
        assert!(of("12345678901234567890123").unwrap().starts_with('≈'));
        assert!(of("0.12345678901234567").unwrap().starts_with('≈'));
    }
}
