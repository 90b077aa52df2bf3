//! What a plan must say, worked out the plainest way: one request for each facility, data set and quarter, parsed and judged here
//! by the words of data-quality-flags.md section 1. It uses nothing of the program but the names of the states.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use onse::{
    domain::{
        mapping::{Mapping, Row},
        plan::{Plan, State},
    },
    io::transport::SharedTransport,
    sandbox::{DHIS2_PASSWORD, Sandbox},
};
use serde_json::Value;

use crate::support::ORIGIN;

/// What stands in a cell: its state, the number or text, and the quarter it is of where that is another one.
pub(crate) type Truth = (State, Option<String>, Option<String>);

/// By case id and property.
pub(crate) type Cells = BTreeMap<(String, String), Truth>;

/// The target quarter and the ones before it, newest first.
const QUARTERS: [&str; 9] = ["2026Q2", "2026Q1", "2025Q4", "2025Q3", "2025Q2", "2025Q1", "2024Q4", "2024Q3", "2024Q2"];

/// What the program can know behind a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Knows {
    pub(crate) metadata: bool,
    pub(crate) completeness: bool,
}

impl Knows {
    pub(crate) const ALL: Self = Self { metadata: true, completeness: true };
}

/// Someone with much time.
pub(crate) struct Naive {
    pub(crate) transport: SharedTransport,
    pub(crate) user: &'static str,
    pub(crate) knows: Knows,
    pub(crate) look_back: usize,
    /// An organisation unit outside the country.
    pub(crate) outside: String,
    /// Answers by what was asked: a data set has many cells.
    pub(crate) asked: Mutex<HashMap<String, Arc<(u16, Value)>>>,
}

/// What is known of a mapped row: its data element and data set.
struct Facts {
    quarterly: bool,
    numeric: bool,
    drops_zero: bool,
    assigned: BTreeSet<String>,
}

/// The answer about one facility, data set and quarter.
enum Report {
    Refused,
    Rows(Vec<Value>),
}

impl Naive {
    pub(crate) fn new(sandbox: &Sandbox, user: &'static str) -> Self {
        let outside = sandbox.unreadable_org_unit().unwrap().to_owned();
        Self {
            transport: sandbox.transport(ORIGIN),
            outside,
            user,
            knows: Knows::ALL,
            look_back: 0,
            asked: Mutex::default(),
        }
    }

    async fn get(&self, rest: &str) -> Arc<(u16, Value)> {
        if let Some(known) = self.asked.lock().unwrap().get(rest) {
            return Arc::clone(known);
        }
        let answer = Arc::new(self.ask(rest).await);
        self.asked.lock().unwrap().insert(rest.to_owned(), Arc::clone(&answer));
        answer
    }

