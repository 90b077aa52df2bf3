//! DHIS2: which address answers, who signs in, what the server is, which units, data elements and data sets the account sees
//! (dhis2.md sections 1.3, 2, 3, 6 and 7; fault matrix rows D11, D26, Q05).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, civil::DateTime, fmt::strtime, tz::TimeZone};

use super::{Check, Line, capital, count};
use crate::{
    domain::finer,
    io::{
        config::Dhis2Secret,
        dhis2::{Attributes, DataSet, Dhis2, Me, Spelling, SystemInfo, Told, UnitRef, elsewhere, is_no_token},
        http::{Failure, Why},
        transport::SharedTransport,
    },
    job::{
        columns::{Column, Known, columns},
        connect,
        gather::listed,
        server::{TESTED, optional},
    },
};

const ADDRESS: &str = "DHIS2 address";
const SIGN_IN: &str = "DHIS2 sign-in";
const VERSION: &str = "DHIS2 version";
const CALENDAR: &str = "DHIS2 calendar";
const CLOCK: &str = "DHIS2 clock";
const UNITS: &str = "DHIS2 units";
const MAPPING: &str = "DHIS2 mapping";
const SETS: &str = "DHIS2 sets";

/// Two clocks that are no further apart are the same: a date has no finer use here.
const APART: SignedDuration = SignedDuration::from_mins(2);
/// Most lines for one kind of trouble.
const MOST: usize = 20;

/// What was found, and what values are asked through.
#[derive(Default)]
pub(super) struct Source {
    pub(super) lines: Vec<Line>,
    pub(super) reached: Option<Reached>,
}

/// A server that can be asked for values.
pub(super) struct Reached {
    pub(super) dhis2: Dhis2,
    /// The mapped data sets that may be asked for, in a fixed order.
    pub(super) sets: Vec<String>,
    /// Units below which values may be read; `None` where that is not known beforehand.
    pub(super) readable: Option<Vec<String>>,
    /// Units below which it may be asked which reports are complete.
    pub(super) completable: Vec<String>,
    /// Units that report on a mapped data set; a few.
    pub(super) assigned: Vec<String>,
}

