//! How the program ended, as a number for scripts, and the errors that decide it.

use std::process::ExitCode;

use crate::{
    io::config::{Missing, SettingsError},
    job::{connect::Elsewhere, fetch::NotFound},
};

/// How the program ended. The numbers are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// An error before any change.
    Failed,
    /// Wrong usage, settings or mapping.
    Usage,
    /// Changes wait for approval, or some facilities could not be read.
    Waiting,
    /// Partly applied, or not verified.
    Partly,
    /// Some approved cells were held; the others were sent.
    Held,
    /// Every change asked for was refused by an open STOP.
    Stopped,
    /// Interrupted before anything was sent.
    Interrupted,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Waiting => 3,
            Self::Partly => 4,
            Self::Held => 5,
            Self::Stopped => 6,
            Self::Interrupted => 130,
        }
    }

    /// What it means, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "wrong usage, settings or mapping",
            Self::Waiting => "changes wait for approval",
            Self::Partly => "partly applied or not verified",
            Self::Held => "some approved changes were held; the others, if any, were applied",
            Self::Stopped => "refused by an open STOP",
            Self::Interrupted => "interrupted",
        }
    }

    /// What this error means for the exit code.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return refusal.exit;
        }
        let settings = error.is::<SettingsError>() || error.is::<Missing>();
        let words = error.is::<NotFound>() || error.is::<Elsewhere>();
        if settings || words { Self::Usage } else { Self::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// An error, or words before one, that knows its exit code.
#[derive(Debug)]
pub(super) struct Refusal {
    exit: Exit,
    why: String,
    /// Whether the words say what is and is not changed.
    told: bool,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Refusal {}

/// An error with this exit code, before anything was changed.
pub(super) fn refused(exit: Exit, why: impl Into<String>) -> anyhow::Error {
    Refusal { exit, why: why.into(), told: false }.into()
}

/// The same where the words say themselves what is and is not changed. An error of its own, or the context of another.
pub(super) fn told(exit: Exit, why: impl Into<String>) -> Refusal {
    Refusal { exit, why: why.into(), told: true }
}

/// Whether it has to be said beside this error that nothing was changed: it is so, and the error does not say it.
pub(super) fn leaves_unsaid(error: &anyhow::Error) -> bool {
    let told = error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.told);
    !told && matches!(Exit::of(error), Exit::Failed | Exit::Usage | Exit::Stopped)
}

/// Wrong usage, settings or mapping.
pub(super) fn usage(why: impl Into<String>) -> anyhow::Error {
    refused(Exit::Usage, why)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn each_number_is_kept() {
        for (exit, code) in [
            (Exit::Done, 0),
            (Exit::Failed, 1),
            (Exit::Usage, 2),
            (Exit::Waiting, 3),
            (Exit::Partly, 4),
            (Exit::Held, 5),
            (Exit::Stopped, 6),
            (Exit::Interrupted, 130),
        ] {
            assert_eq!(exit.code(), code);
            assert_eq!(ExitCode::from(exit), ExitCode::from(code));
        }
    }

    #[test]
    fn what_is_changed_is_carried_and_not_looked_for_in_the_words() {
        assert!(leaves_unsaid(&anyhow::anyhow!("a server wrote: Nothing was changed")));
        assert!(leaves_unsaid(&usage("no")));
        assert!(!leaves_unsaid(&refused(Exit::Interrupted, "stopped")));
        let broken = anyhow::anyhow!("no terminal").context(told(Exit::Failed, "decisions are in a.review"));
        assert!(!leaves_unsaid(&broken) && Exit::of(&broken) == Exit::Failed);
        let outer = usage("no").context(told(Exit::Partly, "one form was sent"));
        assert_eq!((Exit::of(&outer), format!("{outer:#}").as_str()), (Exit::Partly, "one form was sent: no"));
        assert!(!leaves_unsaid(&outer.context("more words")));
    }

    #[test]
    fn an_error_keeps_its_number_under_more_words() {
        let wrapped = |error: anyhow::Error| Exit::of(&Err::<(), _>(error).context("more words").unwrap_err());
        assert_eq!(wrapped(usage("no")), Exit::Usage);
        assert_eq!(wrapped(refused(Exit::Interrupted, "stopped")), Exit::Interrupted);
        assert_eq!(wrapped(NotFound("x".into()).into()), Exit::Usage);
        assert_eq!(wrapped(anyhow::anyhow!("the server is down")), Exit::Failed);
        let settings = SettingsError { file: None, wrong: Vec::new() };
        assert_eq!(wrapped(settings.into()), Exit::Usage);
    }
}
