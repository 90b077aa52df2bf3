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

    /// Whether nothing more needs to be done or asked.
    pub fn settled(self) -> bool {
        matches!(self, Self::Applied | Self::NotApplied)
    }
}

/// What reading a case back says of one cell of a form; `None` where it settles nothing.
///
/// `seen` is the value read, `old` what it was before. An equal value is APPLIED whatever the form's answer was. The old value
/// still there is no proof of a failure while the index lags (commcare.md section 8.3), and neither is a third value unless
/// the case was changed after the form was made (`later`).
pub fn read_back(old: Option<&str>, new: &str, seen: Option<&str>, later: bool) -> Option<Outcome> {
    if same(seen, Some(new)) {
        return Some(Outcome::Applied);
    }
    (later && !same(seen, old)).then_some(Outcome::NotApplied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applied_is_only_what_was_seen() {
        let (applied, not_applied) = (Some(Outcome::Applied), Some(Outcome::NotApplied));
        let cases = [
            (Some("12"), Some("31"), false, applied),
            (Some("12"), Some("31.0"), true, applied),
            (None, Some("31"), false, applied),
            (Some("12"), Some("12"), true, None),
            (None, None, true, None),
            (None, Some(""), true, None),
            (Some("12"), Some("44"), false, None),
            (Some("12"), Some("44"), true, not_applied),
            (Some("12"), None, true, not_applied),
        ];
        for (old, seen, later, expected) in cases {
            assert_eq!(read_back(old, "31", seen, later), expected, "{old:?} {seen:?} {later}");
        }
    }

    #[test]
    fn names_go_both_ways() {
        for name in ["FROZEN", "ACCEPTED", "APPLIED", "NOT_APPLIED", "UNKNOWN"] {
            assert_eq!(Outcome::named(name).map(Outcome::name), Some(name));
        }
    }
}
