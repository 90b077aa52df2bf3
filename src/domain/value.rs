//! Numbers as the servers hold them: texts, summed as exact decimals, compared as numbers, printed plainly.
//! Not a general decimal library: only what a value of a case or of DHIS2 can be.

use std::{cmp::Ordering, str::FromStr};

use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};

/// Longest text read as a number, in bytes. DHIS2 refuses 250 and more; nothing a form holds comes near 60.
const LONGEST: usize = 60;
/// Largest power of ten in an exponent, either way. Keeps the plain form short.
const LARGEST_EXPONENT: i32 = 30;

/// Most digits of a whole number that is kept in a machine word: any sum of two such fits one.
const SHORT: usize = 18;

/// An exact decimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Digits);

/// Nearly every value is a small whole number, which is added up in a machine word. Each number has one form only: what can be
/// `Whole` is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Digits {
    Whole(i64),
    Other(BigDecimal),
}

impl Default for Number {
    fn default() -> Self {
        Self(Digits::Whole(0))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Digits::Whole(a), Digits::Whole(b)) => a.cmp(b),
            _ => self.decimal().cmp(&other.decimal()),
        }
    }
}

impl From<BigDecimal> for Number {
    fn from(number: BigDecimal) -> Self {
        let whole = number.is_integer().then(|| number.to_i64()).flatten();
        Self(whole.map_or(Digits::Other(number), Digits::Whole))
    }
}

impl Number {
    /// Reads `12`, `12.0`, ` 7 `, `-4`, `1E3`; `None` for anything else, among it `1,200`, `true`, `NaN`, the empty text and 400 digits
    /// (fault matrix row D15).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST {
            return None;
        }
        if text.len() <= SHORT && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(|whole| Self(Digits::Whole(whole)));
        }
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return None;
        }
        if !digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)) {
            return None;
        }
        let exponent = exponent.parse::<i32>().ok()?;
        if exponent.abs() > LARGEST_EXPONENT {
            return None;
        }
        BigDecimal::from_str(text).ok().map(Self::from)
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.0 == Digits::Whole(0)
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Digits::Whole(whole) => *whole < 0,
            Digits::Other(number) => *number < BigDecimal::default(),
        }
    }

    /// Whether nothing but zeros stands after the point.
    pub fn is_whole(&self) -> bool {
        match &self.0 {
            Digits::Whole(_) => true,
            Digits::Other(number) => number.is_integer(),
        }
    }

    /// The nearest binary number, for ordering and ratios only; never written anywhere.
    pub fn approx(&self) -> f64 {
        let near = match &self.0 {
            Digits::Whole(whole) => whole.to_f64(),
            Digits::Other(number) => number.to_f64(),
        };
        near.unwrap_or(f64::NAN)
    }

    /// This number divided by `count`: exact where that ends, else rounded to 6 decimals, half to even. Divided by nothing it is
    /// itself.
    #[must_use]
    pub fn mean(&self, count: usize) -> Self {
        let count = BigDecimal::from(u64::try_from(count.max(1)).unwrap_or(u64::MAX));
        let sum = self.decimal();
        let mean = &sum / &count;
        Self::from(if &mean * &count == sum { mean } else { mean.with_scale_round(6, RoundingMode::HalfEven) })
    }

    /// `self - other`, exactly.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self::from(self.decimal() - other.decimal())
    }

    /// `self * other`, exactly.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        Self::from(self.decimal() * other.decimal())
    }

    /// Half of it, exactly.
    #[must_use]
    pub fn half(&self) -> Self {
        Self::from(self.decimal().half())
    }

    fn decimal(&self) -> BigDecimal {
        match &self.0 {
            Digits::Whole(whole) => BigDecimal::from(*whole),
            Digits::Other(number) => number.clone(),
        }
    }
}

impl std::ops::AddAssign for Number {
    fn add_assign(&mut self, other: Self) {
        if let (Digits::Whole(sum), Digits::Whole(more)) = (&mut self.0, &other.0)
            && let Some(both) = sum.checked_add(*more)
        {
            *sum = both;
            return;
        }
        *self = Self::from(self.decimal() + other.decimal());
    }
}

/// Plain: no exponent, no trailing zeros, `-0` is `0`.
impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Digits::Whole(whole) => write!(f, "{whole}"),
            Digits::Other(number) => f.write_str(&number.normalized().to_plain_string()),
        }
    }
}

/// Whether writing `new` over `old` would change nothing: equal as numbers when both are numbers, else equal as text.
/// A missing value and an empty one are equal, since `CommCare` HQ treats them alike (commcare.md section 5.5).
pub fn same(old: Option<&str>, new: Option<&str>) -> bool {
    let (old, new) = (old.unwrap_or(""), new.unwrap_or(""));
    if old == new {
        return true;
    }
    match (Number::parse(old), Number::parse(new)) {
        (Some(old), Some(new)) => old == new,
        _ => false,
    }
}

