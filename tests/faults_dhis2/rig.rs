//! A sandbox, a line to it, and an account on it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use onse::{
    domain::plan::{Kind, Plan, State},
    io::{
        commcare::CommCare,
        dhis2::{Dhis2, URL_LIMIT, root},
        http::{Client, Secret, Side, SignIn},
        known::Known,
        store::Store,
        transport::{Answer, Body, Broken, Later, SharedTransport, Transport, Whole},
    },
    job::{
        fetch::Ask,
        report::Reading,
        session::{Connect, Opened, Session, Sources},
    },
    sandbox::{self, Options, Sandbox, Version},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    faults::{Faulty, Rule, Time},
    naive::{Cells, Naive, differ, said},
    support::{ORIGIN, clock},
};

/// What becomes of an answer.
pub(crate) enum Act {
    /// Nothing.
    Pass,
    /// Another one in its place: status, content type, body.
    Say(u16, &'static str, String),
    /// It is changed on its way.
    Bend(Box<dyn FnOnce(&mut Value) + Send>),
}

impl Act {
    pub(crate) fn page(status: u16) -> Self {
        Self::Say(status, "text/html", "<html><title>Bad</title></html>".to_owned())
    }

    pub(crate) fn refusal(status: u16, code: Option<&str>, message: &str) -> Self {
        let mut body = json!({"httpStatusCode": status, "status": "ERROR", "message": message});
        if let Some(code) = code {
            body["errorCode"] = code.into();
        }
        Self::Say(status, "application/json", body.to_string())
    }

    pub(crate) fn bend(bend: impl FnOnce(&mut Value) + Send + 'static) -> Self {
        Self::Bend(Box::new(bend))
    }
}

/// A request to DHIS2 and how it was answered.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) address: String,
    pub(crate) status: u16,
}

impl Asked {
    /// How many organisation units it is about.
    pub(crate) fn units(&self) -> usize {
        self.address.matches("orgUnit=").count()
    }
}

type Judge = Box<dyn Fn(&str) -> Act + Send + Sync>;

/// A server whose answers to some addresses are others.
struct Bent {
    inner: SharedTransport,
    /// A folder before all addresses, which is not there for the sandbox.
    folder: String,
    judge: Judge,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Transport for Bent {
    fn send(&self, mut request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        Box::pin(async move {
            *request.uri_mut() = request.uri().to_string().replacen(&self.folder, "", 1).parse().unwrap();
            let address = request.uri().path_and_query().unwrap().as_str().to_owned();
            let method = request.method().to_string();
            let answer = match (self.judge)(&address) {
                Act::Pass => self.inner.send(request).await?,
                Act::Say(status, kind, text) => other(status, kind, text),
                Act::Bend(bend) => {
                    let mut value = json_of(self.inner.send(request).await?).await;
                    bend(&mut value);
                    other(200, "application/json", value.to_string())
                }
            };
            if !address.starts_with("/a/") {
                self.asked.lock().unwrap().push(Asked { method, address, status: answer.status().as_u16() });
            }
            Ok(answer)
        })
    }
}

fn other(status: u16, kind: &str, text: String) -> Answer {
    let body: Box<dyn Body> = Box::new(Whole::new(text));
    http::Response::builder().status(status).header("content-type", kind).body(body).unwrap()
}

async fn json_of(answer: Answer) -> Value {
    let (mut body, mut bytes) = (answer.into_body(), Vec::new());
    while let Some(chunk) = body.chunk().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).unwrap()
}

/// The way to the sandbox.
struct Line {
    faulty: Arc<Faulty>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// What came of a reading.
pub(crate) struct Got {
    pub(crate) read: anyhow::Result<Opened>,
    /// Requests to DHIS2 that were answered.
    pub(crate) asked: Vec<Asked>,
    /// What was shown while it went on.
    pub(crate) shown: Reading,
    /// The DHIS2 client at the end.
    pub(crate) client: Client,
    pub(crate) dhis2: Dhis2,
    /// Whether a review can be opened afterwards.
    pub(crate) written: bool,
    pub(crate) session: Session,
    _folder: TempDir,
}

impl Got {
    pub(crate) fn plan(&self) -> &Plan {
        &self.read.as_ref().unwrap_or_else(|error| panic!("{error:#}")).plan
    }

    pub(crate) fn cells(&self) -> Cells {
        said(self.plan())
    }

    /// The sentence of a reading that failed. Nothing is left behind by it.
    #[track_caller]
    pub(crate) fn failure(&self) -> String {
        let Err(error) = &self.read else { panic!("it did not fail") };
        assert!(!self.written, "a review was written");
        format!("{error:#}")
    }

    pub(crate) fn values(&self) -> Vec<&Asked> {
        self.asked.iter().filter(|asked| asked.address.contains("/dataValueSets?")).collect()
    }

