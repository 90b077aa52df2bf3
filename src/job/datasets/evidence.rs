//! From what DHIS2 answered to the candidates of each row: joined, counted, ranked.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Explorer, Looking,
    count::{Counting, Counts},
    credit::Counted,
    names::{Like, sought},
    scope::{Scope, Units},
};
use crate::{
    domain::{
        explored::{Candidate, Element, Entry, SetFacts, rank},
        mapping::{Problem, Row, is_uid},
    },
    io::{
        dhis2::{DataElement, DataSet, DataSetRef},
        http::Failure,
    },
    job::{
        gather::listed,
        server::{Server, optional},
    },
};

/// The data sets that matter, with what is told of each, and who reported in it.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// By id.
    facts: BTreeMap<String, SetFacts>,
    /// As DHIS2 shows them; `None` where it has no such list.
    pub(super) sets: Option<Vec<DataSet>>,
    pub(super) notes: Vec<String>,
}

impl Evidence {
    /// Asks for these data sets, and counts who reported in them. `referred` are those that data elements name, `more` ids of others.
    pub(super) async fn gather(
        explorer: &Explorer,
        (server, scope): (&Server, &Scope),
        referred: &[DataSetRef],
        more: &[String],
        tell: &(dyn Fn(Looking) + Sync),
    ) -> Result<Self, Failure> {
        let dhis2 = &explorer.sources.dhis2;
        let mut facts: BTreeMap<String, SetFacts> = BTreeMap::new();
        for set in referred.iter().filter(|set| is_uid(&set.id)) {
            let (id, name, period_type) = (set.id.clone(), set.name.clone(), set.period_type.clone());
            facts.insert(id.clone(), SetFacts { id, name, period_type, ..SetFacts::default() });
        }
        for id in more.iter().filter(|id| is_uid(id)) {
            facts.entry(id.clone()).or_insert_with(|| SetFacts { id: id.clone(), ..SetFacts::default() });
        }
        let ids: Vec<String> = facts.keys().cloned().collect();
        tell(Looking { step: "data sets", done: 0, of: ids.len() });
        let sets = optional(dhis2.data_sets(&ids).await)?;
        let mut evidence = Self { facts, sets, notes: Vec::new() };
        let counted = evidence.counted(explorer, server);
        let counts = match &scope.places {
            Some(_) if !counted.is_empty() => evidence.count(explorer, (server, scope), &counted, tell).await?,
            _ => Counts::default(),
        };
        evidence.notes.extend(counts.notes.iter().cloned());
        evidence.tell(explorer, scope, &counts);
        Ok(evidence)
    }

    async fn count(
        &mut self,
        explorer: &Explorer,
        (server, scope): (&Server, &Scope),
        counted: &[Counted],
        tell: &(dyn Fn(Looking) + Sync),
    ) -> Result<Counts, Failure> {
        let dhis2 = &explorer.sources.dhis2;
        let units = Units::ask(dhis2, server, scope.units(), &mut self.notes).await?;
        let apart = self.sets.is_none();
        let counting = Counting { dhis2, quarter: explorer.quarter, units: &units, apart };
        counting.count(counted, &|done, of| tell(Looking { step: "reports of the quarter", done, of })).await
    }

    /// The data sets whose reports can be counted for a quarter: quarterly and monthly ones. One whose period type is not told is
    /// taken for quarterly, as a reading takes it.
    ///
    /// Where DHIS2 has no list of data sets each is asked for by itself, so only those that rows or their data elements name are.
    fn counted(&mut self, explorer: &Explorer, server: &Server) -> Vec<Counted> {
        let told: BTreeMap<&str, &DataSet> = self.sets.iter().flatten().map(|set| (set.id.as_str(), set)).collect();
        let shown = |facts: &&SetFacts| self.sets.is_none() || told.contains_key(facts.id.as_str());
        let named = |id: &str| {
            explorer.mapping.rows.iter().any(|row| row.data_set == id)
                || server.elements.iter().flatten().any(|element| element.data_sets.iter().any(|set| set.id == id))
        };
        let (mut counted, mut unknown) = (Vec::new(), Vec::new());
        for facts in self.facts.values().filter(shown) {
            let told = told.get(facts.id.as_str());
            let period_type = told.and_then(|set| set.period_type.as_deref()).or(facts.period_type.as_deref());
            let monthly = match period_type {
                None | Some("Quarterly") => false,
                Some("Monthly") => true,
                Some(_) => continue,
            };
            if self.sets.is_none() && server.elements.is_some() && !named(&facts.id) {
                unknown.push(facts.id.as_str());
                continue;
            }
            let members = told.map(|set| set.elements.clone()).unwrap_or_default();
            let assigned = told.and_then(|set| set.assigned.clone());
            counted.push(Counted { id: facts.id.clone(), monthly, members, assigned });
        }
        let note = (!unknown.is_empty()).then(|| {
            format!(
                "Reports are not counted where DHIS2 does not tell what stands in a data set: {}.",
                listed(&unknown)
            )
        });
        self.notes.extend(note);
        counted
    }

