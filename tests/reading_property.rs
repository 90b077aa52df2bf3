//! Whatever the country, the version, the account, the mapping, the edits, the length of a request and the faults on the way: the
//! plan says what one request for each facility and data set would say, and a unit that could not be read is `FETCH_FAILED`.
//!
//! `PROPTEST_CASES` sets how many worlds are read.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test binary; a failure here is the test's answer")]

#[path = "support/faults.rs"]
#[expect(dead_code, reason = "faults of other kinds are tested elsewhere")]
mod faults;
#[path = "support/naive.rs"]
mod naive;
#[path = "faults_dhis2/rig.rs"]
#[expect(dead_code, reason = "single rows are tested elsewhere")]
mod rig;
mod support;

use std::{collections::BTreeSet, time::Duration};

use faults::{Fault, Rule};
use jiff::civil::date;
use naive::{Cells, Knows, Naive, differ};
use onse::{
    domain::{mapping::Mapping, plan::State},
    io::dhis2::URL_LIMIT,
    job::fetch::{Ask, Reach},
    sandbox::{self, Gateway, Options, Version},
};
use proptest::{collection::vec, prelude::*, sample::Index, test_runner::Config};
use rig::{Act, Got, Rig};
use support::ask;

const ACCOUNTS: [&str; 6] = [
    sandbox::DHIS2_USER,
    sandbox::DHIS2_SUPERUSER,
    sandbox::DHIS2_HALF_BLIND_USER,
    sandbox::DHIS2_DISTRICT_USER,
    sandbox::DHIS2_VIEWER,
    sandbox::DHIS2_UNPLACED_SUPERUSER,
];
const PLACES: [Option<Gateway>; 4] = [None, Some(Gateway::Whole), Some(Gateway::Metadata), Some(Gateway::Values)];
const QUARTERS: [&str; 4] = ["2026Q2", "2026Q1", "2025Q4", "2025Q3"];
/// What a clerk, or another program, may have stored.
const TEXTS: [&str; 16] = [
    "0",
    "-0",
    "7",
    "12.0",
    " 3.5",
    "1E3",
    "-4",
    "0.00",
    "98765432109876",
    "1,200",
    "true",
    "NaN",
    "12 (est)",
    "",
    "0007",
    "2.25",
];

/// What somebody changed.
#[derive(Clone, Debug)]
enum Edit {
    Value(&'static str),
    NoRow,
    Deleted,
    Complete,
    Opened,
    Assigned(bool),
    Closed,
    /// The case names another organisation unit: an unknown one, one outside, none, another case's.
    Moved(u8),
}

/// Where: facility, row of the mapping, category option, quarter.
type Spot = (Index, Index, Index, usize);

/// What befalls the line, each once.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    SlowDown,
    Reset,
    BreaksOff,
    CutShort,
    Gateway,
}

#[derive(Clone, Debug)]
struct World {
    facilities: usize,
    seed: u64,
    version: Version,
    account: usize,
    place: usize,
    rows: Vec<Index>,
    edits: Vec<(Edit, Spot)>,
    look_back: u8,
    history: bool,
    /// Room in a request line for so many units, and how many of them the server takes.
    room: Option<(usize, usize)>,
    troubles: Vec<(Trouble, usize)>,
    bad: Option<Index>,
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        6 => proptest::sample::select(&TEXTS[..]).prop_map(Edit::Value),
        3 => Just(Edit::NoRow),
        3 => Just(Edit::Deleted),
        3 => Just(Edit::Complete),
        4 => Just(Edit::Opened),
        2 => any::<bool>().prop_map(Edit::Assigned),
        1 => Just(Edit::Closed),
        1 => (0..4_u8).prop_map(Edit::Moved),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    use Trouble::{BreaksOff, CutShort, Gateway, Reset, SlowDown};
    proptest::sample::select(vec![SlowDown, Reset, BreaksOff, CutShort, Gateway])
}

fn world() -> impl Strategy<Value = World> {
    let spot = (any::<Index>(), any::<Index>(), any::<Index>(), 0..QUARTERS.len());
    let room = proptest::option::of((1..30_usize, 1..30_usize));
    let line = (room, vec((trouble(), 0..6_usize), 0..=3), proptest::option::weighted(0.4, any::<Index>()));
    let server = (5..=30_usize, 0..50_u64, 0..Version::ALL.len(), 0..ACCOUNTS.len(), 0..PLACES.len());
    let asked = (vec(any::<Index>(), 1..7), vec((edit(), spot), 0..40), 0..=3_u8, proptest::bool::weighted(0.2));
    (server, asked, line).prop_map(|(server, asked, line)| {
        let (facilities, seed, version, account, place) = server;
        let (rows, edits, look_back, history) = asked;
        let (room, troubles, bad) = line;
        let room = room.map(|(most, taken)| (most, taken.min(most)));
        let version = Version::ALL[version];
        World { facilities, seed, version, account, place, rows, edits, look_back, history, room, troubles, bad }
    })
}

/// A row of a mapping: data element and data set.
type Pair = (String, String);

