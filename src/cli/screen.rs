//! Where the commands hand over to the full screen. The one place of the command line that knows it.

use std::{ffi::OsString, path::PathBuf, sync::Arc, time::Instant};

use anyhow::Result;

use super::{args::Color, here::Here, out::say, submit::write_forms};
use crate::{
    domain::caseblock::USERNAME,
    job::{
        fetch::Ask,
        report::Level,
        session::{Clock, Session},
    },
    tui::{
        model::{Look, Model, Run},
        msg::{Cmd, Msg, Now},
        perform::{Performer, WriteForms},
        terminal::{self, LastWords},
        update::update,
    },
};

/// What the screen starts with.
pub(super) struct Opening {
    /// The review file, with or without the servers.
    pub(super) session: Session,
    /// What reading means; none where nothing can be read.
    pub(super) ask: Option<Ask>,
    /// Whether it is read first: the file holds no plan yet.
    pub(super) fresh: bool,
    /// What is known of the review before it is read or opened.
    pub(super) run: Run,
    /// The log file, for the last words of a fault.
    pub(super) log: Option<PathBuf>,
    /// The first line of the status line, where there is something to say.
    pub(super) said: Option<String>,
}

/// How the screen was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// By the person's own choice.
    Done,
    /// By ctrl-c or a signal (fault matrix rows K20 and K21).
    Interrupted,
    /// The same while a submission was under way.
    CutShort,
}

/// Shows the review until the person leaves. What was decided and sent is in the review file, however the screen ended.
pub(super) async fn screen(here: &Here, opening: Opening) -> Result<Left> {
    let Opening { session, ask, fresh, run, log, said } = opening;
    let (started, clock) = (Instant::now(), Arc::clone(&here.clock));
    let now = move || Now { at: clock().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), since: started.elapsed() };
    // Offline nobody is signed in, and the forms can only be looked at.
    let username = if run.account.is_empty() { USERNAME.to_owned() } else { run.account.clone() };
    let first = if fresh { Cmd::Read } else { Cmd::Open };
    let mut performer =
        Performer::new(session.clone(), ask, username.clone(), forms_beside(username, Arc::clone(&here.clock)));
    let mut model = Model::new(run, look(here.global.color, &env), (0, 0));
    if let Some(said) = said {
        update(&mut model, Msg::Note(Level::Ok, said), &now());
    }
    let words = LastWords { log, review: Some(session.path().to_owned()) };
    match Box::pin(terminal::review(&mut model, &mut performer, &now, words, first)).await {
        Err(error) if !model.interrupted => return Err(error),
        Err(error) => say(&format!("the review was left, because the terminal failed: {error:#}; decisions are saved")),
        Ok(()) => {}
    }
    Ok(match (model.interrupted, model.submit.is_sending() || model.submit.interrupts > 0) {
        (false, _) => Left::Done,
        (true, false) => Left::Interrupted,
        (true, true) => Left::CutShort,
    })
}

/// Writes the forms to a folder beside the review file, a new one each time.
fn forms_beside(username: String, clock: Clock) -> WriteForms {
    Arc::new(move |session: Session| {
        let (username, at) = (username.clone(), clock().strftime("%Y%m%d-%H%M%S").to_string());
        Box::pin(async move {
            let forms = session.forms_now(&username).await?;
            let folder = session.path().with_extension(format!("forms-{at}"));
            write_forms(&folder, &forms)?;
            Ok(folder.display().to_string())
        })
    })
}

fn env(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Colour unless it is unwanted (`NO_COLOR` set to anything but nothing), and signs beyond ASCII where the locale has them.
fn look(color: Color, env: &dyn Fn(&str) -> Option<OsString>) -> Look {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    let utf8 = locale.is_some_and(|name| {
        let name = name.to_string_lossy().to_ascii_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    });
    let mono = match color {
        Color::Auto => set("NO_COLOR").is_some(),
        Color::Always => false,
        Color::Never => true,
    };
    Look { ascii: !utf8 && !cfg!(any(windows, target_os = "macos")), mono }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_look_follows_the_environment() {
        let with = |set: &'static [(&str, &str)]| {
            move |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        assert!(!look(Color::Auto, &with(&[("LANG", "en_US.UTF-8")])).mono);
        assert!(look(Color::Auto, &with(&[("NO_COLOR", "1")])).mono);
        assert!(!look(Color::Auto, &with(&[("NO_COLOR", "")])).mono);
        assert!(!look(Color::Always, &with(&[("NO_COLOR", "1")])).mono);
        assert!(look(Color::Never, &with(&[])).mono);
        if cfg!(target_os = "linux") {
            assert!(look(Color::Auto, &with(&[])).ascii && look(Color::Auto, &with(&[("LANG", "C")])).ascii);
            assert!(look(Color::Auto, &with(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")])).ascii);
            assert!(!look(Color::Auto, &with(&[("LC_CTYPE", "C.utf8")])).ascii);
        }
    }
}
