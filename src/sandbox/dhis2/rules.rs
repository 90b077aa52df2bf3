//! The rules of `dataValueSets` and the sentences about broken ones, by version (dhis2.md section 1.4).

use axum::response::Response;
use http::StatusCode;

use super::{problem, version::Version};

/// A rule a request can break, with what the sentence about it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Neither data set nor data element.
    NoData,
    /// No period, dates or time of change.
    NoPeriod,
    /// A period and dates.
    PeriodAndDates,
    /// The dates end before they start.
    Backwards,
    /// A duration that is none.
    Duration(String),
    /// No organisation unit.
    NoUnit,
    /// The children of no organisation unit.
    ChildrenOfNone,
    /// A limit below zero.
    Limit(i64),
    /// Data sets the account may not read.
    Sets(Vec<String>),
    /// Attribute option combinations the account may not read.
    Combos(Vec<String>),
    /// Organisation units the account may not read.
    Units(Vec<String>),
    /// No data set where registrations are asked for.
    NoSet,
}

impl Rule {
    /// The ids it names.
    pub(crate) fn ids(&self) -> &[String] {
        match self {
            Self::Sets(ids) | Self::Combos(ids) | Self::Units(ids) => ids,
            _ => &[],
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoData => "E2001",
            Self::NoPeriod => "E2002",
            Self::PeriodAndDates => "E2003",
            Self::Backwards => "E2004",
            Self::Duration(_) => "E2005",
            Self::NoUnit => "E2006",
            Self::ChildrenOfNone => "E2008",
            Self::Limit(_) => "E2009",
            Self::Sets(_) => "E2010",
            Self::Combos(_) => "E2011",
            Self::Units(_) => "E2012",
            Self::NoSet => "E2013",
        }
    }

    fn sentence(&self, version: Version) -> String {
        let new = version.has_codes();
        let either = |new_text: &str, old: &str| if new { new_text.to_owned() } else { old.to_owned() };
        let tick = if new { "`" } else { "" };
        match self {
            Self::NoData => either(
                "At least one data element, data set or data element group must be specified",
                "At least one valid data set or data element group must be specified",
            ),
            Self::NoPeriod => either(
                "At least one period, start/end dates, last updated or last updated duration must be specified",
                "At least one valid period, start/end dates, last updated or last updated duration must be specified",
            ),
            Self::PeriodAndDates => "Both periods and start/end date cannot be specified".to_owned(),
            Self::Backwards => "Start date must be before end date".to_owned(),
            Self::Duration(text) => format!("Duration is not valid: {tick}{text}{tick}"),
            Self::NoUnit => either(
                "At least one organisation unit or organisation unit group must be specified",
                "At least one valid organisation unit or organisation unit group must be specified",
            ),
            Self::ChildrenOfNone => either(
                "At least one organisation unit must be specified when children are included",
                "At least one valid organisation unit must be specified when children is included",
            ),
            Self::Limit(limit) => format!("Limit cannot be less than zero: {tick}{limit}{tick}"),
            Self::Sets(ids) => denied("read data for data set", ids, version),
            Self::Combos(ids) => denied("read data for attribute option combo", ids, version),
            Self::Units(ids) => denied("view org unit", ids, version),
            Self::NoSet => "At least one data set must be specified".to_owned(),
        }
    }
}

/// One id up to 2.42, from 2.43 on all of them.
fn denied(what: &str, ids: &[String], version: Version) -> String {
    let first = ids.first().map_or("", String::as_str);
    match version {
        Version::V30 => format!("User is not allowed to {what}: {first}"),
        Version::V43 => format!("User is not allowed to {what}(s): `[{}]`", ids.join(", ")),
        _ => format!("User is not allowed to {what}: `{first}`"),
    }
}

/// A broken rule as it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    code: Option<&'static str>,
    message: String,
}

impl Broken {
    /// What this version says about it.
    pub(crate) fn new(version: Version, rule: &Rule) -> Self {
        Self { code: version.has_codes().then(|| rule.code()), message: rule.sentence(version) }
    }

    /// The answer.
    pub(crate) fn answer(&self) -> Response {
        problem(StatusCode::CONFLICT, &self.message, self.code)
    }
}
