//! A message in, state and commands out: what the keys of the review do, without a terminal. One file per behaviour.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod again;
mod bulk;
mod checks;
mod copy;
mod datasets;
mod decide;
mod filter;
mod lists;
mod mouse;
mod moving;
mod notes;
mod other;
mod picks;
mod range;
mod repeat;
mod rules;
mod saving;
mod settle;
mod sort;
mod submit;
mod undo;
mod wide;
mod widen;
mod zeros;

use std::{sync::Arc, time::Duration};

use onse::{
    domain::{
        flags::{Flag, Severity},
        ledger::{Entry, Ledger, Verdict},
        plan::{Cell, Draft, Facility, Head, Plan, Property, Skipped, State},
        quarter::Quarter,
    },
    job::report::{Check, Detail},
    tui::{
        keymap::Press,
        model::{Look, Model, Review, Run},
        msg::{Cmd, Msg, Now, Opened, Place},
        screen::{Focus, Screen},
        update::update,
    },
};

/// Facilities in the order of the list: a STOP first, then a REVIEW, then by name.
pub(crate) const FACILITIES: [&str; 4] = ["Kasenga HC", "Tsanga HC", "Bwanje Hill HC", "Luvuzi HC"];
/// Properties in the order of the mapping.
pub(crate) const PROPERTIES: [&str; 4] = ["dhis_anc1_visits", "dhis_malaria_pos", "dhis_opd_total", "dhis_beds"];

/// The STOP: malaria of Kasenga.
pub(crate) const STOP: Cell = Cell { facility: 0, property: 1 };
/// The first REVIEW: outpatients of Kasenga.
pub(crate) const REVIEW: Cell = Cell { facility: 0, property: 2 };
/// The second REVIEW: outpatients of Tsanga.
pub(crate) const REVIEW2: Cell = Cell { facility: 1, property: 2 };

pub(crate) fn head() -> Head {
    Head {
        quarter: Quarter::parse("2026Q2").unwrap(),
        project: "onse-demo".to_owned(),
        label: "SANDBOX".to_owned(),
        dhis2: "https://hmis.example.org".to_owned(),
        commcare: "https://hq.example.org".to_owned(),
        mapping: "built-in".to_owned(),
        mapping_rows: 21,
        case_type: "facility_supervision".to_owned(),
        read_at: "2026-07-05T09:41:00Z".to_owned(),
        generation: 1,
        scope: "whole project".to_owned(),
        mapping_problems: Vec::new(),
        notes: Vec::new(),
        ..Head::of(Quarter::parse("2026Q2").unwrap())
    }
}

/// Four facilities by four properties: beds are the same or not reported everywhere, all else changes.
/// 12 changes: 1 STOP, 2 REVIEW, 9 without a flag.
pub(crate) fn plan() -> Plan {
    plan_of(&FACILITIES, |draft| {
        for facility in 0..4 {
            let state = if facility == 3 { State::NotReported } else { State::Reported };
            let held = (facility != 3).then_some("28");
            draft.set(Cell { facility, property: 3 }, Some("28"), held, state);
        }
        draft.set(STOP, Some("120"), Some("1310"), State::Reported);
        draft.flag(STOP, Flag::new("T1", Severity::Stop, "1,310 is 11x the usual 118"));
        draft.flag(REVIEW, Flag::new("S10", Severity::Review, "36.5 is not a whole number"));
        draft.skip(Skipped {
            case_id: "case-9".to_owned(),
            case_name: "Wazi HC".to_owned(),
            reason: "no external id".to_owned(),
        });
        draft.flag(REVIEW2, Flag::new("S10", Severity::Review, "12.5 is not a whole number"));
    })
}

/// A plan in which every property changes by one.
pub(crate) fn plan_of(names: &[&str], more: impl FnOnce(&mut Draft)) -> Plan {
    let facilities = names.iter().enumerate().map(|(i, name)| Facility {
        case_id: format!("case-{i}"),
        name: (*name).to_owned(),
        external_id: format!("ou{i:09}"),
        ..Facility::default()
    });
    let properties = PROPERTIES.iter().map(|name| Property { name: (*name).to_owned(), ..Property::default() });
    let mut draft = Plan::draft(head(), facilities.collect(), properties.collect());
    let cells: Vec<Cell> = draft.plan().cells().collect();
    for (i, cell) in cells.into_iter().enumerate() {
        draft.set(cell, Some(&(10 + i).to_string()), Some(&(11 + i).to_string()), State::Reported);
    }
    more(&mut draft);
    draft.finish()
}

/// A screen with the commands it gave and a clock that stands still unless it is moved.
pub(crate) struct Desk {
    pub(crate) model: Model,
    pub(crate) cmds: Vec<Cmd>,
    pub(crate) now: Now,
    /// Whether decisions are acknowledged at once, as a disk does.
    pub(crate) disk: bool,
}

impl Desk {
    /// A review of [`plan`] at 80 x 24, opened on `screen`.
    pub(crate) fn on(screen: Screen) -> Self {
        Self::with(plan(), screen)
    }

