//! A case block on a case (commcare.md sections 5.1 to 5.3).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    dates,
    form::{Block, Standing},
    store::{Cases, Step},
};
use crate::sandbox::{CaseState, FOREIGN_CASE};

/// Built-in fields have at most this many characters.
const LONGEST: usize = 255;

/// Element names that set nothing.
pub(crate) const IGNORED: [&str; 4] = ["case_id", "date_modified", "user_id", "location_id"];

/// Blocks in the order HQ takes them: by case id, those of one case as they stand.
pub(crate) fn in_order(blocks: &[Block]) -> Vec<&Block> {
    let mut blocks: Vec<&Block> = blocks.iter().collect();
    blocks.sort_by(|a, b| a.case_id.cmp(&b.case_id));
    blocks
}

/// The known error of the first bad block; such a form changes no case at all. Blocks for the cases in `bad` are bad
/// whatever is in them.
pub(crate) fn refusal(blocks: &[Block], bad: &BTreeSet<String>) -> Option<String> {
    in_order(blocks).into_iter().find_map(|block| refusal_of(block, bad))
}

fn refusal_of(block: &Block, bad: &BTreeSet<String>) -> Option<String> {
    if block.case_id.is_empty() {
        return Some("IllegalCaseId: case_id must not be empty".to_owned());
    }
    if block.case_id == FOREIGN_CASE || bad.contains(&block.case_id) {
        return Some("IllegalCaseId: Bad case id".to_owned());
    }
    if !block.date_modified.is_empty() && dates::read(&block.date_modified).is_none() {
        return Some(format!("PhoneDateValueError: '{}'", block.date_modified));
    }
    let wrong = |field: &str, error: String| {
        Some(format!("CaseValueError: Error processing case update: Field: {field}, Error: {error}"))
    };
    for (name, value) in &block.values {
        let field = match name.as_str() {
            "case_type" => "type",
            "case_name" | "name" => "name",
            "owner_id" | "external_id" => name,
            "date_opened" if !value.is_empty() && dates::read(value).is_none() => {
                return wrong("opened_on", format!("Unable to parse date string '{value}'"));
            }
            _ => continue,
        };
        if value.chars().count() > LONGEST {
            return wrong(field, format!("Value exceeds allowed length: {LONGEST}"));
        }
    }
    None
}

/// Applies the blocks of a step, all of them or only those on some cases. An unknown case id makes a new case.
pub(crate) fn apply(cases: &mut Cases, step: &Step, only: Option<&BTreeSet<Arc<str>>>) {
    for block in in_order(&step.blocks) {
        if only.is_some_and(|only| !only.contains(block.case_id.as_str())) {
            continue;
        }
        let case_id: Arc<str> = Arc::from(block.case_id.as_str());
        let case = cases.entry(case_id).or_insert_with_key(|case_id| Arc::new(created(case_id, block, step)));
        change(Arc::make_mut(case), block, step);
    }
}

fn created(case_id: &Arc<str>, block: &Block, step: &Step) -> CaseState {
    let opened = dates::read(&block.date_modified).unwrap_or(step.received);
    CaseState {
        case_id: Arc::clone(case_id),
        case_type: String::new(),
        name: None,
        external_id: None,
        owner_id: step.user_id.clone(),
        closed: false,
        date_opened: opened,
        date_closed: None,
        last_modified: opened,
        server_last_modified: step.received,
        indexed_on: step.received,
        modified_by: String::new(),
        parent: None,
        properties: BTreeMap::new(),
    }
}

fn change(case: &mut CaseState, block: &Block, step: &Step) {
    let modified = dates::read(&block.date_modified).unwrap_or(step.received);
    let user = if block.user_id.is_empty() { &step.user_id } else { &block.user_id };
    for (name, value) in &block.values {
        match name.as_str() {
            "case_type" => case.case_type.clone_from(value),
            "case_name" | "name" => case.name = Some(value.clone()),
            "external_id" => case.external_id = Some(value.clone()),
            "owner_id" if value.is_empty() => case.owner_id.clone_from(&step.user_id),
            "owner_id" => case.owner_id.clone_from(value),
            "date_opened" => case.date_opened = dates::read(value).unwrap_or(case.date_opened),
            name if IGNORED.contains(&name) => {}
            name => {
                if name == "hq_user_id" {
                    case.external_id = Some(value.clone());
                }
                case.properties.insert(Arc::from(name), value.clone());
            }
        }
    }
    if !user.is_empty() {
        case.modified_by.clone_from(user);
    }
    match block.standing {
        Standing::Closed => (case.closed, case.date_closed) = (true, Some(modified)),
        Standing::Reopened => (case.closed, case.date_closed) = (false, None),
        Standing::Same | Standing::Deleted => {}
    }
    case.last_modified = case.last_modified.max(modified);
    case.server_last_modified = step.received;
}
