//! What is wrong in the sandbox's country, and what the program says of it: each kind with the flag or state that is meant for it.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use std::{collections::BTreeMap, sync::Arc};

use onse::{
    domain::{
        flags::Severity,
        plan::{Cell, Kind, Plan, State},
    },
    job::{
        fetch::{Ask, Reach},
        session::Session,
    },
    sandbox::{Oddity, Planted, Sandbox},
};
use support::{ORIGIN, ask, connect, read, sandbox, session};

/// Every one of them is in the country; the compiler says when one is missing in [`Country::found`].
const ALL: [Oddity; 29] = [
    Oddity::TenTimes,
    Oddity::TenthPart,
    Oddity::FalseZero,
    Oddity::TextInNumber,
    Oddity::Negative,
    Oddity::Fraction,
    Oddity::Comment,
    Oddity::FollowUp,
    Oddity::StoppedReporting,
    Oddity::SharedExternalId,
    Oddity::NoExternalId,
    Oddity::WithoutCase,
    Oddity::Closed,
    Oddity::AccentedName,
    Oddity::LongName,
    Oddity::HostileName,
    Oddity::NotAssigned,
    Oddity::Deleted,
    Oddity::UnitClosed,
    Oddity::ZeroNotStored,
    Oddity::CompleteEmpty,
    Oddity::NamesDiffer,
    Oddity::TotalAndBreakdown,
    Oddity::CategoryGone,
    Oddity::UnknownCategory,
    Oddity::EditedAfterComplete,
    Oddity::CompletedLate,
    Oddity::Copied,
    Oddity::SeveralAttributes,
];

/// Errors of size, which only the comparison with earlier quarters can tell.
const SIZES: [Oddity; 3] = [Oddity::TenTimes, Oddity::TenthPart, Oddity::FalseZero];

/// What is wrong without a change of the number: the case may hold that number already.
const BESIDE: [Oddity; 5] =
    [Oddity::FollowUp, Oddity::EditedAfterComplete, Oddity::CompletedLate, Oddity::Copied, Oddity::Comment];

/// A reading of a whole country, with the quarters before.
struct Country {
    sandbox: Sandbox,
    plan: Arc<Plan>,
    session: Session,
    _folder: tempfile::TempDir,
}

async fn country(sandbox: Sandbox) -> Country {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), connect(sandbox.transport(ORIGIN)));
    let ask = Ask { reach: Reach::default(), ..ask(&[]) };
    let plan = read(&session, &ask).await.unwrap().plan;
    Country { sandbox, plan, session, _folder: folder }
}

impl Country {
    /// The cells a planted one is about: one, or all of a facility; none where there is no such case.
    fn cells(&self, planted: &Planted) -> Vec<Cell> {
        let plan = &self.plan;
        let (case_id, unit) = (planted.case_id.as_deref(), planted.external_id.as_deref());
        let is = |at: &u32| Some(plan.facility(*at).case_id.as_str()) == case_id;
        let Some(facility) = (0..plan.height()).find(is) else { return Vec::new() };
        assert_eq!(Some(plan.facility(facility).external_id.as_str()), unit);
        match &planted.property {
            Some(name) => vec![Cell { facility, property: plan.find_property(name).unwrap() }],
            None => plan.row(facility).collect(),
        }
    }

    /// `STOP T1` and the like, of one cell.
    fn said(&self, cell: Cell) -> Vec<String> {
        self.plan.flags(cell).iter().map(|flag| format!("{} {}", flag.severity.word(), flag.id)).collect()
    }

    fn says(&self, cell: Cell, any: &[&str]) -> bool {
        self.said(cell).iter().any(|said| any.contains(&said.as_str()))
    }

    /// Whether every cell of a facility that has something to decide says so, and there is one.
    fn each_change_says(&self, cells: &[Cell], what: &str) -> bool {
        let open: Vec<Cell> = cells.iter().copied().filter(|cell| self.plan.kind(*cell) == Kind::Change).collect();
        !open.is_empty() && open.iter().all(|cell| self.says(*cell, &[what]))
    }

    fn run_says(&self, id: &str) -> Option<&str> {
        let mut checks = self.plan.head.checks.iter().filter(|check| check.property.is_none());
        checks.find(|check| check.id == id).map(|check| check.sentence.as_str())
    }

