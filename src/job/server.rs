//! What DHIS2 says of itself, of the account and of the mapping, before any value is asked for. A gateway may keep part of it to
//! itself; then less is told apart, and that is said once.

use std::collections::{BTreeSet, HashSet};

use anyhow::{Result, bail};

use super::{
    columns::Known,
    gather::{Step, listed},
};
use crate::{
    domain::{mapping::Row, text::inert},
    io::{
        dhis2::{Attributes, DataElement, DataSet, Dhis2, Me, OrgUnit, SystemInfo, UnitRef},
        http::{Failure, Why},
    },
};

/// The release lines this program was tested with.
pub(super) const TESTED: std::ops::RangeInclusive<u32> = 30..=43;

/// What was learned before the values.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) info: SystemInfo,
    pub(super) me: Option<Me>,
    pub(super) elements: Option<Vec<DataElement>>,
    pub(super) sets: Option<Vec<DataSet>>,
    /// What the reviewer should know, one sentence each.
    pub(super) notes: Vec<String>,
}

/// `None` where the server has no such resource, or keeps it to itself; any other failure stays one.
pub(super) fn optional<T>(got: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match got {
        Ok(got) => Ok(Some(got)),
        Err(failure) if matches!(*failure.why, Why::NotFound { .. } | Why::Forbidden { .. } | Why::Refused { .. }) => {
            tracing::info!(%failure, "going on without");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// One list, with what happens to the request for it.
pub(super) async fn named<T>(
    ask: impl Future<Output = Result<T, Failure>>,
    tell: &(dyn Fn(Step) + Sync),
) -> Result<Option<T>, Failure> {
    tell(Step::Asked);
    let got = ask.await;
    tell(if got.is_ok() { Step::Answered(0) } else { Step::Unanswered });
    optional(got)
}

impl Server {
    /// Asks. The first request goes alone: a wrong password must not be tried four times at once (fault matrix row D01).
    /// `guessed` says that the quarter was worked out from a date, which cannot be done in another calendar (row Q05).
    pub(super) async fn ask(dhis2: &Dhis2, rows: &[&Row], guessed: bool, tell: &(dyn Fn(Step) + Sync)) -> Result<Self> {
        let info = Self::first(dhis2, tell).await?;
        let mut notes = Vec::new();
        let calendar = info.as_ref().and_then(|info| info.calendar.as_deref()).map(inert);
        match calendar.as_deref() {
            None | Some("iso8601" | "gregorian" | "") => {}
            Some(calendar) if guessed => bail!(
                "this DHIS2 server counts in the {calendar} calendar, so which quarter it has just collected cannot be worked out \
                 from today's date; nothing was read. Name the quarter as DHIS2 does: --period 2018Q3"
            ),
            Some(calendar) => {
                notes.push(format!("DHIS2 counts in the {calendar} calendar; the quarter is one of that calendar"));
            }
        }
        let distinct = |id: fn(&Row) -> &String| -> Vec<String> {
            rows.iter().map(|row| id(row).clone()).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let (elements, sets) = (distinct(|row| &row.data_element), distinct(|row| &row.data_set));
        let (me, elements, sets) = tokio::try_join!(
            named(dhis2.me(), tell),
            named(dhis2.data_elements(&elements), tell),
            named(dhis2.data_sets(&sets), tell)
        )?;
        let server = Self { info: info.unwrap_or_default(), me, elements, sets, notes };
        Ok(server.told())
    }

    /// What DHIS2 says of itself: the request that goes alone.
    pub(super) async fn first(dhis2: &Dhis2, tell: &(dyn Fn(Step) + Sync)) -> Result<Option<SystemInfo>, Failure> {
        match dhis2.system_info().await {
            // So a token is refused that is none (dhis2.md section 6): nothing else would be told either.
            Err(failure) if matches!(*failure.why, Why::Refused { status: 400, .. }) => Err(failure),
            info => named(std::future::ready(info), tell).await,
        }
    }

    fn told(mut self) -> Self {
        let version = self.info.version.as_deref().unwrap_or_default();
        self.notes.extend(untested(version).map(|why| format!("{why}; look closely before sending")));
        let missing: Vec<&str> = [
            (self.elements.is_none(), "data elements"),
            (self.sets.is_none(), "data sets"),
            (self.me.is_none(), "the account"),
        ]
        .into_iter()
        .filter_map(|(missing, what)| missing.then_some(what))
        .collect();
        if !missing.is_empty() {
            let apart = if self.known().membership() {
                "absent numbers are told apart less well"
            } else {
                "each data set was asked for by itself, and an absent number is called not reported whatever the reason"
            };
            self.notes.push(format!("DHIS2, or a gateway before it, does not tell of {}; {apart}", missing.join(", ")));
        }
        for set in self.sets.iter().flatten() {
            let hidden: Vec<&str> = set.attributes.iter().flat_map(Attributes::hidden).collect();
            if !hidden.is_empty() {
                self.notes.push(format!(
                    "this account may not read part of data set {} {}: {}; its totals may be too low",
                    set.id,
                    inert(&set.name),
                    inert(&listed(&hidden))
                ));
            }
        }
        self
    }

    /// What DHIS2 says that the account may not read of each data set.
    pub(super) fn hidden(&self) -> BTreeSet<(&str, &str)> {
        let sets = self.sets.iter().flatten();
        sets.flat_map(|set| set.attributes.iter().flat_map(Attributes::hidden).map(|name| (set.id.as_str(), name)))
            .collect()
    }

    /// What it says of the mapping.
    pub(super) fn known(&self) -> Known<'_> {
        Known { elements: self.elements.as_deref(), sets: self.sets.as_deref() }
    }

    /// What units the account reaches.
    pub(super) fn reach(&self) -> Reach<'_> {
        // An account whose units are kept from us reaches nobody knows where.
        Reach { me: self.me.as_ref().filter(|me| !me.hides_units), release: self.info.release() }
    }
}

/// What is to be said of a server that says this version, empty where it says none; `None` where this program was tested with it
/// (fault matrix row D26).
pub(super) fn untested(version: &str) -> Option<String> {
    let info = SystemInfo { version: Some(version.to_owned()), ..SystemInfo::default() };
    let name = inert(version);
    match info.release() {
        Some(release) if TESTED.contains(&release) => None,
        Some(_) => Some(format!("DHIS2 {name} is not one of the versions this program was tested with (2.30 to 2.43)")),
        None if name.is_empty() => {
            Some("DHIS2 does not say its version; this program was tested with 2.30 to 2.43".to_owned())
        }
        None => Some(format!(
            "DHIS2 says a version that is not understood, {name}; this program was tested with 2.30 to 2.43"
        )),
    }
}

/// How far down the tree of organisation units an account sees (dhis2.md section 1.3).
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<'a> {
    me: Option<&'a Me>,
    release: Option<u32>,
}

impl Reach<'_> {
    /// Whether data values of this unit may be read; true where that is not known beforehand.
    pub(super) fn values(&self, unit: &OrgUnit) -> bool {
        let Some(me) = self.me else { return true };
        let below_capture = below(&me.organisation_units, unit);
        let below_view = if me.data_view_organisation_units.is_empty() {
            below_capture
        } else {
            below(&me.data_view_organisation_units, unit)
        };
        match self.release {
            Some(43..) => self.sees_all() || below_capture,
            Some(37..=42) => below_view,
            Some(..=33) => below_capture,
            // Patches of these lines differ: what either allows is asked for.
            _ => self.sees_all() || below_capture || below_view,
        }
    }

    /// Whether it may be asked which reports of this unit are complete; they hang on where the account may enter data.
    pub(super) fn completeness(&self, unit: &OrgUnit) -> bool {
        self.me.is_none_or(|me| self.sees_all() || below(&me.organisation_units, unit))
    }

    /// From 2.43 on a superuser is not asked for units.
    fn sees_all(&self) -> bool {
        let superuser = self.me.is_some_and(|me| me.authorities.iter().any(|authority| authority == "ALL"));
        superuser && self.release.is_none_or(|release| release >= 43)
    }
}

