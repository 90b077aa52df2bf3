//! What one facility holds of some data elements, for a look before choosing.

use std::{
    collections::{BTreeMap, BTreeSet},
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
        http::Failure,
    },
    job::{datasets::Place, gather::Gather, server::optional},
};

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
    let known = optional(dhis2.data_elements(&ids).await)?.unwrap_or_default();
    let sets: Vec<String> = sets.iter().cloned().collect();
    let mut of_interest = Elements::default();
    for element in elements {
        of_interest.want(element);
    }
    let periods: Vec<String> = std::iter::once(quarter.to_string()).chain(quarter.months()).collect();
    let wanted =
        Wanted { data_sets: Vec::new(), periods: periods.clone(), since: None, elements: Arc::new(of_interest) };
    let (server, asked) = (dhis2.clone(), wanted.clone());
    let units = [place.unit.clone()];
    let gather = Gather {
        dhis2,
        units: &units,
        sets: &sets,
        apart: false,
        refusals: usize::MAX,
        ask: Arc::new(move |units, sets| {
            let (dhis2, wanted) = (server.clone(), Wanted { data_sets: sets.to_vec(), ..asked.clone() });
            Box::pin(async move { dhis2.data_values(&units, &wanted).await })
        }),
        rows: |values| values.rows().len(),
        fixed: &|sets| dhis2.fixed_len(&Wanted { data_sets: sets.to_vec(), ..wanted.clone() }),
    };
    let mut parts: BTreeMap<(String, String), Vec<Part>> = BTreeMap::new();
    let mut answered = |_: &[String], _: &[String], values: Values| {
        for row in values.rows().filter(|row| !row.deleted && row.value.is_some_and(|value| !value.is_empty())) {
            let part = Part { value: row.value.map(str::to_owned), ..Part::default() };
            parts.entry((row.data_element.to_owned(), row.period.to_owned())).or_default().push(part);
        }
    };
    let gaps = gather.run(&mut answered, &|_| {}).await?;
    at.notes = gaps.notes.iter().map(|note| inert(note).into_owned()).collect();
    at.held = parts.into_iter().filter_map(|((element, period), parts)| one(&known, element, period, &parts)).collect();
    // The quarter first, then its months.
    let order = |period: &str| periods.iter().position(|one| one == period);
    at.held.sort_by(|a, b| (&a.element, order(&a.period)).cmp(&(&b.element, order(&b.period))));
    Ok(at)
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