impl Check<'_> {
    /// Everything but whether values may be read.
    pub(super) async fn source(&self) -> Source {
        let Some((secret, way)) = &self.dhis2 else { return Source::default() };
        let mut lines = Vec::new();
        let Some((dhis2, told)) = self.reach(secret, way, &mut lines).await else {
            return Source { lines, reached: None };
        };
        lines.push(signed_in(self, secret, &dhis2, &told));
        let info = told.info.as_ref();
        match info {
            Some(info) => {
                lines.push(version(&dhis2, info));
                lines.push(calendar(&dhis2, info));
                lines.push(clock(info, (self.clock)()));
            }
            None => lines.push(Line::look(
                VERSION,
                "Version, calendar and clock of the server are not told: what answers here, often a gateway, has no system information.",
                "Ask who runs it that it is DHIS2 2.30 to 2.43 with the ISO calendar.",
            )),
        }
        let Ok((units, readable)) = self.units(&dhis2, &told).await.map_err(|failure| {
            lines.push(Line::failed(UNITS, &failure));
        }) else {
            return Source { lines, reached: None };
        };
        lines.push(units);
        let completable = told.me.iter().flat_map(|me| me.organisation_units.iter().map(|unit| unit.id.clone()));
        let (completable, able) = (completable.collect(), readable.as_ref().is_none_or(|units| !units.is_empty()));
        match self.mapped(&dhis2, &mut lines).await {
            Ok((sets, assigned)) if able => {
                let reached = Reached { dhis2, sets, readable, completable, assigned };
                Source { lines, reached: Some(reached) }
            }
            Ok(_) => Source { lines, reached: None },
            Err(failure) => {
                lines.push(Line::failed(MAPPING, &failure));
                Source { lines, reached: None }
            }
        }
    }

    fn dhis2_at(&self, secret: &Dhis2Secret, way: &SharedTransport, place: &Spelling) -> anyhow::Result<Dhis2> {
        let client = connect::dhis2(self.profile, secret, &place.root(), way, self.seed)?;
        Ok(Dhis2::new(client.sleeping(self.sleep.clone()).reporting(self.on_wait.clone())))
    }

    /// Finds the spelling that answers; the configured one where both do.
    async fn reach(&self, secret: &Dhis2Secret, way: &SharedTransport, lines: &mut Vec<Line>) -> Option<(Dhis2, Told)> {
        let given = Spelling { url: self.profile.dhis2.url.clone(), api_root: self.profile.dhis2.api_root };
        let other = given.other();
        let clients = self.dhis2_at(secret, way, &given).and_then(|a| Ok((a, self.dhis2_at(secret, way, &other)?)));
        let (dhis2, turned) = match clients {
            Ok(clients) => clients,
            Err(error) => {
                lines.push(Line::wrong(ADDRESS, capital(&format!("{error:#}.")), "Mend the profile or the secret."));
                return None;
            }
        };
        match dhis2.probe().await {
            Ok(told) => {
                let more = !told.more_than_values() && turned.probe().await.is_ok_and(|told| told.more_than_values());
                lines.push(answers(&given, &told, more.then_some(&other)));
                Some((dhis2, told))
            }
            Err(failure) if elsewhere(&failure) => match turned.probe().await {
                Ok(told) => {
                    lines.push(turned_round(&given, &other));
                    Some((turned, told))
                }
                Err(second) if elsewhere(&second) => {
                    lines.extend(nowhere(&given, &other, &failure, self.profile.dhis2.username.is_none()));
                    None
                }
                Err(second) => {
                    lines.extend(refused(&other, &second, secret));
                    None
                }
            },
            Err(failure) => {
                lines.extend(refused(&given, &failure, secret));
                None
            }
        }
    }

    /// Where the account may look; with it the ids of the units, `None` where they are not known.
    async fn units(&self, dhis2: &Dhis2, told: &Told) -> Result<(Line, Option<Vec<String>>), Failure> {
        let Some(me) = &told.me else {
            let line = Line::look(
                UNITS,
                "Which organisation units the account reaches is not told.",
                "Facilities out of its reach show themselves when values are read.",
            );
            return Ok((line, None));
        };
        let release = told.info.as_ref().and_then(SystemInfo::release);
        let superuser = me.authorities.iter().any(|authority| authority == "ALL");
        let tops = tops(me, release);
        if superuser && release.is_some_and(|release| release >= 43) {
            return Ok((
                Line::ok(UNITS, "A superuser: every organisation unit."),
                Some(tops).filter(|t| !t.is_empty()),
            ));
        }
        if tops.is_empty() {
            let line = unplaced(superuser, release);
            let readable = (superuser && release.is_none()).then_some(None).unwrap_or(Some(tops));
            return Ok((line, readable));
        }
        let asked: Vec<String> = tops.iter().take(10).cloned().collect();
        let names: Vec<String> = optional(dhis2.org_units(&asked).await)?
            .into_iter()
            .flatten()
            .map(|unit| if unit.name.is_empty() { unit.id } else { dhis2.clean(&unit.name) })
            .collect();
        let named: Vec<&str> = names.iter().map(String::as_str).collect();
        let sentence = match (tops.len(), named.as_slice()) {
            (n, []) => format!("The account reads below {}.", count(n, "organisation unit", "organisation units")),
            (1, _) => format!("The account reads below {}.", listed(&named)),
            (n, _) => format!("The account reads below {n} organisation units: {}.", listed(&named)),
        };
        Ok((Line::ok(UNITS, sentence), Some(tops)))
    }

    /// The mapping against what the server shows; gives the data sets to ask for, and units that report on them.
    async fn mapped(&self, dhis2: &Dhis2, lines: &mut Vec<Line>) -> Result<(Vec<String>, Vec<String>), Failure> {
        let ids = |id: fn(&crate::domain::mapping::Row) -> &String| -> Vec<String> {
            self.rows.iter().map(|row| id(row).clone()).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let all = ids(|row| &row.data_set);
        if all.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let elements = optional(dhis2.data_elements(&ids(|row| &row.data_element)).await)?;
        let sets = optional(dhis2.data_sets(&all).await)?;
        if elements.is_none() && sets.is_none() {
            lines.push(Line::look(
                MAPPING,
                "Names, period types and members of data elements and data sets are not told, so the mapping cannot be checked.",
                "Reading works; an absent number is called not reported whatever the reason.",
            ));
            return Ok((all, Vec::new()));
        }
        let known = Known { elements: elements.as_deref(), sets: sets.as_deref() };
        let (columns, problems) = columns(self.rows.iter().copied(), known);
        lines.extend(shown(self.rows.len(), &columns, &problems, dhis2));
        let used: BTreeSet<String> = columns.iter().map(|column| column.property.data_set.clone()).collect();
        lines.extend(timed(&columns, dhis2));
        lines.extend(sets.iter().flatten().filter(|set| used.contains(&set.id)).filter_map(|set| hidden(set, dhis2)));
        let assigned: BTreeSet<&String> = sets
            .iter()
            .flatten()
            .filter(|set| used.contains(&set.id))
            .flat_map(|set| set.assigned.iter().flatten())
            .collect();
        Ok((used.into_iter().collect(), assigned.into_iter().take(3).cloned().collect()))
    }
}

