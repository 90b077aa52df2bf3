//! Both servers as one service from request to response, seeded and deterministic.
//!
//! DHIS2 answers below `/dhis2/`, CommCare HQ below `/a/{project}/`. The service is called in process through
//! [`Sandbox::transport`], or behind a listener with [`Sandbox::listen`] for use by hand and by other clients. Faults on
//! order are a layer before it (`faults`); those of simulations wrap a transport. It is not a whole DHIS2 or HQ: what is
//! answered stands at the head of `dhis2` and `commcare`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, extract::Request, middleware::Next, response::Response};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use self::{
    commcare::store::Store,
    dhis2::account::{Account, accounts},
    faults::Befalling,
    world::{Changes, Country},
};
use crate::io::transport::SharedTransport;

mod answer;
mod commcare;
mod dhis2;
mod faults;
mod gzip;
mod hooks;
mod in_process;
mod options;
mod planted;
mod query;
mod world;

pub use self::{
    commcare::{
        effects::Effect,
        receiving::Receiving,
        store::{Fate, ReceivedForm},
    },
    dhis2::{
        account::{
            DHIS2_DISTRICT_USER, DHIS2_EXPIRED_TOKEN, DHIS2_HALF_BLIND_USER, DHIS2_HIDDEN_SET, DHIS2_LOCKED_USER,
            DHIS2_PASSWORD, DHIS2_SECOND_FACTOR_TOKEN, DHIS2_SECOND_FACTOR_USER, DHIS2_SHORT_TOKEN, DHIS2_SUPERUSER,
            DHIS2_TOKEN, DHIS2_UNPLACED_SUPERUSER, DHIS2_USER, DHIS2_VIEWER,
        },
        version::Version,
    },
    faults::Faults,
    options::{Gateway, Options},
    planted::{Oddity, Planted},
};

/// Name of the CommCare web user.
pub const COMMCARE_USER: &str = "importer@example.org";
/// Password of [`COMMCARE_USER`], for Basic.
pub const COMMCARE_PASSWORD: &str = "sandbox-password";
/// API key of [`COMMCARE_USER`].
pub const COMMCARE_API_KEY: &str = "5a6d0b0c0ffee0123456789abcdef0123456789a";
/// The project of [`COMMCARE_USER`].
pub const PROJECT: &str = "onse-demo";
/// Case type of the facilities.
pub const CASE_TYPE: &str = "facility_supervision";
/// A case id that belongs to another project: a form that names it fails whole (commcare.md section 5.2).
pub const FOREIGN_CASE: &str = "0badcafe0badcafe0badcafe0badcafe";
/// API root of DHIS2 behind the gateway.
pub const GATEWAY: &str = "/service/dhis2core/api/v0/";
/// A monthly data set no mapping of ours names. Some facilities sent two months of a quarter.
pub const MONTHLY_SET: &str = "MoHMonthly1";
/// A data element of [`MONTHLY_SET`] that counts events: months add up.
pub const MONTHLY_SUM: &str = "MoFeverU5yr";
/// A data element of [`MONTHLY_SET`] that counts stock: the last month stands for the quarter.
pub const MONTHLY_LAST: &str = "MoStockORS1";
/// A quarterly data set whose reports are split by who paid, one of whom [`DHIS2_USER`] may not know.
pub const PARTNER_SET: &str = "QtPartners1";
/// The data element of [`PARTNER_SET`].
pub const PARTNER_ELEMENT: &str = "QtOutreach1";
/// A data element of [`PARTNER_SET`] whose category options have names made to break a screen (fault matrix row D25).
pub const HOSTILE_ELEMENT: &str = "QtHostileN1";
/// A data set by quarters of a fiscal year that begins in November (fault matrix row Q06). Nothing is stored for it.
pub const FISCAL_SET: &str = "QtFiscalNv1";
/// The data element of [`FISCAL_SET`].
pub const FISCAL_ELEMENT: &str = "QtFiscalDE1";
/// A data element that is in no data set.
pub const LOST_ELEMENT: &str = "NoSetElemt1";
/// A data element like one of the ONSE project's that nobody found, in one quarterly data set, [`LIKE_SET`].
pub const LIKE_ELEMENT: &str = "QtPregnant1";
/// Its data set, which no mapping names.
pub const LIKE_SET: &str = "QtEpiQuart1";
/// Another such data element, in a quarterly data set, [`SHARED_SET`], and a monthly one, [`SHARED_MONTHLY_SET`].
pub const SHARED_ELEMENT: &str = "QtSputumPt1";
/// The quarterly data set it is reported on.
pub const SHARED_SET: &str = "QtTbCommun1";
/// The monthly data set it stands on too.
pub const SHARED_MONTHLY_SET: &str = "MoTbCommun1";
/// Facilities of the country by default.
pub const FACILITIES: usize = 1_106;

