//! DHIS2: which organisation units the account reaches, and which data elements and data sets of the mapping it is shown
//! (dhis2.md sections 1.3, 2 and 3). Where the server is and what it says of itself is next door.

use std::collections::BTreeSet;

use super::{Check, Line, address, capital, count, facts};
use crate::{
    domain::{
        finer,
        mapping::{Problem, Row},
    },
    io::{
        dhis2::{Attributes, DataSet, Dhis2, Me, Spelling, SystemInfo, Told, UnitRef},
        http::Failure,
    },
    job::{
        columns::{Column, Known, columns},
        gather::listed,
        lint::{About, findings},
        server::optional,
    },
};

const UNITS: &str = "DHIS2 units";
const MAPPING: &str = "DHIS2 mapping";
const SETS: &str = "DHIS2 sets";

/// Most lines for one kind of trouble.
const MOST: usize = 20;

/// What was found, and what values are asked through.
#[derive(Default)]
pub(super) struct Source {
    pub(super) lines: Vec<Line>,
    pub(super) reached: Option<Reached>,
    /// The spelling that answers, where it is not the one of the profile.
    pub(super) turned: Option<Spelling>,
}

/// A server that can be asked for values.
pub(super) struct Reached {
    pub(super) dhis2: Dhis2,
    /// The mapped data sets that may be asked for, in a fixed order.
    pub(super) sets: Vec<String>,
    /// Units below which values may be read; `None` where that is not known beforehand.
    pub(super) readable: Option<Vec<String>>,
    /// Units below which it may be asked which reports are complete.
    pub(super) completable: Vec<String>,
    /// Units that report on a mapped data set; a few.
    pub(super) assigned: Vec<String>,
}

impl Check<'_> {
    /// Everything but whether values may be read.
    pub(super) async fn source(&self) -> Source {
        let Some((secret, way)) = &self.dhis2 else { return Source::default() };
        let mut lines = Vec::new();
        let Some((dhis2, told, turned)) = self.reach(secret, way, &mut lines).await else {
            return Source { lines, ..Source::default() };
        };
        lines.push(address::signed_in(self.profile, secret, &dhis2, &told));
        lines.extend(facts::lines(&dhis2, told.info.as_ref(), (self.clock)()));
        let Ok((units, readable)) = self.units(&dhis2, &told).await.map_err(|failure| {
            lines.push(Line::failed(UNITS, &failure));
        }) else {
            return Source { lines, reached: None, turned };
        };
        lines.push(units);
        let completable = told.me.iter().flat_map(|me| me.organisation_units.iter().map(|unit| unit.id.clone()));
        let (completable, able) = (completable.collect(), readable.as_ref().is_none_or(|units| !units.is_empty()));
        match self.mapped(&dhis2, &mut lines).await {
            Ok((sets, assigned)) if able => {
                let reached = Reached { dhis2, sets, readable, completable, assigned };
                Source { lines, reached: Some(reached), turned }
            }
            Ok(_) => Source { lines, reached: None, turned },
            Err(failure) => {
                lines.push(Line::failed(MAPPING, &failure));
                Source { lines, reached: None, turned }
            }
        }
    }

    /// Where the account may look; with it the ids of the units, `None` where they are not known.
    async fn units(&self, dhis2: &Dhis2, told: &Told) -> Result<(Line, Option<Vec<String>>), Failure> {
        let Some(me) = &told.me else {
            let line = Line::look(
                UNITS,
                "Which organisation units the account reaches is not told.",
                "Facilities out of its reach show themselves when values are read.",
            );
            return Ok((line, None));
        };
        let release = told.info.as_ref().and_then(SystemInfo::release);
        let superuser = me.authorities.iter().any(|authority| authority == "ALL");
        let tops = tops(me, release);
        if superuser && release.is_some_and(|release| release >= 43) {
            return Ok((
                Line::ok(UNITS, "A superuser: every organisation unit."),
                Some(tops).filter(|t| !t.is_empty()),
            ));
        }
        if tops.is_empty() {
            let line = unplaced(superuser, release);
            // Only of a version that is not known can it not be said.
            let readable = if superuser && release.is_none() { None } else { Some(tops) };
            return Ok((line, readable));
        }
        let asked: Vec<String> = tops.iter().take(10).cloned().collect();
        let names: Vec<String> = optional(dhis2.org_units(&asked).await)?
            .into_iter()
            .flatten()
            .map(|unit| if unit.name.is_empty() { unit.id } else { dhis2.clean(&unit.name) })
            .collect();
        let shown: Vec<&str> = names.iter().map(String::as_str).collect();
        let sentence = match (tops.len(), shown.as_slice()) {
            (n, []) => format!("The account reads below {}.", count(n, "organisation unit", "organisation units")),
            (1, _) => format!("The account reads below {}.", listed(&shown)),
            (n, _) => format!("The account reads below {n} organisation units: {}.", listed(&shown)),
        };
        Ok((Line::ok(UNITS, sentence), Some(tops)))
    }

    /// The mapping against what the server shows; gives the data sets to ask for, and units that report on them.
    async fn mapped(&self, dhis2: &Dhis2, lines: &mut Vec<Line>) -> Result<(Vec<String>, Vec<String>), Failure> {
        let ids = |id: fn(&Row) -> &String| -> Vec<String> {
            self.rows.iter().map(|row| id(row).clone()).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let all = ids(|row| &row.data_set);
        if all.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let elements = optional(dhis2.data_elements(&ids(|row| &row.data_element)).await)?;
        let sets = optional(dhis2.data_sets(&all).await)?;
        if elements.is_none() && sets.is_none() {
            lines.push(Line::look(
                MAPPING,
                "Names, period types and members of data elements and data sets are not told, so the mapping cannot be checked.",
                "Reading works; an absent number is called not reported whatever the reason.",
            ));
            return Ok((all, Vec::new()));
        }
        let known = Known { elements: elements.as_deref(), sets: sets.as_deref() };
        let (columns, left_out) = columns(self.rows.iter().copied(), known);
        // Period types are told by data set, below.
        let told = findings(self.rows, known).into_iter().filter(|finding| finding.about != About::Period);
        let told: Vec<Problem> = told.map(|finding| finding.problem).collect();
        lines.extend(shown(self.rows.len(), left_out.len(), &told, dhis2));
        let used: BTreeSet<String> = columns.iter().map(|column| column.property.data_set.clone()).collect();
        lines.extend(timed(&columns, dhis2));
        lines.extend(sets.iter().flatten().filter(|set| used.contains(&set.id)).filter_map(|set| hidden(set, dhis2)));
        let assigned: BTreeSet<&String> = sets
            .iter()
            .flatten()
            .filter(|set| used.contains(&set.id))
            .flat_map(|set| set.assigned.iter().flatten())
            .collect();
        Ok((used.into_iter().collect(), assigned.into_iter().take(3).cloned().collect()))
    }
}

