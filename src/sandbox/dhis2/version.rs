//! The release lines the sandbox can play, and what differs between them (dhis2.md sections 1.2 to 1.5, 2, 3, 6, 7).

use std::{fmt, str::FromStr};

/// A release line of DHIS2. Later ones are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 2.30: no error codes.
    V30,
    /// 2.36: access is looked at before the parameters.
    V36,
    /// 2.38: null members are written.
    V38,
    /// 2.40.
    V40,
    /// 2.42.
    #[default]
    V42,
    /// 2.43: members that are the same in every row stand above them.
    V43,
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 6] = [Self::V30, Self::V36, Self::V38, Self::V40, Self::V42, Self::V43];

    /// The second number: 42 of 2.42.
    pub fn minor(self) -> u8 {
        match self {
            Self::V30 => 30,
            Self::V36 => 36,
            Self::V38 => 38,
            Self::V40 => 40,
            Self::V42 => 42,
            Self::V43 => 43,
        }
    }

    /// What `system/info` says: version, revision, when it was built.
    pub(crate) fn build(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::V30 => ("2.30", "4fe0b1c", "2018-10-30T18:41:06.000"),
            Self::V36 => ("2.36.13.2", "81ba01f", "2022-09-13T07:16:12.000"),
            Self::V38 => ("2.38.6", "c2d7e90", "2024-01-25T10:40:00.000"),
            Self::V40 => ("2.40.4.1", "9b0e6d3", "2024-05-28T12:02:10.000"),
            Self::V42 => ("2.42.1", "5a4db0c", "2025-11-04T09:00:00.000"),
            Self::V43 => ("2.43.2", "e71f85a", "2026-07-14T08:30:00.000"),
        }
    }

    /// Where who is not signed in is sent to (dhis2.md section 6).
    pub(crate) fn login(self) -> &'static str {
        match self {
            Self::V30 | Self::V36 | Self::V38 | Self::V40 => "/dhis2/dhis-web-commons/security/login.action",
            Self::V42 => "/dhis2/dhis-web-login/",
            Self::V43 => "/dhis2/login/",
        }
    }

    /// Whether errors carry a code on `dataValueSets` (from 2.35, dhis2.md section 1.4).
    pub(crate) fn has_codes(self) -> bool {
        self >= Self::V36
    }

    /// Whether a metadata object that is not there has the code E1005 (dhis2.md section 2).
    pub(crate) fn codes_missing_objects(self) -> bool {
        self >= Self::V40
    }

    /// Whether null members are written and a list is there even when it is empty (dhis2.md section 1.5).
    pub(crate) fn writes_nulls(self) -> bool {
        (Self::V38..=Self::V42).contains(&self)
    }

    /// Whether an answer without rows has no list either (dhis2.md section 1.5).
    pub(crate) fn leaves_out_empty_lists(self) -> bool {
        self < Self::V38
    }

    /// 2.43 rewrote reading: ids, rules, access, hoisting and order (dhis2.md sections 1.3 and 1.5).
    pub(crate) fn is_rewritten(self) -> bool {
        self >= Self::V43
    }

    /// Whether access is looked at before the parameters (dhis2.md section 1.3).
    pub(crate) fn access_first(self) -> bool {
        self <= Self::V36
    }

    /// Whether `dataElement` selects elements (from 2.39, dhis2.md section 1.2).
    pub(crate) fn takes_elements(self) -> bool {
        self >= Self::V40
    }

    /// Whether the units data may be read of are the view units, where there are any (dhis2.md section 1.3).
    pub(crate) fn has_view_units(self) -> bool {
        (Self::V36..=Self::V42).contains(&self)
    }

    /// Whether personal access tokens are known (from 2.37, dhis2.md section 6).
    pub(crate) fn knows_tokens(self) -> bool {
        self >= Self::V38
    }

    /// Whether tokens of the second kind are known (from 2.41, dhis2.md section 6).
    pub(crate) fn knows_short_tokens(self) -> bool {
        self >= Self::V42
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "2.{}", self.minor())
    }
}

impl FromStr for Version {
    type Err = String;

    /// Reads `2.42`, `42` or `2.42.1`. The error names the nearest release line there is.
    fn from_str(text: &str) -> Result<Self, String> {
        let all = || Self::ALL.map(|version| version.to_string()).join(", ");
        let digits = text.trim().strip_prefix("2.").unwrap_or(text.trim());
        let digits = digits.split(['.', '-']).next().unwrap_or_default();
        let minor: u8 = digits.parse().map_err(|_| format!("{text:?} is no release of DHIS2; there are {}", all()))?;
        let nearest = Self::ALL.into_iter().min_by_key(|version| version.minor().abs_diff(minor)).unwrap_or_default();
        if nearest.minor() == minor {
            Ok(nearest)
        } else {
            Err(format!("there is no DHIS2 2.{minor} here; the nearest is {nearest} (of {})", all()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_they_are_written_and_the_nearest_is_named() {
        for version in Version::ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
            let (full, ..) = version.build();
            assert_eq!(full.parse(), Ok(version));
        }
        assert_eq!("2.43-SNAPSHOT".parse(), Ok(Version::V43));
        for (text, nearest) in [("2.41", "2.40"), ("2.44", "2.43"), ("31", "2.30"), ("2.37", "2.36"), ("0", "2.30")] {
            let error = text.parse::<Version>().unwrap_err();
            assert!(error.contains(&format!("nearest is {nearest} ")), "{error}");
        }
        for text in ["", "2.", "two", "2.x", "2.999"] {
            assert!(text.parse::<Version>().unwrap_err().contains("2.30, 2.36"), "{text}");
        }
    }
}
