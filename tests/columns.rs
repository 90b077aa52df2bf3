//! Properties that are wrong as a whole, rules of the mapping, and what is said once: through whole readings of the sandbox.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use std::sync::Arc;

use onse::{
    domain::{
        flags::{self, Severity},
        history::Series,
        mapping::Mapping,
        plan::{Cell, Kind, Plan},
        value::{Number, grouped},
    },
    job::{
        fetch::{Ask, Reach},
        session::Session,
    },
    sandbox::{Oddity, Sandbox},
};
use support::{ORIGIN, ask, connect, read, sandbox, session};

const ADMISSIONS: &str = "dhis_admissions_in_quarter";
const BEDS: &str = "dhis_what_is_the_total_number_of_beds_at_the_facility";
const SPENT: &str = "dhis_expenditure_in_quarter";
const BUDGET: &str = "dhis_total_budget_for_drugs";
const CURED: &str = "dhis_prev_new_eptb_cases_cured";
const COMPLETED: &str = "dhis_prev_new_eptb_cases_treatment_completed";

/// A reading with the quarters before.
struct Got {
    plan: Arc<Plan>,
    session: Session,
    _folder: tempfile::TempDir,
}

async fn got(sandbox: &Sandbox, mapping: Mapping) -> Got {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let ask = Ask { mapping, reach: Reach::default(), ..ask(&[]) };
    let plan = read(&session, &ask).await.unwrap().plan;
    Got { plan, session, _folder: folder }
}

impl Got {
    fn cells(&self, property: &str) -> Vec<Cell> {
        self.plan.column(self.plan.find_property(property).unwrap()).collect()
    }

    /// The checks of a property: severity, id and sentence.
    fn checks(&self, property: &str) -> Vec<(Severity, &str, &str)> {
        let checks = self.plan.checks(self.plan.find_property(property).unwrap());
        checks.map(|check| (check.severity, check.id.as_str(), check.sentence.as_str())).collect()
    }

    /// The sentence of a check, which is a STOP or not.
    fn check(&self, property: &str, severity: Severity, id: &str) -> &str {
        let checks = self.checks(property);
        let found: Vec<&str> = checks.iter().filter(|one| (one.0, one.1) == (severity, id)).map(|one| one.2).collect();
        assert_eq!(found.len(), 1, "{id}: {checks:?}");
        found[0]
    }

    /// Cells with a flag of this rule, with how bad it is.
    fn flagged(&self, property: &str, id: &str) -> Vec<(Cell, Severity)> {
        let of =
            |cell: &Cell| self.plan.flags(*cell).iter().find(|flag| flag.id == id).map(|flag| (*cell, flag.severity));
        self.cells(property).iter().filter_map(of).collect()
    }

    fn number(&self, cell: Cell) -> Option<Number> {
        self.plan.new_value(cell).and_then(Number::parse)
    }

    async fn history(&self, cell: Cell) -> Series {
        self.session.detail(&self.plan, cell).await.unwrap().history.unwrap()
    }

    fn severities(&self, cells: &[Cell], id: &str) -> Vec<Severity> {
        let flags = cells.iter().flat_map(|cell| self.plan.flags(*cell));
        flags.filter(|flag| flag.id == id).map(|flag| flag.severity).collect()
    }
}

/// The built-in mapping with a kind and a relation for some properties.
fn mapping(more: &[(&str, &str, &str)]) -> Mapping {
    let file = include_str!("../case_property_map.csv").trim_end();
    let lines = file.lines().enumerate().map(|(at, line)| {
        let property = line.split(',').next().unwrap();
        let found = more.iter().find(|(name, _, _)| *name == property);
        let (kind, relation) = found.map_or(("", ""), |(_, kind, relation)| (*kind, *relation));
        if at == 0 { format!("{line},kind,relation") } else { format!("{line},{kind},{relation}") }
    });
    let mapping = Mapping::read(lines.collect::<Vec<_>>().join("\n").as_bytes());
    assert!(mapping.problems.is_empty(), "{:?}", mapping.problems);
    mapping
}