    /// The table: what is meant for each kind of error, and whether it is there.
    async fn found(&self, planted: &Planted) -> (&'static str, bool) {
        let (plan, cells) = (&self.plan, self.cells(planted));
        let one = cells.first().copied().filter(|_| planted.property.is_some());
        let flag = |any: &[&str]| one.is_some_and(|cell| self.says(cell, any));
        let state =
            |any: &[State]| one.is_some_and(|cell| any.contains(&plan.state(cell)) && plan.offer(cell).is_none());
        let empty = |cell: Cell| plan.new_value(cell).is_none();
        match planted.what {
            Oddity::TenTimes | Oddity::TenthPart => {
                ("STOP T1 or L2, and S14", flag(&["STOP T1", "STOP L2"]) && flag(&["REVIEW S14"]))
            }
            Oddity::FalseZero => ("STOP T1, T4 or L2", flag(&["STOP T1", "STOP T4", "STOP L2"])),
            Oddity::TextInNumber => ("NON_NUMERIC", state(&[State::NonNumeric])),
            Oddity::Negative => ("STOP S09", flag(&["STOP S09"])),
            Oddity::Fraction => ("REVIEW S10", flag(&["REVIEW S10"])),
            Oddity::Comment => ("its comment in the detail", self.has_comment(one).await),
            Oddity::FollowUp => ("REVIEW S11", flag(&["REVIEW S11"])),
            Oddity::StoppedReporting => {
                let asked = cells.iter().any(|cell| self.says(*cell, &["REVIEW T5"]));
                ("REVIEW T5, and nothing proposed", asked && cells.iter().all(|cell| empty(*cell)))
            }
            Oddity::SharedExternalId => ("STOP S33 on all", self.each_change_says(&cells, "STOP S33")),
            Oddity::Closed | Oddity::UnitClosed => ("STOP S34 on all", self.each_change_says(&cells, "STOP S34")),
            Oddity::NoExternalId => {
                let skipped = plan.skipped().iter().any(|case| Some(&case.case_id) == planted.case_id.as_ref());
                ("skipped, and R2", skipped && cells.is_empty() && self.run_says("R2").is_some())
            }
            Oddity::WithoutCase => {
                let listed = plan.head.without_case.iter().any(|(unit, _)| Some(unit) == planted.external_id.as_ref());
                ("listed, and R2", listed && self.run_says("R2").is_some())
            }
            Oddity::AccentedName | Oddity::LongName | Oddity::HostileName => {
                ("the name as it is", self.is_named(&cells))
            }
            // Both have the place in their name, of four letters and more: they are one name to S35.
            Oddity::NamesDiffer => ("both names, and no S35", self.has_other_name(&cells)),
            Oddity::NotAssigned => ("NOT_ASSIGNED", state(&[State::NotAssigned])),
            Oddity::Deleted => ("DELETED", state(&[State::Deleted])),
            Oddity::ZeroNotStored => ("0 to be chosen, and C8", one.is_some_and(|cell| self.may_be_zero(cell))),
            Oddity::CompleteEmpty => {
                let zero = one.is_some_and(|cell| self.may_be_zero(cell));
                ("BLANK_IN_REPORT, or 0 to be chosen", zero || state(&[State::BlankInReport]))
            }
            Oddity::TotalAndBreakdown => ("STOP S06", flag(&["STOP S06"])),
            Oddity::CategoryGone => ("REVIEW S04", flag(&["REVIEW S04"])),
            Oddity::UnknownCategory => ("REVIEW S05", flag(&["REVIEW S05"])),
            Oddity::EditedAfterComplete => ("REVIEW S12", flag(&["REVIEW S12"])),
            Oddity::CompletedLate => ("INFO S03", flag(&["INFO S03"])),
            Oddity::Copied => ("REVIEW S13", flag(&["REVIEW S13"])),
            Oddity::SeveralAttributes => ("REVIEW S07", flag(&["REVIEW S07"])),
        }
    }

    async fn has_comment(&self, cell: Option<Cell>) -> bool {
        let Some(cell) = cell else { return false };
        let parts = self.session.detail(&self.plan, cell).await.unwrap().parts;
        parts.iter().any(|part| part.comment.as_ref().is_some_and(|comment| !comment.is_empty()))
    }

    fn may_be_zero(&self, cell: Cell) -> bool {
        let zero = self.plan.state(cell) == State::ZeroNotStored && self.plan.offer(cell) == Some("0");
        zero && self.plan.new_value(cell).is_none() && self.run_says("C8").is_some()
    }

    fn is_named(&self, cells: &[Cell]) -> bool {
        let Some(facility) = cells.first().map(|cell| self.plan.facility(cell.facility)) else { return false };
        let case = self.sandbox.case(&facility.case_id).unwrap();
        case.name.as_ref() == Some(&facility.name) && facility.unit_name.as_ref() == Some(&facility.name)
    }

