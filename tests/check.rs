//! `onse check` against both servers in process: every version and gateway, every account, each spelling of the address, and
//! servers that refuse, lie or fall silent. Rows D11, D26, H01, H28 and Q05 of the fault matrix.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

#[path = "support/faults.rs"]
#[expect(dead_code, reason = "faults of other rows are tested elsewhere")]
mod faults;
mod support;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use onse::{
    domain::{mapping::Mapping, quarter::Quarter},
    io::{
        config::{CommCareSecret, Dhis2Secret, Profile, load},
        http::{Secret, Wait},
    },
    job::check::{Cause, Check, Level, Line},
    sandbox::{self, Gateway, Options, Sandbox, Version},
};

use crate::{
    faults::{Fault, Faulty, Rule, Time},
    support::{ORIGIN, clock},
};

/// What is checked, and against what.
struct Rig {
    sandbox: Sandbox,
    time: Time,
    url: String,
    api_root: bool,
    user: Option<&'static str>,
    secret: Dhis2Secret,
    project: &'static str,
    case_type: &'static str,
    key: &'static str,
    mapping: Mapping,
    rules: Vec<Rule>,
}

/// What was said, and what was asked.
struct Said {
    lines: Vec<Line>,
    faulty: Arc<Faulty>,
    waits: Vec<Wait>,
}

fn password(text: &str) -> Dhis2Secret {
    Dhis2Secret::Password(Secret::new(text))
}

impl Rig {
    fn with(options: &Options) -> Self {
        Self {
            sandbox: Sandbox::new(options, Arc::new(clock)),
            time: Time::new(),
            url: format!("{ORIGIN}/dhis2"),
            api_root: false,
            user: Some(sandbox::DHIS2_USER),
            secret: password(sandbox::DHIS2_PASSWORD),
            project: sandbox::PROJECT,
            case_type: sandbox::CASE_TYPE,
            key: sandbox::COMMCARE_API_KEY,
            mapping: Mapping::built_in(),
            rules: Vec::new(),
        }
    }

    fn of(version: Version) -> Self {
        Self::with(&Options { version, facilities: 40, ..Options::new((2026, 2)) })
    }

    fn new() -> Self {
        Self::of(Version::default())
    }

    fn gateway(version: Version, gateway: Gateway) -> Self {
        let options = Options { version, gateway, facilities: 40, ..Options::new((2026, 2)) };
        Self { url: format!("{ORIGIN}{}", sandbox::GATEWAY), api_root: true, ..Self::with(&options) }
    }

    fn user(self, user: &'static str) -> Self {
        Self { user: Some(user), ..self }
    }

    fn token(self, token: &str) -> Self {
        Self { user: None, secret: Dhis2Secret::Token(Secret::new(token)), ..self }
    }

    fn rules(self, rules: Vec<Rule>) -> Self {
        Self { rules, ..self }
    }

    /// Rows of these data elements and data sets.
    fn rows(self, rows: &[(&str, &str)]) -> Self {
        let lines = rows.iter().enumerate().map(|(n, (element, set))| format!("prop_{n},{element},{set},\n"));
        let text = "case_property,data_element_id,data_set_id,dhis2_name\n".to_owned() + &lines.collect::<String>();
        let mapping = Mapping::read(text.as_bytes());
        assert_eq!(mapping.usable().count(), rows.len());
        Self { mapping, ..self }
    }

    fn profile(&self) -> Profile {
        let user = self.user.map(|user| format!("username = \"{user}\"\n")).unwrap_or_default();
        let text = format!(
            "[profiles.p]\ncase_type = \"{}\"\n[profiles.p.dhis2]\nallow_http = true\nurl = \"{}\"\napi_root = {}\n{user}\
             [profiles.p.commcare]\nallow_http = true\nurl = \"{ORIGIN}\"\nproject = \"{}\"\nusername = \"{}\"\n",
            self.case_type,
            self.url,
            self.api_root,
            self.project,
            sandbox::COMMCARE_USER
        );
        load(Path::new("config.toml"), &text).unwrap().profile(None).unwrap().clone()
    }

