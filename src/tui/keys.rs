//! The rows of the key table. See `keymap` for what is done with them.

use super::{
    keymap::{Action, Press, Scope},
    screen::Screen,
};
use crate::{domain::query::Sort, job::reach::Finer};

/// One row: everything that is known of an action in a scope.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Keys, as [`Press::parse`] reads them.
    pub keys: &'static [&'static str],
    /// The keys as shown in footer and help.
    pub show: &'static str,
    /// Where they work.
    pub scope: Scope,
    /// What they do.
    pub action: Action,
    /// Two words for the footer.
    pub label: &'static str,
    /// A line for the help; empty where the label says it all.
    pub help: &'static str,
    /// How much its place in the footer is needed, 1 most; 0: not there.
    pub rank: u8,
    /// Heading in the help.
    pub group: &'static str,
}

impl Row {
    /// Whether this key is one of its keys, whatever the settings say.
    pub fn has(&self, press: Press) -> bool {
        self.keys.iter().any(|key| Press::parse(key) == Some(press))
    }
}

/// Short form of the table's lines.
const fn row(
    (scope, action, rank): (Scope, Action, u8),
    (keys, show): (&'static [&'static str], &'static str),
    (group, label, help): (&'static str, &'static str, &'static str),
) -> Row {
    Row { keys, show, scope, action, label, help, rank, group }
}

/// Every key (review-ux.md, Keys).
pub static TABLE: &[Row] = {
    use Action as A;
    use Scope as S;
    &[
        // Properties and Facilities, in the order of their footers. 0 stands where approving does otherwise.
        row((S::Review, A::Zero, 1), (&["0"], "0"), ("Decide", "write 0", "for a cell that reads (0?)")),
        row(
            (S::Review, A::Approve, 1),
            (&["a"], "a"),
            (
                "Decide",
                "approve",
                "the cell; in the list: the facility's changes without a flag; only REVIEW left: asks for those",
            ),
        ),
        row((S::Review, A::Reject, 2), (&["r"], "r"), ("Decide", "reject", "the case keeps its old value")),
        row((S::Review, A::Clear, 6), (&["c"], "c"), ("Decide", "clear", "back to undecided")),
        row(
            (S::Review, A::Toggle, 12),
            (&["space"], "space"),
            ("Decide", "toggle", "approved or undecided, cursor stays"),
        ),
        row((S::Review, A::Next, 3), (&["n"], "n"), ("Find", "next left", "next undecided, across facilities")),
        row((S::Review, A::Previous, 18), (&["p"], "p"), ("Find", "previous left", "previous undecided")),
        row((S::Review, A::NextFlag, 9), (&["]"], "]"), ("Find", "next flag", "next flagged and undecided")),
        row(
            (S::Review, A::PreviousFlag, 19),
            (&["["], "["),
            ("Find", "previous flag", "previous flagged and undecided"),
        ),
        row(
            (S::Review, A::ApproveAll, 4),
            (&["A"], "A"),
            (
                "Decide",
                "all shown",
                "approve what is shown without a flag; asks with the count; settles an open STOP of the property",
            ),
        ),
        row(
            (S::Review, A::RejectAll, 20),
            (&["R"], "R"),
            ("Decide", "reject all", "reject everything shown; asks with the count"),
        ),
        row(
            (S::Review, A::ClearAll, 0),
            (&["C"], "C"),
            ("Decide", "clear all", "everything shown back to undecided; asks with the count"),
        ),
        row(
            (S::Review, A::ZeroAll, 8),
            (&["O"], "O"),
            (
                "Decide",
                "all (0?)",
                "0 or the old value for the (0?) of the facility, in Properties of the property; asks",
            ),
        ),
        row(
            (S::Review, A::Range, 13),
            (&["v"], "v"),
            ("Decide", "range", "then move, then approve, reject or clear; again or esc: no range"),
        ),
        row((S::Review, A::RangeDown, 0), (&["shift-down"], "shift-↓"), ("Decide", "range down", "one row more")),
        row((S::Review, A::RangeUp, 0), (&["shift-up"], "shift-↑"), ("Decide", "range up", "one row more")),
        row((S::Review, A::Undo, 10), (&["u", "z"], "u"), ("Decide", "undo", "the last decision, also a bulk one")),
        row((S::Review, A::Redo, 0), (&["U", "Z"], "U"), ("Decide", "redo", "the decision undone last")),
        row(
            (S::Review, A::Filter, 7),
            (&["/"], "/"),
            (
                "Find",
                "filter",
                "words of names and ids, prop:beds, is:left, is:stop, state:not_reported; each word narrows; esc clears",
            ),
        ),
        row(
            (S::Review, A::Sort, 16),
            (&["s"], "s"),
            ("Find", "sort", "by weight, flags, change, name or left to decide"),
        ),
        row((S::Review, A::Pick, 11), (&["f"], "f"), ("Find", "flags", "flags, states and marks to show")),
        row((S::Review, A::Unchanged, 0), (&["t"], "t"), ("Find", "unchanged", "show or hide what does not change")),
        row(
            (S::Review, A::Note, 14),
            (&["m"], "m"),
            ("Decide", "note", "why a decision is as it is, or waits; kept in the review file"),
        ),
        row((S::Review, A::Copy, 15), (&["y"], "y"), ("Other", "copy", "the row, as tab-separated text")),
        row(
            (S::Review, A::CopyAll, 0),
            (&["Y"], "Y"),
            ("Other", "copy facility", "all its rows, as tab-separated text"),
        ),
        row(
            (S::Review, A::Export, 17),
            (&["e"], "e"),
            ("Other", "export", "what is shown, to a table beside the review file"),
        ),
        row((S::Review, A::Widen, 0), (&["w"], "w"), ("Move", "widen", "the pane that has the keys; again: back")),
        row(
            (S::Review, A::Read, 0),
            (&["F"], "F"),
            ("Read", "read again", "both sides; decisions on values that did not move stay"),
        ),
        // Facilities.
        row(
            (S::Facilities, A::Into, 0),
            (&["right", "l"], "l"),
            ("Move", "properties", "into the facility's properties"),
        ),
        row((S::Facilities, A::Out, 0), (&["left", "h"], "h"), ("Move", "list", "back to the facilities")),
        row((S::Facilities, A::NextPane, 8), (&["tab"], "tab"), ("Move", "pane", "next pane")),
        row((S::Facilities, A::PreviousPane, 0), (&["shift-tab"], "shift-tab"), ("Move", "previous pane", "")),
        row(
            (S::Facilities, A::Open, 0),
            (&["enter"], "enter"),
            ("Move", "open", "the facility, or the property across facilities"),
        ),
        // Properties.
        row((S::Properties, A::NextProperty, 5), (&["right", "l"], "h l"), ("Move", "property", "next property")),
        row((S::Properties, A::PreviousProperty, 0), (&["left", "h"], "h"), ("Move", "previous property", "")),
        row(
            (S::Properties, A::Open, 0),
            (&["enter"], "enter"),
            ("Move", "open", "the facility with all its properties"),
        ),
        // Overview.
        row(
            (S::Overview, A::Export, 26),
            (&["e"], "e"),
            ("Other", "export", "the whole review, to a table beside its file"),
        ),
        row((S::Overview, A::Undo, 27), (&["u", "z"], "u"), ("Decide", "undo", "the last decision, also a bulk one")),
        row((S::Overview, A::Redo, 0), (&["U", "Z"], "U"), ("Decide", "redo", "the decision undone last")),
        row((S::Overview, A::Open, 1), (&["enter"], "enter"), ("Move", "open what is selected", "")),
        row(
            (S::Overview, A::Read, 24),
            (&["F"], "F"),
            ("Read", "read again", "both sides; decisions on values that did not move stay"),
        ),
        // Data sets.
        row((S::Mapped, A::Open, 1), (&["enter"], "enter"), ("Move", "candidates", "what could stand in the row")),
        row((S::Mapped, A::Into, 0), (&["right", "l"], "l"), ("Move", "candidates", "what could stand in the row")),
        row(
            (S::Candidates, A::Take, 1),
            (&["enter"], "enter"),
            ("Decide", "choose", "the candidate under the cursor for its row; writes nothing"),
        ),
        row((S::Candidates, A::Out, 0), (&["left", "h"], "h"), ("Move", "rows", "back to the rows of the mapping")),
        row(
            (S::DataSets, A::Values, 2),
            (&["o"], "o"),
            ("Find", "values for a facility", "what it would get from each candidate"),
        ),
        row(
            (S::DataSets, A::Search, 3),
            (&["/"], "/"),
            ("Find", "search all data sets", "words of data elements; esc: the row's own candidates again"),
        ),
        row(
            (S::DataSets, A::WriteMapping, 4),
            (&["w"], "w"),
            ("Decide", "write", "shows what changes in the mapping file, then asks; the old file is kept as a copy"),
        ),
        row((S::DataSets, A::Undo, 5), (&["u", "z"], "u"), ("Decide", "undo", "the last choice")),
        row((S::DataSets, A::Redo, 0), (&["U", "Z"], "U"), ("Decide", "redo", "the choice undone last")),
        row((S::DataSets, A::NextPane, 8), (&["tab"], "tab"), ("Move", "pane", "next pane")),
        row((S::DataSets, A::PreviousPane, 0), (&["shift-tab"], "shift-tab"), ("Move", "previous pane", "")),
        row((S::DataSets, A::Copy, 15), (&["y"], "y"), ("Other", "copy", "the row, as tab-separated text")),
        row(
            (S::DataSets, A::Read, 24),
            (&["F"], "F"),
            ("Read", "read again", "both sides, with the mapping file as it is now"),
        ),
        row((S::Reading, A::StopReading, 1), (&["esc"], "esc"), ("Read", "stop reading", "what came is kept")),
        row(
            (S::Unread, A::Read, 1),
            (&["enter", "F"], "enter"),
            ("Read", "read again", "goes on with what came before"),
        ),
        // Submit.
        row(
            (S::Ready, A::Send, 1),
            (&["enter"], "enter"),
            ("Submit", "submit", "only when the count typed is the number of changes"),
        ),
        row(
            (S::Ready, A::Digit, 0),
            (&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "0-9"),
            ("Submit", "count", "type the number of changes"),
        ),
        row((S::Ready, A::Erase, 0), (&["backspace"], "backspace"), ("Submit", "erase", "the last digit")),
        row(
            (S::Ready, A::WriteForms, 2),
            (&["d"], "d"),
            ("Submit", "write forms to a folder", "instead of sending them"),
        ),
        row(
            (S::Ready, A::ListFlagged, 3),
            (&["f"], "f"),
            ("Submit", "flagged", "the changes with a flag that would be written"),
        ),
        row((S::Ready, A::ListAll, 4), (&["v"], "v"), ("Submit", "full list", "every change that would be written")),
        row((S::Ready, A::Escape, 5), (&["esc"], "esc"), ("Submit", "back", "sends nothing")),
        row(
            (S::Submit, A::Copy, 0),
            (&["y"], "y"),
            ("Other", "copy curl", "the form under the cursor as a curl command, without secrets"),
        ),
        row(
            (S::Submit, A::CopyAll, 0),
            (&["Y"], "Y"),
            ("Other", "copy XML", "the form under the cursor, as it was sent"),
        ),
        row((S::Sending, A::Pause, 1), (&["p"], "p"), ("Submit", "pause", "between forms; again: go on")),
        row(
            (S::Sending, A::StopAfterForm, 2),
            (&["s"], "s"),
            ("Submit", "stop after this form", "the rest stays approved and unsent"),
        ),
        row((S::Sending, A::Open, 3), (&["enter"], "enter"), ("Submit", "details", "of the form under the cursor")),
        row(
            (S::Settled, A::Check, 1),
            (&["enter"], "enter"),
            ("Submit", "check again", "the cases are read again; sends nothing"),
        ),
        row(
            (S::Settled, A::Settle, 2),
            (&["v"], "v"),
            ("Submit", "settle what is open", "the same bytes again, or reading back; no new form"),
        ),
        // Lists.
        row((S::Lists, A::Down, 0), (&["down", "j"], "↓ j"), ("Move", "down", "a count before it: so many rows")),
        row((S::Lists, A::Up, 0), (&["up", "k"], "↑ k"), ("Move", "up", "")),
        row((S::Lists, A::HalfDown, 0), (&["pgdn", "ctrl-d"], "pgdn"), ("Move", "half a page down", "")),
        row((S::Lists, A::HalfUp, 0), (&["pgup", "ctrl-u"], "pgup"), ("Move", "half a page up", "")),
        row((S::Lists, A::First, 0), (&["home", "g"], "g"), ("Move", "first", "")),
        row((S::Lists, A::Last, 0), (&["end", "G"], "G"), ("Move", "last", "")),
        // Help and other things over the screen.
        row((S::Help, A::Escape, 1), (&["esc", "?", "f1"], "esc"), ("Help", "close", "")),
        row((S::Help, A::Run, 2), (&["enter"], "enter"), ("Help", "run", "what is selected")),
        row((S::Help, A::Down, 3), (&["down"], "↑↓"), ("Help", "move", "")),
        row((S::Help, A::Up, 0), (&["up"], "↑"), ("Help", "up", "")),
        row((S::Help, A::HalfDown, 0), (&["pgdn"], "pgdn"), ("Help", "half a page down", "")),
        row((S::Help, A::HalfUp, 0), (&["pgup"], "pgup"), ("Help", "half a page up", "")),
        row((S::Over, A::Escape, 1), (&["esc", "q", "L"], "esc"), ("Move", "close", "")),
        row(
            (S::Picks, A::Choose, 1),
            (&["enter", "space"], "enter"),
            ("Find", "choose", "into the filter, or out of it"),
        ),
        row((S::Changes, A::Open, 1), (&["enter"], "enter"), ("Move", "open", "the facility with all its properties")),
        row((S::Changes, A::Copy, 2), (&["y"], "y"), ("Other", "copy", "the row, as tab-separated text")),
        // Questions and prompts.
        row((S::Order, A::By(Sort::Weight), 1), (&["w"], "w"), ("Find", "weight", "what deserves a look first")),
        row((S::Order, A::By(Sort::Flags), 2), (&["f"], "f"), ("Find", "flags", "most STOP, then most REVIEW left")),
        row(
            (S::Order, A::By(Sort::Change), 3),
            (&["c"], "c"),
            ("Find", "change", "the largest change against the old value"),
        ),
        row((S::Order, A::By(Sort::Name), 4), (&["n"], "n"), ("Find", "name", "")),
        row((S::Order, A::By(Sort::Left), 5), (&["l"], "l"), ("Find", "left to decide", "")),
        row((S::Question, A::Yes, 1), (&["y"], "y"), ("Decide", "yes", "any other key: no")),
        row((S::Choice, A::Zeros, 1), (&["0"], "0"), ("Decide", "write 0", "for all without a flag")),
        row((S::Choice, A::KeepOld, 2), (&["r"], "r"), ("Decide", "keep the old values", "any other key: neither")),
        row((S::Months, A::Make(Finer::Sum), 1), (&["s"], "s"), ("Read", "sum", "of the months")),
        row((S::Months, A::Make(Finer::Last), 2), (&["l"], "l"), ("Read", "last", "the last month that has rows")),
        row((S::Months, A::Make(Finer::Average), 3), (&["m"], "m"), ("Read", "average", "the mean of the months")),
        row(
            (S::Months, A::Make(Finer::ByType), 4),
            (&["t"], "t"),
            ("Read", "each by its type", "as DHIS2 aggregates each data element"),
        ),
        row(
            (S::Months, A::Make(Finer::LeaveOut), 5),
            (&["x"], "x"),
            ("Read", "leave out", "nothing is proposed for it"),
        ),
        row((S::Months, A::TakeBack, 6), (&["c"], "c"), ("Read", "take back", "nothing is chosen")),
        row((S::Prompt, A::Accept, 1), (&["enter"], "enter"), ("Decide", "take it", "")),
        row((S::Prompt, A::Escape, 2), (&["esc"], "esc"), ("Decide", "no", "")),
        row((S::Prompt, A::Again, 0), (&["up"], "↑"), ("Decide", "last reason", "")),
        // Everywhere.
        row((S::Everywhere, A::Tab(Screen::Overview), 0), (&["1"], "1"), ("Tabs", "overview", "")),
        row(
            (S::Everywhere, A::Tab(Screen::Properties), 21),
            (&["2"], "2"),
            ("Tabs", "properties", "one property across facilities"),
        ),
        row(
            (S::Everywhere, A::Tab(Screen::Facilities), 22),
            (&["3"], "3"),
            ("Tabs", "facilities", "one facility with its properties"),
        ),
        row(
            (S::Everywhere, A::Tab(Screen::Submit), 23),
            (&["4"], "4"),
            ("Tabs", "submit", "checks, then the typed count"),
        ),
        row(
            (S::Everywhere, A::Tab(Screen::DataSets), 28),
            (&["5"], "5"),
            ("Tabs", "data sets", "the rows of the mapping and their data sets"),
        ),
        row((S::Everywhere, A::Log, 0), (&["L"], "L"), ("Other", "messages", "everything the status line has said")),
        row(
            (S::Everywhere, A::Escape, 0),
            (&["esc"], "esc"),
            ("Other", "close", "what is open; clears the filter; never leaves"),
        ),
        row((S::Everywhere, A::Back, 25), (&["q"], "q"), ("Other", "leave", "decisions are saved already")),
        row((S::Everywhere, A::Help, 27), (&["?", "f1"], "?"), ("Other", "help", "type to search, enter runs it")),
        row((S::Small, A::Back, 1), (&["q"], "q"), ("Other", "leave", "")),
        row(
            (S::Always, A::Interrupt, 0),
            (&["ctrl-c"], "ctrl-c"),
            ("Other", "leave at once", "while sending: stop after this form; again: abandon the request; again: leave"),
        ),
        row((S::Always, A::Suspend, 0), (&["ctrl-z"], "ctrl-z"), ("Other", "suspend", "to the shell; fg comes back")),
        row((S::Always, A::Redraw, 0), (&["ctrl-l"], "ctrl-l"), ("Other", "draw again", "")),
    ]
};
