//! Reviews as data, with something of everything a report tells.

use std::{cmp::Reverse, collections::BTreeMap};

use onse::{
    domain::{
        flags::{Check, Flag, Severity},
        history::{Facts, PastRow, Sheet, Stored},
        ledger::{Act, Entry, Ledger, Stamp},
        outcome::Outcome,
        plan::{Cell, Draft, Facility, Head, Plan, Property, Skipped, State},
        quarter::Quarter,
        total::Part,
    },
    io::store::{Form, FormCell, Noted, Seen, Trail},
    job::signoff::Report,
};

/// All that a report is made of.
pub(crate) struct Sample {
    pub(crate) file: String,
    pub(crate) plan: Plan,
    pub(crate) ledger: Ledger,
    pub(crate) forms: Vec<Form>,
    pub(crate) elsewhere: Vec<Cell>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) trail: Trail,
    pub(crate) parts: BTreeMap<(u32, String), Vec<Part>>,
    pub(crate) history: BTreeMap<(u32, String), Sheet>,
    pub(crate) earlier: BTreeMap<(u32, Cell), Vec<Flag>>,
}

pub(crate) fn at(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

pub(crate) fn quarter() -> Quarter {
    Quarter::parse("2026Q2").unwrap()
}

impl Sample {
    /// Nothing decided yet.
    pub(crate) fn of(plan: Plan) -> Self {
        let ledger = Ledger::new(&plan);
        let trail = Trail { entries: Vec::new(), damage: None };
        let (parts, history, earlier) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (forms, elsewhere, entries) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            file: "2026Q2.review".to_owned(),
            plan,
            ledger,
            forms,
            elsewhere,
            entries,
            trail,
            parts,
            history,
            earlier,
        }
    }

    pub(crate) fn decide(&mut self, who: &str, act: Act, cells: &[Cell], reason: Option<&str>) {
        let (seq, label) = (self.entries.len() + 1, format!("{} of them", cells.len()));
        let stamp = Stamp { at: format!("2026-07-05T10:{seq:02}:00Z"), who: who.to_owned() };
        let entry = self.ledger.decide(&self.plan, act, cells.iter().copied(), reason, &label, &stamp).unwrap();
        self.keep(entry);
    }

    /// Writes an entry down, as the review file does.
    pub(crate) fn keep(&mut self, entry: Entry) {
        self.note(&entry.who, "decision", None, "{}");
        self.trail.entries.last_mut().unwrap().decision = Some(entry.seq);
        self.entries.push(entry);
    }

    /// Takes the approval of cells back, as what sends does with what moved or was not applied.
    pub(crate) fn forget(&mut self, who: &str, cells: &[Cell]) {
        let stamp = Stamp { at: "2026-07-05T11:30:00Z".to_owned(), who: who.to_owned() };
        let entry = self.ledger.forget(&self.plan, cells.iter().copied(), &stamp);
        if let Some(entry) = entry {
            self.keep(entry);
        }
    }

    /// Holds a cell back; where it moved its approval is taken back with it.
    pub(crate) fn hold(&mut self, who: &str, cell: Cell, why: &str, moved: bool) {
        let text = |text: Option<&str>| serde_json::to_string(&text).unwrap();
        let (facility, property) = (cell.facility, cell.property);
        let (base, new, why) = (text(self.plan.old(cell)), text(self.plan.offer(cell)), text(Some(why)));
        let detail = format!(
            r#"{{"held": [{{"facility": {facility}, "property": {property}, "base": {base}, "now": "44", "new": {new}, "why": {why}}}]}}"#
        );
        self.note(who, "held", None, &detail);
        if moved {
            self.forget(who, &[cell]);
        }
    }

    /// Another reading into the same review: what does not stand is reset, and what forms hold stays sent.
    pub(crate) fn read_again(&mut self, plan: Plan) {
        let flags = self.plan.all_flags().map(|(cell, flags)| ((self.plan.head.generation, cell), flags.to_vec()));
        self.earlier.extend(flags);
        let stamp = Stamp { at: "2026-07-06T07:00:00Z".to_owned(), who: "onse".to_owned() };
        let reset = self.ledger.reset(&self.entries, &self.plan, &plan, &stamp);
        if let Some(entry) = reset {
            self.keep(entry);
        }
        self.note("onse", "read", None, "{}");
        self.ledger = Ledger::replay(&plan, &self.entries).unwrap();
        self.plan = plan;
        self.send();
    }

    pub(crate) fn note(&mut self, who: &str, what: &str, form: Option<u32>, detail: &str) {
        let seq = u64::try_from(self.trail.entries.len()).unwrap() + 1;
        let at = format!("2026-07-05T11:{:02}:00Z", seq.min(59));
        let (who, what, detail) = (who.to_owned(), what.to_owned(), detail.to_owned());
        self.trail.entries.push(Noted { seq, at, who, what, form, decision: None, detail });
    }

    /// A form of these cells as the plan has them, with what was read back of each.
    pub(crate) fn form(&mut self, who: &str, sent: Outcome, cells: &[(Cell, Option<Outcome>)], answer: Option<&str>) {
        let number = u32::try_from(self.forms.len()).unwrap() + 1;
        let of = |(cell, _): &(Cell, Option<Outcome>)| FormCell {
            facility: cell.facility,
            property: cell.property,
            old: self.plan.old(*cell).map(str::to_owned),
            new: self.plan.offer(*cell).unwrap().to_owned(),
            since: None,
        };
        let seen = |(cell, outcome): &(Cell, Option<Outcome>)| {
            let outcome = (*outcome)?;
            let value = if outcome == Outcome::Applied { self.plan.offer(*cell) } else { Some("7") };
            Some(Seen { cell: *cell, outcome, value: value.map(str::to_owned) })
        };
        let form = Form {
            number,
            form_id: format!("{number:032x}"),
            generation: self.plan.head.generation,
            frozen_at: "2026-07-05T11:00:30Z".to_owned(),
            size: 900,
            cells: cells.iter().map(of).collect(),
            sent,
            answer: answer.map(str::to_owned),
            seen: cells.iter().filter_map(seen).collect(),
        };
        self.forms.push(form);
        self.note(who, "form", Some(number), "{}");
        if cells.iter().any(|(_, seen)| seen.is_some()) {
            self.note(who, "seen", Some(number), "{}");
        }
        let lost = cells.iter().filter(|(_, seen)| *seen == Some(Outcome::NotApplied)).map(|(cell, _)| *cell);
        self.forget(who, &lost.collect::<Vec<_>>());
        self.send();
    }

    /// Which cells stand as sent, as opening the review file has it.
    fn send(&mut self) {
        let mut fates: BTreeMap<Cell, bool> = BTreeMap::new();
        for form in &self.forms {
            for of in &form.cells {
                let (cell, outcome) = (of.cell(), form.outcome_of(of.cell()));
                let old = form.generation < self.plan.head.generation && outcome == Outcome::Applied;
                let moved = self.plan.old(cell) != of.old.as_deref() || self.plan.offer(cell) != Some(of.new.as_str());
                let newer = old && Act::Reject.fits(&self.plan, cell) && moved;
                fates.insert(cell, outcome != Outcome::NotApplied && !newer);
            }
        }
        let sent = fates.into_iter().filter(|(_, stands)| *stands).map(|(cell, _)| cell);
        let there = self.elsewhere.iter().copied().filter(|cell| !self.ledger.was_reset(*cell));
        let sent: Vec<Cell> = sent.chain(there).collect();
        self.ledger.set_sent(sent);
    }

    /// What DHIS2 held for a cell in the quarters before, newest first; an empty text is a quarter without a row.
    pub(crate) fn past(&mut self, cell: Cell, values: &[&str]) {
        let property = self.plan.property(cell.property);
        let mut facts = Facts::new();
        for (quarter, value) in quarter().earlier().zip(values) {
            let row = PastRow { category_option_combo: "c1", attribute_option_combo: "a1", value };
            let rows = if value.is_empty() { Vec::new() } else { vec![row] };
            let stored = Stored { read_at: jiff::Timestamp::UNIX_EPOCH, rows };
            facts.insert((&property.data_element, Reverse(quarter)), stored);
        }
        self.history.insert((cell.facility, property.data_set.clone()), Sheet::pack(&facts));
    }

    pub(crate) fn parts(&mut self, cell: Cell, values: &[(&str, &str)]) {
        let property = self.plan.property(cell.property);
        let part = |(option, value): &(&str, &str)| Part {
            data_element: property.data_element.clone(),
            category_option_combo: (*option).to_owned(),
            attribute_option_combo: "a1".to_owned(),
            value: Some((*value).to_owned()),
            ..Part::default()
        };
        let parts: Vec<Part> = values.iter().map(part).collect();
        self.parts.entry((cell.facility, property.data_set.clone())).or_default().extend(parts);
    }

    pub(crate) fn report(&self) -> Report<'_> {
        Report {
            file: &self.file,
            id: Some("6f1b0c9e"),
            plan: &self.plan,
            ledger: &self.ledger,
            forms: &self.forms,
            elsewhere: &self.elsewhere,
            submitted: None,
            entries: &self.entries,
            trail: &self.trail,
            parts: &self.parts,
            history: &self.history,
            earlier: &self.earlier,
            made_at: "2026-07-06T08:00:00Z",
            program: "onse 0.0.0",
        }
    }

    pub(crate) fn html(&self) -> String {
        let mut bytes = Vec::new();
        self.report().html(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    pub(crate) fn markdown(&self) -> String {
        let mut bytes = Vec::new();
        self.report().markdown(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }
}

/// A plan of these facilities by so many data elements, each its own data set, with no change in it yet.
pub(crate) fn plan(facilities: &[&str], elements: &[&str], head: Head, more: impl FnOnce(&mut Draft)) -> Plan {
    let facility = |(n, name): (usize, &&str)| Facility {
        case_id: format!("{:08x}", n + 0xab00),
        name: (*name).to_owned(),
        external_id: format!("Ou{n:09}"),
        ..Facility::default()
    };
    let property = |(n, name): (usize, &&str)| Property {
        name: format!("dhis_p{n}"),
        data_element: format!("De{n:09}"),
        data_set: format!("Ds{n:09}"),
        element_name: (*name).to_owned(),
        ..Property::default()
    };
    let facilities = facilities.iter().enumerate().map(facility).collect();
    let mut draft = Plan::draft(head, facilities, elements.iter().enumerate().map(property).collect());
    draft.name("c1".to_owned(), "Female".to_owned());
    draft.name("c2".to_owned(), "Male".to_owned());
    draft.name("a1".to_owned(), "default".to_owned());
    more(&mut draft);
    draft.finish()
}

pub(crate) fn head() -> Head {
    Head {
        project: "onse-iss".to_owned(),
        label: "PRODUCTION".to_owned(),
        dhis2: "https://dhis2.example.org/api/".to_owned(),
        dhis2_version: "2.42.1".to_owned(),
        commcare: "https://www.commcarehq.org/".to_owned(),
        mapping: "map.csv (21 rows, 98a951d3b0f48cdf)".to_owned(),
        case_type: "facility_supervision".to_owned(),
        read_at: "2026-07-05T09:41:00Z".to_owned(),
        scope: "whole project".to_owned(),
        ..Head::of(quarter())
    }
}

const ELEMENTS: [&str; 3] = ["Beds", "OPD visits", "Deaths"];

/// Two facilities, all of it approved, applied and read back.
pub(crate) fn complete() -> Sample {
    let plan = plan(&["Zomba HC", "Area 25 HC"], &ELEMENTS, head(), |draft| {
        draft.set(at(0, 0), Some("28"), Some("31"), State::Reported);
        draft.set(at(0, 1), None, Some("1310.5"), State::Reported);
        draft.set(at(1, 2), Some("4"), Some("0"), State::ReportedZero);
    });
    let mut sample = Sample::of(plan);
    sample.past(at(0, 0), &["30", "29", "", "28"]);
    sample.parts(at(0, 0), &[("c1", "14"), ("c2", "17")]);
    let cells = [at(0, 0), at(0, 1), at(1, 2)];
    sample.decide("Grace", Act::Approve, &cells, None);
    sample.form("Grace", Outcome::Accepted, &cells.map(|cell| (cell, Some(Outcome::Applied))), None);
    sample
}

/// One cell or more of everything that can become of it.
pub(crate) fn mixed() -> Sample {
    let checks = vec![
        Check::of_run("R2", Severity::Review, "1 case that cannot take part"),
        Check::of_property("C5", Severity::Stop, "dhis_p1", "whole column is 4.1x the quarters before"),
        Check::of_property("C1", Severity::Stop, "dhis_p2", "sum is 3x"),
    ];
    let head = Head { notes: vec!["a note of the reading".to_owned()], ..head() };
    let names = ["Kasenga HC", "Bwanje HC", "Chitowe RH", "Area 25 HC", "Zukula HC", "Nkhula HC"];
    let plan = plan(&names, &ELEMENTS, head, |draft| {
        for cell in draft.plan().cells().collect::<Vec<_>>() {
            let old = u64::from(cell.facility) * 100 + u64::from(cell.property) + 1_000;
            draft.set(cell, Some(&old.to_string()), Some(&(old + 1).to_string()), State::Reported);
        }
        draft.set(at(0, 2), Some("5"), None, State::ZeroNotStored);
        draft.set(at(3, 2), Some("6"), None, State::ZeroNotStored);
        draft.set(at(4, 0), Some("12"), None, State::FetchFailed);
        draft.set(at(4, 1), Some("12"), Some("12"), State::Reported);
        draft.set(at(4, 2), Some(""), Some("3"), State::Reported);
        draft.set(at(5, 0), Some("8"), Some("9"), State::OlderQuarter);
        draft.set_quarter(at(5, 0), Quarter::parse("2025Q4").unwrap());
        draft.flag(at(0, 1), Flag::new("T1", Severity::Stop, "1,002 is 11x the usual 90"));
        draft.flag(at(0, 0), Flag::new("T2", Severity::Review, "2.6x the usual"));
        draft.flag(at(0, 0), Flag::new("S35", Severity::Info, "no word in common"));
        draft.skip(Skipped { case_id: "x1".into(), case_name: "Old Post".into(), reason: "no external id".into() });
        draft.say(checks, BTreeMap::new());
    });
    let mut sample = Sample::of(plan);
    sample.past(at(0, 0), &["990", "1001", "", "970", "960", "1005", "988", "950"]);
    sample.parts(at(0, 0), &[("c1", "400"), ("c2", "601")]);
    let stamp = Stamp { at: "2026-07-05T10:00:00Z".to_owned(), who: "Thoko".to_owned() };
    let settled = sample.ledger.settle(&sample.plan, 1, "new clinics opened", &stamp).unwrap();
    sample.keep(settled);
    sample.decide("Grace", Act::Approve, &[at(0, 0), at(1, 0), at(2, 0), at(5, 0), at(1, 1), at(2, 1)], None);
    sample.decide("Thoko", Act::Approve, &[at(0, 1)], Some("checked by phone"));
    sample.decide("Grace", Act::Zero, &[at(0, 2)], Some("no deaths"));
    sample.decide("Grace", Act::Approve, &[at(1, 2)], Some("register seen"));
    sample.decide("Grace", Act::Approve, &[at(2, 2)], Some("register seen"));
    sample.decide("Grace", Act::Reject, &[at(3, 0), at(3, 2)], Some("counted in another register"));
    let stamp = Stamp { at: "2026-07-05T10:30:00Z".to_owned(), who: "Thoko".to_owned() };
    let noted = sample.ledger.put_note(&sample.plan, [at(3, 0)], "ask the DHO", "one", &stamp).unwrap();
    sample.keep(noted);
    sample.elsewhere = vec![at(2, 1)];
    let applied = Some(Outcome::Applied);
    let first = [(at(0, 0), applied), (at(0, 1), applied), (at(0, 2), applied), (at(5, 0), applied)];
    sample.form("Grace", Outcome::Accepted, &first, None);
    sample.form("Grace", Outcome::Accepted, &[(at(1, 0), None)], None);
    sample.form("Grace", Outcome::Unknown, &[(at(1, 1), None)], Some("gateway timed out"));
    sample.form("Thoko", Outcome::Accepted, &[(at(1, 2), Some(Outcome::NotApplied))], None);
    sample.hold("Grace", at(2, 2), "the case holds 44 now", true);
    sample
}
