//! The program at work: a review file, sessions on it one after the other, and what is done with them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use onse::{
    domain::{ledger::Entry, quarter::Quarter, returned::Returned},
    io::{
        commcare::CommCare,
        dhis2::{Dhis2, root},
        http::{Client, Secret, Side, SignIn},
        store::{Store, Used},
        transport::{Later, SharedTransport},
    },
    job::{
        earlier::EarlierFrom,
        fetch::{Ask, Reach, Rules},
        report::{Reading, Sending},
        session::{Connect, Opened, Session, Sources, opened},
    },
    sandbox,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    checks::{self, Rule, Wrong},
    gate::gate,
    line::Line,
    time::drive,
    truth,
    world::{ORIGIN, STAMP, World},
};

/// How a step ended.
pub(crate) enum Ended<T> {
    Done(T),
    /// It failed, or the process was killed; the file was opened anew.
    Anew,
}

/// What is asked of a session with approved changes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// To send at most so many.
    Send(usize),
    /// To settle what is open.
    Settle,
    /// To read back what is open.
    Verify,
}

pub(crate) struct Desk {
    pub(crate) world: Arc<World>,
    pub(crate) line: Arc<Line>,
    transport: SharedTransport,
    folder: PathBuf,
    /// How many times the file was moved to another name.
    copies: usize,
    /// The file without its gate.
    store: Store,
    session: Session,
    pub(crate) ask: Ask,
    /// What is open; `None` before anything was read.
    pub(crate) opened: Option<Opened>,
    /// Rows that are out, to come back with verdicts.
    pub(crate) sheet: Option<Vec<Returned>>,
    pub(crate) wrong: Vec<Wrong>,
}

impl Desk {
    pub(crate) fn new(
        world: &Arc<World>,
        folder: &Path,
        seed: u64,
        bend: impl Fn(SharedTransport) -> SharedTransport,
    ) -> Self {
        let line = Line::new(world);
        let transport = bend(Arc::clone(&line) as SharedTransport);
        let store = Store::create(&folder.join("0.review")).unwrap();
        let ask = ask(world);
        let session = session(world, &transport, &store, seed);
        let (world, folder) = (Arc::clone(world), folder.to_owned());
        Self {
            world,
            line,
            transport,
            folder,
            copies: 0,
            store,
            session,
            ask,
            opened: None,
            sheet: None,
            wrong: Vec::new(),
        }
    }

    /// Does something with the session. A failure is told; after one, or where the process was killed, the file is opened anew.
    pub(crate) async fn step<T>(&mut self, what: &str, work: impl AsyncFnOnce(&Session) -> Result<T>) -> Ended<T> {
        let session = self.session.clone();
        let done = drive(&self.world, &self.store, async { work(&session).await }).await;
        drop(session);
        match done {
            Some(Ok(done)) => return Ended::Done(done),
            Some(Err(error)) => {
                let folder = self.folder.display().to_string();
                self.world.say(|| format!("{what} fails: {error:#}").replace(&folder, ""));
            }
            None => {}
        }
        self.anew().await;
        Ended::Anew
    }

    /// Opens the file anew, as the next process does.
    pub(crate) async fn anew(&mut self) {
        let killed = self.world.is_killed();
        // What a killed process had under way is gone.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        let _ = self.store.is_blank().await;
        let mut path = self.store.path().to_owned();
        if killed && self.world.dice.falls(500) {
            // As it lies there: with the log that nobody folded back.
            self.copies += 1;
            let to = self.folder.join(format!("{}.review", self.copies));
            for end in ["", "-wal"] {
                let of = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
                if of(&path).exists() {
                    std::fs::copy(of(&path), of(&to)).unwrap();
                }
            }
            self.store.close();
            std::fs::remove_file(&path).unwrap();
            path = to;
        }
        self.store.close();
        self.world.start();
        match Store::open(&path) {
            Ok(store) => self.store = store,
            Err(error) => {
                self.wrong.push(Wrong::of(Rule::Shut, format!("the file does not open: {error:#}")));
                return;
            }
        }
        let seed = self.world.dice.below(1000) as u64;
        self.session = session(&self.world, &self.transport, &self.store, seed);
        self.world.say(|| "the file is opened anew".to_owned());
        self.look(killed).await;
    }

