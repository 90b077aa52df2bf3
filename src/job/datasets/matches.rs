//! What a search by words found, before anything is asked of it.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use crate::{
    domain::{
        explored::{Candidate, alike},
        mapping::is_uid,
    },
    io::dhis2::{DataElement, DataSetRef, Hits, SetWithElements},
};

/// Most data elements that are told of one data set.
const OF_A_SET: usize = 25;

/// A data element, perhaps with a data set.
#[derive(Clone, Debug)]
pub(super) struct Match {
    element: String,
    name: String,
    alike: u8,
    pub(super) set: Option<DataSetRef>,
}

impl Match {
    /// With what is known of its data set.
    pub(super) fn candidate(self, evidence: &Evidence) -> Candidate {
        let known = self.set.and_then(|set| evidence.candidate(&self.element, &self.name, Some(self.alike), &set.id));
        known.unwrap_or(Candidate {
            element: self.element,
            element_name: self.name,
            alike: Some(self.alike),
            set: None,
        })
    }
}

/// All that matches, each pair of data element and data set once.
#[derive(Debug, Default)]
pub(super) struct Matches {
    found: BTreeMap<(String, String), Match>,
    /// How many the server has beside what it told.
    untold: usize,
}

impl Matches {
    /// Takes in data elements and data sets that match `text`.
    pub(super) fn take(&mut self, text: &str, elements: Hits<DataElement>, sets: Hits<SetWithElements>) {
        self.untold = elements.total.saturating_sub(elements.first.len());
        for element in elements.first {
            let own = element.id.eq_ignore_ascii_case(text.trim());
            let alike = if own { 100 } else { alike(text, &element.name) };
            let one = |set| Match { element: element.id.clone(), name: element.name.clone(), alike, set };
            if element.data_sets.is_empty() {
                self.add(one(None));
            }
            for set in element.data_sets.clone() {
                self.add(one(Some(set)));
            }
        }
        for set in sets.first {
            let own = if set.id.eq_ignore_ascii_case(text.trim()) { 100 } else { alike(text, &set.name) };
            let elements: Vec<_> = set.elements().filter(|element| is_uid(&element.id)).collect();
            self.untold += elements.len().saturating_sub(OF_A_SET);
            let (id, name, period_type) = (set.id.clone(), set.name.clone(), set.period_type.clone());
            let place = DataSetRef { id, name, period_type, ..DataSetRef::default() };
            for element in elements.into_iter().take(OF_A_SET) {
                self.add(Match {
                    element: element.id.clone(),
                    name: element.name.clone(),
                    alike: own.max(alike(text, &element.name)),
                    set: Some(place.clone()),
                });
            }
        }
    }

    /// Adds one; ids that are none could not be written into a mapping.
    fn add(&mut self, one: Match) {
        let set = one.set.as_ref().map_or("", |set| set.id.as_str());
        if !is_uid(&one.element) || !(set.is_empty() || is_uid(set)) {
            return;
        }
        let key = (one.element.clone(), set.to_owned());
        let better = |kept: &Match| kept.alike < one.alike;
        if self.found.get(&key).is_none_or(better) {
            self.found.insert(key, one);
        }
    }

    /// The likest, at most `most`, and how many more there are.
    pub(super) fn best(self, most: usize) -> (Vec<Match>, usize) {
        let mut all: Vec<Match> = self.found.into_values().collect();
        all.sort_by(|a, b| b.alike.cmp(&a.alike).then_with(|| (&a.name, &a.element).cmp(&(&b.name, &b.element))));
        let more = all.len().saturating_sub(most) + self.untold;
        all.truncate(most);
        (all, more)
    }
}
