//! Which texts are period ids (dhis2.md section 4). Data is kept for quarters; the others are known and match nothing.

use jiff::civil::Date;

/// Whether DHIS2 would read `text` as a period. Case counts.
pub(crate) fn is_period(text: &str) -> bool {
    let Some((year, rest)) = text.split_at_checked(4) else { return false };
    digits(year).is_some() && (rest.is_empty() || is_rest(year, rest))
}

fn is_rest(year: &str, rest: &str) -> bool {
    const NAMED: [(&str, u32); 15] = [
        ("NovQ", 4),
        ("Q", 4),
        ("AprilS", 2),
        ("NovS", 2),
        ("S", 2),
        ("BiW", 26),
        ("WedW", 53),
        ("ThuW", 53),
        ("SatW", 53),
        ("SunW", 53),
        ("W", 53),
        ("April", 0),
        ("July", 0),
        ("Oct", 0),
        ("Nov", 0),
    ];
    let named = NAMED.iter().find_map(|(name, most)| Some((rest.strip_prefix(name)?, *most)));
    if let Some((number, most)) = named {
        return match most {
            0 => number.is_empty(),
            most => !number.starts_with('0') && digits(number).is_some_and(|number| (1..=most).contains(&number)),
        };
    }
    match rest.len() {
        2 => digits(rest).is_some_and(|month| (1..=12).contains(&month)),
        3 => rest.strip_suffix('B').and_then(digits).is_some_and(|pair| (1..=6).contains(&pair)),
        4 => Date::strptime("%Y%m%d", format!("{year}{rest}")).is_ok(),
        _ => false,
    }
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::is_period;

    #[test]
    fn period_ids_of_every_type_are_told_from_others() {
        for good in ["2026", "202612", "20260229x", "2026Q4", "2026NovQ1", "202606B", "2026W53", "2026BiW26", "2026Oct"]
        {
            assert_eq!(is_period(good), good != "20260229x", "{good}");
        }
        for bad in ["", "26Q1", "2026Q5", "2026q1", "2026Q", "2026Q01", "202613", "20260230", "2026é", "LAST_QUARTER"]
        {
            assert!(!is_period(bad), "{bad}");
        }
        assert!(is_period("20240229"));
    }
}
