//! Who may sign in to DHIS2, with what, and what each may read (dhis2.md sections 1.3, 3.2 and 6).

use std::sync::Arc;

use axum::response::Response;
use http::{StatusCode, header, request::Parts};

use super::{problem, version::Version};
use crate::sandbox::{answer, world::Country};

/// Name of the usual DHIS2 account. It reads the whole country, but not the second root, one restricted data set and one
/// restricted funding source.
pub const DHIS2_USER: &str = "importer";
/// Password of every DHIS2 account.
pub const DHIS2_PASSWORD: &str = "Sandbox-2026";
/// A superuser whose unit is the country.
pub const DHIS2_SUPERUSER: &str = "admin";
/// A superuser without any unit: up to 2.42 every `dataValueSets` request is E2012, 2.43 lets it read everything.
pub const DHIS2_UNPLACED_SUPERUSER: &str = "admin.unplaced";
/// An account that captures in one district and has no units for viewing.
pub const DHIS2_DISTRICT_USER: &str = "district.officer";
/// An account that captures in one district and views the whole country.
pub const DHIS2_VIEWER: &str = "national.viewer";
/// The usual account, but it may not read the data of [`DHIS2_HIDDEN_SET`].
pub const DHIS2_HALF_BLIND_USER: &str = "without.tb";
/// A data set of the built-in mapping that [`DHIS2_HALF_BLIND_USER`] may not read.
pub const DHIS2_HIDDEN_SET: &str = "VEqRXwmqhM1";
/// An account with a second factor: Basic never gets in.
pub const DHIS2_SECOND_FACTOR_USER: &str = "second.factor";
/// A locked account.
pub const DHIS2_LOCKED_USER: &str = "locked.out";
/// A personal access token of [`DHIS2_USER`], known from 2.37 on.
pub const DHIS2_TOKEN: &str = "d2pat_SandboxImporter0000000000000001x1776041227";
/// A personal access token of the second kind of [`DHIS2_USER`], known from 2.41 on.
pub const DHIS2_SHORT_TOKEN: &str = "d2p_SandboxImporter00000000000000000000000000v2x3eL52m";
/// A token of [`DHIS2_USER`] whose time is over.
pub const DHIS2_EXPIRED_TOKEN: &str = "d2pat_SandboxExpired00000000000000002x2648990361";
/// A token of [`DHIS2_SECOND_FACTOR_USER`], refused for that.
pub const DHIS2_SECOND_FACTOR_TOKEN: &str = "d2pat_SandboxSecondFactor000000000003x1590723202";

/// What stands in the way of signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bar {
    None,
    SecondFactor,
    Locked,
}

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Id.
    pub(crate) uid: &'static str,
    /// Name to sign in with.
    pub(crate) user: &'static str,
    /// Given and family name.
    pub(crate) name: (&'static str, &'static str),
    /// Whether it has the authority `ALL`.
    pub(crate) superuser: bool,
    /// Units for entering data, indices.
    pub(crate) capture: Vec<usize>,
    /// Units for looking at data, indices; empty: the same as `capture`.
    pub(crate) view: Vec<usize>,
    hidden_set: Option<&'static str>,
    bar: Bar,
}

/// All accounts. Their district is the first one, which has a facility in the smallest country too.
pub(crate) fn accounts() -> Vec<Arc<Account>> {
    let root = || vec![0];
    let district = || vec![1];
    let usual = |uid, user, name| Account {
        uid,
        user,
        name,
        superuser: false,
        capture: root(),
        view: root(),
        hidden_set: None,
        bar: Bar::None,
    };
    let importer = |uid, user| usual(uid, user, ("Review", "Importer"));
    let boss = usual("Rv2admSandb", DHIS2_SUPERUSER, ("Chief", "Administrator"));
    let all = [
        importer("Rv1ewImp0rt", DHIS2_USER),
        Account { superuser: true, view: Vec::new(), ..boss.clone() },
        Account {
            uid: "Rv3admNoOu1",
            user: DHIS2_UNPLACED_SUPERUSER,
            superuser: true,
            capture: Vec::new(),
            view: Vec::new(),
            ..boss
        },
        Account {
            capture: district(),
            view: Vec::new(),
            ..usual("Rv4district", DHIS2_DISTRICT_USER, ("District", "Officer"))
        },
        Account { capture: district(), ..usual("Rv5viewer01", DHIS2_VIEWER, ("National", "Viewer")) },
        Account { hidden_set: Some(DHIS2_HIDDEN_SET), ..importer("Rv6halfblnd", DHIS2_HALF_BLIND_USER) },
        Account { bar: Bar::SecondFactor, ..importer("Rv7secondFa", DHIS2_SECOND_FACTOR_USER) },
        Account { bar: Bar::Locked, ..importer("Rv8lockedou", DHIS2_LOCKED_USER) },
    ];
    all.into_iter().map(Arc::new).collect()
}

