//! What can go wrong with one question to a server, and the sentence that says so.
//!
//! The text of the other side is foreign: it is made inert, its first line is taken, and it is cut before display.

use std::{borrow::Cow, fmt, time::Duration};

/// Longest piece of foreign text in a sentence, in characters.
const SHOWN: usize = 200;

/// Which of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The source of totals.
    Dhis2,
    /// The holder of cases.
    CommCare,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dhis2 => "DHIS2",
            Self::CommCare => "CommCare HQ",
        })
    }
}

/// A read that gave no usable answer. Its `Display` says what happened and what to do; what else was changed meanwhile is
/// for the caller to say, who may have sent something before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The server asked.
    pub side: Side,
    /// Its host, with the port when it is not the usual one.
    pub host: String,
    /// What was asked for, in words.
    pub asked: String,
    /// How often it was tried, at least 1 unless nothing was sent.
    pub tries: u32,
    /// What came instead. Boxed to keep results small.
    pub why: Box<Why>,
}

/// The server that refused to sign the account in, if that is what went wrong. Nothing more may be asked of it then: whoever asks on
/// locks the account (fault matrix row D01).
pub fn signed_out(error: &anyhow::Error) -> Option<Side> {
    let of = |failure: &Failure| matches!(*failure.why, Why::SignIn { .. }).then_some(failure.side);
    error.chain().find_map(|cause| of(cause.downcast_ref()?))
}

/// The kinds of failure, as far as a caller acts differently on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// 401. Never retried: a few wrong sign-ins lock an account (fault matrix row D01).
    SignIn {
        /// What the server said, if anything.
        text: String,
    },
    /// 403: signed in, but not allowed.
    Forbidden {
        /// What the server said, if anything.
        text: String,
    },
    /// 404.
    NotFound {
        /// The server's own message; `None` when a bare or HTML page came, so the address itself may be wrong.
        message: Option<String>,
    },
    /// Any other refusal the server explained.
    Refused {
        /// HTTP status.
        status: u16,
        /// DHIS2's code, such as `E2012` (dhis2.md section 1.4).
        code: Option<String>,
        /// The server's message, inert but not cut: it may list many ids.
        message: String,
    },
    /// The address line was too long for the server or something before it: worth asking for fewer at once (row D06).
    TooLong {
        /// 400, 414 or 431.
        status: u16,
    },
    /// Still told to slow down when patience ended.
    SlowDown {
        /// 429, or 503 with a time to wait.
        status: u16,
        /// How long the server asked to wait, if it said.
        wait: Option<Duration>,
    },
    /// The server or its gateway failed after all tries: worth asking for fewer at once (rows D08, D09).
    Server {
        /// HTTP status, 408 or 5xx.
        status: u16,
        /// First line of the answer.
        text: String,
    },
    /// 407: a proxy on the way wants its own sign-in (row N22).
    Proxy,
    /// A redirect, which is never followed (rows N07, N09).
    Redirect {
        /// HTTP status.
        status: u16,
        /// Origin and path it points to.
        to: String,
        /// Whether it leads to a sign-in page, by its path.
        login: bool,
    },
    /// A successful status whose body is not a JSON object: "not signed in", never "no data".
    NotJson {
        /// The content type, or `no content type`.
        kind: String,
        /// First line of the body.
        text: String,
    },
    /// JSON that ended early or cannot be parsed. Nothing of it was used.
    Garbled {
        /// The parser's reason.
        why: String,
    },
    /// JSON of a shape this program does not know.
    Shape {
        /// What is missing or odd, and where.
        why: String,
    },
    /// The body passed the cap and was abandoned (row N16).
    TooLarge {
        /// The cap in bytes.
        cap: usize,
    },
    /// Nothing reached the server: name, connection or TLS.
    Unreachable {
        /// The cause.
        why: String,
    },
    /// The connection ended or timed out before the answer was whole.
    NoAnswer {
        /// The cause.
        why: String,
    },
    /// An address of another origin, to which nothing is ever sent (rows N07, H04).
    OtherOrigin {
        /// The other origin.
        to: String,
    },
}

