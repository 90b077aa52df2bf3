//! What a review file says of itself, read without opening all of it: for choosing among many.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{Connection, OptionalExtension};

use super::{Store, ours};
use crate::domain::plan::Head;

/// What a review file says of itself. Nothing of it was checked against its mark: see [`Store::read_only`] for what can be
/// trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Where its newest generation is from.
    pub head: Head,
    /// Whether anything was decided in it.
    pub decided: bool,
    /// When its newest form was made, RFC 3339; `None` where it has none.
    pub frozen_at: Option<String>,
}

impl Store {
    /// Looks into a review file; takes no hold of it and changes nothing. `None` where no reading into it was ever finished. Fails
    /// where it is missing, not a review, or from a newer version.
    pub fn glance(path: &Path) -> Result<Option<Glance>> {
        glance(&ours(path)?).with_context(|| format!("cannot read {}", path.display()))
    }
}

fn glance(connection: &Connection) -> Result<Option<Glance>> {
    let sql = "SELECT head, EXISTS(SELECT 1 FROM decision), (SELECT max(frozen_at) FROM form) FROM generation
        ORDER BY number DESC LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
    let Some((head, decided, frozen_at)) = connection.query_row(sql, [], read).optional()? else { return Ok(None) };
    let head = serde_json::from_str(&head).context("the head of the plan is damaged")?;
    Ok(Some(Glance { head, decided, frozen_at }))
}
