use super::*;
use crate::{
    domain::{mapping::Mapping, total::Part},
    io::{
        commcare::CommCare,
        dhis2::OrgUnit,
        http::{Client, Secret, Side, SignIn, Sleeper},
        store::{Store, Used},
        transport::{Answer, Body, Broken, Later, SharedTransport, Transport, Whole},
    },
    job::{
        earlier::EarlierFrom,
        fetch::{Ask, Finer, Reach, Rules},
        report::Reading,
        session::{Session, Sources},
    },
    sandbox::{self, Gateway, Options, Sandbox, Version},
};

const ORIGIN: &str = "http://sandbox.invalid";
/// Where DHIS2 is without a gateway.
const API: &str = "/dhis2/api/";

/// The way to the sandbox; requests whose address has this word get this status.
struct Line(SharedTransport, Option<(String, u16)>);

impl Transport for Line {
    fn send(&self, request: http::Request<bytes::Bytes>) -> Later<'_, Result<Answer, Broken>> {
        let address = request.uri().to_string();
        let Some((_, status)) = self.1.as_ref().filter(|(word, _)| address.contains(word)) else {
            return self.0.send(request);
        };
        let body: Box<dyn Body> = Box::new(Whole::new("no"));
        let answer = http::Response::builder().status(*status).body(body).unwrap();
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// A country that was read, and everything it proposes.
struct World {
    sandbox: Sandbox,
    api: &'static str,
    session: Session,
    plan: Arc<Plan>,
    cells: Vec<Cell>,
    /// Where the review file is, as long as this lives.
    _folder: tempfile::TempDir,
}

fn client(transport: &SharedTransport, side: Side, base: &str, sign_in: SignIn) -> Client {
    let sleep: Sleeper = Arc::new(|_| Box::pin(std::future::ready(())));
    Client::new(Arc::clone(transport), side, &base.parse().unwrap(), sign_in, 1).unwrap().sleeping(sleep)
}

fn dhis2(transport: &SharedTransport, api: &str, user: &str) -> Dhis2 {
    let sign_in = SignIn::Basic { user: user.to_owned(), password: Secret::new(sandbox::DHIS2_PASSWORD) };
    Dhis2::new(client(transport, Side::Dhis2, &format!("{ORIGIN}{api}"), sign_in))
}

fn ask(mapping: Mapping) -> Ask {
    let finer = vec![(sandbox::MONTHLY_SET.to_owned(), Finer::ByType)];
    Ask {
        quarter: Quarter::parse("2026Q2").unwrap(),
        project: sandbox::PROJECT.to_owned(),
        label: "SANDBOX".to_owned(),
        dhis2: String::new(),
        commcare: String::new(),
        case_type: sandbox::CASE_TYPE.to_owned(),
        mapping,
        mapping_label: "built-in".to_owned(),
        facilities: Vec::new(),
        used: Used {
            profile: String::new(),
            chunk_size: 1000,
            form_xmlns: String::new(),
            stamp_property: None,
            submit_user_id: String::new(),
        },
        guessed: false,
        unfinished: false,
        reach: Reach { look_back: 2, history: false, finer },
        rules: Rules::default(),
        earlier: EarlierFrom::default(),
    }
}

/// The built-in mapping with a monthly data set of which one column is a sum and one the last month.
fn wide() -> Ask {
    let file = include_str!("../../../case_property_map.csv").trim_end();
    let (set, sum, last) = (sandbox::MONTHLY_SET, sandbox::MONTHLY_SUM, sandbox::MONTHLY_LAST);
    let file = format!("{file}\nfever,{sum},{set},\nors,{last},{set},\n");
    ask(Mapping::read(file.as_bytes()))
}

impl World {
    async fn of(version: Version, facilities: usize) -> Self {
        let options = Options { facilities, seed: 11, version, ..Options::new((2026, 2)) };
        Self::with(&options, API, wide()).await
    }