impl World {
    fn rig(&self) -> Rig {
        let gateway = PLACES[self.place].unwrap_or_default();
        let (facilities, seed, version) = (self.facilities, self.seed, self.version);
        let rig = Rig::with(&Options { facilities, seed, version, gateway, ..Options::new((2026, 2)) });
        let mut rig = rig.signed_in(ACCOUNTS[self.account]);
        if PLACES[self.place].is_some() {
            rig.who = rig.who.behind_the_gateway();
        }
        rig
    }

    fn knows(&self) -> Knows {
        let (metadata, completeness) = match PLACES[self.place] {
            None | Some(Gateway::Whole) => (true, true),
            Some(Gateway::Metadata) => (true, false),
            Some(Gateway::Values) => (false, false),
        };
        Knows { metadata, completeness }
    }

    /// Rows a mapping may have: the built-in ones, those of other kinds of data sets, and those that fit nothing.
    async fn pairs(&self, rig: &Rig) -> Vec<Pair> {
        let mut pairs: Vec<Pair> =
            ask(&[]).mapping.usable().map(|row| (row.data_element.clone(), row.data_set.clone())).collect();
        let naive = Naive::new(&rig.sandbox, sandbox::DHIS2_SUPERUSER);
        let sets = naive.ask("dataSets?fields=id,periodType,dataSetElements[dataElement[id]]&paging=false").await.1;
        for set in sets["dataSets"].as_array().unwrap() {
            let known = pairs.iter().any(|(_, id)| set["id"] == **id);
            // Yearly ones share data elements with quarterly ones; some may not be read at all.
            for element in set["dataSetElements"].as_array().unwrap().iter().filter(|_| !known) {
                let text = |id: &serde_json::Value| id.as_str().unwrap().to_owned();
                pairs.push((text(&element["dataElement"]["id"]), text(&set["id"])));
            }
        }
        let text = |element: &str, set: &str| (element.to_owned(), set.to_owned());
        pairs.push(text("asCqjKclllu", "uk3Vkwy5cIe"));
        pairs.push(text(sandbox::LOST_ELEMENT, "q1Es3k3sZem"));
        pairs.push(text("Zzzzzzzzzz1", "q1Es3k3sZem"));
        if self.knows().metadata {
            pairs.push(text("asCqjKclllu", "Zzzzzzzzzz2"));
        }
        pairs
    }

    async fn mapping(&self, rig: &Rig) -> (Mapping, Vec<Pair>) {
        let pairs = self.pairs(rig).await;
        let rows: Vec<Pair> = self.rows.iter().map(|row| row.get(&pairs).clone()).collect();
        let lines = rows.iter().enumerate().map(|(at, (element, set))| format!("p{at},{element},{set},"));
        let lines: Vec<String> =
            std::iter::once("case_property,data_element_id,data_set_id,dhis2_name".to_owned()).chain(lines).collect();
        (Mapping::read(lines.join("\n").as_bytes()), rows)
    }

    async fn change(&self, rig: &Rig, rows: &[Pair]) {
        let open = rig.open();
        let sandbox = &rig.sandbox;
        for (edit, (facility, row, option, quarter)) in &self.edits {
            let ((case, unit), (element, set)) = (facility.get(&open), row.get(rows));
            let period = QUARTERS[*quarter];
            let options = rig.options(element).await;
            let value = |value| {
                if let Some(options) = options.as_ref().filter(|options| !options.is_empty()) {
                    sandbox.set_value(unit, element, option.get::<String>(options), period, value);
                }
            };
            match edit {
                Edit::Value(text) => value(Some(text)),
                Edit::NoRow => value(None),
                Edit::Deleted => {
                    for option in options.into_iter().flatten() {
                        sandbox.delete_value(unit, element, &option, period);
                    }
                }
                Edit::Complete => drop(sandbox.set_complete(unit, set, period, Some(date(2026, 7, 1)))),
                Edit::Opened => drop(sandbox.set_complete(unit, set, period, None)),
                Edit::Assigned(assigned) => drop(sandbox.set_assigned(unit, set, *assigned)),
                Edit::Closed => drop(sandbox.close_unit(unit, date(2025, 5, 31))),
                Edit::Moved(to) => {
                    let outside = sandbox.unreadable_org_unit().unwrap().to_owned();
                    let to = ["Zzzzzzzzzz3", &outside, "", &open[0].1][usize::from(*to)];
                    assert!(sandbox.set_property(case, "external_id", to));
                }
            }
        }
    }

    fn rules(&self) -> Vec<Rule> {
        let rule = |&(trouble, at): &(Trouble, usize)| {
            let fault = match trouble {
                Trouble::SlowDown => Fault::slow_down(503, "7"),
                Trouble::Reset => Fault::Reset(Duration::ZERO),
                Trouble::BreaksOff => Fault::ResetAfter(|length| length / 2),
                Trouble::CutShort => Fault::Truncate(|length| length / 2),
                Trouble::Gateway => Fault::page(502),
            };
            Rule::new(fault).times(at..at + 1)
        };
        self.troubles.iter().map(rule).collect()
    }
}

