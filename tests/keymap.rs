//! The one table of keys: nothing bound twice, nothing without a key, and a way out everywhere.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers};
use onse::{
    domain::text::width,
    job::reach::Finer,
    tui::{
        keymap::{self, Action, Press, Scope, TABLE},
        model::{Look, Model, Run},
        msg::{Msg, Now},
        screen::Screen,
        update::update,
    },
};

#[test]
fn every_key_can_be_read_and_is_shown_as_it_is_read() {
    for row in TABLE {
        for key in row.keys {
            let press = Press::parse(key).unwrap_or_else(|| panic!("no key {key}"));
            assert_eq!(press.to_string(), *key);
        }
    }
    for text in ["", "ab", "ctrl-", "shift-a", "hyper-x", "enter ", " "] {
        assert_eq!(Press::parse(text), None, "{text:?}");
    }
}

#[test]
fn no_key_is_bound_twice_in_a_scope() {
    for (i, row) in TABLE.iter().enumerate() {
        for key in row.keys {
            let also = TABLE.iter().skip(i + 1).find(|other| other.scope == row.scope && other.keys.contains(key));
            assert!(also.is_none(), "{key} in {:?} is {:?} and {also:?}", row.scope, row.action);
            assert_eq!(row.keys.iter().filter(|other| *other == key).count(), 1);
        }
    }
}

#[test]
fn every_action_has_a_key_and_words() {
    use Action as A;
    let all = [
        A::Tab(Screen::Overview),
        A::Tab(Screen::Properties),
        A::Tab(Screen::Facilities),
        A::Tab(Screen::Submit),
        A::NextPane,
        A::PreviousPane,
        A::Help,
        A::Back,
        A::Escape,
        A::Interrupt,
        A::Suspend,
        A::Redraw,
        A::Log,
        A::Down,
        A::Up,
        A::HalfDown,
        A::HalfUp,
        A::First,
        A::Last,
        A::Into,
        A::Out,
        A::NextProperty,
        A::PreviousProperty,
        A::Open,
        A::Next,
        A::Previous,
        A::NextFlag,
        A::PreviousFlag,
        A::Approve,
        A::Reject,
        A::Clear,
        A::Zero,
        A::ZeroAll,
        A::Zeros,
        A::KeepOld,
        A::Make(Finer::Sum),
        A::Make(Finer::Last),
        A::Make(Finer::Average),
        A::Make(Finer::ByType),
        A::Make(Finer::LeaveOut),
        A::TakeBack,
        A::Toggle,
        A::ApproveAll,
        A::RejectAll,
        A::ClearAll,
        A::Undo,
        A::Redo,
        A::Filter,
        A::Unchanged,
        A::Read,
        A::StopReading,
        A::Digit,
        A::Erase,
        A::Send,
        A::WriteForms,
        A::Check,
        A::Settle,
        A::Pause,
        A::StopAfterForm,
        A::Yes,
        A::Accept,
        A::Again,
        A::Run,
    ];
    for action in all {
        assert!(TABLE.iter().any(|row| row.action == action && !row.keys.is_empty()), "{action:?}");
    }
    for row in TABLE {
        assert!(all.contains(&row.action), "add {:?} to this test", row.action);
        assert!(!row.label.is_empty() && !row.group.is_empty() && !row.show.is_empty());
        assert!(width(row.label) <= 23 && width(row.show) <= 9, "{} {}", row.show, row.label);
    }
}

#[test]
fn only_the_count_and_a_question_can_send_or_decide_in_bulk() {
    for row in TABLE {
        match row.action {
            Action::Send => assert_eq!(row.scope, Scope::Ready),
            Action::Yes => assert_eq!((row.scope, row.keys), (Scope::Question, &["y"][..])),
            Action::Zeros | Action::KeepOld => {
                assert_eq!(row.scope, Scope::Choice);
                assert!(row.keys != ["O"], "the key that asks does not answer");
            }
            Action::Make(_) | Action::TakeBack => {
                assert_eq!(row.scope, Scope::Months);
                assert!(!["enter", "a", "y", "F"].contains(&row.keys[0]), "no key that asks or approves elsewhere");
            }
            Action::Approve | Action::Zero | Action::ZeroAll | Action::Reject | Action::ApproveAll => {
                assert_eq!(row.scope, Scope::Review);
                assert!(!row.keys.iter().any(|key| ["enter", "esc", "space", "y", "tab"].contains(key)));
            }
            _ => {}
        }
    }
}

#[test]
fn there_is_a_way_out_at_every_size_and_in_every_prompt() {
    let interrupt = Press::parse("ctrl-c").unwrap();
    for (width, height) in [(0, 0), (20, 10), (80, 24)] {
        for keys in [&[][..], &["?"], &["?", "x"], &["L"]] {
            let mut model = Model::new(Run::default(), Look::default(), (width, height));
            for key in keys {
                update(&mut model, Msg::Key(Press::parse(key).unwrap()), &Now::default());
            }
            let found = keymap::find(keymap::scopes(&model), interrupt).unwrap();
            assert_eq!(found.action, Action::Interrupt);
            update(&mut model, Msg::Key(interrupt), &Now::default());
            assert!(model.leaving);
        }
    }
}

fn event(code: KeyCode, modifiers: KeyModifiers, kind: KeyEventKind) -> Option<String> {
    Press::from_event(KeyEvent { code, modifiers, kind, state: KeyEventState::NONE }).map(|press| press.to_string())
}

#[test]
fn shift_is_folded_and_releases_are_ignored() {
    let (none, shift, ctrl) = (KeyModifiers::NONE, KeyModifiers::SHIFT, KeyModifiers::CONTROL);
    let cases = [
        (KeyCode::Char('a'), none, Some("a")),
        (KeyCode::Char('A'), none, Some("A")),
        (KeyCode::Char('a'), shift, Some("A")),
        (KeyCode::Char('A'), shift, Some("A")),
        (KeyCode::Char('?'), shift, Some("?")),
        (KeyCode::Char('é'), shift, Some("É")),
        (KeyCode::Char('C'), ctrl | shift, Some("ctrl-c")),
        (KeyCode::BackTab, shift, Some("shift-tab")),
        (KeyCode::BackTab, none, Some("shift-tab")),
        (KeyCode::Tab, shift, Some("shift-tab")),
        (KeyCode::Char(' '), none, Some("space")),
        (KeyCode::Null, none, None),
    ];
    for (code, modifiers, expected) in cases {
        assert_eq!(event(code, modifiers, KeyEventKind::Press).as_deref(), expected, "{code:?} {modifiers:?}");
        assert_eq!(event(code, modifiers, KeyEventKind::Repeat).as_deref(), expected);
        assert_eq!(event(code, modifiers, KeyEventKind::Release), None);
    }
}