    async fn with(options: &Options, api: &'static str, ask: Ask) -> Self {
        let clock = || "2026-07-05T09:41:00Z".parse().unwrap();
        let sandbox = Sandbox::new(options, Arc::new(clock));
        let transport = sandbox.transport(ORIGIN);
        let key = SignIn::ApiKey { user: sandbox::COMMCARE_USER.into(), key: Secret::new(sandbox::COMMCARE_API_KEY) };
        let sources = Sources {
            dhis2: dhis2(&transport, api, sandbox::DHIS2_USER),
            commcare: CommCare::new(client(&transport, Side::CommCare, ORIGIN, key), sandbox::PROJECT),
        };
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("a.review")).unwrap();
        let sleep: Sleeper = Arc::new(|_| Box::pin(std::future::ready(())));
        let connect = Arc::new(move |_| sources.clone());
        let session = Session::new(store, Some(connect), Arc::new(clock), sleep, "Grace");
        let (news, stop) = (tokio::sync::watch::channel(Reading::default()).0, <_>::default());
        let plan = session.read(&ask, news, stop).await.unwrap().plan;
        let cells = plan.cells().filter(|cell| plan.offer(*cell).is_some()).collect();
        Self { sandbox, api, session, plan, cells, _folder: folder }
    }

    async fn moved(&self) -> BTreeMap<Cell, Moved> {
        self.moved_for(sandbox::DHIS2_USER, None).await.unwrap()
    }

    /// The same for another account, where requests whose address has this word get this status.
    async fn moved_for(&self, user: &str, refused: Option<(&str, u16)>) -> Result<BTreeMap<Cell, Moved>> {
        let refused = refused.map(|(word, status)| (word.to_owned(), status));
        let line: SharedTransport = Arc::new(Line(self.sandbox.transport(ORIGIN), refused));
        moved_totals(&dhis2(&line, self.api, user), &self.plan, &self.cells).await
    }

    fn unit(&self, cell: Cell) -> &str {
        &self.plan.facility(cell.facility).external_id
    }

    /// The cells of this state whose rows no other cell has.
    fn of_state(&self, state: State) -> Vec<Cell> {
        let source = |cell: Cell| (self.unit(cell), &self.plan.property(cell.property).data_element);
        let mut found = self.cells.clone();
        found.retain(|cell| self.plan.state(*cell) == state);
        found.retain(|cell| self.plan.cells().filter(|other| source(*other) == source(*cell)).count() == 1);
        found
    }

    async fn parts(&self, cell: Cell) -> Vec<Part> {
        let property = self.plan.property(cell.property);
        let (set, element) = (property.data_set.clone(), property.data_element.clone());
        let parts = self.session.store.parts(1, cell.facility, set, element).await.unwrap();
        parts.into_iter().filter(|part| part.value.is_some()).collect()
    }

    /// The `nth` cell of a monthly column with one row in each of three months, and its row of one of them.
    async fn month(&self, property: &str, nth: usize, month: &str) -> (Cell, Part) {
        let mut found = Vec::new();
        for cell in self.of_state(State::Reported) {
            if self.plan.property(cell.property).name == property {
                let parts = self.parts(cell).await;
                let months: BTreeSet<_> = parts.iter().map(|part| part.period.clone()).collect();
                found.extend((parts.len() == 3 && months.len() == 3).then_some((cell, parts)));
            }
        }
        let (cell, parts) = found.swap_remove(nth);
        (cell, parts.into_iter().find(|part| part.period.as_deref() == Some(month)).unwrap())
    }

    /// The category option combos of the earlier quarter a number is of.
    async fn past(&self, cell: Cell) -> Vec<String> {
        let property = self.plan.property(cell.property);
        let (set, element) = (property.data_set.clone(), property.data_element.clone());
        let mut past = self.session.store.history(1, cell.facility, set, element).await.unwrap().unwrap();
        past.retain(|past| past.quarter == self.plan.quarter(cell));
        past.remove(0).parts.into_iter().map(|part| part.category_option_combo).collect()
    }

    /// Someone changes a row in DHIS2.
    fn set(&self, cell: Cell, combo: &str, period: &str, value: Option<&str>) {
        let element = &self.plan.property(cell.property).data_element;
        assert!(self.sandbox.set_value(self.unit(cell), element, combo, period, value));
    }

