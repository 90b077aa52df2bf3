//! Which facilities count, and which of their organisation units may be asked for.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Facilities, Place};
use crate::{
    domain::mapping::is_uid,
    io::{dhis2::Dhis2, http::Failure},
    job::{
        ask::{NotFound, chosen},
        server::{Server, optional},
        session::Sources,
        values::out_of_reach,
    },
};

/// The facilities in scope.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Each organisation unit once, by name; `None` where they are not known.
    pub(super) places: Option<Vec<Place>>,
    /// What to say of it, one sentence each.
    pub(super) notes: Vec<String>,
}

impl Scope {
    /// Those known, or the open cases of `CommCare`. One that is not reached leaves them unknown; only a facility that was
    /// asked for and is none is an error.
    pub(super) async fn ask(sources: &Sources, facilities: &Facilities) -> Result<Self, NotFound> {
        let (case_type, wanted) = match facilities {
            Facilities::Known(places) => return Ok(Self { places: Some(once(places.to_vec())), notes: Vec::new() }),
            Facilities::Cases { case_type, wanted } => (case_type, wanted),
        };
        let listing = match listed(sources, case_type).await {
            Ok(places) => places,
            Err(failure) => {
                let note = format!("The facilities are not known, so nobody's reports are counted. {failure}");
                return Ok(Self { places: None, notes: vec![note] });
            }
        };
        let open: Vec<_> = chosen(listing, wanted)?.into_iter().filter(|case| !case.closed).collect();
        let place = |case: crate::io::commcare::CaseRecord| {
            let unit = case.external_id.filter(|unit| is_uid(unit))?;
            Some(Place { unit, name: case.name })
        };
        let all = open.len();
        let places: Vec<Place> = open.into_iter().filter_map(place).collect();
        let without = all - places.len();
        let note = format!("Open cases without the id of an organisation unit, which cannot be counted: {without}.");
        Ok(Self { places: Some(once(places)), notes: (without > 0).then_some(note).into_iter().collect() })
    }

    /// Ids of the organisation units.
    pub(super) fn units(&self) -> Vec<String> {
        let units = self.places.iter().flatten().map(|place| place.unit.clone());
        units.filter(|unit| is_uid(unit)).collect()
    }
}

async fn listed(sources: &Sources, case_type: &str) -> Result<Vec<crate::io::commcare::CaseRecord>, Failure> {
    Ok(sources.commcare.cases(case_type, &[], &mut |_, _| {}).await?.cases)
}

/// Each organisation unit once, by name.
fn once(mut places: Vec<Place>) -> Vec<Place> {
    places.sort_by(|a, b| (&a.name, &a.unit).cmp(&(&b.name, &b.unit)));
    let mut seen = BTreeSet::new();
    places.retain(|place| seen.insert(place.unit.clone()));
    places
}

/// Which units are asked for.
#[derive(Debug, Default)]
pub(super) struct Units {
    /// How many facilities are in scope.
    pub(super) all: usize,
    /// Those whose values may be read.
    pub(super) readable: Vec<String>,
    /// Those of which it may be asked which reports are complete.
    pub(super) completable: Vec<String>,
}

impl Units {
    /// Those DHIS2 shows and the account reaches: one it may not read would fail the request of many (dhis2.md section 0, fact 4).
    pub(super) async fn ask(
        dhis2: &Dhis2,
        server: &Server,
        ids: Vec<String>,
        notes: &mut Vec<String>,
    ) -> Result<Self, Failure> {
        let Some(units) = optional(dhis2.org_units(&ids).await)? else {
            return Ok(Self { all: ids.len(), readable: ids.clone(), completable: ids });
        };
        let reach = server.reach();
        let unknown = ids.len() - units.len();
        if unknown > 0 {
            notes.push(format!("Facilities whose organisation unit DHIS2 does not show to this account: {unknown}."));
        }
        let (ours, outside): (Vec<_>, Vec<_>) = units.into_iter().partition(|unit| reach.values(unit));
        notes.extend(out_of_reach(outside.into_iter().map(|unit| unit.id).collect()).1);
        let completable = ours.iter().filter(|unit| reach.completeness(unit)).map(|unit| unit.id.clone()).collect();
        Ok(Self { all: ids.len(), readable: ours.into_iter().map(|unit| unit.id).collect(), completable })
    }
}