    pub(crate) async fn ask(&self, rest: &str) -> (u16, Value) {
        let sign_in = STANDARD.encode(format!("{}:{DHIS2_PASSWORD}", self.user));
        let request = http::Request::get(format!("{ORIGIN}/dhis2/api/{rest}"));
        let request = request.header("authorization", format!("Basic {sign_in}")).body(Bytes::new()).unwrap();
        let (head, mut body) = self.transport.send(request).await.unwrap().into_parts();
        let mut bytes = Vec::new();
        while let Some(piece) = body.chunk().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        (head.status.as_u16(), serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// What DHIS2 says of a row; `None` where the row does not fit the server.
    async fn facts(&self, row: &Row) -> Option<Facts> {
        let fields = "valueType,aggregationType,zeroIsSignificant";
        let (status, element) = &*self.get(&format!("dataElements/{}?fields={fields}", row.data_element)).await;
        let fields = "periodType,organisationUnits[id],dataSetElements[dataElement[id]]";
        let (set_status, set) = &*self.get(&format!("dataSets/{}?fields={fields}", row.data_set)).await;
        let elements = set["dataSetElements"].as_array().into_iter().flatten();
        let has_it = elements.map(|it| &it["dataElement"]["id"]).any(|id| *id == *row.data_element);
        if (*status, *set_status, has_it) != (200, 200, true) {
            return None;
        }
        let text = |field: &str| element[field].as_str().unwrap().to_owned();
        let numeric = ["INTEGER", "NUMBER", "UNIT_INTERVAL", "PERCENTAGE"];
        let average = ["AVERAGE", "AVERAGE_SUM_ORG_UNIT"].contains(&text("aggregationType").as_str());
        let units = set["organisationUnits"].as_array().unwrap().iter();
        Some(Facts {
            quarterly: set["periodType"] == "Quarterly",
            numeric: numeric.iter().any(|kind| text("valueType").starts_with(kind)),
            drops_zero: element["zeroIsSignificant"] == false && !average,
            assigned: units.map(|unit| unit["id"].as_str().unwrap().to_owned()).collect(),
        })
    }

    async fn report(&self, unit: &str, set: &str, quarter: &str) -> Report {
        let ask = format!("dataValueSets?dataSet={set}&period={quarter}&orgUnit={unit}&includeDeleted=true");
        let (status, body) = &*self.get(&ask).await;
        match status {
            200 => {}
            // None of the units is known: nothing is stored for it.
            409 if body["message"].as_str().unwrap().starts_with("At least one") => {
                return self.of_nobody(set, quarter).await;
            }
            409 => return Report::Refused,
            other => panic!("{other}: {body}"),
        }
        let rows = body["dataValues"].as_array().cloned().unwrap_or_default();
        let of = |row: &Value, name: &str| row.get(name).unwrap_or(&body[name]).as_str().unwrap_or_default().to_owned();
        assert!(rows.iter().all(|row| of(row, "period") == quarter && of(row, "orgUnit") == unit));
        Report::Rows(rows)
    }

    /// The answer about a unit DHIS2 does not know: nothing, unless the data set may not be read whoever is asked about. That goes
    /// before what is said of a unit outside.
    async fn of_nobody(&self, set: &str, quarter: &str) -> Report {
        let ask = format!("dataValueSets?dataSet={set}&period={quarter}&orgUnit={}", self.outside);
        let (_, body) = &*self.get(&ask).await;
        let denied = body["message"].as_str().is_some_and(|told| told.contains("data for data set"));
        if denied { Report::Refused } else { Report::Rows(Vec::new()) }
    }

    /// Whether a report is registered complete; `None` where that cannot be known.
    async fn complete(&self, unit: &str, set: &str, quarter: &str) -> Option<bool> {
        if !self.knows.completeness {
            return None;
        }
        let ask = format!("completeDataSetRegistrations?dataSet={set}&period={quarter}&orgUnit={unit}");
        let (status, body) = &*self.get(&ask).await;
        let forms = || body["completeDataSetRegistrations"].as_array().into_iter().flatten();
        (*status == 200).then(|| forms().any(|form| form["completed"] != false))
    }

    /// The plan of a mapping, and the lines of it that do not fit the server.
    pub(crate) async fn cells(&self, sandbox: &Sandbox, mapping: &Mapping) -> (Cells, BTreeSet<u64>) {
        let (mut cells, mut left_out) = (Cells::new(), BTreeSet::new());
        for row in mapping.usable() {
            let facts = self.facts(row).await;
            if facts.is_none() && self.knows.metadata {
                left_out.insert(row.line);
                continue;
            }
            for case_id in sandbox.case_ids() {
                let unit = sandbox.case(&case_id).unwrap().external_id.unwrap_or_default();
                let known = self.get(&format!("organisationUnits/{unit}?fields=id")).await.0 == 200;
                if unit.len() != 11 || self.knows.metadata && !known {
                    continue;
                }
                let truth = self.cell(&unit, row, facts.as_ref().filter(|_| self.knows.metadata)).await;
                cells.insert((case_id, row.property.clone()), truth);
            }
        }
        (cells, left_out)
    }

    async fn cell(&self, unit: &str, row: &Row, facts: Option<&Facts>) -> Truth {
        let nothing = |state| (state, None, None);
        let set = &row.data_set;
        let Report::Rows(rows) = self.report(unit, set, QUARTERS[0]).await else { return nothing(State::NoAccess) };
        if facts.is_some_and(|facts| !facts.quarterly) {
            return nothing(State::WrongPeriodType);
        }
        let numeric = facts.is_none_or(|facts| facts.numeric);
        let (live, deleted): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row["deleted"] != true);
        let total = total(&live, &row.data_element);
        match total {
            Some(Err(text)) => return (State::NonNumeric, Some(text), None),
            _ if !numeric => return nothing(State::NonNumeric),
            Some(Ok(0)) => return (State::ReportedZero, Some("0".to_owned()), None),
            Some(Ok(sum)) => return (State::Reported, Some(plain(sum)), None),
            None => {}
        }
        let complete = self.complete(unit, set, QUARTERS[0]).await;
        let done = complete == Some(true);
        // Without metadata nobody knows what stands on the data set; the rows of a request are still those of its own.
        let siblings = facts.is_some() && live.iter().any(|row| has_value(row));
        let state = match facts {
            Some(facts) if !facts.assigned.contains(unit) => State::NotAssigned,
            Some(facts) if done && facts.drops_zero => State::ZeroNotStored,
            _ if deleted.iter().any(|found| found["dataElement"] == *row.data_element) => State::Deleted,
            _ if done || siblings => State::BlankInReport,
            _ => State::NotReported,
        };
        if matches!(state, State::BlankInReport | State::NotReported)
            && let Some(older) = self.older(unit, row, complete).await
        {
            return older;
        }
        nothing(state)
    }

    /// The number of an earlier quarter. It never goes beyond a quarter whose report is complete, nor where nobody knows.
    async fn older(&self, unit: &str, row: &Row, complete: Option<bool>) -> Option<Truth> {
        let mut complete = complete;
        for quarter in &QUARTERS[1..=self.look_back] {
            if complete != Some(false) {
                return None;
            }
            let Report::Rows(rows) = self.report(unit, &row.data_set, quarter).await else { return None };
            let live: Vec<_> = rows.iter().filter(|row| row["deleted"] != true).collect();
            match total(&live, &row.data_element) {
                Some(Ok(sum)) => return Some((State::OlderQuarter, Some(plain(sum)), Some((*quarter).to_owned()))),
                Some(Err(_)) => return None,
                None => {}
            }
            complete = self.complete(unit, &row.data_set, quarter).await;
        }
        None
    }
}

fn has_value(row: &Value) -> bool {
    row["value"].as_str().is_some_and(|text| !text.is_empty())
}

/// The sum of the rows of a data element in millionths; the first text that is no number; `None` without a row.
fn total(rows: &[&Value], element: &str) -> Option<Result<i128, String>> {
    let ours = rows.iter().filter(|row| row["dataElement"] == *element && has_value(row));
    let mut ours: Vec<&&Value> = ours.collect();
    let key = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    ours.sort_by_key(|row| (key(row, "categoryOptionCombo"), key(row, "attributeOptionCombo")));
    let texts: Vec<&str> = ours.iter().map(|row| row["value"].as_str().unwrap()).collect();
    if texts.is_empty() {
        return None;
    }
    let numbers = texts.iter().map(|text| millionths(text).ok_or_else(|| (*text).to_owned()));
    Some(numbers.sum())
}

/// `12`, `12.0`, ` 7 `, `-4`, `1E3` in millionths.
fn millionths(text: &str) -> Option<i128> {
    let text = text.trim();
    let (mantissa, exponent) = text.split_once(['E', 'e']).unwrap_or((text, "0"));
    let (sign, digits) = mantissa.strip_prefix('-').map_or((1, mantissa), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !(whole.to_owned() + part).bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let shift = 6 + exponent.parse::<i32>().ok()? - i32::try_from(part.len()).unwrap();
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    Some(sign * digits * 10_i128.pow(u32::try_from(shift).ok()?))
}

fn plain(number: i128) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let number = number.abs();
    let part = format!("{:06}", number % 1_000_000);
    let text = format!("{sign}{}.{}", number / 1_000_000, part.trim_end_matches('0'));
    text.trim_end_matches('.').to_owned()
}

/// What a plan says.
pub(crate) fn said(plan: &Plan) -> Cells {
    let of = |cell| {
        let quarter = plan.quarter(cell);
        let other = (quarter != plan.head.quarter).then(|| quarter.to_string());
        let key = (plan.facility(cell.facility).case_id.clone(), plan.property(cell.property).name.clone());
        (key, (plan.state(cell), plan.held(cell).map(str::to_owned), other))
    };
    plan.cells().map(of).collect()
}

/// The first few cells in which two plans differ.
pub(crate) fn differ(found: &Cells, wanted: &Cells) -> Option<String> {
    let keys: BTreeSet<_> = found.keys().chain(wanted.keys()).collect();
    let lines = keys.into_iter().filter(|key| found.get(*key) != wanted.get(*key));
    let lines = lines.map(|key| format!("{key:?}: {:?}, but should be {:?}", found.get(key), wanted.get(key)));
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| format!("{} cells, such as\n{}", lines.len(), lines[..lines.len().min(6)].join("\n")))
}