fn answers(given: &Spelling, told: &Told, more: Option<&Spelling>) -> Line {
    let what = match (&told.info, &told.me) {
        (Some(_), Some(_)) => "",
        (Some(_), None) => ", though it does not tell who is signed in",
        (None, Some(_)) => ", though it does not tell about the server",
        (None, None) => " with data values, and with nothing about the server or the account",
    };
    let sentence = format!("{} answers{what}.", given.root());
    match more {
        None => Line::ok(ADDRESS, sentence),
        Some(other) => {
            let sentence = format!("{sentence} {} answers too, and tells more.", other.root());
            Line::look(ADDRESS, sentence, format!("If both are the same DHIS2, {}.", set(given, other)))
        }
    }
}

fn turned_round(given: &Spelling, other: &Spelling) -> Line {
    let sentence = format!("DHIS2 answers at {}, not at {} as the profile says.", other.root(), given.root());
    Line::wrong(ADDRESS, sentence, format!("{}.", capital(&set(given, other))))
}

/// What to write so that one spelling becomes the other.
fn set(given: &Spelling, other: &Spelling) -> String {
    let mut what = Vec::new();
    if given.url != other.url {
        what.push(format!("url = \"{}\"", other.url));
    }
    if given.api_root != other.api_root {
        what.push(format!("api_root = {}", other.api_root));
    }
    format!("set {} under the profile's dhis2 table", what.join(" and "))
}

/// Neither spelling answers.
fn nowhere(given: &Spelling, other: &Spelling, failure: &Failure, token: bool) -> Vec<Line> {
    let (happened, remedy) = failure.parts();
    if matches!(*failure.why, Why::Redirect { login: true, .. }) {
        let remedy = if token {
            "Tokens are known from DHIS2 2.37 on; with an older one set username in the profile and ONSE_DHIS2_PASSWORD."
        } else {
            remedy
        };
        let address = Line::ok(ADDRESS, format!("{} answers.", given.root()));
        return vec![address, Line::broken(SIGN_IN, capital(&happened), remedy)];
    }
    let sentence = format!("DHIS2 answers neither at {} nor at {}: {happened}", given.root(), other.root());
    vec![Line::broken(ADDRESS, sentence, remedy)]
}

/// A server that could not be asked further.
fn refused(place: &Spelling, failure: &Failure, secret: &Dhis2Secret) -> Vec<Line> {
    let token = matches!(secret, Dhis2Secret::Token(_));
    let text = match &*failure.why {
        Why::SignIn { text } => text,
        Why::Refused { message, .. } if is_no_token(failure) => message,
        _ => return vec![Line::failed(ADDRESS, failure)],
    };
    let address = Line::ok(ADDRESS, format!("{} answers; more shows after the sign-in.", place.root()));
    let (happened, remedy) = failure.parts();
    let remedy = barred(text, token).unwrap_or(remedy);
    vec![address, Line::broken(SIGN_IN, capital(&happened), remedy)]
}

