//! Dates in forms: what HQ rewrites, and what it reads (commcare.md section 5.1).

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

/// A property value as HQ stores it: a date with time becomes UTC with six digits, all else stays as it is.
pub(crate) fn as_stored(text: &str) -> String {
    match moment(text) {
        Some(time) => format!("{time:.6}"),
        None => text.to_owned(),
    }
}

/// Reads a date with time. Between the two stands a space or `T`; hyphens and colons may be missing.
fn moment(text: &str) -> Option<Timestamp> {
    let shaped = text.len() >= 13 && text.is_ascii() && text.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    if !shaped || text != text.trim() {
        return None;
    }
    let (date, time) = text.split_once(['T', ' '])?;
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let civil: DateTime = format!("{date}T{clock}").parse().ok()?;
    match zone {
        "" | "Z" => civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()),
        _ => format!("{civil}{zone}").parse().ok(),
    }
}

/// Reads a `date_modified` or `date_opened`: a date with time, or a date alone (its midnight).
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let date = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok();
    moment(text).or_else(|| date().map(|midnight| midnight.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dates_with_time_are_rewritten() {
        for (text, stored) in [
            ("2020-05-01T10:00:00+02:00", "2020-05-01T08:00:00.000000Z"),
            ("2020-05-01 10:00", "2020-05-01T10:00:00.000000Z"),
            ("20200501T1000", "2020-05-01T10:00:00.000000Z"),
            ("2026-01-05T22:30:00.123456Z", "2026-01-05T22:30:00.123456Z"),
            ("2020-05-01", "2020-05-01"),
            ("12.0", "12.0"),
            (" 2020-05-01 10:00", " 2020-05-01 10:00"),
            ("2020-05-01 in the morning", "2020-05-01 in the morning"),
            ("20200501123000", "20200501123000"),
            ("", ""),
        ] {
            assert_eq!(as_stored(text), stored, "{text}");
        }
    }

    #[test]
    fn a_date_alone_is_read_as_midnight() {
        assert_eq!(read("2020-05-01").map(|time| time.to_string()).as_deref(), Some("2020-05-01T00:00:00Z"));
        assert_eq!(read("garbage"), None);
        assert_eq!(read(""), None);
    }
}
