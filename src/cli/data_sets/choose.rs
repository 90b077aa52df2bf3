//! Ids that a person typed, against the mapping and what DHIS2 says. What does not fit is refused as a whole, with what would fit.

use anyhow::Result;

use super::super::{args, exit::usage, here::unlined, out::say};
use crate::domain::{
    explored::{Candidate, Element, Entry, Explored},
    mapping::{Change, Changed, Choice, DATA_SET, ELEMENT, Mapping, Row, is_uid},
    nearest::nearest,
    text::inert,
};

/// Names told at most.
const MOST: usize = 12;

/// A choice with the row it is for.
pub(super) struct Chosen<'a> {
    row: &'a Row,
    ids: &'a args::Chosen,
}

impl Chosen<'_> {
    /// The line of its row.
    pub(super) fn line(&self) -> u64 {
        self.row.line
    }

    /// The data element it leaves in the row.
    fn element(&self) -> &str {
        self.ids.data_element.as_deref().unwrap_or(&self.row.data_element)
    }

    /// What of another explored mapping is about its row.
    fn entry<'e>(&self, explored: &'e Explored) -> Option<&'e Entry> {
        explored.rows.iter().find(|entry| entry.row.line == self.row.line)
    }
}

/// Each choice with its row, one for a property. No server is asked.
pub(super) fn rows<'a>(asked: &'a [args::Chosen], mapping: &'a Mapping) -> Result<Vec<Chosen<'a>>> {
    let (mut found, mut wrong) = (Vec::<Chosen<'a>>::new(), Vec::new());
    for ids in asked {
        let property = &ids.property;
        if let Some(before) = found.iter().find(|one| one.ids.property == *property) {
            let twice = || format!("{property}: two different choices were given for it; give one.");
            wrong.extend((before.ids != ids).then(twice));
            continue;
        }
        let no_ids = ids.data_element.iter().chain([&ids.data_set]).filter(|id| !is_uid(id));
        wrong.extend(no_ids.map(|id| {
            format!("{property}: \"{id}\" is no id; an id is a letter followed by ten letters or digits, such as asCqjKclllu.")
        }));
        let rows: Vec<&Row> = mapping.rows.iter().filter(|row| row.property == *property).collect();
        match rows.as_slice() {
            [row] => found.push(Chosen { row, ids }),
            [] => wrong.push(unknown(property, mapping)),
            several => {
                let lines: Vec<String> = several.iter().map(|row| row.line.to_string()).collect();
                let lines = lines.join(", ");
                wrong.push(format!("{property}: it stands on lines {lines}; keep one of these rows first."));
            }
        }
    }
    refused(&wrong)?;
    Ok(found)
}

fn refused(wrong: &[String]) -> Result<()> {
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(usage(wrong.iter().map(|one| format!("--choose {one}")).collect::<Vec<_>>().join("\n")))
    }
}

fn unknown(property: &str, mapping: &Mapping) -> String {
    let names = mapping.properties();
    let hint = match nearest(property, names.iter().copied()) {
        Some(close) => format!("Perhaps {close} is meant."),
        None => format!("It has: {}.", some(names.into_iter().map(str::to_owned))),
    };
    format!("{property}: the mapping has no row for this property. {hint}")
}

/// The first few, and how many more there are.
fn some(texts: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = texts.collect();
    let more = all.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", all.into_iter().take(MOST).collect::<Vec<_>>().join(", "))
}

/// The mapping with what was chosen, whether it fits or not.
pub(super) fn with(chosen: &[Chosen<'_>], mapping: &Mapping) -> Result<Changed> {
    let choice = |one: &Chosen<'_>| {
        let (data_element, data_set) = (one.ids.data_element.clone(), one.ids.data_set.clone());
        Choice { line: one.row.line, data_element, data_set }
    };
    let changes: Vec<Change> = chosen.iter().flat_map(|one| choice(one).changes()).collect();
    mapping.changed(&changes).map_err(|why| usage(why.to_string()))
}

/// The candidates of a row that are of this data element.
fn of<'e>(entry: &'e Entry, element: &'e str) -> impl Iterator<Item = &'e Candidate> {
    entry.candidates.iter().filter(move |one| one.element == element)
}