impl Rig {
    /// The category option combos of a data element, where there is such a one.
    async fn options(&self, element: &str) -> Option<Vec<String>> {
        let known =
            Naive::new(&self.sandbox, self.user).ask(&format!("dataElements/{element}?fields=id")).await.0 == 200;
        if known { Some(self.options_of(element).await) } else { None }
    }
}

/// Bytes of path and query of a request for values, without its units; `None` where none was made.
async fn fixed(rig: &Rig, ask: &Ask) -> Option<usize> {
    let got = rig.read(ask).await;
    got.values().iter().map(|shown| shown.address.len() - 20 * shown.units()).max()
}

async fn check(world: &World) {
    let mut rig = world.rig();
    let (mapping, rows) = world.mapping(&rig).await;
    world.change(&rig, &rows).await;
    let reach = Reach { look_back: world.look_back, history: world.history, ..Reach::default() };
    let ask = Ask { mapping, reach, ..ask(&[]) };
    let naive =
        Naive { knows: world.knows(), look_back: usize::from(world.look_back), ..Naive::new(&rig.sandbox, rig.user) };
    let (truth, _) = naive.cells(&rig.sandbox, &ask.mapping).await;
    let bad = bad(world, &rig, &truth);
    let mut longest = usize::MAX;
    if let Some((most, taken)) = world.room
        && let Some(fixed) = fixed(&rig, &ask).await
    {
        rig.in_folder(URL_LIMIT - support::ORIGIN.len() - "POST  HTTP/1.1\r\n".len() - fixed - 20 * most);
        longest = fixed + 20 * taken;
    }
    let spoiled = bad.clone().map(|unit| format!("orgUnit={unit}"));
    let judge = move |path: &str| {
        if !path.contains("/dataValueSets?") {
            Act::Pass
        } else if spoiled.as_ref().is_some_and(|word| path.contains(word)) {
            Act::page(500)
        } else if path.len() > longest {
            Act::page(414)
        } else {
            Act::Pass
        }
    };
    let got = rig.through(world.rules(), judge, &ask).await;
    let mut wanted = truth;
    if got.read.is_ok() {
        unasked(&naive, &ask, &got, &mut wanted).await;
    }
    compare(&rig, &got, wanted, bad.as_deref());
}

/// A data set that is neither quarterly nor monthly is not asked for, so whether it would have been refused may stay unknown.
async fn unasked(naive: &Naive, ask: &Ask, got: &Got, wanted: &mut Cells) {
    for row in ask.mapping.usable() {
        let set = naive.ask(&format!("dataSets/{}?fields=periodType", row.data_set)).await.1;
        if !naive.knows.metadata || ["Quarterly", "Monthly"].iter().any(|asked| set["periodType"] == *asked) {
            continue;
        }
        for (key, found) in got.cells() {
            let cell = wanted.get_mut(&key).filter(|cell| key.1 == row.property && cell.0 == State::NoAccess);
            if let (Some(cell), State::WrongPeriodType) = (cell, found.0) {
                *cell = found;
            }
        }
    }
}

/// The unit for which every request for values fails: one that would be asked for, beside others.
fn bad(world: &World, rig: &Rig, truth: &Cells) -> Option<String> {
    let readable = truth.iter().filter(|(_, cell)| !matches!(cell.0, State::NoAccess | State::WrongPeriodType));
    let cases: BTreeSet<&String> = readable.map(|((case, _), _)| case).collect();
    let units: BTreeSet<String> = cases.into_iter().filter_map(|case| rig.sandbox.case(case)?.external_id).collect();
    let units: Vec<String> = units.into_iter().collect();
    world.bad.as_ref().filter(|_| units.len() > 1).map(|bad| bad.get(&units).clone())
}

fn compare(rig: &Rig, got: &Got, mut wanted: Cells, bad: Option<&str>) {
    let nothing = wanted.values().all(|cell| matches!(cell.0, State::NoAccess | State::WrongPeriodType));
    let Ok(_) = &got.read else {
        // Only where there is nothing to be read.
        assert!(nothing && !got.written, "{}", got.failure());
        return;
    };
    let mut found = got.cells();
    if let Some(unit) = bad {
        let denied = |cells: &Cells| -> BTreeSet<(String, String)> {
            cells.iter().filter(|(_, cell)| cell.0 == State::NoAccess).map(|(key, _)| key.clone()).collect()
        };
        let denied = denied(&wanted);
        rig.blank(&mut wanted, unit, State::FetchFailed);
        // A data set that may not be read is left out as soon as that is known, perhaps before this unit was found bad.
        for key in denied {
            if wanted[&key].0 == State::FetchFailed && found.get(&key).is_some_and(|cell| cell.0 == State::NoAccess) {
                found.insert(key, (State::FetchFailed, None, None));
            }
        }
    }
    if let Some(text) = differ(&found, &wanted) {
        panic!("{text}\nnotes: {:?}", got.plan().head.notes);
    }
    let failed = wanted.values().any(|cell| cell.0 == State::FetchFailed);
    assert_eq!(got.plan().incomplete(), failed);
}

fn config() -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_plan_is_what_one_request_for_each_facility_and_data_set_would_say(world in world()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&world));
    }
}
