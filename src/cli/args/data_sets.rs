//! The flags of `onse data-sets`.
#![expect(clippy::doc_markdown, reason = "these comments are the help, printed as they stand")]

use clap::Args;

use crate::domain::quarter::Quarter;

#[derive(Args, Debug)]
pub(in crate::cli) struct DataSets {
    /// Put this data set into the row of PROPERTY; where DHIS2 does not show its data element, name both:
    /// PROPERTY=DATA_ELEMENT_ID:DATA_SET_ID. May be given again. Shows what would change; --write changes it
    #[arg(long, value_name = "PROPERTY=DATA_SET_ID", value_parser = chosen)]
    pub(in crate::cli) choose: Vec<Chosen>,
    /// Data elements whose names hold these words, with their data sets, and a row for the mapping file of each
    #[arg(long, value_name = "WORDS", conflicts_with = "choose")]
    pub(in crate::cli) search: Option<String>,
    /// What this facility would get from every candidate; by name, part of it, or organisation unit id
    #[arg(long, value_name = "ID_OR_NAME")]
    pub(in crate::cli) facility: Option<String>,
    /// Quarter whose reports are counted, such as 2026Q2 [default: the last finished one]
    #[arg(long, value_name = "QUARTER", value_parser = Quarter::parse)]
    pub(in crate::cli) period: Option<Quarter>,
    /// Write what was chosen into the mapping file, and keep a copy of the old one beside it
    #[arg(long, requires = "choose", conflicts_with = "search")]
    pub(in crate::cli) write: bool,
    /// Print all of it as one JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// The ids a person chose for a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Chosen {
    pub(in crate::cli) property: String,
    /// Another data element than the row has.
    pub(in crate::cli) data_element: Option<String>,
    pub(in crate::cli) data_set: String,
}

fn chosen(text: &str) -> Result<Chosen, String> {
    let wrong = "a property, =, and a data set id are needed, such as dhis_beds=q1Es3k3sZem; or, with another data element, \
                 dhis_beds=asCqjKclllu:q1Es3k3sZem";
    let (property, ids) = text.split_once('=').ok_or(wrong)?;
    let (data_element, data_set) = match ids.split_once(':') {
        Some((element, set)) => (Some(element.trim().to_owned()), set.trim()),
        None => (None, ids.trim()),
    };
    let property = property.trim().to_owned();
    let empty = property.is_empty() || data_set.is_empty() || data_element.as_deref() == Some("");
    if empty { Err(wrong.to_owned()) } else { Ok(Chosen { property, data_element, data_set: data_set.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_names_one_id_or_two() {
        let of = |text: &str| chosen(text).map(|one| (one.property, one.data_element, one.data_set));
        assert_eq!(of("a = q1Es3k3sZem"), Ok(("a".into(), None, "q1Es3k3sZem".into())));
        assert_eq!(of("a=b:c"), Ok(("a".into(), Some("b".into()), "c".into())));
        assert!(of("a").unwrap_err().contains("asCqjKclllu:q1Es3k3sZem"));
    }
}