    /// Reads the file past the gate, holds it to the promises, and takes up what it says.
    pub(crate) async fn look(&mut self, _killed: bool) {
        if self.store.is_blank().await.unwrap_or(true) {
            if self.opened.is_some() {
                self.wrong.push(Wrong::of(Rule::Lost, "the reading is gone"));
            }
            return;
        }
        let now = match self.store.load().await {
            Ok(loaded) => loaded,
            Err(error) => return self.wrong.push(Wrong::of(Rule::Shut, format!("the file cannot be read: {error:#}"))),
        };
        let newer = self.opened.as_ref().map_or(0, |opened| opened.plan.head.generation) < now.plan.head.generation;
        if newer {
            let truth = truth::truth(&self.world).await;
            self.wrong.extend(truth::hold(&now.plan, &truth));
            if let Some(opened) = &self.opened {
                self.world.books().read(&opened.plan, &now.plan);
            }
        }
        // A decision may be in the file although nobody was told so.
        let known = self.world.books().acknowledged.last().map_or(0, |entry| entry.seq);
        for entry in now.entries.iter().filter(|entry| entry.seq > known) {
            self.world.books().decided(&now.plan, entry);
        }
        let mut bytes = checks::AllBytes::new();
        for form in &now.forms {
            bytes.extend(self.store.form_bytes(form.number).await.map(|bytes| (form.number, bytes)));
        }
        self.wrong.extend(checks::file(&self.world, &now, &bytes));
        match opened(now) {
            Ok(opened) => self.opened = Some(opened),
            Err(error) => self.wrong.push(Wrong::of(Rule::Shut, format!("the file cannot be opened: {error:#}"))),
        }
    }

    /// Reads both sides, into a file that holds a reading the next one.
    pub(crate) async fn read(&mut self) {
        // Asked for before, so that nothing moves in between.
        truth::truth(&self.world).await;
        self.world.set_reading(true);
        let ask = self.ask.clone();
        let read = self
            .step("reading", async move |session| {
                Box::pin(session.read(&ask, watch::channel(Reading::default()).0, CancellationToken::new())).await
            })
            .await;
        self.world.set_reading(false);
        if let Ended::Done(opened) = read {
            let generation = opened.plan.head.generation;
            self.world.say(|| format!("reading {generation} is in the file"));
            self.look(false).await;
        }
    }

    /// Writes a decision; the file is opened anew where that fails.
    pub(crate) async fn record(&mut self, entry: Entry) {
        let Some(opened) = &self.opened else { return };
        let plan = Arc::clone(&opened.plan);
        let (to_write, on) = (entry.clone(), Arc::clone(&plan));
        if let Ended::Done(()) =
            self.step("writing the decision", async move |session| session.record(to_write, &on).await).await
        {
            self.world.books().decided(&plan, &entry);
        }
    }

    /// How many changes the question before sending names; `None` where it could not be asked.
    pub(crate) async fn count(&mut self) -> Option<usize> {
        let opened = self.opened.clone()?;
        let check = self.step("counting", async move |session| session.check(&opened.plan, &opened.ledger).await).await;
        if let Ended::Done(check) = check { Some(check.changes) } else { None }
    }

    /// Sends, settles or reads back.
    pub(crate) async fn submit(&mut self, goal: Goal) {
        let steering = self.world.steering();
        self.world.set_failed(false);
        self.world.say(|| format!("{goal:?}"));
        let sent = self
            .step("submitting", async move |session| {
                let (user, progress) = (sandbox::COMMCARE_USER, watch::channel(Sending::default()).0);
                match goal {
                    Goal::Send(limit) => session.submit(user, limit, progress, steering).await,
                    Goal::Settle => session.settle(user, progress, steering).await,
                    Goal::Verify => session.verify(progress, steering).await,
                }
            })
            .await;
        if let Ended::Done(sending) = sent {
            self.world.start();
            self.world.say(|| {
                format!(
                    "sent {}: applied {}, accepted {}, not applied {}, unknown {}, held {}, elsewhere {}; {}",
                    sending.changes,
                    sending.applied,
                    sending.accepted,
                    sending.not_applied,
                    sending.unknown,
                    sending.held.len(),
                    sending.elsewhere.len(),
                    sending.note.as_deref().unwrap_or("well")
                )
            });
            self.look(false).await;
            // What could not be written is told all the same (fault matrix row F02).
            if !self.world.has_failed() {
                self.told(&sending);
            }
        }
    }

