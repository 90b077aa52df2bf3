//! Where a key is looked up: which scopes there are, and which of them have the keys together.

use Scope as S;

use crate::tui::{
    layout::Shape,
    model::{Ask, Model, Over, Stage, Sure},
    screen::{Focus, Screen},
};

/// Where a key is looked up. The innermost scope wins; [`scopes`] lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Even in a prompt.
    Always,
    /// Wherever no prompt or question has the keys.
    Everywhere,
    /// Wherever rows can be moved through.
    Lists,
    /// Properties and Facilities.
    Review,
    /// Overview with a review.
    Overview,
    /// Overview while reading.
    Reading,
    /// Overview when reading stopped or failed.
    Unread,
    /// Properties.
    Properties,
    /// Facilities.
    Facilities,
    /// Submit, when the count is awaited.
    Ready,
    /// Submit, while forms are sent.
    Sending,
    /// Submit, when nothing runs and nothing is awaited.
    Settled,
    /// Submit, whatever it is at.
    Submit,
    /// Data sets.
    DataSets,
    /// Data sets, in the rows of the mapping.
    Mapped,
    /// Data sets, in the candidates of a row.
    Candidates,
    /// A list over the screen of words for the filter.
    Picks,
    /// A list of changes over the screen.
    Changes,
    /// A question in the footer by what the lists are sorted.
    Order,
    /// A question in the footer.
    Question,
    /// A question in the footer that asks for zeros or the old values.
    Choice,
    /// A question in the footer what is made of a data set that is not quarterly.
    Months,
    /// A prompt in the footer.
    Prompt,
    /// The help.
    Help,
    /// The message log or another list over the screen.
    Over,
    /// The window is too small.
    Small,
}

impl Scope {
    /// Where it is, in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Always => "everywhere, even in a prompt",
            Self::Everywhere => "everywhere",
            Self::Lists => "lists",
            Self::Review => "Properties and Facilities",
            Self::Overview => "Overview",
            Self::Reading => "Overview while reading",
            Self::Unread => "Overview when reading stopped",
            Self::Properties => "Properties",
            Self::Facilities => "Facilities",
            Self::Ready => "Submit, before",
            Self::Sending => "Submit, under way",
            Self::Settled => "Submit, afterwards",
            Self::Submit => "Submit",
            Self::DataSets => "Data sets",
            Self::Mapped => "Data sets, in the rows",
            Self::Candidates => "Data sets, in the candidates",
            Self::Picks => "the list of flags and marks",
            Self::Changes => "a list of changes",
            Self::Order => "the question about the order",
            Self::Question => "a question",
            Self::Choice => "the question about (0?)",
            Self::Months => "the question about months",
            Self::Prompt => "a prompt",
            Self::Help => "the help",
            Self::Over => "messages and other lists over the screen",
            Self::Small => "a window that is too small",
        }
    }

    /// Whether letters are typed there, so that a key cannot be anything else.
    pub fn is_typed(self) -> bool {
        matches!(self, Self::Prompt | Self::Help)
    }
}

/// Scopes that have the keys together, innermost first.
pub type Stack = &'static [Scope];

const SMALL: Stack = &[S::Small, S::Always];
const QUESTION: Stack = &[S::Question, S::Always];
const CHOICE: Stack = &[S::Choice, S::Always];
const MONTHS: Stack = &[S::Months, S::Always];
const ORDER: Stack = &[S::Order, S::Always];
const PROMPT: Stack = &[S::Prompt, S::Always];
const HELP: Stack = &[S::Help, S::Always];
const PICKS: Stack = &[S::Picks, S::Over, S::Lists, S::Everywhere, S::Always];
const CHANGES: Stack = &[S::Changes, S::Over, S::Lists, S::Everywhere, S::Always];
const COVERED: Stack = &[S::Over, S::Lists, S::Everywhere, S::Always];
const READING: Stack = &[S::Reading, S::Everywhere, S::Always];
const UNREAD: Stack = &[S::Unread, S::Everywhere, S::Always];
const OVERVIEW: Stack = &[S::Overview, S::Lists, S::Everywhere, S::Always];
const PROPERTIES: Stack = &[S::Properties, S::Review, S::Lists, S::Everywhere, S::Always];
const FACILITIES: Stack = &[S::Facilities, S::Review, S::Lists, S::Everywhere, S::Always];
const SETTLED: Stack = &[S::Settled, S::Submit, S::Lists, S::Everywhere, S::Always];
const READY: Stack = &[S::Ready, S::Submit, S::Everywhere, S::Always];
const SENDING: Stack = &[S::Sending, S::Submit, S::Lists, S::Everywhere, S::Always];
const CHECKING: Stack = &[S::Everywhere, S::Always];
const DATA_SETS: Stack = &[S::Mapped, S::DataSets, S::Lists, S::Everywhere, S::Always];
const CANDIDATES: Stack = &[S::Candidates, S::DataSets, S::Lists, S::Everywhere, S::Always];
// What is asked stands under a list that may be longer than the window.
const WRITING: Stack = &[S::Question, S::Lists, S::Always];

/// Every one of them.
pub const STACKS: [Stack; 22] = [
    SMALL, QUESTION, CHOICE, MONTHS, ORDER, PROMPT, HELP, PICKS, CHANGES, COVERED, READING, UNREAD, OVERVIEW,
    PROPERTIES, FACILITIES, SETTLED, READY, SENDING, CHECKING, DATA_SETS, CANDIDATES, WRITING,
];

/// The scopes that have the keys now, innermost first.
pub fn scopes(model: &Model) -> Stack {
    if model.layout().shape == Shape::TooSmall {
        return SMALL;
    }
    match &model.ask {
        Some(Ask::Sure { sure: Sure::Write { .. }, .. }) => return WRITING,
        Some(Ask::Bulk(_) | Ask::Leave | Ask::Sure { .. }) => return QUESTION,
        Some(Ask::Zeros(_)) => return CHOICE,
        Some(Ask::Finer(_)) => return MONTHS,
        Some(Ask::Sort) => return ORDER,
        Some(Ask::Reason { .. } | Ask::Settle { .. } | Ask::Filter { .. } | Ask::Note { .. } | Ask::Words { .. }) => {
            return PROMPT;
        }
        None => {}
    }
    match &model.over {
        Some(Over::Help { .. }) => return HELP,
        Some(Over::Picks { .. }) => return PICKS,
        Some(Over::Changes(_)) => return CHANGES,
        Some(_) => return COVERED,
        None => {}
    }
    screen_scopes(model)
}

/// The scopes of the screen itself, whatever covers it.
pub(super) fn screen_scopes(model: &Model) -> Stack {
    match (model.screen, &model.submit.stage) {
        (Screen::Overview, _) if model.reading.is_some() => READING,
        (Screen::Overview, _) if model.review.is_none() => UNREAD,
        (Screen::Overview, _) => OVERVIEW,
        (Screen::Properties, _) => PROPERTIES,
        (Screen::Facilities, _) => FACILITIES,
        // Without a count to type its digits are keys like any other.
        (Screen::Submit, Stage::Ready(check)) if check.changes == 0 => SETTLED,
        (Screen::Submit, Stage::Ready(_)) => READY,
        (Screen::Submit, Stage::Sending(_)) => SENDING,
        (Screen::Submit, Stage::Checking) => CHECKING,
        (Screen::Submit, _) => SETTLED,
        (Screen::DataSets, _) if model.focus == Focus::Cells => CANDIDATES,
        (Screen::DataSets, _) => DATA_SETS,
    }
}
