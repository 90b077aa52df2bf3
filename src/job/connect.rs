//! From a profile to the two clients, to what is to be read, and back: whether a review belongs to a profile.
//! Where files and secrets come from is not here (see `io::config` and `cli`).

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Result, bail};
use jiff::Timestamp;
use url::Url;

use super::{
    earlier::EarlierFrom,
    fetch::{Ask, Reach, Rules},
    server,
    session::{Connect, Sources},
};
use crate::{
    domain::{
        mapping::Mapping,
        plan::{Cell, Head, Plan},
        quarter::Quarter,
        text::{inert, shell_word},
    },
    io::{
        commcare::CommCare,
        config::{CommCareSecret, Dhis2Secret, FlagSettings, Profile, Secrets, SettingsError, UsedMapping, Wrong},
        dhis2::{Dhis2, root},
        http::{Client, Side, SignIn, Sleeper},
        store::Used,
        transport::SharedTransport,
    },
};

/// The ways to the two servers; the same one twice where both are behind it.
#[derive(Clone)]
pub struct Ways {
    /// To DHIS2.
    pub dhis2: SharedTransport,
    /// To `CommCare` HQ.
    pub commcare: SharedTransport,
}

impl std::fmt::Debug for Ways {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ways")
    }
}

/// What makes both clients of a profile. `seed` feeds the jitter of retries.
/// Fails where an address or a secret cannot be used, without naming the secret.
pub fn connect(profile: &Profile, secrets: &Secrets, ways: &Ways, sleep: &Sleeper, seed: u64) -> Result<Connect> {
    let dhis2 = dhis2(profile, &secrets.dhis2, &api(profile), &ways.dhis2, seed)?.sleeping(Arc::clone(sleep));
    let commcare = commcare(profile, &secrets.commcare, &ways.commcare, !seed)?.sleeping(Arc::clone(sleep));
    let project = profile.commcare.project.clone();
    Ok(Arc::new(move |on_wait| Sources {
        commcare: CommCare::new(commcare.clone().reporting(Arc::clone(&on_wait)), project.clone()),
        dhis2: Dhis2::new(dhis2.clone().reporting(on_wait)),
    }))
}

/// A client of the DHIS2 of a profile, for everything under `root`.
pub(super) fn dhis2(
    profile: &Profile,
    secret: &Dhis2Secret,
    root: &Url,
    way: &SharedTransport,
    seed: u64,
) -> Result<Client> {
    let user = profile.dhis2.username.clone().unwrap_or_default();
    let sign_in = match secret {
        Dhis2Secret::Password(password) => SignIn::Basic { user, password: password.clone() },
        Dhis2Secret::Token(token) => SignIn::Token(token.clone()),
    };
    Client::new(Arc::clone(way), Side::Dhis2, root, sign_in, seed)
}

/// A client of the `CommCare` HQ of a profile.
pub(super) fn commcare(profile: &Profile, secret: &CommCareSecret, way: &SharedTransport, seed: u64) -> Result<Client> {
    let user = profile.commcare.username.clone();
    let sign_in = match secret {
        CommCareSecret::ApiKey(key) => SignIn::ApiKey { user, key: key.clone() },
        CommCareSecret::Password(password) => SignIn::Basic { user, password: password.clone() },
    };
    Client::new(Arc::clone(way), Side::CommCare, &profile.commcare.url, sign_in, seed)
}

