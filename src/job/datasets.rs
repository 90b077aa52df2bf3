//! The data set explorer: what DHIS2 holds for every row of a mapping, data elements by the words of their names, and what a
//! facility would get. It reads and never writes; what is chosen is for a person to say.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Result, anyhow};

use self::{
    evidence::Evidence,
    held::held,
    matches::Matches,
    names::{Like, like, sought},
    scope::Scope,
};
use super::{
    columns::Known,
    gather::Step,
    lint::lint,
    server::{Server, optional},
    session::Sources,
};
use crate::{
    domain::{
        explored::{Candidate, Explored, Found, HeldAt, rank, words},
        mapping::{Mapping, is_uid},
        quarter::Quarter,
        text::{fit, inert},
    },
    io::dhis2::{DataSetRef, Words},
};

mod count;
mod credit;
mod evidence;
mod held;
mod matches;
mod names;
mod scope;

/// A facility in scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Id of its organisation unit.
    pub unit: String,
    /// Name of its case.
    pub name: String,
}

/// Which facilities count.
#[derive(Clone, Debug)]
pub enum Facilities {
    /// These.
    Known(Arc<[Place]>),
    /// Those of the open cases of this type in `CommCare`: all, or those called so.
    Cases {
        /// Case type.
        case_type: String,
        /// Names or ids; empty for all.
        wanted: Vec<String>,
    },
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looking {
    /// What is being done, in words.
    pub step: &'static str,
    /// How much of it is done.
    pub done: usize,
    /// Of how much; 0 where that is not known.
    pub of: usize,
}

/// Asks both servers about a mapping.
#[derive(Clone, Debug)]
pub struct Explorer {
    /// The servers; of `CommCare` only the cases are read.
    pub sources: Sources,
    /// The mapping.
    pub mapping: Arc<Mapping>,
    /// The quarter.
    pub quarter: Quarter,
    /// The facilities.
    pub facilities: Facilities,
}

/// Most candidates a search tells of.
const MOST: usize = 25;
/// Most data elements a search asks for.
const PAGE: usize = 100;
/// Most data sets a search asks for, each with all its data elements.
const SETS: usize = 10;
/// Most words of a search.
const WORDS: usize = 8;

/// What is said where there is no list of data elements.
const UNTOLD: &str =
    "DHIS2, or a gateway before it, does not tell of data elements, so ids and names cannot be looked up.";
/// The same of data sets.
const SETS_UNTOLD: &str =
    "DHIS2, or a gateway before it, does not tell of data sets, so who they are assigned to is not known.";

impl Explorer {
    /// What DHIS2 holds for every row. `tell` is given every step. The first request goes alone: a wrong password must not be
    /// tried four times at once (fault matrix row D01). Fails where DHIS2 is not reached or refuses the account; what it keeps to
    /// itself is a note, and so is a `CommCare` that is not reached.
    pub async fn explore(&self, tell: &(dyn Fn(Looking) + Sync)) -> Result<Explored> {
        let step = |step, of| tell(Looking { step, done: 0, of });
        step("the server", 0);
        let dhis2 = &self.sources.dhis2;
        let rows = &self.mapping.rows;
        let mut server = self.server().await?;
        let ids: BTreeSet<&String> = rows.iter().map(|row| &row.data_element).filter(|id| is_uid(id)).collect();
        let ids: Vec<String> = ids.into_iter().cloned().collect();
        step("data elements and facilities", ids.len());
        let elements = async { Ok(optional(dhis2.data_elements(&ids).await)?) };
        let scope = async { Ok::<_, anyhow::Error>(Scope::ask(&self.sources, &self.facilities).await?) };
        let (elements, scope) = tokio::try_join!(elements, scope)?;
        let mut notes = [scope.notes.clone(), calendar(&server)].concat();
        server.elements = elements;
        let like = if server.elements.is_some() {
            let shown: BTreeSet<&str> = server.elements.iter().flatten().map(|one| one.id.as_str()).collect();
            let lost = rows.iter().filter(|row| !shown.contains(row.data_element.as_str()));
            let names: BTreeSet<String> = lost.map(sought).filter(|name| !words(name).is_empty()).collect();
            let tell = |done, of| tell(Looking { step: "data elements of like names", done, of });
            like(dhis2, &names, &mut notes, &tell).await?
        } else {
            notes.push(UNTOLD.to_owned());
            Like::new()
        };
        let found = like.values().flatten().map(|(_, element)| element);
        let referred = server.elements.iter().flatten().chain(found).flat_map(|element| element.data_sets.clone());
        let referred: Vec<DataSetRef> = referred.collect();
        let named: Vec<String> = rows.iter().map(|row| row.data_set.clone()).collect();
        let evidence = Box::pin(Evidence::gather(self, (&server, &scope), &referred, &named, tell)).await?;
        notes.extend(evidence.notes.iter().cloned());
        notes.extend(evidence.sets.is_none().then(|| SETS_UNTOLD.to_owned()));
        let known = Known { elements: server.elements.as_deref(), sets: evidence.sets.as_deref() };
        let (problems, facilities) = (lint(&self.mapping, known), scope.places.as_ref().map(Vec::len));
        let rows = evidence.entries(self, (&server, &like), &problems, facilities);
        Ok(Explored { quarter: self.quarter, facilities, rows, notes })
    }

