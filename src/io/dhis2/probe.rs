//! Which way of writing the API root is the right one, found out with questions that need no rights (dhis2.md section 7; fault
//! matrix row D11).
//!
//! Nothing is followed and no other origin is asked: both ways lie on the configured server. A refused sign-in ends the
//! asking at once.

use serde_json::{Map, Value};
use url::Url;

use super::{Dhis2, Failure, Me, SystemInfo, Why, root};

/// A way of writing the API root, as a profile does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// `url` of the profile.
    pub url: Url,
    /// `api_root` of the profile.
    pub api_root: bool,
}

impl Spelling {
    /// The address of the API root.
    pub fn root(&self) -> Url {
        root(&self.url, self.api_root)
    }

    /// The way a profile with this one may have been meant: with `api/` after the url in place of the url as it is, or the other
    /// way round. A url that ends in `api` is tried without it, one that ends in `api/NN` without the number.
    #[must_use]
    pub fn other(&self) -> Self {
        let turned = Self { url: self.url.clone(), api_root: !self.api_root };
        if turned.root() != self.root() {
            return turned;
        }
        let mut url = self.url.clone();
        let mut api_root = true;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().pop().push("");
        }
        if root(&url, false) == root(&url, true) {
            api_root = self.api_root;
        }
        Self { url, api_root }
    }
}

/// What a server told that answers as DHIS2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `system/info`.
    pub info: Option<SystemInfo>,
    /// `me`.
    pub me: Option<Me>,
}

impl Told {
    /// Whether anything but data values answers, as it does not behind the narrowest gateways.
    pub fn more_than_values(&self) -> bool {
        self.info.is_some() || self.me.is_some()
    }
}

/// Whether DHIS2 refused a token as none at all, which is a 400 and no 401 (dhis2.md section 6).
pub fn is_no_token(failure: &Failure) -> bool {
    let Why::Refused { status: 400, message, .. } = &*failure.why else { return false };
    let message = message.to_ascii_lowercase();
    message.contains("token") || message.contains("checksum")
}

impl Dhis2 {
    /// Asks for what every account may know: `system/info` and `me`, and where neither answers, `dataValueSets` without a word of
    /// what is wanted, which DHIS2 refuses in a way of its own. `None` in [`Told`] is what a gateway keeps to itself.
    ///
    /// Fails where the sign-in is refused, where the server cannot be reached or fails, and where nothing at this address
    /// answers as DHIS2; the failure then says what does.
    pub async fn probe(&self) -> Result<Told, Failure> {
        let mut not = Vec::new();
        let info = self.system_info().await.map(|info| Some(info).filter(tells));
        let info = heard(info, &mut not)?;
        let me = self.me().await.map(|me| Some(me).filter(|me| *me != Me::default()));
        let me = heard(me, &mut not)?;
        if info.is_none() && me.is_none() && !self.refuses_nothing(&mut not).await? {
            let first = not.iter().position(|failure| !matches!(*failure.why, Why::NotFound { .. }));
            let odd = || self.client.odd("the API", "it answers, but not as DHIS2 does");
            return Err(if not.is_empty() { odd() } else { not.swap_remove(first.unwrap_or_default()) });
        }
        Ok(Told { info, me })
    }

    /// Whether a request for no data values at all is refused as DHIS2 does it (E2001 to E2009, dhis2.md section 1.4).
    async fn refuses_nothing(&self, not: &mut Vec<Failure>) -> Result<bool, Failure> {
        let url = self.client.url(&["dataValueSets"]);
        let asked = "no data values, to see whether they answer";
        let Err(failure) = self.client.get_json::<Map<String, Value>>(&url, asked).await else { return Ok(false) };
        if let Why::Refused { status: 400 | 409, code, message } = &*failure.why
            && !is_no_token(&failure)
        {
            let numbered = code.as_deref().is_some_and(|code| code.starts_with("E20"));
            return Ok(numbered || message.contains("must be specified"));
        }
        heard::<()>(Err(failure), not).map(|_| false)
    }

    /// Foreign text of this server as it may be shown: without our secret and without what acts on a terminal.
    pub fn clean(&self, text: &str) -> String {
        self.client.clean(text)
    }
}

/// Whether this is what DHIS2 says of itself, and not the object of something else.
fn tells(info: &SystemInfo) -> bool {
    [&info.version, &info.calendar, &info.server_date].into_iter().any(Option::is_some)
}

/// `None` where there is nothing of the kind at the address, whatever stands there; a failure that would befall every address of
/// the server stays one.
fn heard<T>(got: Result<Option<T>, Failure>, not: &mut Vec<Failure>) -> Result<Option<T>, Failure> {
    match got {
        Ok(got) => Ok(got),
        Err(failure) if elsewhere(&failure) => {
            tracing::info!(%failure, "not at this address");
            not.push(failure);
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Whether another address of the same server may answer although this one did not.
pub fn elsewhere(failure: &Failure) -> bool {
    match &*failure.why {
        Why::NotFound { .. }
        | Why::Forbidden { .. }
        | Why::Redirect { .. }
        | Why::NotJson { .. }
        | Why::Shape { .. } => true,
        Why::Refused { .. } => !is_no_token(failure),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_writing_has_another() {
        for (url, api_root, other, other_root) in [
            ("https://h/dhis", false, "https://h/dhis", true),
            ("https://h/dhis", true, "https://h/dhis", false),
            ("https://h/core/api/v0/", false, "https://h/core/api/v0/", true),
            ("https://h/core/api/v0/", true, "https://h/core/api/v0/", false),
            ("https://h/core/api", false, "https://h/core/", true),
            ("https://h/api/", true, "https://h/", true),
            ("https://h/dhis/api/27", false, "https://h/dhis/api/", false),
        ] {
            let given = Spelling { url: Url::parse(url).unwrap(), api_root };
            let wanted = Spelling { url: Url::parse(other).unwrap(), api_root: other_root };
            assert_eq!(given.other(), wanted, "{url} {api_root}");
            assert_ne!(given.root(), given.other().root(), "{url} {api_root}");
            assert_eq!(given.root().origin(), given.other().root().origin());
        }
    }
}
