//! From what was read to flags and checks, property by property: the spread of a property needs all facilities first, then each cell
//! is looked at. What a rule says is `domain::flags`; here stands which facts it is given.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    assemble::Standards,
    columns::Column,
    sheet::{Layout, Sheet},
};
use crate::domain::{
    finer::MONTHS,
    flags::{
        self, Check, Facts, Flag, Flags, Limit, Line, Run, Severity, Size, Usual, Whole, as_zero, fold, of_cell,
        percentile, pooled, sizes, soften,
    },
    history::{Element, PastRow, QUARTERS},
    plan::{Cell, Draft, Kind, Plan, State, ordinal},
    total::Part,
    value::Number,
};

/// What is judged, and by what.
pub(super) struct Bench<'a> {
    /// One for each facility, in the order of the plan.
    pub(super) sheets: &'a [Sheet<'a>],
    pub(super) layout: &'a Layout<'a>,
    /// Names of option combos.
    pub(super) names: &'a HashMap<&'a str, &'a str>,
    /// Those of no category: known by their name, since old databases give them another id (dhis2.md section 3.5).
    pub(super) defaults: &'a HashSet<&'a str>,
    pub(super) standards: &'a Standards,
    /// Whether all facilities were read: only then is there a property as a whole.
    pub(super) all: bool,
    /// Whether earlier quarters were read at all.
    pub(super) asked: bool,
}

/// What came of it beside the flags of cells.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) checks: Vec<Check>,
    pub(super) whole: BTreeMap<String, Whole>,
}

/// A facility's number in a property, with what is usual there.
struct Beside {
    line: Line,
    usual: Option<Usual>,
}