    /// A category option combo of a column.
    async fn combo(&self, property: u16) -> String {
        for cell in self.plan.column(property) {
            if let Some(part) = self.parts(cell).await.into_iter().next() {
                return part.category_option_combo;
            }
        }
        panic!("nothing is stored for {}", self.plan.property(property).name)
    }

    /// Requests for values since so many.
    fn asked(&self, since: usize) -> usize {
        let requests = self.sandbox.requests();
        requests[since..].iter().filter(|one| one.path.ends_with("/dataValueSets")).count()
    }
}

fn source(now: Option<&str>, said: &str) -> Moved {
    Moved::Source { now: now.map(str::to_owned), why: format!("DHIS2 changed since plan: {said}") }
}

fn is_unread(moved: &Moved, words: &str) -> bool {
    matches!(moved, Moved::Unread { why } if why.contains(words))
}

#[tokio::test]
async fn nothing_moved_in_any_version() {
    for version in Version::ALL {
        let world = World::of(version, 60).await;
        for state in [State::Reported, State::ReportedZero, State::ZeroNotStored, State::OlderQuarter] {
            assert!(world.cells.iter().any(|cell| world.plan.state(*cell) == state), "{version:?} {state:?}");
        }
        assert!(world.cells.iter().any(|cell| world.plan.property(cell.property).name == "fever"));
        let before = world.sandbox.requests().len();
        assert_eq!(world.moved().await, BTreeMap::new(), "{version:?}");
        assert_eq!((world.sandbox.requests().len() - before, world.asked(before)), (1, 1), "{version:?}");
        let dhis2 = dhis2(&world.sandbox.transport(ORIGIN), API, sandbox::DHIS2_USER);
        assert_eq!(moved_totals(&dhis2, &world.plan, &[]).await.unwrap(), BTreeMap::new());
        assert_eq!(world.asked(before), 1, "of no cell nothing is asked");
    }
}

/// Where each data set is read by itself, one request for all of them brings the same totals.
#[tokio::test]
async fn nothing_moved_behind_a_gateway() {
    for gateway in [Gateway::Whole, Gateway::Metadata, Gateway::Values] {
        let options = Options { facilities: 60, seed: 11, gateway, ..Options::new((2026, 2)) };
        let mut world = World::with(&options, sandbox::GATEWAY, wide()).await;
        let before = world.sandbox.requests().len();
        assert_eq!(world.moved().await, BTreeMap::new(), "{gateway:?}");
        assert_eq!((world.asked(before), world.cells.len() > 500), (1, true), "{gateway:?}");
        let cell = world.of_state(State::Reported)[0];
        world.cells = vec![cell];
        for part in world.parts(cell).await {
            world.set(cell, &part.category_option_combo, "2026Q2", None);
        }
        let said = format!("{} -> nothing", world.plan.held(cell).unwrap());
        assert_eq!(world.moved().await, [(cell, source(None, &said))].into(), "{gateway:?}");
    }
}

#[tokio::test]
async fn each_that_moved_is_named_and_no_other() {
    for version in [Version::V30, Version::V42, Version::V43] {
        let world = World::of(version, 60).await;
        let mut expected = BTreeMap::new();
        let mut expect = |cell, moved| assert!(expected.insert(cell, moved).is_none());
        let (mut one, mut many) = (Vec::new(), Vec::new());
        for cell in world.of_state(State::Reported) {
            let parts = world.parts(cell).await;
            match parts.as_slice() {
                _ if parts.iter().any(|part| part.period.is_some()) => {}
                [part] => one.push((cell, part.category_option_combo.clone())),
                [a, b, ..] if a.value.as_deref() == b.value.as_deref() => {}
                [_, _, ..] => many.push((cell, parts)),
                [] => {}
            }
        }
        let held = |cell| world.plan.held(cell).unwrap().to_owned();
        let mut one = one.into_iter();
        let (cell, combo) = one.next().unwrap();
        world.set(cell, &combo, "2026Q2", Some("98765"));
        expect(cell, source(Some("98765"), &format!("{} -> 98765", held(cell))));
        let (cell, combo) = one.next().unwrap();
        world.set(cell, &combo, "2026Q2", None);
        expect(cell, source(None, &format!("{} -> nothing", held(cell))));
        let (cell, combo) = one.next().unwrap();
        let element = &world.plan.property(cell.property).data_element;
        assert!(world.sandbox.delete_value(world.unit(cell), element, &combo, "2026Q2"));
        expect(cell, source(None, &format!("{} -> nothing", held(cell))));
        let (cell, combo) = one.next().unwrap();
        world.set(cell, &combo, "2026Q2", Some("12 \u{1b}[2J"));
        expect(cell, source(None, &format!("{} -> 12 <1B>[2J", held(cell))));
        // Another way to write the same number.
        let (cell, combo) = one.next().unwrap();
        world.set(cell, &combo, "2026Q2", Some(&format!("{}.0", held(cell))));
        // Two slices change places: the sum is what it was.
        let (cell, parts) = many.first().unwrap();
        for (part, other) in [(&parts[0], &parts[1]), (&parts[1], &parts[0])] {
            world.set(*cell, &part.category_option_combo, "2026Q2", other.value.as_deref());
        }
        assert_eq!(world.moved().await, expected, "{version:?}");
    }
}