/// Why a pause is made before the next try, as far as a person tells pauses apart. Its `Display` is a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The server asks for less, with this status.
    SlowDown(u16),
    /// The server or its gateway failed, with this status.
    Server(u16),
    /// Nothing reached the server.
    NoConnection,
    /// The connection ended or timed out.
    NoAnswer,
    /// The answer was not whole.
    BrokenOff,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SlowDown(status) => write!(f, "asked to slow down ({status})"),
            Self::Server(status) => write!(f, "server failed ({status})"),
            Self::NoConnection => f.write_str("no connection"),
            Self::NoAnswer => f.write_str("no answer"),
            Self::BrokenOff => f.write_str("answer broke off"),
        }
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}), reading {}: ", self.side, line(&self.host), line(&self.asked))?;
        self.happened(f)?;
        write!(f, " {}", self.remedy())
    }
}

impl Failure {
    /// Whether the server asked to slow down and what was asked was given up for that.
    pub fn is_slow_down(&self) -> bool {
        matches!(*self.why, Why::SlowDown { .. })
    }

    /// What happened, and what to do, each as a sentence or more.
    pub fn parts(&self) -> (String, &'static str) {
        struct Happened<'a>(&'a Failure);
        impl fmt::Display for Happened<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.happened(f)
            }
        }
        (Happened(self).to_string(), self.remedy())
    }

    fn happened(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.why {
            Why::SignIn { text } => write!(f, "the sign-in was refused (401){}.", said(text)),
            Why::Forbidden { text } => write!(f, "this account may not read it (403){}.", said(text)),
            Why::NotFound { message: Some(text) } => write!(f, "not found (404){}.", said(text)),
            Why::NotFound { message: None } => write!(f, "there is nothing at this address (404)."),
            Why::Refused { status, code: Some(code), message } => {
                write!(f, "refused ({status}, {}){}.", line(code), said(message))
            }
            Why::Refused { status, code: None, message } => write!(f, "refused ({status}){}.", said(message)),
            Why::TooLong { status } => write!(f, "the request was too long for the server or its gateway ({status})."),
            Why::SlowDown { status, wait: Some(wait) } => {
                write!(f, "asked to wait {} s before the next request ({status}).", wait.as_secs())
            }
            Why::SlowDown { status, wait: None } => write!(f, "asked again and again to slow down ({status})."),
            Why::Server { status, text } => {
                write!(f, "the server or its gateway failed ({status}){}, after {}.", said(text), self.tried())
            }
            Why::Proxy => write!(f, "a proxy on the way demands its own sign-in (407)."),
            Why::Redirect { status, to, login: true } => {
                write!(f, "not signed in: sent to the sign-in page {} ({status}).", line(to))
            }
            Why::Redirect { status, to, login: false } => {
                write!(f, "sent on to {} ({status}), which is not followed.", line(to))
            }
            Why::NotJson { kind, text } => {
                write!(f, "the answer is no JSON object but {}{}.", line(kind), said(text))
            }
            Why::Garbled { why } => write!(f, "the answer broke off or is damaged ({}), {}.", line(why), self.tried()),
            Why::Shape { why } => write!(f, "the answer has an unknown shape: {}.", line(why)),
            Why::TooLarge { cap } => write!(f, "the answer passed the limit of {} MiB and was dropped.", cap >> 20),
            Why::Unreachable { why } => write!(f, "no connection ({}), {}.", line(why), self.tried()),
            Why::NoAnswer { why } => write!(f, "no whole answer ({}), {}.", line(why), self.tried()),
            Why::OtherOrigin { to } => write!(f, "an address of another server was given, {}.", line(to)),
        }
    }

    fn tried(&self) -> String {
        match self.tries {
            1 => "1 try".to_owned(),
            n => format!("{n} tries"),
        }
    }

    /// The likely cause and the next step.
    fn remedy(&self) -> &'static str {
        match (&*self.why, self.side) {
            (Why::SignIn { text }, Side::CommCare) => who(text),
            (Why::SignIn { .. }, Side::Dhis2) => {
                "Check the user name and ONSE_DHIS2_PASSWORD, or ONSE_DHIS2_TOKEN (needed with two-factor sign-in); a command started with --ask asks for it. It was tried once only, so that the account is not locked."
            }
            (Why::Forbidden { text }, Side::CommCare) => may(text),
            (Why::Forbidden { .. }, Side::Dhis2) => "The account needs read access to this data in DHIS2.",
            (Why::NotFound { message: None }, Side::CommCare) => {
                "Check the server url and the project name in the profile."
            }
            (Why::NotFound { message: None }, Side::Dhis2) => {
                "Check the url in the profile, and `api_root`: true when it already is the API root."
            }
            (Why::NotFound { .. } | Why::Refused { .. }, _) => {
                "Check the ids in the mapping and what the account may read."
            }
            (Why::TooLong { .. }, _) => "Ask who runs the server how long an address may be there.",
            (Why::SlowDown { .. }, _) => "Run the same command again later.",
            (Why::Server { .. } | Why::Garbled { .. } | Why::NoAnswer { .. }, _) => {
                "Run the same command again; if it stays, ask who runs the server."
            }
            (Why::Proxy, _) => "Set the proxy's user and password in HTTPS_PROXY.",
            (Why::Redirect { login: true, .. } | Why::NotJson { .. }, _) => {
                "It is usually a sign-in page or a gateway: check the url and the credentials."
            }
            (Why::Redirect { .. }, _) => "If that is the right place, set it as url in the profile.",
            (Why::Shape { .. }, _) => {
                "The server may be newer than this program knows, or a gateway changes its answers."
            }
            (Why::TooLarge { .. }, _) => {
                "Read fewer facilities at once with `--facility`, or fewer data sets with a shorter mapping."
            }
            (Why::Unreachable { why }, _) => unreachable(why),
            (Why::OtherOrigin { .. }, _) => "Nothing is sent there. Check the url in the profile.",
        }
    }
}

