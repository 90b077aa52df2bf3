//! What sandbox to make.

use super::{FACILITIES, Faults, Version};

/// What country to make, and which servers stand in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Number of facilities. As many cases of [`super::CASE_TYPE`] exist, though not one for each facility.
    pub facilities: usize,
    /// The same seed gives the same country.
    pub seed: u64,
    /// Year and quarter (1 to 4) DHIS2 just collected; eight more lie before it.
    pub quarter: (i16, u8),
    /// What the servers call themselves.
    pub label: String,
    /// The release line DHIS2 answers as. The data is the same on every one.
    pub version: Version,
    /// What the gateway lets through.
    pub gateway: Gateway,
    /// The calendar `system/info` names, such as `ethiopian` (fault matrix row Q05). Period ids stay as they are.
    pub calendar: String,
    /// Whether answers are compressed for those who ask with `Accept-Encoding: gzip`, as a proxy in front would do it
    /// (dhis2.md section 1.6).
    pub gzip: bool,
    /// What befalls which requests.
    pub faults: Faults,
}

impl Options {
    /// The usual country, up to and including this quarter.
    pub fn new(quarter: (i16, u8)) -> Self {
        Self {
            facilities: FACILITIES,
            seed: 1,
            quarter,
            label: "Sandbox".to_owned(),
            version: Version::default(),
            gateway: Gateway::default(),
            calendar: "iso8601".to_owned(),
            gzip: false,
            faults: Faults::default(),
        }
    }
}

/// What the gateway below [`super::GATEWAY`] lets through; the rest is a page with 404 there (dhis2.md section 7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gateway {
    /// Everything DHIS2 answers.
    #[default]
    Whole,
    /// `dataValueSets` and metadata; not `me`, `system/info` or `completeDataSetRegistrations`.
    Metadata,
    /// `dataValueSets` alone.
    Values,
}

impl Gateway {
    /// Whether a request for this path, without its API root, is let through.
    pub(crate) fn admits(self, path: &[&str]) -> bool {
        let metadata = ["dataElements", "dataSets", "categoryCombos", "categoryOptionCombos", "organisationUnits"];
        match (self, path) {
            (Self::Whole, _) | (_, ["dataValueSets"]) => true,
            (Self::Metadata, [resource, ..]) => metadata.contains(resource),
            _ => false,
        }
    }
}
