//! The course of the set-up as a machine without hands: answers and findings in, the next question or task out. It knows no
//! terminal, network or disk.

use std::path::PathBuf;

pub(super) mod words;

use super::answers::{Answers, Map, Place};
use crate::{
    io::{
        config::{CommCareSecret, Dhis2Secret, typed_address},
        dhis2::Spelling,
        http::{Secret, Side},
        keyring::Unusable,
    },
    job::check::way::{Knock, is_loopback},
};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Name,
    /// Whether the profile of that name gets new secrets.
    Again,
    Label,
    Url(Side),
    Http(Side),
    Ca(Side),
    User(Side),
    Secret(Side),
    Project,
    CaseType,
    Mapping,
    /// What to do about what was found.
    Trouble(Trouble),
    Place,
    Write,
}

/// Where something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing answers.
    Way(Side),
    /// The server, the account, or what it may do.
    Server(Side),
    Mapping,
}

/// What is to be done before the next question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Whether anything answers at the address.
    Knock(Side),
    /// What `onse check` says of the server.
    Check(Side),
    /// The same of the mapping, with both servers.
    Mapping,
    /// Whether the keyring can be used.
    Keyring,
    /// Writing it all.
    Keep,
}

/// Where the set-up is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Ask(Part),
    Do(Task),
    /// New secrets for a profile that is there.
    Renew,
    Written,
    Declined,
}

/// A question as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) text: String,
    /// What enter alone answers.
    pub(super) usual: String,
    /// Whether what is typed is shown.
    pub(super) shown: bool,
}

/// What is known beforehand.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Names that are taken.
    pub(super) names: Vec<String>,
    /// Those of them that profiles have.
    pub(super) profiles: Vec<String>,
    /// What the environment gives.
    pub(super) dhis2: Option<Dhis2Secret>,
    pub(super) hq: Option<CommCareSecret>,
    /// Why nothing can be added to `secrets.toml`.
    pub(super) closed: Option<String>,
    /// The repository that file lies in.
    pub(super) repository: Option<PathBuf>,
    /// The current folder, from which paths are taken.
    pub(super) folder: PathBuf,
    /// Where a copy of the built-in mapping would be written.
    pub(super) copy: PathBuf,
    /// The mapping named by `--mapping`.
    pub(super) mapping: Option<PathBuf>,
}

/// The set-up.
pub(super) struct Dialogue {
    pub(super) at: At,
    pub(super) answers: Answers,
    known: Known,
    /// Whether the address was turned round once already.
    turned: bool,
    /// The sides whose last sign-in was refused.
    refused: Vec<Side>,
    /// Why the keyring is of no use.
    no_keyring: Option<String>,
}

impl Dialogue {
    /// Begins; with `name` its first question is answered.
    pub(super) fn new(known: Known, name: Option<&str>) -> Result<Self, String> {
        let answers = Answers::default();
        let (at, refused) = (At::Ask(Part::Name), Vec::new());
        let mut new = Self { at, answers, known, turned: false, refused, no_keyring: None };
        if let Some(name) = name {
            new.answer(name)?;
        }
        Ok(new)
    }

    /// The secret for DHIS2: what the environment gives, else what was typed.
    pub(super) fn dhis2_secret(&self) -> Option<Dhis2Secret> {
        self.known.dhis2.clone().or_else(|| self.answers.dhis2_secret())
    }

    /// The same for HQ.
    pub(super) fn hq_secret(&self) -> Option<CommCareSecret> {
        self.known.hq.clone().or_else(|| self.answers.hq_secret())
    }

    /// The question that is open, if one is.
    pub(super) fn question(&self) -> Option<Question> {
        let At::Ask(part) = self.at else { return None };
        let (text, usual) = self.words(part);
        Some(Question { text, usual, shown: !matches!(part, Part::Secret(_)) })
    }

