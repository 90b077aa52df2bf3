//! The pictures of the README: the demo's own country, read by the same job, looked at and decided with keys. Nothing in
//! them is drawn by hand; what is random elsewhere is fixed here, so that they come out the same every time.
#![expect(clippy::unwrap_used, reason = "a picture that cannot be drawn is a broken build")]

#[path = "svg.rs"]
mod svg;

#[path = "../../tests/support/mod.rs"]
mod support;

use std::{
    future::{pending, ready},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request};
use jiff::SignedDuration;
use onse::{
    domain::{
        outcome::Outcome,
        plan::{Cell, Plan},
    },
    io::{
        store::Store,
        transport::{Answer, Broken, Later, SharedTransport, Transport},
    },
    job::{fetch::Ask, session::Session},
    tui::{
        Perform, Replies,
        keymap::Press,
        model::{Behind, Look, Model, Run, Stage},
        msg::{Cmd, Msg, Now},
        perform::Performer,
        screen::draw,
        update::update,
    },
};
use ratatui::{buffer::Buffer, layout::Rect};
use tokio::{sync::mpsc, time::timeout};

/// Columns and rows of a picture.
const SIZE: (u16, u16) = (120, 40);
/// Facilities of the demo.
const FACILITIES: usize = 1106;
/// Cases to a form, so that there is something to see while forms are sent.
const CHUNK: usize = 100;
/// The form that gets no answer as long as the picture is taken.
const LAST_FORM: usize = 8;
/// Longest wait for anything.
const LIMIT: Duration = Duration::from_mins(1);

/// File name and contents of every picture.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::new(&folder.path().join("2026Q2.review"));
        desk.perform(Cmd::Read);
        desk.until("the plan", |model| model.review.is_some()).await;
        desk.decide().await;
        let facilities = desk.picture("onse: old values against new, facility by facility");
        desk.press("1").await;
        let overview = desk.picture("onse: how far the review is, and what is left to decide");
        desk.send().await;
        let submit = desk.picture("onse: approved changes on their way, form by form");
        vec![("facilities.svg", facilities), ("overview.svg", overview), ("submit.svg", submit)]
    })
}

/// The sandbox, with an operator's time: four seconds to a form, and no answer to [`LAST_FORM`].
struct Slow {
    sandbox: SharedTransport,
    seconds: Arc<AtomicI64>,
    forms: AtomicUsize,
}

impl Transport for Slow {
    fn send(&self, request: Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        if request.method() != Method::POST || !request.uri().path().contains("/receiver/") {
            return self.sandbox.send(request);
        }
        if self.forms.fetch_add(1, SeqCst) + 1 == LAST_FORM {
            return Box::pin(pending());
        }
        self.seconds.fetch_add(4, SeqCst);
        self.sandbox.send(request)
    }
}

/// The screen with all that is behind it.
struct Desk {
    model: Model,
    performer: Performer,
    reply: Replies,
    messages: mpsc::UnboundedReceiver<Msg>,
}

