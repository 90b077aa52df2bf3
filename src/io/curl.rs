//! Every request as a `curl` command that a person can paste into a POSIX shell, with variables in place of secrets.
//!
//! A [`Transport`] around another: it hands the command on and sends the request unchanged. It does not run `curl`.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, header};
use url::form_urlencoded::byte_serialize;

use super::{
    http::Side,
    transport::{Answer, Broken, Later, SharedTransport, Transport},
};
use crate::domain::text::inert;

/// Takes a command, without a line end.
pub type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// Hands every request on to a sink before it is sent.
pub struct Curl {
    inner: SharedTransport,
    side: Side,
    ca_file: Option<PathBuf>,
    sink: Sink,
}

impl Curl {
    /// Around the way to this side, whose certificate authority is in this file where the profile names one.
    pub fn new(inner: SharedTransport, side: Side, ca_file: Option<PathBuf>, sink: Sink) -> Self {
        Self { inner, side, ca_file, sink }
    }
}

impl Transport for Curl {
    fn send(&self, request: Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        (self.sink)(&command(&request, self.side, self.ca_file.as_deref()));
        self.inner.send(request)
    }
}

/// The request that sends a form to `CommCare` HQ at this address, as the client makes it (commcare.md section 5.3), signed in by
/// this user with the API key of the environment. Fails where the address cannot be part of a request.
pub fn form(commcare: &str, project: &str, username: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
    let mut url = url::Url::parse(commcare)?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["a", project, "receiver", "api", ""]);
    }
    let request = Request::post(url.as_str())
        .header(header::AUTHORIZATION, http::HeaderValue::from_str(&format!("ApiKey {username}:"))?)
        .header("x-openrosa-version", "3.0")
        .header(header::CONTENT_TYPE, "text/xml")
        .body(bytes.into())?;
    Ok(command(&request, Side::CommCare, None))
}

/// The command for a request. Secrets are those of the environment variables that this program reads.
fn command(request: &Request<Bytes>, side: Side, ca_file: Option<&Path>) -> String {
    let mut words = vec!["curl".to_owned()];
    let known = request.headers().get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes);
    let sign_in = SignedIn::of(known.unwrap_or_default(), side);
    let (url, body) = (sign_in.scrub(&request.uri().to_string()), request.body());
    let implied = if body.is_empty() { Method::GET } else { Method::POST };
    if request.method() != implied {
        words.extend(["-X".to_owned(), quoted(request.method().as_str())]);
    }
    words.extend(sign_in.words.iter().flatten().cloned());
    words.extend(headers(request.headers()));
    if let Some(file) = ca_file {
        words.extend(["--cacert".to_owned(), quoted(&file.to_string_lossy())]);
    }
    if url.contains(['[', ']', '{', '}']) {
        words.push("--globoff".to_owned());
    }
    let before = data(body, &sign_in, &mut words);
    words.push(quoted(&url));
    before + &words.join(" ")
}

/// How a request is signed in, as far as it may be known.
struct SignedIn<'a> {
    /// The option of curl and its word, with a variable for the secret.
    words: Option<[String; 2]>,
    /// What must never be printed. A server can make us send it back, in the address of a next page.
    secrets: Vec<Cow<'a, str>>,
}

impl<'a> SignedIn<'a> {
    fn of(authorization: &'a [u8], side: Side) -> Self {
        let Ok(text) = std::str::from_utf8(authorization) else { return Self::unknown() };
        let (scheme, rest) = text.split_once(' ').unwrap_or_default();
        let (password, key) = match side {
            Side::Dhis2 => ("ONSE_DHIS2_PASSWORD", "ONSE_DHIS2_TOKEN"),
            Side::CommCare => ("ONSE_COMMCARE_PASSWORD", "ONSE_COMMCARE_API_KEY"),
        };
        match scheme {
            "Basic" => {
                let pair = STANDARD.decode(rest).ok().and_then(|pair| String::from_utf8(pair).ok());
                let Some((user, secret)) = pair.as_deref().and_then(|pair| pair.split_once(':')) else {
                    return Self::unknown();
                };
                let words = ["-u".to_owned(), with_variable("", user, ":", password)];
                Self { words: Some(words), secrets: vec![rest.into(), secret.to_owned().into()] }
            }
            // Up to the first colon, so that nothing of the key can be taken for the user.
            "ApiKey" => {
                let Some((user, secret)) = rest.split_once(':') else { return Self::unknown() };
                let words = ["-H".to_owned(), with_variable("Authorization: ApiKey ", user, ":", key)];
                Self { words: Some(words), secrets: vec![secret.into()] }
            }
            "ApiToken" => {
                let words = ["-H".to_owned(), with_variable("Authorization: ApiToken ", "", "", key)];
                Self { words: Some(words), secrets: vec![rest.into()] }
            }
            _ => Self::unknown(),
        }
    }

    /// Nothing of what is not understood is printed.
    fn unknown() -> Self {
        Self { words: None, secrets: Vec::new() }
    }