#[tokio::test]
async fn a_zero_stands_until_there_is_a_number() {
    let world = World::of(Version::default(), 60).await;
    let zeros = world.of_state(State::ZeroNotStored);
    for (cell, value) in zeros.iter().zip(["7", "0", "few"]) {
        world.set(*cell, &world.combo(cell.property).await, "2026Q2", Some(value));
    }
    let expected = [(zeros[0], source(Some("7"), "nothing -> 7")), (zeros[2], source(None, "nothing -> few"))];
    assert_eq!(world.moved().await, expected.into());
}

#[tokio::test]
async fn an_earlier_quarter_and_months_are_read_again_too() {
    let world = World::of(Version::default(), 60).await;
    let older = world.of_state(State::OlderQuarter);
    let (changed, newer, gone) = (older[0], older[1], older[2]);
    let was = |cell| format!("{} ({})", world.plan.held(cell).unwrap(), world.plan.quarter(cell));
    for cell in [changed, gone] {
        let period = world.plan.quarter(cell).to_string();
        let mut value = Some("4321").filter(|_| cell == changed);
        for combo in world.past(cell).await {
            world.set(cell, &combo, &period, value.take());
        }
    }
    world.set(newer, &world.past(newer).await[0], "2026Q2", Some("4321"));
    let mut expected: BTreeMap<Cell, Moved> = [
        (changed, source(Some("4321"), &format!("{} -> 4321 ({})", was(changed), world.plan.quarter(changed)))),
        (newer, source(Some("4321"), &format!("{} -> 4321 (2026Q2)", was(newer)))),
        (gone, source(None, &format!("{} -> nothing", was(gone)))),
    ]
    .into();
    let (fever, may) = world.month("fever", 0, "202605").await;
    world.set(fever, &may.category_option_combo, "202605", Some("100000"));
    let [held, old]: [i64; 2] =
        [world.plan.held(fever), may.value.as_deref()].map(|text| text.unwrap().parse().unwrap());
    let now = (held - old + 100_000).to_string();
    expected.insert(fever, source(Some(&now), &format!("{held} -> {now}")));
    // Of stock the last month counts, and another one says nothing.
    let (stock, april) = world.month("ors", 0, "202604").await;
    world.set(stock, &april.category_option_combo, "202604", Some("100000"));
    let (other, june) = world.month("ors", 1, "202606").await;
    world.set(other, &june.category_option_combo, "202606", Some("100000"));
    expected.insert(other, source(Some("100000"), &format!("{} -> 100000", world.plan.held(other).unwrap())));
    assert_eq!(world.moved().await, expected);
}