/// The time, given in.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A case as HQ holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseState {
    /// Id.
    pub case_id: Arc<str>,
    /// Type; empty when it was cleared or never given.
    pub case_type: String,
    /// Name; `None` when never given.
    pub name: Option<String>,
    /// External id: the DHIS2 id of the facility. `None` and empty both occur.
    pub external_id: Option<String>,
    /// Owner.
    pub owner_id: String,
    /// Whether it is closed.
    pub closed: bool,
    /// When it was opened.
    pub date_opened: Timestamp,
    /// When it was closed.
    pub date_closed: Option<Timestamp>,
    /// The `date_modified` of the newest block; moves forward only.
    pub last_modified: Timestamp,
    /// When the newest form on it was received.
    pub server_last_modified: Timestamp,
    /// When the search index took it up; the order of the case list. In a case from the database it is out of date.
    pub indexed_on: Timestamp,
    /// User id of the newest block that gave one.
    pub modified_by: String,
    /// Its parent case.
    pub parent: Option<Parent>,
    /// All properties but the built-in ones. Blank ones are there with `""`.
    pub properties: BTreeMap<Arc<str>, String>,
}

/// The parent of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Id.
    pub case_id: Arc<str>,
    /// Type.
    pub case_type: String,
}

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Query as sent, without the question mark; empty when there was none.
    pub query: String,
}

/// The two servers. Clones share everything.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    country: Arc<Country>,
    changes: Mutex<Arc<Changes>>,
    accounts: Vec<Arc<Account>>,
    options: Options,
    store: Mutex<Store>,
    seen: Mutex<Vec<Seen>>,
    befalling: Befalling,
    clock: Clock,
}