    pub(crate) fn with(plan: Plan, screen: Screen) -> Self {
        let ledger = Ledger::new(&plan);
        let mut desk = Self::new();
        desk.open(plan, ledger, None);
        desk.keys(&screen.digit().to_string());
        desk.tell(Msg::Tick);
        desk.now.since += Duration::from_mins(1);
        desk.cmds.clear();
        desk
    }

    /// A screen that has read nothing yet.
    pub(crate) fn new() -> Self {
        let run = Run { project: "onse-demo".to_owned(), who: "grace".to_owned(), ..Run::default() };
        let now = Now { at: "2026-07-05T11:00:00Z".to_owned(), since: Duration::from_mins(1) };
        Self { model: Model::new(run, Look::default(), (80, 24)), cmds: Vec::new(), now, disk: true }
    }

    pub(crate) fn open(&mut self, plan: Plan, ledger: Ledger, place: Option<Place>) {
        let file = "2026Q2.review".to_owned();
        let opened = Opened { plan: Arc::new(plan), ledger, place, file, sending: None, reset: Vec::new() };
        self.tell(Msg::Read(Ok(Box::new(opened))));
    }

    /// These cells stand as sent, in place of those before.
    pub(crate) fn sent(&mut self, cells: Vec<Cell>) {
        let mut ledger = self.model.review.as_ref().unwrap().ledger.clone();
        ledger.set_sent(cells);
        self.tell(Msg::Ledger(Box::new(ledger)));
    }

    /// Sends a message; a decision is on disk before the next.
    pub(crate) fn tell(&mut self, msg: Msg) {
        for cmd in update(&mut self.model, msg, &self.now) {
            if let (Cmd::Record(entry), true) = (&cmd, self.disk) {
                assert!(update(&mut self.model, Msg::Recorded(entry.seq, Ok(())), &self.now).is_empty());
            }
            self.cmds.push(cmd);
        }
    }

    /// Presses keys: `jj<tab>a<ctrl-d>`.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let (key, after) = match rest.strip_prefix('<').and_then(|tail| tail.split_once('>')) {
                Some((name, after)) => (name, after),
                None => rest.split_at(first.len_utf8()),
            };
            let key = if key == " " { "space" } else { key };
            self.tell(Msg::Key(Press::parse(key).unwrap_or_else(|| panic!("no key {key}"))));
            rest = after;
        }
        self
    }

    /// Presses keys far apart, as a person who looks in between.
    pub(crate) fn slowly(&mut self, keys: &str) -> &mut Self {
        for key in keys.chars() {
            self.now.since += Duration::from_secs(2);
            self.keys(&key.to_string());
        }
        self
    }

    pub(crate) fn review(&self) -> &Review {
        self.model.review.as_ref().unwrap()
    }

    pub(crate) fn status(&self) -> &str {
        self.model.status().map_or("", |line| &line.text)
    }

    /// Name of the facility under the cursor of the screen's list.
    pub(crate) fn facility(&self) -> &str {
        let review = self.review();
        let ordinal = match self.model.screen {
            Screen::Properties => review.column.current().unwrap().facility,
            _ => review.list.current().unwrap(),
        };
        &review.plan.facility(ordinal).name
    }

    /// Cells with a verdict, in order.
    pub(crate) fn decided(&self, wanted: Verdict) -> Vec<(u32, u16)> {
        let review = self.review();
        let cells = review.plan.cells().filter(|cell| review.ledger.verdict(&review.plan, *cell) == Some(wanted));
        cells.map(|cell| (cell.facility, cell.property)).collect()
    }

    pub(crate) fn approved(&self) -> Vec<(u32, u16)> {
        self.decided(Verdict::Approve)
    }

    /// What the screen asked to be written to the review file.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let entry = |cmd: &Cmd| match cmd {
            Cmd::Record(entry) => Some((**entry).clone()),
            _ => None,
        };
        self.cmds.iter().filter_map(entry).collect()
    }

    /// Whether anything was asked that leaves this machine.
    pub(crate) fn sends(&self) -> bool {
        self.cmds.iter().any(|cmd| matches!(cmd, Cmd::Submit { .. }))
    }

    /// The number of the newest check or submission.
    pub(crate) fn job(&self) -> u64 {
        self.model.submit.job
    }

    /// Goes to Submit with the checks done for this many changes.
    pub(crate) fn ready(&mut self, changes: usize) {
        self.keys("4");
        let check = Check { at: "11:58:12".to_owned(), changes, facilities: 1, forms: 1, ..Check::default() };
        self.tell(Msg::Checked(self.job(), Ok(Box::new(check))));
    }
}

pub(crate) fn detail(cell: Cell) -> Detail {
    Detail { cell, parts: Vec::new(), history: None }
}

/// Facilities, with the keys acting on cells.
pub(crate) fn cells() -> Desk {
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("l");
    assert_eq!(desk.model.focus, Focus::Cells);
    desk
}
