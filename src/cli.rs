//! The command line: what was typed, which command does it, where words go, and the exit code. The work itself is in `job`.

mod args;
mod check;
mod completions;
mod data_sets;
mod decide;
mod dry_run;
mod elsewhere;
mod exit;
mod export;
mod here;
mod history;
mod import;
mod init;
mod log;
mod mapped;
mod notify;
mod out;
mod plain;
mod private;
mod progress;
mod prompt;
mod read;
mod review;
mod sandbox;
mod screen;
mod settle;
mod show;
mod signals;
mod status;
mod submit;
mod trail;
mod undo;
mod verify;
mod viewed;

use std::{ffi::OsString, io::Write as _};

use anyhow::{Context as _, Result};
use clap::Parser as _;

pub use exit::Exit;

use self::{
    args::{Command, Line},
    exit::{leaves_unsaid, told},
    here::Here,
    notify::Told,
    out::{Out, results, say},
};
use crate::{
    domain::text::inert,
    io::http::{Failure, Why},
};

/// Runs the command line `args`, the program's own name first, and says how it ended.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    private::no_memory_in_dumps();
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(name) = args::secret(&args) {
        say(&format!(
            "{name}: a secret is not taken as an argument, because process lists and the shell's history show it. Set \
             ONSE_DHIS2_PASSWORD, ONSE_DHIS2_TOKEN, ONSE_COMMCARE_API_KEY or ONSE_COMMCARE_PASSWORD, or write it into secrets.toml beside the \
             settings. Nothing was done; if that was the real one, change it."
        ));
        return Exit::Usage;
    }
    let line = match Line::try_parse_from(args) {
        Ok(line) => line,
        Err(told) => {
            // Nothing can be done about a reader of the help that left.
            let _ = told.print();
            return if told.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let mut out = results();
    let here = Here::new(line.global);
    let run = Told::of(line.command.as_ref(), &here);
    let ended = perform(&here, line.command.as_ref(), &mut out).and_then(|exit| {
        let lost = "the result could not be written; what the command did stands";
        out.flush().with_context(|| told(if exit == Exit::Done { Exit::Failed } else { exit }, lost))?;
        Ok(exit)
    });
    let exit = ended.as_ref().map_or_else(Exit::of, |exit| *exit);
    let error = ended.err();
    if let Some(error) = &error {
        // What was printed before stays: it is true. A result that cannot be written was said already.
        let _ = out.flush();
        tracing::error!(exit = exit.code(), "{}", inert(&format!("{error:#}")));
        complain(error);
    }
    if let Some(run) = run {
        notify::after(&here, &run, exit, error.as_ref());
    }
    exit
}

fn perform(here: &Here, command: Option<&Command>, out: &mut Out) -> Result<Exit> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the program could not start")?;
    runtime.block_on(dispatch(here, command, out))
}

async fn dispatch(here: &Here, command: Option<&Command>, out: &mut Out) -> Result<Exit> {
    match command {
        None => review::first(here, out).await,
        Some(Command::Demo(args)) => review::demo(here, args).await,
        Some(Command::Review(args)) => review::review(here, args).await,
        Some(Command::Plan(args)) => read::plan(here, args, out).await,
        Some(Command::Show(args)) => show::show(here, args, out),
        Some(Command::Decide(args)) => decide::decide(here, args, out).await,
        Some(Command::Submit(args)) => submit::submit(here, args, out).await,
        Some(Command::Verify(args)) => verify::verify(here, args, out).await,
        Some(Command::Undo(args)) => Box::pin(undo::undo(here, args, out)).await,
        Some(Command::DataSets(args)) => data_sets::data_sets(here, args, out).await,
        Some(Command::Check(args)) => check::check(here, args, out).await,
        Some(Command::Status(args)) => status::status(here, args, out),
        Some(Command::Export(args)) => export::export(here, args, out),
        Some(Command::Import(args)) => import::import(here, args, out).await,
        Some(Command::History(args)) => history::history(here, args, out),
        Some(Command::Init(args)) => init::init(here, args, out).await,
        Some(Command::Completions(args)) => completions::completions(args, out),
        Some(Command::Man) => completions::man(out),
        Some(Command::Sandbox(args)) => sandbox::serve(here, args, out).await,
    }
}

/// The error as one chain of sentences, and that nothing was changed where that is so and the error does not say it.
fn complain(error: &anyhow::Error) {
    say(&format!("onse: {error:#}"));
    if sign_in(error) {
        say("onse check says where each secret is from.");
    }
    if leaves_unsaid(error) {
        say("Nothing was changed.");
    }
}

/// Whether a sign-in was refused: its secret may come from another place than the one that was meant.
fn sign_in(error: &anyhow::Error) -> bool {
    let of = |failure: &Failure| matches!(*failure.why, Why::SignIn { .. });
    error.chain().any(|cause| cause.downcast_ref().is_some_and(of))
}
