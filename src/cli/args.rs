//! Commands and flags as typed. What they do is elsewhere; what is wrong with them is said here, with exit code 2.
#![expect(clippy::doc_markdown, reason = "these comments are the help, printed as they stand")]

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use tracing::level_filters::LevelFilter;

use crate::{
    domain::{ledger::Act, quarter::Quarter, query::Filter},
    job::reach::{Finer, MOST},
};

mod data_sets;
mod files;
#[cfg(test)]
mod guides;

pub(super) use data_sets::{Chosen, DataSets};
pub(super) use files::{Completions, Export, History, Import, Init, Status};

/// Reads DHIS2 totals and CommCare facility cases, shows old against new, and submits what a person approved.
///
/// Without a command: the review of last quarter with the default profile.
#[derive(Debug, Parser)]
#[command(name = "onse", version = VERSION, after_help = EXITS, disable_help_subcommand = true)]
pub(super) struct Line {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// Version, and the commit it was built from (`build.rs`).
pub(super) const VERSION: &str = env!("ONSE_VERSION");

/// Exit codes, for the help.
const EXITS: &str = "Exit codes: 0 done or nothing to do, 1 error before any change, 2 wrong usage, settings or mapping, \
3 changes wait for approval, 4 partly applied or not verified, 5 some approved cells were held because their case changed meanwhile, and the others, if any, \
were applied (or some rows of a spreadsheet were refused), 6 refused by an open STOP, \
130 interrupted.";

/// Flags every command takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Global {
    /// Profile to use; else ONSE_PROFILE, else default_profile of the settings
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Settings file; else ONSE_CONFIG, else config.toml in the usual place
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) config: Option<PathBuf>,
    /// Mapping file; else the profile's, else case_property_map.csv here, else the built-in one
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) mapping: Option<PathBuf>,
    /// Where servers are asked: ask for both secrets at the terminal instead of taking those that are kept; what is typed is kept nowhere
    #[arg(long, global = true)]
    pub(super) ask: bool,
    /// How much is written to logs/onse.log in the data folder: off, error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    pub(super) log_level: LevelFilter,
    /// Colour on screen
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// Unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// The review against a built-in sandbox: no network, no credentials, nothing to set up
    Demo(Demo),
    /// Review a quarter: opens FILE, else the newest unfinished review of the same scope, else reads both sides
    Review(Review),
    /// Read both sides into a review file, without a screen
    Plan(Plan),
    /// Print a review
    Show(Show),
    /// Where a review stands: decided, flagged, sent, applied; on one screen
    Status(Status),
    /// Approve, reject or clear the changes a filter finds; choose 0 for cells that read (0?)
    Decide(Decide),
    /// Send the approved changes and read them back
    Submit(Submit),
    /// Make a new review that puts back what CommCare held before FILE, where what FILE wrote still stands. Sends nothing
    Undo(Undo),
    /// Read the cases back and settle what is open; sends nothing
    Verify(Verify),
    /// Write a review to a file: .csv or .xlsx for a spreadsheet, .html or .md to sign off, .json for programs
    Export(Export),
    /// Take verdicts back from an exported .csv or .xlsx, as one decision
    Import(Import),
    /// The reviews on this machine, also those written elsewhere with -o: quarter, project, counts, when, who
    History(History),
    /// What DHIS2 holds for every row of the mapping: its data set, or what could stand there. Changes ids that were chosen, with --write only
    DataSets(DataSets),
    /// Settings, secrets, both servers, permissions and mapping: one line for each, with what to do. Writes nothing
    Check(Check),
    /// Ask for addresses and names, check them, and write a profile; or give a profile its secrets anew
    Init(Init),
    /// Both servers on this machine, to try things by hand or from other programs; runs until interrupted
    Sandbox(Sandbox),
    /// Print the completion script of a shell
    Completions(Completions),
    /// Print the manual page
    Man,
}

/// The country of the sandbox.
#[derive(Args, Clone, Debug)]
pub(super) struct Country {
    /// Number of facilities
    #[arg(long, value_name = "N", default_value_t = crate::sandbox::FACILITIES, value_parser = facilities)]
    pub(super) facilities: usize,
    /// The same seed gives the same country
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(super) seed: u64,
    /// Release of DHIS2 it answers as: 2.30, 2.36, 2.38, 2.40, 2.42 or 2.43
    #[arg(long, value_name = "VERSION", default_value_t)]
    pub(super) dhis2_version: crate::sandbox::Version,
    /// What befalls which requests, WHAT@WHERE:WHICH with commas between: a status (429, 503, 401 ...), page, reset, cut, stall or
    /// late=SECONDS; at dhis2, hq, values, cases, forms or a part of the path; the 2nd, 2-4, 3- or 10% of them. Such as
    /// 429@values:1-2,reset@forms:1
    #[arg(long, value_name = "SPEC", value_parser = crate::sandbox::Faults::parse)]
    pub(super) faults: Option<crate::sandbox::Faults>,
}