    async fn said(self) -> Said {
        let faulty = Faulty::around(self.sandbox.transport(ORIGIN), &self.time, Vec::new());
        let Self { rules, time, .. } = self;
        let faulty = if rules.is_empty() { faulty } else { Faulty::around(faulty, &time, rules) };
        let this = Self { rules: Vec::new(), time, ..self };
        let (profile, key) = (this.profile(), CommCareSecret::ApiKey(Secret::new(this.key)));
        let rows: Vec<_> = this.mapping.usable().collect();
        let waits = Arc::<Mutex<Vec<Wait>>>::default();
        let (kept, clock) = (Arc::clone(&waits), this.time.clone());
        let check = Check {
            profile: &profile,
            dhis2: Some((&this.secret, faulty.clone())),
            commcare: Some((&key, faulty.clone())),
            rows: &rows,
            quarter: Quarter::parse("2026Q2").unwrap(),
            clock: Arc::new(move || clock.now()),
            sleep: this.time.sleeper(),
            on_wait: Arc::new(move |wait| kept.lock().unwrap().push(wait.clone())),
            seed: 1,
        };
        let lines = this.time.drive(check.servers()).await;
        let waits = waits.lock().unwrap().clone();
        // No line may act on a terminal or give away how it was signed in.
        let secrets = [this.key, sandbox::DHIS2_PASSWORD, sandbox::DHIS2_TOKEN];
        for line in &lines {
            let text = format!("{} {} {}", line.what, line.sentence, line.remedy);
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text}");
            assert!(line.sentence.ends_with(['.', ')', '"']), "no sentence: {}", line.sentence);
            assert!(line.level != Level::Ok || line.remedy.is_empty(), "{text}");
        }
        Said { lines, faulty, waits }
    }
}

impl Said {
    #[track_caller]
    fn line(&self, what: &str) -> &Line {
        let found: Vec<&Line> = self.lines.iter().filter(|line| line.what == what).collect();
        assert!(!found.is_empty(), "no line {what} in {:#?}", self.lines);
        found[0]
    }

    /// The line of this name is of this level, and says each of these.
    #[track_caller]
    fn says(&self, what: &str, level: Level, texts: &[&str]) {
        let line = self.line(what);
        assert_eq!(line.level, level, "{line:?}");
        for text in texts {
            let whole = format!("{} {}", line.sentence, line.remedy);
            assert!(whole.contains(text), "\"{text}\" is missing in {line:?}");
        }
    }

    fn stops(&self) -> Vec<&'static str> {
        self.lines.iter().filter(|line| matches!(line.level, Level::Stop(_))).map(|line| line.what).collect()
    }

    fn side(&self, start: &str) -> Vec<Line> {
        self.lines.iter().filter(|line| line.what.starts_with(start)).cloned().collect()
    }

    fn has(&self, what: &str) -> bool {
        self.lines.iter().any(|line| line.what == what)
    }
}

const WRONG: Level = Level::Stop(Cause::Settings);
const BROKEN: Level = Level::Stop(Cause::Server);

#[tokio::test]
async fn everything_in_order_on_every_version_takes_a_handful_of_requests() {
    for version in Version::ALL {
        let said = Rig::of(version).said().await;
        assert!(said.stops().is_empty(), "{version}: {:#?}", said.lines);
        let looks: Vec<&str> = said.lines.iter().filter(|l| l.level == Level::Look).map(|l| l.what).collect();
        // The country has cases without an external id, and two with the same.
        assert_eq!(looks, ["HQ ids"], "{version}: {:#?}", said.lines);
        said.says("DHIS2 address", Level::Ok, &[&format!("{ORIGIN}/dhis2/api/ answers.")]);
        said.says("DHIS2 sign-in", Level::Ok, &["as importer with a password"]);
        said.says("DHIS2 version", Level::Ok, &[&format!("2.{}", version.minor())]);
        said.says("DHIS2 units", Level::Ok, &["below Malawi"]);
        said.says("DHIS2 mapping", Level::Ok, &["All 21"]);
        said.says("DHIS2 sets", Level::Ok, &["8 data sets", "Quarterly"]);
        said.says("DHIS2 values", Level::Ok, &["8 data sets", "2026Q2"]);
        said.says("HQ cases", Level::Ok, &["40 cases", sandbox::CASE_TYPE]);
        said.says("HQ ids", Level::Look, &["without an external id", "on several cases"]);
        assert!(said.has("DHIS2 complete") && said.has("HQ index") && said.has("HQ rights"));
        assert_eq!((said.faulty.asked("/dhis2/"), said.faulty.asked("/a/")), (7, 2), "{version}");
        assert!(said.waits.is_empty());
    }
}