    /// The only note that holds this.
    #[track_caller]
    pub(crate) fn note(&self, words: &str) -> &str {
        let notes: Vec<&String> = self.plan().head.notes.iter().filter(|note| note.contains(words)).collect();
        assert_eq!(notes.len(), 1, "\"{words}\" in {:?}", self.plan().head.notes);
        notes[0]
    }

    pub(crate) fn has_note(&self, words: &str) -> bool {
        self.plan().head.notes.iter().any(|note| note.contains(words))
    }

    /// The plan says this, of every cell.
    #[track_caller]
    pub(crate) fn says(&self, wanted: &Cells) {
        if let Some(text) = differ(&self.cells(), wanted) {
            panic!("{text}");
        }
        let plan = self.plan();
        // A cell without a number can be neither approved nor sent; only (0?) can be made one.
        for cell in plan.cells() {
            if !plan.state(cell).proposes() {
                assert_eq!((plan.kind(cell), plan.new_value(cell)), (Kind::Without, None), "{}", plan.title(cell));
                assert_eq!(plan.offer(cell).is_some(), plan.state(cell) == State::ZeroNotStored);
            }
        }
    }
}

/// Who reads, and where DHIS2 is.
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) sign_in: SignIn,
    pub(crate) base: &'static str,
    pub(crate) api_root: bool,
}

impl Who {
    pub(crate) fn user(user: &str) -> Self {
        let password = Secret::new(sandbox::DHIS2_PASSWORD);
        Self { sign_in: SignIn::Basic { user: user.to_owned(), password }, base: "/dhis2/", api_root: false }
    }

    pub(crate) fn behind_the_gateway(self) -> Self {
        Self { base: sandbox::GATEWAY, api_root: true, ..self }
    }
}

/// The sandbox with its time.
pub(crate) struct Rig {
    pub(crate) sandbox: Sandbox,
    pub(crate) time: Time,
    pub(crate) user: &'static str,
    pub(crate) who: Who,
    folder: String,
}

impl Rig {
    pub(crate) fn new(facilities: usize) -> Self {
        Self::with(&Options { facilities, ..Options::new((2026, 2)) })
    }

    pub(crate) fn of(version: Version, facilities: usize) -> Self {
        Self::with(&Options { facilities, version, ..Options::new((2026, 2)) })
    }

    pub(crate) fn with(options: &Options) -> Self {
        let sandbox = Sandbox::new(options, Arc::new(clock));
        Self {
            sandbox,
            time: Time::new(),
            user: sandbox::DHIS2_USER,
            who: Who::user(sandbox::DHIS2_USER),
            folder: String::new(),
        }
    }

    /// DHIS2 stands so deep in folders that the request line has room for so many organisation units only.
    pub(crate) async fn in_batches_of(&mut self, units: usize, ask: &Ask) {
        let got = self.read(ask).await;
        let shown = got.values()[0];
        let line = shown.address.len() + ORIGIN.len() + "POST  HTTP/1.1\r\n".len();
        let room = URL_LIMIT - (line - 20 * shown.units() + 20 * units);
        self.in_folder(room);
    }

    /// DHIS2 stands in a folder with a name of so many bytes.
    pub(crate) fn in_folder(&mut self, bytes: usize) {
        self.folder = format!("/{}", "x".repeat(bytes - 1));
    }

    pub(crate) fn signed_in(mut self, user: &'static str) -> Self {
        (self.user, self.who) = (user, Who::user(user));
        self
    }

    /// The open cases with an organisation unit, with it.
    pub(crate) fn open(&self) -> Vec<(String, String)> {
        let cases = self.sandbox.case_ids().into_iter().map(|id| self.sandbox.case(&id).unwrap());
        let cases = cases.filter(|case| !case.closed);
        cases.filter_map(|case| Some((case.case_id.to_string(), case.external_id?))).collect()
    }

    /// An organisation unit of exactly one case, the nth.
    pub(crate) fn unit(&self, nth: usize) -> String {
        let open = self.open();
        let alone = |unit: &String| self.cases_of(unit).len() == 1;
        open.iter().map(|(_, unit)| unit).filter(|unit| alone(unit)).nth(nth).unwrap().clone()
    }

    fn cases_of(&self, unit: &str) -> BTreeSet<String> {
        let cases = self.sandbox.case_ids().into_iter();
        cases.filter(|id| self.sandbox.case(id).unwrap().external_id.as_deref() == Some(unit)).collect()
    }

    /// The category option combos of a data element.
    pub(crate) async fn options_of(&self, element: &str) -> Vec<String> {
        let fields = "categoryCombo[categoryOptionCombos[id]]";
        let answer =
            Naive::new(&self.sandbox, self.user).ask(&format!("dataElements/{element}?fields={fields}")).await.1;
        let options = answer["categoryCombo"]["categoryOptionCombos"].as_array().unwrap().iter();
        options.map(|option| option["id"].as_str().unwrap().to_owned()).collect()
    }

