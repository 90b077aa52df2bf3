//! The words of the questions.

use std::path::Path;

use super::{At, Dialogue, Part, Side, Trouble};

impl Dialogue {
    /// What this is about to do with the settings file, as the first question stands.
    pub(in crate::cli::init) fn greeting(&self, file: &Path, there: bool) -> String {
        let path = file.display();
        let does = match self.at {
            _ if !there => format!("writes {path}"),
            At::Ask(Part::Again) => {
                format!("gives profile {} of {path} its secrets anew, or adds another profile", self.answers.name)
            }
            At::Ask(Part::Name) if !self.known.profiles.is_empty() => {
                format!("adds a profile to {path}, or gives one its secrets anew")
            }
            _ => format!("adds a profile to {path}"),
        };
        format!(
            "This {does}. Nothing is written before you have seen it and said yes. Enter takes what stands in [brackets], arrow up \
             fetches it to be changed, ctrl-c stops."
        )
    }

    /// The words of a question, and what enter alone answers.
    pub(super) fn words(&self, part: Part) -> (String, String) {
        let answers = &self.answers;
        let url = |side| match side {
            Side::Dhis2 => answers.dhis2.url.as_ref(),
            Side::CommCare => answers.hq.url.as_ref(),
        };
        let none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let (text, usual) = match part {
            Part::Name => ("Name of the profile, for the settings and --profile", answers.name.clone()),
            Part::Again => {
                let text = format!(
                    "There is a profile {} already; its settings stay as they are. Give its secrets anew? y or n, for another name",
                    answers.name
                );
                return (text, "n".to_owned());
            }
            Part::Label => (
                "A word shown wherever something can be written, such as PRODUCTION or TEST; - for none",
                none(&answers.label),
            ),
            Part::Url(Side::Dhis2) => (
                "Address of DHIS2, as in a browser, with or without /api",
                url(Side::Dhis2).map(ToString::to_string).unwrap_or_default(),
            ),
            Part::Url(Side::CommCare) => {
                ("Address of CommCare HQ", url(Side::CommCare).map(ToString::to_string).unwrap_or_default())
            }
            Part::Http(_) => (
                "With http:// the secret and all numbers can be read on the way. Use it all the same (allow_http = true)? y or n",
                "n".to_owned(),
            ),
            Part::Ca(_) => (
                "The certificate is from an authority this system does not know. File with that authority (PEM), from who runs the server; - for none",
                "-".to_owned(),
            ),
            Part::User(Side::Dhis2) => (
                "DHIS2 user name; - to sign in with a personal access token",
                none(answers.dhis2_user.as_deref().unwrap_or_default()),
            ),
            Part::User(Side::CommCare) => ("CommCare user, as it signs in", answers.hq_user.clone()),
            Part::Secret(side) => return (self.secret_words(side), String::new()),
            Part::Project => ("Project space: the part after /a/ in CommCare's addresses", answers.project.clone()),
            Part::CaseType => ("Type of the cases that stand for facilities", answers.case_type.clone()),
            Part::Mapping => return self.mapping_words(),
            Part::Trouble(trouble) => return (trouble_words(trouble).to_owned(), String::new()),
            Part::Place => return self.place_words(),
            Part::Write => ("Write this? y or n", "n".to_owned()),
        };
        (text.to_owned(), usual)
    }

    fn secret_words(&self, side: Side) -> String {
        let (what, typed) = match (side, &self.answers.dhis2_user) {
            (Side::Dhis2, Some(user)) => (format!("DHIS2 password of {user}"), self.answers.dhis2_secret.is_some()),
            (Side::Dhis2, None) => ("DHIS2 personal access token".to_owned(), self.answers.dhis2_secret.is_some()),
            (Side::CommCare, _) => {
                (format!("CommCare API key of {}", self.answers.hq_user), self.answers.hq_key.is_some())
            }
        };
        let enter = if typed { "the one typed before" } else { "not now, and then nothing is checked there" };
        format!("{what} (not shown); enter alone: {enter}")
    }

    fn mapping_words(&self) -> (String, String) {
        let text = format!(
            "Mapping of properties to DHIS2: built-in (in a folder with a case_property_map.csv that file is used in its place), copy \
             for a copy of it to change ({}), or the path of a file",
            self.known.copy.display()
        );
        let flag = self.known.mapping.as_ref().map(|path| path.display().to_string());
        (text, flag.unwrap_or_else(|| "built-in".to_owned()))
    }

    fn place_words(&self) -> (String, String) {
        place_words(
            self.no_keyring.as_deref(),
            self.known.closed.is_none(),
            self.known.repository.is_some(),
            "Where are the secrets kept?",
        )
    }
}

/// The words of the question where secrets are kept: why the keyring is of no use, whether the file may be added to, and whether
/// it lies in a repository.
pub(in crate::cli::init) fn place_words(
    no_keyring: Option<&str>,
    open: bool,
    repository: bool,
    asks: &str,
) -> (String, String) {
    let file = match (open, repository) {
        (false, _) => "",
        (true, true) => ", f a file that only you can read, inside a repository",
        (true, false) => ", f a file that only you can read (secrets.toml, not encrypted)",
    };
    let nowhere = "n nowhere: asked each time, or from the environment";
    match no_keyring {
        None => (format!("{asks} k the keyring of this system{file}, {nowhere}"), "k".to_owned()),
        Some(why) => {
            let file = file.trim_start_matches(", ");
            let or = if file.is_empty() { "" } else { ", " };
            (format!("The keyring cannot be used: {why}. {asks} {file}{or}{nowhere}"), "n".to_owned())
        }
    }
}

fn trouble_words(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Way(_) => "a another address, r try again, k keep it anyway",
        Trouble::Server(Side::Dhis2) => {
            "a another address, u another user, s another secret, r try again, k keep it anyway"
        }
        Trouble::Server(Side::CommCare) => {
            "a another address, p another project, u another user, s another API key, t another case type, r try again, k keep it anyway"
        }
        Trouble::Mapping => "m another mapping, r try again, k keep it anyway",
    }
}
