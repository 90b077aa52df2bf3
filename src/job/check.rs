//! Whether a profile works: what each server says to it, one line for each thing, with the remedy.
//!
//! It reads and never writes, asks no server for anything after a refused sign-in, and knows nothing of files: what the settings,
//! the secrets and the mapping file are is for the command line to say. One side that fails never hides the other.

use std::fmt;

use super::session::Clock;
use crate::{
    domain::{mapping::Row, quarter::Quarter, text::inert, value::grouped},
    io::{
        config::{CommCareSecret, Dhis2Secret, Profile},
        dhis2::Spelling,
        http::{Failure, OnWait, Sleeper},
        transport::SharedTransport,
    },
};

mod address;
mod commcare;
mod dhis2;
mod facts;
mod values;
pub mod way;

/// How good a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing to do.
    Ok,
    /// It works, and someone should look at it.
    Look,
    /// It does not work.
    Stop(Cause),
}

/// What has to change before it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Settings, secrets or mapping.
    Settings,
    /// The server, the account on it, or the way there.
    Server,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Look => "look",
            Self::Stop(_) => "stop",
        })
    }
}

/// One thing that was looked at. Its texts are inert and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How good it is.
    pub level: Level,
    /// What it is about, in a word or two.
    pub what: &'static str,
    /// What was found.
    pub sentence: String,
    /// What to do; empty where there is nothing to do.
    pub remedy: String,
}

impl Line {
    fn new(level: Level, what: &'static str, sentence: &str, remedy: &str) -> Self {
        Self { level, what, sentence: inert(sentence).into_owned(), remedy: inert(remedy).into_owned() }
    }

    /// It works.
    pub fn ok(what: &'static str, sentence: impl AsRef<str>) -> Self {
        Self::new(Level::Ok, what, sentence.as_ref(), "")
    }

    /// It works, and someone should look at it.
    pub fn look(what: &'static str, sentence: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(Level::Look, what, sentence.as_ref(), remedy.as_ref())
    }

    /// Settings, secrets or mapping that do not work.
    pub fn wrong(what: &'static str, sentence: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(Level::Stop(Cause::Settings), what, sentence.as_ref(), remedy.as_ref())
    }

    /// A server that does not work for this account.
    pub fn broken(what: &'static str, sentence: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(Level::Stop(Cause::Server), what, sentence.as_ref(), remedy.as_ref())
    }

    fn failed(what: &'static str, failure: &Failure) -> Self {
        let (happened, remedy) = failure.parts();
        Self::broken(what, capital(&happened), remedy)
    }
}

/// What is to be looked at.
pub struct Check<'a> {
    /// The profile.
    pub profile: &'a Profile,
    /// How DHIS2 is signed in to and the way there; `None` where either is missing, and nothing is asked.
    pub dhis2: Option<(&'a Dhis2Secret, SharedTransport)>,
    /// The same of `CommCare` HQ.
    pub commcare: Option<(&'a CommCareSecret, SharedTransport)>,
    /// The usable rows of the mapping.
    pub rows: &'a [&'a Row],
    /// The quarter whose values are asked for, to see whether they may be read.
    pub quarter: Quarter,
    /// The time.
    pub clock: Clock,
    /// Waits between tries.
    pub sleep: Sleeper,
    /// Told of every wait.
    pub on_wait: OnWait,
    /// Feeds the jitter of waits.
    pub seed: u64,
}

impl Check<'_> {
    /// Asks both servers; the lines of DHIS2 stand before those of `CommCare`.
    pub async fn servers(&self) -> Vec<Line> {
        let (source, (hq, facilities)) = tokio::join!(self.source(), self.holder());
        let mut lines = source.lines;
        if let Some(reached) = source.reached {
            lines.extend(self.values(&reached, &facilities).await);
        }
        lines.extend(hq);
        lines
    }

    /// Asks DHIS2 alone, as far as it shows without organisation units of cases. With the lines the spelling of the address that
    /// answers, where it is not the one of the profile.
    pub async fn dhis2(&self) -> (Vec<Line>, Option<Spelling>) {
        let source = self.source().await;
        (source.lines, source.turned)
    }

    /// Asks `CommCare` HQ alone.
    pub async fn hq(&self) -> Vec<Line> {
        self.holder().await.0
    }
}

/// The first letter as a capital, as at the beginning of a sentence.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `1 row`, `3 rows`.
fn count(n: usize, one: &str, more: &str) -> String {
    format!("{} {}", grouped(&n.to_string()), if n == 1 { one } else { more })
}