/// The rest of the lines is what it is with the right one.
async fn turned(right: Rig, wrong: Rig, set: &str) {
    let (right, wrong) = (right.said().await, wrong.said().await);
    assert!(right.stops().is_empty(), "{:#?}", right.lines);
    assert_eq!(wrong.stops(), ["DHIS2 address"], "{:#?}", wrong.lines);
    wrong.says("DHIS2 address", WRONG, &["DHIS2 answers at", ", not at", set]);
    let rest = |said: &Said| said.lines.iter().filter(|line| line.what != "DHIS2 address").cloned().collect::<Vec<_>>();
    assert_eq!(rest(&right), rest(&wrong));
    assert!(wrong.faulty.asked("") <= right.faulty.asked("") + 3, "{}", wrong.faulty.asked(""));
}

#[tokio::test]
async fn d11_which_spelling_answers_is_said_with_what_to_set() {
    for version in Version::ALL {
        turned(Rig::of(version), Rig { api_root: true, ..Rig::of(version) }, "Set api_root = false").await;
        for gateway in [Gateway::Whole, Gateway::Metadata, Gateway::Values] {
            let rig = || Rig::gateway(version, gateway);
            turned(rig(), Rig { api_root: false, ..rig() }, "Set api_root = true").await;
        }
    }
    let number = |number: &str| Rig { url: format!("{ORIGIN}/dhis2/api/{number}"), ..Rig::new() };
    turned(number("42"), number("27"), &format!("Set url = \"{ORIGIN}/dhis2/api/\"")).await;
}

#[tokio::test]
async fn d11_neither_spelling_is_told_with_both_addresses() {
    let said = Rig { url: format!("{ORIGIN}/nothing"), ..Rig::new() }.said().await;
    said.says("DHIS2 address", BROKEN, &["/nothing/api/ nor at", "404", "api_root"]);
    assert_eq!(said.faulty.asked("/nothing"), 6);
    assert_eq!(said.stops(), ["DHIS2 address"]);
    assert!(said.side("HQ").len() > 5);
    // Sent on elsewhere: told, not followed.
    let elsewhere = Fault::redirect("https://elsewhere.invalid/api/system/info");
    let said = Rig::new().rules(vec![Rule::new(elsewhere).on("/dhis2/")]).said().await;
    said.says("DHIS2 address", BROKEN, &["sent on to https://elsewhere.invalid/", "not followed", "set it as url"]);
}

#[tokio::test]
async fn d11_a_gateway_that_keeps_things_to_itself_is_looked_at_and_values_are_tried_with_a_facility_of_the_cases() {
    for version in Version::ALL {
        let said = Rig::gateway(version, Gateway::Values).said().await;
        said.says("DHIS2 address", Level::Ok, &["/service/dhis2core/api/v0/ answers with data values"]);
        for what in ["DHIS2 version", "DHIS2 units", "DHIS2 mapping", "DHIS2 complete"] {
            assert_eq!(said.line(what).level, Level::Look, "{version}: {:?}", said.line(what));
        }
        said.says("DHIS2 values", Level::Ok, &["8 data sets may be read"]);
        let said = Rig::gateway(version, Gateway::Metadata).said().await;
        said.says("DHIS2 mapping", Level::Ok, &["All 21"]);
        said.says("DHIS2 values", Level::Ok, &["8 data sets may be read"]);
        assert!(said.stops().is_empty());
    }
    // Without the cases no unit is known, and that is said.
    let said = Rig { key: "wrong", ..Rig::gateway(Version::V42, Gateway::Values) }.said().await;
    said.says("DHIS2 values", Level::Look, &["could not be tried", "onse plan"]);
    assert_eq!(said.stops(), ["HQ sign-in"]);
}

#[tokio::test]
async fn d11_an_address_that_tells_more_beside_the_one_that_answers_is_named() {
    let page = || Fault::page(404);
    let rules = vec![
        Rule::new(page()).on("/service/dhis2core/api/v0/system/info"),
        Rule::new(page()).on("/service/dhis2core/api/v0/me"),
        Rule::new(Fault::Say(
            200,
            vec![("content-type", "application/json".to_owned())],
            "{\"version\":\"2.42.1\",\"calendar\":\"iso8601\"}".to_owned(),
        ))
        .on("/api/v0/api/system/info"),
    ];
    let said = Rig::gateway(Version::V42, Gateway::Whole).rules(rules).said().await;
    said.says("DHIS2 address", Level::Look, &["answers too, and tells more", "set api_root = false"]);
}