    /// A text that may be from a server without a secret in it, as it is or as an address spells it.
    fn scrub(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in self.secrets.iter().filter(|secret| !secret.is_empty()) {
            let form: String = byte_serialize(secret.as_bytes()).collect();
            for spelling in [secret.as_ref(), &form, &form.replace('+', "%20")] {
                clean = clean.replace(spelling, "***");
            }
        }
        clean
    }
}

/// `"importer:$ONSE_DHIS2_PASSWORD"`. A user with characters that mean something to a shell stands in quotes of its own.
fn with_variable(before: &str, user: &str, colon: &str, variable: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
    if user.chars().all(plain) {
        format!("\"{before}{user}{colon}${variable}\"")
    } else {
        format!("{}\"${variable}\"", quoted(&format!("{before}{user}{colon}")))
    }
}

/// Every header but the one that signs in, in the order sent.
fn headers(headers: &HeaderMap) -> Vec<String> {
    let others = headers.iter().filter(|(name, _)| *name != header::AUTHORIZATION);
    let line = |name: &HeaderName, value: &[u8]| format!("{}: {}", title(name), String::from_utf8_lossy(value));
    others.flat_map(|(name, value)| ["-H".to_owned(), quoted(&line(name, value.as_bytes()))]).collect()
}

/// `Content-Type`.
fn title(name: &HeaderName) -> String {
    let part = |part: &str| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.as_str().split('-').map(part).collect::<Vec<_>>().join("-")
}

/// Adds the body. What a terminal would act on, what is no text, and what curl would take for the name of a file comes
/// through a pipe; the command for that end of it is returned.
fn data(body: &[u8], sign_in: &SignedIn<'_>, words: &mut Vec<String>) -> String {
    if body.is_empty() {
        return String::new();
    }
    words.push("--data-binary".to_owned());
    let text = std::str::from_utf8(body).ok().map(|text| sign_in.scrub(text));
    let quiet =
        |text: &String| !text.starts_with('@') && matches!(inert(&text.replace(['\n', '\t'], " ")), Cow::Borrowed(_));
    if let Some(text) = text.as_ref().filter(|text| quiet(text)) {
        words.push(quoted(text));
        return String::new();
    }
    words.push("@-".to_owned());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" <>=\"/:,.-_{}[]".contains(&byte);
    let bytes = text.as_ref().map_or(body, |text| text.as_bytes()).iter();
    let octal: String =
        bytes.map(|byte| if plain(*byte) { char::from(*byte).to_string() } else { format!("\\0{byte:03o}") }).collect();
    format!("printf %b {} | ", quoted(&octal))
}

