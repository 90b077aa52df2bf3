//! The commands for scripts, spreadsheets and set-up, as typed.

use std::path::PathBuf;

use clap::Args;

use crate::domain::{query::Filter, text::inert};

#[derive(Args, Debug)]
pub(in crate::cli) struct Status {
    /// Review file
    pub(in crate::cli) file: PathBuf,
    /// Print the counts as one JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Export {
    /// Review file; it is not changed
    pub(in crate::cli) file: PathBuf,
    /// File to write, its kind by its ending: .csv, .xlsx, .html, .md or .json. One that exists is never overwritten: the name
    /// gets a number
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) to: PathBuf,
    /// Only the changes this filter finds, as in onse show; for .csv, .xlsx and .json
    #[arg(long = "where", value_name = "FILTER", value_parser = Filter::parse, allow_hyphen_values = true)]
    pub(in crate::cli) filter: Option<Filter>,
    /// Every cell, those without a change too; for .csv and .xlsx
    #[arg(long, conflicts_with = "filter")]
    pub(in crate::cli) all: bool,
}

/// Longest name of who filled a spreadsheet in, in characters.
const LONGEST_NAME: usize = 100;

/// A name as it is kept and shown.
fn name(text: &str) -> Result<String, String> {
    let name = inert(text.trim()).into_owned();
    match name.chars().count() {
        0 => Err("write who filled it in".to_owned()),
        1..=LONGEST_NAME => Ok(name),
        count => Err(format!("a name has at most {LONGEST_NAME} characters, and this has {count}")),
    }
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Import {
    /// Review file
    pub(in crate::cli) file: PathBuf,
    /// Spreadsheet that onse export wrote from it, with verdicts filled in: .csv or .xlsx
    pub(in crate::cli) path: PathBuf,
    /// Who filled it in; kept with the decision beside who imports it. At most 100 characters
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(in crate::cli) by: Option<String>,
    /// Say what would be taken and what is refused; decides nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct History {
    /// Print the reviews as one JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// First drop files written elsewhere that are gone from the list; no file is touched
    #[arg(long)]
    pub(in crate::cli) forget_gone: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Init {}

#[derive(Args, Debug)]
pub(in crate::cli) struct Completions {
    /// Shell
    pub(in crate::cli) shell: clap_complete::Shell,
}