#[tokio::test]
async fn a_refused_sign_in_is_tried_once_and_its_reason_is_told() {
    let damaged = sandbox::DHIS2_TOKEN.replace("1x1776041227", "1x1776041228");
    let unknown = "d2pat_00000000000000000000000000000000";
    let unknown = format!("{unknown}{:010}", crc(&unknown[6..]));
    let cases: Vec<(Rig, &[&str])> = vec![
        (Rig { secret: password("nearly-right"), ..Rig::new() }, &["401", "ONSE_DHIS2_PASSWORD", "two-factor"]),
        (Rig::new().user(sandbox::DHIS2_SECOND_FACTOR_USER), &["401", "ONSE_DHIS2_TOKEN", "two-factor"]),
        (Rig::new().user(sandbox::DHIS2_LOCKED_USER), &["Account locked", "quarter of an hour"]),
        (Rig::new().token(sandbox::DHIS2_EXPIRED_TOKEN), &["expired", "Make a new token"]),
        (Rig::new().token(sandbox::DHIS2_SECOND_FACTOR_TOKEN), &["2FA", "no two-factor sign-in"]),
        (Rig::new().token("not-a-token"), &["malformed", "not whole", "d2pat_"]),
        (Rig::new().token(&damaged), &["Checksum", "not whole"]),
        (Rig::new().token(&unknown), &["does not exists", "another server"]),
    ];
    for (rig, texts) in cases {
        let said = rig.said().await;
        said.says("DHIS2 sign-in", BROKEN, texts);
        said.says("DHIS2 address", Level::Ok, &["more shows after the sign-in"]);
        assert_eq!(said.faulty.asked("/dhis2/"), 1, "{texts:?}");
        assert_eq!(said.stops(), ["DHIS2 sign-in"], "the other side is told all the same");
        assert_eq!(said.side("HQ").len(), 7);
        assert!(said.waits.is_empty());
    }
}

/// The checksum at the end of a token.
fn crc(code: &str) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(code.as_bytes());
    sum.sum()
}

#[tokio::test]
async fn a_wrong_password_at_a_wrong_spelling_is_tried_once_too() {
    for gateway in [Gateway::Whole, Gateway::Metadata, Gateway::Values] {
        let rig = Rig { api_root: false, secret: password("nearly-right"), ..Rig::gateway(Version::V42, gateway) };
        let sandbox = rig.sandbox.clone();
        let said = rig.said().await;
        assert_eq!(said.stops(), ["DHIS2 sign-in"], "{:#?}", said.lines);
        // What the gateway lets through is answered by DHIS2; everything before was its own page.
        let let_through = |path: &str| match gateway {
            Gateway::Whole => true,
            _ => path.ends_with("/v0/dataValueSets"),
        };
        let asked = sandbox.requests();
        let asked = asked.iter().filter(|seen| seen.path.starts_with(sandbox::GATEWAY));
        assert_eq!(asked.filter(|seen| let_through(&seen.path)).count(), 1);
    }
}

#[tokio::test]
async fn tokens_sign_in_where_the_version_knows_them() {
    for version in Version::ALL {
        let said = Rig::of(version).token(sandbox::DHIS2_TOKEN).said().await;
        if version < Version::V38 {
            said.says("DHIS2 sign-in", BROKEN, &["sign-in page", "2.37", "ONSE_DHIS2_PASSWORD"]);
            assert_eq!(said.stops(), ["DHIS2 sign-in"]);
        } else {
            said.says("DHIS2 sign-in", Level::Ok, &["as importer with a personal access token"]);
            assert!(said.stops().is_empty());
        }
    }
    let said = Rig::new().token(sandbox::DHIS2_SHORT_TOKEN).said().await;
    assert!(said.stops().is_empty());
}

