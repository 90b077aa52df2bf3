//! `CommCare` HQ: which case API answers, who signs in, the project, the cases, and the permissions as far as reading shows them
//! (commcare.md sections 4.3, 8.1, 9 and 10; fault matrix rows H01, H27, H28).

use std::collections::BTreeMap;

use super::{Check, Line, capital, count, dhis2::span};
use crate::{
    domain::{mapping::is_uid, text::inert},
    io::{
        commcare::{Api, CaseRecord, CommCare, Listing},
        config::CommCareSecret,
        http::{Failure, Why},
    },
    job::{connect, gather::listed},
};

const ADDRESS: &str = "HQ address";
const SIGN_IN: &str = "HQ sign-in";
const PROJECT: &str = "HQ project";
const RIGHTS: &str = "HQ rights";
const CASES: &str = "HQ cases";
const IDS: &str = "HQ ids";
const INDEX: &str = "HQ index";

/// Organisation units handed on to be asked for.
const SOME: usize = 3;

impl Check<'_> {
    /// The lines, and some organisation units of open cases.
    pub(super) async fn holder(&self) -> (Vec<Line>, Vec<String>) {
        let Some((secret, way)) = &self.commcare else { return Default::default() };
        let project = &self.profile.commcare.project;
        let hq = match connect::commcare(self.profile, secret, way, !self.seed) {
            Ok(client) => {
                let client = client.sleeping(self.sleep.clone()).reporting(self.on_wait.clone());
                CommCare::new(client, project.as_str())
            }
            Err(error) => {
                let line = Line::wrong(ADDRESS, capital(&format!("{error:#}.")), "Mend the profile or the secret.");
                return (vec![line], Vec::new());
            }
        };
        let listing = match Box::pin(hq.cases(&self.profile.case_type, &[], &mut |_, _| {})).await {
            Ok(listing) => listing,
            Err(failure) => return (self.refused(&failure), Vec::new()),
        };
        let mut lines = vec![self.address(listing.api), self.signed_in(secret)];
        lines.push(Line::ok(PROJECT, format!("{project} is open to this account.")));
        lines.push(rights(&hq, &listing, &self.profile.case_type).await);
        lines.push(self.cases(&listing));
        let open: Vec<&CaseRecord> = listing.cases.iter().filter(|case| !case.closed).collect();
        if !open.is_empty() {
            lines.push(ids(&open));
        }
        lines.extend(self.index(&listing));
        let units =
            open.iter().filter_map(|case| case.external_id.clone()).filter(|id| is_uid(id)).take(SOME).collect();
        (lines, units)
    }

    fn address(&self, api: Api) -> Line {
        let url = &self.profile.commcare.url;
        match api {
            Api::V2 => Line::ok(ADDRESS, format!("{url} answers with Case API v2.")),
            Api::V05 => Line::look(
                ADDRESS,
                format!("{url} has no Case API v2; the older list (v0.5) answers in its place."),
                "It serves, more slowly. If a gateway stands before HQ, let /api/case/v2/ through.",
            ),
        }
    }

    fn signed_in(&self, secret: &CommCareSecret) -> Line {
        let with = match secret {
            CommCareSecret::ApiKey(_) => "with an API key",
            CommCareSecret::Password(_) => "with a password",
        };
        Line::ok(SIGN_IN, format!("Signed in as {} {with}.", self.profile.commcare.username))
    }

    /// What is to be said where no case came: whether the address, the key, the project or a permission is at fault (row H01).
    fn refused(&self, failure: &Failure) -> Vec<Line> {
        let url = &self.profile.commcare.url;
        let answers = || Line::ok(ADDRESS, format!("{url} answers."));
        let known = || Line::ok(SIGN_IN, format!("{} is known.", self.profile.commcare.username));
        match &*failure.why {
            Why::SignIn { .. } => vec![answers(), Line::failed(SIGN_IN, failure)],
            Why::Forbidden { text } if text.is_empty() => vec![answers(), known(), Line::failed(PROJECT, failure)],
            Why::Forbidden { .. } => vec![answers(), known(), Line::failed(RIGHTS, failure)],
            _ => vec![Line::failed(ADDRESS, failure)],
        }
    }

    fn cases(&self, listing: &Listing) -> Line {
        let kind = &self.profile.case_type;
        let total = listing.cases.len();
        if total == 0 {
            return Line::broken(
                CASES,
                format!("Project {} shows no case of type {kind} to this account.", self.profile.commcare.project),
                "Check case_type and project in the profile, and that the account sees all locations.",
            );
        }
        let closed = listing.cases.iter().filter(|case| case.closed).count();
        let cases = format!("{} of type {kind}, {closed} closed", count(total, "case", "cases"));
        if listing.is_whole() {
            return Line::ok(CASES, format!("{cases}."));
        }
        let announced = listing.matching;
        let sentence = format!("{cases}, though {announced} were announced; some changed while they were listed.");
        Line::look(CASES, sentence, "Run onse check again; if it stays, tell who runs the server.")
    }

    /// Row H28.
    fn index(&self, listing: &Listing) -> Option<Line> {
        let text = listing.newest_indexed_on.as_deref()?;
        let now = (self.clock)();
        let Some(ago) = text.parse().ok().map(|time| now.duration_since(time)) else {
            return Some(Line::ok(
                INDEX,
                format!("The newest case was taken into the search index at {}.", inert(text)),
            ));
        };
        if ago.as_secs() < -120 {
            let sentence = format!("The newest case was indexed {} from now, by the clock of this machine.", span(ago));
            return Some(Line::look(INDEX, sentence, "Set the clock of this machine."));
        }
        let span = span(ago.max(jiff::SignedDuration::ZERO));
        Some(Line::ok(INDEX, format!("The newest case was taken into the search index {span} ago.")))
    }
}

