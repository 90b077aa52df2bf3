//! Faults on order: what befalls which requests, as `--faults` says it. A layer before the service, so that both servers stay as they
//! are; what a server itself does wrong is in `commcare::receiving`.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    middleware::Next,
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::answer;

/// Largest answer that is cut, in bytes.
const MOST: usize = 1 << 30;

/// What befalls a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// This answer in place of the server's, which never hears of the request.
    Status(StatusCode),
    /// A sign-in page with status 200.
    Page,
    /// The server does its work, then the connection ends before the answer is whole.
    Reset,
    /// The answer ends in its middle as if that were all.
    Cut,
    /// No answer, ever.
    Stall,
    /// The answer as it is, after this time.
    Late(Duration),
}

/// Which of the requests that a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// All of them.
    All,
    /// From this one to that one, the first is 1.
    Some(u64, u64),
    /// So many of a hundred, as the seed has it.
    Share(u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    fault: Fault,
    place: String,
    which: Which,
}

/// Faults, as read from a text: rules with commas between them, `WHAT[@WHERE][:WHICH]`. The first that fits a request befalls it.
///
/// - `WHAT`: a status from 400 to 599, `page`, `reset`, `cut`, `stall` or `late=SECONDS`.
/// - `WHERE`: `dhis2`, `hq`, `values`, `cases`, `forms`, or a part of the path; without it every request.
/// - `WHICH`: `2`, `2-4`, `3-` or `10%` of these requests; without it all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Rule>);

impl Faults {
    /// Reads a text. The error names the rule that cannot be read and what could stand there.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|rule| !rule.is_empty()).map(rule).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn rule(text: &str) -> Result<Rule, String> {
    let (rest, which) =
        text.rsplit_once(':').map_or((text, Ok(Which::All)), |(rest, which)| (rest, self::which(which)));
    let (what, place) = rest.split_once('@').unwrap_or((rest, ""));
    let known = "a status such as 429 or 503, page, reset, cut, stall, or late=SECONDS";
    let fault = fault(what).ok_or_else(|| format!("\"{text}\": \"{what}\" is no fault. Known: {known}"))?;
    let which = which.map_err(|which| format!("\"{text}\": \"{which}\" is neither 2, 2-4, 3- nor 10%"))?;
    Ok(Rule { fault, place: place.to_owned(), which })
}

fn fault(text: &str) -> Option<Fault> {
    Some(match text {
        "page" => Fault::Page,
        "reset" => Fault::Reset,
        "cut" => Fault::Cut,
        "stall" => Fault::Stall,
        _ => match text.strip_prefix("late=") {
            Some(seconds) => Fault::Late(
                Duration::try_from_secs_f64(seconds.parse().ok()?).ok().filter(|pause| pause.as_secs() <= 3_600)?,
            ),
            None => Fault::Status(
                text.parse()
                    .ok()
                    .filter(|status| (400..600).contains(status))
                    .and_then(|status| StatusCode::from_u16(status).ok())?,
            ),
        },
    })
}

fn which(text: &str) -> Result<Which, &str> {
    let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
    let found = if let Some(share) = text.strip_suffix('%') {
        share.parse().ok().filter(|share| (1..=100).contains(share)).map(Which::Share)
    } else if let Some((from, to)) = text.split_once('-') {
        let to = if to.is_empty() { Some(u64::MAX) } else { number(to) };
        number(from).zip(to).filter(|(from, to)| from <= to).map(|(from, to)| Which::Some(from, to))
    } else {
        number(text).map(|one| Which::Some(one, one))
    };
    found.ok_or(text)
}

impl Rule {
    fn is_about(&self, path: &str) -> bool {
        match self.place.as_str() {
            "" => true,
            "dhis2" => path.starts_with("/dhis2") || path.starts_with(super::GATEWAY),
            "hq" => path.starts_with("/a/"),
            "values" => path.contains("/dataValueSets"),
            "cases" => path.contains("/case/"),
            "forms" => path.contains("/receiver/"),
            part => path.contains(part),
        }
    }
}

/// Faults with how often each rule was met; clones share it.
#[derive(Clone)]
pub(super) struct Befalling {
    rules: Arc<[(Rule, AtomicU64)]>,
    seed: u64,
}

impl fmt::Debug for Befalling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|(rule, _)| rule)).finish()
    }
}

impl Befalling {
    pub(super) fn new(faults: &Faults, seed: u64) -> Self {
        Self { rules: faults.0.iter().map(|rule| (rule.clone(), AtomicU64::new(0))).collect(), seed }
    }