#[tokio::test]
async fn what_each_account_reaches_is_told_by_version() {
    for version in Version::ALL {
        let newest = version == Version::V43;
        let said = Rig::of(version).user(sandbox::DHIS2_UNPLACED_SUPERUSER).said().await;
        if newest {
            said.says("DHIS2 units", Level::Ok, &["superuser", "every"]);
            said.says("DHIS2 values", Level::Ok, &["may be read"]);
            // Which reports are complete hangs on units for data capture, for a superuser as well.
            said.says("DHIS2 complete", Level::Look, &["data capture"]);
        } else {
            said.says(
                "DHIS2 units",
                BROKEN,
                &["superuser has no organisation unit", &format!("2.{}", version.minor())],
            );
            assert!(!said.has("DHIS2 values"), "nothing is asked that cannot be answered");
        }
        let said = Rig::of(version).user(sandbox::DHIS2_DISTRICT_USER).said().await;
        said.says("DHIS2 units", Level::Ok, &["below "]);
        assert!(!said.line("DHIS2 units").sentence.contains("Malawi"), "{version}: {:?}", said.line("DHIS2 units"));
        assert!(said.stops().is_empty(), "{version}: {:#?}", said.lines);
        let said = Rig::of(version).user(sandbox::DHIS2_VIEWER).said().await;
        let country = said.line("DHIS2 units").sentence.contains("Malawi");
        assert_eq!(country, version != Version::V30 && !newest, "{version}");
        assert!(said.stops().is_empty(), "{version}: {:#?}", said.lines);
        let said = Rig::of(version).user(sandbox::DHIS2_HALF_BLIND_USER).said().await;
        said.says("DHIS2 values", Level::Look, &["1 data set may not be read", sandbox::DHIS2_HIDDEN_SET, "sharing"]);
        assert!(said.stops().is_empty() && said.line("DHIS2 complete").level == Level::Ok);
    }
    let row = Mapping::built_in().rows.into_iter().find(|row| row.data_set == sandbox::DHIS2_HIDDEN_SET).unwrap();
    let only = Rig::new().rows(&[(&row.data_element, &row.data_set)]).user(sandbox::DHIS2_HALF_BLIND_USER);
    only.said().await.says("DHIS2 values", BROKEN, &["1 data set may not be read"]);
}

#[tokio::test]
async fn a_refusal_that_names_nothing_is_found_set_by_set() {
    let set = format!("dataSet={}", sandbox::DHIS2_HIDDEN_SET);
    for refusal in [
        Fault::page(403),
        Fault::Say(
            409,
            vec![("content-type", "application/json".to_owned())],
            "{\"errorCode\":\"E2010\",\"message\":\"no\"}".to_owned(),
        ),
    ] {
        let said = Rig::new().rules(vec![Rule::new(refusal).on("/dataValueSets").on(&set)]).said().await;
        said.says("DHIS2 values", Level::Look, &["1 data set", sandbox::DHIS2_HIDDEN_SET]);
        assert_eq!(said.faulty.asked("/dataValueSets"), 9);
    }
}

#[tokio::test]
async fn mapped_ids_that_are_not_shown_are_told_with_their_line() {
    let built_in = Mapping::built_in();
    let (one, other) =
        (&built_in.rows[0], built_in.rows.iter().find(|r| r.data_set != built_in.rows[0].data_set).unwrap());
    let rows = [
        (one.data_element.as_str(), one.data_set.as_str()),
        ("zzzzzzzzzzz", one.data_set.as_str()),
        (other.data_element.as_str(), "zzzzzzzzzzy"),
        (one.data_element.as_str(), other.data_set.as_str()),
    ];
    let said = Rig::new().rows(&rows).said().await;
    said.says("DHIS2 mapping", Level::Look, &["1 of 4 usable rows", "ids in the mapping"]);
    let each: Vec<&str> =
        said.lines.iter().filter(|l| l.what == "DHIS2 mapping").map(|l| l.sentence.as_str()).collect();
    for (sentence, parts) in each[1..].iter().zip([
        ["Line 3", "data element zzzzzzzzzzz"],
        ["Line 4", "data set zzzzzzzzzzy"],
        ["Line 5", "is not in data set"],
    ]) {
        assert!(parts.iter().all(|part| sentence.contains(part)), "{sentence}");
    }
    assert!(said.stops().is_empty());
    let said = Rig::new().rows(&[("zzzzzzzzzzz", "zzzzzzzzzzy")]).said().await;
    said.says("DHIS2 mapping", WRONG, &["0 of 1 usable row"]);
    assert!(!said.has("DHIS2 values") && !said.has("DHIS2 sets"));
}

