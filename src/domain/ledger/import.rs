//! Verdicts that came back in a spreadsheet: many rows, each with a verdict and a reason of its own, taken as one entry and taken
//! back as one. Each row is one cell decided alone: a STOP, and any value of a property with an open STOP, needs a reason in its own
//! row. Which rows still fit the review is `domain::returned`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Act, Cell, Done, Entry, How, Ledger, Plan, Stamp, Step, Verdict, is_reason};
use crate::domain::flags::Severity;

/// The verdict of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// On which cell.
    pub cell: Cell,
    /// What is done.
    pub act: Act,
    /// Why, where a reason stands in the row.
    pub reason: Option<String>,
}

/// What is missing for an approval that needs a reason of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The cell is a STOP and its row has no reason.
    Stop,
    /// The property has an open STOP and the row has no reason.
    Property,
    /// The same words stand in rows of this many facilities: filled down a column, not thought about for each.
    Own(usize),
}

/// Those of these rows that may not be taken for want of a reason. `blocked` says of each property whether it has an open STOP,
/// `standing` are reasons that were accepted before, with their facilities.
///
/// A reason filled down over facilities counts for none of them; over the values of one facility it does.
pub(super) fn unreasoned(
    plan: &Plan,
    blocked: &[bool],
    rows: &[&Row],
    standing: &[(u32, &str)],
) -> BTreeMap<Cell, Missing> {
    let mut missing = BTreeMap::new();
    let mut words: BTreeMap<String, (BTreeSet<u32>, Vec<Cell>)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.act.writes() && asks(plan, blocked, row.cell)) {
        let stop = plan.severity(row.cell) == Some(Severity::Stop);
        match row.reason.as_deref().filter(|reason| is_reason(Some(reason))) {
            Some(reason) => {
                let (facilities, cells) = words.entry(plain(reason)).or_default();
                facilities.insert(row.cell.facility);
                cells.push(row.cell);
            }
            None => _ = missing.insert(row.cell, if stop { Missing::Stop } else { Missing::Property }),
        }
    }
    for (facility, reason) in standing {
        if let Some((facilities, _)) = words.get_mut(&plain(reason)) {
            facilities.insert(*facility);
        }
    }
    for (facilities, cells) in words.into_values().filter(|(facilities, _)| facilities.len() > 1) {
        missing.extend(cells.into_iter().map(|cell| (cell, Missing::Own(facilities.len()))));
    }
    missing
}

/// Whether a cell is a STOP or of a property with an open one.
fn asks(plan: &Plan, blocked: &[bool], cell: Cell) -> bool {
    plan.severity(cell) == Some(Severity::Stop) || blocked.get(usize::from(cell.property)).copied().unwrap_or(false)
}

/// Words alone: neither case nor spaces nor signs make a reason another one, nor do digits, which a spreadsheet counts up while it
/// fills down. One without letters and digits stays as it is.
fn plain(reason: &str) -> String {
    let words = reason.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(str::to_lowercase).collect();
    if reason.contains(char::is_alphanumeric) { words.join(" ") } else { reason.trim().to_owned() }
}

impl Ledger {
    /// Takes the verdicts of a spreadsheet, all or none. The error says why none is taken: there is no row, a cell stands in two,
    /// one cannot be decided so or was sent, a row changes neither verdict nor reason, or an approval misses its reason; see
    /// [`Ledger::unreasoned`].
    pub fn import(&mut self, plan: &Plan, mut rows: Vec<Row>, label: &str, stamp: &Stamp) -> Result<Entry, String> {
        for row in &mut rows {
            row.reason = row.reason.take().map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
            // What is undecided has no reason that the next one to look at it could take over unread.
            row.reason = row.reason.take().filter(|_| row.act != Act::Clear);
        }
        rows.sort_by_key(|row| row.cell);
        let left: Vec<&Row> = rows.iter().collect();
        could_be(plan, &rows, &left, &self.unreasoned(plan, &left))?;
        let title = |row: &Row| plan.title(row.cell);
        if let Some(row) = rows.iter().find(|row| self.is_sent(row.cell)) {
            return Err(format!("was sent and cannot be decided again: {}", title(row)));
        }
        if let Some(row) = rows.iter().find(|row| !self.is_changed_by(plan, row)) {
            return Err(format!("changes nothing on {}", title(row)));
        }
        let done = self.imported(plan, self.last + 1, &rows.iter().collect::<Vec<_>>(), label);
        self.does(plan, done);
        Ok(self.entry(Step::Import { rows, label: label.to_owned() }, stamp))
    }

    /// Those of these rows that may not be taken for want of a reason, with what is missing: a STOP, and any value of a property with
    /// an open one, is approved with a reason of its own. One that was filled down over facilities is none, whether the others stand
    /// in these rows or were approved with it before.
    pub fn unreasoned(&self, plan: &Plan, rows: &[&Row]) -> BTreeMap<Cell, Missing> {
        let blocked = self.blocked(plan);
        let again: BTreeSet<Cell> = rows.iter().map(|row| row.cell).collect();
        let stands = |cell: &Cell| {
            self.verdict(plan, *cell).is_some_and(Verdict::writes)
                && !again.contains(cell)
                && asks(plan, &blocked, *cell)
        };
        let standing = self.reasons.iter().filter(|(cell, _)| stands(cell));
        let standing: Vec<_> = standing.map(|(cell, reason)| (cell.facility, reason.as_str())).collect();
        unreasoned(plan, &blocked, rows, &standing)
    }

    /// Whether a row that approves this needs a reason of its own; see [`Ledger::unreasoned`].
    pub fn asks_own_reason(&self, plan: &Plan, cell: Cell) -> bool {
        plan.severity(cell) == Some(Severity::Stop) || self.blocks(plan, cell.property).is_some()
    }

    /// Whether a row says something that is not so already: another verdict, or another reason for it. A row without a reason
    /// leaves the one there is.
    pub fn is_changed_by(&self, plan: &Plan, row: &Row) -> bool {
        let verdict = self.verdict(plan, row.cell);
        let reason = row.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        verdict != row.act.verdict() || (verdict.is_some() && reason.is_some() && reason != self.reason(row.cell))
    }

    /// Rows as something that can be taken back.
    pub(super) fn imported(&self, plan: &Plan, seq: u64, rows: &[&Row], label: &str) -> Done {
        let cells: Vec<Cell> = rows.iter().map(|row| row.cell).collect();
        let how = How::Each(rows.iter().map(|row| (row.act, row.reason.clone())).collect());
        self.decision(plan, seq, how, &cells, label)
    }
}

/// Whether these could have come back in one spreadsheet: some, each cell once and in order, and `left`, those that no later
/// reading reset, such as can be decided so and with the reasons they need. `missing` are those of them without.
pub(super) fn could_be(
    plan: &Plan,
    rows: &[Row],
    left: &[&Row],
    missing: &BTreeMap<Cell, Missing>,
) -> Result<(), String> {
    if rows.is_empty() {
        return Err("imports nothing".to_owned());
    }
    if let Some([row, _]) = rows.windows(2).find(|pair| pair[0].cell >= pair[1].cell) {
        return Err(format!("names cells twice or out of order after {}", plan.title(row.cell)));
    }
    if let Some(row) = left.iter().find(|row| !row.act.fits(plan, row.cell)) {
        return Err(format!("decides on {}, where it cannot be decided so", plan.title(row.cell)));
    }
    if !missing.is_empty() {
        let missing: Vec<Cell> = missing.keys().copied().collect();
        let why = "a reason of its own for each is missing";
        return Err(format!("approves what could not be approved ({why}): {}", plan.titles(&missing)));
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