    /// Takes an answer; enter alone is the usual one. Fails with what is wrong with it, and the question stays open.
    pub(super) fn answer(&mut self, typed: &str) -> Result<(), String> {
        let At::Ask(part) = self.at else { return Ok(()) };
        let text = typed.trim();
        let usual = self.words(part).1;
        let text = if text.is_empty() { usual.as_str() } else { text };
        self.at = match part {
            Part::Name => self.name(text)?,
            Part::Again if yes(text)? => At::Renew,
            Part::Again => At::Ask(Part::Name),
            Part::Label => {
                self.set(|answers| answers.label = given(text).unwrap_or_default(), At::Ask(Part::Url(Side::Dhis2)))?
            }
            Part::Url(side) => self.url(side, text)?,
            Part::Http(side) => {
                let yes = yes(text)?;
                self.server(side).allow_http = yes;
                if yes { At::Do(Task::Knock(side)) } else { At::Ask(Part::Url(side)) }
            }
            Part::Ca(side) => self.ca(side, text),
            Part::User(Side::Dhis2) => self.dhis2_user(text)?,
            Part::User(Side::CommCare) => {
                needed(text)?;
                let next = if self.known.hq.is_some() { Part::CaseType } else { Part::Secret(Side::CommCare) };
                self.set(|answers| text.clone_into(&mut answers.hq_user), At::Ask(next))?
            }
            // A space at either end may belong to it.
            Part::Secret(side) => self.secret(side, typed)?,
            Part::Project => {
                needed(text)?;
                self.set(|answers| text.clone_into(&mut answers.project), At::Ask(Part::User(Side::CommCare)))?
            }
            Part::CaseType => {
                needed(text)?;
                let next = self.check(Side::CommCare);
                self.set(|answers| text.clone_into(&mut answers.case_type), next)?
            }
            Part::Mapping => self.mapping(text)?,
            Part::Trouble(trouble) => self.mend(trouble, text)?,
            Part::Place => self.place(text)?,
            Part::Write => {
                if yes(text)? {
                    At::Do(Task::Keep)
                } else {
                    At::Declined
                }
            }
        };
        Ok(())
    }

    /// Sets an answer where the settings would take it.
    fn set(&mut self, put: impl FnOnce(&mut Answers), next: At) -> Result<At, String> {
        let mut answers = self.answers.clone();
        put(&mut answers);
        if let Some(fault) = answers.fault() {
            return Err(fault);
        }
        self.answers = answers;
        Ok(next)
    }

    fn server(&mut self, side: Side) -> &mut super::answers::Server {
        match side {
            Side::Dhis2 => &mut self.answers.dhis2,
            Side::CommCare => &mut self.answers.hq,
        }
    }

    fn name(&mut self, text: &str) -> Result<At, String> {
        // A profile that is there may be called anything, and one that is made by what needs no quotes.
        let bare = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        let next = if self.known.profiles.iter().any(|name| name == text) {
            Part::Again
        } else if !bare {
            return Err("A profile is called by letters, digits, - and _, such as onse-iss.".to_owned());
        } else if self.known.names.iter().any(|name| name == text) {
            return Err(format!(
                "There is a table of secrets named {text} already, without a profile; it is not touched. Choose another name."
            ));
        } else {
            Part::Label
        };
        self.set(|answers| text.clone_into(&mut answers.name), At::Ask(next))
    }

    fn url(&mut self, side: Side, text: &str) -> Result<At, String> {
        needed(text)?;
        let url = typed_address(text)?;
        let open = url.scheme() == "http" && !is_loopback(&url);
        if side == Side::Dhis2 {
            (self.turned, self.answers.api_root) = (false, false);
        }
        let server = self.server(side);
        *server = super::answers::Server { url: Some(url), ..super::answers::Server::default() };
        Ok(if open { At::Ask(Part::Http(side)) } else { At::Do(Task::Knock(side)) })
    }

    fn ca(&mut self, side: Side, text: &str) -> At {
        let path = given(text).map(|path| self.known.folder.join(path));
        self.server(side).ca_file.clone_from(&path);
        if path.is_some() { At::Do(Task::Knock(side)) } else { At::Ask(Part::Trouble(Trouble::Way(side))) }
    }