/// What reading this quarter with this profile means, with the default [`Reach`] and without earlier reviews. `facilities` are names or ids; none for all.
/// Fails where the mapping writes the property that is the profile's stamp: each form would set it twice, or an approved number
/// would be a date; and where `flags` names a property that the mapping does not have.
pub fn ask(
    profile: &Profile,
    mapping: UsedMapping,
    flags: &FlagSettings,
    quarter: Quarter,
    facilities: Vec<String>,
) -> Result<Ask, SettingsError> {
    if let Some(stamp) = &profile.stamp_property
        && let Some(row) = mapping.mapping.rows.iter().find(|row| row.property == *stamp)
    {
        let what = format!(
            "The property {stamp} is also stamp_property of profile {}, which sets it to a date. Change one of them.",
            profile.name
        );
        let line = mapping.file.is_some().then_some(row.line);
        return Err(SettingsError { file: mapping.file, wrong: vec![Wrong { line, what }] });
    }
    let rules = rules(flags, &mapping.mapping)?;
    Ok(Ask {
        quarter,
        project: profile.commcare.project.clone(),
        label: profile.label.clone(),
        dhis2: api(profile).to_string(),
        commcare: profile.commcare.url.to_string(),
        case_type: profile.case_type.clone(),
        mapping: mapping.mapping,
        mapping_label: mapping.label,
        facilities,
        used: Used {
            profile: profile.name.clone(),
            chunk_size: profile.chunk_size,
            form_xmlns: profile.form_xmlns.clone(),
            stamp_property: profile.stamp_property.clone(),
            submit_user_id: profile.submit_user_id.clone().unwrap_or_default(),
        },
        guessed: false,
        unfinished: false,
        reach: Reach::default(),
        rules,
        earlier: EarlierFrom::default(),
    })
}

/// The same to be read with another mapping. Fails where no row of it can be used, and where the settings name what it does not
/// have, or it what they set themselves: see [`ask`].
pub fn with_mapping(ask: &Ask, mapping: Mapping, label: String) -> Result<Ask> {
    if mapping.usable().next().is_none() {
        let first = mapping.problems.iter().find(|problem| problem.blocks).or(mapping.problems.first());
        let first = first.map(|problem| format!(": {problem}")).unwrap_or_default();
        bail!("the mapping {label} has no usable row{first}");
    }
    if let Some(stamp) = &ask.used.stamp_property
        && mapping.rows.iter().any(|row| row.property == *stamp)
    {
        bail!(
            "the mapping {label} has the property {stamp}, which is stamp_property of the profile; change one of them"
        );
    }
    let properties = mapping.properties();
    for relation in &ask.rules.more {
        if let Err(why) = relation.clone().among(&properties) {
            bail!("relations (rule S20) of the settings, with the mapping {label}: {why}");
        }
    }
    Ok(Ask { mapping, mapping_label: label, ..ask.clone() })
}

/// What the settings say of flags, with the names of the mapping.
fn rules(flags: &FlagSettings, mapping: &Mapping) -> Result<Rules, SettingsError> {
    let properties = mapping.properties();
    let (mut more, mut wrong) = (Vec::new(), Vec::new());
    for (line, relation) in &flags.relations {
        match relation.clone().among(&properties) {
            Ok(relation) => more.push(relation),
            Err(what) => wrong.push(Wrong { line: Some(*line), what: format!("relations (rule S20): {what}") }),
        }
    }
    if wrong.is_empty() {
        return Ok(Rules { limits: flags.limits.clone(), more });
    }
    Err(SettingsError { file: Some(flags.file.clone()), wrong })
}

/// A review of one place was to be used with the profile of another (fault matrix row F09). Nothing was asked or sent.
#[derive(Debug)]
pub struct Elsewhere(String);

impl std::fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Elsewhere {}

/// Why cells of this plan may not be sent: the mapping says something else of their properties than it did when the plan was read
/// (fault matrix row F09). Only what decides a number counts: data element and data set.
pub fn remapped(plan: &Plan, mapping: &Mapping, cells: &[Cell]) -> Option<String> {
    if plan.head.undo.is_some() {
        return None;
    }
    let properties: BTreeSet<u16> = cells.iter().map(|cell| cell.property).collect();
    properties.into_iter().map(|at| plan.property(at)).find_map(|read| {
        let row = mapping.usable().find(|row| row.property == read.name);
        let now = match row {
            Some(row) if (&row.data_element, &row.data_set) == (&read.data_element, &read.data_set) => return None,
            Some(row) => format!("data element {} of data set {}", row.data_element, row.data_set),
            None => "nothing that can be used".to_owned(),
        };
        let was = format!("data element {} of data set {}", read.data_element, read.data_set);
        let why =
            format!("the mapping changed since the review was read: {} was {was}, and is {now} now; {ANEW}", read.name);
        Some(inert(&why).into_owned())
    })
}