    /// P3: what was told is what the file says.
    fn told(&mut self, sending: &Sending) {
        let Some(standing) = self.opened.as_ref().and_then(Opened::standing) else { return };
        let counts = |of: &Sending| (of.applied, of.accepted, of.not_applied, of.unknown);
        if counts(sending) != counts(&standing) {
            let what = format!("told were {:?}, the file says {:?}", counts(sending), counts(&standing));
            self.wrong.push(Wrong::of(Rule::Told, what));
        }
    }

    /// Another process tries to open the file for writing.
    pub(crate) fn second(&mut self) {
        if Store::open(self.store.path()).is_ok() {
            self.wrong.push(Wrong::of(Rule::TwoWriters, "the file was opened for writing twice"));
        }
        self.world.say(|| "a second process is refused the file".to_owned());
    }

    /// Who decides, and when.
    pub(crate) fn stamp(&self) -> onse::domain::ledger::Stamp {
        self.session.stamp()
    }

    /// What the file says at the end.
    pub(crate) async fn end(&mut self) {
        if let Ok(loaded) = self.store.load().await {
            let truth = truth::truth(&self.world).await;
            self.wrong.extend(checks::ended(&self.world, &loaded, &truth));
        }
        self.store.close();
    }
}

fn session(world: &Arc<World>, transport: &SharedTransport, store: &Store, seed: u64) -> Session {
    let (sleeping, time) = (Arc::clone(world), world.time.clone());
    let sleep: onse::io::http::Sleeper = Arc::new(move |pause| -> Later<'static, ()> {
        let world = Arc::clone(&sleeping);
        Box::pin(async move { world.sleep(pause).await })
    });
    let store = store.clone().gated(gate(world));
    Session::new(store, Some(connect(transport, &sleep, seed)), Arc::new(move || time.now()), sleep, "Grace")
}

fn connect(transport: &SharedTransport, sleep: &onse::io::http::Sleeper, seed: u64) -> Connect {
    let (transport, sleep) = (Arc::clone(transport), Arc::clone(sleep));
    Arc::new(move |on_wait| {
        let client = |side, path: &str, sign_in| {
            let base = format!("{ORIGIN}{path}").parse().unwrap();
            let base = if side == Side::Dhis2 { root(&base, false) } else { base };
            let client = Client::new(Arc::clone(&transport), side, &base, sign_in, seed).unwrap();
            client.reporting(Arc::clone(&on_wait)).sleeping(Arc::clone(&sleep))
        };
        let password = Secret::new(sandbox::DHIS2_PASSWORD);
        let key = Secret::new(sandbox::COMMCARE_API_KEY);
        let dhis2 = SignIn::Basic { user: sandbox::DHIS2_USER.to_owned(), password };
        let commcare = SignIn::ApiKey { user: sandbox::COMMCARE_USER.to_owned(), key };
        Sources {
            dhis2: Dhis2::new(client(Side::Dhis2, "/dhis2/", dhis2)),
            commcare: CommCare::new(client(Side::CommCare, "/", commcare), sandbox::PROJECT.to_owned()),
        }
    })
}

fn ask(world: &World) -> Ask {
    Ask {
        quarter: Quarter::parse("2026Q2").unwrap(),
        project: sandbox::PROJECT.to_owned(),
        label: "SANDBOX".to_owned(),
        dhis2: format!("{ORIGIN}/dhis2/"),
        commcare: ORIGIN.to_owned(),
        case_type: sandbox::CASE_TYPE.to_owned(),
        mapping: world.mapping.clone(),
        mapping_label: "drawn".to_owned(),
        facilities: Vec::new(),
        used: Used {
            profile: "demo".to_owned(),
            chunk_size: world.chunk_size,
            form_xmlns: "http://commcarehq.org/dhis2-import".to_owned(),
            stamp_property: world.stamp.then(|| STAMP.to_owned()),
            submit_user_id: String::new(),
        },
        guessed: false,
        unfinished: false,
        reach: Reach { history: false, ..Reach::default() },
        rules: Rules::default(),
        earlier: EarlierFrom::default(),
    }
}
