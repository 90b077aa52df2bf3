//! Whether values may be read, and which reports are complete: asked for one organisation unit, as a plan asks for all of them
//! (dhis2.md sections 1.3, 1.4 and 3.3; fault matrix rows D02 and D03).

use super::{Check, Line, count, dhis2::Reached};
use crate::{
    io::{
        dhis2::{Denied, Wanted, denied},
        http::{Failure, Why},
    },
    job::gather::listed,
};

const VALUES: &str = "DHIS2 values";
const COMPLETE: &str = "DHIS2 complete";

/// Most organisation units that are tried where it is not known beforehand which may be read.
const TRIED: usize = 3;

/// What came of asking for the values of one unit.
enum Tried {
    /// They may be read, but for these data sets.
    Read(Vec<String>),
    /// Not for this unit.
    NotHere,
}

impl Check<'_> {
    /// `facilities` are units of cases, for a server that tells none itself.
    pub(super) async fn values(&self, reached: &Reached, facilities: &[String]) -> Vec<Line> {
        if reached.sets.is_empty() {
            return Vec::new();
        }
        let own = reached.readable.as_ref().filter(|units| !units.is_empty());
        let units = own.map_or(if reached.assigned.is_empty() { facilities } else { &reached.assigned }, Vec::as_slice);
        for unit in units.iter().take(TRIED) {
            match self.tried(reached, unit).await {
                Ok(Tried::NotHere) => {}
                Ok(Tried::Read(closed)) => return self.read(reached, unit, &closed).await,
                Err(failure) => return vec![Line::failed(VALUES, &failure)],
            }
        }
        if units.is_empty() {
            let sentence =
                "Whether values may be read could not be tried, because no organisation unit is known to ask for.";
            return vec![Line::look(VALUES, sentence, "The first reading will tell: onse plan")];
        }
        let tried: Vec<&str> = units.iter().take(TRIED).map(String::as_str).collect();
        vec![Line::broken(
            VALUES,
            format!("DHIS2 knows none of these organisation units for this account: {}.", listed(&tried)),
            "Ask which organisation units the account may read, and whether external ids of the cases are ids of this DHIS2.",
        )]
    }

    /// Asks for all mapped data sets, and again without those that are refused.
    async fn tried(&self, reached: &Reached, unit: &String) -> Result<Tried, Failure> {
        let (mut open, mut closed) = (reached.sets.clone(), Vec::new());
        while !open.is_empty() {
            let failure = match self.ask(reached, unit, &open).await {
                Ok(()) => return Ok(Tried::Read(closed)),
                Err(failure) => failure,
            };
            match denied(&failure) {
                Some(Denied::OrgUnits(_) | Denied::Unknown) => return Ok(Tried::NotHere),
                Some(Denied::DataSets(named)) if open.iter().any(|set| named.contains(set)) => {
                    let (shut, rest) = open.into_iter().partition(|set| named.contains(set));
                    closed.extend::<Vec<String>>(shut);
                    open = rest;
                }
                Some(Denied::DataSets(_)) => return self.apart(reached, unit, &open).await,
                None if matches!(*failure.why, Why::Forbidden { .. }) => return self.apart(reached, unit, &open).await,
                None => return Err(failure),
            }
        }
        Ok(Tried::Read(closed))
    }

    /// Asks for each data set by itself, where it is not said which is refused.
    async fn apart(&self, reached: &Reached, unit: &String, sets: &[String]) -> Result<Tried, Failure> {
        let mut closed: Vec<String> = reached.sets.iter().filter(|set| !sets.contains(set)).cloned().collect();
        for set in sets {
            if let Err(failure) = self.ask(reached, unit, std::slice::from_ref(set)).await {
                match denied(&failure) {
                    Some(Denied::OrgUnits(_) | Denied::Unknown) => return Ok(Tried::NotHere),
                    None if !matches!(*failure.why, Why::Forbidden { .. }) => return Err(failure),
                    _ => closed.push(set.clone()),
                }
            }
        }
        Ok(Tried::Read(closed))
    }

    async fn ask(&self, reached: &Reached, unit: &String, sets: &[String]) -> Result<(), Failure> {
        let wanted = Wanted::all(sets, &[self.quarter.to_string()]);
        Box::pin(reached.dhis2.data_values(std::slice::from_ref(unit), &wanted)).await.map(drop)
    }

    /// What is to be said where values came.
    async fn read(&self, reached: &Reached, unit: &String, closed: &[String]) -> Vec<Line> {
        let (all, named) = (reached.sets.len(), closed.iter().map(String::as_str).collect::<Vec<_>>());
        let remedy = "Ask for read access to the data of these data sets (sharing, data: can view).";
        let sets = |n| count(n, "data set", "data sets");
        let refused = format!("The data of {} may not be read: {}.", sets(closed.len()), listed(&named));
        if closed.len() == all {
            return vec![Line::broken(VALUES, refused, remedy)];
        }
        let mut lines = vec![if closed.is_empty() {
            Line::ok(VALUES, format!("The values of {} may be read, tried with {} at {unit}.", sets(all), self.quarter))
        } else {
            Line::look(VALUES, format!("{refused} Their cells get no number."), remedy)
        }];
        let open: Vec<String> = reached.sets.iter().filter(|set| !closed.contains(set)).cloned().collect();
        lines.push(self.complete(reached, reached.completable.first().unwrap_or(unit), &open).await);
        lines
    }

    async fn complete(&self, reached: &Reached, unit: &String, sets: &[String]) -> Line {
        let period = [self.quarter.to_string()];
        let Err(failure) = reached.dhis2.registrations(std::slice::from_ref(unit), sets, &period).await else {
            return Line::ok(COMPLETE, "Which reports are complete may be read.");
        };
        if !matches!(*failure.why, Why::NotFound { .. } | Why::Forbidden { .. } | Why::Refused { .. }) {
            return Line::failed(COMPLETE, &failure);
        }
        let remedy = match denied(&failure) {
            Some(Denied::OrgUnits(_)) => {
                "Ask for organisation units for data capture; which reports are complete hangs on those."
            }
            _ => "Ask for access to completeDataSetRegistrations. Without it reading works.",
        };
        let (happened, _) = failure.parts();
        let sentence = format!(
            "Which reports are complete may not be read, so an absent number is called not reported: {happened}"
        );
        Line::look(COMPLETE, sentence, remedy)
    }
}