#[tokio::test]
async fn a_unit_that_changed_is_a_stop_of_the_property_and_not_of_its_cells() {
    let sandbox = sandbox(60);
    assert!(sandbox.scale_column(SPENT, 10, 1) && sandbox.scale_column(BUDGET, 1, 1000));
    let got = got(&sandbox, Mapping::built_in()).await;
    for (property, times) in [(SPENT, "10x"), (BUDGET, "under 0.01x")] {
        let said = got.check(property, Severity::Stop, "C5");
        assert!(said.starts_with(&format!("whole column is {times} the usual: ")), "{said}");
        let said = got.check(property, Severity::Review, "C1");
        assert!(said.contains(&format!(", {times} after ")), "{said}");
    }
    let with = got.cells(SPENT).into_iter().filter(|cell| got.number(*cell).is_some()).count();
    let said = got.check(SPENT, Severity::Stop, "C4");
    assert!(said.starts_with(&format!("{with} of {with} numbers (100 %) are far from their usual")), "{said}");
    let cells = got.flagged(SPENT, "T1");
    assert!(cells.len() > with / 2 && cells.iter().all(|(_, severity)| *severity == Severity::Info), "{cells:?}");
    // C4 speaks of flows; of a level L2 is said once.
    assert!(got.checks(BUDGET).iter().all(|(_, id, _)| *id != "C4"));
    got.check(BUDGET, Severity::Stop, "L2");
    // The others are as they were.
    for property in got.plan.properties().iter().filter(|one| ![SPENT, BUDGET].contains(&one.name.as_str())) {
        assert!(
            got.checks(&property.name).iter().all(|(severity, _, _)| *severity < Severity::Stop),
            "{}",
            property.name
        );
    }
}

#[tokio::test]
async fn what_hits_a_tenth_of_a_property_is_said_once_but_never_what_is_wrong_with_a_case() {
    let sandbox = sandbox(60);
    assert!(sandbox.flatten_column(BEDS, "500"));
    let cases = sandbox.case_ids();
    let units = cases.iter().filter_map(|id| sandbox.case(id).unwrap().external_id.filter(|unit| !unit.is_empty()));
    for unit in units.step_by(3) {
        assert!(sandbox.close_unit(&unit, "2026-03-31".parse().unwrap()));
    }
    let got = got(&sandbox, Mapping::built_in()).await;
    let cells = got.cells(BEDS);
    let with = cells.iter().filter(|cell| got.number(**cell).is_some()).count();
    assert_eq!(got.check(BEDS, Severity::Stop, "C6"), format!("all {with} proposals are 500"));
    let said = got.check(BEDS, Severity::Stop, "L2");
    assert!(said.contains(&format!(" of {with} cells (")) && said.contains("such as: 500 after "), "{said}");
    let jumped = got.flagged(BEDS, "L2");
    assert!(jumped.len() > with / 2 && jumped.iter().all(|(_, severity)| *severity == Severity::Info), "{jumped:?}");
    assert!(
        jumped.iter().all(|(cell, _)| got.plan.flags(*cell).iter().any(|flag| flag.sentence.starts_with("500 after ")))
    );
    for id in ["S33", "S34"] {
        assert!(got.plan.head.checks.iter().all(|check| check.id != id), "{id} is no matter of a property");
    }
    let closed = got.severities(&cells, "S34");
    assert!(closed.len() * 10 > with && closed.iter().all(|severity| *severity == Severity::Stop), "{closed:?}");
    let shared: Vec<String> = sandbox
        .planted()
        .iter()
        .filter(|one| one.what == Oddity::SharedExternalId)
        .filter_map(|one| one.case_id.clone())
        .collect();
    let of = |cell: &Cell| shared.contains(&got.plan.facility(cell.facility).case_id);
    let twins: Vec<Cell> = cells.into_iter().filter(of).collect();
    assert_eq!(got.severities(&twins, "S33"), vec![Severity::Stop; twins.len()]);
    assert!(twins.len() > 1);
}

#[tokio::test]
async fn a_case_whose_name_has_no_word_in_common_with_its_unit_says_so_in_the_detail_only() {
    let sandbox = sandbox(30);
    let case_id =
        sandbox.case_ids().into_iter().find(|id| sandbox.planted().iter().all(|one| one.case_id.as_ref() != Some(id)));
    let case_id = case_id.unwrap();
    assert!(sandbox.set_property(&case_id, "case_name", "Zzyzx HC"));
    let got = got(&sandbox, Mapping::built_in()).await;
    let facility = (0..got.plan.height()).find(|at| got.plan.facility(*at).case_id == case_id).unwrap();
    let open: Vec<Cell> = got.plan.row(facility).filter(|cell| got.plan.kind(*cell) == Kind::Change).collect();
    assert_eq!(got.severities(&open, "S35"), vec![Severity::Info; open.len()]);
    assert!(!open.is_empty());
    let all: Vec<Cell> = got.plan.cells().filter(|cell| cell.facility != facility).collect();
    assert_eq!(got.severities(&all, "S35"), []);
}