    /// Data elements whose names or ids hold these words, and those of data sets whose names do, each with its data sets; the likest
    /// first. Facilities that are known already save the listing of `CommCare`.
    pub async fn search(&self, text: &str) -> Result<Found> {
        let mut found = Found { words: text.to_owned(), ..Found::default() };
        let mut wanted = words(text);
        if wanted.len() > WORDS {
            let unused = inert(&wanted.split_off(WORDS).join(" ")).into_owned();
            found.notes.push(format!("Only the first {WORDS} words were looked for, and not: {}.", fit(&unused, 60)));
        }
        if wanted.is_empty() {
            found.notes.push("There is no word to look for: a word has letters or digits.".to_owned());
            return Ok(found);
        }
        let dhis2 = &self.sources.dhis2;
        let server = self.server().await?;
        let wanted = Words::Every(&wanted);
        let elements = async { Ok(optional(dhis2.elements_called(wanted, PAGE).await)?) };
        let sets = async { Ok(optional(dhis2.sets_called(wanted, SETS).await)?) };
        let scope = async { Ok::<_, anyhow::Error>(Scope::ask(&self.sources, &self.facilities).await?) };
        let (elements, sets, scope) = tokio::try_join!(elements, sets, scope)?;
        found.notes.extend([scope.notes.clone(), calendar(&server)].concat());
        if elements.as_ref().is_some_and(|hits| hits.open) || sets.as_ref().is_some_and(|hits| hits.open) {
            found
                .notes
                .push("DHIS2 does not say how many it found; perhaps there are more. Search by more words.".to_owned());
        }
        found.notes.extend(elements.is_none().then(|| UNTOLD.to_owned()));
        let mut hits = Matches::default();
        hits.take(text, elements.unwrap_or_default(), sets.unwrap_or_default());
        let (best, more) = hits.best(MOST);
        found.more = more;
        let referred: Vec<DataSetRef> = best.iter().filter_map(|one| one.set.clone()).collect();
        let silent = |_: Looking| {};
        let evidence = Box::pin(Evidence::gather(self, (&server, &scope), &referred, &[], &silent)).await?;
        found.notes.extend(evidence.notes.iter().cloned());
        found.candidates = best.into_iter().map(|one| one.candidate(&evidence)).collect();
        rank(&mut found.candidates, scope.places.as_ref().map(Vec::len));
        Ok(found)
    }

    /// What a facility holds of these candidates in the quarter and in each of its months. Nothing stored, no entry. Data
    /// elements in no data set cannot be asked for.
    pub async fn values(&self, place: &Place, candidates: &[Candidate]) -> Result<HeldAt> {
        let (mut elements, mut sets) = (BTreeSet::new(), BTreeSet::new());
        for candidate in candidates.iter().filter(|one| is_uid(&one.element) && is_uid(one.set_id())) {
            elements.insert(candidate.element.clone());
            sets.insert(candidate.set_id().to_owned());
        }
        Ok(held(&self.sources.dhis2, self.quarter, place, &elements, &sets).await?)
    }

    /// The facilities in scope, by name. Fails where they are not known, as without `CommCare`.
    pub async fn places(&self) -> Result<Vec<Place>> {
        let scope = Scope::ask(&self.sources, &self.facilities).await?;
        scope.places.ok_or_else(|| anyhow!("{}", scope.notes.join(" ")))
    }

    /// What DHIS2 says of itself and of the account; of that nothing is asked twice.
    async fn server(&self) -> Result<Server> {
        let (dhis2, silent) = (&self.sources.dhis2, |_: Step| {});
        let info = Server::first(dhis2, &silent).await?.unwrap_or_default();
        let me = optional(dhis2.me().await)?;
        Ok(Server { info, me, ..Server::default() })
    }
}

/// What is to be said of a server that counts in another calendar (fault matrix row Q05).
fn calendar(server: &Server) -> Vec<String> {
    match server.info.calendar.as_deref() {
        None | Some("iso8601" | "gregorian" | "") => Vec::new(),
        Some(calendar) => {
            vec![format!("DHIS2 counts in the {} calendar; the quarter is one of that calendar.", inert(calendar))]
        }
    }
}
