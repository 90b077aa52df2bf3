//! The sandbox's own record of what changed cases, and what others do to them.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    apply::{self, IGNORED},
    form::{Block, Standing},
    store::Step,
};
use crate::sandbox::Sandbox;

/// One property that was set, whether or not its value was another before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// When it was applied.
    pub at: Timestamp,
    /// The id of the form as submitted, or the one HQ made for a form without; `None` for someone else's doing.
    pub form: Option<String>,
    /// The case.
    pub case_id: String,
    /// The property as the block names it. `@closed` and `@deleted`, which no property can be named, stand for what
    /// became of the case itself.
    pub property: String,
    /// The value as the block gives it, times with a date in HQ's own form.
    pub value: String,
}

/// A step as it was applied, once each time.
pub(crate) struct Applied {
    /// When.
    pub(crate) at: Timestamp,
    /// The form as submitted.
    pub(crate) form: Option<String>,
    /// What was applied. An edit gives the form another step; this one stays.
    pub(crate) step: Arc<Step>,
}

impl Applied {
    fn effects(&self) -> impl Iterator<Item = Effect> {
        let effect = |block: &Block, property: &str, value: &str| Effect {
            at: self.at,
            form: self.form.clone(),
            case_id: block.case_id.clone(),
            property: property.to_owned(),
            value: value.to_owned(),
        };
        apply::in_order(&self.step.blocks).into_iter().flat_map(move |block| {
            let mut effects = Vec::new();
            for (name, value) in block.values.iter().filter(|(name, _)| !IGNORED.contains(&name.as_str())) {
                effects.push(effect(block, name, value));
                if name == "hq_user_id" {
                    effects.push(effect(block, "external_id", value));
                }
            }
            effects.extend(match block.standing {
                Standing::Same => None,
                Standing::Closed => Some(effect(block, "@closed", "true")),
                Standing::Reopened => Some(effect(block, "@closed", "false")),
                Standing::Deleted => Some(effect(block, "@deleted", "true")),
            });
            effects
        })
    }
}

impl Sandbox {
    /// Everything that changed cases so far, oldest first: each property a block set, once each time its form was
    /// applied, be that when it first came in, when it was processed again, or as an edit. A duplicate, and what is
    /// made again while HQ rebuilds a case, is not among it.
    pub fn effects(&self) -> Vec<Effect> {
        self.store().applied().iter().flat_map(Applied::effects).collect()
    }

    /// Someone else closes a case. False when there is none.
    pub fn close_case(&self, case_id: &str) -> bool {
        self.set_standing(case_id, Standing::Closed)
    }

    /// Someone else opens a closed case again. False when there is none; a deleted case stays deleted.
    pub fn reopen_case(&self, case_id: &str) -> bool {
        self.set_standing(case_id, Standing::Reopened)
    }

    /// Someone else deletes a case: the database shows it no more, nor does the search index once it has taken that up.
    /// A form that names it is accepted and changes the deleted record (commcare.md section 5.2). False when there is
    /// none.
    pub fn delete_case(&self, case_id: &str) -> bool {
        self.set_standing(case_id, Standing::Deleted)
    }

    fn set_standing(&self, case_id: &str, standing: Standing) -> bool {
        let now = self.now();
        self.store().by_others(Block { case_id: case_id.to_owned(), standing, ..Block::default() }, now)
    }
}