    fn has_other_name(&self, cells: &[Cell]) -> bool {
        let Some(facility) = cells.first().map(|cell| self.plan.facility(cell.facility)) else { return false };
        let other = facility.unit_name.as_ref().is_some_and(|unit| *unit != facility.name);
        other && cells.iter().all(|cell| !self.says(*cell, &["INFO S35"]))
    }

    /// Which of these are not found, in words.
    async fn missing(&self, which: &[Oddity]) -> (usize, Vec<String>) {
        let (mut count, mut missing) = (0, Vec::new());
        for planted in self.sandbox.planted().iter().filter(|planted| which.contains(&planted.what)) {
            let (meant, found) = self.found(planted).await;
            count += 1;
            if !found {
                let cells = self.cells(planted);
                let said: Vec<_> = cells.iter().map(|cell| (self.plan.state(*cell).name(), self.said(*cell))).collect();
                missing.push(format!("{planted:?}: meant is {meant}, said is {said:?}"));
            }
        }
        (count, missing)
    }
}

/// A country in which the case of every error that leaves the number alone holds another one, so that there is something to decide.
fn undecided(facilities: usize) -> Sandbox {
    let sandbox = sandbox(facilities);
    for planted in sandbox.planted().iter().filter(|planted| BESIDE.contains(&planted.what)) {
        assert!(sandbox.set_property(planted.case_id.as_ref().unwrap(), planted.property.as_ref().unwrap(), ""));
    }
    sandbox
}

#[tokio::test]
async fn every_planted_error_is_found_by_the_flag_or_state_meant_for_it() {
    let country = country(undecided(300)).await;
    let mut kinds: BTreeMap<Oddity, usize> = BTreeMap::new();
    for planted in country.sandbox.planted() {
        *kinds.entry(planted.what).or_default() += 1;
    }
    assert_eq!(kinds.keys().copied().collect::<Vec<_>>(), ALL, "{kinds:?}");
    let (_, missing) = country.missing(&ALL).await;
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    let of = |what: Oddity| kinds.get(&what).copied().unwrap();
    assert_eq!(
        country.run_says("R2").unwrap(),
        format!(
            "{} cases that cannot take part, {} organisation units without a case",
            of(Oddity::NoExternalId),
            of(Oddity::WithoutCase)
        )
    );
    let zeros = country.plan.cells().filter(|cell| country.plan.state(*cell) == State::ZeroNotStored).count();
    assert!(
        country
            .run_says("C8")
            .unwrap()
            .contains(&format!("; {} cells read (0?)", onse::domain::value::grouped(&zeros.to_string())))
    );
}

#[tokio::test]
async fn the_whole_country_stays_within_the_budget_and_no_size_error_is_missed() {
    let country = country(sandbox(1_106)).await;
    let plan = &country.plan;
    let (planted, missing) = country.missing(&SIZES).await;
    assert!(planted >= 9 && missing.is_empty(), "{planted} planted; {}", missing.join("\n"));
    let worst = |severity| plan.cells().filter(move |cell| plan.severity(*cell) == Some(severity));
    let share =
        |cells: usize, of: usize| f64::from(u32::try_from(cells).unwrap()) / f64::from(u32::try_from(of).unwrap());
    let cells = plan.cells().count();
    let changes = plan.cells().filter(|cell| plan.kind(*cell) == Kind::Change).count();
    let stop = worst(Severity::Stop).count();
    assert!(share(stop, cells) <= 0.005, "{stop} STOP of {cells} cells");
    let review: Vec<Cell> = worst(Severity::Review).filter(|cell| plan.kind(*cell) == Kind::Change).collect();
    assert!(share(review.len(), cells) <= 0.03, "{} REVIEW of {cells} cells", review.len());
    // A report that is not marked complete is no error of size; the country has more of these than of all else.
    let other =
        |cell: &&Cell| plan.flags(**cell).iter().any(|flag| flag.severity == Severity::Review && flag.id != "S02");
    let others = review.iter().filter(other).count();
    assert!(share(others, changes) <= 0.01, "{others} REVIEW beside S02 of {changes} changes");
    let absent = worst(Severity::Review).filter(|cell| plan.kind(*cell) == Kind::Without).count();
    assert!(share(absent, cells) <= 0.03, "{absent} REVIEW of {cells} cells without a number");
    let stops: Vec<_> = plan.head.checks.iter().filter(|check| check.severity == Severity::Stop).collect();
    assert!(stops.is_empty(), "{stops:?}");
    // What the case holds already is nobody's work.
    assert!(plan.all_flags().all(|(cell, _)| plan.kind(cell) != Kind::Same));
}