/// What to do about a refused sign-in of which DHIS2 says the reason (dhis2.md section 6).
fn barred(text: &str, token: bool) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    let has = |word: &str| text.contains(word);
    Some(match token {
        true if has("malformed") || has("checksum") => {
            "The token is not whole: copy it again into ONSE_DHIS2_TOKEN; it begins with d2pat_ or d2p_."
        }
        true if has("expired") => "Make a new token in the account's profile in DHIS2 and set it as ONSE_DHIS2_TOKEN.",
        true if has("not exist") => {
            "It was deleted, or is a token of another server: make a new one and set it as ONSE_DHIS2_TOKEN."
        }
        true if has("2fa") => {
            "Ask an administrator which it is; a token works only for an account that is open and has no two-factor sign-in."
        }
        true if has("not allowed") => {
            "The token is limited to some addresses or methods: let it be used from this machine with GET, or make a new one."
        }
        false if has("locked") => {
            "Wait a quarter of an hour, or ask an administrator to unlock it; check the password before the next try."
        }
        false if has("disabled") => "Ask an administrator to enable the account.",
        _ => return None,
    })
}

fn signed_in(check: &Check<'_>, secret: &Dhis2Secret, dhis2: &Dhis2, told: &Told) -> Line {
    let name = told.me.as_ref().map(|me| dhis2.clean(&me.username)).filter(|name| !name.is_empty());
    let name = name.or_else(|| check.profile.dhis2.username.clone());
    let with = match secret {
        Dhis2Secret::Password(_) => "with a password",
        Dhis2Secret::Token(_) => "with a personal access token",
    };
    let who = name.map(|name| format!(" as {name}")).unwrap_or_default();
    Line::ok(SIGN_IN, format!("Signed in{who} {with}."))
}

/// Row D26.
fn version(dhis2: &Dhis2, info: &SystemInfo) -> Line {
    let name = dhis2.clean(info.version.as_deref().unwrap_or_default());
    let remedy = "Reading goes on as with the versions that are known; look closely before sending.";
    match info.release() {
        Some(release) if TESTED.contains(&release) => {
            Line::ok(VERSION, format!("DHIS2 {name}, one of the versions this program was tested with."))
        }
        Some(release) if release > *TESTED.end() => Line::look(
            VERSION,
            format!("DHIS2 {name} is newer than the versions this program was tested with (2.30 to 2.43)."),
            remedy,
        ),
        Some(_) => Line::look(
            VERSION,
            format!("DHIS2 {name} is none of the versions this program was tested with (2.30 to 2.43)."),
            remedy,
        ),
        None if name.is_empty() => Line::look(VERSION, "The server does not say its version.", remedy),
        None => Line::look(VERSION, format!("The server says a version that is not understood: {name}."), remedy),
    }
}

/// Row Q05.
fn calendar(dhis2: &Dhis2, info: &SystemInfo) -> Line {
    let name = dhis2.clean(info.calendar.as_deref().unwrap_or_default());
    match name.as_str() {
        "iso8601" | "gregorian" => {
            Line::ok(CALENDAR, format!("The {name} calendar; quarters are those of this machine."))
        }
        "" => Line::look(
            CALENDAR,
            "The server does not say its calendar; quarters are taken for those of this machine.",
            "Ask who runs it, and name the quarter with --period where it is another one.",
        ),
        _ => Line::look(
            CALENDAR,
            format!(
                "The server counts in the {name} calendar, so the last quarter cannot be worked out from today's date."
            ),
            "Name the quarter as DHIS2 does, such as: onse plan --period 2018Q3",
        ),
    }
}

fn clock(info: &SystemInfo, now: Timestamp) -> Line {
    let Some(apart) =
        info.server_date.as_deref().and_then(|text| apart(text, info.server_time_zone_id.as_deref(), now))
    else {
        return Line::ok(CLOCK, "The server does not say its time in a way that can be compared.");
    };
    if apart.abs() <= APART {
        return Line::ok(CLOCK, "The clocks of the server and this machine agree.");
    }
    let way = if apart.is_positive() { "ahead of" } else { "behind" };
    Line::look(
        CLOCK,
        format!("The clock of the server is {} {way} this machine's.", span(apart)),
        "Set the clock of this machine; the last quarter is worked out from it. If it is right, tell who runs the server.",
    )
}

