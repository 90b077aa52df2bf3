//! What was sent against what was read back, and the words for it. Deciding what to send next is not here (see `job`).

use serde::{Deserialize, Serialize};

use super::value::same;

/// What became of a form or a cell (fault matrix, section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Frozen in the review file; it is not known whether a byte left.
    Frozen,
    /// The server said yes; the value was not seen yet.
    Accepted,
    /// Read back, equal.
    Applied,
    /// The server said no, or another value was read back.
    NotApplied,
    /// No answer that settles it.
    Unknown,
}

impl Outcome {
    /// The name used in JSON and in the review file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frozen => "FROZEN",
            Self::Accepted => "ACCEPTED",
            Self::Applied => "APPLIED",
            Self::NotApplied => "NOT_APPLIED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The outcome with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Frozen, Self::Accepted, Self::Applied, Self::NotApplied, Self::Unknown]
            .into_iter()
            .find(|o| o.name() == name)
    }

    /// The words on screen.
    pub fn words(self) -> &'static str {
        match self {
            Self::Frozen => "sending",
            Self::Accepted => "accepted, not seen",
            Self::Applied => "APPLIED",
            Self::NotApplied => "NOT APPLIED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The words in a sentence about a form: it stays so.
    pub fn stands(self) -> &'static str {
        match self {
            Self::Frozen => "made and not taken yet",
            other => other.words(),
        }
    }

    /// Whether nothing more needs to be done or asked.
    pub fn settled(self) -> bool {
        matches!(self, Self::Applied | Self::NotApplied)
    }
}

/// What reading a case back says of one cell of a form; `None` where it settles nothing.
///
/// `seen` is the value read. An equal value is APPLIED whatever the form's answer was. Another value is no proof of a failure while
/// the index lags (commcare.md section 8.3); it is where `HQ` took the form and the value is from its database (`proof`).
pub fn read_back(new: &str, seen: Option<&str>, proof: bool) -> Option<Outcome> {
    if same(seen, Some(new)) {
        return Some(Outcome::Applied);
    }
    proof.then_some(Outcome::NotApplied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applied_is_only_what_was_seen() {
        let (applied, not_applied) = (Some(Outcome::Applied), Some(Outcome::NotApplied));
        let cases = [
            (Some("31"), false, applied),
            (Some("31.0"), true, applied),
            (Some("12"), false, None),
            (None, false, None),
            (Some("12"), true, not_applied),
            (None, true, not_applied),
            (Some(""), true, not_applied),
        ];
        for (seen, proof, expected) in cases {
            assert_eq!(read_back("31", seen, proof), expected, "{seen:?} {proof}");
        }
        assert_eq!((read_back("", None, false), read_back("", Some(""), true)), (applied, applied), "blank is not set");
    }

    #[test]
    fn names_go_both_ways() {
        for name in ["FROZEN", "ACCEPTED", "APPLIED", "NOT_APPLIED", "UNKNOWN"] {
            assert_eq!(Outcome::named(name).map(Outcome::name), Some(name));
        }
    }
}
