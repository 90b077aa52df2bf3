//! A sandbox, an account on it, and a mapping.

use std::{collections::BTreeSet, sync::Arc};

use onse::{
    domain::{
        explored::{Entry, Explored},
        mapping::Mapping,
        quarter::Quarter,
    },
    io::{
        commcare::CommCare,
        dhis2::{Dhis2, Wanted, root},
        http::{Client, Secret, Side, SignIn},
        transport::Later,
    },
    job::{
        datasets::{Explorer, Facilities, Looking},
        session::Sources,
    },
    sandbox::{self, Options, Sandbox},
};

use crate::{
    faults::{Faulty, Rule, Time},
    support::{ORIGIN, clock},
};

pub(crate) struct Rig {
    pub(crate) sandbox: Sandbox,
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    pub(crate) rules: Vec<Rule>,
    /// Path of the API, and whether it is the root of it.
    pub(crate) path: (&'static str, bool),
}

impl Rig {
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            sandbox: Sandbox::new(options, Arc::new(clock)),
            user: sandbox::DHIS2_USER,
            password: sandbox::DHIS2_PASSWORD,
            rules: Vec::new(),
            path: ("/dhis2/", false),
        }
    }

    pub(crate) fn new(facilities: usize) -> Self {
        Self::of(&Options { facilities, ..Options::new((2026, 2)) })
    }

    /// An explorer of these rows, and what it asks.
    pub(crate) fn explorer(self, mapping: Mapping) -> (Explorer, Arc<Faulty>) {
        let faulty = Faulty::around(self.sandbox.transport(ORIGIN), &Time::new(), self.rules);
        let client = |side, base: &str, sign_in| {
            let never = Arc::new(|_| -> Later<'static, ()> { Box::pin(std::future::ready(())) });
            let base = base.parse().unwrap();
            let base = if side == Side::Dhis2 { root(&base, self.path.1) } else { base };
            Client::new(faulty.clone(), side, &base, sign_in, 1).unwrap().sleeping(never)
        };
        let password = Secret::new(self.password);
        let basic = SignIn::Basic { user: self.user.to_owned(), password };
        let key = Secret::new(sandbox::COMMCARE_API_KEY);
        let api_key = SignIn::ApiKey { user: sandbox::COMMCARE_USER.to_owned(), key };
        let sources = Sources {
            dhis2: Dhis2::new(client(Side::Dhis2, &format!("{ORIGIN}{}", self.path.0), basic)),
            commcare: CommCare::new(client(Side::CommCare, ORIGIN, api_key), sandbox::PROJECT),
        };
        let facilities = Facilities::Cases { case_type: sandbox::CASE_TYPE.to_owned(), wanted: Vec::new() };
        let quarter = Quarter::parse("2026Q2").unwrap();
        (Explorer { sources, mapping: Arc::new(mapping), quarter, facilities }, faulty)
    }
}

/// Rows of a property, a data element, a data set and a name.
pub(crate) fn mapping(rows: &[(&str, &str, &str, &str)]) -> Mapping {
    let mut text = "case_property,data_element_id,data_set_id,dhis2_name\n".to_owned();
    for (property, element, set, name) in rows {
        text.extend([property, ",", element, ",", set, ",", name, "\n"]);
    }
    Mapping::read(text.as_bytes())
}

/// Explores in a task of its own, as the screen does.
pub(crate) async fn explored(explorer: &Explorer) -> anyhow::Result<Explored> {
    let explorer = explorer.clone();
    tokio::spawn(async move {
        let tell = |looking: Looking| assert!(looking.of == 0 || looking.done <= looking.of, "{looking:?}");
        explorer.explore(&tell).await
    })
    .await
    .unwrap()
}

pub(crate) fn entry<'a>(explored: &'a Explored, property: &str) -> &'a Entry {
    explored.rows.iter().find(|entry| entry.row.property == property).unwrap()
}

/// How many units have a row of a data set in one of these periods, or a complete registration; asked unit by unit.
pub(crate) async fn counted(explorer: &Explorer, set: &str, periods: &[&str]) -> usize {
    let dhis2 = &explorer.sources.dhis2;
    let (sets, periods) = ([set.to_owned()], periods.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
    let wanted = Wanted::all(&sets, &periods);
    let mut reported = BTreeSet::new();
    for place in explorer.places().await.unwrap() {
        let unit = [place.unit.clone()];
        let (Ok(values), Ok(complete)) =
            (dhis2.data_values(&unit, &wanted).await, dhis2.registrations(&unit, &sets, &periods).await)
        else {
            continue;
        };
        if values.rows().any(|row| row.value.is_some() && !row.deleted) || !complete.is_empty() {
            reported.insert(place.unit);
        }
    }
    reported.len()
}