#[tokio::test]
async fn a_relation_of_the_mapping_flags_the_facilities_where_it_does_not_hold_and_no_other() {
    let sandbox = sandbox(60);
    assert!(sandbox.scale_column(CURED, 2, 1));
    let with = got(&sandbox, mapping(&[(CURED, "", "<= prev_new_eptb_cases_treatment_completed")])).await;
    let plan = &with.plan;
    let (left, right) = (with.cells(CURED), with.cells(COMPLETED));
    let (mut broken, mut held) = (0, 0);
    for (cured, completed) in left.iter().zip(&right) {
        let says = |cell: &Cell| plan.flags(*cell).iter().filter(|flag| flag.id == "S20").count();
        let wrong =
            with.number(*cured).zip(with.number(*completed)).is_some_and(|(cured, completed)| cured > completed);
        // On the left number; where that is none to decide, on the other one.
        let open = |cell: &Cell| plan.kind(*cell) == Kind::Change;
        let expected = match (wrong, open(cured), open(completed)) {
            (true, true, _) => (1, 0),
            (true, false, true) => (0, 1),
            _ => (0, 0),
        };
        assert_eq!((says(cured), says(completed)), expected, "{}", plan.title(*cured));
        broken += expected.0 + expected.1;
        held += usize::from(!wrong);
        if expected.0 == 1 {
            let shown = |cell: Cell| grouped(plan.new_value(cell).unwrap());
            let words = format!(
                "prev_new_eptb_cases_cured {} > prev_new_eptb_cases_treatment_completed {}",
                shown(*cured),
                shown(*completed)
            );
            let flags = plan.flags(*cured);
            assert!(flags.iter().any(|flag| flag.id == "S20" && flag.sentence == words), "{words}: {flags:?}");
        }
    }
    assert!(broken > 5 && held > 5, "{broken} {held}");
    // So many of them are one matter of the property.
    assert!(with.check(CURED, Severity::Review, "S20").contains(", such as: prev_new_eptb_cases_cured "));
    let without = got(&sandbox, Mapping::built_in()).await;
    assert_eq!(without.severities(&without.plan.cells().collect::<Vec<_>>(), "S20"), []);
}

/// Rules that look at one kind only.
const OF_FLOWS: [&str; 4] = ["T1", "T2", "T3", "T4"];

#[tokio::test]
async fn the_kind_in_the_mapping_decides_which_rules_speak() {
    let sandbox = sandbox(60);
    let as_told = got(&sandbox, mapping(&[(ADMISSIONS, "level", ""), (SPENT, "cumulative 7", "")])).await;
    let plan = &as_told.plan;
    let kind = |got: &Got, name: &str| got.plan.whole(got.plan.find_property(name).unwrap()).unwrap().kind;
    assert_eq!(kind(&as_told, ADMISSIONS), flags::Kind::Level);
    assert_eq!(kind(&as_told, SPENT), flags::Kind::Cumulative { from: 7 });
    let open = |cell: &Cell| plan.kind(*cell) == Kind::Change;
    let (mut moved, mut fell) = (0, 0);
    for cell in as_told.cells(ADMISSIONS).iter().filter(|cell| open(cell)) {
        let (new, before) = (as_told.number(*cell).unwrap(), as_told.history(*cell).await);
        let says = plan.flags(*cell).iter().any(|flag| ["L1", "L2"].contains(&flag.id.as_str()));
        let Some(last) = before.totals(8).iter().flatten().next() else {
            assert!(!says);
            continue;
        };
        let by = new.minus(last).approx().abs();
        // More than 2 and more than a fifth, or L2, which is more than that.
        let changed = by > 2.0 && by > 0.2 * last.approx();
        assert_eq!(says, changed, "{}: {} after {last}", plan.title(*cell), plan.new_value(*cell).unwrap());
        moved += usize::from(says);
    }
    for cell in as_told.cells(SPENT).iter().filter(|cell| open(cell)) {
        let (new, before) = (as_told.number(*cell).unwrap(), as_told.history(*cell).await);
        let less = before.totals(1)[0].as_ref().is_some_and(|before| new < *before);
        let says = plan.flags(*cell).iter().any(|flag| flag.id == "L3");
        assert_eq!(says, less, "{}: {} after {before:?}", plan.title(*cell), plan.new_value(*cell).unwrap());
        fell += usize::from(says);
    }
    assert!(moved > 5 && fell > 5, "{moved} {fell}");
    let cells: Vec<Cell> = [ADMISSIONS, SPENT].into_iter().flat_map(|property| as_told.cells(property)).collect();
    for id in OF_FLOWS {
        assert_eq!(as_told.severities(&cells, id), [], "{id}");
    }
    // As DHIS2 adds them up they are flows.
    let untold = got(&sandbox, Mapping::built_in()).await;
    assert_eq!((kind(&untold, ADMISSIONS), kind(&untold, SPENT)), (flags::Kind::Flow, flags::Kind::Flow));
    for id in ["L1", "L2", "L3"] {
        assert_eq!(untold.severities(&cells, id), [], "{id}");
    }
}