#[tokio::test]
async fn period_types_and_hidden_parts_are_told_by_data_set() {
    let rows = [
        (sandbox::MONTHLY_SUM, sandbox::MONTHLY_SET),
        (sandbox::FISCAL_ELEMENT, sandbox::FISCAL_SET),
        (sandbox::PARTNER_ELEMENT, sandbox::PARTNER_SET),
    ];
    let said = Rig::new().rows(&rows).said().await;
    let sets = said.side("DHIS2 sets");
    let found = |id: &str, parts: &[&str]| {
        let line = sets.iter().find(|line| line.sentence.contains(id)).unwrap_or_else(|| panic!("{id}: {sets:#?}"));
        assert_eq!(line.level, Level::Look);
        let whole = format!("{} {}", line.sentence, line.remedy);
        assert!(parts.iter().all(|part| whole.contains(part)), "{line:?}");
    };
    found(sandbox::MONTHLY_SET, &["Monthly", "--finer", "leave-out"]);
    found(sandbox::FISCAL_SET, &["QuarterlyNov", "November", "no number"]);
    found(sandbox::PARTNER_SET, &["may not be read", "too low"]);
    assert_eq!(sets.len(), 3, "{sets:#?}");
    let said = Rig::new().user(sandbox::DHIS2_SUPERUSER).rows(&rows[2..]).said().await;
    said.says("DHIS2 sets", Level::Ok, &["1 data set"]);
}

fn info(text: &str) -> Vec<Rule> {
    let kind = vec![("content-type", "application/json".to_owned())];
    vec![Rule::new(Fault::Say(200, kind, text.to_owned())).on("/system/info")]
}

