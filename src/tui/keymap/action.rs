//! What a person can do, and the names of it in `[keys]` of the settings.

use crate::{domain::query::Sort, job::reach::Finer, tui::screen::Screen};

/// What a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a tab.
    Tab(Screen),
    /// Next pane.
    NextPane,
    /// Previous pane.
    PreviousPane,
    /// Help for this screen.
    Help,
    /// Back; on a tab: leave.
    Back,
    /// Close what is open, clear the filter. Never decides, never leaves.
    Escape,
    /// Leave; while sending: stop, abandon, leave.
    Interrupt,
    /// Give the terminal to the shell.
    Suspend,
    /// Draw again.
    Redraw,
    /// The message log.
    Log,
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// Into the properties.
    Into,
    /// Back to the list.
    Out,
    /// Next property.
    NextProperty,
    /// Previous property.
    PreviousProperty,
    /// Open what the cursor is on.
    Open,
    /// Next undecided.
    Next,
    /// Previous undecided.
    Previous,
    /// Next flagged and undecided.
    NextFlag,
    /// Previous flagged and undecided.
    PreviousFlag,
    /// Approve what the cursor is on.
    Approve,
    /// Reject what the cursor is on.
    Reject,
    /// Back to undecided.
    Clear,
    /// Approve 0 for a cell that reads `(0?)`.
    Zero,
    /// 0 or the old value for all cells of the facility or property that read `(0?)`; asks.
    ZeroAll,
    /// Approved or undecided, the cursor stays.
    Toggle,
    /// Approve all shown; asks.
    ApproveAll,
    /// Reject all shown; asks.
    RejectAll,
    /// Clear all shown; asks.
    ClearAll,
    /// Take back the last decision.
    Undo,
    /// Do it again.
    Redo,
    /// Type a filter.
    Filter,
    /// Show or hide what is unchanged.
    Unchanged,
    /// Choose flags, states and marks to show.
    Pick,
    /// Put a word into the filter, or take it out.
    Choose,
    /// Ask by what the lists are sorted.
    Sort,
    /// Sort by this.
    By(Sort),
    /// Widen the pane that has the keys; again: back.
    Widen,
    /// Begin a range at the cursor, or give it up.
    Range,
    /// The same, one row down.
    RangeDown,
    /// The same, one row up.
    RangeUp,
    /// A note on what the cursor is on.
    Note,
    /// Copy the row; on Submit the form as a curl command.
    Copy,
    /// Copy the facility; on Submit the form's XML.
    CopyAll,
    /// Write what is shown to a file.
    Export,
    /// List every change that would be written.
    ListAll,
    /// List those with a flag.
    ListFlagged,
    /// Read both sides again; a reading that was stopped goes on.
    Read,
    /// Stop reading; what came is kept.
    StopReading,
    /// A digit of the count.
    Digit,
    /// Take back a digit.
    Erase,
    /// Send, if the count matches.
    Send,
    /// Write the forms to a folder instead.
    WriteForms,
    /// Make the checks again.
    Check,
    /// Settle what was sent and whose fate is open: the same bytes again, or reading back.
    Settle,
    /// Pause between forms, or go on.
    Pause,
    /// Stop after this form.
    StopAfterForm,
    /// Do what was asked.
    Yes,
    /// Write 0 for what was asked.
    Zeros,
    /// Keep the old values of what was asked.
    KeepOld,
    /// Make this of the data set that was asked for.
    Make(Finer),
    /// Take back what was chosen for it.
    TakeBack,
    /// Choose the candidate under the cursor for its row of the mapping.
    Take,
    /// Values of the candidates for a facility.
    Values,
    /// Search all data sets.
    Search,
    /// Show what would change in the mapping file, and ask whether to write it.
    WriteMapping,
    /// Take what was typed.
    Accept,
    /// Take the last reason again.
    Again,
    /// Run what is selected in the help.
    Run,
}

