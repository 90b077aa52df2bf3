//! Reading over real sockets from the sandbox: how many requests, how long, against the pattern of one request for each facility
//! and data set, and against the same requests with their bodies thrown away. Run with `cargo bench --bench reading`; `-- --full`
//! also runs the old pattern, which takes most of a minute.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench; a failure here is its answer")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::Engine as _;
use bytes::Bytes;
use onse::{
    domain::{mapping::Mapping, quarter::Quarter},
    io::{
        commcare::CommCare,
        dhis2::{Dhis2, Elements, Wanted, batches, root},
        http::{Client, Options as Wire, Secret, Side, SignIn, TOGETHER, real},
        known::Known,
        store::{Store, Used},
        transport::SharedTransport,
    },
    job::{
        fetch::{Ask, Reach},
        report::Reading,
        session::{Connect, Session, Sources},
    },
    sandbox::{self, Options, Sandbox},
};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

const QUARTER: &str = "2026Q2";

fn now() -> jiff::Timestamp {
    "2026-07-05T09:41:00Z".parse().unwrap()
}

/// A sandbox behind a listener, and clients of it.
struct Rig {
    sandbox: Sandbox,
    origin: String,
    wire: SharedTransport,
}

impl Rig {
    async fn new(latency: Duration, gzip: bool) -> Self {
        let sandbox = Sandbox::new(&Options { gzip, ..Options::new((2026, 2)) }, Arc::new(now));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(sandbox.clone().listen(listener, latency, CancellationToken::new()));
        Self { sandbox, origin, wire: real(&Wire::default()).unwrap() }
    }

    fn dhis2(&self) -> Dhis2 {
        let sign_in =
            SignIn::Basic { user: sandbox::DHIS2_USER.to_owned(), password: Secret::new(sandbox::DHIS2_PASSWORD) };
        let base = root(&format!("{}/dhis2/", self.origin).parse().unwrap(), false);
        Dhis2::new(Client::new(Arc::clone(&self.wire), Side::Dhis2, &base, sign_in, 1).unwrap())
    }

    fn connect(&self) -> Connect {
        let key = Secret::new(sandbox::COMMCARE_API_KEY);
        let sign_in = SignIn::ApiKey { user: sandbox::COMMCARE_USER.to_owned(), key };
        let base = self.origin.parse().unwrap();
        let client = Client::new(Arc::clone(&self.wire), Side::CommCare, &base, sign_in, 1).unwrap();
        let dhis2 = self.dhis2();
        Arc::new(move |on_wait| Sources {
            dhis2: dhis2.clone(),
            commcare: CommCare::new(client.clone().reporting(on_wait), sandbox::PROJECT.to_owned()),
        })
    }

    fn ask(&self, history: bool) -> Ask {
        Ask {
            quarter: Quarter::parse(QUARTER).unwrap(),
            project: sandbox::PROJECT.to_owned(),
            label: String::new(),
            dhis2: self.origin.clone(),
            commcare: self.origin.clone(),
            case_type: sandbox::CASE_TYPE.to_owned(),
            mapping: Mapping::built_in(),
            mapping_label: "built-in".to_owned(),
            facilities: Vec::new(),
            used: Used {
                profile: "bench".to_owned(),
                chunk_size: 1000,
                form_xmlns: String::new(),
                stamp_property: None,
                submit_user_id: String::new(),
            },
            guessed: false,
            unfinished: false,
            reach: Reach { history, ..Reach::default() },
            earlier: onse::job::earlier::EarlierFrom::default(),
        }
    }