/// The mapping with what was chosen; refused where any of it does not fit what DHIS2 says, or its row would be of no use. `after` is
/// what it says of the mapping of [`with`].
pub(super) fn changed(
    chosen: &[Chosen<'_>],
    explored: &Explored,
    after: Option<&Explored>,
    mapping: &Mapping,
) -> Result<Changed> {
    let mut wrong = Vec::new();
    for one in chosen {
        let knows = |from: &&Explored| one.entry(from).is_some_and(|entry| entry.row.data_element == one.element());
        let entry = after.filter(knows).or(Some(explored)).and_then(|from| one.entry(from));
        match entry.map(|entry| fit(one, entry, explored)) {
            Some(Ok(warning)) => {
                let useless = useless(one, after.unwrap_or(explored));
                if let Some(warning) = warning.filter(|_| useless.is_empty()) {
                    say(&format!("--choose {warning}"));
                }
                wrong.extend(useless);
            }
            Some(Err(why)) => wrong.push(why),
            None => {}
        }
    }
    refused(&wrong)?;
    with(chosen, mapping)
}

/// Why the row as it would be would get no number, whatever DHIS2 holds; what is wrong with its property is not the choice's fault.
fn useless(one: &Chosen<'_>, after: &Explored) -> Vec<String> {
    let problems = one.entry(after).into_iter().flat_map(|entry| &entry.problems);
    let chosen = problems.filter(|problem| problem.blocks && matches!(problem.column, Some(ELEMENT | DATA_SET)));
    chosen.map(|problem| format!("{}: {}", one.ids.property, unlined(problem))).collect()
}

/// Whether DHIS2 holds the data element in the data set; `Some` warning where it does not tell.
fn fit(one: &Chosen<'_>, entry: &Entry, explored: &Explored) -> Result<Option<String>, String> {
    let (property, element, set) = (&one.ids.property, one.element(), &one.ids.data_set);
    let held: Vec<&Candidate> = of(entry, element).collect();
    if held.iter().any(|candidate| candidate.set_id() == set) {
        return Ok(None);
    }
    let own = entry.row.data_element == element;
    if own && entry.element == Element::Untold {
        return Ok(Some(format!(
            "{property}: the server does not tell which data sets hold {element}, so {set} is taken as typed; look at it twice."
        )));
    }
    if own && entry.element == Element::Missing {
        return Err(missing(one, entry));
    }
    let named = |name: &str, id: &str| if name.is_empty() { id.to_owned() } else { format!("{} ({id})", inert(name)) };
    let name = held.first().map_or("", |candidate| candidate.element_name.as_str());
    let name = match &entry.element {
        Element::Shown(shown) if own => shown.as_str(),
        _ => name,
    };
    let element = named(name, element);
    let sets: Vec<String> =
        held.iter().filter_map(|candidate| candidate.set.as_ref()).map(|facts| named(&facts.name, &facts.id)).collect();
    if sets.is_empty() {
        return Err(format!(
            "{property}: the data element {element} stands in no data set, so nobody can report on it. Choose another data element: \
             {property}=DATA_ELEMENT_ID:DATA_SET_ID; onse data-sets --search WORDS finds them."
        ));
    }
    let all = explored.rows.iter().flat_map(|entry| &entry.candidates).filter_map(|candidate| candidate.set.as_ref());
    let right = format!("It stands in: {}.", some(sets.into_iter()));
    Err(match all.into_iter().find(|facts| facts.id == *set) {
        Some(facts) => {
            format!(
                "{property}: the data set {} does not hold the data element {element}. {right}",
                named(&facts.name, set)
            )
        }
        None => format!("{property}: DHIS2 shows no data set {set} that holds the data element {element}. {right}"),
    })
}

/// The data element is not there: the row's own or the one that was chosen.
fn missing(one: &Chosen<'_>, entry: &Entry) -> String {
    let (property, element) = (&one.ids.property, one.element());
    let alike: Vec<String> = entry
        .candidates
        .iter()
        .filter_map(|candidate| {
            let set = candidate.set.as_ref()?;
            let (element, id) = (&candidate.element, &set.id);
            Some(format!("{element}:{id} ({} in {})", inert(&candidate.element_name), inert(&set.name)))
        })
        .collect();
    let alike = if alike.is_empty() { String::new() } else { format!(" Of a like name: {}.", some(alike.into_iter())) };
    format!(
        "{property}: DHIS2 shows this account no data element \"{}\". Choose one it shows: {property}=DATA_ELEMENT_ID:DATA_SET_ID; onse \
         data-sets --search WORDS finds them.{alike}",
        inert(element)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_server_does_not_tell_an_id_is_taken_with_a_warning() {
        let text = b"case_property,data_element_id,data_set_id,dhis2_name\nbeds,asCqjKclllu,,Beds\n";
        let mapping = Mapping::read(text);
        let of = |element| Explored {
            quarter: crate::domain::quarter::Quarter::parse("2026Q2").unwrap(),
            facilities: None,
            rows: vec![Entry {
                row: mapping.rows[0].clone(),
                element,
                candidates: Vec::new(),
                looked: true,
                problems: Vec::new(),
            }],
            notes: Vec::new(),
        };
        let ids = |element: Option<&str>| args::Chosen {
            property: "beds".into(),
            data_element: element.map(str::to_owned),
            data_set: "q1Es3k3sZem".into(),
        };
        let asked = [ids(None)];
        let chosen = rows(&asked, &mapping).unwrap();
        let untold = of(Element::Untold);
        assert!(fit(&chosen[0], &untold.rows[0], &untold).unwrap().unwrap().contains("taken as typed"));
        let changed = changed(&chosen, &untold, None, &mapping).unwrap();
        assert_eq!(changed.lines[0].after, "beds,asCqjKclllu,q1Es3k3sZem,Beds");
        for element in [Element::Shown("Beds".into()), Element::Missing] {
            let told = of(element);
            fit(&chosen[0], &told.rows[0], &told).unwrap_err();
        }
        // Another data element is asked about first, as if it stood there.
        let asked = [ids(Some("gtLvoz94gur"))];
        let chosen = rows(&asked, &mapping).unwrap();
        let bytes = with(&chosen, &mapping).unwrap().bytes;
        assert_eq!(Mapping::read(&bytes).rows[0].data_element, "gtLvoz94gur");
        assert!(rows(&[ids(None), ids(Some("gtLvoz94gur"))], &mapping).is_err());
        assert_eq!(rows(&[ids(None), ids(None)], &mapping).unwrap().len(), 1);
    }
}