impl Action {
    /// Its name in `[keys]`, in lower case with hyphens. Kept: settings files hold it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tab(Screen::Overview) => "tab-overview",
            Self::Tab(Screen::Properties) => "tab-properties",
            Self::Tab(Screen::Facilities) => "tab-facilities",
            Self::Tab(Screen::Submit) => "tab-submit",
            Self::Tab(Screen::DataSets) => "tab-data-sets",
            Self::NextPane => "next-pane",
            Self::PreviousPane => "previous-pane",
            Self::Help => "help",
            Self::Back => "leave",
            Self::Escape => "close",
            Self::Interrupt => "interrupt",
            Self::Suspend => "suspend",
            Self::Redraw => "redraw",
            Self::Log => "messages",
            Self::Down => "down",
            Self::Up => "up",
            Self::HalfDown => "page-down",
            Self::HalfUp => "page-up",
            Self::First => "first",
            Self::Last => "last",
            Self::Into => "into",
            Self::Out => "out",
            Self::NextProperty => "next-property",
            Self::PreviousProperty => "previous-property",
            Self::Open => "open",
            Self::Widen => "widen",
            _ => self.deed(),
        }
    }

    /// The name of one that does more than look.
    fn deed(self) -> &'static str {
        match self {
            Self::Next => "next-left",
            Self::Previous => "previous-left",
            Self::NextFlag => "next-flag",
            Self::PreviousFlag => "previous-flag",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Clear => "clear",
            Self::Zero => "zero",
            Self::ZeroAll => "zero-all",
            Self::Toggle => "toggle",
            Self::ApproveAll => "approve-all",
            Self::RejectAll => "reject-all",
            Self::ClearAll => "clear-all",
            Self::Undo => "undo",
            Self::Redo => "redo",
            Self::Filter => "filter",
            Self::Unchanged => "unchanged",
            Self::Pick => "flags",
            Self::Choose => "choose",
            Self::Sort => "sort",
            Self::Range => "range",
            Self::RangeDown => "range-down",
            Self::RangeUp => "range-up",
            Self::Note => "note",
            Self::Copy => "copy",
            Self::CopyAll => "copy-all",
            Self::Export => "export",
            Self::ListAll => "list-all",
            Self::ListFlagged => "list-flagged",
            Self::Read => "read-again",
            Self::StopReading => "stop-reading",
            Self::Digit => "digit",
            Self::Erase => "erase",
            Self::Send => "send",
            Self::WriteForms => "write-forms",
            Self::Check => "check-again",
            Self::Settle => "settle",
            Self::Pause => "pause",
            Self::StopAfterForm => "stop-after-form",
            Self::Take => "choose-data-set",
            Self::Values => "values",
            Self::Search => "search",
            Self::WriteMapping => "write-mapping",
            _ => self.reply(),
        }
    }

    /// The name of an answer to something asked.
    fn reply(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Zeros => "answer-zero",
            Self::KeepOld => "answer-keep",
            Self::Make(Finer::Sum) => "answer-sum",
            Self::Make(Finer::Last) => "answer-last",
            Self::Make(Finer::Average) => "answer-average",
            Self::Make(Finer::ByType) => "answer-by-type",
            Self::Make(Finer::LeaveOut) => "answer-leave-out",
            Self::TakeBack => "answer-take-back",
            Self::By(Sort::Weight) => "sort-by-weight",
            Self::By(Sort::Flags) => "sort-by-flags",
            Self::By(Sort::Change) => "sort-by-change",
            Self::By(Sort::Name) => "sort-by-name",
            Self::By(Sort::Left) => "sort-by-left",
            Self::Accept => "accept",
            Self::Again => "last-reason",
            _ => "run",
        }
    }

    /// Why its keys stay as they are; `None` where they can be changed.
    pub fn fixed(self) -> Option<&'static str> {
        match self {
            Self::Toggle => Some("space marks, and no other key does"),
            Self::Digit | Self::Erase | Self::Send => Some("the count is typed, and enter takes it"),
            Self::Interrupt => Some("ctrl-c always leaves"),
            Self::Yes
            | Self::Zeros
            | Self::KeepOld
            | Self::Make(_)
            | Self::TakeBack
            | Self::By(_)
            | Self::Accept
            | Self::Again
            | Self::Run => Some("it answers what is asked, in the words on the screen"),
            _ => None,
        }
    }

    /// The key that stays one of its keys, because the screen and its sentences name it.
    pub fn keeps(self) -> Option<&'static str> {
        match self {
            Self::Tab(Screen::Overview) => Some("1"),
            Self::Tab(Screen::Properties) => Some("2"),
            Self::Tab(Screen::Facilities) => Some("3"),
            Self::Tab(Screen::Submit) => Some("4"),
            Self::Tab(Screen::DataSets) => Some("5"),
            Self::Escape | Self::StopReading => Some("esc"),
            Self::Open | Self::Check | Self::Choose | Self::Take => Some("enter"),
            Self::Down => Some("down"),
            Self::Up => Some("up"),
            _ => None,
        }
    }

    /// Whether it ends in the review file, in the mapping file or at the server.
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::Approve
                | Self::Reject
                | Self::Clear
                | Self::Toggle
                | Self::Zero
                | Self::ZeroAll
                | Self::Zeros
                | Self::KeepOld
                | Self::ApproveAll
                | Self::RejectAll
                | Self::ClearAll
                | Self::Undo
                | Self::Redo
                | Self::Note
                | Self::Send
                | Self::Settle
                | Self::WriteMapping
        )
    }
}
