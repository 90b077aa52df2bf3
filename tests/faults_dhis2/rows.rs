//! What single rows and the metadata behind them may hold.

use jiff::civil::date;
use onse::{
    domain::{
        mapping::Mapping,
        plan::{Cell, Kind, State},
    },
    job::{
        fetch::{Ask, Finer, Reach},
        report::PartLine,
    },
    sandbox::{self, Version},
};
use serde_json::Value;

use crate::{
    naive::{Cells, Naive, Truth},
    rig::{Act, Got, Rig},
    support::ask,
};

/// One value, kept though it is 0.
const BEDS: (&str, &str, &str) =
    ("dhis_what_is_the_total_number_of_beds_at_the_facility", "asCqjKclllu", "q1Es3k3sZem");
/// Male and female; DHIS2 keeps no 0 of it.
const CURED: (&str, &str, &str) = ("dhis_prev_new_smear_positive_cases_cured", "gKghGP99qDe", "VEqRXwmqhM1");
const DEFAULT: &str = "HllvX50cXC0";
const NOW: &str = "2026Q2";

/// What stands in the cell of a case.
fn cell<'a>(cells: &'a Cells, case: &str, property: &str) -> &'a Truth {
    &cells[&(case.to_owned(), property.to_owned())]
}

fn truth(state: State, held: Option<&str>) -> Truth {
    (state, held.map(str::to_owned), None)
}

impl Got {
    fn cell(&self, case: &str, property: &str) -> Cell {
        let plan = self.plan();
        let facility = plan.facilities().iter().position(|facility| facility.case_id == case).unwrap();
        Cell { facility: u32::try_from(facility).unwrap(), property: plan.find_property(property).unwrap() }
    }

    async fn parts(&self, cell: Cell) -> Vec<PartLine> {
        self.session.detail(self.plan(), cell).await.unwrap().parts
    }
}

#[tokio::test]
async fn d15_numbers_in_any_spelling_are_read_exactly_and_other_texts_block_their_cell() {
    let digits = "7".repeat(400);
    let texts = [
        ("12.0", State::Reported, Some("12")),
        (" 7 ", State::Reported, Some("7")),
        ("1E3", State::Reported, Some("1000")),
        ("-0", State::ReportedZero, Some("0")),
        ("00.50", State::Reported, Some("0.5")),
        ("1,200", State::NonNumeric, Some("1,200")),
        ("true", State::NonNumeric, Some("true")),
        ("NaN", State::NonNumeric, Some("NaN")),
        (&digits, State::NonNumeric, Some(digits.as_str())),
        ("12\u{1b}[2J", State::NonNumeric, Some("12\u{1b}[2J")),
    ];
    for version in [Version::V36, Version::V40, Version::V43] {
        let rig = Rig::of(version, 40);
        let open = rig.open();
        let before = rig.truth().await;
        for ((_, unit), (text, ..)) in open.iter().zip(&texts) {
            assert!(rig.sandbox.set_value(unit, BEDS.1, DEFAULT, NOW, Some(text)));
        }
        let got = rig.read(&ask(&[])).await;
        let cells = got.cells();
        for ((case, _), (text, state, held)) in open.iter().zip(&texts) {
            assert_eq!(*cell(&cells, case, BEDS.0), truth(*state, *held), "{version}: {text}");
        }
        if version == Version::V36 {
            got.says(&rig.truth().await);
        }
        assert_eq!(cells.len(), before.len());
    }
}

#[tokio::test]
async fn d15_a_row_without_a_value_is_no_row_and_its_comment_is_shown() {
    for value in [None, Some(""), Some("null")] {
        let rig = Rig::new(40);
        let (case, unit) = rig.open()[2].clone();
        assert!(rig.sandbox.set_value(&unit, BEDS.1, DEFAULT, NOW, Some("31")));
        assert!(rig.sandbox.set_complete(&unit, BEDS.2, NOW, None));
        let bend = move |answer: &mut Value| {
            let rows = answer["dataValues"].as_array_mut().unwrap().iter_mut();
            for row in rows.filter(|row| row["orgUnit"] == *unit && row["dataElement"] == BEDS.1) {
                row["comment"] = "Ward\u{1b}[2J is being rebuilt".into();
                match value {
                    None => drop(row.as_object_mut().unwrap().remove("value")),
                    Some("null") => row["value"] = Value::Null,
                    Some(text) => row["value"] = text.into(),
                }
            }
        };
        let got =
            rig.bent(move |path| if path.contains("/dataValueSets?") { Act::bend(bend.clone()) } else { Act::Pass });
        let got = got.await;
        // Its siblings tell that the report came.
        assert_eq!(*cell(&got.cells(), &case, BEDS.0), truth(State::BlankInReport, None), "{value:?}");
        let parts = got.parts(got.cell(&case, BEDS.0)).await;
        assert_eq!(parts.iter().map(|part| part.value.as_deref()).collect::<Vec<_>>(), [None]);
        assert_eq!(parts[0].comment.as_deref(), Some("Ward\u{1b}[2J is being rebuilt"), "made inert where it is shown");
    }
}