impl Account {
    /// Whether data of a set may be read (E2010).
    pub(crate) fn reads_set(&self, country: &Country, set: usize) -> bool {
        let set = &country.model.sets[set];
        self.superuser || (!set.restricted && self.hidden_set != Some(set.uid.as_str()))
    }

    /// Whether data of a category option may be read.
    pub(crate) fn reads_option(&self, country: &Country, option: usize) -> bool {
        self.superuser || !country.model.options[option].restricted
    }

    /// Whether rows of an attribute option combination may be read; the others are left out in silence (dhis2.md
    /// section 1.3).
    pub(crate) fn reads_combo(&self, country: &Country, coc: usize) -> bool {
        country.model.cocs[coc].options.iter().all(|&option| self.reads_option(country, option))
    }

    /// The units below which data may be read.
    pub(crate) fn data_units(&self, version: Version) -> &[usize] {
        if version.has_view_units() && !self.view.is_empty() { &self.view } else { &self.capture }
    }

    /// Whether `unit` is one of `units` or lies below one.
    pub(crate) fn reaches(country: &Country, units: &[usize], unit: usize) -> bool {
        let path = &country.units[unit].path;
        units.iter().any(|&above| {
            let rest = path.strip_prefix(country.units[above].path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// Who asks; the error is what who may not come in is told (dhis2.md section 6).
pub(crate) fn sign_in<'a>(
    accounts: &'a [Arc<Account>],
    version: Version,
    parts: &Parts,
) -> Result<&'a Account, Box<Response>> {
    let header = parts.headers.get(header::AUTHORIZATION).map(|header| header.to_str().unwrap_or_default());
    let (scheme, payload) = header.map(|header| header.split_once(' ').unwrap_or((header, ""))).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("apitoken") && version.knows_tokens() {
        return by_token(accounts, version, payload);
    }
    // A scheme the server does not know is the same to it as none.
    if scheme.is_empty() || scheme.eq_ignore_ascii_case("apitoken") {
        let script = parts.headers.get("x-requested-with").is_some_and(|value| value == "XMLHttpRequest");
        return Err(Box::new(if script { unauthorized("Unauthorized") } else { super::redirect(parts, version) }));
    }
    let (name, password) = match answer::basic(payload) {
        Some(pair) if scheme.eq_ignore_ascii_case("basic") => pair,
        _ => return Err(Box::new(unauthorized("Unauthorized"))),
    };
    let found = accounts.iter().find(|account| account.user == name && password == DHIS2_PASSWORD);
    match found {
        Some(account) if account.bar == Bar::None => Ok(account),
        Some(account) if account.bar == Bar::Locked => Err(Box::new(unauthorized("Account locked"))),
        _ => Err(Box::new(unauthorized("Unauthorized"))),
    }
}

fn by_token<'a>(accounts: &'a [Arc<Account>], version: Version, token: &str) -> Result<&'a Account, Box<Response>> {
    let bad = |message| Box::new(problem(StatusCode::BAD_REQUEST, message, None));
    let short = token.strip_prefix("d2p_").filter(|_| version.knows_short_tokens());
    let (code, checksum) = match (short, token.strip_prefix("d2pat_")) {
        (Some(rest), _) if rest.len() == 44 + 6 => rest.split_at_checked(44),
        (_, Some(rest)) if rest.len() == 32 + 10 => rest.split_at_checked(32),
        _ => None,
    }
    .filter(|_| token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
    .ok_or_else(|| bad("Api token is malformed"))?;
    let mut sum = flate2::Crc::new();
    sum.update(code.as_bytes());
    let right = if short.is_some() { base_62(sum.sum()) } else { format!("{:010}", sum.sum()) };
    if right != checksum {
        return Err(bad("Checksum validation failed"));
    }
    let owner = match token {
        DHIS2_TOKEN | DHIS2_SHORT_TOKEN => DHIS2_USER,
        DHIS2_SECOND_FACTOR_TOKEN => DHIS2_SECOND_FACTOR_USER,
        DHIS2_EXPIRED_TOKEN => {
            return Err(Box::new(unauthorized("Failed to authenticate API token, token has expired.")));
        }
        _ => return Err(Box::new(unauthorized("The API token does not exists"))),
    };
    let account = accounts.iter().find(|account| account.user == owner && account.bar == Bar::None);
    account
        .map(Arc::as_ref)
        .ok_or_else(|| Box::new(unauthorized("The API token is disabled, locked or 2FA is enabled.")))
}

/// Six digits of base 62, as the second kind of token ends.
fn base_62(mut number: u32) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = ['0'; 6];
    for digit in digits.iter_mut().rev() {
        let rest = usize::try_from(number % 62).unwrap_or_default();
        *digit = char::from(DIGITS[rest]);
        number /= 62;
    }
    digits.iter().collect()
}

fn unauthorized(message: &str) -> Response {
    problem(StatusCode::UNAUTHORIZED, message, None)
}