impl Default for Country {
    fn default() -> Self {
        Self {
            facilities: crate::sandbox::FACILITIES,
            seed: 1,
            dhis2_version: crate::sandbox::Version::default(),
            faults: None,
        }
    }
}

/// Which facilities of which quarter.
#[derive(Args, Clone, Debug)]
pub(super) struct Scope {
    /// Quarter, such as 2026Q2, 2026-Q2 or "Q2 2026" [default: the last finished one]
    #[arg(long, value_name = "QUARTER", value_parser = Quarter::parse)]
    pub(super) period: Option<Quarter>,
    /// Take a quarter that is not over yet
    #[arg(long)]
    pub(super) allow_unfinished: bool,
    /// Only this facility, by name, case id or organisation unit id; may be given again
    #[arg(long = "facility", value_name = "ID_OR_NAME")]
    pub(super) facilities: Vec<String>,
}

/// What is read beside the totals of the quarter.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Further {
    /// Where the quarter has no value, propose the newest of the N quarters before, with its quarter named; 0 to 8
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=i64::from(MOST)))]
    pub(super) look_back: u8,
    /// Read no earlier quarters: no comparison with the usual
    #[arg(long)]
    pub(super) no_history: bool,
    /// What becomes of a data set that is not quarterly: sum, last, average, by-type or leave-out; may be given again
    #[arg(long, value_name = "DATA_SET=CHOICE", value_parser = finer)]
    pub(super) finer: Vec<(String, Finer)>,
    /// Review of an earlier quarter whose accepted flags count, in place of those of the quarter before in the data folder
    #[arg(long, value_name = "FILE")]
    pub(super) previous: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct Review {
    /// Review file to open
    #[arg(conflicts_with_all = ["new", "period", "allow_unfinished", "facilities", "look_back", "no_history", "finer", "previous"])]
    pub(super) file: Option<PathBuf>,
    /// Read both sides into a new review, even where an unfinished one is there
    #[arg(long, conflicts_with = "offline")]
    pub(super) new: bool,
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) further: Further,
    /// Touch no network: look and decide only
    #[arg(long)]
    pub(super) offline: bool,
    /// In lines instead of the full screen: for screen readers, serial lines and terminals that cannot be drawn on
    #[arg(long)]
    pub(super) plain: bool,
}

/// The demo.
#[derive(Args, Debug)]
pub(super) struct Demo {
    #[command(flatten)]
    pub(super) country: Country,
    /// In lines instead of the full screen
    #[arg(long)]
    pub(super) plain: bool,
}

#[derive(Args, Debug)]
pub(super) struct Plan {
    /// Review file to write [default: in the data folder]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) further: Further,
    /// Print the plan as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Print every request as a curl command, secrets as variables; the plan is made as usual and told on standard error
    #[arg(long)]
    pub(super) curl: bool,
}

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line, at most one of which says the form")]
pub(super) struct Show {
    /// Review file
    pub(super) file: PathBuf,
    /// Every cell of this facility: name, part of it, case id or organisation unit id
    #[arg(long, value_name = "ID_OR_NAME")]
    pub(super) facility: Option<String>,
    /// Every cell of this property
    #[arg(long, value_name = "NAME")]
    pub(super) property: Option<String>,
    /// The changes this filter finds: plain words of names and ids, prop:NAME, is:left, is:stop, flag:T4, state:not_reported,
    /// 'change>50%', 'change<1,000', 'usual>3', old:0, new:-, note:WORD …; each word narrows it, -word turns one round
    #[arg(long = "where", value_name = "FILTER", value_parser = Filter::parse, allow_hyphen_values = true)]
    pub(super) filter: Option<Filter>,
    /// One JSON object; without a filter every cell
    #[arg(long)]
    pub(super) json: bool,
    /// Comma-separated values, a line for each cell; without a filter the changes
    #[arg(long, conflicts_with = "json")]
    pub(super) csv: bool,
    /// The exact bytes of the forms as they stand now, for a file or another program, not for a terminal; form id and times are
    /// made at sending
    #[arg(long, conflicts_with_all = ["json", "csv", "facility", "property", "filter"])]
    pub(super) xml: bool,
    /// Everything that was decided, sent and read back, in order, with who and when; also of a damaged file
    #[arg(long, conflicts_with_all = ["xml", "csv", "facility", "property", "filter"])]
    pub(super) trail: bool,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("act").required(true).multiple(false))]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line, of which exactly one is given")]