/// Units below which values are read, by version (dhis2.md section 1.3).
fn tops(me: &Me, release: Option<u32>) -> Vec<String> {
    let (capture, view) = (&me.organisation_units, &me.data_view_organisation_units);
    let ids = |units: &[UnitRef]| units.iter().map(|unit| unit.id.clone()).collect::<Vec<_>>();
    match release {
        Some(43.. | ..=33) => ids(capture),
        _ if view.is_empty() => ids(capture),
        _ => ids(view),
    }
}

fn unplaced(superuser: bool, release: Option<u32>) -> Line {
    let remedy = "Ask an administrator to give it the country as organisation unit for data capture and for data view.";
    match (superuser, release) {
        (true, None) => Line::look(
            UNITS,
            "This superuser has no organisation unit; only DHIS2 2.43 and later reads values for such an account.",
            remedy,
        ),
        (true, Some(release)) => Line::broken(
            UNITS,
            format!(
                "This superuser has no organisation unit, and DHIS2 2.{release} then reads no value at all for it; that is so up to 2.42."
            ),
            remedy,
        ),
        (false, _) => {
            Line::broken(UNITS, "The account has no organisation unit, so it may read no value at all.", remedy)
        }
    }
}

/// Which rows the server bears out, and what it says against some.
fn shown(rows: usize, left_out: usize, problems: &[Problem], dhis2: &Dhis2) -> Vec<Line> {
    let remedy = "Mend the ids in the mapping, or ask that the account may see these data elements and data sets.";
    let first = if left_out == 0 {
        Line::ok(MAPPING, format!("All {rows} data elements are shown, each in its data set."))
    } else {
        let borne = rows - left_out;
        let usable = count(rows, "usable row", "usable rows");
        let sentence = format!("DHIS2 bears out {borne} of {usable}; the others are left out.");
        let line = if borne == 0 { Line::wrong } else { Line::look };
        line(MAPPING, sentence, remedy.to_owned())
    };
    let each =
        problems.iter().take(MOST).map(|problem| Line::look(MAPPING, dhis2.clean(&capital(&problem.to_string())), ""));
    let more = problems.len().saturating_sub(MOST);
    let rest = (more > 0).then(|| Line::look(MAPPING, format!("And {more} more of this kind."), ""));
    std::iter::once(first).chain(each).chain(rest).collect()
}

/// The period types of the mapped data sets.
fn timed(columns: &[Column], dhis2: &Dhis2) -> Vec<Line> {
    let sets: BTreeSet<&str> = columns.iter().map(|column| column.property.data_set.as_str()).collect();
    let mut lines = Vec::new();
    for set in &sets {
        let of = || columns.iter().filter(|column| column.property.data_set == *set);
        let Some(column) = of().next().filter(|column| column.period_type.as_deref() != Some("Quarterly")) else {
            continue;
        };
        let name = dhis2.clean(format!("{set} {}", column.property.data_set_name).trim());
        let Some(period_type) = &column.period_type else {
            let sentence =
                format!("The period type of data set {name} is not told; what it holds for the quarter is taken.");
            lines.push(Line::look(SETS, sentence, ""));
            continue;
        };
        lines.push(match finer::choices(&name, period_type, of().map(|column| column.aggregation_type.as_str())) {
            Ok(_) => Line::look(
                SETS,
                format!(
                    "Data set {name} is {}: a quarter of it has to be made of its months.",
                    dhis2.clean(period_type)
                ),
                format!("Choose how, such as: onse plan --finer {set}=by-type (or sum, last, average, leave-out)"),
            ),
            Err(why) => Line::look(
                SETS,
                dhis2.clean(&format!("Data set {why}.")),
                "Its rows get no number: map them to a quarterly data set, or take them out of the mapping.",
            ),
        });
    }
    if lines.is_empty() && !sets.is_empty() {
        lines.push(Line::ok(SETS, format!("{} in use, Quarterly.", count(sets.len(), "data set", "data sets"))));
    }
    lines
}

/// Parts of a data set the account may not know.
fn hidden(set: &DataSet, dhis2: &Dhis2) -> Option<Line> {
    let hidden: Vec<&str> = set.attributes.iter().flat_map(Attributes::hidden).collect();
    let sentence = format!(
        "Part of data set {} {} may not be read: {}; DHIS2 leaves it out without a word, so totals may be too low.",
        set.id,
        set.name,
        listed(&hidden)
    );
    let remedy = "Ask that the account may read the data of these category options.";
    (!hidden.is_empty()).then(|| Line::look(SETS, dhis2.clean(&sentence), remedy))
}