impl Desk {
    fn new(file: &std::path::Path) -> Self {
        let seconds = Arc::new(AtomicI64::new(0));
        let sandbox = support::sandbox(FACILITIES).transport(support::ORIGIN);
        let connect =
            support::connect(Arc::new(Slow { sandbox, seconds: Arc::clone(&seconds), forms: AtomicUsize::new(0) }));
        let later = Arc::clone(&seconds);
        let clock = Arc::new(move || support::clock() + SignedDuration::from_secs(later.load(SeqCst)));
        let never = Arc::new(|_| -> Later<'static, ()> { Box::pin(ready(())) });
        let session = Session::new(Store::create(file).unwrap(), Some(connect), clock, never, "Grace");
        let ask = Ask { used: support::used(CHUNK), ..support::ask(&[]) };
        let run = Run {
            project: ask.project.clone(),
            label: ask.label.clone(),
            dhis2: "sandbox.invalid".to_owned(),
            quarter: ask.quarter.to_string(),
            file: String::new(),
            account: onse::sandbox::COMMCARE_USER.to_owned(),
            who: "Grace".to_owned(),
            read_only: None,
            not_again: None,
        };
        let account = run.account.clone();
        let no_forms = Arc::new(|_| -> Later<'static, anyhow::Result<String>> { Box::pin(ready(Ok(String::new()))) });
        let (reply, messages) = mpsc::unbounded_channel();
        let performer = Performer::new(session, Some(ask), account, no_forms);
        Self { model: Model::new(run, Look::default(), SIZE), performer, reply, messages }
    }

    fn perform(&mut self, cmd: Cmd) {
        self.performer.perform(cmd, &self.reply);
    }

    fn take(&mut self, msg: Msg) {
        let at = support::clock() + SignedDuration::from_mins(12);
        let now = Now { at: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), since: Duration::ZERO };
        for cmd in update(&mut self.model, msg, &now) {
            self.perform(cmd);
        }
    }

    async fn until(&mut self, what: &str, is: impl Fn(&Model) -> bool) {
        while !is(&self.model) {
            let msg = timeout(LIMIT, self.messages.recv()).await;
            assert!(msg.is_ok(), "waited for {what}; the last words were {:?}", self.model.status());
            self.take(msg.unwrap().unwrap());
        }
    }

    /// Presses keys written as `2 j j a`, each when the one before is done.
    async fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.take(Msg::Key(Press::parse(key).unwrap()));
            self.until("the end of a key", is_settled).await;
        }
    }

    fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.model.review.as_ref().unwrap().plan)
    }

    /// Decides some columns whole, as one does with data elements one knows, then goes to the facility with a number below
    /// zero, and decides there.
    async fn decide(&mut self) {
        self.press("2").await;
        for _ in 0..7 {
            self.press("A y l l").await;
        }
        let plan = self.plan();
        let negative = plan.cells().find(|cell| plan.flags(*cell).iter().any(|flag| flag.id == "S09")).unwrap();
        self.press("3").await;
        while self.facility() != negative.facility {
            self.press("]").await;
        }
        self.press("l r").await;
        while self.cell() != negative {
            let down = self.cell().property < negative.property;
            self.press(if down { "j" } else { "k" }).await;
        }
    }

    fn facility(&self) -> u32 {
        self.model.review.as_ref().unwrap().list.current().unwrap()
    }

    fn cell(&self) -> Cell {
        self.model.detail_cell().unwrap()
    }

    /// Submits, up to the form that gets no answer.
    async fn send(&mut self) {
        self.press("4").await;
        let review = self.model.review.as_ref().unwrap();
        let changes = review.ledger.to_send(&review.plan).count();
        let digits: Vec<String> = changes.to_string().chars().map(String::from).collect();
        self.press(&digits.join(" ")).await;
        self.press("enter").await;
        self.until("forms under way", |model| {
            let Stage::Sending(sending) = &model.submit.stage else { return false };
            sending.forms.get(LAST_FORM - 1).is_some_and(|form| form.outcome == Some(Outcome::Frozen))
        })
        .await;
        if let Stage::Sending(sending) = &mut self.model.submit.stage {
            // The only thing that differs from run to run, and ought to.
            for form in &mut sending.forms {
                let bits = u128::try_from(form.number).unwrap().wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
                let id = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
                form.form_id = form.form_id.take().map(|_| id.simple().to_string());
            }
        }
    }

    fn picture(&self, title: &str) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
        draw(&self.model, &mut buf);
        svg::svg(&buf, title)
    }
}

/// Whether nothing more comes of the last key by itself.
fn is_settled(model: &Model) -> bool {
    let review = model.review.as_ref().unwrap();
    !review.is_saving() && !matches!(review.behind, Behind::Waiting(_)) && model.submit.stage != Stage::Checking
}
