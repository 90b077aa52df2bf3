//! A review file with what lies behind its cells, for the commands that print or write it.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;

use crate::{
    domain::{history::Sheet, plan::Cell, total::Part},
    io::store::Store,
    job::{export::View, session::Opened},
};

/// What a [`View`] looks at.
pub(super) struct Viewed {
    pub(super) opened: Opened,
    review: String,
    parts: BTreeMap<(u32, String), Vec<Part>>,
    history: BTreeMap<(u32, String), Sheet>,
}

impl Viewed {
    /// The review `opened` from this file, with the rows behind its cells and the quarters before where they are wanted.
    pub(super) fn of(file: &Path, opened: Opened, parts: bool, history: bool) -> Result<Self> {
        let generation = opened.plan.head.generation;
        let parts = if parts { Store::read_only_parts(file, generation)? } else { BTreeMap::new() };
        let history = if history { Store::read_only_history(file, generation)? } else { BTreeMap::new() };
        Ok(Self { opened, review: Store::id(file)?.unwrap_or_default(), parts, history })
    }

    /// These cells of it.
    pub(super) fn view<'a>(&'a self, cells: &'a [Cell]) -> View<'a> {
        let Self { opened, review, parts, history } = self;
        let Opened { plan, ledger, forms, .. } = opened;
        View { review, plan, ledger, forms, parts, history, cells }
    }
}