/// What the account may do, as far as that shows without writing: HQ lists cases only for a role with both permissions, and
/// looks cases up by id only for one that is not limited to some locations (commcare.md section 8.1).
async fn rights(hq: &CommCare, listing: &Listing, case_type: &str) -> Line {
    let remedy = "Give its role access to all locations in HQ.";
    let (Api::V2, Some(case)) = (listing.api, listing.cases.first()) else {
        return Line::ok(
            RIGHTS,
            "Cases may be read; whether forms may be sent shows only when one is (\"edit data\", \"access APIs\", all locations).",
        );
    };
    match Box::pin(hq.fetch(std::slice::from_ref(&case.case_id), case_type, &[])).await {
        Ok(_) => {
            Line::ok(RIGHTS, "\"edit data\", \"access APIs\" and access to cases by id, which is what sending needs.")
        }
        Err(failure) if matches!(*failure.why, Why::Forbidden { .. }) => Line::broken(
            RIGHTS,
            "Cases are listed but not shown by id, as for an account that is limited to some locations: cases may be missing from \
             the list without a word, and nothing could be sent.",
            remedy,
        ),
        Err(failure) => Line::failed(RIGHTS, &failure),
    }
}

/// External ids that lead to no organisation unit, or two cases to one.
fn ids(open: &[&CaseRecord]) -> Line {
    let without = open.iter().filter(|case| case.external_id.is_none()).count();
    let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
    for id in open.iter().filter_map(|case| case.external_id.as_deref()) {
        *by_id.entry(id).or_default() += 1;
    }
    let odd: Vec<&str> = by_id.keys().copied().filter(|id| !is_uid(id)).collect();
    let twice: Vec<&str> = by_id.iter().filter(|(_, n)| **n > 1).map(|(id, _)| *id).collect();
    let mut found = Vec::new();
    if without > 0 {
        found.push(format!("{} without an external id", count(without, "open case", "open cases")));
    }
    if !odd.is_empty() {
        found.push(format!(
            "{} that no DHIS2 id looks like: {}",
            count(odd.len(), "external id", "external ids"),
            listed(&odd)
        ));
    }
    if !twice.is_empty() {
        let shared = count(twice.len(), "external id", "external ids");
        found.push(format!("{shared} on several cases: {}", listed(&twice)));
    }
    if found.is_empty() {
        return Line::ok(
            IDS,
            format!("{} with an external id of their own.", count(open.len(), "open case", "open cases")),
        );
    }
    let remedy =
        "Set the id of the DHIS2 organisation unit as external id of each case; a case without one is left out.";
    Line::look(IDS, format!("{}.", found.join("; ")), remedy)
}