pub(super) struct Decide {
    /// Review file
    pub(super) file: PathBuf,
    /// Which changes: plain words of names and ids, prop:NAME, is:left, is:stop, flag:T4, 'change<20%', 'usual>3', old:0 …; each
    /// word narrows it, -word turns one round; "" for all. A filter that finds one change and names its facility and its prop:
    /// decides it alone; any other is a bulk decision
    #[arg(long = "where", value_name = "FILTER", value_parser = Filter::parse, allow_hyphen_values = true)]
    pub(super) filter: Filter,
    /// Will be written
    #[arg(long, group = "act")]
    pub(super) approve: bool,
    /// Write 0 for cells that read (0?), where DHIS2 may not have stored one; no other cell is taken
    #[arg(long, group = "act")]
    pub(super) zero: bool,
    /// The case keeps its old value; cells that read (0?) are taken only by state:zero_not_stored, or one by its name
    #[arg(long, group = "act")]
    pub(super) reject: bool,
    /// Back to undecided
    #[arg(long, group = "act")]
    pub(super) clear: bool,
    /// The STOP of a whole property, named by prop: alone, is right all the same; with a reason. Until then its changes are
    /// approved one at a time
    #[arg(long, group = "act")]
    pub(super) settle: bool,
    /// Why; a STOP is approved one at a time, named by facility and prop:, and with a reason
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}

impl Decide {
    pub(super) fn act(&self) -> Act {
        match (self.approve, self.zero, self.reject) {
            (true, ..) => Act::Approve,
            (_, true, _) => Act::Zero,
            (.., true) => Act::Reject,
            _ => Act::Clear,
        }
    }
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("how").required(true).multiple(false))]
pub(super) struct Submit {
    /// Review file
    pub(super) file: PathBuf,
    /// Send. N must be the number of approved changes, zeros included, or of those not sent yet
    #[arg(long, value_name = "N", group = "how")]
    pub(super) write: Option<usize>,
    /// Write the forms as they stand now into this new or empty folder; sends nothing, touches no network
    #[arg(long, value_name = "DIR", group = "how")]
    pub(super) dry_run: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Verify {
    /// Review file
    pub(super) file: PathBuf,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Undo {
    /// Review file of what is undone; it is not changed
    pub(super) file: PathBuf,
    /// Review file to write; it is reviewed and submitted like any other
    #[arg(short, long, value_name = "FILE2")]
    pub(super) output: PathBuf,
    /// Print what is and is not put back as one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Check {
    /// Print the lines as one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Sandbox {
    /// Port on this machine; 0 for any free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) port: u16,
    #[command(flatten)]
    pub(super) country: Country,
    /// Pause before every answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=600_000))]
    pub(super) latency: u64,
    /// Compress answers for those who ask for it
    #[arg(long)]
    pub(super) gzip: bool,
    /// Print addresses, accounts and settings as one line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Enough for any real country, and few enough to be made while one waits.
fn facilities(text: &str) -> Result<usize, String> {
    let count: usize = text.parse().map_err(|_| "a whole number is needed, such as 1106".to_owned())?;
    if (1..=200_000).contains(&count) { Ok(count) } else { Err("1 to 200000 facilities can be made".to_owned()) }
}

fn finer(text: &str) -> Result<(String, Finer), String> {
    let wrong = || {
        let words: Vec<&str> = Finer::WORDS.iter().map(|(word, _)| *word).collect();
        format!("a data set id, =, and one of {} are needed, such as rkyO2EAX45C=sum", words.join(", "))
    };
    let (set, word) = text.split_once('=').ok_or_else(wrong)?;
    let finer = Finer::parse(word.trim()).ok_or_else(wrong)?;
    let set = set.trim();
    if set.is_empty() { Err(wrong()) } else { Ok((set.to_owned(), finer)) }
}

/// The name of the first argument that carries a secret, such as `--password`; never its value (fault matrix row X01).
pub(super) fn secret(args: &[OsString]) -> Option<String> {
    let args = args.iter().skip(1).map(|arg| arg.to_string_lossy()).take_while(|arg| arg != "--");
    args.filter_map(|arg| {
        arg.strip_prefix("--").map(|rest| rest.split(['=', ':', ' ']).next().unwrap_or(rest).to_owned())
    })
    .find(|name| {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let within = ["password", "passwd", "passphrase", "token", "secret", "apikey", "credential"];
        within.iter().any(|word| letters.contains(word)) || matches!(&*letters, "pass" | "pwd" | "pw" | "key" | "auth")
    })
    .map(|name| format!("--{name}"))
}

#[cfg(test)]
mod tests;