/// How far the server is ahead. A time without a zone that is known may be in any: then only what is left beside quarters of an
/// hour counts.
fn apart(text: &str, zone: Option<&str>, now: Timestamp) -> Option<SignedDuration> {
    let text = text.trim();
    let exact = text.parse().ok().or_else(|| strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()?.to_timestamp().ok());
    if let Some(exact) = exact {
        return Some(now.duration_until(exact));
    }
    let local: DateTime = text.parse().ok()?;
    if let Some(zone) = zone.and_then(|name| TimeZone::get(name).ok()) {
        return Some(now.duration_until(local.to_zoned(zone).ok()?.timestamp()));
    }
    let seconds = now.duration_until(local.to_zoned(TimeZone::UTC).ok()?.timestamp()).as_secs();
    // Zones lie within a day of each other.
    let day = 26 * 60 * 60;
    if seconds.abs() > day {
        return Some(SignedDuration::from_secs(seconds));
    }
    let quarter = 15 * 60;
    let rest = seconds.rem_euclid(quarter);
    Some(SignedDuration::from_secs(if rest > quarter / 2 { rest - quarter } else { rest }))
}

/// A time in its largest unit, such as `7 minutes`.
pub(super) fn span(time: SignedDuration) -> String {
    let seconds = time.as_secs().unsigned_abs();
    let (n, one, more) = match seconds {
        0..=119 => (seconds, "second", "seconds"),
        120..=7_199 => (seconds / 60, "minute", "minutes"),
        7_200..=172_799 => (seconds / 3_600, "hour", "hours"),
        _ => (seconds / 86_400, "day", "days"),
    };
    count(usize::try_from(n).unwrap_or(usize::MAX), one, more)
}

/// Units below which values are read, by version (dhis2.md section 1.3).
fn tops(me: &Me, release: Option<u32>) -> Vec<String> {
    let (capture, view) = (&me.organisation_units, &me.data_view_organisation_units);
    let ids = |units: &[UnitRef]| units.iter().map(|unit| unit.id.clone()).collect::<Vec<_>>();
    match release {
        Some(43.. | ..=33) => ids(capture),
        _ if view.is_empty() => ids(capture),
        _ => ids(view),
    }
}

fn unplaced(superuser: bool, release: Option<u32>) -> Line {
    let remedy = "Ask an administrator to give it the country as organisation unit for data capture and for data view.";
    match (superuser, release) {
        (true, None) => Line::look(
            UNITS,
            "This superuser has no organisation unit; only DHIS2 2.43 and later reads values for such an account.",
            remedy,
        ),
        (true, Some(release)) => Line::broken(
            UNITS,
            format!(
                "This superuser has no organisation unit, and DHIS2 2.{release} then reads no value at all for it; that is so up to 2.42."
            ),
            remedy,
        ),
        (false, _) => {
            Line::broken(UNITS, "The account has no organisation unit, so it may read no value at all.", remedy)
        }
    }
}

/// Which rows the server bears out.
fn shown(rows: usize, columns: &[Column], problems: &[String], dhis2: &Dhis2) -> Vec<Line> {
    if problems.is_empty() {
        return vec![Line::ok(MAPPING, format!("All {rows} data elements are shown, each in its data set."))];
    }
    let remedy = "Mend the ids in the mapping, or ask that the account may see these data elements and data sets.";
    let sentence = format!(
        "DHIS2 bears out {} of {}; the others are left out.",
        columns.len(),
        count(rows, "usable row", "usable rows")
    );
    let first =
        if columns.is_empty() { Line::wrong(MAPPING, sentence, remedy) } else { Line::look(MAPPING, sentence, remedy) };
    let each = problems
        .iter()
        .take(MOST)
        .map(|problem| Line::look(MAPPING, dhis2.clean(&format!("{}.", capital(problem))), ""));
    let more = problems.len().saturating_sub(MOST);
    let rest = (more > 0).then(|| Line::look(MAPPING, format!("And {more} more rows."), ""));
    std::iter::once(first).chain(each).chain(rest).collect()
}