impl Bench<'_> {
    /// Flags every cell and says what is to be said of each property.
    pub(super) fn judge(&self, draft: &mut Draft) -> Judged {
        let mut looked = self.look(draft);
        for (property, flags) in self.related(draft.plan()) {
            if let Some((_, found)) = looked.get_mut(usize::from(property)) {
                found.extend(flags);
            }
        }
        let (mut judged, mut funded) = (Judged::default(), HashSet::new());
        for ((property, column), looked) in (0_u16..).zip(self.layout.columns).zip(looked) {
            self.property(draft, (property, column), looked, &mut judged, &mut funded);
        }
        judged
    }

    /// The first look, by property: how each facility's number stands beside those before, and what its rows say. Facility by facility,
    /// since what is known of one lies together.
    fn look(&self, draft: &mut Draft) -> Vec<(Vec<Beside>, Flags)> {
        let room = || (Vec::with_capacity(self.sheets.len()), Flags::new());
        let mut looked: Vec<(Vec<Beside>, Flags)> = self.layout.columns.iter().map(|_| room()).collect();
        for (facility, sheet) in (0_u32..).zip(self.sheets) {
            for ((property, column), (beside, found)) in (0_u16..).zip(self.layout.columns).zip(&mut looked) {
                let (cell, before) = (Cell { facility, property }, sheet.before(column));
                let mut one = self.beside(draft.plan(), cell, before, sheet, column);
                if let Some(usual) = &one.usual {
                    draft.set_usual(cell, Some(&decimal(usual.median)));
                }
                let flags = self.cell(draft.plan(), cell, (&one, before), sheet, column);
                one.line.erases = flags.iter().any(|flag| flag.id == "S36");
                found.extend(flags.into_iter().map(|flag| (facility, flag)));
                beside.push(one);
            }
        }
        looked
    }

    /// What is to be said of the run; nothing of a reading of some facilities alone.
    pub(super) fn run(&self, plan: &Plan) -> Vec<Check> {
        let Some(today) = plan.head.read_at.get(..10).and_then(|day| day.parse().ok()).filter(|_| self.all) else {
            return Vec::new();
        };
        let zeros = |property| plan.column(property).filter(|cell| plan.state(*cell) == State::ZeroNotStored).count();
        let units: HashSet<&str> = plan.facilities().iter().map(|one| one.external_id.as_str()).collect();
        let run = Run {
            quarter: plan.head.quarter,
            today,
            timely_days: self.layout.columns.iter().filter_map(|column| column.timely_days).max_by(f64::total_cmp),
            facilities: units.len(),
            last: self.standards.last,
            cases: plan.skipped().len(),
            units: plan.head.without_case.len(),
            zeros: &(0..plan.width()).map(zeros).collect::<Vec<_>>(),
            limits: &self.standards.limits,
        };
        run.checks()
    }

    /// What does not stand to each other as it should, by property (S20). Told on the left number, or where that is not to be
    /// decided on the first that is.
    fn related(&self, plan: &Plan) -> BTreeMap<u16, Flags> {
        let mut found: BTreeMap<u16, Flags> = BTreeMap::new();
        for relation in &self.standards.relations {
            let Some(places) = relation.names().map(|name| plan.find_property(name)).collect::<Option<Vec<_>>>() else {
                continue;
            };
            for facility in 0..plan.height() {
                // The number of another quarter is not compared with one of this.
                let value = |at: usize| {
                    let cell = Cell { facility, property: *places.get(at)? };
                    Number::parse(plan.new_value(cell).filter(|_| plan.older(cell).is_none())?)
                };
                let open = |property: &&u16| plan.kind(Cell { facility, property: **property }) == Kind::Change;
                if let Some(flag) = relation.broken(value)
                    && let Some(property) = places.iter().find(open)
                {
                    found.entry(*property).or_default().push((facility, flag));
                }
            }
        }
        found
    }

    /// Judges one property. `funded` are the facilities of which S07 was told, which is done once for each.
    fn property(
        &self,
        draft: &mut Draft,
        (property, column): (u16, &Column),
        (mut beside, mut found): (Vec<Beside>, Flags),
        judged: &mut Judged,
        funded: &mut HashSet<u32>,
    ) {
        let (kind, name) = (column.kind, &column.property.name);
        let spreads = beside.iter().filter_map(|one| one.usual.as_ref()?.to_pool(&self.standards.limits));
        let spread = if self.all {
            pooled(spreads, &self.standards.limits)
        } else {
            self.standards.reviews.spread(name).unwrap_or(self.standards.limits.get(Limit::SpreadDefault))
        };
        let mut values: Vec<f64> = beside.iter().filter_map(|one| one.line.value).collect();
        let top = percentile(&mut values, self.standards.limits.get(Limit::S15Percentile)).filter(|_| self.all);
        // Both halves of S13 say the same.
        let copied: HashSet<u32> =
            found.iter().filter(|(_, flag)| flag.id == "S13").map(|(facility, _)| *facility).collect();
        for (facility, one) in (0_u32..).zip(&mut beside) {
            one.line.ratio = self.ratio(one, kind, spread);
            let more = self.size(draft.plan(), Cell { facility, property }, one, column, spread, top);
            let news = more.into_iter().filter(|flag| flag.id != "S13" || !copied.contains(&facility));
            found.extend(news.map(|flag| (facility, flag)));
        }
        // Before anything is said once: what a person accepted is no news of the property.
        for (facility, flag) in &mut found {
            self.accept(draft.plan(), Cell { facility: *facility, property }, flag);
            if flag.id == "S07" && flag.severity > Severity::Info && !funded.insert(*facility) {
                flag.severity = Severity::Info;
            }
        }
        if self.all {
            let lines: Vec<Line> = beside.into_iter().map(|one| one.line).collect();
            let whole = flags::Column { name, kind, lines: &lines, limits: &self.standards.limits };
            let (with, of) = whole.coverage();
            judged.checks.extend(fold(name, &mut found, with, of, &self.standards.limits));
            judged.checks.extend(whole.checks());
            let shift = whole.shift().map(|shift| format!("{shift:.4}"));
            let facts = Whole { kind, spread: format!("{spread:.4}"), shift, with: ordinal(with), of: ordinal(of) };
            judged.whole.insert(name.clone(), facts);
        }
        for (facility, flag) in found {
            let cell = Cell { facility, property };
            // What the case holds already counts in the property; on its own there is nothing to decide.
            let settled = draft.plan().state(cell) == State::ZeroNotStored && !draft.plan().may_be_zero(cell);
            if draft.plan().kind(cell) != Kind::Same && !settled {
                draft.flag(cell, flag);
            }
        }
    }

    /// Makes a flag INFO that was accepted with a reason in the last review.
    fn accept(&self, plan: &Plan, cell: Cell, flag: &mut Flag) {
        let (facility, property) = (plan.facility(cell.facility), plan.property(cell.property));
        let accepted = self.standards.reviews.accepted(&facility.case_id, &property.name);
        // A property that is of another data element now inherits nothing.
        let accepted = accepted.filter(|accepted| accepted.data_element == property.data_element);
        if let (Some(accepted), Some(value)) = (accepted, plan.offer(cell).and_then(Number::parse)) {
            *flag = soften(flag.clone(), accepted, &value, self.standards.limits.get(Limit::AcceptedWithin));
        }
    }

    /// Numbers before, and now.
    fn beside(
        &self,
        plan: &Plan,
        cell: Cell,
        before: Option<Element<'_>>,
        sheet: &Sheet<'_>,
        column: &Column,
    ) -> Beside {
        let recent = before.map_or([None; QUARTERS], |before| before.numbers(plan.head.quarter));
        let (mut history, mut n) = ([0.0; QUARTERS], 0);
        for (place, total) in history.iter_mut().zip(recent.iter().flatten()) {
            *place = *total;
            n += 1;
        }
        let line = Line {
            // An earlier quarter's number says nothing of this one.
            value: plan.number(cell).filter(|_| plan.state(cell) != State::OlderQuarter),
            maybe_zero: plan.state(cell) == State::ZeroNotStored,
            same: plan.kind(cell) == Kind::Same,
            recent,
            ratio: None,
            elsewhere: sheet.elsewhere(column),
            on_time: flags::on_time(
                &sheet.report(column, plan.head.quarter),
                plan.head.quarter,
                &self.standards.limits,
            ),
            erases: false,
        };
        Beside { line, usual: history.get(..n).and_then(Usual::of) }
    }

    /// How the number now stands to the usual one, where that says something of the property.
    fn ratio(&self, one: &Beside, kind: flags::Kind, spread: f64) -> Option<f64> {
        let usual = one.usual.as_ref().filter(|_| !matches!(kind, flags::Kind::Cumulative { .. }))?;
        usual.to_pool(&self.standards.limits)?;
        Some(usual.score(one.line.value?, spread, &self.standards.limits).ratio)
    }

    /// The flags of what is behind a cell.
    fn cell(
        &self,
        plan: &Plan,
        cell: Cell,
        (one, before): (&Beside, Option<Element<'_>>),
        sheet: &Sheet<'_>,
        column: &Column,
    ) -> Vec<Flag> {
        let zero = plan.may_be_zero(cell);
        if plan.kind(cell) != Kind::Change && !zero {
            return Vec::new();
        }
        let (mut parts, months) = sheet.rows_of(cell.property, column, &plan.head);
        if let (Some(from), Some(before)) = (plan.older(cell), before) {
            let part = |row: PastRow<'_>| Part {
                data_element: column.property.data_element.clone(),
                category_option_combo: row.category_option_combo.to_owned(),
                attribute_option_combo: row.attribute_option_combo.to_owned(),
                value: Some(row.value.to_owned()),
                ..Part::default()
            };
            parts = before.rows(from).into_iter().map(part).collect();
        }
        let option_name =
            |id: &str| self.names.get(id).copied().filter(|name| !name.is_empty()).unwrap_or(id).to_owned();
        of_cell(&Facts {
            quarter: plan.head.quarter,
            facility: sheet.facility,
            unit_closed: sheet.closed.as_deref(),
            twins: &sheet.twins,
            parts: &parts,
            months: months.map(|reported| (reported, MONTHS)),
            value_type: &column.property.value_type,
            aggregation_type: &column.aggregation_type,
            skip_total: column.skip_total,
            options: column.options.as_ref(),
            older: plan.older(cell),
            state: plan.state(cell),
            kind: column.kind,
            limits: &self.standards.limits,
            held: plan.offer(cell).unwrap_or_default(),
            old: plan.old(cell),
            ours: self.standards.reviews.written(&sheet.facility.case_id, &column.property.name),
            report: sheet.report(column, plan.head.quarter),
            past: &|earlier| before.map(|before| before.rows(earlier)).unwrap_or_default(),
            recent: &one.line.recent,
            option_name: &option_name,
            is_default: &|id| self.defaults.contains(id),
        })
    }

    /// The flags of its size.
    fn size(&self, plan: &Plan, cell: Cell, one: &Beside, column: &Column, spread: f64, top: Option<f64>) -> Vec<Flag> {
        let (state, quarter) = (plan.state(cell), plan.quarter(cell));
        let size = Size {
            value: plan.number(cell).unwrap_or(0.0),
            held: plan.held(cell).unwrap_or_default(),
            state,
            kind: column.kind,
            quarter,
            recent: &one.line.recent,
            usual: one.usual.as_ref(),
            pooled: spread,
            top,
            asked: self.asked && column.quarterly(),
            limits: &self.standards.limits,
        };
        match state {
            // An earlier quarter's number is held to those before it.
            State::OlderQuarter => {
                let back = quarter.until(plan.head.quarter).unwrap_or(0);
                let recent = one.line.recent.get(back..).unwrap_or_default();
                let history: Vec<f64> = recent.iter().copied().flatten().collect();
                sizes(&Size { recent, usual: Usual::of(&history).as_ref(), ..size }).collect()
            }
            State::ZeroNotStored => as_zero(&size).into_iter().collect(),
            _ if one.line.value.is_some() || state == State::NotReported => sizes(&size).collect(),
            _ => Vec::new(),
        }
    }
}

/// A median as text: at most six decimals.
fn decimal(number: f64) -> String {
    if number.fract() == 0.0 {
        return number.to_string();
    }
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