/// A word that every POSIX shell gives back as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::{
        process::{Command, Stdio},
        sync::Mutex,
    };

    use super::{super::transport::Whole, *};

    const MARK: &str = "s3cr3t M4RK+/'é";

    fn request(authorization: &str, url: &str, body: impl Into<Bytes>) -> Request<Bytes> {
        let body: Bytes = body.into();
        let method = if body.is_empty() { Method::GET } else { Method::POST };
        Request::builder()
            .method(method)
            .uri(url)
            .header("authorization", http::HeaderValue::from_bytes(authorization.as_bytes()).unwrap())
            .header("accept", "application/json")
            .body(body)
            .unwrap()
    }

    fn basic(user: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{user}:{MARK}")))
    }

    #[cfg(unix)]
    /// What a shell makes of the command: the words of curl after its name, and what is piped into it.
    fn run(command: &str) -> (Vec<String>, Vec<u8>) {
        // Fields end with NUL, which no word can have; then comes the pipe.
        let script = format!("curl() {{ for word; do printf '%s\\0' \"$word\"; done; printf '|'; cat; }}\n{command}\n");
        let output = Command::new("sh")
            .args(["-c", &script])
            .env("ONSE_DHIS2_PASSWORD", "pw d")
            .env("ONSE_DHIS2_TOKEN", "tok")
            .env("ONSE_COMMCARE_API_KEY", "key")
            .env("ONSE_COMMCARE_PASSWORD", "pw c")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{command}: {output:?}");
        let end = output.stdout.windows(2).position(|pair| pair == b"\0|").unwrap();
        let words = output.stdout[..end].split(|byte| *byte == 0);
        (words.map(|word| String::from_utf8(word.to_vec()).unwrap()).collect(), output.stdout[end + 2..].to_vec())
    }

    #[test]
    fn the_command_is_what_is_sent_with_variables_for_secrets() {
        let url = "https://dhis2.example.org/api/dataValueSets?dataSet=a&orgUnit=b&period=2026Q2";
        let of = |authorization: &str, side| command(&request(authorization, url, ""), side, None);
        let rest = format!("-H 'Accept: application/json' '{url}'");
        let users = [
            (basic("importer"), Side::Dhis2, "-u \"importer:$ONSE_DHIS2_PASSWORD\""),
            (basic("me@example.org"), Side::CommCare, "-u \"me@example.org:$ONSE_COMMCARE_PASSWORD\""),
            (format!("ApiToken {MARK}"), Side::Dhis2, "-H \"Authorization: ApiToken $ONSE_DHIS2_TOKEN\""),
            (
                format!("ApiKey me@example.org:{MARK}"),
                Side::CommCare,
                "-H \"Authorization: ApiKey me@example.org:$ONSE_COMMCARE_API_KEY\"",
            ),
            (basic("o'neil $(id) `id` !!"), Side::Dhis2, "-u 'o'\\''neil $(id) `id` !!:'\"$ONSE_DHIS2_PASSWORD\""),
        ];
        for (authorization, side, sign_in) in users {
            assert_eq!(of(&authorization, side), format!("curl {sign_in} {rest}"));
        }
        for odd in [format!("Bearer {MARK}"), MARK.to_owned(), format!("Basic {MARK}"), String::new()] {
            assert_eq!(of(&odd, Side::Dhis2), format!("curl {rest}"), "what is not understood is not printed");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_gives_back_every_word() {
        let url = "https://h.example/a/p/api/case/v2/?cursor=it's&x=$HOME&y=`id`&z=!!#&w={a,b}[1-3]*~";
        let body = "{\"case_ids\":[\"a'b\",\"$HOME\",\"`id`\\\\n\"],\n\"é\":\"\t%s !!\"}";
        let sent = request(&basic("o'neil $HOME"), &url.replace(['`', '{', '}', '#'], "_"), body);
        let uri = sent.uri().to_string();
        let said = command(&sent, Side::Dhis2, Some(Path::new("/etc/my ca's.pem")));
        let (words, piped) = run(&said);
        assert_eq!(words.last(), Some(&uri));
        let expected = [
            "-u",
            "o'neil $HOME:pw d",
            "-H",
            "Accept: application/json",
            "--cacert",
            "/etc/my ca's.pem",
            "--globoff",
            "--data-binary",
            body,
            &uri,
        ];
        assert_eq!(words, expected, "{said}");
        assert!(piped.is_empty());
        let mut other = request("ApiToken t", "https://h.example/", "x");
        *other.method_mut() = Method::PUT;
        assert_eq!(run(&command(&other, Side::Dhis2, None)).0[..4], ["-X", "PUT", "-H", "Authorization: ApiToken tok"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_body_that_would_act_or_be_mistaken_comes_through_a_pipe() {
        for body in [
            &b"@/etc/passwd"[..],
            b"\x1b]0;owned\x07 100%s \\0041 'x'\n",
            b"\xff\x00\x01 end",
            "a\u{202e}b\u{9b}".as_bytes(),
        ] {
            let said = command(&request(&basic("u"), "https://h.example/", body.to_vec()), Side::Dhis2, None);
            assert!(said.starts_with("printf %b ") && !said.chars().any(char::is_control), "{said:?}");
            let (words, piped) = run(&said);
            assert_eq!((words[words.len() - 2].as_str(), piped.as_slice()), ("@-", body), "{said}");
        }
    }

    #[tokio::test]
    async fn a_secret_is_never_handed_on_and_the_request_goes_out_unchanged() {
        struct Echo(Mutex<Vec<Request<Bytes>>>);
        impl Transport for Echo {
            fn send(&self, request: Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
                self.0.lock().unwrap().push(request);
                Box::pin(async { Ok(Answer::new(Box::new(Whole::new("done")))) })
            }
        }
        let form: String = byte_serialize(MARK.as_bytes()).collect();
        let pair = basic("importer").split_off("Basic ".len());
        let (echo, said) = (Arc::new(Echo(Mutex::default())), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&said);
        let sink: Sink = Arc::new(move |command| kept.lock().unwrap().push(command.to_owned()));
        let curl = Curl::new(echo.clone(), Side::Dhis2, None, sink);
        let url = |text: &str| format!("https://h.example/?next={text}");
        let requests = [
            request(&basic("importer"), &url(&form), ""),
            request(&basic("importer"), &url(&pair), format!("you are {MARK}, {pair}")),
            request(&format!("ApiToken {MARK}"), &url(&form.replace('+', "%20")), format!("\u{1b}{MARK}")),
            request(&format!("ApiKey me:{MARK}"), &url("a"), MARK),
        ];
        for request in &requests {
            curl.send(request.clone()).await.unwrap();
        }
        let said = said.lock().unwrap().join("\n");
        assert!(said.contains("***") && said.contains("$ONSE_DHIS2_TOKEN"), "{said}");
        for spelling in [MARK, &form, &form.replace('+', "%20"), &pair, "s3cr3t", "M4RK"] {
            assert!(!said.contains(spelling), "{spelling} is in {said}");
        }
        let sent = echo.0.lock().unwrap();
        for (before, after) in requests.iter().zip(sent.iter()) {
            assert_eq!((before.uri(), before.headers(), before.body()), (after.uri(), after.headers(), after.body()));
        }
    }
}
