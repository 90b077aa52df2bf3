//! How long what was read of earlier quarters stays true, and from when on to ask what changed. Time is given in.

use jiff::{SignedDuration, Timestamp};

/// Younger than this, an answer is used without asking again. Two reviews of one day are of the same history; a day is also
/// what a late correction may take to be seen, and no earlier quarter is ever proposed.
pub const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// Older than this, an answer is not used at all. DHIS2 tells of a deletion only as long as the deleted row is kept, and an
/// administrator may have those removed for good; two quarters and a bit is as far as that is trusted.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 200);

/// Taken from the time of reading before asking what changed, since the two clocks need not agree and a long answer is not of
/// one moment.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// What an answer kept from an earlier run is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// It stands as it is.
    AsItStands,
    /// It is a base: DHIS2 is asked what changed [`since`] it was read.
    AskWhatChanged,
    /// For nothing.
    No,
}

/// What an answer read at `read_at` is good for at `now`. One from the future is good for nothing: the clock was wrong then or
/// is wrong now, and what changed in between could not be asked for.
pub fn reuse(read_at: Timestamp, now: Timestamp) -> Reuse {
    let age = now.duration_since(read_at);
    if age.is_negative() || age > LONGEST {
        Reuse::No
    } else if age < FRESH {
        Reuse::AsItStands
    } else {
        Reuse::AskWhatChanged
    }
}

/// The time to ask DHIS2 for changes from, of an answer read at `read_at`.
pub fn since(read_at: Timestamp) -> Timestamp {
    read_at.checked_sub(OVERLAP).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_answer_stands_for_a_day_and_is_a_base_for_two_hundred() {
        let now = at("2026-07-20T12:00:00Z");
        for (read_at, expected) in [
            ("2026-07-20T12:00:01Z", Reuse::No),
            ("2026-07-20T12:00:00Z", Reuse::AsItStands),
            ("2026-07-19T12:00:01Z", Reuse::AsItStands),
            ("2026-07-19T12:00:00Z", Reuse::AskWhatChanged),
            ("2026-01-01T12:00:00Z", Reuse::AskWhatChanged),
            ("2026-01-01T11:59:59Z", Reuse::No),
            ("1970-01-01T00:00:00Z", Reuse::No),
        ] {
            assert_eq!(reuse(at(read_at), now), expected, "{read_at}");
        }
    }

    #[test]
    fn changes_are_asked_for_from_a_day_before() {
        assert_eq!(since(at("2026-07-01T12:00:00Z")), at("2026-06-30T12:00:00Z"));
        assert_eq!(since(Timestamp::MIN), Timestamp::MIN);
    }
}