/// The likely cause of HQ's 401, by what it said with it (commcare.md sections 4.3 and 9; fault matrix row H01).
fn who(text: &str) -> &'static str {
    let text = text.to_lowercase();
    if text.contains("subscription") {
        return "The key is good; the plan of this project has no access to APIs.";
    }
    if text.contains("otp") {
        return "The account needs two-factor sign-in: set an API key as ONSE_COMMCARE_API_KEY in place of the password.";
    }
    if text.contains("attempts") {
        return "The account is locked after wrong passwords: set an API key as ONSE_COMMCARE_API_KEY, or wait.";
    }
    "Check the user name and ONSE_COMMCARE_API_KEY; a command started with --ask asks for it. The key may be deleted, or limited to another project or to other addresses. A password (ONSE_COMMCARE_PASSWORD) is refused where two-factor sign-in is on."
}

/// The likely cause of HQ's 403: nothing is said to who is no member of the project, a page is shown to a member whose role
/// allows too little, and a sentence says no to one case (commcare.md sections 4.3 and 8.1; fault matrix row H01).
fn may(text: &str) -> &'static str {
    if text.is_empty() {
        return "The key is good, but most likely not for this project: check the project name in the profile, and that the account is a member there with the permissions \"edit data\" and \"access APIs\".";
    }
    if text.starts_with("an HTML page") {
        return "The key and the project are right; the role of the account lacks a permission: it needs \"edit data\", \"access APIs\" and access to all locations.";
    }
    "The account may be limited to some locations; it needs access to all of them."
}

/// What to do about a connection that did not come to be (fault matrix rows N01 to N05, N23).
fn unreachable(why: &str) -> &'static str {
    let why = why.to_ascii_lowercase();
    if !why.contains("certificate") {
        "Check the url, the network, VPN and proxy settings."
    } else if ["expired", "not valid yet", "not yet valid"].iter().any(|words| why.contains(words)) {
        "The certificate is not valid at the time of this machine: check its clock, then ask who runs the server to renew it."
    } else if why.contains("not valid for name") {
        "The server is another than the address says: check the url, and that nothing on the way answers in its place."
    } else {
        "If the server has a private certificate authority, name its file as `ca_file` in the profile."
    }
}

fn said(text: &str) -> String {
    let shown = line(text);
    if shown.is_empty() { shown } else { format!(", it said: {shown}") }
}

/// The first line of foreign text that has something in it: inert and cut.
pub(in crate::io) fn line(text: &str) -> String {
    let first = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    cut(&inert(first), SHOWN)
}

