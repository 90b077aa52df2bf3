//! The checks before the question: what would be sent, what would be held, and what cannot be sent at all, each named. Changes
//! nothing; the same checks are made again before each form.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::Result;

use super::{
    connect::untested,
    forms::{bytes, form_count, forms_now, fresh_id, place, stamp},
    now::{Eyes, facilities, three_way},
    recheck::{Moved, moved_totals},
    report::{Check, Held, Level},
    session::{Opened, Session, Sources, opened},
    submit::{LARGEST, cut},
};
use crate::{
    domain::{
        flags::Severity,
        ledger::Ledger,
        plan::{Cell, Plan},
        value::grouped,
    },
    io::store::{FormCell, Store, Used},
};

/// Held changes named among the checks.
const NAMED: usize = 3;

impl Session {
    /// Reads both sides of the approved cells again and says what would be sent and what would be held. Changes nothing.
    pub async fn check(&self, plan: &Plan, ledger: &Ledger) -> Result<Check> {
        let used = self.store.used().await?;
        let sources = self.sources(Arc::new(|_| {}))?;
        let cells: Vec<Cell> = ledger.to_send(plan).collect();
        let mut lines = vec![(
            Level::Ok,
            // The question is asked beside this line (fault matrix row H26).
            format!(
                "the account may edit data and use the API in {} at {}: it just did",
                plan.head.project,
                plan.head.commcare.trim_end_matches('/')
            ),
        )];
        let moved = source(&sources, plan, &cells, &mut lines).await;
        let now = (self.clock)();
        let eyes = Eyes { sources: &sources, plan, allowance: &self.allowance, now, stops: false };
        let mut sorted = three_way(&eyes, &cells, &BTreeSet::new()).await?;
        let asked = facilities(cells.iter().copied()).len();
        let odd: BTreeSet<u32> = sorted.held.iter().chain(&sorted.elsewhere).map(|held| held.cell.facility).collect();
        lines.insert(
            1,
            (
                if sorted.held.is_empty() { Level::Ok } else { Level::Look },
                format!("cases read again: {} of {} as they were", number(asked - odd.len()), number(asked)),
            ),
        );
        sorted.send.retain(|ready| !moved.contains_key(&ready.cell()));
        sorted.held.extend(moved.into_values());
        let (send, unfit, largest) = self.fit(plan, sorted.send, &used);
        let size = format!("the largest form has {} MB of {}", tenths(largest), LARGEST >> 20);
        lines.extend((!send.is_empty()).then_some((Level::Ok, size)));
        let mut held = sorted.held;
        held.extend(unfit);
        if !sorted.elsewhere.is_empty() {
            let set = number(sorted.elsewhere.len());
            lines.push((Level::Ok, format!("{set} cells hold the new value already and need no form")));
        }
        for one in held.iter().take(NAMED) {
            lines.push((Level::Look, format!("held: {}: {}", place(plan, one.cell), one.why)));
        }
        if held.len() > NAMED {
            lines.push((Level::Look, format!("{} more are held", held.len() - NAMED)));
        }
        let ready: Vec<Cell> = send.iter().map(FormCell::cell).collect();
        lines.extend(to_look_at(plan, ledger, &ready));
        lines.extend(self.forbidden(plan, &ready));
        Ok(Check {
            at: self.now(),
            changes: ready.len(),
            facilities: facilities(ready.iter().copied()).len(),
            forms: form_count(&ready, used.chunk_size),
            held,
            lines,
            stamp: stamp(&used, (self.clock)()),
        })
    }

    /// The forms as they stand now; see [`forms_now`]. Reads the review file only.
    pub async fn forms_now(&self, username: &str) -> Result<Vec<Vec<u8>>> {
        let loaded = self.store.load().await?;
        let used = loaded.used.clone();
        let Opened { plan, ledger, .. } = opened(loaded)?;
        forms_now(&plan, &ledger, &used, username, (self.clock)())
    }

    /// The cells that forms can carry, those that none can, and the bytes of the largest form.
    fn fit(&self, plan: &Plan, cells: Vec<FormCell>, used: &Used) -> (Vec<FormCell>, Vec<Held>, usize) {
        let all: Vec<Cell> = cells.iter().map(FormCell::cell).collect();
        let mut by_cell: BTreeMap<Cell, FormCell> = cells.into_iter().map(|cell| (cell.cell(), cell)).collect();
        let (mut send, mut unfit, mut largest) = (Vec::new(), Vec::new(), 0);
        for group in cut(&all, used.chunk_size) {
            let cells = group.iter().filter_map(|cell| by_cell.remove(cell)).collect();
            let (made, bad) = fitting(cells, plan, |cells| {
                bytes(plan, cells, used, self.who(), &fresh_id(), (self.clock)()).map(|bytes| bytes.len())
            });
            unfit.extend(bad);
            if let Some((cells, size)) = made {
                largest = largest.max(size);
                send.extend(cells);
            }
        }
        (send, unfit, largest)
    }

    /// What stands against sending at all.
    fn forbidden(&self, plan: &Plan, ready: &[Cell]) -> Vec<(Level, String)> {
        let nothing = ready.is_empty().then(|| "nothing to send".to_owned());
        let copies = Store::copies(self.store.path()).unwrap_or_default();
        let copy = copies.first().map(|copy| format!("{} is a copy of this review; move it away", copy.display()));
        [nothing, self.against(plan, ready), copy].into_iter().flatten().map(|why| (Level::Stop, why)).collect()
    }
}