/// Whether a review was read from the servers, project and case type of this profile. The error names both sides of every
/// difference.
pub fn fits(profile: &Profile, head: &Head) -> Result<(), Elsewhere> {
    let api = api(profile).to_string();
    let pairs = [
        ("project", head.project.as_str(), profile.commcare.project.as_str()),
        ("DHIS2 address", &head.dhis2, &api),
        ("CommCare address", &head.commcare, profile.commcare.url.as_str()),
        ("case type", &head.case_type, &profile.case_type),
    ];
    let apart: Vec<String> = pairs
        .iter()
        .filter(|(_, review, profile)| review.trim_end_matches('/') != profile.trim_end_matches('/'))
        .map(|(what, review, profile)| format!("{what} {} against {profile}", inert(review)))
        .collect();
    if apart.is_empty() {
        return Ok(());
    }
    Err(Elsewhere(format!(
        "the review was made elsewhere than profile {} leads to: {}; choose its own profile with --profile",
        profile.name,
        apart.join(", ")
    )))
}

/// Why a review read at `read_at` (RFC 3339) is too old to be submitted: it was read more than `days` whole days before `now`, or
/// when it was read cannot be told. `None` where it may be. One from the future is not old: a clock was set.
pub fn stale(read_at: &str, now: Timestamp, days: u32) -> Option<String> {
    let Ok(read) = read_at.parse::<Timestamp>() else {
        return Some(format!("when the review was read is not known; {ANEW}"));
    };
    let age = now.duration_since(read).as_hours() / 24;
    (age > i64::from(days)).then(|| {
        let ago = if age == 1 { "1 day".to_owned() } else { format!("{age} days") };
        format!("read {ago} ago, and stale_after_days is {days}; {ANEW}")
    })
}

/// The same of a review by its head: an undo that is too old is made anew.
pub fn too_old(head: &Head, now: Timestamp, days: u32) -> Option<String> {
    let why = stale(&head.read_at, now, days)?;
    Some(match &head.undo {
        Some(undone) => why.replace(ANEW, &format!("make it anew: onse undo {} -o FILE2", shell_word(&undone.file))),
        None => why,
    })
}

/// What is to be said, before anything is sent, of the DHIS2 that a review was read from; `None` where this program was tested with
/// its version (fault matrix row D26). An undo takes nothing from DHIS2.
pub fn untested(head: &Head) -> Option<String> {
    if head.undo.is_some() {
        return None;
    }
    server::untested(&head.dhis2_version)
}

/// What to do with a review that is too old.
const ANEW: &str = "read again first: F in the review, or onse review --new";