    /// What befalls the next request for this path.
    fn next(&self, path: &str) -> Option<Fault> {
        let about = self.rules.iter().enumerate().filter(|(_, (rule, _))| rule.is_about(path));
        let mut found = None;
        for (at, (rule, met)) in about {
            let number = met.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            let hit = match rule.which {
                Which::All => true,
                Which::Some(from, to) => (from..=to).contains(&number),
                Which::Share(share) => {
                    let stream = u64::try_from(at).unwrap_or_default();
                    let mut dice = ChaCha8Rng::seed_from_u64(self.seed ^ (stream << 32) ^ number);
                    dice.random_range(0..100) < share
                }
            };
            // Every rule counts what it is about, so that the next one's numbers do not hang on this one.
            found = found.or(hit.then_some(rule.fault));
        }
        found
    }

    /// Answers the request, or lets its fault befall it.
    pub(super) async fn befall(self, request: Request, next: Next) -> Response {
        match self.next(request.uri().path()) {
            None => next.run(request).await,
            Some(Fault::Status(status)) => refuse(status),
            Some(Fault::Page) => answer::html(StatusCode::OK, "Sign in"),
            Some(Fault::Reset) => {
                let (mut head, _) = next.run(request).await.into_parts();
                head.headers.remove(header::CONTENT_LENGTH);
                let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                Response::from_parts(head, Body::from_stream(futures_util::stream::iter([Err::<Bytes, _>(broken)])))
            }
            Some(Fault::Cut) => {
                let (mut head, body) = next.run(request).await.into_parts();
                head.headers.remove(header::CONTENT_LENGTH);
                let whole = to_bytes(body, MOST).await.unwrap_or_default();
                Response::from_parts(head, Body::from(whole.slice(..whole.len() / 2)))
            }
            Some(Fault::Stall) => std::future::pending().await,
            Some(Fault::Late(pause)) => {
                tokio::time::sleep(pause).await;
                next.run(request).await
            }
        }
    }
}

/// The page of a server that refuses; one that is too busy says when to come again.
fn refuse(status: StatusCode) -> Response {
    let mut answer = answer::html(status, status.canonical_reason().unwrap_or("Refused"));
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_what_cannot_be_is_named() {
        let read = |text| Faults::parse(text).unwrap().0;
        assert!(Faults::parse("").unwrap().is_empty());
        let all = read("429@values:1-2, reset@forms:1, late=0.5:10%, stall@/api/me:3-, cut, page@hq");
        let told: Vec<(Fault, &str, Which)> =
            all.iter().map(|rule| (rule.fault, rule.place.as_str(), rule.which)).collect();
        assert_eq!(
            told,
            [
                (Fault::Status(StatusCode::TOO_MANY_REQUESTS), "values", Which::Some(1, 2)),
                (Fault::Reset, "forms", Which::Some(1, 1)),
                (Fault::Late(Duration::from_millis(500)), "", Which::Share(10)),
                (Fault::Stall, "/api/me", Which::Some(3, u64::MAX)),
                (Fault::Cut, "", Which::All),
                (Fault::Page, "hq", Which::All),
            ]
        );
        for (wrong, part) in [
            ("200", "\"200\" is no fault"),
            ("429,boom@hq", "\"boom\" is no fault. Known: a status"),
            ("late=-1", "late=-1"),
            ("late=99999", "late=99999"),
            ("reset:0", "\"0\" is neither"),
            ("reset:4-2", "\"4-2\""),
            ("reset:0%", "\"0%\""),
            ("reset:101%", "\"101%\""),
            ("reset:x", "\"x\""),
        ] {
            let said = Faults::parse(wrong).unwrap_err();
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn rules_meet_the_requests_they_are_about_in_order() {
        let befalling = Befalling::new(&Faults::parse("503@values:2, page@dhis2:1-3").unwrap(), 1);
        let path = "/dhis2/api/dataValueSets";
        let met: Vec<Option<Fault>> = (0..4).map(|_| befalling.next(path)).collect();
        let busy = Some(Fault::Status(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(met, [Some(Fault::Page), busy, Some(Fault::Page), None]);
        assert_eq!(befalling.next("/a/p/api/case/v2/"), None);
    }

    #[test]
    fn a_share_is_of_the_seed() {
        let met = |seed| {
            let befalling = Befalling::new(&Faults::parse("reset:30%").unwrap(), seed);
            (0..1_000).map(|_| befalling.next("/").is_some()).collect::<Vec<_>>()
        };
        let hits = met(1).iter().filter(|hit| **hit).count();
        assert!((200..400).contains(&hits), "{hits}");
        assert_eq!(met(1), met(1));
        assert_ne!(met(1), met(2));
    }
}