/// A lock whose holder panicked is still good: every change under it is complete or not made.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sandbox {
    /// Makes the country and starts both servers' state from it.
    pub fn new(options: &Options, clock: Clock) -> Self {
        let country = Country::new(options);
        let store = Store::new(country.seed, &country.cases);
        Self(Arc::new(Inner {
            changes: Mutex::new(Arc::new(country.changes.clone())),
            accounts: accounts(),
            options: options.clone(),
            store: Mutex::new(store),
            seen: Mutex::default(),
            befalling: Befalling::new(&options.faults, options.seed),
            country: Arc::new(country),
            clock,
        }))
    }

    /// The service in process. Requests must go to `origin`, for example `http://sandbox.invalid`; any other host is
    /// not found.
    pub fn transport(&self, origin: &str) -> SharedTransport {
        in_process::transport(self.router(), origin)
    }

    /// The service.
    pub fn router(&self) -> Router {
        let log = self.clone();
        let routes = Router::new()
            .merge(dhis2::routes(self.options().version))
            .merge(commcare::routes())
            .fallback(async || answer::html(http::StatusCode::NOT_FOUND, "Not Found"));
        let routes = if self.options().faults.is_empty() {
            routes
        } else {
            let befalling = self.0.befalling.clone();
            routes.layer(axum::middleware::from_fn(move |request: Request, next: Next| {
                befalling.clone().befall(request, next)
            }))
        };
        let routes = routes
            .layer(axum::middleware::from_fn(move |request: Request, next: Next| log.clone().admit(request, next)))
            .with_state(self.clone());
        if self.options().gzip { routes.layer(axum::middleware::from_fn(gzip::compress)) } else { routes }
    }

    /// Answers on `listener`, each answer after `latency`, until `stop` is cancelled and the open connections are done.
    pub async fn listen(
        self,
        listener: tokio::net::TcpListener,
        latency: Duration,
        stop: CancellationToken,
    ) -> std::io::Result<()> {
        let slow = axum::middleware::from_fn(move |request: Request, next: Next| async move {
            tokio::time::sleep(latency).await;
            next.run(request).await
        });
        axum::serve(listener, self.router().layer(slow)).with_graceful_shutdown(stop.cancelled_owned()).await
    }

    /// Notes the request and turns away what a front server would (dhis2.md section 1.6, "URL budget").
    async fn admit(self, request: Request, next: Next) -> Response {
        let uri = request.uri();
        let query = uri.query().unwrap_or_default().to_owned();
        let seen = Seen { method: request.method().to_string(), path: uri.path().to_owned(), query };
        let tomcat = seen.path.starts_with("/dhis2") || seen.path.starts_with(GATEWAY);
        let line = seen.method.len() + seen.path.len() + seen.query.len() + " ? HTTP/1.1".len();
        let fields: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        held(&self.0.seen).push(seen);
        match tomcat {
            true if line + fields > 8_192 => answer::html(http::StatusCode::BAD_REQUEST, "Request header is too large"),
            false if line > 8_192 => answer::html(http::StatusCode::URI_TOO_LONG, "Request-URI Too Large"),
            _ => next.run(request).await,
        }
    }

    fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    fn country(&self) -> &Arc<Country> {
        &self.0.country
    }

    fn changes(&self) -> Arc<Changes> {
        Arc::clone(&held(&self.0.changes))
    }

    fn accounts(&self) -> &[Arc<Account>] {
        &self.0.accounts
    }

    fn options(&self) -> &Options {
        &self.0.options
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        held(&self.0.store)
    }

    /// The store with what the search index has to show by now.
    fn caught_up(&self) -> MutexGuard<'_, Store> {
        let mut store = self.store();
        store.index.settle(|| self.now());
        store
    }
}

/// What tests ask and what others do meanwhile.
impl Sandbox {
    /// The case as the database holds it, whether or not the search index knows it.
    pub fn case(&self, case_id: &str) -> Option<CaseState> {
        self.store().case(case_id).map(|case| CaseState::clone(case))
    }

    /// The ids of all cases of [`CASE_TYPE`] the database holds, in order.
    pub fn case_ids(&self) -> Vec<String> {
        self.store().of_type(CASE_TYPE)
    }

    /// The forms received so far, oldest first. Bodies that were no form at all are not among them.
    pub fn forms(&self) -> Vec<ReceivedForm> {
        self.store().forms().to_vec()
    }

    /// The requests answered so far, oldest first.
    pub fn requests(&self) -> Vec<Seen> {
        held(&self.0.seen).clone()
    }

    /// What is odd in the country, and where.
    pub fn planted(&self) -> &[Planted] {
        &self.0.country.planted
    }

    /// Someone else changes a case: a property, or `case_name`, `external_id`, `owner_id`, `case_type`. An unknown case
    /// is left unknown and the answer is false.
    pub fn set_property(&self, case_id: &str, name: &str, value: &str) -> bool {
        let now = self.now();
        self.store().set_property(case_id, name, value, now)
    }

    /// Gives or takes the two permissions HQ asks for, `edit_data` and `access_api` (commcare.md section 4.1).
    pub fn set_permissions(&self, edit_data: bool, access_api: bool) {
        self.store().set_permissions(edit_data, access_api);
    }
}