#[tokio::test]
async fn d26_q05_what_the_server_says_of_itself_is_judged() {
    let of = async |text: &str| Rig::new().rules(info(text)).said().await;
    let newer = of(r#"{"version":"2.44.1","calendar":"ethiopian","serverDate":"2026-07-05T09:51:00.000","serverTimeZoneId":"Etc/UTC"}"#).await;
    newer.says("DHIS2 version", Level::Look, &["2.44.1 is newer", "2.30 to 2.43"]);
    newer.says("DHIS2 calendar", Level::Look, &["ethiopian", "--period"]);
    newer.says("DHIS2 clock", Level::Look, &["10 minutes ahead"]);
    let older = of(r#"{"version":"2.28","calendar":"gregorian","serverDate":"2026-07-05T11:40:30.000","serverTimeZoneId":"Africa/Blantyre"}"#).await;
    older.says("DHIS2 version", Level::Look, &["2.28 is none of"]);
    older.says("DHIS2 calendar", Level::Ok, &["gregorian"]);
    older.says("DHIS2 clock", Level::Ok, &["agree"]);
    let odd = of(r#"{"version":"next\u001b[31m","calendar":""}"#).await;
    odd.says("DHIS2 version", Level::Look, &["not understood: next"]);
    odd.says("DHIS2 calendar", Level::Look, &["does not say its calendar"]);
    // Something else with JSON at this address is no DHIS2; the account still tells.
    let other = of(r#"{"name":"another service"}"#).await;
    other.says("DHIS2 version", Level::Look, &["not told"]);
    other.says("DHIS2 address", Level::Ok, &["does not tell about the server"]);
    for line in [newer, older, odd, other] {
        assert!(line.stops().is_empty(), "{:#?}", line.lines);
    }
}

#[tokio::test]
async fn a_server_that_echoes_the_secret_is_not_quoted() {
    let text = format!(r#"{{"version":"{0}","calendar":"{0}"}}"#, sandbox::DHIS2_PASSWORD);
    // What is looked for stands in `said`.
    let said = Rig::new().rules(info(&text)).said().await;
    said.says("DHIS2 calendar", Level::Look, &["***"]);
}

#[tokio::test]
async fn h01_key_project_and_permission_are_told_apart() {
    let denied = |edit_data, access_api| {
        let rig = Rig::new();
        rig.sandbox.set_permissions(edit_data, access_api);
        rig
    };
    let cases: [(Rig, &str, &[&str], usize); 5] = [
        (Rig { key: "wrong", ..Rig::new() }, "HQ sign-in", &["401", "ONSE_COMMCARE_API_KEY"], 2),
        (Rig { project: "not-ours", ..Rig::new() }, "HQ project", &["403", "project name"], 3),
        (denied(true, false), "HQ rights", &["403", "access APIs"], 3),
        (denied(false, true), "HQ rights", &["403", "edit data"], 3),
        (Rig { case_type: "clinic", ..Rig::new() }, "HQ cases", &["no case of type clinic", "case_type"], 5),
    ];
    let whole = Rig::new().said().await.side("DHIS2");
    for (rig, what, texts, lines) in cases {
        let said = rig.said().await;
        said.says(what, BROKEN, texts);
        assert_eq!(said.stops(), [what]);
        assert_eq!((said.side("HQ").len(), said.faulty.asked("/a/")), (lines, 1), "{:#?}", said.lines);
        assert_eq!(said.side("DHIS2"), whole, "the other side is told all the same");
    }
}

#[tokio::test]
async fn an_hq_without_v2_and_an_account_limited_to_places_are_noticed() {
    let rig = Rig::new();
    rig.sandbox.set_case_v2(false);
    let said = rig.said().await;
    said.says("HQ address", Level::Look, &["no Case API v2", "v0.5"]);
    said.says("HQ rights", Level::Ok, &["only when one is"]);
    said.says("HQ cases", Level::Ok, &["40 cases"]);
    assert!(said.stops().is_empty());
    let rig = Rig::new();
    let ids: Vec<String> =
        rig.sandbox.case_ids().into_iter().filter_map(|id| rig.sandbox.case(&id)?.external_id).collect();
    rig.sandbox.restrict_to(Some(&[&ids[0], &ids[1]]));
    let said = rig.said().await;
    said.says("HQ rights", BROKEN, &["limited to some locations", "all locations"]);
}

#[tokio::test]
async fn h28_the_search_index_is_told_by_its_newest_case() {
    let rig = Rig::new();
    let id = rig.sandbox.case_ids()[0].clone();
    assert!(rig.sandbox.set_property(&id, "dhis_beds", "3"));
    rig.said().await.says("HQ index", Level::Ok, &["0 seconds ago"]);
    let body =
        r#"{"matching_records":1,"cases":[{"case_id":"c","indexed_on":"2026-07-05T10:41:00Z","properties":{}}]}"#;
    let kind = vec![("content-type", "application/json".to_owned())];
    let rules = vec![Rule::new(Fault::Say(200, kind, body.to_owned())).on("/case/v2/?")];
    Rig::new().rules(rules).said().await.says("HQ index", Level::Look, &["60 minutes from now", "clock"]);
}

#[tokio::test]
async fn one_side_that_is_away_never_hides_the_other() {
    let whole = Rig::new().said().await;
    for (path, down, up) in [("/dhis2/", "DHIS2", "HQ"), ("/a/", "HQ", "DHIS2")] {
        let refused = Fault::NotSent("connection refused", Duration::ZERO);
        let said = Rig::new().rules(vec![Rule::new(refused).on(path)]).said().await;
        let address = format!("{down} address");
        said.says(&address, BROKEN, &["No connection (connection refused)", "3 tries", "VPN and proxy"]);
        assert_eq!(said.side(down).len(), 1);
        assert_eq!(said.side(up), whole.side(up));
        assert_eq!((said.faulty.asked(path), said.waits.len()), (3, 2), "the other spelling is on the same server");
    }
}

#[tokio::test]
async fn waits_are_told_and_what_answers_after_them_counts() {
    let rules = vec![
        Rule::new(Fault::slow_down(429, "7")).on("/case/v2/").times(0..1),
        Rule::new(Fault::page(503)).on("/system/info").times(0..2),
    ];
    let said = Rig::new().rules(rules).said().await;
    assert!(said.stops().is_empty(), "{:#?}", said.lines);
    assert_eq!(said.waits.len(), 3);
    assert!(said.waits.iter().any(|wait| wait.pause == Duration::from_secs(7)));
}

#[tokio::test]
async fn a_secret_no_header_can_carry_is_told_without_being_quoted() {
    let said = Rig::new().token("marked\nsecret").said().await;
    said.says("DHIS2 address", WRONG, &["line break"]);
    assert!(!format!("{:?}", said.lines).contains("marked"));
    assert_eq!(said.faulty.asked("/dhis2/"), 0);
}
