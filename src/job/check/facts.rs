//! What DHIS2 says of itself: version, calendar, clock (dhis2.md sections 3.1 and 4; fault matrix rows D26 and Q05).

use jiff::{SignedDuration, Timestamp, civil::DateTime, fmt::strtime, tz::TimeZone};

use super::{Line, count};
use crate::{
    io::dhis2::{Dhis2, SystemInfo},
    job::server::TESTED,
};

const VERSION: &str = "DHIS2 version";
const CALENDAR: &str = "DHIS2 calendar";
const CLOCK: &str = "DHIS2 clock";

/// Two clocks that are no further apart are the same: a date has no finer use here.
const APART: SignedDuration = SignedDuration::from_mins(2);

/// One line for each, or one for all where nothing is told.
pub(super) fn lines(dhis2: &Dhis2, info: Option<&SystemInfo>, now: Timestamp) -> Vec<Line> {
    let Some(info) = info else {
        let sentence = "Version, calendar and clock of the server are not told: what answers here, often a gateway, has no system \
                        information.";
        let remedy = "Ask who runs it that it is DHIS2 2.30 to 2.43 with the ISO calendar.";
        return vec![Line::look(VERSION, sentence, remedy)];
    };
    vec![version(dhis2, info), calendar(dhis2, info), clock(info, now)]
}

/// Row D26.
fn version(dhis2: &Dhis2, info: &SystemInfo) -> Line {
    let name = dhis2.clean(info.version.as_deref().unwrap_or_default());
    let remedy = "Reading goes on as with the versions that are known; look closely before sending.";
    match info.release() {
        Some(release) if TESTED.contains(&release) => {
            Line::ok(VERSION, format!("DHIS2 {name}, one of the versions this program was tested with."))
        }
        Some(release) if release > *TESTED.end() => Line::look(
            VERSION,
            format!("DHIS2 {name} is newer than the versions this program was tested with (2.30 to 2.43)."),
            remedy,
        ),
        Some(_) => Line::look(
            VERSION,
            format!("DHIS2 {name} is none of the versions this program was tested with (2.30 to 2.43)."),
            remedy,
        ),
        None if name.is_empty() => Line::look(VERSION, "The server does not say its version.", remedy),
        None => Line::look(VERSION, format!("The server says a version that is not understood: {name}."), remedy),
    }
}

/// Row Q05.
fn calendar(dhis2: &Dhis2, info: &SystemInfo) -> Line {
    let name = dhis2.clean(info.calendar.as_deref().unwrap_or_default());
    match name.as_str() {
        "iso8601" | "gregorian" => {
            Line::ok(CALENDAR, format!("The {name} calendar; quarters are those of this machine."))
        }
        "" => Line::look(
            CALENDAR,
            "The server does not say its calendar; quarters are taken for those of this machine.",
            "Ask who runs it, and name the quarter with --period where it is another one.",
        ),
        _ => Line::look(
            CALENDAR,
            format!(
                "The server counts in the {name} calendar, so the last quarter cannot be worked out from today's date."
            ),
            "Name the quarter as DHIS2 does, such as: onse plan --period 2018Q3",
        ),
    }
}

fn clock(info: &SystemInfo, now: Timestamp) -> Line {
    let Some(apart) =
        info.server_date.as_deref().and_then(|text| apart(text, info.server_time_zone_id.as_deref(), now))
    else {
        return Line::ok(CLOCK, "The server does not say its time in a way that can be compared.");
    };
    if apart.abs() <= APART {
        return Line::ok(CLOCK, "The clocks of the server and this machine agree.");
    }
    let way = if apart.is_positive() { "ahead of" } else { "behind" };
    Line::look(
        CLOCK,
        format!("The clock of the server is {} {way} this machine's.", span(apart)),
        "Set the clock of this machine; the last quarter is worked out from it. If it is right, tell who runs the server.",
    )
}

/// How far the server is ahead. A time without a zone that is known may be in any: then only what is left beside quarters of an
/// hour counts.
fn apart(text: &str, zone: Option<&str>, now: Timestamp) -> Option<SignedDuration> {
    let text = text.trim();
    let exact = text.parse().ok().or_else(|| strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()?.to_timestamp().ok());
    if let Some(exact) = exact {
        return Some(now.duration_until(exact));
    }
    let local: DateTime = text.parse().ok()?;
    if let Some(zone) = zone.and_then(|name| TimeZone::get(name).ok()) {
        return Some(now.duration_until(local.to_zoned(zone).ok()?.timestamp()));
    }
    let seconds = now.duration_until(local.to_zoned(TimeZone::UTC).ok()?.timestamp()).as_secs();
    // Zones lie within a day of each other.
    let day = 26 * 60 * 60;
    if seconds.abs() > day {
        return Some(SignedDuration::from_secs(seconds));
    }
    let quarter = 15 * 60;
    let rest = seconds.rem_euclid(quarter);
    Some(SignedDuration::from_secs(if rest > quarter / 2 { rest - quarter } else { rest }))
}

/// A time in its largest unit, such as `7 minutes`.
pub(super) fn span(time: SignedDuration) -> String {
    let seconds = time.as_secs().unsigned_abs();
    let (n, one, more) = match seconds {
        0..=119 => (seconds, "second", "seconds"),
        120..=7_199 => (seconds / 60, "minute", "minutes"),
        7_200..=172_799 => (seconds / 3_600, "hour", "hours"),
        _ => (seconds / 86_400, "day", "days"),
    };
    count(usize::try_from(n).unwrap_or(usize::MAX), one, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_in_any_zone() {
        let now: Timestamp = "2026-07-05T09:41:00Z".parse().unwrap();
        for (text, zone, seconds) in [
            ("2026-07-05T09:41:00.123", Some("Etc/UTC"), Some(0)),
            ("2026-07-05T11:41:30.000", Some("Africa/Blantyre"), Some(30)),
            ("2026-07-05T11:46:00.000", None, Some(300)),
            ("2026-07-05T15:20:00.000", Some("No/Where"), Some(-360)),
            ("2026-07-05T09:51:00.000+0000", None, Some(600)),
            ("2026-07-05T11:41:00+02:00", None, Some(0)),
            ("2026-07-09T09:41:00.000", None, Some(4 * 86_400)),
            ("soon", Some("Etc/UTC"), None),
        ] {
            assert_eq!(apart(text, zone, now).map(|apart| apart.as_secs()), seconds, "{text} {zone:?}");
        }
        let info = |text: &str| SystemInfo { server_date: Some(text.to_owned()), ..SystemInfo::default() };
        assert_eq!(clock(&info("2026-07-05T09:42:59Z"), now).level, super::super::Level::Ok);
        let line = clock(&info("2026-07-05T09:34:00Z"), now);
        assert_eq!(line.sentence, "The clock of the server is 7 minutes behind this machine's.");
    }

    #[test]
    fn times_are_told_in_their_largest_unit() {
        for (seconds, told) in
            [(1, "1 second"), (90, "90 seconds"), (-150, "2 minutes"), (7_200, "2 hours"), (200_000, "2 days")]
        {
            assert_eq!(span(SignedDuration::from_secs(seconds)), told);
        }
    }
}
