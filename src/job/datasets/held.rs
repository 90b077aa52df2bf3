//! What one facility holds of some data elements, for a look before choosing.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use crate::{
    domain::{
        explored::{Held, HeldAt},
        quarter::Quarter,
        text::inert,
        total::{Part, Total},
    },
    io::{
        dhis2::{DataElement, Dhis2, Elements, Values, Wanted},
        http::{Failure, Why},
    },
    job::{
        datasets::Place,
        gather::{Gather, listed},
        server::optional,
    },
};

/// Room of an organisation unit in a request line.
const UNIT: usize = "&orgUnit=".len() + 11;

/// Reads the quarter and its months of these data elements, which stand on these data sets.
pub(super) async fn held(
    dhis2: &Dhis2,
    quarter: Quarter,
    place: &Place,
    elements: &BTreeSet<String>,
    sets: &BTreeSet<String>,
) -> Result<HeldAt, Failure> {
    let mut at = HeldAt { facility: place.name.clone(), ..HeldAt::default() };
    if elements.is_empty() || sets.is_empty() {
        return Ok(at);
    }
    let ids: Vec<String> = elements.iter().cloned().collect();
    // Alone: a wrong password must not be tried several times at once. Digits in a data element of another type are no number.
    let known = match optional(dhis2.data_elements(&ids).await) {
        Ok(known) => known.unwrap_or_default(),
        Err(failure) if matches!(*failure.why, Why::SignIn { .. }) => return Err(failure),
        Err(failure) => {
            at.notes.push(format!("What the data elements are is not known. {failure}"));
            Vec::new()
        }
    };
    let periods: Vec<String> = std::iter::once(quarter.to_string()).chain(quarter.months()).collect();
    let mut wanted = Elements::default();
    for element in elements {
        wanted.want(element);
    }
    let wanted = Wanted { data_sets: Vec::new(), periods: periods.clone(), since: None, elements: Arc::new(wanted) };
    let rows = read(dhis2, &wanted, place, sets, &mut at.notes).await?;
    let mut parts: BTreeMap<(String, String), Vec<Part>> = BTreeMap::new();
    for ([element, period, ..], value) in rows {
        parts.entry((element, period)).or_default().push(Part { value: Some(value), ..Part::default() });
    }
    at.held = parts.into_iter().filter_map(|((element, period), parts)| one(&known, element, period, &parts)).collect();
    let typed = |id: &str| known.iter().any(|one| one.id == id && one.value_type.is_some());
    let untyped: BTreeSet<&str> = at.held.iter().map(|held| held.element.as_str()).filter(|id| !typed(id)).collect();
    if !untyped.is_empty() {
        let untyped = listed(&untyped.into_iter().collect::<Vec<_>>());
        at.notes.push(format!("The value type is not told, so digits are taken for numbers: {untyped}."));
    }
    // The quarter first, then its months.
    let order = |period: &str| periods.iter().position(|one| one == period);
    at.held.sort_by(|a, b| (&a.element, order(&a.period)).cmp(&(&b.element, order(&b.period))));
    Ok(at)
}

/// Stored values by data element, period, category option combo and attribute option combo.
type Rows = BTreeMap<[String; 4], String>;

/// Reads as many data sets at a time as a request line takes. A data element on two of them comes twice and is kept once. What
/// fails is a note, but for a sign-in that is refused.
async fn read(
    dhis2: &Dhis2,
    wanted: &Wanted,
    place: &Place,
    sets: &BTreeSet<String>,
    notes: &mut Vec<String>,
) -> Result<Rows, Failure> {
    let mut rows = Rows::new();
    let of = |sets: &[String]| Wanted { data_sets: sets.to_vec(), ..wanted.clone() };
    let fixed = |sets: &[String]| dhis2.fixed_len(&of(sets));
    let too_long = |sets: &[String]| sets.len() > 1 && fixed(sets) + UNIT > dhis2.limit();
    let units = [place.unit.clone()];
    let mut queue = VecDeque::from([sets.iter().cloned().collect::<Vec<String>>()]);
    while let Some(mut part) = queue.pop_front() {
        if too_long(&part) {
            let rest = part.split_off(part.len().div_ceil(2));
            queue.extend([part, rest]);
            continue;
        }
        let (server, asked) = (dhis2.clone(), wanted.clone());
        let gather = Gather {
            dhis2,
            units: &units,
            sets: &part,
            apart: false,
            refusals: usize::MAX,
            ask: Arc::new(move |units, sets| {
                let (dhis2, wanted) = (server.clone(), Wanted { data_sets: sets.to_vec(), ..asked.clone() });
                Box::pin(async move { dhis2.data_values(&units, &wanted).await })
            }),
            rows: |values| values.rows().len(),
            fixed: &fixed,
        };
        let mut answered = |_: &[String], _: &[String], values: Values| rows.extend(stored(&values));
        match gather.run(&mut answered, &|_| {}).await {
            Ok(gaps) => notes.extend(gaps.notes.iter().map(|note| inert(note).into_owned())),
            Err(failure) if matches!(*failure.why, Why::SignIn { .. }) => return Err(failure),
            // The line the server takes has become shorter by that.
            Err(_) if too_long(&part) => queue.push_back(part),
            Err(failure) => {
                let part: Vec<&str> = part.iter().map(String::as_str).collect();
                notes.push(format!("What is stored for {} is not known. {failure}", listed(&part)));
            }
        }
    }
    Ok(rows)
}

/// The rows with a value.
fn stored(values: &Values) -> impl Iterator<Item = ([String; 4], String)> {
    values.rows().filter(|row| !row.deleted).filter_map(|row| {
        let key = [row.data_element, row.period, row.category_option_combo, row.attribute_option_combo];
        let value = row.value.filter(|value| !value.is_empty())?;
        Some((key.map(str::to_owned), value.to_owned()))
    })
}

fn one(known: &[DataElement], element: String, period: String, parts: &[Part]) -> Option<Held> {
    let about = known.iter().find(|one| one.id == element);
    let value_type = about.and_then(|one| one.value_type.as_deref()).unwrap_or_default();
    let total = match Total::of(value_type, parts) {
        Total::Nothing => return None,
        Total::Sum(sum) => sum.to_string(),
        Total::Text(text) => text,
    };
    Some(Held { element, period, total, parts: parts.len() })
}