/// At most `most` characters, with an ellipsis in place of the rest.
pub(in crate::io) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Foreign text with control and direction characters replaced by visible ones.
pub(in crate::io) fn inert(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| visible(c) != c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(visible).collect())
}

fn visible(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(side: Side, why: Why) -> String {
        Failure { side, host: "hq.example".into(), asked: "the cases".into(), tries: 3, why: Box::new(why) }.to_string()
    }

    #[test]
    fn sentences_name_the_side_and_the_next_step() {
        let told = failure(Side::CommCare, Why::SignIn { text: String::new() });
        for part in ["CommCare HQ (hq.example)", "401", "ONSE_COMMCARE_API_KEY"] {
            assert!(told.contains(part), "{part} is missing in: {told}");
        }
        let told = failure(Side::Dhis2, Why::SignIn { text: "Account locked".into() });
        assert!(told.contains("it said: Account locked") && told.contains("ONSE_DHIS2_PASSWORD"), "{told}");
        let told = failure(Side::Dhis2, Why::Unreachable { why: "invalid peer certificate: UnknownIssuer".into() });
        assert!(told.contains("ca_file") && told.contains("3 tries"), "{told}");
        let told = failure(Side::Dhis2, Why::Unreachable { why: "connection refused".into() });
        assert!(told.contains("VPN and proxy"), "{told}");
        for (why, remedy) in [
            ("certificate expired: verification time 2 is after 1", "its clock"),
            ("certificate not valid yet: verification time 1 is before 2", "its clock"),
            ("certificate not valid for name \"a\"; certificate is only valid for DnsName(\"b\")", "check the url"),
        ] {
            let told = failure(Side::Dhis2, Why::Unreachable { why: format!("invalid peer certificate: {why}") });
            assert!(told.contains(remedy) && !told.contains("ca_file"), "{told}");
        }
    }

    #[test]
    fn h01_key_project_and_permission_are_told_apart() {
        let sign_in = |text: &str| failure(Side::CommCare, Why::SignIn { text: text.into() });
        let forbidden = |text: &str| failure(Side::CommCare, Why::Forbidden { text: text.into() });
        for (told, part) in [
            (sign_in(""), "The key may be deleted"),
            (sign_in("Your current subscription does not have access to this feature"), "the plan of this project"),
            (sign_in("must send X-COMMCAREHQ-OTP header or 'otp' URL parameter"), "two-factor"),
            (sign_in("maximum password attempts exceeded"), "locked"),
            (forbidden(""), "check the project name"),
            (forbidden("an HTML page, \"Permission denied\""), "lacks a permission"),
            (forbidden("no access to case c1"), "limited to some locations"),
        ] {
            assert!(told.contains(part) && told.ends_with('.'), "{part} is missing in: {told}");
        }
    }

    #[test]
    fn no_remedy_names_a_command_that_is_not_there() {
        let text = String::new;
        for why in [
            Why::SignIn { text: text() },
            Why::Forbidden { text: text() },
            Why::NotFound { message: None },
            Why::Redirect { status: 302, to: text(), login: true },
            Why::NotJson { kind: text(), text: text() },
            Why::TooLarge { cap: 1 << 20 },
        ] {
            for side in [Side::Dhis2, Side::CommCare] {
                let told = failure(side, why.clone());
                assert!(!told.contains("`onse") && !told.contains("onse check") && told.ends_with('.'), "{told}");
            }
        }
    }

    #[test]
    fn foreign_text_is_inert_first_line_only_and_cut() {
        let evil = format!("\n  \u{1b}[2Jgone\u{7}\u{9b}31m \u{202e}{}\nsecond", "x".repeat(500));
        let told = failure(Side::Dhis2, Why::Server { status: 500, text: evil });
        assert!(told.contains('␛') && told.contains('␇') && told.contains('…'), "{told}");
        assert!(
            !told.chars().any(char::is_control) && !told.contains('\u{202e}') && !told.contains("second"),
            "{told}"
        );
        assert!(told.chars().count() < 500, "{told}");
    }

    #[test]
    fn cutting_counts_characters_not_bytes() {
        assert_eq!(cut("ééé", 2), "éé…");
        assert_eq!(cut("éé", 2), "éé");
        assert_eq!(inert("plain"), "plain");
    }
}
