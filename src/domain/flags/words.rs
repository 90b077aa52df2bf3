//! Numbers as the sentences of flags and checks have them.

use crate::domain::value::grouped;

/// A count as a real number.
pub(super) fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A count with its thousands separated.
pub(super) fn count(count: usize) -> String {
    grouped(&count.to_string())
}

/// A number that was worked out: thousands separated, at most two decimals, none that are zero.
pub fn plain(number: f64) -> String {
    let text = format!("{number:.2}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    grouped(if text == "-0" { "0" } else { text })
}

/// A number that was reported: thousands separated, with all its decimals.
pub(super) fn exact(number: f64) -> String {
    grouped(&number.to_string())
}

/// `11x`, `4.1x`, `0.1x`, `0.01x`: no decimals from 10 up, two below a tenth.
pub fn multiple(times: f64) -> String {
    let decimals = match times {
        times if times >= 9.95 => 0,
        times if times >= 0.1 || times == 0.0 => 1,
        _ => 2,
    };
    format!("{}x", grouped(&format!("{times:.decimals$}")))
}

/// A part in hundredths: `13 %`. Nothing is all of nothing.
pub(super) fn percent(part: usize, of: usize) -> String {
    format!("{:.0} %", if of == 0 { 100.0 } else { real(part) / real(of) * 100.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let all = [0.0, 117.5, 1310.0, 655.25, 0.333_333, 12_345_678.0, -4.0, -0.001].map(plain);
        assert_eq!(all, ["0", "117.5", "1,310", "655.25", "0.33", "12,345,678", "-4", "0"]);
        assert_eq!((exact(1_234.056_7), exact(7.0)), ("1,234.0567".to_owned(), "7".to_owned()));
        let all = [11.02, 9.96, 4.06, 1.0, 0.1, 0.099, 0.0, 1234.0].map(multiple);
        assert_eq!(all, ["11x", "10x", "4.1x", "1.0x", "0.1x", "0.10x", "0.0x", "1,234x"]);
        assert_eq!([percent(1, 8), percent(0, 3), percent(0, 0), percent(3, 3)], ["12 %", "0 %", "100 %", "100 %"]);
        assert_eq!(count(23_226), "23,226");
    }
}
