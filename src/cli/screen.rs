//! Where the commands hand over to the full screen. The one place of the command line that knows it.

use std::{ffi::OsString, path::PathBuf, sync::Arc, time::Instant};

use anyhow::Result;

use super::{args::Color, exit::Exit, here::Here, out::say, submit::write_forms};
use crate::{
    job::{
        fetch::Ask,
        report::{Level, Sending},
        session::{Clock, Session},
    },
    tui::{
        model::{Look, Model, Run, Submit},
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
    /// What is to be read first; none where the file holds a plan.
    pub(super) ask: Option<Ask>,
    /// What is known of the review before it is read or opened.
    pub(super) run: Run,
    /// The log file, for the last words of a fault.
    pub(super) log: Option<PathBuf>,
    /// The first line of the status line, where there is something to say.
    pub(super) said: Option<String>,
}

/// Shows the review until the person leaves.
pub(super) async fn screen(here: &Here, opening: Opening) -> Result<Exit> {
    let Opening { session, ask, run, log, said } = opening;
    let (started, clock) = (Instant::now(), Arc::clone(&here.clock));
    let now = move || Now { at: clock().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), since: started.elapsed() };
    let username = run.account.clone();
    let first = if ask.is_some() { Cmd::Read } else { Cmd::Open };
    let mut performer =
        Performer::new(session.clone(), ask, username.clone(), forms_beside(username, Arc::clone(&here.clock)));
    let mut model = Model::new(run, look(here.global.color, &env), (0, 0));
    if let Some(said) = said {
        update(&mut model, Msg::Note(Level::Ok, said), &now());
    }
    let words = LastWords { log, review: Some(session.path().to_owned()) };
    match terminal::review(&mut model, &mut performer, &now, words, first).await {
        Ok(()) if !model.interrupted => return Ok(Exit::Done),
        Err(error) if !model.interrupted => return Err(error),
        Ok(()) => {}
        Err(error) => say(&format!("the review was left, because the terminal failed: {error:#}; decisions are saved")),
    }
    // What left this machine is known by the review file; one that holds no plan sent nothing.
    let standing = session.open().await.ok().and_then(|opened| opened.standing());
    Ok(interrupted(&model.submit, standing.as_ref()))
}

/// How a review ended that was left by ctrl-c or a signal (fault matrix rows K20 and K21).
fn interrupted(submit: &Submit, standing: Option<&Sending>) -> Exit {
    let cut = submit.is_sending() || submit.interrupts > 0;
    match standing {
        Some(sent) if cut || sent.accepted + sent.unknown > 0 => Exit::Partly,
        _ => Exit::Interrupted,
    }
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
    use crate::tui::model::Stage;

    #[test]
    fn an_interrupted_review_says_whether_something_is_open() {
        let sent = |unknown| Sending { changes: 3, applied: 3 - unknown, unknown, ..Sending::default() };
        let (idle, cut) = (Submit::default(), Submit { interrupts: 1, ..Submit::default() });
        let under_way = Submit { stage: Stage::Sending(sent(0)), ..Submit::default() };
        for (submit, standing, exit) in [
            (&idle, None, Exit::Interrupted),
            (&idle, Some(sent(0)), Exit::Interrupted),
            (&idle, Some(sent(1)), Exit::Partly),
            (&cut, None, Exit::Interrupted),
            (&cut, Some(sent(0)), Exit::Partly),
            (&under_way, None, Exit::Interrupted),
            (&under_way, Some(sent(0)), Exit::Partly),
        ] {
            assert_eq!(interrupted(submit, standing.as_ref()), exit, "{submit:?} {standing:?}");
        }
    }

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
