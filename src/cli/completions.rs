//! `onse completions` and `onse man`: what the command line is, for shells and for `man`.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};
use clap_mangen::{
    Man,
    roff::{Inline, Roff, bold, italic, roman},
};

use super::{
    args::{self, Line},
    exit::Exit,
    out::Out,
};

/// The program as shells and the manual know it.
const NAME: &str = "onse";

pub(super) fn completions(args: &args::Completions, out: &mut Out) -> Result<Exit> {
    // Made in memory: a reader that leaves early is no fault of the generator's.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Line::command(), NAME, &mut script);
    out.write_all(&script)?;
    Ok(Exit::Done)
}

/// What the program answers with.
const EXITS: [(&str, &str); 8] = [
    ("0", "Done, or nothing to do."),
    ("1", "An error before any change."),
    ("2", "Wrong usage, settings or mapping."),
    ("3", "Changes wait for approval or to be sent, or some facilities could not be read (plan, status, undo)."),
    ("4", "Partly applied or not verified; of status also: a form is not settled. Where 3 holds as well it is 4."),
    ("5", "Some approved cells were held because their case changed meanwhile; the others, if any, were applied."),
    ("6", "Every change asked for was refused by an open STOP."),
    ("130", "Interrupted."),
];

/// What it reads and writes.
const FILES: [(&str, &str); 8] = [
    (
        "config.toml",
        "Settings, in the configuration folder of the platform (~/.config/onse on Linux). Never holds a secret.",
    ),
    ("secrets.toml", "Secrets, beside the settings; mode 0600, refused where others can read it."),
    ("case_property_map.csv", "The mapping, in the current folder, where neither --mapping nor the profile names one."),
    (
        "DATA/reviews/PROJECT/*.review",
        "Review files, in the data folder of the platform (~/.local/share/onse on Linux). Each is one SQLite file and holds no secret.",
    ),
    (
        "DATA/runs/*.txt, *.json",
        "What each run of plan, submit, verify, undo, import and of a review that sent something came to; the newest 100 runs.",
    ),
    ("DATA/logs/onse.log", "What was asked and answered."),
    ("DATA/known.sqlite", "What earlier runs came to know of earlier quarters; may be deleted."),
    (
        "notify",
        "In a profile of the settings: a program and its arguments, run after each of those runs with the text on standard input.",
    ),
];

/// What it takes from the environment.
const ENVIRONMENT: [(&str, &str); 10] = [
    ("ONSE_CONFIG", "The settings file; --config stands above it."),
    ("ONSE_PROFILE", "The profile; --profile stands above it."),
    ("ONSE_DATA_DIR", "The data folder."),
    ("ONSE_DHIS2_PASSWORD, ONSE_DHIS2_TOKEN", "How to sign in to DHIS2. Secrets are never taken as arguments."),
    ("ONSE_COMMCARE_API_KEY, ONSE_COMMCARE_PASSWORD", "How to sign in to CommCare HQ."),
    ("ONSE_KEYRING", "off: the system keyring is not asked."),
    ("HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "The way to the servers."),
    ("NO_COLOR", "Set to anything: no colour, unless --color always."),
    ("LC_ALL, LC_CTYPE, LANG", "Whether signs beyond ASCII are drawn."),
    (
        "ONSE_RUN_COMMAND, ONSE_RUN_EXIT, ONSE_RUN_JSON",
        "Set for the program of notify: the command that ran, its exit code, and the path of its summary as JSON.",
    ),
];

pub(super) fn man(out: &mut Out) -> Result<Exit> {
    let page = page().context("the manual page could not be made")?;
    out.write_all(&page)?;
    Ok(Exit::Done)
}

/// One page of all commands: a section for the program, one for the commands with each command and its flags, and what all share.
fn page() -> Result<Vec<u8>> {
    let mut program = Line::command().disable_help_flag(true).disable_version_flag(true);
    program.build();
    let source = format!("{NAME} {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(program.clone()).source(source).manual("User Commands");
    let mut to = Vec::new();
    man.render_title(&mut to)?;
    man.render_name_section(&mut to)?;
    synopsis(&mut to)?;
    man.render_description_section(&mut to)?;
    let mut commands = Roff::new();
    commands.control("SH", ["COMMANDS"]);
    for command in program.get_subcommands() {
        describe(command, &mut commands);
    }
    commands.control("SH", ["OPTIONS OF EVERY COMMAND"]);
    flags(&program, true, &mut commands);
    for (title, rows) in [("EXIT STATUS", &EXITS[..]), ("FILES", &FILES), ("ENVIRONMENT", &ENVIRONMENT)] {
        commands.control("SH", [title]);
        for (name, text) in rows {
            entry(vec![bold(*name)], text, &mut commands);
        }
    }
    commands.to_writer(&mut to)?;
    Ok(to)
}

fn synopsis(to: &mut Vec<u8>) -> Result<()> {
    let mut page = Roff::new();
    page.control("SH", ["SYNOPSIS"]);
    page.text([bold(NAME), roman(" ["), italic("COMMAND"), roman("] ["), italic("OPTIONS"), roman("]")]);
    Ok(page.to_writer(to)?)
}

/// A command: how it is typed, what it does, and its own flags.
fn describe(command: &Command, page: &mut Roff) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace('\n', " ");
    page.control("SS", [format!("{NAME} {}", command.get_name()).as_str()]);
    page.text([bold(usage.split_whitespace().collect::<Vec<_>>().join(" "))]);
    page.control("PP", []);
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    page.text([roman(ended(&about))]);
    flags(command, false, page);
}

/// The arguments of a command: those of every command, or only its own.
fn flags(command: &Command, global: bool, page: &mut Roff) {
    for arg in command.get_arguments().filter(|arg| arg.is_global_set() == global && !arg.is_hide_set()) {
        if matches!(arg.get_id().as_str(), "help" | "version") {
            continue;
        }
        let mut name: Vec<Inline> = Vec::new();
        if let Some(short) = arg.get_short() {
            name.extend([bold(format!("-{short}")), roman(", ")]);
        }
        if let Some(long) = arg.get_long() {
            name.push(bold(format!("--{long}")));
        }
        let takes = arg.get_num_args().is_some_and(|number| number.takes_values());
        if takes || arg.is_positional() {
            let value = arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>();
            if !name.is_empty() {
                name.push(roman(" "));
            }
            name.push(italic(value.join(" ")));
        }
        let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        entry(name, &(ended(&help) + &more(arg)), page);
    }
}

/// The default of a flag and what it may be.
fn more(arg: &clap::Arg) -> String {
    let words: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let takes = arg.get_num_args().is_some_and(|number| number.takes_values());
    let values = if words.is_empty() || !takes { String::new() } else { format!(" One of {}.", words.join(", ")) };
    let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = if default.is_empty() || !takes { String::new() } else { format!(" Default {}.", default.join(" ")) };
    values + &default
}

fn entry(name: Vec<Inline>, text: &str, page: &mut Roff) {
    page.control("TP", []);
    page.text(name);
    page.text([roman(text)]);
}

/// A sentence with its full stop.
fn ended(text: &str) -> String {
    // Readers of manual pages are not all told that the page is in UTF-8.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('…', "...");
    if text.is_empty() || text.ends_with(['.', ']', '"']) { text } else { text + "." }
}