    /// A whole reading into a new review file: time, requests, `dataValueSets` requests.
    async fn read(&self, history: bool, known: Option<Known>) -> (Duration, usize, usize) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("bench.review")).unwrap();
        let sleep =
            Arc::new(|pause| -> onse::io::transport::Later<'static, ()> { Box::pin(tokio::time::sleep(pause)) });
        let mut session = Session::new(store, Some(self.connect()), Arc::new(now), sleep, "bench");
        if let Some(known) = known {
            session = session.knowing(known);
        }
        let before = self.sandbox.requests().len();
        let start = Instant::now();
        let progress = watch::channel(Reading::default()).0;
        session.read(&self.ask(history), progress, CancellationToken::new()).await.unwrap();
        let took = start.elapsed();
        let requests = self.sandbox.requests().split_off(before);
        let values = requests.iter().filter(|request| request.path.ends_with("dataValueSets")).count();
        (took, requests.len(), values)
    }

    /// The units of all cases and the mapped data sets.
    async fn places(&self) -> (Vec<String>, Vec<String>) {
        let sources = (self.connect())(Arc::new(|_| {}));
        let listing = sources.commcare.cases(sandbox::CASE_TYPE, &[], &mut |_, _| {}).await.unwrap();
        let mut units: Vec<String> = listing.cases.into_iter().filter_map(|case| case.external_id).collect();
        let mut sets: Vec<String> = Mapping::built_in().usable().map(|row| row.data_set.clone()).collect();
        for ids in [&mut units, &mut sets] {
            ids.sort();
            ids.dedup();
        }
        units.retain(|unit| onse::domain::mapping::is_uid(unit));
        (units, sets)
    }

    /// One request for each facility and data set by 10 workers, as it was done before.
    async fn one_by_one(&self, units: &[String], sets: &[String]) -> (Duration, usize) {
        let pairs: Vec<(String, String)> =
            units.iter().flat_map(|unit| sets.iter().map(|set| (unit.clone(), set.clone()))).collect();
        let (next, pairs) = (Arc::new(AtomicUsize::new(0)), Arc::new(pairs));
        let start = Instant::now();
        let mut workers = JoinSet::new();
        for _ in 0..10 {
            // Each worker has a client of its own: the program's would hold all to its own few.
            let (dhis2, next, pairs) = (self.dhis2(), Arc::clone(&next), Arc::clone(&pairs));
            workers.spawn(async move {
                while let Some((unit, set)) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let wanted = Wanted::all(std::slice::from_ref(set), &[QUARTER.to_owned()]);
                    dhis2.data_values(std::slice::from_ref(unit), &wanted).await.unwrap();
                }
            });
        }
        while workers.join_next().await.is_some() {}
        (start.elapsed(), pairs.len())
    }

    /// The value stage: all rows, decoded and kept. Time and rows.
    async fn values(&self, units: &[String], wanted: &Wanted) -> (Duration, usize) {
        let (dhis2, wanted) = (self.dhis2(), Arc::new(wanted.clone()));
        let start = Instant::now();
        let mut asked = JoinSet::new();
        for run in batches(units, dhis2.fixed_len(&wanted), dhis2.limit()) {
            let (dhis2, wanted, run) = (dhis2.clone(), Arc::clone(&wanted), run.to_vec());
            asked.spawn(async move { dhis2.data_values(&run, &wanted).await.unwrap() });
        }
        let kept = asked.join_all().await;
        (start.elapsed(), kept.iter().map(|values| values.rows().len()).sum())
    }

    /// The same requests, bodies thrown away. Time and bytes.
    async fn replay(&self, queries: &[String]) -> (Duration, usize) {
        let sign_in = format!("{}:{}", sandbox::DHIS2_USER, sandbox::DHIS2_PASSWORD);
        let sign_in = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(sign_in));
        let slots = Arc::new(tokio::sync::Semaphore::new(TOGETHER));
        let start = Instant::now();
        let mut asked = JoinSet::new();
        for query in queries {
            let request = http::Request::get(format!("{}/dhis2/api/dataValueSets?{query}", self.origin))
                .header("authorization", &sign_in)
                .body(Bytes::new())
                .unwrap();
            let (wire, slots) = (Arc::clone(&self.wire), Arc::clone(&slots));
            asked.spawn(async move {
                let _slot = slots.acquire_owned().await;
                let mut body = wire.send(request).await.unwrap().into_body();
                let mut size = 0;
                while let Some(piece) = body.chunk().await.unwrap() {
                    size += piece.len();
                }
                size
            });
        }
        let bytes = asked.join_all().await.into_iter().sum();
        (start.elapsed(), bytes)
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

async fn value_stage(rig: &Rig, units: &[String], sets: &[String], earlier: usize) {
    let quarter = Quarter::parse(QUARTER).unwrap();
    let quarters = std::iter::once(quarter).chain(quarter.earlier().take(earlier)).map(|quarter| quarter.to_string());
    let mut elements = Elements::default();
    Mapping::built_in().usable().for_each(|row| elements.want(&row.data_element));
    let wanted = Wanted { elements: Arc::new(elements), ..Wanted::all(sets, &quarters.collect::<Vec<_>>()) };
    let before = rig.sandbox.requests().len();
    rig.values(units, &wanted).await;
    let queries: Vec<String> =
        rig.sandbox.requests().split_off(before).into_iter().map(|request| request.query).collect();
    let (mut decoded, mut discarded, mut rows, mut bytes) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..9 {
        let (took, size) = rig.replay(&queries).await;
        bytes = size;
        discarded.push(took);
        let (took, count) = rig.values(units, &wanted).await;
        rows = count;
        decoded.push(took);
    }
    let (decoded, discarded) = (median(decoded), median(discarded));
    let ratio = decoded.as_secs_f64() / discarded.as_secs_f64();
    println!(
        "value stage, {earlier} earlier quarters: {rows} rows, {} MB in {} requests; decoded {}, discarded {}, ratio {ratio:.2}",
        bytes / 1_000_000,
        queries.len(),
        seconds(decoded),
        seconds(discarded)
    );
}

#[tokio::main]
async fn main() {
    let full = std::env::args().any(|arg| arg == "--full");
    for (latency, gzip) in [(0, false), (50, false), (50, true)] {
        println!("latency {latency} ms, {}", if gzip { "squeezed by gzip as behind a proxy" } else { "plain" });
        let rig = Rig::new(Duration::from_millis(latency), gzip).await;
        let (units, sets) = rig.places().await;
        for earlier in [0, 8] {
            value_stage(&rig, &units, &sets, earlier).await;
        }
        let known = Known::in_memory();
        rig.read(true, Some(known.clone())).await;
        let mut whole = Duration::ZERO;
        for (what, history, known) in
            [("without history", false, None), ("with history", true, None), ("with history cached", true, Some(known))]
        {
            let mut reads = Vec::new();
            for _ in 0..5 {
                reads.push(rig.read(history, known.clone()).await);
            }
            let (_, requests, values) = reads[0];
            let took = median(reads.into_iter().map(|read| read.0).collect());
            println!("whole reading {what}: {} in {requests} requests, {values} of them dataValueSets", seconds(took));
            if whole == Duration::ZERO {
                whole = took;
            }
        }
        if full && latency > 0 && !gzip {
            let (took, requests) = rig.one_by_one(&units, &sets).await;
            let times = took.as_secs_f64() / whole.as_secs_f64();
            println!(
                "one request for each facility and data set: {} in {requests} requests, {times:.0} times as long",
                seconds(took)
            );
        }
    }
}
