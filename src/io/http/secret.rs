//! Credentials: how they are held, how they go into a header, and how they are kept out of every text.

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;

/// A password, key or token. Prints as `***`; only [`Secret::expose`] gives the text.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes `text` exactly as given.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that writes it into a header.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// How a client signs in.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// `Authorization: Basic`, either server.
    Basic {
        /// User name as typed.
        user: String,
        /// Its password.
        password: Secret,
    },
    /// `Authorization: ApiKey user:key`, CommCare HQ (commcare.md section 10).
    ApiKey {
        /// The web user's e-mail.
        user: String,
        /// The key, shown once by HQ.
        key: Secret,
    },
    /// `Authorization: ApiToken token`, DHIS2 2.37 and later (dhis2.md section 6).
    Token(Secret),
}

impl SignIn {
    /// The header value, marked sensitive so that the HTTP library does not print it either.
    /// Fails when the user or the secret has a character no header can carry, such as a line break.
    pub(super) fn header(&self) -> anyhow::Result<HeaderValue> {
        let text = match self {
            Self::Basic { user, .. } if user.contains(':') => {
                anyhow::bail!("the user name has a colon, which Basic sign-in cannot carry")
            }
            Self::Basic { user, password } => format!("Basic {}", pair(user, password)),
            Self::ApiKey { user, key } => format!("ApiKey {user}:{}", key.expose()),
            Self::Token(token) => format!("ApiToken {}", token.expose()),
        };
        // The library's own error is dropped on purpose: it must never quote the value.
        let mut value = HeaderValue::from_bytes(text.as_bytes()).ok().context(
            "the user name or the secret has a line break or another control character; enter it again without",
        )?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// `text` with every spelling of the secret replaced: a server may echo what it was sent.
    pub(super) fn scrub(&self, text: &str) -> String {
        let (secret, encoded) = match self {
            Self::Basic { user, password } => (password, Some(pair(user, password))),
            Self::ApiKey { key, .. } => (key, None),
            Self::Token(token) => (token, None),
        };
        let mut clean = text.to_owned();
        for spelling in encoded.iter().map(String::as_str).chain([secret.expose()]) {
            if !spelling.is_empty() {
                clean = clean.replace(spelling, "***");
            }
        }
        clean
    }
}

fn pair(user: &str, password: &Secret) -> String {
    STANDARD.encode(format!("{user}:{}", password.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(user: &str, password: &str) -> SignIn {
        SignIn::Basic { user: user.into(), password: Secret::new(password) }
    }

    #[test]
    fn headers_are_spelled_as_the_servers_read_them() {
        let text = |s: &SignIn| s.header().unwrap().to_str().unwrap().to_owned();
        assert_eq!(text(&basic("admin", "district")), "Basic YWRtaW46ZGlzdHJpY3Q=");
        let key = SignIn::ApiKey { user: "me@example.org".into(), key: Secret::new("k1") };
        assert_eq!(text(&key), "ApiKey me@example.org:k1");
        assert_eq!(text(&SignIn::Token(Secret::new("d2pat_x"))), "ApiToken d2pat_x");
    }

    #[test]
    fn unusable_credentials_are_refused_without_being_quoted() {
        for sign_in in [SignIn::Token(Secret::new("s3cr\net")), basic("a:b", "s3cret")] {
            let said = format!("{:#} {:?}", sign_in.header().unwrap_err(), sign_in.header().unwrap_err());
            assert!(!said.contains("s3cr"), "{said}");
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let sign_in = basic("me", "marked");
        assert!(!format!("{sign_in:?}").contains("marked"));
        assert_eq!(format!("{} {:?}", Secret::new("marked"), Secret::new("marked")), "*** ***");
        assert!(!format!("{:?}", sign_in.header().unwrap()).contains("Basic"));
        assert_eq!(sign_in.scrub("you sent marked and bWU6bWFya2Vk!"), "you sent *** and ***!");
        assert_eq!(basic("me", "").scrub("kept"), "kept");
    }
}