/// Whether a unit is one of these or stands below one. A unit without a path may.
fn below(tops: &[UnitRef], unit: &OrgUnit) -> bool {
    let tops: HashSet<&str> = tops.iter().map(|top| top.id.as_str()).collect();
    unit.path.is_empty() || unit.path.split('/').chain([unit.id.as_str()]).any(|part| tops.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reach_of_an_account_by_version() {
        let unit = |path: &str| OrgUnit { id: "U".to_owned(), path: path.to_owned(), ..OrgUnit::default() };
        let tops = |ids: &[&str]| ids.iter().map(|id| UnitRef { id: (*id).to_owned(), path: String::new() }).collect();
        let me = |capture: &[&str], view: &[&str], authority: &str| Me {
            organisation_units: tops(capture),
            data_view_organisation_units: tops(view),
            authorities: vec![authority.to_owned()],
            ..Me::default()
        };
        let inside = unit("/root/district/U");
        for (me, [v30, v34, v40, v43, unknown], complete) in [
            (me(&["root"], &[], ""), [true; 5], true),
            (me(&["district"], &["root"], ""), [true; 5], true),
            (me(&["other"], &["root"], ""), [false, true, true, false, true], false),
            (me(&["root"], &["other"], ""), [true, true, false, true, true], true),
            (me(&[], &[], ""), [false; 5], false),
            (me(&[], &[], "ALL"), [false, false, false, true, true], false),
        ] {
            for (release, seen) in [(30, v30), (34, v34), (40, v40), (43, v43)] {
                let reach = Reach { me: Some(&me), release: Some(release) };
                assert_eq!(reach.values(&inside), seen, "{me:?} in {release}");
                let complete = complete || release == 43 && me.authorities == ["ALL"];
                assert_eq!(reach.completeness(&inside), complete, "{me:?} in {release}");
            }
            assert_eq!(Reach { me: Some(&me), release: None }.values(&inside), unknown, "{me:?}");
        }
        assert!(Reach { me: None, release: Some(40) }.values(&inside));
        assert!(Reach { me: Some(&me(&["other"], &[], "")), release: Some(40) }.values(&unit("")));
    }
}
