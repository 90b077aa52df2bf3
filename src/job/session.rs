//! One review under way: the file, the two servers and who decides. Screens and commands hold it and call it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use super::{
    connect::{remapped, too_old},
    datasets::{Explorer, Facilities},
    forms::{fates, standing},
    now::Allowance,
    report::{Detail, PartLine, Sending},
};
use crate::{
    domain::{
        flags::usual_shares,
        history::{Past, Series},
        ledger::{Act, Entry, Ledger, Reset, Stamp, Step},
        mapping::Mapping,
        outcome::Outcome,
        plan::{Cell, Plan},
        quarter::Quarter,
        text::shell_word,
        total::Part,
        value::same,
    },
    io::{
        commcare::CommCare,
        dhis2::Dhis2,
        http::{OnWait, Sleeper},
        known::Known,
        store::{Form, Loaded, Store},
    },
};

/// Asks for the time. Given in, so that tests and simulations decide it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Both servers.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Cases and forms.
    pub commcare: CommCare,
    /// Totals.
    pub dhis2: Dhis2,
}

/// Reads the mapping as it is now, or says why it cannot be read.
pub type MappingNow = Arc<dyn Fn() -> Result<Arc<Mapping>> + Send + Sync>;

/// Makes both clients, telling of waits as they happen. `None` in a session that touches no network.
pub type Connect = Arc<dyn Fn(OnWait) -> Sources + Send + Sync>;

/// A plan as opened: what was decided, where the reader was, and what was sent.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The verdicts.
    pub ledger: Ledger,
    /// Where the reader was, as the screen wrote it.
    pub place: Option<String>,
    /// Every form so far.
    pub forms: Vec<Form>,
    /// Cells whose case held the value already when it was to be sent.
    pub elsewhere: Vec<Cell>,
    /// When and by whom a form was last made, answered or read back; `None` where there is none.
    pub submitted: Option<Stamp>,
    /// Decisions that the last reading to reset any took away, with what they were made on; not those decided again since, nor what
    /// was sent. Where the plan holds the same value on both sides now, CommCare has it already.
    pub reset: Vec<Reset>,
}

impl Opened {
    /// What was sent so far; `None` where nothing was.
    pub fn standing(&self) -> Option<Sending> {
        standing(&self.plan, &self.forms)
    }

    /// When and by whom it was applied; `None` where no form of it is.
    pub fn applied(&self) -> Option<&Stamp> {
        let applied = self.forms.iter().any(|form| form.outcome() == Outcome::Applied);
        self.submitted.as_ref().filter(|_| applied)
    }

    /// The same as the end of a sentence, with how the report of it is written; empty where nothing took effect. `file` is the
    /// review file.
    pub fn applied_words(&self, file: &Path) -> String {
        let words = |stamp: &Stamp| {
            let (Stamp { at, who }, file) = (stamp, shell_word(&file.display().to_string()));
            format!("; applied {at} by {who}; its report: onse export {file} --to report.html")
        };
        self.applied().map(words).unwrap_or_default()
    }

    /// Cells whose verdict stands: they are in a form that was not refused, or their case held the value already.
    pub fn sent(&self) -> Vec<Cell> {
        sent(&self.plan, &self.ledger, &self.forms, &self.elsewhere)
    }
}