#[tokio::test]
async fn what_is_refused_now_costs_only_its_own_cells() {
    for version in Version::ALL {
        let world = World::of(version, 60).await;
        let all = dhis2(&world.sandbox.transport(ORIGIN), API, sandbox::DHIS2_DISTRICT_USER);
        let ids: Vec<String> = world.cells.iter().map(|cell| world.unit(*cell).to_owned()).collect();
        let district = all.me().await.unwrap().organisation_units.remove(0).id;
        let units: BTreeMap<String, OrgUnit> =
            all.org_units(&ids).await.unwrap().into_iter().map(|unit| (unit.id.clone(), unit)).collect();
        let within = |cell: Cell| units[world.unit(cell)].path.contains(&district);
        let moved = world.moved_for(sandbox::DHIS2_DISTRICT_USER, None).await.unwrap();
        let outside: Vec<Cell> = world.cells.iter().copied().filter(|cell| !within(*cell)).collect();
        assert!(!outside.is_empty() && outside.len() < world.cells.len());
        assert_eq!(moved.keys().copied().collect::<Vec<_>>(), outside, "{version:?}");
        assert!(moved.values().all(|one| is_unread(one, "may not read organisation unit")), "{version:?}");

        let moved = world.moved_for(sandbox::DHIS2_HALF_BLIND_USER, None).await.unwrap();
        let hidden = |cell: &Cell| world.plan.property(cell.property).data_set == sandbox::DHIS2_HIDDEN_SET;
        let of_set: Vec<Cell> = world.cells.iter().copied().filter(hidden).collect();
        assert_eq!(moved.keys().copied().collect::<Vec<_>>(), of_set, "{version:?}");
        assert!(moved.values().all(|one| is_unread(one, sandbox::DHIS2_HIDDEN_SET)), "{version:?}");
        let alone = World { cells: of_set, ..world };
        let moved = alone.moved_for(sandbox::DHIS2_HALF_BLIND_USER, None).await.unwrap();
        assert_eq!(moved.keys().copied().collect::<Vec<_>>(), alone.cells, "nothing else was asked, {version:?}");
        assert!(moved.values().all(|one| is_unread(one, sandbox::DHIS2_HIDDEN_SET)), "{version:?}");
    }
}

#[tokio::test]
async fn a_unit_that_spoils_its_requests_is_unread_and_a_server_that_is_down_an_error() {
    let world = World::of(Version::default(), 60).await;
    let unit = world.unit(world.cells[200]).to_owned();
    let moved = world.moved_for(sandbox::DHIS2_USER, Some((&unit, 500))).await.unwrap();
    let its: Vec<Cell> = world.cells.iter().copied().filter(|cell| world.unit(*cell) == unit).collect();
    assert_eq!(moved.keys().copied().collect::<Vec<_>>(), its);
    assert!(moved.values().all(|one| is_unread(one, &unit)));
    let (us, locked) = (sandbox::DHIS2_USER, sandbox::DHIS2_LOCKED_USER);
    for (user, status) in [(us, Some(500)), (us, Some(404)), (us, Some(401)), (locked, None)] {
        let refused = status.map(|status| ("dataValueSets", status));
        let error = world.moved_for(user, refused).await.unwrap_err();
        assert!(format!("{error:#}").contains("none of them is sent"), "{error:#}");
    }
}

#[tokio::test]
async fn units_that_dhis2_knows_no_more_are_unread() {
    let mut world = World::of(Version::V40, 60).await;
    let cell = world.of_state(State::ZeroNotStored)[0];
    let mut draft = Plan::draft(
        world.plan.head.clone(),
        vec![crate::domain::plan::Facility { external_id: "NotAUnit001".to_owned(), ..<_>::default() }],
        vec![world.plan.property(cell.property).clone()],
    );
    let cell = Cell { facility: 0, property: 0 };
    draft.set(cell, Some("3"), None, State::ZeroNotStored);
    (world.plan, world.cells) = (Arc::new(draft.finish()), vec![cell]);
    let moved = world.moved().await;
    assert!(is_unread(&moved[&cell], "does not know organisation unit NotAUnit001"), "{moved:?}");
}

#[tokio::test]
async fn a_whole_country_takes_as_many_requests_as_its_quarter() {
    let ask = Ask { reach: Reach { history: false, ..Reach::default() }, ..ask(Mapping::built_in()) };
    let world = World::with(&Options::new((2026, 2)), API, ask).await;
    let (reading, before) = (world.asked(0), world.sandbox.requests().len());
    assert_eq!(world.moved().await, BTreeMap::new());
    assert_eq!((reading, world.asked(before), world.sandbox.requests().len() - before), (4, 4, 4));
}
