//! A sandbox, a session on it and a few hands, for tests that run whole jobs.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's answer")]
#![allow(clippy::allow_attributes, dead_code, reason = "each test binary uses its own part of this module")]

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use onse::{
    domain::{
        ledger::{Act, Ledger},
        mapping::Mapping,
        plan::{Cell, Plan},
        quarter::Quarter,
    },
    io::{
        commcare::CommCare,
        dhis2::{Dhis2, root},
        http::{Client, Secret, Side, SignIn},
        store::{Store, Used},
        transport::SharedTransport,
    },
    job::{
        earlier::EarlierFrom,
        fetch::{Ask, Reach, Rules},
        report::{Reading, Sending},
        session::{Connect, Opened, Session, Sources},
        submit::Steering,
    },
    sandbox::{self, Options, Sandbox},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where the sandbox in process answers.
pub(crate) const ORIGIN: &str = "http://sandbox.invalid";

/// Always the same time.
pub(crate) fn clock() -> Timestamp {
    "2026-07-05T09:41:00Z".parse().unwrap()
}

pub(crate) fn sandbox(facilities: usize) -> Sandbox {
    Sandbox::new(&Options { facilities, ..Options::new((2026, 2)) }, Arc::new(clock))
}

/// Both clients on one transport.
pub(crate) fn connect(transport: SharedTransport) -> Connect {
    connect_as(transport, sandbox::COMMCARE_API_KEY, sandbox::PROJECT)
}

pub(crate) fn connect_as(transport: SharedTransport, key: &str, project: &str) -> Connect {
    let (key, project) = (key.to_owned(), project.to_owned());
    Arc::new(move |on_wait| {
        let never = Arc::new(|_| -> onse::io::transport::Later<'static, ()> { Box::pin(std::future::ready(())) });
        let client = |side, path: &str, sign_in| {
            let base = format!("{ORIGIN}{path}").parse().unwrap();
            let base = if side == Side::Dhis2 { root(&base, false) } else { base };
            let client = Client::new(Arc::clone(&transport), side, &base, sign_in, 1).unwrap();
            client.reporting(Arc::clone(&on_wait)).sleeping(never.clone())
        };
        let user = sandbox::DHIS2_USER.to_owned();
        let basic = SignIn::Basic { user, password: Secret::new(sandbox::DHIS2_PASSWORD) };
        let api_key = SignIn::ApiKey { user: sandbox::COMMCARE_USER.to_owned(), key: Secret::new(key.clone()) };
        Sources {
            dhis2: Dhis2::new(client(Side::Dhis2, "/dhis2/", basic)),
            commcare: CommCare::new(client(Side::CommCare, "/", api_key), project.clone()),
        }
    })
}

pub(crate) fn session(folder: &Path, connect: Connect) -> Session {
    let store = Store::create(&folder.join("2026Q2.review")).unwrap();
    on(store, connect)
}

/// A session on an open file, with a clock that stands still and no waiting.
pub(crate) fn on(store: Store, connect: Connect) -> Session {
    let sleep = Arc::new(|_| -> onse::io::transport::Later<'static, ()> { Box::pin(std::future::ready(())) });
    Session::new(store, Some(connect), Arc::new(clock), sleep, "Grace")
}

pub(crate) fn used(chunk_size: usize) -> Used {
    Used {
        profile: "demo".to_owned(),
        chunk_size,
        form_xmlns: "http://commcarehq.org/dhis2-import".to_owned(),
        stamp_property: None,
        submit_user_id: String::new(),
    }
}

pub(crate) fn ask(facilities: &[&str]) -> Ask {
    Ask {
        quarter: Quarter::parse("2026Q2").unwrap(),
        project: sandbox::PROJECT.to_owned(),
        label: "SANDBOX".to_owned(),
        dhis2: format!("{ORIGIN}/dhis2/"),
        commcare: ORIGIN.to_owned(),
        case_type: sandbox::CASE_TYPE.to_owned(),
        mapping: Mapping::built_in(),
        mapping_label: "built-in".to_owned(),
        facilities: facilities.iter().map(|name| (*name).to_owned()).collect(),
        used: used(1000),
        guessed: false,
        unfinished: false,
        // Eight more quarters of a country take their time; who tests them asks for them.
        reach: Reach { history: false, ..Reach::default() },
        rules: Rules::default(),
        earlier: EarlierFrom::default(),
    }
}

pub(crate) async fn read(session: &Session, ask: &Ask) -> anyhow::Result<Opened> {
    session.read(ask, watch::channel(Reading::default()).0, CancellationToken::new()).await
}

/// Approves these cells in one decision and writes it.
pub(crate) async fn approve(session: &Session, plan: &Arc<Plan>, ledger: &mut Ledger, cells: Vec<Cell>) {
    let entry = ledger.decide(plan, Act::Approve, cells, None, "some", &session.stamp()).unwrap();
    session.record(entry, plan).await.unwrap();
}

pub(crate) fn steering() -> Steering {
    let (pause, paused) = watch::channel(false);
    // Dropping the sender would end a pause, never start one.
    drop(pause);
    Steering { stop: CancellationToken::new(), abandon: CancellationToken::new(), pause: paused }
}

pub(crate) async fn submit(session: &Session) -> anyhow::Result<Sending> {
    session.submit(sandbox::COMMCARE_USER, usize::MAX, watch::channel(Sending::default()).0, steering()).await
}