    fn dhis2_user(&mut self, text: &str) -> Result<At, String> {
        let user = given(text);
        match (&user, &self.known.dhis2) {
            (None, Some(Dhis2Secret::Password(_))) => {
                return Err("ONSE_DHIS2_PASSWORD is set, and a password needs its user.".to_owned());
            }
            (Some(_), Some(Dhis2Secret::Token(_))) => {
                return Err("ONSE_DHIS2_TOKEN is set, and a token stands for its user: answer -.".to_owned());
            }
            _ => {}
        }
        // A password is no token.
        let other = user.is_some() != self.answers.dhis2_user.is_some();
        let next =
            if self.known.dhis2.is_some() { self.check(Side::Dhis2) } else { At::Ask(Part::Secret(Side::Dhis2)) };
        let put = |answers: &mut Answers| {
            if other {
                answers.dhis2_secret = None;
            }
            answers.dhis2_user = user;
        };
        self.set(put, next)
    }

    fn secret(&mut self, side: Side, typed: &str) -> Result<At, String> {
        let token = side == Side::CommCare || self.answers.dhis2_user.is_none();
        let secret = typed_secret(typed, token)?;
        let kept = match side {
            Side::Dhis2 => &mut self.answers.dhis2_secret,
            Side::CommCare => &mut self.answers.hq_key,
        };
        if secret.is_some() {
            *kept = secret;
        }
        Ok(match side {
            Side::Dhis2 => self.check(side),
            Side::CommCare => At::Ask(Part::CaseType),
        })
    }

    /// The check of a side, or what comes after it where nothing can be asked there.
    fn check(&self, side: Side) -> At {
        let (server, secret) = match side {
            Side::Dhis2 => (&self.answers.dhis2, self.dhis2_secret().is_some()),
            Side::CommCare => (&self.answers.hq, self.hq_secret().is_some()),
        };
        if server.unchecked || !secret { Self::after(side) } else { At::Do(Task::Check(side)) }
    }

    fn after(side: Side) -> At {
        At::Ask(match side {
            Side::Dhis2 => Part::Url(Side::CommCare),
            Side::CommCare => Part::Mapping,
        })
    }

    fn mapping(&mut self, text: &str) -> Result<At, String> {
        let map = match text {
            "built-in" => Map::BuiltIn,
            "copy" if self.known.copy.exists() => {
                return Err(format!(
                    "{0} is there already and is not touched; to use it, answer {0}",
                    self.known.copy.display()
                ));
            }
            "copy" => Map::Copy(self.known.copy.clone()),
            path => Map::File(self.known.folder.join(path)),
        };
        self.set(|answers| answers.mapping = map, At::Do(Task::Mapping))
    }

    fn mend(&mut self, trouble: Trouble, text: &str) -> Result<At, String> {
        let keeps = matches!(text, "k" | "keep");
        Ok(match (trouble, text) {
            (Trouble::Way(side), _) if keeps => {
                self.server(side).unchecked = true;
                At::Ask(if side == Side::Dhis2 { Part::User(side) } else { Part::Project })
            }
            (Trouble::Server(side), _) if keeps => Self::after(side),
            (Trouble::Mapping, _) if keeps => self.settled(),
            (Trouble::Way(side), "r") => At::Do(Task::Knock(side)),
            (Trouble::Server(side), "r") => At::Do(Task::Check(side)),
            (Trouble::Mapping, "r") => At::Do(Task::Mapping),
            (Trouble::Way(side) | Trouble::Server(side), "a") => At::Ask(Part::Url(side)),
            (Trouble::Server(side), "u") => At::Ask(Part::User(side)),
            (Trouble::Server(side), "s") if self.can_type(side) => At::Ask(Part::Secret(side)),
            (Trouble::Server(Side::CommCare), "p") => At::Ask(Part::Project),
            (Trouble::Server(Side::CommCare), "t") => At::Ask(Part::CaseType),
            (Trouble::Mapping, "m") => At::Ask(Part::Mapping),
            (Trouble::Server(_), "s") => {
                return Err("It is given by the environment: mend it there and begin again.".to_owned());
            }
            _ => return Err("One of the letters is needed.".to_owned()),
        })
    }

    fn can_type(&self, side: Side) -> bool {
        match side {
            Side::Dhis2 => self.known.dhis2.is_none(),
            Side::CommCare => self.known.hq.is_none(),
        }
    }

    /// After the last check: where the secrets go, if any were typed.
    fn settled(&self) -> At {
        if self.answers.secrets(false).is_some() { At::Do(Task::Keyring) } else { At::Ask(Part::Write) }
    }

