//! A short mark of many bytes, to notice that they are not what they were. It finds damage and edits by hand, not forgery.

use std::fmt;

/// FNV-1a, 64 bits, shown as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fingerprint {
    /// The mark of all bytes so far and these.
    #[must_use]
    pub fn with(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_function() {
        let of = |text: &str| Fingerprint::default().with(text.as_bytes()).to_string();
        assert_eq!((of(""), of("a")), ("cbf29ce484222325".to_owned(), "af63dc4c8601ec8c".to_owned()));
        assert_eq!(of("foobar"), "85944171f73967e8");
        assert_eq!(Fingerprint::default().with(b"foo").with(b"bar").to_string(), of("foobar"));
    }
}