/// The DHIS2 API root of a profile.
fn api(profile: &Profile) -> Url {
    root(&profile.dhis2.url, profile.dhis2.api_root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{mapping::Mapping, plan::sample},
        io::config::{flags, load},
    };

    fn profile(project: &str, dhis2: &str) -> Profile {
        let text = format!(
            "[profiles.p]\n[profiles.p.dhis2]\nurl = \"{dhis2}\"\nusername = \"u\"\n[profiles.p.commcare]\n\
             url = \"https://hq.example.org\"\nproject = \"{project}\"\nusername = \"me@example.org\"\n"
        );
        load(std::path::Path::new("config.toml"), &text).unwrap().profile(None).unwrap().clone()
    }

    fn head(profile: &Profile) -> Head {
        let mapping = UsedMapping { label: "built-in".into(), file: None, mapping: Mapping::built_in() };
        let ask =
            ask(profile, mapping, &FlagSettings::default(), Quarter::parse("2026Q2").unwrap(), Vec::new()).unwrap();
        let head = sample(1, 1, |_| {}).head.clone();
        Head { project: ask.project, dhis2: ask.dhis2, commcare: ask.commcare, case_type: ask.case_type, ..head }
    }

    #[test]
    fn a_stamp_is_no_property_of_the_mapping() {
        let mut profile = profile("onse", "https://d.example.org");
        let mapping = || UsedMapping { label: "m".into(), file: Some("m.csv".into()), mapping: Mapping::built_in() };
        let flags = FlagSettings::default();
        let asked = |profile: &Profile| ask(profile, mapping(), &flags, Quarter::parse("2026Q2").unwrap(), Vec::new());
        profile.stamp_property = Some("dhis2_last_imported".to_owned());
        assert_eq!(asked(&profile).unwrap().used.stamp_property, profile.stamp_property);
        profile.stamp_property = Some(mapping().mapping.rows[1].property.clone());
        let said = asked(&profile).unwrap_err().to_string();
        assert!(said.starts_with("m.csv:3: ") && said.contains("stamp_property of profile p"), "{said}");
    }

    #[test]
    fn relations_of_the_settings_name_properties_of_the_mapping() {
        let profile = profile("onse", "https://d.example.org");
        let asked = |lines: &str| {
            let settings = load(std::path::Path::new("config.toml"), &format!("[flags]\nrelations = [\n{lines}]\n"));
            let mapping = UsedMapping { label: "m".into(), file: None, mapping: Mapping::built_in() };
            let flags = flags(&settings.unwrap()).unwrap();
            ask(&profile, mapping, &flags, Quarter::parse("2026Q2").unwrap(), Vec::new())
        };
        let ask = asked("\"cbdas <= village_clinics\",\n\"dhis_cbdas <= dhis_village_clinics\"\n").unwrap();
        let all: Vec<String> = ask.rules.relations(&ask.mapping).iter().map(ToString::to_string).collect();
        assert_eq!(all, ["dhis_cbdas <= dhis_village_clinics"]);
        let said =
            asked("\"cbdas <= vilage_clinics\",\n\"cbdas <= village_clinics\",\n\"cbdas <= cbdas\"\n").unwrap_err();
        let lines: Vec<String> = said.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("config.toml:3: relations (rule S20): There is no property \"vilage_clinics\""));
        assert!(lines[0].ends_with("Perhaps \"village_clinics\" is meant."), "{lines:?}");
        assert!(lines[1].starts_with("config.toml:5: ") && lines[1].contains("twice"), "{lines:?}");
    }

    #[test]
    fn a_review_is_stale_after_whole_days() {
        let said = |at: &str, days| stale("2026-07-01T12:00:00Z", at.parse().unwrap(), days);
        assert_eq!(said("2026-07-15T12:00:00Z", 14), None);
        assert_eq!(said("2026-07-16T11:59:59Z", 14), None);
        assert!(said("2026-07-16T12:00:00Z", 14).unwrap().starts_with("read 15 days ago"));
        assert!(
            said("2026-07-21T12:00:00Z", 14)
                .unwrap()
                .ends_with("read again first: F in the review, or onse review --new")
        );
        assert_eq!(said("2026-07-02T11:00:00Z", 0), None);
        assert!(said("2026-07-02T12:00:00Z", 0).unwrap().starts_with("read 1 day ago"));
        assert_eq!(said("2026-06-01T12:00:00Z", 14), None, "a clock was set");
        assert!(stale("", "2026-07-15T12:00:00Z".parse().unwrap(), 14).unwrap().contains("not known"));
    }

    #[test]
    fn a_review_belongs_to_where_it_was_read() {
        let here = profile("onse", "https://d.example.org");
        assert_eq!(head(&here).dhis2, "https://d.example.org/api/");
        fits(&here, &head(&here)).unwrap();
        fits(&profile("onse", "https://d.example.org/api"), &head(&here)).unwrap();
        for (other, both) in [
            (profile("other", "https://d.example.org"), ["onse", "other"]),
            (profile("onse", "https://e.example.org"), ["d.example.org", "e.example.org"]),
        ] {
            let said = fits(&other, &head(&here)).unwrap_err().to_string();
            assert!(both.iter().all(|one| said.contains(one)) && said.contains("--profile"), "{said}");
        }
    }
}