#[tokio::test]
async fn d18_deleted_rows_are_not_added_up_and_have_a_state_of_their_own() {
    for version in Version::ALL {
        let rig = Rig::of(version, 40);
        let open = rig.open();
        let split: Vec<String> = rig.options_of(CURED.1).await;
        let [(gone, all), (half, some), (zero, done), ..] = &open[..] else { panic!("too few") };
        for unit in [all, some, done] {
            for (option, value) in split.iter().zip(["12", "30"]) {
                assert!(rig.sandbox.set_value(unit, CURED.1, option, NOW, Some(value)));
            }
            assert!(rig.sandbox.delete_value(unit, CURED.1, &split[1], NOW));
            assert!(rig.sandbox.set_assigned(unit, CURED.2, true));
            assert!(rig.sandbox.set_complete(unit, CURED.2, NOW, (unit == done).then(|| date(2026, 7, 9))));
        }
        for unit in [all, done] {
            assert!(rig.sandbox.delete_value(unit, CURED.1, &split[0], NOW));
        }
        let got = rig.read(&ask(&[])).await;
        got.says(&rig.truth().await);
        let cells = got.cells();
        assert_eq!(*cell(&cells, gone, CURED.0), truth(State::Deleted, None), "{version}");
        assert_eq!(*cell(&cells, half, CURED.0), truth(State::Reported, Some("12")), "{version}");
        assert_eq!(*cell(&cells, zero, CURED.0), truth(State::ZeroNotStored, None), "typing 0 deletes the value");
        assert!(got.parts(got.cell(gone, CURED.0)).await.is_empty());
        assert_eq!(got.parts(got.cell(half, CURED.0)).await.len(), 1);
    }
}

/// A mapping of these rows: property, data element, data set.
pub(crate) fn mapping(rows: &[(&str, &str, &str)]) -> Mapping {
    let line = |(property, element, set): &(&str, &str, &str)| format!("{property},{element},{set},");
    let lines: Vec<String> = rows.iter().map(line).collect();
    Mapping::read(format!("case_property,data_element_id,data_set_id,dhis2_name\n{}\n", lines.join("\n")).as_bytes())
}

#[tokio::test]
async fn d19_a_monthly_data_set_blocks_its_columns_and_says_which_months_it_holds() {
    for version in Version::ALL {
        let rig = Rig::of(version, 40);
        let rows = [
            BEDS,
            ("fever", sandbox::MONTHLY_SUM, sandbox::MONTHLY_SET),
            ("ors", sandbox::MONTHLY_LAST, sandbox::MONTHLY_SET),
        ];
        let ask = Ask { mapping: mapping(&rows), ..ask(&[]) };
        let got = rig.read(&ask).await;
        got.says(&Naive::new(&rig.sandbox, rig.user).cells(&rig.sandbox, &ask.mapping).await.0);
        let blocked: Vec<Truth> =
            got.cells().into_iter().filter(|((_, property), _)| property != BEDS.0).map(|(_, cell)| cell).collect();
        assert!(blocked.len() > 60 && blocked.iter().all(|cell| *cell == truth(State::WrongPeriodType, None)));
        let note = got.note("is Monthly");
        assert!(note.contains(sandbox::MONTHLY_SET) && note.contains("202604, 202605 and 202606 have data"), "{note}");
        assert!(note.contains("nothing is proposed until") && note.contains("leave out"), "{note}");
        assert!(!got.plan().incomplete());
    }
}

#[tokio::test]
async fn d22_a_zero_that_is_not_stored_is_told_from_a_blank_and_never_made_an_older_number() {
    let rig = Rig::new(40);
    let open = rig.open();
    let options = rig.options_of(CURED.1).await;
    let [(zero, complete), (late, open_form), (kept, significant), ..] = &open[..] else { panic!("too few") };
    for unit in [complete, open_form] {
        for option in &options {
            assert!(rig.sandbox.set_value(unit, CURED.1, option, NOW, None));
            assert!(rig.sandbox.set_value(unit, CURED.1, option, "2026Q1", Some("20")));
        }
        assert!(rig.sandbox.set_assigned(unit, CURED.2, true));
    }
    assert!(rig.sandbox.set_complete(complete, CURED.2, NOW, Some(date(2026, 7, 9))));
    assert!(rig.sandbox.set_complete(open_form, CURED.2, NOW, None));
    // A zero of this one would have been kept: it is blank although the report is complete.
    assert!(rig.sandbox.set_value(significant, BEDS.1, DEFAULT, NOW, None));
    assert!(rig.sandbox.set_value(significant, BEDS.1, DEFAULT, "2026Q1", Some("17")));
    assert!(rig.sandbox.set_assigned(significant, BEDS.2, true));
    assert!(rig.sandbox.set_complete(significant, BEDS.2, NOW, Some(date(2026, 7, 9))));
    for look_back in 0..=3 {
        let reach = Reach { look_back, ..ask(&[]).reach };
        let got = rig.read(&Ask { reach, ..ask(&[]) }).await;
        let naive = Naive { look_back: usize::from(look_back), ..Naive::new(&rig.sandbox, rig.user) };
        got.says(&naive.cells(&rig.sandbox, &ask(&[]).mapping).await.0);
        let cells = got.cells();
        assert_eq!(*cell(&cells, zero, CURED.0), truth(State::ZeroNotStored, None), "{look_back}");
        assert_eq!(*cell(&cells, kept, BEDS.0), truth(State::BlankInReport, None), "{look_back}");
        let older = cell(&cells, late, CURED.0);
        if look_back == 0 {
            assert!(older.1.is_none(), "{older:?}");
        } else {
            assert_eq!(*older, (State::OlderQuarter, Some("40".to_owned()), Some("2026Q1".to_owned())));
        }
    }
}