/// One review under way. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    pub(super) store: Store,
    pub(super) connect: Option<Connect>,
    pub(super) clock: Clock,
    pub(super) sleep: Sleeper,
    who: Arc<str>,
    /// Whole days after which a review is too old to be submitted; `None` where no profile says so.
    stale_after: Option<u32>,
    /// The mapping as it is now; `None` where that is not looked at.
    mapping: Option<MappingNow>,
    /// What is known from earlier runs; `None` where nothing is to be.
    known: Option<Known>,
    /// What may still be asked of the database of `CommCare`.
    pub(super) allowance: Arc<Mutex<Allowance>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Session {
    /// A session on an open review file. `who` is written beside every decision.
    pub fn new(store: Store, connect: Option<Connect>, clock: Clock, sleep: Sleeper, who: &str) -> Self {
        Self {
            store,
            connect,
            clock,
            sleep,
            who: who.into(),
            stale_after: None,
            mapping: None,
            known: None,
            allowance: Arc::default(),
        }
    }

    /// The same, refusing to submit a review that was read more than these whole days ago.
    #[must_use]
    pub fn stale_after(self, days: u32) -> Self {
        Self { stale_after: Some(days), ..self }
    }

    /// The same, refusing to submit what this mapping says otherwise than the one the review was read with.
    #[must_use]
    pub fn mapped_by(self, mapping: Mapping) -> Self {
        let mapping = Arc::new(mapping);
        self.mapped_from(Arc::new(move || Ok(Arc::clone(&mapping))))
    }

    /// The same with the mapping as it is when something is to be sent: it is read each time, since it may be changed meanwhile.
    #[must_use]
    pub fn mapped_from(self, mapping: MappingNow) -> Self {
        Self { mapping: Some(mapping), ..self }
    }

    /// What stands against sending these cells: the review is too old, or its mapping is another now, or cannot be read.
    pub(super) fn against(&self, plan: &Plan, cells: &[Cell]) -> Option<String> {
        let changed = || {
            let now = self.mapping.as_ref().filter(|_| plan.head.undo.is_none() && !cells.is_empty())?;
            match now() {
                Ok(mapping) => remapped(plan, &mapping, cells),
                Err(error) => Some(format!("whether the mapping still says what was read is not known: {error:#}")),
            }
        };
        self.stale(plan).or_else(changed)
    }

    /// Who asks both servers about a mapping. Fails where there are none (`--offline`).
    pub fn explorer(&self, mapping: Arc<Mapping>, quarter: Quarter, facilities: Facilities) -> Result<Explorer> {
        let sources = self.sources(Arc::new(|_| {}))?;
        Ok(Explorer { sources, mapping, quarter, facilities })
    }

    /// The same, with what is known from earlier runs.
    #[must_use]
    pub fn knowing(self, known: Known) -> Self {
        Self { known: Some(known), ..self }
    }

    /// What is known from earlier runs; `None` where nothing is to be.
    pub fn known(&self) -> Option<&Known> {
        self.known.as_ref()
    }

    /// Why this review is too old to be submitted; see [`too_old`].
    pub fn stale(&self, plan: &Plan) -> Option<String> {
        self.stale_after.and_then(|days| too_old(&plan.head, (self.clock)(), days))
    }

    /// Where the review file is.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// Closes the review file; nothing can be written after. So with what is known from earlier runs.
    pub fn close(&self) {
        self.store.close();
        if let Some(known) = &self.known {
            known.close();
        }
    }

    /// Who decides here.
    pub fn who(&self) -> &str {
        &self.who
    }

    /// Who and when, for a decision made now.
    pub fn stamp(&self) -> Stamp {
        Stamp { at: self.now(), who: self.who.to_string() }
    }

    /// RFC 3339, whole seconds.
    pub(super) fn now(&self) -> String {
        (self.clock)().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Both clients, or why there are none.
    pub(super) fn sources(&self, on_wait: OnWait) -> Result<Sources> {
        let connect = self.connect.as_ref().context("this review was opened without the servers (--offline)")?;
        Ok(connect(on_wait))
    }

    /// Opens what the file holds. Fails where reading never finished or the log does not fit the plan.
    pub async fn open(&self) -> Result<Opened> {
        opened(self.store.load().await?)
    }

    /// Writes a decision; it is on the disk when this returns.
    pub async fn record(&self, entry: Entry, plan: &Arc<Plan>) -> Result<()> {
        self.store.append(entry, Arc::clone(plan)).await
    }

    /// Remembers where the reader is.
    pub async fn save_place(&self, place: String) -> Result<()> {
        self.store.save_place(place).await
    }

    /// What is behind a cell.
    pub async fn detail(&self, plan: &Plan, cell: Cell) -> Result<Detail> {
        let property = plan.property(cell.property);
        let (data_set, element) = (property.data_set.clone(), property.data_element.clone());
        let generation = plan.head.generation;
        let past = self.store.history(generation, cell.facility, data_set.clone(), element.clone()).await?;
        let parts = self.store.parts(generation, cell.facility, data_set, element).await?;
        let parts = part_lines(plan, parts, past.as_deref().unwrap_or_default());
        let history = past.map(|past| Series::before(plan.head.quarter, &past));
        Ok(Detail { cell, parts, history })
    }
}

/// The rows behind a cell, with what part of the total each usually has by the quarters before, which come newest first. Where an
/// option has several rows none of them is all of it, so that what is usual says nothing of one.
fn part_lines(plan: &Plan, parts: Vec<Part>, past: &[Past]) -> Vec<PartLine> {
    let before = past.iter().filter(|past| past.quarter < plan.head.quarter);
    let shares = usual_shares(before.map(Past::rows));
    let mut rows: BTreeMap<String, usize> = BTreeMap::new();
    for part in parts.iter().filter(|part| part.value.is_some()) {
        *rows.entry(part.category_option_combo.clone()).or_default() += 1;
    }
    let named = |id: &str| plan.option_name(id).filter(|name| !name.is_empty()).unwrap_or(id).to_owned();
    let line = |part: Part| {
        let attribute = named(&part.attribute_option_combo);
        let whole = part.period.is_none() && rows.get(&part.category_option_combo) == Some(&1);
        PartLine {
            name: named(&part.category_option_combo),
            attribute: (attribute != "default" && !attribute.is_empty()).then_some(attribute),
            usual: shares.get(part.category_option_combo.as_str()).copied().filter(|_| whole),
            period: part.period,
            value: part.value,
            comment: part.comment,
            follow_up: part.follow_up,
            stored_by: part.stored_by,
            last_updated: part.last_updated,
        }
    };
    parts.into_iter().map(line).collect()
}

/// A loaded file with its verdicts worked out.
pub fn opened(loaded: Loaded) -> Result<Opened> {
    let Loaded { plan, entries, forms, elsewhere, place, submitted, .. } = loaded;
    let mut ledger = match Ledger::replay(&plan, &entries) {
        Ok(ledger) => ledger,
        Err(why) => bail!("{why}; nothing was changed. A new review is begun with onse review --new"),
    };
    ledger.set_sent(sent(&plan, &ledger, &forms, &elsewhere));
    let reset = forgotten(&plan, &ledger, &forms, &elsewhere, entries);
    Ok(Opened { plan: Arc::new(plan), ledger, place, forms, elsewhere, submitted, reset })
}

/// What stands in a form stays decided, unless it is known not to be applied, or it is applied and asks for a decision
/// again in a later reading: that is a change nobody saw. What was set already stands unless its approval was
/// reset since.
fn sent(plan: &Plan, ledger: &Ledger, forms: &[Form], elsewhere: &[Cell]) -> Vec<Cell> {
    let newer = superseded(plan, forms);
    let kept = fates(forms).into_iter().filter(|(cell, fate)| *fate != Outcome::NotApplied && !newer.contains(cell));
    let set = elsewhere.iter().copied().filter(|cell| !ledger.was_reset(*cell));
    kept.map(|(cell, _)| cell).chain(set).collect()
}

/// Cells of applied forms of an earlier reading that ask for a decision again: the plan offers another value now, or the case holds
/// another than was sent.
fn superseded(plan: &Plan, forms: &[Form]) -> BTreeSet<Cell> {
    let mut newest: BTreeMap<Cell, bool> = BTreeMap::new();
    for form in forms {
        for one in &form.cells {
            let cell = one.cell();
            let applied = form.outcome_of(cell) == Outcome::Applied && form.generation < plan.head.generation;
            let asks = Act::Reject.fits(plan, cell);
            // The value from before our form is what an index that lags still shows; a decision on it may stand, and must not go again.
            let edited = !same(plan.old(cell), one.old.as_deref());
            let offers = !same(plan.offer(cell), Some(&one.new));
            newest.insert(cell, applied && asks && (offers || edited));
        }
    }
    newest.into_iter().filter(|(_, newer)| *newer).map(|(cell, _)| cell).collect()
}

/// What the newest reading reset and a person has to look at again.
fn forgotten(plan: &Plan, ledger: &Ledger, forms: &[Form], elsewhere: &[Cell], entries: Vec<Entry>) -> Vec<Reset> {
    let mut again = BTreeSet::new();
    let mut newest = Vec::new();
    for entry in entries {
        match entry.step {
            Step::Reset(cells) => {
                newest = cells;
                again.clear();
            }
            step => again.extend(step.decided()),
        }
    }
    let taken: BTreeSet<Cell> = fates(forms)
        .into_iter()
        .filter(|(_, fate)| *fate != Outcome::NotApplied)
        .map(|(cell, _)| cell)
        .chain(elsewhere.iter().copied())
        .collect();
    newest.retain(|one| one.said.is_some() && !again.contains(&one.cell) && !taken.contains(&one.cell));
    newest.retain(|one| ledger.verdict(plan, one.cell).is_none());
    newest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{history::PastPart, plan::sample};

    #[test]
    fn what_is_usual_is_told_of_options_with_one_row() {
        let plan = sample(1, 1, |_| {});
        let part = |combo: &str, value: Option<&str>, period: Option<&str>| Part {
            category_option_combo: combo.to_owned(),
            value: value.map(str::to_owned),
            period: period.map(str::to_owned),
            ..Part::default()
        };
        let quarter = |quarter: &str, values: [&str; 3]| Past {
            quarter: Quarter::parse(quarter).unwrap(),
            parts: ["f", "m", "x"]
                .into_iter()
                .zip(values)
                .map(|(combo, value)| PastPart {
                    category_option_combo: combo.to_owned(),
                    value: value.to_owned(),
                    ..PastPart::default()
                })
                .collect(),
        };
        let before = [quarter("2026Q2", ["9", "0", "0"]), quarter("2026Q1", ["30", "60", "10"])];
        let told = |parts: Vec<Part>, past: &[Past]| -> Vec<Option<String>> {
            part_lines(&plan, parts, past).iter().map(|line| line.usual.map(|share| format!("{share:.2}"))).collect()
        };
        let own = |text: &str| Some(text.to_owned());
        let rows = || vec![part("f", Some("4"), None), part("m", Some("5"), None), part("n", Some("1"), None)];
        assert_eq!(told(rows(), &before), [own("0.30"), own("0.60"), None], "the quarter itself is none before it");
        assert_eq!(told(rows(), &[]), [None, None, None]);
        let twice = vec![part("f", Some("4"), None), part("f", Some("5"), None), part("x", Some("1"), Some("202604"))];
        assert_eq!(told(twice, &before), [None, None, None]);
        let comment = vec![part("f", Some("4"), None), part("f", None, None)];
        assert_eq!(told(comment, &before)[0], own("0.30"), "a comment is no part");
    }
}