/// The approved cells whose total moved in DHIS2, with what to say of it.
async fn source(
    sources: &Sources,
    plan: &Plan,
    cells: &[Cell],
    lines: &mut Vec<(Level, String)>,
) -> BTreeMap<Cell, Held> {
    if plan.head.undo.is_some() {
        return BTreeMap::new();
    }
    let moved = match moved_totals(&sources.dhis2, plan, cells).await {
        Ok(moved) => moved,
        Err(error) => {
            lines.push((Level::Stop, format!("{error:#}")));
            return BTreeMap::new();
        }
    };
    let (all, n) = (number(cells.len()), moved.len());
    lines.push(match n {
        0 => (Level::Ok, format!("DHIS2 read again: none of {all} moved")),
        n => (Level::Look, format!("DHIS2 read again: {} of {all} moved or could not be read", number(n))),
    });
    moved.into_iter().map(|(cell, why)| (cell, held(plan, cell, why))).collect()
}

/// A cell whose total moved, or could not be read again.
pub(super) fn held(plan: &Plan, cell: Cell, why: Moved) -> Held {
    let now = plan.old(cell).map(str::to_owned);
    let (moved, why) = match why {
        Moved::Source { why, .. } => (true, why),
        Moved::Unread { why } => (false, why),
    };
    Held { cell, now, already_set: false, moved, why }
}

/// What `build` makes of those of these cells that a form can carry, and the cells that none can, each with the reason.
pub(super) fn fitting<T>(
    mut cells: Vec<FormCell>,
    plan: &Plan,
    build: impl Fn(&[FormCell]) -> Result<T, crate::domain::caseblock::Unfit>,
) -> (Option<(Vec<FormCell>, T)>, Vec<Held>) {
    let mut unfit = Vec::new();
    while !cells.is_empty() {
        let error = match build(&cells) {
            Ok(form) => return (Some((cells, form)), unfit),
            Err(error) => error,
        };
        let about =
            |cell: &FormCell| error.is_about(&plan.facility(cell.facility).case_id, &plan.property(cell.property).name);
        let (bad, good): (Vec<FormCell>, Vec<FormCell>) = cells.into_iter().partition(about);
        // Something beside the approved cells, such as the stamp, is unfit on every case.
        let (bad, good) = if bad.is_empty() { (good, bad) } else { (bad, good) };
        let why = error.to_string();
        let held = |cell: FormCell| {
            let (cell, now) = (cell.cell(), cell.old);
            Held { cell, now, already_set: false, moved: false, why: why.clone() }
        };
        unfit.extend(bad.into_iter().map(held));
        cells = good;
    }
    (None, unfit)
}

/// What a person should look at before typing the count.
fn to_look_at(plan: &Plan, ledger: &Ledger, ready: &[Cell]) -> Vec<(Level, String)> {
    let untested = untested(&plan.head).filter(|_| !ready.is_empty());
    let mut lines: Vec<(Level, String)> = untested.map(|why| (Level::Look, why)).into_iter().collect();
    let stops = ready.iter().filter(|cell| plan.severity(**cell) == Some(Severity::Stop)).count();
    if stops > 0 {
        lines.push((Level::Look, format!("{} STOP approved, each with a reason", number(stops))));
    }
    for (property, _) in (0..).zip(ledger.blocked(plan)).filter(|(_, blocked)| *blocked) {
        let inside = ready.iter().filter(|cell| cell.property == property).count();
        let name = &plan.property(property).name;
        let what = match inside {
            0 => "none of it is in here".to_owned(),
            n => format!("{} of its values, approved one by one, are in here", number(n)),
        };
        lines.push((Level::Look, format!("column STOP is open: {name}: {what}")));
    }
    let zeros = ready.iter().filter(|cell| plan.may_be_zero(**cell)).count();
    if zeros > 0 {
        lines.push((Level::Look, format!("{} write 0 where DHIS2 may not have stored one", number(zeros))));
    }
    let blanks = ready.iter().filter(|cell| plan.becomes_blank(**cell)).count();
    if blanks > 0 {
        lines.push((Level::Look, format!("{} of the changes make a property blank", number(blanks))));
    }
    lines
}

fn number(n: usize) -> String {
    grouped(&n.to_string())
}

/// Bytes as megabytes with one digit behind the point.
fn tenths(bytes: usize) -> String {
    let tenths = (bytes * 10).div_ceil(1 << 20);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{domain::plan::sample, io::store::Used};

    /// Fault matrix row H22, of a review that an earlier version read: the cells of that case are held by its name, the rest goes.
    #[test]
    fn h22_a_case_no_form_can_name_is_held_alone() {
        let sound = sample(3, 1, |_| {});
        let mut facilities = sound.facilities().to_vec();
        facilities[1].case_id.push('\u{1}');
        let plan = Plan::draft(sound.head.clone(), facilities, vec![sound.property(0).clone()]).finish();
        let cell = |facility| FormCell { facility, property: 0, old: Some("1".into()), new: "2".into(), since: None };
        let used = Used {
            profile: String::new(),
            chunk_size: 1000,
            form_xmlns: "http://commcarehq.org/dhis2-import".to_owned(),
            stamp_property: None,
            submit_user_id: String::new(),
        };
        let build = |cells: &[FormCell]| bytes(&plan, cells, &used, "me", "an-id", Timestamp::UNIX_EPOCH);
        let (made, held) = fitting((0..3).map(cell).collect(), &plan, build);
        let (sent, form) = made.unwrap();
        assert_eq!(sent.iter().map(|cell| cell.facility).collect::<Vec<_>>(), [0, 2]);
        let form = String::from_utf8(form).unwrap();
        assert!(form.contains("\"case0\"") && form.contains("\"case2\"") && !form.contains("case1"), "{form}");
        assert_eq!(held.iter().map(|held| held.cell.facility).collect::<Vec<_>>(), [1]);
        assert!(held[0].why.contains("U+0001") && !held[0].moved, "{held:?}");
    }
}