    /// What the plan of the usual mapping must say where nothing goes wrong.
    pub(crate) async fn truth(&self) -> Cells {
        Naive::new(&self.sandbox, self.user).cells(&self.sandbox, &crate::support::ask(&[]).mapping).await.0
    }

    /// Gives all cells of an organisation unit a state without a number.
    pub(crate) fn blank(&self, cells: &mut Cells, unit: &str, state: State) {
        let cases = self.cases_of(unit);
        assert!(!cases.is_empty());
        for ((case, _), cell) in cells {
            if cases.contains(case) {
                *cell = (state, None, None);
            }
        }
    }

    pub(crate) async fn read(&self, ask: &Ask) -> Got {
        self.through(Vec::new(), |_| Act::Pass, ask).await
    }

    pub(crate) async fn bent(&self, judge: impl Fn(&str) -> Act + Send + Sync + 'static) -> Got {
        self.through(Vec::new(), judge, &crate::support::ask(&[])).await
    }

    pub(crate) async fn faulty(&self, rules: Vec<Rule>) -> Got {
        self.through(rules, |_| Act::Pass, &crate::support::ask(&[])).await
    }

    /// The same, and how many requests were under way at most.
    pub(crate) async fn crowded(&self, rules: Vec<Rule>) -> (Got, usize) {
        let line = self.line(rules, |_| Act::Pass);
        let got = self.over(&line, &crate::support::ask(&[])).await;
        (got, line.faulty.most_at_once())
    }

    /// Reads over a line on which answers are bent and `rules` hold.
    pub(crate) async fn through(
        &self,
        rules: Vec<Rule>,
        judge: impl Fn(&str) -> Act + Send + Sync + 'static,
        ask: &Ask,
    ) -> Got {
        self.over(&self.line(rules, judge), ask).await
    }

    /// Reads with what is known from earlier runs.
    pub(crate) async fn knowing(&self, known: &Known, judge: impl Fn(&str) -> Act + Send + Sync + 'static) -> Got {
        self.with_known(&self.line(Vec::new(), judge), &crate::support::ask(&[]), Some(known)).await
    }

    fn line(&self, rules: Vec<Rule>, judge: impl Fn(&str) -> Act + Send + Sync + 'static) -> Line {
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let bent = Bent {
            inner: self.sandbox.transport(ORIGIN),
            folder: self.folder.clone(),
            judge: Box::new(judge),
            asked: Arc::clone(&asked),
        };
        Line { faulty: Faulty::around(Arc::new(bent), &self.time, rules), asked }
    }

    async fn over(&self, line: &Line, ask: &Ask) -> Got {
        self.with_known(line, ask, None).await
    }

    async fn with_known(&self, line: &Line, ask: &Ask, known: Option<&Known>) -> Got {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("2026Q2.review")).unwrap();
        let kept = Arc::<Mutex<Option<(Client, Dhis2)>>>::default();
        let clock = self.time.clone();
        let connect = self.connect(Arc::clone(&line.faulty), Arc::clone(&kept));
        let session = Session::new(store, Some(connect), Arc::new(move || clock.now()), self.time.sleeper(), "Grace");
        let session = match known {
            Some(known) => session.knowing(known.clone()),
            None => session,
        };
        let (progress, shown) = watch::channel(Reading::default());
        let read = self.time.drive(session.read(ask, progress, CancellationToken::new())).await;
        let written = session.open().await.is_ok();
        let (client, dhis2) = kept.lock().unwrap().take().unwrap();
        let (asked, shown) = (line.asked.lock().unwrap().clone(), shown.borrow().clone());
        Got { read, asked, shown, client, dhis2, written, session, _folder: folder }
    }

    fn connect(&self, line: Arc<Faulty>, kept: Arc<Mutex<Option<(Client, Dhis2)>>>) -> Connect {
        let (sleep, who, folder) = (self.time.sleeper(), self.who.clone(), self.folder.clone());
        Arc::new(move |on_wait| {
            let client = |side, base: &str, sign_in, api_root| {
                let base = format!("{ORIGIN}{folder}{base}").parse().unwrap();
                let base = if side == Side::Dhis2 { root(&base, api_root) } else { base };
                let line: SharedTransport = Arc::clone(&line) as SharedTransport;
                let client = Client::new(line, side, &base, sign_in, 1).unwrap();
                client.reporting(Arc::clone(&on_wait)).sleeping(Arc::clone(&sleep))
            };
            let key = Secret::new(sandbox::COMMCARE_API_KEY);
            let key = SignIn::ApiKey { user: sandbox::COMMCARE_USER.to_owned(), key };
            let ours = client(Side::Dhis2, who.base, who.sign_in.clone(), who.api_root);
            let dhis2 = Dhis2::new(ours.clone());
            *kept.lock().unwrap() = Some((ours, dhis2.clone()));
            let commcare = CommCare::new(client(Side::CommCare, "/", key, false), sandbox::PROJECT.to_owned());
            Sources { dhis2, commcare }
        })
    }
}
