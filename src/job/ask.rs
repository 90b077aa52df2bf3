//! What is to be read, and which facilities that means. Reading it is `fetch`.

use std::collections::BTreeSet;

use super::{earlier::EarlierFrom, reach::Reach};
use crate::{
    domain::{
        flags::{Limits, Relation},
        head::WHOLE,
        mapping::Mapping,
        quarter::Quarter,
        query::{Called, pick},
    },
    io::{commcare::CaseRecord, known::Place, store::Used},
};

/// What is to be read.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The quarter.
    pub quarter: Quarter,
    /// `CommCare` project.
    pub project: String,
    /// The profile's label.
    pub label: String,
    /// DHIS2 address, for the head of the plan.
    pub dhis2: String,
    /// `CommCare` address, for the head of the plan.
    pub commcare: String,
    /// Case type.
    pub case_type: String,
    /// The mapping.
    pub mapping: Mapping,
    /// Where the mapping is from.
    pub mapping_label: String,
    /// Names or ids of facilities; empty for all.
    pub facilities: Vec<String>,
    /// Settings kept in the review file.
    pub used: Used,
    /// The quarter was worked out from a date, not named.
    pub guessed: bool,
    /// The quarter was not over on the day of the reading (fault matrix row Q04).
    pub unfinished: bool,
    /// What is read beside the quarter.
    pub reach: Reach,
    /// Where earlier reviews are, whose accepted flags count.
    pub earlier: EarlierFrom,
    /// What the numbers are judged by.
    pub rules: Rules,
}

/// What the flag rules go by, beside the numbers and the mapping.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Their thresholds.
    pub limits: Limits,
    /// The relations of the settings, with the full names of properties of the mapping. Those of the mapping stand there: see
    /// [`Rules::relations`] for all.
    pub more: Vec<Relation>,
}

impl Rules {
    /// All relations of a plan with this mapping: its own, then those of the settings, each once.
    pub fn relations(&self, mapping: &Mapping) -> Vec<Relation> {
        mapping.relations(&self.more)
    }
}

impl Ask {
    /// Where a reading is, for the comparison with earlier ones.
    pub(super) fn place(&self) -> Place {
        Place {
            dhis2: self.dhis2.clone(),
            commcare: self.commcare.clone(),
            project: self.project.clone(),
            case_type: self.case_type.clone(),
            scope: self.scope(),
        }
    }

    /// What is read, in words: it stands in the plan, and two reviews of the same words are of the same facilities.
    pub fn scope(&self) -> String {
        if self.facilities.is_empty() { WHOLE.to_owned() } else { self.facilities.join(", ") }
    }
}

/// A facility that was asked for and could not be told: the person's words were wrong, not the servers.
#[derive(Debug)]
pub struct NotFound(pub String);

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotFound {}

fn called(case: &CaseRecord) -> Called<'_> {
    let external_id = case.external_id.as_deref().unwrap_or_default();
    Called { case_id: &case.case_id, external_id, name: &case.name }
}

/// The cases of the facilities asked for, see [`pick`].
pub(super) fn chosen(cases: Vec<CaseRecord>, wanted: &[String]) -> Result<Vec<CaseRecord>, NotFound> {
    if wanted.is_empty() {
        return Ok(cases);
    }
    let called: Vec<Called<'_>> = cases.iter().map(called).collect();
    let mut picked = BTreeSet::new();
    for words in wanted {
        picked.extend(pick(&called, words).map_err(NotFound)?);
    }
    Ok(cases.into_iter().enumerate().filter(|(at, _)| picked.contains(at)).map(|(_, case)| case).collect())
}