/// A number with its thousands separated, `1310.5` as `1,310.5`; any other text unchanged.
pub fn grouped(text: &str) -> String {
    let (sign, rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (&text[..1], rest),
        None => ("", text),
    };
    let (whole, fraction) = match rest.find('.') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let number = !whole.is_empty()
        && whole.bytes().all(|b| b.is_ascii_digit())
        && fraction.bytes().skip(1).all(|b| b.is_ascii_digit());
    if !number {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + whole.len() / 3);
    out.push_str(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out.push_str(fraction);
    out
}

/// How far `new` is from `old`, signed and grouped (`+1,190`); `None` unless both are numbers.
pub fn change(old: Option<&str>, new: Option<&str>) -> Option<String> {
    let difference = Number::parse(new?)?.minus(&Number::parse(old?)?);
    let text = grouped(&difference.to_string());
    Some(if difference.is_negative() || difference.is_zero() { text } else { format!("+{text}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &str) -> Option<String> {
        Number::parse(text).map(|n| n.to_string())
    }

    #[test]
    fn values_of_row_d15() {
        let cases = [
            ("12.0", "12"),
            (" 7 ", "7"),
            ("1E3", "1000"),
            ("1e-3", "0.001"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("0012", "12"),
            ("-4.50", "-4.5"),
            ("+3", "3"),
            ("99999999999999999999.25", "99999999999999999999.25"),
            ("120", "120"),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text).as_deref(), Some(expected), "{text}");
        }
        let long = "9".repeat(400);
        for text in [
            "1,200", "true", "NaN", "inf", "", " ", "-", ".", "1.", ".5", "1e", "1e999", "0x10", "12 (est)", "١٢",
            &long,
        ] {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn sums_are_exact() {
        let mut sum = Number::default();
        for text in ["0.1", "0.2", "1E2", "-100"] {
            sum += Number::parse(text).unwrap();
        }
        assert_eq!(sum.to_string(), "0.3");
    }

    #[test]
    fn equal_numbers_in_other_text_are_no_change() {
        assert!(same(Some("12"), Some("12.0")));
        assert!(same(Some(" 12"), Some("12")));
        assert!(same(None, Some("")));
        assert!(!same(Some("12"), Some("13")));
        assert!(!same(None, Some("0")));
        assert!(!same(Some("abc"), Some("ABC")));
        assert!(!same(Some("1,200"), Some("1200")));
    }

    #[test]
    fn numbers_are_grouped_and_texts_left_alone() {
        for (text, expected) in [
            ("1310", "1,310"),
            ("999", "999"),
            ("-1000000.25", "-1,000,000.25"),
            ("0", "0"),
            ("abc", "abc"),
            ("", ""),
            ("12 (est)", "12 (est)"),
            ("-", "-"),
            ("1.2.3", "1.2.3"),
        ] {
            assert_eq!(grouped(text), expected);
        }
        assert_eq!(change(Some("120"), Some("1310")).as_deref(), Some("+1,190"));
        assert_eq!(change(Some("61"), Some("0")).as_deref(), Some("-61"));
        assert_eq!(change(Some("a"), Some("1")), None);
        assert_eq!(change(None, Some("1")), None);
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_plain_form_is_stable(text in ".{0,80}") {
            if let Some(number) = Number::parse(&text) {
                let plain = number.to_string();
                prop_assert!(!plain.contains(['e', 'E']));
                prop_assert_eq!(Number::parse(&plain).map(|n| n.to_string()), Some(plain));
            }
        }

        #[test]
        fn it_computes_as_decimals_do(
            left in "-?([0-9]{1,20}|9223372036854775807)(\\.[0-9]{1,3})?",
            right in "-?([0-9]{1,20}|9223372036854775808|0)(\\.(0|5|50|25))?",
        ) {
            let number = |text: &str| Number::parse(text).unwrap();
            let decimal = |text: &str| BigDecimal::from_str(text).unwrap();
            let plain = |decimal: BigDecimal| decimal.normalized().to_plain_string();
            let (a, b, x, y) = (number(&left), number(&right), decimal(&left), decimal(&right));
            let mut sum = a.clone();
            sum += b.clone();
            prop_assert_eq!(sum.to_string(), plain(&x + &y));
            prop_assert_eq!(&sum, &Number::from(&x + &y), "one form only");
            prop_assert_eq!(a.minus(&b).to_string(), plain(&x - &y));
            prop_assert_eq!(a.times(&b).to_string(), plain(&x * &y));
            prop_assert_eq!(a.half().to_string(), plain(x.half()));
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            prop_assert_eq!(a == b, x == y);
            prop_assert_eq!((a.is_zero(), a.is_negative()), (x == decimal("0"), x < decimal("0")));
            prop_assert_eq!(a.is_whole(), x.is_integer());
            prop_assert!((a.approx() - x.to_f64().unwrap()).abs() <= 1e-9 * a.approx().abs());
        }

        #[test]
        fn sums_agree_with_integers(values in prop::collection::vec(-1_000_000_000_000_i64..1_000_000_000_000, 0..40)) {
            let mut sum = Number::default();
            for value in &values {
                sum += Number::parse(&value.to_string()).unwrap();
            }
            prop_assert_eq!(sum.to_string(), values.iter().sum::<i64>().to_string());
        }
    }
}