    /// Fills in what was told and counted.
    fn tell(&mut self, explorer: &Explorer, scope: &Scope, counts: &Counts) {
        let places: Option<BTreeSet<&str>> =
            scope.places.as_ref().map(|all| all.iter().map(|place| place.unit.as_str()).collect());
        for set in self.sets.iter().flatten() {
            let Some(facts) = self.facts.get_mut(&set.id) else { continue };
            facts.name.clone_from(&set.name);
            facts.period_type = set.period_type.clone().or(facts.period_type.take());
            let ours = |all: &Vec<String>, places: &BTreeSet<&str>| {
                let assigned: BTreeSet<&str> = all.iter().map(String::as_str).collect();
                assigned.intersection(places).count()
            };
            facts.assigned = set.assigned.as_ref().zip(places.as_ref()).map(|(all, places)| ours(all, places));
        }
        for facts in self.facts.values_mut() {
            facts.reported = counts.reported.get(&facts.id).copied();
            facts.rows = explorer.mapping.rows.iter().filter(|row| row.data_set == facts.id).count();
        }
    }

    /// A data element with each of its data sets; with none where it stands in none.
    pub(super) fn candidates(&self, element: &DataElement, alike: Option<u8>) -> Vec<Candidate> {
        let listed = self.sets.iter().flatten().filter(|set| set.elements.contains(&element.id)).map(|set| &set.id);
        let ids: BTreeSet<&String> = element.data_sets.iter().map(|set| &set.id).chain(listed).collect();
        let found: Vec<Candidate> =
            ids.into_iter().filter_map(|id| self.candidate(&element.id, &element.name, alike, id)).collect();
        if found.is_empty() {
            let (element, element_name) = (element.id.clone(), element.name.clone());
            return vec![Candidate { element, element_name, alike, set: None }];
        }
        found
    }

    /// A data element in one data set; `None` where nothing is known of such a data set.
    pub(super) fn candidate(&self, element: &str, name: &str, alike: Option<u8>, set: &str) -> Option<Candidate> {
        let set = Some(self.facts.get(set)?.clone());
        Some(Candidate { element: element.to_owned(), element_name: name.to_owned(), alike, set })
    }

    /// The candidates of a row whose data element the server keeps to itself: its own data set, as far as that is known to hold it.
    fn untold(&self, row: &Row) -> Vec<Candidate> {
        let holds = |set: &DataSet| set.id == row.data_set && set.elements.contains(&row.data_element);
        let held = self.sets.as_ref().is_none_or(|sets| sets.iter().any(holds));
        let own = self.candidate(&row.data_element, "", None, &row.data_set).filter(|_| held);
        let others = self.sets.iter().flatten().filter(|set| set.id != row.data_set);
        let others = others.filter(|set| set.elements.contains(&row.data_element));
        let others = others.filter_map(|set| self.candidate(&row.data_element, "", None, &set.id));
        own.into_iter().chain(others).collect()
    }

    /// Every row with its candidates.
    pub(super) fn entries(
        &self,
        explorer: &Explorer,
        (server, like): (&Server, &Like),
        problems: &[Problem],
        facilities: Option<usize>,
    ) -> Vec<Entry> {
        let shown: BTreeMap<&str, &DataElement> =
            server.elements.iter().flatten().map(|one| (one.id.as_str(), one)).collect();
        let mut by_line: BTreeMap<u64, Vec<Problem>> = BTreeMap::new();
        for problem in explorer.mapping.problems.iter().chain(problems) {
            by_line.entry(problem.line).or_default().push(problem.clone());
        }
        // Whoever is alike stands there once for each row that looked for that name.
        let alike = |row: &Row| -> Vec<Candidate> {
            let likes = like.get(&sought(row)).into_iter().flatten();
            likes.flat_map(|(alike, element)| self.candidates(element, Some(*alike))).collect()
        };
        let entry = |row: &Row| {
            let (element, mut candidates) = match shown.get(row.data_element.as_str()) {
                Some(found) => (Element::Shown(found.name.clone()), self.candidates(found, None)),
                None if server.elements.is_none() && is_uid(&row.data_element) => (Element::Untold, self.untold(row)),
                None => (Element::Missing, alike(row)),
            };
            rank(&mut candidates, facilities);
            // Names that were too many, or whose request failed, were not looked for.
            let looked = element != Element::Missing || like.contains_key(&sought(row));
            let problems = by_line.get(&row.line).cloned().unwrap_or_default();
            Entry { row: row.clone(), element, candidates, looked, problems }
        };
        explorer.mapping.rows.iter().map(entry).collect()
    }
}