/// The period types of the mapped data sets.
fn timed(columns: &[Column], dhis2: &Dhis2) -> Vec<Line> {
    let sets: BTreeSet<&str> = columns.iter().map(|column| column.property.data_set.as_str()).collect();
    let mut lines = Vec::new();
    for set in &sets {
        let of = || columns.iter().filter(|column| column.property.data_set == *set);
        let Some(column) = of().next().filter(|column| column.period_type.as_deref() != Some("Quarterly")) else {
            continue;
        };
        let name = dhis2.clean(format!("{set} {}", column.property.data_set_name).trim());
        let Some(period_type) = &column.period_type else {
            let sentence =
                format!("The period type of data set {name} is not told; what it holds for the quarter is taken.");
            lines.push(Line::look(SETS, sentence, ""));
            continue;
        };
        lines.push(match finer::choices(&name, period_type, of().map(|column| column.aggregation_type.as_str())) {
            Ok(_) => Line::look(
                SETS,
                format!(
                    "Data set {name} is {}: a quarter of it has to be made of its months.",
                    dhis2.clean(period_type)
                ),
                format!("Choose how, such as: onse plan --finer {set}=by-type (or sum, last, average, leave-out)"),
            ),
            Err(why) => Line::look(
                SETS,
                dhis2.clean(&format!("Data set {why}.")),
                "Its rows get no number: map them to a quarterly data set, or take them out of the mapping.",
            ),
        });
    }
    if lines.is_empty() && !sets.is_empty() {
        lines.push(Line::ok(SETS, format!("{} in use, Quarterly.", count(sets.len(), "data set", "data sets"))));
    }
    lines
}

/// Parts of a data set the account may not know.
fn hidden(set: &DataSet, dhis2: &Dhis2) -> Option<Line> {
    let hidden: Vec<&str> = set.attributes.iter().flat_map(Attributes::hidden).collect();
    let sentence = format!(
        "Part of data set {} {} may not be read: {}; DHIS2 leaves it out without a word, so totals may be too low.",
        set.id,
        set.name,
        listed(&hidden)
    );
    let remedy = "Ask that the account may read the data of these category options.";
    (!hidden.is_empty()).then(|| Line::look(SETS, dhis2.clean(&sentence), remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_in_any_zone() {
        let now: Timestamp = "2026-07-05T09:41:00Z".parse().unwrap();
        for (text, zone, seconds) in [
            ("2026-07-05T09:41:00.123", Some("Etc/UTC"), Some(0)),
            ("2026-07-05T11:41:30.000", Some("Africa/Blantyre"), Some(30)),
            ("2026-07-05T11:46:00.000", None, Some(300)),
            ("2026-07-05T15:20:00.000", Some("No/Where"), Some(-360)),
            ("2026-07-05T09:51:00.000+0000", None, Some(600)),
            ("2026-07-05T11:41:00+02:00", None, Some(0)),
            ("2026-07-09T09:41:00.000", None, Some(4 * 86_400)),
            ("soon", Some("Etc/UTC"), None),
        ] {
            assert_eq!(apart(text, zone, now).map(|apart| apart.as_secs()), seconds, "{text} {zone:?}");
        }
        let info = |text: &str| SystemInfo { server_date: Some(text.to_owned()), ..SystemInfo::default() };
        assert_eq!(clock(&info("2026-07-05T09:42:59Z"), now).level, super::super::Level::Ok);
        let line = clock(&info("2026-07-05T09:34:00Z"), now);
        assert_eq!(line.sentence, "The clock of the server is 7 minutes behind this machine's.");
    }

    #[test]
    fn times_are_told_in_their_largest_unit() {
        for (seconds, told) in
            [(1, "1 second"), (90, "90 seconds"), (-150, "2 minutes"), (7_200, "2 hours"), (200_000, "2 days")]
        {
            assert_eq!(span(SignedDuration::from_secs(seconds)), told);
        }
    }
}