#[tokio::test]
async fn d23_rows_split_by_something_the_account_may_not_read_are_warned_of() {
    for version in Version::ALL {
        let rows = [BEDS, ("outreach", sandbox::PARTNER_ELEMENT, sandbox::PARTNER_SET)];
        let rig = Rig::of(version, 40);
        let ask = Ask { mapping: mapping(&rows), ..ask(&[]) };
        let got = rig.read(&ask).await;
        got.says(&Naive::new(&rig.sandbox, rig.user).cells(&rig.sandbox, &ask.mapping).await.0);
        let note = got.note("its totals may be too low");
        assert!(note.contains(sandbox::PARTNER_SET) && note.contains("Restricted donor"), "{version}: {note}");
        // Someone who may read them all is not warned, and reads more.
        let all = Rig::of(version, 40).signed_in(sandbox::DHIS2_SUPERUSER);
        let whole = all.read(&ask).await;
        assert!(!whole.has_note("too low"), "{version}");
        let sum = |got: &Got| -> f64 {
            let outreach = got.cells().into_iter().filter(|((_, property), _)| property == "outreach");
            outreach.filter_map(|(_, cell)| cell.1?.parse::<f64>().ok()).sum()
        };
        assert!(sum(&whole) > sum(&got) * 1.2, "{version}: {} and {}", sum(&whole), sum(&got));
    }
}

/// The values of a monthly data element in the months of the quarter, as whole numbers.
async fn months(naive: &Naive, unit: &str, element: &str) -> Vec<Option<i64>> {
    let mut values = Vec::new();
    for month in ["202604", "202605", "202606"] {
        let set = sandbox::MONTHLY_SET;
        let body = naive.ask(&format!("dataValueSets?dataSet={set}&period={month}&orgUnit={unit}")).await.1;
        let rows = body["dataValues"].as_array().cloned().unwrap_or_default();
        let row = rows.iter().find(|row| row["dataElement"] == *element);
        values.push(row.map(|row| row["value"].as_str().unwrap().parse().unwrap()));
    }
    values
}

#[tokio::test]
async fn d19_what_is_chosen_for_a_monthly_data_set_makes_its_numbers_and_missing_months_are_flagged() {
    let rig = Rig::new(80);
    let (fever, ors) = (sandbox::MONTHLY_SUM, sandbox::MONTHLY_LAST);
    let mapping = mapping(&[("fever", fever, sandbox::MONTHLY_SET), ("ors", ors, sandbox::MONTHLY_SET)]);
    let naive = Naive::new(&rig.sandbox, rig.user);
    for chosen in [Finer::ByType, Finer::Sum, Finer::Last, Finer::LeaveOut] {
        let reach = Reach { finer: vec![(sandbox::MONTHLY_SET.to_owned(), chosen)], ..ask(&[]).reach };
        let got = rig.read(&Ask { mapping: mapping.clone(), reach, ..ask(&[]) }).await;
        let (plan, mut flagged) = (got.plan(), 0);
        for at in plan.cells() {
            let element = &plan.property(at.property).data_element;
            let held = months(&naive, &plan.facility(at.facility).external_id, element).await;
            let number = match (chosen, element == fever) {
                (Finer::ByType | Finer::Sum, true) => held.iter().flatten().copied().reduce(|sum, more| sum + more),
                (Finer::ByType | Finer::Last, false) => held.iter().flatten().next_back().copied(),
                _ => {
                    assert_eq!(plan.state(at), State::WrongPeriodType, "{chosen}: {}", plan.title(at));
                    continue;
                }
            };
            assert_eq!(plan.new_value(at), number.map(|number| number.to_string()).as_deref(), "{chosen}: {held:?}");
            let missing = held.contains(&None) && number.is_some();
            if plan.kind(at) == Kind::Change {
                assert_eq!(plan.flags(at).iter().any(|flag| flag.id == "S01"), missing, "{chosen}: {held:?}");
                flagged += usize::from(missing);
            }
        }
        assert!(flagged > 0 || chosen == Finer::LeaveOut, "{chosen}");
        assert!(got.note("is Monthly").contains("chosen: "), "{chosen}");
    }
}
