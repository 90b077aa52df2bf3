//! Which address of DHIS2 answers, and who signs in there (dhis2.md sections 6 and 7; fault matrix rows D01 and D11).

use super::{Check, Line, capital};
use crate::{
    io::{
        config::{Dhis2Secret, Profile},
        dhis2::{Dhis2, Spelling, Told, elsewhere, is_no_token},
        http::{Failure, Why},
        transport::SharedTransport,
    },
    job::connect,
};

const ADDRESS: &str = "DHIS2 address";
const SIGN_IN: &str = "DHIS2 sign-in";

impl Check<'_> {
    fn dhis2_at(&self, secret: &Dhis2Secret, way: &SharedTransport, place: &Spelling) -> anyhow::Result<Dhis2> {
        let client = connect::dhis2(self.profile, secret, &place.root(), way, self.seed)?;
        Ok(Dhis2::new(client.sleeping(self.sleep.clone()).reporting(self.on_wait.clone())))
    }

    /// Finds the spelling that answers; the configured one where both do, and else the other one by its name.
    pub(super) async fn reach(
        &self,
        secret: &Dhis2Secret,
        way: &SharedTransport,
        lines: &mut Vec<Line>,
    ) -> Option<(Dhis2, Told, Option<Spelling>)> {
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
                Some((dhis2, told, None))
            }
            Err(failure) if elsewhere(&failure) => match turned.probe().await {
                Ok(told) => {
                    lines.push(turned_round(&given, &other));
                    Some((turned, told, Some(other)))
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

/// The sign-in, where it was taken.
pub(super) fn signed_in(profile: &Profile, secret: &Dhis2Secret, dhis2: &Dhis2, told: &Told) -> Line {
    let name = told.me.as_ref().map(|me| dhis2.clean(&me.username)).filter(|name| !name.is_empty());
    let name = name.or_else(|| profile.dhis2.username.clone());
    let with = match secret {
        Dhis2Secret::Password(_) => "with a password",
        Dhis2Secret::Token(_) => "with a personal access token",
    };
    let who = name.map(|name| format!(" as {name}")).unwrap_or_default();
    Line::ok(SIGN_IN, format!("Signed in{who} {with}."))
}
