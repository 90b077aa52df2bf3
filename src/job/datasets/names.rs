//! Data elements whose names are like the one a row has, for rows whose data element is not shown.

use std::collections::{BTreeMap, BTreeSet};

use tokio::task::JoinSet;

use crate::{
    domain::{
        explored::{alike, telling},
        mapping::{Row, is_uid},
        text::{fit, inert},
    },
    io::{
        dhis2::{DataElement, Dhis2, Hits, Words},
        http::{Failure, TOGETHER, Why},
    },
};

/// Most names that are looked for: each costs a request.
const NAMES: usize = 40;

/// Most names of one answer that are compared.
const PAGE: usize = 200;

/// By how many words of a name it is looked for.
const TELLING: usize = 4;

/// Most data elements that are shown for a row.
const BEST: usize = 5;
/// How like a name has to be, in percent: below it, names share little but words such as "number" and "catchment".
const LIKE: u8 = 50;

/// Data elements of like names with how like they are, best first, by the name that was looked for.
pub(super) type Like = BTreeMap<String, Vec<(u8, DataElement)>>;

/// The name a row is looked for by: what DHIS2 called the data element, else the words of its property.
pub(super) fn sought(row: &Row) -> String {
    if row.name.is_empty() {
        let property = row.property.strip_prefix("dhis_").unwrap_or(&row.property);
        return property.replace('_', " ");
    }
    row.name.clone()
}

/// Looks for these names, each once. What fails is a note, but for a sign-in that is refused.
pub(super) async fn like(
    dhis2: &Dhis2,
    names: &BTreeSet<String>,
    notes: &mut Vec<String>,
    tell: &(dyn Fn(usize, usize) + Sync),
) -> Result<Like, Failure> {
    let mut found = Like::new();
    let mut waiting = names.iter().take(NAMES);
    let all = waiting.len();
    let mut asked = JoinSet::new();
    tell(0, all);
    loop {
        while asked.len() < TOGETHER
            && let Some(name) = waiting.next()
        {
            let (dhis2, name) = (dhis2.clone(), name.clone());
            asked.spawn(async move {
                let words = telling(&name, TELLING);
                let hits = dhis2.elements_called(Words::Any(&words), PAGE).await;
                (name, hits)
            });
        }
        let Some(answer) = asked.join_next().await else { break };
        // One that does not come can only have been stopped with everything else.
        let Ok((name, hits)) = answer else { continue };
        match hits {
            Ok(hits) => {
                notes.extend(cut(&name, &hits));
                found.insert(name.clone(), best(&name, hits.first));
            }
            Err(failure) if matches!(*failure.why, Why::SignIn { .. }) => return Err(failure),
            Err(failure) => notes.push(format!("Data elements like {} were not looked for. {failure}", quoted(&name))),
        }
        tell(found.len(), all);
    }
    let more = names.len() - all;
    if more > 0 {
        notes.push(format!(
            "Data elements of like names were looked for {NAMES} names alone; {more} more rows' names were not. Mend some rows, or search for them by words."
        ));
    }
    Ok(found)
}

/// What is to be said where more names have one of the words than were compared.
fn cut(name: &str, hits: &Hits<DataElement>) -> Option<String> {
    if hits.open && hits.total <= PAGE {
        return Some(format!(
            "Perhaps more than the {PAGE} data elements that were compared have a word of {}; search by its words to see others.",
            quoted(name)
        ));
    }
    (hits.total > PAGE).then(|| {
        format!(
            "Of {} data elements with a word of {} the first {PAGE} were compared; search by its words to see others.",
            hits.total,
            quoted(name)
        )
    })
}

/// The likest, each with how like it is. An id that is none could not be written into a mapping.
fn best(name: &str, elements: Vec<DataElement>) -> Vec<(u8, DataElement)> {
    let mut ranked: Vec<(u8, DataElement)> = elements
        .into_iter()
        .filter(|element| is_uid(&element.id))
        .map(|element| (alike(name, &element.name), element))
        .filter(|(alike, _)| *alike >= LIKE)
        .collect();
    ranked.sort_by(|(a, one), (b, other)| b.cmp(a).then_with(|| (&one.name, &one.id).cmp(&(&other.name, &other.id))));
    ranked.truncate(BEST);
    ranked
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", fit(&inert(name), 60))
}