    fn place(&mut self, text: &str) -> Result<At, String> {
        self.answers.place = chosen(text, self.no_keyring.as_deref(), self.known.closed.as_deref())?;
        Ok(At::Ask(Part::Write))
    }

    /// What came of a knock.
    pub(super) fn knocked(&mut self, side: Side, knock: &Knock) {
        self.at = At::Ask(match knock {
            Knock::Answers if side == Side::Dhis2 => Part::User(side),
            Knock::Answers => Part::Project,
            Knock::Stranger(_) => Part::Ca(side),
            Knock::Silent(_) => Part::Trouble(Trouble::Way(side)),
        });
    }

    /// Whether the sign-in of a side was taken, or not asked for; known after each check.
    pub(super) fn signed_in(&mut self, side: Side, taken: bool) {
        self.refused.retain(|one| *one != side);
        self.refused.extend((!taken).then_some(side));
    }

    /// Whether a side is asked again with the mapping. Not after a refused sign-in that was kept: a few of those lock an account
    /// (fault matrix row D01).
    pub(super) fn asks(&self, side: Side) -> bool {
        let server = match side {
            Side::Dhis2 => &self.answers.dhis2,
            Side::CommCare => &self.answers.hq,
        };
        !server.unchecked && !self.refused.contains(&side)
    }

    /// Whether another spelling of the address would be taken: once, so that no two of them are tried in turn for ever.
    pub(super) fn turns(&self) -> bool {
        !self.turned
    }

    /// What came of a check: whether something does not work, and the spelling of the address that answers in place of the given
    /// one. That is taken, and all is asked again with it.
    pub(super) fn checked(&mut self, side: Side, stops: bool, turned: Option<Spelling>) {
        self.at = match turned {
            Some(spelling) if !self.turned => {
                self.turned = true;
                self.answers.api_root = spelling.api_root;
                self.answers.dhis2.url = Some(spelling.url);
                At::Do(Task::Check(side))
            }
            _ if stops => At::Ask(Part::Trouble(Trouble::Server(side))),
            _ => Self::after(side),
        };
    }

    /// What came of the check of the mapping.
    pub(super) fn mapped(&mut self, stops: bool) {
        self.at = if stops { At::Ask(Part::Trouble(Trouble::Mapping)) } else { self.settled() };
    }

    /// Whether the keyring can be used, before a place is chosen, or after something could not be kept there.
    pub(super) fn keyring(&mut self, usable: Result<(), &Unusable>) {
        self.no_keyring = usable.err().map(ToString::to_string);
        self.at = At::Ask(Part::Place);
    }

    /// All is written.
    pub(super) fn written(&mut self) {
        self.at = At::Written;
    }
}

/// What was typed as a secret; none where that was enter alone. Fails with what is wrong with it.
pub(super) fn typed_secret(typed: &str, token: bool) -> Result<Option<Secret>, String> {
    // Keys and tokens have no spaces, and one is easily copied along.
    let typed = if token { typed.trim() } else { typed };
    if typed.chars().any(char::is_control) {
        return Err("It holds a line end or another control character.".to_owned());
    }
    Ok((!typed.is_empty()).then(|| Secret::new(typed)))
}

/// The place that a letter stands for. Fails where it is of no use.
pub(super) fn chosen(text: &str, no_keyring: Option<&str>, closed: Option<&str>) -> Result<Place, String> {
    match (text, no_keyring, closed) {
        ("k", None, _) => Ok(Place::Keyring),
        ("k", Some(why), _) => Err(format!("The keyring cannot be used: {why}.")),
        ("f", _, None) => Ok(Place::File),
        ("f", _, Some(why)) => Err(format!("Nothing can be added to that file. {why}")),
        ("n", ..) => Ok(Place::Nowhere),
        _ => Err("One of the letters is needed.".to_owned()),
    }
}

/// A text; `-` is none.
fn given(text: &str) -> Option<String> {
    (!matches!(text, "" | "-")).then(|| text.to_owned())
}

fn needed(text: &str) -> Result<(), String> {
    if text.is_empty() { Err("An answer is needed; ctrl-c stops, and nothing is written.".to_owned()) } else { Ok(()) }
}

pub(super) fn yes(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("y or n is needed.".to_owned()),
    }
}

#[cfg(test)]
mod tests;
